//! Virtual executors: what an allocation does once its provider has started it (docs/executors.md).
//!
//! What an allocation needs is fetched once for each executor of a peer, at the speed of its link, and then kept. After
//! a start-up time it runs, as a task to its end or as a service until it is stopped, fails, or takes more than it was
//! given. Docker and containerd start it again by themselves where its restart policy says so: another *turn* of the
//! same run. A machine that stops keeps its disk, so what was fetched.

mod kind;
mod restarts;
mod store;

use std::sync::Arc;

use smallvec::SmallVec;

use self::kind::{Needs, traits};
use self::restarts::Pauses;
use self::store::{Presence, Store};
use super::images::Images;
use super::setup::{Growth, ImageBehaviour, Prints, Uses};
use crate::dms::actor::{ExecutorStats, Output, Printed, Stream};
use crate::dms::ensemble::{AllocationConfig, Executor as Kind, HealthProbe, RestartPolicy};
use crate::dms::outbox::RunId;
use crate::kernel::{Rng, Span, Time};

/// Whether a task that ended without an error may have printed this on its output; none where there is no such task.
#[must_use]
pub fn may_have_printed(config: &AllocationConfig, result: &Printed, images: &Images) -> Option<bool> {
    let program = Needs::of(config, images).ok()?.program;
    match &images.image(program).behaviour {
        ImageBehaviour::Task { prints, .. } => {
            Some(prints.may_come_to(&result.0, traits(config.executor).console))
        }
        _ => None,
    }
}

/// What has not ended so long after it was told to (SIGTERM) is killed (SIGKILL): Docker's default.
pub const GRACE: Span = Span::secs(10);
/// The exit code of what was killed: 128 + 9.
const KILLED: i32 = 137;
/// The exit code of what met an error that it does not handle.
const FAILED: i32 = 1;

/// Where a run is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// A former run of its slot must end first.
    Queued,
    /// What it needs is being fetched.
    Fetching,
    /// It is about to be up.
    Starting,
    /// It has been up since then.
    Up(Time),
    /// Its machine has stopped, and it is to start again with it.
    Asleep,
}

/// A run that was started and has not ended for good.
#[derive(Clone, Debug)]
struct Container {
    run: RunId,
    kind: Kind,
    needs: Needs,
    config: Arc<AllocationConfig>,
    phase: Phase,
    /// How often it was started again by its executor.
    turn: u32,
    pauses: Pauses,
    /// When it will have ended that was told to.
    ends: Option<Time>,
    /// Attempts to terminate it that came to nothing.
    survived: u32,
    /// What it printed in earlier turns.
    earlier: Output,
    /// All that it had printed when it had done so that often in this turn: a long log is read in many chunks.
    written: Option<(u64, Output)>,
}

/// The executors of one peer.
#[derive(Clone, Debug, Default)]
pub struct Executor {
    store: Store,
    containers: Vec<Container>,
    /// What could not be started, and why.
    refused: Vec<(RunId, Arc<str>)>,
}

/// What follows from an order to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// All is here: it is up after its start-up time.
    After(Span),
    /// Something is not here. This must be fetched; what is not among it is being fetched already.
    Fetch {
        /// Numbers of images.
        parts: SmallVec<[u16; 3]>,
        /// How many other images made room for them.
        evicted: u32,
    },
    /// A former run of its slot ends at this time; then [`Executor::begin`] is to be asked again.
    Later(Time),
    /// It cannot be; [`Executor::refusal`] says why.
    Failed,
}

/// What is known of a run the moment it is up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// When it ends by itself, if it does: so much work on the cores that it was given.
    pub ends: Option<Span>,
    /// When it will have taken more than it was given, and of what.
    pub excess: Option<(Span, End)>,
    /// Whether it wants more cores than it was given.
    pub throttled: bool,
}

/// Why something ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It is done, or has failed as its image says.
    Own,
    /// It wanted more memory than it was given and was killed.
    OutOfMemory,
    /// It wanted to write more into its file system than it was given.
    DiskFull,
    /// It met an error with a volume.
    Volume,
    /// Its executor broke down.
    Crash,
}

/// What follows when something has ended by itself.
#[derive(Clone, PartialEq, Debug)]
pub enum Ended {
    /// It is gone for good.
    Gone {
        /// Its exit code.
        code: i32,
        /// All that it printed.
        output: Output,
    },
    /// It starts again.
    Restarts {
        /// After this pause.
        pause: Span,
        /// It takes so long to be up then.
        start: Span,
        /// Its exit code.
        code: i32,
        /// By which policy.
        policy: RestartPolicy,
    },
}

