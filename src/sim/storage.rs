//! Volumes and data in the world: mounting, and what programs read and write (dms-capabilities section 8).
//!
//! Local data moves at the speed of the disk. Data of a shared volume and of buckets moves as a transfer between the
//! peers, and no faster than the disk of the server. What finds its server away waits and tries again, as a mounted
//! file system does.

use std::sync::Arc;

use super::disks::{Mounted, Place, Program};
use super::event::{DataStep, ExecutionStep, PeerId};
use super::executor::End;
use super::host::Inside;
use super::setup::{Bucket, DataUse, Trouble};
use super::troubles::{Effort, stretched};
use super::watching::Sight;
use super::world::{Cargo, World};
use crate::dms::ensemble::VolumeSource;
use crate::dms::outbox::{Execution, Input, RunId};
use crate::dms::storage::{Mount, MountError, MountOrder};
use crate::dms::supervision::recovery::told_interval;
use crate::kernel::{Span, Time};
use crate::net::{EndpointId, LossReason};

/// The helper container that mounts a shared volume starts in about this time.
const HELPER_START: Span = Span::secs(1);
/// Round trips until a shared volume is mounted: TCP, TLS, the description of the volume, its bricks.
const MOUNT_TRIPS: u64 = 4;
/// After so long a mount gives up to reach servers; the order to allocate lives for 5 s.
const MOUNT_TIMEOUT: Span = Span::secs(3);
/// So long after a transfer was interrupted it is tried again.
const RETRY: Span = Span::secs(10);

