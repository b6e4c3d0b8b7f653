//! Whole peers. A text is a list of operations, a letter and an argument each: what users ask of three peers, what
//! becomes of messages, timers and executors, who crashes. Whatever happens in whatever order, a peer does not break
//! down, its books balance, and a deployment that has ended has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dmsim::dms::actor::{
    Behaviour, DeploymentRequest, Envelope, InfoRequest, ListRequest, Message, NewDeployment, Output,
    UpdateDeployment,
};
use dmsim::dms::atlas::BlankAtlas;
use dmsim::dms::capability::{CapabilityContext, Membership, OrganizationKeys, Rules, join};
use dmsim::dms::ensemble::EnsembleConfig;
use dmsim::dms::fact::Fact;
use dmsim::dms::identity::{EnsembleId, SecretKey, SignatureMode};
use dmsim::dms::node::Order;
use dmsim::dms::orchestrator::{Strategy, Wishes};
use dmsim::dms::outbox::{Action, Command, Effects, Execution, Health, Input, Outbox, Remains, RunId, Timer};
use dmsim::dms::profile::Profile;
use dmsim::dms::provider::Machine;
use dmsim::dms::resources::{Cpu, Resources};
use dmsim::dms::supervision::Detector;
use dmsim::dms::system::BareSystem;
use dmsim::dms::{Peer, PeerConfig};
use dmsim::kernel::{Domain, Span, Streams, Timestamp};
use dmsim::scenario::ensemble_file::read_for_simulation;

use super::{Outcome, Target};

const START: Timestamp = Timestamp(1_735_689_600_000_000_000);
const GIB: u64 = 1 << 30;
/// More messages than these are never on their way; the oldest are lost.
const MOST_MAIL: usize = 64;

#[rustfmt::skip]
const WORDS: [&str; 46] = [
    "d0", "d1", "d2", "d3", "d5", "d7", "u0", "u4", "s0", "s1", "s2", "q0", "q3", "q5", "*0", "*1", "*9", "m0",
    "m1", "m3",
    "r0", "r2", "l0", "l1", "t0", "t1", "t5", "t9", "x0", "x1", "x2", "x5", "x7", "c0", "c1", "c2", "b0", "b1",
    "b2", "w0",
    "h1", "h5", "a1", "a9", "f4", "k2",
];

const ENSEMBLES: [&str; 5] = [
    include_str!("ensembles/task.yaml"),
    include_str!("ensembles/checked.yaml"),
    include_str!("ensembles/edge.yaml"),
    include_str!("ensembles/redundant.yaml"),
    include_str!("ensembles/two.yaml"),
];

/// Peers that are told what happens.
pub(super) struct Peers;

impl Target for Peers {
    fn name(&self) -> &'static str {
        "peers"
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        let texts = [
            "h1*9d0*9t5*9x0*9t9*9x0*9",
            "d1*9t1*9x0*9x0*9t9*9t9*9b1t9*9w1*9s0*9",
            "d2*9t1*9m0m1x0x0*9q0q3*9u4*9t1*9x0*9",
            "d3t0*9t1*9x0*9x1*9b2t9t9*9w2*9t9*9",
            "d4*9t1*9l0*9r1x2*9t9*9x2*9s0*9k1",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    }

    fn words(&self) -> &'static [&'static str] {
        &WORDS
    }

    fn longest(&self) -> usize {
        400
    }

    fn give(&mut self, bytes: &[u8]) -> Outcome {
        let mut lab = Lab::new();
        for operation in bytes.chunks_exact(2) {
            lab.operate(operation[0], usize::from(operation[1].wrapping_sub(b'0')));
        }
        Outcome { read: lab.did > 0, looks: lab.looks.into_iter().collect() }
    }
}