/// What follows from an order to end something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Termination {
    /// It is gone.
    Gone,
    /// It will be gone at this time; whether it has to be killed for that.
    Ends {
        /// When.
        at: Time,
        /// Whether by SIGKILL.
        killed: bool,
    },
    /// Not even killing it helps; that is known at this time.
    Survives(Time),
}

impl Executor {
    /// Whether nothing was ever started or fetched.
    #[must_use]
    pub const fn is_untouched(&self) -> bool {
        self.containers.is_empty() && self.refused.is_empty() && self.store.is_untouched()
    }

    /// Starts a run; `room` is what the disk has for everything that is fetched.
    pub fn start(
        &mut self,
        now: Time,
        run: RunId,
        config: Arc<AllocationConfig>,
        room: u64,
        images: &Images,
        rng: &mut Rng<'_>,
    ) -> Start {
        let needs = match Needs::of(&config, images) {
            Ok(needs) => needs,
            Err(reason) => return self.refuse(run, reason),
        };
        let free = self.end_of_former(now, run);
        self.containers.push(Container {
            run,
            kind: config.executor,
            needs,
            config,
            phase: Phase::Queued,
            turn: 0,
            pauses: Pauses::default(),
            ends: None,
            survived: 0,
            earlier: Output::default(),
            written: None,
        });
        match free {
            Some(free) => Start::Later(free),
            None => self.begin(run, room, images, rng).expect("it has just been put down"),
        }
    }

    /// When the last of the other runs of the same slot ends, where one is being ended.
    fn end_of_former(&self, now: Time, run: RunId) -> Option<Time> {
        let former = self.containers.iter().filter(|other| other.run.slot == run.slot && other.run != run);
        former.filter_map(|other| other.ends).max().filter(|free| *free > now)
    }

    /// Goes on with a start that nothing stands in the way of any more. None when it was stopped meanwhile.
    pub fn begin(&mut self, run: RunId, room: u64, images: &Images, rng: &mut Rng<'_>) -> Option<Start> {
        let waits = |one: &Container| one.phase == Phase::Queued && one.ends.is_none();
        let place = self.place(run).filter(|place| waits(&self.containers[*place]))?;
        let (kind, needs) = (self.containers[place].kind, self.containers[place].needs.clone());
        self.containers[place].phase = Phase::Fetching;
        let found = needs.parts.iter().map(|part| (*part, self.store.find(kind, *part)));
        let missing: Vec<_> = found.filter(|(_, presence)| *presence != Presence::Here).collect();
        if missing.is_empty() {
            self.containers[place].phase = Phase::Starting;
            return Some(Start::After(needs.start(kind, images, rng)));
        }
        let absent = missing.iter().filter(|(_, presence)| *presence == Presence::Absent);
        let mut parts: SmallVec<[u16; 3]> = absent.map(|(part, _)| *part).collect();
        // A ram disk that is the kernel over again is fetched once.
        parts.dedup();
        let mut evicted = 0;
        for part in &parts {
            let bytes = images.image(*part).size_bytes;
            let containers = &self.containers;
            let needed = |kind, image| {
                containers.iter().any(|one| one.kind == kind && one.needs.parts.contains(&image))
            };
            match self.store.reserve(kind, *part, bytes, room, needed) {
                Ok(went) => evicted += went,
                Err(store::NoRoom) => {
                    parts.iter().for_each(|part| self.store.fetched(kind, *part, false));
                    self.containers.remove(place);
                    let reason = format!("fetching {}: no space left on device", images.image(*part).name);
                    return Some(self.refuse(run, reason.into()));
                }
            }
        }
        Some(Start::Fetch { parts, evicted })
    }

    /// Whether an image is in the store of one of its executors.
    #[must_use]
    pub fn has_image(&self, image: u16) -> bool {
        self.store.has_any(image)
    }

    /// Puts down that something cannot start.
    pub fn refuse(&mut self, run: RunId, reason: Arc<str>) -> Start {
        self.refused.push((run, reason));
        Start::Failed
    }

    /// Why a run could not be started.
    pub fn refusal(&mut self, run: RunId) -> Option<Arc<str>> {
        let place = self.refused.iter().position(|(other, _)| *other == run)?;
        Some(self.refused.swap_remove(place).1)
    }

