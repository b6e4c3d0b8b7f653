//! Autonomous systems: a model of which networks the peers of a country belong to.
//!
//! No measured table is carried. A country has a system for every hundred thousand people in its larger cities, and
//! one at least; their shares of its peers follow Zipf's law with exponent 1, from number 1 down, as the sizes of
//! networks roughly do: a few carriers have most of a country, and many small ones share the rest. A system of one
//! country is not that of another, whatever its number.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::geo::Cities;
use crate::kernel::Rng;
use crate::kernel::sample::Zipf;

/// So many people in the cities of a country have a system for themselves.
const PEOPLE_EACH: u64 = 100_000;
/// How steeply the shares of systems fall.
const EXPONENT: f64 = 1.0;

/// The autonomous systems of the world.
pub struct Systems {
    by_country: BTreeMap<&'static str, Zipf>,
}

impl Systems {
    /// Those of all countries that have a city of [`Cities::world`].
    pub fn world() -> &'static Self {
        static WORLD: OnceLock<Systems> = OnceLock::new();
        WORLD.get_or_init(|| {
            let mut people: BTreeMap<&'static str, u64> = BTreeMap::new();
            for (_, city) in Cities::world().iter() {
                *people.entry(city.country).or_default() += u64::from(city.population);
            }
            let systems = |people: u64| Zipf::new((people / PEOPLE_EACH).max(1) as usize, EXPONENT);
            let by_country = people.into_iter().map(|(country, people)| (country, systems(people)));
            Self { by_country: by_country.collect() }
        })
    }

    /// How many a country has; none where it has no city of the list.
    #[must_use]
    pub fn count(&self, country: &str) -> u32 {
        self.by_country.get(country).map_or(0, |zipf| zipf.ranks() as u32)
    }

    /// The share of a country's peers that a system has.
    #[must_use]
    pub fn share(&self, country: &str, system: u32) -> f64 {
        let rank = (system as usize).checked_sub(1);
        self.by_country.get(country).zip(rank).map_or(0.0, |(zipf, rank)| zipf.probability(rank))
    }

    /// The system of a peer in a country, from 1. One draw.
    #[must_use]
    pub fn draw(&self, country: &str, rng: &mut Rng<'_>) -> u32 {
        self.by_country.get(country).map_or(1, |zipf| zipf.sample(rng) as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    #[test]
    fn larger_countries_have_more_systems_and_a_few_have_most_peers() {
        let systems = Systems::world();
        let [us, de, is] = ["US", "DE", "IS"].map(|country| systems.count(country));
        assert!(us > 1000 && us > 3 * de && de > 100 && is == 1, "{us} {de} {is}");
        assert_eq!((systems.count("XX"), systems.share("XX", 1)), (0, 0.0));
        let harmonic: f64 = (1..=us).map(|rank| 1.0 / f64::from(rank)).sum();
        assert!((systems.share("US", 1) - 1.0 / harmonic).abs() < 1e-12);
        assert!((systems.share("US", 4) - 0.25 / harmonic).abs() < 1e-12);
        assert!((systems.share("IS", 1) - 1.0).abs() < 1e-12 && systems.share("IS", 2) == 0.0);
        let mut rng = Streams::new(1).owned(Domain::new("test"), 0);
        let drawn: Vec<u32> = (0..20_000).map(|_| systems.draw("US", &mut rng)).collect();
        let share = drawn.iter().filter(|one| **one == 1).count() as f64 / 20_000.0;
        assert!((share - systems.share("US", 1)).abs() < 0.01, "{share}");
        assert!(drawn.iter().all(|one| (1..=us).contains(one)));
    }
}
