//! Supervision trees, as the ensemble file declares them (dms-orchestration section 4.2): which allocations restart
//! together, and what is done when restarting does not help.
//!
//! The real DMS parses `supervisor` and ignores it. Here it means what it means in Erlang, from where its words are:
//! the children of a supervisor are the allocations of its group, in order, and then the supervisors below it. When a
//! child fails, that one restarts (`OneForOne`), all of them do (`AllForOne`), or that one and those after it
//! (`RestForOne`). A supervisor that restarts too often within [`RESTART_PERIOD`] has failed itself, which is its own
//! supervisor's matter; that of the root is the ensemble's `escalation_strategy`.
//!
//! [`RESTART_PERIOD`]: crate::dms::constants::RESTART_PERIOD

use std::collections::BTreeMap;
use std::sync::Arc;

use super::RestartLog;
use crate::dms::ensemble::{SupervisorConfig, SupervisorStrategy};
use crate::kernel::Timestamp;

/// The way from the root of a tree to one of its supervisors, by their places among their siblings.
type Path = Vec<usize>;

/// What supervisors remember.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    restarts: BTreeMap<Path, RestartLog>,
}

/// What a tree does about a failure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// These allocations restart, in this order.
    Restart(Vec<Arc<str>>),
    /// Restarting has not helped, up to the root.
    Exhausted,
}

/// A child of a supervisor that has failed.
#[derive(Clone, Copy)]
enum Child {
    Allocation(usize),
    Supervisor(usize),
}

impl Tree {
    /// What is done about the failure of an allocation; none when no supervisor has it in its group.
    pub fn respond(&mut self, root: &SupervisorConfig, allocation: &str, now: Timestamp) -> Option<Response> {
        let (path, place) = find(root, allocation)?;
        let mut failed = Child::Allocation(place);
        for depth in (0..=path.len()).rev() {
            let own = &path[..depth];
            let log = self.restarts.entry(own.to_vec()).or_default();
            if log.allows_another(now) {
                let supervisor = own.iter().fold(root, |above, place| &above.children[*place]);
                return Some(Response::Restart(to_restart(supervisor, failed)));
            }
            log.clear();
            failed = own.last().map_or(failed, |place| Child::Supervisor(*place));
        }
        Some(Response::Exhausted)
    }
}

/// The supervisor that has an allocation in its group, and the allocation's place in it.
fn find(supervisor: &SupervisorConfig, allocation: &str) -> Option<(Path, usize)> {
    if let Some(place) = supervisor.allocations.iter().position(|own| &**own == allocation) {
        return Some((Path::new(), place));
    }
    supervisor.children.iter().enumerate().find_map(|(place, child)| {
        let (mut path, found) = find(child, allocation)?;
        path.insert(0, place);
        Some((path, found))
    })
}

/// The allocations of the supervisor that has this one in its group, and its place among them.
#[must_use]
pub fn group_of<'a>(root: &'a SupervisorConfig, allocation: &str) -> Option<(&'a [Arc<str>], usize)> {
    let (path, place) = find(root, allocation)?;
    let supervisor = path.iter().fold(root, |above, place| &above.children[*place]);
    Some((&supervisor.allocations, place))
}

/// What restarts with an allocation that has failed, by the strategy of its own supervisor; none when no supervisor has
/// it in its group.
#[must_use]
pub fn company_of(root: &SupervisorConfig, allocation: &str) -> Option<Vec<Arc<str>>> {
    let (path, place) = find(root, allocation)?;
    let supervisor = path.iter().fold(root, |above, place| &above.children[*place]);
    Some(to_restart(supervisor, Child::Allocation(place)))
}

/// What restarts with a child that has failed.
fn to_restart(supervisor: &SupervisorConfig, failed: Child) -> Vec<Arc<str>> {
    let groups: Vec<Vec<Arc<str>>> = supervisor
        .allocations
        .iter()
        .map(|name| vec![Arc::clone(name)])
        .chain(supervisor.children.iter().map(below))
        .collect();
    let place = match failed {
        Child::Allocation(place) => place,
        Child::Supervisor(place) => supervisor.allocations.len() + place,
    };
    let range = match supervisor.strategy.unwrap_or(SupervisorStrategy::OneForOne) {
        SupervisorStrategy::OneForOne => place..place + 1,
        SupervisorStrategy::AllForOne => 0..groups.len(),
        SupervisorStrategy::RestForOne => place..groups.len(),
    };
    groups[range].concat()
}

/// Every allocation of a supervisor and of those below it, in order.
fn below(supervisor: &SupervisorConfig) -> Vec<Arc<str>> {
    let own = supervisor.allocations.iter().map(Arc::clone);
    own.chain(supervisor.children.iter().flat_map(below)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    fn supervisor(
        strategy: SupervisorStrategy,
        group: &str,
        children: Vec<SupervisorConfig>,
    ) -> SupervisorConfig {
        let allocations = group.split_whitespace().map(Arc::from).collect();
        SupervisorConfig { strategy: Some(strategy), allocations, children }
    }

    fn restarts(tree: &mut Tree, root: &SupervisorConfig, failed: &str, minute: u64) -> String {
        match tree.respond(root, failed, Timestamp(0) + Span::mins(minute)) {
            Some(Response::Restart(names)) => names.join(" "),
            Some(Response::Exhausted) => "exhausted".to_owned(),
            None => "unsupervised".to_owned(),
        }
    }

    /// `db` before `api` before a pool of two workers: the chain restarts from where it broke.
    fn shop() -> SupervisorConfig {
        let pool = supervisor(SupervisorStrategy::OneForOne, "w1 w2", vec![]);
        supervisor(SupervisorStrategy::RestForOne, "db api", vec![pool])
    }

    #[test]
    fn each_strategy_restarts_its_children() {
        let root = shop();
        let each = |failed| restarts(&mut Tree::default(), &root, failed, 0);
        assert_eq!(each("db"), "db api w1 w2");
        assert_eq!(each("api"), "api w1 w2");
        assert_eq!(each("w2"), "w2");
        assert_eq!(each("elsewhere"), "unsupervised");
        let all = supervisor(SupervisorStrategy::AllForOne, "a b", vec![shop()]);
        assert_eq!(restarts(&mut Tree::default(), &all, "b", 0), "a b db api w1 w2");
    }

    #[test]
    fn what_keeps_failing_is_a_matter_for_the_supervisor_above() {
        let (root, mut tree) = (shop(), Tree::default());
        for failed in ["w1", "w2", "w1"] {
            assert_eq!(restarts(&mut tree, &root, failed, 0), failed);
        }
        // The pool has failed; it is the last child of the root, so that nothing comes after it.
        assert_eq!(restarts(&mut tree, &root, "w1", 1), "w1 w2");
        for failed in ["api", "api"] {
            assert_eq!(restarts(&mut tree, &root, failed, 2), "api w1 w2");
        }
        assert_eq!(restarts(&mut tree, &root, "db", 2), "exhausted");
    }

    #[test]
    fn old_restarts_do_not_count() {
        let (root, mut tree) = (shop(), Tree::default());
        for minute in [0, 3, 6, 9, 12, 15] {
            assert_eq!(restarts(&mut tree, &root, "api", minute), "api w1 w2");
        }
    }
}
