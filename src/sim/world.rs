//! The world: every peer, the network between them, and the loop that takes one event after another.
//!
//! [`World::new`] builds it from a [`Setup`]; [`World::run`] drives it to the end. A peer is only ever reached
//! through `World::feed`, which lends it its random stream, lets it handle one input and carries out what it wants
//! done.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::event::{Event, ExecutionStep, PeerId};
use super::executor::{Executor, Images, Start};
use super::ledger::Ledger;
use super::office::Office;
use super::outcome::Outcome;
use super::population::{Population, populate};
use super::setup::{Processing, Setup};
use crate::dms::Peer;
use crate::dms::actor::Envelope;
use crate::dms::identity::PeerId as HostId;
use crate::dms::outbox::{Action, Command, Effects, Execution, Input, Outbox};
use crate::kernel::queue::EventQueue;
use crate::kernel::{Cursor, Domain, Slab, Span, Streams, Time, Timestamp};
use crate::net::{ConditionId, Delivery, EndpointId, FLOW_THRESHOLD_BYTES, FlowId, Network, Receivers};
use crate::workload::{ChurnModel, PeerChurn};

/// Randomness that peers use themselves: nonces, keys, shuffles.
const PEER: Domain = Domain::new("dms.peer");
/// Start-up times, run times and failures of allocations.
const EXECUTOR: Domain = Domain::new("sim.executor");
/// Interval of the samples in `series.csv`.
const SAMPLE_INTERVAL: Span = Span::mins(1);

/// What the world keeps for each peer besides the peer itself.
pub(super) struct Host {
    pub(super) peer: Peer,
    pub(super) executor: Executor,
    /// Counts up when it stops: what was meant for a former life is recognised by it.
    pub(super) life: u32,
    pub(super) up: bool,
    /// Crashed by a fault; churn does not bring it back before its repair.
    pub(super) crashed: bool,
    pub(super) churn: Option<PeerChurn>,
    busy_until: Time,
    peer_cursor: Cursor,
    executor_cursor: Cursor,
}

impl Host {
    pub(super) fn new(peer: Peer, churn: Option<PeerChurn>) -> Self {
        Self {
            peer,
            executor: Executor::default(),
            life: 0,
            up: churn.as_ref().is_none_or(PeerChurn::is_up),
            crashed: false,
            churn,
            busy_until: Time::ZERO,
            peer_cursor: Cursor::default(),
            executor_cursor: Cursor::default(),
        }
    }
}

/// What a transfer carries.
enum Cargo {
    Image { peer: PeerId, life: u32, image: u16 },
    Message { peer: PeerId, envelope: u32, bytes: u32 },
}

/// A run in progress.
pub struct World<'s> {
    pub(super) setup: &'s Setup,
    pub(super) streams: Streams,
    pub(super) queue: EventQueue<Event>,
    pub(super) hosts: Vec<Host>,
    pub(super) population: Population,
    pub(super) churn_models: Vec<Option<ChurnModel>>,
    pub(super) network: Network,
    pub(super) conditions: FxHashMap<u32, ConditionId>,
    pub(super) ledger: Ledger,
    pub(super) office: Office,
    by_host: FxHashMap<HostId, PeerId>,
    images: Images,
    envelopes: Slab<Envelope>,
    cargo: FxHashMap<FlowId, Cargo>,
    effects: Effects,
    pub(super) arrivals: Vec<crate::workload::Arrivals>,
    pub(super) events: u64,
}

