//! A time at which something is to be done, on a clock that may be set.
//!
//! A timer runs for as long as it was told to, whatever the clock says meanwhile. Whoever asks the clock when it has
//! run out finds that it is too early where the clock was put back, and has to wait again.

use crate::dms::desk::Desk;
use crate::dms::outbox::Timer;
use crate::kernel::{Span, Timestamp};

/// So late timers run out where nothing is amiss, at most.
const LATE: Span = Span::secs(1);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(in crate::dms) struct Alarm {
    due: Option<Timestamp>,
    /// For when the timers that are running for it were begun: not only its own where it was to ring later at first.
    timers: Vec<Timestamp>,
}

impl Alarm {
    /// Whether it will ring.
    pub(in crate::dms) const fn is_set(&self) -> bool {
        self.due.is_some()
    }

    /// Whether it should have rung a while ago: the process has stood still, or its clock was put forward, and it has
    /// not read yet what came meanwhile.
    pub(in crate::dms) fn is_late(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| now.since(due) > LATE)
    }

    /// It rings then, or earlier if it was to.
    pub(in crate::dms) fn set(&mut self, desk: &mut Desk<'_, '_>, due: Timestamp, timer: Timer) {
        if self.due.is_none_or(|known| due < known) {
            self.due = Some(due);
            self.begin(desk, due, timer);
        }
    }

    fn begin(&mut self, desk: &mut Desk<'_, '_>, due: Timestamp, timer: Timer) {
        self.timers.push(due);
        desk.timer(due.since(desk.now), timer);
    }

    /// One of its timers has run out: whether it rings, which it does once.
    pub(in crate::dms) fn rings(&mut self, desk: &mut Desk<'_, '_>, timer: Timer) -> bool {
        let first = (0..self.timers.len()).min_by_key(|place| self.timers[*place]);
        let begun_for = first.map(|place| self.timers.swap_remove(place));
        match self.due {
            Some(due) if due > desk.now => {
                // One that was begun for an earlier time leaves its own running.
                if begun_for.is_none_or(|begun_for| begun_for >= due) {
                    self.begin(desk, due, timer);
                }
                false
            }
            due => {
                self.due = None;
                due.is_some()
            }
        }
    }
}
