//! Peers whose public address changes, and the names that go on leading to them.
//!
//! Every peer has a public address, numbered in the order in which they are given out; nobody ever gets one that
//! another has had. Peers find each other by id, whatever their addresses are. Users outside go to the address that the
//! manifest of a deployment named when the allocation was committed, or by a name of dynamic DNS to the one that they
//! remember or are told. docs/traffic.md says what that leaves out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::event::{Event, PeerId, Turn};
use super::host::Host;
use super::population::Population;
use super::setup::traffic::Source;
use super::setup::{Selection, Setup};
use super::world::World;
use crate::dms::dynamic_dns::{Lease, Name, Refusal, SignedUpdate, Updater, Zone};
use crate::kernel::{Cursor, Domain, Slab, Span, Time};
use crate::net::{Caller, Course, EndpointId, Outsider};

/// Whether and when updates and their answers arrive.
const UPDATES: Domain = Domain::new("sim.moving.updates");
/// The first public address.
const FIRST: u32 = 0x0b00_0001;
/// An update with its signature, and its answer, on the wire.
const UPDATE_BYTES: (u64, u64) = (450, 120);
/// How long a user waits for the server before asking again.
pub(super) const ASK_AGAIN: Span = Span::secs(5);

/// What is due about names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameStep {
    /// A peer may have something to say of its own name.
    Due(PeerId),
    /// An update, by its number, reaches the server.
    Arrives(u32),
    /// The answer to an update reaches who sent it.
    Answered(u32),
    /// What a user remembers of a name has run out, by the line of their requests.
    RunsOut(u32),
}

/// A peer with a name.
struct Named {
    name: Name,
    updater: Updater,
    /// When it is next looked at.
    due: Time,
    draws: Cursor,
}

/// An update on its way, and its answer on the way back.
struct Flight {
    from: PeerId,
    life: u32,
    update: SignedUpdate,
    back: Span,
    answer: Option<Result<Lease, Refusal>>,
}

/// A move that not everybody knows of.
#[derive(Clone, Copy)]
struct Stale {
    since: Time,
    record: bool,
}

/// All addresses and names of a run.
#[derive(Default)]
pub(super) struct Moving {
    /// Addresses given out so far: one for each peer at the start, then one for each move.
    given: u32,
    /// Of each peer that has moved, its later addresses, with the time from which on.
    moved: BTreeMap<PeerId, Vec<(Time, Ipv4Addr)>>,
    served: Option<(PeerId, Zone)>,
    named: BTreeMap<PeerId, Named>,
    flights: Slab<Flight>,
    stale: BTreeMap<PeerId, Stale>,
}

impl Moving {
    /// The addresses at the start; nobody has said anything of names.
    pub(super) fn of(setup: &Setup, population: &Population, hosts: &[Host]) -> Result<Self, String> {
        let mut moving = Self { given: hosts.len() as u32, ..Self::default() };
        let Some(plan) = &setup.dynamic_dns else { return Ok(moving) };
        let server = population.find(&plan.server).ok_or("nobody serves the zone of dynamic DNS")?;
        moving.served = Some((server, Zone::new(plan.zone.clone(), setup.signatures)));
        for peer in population.matching(&plan.who) {
            let own = population.name_of(peer);
            let name =
                Name::parse(&format!("{own}.{}", plan.zone.zone)).map_err(|error| error.to_string())?;
            let host = &hosts[peer.0 as usize].peer;
            let updater = host.updater(&name, moving.address(peer), setup.epoch);
            moving.named.insert(peer, Named { name, updater, due: Time::ZERO, draws: Cursor::default() });
        }
        Ok(moving)
    }

    /// Gives a peer another address.
    fn readdress(&mut self, now: Time, peer: PeerId) {
        self.moved.entry(peer).or_default().push((now, Ipv4Addr::from(FIRST + self.given)));
        self.given += 1;
    }

    /// The public address of a peer now.
    pub(super) fn address(&self, peer: PeerId) -> Ipv4Addr {
        self.address_at(peer, Time::MAX)
    }

