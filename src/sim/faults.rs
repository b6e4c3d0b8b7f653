//! What breaks, and when: faults begin at their time or when something has come about, and end.
//!
//! [`outages`] has what stops and starts again, [`correlated`] what does so together, [`machine`] what is wrong with
//! machines that stay up, [`conditions`] what is wrong with the network, [`connections`] what peers do about those that
//! they are connected to.

mod conditions;
mod connections;
mod correlated;
mod machine;
mod outages;

use std::sync::Arc;

pub(super) use self::conditions::Flapping;
pub(super) use self::outages::Down;
use super::event::{Event, PeerId, Turn};
use super::setup::{Direction, Fault, Selection, When};
use super::world::World;
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::EnsembleId;
use crate::kernel::{Distribution, Domain, Span, Time, at_moment};
use crate::net::{EndpointId, EndpointSet, Group};

/// Which peers a fault hits, and how long each repair takes.
const FAULT: Domain = Domain::new("sim.fault");
/// When faults that come again do.
const TURNS: Domain = Domain::new("sim.fault.turns");
/// How long after a peer comes back its connections are up again.
pub(super) const RECONNECT: Span = Span::secs(1);

/// The stream that two numbers stand for, in one of the turns of a fault.
const fn entity_of(high: u32, low: u32, turn: u32) -> u64 {
    let entity = (high as u64) << 32 | low as u64;
    if turn == 0 { entity } else { at_moment(Time(turn as u64), entity, 0) }
}

impl Fault {
    /// When it begins.
    #[must_use]
    pub const fn when(&self) -> &When {
        match self {
            Self::Crash { at, .. }
            | Self::Restart { at, .. }
            | Self::Upgrade { at, .. }
            | Self::Loss { at, .. }
            | Self::Delay { at, .. }
            | Self::Partition { at, .. }
            | Self::Move { at, .. }
            | Self::Machine { at, .. }
            | Self::Clock { at, .. } => at,
            Self::Outage(outage) => &outage.at,
        }
    }
}

impl Fault {
    /// Its word in a scenario.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crash { .. } => "crash",
            Self::Restart { .. } => "restart",
            Self::Upgrade { .. } => "upgrade",
            Self::Loss { .. } => "loss",
            Self::Delay { .. } => "delay",
            Self::Partition { .. } => "partition",
            Self::Move { .. } => "move",
            Self::Machine { trouble, .. } => trouble.name(),
            Self::Outage(_) => "outage",
            Self::Clock { .. } => "clock",
        }
    }
}

