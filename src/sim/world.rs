//! The world: every peer, the network between them, and the loop that takes one event after another.
//!
//! [`World::new`] builds it from a [`Setup`]; [`World::run`] drives it to the end (see `course`). A peer is only ever
//! reached through `World::feed`, which lends it its random stream, lets it handle one input and carries out what it
//! wants done.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::agenda::Agenda;
use super::attack::{Attackers, Strike};
use super::check::Checks;
use super::conservation::{Occasion, Violation};
use super::contracts::Chain;
use super::crash_points::CrashPoints;
use super::event::{DataStep, Event, ExecutionStep, PeerId, Turn};
use super::faults::Flapping;
use super::fleet::Fleet;
use super::foresight::Foresight;
use super::gateways::Clouds;
use super::host::{Directory, Host, Lore};
use super::images::Images;
use super::late::Late;
use super::ledger::Ledger;
use super::moving::Moving;
use super::office::Office;
use super::plans::Plans;
use super::population::{GroupChurn, Populated, Population, populate};
use super::recorder::Recording;
use super::requests::Requests;
use super::routine::{Concern, Routines, round_of};
use super::setup::Setup;
use super::stage::Stages;
use super::standing::Reach;
use super::system::Lent;
use super::telemetry::Telemetry;
use super::traffic::{Traffic, is_about_routes};
use super::troubles::{Effort, Troubles};
use super::uptimes::Uptimes;
use super::watching::{Onlooker, Sight};
use crate::dms::actor::{Envelope, Message, gossip};
use crate::dms::ensemble::Executor as Kind;
use crate::dms::fact::Fact;
use crate::dms::identity::PeerId as HostId;
use crate::dms::outbox::{Action, Effects, Input, Outbox, Owner, RunId, Timer};
use crate::dms::supervision::Bearing;
use crate::kernel::{Cursor, Domain, Slab, Span, Streams, Time, at_moment};
use crate::net::{
    BroadcastTally, ConditionId, Delivery, EndpointId, FLOW_THRESHOLD_BYTES, FlowId, LossReason, Network,
    READ_TIMEOUT, Receivers,
};
use crate::observe::Passage;

/// Randomness that peers use themselves: nonces, keys, shuffles.
const PEER: Domain = Domain::new("dms.peer");
/// What they draw in the regular rounds of supervision: apart, so that those move nothing else.
const SUPERVISION: Domain = Domain::new("dms.supervision");
/// Start-up times, run times and failures of allocations.
pub(super) const EXECUTOR: Domain = Domain::new("sim.executor");
/// Interval of the samples in `series.csv`.
pub(super) const SAMPLE_INTERVAL: Span = Span::mins(1);

/// A message on its way, or waiting for its receiver's worker.
pub(super) struct Parcel {
    pub(super) envelope: Envelope,
    /// Who gave it to the network, whatever the envelope says.
    pub(super) sender: PeerId,
    pub(super) sent: Time,
    /// The host that the connection belongs to; none for a broadcast.
    pub(super) transport: Option<HostId>,
    /// The attempt of an attacker that it is.
    pub(super) strike: Option<Strike>,
}

/// What a transfer carries.
pub(super) enum Cargo {
    Image {
        peer: PeerId,
        life: u32,
        kind: Kind,
        image: u16,
    },
    Message {
        peer: PeerId,
        envelope: u32,
        bytes: u32,
    },
    /// Of a program; the disk at the other end is done with it at `by_disk`.
    Data {
        peer: PeerId,
        life: u32,
        run: RunId,
        turn: u32,
        step: DataStep,
        by_disk: Time,
    },
}

