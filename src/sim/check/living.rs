//! What really runs.

use std::sync::Arc;

use crate::dms::outbox::RunId;
use crate::sim::event::PeerId;
use crate::sim::host::Inside;
use crate::sim::world::World;

/// A program that really runs.
pub(super) struct Living<'a> {
    pub(super) peer: PeerId,
    /// Full id of its allocation.
    pub(super) allocation: &'a Arc<str>,
    pub(super) generation: u32,
    pub(super) run: RunId,
}

/// All programs that run.
pub(super) fn living<'a>(world: &'a World<'_>) -> impl Iterator<Item = Living<'a>> {
    let built =
        world.hosts.iter().zip(0..).filter_map(|(host, number)| Some((host.built()?, PeerId(number))));
    built.flat_map(|(inside, peer)| living_on(peer, inside))
}

/// The programs that run on a peer, as its executors know them, with the allocations that they are for by what its node
/// has in memory or on disk. What the node has given up and is still ending is not among them.
pub(super) fn living_on(peer: PeerId, inside: &Inside) -> impl Iterator<Item = Living<'_>> {
    let running = inside.executor.running();
    let provider = inside.peer.provider();
    let hosted =
        provider.allocations().filter_map(|(id, generation, _)| Some((id, generation, provider.run_of(id)?)));
    let stored = inside.peer.stored_allocations().map(|(id, generation, _, run)| (id, generation, run));
    let all = hosted.chain(stored).filter(move |(.., run)| running.contains(run));
    all.map(move |(allocation, generation, run)| Living { peer, allocation, generation, run })
}
