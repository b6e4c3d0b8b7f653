//! A moment of a run, as plain data: what there is, what is on its way and what comes next.
//!
//! A run is a function of its setup, so any moment of it can be had again: the run is repeated up to there
//! ([`World::advance`]) and looked at ([`World::moment`]), or taken further event by event ([`Stepping::step`]).
//! Looking changes nothing. What the simulator leaves out of the queue (rounds of supervision, answers that are known
//! beforehand; see `routine`, `late` and `foresight`) is no event here either: its facts appear when they are booked.

mod events;
mod parting;
mod peers;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

pub use self::events::{EventSeen, PendingSeen};
pub use self::parting::{Parted, Parting, part};
pub use self::peers::{AllocationSeen, CommitmentSeen, PeerSeen};
pub use self::steps::{Change, StepTaken, Stepping, Told, changes};
use super::event::{Event, PeerId};
use super::world::{Cargo, World};
use crate::dms::fact::DeploymentStatus;
use crate::kernel::Time;

/// What of a moment is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Focus {
    /// This peer only, and what concerns it.
    pub peer: Option<PeerId>,
    /// These deployments only, by their numbers, and what concerns them.
    pub deployments: Option<Vec<u32>>,
    /// Peers that do nothing too, and deployments that have ended.
    pub all: bool,
    /// At most so many messages and so many pending events.
    pub limit: usize,
}

/// A moment of a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Moment {
    /// The simulated time.
    #[serde(rename = "at_s", serialize_with = "events::seconds")]
    pub at: Time,
    /// Events up to now.
    pub events: u64,
    /// The digest of all facts up to now.
    pub digest: String,
    /// Deployments by their states, all that were asked for.
    pub deployment_counts: BTreeMap<&'static str, u64>,
    /// Deployments that have not ended, or what was asked for.
    pub deployments: Vec<DeploymentSeen>,
    /// Peers by what they are: `up`, `down`, `crashed`, `coming`, `gone`; all of them.
    pub peer_counts: BTreeMap<&'static str, u64>,
    /// Peers that hold, run or orchestrate something, or what was asked for.
    pub peers: Vec<PeerSeen>,
    /// What is wrong with the network now: the faults, by number and word.
    pub conditions: Vec<String>,
    /// Messages on their way, by behaviour.
    pub message_counts: BTreeMap<&'static str, u64>,
    /// The messages that come next.
    pub messages: Vec<MessageSeen>,
    /// Receivers at rest to whom a request for bids is on its way and whose answers are known beforehand.
    pub foreseen: u64,
    /// How many events are pending.
    pub pending_count: u64,
    /// Those that come next.
    pub pending: Vec<PendingSeen>,
}

/// A deployment, as the run knows it from outside.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeploymentSeen {
    /// Its number, as in `deployments.csv`.
    pub deployment: u32,
    /// The ensemble's name.
    pub name: String,
    /// Who orchestrates it now.
    pub owner: Arc<str>,
    /// Its state, in DMS's own word, as its orchestrator has said last.
    pub status: &'static str,
    /// Why it has ended, if it has and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// When it was asked for.
    #[serde(rename = "asked_s", serialize_with = "events::seconds")]
    pub asked: Time,
    /// How often a part of it was moved to another peer.
    pub redeployments: u32,
    /// What peers have of it, whoever they are.
    pub allocations: Vec<AllocationSeen>,
}

/// A message on its way.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MessageSeen {
    /// Who sent it.
    pub from: Arc<str>,
    /// To whom it comes.
    pub to: Arc<str>,
    /// What it asks to call: a path, in which `<id>` stands for that of an ensemble.
    pub behaviour: &'static str,
    /// The number of the deployment that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<u32>,
    /// When it was sent.
    #[serde(rename = "sent_s", serialize_with = "events::seconds")]
    pub sent: Time,
    /// When it comes, or its receiver gets to it; none for a long one, whose transfer depends on others.
    #[serde(rename = "due_s", serialize_with = "optional_seconds")]
    pub due: Option<Time>,
    /// Whether it has come and waits for a worker of its receiver.
    pub has_come: bool,
}

