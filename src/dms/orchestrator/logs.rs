//! Logs of allocations on the orchestrator's disk (dms-orchestration section 3.6).
//!
//! The end of a task brings what it printed, or says that it is too long for that. It is then fetched from the provider
//! in chunks, as are the logs of what still runs when an operator wants them. A chunk that does not come is asked for
//! again; the offset of a request says what has arrived. Half an hour after the execution has ended logs are deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{
    LogChunk, LogFiles, LogRequest, Message, Output, Stream, TaskTermination, last_line,
};
use crate::dms::constants::{DEFAULT_MESSAGE_TIMEOUT, DELETE_LOGS_AFTER, GET_LOGS_TIMEOUT};
use crate::dms::desk::Desk;
use crate::dms::identity::Handle;
use crate::dms::outbox::Timer;
use crate::kernel::{Span, Timestamp};

/// How often in a row a chunk is asked for: as often as fits into the wait for logs.
const ATTEMPTS: u64 = GET_LOGS_TIMEOUT.0 / DEFAULT_MESSAGE_TIMEOUT.0;

/// The place of an allocation: its node's and its own in the node.
pub(super) type At = (usize, usize);

/// The place of what an update has removed.
const NOWHERE: At = (usize::MAX, usize::MAX);

/// The log of one allocation.
#[derive(Clone, Debug)]
pub(in crate::dms) struct Log {
    at: At,
    host: Arc<Handle>,
    generation: u32,
    run: u32,
    stdout: String,
    stderr: String,
    /// Set once nothing can follow what is there.
    ended: bool,
    /// When it is deleted; none while it is not known to have ended.
    delete: Option<Timestamp>,
    fetch: Option<Fetch>,
    follow: Option<Span>,
}

/// A fetch under way.
#[derive(Clone, Debug)]
struct Fetch {
    stream: Stream,
    failures: u64,
    /// The inquiries that wait for its end.
    inquiries: Vec<u32>,
}

impl Log {
    fn of(&mut self, stream: Stream) -> &mut String {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn begin_anew(&mut self, run: u32) {
        self.run = run;
        self.stdout.clear();
        self.stderr.clear();
    }

    /// The execution ends at the latest now: from when on it is deleted, unless it is known already.
    pub(super) fn delete_at(&mut self, when: Timestamp) {
        self.delete.get_or_insert(when);
    }

    const fn is_deleted(&self, now: Timestamp) -> bool {
        matches!(self.delete, Some(when) if now.0 > when.0)
    }
}

impl Deployment {
    /// The logs as the disk holds them: nobody fetches or follows them after a restart.
    pub(super) fn logs_on_disk(&self) -> Vec<Log> {
        self.logs.iter().map(|log| Log { fetch: None, follow: None, ..log.clone() }).collect()
    }

    /// What there is of an allocation's log, as files.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn log_files(&mut self, now: Timestamp, at: At) -> Result<LogFiles, Arc<str>> {
        let folder = format!("deployments/{}/{}", self.id, self.key(at));
        let Some(log) = self.logs.iter_mut().find(|log| log.at == at) else {
            return Err("the allocation has printed nothing yet: it has not run".into());
        };
        if log.is_deleted(now) {
            log.begin_anew(log.run);
            return Err(format!("the logs were deleted {DELETE_LOGS_AFTER} after the execution ended").into());
        }
        Ok(LogFiles {
            stdout_path: format!("{folder}/stdout.log").into(),
            stderr_path: format!("{folder}/stderr.log").into(),
            logs_written_to: folder.into(),
            stdout_bytes: log.stdout.len() as u64,
            stderr_bytes: log.stderr.len() as u64,
            error: "".into(),
            last_line: last_line(&log.stdout).into(),
        })
    }

    /// What a file with a log holds, by the path that [`LogFiles`] tells; none where there is no such file.
    #[must_use]
    pub fn log_file(&self, path: &str) -> Option<&str> {
        let path = path.strip_prefix(&format!("deployments/{}/", self.id))?;
        let (key, file) = path.rsplit_once('/')?;
        let of_it = |log: &&Log| log.at != NOWHERE && self.key(log.at) == key;
        let log = self.logs.iter().find(of_it)?;
        match file {
            "stdout.log" => Some(&log.stdout),
            "stderr.log" => Some(&log.stderr),
            _ => None,
        }
    }

