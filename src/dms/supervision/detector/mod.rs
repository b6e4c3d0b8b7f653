//! Failure detectors: how a supervisor tells that a peer is lost from that it hears nothing of it.
//!
//! DMS counts heartbeats that did not come, whenever its supervisor looks (each 30 s). The others here are extensions:
//! they differ in how often a peer is to report, how long its silence is borne, and whether it is asked.

mod fixed;
mod phi;
mod swim;

use serde::Serialize;

pub use self::fixed::FixedTimeout;
pub use self::phi::PhiAccrual;
pub use self::swim::Swim;
use super::About;
use crate::dms::constants::{HEALTH_CHECK_TIMEOUT, LIVENESS_REPORT_INTERVAL, LIVENESS_STALE};
use crate::kernel::{Span, Timestamp};

/// Judges a peer by when it was heard.
pub trait FailureDetector {
    /// What it is.
    fn about(&self) -> &'static About;

    /// How often an allocation is to report that it lives.
    fn period(&self) -> Span {
        LIVENESS_REPORT_INTERVAL
    }

    /// How many of the times between two heartbeats it wants to know.
    fn window(&self) -> usize {
        0
    }

    /// When a peer becomes suspected of which nothing more is heard; none = silence alone says nothing.
    fn suspects_at(&self, heard: &Heartbeats) -> Option<Timestamp>;

    /// When it is held to be lost.
    fn convicts_at(&self, heard: &Heartbeats) -> Option<Timestamp>;

    /// Whether it has nothing to say, and nothing to remember, as long as every heartbeat comes within seconds of when
    /// it is due.
    fn is_patient(&self) -> bool {
        let first = self
            .suspects_at(&Heartbeats::since(Timestamp::ZERO))
            .or_else(|| self.convicts_at(&Heartbeats::since(Timestamp::ZERO)));
        let bears =
            first.is_some_and(|first| first.since(Timestamp::ZERO) > self.period() + HEALTH_CHECK_TIMEOUT);
        self.window() == 0 && self.probing().is_none() && bears
    }

    /// How peers are asked whether they live, where that is done.
    fn probing(&self) -> Option<Swim> {
        None
    }
}

/// What was heard of an allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeats {
    /// The last sign of life, an answer to a health check included.
    pub last: Timestamp,
    /// When the gap under way began: with the last heartbeat, or with the watch.
    pub since: Timestamp,
    /// The times between the last heartbeats, oldest first, as many as the detector wants to know.
    pub gaps: Vec<Span>,
}

impl Heartbeats {
    /// Nothing was heard before `now`.
    #[must_use]
    pub const fn since(now: Timestamp) -> Self {
        Self { last: now, since: now, gaps: Vec::new() }
    }

    /// A heartbeat came.
    pub fn hear(&mut self, now: Timestamp, window: usize) {
        if window > 0 {
            if self.gaps.len() >= window {
                self.gaps.remove(0);
            }
            self.gaps.push(now.since(self.since));
        }
        (self.last, self.since) = (now, now);
    }

    /// Nothing is heard later than `now`: what seems to have been was heard before the clock was put back.
    pub fn correct(&mut self, now: Timestamp) {
        (self.last, self.since) = (self.last.min(now), self.since.min(now));
    }
}

/// DMS's own way: heartbeats older than 90 s, whenever its supervisor looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Ticking;

impl FailureDetector for Ticking {
    fn about(&self) -> &'static About {
        &About {
            name: "dms",
            line: "no heartbeat for 90 s, looked at each 30 s (DMS's own)",
            source: "dms-orchestration sections 3.3 and 4.2",
        }
    }

    fn suspects_at(&self, _: &Heartbeats) -> Option<Timestamp> {
        None
    }

    fn convicts_at(&self, heard: &Heartbeats) -> Option<Timestamp> {
        Some(heard.last + LIVENESS_STALE)
    }
}

/// A detector with its parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// See [`Ticking`].
    Dms(Ticking),
    /// See [`FixedTimeout`].
    Fixed(FixedTimeout),
    /// See [`PhiAccrual`].
    Phi(PhiAccrual),
    /// See [`Swim`].
    Swim(Swim),
}

impl Default for Detector {
    fn default() -> Self {
        Self::Dms(Ticking)
    }
}

impl Detector {
    /// One of each kind, with what it has where a scenario says no more.
    pub const ALL: [Self; 4] = [
        Self::Dms(Ticking),
        Self::Fixed(FixedTimeout::DEFAULT),
        Self::Phi(PhiAccrual::DEFAULT),
        Self::Swim(Swim::DEFAULT),
    ];

    /// Its logic.
    #[must_use]
    pub const fn logic(&self) -> &dyn FailureDetector {
        match self {
            Self::Dms(one) => one,
            Self::Fixed(one) => one,
            Self::Phi(one) => one,
            Self::Swim(one) => one,
        }
    }

    /// Whether it is DMS's own, which looks at the supervisor's ticks only.
    #[must_use]
    pub const fn ticks(&self) -> bool {
        matches!(self, Self::Dms(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_the_oldest_gap() {
        let mut heard = Heartbeats::since(Timestamp(0));
        for second in [1, 3, 6, 10] {
            heard.hear(Timestamp(0) + Span::secs(second), 3);
        }
        assert_eq!(heard.gaps, [2, 3, 4].map(Span::secs));
        assert_eq!(heard.last, Timestamp(0) + Span::secs(10));
    }

    #[test]
    fn whoever_suspects_does_so_before_it_is_sure() {
        let mut heard = Heartbeats::since(Timestamp(0));
        (1..=20).for_each(|second| heard.hear(Timestamp(0) + Span::secs(second), 100));
        for detector in Detector::ALL {
            let (suspects, convicts) =
                (detector.logic().suspects_at(&heard), detector.logic().convicts_at(&heard));
            assert!(suspects.is_none_or(|suspects| Some(suspects) <= convicts), "{detector:?}");
        }
    }
}
