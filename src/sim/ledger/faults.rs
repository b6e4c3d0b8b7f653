//! What the faults of a scenario did.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::tables::Metrics;
use super::{Ledger, entry};
use crate::dms::fact::{Fact, Judgement};

/// The accounts of all faults.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    applied: IndexMap<&'static str, u64>,
    disks_lost: u64,
    /// Results that providers tell and that are wrong, by allocation and generation.
    wrong: BTreeSet<(Arc<str>, u32)>,
    wrong_results: u64,
    results_checked: u64,
    caught: u64,
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

    /// An orchestrator has looked at a result. What does not count was worked for in vain.
    pub(super) fn result_checked(&mut self, deployment: Option<u32>, fact: &Fact) {
        let Fact::ResultChecked { allocation, generation, judgement, .. } = fact else { return };
        self.faults.results_checked += u64::from(*judgement != Judgement::Distrusted);
        self.faults.caught += u64::from(*judgement == Judgement::Wrong);
        if *judgement == Judgement::Right {
            return;
        }
        self.faults.wrong.remove(&(Arc::clone(allocation), *generation));
        let places = deployment.and_then(|number| self.committed.get(number as usize)).into_iter().flatten();
        let key = entry::key_of(allocation);
        for place in places {
            let record = &mut self.allocations[*place];
            if &*record.key == key && record.generation == *generation && record.end == "completed" {
                record.end = "discarded";
            }
        }
    }

    pub(super) fn fault_metrics(&self, m: &mut Metrics) {
        let own = &self.faults;
        m.add_counts("faults.applied", "kind", own.applied.iter().map(|(kind, count)| (*kind, *count)));
        m.add("tasks.wrong_results", own.wrong_results as f64);
        m.add("tasks.results_checked", own.results_checked as f64);
        m.add("peers.caught", own.caught as f64);
        m.add("peers.disks_lost", own.disks_lost as f64);
    }
}
