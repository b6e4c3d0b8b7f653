//! Any machine that the job fits on, with the same probability: what DMS does (dms-orchestration section 2.7), and
//! "Random" in the openb experiment. Which of its cards is drawn, too.

use crate::kernel::Rng;
use crate::placement::{Ask, Cards, Choosing, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct Uniform;

impl Policy for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn score(&self, _: &Ask, _: &Machine) -> Score {
        0.0
    }

    fn choosing(&self) -> Choosing {
        Choosing::Any
    }

    fn cards(&self, ask: &Ask, machine: &Machine, random: &mut Rng<'_>) -> Cards {
        if !ask.is_share() {
            return machine.tightest_cards(ask).expect("the job fits on the machine");
        }
        let fitting: Cards = machine.suitable(ask).map(|place| place as u16).collect();
        random.choose(&fitting).copied().into_iter().collect()
    }
}
