//! Usage events on their way from where they happen to the contract's actor (dms-capabilities section 6.7).
//!
//! Two workers take events from a queue of two hundred; each tries its event until it is taken, up to ten more times
//! with growing pauses. The real DMS then drops it, drops what finds the queue full, and forgets all at a restart
//! (C12). As it is meant, nothing is dropped: a contract that cannot be reached rests, with all that is to be told to
//! it, and is tried again later, so that others do not wait for it; and a node that starts again tells what stopped
//! without its knowledge.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dms::constants::{
    USAGE_EVENT_BACKOFF_MAX, USAGE_EVENT_BACKOFF_MIN, USAGE_EVENT_QUEUE, USAGE_EVENT_RETRIES,
    USAGE_EVENT_WORKERS,
};
use crate::dms::contract::message::ContractRef;
use crate::dms::contract::usage::{UsageEvent, UsageKind};
use crate::dms::identity::{Did, EnsembleId};
use crate::kernel::{Span, Timestamp};

/// How long a contract rests that could not be reached, before a worker takes an event for it again.
const REST: Span = Span::mins(5);

/// Where an event goes, and the contract that it names as the head.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Target {
    pub(super) contract: Did,
    pub(super) host: Did,
    pub(super) head: Did,
}

impl Target {
    /// The actor of a contract that a deployment names.
    pub(super) fn of(contract: &ContractRef, head: &Did) -> Self {
        Self { contract: contract.did.clone(), host: contract.host.clone(), head: head.clone() }
    }
}

/// An event that is not delivered yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) target: Target,
    pub(super) event: UsageEvent,
    /// Attempts so far.
    attempts: u32,
    /// Not before this.
    due: Timestamp,
    /// Whether a worker has it, and whether it waits for an answer.
    taken: bool,
    asked: bool,
}

impl Pending {
    /// What it is about: events about one thing are told in their order.
    fn subject(&self) -> (&Did, EnsembleId, Option<&str>) {
        (&self.target.contract, self.event.deployment_id, self.event.allocation_id.as_deref())
    }
}

/// What could not be told, and why.
pub(super) struct Lost {
    pub(super) contract: Did,
    pub(super) kind: UsageKind,
    pub(super) reason: &'static str,
}

/// The queue and its workers.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed {
    queue: VecDeque<Pending>,
    sequence: u64,
    /// What runs, as it was told: the targets of its end.
    open: IndexMap<Arc<str>, (EnsembleId, Vec<Target>)>,
    /// Contracts that could not be reached, and until when each rests. From then on an event that fails once has it
    /// rest again, until one is delivered.
    resting: IndexMap<Did, Timestamp>,
}

impl Feed {
    /// Numbers go on from the clock, so that they rise over restarts.
    pub(super) fn next_sequence(&mut self, now: Timestamp) -> u64 {
        self.sequence = self.sequence.max(now.0) + 1;
        self.sequence
    }

    /// Takes an event in. One that finds no place is lost, unless nothing may be.
    pub(super) fn push(
        &mut self,
        target: Target,
        event: UsageEvent,
        now: Timestamp,
        lossy: bool,
    ) -> Option<Lost> {
        if let Some(id) = &event.allocation_id {
            match event.kind {
                UsageKind::StartAllocation => {
                    let targets =
                        &mut self.open.entry(Arc::clone(id)).or_insert((event.deployment_id, Vec::new())).1;
                    if !targets.contains(&target) {
                        targets.push(target.clone());
                    }
                }
                UsageKind::StopAllocation | UsageKind::CompleteAllocation => {
                    self.open.shift_remove(id);
                }
                _ => {}
            }
        }
        if lossy && self.queue.len() >= USAGE_EVENT_QUEUE + USAGE_EVENT_WORKERS {
            let (contract, kind) = (target.contract, event.kind);
            return Some(Lost { contract, kind, reason: "the queue is full" });
        }
        self.queue.push_back(Pending { target, event, attempts: 0, due: now, taken: false, asked: false });
        None
    }

