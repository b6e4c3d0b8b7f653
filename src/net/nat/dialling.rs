//! The way of a message: over a connection that there is, or over one that is dialled for it.

use super::config::{
    CIRCUIT_ROUND_TRIPS, NOTICE, PUNCH_HALF_TRIPS, PUNCH_TIMEOUT, PUNCHES, handshake_round_trips,
};
use super::connections::{Circuit, Connection};
use super::{Nat, Occurrence, Way};
use crate::kernel::{Domain, Rng, Span, Time};
use crate::net::LossReason;
use crate::net::endpoint::EndpointId;
use crate::net::medium::Medium;

/// How many attempts a hole takes, for each pair of hosts.
const PUNCH: Domain = Domain::new("net.nat.punch");

/// The way that a message takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passage {
    /// When it can set out: the connection may have to be dialled first.
    pub ready: Time,
    /// The relay that it goes through.
    pub relay: Option<EndpointId>,
}

/// How a host can be dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    /// At its own address.
    Straight,
    /// Through one of its relays.
    Through(EndpointId),
}

impl Nat {
    /// The way of a message from one live host to another; dials if they are not connected.
    ///
    /// # Errors
    /// Why there is no way.
    pub(in crate::net) fn pass(
        &mut self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
        bytes: u64,
    ) -> Result<Passage, LossReason> {
        let apart = |a, b| !medium.conditions.connects(a, b);
        if self.peering.are_linked(from, to) {
            return if apart(from, to) { Err(LossReason::Partition) } else { Ok(direct(now)) };
        }
        let limits = self.config.relays;
        let mut renewed = false;
        if let Some(connection) = self.connections.get_mut(from, to) {
            connection.last_used = now;
            let ready = connection.ready.max(now);
            let Some(circuit) = connection.circuit_at(now) else {
                return if apart(from, to) { Err(LossReason::Partition) } else { Ok(direct(ready)) };
            };
            if circuit.broken.is_some_and(|at| now.since(at) < NOTICE) {
                return Err(LossReason::RelayDown);
            }
            if bytes > limits.bytes {
                return Err(LossReason::TooLargeToRelay);
            }
            let over =
                now.since(connection.opened) >= limits.duration || circuit.bytes + bytes > limits.bytes;
            if circuit.broken.is_none() && !over {
                if apart(from, circuit.relay) || apart(circuit.relay, to) {
                    return Err(LossReason::Partition);
                }
                connection.circuit = Some(Circuit { bytes: circuit.bytes + bytes, ..circuit });
                return Ok(Passage { ready, relay: Some(circuit.relay) });
            }
            renewed = circuit.broken.is_none();
            self.connections.close(from, to);
        }
        self.dial(medium, now, from, to, bytes, renewed)
    }

    /// A message has gone through a relay.
    pub(in crate::net) fn forwarded(&mut self, bytes: u64, detour: Span) {
        self.occurrences.push(Occurrence::Forwarded { bytes, detour });
    }

    /// Opens a connection for a message.
    fn dial(
        &mut self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
        bytes: u64,
        renewed: bool,
    ) -> Result<Passage, LossReason> {
        let between = [self.hosts[from].class, self.hosts[to].class];
        let route = match self.admitted(medium, now, from, to, bytes) {
            Ok(route) => route,
            Err(reason) => {
                let (way, ready, direct) = (Err(reason), Span::ZERO, None);
                self.occurrences.push(Occurrence::Dialled { between, way, ready, direct, renewed });
                return Err(reason);
            }
        };
        let (way, ready, direct, relay) = match route {
            Route::Straight => {
                let after = self.handshake(medium, from, to);
                (Way::Direct, after, Some(after), None)
            }
            Route::Through(relay) => {
                let ready = self.time_through(medium, from, relay, to);
                let (way, found) = self.upgrade(medium, from, relay, to);
                (way, ready, found.map(|after| ready + after), Some(relay))
            }
        };
        let direct_from = direct.map(|after| now + after);
        let circuit = relay.map(|relay| Circuit { relay, bytes, direct_from, broken: None });
        let ready_at = now + ready;
        self.connections
            .open(to, Connection { opened_by: from, opened: now, ready: ready_at, last_used: now, circuit });
        self.trim(now, from);
        self.trim(now, to);
        self.occurrences.push(Occurrence::Dialled { between, way: Ok(way), ready, direct, renewed });
        Ok(Passage { ready: ready_at, relay })
    }

