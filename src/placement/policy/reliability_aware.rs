//! The machine that has been up for the longest: where sessions have heavy tails, the longer one has lasted the longer
//! it will go on (Godfrey, Shenker and Stoica, "Minimizing churn in distributed systems", SIGCOMM 2006).

use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct ReliabilityAware;

impl Policy for ReliabilityAware {
    fn name(&self) -> &'static str {
        "reliability_aware"
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        machine.known.up_s.map_or(Score::MIN, |up_s| up_s)
    }
}
