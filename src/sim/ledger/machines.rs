//! Virtual machines of gateways: how many were made, and for how long they were there.

use std::sync::Arc;

use super::Ledger;
use crate::dms::fact::MachineFact;
use crate::kernel::Time;
use crate::sim::event::PeerId;

/// The machines of a run. What is paid for is a machine that exists, whether its node works or not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Machines {
    provisioned: u64,
    failed: u64,
    deleted: u64,
    /// Those that exist, since the time below.
    now: u64,
    since: Time,
    /// Up to then, in machines times nanoseconds.
    sum: u128,
}

impl Machines {
    fn change(&mut self, now: Time, exists: bool) {
        self.sum += u128::from(self.now) * u128::from(now.since(self.since).0);
        self.since = now;
        if exists {
            self.provisioned += 1;
            self.now += 1;
        } else {
            self.deleted += 1;
            self.now -= 1;
        }
    }

    fn hours(&self, now: Time) -> f64 {
        let open = u128::from(self.now) * u128::from(now.since(self.since).0);
        (self.sum + open) as f64 / 3.6e12
    }
}

impl Ledger {
    /// A virtual machine exists from now on.
    pub(in crate::sim) fn machine_made(&mut self, now: Time) {
        self.machines.change(now, true);
    }

    /// A virtual machine exists no longer; one that was up until now has not been lost, but deleted.
    pub(in crate::sim) fn machine_deleted(&mut self, now: Time, machine: PeerId, was_up: bool) {
        self.machines.change(now, false);
        self.presence[machine.0 as usize].crashes -= u32::from(was_up);
    }

    /// Takes what a gateway says of a machine.
    pub(super) fn apply_machine(
        &mut self,
        now: Time,
        peer: PeerId,
        deployment: Option<u32>,
        what: MachineFact,
    ) {
        if let MachineFact::Failed(reason) = what {
            self.machines.failed += 1;
            self.refuse(now, peer, deployment, "machine", reason);
        }
    }

    /// Metrics with their labels, in the order of the catalogue.
    pub(super) fn machine_metrics(&self, now: Time) -> [(&'static str, Arc<str>, f64); 4] {
        let Machines { provisioned, failed, deleted, .. } = self.machines;
        [
            ("gateways.provisioned", "".into(), provisioned as f64),
            ("gateways.failed", "".into(), failed as f64),
            ("gateways.deleted", "".into(), deleted as f64),
            ("gateways.machine_hours", "".into(), self.machines.hours(now)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    #[test]
    fn machines_count_for_as_long_as_they_exist() {
        let at = |minutes| Time::ZERO + Span::mins(minutes);
        let mut machines = Machines::default();
        machines.change(at(30), true);
        machines.change(at(60), true);
        machines.change(at(90), false);
        assert_eq!(machines.hours(at(90)), 1.5);
        assert_eq!(machines.hours(at(120)), 2.0);
        assert_eq!((machines.provisioned, machines.deleted), (2, 1));
    }
}
