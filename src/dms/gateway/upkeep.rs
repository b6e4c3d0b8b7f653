//! Machines that nobody uses cost money: once a minute the gateway asks each which allocations it has, and deletes
//! those without a pending, running or stopped one (dms-orchestration section 2.12).
//!
//! A machine that has been handed over has no allocation before its orchestrator has committed and allocated. The poll
//! of the real gateway may fall in between and delete it; as it is meant, a machine is left alone for as long as its
//! bid is good. One that does not answer is left alone too: it may run something behind a partition.

use std::sync::Arc;

use super::{Gateway, Machine};
use crate::dms::actor::{
    Actor, AllocationInfo, AllocationState, Behaviour, BehaviourKind, ConvertPromise, Message, Report, Revert,
};
use crate::dms::constants::DEFAULT_MESSAGE_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, MachineFact};
use crate::dms::identity::Handle;
use crate::dms::outbox::{Action, Owner};
use crate::kernel::Timestamp;

/// For whom a machine was made, and until when it is left alone although nothing lives there.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) order: ConvertPromise,
    pub(super) until: Timestamp,
}

/// What of a gateway is on disk: the machines that it pays for, and how many it has ordered.
#[derive(Clone, Debug, Default)]
pub(in crate::dms) struct GatewayRecord {
    machines: Vec<(u32, Option<Arc<Handle>>)>,
    orders: u32,
}

impl Gateway {
    pub(super) fn poll(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        for machine in self.machines.values_mut().filter(|machine| machine.conversion.is_none()) {
            let Some(handle) = &machine.handle else { continue };
            let behaviour = Behaviour::fixed(BehaviourKind::AllocationsList);
            let timeout = DEFAULT_MESSAGE_TIMEOUT;
            let nonce = desk.invoke(root, Owner::Gateway, handle, behaviour, Message::Query, timeout);
            machine.poll = Some(nonce);
        }
    }

    pub(super) fn resolve_poll(&mut self, desk: &mut Desk<'_, '_>, number: u32, reply: Option<&Message>) {
        let Some(machine) = self.machines.get_mut(&number) else { return };
        machine.poll = None;
        let Some(Message::Report(report)) = reply else { return };
        let Report::Allocations(allocations) = &**report else { return };
        if allocations.iter().any(is_in_use) {
            // From now on what lives there speaks for it.
            machine.given = None;
            return;
        }
        let waits = machine.given.as_ref().is_some_and(|given| desk.now < given.until);
        if !waits || desk.security.profile.is_nearer_as_is() {
            self.delete(desk, number, "nobody uses it");
        }
    }

    /// An orchestrator does without the machines for these allocations: it has stopped waiting, or has failed.
    pub(super) fn call_off(&mut self, desk: &mut Desk<'_, '_>, revert: &Revert) {
        let ensemble = revert.ensemble;
        let is_meant = |order: &ConvertPromise| {
            let prefix = format!("{ensemble}_{}.", order.node);
            order.ensemble == ensemble
                && revert
                    .allocations
                    .iter()
                    .any(|(id, generation)| id.starts_with(&prefix) && order.generation <= *generation)
        };
        self.release_those(desk, is_meant);
    }

    /// The node is placed anew: what was made for a former placing is not wanted any more.
    pub(super) fn supersede(&mut self, desk: &mut Desk<'_, '_>, order: &ConvertPromise) {
        self.release_those(desk, |other| {
            (other.ensemble, &other.node) == (order.ensemble, &order.node)
                && other.generation <= order.generation
        });
    }

    /// Deletes the machines that are still being made for such orders. Those that were handed over may be used by
    /// others: they are only left alone no longer.
    fn release_those(&mut self, desk: &mut Desk<'_, '_>, is_meant: impl Fn(&ConvertPromise) -> bool) {
        for machine in self.machines.values_mut() {
            machine.given.take_if(|given| is_meant(&given.order));
        }
        let being_made =
            |machine: &Machine| machine.conversion.as_ref().is_some_and(|it| is_meant(&it.order));
        let called_off = self.machines.iter().filter(|(_, machine)| being_made(machine));
        for number in called_off.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.delete(desk, number, "called off");
        }
    }

    /// The process has ended: what lived in memory is gone.
    pub(in crate::dms) fn stop(&mut self) {
        *self = Self::new(self.config.clone());
    }

    pub(in crate::dms) fn record(&self) -> GatewayRecord {
        let stored = |(number, machine): (&u32, &Machine)| {
            (*number, machine.handle.clone().filter(|_| machine.conversion.is_none()))
        };
        GatewayRecord { machines: self.machines.iter().map(stored).collect(), orders: self.orders }
    }

    /// The process has started again, and `existing` machines are in its account. Machines that were on their way to
    /// somebody are deleted: who waited for them is not known any more, and will ask again. So are those that nobody
    /// knows of, for the process may have ended between noting that one is deleted and ordering it.
    pub(in crate::dms) fn recover(
        &mut self,
        desk: &mut Desk<'_, '_>,
        record: GatewayRecord,
        existing: &[u32],
    ) {
        self.orders = record.orders;
        let is_known = |number: &u32| record.machines.iter().any(|(known, _)| known == number);
        let unknown: Vec<u32> = existing.iter().copied().filter(|number| !is_known(number)).collect();
        let mut unwanted = Vec::new();
        for (number, handle) in record.machines {
            if handle.is_some() {
                let machine = Machine { handle, conversion: None, given: None, poll: None };
                self.machines.insert(number, machine);
            } else {
                unwanted.push(number);
            }
        }
        for number in unwanted.into_iter().chain(unknown) {
            desk.action(Action::DeleteMachine(number));
            let what = MachineFact::Deleted("the gateway was restarted".into());
            desk.fact(Fact::Machine { ensemble: None, machine: number, what });
        }
        self.arm_poll(desk);
    }
}

/// Whether an allocation needs its machine.
const fn is_in_use(allocation: &AllocationInfo) -> bool {
    !matches!(
        allocation.status,
        AllocationState::Failed | AllocationState::Completed | AllocationState::Terminated
    )
}
