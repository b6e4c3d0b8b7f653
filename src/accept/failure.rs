//! How a step comes to nothing.

use std::fmt;

/// Why a step has not passed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// What it says is not so.
    Wrong(String),
    /// There is nothing of which it could be so: a step that would pass whatever happens.
    Vacuous(String),
    /// The step is used wrongly: a node that there is not, a table that is missing.
    Bad(String),
}

/// What a step comes to.
pub(super) type Done = Result<(), Failure>;

impl Failure {
    /// A step that is used wrongly.
    pub(super) fn bad<T>(why: impl Into<String>) -> Result<T, Self> {
        Err(Self::Bad(why.into()))
    }

    /// What a step says is not so.
    pub(super) fn wrong<T>(why: impl Into<String>) -> Result<T, Self> {
        Err(Self::Wrong(why.into()))
    }

    /// There is nothing of which it could be so.
    pub(super) fn vacuous<T>(why: impl Into<String>) -> Result<T, Self> {
        Err(Self::Vacuous(why.into()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(why) => f.write_str(why),
            Self::Vacuous(why) => write!(f, "this step asserts nothing: {why}"),
            Self::Bad(why) => write!(f, "this step cannot be carried out: {why}"),
        }
    }
}
