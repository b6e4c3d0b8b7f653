//! The life of an allocation on its provider: start, restart, health, heartbeats, end (dms-orchestration section 3).

use std::sync::Arc;

use super::{Allocation, Provider, arm_single_regrant};
use crate::dms::actor::{
    AllocationState, Behaviour, BehaviourKind, Call, Envelope, Liveness, Message, TaskTermination,
};
use crate::dms::constants::{LIVENESS_REPORT_INTERVAL, LIVENESS_REPORT_TIMEOUT, TASK_TERMINATION_TIMEOUT};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::Fact;
use crate::dms::outbox::{Action, Execution, RunId, Timer};

impl Provider {
    /// Whether an allocation's actor has this behaviour.
    pub(in crate::dms) fn has_allocation_behaviour(&self, behaviour: &Behaviour) -> bool {
        behaviour.reply_nonce().is_some_and(|nonce| self.awaits_confirmation(nonce))
            || matches!(
                behaviour.kind,
                BehaviourKind::AllocationStart
                    | BehaviourKind::AllocationRestart
                    | BehaviourKind::SubnetAddPeer
                    | BehaviourKind::SubnetAcceptPeers
                    | BehaviourKind::DnsAddRecords
                    | BehaviourKind::MapPort
                    | BehaviourKind::HealthCheckRegister
                    | BehaviourKind::HealthCheck
            )
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
            return self.resolve_confirmation(desk, nonce, Some(&request.message));
        }
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        match &request.message {
            Message::AllocationStart => allocation.start(desk, id, request),
            Message::AllocationRestart => allocation.restart(desk, id, request),
            Message::HealthCheckRegister => desk.reply(&mut allocation.actor, request, Message::Ok),
            Message::HealthCheck => allocation.check_health(desk, request),
            Message::SubnetAddPeer { .. }
            | Message::SubnetAcceptPeers(_)
            | Message::DnsAddRecords(_)
            | Message::MapPort { .. } => self.handle_network(desk, id, request),
            _ => {}
        }
    }

    /// Takes a report of the executor; one about a former run finds nobody.
    pub(in crate::dms) fn handle_execution(&mut self, desk: &mut Desk<'_, '_>, execution: Execution) {
        let run = execution.run();
        let found = self.allocations.iter().position(|(_, allocation)| allocation.run == run);
        let Some((id, _)) = found.and_then(|place| self.allocations.get_index(place)) else { return };
        let id = Arc::clone(id);
        let Some(allocation) = self.allocations.get_mut(&id) else { return };
        if !matches!(execution, Execution::Probed(..)) {
            self.recovering.retain(|other| *other != run);
        }
        match execution {
            Execution::Started(_) => {
                allocation.set_state(desk, &id, AllocationState::Running, None);
                allocation.answer_start(desk, Message::Ok);
                self.report(desk, &id);
                desk.timer(LIVENESS_REPORT_INTERVAL, Timer::Heartbeat(run));
            }
            Execution::StartFailed(_, reason) => {
                allocation.set_state(desk, &id, AllocationState::Failed, None);
                if allocation.start_reply.is_none() {
                    // Nobody waits for it: it was to run again after a restart.
                    return self.report(desk, &id);
                }
                allocation.answer_start(desk, Message::Error(reason));
            }
            Execution::Exited { code, output, .. } => self.handle_exit(desk, &id, code, output),
            Execution::Probed(_, healthy) => {
                if let Some(owed) = allocation.probe_reply.take() {
                    let answer =
                        if healthy { Message::Ok } else { Message::Error("health check failed".into()) };
                    desk.reply_later(&mut allocation.actor, owed, answer);
                }
            }
        }
    }

    /// A task reports its end once and releases itself; a service that ends is a failure that its heartbeats tell.
    fn handle_exit(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, code: i32, output: Arc<str>) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let task = allocation.config.kind == AllocationKind::Task;
        let state = if task && code == 0 { AllocationState::Completed } else { AllocationState::Failed };
        allocation.set_state(desk, id, state, Some(code));
        if !task {
            return self.report(desk, id);
        }
        let (ensemble, generation) = (allocation.ensemble, allocation.generation);
        let message = Message::TaskTermination(Box::new(TaskTermination {
            allocation: Arc::clone(id),
            generation,
            status: state,
            exit_code: code,
            output,
        }));
        if let Some(hosted) = self.hosted.get(&ensemble) {
            let call = Call {
                behaviour: hosted.behaviours.task_termination.clone(),
                reply_to: None,
                expire: desk.now + TASK_TERMINATION_TIMEOUT,
                message,
            };
            desk.send(&mut allocation.actor, &hosted.orchestrator, call);
        }
        self.release(desk, id, generation);
        self.forget_if_empty(ensemble);
    }

    /// The periodic report of a run; it ends with the run.
    pub(super) fn heartbeat(&mut self, desk: &mut Desk<'_, '_>, run: RunId) {
        let found = self.allocations.iter().find(|(_, allocation)| allocation.run == run);
        let Some(id) = found.map(|(id, _)| Arc::clone(id)) else { return };
        self.report(desk, &id);
        desk.timer(LIVENESS_REPORT_INTERVAL, Timer::Heartbeat(run));
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
            desk.fact(Fact::AllocationState {
                allocation: Arc::clone(id),
                generation: self.generation,
                state,
                exit_code,
            });
        }
    }

    fn start(&mut self, desk: &mut Desk<'_, '_>, _id: &Arc<str>, request: &Envelope) {
        match self.state {
            AllocationState::Running => desk.reply(&mut self.actor, request, Message::Ok),
            AllocationState::Pending if self.start_reply.is_none() => {
                self.start_reply = OwedReply::to(request);
                desk.action(Action::Start(self.run, Arc::clone(&self.config)));
            }
            _ => {
                let answer = Message::Error("the allocation cannot be started in its state".into());
                desk.reply(&mut self.actor, request, answer);
            }
        }
    }

    /// Stops what runs and starts it again, as another run of the same slot.
    fn restart(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, request: &Envelope) {
        if matches!(self.state, AllocationState::Pending | AllocationState::Restarting) {
            let answer = Message::Error("the allocation has never run: state is empty".into());
            return desk.reply(&mut self.actor, request, answer);
        }
        desk.action(Action::Stop(self.run));
        self.run.run += 1;
        arm_single_regrant(desk, self.run);
        self.set_state(desk, id, AllocationState::Restarting, None);
        self.start_reply = OwedReply::to(request);
        desk.action(Action::Start(self.run, Arc::clone(&self.config)));
    }

    fn check_health(&mut self, desk: &mut Desk<'_, '_>, request: &Envelope) {
        if self.config.healthcheck.is_none() {
            return desk.reply(&mut self.actor, request, Message::Ok);
        }
        if self.state != AllocationState::Running {
            let answer = Message::Error("the allocation is not running".into());
            return desk.reply(&mut self.actor, request, answer);
        }
        self.probe_reply = OwedReply::to(request);
        desk.action(Action::Probe(self.run));
    }

    fn answer_start(&mut self, desk: &mut Desk<'_, '_>, answer: Message) {
        if let Some(owed) = self.start_reply.take() {
            desk.reply_later(&mut self.actor, owed, answer);
        }
    }
}
