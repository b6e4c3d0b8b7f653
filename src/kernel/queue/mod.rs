//! The event queue: what happens next, in the order of (time, order of scheduling).
//!
//! [`EventQueue`] keeps pending events in a hierarchical wheel: eight levels of 256 buckets, one level for
//! each byte of a 64-bit time, so that any time in 584 years has its bucket without tuning and no
//! distribution of delays can degrade it. A bucket is sorted only when its turn comes and it is small; a
//! large one is first dealt out to the level below. Every event is therefore moved at most eight times, and
//! twice in practice.
//!
//! Equal times come out in the order in which they were scheduled. No sequence number is stored for that: a
//! time belongs to exactly one bucket at any moment, buckets are first-in-first-out, whole buckets move, and
//! sorting is stable.
//!
//! The queue knows nothing of what an event means; it wants plain `Copy` data, best of at most 48 bytes,
//! which makes an entry one cache line.

pub mod reference;
mod slots;
mod wheel;

use super::time::Time;
pub use slots::EventId;
use slots::Slots;
use wheel::{Entry, Wheel};

/// A bucket of at most this many events is sorted at once instead of being dealt out to the level below.
const SORT_LIMIT: u32 = 48;
/// So many events may arrive inside the sorted run before the run is given back to the wheel.
const NEAR_LIMIT: usize = 64;
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
    wheel: Wheel<E>,
    slots: Slots,
    /// The bucket whose turn it is, sorted: time, place in the bucket, and index of the wheel's entry, high
    /// to low bits.
    run: Vec<u128>,
    /// How much of `run` has been popped.
    head: usize,
    /// Events that arrived for times before `run_limit`, latest first. Among equal times they follow those of
    /// the run.
    near: Vec<Entry<E>>,
    /// Events before this time belong to the run or to `near`, all others to the wheel.
    run_limit: u64,
    /// The time of the event popped last.
    now: u64,
    /// Events pending and not cancelled.
    live: usize,
}

impl<E: Copy> EventQueue<E> {
    /// An empty queue at time zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wheel: Wheel::new(),
            slots: Slots::default(),
            run: Vec::new(),
            head: 0,
            near: Vec::with_capacity(NEAR_LIMIT + 1),
            run_limit: 0,
            now: 0,
            live: 0,
        }
    }

    /// Plans `event` for time `at` and returns the id under which it can be cancelled.
    ///
    /// # Panics
    /// If `at` lies before the event popped last, or with 2^32 - 1 cancellable events pending.
    #[inline(always)]
    pub fn schedule(&mut self, at: Time, event: E) -> EventId {
        let id = self.slots.occupy();
        self.insert(Entry { at: at.0, event, slot: id.slot() });
        id
    }

    /// Plans `event` for time `at` without a way to cancel it, which saves the keeping of an id.
    ///
    /// # Panics
    /// If `at` lies before the event popped last.
    #[inline(always)]
    pub fn post(&mut self, at: Time, event: E) {
        self.insert(Entry { at: at.0, event, slot: slots::NONE });
    }

    // Always inlined up to the caller: an event is then written straight to its place. Copied from the stack
    // it would be read in wider words than it was just written in, which processors punish.
    #[inline(always)]
    fn insert(&mut self, entry: Entry<E>) {
        assert!(entry.at >= self.now, "an event is scheduled before the one popped last");
        self.live += 1;
        if entry.at >= self.run_limit {
            self.wheel.insert(entry);
        } else {
            self.insert_near(entry);
        }
    }

    #[inline(never)]
    fn insert_near(&mut self, entry: Entry<E>) {
        let place = self.near.partition_point(|other| other.at > entry.at);
        self.near.insert(place, entry);
        if self.near.len() > NEAR_LIMIT {
            self.dissolve_run();
        }
    }

    /// Gives the run and everything near back to the wheel, which then deals them out more finely.
    #[cold]
    fn dissolve_run(&mut self) {
        self.wheel.rewind(self.now);
        self.run_limit = self.now;
        // Behind a run of one instant the wheel may hold events of that same instant, which were scheduled later.
        let later = self.run.get(self.head).map(|key| self.wheel.detach_instant((key >> 64) as u64));
        for at in self.head..self.run.len() {
            let entry = *self.wheel.entry(self.run[at] as u32);
            self.wheel.insert(entry);
        }
        if let Some((level, bucket)) = later {
            self.wheel.put_back(level, bucket);
        }
        self.end_run();
        while let Some(entry) = self.near.pop() {
            self.wheel.insert(entry);
        }
    }

    fn end_run(&mut self) {
        self.run.clear();
        self.head = 0;
        self.wheel.release_run();
    }

    /// Makes a run of the next bucket if that may hold an event before `limit` (at most at `limit` if it is
    /// the largest time). Returns false if there is none.
    #[inline(never)]
    fn refill(&mut self, limit: u64) -> bool {
        self.end_run();
        match self.wheel.take_next(limit, SORT_LIMIT, &mut self.run) {
            Some(run_limit) => {
                self.run_limit = run_limit;
                true
            }
            None => false,
        }
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
            let (time, near) = self.front(last)?;
            if time > last {
                return None;
            }
            let entry = if near {
                self.near.pop().expect("the front is near")
            } else {
                let entry = *self.wheel.entry(self.run[self.head] as u32);
                self.head += 1;
                entry
            };
            if self.slots.vacate(entry.slot) {
                self.now = time;
                self.live -= 1;
                return Some((Time(time), entry.event));
            }
        }
    }

    /// The time of the first entry, cancelled or not, and whether it is a near one; none if all lie after
    /// `last`.
    #[inline]
    fn front(&mut self, last: u64) -> Option<(u64, bool)> {
        loop {
            let near = self.near.last().map(|entry| entry.at);
            match (self.run.get(self.head), near) {
                (Some(key), None) => return Some(((key >> 64) as u64, false)),
                (Some(key), Some(near)) => {
                    let run = (key >> 64) as u64;
                    return Some(if near < run { (near, true) } else { (run, false) });
                }
                (None, Some(near)) => return Some((near, true)),
                (None, None) => {
                    if !self.refill(last) {
                        return None;
                    }
                }
            }
        }
    }

    /// The time of the next event. It may move entries about, hence `&mut`.
    pub fn peek_time(&mut self) -> Option<Time> {
        loop {
            let (time, near) = self.front(u64::MAX)?;
            let slot = if near {
                self.near.last().expect("the front is near").slot
            } else {
                self.wheel.entry(self.run[self.head] as u32).slot
            };
            if !self.slots.is_cancelled(slot) {
                return Some(Time(time));
            }
            self.slots.vacate(slot);
            if near {
                self.near.pop();
            } else {
                self.head += 1;
            }
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

    /// Removes all cancelled entries. Each sweep is paid for by as many cancellations as it visits entries,
    /// within a factor of two.
    #[cold]
    fn sweep(&mut self) {
        let slots = &mut self.slots;
        let wheel = &mut self.wheel;
        self.run.drain(..self.head);
        self.head = 0;
        self.run.retain(|key| slots.keep(wheel.entry(*key as u32).slot));
        self.near.retain(|entry| slots.keep(entry.slot));
        wheel.retain(|entry| slots.keep(entry.slot));
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
