//! While a deployment runs: supervision and the end of tasks (dms-orchestration section 4).
//!
//! The real DMS checks one allocation after another, only restarts in place and never replaces a lost node (W2).
//! Here all are checked at once, and what the ensemble file declares is done: an allocation that answers but is not
//! well restarts where it is, with the others of its scope; one that does not answer, or that keeps failing, is its
//! node's matter; and a node is tried again on its peer or placed on another one.

use std::sync::Arc;

use super::attempts::Setbacks;
use super::node::{MemberState, Node};
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{
    AllocationState, Behaviour, BehaviourKind, Envelope, Liveness, Message, TaskTermination,
};
use crate::dms::constants::{BACKOFF_MIN, HEALTH_CHECK_INTERVAL, HEALTH_CHECK_TIMEOUT};
use crate::dms::desk::Desk;
use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::{DeploymentStatus, Fact, Stage, Suspicion};
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::supervision::Observation;

impl Deployment {
    /// Every node that is not lost has started.
    pub(super) fn run(&mut self, desk: &mut Desk<'_, '_>) {
        for node in &mut self.nodes {
            node.recovering = false;
        }
        self.conclude_update(desk);
        (self.setbacks, self.backoff) = (Setbacks::default(), BACKOFF_MIN);
        if self.status != DeploymentStatus::Running {
            self.set_status(desk, DeploymentStatus::Running, None);
            self.last_failure = None;
            self.doublings = 0;
        }
        self.supervised = true;
        self.begin_to_tick(desk);
        self.register_health_checks(desk);
        self.watch_on(desk);
        self.watch_standbys(desk);
        if self.is_done() {
            self.complete(desk, None);
        }
    }

    fn register_health_checks(&mut self, desk: &mut Desk<'_, '_>) {
        for node in 0..self.nodes.len() {
            for place in 0..self.nodes[node].members.len() {
                let at = (node, place);
                let member = &self.nodes[node].members[place];
                if self.watches(at)
                    && !member.registered
                    && !member.unsupervised
                    && member.config.healthcheck.is_some()
                    && let Some(to) = member.handle.clone()
                {
                    let behaviour = Behaviour::fixed(BehaviourKind::HealthCheckRegister);
                    let message = Message::HealthCheckRegister;
                    self.ask(desk, &to, behaviour, message, HEALTH_CHECK_TIMEOUT, Purpose::Register, at);
                }
            }
        }
    }

    /// Whether an allocation runs, as far as is known, on a node that is supervised.
    pub(super) fn watches(&self, (node, place): (usize, usize)) -> bool {
        let supervised = self.nodes.get(node).filter(|node| node.is_supervised());
        let member = supervised.and_then(|node| node.members.get(place));
        member.is_some_and(|member| member.state == MemberState::Running)
    }

    /// The supervisor's tick: looks at every allocation that it watches.
    pub(super) fn supervise(&mut self, desk: &mut Desk<'_, '_>) {
        if self.status.is_terminal() {
            return;
        }
        desk.timer(HEALTH_CHECK_INTERVAL, Timer::Supervise(self.number));
        if desk.security.profile.has(Weakness::InTurnSupervision) {
            return self.begin_pass(desk);
        }
        self.correct_times(desk.now);
        let last = self.ticked.replace(desk.now);
        if last.is_some_and(|last| desk.now.since(last) > HEALTH_CHECK_INTERVAL.times(2)) {
            self.excuse_silence(desk.now);
        }
        self.look_at_lines(desk);
        self.each_watched(desk, Self::look_at);
        self.register_health_checks(desk);
    }

    /// Looks at every allocation that is watched.
    pub(super) fn each_watched(
        &mut self,
        desk: &mut Desk<'_, '_>,
        look: fn(&mut Self, &mut Desk<'_, '_>, (usize, usize)),
    ) {
        let (mut node, mut place) = (0, 0);
        while node < self.nodes.len() {
            // Asked for each in turn: the recovery of one may take the others of its node, and parts of it, away.
            if self.watches((node, place)) {
                look(self, desk, (node, place));
            }
            place += 1;
            if self.nodes.get(node).is_none_or(|node| place >= node.members.len()) {
                (node, place) = (node + 1, 0);
            }
        }
    }

    /// Suspects an allocation of which the heartbeats have stopped; asks one with a health check how it is.
    fn look_at(&mut self, desk: &mut Desk<'_, '_>, at: (usize, usize)) {
        let member = &self.nodes[at.0].members[at.1];
        if !self.has_detector() && member.watch.is_stale(desk.now) {
            return self.suspect(desk, at, Suspicion::Stale);
        }
        let busy = |pending: &Pending| {
            (pending.node, pending.member) == at
                && matches!(pending.purpose, Purpose::Health | Purpose::Restart)
        };
        if !self.pending.iter().any(busy) {
            self.check_health(desk, at);
        }
    }

