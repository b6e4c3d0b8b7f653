//! What a deployment does about allocations in trouble, lost nodes and suspected ones (dms-orchestration section 4.2,
//! and what the ensemble file promises: `failure_recovery`, `supervisor`, `escalation_strategy`).
//!
//! What is to be done is decided in [`supervision`](crate::dms::supervision); here it is done.

use std::sync::Arc;

use super::in_line::SILENT_IN_LINE;
use super::node::{MemberState, Node};
use super::{Deployment, Outcome, Pending, Phase, Purpose, Strategy};
use crate::dms::actor::{Behaviour, BehaviourKind, Message};
use crate::dms::constants::{
    FAILURE_ESCALATION_TIMEOUT, GRANT_ORCHESTRATOR_CAPS_FREQUENCY, HEALTH_CHECK_TIMEOUT,
};
use crate::dms::desk::Desk;
use crate::dms::ensemble::{AllocationKind, EscalationStrategy, SupervisorConfig};
use crate::dms::fact::{DeploymentStatus, Fact, Stage, Suspicion};
use crate::dms::outbox::Timer;
use crate::dms::supervision::{NodePolicy, Response, Restarts, Spare, company_of, group_of};
use crate::kernel::Span;

/// How often the peers of standbys are asked whether they live: as often as what is granted to them would end.
const STANDBY_INTERVAL: Span = GRANT_ORCHESTRATOR_CAPS_FREQUENCY;

/// A remedy for an allocation that failed, while its peer answers.
enum Remedy {
    /// What has failed stays down.
    Nothing,
    /// These restart, each with its node.
    Restart(Vec<(usize, usize)>),
    /// Restarting does not help: its node is next.
    Node,
    /// Restarting does not help, and the whole tree has tried: the deployment is next.
    Deployment,
}

impl Deployment {
    /// The choices that it follows, to change them.
    pub(in crate::dms) const fn strategy_mut(&mut self) -> &mut Strategy {
        &mut self.strategy
    }

    /// An allocation is in trouble.
    pub(super) fn suspect(&mut self, desk: &mut Desk<'_, '_>, at: (usize, usize), cause: Suspicion) {
        // What ends is not to be recovered.
        if self.status == DeploymentStatus::ShuttingDown {
            return;
        }
        let member = &self.nodes[at.0].members[at.1];
        desk.fact(Fact::Suspected {
            allocation: Arc::clone(&member.id),
            generation: member.generation,
            cause,
        });
        let silent =
            cause == Suspicion::Stale || (cause == Suspicion::HealthCheck && member.watch.is_silent());
        let is_in_line = self.nodes[at.0].is_in_line();
        if silent && is_in_line {
            return self.leave_line(desk, at.0, SILENT_IN_LINE);
        }
        if silent {
            // By their ids: parts of the node become one with it, and then others stand elsewhere among the nodes.
            let company = self.company_elsewhere(at.0).into_iter();
            let company: Vec<_> = company.map(|at| Arc::clone(&self.nodes[at.0].members[at.1].id)).collect();
            self.recover_node(desk, at.0, "the peer does not answer");
            for id in company {
                if let Some(at) = self.find(&id).filter(|at| self.watches(*at)) {
                    self.restart(desk, at);
                }
            }
            return;
        }
        match self.remedy_for(desk, at) {
            // Nobody is to do anything about it: what has failed stays down, and what is unwell may get well.
            Remedy::Nothing if cause == Suspicion::Ended => {
                self.nodes[at.0].members[at.1].state = MemberState::Ended(-1);
            }
            Remedy::Nothing => self.nodes[at.0].members[at.1].watch.reset(desk.now),
            // It has not started, and what else is to restart may never have run.
            Remedy::Restart(_) | Remedy::Node if is_in_line => {
                let what = if cause == Suspicion::Ended { "failed" } else { "was unwell" };
                let name = &self.nodes[at.0].members[at.1].name;
                let reason = format!("{name} {what} while another waited for its turn");
                self.leave_line(desk, at.0, &reason);
            }
            Remedy::Restart(all) => {
                for at in all {
                    self.restart(desk, at);
                }
            }
            Remedy::Node => self.recover_node(desk, at.0, "more than 3 restarts in 5 minutes"),
            Remedy::Deployment => {
                self.escalate(desk, at.0, "more than 3 restarts in 5 minutes, up to the root supervisor");
            }
        }
    }

