//! What the requests of a line meet now: followed as packets would go, through the tables that the peers really have.

use std::sync::Arc;

use smallvec::SmallVec;

use super::failure::Failure;
use super::line::Line;
use crate::dms::outbox::RunId;
use crate::dms::provider::Provider;
use crate::dms::subnet::LookupError;
use crate::kernel::Span;
use crate::net::{Caller, Cities, CityId, Course, EndpointId, Obstacle};
use crate::sim::event::PeerId;
use crate::sim::setup::traffic::{RequestStream, Source};
use crate::sim::setup::{Fault, Selection};
use crate::sim::world::World;

/// What all requests of a line meet while nothing changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Nobody asks.
    Idle,
    /// A service answers.
    Open { server: Server, caller: Option<PeerId>, relay: Option<EndpointId> },
    /// Every request fails.
    Closed(Failure, Manner),
}

/// How a caller learns that nobody answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    /// Its own host says so.
    AtOnce,
    /// The other host says so.
    After(Span),
    /// Nothing comes back.
    Silent,
}

/// One run of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Server {
    pub(super) peer: PeerId,
    pub(super) run: RunId,
    pub(super) allocation: Arc<str>,
}

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
        let Some(&peer) = self.by_host.get(&endpoint.peer) else {
            return Verdict::Closed(Failure::Unreachable, Manner::AtOnce);
        };
        watched.push(peer);
        let course = match self.course(Caller::Endpoint(EndpointId(caller.0)), peer) {
            Ok(course) => course,
            Err(closed) => return closed,
        };
        watched.extend(course.relay.map(|relay| PeerId(relay.0)));
        let gone =
            |failure| Verdict::Closed(failure, Manner::After(self.network.exchange_round_trip(&course)));
        let Some(allocation) = self.provider(peer).living_at(ensemble, endpoint.address) else {
            return gone(Failure::Unreachable);
        };
        self.answering(peer, allocation, Some(caller), &course).unwrap_or_else(gone)
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
        let Some((peer, wanted, public)) = self.ledger.mapped(line.deployment, &stream.to, port) else {
            return Verdict::Closed(Failure::NoSuchName, Manner::AtOnce);
        };
        watched.push(peer);
        if self.cuts_off(city, peer) {
            return Verdict::Closed(Failure::TimedOut, Manner::Silent);
        }
        let course = match self.course(Caller::Outside(outsider), peer) {
            Ok(course) => course,
            // A translator drops what it does not know.
            Err(Verdict::Closed(failure, _)) => return Verdict::Closed(failure, Manner::Silent),
            Err(other) => return other,
        };
        let gone =
            |failure| Verdict::Closed(failure, Manner::After(self.network.exchange_round_trip(&course)));
        match self.provider(peer).behind_port(public) {
            Some(found) if **found == *wanted => {
                self.answering(peer, found, None, &course).unwrap_or_else(gone)
            }
            _ => gone(Failure::Refused),
        }
    }

    fn provider(&self, peer: PeerId) -> &Provider {
        self.hosts[peer.0 as usize].peer.provider()
    }

    /// The way to a host.
    fn course(&self, caller: Caller, peer: PeerId) -> Result<Course, Verdict> {
        let to = EndpointId(peer.0);
        match self.network.way(self.queue.now(), caller, to) {
            Ok(relay) => Ok(Course { caller, relay, to }),
            Err(Obstacle::Silence) => Err(Verdict::Closed(Failure::TimedOut, Manner::Silent)),
            Err(Obstacle::NoWay) => Err(Verdict::Closed(Failure::Unreachable, Manner::AtOnce)),
        }
    }

    /// What an allocation on a host that can be reached answers; else why it does not.
    fn answering(
        &self,
        peer: PeerId,
        allocation: &Arc<str>,
        caller: Option<PeerId>,
        course: &Course,
    ) -> Result<Verdict, Failure> {
        let run = self.provider(peer).run_of(allocation).ok_or(Failure::Refused)?;
        if !self.hosts[peer.0 as usize].executor.is_healthy(run, &self.images) {
            return Err(Failure::Unhealthy);
        }
        let server = Server { peer, run, allocation: Arc::clone(allocation) };
        Ok(Verdict::Open { server, caller, relay: course.relay })
    }

    /// Whether a partition lies between users in a city and a peer: its sides are places then.
    fn cuts_off(&self, city: CityId, peer: PeerId) -> bool {
        let place = Cities::world().city(city);
        let holds_users = |who: &Selection| {
            who.is_place()
                && who.continent.as_ref().is_none_or(|one| place.continent.code() == one)
                && who.country.as_ref().is_none_or(|one| *place.country == **one)
        };
        self.setup.faults.iter().zip(0..).any(|(fault, number)| {
            let Fault::Partition { between: [first, second], .. } = fault else { return false };
            let Some(side) =
                self.conditions.get(&number).and_then(|id| self.network.side_of(*id, EndpointId(peer.0)))
            else {
                return false;
            };
            holds_users(if side == 0 { second } else { first })
        })
    }

    /// The course that a verdict stands for.
    pub(super) fn course_of(&self, line: &Line) -> Option<Course> {
        let Verdict::Open { server, caller, relay } = &line.verdict else { return None };
        let caller = match (caller, line.outsider) {
            (Some(peer), _) => Caller::Endpoint(EndpointId(peer.0)),
            (None, Some((outsider, _))) => Caller::Outside(outsider),
            (None, None) => return None,
        };
        Some(Course { caller, relay: *relay, to: EndpointId(server.peer.0) })
    }
}
