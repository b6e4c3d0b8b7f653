//! A fixed timeout.

use serde::Serialize;

use super::{About, FailureDetector, Heartbeats};
use crate::dms::constants::{LIVENESS_REPORT_INTERVAL, LIVENESS_STALE};
use crate::kernel::{Span, Timestamp};

/// An allocation is lost when nothing has been heard of it for so long, and suspected half-way from the heartbeat that
/// is missed to that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct FixedTimeout {
    /// How often it is to report.
    pub period: Span,
    /// How long its silence is borne.
    pub timeout: Span,
}

impl FixedTimeout {
    /// With DMS's own times, but looked at in time.
    pub const DEFAULT: Self = Self { period: LIVENESS_REPORT_INTERVAL, timeout: LIVENESS_STALE };
}

impl FailureDetector for FixedTimeout {
    fn about(&self) -> &'static About {
        &About {
            name: "fixed",
            line: "no heartbeat for a fixed time, noticed the moment that it is over",
            source: "Chandra and Toueg, JACM 43(2), 1996; Chen, Toueg and Aguilera, IEEE ToC 51(5), 2002",
        }
    }

    fn period(&self) -> Span {
        self.period
    }

    fn suspects_at(&self, heard: &Heartbeats) -> Option<Timestamp> {
        let late = Span(self.period.0.midpoint(self.timeout.0)).min(self.timeout);
        Some(heard.last + late)
    }

    fn convicts_at(&self, heard: &Heartbeats) -> Option<Timestamp> {
        Some(heard.last + self.timeout)
    }
}
