//! Arrival times against closed forms.

use super::*;
use crate::kernel::sample::Distribution;

fn times(text: &str) -> Vec<u64> {
    let config: ArrivalsConfig = serde_json::from_str(text).unwrap();
    config.times(Streams::new(6), 0).unwrap().take(20_000).map(|at| at.0).collect()
}

/// Gaps of a Poisson process: mean and standard deviation are equal, and a share of 1 - 1/e is below the
/// mean.
#[test]
fn poisson_gaps_are_exponential() {
    let all = times(r#"{"poisson": {"mean_interval": 1000000, "from": 5}}"#);
    let gaps: Vec<f64> =
        std::iter::once(5).chain(all.iter().copied()).zip(&all).map(|(a, b)| (b - a) as f64).collect();
    let count = gaps.len() as f64;
    let mean = gaps.iter().sum::<f64>() / count;
    let deviation = (gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / count).sqrt();
    let below = gaps.iter().filter(|&&gap| gap < 1e6).count() as f64 / count;
    assert!((mean / 1e6 - 1.0).abs() < 4.0 / count.sqrt(), "{mean}");
    assert!((deviation / mean - 1.0).abs() < 0.05 && (below - 0.632_12).abs() < 0.014, "{deviation} {below}");
}

#[test]
fn counted_and_listed_arrivals_end() {
    assert_eq!(times(r#"{"every": {"interval": 10, "from": 5, "count": 3}}"#), [5, 15, 25]);
    assert_eq!(times(r#"{"at": [30, 10, 20]}"#), [10, 20, 30]);
    assert_eq!(times(r#"{"burst": {"at": 7, "count": 3}}"#), [7, 7, 7]);
    assert_eq!(times(r#"{"poisson": {"mean_interval": 1, "count": 9}}"#).len(), 9);
    let spread = times(r#"{"burst": {"at": 100, "count": 1000, "within": 50}}"#);
    assert!(spread.is_sorted() && spread[0] >= 100 && spread[999] < 150 && spread[0] < spread[999]);
}

#[test]
fn endless_moments_are_refused() {
    let every = ArrivalsConfig::Every { interval: Span::ZERO, from: Span::ZERO, count: None };
    assert_eq!(every.times(Streams::new(1), 0).unwrap_err(), ArrivalsError::NoInterval);
    let burst = ArrivalsConfig::Burst { at: Span::ZERO, count: u64::MAX, within: Span::ZERO };
    assert!(matches!(burst.times(Streams::new(1), 0), Err(ArrivalsError::TooMany { .. })));
}

#[test]
fn entities_have_streams_of_their_own() {
    let config = ArrivalsConfig::Poisson { mean_interval: Span::secs(1), from: Span::ZERO, count: Some(5) };
    let run = |entity| config.times(Streams::new(1), entity).unwrap().collect::<Vec<_>>();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// So many runs of a process over a window, by the counts in each.
fn counts(config: &ArrivalsConfig, runs: u64, window: Span) -> Vec<f64> {
    let count = |entity| {
        let times = config.times(Streams::new(11), entity).unwrap();
        times.take_while(|at| *at < Time::ZERO + window).count() as f64
    };
    (0..runs).map(count).collect()
}

/// Mean and index of dispersion (variance by mean) of counts.
fn mean_and_dispersion(counts: &[f64]) -> (f64, f64) {
    let number = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / number;
    let variance = counts.iter().map(|one| (one - mean) * (one - mean)).sum::<f64>() / (number - 1.0);
    (mean, variance / mean)
}

fn bursts(states: &[(Option<f64>, f64)]) -> ArrivalsConfig {
    let state = |&(gap_s, stay_s): &(Option<f64>, f64)| MmppState {
        mean_interval: gap_s.map(Span::from_secs_f64),
        mean_stay: Span::from_secs_f64(stay_s),
    };
    ArrivalsConfig::Mmpp { states: states.iter().map(state).collect(), from: Span::ZERO, count: None }
}

/// Fischer and Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook", Performance Evaluation 18,
/// 1993: of two states that are left at rates s1 and s2, with arrivals at rates l1 and l2, the counts of a window t
/// have the index of dispersion 1 + 2 A (1 - (1 - exp(-r t)) / (r t)), where r = s1 + s2 and
/// A = s1 s2 (l1 - l2)^2 / (r^2 (l1 s2 + l2 s1)).
#[test]
fn bursts_have_the_rate_and_the_dispersion_of_the_closed_form() {
    // Twenty a minute for a minute, then one every half minute for four.
    let config = bursts(&[(Some(3.0), 60.0), (Some(30.0), 240.0)]);
    let [l1, l2, s1, s2] = [1.0 / 3.0, 1.0 / 30.0, 1.0 / 60.0, 1.0 / 240.0];
    let rate = (l1 * s2 + l2 * s1) / (s1 + s2);
    assert!((config.mean_interval_s().unwrap() * rate - 1.0).abs() < 1e-12);
    for window_s in [60.0_f64, 600.0, 3600.0] {
        let turns = (s1 + s2) * window_s;
        let weight = s1 * s2 * (l1 - l2) * (l1 - l2) / ((s1 + s2) * (s1 + s2) * (l1 * s2 + l2 * s1));
        let expected = 1.0 + 2.0 * weight * (1.0 - (1.0 - libm::exp(-turns)) / turns);
        let (mean, dispersion) = mean_and_dispersion(&counts(&config, 8000, Span::from_secs_f64(window_s)));
        let error = (expected * rate * window_s / 8000.0).sqrt();
        assert!((mean - rate * window_s).abs() < 4.0 * error, "{window_s}: {mean}");
        // Four standard errors of a variance ratio of nearly normal counts, and some for their skewness.
        assert!((dispersion / expected - 1.0).abs() < 0.12, "{window_s}: {dispersion}, not {expected}");
        assert!(dispersion > 1.5, "a Poisson process has 1");
    }
}

/// With three states, one of them silent, the rate is the mean over the time that each takes.
#[test]
fn silent_states_count_as_time() {
    let config = bursts(&[(Some(1.0), 30.0), (None, 60.0), (Some(10.0), 10.0)]);
    let rate = (30.0 + 0.0 + 1.0) / 100.0;
    let (mean, dispersion) = mean_and_dispersion(&counts(&config, 4000, Span::hours(1)));
    let error = (dispersion * mean / 4000.0).sqrt();
    assert!((mean - rate * 3600.0).abs() < 4.0 * error, "{mean}");
}

/// Over a whole number of periods the mean is that of the rate; between two times it is the integral of the rate.
#[test]
fn days_have_the_integral_of_their_rate() {
    let (gap_s, amplitude) = (30.0, 0.8);
    let config = ArrivalsConfig::Diurnal {
        mean_interval: Span::from_secs_f64(gap_s),
        amplitude,
        period: Span::hours(24),
        peak: Span::hours(14),
        from: Span::ZERO,
        count: None,
    };
    let days: Vec<Vec<f64>> = (0..60)
        .map(|entity| {
            let all = config.times(Streams::new(3), entity).unwrap();
            all.map(Time::as_secs_f64).take_while(|at_s| *at_s < 86_400.0).collect()
        })
        .collect();
    let within = |from_s: f64, to_s: f64| {
        days.iter().flatten().filter(|at_s| (from_s..to_s).contains(*at_s)).count() as f64
    };
    let expected = |from_s: f64, to_s: f64| {
        let turn = 2.0 * std::f64::consts::PI / 86_400.0;
        let sine = |at_s: f64| libm::sin(turn * (at_s - 14.0 * 3600.0)) / turn;
        60.0 * (to_s - from_s + amplitude * (sine(to_s) - sine(from_s))) / gap_s
    };
    for (from_h, to_h) in [(0.0, 24.0), (12.0, 16.0), (0.0, 4.0), (20.0, 22.0)] {
        let (seen, wanted) =
            (within(from_h * 3600.0, to_h * 3600.0), expected(from_h * 3600.0, to_h * 3600.0));
        assert!((seen - wanted).abs() < 4.0 * wanted.sqrt(), "{from_h} to {to_h}: {seen}, not {wanted}");
    }
    assert!(within(45_000.0, 55_800.0) > 5.0 * within(1_800.0, 12_600.0), "nine times as many at the peak");
}

/// A compound Poisson process: the mean is rate by mean size, and the index of dispersion is the second moment of the
/// size by its first. Whole sizes from 1 to 6 alike have 3.5 and 91/6.
#[test]
fn batches_are_a_compound_process() {
    let dice = Amounts { of: Distribution::Uniform { low_s: 0.5, high_s: 6.5 }, least: 1.0, most: 6.0 };
    let batches = |moments| ArrivalsConfig::Batches { moments, size: dice, from: Span::ZERO, count: None };
    let random = batches(BatchMoments::Poisson(Span::mins(1)));
    let (mean, dispersion) = mean_and_dispersion(&counts(&random, 8000, Span::hours(1)));
    assert!((mean - 210.0).abs() < 4.0 * (60.0 * 91.0 / 6.0 / 8000.0_f64).sqrt(), "{mean}");
    assert!((dispersion / (91.0 / 6.0 / 3.5) - 1.0).abs() < 0.08, "{dispersion}");
    assert!((random.mean_interval_s().unwrap() - 60.0 / 3.5).abs() < 1e-9);
    // At equal gaps only the sizes differ: sixty of them, from the first moment on.
    let regular = batches(BatchMoments::Every(Span::mins(1)));
    let (mean, dispersion) = mean_and_dispersion(&counts(&regular, 8000, Span::hours(1)));
    assert!((mean - 210.0).abs() < 4.0 * (60.0 * 35.0 / 12.0 / 8000.0_f64).sqrt(), "{mean}");
    assert!((dispersion / (35.0 / 12.0 / 3.5) - 1.0).abs() < 0.08, "{dispersion}");
    let first: Vec<Time> = regular.times(Streams::new(1), 0).unwrap().take(13).collect();
    assert_eq!((first[0], first.iter().filter(|at| **at == Time::ZERO).count() <= 6), (Time::ZERO, true));
    assert!(first.iter().all(|at| at.0 % Span::mins(1).0 == 0));
}

#[test]
fn counted_processes_end() {
    let counted = |text: &str| times(text).len();
    assert_eq!(
        counted(
            r#"{"batches": {"moments": {"every": 60}, "count": 10, "size":
        {"of": {"constant": {"value_s": 4.0}}, "least": 0.0, "most": 9.0}}}"#
        ),
        10
    );
    assert_eq!(
        counted(
            r#"{"mmpp": {"count": 9, "states": [{"mean_interval": 5, "mean_stay": 100},
        {"mean_stay": 100}]}}"#
        ),
        9
    );
    assert_eq!(counted(r#"{"diurnal": {"mean_interval": 100, "amplitude": 1.0, "peak": 0, "count": 7}}"#), 7);
}

#[test]
fn senseless_processes_are_refused() {
    let refused = |config: ArrivalsConfig| config.times(Streams::new(1), 0).unwrap_err().to_string();
    assert_eq!(refused(bursts(&[(Some(1.0), 1.0)])), "bursts need two states or more");
    assert_eq!(refused(bursts(&[(Some(1.0), 1.0), (None, 0.0)])), "a state that lasts no time");
    assert_eq!(refused(bursts(&[(None, 1.0), (None, 1.0)])), "nothing arrives in any of the states");
    let quick = refused(bursts(&[(Some(3600.0), 1e-9), (None, 1e-9)]));
    assert_eq!(quick, "states change 1000000 times and more between two arrivals: use a Poisson process");
    let day = |amplitude, period| ArrivalsConfig::Diurnal {
        mean_interval: Span::secs(1),
        amplitude,
        period,
        peak: Span::ZERO,
        from: Span::ZERO,
        count: None,
    };
    assert_eq!(refused(day(1.5, Span::hours(24))), "an amplitude of 1.5: it is between 0 and 1");
    assert_eq!(refused(day(0.5, Span::ZERO)), "a period of no time");
    let size = Amounts { least: 3.0, most: 2.0, ..Amounts::constant(1.0) };
    let moments = BatchMoments::Every(Span::secs(1));
    let batch = ArrivalsConfig::Batches { moments, size, from: Span::ZERO, count: None };
    assert_eq!(refused(batch), "the least amount, 3, must not be above the most, 2");
}
