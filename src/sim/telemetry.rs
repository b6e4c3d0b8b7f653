//! Peers under observation: carries out what their observers want written, sent and exported (`dms::observability`).
//!
//! Lines are kept until the run's owner takes them, which it does every few thousand events. What concerns the network
//! as a whole is not here but in the ledger; an export of it in the formats of tracing tools would be a neighbour of
//! this file, with its own [`StreamFile`].

use std::sync::Arc;

use super::event::PeerId;
use super::host::Rest;
use super::setup::{ObserverPlan, Setup};
use super::system::Lent;
use super::world::World;
use crate::dms::observability::{Signal, Tally};
use crate::kernel::{Time, Timestamp};
use crate::observe::{PeerMetricRow, StreamFile};

/// Takes the lines of a run as it goes on.
pub type Lines<'a> = &'a mut dyn FnMut(StreamFile, &str);

/// All that is observed in a run.
#[derive(Debug, Default)]
pub(super) struct Telemetry<'s> {
    /// How each peer is observed; empty when none is.
    plans: Vec<Option<&'s ObserverPlan>>,
    lines: Vec<(StreamFile, String)>,
}

impl<'s> Telemetry<'s> {
    fn plan(&self, peer: PeerId) -> Option<&'s ObserverPlan> {
        self.plans.get(peer.0 as usize).copied().flatten()
    }

    pub(super) fn hand_over(&mut self, lines: Lines<'_>) {
        self.lines.drain(..).for_each(|(file, line)| lines(file, &line));
    }
}

/// The sum of what observers counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observed {
    pub(super) tally: Tally,
    /// Observers that there were.
    pub(super) peers: u64,
}

impl World<'_> {
    /// Has the peers of the setup observed.
    pub(super) fn begin_observation(&mut self) {
        let setup: &Setup = self.setup;
        if setup.observability.is_empty() {
            return;
        }
        self.telemetry.plans = vec![None; self.hosts.len()];
        for plan in &setup.observability {
            for name in &plan.peers {
                let peer = self.peer(name);
                self.telemetry.plans[peer.0 as usize] = Some(plan);
                let clock = self.clock_of(peer, Time::ZERO);
                let host = &mut self.hosts[peer.0 as usize];
                host.rest = Rest::Exempt;
                host.peer.observe(plan.config.clone());
                if host.up {
                    host.peer.begin_observation(clock);
                }
            }
        }
        for number in 0..self.hosts.len() as u32 {
            self.take_signals(Time::ZERO, PeerId(number));
        }
    }

    /// Whether anybody looks at this peer.
    pub(super) fn is_observed(&self, peer: PeerId) -> bool {
        self.telemetry.plan(peer).is_some()
    }

    /// Carries out what the observer of a peer wants done by now.
    pub(super) fn take_signals(&mut self, now: Time, peer: PeerId) {
        let Some(plan) = self.telemetry.plan(peer) else { return };
        let clock = self.clock_of(peer, now);
        let (own, epoch) = (self.hosts[peer.0 as usize].clock, self.setup.epoch);
        let time = |at: Timestamp| own.when(epoch, at);
        while let Some(signal) = self.next_signal(peer, clock) {
            match signal {
                Signal::Line { at, text, console, file } => {
                    let sinks = match (console, file) {
                        (true, true) => r#""console","file""#,
                        (true, false) => r#""console""#,
                        (false, true) => r#""file""#,
                        (false, false) => continue,
                    };
                    self.tell(StreamFile::Logs, time(at), peer, &format!(r#""sinks":[{sinks}],"#), &text);
                }
                Signal::Rotate { .. } => {}
                Signal::Event(event) => {
                    let text = serde_json::to_string(&event).expect("an event has only string keys");
                    self.tell(StreamFile::Bus, time(event.timestamp), peer, "", &text);
                }
                Signal::Index { at, documents, .. } => {
                    let taken = plan.servers_answer(time(at));
                    self.hosts[peer.0 as usize].peer.shipped(taken);
                    for document in documents.iter().filter(|_| taken) {
                        let index = format!(r#""index":"{}","#, document.index);
                        self.tell(StreamFile::Index, time(at), peer, &index, &document.text);
                    }
                }
                Signal::Traces { at, traces, .. } => {
                    let taken = plan.servers_answer(time(at));
                    self.hosts[peer.0 as usize].peer.shipped(taken);
                    for trace in traces.iter().filter(|_| taken) {
                        let text = serde_json::to_string(trace).expect("a trace has only string keys");
                        self.tell(StreamFile::Traces, time(at), peer, "", &text);
                    }
                }
                Signal::Export { at, readings } => {
                    let did: Arc<str> = self.root_of(peer).did.to_string().into();
                    let name = Arc::clone(self.population.name_of(peer));
                    for reading in readings {
                        let row = PeerMetricRow {
                            time_s: time(at).as_secs_f64(),
                            peer: Arc::clone(&name),
                            did: Arc::clone(&did),
                            metric: reading.metric.into(),
                            attribute: reading.attribute,
                            value: reading.value,
                        };
                        self.telemetry.lines.push((StreamFile::Metrics, row.line()));
                    }
                }
            }
        }
    }

    fn next_signal(&mut self, peer: PeerId, clock: Timestamp) -> Option<Signal> {
        let now = self.queue.now();
        let Lent { peer, system, .. } = self.lend(now, peer);
        peer.next_signal(clock, &system)
    }

    /// Adds a line: the run's time, the peer, and then what stands between the braces of `object`.
    fn tell(&mut self, file: StreamFile, at: Time, peer: PeerId, more: &str, object: &str) {
        let name = serde_json::to_string(&**self.population.name_of(peer)).expect("a name is a text");
        let (time, rest) = (at.as_secs_f64(), object.strip_prefix('{').unwrap_or(object));
        let line = format!("{{\"time_s\":{time},\"peer\":{name},{more}{rest}\n");
        self.telemetry.lines.push((file, line));
    }

    /// The operator ends a process: its observer says its last words.
    pub(super) fn close_observation(&mut self, now: Time, peer: PeerId) {
        if self.is_observed(peer) {
            let clock = self.clock_of(peer, now);
            self.hosts[peer.0 as usize].peer.close_observation(clock);
            self.take_signals(now, peer);
        }
    }

    /// The run ends: exports and batches that are due by then are the last.
    pub(super) fn end_observation(&mut self, now: Time) -> Observed {
        let mut all = Observed::default();
        for number in 0..self.telemetry.plans.len() as u32 {
            let peer = PeerId(number);
            if self.hosts[number as usize].up {
                self.take_signals(now, peer);
            }
            if let Some(tally) = self.hosts[number as usize].peer.observed() {
                all.peers += 1;
                all.tally.add(&tally);
            }
        }
        all
    }
}
