//! Many runs: what is compared, on which seeds, and what follows with which certainty.
//!
//! A study becomes a [`plan`], a plan a [`sweep`] in a folder, on as many machines as there are, and what came of its
//! cells is [`merge`]d. Runs are independent of each other; each is the same whatever runs beside it.

pub mod compare;
mod findings;
pub mod merge;
pub mod plan;
pub mod statistics;
mod summary;
pub mod sweep;

pub use findings::{findings, paragraph};
pub use merge::{MergeError, Merged};
pub use plan::{Cell, PlanError, Planned};
pub use summary::{Measured, Summary, summarise};
pub use sweep::{Shard, Sweep, SweepError};

/// How sure intervals are to hold what is estimated.
pub const CONFIDENCE: f64 = 0.95;
