//! State machines take only listed transitions (dms-orchestration sections 1.2 and 3.1).

use super::states::{States, Step};
use super::{Found, Invariant, Look};
use crate::dms::actor::AllocationState as A;
use crate::dms::fact::{DeploymentStatus as D, Fact};
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// What may follow a state of a deployment; it begins with Preparing.
pub const DEPLOYMENT_TRANSITIONS: &[(D, &[D])] = &[
    (D::Preparing, &[D::Preparing, D::Committing, D::Failed, D::ShuttingDown, D::Completed]),
    (D::Committing, &[D::Preparing, D::Provisioning, D::Failed, D::ShuttingDown]),
    (D::Provisioning, &[D::Preparing, D::Running, D::Failed, D::ShuttingDown]),
    (D::Running, &[D::Updating, D::Failed, D::ShuttingDown, D::Completed]),
    (D::Updating, &[D::Running, D::Failed, D::ShuttingDown]),
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

/// See the module.
#[derive(Default)]
pub(super) struct Transitions {
    states: States,
}

fn allows<S: PartialEq>(table: &[(S, &[S])], from: &S, to: &S) -> bool {
    table.iter().any(|(state, next)| state == from && next.contains(to))
}

impl Invariant for Transitions {
    fn name(&self) -> &'static str {
        "transitions"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        match (self.states.take(peer, fact), fact) {
            (Some(Step::Deployment(Some(from), to)), Fact::DeploymentStatus { ensemble, .. })
                if !allows(DEPLOYMENT_TRANSITIONS, &from, &to) =>
            {
                let name = look.name_of(*ensemble);
                found.wrong(look, peer, format!("{name} went from {} to {}", from.as_str(), to.as_str()));
            }
            (Some(Step::Allocation(from, to)), Fact::AllocationState { allocation, generation, .. })
                if from != to && !allows(ALLOCATION_TRANSITIONS, &from, &to) =>
            {
                let (key, from, to) = (key_of(allocation), from.word(), to.word());
                let what = format!("generation {generation} of {key} went from {from} to {to}");
                found.wrong(look, peer, what);
            }
            _ => {}
        }
    }
}
