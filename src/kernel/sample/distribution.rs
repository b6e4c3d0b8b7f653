//! The distributions of spans of time that a scenario may name.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{exponential, gamma, lognormal, lognormal_parameters, normal, pareto, uniform, weibull};
use crate::kernel::random::Rng;
use crate::kernel::time::Span;

/// A distribution of spans of time. Parameters are in seconds unless they are shapes.
///
/// Samples are rounded to nanoseconds; none is negative. As it comes from a scenario, [`Distribution::check`]
/// it before use: sampling with senseless parameters does not panic, but gives senseless spans.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same span.
    Constant {
        /// The span.
        value_s: f64,
    },
    /// Every span between two alike.
    Uniform {
        /// The shortest.
        low_s: f64,
        /// The longest.
        high_s: f64,
    },
    /// Without memory: what is left is distributed like the whole.
    Exponential {
        /// The mean.
        mean_s: f64,
    },
    /// Normal, where what would be negative is zero.
    Normal {
        /// The mean before negative values become zero.
        mean_s: f64,
        /// The standard deviation before negative values become zero.
        sd_s: f64,
    },
    /// Lognormal by the normal below it.
    Lognormal {
        /// The mean of the logarithm of the seconds.
        mu: f64,
        /// The standard deviation of the logarithm of the seconds.
        sigma: f64,
    },
    /// Lognormal by its own mean and standard deviation.
    LognormalMean {
        /// The mean.
        mean_s: f64,
        /// The standard deviation.
        sd_s: f64,
    },
    /// Weibull: many short and few long spans where the shape is below one, as in measured session lengths.
    Weibull {
        /// The shape.
        shape: f64,
        /// The scale, which 63.2% of all spans stay below.
        scale_s: f64,
    },
    /// Pareto: a heavy tail from a shortest span on.
    Pareto {
        /// The exponent of the tail. The mean is infinite up to 1, the variance up to 2.
        shape: f64,
        /// The shortest span.
        scale_s: f64,
    },
    /// Gamma.
    Gamma {
        /// The shape.
        shape: f64,
        /// The scale; the mean is shape times scale.
        scale_s: f64,
    },
}

/// Why parameters make no distribution of spans.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum DistributionError {
    /// A parameter that must be a positive number is not.
    #[error("`{parameter}` of {distribution} must be a number above 0")]
    NotPositive {
        /// The distribution, with its parameters.
        distribution: Distribution,
        /// The name of the parameter.
        parameter: &'static str,
    },
    /// A parameter that must be a number of at least zero is not.
    #[error("`{parameter}` of {distribution} must be a number of at least 0")]
    Negative {
        /// The distribution, with its parameters.
        distribution: Distribution,
        /// The name of the parameter.
        parameter: &'static str,
    },
    /// The bounds of a uniform distribution are the wrong way round.
    #[error("`low_s` of {distribution} must not be above `high_s`")]
    Reversed {
        /// The distribution, with its parameters.
        distribution: Distribution,
    },
    /// A parameter is infinite or not a number.
    #[error("`{parameter}` of {distribution} must be a finite number")]
    NotFinite {
        /// The distribution, with its parameters.
        distribution: Distribution,
        /// The name of the parameter.
        parameter: &'static str,
    },
}

impl Distribution {
    /// The distribution that always gives `span`.
    #[must_use]
    pub fn constant(span: Span) -> Self {
        Self::Constant { value_s: span.as_secs_f64() }
    }

