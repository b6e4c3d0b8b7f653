//! The hold model: the next event is taken and planned anew after a delay. What it costs is what the queue costs: the
//! delays are drawn beforehand, nothing is written to a digest. Nothing here looks at a clock: the caller times it.

use super::queue::EventQueue;
use super::queue::ladder::LadderQueue;
use super::random::{Domain, Streams};
use super::sample;
use super::time::{Span, Time};

const HOLD: Domain = Domain::new("kernel.hold");
/// The mean delay in seconds, as of PHOLD.
const MEAN_DELAY_S: f64 = 1.0;
/// Delays that are drawn, and then used again.
const DELAYS: usize = 1 << 20;

/// A queue of which only the two ends are used.
pub trait Ends<E> {
    /// Plans an event.
    fn put(&mut self, at: Time, event: E);
    /// Takes the next event out.
    fn take(&mut self) -> Option<(Time, E)>;
}

impl<E: Copy> Ends<E> for EventQueue<E> {
    #[inline]
    fn put(&mut self, at: Time, event: E) {
        self.schedule(at, event);
    }
    #[inline]
    fn take(&mut self) -> Option<(Time, E)> {
        self.pop()
    }
}

impl<E: Copy> Ends<E> for LadderQueue<E> {
    #[inline]
    fn put(&mut self, at: Time, event: E) {
        self.push(at.0, event);
    }
    #[inline]
    fn take(&mut self) -> Option<(Time, E)> {
        self.pop().map(|(at, event)| (Time(at), event))
    }
}

/// A queue in the form that it keeps, with the delays to come.
#[derive(Clone, Debug)]
pub struct Hold<Q> {
    queue: Q,
    delays: Vec<Span>,
    done: usize,
}

impl<Q> Hold<Q> {
    /// Fills an empty queue with `pending` events and holds each of them once.
    pub fn new<E>(queue: Q, pending: u32, make: impl Fn(u32) -> E) -> Self
    where
        Q: Ends<E>,
    {
        let mut rng = Streams::new(1).owned(HOLD, 0);
        let delays = (0..DELAYS).map(|_| Span::from_secs_f64(sample::exponential(&mut rng, MEAN_DELAY_S)));
        let mut hold = Self { queue, delays: delays.collect(), done: 0 };
        for number in 0..pending {
            let delay = hold.delays[number as usize % DELAYS];
            hold.queue.put(Time::ZERO + delay, make(number));
        }
        hold.run(u64::from(pending));
        hold
    }

    /// Holds so many events. Returns the time of the last one.
    ///
    /// # Panics
    /// If nothing is pending.
    #[inline(never)]
    pub fn run<E>(&mut self, events: u64) -> Time
    where
        Q: Ends<E>,
    {
        let mut now = Time::ZERO;
        for _ in 0..events {
            let (at, event) = self.queue.take().expect("as many are planned as taken");
            self.queue.put(at + self.delays[self.done % DELAYS], event);
            self.done += 1;
            now = at;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_queues_come_to_the_same_time() {
        for pending in [1, 100, 5000] {
            let mut ours = Hold::new(EventQueue::new(), pending, |number| number);
            let mut bare = Hold::new(LadderQueue::new(), pending, |number| number);
            assert_eq!(ours.run(20_000), bare.run(20_000), "{pending} pending");
        }
    }
}
