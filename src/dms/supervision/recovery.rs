//! What recovery means: which allocations restart together, and what becomes of a node whose peer is lost.
//!
//! A value that the ensemble file writes wins; where it writes none, the run's strategy decides.

use std::collections::VecDeque;
use std::ops::Range;

use serde::Serialize;

use crate::dms::constants::{RESTART_INTENSITY, RESTART_PERIOD};
use crate::dms::ensemble::{AllocationRecovery, NodeRecovery};
use crate::kernel::Timestamp;

/// The strategy of a run where an ensemble file does not say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Nothing is recovered: DMS's own default.
    StayDown,
    /// Failed allocations restart in place; a lost node is tried again on the same peer.
    Restart,
    /// Failed allocations restart in place; a lost node is placed on another peer.
    Redeploy,
}

impl Recovery {
    /// Every strategy with its name in a scenario and a line about it.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::StayDown, "stay_down", "nothing is recovered (DMS's own default)"),
        (Self::Restart, "restart", "restart in place; a lost node is tried again on the same peer"),
        (Self::Redeploy, "redeploy", "restart in place; a lost node is placed on another peer"),
    ];
}

/// Which allocations of a node restart when one fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// None.
    Nothing,
    /// These, by their place in the node.
    Allocations {
        /// The first.
        first: usize,
        /// One past the last.
        end: usize,
    },
}

impl Scope {
    /// The places that restart.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        match self {
            Self::Nothing => 0..0,
            Self::Allocations { first, end } => first..end,
        }
    }
}

/// What restarts when the allocation at `place` of `count` fails: itself (`one_for_one`), all of its node
/// (`one_for_all`), or itself and those declared after it (`rest_for_one`).
#[must_use]
pub const fn scope(
    written: Option<AllocationRecovery>,
    strategy: Recovery,
    place: usize,
    count: usize,
) -> Scope {
    let one = Scope::Allocations { first: place, end: place + 1 };
    match (written, strategy) {
        (Some(AllocationRecovery::StayDown), _) | (None, Recovery::StayDown) => Scope::Nothing,
        (Some(AllocationRecovery::OneForAll), _) => Scope::Allocations { first: 0, end: count },
        (Some(AllocationRecovery::RestForOne), _) => Scope::Allocations { first: place, end: count },
        (Some(AllocationRecovery::OneForOne), _) | (None, _) => one,
    }
}

/// What becomes of a node that does not answer or keeps failing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodePolicy {
    /// It is given up.
    StayDown,
    /// The same peer is tried again.
    Restart,
    /// Another peer is found.
    Redeploy,
}

/// The policy for a node.
#[must_use]
pub const fn node_policy(written: Option<NodeRecovery>, strategy: Recovery) -> NodePolicy {
    match (written, strategy) {
        (Some(NodeRecovery::StayDown), _) | (None, Recovery::StayDown) => NodePolicy::StayDown,
        (Some(NodeRecovery::Restart), _) | (None, Recovery::Restart) => NodePolicy::Restart,
        (Some(NodeRecovery::Redeploy), _) | (None, Recovery::Redeploy) => NodePolicy::Redeploy,
    }
}

/// The recent restarts of one allocation, to tell when restarting no longer helps.
#[derive(Clone, Debug, Default)]
pub struct RestartLog {
    times: VecDeque<Timestamp>,
}

impl RestartLog {
    /// Notes a restart at `now`; false when it is one too many within [`RESTART_PERIOD`], so that the node is next.
    pub fn allows_another(&mut self, now: Timestamp) -> bool {
        while self.times.front().is_some_and(|first| now.since(*first) > RESTART_PERIOD) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() <= RESTART_INTENSITY
    }

    /// Forgets all: the allocation starts a new life elsewhere.
    pub fn clear(&mut self) {
        self.times.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    #[test]
    fn the_file_wins_over_the_strategy() {
        assert_eq!(scope(Some(AllocationRecovery::StayDown), Recovery::Redeploy, 0, 3), Scope::Nothing);
        assert_eq!(scope(None, Recovery::Redeploy, 1, 3).range(), 1..2);
        assert_eq!(scope(Some(AllocationRecovery::OneForAll), Recovery::StayDown, 1, 3).range(), 0..3);
        assert_eq!(scope(Some(AllocationRecovery::RestForOne), Recovery::StayDown, 1, 3).range(), 1..3);
        assert_eq!(node_policy(Some(NodeRecovery::Restart), Recovery::Redeploy), NodePolicy::Restart);
        assert_eq!(node_policy(None, Recovery::StayDown), NodePolicy::StayDown);
    }

    #[test]
    fn the_fourth_restart_within_five_minutes_is_one_too_many() {
        let mut log = RestartLog::default();
        let minute = |n| Timestamp(0) + Span::mins(n);
        assert!([0, 1, 2].into_iter().all(|n| log.allows_another(minute(n))));
        assert!(!log.allows_another(minute(3)));
        assert!(log.allows_another(minute(8)), "the first three are more than five minutes ago");
    }
}