    /// The longest span that it gives; none when there is no longest.
    #[must_use]
    pub fn longest(&self) -> Option<Span> {
        match *self {
            Self::Constant { value_s } => Some(Span::from_secs_f64(value_s)),
            Self::Uniform { high_s, .. } => Some(Span::from_secs_f64(high_s)),
            _ => None,
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// The first parameter that makes no sense.
    pub fn check(&self) -> Result<(), DistributionError> {
        let distribution = *self;
        let positive = |parameter, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(DistributionError::NotPositive { distribution, parameter }),
        };
        let not_negative = |parameter, value: f64| match value.is_finite() && value >= 0.0 {
            true => Ok(()),
            false => Err(DistributionError::Negative { distribution, parameter }),
        };
        let finite = |parameter, value: f64| match value.is_finite() {
            true => Ok(()),
            false => Err(DistributionError::NotFinite { distribution, parameter }),
        };
        match *self {
            Self::Constant { value_s } => not_negative("value_s", value_s),
            Self::Uniform { low_s, high_s } => {
                not_negative("low_s", low_s)?;
                not_negative("high_s", high_s)?;
                if low_s <= high_s { Ok(()) } else { Err(DistributionError::Reversed { distribution }) }
            }
            Self::Exponential { mean_s } => positive("mean_s", mean_s),
            Self::Normal { mean_s, sd_s } => finite("mean_s", mean_s).and(not_negative("sd_s", sd_s)),
            Self::Lognormal { mu, sigma } => finite("mu", mu).and(not_negative("sigma", sigma)),
            Self::LognormalMean { mean_s, sd_s } => {
                positive("mean_s", mean_s).and(not_negative("sd_s", sd_s))
            }
            Self::Weibull { shape, scale_s }
            | Self::Pareto { shape, scale_s }
            | Self::Gamma { shape, scale_s } => positive("shape", shape).and(positive("scale_s", scale_s)),
        }
    }

    /// A random span.
    #[inline]
    pub fn sample(&self, rng: &mut Rng<'_>) -> Span {
        Span::from_secs_f64(self.sample_s(rng))
    }

    /// A random span in seconds, before rounding.
    pub fn sample_s(&self, rng: &mut Rng<'_>) -> f64 {
        match *self {
            Self::Constant { value_s } => value_s,
            Self::Uniform { low_s, high_s } => uniform(rng, low_s, high_s),
            Self::Exponential { mean_s } => exponential(rng, mean_s),
            Self::Normal { mean_s, sd_s } => normal(rng, mean_s, sd_s).max(0.0),
            Self::Lognormal { mu, sigma } => lognormal(rng, mu, sigma),
            Self::LognormalMean { mean_s, sd_s } => {
                let (mu, sigma) = lognormal_parameters(mean_s, sd_s);
                lognormal(rng, mu, sigma)
            }
            Self::Weibull { shape, scale_s } => weibull(rng, shape, scale_s),
            Self::Pareto { shape, scale_s } => pareto(rng, shape, scale_s),
            Self::Gamma { shape, scale_s } => gamma(rng, shape, scale_s),
        }
    }

    /// What is left of a span for one who arrives at a random moment: a sample of the equilibrium
    /// distribution, whose tail is the normalised integral of the survival function. [`Span::MAX`] where the
    /// mean is infinite.
    #[inline]
    pub fn sample_residual(&self, rng: &mut Rng<'_>) -> Span {
        Span::from_secs_f64(self.sample_residual_s(rng))
    }

    /// A residual in seconds, before rounding; see [`sample_residual`](Self::sample_residual).
    pub fn sample_residual_s(&self, rng: &mut Rng<'_>) -> f64 {
        if let Self::Exponential { mean_s } = *self {
            return exponential(rng, mean_s);
        }
        // A random moment falls into a span with a probability in proportion to its length, and anywhere in
        // it alike.
        let span = self.sample_length_biased_s(rng);
        span * rng.open_unit_f64()
    }

    /// The length of the span, in seconds, that a random moment falls into.
    fn sample_length_biased_s(&self, rng: &mut Rng<'_>) -> f64 {
        match *self {
            Self::Constant { value_s } => value_s,
            Self::Uniform { low_s, high_s } => {
                uniform(rng, low_s * low_s, high_s * high_s).sqrt().clamp(low_s, high_s)
            }
            Self::Exponential { mean_s } => gamma(rng, 2.0, mean_s),
            Self::Normal { mean_s, sd_s } => length_biased_normal(rng, mean_s, sd_s),
            Self::Lognormal { mu, sigma } => lognormal(rng, mu + sigma * sigma, sigma),
            Self::LognormalMean { mean_s, sd_s } => {
                let (mu, sigma) = lognormal_parameters(mean_s, sd_s);
                lognormal(rng, mu + sigma * sigma, sigma)
            }
            Self::Weibull { shape, scale_s } => {
                scale_s * libm::pow(gamma(rng, 1.0 + 1.0 / shape, 1.0), 1.0 / shape)
            }
            Self::Pareto { shape, scale_s } if shape > 1.0 => pareto(rng, shape - 1.0, scale_s),
            Self::Pareto { .. } => f64::INFINITY,
            Self::Gamma { shape, scale_s } => gamma(rng, shape + 1.0, scale_s),
        }
    }

    /// The mean in seconds; infinite for a Pareto with a shape of at most one.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        match *self {
            Self::Constant { value_s } => value_s,
            Self::Uniform { low_s, high_s } => low_s / 2.0 + high_s / 2.0,
            Self::Exponential { mean_s } | Self::LognormalMean { mean_s, .. } => mean_s,
            Self::Normal { mean_s, sd_s } if sd_s > 0.0 => {
                // The mean of the positive part.
                let z = mean_s / sd_s;
                let density = libm::exp(-z * z / 2.0) / (2.0 * std::f64::consts::PI).sqrt();
                mean_s * libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0 + sd_s * density
            }
            Self::Normal { mean_s, .. } => mean_s.max(0.0),
            Self::Lognormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Self::Weibull { shape, scale_s } => scale_s * libm::tgamma(1.0 + 1.0 / shape),
            Self::Pareto { shape, scale_s } if shape > 1.0 => scale_s * shape / (shape - 1.0),
            Self::Pareto { .. } => f64::INFINITY,
            Self::Gamma { shape, scale_s } => shape * scale_s,
        }
    }
}

