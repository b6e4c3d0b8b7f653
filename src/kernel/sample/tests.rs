use rand_distr::Distribution as _;

use super::*;
use crate::kernel::random::{Domain, Streams};

const SAMPLE: Domain = Domain::new("kernel.test.sample");
const ORACLE: Domain = Domain::new("kernel.test.oracle");

/// The distributions under test: every variant, shapes on both sides of one.
const ALL: [Distribution; 10] = [
    Distribution::Constant { value_s: 2.5 },
    Distribution::Uniform { low_s: 1.0, high_s: 3.0 },
    Distribution::Exponential { mean_s: 2.0 },
    Distribution::Normal { mean_s: 1.0, sd_s: 1.0 },
    Distribution::Lognormal { mu: 0.5, sigma: 0.75 },
    Distribution::LognormalMean { mean_s: 2.0, sd_s: 1.5 },
    Distribution::Weibull { shape: 0.6, scale_s: 2.0 },
    Distribution::Pareto { shape: 3.5, scale_s: 1.0 },
    Distribution::Gamma { shape: 0.7, scale_s: 2.0 },
    Distribution::Gamma { shape: 2.5, scale_s: 1.5 },
];

fn samples(size: usize, seed: u64, mut draw: impl FnMut(&mut Rng<'_>) -> f64) -> Vec<f64> {
    let mut rng = Streams::new(seed).owned(SAMPLE, 0);
    let mut drawn: Vec<f64> = (0..size).map(|_| draw(&mut rng)).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    drawn
}

fn survival(distribution: &Distribution, x: f64) -> f64 {
    let normal_tail = |z: f64| libm::erfc(z / std::f64::consts::SQRT_2) / 2.0;
    match *distribution {
        Distribution::Constant { value_s } => f64::from(x < value_s),
        Distribution::Uniform { low_s, high_s } => ((high_s - x) / (high_s - low_s)).clamp(0.0, 1.0),
        Distribution::Exponential { mean_s } => libm::exp(-x / mean_s),
        Distribution::Normal { mean_s, sd_s } => normal_tail((x - mean_s) / sd_s),
        Distribution::Lognormal { mu, sigma } => normal_tail((libm::log(x) - mu) / sigma),
        Distribution::LognormalMean { mean_s, sd_s } => {
            let (mu, sigma) = lognormal_parameters(mean_s, sd_s);
            normal_tail((libm::log(x) - mu) / sigma)
        }
        Distribution::Weibull { shape, scale_s } => libm::exp(-libm::pow(x / scale_s, shape)),
        Distribution::Pareto { shape, scale_s } => libm::pow(scale_s / x, shape).min(1.0),
        Distribution::Gamma { shape, scale_s } => {
            1.0 - integral(0.0, libm::pow(x / scale_s, shape), 400, |y| {
                // With y = x^shape the density loses its pole at zero.
                libm::exp(-libm::pow(y, 1.0 / shape))
            }) / (shape * libm::tgamma(shape))
        }
    }
}

/// Simpson's rule.
fn integral(from: f64, to: f64, steps: usize, f: impl Fn(f64) -> f64) -> f64 {
    let width = (to - from) / steps as f64;
    let at = |step: usize| f(from + width * step as f64);
    let inner: f64 = (1..steps).map(|step| at(step) * if step % 2 == 1 { 4.0 } else { 2.0 }).sum();
    (at(0) + inner + at(steps)) * width / 3.0
}

/// The largest distance of a sorted sample's tail from a survival function, at its deciles and percentiles.
fn distance(sorted: &[f64], tail: impl Fn(f64) -> f64) -> f64 {
    let size = sorted.len();
    let places = (1..20).map(|n| n * size / 20).chain([size / 100, size - size / 100]);
    let gap = |at: usize| ((size - at) as f64 / size as f64 - tail(sorted[at])).abs();
    places.map(gap).fold(0.0, f64::max)
}

/// The distance that the empirical distribution of `size` samples exceeds once in about ten million seeds
/// (Kolmogorov and Smirnov).
fn allowed(size: usize) -> f64 {
    2.9 / (size as f64).sqrt()
}

#[test]
fn quantiles_are_those_of_the_closed_form() {
    for distribution in &ALL[1..] {
        let drawn = samples(40_000, 1, |rng| distribution.sample_s(rng));
        let positive = drawn.partition_point(|x| *x <= 0.0);
        // What a normal has below zero becomes zero: that share is compared apart, and the maximum skips NaN.
        let gap = distance(&drawn, |x| if x > 0.0 { survival(distribution, x) } else { f64::NAN });
        let none = (positive as f64 / 40_000.0 - 1.0 + survival(distribution, 1e-300)).abs();
        assert!(gap < allowed(40_000) && none < allowed(40_000), "{distribution}: {gap} {none}");
    }
}

/// P(residual > t) is the integral of the survival function from t on, over the mean.
#[test]
fn residuals_follow_the_equilibrium() {
    for distribution in &ALL {
        let drawn = samples(20_000, 2, |rng| distribution.sample_residual_s(rng));
        let mean = distribution.mean_s();
        let gap = distance(&drawn, |t| {
            let passed = match distribution {
                Distribution::Constant { value_s } => t.min(*value_s),
                _ => integral(1e-12, t, 200, |x| survival(distribution, x)),
            };
            1.0 - passed / mean
        });
        assert!(gap < allowed(20_000), "{distribution}: {gap}");
    }
}

#[test]
fn means_are_those_of_the_samples() {
    for distribution in &ALL {
        let drawn = samples(100_000, 3, |rng| distribution.sample_s(rng));
        let size = drawn.len() as f64;
        let mean = drawn.iter().sum::<f64>() / size;
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / size;
        let expected = distribution.mean_s();
        assert!((mean - expected).abs() <= 5.0 * (variance / size).sqrt() + 1e-9, "{distribution}: {mean}");
    }
}

#[test]
fn variances_are_those_of_the_closed_form() {
    let gamma_of = |x: f64| libm::tgamma(x);
    let weibull = gamma_of(1.0 + 2.0 / 1.5) - gamma_of(1.0 + 1.0 / 1.5) * gamma_of(1.0 + 1.0 / 1.5);
    let cases = [
        (Distribution::Uniform { low_s: 1.0, high_s: 3.0 }, 4.0 / 12.0),
        (Distribution::Exponential { mean_s: 2.0 }, 4.0),
        (Distribution::Normal { mean_s: 50.0, sd_s: 3.0 }, 9.0),
        (Distribution::LognormalMean { mean_s: 2.0, sd_s: 1.0 }, 1.0),
        (Distribution::Weibull { shape: 1.5, scale_s: 2.0 }, 4.0 * weibull),
        (Distribution::Pareto { shape: 12.0, scale_s: 1.0 }, 12.0 / (121.0 * 10.0)),
        (Distribution::Gamma { shape: 2.5, scale_s: 1.5 }, 2.5 * 1.5 * 1.5),
    ];
    for (distribution, expected) in cases {
        let drawn = samples(200_000, 4, |rng| distribution.sample_s(rng));
        let mean = distribution.mean_s();
        let variance = drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / drawn.len() as f64;
        assert!((variance / expected - 1.0).abs() < 0.05, "{distribution}: {variance} for {expected}");
    }
}

/// Samples of `rand_distr`, over another stream, have the same distribution.
#[test]
fn agrees_with_rand_distr() {
    const SIZE: usize = 30_000;
    let mut rng = Streams::new(5).owned(ORACLE, 0);
    let mut oracle: Vec<(&str, Vec<f64>, Vec<f64>)> = Vec::new();
    macro_rules! pair {
        ($name:literal, $theirs:expr, $ours:expr) => {
            let theirs = $theirs.unwrap();
            let mut drawn: Vec<f64> = (0..SIZE).map(|_| theirs.sample(&mut rng)).collect();
            drawn.sort_unstable_by(f64::total_cmp);
            oracle.push(($name, drawn, samples(SIZE, 6, $ours)));
        };
    }
    pair!("normal", rand_distr::Normal::new(1.0, 2.0), |rng| normal(rng, 1.0, 2.0));
    pair!("exponential", rand_distr::Exp::new(0.5), |rng| exponential(rng, 2.0));
    pair!("lognormal", rand_distr::LogNormal::new(0.3, 0.9), |rng| lognormal(rng, 0.3, 0.9));
    pair!("weibull", rand_distr::Weibull::new(2.0, 0.7), |rng| weibull(rng, 0.7, 2.0));
    pair!("pareto", rand_distr::Pareto::new(1.5, 2.5), |rng| pareto(rng, 2.5, 1.5));
    pair!("gamma", rand_distr::Gamma::new(0.3, 2.0), |rng| gamma(rng, 0.3, 2.0));
    pair!("gamma", rand_distr::Gamma::new(4.0, 0.5), |rng| gamma(rng, 4.0, 0.5));
    let zipf = Zipf::new(30, 1.2);
    pair!("zipf", rand_distr::Zipf::new(30.0, 1.2), |rng| (zipf.sample(rng) + 1) as f64);
    for (name, theirs, ours) in oracle {
        let below = |sorted: &[f64], x: f64| sorted.partition_point(|y| *y <= x) as f64 / SIZE as f64;
        let gap = theirs.iter().map(|x| (below(&theirs, *x) - below(&ours, *x)).abs()).fold(0.0, f64::max);
        // Two samples: the allowed distance grows by the square root of two.
        assert!(gap < allowed(SIZE) * std::f64::consts::SQRT_2, "{name}: {gap}");
    }
}

#[test]
fn zipf_probabilities() {
    let zipf = Zipf::new(4, 1.0);
    let harmonic = 1.0 + 1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0;
    for rank in 0..4 {
        assert!((zipf.probability(rank) - 1.0 / ((rank + 1) as f64 * harmonic)).abs() < 1e-15);
    }
    let drawn = samples(50_000, 7, |rng| zipf.sample(rng) as f64);
    let first = drawn.partition_point(|rank| *rank == 0.0) as f64 / 50_000.0;
    assert!((first - 0.48).abs() < 0.012, "{first}");
    assert_eq!((zipf.probability(4), zipf.ranks()), (0.0, 4));
}

#[test]
fn bernoulli_is_one_as_often_as_asked() {
    let ones: f64 = samples(50_000, 8, |rng| bernoulli(rng, 0.3) as f64).iter().sum();
    assert!((ones / 50_000.0 - 0.3).abs() < 0.011, "{ones}");
}

/// Normals with a mean below zero: what is left over has the closed form of the positive tail.
#[test]
fn residual_of_a_mostly_negative_normal() {
    let distribution = Distribution::Normal { mean_s: -1.5, sd_s: 1.0 };
    let drawn = samples(20_000, 9, |rng| distribution.sample_residual_s(rng));
    let mean = integral(0.0, 12.0, 2_000, |x| survival(&distribution, x));
    assert!((distribution.mean_s() - mean).abs() < 1e-9);
    let tail = |t| integral(t, t + 12.0, 2_000, |x| survival(&distribution, x)) / mean;
    assert!(distance(&drawn, tail) < allowed(20_000));
}

#[test]
fn senseless_parameters_are_refused() {
    let refused = [
        Distribution::Constant { value_s: -1.0 },
        Distribution::Uniform { low_s: 3.0, high_s: 1.0 },
        Distribution::Exponential { mean_s: 0.0 },
        Distribution::Normal { mean_s: f64::INFINITY, sd_s: 1.0 },
        Distribution::Lognormal { mu: f64::NAN, sigma: 1.0 },
        Distribution::LognormalMean { mean_s: 0.0, sd_s: 1.0 },
        Distribution::Weibull { shape: 0.0, scale_s: 1.0 },
        Distribution::Pareto { shape: 1.0, scale_s: -1.0 },
        Distribution::Gamma { shape: f64::NAN, scale_s: 1.0 },
    ];
    for distribution in refused {
        assert!(distribution.check().is_err(), "{distribution}");
    }
    for distribution in ALL {
        distribution.check().unwrap();
    }
    let error = Distribution::Weibull { shape: 0.0, scale_s: 1.0 }.check().unwrap_err();
    assert_eq!(error.to_string(), "`shape` of Weibull(shape 0, scale 1 s) must be a number above 0");
}

#[test]
fn a_heavy_tail_has_an_endless_residual() {
    let distribution = Distribution::Pareto { shape: 0.9, scale_s: 1.0 };
    let mut rng = Streams::new(1).owned(SAMPLE, 0);
    assert_eq!(distribution.mean_s(), f64::INFINITY);
    assert_eq!(distribution.sample_residual(&mut rng), crate::kernel::time::Span::MAX);
}

#[test]
fn reads_and_writes_as_data() {
    for distribution in ALL {
        let text = serde_json::to_string(&distribution).unwrap();
        assert_eq!(serde_json::from_str::<Distribution>(&text).unwrap(), distribution);
    }
    let weibull: Distribution = serde_json::from_str(r#"{"weibull":{"shape":0.5,"scale_s":3600}}"#).unwrap();
    assert_eq!(weibull.to_string(), "Weibull(shape 0.5, scale 3600 s)");
    assert!(serde_json::from_str::<Distribution>(r#"{"weibull":{"shape":0.5,"scale":3600}}"#).is_err());
}

/// Pins every sampler: the first two spans and the two residuals after them, in nanoseconds. A change here
/// changes every result of the project.
#[test]
fn golden() {
    const GOLDEN: [([u64; 2], [u64; 2]); 10] = [
        ([2500000000, 2500000000], [322592732, 1830946830]),
        ([1258074185, 2464757464], [1630079012, 1494833544]),
        ([4095310753, 622915011], [1965947433, 407429470]),
        ([0, 1620023165], [1144401489, 240191213]),
        ([705946391, 2624833259], [1855615329, 2300770240]),
        ([751617684, 2421067086], [1645911177, 1928498005]),
        ([6603762397, 286216498], [3679210983, 3330876769]),
        ([1795070673, 1093067385], [1208614608, 718510993]),
        ([238990531, 2759681106], [371757782, 362111248]),
        ([1337852194, 2591981763], [458316701, 1444930582]),
    ];
    for (distribution, expected) in ALL.iter().zip(GOLDEN) {
        let mut rng = Streams::new(2026).owned(SAMPLE, 0);
        let spans = [(); 2].map(|()| distribution.sample(&mut rng).0);
        let residuals = [(); 2].map(|()| distribution.sample_residual(&mut rng).0);
        assert_eq!((spans, residuals), expected, "{distribution}");
    }
    let mut rng = Streams::new(2026).owned(SAMPLE, 0);
    let zipf = Zipf::new(50, 1.1);
    assert_eq!([(); 6].map(|()| zipf.sample(&mut rng)), [0, 11, 1, 18, 7, 6]);
}
