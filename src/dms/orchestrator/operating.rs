//! What an operator can ask of a deployment (dms-acceptance sections 3, 6 and 8): its state, its manifest, everything
//! about it, its logs. Some of it the providers have to be asked for; who asked waits for that as an [`Inquiry`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::logs::At;
use super::node::MemberState;
use super::queueing::WAITS;
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{
    AllocationDetail, AllocationState, Behaviour, BehaviourKind, DeploymentInfo, DeploymentLine,
    DeploymentReport, ExecutorStats, InfoRequest, LogFiles, LogsRequest, Manifest, ManifestAllocation,
    ManifestNode, Message, Report, StatusReport,
};
use crate::dms::constants::{HEALTH_CHECK_TIMEOUT, LOG_FOLLOW_LIMITS};
use crate::dms::desk::{Answer, Asker, Desk};
use crate::kernel::Timestamp;

/// A question that providers have to be asked for.
#[derive(Clone, Debug)]
pub(super) struct Inquiry {
    number: u32,
    asker: Asker,
    question: Question,
    /// Answers of providers still to come.
    waiting: usize,
    stats: Vec<(At, ExecutorStats)>,
    errors: Vec<(At, Arc<str>)>,
}

#[derive(Clone, Debug)]
enum Question {
    Info { logs: Vec<At> },
    Logs { at: At },
}

impl Deployment {
    /// Answers that are ready for those who asked.
    pub(in crate::dms) fn take_answers(&mut self) -> Vec<(Asker, Answer)> {
        std::mem::take(&mut self.answers)
    }

