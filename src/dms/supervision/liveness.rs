//! What a supervisor knows about one allocation: heartbeats heard, health checks passed and failed.

use crate::dms::constants::{ESCALATION_THRESHOLD, LIVENESS_STALE};
use crate::kernel::Timestamp;

/// How a health check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observation {
    /// Answered: healthy.
    Healthy,
    /// Answered: not healthy.
    Unhealthy,
    /// Not answered in time.
    Unanswered,
}

/// The watch over one allocation.
#[derive(Clone, Debug)]
pub struct Watch {
    heard: Timestamp,
    failures: u32,
    unanswered: u32,
}

impl Watch {
    /// A watch that begins at `now`.
    #[must_use]
    pub const fn starting_at(now: Timestamp) -> Self {
        Self { heard: now, failures: 0, unanswered: 0 }
    }

    /// A heartbeat came.
    pub const fn hear(&mut self, now: Timestamp) {
        self.heard = now;
    }

    /// Whether heartbeats have stopped.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.since(self.heard) > LIVENESS_STALE
    }

    /// Notes a health check; the answer says whether this was the third failure in a row or more.
    pub const fn note(&mut self, observation: Observation) -> bool {
        match observation {
            Observation::Healthy => (self.failures, self.unanswered) = (0, 0),
            Observation::Unhealthy => (self.failures, self.unanswered) = (self.failures + 1, 0),
            Observation::Unanswered => {
                (self.failures, self.unanswered) = (self.failures + 1, self.unanswered + 1);
            }
        }
        self.failures >= ESCALATION_THRESHOLD
    }

    /// Whether the peer itself seems to be gone: nothing of it was heard during the failures counted.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.unanswered >= ESCALATION_THRESHOLD
    }

    /// Begins to count anew, after something was done about it.
    pub const fn reset(&mut self, now: Timestamp) {
        *self = Self::starting_at(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_in_a_row_counts() {
        let mut watch = Watch::starting_at(Timestamp(0));
        assert!(!watch.note(Observation::Unanswered));
        assert!(!watch.note(Observation::Unhealthy));
        assert!(!watch.note(Observation::Healthy));
        assert!(!watch.note(Observation::Unanswered));
        assert!(!watch.note(Observation::Unanswered));
        assert!(watch.note(Observation::Unanswered));
        assert!(watch.is_silent());
    }

    #[test]
    fn heartbeats_are_stale_after_ninety_seconds_and_not_at_them() {
        let watch = Watch::starting_at(Timestamp(0));
        assert!(!watch.is_stale(Timestamp(0) + LIVENESS_STALE));
        assert!(watch.is_stale(Timestamp(1) + LIVENESS_STALE));
    }
}
