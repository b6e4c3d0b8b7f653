//! Clocks that are wrong.

use crate::kernel::sample::Distribution;

/// How the clocks of a group of peers are wrong.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ClockPlan {
    /// By how much they are off at the start.
    pub skew: Skew,
    /// How much faster or slower than time they run.
    pub drift: Drift,
}

/// By how much a clock is off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Skew {
    /// All by so many nanoseconds; below zero they are behind.
    All(i64),
    /// Each by a time that is drawn evenly from so many nanoseconds behind to as many ahead.
    Within(u64),
    /// Each by a time that is drawn, ahead or behind with equal chances.
    Drawn(Distribution),
}

impl Default for Skew {
    fn default() -> Self {
        Self::All(0)
    }
}

/// How much faster than time a clock runs, in billionths; below zero slower.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drift {
    /// All by so much.
    All(i32),
    /// Each by an amount that is drawn evenly from so much slower to as much faster.
    Within(u32),
}

impl Default for Drift {
    fn default() -> Self {
        Self::All(0)
    }
}
