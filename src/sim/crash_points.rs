//! Crash points: moments at which the process of a peer may die, told apart by what is just happening in the protocol.
//!
//! A boundary is passed when a peer handles a message and when a deployment or an allocation changes its state. All of
//! a run are counted and put down ([`CrashPlan::Survey`]); another run of the same setup is the same up to any of them,
//! and has one peer crash there ([`CrashPlan::Crash`]). Runs that ask for neither are not touched. A run that does
//! leaves nothing out (`World::step_by_step`), so that every message has a moment of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::event::PeerId;
use super::setup::Role;
use super::world::World;
use crate::dms::actor::{BehaviourKind, Envelope, Message};
use crate::dms::fact::Fact;
use crate::dms::identity::{EnsembleId, Handle, Inbox};
use crate::dms::outbox::Effects;
use crate::kernel::{Span, Time};

/// What a state is called of which nothing is known.
const NONE: &str = "-";

/// Whether a peer crashes before what happens at a boundary, in the middle of it or after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// Before: the message is lost.
    Before,
    /// Within: what came of it is stored, and nothing of what is to be sent or ordered has left the process.
    Unsent,
    /// After: what came of it is stored, and what is to be sent is on its way.
    After,
}

impl Side {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Unsent => "unsent",
            Self::After => "after",
        }
    }
}

/// What happens at a boundary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// A peer handles a message that calls this behaviour.
    Message(BehaviourKind),
    /// A peer handles the answer to such a message.
    Answer(BehaviourKind),
    /// A deployment changes its state.
    Deployment(&'static str, &'static str),
    /// An allocation does.
    Allocation(&'static str, &'static str),
}

impl What {
    /// The sides on which a peer can crash: what comes before a change of state is another boundary.
    #[must_use]
    pub const fn sides(self) -> &'static [Side] {
        match self {
            Self::Message(_) | Self::Answer(_) => &[Side::Before, Side::Unsent, Side::After],
            Self::Deployment(..) | Self::Allocation(..) => &[Side::Unsent, Side::After],
        }
    }

    /// Whether it is a change of state, at which any peer may crash and not only the one where it happens.
    #[must_use]
    pub const fn is_transition(self) -> bool {
        matches!(self, Self::Deployment(..) | Self::Allocation(..))
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(kind) => f.write_str(kind.template()),
            Self::Answer(kind) => write!(f, "answer to {}", kind.template()),
            Self::Deployment(from, to) => write!(f, "deployment {from} > {to}"),
            Self::Allocation(from, to) => write!(f, "allocation {from} > {to}"),
        }
    }
}

/// A boundary, told apart by what happens and by the states of whom it concerns just before that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Boundary {
    /// The state of the deployment in its orchestrator's books.
    pub deployment: &'static str,
    /// The state of the allocation in its provider's books.
    pub allocation: &'static str,
    /// What happens.
    pub what: What,
}

impl Boundary {
    /// The states in one word: `Running+pending`, `Running`, `-`.
    #[must_use]
    pub fn state(&self) -> String {
        match (self.what, self.allocation) {
            // The change says it.
            (What::Allocation(..), _) | (_, NONE) => self.deployment.to_owned(),
            (_, allocation) => format!("{}+{allocation}", self.deployment),
        }
    }
}

/// One of the times at which a boundary is passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Its number among all moments of the run.
    pub number: u64,
    /// When it is.
    pub at: Time,
}

/// What a peer has to do with the deployments of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// None.
    Bystander,
    /// It bids, and nobody takes its bid.
    Bidder,
    /// Something was placed on it.
    Host,
}

/// A peer of a run.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Its name.
    pub name: Arc<str>,
    /// What its group is for.
    pub role: Role,
    /// What it has to do with the deployments.
    pub part: Part,
}

/// What a run has passed.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// When each peer passed each boundary.
    pub moments: BTreeMap<(Boundary, PeerId), Vec<Moment>>,
    /// All peers, by their numbers.
    pub peers: Vec<Participant>,
    /// Whether the peer that was to crash did: it does not where it is down at the time.
    pub has_crashed: bool,
}

/// One crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// Whose process dies.
    pub peer: PeerId,
    /// The number of the moment.
    pub moment: u64,
    /// On which side of it.
    pub side: Side,
    /// After which time it is started again.
    pub restart: Span,
    /// Whether its machine goes down instead, and its disk is lost.
    pub loses_disk: bool,
}

