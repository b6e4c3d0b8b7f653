//! `history.csv` and `messages.csv`: what a replay of a run shows, written while it goes on.
//!
//! The history has what peers and deployments come to, not each message or refusal: those are counted in other tables.
//! Messages are those of deployments, with their times, so that one can be followed. Hundreds of providers may answer
//! one request for bids and all look alike: of what is the same in one stretch of a deployment, between two of its
//! states or rounds, some are written and the others counted. Rows of the kind `left_out` say how many there were.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::folder::FolderError;
use super::record::{FactRecord, FaultRecord, MessageRecord, Passage, Preface, Record, Value, What};
use super::rows::{HistoryRow, MessageRow, Row, Text};
use crate::kernel::Time;

/// How much is written of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HistoryLimits {
    /// Rows of `history.csv`, those apart that say what was left out.
    pub rows: u64,
    /// Rows of `messages.csv`.
    pub messages: u64,
    /// Bids, and messages of one behaviour, in one stretch of a deployment.
    pub alike: u32,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { rows: 1_000_000, messages: 500_000, alike: 16 }
    }
}

/// Facts that say nothing about a peer or a deployment that a replay would show: they are many, and counted elsewhere.
const SILENT: [&str; 7] = [
    "message_rejected",
    "bid_refused",
    "bid_accepted",
    "hello_answered",
    "revocation_anchored",
    "sent_without_authority",
    "onboarded",
];

/// The fact that is told of some providers and counted of the others.
const BID: &str = "bid_made";
/// Facts with which a new stretch of a deployment begins.
const CHANGES: [&str; 5] = [
    "deployment_accepted",
    "deployment_status",
    "round_opened",
    "redeployment_started",
    "deployment_handed_over",
];

/// What facts say in a word, by the key under which they say it.
const STATES: [&str; 10] =
    ["status", "state", "stage", "cause", "judgement", "slot", "name", "address", "answer", "usage"];

/// A table that grows.
#[derive(Debug)]
struct Growing {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl Growing {
    fn create<R: Row>(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(R::FILE);
        let file = File::create(&path).map_err(super::folder::doing("create", &path))?;
        let terminator = csv::Terminator::Any(b'\n');
        let writer = csv::WriterBuilder::new()
            .has_headers(false)
            .terminator(terminator)
            .from_writer(BufWriter::new(file));
        let mut growing = Self { path, writer };
        growing.check(|writer| writer.write_record(R::COLUMNS))?;
        Ok(growing)
    }

    fn check(
        &mut self,
        write: impl FnOnce(&mut csv::Writer<BufWriter<File>>) -> csv::Result<()>,
    ) -> Result<(), FolderError> {
        write(&mut self.writer).map_err(|source| FolderError::Csv { path: self.path.clone(), source })
    }

    fn flush(mut self) -> Result<(), FolderError> {
        self.writer.flush().map_err(super::folder::doing("write", &self.path))
    }
}

/// What was written of a deployment since its last change.
#[derive(Debug, Default)]
struct Stretch {
    bids: u32,
    /// By their behaviours.
    messages: Vec<(Text, u32)>,
    bids_left_out: u32,
}

/// A message of a deployment that was sent.
#[derive(Debug)]
struct Sent {
    deployment: u32,
    behaviour: Text,
    from: u32,
    /// To whom it goes; none for a broadcast, which comes to many.
    to: Option<u32>,
    size_bytes: u64,
    at: Time,
}

/// Writes the history of a run.
#[derive(Debug)]
pub struct History {
    limits: HistoryLimits,
    history: Growing,
    messages: Growing,
    preface: Option<Preface>,
    /// Texts that many rows share.
    words: FxHashMap<Box<str>, Text>,
    rows: u64,
    /// Rows that the limits left out.
    rows_left_out: u64,
    message_rows: u64,
    messages_left_out: u64,
    /// By the numbers of deployments.
    stretches: Vec<Stretch>,
    /// Messages under way by their number. A broadcast stays, for nobody knows who will still look at it.
    sent: FxHashMap<u64, Sent>,
    /// When they came to a receiver that is not done with them.
    arrived: BTreeMap<(u64, u32), Time>,
    end: Time,
    failure: Option<FolderError>,
}

impl History {
    /// Makes both files in a folder.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn create(folder: &Path, limits: HistoryLimits) -> Result<Self, FolderError> {
        Ok(Self {
            limits,
            history: Growing::create::<HistoryRow>(folder)?,
            messages: Growing::create::<MessageRow>(folder)?,
            preface: None,
            words: FxHashMap::default(),
            rows: 0,
            rows_left_out: 0,
            message_rows: 0,
            messages_left_out: 0,
            stretches: Vec::new(),
            sent: FxHashMap::default(),
            arrived: BTreeMap::new(),
            end: Time::ZERO,
            failure: None,
        })
    }

