//! What numbers the columns of the tables hold: a file that somebody has changed may hold others.
//!
//! The kind of a column follows from its name, as the schema has it: units stand at the end.

use super::rows::Row;

/// What a number may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Seconds since the beginning of the run, or a span of them.
    Seconds,
    /// A part of a whole.
    Fraction,
    /// An amount, such as cores.
    Amount,
    /// Degrees north.
    Latitude,
    /// Degrees east.
    Longitude,
    /// Anything.
    Number,
}

/// Columns of numbers that are no whole ones and whose names say no unit.
const NAMED: [(&str, Kind); 4] =
    [("lat", Kind::Latitude), ("lon", Kind::Longitude), ("cpu_cores", Kind::Amount), ("value", Kind::Number)];
/// Columns of numbers that are no number where there was nothing to measure; others always are one.
const MAY_BE_EMPTY: [&str; 17] = [
    "value",
    "lat",
    "lon",
    "running_s",
    "started_s",
    "ended_s",
    "shut_out_after_s",
    "graylisted_after_s",
    "ready_mean_s",
    "direct_mean_s",
    "latency_p50_s",
    "latency_p95_s",
    "latency_p99_s",
    "accepted_s",
    "paid_s",
    "arrived_s",
    "expire_s",
];

impl Kind {
    fn of(column: &str) -> Option<Self> {
        let by_unit = || match column.rsplit_once('_')?.1 {
            "s" => Some(Self::Seconds),
            "fraction" => Some(Self::Fraction),
            _ => None,
        };
        NAMED.iter().find(|(name, _)| *name == column).map(|(_, kind)| *kind).or_else(by_unit)
    }

    fn holds(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Self::Seconds | Self::Amount => number >= 0.0,
                Self::Fraction => (0.0..=1.0).contains(&number),
                Self::Latitude => (-90.0..=90.0).contains(&number),
                Self::Longitude => (-180.0..=180.0).contains(&number),
                Self::Number => true,
            }
    }

    const fn wanted(self) -> &'static str {
        match self {
            Self::Seconds => "a number of seconds from 0 on",
            Self::Fraction => "a number from 0 to 1",
            Self::Amount => "a number from 0 on",
            Self::Latitude => "a latitude from -90 to 90",
            Self::Longitude => "a longitude from -180 to 180",
            Self::Number => "a finite number",
        }
    }
}

/// The columns of a table that hold such numbers, with their places in the lines of a file.
pub(super) struct Columns(Vec<(usize, &'static str, Kind)>);

impl Columns {
    /// Those of a row type in a file with this header.
    pub(super) fn of<R: Row>(header: &csv::StringRecord) -> Self {
        let place = |column: &str| header.iter().position(|name| name == column);
        let column = |column: &'static str| Some((place(column)?, column, Kind::of(column)?));
        Self(R::COLUMNS.iter().copied().filter_map(column).collect())
    }

    /// The first column of a line whose number it cannot hold, and why. What is no number is left to who reads it.
    pub(super) fn fault(&self, line: &csv::StringRecord) -> Option<(&'static str, String)> {
        let fault = |(place, column, kind): &(usize, &'static str, Kind)| {
            let cell = line.get(*place)?;
            if cell.is_empty() {
                let why = || format!("it is empty, where there must be {}", kind.wanted());
                return (!MAY_BE_EMPTY.contains(column)).then(|| (*column, why()));
            }
            let number = cell.parse().ok()?;
            (!kind.holds(number)).then(|| (*column, format!("`{cell}` is not {}", kind.wanted())))
        };
        self.0.iter().find_map(fault)
    }
}