impl World<'_> {
    /// Begins to mount the volumes of an allocation.
    pub(super) fn begin_mount(&mut self, now: Time, peer: PeerId, run: RunId, order: Arc<MountOrder>) {
        let takes =
            order.mounts.iter().fold(Span::ZERO, |sum, mount| sum + self.mount_time(now, peer, mount));
        let host = &mut self.hosts[peer.0 as usize];
        host.disk.pending.push((run, order));
        self.after(now + takes, peer, run, ExecutionStep::Mounted);
    }

    fn mount_time(&self, now: Time, peer: PeerId, mount: &Mount) -> Span {
        let VolumeSource::Glusterfs { servers, .. } = &mount.source else { return Span::ZERO };
        match servers.iter().find_map(|server| self.reachable(now, peer, server)) {
            Some(server) => {
                let trip = self.network.shortest_round_trip(EndpointId(peer.0), EndpointId(server.0));
                HELPER_START + trip.times(MOUNT_TRIPS)
            }
            None => MOUNT_TIMEOUT,
        }
    }

    /// The peer of this name, if it is up and a connection to it is possible now.
    fn reachable(&self, now: Time, from: PeerId, name: &str) -> Option<PeerId> {
        let to = self.population.find(name)?;
        let answers = self.hosts[to.0 as usize].up && !self.troubles.is_frozen(to);
        let reached = answers && self.network.reaches(now, EndpointId(from.0), EndpointId(to.0));
        reached.then_some(to)
    }

    /// The time of a mount is over: what the executor reports. None when nobody waits for it any more.
    pub(super) fn finish_mount(&mut self, now: Time, peer: PeerId, run: RunId) -> Option<Execution> {
        let pending = &mut self.hosts[peer.0 as usize].disk.pending;
        let (_, order) = pending.remove(pending.iter().position(|(other, _)| *other == run)?);
        let mut places = Vec::new();
        for mount in &order.mounts {
            match self.mount(now, peer, mount) {
                Ok(place) => places.extend(Some(place).filter(|_| !mount.read_only)),
                Err(refused) => {
                    self.ledger.mounted(false);
                    return Some(Execution::NotMounted(run, refused.to_string().into()));
                }
            }
        }
        self.ledger.mounted(true);
        let (allocation, writer) = (Arc::clone(&order.allocation), Arc::clone(&order.writer));
        let mounted = Mounted { allocation, writer, place: places.into_iter().next() };
        self.hosts[peer.0 as usize].disk.mounted.insert(run.slot, mounted);
        Some(Execution::Mounted(run))
    }

    fn mount(&mut self, now: Time, peer: PeerId, mount: &Mount) -> Result<Place, MountError> {
        let destination = Arc::clone(&mount.destination);
        match &mount.source {
            VolumeSource::Local { src } => {
                let disk = &mut self.hosts[peer.0 as usize].disk;
                if src.starts_with('/') && !disk.has(src) {
                    return Err(MountError::NoDirectory(Arc::clone(src)));
                }
                disk.make(src);
                Ok(Place { peer, directory: Arc::clone(src), destination })
            }
            VolumeSource::Glusterfs { servers, client_private_key, client_pem, .. } => {
                let (volume, all) = (Arc::clone(&mount.name), servers.join(", "));
                let mut refused = MountError::Unreachable { volume, servers: all };
                for server in servers {
                    let Some(at) = self.reachable(now, peer, server) else { continue };
                    let host = &mut self.hosts[at.0 as usize];
                    let key = client_private_key.as_deref();
                    match host.peer.volumes().admit(&mount.name, client_pem.as_deref(), key) {
                        Ok(volume) => {
                            let directory = Arc::clone(&volume.brick);
                            host.disk.make_brick(&directory);
                            return Ok(Place { peer: at, directory, destination });
                        }
                        Err(refusal) => refused = MountError::Refused { server: Arc::clone(server), refusal },
                    }
                }
                Err(refused)
            }
        }
    }

    /// A container has started: what it has to do with data begins. `ends` is how much work it has to do before
    /// it does so by itself. False without anything of the kind.
    pub(super) fn start_program(&mut self, now: Time, peer: PeerId, run: RunId, ends: Option<Span>) -> bool {
        let Some(uses) = self.data_use(peer, run).cloned() else { return false };
        let host = &mut self.hosts[peer.0 as usize];
        host.disk.programs.push(Program {
            run,
            work: ends,
            base: Span::ZERO,
            since: None,
            writing: Span::ZERO,
            delivered: false,
        });
        if let Some((place, file, allocation)) = self.place_of(peer, run) {
            let found = self.hosts[place.peer.0 as usize].disk.file(&place.directory, &file);
            self.ledger.found_data(&allocation, found.map_or(0, |file| file.bytes));
        }
        match uses.input {
            Some(_) => self.begin_data(now, peer, run, DataStep::Fetch),
            None => self.begin_data(now, peer, run, DataStep::Restore),
        }
        true
    }

    /// What a run has to do with data; none when it was stopped, or has nothing to do with any.
    fn data_use(&self, peer: PeerId, run: RunId) -> Option<&DataUse> {
        let image = self.hosts[peer.0 as usize].executor.image_of(run)?;
        Some(&self.images.image(image).data).filter(|uses| !uses.is_none())
    }

    /// Where a run's data is, what its file is called, and whose it is. Data outlives its deployment; a checkpoint is
    /// of use to nobody but the deployment whose task has made it.
    fn place_of(&self, peer: PeerId, run: RunId) -> Option<(Place, Arc<str>, Arc<str>)> {
        let mounted = self.hosts[peer.0 as usize].disk.mounted.get(&run.slot)?;
        let resumes = self.data_use(peer, run).is_some_and(|uses| uses.resumes);
        let ensemble = mounted.allocation.split_once('_').map(|(ensemble, _)| ensemble).filter(|_| resumes);
        let file = match ensemble {
            Some(ensemble) => format!("{ensemble}.{}", mounted.writer).into(),
            None => Arc::clone(&mounted.writer),
        };
        Some((mounted.place.clone()?, file, Arc::clone(&mounted.allocation)))
    }

    /// A run begins to move data.
    pub(super) fn begin_data(&mut self, now: Time, peer: PeerId, run: RunId, step: DataStep) {
        let Some(uses) = self.data_use(peer, run).cloned() else { return };
        let Some(turn) = self.hosts[peer.0 as usize].executor.turn(run) else { return };
        let bucket =
            |bucket: &Option<Bucket>| bucket.as_ref().map(|bucket| (self.peer(&bucket.at), bucket.bytes));
        let (other, bytes) = match step {
            DataStep::Fetch => bucket(&uses.input),
            DataStep::Deliver => bucket(&uses.output),
            DataStep::Restore => self.checkpoint_of(peer, run, &uses),
            DataStep::Write => match self.begin_write(now, peer, run, &uses) {
                Ok(write) => write,
                Err(reason) => return self.fail_program(now, peer, run, &reason),
            },
        }
        .unwrap_or((peer, 0));
        let by_disk = now + self.disk_takes(other, bytes);
        let life = self.hosts[peer.0 as usize].power;
        if other == peer || bytes == 0 {
            return self.after(by_disk, peer, run, ExecutionStep::Moved(turn, step));
        }
        let (from, to) = match step {
            DataStep::Fetch | DataStep::Restore => (other, peer),
            DataStep::Write | DataStep::Deliver => (peer, other),
        };
        let transfer = match self.troubles.is_frozen(other) {
            true => Err(LossReason::ReceiverDown),
            false => self.start_transfer(now, Some(from), to, bytes),
        };
        match transfer {
            Ok(flow) => {
                self.cargo.insert(flow, Cargo::Data { peer, life, run, turn, step, by_disk });
                self.await_transfers();
            }
            Err(_) => self.retry_data(now, peer, life, (run, turn), step),
        }
        self.note_occurrences();
    }

    /// How long the disk of a machine takes for so many bytes.
    fn disk_takes(&self, peer: PeerId, bytes: u64) -> Span {
        stretched(self.hosts[peer.0 as usize].disk.takes(bytes), self.troubles.slowness_of_disk(peer))
    }

    /// Whether a disk takes nothing more, or not so much.
    fn is_full(&self, peer: PeerId, bytes: u64) -> bool {
        self.troubles.has(peer, Trouble::DiskFull) || self.hosts[peer.0 as usize].disk.check(bytes).is_err()
    }

    /// How much of its work a program has done.
    fn progress(&self, now: Time, peer: PeerId, program: &Program) -> Span {
        let done = program.since.map(|since| self.troubles.work_done(peer, since, now));
        program.base + done.unwrap_or(Span::ZERO)
    }

    /// A transfer could not be, or was interrupted.
    pub(super) fn retry_data(
        &mut self,
        now: Time,
        peer: PeerId,
        life: u32,
        (run, turn): (RunId, u32),
        step: DataStep,
    ) {
        let at = self.troubles.due(now, peer, now + RETRY, Effort::Other);
        self.post_execution(at, peer, life, run, ExecutionStep::Move(turn, step));
    }

    /// The checkpoint that a program goes on from, if it has one.
    fn checkpoint_of(&self, peer: PeerId, run: RunId, uses: &DataUse) -> Option<(PeerId, u64)> {
        let (place, writer, _) = self.place_of(peer, run).filter(|_| uses.resumes)?;
        let file = self.hosts[place.peer.0 as usize].disk.file(&place.directory, &writer)?;
        Some((place.peer, file.bytes))
    }

    /// Where a program writes how much. An error is its own: the disk is full, or the volume gone.
    fn begin_write(
        &mut self,
        now: Time,
        peer: PeerId,
        run: RunId,
        uses: &DataUse,
    ) -> Result<Option<(PeerId, u64)>, Arc<str>> {
        let (Some((place, ..)), Some(writes)) = (self.place_of(peer, run), &uses.writes) else {
            return Ok(None);
        };
        if !self.hosts[place.peer.0 as usize].disk.has(&place.directory) {
            return Err(format!("write {}: transport endpoint is not connected", place.destination).into());
        }
        if self.is_full(place.peer, writes.bytes) {
            return Err(no_space(&place));
        }
        let program = self.hosts[peer.0 as usize].disk.program(run).copied();
        let writing = program.map(|program| self.progress(now, peer, &program));
        if let (Some(program), Some(writing)) = (self.hosts[peer.0 as usize].disk.program(run), writing) {
            program.writing = writing;
            if uses.pauses {
                (program.base, program.since) = (writing, None);
            }
        }
        Ok(Some((place.peer, writes.bytes)))
    }

    /// A run has moved data.
    pub(super) fn data_moved(&mut self, now: Time, peer: PeerId, run: RunId, step: DataStep) {
        let Some(uses) = self.data_use(peer, run).cloned() else { return };
        match step {
            DataStep::Fetch => {
                self.ledger.bucket_bytes(uses.input.map_or(0, |input| input.bytes));
                self.begin_data(now, peer, run, DataStep::Restore);
            }
            DataStep::Restore => self.begin_work(now, peer, run, &uses),
            DataStep::Write => self.written(now, peer, run, &uses),
            DataStep::Deliver => {
                self.ledger.bucket_bytes(uses.output.map_or(0, |output| output.bytes));
                if let Some(program) = self.hosts[peer.0 as usize].disk.program(run) {
                    program.delivered = true;
                }
                if let Some(turn) = self.hosts[peer.0 as usize].executor.turn(run) {
                    self.after(now, peer, run, ExecutionStep::Ended(turn, End::Own));
                }
            }
        }
    }

    /// All that it needs is there: it works, from its checkpoint on if it has one.
    fn begin_work(&mut self, now: Time, peer: PeerId, run: RunId, uses: &DataUse) {
        let place = self.place_of(peer, run);
        let file = place.as_ref().filter(|_| uses.resumes).and_then(|(place, writer, _)| {
            self.hosts[place.peer.0 as usize].disk.file(&place.directory, writer)
        });
        let base = file.map_or(Span::ZERO, |file| file.progress);
        if let Some((_, _, allocation)) = place.as_ref().filter(|_| uses.resumes) {
            self.ledger.resumed(allocation, base);
        }
        let Some(program) = self.hosts[peer.0 as usize].disk.program(run) else { return };
        program.base = base;
        self.work_on(now, peer, run);
        if let (Some(_), Some(writes)) = (&place, &uses.writes)
            && let Some(turn) = self.hosts[peer.0 as usize].executor.turn(run)
        {
            let every = self.write_interval(peer, run, uses, writes.every);
            self.after(now + every, peer, run, ExecutionStep::Move(turn, DataStep::Write));
        }
    }

    /// How long a run works between two writes: a task with checkpoints as it was told, where it was.
    fn write_interval(&self, peer: PeerId, run: RunId, uses: &DataUse, own: Span) -> Span {
        let config = self.hosts[peer.0 as usize].executor.config_of(run).filter(|_| uses.resumes);
        config.and_then(told_interval).unwrap_or(own)
    }

    /// A program works on from what it has done, to its end if it has one.
    fn work_on(&mut self, now: Time, peer: PeerId, run: RunId) {
        let Inside { disk, executor, .. } = &mut *self.hosts[peer.0 as usize];
        let (Some(program), Some(turn)) = (disk.program(run), executor.turn(run)) else { return };
        program.since = Some(now);
        if let Some(work) = program.work {
            let at = now + work.saturating_sub(program.base);
            self.after(at, peer, run, ExecutionStep::Ended(turn, End::Own));
        }
    }

    /// Whether a run that was to have ended by now still has work, because it has paused since that was foreseen.
    pub(super) fn has_work_left(&mut self, now: Time, peer: PeerId, run: RunId) -> bool {
        let program = self.hosts[peer.0 as usize].disk.program(run).copied();
        program
            .is_some_and(|program| program.work.is_some_and(|work| self.progress(now, peer, &program) < work))
    }

    /// A write is complete; the next one follows.
    fn written(&mut self, now: Time, peer: PeerId, run: RunId, uses: &DataUse) {
        let (Some((place, writer, allocation)), Some(writes)) = (self.place_of(peer, run), &uses.writes)
        else {
            return;
        };
        let Some(program) = self.hosts[peer.0 as usize].disk.program(run).copied() else { return };
        let checkpoint = uses.resumes.then_some(program.writing);
        if self.is_full(place.peer, writes.bytes) {
            return self.fail_program(now, peer, run, &no_space(&place));
        }
        let disk = &mut self.hosts[place.peer.0 as usize].disk;
        if disk.write(&place.directory, &writer, writes.bytes, checkpoint).is_err() {
            return self.fail_program(now, peer, run, &no_space(&place));
        }
        self.ledger.wrote(&allocation, writes.bytes, uses.resumes);
        if let Some(progress) = checkpoint {
            self.shows(now, peer, Sight::Saved { slot: run.slot, progress });
        }
        if uses.pauses {
            self.work_on(now, peer, run);
        }
        if let Some(turn) = self.hosts[peer.0 as usize].executor.turn(run) {
            let every = self.write_interval(peer, run, uses, writes.every);
            self.after(now + every, peer, run, ExecutionStep::Move(turn, DataStep::Write));
        }
    }

    /// Whether a run that is about to end has to deliver something first; then it does.
    pub(super) fn delivers_first(&mut self, now: Time, peer: PeerId, run: RunId) -> bool {
        let has_output = self.data_use(peer, run).is_some_and(|uses| uses.output.is_some());
        let done = self.hosts[peer.0 as usize].disk.program(run).is_none_or(|program| program.delivered);
        if has_output && !done {
            self.begin_data(now, peer, run, DataStep::Deliver);
        }
        has_output && !done
    }

    /// A program gives up over its data: it says why and ends.
    fn fail_program(&mut self, now: Time, peer: PeerId, run: RunId, reason: &Arc<str>) {
        self.ledger.not_written();
        if self.hosts[peer.0 as usize].up {
            self.feed(now, peer, |_| Input::Execution(Execution::NotWritten(run, Arc::clone(reason))));
        }
        self.end_turn(now, peer, run, End::Volume, reason);
    }

    /// A run is over.
    pub(super) fn end_program(&mut self, now: Time, peer: PeerId, run: RunId) {
        self.note_progress(now, peer, Some(run));
        self.hosts[peer.0 as usize].disk.programs.retain(|program| program.run != run);
    }

    /// A machine stops: its data stays, what was being written is lost.
    pub(super) fn stop_programs(&mut self, now: Time, peer: PeerId) {
        self.note_progress(now, peer, None);
        self.hosts[peer.0 as usize].disk.crash();
    }

    /// What programs with checkpoints had done when they ended, to be compared with what they go on from.
    fn note_progress(&mut self, now: Time, peer: PeerId, only: Option<RunId>) {
        let programs = self.hosts[peer.0 as usize].disk.programs.clone();
        for program in programs.iter().filter(|program| only.is_none_or(|run| run == program.run)) {
            let resumes = self.data_use(peer, program.run).is_some_and(|uses| uses.resumes);
            if let Some((_, _, allocation)) = self.place_of(peer, program.run).filter(|_| resumes) {
                self.ledger.had_done(&allocation, self.progress(now, peer, program));
            }
        }
    }
}

fn no_space(place: &Place) -> Arc<str> {
    format!("write {}: no space left on device", place.destination).into()
}
