//! How an actor's messages get their tokens and its signature, and how a receiver judges them
//! (dms-capabilities section 3.2).

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use thiserror::Error;

use super::behaviour::Behaviour;
use super::envelope::Envelope;
use super::message::Message;
use super::pipeline::Rejection;
use super::replay::ReplayGuard;
use crate::dms::capability::explain::Explanation;
use crate::dms::capability::{
    Authorised, Broadcast, Capability, CapabilityContext, CapabilityError, Consumption, Invocation,
    NonceCounter, Reach, Refusal, Requirement, TokenList,
};
use crate::dms::constants::BEHAVIOUR_GC_INTERVAL;
use crate::dms::identity::{ActorId, Did, Handle, Inbox, PeerId, SecretKey, Signature, SignatureMode};
use crate::dms::profile::{Profile, Weakness};
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

/// Why a message got no tokens or no signature.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SealError {
    /// Its sender is not the actor that was to sign it.
    #[error("bad sender")]
    BadSender,
    /// It has no receiver, so nobody to invoke anything on.
    #[error("no receiver")]
    NoReceiver,
    /// Its tokens cannot be made.
    #[error(transparent)]
    Capability(#[from] CapabilityError),
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

    /// The same actor after its node's process has started anew: handle and key are kept, and its counter begins at the
    /// time, so that no nonce comes twice. A process takes its actors up one after another, a microsecond each: `turn`
    /// is how many came before.
    #[must_use]
    pub fn revived(&self, now: Timestamp, turn: usize) -> Self {
        let (handle, secret) = (Arc::clone(&self.handle), self.secret.clone());
        Self { handle, secret, nonce: NonceCounter::starting_at(now + Span::micros(turn as u64)) }
    }

    /// The same actor, with the same key, on another node; its counter begins at the time.
    #[must_use]
    pub fn moved_to(&self, root: &Handle, now: Timestamp) -> Self {
        Self::child(self.secret.clone(), root.did.clone(), root.host, self.handle.inbox.clone(), now)
    }

    /// Its key, with which it signs contracts and mandates beside messages.
    pub(in crate::dms) const fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The next message nonce.
    pub const fn next_nonce(&mut self) -> u64 {
        self.nonce.next_nonce()
    }

    /// The nonce of its last message.
    pub(in crate::dms) const fn last_nonce(&self) -> u64 {
        self.nonce.last()
    }

    /// Goes on after the message with this nonce.
    pub(in crate::dms) const fn resume_after(&mut self, nonce: u64) {
        self.nonce.resume_after(nonce);
    }

    /// Counts messages that were sent without it.
    pub(in crate::dms) const fn pass_over(&mut self, messages: u64) {
        self.nonce.pass_over(messages);
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
        let mut envelope = self.envelope(Some(to), None, call, nonce);
        let Envelope { to, behaviour, reply_to, expire, tokens, .. } = &mut envelope;
        let invoke = std::slice::from_ref(&behaviour.path);
        let delegate = reply_to.as_ref().map_or(&[][..], |reply| std::slice::from_ref(&reply.path));
        self.make_tokens(context, (to, *expire), invoke, delegate, now, random, tokens)
            .and_then(|()| self.sign(&mut envelope))
            .expect("the message is this actor's own and names the behaviour that it invokes");
        envelope
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
        let mut envelope = self.envelope(None, Some(topic.clone()), call, nonce);
        let broadcast = Broadcast {
            sender: self.handle.id.0,
            topic,
            expire: envelope.expire,
            capabilities: std::slice::from_ref(&envelope.behaviour.path),
        };
        context
            .provide_broadcast(&broadcast, now, &mut || random.bytes(), &mut envelope.tokens)
            .expect("a call names the behaviour that it invokes");
        self.sign(&mut envelope).expect("the message is this actor's own");
        envelope
    }

    /// Gives a direct message the tokens to `invoke` something on its receiver, with a delegation of `delegate` for
    /// the reply, and signs it. A message to oneself needs no tokens.
    ///
    /// # Errors
    /// [`SealError::Capability`] when there is nothing to invoke, [`SealError::NoReceiver`] for a broadcast,
    /// [`SealError::BadSender`] as [`Actor::sign`]. The message is then not sent, and its tokens are worth nothing.
    pub fn provide(
        &self,
        context: &CapabilityContext,
        envelope: &mut Envelope,
        invoke: &[Capability],
        delegate: &[Capability],
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<(), SealError> {
        let Envelope { to, expire, tokens, .. } = &mut *envelope;
        self.make_tokens(context, (to, *expire), invoke, delegate, now, random, tokens)?;
        self.sign(envelope)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a message, borrowed one by one")]
    fn make_tokens(
        &self,
        context: &CapabilityContext,
        (to, expire): (&Option<Arc<Handle>>, Timestamp),
        invoke: &[Capability],
        delegate: &[Capability],
        now: Timestamp,
        random: &mut Rng<'_>,
        tokens: &mut TokenList,
    ) -> Result<(), SealError> {
        let to = to.as_ref().ok_or(SealError::NoReceiver)?;
        if **to == *self.handle {
            return Ok(());
        }
        let (target, sender, receiver) = (&to.did, self.handle.id.0, to.id.0);
        let invocation = Invocation { target, sender, receiver, expire, invoke, delegate };
        context.provide(&invocation, now, &mut || random.bytes(), tokens)?;
        Ok(())
    }

    /// Signs a message of this actor as it stands.
    ///
    /// # Errors
    /// [`SealError::BadSender`] when its sender is somebody else: an actor signs for itself only.
    pub fn sign(&self, envelope: &mut Envelope) -> Result<(), SealError> {
        if *envelope.from != *self.handle {
            return Err(SealError::BadSender);
        }
        envelope.signature = self.secret.sign(&*envelope);
        // To verify a modelled signature is to make it once more. A real one is left to its receivers.
        let is_known =
            self.secret.mode() == SignatureMode::Modelled && self.secret.public() == envelope.from.id.0;
        envelope.verified = if is_known { OnceLock::from(true) } else { OnceLock::new() };
        Ok(())
    }

    /// A signed message with the tokens that are given, whatever they are worth.
    #[must_use]
    pub fn seal_with(
        &self,
        to: Option<Arc<Handle>>,
        topic: Option<Capability>,
        call: Call,
        nonce: u64,
        tokens: TokenList,
    ) -> Envelope {
        let mut envelope = self.envelope(to, topic, call, nonce);
        envelope.tokens = tokens;
        self.sign(&mut envelope).expect("the message is this actor's own");
        envelope
    }

    /// A message of this actor without tokens and signature.
    fn envelope(
        &self,
        to: Option<Arc<Handle>>,
        topic: Option<Capability>,
        call: Call,
        nonce: u64,
    ) -> Envelope {
        Envelope {
            to,
            behaviour: call.behaviour,
            from: Arc::clone(&self.handle),
            nonce,
            expire: call.expire,
            reply_to: call.reply_to,
            topic,
            message: call.message,
            tokens: TokenList::new(),
            signature: Signature::NONE,
            verified: OnceLock::new(),
        }
    }
}

/// A node's authority: what it accepts and what it may do, shared by all of its actors.
#[derive(Clone, Debug)]
pub struct SecurityContext {
    /// Anchors and tokens.
    pub capabilities: CapabilityContext,
    /// The weaknesses that the node has.
    pub profile: Profile,
    replays: ReplayGuard,
    next_collection: Timestamp,
    /// Peers that told a wrong result. Like the anchors it is on disk.
    caught: BTreeSet<PeerId>,
}

/// Why a message was let through or not, in full.
#[derive(Clone, Debug)]
pub struct Account {
    /// The decision.
    pub decision: Result<(), Rejection>,
    /// What became of each token that came with it.
    pub consumed: Explanation,
    /// Which of those that were kept gives the authority, or why none does.
    pub required: Explanation,
}

impl SecurityContext {
    /// The authority of a node that has just started.
    #[must_use]
    pub fn new(capabilities: CapabilityContext, profile: Profile) -> Self {
        let next_collection = Timestamp::default();
        Self {
            capabilities,
            profile,
            replays: ReplayGuard::default(),
            next_collection,
            caught: BTreeSet::new(),
        }
    }

    /// A peer told a wrong result: the node takes no bid of it from now on.
    pub(in crate::dms) fn catch(&mut self, peer: PeerId) {
        self.caught.insert(peer);
    }

    /// Whether a peer told a wrong result once.
    #[must_use]
    pub fn has_caught(&self, peer: &PeerId) -> bool {
        self.caught.contains(peer)
    }

    /// The disk is new: who was caught is not known any more.
    pub(in crate::dms) fn forget_caught(&mut self) {
        self.caught.clear();
    }

    /// Drops what has expired, at most every two minutes: the nonces of messages, and tokens unless they pile up
    /// (C5). Called when a message comes, so that a node that nobody talks to has no work.
    pub fn collect(&mut self, now: Timestamp) {
        if now < self.next_collection {
            return;
        }
        self.next_collection = now + BEHAVIOUR_GC_INTERVAL;
        self.replays.forget_expired(now);
        if !self.profile.has(Weakness::NoTokenCollection) {
            self.capabilities.collect(now);
        }
    }

    /// The messages that must not be handled again: what it knows beside its capability context.
    #[must_use]
    pub fn handled(&self, now: Timestamp) -> ReplayGuard {
        self.replays.remembered(now)
    }

    /// Takes up what it knew of messages before its state was put away.
    pub(in crate::dms) fn recall_handled(&mut self, handled: ReplayGuard) {
        self.replays = handled;
    }

    /// How many tokens it keeps at `now`, and how many of these have expired. What is only there until it is collected
    /// does not count.
    #[must_use]
    pub fn stored(&self, now: Timestamp) -> (u64, u64) {
        self.counting(self.capabilities.stored(now))
    }

    /// What counts of so many tokens of which so many have expired.
    #[must_use]
    pub const fn counting(&self, (stored, expired): (u64, u64)) -> (u64, u64) {
        if self.profile.has(Weakness::NoTokenCollection) { (stored, expired) } else { (stored - expired, 0) }
    }

    /// Whether the message may invoke its behaviour on the actor `receiver`: expiry, signature, topic, tokens, the
    /// sender's DID, and at last whether it is new. On success the tokens stay consumed, so that a reply can build on
    /// them, until [`SecurityContext::discard`].
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
            // One's own word needs no tokens. Somebody may send it back, though.
            return if self.is_new(envelope) { Ok(()) } else { Err((Rejection::Replayed, None)) };
        }
        // Tokens beyond the size limit authorise nothing, as if there were none.
        let Ok(consumption) = self.capabilities.consume(&envelope.from.did, &envelope.tokens, now) else {
            return Err((Rejection::NotAuthorized, None));
        };
        let own = self.capabilities.did();
        let authorised = match self.capabilities.require(&requirement(own, envelope, receiver, topic), now) {
            Ok(authorised) => authorised,
            Err(refusal) => return Err(self.refuse(envelope, refusal, &consumption)),
        };
        self.accept(envelope, authorised).map_err(|rejection| {
            self.discard(&envelope.tokens);
            (rejection, None)
        })
    }

    /// What the real DMS does not ask of a message that is authorised: that its sender acts in its own name, and
    /// that it has not been handled before.
    fn accept(&mut self, envelope: &Envelope, authorised: Authorised) -> Result<(), Rejection> {
        let from = &envelope.from;
        let speaks_for_itself =
            || from.is_bound() && *self.capabilities.authority(from.id.0, authorised).issuer() == from.did;
        if !self.profile.has(Weakness::UnboundDid) && !speaks_for_itself() {
            return Err(Rejection::UnboundDid);
        }
        if self.is_new(envelope) { Ok(()) } else { Err(Rejection::Replayed) }
    }

    /// Whether a message has not been handled before, and from now on it has.
    fn is_new(&mut self, envelope: &Envelope) -> bool {
        self.profile.has(Weakness::UncheckedNonces)
            || self.replays.note(envelope.from.id, envelope.nonce, envelope.expire)
    }

    /// The account of an authorisation at `now`, derived beside it: nothing is consumed and nothing remembered.
    #[must_use]
    pub fn account(
        &self,
        envelope: &Envelope,
        receiver: &Handle,
        topic: Option<&Capability>,
        now: Timestamp,
    ) -> Account {
        let decision = self.clone().authorize(envelope, receiver, topic, now).map_err(|(why, _)| why);
        let origin = &envelope.from.did;
        let mut capabilities = self.capabilities.clone();
        let consumed = capabilities.explain_consume(origin, &envelope.tokens, now).unwrap_or_default();
        drop(capabilities.consume(origin, &envelope.tokens, now));
        let wanted = requirement(self.capabilities.did(), envelope, receiver, topic);
        let required = capabilities.explain_require(&wanted, now);
        Account { decision, consumed, required }
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
        self.capabilities.grant_for(subject, audience, capabilities, duration, now, random.bytes()).map(drop)
    }
}

