//! PHOLD, the usual yardstick of event queues: every event schedules one successor after a random delay.
//!
//! Each entity starts with one pending event; an event goes to a uniformly random entity after an exponential
//! delay with a mean of one second, both drawn from one random stream. The number of pending events therefore
//! stays equal to the number of entities. Nothing here looks at a clock: the caller times it.

use super::digest::Digest;
use super::queue::{EventQueue, Pending};
use super::random::{Domain, Rng, Streams};
use super::sample;
use super::time::{Span, Time};

const PHOLD: Domain = Domain::new("kernel.phold");
/// The mean delay of an event in seconds.
const MEAN_DELAY_S: f64 = 1.0;

/// What a run of PHOLD did. It depends on the arguments only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PholdOutcome {
    /// Events processed.
    pub events: u64,
    /// The time of the last one.
    pub end: Time,
    /// The digest of (time, entity) of every event in order.
    pub digest: u128,
}

/// Runs PHOLD on the kernel's [`EventQueue`]: `events` events over `entities` entities.
///
/// `make` builds the event for an entity and `target` reads the entity back, so that the caller's own event
/// type is measured. Events are scheduled with ids, that is with cancellation possible.
///
/// # Panics
/// If `entities` is zero.
pub fn run<E: Copy>(
    entities: u32,
    events: u64,
    seed: u64,
    make: impl Fn(u32) -> E,
    target: impl Fn(&E) -> u32,
) -> PholdOutcome {
    run_on(&mut EventQueue::new(), entities, events, seed, make, target)
}

/// Runs PHOLD like [`run`], on any queue.
///
/// # Panics
/// If `entities` is zero.
pub fn run_on<E, Q: Pending<E>>(
    queue: &mut Q,
    entities: u32,
    events: u64,
    seed: u64,
    make: impl Fn(u32) -> E,
    target: impl Fn(&E) -> u32,
) -> PholdOutcome {
    assert!(entities > 0, "PHOLD needs an entity");
    let mut rng = Streams::new(seed).owned(PHOLD, 0);
    for entity in 0..entities {
        queue.schedule(Time::ZERO + delay(&mut rng), make(entity));
    }
    let mut digest = Digest::new();
    let mut end = Time::ZERO;
    for _ in 0..events {
        let (now, event) = queue.pop().expect("every event has a successor");
        digest.write_u64(now.0);
        digest.write_u64(u64::from(target(&event)));
        end = now;
        let next = rng.below(u64::from(entities)) as u32;
        queue.schedule(now + delay(&mut rng), make(next));
    }
    PholdOutcome { events, end, digest: digest.finish() }
}

#[inline]
fn delay(rng: &mut Rng<'_>) -> Span {
    Span::from_secs_f64(sample::exponential(rng, MEAN_DELAY_S))
}

#[cfg(test)]
mod tests {
    use super::super::queue::reference::ReferenceQueue;
    use super::*;

    #[test]
    fn same_digest_on_the_reference_queue() {
        for (entities, events) in [(1, 100), (50, 5_000), (3_000, 20_000)] {
            let fast = run(entities, events, 11, |entity| entity, |entity| *entity);
            let mut queue = ReferenceQueue::new();
            let slow = run_on(&mut queue, entities, events, 11, |entity| entity, |entity| *entity);
            assert_eq!(fast, slow);
            assert_eq!(queue.len(), entities as usize);
            // Each entity has an event a second.
            let expected = events as f64 / f64::from(entities);
            assert!((fast.end.as_secs_f64() / expected - 1.0).abs() < 0.5, "{fast:?}");
        }
    }
}
