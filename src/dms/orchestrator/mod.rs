//! An orchestrator: one deployment from the user's request to its end (dms-orchestration sections 1, 2 and 4).
//!
//! A deployment is driven by the phases of its nodes. Whenever nothing is under way, `Deployment::advance` looks
//! at them and begins the next step: bids for nodes without a place, commits for nodes with one, and so on to
//! running. A node that fails falls back to the beginning and takes no other node with it; a node that is lost
//! later does the same, so that recovery is the deployment's own path and not a second one.
//!
//! - `queueing`: waiting for its turn, where a node works on a few at once;
//! - `in_line`: allocations that wait for theirs, where a provider runs a few at once;
//! - `bidding`: rounds, and which bids are kept;
//! - `candidates`: the choice among the bids, and the verification of edges;
//! - `converting`: machines for promises;
//! - `placing`: commit and allocate;
//! - `attempts`: what a failed step takes with it;
//! - `provisioning`: subnet, names, ports, start in dependency order;
//! - `joining`: the orchestrator's own place in the subnet;
//! - `routine`: whether it has nothing to do but to look after what runs;
//! - `running`: supervision, the end of tasks; `in_turn`: supervision as DMS really does it;
//! - `detecting`: who is lost, where DMS's own way is not wanted;
//! - `recovering`: what is done about what fails; `deciding`: tasks that are tried again, and copies of them;
//! - `auditing`: results that are checked;
//! - `ending`: failure, shutdown, and undoing with retries until it is acknowledged;
//! - `updating`: another ensemble for a running deployment;
//! - `registry`: what of it is on disk, and when;
//! - `restoring`: going on after a restart; `succeeding`: in the place of another orchestrator;
//! - `operating`, `logs`: what an operator can ask of it.

mod attempts;
mod auditing;
mod bidding;
mod candidates;
pub mod combining;
mod converting;
mod deciding;
mod detecting;
mod ending;
mod in_line;
mod in_turn;
mod joining;
mod logs;
mod node;
mod operating;
mod placing;
mod provisioning;
mod queueing;
mod recovering;
mod registry;
mod restoring;
mod routine;
mod running;
mod scoring;
mod succeeding;
mod updating;
mod viewing;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use self::attempts::{FailedAttempt, Setbacks};
use self::bidding::Round;
use self::candidates::{Edge, EdgeKey, Search};
use self::detecting::Detection;
use self::ending::Undo;
use self::joining::{OwnPart, OwnStep};
pub(in crate::dms) use self::logs::Log;
pub(in crate::dms) use self::node::{Change, MemberState, Phase, Vote};
use self::node::{Node, address_count, no_room};
use self::operating::Inquiry;
use self::registry::Registry;
use self::succeeding::Succession;
use self::updating::Update;
pub use self::viewing::{HeldToRun, Precaution, Unplaced};
use crate::dms::actor::{Actor, Behaviour, BehaviourKind, EnsembleBehaviours, Envelope, Message};
use crate::dms::alarm::Alarm;
use crate::dms::atlas::Atlas;
use crate::dms::constants::{
    BACKOFF_MIN, GRANT_ORCHESTRATOR_CAPS_FREQUENCY, MIN_ENSEMBLE_DEPLOYMENT_TIME, STALLED_PROVISION_WAIT,
};
use crate::dms::contract::message::ContractRef;
use crate::dms::deputy::DeputyMessage;
use crate::dms::desk::{Answer, Asker, Desk};
use crate::dms::ensemble::{EnsembleConfig, Location};
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::{EnsembleId, Handle};
use crate::dms::outbox::{Owner, Timer};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::scored_bids::ScoredBids;
use crate::dms::subnet::AddressRange;
use crate::dms::supervision::{Detector, Recovery, Tree};
use crate::kernel::{Span, Timestamp};
use crate::placement::Placement;

