//! Many runs: what is compared, on which seeds, and what follows with which certainty.
//!
//! Runs are independent of each other, so they share the cores; each is the same whatever runs beside it.

mod findings;
pub mod statistics;
pub mod study;

pub use findings::{findings, paragraph};
pub use study::{Measured, Plan, StudyError, Summary, summarise};
