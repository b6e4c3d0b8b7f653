//! SWIM: asking, also by way of others.

use serde::Serialize;

use super::{About, FailureDetector, Heartbeats};
use crate::dms::constants::LIVENESS_REPORT_INTERVAL;
use crate::kernel::{Span, Timestamp};

/// In each round one of the peers is asked whether it lives, in an order that is drawn anew when all have been asked.
/// If it does not answer in time, others are asked to ask it; if they hear nothing either, it is suspected, and lost
/// unless a sign of life comes before the suspicion has lasted so long.
///
/// An orchestrator that watches its providers is the one member here that asks; the others that it asks for help are
/// those that host other nodes of the ensemble or have bidden for it. So suspicions need not be gossiped.
///
/// That a peer lives says nothing of its programs: it may have come back, before anybody asked, without its disk. So
/// one of whose programs nothing was heard for [`Swim::MOST_SILENCE`] has lost it when it answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Swim {
    /// The length of a round.
    pub period: Span,
    /// How long an answer is waited for, and as long again for those who were asked to ask.
    pub timeout: Span,
    /// How many others are asked for help.
    pub helpers: u32,
    /// How long a suspicion lasts.
    pub suspicion: Span,
}

impl Swim {
    /// What a scenario has that says no more.
    pub const DEFAULT: Self =
        Self { period: Span::secs(10), timeout: Span::secs(2), helpers: 3, suspicion: Span::secs(20) };

    /// How long nothing may be heard of a program whose peer lives: three reports.
    pub const MOST_SILENCE: Span = Span(3 * LIVENESS_REPORT_INTERVAL.0);

    /// How long that may be where only others hear the peer, and it has not acknowledged that another node orchestrates
    /// the deployment now: it may not listen to that one, and never reports then, however well it is. One that has may
    /// be heard by others only for as long as a link is broken.
    pub const LONGEST_DETOUR: Span = Span::mins(5);
}

impl FailureDetector for Swim {
    fn about(&self) -> &'static About {
        &About {
            name: "swim",
            line: "peers are asked in turn, also by way of others, and suspected before they are lost",
            source: "Das, Gupta and Motivala, SWIM, DSN 2002",
        }
    }

    fn suspects_at(&self, _: &Heartbeats) -> Option<Timestamp> {
        None
    }

    fn convicts_at(&self, _: &Heartbeats) -> Option<Timestamp> {
        None
    }

    fn probing(&self) -> Option<Swim> {
        Some(*self)
    }
}