    /// The public address that a peer had.
    pub(super) fn address_at(&self, peer: PeerId, at: Time) -> Ipv4Addr {
        let later = self.moved.get(&peer).and_then(|all| all.iter().rev().find(|(from, _)| *from <= at));
        later.map_or(Ipv4Addr::from(FIRST + peer.0), |(_, address)| *address)
    }

    /// The public address that a peer had before it moved last; none where it never did.
    pub(super) fn address_before(&self, peer: PeerId) -> Option<Ipv4Addr> {
        let later = self.moved.get(&peer)?;
        let before = later.len().checked_sub(2).map(|place| later[place].1);
        Some(before.unwrap_or(Ipv4Addr::from(FIRST + peer.0)))
    }

    /// Whose work a step is.
    pub(super) fn who_handles(&self, step: NameStep) -> Option<PeerId> {
        match step {
            NameStep::Due(peer) => Some(peer),
            NameStep::Arrives(_) => self.served.as_ref().map(|(server, _)| *server),
            NameStep::Answered(number) => self.flights.get(number).map(|flight| flight.from),
            NameStep::RunsOut(_) => None,
        }
    }

    /// The name of a peer, if it has one.
    pub(super) fn name_of(&self, peer: PeerId) -> Option<&Name> {
        self.named.get(&peer).map(|named| &named.name)
    }
}

