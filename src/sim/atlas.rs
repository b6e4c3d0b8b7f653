//! The atlas of simulated nodes: the cities that the network knows.

use std::sync::LazyLock;

use super::texts::shared;
use crate::dms::atlas::Atlas;
use crate::dms::ensemble::Location;
use crate::net::CityId;
use crate::net::geo::{Cities, City};

/// Where GeoIP places a node in a city. All nodes of a city share the texts.
pub(super) fn location_of(city: CityId) -> &'static Location {
    static ALL: LazyLock<Vec<Location>> = LazyLock::new(|| {
        let place = |city: &City| Location {
            continent: shared(city.continent.code()),
            country: Some(shared(city.country)),
            city: Some(shared(city.name)),
            asn: None,
            isp: None,
        };
        Cities::world().iter().map(|(_, city)| place(city)).collect()
    });
    &ALL[city.0 as usize]
}

/// The embedded cities of GeoNames.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorldAtlas;

impl WorldAtlas {
    fn city(location: &Location) -> Option<&'static City> {
        let cities = Cities::world();
        let found = cities.find(location.city.as_deref()?, location.country.as_deref())?;
        Some(cities.city(found))
    }
}

impl Atlas for WorldAtlas {
    fn distance_km(&self, one: &Location, other: &Location) -> Option<f64> {
        Some(Self::city(one)?.at.distance_km(Self::city(other)?.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_needs_its_time_between_cities_that_are_listed() {
        let place = |city: &str, country: &str| Location {
            country: Some(country.into()),
            city: Some(city.into()),
            ..Location::default()
        };
        let (berlin, tokyo) = (place("Berlin", "DE"), place("Tokyo", "JP"));
        let round_trip = WorldAtlas.least_round_trip_ms(&berlin, &tokyo).expect("both are listed");
        assert!((59.0..60.5).contains(&round_trip), "{round_trip} ms over 8,900 km and back");
        assert_eq!(WorldAtlas.least_round_trip_ms(&berlin, &berlin), Some(0.0));
        assert_eq!(WorldAtlas.least_round_trip_ms(&berlin, &place("Atlantis", "GR")), None);
        assert_eq!(WorldAtlas.least_round_trip_ms(&berlin, &Location::default()), None);
    }
}
