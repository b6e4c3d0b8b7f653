//! `dmsim study FILE`: a study planned, run on all cores and taken together, in one go.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;

use super::sweep::{failed, finish, folder_at, make_until_enough, not_merged, plan_into, worst};
use super::{Exit, set_on_interrupt};
use crate::experiment::Sweep;
use crate::experiment::merge::merge;

#[derive(Args, Debug)]
pub(super) struct StudyArguments {
    /// The file of the study.
    study: PathBuf,
    /// The folder of its results; runs that are there are not made again [default: results/study-NAME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the folder if it holds another study.
    #[arg(long)]
    overwrite: bool,
    /// So many replications, instead of as many as the file says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    replications: Option<u32>,
    /// Runs at the same time [default: as many as there are cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
}

pub(super) fn study(arguments: &StudyArguments) -> Exit {
    run(arguments).unwrap_or_else(|exit| exit)
}

fn run(arguments: &StudyArguments) -> Result<Exit, Exit> {
    let StudyArguments { study, out, overwrite, replications, jobs } = arguments;
    let usual = |name: &str| PathBuf::from("results").join(format!("study-{name}"));
    let out = |name: &str| out.clone().unwrap_or_else(|| usual(name));
    let (_, folder) = plan_into(study, *replications, out, *overwrite)?;
    let sweep = Sweep::open(folder_at(&folder)).map_err(|error| failed(&error))?;
    let stop = set_on_interrupt();
    make_until_enough(&sweep, *jobs, &stop).map_err(|error| failed(&error))?;
    if stop.load(Ordering::Relaxed) {
        eprintln!("interrupted: the same command goes on with what is missing");
        return Ok(Exit::Interrupted);
    }
    let merged = merge(&sweep).map_err(|error| not_merged(&error))?;
    finish(&merged, &folder)?;
    Ok(worst(&merged))
}
