//! When something is done to a network.

use crate::dms::fact::DeploymentStatus;
use crate::kernel::{Span, Time};

/// When a fault happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum When {
    /// At a time.
    At(Time),
    /// So long after the first deployment of a name has come into a state.
    Once {
        /// The name.
        deployment: String,
        /// The state.
        is: DeploymentStatus,
        /// How long after that.
        after: Span,
    },
    /// Again and again, as a Poisson process; each time whom it concerns is drawn anew.
    Random {
        /// From one time to the next, on the average.
        mean: Span,
        /// Not before.
        from: Time,
        /// Not from then on; none = to the end of the run.
        until: Option<Time>,
    },
}

impl From<Time> for When {
    fn from(at: Time) -> Self {
        Self::At(at)
    }
}
