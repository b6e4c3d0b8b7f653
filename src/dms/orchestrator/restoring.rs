//! What an orchestrator does with its deployments after its process has started again (dms-orchestration section
//! 4.5).
//!
//! Every deployment comes back with its actor and its behaviours. What had ended goes on undoing; what was shutting
//! down completes; what had not come to run by its deadline fails and says why. Of the rest, each node that had been
//! promised something is reconciled with what its provider reports: one whose allocations all run is taken as it is,
//! one that was in the middle of things is undone and placed anew as another generation, and one that ran and does
//! not answer is its supervisor's matter. Until the providers have answered, the deployment answers "wait" to those
//! who ask whether it still wants what they have (the intended side of W23).
//!
//! The real DMS trusts what it has stored, does nothing for a deployment that was preparing, takes tasks that have not
//! started for tasks that have ended (W14), and forgets what was shutting down (W20).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attempts::Setbacks;
use super::candidates::Edge;
use super::detecting::Detection;
use super::joining::OwnPart;
use super::node::{Member, MemberState, Node};
use super::registry::Registry;
use super::succeeding::Succession;
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{EnsembleBehaviours, Envelope, Message};
use crate::dms::alarm::Alarm;
use crate::dms::atlas::Atlas;
use crate::dms::constants::{BACKOFF_MIN, MONITOR_ONLY_TASK_MANIFEST_INTERVAL, RECONCILE_TIMEOUT};
use crate::dms::desk::Desk;
use crate::dms::ensemble::Location;
use crate::dms::ensemble::{AllocationKind, EnsembleConfig};
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::{EnsembleId, Handle};
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::store::{DeploymentRecord, MemberRecord, NodeRecord};
use crate::dms::supervision::Tree;
use crate::kernel::Timestamp;

impl Deployment {
    /// A deployment as it was stored; [`Deployment::resume`] goes on with it.
    pub(in crate::dms) fn restored(
        number: u32,
        record: DeploymentRecord,
        atlas: &'static dyn Atlas,
        now: Timestamp,
    ) -> Self {
        let succession = Succession::restored(record.mandate, record.successor, record.is_end_told);
        let restored = |(index, node)| {
            let first_generation = succession.first_generation();
            Node { first_generation, ..restored_node(record.id, &record.config, index, node, now) }
        };
        let nodes: Vec<Node> = record.nodes.into_iter().enumerate().map(restored).collect();
        let edges = Edge::all(&record.config, nodes.iter().map(|node| &node.name));
        let mut deployment = Self {
            number,
            id: record.id,
            range: record.range,
            behaviours: EnsembleBehaviours::new(record.id),
            config: record.config,
            actor: record.actor.revived(now, number as usize),
            strategy: record.strategy,
            contracts: Arc::default(),
            deadline: record.deadline,
            status: record.status,
            is_queued: record.is_queued,
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
            nonce: record.nonce,
            pending: Vec::new(),
            undo: Vec::new(),
            undo_count: 0,
            former_lives: record.former_lives,
            highest_address: record.highest_address,
            last_failure: None,
            setbacks: Setbacks::default(),
            failed_attempt: None,
            is_hung: false,
            supervised: record.supervised,
            ticked: None,
            pass: std::collections::VecDeque::new(),
            releasing: false,
            unreleased: Vec::new(),
            ending_for: Vec::new(),
            answers: Vec::new(),
            inquiries: Vec::new(),
            inquiry_count: 0,
            logs: record.logs,
            created: record.created,
            ended: record.ended,
            forgotten: record.forgotten,
            updating: None,
            update_count: record.update_count,
            registry: Registry::after_restart(),
            tree: Tree::default(),
            detection: Detection::default(),
            asks_standbys: false,
            own: OwnPart::to_join_again_at(record.own_address),
            succession,
        };
        for (place, allocations) in record.undo {
            deployment.note_undo(place, allocations);
        }
        deployment.note_update(record.update);
        deployment
    }

    /// Goes on after the restart, by the status that was stored.
    pub(in crate::dms) fn resume(&mut self, desk: &mut Desk<'_, '_>) {
        if self.succession.successor().is_some() {
            return;
        }
        desk.fact(Fact::DeploymentRestored { ensemble: self.id, status: self.status });
        self.take_up(desk);
    }