    /// Something has been fetched: the runs that have all they need by now, each with its start-up time.
    pub fn fetched(
        &mut self,
        kind: Kind,
        image: u16,
        images: &Images,
        rng: &mut Rng<'_>,
    ) -> Vec<(RunId, Span)> {
        self.store.fetched(kind, image, true);
        let Self { store, containers, .. } = self;
        let mut ready = Vec::new();
        for container in containers.iter_mut().filter(|one| one.phase == Phase::Fetching && one.kind == kind)
        {
            let has_all = |needs: &Needs| needs.parts.iter().all(|part| store.has(kind, *part));
            if container.needs.parts.contains(&image) && has_all(&container.needs) {
                container.phase = Phase::Starting;
                ready.push((container.run, container.needs.start(kind, images, rng)));
            }
        }
        ready
    }

    /// Something could not be fetched, and why: the runs that waited for it are refused.
    pub fn not_fetched(&mut self, kind: Kind, image: u16, why: &str, images: &Images) -> Vec<RunId> {
        self.store.fetched(kind, image, false);
        let waits = |one: &Container| {
            one.phase == Phase::Fetching && one.kind == kind && one.needs.parts.contains(&image)
        };
        let gone: Vec<RunId> = self.containers.iter().filter(|one| waits(one)).map(|one| one.run).collect();
        self.containers.retain(|one| !waits(one));
        let reason: Arc<str> = format!("fetching {}: {why}", images.image(image).name).into();
        self.refused.extend(gone.iter().map(|run| (*run, Arc::clone(&reason))));
        gone
    }

    /// The start-up time of a turn of a run is over. None when it was stopped meanwhile.
    pub fn up(
        &mut self,
        now: Time,
        run: RunId,
        turn: u32,
        images: &Images,
        rng: &mut Rng<'_>,
    ) -> Option<Course> {
        let container = self.containers.iter_mut().find(|one| {
            one.run == run && one.turn == turn && one.phase == Phase::Starting && one.ends.is_none()
        })?;
        container.phase = Phase::Up(now);
        let image = images.image(container.needs.program);
        let given = container.cores();
        let wanted = image.uses.cores_milli.unwrap_or(given);
        let ends = match &image.behaviour {
            ImageBehaviour::Task { run, stalls, .. } => {
                let work = stretched(run.sample(rng), wanted, given);
                Some(work + stalls.as_ref().map_or(Span::ZERO, |stalls| stalls.during(work, rng)))
            }
            ImageBehaviour::Service { fails_after, .. } => {
                fails_after.as_ref().map(|after| after.sample(rng))
            }
            ImageBehaviour::Kernel => None,
        };
        let limits = &container.config.resources;
        let beyond = |growth: Option<Growth>, limit, end| {
            growth.and_then(|growth| growth.exceeds(limit)).map(|when| (when, end))
        };
        let memory = beyond(image.uses.ram, limits.ram_bytes, End::OutOfMemory);
        let disk = beyond(image.uses.disk, limits.disk_bytes, End::DiskFull);
        let excess = [memory, disk].into_iter().flatten().min_by_key(|(when, _)| *when);
        Some(Course { ends, excess, throttled: wanted > given })
    }

    /// The present turn of a run ends by itself, with something on its error output where that is not the doing of its
    /// image. None when it was stopped or has ended meanwhile.
    pub fn end(
        &mut self,
        now: Time,
        run: RunId,
        end: End,
        words: &str,
        images: &Images,
        rng: &mut Rng<'_>,
    ) -> Option<Ended> {
        let place = self.place(run)?;
        let container = &mut self.containers[place];
        let Phase::Up(since) = container.phase else { return None };
        let image = images.image(container.needs.program);
        let code = match (&image.behaviour, end) {
            (ImageBehaviour::Task { exit_code, .. }, End::Own) => *exit_code,
            (_, End::OutOfMemory | End::Crash) => KILLED,
            _ => FAILED,
        };
        let ran = now.since(since);
        let mut output = container.printed(ran, images);
        let errors = if traits(container.kind).console { &mut output.stdout } else { &mut output.stderr };
        append(errors, words);
        if end == End::Crash {
            // An executor that has just started remembers no pauses.
            container.pauses = Pauses::default();
        }
        let policy = container.policy().filter(|policy| restarts::wants(Some(*policy), code));
        let pause = policy.filter(|_| container.ends.is_none()).and_then(|policy| {
            Some((policy, container.pauses.next(now, ran, traits(container.kind).restarts)?))
        });
        let Some((policy, pause)) = pause else {
            self.containers.swap_remove(place);
            return Some(Ended::Gone { code, output });
        };
        container.turn_over();
        container.phase = Phase::Starting;
        container.earlier = output;
        let start = container.needs.start(container.kind, images, rng);
        Some(Ended::Restarts { pause, start, code, policy })
    }

