//! What a run has come to so far, made of its records: what the screen shows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::kernel::{Span, Time};
use crate::observe::{FactRecord, FaultRecord, Passage, Preface, Record, Step, What};
use crate::report::chart::printable;

/// Into how many stretches the time of a run is divided, for the curves.
pub(super) const STRETCHES: usize = 120;
/// Lines of the list of what happens.
const MOST_LINES: usize = 500;

/// Whether a line is good news, bad news, or neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
}

/// Something worth telling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) at: Time,
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// An allocation that runs: its peer, deployment, `node.allocation` and generation.
type RunKey = (u32, u32, String, u32);

/// All that the screen shows of the run itself.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) profile: String,
    pub(super) duration: Span,
    pub(super) now: Time,
    peers: Vec<String>,
    up: Vec<bool>,
    pub(super) peers_up: u32,
    /// The state of each deployment by its number, and how many there are of each.
    states: BTreeMap<u32, &'static str>,
    pub(super) counts: BTreeMap<&'static str, u32>,
    running: BTreeSet<RunKey>,
    pub(super) faults: BTreeMap<u32, &'static str>,
    pub(super) messages: u64,
    pub(super) refusals: u64,
    pub(super) redeployments: u64,
    /// By the stretch: messages that were sent, and the most recent number of peers that were up.
    pub(super) sent: Vec<u64>,
    pub(super) presence: Vec<u64>,
    pub(super) lines: VecDeque<Line>,
    /// How many lines there were: a step ends when there is another.
    pub(super) told: u64,
}

impl Board {
    pub(super) fn new(duration: Span) -> Self {
        Self {
            name: String::new(),
            seed: 0,
            profile: String::new(),
            duration,
            now: Time::ZERO,
            peers: Vec::new(),
            up: Vec::new(),
            peers_up: 0,
            states: BTreeMap::new(),
            counts: BTreeMap::new(),
            running: BTreeSet::new(),
            faults: BTreeMap::new(),
            messages: 0,
            refusals: 0,
            redeployments: 0,
            sent: vec![0; STRETCHES],
            presence: Vec::new(),
            lines: VecDeque::new(),
            told: 0,
        }
    }

    pub(super) const fn peers_total(&self) -> usize {
        self.peers.len()
    }

    pub(super) fn allocations_running(&self) -> usize {
        self.running.len()
    }

