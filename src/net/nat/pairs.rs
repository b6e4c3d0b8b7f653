//! Who would reach whom by dialling at a moment, counted over all ordered pairs of hosts that are up.

use indexmap::IndexMap;

use super::{Nat, NatClass, Way};
use crate::net::endpoint::EndpointId;
use crate::net::medium::Medium;

/// Ordered pairs by how the first would be connected with the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PairCounts {
    /// In the order of [`Way::ALL`].
    pub ways: [u64; 4],
    /// Pairs without a way.
    pub unreachable: u64,
    /// Hosts that are up.
    pub hosts: u64,
    /// Those of them that nobody can dial at their own address.
    pub undialable: u64,
}

/// All that a count asks of a host.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    class: NatClass,
    entered: bool,
    dialable: bool,
    has_relay: bool,
}

impl Nat {
    /// Counts pairs, by kinds of hosts: partitions, full relays and connections that there are do not matter, and a
    /// hole is found where classes allow it unless no attempt can succeed.
    pub(in crate::net) fn pairs(&self, medium: &Medium) -> PairCounts {
        let mut kinds: IndexMap<Kind, u64> = IndexMap::new();
        for &id in medium.live.ids() {
            *kinds.entry(self.kind(medium, id)).or_default() += 1;
        }
        let mut counts = PairCounts { hosts: kinds.values().sum(), ..PairCounts::default() };
        counts.undialable = kinds.iter().filter(|(kind, _)| !kind.dialable).map(|(_, count)| count).sum();
        for (from, &callers) in &kinds {
            for (to, &called) in &kinds {
                let pairs = callers * if from == to { called - 1 } else { called };
                match self.way_between(*from, *to) {
                    Some(way) => counts.ways[way as usize] += pairs,
                    None => counts.unreachable += pairs,
                }
            }
        }
        counts
    }

    fn kind(&self, medium: &Medium, id: EndpointId) -> Kind {
        let host = &self.hosts[id];
        let has_relay = host.reservations.iter().any(|it| self.holds(medium, *it));
        Kind { class: host.class, entered: host.entered, dialable: self.is_dialable(id), has_relay }
    }

    fn way_between(&self, from: Kind, to: Kind) -> Option<Way> {
        if !from.entered || !to.entered {
            return None;
        }
        if to.dialable {
            return Some(Way::Direct);
        }
        let punched = self.config.punching > 0.0 && from.class.can_punch(to.class);
        to.has_relay.then_some(match () {
            () if from.dialable => Way::Reversed,
            () if punched => Way::Punched,
            () => Way::Relayed,
        })
    }
}
