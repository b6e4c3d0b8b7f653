//! How long a message travels, bandwidth aside.
//!
//! The model `cities: wonder` takes the measured round trip between the measured cities nearest to both
//! endpoints, and the published slope of round-trip time over distance for the way from each endpoint to its
//! measured city. Pairs that were not measured (two endpoints of one city among them) take the published line
//! instead. A one-way delay is half the shortest round trip plus a jitter whose mean and deviation are half
//! of what was measured: lognormal, and cut at its 99th percentile, so that no single message waits for
//! minutes.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::geo::Coordinates;
use super::measured::MeasuredCities;
use crate::kernel::sample::{lognormal_parameters, standard_normal};
use crate::kernel::{Rng, Span};

/// Round-trip time over great-circle distance: least squares over the measured pairs beyond 50 km.
pub const FIT_SLOPE_MS_PER_KM: f64 = 0.017_415;
/// Round-trip time at no distance by the same line.
pub const FIT_INTERCEPT_MS: f64 = 31.798;
/// The 99th percentile of a standard normal.
const NORMAL_P99: f64 = 2.326_347_874_040_841;
/// Jitter of pairs without a measurement: the medians over all pairs, one way.
const MEDIAN_JITTER_MS: (f64, f64) = (0.19, 0.33);

/// Which delay model a network uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LatencyConfig {
    /// Delays between cities, from a measured data set.
    Cities(CityDataSet),
    /// One delay for every pair, without jitter.
    Constant(Span),
}

impl Default for LatencyConfig {
    fn default() -> Self {
        Self::Cities(CityDataSet::Wonder)
    }
}

/// A measured data set of delays between cities.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CityDataSet {
    /// WonderNetwork, 2018: [`MeasuredCities::wonder`].
    Wonder,
}

/// How an endpoint hangs on the measured cities: the nearest one, and the way to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attachment {
    city: u16,
    /// One way from the endpoint to the city.
    extra_ns: u32,
}

impl Attachment {
    /// The attachment of an endpoint at a place.
    #[must_use]
    pub fn at(place: Coordinates) -> Self {
        let (city, km) = MeasuredCities::wonder().nearest(place);
        Self { city, extra_ns: libm::round(km * FIT_SLOPE_MS_PER_KM / 2.0 * 1e6) as u32 }
    }
}

/// Delays between endpoints that are known by their attachments.
#[derive(Clone, Copy)]
pub enum LatencyModel {
    /// One delay for all.
    Constant(Span),
    /// Between measured cities.
    Cities(&'static PairDelays),
}

impl LatencyModel {
    /// The model of a configuration.
    #[must_use]
    pub fn new(config: LatencyConfig) -> Self {
        match config {
            LatencyConfig::Constant(delay) => Self::Constant(delay),
            LatencyConfig::Cities(CityDataSet::Wonder) => Self::Cities(PairDelays::wonder()),
        }
    }

    /// A random one-way delay. One draw, whichever the model.
    #[inline]
    pub fn sample(&self, from: Attachment, to: Attachment, rng: &mut Rng<'_>) -> Span {
        match self {
            Self::Constant(delay) => {
                Self::skip(rng);
                *delay
            }
            Self::Cities(pairs) => pairs.delay(from, to, standard_normal(rng)),
        }
    }

    /// Draws what a sample does, where nobody asks how long it takes.
    #[inline]
    pub fn skip(rng: &mut Rng<'_>) {
        rng.next_u64();
    }

