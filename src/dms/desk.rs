//! What every part of a peer works with while it handles one input: the time, the node's authority and the outbox.

use std::sync::Arc;

use crate::dms::actor::{
    Actor, Behaviour, Call, DeploymentReport, Envelope, Message, Report, SecurityContext,
};
use crate::dms::capability::{Capability, TokenList};
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId, Handle, Signature};
use crate::dms::outbox::{Action, Outbox, Owner, Timer};
use crate::dms::profile::Weakness;
use crate::kernel::{Span, Timestamp};

/// The time, the node's authority and the outbox of one call of `Peer::handle`.
pub(in crate::dms) struct Desk<'a, 'o> {
    pub(in crate::dms) now: Timestamp,
    pub(in crate::dms) security: &'a mut SecurityContext,
    pub(in crate::dms) out: &'a mut Outbox<'o>,
}

/// A reply that comes later than the handler of its request: where to, and by what authority.
#[derive(Clone, Debug)]
pub(in crate::dms) struct OwedReply {
    to: Arc<Handle>,
    behaviour: Behaviour,
    expire: Timestamp,
    tokens: TokenList,
}

impl OwedReply {
    /// The reply that a request asks for; none when it asks for none.
    pub(in crate::dms) fn to(request: &Envelope) -> Option<Self> {
        Some(Self {
            to: Arc::clone(&request.from),
            behaviour: request.reply_to.clone()?,
            expire: request.expire,
            tokens: request.tokens.clone(),
        })
    }
}

/// What is answered to somebody who asked about deployments: a report, or why not.
pub(in crate::dms) type Answer = Result<DeploymentReport, Arc<str>>;

/// Somebody who asked the node something and waits for the answer.
#[derive(Clone, Debug)]
pub(in crate::dms) enum Asker {
    /// The operator at the node's own command line, by the number of the operation.
    Operator(u32),
    /// The sender of a message; none when it wants no answer.
    Message(Option<Box<OwedReply>>),
}

impl Asker {
    /// Nobody waits.
    pub(in crate::dms) const NOBODY: Self = Self::Message(None);

    /// Tells it the answer, in the name of the node.
    pub(in crate::dms) fn answer(self, desk: &mut Desk<'_, '_>, root: &mut Actor, answer: Answer) {
        match self {
            Self::Operator(operation) => desk.show(operation, in_message(answer)),
            Self::Message(None) => {}
            Self::Message(Some(owed)) => desk.reply_later(root, *owed, in_message(answer)),
        }
    }
}

/// The message that tells it.
fn in_message(answer: Answer) -> Message {
    match answer {
        Ok(report) => Message::Report(Arc::new(Report::Deployment(report))),
        Err(reason) => Message::Error(reason),
    }
}

impl Desk<'_, '_> {
    /// Shows an operator what their operation has come to.
    pub(in crate::dms) fn show(&mut self, operation: u32, message: Message) {
        self.fact(match &message {
            Message::Error(reason) => Fact::OperationRefused { operation, reason: Arc::clone(reason) },
            other => Fact::OperationAnswered { operation, answer: other.summary().into() },
        });
        self.out.effects.shown.push((operation, message));
    }

    pub(in crate::dms) fn fact(&mut self, fact: Fact) {
        self.out.effects.facts.push(fact);
    }

    pub(in crate::dms) fn timer(&mut self, after: Span, timer: Timer) {
        self.out.effects.timers.push((self.now + after, timer));
    }

    pub(in crate::dms) fn action(&mut self, action: Action) {
        self.out.effects.actions.push(action);
    }

    /// Lets `subject` invoke `capability` on the actor with the key DID `audience` for a time from now.
    pub(in crate::dms) fn grant(
        &mut self,
        subject: &Did,
        audience: &Did,
        capability: &Capability,
        duration: Span,
    ) {
        let capabilities = std::slice::from_ref(capability);
        let random = &mut self.out.random;
        self.security
            .grant(subject, audience, capabilities, duration, self.now, random)
            .expect("a grant for a positive time is valid");
    }

