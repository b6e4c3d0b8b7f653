//! Recovery strategies: what is done about what has failed. Each is a file; a run combines as many as it likes.
//!
//! A strategy answers the questions to which it has an answer and leaves the others to the next in the list. What none
//! of them answers stays down. A value that the ensemble file writes wins over all of them, unless they are forced.

mod checkpoint;
mod hand_over;
mod migration;
mod one_for_all;
mod one_for_one;
mod redeploy;
mod replication;
mod rest_for_one;
mod restart;
mod retry;
mod spot_check;
mod standby;
mod stay_down;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use self::checkpoint::tell_interval;
pub use self::checkpoint::{Checkpoint, Interval, Losses, told_interval};
pub use self::hand_over::HandOver;
pub use self::migration::Migration;
pub use self::one_for_all::OneForAll;
pub use self::one_for_one::OneForOne;
pub use self::redeploy::Redeploy;
pub use self::replication::Replication;
pub use self::rest_for_one::RestForOne;
pub use self::restart::Restart;
pub use self::retry::Retry;
pub use self::spot_check::{CheckedShare, SpotCheck};
pub use self::standby::Standby;
pub use self::stay_down::StayDown;
use super::About;
use crate::dms::constants::{RESTART_INTENSITY, RESTART_PERIOD};
use crate::dms::ensemble::{
    AllocationConfig, AllocationKind, AllocationRecovery, EnsembleConfig, NodeConfig, NodeRecovery,
};
use crate::kernel::{Span, Timestamp};

/// What is done about what has failed, or will. Each question may be left to others.
pub trait Strategy {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Which allocations restart where they are when one fails whose peer answers.
    fn on_failure(&self) -> Option<Restarts> {
        None
    }

    /// What becomes of a node whose peer does not answer, or whose allocations keep failing.
    fn on_loss(&self) -> Option<NodePolicy> {
        None
    }

    /// How long to wait before a task is tried again that has ended with an error, after so many tries; none = the
    /// error is its result.
    fn on_error(&self, tries: u32) -> Option<Span> {
        let _ = tries;
        None
    }

    /// Other nodes that are kept for each node, and how many.
    fn spares(&self) -> (Spare, u32) {
        (Spare::Standby, 0)
    }

    /// How many copies of a task run.
    fn copies(&self) -> Option<Copies> {
        None
    }

    /// How long tasks work between two checkpoints.
    fn checkpoint_interval(&self) -> Option<Span> {
        None
    }

    /// For how long an orchestrator may be silent before a standby goes on with its deployment.
    fn handed_over_after(&self) -> Option<Span> {
        None
    }

    /// How likely the result of a task is checked; none = nobody looks.
    fn checked_share(&self) -> Option<CheckedShare> {
        None
    }
}

/// Which allocations of a node restart when one of them fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restarts {
    /// None.
    Nothing,
    /// That one.
    One,
    /// All of them.
    All,
    /// That one and those declared after it.
    Rest,
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

/// What a node is for that is not in the file itself, but stands beside one that is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Spare {
    /// It is ready to take the node's part.
    Standby,
    /// It runs the same task.
    Copy,
    /// It has no place until the node is suspected; then it is a standby.
    Precaution,
}

/// How many copies of a task run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Copies {
    /// So many begin together.
    pub count: u32,
    /// So many equal results decide.
    pub majority: u32,
}

/// A strategy with its parameters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Measure {
    /// See [`StayDown`].
    StayDown(StayDown),
    /// See [`Restart`].
    Restart(Restart),
    /// See [`Redeploy`].
    Redeploy(Redeploy),
    /// See [`OneForOne`].
    OneForOne(OneForOne),
    /// See [`OneForAll`].
    OneForAll(OneForAll),
    /// See [`RestForOne`].
    RestForOne(RestForOne),
    /// See [`Standby`].
    Standby(Standby),
    /// See [`Checkpoint`].
    Checkpoint(Checkpoint),
    /// See [`Retry`].
    Retry(Retry),
    /// See [`Replication`].
    Replication(Replication),
    /// See [`Migration`].
    Migration(Migration),
    /// See [`HandOver`].
    HandOver(HandOver),
    /// See [`SpotCheck`].
    SpotCheck(SpotCheck),
}

impl Measure {
    /// One of each kind, with what it has where a scenario says no more.
    pub const ALL: [Self; 13] = [
        Self::StayDown(StayDown),
        Self::Restart(Restart),
        Self::Redeploy(Redeploy),
        Self::OneForOne(OneForOne),
        Self::OneForAll(OneForAll),
        Self::RestForOne(RestForOne),
        Self::Standby(Standby { count: 1 }),
        Self::Checkpoint(Checkpoint(Interval::Fixed(Span::mins(10)))),
        Self::Retry(Retry::DEFAULT),
        Self::Replication(Replication(Copies { count: 2, majority: 1 })),
        Self::Migration(Migration),
        Self::HandOver(HandOver::DEFAULT),
        Self::SpotCheck(SpotCheck(CheckedShare::DEFAULT)),
    ];

