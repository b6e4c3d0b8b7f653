//! No two programs run for one generation of an allocation, and what an older generation has left ends within a minute
//! once nothing is broken (decisions: Generations).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::outbox::RunId;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::world::World;

/// So long an older generation may outlive the end of the trouble: a minute, and as much for who moves it to notice.
const GRACE: Span = Span::mins(2);

/// A program that really runs.
pub(super) struct Living<'a> {
    pub(super) peer: PeerId,
    /// Full id of its allocation.
    pub(super) allocation: &'a Arc<str>,
    pub(super) generation: u32,
    pub(super) run: RunId,
}

/// All programs that run, as executors know them, with the allocations that they are for by what their nodes have in
/// memory or on disk. What a node has given up and is still ending is not among them.
pub(super) fn living<'a>(world: &'a World<'_>) -> Vec<Living<'a>> {
    let mut all = Vec::new();
    for (host, number) in world.hosts.iter().zip(0..) {
        let Some(inside) = host.built() else { continue };
        let running = inside.executor.running();
        if running.is_empty() {
            continue;
        }
        let provider = inside.peer.provider();
        let hosted = provider
            .allocations()
            .filter_map(|(id, generation, _)| Some((id, generation, provider.run_of(id)?)));
        let stored = inside.peer.stored_allocations().map(|(id, generation, _, run)| (id, generation, run));
        for (allocation, generation, run) in hosted.chain(stored) {
            if running.contains(&run) {
                all.push(Living { peer: PeerId(number), allocation, generation, run });
            }
        }
    }
    all
}

/// See the module.
#[derive(Default)]
pub(super) struct Generations {
    old: Lasting<(Arc<str>, u32, PeerId)>,
}

impl Invariant for Generations {
    fn name(&self) -> &'static str {
        "generations"
    }

    fn program(&mut self, look: &Look<'_, '_>, peer: PeerId, run: RunId, found: &mut Found<'_>) {
        let provider = look.world.hosts[peer.0 as usize].peer.provider();
        let Some((allocation, generation)) = provider.allocation_of(run) else { return };
        let twin = living(look.world).into_iter().find(|other| {
            other.allocation == allocation
                && other.generation == generation
                && (other.peer != peer || other.run.slot != run.slot)
        });
        if let Some(twin) = twin {
            let other = look.world.population.name_of(twin.peer);
            let what = format!("generation {generation} of {} runs here and on {other}", key(allocation));
            found.wrong(look, peer, what);
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, found: &mut Found<'_>) {
        let mut all = living(look.world);
        // Whoever is down cannot be told.
        all.retain(|one| look.world.hosts[one.peer.0 as usize].up);
        let mut latest: BTreeMap<&str, u32> = BTreeMap::new();
        for one in &all {
            let latest = latest.entry(one.allocation).or_default();
            *latest = (*latest).max(one.generation);
        }
        let old = all.iter().filter(|one| one.generation < latest[&**one.allocation]);
        let seen = old.map(|one| ((Arc::clone(one.allocation), one.generation, one.peer), one));
        for one in self.old.look((look.now, look.calm, GRACE), seen) {
            let newer = latest[&**one.allocation];
            let what = format!(
                "generation {} of {} still runs beside generation {newer}",
                one.generation,
                key(one.allocation)
            );
            found.stuck(look, one.peer, what);
        }
    }
}

/// `node.allocation` of a full id.
pub(super) fn key(allocation: &str) -> &str {
    allocation.split_once('_').map_or(allocation, |(_, key)| key)
}
