//! Laws of how long something takes, with a mean of one: as a scenario writes them, and drawn here.
//!
//! What is drawn here is compared with what runs have drawn, so it is made without the samplers of runs.

use super::stage::{exponential, time};
use super::statistics::{are_alike, variance};
use crate::kernel::{Domain, Rng, Streams};

const LAWS: Domain = Domain::new("reproduce.oracles.laws");
/// Times that differ by less than this part of a unit are the same: messages take some.
const GRAIN: f64 = 1e-3;
/// So many draws are made for each time that a run has shown.
const DRAWS: usize = 10;

/// A law.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Law {
    Exponential,
    Constant,
    /// With this variance.
    Lognormal(f64),
    /// With this exponent, above one.
    Pareto(f64),
}

impl Law {
    /// Four that have nothing in common but their mean.
    pub(super) const ALL: [Self; 4] =
        [Self::Exponential, Self::Constant, Self::Lognormal(4.0), Self::Pareto(2.5)];

    /// The one that is known by this variance.
    pub(super) fn of_variance(variance: f64) -> Self {
        if variance == 0.0 {
            Self::Constant
        } else if variance == 1.0 {
            Self::Exponential
        } else {
            Self::Lognormal(variance)
        }
    }

    /// As a scenario writes it, with this mean.
    pub(super) fn text(self, mean_s: f64) -> String {
        match self {
            Self::Exponential => exponential(mean_s),
            Self::Constant => time(mean_s),
            Self::Lognormal(variance) => {
                format!("{{lognormal: {{mean: {}, sd: {}}}}}", time(mean_s), time(mean_s * variance.sqrt()))
            }
            Self::Pareto(alpha) => {
                let least_s = mean_s * (alpha - 1.0) / alpha;
                format!("{{pareto: {{shape: {alpha}, scale: {}}}}}", time(least_s))
            }
        }
    }

    /// One draw.
    pub(super) fn draw(self, rng: &mut Rng<'_>) -> f64 {
        match self {
            Self::Exponential => -libm::log(rng.open_unit_f64()),
            Self::Constant => 1.0,
            Self::Lognormal(variance) => {
                let sigma2 = libm::log(1.0 + variance);
                // Box and Muller.
                let radius = (-2.0 * libm::log(rng.open_unit_f64())).sqrt();
                let normal = radius * libm::cos(std::f64::consts::TAU * rng.unit_f64());
                libm::exp(sigma2.sqrt() * normal - sigma2 / 2.0)
            }
            Self::Pareto(alpha) => (alpha - 1.0) / alpha * libm::pow(rng.open_unit_f64(), -1.0 / alpha),
        }
    }

    /// Times that runs have shown must be distributed like this law with this mean, as far as they are not longer than
    /// `most`.
    pub(super) fn check(
        self,
        name: &str,
        (mean, most): (f64, f64),
        seen: &[f64],
        seed: u64,
    ) -> Result<(), String> {
        let mut rng = Streams::new(seed).owned(LAWS, 0);
        let rounded = |time: f64| libm::round(f64::min(time, most) / GRAIN) * GRAIN;
        let drawn: Vec<f64> = (0..DRAWS * seen.len()).map(|_| rounded(mean * self.draw(&mut rng))).collect();
        let seen: Vec<f64> = seen.iter().map(|time| rounded(*time)).collect();
        let [(is, one), (wanted, other)] = [&seen, &drawn].map(|times| mean_and_error(times));
        let is_mean = (is - wanted).abs() <= 5.0 * (one * one + other * other).sqrt() + GRAIN;
        if is_mean && are_alike(seen, drawn) {
            return Ok(());
        }
        Err(format!("the time {name} is not distributed as it should be: its mean is {is}, not {wanted}"))
    }
}

/// Times that a run has shown.
#[derive(Default)]
pub(super) struct Seen {
    /// Between two arrivals.
    pub(super) between: Vec<f64>,
    /// Of services.
    pub(super) served: Vec<f64>,
}

impl Seen {
    /// What all runs have shown must be as was asked for: arrivals at random, so far apart on average, and services of
    /// this law and mean.
    pub(super) fn check(
        all: &[&Self],
        between: f64,
        (law, served): (Law, f64),
        seed: u64,
    ) -> Result<(), String> {
        let of = |times: fn(&Self) -> &Vec<f64>| -> Vec<f64> {
            all.iter().flat_map(|seen| times(seen).iter().copied()).collect()
        };
        Law::Exponential.check(
            "between two arrivals",
            (between, f64::MAX),
            &of(|seen| &seen.between),
            seed,
        )?;
        law.check("of service", (served, f64::MAX), &of(|seen| &seen.served), seed)
    }
}

/// A mean with its standard error.
fn mean_and_error(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let (sum, squares) =
        times.iter().fold((0.0, 0.0), |(sum, squares), time| (sum + time, squares + time * time));
    (sum / count, (f64::max(variance(count, sum, squares), 0.0) / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: Domain = Domain::new("reproduce.oracles.laws.test");

    #[test]
    fn every_law_has_a_mean_of_one_and_its_variance() {
        for (law, variance) in [
            (Law::Exponential, 1.0),
            (Law::Constant, 0.0),
            (Law::Lognormal(0.5), 0.5),
            (Law::Pareto(6.0), 1.0 / 24.0),
        ] {
            let mut rng = Streams::new(3).owned(TEST, 0);
            let draws: Vec<f64> = (0..100_000).map(|_| law.draw(&mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / 1e5;
            let found = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / 1e5;
            assert!((mean - 1.0).abs() < 0.02, "{law:?} {mean}");
            assert!((found - variance).abs() < 0.05 * variance.max(0.1), "{law:?} {found}");
        }
    }

    #[test]
    fn what_is_of_another_law_is_noticed() {
        for (place, law) in Law::ALL.into_iter().enumerate() {
            let mut rng = Streams::new(4).owned(TEST, 1);
            // A microsecond late, as messages are.
            let seen: Vec<f64> = (0..20_000).map(|_| 2.0 * law.draw(&mut rng) + 1e-6).collect();
            for (other, wrong) in Law::ALL.into_iter().enumerate() {
                assert_eq!(
                    wrong.check("of a test", (2.0, f64::MAX), &seen, 5).is_ok(),
                    place == other,
                    "{law:?} {wrong:?}"
                );
            }
            assert!(law.check("of a test", (2.2, f64::MAX), &seen, 5).is_err(), "{law:?}");
        }
    }
}
