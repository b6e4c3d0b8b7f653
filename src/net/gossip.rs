//! Cheap broadcast: when each receiver gets a gossiped message, without simulating the hops.
//!
//! The real thing, [`gossip_slow`](super::gossip_slow), floods: the publisher sends to all its connections,
//! everyone else forwards to their 8 mesh neighbours, and the first copy counts. Here the flood is described
//! by its levels. Level 1 are the publisher's connections; how many live endpoints are `n` hops away follows
//! from the degree of a random graph. Each level is represented by a few endpoints drawn at random, whose
//! arrival times come from the levels before theirs. A receiver draws its level and the levels of its 8 mesh
//! neighbours, and takes the first copy that these send. It costs a receiver ten draws and eight look-ups of
//! a delay, and no event but its delivery.
//!
//! A copy is not passed to who cannot be reached; a receiver all of whose neighbours are cut off tries 8
//! others, and is unreachable if these are too. So a partition holds, unless endpoints of neither side bridge
//! it.

use super::endpoint::EndpointId;
use super::medium::Medium;
use super::overlay::{Neighbours, Overlay};
use crate::kernel::{Rng, Span};

/// Copies a receiver gets from its mesh: its neighbours there. GossipSub keeps 6 to 12.
pub const MESH_DEGREE: usize = 8;
/// A delivery is lost only if this many copies are: the least that GossipSub keeps in its mesh.
pub const COPIES: i32 = 6;
/// Endpoints that stand for a level.
const REPRESENTATIVES: usize = 32;
/// How often a cut-off choice is repeated.
const TRIES: usize = 8;

/// An endpoint that forwards, and when its copies leave its link.
#[derive(Clone, Copy, Debug)]
struct Forwarder {
    id: EndpointId,
    leaves: Span,
}

/// The endpoints so many hops from the publisher.
#[derive(Clone, Debug)]
struct Level {
    /// Hops up to this level reach this share of all live endpoints but the publisher.
    share_up_to: f64,
    forwarders: Vec<Forwarder>,
}

/// One broadcast, ready to be asked for its arrivals.
#[derive(Clone, Debug)]
pub(super) struct Flood {
    publisher: EndpointId,
    bytes: u64,
    contacts: Neighbours,
    /// From level 1 on.
    levels: Vec<Level>,
}

impl Flood {
    /// A broadcast of `bytes` by `publisher`, with its levels.
    pub(super) fn new(
        medium: &Medium,
        overlay: &Overlay,
        publisher: EndpointId,
        bytes: u64,
        rng: &mut Rng<'_>,
    ) -> Self {
        let contacts = contacts(medium, overlay, publisher, rng);
        let mut flood = Self { publisher, bytes, contacts, levels: Vec::new() };
        let others = medium.live.ids().len().saturating_sub(1);
        let shares = level_shares(flood.contacts.len(), others);
        for (hops, &share_up_to) in shares.iter().enumerate() {
            let ids: Neighbours =
                if hops == 0 { flood.contacts.clone() } else { flood.draw_representatives(medium, rng) };
            let forwarders = ids.iter().map(|&id| Forwarder { id, leaves: Span::MAX }).collect();
            flood.levels.push(Level { share_up_to, forwarders });
        }
        // First level by level, as hops go; then again, as more hops may be faster than fewer.
        for pass in 0..2 {
            for level in 0..flood.levels.len() {
                for row in 0..flood.levels[level].forwarders.len() {
                    let Forwarder { id, leaves } = flood.levels[level].forwarders[row];
                    let arrives = match level {
                        0 if pass == 0 => Some(flood.direct_arrival(medium, id, rng)),
                        0 => None,
                        _ => flood.mesh_arrival(medium, id, level, rng),
                    };
                    if let Some(arrives) = arrives {
                        let forwarded = arrives + medium.hop_processing + medium.up_time(id, bytes);
                        flood.levels[level].forwarders[row].leaves = leaves.min(forwarded);
                    }
                }
            }
        }
        flood
    }

    /// When the message arrives at `receiver`, counted from its publication; none if no neighbour can pass it
    /// on.
    pub(super) fn arrival(&self, medium: &Medium, receiver: EndpointId, rng: &mut Rng<'_>) -> Option<Span> {
        if self.contacts.contains(&receiver) {
            return Some(self.direct_arrival(medium, receiver, rng));
        }
        let first = self.levels.first()?.share_up_to;
        let share = first + (1.0 - first) * unit(rng.next_u32());
        let level = self.level_of(share).clamp(1, self.levels.len().max(2) - 1);
        self.mesh_arrival(medium, receiver, level, rng)
    }

    fn direct_arrival(&self, medium: &Medium, to: EndpointId, rng: &mut Rng<'_>) -> Span {
        let publisher = self.publisher;
        medium.up_time(publisher, self.bytes) + self.last_leg(medium, publisher, to, rng)
    }

    /// The way from a forwarder's link on.
    fn last_leg(&self, medium: &Medium, from: EndpointId, to: EndpointId, rng: &mut Rng<'_>) -> Span {
        medium.way(from, to, self.bytes, rng) + medium.down_time(to, self.bytes)
    }

