//! Peers that join a running network, and those that leave it for good.
//!
//! Such a peer is a host of the world from the start, with a key and memberships, and does not exist before it joins:
//! nothing reaches it, no fault concerns it, and it is nobody's to be missed.

use super::event::{Event, PeerId};
use super::host::Existence;
use super::world::World;
use crate::kernel::Time;
use crate::workload::{ChurnStart, Comings, PeerChurn};

impl World<'_> {
    /// Whether a peer does not exist now: a virtual machine that is not made, or a peer that has not joined or has
    /// left for good.
    pub(super) fn is_absent(&self, peer: PeerId) -> bool {
        self.hosts[peer.0 as usize].existence != Existence::Here || self.clouds.is_absent(peer)
    }

    /// Whether a peer has not joined yet.
    pub(super) fn is_awaited(&self, peer: PeerId) -> bool {
        self.hosts[peer.0 as usize].existence == Existence::Coming
    }

    /// Has those join who are not there from the start, each at its time.
    pub(super) fn plan_joins(&mut self) {
        let setup = self.setup;
        let mut first = 0;
        for (group, number) in setup.groups.iter().zip(0..) {
            if let Some(joins) = &group.joins {
                for (at, peer) in joins.times(group.count, self.streams, number).into_iter().zip(first..) {
                    let peer = PeerId(peer);
                    match at {
                        Some(at) => {
                            self.ledger.will_join(peer);
                            self.queue.post(at, Event::Join(peer));
                        }
                        None => self.plan_leaving(Time::ZERO, peer),
                    }
                }
            }
            first += group.count;
        }
    }

    /// A peer joins: a new one, of which nobody has heard.
    pub(super) fn join(&mut self, now: Time, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        if host.existence != Existence::Coming {
            return;
        }
        host.existence = Existence::Here;
        if let Some(group) = &self.churns[self.population.group_of(peer)]
            && let Comings::Drawn(model) = &group.comings
        {
            // Its first session begins.
            let fresh = ChurnStart::Fresh;
            host.churn = Some(PeerChurn::new(model, fresh, self.streams, u64::from(peer.0), now));
            self.await_change(peer);
        }
        self.ledger.joins(now, peer);
        self.bring_up(now, peer);
        let offered = self.offered_cores_milli(peer);
        self.ledger.offers(now, peer, offered);
        self.plan_leaving(now, peer);
    }

    fn plan_leaving(&mut self, now: Time, peer: PeerId) {
        let joins = self.setup.groups[self.population.group_of(peer)].joins.as_ref();
        if let Some(after) = joins.and_then(|joins| joins.stay(self.streams, u64::from(peer.0))) {
            self.queue.post(now + after, Event::Leave(peer));
        }
    }

    /// A peer leaves for good, with all that it has.
    pub(super) fn leave(&mut self, now: Time, peer: PeerId) {
        let was_up = self.hosts[peer.0 as usize].up;
        self.switch_off(now, peer);
        let host = &mut self.hosts[peer.0 as usize];
        host.existence = Existence::Gone;
        host.churn = None;
        self.ledger.leaves(now, peer, was_up);
        self.ledger.offers(now, peer, 0);
    }

    /// How much processor a peer offers as it was set up, in thousandths of a core.
    pub(super) fn offered_cores_milli(&self, peer: PeerId) -> u64 {
        self.foresight.offered_cores_milli(peer).unwrap_or_else(|| {
            let offered = &self.hosts[peer.0 as usize].peer.provider().machine().onboarded;
            offered.as_ref().map_or(0, |offered| offered.cpu.cores_milli)
        })
    }
}
