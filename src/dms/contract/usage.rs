//! What was used under a contract: the events that its actor was sent, and what a window of time holds of them
//! (dms-capabilities sections 6.7 and 6.8).
//!
//! An event carries no time of its own: when its host receives it, it happens. Clocks of providers and orchestrators
//! therefore never matter, and an event is in exactly one of two windows that meet.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;

use super::model::Quantities;
use crate::dms::identity::{Did, EnsembleId};
use crate::kernel::{Span, Timestamp};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum UsageKind {
    /// An allocation was created.
    #[serde(rename = "CREATE_ALLOCATION_EVENT")]
    CreateAllocation,
    /// It started.
    #[serde(rename = "START_ALLOCATION_EVENT")]
    StartAllocation,
    /// It was stopped.
    #[serde(rename = "STOP_ALLOCATION_EVENT")]
    StopAllocation,
    /// It ended by itself.
    #[serde(rename = "COMPLETE_ALLOCATION_EVENT")]
    CompleteAllocation,
    /// A deployment runs.
    #[serde(rename = "DEPLOYMENT_START_EVENT")]
    DeploymentStart,
    /// It has ended.
    #[serde(rename = "DEPLOYMENT_STOP_EVENT")]
    DeploymentStop,
}

/// A usage event, as it travels.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct UsageEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: UsageKind,
    /// Counts the events of this sender, so that one that is sent again counts once.
    pub sequence: u64,
    /// Full id of the allocation; none for an event of a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<Arc<str>>,
    /// The deployment.
    pub deployment_id: EnsembleId,
    /// Who runs the allocation; none for an event of a deployment.
    #[serde(skip_serializing_if = "Did::is_empty")]
    pub compute_provider_did: Did,
    /// The contract of the orchestrator, in a chain and without one.
    pub head_contract_did: Did,
    /// Who orchestrates; none for an event of an allocation.
    #[serde(skip_serializing_if = "Did::is_empty")]
    pub orchestrator_did: Did,
    /// What the allocation holds, when it is created or started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Quantities>,
}

/// A span of time, its first moment included and its end not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Window {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Window {
    /// How long it is.
    #[must_use]
    pub const fn span(self) -> Span {
        self.to.since(self.from)
    }
    fn holds(self, moment: Timestamp) -> bool {
        self.from <= moment && moment < self.to
    }
}

/// A time during which something ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    start: Timestamp,
    end: Option<Timestamp>,
}

impl Run {
    /// The part of it that counts in a window. A run that goes on counts to the window's end. A finished one counts to
    /// its own end as the real DMS has it, and clipped to the window as it is meant (C11).
    fn within(&self, window: Window, clipped: bool) -> Span {
        let start = self.start.max(window.from);
        let end = match self.end {
            Some(end) if end <= window.from => return Span::ZERO,
            Some(end) if clipped => end.min(window.to),
            Some(end) => end,
            None => window.to,
        };
        end.since(start)
    }
}

/// The runs of one allocation or deployment, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Runs(Vec<Run>);

impl Runs {
    /// A start while it runs changes nothing.
    fn start(&mut self, now: Timestamp) {
        if self.0.last().is_none_or(|run| run.end.is_some()) {
            self.0.push(Run { start: now, end: None });
        }
    }
    /// Nor does a stop while it does not.
    fn stop(&mut self, now: Timestamp) {
        if let Some(run) = self.0.last_mut() {
            run.end.get_or_insert(now);
        }
    }
    fn within(&self, window: Window, clipped: bool) -> Span {
        self.0.iter().map(|run| run.within(window, clipped)).fold(Span::ZERO, |sum, run| sum + run)
    }
    /// The time that is in any run of several that may overlap.
    fn union<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut runs: Vec<Run> = all.flat_map(|runs| runs.0.iter().copied()).collect();
        runs.sort_by_key(|run| run.start);
        let mut merged: Vec<Run> = Vec::new();
        for run in runs {
            match merged.last_mut() {
                Some(last) if last.end.is_none_or(|end| run.start <= end) => {
                    last.end = last.end.and_then(|end| run.end.map(|other| end.max(other)));
                }
                _ => merged.push(run),
            }
        }
        Self(merged)
    }
    fn forget_before(&mut self, moment: Timestamp) {
        self.0.retain(|run| run.end.is_none_or(|end| end > moment));
    }
}

/// What one allocation did.
#[derive(Clone, PartialEq, Eq, Debug)]
struct AllocationUse {
    deployment: EnsembleId,
    /// From its start, before that from its creation.
    resources: Quantities,
    runs: Runs,
}

/// The events of one contract, put in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UsageLog {
    /// By who tells of them: what one provider has not told the end of, because its machine is down, may run at another
    /// by now, and both tell the head of their contracts.
    allocations: IndexMap<(Did, Arc<str>), AllocationUse>,
    deployments: IndexMap<EnsembleId, Runs>,
    allocation_starts: Vec<(Timestamp, Arc<str>, EnsembleId)>,
    deployment_starts: Vec<(Timestamp, EnsembleId)>,
    /// What each sender has told.
    seen: IndexMap<Did, Seen>,
}

/// The sequence numbers of the last events of one sender. They need not come in order, but never further apart than
/// a sender's queue is long; what is older than all of these is not new.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Seen(BTreeSet<u64>);

