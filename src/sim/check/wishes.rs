//! What a user wants of a deployment is done: what he ends does not go on, whatever state it was in (dms-orchestration
//! section 1.5, W21), and an update places all that its file says (dms-acceptance, deployment update).

use std::collections::{BTreeMap, BTreeSet};

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;
use crate::sim::event::PeerId;

/// So long the end may be on its way to a node that stands still, once nothing is broken.
const GRACE: Span = Span::mins(5);

/// See the module.
#[derive(Default)]
pub(super) struct Wishes {
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
        // Whoever has handed it over says so.
        let deployment = look.world.hosts[peer.0 as usize].peer.deployment(ensemble);
        if deployment.is_some_and(|deployment| !deployment.was_handed_over()) {
            self.ended.insert(ensemble, peer);
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let goes_on = |id: &EnsembleId, peer: &PeerId| {
            let host = &look.world.hosts[peer.0 as usize];
            let deployment = host.built().filter(|_| host.up).and_then(|inside| inside.peer.deployment(*id));
            deployment.is_some_and(|one| !one.status().is_ending() && !one.was_handed_over())
        };
        // What has ended once does not begin again.
        self.ended.retain(|id, peer| goes_on(id, peer) || !look.world.hosts[peer.0 as usize].up);
        let seen = self.ended.iter().filter(|(id, peer)| goes_on(id, peer));
        let seen: Vec<_> = seen.map(|(id, peer)| (*id, (*id, *peer))).collect();
        for (id, peer) in self.going_on.look((look.now, calm, GRACE), seen) {
            found.stuck(look, peer, format!("{} goes on after its user has ended it", look.name_of(id)));
        }
    }
}
