//! What an ensemble's file and the strategies say is done about what fails: with one that restarts for all the others
//! of its node do, a lost node that is to be placed anew is not given up, and what is unwell does not stay so
//! (dms-orchestration section 4).

use std::sync::Arc;

use super::lasting::Lasting;
use super::living::living_on;
use super::memberships::is_listened_to;
use super::{Found, Invariant, Look};
use crate::dms::ensemble::{AllocationRecovery, EnsembleConfig, NodeRecovery};
use crate::dms::fact::{DeploymentStatus, Fact, Suspicion};
use crate::dms::orchestrator::{Deployment, GIVEN_UP};
use crate::dms::outbox::RunId;
use crate::dms::supervision::Measure;
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long a program may be unwell once nothing is broken: three checks in a row, a few restarts, and another place.
const UNWELL: Span = Span::mins(15);

/// An allocation that failed while its peer answers, with those that are to restart if it does.
struct Failure {
    peer: PeerId,
    at: Time,
    allocation: Arc<str>,
    company: Vec<Arc<str>>,
    restarted: Vec<Arc<str>>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Recovery {
    failure: Option<Failure>,
    unwell: Lasting<(PeerId, RunId)>,
}

impl Invariant for Recovery {
    fn name(&self) -> &'static str {
        "recovery"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        if self.failure.as_ref().is_some_and(|one| (one.peer, one.at) != (peer, look.now)) {
            self.conclude(look, found);
        }
        match fact {
            Fact::Suspected { allocation, cause: Suspicion::Ended | Suspicion::HealthCheck, .. } => {
                self.conclude(look, found);
                self.failure = failure(look, peer, allocation);
            }
            Fact::RestartOrdered { allocation } => {
                if let Some(failure) = &mut self.failure {
                    failure.restarted.push(Arc::clone(allocation));
                }
            }
            Fact::DeploymentStatus { ensemble, status: DeploymentStatus::Failed, reason: Some(reason) }
                if **reason == *GIVEN_UP =>
            {
                let Some(number) = look.world.ledger.number_of(*ensemble) else { return };
                let deployment = look.world.hosts[peer.0 as usize].peer.deployment(*ensemble);
                let Some(deployment) = deployment.filter(|one| !one.was_updated()) else { return };
                if !gives_up(look.world.ledger.ensemble_of(number), deployment) {
                    found.wrong(
                        look,
                        peer,
                        format!("gives up {}, which is to be placed anew", look.name_of(*ensemble)),
                    );
                }
            }
            _ => {}
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let mut unwell = Vec::new();
        for (peer, inside) in look.up() {
            for living in living_on(peer, inside) {
                let executor = &inside.executor;
                let is_up = executor.up_since(living.run).is_some();
                // Whoever it does not listen to can neither restart it nor have it end.
                if is_up
                    && is_listened_to(look, peer, living.allocation)
                    && !executor.is_healthy(living.run, &look.world.images)
                    && written(look, living.allocation).is_some_and(|(restarts, _)| restarts)
                {
                    unwell.push(((peer, living.run), (peer, Arc::clone(living.allocation))));
                }
            }
        }
        for (peer, allocation) in self.unwell.look((look.now, calm, UNWELL), unwell) {
            let key = key_of(&allocation);
            found.stuck(look, peer, format!("{key} is unwell all the time, and nobody restarts it"));
        }
    }
}

impl Recovery {
    /// All that is to be restarted at once has been by now.
    fn conclude(&mut self, look: &Look<'_, '_>, found: &mut Found<'_>) {
        let Some(failure) = self.failure.take() else { return };
        let restarts = failure.restarted.contains(&failure.allocation);
        let left = failure.company.iter().find(|other| !failure.restarted.contains(other));
        if let Some(left) = left.filter(|_| restarts) {
            let (one, other) = (key_of(&failure.allocation), key_of(left));
            found.wrong(
                look,
                failure.peer,
                format!("restarts {one}, which restarts for all, without {other}"),
            );
        }
    }
}

/// What an allocation that restarts for all takes with it, where no supervisor says more.
fn failure(look: &Look<'_, '_>, peer: PeerId, allocation: &Arc<str>) -> Option<Failure> {
    let (_, true) = written(look, allocation)? else { return None };
    let (_, id) = look.world.ledger.orchestration_of(allocation)?;
    let node = allocation.rsplit_once('.')?.0;
    let deployment = look.world.hosts[peer.0 as usize].peer.deployment(id)?;
    let all = deployment.held_to_run().map(|part| part.allocation);
    let company =
        all.filter(|other| other.rsplit_once('.').is_some_and(|(other, _)| other == node)).collect();
    let allocation = Arc::clone(allocation);
    Some(Failure { peer, at: look.now, allocation, company, restarted: Vec::new() })
}

/// Whether the file says that an allocation restarts where it is, and whether it does so with all others of its node.
fn written(look: &Look<'_, '_>, allocation: &str) -> Option<(bool, bool)> {
    let number = look.world.ledger.deployment_of(allocation)?;
    let (_, deployment) = look.deployment(number)?;
    let ensemble = look.world.ledger.ensemble_of(number);
    if deployment.was_updated() || deployment.strategies().forced || ensemble.supervisor.is_some() {
        return None;
    }
    let (_, name) = key_of(allocation).rsplit_once('.')?;
    let recovery = ensemble.allocations.get(name)?.failure_recovery?;
    Some((recovery != AllocationRecovery::StayDown, recovery == AllocationRecovery::OneForAll))
}

/// Whether one of the nodes of a deployment may be given up.
fn gives_up(ensemble: &EnsembleConfig, deployment: &Deployment) -> bool {
    let mut named = deployment.strategies().measures.iter().map(Measure::name);
    let decides = |name: &&str| ["stay_down", "restart", "redeploy", "standby", "migration"].contains(name);
    let by_strategy = named.find(decides).is_none_or(|name| name == "stay_down");
    ensemble.nodes.values().map(|node| node.failure_recovery).any(|wish| match wish {
        Some(NodeRecovery::StayDown) => true,
        Some(_) if !deployment.strategies().forced => false,
        _ => by_strategy,
    })
}
