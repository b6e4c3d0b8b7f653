//! What a node asks of a gossiped message before it takes it and passes it on (dms-capabilities section 3.3, step 2).
//!
//! A message that could not have come from an honest node is *rejected*: it goes no further, and whoever passed it on
//! loses standing with the node that it came to. One that is merely late, or too much at the moment, is *ignored*: it
//! goes no further either, and nobody is blamed.

use super::envelope::{Envelope, topics};
use super::pipeline::Rejection;
use crate::dms::identity::SignatureMode;
use crate::kernel::Timestamp;

/// The part of the judgement that every node shares: is it a broadcast on a topic that nodes listen to, is it in time,
/// is it signed by its sender. What remains is each node's own limiter.
///
/// # Errors
/// [`Rejection::TopicMismatch`], [`Rejection::Expired`], [`Rejection::BadSignature`].
pub fn validate(envelope: &Envelope, mode: SignatureMode, now: Timestamp) -> Result<(), Rejection> {
    let on_topic = envelope.is_broadcast() && envelope.topic.as_ref().is_some_and(topics::is_subscribed);
    if !on_topic {
        return Err(Rejection::TopicMismatch);
    }
    if envelope.is_expired(now) {
        return Err(Rejection::Expired);
    }
    if envelope.is_signed(mode) { Ok(()) } else { Err(Rejection::BadSignature) }
}

/// Whether a refused broadcast is *rejected*, at the cost of whoever passed it on, and not just ignored.
#[must_use]
pub const fn blames_forwarder(rejection: Rejection) -> bool {
    matches!(rejection, Rejection::TopicMismatch | Rejection::BadSignature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Call, Message, check_direct};
    use crate::dms::capability::{Capability, TokenList};
    use crate::dms::identity::{Handle, SecretKey, Signature};
    use crate::kernel::Span;
    use std::sync::Arc;

    const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
    const MODE: SignatureMode = SignatureMode::Modelled;

    fn key(seed: u8) -> SecretKey {
        SecretKey::ed25519([seed; 32], MODE)
    }

    /// A message of the node with key 1: to a node, or to everybody on a topic.
    fn message(to: Option<&Arc<Handle>>, topic: Option<Capability>) -> Envelope {
        let behaviour = Behaviour::fixed(BehaviourKind::BidRequest);
        let call = Call { behaviour, reply_to: None, expire: NOW + Span::secs(5), message: Message::Hello };
        Actor::root(key(1), NOW).seal_with(to.cloned(), topic, call, 1, TokenList::new())
    }

    #[test]
    fn what_no_honest_node_passes_on_is_blamed_and_what_is_late_is_not() {
        let broadcast = || message(None, Some(topics::DEPLOYMENT.clone()));
        let judged = |envelope: &Envelope, now| {
            validate(envelope, MODE, now).map_err(|why| (why, blames_forwarder(why)))
        };
        assert_eq!(judged(&broadcast(), NOW), Ok(()));
        assert_eq!(judged(&broadcast(), NOW + Span::secs(5)), Ok(()), "valid at exactly its expiry");
        assert_eq!(judged(&broadcast(), NOW + Span(5_000_000_001)), Err((Rejection::Expired, false)));
        let unsigned = broadcast().altered(|envelope| envelope.signature = Signature::NONE);
        assert_eq!(judged(&unsigned, NOW), Err((Rejection::BadSignature, true)));
        let changed = broadcast().altered(|envelope| envelope.message = Message::Ok);
        assert_eq!(judged(&changed, NOW), Err((Rejection::BadSignature, true)));
        let elsewhere = message(None, Some(Capability::fixed("/nunet/elsewhere")));
        assert_eq!(judged(&elsewhere, NOW), Err((Rejection::TopicMismatch, true)));
        let direct = message(Some(&Arc::new(Handle::root(key(2).public()))), None);
        assert_eq!(judged(&direct, NOW), Err((Rejection::TopicMismatch, true)));
        assert_eq!(judged(&message(None, None), NOW), Err((Rejection::TopicMismatch, true)));
    }

    #[test]
    fn a_direct_message_comes_from_the_host_that_it_names() {
        let [alice, bob, mallory] = [1, 2, 3].map(|seed| Arc::new(Handle::root(key(seed).public())));
        let direct = message(Some(&bob), None);
        assert_eq!(check_direct(&bob.host, &direct, &alice.host), Ok(()));
        assert_eq!(check_direct(&bob.host, &direct, &mallory.host), Err(Rejection::ForeignTransport));
        assert_eq!(check_direct(&mallory.host, &direct, &alice.host), Err(Rejection::WrongHost));
        // A broadcast that comes directly is for nobody.
        let broadcast = message(None, Some(topics::DEPLOYMENT.clone()));
        assert_eq!(check_direct(&bob.host, &broadcast, &alice.host), Err(Rejection::WrongHost));
    }
}