/// What a message must show at `anchor` for its behaviour.
fn requirement<'a>(
    anchor: &'a Did,
    envelope: &'a Envelope,
    receiver: &Handle,
    topic: Option<&'a Capability>,
) -> Requirement<'a> {
    Requirement {
        anchor,
        subject: envelope.from.id.0,
        reach: topic.map_or(Reach::Actor(receiver.id.0), Reach::Topic),
        capabilities: std::slice::from_ref(&envelope.behaviour.path),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dms::actor::{BehaviourKind, topics};
    use crate::dms::capability::{Membership, OrganizationKeys, Rules, join};
    use crate::kernel::{Domain, Streams};

    const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);

    struct Node {
        actor: Actor,
        security: SecurityContext,
    }

    fn node(mode: SignatureMode, seed: u8, organization: Option<&OrganizationKeys>) -> Node {
        let secret = SecretKey::ed25519([seed; 32], mode);
        let mut capabilities =
            CapabilityContext::new(CapabilityContext::NODE, secret.clone(), Rules::INTENDED);
        if let Some(organization) = organization {
            let key = SecretKey::ed25519([seed + 100; 32], mode);
            let mut user = CapabilityContext::new(CapabilityContext::USER, key, Rules::INTENDED);
            let membership = Membership::usual(NOW + Span::hours(1));
            let mut counter = seed;
            let mut nonces = || {
                counter = counter.wrapping_add(1);
                [counter; 12]
            };
            join(organization, &mut user, &mut capabilities, &membership, NOW, &mut nonces)
                .expect("a fresh join");
        }
        Node {
            actor: Actor::root(secret, NOW),
            security: SecurityContext::new(capabilities, Profile::INTENDED),
        }
    }

    fn organization(mode: SignatureMode) -> OrganizationKeys {
        OrganizationKeys::new("nunet".into(), SecretKey::ed25519([200; 32], mode), Rules::INTENDED)
    }

    fn call(kind: BehaviourKind) -> Call {
        let behaviour = Behaviour::fixed(kind);
        Call {
            behaviour,
            reply_to: Some(Behaviour::reply_to(5)),
            expire: NOW + Span::secs(30),
            message: Message::Hello,
        }
    }

    fn sealed(from: &mut Node, to: &Arc<Handle>, kind: BehaviourKind) -> Envelope {
        let nonce = from.actor.next_nonce();
        let mut random = Streams::new(1).owned(Domain::new("test.security"), 0);
        from.actor.seal(&from.security.capabilities, nonce, Arc::clone(to), call(kind), NOW, &mut random)
    }

    /// A greeting from alice to bob, both of one organization.
    pub(in crate::dms::actor) fn hello(mode: SignatureMode) -> Envelope {
        let organization = organization(mode);
        let bob = node(mode, 2, Some(&organization));
        sealed(&mut node(mode, 1, Some(&organization)), &bob.actor.handle, BehaviourKind::PublicHello)
    }

    /// A request for bids by a member of an organization.
    pub(in crate::dms::actor) fn broadcast(mode: SignatureMode) -> Envelope {
        let mut alice = node(mode, 1, Some(&organization(mode)));
        let mut random = Streams::new(1).owned(Domain::new("test.security"), 0);
        let (nonce, bids) = (alice.actor.next_nonce(), call(BehaviourKind::BidRequest));
        let context = &alice.security.capabilities;
        alice.actor.seal_broadcast(context, nonce, &topics::DEPLOYMENT, bids, NOW, &mut random)
    }

    fn both(test: impl Fn(SignatureMode)) {
        test(SignatureMode::Real);
        test(SignatureMode::Modelled);
    }

    #[test]
    fn vector_20_actors_of_the_same_organization_and_of_none() {
        both(|mode| {
            let organization = organization(mode);
            let mut alice = node(mode, 1, Some(&organization));
            let mut bob = node(mode, 2, Some(&organization));
            let mut mallory = node(mode, 3, None);
            let to = Arc::clone(&bob.actor.handle);
            let hello = sealed(&mut alice, &to, BehaviourKind::PublicHello);
            assert_eq!(bob.security.authorize(&hello, &to, None, NOW).map_err(|(why, _)| why), Ok(()));
            let hello = sealed(&mut mallory, &to, BehaviourKind::PublicHello);
            let (rejection, refusal) = bob.security.authorize(&hello, &to, None, NOW).expect_err("no chain");
            assert_eq!(rejection, Rejection::NotAuthorized);
            assert!(refusal.expect("explained").explain().starts_with("no token"));
        });
    }

    #[test]
    fn vector_23_to_oneself_without_tokens() {
        both(|mode| {
            let mut alice = node(mode, 1, None);
            let to = Arc::clone(&alice.actor.handle);
            let envelope = sealed(&mut alice, &to, BehaviourKind::PublicHello);
            assert!(envelope.tokens.is_empty());
            assert!(alice.security.authorize(&envelope, &to, None, NOW).is_ok());
        });
    }

    #[test]
    fn vector_24_to_another_without_capabilities() {
        both(|mode| {
            let organization = organization(mode);
            let alice = node(mode, 1, Some(&organization));
            let mut bob = node(mode, 2, Some(&organization));
            let to = Arc::clone(&bob.actor.handle);
            let mut random = Streams::new(1).owned(Domain::new("test.security"), 0);
            let hello = call(BehaviourKind::PublicHello);
            let mut envelope = alice.actor.envelope(Some(Arc::clone(&to)), None, hello, 1);
            let context = &alice.security.capabilities;
            let mut provide = |invoke: &[Capability], delegate: &[Capability]| {
                alice.actor.provide(context, &mut envelope, invoke, delegate, NOW, &mut random)
            };
            let reply = [Behaviour::reply_to(5).path];
            assert_eq!(provide(&[], &[]), Err(SealError::Capability(CapabilityError::NoCapabilities)));
            let only_reply = SealError::Capability(CapabilityError::NoInvocationCapabilities);
            assert_eq!(provide(&[], &reply), Err(only_reply));
            assert_eq!(envelope.signature, Signature::NONE, "a refused message is not signed");
            let refused = bob.security.authorize(&envelope, &to, None, NOW).map_err(|(why, _)| why);
            assert_eq!(refused, Err(Rejection::BadSignature));

            // Signed all the same, as a sender that asks nobody would, it authorises nothing.
            alice.actor.sign(&mut envelope).expect("it is alice's own");
            let refused = bob.security.authorize(&envelope, &to, None, NOW).map_err(|(why, _)| why);
            assert_eq!(refused, Err(Rejection::NotAuthorized));
        });
    }

    #[test]
    fn vector_25_signing_for_somebody_else() {
        both(|mode| {
            let organization = organization(mode);
            let mut alice = node(mode, 1, Some(&organization));
            let mut bob = node(mode, 2, Some(&organization));
            let to = Arc::clone(&bob.actor.handle);
            let sealed = sealed(&mut alice, &to, BehaviourKind::PublicHello);
            let mallory = node(mode, 3, None);
            let mut forged = sealed.clone();
            assert_eq!(mallory.actor.sign(&mut forged), Err(SealError::BadSender));
            assert_eq!(forged.signature, sealed.signature, "a refusal changes nothing");

            // One part of the address is enough to be somebody else, even with the same key.
            let mut elsewhere = sealed.clone();
            let inbox = Inbox::Other("elsewhere".into());
            elsewhere.from = Arc::new(Handle { inbox, ..(*alice.actor.handle).clone() });
            assert_eq!(alice.actor.sign(&mut elsewhere), Err(SealError::BadSender));

            forged.message = Message::Ok;
            assert_eq!(alice.actor.sign(&mut forged), Ok(()), "its own actor may sign what it has changed");
            assert!(bob.security.authorize(&forged, &to, None, NOW).is_ok());
        });
    }

    #[test]
    fn vector_26_a_broadcast_on_another_topic() {
        both(|mode| {
            let organization = organization(mode);
            let mut alice = node(mode, 1, Some(&organization));
            let mut bob = node(mode, 2, Some(&organization));
            let mut random = Streams::new(1).owned(Domain::new("test.security"), 0);
            let nonce = alice.actor.next_nonce();
            let context = &alice.security.capabilities;
            let bids = call(BehaviourKind::BidRequest);
            let envelope =
                alice.actor.seal_broadcast(context, nonce, &topics::DEPLOYMENT, bids, NOW, &mut random);
            let to = Arc::clone(&bob.actor.handle);
            assert!(bob.security.authorize(&envelope, &to, Some(&topics::DEPLOYMENT), NOW).is_ok());
            let other = Capability::fixed("/nunet/other");
            let refused = bob.security.authorize(&envelope, &to, Some(&other), NOW).map_err(|(why, _)| why);
            assert_eq!(refused, Err(Rejection::TopicMismatch));
        });
    }

    #[test]
    fn vector_27_expired_or_changed_after_signing() {
        both(|mode| {
            let organization = organization(mode);
            let mut alice = node(mode, 1, Some(&organization));
            let mut bob = node(mode, 2, Some(&organization));
            let to = Arc::clone(&bob.actor.handle);
            let envelope = sealed(&mut alice, &to, BehaviourKind::PublicHello);
            let judge = |bob: &mut Node, envelope: &Envelope, now| {
                bob.security.authorize(envelope, &to, None, now).map_err(|(why, _)| why)
            };
            assert_eq!(judge(&mut bob, &envelope, envelope.expire), Ok(()), "valid at exactly its expiry");
            let late = envelope.expire + Span(1);
            assert_eq!(judge(&mut bob, &envelope, late), Err(Rejection::Expired));
            let envelope = sealed(&mut alice, &to, BehaviourKind::PublicHello);
            let changed = envelope.clone().altered(|envelope| envelope.message = Message::Ok);
            assert_eq!(judge(&mut bob, &changed, NOW), Err(Rejection::BadSignature));
            let readdressed = envelope.altered(|envelope| envelope.reply_to = None);
            assert_eq!(judge(&mut bob, &readdressed, NOW), Err(Rejection::BadSignature));
        });
    }

    #[test]
    fn vector_28_nonces_are_distinct() {
        let mut alice = node(SignatureMode::Modelled, 1, None);
        let nonces: std::collections::BTreeSet<u64> = (0..64).map(|_| alice.actor.next_nonce()).collect();
        assert_eq!(nonces.len(), 64);
    }

    #[test]
    fn the_length_of_an_envelope_is_that_of_its_json_in_both_modes() {
        let mut lengths = Vec::new();
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            let organization = organization(mode);
            let mut alice = node(mode, 1, Some(&organization));
            let bob = node(mode, 2, Some(&organization));
            let envelope = sealed(&mut alice, &bob.actor.handle, BehaviourKind::PublicHello);
            assert_eq!(envelope.json_len(), envelope.to_json().len() as u64);
            lengths.push(envelope.json_len());
        }
        assert_eq!(lengths[0], lengths[1]);
    }

    #[test]
    fn tokens_of_a_refused_message_are_forgotten() {
        let mode = SignatureMode::Modelled;
        let mut mallory = node(mode, 3, None);
        let mut bob = node(mode, 2, None);
        let to = Arc::clone(&bob.actor.handle);
        let envelope = sealed(&mut mallory, &to, BehaviourKind::Commit);
        assert!(bob.security.authorize(&envelope, &to, None, NOW).is_err());
        assert!(bob.security.capabilities.consumed().is_empty());
    }
    /// Judges a message twice, as a node with and as a node without one weakness.
    fn with_and_without(
        weakness: Weakness,
        judge: impl Fn(&mut Node, &mut Node) -> Result<(), Rejection>,
    ) -> [Result<(), Rejection>; 2] {
        [Profile::INTENDED.with(weakness), Profile::INTENDED].map(|profile| {
            let organization = organization(SignatureMode::Modelled);
            let mut alice = node(SignatureMode::Modelled, 1, Some(&organization));
            let mut bob = node(SignatureMode::Modelled, 2, Some(&organization));
            bob.security.profile = profile;
            judge(&mut alice, &mut bob)
        })
    }

    #[test]
    fn a_replayed_message_is_handled_again_only_with_c1() {
        let outcome = with_and_without(Weakness::UncheckedNonces, |alice, bob| {
            let to = Arc::clone(&bob.actor.handle);
            let hello = sealed(alice, &to, BehaviourKind::PublicHello);
            let mut judge = || {
                let decision = bob.security.authorize(&hello, &to, None, NOW).map_err(|(why, _)| why);
                bob.security.discard(&hello.tokens);
                decision
            };
            assert_eq!(judge(), Ok(()));
            judge()
        });
        assert_eq!(outcome, [Ok(()), Err(Rejection::Replayed)]);
    }

    #[test]
    fn nonces_are_forgotten_with_the_messages_that_they_are_of() {
        let mut guard = ReplayGuard::default();
        let sender = node(SignatureMode::Modelled, 1, None).actor.handle.id;
        assert!(guard.note(sender, 1, NOW));
        guard.forget_expired(NOW + Span::mins(10));
        assert!(!guard.note(sender, 1, NOW), "a clock that is put back may make it valid again");
        guard.forget_expired(NOW + Span::mins(10) + Span(1));
        assert!(guard.is_empty());
    }

    #[test]
    fn a_member_acts_in_the_name_of_another_only_with_c2() {
        let outcome = with_and_without(Weakness::UnboundDid, |mallory, bob| {
            let victim = node(SignatureMode::Modelled, 3, None);
            let honest = (*mallory.actor.handle).clone();
            mallory.actor.handle = Arc::new(Handle { did: victim.actor.handle.did.clone(), ..honest });
            let to = Arc::clone(&bob.actor.handle);
            let commit = sealed(mallory, &to, BehaviourKind::Commit);
            bob.security.authorize(&commit, &to, None, NOW).map_err(|(why, _)| why)
        });
        assert_eq!(outcome, [Ok(()), Err(Rejection::UnboundDid)]);
    }

    #[test]
    fn a_host_that_is_named_with_its_did_gives_no_other_key_the_right_to_it() {
        let outcome = with_and_without(Weakness::UnboundDid, |mallory, bob| {
            let victim = node(SignatureMode::Modelled, 3, None).actor.handle;
            let inbox = Inbox::Other("child".into());
            let claimed = Handle { id: mallory.actor.handle.id, inbox, ..(*victim).clone() };
            assert!(claimed.is_bound());
            mallory.actor.handle = Arc::new(claimed);
            let to = Arc::clone(&bob.actor.handle);
            let commit = sealed(mallory, &to, BehaviourKind::Commit);
            bob.security.authorize(&commit, &to, None, NOW).map_err(|(why, _)| why)
        });
        assert_eq!(outcome, [Ok(()), Err(Rejection::UnboundDid)]);
    }
}