/// Three peers of an organization, each of which provides and orchestrates.
struct Lab {
    peers: Vec<Peer>,
    /// How often each has started; none while it is down.
    boots: Vec<Option<u32>>,
    /// How far each one's clock is ahead.
    ahead: [Span; 3],
    now: Timestamp,
    draws: u64,
    /// For whom, and what.
    mail: Vec<(usize, Arc<Envelope>)>,
    /// Whose, since which start, when, and what.
    timers: Vec<(Timestamp, usize, u32, Timer)>,
    actions: Vec<(usize, Action)>,
    running: [BTreeSet<RunId>; 3],
    /// What was sent, so that it can be sent by others and elsewhere.
    behaviours: Vec<Behaviour>,
    messages: Vec<Message>,
    /// Deployments that have ended.
    ended: BTreeMap<(usize, EnsembleId), bool>,
    looks: BTreeSet<String>,
    did: u64,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

fn amount(cores: u64) -> Resources {
    Resources {
        cpu: Cpu { cores_milli: cores * 1000, ..Cpu::default() },
        ram_bytes: 8 * GIB,
        disk_bytes: 100 * GIB,
        gpus: Vec::new(),
    }
}

fn ensemble(number: usize) -> Arc<EnsembleConfig> {
    let text = ENSEMBLES[number % ENSEMBLES.len()];
    let loaded = read_for_simulation("fuzz.yaml", text.as_bytes());
    Arc::new(loaded.unwrap_or_else(|errors| panic!("{errors:?}")).config)
}

impl Lab {
    fn new() -> Self {
        let organization = OrganizationKeys::new("nunet".into(), key(250), Rules::INTENDED);
        let peers = (1..=3).map(|seed| {
            let context = |name, seed| CapabilityContext::new(name, key(seed), Rules::INTENDED);
            let mut user = context(CapabilityContext::USER, seed + 100);
            let mut capabilities = context(CapabilityContext::NODE, seed);
            let membership = Membership::usual(START + Span::hours(9));
            join(&organization, &mut user, &mut capabilities, &membership, START, &mut || [seed; 12])
                .expect("a fresh join");
            let machine = Machine {
                total: amount(8),
                onboarded: Some(amount(4)),
                executors: Arc::from([dmsim::dms::ensemble::Executor::Docker]),
                ..Machine::default()
            };
            let config = PeerConfig {
                secret: key(seed),
                capabilities,
                profile: Profile::INTENDED,
                machine,
                strategy: Strategy::default(),
                atlas: &BlankAtlas,
            };
            Peer::new(config, START)
        });
        let mut lab = Self {
            peers: peers.collect(),
            boots: vec![Some(0); 3],
            ahead: [Span::ZERO; 3],
            now: START,
            draws: 0,
            mail: Vec::new(),
            timers: Vec::new(),
            actions: Vec::new(),
            running: Default::default(),
            behaviours: Vec::new(),
            messages: Vec::new(),
            ended: BTreeMap::new(),
            looks: BTreeSet::new(),
            did: 0,
        };
        for peer in 0..3 {
            lab.feed(peer, Input::Started(Remains::default()));
        }
        lab
    }

    /// One thing that happens. What there is nothing for does nothing.
    fn operate(&mut self, letter: u8, argument: usize) {
        let before = self.draws;
        match letter {
            b'd' => self.deploy(argument),
            b'u' => self.ask(argument, |id, number| {
                let ensemble = ensemble(number);
                let pins = vec![None; ensemble.nodes.len()];
                DeploymentRequest::Update(UpdateDeployment { id, ensemble, pins })
            }),
            b's' => self.ask(argument, |id, _| DeploymentRequest::Shutdown(id)),
            b'k' => self.ask(argument, |id, _| DeploymentRequest::Delete(id)),
            b'q' => self.ask(argument, |id, number| match number % 4 {
                0 => DeploymentRequest::Status(id),
                1 => DeploymentRequest::Manifest(id),
                2 => DeploymentRequest::List(ListRequest::default()),
                _ => DeploymentRequest::Info(InfoRequest {
                    id,
                    usage: true,
                    logs: true,
                    allocations: Vec::new(),
                }),
            }),
            b'm' => self.with_mail(argument, |lab, to, envelope| lab.deliver(to, &envelope)),
            b'r' => self.with_mail(argument, |lab, to, envelope| {
                lab.deliver(to, &envelope);
                lab.deliver((to + 1) % 3, &envelope);
                lab.deliver(to, &envelope);
            }),
            b'l' => self.with_mail(argument, |_, _, _| {}),
            b'*' => self.settle(argument),
            b't' => self.wait(argument),
            b'a' => self.now = self.now + Span::secs((argument * argument) as u64),
            b'x' => self.execute(argument),
            b'c' => self.connect(argument),
            b'b' => self.crash(argument),
            b'w' => self.start(argument % 3),
            b'h' => self.ahead[argument % 3] = Span::secs((argument * 20) as u64),
            b'f' => self.call(argument),
            _ => {}
        }
        self.did += u64::from(self.draws > before);
        self.hold_to_promises();
    }