    /// The one-way delay without jitter, which no sample is below.
    #[inline]
    #[must_use]
    pub fn shortest(&self, from: Attachment, to: Attachment) -> Span {
        match self {
            Self::Constant(delay) => *delay,
            Self::Cities(pairs) => Span(pairs.base_ns(from, to)),
        }
    }
}

/// The delay between two measured cities, ready to sample.
#[derive(Clone, Copy)]
struct PairDelay {
    /// Without jitter.
    base_ns: u32,
    /// Mean of the jitter's logarithm, in nanoseconds; minus infinity for no jitter.
    mu: f32,
    /// Deviation of the jitter's logarithm.
    sigma: f32,
}

/// The delays between all measured cities.
pub struct PairDelays {
    count: usize,
    pairs: Vec<PairDelay>,
}

impl PairDelays {
    /// The delays of [`MeasuredCities::wonder`], computed at first use.
    pub fn wonder() -> &'static Self {
        static WONDER: OnceLock<PairDelays> = OnceLock::new();
        WONDER.get_or_init(|| {
            let cities = MeasuredCities::wonder();
            let count = cities.cities().len();
            let rows = 0..count as u16;
            let pairs =
                rows.clone().flat_map(|from| rows.clone().map(move |to| pair_delay(cities, from, to)));
            Self { count, pairs: pairs.collect() }
        })
    }

    #[inline]
    fn pair(&self, from: Attachment, to: Attachment) -> PairDelay {
        self.pairs[usize::from(from.city) * self.count + usize::from(to.city)]
    }

    #[inline]
    fn base_ns(&self, from: Attachment, to: Attachment) -> u64 {
        u64::from(self.pair(from, to).base_ns) + u64::from(from.extra_ns) + u64::from(to.extra_ns)
    }

    /// The delay at a standard normal number, which is cut at its 99th percentile and with it the jitter.
    #[inline]
    fn delay(&self, from: Attachment, to: Attachment, normal: f64) -> Span {
        let pair = self.pair(from, to);
        let jitter = libm::exp(f64::from(pair.mu) + f64::from(pair.sigma) * normal.min(NORMAL_P99));
        Span(self.base_ns(from, to) + jitter as u64)
    }
}