    /// Takes it up, by the status that was stored.
    pub(super) fn take_up(&mut self, desk: &mut Desk<'_, '_>) {
        self.save_status(desk);
        self.resume_undo(desk);
        match self.status {
            DeploymentStatus::Failed | DeploymentStatus::Completed => {}
            // Not restorable: what its providers hold stays with them.
            DeploymentStatus::ShuttingDown if desk.security.profile.has(Weakness::Orphans) => {}
            DeploymentStatus::ShuttingDown => {
                // What has not acknowledged its release is undone, with retries, as it completes.
                self.releasing = true;
                self.advance(desk);
            }
            _ if self.is_queued && self.deadline > desk.now => self.wait_on(desk),
            // Nothing is redone, and nobody looks at the deadline: it stays so for ever.
            DeploymentStatus::Preparing
                if !self.is_queued && desk.security.profile.has(Weakness::FalselyCompleted) => {}
            _ if self.is_early() && self.deadline <= desk.now => {
                let reason = "failed to restore: its deadline passed while the orchestrator was down";
                self.fail(desk, reason.into());
            }
            _ => self.go_on(desk),
        }
    }

    /// Whether it has never run.
    pub(super) const fn is_early(&self) -> bool {
        matches!(
            self.status,
            DeploymentStatus::Preparing | DeploymentStatus::Committing | DeploymentStatus::Provisioning
        )
    }

    fn go_on(&mut self, desk: &mut Desk<'_, '_>) {
        desk.timer(self.deadline.since(desk.now), Timer::Deadline(self.number));
        self.renew_providers(desk);
        self.resume_update(desk);
        if self.supervised {
            self.ticked = None;
            self.begin_to_tick(desk);
            self.watch_on(desk);
            self.watch_standbys(desk);
        }
        if self.is_early() && desk.security.profile.has(Weakness::FalselyCompleted) {
            desk.timer(MONITOR_ONLY_TASK_MANIFEST_INTERVAL, Timer::TaskMonitor(self.number));
        }
        let trusting = desk.security.profile.has(Weakness::SkippedStatus);
        for index in 0..self.nodes.len() {
            // Whom it suspected it does not know any more, and nobody would give back what it has prepared.
            self.give_back_precaution(desk, index);
        }
        for index in 0..self.nodes.len() {
            match self.nodes[index].phase {
                // It was to be tried again after a pause, which has ended with the process.
                Phase::Unplaced if self.status == DeploymentStatus::Running => self.place_anew(desk, index),
                Phase::Unplaced | Phase::Idle => {}
                _ if self.is_unannounced(index) => self.announce(desk, index),
                Phase::Started if trusting => {}
                Phase::Promised | Phase::Chosen | Phase::Committed => {
                    self.fall_back(desk, index, Stage::Commit);
                }
                _ if trusting => self.fall_back(desk, index, Stage::Provision),
                _ => self.reconcile(desk, index),
            }
        }
        self.advance(desk);
    }

    /// Asks a node's provider what it has of this deployment.
    pub(super) fn reconcile(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let (host, behaviour) = (self.nodes[index].host(), self.behaviours.allocation_states.clone());
        let timeout = RECONCILE_TIMEOUT;
        self.ask(desk, &host, behaviour, Message::Query, timeout, Purpose::Reconcile, (index, 0));
    }

    /// The provider has said what it has, or has not answered in time.
    pub(super) fn resolve_reconciliation(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let early = self.is_early();
        let node = &mut self.nodes[pending.node];
        let states = match outcome {
            Outcome::Reply(Message::AllocationStates(states)) => Some(&**states),
            _ => None,
        };
        if node.phase == Phase::Started && !early {
            let Some(states) = states else { return };
            // Of a task that has ended its peer says so as well.
            let lost =
                |member: &Member| member.state == MemberState::Running && member.told_in(states).is_none();
            let replaces = !desk.security.profile.has(Weakness::InTurnSupervision);
            if replaces && node.members.iter().any(lost) {
                self.recover_node(desk, pending.node, "its peer has lost an allocation");
            }
            return;
        }
        // A standby does not run; it has to be there.
        if let (Phase::Standby, Some(states)) = (node.phase, states)
            && node.members.iter().all(|member| member.told_in(states).is_some())
        {
            return;
        }
        let states = states.unwrap_or_default();
        if node.goes_on_waiting(states, desk.now) {
            return self.begin_to_tick(desk);
        }
        let runs = |member: &Member| {
            matches!(member.resumed_as(states), Some(MemberState::Running | MemberState::Ended(_)))
        };
        if !node.members.iter().all(runs) {
            return self.fall_back(desk, pending.node, Stage::Provision);
        }
        // All of it has started, and only the answer was lost.
        node.phase = Phase::Started;
        for member in node.members.iter_mut().filter(|member| !member.state.has_ended()) {
            member.state = MemberState::Running;
            member.watch.reset(desk.now);
        }
    }

