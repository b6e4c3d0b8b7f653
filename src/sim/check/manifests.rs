//! Manifests and providers agree once nothing is broken: what an orchestrator holds to be running is there, in that
//! generation, and its provider says so too.

use std::sync::Arc;

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::actor::AllocationState;
use crate::dms::fact::DeploymentStatus;
use crate::dms::orchestrator::Deployment;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long the two may differ once nothing is broken: a lost program is suspected after a minute and a half, and one
/// that cannot start is given up after five.
const GRACE: Span = Span::mins(12);

/// See the module.
#[derive(Default)]
pub(super) struct Manifests {
    missing: Lasting<(PeerId, Arc<str>, u32)>,
}

impl Invariant for Manifests {
    fn name(&self) -> &'static str {
        "manifests"
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let world = look.world;
        let mut seen = Vec::new();
        let running = |one: &&Deployment| one.status() == DeploymentStatus::Running && !one.was_handed_over();
        for (by, inside) in look.up() {
            for deployment in inside.peer.deployments().iter().filter(running) {
                for part in deployment.held_to_run() {
                    let Some(peer) = world.directory.find(&part.host) else { continue };
                    let there = &world.hosts[peer.0 as usize];
                    if !there.up {
                        continue;
                    }
                    let provider = there.peer.provider();
                    let mut own = provider.allocations();
                    let what = match own.find(|(id, ..)| **id == part.allocation) {
                        None => "it is not there".to_owned(),
                        Some((_, generation, _)) if generation != part.generation => {
                            format!("generation {generation} is there")
                        }
                        Some((.., AllocationState::Running)) => continue,
                        Some((.., state)) => format!("its provider holds it to be {}", state.word()),
                    };
                    let key = (by, Arc::clone(&part.allocation), part.generation);
                    seen.push((key.clone(), (key, peer, what)));
                }
            }
        }
        for ((by, allocation, generation), peer, what) in self.missing.look((look.now, calm, GRACE), seen) {
            let there = world.population.name_of(peer);
            let what = format!(
                "holds generation {generation} of {} to run on {there}, and {what}",
                key_of(&allocation)
            );
            found.stuck(look, by, what);
        }
    }
}
