//! Queues are bounded, and whoever waits in one gets its turn: on a machine that runs a few programs at once (`queue`
//! of a group), and at a node that works on a few deployments at once (`strategy.queue`). Both are extensions of DMS.

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::actor::AllocationState;
use crate::dms::fact::Fact;
use crate::dms::outbox::RunId;
use crate::dms::provider::Places;
use crate::kernel::Span;
use crate::sim::deputies;
use crate::sim::event::PeerId;
use crate::sim::host::Inside;

/// So long something may wait beside a free place once nothing is broken. What has the place may still be on its way
/// to it, or be ending: its executor is asked again after five minutes.
const GRACE: Span = Span::mins(15);

/// See the module.
#[derive(Default)]
pub(super) struct Queues {
    /// The most deployments that a node was ever to work on at once.
    at_once: Option<u32>,
    idle: Lasting<(PeerId, &'static str)>,
}

impl Invariant for Queues {
    fn name(&self) -> &'static str {
        "queues"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let Fact::AllocationState { state: AllocationState::Queued, .. } = fact else { return };
        let Some((inside, places)) = crowded(look, peer) else { return };
        // What is just beginning counts as waiting until it runs.
        let counted = count(inside, &[AllocationState::Queued, AllocationState::Running]);
        let most = places.waiting.map(|waiting| (places.at_once + waiting) as usize);
        if let Some(most) = most.filter(|most| counted > *most) {
            found.wrong(look, peer, format!("has {counted} allocations run or wait, and room for {most}"));
        }
    }

    fn program(&mut self, look: &Look<'_, '_>, peer: PeerId, _run: RunId, found: &mut Found<'_>) {
        let Some((inside, Places { at_once, .. })) = crowded(look, peer) else { return };
        let running = inside.executor.running().len();
        if running > at_once as usize {
            found.wrong(look, peer, format!("runs {running} programs at once, and has places for {at_once}"));
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        self.at_once = self.at_once.max(look.world.setup.strategy.at_once);
        let mut idle = Vec::new();
        for (peer, inside) in look.up() {
            if inside.peer.provider().machine().places.is_some_and(|places| {
                inside.executor.running().len() < places.at_once as usize
                    && count(inside, &[AllocationState::Queued]) > 0
            }) {
                idle.push((peer, "an allocation"));
            }
            let Some(at_once) = self.at_once else { continue };
            let going = inside.peer.deployments().iter();
            let going = going.filter(|one| !one.status().is_terminal() && !one.was_handed_over());
            let (waiting, under_way): (Vec<_>, Vec<_>) = going.partition(|one| one.waits_for_its_turn());
            let under_way = under_way.len();
            // Whoever goes on with those of others works on more.
            if under_way > at_once as usize && !deputies::hand_over(look.world.setup) {
                found.wrong(look, peer, format!("works on {under_way} deployments, and may on {at_once}"));
            }
            if !waiting.is_empty() && under_way < at_once as usize {
                idle.push((peer, "a deployment"));
            }
        }
        let seen = idle.into_iter().map(|one| (one, one));
        for (peer, what) in self.idle.look((look.now, calm, GRACE), seen) {
            found.stuck(look, peer, format!("{what} waits, and a place is free"));
        }
    }
}

/// A peer whose machine runs a few programs at once, and how many.
fn crowded<'a>(look: &Look<'a, '_>, peer: PeerId) -> Option<(&'a Inside, Places)> {
    let inside = look.world.hosts[peer.0 as usize].built()?;
    Some((inside, inside.peer.provider().machine().places?))
}

/// How many allocations on a machine are in one of these states.
fn count(inside: &Inside, states: &[AllocationState]) -> usize {
    inside.peer.provider().allocations().filter(|(.., state)| states.contains(state)).count()
}