fn optional_seconds<S: serde::Serializer>(at: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Time::as_secs_f64).serialize(serializer)
}

impl World<'_> {
    /// The next event, if the run has one before its end.
    fn take_before_end(&mut self) -> Option<(Time, Event)> {
        if self.has_enough() { None } else { self.take_next(self.end()) }
    }

    /// Whether the run has no event left.
    fn has_ended(&mut self) -> bool {
        self.has_enough() || self.queue.next_time().is_none_or(|at| at > self.end())
    }

    /// Lets an event happen that was taken.
    fn handle(&mut self, at: Time, event: Event) {
        self.step(at, event);
        self.events += 1;
    }

    /// A moment of which nothing was looked at.
    fn nothing_seen(&self) -> Moment {
        Moment {
            at: self.now(),
            events: self.events,
            digest: format!("{:032x}", self.digest()),
            deployment_counts: BTreeMap::new(),
            deployments: Vec::new(),
            peer_counts: BTreeMap::new(),
            peers: Vec::new(),
            conditions: Vec::new(),
            message_counts: BTreeMap::new(),
            messages: Vec::new(),
            foreseen: 0,
            pending_count: 0,
            pending: Vec::new(),
        }
    }

    /// What is wanted of a moment, by the names of a peer and of a deployment, or its number.
    ///
    /// # Errors
    /// Everything that there is not, in words.
    pub fn focus(&self, peer: Option<&str>, deployment: Option<&str>) -> Result<Focus, Vec<String>> {
        let mut wrong = Vec::new();
        let found = peer.and_then(|name| self.population.find(name));
        if let Some(name) = peer
            && found.is_none()
        {
            wrong.push(format!("the run has no peer `{name}`"));
        }
        let asked = self.ledger.deployment_count();
        let deployments = deployment.map(|wanted| match wanted.parse() {
            Ok(number) if number < asked => vec![number],
            _ => (0..asked).filter(|number| self.ledger.name_of(*number) == wanted).collect(),
        });
        if let (Some(wanted), Some([])) = (deployment, deployments.as_deref()) {
            wrong.push(format!(
                "there is no deployment `{wanted}` at {}: {asked} were asked for by then, which are numbered from 0",
                self.now().since(Time::ZERO)
            ));
        }
        if wrong.is_empty() {
            Ok(Focus { peer: found, deployments, all: false, limit: 0 })
        } else {
            Err(wrong)
        }
    }

    /// The moment that has been reached.
    #[must_use]
    pub fn moment(&self, focus: &Focus) -> Moment {
        let held = self.held_by_all();
        let upcoming = self.queue.upcoming();
        let mut message_counts = BTreeMap::new();
        let mut messages = self.messages_under_way(&upcoming);
        for message in &messages {
            *message_counts.entry(message.behaviour).or_default() += 1;
        }
        let wanted_peer = focus.peer.map(|peer| self.population.name_of(peer));
        let is_wanted = |deployment: Option<u32>| {
            let among = |numbers: &Vec<u32>| deployment.is_some_and(|own| numbers.contains(&own));
            focus.deployments.as_ref().is_none_or(among)
        };
        messages.retain(|one| {
            wanted_peer.is_none_or(|peer| one.from == *peer || one.to == *peer) && is_wanted(one.deployment)
        });
        messages.truncate(focus.limit);
        let pending =
            upcoming.iter().map(|(at, event)| PendingSeen { at: *at, event: self.event_seen(event) });
        let pending = pending.filter(|one| {
            wanted_peer.is_none_or(|peer| one.event.peer.as_ref() == Some(peer))
                && is_wanted(one.event.deployment)
        });
        let pending = pending.take(focus.limit).collect();
        let conditions = self.conditions.keys().map(|turn| turn.fault);
        let conditions = conditions.map(|fault| format!("{fault} {}", self.plans.fault(fault).kind()));
        let (peer_counts, peers) = self.peers_seen(&held, focus);
        let (deployment_counts, deployments) = self.deployments_seen(held, focus);
        Moment {
            deployment_counts,
            deployments,
            peer_counts,
            peers,
            conditions: conditions.collect(),
            message_counts,
            messages,
            foreseen: self.foreseen_under_way(),
            pending_count: upcoming.len() as u64,
            pending,
            ..self.nothing_seen()
        }
    }

    /// Deployments by their states, and those that are wanted.
    fn deployments_seen(
        &self,
        held: Vec<AllocationSeen>,
        focus: &Focus,
    ) -> (BTreeMap<&'static str, u64>, Vec<DeploymentSeen>) {
        let mut by_deployment: BTreeMap<u32, Vec<AllocationSeen>> = BTreeMap::new();
        for one in held {
            if let Some(number) = one.deployment {
                by_deployment.entry(number).or_default().push(one);
            }
        }
        let (mut counts, mut deployments) = (BTreeMap::new(), Vec::new());
        for number in 0..self.ledger.deployment_count() {
            let record = self.ledger.record_of(number);
            *counts.entry(record.status.as_str()).or_default() += 1;
            let mut allocations = by_deployment.remove(&number).unwrap_or_default();
            let owner = self.population.name_of(record.orchestrator());
            let is_wanted = match (&focus.deployments, focus.peer) {
                (Some(numbers), _) => numbers.contains(&number),
                (None, Some(peer)) => {
                    let name = self.population.name_of(peer);
                    let holds = allocations.iter().any(|one| one.peer == *name);
                    holds || owner == name && (focus.all || !record.status.is_terminal())
                }
                (None, None) => focus.all || !record.status.is_terminal() || !allocations.is_empty(),
            };
            if is_wanted {
                allocations.sort_by(|a, b| (&a.allocation, &a.peer).cmp(&(&b.allocation, &b.peer)));
                deployments.push(DeploymentSeen {
                    deployment: number,
                    name: self.ledger.name_of(number).to_owned(),
                    owner: Arc::clone(owner),
                    status: record.status.as_str(),
                    reason: record.reason.clone().filter(|_| record.status == DeploymentStatus::Failed),
                    asked: record.submitted,
                    redeployments: record.redeployments,
                    allocations,
                });
            }
        }
        (counts, deployments)
    }

    /// All messages that come to somebody, in the order in which they do; long ones, whose time is open, at the end.
    fn messages_under_way(&self, upcoming: &[(Time, Event)]) -> Vec<MessageSeen> {
        let events = upcoming.iter().filter_map(|(at, event)| match event {
            Event::Arrive { peer, envelope, .. } => Some((*envelope, *peer, Some(*at), false)),
            Event::Dispatch { peer, envelope, .. } => Some((*envelope, *peer, Some(*at), true)),
            _ => None,
        });
        let late =
            self.late.messages().map(|(at, peer, parcel, has_come)| (parcel, peer, Some(at), has_come));
        let mut long: Vec<_> = self.cargo.iter().collect();
        long.sort_by_key(|(flow, _)| **flow);
        let long = long.into_iter().filter_map(|(_, cargo)| match cargo {
            Cargo::Message { peer, envelope, .. } => Some((*envelope, *peer, None, false)),
            Cargo::Image { .. } | Cargo::Data { .. } => None,
        });
        let seen = events.chain(late).chain(long).filter_map(|(parcel, to, due, has_come)| {
            let parcel = self.parcels.get(parcel)?;
            Some(MessageSeen {
                from: Arc::clone(self.population.name_of(parcel.sender)),
                to: Arc::clone(self.population.name_of(to)),
                behaviour: parcel.envelope.behaviour.kind.template(),
                deployment: parcel.envelope.ensemble().and_then(|ensemble| self.ledger.number_of(ensemble)),
                sent: parcel.sent,
                due,
                has_come,
            })
        });
        let mut seen: Vec<_> = seen.collect();
        seen.sort_by_key(|one| one.due.unwrap_or(Time::MAX));
        seen
    }
}