/// A run in progress.
pub struct World<'s> {
    pub(super) setup: &'s Setup,
    pub(super) plans: Plans,
    pub(super) streams: Streams,
    pub(super) queue: Agenda,
    pub(super) hosts: Vec<Host>,
    pub(super) population: Population,
    pub(super) churns: Vec<Option<GroupChurn>>,
    pub(super) network: Network,
    /// What faults have switched on.
    pub(super) conditions: BTreeMap<Turn, ConditionId>,
    /// Those that flap.
    pub(super) flapping: BTreeMap<Turn, Flapping>,
    /// Faults that wait for a deployment to come into a state.
    pub(super) triggers: Vec<u32>,
    /// The last turn that was planned of each fault that comes at random.
    pub(super) turns: BTreeMap<u32, Turn>,
    pub(super) ledger: Ledger,
    pub(super) office: Office,
    pub(super) directory: Directory,
    pub(super) foresight: Foresight,
    pub(super) lore: Lore,
    pub(super) routines: Routines,
    pub(super) late: Late,
    pub(super) images: Images,
    pub(super) clouds: Clouds,
    pub(super) parcels: Slab<Parcel>,
    pub(super) chain: Chain,
    pub(super) attackers: Attackers,
    pub(super) cargo: FxHashMap<FlowId, Cargo>,
    pub(super) telemetry: Telemetry<'s>,
    pub(super) traffic: Traffic,
    pub(super) troubles: Troubles,
    pub(super) moving: Moving,
    pub(super) uptimes: Uptimes,
    pub(super) fleet: Fleet,
    pub(super) effects: Effects,
    /// What is asked for, by entry of the workload.
    pub(super) requests: Vec<Requests>,
    /// How long the tasks of a deployment run that is a job.
    pub(super) run_times: FxHashMap<u32, Span>,
    pub(super) events: u64,
    /// The setups with which it goes on.
    pub(super) stages: Stages<'s>,
    /// Resources were not conserved: the run ends.
    pub(super) violation: Option<Box<Violation>>,
    /// When the network is looked after next, if that is foreseen.
    pub(super) network_due: Option<Time>,
    /// What operators were shown, by operation, where that is kept.
    pub(super) shown: Option<Vec<(u32, Message)>>,
    /// What was seen since it was last asked for, if somebody watches.
    pub(super) onlooker: Option<Onlooker>,
    /// Who is told of facts and messages, if anybody is.
    pub(super) recording: Option<Box<Recording<'s>>>,
    /// The rules of every run, if somebody watches whether they hold.
    pub(super) checks: Option<Box<Checks>>,
    /// The boundaries of the protocol, if somebody wants to know them or a peer is to crash at one.
    pub(super) crash_points: Option<Box<CrashPoints>>,
}

impl<'s> World<'s> {
    /// A world at simulated time 0, with everything that the setup foresees in its queue.
    ///
    /// # Errors
    /// What the setup asks for and cannot be built, in words.
    pub fn new(setup: &'s Setup) -> Result<Self, String> {
        let streams = Streams::new(setup.seed);
        let Populated { population, mut hosts, blueprints, churns, endpoints, office, credentials } =
            populate(setup, streams)?;
        super::deputies::appoint(setup, &mut hosts);
        let foresight = Foresight::of(setup, &blueprints, &population);
        let mut network =
            Network::new(setup.network, &endpoints, streams).map_err(|error| error.to_string())?;
        let directory = Directory::of(hosts.iter().map(|host| foresight.id_of(host)));
        for (host, number) in hosts.iter().zip(0..) {
            network.set_up(Time::ZERO, EndpointId(number), host.up);
        }
        let requests = Requests::of_all(&setup.workload, streams)?;
        let moving = Moving::of(setup, &population, &hosts)?;
        let clouds = Clouds::of(setup, &population);
        let attackers = Attackers::new(setup, &population, credentials, streams);
        let plans = Plans::of(setup);
        let mut world = Self {
            uptimes: Uptimes::of(setup, hosts.len()),
            fleet: Fleet::default(),
            ledger: Ledger::new(setup, &plans, &population),
            office,
            setup,
            plans,
            streams,
            queue: Agenda::default(),
            hosts,
            population,
            churns,
            network,
            conditions: BTreeMap::new(),
            flapping: BTreeMap::new(),
            triggers: Vec::new(),
            turns: BTreeMap::new(),
            directory,
            foresight,
            lore: Lore::default(),
            routines: Routines::default(),
            late: Late::default(),
            images: Images::new(setup.images.clone()),
            clouds,
            parcels: Slab::new(),
            chain: Chain::default(),
            attackers,
            cargo: FxHashMap::default(),
            telemetry: Telemetry::default(),
            traffic: Traffic::default(),
            troubles: Troubles::default(),
            moving,
            effects: Effects::default(),
            requests,
            run_times: FxHashMap::default(),
            events: 0,
            stages: Stages::default(),
            violation: None,
            network_due: None,
            shown: None,
            onlooker: None,
            recording: None,
            checks: None,
            crash_points: None,
        };
        world.introduce_providers();
        world.survey_fleet();
        world.book_offers();
        world.begin();
        Ok(world)
    }

