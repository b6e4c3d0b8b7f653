//! The machine on which least is left: "BestFit" in the openb experiment (openb-placement, Rules), which weighs cores
//! and cards alike.

use super::Scale;
use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct BestFit(pub Scale);

impl Policy for BestFit {
    fn name(&self) -> &'static str {
        "best_fit"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        libm::trunc(100.0 * (1.0 - left(self.0, ask, machine)))
    }
}

/// What is left of cores and cards once the job is there, as a part of a whole machine: the mean of the two.
pub(super) fn left(scale: Scale, ask: &Ask, machine: &Machine) -> f64 {
    let cpu = (machine.free.cpu_milli - ask.cpu_milli) as f64;
    let cards = (machine.free_cards_milli() - ask.cards_milli()) as f64;
    0.5 * cpu / scale.cpu_milli + 0.5 * cards / scale.cards_milli
}
