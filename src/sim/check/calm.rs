//! For how long nothing has been broken.

use std::collections::BTreeSet;

use crate::kernel::{Span, Time};
use crate::sim::event::{Event, Turn};
use crate::sim::plans::Plans;
use crate::sim::setup::Fault;
use crate::sim::world::World;

/// So many events at one moment are not those of a network that goes on.
const MOST_AT_ONCE: u64 = 2_000_000;

/// When something broke, or worked again, for the last time.
#[derive(Default)]
pub(super) struct Calm {
    last: Time,
    /// Until when something is broken of which no event tells.
    broken_until: Time,
    /// The time of the latest event, and how many there were at that time.
    now: (Time, u64),
    /// Faults that have set clocks wrong, until they are right again.
    clocks: BTreeSet<Turn>,
}

impl Calm {
    /// Notes what disturbs a network.
    pub(super) fn note(&mut self, plans: &Plans, now: Time, event: &Event) {
        match *event {
            Event::Fault(turn)
                if matches!(&**plans.fault(turn.fault), Fault::Clock { lasts: Some(_), .. }) =>
            {
                self.clocks.insert(turn);
            }
            Event::FaultEnd(turn) => {
                self.clocks.remove(&turn);
            }
            _ => {}
        }
        let disturbs = matches!(
            event,
            Event::Churn(_)
                | Event::Join(_)
                | Event::Leave(_)
                | Event::Repair(_)
                | Event::Fault(_)
                | Event::Flap(_)
                | Event::FaultEnd(_)
                | Event::Upgrade { .. }
                | Event::Strike { .. }
                | Event::StrikeEnd { .. }
                | Event::Attack { .. }
                | Event::Anchor { .. }
        );
        if disturbs {
            self.last = now;
        }
        self.now = if self.now.0 == now { (now, self.now.1 + 1) } else { (now, 1) };
    }

    /// Something breaks, and works again at this time.
    pub(super) fn breaks(&mut self, until: Time) {
        self.broken_until = self.broken_until.max(until);
    }

    /// Whether time stands still: events that make others at the same moment, for ever.
    pub(super) const fn stands_still(&self) -> bool {
        self.now.1 > MOST_AT_ONCE
    }

    /// For how long nothing has been broken; zero while a condition of the network or of a machine lasts, or messages
    /// are lost all the time.
    pub(super) fn at(&self, world: &World<'_>, now: Time) -> Span {
        let broken = !world.conditions.is_empty()
            || !world.flapping.is_empty()
            || world.troubles.last()
            || !self.clocks.is_empty()
            || now < self.broken_until
            || world.setup.network.loss > 0.0;
        if broken { Span::ZERO } else { now.since(self.last) }
    }
}
