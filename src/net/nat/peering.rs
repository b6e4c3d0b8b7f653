//! The lasting connections between hosts, over which gossip goes.
//!
//! They are direct: libp2p's gossip does not use relayed connections, as these are limited. A part of them is the
//! mesh (GossipSub v1.1): a host that has fewer than 6 connections there is taken in by another, two that have fewer
//! than 8 take in each other, and one that has more than 12 drops those whose other side has enough others.

use crate::kernel::{IdVec, Span, Time};
use crate::net::endpoint::EndpointId;
use crate::net::gossip::MESH_DEGREE;

/// The least of connections in the mesh before a host takes in another (GossipSub's `D_low`).
const MESH_LOW: usize = 6;
/// The most of them (GossipSub's `D_high`).
const MESH_HIGH: usize = 12;

/// One side of a lasting connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) peer: EndpointId,
    pub(super) opened: Time,
    /// Whether gossip of others is passed on over it.
    pub(super) meshed: bool,
}

/// Who has a lasting connection with whom: mutual, in the order of opening.
#[derive(Clone, Debug)]
pub(super) struct Peering(IdVec<EndpointId, Vec<Link>>);

impl Peering {
    pub(super) fn new(hosts: usize) -> Self {
        Self((0..hosts).map(|_| Vec::new()).collect())
    }

    pub(super) fn of(&self, host: EndpointId) -> &[Link] {
        &self.0[host]
    }

    pub(super) fn are_linked(&self, a: EndpointId, b: EndpointId) -> bool {
        // A bootstrap has many, the other side few.
        let (few, other) = if self.0[a].len() <= self.0[b].len() { (a, b) } else { (b, a) };
        self.0[few].iter().any(|link| link.peer == other)
    }

    fn mesh_degree(&self, host: EndpointId) -> usize {
        self.0[host].iter().filter(|link| link.meshed).count()
    }

    /// Connects two that are not connected.
    pub(super) fn link(&mut self, now: Time, a: EndpointId, b: EndpointId) {
        debug_assert!(a != b && !self.are_linked(a, b), "{a} and {b} are connected");
        let (one, other) = (self.mesh_degree(a), self.mesh_degree(b));
        // Who has too few is taken in; who has enough for now takes in only its like.
        let wanted = one.min(other) < MESH_LOW || one.max(other) < MESH_DEGREE;
        // Who has nobody yet is taken in whatever the other has: it would hear nothing.
        let meshed = wanted && (one < MESH_HIGH && other < MESH_HIGH || one == 0 || other == 0);
        self.0[a].push(Link { peer: b, opened: now, meshed });
        self.0[b].push(Link { peer: a, opened: now, meshed });
        if meshed {
            self.prune_around(a);
            self.prune_around(b);
        }
    }

    /// The mesh of a host has grown: it, and those that it is connected with there, may have too much now.
    fn prune_around(&mut self, host: EndpointId) {
        self.prune(host);
        for place in 0..self.0[host].len() {
            if self.0[host][place].meshed {
                self.prune(self.0[host][place].peer);
            }
        }
    }

    /// Takes connections out of the mesh of a host that has too many there, if the other side keeps enough.
    fn prune(&mut self, host: EndpointId) {
        let mut surplus = self.mesh_degree(host).saturating_sub(MESH_HIGH);
        for place in 0..self.0[host].len() {
            if surplus == 0 {
                return;
            }
            let Link { peer, meshed, .. } = self.0[host][place];
            if meshed && self.mesh_degree(peer) > MESH_LOW {
                self.set_meshed(host, place, false);
                surplus -= 1;
            }
        }
    }

    /// Takes a connection into the mesh, or out of it, on both sides.
    fn set_meshed(&mut self, host: EndpointId, place: usize, meshed: bool) {
        self.0[host][place].meshed = meshed;
        let peer = self.0[host][place].peer;
        let back = self.0[peer].iter_mut().find(|link| link.peer == host);
        back.expect("connections are mutual").meshed = meshed;
    }

