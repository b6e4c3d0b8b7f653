//! What users ask for next: the same ensemble again, or a job of its own.

use std::sync::Arc;

use super::event::PeerId;
use super::setup::{Deploy, Requested};
use super::world::World;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::outbox::RunId;
use crate::dms::resources::{Gpu, Resources};
use crate::kernel::{Span, Streams, Time};
use crate::workload::{Arrivals, Job, Jobs};

/// The requests of an entry of the workload, one after another.
pub(super) struct Requests {
    source: Source,
    /// The job that is asked for next, once its time is known.
    next: Option<Job>,
    /// When the next is made, where somebody has looked already.
    seen: Option<Result<Time, String>>,
    deploy: Arc<Deploy>,
    /// Under which number the books have it.
    entry: u32,
    is_over: bool,
}

enum Source {
    Alike(Box<Arrivals>),
    Jobs(Box<Jobs>),
}

impl Requests {
    /// Those of all entries of a workload, from its beginning.
    ///
    /// # Errors
    /// Why there can be none of one, in words.
    pub(super) fn of_all(workload: &[Deploy], streams: Streams) -> Result<Vec<Self>, String> {
        workload.iter().zip(0..).map(|(deploy, entry)| Self::of(deploy, streams, entry)).collect()
    }

    /// Those of the entry with this number.
    fn of(deploy: &Deploy, streams: Streams, entry: u32) -> Result<Self, String> {
        let source = match &deploy.requested {
            Requested::Alike(arrivals) => {
                let times = arrivals.times(streams, u64::from(entry));
                Source::Alike(Box::new(times.map_err(|error| error.to_string())?))
            }
            Requested::Jobs { source, .. } => Source::Jobs(Box::new(source.jobs(streams, entry)?)),
        };
        let deploy = Arc::new(deploy.clone());
        Ok(Self { source, next: None, seen: None, deploy, entry, is_over: false })
    }

    /// What is asked for.
    pub(super) const fn deploy(&self) -> &Arc<Deploy> {
        &self.deploy
    }

    /// Under which number the books have it.
    pub(super) const fn entry(&self) -> u32 {
        self.entry
    }

    /// The books have it under this number.
    pub(super) const fn enter_as(&mut self, entry: u32) {
        self.entry = entry;
    }

    /// None is made any more.
    pub(super) const fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether none is made any more.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Leaves out those up to a time: so many.
    pub(super) fn pass_over(&mut self, until: Time) -> u32 {
        let mut passed = 0;
        while passed < self.deploy.count {
            let next = self.next();
            if !matches!(&next, Some(Ok(at)) if *at <= until) {
                self.seen = next;
                break;
            }
            passed += 1;
        }
        passed
    }

    /// When the next is made; or why it cannot be told, which ends them.
    pub(super) fn next(&mut self) -> Option<Result<Time, String>> {
        if let Some(seen) = self.seen.take() {
            return Some(seen);
        }
        match &mut self.source {
            Source::Alike(times) => times.next().map(Ok),
            Source::Jobs(jobs) => Some(jobs.next()?.map(|job| {
                let at = job.at;
                self.next = Some(job);
                at
            })),
        }
    }

    /// The job whose time was told last.
    pub(super) const fn take(&mut self) -> Option<Job> {
        self.next.take()
    }
}

/// An ensemble as a job wants it: each allocation of its template with what the job says of its resources.
pub(super) fn ensemble_of(template: &Arc<EnsembleConfig>, job: &Job) -> Arc<EnsembleConfig> {
    let mut ensemble = EnsembleConfig::clone(template);
    ensemble.allocations.values_mut().for_each(|allocation| take_over(&mut allocation.resources, job));
    Arc::new(ensemble)
}

/// Puts what a job says of its resources in the place of what its template says.
pub fn take_over(resources: &mut Resources, job: &Job) {
    if let Some(cores_milli) = job.cores_milli {
        resources.cpu.cores_milli = cores_milli;
    }
    if let Some(bytes) = job.ram_bytes {
        resources.ram_bytes = bytes;
    }
    if let Some(bytes) = job.disk_bytes {
        resources.disk_bytes = bytes;
    }
    if let Some(cards) = &job.cards {
        let wish = Gpu { vendor: None, model: cards.model.clone(), vram_bytes: cards.vram_bytes };
        resources.gpus = vec![wish; cards.count as usize];
    }
}

impl World<'_> {
    /// How long a run lasts because it is that of a job.
    pub(super) fn run_time_of_job(&self, peer: PeerId, run: RunId) -> Option<Span> {
        if self.run_times.is_empty() {
            return None;
        }
        let (allocation, _) = self.hosts[peer.0 as usize].peer.provider().allocation_of(run)?;
        self.run_times.get(&self.ledger.deployment_of(allocation)?).copied()
    }
}
