//! How an orchestrator learns that a task has ended (dms-orchestration section 3.2), and what the provider keeps of it.
//!
//! The real DMS sends one message with everything that the task printed and asks for no answer, so that a deployment
//! hangs when it is lost or too long (W17). As it is meant, the end is told again, with growing pauses, until the
//! orchestrator acknowledges it or has the allocation undone; what does not fit into a message is fetched from here.
//! Logs are kept for half an hour.

use std::sync::Arc;

use super::{Allocation, Provider};
use crate::dms::actor::{
    Actor, AllocationState, Behaviour, Call, Envelope, LogChunk, LogRequest, Message, Output, Printed,
    Stream, TaskTermination, chunk,
};
use crate::dms::constants::{
    DELETE_LOGS_AFTER, LOG_CHUNK_BYTES, TASK_TERMINATION_GIVE_UP, TASK_TERMINATION_RETRY_MAX,
    TASK_TERMINATION_RETRY_MIN, TASK_TERMINATION_TIMEOUT,
};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::identity::{EnsembleId, Handle};
use crate::dms::outbox::{Action, RunId, Timer};
use crate::dms::profile::Weakness;
use crate::kernel::{OrderedMap, Span, Timestamp};

/// The end of a task that its orchestrator has not acknowledged. The allocation is gone; its actor stays for this.
#[derive(Clone, Debug)]
pub(in crate::dms) struct Farewell {
    run: RunId,
    pub(super) ensemble: EnsembleId,
    pub(super) actor: Actor,
    to: Arc<Handle>,
    behaviour: Behaviour,
    end: TaskTermination,
    /// That of the message that was sent last.
    nonce: u64,
    pause: Span,
    give_up: Timestamp,
}

/// What a run that has ended printed.
#[derive(Clone, Debug)]
pub(in crate::dms) struct KeptLog {
    run: RunId,
    pub(super) ensemble: EnsembleId,
    generation: u32,
    output: Output,
    delete: Timestamp,
}

