//! Every deployment ends or runs, and says why it failed: nothing stays on its way once nothing is broken, and tasks
//! that are done complete their deployment (dms-orchestration section 1, W12, W14 and W17).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::actor::AllocationState;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;
use crate::sim::event::PeerId;

/// So long a deployment may be on its way once nothing is broken. Its own deadline is five minutes where nothing is
/// written; a shutdown waits for peers that are asked again after two and a half.
const GRACE: Span = Span::mins(15);
/// So long tasks may be done before their deployment is: their ends are told again after five minutes.
const TOLD: Span = Span::mins(12);

/// See the module.
#[derive(Default)]
pub(super) struct Endings {
    on_the_way: Lasting<(EnsembleId, DeploymentStatus)>,
    done: Lasting<EnsembleId>,
    /// The last state of each allocation, by generation.
    states: BTreeMap<Arc<str>, (u32, AllocationState)>,
    /// Of which deployments a user has asked for other things than what stands in their file.
    reshaped: Vec<EnsembleId>,
}

impl Endings {
    /// Whether all that an ensemble is made of are tasks, and all are done.
    fn is_done(&self, id: EnsembleId, ensemble: &EnsembleConfig) -> bool {
        let done = |node: &str, allocation: &str| {
            let state = self.states.get(&*format!("{id}_{node}.{allocation}"));
            matches!(state, Some((_, AllocationState::Completed)))
        };
        let mut parts = ensemble.nodes.iter().flat_map(|(node, config)| {
            config.allocations.iter().map(move |allocation| (&**node, &**allocation))
        });
        ensemble.is_task_only() && parts.all(|(node, allocation)| done(node, allocation))
    }
}

impl Invariant for Endings {
    fn name(&self) -> &'static str {
        "endings"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        match fact {
            Fact::DeploymentStatus { ensemble, status: DeploymentStatus::Failed, reason } => {
                if reason.as_ref().is_none_or(|reason| reason.is_empty()) {
                    let number = look.world.ledger.number_of(*ensemble);
                    let name = number.map_or("a deployment", |number| look.world.ledger.name_of(number));
                    found.wrong(look, peer, format!("{name} has failed without a reason"));
                }
            }
            Fact::AllocationState { allocation, generation, state, .. } => {
                let known = self.states.entry(Arc::clone(allocation)).or_insert((*generation, *state));
                if known.0 <= *generation {
                    *known = (*generation, *state);
                }
            }
            Fact::DeploymentReshaped { ensemble, .. } => self.reshaped.push(*ensemble),
            _ => {}
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, found: &mut Found<'_>) {
        let (mut on_the_way, mut done) = (Vec::new(), Vec::new());
        let world = look.world;
        let up = world.hosts.iter().zip(0..).filter(|(host, _)| look.calm > Span::ZERO && host.up);
        for (host, number) in up {
            let (Some(inside), peer) = (host.built(), PeerId(number)) else { continue };
            for deployment in inside.peer.deployments() {
                let (id, status) = (deployment.id(), deployment.status());
                let Some(number) = world.ledger.number_of(id) else { continue };
                if status.is_terminal() || deployment.waits_for_its_turn() || deployment.was_handed_over() {
                    continue;
                }
                if status != DeploymentStatus::Running {
                    on_the_way.push(((id, status), (peer, number, status)));
                } else if !self.reshaped.contains(&id) && self.is_done(id, world.ledger.ensemble_of(number)) {
                    done.push((id, (peer, number)));
                }
            }
        }
        for (peer, number, status) in self.on_the_way.look((look.now, look.calm, GRACE), on_the_way) {
            let name = world.ledger.name_of(number);
            found.stuck(look, peer, format!("{name} stays {}", status.as_str()));
        }
        for (peer, number) in self.done.look((look.now, look.calm, TOLD), done) {
            let name = world.ledger.name_of(number);
            found.stuck(look, peer, format!("all tasks of {name} are done, and it is not completed"));
        }
    }
}
