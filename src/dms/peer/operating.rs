//! What an operator asks of the deployments of a node: `/dms/node/deployment/...` (dms-capabilities section 5,
//! dms-acceptance sections 3 and 8). The operator of the node itself asks at its command line, everybody else by a
//! message that has been authorised like all others.

use std::sync::Arc;

use super::{Peer, give_answers};
use crate::dms::actor::{
    BehaviourKind, DeploymentReport, DeploymentRequest, Envelope, InfoRequest, LACKING, ListRequest,
    LogsRequest, Message, NewDeployment, Page, PruneRequest, UpdateDeployment,
};
use crate::dms::desk::{Answer, Asker, Desk, OwedReply};
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::EnsembleId;
use crate::dms::orchestrator::{Deployment, Wishes};
use crate::dms::outbox::Outbox;
use crate::kernel::Timestamp;

/// What the real node says when it has no such deployment.
const UNKNOWN: &str = "failed to get orchestrator: no such deployment";

impl Peer {
    /// A message about the node's deployments. Its behaviour was authorised, so it must be the one that is asked for.
    pub(super) fn handle_operator(&mut self, now: Timestamp, envelope: &Envelope, out: &mut Outbox<'_>) {
        let kind = envelope.behaviour.kind;
        let asker = Asker::Message(OwedReply::to(envelope).map(Box::new));
        match &envelope.message {
            Message::NewDeployment(new) if kind == BehaviourKind::DeploymentNew => {
                self.begin_new(now, asker, new, envelope.expire, out);
            }
            Message::Deployment(request) if kind == request.behaviour() => {
                self.control(now, asker, request, envelope.expire, out);
            }
            _ => {
                let reason = Err(LACKING.into());
                let mut desk = Desk { now, security: &mut self.security, out };
                asker.answer(&mut desk, &mut self.root, reason);
            }
        }
    }

    /// Begins a deployment. The answer comes before it has got anywhere: only its status tells how it goes.
    pub(super) fn begin_new(
        &mut self,
        now: Timestamp,
        asker: Asker,
        new: &NewDeployment,
        expire: Timestamp,
        out: &mut Outbox<'_>,
    ) {
        let begun = self.deploy(now, new, expire, Wishes::default(), out);
        let mut desk = Desk { now, security: &mut self.security, out };
        let answer = begun.map(|id| DeploymentReport::Accepted { id });
        asker.answer(&mut desk, &mut self.root, answer);
    }

    /// Does what is asked; what takes longer is answered later.
    pub(super) fn control(
        &mut self,
        now: Timestamp,
        asker: Asker,
        request: &DeploymentRequest,
        expire: Timestamp,
        out: &mut Outbox<'_>,
    ) {
        let mut desk = Desk { now, security: &mut self.security, out };
        let deployments = &mut self.deployments;
        let answer = match request {
            DeploymentRequest::List(list) => page(deployments, list).map(DeploymentReport::Page),
            DeploymentRequest::Prune(request) => prune(deployments, request),
            DeploymentRequest::Delete(id) => delete(deployments, *id),
            DeploymentRequest::Status(id) => {
                find(deployments, *id).map(|found| DeploymentReport::Status(found.status_report()))
            }
            DeploymentRequest::Manifest(id) => {
                find(deployments, *id).map(|found| DeploymentReport::Manifest(found.manifest()))
            }
            DeploymentRequest::Shutdown(id)
            | DeploymentRequest::Update(UpdateDeployment { id, .. })
            | DeploymentRequest::Info(InfoRequest { id, .. })
            | DeploymentRequest::Logs(LogsRequest { id, .. }) => match find(deployments, *id) {
                Err(unknown) => Err(unknown),
                Ok(found) => {
                    match request {
                        DeploymentRequest::Info(info) => found.inform(&mut desk, asker, info),
                        DeploymentRequest::Logs(logs) => found.give_logs(&mut desk, asker, logs),
                        DeploymentRequest::Update(new) => found.update(&mut desk, asker, new, expire),
                        _ => found.shutdown(&mut desk, asker),
                    }
                    return give_answers(&mut desk, &mut self.root, found);
                }
            },
        };
        asker.answer(&mut desk, &mut self.root, answer);
    }
}