    /// Its logic.
    #[must_use]
    pub const fn strategy(&self) -> &dyn Strategy {
        match self {
            Self::StayDown(one) => one,
            Self::Restart(one) => one,
            Self::Redeploy(one) => one,
            Self::OneForOne(one) => one,
            Self::OneForAll(one) => one,
            Self::RestForOne(one) => one,
            Self::Standby(one) => one,
            Self::Checkpoint(one) => one,
            Self::Retry(one) => one,
            Self::Replication(one) => one,
            Self::Migration(one) => one,
            Self::HandOver(one) => one,
            Self::SpotCheck(one) => one,
        }
    }

    /// Whether it does something when a deployment begins already, and not only when something fails.
    const fn prepares(&self) -> bool {
        match self {
            Self::Standby(_)
            | Self::Checkpoint(_)
            | Self::Replication(_)
            | Self::Migration(_)
            | Self::HandOver(_)
            | Self::SpotCheck(_) => true,
            Self::StayDown(_)
            | Self::Restart(_)
            | Self::Redeploy(_)
            | Self::OneForOne(_)
            | Self::OneForAll(_)
            | Self::RestForOne(_)
            | Self::Retry(_) => false,
        }
    }

    /// Its name in scenarios.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.strategy().about().name
    }
}

/// The strategies of a deployment, in the order in which they are asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Recovery {
    /// Which.
    pub measures: Arc<[Measure]>,
    /// Whether they are followed where the ensemble file says otherwise.
    pub forced: bool,
}

impl Default for Recovery {
    /// Failed allocations restart in place, and lost nodes are placed anew.
    fn default() -> Self {
        Self::of(&[Measure::Redeploy(Redeploy)])
    }
}

impl Serialize for Recovery {
    /// The names of the strategies, as in `one_for_all+redeploy`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.measures.iter().map(Measure::name).collect();
        serializer.serialize_str(&names.join("+"))
    }
}

impl Recovery {
    /// These strategies, where an ensemble file does not say otherwise.
    #[must_use]
    pub fn of(measures: &[Measure]) -> Self {
        Self { measures: measures.into(), forced: false }
    }

    /// Whether it does something only when something fails, so that a deployment may take it up at any time.
    #[must_use]
    pub fn prepares_nothing(&self) -> bool {
        !self.measures.iter().any(Measure::prepares)
    }

    /// The first answer to a question.
    fn ask<T>(&self, question: impl Fn(&dyn Strategy) -> Option<T>) -> Option<T> {
        self.measures.iter().find_map(|measure| question(measure.strategy()))
    }

    /// Which allocations of a node restart when one fails whose peer answers; `written` is what the ensemble file says.
    #[must_use]
    pub fn on_failure(&self, written: Option<AllocationRecovery>) -> Restarts {
        let written = written.filter(|_| !self.forced).map(|written| match written {
            AllocationRecovery::StayDown => Restarts::Nothing,
            AllocationRecovery::OneForOne => Restarts::One,
            AllocationRecovery::OneForAll => Restarts::All,
            AllocationRecovery::RestForOne => Restarts::Rest,
        });
        written.or_else(|| self.ask(|strategy| strategy.on_failure())).unwrap_or(Restarts::Nothing)
    }

    /// Whether supervisors say what restarts with an allocation of which the file says this.
    #[must_use]
    pub const fn leaves_to_tree(&self, written: Option<AllocationRecovery>) -> bool {
        written.is_none() || self.forced
    }

    /// What becomes of a lost node; `written` is what the ensemble file says.
    #[must_use]
    pub fn on_loss(&self, written: Option<NodeRecovery>) -> NodePolicy {
        let written = written.filter(|_| !self.forced).map(|written| match written {
            NodeRecovery::StayDown => NodePolicy::StayDown,
            NodeRecovery::Restart => NodePolicy::Restart,
            NodeRecovery::Redeploy => NodePolicy::Redeploy,
        });
        written.or_else(|| self.ask(|strategy| strategy.on_loss())).unwrap_or(NodePolicy::StayDown)
    }

    /// How long to wait before a task is tried again that has ended with an error, after so many tries.
    #[must_use]
    pub fn on_error(&self, tries: u32) -> Option<Span> {
        self.ask(|strategy| strategy.on_error(tries))
    }

    /// For how long an orchestrator may be silent before a standby goes on with its deployment; none where nobody does.
    #[must_use]
    pub fn handed_over_after(&self) -> Option<Span> {
        self.ask(|strategy| strategy.handed_over_after())
    }

    /// What is really to be deployed of an ensemble: its tasks are told how long to work between two checkpoints, where
    /// somebody says.
    #[must_use]
    pub fn fit(&self, config: Arc<EnsembleConfig>) -> Arc<EnsembleConfig> {
        match self.ask(|strategy| strategy.checkpoint_interval()) {
            Some(interval) => tell_interval(&config, interval),
            None => config,
        }
    }

