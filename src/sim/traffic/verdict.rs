//! What the requests of a line meet now: followed as packets would go, through the tables that the peers really have.

use std::sync::Arc;

use smallvec::SmallVec;

use super::failure::Failure;
use super::line::Line;
use crate::dms::identity::EnsembleId;
use crate::dms::outbox::RunId;
use crate::dms::provider::Provider;
use crate::dms::subnet::{Endpoint, LookupError};
use crate::kernel::Span;
use crate::net::{Caller, Cities, CityId, Course, EndpointId, Obstacle, Outsider};
use crate::sim::event::{PeerId, Turn};
use crate::sim::setup::traffic::{RequestStream, Source};
use crate::sim::setup::{Fault, Selection};
use crate::sim::world::World;

/// What all requests of a line meet while nothing changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Nobody asks.
    Idle,
    /// A service answers. Who calls is an allocation, by its host and its full id, or somebody outside.
    Open { server: Server, caller: Option<(PeerId, Arc<str>)>, relay: Option<EndpointId> },
    /// Every request fails.
    Closed(Failure, Manner),
}

/// How a caller learns that nobody answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sim) enum Manner {
    /// Its own host says so.
    AtOnce,
    /// The other host says so.
    After(Span),
    /// Nothing comes back.
    Silent,
}

/// One run of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::sim) struct Server {
    pub(super) peer: PeerId,
    pub(super) run: RunId,
    pub(super) allocation: Arc<str>,
}

/// Where a call ends: at an allocation that runs, or with nothing.
pub(in crate::sim) type Landed = Result<(Server, Course), (Failure, Manner)>;

/// A verdict with the peers that it depends on.
pub(super) type Finding = (Verdict, SmallVec<[PeerId; 3]>);

