//! Random counts: how many events of a Poisson process fall into a span, and how many of many trials succeed.
//!
//! Small means are inverted, larger ones drawn by transformed rejection (Hörmann, "The transformed rejection method for
//! generating Poisson random variables", 1993, algorithm PTRS; "The generation of binomial random variates", 1993,
//! algorithm BTRS), whose cost does not grow with the mean.

use crate::kernel::random::Rng;

/// Below this mean inversion is quicker, and the rejections are not made for it.
const SMALL: f64 = 10.0;

/// Poisson with the given mean; a mean that is not above zero gives none.
pub fn poisson(rng: &mut Rng<'_>, mean: f64) -> u64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    if mean < SMALL {
        return invert(rng.unit_f64(), libm::exp(-mean), |k| mean / k, u64::MAX);
    }
    let (root, log_mean) = (mean.sqrt(), libm::log(mean));
    let b = 0.931 + 2.53 * root;
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let sure = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let (u, v) = (rng.unit_f64() - 0.5, rng.open_unit_f64());
        let distance = 0.5 - u.abs();
        let k = libm::floor((2.0 * a / distance + b) * u + mean + 0.43);
        if distance >= 0.07 && v <= sure {
            return k as u64;
        }
        if k < 0.0 || distance < 0.013 && v > distance {
            continue;
        }
        let bound = libm::log(v * inverse_alpha / (a / (distance * distance) + b));
        if bound <= k * log_mean - mean - libm::lgamma(k + 1.0) {
            return k as u64;
        }
    }
}

/// How many of `trials` succeed, each with probability `p`; a probability outside of 0..=1 counts as the nearer end.
pub fn binomial(rng: &mut Rng<'_>, trials: u64, p: f64) -> u64 {
    if trials == 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return trials;
    }
    if p > 0.5 {
        return trials - binomial(rng, trials, 1.0 - p);
    }
    let (n, q) = (trials as f64, 1.0 - p);
    if n * p < SMALL {
        let first = libm::exp(n * libm::log1p(-p));
        return invert(rng.unit_f64(), first, |k| (n - k + 1.0) / k * (p / q), trials);
    }
    let spread = (n * p * q).sqrt();
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let centre = n * p + 0.5;
    let sure = 0.92 - 4.2 / b;
    let alpha = (2.83 + 5.1 / b) * spread;
    let log_odds = libm::log(p / q);
    let mode = libm::floor((n + 1.0) * p);
    let at_mode = libm::lgamma(mode + 1.0) + libm::lgamma(n - mode + 1.0);
    loop {
        let (u, v) = (rng.unit_f64() - 0.5, rng.open_unit_f64());
        let distance = 0.5 - u.abs();
        let k = libm::floor((2.0 * a / distance + b) * u + centre);
        if k < 0.0 || k > n {
            continue;
        }
        if distance >= 0.07 && v <= sure {
            return k as u64;
        }
        let bound = libm::log(v * alpha / (a / (distance * distance) + b));
        let ratio = at_mode - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0) + (k - mode) * log_odds;
        if bound <= ratio {
            return k as u64;
        }
    }
}

/// Inversion: the first count, at most `most`, whose cumulated probability exceeds `unit`; `ratio` gives each
/// probability by that of the count before.
fn invert(unit: f64, first: f64, ratio: impl Fn(f64) -> f64, most: u64) -> u64 {
    let (mut probability, mut rest) = (first, unit);
    let mut count = 0;
    while rest >= probability && count < most {
        rest -= probability;
        count += 1;
        probability *= ratio(count as f64);
        // What rounding leaves of the sum is less than any probability that can still come.
        if probability < f64::MIN_POSITIVE {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    const TEST: Domain = Domain::new("kernel.counts.test");

    /// Sample mean and variance over many draws.
    fn moments(draws: u32, mut draw: impl FnMut() -> u64) -> (f64, f64) {
        let all: Vec<f64> = (0..draws).map(|_| draw() as f64).collect();
        let mean = all.iter().sum::<f64>() / f64::from(draws);
        (mean, all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(draws))
    }

    #[test]
    fn poisson_has_its_mean_as_variance() {
        let mut rng = Streams::new(11).owned(TEST, 0);
        for mean in [0.01, 0.7, 9.9, 10.0, 33.3, 1e4, 1e9] {
            let (average, variance) = moments(40_000, || poisson(&mut rng, mean));
            let sigma = (mean / 40_000.0).sqrt();
            assert!((average - mean).abs() < 4.5 * sigma, "{mean}: {average}");
            assert!((variance / mean - 1.0).abs() < 0.2 || mean < 0.1, "{mean}: {variance}");
        }
        assert_eq!([poisson(&mut rng, 0.0), poisson(&mut rng, -1.0), poisson(&mut rng, f64::NAN)], [0; 3]);
    }

    /// Against the exact probabilities, on both sides of the change of the algorithm.
    #[test]
    fn probabilities_are_those_of_the_laws() {
        let mut rng = Streams::new(12).owned(TEST, 1);
        let draws = 100_000;
        let check = |name: &str, found: &[u64], exact: &dyn Fn(f64) -> f64| {
            for (k, count) in found.iter().enumerate() {
                let p = exact(k as f64);
                let sigma = (p * (1.0 - p) * f64::from(draws)).sqrt().max(1.0);
                let off = (*count as f64 - p * f64::from(draws)).abs();
                assert!(off < 5.0 * sigma, "{name} {k}: {count}, expected {}", p * f64::from(draws));
            }
        };
        for mean in [3.0, 12.0] {
            let mut found = [0_u64; 40];
            (0..draws).for_each(|_| found[(poisson(&mut rng, mean) as usize).min(39)] += 1);
            let exact = |k: f64| libm::exp(k * libm::log(mean) - mean - libm::lgamma(k + 1.0));
            check("poisson", &found[..35], &exact);
        }
        for (n, p) in [(20_u64, 0.2_f64), (40, 0.4), (40, 0.7)] {
            let mut found = [0_u64; 41];
            (0..draws).for_each(|_| found[binomial(&mut rng, n, p) as usize] += 1);
            let trials = n as f64;
            let choose =
                |k: f64| libm::lgamma(trials + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(trials - k + 1.0);
            let exact = |k: f64| libm::exp(choose(k) + k * libm::log(p) + (trials - k) * libm::log(1.0 - p));
            check("binomial", &found[..=n as usize], &exact);
        }
    }

    #[test]
    fn binomial_keeps_its_bounds() {
        let mut rng = Streams::new(13).owned(TEST, 2);
        for (n, p) in [(1, 0.5), (7, 1e-9), (1_000_000, 1e-7), (1_000_000, 0.999_999_9), (u64::MAX, 0.25)] {
            for _ in 0..200 {
                assert!(binomial(&mut rng, n, p) <= n);
            }
        }
        assert_eq!(
            [binomial(&mut rng, 5, 0.0), binomial(&mut rng, 5, 1.0), binomial(&mut rng, 0, 0.5)],
            [0, 5, 0]
        );
        let (mean, variance) = moments(20_000, || binomial(&mut rng, 5000, 0.3));
        assert!((mean - 1500.0).abs() < 4.5 * (1050.0_f64 / 20_000.0).sqrt(), "{mean}");
        assert!((variance / 1050.0 - 1.0).abs() < 0.06, "{variance}");
    }
}