/// How often an orchestrator renews what it grants: at half of the grants' life.
const RENEWAL_INTERVAL: Span = Span(GRANT_ORCHESTRATOR_CAPS_FREQUENCY.0 / 2);
/// Why a deployment fails of which nothing is left and nothing is to be placed anew.
pub const GIVEN_UP: &str = "every node is lost and none is to be recovered";

/// The choices of a node's operator that every deployment follows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct Strategy {
    /// Which bid a node gets.
    pub placement: Placement,
    /// How bids are compared, where the policy needs more than to draw one (an extension); none = the first eight of a
    /// node are kept, and any candidate is taken, as DMS does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scored_bids: Option<ScoredBids>,
    /// What happens after a failure where the ensemble file does not say.
    pub recovery: Recovery,
    /// How it is noticed that a peer is lost.
    #[serde(skip_serializing_if = "Detector::ticks")]
    pub detector: Detector,
    /// Asks only a part of the providers for bids, of which there are about so many by what is known of the network
    /// (see [`suppression`](crate::dms::suppression)); none = asks all of them.
    pub bid_suppression: Option<u32>,
    /// Works on at most so many deployments of the node's own at once; the others wait (see `dms::peer::queue`). None =
    /// on all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// Of those that wait the highest goes first, and of equals whichever was asked for first. None = 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Asks for bids at most so often for a deployment that has never run, and gives it up then, even before its
    /// deadline. None = as often as there is time. A restart of the node begins to count anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

/// What the owner of one deployment wants otherwise than its node does it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wishes {
    /// What happens after a failure.
    pub recovery: Option<Recovery>,
    /// How it is noticed that a peer is lost.
    pub detector: Option<Detector>,
    /// How soon its turn comes where it has to wait.
    pub priority: Option<u32>,
}

impl Strategy {
    /// With what the owner of a deployment wants otherwise.
    #[must_use]
    pub fn with(mut self, wishes: Wishes) -> Self {
        let forced = self.recovery.forced;
        if let Some(recovery) = wishes.recovery {
            self.recovery = Recovery { forced, ..recovery };
        }
        self.priority = wishes.priority.or(self.priority);
        Self { detector: wishes.detector.unwrap_or(self.detector), ..self }
    }
}

/// A request that was sent and whose reply, or timeout, is to come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    nonce: u64,
    purpose: Purpose,
    node: usize,
    member: usize,
}

/// What a pending request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Edge,
    Convert,
    Commit,
    Allocate,
    Subnet,
    Address,
    Peers,
    Names,
    Port,
    Start,
    Shutdown,
    Reconcile,
    Revert,
    // The following go on beside the steps above and hold none of them up.
    Register,
    Health,
    Restart,
    Undo,
    /// A part of a log; the numbers that come with it are the log's and the generation that printed it.
    Logs,
    /// What an allocation uses, for the inquiry of this number.
    Stats(u32),
    /// A step of the orchestrator's own part in the subnet; it is no node's.
    Own(OwnStep),
    /// Forgetting peers and names; it goes on beside the steps too.
    Forget,
    /// Asking a peer whether it lives.
    Probe,
    /// Asking another one to ask it.
    ProbeByHelper,
    /// Asking the peer of a standby whether it lives.
    Standby,
    /// Showing a provider by whose word this node orchestrates.
    TakeOver,
}

impl Purpose {
    /// Whether the deployment's next step waits for this.
    const fn is_barrier(self) -> bool {
        let is_beside_the_steps = matches!(
            self,
            Self::Register
                | Self::Health
                | Self::Restart
                | Self::Probe
                | Self::ProbeByHelper
                | Self::Standby
                | Self::Forget
        );
        !is_beside_the_steps && !self.outlives_its_node()
    }

    /// Whether the reply is still wanted when the node that it is about starts over or ends.
    const fn outlives_its_node(self) -> bool {
        matches!(self, Self::Undo | Self::Logs | Self::Stats(_))
    }

    /// Whether asking and being answered leaves what runs as it is.
    const fn is_beside_rounds(self) -> bool {
        matches!(self, Self::Undo | Self::Standby)
    }

