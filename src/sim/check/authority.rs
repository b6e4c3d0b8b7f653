//! Every behaviour that is executed was authorised, by the plain authoriser that shares no decision with the one that
//! peers use (dms-capabilities section 4): signed, in time, in the sender's own name, covered by the tokens that came
//! with it, and never a second time.

use rustc_hash::FxHashSet;

use super::{Found, Invariant, Look};
use crate::dms::actor::{BehaviourKind, Envelope};
use crate::dms::capability::slow::FoundSigned;
use crate::dms::identity::Inbox;
use crate::kernel::Time;
use crate::sim::attack::breach;
use crate::sim::event::PeerId;
use crate::sim::world::World;

/// What the plain authoriser says of a message, on what its receiver knew before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sim) struct Verdict(Option<&'static str>);

impl Verdict {
    /// What is wrong with a message that a peer is about to handle.
    pub(super) fn of(
        world: &World<'_>,
        now: Time,
        peer: PeerId,
        envelope: &Envelope,
        known: &mut FoundSigned,
    ) -> Self {
        // There another than the node decides, which is the contract's own actor.
        if matches!(envelope.to.as_deref().map(|to| &to.inbox), Some(Inbox::Other(_))) {
            return Self(None);
        }
        let receiver = world.hosts[peer.0 as usize].peer.capabilities();
        let own = world.hosts[peer.0 as usize].peer.handle_of_root();
        let now = world.clock_of(peer, now);
        let to_itself = envelope.to.as_ref().is_some_and(|to| to.id == envelope.from.id);
        if envelope.from.id == own.id && to_itself {
            return Self(envelope.is_expired(now).then_some("expired"));
        }
        let topic = envelope.behaviour.kind.topic();
        let is_off_topic = envelope.is_broadcast() && envelope.topic.as_ref() != topic;
        let wrong = breach(receiver, envelope, topic, !envelope.from.is_bound(), now, known);
        let wrong = wrong.or_else(|| is_off_topic.then_some("on a topic that is not that of the behaviour"));
        Self(wrong)
    }
}

/// Which messages were executed where.
#[derive(Default)]
pub(super) struct Authority {
    /// Where, the first eight bytes of the sender's key, which are no other key's, and the sender's count.
    executed: FxHashSet<(PeerId, u64, u64)>,
}

impl Invariant for Authority {
    fn name(&self) -> &'static str {
        "authority"
    }

    fn executed(
        &mut self,
        look: &Look<'_, '_>,
        peer: PeerId,
        (envelope, Verdict(wrong)): (&Envelope, Verdict),
        found: &mut Found<'_>,
    ) {
        // What attackers do with each other's messages counts for nothing.
        if look.world.attackers.is_one(peer) {
            return;
        }
        let kind: BehaviourKind = envelope.behaviour.kind;
        let from = look.world.directory.find(&envelope.from.host);
        let from = from.map_or("a stranger", |from| look.world.population.name_of(from));
        if let Some(wrong) = wrong {
            found.wrong(look, peer, format!("executed {kind} of {from}: {wrong}"));
        }
        if !self.executed.insert((peer, envelope.from.id.0.short(), envelope.nonce)) {
            found.wrong(look, peer, format!("executed {kind} of {from} twice"));
        }
    }
}
