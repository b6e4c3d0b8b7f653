//! What the faults of a scenario did.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Ledger;
use super::tables::Metrics;

/// The accounts of all faults.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    applied: IndexMap<&'static str, u64>,
    disks_lost: u64,
    /// Results that providers tell and that are wrong, by allocation and generation.
    wrong: BTreeSet<(Arc<str>, u32)>,
    wrong_results: u64,
}

impl Ledger {
    /// A fault of this kind has begun.
    pub(in crate::sim) fn fault_began(&mut self, kind: &'static str) {
        *self.faults.applied.entry(kind).or_default() += 1;
    }

    /// A machine has lost its disk.
    pub(in crate::sim) const fn disk_lost(&mut self) {
        self.faults.disks_lost += 1;
    }

    /// A provider is about to tell a wrong result.
    pub(in crate::sim) fn told_wrong(&mut self, allocation: &Arc<str>, generation: u32) {
        self.faults.wrong.insert((Arc::clone(allocation), generation));
    }

    /// An orchestrator has taken what it was told for the result.
    pub(in crate::sim) fn took_result(&mut self, allocation: &Arc<str>, generation: u32) {
        if !self.faults.wrong.is_empty() && self.faults.wrong.remove(&(Arc::clone(allocation), generation)) {
            self.faults.wrong_results += 1;
        }
    }

    pub(super) fn fault_metrics(&self, m: &mut Metrics) {
        let own = &self.faults;
        m.add_counts("faults.applied", "kind", own.applied.iter().map(|(kind, count)| (*kind, *count)));
        m.add("tasks.wrong_results", own.wrong_results as f64);
        m.add("peers.disks_lost", own.disks_lost as f64);
    }
}
