//! Where things are: cities of the world, distances on the globe, continents and the regions of the bandwidth
//! table.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::id_type;
use crate::kernel::{IdVec, Rng};

/// Mean radius of the Earth in kilometres.
pub const EARTH_RADIUS_KM: f64 = 6371.0;

/// The embedded city list; `data/README.md` has its source and licence.
const CITIES_CSV: &str = include_str!("../../data/geo/cities.csv");

id_type! {
    /// A city of [`Cities::world`], from the most populous down.
    pub struct CityId;
}

/// A point on the globe in degrees; north and east are positive.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Coordinates {
    /// Latitude in degrees, -90 to 90.
    pub lat: f64,
    /// Longitude in degrees, -180 to 180.
    pub lon: f64,
}

impl Coordinates {
    /// The great-circle distance by the haversine formula, in kilometres.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = libm::sin((lat_b - lat_a) / 2.0);
        let half_lon = libm::sin((other.lon - self.lon).to_radians() / 2.0);
        let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
        2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(h).min(1.0))
    }

    /// The point as a vector of length one. The nearest of many points has the largest product with it, which
    /// is far cheaper than as many haversines.
    #[must_use]
    pub fn unit_vector(self) -> [f64; 3] {
        let (lat, lon) = (self.lat.to_radians(), self.lon.to_radians());
        [libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon), libm::sin(lat)]
    }
}

/// A continent, as GeoNames divides the world: Central America and the Caribbean are North America.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Continent {
    /// Africa.
    #[serde(alias = "AF")]
    Africa,
    /// Asia.
    #[serde(alias = "AS")]
    Asia,
    /// Europe.
    #[serde(alias = "EU")]
    Europe,
    /// North America.
    #[serde(alias = "NA")]
    NorthAmerica,
    /// Oceania.
    #[serde(alias = "OC")]
    Oceania,
    /// South America.
    #[serde(alias = "SA")]
    SouthAmerica,
}

impl Continent {
    /// All continents, by name.
    pub const ALL: [Self; 6] =
        [Self::Africa, Self::Asia, Self::Europe, Self::NorthAmerica, Self::Oceania, Self::SouthAmerica];

    /// The GeoNames code: `AF`, `AS`, `EU`, `NA`, `OC` or `SA`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::SouthAmerica => "SA",
        }
    }

    /// The name in plain words: `North America`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Africa => "Africa",
            Self::Asia => "Asia",
            Self::Europe => "Europe",
            Self::NorthAmerica => "North America",
            Self::Oceania => "Oceania",
            Self::SouthAmerica => "South America",
        }
    }

    /// The continent with this code or name; case, spaces, hyphens and underscores do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
        };
        let text = plain(text);
        Self::ALL.into_iter().find(|it| plain(it.code()) == text || plain(it.name()) == text)
    }
}

/// One of the six regions of SimBlock's bandwidth table (Aoki et al., 2019).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// North and Central America.
    NorthAmerica,
    /// Europe.
    Europe,
    /// South America.
    SouthAmerica,
    /// Asia without Japan.
    AsiaPacific,
    /// Japan.
    Japan,
    /// Australia and the rest of Oceania.
    Australia,
}

impl Region {
    /// The region of a place. The table has no Africa; its peers are given the slowest links of the table,
    /// South America's.
    #[must_use]
    pub fn of(continent: Continent, country: &str) -> Self {
        match continent {
            Continent::NorthAmerica => Self::NorthAmerica,
            Continent::Europe => Self::Europe,
            Continent::SouthAmerica | Continent::Africa => Self::SouthAmerica,
            Continent::Asia if country == "JP" => Self::Japan,
            Continent::Asia => Self::AsiaPacific,
            Continent::Oceania => Self::Australia,
        }
    }
}

/// A city of 100,000 or more people.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct City {
    /// Its name in GeoNames. Names repeat.
    pub name: &'static str,
    /// Its country's two-letter code (ISO 3166-1).
    pub country: &'static str,
    /// Its continent.
    pub continent: Continent,
    /// Where it is.
    pub at: Coordinates,
    /// How many people live there.
    pub population: u32,
}

impl City {
    /// Its region in the bandwidth table.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::of(self.continent, self.country)
    }
}

/// The cities of the world.
pub struct Cities {
    rows: IdVec<CityId, City>,
    /// Those of each name in small letters, from the most populous down.
    by_name: FxHashMap<String, SmallVec<[CityId; 1]>>,
}

impl Cities {
    /// All 6,204 embedded cities (GeoNames, CC BY 4.0), parsed at first use.
    pub fn world() -> &'static Self {
        static WORLD: OnceLock<Cities> = OnceLock::new();
        WORLD.get_or_init(|| {
            let rows: IdVec<CityId, City> = CITIES_CSV.lines().skip(1).map(parse_city).collect();
            let mut by_name: FxHashMap<String, SmallVec<[CityId; 1]>> = FxHashMap::default();
            for (id, city) in rows.iter() {
                by_name.entry(city.name.to_ascii_lowercase()).or_default().push(id);
            }
            Self { rows, by_name }
        })
    }

    /// The city of `id`.
    ///
    /// # Panics
    /// If `id` is not one of this list.
    #[must_use]
    pub fn city(&self, id: CityId) -> &City {
        &self.rows[id]
    }

    /// All cities with their ids, from the most populous down.
    pub fn iter(&self) -> impl Iterator<Item = (CityId, &City)> {
        self.rows.iter()
    }

    /// How many cities there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the list is empty; the embedded one is not.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The most populous city with this name (case does not matter), in `country` if one is given.
    #[must_use]
    pub fn find(&self, name: &str, country: Option<&str>) -> Option<CityId> {
        let is_there = |id: &&CityId| {
            country.is_none_or(|country| self.rows[**id].country.eq_ignore_ascii_case(country))
        };
        self.by_name.get(&name.to_ascii_lowercase())?.iter().find(is_there).copied()
    }

    /// A table to draw cities that satisfy `keep` from, in proportion to their population; none where no city
    /// does.
    #[must_use]
    pub fn by_population(&self, keep: impl Fn(&City) -> bool) -> Option<CityDraw> {
        let mut draw = CityDraw { cities: Vec::new(), people: Vec::new() };
        let mut total = 0;
        for (id, city) in self.iter().filter(|(_, city)| keep(city) && city.population > 0) {
            total += u64::from(city.population);
            draw.cities.push(id);
            draw.people.push(total);
        }
        (total > 0).then_some(draw)
    }
}

