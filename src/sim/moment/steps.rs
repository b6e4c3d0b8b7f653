//! A run taken event by event: what each event is, which facts it brings forth and what it changes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::peers::state_of;
use super::{EventSeen, Focus, Moment};
use crate::kernel::Time;
use crate::observe::events::write_event;
use crate::observe::{Record, What};
use crate::sim::world::World;

/// Something that was recorded while an event was handled, as a line of `events.jsonl` has it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The peer that says it; none for what concerns the network.
    pub peer: Option<String>,
    /// What it is: the name of a fact, `peer_up`, `fault_begins`, `message_sent`, ...
    pub kind: String,
    /// For how many it stands, where that is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What it is about.
    pub labels: Map<String, Value>,
    /// What else it says.
    pub content: Map<String, Value>,
}

/// Something of the state that is not what it was, or not what it is elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// What.
    pub what: String,
    /// What it was, or is on the first side; none where it was not there.
    pub before: Option<String>,
    /// What it is, or is on the other side; none where it is not there.
    pub after: Option<String>,
}

/// An event that was taken.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepTaken {
    /// Its number in the run, from 1.
    pub number: u64,
    /// When.
    #[serde(rename = "at_s", serialize_with = "super::events::seconds")]
    pub at: Time,
    /// What.
    pub event: EventSeen,
    /// The facts that it brought forth.
    pub facts: Vec<Told>,
    /// The messages that got on or off their way with it.
    pub messages: Vec<Told>,
    /// What of deployments, allocations and peers is other than before.
    pub changes: Vec<Change>,
    /// The digest of all facts up to here.
    pub digest: String,
}

/// What was recorded since it was last taken: whether it is a message, and the line.
type Notes = Rc<RefCell<Vec<(bool, Vec<u8>)>>>;

/// A world that is taken event by event.
pub struct Stepping<'s> {
    world: World<'s>,
    notes: Notes,
}

impl<'s> Stepping<'s> {
    /// Takes a world further from where it is.
    #[must_use]
    pub fn new(mut world: World<'s>) -> Self {
        let notes = Notes::default();
        let (kept, mut preface) = (Rc::clone(&notes), None);
        world.record_into(Box::new(move |record: &Record<'_>| match &record.what {
            What::Begin(begun) => preface = Some((*begun).clone()),
            what => {
                let Some(preface) = &preface else { return };
                let mut line = Vec::new();
                write_event(&mut line, preface, record).expect("memory takes it");
                kept.borrow_mut().push((matches!(what, What::Message(_)), line));
            }
        }));
        notes.borrow_mut().clear();
        Self { world, notes }
    }

    /// The world as it is.
    #[must_use]
    pub const fn world(&self) -> &World<'s> {
        &self.world
    }

    /// The world, if the run is over.
    #[must_use]
    pub fn into_ended(self) -> Option<World<'s>> {
        let mut world = self.world;
        world.has_ended().then_some(world)
    }

    /// Takes the next event; none where the run is over. Where `compares`, what it changes is found by looking at all
    /// before and after.
    pub fn step(&mut self, compares: bool) -> Option<StepTaken> {
        let before = compares.then(|| self.world.state_lines());
        let (at, event) = self.world.take_before_end()?;
        let seen = self.world.event_seen(&event);
        self.world.handle(at, event);
        let (mut facts, mut messages) = (Vec::new(), Vec::new());
        for (is_message, line) in self.notes.borrow_mut().drain(..) {
            let told = serde_json::from_slice(&line).expect("what was just written reads back");
            if is_message { messages.push(told) } else { facts.push(told) }
        }
        let changes = before.map_or_else(Vec::new, |before| changes(&before, &self.world.state_lines()));
        let (number, digest) = (self.world.events, format!("{:032x}", self.world.digest()));
        Some(StepTaken { number, at, event: seen, facts, messages, changes, digest })
    }
}

/// What differs between two states.
#[must_use]
pub fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let change = |key: &String| Change {
        what: key.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    differing.map(change).collect()
}

impl Moment {
    /// What the moment says of deployments, allocations and peers, each with a name.
    fn lines(&self) -> BTreeMap<String, String> {
        let mut lines = BTreeMap::new();
        for one in &self.deployments {
            let name = format!("deployment {} ({})", one.deployment, one.name);
            lines.insert(format!("{name}: state"), one.status.to_owned());
            lines.insert(format!("{name}: owner"), one.owner.to_string());
            lines.insert(format!("{name}: redeployments"), one.redeployments.to_string());
        }
        for one in &self.peers {
            let name = format!("peer {}", one.peer);
            // A peer that does nothing has no lines, so that it is no change where it is first looked at.
            if one.programs > 0 {
                lines.insert(format!("{name}: programs"), one.programs.to_string());
            }
            if one.revocations > 0 {
                lines.insert(format!("{name}: revocations"), one.revocations.to_string());
            }
            if !one.troubles.is_empty() {
                lines.insert(format!("{name}: troubles"), one.troubles.join(", "));
            }
            for held in &one.allocations {
                let key = part("allocation", &held.allocation, held.deployment, held.generation);
                let runs = if held.runs { ", its program runs" } else { "" };
                lines.insert(format!("{name}: {key}"), format!("{}{runs}", held.state));
            }
            for kept in &one.commitments {
                let key = part("commitment for", &kept.allocation, kept.deployment, kept.generation);
                lines.insert(format!("{name}: {key}"), kept.resources.clone());
            }
        }
        lines
    }
}

/// What a peer has of a deployment, in words.
fn part(what: &str, allocation: &str, deployment: Option<u32>, generation: u32) -> String {
    let deployment = deployment.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    format!("{what} {allocation} of deployment {deployment}, generation {generation}")
}

impl World<'_> {
    /// What there is of deployments, allocations and peers, each with a name.
    pub(super) fn state_lines(&self) -> BTreeMap<String, String> {
        let focus = Focus { all: true, ..Focus::default() };
        let held = self.held_by_all();
        let (_, peers) = self.peers_seen(&held, &Focus::default());
        let (_, deployments) = self.deployments_seen(held, &focus);
        let mut lines = Moment { deployments, peers, ..self.nothing_seen() }.lines();
        for (host, member) in self.hosts.iter().zip(self.population.members().iter()) {
            if !host.up {
                lines.insert(format!("peer {}: not up", member.name), state_of(host).to_owned());
            }
        }
        lines
    }
}