    /// What is to be done: what its own entry in the file says, else its supervisor, else the strategies of the
    /// deployment.
    fn remedy_for(&mut self, desk: &Desk<'_, '_>, at: (usize, usize)) -> Remedy {
        let config = Arc::clone(&self.config);
        let member = &self.nodes[at.0].members[at.1];
        let (name, written) = (Arc::clone(&member.name), member.config.failure_recovery);
        let recovery = &self.strategy.recovery;
        let tree = config.supervisor.as_ref().filter(|_| recovery.leaves_to_tree(written));
        if let Some(response) = tree.and_then(|root| self.tree.respond(root, &name, desk.now)) {
            return match response {
                Response::Restart(names) => Remedy::Restart(self.running_of(&names)),
                Response::Exhausted => Remedy::Deployment,
            };
        }
        let count = self.nodes[at.0].members.len();
        // A group of a supervisor goes over nodes; without one the node is the group.
        let restarts = recovery.on_failure(written);
        let of_group = config.supervisor.as_ref().and_then(|root| restarting_of_group(root, &name, restarts));
        let all = match (of_group, restarts) {
            (_, Restarts::Nothing) => return Remedy::Nothing,
            (_, Restarts::One) => vec![at],
            (Some(names), _) => self.running_of(names),
            (None, Restarts::All) => (0..count).map(|place| (at.0, place)).collect(),
            (None, Restarts::Rest) => (at.1..count).map(|place| (at.0, place)).collect(),
        };
        if !self.nodes[at.0].members[at.1].restarts.allows_another(desk.now) {
            return Remedy::Node;
        }
        Remedy::Restart(all)
    }

    /// What runs on other nodes and restarts with what a lost one had: groups of a supervisor go over nodes. That
    /// restarting does not help is not said by it, so nobody counts it.
    fn company_elsewhere(&self, index: usize) -> Vec<(usize, usize)> {
        let Some(root) = &self.config.supervisor else { return Vec::new() };
        let recovery = &self.strategy.recovery;
        let mut company: Vec<(usize, usize)> = Vec::new();
        for member in &self.nodes[index].members {
            let (name, written) = (&member.name, member.config.failure_recovery);
            let names = match recovery.leaves_to_tree(written) {
                true => company_of(root, name),
                false => restarting_of_group(root, name, recovery.on_failure(written)).map(<[_]>::to_vec),
            };
            company.extend(names.iter().flat_map(|names| self.running_of(names)));
        }
        company.retain(|at| at.0 != index && self.watches(*at));
        company.sort_unstable();
        company.dedup();
        company
    }

    /// Where the allocations of these names run, in this order.
    fn running_of(&self, names: &[Arc<str>]) -> Vec<(usize, usize)> {
        let places = names.iter().flat_map(|name| {
            self.nodes.iter().enumerate().filter(|(_, node)| node.phase == Phase::Started).flat_map(
                move |(index, node)| {
                    let own = node.members.iter().enumerate().filter(move |(_, member)| member.name == *name);
                    own.map(move |(place, _)| (index, place))
                },
            )
        });
        places.collect()
    }

    pub(super) fn restart(&mut self, desk: &mut Desk<'_, '_>, at: (usize, usize)) {
        let member = &mut self.nodes[at.0].members[at.1];
        if member.config.kind == AllocationKind::Task && member.state.has_ended() {
            return;
        }
        member.watch.reset(desk.now);
        let (id, handle) = (Arc::clone(&member.id), member.handle.clone());
        let Some(to) = handle else { return };
        desk.fact(Fact::RestartOrdered { allocation: id });
        let behaviour = Behaviour::fixed(BehaviourKind::AllocationRestart);
        let message = Message::AllocationRestart;
        self.ask(desk, &to, behaviour, message, FAILURE_ESCALATION_TIMEOUT, Purpose::Restart, at);
    }

    /// Restarting has not helped, so the ensemble's own rule is next: everything begins anew, or ends. Without one, the
    /// node of whatever failed last is recovered.
    fn escalate(&mut self, desk: &mut Desk<'_, '_>, index: usize, reason: &str) {
        match self.config.escalation_strategy {
            None => self.recover_node(desk, index, reason),
            Some(EscalationStrategy::Teardown) => {
                self.note_loss(desk, index, reason);
                self.tear_down(desk);
            }
            Some(EscalationStrategy::Redeploy) => {
                let lost = Arc::clone(&self.nodes[index].name);
                // What an update is adding to them goes with them.
                self.merge(desk, |_| true);
                let is_meant = |node: &Node| node.name == lost || node.phase == Phase::Started;
                let meant = (0..self.nodes.len()).filter(|index| is_meant(&self.nodes[*index]));
                for index in meant.collect::<Vec<_>>() {
                    self.note_loss(desk, index, reason);
                    self.place_elsewhere(desk, index);
                }
                self.advance(desk);
            }
        }
    }

    /// Says that a node is lost, and why.
    pub(super) fn note_loss(&self, desk: &mut Desk<'_, '_>, index: usize, reason: &str) {
        let name = &self.nodes[index].name;
        desk.fact(Fact::StageFailed {
            ensemble: self.id,
            stage: Stage::Run,
            reason: format!("node {name}: {reason}").into(),
        });
    }

