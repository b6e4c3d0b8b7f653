//! Which allocations reach which by name, looked at from outside: what DMS's own suite asserts of every ordered pair of
//! allocations of an ensemble (dms-acceptance section 4).

use std::sync::Arc;

use indexmap::IndexMap;

use super::ledger::Running;
use super::world::World;
use crate::net::EndpointId;

/// Ordered pairs of running allocations of one deployment, and how many of them are in contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Reachable {
    pub(super) pairs: u64,
    pub(super) reached: u64,
}

impl Reachable {
    /// The part of the pairs in contact; NaN without pairs.
    pub(super) fn fraction(self) -> f64 {
        self.reached as f64 / self.pairs as f64
    }
}

impl World<'_> {
    /// Looks up every name from everywhere in its deployment.
    pub(super) fn count_reachable(&self) -> Reachable {
        let mut deployments: IndexMap<u32, Vec<Running>> = IndexMap::new();
        for running in self.ledger.running() {
            deployments.entry(running.deployment).or_default().push(running);
        }
        let mut count = Reachable::default();
        for running in deployments.values() {
            for (place, from) in running.iter().enumerate() {
                for (_, to) in running.iter().enumerate().filter(|(other, _)| *other != place) {
                    count.pairs += 1;
                    count.reached += u64::from(self.reaches(from, to));
                }
            }
        }
        count
    }

    /// Follows a name as a packet would: to an address, to the peer that it is behind, over the network, to what runs
    /// there.
    fn reaches(&self, from: &Running, to: &Running) -> bool {
        let provider = self.hosts[from.peer.0 as usize].peer.provider();
        let Ok(endpoint) = provider.resolve(&from.allocation, &to.dns_name) else { return false };
        let Some(&peer) = self.by_host.get(&endpoint.peer) else { return false };
        let found = self.hosts[peer.0 as usize]
            .peer
            .provider()
            .running_at(to.ensemble, endpoint.address)
            .map(Arc::as_ref);
        found == Some(&*to.allocation)
            && self.network.reaches(self.queue.now(), EndpointId(from.peer.0), EndpointId(peer.0))
    }
}
