//! No two programs run for one generation of an allocation, and what an older generation has left ends within a minute
//! once nothing is broken.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lasting::Lasting;
use super::living::{Living, living};
use super::memberships::is_listened_to;
use super::{Found, Invariant, Look};
use crate::dms::outbox::RunId;
use crate::kernel::Span;
use crate::net::EndpointId;
use crate::sim::event::PeerId;
use crate::sim::host::Inside;
use crate::sim::ledger::key_of;

/// So long an older generation may outlive the end of the trouble: a minute, and as much for who moves it to notice.
const GRACE: Span = Span::mins(2);

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
        let twin = living(look.world).find(|other| {
            other.allocation == allocation
                && other.generation == generation
                && (other.peer != peer || other.run.slot != run.slot)
        });
        if let Some(twin) = twin {
            let other = look.world.population.name_of(twin.peer);
            let what = format!("generation {generation} of {} runs here and on {other}", key_of(allocation));
            found.wrong(look, peer, what);
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        // Whoever is down cannot be told, nor who does not listen any more, nor by one who is down or has lost his
        // disk.
        let up = living(look.world).filter(|one| {
            look.world.hosts[one.peer.0 as usize].up
                && is_listened_to(look, one.peer, one.allocation)
                && !look.world.is_kept_for_one_who_has_forgotten(one.peer, one.allocation)
                && !look.world.is_kept_for_one_who_is_down(one.peer, one.allocation)
                && is_within_reach(look, one)
        });
        let all: Vec<Living<'_>> = up.collect();
        let mut latest: BTreeMap<&str, u32> = BTreeMap::new();
        for one in &all {
            let latest = latest.entry(one.allocation).or_default();
            *latest = (*latest).max(one.generation);
        }
        let old = all.iter().filter(|one| one.generation < latest[&**one.allocation]);
        let seen = old.map(|one| ((Arc::clone(one.allocation), one.generation, one.peer), one));
        for one in self.old.look((look.now, calm, GRACE), seen) {
            let newer = latest[&**one.allocation];
            let what = format!(
                "generation {} of {} still runs beside generation {newer}",
                one.generation,
                key_of(one.allocation)
            );
            found.stuck(look, one.peer, what);
        }
    }
}

/// Whether whoever orchestrates it now can reach the peer: behind address translation a deputy may not.
fn is_within_reach(look: &Look<'_, '_>, one: &Living<'_>) -> bool {
    let world = look.world;
    if world.setup.network.nat.is_none() {
        return true;
    }
    let Some((_, id)) = world.ledger.orchestration_of(one.allocation) else { return true };
    let orchestrates = |inside: &Inside| inside.peer.deployment(id).is_some_and(|own| !own.was_handed_over());
    let mut acting = look.up().filter(|(_, inside)| orchestrates(inside));
    acting.all(|(by, _)| world.network.reaches(look.now, EndpointId(by.0), EndpointId(one.peer.0)))
}