impl World<'_> {
    /// What the requests of a line meet now.
    pub(super) fn find_out(&self, line: &Line) -> Finding {
        let stream = &self.setup.traffic[line.stream];
        let mut watched = SmallVec::new();
        let verdict = match &stream.from {
            Source::Allocation(from) => self.inside(line, stream, from, &mut watched),
            Source::Clients(clients) => self.outside(line, stream, clients.port, &mut watched),
        };
        (verdict, watched)
    }

    /// From an allocation over the subnet, by name.
    fn inside(
        &self,
        line: &Line,
        stream: &RequestStream,
        from: &str,
        watched: &mut SmallVec<[PeerId; 3]>,
    ) -> Verdict {
        let (ledger, number) = (&self.ledger, line.deployment);
        let Some((caller, source)) = ledger.instance(number, from) else { return Verdict::Idle };
        let Some((_, ensemble)) = ledger.deployment(number) else { return Verdict::Idle };
        watched.push(caller);
        if self.troubles.is_frozen(caller) {
            return Verdict::Idle;
        }
        // The tunnel belongs to the process of the node, the container does not.
        if !self.hosts[caller.0 as usize].up {
            return Verdict::Closed(Failure::Unreachable, Manner::AtOnce);
        }
        let name = ledger.subnet_name(number, &stream.to);
        let endpoint = match self.provider(caller).resolve(&source, &name) {
            Ok(endpoint) => endpoint,
            Err(LookupError::NoRoute(_)) => return Verdict::Closed(Failure::Unreachable, Manner::AtOnce),
            Err(LookupError::NoSuchName(_) | LookupError::NotConnected) => {
                return Verdict::Closed(Failure::NoSuchName, Manner::AtOnce);
            }
        };
        watched.extend(self.directory.find(&endpoint.peer));
        let landed = self.land_inside(caller, ensemble, endpoint);
        watched
            .extend(landed.as_ref().ok().and_then(|(_, course)| course.relay).map(|relay| PeerId(relay.0)));
        self.verdict(landed, Some((caller, source.into())))
    }

    /// From outside, at the public address and port that the deployment's manifest names.
    fn outside(
        &self,
        line: &Line,
        stream: &RequestStream,
        port: Option<u16>,
        watched: &mut SmallVec<[PeerId; 3]>,
    ) -> Verdict {
        let Some((outsider, city)) = line.outsider else { return Verdict::Idle };
        let Some((peer, wanted, public, since)) = self.ledger.mapped(line.deployment, &stream.to, port)
        else {
            return Verdict::Closed(Failure::NoSuchName, Manner::AtOnce);
        };
        watched.push(peer);
        let address = if Self::goes_by_name(&stream.from) {
            let clock = self.clock(self.queue.now());
            let name = self.moving.name_of(peer);
            name.and_then(|name| line.resolver.known(clock, name)).and_then(|known| known.address)
        } else {
            Some(self.moving.address_at(peer, since))
        };
        match address {
            None => return Verdict::Closed(Failure::NoSuchName, Manner::AtOnce),
            // Nobody is given an address that another has had.
            Some(address) if address != self.moving.address(peer) => {
                return Verdict::Closed(Failure::TimedOut, Manner::Silent);
            }
            Some(_) => {}
        }
        self.verdict(self.land_outside((outsider, city), (peer, &wanted, public)), None)
    }

    /// What follows from where a call ends.
    fn verdict(&self, landed: Landed, caller: Option<(PeerId, Arc<str>)>) -> Verdict {
        match landed {
            Ok((server, course)) => match self.served(&server) {
                Ok(()) => Verdict::Open { server, caller, relay: course.relay },
                Err(Failure::Unhealthy) => {
                    let after = self.network.exchange_round_trip(&course).times(2);
                    Verdict::Closed(Failure::Unhealthy, Manner::After(after))
                }
                Err(failure) => Verdict::Closed(failure, Manner::Silent),
            },
            Err((failure, manner)) => Verdict::Closed(failure, manner),
        }
    }

    /// Whether what runs there answers what it is asked.
    fn served(&self, server: &Server) -> Result<(), Failure> {
        let executor = &self.hosts[server.peer.0 as usize].executor;
        match () {
            () if self.serves_nobody(server.peer) => Err(Failure::TimedOut),
            () if !executor.is_healthy(server.run, &self.images) => Err(Failure::Unhealthy),
            () => Ok(()),
        }
    }

    /// What a single call comes to, by where it ends.
    pub(in crate::sim) fn answers(&self, landed: Landed) -> Result<(), &'static str> {
        let answer = landed.map_err(|(failure, _)| failure).and_then(|(server, _)| self.served(&server));
        answer.map_err(Failure::as_str)
    }

    /// Follows an address of a subnet from the host of who calls.
    pub(in crate::sim) fn land_inside(
        &self,
        caller: PeerId,
        ensemble: EnsembleId,
        endpoint: Endpoint,
    ) -> Landed {
        let unreachable = (Failure::Unreachable, Manner::AtOnce);
        let peer = self.directory.find(&endpoint.peer).ok_or(unreachable)?;
        let course = self.course(Caller::Endpoint(EndpointId(caller.0)), peer)?;
        let round_trip = Manner::After(self.network.exchange_round_trip(&course));
        let living = self.provider(peer).living_at(ensemble, endpoint.address);
        let allocation = living.ok_or((Failure::Unreachable, round_trip))?;
        self.running(peer, allocation, course)
    }

    /// Follows a public address and port, which are meant for this allocation, from outside.
    pub(in crate::sim) fn land_outside(
        &self,
        (outsider, city): (Outsider, CityId),
        (peer, wanted, public): (PeerId, &str, u16),
    ) -> Landed {
        if self.cuts_off(city, peer) {
            return Err((Failure::TimedOut, Manner::Silent));
        }
        // A translator drops what it does not know.
        let course =
            self.course(Caller::Outside(outsider), peer).map_err(|(failure, _)| (failure, Manner::Silent))?;
        match self.provider(peer).behind_port(public) {
            Some(found) if **found == *wanted => self.running(peer, found, course),
            _ => Err((Failure::Refused, Manner::After(self.network.exchange_round_trip(&course)))),
        }
    }

    fn provider(&self, peer: PeerId) -> &Provider {
        self.hosts[peer.0 as usize].peer.provider()
    }

    /// The way to a host.
    fn course(&self, caller: Caller, peer: PeerId) -> Result<Course, (Failure, Manner)> {
        let to = EndpointId(peer.0);
        if self.troubles.is_frozen(peer) {
            return Err((Failure::TimedOut, Manner::Silent));
        }
        match self.network.way(self.queue.now(), caller, to) {
            Ok(relay) => Ok(Course { caller, relay, to }),
            Err(Obstacle::Silence) => Err((Failure::TimedOut, Manner::Silent)),
            Err(Obstacle::NoWay) => Err((Failure::Unreachable, Manner::AtOnce)),
        }
    }

    /// An allocation on a host that can be reached, if it runs.
    fn running(&self, peer: PeerId, allocation: &Arc<str>, course: Course) -> Landed {
        let nobody = || (Failure::Refused, Manner::After(self.network.exchange_round_trip(&course)));
        let run = self.provider(peer).run_of(allocation).ok_or_else(nobody)?;
        // A container that its executor is about to start again runs in the books, and listens to nobody.
        if !self.hosts[peer.0 as usize].executor.running().contains(&run) {
            return Err(nobody());
        }
        Ok((Server { peer, run, allocation: Arc::clone(allocation) }, course))
    }

    /// Whether a partition lies between users in a city and a peer: its sides are places then.
    pub(in crate::sim) fn cuts_off(&self, city: CityId, peer: PeerId) -> bool {
        let place = Cities::world().city(city);
        let holds_users = |who: &Selection| {
            who.is_place()
                && who.continent.as_ref().is_none_or(|one| place.continent.code() == one)
                && who.country.as_ref().is_none_or(|one| *place.country == **one)
        };
        self.plans.faults.all().iter().zip(0..).any(|(fault, number)| {
            let Fault::Partition { between: [first, second], .. } = &**fault else { return false };
            let on = self.conditions.range(Turn::all_of(number));
            let mut sides = on.filter_map(|(_, id)| self.network.side_of(*id, EndpointId(peer.0)));
            sides.any(|side| holds_users(if side == 0 { second } else { first }))
        })
    }

    /// The course that a verdict stands for.
    pub(super) fn course_of(&self, line: &Line) -> Option<Course> {
        let Verdict::Open { server, caller, relay } = &line.verdict else { return None };
        let caller = match (caller, line.outsider) {
            (Some((peer, _)), _) => Caller::Endpoint(EndpointId(peer.0)),
            (None, Some((outsider, _))) => Caller::Outside(outsider),
            (None, None) => return None,
        };
        Some(Course { caller, relay: *relay, to: EndpointId(server.peer.0) })
    }
}
