//! A run that goes on with another setup from some moment on: what of it changes then, and what cannot.
//!
//! Up to that moment the world is that of the first setup, to the last bit: what is drawn, planned and named comes from
//! there. Then what the world reads of its setup is the other one's, and what was planned of the first is brought in
//! line: faults, operations and requests that both have stay as they are, with their numbers and their draws; those
//! that only the first has and that have not begun do not happen; those that only the other has are planned, under
//! numbers after all others. What only the start of a run can settle (who there is, with which machines, keys and
//! links) cannot differ: [`obstacles`] says what does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::plans::Planned;
use super::requests::Requests;
use super::setup::{Fault, Setup, When};
use super::uptimes::Uptimes;
use super::world::World;
use crate::dms::orchestrator::Strategy;
use crate::kernel::Time;
use crate::net::Cities;

/// A setup with which a run goes on.
pub(super) struct Stage<'s> {
    at: Time,
    setup: &'s Setup,
    /// The requests of its workload, from its beginning.
    requests: Vec<Requests>,
}

impl<'s> Stage<'s> {
    /// # Errors
    /// What the setup asks for and cannot be built, in words.
    pub(super) fn new(world: &World<'s>, at: Time, setup: &'s Setup) -> Result<Self, String> {
        Ok(Self { at, setup, requests: Requests::of_all(&setup.workload, world.streams)? })
    }
}

/// The setups with which a run goes on.
#[derive(Default)]
pub(super) struct Stages<'s> {
    /// Those to come, the next one last.
    coming: Vec<Stage<'s>>,
    /// When it has gone on with another one, and the digest of all facts up to then.
    turned: Vec<(Time, u128)>,
}

impl<'s> Stages<'s> {
    /// Adds one that comes before all others.
    pub(super) fn put_before(&mut self, stage: Stage<'s>) {
        self.coming.push(stage);
    }

    /// When the run goes on with the next one, if it does.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.coming.last().map(|stage| stage.at)
    }

    /// When the run has gone on with another one, and the digest of all facts up to then.
    pub(super) fn take_turned(&mut self) -> Vec<(Time, u128)> {
        std::mem::take(&mut self.turned)
    }
}

/// Why a run cannot go on with another setup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// What stands in the way, as a path of the scenario.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Which of the new items are among the old, by their places there, and which of the old are not among the new.
fn matched<T: PartialEq>(old: &[(usize, &T)], new: &[T]) -> (Vec<Option<usize>>, BTreeSet<usize>) {
    let mut gone: BTreeSet<usize> = old.iter().map(|(place, _)| *place).collect();
    let kept = new.iter().map(|item| {
        let found = old.iter().find(|(place, other)| gone.contains(place) && *other == item);
        let place = found.map(|(place, _)| *place);
        place.inspect(|place| {
            gone.remove(place);
        })
    });
    let kept = kept.collect();
    (kept, gone)
}

/// Cancels those of the plans that are not among the new: what of the new has still to be planned.
fn turn<'s, T: PartialEq>(plans: &mut Planned<T>, new: &'s [T]) -> Vec<&'s T> {
    let known: Vec<_> = plans.living().map(|(place, plan)| (place, &**plan)).collect();
    let (kept, gone) = matched(&known, new);
    for place in gone {
        plans.cancel(place as u32);
    }
    let added = new.iter().zip(kept).filter(|(_, kept)| kept.is_none());
    added.map(|(plan, _)| plan).collect()
}

/// The items of a list with their places.
fn numbered<T>(items: &[T]) -> Vec<(usize, &T)> {
    items.iter().enumerate().collect()
}

