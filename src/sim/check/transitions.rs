//! State machines take only listed transitions (dms-orchestration sections 1.2 and 3.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Found, Invariant, Look};
use crate::dms::actor::AllocationState as A;
use crate::dms::fact::{DeploymentStatus as D, Fact};
use crate::dms::identity::EnsembleId;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// What may follow a state of a deployment; it begins with Preparing.
pub const DEPLOYMENT_TRANSITIONS: &[(D, &[D])] = &[
    (D::Preparing, &[D::Preparing, D::Committing, D::Failed, D::ShuttingDown, D::Completed]),
    (D::Committing, &[D::Preparing, D::Provisioning, D::Failed, D::ShuttingDown]),
    (D::Provisioning, &[D::Preparing, D::Running, D::Failed, D::ShuttingDown]),
    (D::Running, &[D::Updating, D::Failed, D::ShuttingDown, D::Completed]),
    (D::Updating, &[D::Running, D::Failed, D::ShuttingDown, D::Completed]),
    (D::ShuttingDown, &[D::Completed]),
    (D::Completed, &[]),
    (D::Failed, &[]),
];

/// What may follow a state of an allocation; it begins with Pending.
pub const ALLOCATION_TRANSITIONS: &[(A, &[A])] = &[
    (A::Pending, &[A::Running, A::Queued, A::Standby, A::Failed, A::Terminated]),
    (A::Queued, &[A::Running, A::Restarting, A::Failed, A::Terminated]),
    (A::Standby, &[A::Running, A::Queued, A::Failed, A::Terminated]),
    (A::Running, &[A::Restarting, A::Stopped, A::Completed, A::Failed, A::Terminated]),
    (A::Restarting, &[A::Running, A::Queued, A::Stopped, A::Completed, A::Failed, A::Terminated]),
    (A::Stopped, &[A::Running, A::Restarting, A::Queued, A::Completed, A::Failed, A::Terminated]),
    (A::Completed, &[A::Terminated]),
    (A::Failed, &[A::Restarting, A::Queued, A::Terminated]),
    (A::Terminated, &[]),
];

/// The last states.
#[derive(Default)]
pub(super) struct Transitions {
    deployments: BTreeMap<(PeerId, EnsembleId), D>,
    allocations: BTreeMap<(PeerId, Arc<str>, u32), A>,
}

fn allows<S: PartialEq>(table: &[(S, &[S])], from: &S, to: &S) -> bool {
    table.iter().any(|(state, next)| state == from && next.contains(to))
}

impl Invariant for Transitions {
    fn name(&self) -> &'static str {
        "transitions"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        match fact {
            Fact::DeploymentStatus { ensemble, status, .. } => {
                let former = self.deployments.insert((peer, *ensemble), *status);
                let is_listed = match former {
                    None => true,
                    Some(former) => allows(DEPLOYMENT_TRANSITIONS, &former, status),
                };
                if let (false, Some(former)) = (is_listed, former) {
                    let name = look.name_of(*ensemble);
                    let (from, to) = (former.as_str(), status.as_str());
                    found.wrong(look, peer, format!("{name} went from {from} to {to}"));
                }
            }
            // Another orchestrator tells of it from its own record.
            Fact::DeploymentHandedOver { ensemble, .. } => {
                self.deployments.remove(&(peer, *ensemble));
            }
            Fact::DeploymentRestored { ensemble, status } => {
                self.deployments.insert((peer, *ensemble), *status);
            }
            Fact::AllocationState { allocation, generation, state, .. } => {
                let place = (peer, Arc::clone(allocation), *generation);
                let former = self.allocations.insert(place, *state).unwrap_or(A::Pending);
                if former != *state && !allows(ALLOCATION_TRANSITIONS, &former, state) {
                    let (from, to) = (former.word(), state.word());
                    let what =
                        format!("generation {generation} of {} went from {from} to {to}", key_of(allocation));
                    found.wrong(look, peer, what);
                }
            }
            Fact::AllocationRestored { allocation, generation } => {
                self.allocations.insert((peer, Arc::clone(allocation), *generation), A::Stopped);
            }
            _ => {}
        }
    }
}
