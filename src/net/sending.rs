//! How much of its own a host sends at once, and how long the other end reads it (dms-orchestration section 0).
//!
//! Each message goes over a stream of its own, in the background. At most [`MAX_SENDS`] are under way from one host;
//! what comes on top waits, first come first served, until one is through.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::kernel::{Span, Time};

/// Messages under way from one host (`sendSemaphoreLimit`).
pub const MAX_SENDS: usize = 4096;
/// A receiver gives a message up that has not come whole after this (the stream read timeout). Only those that go as
/// transfers can take so long.
pub const READ_TIMEOUT: Span = Span::secs(30);

/// The messages of one host that are under way. Those that have arrived are dropped when room is short, so that it
/// stays about as small as what really is under way.
#[derive(Default)]
pub(super) struct Sends {
    arrivals: BinaryHeap<Reverse<Time>>,
}

impl Sends {
    /// When a message of `now` is sent.
    #[inline]
    pub(super) fn begin(&mut self, now: Time) -> Time {
        if self.arrivals.len() < MAX_SENDS {
            return now;
        }
        self.arrivals.pop().map_or(now, |Reverse(first)| first.max(now))
    }

    /// Notes when a message that was begun will have arrived.
    #[inline]
    pub(super) fn note(&mut self, now: Time, arrival: Time) {
        if self.arrivals.len() == self.arrivals.capacity() {
            self.arrivals.retain(|Reverse(at)| *at > now);
        }
        self.arrivals.push(Reverse(arrival));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    /// Slots that are free again at a time, the plain way.
    fn plain(free: &mut [Time], now: Time, takes: Span) -> Time {
        let slot = free.iter_mut().min().expect("there are slots");
        let begun = now.max(*slot);
        *slot = begun + takes;
        begun
    }

    #[test]
    fn what_is_too_much_waits_for_the_first_that_is_through() {
        let mut rng = Streams::new(3).owned(Domain::new("net.sending.test"), 0);
        let (mut sends, mut free) = (Sends::default(), vec![Time(0); MAX_SENDS]);
        let (mut now, mut waited) = (Time(0), 0);
        for _ in 0..30_000 {
            now = now + Span(rng.below(40));
            let takes = Span(1 + rng.below(200_000));
            let begun = sends.begin(now);
            assert_eq!(begun, plain(&mut free, now, takes));
            sends.note(now, begun + takes);
            waited += u32::from(begun > now);
        }
        assert!((10_000..30_000).contains(&waited), "{waited}");
    }

    #[test]
    fn what_has_arrived_takes_no_memory() {
        let mut sends = Sends::default();
        for at in 0..100_000 {
            assert_eq!(sends.begin(Time(at)), Time(at));
            sends.note(Time(at), Time(at + 3));
        }
        assert!(sends.arrivals.capacity() <= 8, "{}", sends.arrivals.capacity());
    }
}
