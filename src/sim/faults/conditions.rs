//! What faults do to the network, switched on and off: once, or again and again where a fault flaps.

use std::sync::Arc;

use super::entity_of;
use crate::kernel::{Cursor, Domain, Span, Time};
use crate::net::Condition;
use crate::sim::event::{Event, Turn};
use crate::sim::setup::{Fault, Flaps};
use crate::sim::world::World;

/// How long conditions that flap are there and gone each time.
const FLAPS: Domain = Domain::new("sim.fault.flaps");

/// A fault that flaps and is not over.
pub(in crate::sim) struct Flapping {
    end: Time,
    cursor: Cursor,
}

impl World<'_> {
    /// A fault of the network begins.
    pub(super) fn begin_condition(&mut self, now: Time, turn: Turn) {
        let fault = Arc::clone(self.plans.fault(turn.fault));
        let Some((lasts, flaps)) = lasting(&fault) else { return };
        self.impose(now, turn);
        let end = now + lasts;
        self.queue.post(end, Event::FaultEnd(turn));
        if flaps.is_some() {
            self.flapping.insert(turn, Flapping { end, cursor: Cursor::default() });
            self.plan_flap(now, turn);
        }
        self.review_traffic(now);
    }

    /// A condition that was there goes, or one that was gone comes back.
    pub(in crate::sim) fn flap(&mut self, now: Time, turn: Turn) {
        if self.conditions.contains_key(&turn) {
            self.relieve(now, turn);
        } else {
            self.impose(now, turn);
            self.review_traffic(now);
        }
        self.plan_flap(now, turn);
    }

    /// Draws how long a condition stays as it is; its end comes by itself.
    fn plan_flap(&mut self, now: Time, turn: Turn) {
        let fault = Arc::clone(self.plans.fault(turn.fault));
        let Some((_, Some(flaps))) = lasting(&fault) else { return };
        let span = if self.conditions.contains_key(&turn) { &flaps.on } else { &flaps.off };
        let Some(flapping) = self.flapping.get_mut(&turn) else { return };
        let entity = entity_of(0, turn.fault, turn.number);
        let span = span.sample(&mut self.streams.rng(FLAPS, entity, &mut flapping.cursor));
        // Two changes of one moment would be none; a nanosecond keeps them in order.
        let at = now + span.max(Span(1));
        if at < flapping.end {
            self.queue.post(at, Event::Flap(turn));
        }
    }

    fn impose(&mut self, now: Time, turn: Turn) {
        let Some(condition) = self.condition_of(turn) else { return };
        // What went before it had none of it.
        self.review_traffic(now);
        self.recall_all(now);
        self.note_fault(now, turn.fault, true, Some(&condition));
        let id = self.network.apply(now, condition).expect("the scenario has checked every condition");
        self.conditions.insert(turn, id);
    }

    /// The same condition each time that it comes within a turn: those whom it concerns are drawn once.
    fn condition_of(&self, turn: Turn) -> Option<Condition> {
        Some(match &**self.plans.fault(turn.fault) {
            Fault::Loss { who, direction, fraction, .. } => {
                Condition::Loss { group: self.group(turn, who, *direction), loss: *fraction }
            }
            Fault::Delay { who, direction, extra, .. } => {
                Condition::Delay { group: self.group(turn, who, *direction), delay: *extra }
            }
            Fault::Partition { between: [first, second], .. } => {
                let a = self.endpoints(turn, 0, first);
                let mut b = self.endpoints(turn, 1, second);
                while let Some(both) = a.common(&b) {
                    b.remove(both);
                }
                Condition::Partition { a, b }
            }
            _ => return None,
        })
    }

    pub(in crate::sim) fn end_fault(&mut self, now: Time, turn: Turn) {
        if let Fault::Clock { who, by_ns, .. } = &*Arc::clone(self.plans.fault(turn.fault)) {
            self.note_fault(now, turn.fault, false, None);
            return self.step_clocks(now, turn, who, -by_ns);
        }
        self.flapping.remove(&turn);
        self.relieve(now, turn);
    }

    fn relieve(&mut self, now: Time, turn: Turn) {
        self.review_traffic(now);
        self.recall_all(now);
        if let Some(id) = self.conditions.remove(&turn) {
            self.network.lift(now, id);
            self.note_fault(now, turn.fault, false, None);
            self.review_traffic(now);
            // Transfers that waited at a partition go on.
            self.await_transfers();
            if let Fault::Partition { between, .. } = &*Arc::clone(self.plans.fault(turn.fault)) {
                self.reconnect(now, turn, between);
            }
        }
    }
}

/// How long a fault of the network lasts, and how it comes and goes meanwhile.
const fn lasting(fault: &Fault) -> Option<(Span, Option<&Flaps>)> {
    match fault {
        Fault::Loss { lasts, flaps, .. }
        | Fault::Delay { lasts, flaps, .. }
        | Fault::Partition { lasts, flaps, .. } => Some((*lasts, flaps.as_ref())),
        _ => None,
    }
}
