//! How fast a run goes on the screen, and where it holds.

use std::time::{Duration, Instant};

use crate::kernel::{Span, Time};

/// How long a whole run takes on the screen unless somebody says otherwise.
const USUAL: Duration = Duration::from_secs(60);
/// By which factor a key changes the speed.
const FACTOR: f64 = 2.0;

/// Where a run holds that is not going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hold {
    /// It goes on.
    Never,
    /// Now.
    Now,
    /// When something is told that was not told before: this was the number of lines.
    NextLine(u64),
    /// At this time.
    At(Time),
}

/// The pace of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Simulated seconds in a second; none = as fast as it can.
    pub(super) speed: Option<f64>,
    pub(super) hold: Hold,
    /// From when on the speed holds: the time of the run and of the watch.
    since: (Time, Instant),
}

impl Pace {
    /// The whole run in a minute, or as asked.
    pub(super) fn new(duration: Span, speed: Option<f64>, is_unlimited: bool) -> Self {
        let usual = duration.as_secs_f64() / USUAL.as_secs_f64();
        let speed = (!is_unlimited).then(|| speed.unwrap_or(usual).max(1e-3));
        Self { speed, hold: Hold::Never, since: (Time::ZERO, now()) }
    }

    /// The speed counts from here on.
    pub(super) fn restart(&mut self, at: Time) {
        self.since = (at, now());
    }

    /// Twice as fast, or half as fast.
    pub(super) fn change(&mut self, at: Time, faster: bool) {
        let factor = if faster { FACTOR } else { 1.0 / FACTOR };
        self.speed = self.speed.map(|speed| (speed * factor).clamp(1e-3, 1e9));
        self.restart(at);
    }

    /// As fast as it can, or as before: `usual` simulated seconds in a second.
    pub(super) fn toggle_limit(&mut self, at: Time, usual: f64) {
        self.speed = if self.speed.is_some() { None } else { Some(usual) };
        self.restart(at);
    }

    /// How long to wait until the run may come to a time. A step is made as fast as it can.
    pub(super) fn wait(&self, at: Time) -> Duration {
        let Some(speed) = self.speed.filter(|_| self.hold == Hold::Never) else { return Duration::ZERO };
        let ahead_s = (at.0.saturating_sub(self.since.0.0)) as f64 / 1e9 / speed;
        Duration::from_secs_f64(ahead_s.min(1e6)).saturating_sub(self.since.1.elapsed())
    }

    /// Whether it holds at a time at which so many lines were told.
    pub(super) fn holds(&self, at: Time, told: u64) -> bool {
        match self.hold {
            Hold::Never => false,
            Hold::Now => true,
            Hold::NextLine(before) => told > before,
            Hold::At(time) => at >= time,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "what people watch goes by their own clock; no run depends on it"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
