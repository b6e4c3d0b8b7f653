//! How an actor's messages get their tokens and its signature, and how a receiver judges them
//! (dms-capabilities section 3.2).

use std::sync::Arc;

use super::behaviour::Behaviour;
use super::envelope::Envelope;
use super::message::Message;
use super::pipeline::Rejection;
use crate::dms::capability::{
    Broadcast, Capability, CapabilityContext, CapabilityError, Consumption, Invocation, NonceCounter,
    Refusal, TokenList,
};
use crate::dms::identity::{ActorId, Did, Handle, Inbox, PeerId, SecretKey, Signature};
use crate::kernel::{Span, Timestamp, random::Rng};

/// An actor's own part: its address, its key and its counter. The capability context is its node's.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Where it is reached.
    pub handle: Arc<Handle>,
    secret: SecretKey,
    nonce: NonceCounter,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// The behaviour to call.
    pub behaviour: Behaviour,
    /// The behaviour of ours that waits for a reply.
    pub reply_to: Option<Behaviour>,
    /// When the message is worth nothing any more.
    pub expire: Timestamp,
    /// The payload.
    pub message: Message,
}

impl Actor {
    /// The root actor of a node: its key is the node's.
    #[must_use]
    pub fn root(secret: SecretKey, now: Timestamp) -> Self {
        let handle = Arc::new(Handle::root(secret.public()));
        Self { handle, secret, nonce: NonceCounter::starting_at(now) }
    }

    /// A child actor of the node `did` on `host`, with a key of its own.
    #[must_use]
    pub fn child(secret: SecretKey, did: Did, host: PeerId, inbox: Inbox, now: Timestamp) -> Self {
        let handle = Arc::new(Handle { id: ActorId(secret.public()), did, host, inbox });
        Self { handle, secret, nonce: NonceCounter::starting_at(now) }
    }

    /// The next message nonce.
    pub const fn next_nonce(&mut self) -> u64 {
        self.nonce.next_nonce()
    }

