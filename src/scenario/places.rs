//! Where peers are: places of groups, continents and countries of selections.

use std::sync::Arc;

use super::reader::Reader;
use crate::dms::ensemble::config::Location;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::net::{Cities, Continent};
use crate::workload::{PlaceConfig, PopulationOf};

impl Reader {
    /// `{by_population: world}`, `{by_population: {continent: EU}}`, `{by_population: {country: DE}}`,
    /// or `{city: Berlin, country: DE}`.
    pub(super) fn place(&mut self, node: &Node) -> Option<PlaceConfig> {
        const KEYS: &[&str] = &["by_population", "city", "country"];
        let map = self.map(node, "place", node.position, KEYS)?;
        match (node.get("by_population"), node.get("city")) {
            (Some(_), None) if node.get("country").is_none() => {
                self.optional(&map, "by_population", Self::area).map(PlaceConfig::ByPopulation)
            }
            (None, Some(_)) => {
                let country = self.optional(&map, "country", Self::country);
                if node.get("country").is_some() && country.is_none() {
                    return None;
                }
                self.optional(&map, "city", |r, node| r.city(node, country.as_deref()))
            }
            _ => {
                let help =
                    "write `{by_population: world}`, `{by_population: {country: DE}}` or `{city: Berlin}`";
                self.error(node.position, "`place` needs one of `by_population` or `city`", help.to_owned());
                None
            }
        }
    }

    /// `{continent: AS, country: CN, city: Shanghai}`: texts that a node tells of itself, true or not.
    pub(super) fn location(&mut self, node: &Node) -> Option<Location> {
        let map = self.map(node, "location", node.position, &["continent", "country", "city"])?;
        let help = "as in `location: {continent: AS, country: CN}`";
        let continent = self.required(&map, "continent", help, |r, node| r.text(node, "continent"));
        let country = self.optional(&map, "country", |r, node| r.text(node, "country"));
        let city = self.optional(&map, "city", |r, node| r.text(node, "city"));
        Some(Location { continent: continent?, country, city, ..Location::default() })
    }

    fn area(&mut self, node: &Node) -> Option<PopulationOf> {
        let variant = self.variant(node, "an area", &["world", "continent", "country"])?;
        match variant.name {
            "continent" => self.continent(variant.node).map(PopulationOf::Continent),
            "country" => self.country(variant.node).map(|code| PopulationOf::Country(code.to_string())),
            _ => Some(PopulationOf::World),
        }
    }

    fn city(&mut self, node: &Node, country: Option<&str>) -> Option<PlaceConfig> {
        let name = self.text(node, "city")?;
        let world = Cities::world();
        if let Some(id) = world.find(&name, country) {
            let city = world.city(id);
            return Some(PlaceConfig::City(format!("{}, {}", city.name, city.country)));
        }
        let in_country = country.map_or(String::new(), |country| format!(" in {country}"));
        let candidates = world
            .iter()
            .map(|(_, city)| city)
            .filter(|city| country.is_none_or(|country| city.country == country))
            .map(|city| city.name);
        let help = suggestion(&name, candidates).unwrap_or_else(|| {
            "known are cities of 100,000 or more people, by their English names".to_owned()
        });
        self.error(node.position, format!("there is no city `{name}`{in_country} in the city list"), help);
        None
    }

    /// A continent by code or name.
    pub(super) fn continent(&mut self, node: &Node) -> Option<Continent> {
        let text = self.text(node, "continent")?;
        let found = Continent::parse(&text);
        if found.is_none() {
            let known = Continent::ALL.map(|one| format!("{} ({})", one.code(), one.name())).join(", ");
            let help = suggestion(&text, Continent::ALL.map(Continent::name))
                .unwrap_or_else(|| format!("continents are {known}"));
            self.error(node.position, format!("`{text}` is not a continent"), help);
        }
        found
    }

    /// A country by its two-letter code, in capitals.
    pub(super) fn country(&mut self, node: &Node) -> Option<Arc<str>> {
        let text = self.text(node, "country")?;
        let code = text.to_ascii_uppercase();
        if !Cities::world().iter().any(|(_, city)| city.country == code) {
            let help = "countries are two-letter codes (ISO 3166-1), such as DE, US or JP".to_owned();
            self.error(node.position, format!("`{text}` is not a country of the city list"), help);
            return None;
        }
        Some(code.into())
    }
}
