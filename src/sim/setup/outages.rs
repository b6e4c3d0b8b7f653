//! Machines that go down together because they have something in common.

use super::{Selection, When};
use crate::kernel::sample::Distribution;

/// What machines may have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Their continent.
    Continent,
    /// Their country.
    Country,
    /// Their city.
    City,
    /// An organization of which they are members.
    Organization,
    /// Their autonomous system.
    System,
}

impl Unit {
    /// All, with their words in a scenario.
    pub const ALL: [(&'static str, Self); 5] = [
        ("continent", Self::Continent),
        ("country", Self::Country),
        ("city", Self::City),
        ("organization", Self::Organization),
        ("asn", Self::System),
    ];

    /// Its word in a scenario.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(word, _)| word)
    }
}

/// How long it takes until machines that went down together are back.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum UnitRepair {
    /// They never are.
    Never,
    /// All of a unit at once.
    Together(Distribution),
    /// Each by itself.
    Each(Distribution),
}

/// An outage of what has something in common. Units are drawn with probabilities that are as their numbers of peers.
#[derive(Clone, PartialEq, Debug)]
pub struct Outage {
    /// When.
    pub at: When,
    /// Which peers it may concern at all.
    pub who: Selection,
    /// What those that go down have in common.
    pub by: Unit,
    /// How many units are drawn each time.
    pub units: u32,
    /// Which part of the peers of a unit goes down, above 0 and at most 1.
    pub fraction: f64,
    /// When they are back.
    pub repair: UnitRepair,
}
