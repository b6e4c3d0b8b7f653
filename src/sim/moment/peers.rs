//! Peers of a moment: whether they are up, what they hold and what runs there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Focus;
use crate::dms::resources::Resources;
use crate::kernel::Time;
use crate::sim::event::PeerId;
use crate::sim::host::{Existence, Host};
use crate::sim::ledger::key_of;
use crate::sim::world::World;

/// An allocation that a peer has.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AllocationSeen {
    /// The number of its deployment, if the run knows it.
    pub deployment: Option<u32>,
    /// `node.allocation`.
    pub allocation: Arc<str>,
    /// The peer's name.
    pub peer: Arc<str>,
    /// Its generation.
    pub generation: u32,
    /// What its provider says of it; of a peer whose process is down, what it has stored.
    pub state: &'static str,
    /// Whether its program really runs.
    pub runs: bool,
    /// Since when it does.
    #[serde(rename = "since_s", serialize_with = "super::optional_seconds")]
    pub since: Option<Time>,
}

/// Resources that are kept for an allocation which is yet to come.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CommitmentSeen {
    /// The number of its deployment, if the run knows it.
    pub deployment: Option<u32>,
    /// `node.allocation`.
    pub allocation: Arc<str>,
    /// Its generation.
    pub generation: u32,
    /// How much.
    pub resources: String,
    /// Until when.
    #[serde(rename = "until_s", serialize_with = "super::events::seconds")]
    pub until: Time,
}

/// A peer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PeerSeen {
    /// Its name.
    pub peer: Arc<str>,
    /// `up`, `down` (its process, or all of it), `crashed` (by a fault), `coming` or `gone`.
    pub state: &'static str,
    /// What it offers; nothing where it is not onboarded.
    pub onboarded: String,
    /// What of it is neither committed nor allocated.
    pub free: String,
    /// What it has for others.
    pub allocations: Vec<AllocationSeen>,
    /// What it keeps for others.
    pub commitments: Vec<CommitmentSeen>,
    /// How many programs run on its machine, those included that nobody wants any more.
    pub programs: usize,
    /// The numbers of the deployments that it orchestrates and that have not ended.
    pub orchestrates: Vec<u32>,
    /// How many revocations it knows.
    pub revocations: usize,
    /// What is wrong with its machine.
    pub troubles: Vec<&'static str>,
}

impl PeerSeen {
    /// Whether it holds, runs and orchestrates nothing, and nothing is wrong with its machine.
    fn is_idle(&self) -> bool {
        let holds_nothing = self.allocations.is_empty() && self.commitments.is_empty();
        holds_nothing && self.programs == 0 && self.orchestrates.is_empty() && self.troubles.is_empty()
    }
}

