//! What a supervisor knows about one allocation: heartbeats heard, health checks passed and failed.

use super::detector::Heartbeats;
use crate::dms::constants::{
    ESCALATION_THRESHOLD, HEALTH_CHECK_INTERVAL, HEALTH_CHECK_TIMEOUT, LIVENESS_STALE,
};
use crate::kernel::{Span, Timestamp};

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
    heartbeats: Heartbeats,
    /// When the last heartbeat came.
    reported: Timestamp,
    /// When a health check was last passed.
    passed: Timestamp,
    failures: u32,
    unanswered: u32,
}

impl Watch {
    /// A watch that begins at `now`.
    #[must_use]
    pub const fn starting_at(now: Timestamp) -> Self {
        Self {
            heartbeats: Heartbeats::since(now),
            reported: Timestamp::ZERO,
            passed: Timestamp::ZERO,
            failures: 0,
            unanswered: 0,
        }
    }

    /// A heartbeat came; of the times between them so many are kept.
    pub fn hear(&mut self, now: Timestamp, window: usize) {
        self.heartbeats.hear(now, window);
        self.reported = now;
    }

    /// What was heard of it.
    #[must_use]
    pub const fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    /// It answered a health check.
    pub const fn answer(&mut self, now: Timestamp) {
        self.heartbeats.last = now;
    }

    /// It could not have been heard before `now`.
    pub const fn excuse(&mut self, now: Timestamp) {
        (self.heartbeats.last, self.heartbeats.since) = (now, now);
    }

    /// The clock may have been put back: all that there was is no later than `now`.
    pub fn correct(&mut self, now: Timestamp) {
        self.heartbeats.correct(now);
        (self.reported, self.passed) = (self.reported.min(now), self.passed.min(now));
    }

    /// Whether heartbeats have stopped.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.since(self.heartbeats.last) > LIVENESS_STALE
    }

    /// Notes a health check; the answer says whether this was the third failure in a row or more.
    pub const fn note(&mut self, observation: Observation, now: Timestamp) -> bool {
        match observation {
            Observation::Healthy => (self.failures, self.unanswered, self.passed) = (0, 0, now),
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

    /// All went as it should until `now`, though nobody looked.
    pub fn pass_over(&mut self, now: Timestamp) {
        let heard = self.heartbeats.last.max(now);
        (self.heartbeats.last, self.reported, self.passed) = (heard, heard, heard);
    }

    /// Whether all is as it should be: the last heartbeat has come, where it is to come in each `period`, and the last
    /// health check, where there are any, was passed.
    #[must_use]
    pub fn is_regular(&self, now: Timestamp, period: Span, is_checked: bool) -> bool {
        let reported = now.since(self.reported) <= period + HEALTH_CHECK_TIMEOUT;
        let passed = now.since(self.passed) <= HEALTH_CHECK_INTERVAL + HEALTH_CHECK_TIMEOUT;
        self.failures == 0 && reported && (passed || !is_checked)
    }

    /// Begins to count anew, after something was done about it.
    pub fn reset(&mut self, now: Timestamp) {
        *self = Self::starting_at(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_in_a_row_counts() {
        let mut watch = Watch::starting_at(Timestamp(0));
        assert!(!watch.note(Observation::Unanswered, Timestamp(1)));
        assert!(!watch.note(Observation::Unhealthy, Timestamp(1)));
        assert!(!watch.note(Observation::Healthy, Timestamp(1)));
        assert!(!watch.note(Observation::Unanswered, Timestamp(1)));
        assert!(!watch.note(Observation::Unanswered, Timestamp(1)));
        assert!(watch.note(Observation::Unanswered, Timestamp(1)));
        assert!(watch.is_silent());
    }

    #[test]
    fn heartbeats_are_stale_after_ninety_seconds_and_not_at_them() {
        let watch = Watch::starting_at(Timestamp(0));
        assert!(!watch.is_stale(Timestamp(0) + LIVENESS_STALE));
        assert!(watch.is_stale(Timestamp(1) + LIVENESS_STALE));
    }

    #[test]
    fn an_answer_to_a_health_check_is_no_heartbeat() {
        let mut watch = Watch::starting_at(Timestamp(0));
        for minute in 1..=4 {
            watch.hear(Timestamp(0) + Span::mins(minute), 3);
            watch.answer(Timestamp(0) + Span::mins(minute) + Span::secs(58));
        }
        assert_eq!(watch.heartbeats().gaps, [Span::mins(1); 3]);
        assert_eq!(watch.heartbeats().last, Timestamp(0) + Span::secs(4 * 60 + 58));
    }

    #[test]
    fn what_is_overdue_is_not_regular() {
        let start = Timestamp(0) + Span::hours(1);
        let mut watch = Watch::starting_at(start);
        let period = Span::secs(30);
        let (first, later) = (start + period, start + LIVENESS_STALE);
        watch.hear(first, 0);
        let is_regular = |watch: &Watch, now, is_checked| watch.is_regular(now, period, is_checked);
        assert!(is_regular(&watch, first, false) && !is_regular(&watch, later + HEALTH_CHECK_TIMEOUT, false));
        assert!(!is_regular(&watch, first, true), "no check was passed so far");
        assert!(!watch.note(Observation::Healthy, first + HEALTH_CHECK_INTERVAL));
        assert!(is_regular(&watch, first + HEALTH_CHECK_INTERVAL, true));
        assert!(!watch.note(Observation::Unhealthy, first + HEALTH_CHECK_INTERVAL));
        assert!(!is_regular(&watch, first + HEALTH_CHECK_INTERVAL, true));
    }
}