    /// What is up, and what is to be up for the first time.
    #[must_use]
    pub fn at_work(&self) -> (Vec<RunId>, Vec<RunId>) {
        let runs = |is_one: &dyn Fn(&Container) -> bool| {
            self.containers.iter().filter(|one| is_one(one)).map(|one| one.run).collect()
        };
        let begins = |one: &Container| {
            one.turn == 0 && one.ends.is_none() && matches!(one.phase, Phase::Fetching | Phase::Starting)
        };
        (runs(&|one| one.since().is_some()), runs(&begins))
    }

    /// A run that was to be up for the first time is refused.
    pub fn give_up(&mut self, run: RunId, why: &str) {
        if let Some(place) = self.place(run) {
            self.containers.remove(place);
            self.refuse(run, why.into());
        }
    }

    /// Whether a run is a task that is up.
    #[must_use]
    pub fn is_task(&self, run: RunId, images: &Images) -> bool {
        let image = self.image_of(run).map(|image| &images.image(image).behaviour);
        matches!(image, Some(ImageBehaviour::Task { .. }))
    }

    /// After how long a run writes into its own file system the next time. None when it never does.
    #[must_use]
    pub fn writes_after(&self, now: Time, run: RunId, images: &Images) -> Option<Span> {
        let container = self.find(run)?;
        let ran = now.since(container.since()?);
        let growth = images.image(container.needs.program).uses.disk?;
        if ran == Span::ZERO && growth.bytes > 0 {
            return Some(Span::ZERO);
        }
        growth.grows.map(|step| Span(step.every.0 - ran.0 % step.every.0))
    }

    /// The turn that a run is in. None when it was stopped or has ended.
    #[must_use]
    pub fn turn(&self, run: RunId) -> Option<u32> {
        self.find(run).map(|container| container.turn)
    }

    /// The image of a run that is up.
    #[must_use]
    pub fn image_of(&self, run: RunId) -> Option<u16> {
        self.find(run).filter(|one| one.since().is_some()).map(|container| container.needs.program)
    }

    /// What a run was started with.
    #[must_use]
    pub fn config_of(&self, run: RunId) -> Option<&AllocationConfig> {
        self.find(run).map(|container| &*container.config)
    }

    /// What runs a run.
    #[must_use]
    pub fn kind_of(&self, run: RunId) -> Option<Kind> {
        self.find(run).map(|container| container.kind)
    }

    /// What a run has printed so far. None when it was stopped or has never been up.
    #[must_use]
    pub fn log(&mut self, now: Time, run: RunId, stream: Stream, images: &Images) -> Option<Arc<str>> {
        let place = self.place(run)?;
        let container = &mut self.containers[place];
        let output = match container.since() {
            Some(since) => container.printed(now.since(since), images),
            None if container.turn > 0 => container.earlier.clone(),
            None => return None,
        };
        Some(match stream {
            Stream::Stdout => output.stdout.0,
            Stream::Stderr => output.stderr.0,
        })
    }

    /// What a run uses. None when it was stopped or has never been up; between two turns it uses nothing.
    #[must_use]
    pub fn stats(&self, now: Time, run: RunId, images: &Images) -> Option<ExecutorStats> {
        let container = self.find(run).filter(|one| one.has_run())?;
        let (given, limits) = (container.cores(), &container.config.resources);
        let Uses { cores_milli, ram, disk } = images.image(container.needs.program).uses;
        let ran = container.since().map(|since| now.since(since));
        let is_up = ran.is_some();
        let ran = ran.unwrap_or(Span::ZERO);
        let used = |amount: u64| if is_up { amount } else { 0 };
        Some(ExecutorStats {
            cpu_cores_milli: used(cores_milli.unwrap_or(given).min(given)),
            cpu_limit_milli: given,
            ram_bytes: used(ram.map_or(limits.ram_bytes, |ram| ram.after(ran)).min(limits.ram_bytes)),
            ram_limit_bytes: limits.ram_bytes,
            disk_bytes: used(disk.map_or(0, |disk| disk.after(ran)).min(limits.disk_bytes)),
            running_for: ran,
            restarts: container.turn,
        })
    }

