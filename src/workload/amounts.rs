//! Random amounts with bounds: how many, how much, how long.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernel::Rng;
use crate::kernel::sample::{Distribution, DistributionError};

/// Random numbers between two bounds. What is drawn beyond a bound becomes the bound, so a heavy tail ends there and
/// the bound itself is as likely as all that lies behind it.
///
/// The unit is that of whoever uses it: where [`Distribution`] says seconds, cores, bytes or cards may be meant.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// What is drawn.
    pub of: Distribution,
    /// Never less.
    pub least: f64,
    /// Never more; infinite where nothing is said.
    pub most: f64,
}

/// Why amounts make no sense.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum AmountsError {
    /// The distribution makes none.
    #[error(transparent)]
    Distribution(#[from] DistributionError),
    /// The bounds are the wrong way round, or not numbers.
    #[error("the least amount, {least}, must not be above the most, {most}")]
    Reversed {
        /// The lower bound.
        least: f64,
        /// The upper bound.
        most: f64,
    },
}

impl Amounts {
    /// Whatever the distribution gives.
    #[must_use]
    pub const fn unbounded(of: Distribution) -> Self {
        Self { of, least: 0.0, most: f64::INFINITY }
    }

    /// Always the same.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self::unbounded(Distribution::Constant { value_s: value })
    }

    /// Checks distribution and bounds.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn check(&self) -> Result<(), AmountsError> {
        self.of.check()?;
        let (least, most) = (self.least, self.most);
        let makes_sense = least.is_finite() && least >= 0.0 && least.total_cmp(&most).is_le();
        if makes_sense { Ok(()) } else { Err(AmountsError::Reversed { least, most }) }
    }

    /// A random amount.
    pub fn sample(&self, rng: &mut Rng<'_>) -> f64 {
        self.of.sample_s(rng).max(self.least).min(self.most)
    }

    /// A random whole amount: the nearest one.
    pub fn sample_whole(&self, rng: &mut Rng<'_>) -> u64 {
        libm::round(self.sample(rng)) as u64
    }

    /// The mean of the distribution, moved into the bounds: with bounds that cut off much the true mean differs.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.of.mean_s().max(self.least).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    /// Of a Pareto from 1 on with exponent 1 half lies beyond 2, and the mean up to a bound b is 1 + ln b.
    #[test]
    fn a_tail_ends_at_its_bound() {
        let heavy = Amounts { of: Distribution::Pareto { shape: 1.0, scale_s: 1.0 }, least: 0.0, most: 2.0 };
        let mut rng = Streams::new(4).owned(Domain::new("workload.amounts.test"), 0);
        let all: Vec<f64> = (0..40_000).map(|_| heavy.sample(&mut rng)).collect();
        let bound = all.iter().filter(|amount| amount.total_cmp(&2.0).is_eq()).count() as f64 / 40_000.0;
        let mean = all.iter().sum::<f64>() / 40_000.0;
        assert!((bound - 0.5).abs() < 0.01 && (mean - 1.693_147).abs() < 0.008, "{bound} {mean}");
        assert_eq!((heavy.mean(), Amounts::constant(3.0).mean()), (2.0, 3.0));
    }

    #[test]
    fn bounds_must_make_sense() {
        let with = |least, most| Amounts { least, most, ..Amounts::constant(1.0) }.check();
        assert!(with(0.0, f64::INFINITY).is_ok() && with(2.0, 2.0).is_ok());
        for (least, most) in [(2.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (f64::INFINITY, f64::INFINITY)] {
            assert!(matches!(with(least, most), Err(AmountsError::Reversed { .. })), "{least} {most}");
        }
        assert!(matches!(Amounts::constant(-1.0).check(), Err(AmountsError::Distribution(_))));
    }
}