    /// Lets something happen to a peer that is up.
    fn feed(&mut self, peer: usize, input: Input<'_>) -> Effects {
        let mut effects = Effects::default();
        let Some(boot) = self.boots[peer] else { return effects };
        self.draws += 1;
        let streams = Streams::new(1);
        let random = streams.owned(Domain::new("fuzz.peers"), self.draws);
        let now = self.now + self.ahead[peer];
        let mut out = Outbox { effects: &mut effects, random, system: &BareSystem };
        self.peers[peer].handle(now, input, &mut out);
        assert!(!effects.crashed, "peer {peer} has broken down");
        for envelope in effects.sends.drain(..) {
            self.post(peer, envelope);
        }
        let timers = effects.timers.drain(..);
        self.timers.extend(timers.map(|(at, timer)| (at, peer, boot, timer)));
        self.actions.extend(effects.actions.drain(..).map(|action| (peer, action)));
        self.looks.extend(effects.facts.iter().map(look));
        effects
    }

    fn post(&mut self, from: usize, envelope: Envelope) {
        if self.behaviours.len() < 96 {
            self.behaviours.push(envelope.behaviour.clone());
            self.messages.push(envelope.message.clone());
        }
        let host = envelope.to.as_ref().map(|to| to.host);
        let envelope = Arc::new(envelope);
        for to in 0..3 {
            let own = self.peers[to].handle_of_root().host;
            if host.map_or(to != from, |host| host == own) {
                self.mail.push((to, Arc::clone(&envelope)));
            }
        }
        let surplus = self.mail.len().saturating_sub(MOST_MAIL);
        drop(self.mail.drain(..surplus));
    }

    fn with_mail(&mut self, argument: usize, then: impl FnOnce(&mut Self, usize, Arc<Envelope>)) {
        if !self.mail.is_empty() {
            let (to, envelope) = self.mail.remove(argument % self.mail.len());
            then(self, to, envelope);
        }
    }

    fn deliver(&mut self, to: usize, envelope: &Envelope) {
        let bytes = envelope.json_len();
        let transport = Some(&envelope.from.host).filter(|_| !envelope.is_broadcast());
        let arrival = self.feed(to, Input::Arrival { envelope, bytes, transport });
        if arrival.admitted.is_some() {
            self.feed(to, Input::Dispatch(envelope));
        }
    }

    /// Delivers messages in order, and those that they lead to.
    fn settle(&mut self, argument: usize) {
        for _ in 0..(argument + 1) * 8 {
            if self.mail.is_empty() {
                return;
            }
            self.with_mail(0, |lab, to, envelope| lab.deliver(to, &envelope));
        }
    }

    /// Lets the next timers run out.
    fn wait(&mut self, argument: usize) {
        for _ in 0..=argument {
            let first = (0..self.timers.len()).min_by_key(|place| self.timers[*place].0);
            let Some(first) = first else { return };
            let (at, peer, boot, timer) = self.timers.remove(first);
            let due = Timestamp(at.0.saturating_sub(self.ahead[peer].0));
            self.now = self.now.max(due);
            if self.boots[peer] == Some(boot) {
                self.feed(peer, Input::Timer(timer));
            }
        }
    }

    fn deploy(&mut self, argument: usize) {
        let ensemble = ensemble(argument);
        let pins = vec![None; ensemble.nodes.len()];
        let new = Box::new(NewDeployment { ensemble, pins, contracts: Arc::default() });
        let peer = argument % 3;
        let expire = self.now + self.ahead[peer] + Span::mins(5);
        let detector = Detector::ALL[argument % Detector::ALL.len()];
        let wishes = Wishes { detector: Some(detector), ..Wishes::default() };
        self.feed(peer, Input::Command(Command::Deploy { new, expire, wishes }));
    }

    fn ask(&mut self, argument: usize, request: impl Fn(EnsembleId, usize) -> DeploymentRequest) {
        let peer = argument % 3;
        let deployments = self.peers[peer].deployments();
        let Some(deployment) = deployments.get(argument % deployments.len().max(1)) else { return };
        let request = Box::new(request(deployment.id(), argument));
        let expire = self.now + self.ahead[peer] + Span::mins(3);
        self.feed(peer, Input::Command(Command::Control { operation: 1, request, expire }));
    }