    /// A node that was in the middle of things when the process ended: what it may have is undone, and it begins
    /// anew. Its peer has done nothing wrong and may bid again; a pause lets the undo come first, which makes the peer
    /// forget its bids.
    pub(super) fn fall_back(&mut self, desk: &mut Desk<'_, '_>, index: usize, stage: Stage) {
        let reason = format!("node {}: the orchestrator was restarted", self.nodes[index].name).into();
        desk.fact(Fact::StageFailed { ensemble: self.id, stage, reason: Arc::clone(&reason) });
        self.last_failure = Some((stage, reason));
        self.take_away(desk, index);
        if self.status == DeploymentStatus::Running {
            // The rest of it runs: it is a node that was lost.
            self.place_anew(desk, index);
        }
        if self.pause.is_none() {
            self.pause(desk);
        }
    }

    /// The poll of a deployment that was restored before it ran. To the real DMS a task that does not run has ended,
    /// one that was never started among them (W14).
    pub(super) fn look_for_tasks(&mut self, desk: &mut Desk<'_, '_>) {
        if self.status.is_ending() {
            return;
        }
        let mut members = self.nodes.iter().flat_map(|node| &node.members);
        let ended = |state| state != MemberState::Running;
        if members.all(|member| member.config.kind == AllocationKind::Task && ended(member.state)) {
            return self.complete(desk, None);
        }
        if self.is_early() {
            desk.timer(MONITOR_ONLY_TASK_MANIFEST_INTERVAL, Timer::TaskMonitor(self.number));
        }
    }

    /// Whether providers may ask what is wanted of them. The real DMS does not register this behaviour for a deployment
    /// that it has restored (W23).
    pub(super) const fn answers_providers(&self, hasty: bool) -> bool {
        !(hasty && self.registry.is_restored())
    }

    /// A provider that has started again, or has not heard from here for long, asks whether these allocations are
    /// still wanted. What is not is undone.
    pub(super) fn handle_state_query(
        &mut self,
        desk: &mut Desk<'_, '_>,
        envelope: &Envelope,
        allocations: &[(Arc<str>, u32)],
    ) {
        let is_open = |pending: &Pending| matches!(pending.purpose, Purpose::Reconcile | Purpose::TakeOver);
        if self.succession.rests() || self.pending.iter().any(is_open) {
            return desk.reply(&mut self.actor, envelope, Message::Wait);
        }
        let host = envelope.from.host;
        let (wanted, unwanted): (Vec<_>, Vec<_>) =
            allocations.iter().cloned().partition(|(id, generation)| self.wants(id, *generation, &host));
        if wanted.is_empty() {
            let answer = Message::Error("the deployment does not want it any more".into());
            return desk.reply(&mut self.actor, envelope, answer);
        }
        desk.reply(&mut self.actor, envelope, Message::Ok);
        for allocation in unwanted {
            self.undo_reported(desk, Arc::new(Handle::root(host.0)), allocation);
        }
    }
}

/// A node as it was stored.
fn restored_node(
    id: EnsembleId,
    config: &EnsembleConfig,
    index: usize,
    stored: NodeRecord,
    now: Timestamp,
) -> Node {
    let names = (&stored.name, &stored.entry);
    let member = |member: &MemberRecord| Member::new(id, config, names, &member.name, member.address);
    let mut node = Node::of(config, names, stored.members.iter().map(member).collect());
    node.refit(index, config);
    for (member, stored) in node.members.iter_mut().zip(stored.members) {
        member.generation = stored.generation;
        member.handle = stored.handle;
        member.state = stored.state;
        member.result = stored.result;
        member.watch.reset(now);
    }
    Node {
        standby_of: stored.standby_of,
        spare: stored.spare,
        tries: stored.tries,
        votes: stored.votes,
        is_decided: stored.is_decided,
        pin: stored.pin,
        phase: stored.phase,
        place: stored.place,
        excluded: stored.excluded,
        recovering: stored.recovering,
        forgotten: stored.forgotten,
        change: stored.change,
        ..node
    }
}
