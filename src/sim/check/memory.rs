//! A peer that restarts forgets nothing that it had acknowledged (dms-orchestration sections 1.4 and 4.6,
//! dms-capabilities section 9.4, W25 and C12): deployments, allocations, revocations, roots and volumes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Found, Invariant, Look};
use crate::dms::capability::RevocationSet;
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::orchestrator::Deployment;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// What a peer had acknowledged when its process stopped.
struct Acknowledged {
    deployments: Vec<EnsembleId>,
    allocations: Vec<(Arc<str>, u32)>,
    revocations: Arc<RevocationSet>,
    roots: Vec<Did>,
    volumes: Vec<(Arc<str>, Did)>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Memory {
    stopped: BTreeMap<PeerId, Acknowledged>,
}

impl Memory {
    fn note(&mut self, look: &Look<'_, '_>, peer: PeerId) {
        let Some(inside) = look.world.hosts[peer.0 as usize].built() else { return };
        let own = &inside.peer;
        let deployments = own.deployments().iter().filter(|one| !one.status().is_terminal());
        let allocations = own.provider().allocations();
        let acknowledged = Acknowledged {
            deployments: deployments.map(Deployment::id).collect(),
            allocations: allocations.map(|(id, generation, _)| (Arc::clone(id), generation)).collect(),
            revocations: Arc::clone(own.capabilities().revocations()),
            roots: own.capabilities().roots().to_vec(),
            volumes: own.volumes().owners().map(|(name, who)| (Arc::clone(name), who.clone())).collect(),
        };
        self.stopped.insert(peer, acknowledged);
    }

    fn compare(&mut self, look: &Look<'_, '_>, peer: PeerId, found: &mut Found<'_>) {
        let (Some(before), Some(inside)) =
            (self.stopped.remove(&peer), look.world.hosts[peer.0 as usize].built())
        else {
            return;
        };
        let own = &inside.peer;
        for id in before.deployments.iter().filter(|id| own.deployment(**id).is_none()) {
            found.wrong(look, peer, format!("has forgotten {}", look.name_of(*id)));
        }
        for (id, generation) in &before.allocations {
            let is_there = |(own, life, _): (&Arc<str>, u32, _)| own == id && life == *generation;
            if !own.provider().allocations().any(is_there) {
                found.wrong(look, peer, format!("has forgotten generation {generation} of {}", key_of(id)));
            }
        }
        let now = look.world.clock_of(peer, look.now);
        let known: Vec<u128> =
            own.capabilities().revocations().iter().map(|token| token.fingerprint()).collect();
        let lost = before.revocations.iter().filter(|token| !token.expires_before(now));
        if lost.filter(|token| !known.contains(&token.fingerprint())).count() > 0 {
            found.wrong(look, peer, "has forgotten a revocation".to_owned());
        }
        if before.roots.iter().any(|root| !own.capabilities().roots().contains(root)) {
            found.wrong(look, peer, "has forgotten a root anchor".to_owned());
        }
        for (name, who) in &before.volumes {
            if !own.volumes().owners().any(|(own, by)| own == name && by == who) {
                found.wrong(look, peer, format!("has forgotten whose volume {name} is"));
            }
        }
    }
}

impl Invariant for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn process(&mut self, look: &Look<'_, '_>, peer: PeerId, up: bool, found: &mut Found<'_>) {
        if up { self.compare(look, peer, found) } else { self.note(look, peer) }
    }

    fn disk_lost(&mut self, peer: PeerId) {
        self.stopped.remove(&peer);
    }
}