    /// Writes down what is offered from the start.
    fn book_offers(&mut self) {
        for peer in (0..self.hosts.len() as u32).map(PeerId) {
            let offered = if self.is_awaited(peer) { 0 } else { self.offered_cores_milli(peer) };
            self.ledger.offers(Time::ZERO, peer, offered);
        }
    }

    /// What is pending at the start: connections, churn, faults, the first request of each workload entry.
    fn begin(&mut self) {
        for number in 0..self.hosts.len() as u32 {
            let peer = PeerId(number);
            self.ledger.peer_is(Time::ZERO, peer, self.hosts[number as usize].up);
            self.await_change(peer);
        }
        self.plan_joins();
        self.begin_observation();
        self.begin_connections();
        self.plan_faults();
        for entry in 0..self.requests.len() as u32 {
            self.schedule_next_deploy(entry);
        }
        for (operation, number) in self.setup.operations.iter().zip(0..) {
            self.queue.post(operation.at, Event::Operation(number));
        }
        self.begin_contracts();
        self.queue.post(Time::ZERO, Event::Sample);
        self.begin_attacks();
        self.begin_names();
    }

    /// Keeps the digest after every fact.
    pub fn keep_trace(&mut self) {
        self.ledger.keep_trace();
    }

    /// Makes no table at the end but that of the metrics.
    pub fn keep_metrics_only(&mut self) {
        self.ledger.keep_metrics_only();
    }

    pub(super) fn step(&mut self, now: Time, event: Event) {
        self.check_event(now, &event);
        if let Some(peer) = self.frozen_by(&event) {
            return self.troubles.hold(peer, event);
        }
        match event {
            Event::Arrive { peer, envelope, bytes } => self.arrive(now, peer, envelope, bytes),
            Event::Dispatch { peer, life, envelope } => {
                if self.hosts[peer.0 as usize].life == life {
                    self.dispatch(now, peer, envelope);
                }
                self.parcels.release(envelope);
            }
            Event::Timer { peer, life, timer } => {
                let is_current = self.hosts[peer.0 as usize].life == life && !self.is_over(peer, timer);
                if is_current && !self.leaves_out(now, peer, timer) {
                    let concern = self.concern_of_timer(now, peer, timer);
                    self.feed_about(now, peer, concern, |_| Input::Timer(timer));
                }
            }
            Event::Execution { peer, life, known, run, step } => {
                if self.hosts[peer.0 as usize].power == life {
                    match self.troubles.put_off(peer, known, now, Effort::of(step)) {
                        at if at > now => self.post_execution(at, peer, life, run, step),
                        _ => self.execute(now, peer, run, step),
                    }
                }
            }
            Event::Transfers => self.complete_transfers(now),
            Event::StopReading(flow) => self.stop_reading(now, flow),
            Event::Deploy { entry } => self.deploy(now, entry),
            Event::Shutdown { deployment } => self.shutdown(now, deployment),
            Event::Operation(number) => self.operate(now, number),
            Event::Name(step) => self.name_step(now, step),
            Event::Contract(step) => self.contract_step(now, step),
            Event::Machine { gateway, order, slot } => self.boot(now, gateway, order, slot),
            Event::Churn(peer) => self.churn(now, peer),
            Event::Join(peer) => self.join(now, peer),
            Event::Leave(peer) => self.leave(now, peer),
            Event::Repair(peer) => self.repair(now, peer),
            Event::Fault(turn) => self.begin_fault(now, turn),
            Event::Flap(turn) => self.flap(now, turn),
            Event::FaultEnd(turn) => self.end_fault(now, turn),
            Event::Upgrade { fault, peer } => self.upgrade(now, fault, peer),
            Event::Strike { turn, peer } => self.strike(now, turn, peer),
            Event::StrikeEnd { turn, peer } => self.end_strike(now, turn, peer),
            Event::Fetched { peer, life, kind, image } => {
                if self.hosts[peer.0 as usize].life == life {
                    self.image_fetched(now, peer, kind, image);
                }
            }
            Event::Connection { peer, to, again } => self.greet(now, peer, to, again),
            Event::Sample => {
                self.audit_all(now);
                self.sample_traffic(now);
                let cards = self.sample_fleet();
                if self.ledger.keeps_tables() {
                    let unbooked = self.unbooked_rejections(now);
                    self.book_routines(now);
                    self.settle_all_late(now);
                    self.ledger.sample(now, self.network.flows().len(), unbooked);
                    self.ledger.sample_cards(now, cards);
                }
                self.queue.post(now + SAMPLE_INTERVAL, Event::Sample);
            }
            Event::Attack { attacker } => self.attack(now, attacker),
            Event::Anchor { group, peer } => self.anchor_revocation(now, group, peer),
            Event::Reachability => self.wake_network(now),
            Event::Foreseen => self.close_foreseen(),
            Event::Routine { place, serial } => self.review_routine(now, place, serial),
        }
    }