    /// Whether it is a step of the ensemble's private network.
    const fn is_of_network(self) -> bool {
        matches!(
            self,
            Self::Subnet
                | Self::Address
                | Self::Peers
                | Self::Names
                | Self::Port
                | Self::Own(OwnStep::Create | OwnStep::Join)
        )
    }
}

/// How a request ended.
enum Outcome<'a> {
    Reply(&'a Message),
    Timeout,
}

impl Outcome<'_> {
    /// Why it is not a "yes".
    fn refusal(&self, timeout: Span) -> Option<Arc<str>> {
        match self {
            Self::Reply(Message::Error(reason)) => Some(Arc::clone(reason)),
            Self::Reply(Message::Deputy(_)) => Some("the peer knows another orchestrator".into()),
            Self::Reply(_) => None,
            Self::Timeout => Some(format!("no reply within {timeout}").into()),
        }
    }
}

/// One deployment.
#[derive(Debug)]
pub struct Deployment {
    number: u32,
    id: EnsembleId,
    range: AddressRange,
    config: Arc<EnsembleConfig>,
    actor: Actor,
    behaviours: EnsembleBehaviours,
    strategy: Strategy,
    deadline: Timestamp,
    status: DeploymentStatus,
    /// Whether it waits for its turn.
    is_queued: bool,
    nodes: Vec<Node>,
    round: Option<Round>,
    rounds: u64,
    /// Rounds without enough bids since it last ran, each of which doubles the share of providers that is asked.
    doublings: u32,
    search: Option<Search>,
    edges: Vec<Edge>,
    /// What is known of links, for the attempt that is under way.
    verified: BTreeMap<EdgeKey, bool>,
    atlas: &'static dyn Atlas,
    /// Where the node itself is.
    location: Location,
    /// Set while a pause between attempts runs; its timer carries the number.
    pause: Option<u64>,
    pauses: u64,
    /// Whether the last request for bids carried more than the node's own word.
    vouched: bool,
    backoff: Span,
    /// When the first of the nodes that wait for another try is tried.
    retry: Alarm,
    nonce: u64,
    pending: Vec<Pending>,
    undo: Vec<Undo>,
    undo_count: u32,
    /// The newest generation of each allocation that an update has taken away.
    former_lives: BTreeMap<Arc<str>, u32>,
    /// The highest address that an update has given to an allocation, which may be gone since.
    highest_address: Option<Ipv4Addr>,
    last_failure: Option<(Stage, Arc<str>)>,
    setbacks: Setbacks,
    /// An attempt that has failed as a whole and is being reverted (W22).
    failed_attempt: Option<FailedAttempt>,
    /// Whether it waits for ever, behind a lock that nobody gives back (W6).
    is_hung: bool,
    /// Whether it has ever run.
    supervised: bool,
    /// When its supervisor's timer was begun or ran out last; none where it does not run.
    ticked: Option<Timestamp>,
    /// The allocations that the pass of a supervisor which checks in turn has still before it (W2).
    pass: VecDeque<(usize, usize)>,
    /// Set in a shutdown once the allocations have been asked to end.
    releasing: bool,
    /// Why nodes have not confirmed the end of their allocations in a shutdown.
    unreleased: Vec<Arc<str>>,
    /// Those who asked for its end and wait for it.
    ending_for: Vec<Asker>,
    /// Answers that are ready.
    answers: Vec<(Asker, Answer)>,
    inquiries: Vec<Inquiry>,
    inquiry_count: u32,
    logs: Vec<Log>,
    created: Timestamp,
    /// When it ended, and why.
    ended: Option<(Timestamp, Option<Arc<str>>)>,
    /// Whether its operator has no more interest in it.
    forgotten: bool,
    /// The update under way.
    updating: Option<Update>,
    /// How many updates of it have begun, the one under way once more after each restart.
    update_count: u32,
    registry: Registry,
    /// What its supervisors remember.
    tree: Tree,
    detection: Detection,
    /// Whether it is to ask after its standbys.
    asks_standbys: bool,
    /// The contracts under which it is to run.
    contracts: Arc<[ContractRef]>,
    own: OwnPart,
    succession: Succession,
}

