//! No resource is held for nobody after its lease (dms-orchestration sections 2.10 and 5.3, W7, W9 and W20), and none
//! in case that a peer is lost which is well.

use std::sync::Arc;

use super::lasting::Lasting;
use super::memberships::{can_tell, is_listened_to};
use super::{Found, Invariant, Look};
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long something may be held for nobody once nothing is broken: an undo is sent again after two and a half minutes
/// at most, and a termination tried again after five.
const GRACE: Span = Span::mins(12);

/// So long a peer may be suspected that is up, once nothing is broken.
const SUSPICION: Span = Span::mins(12);

/// See the module.
#[derive(Default)]
pub(super) struct Leases {
    held: Lasting<(PeerId, Arc<str>)>,
    spares: Lasting<(PeerId, EnsembleId, Arc<str>)>,
}

impl Invariant for Leases {
    fn name(&self) -> &'static str {
        "leases"
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let held = look.world.held_for_nobody().into_iter();
        let held = held.filter(|(peer, id)| {
            !look.world.is_kept_for_one_who_has_forgotten(*peer, id) && is_listened_to(look, *peer, id)
        });
        let seen = held.map(|(peer, id)| ((peer, Arc::clone(&id)), (peer, id)));
        for (peer, id) in self.held.look((look.now, calm, GRACE), seen) {
            found.stuck(look, peer, format!("resources are held for {} that nobody wants", key_of(&id)));
        }
        let spares = vain_spares(look).into_iter().map(|spare| (spare.clone(), spare));
        for (by, ensemble, node) in self.spares.look((look.now, calm, SUSPICION), spares) {
            let name = look.name_of(ensemble);
            found.stuck(
                look,
                by,
                format!("keeps {node} of {name} in case that a peer is lost which is well"),
            );
        }
    }
}

/// Nodes that orchestrators keep in case that a peer is lost which is up, and of which they hear.
fn vain_spares(look: &Look<'_, '_>) -> Vec<(PeerId, EnsembleId, Arc<str>)> {
    let world = look.world;
    let is_well = |by, host| world.directory.find(&host).is_some_and(|peer| can_tell(look, peer, by));
    let mut spares = Vec::new();
    for (by, inside) in look.up() {
        let own = inside.peer.deployments().iter();
        for deployment in own.filter(|one| !one.status().is_terminal() && !one.was_handed_over()) {
            let vain = deployment.precautions().filter(|spare| is_well(by, spare.against));
            spares.extend(vain.map(|spare| (by, deployment.id(), Arc::from(spare.node))));
        }
    }
    spares
}