fn pair_delay(cities: &MeasuredCities, from: u16, to: u16) -> PairDelay {
    // Six cities were only ever pinged: their way out is the way back of the others' pings.
    let (base_ms, mean_ms, sd_ms) = match cities.round_trip(from, to).or_else(|| cities.round_trip(to, from))
    {
        Some(trip) => {
            let half_ms = |ns: u32| f64::from(ns) / 2e6;
            (half_ms(trip.minimum_ns), half_ms(trip.average_ns - trip.minimum_ns), half_ms(trip.deviation_ns))
        }
        None => {
            let at = |row: u16| cities.cities()[usize::from(row)].at;
            let round_trip_ms = FIT_SLOPE_MS_PER_KM * at(from).distance_km(at(to)) + FIT_INTERCEPT_MS;
            (round_trip_ms / 2.0 - MEDIAN_JITTER_MS.0, MEDIAN_JITTER_MS.0, MEDIAN_JITTER_MS.1)
        }
    };
    let base_ns = libm::round(base_ms * 1e6) as u32;
    if mean_ms <= 0.0 {
        return PairDelay { base_ns, mu: f32::NEG_INFINITY, sigma: 0.0 };
    }
    let (mu, sigma) = lognormal_parameters(mean_ms * 1e6, sd_ms * 1e6);
    PairDelay { base_ns, mu: mu as f32, sigma: sigma as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    const TEST: Domain = Domain::new("net.latency.test");

    fn attach(name: &str) -> Attachment {
        let city = MeasuredCities::wonder().cities().iter().position(|city| city.name == name).unwrap();
        Attachment { city: city as u16, extra_ns: 0 }
    }

    #[test]
    fn samples_keep_the_measured_minimum_mean_and_cap() {
        let model = LatencyModel::new(LatencyConfig::default());
        let mut rng = Streams::new(3).owned(TEST, 0);
        for (a, b) in [("Adelaide", "Albany"), ("London", "New York"), ("Tokyo", "Amsterdam")] {
            let (from, to) = (attach(a), attach(b));
            let trip = MeasuredCities::wonder().round_trip(from.city, to.city).unwrap();
            let base = u64::from(trip.minimum_ns) / 2;
            assert_eq!(model.shortest(from, to), Span(base));
            let mean = f64::from(trip.average_ns - trip.minimum_ns) / 2.0;
            let (mu, sigma) = lognormal_parameters(mean, f64::from(trip.deviation_ns) / 2.0);
            let cap = libm::exp(mu + sigma * NORMAL_P99);
            let draws = 20_000;
            let mut sum = 0.0;
            for _ in 0..draws {
                let jitter = (model.sample(from, to, &mut rng).0 - base) as f64;
                assert!(jitter <= cap * 1.0001 + 1.0, "{a} {b}: {jitter} over {cap}");
                sum += jitter;
            }
            // The mean of the lognormal cut at z: the part below, and the cap for the hundredth above.
            let phi = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
            let expected = mean * phi(NORMAL_P99 - sigma) + 0.01 * cap;
            let average = sum / f64::from(draws);
            assert!((average / expected - 1.0).abs() < 0.05, "{a} {b}: {average} against {expected}");
        }
    }

    #[test]
    fn one_city_and_missing_pairs_follow_the_line() {
        let model = LatencyModel::new(LatencyConfig::default());
        let here = attach("London");
        let expected = FIT_INTERCEPT_MS / 2.0 - MEDIAN_JITTER_MS.0;
        assert!((model.shortest(here, here).0 as f64 / 1e6 - expected).abs() < 1e-3);
        // Two cities that were only pinged have no measurement between them.
        let (zagreb, carlow) = (attach("Zagreb"), attach("Carlow"));
        let km = {
            let at = |it: Attachment| MeasuredCities::wonder().cities()[usize::from(it.city)].at;
            at(zagreb).distance_km(at(carlow))
        };
        let line = (FIT_SLOPE_MS_PER_KM * km + FIT_INTERCEPT_MS) / 2.0 - MEDIAN_JITTER_MS.0;
        assert!((model.shortest(zagreb, carlow).0 as f64 / 1e6 - line).abs() < 1e-3);
        // What was measured one way only serves both.
        assert_eq!(model.shortest(zagreb, here), model.shortest(here, zagreb));
    }

    #[test]
    fn distance_to_the_measured_city_counts_once_a_side() {
        let model = LatencyModel::new(LatencyConfig::default());
        let london = attach("London");
        let at = MeasuredCities::wonder().cities()[usize::from(london.city)].at;
        let off = Coordinates { lat: at.lat + 0.2, lon: at.lon };
        let near = Attachment::at(off);
        assert_eq!(near.city, london.city);
        let km = at.distance_km(off);
        let tokyo = attach("Tokyo");
        let gap = model.shortest(near, tokyo).0 - model.shortest(london, tokyo).0;
        assert!((gap as f64 - km * FIT_SLOPE_MS_PER_KM / 2.0 * 1e6).abs() <= 1.0);
    }

    /// The medians used for pairs without a measurement are those of the data.
    #[test]
    fn median_jitter_is_that_of_the_data() {
        let wonder = MeasuredCities::wonder();
        let (mut means, mut deviations) = (Vec::new(), Vec::new());
        for cell in 0..248_u32 * 248 {
            if let Some(trip) = wonder.round_trip((cell / 248) as u16, (cell % 248) as u16) {
                means.push(trip.average_ns - trip.minimum_ns);
                deviations.push(trip.deviation_ns);
            }
        }
        let median = |values: &mut Vec<u32>| {
            values.sort_unstable();
            f64::from(values[values.len() / 2]) / 2e6
        };
        assert_eq!((median(&mut means), median(&mut deviations)), MEDIAN_JITTER_MS);
    }

    #[test]
    fn constant_delays_are_constant() {
        let model = LatencyModel::new(LatencyConfig::Constant(Span::millis(20)));
        let mut rng = Streams::new(1).owned(TEST, 1);
        let (a, b) = (attach("London"), attach("Tokyo"));
        assert_eq!(model.sample(a, b, &mut rng), Span::millis(20));
        assert_eq!(model.shortest(a, b), Span::millis(20));
    }
}