impl Deployment {
    /// A deployment that has not begun; [`Deployment::begin`] does. `range` is what was drawn for its subnet.
    ///
    /// # Errors
    /// Why the ensemble cannot be deployed: its subnet has too few addresses.
    #[expect(clippy::too_many_arguments, reason = "a deployment begins with just that many things")]
    pub(in crate::dms) fn new(
        number: u32,
        id: EnsembleId,
        range: AddressRange,
        config: Arc<EnsembleConfig>,
        pins: &[Option<Arc<Handle>>],
        actor: Actor,
        strategy: Strategy,
        atlas: &'static dyn Atlas,
        expire: Timestamp,
    ) -> Result<Self, Arc<str>> {
        let recovery = &strategy.recovery;
        let config = recovery.fit(config);
        let nodes = Node::all(id, range, &config, recovery, pins)?;
        if address_count(&config, recovery) > AddressRange::CAPACITY {
            return Err(no_room(range, &config, recovery));
        }
        let edges = Edge::all(&config, nodes.iter().map(|node| &node.name));
        Ok(Self {
            number,
            id,
            range,
            behaviours: EnsembleBehaviours::new(id),
            config,
            actor,
            strategy,
            deadline: expire - MIN_ENSEMBLE_DEPLOYMENT_TIME,
            status: DeploymentStatus::Preparing,
            is_queued: false,
            nodes,
            round: None,
            rounds: 0,
            doublings: 0,
            search: None,
            edges,
            verified: BTreeMap::new(),
            atlas,
            location: Location::default(),
            pause: None,
            pauses: 0,
            vouched: true,
            backoff: BACKOFF_MIN,
            retry: Alarm::default(),
            nonce: 0,
            pending: Vec::new(),
            undo: Vec::new(),
            undo_count: 0,
            former_lives: BTreeMap::new(),
            highest_address: None,
            last_failure: None,
            setbacks: Setbacks::default(),
            failed_attempt: None,
            is_hung: false,
            supervised: false,
            ticked: None,
            pass: VecDeque::new(),
            releasing: false,
            unreleased: Vec::new(),
            ending_for: Vec::new(),
            answers: Vec::new(),
            inquiries: Vec::new(),
            inquiry_count: 0,
            logs: Vec::new(),
            created: Timestamp::ZERO,
            ended: None,
            forgotten: false,
            updating: None,
            update_count: 0,
            registry: Registry::default(),
            tree: Tree::default(),
            detection: Detection::default(),
            asks_standbys: false,
            contracts: Arc::default(),
            own: OwnPart::default(),
            succession: Succession::default(),
        })
    }

    /// The same under these contracts.
    pub(in crate::dms) fn under(self, contracts: Arc<[ContractRef]>) -> Self {
        Self { contracts, ..self }
    }

    /// The same of a node that is here.
    pub(in crate::dms) fn at(self, location: Location) -> Self {
        Self { location, ..self }
    }

    /// The ensemble's id.
    #[must_use]
    pub const fn id(&self) -> EnsembleId {
        self.id
    }

    /// Its state.
    #[must_use]
    pub const fn status(&self) -> DeploymentStatus {
        self.status
    }

    /// Its actor's handle.
    pub(in crate::dms) const fn handle(&self) -> &Arc<Handle> {
        &self.actor.handle
    }

    /// Starts the deployment, or has it wait for its turn.
    pub(in crate::dms) fn begin(&mut self, desk: &mut Desk<'_, '_>, has_to_wait: bool) {
        desk.fact(Fact::DeploymentAccepted(self.id));
        self.created = desk.now;
        if has_to_wait {
            self.queue(desk);
        }
        self.set_status(desk, DeploymentStatus::Preparing, None);
        desk.timer(self.deadline.since(desk.now), Timer::Deadline(self.number));
        if !has_to_wait {
            self.set_off(desk);
        }
    }

