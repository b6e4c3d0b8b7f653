//! Placement: which bid each node gets. One file a policy; [`Policy`] is the registry.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::kernel::random::Rng;

pub mod draws;
mod uniform;

/// One of the bids of one node: the node's place among those to choose for, and the bid's place among its bids.
pub type Choice = (usize, usize);

/// What a candidate is chosen from: how many bids each node has, and which of them are known not to go together. A
/// candidate is one bid for each node.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    counts: Vec<usize>,
    barred: BTreeSet<(Choice, Choice)>,
}

impl Offers {
    /// Nodes with so many bids each, all of which go together.
    #[must_use]
    pub const fn new(counts: Vec<usize>) -> Self {
        Self { counts, barred: BTreeSet::new() }
    }

    /// How many bids each node has.
    #[must_use]
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// These two do not go together.
    pub fn bar(&mut self, one: Choice, other: Choice) {
        self.barred.insert((one.min(other), one.max(other)));
    }

    /// Whether nothing is known against taking these two.
    #[must_use]
    pub fn allows(&self, one: Choice, other: Choice) -> bool {
        self.barred.is_empty() || !self.barred.contains(&(one.min(other), one.max(other)))
    }
}

/// The policies by the name that scenarios use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Any candidate with the same probability: what DMS does.
    #[default]
    Uniform,
}

impl Policy {
    /// Every policy with its name and a line about it.
    pub const ALL: [(Self, &'static str, &'static str); 1] =
        [(Self::Uniform, "uniform", "any candidate with the same probability (dms-orchestration 2.7)")];

    /// One candidate of bids that go together: for each node the place of the bid taken, or none when there is no such
    /// candidate.
    #[must_use]
    pub fn choose(self, offers: &Offers, random: &mut Rng<'_>) -> Option<Vec<usize>> {
        match self {
            Self::Uniform => uniform::choose(offers, random),
        }
    }
}