fn find(deployments: &mut [Deployment], id: EnsembleId) -> Result<&mut Deployment, Arc<str>> {
    let known = |deployment: &&mut Deployment| deployment.id() == id && !deployment.is_forgotten();
    let found = deployments.iter_mut().rev().find(known).ok_or_else(|| Arc::from(UNKNOWN))?;
    found.is_ours()?;
    Ok(found)
}

/// The deployments that fit, in order, and of these a page.
fn page(deployments: &[Deployment], request: &ListRequest) -> Result<Page, Arc<str>> {
    let whole = |number: i64, what: &str| {
        usize::try_from(number).map_err(|_| Arc::from(format!("{what} must not be negative: {number}")))
    };
    let (limit, offset) = (whole(request.limit, "limit")?, whole(request.offset, "offset")?);
    let status = state(&request.status)?;
    let labels = labels(&request.filter)?;
    let fits = |deployment: &&Deployment| {
        deployment.is_listed()
            && status.is_none_or(|status| deployment.status() == status)
            && labels.iter().all(|(key, value)| deployment.is_labelled(key, value))
    };
    let mut lines: Vec<_> = deployments.iter().filter(fits).map(Deployment::line).collect();
    let (key, reversed) = match request.sort.strip_prefix('-') {
        Some(key) => (key, true),
        None => (&*request.sort, false),
    };
    // They stand in the order in which they were asked for, which sorting keeps among equals.
    match key {
        "" | "created" => {}
        "status" => lines.sort_by_key(|line| line.status),
        other => return Err(format!("cannot sort by {other}: by created or status").into()),
    }
    if reversed {
        lines.reverse();
    }
    let total = lines.len();
    let start = offset.min(total);
    let end = if limit == 0 { total } else { start.saturating_add(limit).min(total) };
    let has_more = end < total;
    Ok(Page {
        deployments: lines.drain(start..end).collect(),
        total: total as u64,
        has_more,
        next_offset: has_more.then_some(end as u64),
    })
}

/// The state of this name, in any letter case; none for an empty name.
fn state(name: &str) -> Result<Option<DeploymentStatus>, Arc<str>> {
    if name.is_empty() {
        return Ok(None);
    }
    let named = |status: &DeploymentStatus| status.as_str().eq_ignore_ascii_case(name);
    let found = DeploymentStatus::ALL.into_iter().find(named);
    found.map(Some).ok_or_else(|| format!("unknown status: {name}").into())
}

fn labels(filter: &[Arc<str>]) -> Result<Vec<(&str, &str)>, Arc<str>> {
    let wrong = |text: &str| Arc::from(format!("a filter must be key=value, not {text}"));
    filter.iter().map(|text| text.split_once('=').ok_or_else(|| wrong(text))).collect()
}

/// Forgets deployments that have ended: all, or those that ended before a time.
fn prune(deployments: &mut [Deployment], request: &PruneRequest) -> Answer {
    let before = match (request.all, request.before) {
        (true, None) => Timestamp(u64::MAX),
        (false, Some(before)) => before,
        _ => return Err("prune needs either all or before".into()),
    };
    let mut count = 0;
    for deployment in deployments.iter_mut().filter(|deployment| deployment.is_listed()) {
        if deployment.ended().is_some_and(|ended| ended < before) {
            deployment.forget();
            count += 1;
        }
    }
    Ok(DeploymentReport::Pruned(count))
}

/// Forgets one that has ended.
fn delete(deployments: &mut [Deployment], id: EnsembleId) -> Answer {
    let found = find(deployments, id)?;
    if !found.status().is_terminal() {
        let status = found.status().as_str();
        return Err(format!("the deployment is {status}: shut it down before it is deleted").into());
    }
    found.forget();
    Ok(DeploymentReport::Deleted)
}
