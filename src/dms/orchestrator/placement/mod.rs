//! Placement: which bid each node gets. One file a policy; [`Policy`] is the registry.

use serde::Serialize;

use crate::kernel::random::Rng;

mod uniform;

/// How many bids each node has; a candidate is one index for each node.
pub type Bids<'a> = &'a [usize];

/// The policies by the name that scenarios use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Any candidate with the same probability: what DMS does.
    Uniform,
}

impl Policy {
    /// Every policy with its name and a line about it.
    pub const ALL: [(Self, &'static str, &'static str); 1] =
        [(Self::Uniform, "uniform", "any candidate with the same probability (dms-orchestration 2.7)")];

    /// One candidate: for each node the place of the bid taken, or none when some node has no bid.
    #[must_use]
    pub fn choose(self, bids: Bids<'_>, random: &mut Rng<'_>) -> Option<Vec<usize>> {
        match self {
            Self::Uniform => uniform::choose(bids, random),
        }
    }
}
