//! What depends on another allocation of its node starts after that one has, the first time on a machine
//! (dms-orchestration section 3.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Found, Invariant, Look};
use crate::dms::outbox::RunId;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// What has been up where.
#[derive(Default)]
pub(super) struct Order {
    begun: BTreeSet<(PeerId, Arc<str>)>,
}

impl Invariant for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn program(&mut self, look: &Look<'_, '_>, peer: PeerId, run: RunId, found: &mut Found<'_>) {
        let inside = &look.world.hosts[peer.0 as usize];
        let Some((allocation, _)) = inside.peer.provider().allocation_of(run) else { return };
        let wanted = inside.executor.config_of(run).map_or(&[][..], |config| &config.depends_on);
        let Some((node, _)) = allocation.rsplit_once('.') else { return };
        for other in wanted {
            let id: Arc<str> = format!("{node}.{other}").into();
            if !self.begun.contains(&(peer, id)) {
                let what = format!("{} has started before {other}, which it depends on", key_of(allocation));
                found.wrong(look, peer, what);
            }
        }
        self.begun.insert((peer, Arc::clone(allocation)));
    }

    fn disk_lost(&mut self, peer: PeerId) {
        self.begun.retain(|(by, _)| *by != peer);
    }
}
