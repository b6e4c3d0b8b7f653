//! The world: peers over the network, driven by the kernel.
//!
//! [`setup::Setup`] describes one run; [`run`] makes the [`world::World`] from it and drives it to its
//! [`outcome::Outcome`]. Every fact that a peer reports goes through the [`ledger`], which watches from outside.
//! [`capabilities`] runs capability operations alone, without peers.

mod agenda;
mod asking;
mod atlas;
mod attack;
pub mod by_hand;
pub mod capabilities;
pub mod check;
pub mod clocks;
mod closing;
mod comings;
mod conservation;
mod contracts;
mod control;
pub mod course;
pub mod crash_points;
mod deputies;
mod disks;
pub mod estimate;
pub mod event;
mod executions;
pub mod executor;
pub mod explain;
mod faults;
mod fleet;
mod foresight;
mod gateways;
mod host;
pub mod images;
mod introductions;
mod joining;
mod late;
pub mod ledger;
pub mod moment;
mod moving;
mod office;
mod operations;
pub mod outcome;
mod plans;
pub mod population;
mod reach;
mod recorder;
pub mod requests;
mod routine;
pub mod setup;
mod ssh;
pub mod stage;
mod standing;
mod storage;
mod system;
mod telemetry;
mod texts;
mod traffic;
mod troubles;
mod uptimes;
pub mod watching;
pub mod world;

pub use course::{Course, Mark, Marks};
pub use outcome::Outcome;
pub use recorder::Recorder;
pub use setup::Setup;
pub use telemetry::Lines;
pub use world::World;

use self::crash_points::CrashPlan;
use crate::kernel::Time;

/// How to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Keep the digest after every fact, to compare two runs step by step.
    pub trace: bool,
    /// Make no table but that of the metrics.
    pub metrics_only: bool,
    /// Watch whether the rules of every run hold ([`check`]).
    pub checked: bool,
    /// Where they are watched, end with the first that does not hold.
    pub stops: bool,
    /// Where they are watched, watch only this one of [`check::rules`].
    pub only: Option<&'static str>,
    /// What to do about crash points ([`crash_points`]).
    pub crash_plan: Option<CrashPlan>,
}

/// Why a run has no outcome.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RunError {
    /// What the setup asks for and cannot be built, in words.
    #[error("{0}")]
    Setup(String),
    /// What must hold in every run did not.
    #[error(transparent)]
    Violation(#[from] Box<conservation::Violation>),
}

/// Runs a setup to its end. `go_on` is asked now and then, with the simulated time and the events so far; when it
/// says no, the run ends there with what it has.
///
/// # Errors
/// [`RunError`].
pub fn run(
    setup: &Setup,
    options: Options,
    go_on: &mut dyn FnMut(Time, u64) -> bool,
) -> Result<Outcome, RunError> {
    run_into(setup, options, go_on, &mut |_, _| {})
}

/// The same, and hands over what observed peers write while the run goes on.
///
/// # Errors
/// [`RunError`].
pub fn run_into(
    setup: &Setup,
    options: Options,
    go_on: &mut dyn FnMut(Time, u64) -> bool,
    lines: Lines<'_>,
) -> Result<Outcome, RunError> {
    run_recorded(setup, options, go_on, lines, None)
}

/// The same, and tells a recorder of facts and messages while the run goes on.
///
/// # Errors
/// [`RunError`].
pub fn run_recorded<'s>(
    setup: &'s Setup,
    options: Options,
    go_on: &mut dyn FnMut(Time, u64) -> bool,
    lines: Lines<'_>,
    recorder: Option<Recorder<'s>>,
) -> Result<Outcome, RunError> {
    run_course(&Course::of(setup), options, go_on, lines, recorder, None)
}

/// The same for a run that may go on with another setup, and tells of moments.
///
/// # Errors
/// [`RunError`].
pub fn run_course<'s>(
    course: &Course<'s>,
    options: Options,
    go_on: &mut dyn FnMut(Time, u64) -> bool,
    lines: Lines<'_>,
    recorder: Option<Recorder<'s>>,
    marks: Option<Marks<'_>>,
) -> Result<Outcome, RunError> {
    let mut world = course.world().map_err(RunError::Setup)?;
    world.obey(options);
    if let Some(recorder) = recorder {
        world.record_into(recorder);
    }
    Ok(world.run_into(go_on, lines, marks)?)
}
