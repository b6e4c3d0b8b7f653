//! Connections that were opened for a message: direct ones until an end goes down or there are too many, relayed ones
//! until their relay's limit, a hole or its death ends them.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::config::{GRACE, RelayLimits};
use crate::kernel::{IdVec, Time};
use crate::net::endpoint::EndpointId;

/// A connection between two hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Connection {
    pub(super) opened_by: EndpointId,
    pub(super) opened: Time,
    /// From when on it carries messages.
    pub(super) ready: Time,
    pub(super) last_used: Time,
    /// Where it leads through, and from when on it is direct nevertheless.
    pub(super) circuit: Option<Circuit>,
}

/// A relayed connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Circuit {
    pub(super) relay: EndpointId,
    /// What has gone through it.
    pub(super) bytes: u64,
    /// When a direct way will have been found; none if there is none.
    pub(super) direct_from: Option<Time>,
    /// When its relay died.
    pub(super) broken: Option<Time>,
}

impl Connection {
    /// The circuit that it needs at a time; none once it is direct.
    pub(super) fn circuit_at(&self, now: Time) -> Option<Circuit> {
        self.circuit.filter(|circuit| circuit.direct_from.is_none_or(|from| now < from))
    }

    /// Whether its relay still serves it.
    fn occupies(&self, now: Time, relay: EndpointId, limits: &RelayLimits) -> bool {
        self.circuit_at(now).is_some_and(|circuit| circuit.relay == relay && circuit.broken.is_none())
            && now.since(self.opened) < limits.duration
    }
}

const fn key(a: EndpointId, b: EndpointId) -> (EndpointId, EndpointId) {
    if a.0 < b.0 { (a, b) } else { (b, a) }
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    all: FxHashMap<(EndpointId, EndpointId), Connection>,
    /// With whom each host has one, in the order of opening.
    partners: IdVec<EndpointId, Vec<EndpointId>>,
    /// How many each host has opened, and accepted.
    opened: IdVec<EndpointId, u32>,
    accepted: IdVec<EndpointId, u32>,
    /// By relay and host, with whom the host talks over the relay; some may be over.
    circuits: BTreeMap<(EndpointId, EndpointId), Vec<EndpointId>>,
}

