//! Gossip over the connections that there are, hop by hop.
//!
//! The publisher sends to all its lasting connections, everyone else over their mesh; the first copy counts, and each
//! copy is lost by itself. It is the slow oracle of [`gossip`](crate::net::gossip) over another graph, at its cost: a
//! copy over each connection of the mesh.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Nat;
use crate::kernel::{Domain, Id, Span};
use crate::net::endpoint::{EndpointId, EndpointSet};
use crate::net::medium::Medium;

/// Copies, by broadcast and by who sends them: a host more or less shifts no draw of another's.
const COPIES: Domain = Domain::new("net.nat.copies");
/// What faults do to them: apart, so that a fault shifts no other draw.
const FAULTS: Domain = Domain::new("net.nat.faults");

/// What became of a broadcast.
pub(in crate::net) struct Spread {
    /// Who gets it, and when after its publication, in the order of time.
    pub(in crate::net) arrivals: Vec<(EndpointId, Span)>,
    /// Hosts that some chain of connections leads to and whose copies were all lost.
    pub(in crate::net) lost: u64,
    /// Live hosts that no chain of connections leads to.
    pub(in crate::net) unconnected: u64,
}

impl Nat {
    /// Spreads a message from a live host among all that are not `deaf`; `broadcast` numbers it. Unless it is passed
    /// `on` it gets to the publisher's own connections only.
    pub(in crate::net) fn spread(
        &self,
        medium: &Medium,
        publisher: EndpointId,
        bytes: u64,
        broadcast: u64,
        deaf: Option<&EndpointSet>,
        on: bool,
    ) -> Spread {
        let is_deaf = |id: EndpointId| deaf.is_some_and(|deaf| deaf.contains(id));
        let mut had = vec![false; medium.len()];
        let mut arrivals = Vec::with_capacity(medium.live.ids().len());
        let mut queue = BinaryHeap::from([Reverse((Span::ZERO, publisher))]);
        while let Some(Reverse((at, id))) = queue.pop() {
            if std::mem::replace(&mut had[id.index()], true) {
                continue;
            }
            let first = id == publisher;
            if !first {
                arrivals.push((id, at));
                if !on {
                    continue;
                }
            }
            let leaves = if first { at } else { at + medium.hop_processing } + medium.up_time(id, bytes);
            let entity = broadcast.rotate_left(20) ^ u64::from(id.0);
            let mut rng = self.streams.owned(COPIES, entity);
            let mut fault = medium.conditions.draw().then(|| self.streams.owned(FAULTS, entity));
            for link in self.peering.of(id).iter().filter(|link| first || link.meshed) {
                // What is drawn is drawn for those as well who have the message already.
                let mut lost = rng.chance(medium.loss);
                let mut delay = if had[link.peer.index()] || lost {
                    medium.skip_way(id, link.peer, bytes, &mut rng);
                    Span::ZERO
                } else {
                    medium.way(id, link.peer, bytes, &mut rng)
                };
                if let Some(fault) = &mut fault {
                    lost |= fault.chance(medium.conditions.loss(id, link.peer));
                    delay += medium.conditions.delay(id, link.peer, fault);
                }
                if had[link.peer.index()] || lost {
                    continue;
                }
                if medium.reaches(id, link.peer) && !is_deaf(link.peer) {
                    let arrives = leaves + delay + medium.down_time(link.peer, bytes);
                    queue.push(Reverse((arrives, link.peer)));
                }
            }
        }
        if !on {
            return Spread { lost: 0, unconnected: 0, arrivals };
        }
        let deaf = medium.live.ids().iter().filter(|id| is_deaf(**id) && **id != publisher).count();
        let missing = medium.live.ids().len().saturating_sub(1 + arrivals.len() + deaf);
        let connected =
            if missing == 0 { arrivals.len() } else { self.connected(medium, publisher, &is_deaf) };
        let lost = connected - arrivals.len();
        Spread { lost: lost as u64, unconnected: (missing - lost) as u64, arrivals }
    }

    /// How many hosts a message would reach if no copy were lost.
    fn connected(
        &self,
        medium: &Medium,
        publisher: EndpointId,
        is_deaf: &impl Fn(EndpointId) -> bool,
    ) -> usize {
        let mut had = vec![false; medium.len()];
        had[publisher.index()] = true;
        let mut next = vec![publisher];
        let mut count = 0;
        while let Some(id) = next.pop() {
            for link in self.peering.of(id).iter().filter(|link| id == publisher || link.meshed) {
                let passes = medium.reaches(id, link.peer) && !is_deaf(link.peer);
                if passes && !std::mem::replace(&mut had[link.peer.index()], true) {
                    count += 1;
                    next.push(link.peer);
                }
            }
        }
        count
    }
}
