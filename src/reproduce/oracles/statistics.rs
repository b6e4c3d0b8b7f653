//! Estimates with their intervals, from replications that are independent of each other.
//!
//! Every replication gives a few sums; a number is a function of these, such as a ratio or a variance. The jackknife
//! leaves out one replication after the other, which takes most of the bias of such a function away and says how much
//! it varies (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 11).

pub use crate::experiment::statistics::Estimate;
use crate::experiment::statistics::quantile;

/// How sure an interval is to hold what is estimated.
pub const CONFIDENCE: f64 = 0.999;

/// What a function of sums is over all replications. Not a number where there are fewer than two of them.
#[must_use]
pub(super) fn jackknife(replications: &[Vec<f64>], of: impl Fn(&[f64]) -> f64) -> Estimate {
    let count = replications.len();
    if count < 2 {
        return Estimate { value: f64::NAN, half_width: f64::NAN };
    }
    let n = count as f64;
    let mut total = vec![0.0; replications[0].len()];
    for sums in replications {
        total.iter_mut().zip(sums).for_each(|(total, own)| *total += own);
    }
    let whole = of(&total);
    let without = |sums: &Vec<f64>| {
        let rest: Vec<f64> = total.iter().zip(sums).map(|(total, own)| total - own).collect();
        n * whole - (n - 1.0) * of(&rest)
    };
    let pseudo: Vec<f64> = replications.iter().map(without).collect();
    let value = pseudo.iter().sum::<f64>() / n;
    let squares: f64 = pseudo.iter().map(|one| (one - value) * (one - value)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    Estimate { value, half_width: quantile(CONFIDENCE, count - 1) * error }
}

/// The mean of what was counted and added up: sums of ones and of values.
#[must_use]
pub(super) fn mean(count: f64, sum: f64) -> f64 {
    sum / count
}

/// The variance of what was counted, added up and added up in squares.
#[must_use]
pub(super) fn variance(count: f64, sum: f64, squares: f64) -> f64 {
    (squares - sum * sum / count) / (count - 1.0)
}

/// Whether two samples may be of one distribution: the test of Kolmogorov and Smirnov, which takes two that are for two
/// that are not once in a million times.
#[must_use]
pub(super) fn are_alike(mut one: Vec<f64>, mut other: Vec<f64>) -> bool {
    /// `sqrt(ln(2 / 1e-6) / 2)`.
    const FARTHEST: f64 = 2.694;
    one.sort_by(f64::total_cmp);
    other.sort_by(f64::total_cmp);
    let (n, m) = (one.len() as f64, other.len() as f64);
    let (mut i, mut j, mut apart) = (0, 0, 0.0);
    while i < one.len() && j < other.len() {
        let value = f64::min(one[i], other[j]);
        while one.get(i).is_some_and(|own| *own <= value) {
            i += 1;
        }
        while other.get(j).is_some_and(|own| *own <= value) {
            j += 1;
        }
        apart = f64::max(apart, (i as f64 / n - j as f64 / m).abs());
    }
    apart <= FARTHEST * ((n + m) / (n * m)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    #[test]
    fn a_mean_has_the_interval_of_the_textbook() {
        let replications: Vec<Vec<f64>> = (1..=10).map(|n| vec![1.0, f64::from(n)]).collect();
        let found = jackknife(&replications, |sums| mean(sums[0], sums[1]));
        assert!((found.value - 5.5).abs() < 1e-9);
        let expected = 4.7809 * (55.0_f64 / 6.0 / 10.0).sqrt();
        assert!((found.half_width - expected).abs() < 1e-3, "{found:?} {expected}");
    }

    #[test]
    fn samples_that_are_shifted_are_not_alike() {
        let even = |from: f64| -> Vec<f64> { (0..1000).map(|n| from + f64::from(n) / 1000.0).collect() };
        assert!(are_alike(even(0.0), even(0.1)), "a tenth is within what chance does to a thousand");
        assert!(!are_alike(even(0.0), even(0.15)));
        assert!(are_alike(vec![1.0; 50], vec![1.0; 70]));
        assert!(!are_alike(vec![1.0; 50], vec![1.1; 70]));
    }

    #[test]
    fn one_replication_says_nothing() {
        assert!(jackknife(&[vec![1.0, 2.0]], |sums| sums[1]).half_width.is_nan());
    }

    /// Of 400 intervals for the ratio of two sums, hardly any misses it.
    #[test]
    fn intervals_hold_what_they_should() {
        const TEST: Domain = Domain::new("reproduce.statistics.test");
        let misses = (0..400).filter(|&entity| {
            let mut rng = Streams::new(1).owned(TEST, entity);
            let replications: Vec<Vec<f64>> = (0..20)
                .map(|_| {
                    let weights: Vec<f64> = (0..30).map(|_| 1.0 + rng.unit_f64()).collect();
                    let values: f64 = weights.iter().map(|weight| weight * 2.0 * rng.unit_f64()).sum();
                    vec![weights.iter().sum(), values]
                })
                .collect();
            let found = jackknife(&replications, |sums| mean(sums[0], sums[1]));
            (found.value - 1.0).abs() > found.half_width
        });
        assert!(misses.count() <= 3);
    }
}