    /// Begins the next step, if nothing is under way that it must wait for.
    ///
    /// A first deployment is all or nothing: no node goes on before every node has a place. When lost nodes are
    /// replaced, those that have a place go on while others still look for one.
    fn advance(&mut self, desk: &mut Desk<'_, '_>) {
        if self.status.is_terminal() || self.is_waiting() || self.succession.rests() {
            return;
        }
        if self.status == DeploymentStatus::ShuttingDown {
            return self.go_on_shutting_down(desk);
        }
        if self.failed_attempt.is_some() {
            return self.end_failed_attempt(desk);
        }
        if self.search.is_some() {
            return self.go_on_searching(desk);
        }
        if self.nodes.iter().all(|node| node.phase == Phase::Idle && !node.forgotten && !node.is_decided) {
            return self.fail(desk, GIVEN_UP.into());
        }
        let unplaced = self.nodes.iter().any(Node::wants_place);
        let next = self.next_step();
        if self.is_to_join(next) {
            return self.go_on_joining(desk);
        }
        if unplaced && (next.is_none() || self.status != DeploymentStatus::Updating) {
            if self.round.is_none() && self.pause.is_none() {
                self.open_round(desk);
            }
            return;
        }
        match next {
            // What has started waits for what is to start when its turn comes, and for a part that is tried again.
            None if self.is_in_line() || self.nodes.iter().any(Node::is_part_to_come) => {}
            None => self.run(desk),
            Some(Phase::Promised) => self.convert(desk),
            Some(Phase::Chosen) => self.commit(desk),
            Some(Phase::Committed) => self.allocate(desk),
            Some(_) => self.provision(desk),
        }
    }

    /// The phases of the nodes that have a place.
    fn placed(&self) -> impl Iterator<Item = Phase> {
        self.nodes
            .iter()
            .map(|node| node.phase)
            .filter(|phase| !matches!(phase, Phase::Unplaced | Phase::Idle))
    }

    /// Where the step after this one begins; none when there is nothing to do but to wait or to run.
    fn next_step(&self) -> Option<Phase> {
        let nodes = self.nodes.iter().filter(|node| !node.is_in_line());
        let phases = nodes.map(|node| node.phase);
        phases
            .filter(|phase| !matches!(phase, Phase::Unplaced | Phase::Idle) && *phase < Phase::Started)
            .min()
    }

    fn is_waiting(&self) -> bool {
        self.is_hung || self.is_queued || self.pending.iter().any(|pending| pending.purpose.is_barrier())
    }

    fn set_status(&mut self, desk: &mut Desk<'_, '_>, status: DeploymentStatus, reason: Option<Arc<str>>) {
        // A deployment that replaces lost nodes stays Updating through all of its steps.
        let status = match (self.status, status) {
            (
                DeploymentStatus::Updating,
                DeploymentStatus::Preparing | DeploymentStatus::Committing | DeploymentStatus::Provisioning,
            ) => return,
            _ => status,
        };
        self.status = status;
        if status.is_terminal() {
            self.ended = Some((desk.now, reason.clone()));
        }
        self.save_status(desk);
        desk.fact(Fact::DeploymentStatus { ensemble: self.id, status, reason });
    }

