//! Measurements that follow each other in one long run and depend on those before.
//!
//! Means of batches that are long beside what one measurement knows of another are nearly independent, and nearly
//! normal (Law, "Simulation modeling and analysis", 2015, section 9.5.3). How many independent measurements a series is
//! worth is told by its autocorrelations (Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7, 1992).

use super::{Estimate, average, mean, measured};

/// So many batches; fewer make the interval wider, more make batches that depend on each other (Schmeiser 1982).
const BATCHES: usize = 20;
/// A batch is long enough when it is worth so many independent measurements.
const LEAST_OF_BATCH: f64 = 4.0;

/// The mean of a series with an interval by batch means; no interval where the series is too short for batches that
/// hardly depend on each other. What is left over behind the last batch is left out at the beginning.
#[must_use]
pub fn batch_means(series: &[f64], confidence: f64) -> Estimate {
    let series = measured(series);
    let length = series.len() / BATCHES;
    if length == 0 || effective_size(&series) < LEAST_OF_BATCH * BATCHES as f64 {
        return Estimate { value: average(&series), half_width: f64::NAN };
    }
    let whole = &series[series.len() - length * BATCHES..];
    let means: Vec<f64> = whole.chunks_exact(length).map(average).collect();
    mean(&means, confidence)
}

/// How many independent measurements tell as much of the mean as this series: `n / (1 + 2 sum rho_k)`, the sum of
/// autocorrelations being cut off where two that follow each other are not positive any more (Geyer's initial positive
/// sequence). A series that never changes is worth all of its measurements.
#[must_use]
pub fn effective_size(series: &[f64]) -> f64 {
    let series = measured(series);
    let count = series.len();
    let mean = average(&series);
    let covariance = |lag: usize| -> f64 {
        let pairs = series[..count - lag].iter().zip(&series[lag..]);
        pairs.map(|(one, other)| (one - mean) * (other - mean)).sum::<f64>() / count as f64
    };
    let variance = if count > 1 { covariance(0) } else { 0.0 };
    if variance <= 0.0 {
        return count as f64;
    }
    let mut sum = 0.0;
    for lag in (1..count / 2).step_by(2) {
        let pair = (covariance(lag) + covariance(lag + 1)) / variance;
        if pair <= 0.0 {
            break;
        }
        sum += pair;
    }
    (count as f64 / (1.0 + 2.0 * sum)).min(count as f64)
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Draws, covered};
    use super::*;

    #[test]
    fn a_series_with_a_memory_is_worth_less() {
        let mut draws = Draws::of(3);
        for (memory, exact) in [(0.0, 1.0), (0.5, 1.0 / 3.0), (0.9, 1.0 / 19.0)] {
            let series = draws.autoregressive(40_000, memory, 0.0);
            let found = effective_size(&series) / 40_000.0;
            assert!((found / exact - 1.0).abs() < 0.15, "{memory}: {found} {exact}");
        }
        assert_eq!(effective_size(&[2.0; 10]), 10.0);
        assert_eq!(effective_size(&[]), 0.0);
    }

    /// By Student's t on the single measurements a third of the intervals of 95 % would miss.
    #[test]
    fn intervals_of_a_single_run_hold_as_often_as_they_say() {
        let mut draws = Draws::of(4);
        let mut series = || draws.autoregressive(4000, 0.8, 0.0);
        let share = covered(1000, || batch_means(&series(), 0.95).into(), 0.0);
        assert!((0.93..0.97).contains(&share), "{share}");
        let naive = covered(200, || mean(&series(), 0.95).into(), 0.0);
        assert!(naive < 0.75, "{naive}");
    }

    #[test]
    fn what_is_too_short_has_no_interval() {
        let mut draws = Draws::of(5);
        assert!(batch_means(&draws.autoregressive(100, 0.9, 0.0), 0.95).half_width.is_nan());
        assert!(batch_means(&[], 0.95).value.is_nan());
        assert!(batch_means(&draws.many(400, Draws::normal), 0.95).half_width.is_finite());
    }
}
