//! How a deployment ends: failure, shutdown, completion; and undoing what providers hold for it
//! (dms-orchestration sections 1.5 and 2.10).
//!
//! The real DMS undoes once and forgets (W6, W20). Here an undo is asked again, with growing pauses, until the
//! provider has acknowledged it: it may be cut off, or down, for longer than anyone would wait.

use std::sync::Arc;

use super::candidates::Search;
use super::node::MemberState;
use super::{Deployment, Outcome, Pending, Phase, Purpose, RENEWAL_INTERVAL};
use crate::dms::actor::{Behaviour, BehaviourKind, DeploymentReport, Message, Revert};
use crate::dms::constants::{
    ALLOCATION_SHUTDOWN_TIMEOUT, DELETE_LOGS_AFTER, REVERT_TIMEOUT, SUBNET_DESTROY_TIMEOUT,
};
use crate::dms::desk::{Answer, Asker, Desk};
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::Handle;
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::store::UndoRecord;
use crate::kernel::Span;

/// Longest pause before an undo is asked again: what is granted with it must not end before.
const UNDO_PAUSE_MAX: Span = RENEWAL_INTERVAL;

/// Something that a provider may hold and is to give back.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    number: u32,
    pub(super) place: Arc<Handle>,
    allocations: Vec<(Arc<str>, u32)>,
    pause: Span,
}

impl Deployment {
    /// Has a node's peer give back everything that it may hold for it.
    pub(super) fn undo_node(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let node = &self.nodes[index];
        let Some(place) = node.place.clone().filter(|_| node.phase >= Phase::Promised) else { return };
        let allocations = node.lives();
        self.undo_at(desk, place, allocations);
    }

    /// Has a peer give back these allocations, unless it is being asked for them already.
    pub(super) fn undo_at(
        &mut self,
        desk: &mut Desk<'_, '_>,
        place: Arc<Handle>,
        allocations: Vec<(Arc<str>, u32)>,
    ) {
        let asked = |undo: &Undo| {
            undo.place.host == place.host
                && allocations.iter().all(|wanted| undo.allocations.contains(wanted))
        };
        if !self.undo.iter().any(asked) {
            self.begin_undo(desk, place, allocations);
        }
    }

    /// An allocation that nobody wants has reported from this peer: so the peer can be reached, and is asked at once,
    /// also where the pause before the next time is a long one.
    pub(super) fn undo_reported(
        &mut self,
        desk: &mut Desk<'_, '_>,
        place: Arc<Handle>,
        allocation: (Arc<str>, u32),
    ) {
        let asked = |undo: &Undo| undo.place.host == place.host && undo.allocations.contains(&allocation);
        match self.undo.iter().position(asked) {
            Some(at) => {
                let Undo { place, allocations, .. } = self.undo.remove(at);
                self.begin_undo(desk, place, allocations);
            }
            None => self.begin_undo(desk, place, vec![allocation]),
        }
    }

    fn begin_undo(&mut self, desk: &mut Desk<'_, '_>, place: Arc<Handle>, allocations: Vec<(Arc<str>, u32)>) {
        let number = self.note_undo(place, allocations);
        self.send_undo(desk, number);
    }

    pub(super) fn note_undo(&mut self, place: Arc<Handle>, allocations: Vec<(Arc<str>, u32)>) -> u32 {
        self.undo_count += 1;
        let number = self.undo_count;
        self.undo.push(Undo { number, place, allocations, pause: REVERT_TIMEOUT });
        number
    }

    /// What providers have been asked to give back and have not acknowledged.
    pub(super) fn undo_orders(&self) -> Vec<UndoRecord> {
        self.undo.iter().map(|undo| (Arc::clone(&undo.place), undo.allocations.clone())).collect()
    }

    /// Asks again, after a restart, for all that was not acknowledged before it. The real DMS has forgotten it (W20).
    pub(super) fn resume_undo(&mut self, desk: &mut Desk<'_, '_>) {
        if desk.security.profile.has(Weakness::Orphans) {
            return self.undo.clear();
        }
        for number in 1..=self.undo_count {
            self.send_undo(desk, number);
        }
    }

