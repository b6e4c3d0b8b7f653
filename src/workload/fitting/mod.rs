//! Fits distributions to measured up and down times, so that churn can follow a trace.
//!
//! Four families are fitted by maximum likelihood to [`Spans`], of which some may be right-censored: they went on
//! when the observation ended, and all that is known is that they are longer. An ended span counts with its density,
//! a censored one with its survival function. [`fit`] compares the families by Akaike's criterion ("A new look at the
//! statistical model identification", 1974): twice the number of parameters minus twice the log-likelihood.
//!
//! Nothing here is part of a run: results may differ in the last bits from one version of a library to the next.

mod estimate;
mod model;
mod solve;
mod spans;

use thiserror::Error;

pub use model::Model;
pub use spans::{Observations, Session, Spans, Window};

/// Logarithms of ended spans must spread more than this (standard deviation): about a thousandth of their length.
const LEAST_SPREAD: f64 = 1e-3;

/// A distribution with the parameters under which the spans are likeliest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fit {
    /// The distribution.
    pub model: Model,
    /// The logarithm of the likelihood, with spans in seconds.
    pub log_likelihood: f64,
    /// Akaike's criterion; less is better.
    pub aic: f64,
    /// The Kolmogorov-Smirnov distance: the largest difference between the fit and [`Spans::cumulative`].
    pub ks: f64,
}

/// Why spans cannot be fitted.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum FitError {
    /// There is too little to fit.
    #[error("{ended} of them ended")]
    TooFew {
        /// How many ended.
        ended: usize,
    },
    /// There is nothing to distribute.
    #[error("all that ended took about {mean_s} s")]
    TooAlike {
        /// The mean of those that ended.
        mean_s: f64,
    },
    /// The likelihood still rises where nobody looks any more, as it may when nearly all spans are censored.
    #[error("no likeliest {family} distribution was found")]
    Unbounded {
        /// The family's name.
        family: &'static str,
    },
}

/// What to do where spans say too little of their ends.
pub const OBSERVE_LONGER: &str = "too many of them did not end before the observation did: observe longer";

impl FitError {
    /// What to do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::TooFew { .. } => "a fit needs two that differ, and hundreds to be worth something",
            Self::TooAlike { .. } => "write that time instead of a distribution",
            Self::Unbounded { .. } => OBSERVE_LONGER,
        }
    }
}

/// The exponential, Weibull, lognormal and gamma distribution that fit best, in this order.
///
/// # Errors
/// When fewer than two spans ended, when those that ended are alike, or when a likelihood has no maximum.
pub fn fit(spans: &Spans) -> Result<Vec<Fit>, FitError> {
    let ended = spans.ended().len();
    if ended < 2 {
        return Err(FitError::TooFew { ended });
    }
    let summary = estimate::Summary::of(spans);
    if summary.log_variance.sqrt() < LEAST_SPREAD {
        return Err(FitError::TooAlike { mean_s: summary.mean });
    }
    let unbounded = |family| FitError::Unbounded { family };
    let models = [
        estimate::exponential(&summary),
        estimate::weibull(spans, &summary).ok_or(unbounded("Weibull"))?,
        estimate::lognormal(spans, &summary).ok_or(unbounded("lognormal"))?,
        estimate::gamma(spans, &summary).ok_or(unbounded("gamma"))?,
    ];
    let steps = spans.cumulative();
    let judged = models.map(|model| {
        let log_likelihood = model.log_likelihood(spans);
        let aic = 2.0 * f64::from(model.parameters()) - 2.0 * log_likelihood;
        Fit { model, log_likelihood, aic, ks: distance(&model, &steps) }
    });
    Ok(judged.to_vec())
}

/// The one with the least criterion, of equals the first; none of nothing.
#[must_use]
pub fn best(fits: &[Fit]) -> Option<&Fit> {
    fits.iter().min_by(|a, b| a.aic.total_cmp(&b.aic))
}

/// How far a fit is from the steps of a cumulative distribution, before and after each of them.
fn distance(model: &Model, steps: &[(f64, f64)]) -> f64 {
    let before = std::iter::once(0.0).chain(steps.iter().map(|(_, share)| *share));
    let gaps = steps.iter().zip(before).map(|((span_s, after), before)| {
        let fitted = model.cumulative(*span_s);
        (fitted - before).abs().max((fitted - after).abs())
    });
    gaps.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