    /// Whether a timer waits for a reply of a deployment that has come: most of them do.
    fn is_over(&self, peer: PeerId, timer: Timer) -> bool {
        let Timer::Reply(Owner::Deployment(number), nonce) = timer else { return false };
        let inside = self.hosts[peer.0 as usize].built();
        let is_over =
            inside.is_some_and(|inside| inside.peer.bearing_of_wait(number, nonce) == Bearing::Nothing);
        is_over && !self.is_observed(peer)
    }

    /// A worker has got to a message.
    fn dispatch(&mut self, now: Time, peer: PeerId, parcel: u32) {
        if self.crashes_before(now, peer, parcel) {
            return;
        }
        let envelope = self.parcels.get(parcel).map(|one| &one.envelope);
        let routes = envelope.is_some_and(|envelope| is_about_routes(&envelope.message));
        if envelope.is_some_and(|envelope| envelope.behaviour.kind.administrates()) {
            self.single_out(now, peer);
        }
        self.note_passage(now, peer, parcel, Passage::Handled);
        let before = self.state_to_judge_by(peer, parcel);
        let verdict = self.check_before(now, peer, parcel);
        if let Some(Parcel { envelope, .. }) = self.parcels.get(parcel)
            && let Message::NewDeployment(new) = &envelope.message
        {
            let deadline = now + envelope.expire.since(self.clock(now));
            self.ledger.deployment_wanted(&new.ensemble, deadline);
        }
        self.hand(now, peer, parcel, |parcel| Input::Dispatch(&parcel.envelope));
        self.ledger.nothing_wanted();
        if routes {
            self.review_peer(now, peer);
        }
        let executed = std::mem::take(&mut self.effects.executed);
        if executed {
            self.check_executed(peer, parcel, verdict);
        }
        if !self.attackers.is_empty() {
            self.judge(now, peer, parcel, before, executed);
        }
    }

    pub(super) fn arrive(&mut self, now: Time, peer: PeerId, envelope: u32, bytes: u32) {
        let host = &self.hosts[peer.0 as usize];
        if !host.up {
            let reason = LossReason::ReceiverDown;
            self.ledger.lost(reason);
            self.note_passage(now, peer, envelope, Passage::Lost(reason.as_str()));
            self.parcels.release(envelope);
            return;
        }
        self.ledger.delivered();
        self.note_passage(now, peer, envelope, Passage::Arrived);
        self.hand(now, peer, envelope, |parcel| {
            let (envelope, transport) = (&parcel.envelope, parcel.transport.as_ref());
            Input::Arrival { envelope, bytes: u64::from(bytes), transport }
        });
        let admitted = std::mem::take(&mut self.effects.admitted);
        if std::mem::take(&mut self.effects.offended) {
            self.blame(now, peer, envelope);
        }
        if !self.attackers.is_empty() {
            self.observe_arrival(now, peer, envelope, admitted.is_some());
        }
        let Some(worker) = admitted else {
            self.note_passage(now, peer, envelope, Passage::Dropped);
            self.parcels.release(envelope);
            return;
        };
        let signatures = self.parcels.get(envelope).map_or(0, |parcel| parcel.envelope.signature_count());
        let host = &mut self.hosts[peer.0 as usize];
        let busy_until = host.busy_until(worker);
        let idle = *busy_until <= now;
        let done = now.max(*busy_until) + self.setup.processing.of(signatures);
        *busy_until = done;
        self.queue.post_dispatch(done, (peer, host.life, envelope), idle);
    }

