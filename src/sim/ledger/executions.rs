//! What executors did: what they fetched and kept, started again, held back and killed.

use indexmap::IndexMap;

use super::Ledger;
use super::tables::Metrics;
use crate::dms::ensemble::{Executor, RestartPolicy};
use crate::kernel::Span;
use crate::observe::{SpanHistogram, labels};
use crate::sim::executor::End;

/// The accounts of all executors.
#[derive(Clone, Debug, Default)]
pub(super) struct Executions {
    boots: IndexMap<Executor, SpanHistogram>,
    restarts: IndexMap<RestartPolicy, u64>,
    out_of_memory: u64,
    disk_full: u64,
    crashed: u64,
    throttled: u64,
    deaf: u64,
    hits: u64,
    misses: u64,
    evicted: u64,
    not_fetched: u64,
}

impl Ledger {
    /// All that an allocation needs was there, or not.
    pub(in crate::sim) const fn looked_for_images(&mut self, found: bool) {
        match found {
            true => self.executions.hits += 1,
            false => self.executions.misses += 1,
        }
    }

    /// So many images made room for others.
    pub(in crate::sim) const fn evicted(&mut self, images: u32) {
        self.executions.evicted += images as u64;
    }

    /// An image could not be fetched.
    pub(in crate::sim) const fn not_fetched(&mut self) {
        self.executions.not_fetched += 1;
    }

    /// Something is about to be up after so long, with all that it needs there.
    pub(in crate::sim) fn boots(&mut self, executor: Executor, takes: Span) {
        self.executions.boots.entry(executor).or_default().record(takes);
    }

    /// Something is up that wants more cores than it was given.
    pub(in crate::sim) const fn throttled(&mut self) {
        self.executions.throttled += 1;
    }

    /// Something has ended by itself.
    pub(in crate::sim) const fn ended(&mut self, end: End) {
        match end {
            End::OutOfMemory => self.executions.out_of_memory += 1,
            End::DiskFull => self.executions.disk_full += 1,
            End::Crash => self.executions.crashed += 1,
            End::Own | End::Volume => {}
        }
    }

    /// An executor starts something again by itself.
    pub(in crate::sim) fn restarted_by(&mut self, policy: RestartPolicy) {
        *self.executions.restarts.entry(policy).or_default() += 1;
    }

    /// Something had to be killed, for it did not listen.
    pub(in crate::sim) const fn was_deaf(&mut self) {
        self.executions.deaf += 1;
    }

    pub(super) fn execution_metrics(&self, m: &mut Metrics) {
        let own = &self.executions;
        let mut all = SpanHistogram::new();
        own.boots.values().for_each(|boots| all.merge(boots));
        for (name, quantile) in [("executors.start_time.p50", 0.50), ("executors.start_time.p95", 0.95)] {
            m.add(name, all.quantile_s(quantile));
            for (executor, boots) in &own.boots {
                m.add_labelled(name, labels(&[("executor", executor.word())]), boots.quantile_s(quantile));
            }
        }
        let restarts = own.restarts.iter().map(|(policy, count)| (policy.word(), *count));
        m.add_counts("executors.restarts", "policy", restarts);
        m.add("executors.out_of_memory", own.out_of_memory as f64);
        m.add("executors.disk_full", own.disk_full as f64);
        m.add("executors.crashed", own.crashed as f64);
        m.add("executors.throttled", own.throttled as f64);
        m.add("executors.killed", own.deaf as f64);
        m.add("images.found", own.hits as f64);
        m.add("images.missed", own.misses as f64);
        m.add("images.evicted", own.evicted as f64);
        m.add("images.not_fetched", own.not_fetched as f64);
    }
}
