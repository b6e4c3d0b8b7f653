//! How a request ends.

use crate::kernel::Span;

/// Why a request was not answered, by the last of its tries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::sim) enum Failure {
    /// Who asks knows of no such name, or of no public port.
    NoSuchName,
    /// The name leads to an address behind no host, or the host lets nothing in.
    Unreachable,
    /// The host is there, and nothing listens.
    Refused,
    /// Nothing came back in time.
    TimedOut,
    /// The service ended while it was busy with it.
    Reset,
    /// The service had no room, or was too slow.
    Overloaded,
    /// The service answered that it does not work.
    Unhealthy,
}

impl Failure {
    /// All of them, in the order of the columns.
    pub(in crate::sim) const ALL: [Self; 7] = [
        Self::NoSuchName,
        Self::Unreachable,
        Self::Refused,
        Self::TimedOut,
        Self::Reset,
        Self::Overloaded,
        Self::Unhealthy,
    ];

    /// Its name in tables.
    pub(in crate::sim) const fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchName => "no such name",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Reset => "reset",
            Self::Overloaded => "overloaded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// What became of a request: the time to its answer, or why there is none.
pub(in crate::sim) type Ending = Result<Span, Failure>;