    /// The events that workers send now. They stay until they are answered or given up.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Pending> {
        let free = self.free();
        if free > 0 {
            let mut due: Vec<(Timestamp, usize)> = self.untaken().filter(|(due, _)| *due <= now).collect();
            // What has waited for longest comes first, and a contract that has rested only after that.
            due.sort_unstable();
            for (_, place) in due.into_iter().take(free) {
                self.queue[place].taken = true;
            }
        }
        let ready = |pending: &&mut Pending| pending.taken && !pending.asked && pending.due <= now;
        let sent = self.queue.iter_mut().filter(ready).map(|pending| {
            pending.asked = true;
            pending.clone()
        });
        sent.collect()
    }

    /// The actor has taken an event.
    pub(super) fn delivered(&mut self, contract: &Did, sequence: u64) {
        self.queue
            .retain(|pending| pending.event.sequence != sequence || pending.target.contract != *contract);
        self.resting.shift_remove(contract);
    }

    /// It has not: the worker waits and tries again, or gives up.
    pub(super) fn failed(
        &mut self,
        contract: &Did,
        sequence: u64,
        now: Timestamp,
        lossy: bool,
    ) -> Option<Lost> {
        let is_it =
            |pending: &Pending| pending.event.sequence == sequence && pending.target.contract == *contract;
        let place = self.queue.iter().position(is_it)?;
        let pending = &mut self.queue[place];
        pending.asked = false;
        pending.attempts += 1;
        if pending.attempts <= USAGE_EVENT_RETRIES && !self.resting.contains_key(contract) {
            let pause = USAGE_EVENT_BACKOFF_MIN.times(1 << (pending.attempts - 1).min(8));
            pending.due = now + pause.min(USAGE_EVENT_BACKOFF_MAX);
            return None;
        }
        if lossy {
            let lost = self.queue.remove(place)?;
            let (contract, kind) = (lost.target.contract, lost.event.kind);
            return Some(Lost { contract, kind, reason: "its host did not answer" });
        }
        (pending.attempts, pending.taken) = (0, false);
        self.resting.insert(contract.clone(), now + REST);
        None
    }

    /// The clock may have been put back: no contract rests for longer than that, and no event waits for longer.
    pub(super) fn correct(&mut self, now: Timestamp) {
        let events = self.queue.iter_mut().map(|pending| &mut pending.due);
        for due in events.chain(self.resting.values_mut()) {
            *due = (*due).min(now + REST);
        }
    }

    /// When a worker has something to do next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let paused = self.queue.iter().filter(|pending| pending.taken && !pending.asked);
        let paused = paused.map(|pending| pending.due).min();
        let untaken = if self.free() > 0 { self.untaken().map(|(due, _)| due).min() } else { None };
        [paused, untaken].into_iter().flatten().min()
    }

    /// Workers that have no event.
    fn free(&self) -> usize {
        let busy = self.queue.iter().filter(|pending| pending.taken).count();
        USAGE_EVENT_WORKERS.saturating_sub(busy)
    }

    /// The events that a worker may take, and from when on: of those about one thing the first.
    fn untaken(&self) -> impl Iterator<Item = (Timestamp, usize)> {
        let mut begun = BTreeSet::new();
        self.queue.iter().enumerate().filter_map(move |(place, pending)| {
            let is_first = begun.insert(pending.subject());
            let rested = self.resting.get(&pending.target.contract).copied().unwrap_or_default();
            (is_first && !pending.taken).then(|| (pending.due.max(rested), place))
        })
    }

    /// The process has stopped: what only lived in memory is gone.
    pub(super) fn stop(&mut self, lossy: bool) -> Vec<Lost> {
        for pending in &mut self.queue {
            (pending.taken, pending.asked) = (false, false);
        }
        if !lossy {
            return Vec::new();
        }
        self.open.clear();
        self.resting.clear();
        let lost = self.queue.drain(..).map(|pending| Lost {
            contract: pending.target.contract,
            kind: pending.event.kind,
            reason: "the process ended",
        });
        lost.collect()
    }

    /// Who was told that an allocation runs, and not yet of its end.
    pub(super) fn told_of(&self, allocation: &str) -> Option<&[Target]> {
        self.open.get(allocation).map(|(_, targets)| &**targets)
    }

    /// The allocations that were told to run and do not.
    pub(super) fn gone(&self, runs: impl Fn(&str) -> bool) -> Vec<(Arc<str>, EnsembleId, Vec<Target>)> {
        let gone = self.open.iter().filter(|(id, _)| !runs(id));
        gone.map(|(id, (deployment, targets))| (Arc::clone(id), *deployment, targets.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::identity::{SecretKey, SignatureMode};

    const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);

    fn target() -> Target {
        under(1)
    }

    fn under(contract: u8) -> Target {
        let did = |seed| Did::Key(SecretKey::ed25519([seed; 32], SignatureMode::Modelled).public());
        Target { contract: did(contract), host: did(2), head: did(contract) }
    }

    fn push(feed: &mut Feed, kind: UsageKind, allocation: &str, lossy: bool) -> Option<Lost> {
        let event = event(feed.next_sequence(NOW), kind, allocation);
        feed.push(target(), event, NOW, lossy)
    }

    fn push_to(feed: &mut Feed, target: Target, allocation: &str, now: Timestamp) {
        let event = event(feed.next_sequence(now), UsageKind::StartAllocation, allocation);
        assert!(feed.push(target, event, now, false).is_none());
    }

    fn event(sequence: u64, kind: UsageKind, allocation: &str) -> UsageEvent {
        UsageEvent {
            kind,
            sequence,
            allocation_id: Some(allocation.into()),
            deployment_id: EnsembleId([1; 32]),
            compute_provider_did: Did::Empty,
            head_contract_did: Did::Empty,
            orchestrator_did: Did::Empty,
            resources: None,
        }
    }

    #[test]
    fn two_workers_tell_what_concerns_one_thing_in_order() {
        let mut feed = Feed::default();
        push(&mut feed, UsageKind::StartAllocation, "a", true);
        push(&mut feed, UsageKind::StopAllocation, "a", true);
        push(&mut feed, UsageKind::StartAllocation, "b", true);
        push(&mut feed, UsageKind::StartAllocation, "c", true);
        let ids = |sent: &[Pending]| -> Vec<String> {
            sent.iter().map(|pending| pending.event.allocation_id.clone().unwrap().to_string()).collect()
        };
        let sent = feed.take(NOW);
        assert_eq!(ids(&sent), ["a", "b"]);
        assert!(feed.take(NOW).is_empty() && feed.next().is_none());
        feed.delivered(&target().contract, sent[0].event.sequence);
        let sent = feed.take(NOW);
        assert_eq!((ids(&sent), sent[0].event.kind), (vec!["a".to_owned()], UsageKind::StopAllocation));
    }

    #[test]
    fn pauses_double_up_to_fifteen_seconds_and_then_it_is_lost_or_rests() {
        for lossy in [true, false] {
            let mut feed = Feed::default();
            push(&mut feed, UsageKind::StartAllocation, "a", lossy);
            let (mut now, mut pauses) = (NOW, Vec::new());
            let lost = loop {
                let sent = feed.take(now);
                let lost = feed.failed(&target().contract, sent[0].event.sequence, now, lossy);
                let Some(due) = feed.next() else { break lost };
                pauses.push(due.since(now).0 / 1_000_000_000);
                now = due;
                if pauses.len() == 12 {
                    break lost;
                }
            };
            assert_eq!(pauses[..10], [5, 10, 15, 15, 15, 15, 15, 15, 15, 15]);
            if lossy {
                assert_eq!((pauses.len(), lost.unwrap().reason), (10, "its host did not answer"));
            } else {
                assert_eq!((pauses[10], pauses[11]), (300, 300));
            }
        }
    }

    #[test]
    fn nobody_waits_for_long_for_contracts_that_cannot_be_reached() {
        let (timeout, awaited) = (Span::secs(20), NOW + Span::hours(2));
        let mut feed = Feed::default();
        for contract in 10..20 {
            for allocation in ["a", "b", "c"] {
                push_to(&mut feed, under(contract), allocation, NOW);
            }
        }
        push_to(&mut feed, under(1), "d", awaited);
        let (mut now, mut asked) = (NOW, Vec::new());
        loop {
            let sent = feed.take(now);
            if sent.iter().any(|pending| pending.target == under(1)) {
                break;
            }
            asked.extend(sent.into_iter().map(|pending| (now + timeout, pending)));
            now = asked.iter().map(|(overdue, _)| *overdue).chain(feed.next()).min().unwrap();
            assert!(now < awaited + Span::mins(5), "the contract that can be reached was forgotten");
            for (_, pending) in asked.extract_if(.., |(overdue, _)| *overdue <= now) {
                feed.failed(&pending.target.contract, pending.event.sequence, now, false);
            }
        }
    }

    #[test]
    fn what_finds_the_queue_full_or_the_process_ended_is_lost_as_is() {
        for (lossy, lost) in [(true, 8), (false, 0)] {
            let mut feed = Feed::default();
            let full = (0..210)
                .filter(|n| push(&mut feed, UsageKind::StartAllocation, &n.to_string(), lossy).is_some());
            assert_eq!(full.count(), lost);
            assert_eq!(feed.stop(lossy).len(), if lossy { 202 } else { 0 });
            assert_eq!(feed.gone(|id| id == "5").len(), if lossy { 0 } else { 209 });
        }
    }
}
