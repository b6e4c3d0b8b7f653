//! A driver of a few peers without the world: a perfect wire that can be told what to lose or delay, a clock that
//! jumps from event to event, and an executor that does as it is told.
//!
//! It does what the driver of a real node would do: it hands every input to `Peer::handle`, and carries out what it
//! finds in the outbox. Nothing takes time but the wire and the executor, so what a transcript shows is the protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use dmsim::dms::actor::{
    Behaviour, BehaviourKind, DeploymentRequest, Envelope, ExecutorStats, Message, NewDeployment, Output,
    Printed,
};
use dmsim::dms::atlas::BlankAtlas;
use dmsim::dms::capability::{Anchors, CapabilityContext, Membership, OrganizationKeys, Rules, join};
use dmsim::dms::deputy::DeputyConfig;
use dmsim::dms::ensemble::{AllocationConfig, AllocationKind, EnsembleConfig, Executor, Location};
use dmsim::dms::fact::Fact;
use dmsim::dms::gateway::GatewayConfig;
use dmsim::dms::identity::{Handle, SecretKey, SignatureMode};
use dmsim::dms::node::Order;
use dmsim::dms::orchestrator::{Strategy, Wishes};
use dmsim::dms::outbox::{
    Action, Command, Effects, Execution, Health, Input, MachineReport, Outbox, Remains, RunId, Timer,
};
use dmsim::dms::profile::Profile;
use dmsim::dms::provider::Machine;
use dmsim::dms::resources::{Cpu, Resources};
use dmsim::dms::supervision::Recovery;
use dmsim::dms::supervision::recovery::{CheckedShare, HandOver, Measure, Redeploy, SpotCheck, StayDown};
use dmsim::dms::system::{BareSystem, Interface, NetworkUse, System};
use dmsim::dms::{Peer, PeerConfig};
use dmsim::kernel::{Cursor, Domain, Span, Streams, Timestamp};

use super::record::Record;

/// A system of which nothing is known but what every task prints.
#[derive(Debug)]
struct LabSystem<'a> {
    right: &'a Printed,
}

impl System for LabSystem<'_> {
    fn hostname(&self) -> Arc<str> {
        BareSystem.hostname()
    }

    fn interfaces(&self) -> Vec<Interface> {
        BareSystem.interfaces()
    }

    fn network_of(&self, allocation: &str) -> NetworkUse {
        BareSystem.network_of(allocation)
    }

    fn is_right(&self, _task: &AllocationConfig, result: &Printed) -> Option<bool> {
        Some(result == self.right)
    }
}

/// Where every clock starts: 2025-01-01T00:00:00Z.
const EPOCH: Timestamp = Timestamp(1_735_689_600_000_000_000);
const MEMBERSHIP: Span = Span::hours(24 * 365);
/// How long a message takes.
const LATENCY: Span = Span::millis(10);
/// How long an executor takes to start something, and to probe its health.
const START: Span = Span::secs(1);
const PROBE: Span = Span::millis(5);
/// How long a virtual machine takes to boot.
const BOOT: Span = Span::secs(20);
/// How long a task runs.
const TASK: Span = Span::secs(60);
const GIB: u64 = 1 << 30;

const KEYS: Domain = Domain::new("test.protocol.keys");
const PEER: Domain = Domain::new("test.protocol.peer");

/// What a peer of a lab is like.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub(super) name: String,
    /// None for a pure orchestrator.
    pub(super) cores: Option<u64>,
    pub(super) organization: String,
    /// The cores of what it can have made, for a gateway.
    pub(super) plan: Option<u64>,
    /// The gateway whose virtual machine it is.
    pub(super) gateway: Option<usize>,
}

/// What happens to messages that fit.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The last parts of the behaviour's path; for a reply, of the request's. None fits everything.
    pub(super) behaviour: Option<String>,
    pub(super) reply: bool,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
    /// Lost, or late by so much.
    pub(super) delay: Option<Span>,
    pub(super) once: bool,
}

enum Event {
    Arrive { from: usize, to: usize, envelope: Rc<Envelope> },
    Timer { peer: usize, life: u32, timer: Timer },
    Execution { peer: usize, power: u32, execution: Execution },
    Boot { gateway: usize, order: u32 },
}

/// Something that an executor runs or is starting.
struct Run {
    id: RunId,
    name: Arc<str>,
    up: bool,
    resources: Resources,
}