    /// Calls some behaviour of some peer with some message that was sent before.
    fn call(&mut self, argument: usize) {
        if self.behaviours.is_empty() {
            return;
        }
        let pick = |step: usize| (argument * step) % self.behaviours.len();
        let (behaviour, message) = (self.behaviours[pick(3)].clone(), self.messages[pick(7)].clone());
        let to = Arc::clone(self.peers[(argument / 3) % 3].handle_of_root());
        let order = Box::new(Order::Call { to, behaviour, message, timeout: Span::secs(9) });
        self.feed(argument % 3, Input::Command(Command::Operate { operation: 2, order }));
    }

    /// An executor does something that it was asked for.
    fn execute(&mut self, argument: usize) {
        if self.actions.is_empty() {
            return;
        }
        let (peer, action) = self.actions.remove(0);
        let good = argument % 3 != 2;
        let reports: Vec<Execution> = match action {
            Action::Start(run, _) if good => {
                self.running[peer].insert(run);
                let output = Output::default();
                let exit = Execution::Exited { run, code: (argument / 6) as i32, output };
                let ends = argument % 2 == 1;
                [Execution::Started(run)].into_iter().chain(ends.then_some(exit)).collect()
            }
            Action::Start(run, _) => vec![Execution::StartFailed(run, "there is no such image".into())],
            Action::Stop(run) | Action::Terminate(run) if good => {
                vec![Execution::Terminated(run, Some(0))]
            }
            Action::Terminate(run) => vec![Execution::NotTerminated(run, "it does not listen".into())],
            Action::Probe(run, number, _) => {
                let health = if good { Health::Good } else { Health::TimedOut };
                vec![Execution::Probed(run, number, health)]
            }
            Action::ReadStats(run) => vec![Execution::Stats(run, None)],
            Action::ReadLog(run, stream, offset) => {
                vec![Execution::Log { run, stream, offset, text: "a line\n".into() }]
            }
            Action::Mount(run, _) => vec![Execution::Mounted(run)],
            _ => Vec::new(),
        };
        for report in reports {
            if matches!(report, Execution::Exited { .. } | Execution::Terminated(..)) {
                self.running[peer].remove(&report.run());
            }
            self.feed(peer, Input::Execution(report));
        }
    }

    fn connect(&mut self, argument: usize) {
        let (peer, other) = (argument % 3, (argument + 1 + argument / 3 % 2) % 3);
        let handle = Arc::clone(self.peers[other].handle_of_root());
        let input = if argument < 6 { Input::Connected(handle) } else { Input::Reconnected(handle) };
        self.feed(peer, input);
    }

    fn crash(&mut self, argument: usize) {
        let peer = argument % 3;
        if self.boots[peer].is_some() {
            self.peers[peer].stop();
            if argument >= 6 {
                self.peers[peer].lose_disk();
                self.running[peer].clear();
            }
            self.draws += 1;
            self.boots[peer] = None;
            self.ended.retain(|(of, _), _| argument < 6 || *of != peer);
        }
    }

    fn start(&mut self, peer: usize) {
        if self.boots[peer].is_none() {
            // A number that no start had before.
            self.boots[peer] = Some(1 + self.draws as u32);
            let running = self.running[peer].iter().copied().collect();
            self.feed(peer, Input::Started(Remains { running, ..Remains::default() }));
        }
    }

    fn hold_to_promises(&mut self) {
        for (number, peer) in self.peers.iter().enumerate() {
            let pool = peer.provider().pool();
            pool.audit().unwrap_or_else(|imbalance| panic!("peer {number}: {imbalance:?}"));
            assert!(pool.underflows().is_empty(), "peer {number} holds more than it offers");
            if self.boots[number].is_none() {
                continue;
            }
            for deployment in peer.deployments() {
                let has_ended = deployment.status().is_terminal();
                let known = self.ended.insert((number, deployment.id()), has_ended);
                assert!(
                    known != Some(true) || has_ended,
                    "a deployment of peer {number} has ended and goes on"
                );
            }
        }
    }
}

/// The name of a fact, and the reason that it gives.
fn look(fact: &Fact) -> String {
    let text = format!("{fact:?}");
    let name = text.split([' ', '(', '{']).next().unwrap_or_default();
    let reason = text.split_once("reason: ").map_or("", |(_, reason)| reason);
    let reason: String = reason.chars().filter(|letter| *letter != '"').take(60).collect();
    format!("{name} {reason}")
}