impl Connections {
    pub(super) fn new(hosts: usize) -> Self {
        Self {
            all: FxHashMap::default(),
            partners: (0..hosts).map(|_| Vec::new()).collect(),
            opened: (0..hosts).map(|_| 0).collect(),
            accepted: (0..hosts).map(|_| 0).collect(),
            circuits: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, a: EndpointId, b: EndpointId) -> Option<&Connection> {
        self.all.get(&key(a, b))
    }

    pub(super) fn get_mut(&mut self, a: EndpointId, b: EndpointId) -> Option<&mut Connection> {
        self.all.get_mut(&key(a, b))
    }

    pub(super) fn count(&self, host: EndpointId) -> usize {
        self.partners[host].len()
    }

    /// How many a host has opened itself.
    pub(super) fn opened_by(&self, host: EndpointId) -> usize {
        self.opened[host] as usize
    }

    /// How many a host has accepted.
    pub(super) fn accepted_by(&self, host: EndpointId) -> usize {
        self.accepted[host] as usize
    }

    /// Keeps a new connection between two that have none.
    pub(super) fn open(&mut self, to: EndpointId, connection: Connection) {
        let from = connection.opened_by;
        let before = self.all.insert(key(from, to), connection);
        debug_assert!(before.is_none(), "{from} and {to} have a connection");
        self.partners[from].push(to);
        self.partners[to].push(from);
        self.opened[from] += 1;
        self.accepted[to] += 1;
        if let Some(circuit) = connection.circuit {
            for (host, other) in [(from, to), (to, from)] {
                self.circuits.entry((circuit.relay, host)).or_default().push(other);
            }
        }
    }

    /// Ends the connection between two, if there is one.
    pub(super) fn close(&mut self, a: EndpointId, b: EndpointId) {
        let Some(connection) = self.all.remove(&key(a, b)) else { return };
        let from = connection.opened_by;
        self.opened[from] -= 1;
        self.accepted[if from == a { b } else { a }] -= 1;
        for (host, other) in [(a, b), (b, a)] {
            self.partners[host].retain(|partner| *partner != other);
            if let Some(circuit) = connection.circuit {
                self.release(circuit.relay, host, other);
            }
        }
    }

    /// Ends all connections of a host.
    pub(super) fn close_all_of(&mut self, host: EndpointId) {
        while let Some(&other) = self.partners[host].last() {
            self.close(host, other);
        }
    }

    /// How many relayed connections a host has over a relay.
    pub(super) fn circuits(
        &self,
        now: Time,
        relay: EndpointId,
        host: EndpointId,
        limits: &RelayLimits,
    ) -> usize {
        let others = self.circuits.get(&(relay, host)).into_iter().flatten();
        let occupies = |other: &&EndpointId| {
            self.get(host, **other).is_some_and(|connection| connection.occupies(now, relay, limits))
        };
        others.filter(occupies).count()
    }

    /// A relay has died: what still went through it is broken.
    pub(super) fn break_all_over(&mut self, now: Time, relay: EndpointId) {
        let first = (relay, EndpointId(0));
        let last = (relay, EndpointId(u32::MAX));
        for (&(_, host), others) in self.circuits.range(first..=last) {
            for &other in others {
                let Some(connection) = self.all.get_mut(&key(host, other)) else { continue };
                let goes_through = connection.circuit_at(now).is_some_and(|circuit| circuit.relay == relay);
                if let Some(circuit) = connection.circuit.as_mut().filter(|_| goes_through) {
                    circuit.broken = circuit.broken.or(Some(now));
                    circuit.direct_from = None;
                }
            }
        }
        let over: Vec<_> = self.circuits.range(first..=last).map(|(place, _)| *place).collect();
        for place in over {
            self.circuits.remove(&place);
        }
    }

    /// Ends the least recently used connections of a host, but none that is younger than a minute, until there are
    /// `wanted` or no more can go.
    pub(super) fn trim(&mut self, now: Time, host: EndpointId, wanted: usize) {
        let surplus = self.partners[host].len().saturating_sub(wanted);
        let known = |other: &EndpointId| (self.all[&key(host, *other)], *other);
        let mut old: Vec<(Time, EndpointId)> = self.partners[host]
            .iter()
            .map(known)
            .filter(|(connection, _)| now.since(connection.opened) > GRACE)
            .map(|(connection, other)| (connection.last_used, other))
            .collect();
        old.sort_unstable();
        for (_, other) in old.into_iter().take(surplus) {
            self.close(host, other);
        }
    }

    fn release(&mut self, relay: EndpointId, host: EndpointId, other: EndpointId) {
        if let Some(others) = self.circuits.get_mut(&(relay, host)) {
            others.retain(|partner| *partner != other);
            if others.is_empty() {
                self.circuits.remove(&(relay, host));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    const RELAY: EndpointId = EndpointId(9);

    fn relayed(from: u32, opened: Time, direct_from: Option<Time>) -> Connection {
        let circuit = Some(Circuit { relay: RELAY, bytes: 0, direct_from, broken: None });
        Connection { opened_by: EndpointId(from), opened, ready: opened, last_used: opened, circuit }
    }

    #[test]
    fn circuits_end_with_their_limit_a_hole_or_their_relay() {
        let limits = RelayLimits { duration: Span(100), ..RelayLimits::default() };
        let mut all = Connections::new(10);
        all.open(EndpointId(1), relayed(0, Time(0), None));
        all.open(EndpointId(2), relayed(0, Time(10), Some(Time(20))));
        all.open(EndpointId(3), relayed(0, Time(50), Some(Time(60))));
        let count = |all: &Connections, at| all.circuits(Time(at), RELAY, EndpointId(0), &limits);
        assert_eq!(count(&all, 15), 3);
        assert_eq!(count(&all, 20), 2);
        all.break_all_over(Time(55), RELAY);
        assert_eq!(count(&all, 56), 0);
        let circuit = |other| all.get(EndpointId(other), EndpointId(0)).unwrap().circuit_at(Time(70));
        assert_eq!(circuit(1).unwrap().broken, Some(Time(55)));
        assert_eq!(circuit(2), None, "it had become direct");
        assert_eq!(circuit(3).unwrap().broken, Some(Time(55)), "it did not become direct in time");
    }

    #[test]
    fn counts_follow_opening_closing_and_trimming() {
        let mut all = Connections::new(10);
        for other in 1..9 {
            all.open(
                EndpointId(other),
                Connection { circuit: None, ..relayed(0, Time(u64::from(other)), None) },
            );
        }
        assert_eq!((all.opened_by(EndpointId(0)), all.accepted_by(EndpointId(1))), (8, 1));
        let late = Time::ZERO + GRACE + Span(6);
        all.get_mut(EndpointId(0), EndpointId(1)).unwrap().last_used = late;
        all.trim(late, EndpointId(0), 4);
        // Those opened after 5 are young, and the first was used last.
        let left: Vec<u32> = (1..9).filter(|&n| all.get(EndpointId(0), EndpointId(n)).is_some()).collect();
        assert_eq!(left, [1, 6, 7, 8]);
        all.close_all_of(EndpointId(7));
        all.close(EndpointId(0), EndpointId(7));
        assert_eq!((all.opened_by(EndpointId(0)), all.count(EndpointId(0))), (3, 3));
        assert_eq!((all.accepted_by(EndpointId(7)), all.count(EndpointId(7))), (0, 0));
    }
}