    /// Ends all connections of a host.
    pub(super) fn isolate(&mut self, host: EndpointId) {
        for link in std::mem::take(&mut self.0[host]) {
            self.0[link.peer].retain(|back| back.peer != host);
            self.graft(link.peer);
        }
    }

    /// Ends the oldest connections of a host outside of the mesh, but none that is younger than `grace`, until it has
    /// `wanted` or no more can go.
    pub(super) fn trim(&mut self, now: Time, host: EndpointId, wanted: usize, grace: Span) {
        let surplus = self.0[host].len().saturating_sub(wanted);
        let old = self.0[host].iter().filter(|link| !link.meshed && now.since(link.opened) > grace);
        let gone: Vec<EndpointId> = old.take(surplus).map(|link| link.peer).collect();
        for peer in gone {
            self.0[host].retain(|link| link.peer != peer);
            self.0[peer].retain(|link| link.peer != host);
        }
    }

    /// Takes connections into the mesh of a host that has too few there.
    fn graft(&mut self, host: EndpointId) {
        if self.mesh_degree(host) >= MESH_LOW {
            return;
        }
        for place in 0..self.0[host].len() {
            let Link { peer, meshed, .. } = self.0[host][place];
            let alone = self.mesh_degree(host) == 0;
            if meshed || self.mesh_degree(peer) >= MESH_HIGH && !alone {
                continue;
            }
            self.set_meshed(host, place, true);
            self.prune_around(peer);
            if self.mesh_degree(host) >= MESH_DEGREE {
                break;
            }
        }
        self.prune_around(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn connections_stay_mutual_and_the_mesh_within_its_bounds(
            steps in prop::collection::vec((0_u32..40, 0_u32..40, 0_u8..20), 0..400),
        ) {
            let mut peering = Peering::new(40);
            for (number, (a, b, step)) in steps.into_iter().enumerate() {
                let (a, b, now) = (EndpointId(a), EndpointId(b), Time(number as u64));
                match step {
                    0 => peering.isolate(a),
                    1 => peering.trim(now, a, 5, Span(10)),
                    _ if a != b && !peering.are_linked(a, b) => peering.link(now, a, b),
                    _ => {}
                }
                for host in (0..40).map(EndpointId) {
                    for link in peering.of(host) {
                        let back: Vec<_> = peering.of(link.peer).iter().filter(|it| it.peer == host).collect();
                        prop_assert_eq!(back.len(), 1);
                        prop_assert_eq!((back[0].opened, back[0].meshed), (link.opened, link.meshed));
                    }
                    prop_assert!(peering.of(host).is_empty() || peering.mesh_degree(host) > 0, "nobody is deaf");
                    let mut others = peering.of(host).iter().filter(|link| link.meshed);
                    prop_assert!(
                        peering.mesh_degree(host) <= MESH_HIGH
                            || others.all(|link| peering.mesh_degree(link.peer) <= MESH_LOW),
                        "nobody has too many without need"
                    );
                }
            }
        }
    }

    #[test]
    fn a_newcomer_is_taken_in_and_gaps_are_filled() {
        let mut peering = Peering::new(60);
        for a in 0..20 {
            for b in 0..a {
                peering.link(Time(1), EndpointId(b), EndpointId(a));
            }
        }
        let degree = |peering: &Peering, host| peering.mesh_degree(EndpointId(host));
        assert!((0..20).all(|host| (MESH_LOW..=MESH_HIGH).contains(&degree(&peering, host))));
        peering.link(Time(2), EndpointId(50), EndpointId(0));
        assert_eq!(degree(&peering, 50), 1);
        for gone in 1..14 {
            peering.isolate(EndpointId(gone));
        }
        // Seven are left of the twenty: as many are in the mesh as there are.
        assert!((14..20).all(|host| degree(&peering, host) >= MESH_LOW));
        let before = peering.of(EndpointId(0)).len();
        peering.trim(Time(3), EndpointId(0), 1, Span::secs(1));
        assert_eq!(peering.of(EndpointId(0)).len(), before, "all of them are young");
    }
}