    /// Takes a record, of which the first says what is run. After a failure nothing more is written.
    pub fn take(&mut self, record: &Record<'_>) {
        self.end = self.end.max(record.at);
        if self.failure.is_some() {
            return;
        }
        let done = match record.what {
            What::Begin(preface) => {
                self.preface = Some(preface.clone());
                Ok(())
            }
            // Who is down at the start is told by having come up later, or never.
            What::Up(_) if record.at == Time::ZERO => Ok(()),
            What::Up(peer) => self.presence(record.at, "peer_up", peer, ""),
            What::Down { peer, with_machine } => {
                let state = if with_machine { "machine" } else { "process" };
                self.presence(record.at, "peer_down", peer, state)
            }
            What::Fault(fault) => self.fault(record.at, fault),
            What::Fact(fact) => self.fact(record.at, fact),
            What::Message(message) => self.message(record.at, message),
            What::End => Ok(()),
        };
        self.failure = done.err();
    }

    /// The run is over: writes what is still under way, and what was left out.
    ///
    /// # Errors
    /// [`FolderError::Io`] or [`FolderError::Csv`], the first that there was.
    pub fn finish(mut self) -> Result<(), FolderError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let arrived = std::mem::take(&mut self.arrived);
        let sent: BTreeMap<_, _> = std::mem::take(&mut self.sent).into_iter().collect();
        for (number, sent) in sent {
            let mut waiting = arrived.range((number, 0)..=(number, u32::MAX)).peekable();
            match sent.to {
                Some(to) if waiting.peek().is_none() => {
                    self.message_row(&sent, (number, to), (None, None), "")?;
                }
                _ => waiting.try_for_each(|((_, to), arrived)| {
                    self.message_row(&sent, (number, *to), (Some(*arrived), None), "")
                })?,
            }
        }
        for deployment in 0..self.stretches.len() as u32 {
            self.begin_stretch(self.end, deployment)?;
        }
        for (what, count) in [("rows", self.rows_left_out), ("messages", self.messages_left_out)] {
            if count > 0 {
                let row = self.left_out(self.end, what, count);
                self.history.check(|writer| writer.serialize(row))?;
            }
        }
        self.history.flush()?;
        self.messages.flush()
    }

    fn row(&mut self, at: Time, kind: &str) -> HistoryRow {
        HistoryRow {
            time_s: at.as_secs_f64(),
            kind: self.word(kind),
            peer: self.word(""),
            deployment: None,
            node: self.word(""),
            allocation: self.word(""),
            generation: None,
            state: self.word(""),
            reason: self.word(""),
            concerned: self.word(""),
        }
    }

    fn word(&mut self, text: &str) -> Text {
        if let Some(word) = self.words.get(text) {
            return Arc::clone(word);
        }
        let word: Text = text.into();
        self.words.insert(text.into(), Arc::clone(&word));
        word
    }

    fn name(&self, peer: u32) -> Text {
        self.preface.as_ref().map_or_else(|| "".into(), |preface| Arc::clone(&preface.peers[peer as usize]))
    }

    fn write(&mut self, row: &HistoryRow) -> Result<(), FolderError> {
        if self.rows >= self.limits.rows {
            self.rows_left_out += 1;
            return Ok(());
        }
        self.rows += 1;
        self.history.check(|writer| writer.serialize(row))
    }

    fn presence(&mut self, at: Time, kind: &str, peer: u32, state: &str) -> Result<(), FolderError> {
        let row = HistoryRow { peer: self.name(peer), state: self.word(state), ..self.row(at, kind) };
        self.write(&row)
    }

    fn fault(&mut self, at: Time, fault: &FaultRecord) -> Result<(), FolderError> {
        let row = HistoryRow {
            state: self.word(fault.kind),
            reason: self.word(&format!("fault {}", fault.fault)),
            concerned: fault.concerned_text().into(),
            ..self.row(at, fault.name())
        };
        self.write(&row)
    }

    fn fact(&mut self, at: Time, fact: &FactRecord<'_>) -> Result<(), FolderError> {
        let labels = &fact.labels;
        let is_about_contracts = labels.contract.is_some();
        if SILENT.contains(&fact.kind) || is_about_contracts {
            return Ok(());
        }
        if let Some(deployment) = labels.deployment {
            let stretch = stretch_of(&mut self.stretches, deployment);
            if fact.kind == BID {
                if stretch.bids >= self.limits.alike {
                    stretch.bids_left_out += 1;
                    return Ok(());
                }
                stretch.bids += 1;
            } else if CHANGES.contains(&fact.kind) {
                self.begin_stretch(at, deployment)?;
            }
        }
        let (state, reason) = said(&fact.content);
        let row = HistoryRow {
            peer: self.name(fact.peer),
            deployment: labels.deployment,
            node: self.word(labels.node.unwrap_or_default()),
            allocation: self.word(labels.allocation.unwrap_or_default()),
            generation: labels.generation,
            state: self.word(&state),
            reason: reason.into(),
            ..self.row(at, fact.kind)
        };
        self.write(&row)
    }

    /// Says what was left out of the stretch of a deployment that ends.
    fn begin_stretch(&mut self, at: Time, deployment: u32) -> Result<(), FolderError> {
        let past = std::mem::take(stretch_of(&mut self.stretches, deployment));
        if past.bids_left_out == 0 {
            return Ok(());
        }
        let row = HistoryRow {
            deployment: Some(deployment),
            ..self.left_out(at, "bids", past.bids_left_out.into())
        };
        self.write(&row)
    }

    fn left_out(&mut self, at: Time, what: &str, count: u64) -> HistoryRow {
        HistoryRow { state: self.word(what), reason: count.to_string().into(), ..self.row(at, "left_out") }
    }

    fn message(&mut self, at: Time, message: &MessageRecord<'_>) -> Result<(), FolderError> {
        match (message.passage, message.to) {
            (Passage::Sent { .. }, to) => {
                self.send(at, message, to);
                Ok(())
            }
            (Passage::Arrived, Some(to)) => {
                if self.sent.contains_key(&message.number) {
                    self.arrived.insert((message.number, to), at);
                }
                Ok(())
            }
            (Passage::Handled, Some(to)) => self.ended(at, (message.number, to), "handled"),
            (Passage::Dropped, Some(to)) => self.ended(at, (message.number, to), "dropped"),
            (Passage::Lost(reason), Some(to)) => self.ended(at, (message.number, to), reason),
            // Where nobody is there to be named.
            (_, None) => Ok(()),
        }
    }

    fn send(&mut self, at: Time, message: &MessageRecord<'_>, to: Option<u32>) {
        let Some(deployment) = message.deployment else { return };
        let behaviour = self.word(message.behaviour);
        // Receivers of a broadcast are counted when they have looked at it.
        if to.is_some() && !self.takes(deployment, &behaviour) {
            return;
        }
        let sent = Sent { deployment, behaviour, from: message.from, to, size_bytes: message.bytes, at };
        self.sent.insert(message.number, sent);
    }

    fn ended(&mut self, at: Time, (number, to): (u64, u32), end: &str) -> Result<(), FolderError> {
        let arrived = self.arrived.remove(&(number, to));
        let Some(sent) = self.sent.remove(&number) else { return Ok(()) };
        let is_broadcast = sent.to.is_none();
        let written = match !is_broadcast || self.takes(sent.deployment, &sent.behaviour) {
            true => self.message_row(&sent, (number, to), (arrived, Some(at)), end),
            false => Ok(()),
        };
        if is_broadcast {
            self.sent.insert(number, sent);
        }
        written
    }

    /// Whether one more message like this is written; else it counts as left out.
    fn takes(&mut self, deployment: u32, behaviour: &Text) -> bool {
        let stretch = stretch_of(&mut self.stretches, deployment);
        let of_behaviour = stretch.messages.iter_mut().find(|(name, _)| Arc::ptr_eq(name, behaviour));
        let takes = match of_behaviour {
            Some((_, count)) => {
                *count += 1;
                *count <= self.limits.alike
            }
            None => {
                stretch.messages.push((Arc::clone(behaviour), 1));
                true
            }
        } && self.message_rows < self.limits.messages;
        self.messages_left_out += u64::from(!takes);
        takes
    }

    fn message_row(
        &mut self,
        sent: &Sent,
        (number, to): (u64, u32),
        (arrived, ended): (Option<Time>, Option<Time>),
        end: &str,
    ) -> Result<(), FolderError> {
        // Some were under way when the table became full.
        if self.message_rows >= self.limits.messages {
            self.messages_left_out += 1;
            return Ok(());
        }
        self.message_rows += 1;
        let row = MessageRow {
            message: number,
            deployment: sent.deployment,
            behaviour: Arc::clone(&sent.behaviour),
            from: self.name(sent.from),
            to: self.name(to),
            is_broadcast: sent.to.is_none(),
            size_bytes: sent.size_bytes,
            sent_s: sent.at.as_secs_f64(),
            arrived_s: arrived.map(Time::as_secs_f64),
            ended_s: ended.map(Time::as_secs_f64),
            end: self.word(end),
        };
        self.messages.check(|writer| writer.serialize(row))
    }
}

fn stretch_of(stretches: &mut Vec<Stretch>, deployment: u32) -> &mut Stretch {
    let place = deployment as usize;
    if stretches.len() <= place {
        stretches.resize_with(place + 1, Stretch::default);
    }
    &mut stretches[place]
}

/// What a fact says in a word, and what else.
fn said(content: &[(&'static str, Value<'_>)]) -> (String, String) {
    let of_state = STATES.iter().find_map(|key| content.iter().find(|(name, _)| name == key));
    let state = of_state.map_or_else(String::new, |(_, value)| text_of(value));
    let mut rest: Vec<String> = Vec::new();
    for (key, value) in content.iter().filter(|(key, _)| of_state.is_none_or(|(name, _)| name != key)) {
        rest.push(match *key {
            "reason" => text_of(value),
            key => format!("{} {}", key.replace('_', " "), text_of(value)),
        });
    }
    (state, rest.join(", "))
}

fn text_of(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.clone().into_owned(),
        Value::Texts(texts) => texts.join(" "),
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Number(number) => super::format::number_text(*number),
        Value::Flag(flag) => flag.to_string(),
    }
}
