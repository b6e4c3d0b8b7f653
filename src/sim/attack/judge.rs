//! Who succeeds: an executed behaviour that the slow authoriser refuses on the receiver's own state at that moment.
//!
//! The slow authoriser (`dms::capability::slow`) shares no decision with the fast one. It knows tokens only; what it
//! does not know is asked here in the same plain way: is the message signed and in time, does its sender speak for
//! itself, and has the receiver not executed the same message before. What attackers do with each other's messages
//! counts for nothing.

use crate::dms::actor::{Envelope, topics};
use crate::dms::capability::slow::{FoundSigned, Question, authorises};
use crate::dms::capability::{Capability, CapabilityContext};
use crate::dms::identity::ActorId;
use crate::kernel::{OrderedMap, Time, Timestamp};
use crate::net::{EndpointId, EndpointSet};
use crate::sim::event::PeerId;
use crate::sim::setup::AttackKind;
use crate::sim::world::World;

/// Why a message must not be executed, on what its receiver knows; none where it is right. Where it is a broadcast it
/// is to be one on this topic.
pub(in crate::sim) fn breach(
    receiver: &CapabilityContext,
    envelope: &Envelope,
    topic: Option<&Capability>,
    impersonates: bool,
    now: Timestamp,
    known: &mut FoundSigned,
) -> Option<&'static str> {
    let own = receiver.did().clone();
    let question = Question {
        subject: &envelope.from.id.did(),
        audience: &envelope.to.as_ref().map_or(own, |to| to.id.did()),
        topic: topic.filter(|_| envelope.is_broadcast()),
        capabilities: std::slice::from_ref(&envelope.behaviour.path),
        now,
    };
    if !envelope.is_signed(receiver.trust().mode()) {
        Some("not signed by its sender")
    } else if envelope.is_expired(now) {
        Some("expired")
    } else if impersonates {
        Some("in another's name")
    } else if !authorises(receiver, &envelope.tokens, &question, known) {
        Some("without authority")
    } else {
        None
    }
}

/// Which broadcasts were executed where, while they can be replayed.
#[derive(Default)]
pub(super) struct Replays {
    /// Whether anybody replays in this run.
    pub(super) watching: bool,
    seen: OrderedMap<(ActorId, u64), Seen>,
}

struct Seen {
    expire: Timestamp,
    executed: EndpointSet,
    /// Who first sent it again.
    replayer: Option<u32>,
}

impl Replays {
    fn seen(&mut self, envelope: &Envelope) -> &mut Seen {
        let fresh = || Seen { expire: envelope.expire, executed: EndpointSet::new(), replayer: None };
        self.seen.entry((envelope.from.id, envelope.nonce)).or_insert_with(fresh)
    }

    /// An attacker sends a message again.
    pub(super) fn expect(&mut self, envelope: &Envelope, attacker: u32) {
        self.seen(envelope).replayer.get_or_insert(attacker);
    }

    /// A peer has executed a broadcast: through whom, if for the second time.
    fn execute(&mut self, envelope: &Envelope, peer: PeerId) -> Option<u32> {
        if !self.watching || !envelope.is_broadcast() {
            return None;
        }
        let seen = self.seen(envelope);
        let peer = EndpointId(peer.0);
        if seen.executed.contains(peer) {
            return seen.replayer;
        }
        seen.executed.insert(peer);
        None
    }

    /// Nobody executes what has expired.
    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        if self.watching {
            self.seen.retain(|_, seen| now <= seen.expire);
        }
    }
}