    /// Sends without expecting an answer.
    pub(in crate::dms) fn send(&mut self, actor: &mut Actor, to: &Arc<Handle>, call: Call) {
        let nonce = actor.next_nonce();
        self.send_as(actor, nonce, to, call);
    }

    fn send_as(&mut self, actor: &Actor, nonce: u64, to: &Arc<Handle>, call: Call) {
        let mut envelope = actor.seal(
            &self.security.capabilities,
            nonce,
            Arc::clone(to),
            call,
            self.now,
            &mut self.out.random,
        );
        if self.security.profile.has(Weakness::UnsignedSelfSends) && **to == *actor.handle {
            envelope = envelope.altered(|envelope| envelope.signature = Signature::NONE);
        }
        self.out.effects.sends.push(envelope);
    }

    /// Publishes on `topic` for every node that listens. True when the node holds authority for it, which receivers
    /// need to answer; a broadcast that only the sender itself vouches for is a fact (C10, as it is meant).
    pub(in crate::dms) fn publish(
        &mut self,
        actor: &mut Actor,
        topic: &Capability,
        call: Call,
        ensemble: Option<EnsembleId>,
    ) -> bool {
        let nonce = actor.next_nonce();
        let behaviour = call.behaviour.kind;
        let context = &self.security.capabilities;
        let envelope = actor.seal_broadcast(context, nonce, topic, call, self.now, &mut self.out.random);
        let vouched = envelope.tokens.iter().any(|token| token.chain().is_some());
        self.out.effects.sends.push(envelope);
        let noticed = !vouched && !self.security.profile.has(Weakness::UnnoticedSelfSigning);
        if noticed {
            self.fact(Fact::SentWithoutAuthority { behaviour, ensemble });
        }
        !noticed
    }

    /// Sends and waits for the reply: it comes to the one-shot behaviour named after the nonce returned, or its
    /// timer does. The message lives as long as the wait lasts.
    pub(in crate::dms) fn invoke(
        &mut self,
        actor: &mut Actor,
        owner: Owner,
        to: &Arc<Handle>,
        behaviour: Behaviour,
        message: Message,
        timeout: Span,
    ) -> u64 {
        self.invoke_for(actor, owner, to, behaviour, message, (timeout, timeout))
    }

    /// The same for a message that lives another time than the wait for its reply: `(life, wait)`.
    pub(in crate::dms) fn invoke_for(
        &mut self,
        actor: &mut Actor,
        owner: Owner,
        to: &Arc<Handle>,
        behaviour: Behaviour,
        message: Message,
        (life, wait): (Span, Span),
    ) -> u64 {
        let nonce = self.call(actor, to, behaviour, message, self.now + life);
        self.timer(wait, Timer::Reply(owner, nonce));
        nonce
    }

    /// Sends and names the one-shot behaviour to which the reply comes, without a timer for its absence.
    pub(in crate::dms) fn call(
        &mut self,
        actor: &mut Actor,
        to: &Arc<Handle>,
        behaviour: Behaviour,
        message: Message,
        expire: Timestamp,
    ) -> u64 {
        let nonce = actor.next_nonce();
        let reply_to = Some(Behaviour::reply_to(nonce));
        self.send_as(actor, nonce, to, Call { behaviour, reply_to, expire, message });
        nonce
    }

    /// Answers a request whose tokens are still consumed; a request that wants no answer gets none.
    pub(in crate::dms) fn reply(&mut self, actor: &mut Actor, request: &Envelope, message: Message) {
        if let Some(behaviour) = &request.reply_to {
            let call = Call { behaviour: behaviour.clone(), reply_to: None, expire: request.expire, message };
            self.send(actor, &request.from, call);
        }
    }

    /// Answers a request that was handled earlier.
    pub(in crate::dms) fn reply_later(&mut self, actor: &mut Actor, owed: OwedReply, message: Message) {
        self.security.recall(&owed.to.did, &owed.tokens, self.now);
        let call = Call { behaviour: owed.behaviour, reply_to: None, expire: owed.expire, message };
        self.send(actor, &owed.to, call);
        self.security.discard(&owed.tokens);
    }
}