impl World<'_> {
    /// All allocations that peers have, by the numbers of the peers.
    pub(super) fn held_by_all(&self) -> Vec<AllocationSeen> {
        (0..self.hosts.len() as u32).flat_map(|number| self.held_by(PeerId(number))).collect()
    }

    pub(super) fn held_by(&self, peer: PeerId) -> Vec<AllocationSeen> {
        let Some(inside) = self.hosts[peer.0 as usize].built() else { return Vec::new() };
        let provider = inside.peer.provider();
        let living = provider.allocations();
        let living = living.map(|(full, generation, state)| (full, generation, state, provider.run_of(full)));
        // What has been left by a process that does not run may well run.
        let left = inside.peer.stored_allocations();
        let left = left.map(|(full, generation, state, run)| (full, generation, state, Some(run)));
        let running = inside.executor.running();
        let seen = living.chain(left).map(|(full, generation, state, run)| AllocationSeen {
            deployment: self.ledger.deployment_of(full),
            allocation: key_of(full).into(),
            peer: Arc::clone(self.population.name_of(peer)),
            generation,
            state: state.word(),
            runs: run.is_some_and(|run| running.contains(&run)),
            since: run.and_then(|run| inside.executor.up_since(run)),
        });
        seen.collect()
    }

    /// Peers by what they are, and those that are wanted.
    pub(super) fn peers_seen(
        &self,
        held: &[AllocationSeen],
        focus: &Focus,
    ) -> (BTreeMap<&'static str, u64>, Vec<PeerSeen>) {
        let (mut counts, mut peers) = (BTreeMap::new(), Vec::new());
        let orchestrated = self.orchestrated();
        let mut held = held.iter().peekable();
        for (host, number) in self.hosts.iter().zip(0..) {
            *counts.entry(state_of(host)).or_default() += 1;
            let peer = PeerId(number);
            let name = self.population.name_of(peer);
            let own = std::iter::from_fn(|| held.next_if(|one| one.peer == *name)).cloned().collect();
            let is_named = focus.peer == Some(peer);
            if focus.peer.is_some() && !is_named {
                continue;
            }
            let deployments = orchestrated.get(&peer).cloned().unwrap_or_default();
            let is_as_at_first = !host.is_built() && deployments.is_empty() && !self.troubles.concern(peer);
            if is_as_at_first && !focus.all && !is_named {
                continue;
            }
            let seen = self.peer_seen(peer, own, deployments);
            let is_wanted = match &focus.deployments {
                Some(numbers) => {
                    let among = |number: Option<u32>| number.is_some_and(|own| numbers.contains(&own));
                    seen.allocations.iter().any(|one| among(one.deployment))
                        || seen.commitments.iter().any(|one| among(one.deployment))
                        || seen.orchestrates.iter().any(|one| numbers.contains(one))
                }
                None => focus.all || !seen.is_idle(),
            };
            if is_wanted || is_named {
                peers.push(seen);
            }
        }
        (counts, peers)
    }

    /// The numbers of the deployments that have not ended, by their orchestrators.
    fn orchestrated(&self) -> BTreeMap<PeerId, Vec<u32>> {
        let mut by_peer: BTreeMap<PeerId, Vec<u32>> = BTreeMap::new();
        for number in 0..self.ledger.deployment_count() {
            let record = self.ledger.record_of(number);
            if !record.status.is_terminal() {
                by_peer.entry(record.orchestrator()).or_default().push(number);
            }
        }
        by_peer
    }

    pub(super) fn peer_seen(
        &self,
        peer: PeerId,
        allocations: Vec<AllocationSeen>,
        orchestrates: Vec<u32>,
    ) -> PeerSeen {
        let host = &self.hosts[peer.0 as usize];
        let onboarded = host.offer();
        let free = match host.built() {
            Some(inside) => inside.peer.provider().pool().free(),
            None => onboarded.clone(),
        };
        let text = |amount: &Resources| match amount.cpu.cores_milli {
            0 if amount.ram_bytes == 0 => "nothing".to_owned(),
            _ => amount.to_string(),
        };
        PeerSeen {
            peer: Arc::clone(self.population.name_of(peer)),
            state: state_of(host),
            onboarded: text(&onboarded),
            free: text(&free),
            allocations,
            commitments: self.commitments_of(peer),
            programs: host.built().map_or(0, |inside| inside.executor.running().len()),
            orchestrates,
            revocations: host.revocations().iter().count(),
            troubles: self.troubles.of(peer).map(|trouble| trouble.name()).collect(),
        }
    }

    fn commitments_of(&self, peer: PeerId) -> Vec<CommitmentSeen> {
        let Some(inside) = self.hosts[peer.0 as usize].built() else { return Vec::new() };
        let holdings = inside.peer.provider().pool().holdings();
        let kept = holdings.filter_map(|(full, holding)| {
            Some(CommitmentSeen {
                deployment: self.ledger.deployment_of(full),
                allocation: key_of(full).into(),
                generation: holding.generation,
                resources: holding.resources.to_string(),
                until: self.time_by(peer, holding.lease?),
            })
        });
        kept.collect()
    }
}

pub(super) const fn state_of(host: &Host) -> &'static str {
    match host.existence {
        Existence::Coming => "coming",
        Existence::Gone => "gone",
        Existence::Here if host.up => "up",
        Existence::Here if host.crashed => "crashed",
        Existence::Here => "down",
    }
}
