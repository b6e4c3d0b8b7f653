//! Numbers with their intervals (docs/statistics.md has the formulas).
//!
//! Measurements that are independent of each other have a mean by Student's t, a bootstrap interval that asks nothing
//! of how they are distributed, and quantiles with intervals by ranks. Those that follow each other in one long run are
//! not independent: first what comes of its beginning is cut off, then they are taken together in batches.

mod batches;
mod bootstrap;
mod many;
mod quantiles;
mod stopping;
mod two_samples;
mod warm_up;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

pub use self::batches::{batch_means, effective_size};
pub use self::bootstrap::bootstrap;
pub use self::many::{holm, p_value};
pub use self::quantiles::quantile_of;
pub use self::stopping::Stopping;
pub use self::two_samples::Difference;
pub use self::warm_up::{WarmUp, mser5};

/// A number that was estimated.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Estimate {
    /// The estimate, in the middle of its interval.
    pub value: f64,
    /// Half of the interval, in the unit of the value; not a number where one measurement says nothing about it.
    pub half_width: f64,
}

impl Estimate {
    /// A number that was computed and not drawn.
    #[must_use]
    pub const fn computed(value: f64) -> Self {
        Self { value, half_width: 0.0 }
    }
}

/// An interval that need not lie evenly around what was estimated.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Interval {
    /// What was estimated.
    pub value: f64,
    /// The lower end; not a number where nothing can be said.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether it holds a number.
    #[must_use]
    pub fn holds(&self, number: f64) -> bool {
        (self.low..=self.high).contains(&number)
    }
}

impl From<Estimate> for Interval {
    fn from(Estimate { value, half_width }: Estimate) -> Self {
        Self { value, low: value - half_width, high: value + half_width }
    }
}

/// The quantile of Student's t by which an interval of this confidence (0 to 1) is wider than the standard error.
///
/// # Panics
/// Without a degree of freedom.
#[must_use]
pub fn quantile(confidence: f64, freedom: usize) -> f64 {
    quantile_at(confidence, freedom as f64)
}

/// The same with degrees of freedom that are no whole number.
fn quantile_at(confidence: f64, freedom: f64) -> f64 {
    let law = StudentsT::new(0.0, 1.0, freedom).expect("there is at least one degree of freedom");
    law.inverse_cdf(1.0 - (1.0 - confidence) / 2.0)
}

/// The mean of independent measurements. What is not a number was not measured and is left out.
#[must_use]
pub fn mean(values: &[f64], confidence: f64) -> Estimate {
    let known = measured(values);
    let (count, value) = (known.len(), average(&known));
    if count < 2 {
        return Estimate { value, half_width: f64::NAN };
    }
    let error = (variance(&known) / count as f64).sqrt();
    Estimate { value, half_width: quantile(confidence, count - 1) * error }
}

/// The standard deviation of independent measurements, by Bessel's formula; not a number for fewer than two.
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    variance(&measured(values)).sqrt()
}

/// What was measured.
fn measured(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

pub(super) fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of a sample.
fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = average(values);
    let squares: f64 = values.iter().map(|one| (one - mean) * (one - mean)).sum();
    squares / (values.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::draws::{Draws, covered};
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (confidence, freedom, expected) in [(0.95, 1, 12.706), (0.95, 19, 2.093), (0.999, 9, 4.781)] {
            assert!((quantile(confidence, freedom) - expected).abs() < 1e-3, "{freedom}");
        }
    }

    #[test]
    fn a_mean_has_the_interval_of_the_textbook() {
        let values: Vec<f64> = (1..=10).map(f64::from).chain([f64::NAN]).collect();
        let found = mean(&values, 0.95);
        assert!((found.value - 5.5).abs() < 1e-12);
        assert!((found.half_width - 2.262_157 * (55.0_f64 / 6.0 / 10.0).sqrt()).abs() < 1e-5);
        let alone = mean(&[3.0], 0.95);
        assert!(alone.half_width.is_nan());
        assert!((standard_deviation(&values) - (55.0_f64 / 6.0).sqrt()).abs() < 1e-12);
        assert!(standard_deviation(&[3.0]).is_nan());
    }

    /// Of pairs that share most of their noise the difference is known far better than either of the two.
    #[test]
    fn what_pairs_have_in_common_cancels_out() {
        let mut draws = Draws::of(1);
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let common = 10.0 * draws.normal();
            one.push(common + 1.0 + 0.1 * draws.normal());
            other.push(common + 0.1 * draws.normal());
        }
        let differences: Vec<f64> = one.iter().zip(&other).map(|(one, other)| one - other).collect();
        let paired = mean(&differences, 0.95);
        assert!((paired.value - 1.0).abs() < 0.2 && paired.half_width < 0.2, "{paired:?}");
        let alone = mean(&one, 0.95);
        assert!(alone.half_width > 30.0 * paired.half_width, "{alone:?} {paired:?}");
    }

    /// Intervals of 95 % hold what they estimate in 95 of 100 cases; where the law is skewed in somewhat fewer.
    #[test]
    fn intervals_of_means_hold_as_often_as_they_say() {
        let mut draws = Draws::of(2);
        for (share, least, most) in [
            (covered(2000, || mean(&draws.many(10, Draws::normal), 0.95).into(), 0.0), 0.94, 0.96),
            (covered(2000, || mean(&draws.many(40, Draws::exponential), 0.95).into(), 1.0), 0.92, 0.96),
        ] {
            assert!((least..most).contains(&share), "{share}");
        }
    }
}

/// Draws for tests of statistics.
#[cfg(test)]
mod draws {
    use super::Interval;
    use crate::kernel::{Domain, Rng, Streams};

    const TEST: Domain = Domain::new("experiment.statistics.test");

    pub(super) struct Draws(Rng<'static>);

    impl Draws {
        pub(super) fn of(seed: u64) -> Self {
            Self(Streams::new(seed).owned(TEST, 0))
        }

        pub(super) fn normal(&mut self) -> f64 {
            let radius = (-2.0 * libm::log(self.0.open_unit_f64())).sqrt();
            radius * libm::cos(std::f64::consts::TAU * self.0.unit_f64())
        }

        pub(super) fn exponential(&mut self) -> f64 {
            -libm::log(self.0.open_unit_f64())
        }

        pub(super) fn many(&mut self, count: usize, one: fn(&mut Self) -> f64) -> Vec<f64> {
            (0..count).map(|_| one(self)).collect()
        }

        /// An autoregressive process of the first order with mean 0 and variance 1, from a start of its own.
        pub(super) fn autoregressive(&mut self, count: usize, memory: f64, start: f64) -> Vec<f64> {
            let mut state = start;
            let noise = (1.0 - memory * memory).sqrt();
            let next = |_| {
                state = memory * state + noise * self.normal();
                state
            };
            (0..count).map(next).collect()
        }
    }

    /// How many of so many intervals hold the truth.
    pub(super) fn covered(count: u32, mut one: impl FnMut() -> Interval, truth: f64) -> f64 {
        let held = (0..count).filter(|_| one().holds(truth)).count();
        held as f64 / f64::from(count)
    }
}