    /// Since when a run is up; none while it is not.
    #[must_use]
    pub fn up_since(&self, run: RunId) -> Option<Time> {
        self.find(run).and_then(Container::since)
    }

    /// Whether a run is healthy by its own health check. A command has nothing to run in while it is not up.
    #[must_use]
    pub fn is_healthy(&self, run: RunId, images: &Images) -> bool {
        let Some(container) = self.find(run).filter(|one| one.since().is_some()) else { return false };
        let ImageBehaviour::Service { health, .. } = &images.image(container.needs.program).behaviour else {
            return true;
        };
        match container.config.healthcheck.as_ref().map(|check| &check.probe) {
            Some(HealthProbe::Command { expected, .. }) => {
                expected.as_ref().is_none_or(|text| health.is_empty() || health.contains(&**text))
            }
            Some(HealthProbe::Http { expected, .. }) => {
                expected.as_ref().is_none_or(|text| health.is_empty() || health == text)
            }
            None => true,
        }
    }

    /// How long a health check of a run takes.
    #[must_use]
    pub fn answers_after(&self, run: RunId, images: &Images, rng: &mut Rng<'_>) -> Span {
        let Some(container) = self.find(run).filter(|one| one.since().is_some()) else { return Span::ZERO };
        match &images.image(container.needs.program).behaviour {
            ImageBehaviour::Service { answers_after: Some(after), .. } => after.sample(rng),
            _ => Span::ZERO,
        }
    }

    /// How long a health check of a run may take at most; none when that is not known.
    #[must_use]
    pub fn longest_answer(&self, run: RunId, images: &Images) -> Option<Span> {
        let container = self.find(run).filter(|one| one.since().is_some())?;
        match &images.image(container.needs.program).behaviour {
            ImageBehaviour::Service { answers_after: Some(after), .. } => after.longest(),
            _ => Some(Span::ZERO),
        }
    }

    /// Tells a run to end so that it can start again: like [`Executor::terminate`], but in the end it is gone anyhow.
    pub fn stop(&mut self, now: Time, run: RunId, images: &Images, rng: &mut Rng<'_>) -> Termination {
        let ends = self.terminate(now, run, images, rng);
        if let (Termination::Survives(_), Some(place)) = (ends, self.place(run)) {
            self.containers.swap_remove(place);
            return Termination::Gone;
        }
        ends
    }

    /// Tells a run to end (SIGTERM); what has ended is gone already. What does not listen is killed (SIGKILL) after
    /// [`GRACE`], and what is stuck in its kernel survives that too. What waits for the end of a former run ends with
    /// it.
    pub fn terminate(&mut self, now: Time, run: RunId, images: &Images, rng: &mut Rng<'_>) -> Termination {
        let former = self.end_of_former(now, run);
        let Some(place) = self.place(run) else {
            return former.map_or(Termination::Gone, |at| Termination::Ends { at, killed: false });
        };
        let container = &mut self.containers[place];
        if container.phase == Phase::Queued
            && let Some(at) = former
        {
            container.ends = former;
            return Termination::Ends { at, killed: false };
        }
        let image = images.image(container.needs.program);
        if let Some(at) = container.ends.filter(|at| *at > now) {
            return Termination::Ends { at, killed: false };
        }
        if container.since().is_some() && container.survived < image.survives {
            container.survived += 1;
            return Termination::Survives(now + GRACE);
        }
        let after = match (&image.stop, container.since()) {
            (Some(stop), Some(_)) => stop.after.as_ref().map(|after| after.sample(rng)),
            _ => Some(Span::ZERO),
        };
        let listens = after.filter(|after| *after < GRACE);
        match listens {
            Some(Span::ZERO) => {
                self.containers.swap_remove(place);
                Termination::Gone
            }
            _ => {
                let at = now + listens.unwrap_or(GRACE);
                container.ends = Some(at);
                Termination::Ends { at, killed: listens.is_none() }
            }
        }
    }

    /// A run that was told to end is gone: its exit code, where it was up and its image says anything about that.
    pub fn gone(&mut self, now: Time, run: RunId, killed: bool, images: &Images) -> Option<i32> {
        let place =
            self.place(run).filter(|place| self.containers[*place].ends.is_some_and(|at| at <= now))?;
        let container = self.containers.swap_remove(place);
        container.since()?;
        let stop = images.image(container.needs.program).stop.as_ref()?;
        Some(if killed { KILLED } else { stop.exit_code })
    }