    /// Asks an allocation how it is; false when its health check is not registered.
    pub(super) fn check_health(&mut self, desk: &mut Desk<'_, '_>, at: (usize, usize)) -> bool {
        let member = &self.nodes[at.0].members[at.1];
        let Some(to) = member.handle.clone().filter(|_| member.registered) else { return false };
        let behaviour = Behaviour::fixed(BehaviourKind::HealthCheck);
        self.ask(desk, &to, behaviour, Message::HealthCheck, HEALTH_CHECK_TIMEOUT, Purpose::Health, at);
        true
    }

    pub(super) fn resolve_supervision(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let at = (pending.node, pending.member);
        let node = &mut self.nodes[pending.node];
        if !node.is_supervised() || self.status.is_terminal() {
            return;
        }
        let member = &mut node.members[pending.member];
        let refused = outcome.refusal(HEALTH_CHECK_TIMEOUT).is_some();
        if pending.purpose != Purpose::Register && desk.security.profile.has(Weakness::InTurnSupervision) {
            return self.go_on_with_pass(desk, pending, outcome);
        }
        match pending.purpose {
            Purpose::Register => member.registered = !refused,
            Purpose::Health => {
                let observation = match outcome {
                    Outcome::Timeout => Observation::Unanswered,
                    Outcome::Reply(_) if refused => Observation::Unhealthy,
                    Outcome::Reply(_) => Observation::Healthy,
                };
                if observation != Observation::Unanswered {
                    member.watch.answer(desk.now);
                    self.end_suspicion(desk, at.0);
                }
                let member = &mut self.nodes[at.0].members[at.1];
                if member.state == MemberState::Running && member.watch.note(observation, desk.now) {
                    self.suspect(desk, at, Suspicion::HealthCheck);
                }
            }
            _ if refused => self.recover_node(desk, pending.node, "the allocation could not be restarted"),
            _ => {
                let is_queued = matches!(outcome, Outcome::Reply(Message::Queued));
                member.state = if is_queued { MemberState::Queued } else { MemberState::Running };
                member.watch.reset(desk.now);
            }
        }
    }

    /// A heartbeat. One of an allocation that this deployment has given up is told to end.
    pub(super) fn handle_liveness(
        &mut self,
        desk: &mut Desk<'_, '_>,
        envelope: &Envelope,
        report: &Liveness,
    ) {
        let at = self.find(&report.allocation);
        let wanted = self.wants(&report.allocation, report.generation, &envelope.from.host);
        let Some(at) = at.filter(|_| wanted) else {
            if desk.security.profile.has(Weakness::Orphans) {
                return;
            }
            let root = Arc::new(crate::dms::identity::Handle::root(envelope.from.host.0));
            return self.undo_reported(desk, root, (Arc::clone(&report.allocation), report.generation));
        };
        let window = self.strategy.detector.logic().window();
        self.nodes[at.0].members[at.1].watch.hear(desk.now, window);
        self.end_suspicion(desk, at.0);
        if report.sequence > 1 {
            self.notice_start(desk, at, report.status);
        }
        // That start may have been the last step of an update: places among the nodes are others then.
        let Some(at) = self.find(&report.allocation) else { return };
        self.notice_return(desk, at, report.status);
        self.notice_turn(desk, at, report.status);
        let Some(at) = self.find(&report.allocation) else { return };
        let member = &self.nodes[at.0].members[at.1];
        let ended = report.status == AllocationState::Failed && member.state == MemberState::Running;
        let acts = !desk.security.profile.has(Weakness::InTurnSupervision);
        let restarts =
            |pending: &Pending| pending.purpose == Purpose::Restart && (pending.node, pending.member) == at;
        // It may say so again before it has heard that it is to restart.
        let is_known = || self.pending.iter().any(restarts);
        if acts && ended && self.nodes[at.0].is_supervised() && !is_known() {
            self.suspect(desk, at, Suspicion::Ended);
        }
    }

    /// A service that was left down runs again: its provider has started it.
    fn notice_return(&mut self, desk: &Desk<'_, '_>, at: (usize, usize), status: AllocationState) {
        let member = &mut self.nodes[at.0].members[at.1];
        let is_down = member.config.kind == AllocationKind::Service && member.state == MemberState::Ended(-1);
        if is_down && status == AllocationState::Running {
            member.state = MemberState::Running;
            member.watch.reset(desk.now);
        }
    }