/// All that keeps a run of the first setup from going on with the other one after `at`, among what may differ at all:
/// faults and operations that have begun, and choices that are made at the start of a run.
#[must_use]
pub fn obstacles(first: &Setup, other: &Setup, at: Time) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut add = |path: String, reason: String| {
        if found.iter().all(|one: &Obstacle| one.path != path) {
            found.push(Obstacle { path, reason });
        }
    };
    let passed = |begins: Time| {
        let (begins, at) = (begins.since(Time::ZERO), at.since(Time::ZERO));
        format!("it begins at {begins}, which is not after {at}: what has happened by then cannot be changed")
    };
    let (kept, gone) = matched(&numbered(&first.faults), &other.faults);
    for place in gone {
        let fault = &first.faults[place];
        match fault.when() {
            When::At(begins) if *begins <= at => add(format!("faults[{place}]"), passed(*begins)),
            // Whether clocks are right all the time is asked of the setup, so what has set them stays in it.
            When::Random { from, .. } if *from <= at && matches!(fault, Fault::Clock { .. }) => {
                add(format!("faults[{place}]"), passed(*from));
            }
            _ => {}
        }
    }
    for (fault, place) in other.faults.iter().zip(0..).filter(|(_, place)| kept[*place].is_none()) {
        if let When::At(begins) = fault.when()
            && *begins <= at
        {
            add(format!("faults[{place}]"), passed(*begins));
        }
    }
    let (kept, gone) = matched(&numbered(&first.operations), &other.operations);
    let added = other.operations.iter().enumerate().filter(|(place, _)| kept[*place].is_none());
    let removed = gone.into_iter().map(|place| (place, &first.operations[place]));
    for (place, operation) in removed.chain(added).filter(|(_, operation)| operation.at <= at) {
        add(format!("operations[{place}]"), passed(operation.at));
    }
    if !super::deputies::hand_over(first) && super::deputies::hand_over(other) {
        let reason = "`hand_over` is agreed on at the start of a run: begin a run with it".to_owned();
        add("strategy.recovery".to_owned(), reason);
    }
    if first.strategy.at_once.is_some() && other.strategy.at_once.is_none() {
        let reason = "deployments may wait in the queue: make `at_once` larger instead".to_owned();
        add("strategy.queue".to_owned(), reason);
    }
    found
}

impl World<'_> {
    /// The run goes on with the next setup.
    pub(super) fn enter_stage(&mut self) {
        let Some(Stage { at, setup, requests }) = self.stages.coming.pop() else { return };
        self.queue.skip_to(at);
        self.stages.turned.push((at, self.digest()));
        let old = std::mem::replace(&mut self.setup, setup);
        if old.network != setup.network {
            // What lies between peers changes: what was known beforehand is not any more.
            self.recall_all(at);
            let places = self.hosts.iter().map(|host| Cities::world().city(host.city).at);
            self.network.reconfigure(setup.network, places);
        }
        if old.strategy != setup.strategy {
            self.recall_all(at);
            self.follow(&old.strategy, &setup.strategy);
        }
        self.turn_faults(at);
        self.turn_operations(at);
        self.turn_requests(at, requests);
        self.ledger.goes_on_as(setup);
    }

    /// Every node follows another strategy: with what is asked of it from now on, and with what it has under way as
    /// far as that is possible (see [`Peer::follow`](crate::dms::Peer::follow)).
    fn follow(&mut self, old: &Strategy, new: &Strategy) {
        let mut renewed = vec![None; self.setup.groups.len()];
        for (host, number) in self.hosts.iter_mut().zip(0..) {
            let group = self.population.group_of(super::event::PeerId(number));
            host.follow(new, &mut renewed[group]);
        }
        if old.scored_bids.is_none() && new.scored_bids.is_some() {
            self.uptimes = Uptimes::since(self.ledger.up_since());
        }
        self.introduce_providers();
    }

    fn turn_faults(&mut self, at: Time) {
        let added = turn(&mut self.plans.faults, &self.setup.faults);
        let faults = &self.plans.faults;
        self.triggers.retain(|number| !faults.is_cancelled(*number));
        for fault in added {
            let number = self.plans.faults.add(Arc::new(fault.clone()));
            self.plan_fault_after(at, number);
        }
    }

    fn turn_operations(&mut self, at: Time) {
        for operation in turn(&mut self.plans.operations, &self.setup.operations) {
            let number = self.plan_operation(operation.clone());
            self.queue.post(operation.at.max(at), super::event::Event::Operation(number));
        }
    }

    /// What users ask for: a request that is not as it was goes on as if it had always been so. Its requests up to now
    /// are passed over.
    fn turn_requests(&mut self, at: Time, requests: Vec<Requests>) {
        let known = self.requests.iter().enumerate().filter(|(_, one)| !one.is_over());
        let known: Vec<_> = known.map(|(place, one)| (place, &**one.deploy())).collect();
        let (kept, gone) = matched(&known, &self.setup.workload);
        for place in gone {
            self.requests[place].end();
        }
        for (mut requests, _) in requests.into_iter().zip(kept).filter(|(_, kept)| kept.is_none()) {
            let passed = requests.pass_over(at);
            let entry = self.ledger.add_entry(requests.deploy(), passed);
            requests.enter_as(entry);
            let number = self.requests.len() as u32;
            self.requests.push(requests);
            self.schedule_next_deploy(number);
        }
    }
}
