//! Supervision: noticing that an allocation is in trouble and deciding what to do about it
//! (dms-orchestration section 4, and `failure_recovery` and `supervisor` of the ensemble file as its documents promise
//! them).

pub mod detector;
mod liveness;
pub mod recovery;
mod routine;
mod tree;

pub use detector::Detector;
pub use liveness::{Observation, Watch};
pub use recovery::{Copies, Measure, NodePolicy, Recovery, RestartLog, Restarts, Spare};
pub use routine::{Bearing, Charge, Duties, Omitted};
pub use tree::{Response, Tree, company_of, group_of};

/// What is known of a strategy or a detector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct About {
    /// Its name in scenarios.
    pub name: &'static str,
    /// What it does, in a line.
    pub line: &'static str,
    /// Where it is described.
    pub source: &'static str,
}
