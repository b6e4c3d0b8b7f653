//! Samplers for the distributions a scenario may name, written on `libm` so that they give the same numbers
//! on every platform.
//!
//! The free functions draw plain numbers. [`Distribution`] is the closed set a scenario chooses spans of time
//! from: it samples a span, and its residual life, which is what is left of a span for an observer who
//! arrives at a random moment. A peer whose sessions are drawn from a distribution must start with a
//! residual, or the start of a run is no moment like any other. The equilibrium is sampled exactly: a
//! length-biased span times a uniform number (Cox, "Renewal Theory", 1962, section 5.4).

mod counts;
mod distribution;
mod logarithm;
mod quantile;

pub use counts::{binomial, poisson};
pub use distribution::{Distribution, DistributionError};
pub use quantile::normal as normal_quantile;

use super::random::Rng;

/// Uniform in `[low, high)`. One draw.
#[inline]
pub fn uniform(rng: &mut Rng<'_>, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.unit_f64()
}

/// Exponential with the given mean, by inversion. One draw.
#[inline]
pub fn exponential(rng: &mut Rng<'_>, mean: f64) -> f64 {
    mean * (-logarithm::ln(rng.open_unit_f64())).max(0.0)
}

/// Standard normal, by inversion (Wichura's algorithm AS 241, exact to about 1e-16). One draw, and larger
/// draws give larger numbers, which keeps runs with common random numbers close to each other.
#[inline]
pub fn standard_normal(rng: &mut Rng<'_>) -> f64 {
    // The middle of one of 2^52 cells: never 0 or 1, and symmetric.
    let unit = ((rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64);
    quantile::normal(unit)
}

/// Normal with the given mean and standard deviation. One draw.
#[inline]
pub fn normal(rng: &mut Rng<'_>, mean: f64, sd: f64) -> f64 {
    mean + sd * standard_normal(rng)
}

/// Lognormal: the exponential of a normal with mean `mu` and standard deviation `sigma`. One draw.
#[inline]
pub fn lognormal(rng: &mut Rng<'_>, mu: f64, sigma: f64) -> f64 {
    libm::exp(normal(rng, mu, sigma))
}

/// The `(mu, sigma)` of the lognormal with the given mean and standard deviation (of the lognormal itself).
#[must_use]
pub fn lognormal_parameters(mean: f64, sd: f64) -> (f64, f64) {
    let variance = libm::log1p((sd / mean) * (sd / mean));
    (libm::log(mean) - variance / 2.0, variance.sqrt())
}

/// Weibull with the survival function `exp(-(x / scale)^shape)`, by inversion. One draw.
#[inline]
pub fn weibull(rng: &mut Rng<'_>, shape: f64, scale: f64) -> f64 {
    scale * libm::pow(-libm::log(rng.open_unit_f64()), 1.0 / shape)
}

/// Pareto with the survival function `(scale / x)^shape` from `scale` on, by inversion. One draw.
#[inline]
pub fn pareto(rng: &mut Rng<'_>, shape: f64, scale: f64) -> f64 {
    scale * libm::pow(rng.open_unit_f64(), -1.0 / shape)
}

/// Gamma with mean `shape * scale` (Marsaglia and Tsang, "A simple method for generating gamma variables",
/// 2000). Two draws an attempt, of which more than nineteen in twenty succeed; one draw more for a shape
/// below one.
pub fn gamma(rng: &mut Rng<'_>, shape: f64, scale: f64) -> f64 {
    if shape < 1.0 {
        // A gamma of one more, times a power of a uniform. In logarithms, because tiny shapes underflow.
        let boost = libm::log(rng.open_unit_f64()) / shape;
        return scale * libm::exp(libm::log(gamma(rng, shape + 1.0, 1.0)) + boost);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = standard_normal(rng);
        let log_u = libm::log(rng.open_unit_f64());
        let root = 1.0 + c * x;
        if root <= 0.0 {
            continue;
        }
        let v = root * root * root;
        if log_u < x * x / 2.0 + d - d * v + d * libm::log(v) {
            return scale * d * v;
        }
    }
}

/// One with probability `p`, else zero. One draw.
#[inline]
pub fn bernoulli(rng: &mut Rng<'_>, p: f64) -> u64 {
    u64::from(rng.chance(p))
}

/// Zipf's law over ranks: rank `r` (from 0) has a weight of `(r + 1)^-exponent`. By a table of cumulated
/// weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Zipf {
    /// The weight of each rank and all before it.
    cumulated: Vec<f64>,
}

impl Zipf {
    /// The law over `ranks` ranks. An exponent of zero makes all alike.
    ///
    /// # Panics
    /// If there are no ranks, or the exponent is not a finite number of at least zero.
    #[must_use]
    pub fn new(ranks: usize, exponent: f64) -> Self {
        assert!(ranks > 0, "Zipf's law needs a rank");
        assert!(exponent.is_finite() && exponent >= 0.0, "Zipf's exponent is a number of at least 0");
        let mut sum = 0.0;
        let weight = |rank| {
            sum += libm::pow((rank + 1) as f64, -exponent);
            sum
        };
        Self { cumulated: (0..ranks).map(weight).collect() }
    }

    /// A random rank, from 0. One draw.
    pub fn sample(&self, rng: &mut Rng<'_>) -> usize {
        let last = self.cumulated.len() - 1;
        let point = rng.unit_f64() * self.cumulated[last];
        // Rounding may put the point on the total itself.
        self.cumulated.partition_point(|sum| *sum <= point).min(last)
    }

    /// The number of ranks.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.cumulated.len()
    }

    /// The probability of a rank; zero past the last.
    #[must_use]
    pub fn probability(&self, rank: usize) -> f64 {
        let Some(sum) = self.cumulated.get(rank) else { return 0.0 };
        let before = if rank == 0 { 0.0 } else { self.cumulated[rank - 1] };
        (sum - before) / self.cumulated[self.cumulated.len() - 1]
    }
}

#[cfg(test)]
mod tests;