/// One peer with its executor.
pub(super) struct Host {
    pub(super) name: String,
    pub(super) peer: Peer,
    pub(super) up: bool,
    /// Executions are lost with the machine.
    power: u32,
    /// Timers are lost with the process that set them.
    life: u32,
    cursor: Cursor,
    runs: Vec<Run>,
    /// Ends of runs while the process was down.
    unheard: Vec<Execution>,
    next_start_fails: bool,
    healthy: bool,
    /// Whether it tells wrong results of what runs there.
    lies: bool,
    /// The gateway whose virtual machine it is, and the order for which it was made.
    gateway: Option<usize>,
    order: Option<u32>,
}

impl Host {
    pub(super) fn is_provider(&self) -> bool {
        self.peer.provider().pool().onboarded().cpu.cores_milli > 0
    }
}

/// What every node's operator has chosen.
fn strategy(known_providers: Option<u32>, handed_over: Option<Span>) -> Strategy {
    let recovery = match handed_over {
        Some(after) => Recovery::of(&[Measure::HandOver(HandOver { after }), Measure::Redeploy(Redeploy)]),
        None => Recovery::of(&[Measure::StayDown(StayDown)]),
    };
    Strategy { recovery, bid_suppression: known_providers, ..Strategy::default() }
}

/// Each orchestrator stands in for the one before it.
fn appoint_deputies(hosts: &mut [Host]) {
    let orchestrators: Vec<usize> = (0..hosts.len()).filter(|host| !hosts[*host].is_provider()).collect();
    let count = orchestrators.len();
    for (place, host) in orchestrators.iter().enumerate() {
        let root = |place: usize| Arc::clone(hosts[orchestrators[place % count]].peer.handle_of_root());
        let (deputy, principal) = (root(place + 1), root(place + count - 1).host);
        let config = DeputyConfig { deputy: Some(deputy), principals: vec![principal] };
        hosts[*host].peer.configure_deputies(config);
    }
}

/// A few peers on a perfect wire.
pub(super) struct Lab {
    pub(super) hosts: Vec<Host>,
    pub(super) record: Record,
    pub(super) rules: Vec<Rule>,
    /// Messages lost by their number, from 0 in the order of sending; each receiver of a broadcast counts.
    pub(super) lost: BTreeSet<u64>,
    /// Messages so far.
    pub(super) sent: u64,
    /// What every program prints.
    pub(super) output: Output,
    /// Whether deployments check every result of a task.
    pub(super) checks: bool,
    now: Timestamp,
    queue: BTreeMap<(Timestamp, u64), Event>,
    scheduled: u64,
    operations: u32,
    streams: Streams,
}

impl Lab {
    /// `known_providers`: where not all of them are to bid, how many the orchestrators believe that there are.
    /// `handed_over`: where orchestrators are each other's deputies, how long they wait.
    pub(super) fn new(
        peers: &[Description],
        profile: Profile,
        known_providers: Option<u32>,
        handed_over: Option<Span>,
        mode: SignatureMode,
    ) -> Self {
        let (streams, strategy) = (Streams::new(1), strategy(known_providers, handed_over));
        let mut organizations: BTreeMap<&str, OrganizationKeys> = BTreeMap::new();
        let mut hosts = Vec::new();
        for (description, number) in peers.iter().zip(0..) {
            let count = organizations.len() as u64;
            let organization = organizations.entry(&description.organization).or_insert_with(|| {
                let secret = SecretKey::ed25519(seed(streams, 1000 + count), mode);
                OrganizationKeys::new(description.organization.clone(), secret, Rules::INTENDED)
            });
            let (secret, mut capabilities) = identity(streams, number, organization, mode);
            if let Some(gateway) = description.gateway {
                let gateway: &Host = &hosts[gateway];
                let roots = std::slice::from_ref(&gateway.peer.handle_of_root().did);
                capabilities
                    .add_roots(&Anchors { roots, ..Anchors::default() }, EPOCH)
                    .expect("a root is taken");
            }
            let config = PeerConfig {
                secret,
                capabilities,
                profile,
                machine: machine(description.cores),
                strategy: strategy.clone(),
                atlas: &BlankAtlas,
            };
            let mut peer = Peer::new(config, EPOCH);
            if let Some(cores) = description.plan {
                let plans = vec![machine(Some(cores)).total];
                let machines =
                    peers.iter().filter(|other| other.gateway == Some(number as usize)).count() as u32;
                peer.configure_gateway(GatewayConfig { plans, machines, executors: vec![Executor::Docker] });
            }
            hosts.push(Host {
                name: description.name.clone(),
                peer,
                up: description.gateway.is_none(),
                power: 0,
                life: 0,
                cursor: Cursor::default(),
                runs: Vec::new(),
                unheard: Vec::new(),
                next_start_fails: false,
                healthy: true,
                lies: false,
                gateway: description.gateway,
                order: None,
            });
        }
        if handed_over.is_some() {
            appoint_deputies(&mut hosts);
        }
        let names = hosts.iter().map(|host| (host.peer.handle_of_root().host, host.name.clone())).collect();
        Self {
            hosts,
            record: Record::new(EPOCH, names),
            rules: Vec::new(),
            lost: BTreeSet::new(),
            sent: 0,
            output: Output::default(),
            checks: false,
            now: EPOCH,
            queue: BTreeMap::new(),
            scheduled: 0,
            operations: 0,
            streams,
        }
    }