    /// Lets a peer do something with a message; what it refuses meanwhile, it refuses about that.
    fn hand(&mut self, now: Time, peer: PeerId, parcel: u32, input: impl FnOnce(&Parcel) -> Input<'_>) {
        let kept = "a message is kept until it has been handled";
        self.ledger.handles(Some(self.parcels.get(parcel).expect(kept).sent));
        let concern = self.disturb_by(now, peer, parcel);
        self.feed_about(now, peer, concern, |parcels| input(parcels.get(parcel).expect(kept)));
        self.ledger.handles(None);
    }

    /// Lets a peer handle one input and carries out what it wants done.
    pub(super) fn feed(&mut self, now: Time, peer: PeerId, input: impl FnOnce(&Slab<Parcel>) -> Input<'_>) {
        self.feed_about(now, peer, Concern::Everything, input);
    }

    /// The same for an input of which it is known what it is about.
    pub(super) fn feed_about(
        &mut self,
        now: Time,
        peer: PeerId,
        concern: Concern<'_>,
        input: impl FnOnce(&Slab<Parcel>) -> Input<'_>,
    ) {
        self.disturb(now, peer, concern);
        self.begin_beside(now, peer, concern);
        self.stir(now, peer);
        self.settle_late(now, peer);
        let clock = self.clock_of(peer, now);
        let observed = self.is_observed(peer);
        if observed {
            self.take_signals(now, peer);
        }
        let streams = self.streams;
        let Lent { peer: handler, cursor, system, parcels, effects } = self.lend(now, peer);
        let input = input(parcels);
        let mut own = Cursor::default();
        let random = match round_of(&input) {
            Some(round) => {
                let entity = at_moment(now, u64::from(peer.0), round);
                streams.rng(SUPERVISION, entity, &mut own)
            }
            None => streams.rng(PEER, u64::from(peer.0), cursor),
        };
        let mut outbox = Outbox { effects, random, system: &system };
        let occasion = Occasion::from(&input);
        handler.handle(clock, input, &mut outbox);
        drop(outbox);
        self.end_beside(now, peer, concern);
        self.come_to_rest(peer);
        self.audit(now, peer, occasion);
        if observed {
            self.take_signals(now, peer);
        }
        self.carry_out(now, peer);
        self.put_away(now, peer);
    }

    fn carry_out(&mut self, now: Time, peer: PeerId) {
        // Most messages are only let in when they arrive.
        if self.effects.is_empty() {
            return self.review_touched(now);
        }
        let mut effects = std::mem::take(&mut self.effects);
        let life = self.hosts[peer.0 as usize].life;
        for fact in effects.facts.drain(..) {
            match &fact {
                Fact::Contract { contract, what } => self.hear_of_contract(now, peer, contract, what),
                Fact::RoundOpened { ensemble, .. } => self.recall_late(now, peer, Some(*ensemble)),
                _ => {}
            }
            self.traffic_hears(now, &fact);
            let status = match &fact {
                Fact::DeploymentStatus { ensemble, status, .. } => Some((*ensemble, *status)),
                _ => None,
            };
            self.shows_fact(now, peer, &fact);
            self.check_fact(peer, &fact);
            self.pass_fact(now, peer, &fact);
            self.book(now, peer, fact);
            if let Some((ensemble, status)) = status {
                self.trigger_faults(now, ensemble, status);
            }
            if self.ledger.has_due_edges() {
                let network = &self.network;
                let end = |peer: PeerId| EndpointId(peer.0);
                self.ledger.check_edges(|a, b| network.shortest_round_trip(end(a), end(b)));
            }
        }
        for (at, timer) in effects.timers.drain(..) {
            let at = self.time_by(peer, at).max(now);
            self.queue.post(at, Event::Timer { peer, life, timer });
        }
        for (allocation, generation, host) in effects.ended.drain(..) {
            self.ledger.took_result(&allocation, generation);
            self.shows_of(now, peer, &host, |provider| Sight::Took { provider });
        }
        self.keep_of(peer, &mut effects);
        self.withhold_where_due(peer, &mut effects);
        for envelope in effects.sends.drain(..) {
            self.send(now, peer, envelope);
        }
        for action in effects.actions.drain(..) {
            self.order(now, peer, action);
        }
        if std::mem::take(&mut effects.crashed) {
            self.break_process(now, peer);
        }
        self.effects = effects;
        self.review_touched(now);
    }

