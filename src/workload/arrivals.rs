//! When things arrive: requests, jobs, new peers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kernel::sample::exponential;
use crate::kernel::{Domain, Rng, Span, Streams, Time};

const ARRIVALS: Domain = Domain::new("workload.arrivals");

/// When things arrive. Times count from the start of the run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArrivalsConfig {
    /// At random, independent of each other: gaps are exponential.
    Poisson {
        /// Mean of the gaps.
        mean_interval: Span,
        /// When it begins; the first arrival is a gap later.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// At equal gaps.
    Every {
        /// The gap.
        interval: Span,
        /// When the first arrives.
        #[serde(default)]
        from: Span,
        /// How many arrive; without it they never end.
        #[serde(default)]
        count: Option<u64>,
    },
    /// At these times.
    At(Vec<Span>),
    /// Many at once.
    Burst {
        /// When.
        at: Span,
        /// How many.
        count: u64,
        /// Each at a random moment of a span of this length that begins then; zero for the same moment.
        #[serde(default)]
        within: Span,
    },
}

/// Why arrivals make no sense.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ArrivalsError {
    /// Without a gap all would arrive at once, without end.
    #[error("an interval of zero: use a burst to let many arrive at once")]
    NoInterval,
    /// More at once than fits in memory.
    #[error("a burst of {count} is more than {limit}")]
    TooMany {
        /// What was asked for.
        count: u64,
        /// The most a burst may have.
        limit: u64,
    },
}

/// The most arrivals of one burst.
pub const MOST_IN_BURST: u64 = 100_000_000;

impl ArrivalsConfig {
    /// The arrival times in order, drawn from the stream of `entity`.
    ///
    /// # Errors
    /// If they make no sense.
    pub fn times(&self, streams: Streams, entity: u64) -> Result<Arrivals, ArrivalsError> {
        let mut rng = streams.owned(ARRIVALS, entity);
        let plan = match *self {
            Self::Poisson { mean_interval: Span(0), .. } | Self::Every { interval: Span(0), .. } => {
                return Err(ArrivalsError::NoInterval);
            }
            Self::Poisson { mean_interval, from, count } => Plan::Poisson {
                mean_s: mean_interval.as_secs_f64(),
                last: Time::ZERO + from,
                left: count.unwrap_or(u64::MAX),
            },
            Self::Every { interval, from, count } => {
                Plan::Every { interval, next: Time::ZERO + from, left: count.unwrap_or(u64::MAX) }
            }
            Self::At(ref times) => Plan::listed(times.iter().map(|&span| Time::ZERO + span).collect()),
            Self::Burst { count, .. } if count > MOST_IN_BURST => {
                return Err(ArrivalsError::TooMany { count, limit: MOST_IN_BURST });
            }
            Self::Burst { at, count, within } => {
                let time = |_| Time::ZERO + at + Span(if within.0 == 0 { 0 } else { rng.below(within.0) });
                Plan::listed((0..count).map(time).collect())
            }
        };
        Ok(Arrivals { rng, plan })
    }
}

/// Arrival times in order.
#[derive(Debug)]
pub struct Arrivals {
    rng: Rng<'static>,
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
    Poisson { mean_s: f64, last: Time, left: u64 },
    Every { interval: Span, next: Time, left: u64 },
    Listed(std::vec::IntoIter<Time>),
}

impl Plan {
    fn listed(mut times: Vec<Time>) -> Self {
        times.sort_unstable();
        Self::Listed(times.into_iter())
    }
}

impl Iterator for Arrivals {
    type Item = Time;

    fn next(&mut self) -> Option<Time> {
        let (at, left) = match &mut self.plan {
            Plan::Listed(times) => return times.next(),
            Plan::Poisson { mean_s, last, left } => {
                if *left > 0 {
                    *last = *last + Span::from_secs_f64(exponential(&mut self.rng, *mean_s));
                }
                (*last, left)
            }
            Plan::Every { interval, next, left } => {
                let at = *next;
                *next = at + *interval;
                (at, left)
            }
        };
        *left = left.checked_sub(1)?;
        // Past the end of time nothing arrives.
        (at < Time::MAX).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(text: &str) -> Vec<u64> {
        let config: ArrivalsConfig = serde_json::from_str(text).unwrap();
        config.times(Streams::new(6), 0).unwrap().take(20_000).map(|at| at.0).collect()
    }

    /// Gaps of a Poisson process: mean and standard deviation are equal, and a share of 1 - 1/e is below the mean.
    #[test]
    fn poisson_gaps_are_exponential() {
        let all = times(r#"{"poisson": {"mean_interval": 1000000, "from": 5}}"#);
        let gaps: Vec<f64> =
            std::iter::once(5).chain(all.iter().copied()).zip(&all).map(|(a, b)| (b - a) as f64).collect();
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let deviation = (gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / count).sqrt();
        let below = gaps.iter().filter(|&&gap| gap < 1e6).count() as f64 / count;
        assert!((mean / 1e6 - 1.0).abs() < 4.0 / count.sqrt(), "{mean}");
        assert!(
            (deviation / mean - 1.0).abs() < 0.05 && (below - 0.632_12).abs() < 0.014,
            "{deviation} {below}"
        );
    }

    #[test]
    fn counted_and_listed_arrivals_end() {
        assert_eq!(times(r#"{"every": {"interval": 10, "from": 5, "count": 3}}"#), [5, 15, 25]);
        assert_eq!(times(r#"{"at": [30, 10, 20]}"#), [10, 20, 30]);
        assert_eq!(times(r#"{"burst": {"at": 7, "count": 3}}"#), [7, 7, 7]);
        assert_eq!(times(r#"{"poisson": {"mean_interval": 1, "count": 9}}"#).len(), 9);
        let spread = times(r#"{"burst": {"at": 100, "count": 1000, "within": 50}}"#);
        assert!(spread.is_sorted() && spread[0] >= 100 && spread[999] < 150 && spread[0] < spread[999]);
    }

    #[test]
    fn endless_moments_are_refused() {
        let every = ArrivalsConfig::Every { interval: Span::ZERO, from: Span::ZERO, count: None };
        assert_eq!(every.times(Streams::new(1), 0).unwrap_err(), ArrivalsError::NoInterval);
        let burst = ArrivalsConfig::Burst { at: Span::ZERO, count: u64::MAX, within: Span::ZERO };
        assert!(matches!(burst.times(Streams::new(1), 0), Err(ArrivalsError::TooMany { .. })));
    }

    #[test]
    fn entities_have_streams_of_their_own() {
        let config =
            ArrivalsConfig::Poisson { mean_interval: Span::secs(1), from: Span::ZERO, count: Some(5) };
        let run = |entity| config.times(Streams::new(1), entity).unwrap().collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
