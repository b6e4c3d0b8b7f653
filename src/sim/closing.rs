//! What is found at the end of a run by looking at the peers themselves.

mod capabilities;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::event::PeerId;
use super::host::{Host, Inside};
use super::ledger::Closing;
use super::texts::shared;
use super::world::World;
use crate::dms::identity::{Did, PeerId as HostId};
use crate::dms::profile::Weakness;
use crate::kernel::{Time, Timestamp};

impl World<'_> {
    /// Looks at every peer.
    pub(super) fn closing(&mut self, stopped: Time, interrupted: bool) -> Closing {
        let now = self.clock(stopped);
        self.sample_fleet();
        let mut closing = Closing {
            interrupted,
            observed: self.end_observation(stopped),
            leaks: self.count_leaks(),
            reachable: self.count_reachable(),
            pairs: self.network.pairs(),
            fleet: self.fleet.seen(),
            attacks: self.attackers.report(self.setup, &self.population),
            events: self.events,
            revocations_missing: self.count_missing_revocations(now),
            capabilities: if self.ledger.keeps_tables() { self.capability_rows(now) } else { Vec::new() },
            ..Closing::default()
        };
        for host in &self.hosts {
            let (stored, expired) = host.stored(now);
            closing.tokens_stored += stored;
            closing.tokens_expired += expired;
            let dids = host.likeness().peer.capabilities().organizations(now);
            let names: Vec<&str> = dids.iter().filter_map(|did| self.office.name_of(did)).collect();
            closing.memberships.push(shared(&names.join(" ")));
        }
        closing
    }

    /// Pairs of a revocation and a peer that is up, would accept the revoked token, and does not know of it.
    fn count_missing_revocations(&self, now: Timestamp) -> u64 {
        self.lacking_revocations(now).into_iter().map(|(_, keys)| keys.len() as u64).sum()
    }

    /// The peers that are up and would accept tokens whose revocations they do not know of, with the keys of these.
    pub(super) fn lacking_revocations(&self, now: Timestamp) -> Vec<(PeerId, Vec<u128>)> {
        let mut issuers: FxHashMap<u128, Did> = FxHashMap::default();
        for host in &self.hosts {
            let known = host.revocations().iter();
            for token in known.filter(|token| !token.expires_before(now)) {
                issuers.insert(token.revocation_key().fingerprint(), token.issuer().clone());
            }
        }
        let missing = |host: &Host| -> Vec<u128> {
            let context = host.likeness().peer.capabilities();
            let known: Vec<u128> =
                host.revocations().iter().map(|token| token.revocation_key().fingerprint()).collect();
            let trusts = |issuer: &Did| {
                let side_chains = context.require_anchors().tokens();
                context.roots().contains(issuer) || side_chains.iter().any(|token| token.subject() == issuer)
            };
            self.ledger
                .revocations()
                .filter(|key| !known.contains(key) && issuers.get(key).is_some_and(trusts))
                .collect()
        };
        if issuers.is_empty() {
            return Vec::new();
        }
        let up = self.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        up.map(|(host, number)| (PeerId(number), missing(host)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect()
    }

    /// Peers that hold something for a deployment that neither wants it nor is having it undone.
    fn count_leaks(&self) -> u64 {
        let mut peers: Vec<PeerId> = self.held_for_nobody().into_iter().map(|(peer, _)| peer).collect();
        peers.dedup();
        peers.len() as u64
    }

    /// What peers that are up hold for a deployment that neither wants it nor is having it undone: the full ids of
    /// allocations, by peer.
    pub(super) fn held_for_nobody(&self) -> Vec<(PeerId, Arc<str>)> {
        let now = self.clock(self.queue.now());
        let up = self.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        let built = up.filter_map(|(host, number)| Some((host.built()?, PeerId(number))));
        let held = built.flat_map(|(inside, peer)| {
            let place = inside.peer.handle_of_root().host;
            let lost = inside.peer.provider().pool().holdings().filter(move |(id, holding)| {
                let leased = holding.lease.is_some_and(|lease| now <= lease);
                !leased && !self.is_wanted(id, holding.generation, &place) && !self.is_kept(inside, id)
            });
            lost.map(move |(id, _)| (peer, Arc::clone(id)))
        });
        held.collect()
    }

    /// Whether a provider keeps an allocation for an orchestrator that is down, and will not do so for ever.
    fn is_kept(&self, host: &Inside, allocation: &str) -> bool {
        let absent =
            self.ledger.orchestration_of(allocation).is_some_and(|(by, _)| !self.hosts[by.0 as usize].up);
        absent && self.waits_for_orchestrator(host, allocation)
    }

    /// The same of whoever the provider knows to orchestrate it, where another one goes on with it.
    pub(super) fn is_kept_for_one_who_is_down(&self, peer: PeerId, allocation: &str) -> bool {
        let Some(inside) = self.hosts[peer.0 as usize].built() else { return false };
        let Some(orchestrator) = inside.peer.provider().orchestrator_of(allocation) else { return false };
        let by = self.directory.find(&orchestrator.host);
        let is_down = by.is_some_and(|by| !self.hosts[by.0 as usize].up);
        is_down && self.waits_for_orchestrator(inside, allocation)
    }

    /// Whether a provider keeps an allocation for an orchestrator that is up and has lost all that it knew with its
    /// disk: it cannot tell that from one that is absent. Who goes on with its deployments may know nothing of it.
    pub(super) fn is_kept_for_one_who_has_forgotten(&self, peer: PeerId, allocation: &str) -> bool {
        let Some(host) = self.hosts[peer.0 as usize].built() else { return false };
        let orchestrator = host.peer.provider().orchestrator_of(allocation);
        let by = orchestrator.and_then(|orchestrator| self.directory.find(&orchestrator.host));
        let inside = by.and_then(|by| self.hosts[by.0 as usize].built());
        let id = self.ledger.orchestration_of(allocation).map(|(_, id)| id);
        let has_forgotten = inside.zip(id).is_some_and(|(inside, id)| inside.peer.deployment(id).is_none());
        has_forgotten && self.waits_for_orchestrator(host, allocation)
    }

    /// Whether a provider still gives the orchestrator of an allocation time to come back.
    fn waits_for_orchestrator(&self, host: &Inside, allocation: &str) -> bool {
        !host.peer.security().profile.has(Weakness::Orphans)
            && host.peer.provider().keeps_for_absent(allocation, self.clock(self.queue.now()))
    }

    fn is_wanted(&self, allocation: &str, generation: u32, host: &HostId) -> bool {
        let Some((by, ensemble)) = self.ledger.orchestration_of(allocation) else { return false };
        let orchestrator = &self.hosts[by.0 as usize].peer;
        orchestrator.deployment(ensemble).is_some_and(|deployment| {
            deployment.wants(allocation, generation, host) || deployment.is_undoing_on(host)
        })
    }
}