/// What a run is to do about crash points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CrashPlan {
    /// Put down where they are.
    Survey,
    /// Have a peer crash at one.
    Crash(Crash),
}

/// The crash points of a run.
pub(super) struct CrashPoints {
    plan: CrashPlan,
    /// Moments so far.
    count: u64,
    deployments: BTreeMap<EnsembleId, &'static str>,
    allocations: FxHashMap<Arc<str>, &'static str>,
    /// The requests that wait for an answer, by who asked and the behaviour that takes the answer.
    asked: FxHashMap<(Handle, Box<str>), BehaviourKind>,
    bidders: BTreeSet<PeerId>,
    hosts: BTreeSet<PeerId>,
    passed: Passed,
    /// The crash happens as soon as the event that is being handled is done with.
    is_due: bool,
}

impl CrashPoints {
    fn new(plan: CrashPlan) -> Self {
        Self {
            plan,
            count: 0,
            deployments: BTreeMap::new(),
            allocations: FxHashMap::default(),
            asked: FxHashMap::default(),
            bidders: BTreeSet::new(),
            hosts: BTreeSet::new(),
            passed: Passed::default(),
            is_due: false,
        }
    }

    /// A boundary is passed: the crash that is to happen there.
    fn pass(&mut self, at: Time, peer: PeerId, boundary: Boundary) -> Option<Crash> {
        let number = self.count;
        self.count += 1;
        match self.plan {
            CrashPlan::Survey => {
                let moments = self.passed.moments.entry((boundary, peer)).or_default();
                moments.push(Moment { number, at });
                None
            }
            CrashPlan::Crash(crash) => (crash.moment == number).then_some(crash),
        }
    }

    fn deployment(&self, ensemble: Option<EnsembleId>) -> &'static str {
        ensemble.and_then(|id| self.deployments.get(&id).copied()).unwrap_or(NONE)
    }

    fn allocation(&self, id: &str) -> &'static str {
        self.allocations.get(id).copied().unwrap_or(NONE)
    }

    /// The boundary that a message is, before it is handled.
    fn boundary_of(&mut self, envelope: &Envelope) -> Boundary {
        if let Some(reply_to) = &envelope.reply_to {
            let asked = (Handle::clone(&envelope.from), reply_to.path.as_str().into());
            self.asked.insert(asked, envelope.behaviour.kind);
        }
        let kind = envelope.behaviour.kind;
        let waiting = || {
            let to = envelope.to.as_ref()?;
            self.asked.get(&(Handle::clone(to), envelope.behaviour.path.as_str().into())).copied()
        };
        let answered = if kind == BehaviourKind::ReplyTo { waiting() } else { None };
        let what = answered.map_or(What::Message(kind), What::Answer);
        let allocation = concerned(envelope).map_or(NONE, |id| self.allocation(id));
        Boundary { deployment: self.deployment(envelope.ensemble()), allocation, what }
    }

    /// The boundary that a fact is, if it is one.
    fn boundary_of_fact(&mut self, peer: PeerId, fact: &Fact) -> Option<Boundary> {
        match fact {
            Fact::BidMade(_) => {
                self.bidders.insert(peer);
                None
            }
            Fact::DeploymentStatus { ensemble, status, .. } => {
                let to = status.as_str();
                let from = self.deployments.insert(*ensemble, to).unwrap_or(NONE);
                Some(Boundary { deployment: from, allocation: NONE, what: What::Deployment(from, to) })
            }
            Fact::DeploymentRestored { ensemble, status } => {
                self.deployments.insert(*ensemble, status.as_str());
                None
            }
            Fact::Committed { allocation, .. } => {
                self.hosts.insert(peer);
                Some(self.change(allocation, "committed"))
            }
            Fact::AllocationCreated { allocation, .. } => Some(self.change(allocation, "pending")),
            Fact::AllocationState { allocation, state, .. } => Some(self.change(allocation, state.word())),
            Fact::Released { allocation, .. } => Some(self.change(allocation, "released")),
            _ => None,
        }
    }

    /// An allocation changes its state.
    fn change(&mut self, allocation: &Arc<str>, to: &'static str) -> Boundary {
        let from = self.allocations.insert(Arc::clone(allocation), to).unwrap_or(NONE);
        let ensemble = allocation.split_once('_').and_then(|(id, _)| id.parse().ok());
        let deployment = self.deployment(ensemble);
        Boundary { deployment, allocation: from, what: What::Allocation(from, to) }
    }
}

