//! Billing periods and cycles (dms-capabilities section 6.9).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dms::constants::{BILLING_CHECK_MAX, BILLING_CHECK_MIN};
use crate::kernel::{Span, Timestamp};

/// The unit of a billing cycle. A month is 30 days, whatever the calendar says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// 60 s.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Period {
    /// All of them, from short to long.
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month];

    /// How long it lasts.
    #[must_use]
    pub const fn span(self) -> Span {
        Span::hours(match self {
            Self::Minute => return Span::mins(1),
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        })
    }
    /// The word in contracts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownPeriod;

impl FromStr for Period {
    type Err = UnknownPeriod;
    fn from_str(text: &str) -> Result<Self, UnknownPeriod> {
        Self::ALL.into_iter().find(|period| period.as_str() == text).ok_or(UnknownPeriod)
    }
}

/// A billing cycle: so many periods.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cycle {
    /// The unit.
    pub period: Period,
    /// How many of it; at least 1.
    pub count: u32,
}

impl Cycle {
    /// The cycle of a contract that names none.
    pub const DEFAULT: Self = Self { period: Period::Hour, count: 1 };

    /// How long it lasts.
    #[must_use]
    pub const fn span(self) -> Span {
        self.period.span().times(self.count as u64)
    }

    /// Time between two looks at the account: a tenth of the cycle and at least 30 s, but no more than half of the
    /// cycle or a day.
    #[must_use]
    pub fn check_interval(self) -> Span {
        let most = Span(self.span().0 / 2).min(BILLING_CHECK_MAX);
        Span(self.span().0 / 10).max(BILLING_CHECK_MIN).min(most)
    }

    /// Whole cycles in a span: whole periods first, then whole cycles of them.
    #[must_use]
    pub const fn elapsed(self, span: Span) -> u64 {
        let count = if self.count == 0 { 1 } else { self.count };
        span.0 / self.period.span().0 / count as u64
    }

    /// The last boundary of the cycles that begin at `start` that is not after `now`.
    #[must_use]
    pub fn boundary_before(self, start: Timestamp, now: Timestamp) -> Timestamp {
        start + self.span().times(self.elapsed(now.since(start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_come_ten_times_a_cycle_within_bounds() {
        let interval = |period, count| Cycle { period, count }.check_interval();
        assert_eq!(interval(Period::Minute, 1), Span::secs(30));
        assert_eq!(interval(Period::Minute, 2), Span::secs(30));
        assert_eq!(interval(Period::Hour, 1), Span::mins(6));
        assert_eq!(interval(Period::Day, 1), Span::mins(144));
        assert_eq!(interval(Period::Month, 1), Span::hours(24));
        assert_eq!(interval(Period::Month, 12), Span::hours(24));
    }

    #[test]
    fn cycles_are_counted_in_whole_periods() {
        let cycle = Cycle { period: Period::Hour, count: 3 };
        for (minutes, cycles) in [(0, 0), (179, 0), (180, 1), (359, 1), (360, 2)] {
            assert_eq!(cycle.elapsed(Span::mins(minutes)), cycles);
        }
        let start = Timestamp(7);
        assert_eq!(cycle.boundary_before(start, start + Span::mins(200)), start + Span::hours(3));
        assert_eq!(cycle.boundary_before(start, Timestamp(0)), start);
    }
}
