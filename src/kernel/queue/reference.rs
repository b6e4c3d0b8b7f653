//! A slow queue that is obviously right, to hold the fast one against.

use std::collections::BTreeMap;

use super::{EventId, Pending};
use crate::kernel::time::Time;

/// Pending events in an ordered map from (time, sequence number). For tests and comparisons.
#[derive(Clone, Debug)]
pub struct ReferenceQueue<E> {
    events: BTreeMap<(Time, u64), E>,
    /// The time at which the event of a sequence number is scheduled.
    times: BTreeMap<u64, Time>,
    sequence: u64,
    now: Time,
}

impl<E> ReferenceQueue<E> {
    /// An empty queue at time zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { events: BTreeMap::new(), times: BTreeMap::new(), sequence: 0, now: Time::ZERO }
    }
}

impl<E> Default for ReferenceQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Pending<E> for ReferenceQueue<E> {
    fn schedule(&mut self, at: Time, event: E) -> EventId {
        assert!(at >= self.now, "an event is scheduled before the one popped last");
        let sequence = self.sequence;
        self.sequence += 1;
        self.events.insert((at, sequence), event);
        self.times.insert(sequence, at);
        EventId::new(sequence as u32, (sequence >> 32) as u32)
    }
    fn post(&mut self, at: Time, event: E) {
        self.schedule(at, event);
    }
    fn cancel(&mut self, id: EventId) -> bool {
        let (low, high) = id.parts();
        let sequence = u64::from(high) << 32 | u64::from(low);
        match self.times.remove(&sequence) {
            Some(at) => self.events.remove(&(at, sequence)).is_some(),
            None => false,
        }
    }
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        if self.peek_time()? < limit { self.pop() } else { None }
    }
    fn pop(&mut self) -> Option<(Time, E)> {
        let ((at, sequence), event) = self.events.pop_first()?;
        self.times.remove(&sequence);
        self.now = at;
        Some((at, event))
    }
    fn peek_time(&mut self) -> Option<Time> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }
    fn len(&self) -> usize {
        self.events.len()
    }
}
