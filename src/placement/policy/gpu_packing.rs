//! Cards that are in use before those that are not, and machines in use before those that are not: "GpuPacking" in the
//! openb experiment (openb-placement, Rules), after Weng et al., "MLaaS in the wild", NSDI 2022.

use crate::placement::{Ask, Machine, Policy, Score, WHOLE_CARD_MILLI};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct GpuPacking;

impl Policy for GpuPacking {
    fn name(&self) -> &'static str {
        "gpu_packing"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        if ask.cards == 0 {
            return 0.0;
        }
        let all = machine.cards.len() as i64;
        if machine.cards.iter().all(|card| card.free_milli == WHOLE_CARD_MILLI) {
            return (33 - all).max(all) as f64;
        }
        let taken = machine.tightest_cards(ask).expect("the job fits on the machine");
        let free_milli = taken.iter().map(|&place| machine.cards[usize::from(place)].free_milli);
        let unused = free_milli.clone().filter(|&free| free == WHOLE_CARD_MILLI).count() as i64;
        if unused > 0 {
            return (50 - unused).max(33) as f64;
        }
        // Per cent of each card that are left, cut to whole ones.
        let left: i64 = free_milli.map(|free| i64::from(free * 100 / WHOLE_CARD_MILLI)).sum();
        (100 - left / 10).max(50) as f64
    }
}
