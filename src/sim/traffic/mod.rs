//! Requests between allocations and from users outside, and what becomes of them: availability as users see it.
//!
//! No request is an event. A line (`line`) keeps the requests of one caller to one service; when something changes that
//! may matter to it, it accounts for the time since the last change, and its verdict (`verdict`) is made anew.
//! `arriving` says when requests come, `queue` how long they wait for a worker, `failure` how they end; the books are
//! in the ledger. docs/traffic.md has the model with all that it leaves out.

mod arriving;
mod failure;
mod line;
mod names;
mod queue;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::arriving::Plan;
pub(super) use self::failure::{Ending, Failure};
use self::line::{Exchanged, Line, Open, Scene};
use self::queue::Queue;
use self::verdict::{Server, Verdict};
use super::event::PeerId;
use super::setup::RequestStream;
use super::setup::traffic::Source;
use super::world::{SAMPLE_INTERVAL, World};
use crate::dms::actor::Message;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::system::NetworkUse;
use crate::kernel::{Domain, OrderedMap, Span, Time};
use crate::net::EndpointId;

/// Where users outside are.
const USERS: Domain = Domain::new("sim.traffic.users");
/// A link serves those that it can take at this pace at least; the others find no room.
const LEAST_IDLE: f64 = 0.05;

/// All requests of a run.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    lines: Vec<Line>,
    /// The lines of each deployment that is wanted, and how many each stream has of them.
    by_deployment: OrderedMap<u32, Vec<usize>>,
    by_stream: Vec<u32>,
    /// Which lines look at a peer.
    watching: BTreeSet<(PeerId, usize)>,
    /// What each service is asked for: seconds of work a second.
    work: OrderedMap<Arc<str>, f64>,
    /// What each host is asked for: bits a second (down, up).
    bits: OrderedMap<PeerId, [f64; 2]>,
    /// Deployments about which something was said in the event that is being handled.
    touched: Vec<u32>,
    /// What went over the networks of allocations, on peers that are observed.
    networks: BTreeMap<PeerId, OrderedMap<Arc<str>, NetworkUse>>,
}

/// Whether a fact may change what requests meet.
const fn matters(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::DeploymentStatus { .. }
            | Fact::DeploymentReshaped { .. }
            | Fact::AddressGiven { .. }
            | Fact::Named { .. }
            | Fact::PortMapped { .. }
            | Fact::AllocationState { .. }
            | Fact::AllocationRestored { .. }
            | Fact::Released { .. }
            | Fact::Container { .. }
    )
}

/// Whether a message changes what names and addresses lead to, without a fact of its own.
pub(super) const fn is_about_routes(message: &Message) -> bool {
    matches!(
        message,
        Message::SubnetAcceptPeers(_)
            | Message::SubnetRemovePeers(_)
            | Message::DnsRemoveRecords(_)
            | Message::SubnetDestroy(_)
    )
}

