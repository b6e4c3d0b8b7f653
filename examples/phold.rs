//! Times PHOLD on the event queue and on a binary heap: `cargo run --release --example phold`.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use dmsim::kernel::phold::{self, PholdOutcome};
use dmsim::kernel::queue::{EventId, EventQueue, Pending};
use dmsim::kernel::{Domain, Streams, Time};

/// An event of 48 bytes, as large as the simulator's.
#[derive(Clone, Copy)]
enum Event {
    Arrive { entity: u32, load: [u64; 5] },
    Leave { entity: u32 },
}

fn make(entity: u32) -> Event {
    if entity.is_multiple_of(16) { Event::Leave { entity } } else { Event::Arrive { entity, load: [7; 5] } }
}

fn target(event: &Event) -> u32 {
    match *event {
        Event::Arrive { entity, load } => entity + (load[4] - 7) as u32,
        Event::Leave { entity } => entity,
    }
}

/// An entry of the heap, the earliest the greatest.
struct Entry<E>(u64, u64, E);

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.0, other.1).cmp(&(self.0, self.1))
    }
}

/// The standard binary heap, without cancellation.
struct Heap<E> {
    heap: BinaryHeap<Entry<E>>,
    sequence: u64,
    id: EventId,
}

impl<E> Pending<E> for Heap<E> {
    fn schedule(&mut self, at: Time, event: E) -> EventId {
        self.post(at, event);
        self.id
    }
    fn post(&mut self, at: Time, event: E) {
        self.heap.push(Entry(at.0, self.sequence, event));
        self.sequence += 1;
    }
    fn cancel(&mut self, _: EventId) -> bool {
        false
    }
    fn pop_before(&mut self, limit: Time) -> Option<(Time, E)> {
        if self.peek_time()? < limit { self.pop() } else { None }
    }
    fn pop(&mut self) -> Option<(Time, E)> {
        self.heap.pop().map(|entry| (Time(entry.0), entry.2))
    }
    fn peek_time(&mut self) -> Option<Time> {
        self.heap.peek().map(|entry| Time(entry.0))
    }
    fn len(&self) -> usize {
        self.heap.len()
    }
}

#[allow(clippy::disallowed_methods, reason = "an example that measures wall time")]
fn time(name: &str, entities: u32, events: u64, mut run: impl FnMut(u64) -> PholdOutcome) -> u128 {
    // The best of three: the machine has other things to do.
    let mut best = f64::INFINITY;
    let mut digest = 0;
    for _ in 0..3 {
        // Without the set-up and the first round, in which the queue grows.
        let start = std::time::Instant::now();
        run(u64::from(entities));
        let set_up = start.elapsed();
        let start = std::time::Instant::now();
        let outcome = run(events + u64::from(entities));
        let all = start.elapsed();
        best = best.min((all.as_secs_f64() - set_up.as_secs_f64()) / events as f64);
        digest = outcome.digest;
    }
    println!("{name:<12} {entities:>9} pending: {:>6.1} ns, {:>5.1} million/s", best * 1e9, 1e-6 / best);
    digest
}

/// Times of the random streams: a first draw of a stored stream, and a draw of an owned one.
#[allow(clippy::disallowed_methods, reason = "an example that measures wall time")]
fn time_streams() {
    const DOMAIN: Domain = Domain::new("example.phold");
    const DRAWS: u64 = 5_000_000;
    let streams = Streams::new(1);
    let mut cursors = vec![dmsim::kernel::Cursor::default(); 1024];
    let start = std::time::Instant::now();
    let mut sum = 0_u64;
    for draw in 0..DRAWS {
        let entity = draw % 1024;
        sum ^= streams.rng(DOMAIN, entity, &mut cursors[entity as usize]).next_u64();
    }
    let first = start.elapsed().as_secs_f64() / DRAWS as f64 * 1e9;
    let mut rng = streams.owned(DOMAIN, 0);
    let start = std::time::Instant::now();
    for _ in 0..DRAWS {
        sum ^= rng.next_u64();
    }
    let owned = start.elapsed().as_secs_f64() / DRAWS as f64 * 1e9;
    println!("first draw of a stored stream {first:.1} ns, draw of an owned one {owned:.1} ns ({sum:x})");
}

fn main() {
    time_streams();
    for (entities, events) in
        [(100, 10_000_000), (1_000, 10_000_000), (100_000, 10_000_000), (1_000_000, 10_000_000)]
    {
        let wheel = time("event queue", entities, events, |events| {
            phold::run_on(&mut EventQueue::new(), entities, events, 1, make, target)
        });
        let heap = time("binary heap", entities, events / 4, |events| {
            let id = EventQueue::new().schedule(Time::ZERO, ());
            let mut heap = Heap { heap: BinaryHeap::new(), sequence: 0, id };
            phold::run_on(&mut heap, entities, events, 1, make, target)
        });
        std::hint::black_box((wheel, heap));
    }
}
