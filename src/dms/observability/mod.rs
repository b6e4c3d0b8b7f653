//! What a node tells of itself: structured logs, the event bus, traces and metrics (dms-capabilities sections 9.1 and
//! 9.2).
//!
//! - `catalogue`: the one table from facts to records;
//! - `record`: records, labels, and the index that labels lead to;
//! - `bus`: events;
//! - `trace`: transactions and spans;
//! - `meters`: metrics;
//! - `shipping`: what waits for a server.
//!
//! An [`Observer`] looks at what its node has just done, after each input, and does nothing else: a node behaves the
//! same with and without one. It has no sinks of its own. What it wants written, sent or exported are [`Signal`]s,
//! which the node's driver takes with `Peer::next_signal` before and after each input, and carries out; of a batch for
//! a server it says afterwards whether the server took it. Flushes and exports need no timers: they are signals with
//! the time at which they were due, which the driver takes when it next comes by, before anything else can have
//! happened.

mod bus;
mod catalogue;
mod meters;
mod record;
mod shipping;
mod trace;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

pub use self::bus::{Event, EventError, LOG_EVENT};
pub use self::meters::Reading;
pub use self::record::{DEFAULT_INDEX, Fields, Label, Level, Record, UnknownLevel, Value, index_of};
pub use self::shipping::Shipped;
pub use self::trace::{ApmConfig, Trace};

use self::catalogue::Entry;
use self::meters::Meters;
use self::shipping::Shipping;
use self::trace::Tracer;
use crate::dms::actor::{BehaviourKind, Envelope, LoggerChange, Message};
use crate::dms::constants::APM_INTERVAL;
use crate::dms::ensemble::config::Location;
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::{Effects, Input, Timer};
use crate::dms::provider::Provider;
use crate::dms::system::System;
use crate::kernel::{Span, Timestamp};

/// What makes a trace whatever its level.
const TRACED: [&str; 7] = [
    "node_start_initiated",
    "bid_request",
    "contract_verification_success",
    "deployment_created",
    "resources_committed",
    "allocation_created",
    "allocation_run_started",
];

/// What the configuration of a node says about all this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObserverConfig {
    /// From which level on there are records.
    pub level: Level,
    /// Whether records are printed.
    pub console: bool,
    /// The log file; none = there is none.
    pub file: Option<FileConfig>,
    /// Elasticsearch; none = nothing goes there until it is configured.
    pub elastic: Option<ElasticConfig>,
    /// How long records wait for their way to Elasticsearch.
    pub flush_interval: Span,
    /// Whether the event bus is on.
    pub events: bool,
    /// Where traces go.
    pub apm: ApmConfig,
    /// Whether metrics are exported.
    pub metrics: bool,
    /// Records with one of these labels stay away from Elasticsearch. None does by default.
    pub skipped: Vec<Label>,
    /// Silences everything.
    pub no_op: bool,
}

/// A file that begins anew when it is full.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct FileConfig {
    /// When it is full.
    pub max_bytes: u64,
    /// How many full ones are kept beside it.
    pub kept: u32,
}

/// An Elasticsearch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ElasticConfig {
    /// Where it is.
    pub url: String,
    /// The key for it; empty without one.
    pub api_key: String,
}

/// Something for the node's driver to carry out.
#[derive(Clone, PartialEq, Debug)]
pub enum Signal {
    /// A record for console and file, as JSON.
    Line {
        /// When, by the node's clock.
        at: Timestamp,
        /// The record.
        text: Arc<str>,
        /// Whether it is printed.
        console: bool,
        /// Whether it goes to the file.
        file: bool,
    },
    /// The log file is full: it gets a number, a new one begins, and those beyond the number that is kept are deleted.
    Rotate {
        /// How many are kept.
        kept: u32,
    },
    /// An event for the bus.
    Event(Event),
    /// A batch for Elasticsearch; `Peer::shipped` takes its answer.
    Index {
        /// When it was due.
        at: Timestamp,
        /// Where it goes.
        url: Arc<str>,
        /// What it consists of.
        documents: Vec<Document>,
    },
    /// A batch for the APM server; likewise.
    Traces {
        /// When it was due.
        at: Timestamp,
        /// Where it goes.
        url: Arc<str>,
        /// What it consists of.
        traces: Vec<Trace>,
    },
    /// Metrics that are exported.
    Export {
        /// When they were due.
        at: Timestamp,
        /// Those that are new.
        readings: Vec<Reading>,
    },
}

/// A record on its way to Elasticsearch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// The index.
    pub index: &'static str,
    /// The record as JSON.
    pub text: Arc<str>,
}

