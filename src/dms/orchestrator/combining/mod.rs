//! Combining bids to a candidate, one for each node, of which no two are known not to go together: any of them with the
//! same probability ([`any`]), the best ([`best`]), or as the real DMS draws them ([`draws`]).

use std::collections::BTreeSet;

pub mod any;
pub mod best;
pub mod draws;

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

    /// The bids of a node that go with those that were chosen for the nodes before it.
    fn fitting(&self, chosen: &[usize]) -> Vec<usize> {
        let node = chosen.len();
        let fits = |bid: &usize| {
            chosen.iter().enumerate().all(|(other, choice)| self.allows((other, *choice), (node, *bid)))
        };
        (0..self.counts.get(node).copied().unwrap_or(0)).filter(fits).collect()
    }
}
