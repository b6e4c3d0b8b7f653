//! What became of operators' operations, and how far revocations got.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Ledger;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::kernel::Time;
use crate::observe::{OperationRow, SpanHistogram};
use crate::sim::event::PeerId;
use crate::sim::setup::{ControlKind, Deploy, Expected, Operation, OperationKind};

/// How an operation has ended so far.
#[derive(Clone, Debug, Default)]
struct Record {
    asked: bool,
    answers: u64,
    refused: bool,
    unanswered: bool,
    /// When it first ended, however that was.
    ended: Option<Time>,
    /// The first answer, or why there is none.
    said: Arc<str>,
    /// Whether what was expected has been said.
    met: bool,
}

/// All operations of a run, by their number in the setup.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    list: Vec<Arc<Operation>>,
    records: Vec<Record>,
    /// Those that ask for a deployment, in their order, each with its entry.
    new: Vec<(u32, u32)>,
}

impl Operations {
    /// Takes a further one: its entry, which then has this number, if it asks for a deployment.
    fn add(&mut self, operation: Arc<Operation>, number: u32) -> Option<Entry> {
        let entry = new_deployment(&operation);
        if entry.is_some() {
            self.new.push((self.list.len() as u32, number));
        }
        self.list.push(operation);
        self.records.push(Record::default());
        entry
    }

    /// An operation and why it came to nothing.
    pub(super) fn text(&self, number: u32, reason: &str) -> Arc<str> {
        let operation = &self.list[number as usize];
        format!("{}: {}: {reason}", operation.by, operation.kind).into()
    }

    /// Something was said about an operation: an answer, or why there is none.
    fn hear(&mut self, now: Time, number: u32, said: &Arc<str>, answer: bool) {
        let record = &mut self.records[number as usize];
        if record.ended.is_none() {
            record.ended = Some(now);
            record.said = Arc::clone(said);
        }
        record.met |= match &self.list[number as usize].expected {
            Some(Expected::Answer(text)) => answer && said.contains(&**text),
            Some(Expected::Refusal(text)) => !answer && said.contains(&**text),
            None => true,
        };
    }

    fn count(&self, test: impl Fn(&Record) -> bool) -> f64 {
        self.records.iter().filter(|record| test(record)).count() as f64
    }

    /// `operations.csv`.
    pub(super) fn rows(&self) -> Vec<OperationRow> {
        let row = |((number, operation), record): ((usize, &Arc<Operation>), &Record)| {
            let (expected, met) = match &operation.expected {
                None => (String::new(), ""),
                Some(Expected::Answer(text)) => (format!("answer: {text}"), yes(record.met)),
                Some(Expected::Refusal(text)) => (format!("refusal: {text}"), yes(record.met)),
            };
            let outcome = match record {
                Record { answers: 1.., .. } => "answered",
                Record { refused: true, .. } => "refused",
                Record { unanswered: true, .. } => "unanswered",
                _ => "",
            };
            OperationRow {
                operation: number as u32,
                at_s: operation.at.as_secs_f64(),
                by: operation.by.as_str().into(),
                what: operation.kind.to_string().into(),
                outcome: outcome.into(),
                answers: record.answers,
                ended_s: record.ended.map(Time::as_secs_f64),
                said: Arc::clone(&record.said),
                expected: expected.into(),
                met: met.into(),
            }
        };
        self.list.iter().enumerate().zip(&self.records).map(row).collect()
    }

    /// Metrics by name.
    pub(super) fn metrics(&self) -> [(&'static str, f64); 6] {
        let expected = self.list.iter().zip(&self.records).filter(|(one, _)| one.expected.is_some());
        let unexpected = expected.filter(|(_, record)| record.asked && !record.met).count();
        [
            ("operations.asked", self.count(|record| record.asked)),
            ("operations.answered", self.count(|record| record.answers > 0)),
            ("operations.refused", self.count(|record| record.refused)),
            ("operations.unanswered", self.count(|record| record.unanswered)),
            ("operations.answers", self.records.iter().map(|record| record.answers).sum::<u64>() as f64),
            ("operations.unexpected", unexpected as f64),
        ]
    }
}

const fn yes(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}

/// Revocations by key, with when each first held anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Revocations {
    issued: IndexMap<u128, Time>,
    /// From when a revocation first held anywhere to when it held at another peer.
    pub(super) delays: SpanHistogram,
}

impl Revocations {
    /// A revocation holds at one peer more: its number in the run.
    pub(super) fn holds(&mut self, now: Time, key: u128) -> u32 {
        if let Some((number, _, issued)) = self.issued.get_full(&key) {
            self.delays.record(now.since(*issued));
            return number as u32;
        }
        self.issued.insert_full(key, now).0 as u32
    }

    /// The number of a revocation that holds somewhere.
    pub(super) fn number(&self, key: u128) -> Option<u32> {
        self.issued.get_index_of(&key).map(|place| place as u32)
    }

    pub(super) fn len(&self) -> usize {
        self.issued.len()
    }
}

/// Name and ensemble of what is deployed.
pub(super) type Entry = (String, Arc<EnsembleConfig>);

