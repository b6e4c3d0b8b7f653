//! Where cities are: what a node looks up in its copy of GeoNames to bound the time between two places from below
//! (dms-orchestration section 6.2).

use std::fmt;

use super::ensemble::Location;

/// Kilometres that light in a vacuum covers in a millisecond.
const LIGHT_KM_PER_MS: f64 = 299.792_458;

/// Tells how far cities are from each other. The driver has the table.
pub trait Atlas: fmt::Debug + Sync {
    /// Kilometres between the cities of two locations along the surface of the earth; none where one of them names
    /// no city, or one that is not listed.
    fn distance_km(&self, one: &Location, other: &Location) -> Option<f64>;

    /// Milliseconds that a round trip between two locations takes at least; none where their distance is unknown.
    fn least_round_trip_ms(&self, one: &Location, other: &Location) -> Option<f64> {
        self.distance_km(one, other).map(|distance| 2.0 * distance / LIGHT_KM_PER_MS)
    }
}

/// An atlas in which no city is listed, so that nothing can be said.
#[derive(Clone, Copy, Debug)]
pub struct BlankAtlas;

impl Atlas for BlankAtlas {
    fn distance_km(&self, _one: &Location, _other: &Location) -> Option<f64> {
        None
    }
}