    /// The number of the peer with this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.hosts.iter().position(|host| host.name == name)
    }

    /// A user of `peer` asks for a deployment; nodes may be pinned to peers by name.
    pub(super) fn deploy(&mut self, peer: usize, label: &str, ensemble: EnsembleConfig, expire: Span) {
        let pins = self.pins(&ensemble);
        let expire = self.now + expire;
        let all = SpotCheck(CheckedShare { millionths: CheckedShare::ALL });
        let checked = Recovery::of(&[Measure::StayDown(StayDown), Measure::SpotCheck(all)]);
        let wishes = Wishes { recovery: self.checks.then_some(checked), ..Wishes::default() };
        self.record.expect_deployment(label);
        self.command(
            peer,
            Command::Deploy {
                new: Box::new(NewDeployment {
                    ensemble: Arc::new(ensemble),
                    pins,
                    contracts: Arc::default(),
                }),
                expire,
                wishes,
            },
        );
    }

    /// The root handles of the peers to which nodes are pinned.
    pub(super) fn pins(&self, ensemble: &EnsembleConfig) -> Vec<Option<Arc<Handle>>> {
        let handle = |name: &Arc<str>| {
            let place = self.find(name).expect("the ensemble pins a node to a peer that exists");
            Arc::clone(self.hosts[place].peer.handle_of_root())
        };
        ensemble.nodes.values().map(|node| node.peer.as_ref().map(handle)).collect()
    }

    /// A user asks for the end of a deployment.
    pub(super) fn shutdown(&mut self, label: &str) {
        let id = self.record.deployment(label).expect("there is such a deployment");
        let owns = |host: &Host| host.peer.deployments().iter().any(|deployment| deployment.id() == id);
        let peer = self.hosts.iter().position(owns).expect("its orchestrator remembers it");
        self.command(peer, Command::Shutdown(id));
    }

    /// The operator of `by` asks something about the deployments of their own node, or of another by a message.
    pub(super) fn ask(&mut self, by: usize, at: usize, request: DeploymentRequest, timeout: Span) {
        self.operations += 1;
        let operation = self.operations;
        if at == by {
            let (request, expire) = (Box::new(request), self.now + timeout);
            return self.command(by, Command::Control { operation, request, expire });
        }
        let order = Order::Call {
            to: Arc::clone(self.hosts[at].peer.handle_of_root()),
            behaviour: Behaviour::fixed(request.behaviour()),
            message: Message::Deployment(Box::new(request)),
            timeout,
        };
        self.command(by, Command::Operate { operation, order: Box::new(order) });
    }

    fn command(&mut self, peer: usize, command: Command) {
        self.feed(peer, Input::Command(command));
    }

    /// A machine stops at once with all that it runs; what its peer only had in memory is gone.
    pub(super) fn kill(&mut self, peer: usize) {
        self.stop(peer);
        self.hosts[peer].power += 1;
        self.hosts[peer].runs.clear();
    }

    /// The process of a peer ends; what it has started goes on.
    pub(super) fn stop(&mut self, peer: usize) {
        let host = &mut self.hosts[peer];
        host.up = false;
        host.life += 1;
        host.runs.retain(|run| run.up);
        host.peer.stop();
    }

    /// A peer that was killed or stopped is back.
    pub(super) fn start(&mut self, peer: usize) {
        let host = &mut self.hosts[peer];
        host.up = true;
        let running = host.runs.iter().map(|run| run.id).collect();
        self.feed(peer, Input::Started(Remains { running, ..Remains::default() }));
        for execution in std::mem::take(&mut self.hosts[peer].unheard) {
            if self.is_current(peer, &execution) {
                self.feed(peer, Input::Execution(execution));
            }
        }
    }

    /// The next start on this peer fails.
    pub(super) fn fail_next_start(&mut self, peer: usize) {
        self.hosts[peer].next_start_fails = true;
    }

    /// Whether health probes on this peer succeed.
    pub(super) fn set_healthy(&mut self, peer: usize, healthy: bool) {
        self.hosts[peer].healthy = healthy;
    }

    /// An allocation that runs on this peer ends by itself.
    pub(super) fn exit(&mut self, peer: usize, name: &str, code: i32) {
        let host = &self.hosts[peer];
        let found = host.runs.iter().find(|run| *run.name == *name);
        let run = found.expect("the allocation runs there").id;
        let execution = Execution::Exited { run, code, output: self.told_by(peer) };
        self.post(Span::ZERO, Event::Execution { peer, power: host.power, execution });
    }

    /// From now on a peer tells wrong results.
    pub(super) fn corrupt(&mut self, peer: usize) {
        self.hosts[peer].lies = true;
    }

    /// What a peer says that a program printed.
    fn told_by(&self, peer: usize) -> Output {
        match self.hosts[peer].lies {
            true => Output { stdout: Printed("nothing of the sort".into()), ..Output::default() },
            false => self.output.clone(),
        }
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, span: Span) {
        let end = self.now + span;
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Lets time pass until a message with this behaviour has been sent; false when an hour was not enough.
    pub(super) fn advance_until(&mut self, behaviour: &str) -> bool {
        let (end, seen) = (self.now + Span::hours(1), self.record.sent_count(behaviour));
        while self.record.sent_count(behaviour) == seen {
            if self.queue.first_key_value().is_none_or(|((at, _), _)| *at > end) {
                return false;
            }
            self.step();
        }
        true
    }

    fn step(&mut self) {
        let Some(((at, _), event)) = self.queue.pop_first() else { return };
        self.now = at;
        match event {
            Event::Arrive { from, to, envelope } => self.arrive(from, to, &envelope),
            Event::Timer { peer, life, timer } => {
                if self.hosts[peer].life == life {
                    self.feed(peer, Input::Timer(timer));
                }
            }
            Event::Execution { peer, power, execution } if self.hosts[peer].power == power => {
                if !self.hosts[peer].up {
                    self.hosts[peer].unheard.push(execution);
                } else if self.is_current(peer, &execution) {
                    self.feed(peer, Input::Execution(execution));
                }
            }
            Event::Execution { .. } => {}
            Event::Boot { gateway, order } => self.boot(gateway, order),
        }
    }

    /// An executor says nothing of a run that it was told to stop; a run that has ended is no longer there.
    fn is_current(&mut self, peer: usize, execution: &Execution) -> bool {
        if matches!(execution, Execution::Terminated(..) | Execution::NotTerminated(..)) {
            return true;
        }
        let id = execution.run();
        let ended = matches!(execution, Execution::StartFailed(..) | Execution::Exited { .. });
        let runs = &mut self.hosts[peer].runs;
        let Some(place) = runs.iter().position(|run| run.id == id) else { return false };
        runs[place].up = true;
        if ended {
            runs.remove(place);
        }
        true
    }

    fn arrive(&mut self, from: usize, to: usize, envelope: &Envelope) {
        if !self.hosts[to].up {
            return self.record.unheard(self.now, to, envelope);
        }
        let bytes = envelope.json_len();
        let sender = self.hosts[from].peer.handle_of_root().host;
        let transport = (!envelope.is_broadcast()).then_some(&sender);
        if self.feed(to, Input::Arrival { envelope, bytes, transport }) {
            self.feed(to, Input::Dispatch(envelope));
        }
    }

    /// Lets a peer handle one input and carries out what it wants done. Whether it admitted a message.
    fn feed(&mut self, peer: usize, input: Input<'_>) -> bool {
        let mut effects = Effects::default();
        let host = &mut self.hosts[peer];
        let random = self.streams.rng(PEER, peer as u64, &mut host.cursor);
        let system = &LabSystem { right: &self.output.stdout };
        host.peer.handle(self.now, input, &mut Outbox { effects: &mut effects, random, system });
        let life = host.life;
        for fact in effects.facts {
            self.record.fact(self.now, peer, fact);
        }
        for action in effects.actions {
            self.order(peer, action);
        }
        for (at, timer) in effects.timers {
            self.post(at.since(self.now), Event::Timer { peer, life, timer });
        }
        for envelope in effects.sends {
            self.send(peer, envelope);
        }
        if effects.crashed {
            self.record.broke_down(self.now, peer);
            self.stop(peer);
        }
        effects.admitted.is_some()
    }

    fn post(&mut self, after: Span, event: Event) {
        self.scheduled += 1;
        self.queue.insert((self.now + after, self.scheduled), event);
    }

    fn send(&mut self, from: usize, envelope: Envelope) {
        let envelope = Rc::new(envelope);
        let receivers: Vec<usize> = match &envelope.to {
            Some(to) => self.host_of(to).into_iter().collect(),
            None => (0..self.hosts.len()).filter(|peer| *peer != from).collect(),
        };
        let mut fates = Vec::new();
        for to in receivers {
            let fate = self.fate(from, to, &envelope);
            self.sent += 1;
            if let Some(delay) = fate {
                self.post(LATENCY + delay, Event::Arrive { from, to, envelope: Rc::clone(&envelope) });
            }
            fates.push((to, fate));
        }
        self.record.message(self.now, &envelope, &fates);
    }

    fn host_of(&self, handle: &Handle) -> Option<usize> {
        self.hosts.iter().position(|host| host.peer.handle_of_root().host == handle.host)
    }

    /// None when the message is lost, else by how much it is late.
    fn fate(&mut self, from: usize, to: usize, envelope: &Envelope) -> Option<Span> {
        if self.lost.contains(&self.sent) {
            return None;
        }
        let reply = envelope.behaviour.kind == BehaviourKind::ReplyTo;
        let path = self.record.purpose_of(envelope);
        let fits = |rule: &Rule| {
            rule.from.is_none_or(|peer| peer == from)
                && rule.to.is_none_or(|peer| peer == to)
                && rule
                    .behaviour
                    .as_ref()
                    .is_none_or(|name| rule.reply == reply && path.ends_with(&format!("/{name}")))
        };
        let Some(place) = self.rules.iter().position(fits) else { return Some(Span::ZERO) };
        let fate = self.rules[place].delay;
        if self.rules[place].once {
            self.rules.remove(place);
        }
        fate
    }

    fn order(&mut self, peer: usize, action: Action) {
        self.record.action(self.now, peer, &action);
        let host = &mut self.hosts[peer];
        let power = host.power;
        let (after, execution) = match action {
            Action::Provision(order, _) => return self.provision(peer, order),
            Action::DeleteMachine(order) => return self.delete(peer, order),
            Action::Start(run, config) => {
                let (name, resources) = (Arc::clone(&config.dns_name), config.resources.clone());
                host.runs.push(Run { id: run, name, up: false, resources });
                if std::mem::take(&mut host.next_start_fails) {
                    let reason = "the executor could not start it".into();
                    (START, Execution::StartFailed(run, reason))
                } else {
                    if config.kind == AllocationKind::Task {
                        let output = self.told_by(peer);
                        let execution = Execution::Exited { run, code: 0, output };
                        self.post(START + TASK, Event::Execution { peer, power, execution });
                    }
                    (START, Execution::Started(run))
                }
            }
            Action::Stop(stopped) => return host.runs.retain(|run| run.id != stopped),
            Action::ReadLog(run, stream, offset) => {
                let text = Arc::clone(self.output.of(stream));
                (PROBE, Execution::Log { run, stream, offset, text })
            }
            Action::Terminate(ended) => {
                host.runs.retain(|run| run.id != ended);
                (Span::ZERO, Execution::Terminated(ended, None))
            }
            Action::Probe(run, number, _) => {
                let health = if host.healthy { Health::Good } else { Health::Bad };
                (PROBE, Execution::Probed(run, number, health))
            }
            Action::ReadStats(asked) => {
                let found = host.runs.iter().find(|run| run.id == asked);
                (Span::ZERO, Execution::Stats(asked, found.map(|run| all_of(&run.resources))))
            }
            Action::Mount(..) | Action::Unmount(_) | Action::RemoveBrick(_) => {
                unreachable!("no script is about volumes")
            }
            Action::LookUpTransfer(..) => unreachable!("no script is about contracts"),
        };
        self.post(after, Event::Execution { peer, power, execution });
    }

    /// A gateway has a machine made: one that does not exist yet.
    fn provision(&mut self, gateway: usize, order: u32) {
        let free = |host: &&mut Host| host.gateway == Some(gateway) && host.order.is_none();
        let machine = self.hosts.iter_mut().find(free).expect("a gateway orders no more than there are");
        machine.order = Some(order);
        self.post(BOOT, Event::Boot { gateway, order });
    }

    /// A machine is up, unless its gateway's next start was to fail.
    fn boot(&mut self, gateway: usize, order: u32) {
        let made = |host: &Host| host.gateway == Some(gateway) && host.order == Some(order);
        let Some(place) = self.hosts.iter().position(made) else { return };
        let report = if std::mem::take(&mut self.hosts[gateway].next_start_fails) {
            self.hosts[place].order = None;
            MachineReport::Failed(order, "it did not boot".into())
        } else {
            self.hosts[place].peer.reinstall(machine(Some(4)));
            self.start(place);
            MachineReport::Up(order, Arc::clone(self.hosts[place].peer.handle_of_root()))
        };
        if self.hosts[gateway].up {
            self.feed(gateway, Input::Machine(report));
        }
    }

    fn delete(&mut self, gateway: usize, order: u32) {
        let made = |host: &Host| host.gateway == Some(gateway) && host.order == Some(order);
        if let Some(place) = self.hosts.iter().position(made) {
            self.hosts[place].order = None;
            self.kill(place);
        }
    }

    /// What is true now, for the record.
    pub(super) fn show(&mut self) {
        for host in &self.hosts {
            self.record.state(self.now, host);
        }
    }

    /// Every fact so far.
    pub(super) fn facts(&self) -> &[(Timestamp, usize, Fact)] {
        self.record.facts()
    }
}

