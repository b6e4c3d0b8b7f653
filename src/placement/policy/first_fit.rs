//! The first machine that the job fits on, in the order of their ranks (Johnson, "Near-optimal bin packing algorithms",
//! MIT 1973).

use crate::placement::{Ask, Choosing, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct FirstFit;

impl Policy for FirstFit {
    fn name(&self) -> &'static str {
        "first_fit"
    }

    fn score(&self, _: &Ask, _: &Machine) -> Score {
        0.0
    }

    fn choosing(&self) -> Choosing {
        Choosing::First
    }
}