impl World<'_> {
    /// What the receiver of an attacker's message knows before it handles it; none for all other messages.
    pub(in crate::sim) fn state_to_judge_by(&self, peer: PeerId, parcel: u32) -> Option<CapabilityContext> {
        self.parcels.get(parcel)?.strike?;
        Some(self.hosts[peer.0 as usize].peer.security().capabilities.clone())
    }

    /// A message has reached a host and was let in or not.
    pub(in crate::sim) fn observe_arrival(&mut self, now: Time, peer: PeerId, parcel: u32, admitted: bool) {
        let parcel = self.parcels.get(parcel).expect("a message that has arrived is kept");
        match (parcel.strike, self.attackers.by_peer.get(&peer)) {
            (Some(strike), None) if !admitted => {
                self.attackers.all[strike.attacker as usize].account.refused(now);
            }
            (None, Some(&number)) => {
                self.attackers.all[number as usize].attack.overhear(&parcel.envelope);
            }
            _ => {}
        }
    }

    /// The worker is done with a message: was it right?
    pub(in crate::sim) fn judge(
        &mut self,
        now: Time,
        peer: PeerId,
        parcel: u32,
        before: Option<CapabilityContext>,
        executed: bool,
    ) {
        if self.attackers.by_peer.contains_key(&peer) {
            return;
        }
        let clock = self.clock(now);
        let parcel = self.parcels.get(parcel).expect("a message that is handled is kept");
        let envelope = &parcel.envelope;
        let again = if executed { self.attackers.replays.execute(envelope, peer) } else { None };
        let name = self.population.name_of(peer);
        let what = |why: &str| format!("{} on {name}: {why}", envelope.behaviour.kind);
        let (Some(strike), Some(before)) = (parcel.strike, before) else {
            if let Some(replayer) = again {
                self.attackers.all[replayer as usize].account.success(|| what("executed twice"));
            }
            return;
        };
        let attacker = &mut self.attackers.all[strike.attacker as usize];
        if !executed {
            return attacker.account.refused(now);
        }
        attacker.account.executed();
        // What was made of it on the way was made without asking whether it is signed.
        let anew = envelope.clone().altered(|_| ());
        let known = &mut FoundSigned::default();
        let why = breach(&before, &anew, Some(&topics::DEPLOYMENT), strike.impersonates, clock, known);
        if let Some(why) = again.map(|_| "executed twice").or(why) {
            return attacker.account.success(|| what(why));
        }
        let kind = self.setup.groups[attacker.group].attack.as_ref().map(|plan| &plan.kind);
        if matches!(kind, Some(AttackKind::RevokedInsider { revoked, .. }) if now >= *revoked) {
            attacker.account.before_anchoring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::capability::{Membership, OrganizationKeys, Rules, join, own_node};
    use crate::dms::identity::{SecretKey, Signature, SignatureMode};
    use crate::kernel::{Domain, Span, Streams};
    use crate::sim::attack::kit::Identity;

    /// A receiver that executes everything would be convicted of each of these; the judge does not rely on it.
    #[test]
    fn whatever_is_wrong_with_an_executed_message_is_named() {
        let mode = SignatureMode::Modelled;
        let now = Timestamp(1_735_689_600_000_000_000);
        let key = |seed: u8| SecretKey::ed25519([seed; 32], mode);
        let organization = OrganizationKeys::new("nunet".into(), key(9), Rules::INTENDED);
        let node = |seed: u8, member: bool| {
            let mut user = CapabilityContext::new(CapabilityContext::USER, key(seed + 100), Rules::INTENDED);
            let mut node = CapabilityContext::new(CapabilityContext::NODE, key(seed), Rules::INTENDED);
            let membership = Membership::usual(now + Span::hours(1));
            if member {
                let mut nonces = || [seed; 12];
                join(&organization, &mut user, &mut node, &membership, now, &mut nonces)
                    .expect("a fresh join");
            } else {
                own_node(&user, &mut node, now).expect("roots are not verified");
            }
            Identity::new(key(seed), node, now)
        };
        let (bob, mut alice, mut mallory) = (node(1, true), node(2, true), node(3, false));
        let mut cursor = crate::kernel::Cursor::default();
        let random = Streams::new(1).rng(Domain::new("test.judge"), 0, &mut cursor);
        let mut kit = crate::sim::attack::kit::Kit {
            now,
            own_did: mallory.did().clone(),
            broadcast: false,
            target_peer: PeerId(0),
            target: std::sync::Arc::clone(&bob.actor.handle),
            bystander: std::sync::Arc::clone(&alice.actor.handle),
            random,
            shots: Vec::new(),
        };
        let judged = |envelope: &Envelope, impersonates, now| {
            let known = &mut FoundSigned::default();
            breach(&bob.context, envelope, Some(&topics::DEPLOYMENT), impersonates, now, known)
        };
        let right = alice.seal(&mut kit);
        assert_eq!(judged(&right, false, now), None);
        assert_eq!(judged(&right, true, now), Some("in another's name"));
        assert_eq!(judged(&right, false, right.expire + Span(1)), Some("expired"));
        let unsigned = right.altered(|envelope| envelope.signature = Signature::NONE);
        assert_eq!(judged(&unsigned, false, now), Some("not signed by its sender"));
        assert_eq!(judged(&mallory.seal(&mut kit), false, now), Some("without authority"));
    }

    #[test]
    fn only_the_second_execution_by_the_same_peer_is_a_replay() {
        let mut cursor = crate::kernel::Cursor::default();
        let mut random = Streams::new(1).rng(Domain::new("test.judge"), 0, &mut cursor);
        let mut one = Identity::made_up(SignatureMode::Modelled, Timestamp(5), &mut random);
        let mut kit = crate::sim::attack::kit::Kit {
            now: Timestamp(5),
            own_did: one.did().clone(),
            broadcast: true,
            target_peer: PeerId(0),
            target: std::sync::Arc::clone(&one.actor.handle),
            bystander: std::sync::Arc::clone(&one.actor.handle),
            random,
            shots: Vec::new(),
        };
        let envelope = one.seal(&mut kit);
        let mut replays = Replays { watching: true, ..Replays::default() };
        assert_eq!(replays.execute(&envelope, PeerId(1)), None);
        replays.expect(&envelope, 7);
        assert_eq!(replays.execute(&envelope, PeerId(2)), None);
        assert_eq!(replays.execute(&envelope, PeerId(1)), Some(7));
        replays.forget_expired(envelope.expire + Span(1));
        assert_eq!(replays.execute(&envelope, PeerId(1)), None);
    }
}