    /// Sends to the peer or actor at `to` and notes what for.
    #[expect(
        clippy::too_many_arguments,
        reason = "a request is just that many things, all of different types"
    )]
    fn ask(
        &mut self,
        desk: &mut Desk<'_, '_>,
        to: &Arc<Handle>,
        behaviour: Behaviour,
        message: Message,
        timeout: Span,
        purpose: Purpose,
        (node, member): (usize, usize),
    ) {
        let owner = Owner::Deployment(self.number);
        let wait = if purpose.is_of_network() && desk.security.profile.has(Weakness::StalledProvisioning) {
            STALLED_PROVISION_WAIT
        } else {
            timeout
        };
        let nonce = desk.invoke_for(&mut self.actor, owner, to, behaviour, message, (timeout, wait));
        self.pending.push(Pending { nonce, purpose, node, member });
    }

    /// What the reply to the message of this nonce is waited for, if it still is.
    fn awaited(&self, nonce: u64) -> Option<Purpose> {
        self.pending.iter().find(|pending| pending.nonce == nonce).map(|pending| pending.purpose)
    }

    /// Whether the actor has this behaviour now.
    pub(in crate::dms) fn has_behaviour(&self, profile: Profile, envelope: &Envelope) -> bool {
        match envelope.behaviour.kind {
            // Providers that ask whether they are still wanted are told to wait: whoever has it tells them.
            kind if self.succession.rests() => kind == BehaviourKind::DeploymentState,
            BehaviourKind::ReplyTo => {
                envelope.behaviour.reply_nonce().is_some_and(|nonce| self.awaited(nonce).is_some())
            }
            BehaviourKind::Bid => self.round.is_some(),
            BehaviourKind::DeploymentState => self.answers_providers(profile.has(Weakness::HastyDestruction)),
            // A deployment that has ended still tells allocations that it finds alive to stop, and providers that they
            // have told it enough.
            BehaviourKind::AllocationLiveness => {
                !self.status.is_terminal() || !profile.has(Weakness::Orphans)
            }
            BehaviourKind::TaskTermination => {
                !self.status.is_terminal() || !profile.has(Weakness::UnacknowledgedEnd)
            }
            _ => false,
        }
    }

    /// Handles a message to the deployment's actor.
    pub(in crate::dms) fn handle_message(&mut self, desk: &mut Desk<'_, '_>, envelope: &Envelope) {
        match (&envelope.behaviour.kind, &envelope.message) {
            (BehaviourKind::Bid, Message::Bid(bid)) => self.handle_bid(desk, envelope, bid),
            (BehaviourKind::TaskTermination, Message::TaskTermination(end)) => {
                self.handle_termination(desk, envelope, end);
            }
            (BehaviourKind::AllocationLiveness, Message::Liveness(report)) => {
                self.handle_liveness(desk, envelope, report);
            }
            (BehaviourKind::DeploymentState, Message::DeploymentState(allocations)) => {
                self.handle_state_query(desk, envelope, allocations);
            }
            (BehaviourKind::ReplyTo, message) => {
                if let Message::Deputy(said) = message
                    && let DeputyMessage::Superseded(mandate) = &**said
                {
                    self.hear_refusal(desk, &envelope.from.host, mandate);
                }
                if let Some(nonce) = envelope.behaviour.reply_nonce() {
                    self.resolve(desk, nonce, &Outcome::Reply(message));
                }
            }
            _ => {}
        }
    }

    /// Handles a timer of this deployment.
    pub(in crate::dms) fn handle_timer(&mut self, desk: &mut Desk<'_, '_>, timer: Timer) {
        if self.succession.rests() {
            return;
        }
        match timer {
            // Nothing happens if the reply has come meanwhile.
            Timer::Reply(_, nonce) => self.resolve(desk, nonce, &Outcome::Timeout),
            Timer::Round(_, round) => self.handle_round_end(desk, round),
            Timer::Backoff(_, pause) => self.handle_pause_end(desk, pause),
            Timer::Deadline(_) => self.handle_deadline(desk),
            Timer::Supervise(_) => self.supervise(desk),
            Timer::RenewProviders(_) => self.renew_providers(desk),
            Timer::Undo(_, undo) => self.send_undo(desk, undo),
            Timer::Follow(_, log) => self.follow(desk, log),
            Timer::TaskMonitor(_) => self.look_for_tasks(desk),
            Timer::UpdateDeadline(_, update) => self.handle_update_deadline(desk, update),
            Timer::Retry(_) => self.end_pauses(desk),
            Timer::Detect(_) => self.detect(desk),
            Timer::Standbys(_) => self.look_after_standbys(desk),
            Timer::Announce(_) => self.announce_again(desk),
            Timer::Hello(_)
            | Timer::CompareRevocations
            | Timer::Beat
            | Timer::WatchPrincipals
            | Timer::Farewell(_)
            | Timer::ForgetLog(_)
            | Timer::Contracts
            | Timer::Machines
            | Timer::RenewOrchestrators
            | Timer::RegrantHealthChecks(_)
            | Timer::Sweep
            | Timer::Confirm(_)
            | Timer::Heartbeat(_)
            | Timer::Terminate(_) => {}
        }
    }

    fn resolve(&mut self, desk: &mut Desk<'_, '_>, nonce: u64, outcome: &Outcome<'_>) {
        let Some(place) = self.pending.iter().position(|pending| pending.nonce == nonce) else { return };
        let pending = self.pending.swap_remove(place);
        if matches!(outcome, Outcome::Reply(_)) {
            self.write_status_map(desk, pending.purpose);
        }
        match pending.purpose {
            Purpose::Edge => self.resolve_edge(desk, pending, outcome),
            Purpose::Convert => self.resolve_conversion(desk, pending, outcome),
            Purpose::Commit | Purpose::Allocate => self.resolve_placing(desk, pending, outcome),
            Purpose::Subnet
            | Purpose::Address
            | Purpose::Peers
            | Purpose::Names
            | Purpose::Port
            | Purpose::Start => self.resolve_provisioning(desk, pending, outcome),
            Purpose::Shutdown => self.resolve_shutdown(pending, outcome),
            Purpose::Revert => self.resolve_revert(desk, pending, outcome),
            Purpose::Undo => self.resolve_undo(desk, pending, outcome),
            Purpose::Logs => self.resolve_logs(desk, pending, outcome),
            Purpose::Stats(inquiry) => self.resolve_stats(desk, pending, inquiry, outcome),
            Purpose::Own(step) => self.resolve_own(desk, step, outcome),
            // Who has missed it knows a name that leads nowhere, which is no reason to do anything about it.
            Purpose::Forget => {}
            Purpose::Reconcile => self.resolve_reconciliation(desk, pending, outcome),
            Purpose::Register | Purpose::Health | Purpose::Restart => {
                self.resolve_supervision(desk, pending, outcome);
            }
            Purpose::Probe | Purpose::ProbeByHelper => self.resolve_probe(desk, pending, outcome),
            Purpose::Standby => self.resolve_standby(desk, pending, outcome),
            Purpose::TakeOver => self.resolve_take_over(desk, pending, outcome),
        }
        if pending.purpose.is_barrier() {
            self.advance(desk);
        }
    }

    /// The node and the member of it that carry this full allocation id.
    fn find(&self, allocation: &str) -> Option<(usize, usize)> {
        self.nodes.iter().enumerate().find_map(|(index, node)| {
            let member = node.members.iter().position(|member| &*member.id == allocation)?;
            Some((index, member))
        })
    }

    /// Grants the providers of this deployment what they need to report, for another five minutes.
    pub(super) fn renew_providers(&mut self, desk: &mut Desk<'_, '_>) {
        if self.status.is_terminal() {
            return;
        }
        let places: Vec<Arc<Handle>> = self
            .nodes
            .iter()
            .filter(|node| node.phase.has_allocations())
            .filter_map(|node| node.place.clone())
            .collect();
        for place in places {
            self.grant_provider(desk, &place);
        }
        if !desk.security.profile.has(Weakness::LapsingOrchestratorGrants) {
            desk.timer(RENEWAL_INTERVAL, Timer::RenewProviders(self.number));
        }
    }

    fn grant_provider(&self, desk: &mut Desk<'_, '_>, provider: &Handle) {
        let audience = self.actor.handle.id.did();
        let capability = &self.behaviours.orchestrator;
        desk.grant(&provider.did, &audience, capability, GRANT_ORCHESTRATOR_CAPS_FREQUENCY);
    }
}