    /// How likely the result of a task is checked; none where nobody looks.
    #[must_use]
    pub fn checked_share(&self) -> Option<CheckedShare> {
        self.ask(|strategy| strategy.checked_share())
    }

    /// How many copies of a node's tasks run; none where it has anything else, or is one of a kind.
    #[must_use]
    pub fn copies(&self, config: &EnsembleConfig, node: &NodeConfig) -> Option<Copies> {
        let is_task = |name: &Arc<str>| {
            let known = config.allocations.get(name);
            known.is_some_and(|allocation: &AllocationConfig| allocation.kind == AllocationKind::Task)
        };
        self.ask(|strategy| strategy.copies()).filter(|_| node.allocations.iter().all(is_task))
    }

    /// The nodes that are kept beside a node.
    pub fn spares(&self, config: &EnsembleConfig, node: &NodeConfig) -> impl Iterator<Item = Spare> + use<> {
        let count = |wanted| {
            let offers = self.measures.iter().map(|measure| measure.strategy().spares());
            offers.filter(|(spare, _)| *spare == wanted).map(|(_, count)| count).max().unwrap_or(0)
        };
        // Copies are each other's standbys.
        let copies = self.copies(config, node).map(|copies| copies.count.saturating_sub(1));
        let standbys = match (node.redundancy, copies) {
            (0, None) => count(Spare::Standby),
            (declared, _) => declared,
        };
        let precautions = if standbys == 0 && copies.is_none() { count(Spare::Precaution) } else { 0 };
        let of = |spare, count: u32| std::iter::repeat_n(spare, count as usize);
        of(Spare::Standby, standbys)
            .chain(of(Spare::Copy, copies.unwrap_or(0)))
            .chain(of(Spare::Precaution, precautions))
    }
}

/// The recent restarts of one allocation, to tell when restarting no longer helps; or whatever else is tried a few
/// times and then left for a while.
#[derive(Clone, Debug, Default)]
pub struct RestartLog {
    times: VecDeque<Timestamp>,
}

impl RestartLog {
    /// Notes a restart at `now`; false when it is one too many within [`RESTART_PERIOD`], so that the node is next.
    pub fn allows_another(&mut self, now: Timestamp) -> bool {
        let has_room = self.has_room(now);
        self.times.push_back(now);
        has_room
    }

    /// Whether one more at `now` would not be one too many.
    pub fn has_room(&mut self, now: Timestamp) -> bool {
        // Those that seem to be still to come were noted before the clock was put back.
        self.times.iter_mut().for_each(|time| *time = (*time).min(now));
        while self.times.front().is_some_and(|first| now.since(*first) > RESTART_PERIOD) {
            self.times.pop_front();
        }
        self.times.len() < RESTART_INTENSITY
    }

    /// Forgets all: the allocation starts a new life elsewhere.
    pub fn clear(&mut self) {
        self.times.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_wins_over_the_strategies_unless_they_are_forced() {
        let redeploy = Recovery::default();
        assert_eq!(redeploy.on_failure(Some(AllocationRecovery::StayDown)), Restarts::Nothing);
        assert_eq!(redeploy.on_failure(None), Restarts::One);
        assert_eq!(redeploy.on_loss(Some(NodeRecovery::Restart)), NodePolicy::Restart);
        let forced = Recovery { forced: true, ..redeploy };
        assert_eq!(forced.on_failure(Some(AllocationRecovery::StayDown)), Restarts::One);
        assert_eq!(forced.on_loss(Some(NodeRecovery::Restart)), NodePolicy::Redeploy);
    }

    #[test]
    fn restarts_are_forgotten_in_time_though_the_clock_was_ahead() {
        let (mut log, now) = (RestartLog::default(), Timestamp::ZERO);
        for _ in 0..RESTART_INTENSITY {
            assert!(log.allows_another(now + Span::hours(2)));
        }
        assert!(!log.allows_another(now));
        assert!(log.allows_another(now + RESTART_PERIOD + Span(1)));
    }

    #[test]
    fn the_first_answer_counts_and_what_nobody_answers_stays_down() {
        let both = Recovery::of(&[Measure::OneForAll(OneForAll), Measure::Redeploy(Redeploy)]);
        assert_eq!((both.on_failure(None), both.on_loss(None)), (Restarts::All, NodePolicy::Redeploy));
        let alone = Recovery::of(&[Measure::OneForAll(OneForAll)]);
        assert_eq!(alone.on_loss(None), NodePolicy::StayDown);
        assert_eq!(alone.on_error(0), None);
    }

    #[test]
    fn names_are_told_apart_and_every_strategy_says_where_it_is_from() {
        let mut names: Vec<&str> = Measure::ALL.iter().map(Measure::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Measure::ALL.len());
        let abouts = Measure::ALL.iter().map(|measure| measure.strategy().about());
        assert!(abouts.into_iter().all(|about| !about.line.is_empty() && !about.source.is_empty()));
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