    fn send(&mut self, now: Time, sender: PeerId, envelope: Envelope) {
        let Some(to) = &envelope.to else {
            return self.publish(now, Parcel { envelope, sender, sent: now, transport: None, strike: None });
        };
        // A host that never existed is like one that is down: nobody answers.
        let Some(to) = self.directory.find(&to.host) else {
            self.ledger.sent(envelope.json_len());
            return self.ledger.lost(LossReason::ReceiverDown);
        };
        let transport = Some(self.hosts[sender.0 as usize].peer.handle_of_root().host);
        self.ship(now, to, Parcel { envelope, sender, sent: now, transport, strike: None });
    }

    /// Puts a message on the way to one peer, whoever its envelope names.
    pub(super) fn ship(&mut self, now: Time, to: PeerId, parcel: Parcel) {
        let from = parcel.sender;
        let bytes = parcel.envelope.json_len();
        self.ledger.sent(bytes);
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.routines.note(&parcel.envelope, bytes);
        let number = self.note_sent(now, &parcel, to, bytes);
        if bytes >= FLOW_THRESHOLD_BYTES && to != from {
            match self.start_transfer(now, Some(from), to, bytes) {
                Ok(flow) => {
                    let envelope = self.parcels.insert(parcel, 1);
                    self.note_parcel(envelope, number, bytes);
                    self.cargo.insert(flow, Cargo::Message { peer: to, envelope, bytes: length });
                    self.queue.post(now + READ_TIMEOUT, Event::StopReading(flow));
                    self.await_transfers();
                }
                Err(reason) => self.note_lost(now, (&parcel, number), to, reason),
            }
            self.note_occurrences();
            return;
        }
        let name = parcel.envelope.name();
        match self.network.send(now, EndpointId(from.0), EndpointId(to.0), bytes, name) {
            Delivery::At(at) => {
                let too_late = self.comes_too_late(to, at, &parcel);
                let envelope = self.parcels.insert(parcel, 1);
                self.note_parcel(envelope, number, bytes);
                match too_late {
                    true => self.await_late(now, to, at, (envelope, length)),
                    false => self.queue.post(at, Event::Arrive { peer: to, envelope, bytes: length }),
                }
            }
            Delivery::Lost(reason) => self.note_lost(now, (&parcel, number), to, reason),
        }
        self.note_occurrences();
    }

    /// Gossips a message, as far as those who would pass it on let it through.
    pub(super) fn publish(&mut self, now: Time, parcel: Parcel) {
        let from = parcel.sender;
        let bytes = parcel.envelope.json_len();
        self.ledger.sent(bytes);
        let clock = self.clock_of_most(now);
        let valid = gossip::validate(&parcel.envelope, self.setup.signatures, clock).is_ok();
        let reach = self.reach(now, from, valid);
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        let outlook = self.foresee(now, &parcel, &reach, length);
        let receivers = match (&reach, &outlook) {
            (_, Some(outlook)) => Receivers::AllLiveBut(&outlook.refusing),
            (Reach::Everybody, None) => Receivers::AllLive,
            (Reach::EverybodyBut(deaf), None) => Receivers::AllLiveBut(deaf),
            (Reach::Only(takers), None) => Receivers::Of(takers),
        };
        let vouched = parcel.envelope.tokens.iter().any(|token| token.chain().is_some());
        // One reference of our own keeps the slot until every delivery has been counted.
        let key = self.parcels.insert(parcel, 1);
        let (queue, parcels, network) = (&mut self.queue, &mut self.parcels, &mut self.network);
        let (mut tally, mut broadcast) = (BroadcastTally::default(), None);
        let mut told = self.recording.is_some().then(Vec::new);
        queue.publish(key, length, |deliver| {
            (tally, broadcast) =
                network.broadcast(now, EndpointId(from.0), bytes, receivers, &mut |to, at| {
                    told.iter_mut().for_each(|told| told.push(to.0));
                    deliver(PeerId(to.0), at);
                });
        });
        parcels.retain(key, u32::try_from(tally.delivered).expect("there are fewer peers than that"));
        self.note_broadcast(now, key, told, bytes);
        if let (Some(outlook), Some(broadcast)) = (outlook, broadcast) {
            tally.delivered += outlook.refusing.len() as u64;
            self.await_foreseen(now, outlook, (key, length), broadcast);
        }
        self.parcels.release(key);
        self.ledger.broadcast(tally, bytes, vouched);
    }

