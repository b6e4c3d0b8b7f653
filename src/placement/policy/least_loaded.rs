//! The machine with the fewest jobs that run or wait: join the shortest queue (Winston, "Optimality of the shortest
//! line discipline", J. Appl. Prob. 14, 1977).

use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct LeastLoaded;

impl Policy for LeastLoaded {
    fn name(&self) -> &'static str {
        "least_loaded"
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        -f64::from(machine.known.jobs)
    }
}
