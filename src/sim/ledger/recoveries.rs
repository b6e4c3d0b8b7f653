//! What failures cost: how long it took to notice them, what was done in vain, and what was held for nobody.

use std::sync::Arc;

use super::tables::Metrics;
use super::{AllocationRecord, Ledger, entry};
use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::Fact;
use crate::kernel::{OrderedMap, Span, Time};
use crate::observe::SpanHistogram;

/// What supervisors noticed, beside what was so.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspicions {
    all: u64,
    /// Of what ran at that moment.
    wrong: u64,
    /// From the moment at which something stopped to that at which it was suspected.
    detection: SpanHistogram,
}

/// All runs of a task, copies and further tries among them.
#[derive(Clone, Copy, Debug, Default)]
struct Task {
    /// How long they ran together.
    ran: Span,
    /// How much of that counts, once one of them has done it.
    useful: Option<Span>,
}

impl Ledger {
    /// A supervisor suspects an allocation.
    pub(super) fn suspected(&mut self, now: Time, deployment: Option<u32>, fact: &Fact) {
        let Fact::Suspected { allocation, generation, .. } = fact else { return };
        self.suspicions.all += 1;
        let places = deployment.and_then(|number| self.committed.get(number as usize)).into_iter().flatten();
        let key = entry::key_of(allocation);
        let is_it = |record: &AllocationRecord| &*record.key == key && record.generation == *generation;
        let place = places.copied().find(|place| is_it(&self.allocations[*place]));
        let Some(place) = place else { return };
        let record = &mut self.allocations[place];
        record.suspected += 1;
        if record.running {
            self.suspicions.wrong += 1;
        } else if record.started.is_some() {
            self.suspicions.detection.record(now.since(record.stopped));
        }
    }

    pub(super) fn recovery_metrics(&self, m: &mut Metrics, now: Time) {
        let seconds = |span: Option<Span>| span.map_or(f64::NAN, Span::as_secs_f64);
        let Suspicions { all, wrong, detection } = &self.suspicions;
        m.add("suspicions", *all as f64);
        m.add("suspicions.wrong", *wrong as f64);
        m.add("detection_time.mean", seconds(detection.mean()));
        m.add("detection_time.p50", seconds(detection.quantile(0.50)));
        m.add("detection_time.p95", seconds(detection.quantile(0.95)));
        m.add("recovery_time.mean", seconds(self.services.recoveries.mean()));
        let tasks = self.tasks(now);
        let ended = |deployment: u32| self.deployments[deployment as usize].status.is_ending();
        let lost = tasks.iter().filter(|((deployment, _), task)| task.useful.is_none() && ended(*deployment));
        // In whole nanoseconds, so that nothing wasted is nothing.
        let done: u64 = tasks.values().filter_map(|task| task.useful).map(|span| span.0).sum();
        let all: u64 = tasks.values().map(|task| task.ran.0).sum();
        let under_way =
            tasks.iter().filter(|((deployment, _), task)| task.useful.is_none() && !ended(*deployment));
        let open: u64 = under_way.map(|(_, task)| task.ran.0).sum();
        m.add("tasks.completed", tasks.values().filter(|task| task.useful.is_some()).count() as f64);
        m.add("tasks.lost", lost.count() as f64);
        m.add("work.useful", Span(done).as_secs_f64());
        m.add("work.wasted", Span(all.saturating_sub(open + done)).as_secs_f64());
        let held = |span: &dyn Fn(&AllocationRecord) -> Span| -> f64 {
            let cores = |record: &AllocationRecord| record.resources.cpu.cores_milli as f64 / 1000.0;
            self.allocations.values().map(|record| cores(record) * span(record).as_secs_f64()).sum()
        };
        let until = |record: &AllocationRecord| record.ended.unwrap_or(now);
        m.add("resources.held", held(&|record| until(record).since(record.committed)) / 3600.0);
        let unwanted_from = self.unwanted_from();
        let in_vain = |record: &AllocationRecord| {
            let key = (record.deployment, Arc::clone(&record.key), record.generation);
            let from = unwanted_from.get(&key).copied().unwrap_or(now).max(record.committed);
            until(record).since(from)
        };
        m.add("resources.held_in_vain", held(&in_vain) / 3600.0);
    }

    /// Every task that was placed, by deployment and what it serves.
    fn tasks(&self, now: Time) -> OrderedMap<(u32, Arc<str>), Task> {
        let mut tasks: OrderedMap<(u32, Arc<str>), Task> = OrderedMap::default();
        for record in self.allocations.values() {
            let serves = self.service_key(record.deployment, &record.key);
            let name = serves.split_once('.').map_or(&*serves, |(_, name)| name);
            let kind = self.config_of(record.deployment, name).map(|config| config.kind);
            if kind != Some(AllocationKind::Task) {
                continue;
            }
            let under_way = if record.running { now.since(record.running_since) } else { Span::ZERO };
            let task = tasks.entry((record.deployment, serves)).or_default();
            task.ran += record.ran + under_way;
            if record.end == "completed" && task.useful.is_none() {
                // What it went on from was done before, by a run that ended early.
                let id = self.deployments[record.deployment as usize].ensemble;
                let saved = id.and_then(|id| self.storage.progress_of(&format!("{id}_{}", record.key)));
                task.useful = Some(saved.unwrap_or(Span::ZERO).max(record.ran));
            }
        }
        tasks
    }

    /// From when on each generation of an allocation is of no use to anybody: the next one was begun, or its deployment
    /// had ended.
    fn unwanted_from(&self) -> OrderedMap<(u32, Arc<str>, u32), Time> {
        let mut first_of: OrderedMap<(u32, Arc<str>, u32), Time> = OrderedMap::default();
        for record in self.allocations.values() {
            let key = (record.deployment, Arc::clone(&record.key), record.generation);
            let first = first_of.entry(key).or_insert(record.committed);
            *first = (*first).min(record.committed);
        }
        // A commit that was refused takes a generation, and whoever takes over begins at a higher one: from the latest
        // generation of each allocation back, with when the first of the later ones was begun.
        let mut all: Vec<_> = first_of.into_iter().collect();
        all.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let mut unwanted = OrderedMap::default();
        let mut later: Option<(u32, Arc<str>, Time)> = None;
        for ((deployment, key, generation), begun) in all {
            let ended = self.deployments[deployment as usize].ended;
            let next = later.filter(|(of, name, _)| (*of, name) == (deployment, &key)).map(|(.., from)| from);
            later = Some((deployment, Arc::clone(&key), next.map_or(begun, |next| next.min(begun))));
            if let Some(from) = ended.into_iter().chain(next).min() {
                unwanted.insert((deployment, key, generation), from);
            }
        }
        unwanted
    }
}