    /// How much of the run is over, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        (self.now.0 as f64 / self.duration.0.max(1) as f64).min(1.0)
    }

    fn stretch(&self, at: Time) -> usize {
        let share = at.0 as f64 / self.duration.0.max(1) as f64;
        ((share * STRETCHES as f64) as usize).min(STRETCHES - 1)
    }

    /// The time has come to here.
    pub(super) fn advance(&mut self, at: Time) {
        self.now = self.now.max(at);
        let stretch = self.stretch(self.now);
        let last = self.presence.last().copied().unwrap_or(u64::from(self.peers_up));
        while self.presence.len() <= stretch {
            self.presence.push(last);
        }
        self.presence[stretch] = u64::from(self.peers_up);
    }

    /// Takes a record.
    pub(super) fn take(&mut self, record: &Record<'_>) {
        match &record.what {
            What::Begin(preface) => self.begin(preface),
            What::Up(peer) => self.presence_of(*peer, true),
            What::Down { peer, with_machine } => {
                self.presence_of(*peer, false);
                if *with_machine {
                    self.lose(record.at, *peer);
                }
            }
            What::Fault(fault) => self.fault(record.at, fault),
            What::Fact(fact) => self.fact(record.at, fact),
            What::Message(message) => {
                if let Passage::Sent { .. } = message.passage {
                    self.messages += 1;
                    let stretch = self.stretch(record.at);
                    self.sent[stretch] += 1;
                }
            }
            What::End => {}
        }
        self.advance(record.at);
    }

    fn begin(&mut self, preface: &Preface) {
        self.name = printable(&preface.name);
        self.seed = preface.seed;
        self.profile = printable(&preface.profile);
        self.peers = preface.peers.iter().map(|name| printable(name)).collect();
        self.up = vec![false; self.peers.len()];
    }

    fn presence_of(&mut self, peer: u32, is_up: bool) {
        let before = std::mem::replace(&mut self.up[peer as usize], is_up);
        if before != is_up {
            self.peers_up = if is_up { self.peers_up + 1 } else { self.peers_up.saturating_sub(1) };
        }
    }

    /// What ran on a machine has ended with it.
    fn lose(&mut self, at: Time, peer: u32) {
        let lost = self.running.iter().filter(|(host, ..)| *host == peer).count();
        if lost == 0 {
            return;
        }
        self.running.retain(|(host, ..)| *host != peer);
        let what = if lost == 1 { "an allocation".to_owned() } else { format!("{lost} allocations") };
        self.tell(at, Tone::Bad, format!("{} is down, with {what}", self.peer(peer)));
    }

    fn fault(&mut self, at: Time, fault: &FaultRecord) {
        let FaultRecord { fault: number, kind, begins, lasts, .. } = fault;
        if *begins && *lasts {
            self.faults.insert(*number, kind);
        } else if !begins {
            self.faults.remove(number);
        }
        let (tone, verb) = if *begins { (Tone::Bad, "begins") } else { (Tone::Good, "ends") };
        self.tell(at, tone, format!("fault {number} {verb}: {kind}"));
    }

    fn fact(&mut self, at: Time, fact: &FactRecord<'_>) {
        if fact.is_trouble {
            self.refusals += fact.count;
        }
        let Some(deployment) = fact.labels.deployment else { return };
        let what = match (fact.labels.node, fact.labels.allocation) {
            (Some(node), Some(allocation)) => format!("{node}.{allocation}"),
            (Some(node), None) => node.to_owned(),
            _ => String::new(),
        };
        match fact.step {
            Step::Status { status, failure, .. } => self.status(at, deployment, status, failure),
            Step::TurnedDown { name, reason } => {
                let text = format!(
                    "deployment {deployment} ({}) was turned down: {}",
                    printable(name),
                    printable(reason)
                );
                self.tell(at, Tone::Bad, text);
            }
            Step::Runs => {
                let key = (fact.peer, deployment, what, fact.labels.generation.unwrap_or_default());
                self.running.insert(key);
            }
            Step::Stops(_) => {
                self.running.remove(&(
                    fact.peer,
                    deployment,
                    what,
                    fact.labels.generation.unwrap_or_default(),
                ));
            }
            Step::HandedOver => {
                let by = self.peer(fact.peer).to_owned();
                self.tell(at, Tone::Plain, format!("deployment {deployment} is handed over to {by}"));
            }
            Step::Recovers | Step::None | Step::Accepted(_) | Step::RoundOpened => {}
        }
        let node = printable(fact.labels.node.unwrap_or_default());
        match fact.kind {
            "suspected" => self.tell(at, Tone::Bad, format!("deployment {deployment}: {node} is missed")),
            "redeployment_started" => {
                self.redeployments += 1;
                self.tell(at, Tone::Plain, format!("deployment {deployment}: {node} gets another place"));
            }
            _ => {}
        }
    }

    fn status(&mut self, at: Time, deployment: u32, status: &'static str, failure: Option<&str>) {
        let before = self.states.insert(deployment, status);
        if before == Some(status) {
            return;
        }
        if let Some(count) = before.and_then(|before| self.counts.get_mut(before)) {
            *count -= 1;
        }
        *self.counts.entry(status).or_default() += 1;
        let tone = match status {
            "Running" | "Completed" => Tone::Good,
            "Failed" => Tone::Bad,
            _ => return,
        };
        let why = failure.map_or_else(String::new, |reason| format!(": {}", printable(reason)));
        self.tell(at, tone, format!("deployment {deployment} is {}{why}", status.to_lowercase()));
    }

    fn peer(&self, number: u32) -> &str {
        &self.peers[number as usize]
    }

    fn tell(&mut self, at: Time, tone: Tone, text: String) {
        self.told += 1;
        self.lines.push_back(Line { at, tone, text });
        if self.lines.len() > MOST_LINES {
            self.lines.pop_front();
        }
    }
}

/// A moment as `h:mm:ss`.
pub(super) fn clock(at: Time) -> String {
    let whole = at.0 / 1_000_000_000;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}
