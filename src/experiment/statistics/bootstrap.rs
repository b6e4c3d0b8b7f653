//! An interval that asks nothing of the law of the measurements but that they are independent (Efron, "Better bootstrap
//! confidence intervals", J. Amer. Statist. Assoc. 82, 1987: bias-corrected and accelerated).

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Interval, average, measured};
use crate::kernel::{Domain, Streams};

const DRAWS: Domain = Domain::new("experiment.statistics.bootstrap");
/// How many samples are drawn.
const SAMPLES: usize = 2000;

/// The mean of independent measurements with its interval. The same measurements have the same interval. Not a number
/// for fewer than three.
#[must_use]
pub fn bootstrap(values: &[f64], confidence: f64) -> Interval {
    let known = measured(values);
    let (count, value) = (known.len(), average(&known));
    if count < 3 {
        return Interval { value, low: f64::NAN, high: f64::NAN };
    }
    let total: f64 = known.iter().sum();
    let mut rng = Streams::new(count as u64).owned(DRAWS, 0);
    let mut sample = || {
        let sum: f64 = (0..count).map(|_| known[rng.below(count as u64) as usize]).sum();
        sum / count as f64
    };
    let mut means: Vec<f64> = (0..SAMPLES).map(|_| sample()).collect();
    means.sort_by(f64::total_cmp);
    let below = means.partition_point(|mean| *mean < value) as f64;
    let equal = means.iter().filter(|mean| **mean == value).count() as f64;
    let normal = Normal::standard();
    // Half of those that are just as large count as smaller; all alike, there is nothing to correct.
    let bias = normal.inverse_cdf(((below + equal / 2.0) / SAMPLES as f64).clamp(1e-4, 1.0 - 1e-4));
    // What is left out moves the mean: the skew of that is the acceleration.
    let (mut squares, mut cubes) = (0.0, 0.0);
    for one in &known {
        let without = (total - one) / (count as f64 - 1.0);
        let moved = value - without;
        squares += moved * moved;
        cubes += moved * moved * moved;
    }
    let acceleration = if squares > 0.0 { cubes / (6.0 * libm::pow(squares, 1.5)) } else { 0.0 };
    let end = |share: f64| {
        let z = bias + normal.inverse_cdf(share);
        let place = normal.cdf(bias + z / (1.0 - acceleration * z)) * SAMPLES as f64;
        means[(place as usize).min(SAMPLES - 1)]
    };
    let tail = (1.0 - confidence) / 2.0;
    Interval { value, low: end(tail), high: end(1.0 - tail) }
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Draws, covered};
    use super::super::mean;
    use super::*;

    #[test]
    fn it_is_the_same_every_time_and_near_that_of_the_textbook() {
        let values = Draws::of(6).many(50, Draws::normal);
        let found = bootstrap(&values, 0.95);
        assert_eq!(found, bootstrap(&values, 0.95));
        let textbook = Interval::from(mean(&values, 0.95));
        assert!((found.low - textbook.low).abs() < 0.06 && (found.high - textbook.high).abs() < 0.06);
        let alike = bootstrap(&[2.0; 9], 0.95);
        assert_eq!((alike.low, alike.high), (2.0, 2.0));
        assert!(bootstrap(&[1.0, 2.0], 0.95).low.is_nan());
    }

    /// Of a skewed law the interval reaches farther to the side of the long tail, and holds the mean nearly as often
    /// as it says.
    #[test]
    fn skewed_laws_have_skewed_intervals() {
        let mut draws = Draws::of(7);
        let found = bootstrap(&draws.many(40, Draws::exponential), 0.95);
        assert!(found.high - found.value > found.value - found.low, "{found:?}");
        let share = covered(600, || bootstrap(&draws.many(40, Draws::exponential), 0.95), 1.0);
        assert!((0.91..0.97).contains(&share), "{share}");
    }
}
