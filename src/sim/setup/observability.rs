//! Who is looked at, and how.

use crate::dms::observability::ObserverConfig;
use crate::kernel::{Span, Time};

/// Peers that are observed in one way.
#[derive(Clone, PartialEq, Debug)]
pub struct ObserverPlan {
    /// The names of the peers.
    pub peers: Vec<String>,
    /// What their configurations say.
    pub config: ObserverConfig,
    /// When their servers (Elasticsearch, APM) are away, and for how long.
    pub away: Vec<(Time, Span)>,
}

impl ObserverPlan {
    /// Whether their servers answer at this time.
    #[must_use]
    pub fn servers_answer(&self, at: Time) -> bool {
        !self.away.iter().any(|(from, lasts)| *from <= at && at < *from + *lasts)
    }
}