    /// An allocation reports again while the answer to its start is still awaited. If it runs, the answer was lost, or
    /// its provider has restarted and does not owe it any more; if it waits, that provider never got the order.
    fn notice_start(&mut self, desk: &mut Desk<'_, '_>, at: (usize, usize), status: AllocationState) {
        let answer = match status {
            AllocationState::Running => Message::Ok,
            AllocationState::Queued => Message::Queued,
            AllocationState::Pending => {
                Message::Error("its peer was restarted before it could start it".into())
            }
            _ => return,
        };
        if let Some(nonce) = self.start_awaited(at) {
            self.resolve(desk, nonce, &Outcome::Reply(&answer));
        }
    }

    /// By what the answer to the start of an allocation is known, while it is awaited.
    fn start_awaited(&self, at: (usize, usize)) -> Option<u64> {
        let start =
            |pending: &&Pending| pending.purpose == Purpose::Start && (pending.node, pending.member) == at;
        self.pending.iter().find(start).map(|pending| pending.nonce)
    }

    /// A task has ended. Whoever tells it hears that it was told, also for the second time or too late (the intended
    /// side of W17); as the real DMS is, nobody hears anything, and only the output of a task without an error is kept
    /// (dms-orchestration section 3.2).
    pub(super) fn handle_termination(
        &mut self,
        desk: &mut Desk<'_, '_>,
        envelope: &Envelope,
        end: &TaskTermination,
    ) {
        let as_is = desk.security.profile.has(Weakness::UnacknowledgedEnd);
        if !as_is {
            desk.reply(&mut self.actor, envelope, Message::Ok);
        }
        let Some(at) = self.find(&end.allocation) else { return };
        let known = self.status.is_terminal()
            || self.nodes[at.0].members[at.1].state.has_ended()
            || self.nodes[at.0].members[at.1].generation != end.generation;
        if known {
            return;
        }
        self.end_suspicion(desk, at.0);
        // That nothing has to be prepared any more may be the last step of an update: places among the nodes are others
        // then.
        let Some(at) = self.find(&end.allocation) else { return };
        let result = (!end.fetch).then_some(&end.output.stdout);
        if end.exit_code == 0 && !self.stands_check(desk, at, result) {
            return;
        }
        if !as_is || end.exit_code == 0 {
            self.keep_output(desk, at, end);
        }
        let was_queued = self.nodes[at.0].members[at.1].state == MemberState::Queued;
        self.nodes[at.0].members[at.1].state = MemberState::Ended(end.exit_code);
        if end.exit_code == 0 {
            let told = (Arc::clone(&end.allocation), end.generation, envelope.from.host);
            desk.out.effects.ended.push(told);
        }
        if end.exit_code != 0 {
            let reason = format!(
                "task {} ended with exit code {}",
                self.nodes[at.0].members[at.1].name, end.exit_code
            );
            desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Run, reason: reason.into() });
            if self.try_again(desk, at.0) {
                return;
            }
        } else if self.copies_of(at.0).is_some() {
            self.nodes[at.0].members[at.1].result = Some(end.output.stdout.clone());
        }
        self.vote(desk, at.0);
        let at = self.find(&end.allocation);
        if let Some(nonce) = at.and_then(|at| self.start_awaited(at)).filter(|_| !as_is) {
            // What has ended had started, whatever has become of the answer.
            self.resolve(desk, nonce, &Outcome::Reply(&Message::Ok));
        } else if matches!(self.status, DeploymentStatus::Running | DeploymentStatus::Updating)
            && self.is_done()
        {
            // A spare that is still looked for is not wanted any more.
            if self.status == DeploymentStatus::Updating {
                self.set_status(desk, DeploymentStatus::Running, None);
            }
            self.complete(desk, None);
        } else if was_queued && self.status != DeploymentStatus::Running {
            // Nobody has heard that its turn came.
            self.advance(desk);
        }
    }

    /// Whether all of it are tasks that have ended: then the deployment ends.
    fn is_done(&self) -> bool {
        // One that is given up has nothing to come; one whose copies still run has.
        let of_interest = |(index, node): &(usize, &Node)| {
            let is_awaited = || node.phase != Phase::Idle || self.awaits_copies(*index);
            node.standby_of.is_none() && !node.is_decided && is_awaited()
        };
        let nodes = self.nodes.iter().enumerate().filter(of_interest);
        let mut members = nodes.flat_map(|(_, node)| &node.members);
        members.all(|member| member.config.kind == AllocationKind::Task && member.state.has_ended())
    }
}
