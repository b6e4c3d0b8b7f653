//! The least loaded of a few machines that are drawn: the power of two choices (Mitzenmacher, "The power of two choices
//! in randomized load balancing", IEEE Trans. Parallel Distrib. Syst. 12, 2001).

use crate::placement::{Ask, Choosing, Machine, Policy, Score};

/// The policy, with how many machines are drawn.
#[derive(Clone, Copy, Debug)]
pub struct PowerOfD(pub u32);

impl Policy for PowerOfD {
    fn name(&self) -> &'static str {
        "power_of_d"
    }

    fn parameters(&self) -> String {
        self.0.to_string()
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        -f64::from(machine.known.jobs)
    }

    fn choosing(&self) -> Choosing {
        Choosing::BestOfDrawn(self.0)
    }
}
