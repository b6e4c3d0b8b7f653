//! A revocation reaches everybody whom it concerns, soon after nothing is broken any more (dms-capabilities sections 8
//! and 10, C9).

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::kernel::Span;
use crate::sim::event::PeerId;

/// The stated window: five minutes after healing.
const WINDOW: Span = Span::mins(5);

/// See the module.
#[derive(Default)]
pub(super) struct Revocations {
    lacking: Lasting<PeerId>,
}

impl Invariant for Revocations {
    fn name(&self) -> &'static str {
        "revocations"
    }

    fn minute(&mut self, look: &Look<'_, '_>, found: &mut Found<'_>) {
        let lacking = match look.calm {
            Span::ZERO => Vec::new(),
            _ => look.world.lacking_revocations(look.world.clock(look.now)),
        };
        let seen = lacking.into_iter().map(|(peer, count)| (peer, (peer, count)));
        for (peer, count) in self.lacking.look((look.now, look.calm, WINDOW), seen) {
            found.stuck(look, peer, format!("does not know of {count} revocations that others know of"));
        }
    }
}