impl World<'_> {
    /// Something was said that may matter to requests. What it changes is looked at when the event has been handled.
    pub(super) fn traffic_hears(&mut self, now: Time, fact: &Fact) {
        if self.setup.traffic.is_empty() || !matters(fact) {
            return;
        }
        let Some(number) = self.ledger.deployment_of_fact(fact) else { return };
        if let Fact::DeploymentStatus { status, .. } = fact {
            match status {
                DeploymentStatus::Running => self.begin_lines(now, number),
                DeploymentStatus::Completed | DeploymentStatus::ShuttingDown => self.end_lines(now, number),
                _ => {}
            }
        }
        if self.traffic.by_deployment.contains_key(&number) && !self.traffic.touched.contains(&number) {
            self.traffic.touched.push(number);
        }
    }

    /// The event has been handled: looks at what it has changed.
    pub(super) fn review_touched(&mut self, now: Time) {
        for number in std::mem::take(&mut self.traffic.touched) {
            let lines = self.traffic.by_deployment.get(&number).cloned().unwrap_or_default();
            self.review(now, lines);
        }
    }

    /// Something has changed about a peer.
    pub(super) fn review_peer(&mut self, now: Time, peer: PeerId) {
        let watching = self.traffic.watching.range((peer, 0)..=(peer, usize::MAX));
        let lines = watching.map(|(_, line)| *line).collect();
        self.review(now, lines);
    }

    /// Looks at all lines, and accounts for what is certain by now.
    pub(super) fn review_traffic(&mut self, now: Time) {
        self.settle_traffic(now, |_| true);
    }

    /// A minute is over. Lines of which a sample is due since then are settled; what changes for one is
    /// noticed when it does.
    pub(super) fn sample_traffic(&mut self, now: Time) {
        let certain = |now: Time, stream: &RequestStream| Time(now.0.saturating_sub(stream.horizon().0));
        let before = Time(now.0.saturating_sub(SAMPLE_INTERVAL.0));
        let part = |at, stream: &RequestStream| stream.part_of(certain(at, stream));
        self.settle_traffic(now, |stream| part(now, stream) > part(before, stream));
    }

    fn settle_traffic(&mut self, now: Time, is_due: impl Fn(&RequestStream) -> bool) {
        if self.traffic.lines.is_empty() {
            return;
        }
        let due: Vec<bool> = self.setup.traffic.iter().map(is_due).collect();
        if !due.contains(&true) {
            return;
        }
        self.weigh(now);
        let mut lines = self.traffic.live();
        lines.retain(|place| due[self.traffic.lines[*place].stream]);
        self.review(now, lines.clone());
        self.on_lines(lines, |line, scene, books| line.settle(scene, now, books));
        self.ledger.requests.close(now);
    }

    /// At the end of a run.
    pub(super) fn finish_traffic(&mut self, now: Time) {
        self.review_traffic(now);
        self.on_lines(self.traffic.live(), |line, scene, books| line.finish(scene, now, books));
        self.ledger.requests.close(Time::MAX);
    }

    /// A deployment that somebody asks something of runs: from now on they do.
    fn begin_lines(&mut self, now: Time, number: u32) {
        if self.traffic.by_deployment.contains_key(&number) {
            return;
        }
        let setup = self.setup;
        let fits = |stream: &&RequestStream| stream.deployment == self.ledger.name_of(number);
        let fitting: Vec<usize> =
            setup.traffic.iter().enumerate().filter(|(_, one)| fits(one)).map(|(place, _)| place).collect();
        let mut lines = Vec::new();
        for stream in fitting {
            let plan = &setup.traffic[stream];
            let callers = match &plan.from {
                Source::Allocation(_) => 1,
                Source::Clients(clients) => clients.count,
            };
            for caller in 0..callers {
                lines.push(self.traffic.lines.len());
                let line = self.line(now, (stream, number), (caller, callers));
                self.traffic.lines.push(line);
            }
            self.traffic.by_stream.resize(setup.traffic.len(), 0);
            self.traffic.by_stream[stream] += callers;
        }
        if !lines.is_empty() {
            self.traffic.by_deployment.insert(number, lines);
        }
    }

    fn line(&self, now: Time, (stream, deployment): (usize, u32), place: (u32, u32)) -> Line {
        let description = &self.setup.traffic[stream];
        // Ten bits for the stream, eighteen for the deployment, twelve for the caller, the rest for the interval.
        let entity = (stream as u64 & 0x3ff) << 54
            | u64::from(deployment & 0x3_ffff) << 36
            | u64::from(place.0 & 0xfff) << 24;
        let outsider = match &description.from {
            Source::Allocation(_) => None,
            Source::Clients(clients) => {
                // Users are where they are, whichever deployment they ask.
                let seat = (stream as u64) << 32 | u64::from(place.0);
                let draw = clients.place.prepare().expect("the scenario has checked every place");
                let city = draw.draw(&mut self.streams.owned(USERS, seat));
                Some((self.network.outsider(city, clients.bandwidth), city))
            }
        };
        let time_of_day = Span(self.setup.epoch.0 % Span::hours(24).0);
        let plan = Plan { rate: description.rate, place, interval: description.interval, time_of_day };
        Line::new((stream, deployment), outsider, plan, now, entity)
    }

    /// The owner of a deployment wants it no more.
    fn end_lines(&mut self, now: Time, number: u32) {
        let lines = self.traffic.by_deployment.get(&number).cloned().unwrap_or_default();
        for place in &lines {
            self.traffic.watch(*place, &[]);
            let stream = self.traffic.lines[*place].stream;
            self.traffic.by_stream[stream] -= 1;
        }
        self.on_lines(lines, |line, scene, books| line.change(scene, now, Verdict::Idle, books));
        if let Some(lines) = self.traffic.by_deployment.get_mut(&number) {
            lines.clear();
        }
    }

    /// Makes the verdicts of lines anew.
    fn review(&mut self, now: Time, lines: Vec<usize>) {
        for place in lines {
            self.look_up_host(now, place);
            let line = &self.traffic.lines[place];
            let (verdict, watched) = self.find_out(line);
            if watched != line.watched {
                self.traffic.watch(place, &watched);
            }
            if verdict != self.traffic.lines[place].verdict {
                self.on_lines(vec![place], |line, scene, books| {
                    line.change(scene, now, verdict.clone(), books);
                });
            }
        }
    }

    /// Does something to lines, with what their requests meet.
    fn on_lines(
        &mut self,
        places: Vec<usize>,
        mut act: impl FnMut(&mut Line, &Scene<'_>, &mut super::ledger::Requests),
    ) {
        let mut traffic = std::mem::take(&mut self.traffic);
        for place in places {
            let line = &traffic.lines[place];
            let stream = &self.setup.traffic[line.stream];
            let ends = self.observed_ends(line);
            let scene = Scene {
                streams: self.streams,
                network: &self.network,
                stream,
                lines: traffic.by_stream[line.stream],
                open: self.open(&traffic, line, stream),
            };
            act(&mut traffic.lines[place], &scene, &mut self.ledger.requests);
            let exchanged = std::mem::take(&mut traffic.lines[place].exchanged);
            traffic.note(ends, exchanged);
        }
        self.traffic = traffic;
    }

    /// The service and the allocation that calls it, where somebody looks at their peers.
    fn observed_ends(&self, line: &Line) -> [Option<(PeerId, Arc<str>)>; 2] {
        let Verdict::Open { server, caller, .. } = &line.verdict else { return [None, None] };
        let service = Some((server.peer, &server.allocation));
        let caller = caller.as_ref().map(|(peer, allocation)| (*peer, allocation));
        [service, caller].map(|end| {
            let (peer, allocation) = end.filter(|(peer, _)| self.is_observed(*peer))?;
            Some((peer, Arc::clone(allocation)))
        })
    }

    /// The service that answers on a line, with its load.
    fn open(&self, traffic: &Traffic, line: &Line, stream: &RequestStream) -> Option<Open> {
        let course = self.course_of(line)?;
        let Verdict::Open { server: Server { peer, allocation, .. }, .. } = &line.verdict else {
            return None;
        };
        let rates = self.network.residual_bps(EndpointId(peer.0));
        let bits = traffic.bits.get(peer).copied().unwrap_or_default();
        let loads = [bits[0] / rates[0], bits[1] / rates[1]];
        let room: f64 = loads.iter().map(|load| (1.0 / load).min(1.0)).product();
        let lost = self.network.loss_on(&course);
        let slowness = self.troubles.slowness_of_programs(*peer);
        let queue = stream.workers.map(|workers| {
            let offered = traffic.work.get(allocation).copied().unwrap_or_default();
            Queue::new(offered, workers, stream.service.mean_s() * slowness)
        });
        Some(Open {
            course,
            loss: 1.0 - (1.0 - lost) * (1.0 - lost),
            idle: loads.map(|load| (1.0 - load).max(LEAST_IDLE)),
            overflow: 1.0 - room,
            slowness,
            queue,
        })
    }

    /// Adds up what services and their hosts are asked for now.
    fn weigh(&mut self, now: Time) {
        let (mut work, mut bits) = (OrderedMap::default(), OrderedMap::default());
        for line in self.traffic.live().into_iter().map(|place| &self.traffic.lines[place]) {
            let Verdict::Open { server, .. } = &line.verdict else { continue };
            let Some(course) = self.course_of(line) else { continue };
            let stream = &self.setup.traffic[line.stream];
            let per_s = line.plan.per_s(now);
            let takes_s = stream.service.mean_s() * self.troubles.slowness_of_programs(server.peer);
            *work.entry(Arc::clone(&server.allocation)).or_default() += per_s * takes_s;
            let of_host: &mut [f64; 2] = bits.entry(server.peer).or_default();
            for (sum, bytes) in of_host.iter_mut().zip([&stream.request_bytes, &stream.response_bytes]) {
                *sum += per_s * 8.0 * course.on_wire(bytes.mean_s() as u64) as f64;
            }
        }
        (self.traffic.work, self.traffic.bits) = (work, bits);
    }
}

