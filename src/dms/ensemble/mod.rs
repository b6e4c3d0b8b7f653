//! The ensemble file: what a user deploys.
//!
//! A tree that carries positions goes in, a typed `EnsembleConfig` or the full list of findings comes out. The room
//! knows the format of DMS (fields, defaults, error texts), and refuses to know YAML, files and how a finding is
//! shown.
pub mod config;
pub mod decimal;
pub mod difference;
mod fields;
pub mod finding;
pub mod format;
pub mod levels;
mod quirks;
pub mod shape;
pub mod suggest;
mod support;
mod transform;
pub mod tree;
pub mod units;
mod validate;

pub use config::{
    AllocationConfig, AllocationKind, AllocationRecovery, EnsembleConfig, EscalationStrategy,
    ExecutionConfig, Executor, FirecrackerConfig, HealthProbe, Location, LocationConstraints, NodeConfig,
    NodeRecovery, PortConfig, RestartPolicy, SupervisorConfig, SupervisorStrategy, VolumeConfig,
    VolumeSource, Word,
};
pub use finding::{Finding, Findings, Refusal, Severity, Step, first_refusal};
pub use levels::{LevelError, standby_name, start_levels};
pub use quirks::quirks;
pub use support::unsupported;

/// Loads an ensemble: short forms are lengthened, every rule is checked, the typed configuration is built.
///
/// # Errors
/// All findings in the order of the text when at least one is an error. Otherwise warnings come with the result: keys
/// that DMS ignores in silence, units that it reads differently.
pub fn load(root: &tree::Node) -> Result<(EnsembleConfig, Vec<Finding>), Vec<Finding>> {
    let mut findings = Findings::default();
    let long = transform::transform(root, &mut findings);
    let config = validate::validate(&long, &mut findings);
    let failed = findings.have_errors();
    let sorted = findings.into_sorted();
    if failed { Err(sorted) } else { Ok((config, sorted)) }
}
