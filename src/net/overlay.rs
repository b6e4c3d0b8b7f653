//! Who is connected to whom: a random regular graph that is computed, never stored.
//!
//! The graph is the union of eight random rings over all endpoints, so every endpoint has two neighbours a ring. Its first
//! four rings are the gossip mesh (degree 8, within GossipSub's 6 to 12), all eight the connections (degree 16). A ring is a keyed
//! permutation of the rows; asking for a neighbour takes a place on the ring and looks one place on or back.

use smallvec::SmallVec;

use super::endpoint::EndpointId;
use crate::kernel::{Domain, Id, Streams};

const OVERLAY: Domain = Domain::new("net.overlay");
const RINGS: usize = 8;
const MESH_RINGS: usize = 4;
const ROUNDS: usize = 4;

/// The neighbours of an endpoint.
pub type Neighbours = SmallVec<[EndpointId; 16]>;

/// The overlay over a fixed number of endpoints, those that are down included.
#[derive(Clone, Debug)]
pub struct Overlay {
    count: u32,
    half_bits: u32,
    keys: [[u64; ROUNDS]; RINGS],
}

impl Overlay {
    /// The overlay of a seed over `count` endpoints.
    #[must_use]
    pub fn new(streams: Streams, count: usize) -> Self {
        let key = |ring: usize| {
            let mut rng = streams.owned(OVERLAY, ring as u64);
            std::array::from_fn(|_| rng.next_u64())
        };
        let count = u32::try_from(count).expect("endpoints are numbered in 32 bits");
        // The smallest power of four that holds all rows.
        let bits = u32::BITS - count.saturating_sub(1).leading_zeros();
        Self { count, half_bits: bits.div_ceil(2).max(1), keys: std::array::from_fn(key) }
    }

    /// The endpoints that `of` is connected to: up to 16, without doubles, each connected to it in turn.
    #[must_use]
    pub fn neighbours(&self, of: EndpointId) -> Neighbours {
        self.on_rings(of, RINGS)
    }

    /// The endpoints that `of` forwards gossip to: up to 8 of its neighbours.
    #[must_use]
    pub fn mesh(&self, of: EndpointId) -> Neighbours {
        self.on_rings(of, MESH_RINGS)
    }

    fn on_rings(&self, of: EndpointId, rings: usize) -> Neighbours {
        let mut found = Neighbours::new();
        for key in &self.keys[..rings] {
            let place = self.permute(of.0, key);
            let on = if place + 1 == self.count { 0 } else { place + 1 };
            let back = if place == 0 { self.count - 1 } else { place - 1 };
            for place in [on, back] {
                let other = EndpointId::from_index(self.invert(place, key) as usize);
                if other != of && !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        found
    }

    /// A permutation of the rows: Feistel rounds over a power of four, repeated until the result is a row.
    fn permute(&self, row: u32, key: &[u64; ROUNDS]) -> u32 {
        let mask = (1_u32 << self.half_bits) - 1;
        let mut value = row;
        loop {
            let (mut left, mut right) = (value >> self.half_bits, value & mask);
            for &round in key {
                (left, right) = (right, left ^ (scramble(right, round) & mask));
            }
            value = left << self.half_bits | right;
            if value < self.count {
                return value;
            }
        }
    }

    /// The inverse of [`permute`](Self::permute).
    fn invert(&self, place: u32, key: &[u64; ROUNDS]) -> u32 {
        let mask = (1_u32 << self.half_bits) - 1;
        let mut value = place;
        loop {
            let (mut left, mut right) = (value >> self.half_bits, value & mask);
            for &round in key.iter().rev() {
                (left, right) = (right ^ (scramble(left, round) & mask), left);
            }
            value = left << self.half_bits | right;
            if value < self.count {
                return value;
            }
        }
    }
}

/// A keyed mix of a half of a row (the finaliser of MurmurHash3): the function of a Feistel round.
const fn scramble(half: u32, key: u64) -> u32 {
    let mut x = half as u64 ^ key;
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (x ^ (x >> 33)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rings_are_permutations(seed in any::<u64>(), count in 1_usize..700) {
            let overlay = Overlay::new(Streams::new(seed), count);
            for key in &overlay.keys {
                let mut seen = vec![false; count];
                for row in 0..count as u32 {
                    let place = overlay.permute(row, key);
                    prop_assert_eq!(overlay.invert(place, key), row);
                    prop_assert!(!std::mem::replace(&mut seen[place as usize], true));
                }
            }
        }

        #[test]
        fn neighbourhood_is_mutual(seed in any::<u64>(), count in 1_usize..300) {
            let overlay = Overlay::new(Streams::new(seed), count);
            for id in (0..count).map(EndpointId::from_index) {
                let all = overlay.neighbours(id);
                prop_assert!(all.len() <= 16.min(count - 1));
                prop_assert!(all.iter().all(|&other| other != id && overlay.neighbours(other).contains(&id)));
                let mesh = overlay.mesh(id);
                prop_assert!(mesh.len() <= 8 && mesh.iter().all(|other| all.contains(other)));
                prop_assert!(mesh.iter().all(|&other| overlay.mesh(other).contains(&id)));
                prop_assert!(count == 1 || !mesh.is_empty());
            }
        }
    }

    #[test]
    fn large_overlays_are_almost_regular_and_connected() {
        let count = 20_000;
        let overlay = Overlay::new(Streams::new(9), count);
        let degrees: usize =
            (0..count).map(|row| overlay.neighbours(EndpointId::from_index(row)).len()).sum();
        assert!(degrees > count * 1599 / 100, "{degrees}");
        let mut reached = vec![false; count];
        let (mut frontier, mut total, mut hops) = (vec![EndpointId(0)], 1, 0);
        reached[0] = true;
        while !frontier.is_empty() {
            let next: Vec<_> = frontier.iter().flat_map(|&id| overlay.mesh(id)).collect();
            frontier =
                next.into_iter().filter(|id| !std::mem::replace(&mut reached[id.index()], true)).collect();
            total += frontier.len();
            hops += usize::from(!frontier.is_empty());
        }
        // A random graph of degree 8 spans about ln(n) / ln(7) = 5.1 hops, the farthest one or two more.
        assert_eq!(total, count);
        assert!((5..=8).contains(&hops), "{hops}");
    }

    #[test]
    fn seeds_give_other_graphs() {
        let of = |seed| Overlay::new(Streams::new(seed), 1000).neighbours(EndpointId(3));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