    /// Takes a node from its peer, which is returned; its next life is of another generation.
    pub(super) fn take_away(
        &mut self,
        desk: &mut Desk<'_, '_>,
        index: usize,
    ) -> Option<Arc<crate::dms::identity::Handle>> {
        self.drop_pending_of(index);
        self.undo_node(desk, index);
        let node = &mut self.nodes[index];
        let place = node.place.take();
        node.reset();
        node.renew();
        place
    }

    /// A node that has been taken away looks for a place again. What was prepared for the loss of its peer, and has not
    /// taken its part, is given back.
    pub(super) fn place_anew(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        self.give_back_precaution(desk, index);
        let node = &mut self.nodes[index];
        node.recovering = true;
        let (name, generation) = (Arc::clone(&node.name), node.generation());
        desk.fact(Fact::RedeploymentStarted { ensemble: self.id, node: name, generation });
        if self.status == DeploymentStatus::Running {
            self.set_status(desk, DeploymentStatus::Updating, None);
        }
    }

    /// Takes a node from its peer, and looks for another one.
    fn place_elsewhere(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let place = self.take_away(desk, index);
        self.nodes[index].excluded.extend(place.map(|place| place.host));
        self.place_anew(desk, index);
    }

    /// Whether the ensemble file says to which peer a node goes. It says so of no spare.
    pub(super) fn is_fixed(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        node.standby_of.is_none() && self.config.nodes[&node.entry].peer.is_some()
    }

    /// A node that a strategy has kept at its peer may go elsewhere.
    pub(super) fn unpin(&mut self, index: usize) {
        if !self.is_fixed(index) {
            self.nodes[index].pin = None;
        }
    }

    /// Does with a node what its policy says; a policy that gives it up leaves the rest to `escalation_strategy`.
    pub(super) fn recover_node(&mut self, desk: &mut Desk<'_, '_>, index: usize, reason: &str) {
        let index = self.made_whole(desk, index);
        let node = &mut self.nodes[index];
        if !node.recoveries.allows_another(desk.now) && self.config.escalation_strategy.is_some() {
            node.recoveries.clear();
            return self.escalate(desk, index, "it began anew more than 3 times in 5 minutes");
        }
        let policy = self.policy_of(index);
        self.note_loss(desk, index, reason);
        let place = self.take_away(desk, index);
        let node = &mut self.nodes[index];
        match (policy, self.config.escalation_strategy) {
            (NodePolicy::Redeploy, _) | (NodePolicy::StayDown, Some(EscalationStrategy::Redeploy)) => {
                node.excluded.extend(place.map(|place| place.host));
            }
            (NodePolicy::Restart, _) => node.pin = place,
            (NodePolicy::StayDown, Some(EscalationStrategy::Teardown)) => {
                return self.tear_down(desk);
            }
            (NodePolicy::StayDown, None) => {
                let known = self.known();
                self.nodes[index].phase = Phase::Idle;
                self.retire_reserve(desk, index);
                self.forget_gone(desk, known);
                return self.advance(desk);
            }
        }
        self.hand_on(desk, index);
    }

    /// What a node did that was taken from its peer is done by a standby from now on, if one is ready, or elsewhere.
    pub(super) fn hand_on(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let moves = self.nodes[index].pin.is_none();
        let standby = self.standby_for(index).filter(|_| moves);
        if let Some(standby) = standby {
            self.promote(index, standby);
        }
        self.place_anew(desk, standby.unwrap_or(index));
        self.advance(desk);
    }

    /// What is kept in reserve for a node that is given up has nothing to take over.
    fn retire_reserve(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        for spare in 0..self.nodes.len() {
            let node = &self.nodes[spare];
            if node.stands_by() && node.standby_of == Some(index) && node.phase != Phase::Idle {
                self.retire(desk, spare);
            }
        }
    }

    /// Sees to it that standbys are asked after, if there are any.
    pub(super) fn watch_standbys(&mut self, desk: &mut Desk<'_, '_>) {
        if !self.asks_standbys && self.nodes.iter().any(|node| node.phase == Phase::Standby) {
            self.asks_standbys = true;
            desk.timer(STANDBY_INTERVAL, Timer::Standbys(self.number));
        }
    }

    /// Asks the peers of standbys whether they live: nothing is heard of them until they are wanted, and then it is too
    /// late to find that they are gone.
    pub(super) fn look_after_standbys(&mut self, desk: &mut Desk<'_, '_>) {
        self.asks_standbys = false;
        if self.status.is_ending() {
            return;
        }
        for index in 0..self.nodes.len() {
            if self.nodes[index].phase == Phase::Standby {
                self.probe(desk, index, HEALTH_CHECK_TIMEOUT, Purpose::Standby);
            }
        }
        self.watch_standbys(desk);
    }

