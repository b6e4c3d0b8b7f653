//! Time as integers: nanoseconds everywhere, so that equal seeds give equal runs on every machine.
//!
//! Three notions are kept apart by type. [`Time`] is simulated time since the start of a run; [`Timestamp`] is what
//! a peer's own clock reads (Unix nanoseconds, skew included); [`Span`] is the length between two of either.
//! The wall time that a run costs is none of these and never enters the simulation.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// A length of time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span; used as "for ever".
    pub const MAX: Self = Self(u64::MAX);

    /// A span of whole microseconds.
    #[must_use]
    pub const fn micros(n: u64) -> Self {
        Self(n * 1_000)
    }
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn millis(n: u64) -> Self {
        Self(n * 1_000_000)
    }
    /// A span of whole seconds.
    #[must_use]
    pub const fn secs(n: u64) -> Self {
        Self(n * NANOS)
    }
    /// A span of whole minutes.
    #[must_use]
    pub const fn mins(n: u64) -> Self {
        Self::secs(n * 60)
    }
    /// A span of whole hours.
    #[must_use]
    pub const fn hours(n: u64) -> Self {
        Self::mins(n * 60)
    }
    /// A span from seconds in floating point: rounded to the nearest nanosecond, negative and NaN become zero,
    /// too large becomes [`Span::MAX`].
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        // The cast truncates and saturates. Adding the largest number below one half first is how `libm::round`
        // rounds; a whole half would lift 0.49999999999999994 to one.
        Self((seconds * 1e9 + (0.5 - f64::EPSILON / 4.0)) as u64)
    }
    /// The span in seconds, for output and statistics.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// This span `n` times, saturating.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
    /// The difference, or zero where `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for Span {
    /// The shortest exact text in one unit (`90s`, `5m`, `250ms`, `17ns`); the scenario's duration parser reads it
    /// back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (3600 * NANOS, "h"),
            (60 * NANOS, "m"),
            (NANOS, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        let (size, unit) = UNITS
            .iter()
            .find(|(size, _)| self.0 >= *size && self.0.is_multiple_of(*size))
            .unwrap_or(&(1, "ns"));
        if self.0 == 0 { f.write_str("0s") } else { write!(f, "{}{unit}", self.0 / size) }
    }
}

macro_rules! point_in_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The zero of this clock.
            pub const ZERO: Self = Self(0);
            /// A moment that never comes.
            pub const MAX: Self = Self(u64::MAX);
            /// How long after `earlier` this is; zero if it is not after it.
            #[must_use]
            pub const fn since(self, earlier: Self) -> Span {
                Span(self.0.saturating_sub(earlier.0))
            }
            /// Seconds since the clock's zero, for output.
            #[must_use]
            pub fn as_secs_f64(self) -> f64 {
                self.0 as f64 / 1e9
            }
        }
        impl Add<Span> for $name {
            type Output = Self;
            fn add(self, span: Span) -> Self {
                Self(self.0.saturating_add(span.0))
            }
        }
        impl Sub<Span> for $name {
            type Output = Self;
            fn sub(self, span: Span) -> Self {
                Self(self.0.saturating_sub(span.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{:09}s", self.0 / NANOS, self.0 % NANOS)
            }
        }
    };
}

point_in_time! {
    /// Simulated time: nanoseconds since the start of the run.
    Time
}
point_in_time! {
    /// What a peer's own clock reads: nanoseconds since the Unix epoch. Tokens, messages and contracts carry these.
    Timestamp
}
