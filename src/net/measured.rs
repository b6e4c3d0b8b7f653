//! Round-trip times measured between cities in 2018 (WonderNetwork), embedded.

use std::sync::OnceLock;

use super::geo::Coordinates;

const CITIES_CSV: &str = include_str!("../../data/net/measured_cities.csv");
/// Layout in `data/README.md`: a count, then three planes of 24-bit hundredths of a millisecond.
const RTT_BIN: &[u8] = include_bytes!("../../data/net/city_rtt.bin");
/// The mark of a pair that was not measured.
const MISSING: u32 = 0xFF_FFFF;
const NANOS_PER_UNIT: u32 = 10_000;

/// A city that round-trip times were measured from or to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MeasuredCity {
    /// Its name in the measurement.
    pub name: &'static str,
    /// Where it is.
    pub at: Coordinates,
    /// Whether the original list misplaced or lacked it, so that its measured distances to the others placed it.
    pub located_by_distances: bool,
}

/// A measured round trip, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoundTrip {
    /// The mean.
    pub average_ns: u32,
    /// The shortest.
    pub minimum_ns: u32,
    /// The mean deviation that `ping` reports, which is a standard deviation.
    pub deviation_ns: u32,
}

/// The measured cities and the round trips between them.
pub struct MeasuredCities {
    rows: Vec<MeasuredCity>,
    vectors: Vec<[f64; 3]>,
}

impl MeasuredCities {
    /// The embedded measurement: 248 cities, 59,244 ordered pairs. Parsed at first use.
    pub fn wonder() -> &'static Self {
        static WONDER: OnceLock<MeasuredCities> = OnceLock::new();
        WONDER.get_or_init(|| {
            let rows: Vec<_> = CITIES_CSV.lines().skip(1).map(parse_city).collect();
            let vectors = rows.iter().map(|city| city.at.unit_vector()).collect();
            Self { rows, vectors }
        })
    }

    /// All cities by name; a city's row is its number elsewhere.
    #[must_use]
    pub fn cities(&self) -> &[MeasuredCity] {
        &self.rows
    }

    /// The row of the city nearest to a point, and its distance in kilometres.
    #[must_use]
    pub fn nearest(&self, to: Coordinates) -> (u16, f64) {
        let [x, y, z] = to.unit_vector();
        let mut best = (f64::MIN, 0);
        for (row, [a, b, c]) in self.vectors.iter().enumerate() {
            let closeness = x * a + y * b + z * c;
            if closeness > best.0 {
                best = (closeness, row);
            }
        }
        (best.1 as u16, self.rows[best.1].at.distance_km(to))
    }

    /// The round trip measured from one city to another, if it was. Directions were measured apart.
    ///
    /// # Panics
    /// If a row is not one of [`cities`](Self::cities).
    #[must_use]
    pub fn round_trip(&self, from: u16, to: u16) -> Option<RoundTrip> {
        let count = self.rows.len();
        let cell = usize::from(from) * count + usize::from(to);
        assert!(usize::from(to) < count, "no measured city {to}");
        let average = plane_value(0, count, cell)?;
        let (minimum, deviation) = (plane_value(1, count, cell)?, plane_value(2, count, cell)?);
        Some(RoundTrip {
            average_ns: average * NANOS_PER_UNIT,
            minimum_ns: minimum * NANOS_PER_UNIT,
            deviation_ns: deviation * NANOS_PER_UNIT,
        })
    }
}

/// A cell of one of the planes average, minimum and deviation, in hundredths of a millisecond.
fn plane_value(plane: usize, count: usize, cell: usize) -> Option<u32> {
    let at = 4 + 3 * (plane * count * count + cell);
    let value = u32::from_le_bytes([RTT_BIN[at], RTT_BIN[at + 1], RTT_BIN[at + 2], 0]);
    (value != MISSING).then_some(value)
}

