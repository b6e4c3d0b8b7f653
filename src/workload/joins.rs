//! When the peers of a group join, where they are not there from the start.

use crate::kernel::{Distribution, Domain, Span, Streams, Time};

/// When peers of a group join, and in which order.
const JOINS: Domain = Domain::new("workload.joins");
/// How long each of them stays.
const STAYS: Domain = Domain::new("workload.stays");

/// How a group of peers grows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Joins {
    /// When they join.
    pub growth: Growth,
    /// How long each that has joined stays before it leaves for good; none = to the end.
    pub stays: Option<Distribution>,
}

/// When peers join, in random order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Growth {
    /// At even distances: the last one after this time.
    Over(Span),
    /// As a Poisson process.
    Poisson {
        /// From one to the next, on the average.
        mean: Span,
    },
    /// A crowd at once, at even distances; the others are there from the start.
    Burst {
        /// When it begins.
        at: Span,
        /// How many they are; at most all.
        count: u32,
        /// How long until the last of them has joined.
        within: Span,
    },
}

impl Joins {
    /// When each of `count` peers joins; none for those that are there from the start. `group` names the draws.
    #[must_use]
    pub fn times(&self, count: u32, streams: Streams, group: u64) -> Vec<Option<Time>> {
        let mut rng = streams.owned(JOINS, group);
        let mut order: Vec<u32> = (0..count).collect();
        rng.shuffle(&mut order);
        let mut times = vec![None; count as usize];
        let mut last = Time::ZERO;
        for (place, peer) in (0_u32..).zip(order) {
            let at = match self.growth {
                Growth::Over(span) => Time::ZERO + part_of(span, place + 1, count),
                Growth::Poisson { mean } => {
                    let gap = Distribution::Exponential { mean_s: mean.as_secs_f64() };
                    last = last + gap.sample(&mut rng);
                    last
                }
                Growth::Burst { count: crowd, .. } if place >= crowd => continue,
                Growth::Burst { at, count: crowd, within } => {
                    Time::ZERO + at + part_of(within, place, crowd.min(count).saturating_sub(1))
                }
            };
            times[peer as usize] = Some(at);
        }
        times
    }

    /// How long peer `entity` stays after it has joined; none = to the end.
    #[must_use]
    pub fn stay(&self, streams: Streams, entity: u64) -> Option<Span> {
        self.stays.as_ref().map(|stays| stays.sample(&mut streams.owned(STAYS, entity)))
    }
}

/// `place` of `all` parts of a span.
fn part_of(span: Span, place: u32, all: u32) -> Span {
    // The product may be too large for the span's own integers.
    Span((u128::from(span.0) * u128::from(place) / u128::from(all.max(1))) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(growth: Growth, count: u32) -> (Vec<u64>, usize) {
        let times = Joins { growth, stays: None }.times(count, Streams::new(3), 0);
        let mut seconds: Vec<u64> = times.iter().flatten().map(|at| at.0 / 1_000_000_000).collect();
        let from_the_start = times.len() - seconds.len();
        let in_order = seconds.is_sorted();
        assert!(!in_order || seconds.len() < 5, "the order is random");
        seconds.sort_unstable();
        (seconds, from_the_start)
    }

    #[test]
    fn peers_join_at_even_distances_or_in_a_crowd() {
        assert_eq!(sorted(Growth::Over(Span::secs(50)), 10), ((1..=10).map(|n| n * 5).collect(), 0));
        let burst = |count| Growth::Burst { at: Span::secs(100), count, within: Span::secs(20) };
        assert_eq!(sorted(burst(5), 8), (vec![100, 105, 110, 115, 120], 3));
        assert_eq!(sorted(burst(1), 3), (vec![100], 2));
        assert_eq!(sorted(burst(9), 2), (vec![100, 120], 0), "no more than there are");
    }

    /// Of a Poisson process the times of a given number of events are as evenly spread as random numbers.
    #[test]
    fn peers_join_at_random() {
        let (seconds, from_the_start) = sorted(Growth::Poisson { mean: Span::secs(10) }, 10_000);
        assert_eq!(from_the_start, 0);
        // The last of ten thousand comes after 100,000 s, with a standard deviation of 1000 s.
        let last = seconds[9999] as f64;
        assert!((last - 1e5).abs() < 3e3, "{last}");
        let gaps: Vec<f64> = seconds.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let short = gaps.iter().filter(|gap| **gap < 7.0).count() as f64 / gaps.len() as f64;
        assert!((short - (1.0 - (-0.7_f64).exp())).abs() < 0.03, "{short}");
    }
}
