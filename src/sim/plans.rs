//! What is done to a run: operations, contracts and faults. It begins with those of the setup, and whoever drives the
//! world by hand adds more.

use std::sync::Arc;

use super::setup::{ContractPlan, Fault, Operation, Setup};

/// All of them, by their numbers.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) operations: Vec<Arc<Operation>>,
    pub(super) contracts: Vec<Arc<ContractPlan>>,
    faults: Vec<Arc<Fault>>,
}

impl Plans {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            operations: setup.operations.iter().cloned().map(Arc::new).collect(),
            contracts: setup.contracts.iter().cloned().map(Arc::new).collect(),
            faults: setup.faults.iter().cloned().map(Arc::new).collect(),
        }
    }

    /// The fault of this number.
    pub(super) fn fault(&self, number: u32) -> &Arc<Fault> {
        &self.faults[number as usize]
    }

    /// All faults, in their order.
    pub(super) fn faults(&self) -> &[Arc<Fault>] {
        &self.faults
    }

    /// Adds a fault: its number.
    pub(super) fn add_fault(&mut self, fault: Fault) -> u32 {
        self.faults.push(Arc::new(fault));
        self.faults.len() as u32 - 1
    }

    /// The contract of this name.
    pub(super) fn contract(&self, name: &str) -> Option<&Arc<ContractPlan>> {
        self.contracts.iter().find(|plan| plan.name == *name)
    }
}
