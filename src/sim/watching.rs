//! What an onlooker of a run sees of its machines, moment by moment: who comes and goes, and what begins and ends
//! there.
//!
//! The tables of a run add up; whoever measures single spans (docs/oracles.md) needs the moments. Watching changes
//! nothing of the run.

use std::collections::BTreeSet;

use super::event::PeerId;
use super::world::World;
use crate::dms::actor::{AllocationState, Printed};
use crate::dms::fact::{DeploymentStatus, Fact, Judgement, Stage};
use crate::dms::identity::PeerId as Host;
use crate::kernel::{Span, Time};

/// Something that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// When.
    pub at: Time,
    /// On which peer.
    pub peer: PeerId,
    /// What.
    pub what: Sight,
}

/// What can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// The peer is up from now on.
    Up,
    /// The peer is down from now on, and with its machine what ran there.
    Down,
    /// A program is up: in the slot of its allocation, which stays the same when it starts again.
    Began {
        /// The slot, unlike that of any other allocation of the peer.
        slot: u32,
    },
    /// A program has saved a checkpoint.
    Saved {
        /// The slot.
        slot: u32,
        /// How much of its work the checkpoint holds.
        progress: Span,
    },
    /// A program has ended by itself.
    Ended {
        /// The slot.
        slot: u32,
    },
    /// A deployment was asked for and accepted; the peer is the orchestrator.
    Asked,
    /// A supervisor holds an allocation of this deployment to be in trouble; the peer is the supervisor's.
    Suspected {
        /// The number of the deployment, in the order in which they were asked for.
        deployment: u32,
    },
    /// Copies of a deployment's tasks have voted; the peer is the orchestrator.
    Decided {
        /// The number of the deployment.
        deployment: u32,
        /// How many agree on what was decided.
        agreed: u32,
        /// Out of how many that have voted.
        votes: u32,
        /// Whether no liar has told that.
        is_right: bool,
    },
    /// The peer has made a bid for this deployment.
    Bids {
        /// The number of the deployment.
        deployment: u32,
    },
    /// Somebody with a price has won a node of this deployment; the peer is the orchestrator.
    Awarded {
        /// The number of the deployment.
        deployment: u32,
        /// What the winner will be paid, in millionths per hour.
        paid_micro_per_h: u64,
    },
    /// A machine holds an allocation of this deployment and lets it wait for its turn; the peer is the machine's.
    Queued {
        /// The number of the deployment.
        deployment: u32,
    },
    /// An allocation of this deployment runs by the books of its provider, which is the peer.
    Runs {
        /// The number of the deployment.
        deployment: u32,
    },
    /// A task of this deployment has ended without an error by the books of its provider, which is the peer.
    Done {
        /// The number of the deployment.
        deployment: u32,
    },
    /// A step of this deployment was refused; the peer is who says so.
    Refused {
        /// The number of the deployment.
        deployment: u32,
        /// Which step.
        stage: Stage,
    },
    /// A deployment has ended well by the books of its orchestrator, which is the peer.
    Completed {
        /// The number of the deployment.
        deployment: u32,
    },
    /// An orchestrator has taken what it was told for the result of a task; the peer is the orchestrator's.
    Took {
        /// Who told it.
        provider: PeerId,
    },
    /// An orchestrator has found a result to be wrong; the peer is the orchestrator's.
    Caught {
        /// Who told it.
        provider: PeerId,
    },
}

/// What an onlooker has seen and not told yet, and knows.
#[derive(Debug, Default)]
pub(super) struct Onlooker {
    sightings: Vec<Sighting>,
    /// What liars have told in place of results.
    lies: BTreeSet<Printed>,
}

impl World<'_> {
    /// Begins to watch. What is up by now is seen first.
    pub fn watch(&mut self) {
        let at = self.queue.now();
        let up = self.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        let seen = up.map(|(_, number)| Sighting { at, peer: PeerId(number), what: Sight::Up });
        self.onlooker = Some(Onlooker { sightings: seen.collect(), lies: BTreeSet::new() });
    }

    /// What was seen since the last time; nothing when nobody watches.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        self.onlooker.as_mut().map(|onlooker| std::mem::take(&mut onlooker.sightings)).unwrap_or_default()
    }

    /// Puts down what a peer has seen of another one, if somebody watches.
    pub(super) fn shows_of(&mut self, at: Time, peer: PeerId, of: &Host, what: fn(PeerId) -> Sight) {
        if self.onlooker.is_some()
            && let Some(other) = self.directory.find(of)
        {
            self.shows(at, peer, what(other));
        }
    }

    /// Puts down something that can be seen, if somebody watches.
    pub(super) fn shows(&mut self, at: Time, peer: PeerId, what: Sight) {
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.sightings.push(Sighting { at, peer, what });
        }
    }

    /// Puts down what a fact shows, if somebody watches.
    pub(super) fn shows_fact(&mut self, at: Time, peer: PeerId, fact: &Fact) {
        let Some(onlooker) = &self.onlooker else { return };
        if let Fact::ResultChecked { provider, judgement: Judgement::Wrong, .. } = fact {
            return self.shows_of(at, peer, provider, |provider| Sight::Caught { provider });
        }
        if matches!(fact, Fact::DeploymentAccepted(_)) {
            return self.shows(at, peer, Sight::Asked);
        }
        let Some(deployment) = self.ledger.deployment_of_fact(fact) else { return };
        let what = match fact {
            Fact::BidMade(_) => Sight::Bids { deployment },
            Fact::NodeAwarded { paid_micro_per_h, .. } => {
                Sight::Awarded { deployment, paid_micro_per_h: *paid_micro_per_h }
            }
            Fact::Suspected { .. } => Sight::Suspected { deployment },
            Fact::AllocationState { state: AllocationState::Queued, .. } => Sight::Queued { deployment },
            Fact::AllocationState { state: AllocationState::Running, .. } => Sight::Runs { deployment },
            Fact::AllocationState { state: AllocationState::Completed, .. } => Sight::Done { deployment },
            Fact::StageFailed { stage, .. } => Sight::Refused { deployment, stage: *stage },
            Fact::DeploymentStatus { status: DeploymentStatus::Completed, .. } => {
                Sight::Completed { deployment }
            }
            Fact::ResultDecided { results, agreed, votes, .. } => {
                let is_right = !results.iter().any(|printed| onlooker.lies.contains(printed));
                Sight::Decided { deployment, agreed: *agreed, votes: *votes, is_right }
            }
            _ => return,
        };
        self.shows(at, peer, what);
    }

    /// Notes what a liar tells in place of a result, if somebody watches.
    pub(super) fn note_lie(&mut self, told: &Printed) {
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.lies.insert(told.clone());
        }
    }
}