    /// A signed message to `to` with its tokens: the behaviour to invoke, and for the receiver's reply a delegation.
    /// Never fails for want of authority: the sender signs for itself, and only the receiver decides.
    #[must_use]
    pub fn seal(
        &self,
        context: &CapabilityContext,
        nonce: u64,
        to: Arc<Handle>,
        call: Call,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Envelope {
        let mut tokens = TokenList::new();
        if *to != *self.handle {
            let delegate = call.reply_to.as_ref().map(|behaviour| &behaviour.path);
            let invocation = Invocation {
                target: &to.did,
                sender: self.handle.id.0,
                receiver: to.id.0,
                expire: call.expire,
                invoke: std::slice::from_ref(&call.behaviour.path),
                delegate: delegate.map_or(&[], std::slice::from_ref),
            };
            context
                .provide(&invocation, now, &mut || token_nonce(random), &mut tokens)
                .expect("a call names the behaviour that it invokes");
        }
        self.sign(Some(to), None, call, nonce, tokens)
    }

    /// A signed broadcast on `topic`.
    #[must_use]
    pub fn seal_broadcast(
        &self,
        context: &CapabilityContext,
        nonce: u64,
        topic: &Capability,
        call: Call,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Envelope {
        let mut tokens = TokenList::new();
        let broadcast = Broadcast {
            sender: self.handle.id.0,
            topic,
            expire: call.expire,
            capabilities: std::slice::from_ref(&call.behaviour.path),
        };
        context
            .provide_broadcast(&broadcast, now, &mut || token_nonce(random), &mut tokens)
            .expect("a call names the behaviour that it invokes");
        self.sign(None, Some(topic.clone()), call, nonce, tokens)
    }

    fn sign(
        &self,
        to: Option<Arc<Handle>>,
        topic: Option<Capability>,
        call: Call,
        nonce: u64,
        tokens: TokenList,
    ) -> Envelope {
        let mut envelope = Envelope {
            to,
            behaviour: call.behaviour,
            from: Arc::clone(&self.handle),
            nonce,
            expire: call.expire,
            reply_to: call.reply_to,
            topic,
            message: call.message,
            tokens,
            signature: Signature([0; 64]),
            verified: std::sync::OnceLock::new(),
        };
        envelope.signature = self.secret.sign(&envelope);
        envelope
    }
}

fn token_nonce(random: &mut Rng<'_>) -> [u8; 12] {
    let mut nonce = [0; 12];
    random.fill_bytes(&mut nonce);
    nonce
}

/// A node's authority: what it accepts and what it may do, shared by all of its actors.
#[derive(Clone, Debug)]
pub struct SecurityContext {
    /// Anchors and tokens.
    pub capabilities: CapabilityContext,
}

impl SecurityContext {
    /// Whether the message may invoke its behaviour on the actor `receiver`: expiry, signature, then tokens. On success the
    /// tokens stay consumed, so that a reply can build on them, until [`SecurityContext::discard`].
    ///
    /// # Errors
    /// The rejection, and for [`Rejection::NotAuthorized`] the explanation of each token.
    pub fn authorize(
        &mut self,
        envelope: &Envelope,
        receiver: &Handle,
        topic: Option<&Capability>,
        now: Timestamp,
    ) -> Result<(), (Rejection, Option<Refusal>)> {
        let mode = self.capabilities.trust().mode();
        if envelope.is_expired(now) {
            return Err((Rejection::Expired, None));
        }
        if !envelope.is_signed(mode) {
            return Err((Rejection::BadSignature, None));
        }
        if envelope.topic.as_ref() != topic || envelope.is_broadcast() != topic.is_some() {
            return Err((Rejection::TopicMismatch, None));
        }
        if *envelope.from == *receiver {
            return Ok(());
        }
        let consumption = match self.capabilities.consume(&envelope.from.did, &envelope.tokens, now) {
            Ok(consumption) => consumption,
            Err(_) => return Err((Rejection::NotAuthorized, None)),
        };
        let own = self.capabilities.did().clone();
        let wanted = std::slice::from_ref(&envelope.behaviour.path);
        let sender = envelope.from.id.0;
        let decision = match topic {
            None => self.capabilities.require(&own, sender, receiver.id.0, wanted, now),
            Some(topic) => self.capabilities.require_broadcast(&own, sender, topic, wanted, now),
        };
        decision.map(drop).map_err(|refusal| self.refuse(envelope, refusal, &consumption))
    }

    fn refuse(
        &mut self,
        envelope: &Envelope,
        refusal: Refusal,
        consumption: &Consumption,
    ) -> (Rejection, Option<Refusal>) {
        self.discard(&envelope.tokens);
        (Rejection::NotAuthorized, Some(refusal.with_consumption(consumption)))
    }

    /// Forgets the tokens of a message that has been handled.
    pub fn discard(&mut self, tokens: &TokenList) {
        self.capabilities.discard(tokens);
    }

    /// Takes the tokens of a message up again for a reply that comes later than its handler.
    pub fn recall(&mut self, origin: &Did, tokens: &TokenList, now: Timestamp) {
        // A token that has expired meanwhile is simply not kept; the reply then goes out self-signed.
        drop(self.capabilities.consume(origin, tokens, now));
    }

    /// Lets `subject` invoke `capabilities` on the actor with the key DID `audience`, for `duration` from now.
    ///
    /// # Errors
    /// "capability expired" when the duration is zero or too long to count.
    pub fn grant(
        &mut self,
        subject: &Did,
        audience: &Did,
        capabilities: &[Capability],
        duration: Span,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<(), CapabilityError> {
        let duration = i64::try_from(duration.0).unwrap_or(0);
        self.capabilities
            .grant_for(subject, audience, capabilities, duration, now, token_nonce(random))
            .map(drop)
    }
}
