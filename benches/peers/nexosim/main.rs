//! PHOLD on NeXosim: a model with its mailbox is an entity, an event is scheduled on the global scheduler by the model
//! that handles the one before, and reaches its model through an event source. Ports would need a connection for each
//! pair of entities, and local scheduling a second event for each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use nexosim::model::Model;
use nexosim::ports::EventSource;
use nexosim::simulation::{EventId, Mailbox, Scheduler, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

static BENCH: OnceLock<(Scheduler, Vec<EventId<()>>)> = OnceLock::new();
/// The state of the random numbers. Only one thread runs.
static STATE: AtomicU64 = AtomicU64::new(1);

/// SplitMix64, in all programs of this comparison; from 0 to 1.
fn random() -> f64 {
    let state = STATE.load(Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.store(state, Relaxed);
    let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

fn delay() -> Duration {
    // The scheduler refuses a delay of nothing.
    Duration::from_nanos(1 + (-(1.0 - random()).ln() * 1e9) as u64)
}

#[derive(Serialize, Deserialize)]
struct Entity {
    handled: u64,
}

#[Model]
impl Entity {
    fn handle(&mut self) {
        self.handled += 1;
        let (scheduler, entities) = BENCH.get().expect("it is set before the first step");
        let target = (random() * entities.len() as f64) as usize;
        scheduler.schedule_event(delay(), &entities[target], ()).expect("it lies in the future");
    }
}

/// CPU time of the one thread, in seconds: what else the machine does hardly changes it.
fn worked_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells it");
    stat.split(' ').next().and_then(|it| it.parse::<f64>().ok()).expect("it begins with a number") / 1e9
}

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|it| it.parse().expect("a number")).collect();
    let [entities, events] = arguments[..] else { panic!("usage: phold-nexosim ENTITIES EVENTS") };
    let mut bench = SimInit::with_num_threads(1);
    let mut sources = Vec::new();
    for _ in 0..entities {
        let mailbox = Mailbox::new();
        sources.push(EventSource::new().connect(Entity::handle, &mailbox).register(&mut bench));
        bench = bench.add_model(Entity { handled: 0 }, mailbox, "entity");
    }
    let mut simulation = bench.init(MonotonicTime::EPOCH).expect("the bench is sound");
    let scheduler = simulation.scheduler();
    for source in &sources {
        scheduler.schedule_event(delay(), source, ()).expect("it lies in the future");
    }
    assert!(BENCH.set((scheduler, sources)).is_ok());
    let start = worked_s();
    // A step handles all events of one instant: at a nanosecond's resolution nearly always one.
    for _ in 0..events {
        simulation.step().expect("every event has a successor");
    }
    println!("{events} {}", worked_s() - start);
}