    /// Asks once more; the timer for the time after that is set with it. Until then the peer's allocations may go on
    /// reporting: a report is what shows first that the peer can be reached again.
    pub(super) fn send_undo(&mut self, desk: &mut Desk<'_, '_>, number: u32) {
        let Some(undo) = self.undo.iter_mut().find(|undo| undo.number == number) else { return };
        let revert = Revert { ensemble: self.id, allocations: undo.allocations.clone() };
        let (place, pause) = (Arc::clone(&undo.place), undo.pause);
        undo.pause = pause.times(2).min(UNDO_PAUSE_MAX);
        if !desk.security.profile.has(Weakness::Orphans) {
            desk.timer(pause, Timer::Undo(self.number, number));
        }
        self.grant_provider(desk, &place);
        let behaviour = Behaviour::fixed(BehaviourKind::Revert);
        let message = Message::Revert(Box::new(revert));
        self.ask(desk, &place, behaviour, message, REVERT_TIMEOUT, Purpose::Undo, (number as usize, 0));
    }

    /// As the real DMS is, an undo that was not answered is forgotten with it (dms-orchestration section 2.10, W20).
    pub(super) fn resolve_undo(&mut self, desk: &Desk<'_, '_>, pending: Pending, outcome: &Outcome<'_>) {
        let answered = matches!(outcome, Outcome::Reply(Message::Ok));
        if answered || desk.security.profile.has(Weakness::Orphans) {
            self.undo.retain(|undo| undo.number as usize != pending.node);
        }
        if self.status.is_terminal() && (!answered || self.undo.is_empty()) {
            self.answer_ending();
        }
    }

    /// The deadline: what does not run by now fails.
    pub(super) fn handle_deadline(&mut self, desk: &mut Desk<'_, '_>) {
        let early = matches!(
            self.status,
            DeploymentStatus::Preparing | DeploymentStatus::Committing | DeploymentStatus::Provisioning
        );
        // The real DMS looks at the clock only after it has heard of the edges that it is verifying (W4).
        let verifying = self.search.as_ref().is_some_and(Search::is_verifying);
        if self.is_hung {
            return;
        }
        if verifying && desk.security.profile.has(Weakness::UnverifiedCandidate) {
            return;
        }
        if early {
            let reason = match &self.last_failure {
                _ if self.is_queued => "its turn did not come in time".to_owned(),
                Some((stage, reason)) => format!("{}: {reason}", stage.as_str()),
                None => "failed to create the deployment in time".to_owned(),
            };
            self.fail(desk, reason.into());
        }
    }

    pub(super) fn fail(&mut self, desk: &mut Desk<'_, '_>, reason: Arc<str>) {
        self.drop_everything(desk);
        self.set_status(desk, DeploymentStatus::Failed, Some(reason));
    }

    /// It has ended as it should, or before it ever ran because the user wished so (then `outcome` says so).
    pub(super) fn complete(&mut self, desk: &mut Desk<'_, '_>, outcome: Option<Arc<str>>) {
        let outcome = outcome.or_else(|| {
            let active = self.nodes.iter().filter(|node| node.standby_of.is_none());
            let all = active.flat_map(|node| &node.members);
            let failed = all
                .clone()
                .filter(|member| matches!(member.state, MemberState::Ended(code) if code != 0))
                .count();
            (failed > 0).then(|| format!("{failed} of {} allocations failed", all.count()).into())
        });
        self.drop_everything(desk);
        self.set_status(desk, DeploymentStatus::Completed, outcome);
    }

    /// Nothing goes on but undoing and fetching logs. What tasks came to stays known.
    fn drop_everything(&mut self, desk: &mut Desk<'_, '_>) {
        self.stop_preparing();
        self.leave_subnet(desk);
        for index in 0..self.nodes.len() {
            self.undo_node(desk, index);
            let ended = self.nodes[index].members.iter().map(|member| member.state).collect::<Vec<_>>();
            self.nodes[index].reset();
            for (member, state) in self.nodes[index].members.iter_mut().zip(ended) {
                if state.has_ended() {
                    member.state = state;
                }
            }
        }
        for log in &mut self.logs {
            log.delete_at(desk.now + DELETE_LOGS_AFTER);
        }
    }

    /// Nothing that was under way is of interest any more, but undoing and
    /// fetching logs.
    pub(super) fn stop_preparing(&mut self) {
        self.abandon_update();
        self.is_queued = false;
        self.round = None;
        self.search = None;
        self.pause = None;
        self.failed_attempt = None;
        self.is_hung = false;
        self.pending.retain(|pending| pending.purpose.outlives_its_node());
    }

