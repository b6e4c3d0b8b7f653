//! Where peers are: cities drawn by population, of the world or a part of it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernel::Rng;
use crate::net::{Cities, CityDraw, CityId, Continent};

/// Where the peers of a group are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PlaceConfig {
    /// In cities drawn by population.
    ByPopulation(PopulationOf),
    /// All in one city, by its name in GeoNames: `Berlin`, or `Birmingham, US` where names repeat. Without a country it is
    /// the most populous.
    City(String),
}

/// Whose population counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PopulationOf {
    /// Everyone.
    World,
    /// One continent.
    Continent(Continent),
    /// One country, by its two-letter code (ISO 3166-1).
    Country(String),
}

impl Default for PlaceConfig {
    fn default() -> Self {
        Self::ByPopulation(PopulationOf::World)
    }
}

/// Why a place cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PlaceError {
    /// No city of that country is listed.
    #[error("no city of country `{country}` is known; countries are two-letter codes (ISO 3166-1)")]
    Country {
        /// What was given.
        country: String,
    },
    /// No such city is listed.
    #[error("no city `{city}` of 100,000 or more people is known")]
    City {
        /// What was given.
        city: String,
    },
}

/// Cities to draw from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlaceDraw {
    /// By population.
    Cities(CityDraw),
    /// Always the same.
    City(CityId),
}

impl PlaceConfig {
    /// The cities to draw from.
    ///
    /// # Errors
    /// If no city satisfies the description.
    pub fn prepare(&self) -> Result<PlaceDraw, PlaceError> {
        let world = Cities::world();
        match self {
            Self::ByPopulation(PopulationOf::World) => {
                Ok(PlaceDraw::Cities(world.by_population(|_| true).expect("the world has cities")))
            }
            Self::ByPopulation(PopulationOf::Continent(continent)) => {
                let draw = world.by_population(|city| city.continent == *continent);
                Ok(PlaceDraw::Cities(draw.expect("every continent has cities")))
            }
            Self::ByPopulation(PopulationOf::Country(country)) => world
                .by_population(|city| city.country.eq_ignore_ascii_case(country))
                .map(PlaceDraw::Cities)
                .ok_or_else(|| PlaceError::Country { country: country.clone() }),
            Self::City(city) => {
                let found = match city.rsplit_once(',') {
                    Some((name, country)) => world.find(name.trim(), Some(country.trim())),
                    None => world.find(city.trim(), None),
                };
                found.map(PlaceDraw::City).ok_or_else(|| PlaceError::City { city: city.clone() })
            }
        }
    }
}

impl PlaceDraw {
    /// The city of one peer. At most one draw.
    pub fn draw(&self, rng: &mut Rng<'_>) -> CityId {
        match self {
            Self::Cities(cities) => cities.draw(rng),
            Self::City(city) => *city,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    fn draw(text: &str) -> Result<Vec<&'static crate::net::City>, PlaceError> {
        let places = serde_json::from_str::<PlaceConfig>(text).unwrap().prepare()?;
        let mut rng = Streams::new(2).owned(Domain::new("workload.place.test"), 0);
        Ok((0..200).map(|_| Cities::world().city(places.draw(&mut rng))).collect())
    }

    #[test]
    fn places_are_of_the_part_asked_for() {
        let world = draw(r#"{"by_population": "world"}"#).unwrap();
        assert!(
            Continent::ALL.iter().filter(|&&it| world.iter().any(|city| city.continent == it)).count() >= 4
        );
        let africa = draw(r#"{"by_population": {"continent": "africa"}}"#).unwrap();
        assert!(africa.iter().all(|city| city.continent == Continent::Africa));
        let japan = draw(r#"{"by_population": {"country": "jp"}}"#).unwrap();
        assert!(japan.iter().all(|city| city.country == "JP"));
        let one = draw(r#"{"city": "Birmingham, US"}"#).unwrap();
        assert!(one.iter().all(|city| city.name == "Birmingham" && city.country == "US"));
        assert_eq!(draw(r#"{"city": "Birmingham"}"#).unwrap()[0].country, "GB");
    }

    #[test]
    fn unknown_places_are_errors() {
        let unknown = draw(r#"{"by_population": {"country": "XX"}}"#).unwrap_err();
        assert!(unknown.to_string().contains("`XX`"));
        assert_eq!(draw(r#"{"city": "Atlantis"}"#), Err(PlaceError::City { city: "Atlantis".to_owned() }));
    }
}
