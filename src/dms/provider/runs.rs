//! The life of an allocation on its provider: start, restart, health, heartbeats, end (dms-orchestration section 3).

use std::sync::Arc;

use super::farewells::part;
use super::{Allocation, Provider};
use crate::dms::actor::{
    Actor, AllocationState, Behaviour, BehaviourKind, Call, Envelope, Liveness, Message, Output, Report,
};
use crate::dms::constants::{HEALTH_PROBE_TIMEOUT, LIVENESS_REPORT_TIMEOUT};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::ensemble::{AllocationKind, HealthProbe};
use crate::dms::fact::{ContainerFact, Fact, Stage};
use crate::dms::identity::EnsembleId;
use crate::dms::outbox::{Action, Execution, Health, RunId, Timer};
use crate::dms::profile::Weakness;
use crate::dms::supervision::{Charge, Omitted};
use crate::kernel::Span;

impl Provider {
    /// Whether an allocation's actor has this behaviour now. That of an ended task only waits for one answer.
    pub(in crate::dms) fn has_allocation_behaviour(&self, id: &str, behaviour: &Behaviour) -> bool {
        if let Some(nonce) = behaviour.reply_nonce() {
            return self.awaits_acknowledgement(id, nonce) || self.awaits_confirmation(nonce);
        }
        let known = matches!(
            behaviour.kind,
            BehaviourKind::AllocationStart
                | BehaviourKind::AllocationRestart
                | BehaviourKind::SubnetAddPeer
                | BehaviourKind::SubnetAcceptPeers
                | BehaviourKind::DnsAddRecords
                | BehaviourKind::MapPort
                | BehaviourKind::HealthCheckRegister
                | BehaviourKind::HealthCheck
                | BehaviourKind::AllocationStats
                | BehaviourKind::SubnetRemovePeers
                | BehaviourKind::DnsRemoveRecords
        );
        known && self.allocations.contains_key(id)
    }

    /// Handles a message to an allocation's actor.
    pub(in crate::dms) fn handle_allocation(
        &mut self,
        desk: &mut Desk<'_, '_>,
        id: &Arc<str>,
        request: &Envelope,
    ) {
        self.hear(desk, id, request);
        if let Some(nonce) = request.behaviour.reply_nonce() {
            if self.awaits_acknowledgement(id, nonce) {
                return self.acknowledged(id);
            }
            return self.resolve_confirmation(desk, nonce, Some(&request.message));
        }
        let refused = self.refuse_superseded(request);
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        if let Some(refused) = refused {
            return desk.reply(&mut allocation.actor, request, refused);
        }
        match &request.message {
            Message::Query => allocation.give_stats(desk, request),
            Message::AllocationStart => self.start(desk, id, request),
            Message::AllocationRestart => self.restart(desk, id, request),
            Message::HealthCheckRegister => desk.reply(&mut allocation.actor, request, Message::Ok),
            Message::HealthCheck => allocation.check_health(desk, request),
            Message::SubnetAddPeer { .. }
            | Message::SubnetAcceptPeers(_)
            | Message::SubnetRemovePeers(_)
            | Message::DnsRemoveRecords(_)
            | Message::DnsAddRecords(_)
            | Message::MapPort { .. } => self.handle_network(desk, id, request),
            _ => {}
        }
    }

    /// Takes a report of the executor. What has ended may leave its place to another.
    pub(in crate::dms) fn handle_execution(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        execution: Execution,
    ) {
        self.take_report(desk, root, execution);
        self.serve_line(desk);
    }

