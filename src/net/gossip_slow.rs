//! The slow oracle of [`gossip`](super::gossip): hop-by-hop flooding over the explicit overlay.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::endpoint::EndpointId;
use super::medium::Medium;
use super::overlay::Overlay;
use crate::kernel::{Id, Rng, Span};

/// When a message published by `publisher` first arrives at each endpoint, counted from its publication; none where no copy does.
/// The publisher has it at once.
///
/// The publisher sends to all its connections, everyone else to their mesh neighbours once the first copy is processed.
/// Each copy draws its own delay, and is lost by itself.
pub fn flood(
    medium: &Medium,
    overlay: &Overlay,
    publisher: EndpointId,
    bytes: u64,
    rng: &mut Rng<'_>,
) -> Vec<Option<Span>> {
    let mut arrivals: Vec<Option<Span>> = vec![None; medium.len()];
    let mut queue = BinaryHeap::from([Reverse((Span::ZERO, publisher))]);
    while let Some(Reverse((at, id))) = queue.pop() {
        if arrivals[id.index()].is_some() {
            continue;
        }
        arrivals[id.index()] = Some(at);
        let (next, leaves) = if id == publisher {
            (overlay.neighbours(id), at)
        } else {
            (overlay.mesh(id), at + medium.hop_processing)
        };
        for to in next {
            if medium.reaches(id, to) && !rng.chance(medium.loss) {
                queue.push(Reverse((leaves + medium.leg(id, to, bytes, rng), to)));
            }
        }
    }
    arrivals
}
