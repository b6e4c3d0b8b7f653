//! How much of the beginning of a run tells of how it began, and not of how it goes on.
//!
//! MSER-5 (White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69, 1997;
//! White, Cobb and Spratt, "A comparison of five steady-state truncation heuristics", WSC 2000): of all places to cut,
//! in means of five, the one behind which the mean is known best.

use super::{average, measured};

/// Fewer batches than this tell nothing.
const LEAST: usize = 10;

/// What is to be cut off.
#[derive(Clone, PartialEq, Debug)]
pub struct WarmUp {
    /// So many measurements.
    pub cut: usize,
    /// The statistic behind each place to cut, in steps of [`WarmUp::STEP`] measurements: the squared standard error of
    /// the mean of the rest.
    pub statistic: Vec<f64>,
}

impl WarmUp {
    /// Measurements that are taken together.
    pub const STEP: usize = 5;
}

/// The warm-up of a series; none where it is too short, or where so much would have to go that what is left is shorter
/// than that: the run has not come to rest, or hardly.
#[must_use]
pub fn mser5(series: &[f64]) -> Option<WarmUp> {
    let series = measured(series);
    let batches: Vec<f64> = series.chunks_exact(WarmUp::STEP).map(average).collect();
    if batches.len() < LEAST {
        return None;
    }
    // Sums from behind, so that every place costs the same.
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut statistic = vec![f64::INFINITY; batches.len()];
    let shift = average(&batches);
    for (place, batch) in batches.iter().enumerate().rev() {
        let count = (batches.len() - place) as f64;
        sum += batch - shift;
        squares += (batch - shift) * (batch - shift);
        statistic[place] = f64::max(squares - sum * sum / count, 0.0) / (count * count);
    }
    // The last few would win by chance, so no more than half is looked at; what is best at that edge is no answer.
    statistic.truncate(batches.len() / 2 + 1);
    let best = (0..statistic.len()).min_by(|one, other| statistic[*one].total_cmp(&statistic[*other]))?;
    (best + 1 < statistic.len()).then_some(WarmUp { cut: best * WarmUp::STEP, statistic })
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Draws, covered};
    use super::super::{Interval, batch_means};
    use super::*;

    #[test]
    fn a_step_is_cut_where_it_is() {
        let mut draws = Draws::of(11);
        for length in [0, 100, 305, 600] {
            let mut series = draws.many(2000, Draws::normal);
            series[..length].iter_mut().for_each(|value| *value += 8.0);
            let found = mser5(&series).expect("it comes to rest");
            assert!((length..length + 150).contains(&found.cut), "{length}: {}", found.cut);
            assert_eq!(found.statistic.len(), 201);
        }
    }

    /// By its definition, with sums from the front.
    #[test]
    fn the_statistic_is_that_of_the_paper() {
        let series: Vec<f64> = (0..200).map(|n| 100.0 / f64::from(n + 1) + f64::from(n % 7)).collect();
        let found = mser5(&series).expect("it comes to rest");
        let batches: Vec<f64> = series.chunks_exact(5).map(average).collect();
        for (place, statistic) in found.statistic.iter().enumerate() {
            let rest = &batches[place..];
            let mean = average(rest);
            let sum: f64 = rest.iter().map(|one| (one - mean) * (one - mean)).sum();
            let exact = sum / (rest.len() * rest.len()) as f64;
            assert!((statistic - exact).abs() <= 1e-9 * exact.max(1.0), "{place}");
        }
    }

    #[test]
    fn what_never_comes_to_rest_has_no_warm_up() {
        let rising: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(mser5(&rising), None);
        assert_eq!(mser5(&[1.0; 40]), None, "too short");
        assert_eq!(mser5(&[1.0; 100]).map(|found| found.cut), Some(0), "it was never otherwise");
    }

    /// A process that begins far from its mean: with its beginning the estimate is too high, by two of its standard
    /// errors, and the interval is wide.
    #[test]
    fn without_its_beginning_a_run_has_the_right_mean() {
        let mut draws = Draws::of(12);
        let mut both = || {
            let series = draws.autoregressive(16_000, 0.95, 160.0);
            let cut = mser5(&series).map_or(0, |found| found.cut);
            [batch_means(&series, 0.95), batch_means(&series[cut..], 0.95)].map(Interval::from)
        };
        let all: Vec<[Interval; 2]> = (0..400).map(|_| both()).collect();
        let mut rest = all.iter();
        let cut = covered(400, || rest.next().expect("there are as many")[1], 0.0);
        assert!(cut > 0.85, "{cut}");
        let bias = |which: usize| all.iter().map(|one| one[which].value).sum::<f64>() / 400.0;
        assert!((bias(0) - 0.2).abs() < 0.02 && bias(1).abs() < 0.03, "{} {}", bias(0), bias(1));
        let width = |which: usize| all.iter().map(|one| one[which].high - one[which].low).sum::<f64>();
        assert!(width(0) > 1.5 * width(1), "{} {}", width(0), width(1));
    }
}
