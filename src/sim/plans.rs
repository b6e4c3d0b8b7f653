//! What is done to a run: operations, contracts and faults. It begins with those of the setup, and whoever drives the
//! world by hand adds more.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::setup::{ContractPlan, Fault, Operation, Setup};

/// Plans of one kind, by their numbers. Some do not happen any more, because the run has gone on without them.
#[derive(Debug)]
pub(super) struct Planned<T> {
    all: Vec<Arc<T>>,
    cancelled: BTreeSet<u32>,
}

impl<T: Clone> Planned<T> {
    fn of(plans: &[T]) -> Self {
        Self { all: plans.iter().cloned().map(Arc::new).collect(), cancelled: BTreeSet::new() }
    }
}

impl<T> Planned<T> {
    /// The plan of this number.
    pub(super) fn get(&self, number: u32) -> Option<&Arc<T>> {
        self.all.get(number as usize)
    }

    /// All of them, in their order.
    pub(super) fn all(&self) -> &[Arc<T>] {
        &self.all
    }

    /// Those that may still happen, with their numbers.
    pub(super) fn living(&self) -> impl Iterator<Item = (usize, &Arc<T>)> {
        self.all.iter().enumerate().filter(|(number, _)| !self.is_cancelled(*number as u32))
    }

    /// Adds one: its number.
    pub(super) fn add(&mut self, plan: Arc<T>) -> u32 {
        self.all.push(plan);
        self.all.len() as u32 - 1
    }

    /// One does not begin any more. What has begun ends as it was planned.
    pub(super) fn cancel(&mut self, number: u32) {
        self.cancelled.insert(number);
    }

    /// Whether one does not begin any more.
    pub(super) fn is_cancelled(&self, number: u32) -> bool {
        self.cancelled.contains(&number)
    }
}

/// All that is planned.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) operations: Planned<Operation>,
    pub(super) contracts: Vec<Arc<ContractPlan>>,
    pub(super) faults: Planned<Fault>,
}

impl Plans {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            operations: Planned::of(&setup.operations),
            contracts: setup.contracts.iter().cloned().map(Arc::new).collect(),
            faults: Planned::of(&setup.faults),
        }
    }

    /// The fault of this number.
    pub(super) fn fault(&self, number: u32) -> &Arc<Fault> {
        &self.faults.all[number as usize]
    }

    /// The contract of this name.
    pub(super) fn contract(&self, name: &str) -> Option<&Arc<ContractPlan>> {
        self.contracts.iter().find(|plan| plan.name == *name)
    }
}