    /// The end of a task brings its output, or has it fetched.
    pub(super) fn keep_output(&mut self, desk: &mut Desk<'_, '_>, at: At, end: &TaskTermination) {
        let Some(host) = self.nodes[at.0].place.clone() else { return };
        let delete = Some(desk.now + DELETE_LOGS_AFTER);
        let place = self.log_at(at, host, end.generation);
        let log = &mut self.logs[place];
        log.delete = delete;
        if end.fetch {
            return self.fetch_log(desk, place, None);
        }
        let Output { stdout, stderr } = &end.output;
        log.stdout = str::to_owned(&stdout.0);
        log.stderr = str::to_owned(&stderr.0);
        log.ended = true;
        self.finish_fetch(desk, place, None);
    }

    /// Has an inquiry wait for the log of an allocation that runs. False when there is nothing to wait for.
    pub(super) fn want_log(&mut self, desk: &mut Desk<'_, '_>, at: At, inquiry: u32) -> bool {
        let known = self.logs.iter().position(|log| log.at == at);
        let node = &self.nodes[at.0];
        if known.is_none() && !node.phase.has_allocations() {
            return false;
        }
        let place = match (known, self.nodes[at.0].place.clone()) {
            (_, Some(host)) => self.log_at(at, host, self.nodes[at.0].members[at.1].generation),
            (Some(place), None) => place,
            (None, None) => return false,
        };
        if self.logs[place].ended || self.logs[place].is_deleted(desk.now) {
            return false;
        }
        self.fetch_log(desk, place, Some(inquiry));
        true
    }

    /// Goes on fetching a log at this interval until the execution ends.
    pub(super) fn follow_log(&mut self, desk: &mut Desk<'_, '_>, at: At, interval: Span) {
        if let Some(place) = self.logs.iter().position(|log| log.at == at && !log.ended) {
            let follows = self.logs[place].follow.replace(interval).is_some();
            if !follows {
                desk.timer(interval, Timer::Follow(self.number, place as u32));
            }
        }
    }

    /// The time has come to look what a followed allocation has printed. One that is being placed anew is looked at
    /// when it is there.
    pub(super) fn follow(&mut self, desk: &mut Desk<'_, '_>, place: u32) {
        let Some(log) = self.logs.get_mut(place as usize) else { return };
        let Some(interval) = log.follow else { return };
        if log.ended || self.status.is_terminal() {
            log.follow = None;
            return;
        }
        let node = &self.nodes[log.at.0];
        let (at, generation) = (log.at, node.members[log.at.1].generation);
        if let Some(host) = node.place.clone().filter(|_| node.phase >= Phase::Allocated) {
            let place = self.log_at(at, host, generation);
            self.fetch_log(desk, place, None);
        }
        desk.timer(interval, Timer::Follow(self.number, place));
    }

    /// The place of the log of an allocation in its present life; a former life's gives way to it.
    fn log_at(&mut self, at: At, host: Arc<Handle>, generation: u32) -> usize {
        let fresh = Log {
            at,
            host,
            generation,
            run: 0,
            stdout: String::new(),
            stderr: String::new(),
            ended: false,
            delete: None,
            fetch: None,
            follow: None,
        };
        match self.logs.iter().position(|log| log.at == at) {
            Some(place) if self.logs[place].generation == generation => place,
            Some(place) => {
                // Who waits for the old one waits for the new one, and who follows goes on.
                let (fetch, follow) = (self.logs[place].fetch.take(), self.logs[place].follow);
                let fetch = fetch.map(|fetch| Fetch { stream: Stream::Stdout, failures: 0, ..fetch });
                self.logs[place] = Log { fetch, follow, ..fresh };
                place
            }
            None => {
                self.logs.push(fresh);
                self.logs.len() - 1
            }
        }
    }

    fn fetch_log(&mut self, desk: &mut Desk<'_, '_>, place: usize, inquiry: Option<u32>) {
        if let Some(fetch) = &mut self.logs[place].fetch {
            return fetch.inquiries.extend(inquiry);
        }
        let inquiries = inquiry.into_iter().collect();
        self.logs[place].fetch = Some(Fetch { stream: Stream::Stdout, failures: 0, inquiries });
        self.ask_for_chunk(desk, place);
    }

