//! The states of deployments and allocations as facts tell them, and the steps from one to the next.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dms::actor::AllocationState;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::EnsembleId;
use crate::sim::event::PeerId;

/// A step of a state machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Of a deployment at one orchestrator; from nothing where it is new there.
    Deployment(Option<DeploymentStatus>, DeploymentStatus),
    /// Of a generation of an allocation at one provider.
    Allocation(AllocationState, AllocationState),
}

/// The last states.
#[derive(Clone, Debug, Default)]
pub(super) struct States {
    deployments: FxHashMap<(PeerId, EnsembleId), DeploymentStatus>,
    allocations: FxHashMap<(PeerId, Arc<str>, u32), AllocationState>,
}

impl States {
    /// Takes what a fact of a peer tells, and returns the step, if it is one.
    pub(super) fn take(&mut self, peer: PeerId, fact: &Fact) -> Option<Step> {
        match fact {
            Fact::DeploymentStatus { ensemble, status, .. } => {
                let former = self.deployments.insert((peer, *ensemble), *status);
                return Some(Step::Deployment(former, *status));
            }
            Fact::AllocationState { allocation, generation, state, .. } => {
                let place = (peer, Arc::clone(allocation), *generation);
                let former = self.allocations.insert(place, *state).unwrap_or(AllocationState::Pending);
                return Some(Step::Allocation(former, *state));
            }
            // Another orchestrator tells of it from its own record.
            Fact::DeploymentHandedOver { ensemble, .. } => {
                self.deployments.remove(&(peer, *ensemble));
            }
            Fact::DeploymentRestored { ensemble, status } => {
                self.deployments.insert((peer, *ensemble), *status);
            }
            Fact::AllocationRestored { allocation, generation } => {
                let place = (peer, Arc::clone(allocation), *generation);
                self.allocations.insert(place, AllocationState::Stopped);
            }
            _ => {}
        }
        None
    }
}
