//! Who reaches whom where hosts are hidden behind translators and firewalls (dms-orchestration section 7).
//!
//! A message goes over a connection, and somebody must have opened it. A host that everyone can dial is dialled. Any
//! other is reached through a relay at which it has reserved; over the relay the two then try to find a direct way: by
//! dialling back where the caller can be dialled, else by sending to each other at the same moment (DCUtR, "hole
//! punching"). What remains relayed lasts 5 minutes or 2 MiB, then a new connection is dialled.
//!
//! A host that boots dials a bootstrap, learns a minute later whether it can be dialled (AutoNAT), reserves at two
//! relays if it cannot, and looks for peers. Until then nobody can dial it. Gossip goes over the lasting connections
//! (`peering`) alone, hop by hop (`spread`).
//!
//! [`class`] says who can dial whom, `dialling` chooses the way of a message, `relays` keeps reservations,
//! [`routes_slow`] is the oracle of the choice. What happens is told as [`Occurrence`]s.

pub mod class;
pub mod config;
mod connections;
mod dialling;
mod occurrence;
mod pairs;
mod peering;
mod relays;
pub mod routes_slow;
mod spread;

use std::collections::BTreeMap;

use smallvec::SmallVec;

pub use self::class::{NatClass, NatShares, SharesError};
use self::config::{
    BACK_OFF, DISCOVERY_DIALS, DISCOVERY_INTERVAL, ENTER_AFTER, FIRST_DISCOVERY, GRACE, HIGH_WATER,
    LOW_WATER, MOST_EACH_WAY, VERDICT_AFTER,
};
pub use self::config::{Duty, NatConfig, NatError, NatStart, RelayLimits};
use self::connections::Connections;
pub use self::dialling::Passage;
pub use self::occurrence::{Occurrence, Way};
pub use self::pairs::PairCounts;
use self::peering::Peering;
use self::relays::Reservation;
use super::endpoint::EndpointId;
use super::medium::Medium;
use super::overlay::{Neighbours, Overlay};
use crate::kernel::{Cursor, Domain, IdVec, Rng, Span, Streams, Time};

/// What a host chooses itself: bootstraps, relays, peers.
const CHOICES: Domain = Domain::new("net.nat.choices");
/// Tries a missing connection at the start of a run that begins in the middle.
const TRIES: usize = 4;

/// A host as the others see it.
#[derive(Clone, Debug)]
struct Host {
    class: NatClass,
    duty: Duty,
    /// Counts up when it stops: what was meant for a former life is recognised by it.
    life: u32,
    /// It has found somebody who knows others.
    entered: bool,
    /// AutoNAT has told it whether it can be dialled.
    confirmed: bool,
    reservations: SmallVec<[Reservation; 2]>,
    /// When it lost those that it has not replaced yet.
    lost: SmallVec<[Time; 2]>,
    /// It will ask relays again.
    backs_off: bool,
    /// Who has reserved here.
    clients: Vec<EndpointId>,
    choices: Cursor,
}

/// What is due for a host.
#[derive(Clone, Copy, Debug)]
enum Task {
    Enter,
    Verdict,
    Reserve,
    Discover,
    /// It notices that its relay is gone.
    Miss(EndpointId),
}

/// The hosts of a network with translators between them.
pub struct Nat {
    config: NatConfig,
    streams: Streams,
    hosts: IdVec<EndpointId, Host>,
    /// Those that relay, and those that everybody knows.
    relays: Vec<EndpointId>,
    bootstraps: Vec<EndpointId>,
    peering: Peering,
    connections: Connections,
    /// By time and order of scheduling.
    agenda: BTreeMap<(Time, u64), (EndpointId, u32, Task)>,
    scheduled: u64,
    opened: Vec<(EndpointId, EndpointId)>,
    occurrences: Vec<Occurrence>,
}

