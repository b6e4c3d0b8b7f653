//! When requests come: counts by the span, and single moments where they matter.
//!
//! How many requests a caller makes in an interval is drawn once, from a stream of its own; when the state of the world
//! changes within the interval, the rest is split in two. So whatever happens, the same requests are made: two
//! strategies on one seed meet the same users.

use std::f64::consts::TAU;

use crate::kernel::sample::{binomial, poisson};
use crate::kernel::{Cursor, Domain, Rng, Span, Streams, Time};
use crate::sim::setup::traffic::Rate;

/// How many requests come in an interval.
const COUNTS: Domain = Domain::new("sim.traffic.counts");
/// How many of them come before a moment.
const SPLITS: Domain = Domain::new("sim.traffic.splits");
const DAY: Span = Span::hours(24);

/// When the requests of one caller come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) rate: Rate,
    /// Its number among as many callers, who share the requests.
    pub(super) place: (u32, u32),
    /// The length of an interval.
    pub(super) interval: Span,
    /// The time of day at the start of the run, in UTC.
    pub(super) time_of_day: Span,
}

impl Plan {
    /// The number of the interval of a moment.
    pub(super) const fn interval_of(&self, at: Time) -> u64 {
        at.0 / self.interval.0
    }

    pub(super) const fn end_of(&self, interval: u64) -> Time {
        Time((interval + 1).saturating_mul(self.interval.0))
    }

    /// The part of a span in which requests come.
    fn within(&self, from: Time, to: Time) -> (Time, Time) {
        let from = from.max(self.rate.start);
        let to = self.rate.end.map_or(to, |end| to.min(end));
        (from, to.max(from))
    }

    /// How many requests are expected in a span.
    fn expected(&self, from: Time, to: Time) -> f64 {
        let (from, to) = self.within(from, to);
        let swing = match self.rate.daily {
            Some(daily) => {
                let angle = |at: Time| self.angle(at);
                daily.swing * (libm::sin(angle(to)) - libm::sin(angle(from))) * DAY.as_secs_f64() / TAU
            }
            None => 0.0,
        };
        (to.since(from).as_secs_f64() + swing) / self.mean_gap_s()
    }

    fn mean_gap_s(&self) -> f64 {
        self.rate.interval.as_secs_f64() * f64::from(self.place.1)
    }

    /// Where in the day a moment is, as an angle from the peak.
    fn angle(&self, at: Time) -> f64 {
        let peak = self.rate.daily.map_or(Span::ZERO, |daily| daily.peak);
        let of_day = (at.0 % DAY.0 + self.time_of_day.0 + DAY.0 - peak.0 % DAY.0) % DAY.0;
        of_day as f64 / DAY.0 as f64 * TAU
    }

    /// Requests a second at a moment.
    pub(super) fn per_s(&self, at: Time) -> f64 {
        if at < self.rate.start || self.rate.end.is_some_and(|end| at >= end) {
            return 0.0;
        }
        let swing = self.rate.daily.map_or(0.0, |daily| daily.swing * libm::cos(self.angle(at)));
        (1.0 + swing) / self.mean_gap_s()
    }

    /// The first of equal gaps, and their length.
    fn ticks(&self) -> (Time, Span) {
        let (number, of) = self.place;
        let gap = self.rate.interval;
        (self.rate.start + gap.times(u64::from(number)), gap.times(u64::from(of)))
    }

    fn ticks_before(&self, at: Time) -> u64 {
        let (first, gap) = self.ticks();
        at.since(first).0.div_ceil(gap.0)
    }
}

/// How far the requests of one caller have come.
#[derive(Clone, Debug)]
pub(super) struct Arriving {
    /// Names its random streams.
    entity: u64,
    splits: Cursor,
    /// The interval whose count is known, and how many of it are still to come.
    interval: Option<u64>,
    left: u64,
}

impl Arriving {
    /// Of the caller whose random streams are named like this; the lowest 24 bits are zero.
    pub(super) fn new(entity: u64) -> Self {
        Self { entity, splits: Cursor::default(), interval: None, left: 0 }
    }

    /// How many come in a span that follows the last one, both within one interval.
    pub(super) fn count(&mut self, plan: &Plan, streams: Streams, from: Time, to: Time) -> u64 {
        if plan.rate.regular {
            let (from, to) = plan.within(from, to);
            return plan.ticks_before(to) - plan.ticks_before(from);
        }
        let interval = plan.interval_of(from);
        let end = plan.end_of(interval);
        if self.interval != Some(interval) {
            let start = Time(interval * plan.interval.0);
            let mut rng = streams.owned(COUNTS, self.entity | interval & 0xff_ffff);
            self.interval = Some(interval);
            self.left = poisson(&mut rng, plan.expected(start, end));
            if start < from {
                self.split(plan, streams, start, from);
            }
        }
        self.split(plan, streams, from, to)
    }