    /// The process that gave the orders is gone: what is up goes on, and what its executor starts again by itself; what
    /// was about to start for the first time is not wanted any more.
    pub fn abandon(&mut self) {
        self.containers.retain(|one| one.has_run() || one.phase == Phase::Asleep);
        self.store.call_off();
        self.refused.clear();
    }

    /// What is up, or between two turns.
    #[must_use]
    pub fn running(&self) -> Vec<RunId> {
        let runs = self.containers.iter().filter(|one| one.phase != Phase::Asleep);
        runs.filter(|one| one.has_run()).map(|one| one.run).collect()
    }

    /// The machine stops: every run and every fetch is gone, what was fetched stays. What has a policy for that starts
    /// again with the machine, unless it needs volumes: these are not mounted then.
    pub fn crash(&mut self) {
        self.store.call_off();
        self.refused.clear();
        self.containers.retain_mut(|one| {
            let wanted = one.has_run() && one.ends.is_none() && one.config.volumes.is_empty();
            one.phase = Phase::Asleep;
            wanted && restarts::survives_reboot(one.policy())
        });
    }

    /// The machine starts: what starts again with it, in which turn, by which policy and when it is up.
    pub fn rise(&mut self, images: &Images, rng: &mut Rng<'_>) -> Vec<(RunId, RestartPolicy, Span)> {
        let mut risen = Vec::new();
        for container in self.containers.iter_mut().filter(|one| one.phase == Phase::Asleep) {
            let Some(policy) = container.policy() else { continue };
            container.phase = Phase::Starting;
            container.turn_over();
            container.pauses = Pauses::default();
            risen.push((container.run, policy, container.needs.start(container.kind, images, rng)));
        }
        risen
    }

    /// Bytes of the disk that are taken by what was fetched.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.store.bytes()
    }

    fn place(&self, run: RunId) -> Option<usize> {
        self.containers.iter().position(|container| container.run == run)
    }

    fn find(&self, run: RunId) -> Option<&Container> {
        self.place(run).map(|place| &self.containers[place])
    }
}

impl Container {
    /// Since when it is up.
    const fn since(&self) -> Option<Time> {
        match self.phase {
            Phase::Up(since) => Some(since),
            _ => None,
        }
    }

    /// Whether it is up or has been.
    const fn has_run(&self) -> bool {
        self.since().is_some() || self.turn > 0
    }

    /// It is to start once more, and to print from the beginning.
    fn turn_over(&mut self) {
        self.turn += 1;
        self.written = None;
    }

    fn policy(&self) -> Option<RestartPolicy> {
        self.config.execution.container().and_then(|container| container.restart_policy)
    }

    /// The thousandths of cores that it may use.
    fn cores(&self) -> u64 {
        traits(self.kind).cores(self.config.resources.cpu.cores_milli)
    }

    /// All that it has printed when this turn has run for so long.
    fn printed(&mut self, ran: Span, images: &Images) -> Output {
        let prints = images.image(self.needs.program).behaviour.prints();
        let times = prints.map_or(0, |prints| prints.times(ran));
        if let Some((before, output)) = &self.written
            && *before == times
        {
            return output.clone();
        }
        let mut own = images.printed(self.needs.program, ran);
        if traits(self.kind).console {
            let errors = std::mem::take(&mut own.stderr);
            append(&mut own.stdout, &errors.0);
        }
        if self.turn > 0 {
            let now = std::mem::replace(&mut own, self.earlier.clone());
            append(&mut own.stdout, &now.stdout.0);
            append(&mut own.stderr, &now.stderr.0);
        }
        self.written = Some((times, own.clone()));
        own
    }
}

/// The time that work takes on fewer cores than it wants.
fn stretched(work: Span, wanted: u64, given: u64) -> Span {
    if wanted <= given {
        return work;
    }
    let takes = u128::from(work.0) * u128::from(wanted) / u128::from(given.max(1));
    Span(u64::try_from(takes).unwrap_or(u64::MAX))
}

/// Puts a text on a line of its own below another, as long as that is not endless.
fn append(printed: &mut Printed, text: &str) {
    let before = &printed.0;
    if text.is_empty() || before.len() as u64 > Prints::MOST_BYTES {
        return;
    }
    let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    printed.0 = format!("{before}{separator}{text}").into();
}
