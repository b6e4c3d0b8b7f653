//! Books and executors agree: what a provider holds to be running runs (W10), and nothing runs that it does not know of
//! (W9).

use std::sync::Arc;

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::outbox::RunId;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// So long the books may differ from what runs once nothing is broken.
const GRACE: Span = Span::mins(2);
/// So long a program may take to end that nobody wants any more: its executor is asked again after five minutes.
const ENDING: Span = Span::mins(12);

/// See the module.
#[derive(Default)]
pub(super) struct Programs {
    missing: Lasting<(PeerId, Arc<str>)>,
    unknown: Lasting<(PeerId, RunId)>,
}

impl Invariant for Programs {
    fn name(&self) -> &'static str {
        "programs"
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        for (peer, inside) in look.up() {
            let running = inside.executor.running();
            let provider = inside.peer.provider();
            let mut known = Vec::new();
            for (id, ..) in provider.allocations() {
                let Some(run) = provider.run_of(id) else { continue };
                known.push(run);
                if !running.contains(&run) {
                    missing.push(((peer, Arc::clone(id)), (peer, id)));
                }
            }
            let strange = running.into_iter().filter(|run| !known.contains(run));
            unknown.extend(strange.map(|run| ((peer, run), peer)));
        }
        for (peer, id) in self.missing.look((look.now, calm, GRACE), missing) {
            found.stuck(look, peer, format!("{} runs in the books, and does not", key_of(id)));
        }
        for peer in self.unknown.look((look.now, calm, ENDING), unknown) {
            found.stuck(look, peer, "a program runs that its provider does not know of".to_owned());
        }
    }
}