    /// One that does not answer twice in a row is replaced.
    pub(super) fn resolve_standby(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let index = pending.node;
        let node = &mut self.nodes[index];
        if node.phase != Phase::Standby || self.status.is_ending() {
            return;
        }
        if matches!(outcome, Outcome::Reply(_)) {
            node.suspected_since = None;
        } else if node.suspected_since.replace(desk.now).is_none() {
            self.probe(desk, index, HEALTH_CHECK_TIMEOUT, Purpose::Standby);
        } else {
            self.note_loss(desk, index, "the peer of the standby does not answer");
            self.place_elsewhere(desk, index);
            self.advance(desk);
        }
    }

    /// A standby of this node that is ready, or a precaution that is about to be.
    fn standby_for(&self, index: usize) -> Option<usize> {
        let takes_over = |node: &Node| match node.spare {
            Spare::Standby => node.phase == Phase::Standby,
            Spare::Precaution => node.phase != Phase::Idle,
            Spare::Copy => false,
        };
        self.nodes.iter().position(|node| node.standby_of == Some(index) && takes_over(node))
    }

    /// A standby takes the part of its primary: it is told the names, others where they lead now, and it starts. The
    /// former primary is placed anew and stands by, unless it was called for as a precaution only.
    fn promote(&mut self, index: usize, standby: usize) {
        for node in self.nodes.iter_mut().filter(|node| node.standby_of == Some(index)) {
            node.standby_of = Some(standby);
        }
        self.nodes[index].standby_of = Some(standby);
        self.nodes[index].spare = self.nodes[standby].spare;
        self.nodes[standby].standby_of = None;
        if self.nodes[standby].phase == Phase::Standby {
            self.nodes[standby].phase = Phase::Addressed;
        }
        if self.nodes[index].spare == Spare::Precaution {
            self.nodes[index].phase = Phase::Idle;
        }
    }

    /// The peer of a node may be lost: where that is wanted, and the node would not wait for its peer, a spare is
    /// prepared on another one.
    pub(super) fn prepare_for_loss(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        if !self.moves_when_lost(index) {
            return;
        }
        let Some(spare) = self.precaution_of(index, |phase| phase == Phase::Idle) else { return };
        let place = self.nodes[index].place.clone();
        let node = &mut self.nodes[spare];
        // Where peers are suspected again and again, nobody is asked each time for what nobody had room for.
        if !node.searches_in_vain.has_room(desk.now) {
            return;
        }
        node.renew();
        node.phase = Phase::Unplaced;
        node.excluded = place.into_iter().map(|place| place.host).collect();
        self.place_anew(desk, spare);
        self.advance(desk);
    }

    /// What is done with a node whose peer is lost.
    fn policy_of(&self, index: usize) -> NodePolicy {
        let written = self.config.nodes[&self.nodes[index].entry].failure_recovery;
        self.strategy.recovery.on_loss(written)
    }

    /// Whether a node whose peer is lost goes on elsewhere.
    fn moves_when_lost(&self, index: usize) -> bool {
        let is_redeployed = match self.policy_of(index) {
            NodePolicy::Redeploy => true,
            NodePolicy::Restart => false,
            NodePolicy::StayDown => self.config.escalation_strategy == Some(EscalationStrategy::Redeploy),
        };
        is_redeployed && self.nodes[index].pin.is_none()
    }

    /// The peer of a node has been heard again: what was prepared for its loss is given back.
    pub(super) fn stand_down(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        if self.give_back_precaution(desk, index) {
            self.advance(desk);
        }
    }

    /// Gives back what was prepared for the loss of a node's peer; false where nothing was.
    pub(super) fn give_back_precaution(&mut self, desk: &mut Desk<'_, '_>, index: usize) -> bool {
        let Some(spare) = self.precaution_of(index, |phase| phase != Phase::Idle) else { return false };
        let known = self.known();
        self.retire(desk, spare);
        self.forget_gone(desk, known);
        true
    }

    fn precaution_of(&self, index: usize, is_in: impl Fn(Phase) -> bool) -> Option<usize> {
        let fits = |node: &Node| {
            node.standby_of == Some(index) && node.spare == Spare::Precaution && is_in(node.phase)
        };
        self.nodes.iter().position(fits)
    }
}

/// What of the group that an allocation has with its supervisor restarts with it; none where it is in no group, or that
/// is itself alone.
fn restarting_of_group<'a>(
    root: &'a SupervisorConfig,
    name: &str,
    restarts: Restarts,
) -> Option<&'a [Arc<str>]> {
    let (group, place) = group_of(root, name)?;
    match restarts {
        Restarts::Nothing | Restarts::One => None,
        Restarts::All => Some(group),
        Restarts::Rest => Some(&group[place..]),
    }
}
