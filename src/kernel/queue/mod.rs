//! The event queue: what happens next, in the order of (time, order of scheduling).
//!
//! [`EventQueue`] puts an event into a slot, where it stays, and moves only its key about. Keys are kept in a
//! hierarchical wheel: eight levels of 256 buckets, one level for each byte of a 64-bit time, so that any time
//! in 584 years has its bucket without tuning and no distribution of delays can degrade it. A bucket is sorted
//! only when its turn comes and it is small; a large one is first dealt out to the level below. Every key is
//! therefore moved at most eight times, and twice in practice. The next events, some dozens to a thousand, form a
//! sorted run.
//!
//! Equal times come out in the order in which they were scheduled. No sequence number is stored for that: a
//! time belongs to exactly one bucket at any moment, buckets are first-in-first-out, whole buckets move, and
//! sorting is stable.
//!
//! The queue knows nothing of what an event means; it wants plain `Copy` data, best of at most 48 bytes,
//! which makes a slot one cache line.

pub mod ladder;
pub mod reference;
mod slots;
mod wheel;

use super::time::Time;
pub use slots::EventId;
use slots::Slots;
use wheel::{Key, Wheel};

/// Events that arrive inside the run may move so many others, and so many times as many as it had; then the run is
/// given back to the wheel.
const SHIFT_LIMIT: usize = 1024;
const SHIFTS_A_KEY: usize = 8;
/// Cancelled events are swept out when they outnumber the others by this many.
const SWEEP_SLACK: usize = 1024;

/// What [`EventQueue`] and its slow reference have in common, so that one workload runs on both.
pub trait Pending<E> {
    /// See [`EventQueue::schedule`].
    fn schedule(&mut self, at: Time, event: E) -> EventId;
    /// See [`EventQueue::post`].
    fn post(&mut self, at: Time, event: E);
    /// See [`EventQueue::cancel`].
    fn cancel(&mut self, id: EventId) -> bool;
    /// See [`EventQueue::pop_before`].
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)>;
    /// See [`EventQueue::pop`].
    fn pop(&mut self) -> Option<(Time, E)>;
    /// See [`EventQueue::peek_time`].
    fn peek_time(&mut self) -> Option<Time>;
    /// See [`EventQueue::len`].
    fn len(&self) -> usize;
    /// Whether nothing is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Pending events in the order of their time, and of their scheduling among equal times.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    slots: Slots<E>,
    wheel: Wheel,
    /// The events up to the wheel's floor, the next one last.
    run: Vec<Key>,
    /// How many keys of the run may still be moved by others.
    shifts: usize,
    /// The time of the event popped last.
    now: u64,
    /// Events pending and not cancelled.
    live: usize,
}

