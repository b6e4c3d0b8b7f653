//! The machine on which most is left, so that jobs spread: the opposite of best fit, by the same measure.

use super::Scale;
use super::best_fit::left;
use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct WorstFit(pub Scale);

impl Policy for WorstFit {
    fn name(&self) -> &'static str {
        "worst_fit"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        libm::trunc(100.0 * left(self.0, ask, machine))
    }
}
