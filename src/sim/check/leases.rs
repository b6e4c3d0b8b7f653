//! No resource is held for nobody after its lease (dms-orchestration sections 2.10 and 5.3, W7, W9 and W20).

use std::sync::Arc;

use super::lasting::Lasting;
use super::memberships::is_listened_to;
use super::{Found, Invariant, Look};
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long something may be held for nobody once nothing is broken: an undo is sent again after two and a half minutes
/// at most, and a termination tried again after five.
const GRACE: Span = Span::mins(12);

/// See the module.
#[derive(Default)]
pub(super) struct Leases {
    held: Lasting<(PeerId, Arc<str>)>,
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
    }
}
