//! `dmsim sweep plan STUDY -o DIR`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{failed, folder_at};
use crate::cli::{Exit, is_styled, metric_names};
use crate::experiment::sweep::write;
use crate::experiment::{Planned, SweepError};
use crate::observe::SweepPlan;
use crate::scenario::study::load_study;

#[derive(Args, Debug)]
pub(super) struct PlanArguments {
    /// The file of the study.
    study: PathBuf,
    /// The folder of the sweep.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// So many replications, instead of as many as the file says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    replications: Option<u32>,
    /// Replace the folder if it holds another sweep.
    #[arg(long)]
    overwrite: bool,
}

pub(super) fn plan(arguments: &PlanArguments) -> Result<Exit, Exit> {
    let PlanArguments { study, out, replications, overwrite } = arguments;
    let plan = plan_into(study, *replications, |_| out.clone(), *overwrite)?.0;
    let (conditions, variants) = (plan.conditions.len(), plan.variants.len());
    println!(
        "{} cells: {variants} variants under {conditions} conditions, {}{} replications each",
        plan.cells,
        if plan.until.is_some() { "at most " } else { "" },
        plan.replications
    );
    println!("planned in {}; `dmsim sweep run {0}` makes them", out.display());
    Ok(Exit::Fine)
}

/// Plans a study into a folder, whose name may follow from that of the study. What is finished of the same study there
/// stays, also when there are to be more replications of it.
pub(in crate::cli) fn plan_into(
    study: &Path,
    replications: Option<u32>,
    out: impl FnOnce(&str) -> PathBuf,
    overwrite: bool,
) -> Result<(SweepPlan, PathBuf), Exit> {
    let mut study = load_study(study, &metric_names()).map_err(|report| {
        eprint!("{}", report.render(is_styled()));
        Exit::BadInput
    })?;
    if let Some(replications) = replications {
        (study.replications, study.until) = (replications, None);
    }
    let planned = Planned::of(&study).map_err(|error| {
        eprintln!("error: {error}");
        Exit::BadInput
    })?;
    let out = out(&study.name);
    claim(&out, &planned.plan, overwrite)?;
    write(&planned, &folder_at(&out)).map_err(|error| failed(&SweepError::Folder(error)))?;
    Ok((planned.plan, out))
}

/// Makes sure that a folder has a sweep of this study, or nothing.
fn claim(path: &Path, plan: &SweepPlan, overwrite: bool) -> Result<(), Exit> {
    // Scenarios alone are those of a planning that was interrupted.
    let is_ours =
        |name: std::io::Result<std::fs::DirEntry>| name.is_ok_and(|name| name.file_name() == "setups");
    if std::fs::read_dir(path).map_or(true, |mut entries| entries.all(is_ours)) {
        return Ok(());
    }
    // How many replications there are, and what says so, changes no cell.
    let what = |plan: &SweepPlan| SweepPlan { replications: 0, until: None, cells: 0, ..plan.clone() };
    let there = folder_at(path).plan();
    let known = match there {
        Ok(known) if what(&known) == what(plan) => return Ok(()),
        // A plan of another schema is one too.
        Ok(_) | Err(crate::observe::ReadError::OtherSchema { .. }) => true,
        Err(_) => false,
    };
    if known && overwrite {
        return std::fs::remove_dir_all(path).map_err(|error| {
            eprintln!("error: cannot replace {}: {error}", path.display());
            Exit::Internal
        });
    }
    let (what, help) = match known {
        true => (
            "holds another sweep, or this one before its study was changed",
            ", or replace it with --overwrite",
        ),
        false => ("is neither empty nor a sweep", ""),
    };
    eprintln!("error: {} {what}\n  = help: name another folder{help}", path.display());
    Err(Exit::BadInput)
}