impl<'s> World<'s> {
    /// A world at simulated time 0, with everything that the setup foresees in its queue.
    ///
    /// # Errors
    /// What the setup asks for and cannot be built, in words.
    pub fn new(setup: &'s Setup) -> Result<Self, String> {
        let streams = Streams::new(setup.seed);
        let (population, hosts, endpoints, office) = populate(setup, streams)?;
        let mut network =
            Network::new(setup.network, &endpoints, streams).map_err(|error| error.to_string())?;
        let by_host =
            hosts.iter().zip(0..).map(|(host, n)| (host.peer.handle_of_root().host, PeerId(n))).collect();
        for (host, number) in hosts.iter().zip(0..) {
            network.set_up(Time::ZERO, EndpointId(number), host.up);
        }
        let churn_models = setup
            .groups
            .iter()
            .map(|group| {
                group.churn.as_ref().map(|(config, _)| config.model().map_err(|error| error.to_string()))
            })
            .map(Option::transpose)
            .collect::<Result<_, _>>()?;
        let arrivals = setup
            .workload
            .iter()
            .zip(0..)
            .map(|(entry, number)| entry.arrivals.times(streams, number).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        let mut world = Self {
            ledger: Ledger::new(setup, &population),
            office,
            setup,
            streams,
            queue: EventQueue::new(),
            hosts,
            population,
            churn_models,
            network,
            conditions: FxHashMap::default(),
            by_host,
            images: Images::new(setup.images.clone()),
            envelopes: Slab::new(),
            cargo: FxHashMap::default(),
            effects: Effects::default(),
            arrivals,
            events: 0,
        };
        world.ledger.offered_cores = world.offered_cores();
        world.begin();
        Ok(world)
    }

    /// Cores that all providers together offer.
    fn offered_cores(&self) -> f64 {
        let offered = |host: &Host| host.peer.provider().pool().onboarded().cpu.cores_milli;
        self.hosts.iter().map(offered).sum::<u64>() as f64 / 1000.0
    }

    /// What is pending at the start: connections, churn, faults, the first request of each workload entry.
    fn begin(&mut self) {
        for number in 0..self.hosts.len() as u32 {
            let peer = PeerId(number);
            self.ledger.peer_is(Time::ZERO, peer, self.hosts[number as usize].up);
            if let Some(churn) = &self.hosts[number as usize].churn {
                self.queue.post(churn.next_change(), Event::Churn(peer));
            }
        }
        for number in 0..self.hosts.len() as u32 {
            self.connect(PeerId(number), Time::ZERO, false);
        }
        for (fault, number) in self.setup.faults.iter().zip(0..) {
            self.queue.post(fault.at(), Event::Fault(number));
        }
        for entry in 0..self.setup.workload.len() as u32 {
            self.schedule_next_deploy(entry);
        }
        for (operation, number) in self.setup.operations.iter().zip(0..) {
            self.queue.post(operation.at, Event::Operation(number));
        }
        self.queue.post(Time::ZERO, Event::Sample);
    }

    pub(super) fn schedule_next_deploy(&mut self, entry: u32) {
        let count = self.setup.workload[entry as usize].count;
        if self.ledger.asked(entry) < count
            && let Some(at) = self.arrivals[entry as usize].next()
        {
            self.queue.post(at, Event::Deploy { entry });
        }
    }

    /// Keeps the digest after every fact.
    pub fn keep_trace(&mut self) {
        self.ledger.keep_trace();
    }

    /// Runs to the end of the setup's duration, or until `go_on` says no (it is asked every few thousand events,
    /// with the simulated time and the events so far).
    pub fn run(mut self, go_on: &mut dyn FnMut(Time, u64) -> bool) -> Outcome {
        let end = Time::ZERO + self.setup.duration;
        let mut interrupted = None;
        // The end itself belongs to the run.
        while let Some((now, event)) = self.queue.pop_before(end + Span(1)) {
            self.step(now, event);
            self.events += 1;
            if self.events.is_multiple_of(8192) && !go_on(now, self.events) {
                interrupted = Some(now);
                break;
            }
        }
        let stopped = interrupted.unwrap_or(end);
        let closing = self.closing(stopped, interrupted.is_some());
        self.ledger.finish(stopped, &closing)
    }

    fn step(&mut self, now: Time, event: Event) {
        match event {
            Event::Arrive { peer, envelope, bytes } => self.arrive(now, peer, envelope, bytes),
            Event::Dispatch { peer, life, envelope } => {
                if self.hosts[peer.0 as usize].life == life {
                    self.feed(now, peer, |envelopes| {
                        Input::Dispatch(envelopes.get(envelope).expect("an admitted message is kept"))
                    });
                }
                self.envelopes.release(envelope);
            }
            Event::Timer { peer, life, timer } => {
                if self.hosts[peer.0 as usize].life == life {
                    self.feed(now, peer, |_| Input::Timer(timer));
                }
            }
            Event::Execution { peer, life, run, step } => {
                if self.hosts[peer.0 as usize].life == life {
                    self.execute(now, peer, run, step);
                }
            }
            Event::Transfers => self.complete_transfers(now),
            Event::Deploy { entry } => self.deploy(now, entry),
            Event::Shutdown { deployment } => self.shutdown(now, deployment),
            Event::Operation(number) => self.operate(now, number),
            Event::Churn(peer) => self.churn(now, peer),
            Event::Repair(peer) => self.repair(now, peer),
            Event::Fault(number) => self.begin_fault(now, number),
            Event::FaultEnd(number) => self.end_fault(now, number),
            Event::Sample => {
                self.ledger.sample(now, self.network.flows().len());
                self.queue.post(now + SAMPLE_INTERVAL, Event::Sample);
            }
        }
    }

    /// What a peer's clock reads.
    pub(super) fn clock(&self, now: Time) -> Timestamp {
        self.setup.epoch + Span(now.0)
    }

    fn arrive(&mut self, now: Time, peer: PeerId, envelope: u32, bytes: u32) {
        let host = &self.hosts[peer.0 as usize];
        if !host.up {
            self.ledger.lost(crate::net::LossReason::ReceiverDown);
            self.envelopes.release(envelope);
            return;
        }
        self.ledger.delivered();
        self.feed(now, peer, |envelopes| Input::Arrival {
            envelope: envelopes.get(envelope).expect("a message in flight is kept"),
            bytes: u64::from(bytes),
        });
        if !self.effects.admitted {
            self.envelopes.release(envelope);
            return;
        }
        self.effects.admitted = false;
        let Processing { signature, message } = self.setup.processing;
        let signatures = self.envelopes.get(envelope).map_or(0, Envelope::signature_count);
        let host = &mut self.hosts[peer.0 as usize];
        let done = host.busy_until.max(now) + signature.times(signatures) + message;
        host.busy_until = done;
        self.queue.post(done, Event::Dispatch { peer, life: host.life, envelope });
    }

    /// Lets a peer handle one input and carries out what it wants done.
    pub(super) fn feed(&mut self, now: Time, peer: PeerId, input: impl FnOnce(&Slab<Envelope>) -> Input<'_>) {
        let clock = self.clock(now);
        let host = &mut self.hosts[peer.0 as usize];
        let random = self.streams.rng(PEER, u64::from(peer.0), &mut host.peer_cursor);
        let mut outbox = Outbox { effects: &mut self.effects, random };
        host.peer.handle(clock, input(&self.envelopes), &mut outbox);
        drop(outbox);
        self.carry_out(now, peer);
    }

    fn carry_out(&mut self, now: Time, peer: PeerId) {
        let mut effects = std::mem::take(&mut self.effects);
        let life = self.hosts[peer.0 as usize].life;
        for fact in effects.facts.drain(..) {
            self.ledger.record(now, peer, fact);
        }
        for (at, timer) in effects.timers.drain(..) {
            let at = Time(at.0.saturating_sub(self.setup.epoch.0)).max(now);
            self.queue.post(at, Event::Timer { peer, life, timer });
        }
        for envelope in effects.sends.drain(..) {
            self.send(now, peer, envelope);
        }
        for action in effects.actions.drain(..) {
            self.order(now, peer, life, action);
        }
        self.effects = effects;
    }

    fn send(&mut self, now: Time, from: PeerId, envelope: Envelope) {
        let bytes = envelope.json_len();
        self.ledger.sent(bytes);
        let Some(to) = &envelope.to else { return self.broadcast(now, from, envelope, bytes) };
        // A host that never existed is like one that is down: nobody answers.
        let Some(&to) = self.by_host.get(&to.host) else {
            return self.ledger.lost(crate::net::LossReason::ReceiverDown);
        };
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        if bytes >= FLOW_THRESHOLD_BYTES && to != from {
            match self.network.start_transfer(now, Some(EndpointId(from.0)), EndpointId(to.0), bytes) {
                Ok(flow) => {
                    let envelope = self.envelopes.insert(envelope, 1);
                    self.cargo.insert(flow, Cargo::Message { peer: to, envelope, bytes: length });
                    self.await_transfers();
                }
                Err(reason) => self.ledger.lost(reason),
            }
            return;
        }
        match self.network.send(now, EndpointId(from.0), EndpointId(to.0), bytes) {
            Delivery::At(at) => {
                let envelope = self.envelopes.insert(envelope, 1);
                self.queue.post(at, Event::Arrive { peer: to, envelope, bytes: length });
            }
            Delivery::Lost(reason) => self.ledger.lost(reason),
        }
    }

    fn broadcast(&mut self, now: Time, from: PeerId, envelope: Envelope, bytes: u64) {
        let vouched = envelope.tokens.iter().any(|token| token.chain().is_some());
        // One reference of our own keeps the slot until every delivery has been counted.
        let key = self.envelopes.insert(envelope, 1);
        let (queue, envelopes) = (&mut self.queue, &mut self.envelopes);
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        let receivers = Receivers::AllLive;
        let tally = self.network.broadcast(now, EndpointId(from.0), bytes, receivers, &mut |to, at| {
            envelopes.retain(key, 1);
            queue.post(at, Event::Arrive { peer: PeerId(to.0), envelope: key, bytes: length });
        });
        self.envelopes.release(key);
        self.ledger.broadcast(tally, bytes, vouched);
    }

    fn order(&mut self, now: Time, peer: PeerId, life: u32, action: Action) {
        match action {
            Action::Start(run, config) => {
                let host = &mut self.hosts[peer.0 as usize];
                let mut rng = self.streams.rng(EXECUTOR, u64::from(peer.0), &mut host.executor_cursor);
                match host.executor.start(run, config, &self.images, &mut rng) {
                    Start::After(span) => {
                        let step = ExecutionStep::Started;
                        self.queue.post(now + span, Event::Execution { peer, life, run, step });
                    }
                    Start::NoImage => {
                        let step = ExecutionStep::NoImage;
                        self.queue.post(now, Event::Execution { peer, life, run, step });
                    }
                    Start::Wait => {}
                    Start::Pull(image) => self.pull(now, peer, life, image),
                }
            }
            Action::Stop(run) => self.hosts[peer.0 as usize].executor.stop(run),
            Action::Probe(run) => {
                let step = ExecutionStep::Probed;
                self.queue.post(now, Event::Execution { peer, life, run, step });
            }
        }
    }

    fn pull(&mut self, now: Time, peer: PeerId, life: u32, image: u16) {
        let bytes = self.images.image(image).size_bytes;
        match self.network.start_transfer(now, None, EndpointId(peer.0), bytes) {
            Ok(flow) => {
                self.cargo.insert(flow, Cargo::Image { peer, life, image });
                self.ledger.pull_started(bytes);
                self.await_transfers();
            }
            Err(reason) => {
                unreachable!("only a peer that is up starts anything, and this one is not: {reason:?}")
            }
        }
    }

    /// The next completion may have come nearer; an event that finds none complete does nothing.
    pub(super) fn await_transfers(&mut self) {
        if let Some((at, _)) = self.network.next_completion() {
            self.queue.post(at.max(self.queue.now()), Event::Transfers);
        }
    }

    fn complete_transfers(&mut self, now: Time) {
        let finished = self.network.complete_transfers(now);
        for done in &finished {
            match self.cargo.remove(&done.flow.id) {
                Some(Cargo::Image { peer, life, image }) => {
                    self.ledger.pull_ended(now.since(done.flow.started));
                    if self.hosts[peer.0 as usize].life == life {
                        self.image_pulled(now, peer, life, image);
                    }
                }
                Some(Cargo::Message { peer, envelope, bytes }) => {
                    let delay = done.flow.from.map_or(Span::ZERO, |from| {
                        Span(self.network.shortest_round_trip(from, EndpointId(peer.0)).0 / 2)
                    });
                    self.queue.post(now + delay, Event::Arrive { peer, envelope, bytes });
                }
                None => {}
            }
        }
        if !finished.is_empty() {
            self.await_transfers();
        }
    }

    fn image_pulled(&mut self, now: Time, peer: PeerId, life: u32, image: u16) {
        let host = &mut self.hosts[peer.0 as usize];
        let mut rng = self.streams.rng(EXECUTOR, u64::from(peer.0), &mut host.executor_cursor);
        for (run, span) in host.executor.pulled(image, &self.images, &mut rng) {
            let step = ExecutionStep::Started;
            self.queue.post(now + span, Event::Execution { peer, life, run, step });
        }
    }

    /// Drops what a peer's transfers carried when it went down.
    pub(super) fn drop_cargo(&mut self, flow: FlowId) {
        if let Some(Cargo::Message { envelope, .. }) = self.cargo.remove(&flow) {
            self.envelopes.release(envelope);
        }
    }

    fn execute(&mut self, now: Time, peer: PeerId, run: crate::dms::outbox::RunId, step: ExecutionStep) {
        let host = &mut self.hosts[peer.0 as usize];
        let report = match step {
            ExecutionStep::Started => {
                let mut rng = self.streams.rng(EXECUTOR, u64::from(peer.0), &mut host.executor_cursor);
                let Some(ends) = host.executor.up(run, &self.images, &mut rng) else { return };
                if let Some(span) = ends {
                    let (life, step) = (host.life, ExecutionStep::Exited);
                    self.queue.post(now + span, Event::Execution { peer, life, run, step });
                }
                Execution::Started(run)
            }
            ExecutionStep::Exited => match host.executor.exit(run, &self.images) {
                Some((code, output)) => Execution::Exited { run, code, output },
                None => return,
            },
            ExecutionStep::Probed => Execution::Probed(run, host.executor.is_healthy(run, &self.images)),
            ExecutionStep::NoImage => Execution::StartFailed(run, "no such image".into()),
        };
        self.feed(now, peer, |_| Input::Execution(report));
    }

    fn deploy(&mut self, now: Time, entry: u32) {
        let request = &self.setup.workload[entry as usize];
        let by = self.population.find(&request.by).expect("the setup names an existing orchestrator");
        let pins = self.population.pins(&request.ensemble, &self.hosts);
        let expire = self.clock(now) + request.timeout;
        let deployment = self.ledger.deployment_asked(now, entry, by, now + request.timeout);
        if self.hosts[by.0 as usize].up {
            let ensemble = Arc::clone(&request.ensemble);
            self.feed(now, by, |_| Input::Command(Command::Deploy { ensemble, pins, expire }));
            if let Some(after) = &request.shutdown_after {
                let mut rng = self.streams.owned(Domain::new("sim.shutdown"), u64::from(deployment));
                self.queue.post(now + after.sample(&mut rng), Event::Shutdown { deployment });
            }
        } else {
            self.ledger.deployment_refused(now, deployment, "the orchestrator is down");
        }
        self.schedule_next_deploy(entry);
    }

    fn shutdown(&mut self, now: Time, deployment: u32) {
        if let Some((by, ensemble)) = self.ledger.deployment(deployment)
            && self.hosts[by.0 as usize].up
        {
            self.feed(now, by, |_| Input::Command(Command::Shutdown(ensemble)));
        }
    }
}