fn parse_city(line: &'static str) -> MeasuredCity {
    let fields: Vec<_> = line.split(',').collect();
    let number = |field: &str| field.parse::<f64>().expect("the embedded list has numbers where they belong");
    MeasuredCity {
        name: fields[0],
        at: Coordinates { lat: number(fields[1]), lon: number(fields[2]) },
        located_by_distances: fields[3] == "distances",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::latency::{FIT_INTERCEPT_MS, FIT_SLOPE_MS_PER_KM};

    /// Every measured pair: kilometres and round trip.
    fn pairs() -> Vec<(f64, RoundTrip)> {
        let wonder = MeasuredCities::wonder();
        let count = wonder.cities().len() as u16;
        let mut pairs = Vec::new();
        for from in 0..count {
            for to in 0..count {
                if let Some(trip) = wonder.round_trip(from, to) {
                    let at = |row: u16| wonder.cities()[usize::from(row)].at;
                    pairs.push((at(from).distance_km(at(to)), trip));
                }
            }
        }
        pairs
    }

    #[test]
    fn the_embedded_matrix_is_whole() {
        let wonder = MeasuredCities::wonder();
        assert_eq!(wonder.cities().len(), 248);
        assert_eq!(RTT_BIN.len(), 4 + 9 * 248 * 248);
        assert_eq!(u32::from_le_bytes(RTT_BIN[..4].try_into().unwrap()), 248);
        assert_eq!(wonder.cities().iter().filter(|city| city.located_by_distances).count(), 24);
        assert!(wonder.cities().is_sorted_by_key(|city| city.name));
        let pairs = pairs();
        assert_eq!(pairs.len(), 59_244);
        assert!(pairs.iter().all(|(_, trip)| trip.minimum_ns <= trip.average_ns && trip.minimum_ns > 0));
        assert!((0..248).all(|row| wonder.round_trip(row, row).is_none()));
    }

    /// The two directions were measured apart but follow the same cables.
    #[test]
    fn directions_agree_for_most_pairs() {
        let wonder = MeasuredCities::wonder();
        let (mut both, mut close) = (0_u32, 0_u32);
        for from in 0..248 {
            for to in 0..from {
                if let (Some(there), Some(back)) = (wonder.round_trip(from, to), wonder.round_trip(to, from))
                {
                    let (there, back) = (f64::from(there.minimum_ns), f64::from(back.minimum_ns));
                    both += 1;
                    close += u32::from((there - back).abs() <= 0.1 * there.max(back));
                }
            }
        }
        assert!(both > 28_000 && f64::from(close) > 0.8 * f64::from(both), "{close} of {both}");
    }

    /// Published percentiles of the average round trip, in milliseconds.
    #[test]
    fn percentiles_match_the_published_ones() {
        let mut averages: Vec<_> = pairs().iter().map(|(_, trip)| f64::from(trip.average_ns) / 1e6).collect();
        averages.sort_by(f64::total_cmp);
        for (share, published) in [(0.05, 23.2), (0.25, 77.0), (0.5, 143.1), (0.75, 217.6), (0.95, 331.2)] {
            let value = averages[(share * averages.len() as f64) as usize];
            assert!((value - published).abs() < 0.05, "{share}: {value} against {published}");
        }
    }

    /// Least squares beyond 50 km give the published line, up to the rounding of distances and coordinates.
    #[test]
    fn least_squares_give_the_published_line() {
        let points: Vec<_> = pairs()
            .iter()
            .filter(|(km, _)| *km > 50.0)
            .map(|(km, trip)| (*km, f64::from(trip.average_ns) / 1e6))
            .collect();
        let count = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
        let slope = covariance / variance;
        let intercept = mean_y - slope * mean_x;
        assert!((slope / FIT_SLOPE_MS_PER_KM - 1.0).abs() < 1e-3, "{slope}");
        assert!((intercept - FIT_INTERCEPT_MS).abs() < 0.05, "{intercept}");
    }

    #[test]
    fn the_nearest_city_is_the_one_of_the_smallest_haversine() {
        let wonder = MeasuredCities::wonder();
        for (lat, lon) in [(48.85, 2.35), (-37.0, 175.0), (64.0, -21.0), (0.0, 179.9), (-80.0, 0.0)] {
            let at = Coordinates { lat, lon };
            let by_haversine =
                wonder.cities().iter().map(|city| city.at.distance_km(at)).fold(f64::MAX, f64::min);
            assert!((wonder.nearest(at).1 - by_haversine).abs() < 1e-6);
        }
    }
}
