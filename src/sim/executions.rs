//! Executions in the world: orders to the executors of peers, and what these report.

use std::sync::Arc;

use super::event::{Event, ExecutionStep, PeerId};
use super::executor::{End, Ended, Executor, Start, Termination};
use super::host::Inside;
use super::images::Images;
use super::routine::Concern;
use super::setup::Trouble;
use super::troubles::Effort;
use super::watching::Sight;
use super::world::{Cargo, EXECUTOR, World};
use crate::dms::ensemble::{AllocationConfig, Executor as Kind};
use crate::dms::outbox::{Execution, Health, Input, KillCause, RunId};
use crate::dms::resources::Resources;
use crate::kernel::{Cursor, Domain, Rng, Span, Streams, Time, at_moment};

/// Which fetches fail.
const FETCH: Domain = Domain::new("sim.fetch");
/// How long the answers to health probes take.
const PROBE: Domain = Domain::new("sim.probe");
/// So long Docker waits for the first word of a registry.
const FETCH_TIMEOUT: Span = Span::secs(15);

impl World<'_> {
    /// An order to start something.
    pub(super) fn start_run(&mut self, now: Time, peer: PeerId, run: RunId, config: Arc<AllocationConfig>) {
        let host = &mut self.hosts[peer.0 as usize];
        let wishes = Resources { gpus: config.resources.gpus.clone(), ..Resources::default() };
        if host.peer.provider().machine().total.checked_minus(&wishes).is_err() {
            return self.after(now, peer, run, ExecutionStep::NoCard);
        }
        if !config.volumes.is_empty() && !host.disk.mounted.contains_key(&run.slot) {
            return self.after(now, peer, run, ExecutionStep::NoVolume);
        }
        let room = self.room_for_images(peer);
        let start = self
            .with_executor(peer, |executor, images, rng| executor.start(now, run, config, room, images, rng));
        self.go_on_starting(now, peer, run, start);
    }

    fn go_on_starting(&mut self, now: Time, peer: PeerId, run: RunId, start: Start) {
        match start {
            Start::After(span) => {
                self.ledger.looked_for_images(true);
                self.boots(now, peer, run, span);
            }
            Start::Fetch { parts, evicted } => {
                self.ledger.looked_for_images(false);
                self.ledger.evicted(evicted);
                let kind = self.hosts[peer.0 as usize].executor.kind_of(run);
                let kind = kind.expect("what waits for its image has not ended");
                parts.into_iter().for_each(|part| self.fetch(now, peer, run, kind, part));
            }
            Start::Later(at) => self.after(at, peer, run, ExecutionStep::Free),
            Start::Failed => self.after(now, peer, run, ExecutionStep::NotStarted),
        }
    }

    /// All that a run needs is there.
    fn boots(&mut self, now: Time, peer: PeerId, run: RunId, takes: Span) {
        let executor = &self.hosts[peer.0 as usize].executor;
        let (Some(kind), Some(turn)) = (executor.kind_of(run), executor.turn(run)) else { return };
        self.ledger.boots(kind, takes);
        self.after(now + takes, peer, run, ExecutionStep::Started(turn));
    }

    fn fetch(&mut self, now: Time, peer: PeerId, run: RunId, kind: Kind, image: u16) {
        let (bytes, fails) = (self.images.image(image).size_bytes, self.images.image(image).pull_fails);
        let mut silent = self.troubles.has(peer, Trouble::PullFailure);
        if fails > 0.0 {
            let host = &mut self.hosts[peer.0 as usize];
            let mut rng = self.streams.rng(FETCH, u64::from(peer.0), &mut host.fetch_cursor);
            silent |= rng.chance(fails);
        }
        if silent {
            let step = ExecutionStep::NotFetched(kind, image);
            return self.after(now + FETCH_TIMEOUT, peer, run, step);
        }
        let life = self.hosts[peer.0 as usize].life;
        match self.start_transfer(now, None, peer, bytes) {
            Ok(flow) => {
                self.cargo.insert(flow, Cargo::Image { peer, life, kind, image });
                self.ledger.pull_started(bytes);
                self.await_transfers();
            }
            Err(reason) => {
                unreachable!("only a peer that is up starts anything, and this one is not: {reason:?}")
            }
        }
    }

    /// Something could not be fetched, and why.
    pub(super) fn fetch_failed(&mut self, now: Time, peer: PeerId, kind: Kind, image: u16, why: &str) {
        self.ledger.not_fetched();
        let refused =
            self.with_executor(peer, |executor, images, _| executor.not_fetched(kind, image, why, images));
        for run in refused {
            self.after(now, peer, run, ExecutionStep::NotStarted);
        }
    }

    /// What the disk of a machine has left for what its executors fetch.
    fn room_for_images(&self, peer: PeerId) -> u64 {
        match self.troubles.has(peer, Trouble::DiskFull) {
            true => 0,
            false => self.hosts[peer.0 as usize].disk.room_for_images(),
        }
    }

    /// Something has been fetched.
    pub(super) fn image_fetched(&mut self, now: Time, peer: PeerId, kind: Kind, image: u16) {
        let ready =
            self.with_executor(peer, |executor, images, rng| executor.fetched(kind, image, images, rng));
        for (run, span) in ready {
            self.boots(now, peer, run, span);
        }
    }

    /// An order to stop something so that it can start again: whatever happens, it will be gone then.
    pub(super) fn stop_run(&mut self, now: Time, peer: PeerId, run: RunId) {
        let stop = self.with_executor(peer, |executor, images, rng| executor.stop(now, run, images, rng));
        self.go_on_ending(now, peer, run, stop);
    }

    /// An order to end something for good.
    pub(super) fn terminate_run(&mut self, now: Time, peer: PeerId, run: RunId) {
        let ends =
            self.with_executor(peer, |executor, images, rng| executor.terminate(now, run, images, rng));
        if ends == Termination::Gone {
            self.after(now, peer, run, ExecutionStep::Terminated(false));
        }
        self.go_on_ending(now, peer, run, ends);
    }

    fn go_on_ending(&mut self, now: Time, peer: PeerId, run: RunId, ends: Termination) {
        match ends {
            Termination::Gone => self.end_program(now, peer, run),
            Termination::Ends { at, killed } => self.after(at, peer, run, ExecutionStep::Terminated(killed)),
            Termination::Survives(at) => self.after(at, peer, run, ExecutionStep::NotTerminated),
        }
    }

    /// An order to ask after something's health.
    pub(super) fn probe(&mut self, now: Time, peer: PeerId, run: RunId, number: u32, limit: Option<Span>) {
        let cursor = &mut Cursor::default();
        let mut rng = probe_stream(self.streams, now, peer, run, cursor);
        let takes = self.hosts[peer.0 as usize].executor.answers_after(run, &self.images, &mut rng);
        let takes = self.troubles.due(now, peer, now + takes, Effort::Answer).since(now);
        let answered = limit.is_none_or(|limit| takes <= limit);
        let at = now + limit.map_or(takes, |limit| takes.min(limit));
        self.after(at, peer, run, ExecutionStep::Probed(number, answered));
    }

    /// A step of a run is due in an executor.
    pub(super) fn execute(&mut self, now: Time, peer: PeerId, run: RunId, step: ExecutionStep) {
        if !matches!(step, ExecutionStep::Probed(..)) {
            self.disturb(now, peer, Concern::Slot(run.slot));
        }
        let is_turn = |world: &Self, turn| world.hosts[peer.0 as usize].executor.turn(run) == Some(turn);
        match step {
            ExecutionStep::Move(turn, step) if is_turn(self, turn) => {
                self.begin_data(now, peer, run, step);
            }
            ExecutionStep::Moved(turn, step) if is_turn(self, turn) => {
                self.data_moved(now, peer, run, step);
            }
            ExecutionStep::Ended(turn, end) => {
                let goes_on = |world: &mut Self| {
                    world.has_work_left(now, peer, run) || world.delivers_first(now, peer, run)
                };
                if is_turn(self, turn) && !(end == End::Own && goes_on(self)) {
                    self.end_turn(now, peer, run, end, words_of(end));
                }
            }
            ExecutionStep::Free => {
                let room = self.room_for_images(peer);
                let start =
                    self.with_executor(peer, |executor, images, rng| executor.begin(run, room, images, rng));
                if let Some(start) = start {
                    self.go_on_starting(now, peer, run, start);
                }
            }
            ExecutionStep::NotFetched(kind, image) => {
                self.fetch_failed(now, peer, kind, image, "its server does not answer");
            }
            ExecutionStep::Writes(turn) => {
                if is_turn(self, turn) && self.troubles.has(peer, Trouble::DiskFull) {
                    self.end_turn(now, peer, run, End::DiskFull, words_of(End::DiskFull));
                }
            }
            ExecutionStep::Pretended(turn) => {
                if is_turn(self, turn) {
                    self.end_turn(now, peer, run, End::Own, "");
                }
            }
            ExecutionStep::Terminated(killed) => self.terminated(now, peer, run, killed),
            _ => {
                if let Some(report) = self.report_of(now, peer, run, step) {
                    self.hear(now, peer, report);
                }
            }
        }
    }

    /// A peer hears of its executor, if it is up; the end of something waits for it.
    fn hear(&mut self, now: Time, peer: PeerId, report: Execution) {
        if self.hosts[peer.0 as usize].up {
            self.note_result(peer, &report);
            self.feed_about(now, peer, Concern::Nothing, |_| Input::Execution(report));
        } else if matches!(report, Execution::Exited { .. }) {
            self.hosts[peer.0 as usize].unheard.push(report);
        }
    }

    /// A turn of a run ends by itself.
    pub(super) fn end_turn(&mut self, now: Time, peer: PeerId, run: RunId, end: End, words: &str) {
        let executor = &self.hosts[peer.0 as usize].executor;
        // What is not up has ended already.
        let Some(image) = executor.image_of(run) else { return };
        let has_result = end == End::Own && executor.is_task(run, &self.images);
        self.end_program(now, peer, run);
        let ended =
            self.with_executor(peer, |executor, images, rng| executor.end(now, run, end, words, images, rng));
        let Some(ended) = ended else { return };
        self.ledger.ended(end);
        self.shows(now, peer, Sight::Ended { slot: run.slot });
        if end == End::OutOfMemory {
            self.hear(now, peer, Execution::Killed(run, KillCause::OutOfMemory));
        }
        match ended {
            Ended::Gone { code, output } => {
                let wrong = if has_result { self.wrong_result(peer, run, image) } else { None };
                let output = wrong.unwrap_or(output);
                self.hear(now, peer, Execution::Exited { run, code, output });
            }
            Ended::Restarts { pause, start, code, policy } => {
                self.ledger.restarted_by(policy);
                self.boots(now + pause, peer, run, start);
                self.hear(now, peer, Execution::Restarting(run, code));
            }
        }
    }

    /// What was told to end is gone.
    fn terminated(&mut self, now: Time, peer: PeerId, run: RunId, killed: bool) {
        if self.hosts[peer.0 as usize].executor.turn(run).is_some() {
            self.end_program(now, peer, run);
        }
        let gone = self.with_executor(peer, |executor, images, _| executor.gone(now, run, killed, images));
        if gone.is_some() && killed {
            self.ledger.was_deaf();
            self.hear(now, peer, Execution::Killed(run, KillCause::Deaf));
        }
        self.hear(now, peer, Execution::Terminated(run, gone));
    }

    /// What starts again with its machine does so.
    pub(super) fn raise_runs(&mut self, now: Time, peer: PeerId) -> Vec<RunId> {
        let risen = self.with_executor(peer, Executor::rise);
        for &(run, policy, span) in &risen {
            self.ledger.restarted_by(policy);
            self.boots(now, peer, run, span);
        }
        risen.into_iter().map(|(run, ..)| run).collect()
    }

    /// What the executor reports of a step.
    fn report_of(&mut self, now: Time, peer: PeerId, run: RunId, step: ExecutionStep) -> Option<Execution> {
        Some(match step {
            ExecutionStep::Started(turn) => self.is_up(now, peer, run, turn)?,
            ExecutionStep::Probed(number, answered) => {
                let healthy = self.hosts[peer.0 as usize].executor.is_healthy(run, &self.images);
                let health = match (answered, healthy) {
                    (false, _) => Health::TimedOut,
                    (true, true) => Health::Good,
                    (true, false) => Health::Bad,
                };
                Execution::Probed(run, number, health)
            }
            ExecutionStep::LogRead(stream, offset) => {
                let text = self.hosts[peer.0 as usize].executor.log(now, run, stream, &self.images)?;
                Execution::Log { run, stream, offset, text }
            }
            ExecutionStep::StatsRead => {
                Execution::Stats(run, self.hosts[peer.0 as usize].executor.stats(now, run, &self.images))
            }
            ExecutionStep::NotStarted => {
                Execution::StartFailed(run, self.hosts[peer.0 as usize].executor.refusal(run)?)
            }
            ExecutionStep::NoCard => {
                Execution::StartFailed(run, "the machine lacks a GPU that the container asks for".into())
            }
            ExecutionStep::NotTerminated => {
                Execution::NotTerminated(run, "the container does not end".into())
            }
            ExecutionStep::Mounted => self.finish_mount(now, peer, run)?,
            ExecutionStep::NoVolume => Execution::StartFailed(run, "its volumes are not mounted".into()),
            ExecutionStep::Move(..)
            | ExecutionStep::Moved(..)
            | ExecutionStep::Ended(..)
            | ExecutionStep::Free
            | ExecutionStep::NotFetched(..)
            | ExecutionStep::Writes(_)
            | ExecutionStep::Pretended(_)
            | ExecutionStep::Terminated(_) => return None,
        })
    }

    /// A turn of a run is up: what will become of it is put down.
    fn is_up(&mut self, now: Time, peer: PeerId, run: RunId, turn: u32) -> Option<Execution> {
        let mut course =
            self.with_executor(peer, |executor, images, rng| executor.up(now, run, turn, images, rng))?;
        // A job says how long it runs on what it asked for: whatever its image says was that of no job.
        if course.ends.is_some() && self.hosts[peer.0 as usize].executor.is_task(run, &self.images) {
            course.ends = self.run_time_of_job(peer, run).or(course.ends);
        }
        self.shows(now, peer, Sight::Began { slot: run.slot });
        self.check_program(peer, run);
        if course.throttled {
            self.ledger.throttled();
        }
        if self.is_idle_liar(peer) {
            if self.hosts[peer.0 as usize].executor.is_task(run, &self.images) {
                self.after(now, peer, run, ExecutionStep::Pretended(turn));
            }
            return Some(Execution::Started(run));
        }
        if self.troubles.has(peer, Trouble::DiskFull) {
            self.foresee_write(now, peer, run);
        }
        if !self.start_program(now, peer, run, course.ends)
            && let Some(span) = course.ends
        {
            self.after(now + span, peer, run, ExecutionStep::Ended(turn, End::Own));
        }
        if let Some((span, end)) = course.excess {
            self.after(now + span, peer, run, ExecutionStep::Ended(turn, end));
        }
        Some(Execution::Started(run))
    }

    /// A step of a run is due at a time, unless its machine stops before.
    pub(super) fn after(&mut self, at: Time, peer: PeerId, run: RunId, step: ExecutionStep) {
        let life = self.hosts[peer.0 as usize].power;
        let at = self.troubles.due(self.queue.now(), peer, at, Effort::of(step));
        self.post_execution(at, peer, life, run, step);
    }

    /// Plans a step of a run, with all that is wrong with its machine by now in the time.
    pub(super) fn post_execution(
        &mut self,
        at: Time,
        peer: PeerId,
        life: u32,
        run: RunId,
        step: ExecutionStep,
    ) {
        let known = self.troubles.known(peer);
        self.queue.post(at, Event::Execution { peer, life, known, run, step });
    }

    /// Lends an executor its random stream; what it has fetched takes room on the disk.
    fn with_executor<T>(
        &mut self,
        peer: PeerId,
        act: impl FnOnce(&mut Executor, &Images, &mut Rng<'_>) -> T,
    ) -> T {
        let Inside { executor, executor_cursor, disk, .. } = &mut *self.hosts[peer.0 as usize];
        let mut rng = self.streams.rng(EXECUTOR, u64::from(peer.0), executor_cursor);
        let done = act(executor, &self.images, &mut rng);
        disk.images = executor.stored_bytes();
        done
    }
}

/// What is drawn for a health probe, which follows from when it is made alone.
pub(super) fn probe_stream(
    streams: Streams,
    now: Time,
    peer: PeerId,
    run: RunId,
    cursor: &mut Cursor,
) -> Rng<'_> {
    streams.rng(PROBE, at_moment(now, u64::from(peer.0), u64::from(run.slot)), cursor)
}

/// What stands on the error output at such an end.
const fn words_of(end: End) -> &'static str {
    match end {
        End::Own | End::Volume | End::Crash => "",
        End::OutOfMemory => "Killed",
        End::DiskFull => "write /: no space left on device",
    }
}
