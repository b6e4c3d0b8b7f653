//! What is done to a run: operations, contracts and faults. It begins with those of the setup, and whoever drives the
//! world by hand adds more.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::setup::{ContractPlan, Fault, Operation, Setup};

/// All of them, by their numbers.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) operations: Vec<Arc<Operation>>,
    pub(super) contracts: Vec<Arc<ContractPlan>>,
    faults: Vec<Arc<Fault>>,
    /// Faults and operations that do not happen any more, because the run has gone on without them.
    dropped_faults: BTreeSet<u32>,
    dropped_operations: BTreeSet<u32>,
}

impl Plans {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            operations: setup.operations.iter().cloned().map(Arc::new).collect(),
            contracts: setup.contracts.iter().cloned().map(Arc::new).collect(),
            faults: setup.faults.iter().cloned().map(Arc::new).collect(),
            dropped_faults: BTreeSet::new(),
            dropped_operations: BTreeSet::new(),
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

    /// Those that may still happen, with their numbers.
    pub(super) fn living_faults(&self) -> impl Iterator<Item = (usize, &Arc<Fault>)> + Clone {
        self.faults.iter().enumerate().filter(|(number, _)| !self.is_dropped(*number as u32))
    }

    /// A fault does not begin any more. What has begun ends as it was planned.
    pub(super) fn drop_fault(&mut self, number: u32) {
        self.dropped_faults.insert(number);
    }

    /// Whether a fault does not begin any more.
    pub(super) fn is_dropped(&self, number: u32) -> bool {
        self.dropped_faults.contains(&number)
    }

    /// Adds an operation: its number.
    pub(super) fn add_operation(&mut self, operation: Arc<Operation>) -> u32 {
        self.operations.push(operation);
        self.operations.len() as u32 - 1
    }

    /// Operations that may still happen, with their numbers.
    pub(super) fn living_operations(&self) -> impl Iterator<Item = (usize, &Arc<Operation>)> + Clone {
        self.operations.iter().enumerate().filter(|(number, _)| !self.is_dropped_operation(*number as u32))
    }

    /// An operation does not happen any more.
    pub(super) fn drop_operation(&mut self, number: u32) {
        self.dropped_operations.insert(number);
    }

    /// Whether an operation does not happen any more.
    pub(super) fn is_dropped_operation(&self, number: u32) -> bool {
        self.dropped_operations.contains(&number)
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
