//! What a node tells its operator about its deployments is so: a page holds what was asked for and no more, it says
//! whether another follows, and what is to be forgotten is (dms-acceptance, deployment operations).

use super::{Found, Invariant, Look};
use crate::dms::actor::{DeploymentReport, ListRequest, Message, Page, Report};
use crate::dms::orchestrator::Deployment;
use crate::kernel::Timestamp;
use crate::sim::event::PeerId;
use crate::sim::setup::{ControlKind, Operation, OperationKind};

/// See the module.
#[derive(Default)]
pub(super) struct Answers;

impl Invariant for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn shown(
        &mut self,
        look: &Look<'_, '_>,
        peer: PeerId,
        (operation, message): (&Operation, &Message),
        found: &mut Found<'_>,
    ) {
        let (OperationKind::Deployment(control), Message::Report(report)) = (&operation.kind, message) else {
            return;
        };
        // What another node says may be old by now.
        let (None, Report::Deployment(report)) = (&control.to, &**report) else { return };
        let all = look.world.hosts[peer.0 as usize].peer.deployments();
        let fault = match (&control.kind, report) {
            (ControlKind::List(request), DeploymentReport::Page(page)) => fault_of(page, request, all),
            (ControlKind::Prune(before), DeploymentReport::Pruned(_)) => {
                let before = before.map(|time| look.world.clock(time));
                let is_old = |ended: Timestamp| before.is_none_or(|before| ended < before);
                let left = all.iter().filter(|one| one.is_listed() && one.ended().is_some_and(is_old));
                Some(left.count())
                    .filter(|left| *left > 0)
                    .map(|left| format!("has not forgotten {left} that ended"))
            }
            _ => None,
        };
        if let Some(fault) = fault {
            found.wrong(look, peer, fault);
        }
    }
}

/// What is wrong with a page of these deployments.
fn fault_of(page: &Page, request: &ListRequest, all: &[Deployment]) -> Option<String> {
    let fits = |one: &&Deployment| {
        let mut labels = request.filter.iter().filter_map(|text| text.split_once('='));
        one.is_listed()
            && (request.status.is_empty() || one.status().as_str().eq_ignore_ascii_case(&request.status))
            && labels.all(|(key, value)| one.is_labelled(key, value))
    };
    let total = all.iter().filter(fits).count() as u64;
    let first = u64::try_from(request.offset).unwrap_or(0).min(total);
    let rest = total - first;
    let wanted = if request.limit > 0 { rest.min(request.limit as u64) } else { rest };
    let next = (rest > wanted).then_some(first + wanted);
    let lines = page.deployments.len() as u64;
    if page.total != total {
        return Some(format!("tells of {} deployments that fit where there are {total}", page.total));
    }
    if lines != wanted {
        return Some(format!("shows {lines} deployments where it is to show {wanted} of {total}"));
    }
    if (page.has_more, page.next_offset) != (next.is_some(), next) {
        return Some(format!(
            "shows {wanted} of {total} deployments from {first}, and says that the next is {:?}",
            page.next_offset
        ));
    }
    let strange =
        page.deployments.iter().find(|line| !all.iter().filter(fits).any(|one| one.id() == line.id));
    strange.map(|line| format!("shows a deployment that is {} where that does not fit", line.status.as_str()))
}