impl Traffic {
    /// What went over the network of an allocation on a peer that is observed.
    pub(super) fn network_of(&self, peer: PeerId, allocation: &str) -> NetworkUse {
        self.networks.get(&peer).and_then(|all| all.get(allocation)).copied().unwrap_or_default()
    }

    /// Notes what a service has received and sent, and who called it the other way round.
    fn note(&mut self, [service, caller]: [Option<(PeerId, Arc<str>)>; 2], [request, response]: Exchanged) {
        for (end, received, sent) in [(service, request, response), (caller, response, request)] {
            let Some((peer, allocation)) = end else { continue };
            let network = self.networks.entry(peer).or_default().entry(allocation).or_default();
            network.received_bytes = network.received_bytes.saturating_add(received);
            network.sent_bytes = network.sent_bytes.saturating_add(sent);
        }
    }

    /// The lines on which somebody may ask.
    fn live(&self) -> Vec<usize> {
        self.by_deployment.values().flatten().copied().collect()
    }

    /// From now on a line looks at these peers.
    fn watch(&mut self, place: usize, peers: &[PeerId]) {
        let line = &mut self.lines[place];
        for peer in std::mem::take(&mut line.watched) {
            self.watching.remove(&(peer, place));
        }
        line.watched = peers.into();
        self.watching.extend(peers.iter().map(|peer| (*peer, place)));
    }
}