    /// The route of a dial for a message of `bytes`, if both ends and the relay take it.
    fn admitted(
        &self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
        bytes: u64,
    ) -> Result<Route, LossReason> {
        let route = self.route(medium, now, from, to)?;
        if route != Route::Straight && bytes > self.config.relays.bytes {
            return Err(LossReason::TooLargeToRelay);
        }
        if self.has_room(from, to) { Ok(route) } else { Err(LossReason::TooManyConnections) }
    }

    /// How one live host can dial another. It tries all relays of the other at once; the first that answers counts.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn route(
        &self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
    ) -> Result<Route, LossReason> {
        if !self.hosts[from].entered || !self.hosts[to].entered {
            return Err(LossReason::Unreachable);
        }
        if self.is_dialable(to) {
            let connects = medium.conditions.connects(from, to);
            return if connects { Ok(Route::Straight) } else { Err(LossReason::Partition) };
        }
        let limits = self.config.relays;
        let mut best: Option<(Span, EndpointId)> = None;
        let mut reason = LossReason::Unreachable;
        for reservation in self.hosts[to].reservations.iter().filter(|it| self.holds(medium, **it)) {
            let relay = reservation.relay;
            if !medium.reaches(from, relay) || !medium.reaches(relay, to) {
                reason = LossReason::Partition;
                continue;
            }
            // Whoever is the relay itself needs no circuit to its client.
            if relay == from {
                return Ok(Route::Straight);
            }
            let full =
                |host| self.connections.circuits(now, relay, host, &limits) >= limits.circuits as usize;
            if full(from) || full(to) {
                reason = LossReason::RelayFull;
                continue;
            }
            let candidate = (self.time_through(medium, from, relay, to), relay);
            if best.is_none_or(|known| candidate < known) {
                best = Some(candidate);
            }
        }
        best.map(|(_, relay)| Route::Through(relay)).ok_or(reason)
    }

    /// Whether the address of a host is known and everyone can dial it: one behind a full cone learns its own from
    /// AutoNAT.
    pub(super) fn is_dialable(&self, host: EndpointId) -> bool {
        let host = &self.hosts[host];
        host.class.is_dialable() && (host.confirmed || host.class.needs_no_verdict())
    }

    /// The direct way that two relayed hosts find, and how long after they are connected.
    fn upgrade(
        &self,
        medium: &Medium,
        from: EndpointId,
        relay: EndpointId,
        to: EndpointId,
    ) -> (Way, Option<Span>) {
        if !medium.conditions.connects(from, to) {
            return (Way::Relayed, None);
        }
        if self.is_dialable(from) {
            return (Way::Reversed, Some(self.handshake(medium, to, from)));
        }
        let Some(attempts) = self.punches(from, to) else { return (Way::Relayed, None) };
        let circuit = circuit_round_trip(medium, from, relay, to);
        let agreeing = Span(circuit.0 * PUNCH_HALF_TRIPS / 2).times(u64::from(attempts));
        let failing = PUNCH_TIMEOUT.times(u64::from(attempts - 1));
        (Way::Punched, Some(agreeing + failing + self.handshake(medium, from, to)))
    }

    /// At which attempt two hosts get through to each other; none if never. The same for the whole run, as it depends
    /// on what stands before them.
    pub(super) fn punches(&self, a: EndpointId, b: EndpointId) -> Option<u32> {
        if !self.hosts[a].class.can_punch(self.hosts[b].class) {
            return None;
        }
        let pair = u64::from(a.0.min(b.0)) << 32 | u64::from(a.0.max(b.0));
        let mut rng = self.streams.owned(PUNCH, pair);
        (1..=PUNCHES).find(|_| rng.chance(self.config.punching))
    }

    /// Whether a host that dials another ends with a direct connection.
    pub(super) fn finds_direct_way(&self, medium: &Medium, from: EndpointId, to: EndpointId) -> bool {
        if !medium.reaches(from, to) || !self.hosts[from].entered || !self.hosts[to].entered {
            return false;
        }
        if self.is_dialable(to) {
            return true;
        }
        let hosts = &self.hosts;
        let through = |relay| relay == from || medium.reaches(from, relay) && medium.reaches(relay, to);
        let asked = hosts[to].reservations.iter().any(|it| self.holds(medium, *it) && through(it.relay));
        asked && (self.is_dialable(from) || self.punches(from, to).is_some())
    }

    /// The relay, if any, over which two live hosts that exchange data all the time do so: over none if either finds a
    /// direct way to the other. Dials nobody.
    ///
    /// # Errors
    /// Why there is no way.
    pub(in crate::net) fn lasting_way(
        &self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
    ) -> Result<Option<EndpointId>, LossReason> {
        if self.peering.are_linked(from, to) {
            return medium.conditions.connects(from, to).then_some(None).ok_or(LossReason::Partition);
        }
        if self.finds_direct_way(medium, from, to) || self.finds_direct_way(medium, to, from) {
            return Ok(None);
        }
        match self
            .route(medium, now, from, to)
            .or_else(|reason| self.route(medium, now, to, from).map_err(|_| reason))?
        {
            Route::Straight => Ok(None),
            Route::Through(relay) => Ok(Some(relay)),
        }
    }

    /// How long two wait for new circuits while they exchange this many bytes over a relay: each carries so much only.
    pub(in crate::net) fn renewals(
        &self,
        medium: &Medium,
        (from, relay, to): (EndpointId, EndpointId, EndpointId),
        bytes: u64,
        rng: &mut Rng<'_>,
    ) -> Span {
        let limit = self.config.relays.bytes.max(1);
        let begun = rng.chance((bytes % limit) as f64 / limit as f64);
        self.time_through(medium, from, relay, to).times(bytes / limit + u64::from(begun))
    }

    /// Whether a message from one live host to the other has a way, dialled or not.
    pub(in crate::net) fn connects(
        &self,
        medium: &Medium,
        now: Time,
        from: EndpointId,
        to: EndpointId,
    ) -> bool {
        let connection = self.connections.get(from, to);
        let open = connection.is_some_and(|it| it.circuit_at(now).is_none_or(|it| it.broken.is_none()));
        self.peering.are_linked(from, to) || open || self.route(medium, now, from, to).is_ok()
    }

    /// The time until two are connected over a relay.
    fn time_through(&self, medium: &Medium, from: EndpointId, relay: EndpointId, to: EndpointId) -> Span {
        let circuit = circuit_round_trip(medium, from, relay, to);
        self.handshake(medium, from, relay) + circuit.times(CIRCUIT_ROUND_TRIPS)
    }

    /// The time of opening a connection between two that reach each other.
    fn handshake(&self, medium: &Medium, a: EndpointId, b: EndpointId) -> Span {
        let udp = self.hosts[a].class.passes_udp() && self.hosts[b].class.passes_udp();
        round_trip(medium, a, b).times(handshake_round_trips(udp))
    }
}

const fn direct(ready: Time) -> Passage {
    Passage { ready, relay: None }
}

fn round_trip(medium: &Medium, a: EndpointId, b: EndpointId) -> Span {
    medium.shortest(a, b) + medium.shortest(b, a)
}

/// There and back through a relay, without jitter.
fn circuit_round_trip(medium: &Medium, from: EndpointId, relay: EndpointId, to: EndpointId) -> Span {
    round_trip(medium, from, relay) + round_trip(medium, relay, to)
}
