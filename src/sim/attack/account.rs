//! What came of one attacker's attempts.

use std::sync::Arc;

use crate::kernel::{Span, Time};
use crate::observe::{AttackRow, Text};

/// Counts and times of one attacker. An attempt is a message given to the network; a broadcast reaches many, and each
/// of them executes or refuses it.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    attempts: u64,
    executed: u64,
    refused: u64,
    successes: u64,
    before_anchoring: u64,
    first_attempt: Option<Time>,
    graylisted: Option<Time>,
    /// The first refusal that no execution followed.
    refused_since: Option<Time>,
    example: Option<Arc<str>>,
}

impl Account {
    /// A message goes out; `graylisted` if none of the sender's connections takes it.
    pub(super) fn attempt(&mut self, now: Time, graylisted: bool) {
        self.attempts += 1;
        self.first_attempt.get_or_insert(now);
        if graylisted {
            self.graylisted.get_or_insert(now);
        }
    }

    /// A receiver refused it.
    pub(super) fn refused(&mut self, now: Time) {
        self.refused += 1;
        self.refused_since.get_or_insert(now);
    }

    /// A receiver executed it.
    pub(super) fn executed(&mut self) {
        self.executed += 1;
        self.refused_since = None;
    }

    /// A receiver executed what it must not have.
    pub(super) fn success(&mut self, what: impl FnOnce() -> String) {
        self.successes += 1;
        self.example.get_or_insert_with(|| what().into());
    }

    /// A receiver that does not know of the revocation executed what it otherwise would not have.
    pub(super) const fn before_anchoring(&mut self) {
        self.before_anchoring += 1;
    }

    pub(super) fn row(
        &self,
        peer: Text,
        attack: &'static str,
        organization: &str,
        start: Time,
        end: Time,
    ) -> AttackRow {
        let since_first = |at: Time| self.first_attempt.map(|first| at.since(first));
        let shut_out = [self.graylisted, self.refused_since].into_iter().flatten().min();
        AttackRow {
            peer,
            attack: attack.into(),
            organization: organization.into(),
            start_s: start.as_secs_f64(),
            end_s: end.as_secs_f64(),
            attempts: self.attempts,
            executed: self.executed,
            refused: self.refused,
            successes: self.successes,
            before_anchoring: self.before_anchoring,
            shut_out_after_s: shut_out.and_then(since_first).map(Span::as_secs_f64),
            graylisted_after_s: self.graylisted.and_then(since_first).map(Span::as_secs_f64),
            example: self.example.clone().unwrap_or_else(|| "".into()),
        }
    }
}
