//! PHOLD on simcore, the kernel of DSLab: a component with its callback is an entity, an event is a typed message that
//! is emitted with a delay.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::Serialize;
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};

#[derive(Clone, Serialize)]
struct Call {}

/// SplitMix64, in all programs of this comparison; from 0 to 1.
struct Random(Cell<u64>);

impl Random {
    fn next(&self) -> f64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let z = (self.0.get() ^ self.0.get() >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
    fn delay_s(&self) -> f64 {
        -(1.0 - self.next()).ln()
    }
}

struct Entity {
    handled: u64,
    entities: f64,
    random: Rc<Random>,
    context: SimulationContext,
}

impl EventHandler for Entity {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Call {} => {
                self.handled += 1;
                // Ids are given in the order of registration.
                let target = (self.random.next() * self.entities) as Id;
                self.context.emit(Call {}, target, self.random.delay_s());
            }
        });
    }
}

/// CPU time of the one thread, in seconds: what else the machine does hardly changes it.
fn worked_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells it");
    stat.split(' ').next().and_then(|it| it.parse::<f64>().ok()).expect("it begins with a number") / 1e9
}

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|it| it.parse().expect("a number")).collect();
    let [entities, events] = arguments[..] else { panic!("usage: phold-simcore ENTITIES EVENTS") };
    let mut simulation = Simulation::new(1);
    let random = Rc::new(Random(Cell::new(1)));
    for number in 0..entities {
        let name = number.to_string();
        let context = simulation.create_context(&name);
        assert_eq!(u64::from(context.id()), number);
        context.emit_self(Call {}, random.delay_s());
        let entity = Entity { handled: 0, entities: entities as f64, random: random.clone(), context };
        simulation.add_handler(&name, Rc::new(RefCell::new(entity)));
    }
    let start = worked_s();
    assert!(simulation.steps(events), "every event has a successor");
    println!("{events} {}", worked_s() - start);
}
