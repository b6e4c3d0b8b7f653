//! `dmsim sweep`: a study planned into a folder, run in as many parts and on as many machines as there are, and taken
//! together again.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Exit;
use crate::experiment::{MergeError, Sweep, SweepError};
use crate::observe::SweepFolder;

mod make;
mod merge;
mod plan;
mod status;
mod submit;

pub(super) use make::make_until_enough;
pub(super) use merge::{finish, means, worst};
pub(super) use plan::plan_into;

#[derive(Args, Debug)]
pub(super) struct SweepArguments {
    #[command(subcommand)]
    command: Step,
}

#[derive(Subcommand, Debug)]
enum Step {
    /// Write all runs of a study into a folder that has all they need, on any machine.
    Plan(plan::PlanArguments),
    /// Make the runs that are missing, all of them or those of a shard.
    Run(make::RunArguments),
    /// Tell which runs are finished, missing and failed.
    Status(status::StatusArguments),
    /// Take all results together: tables, intervals, findings, a picture.
    Merge(merge::MergeArguments),
    /// Have the runs made by an engine that knows more than one machine.
    Submit(submit::SubmitArguments),
}

pub(super) fn sweep(arguments: &SweepArguments) -> Exit {
    let done = match &arguments.command {
        Step::Plan(arguments) => plan::plan(arguments),
        Step::Run(arguments) => make::run(arguments),
        Step::Status(arguments) => status::status(arguments),
        Step::Merge(arguments) => merge::merge(arguments),
        Step::Submit(arguments) => submit::submit(arguments),
    };
    done.unwrap_or_else(|exit| exit)
}

/// Opens the folder of a sweep.
fn open(path: &Path) -> Result<Sweep, Exit> {
    Sweep::open(folder_at(path)).map_err(|error| failed(&error))
}

/// A folder into which this process may write while others do.
pub(super) fn folder_at(path: &Path) -> SweepFolder {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    SweepFolder::at(path, &format!("{host}-{}", std::process::id()))
}

/// Says why nothing more can come of a sweep.
pub(super) fn failed(error: &SweepError) -> Exit {
    eprintln!("error: {error}");
    match error {
        SweepError::Folder(_) | SweepError::Conflict { .. } => Exit::Internal,
        _ => Exit::BadInput,
    }
}

/// Says why cells cannot be taken together.
pub(super) fn not_merged(error: &MergeError) -> Exit {
    match error {
        MergeError::Sweep(error) => failed(error),
        error => {
            eprintln!("error: {error}");
            Exit::BadInput
        }
    }
}

/// The folder of a sweep, as all steps but the first have it.
#[derive(Args, Debug)]
struct Folder {
    /// The folder of the sweep.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}