impl Nat {
    /// Hosts of these classes and duties, in order; all are down.
    ///
    /// # Errors
    /// If the configuration makes no sense.
    pub fn new(
        config: NatConfig,
        hosts: impl Iterator<Item = (NatClass, Duty)>,
        streams: Streams,
    ) -> Result<Self, NatError> {
        config.check()?;
        let host = |(class, duty)| Host {
            class,
            duty,
            life: 0,
            entered: false,
            confirmed: false,
            reservations: SmallVec::new(),
            lost: SmallVec::new(),
            backs_off: false,
            clients: Vec::new(),
            choices: Cursor::default(),
        };
        let hosts: IdVec<EndpointId, Host> = hosts.map(host).collect();
        let with = |duty| hosts.iter().filter(|(_, host)| host.duty == duty).map(|(id, _)| id).collect();
        Ok(Self {
            config,
            streams,
            relays: with(Duty::Relay),
            bootstraps: with(Duty::Bootstrap),
            peering: Peering::new(hosts.len()),
            connections: Connections::new(hosts.len()),
            agenda: BTreeMap::new(),
            scheduled: 0,
            opened: Vec::new(),
            occurrences: Vec::new(),
            hosts,
        })
    }

    /// Begins a run with the hosts that are up.
    pub(super) fn begin(&mut self, medium: &Medium, overlay: &Overlay, now: Time) {
        let up: Vec<EndpointId> = medium.ids().filter(|id| medium.live.contains(*id)).collect();
        if self.config.start == NatStart::Fresh {
            up.into_iter().for_each(|id| self.boot(now, id));
            return;
        }
        for &id in &up {
            let host = &mut self.hosts[id];
            (host.entered, host.confirmed) = (true, true);
            let within = self.choices(id).below(DISCOVERY_INTERVAL.0);
            self.schedule(now + Span(within), id, Task::Discover);
        }
        for &id in &up {
            self.reserve(medium, now, id);
        }
        for &id in &up {
            for other in overlay.neighbours(id) {
                self.link(medium, now, id, other);
            }
        }
        for &id in &up {
            self.find_peers(medium, now, id, TRIES * DISCOVERY_DIALS);
        }
    }

    /// A host has come up.
    pub(super) fn boot(&mut self, now: Time, id: EndpointId) {
        // Bootstraps are those who know others.
        self.hosts[id].entered = self.hosts[id].duty == Duty::Bootstrap;
        self.schedule(now + ENTER_AFTER, id, Task::Enter);
        self.schedule(now + VERDICT_AFTER, id, Task::Verdict);
        self.schedule(now + FIRST_DISCOVERY, id, Task::Discover);
    }

    /// A host has gone down: its connections are gone, and what went through it.
    pub(super) fn stop(&mut self, now: Time, id: EndpointId) {
        self.peering.isolate(id);
        self.connections.close_all_of(id);
        self.give_up_reservations(id);
        if self.hosts[id].duty == Duty::Relay && self.hosts[id].entered {
            self.stop_relaying(now, id);
        }
        let host = &mut self.hosts[id];
        host.life += 1;
        (host.entered, host.confirmed, host.backs_off) = (false, false, false);
        host.lost.clear();
    }

    /// When something is due next.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        self.agenda.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Does what is due up to `now`.
    pub(super) fn wake(&mut self, medium: &Medium, now: Time) {
        while self.next_wake().is_some_and(|at| at <= now) {
            let Some(((now, _), (id, life, task))) = self.agenda.pop_first() else { break };
            if self.hosts[id].life != life || !medium.live.contains(id) {
                continue;
            }
            match task {
                Task::Enter => self.enter(medium, now, id),
                Task::Verdict if self.hosts[id].entered => {
                    self.hosts[id].confirmed = true;
                    self.reserve(medium, now, id);
                }
                Task::Verdict => self.schedule(now + BACK_OFF, id, Task::Verdict),
                Task::Reserve => {
                    self.hosts[id].backs_off = false;
                    self.reserve(medium, now, id);
                }
                Task::Discover => self.discover(medium, now, id),
                Task::Miss(relay) => self.miss(medium, now, id, relay),
            }
        }
    }

    /// Lasting connections that were opened since the last time.
    pub fn take_opened(&mut self) -> Vec<(EndpointId, EndpointId)> {
        std::mem::take(&mut self.opened)
    }

    /// What has happened since the last time.
    pub fn take_occurrences(&mut self) -> Vec<Occurrence> {
        std::mem::take(&mut self.occurrences)
    }

    /// With whom a host has a lasting connection, in the order of opening.
    #[must_use]
    pub fn neighbours(&self, of: EndpointId) -> Neighbours {
        self.peering.of(of).iter().map(|link| link.peer).collect()
    }