/// A sample of the density in proportion to `x` times the normal density, over positive `x`, by rejection.
///
/// With `x = mean + sd * z` the factor `x` is at most `max(mean, 0) + sd * max(z, 0)`. That bound is a
/// mixture of a normal and a Rayleigh density, the latter from the smallest positive `x` on.
fn length_biased_normal(rng: &mut Rng<'_>, mean: f64, sd: f64) -> f64 {
    if sd <= 0.0 {
        return mean.max(0.0);
    }
    let centre = mean.max(0.0);
    let lowest_z = (-mean / sd).max(0.0);
    // Below a mean of zero the mixture is all Rayleigh, and the weight only has to be positive.
    let rayleigh_weight = sd / (2.0 * std::f64::consts::PI).sqrt();
    loop {
        let z = if rng.unit_f64() * (centre + rayleigh_weight) < centre {
            super::standard_normal(rng)
        } else {
            (lowest_z * lowest_z + exponential(rng, 2.0)).sqrt()
        };
        let x = mean + sd * z;
        if rng.unit_f64() * (centre + sd * z.max(0.0)) < x {
            return x;
        }
    }
}

impl fmt::Display for Distribution {
    /// The name and parameters in plain words: `Weibull(shape 0.5, scale 3600 s)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Constant { value_s } => write!(f, "constant {value_s} s"),
            Self::Uniform { low_s, high_s } => write!(f, "uniform({low_s} to {high_s} s)"),
            Self::Exponential { mean_s } => write!(f, "exponential(mean {mean_s} s)"),
            Self::Normal { mean_s, sd_s } => write!(f, "normal(mean {mean_s} s, sd {sd_s} s)"),
            Self::Lognormal { mu, sigma } => write!(f, "lognormal(mu {mu}, sigma {sigma})"),
            Self::LognormalMean { mean_s, sd_s } => write!(f, "lognormal(mean {mean_s} s, sd {sd_s} s)"),
            Self::Weibull { shape, scale_s } => write!(f, "Weibull(shape {shape}, scale {scale_s} s)"),
            Self::Pareto { shape, scale_s } => write!(f, "Pareto(shape {shape}, scale {scale_s} s)"),
            Self::Gamma { shape, scale_s } => write!(f, "gamma(shape {shape}, scale {scale_s} s)"),
        }
    }
}