impl Seen {
    const KEPT: usize = 1024;

    fn note(&mut self, sequence: u64) -> bool {
        let full = self.0.len() >= Self::KEPT;
        let old = full && self.0.first().is_some_and(|oldest| sequence < *oldest);
        if old || !self.0.insert(sequence) {
            return false;
        }
        if full {
            self.0.pop_first();
        }
        true
    }
}

impl UsageLog {
    /// Takes an event in that comes at `now` from the node `sender`. False for one that came before.
    pub fn record(&mut self, sender: &Did, event: &UsageEvent, now: Timestamp) -> bool {
        if !self.seen.entry(sender.clone()).or_default().note(event.sequence) {
            return false;
        }
        match event.kind {
            UsageKind::DeploymentStart => {
                self.deployment_starts.push((now, event.deployment_id));
                self.deployments.entry(event.deployment_id).or_default().start(now);
            }
            UsageKind::DeploymentStop => {
                self.deployments.entry(event.deployment_id).or_default().stop(now);
            }
            _ => self.record_allocation(sender, event, now),
        }
        true
    }

    fn record_allocation(&mut self, sender: &Did, event: &UsageEvent, now: Timestamp) {
        let Some(id) = &event.allocation_id else { return };
        let key = (sender.clone(), Arc::clone(id));
        let usage = self.allocations.entry(key).or_insert_with(|| AllocationUse {
            deployment: event.deployment_id,
            resources: Quantities::default(),
            runs: Runs::default(),
        });
        if let Some(resources) = event.resources {
            usage.resources = resources;
        }
        match event.kind {
            UsageKind::StartAllocation => {
                usage.runs.start(now);
                self.allocation_starts.push((now, Arc::clone(id), event.deployment_id));
            }
            UsageKind::StopAllocation | UsageKind::CompleteAllocation => usage.runs.stop(now),
            _ => {}
        }
    }

    /// Different allocations that started in a window.
    #[must_use]
    pub fn started_allocations(&self, window: Window) -> u64 {
        let started = self.allocation_starts.iter().filter(|(at, ..)| window.holds(*at));
        started.map(|(_, id, _)| id).collect::<IndexSet<_>>().len() as u64
    }

    /// Different deployments that started in a window. Of a tail contract no orchestrator tells: there a deployment
    /// starts with the first of its allocations.
    #[must_use]
    pub fn started_deployments(&self, window: Window, tail: bool) -> u64 {
        if tail {
            let started = self.allocation_starts.iter().filter(|(at, ..)| window.holds(*at));
            return started.map(|(.., deployment)| deployment).collect::<IndexSet<_>>().len() as u64;
        }
        let started = self.deployment_starts.iter().filter(|(at, _)| window.holds(*at));
        started.map(|(_, id)| id).collect::<IndexSet<_>>().len() as u64
    }

    /// The time in which allocations ran, summed for each deployment.
    #[must_use]
    pub fn allocation_times(&self, window: Window, clipped: bool) -> Vec<(EnsembleId, Span)> {
        let mut times: IndexMap<EnsembleId, Span> = IndexMap::new();
        for usage in self.allocations.values() {
            let time = usage.runs.within(window, clipped);
            *times.entry(usage.deployment).or_default() += time;
        }
        times.into_iter().filter(|(_, time)| *time > Span::ZERO).collect()
    }

    /// What was held, and for how long each.
    #[must_use]
    pub fn resource_times(&self, window: Window, clipped: bool) -> Vec<(Quantities, Span)> {
        let held = self.allocations.values();
        let times = held.map(|usage| (usage.resources, usage.runs.within(window, clipped)));
        times.filter(|(_, time)| *time > Span::ZERO).collect()
    }

    /// The time in which deployments ran. For a tail that is while any of their allocations did.
    #[must_use]
    pub fn deployment_times(&self, window: Window, clipped: bool, tail: bool) -> Vec<(EnsembleId, Span)> {
        let times: Vec<(EnsembleId, Span)> = if tail {
            let ids: IndexSet<EnsembleId> = self.allocations.values().map(|usage| usage.deployment).collect();
            let of = |id: EnsembleId| {
                let allocations = self.allocations.values().filter(move |usage| usage.deployment == id);
                Runs::union(allocations.map(|usage| &usage.runs))
            };
            ids.into_iter().map(|id| (id, of(id).within(window, clipped))).collect()
        } else {
            self.deployments.iter().map(|(id, runs)| (*id, runs.within(window, clipped))).collect()
        };
        times.into_iter().filter(|(_, time)| *time > Span::ZERO).collect()
    }

    /// Drops what no window from `moment` on can hold: everything before it is billed.
    pub fn forget_before(&mut self, moment: Timestamp) {
        self.allocation_starts.retain(|(at, ..)| *at >= moment);
        self.deployment_starts.retain(|(at, _)| *at >= moment);
        for usage in self.allocations.values_mut() {
            usage.runs.forget_before(moment);
        }
        self.allocations.retain(|_, usage| !usage.runs.0.is_empty());
        for runs in self.deployments.values_mut() {
            runs.forget_before(moment);
        }
        self.deployments.retain(|_, runs| !runs.0.is_empty());
    }
}