/// What an observer has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Records by level, in the order of [`Level::ALL`].
    pub records: [u64; 4],
    /// Records that were below the level.
    pub below_level: u64,
    /// What no-op mode has silenced.
    pub silenced: u64,
    /// Records that a label kept from Elasticsearch.
    pub skipped: u64,
    /// How often the file was full.
    pub rotations: u64,
    /// Events, those of records among them.
    pub events: u64,
    /// Transactions.
    pub transactions: u64,
    /// Spans.
    pub spans: u64,
    /// Exports of metrics that told something.
    pub exports: u64,
    /// Records for Elasticsearch.
    pub elastic: Shipped,
    /// Traces for the APM server.
    pub apm: Shipped,
}

impl Tally {
    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        self.records.iter_mut().zip(other.records).for_each(|(sum, more)| *sum += more);
        for (sum, more) in [
            (&mut self.below_level, other.below_level),
            (&mut self.silenced, other.silenced),
            (&mut self.skipped, other.skipped),
            (&mut self.rotations, other.rotations),
            (&mut self.events, other.events),
            (&mut self.transactions, other.transactions),
            (&mut self.spans, other.spans),
            (&mut self.exports, other.exports),
        ] {
            *sum += more;
        }
        self.elastic.add(&other.elastic);
        self.apm.add(&other.apm);
    }
}

/// A server whose answer to a batch is awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Server {
    Elastic,
    Apm,
}

/// Looks at a node and tells what it does.
#[derive(Clone, Debug)]
pub struct Observer {
    config: ObserverConfig,
    did: Did,
    /// What was changed at run time.
    changes: LoggerChange,
    level: Level,
    signals: VecDeque<Signal>,
    elastic: Shipping<Document>,
    apm: Shipping<Trace>,
    asked: Option<(Server, Timestamp)>,
    file_bytes: u64,
    tracer: Tracer,
    meters: Option<Meters>,
    /// Whether the bus takes events.
    open: bool,
    /// Records of this input that no fact tells of.
    notes: Vec<Entry>,
    tally: Tally,
}

/// What an observer has seen of an input before it was handled.
pub(in crate::dms) struct Glance {
    bytes: u64,
    sender: Option<String>,
    bid_request: Option<EnsembleId>,
    starts: bool,
    heartbeat: bool,
}

impl Glance {
    pub(in crate::dms) fn at(input: &Input<'_>) -> Self {
        let mut glance = Self { bytes: 0, sender: None, bid_request: None, starts: false, heartbeat: false };
        match input {
            Input::Arrival { bytes, .. } => glance.bytes = *bytes,
            Input::Dispatch(envelope) => {
                glance.sender = Some(envelope.from.host.to_string());
                if let (BehaviourKind::BidRequest, Message::BidRequest(request)) =
                    (envelope.behaviour.kind, &envelope.message)
                {
                    glance.bid_request = Some(request.ensemble);
                }
            }
            Input::Timer(Timer::Heartbeat(_)) => glance.heartbeat = true,
            Input::Started(_) => glance.starts = true,
            _ => {}
        }
        glance
    }
}

/// A place in words, from the continent down.
pub(super) fn place(location: &Location) -> String {
    let parts = [Some(&location.continent), location.country.as_ref(), location.city.as_ref()];
    let parts: Vec<&str> = parts.into_iter().flatten().map(|part| &**part).collect();
    parts.join("/")
}

impl Observer {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(config: ObserverConfig, did: Did) -> Self {
        Self {
            level: config.level,
            elastic: Shipping::new(config.flush_interval),
            config,
            did,
            changes: LoggerChange::default(),
            signals: VecDeque::new(),
            apm: Shipping::new(APM_INTERVAL),
            asked: None,
            file_bytes: 0,
            tracer: Tracer::default(),
            meters: None,
            open: false,
            notes: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What the node was configured with.
    #[must_use]
    pub const fn config(&self) -> &ObserverConfig {
        &self.config
    }

    /// What it has counted so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally {
            transactions: self.tracer.transactions,
            spans: self.tracer.spans,
            elastic: self.elastic.tally,
            apm: self.apm.tally,
            ..self.tally
        }
    }

    /// The process begins.
    pub(in crate::dms) fn begin(&mut self, now: Timestamp, provider: &Provider) {
        self.open = true;
        self.meters = (self.config.metrics && !self.config.no_op).then(|| Meters::new(now));
        self.write(now, catalogue::node_start_initiated());
        let location = &provider.machine().location;
        if !location.continent.is_empty() {
            self.write(now, catalogue::geolocation_successful(place(location)));
        }
    }