impl World<'_> {
    /// Peers with names say where they are.
    pub(super) fn begin_names(&mut self) {
        for peer in self.moving.named.keys() {
            self.queue.post(Time::ZERO, Event::Name(NameStep::Due(*peer)));
        }
    }

    /// The addresses of peers change; their connections are made anew, for others find them by their ids.
    pub(super) fn move_peers(&mut self, now: Time, turn: Turn, who: &Selection, every: Option<Span>) {
        for peer in self.select(turn, 0, who) {
            if self.is_absent(peer) {
                continue;
            }
            self.moving.readdress(now, peer);
            self.ledger.address_changed();
            if self.moving.named.contains_key(&peer) {
                self.moving.stale.entry(peer).or_insert(Stale { since: now, record: true });
            }
            self.look_at_own_address(now, peer, false);
            self.review_peer(now, peer);
            if self.setup.network.nat.is_none() {
                self.connect(peer, now + super::faults::RECONNECT, true);
            }
        }
        if let Some(every) = every {
            self.queue.post(now + every, Event::Fault(turn));
        }
    }

    /// A node that is up looks at its address, when that has changed or it has `started`.
    pub(super) fn look_at_own_address(&mut self, now: Time, peer: PeerId, started: bool) {
        let (clock, address) = (self.clock_of(peer, now), self.moving.address(peer));
        let up = self.hosts[peer.0 as usize].up;
        let Some(named) = self.moving.named.get_mut(&peer).filter(|_| up) else { return };
        named.updater.observe(clock, address);
        if started {
            named.updater.restart(clock);
        }
        named.due = now;
        self.queue.post(now, Event::Name(NameStep::Due(peer)));
    }

    /// Something is due about names.
    pub(super) fn name_step(&mut self, now: Time, step: NameStep) {
        match step {
            NameStep::Due(peer) => self.say_address(now, peer),
            NameStep::Arrives(number) => self.take_update(now, number),
            NameStep::Answered(number) => self.hear_answer(now, number),
            NameStep::RunsOut(line) => self.review_line(now, line as usize),
        }
    }

    fn say_address(&mut self, now: Time, peer: PeerId) {
        let clock = self.clock_of(peer, now);
        let Host { up, life, .. } = self.hosts[peer.0 as usize];
        // A node that comes up looks at its address anew.
        let Some(named) = self.moving.named.get_mut(&peer).filter(|named| up && named.due == now) else {
            return;
        };
        let said = named.updater.say(clock);
        self.wait_to_say(now, peer);
        let (Some(update), Some(&(server, _))) = (said, self.moving.served.as_ref()) else { return };
        self.ledger.name_update_sent();
        let caller = Caller::Endpoint(EndpointId(peer.0));
        let to = EndpointId(server.0);
        let Ok(relay) = self.network.way(now, caller, to) else { return };
        let course = Course { caller, relay, to };
        let Some(named) = self.moving.named.get_mut(&peer) else { return };
        let mut rng = self.streams.rng(UPDATES, u64::from(peer.0), &mut named.draws);
        let took = self.network.exchange_time(&course, UPDATE_BYTES, [1.0, 1.0], &mut rng);
        if rng.chance(self.network.loss_on(&course)) {
            return;
        }
        let back = Span(took.0 / 2);
        let number = self.moving.flights.insert(Flight { from: peer, life, update, back, answer: None }, 1);
        self.queue.post(now + took.saturating_sub(back), Event::Name(NameStep::Arrives(number)));
    }

    /// Looks at a peer's updater again when it has something to say.
    fn wait_to_say(&mut self, now: Time, peer: PeerId) {
        let clock = self.clock_of(peer, now);
        let Some(named) = self.moving.named.get_mut(&peer) else { return };
        named.due = now + named.updater.due().since(clock);
        self.queue.post(named.due, Event::Name(NameStep::Due(peer)));
    }

    fn take_update(&mut self, now: Time, number: u32) {
        let Some(server) = self.moving.served.as_ref().map(|(server, _)| *server) else { return };
        if !self.hosts[server.0 as usize].up {
            self.moving.flights.release(number);
            return;
        }
        let clock = self.clock_of(server, now);
        let Moving { served: Some((_, zone)), flights, .. } = &mut self.moving else { return };
        let Some(flight) = flights.get_mut(number) else { return };
        let answer = zone.update(clock, &flight.update);
        self.ledger.name_update_judged(&answer);
        let (from, said, taken) = (flight.from, flight.update.update.address, answer.is_ok());
        self.queue.post(now + flight.back, Event::Name(NameStep::Answered(number)));
        flight.answer = Some(answer);
        if taken
            && said == self.moving.address(from)
            && let Some(stale) = self.moving.stale.get_mut(&from).filter(|stale| stale.record)
        {
            stale.record = false;
            let window = now.since(stale.since);
            self.ledger.record_was_stale(window);
            self.close_stale(now, from);
        }
    }

    fn hear_answer(&mut self, now: Time, number: u32) {
        let Some(Flight { from, life, update, answer: Some(answer), .. }) = self.moving.flights.take(number)
        else {
            return;
        };
        let clock = self.clock_of(from, now);
        let host = &self.hosts[from.0 as usize];
        if host.up
            && host.life == life
            && let Some(named) = self.moving.named.get_mut(&from)
        {
            named.updater.hear(clock, update.update.sequence, &answer);
            self.wait_to_say(now, from);
        }
    }

    /// A move is over when the record is right and no user remembers an old address.
    pub(super) fn close_stale(&mut self, now: Time, peer: PeerId) {
        let Some(stale) = self.moving.stale.get(&peer).copied().filter(|stale| !stale.record) else { return };
        let (Some(name), right) = (self.moving.name_of(peer), self.moving.address(peer)) else { return };
        let clock = self.clock(now);
        let remembered: Vec<_> = self.remembered(clock, name);
        if remembered.iter().all(|address| *address == Some(right)) {
            if !remembered.is_empty() {
                self.ledger.users_were_stale(now.since(stale.since));
            }
            self.moving.stale.remove(&peer);
        }
    }

    /// Asks the server of the zone for a name, as a user outside does; none where nothing comes back.
    pub(super) fn ask_for_name(
        &self,
        now: Time,
        (outsider, city): (Outsider, crate::net::CityId),
        name: &Name,
    ) -> Option<crate::dms::dynamic_dns::Answer> {
        let (server, zone) = self.moving.served.as_ref()?;
        let way = self.network.way(now, Caller::Outside(outsider), EndpointId(server.0));
        let reached = way.is_ok() && !self.cuts_off(city, *server);
        reached.then(|| zone.look_up(self.clock_of(*server, now), name))
    }

    /// Whether the users of a stream go by names.
    pub(super) const fn goes_by_name(source: &Source) -> bool {
        matches!(source, Source::Clients(clients) if clients.by_name)
    }
}
