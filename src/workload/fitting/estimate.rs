//! The parameters under which spans are likeliest, family by family; docs/churn.md has the equations.

use statrs::function::gamma::digamma;

use super::model::{ln_gamma_tail, ln_normal_tail};
use super::{Model, Spans, solve};

/// What is needed of the spans that ended, and of all.
pub(super) struct Summary {
    /// How many ended.
    count: f64,
    /// The mean of those that ended.
    pub(super) mean: f64,
    /// The mean of their logarithms.
    log_mean: f64,
    /// The variance of their logarithms.
    pub(super) log_variance: f64,
    /// The sum of all spans, ended or not.
    total: f64,
}

impl Summary {
    pub(super) fn of(spans: &Spans) -> Self {
        let count = spans.ended().len() as f64;
        let sum: f64 = spans.ended().iter().sum();
        let log_mean = spans.ended().iter().map(|span| libm::log(*span)).sum::<f64>() / count;
        let squares = spans.ended().iter().map(|span| {
            let off = libm::log(*span) - log_mean;
            off * off
        });
        let log_variance = squares.sum::<f64>() / count;
        let total = sum + spans.censored().iter().sum::<f64>();
        Self { count, mean: sum / count, log_mean, log_variance, total }
    }
}

/// All the time that was seen, by the number of ends in it.
pub(super) fn exponential(summary: &Summary) -> Model {
    Model::Exponential { mean_s: summary.total / summary.count }
}

/// The shape is the zero of a rising function; the scale follows from it (Cohen, "Maximum likelihood estimation in the
/// Weibull distribution based on complete and on censored samples", 1965).
pub(super) fn weibull(spans: &Spans, summary: &Summary) -> Option<Model> {
    // Powers are taken of ratios to the longest span, which never overflow.
    let all: Vec<f64> = spans.ended().iter().chain(spans.censored()).map(|span| libm::log(*span)).collect();
    let longest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sums = |shape: f64| {
        all.iter().fold((0.0, 0.0), |(powers, weighted), ln_span| {
            let power = libm::exp(shape * (ln_span - longest));
            (powers + power, weighted + power * ln_span)
        })
    };
    let excess = |shape: f64| {
        let (powers, weighted) = sums(shape);
        weighted / powers - 1.0 / shape - summary.log_mean
    };
    // The logarithm of a Weibull has a standard deviation of pi / sqrt(6) / shape.
    let shape = solve::root(1.28 / summary.log_variance.sqrt(), excess)?;
    let scale_s = libm::exp(longest + libm::log(sums(shape).0 / summary.count) / shape);
    Some(Model::Weibull { shape, scale_s })
}

/// Mean and deviation of the logarithms. With censored spans there is no closed form, but one maximum (Olsen, "Note on
/// the uniqueness of the maximum likelihood estimator for the Tobit model", 1978).
pub(super) fn lognormal(spans: &Spans, summary: &Summary) -> Option<Model> {
    let (mean, variance) = (summary.log_mean, summary.log_variance);
    if spans.censored().is_empty() {
        return Some(Model::Lognormal { mu: mean, sigma: variance.sqrt() });
    }
    let censored: Vec<f64> = spans.censored().iter().map(|span| libm::log(*span)).collect();
    let likelihood = |[mu, ln_sigma]: [f64; 2]| {
        let sigma = libm::exp(ln_sigma);
        let squares = (variance + (mean - mu) * (mean - mu)) / (2.0 * sigma * sigma);
        let tails: f64 = censored.iter().map(|ln_span| ln_normal_tail((ln_span - mu) / sigma)).sum();
        tails - summary.count * (ln_sigma + squares)
    };
    let [mu, ln_sigma] = solve::summit([mean, libm::log(variance) / 2.0], likelihood)?;
    Some(Model::Lognormal { mu, sigma: libm::exp(ln_sigma) })
}

/// The shape is the zero of `digamma(shape) - ln(shape) + s`, with `s` the logarithm of the mean less the mean of the
/// logarithms; the scale follows from the mean (Minka, "Estimating a Gamma distribution", 2002). With censored spans
/// both are sought at once.
pub(super) fn gamma(spans: &Spans, summary: &Summary) -> Option<Model> {
    let s = libm::log(summary.mean) - summary.log_mean;
    // Minka's approximation, within 1.5 % of the zero.
    let guess = (3.0 - s + ((s - 3.0) * (s - 3.0) + 24.0 * s).sqrt()) / (12.0 * s);
    let complete = solve::root(guess, |shape| digamma(shape) - libm::log(shape) + s)?;
    let complete_scale_s = summary.mean / complete;
    if spans.censored().is_empty() {
        return Some(Model::Gamma { shape: complete, scale_s: complete_scale_s });
    }
    let likelihood = |[ln_shape, ln_scale]: [f64; 2]| {
        let (shape, scale) = (libm::exp(ln_shape), libm::exp(ln_scale));
        let densities =
            (shape - 1.0) * summary.log_mean - summary.mean / scale - shape * ln_scale - libm::lgamma(shape);
        let tails: f64 = spans.censored().iter().map(|span| ln_gamma_tail(shape, span / scale)).sum();
        tails + summary.count * densities
    };
    let [ln_shape, ln_scale] = solve::summit([libm::log(complete), libm::log(complete_scale_s)], likelihood)?;
    Some(Model::Gamma { shape: libm::exp(ln_shape), scale_s: libm::exp(ln_scale) })
}