impl World<'_> {
    /// Has each fault begin at its time; those that wait for something are looked after as that comes about.
    pub(super) fn plan_faults(&mut self) {
        for number in 0..self.plans.faults.all().len() as u32 {
            self.plan_fault(number);
        }
    }

    /// Has a fault begin at its time, if that is after `earliest`; one that comes at random may come from there on.
    pub(super) fn plan_fault_after(&mut self, earliest: Time, number: u32) {
        match *self.plans.fault(number).when() {
            When::Random { from, .. } => self.plan_turn(from.max(earliest), Turn::first_of(number)),
            When::At(_) | When::Once { .. } => self.plan_fault(number),
        }
    }

    /// Has a fault begin at its time.
    pub(super) fn plan_fault(&mut self, number: u32) {
        match *self.plans.fault(number).when() {
            When::At(at) => self.queue.post(at, Event::Fault(Turn::first_of(number))),
            When::Once { .. } => self.triggers.push(number),
            When::Random { from, .. } => self.plan_turn(from, Turn::first_of(number)),
        }
    }

    /// Has a fault that comes at random come again, unless its time is over by then.
    fn plan_turn(&mut self, after: Time, turn: Turn) {
        let When::Random { mean, until, .. } = *self.plans.fault(turn.fault).when() else { return };
        let gap = Distribution::Exponential { mean_s: mean.as_secs_f64() };
        let at = after + gap.sample(&mut self.streams.owned(TURNS, entity_of(turn.fault, 0, turn.number)));
        let end = until.unwrap_or(Time::ZERO + self.setup.duration);
        self.turns.insert(turn.fault, turn);
        if at < end {
            self.queue.post(at, Event::Fault(turn));
        }
    }

    /// A deployment has come into a state that a fault may wait for.
    pub(super) fn trigger_faults(&mut self, now: Time, ensemble: EnsembleId, status: DeploymentStatus) {
        if self.triggers.is_empty() {
            return;
        }
        let Some(number) = self.ledger.number_of(ensemble) else { return };
        let name = self.ledger.name_of(number).to_owned();
        let (plans, queue) = (&self.plans, &mut self.queue);
        self.triggers.retain(|&number| {
            let When::Once { deployment, is, after } = plans.fault(number).when() else {
                return false;
            };
            let met = *deployment == name && *is == status;
            if met {
                queue.post(now + *after, Event::Fault(Turn::first_of(number)));
            }
            !met
        });
    }

    pub(super) fn begin_fault(&mut self, now: Time, turn: Turn) {
        if self.plans.faults.is_cancelled(turn.fault) {
            return;
        }
        let fault = Arc::clone(self.plans.fault(turn.fault));
        // A move that is repeated is the same turn again, after which nothing is planned anew.
        if self.turns.get(&turn.fault) == Some(&turn) {
            self.plan_turn(now, Turn { number: turn.number + 1, ..turn });
        }
        self.ledger.fault_began(fault.kind());
        // Conditions of the network are told as they come and go.
        if !matches!(&*fault, Fault::Loss { .. } | Fault::Delay { .. } | Fault::Partition { .. }) {
            self.note_fault(now, turn.fault, true, None);
        }
        match &*fault {
            Fault::Crash { who, repair, loses_disk, .. } => {
                let down = if *loses_disk { Down::MachineWithDisk } else { Down::Machine };
                self.break_down(now, turn, who, repair.as_ref(), down);
            }
            Fault::Restart { who, down, .. } => {
                self.break_down(now, turn, who, Some(down), Down::Process);
            }
            Fault::Upgrade { who, within, .. } => self.begin_upgrade(now, turn, who, *within),
            Fault::Move { who, every, .. } => self.move_peers(now, turn, who, *every),
            Fault::Machine { who, .. } => self.begin_troubles(now, turn, who),
            Fault::Outage(outage) => self.break_units(now, turn, outage),
            Fault::Clock { who, by_ns, lasts, .. } => {
                self.step_clocks(now, turn, who, *by_ns);
                if let Some(lasts) = lasts {
                    self.queue.post(now + *lasts, Event::FaultEnd(turn));
                }
            }
            Fault::Loss { .. } | Fault::Delay { .. } | Fault::Partition { .. } => {
                self.begin_condition(now, turn);
            }
        }
    }

    pub(super) fn group(&self, turn: Turn, who: &Selection, direction: Direction) -> Group {
        if *who == Selection::default() {
            return Group::All;
        }
        let of = match direction {
            Direction::Both => Group::Of,
            Direction::Out => Group::From,
            Direction::In => Group::To,
        };
        of(self.endpoints(turn, 0, who))
    }

    pub(super) fn endpoints(&self, turn: Turn, side: u32, who: &Selection) -> EndpointSet {
        let mut set = EndpointSet::new();
        self.select(turn, side, who).into_iter().for_each(|peer| set.insert(EndpointId(peer.0)));
        set
    }

    /// The peers of a selection, in order; a part of them is drawn from the stream of this fault and its turn.
    pub(super) fn select(&self, turn: Turn, side: u32, who: &Selection) -> Vec<PeerId> {
        self.population.draw(who, &mut self.streams.owned(FAULT, entity_of(side, turn.fault, turn.number)))
    }
}