/// The allocation that a message is about; of several the first.
fn concerned(envelope: &Envelope) -> Option<&str> {
    match &envelope.message {
        Message::Commit(commit) => Some(&commit.allocation),
        Message::Allocate(order) => order.allocations.first().map(|one| &*one.id),
        Message::Revert(undo) | Message::AllocationShutdown(undo) => {
            undo.allocations.first().map(|(id, _)| &**id)
        }
        Message::TaskTermination(end) => Some(&end.allocation),
        Message::Liveness(sign) => Some(&sign.allocation),
        _ => {
            let handles = envelope.to.iter().chain([&envelope.from]);
            handles.into_iter().find_map(|handle| match &handle.inbox {
                Inbox::Allocation(id) => Some(&**id),
                Inbox::Root | Inbox::Ensemble(_) | Inbox::Other(_) => None,
            })
        }
    }
}

impl World<'_> {
    /// Watches from here on which boundaries are passed, and has a peer crash at one if that is the plan.
    pub(super) fn crash_by(&mut self, plan: CrashPlan) {
        self.crash_points = Some(Box::new(CrashPoints::new(plan)));
        self.go_step_by_step();
    }

    /// A peer has got to a message: whether it crashes before it handles it. After that it does by itself.
    #[inline]
    pub(super) fn crashes_before(&mut self, now: Time, peer: PeerId, parcel: u32) -> bool {
        self.crash_points.is_some() && self.pass_message(now, peer, parcel)
    }

    fn pass_message(&mut self, now: Time, peer: PeerId, parcel: u32) -> bool {
        let Self { crash_points: Some(points), parcels, .. } = self else { return false };
        let Some(parcel) = parcels.get(parcel) else { return false };
        let boundary = points.boundary_of(&parcel.envelope);
        let Some(crash) = points.pass(now, peer, boundary) else { return false };
        points.is_due = true;
        if crash.side == Side::Before {
            self.crash_where_due(now);
        }
        crash.side == Side::Before
    }

    /// A peer reports a fact that may be a boundary.
    #[inline]
    pub(super) fn pass_fact(&mut self, now: Time, peer: PeerId, fact: &Fact) {
        if let Some(points) = &mut self.crash_points
            && let Some(boundary) = points.boundary_of_fact(peer, fact)
            && points.pass(now, peer, boundary).is_some()
        {
            points.is_due = true;
        }
    }

    /// What a peer wants sent and ordered is about to be: it is not, if that is how it is to crash.
    #[inline]
    pub(super) fn withhold_where_due(&self, peer: PeerId, effects: &mut Effects) {
        let Some(points) = &self.crash_points else { return };
        let CrashPlan::Crash(crash) = points.plan else { return };
        if points.is_due && crash.side == Side::Unsent && crash.peer == peer {
            effects.sends.clear();
            effects.actions.clear();
        }
    }

    /// An event is done with: if it was at the boundary that is looked for, the crash happens.
    #[inline]
    pub(super) fn crash_where_due(&mut self, now: Time) {
        let Some(points) = &mut self.crash_points else { return };
        let CrashPlan::Crash(crash) = points.plan else { return };
        let host = &self.hosts[crash.peer.0 as usize];
        if std::mem::take(&mut points.is_due) && host.up && !host.crashed {
            points.passed.has_crashed = true;
            self.check_broken(now + crash.restart);
            self.crash(now, crash.peer, crash.restart, crash.loses_disk);
        }
    }

    /// What has been passed so far; nothing where nobody watches.
    pub(super) fn take_passed(&mut self) -> Passed {
        let Some(points) = self.crash_points.take() else { return Passed::default() };
        let members = self.population.members().iter().zip(0..);
        let peers = members.map(|(member, number)| Participant {
            name: Arc::clone(&member.name),
            role: self.setup.groups[member.group].role,
            part: match PeerId(number) {
                peer if points.hosts.contains(&peer) => Part::Host,
                peer if points.bidders.contains(&peer) => Part::Bidder,
                _ => Part::Bystander,
            },
        });
        Passed { peers: peers.collect(), ..points.passed }
    }
}
