//! What breaks, and whose.

use super::{Flaps, Outage, When};
use crate::dms::profile::Profile;
use crate::kernel::{Span, sample::Distribution};

/// Something that breaks.
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// Peers stop at once and lose what they run.
    Crash {
        /// When.
        at: When,
        /// Which peers.
        who: Selection,
        /// How long until each is back; none = never.
        repair: Option<Distribution>,
        /// Whether their disks are lost with them: each comes back like a new machine with the same key.
        loses_disk: bool,
    },
    /// Only the DMS processes of peers end and start again: what they run goes on.
    Restart {
        /// When.
        at: When,
        /// Which peers.
        who: Selection,
        /// How long until each process runs again.
        down: Distribution,
    },
    /// Another version of DMS is installed, peer after peer: each process ends and starts again as that one.
    Upgrade {
        /// When the first is upgraded.
        at: When,
        /// How long after that the last one is at most; the others follow in between, evenly, in random order.
        within: Span,
        /// Which peers.
        who: Selection,
        /// How long until each process runs again.
        down: Distribution,
        /// What the new version is like.
        to: Profile,
    },
    /// Messages are lost on top of the network's own loss.
    Loss {
        /// When.
        at: When,
        /// For how long.
        lasts: Span,
        /// How it comes and goes meanwhile; none = it stays.
        flaps: Option<Flaps>,
        /// Whose messages.
        who: Selection,
        /// Which of them.
        direction: Direction,
        /// Probability that a message is lost.
        fraction: f64,
    },
    /// Messages take longer.
    Delay {
        /// When.
        at: When,
        /// For how long.
        lasts: Span,
        /// How it comes and goes meanwhile; none = it stays.
        flaps: Option<Flaps>,
        /// Whose messages.
        who: Selection,
        /// Which of them.
        direction: Direction,
        /// How much longer, drawn for each message.
        extra: Distribution,
    },
    /// Two sets of peers cannot reach each other.
    Partition {
        /// When.
        at: When,
        /// For how long.
        lasts: Span,
        /// How it comes and goes meanwhile; none = it stays.
        flaps: Option<Flaps>,
        /// The two sets; a peer in both stays with the first.
        between: [Selection; 2],
    },
    /// The public addresses of peers change; what runs there goes on.
    Move {
        /// When first.
        at: When,
        /// Which peers.
        who: Selection,
        /// How long from one time to the next, for the same peers; none = once.
        every: Option<Span>,
    },
    /// Something is wrong with machines, while the DMS processes on them live.
    Machine {
        /// When.
        at: When,
        /// For how long, drawn for each machine; zero for what is over at once.
        lasts: Distribution,
        /// Whose machines.
        who: Selection,
        /// What.
        trouble: Trouble,
    },
    /// The machines of a place, an organization or a network go down together.
    Outage(Outage),
    /// Clocks are set.
    Clock {
        /// When.
        at: When,
        /// How long until they are set right again; none = they stay so.
        lasts: Option<Span>,
        /// Whose.
        who: Selection,
        /// By so many nanoseconds; below zero back.
        by_ns: i64,
    },
}

/// What may be wrong with a machine, or with what runs on it, while its DMS process lives.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Trouble {
    /// Its executors break down and start again: all that they run ends. It is over at once.
    ExecutorCrash,
    /// What its executors fetch does not come.
    PullFailure,
    /// Programs take longer.
    Slow {
        /// So many times longer; above 1.
        factor: f64,
    },
    /// It is frozen, and goes on afterwards where it was.
    Stall,
    /// Its disk takes longer.
    SlowDisk {
        /// So many times longer; above 1.
        factor: f64,
    },
    /// Nothing can be written to its disk.
    DiskFull,
    /// What runs on it does nothing and says that it is well.
    Lies,
    /// Its provider tells wrong results of tasks.
    Byzantine {
        /// How likely the result of a task is wrong, 0..=1.
        fraction_wrong: f64,
        /// Whether all who lie tell the same.
        colluding: bool,
        /// Whether it runs nothing of what it is paid for, and says that it does.
        idle: bool,
    },
}

impl Trouble {
    /// Whether the node hears of it the moment that it begins.
    #[must_use]
    pub const fn is_told_at_once(&self) -> bool {
        matches!(self, Self::ExecutorCrash | Self::PullFailure | Self::DiskFull)
    }

    /// Whether programs take longer by it, or stand still.
    #[must_use]
    pub const fn takes_time(&self) -> bool {
        matches!(self, Self::Slow { .. } | Self::Stall | Self::Lies | Self::Byzantine { idle: true, .. })
    }

    /// Its word in a scenario.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ExecutorCrash => "executor_crash",
            Self::PullFailure => "pull_failure",
            Self::Slow { .. } => "slow",
            Self::Stall => "stall",
            Self::SlowDisk { .. } => "slow_disk",
            Self::DiskFull => "disk_full",
            Self::Lies => "lies",
            Self::Byzantine { .. } => "byzantine",
        }
    }
}

/// Which messages of peers a fault concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Those that they send and those that are sent to them.
    Both,
    /// Those that they send.
    Out,
    /// Those that are sent to them.
    In,
}

impl Direction {
    /// All, with their words in a scenario.
    pub const ALL: [(&'static str, Self); 3] = [("both", Self::Both), ("out", Self::Out), ("in", Self::In)];
}

/// A set of peers: all that fulfil everything that is said, of them a part.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Selection {
    /// Of this group.
    pub group: Option<String>,
    /// These by name.
    pub peers: Vec<String>,
    /// On this continent (two letters).
    pub continent: Option<String>,
    /// In this country (two letters).
    pub country: Option<String>,
    /// In the autonomous system of this number in its country.
    pub asn: Option<u32>,
    /// A random part of those, 0..=1; 1 = all.
    pub fraction: Option<f64>,
    /// So many of those, drawn at random.
    pub count: Option<u32>,
}

impl Selection {
    /// Whether it says nothing but where they are.
    #[must_use]
    pub fn is_place(&self) -> bool {
        let place = self.continent.is_some() || self.country.is_some();
        let part = self.asn.is_some() || self.fraction.is_some() || self.count.is_some();
        place && !part && self.group.is_none() && self.peers.is_empty()
    }
}
