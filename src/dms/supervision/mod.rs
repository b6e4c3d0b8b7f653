//! Supervision: noticing that an allocation is in trouble and deciding what to do about it
//! (dms-orchestration section 4, and `failure_recovery` of the ensemble file as its documents promise it).

mod liveness;
mod recovery;
mod routine;

pub use liveness::{Observation, Watch};
pub use recovery::{NodePolicy, Recovery, RestartLog, Scope, node_policy, scope};
pub use routine::{Charge, Duties, Omitted};