impl Provider {
    /// Tells the orchestrator of a task that it has ended.
    pub(super) fn tell_end(
        &mut self,
        desk: &mut Desk<'_, '_>,
        id: &Arc<str>,
        status: AllocationState,
        exit_code: i32,
        output: Output,
    ) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let (ensemble, generation, run) = (allocation.ensemble, allocation.generation, allocation.run);
        let Some(hosted) = self.hosted.get(&ensemble) else { return };
        let to = Arc::clone(&hosted.orchestrator);
        let behaviour = hosted.behaviours.task_termination.clone();
        let as_is = desk.security.profile.has(Weakness::UnacknowledgedEnd);
        let fetch = !as_is && output.bytes() > LOG_CHUNK_BYTES as u64;
        let output = if fetch { Output::default() } else { output };
        let allocation_id = Arc::clone(id);
        let end = TaskTermination { allocation: allocation_id, generation, status, exit_code, output, fetch };
        if as_is {
            let expire = desk.now + TASK_TERMINATION_TIMEOUT;
            let message = Message::TaskTermination(Box::new(end));
            return desk.send(
                &mut allocation.actor,
                &to,
                Call { behaviour, reply_to: None, expire, message },
            );
        }
        let farewell = Farewell {
            run,
            ensemble,
            actor: allocation.actor.clone(),
            to,
            behaviour,
            end,
            nonce: 0,
            pause: TASK_TERMINATION_RETRY_MIN,
            give_up: desk.now + TASK_TERMINATION_GIVE_UP,
        };
        self.farewells.insert(Arc::clone(id), farewell);
        self.say_farewell(desk, run);
    }

    /// Tells it, and again after a pause, until it is acknowledged or there is no hope that it ever will be.
    pub(super) fn say_farewell(&mut self, desk: &mut Desk<'_, '_>, run: RunId) {
        let found = self.farewells.iter().position(|(_, farewell)| farewell.run == run);
        let Some((_, farewell)) = found.and_then(|place| self.farewells.get_index_mut(place)) else { return };
        if desk.now > farewell.give_up {
            let ensemble = farewell.ensemble;
            self.farewells.retain(|_, farewell| farewell.run != run);
            return self.forget_if_empty(ensemble);
        }
        let message = Message::TaskTermination(Box::new(farewell.end.clone()));
        let (to, behaviour) = (Arc::clone(&farewell.to), farewell.behaviour.clone());
        farewell.nonce =
            desk.call(&mut farewell.actor, &to, behaviour, message, desk.now + TASK_TERMINATION_TIMEOUT);
        desk.timer(farewell.pause, Timer::Farewell(run));
        farewell.pause = farewell.pause.times(2).min(TASK_TERMINATION_RETRY_MAX);
    }

    /// The ends that are not acknowledged, of ensembles that are `wanted`.
    pub(super) fn ends_to_tell(
        &self,
        wanted: impl Fn(EnsembleId) -> bool,
    ) -> impl Iterator<Item = (Arc<str>, u32, AllocationState)> {
        let of_it = self.farewells.iter().filter(move |(_, farewell)| wanted(farewell.ensemble));
        of_it.map(|(id, farewell)| (Arc::clone(id), farewell.end.generation, farewell.end.status))
    }

    /// Ends that are not acknowledged are told to somebody else from now on.
    pub(super) fn redirect_farewells(&mut self, ensemble: EnsembleId, to: &Arc<Handle>) {
        let of_it = self.farewells.values_mut().filter(|farewell| farewell.ensemble == ensemble);
        of_it.for_each(|farewell| farewell.to = Arc::clone(to));
    }

    /// After a restart: whoever has not acknowledged is told again at once, and logs are deleted when they would have
    /// been.
    pub(super) fn take_up_ended(
        &mut self,
        desk: &mut Desk<'_, '_>,
        farewells: OrderedMap<Arc<str>, Farewell>,
        kept: OrderedMap<Arc<str>, KeptLog>,
    ) {
        self.kept = kept;
        for log in self.kept.values() {
            desk.timer(log.delete.since(desk.now), Timer::ForgetLog(log.run));
        }
        let runs: Vec<RunId> = farewells.values().map(|farewell| farewell.run).collect();
        let earlier = self.allocations.len();
        let revived = |(turn, (id, farewell)): (usize, (Arc<str>, Farewell))| {
            let actor = farewell.actor.revived(desk.now, earlier + turn);
            (id, Farewell { actor, pause: TASK_TERMINATION_RETRY_MIN, ..farewell })
        };
        self.farewells = farewells.into_iter().enumerate().map(revived).collect();
        for run in runs {
            self.say_farewell(desk, run);
        }
    }

    /// Whether this is the nonce of the acknowledgement that an ended allocation waits for.
    pub(super) fn awaits_acknowledgement(&self, id: &str, nonce: u64) -> bool {
        self.farewells.get(id).is_some_and(|farewell| farewell.nonce == nonce)
    }

    /// The orchestrator knows of the end of this life of an allocation, and of all before.
    pub(super) fn end_farewell(&mut self, id: &str, generation: u32) {
        self.farewells.retain(|other, farewell| **other != *id || farewell.end.generation > generation);
    }

    /// The orchestrator has acknowledged the end.
    pub(super) fn acknowledged(&mut self, id: &str) {
        if let Some(farewell) = self.farewells.shift_remove(id) {
            self.forget_if_empty(farewell.ensemble);
        }
    }

    /// Keeps what a run printed that has ended.
    pub(super) fn keep_log(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, output: Output) {
        let Some(allocation) = self.allocations.get(id) else { return };
        let (run, ensemble, generation) = (allocation.run, allocation.ensemble, allocation.generation);
        let delete = desk.now + DELETE_LOGS_AFTER;
        self.kept.insert(Arc::clone(id), KeptLog { run, ensemble, generation, output, delete });
        desk.timer(DELETE_LOGS_AFTER, Timer::ForgetLog(run));
    }

    /// Half an hour after the end of a run.
    pub(super) fn forget_log(&mut self, run: RunId) {
        let Some(place) = self.kept.values().position(|kept| kept.run == run) else { return };
        if let Some((_, kept)) = self.kept.shift_remove_index(place) {
            self.forget_if_empty(kept.ensemble);
        }
    }

    /// Gives a part of a log: of one that is kept, or after a look at what runs.
    pub(super) fn handle_log_request(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        request: &Envelope,
        log: &LogRequest,
    ) {
        let live = |allocation: &&mut Allocation| allocation.generation == log.generation;
        if let Some(allocation) = self.allocations.get_mut(&log.allocation).filter(live)
            && matches!(allocation.state, AllocationState::Running)
        {
            let run = allocation.run;
            let offset = if log.run == run.run { log.offset } else { 0 };
            allocation.log_reply = OwedReply::to(request).map(Box::new);
            return desk.action(Action::ReadLog(run, log.stream, offset));
        }
        let kept = self.kept.get(&log.allocation).filter(|kept| kept.generation == log.generation);
        let answer = match kept {
            Some(kept) => {
                let offset = if log.run == kept.run.run { log.offset } else { 0 };
                part(kept.run, log.stream, offset, kept.output.of(log.stream), true)
            }
            None if self.is_here(log) => part(RunId { slot: 0, run: log.run }, log.stream, 0, "", false),
            None => Message::Error("no logs: the allocation is not here, or they have been deleted".into()),
        };
        desk.reply(root, request, answer);
    }

    fn is_here(&self, log: &LogRequest) -> bool {
        self.allocations.get(&log.allocation).is_some_and(|found| found.generation == log.generation)
    }
}

/// A part of a stream, as it is answered.
pub(super) fn part(run: RunId, stream: Stream, offset: u64, text: &str, ended: bool) -> Message {
    let (offset, data) = chunk(text, offset);
    let (data, total) = (Printed(data.into()), text.len() as u64);
    Message::LogChunk(Box::new(LogChunk { run: run.run, stream, offset, data, total, ended }))
}
