//! What waits for a server: records for Elasticsearch, traces for the APM server. Both are sent in batches.
//!
//! What a server does not take stays and is sent again with the next batch; a full buffer loses its oldest. What the
//! real DMS does then was not read.

use std::collections::VecDeque;

use crate::kernel::{Span, Timestamp};

/// How much may wait.
const CAPACITY: usize = 10_000;

/// Things on their way to a server.
#[derive(Clone, Debug)]
pub(super) struct Shipping<T> {
    waiting: VecDeque<T>,
    /// What the server has not answered yet.
    sent: Vec<T>,
    interval: Span,
    /// When the next batch goes; none while nothing waits.
    due: Option<Timestamp>,
    pub(super) tally: Shipped,
}

/// What became of what was handed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shipped {
    /// Handed in.
    pub taken: u64,
    /// Taken by the server.
    pub delivered: u64,
    /// Batches that the server did not take.
    pub refused_batches: u64,
    /// Lost because too much waited.
    pub lost_full: u64,
    /// Lost because the process ended on its own, or its server was away when it was shut down.
    pub lost_end: u64,
}

impl Shipped {
    /// Adds what became of other things.
    pub(super) const fn add(&mut self, other: &Self) {
        self.taken += other.taken;
        self.delivered += other.delivered;
        self.refused_batches += other.refused_batches;
        self.lost_full += other.lost_full;
        self.lost_end += other.lost_end;
    }

    /// What neither arrived nor was lost: it waits.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.taken - self.delivered - self.lost_full - self.lost_end
    }
}

impl<T: Clone> Shipping<T> {
    pub(super) fn new(interval: Span) -> Self {
        let (waiting, tally) = (VecDeque::new(), Shipped::default());
        Self { waiting, sent: Vec::new(), interval, due: None, tally }
    }

    /// Takes something in.
    pub(super) fn push(&mut self, now: Timestamp, item: T) {
        self.tally.taken += 1;
        self.waiting.push_back(item);
        if self.waiting.len() > CAPACITY {
            self.waiting.pop_front();
            self.tally.lost_full += 1;
        }
        self.due.get_or_insert(now + self.interval);
    }

    /// Batches go at another interval from now on.
    pub(super) fn set_interval(&mut self, now: Timestamp, interval: Span) {
        if self.interval != interval {
            self.interval = interval;
            self.due = self.due.map(|due| due.min(now + interval));
        }
    }

    /// The clock may have been put back: no batch goes later than an interval from `now` on.
    pub(super) fn correct(&mut self, now: Timestamp) {
        self.due = self.due.map(|due| due.min(now + self.interval));
    }

    /// When the next batch goes.
    pub(super) const fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The batch that goes now; the server's answer must follow.
    pub(super) fn send(&mut self) -> Option<Vec<T>> {
        self.due = None;
        self.sent = self.waiting.drain(..).collect();
        (!self.sent.is_empty()).then(|| self.sent.clone())
    }

    /// The server's answer to a batch.
    pub(super) fn answered(&mut self, at: Timestamp, taken: bool) {
        let batch = std::mem::take(&mut self.sent);
        if taken {
            self.tally.delivered += batch.len() as u64;
            return;
        }
        self.tally.refused_batches += 1;
        batch.into_iter().rev().for_each(|item| self.waiting.push_front(item));
        self.due = Some(at + self.interval);
    }

    /// The process is gone, and all that waited with it.
    pub(super) fn lose(&mut self) {
        self.tally.lost_end += (self.waiting.len() + self.sent.len()) as u64;
        self.waiting.clear();
        self.sent.clear();
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn a_batch_that_is_not_taken_goes_again_in_its_order() {
        let mut shipping = Shipping::new(Span::secs(5));
        shipping.push(NOW, 1);
        shipping.push(NOW + Span::secs(2), 2);
        assert_eq!(shipping.due(), Some(NOW + Span::secs(5)));
        assert_eq!(shipping.send(), Some(vec![1, 2]));
        shipping.push(NOW + Span::secs(5), 3);
        shipping.answered(NOW + Span::secs(5), false);
        assert_eq!(shipping.due(), Some(NOW + Span::secs(10)));
        assert_eq!(shipping.send(), Some(vec![1, 2, 3]));
        shipping.answered(NOW + Span::secs(10), true);
        assert_eq!((shipping.due(), shipping.tally.delivered, shipping.tally.waiting()), (None, 3, 0));
        shipping.push(NOW, 4);
        shipping.lose();
        assert_eq!((shipping.tally.lost_end, shipping.tally.waiting(), shipping.send()), (1, 0, None));
    }

    #[test]
    fn a_full_buffer_loses_its_oldest() {
        let mut shipping = Shipping::new(Span::secs(5));
        (0..=CAPACITY).for_each(|number| shipping.push(NOW, number));
        assert_eq!(shipping.tally.lost_full, 1);
        assert_eq!(shipping.send().unwrap()[0], 1);
    }

    #[test]
    fn a_shorter_interval_holds_at_once() {
        let mut shipping = Shipping::new(Span::mins(5));
        shipping.push(NOW, 1);
        shipping.set_interval(NOW + Span::secs(1), Span::secs(2));
        assert_eq!(shipping.due(), Some(NOW + Span::secs(3)));
    }
}