    /// A report about a former run finds nobody.
    fn take_report(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, execution: Execution) {
        let run = execution.run();
        if let Execution::Terminated(..) | Execution::NotTerminated(..) = execution {
            return self.handle_termination(desk, root, execution);
        }
        match execution {
            Execution::Killed(_, cause) => return self.handle_killed(desk, run, cause),
            Execution::Mounted(_) => return self.handle_mounted(desk, root, run, Ok(())),
            Execution::NotMounted(_, reason) => return self.handle_mounted(desk, root, run, Err(reason)),
            _ => {}
        }
        let found = self.allocations.iter().position(|(_, allocation)| allocation.run == run);
        let Some((id, _)) = found.and_then(|place| self.allocations.get_index(place)) else { return };
        let id = Arc::clone(id);
        let Some(allocation) = self.allocations.get_mut(&id) else { return };
        if !matches!(execution, Execution::Probed(..) | Execution::Stats(..)) {
            self.recovering.retain(|other| *other != run);
        }
        match execution {
            // Its executor has started it again by itself: by the books it has run all along.
            Execution::Started(_) if allocation.state == AllocationState::Running => {}
            Execution::Restarting(_, exit_code) => {
                let (allocation, generation) = (Arc::clone(&id), allocation.generation);
                let what = ContainerFact::Restarted(exit_code);
                desk.fact(Fact::Container { allocation, generation, what });
            }
            Execution::Started(_) => {
                allocation.is_starting = false;
                allocation.set_state(desk, &id, AllocationState::Running, None);
                allocation.answer_start(desk, Message::Ok);
                self.report(desk, &id);
                if let Some(allocation) = self.allocations.get_mut(&id) {
                    allocation.begin_to_report(desk);
                }
            }
            Execution::StartFailed(_, reason) => {
                // The real DMS writes down what it was about to do, whatever became of it (section 3.3).
                let as_read = desk.security.profile.has(Weakness::FailedStartsRun);
                let state = if as_read { AllocationState::Running } else { AllocationState::Failed };
                allocation.is_starting = false;
                allocation.set_state(desk, &id, state, None);
                if allocation.start_reply.is_none() {
                    // Nobody waits for it: it was to run again after a restart.
                    return self.report(desk, &id);
                }
                allocation.answer_start(desk, Message::Error(reason));
            }
            Execution::Exited { code, output, .. } => self.handle_exit(desk, &id, code, output),
            Execution::Probed(_, number, health) => allocation.probed(desk, number, health),
            Execution::Stats(_, stats) => {
                if let Some(owed) = allocation.stats_reply.take() {
                    let answer = stats
                        .map_or_else(not_running, |stats| Message::Report(Arc::new(Report::Stats(stats))));
                    desk.reply_later(&mut allocation.actor, *owed, answer);
                }
            }
            Execution::Log { stream, offset, text, .. } => {
                if let Some(owed) = allocation.log_reply.take() {
                    desk.reply_later(&mut allocation.actor, *owed, part(run, stream, offset, &text, false));
                }
            }
            Execution::NotWritten(_, reason) => {
                let ensemble = allocation.ensemble;
                self.complain(desk, ensemble, reason);
            }
            Execution::Killed(..)
            | Execution::Terminated(..)
            | Execution::NotTerminated(..)
            | Execution::Mounted(_)
            | Execution::NotMounted(..) => {}
        }
    }

    /// Says what went wrong with the volumes of something that was running.
    pub(super) fn complain(&mut self, desk: &mut Desk<'_, '_>, ensemble: EnsembleId, reason: Arc<str>) {
        desk.fact(Fact::StageFailed { ensemble, stage: Stage::Run, reason });
    }