    /// The process has begun.
    pub(in crate::dms) fn begun(&mut self, now: Timestamp) {
        self.write(now, catalogue::node_started_successfully());
        self.tracer.close();
    }

    /// The contracts of a request for bids hold.
    pub(in crate::dms) fn contract_verified(&mut self, ensemble: EnsembleId) {
        self.notes.push(catalogue::contract_verified(ensemble));
    }

    /// The node has handled an input: what was seen of it before, and its facts.
    pub(in crate::dms) fn watch(
        &mut self,
        now: Timestamp,
        glance: &Glance,
        effects: &Effects,
        since: (usize, usize),
        (provider, deployments): (&Provider, &[Deployment]),
    ) {
        if glance.starts {
            self.begin(now, provider);
        }
        let request = glance.bid_request.filter(|_| effects.executed);
        if let (Some(ensemble), Some(sender)) = (request, &glance.sender) {
            self.write(now, catalogue::bid_request(ensemble, sender.clone()));
        }
        for note in std::mem::take(&mut self.notes) {
            self.write(now, note);
        }
        let facts = &effects.facts[since.0..];
        for fact in facts {
            self.write(now, catalogue::of(fact));
            self.announce(now, fact);
        }
        if glance.starts {
            self.begun(now);
        }
        if let Some(meters) = &mut self.meters {
            if request.is_some() {
                meters.bid_received();
            }
            if glance.heartbeat {
                meters.heartbeat();
            }
            for fact in facts {
                meters.count(fact, glance.sender.as_deref(), deployments);
            }
            let sent = effects.sends[since.1..].iter().map(Envelope::json_len).sum();
            meters.touch(now, provider, (glance.bytes, sent));
        }
        self.tracer.close();
    }

    /// What others on the bus may wait for.
    fn announce(&mut self, now: Timestamp, fact: &Fact) {
        let Fact::DeploymentStatus { ensemble, status, .. } = fact else { return };
        if status.is_terminal() {
            let (name, status) = match status {
                crate::dms::fact::DeploymentStatus::Completed => ("DeploymentCompleted", "success"),
                _ => ("DeploymentFailed", "failure"),
            };
            let id = ensemble.to_string();
            let values = ["serviceID".into(), id.into(), "status".into(), status.into()];
            self.emit(now, name, &values).expect("these are pairs, and a node that handles inputs is open");
        }
    }

