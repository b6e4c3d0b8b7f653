//! How fast the links of endpoints are. Every endpoint has one link up and one down; the core of the network is never the bottleneck.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::geo::Region;

const REGIONS_CSV: &str = include_str!("../../data/net/simblock_regions.csv");

/// The two links of an endpoint, in bit/s.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// From the endpoint into the network.
    pub up_bps: u64,
    /// From the network to the endpoint.
    pub down_bps: u64,
}

impl Links {
    /// Links so fast (an exabit a second) that no message waits for them.
    pub const UNLIMITED: Self =
        Self { up_bps: 1_000_000_000_000_000_000, down_bps: 1_000_000_000_000_000_000 };
    /// A server in a data centre: 10 Gbit/s each way.
    pub const DATACENTRE: Self = Self { up_bps: 10_000_000_000, down_bps: 10_000_000_000 };

    /// A home link of a region: its mean of 2019 in SimBlock's table (Apache-2.0).
    #[must_use]
    pub fn home(region: Region) -> Self {
        static TABLE: OnceLock<Vec<Links>> = OnceLock::new();
        TABLE.get_or_init(|| REGIONS_CSV.lines().skip(1).map(parse_links).collect())[region as usize]
    }
}

/// A row of the embedded table; its rows are in the order of [`Region`].
fn parse_links(line: &str) -> Links {
    let mut numbers = line.split(',').skip(1);
    let mut next =
        || numbers.next().and_then(|text| text.parse().ok()).expect("the embedded table has two numbers");
    Links { up_bps: next(), down_bps: next() }
}

/// Which links the endpoints of a group get.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BandwidthConfig {
    /// Links of a kind of place.
    Preset(BandwidthPreset),
    /// The same links for everyone.
    Constant(Links),
    /// Bandwidth does not matter.
    Unlimited,
}

/// A kind of place with its links.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BandwidthPreset {
    /// [`Links::home`].
    Home,
    /// [`Links::DATACENTRE`].
    Datacentre,
}

impl Default for BandwidthConfig {
    fn default() -> Self {
        Self::Preset(BandwidthPreset::Home)
    }
}

impl BandwidthConfig {
    /// The links of an endpoint in `region`.
    #[must_use]
    pub fn links(self, region: Region) -> Links {
        match self {
            Self::Preset(BandwidthPreset::Home) => Links::home(region),
            Self::Preset(BandwidthPreset::Datacentre) => Links::DATACENTRE,
            Self::Constant(links) => links,
            Self::Unlimited => Links::UNLIMITED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_links_are_those_of_the_table() {
        let names: Vec<_> = REGIONS_CSV.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
        let regions = [
            Region::NorthAmerica,
            Region::Europe,
            Region::SouthAmerica,
            Region::AsiaPacific,
            Region::Japan,
            Region::Australia,
        ];
        assert_eq!(names, ["north_america", "europe", "south_america", "asia_pacific", "japan", "australia"]);
        assert_eq!(regions.map(|region| region as usize), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Links::home(Region::Japan), Links { up_bps: 10_200_000, down_bps: 22_800_000 });
        assert_eq!(Links::home(Region::Europe), Links { up_bps: 20_700_000, down_bps: 40_000_000 });
        assert!(regions.iter().all(|&region| Links::home(region).up_bps < Links::home(region).down_bps));
    }

    #[test]
    fn configurations_read_as_written_in_scenarios() {
        let read = |text| serde_json::from_str::<BandwidthConfig>(text).unwrap();
        assert_eq!(read(r#"{"preset": "home"}"#), BandwidthConfig::default());
        assert_eq!(read(r#""unlimited""#).links(Region::Japan), Links::UNLIMITED);
        let both = read(r#"{"constant": {"up_bps": 1, "down_bps": 2}}"#);
        assert_eq!(both.links(Region::Europe), Links { up_bps: 1, down_bps: 2 });
    }
}