    fn order(&mut self, now: Time, peer: PeerId, action: Action) {
        match action {
            Action::Start(run, config) => self.start_run(now, peer, run, config),
            Action::Stop(run) => self.stop_run(now, peer, run),
            Action::Mount(run, order) => self.begin_mount(now, peer, run, order),
            Action::Unmount(slot) => drop(self.hosts[peer.0 as usize].disk.mounted.shift_remove(&slot)),
            Action::RemoveBrick(brick) => self.hosts[peer.0 as usize].disk.remove(&brick),
            Action::ReadLog(run, stream, offset) => {
                self.after(now, peer, run, ExecutionStep::LogRead(stream, offset));
            }
            Action::Terminate(run) => self.terminate_run(now, peer, run),
            Action::Probe(run, number, limit) => self.probe(now, peer, run, number, limit),
            Action::ReadStats(run) => self.after(now, peer, run, ExecutionStep::StatsRead),
            Action::LookUpTransfer(blockchain, tx_hash) => {
                let life = self.hosts[peer.0 as usize].life;
                self.look_up(now, peer, life, blockchain, tx_hash);
            }
            Action::Provision(order, offers) => self.provision(now, peer, order, offers),
            Action::DeleteMachine(order) => self.delete_machine(now, peer, order),
        }
    }

    /// Something is about to happen to a peer that may concern all that is known of it beforehand.
    pub(super) fn rouse(&mut self, now: Time, peer: PeerId) {
        self.disturb(now, peer, Concern::Everything);
        self.stir(now, peer);
    }

    /// Starts a transfer, which takes of what the links of both have for messages.
    pub(super) fn start_transfer(
        &mut self,
        now: Time,
        from: Option<PeerId>,
        to: PeerId,
        bytes: u64,
    ) -> Result<FlowId, LossReason> {
        for peer in from.into_iter().chain([to]) {
            self.rouse(now, peer);
        }
        self.network.start_transfer(now, from.map(|from| EndpointId(from.0)), EndpointId(to.0), bytes)
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
                Some(Cargo::Image { peer, life, kind, image }) => {
                    self.ledger.pull_ended(now.since(done.flow.started));
                    self.step(now, Event::Fetched { peer, life, kind, image });
                }
                Some(Cargo::Message { peer, envelope, bytes }) => {
                    self.queue.post(now + done.flow.lag, Event::Arrive { peer, envelope, bytes });
                }
                Some(Cargo::Data { peer, life, run, turn, step, by_disk }) => {
                    let at = (now + done.flow.lag).max(by_disk);
                    let at = self.troubles.due(now, peer, at, Effort::Other);
                    self.post_execution(at, peer, life, run, ExecutionStep::Moved(turn, step));
                }
                None => {}
            }
        }
        if !finished.is_empty() {
            self.await_transfers();
        }
    }

    /// A long message that has not come whole by now is lost.
    fn stop_reading(&mut self, now: Time, flow: FlowId) {
        let Some(cargo) = self.cargo.get(&flow) else { return };
        // A receiver that is frozen will find it whole when it goes on.
        if !matches!(cargo, Cargo::Message { peer, .. } if self.troubles.is_frozen(*peer)) {
            self.network.cancel_transfer(now, flow);
            self.drop_cargo(flow);
            self.ledger.lost(LossReason::ReadTimeout);
            self.await_transfers();
        }
    }

    /// Drops what a peer's transfers carried when it went down.
    pub(super) fn drop_cargo(&mut self, flow: FlowId) {
        match self.cargo.remove(&flow) {
            Some(Cargo::Message { envelope, .. }) => {
                self.parcels.release(envelope);
            }
            Some(Cargo::Data { peer, life, run, turn, step, .. }) => {
                self.retry_data(self.queue.now(), peer, life, (run, turn), step);
            }
            Some(Cargo::Image { .. }) | None => {}
        }
    }
}
