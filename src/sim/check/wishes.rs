//! What a user wants of a deployment is done: what he ends does not go on, whatever state it was in (dms-orchestration
//! section 1.5, W21), and an update places all that its file says (dms-acceptance, deployment update).

use std::collections::{BTreeMap, BTreeSet};

use super::lasting::Lasting;
use super::memberships::can_tell;
use super::{Found, Invariant, Look};
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::EnsembleId;
use crate::dms::orchestrator::Deployment;
use crate::kernel::Span;
use crate::sim::event::PeerId;

/// So long the end may be on its way to a node that stands still, once nothing is broken.
const GRACE: Span = Span::mins(5);

/// See the module.
#[derive(Default)]
pub(super) struct Wishes {
    /// At which node.
    ended: BTreeMap<EnsembleId, PeerId>,
    going_on: Lasting<EnsembleId>,
}

impl Invariant for Wishes {
    fn name(&self) -> &'static str {
        "wishes"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let Fact::DeploymentReshaped { ensemble, allocations } = fact else { return };
        let Some(deployment) = look.world.hosts[peer.0 as usize].peer.deployment(*ensemble) else { return };
        let placed: BTreeSet<&str> = allocations.iter().map(|role| &*role.service).collect();
        for (node, config) in &deployment.ensemble().nodes {
            for allocation in &config.allocations {
                if !placed.contains(&*format!("{node}.{allocation}")) {
                    let name = look.name_of(*ensemble);
                    let what = format!("{name} was updated, and {node}.{allocation} is no part of it");
                    found.wrong(look, peer, what);
                }
            }
        }
    }

    fn asked_to_end(&mut self, look: &Look<'_, '_>, peer: PeerId, ensemble: EnsembleId) {
        // Whoever has handed it over says so. What has failed is not there to be ended any more, but a deputy may go on
        // with what has failed because its orchestrator was cut off.
        let deployment = look.world.hosts[peer.0 as usize].peer.deployment(ensemble);
        let is_taken = |one: &Deployment| !one.was_handed_over() && one.status() != DeploymentStatus::Failed;
        if deployment.is_some_and(is_taken) {
            self.ended.insert(ensemble, peer);
        }
    }

    fn disk_lost(&mut self, peer: PeerId) {
        // Nobody knows of it any more.
        self.ended.retain(|_, asked| *asked != peer);
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let mut seen = Vec::new();
        for (peer, inside) in look.up() {
            let going_on = inside
                .peer
                .deployments()
                .iter()
                .filter(|one| !one.status().is_ending() && !one.was_handed_over());
            for id in going_on.map(Deployment::id) {
                // It goes on at a deputy until that one can be told.
                let is_told = |asked: PeerId| asked == peer || can_tell(look, asked, peer);
                if self.ended.get(&id).is_some_and(|asked| is_told(*asked)) {
                    seen.push((id, (id, peer)));
                }
            }
        }
        for (id, peer) in self.going_on.look((look.now, calm, GRACE), seen) {
            found.stuck(look, peer, format!("{} goes on after its user has ended it", look.name_of(id)));
        }
    }
}