/// What an operation asks to deploy: a further entry beside the workload's.
pub(super) fn new_deployment(operation: &Operation) -> Option<Entry> {
    let OperationKind::Deployment(control) = &operation.kind else { return None };
    let ControlKind::New { name, ensemble } = &control.kind else { return None };
    Some((name.clone(), Arc::clone(ensemble)))
}

/// How an operation has ended so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It was answered, or done; the first answer in a few words.
    Answered(Arc<str>),
    /// It was refused, and why.
    Refused(Arc<str>),
    /// Nobody answered in time.
    Unanswered(Arc<str>),
}

impl Ledger {
    /// A further operation: of the setup, or added while the run goes on.
    pub(in crate::sim) fn add_operation(&mut self, operation: &Arc<Operation>) {
        if let Some(entry) = self.operations.add(Arc::clone(operation), self.entries.len() as u32) {
            self.entries.push(entry);
            self.asked.push(0);
        }
    }

    /// Something further is asked for, of which so many requests are over: its number among the entries.
    pub(in crate::sim) fn add_entry(&mut self, deploy: &Deploy, asked: u32) -> u32 {
        self.entries.push((deploy.name.clone(), Arc::clone(&deploy.ensemble)));
        self.asked.push(asked);
        self.entries.len() as u32 - 1
    }

    /// How an operation has ended, as far as that is known.
    pub(in crate::sim) fn ending_of(&self, number: u32) -> Option<Ending> {
        let record = &self.operations.records[number as usize];
        let said = Arc::clone(&record.said);
        match record {
            Record { answers: 1.., .. } => Some(Ending::Answered(said)),
            Record { refused: true, .. } => Some(Ending::Refused(said)),
            Record { unanswered: true, .. } => Some(Ending::Unanswered(said)),
            _ => None,
        }
    }

    /// The operator of a peer asks it for a deployment.
    pub(in crate::sim) fn deployment_ordered(
        &mut self,
        now: Time,
        operation: u32,
        by: PeerId,
        deadline: Time,
    ) {
        let new = self.operations.new.iter();
        if let Some((_, entry)) = new.copied().find(|(number, _)| *number == operation) {
            self.deployment_asked(now, entry, by, deadline);
        }
    }

    /// A peer gets to a message that asks for this deployment. Of operations that ask for the same it is the first that
    /// has not been heard of.
    pub(in crate::sim) fn deployment_wanted(&mut self, ensemble: &EnsembleConfig, deadline: Time) {
        let entries = self.operations.new.iter().map(|(_, entry)| *entry);
        let fits = |entry: &u32| *self.entries[*entry as usize].1 == *ensemble;
        let mut fitting = entries.filter(fits);
        let fresh = fitting.clone().find(|entry| self.asked[*entry as usize] == 0);
        self.wanted = fresh.or_else(|| fitting.next()).map(|entry| (entry, deadline));
    }

    /// The message has been handled.
    pub(in crate::sim) fn nothing_wanted(&mut self) {
        self.wanted = None;
    }

    /// The id of the n-th deployment, from 1, that a node has accepted, among those of which the name of the entry and
    /// the orchestrator fit.
    pub(in crate::sim) fn accepted(
        &self,
        number: u32,
        fits: impl Fn(&str, PeerId) -> bool,
    ) -> Option<EnsembleId> {
        let fitting = self.deployments.iter().filter(|record| {
            record.ensemble.is_some() && fits(&self.entries[record.entry as usize].0, record.by)
        });
        fitting.skip(number.saturating_sub(1) as usize).find_map(|record| record.ensemble)
    }

    /// An operation's time has come.
    pub(in crate::sim) fn operation_asked(&mut self, number: u32) {
        self.operations.records[number as usize].asked = true;
    }

    /// Takes a fact about an operation.
    pub(super) fn apply_operation(&mut self, now: Time, peer: PeerId, fact: &Fact) {
        match fact {
            Fact::OperationAnswered { operation, answer } => {
                self.operations.records[*operation as usize].answers += 1;
                self.operations.hear(now, *operation, answer, true);
            }
            Fact::OperationRefused { operation, reason } => {
                self.operation_refused(now, peer, *operation, reason);
            }
            Fact::OperationUnanswered { operation, reason } => {
                self.operations.records[*operation as usize].unanswered = true;
                self.operations.hear(now, *operation, reason, false);
                self.refuse(now, peer, None, "operation", self.operations.text(*operation, reason));
            }
            Fact::AnchorRefused { slot, reason } => {
                let reason = format!("anchoring under {}: {reason}", slot.as_str());
                self.refuse(now, peer, None, "anchor", reason.into());
            }
            _ => {}
        }
    }

    /// An operation came to nothing, for a reason that is known.
    pub(in crate::sim) fn operation_refused(&mut self, now: Time, peer: PeerId, number: u32, reason: &str) {
        self.operations.records[number as usize].refused = true;
        self.operations.hear(now, number, &reason.into(), false);
        self.refuse(now, peer, None, "operation", self.operations.text(number, reason));
    }

    /// The keys of the revocations of the run.
    pub(in crate::sim) fn revocations(&self) -> impl Iterator<Item = u128> {
        self.revocations.issued.keys().copied()
    }
}
