//! The families that are fitted: density, survival and distribution functions.

use statrs::function::gamma::checked_gamma_ur;

use super::Spans;
use crate::kernel::Distribution;

/// A fitted distribution, parametrised as [`Distribution`] is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Model {
    /// Without memory.
    Exponential {
        /// The mean.
        mean_s: f64,
    },
    /// Weibull: the survival function is `exp(-(x / scale)^shape)`.
    Weibull {
        /// The shape.
        shape: f64,
        /// The scale.
        scale_s: f64,
    },
    /// Lognormal.
    Lognormal {
        /// The mean of the logarithm of the seconds.
        mu: f64,
        /// The standard deviation of the logarithm of the seconds.
        sigma: f64,
    },
    /// Gamma.
    Gamma {
        /// The shape.
        shape: f64,
        /// The scale.
        scale_s: f64,
    },
}

impl Model {
    /// The name of its family.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Exponential { .. } => "exponential",
            Self::Weibull { .. } => "Weibull",
            Self::Lognormal { .. } => "lognormal",
            Self::Gamma { .. } => "gamma",
        }
    }

    /// How many parameters were chosen.
    #[must_use]
    pub const fn parameters(&self) -> u32 {
        if matches!(self, Self::Exponential { .. }) { 1 } else { 2 }
    }

    /// What a scenario names.
    #[must_use]
    pub const fn distribution(&self) -> Distribution {
        match *self {
            Self::Exponential { mean_s } => Distribution::Exponential { mean_s },
            Self::Weibull { shape, scale_s } => Distribution::Weibull { shape, scale_s },
            Self::Lognormal { mu, sigma } => Distribution::Lognormal { mu, sigma },
            Self::Gamma { shape, scale_s } => Distribution::Gamma { shape, scale_s },
        }
    }

    /// The same with parameters of so many significant digits as the estimates can be worth.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let round = |value: f64| format!("{value:.5e}").parse().unwrap_or(value);
        match *self {
            Self::Exponential { mean_s } => Self::Exponential { mean_s: round(mean_s) },
            Self::Weibull { shape, scale_s } => {
                Self::Weibull { shape: round(shape), scale_s: round(scale_s) }
            }
            Self::Lognormal { mu, sigma } => Self::Lognormal { mu: round(mu), sigma: round(sigma) },
            Self::Gamma { shape, scale_s } => Self::Gamma { shape: round(shape), scale_s: round(scale_s) },
        }
    }

    /// The logarithm of the density at a span above zero.
    #[must_use]
    pub fn ln_density(&self, span_s: f64) -> f64 {
        match *self {
            Self::Exponential { mean_s } => -libm::log(mean_s) - span_s / mean_s,
            Self::Weibull { shape, scale_s } => {
                let ln_ratio = libm::log(span_s / scale_s);
                libm::log(shape / scale_s) + (shape - 1.0) * ln_ratio - libm::exp(shape * ln_ratio)
            }
            Self::Lognormal { mu, sigma } => {
                let ln_span = libm::log(span_s);
                let z = (ln_span - mu) / sigma;
                -ln_span - libm::log(sigma) - LN_ROOT_TAU - z * z / 2.0
            }
            Self::Gamma { shape, scale_s } => {
                let ratio = span_s / scale_s;
                (shape - 1.0) * libm::log(ratio) - ratio - libm::log(scale_s) - libm::lgamma(shape)
            }
        }
    }

    /// The logarithm of the probability to last longer than a span above zero.
    #[must_use]
    pub fn ln_survival(&self, span_s: f64) -> f64 {
        match *self {
            Self::Exponential { mean_s } => -span_s / mean_s,
            Self::Weibull { shape, scale_s } => -libm::pow(span_s / scale_s, shape),
            Self::Lognormal { mu, sigma } => ln_normal_tail((libm::log(span_s) - mu) / sigma),
            Self::Gamma { shape, scale_s } => ln_gamma_tail(shape, span_s / scale_s),
        }
    }

    /// The probability to last no longer than a span above zero.
    #[must_use]
    pub fn cumulative(&self, span_s: f64) -> f64 {
        -libm::expm1(self.ln_survival(span_s))
    }

    /// The logarithm of the likelihood of spans: densities of those that ended, survival of the censored.
    #[must_use]
    pub fn log_likelihood(&self, spans: &Spans) -> f64 {
        let ended: f64 = spans.ended().iter().map(|span_s| self.ln_density(*span_s)).sum();
        let censored: f64 = spans.censored().iter().map(|span_s| self.ln_survival(*span_s)).sum();
        ended + censored
    }
}

/// Half the logarithm of two pi.
const LN_ROOT_TAU: f64 = 0.918_938_533_204_672_7;

/// The logarithm of the probability that a standard normal is above `z`.
pub(super) fn ln_normal_tail(z: f64) -> f64 {
    if z < 30.0 {
        return libm::log(libm::erfc(z / std::f64::consts::SQRT_2) / 2.0);
    }
    // Where the probability is too small for a number: its asymptotic series, whose next term is below 1e-7.
    let inverse = 1.0 / (z * z);
    -z * z / 2.0 - LN_ROOT_TAU - libm::log(z) + libm::log1p(-inverse + 3.0 * inverse * inverse)
}

/// The logarithm of the regularised upper incomplete gamma function, for a shape and a ratio above zero.
pub(super) fn ln_gamma_tail(shape: f64, ratio: f64) -> f64 {
    let tail = checked_gamma_ur(shape, ratio).unwrap_or(f64::NAN);
    if tail > 1e-280 {
        return libm::log(tail);
    }
    // Where the probability is too small for a number, far beyond the shape: the first terms of the continued fraction
    // of the incomplete gamma function, from the inside out.
    let mut fraction = ratio + 41.0 - shape;
    for term in (1..=20).rev() {
        let term = f64::from(term);
        fraction = ratio + 2.0 * term - 1.0 - shape - term * (term - shape) / fraction;
    }
    shape * libm::log(ratio) - ratio - libm::lgamma(shape) - libm::log(fraction)
}