    /// Puts an event on the bus.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn emit(&mut self, now: Timestamp, name: &str, key_values: &[Value]) -> Result<(), EventError> {
        let event = Event::custom(name, now, key_values)?;
        if !self.open {
            return Err(EventError::Closed);
        }
        self.put_on_bus(event);
        Ok(())
    }

    fn put_on_bus(&mut self, event: Event) {
        if self.config.no_op {
            self.tally.silenced += 1;
        } else if self.config.events {
            self.tally.events += 1;
            self.signals.push_back(Signal::Event(event));
        }
    }

    /// The settings that hold now, when they are others than before.
    pub(in crate::dms) fn configure(&mut self, now: Timestamp, changes: &LoggerChange) {
        if self.changes == *changes {
            return;
        }
        self.changes = changes.clone();
        let level = changes.level.as_deref().and_then(|level| level.parse().ok());
        self.level = level.unwrap_or(self.config.level);
        let interval = changes.flush_interval_s.map_or(self.config.flush_interval, Span::secs);
        self.elastic.set_interval(now, interval);
        self.write(now, catalogue::logger_configured());
    }

    /// Where records go, if Elasticsearch is on.
    fn elastic_url(&self) -> Option<&str> {
        let own = self.config.elastic.as_ref().map(|elastic| elastic.url.as_str());
        let url = self.changes.elastic_url.as_deref().or(own)?;
        let on = self.changes.elastic.unwrap_or(self.config.elastic.is_some());
        (on && !url.is_empty()).then_some(url)
    }

    fn apm_config(&self) -> Option<ApmConfig> {
        let mut apm = self.config.apm.clone();
        if let Some(url) = &self.changes.apm_url {
            apm.url = url.to_string();
        }
        apm.is_complete().then_some(apm)
    }

    /// Writes a record to every sink that is on.
    fn write(&mut self, now: Timestamp, entry: Entry) {
        if self.config.no_op {
            self.tally.silenced += 1;
            return;
        }
        let Entry { level, message, labels, fields } = entry;
        let heard = level >= self.level;
        let traced = TRACED.contains(&message) || (heard && level >= Level::Warn);
        if traced && self.apm_config().is_some() {
            let trace = self.tracer.begin(now, message, level.as_str(), &self.did);
            self.apm.push(now, trace);
        }
        if !heard {
            self.tally.below_level += 1;
            return;
        }
        self.tally.records[level as usize] += 1;
        let record = Record { timestamp: now, level, message, labels, did: self.did.clone(), fields };
        let text: Arc<str> = serde_json::to_string(&record).expect("a record has only string keys").into();
        if self.elastic_url().is_some() {
            match index_of(labels, &self.config.skipped) {
                Some(index) => self.elastic.push(now, Document { index, text: Arc::clone(&text) }),
                None => self.tally.skipped += 1,
            }
        }
        self.put_in_file(&text);
        let (console, file) = (self.config.console, self.config.file.is_some());
        self.signals.push_back(Signal::Line { at: now, text, console, file });
        if self.open {
            self.put_on_bus(Event::of(&record));
        }
    }

    fn put_in_file(&mut self, text: &str) {
        let Some(file) = self.config.file else { return };
        let bytes = text.len() as u64 + 1;
        if self.file_bytes > 0 && self.file_bytes + bytes > file.max_bytes {
            self.file_bytes = 0;
            self.tally.rotations += 1;
            self.signals.push_back(Signal::Rotate { kept: file.kept });
        }
        self.file_bytes += bytes;
    }

    /// What is to be carried out by now, one after another; a batch's answer must be told before the next.
    pub(in crate::dms) fn next(
        &mut self,
        now: Timestamp,
        provider: &Provider,
        system: &dyn System,
    ) -> Option<Signal> {
        if let Some(signal) = self.signals.pop_front() {
            return Some(signal);
        }
        if self.asked.is_some() {
            return None;
        }
        self.elastic.correct(now);
        self.apm.correct(now);
        if let Some(meters) = &mut self.meters {
            meters.correct(now);
        }
        let due = [
            (self.meters.as_ref().and_then(Meters::due), None),
            (self.elastic.due(), Some(Server::Elastic)),
            (self.apm.due(), Some(Server::Apm)),
        ];
        let due = due.into_iter().filter_map(|(at, what)| Some((at.filter(|at| *at <= now)?, what)));
        let (at, what) = due.min_by_key(|(at, _)| *at)?;
        match what {
            None => {
                let readings = self.meters.as_mut()?.export(at, provider, system);
                self.tally.exports += 1;
                Some(Signal::Export { at, readings })
            }
            Some(Server::Elastic) => {
                let own = self.config.elastic.as_ref().map(|elastic| elastic.url.as_str());
                let url = self.changes.elastic_url.as_deref().or(own).unwrap_or_default().into();
                let documents = self.elastic.send()?;
                self.asked = Some((Server::Elastic, at));
                Some(Signal::Index { at, url, documents })
            }
            Some(Server::Apm) => {
                let url = self.changes.apm_url.as_deref().unwrap_or(&self.config.apm.url).into();
                let traces = self.apm.send()?;
                self.asked = Some((Server::Apm, at));
                Some(Signal::Traces { at, url, traces })
            }
        }
    }

    /// Whether the server took the last batch.
    pub(in crate::dms) fn shipped(&mut self, taken: bool) {
        match self.asked.take() {
            Some((Server::Elastic, at)) => self.elastic.answered(at, taken),
            Some((Server::Apm, at)) => self.apm.answered(at, taken),
            None => return,
        }
        // A process that is being shut down does not wait for a server that is away.
        if !self.open && !taken {
            self.elastic.lose();
            self.apm.lose();
        }
    }

    /// The node is shut down on purpose: the bus closes, and what waits goes out now.
    pub(in crate::dms) fn close(&mut self, now: Timestamp) {
        self.write(now, catalogue::node_stopped());
        self.tracer.close();
        self.open = false;
        self.elastic.set_interval(now, Span::ZERO);
        self.apm.set_interval(now, Span::ZERO);
    }

    /// The process is gone, on purpose or not: what still waits is lost.
    pub(in crate::dms) fn stop(&mut self) {
        self.elastic.lose();
        self.apm.lose();
        let tally = self.tally();
        let mut next = Self::new(self.config.clone(), self.did.clone());
        (next.elastic.tally, next.apm.tally, next.file_bytes) = (tally.elastic, tally.apm, self.file_bytes);
        (next.tracer, next.tally) = (self.tracer.clone(), tally);
        *self = next;
    }
}