/// Cities to draw from, weighted by population.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CityDraw {
    cities: Vec<CityId>,
    /// People in each city and all before it.
    people: Vec<u64>,
}

impl CityDraw {
    /// The home of a person drawn uniformly. One draw.
    pub fn draw(&self, rng: &mut Rng<'_>) -> CityId {
        let total = *self.people.last().expect("a table to draw from has a city");
        let person = rng.below(total);
        self.cities[self.people.partition_point(|&people| people <= person)]
    }

    /// The cities that can be drawn.
    #[must_use]
    pub fn cities(&self) -> &[CityId] {
        &self.cities
    }
}

/// A row of the embedded list, whose fields hold neither commas nor quotes.
fn parse_city(line: &'static str) -> City {
    let mut fields = line.split(',');
    let mut next = || fields.next().expect("the embedded list has six columns");
    let (name, country, continent) = (next(), next(), next());
    let mut number = || next().parse::<f64>().expect("the embedded list has numbers where they belong");
    let at = Coordinates { lat: number(), lon: number() };
    let population = number() as u32;
    let continent = Continent::parse(continent).expect("the embedded list has continent codes");
    City { name, country, continent, at, population }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    #[test]
    fn a_city_is_found_as_by_looking_through_the_list() {
        let world = Cities::world();
        for (_, city) in world.iter() {
            for country in [None, Some(city.country), Some("de")] {
                let is_it = |other: &City| {
                    other.name.eq_ignore_ascii_case(city.name)
                        && country.is_none_or(|country| other.country.eq_ignore_ascii_case(country))
                };
                let first = world.iter().find(|(_, other)| is_it(other)).map(|(id, _)| id);
                assert_eq!(world.find(&city.name.to_ascii_uppercase(), country), first, "{city:?}");
            }
        }
        assert_eq!(world.find("Atlantis", None), None);
    }

    #[test]
    fn the_embedded_list_is_whole() {
        let world = Cities::world();
        assert_eq!(world.len(), 6204);
        assert!(!world.is_empty());
        let mut last = u32::MAX;
        for (_, city) in world.iter() {
            assert!(
                (-90.0..=90.0).contains(&city.at.lat) && (-180.0..=180.0).contains(&city.at.lon),
                "{city:?}"
            );
            assert!(city.country.len() == 2 && !city.name.is_empty() && city.population <= last, "{city:?}");
            last = city.population;
        }
        let per_continent =
            Continent::ALL.map(|it| world.iter().filter(|(_, city)| city.continent == it).count());
        assert_eq!(per_continent, [838, 3021, 964, 694, 33, 654]);
    }

    #[test]
    fn distances_of_known_pairs() {
        let at = |name, country| {
            let world = Cities::world();
            world.city(world.find(name, Some(country)).unwrap()).at
        };
        let (paris, london, sydney) = (at("Paris", "FR"), at("London", "GB"), at("Sydney", "AU"));
        assert!((paris.distance_km(london) - 343.9).abs() < 2.0, "{}", paris.distance_km(london));
        assert!((london.distance_km(sydney) - 16_994.0).abs() < 20.0, "{}", london.distance_km(sydney));
        let half_way = std::f64::consts::PI * EARTH_RADIUS_KM;
        let (north, south) = (Coordinates { lat: 90.0, lon: 0.0 }, Coordinates { lat: -90.0, lon: 77.0 });
        assert!((north.distance_km(south) - half_way).abs() < 1e-6);
    }

    #[test]
    fn people_are_drawn_alike() {
        let world = Cities::world();
        let table = world.by_population(|city| city.country == "JP").unwrap();
        let all: f64 = table.cities().iter().map(|&id| f64::from(world.city(id).population)).sum();
        let tokyo = world.find("Tokyo", Some("JP")).unwrap();
        let share = f64::from(world.city(tokyo).population) / all;
        let mut rng = Streams::new(1).owned(Domain::new("net.geo.test"), 0);
        let draws = 40_000;
        let mut hits = 0;
        for _ in 0..draws {
            let id = table.draw(&mut rng);
            assert_eq!(world.city(id).region(), Region::Japan);
            hits += u32::from(id == tokyo);
        }
        let expected = share * f64::from(draws);
        let sigma = (expected * (1.0 - share)).sqrt();
        assert!((f64::from(hits) - expected).abs() < 4.0 * sigma, "{hits} of {expected}");
        assert_eq!(world.by_population(|city| city.country == "??"), None);
    }

    #[test]
    fn continents_have_codes_and_names() {
        assert_eq!(Continent::parse("north-america"), Some(Continent::NorthAmerica));
        assert_eq!(Continent::parse("NA"), Some(Continent::NorthAmerica));
        assert_eq!(Continent::parse("Atlantis"), None);
        let read = |text: &str| serde_json::from_str::<Continent>(text).unwrap();
        assert_eq!((read("\"south-america\""), read("\"EU\"")), (Continent::SouthAmerica, Continent::Europe));
    }
}