impl<E: Copy> EventQueue<E> {
    /// An empty queue at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: Slots::new(), wheel: Wheel::new(), run: Vec::new(), shifts: 0, now: 0, live: 0 }
    }

    /// Plans `event` for time `at` and returns the id under which it can be cancelled.
    ///
    /// # Panics
    /// If `at` lies before the event popped last, or with 2^32 - 1 events pending.
    #[inline(always)]
    pub fn schedule(&mut self, at: Time, event: E) -> EventId {
        assert!(at.0 >= self.now, "an event is scheduled before the one popped last");
        let id = self.slots.occupy(event);
        self.live += 1;
        if at.0 >= self.wheel.floor() {
            self.wheel.insert(Key { at: at.0, slot: id.slot() });
        } else {
            self.insert_in_run(Key { at: at.0, slot: id.slot() });
        }
        id
    }

    /// Plans `event` for time `at` without a way to cancel it.
    ///
    /// # Panics
    /// If `at` lies before the event popped last, or with 2^32 - 1 events pending.
    #[inline(always)]
    pub fn post(&mut self, at: Time, event: E) {
        self.schedule(at, event);
    }

    #[inline(never)]
    fn insert_in_run(&mut self, key: Key) {
        let place = self.run.partition_point(|other| other.at > key.at);
        self.run.insert(place, key);
        match self.shifts.checked_sub(self.run.len() - place) {
            Some(left) => self.shifts = left,
            None => self.dissolve_run(),
        }
    }

    /// Gives the run back to the wheel, which then deals it out more finely.
    #[cold]
    fn dissolve_run(&mut self) {
        self.wheel.rewind(self.now);
        // The wheel may hold events of the run's last instant, which were scheduled later.
        let later = self.run.first().map(|key| self.wheel.detach_at(key.at));
        while let Some(key) = self.run.pop() {
            self.wheel.insert(key);
        }
        if let Some(later) = later {
            self.wheel.put_back(later);
        }
    }

    /// The first event, cancelled or not, if it happens up to `last`.
    #[inline]
    fn front(&mut self, last: u64) -> Option<Key> {
        while self.run.is_empty() {
            if !self.refill(last) {
                return None;
            }
        }
        self.run.last().copied().filter(|key| key.at <= last)
    }

    /// Moves the next events to the empty run, without cancelled ones. Returns false if none may happen up to
    /// `last`.
    #[inline(never)]
    fn refill(&mut self, last: u64) -> bool {
        let any = self.wheel.take_next(last, &mut self.run);
        self.shifts = SHIFT_LIMIT + SHIFTS_A_KEY * self.run.len();
        // To look at all of them in one go brings their slots into the cache together, not one after the other.
        self.run.retain(|key| self.slots.keep(key.slot));
        any
    }

    /// Takes the next event out, in the order of (time, order of scheduling).
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        self.pop_until(u64::MAX)
    }

    /// Takes the next event out if its time lies before `limit`; an event exactly at `limit` stays.
    #[inline]
    pub fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        self.pop_until(limit.0.checked_sub(1)?)
    }

    /// Takes the next event out if its time is at most `last`.
    #[inline]
    fn pop_until(&mut self, last: u64) -> Option<(Time, E)> {
        loop {
            let Key { at, slot } = self.front(last)?;
            self.run.pop();
            if let Some(event) = self.slots.vacate(slot) {
                self.now = at;
                self.live -= 1;
                return Some((Time(at), event));
            }
        }
    }

    /// The time of the next event. It may move events about, hence `&mut`.
    pub fn peek_time(&mut self) -> Option<Time> {
        loop {
            let Key { at, slot } = self.front(u64::MAX)?;
            if self.slots.keep(slot) {
                return Some(Time(at));
            }
            self.run.pop();
        }
    }

    /// Takes a scheduled event back. Returns false, and does nothing, if it has fired or was cancelled
    /// before.
    pub fn cancel(&mut self, id: EventId) -> bool {
        if !self.slots.cancel(id) {
            return false;
        }
        self.live -= 1;
        if self.slots.cancelled() > self.live + SWEEP_SLACK {
            self.sweep();
        }
        true
    }

    /// Removes all cancelled events. Each sweep is paid for by as many cancellations as it visits events, within
    /// a factor of two.
    #[cold]
    fn sweep(&mut self) {
        self.run.retain(|key| self.slots.keep(key.slot));
        self.wheel.retain(|slot| self.slots.keep(slot));
    }

    /// All pending events in the order in which they come out. It visits each of them: for whoever looks, not for the
    /// way of an event.
    #[must_use]
    pub fn upcoming(&self) -> Vec<(Time, E)> {
        // What lies in the wheel at the last instant of the run was scheduled later, and equal times lie in one bucket.
        let keys = self.run.iter().rev().copied().chain(self.wheel.keys());
        let pending = keys.filter_map(|key| Some((Time(key.at), self.slots.get(key.slot)?)));
        let mut pending: Vec<_> = pending.collect();
        pending.sort_by_key(|(at, _)| *at);
        pending
    }

    /// The number of events pending and not cancelled.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is pending.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The time of the event popped last; zero before the first.
    #[must_use]
    pub const fn now(&self) -> Time {
        Time(self.now)
    }
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy> Pending<E> for EventQueue<E> {
    #[inline(always)]
    fn schedule(&mut self, at: Time, event: E) -> EventId {
        self.schedule(at, event)
    }
    #[inline(always)]
    fn post(&mut self, at: Time, event: E) {
        self.post(at, event);
    }
    fn cancel(&mut self, id: EventId) -> bool {
        self.cancel(id)
    }
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        self.pop_before(limit)
    }
    #[inline]
    fn pop(&mut self) -> Option<(Time, E)> {
        self.pop()
    }
    fn peek_time(&mut self) -> Option<Time> {
        self.peek_time()
    }
    fn len(&self) -> usize {
        self.live
    }
}

#[cfg(test)]
mod tests;