fn seed(streams: Streams, entity: u64) -> [u8; 32] {
    let mut seed = [0; 32];
    streams.owned(KEYS, entity).fill_bytes(&mut seed);
    seed
}

/// A node with its user, both members of the organization.
fn identity(
    streams: Streams,
    number: u64,
    organization: &OrganizationKeys,
    mode: SignatureMode,
) -> (SecretKey, CapabilityContext) {
    let secret = SecretKey::ed25519(seed(streams, 2 * number), mode);
    let key = SecretKey::ed25519(seed(streams, 2 * number + 1), mode);
    let mut user = CapabilityContext::new(CapabilityContext::USER, key, Rules::INTENDED);
    let mut node = CapabilityContext::new(CapabilityContext::NODE, secret.clone(), Rules::INTENDED);
    let membership = Membership::usual(EPOCH + MEMBERSHIP);
    let mut rng = streams.owned(KEYS, 2000 + number);
    let mut nonces = || {
        let mut nonce = [0; 12];
        rng.fill_bytes(&mut nonce);
        nonce
    };
    join(organization, &mut user, &mut node, &membership, EPOCH, &mut nonces).expect("a fresh membership");
    (secret, node)
}

fn machine(cores: Option<u64>) -> Machine {
    let amount = |cores: u64| Resources {
        cpu: Cpu { cores_milli: 1000 * cores, ..Cpu::default() },
        ram_bytes: 8 * GIB,
        disk_bytes: 100 * GIB,
        gpus: Vec::new(),
    };
    Machine {
        total: amount(cores.unwrap_or(4)),
        onboarded: cores.map(amount),
        location: Location { continent: "EU".into(), ..Location::default() },
        executors: [Executor::Docker].into(),
        tariff: None,
        quotas: Arc::default(),
        places: None,
    }
}

/// What something uses that uses all that it was given.
const fn all_of(resources: &Resources) -> ExecutorStats {
    ExecutorStats {
        cpu_cores_milli: resources.cpu.cores_milli,
        cpu_limit_milli: resources.cpu.cores_milli,
        ram_bytes: resources.ram_bytes,
        ram_limit_bytes: resources.ram_bytes,
        disk_bytes: 0,
        running_for: Span::mins(1),
        restarts: 0,
    }
}