    /// A task tells its end and releases itself; a service that ends is a failure that its heartbeats tell.
    fn handle_exit(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, code: i32, output: Output) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let task = allocation.config.kind == AllocationKind::Task;
        let state = if task && code == 0 { AllocationState::Completed } else { AllocationState::Failed };
        allocation.is_starting = false;
        allocation.set_state(desk, id, state, Some(code));
        let (ensemble, generation) = (allocation.ensemble, allocation.generation);
        self.keep_log(desk, id, output.clone());
        if !task {
            return self.report(desk, id);
        }
        self.tell_end(desk, id, state, code, output);
        self.release(desk, id, generation);
        self.forget_if_empty(ensemble);
    }

    /// The periodic report of a run; it ends with the run.
    pub(super) fn heartbeat(&mut self, desk: &mut Desk<'_, '_>, run: RunId) {
        let found = self.allocations.iter().find(|(_, allocation)| allocation.run == run);
        let Some((id, every)) = found.map(|(id, one)| (Arc::clone(id), one.report_every)) else { return };
        self.report(desk, &id);
        desk.timer(every, Timer::Heartbeat(run));
    }

    /// The run of an allocation that does nothing but run and report, if it is the one that its orchestrator looks
    /// after.
    pub(in crate::dms) fn routine_of(&self, charge: &Charge, period: Span) -> Option<RunId> {
        let allocation = self.allocations.get(&charge.allocation)?;
        let hosted = self.hosted.get(&allocation.ensemble)?;
        let is_the_same =
            allocation.actor.handle == charge.handle && allocation.generation == charge.generation;
        let is_unasked = allocation.start_reply.is_none()
            && allocation.probe_reply.is_none()
            && allocation.log_reply.is_none()
            && allocation.stats_reply.is_none();
        let is_settled = hosted.confirmation.is_none()
            && !self.recovering.contains(&allocation.run)
            && !self.endings.contains_key(&allocation.run);
        let runs = allocation.state == AllocationState::Running && allocation.report_every == period;
        (is_the_same && is_unasked && is_settled && runs).then_some(allocation.run)
    }

    /// Counts heartbeats and health checks of an allocation that were left out. Each took a message of its actor.
    pub(in crate::dms) fn pass_over(&mut self, allocation: &str, omitted: Omitted) {
        let Some(allocation) = self.allocations.get_mut(allocation) else { return };
        allocation.sequence += omitted.reports;
        allocation.actor.pass_over(omitted.reports + omitted.checks);
        if allocation.config.healthcheck.is_some() {
            allocation.probes = allocation.probes.wrapping_add(omitted.checks as u32);
        }
    }

    pub(super) fn report(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let Some(hosted) = self.hosted.get(&allocation.ensemble) else { return };
        allocation.sequence += 1;
        let message = Message::Liveness(Liveness {
            allocation: Arc::clone(id),
            generation: allocation.generation,
            status: allocation.state,
            sequence: allocation.sequence,
            healthy: allocation.state == AllocationState::Running,
        });
        let call = Call {
            behaviour: hosted.behaviours.allocation_liveness.clone(),
            reply_to: None,
            expire: desk.now + LIVENESS_REPORT_TIMEOUT,
            message,
        };
        desk.send(&mut allocation.actor, &hosted.orchestrator, call);
    }
}

impl Allocation {
    pub(super) fn set_state(
        &mut self,
        desk: &mut Desk<'_, '_>,
        id: &Arc<str>,
        state: AllocationState,
        exit_code: Option<i32>,
    ) {
        if self.state != state {
            self.state = state;
            if state == AllocationState::Running {
                self.started = desk.now;
            }
            desk.fact(Fact::AllocationState {
                allocation: Arc::clone(id),
                generation: self.generation,
                state,
                exit_code,
            });
        }
    }

    fn check_health(&mut self, desk: &mut Desk<'_, '_>, request: &Envelope) {
        let Some(check) = &self.config.healthcheck else {
            return desk.reply(&mut self.actor, request, Message::Ok);
        };
        if self.state != AllocationState::Running {
            return desk.reply(&mut self.actor, request, not_running());
        }
        // The real DMS asks pages with a client that waits for ever (section 3.4); its supervisor does not.
        let waits =
            matches!(check.probe, HealthProbe::Http { .. }) && desk.security.profile.is_nearer_as_is();
        self.probes += 1;
        self.probe_reply = OwedReply::to(request).map(|owed| (self.probes, owed));
        desk.action(Action::Probe(self.run, self.probes, (!waits).then_some(HEALTH_PROBE_TIMEOUT)));
    }

    /// A health probe has come to an end. Nobody waits any more for one that was overtaken by the next.
    fn probed(&mut self, desk: &mut Desk<'_, '_>, number: u32, health: Health) {
        let Some((_, owed)) = self.probe_reply.take_if(|(awaited, _)| *awaited == number) else { return };
        let answer = match health {
            Health::Good => Message::Ok,
            Health::Bad => Message::Error("health check failed".into()),
            Health::TimedOut => {
                Message::Error(format!("health check unanswered for {HEALTH_PROBE_TIMEOUT}").into())
            }
        };
        desk.reply_later(&mut self.actor, owed, answer);
    }

    /// What it uses, as its executor finds.
    fn give_stats(&mut self, desk: &mut Desk<'_, '_>, request: &Envelope) {
        if self.state != AllocationState::Running {
            return desk.reply(&mut self.actor, request, not_running());
        }
        self.stats_reply = OwedReply::to(request).map(Box::new);
        desk.action(Action::ReadStats(self.run));
    }

    fn answer_start(&mut self, desk: &mut Desk<'_, '_>, answer: Message) {
        if let Some(owed) = self.start_reply.take() {
            desk.reply_later(&mut self.actor, owed, answer);
        }
    }
}

fn not_running() -> Message {
    Message::Error("the allocation is not running".into())
}
