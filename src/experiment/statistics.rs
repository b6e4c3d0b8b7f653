//! Means with their intervals.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

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

    /// Whether the interval lies on one side of zero.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.value.abs() > self.half_width
    }
}

/// The quantile of Student's t by which an interval of this confidence (0 to 1) is wider than the standard error.
///
/// # Panics
/// Without a degree of freedom.
#[must_use]
pub fn quantile(confidence: f64, freedom: usize) -> f64 {
    let law = StudentsT::new(0.0, 1.0, freedom as f64).expect("there is at least one degree of freedom");
    law.inverse_cdf(1.0 - (1.0 - confidence) / 2.0)
}

/// The mean of independent measurements. What is not a number was not measured and is left out.
#[must_use]
pub fn mean(values: &[f64], confidence: f64) -> Estimate {
    let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = known.len() as f64;
    let value = known.iter().sum::<f64>() / count;
    if known.len() < 2 {
        return Estimate { value, half_width: f64::NAN };
    }
    let squares: f64 = known.iter().map(|one| (one - value) * (one - value)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    Estimate { value, half_width: quantile(confidence, known.len() - 1) * error }
}

#[cfg(test)]
mod tests {
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
        assert!(found.is_certain());
        let alone = mean(&[3.0], 0.95);
        assert!(alone.half_width.is_nan() && !alone.is_certain());
    }
}
