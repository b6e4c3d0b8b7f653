//! What became of operators' operations, and how far revocations got.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Ledger;
use crate::dms::fact::Fact;
use crate::kernel::Time;
use crate::observe::SpanHistogram;
use crate::sim::event::PeerId;
use crate::sim::setup::Setup;

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    asked: bool,
    answers: u64,
    refused: bool,
    unanswered: bool,
}

/// All operations of a run, by their number in the setup.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    texts: Vec<String>,
    records: Vec<Record>,
}

impl Operations {
    pub(super) fn of(setup: &Setup) -> Self {
        let text = |one: &crate::sim::setup::Operation| format!("{}: {}", one.by, one.kind);
        Self {
            texts: setup.operations.iter().map(text).collect(),
            records: vec![Record::default(); setup.operations.len()],
        }
    }

    /// An operation and why it came to nothing.
    pub(super) fn text(&self, number: u32, reason: &str) -> Arc<str> {
        format!("{}: {reason}", self.texts[number as usize]).into()
    }

    fn count(&self, test: impl Fn(&Record) -> bool) -> f64 {
        self.records.iter().filter(|record| test(record)).count() as f64
    }

    /// Metrics by name.
    pub(super) fn metrics(&self) -> [(&'static str, f64); 5] {
        [
            ("operations.asked", self.count(|record| record.asked)),
            ("operations.answered", self.count(|record| record.answers > 0)),
            ("operations.refused", self.count(|record| record.refused)),
            ("operations.unanswered", self.count(|record| record.unanswered)),
            ("operations.answers", self.records.iter().map(|record| record.answers).sum::<u64>() as f64),
        ]
    }
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

    pub(super) fn len(&self) -> usize {
        self.issued.len()
    }
}

impl Ledger {
    /// An operation's time has come.
    pub(in crate::sim) fn operation_asked(&mut self, number: u32) {
        self.operations.records[number as usize].asked = true;
    }

    /// Takes a fact about an operation.
    pub(super) fn apply_operation(&mut self, now: Time, peer: PeerId, fact: &Fact) {
        match fact {
            Fact::OperationAnswered { operation, .. } => {
                self.operations.records[*operation as usize].answers += 1;
            }
            Fact::OperationRefused { operation, reason } => {
                self.operation_refused(now, peer, *operation, reason);
            }
            Fact::OperationUnanswered { operation, reason } => {
                self.operations.records[*operation as usize].unanswered = true;
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
        self.refuse(now, peer, None, "operation", self.operations.text(number, reason));
    }

    /// The keys of the revocations of the run.
    pub(in crate::sim) fn revocations(&self) -> impl Iterator<Item = u128> {
        self.revocations.issued.keys().copied()
    }
}