    /// Takes those of a span from what is left of the interval.
    fn split(&mut self, plan: &Plan, streams: Streams, from: Time, to: Time) -> u64 {
        let end = plan.end_of(plan.interval_of(from));
        let mut taken = self.left;
        if to < end && self.left > 0 {
            let part = plan.expected(from, to) / plan.expected(from, end);
            let mut rng = streams.rng(SPLITS, self.entity, &mut self.splits);
            taken = binomial(&mut rng, self.left, part);
        }
        self.left -= taken;
        taken
    }

    /// The moments of `count` requests in a span, in order.
    pub(super) fn moments(plan: &Plan, count: u64, (from, to): (Time, Time), rng: &mut Rng<'_>) -> Vec<Time> {
        let (from, to) = plan.within(from, to);
        if plan.rate.regular {
            let (first, gap) = plan.ticks();
            return (plan.ticks_before(from)..).take(count as usize).map(|n| first + gap.times(n)).collect();
        }
        let most = 1.0 + plan.rate.daily.map_or(0.0, |daily| daily.swing);
        let most_per_s = most / plan.mean_gap_s();
        let one = |_| loop {
            let at = from + Span(rng.below(to.since(from).0.max(1)));
            // A cosine that touches zero would let nothing through at its bottom.
            if plan.rate.daily.is_none() || rng.unit_f64() * most_per_s <= plan.per_s(at).max(1e-9) {
                return at;
            }
        };
        let mut all: Vec<Time> = (0..count).map(one).collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::setup::traffic::Daily;

    const TEST: Domain = Domain::new("sim.traffic.test");

    fn plan(regular: bool, swing: f64) -> Plan {
        let daily = (swing > 0.0).then_some(Daily { swing, peak: Span::hours(20) });
        let start = Time::ZERO + Span::secs(7);
        let rate = Rate { interval: Span::millis(250), regular, daily, start, end: None };
        Plan { rate, place: (1, 3), interval: Span::mins(5), time_of_day: Span::hours(6) }
    }

    fn at(second: u64) -> Time {
        Time::ZERO + Span::secs(second)
    }

    /// However an interval is cut, the same requests come.
    #[test]
    fn cuts_change_no_count() {
        for (regular, swing) in [(true, 0.0), (false, 0.0), (false, 0.9)] {
            let plan = plan(regular, swing);
            let streams = Streams::new(3);
            let whole = Arriving::new(1 << 24).count(&plan, streams, at(300), at(600));
            for cuts in [vec![], vec![301], vec![310, 450, 599], (301..600).collect()] {
                let mut arriving = Arriving::new(1 << 24);
                let ends = cuts.into_iter().chain([600]);
                let mut from = 300;
                let parts = ends
                    .map(|to| arriving.count(&plan, streams, at(std::mem::replace(&mut from, to)), at(to)));
                assert_eq!(parts.sum::<u64>(), whole, "{regular} {swing}");
            }
            let expected = plan.expected(at(300), at(600));
            assert!((whole as f64 - expected).abs() < 4.5 * expected.sqrt(), "{whole} of {expected}");
        }
    }

    #[test]
    fn a_day_has_the_mean_rate_and_its_peak() {
        let plan = plan(false, 0.8);
        let day = plan.expected(at(3600), at(3600 * 25));
        assert!((day - 86_400.0 / 0.75).abs() < 1e-6, "{day}");
        let (peak, trough) = (plan.per_s(at(14 * 3600)), plan.per_s(at(2 * 3600)));
        assert!((peak / trough - 9.0).abs() < 1e-9, "{peak} {trough}");
        assert!(plan.per_s(at(3)) == 0.0);
    }

    #[test]
    fn moments_lie_in_their_span_in_order() {
        let mut rng = Streams::new(4).owned(TEST, 0);
        for plan in [plan(true, 0.0), plan(false, 0.0), plan(false, 1.0)] {
            let streams = Streams::new(5);
            let count = Arriving::new(1 << 24).count(&plan, streams, at(5), at(20));
            let all = Arriving::moments(&plan, count, (at(5), at(20)), &mut rng);
            assert_eq!(all.len() as u64, count);
            assert!(all.is_sorted() && all.iter().all(|one| (at(7)..at(20)).contains(one)), "{all:?}");
        }
    }
}