    fn ask_for_chunk(&mut self, desk: &mut Desk<'_, '_>, place: usize) {
        let log = &mut self.logs[place];
        let Some(stream) = log.fetch.as_ref().map(|fetch| fetch.stream) else { return };
        let offset = log.of(stream).len() as u64;
        let (host, generation, run, at) = (Arc::clone(&log.host), log.generation, log.run, log.at);
        let allocation = Arc::clone(&self.nodes[at.0].members[at.1].id);
        let request = LogRequest { allocation, generation, run, stream, offset };
        let behaviour = self.behaviours.allocation_logs.clone();
        let message = Message::LogRequest(Box::new(request));
        self.ask(
            desk,
            &host,
            behaviour,
            message,
            DEFAULT_MESSAGE_TIMEOUT,
            Purpose::Logs,
            (place, generation as usize),
        );
    }

    pub(super) fn resolve_logs(&mut self, desk: &mut Desk<'_, '_>, pending: Pending, outcome: &Outcome<'_>) {
        let place = pending.node;
        // A deployment that was forgotten has no logs any more.
        let Some(log) = self.logs.get_mut(place) else { return };
        let Some(fetch) = &mut log.fetch else { return };
        if pending.member != log.generation as usize {
            // The allocation has been placed anew meanwhile: its new life has a log of its own.
            return self.ask_for_chunk(desk, place);
        }
        match outcome {
            Outcome::Reply(Message::LogChunk(chunk)) => {
                fetch.failures = 0;
                self.take_chunk(desk, place, chunk);
            }
            Outcome::Timeout if fetch.failures + 1 < ATTEMPTS => {
                fetch.failures += 1;
                self.ask_for_chunk(desk, place);
            }
            other => {
                let reason = other.refusal(GET_LOGS_TIMEOUT);
                let reason = reason.unwrap_or_else(|| "the answer is no log".into());
                self.finish_fetch(desk, place, Some(&reason));
            }
        }
    }

    fn take_chunk(&mut self, desk: &mut Desk<'_, '_>, place: usize, chunk: &LogChunk) {
        let log = &mut self.logs[place];
        if chunk.run != log.run {
            log.begin_anew(chunk.run);
        }
        let text = log.of(chunk.stream);
        if chunk.offset != text.len() as u64 {
            text.clear();
        }
        if chunk.offset == text.len() as u64 {
            text.push_str(&chunk.data.0);
        }
        if (text.len() as u64) < chunk.total {
            return self.ask_for_chunk(desk, place);
        }
        match chunk.stream {
            Stream::Stdout => {
                if let Some(fetch) = &mut log.fetch {
                    fetch.stream = Stream::Stderr;
                }
                self.ask_for_chunk(desk, place);
            }
            Stream::Stderr => {
                if chunk.ended {
                    log.ended = true;
                    log.delete.get_or_insert(desk.now + DELETE_LOGS_AFTER);
                }
                self.finish_fetch(desk, place, None);
            }
        }
    }

    /// Allocations have other places now. What a removed one has printed stays on the disk, and nobody asks for more.
    /// The answer is which inquiries wait for it in vain.
    pub(super) fn relabel_logs(&mut self, moved: &BTreeMap<At, At>) -> Vec<u32> {
        let mut unanswered = Vec::new();
        for log in &mut self.logs {
            match moved.get(&log.at) {
                Some(at) => log.at = *at,
                None => {
                    unanswered.extend(log.fetch.take().into_iter().flat_map(|fetch| fetch.inquiries));
                    (log.at, log.ended, log.follow) = (NOWHERE, true, None);
                }
            }
        }
        unanswered
    }

    fn finish_fetch(&mut self, desk: &mut Desk<'_, '_>, place: usize, error: Option<&Arc<str>>) {
        let at = self.logs[place].at;
        let waiting = self.logs[place].fetch.take().map(|fetch| fetch.inquiries).unwrap_or_default();
        for inquiry in waiting {
            self.log_came(desk, inquiry, at, error.cloned());
        }
    }
}