    /// The relays at which a host has a place that is worth something.
    pub fn relays_of<'a>(
        &'a self,
        medium: &'a Medium,
        of: EndpointId,
    ) -> impl Iterator<Item = EndpointId> + 'a {
        let held = self.hosts[of].reservations.iter().filter(|one| self.holds(medium, **one));
        held.map(|one| one.relay)
    }

    /// What stands between a host and the network.
    #[must_use]
    pub fn class(&self, of: EndpointId) -> NatClass {
        self.hosts[of].class
    }

    fn schedule(&mut self, at: Time, id: EndpointId, task: Task) {
        let life = self.hosts[id].life;
        self.agenda.insert((at, self.scheduled), (id, life, task));
        self.scheduled += 1;
    }

    fn choices(&mut self, of: EndpointId) -> Rng<'_> {
        self.streams.rng(CHOICES, u64::from(of.0), &mut self.hosts[of].choices)
    }

    /// Dials a bootstrap. Without any in the run they are outside of it, and never fail.
    fn enter(&mut self, medium: &Medium, now: Time, id: EndpointId) {
        if self.bootstraps.is_empty() || self.hosts[id].duty == Duty::Bootstrap {
            self.hosts[id].entered = true;
        }
        if self.hosts[id].entered {
            return;
        }
        let mut known = self.bootstraps.clone();
        self.choices(id).shuffle(&mut known);
        for bootstrap in known {
            let up = medium.reaches(id, bootstrap) && self.hosts[bootstrap].entered;
            if up && self.has_room(id, bootstrap) {
                self.hosts[id].entered = true;
                self.open_link(now, id, bootstrap);
                return;
            }
        }
    }

    /// Looks for peers, at the bootstraps first if it knows nobody.
    fn discover(&mut self, medium: &Medium, now: Time, id: EndpointId) {
        self.schedule(now + DISCOVERY_INTERVAL, id, Task::Discover);
        if self.peering.of(id).is_empty() && self.connections.count(id) == 0 {
            self.hosts[id].entered = false;
            self.enter(medium, now, id);
        }
        if self.hosts[id].entered {
            self.find_peers(medium, now, id, DISCOVERY_DIALS);
        }
    }

    /// Dials up to `dials` random peers until it has enough connections.
    fn find_peers(&mut self, medium: &Medium, now: Time, id: EndpointId, dials: usize) {
        let live = medium.live.ids();
        for _ in 0..dials {
            if self.peering.of(id).len() >= DISCOVERY_DIALS {
                return;
            }
            let other = live[self.choices(id).index(live.len())];
            self.link(medium, now, id, other);
        }
    }

    /// Opens a lasting connection, if there is a direct way.
    fn link(&mut self, medium: &Medium, now: Time, from: EndpointId, to: EndpointId) {
        let new = from != to && !self.peering.are_linked(from, to);
        if new && self.finds_direct_way(medium, from, to) && self.has_room(from, to) {
            self.open_link(now, from, to);
        }
    }

    fn open_link(&mut self, now: Time, from: EndpointId, to: EndpointId) {
        self.peering.link(now, from, to);
        self.opened.push((from, to));
        self.trim(now, from);
        self.trim(now, to);
    }

    /// Whether both take another connection.
    fn has_room(&self, from: EndpointId, to: EndpointId) -> bool {
        let both = |host| self.connections.count(host) + self.peering.of(host).len() < 2 * MOST_EACH_WAY;
        let (out, in_) = (self.connections.opened_by(from), self.connections.accepted_by(to));
        out < MOST_EACH_WAY && in_ + self.peering.of(to).len() < MOST_EACH_WAY && both(from) && both(to)
    }

    /// Closes connections of a host that has too many: those for messages first.
    fn trim(&mut self, now: Time, host: EndpointId) {
        let links = self.peering.of(host).len();
        if links + self.connections.count(host) <= HIGH_WATER {
            return;
        }
        self.connections.trim(now, host, LOW_WATER.saturating_sub(links));
        let others = self.connections.count(host);
        self.peering.trim(now, host, LOW_WATER.saturating_sub(others), GRACE);
    }
}

#[cfg(test)]
mod tests;
