//! What an attack works with: identities that seal, an address book, randomness, and the messages that it makes.

use std::sync::Arc;

use crate::dms::actor::{
    Actor, Behaviour, BehaviourKind, BidRequest, Call, Commit, Envelope, Message, Revert, topics,
};
use crate::dms::capability::{CapabilityContext, Nonce, Rules, TokenList};
use crate::dms::constants::DEFAULT_MESSAGE_TIMEOUT;
use crate::dms::identity::{Did, EnsembleId, Handle, PeerId as HostId, SecretKey, SignatureMode};
use crate::dms::resources::Resources;
use crate::kernel::{Rng, Timestamp};
use crate::sim::event::PeerId;

/// A key with what it may do: its own node's, or one that was made up.
pub(super) struct Identity {
    pub(super) actor: Actor,
    pub(super) secret: SecretKey,
    pub(super) context: CapabilityContext,
}

impl Identity {
    /// The root actor of the node with this key and context.
    pub(super) fn new(secret: SecretKey, context: CapabilityContext, counter: Timestamp) -> Self {
        Self { actor: Actor::root(secret.clone(), counter), secret, context }
    }

    /// A fresh key that nobody has given anything.
    pub(super) fn made_up(mode: SignatureMode, counter: Timestamp, rng: &mut Rng<'_>) -> Self {
        let secret = SecretKey::ed25519(rng.bytes(), mode);
        let context = CapabilityContext::new(CapabilityContext::NODE, secret.clone(), Rules::INTENDED);
        Self::new(secret, context, counter)
    }

    /// Its DID.
    pub(super) const fn did(&self) -> &Did {
        self.context.did()
    }

    /// A message as an honest node would seal it, to the target or to everybody.
    pub(super) fn seal(&mut self, kit: &mut Kit<'_>) -> Envelope {
        let call = kit.call();
        self.seal_call(kit, call)
    }

    /// The same for a call that is given.
    pub(super) fn seal_call(&mut self, kit: &mut Kit<'_>, call: Call) -> Envelope {
        let (nonce, now) = (self.actor.next_nonce(), kit.now);
        let (context, random) = (&self.context, &mut kit.random);
        if kit.broadcast {
            self.actor.seal_broadcast(context, nonce, &topics::DEPLOYMENT, call, now, random)
        } else {
            self.actor.seal(context, nonce, Arc::clone(&kit.target), call, now, random)
        }
    }

    /// A well-signed message with exactly these tokens.
    pub(super) fn sign(&mut self, kit: &Kit<'_>, call: Call, tokens: TokenList) -> Envelope {
        let nonce = self.actor.next_nonce();
        if kit.broadcast {
            self.actor.seal_with(None, Some(topics::DEPLOYMENT.clone()), call, nonce, tokens)
        } else {
            self.actor.seal_with(Some(Arc::clone(&kit.target)), None, call, nonce, tokens)
        }
    }
}

/// A message that an attack has made.
pub(super) struct Shot {
    pub(super) envelope: Envelope,
    /// To this peer; none = to everybody.
    pub(super) to: Option<PeerId>,
    /// The transport identity that it connects with, where it is not its host's.
    pub(super) host: Option<HostId>,
    /// Whether it names another's DID as its sender's.
    pub(super) impersonates: bool,
    /// Whether it is somebody's message once more.
    pub(super) replays: bool,
}

/// What an attack has for one attempt.
pub(super) struct Kit<'a> {
    /// What the attacker's clock reads.
    pub(super) now: Timestamp,
    /// The DID of its own node.
    pub(super) own_did: Did,
    /// Whether this attempt is to go to everybody.
    pub(super) broadcast: bool,
    /// Whom it is for otherwise.
    pub(super) target_peer: PeerId,
    pub(super) target: Arc<Handle>,
    /// Somebody honest whose name may be used.
    pub(super) bystander: Arc<Handle>,
    pub(super) random: Rng<'a>,
    pub(super) shots: Vec<Shot>,
}

impl Kit<'_> {
    /// Something that every node has a behaviour for, and that harms nobody if it is executed: for a broadcast an
    /// empty request for bids, else a greeting, a commit of nothing or an undoing of nothing.
    pub(super) fn call(&mut self) -> Call {
        let kind = match self.random.below(3) {
            _ if self.broadcast => BehaviourKind::BidRequest,
            0 => BehaviourKind::PublicHello,
            1 => BehaviourKind::Commit,
            _ => BehaviourKind::Revert,
        };
        self.call_of(kind)
    }

    /// A call of one of those behaviours.
    pub(super) fn call_of(&mut self, kind: BehaviourKind) -> Call {
        let ensemble = EnsembleId(self.random.bytes());
        let message = match kind {
            BehaviourKind::BidRequest => {
                let nonce = self.random.next_u64();
                Message::BidRequest(Arc::new(BidRequest {
                    ensemble,
                    nonce,
                    requests: Vec::new(),
                    exclude: Vec::new(),
                    contracts: Arc::default(),
                    draw: None,
                    offers: None,
                }))
            }
            BehaviourKind::Commit => Message::Commit(Box::new(Commit {
                ensemble,
                allocation: format!("{ensemble}_none.none").into(),
                node: "none".into(),
                generation: 0,
                resources: Resources::default(),
                ports: Vec::new(),
                cards: Vec::new(),
            })),
            BehaviourKind::Revert => Message::Revert(Box::new(Revert { ensemble, allocations: Vec::new() })),
            _ => Message::Hello,
        };
        let expire = self.now + DEFAULT_MESSAGE_TIMEOUT;
        Call { behaviour: Behaviour::fixed(kind), reply_to: None, expire, message }
    }

    /// A fresh nonce for a token.
    pub(super) fn token_nonce(&mut self) -> Nonce {
        self.random.bytes()
    }

    const fn direction(&self) -> Option<PeerId> {
        if self.broadcast { None } else { Some(self.target_peer) }
    }

    /// Sends a message in the attacker's own right.
    pub(super) fn shoot(&mut self, envelope: Envelope) {
        let impersonates = envelope.from.did != self.own_did;
        let to = self.direction();
        self.shots.push(Shot { envelope, to, host: None, impersonates, replays: false });
    }

    /// Sends a message as another identity of the attacker, from a transport of that identity's own.
    pub(super) fn shoot_as(&mut self, who: &Identity, envelope: Envelope) {
        let impersonates = envelope.from.did != *who.did();
        let (to, host) = (self.direction(), Some(who.actor.handle.host));
        self.shots.push(Shot { envelope, to, host, impersonates, replays: false });
    }

    /// Sends somebody else's message once more: a broadcast to everybody, any other to the target.
    pub(super) fn replay(&mut self, envelope: Envelope) {
        let to = (!envelope.is_broadcast()).then_some(self.target_peer);
        self.shots.push(Shot { envelope, to, host: None, impersonates: false, replays: true });
    }
}
