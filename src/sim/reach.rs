//! Which allocations reach which by name, looked at from outside: what DMS's own suite asserts of every ordered pair of
//! allocations of an ensemble (dms-acceptance section 4). An orchestrator that has joined the subnet is to reach them
//! too.

use std::sync::Arc;

use indexmap::IndexMap;

use super::event::PeerId;
use super::ledger::Running;
use super::world::World;
use crate::dms::provider::Provider;
use crate::dms::subnet::{Endpoint, LookupError};
use crate::net::EndpointId;

/// Ordered pairs of running allocations of one deployment, with those of an orchestrator in its subnet and an
/// allocation, and how many of them are in contact.
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
        for (number, running) in &deployments {
            if let Some((by, provider)) = self.joined(*number) {
                let follow = |to: &Running| provider.resolve_here(to.ensemble, &to.dns_name);
                count.pairs += running.len() as u64;
                count.reached += running.iter().filter(|to| self.reaches(by, &follow(to), to)).count() as u64;
            }
            for (place, from) in running.iter().enumerate() {
                for (_, to) in running.iter().enumerate().filter(|(other, _)| *other != place) {
                    count.pairs += 1;
                    let provider = self.hosts[from.peer.0 as usize].peer.provider();
                    let found = provider.resolve(&from.allocation, &to.dns_name);
                    count.reached += u64::from(self.reaches(from.peer, &found, to));
                }
            }
        }
        count
    }

    /// The orchestrator of a deployment, if it is up and has joined its subnet, and its part in it.
    fn joined(&self, deployment: u32) -> Option<(PeerId, &Provider)> {
        let (by, ensemble) = self.ledger.deployment(deployment)?;
        let host = &self.hosts[by.0 as usize];
        let own = host.peer.deployment(ensemble)?;
        own.joined_at().filter(|_| host.up).map(|_| (by, host.peer.provider()))
    }

    /// Follows a name as a packet would: from the address that it led to, to the peer that this is behind, over the
    /// network, to what runs there.
    fn reaches(&self, from: PeerId, led_to: &Result<Endpoint, LookupError>, to: &Running) -> bool {
        let Ok(endpoint) = led_to else { return false };
        let Some(peer) = self.directory.find(&endpoint.peer) else { return false };
        let found = self.hosts[peer.0 as usize]
            .peer
            .provider()
            .running_at(to.ensemble, endpoint.address)
            .map(Arc::as_ref);
        found == Some(&*to.allocation)
            && self.network.reaches(self.queue.now(), EndpointId(from.0), EndpointId(peer.0))
    }
}
