//! What clocks read that are wrong, and when.
//!
//! A clock is off by an offset, and may run faster or slower than time. Peers know nothing of it: they are handed what
//! their clock reads, and the times that they name are found by it, so that a timer of a minute takes a minute of
//! their clock. A step of the clock moves no timer that is set: those count from one moment to another.

use super::event::{PeerId, Turn};
use super::setup::{ClockPlan, Drift, Fault, Selection, Setup, Skew};
use super::world::World;
use crate::kernel::{Domain, Streams, Time, Timestamp};

/// By how much the clock of each peer is off, and how fast it is.
const CLOCK: Domain = Domain::new("sim.clock");
/// A second has so many nanoseconds, and a whole so many billionths.
const BILLION: i128 = 1_000_000_000;

/// The clock of a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Clock {
    /// How far it is ahead, but for its drift.
    offset_ns: i64,
    /// How much faster than time it runs.
    drift_ppb: i32,
}

impl Clock {
    /// One that is off by so many nanoseconds and runs as it should.
    pub(super) const fn off_by(offset_ns: i64) -> Self {
        Self { offset_ns, drift_ppb: 0 }
    }

    /// That of peer `entity`, as its group's are.
    pub(super) fn drawn(plan: &ClockPlan, streams: Streams, entity: u64) -> Self {
        let mut rng = streams.owned(CLOCK, entity);
        // Each of the two has its own draws, whether the other needs any or not.
        let (place, sign, faster) = (rng.unit_f64(), rng.chance(0.5), rng.unit_f64());
        let evenly = |within: f64, place: f64| (2.0 * place - 1.0) * within;
        let offset_ns = match &plan.skew {
            Skew::All(offset_ns) => *offset_ns,
            Skew::Within(most_ns) => evenly(*most_ns as f64, place) as i64,
            Skew::Drawn(amount) => {
                let amount_ns = amount.sample(&mut rng).0.min(i64::MAX as u64) as i64;
                if sign { amount_ns } else { -amount_ns }
            }
        };
        let drift_ppb = match plan.drift {
            Drift::All(drift_ppb) => drift_ppb,
            Drift::Within(most_ppb) => evenly(f64::from(most_ppb), faster) as i32,
        };
        Self { offset_ns, drift_ppb }
    }

    /// Whether it is right, and stays so.
    pub(super) const fn is_right(self) -> bool {
        self.offset_ns == 0 && self.drift_ppb == 0
    }

    /// What it reads at `now`, where a clock that is right began with `epoch`.
    pub(super) fn reads(self, epoch: Timestamp, now: Time) -> Timestamp {
        let mut passed = i128::from(now.0);
        // A long division, and each event asks its peer's clock a few times.
        if self.drift_ppb != 0 {
            passed = (passed * (BILLION + i128::from(self.drift_ppb))).div_euclid(BILLION);
        }
        let reading = i128::from(epoch.0) + i128::from(self.offset_ns) + passed;
        Timestamp(u64::try_from(reading.max(0)).unwrap_or(u64::MAX))
    }

    /// The first moment at which it reads `at` or later; zero if it has done so before.
    pub(super) fn when(self, epoch: Timestamp, at: Timestamp) -> Time {
        let passes = i128::from(at.0) - i128::from(epoch.0) - i128::from(self.offset_ns);
        let rate = BILLION + i128::from(self.drift_ppb);
        let after = (passes.max(0) * BILLION + rate - 1).div_euclid(rate);
        Time(u64::try_from(after).unwrap_or(u64::MAX))
    }

    const fn step(&mut self, by_ns: i64) {
        self.offset_ns = self.offset_ns.saturating_add(by_ns);
    }
}