    /// Whether its operator still wants to see it.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        !self.forgotten && self.succession.successor().is_none()
    }

    /// Whether its operator has had it forgotten.
    pub(in crate::dms) const fn is_forgotten(&self) -> bool {
        self.forgotten
    }

    /// Forgets it, as far as its operator is concerned: what it still has to have undone it goes on with.
    pub(in crate::dms) fn forget(&mut self) {
        self.forgotten = true;
        self.logs.clear();
    }

    /// When it ended.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|(when, _)| *when)
    }

    /// Whether the metadata of its ensemble has this value.
    #[must_use]
    pub fn is_labelled(&self, key: &str, value: &str) -> bool {
        self.config.metadata.get(key).is_some_and(|own| **own == *value)
    }

    /// Its line in a list.
    pub(in crate::dms) fn line(&self) -> DeploymentLine {
        DeploymentLine { id: self.id, status: self.status, created: self.created, ended: self.ended() }
    }

    /// Its state, with why it ended or what last went wrong.
    pub(in crate::dms) fn status_report(&self) -> StatusReport {
        let troubled = |(stage, reason): &(crate::dms::fact::Stage, Arc<str>)| {
            Arc::from(format!("{}: {reason}", stage.as_str()))
        };
        let reason = match &self.ended {
            Some((_, reason)) => reason.clone(),
            None if self.is_queued => Some(WAITS.into()),
            None => self.last_failure.as_ref().map(troubled),
        };
        StatusReport { status: self.status, reason: reason.unwrap_or_default(), pending: self.still_held() }
    }

    /// Peers that have not acknowledged an undo.
    pub(super) fn still_held(&self) -> u32 {
        let mut hosts: Vec<_> = self.undo.iter().map(|undo| undo.place.host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len() as u32
    }

    /// `node.allocation`.
    pub(super) fn key(&self, at: At) -> String {
        let node = &self.nodes[at.0];
        format!("{}.{}", node.name, node.members[at.1].name)
    }

    /// The state of an allocation, as far as its orchestrator knows it.
    fn state_of(&self, (node, member): At) -> AllocationState {
        let node = &self.nodes[node];
        match node.members[member].state {
            MemberState::Ended(0) => AllocationState::Completed,
            MemberState::Ended(_) => AllocationState::Failed,
            MemberState::Running => AllocationState::Running,
            MemberState::Waiting | MemberState::Queued if self.status.is_terminal() => {
                AllocationState::Terminated
            }
            MemberState::Waiting => AllocationState::Pending,
            MemberState::Queued => AllocationState::Queued,
        }
    }

    /// The places of all allocations.
    fn places(&self) -> Vec<At> {
        let of_node = |(index, node): (usize, &super::node::Node)| {
            (0..node.members.len()).map(move |member| (index, member)).collect::<Vec<_>>()
        };
        self.nodes.iter().enumerate().flat_map(of_node).collect()
    }

    /// Where its parts are.
    pub(in crate::dms) fn manifest(&self) -> Manifest {
        let allocation = |at: At| {
            let member = &self.nodes[at.0].members[at.1];
            ManifestAllocation {
                key: self.key(at).into(),
                status: self.state_of(at),
                address: member.address,
                dns_name: member.config.subnet_name(),
                ports: member.ports.iter().map(|port| (port.public, port.private)).collect(),
            }
        };
        let node = |(index, node): (usize, &super::node::Node)| ManifestNode {
            name: Arc::clone(&node.name),
            peer: node.place.as_ref().map(|place| place.host),
            allocations: (0..node.members.len()).map(|member| allocation((index, member))).collect(),
        };
        let nodes = self.nodes.iter().enumerate().map(node).collect();
        let joins = self.config.subnet.join;
        Manifest { id: self.id, subnet: self.range, joins, orchestrator: self.joined_at(), nodes }
    }

    /// The allocation that an operator means: `node.allocation`, or a name that only one has.
    fn place_named(&self, name: &str) -> Result<At, Arc<str>> {
        let own_name = |at: &At| *self.nodes[at.0].members[at.1].name == *name;
        let fitting: Vec<At> =
            self.places().into_iter().filter(|at| self.key(*at) == name || own_name(at)).collect();
        match fitting[..] {
            [at] => Ok(at),
            [] => Err(format!("allocation {name} not found in the manifest").into()),
            _ => Err(format!("allocation {name} is on several nodes: say which, as in node.{name}").into()),
        }
    }

    /// Everything about it, with what was asked for besides.
    pub(in crate::dms) fn inform(&mut self, desk: &mut Desk<'_, '_>, asker: Asker, request: &InfoRequest) {
        let only: Result<Vec<At>, Arc<str>> =
            request.allocations.iter().map(|name| self.place_named(name)).collect();
        let logs = match only {
            Err(reason) => return self.answers.push((asker, Err(reason))),
            Ok(_) if !request.logs => Vec::new(),
            Ok(only) if only.is_empty() => self.places(),
            Ok(only) => only,
        };
        let used = if request.usage { self.running_members() } else { Vec::new() };
        let number = self.inquire(asker, Question::Info { logs: logs.clone() });
        for at in used {
            self.ask_for_stats(desk, at, number);
        }
        for at in logs {
            let waits = self.want_log(desk, at, number);
            self.wait_for(number, usize::from(waits));
        }
        self.wait_for(number, 0);
        self.conclude(desk, number);
    }

    /// Has the logs of an allocation written to this node's disk.
    pub(in crate::dms) fn give_logs(&mut self, desk: &mut Desk<'_, '_>, asker: Asker, request: &LogsRequest) {
        let at = match self.place_named(&request.allocation) {
            Ok(at) => at,
            Err(reason) => return self.answers.push((asker, Err(reason))),
        };
        let number = self.inquire(asker, Question::Logs { at });
        let waits = self.want_log(desk, at, number);
        self.wait_for(number, usize::from(waits));
        if let Some(interval) = request.follow {
            let (shortest, longest) = LOG_FOLLOW_LIMITS;
            self.follow_log(desk, at, interval.clamp(shortest, longest));
        }
        self.conclude(desk, number);
    }

    fn inquire(&mut self, asker: Asker, question: Question) -> u32 {
        self.inquiry_count += 1;
        let number = self.inquiry_count;
        let (stats, errors) = (Vec::new(), Vec::new());
        self.inquiries.push(Inquiry { number, asker, question, waiting: 0, stats, errors });
        number
    }

    fn wait_for(&mut self, number: u32, more: usize) {
        if let Some(inquiry) = self.inquiries.iter_mut().find(|inquiry| inquiry.number == number) {
            inquiry.waiting += more;
        }
    }

    fn running_members(&self) -> Vec<At> {
        let runs = |at: &At| {
            self.nodes[at.0].phase == Phase::Started
                && self.nodes[at.0].members[at.1].state == MemberState::Running
        };
        self.places().into_iter().filter(runs).collect()
    }

    fn ask_for_stats(&mut self, desk: &mut Desk<'_, '_>, at: At, number: u32) {
        let Some(to) = self.nodes[at.0].members[at.1].handle.clone() else { return };
        let behaviour = Behaviour::fixed(BehaviourKind::AllocationStats);
        self.ask(desk, &to, behaviour, Message::Query, HEALTH_CHECK_TIMEOUT, Purpose::Stats(number), at);
        self.wait_for(number, 1);
    }

    pub(super) fn resolve_stats(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        number: u32,
        outcome: &Outcome<'_>,
    ) {
        let at = (pending.node, pending.member);
        let Some(inquiry) = self.inquiries.iter_mut().find(|inquiry| inquiry.number == number) else {
            return;
        };
        match outcome {
            Outcome::Reply(Message::Report(report)) if matches!(**report, Report::Stats(_)) => {
                if let Report::Stats(stats) = **report {
                    inquiry.stats.push((at, stats));
                }
            }
            other => inquiry.errors.extend(other.refusal(HEALTH_CHECK_TIMEOUT).map(|reason| (at, reason))),
        }
        self.one_less(desk, number);
    }

    /// A log that an inquiry waits for is there, as far as it could be had.
    pub(super) fn log_came(&mut self, desk: &mut Desk<'_, '_>, number: u32, at: At, error: Option<Arc<str>>) {
        if let Some(inquiry) = self.inquiries.iter_mut().find(|inquiry| inquiry.number == number) {
            inquiry.errors.extend(error.map(|error| (at, error)));
        }
        self.one_less(desk, number);
    }

    /// Allocations have other places now, and some are gone: so are questions about their logs, and answers to come.
    pub(super) fn relabel_inquiries(
        &mut self,
        desk: &Desk<'_, '_>,
        moved: &BTreeMap<At, At>,
        unanswered: &[u32],
    ) {
        let now = |at: &At| moved.get(at).copied();
        let mut kept = Vec::new();
        for mut inquiry in std::mem::take(&mut self.inquiries) {
            inquiry.stats = inquiry.stats.iter().filter_map(|(at, stats)| Some((now(at)?, *stats))).collect();
            let errors = inquiry.errors.iter();
            inquiry.errors = errors.filter_map(|(at, error)| Some((now(at)?, Arc::clone(error)))).collect();
            let question = match &inquiry.question {
                Question::Info { logs } => {
                    Some(Question::Info { logs: logs.iter().filter_map(now).collect() })
                }
                Question::Logs { at } => now(at).map(|at| Question::Logs { at }),
            };
            match question {
                Some(question) => kept.push(Inquiry { question, ..inquiry }),
                None => self.answers.push((inquiry.asker, Err("the allocation has been removed".into()))),
            }
        }
        self.inquiries = kept;
        for inquiry in unanswered {
            self.one_less(desk, *inquiry);
        }
    }

    fn one_less(&mut self, desk: &Desk<'_, '_>, number: u32) {
        if let Some(inquiry) = self.inquiries.iter_mut().find(|inquiry| inquiry.number == number) {
            inquiry.waiting = inquiry.waiting.saturating_sub(1);
        }
        self.conclude(desk, number);
    }

    /// Answers an inquiry that waits for nothing more.
    fn conclude(&mut self, desk: &Desk<'_, '_>, number: u32) {
        let ready = |inquiry: &Inquiry| inquiry.number == number && inquiry.waiting == 0;
        let Some(place) = self.inquiries.iter().position(ready) else { return };
        let inquiry = self.inquiries.remove(place);
        let answer = match &inquiry.question {
            Question::Logs { at } => self.files_for(desk.now, &inquiry, *at).map(DeploymentReport::Logs),
            Question::Info { logs } => {
                let allocations =
                    self.places().into_iter().map(|at| self.detail(desk.now, &inquiry, logs, at)).collect();
                let (status, manifest) = (self.status_report(), self.manifest());
                Ok(DeploymentReport::Info(Box::new(DeploymentInfo { status, manifest, allocations })))
            }
        };
        self.answers.push((inquiry.asker, answer));
    }

    /// The files of a log; what could not be fetched is said beside what is there.
    fn files_for(&mut self, now: Timestamp, inquiry: &Inquiry, at: At) -> Result<LogFiles, Arc<str>> {
        let error = inquiry.errors.iter().find(|(of, _)| *of == at).map(|(_, error)| Arc::clone(error));
        let files = self.log_files(now, at)?;
        match error {
            Some(error) if files.stdout_bytes + files.stderr_bytes == 0 => Err(error),
            error => Ok(LogFiles { error: error.unwrap_or_default(), ..files }),
        }
    }

    fn detail(&mut self, now: Timestamp, inquiry: &Inquiry, logs: &[At], at: At) -> AllocationDetail {
        let stats = inquiry.stats.iter().find(|(of, _)| *of == at).map(|(_, stats)| *stats);
        let files = logs.contains(&at).then(|| self.files_for(now, inquiry, at));
        let error = match &files {
            Some(Err(reason)) => Arc::clone(reason),
            Some(Ok(_)) => "".into(),
            None => inquiry
                .errors
                .iter()
                .find(|(of, _)| *of == at)
                .map_or_else(|| "".into(), |(_, error)| Arc::clone(error)),
        };
        AllocationDetail {
            id: Arc::clone(&self.nodes[at.0].members[at.1].id),
            status: self.state_of(at),
            executor_stats: stats,
            logs: files.and_then(Result::ok),
            error,
        }
    }
}
