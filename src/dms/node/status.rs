//! The status discovery report (dms-capabilities section 9.3): all that a node tells of itself in one go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Node, address};
use crate::dms::actor::{
    Actor, Configuration, LoggerReport, NetworkReport, NodeReport, Report, ResourceReport,
};
use crate::dms::observability::ObserverConfig;
use crate::dms::profile::Profile;
use crate::dms::provider::Machine;
use crate::dms::resources::Pool;
use crate::dms::system::System;

impl Node {
    /// How it logs, for its configuration.
    pub(in crate::dms) fn logging(
        &self,
        configured: Option<&ObserverConfig>,
        profile: Profile,
    ) -> Option<LoggerReport> {
        self.logger.report(configured, profile)
    }

    /// The report of this node, by its peer id.
    pub(in crate::dms) fn status(
        root: &Actor,
        system: &dyn System,
        (machine, pool): (&Machine, &Pool),
        config: Configuration,
    ) -> Report {
        let (resources, errors) = resources(machine, pool);
        let report = NodeReport {
            hostname: system.hostname(),
            did: root.handle.did.clone(),
            network: NetworkReport { interfaces: system.interfaces(), p2p: address(root) },
            onboarded: machine.onboarded.is_some(),
            resources,
            config,
            errors,
        };
        Report::Node(BTreeMap::from([(root.handle.host, report)]))
    }
}

/// What a machine has, with what could not be computed of it. Only what is offered has anything allocated or free, and
/// where more is held than offered nobody can say what is free.
fn resources(machine: &Machine, pool: &Pool) -> (ResourceReport, Vec<Arc<str>>) {
    let onboarded = machine.onboarded.is_some();
    let errors: Vec<Arc<str>> = pool.underflows().iter().map(|one| one.to_string().into()).collect();
    let report = ResourceReport {
        total: machine.total.clone(),
        onboarded: machine.onboarded.clone(),
        allocated: onboarded.then(|| pool.allocated()),
        free: (onboarded && errors.is_empty()).then(|| pool.free()),
    };
    (report, errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::resources::{Cpu, Resources};
    use crate::kernel::Timestamp;

    #[test]
    fn more_that_is_held_than_offered_is_an_error_for_each_resource() {
        let some = |cores: u64| Resources {
            cpu: Cpu { cores_milli: cores * 1000, ..Cpu::default() },
            ram_bytes: cores << 30,
            disk_bytes: 0,
            gpus: Vec::new(),
        };
        let machine = Machine { total: some(8), onboarded: Some(some(4)), ..Machine::default() };
        let mut pool = Pool::new(some(4));
        pool.commit(&"a".into(), 0, &some(3), Timestamp(10)).expect("three of four fit");
        let (report, errors) = resources(&machine, &pool);
        assert_eq!((report.free, errors.len()), (Some(some(1)), 0));
        pool.shrink(&some(2));
        let (report, errors) = resources(&machine, &pool);
        assert_eq!(report.free, None);
        assert_eq!(
            errors.iter().map(|error| &**error).collect::<Vec<_>>(),
            [
                "core: underflow, 2 cores onboarded and 3 cores held",
                "size: underflow, 2 GiB RAM onboarded and 3 GiB held"
            ]
        );
    }
}