    /// The first copy that the mesh neighbours of an endpoint of `level` pass on. One neighbour is of the
    /// level before, the others of that or any later one.
    fn mesh_arrival(
        &self,
        medium: &Medium,
        receiver: EndpointId,
        level: usize,
        rng: &mut Rng<'_>,
    ) -> Option<Span> {
        let whole = medium.conditions.is_whole();
        // An endpoint of level n has no neighbour before level n - 1. Levels count from 1, rows from 0.
        let before = level.checked_sub(2).map_or(0.0, |row| self.levels[row].share_up_to);
        let previous = level.saturating_sub(1);
        let mut best: Option<(Span, EndpointId)> = None;
        for attempt in 0..MESH_DEGREE + TRIES {
            if attempt == MESH_DEGREE && best.is_some() {
                break;
            }
            let word = rng.next_u32();
            let row = match attempt {
                0 => previous,
                // Who is cut off asks anyone.
                MESH_DEGREE.. => self.level_of(unit(word)),
                _ => self.level_of(before + (1.0 - before) * unit(word)),
            };
            // A neighbour of a later level has the message from this endpoint, if not from elsewhere: it is
            // no help.
            if row > level && attempt < MESH_DEGREE {
                continue;
            }
            // The upper bits choose the level, the lower ones its representative.
            let forwarders = &self.levels[row].forwarders;
            let Some(&Forwarder { id, leaves }) =
                forwarders.get((word & 0xFF) as usize % forwarders.len().max(1))
            else {
                continue;
            };
            let usable =
                leaves < Span::MAX && id != receiver && (whole || medium.conditions.connects(id, receiver));
            if usable {
                let arrives = leaves + medium.shortest(id, receiver);
                if best.is_none_or(|(earliest, _)| arrives < earliest) {
                    best = Some((arrives, id));
                }
            }
        }
        let (arrives, from) = best?;
        let leaves = arrives.saturating_sub(medium.shortest(from, receiver));
        Some(leaves + self.last_leg(medium, from, receiver, rng))
    }

    /// The row of the level that a share of the endpoints falls into.
    #[inline]
    fn level_of(&self, share: f64) -> usize {
        let last = self.levels.len() - 1;
        self.levels.iter().position(|level| share < level.share_up_to).unwrap_or(last)
    }

    /// Live endpoints to stand for a level; of those that the publisher cannot reach directly, as few as
    /// eight tries each allow.
    fn draw_representatives(&self, medium: &Medium, rng: &mut Rng<'_>) -> Neighbours {
        let live = medium.live.ids();
        let mut ids = Neighbours::new();
        for _ in 0..REPRESENTATIVES.min(live.len()) {
            let mut id = self.publisher;
            for _ in 0..TRIES {
                id = live[rng.index(live.len())];
                if id != self.publisher && medium.conditions.connects(self.publisher, id) {
                    break;
                }
            }
            if id != self.publisher {
                ids.push(id);
            }
        }
        ids
    }
}

/// A share in `[0, 1)` by the upper 24 bits of a word.
#[inline]
fn unit(word: u32) -> f64 {
    f64::from(word >> 8) / f64::from(1_u32 << 24)
}

/// The endpoints that the publisher sends to itself: its connections that it reaches, topped up by random
/// ones to a mesh where too many are down or cut off, as it would dial others.
fn contacts(medium: &Medium, overlay: &Overlay, publisher: EndpointId, rng: &mut Rng<'_>) -> Neighbours {
    let mut contacts = overlay.neighbours(publisher);
    contacts.retain(|id| medium.reaches(publisher, *id));
    let live = medium.live.ids();
    for _ in 0..TRIES * MESH_DEGREE {
        if contacts.len() >= MESH_DEGREE.min(live.len().saturating_sub(1)) {
            break;
        }
        let id = live[rng.index(live.len())];
        if id != publisher && !contacts.contains(&id) && medium.reaches(publisher, id) {
            contacts.push(id);
        }
    }
    contacts
}

/// Which share of `others` is at most 1, 2, ... hops away in a random graph of degree [`MESH_DEGREE`], where
/// `contacts` are one hop away.
fn level_shares(contacts: usize, others: usize) -> Vec<f64> {
    let all = others as f64;
    let (mut reached, mut level) = (contacts as f64, contacts as f64);
    let mut shares = Vec::new();
    while reached > 0.0 && all - reached >= 0.5 {
        shares.push(reached / all);
        // Who has not been reached is next if one of its neighbours was reached last. A neighbour is found by
        // its free links: the last reached have one less, by which they were reached.
        let unreached = all - reached;
        let links = (MESH_DEGREE - 1) as f64 * level;
        let miss = 1.0 - links / (links + MESH_DEGREE as f64 * unreached);
        let squared = miss * miss;
        let next = unreached * (1.0 - squared * squared * squared * squared);
        level = next;
        reached += next;
    }
    if reached > 0.0 {
        shares.push(1.0);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_end_and_grow() {
        assert!(level_shares(0, 0).is_empty());
        assert_eq!(level_shares(5, 5), [1.0]);
        let thousand = level_shares(16, 999);
        assert!(thousand.is_sorted() && (4..=6).contains(&thousand.len()), "{thousand:?}");
        let million = level_shares(16, 999_999);
        assert!(million.is_sorted() && (7..=10).contains(&million.len()), "{million:?}");
        assert_eq!(million.last(), Some(&1.0));
    }
}