    /// The user asks for the end. As the real DMS is, only a running deployment can be ended (dms-orchestration section
    /// 1.5, W21). As it is meant, every one can that has not ended, and the answer comes when it is known who has given
    /// back what they held.
    pub(in crate::dms) fn shutdown(&mut self, desk: &mut Desk<'_, '_>, asker: Asker) {
        let as_is = desk.security.profile.has(Weakness::HotLoop);
        let pending = self.still_held();
        let already = |note| Ok(DeploymentReport::Ended { note, pending });
        match self.status {
            DeploymentStatus::Running => {}
            DeploymentStatus::Completed => return self.answers.push((asker, already("already complete"))),
            DeploymentStatus::ShuttingDown if as_is => {
                return self.answers.push((asker, already("already shutting down")));
            }
            _ if as_is => return self.answers.push((asker, Err("deployment is not running".into()))),
            DeploymentStatus::Failed => {
                return self.answers.push((asker, Err("the deployment has failed already".into())));
            }
            DeploymentStatus::ShuttingDown => return self.ending_for.push(asker),
            _ => {}
        }
        self.ending_for.push(asker);
        if self.is_queued {
            // Nobody has anything of it.
            self.complete(desk, Some("cancelled before its turn".into()));
            return self.answer_ending();
        }
        self.tear_down(desk);
    }

    /// First the subnets go, then the allocations (dms-orchestration section 1.5).
    pub(super) fn tear_down(&mut self, desk: &mut Desk<'_, '_>) {
        self.stop_preparing();
        self.set_status(desk, DeploymentStatus::ShuttingDown, None);
        for (index, place) in self.to_be_released() {
            let behaviour = self.behaviours.subnet_destroy.clone();
            let message = Message::SubnetDestroy(self.id);
            self.ask(desk, &place, behaviour, message, SUBNET_DESTROY_TIMEOUT, Purpose::Shutdown, (index, 0));
        }
        self.leave_subnet(desk);
        self.advance(desk);
    }

    /// Answers those who asked for the end.
    fn answer_ending(&mut self) {
        let note = if self.supervised { "shut down" } else { "cancelled" };
        let answer: Answer = match self.unreleased.first() {
            // Whoever has not answered is not asked again: the user is told, and that is all.
            Some(reason) if self.undo.is_empty() => Err(format!("shutdown: {reason}").into()),
            _ => Ok(DeploymentReport::Ended { note, pending: self.still_held() }),
        };
        let askers = std::mem::take(&mut self.ending_for);
        self.answers.extend(askers.into_iter().map(|asker| (asker, answer.clone())));
    }

    /// The subnets are gone, as far as their nodes have answered: the allocations follow. After them it is complete.
    pub(super) fn go_on_shutting_down(&mut self, desk: &mut Desk<'_, '_>) {
        if std::mem::replace(&mut self.releasing, true) {
            if desk.security.profile.has(Weakness::Orphans) {
                self.abandon_unreleased();
            }
            let cancelled = (!self.supervised).then(|| "cancelled".into());
            self.complete(desk, cancelled);
            if self.undo.is_empty() || !self.unreleased.is_empty() {
                self.answer_ending();
            }
            return;
        }
        for (index, place) in self.to_be_released() {
            let node = &self.nodes[index];
            let allocations = node.lives();
            let behaviour = self.behaviours.allocation_shutdown.clone();
            let release = Revert { ensemble: self.id, allocations };
            let message = Message::AllocationShutdown(Box::new(release));
            let timeout = ALLOCATION_SHUTDOWN_TIMEOUT;
            self.ask(desk, &place, behaviour, message, timeout, Purpose::Shutdown, (index, 1));
        }
        self.advance(desk);
    }

    /// The nodes on which allocations exist, with their peers.
    fn to_be_released(&self) -> Vec<(usize, Arc<Handle>)> {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| node.phase.has_allocations());
        nodes.filter_map(|(index, node)| Some((index, node.place.clone()?))).collect()
    }

    /// The real DMS does not ask again: what has not answered runs on without an owner (W20).
    fn abandon_unreleased(&mut self) {
        for (index, _) in self.to_be_released() {
            self.nodes[index].place = None;
        }
    }

    pub(super) fn resolve_shutdown(&mut self, pending: Pending, outcome: &Outcome<'_>) {
        // What has acknowledged its release is done; the rest is undone, with retries, when the deployment completes.
        let refusal = outcome.refusal(ALLOCATION_SHUTDOWN_TIMEOUT);
        self.registry.shutdown_failed |= refusal.is_some();
        if pending.member == 0 {
            return;
        }
        let node = &mut self.nodes[pending.node];
        match refusal {
            None => {
                node.place = None;
                node.phase = Phase::Unplaced;
            }
            Some(reason) => self.unreleased.push(format!("node {}: {reason}", node.name).into()),
        }
    }
}