impl World<'_> {
    /// What a clock that is right reads.
    pub(super) fn clock(&self, now: Time) -> Timestamp {
        Clock::default().reads(self.setup.epoch, now)
    }

    /// What a peer's own clock reads.
    pub(super) fn clock_of(&self, peer: PeerId, now: Time) -> Timestamp {
        self.hosts[peer.0 as usize].clock.reads(self.setup.epoch, now)
    }

    /// What the clock in the middle of all that are up reads: by this a broadcast passes those who hand it on, or not.
    pub(super) fn clock_of_most(&self, now: Time) -> Timestamp {
        if are_right(self.setup) {
            return self.clock(now);
        }
        let up = self.hosts.iter().filter(|host| host.up);
        let mut readings: Vec<Timestamp> = up.map(|host| host.clock.reads(self.setup.epoch, now)).collect();
        let middle = readings.len() / 2;
        if readings.is_empty() { self.clock(now) } else { *readings.select_nth_unstable(middle).1 }
    }

    /// When a peer's own clock reads `at`.
    pub(super) fn time_by(&self, peer: PeerId, at: Timestamp) -> Time {
        self.hosts[peer.0 as usize].clock.when(self.setup.epoch, at)
    }

    /// The clocks of peers are set, forward or back.
    pub(super) fn step_clocks(&mut self, now: Time, turn: Turn, who: &Selection, by_ns: i64) {
        for peer in self.select(turn, 0, who) {
            // It judges otherwise than its group from now on, and what was too late for it may not be any more.
            self.recall_late(now, peer, None);
            self.single_out(now, peer);
            self.hosts[peer.0 as usize].clock.step(by_ns);
        }
    }
}

/// Whether the clocks of all peers that do not attack are right from the start to the end.
fn are_right(setup: &Setup) -> bool {
    setup.groups.iter().all(|group| group.clock.is_none())
        && !setup.faults.iter().any(|fault| matches!(fault, Fault::Clock { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Distribution, Span};

    const EPOCH: Timestamp = Timestamp(1_700_000_000_000_000_000);

    #[test]
    fn a_clock_reads_a_time_when_it_does() {
        for clock in [(0, 0), (5, 0), (-3_000_000_000, 20_000), (7, -100_000_000), (-1, 1), (9, -1)] {
            let clock = Clock { offset_ns: clock.0, drift_ppb: clock.1 };
            let mut last = Timestamp::ZERO;
            for now in [0, 1, 2, 999_999_999, 1_000_000_000, 86_400_000_000_001].map(Time) {
                let reading = clock.reads(EPOCH, now);
                assert!(reading >= last);
                last = reading;
                let first = clock.when(EPOCH, reading);
                assert!(first <= now && clock.reads(EPOCH, first) == reading, "{clock:?} {now:?}");
                assert!(first == Time::ZERO || clock.reads(EPOCH, Time(first.0 - 1)) < reading);
            }
        }
        let slow = Clock { offset_ns: 0, drift_ppb: -100_000 };
        assert_eq!(slow.reads(EPOCH, Time::ZERO + Span::secs(10_000)), EPOCH + Span::secs(9999));
        assert_eq!(Clock::off_by(-60_000_000_000).when(EPOCH, EPOCH), Time::ZERO + Span::mins(1));
    }

    #[test]
    fn clocks_are_off_to_both_sides() {
        let plan = |skew, drift| ClockPlan { skew, drift };
        let clocks = |plan: ClockPlan| -> Vec<Clock> {
            (0..10_000).map(|entity| Clock::drawn(&plan, Streams::new(2), entity)).collect()
        };
        let even = clocks(plan(Skew::Within(2_000_000_000), Drift::Within(50_000)));
        let mean = |of: fn(&Clock) -> f64| even.iter().map(of).sum::<f64>() / 10_000.0;
        let (skew_s, drift) =
            (|one: &Clock| one.offset_ns as f64 / 1e9, |one: &Clock| f64::from(one.drift_ppb));
        // Standard deviations of the means: 0.0115 s and 289 billionths.
        assert!(mean(skew_s).abs() < 0.05 && mean(drift).abs() < 1200.0);
        assert!((mean(|one| (one.offset_ns as f64 / 1e9).abs()) - 1.0).abs() < 0.03);
        assert!(even.iter().all(|one| one.offset_ns.abs() <= 2_000_000_000 && one.drift_ppb.abs() <= 50_000));
        let drawn = clocks(plan(Skew::Drawn(Distribution::Exponential { mean_s: 3.0 }), Drift::All(-7)));
        let ahead = drawn.iter().filter(|one| one.offset_ns > 0).count();
        let size = drawn.iter().map(|one| (one.offset_ns as f64 / 1e9).abs()).sum::<f64>() / 10_000.0;
        assert!(ahead.abs_diff(5000) < 200 && (size - 3.0).abs() < 0.15, "{ahead} {size}");
        assert!(drawn.iter().all(|one| one.drift_ppb == -7));
        assert!(clocks(ClockPlan::default()).iter().all(|one| one.is_right()));
    }
}
