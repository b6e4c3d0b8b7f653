//! `dmsim sweep plan STUDY -o DIR`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{failed, folder_at};
use crate::cli::{Exit, is_styled, metric_names};
use crate::experiment::Planned;
use crate::experiment::sweep::write;
use crate::kernel::path_text;
use crate::observe::{ReadError, SweepPlan};
use crate::scenario::study::load_study;

#[derive(Args, Debug)]
pub(super) struct PlanArguments {
    /// The file of the study.
    study: PathBuf,
    /// The folder of the sweep.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// So many replications, instead of as many as the file says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
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
    println!("planned in {}; `dmsim sweep run {0}` makes them", path_text(out));
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
    write(&planned, &folder_at(&out)).map_err(|error| failed(&error.into()))?;
    Ok((planned.plan, out))
}

/// What planning, running and merging write into a folder.
const OWN: [&str; 11] = [
    "plan.json",
    "cells.jsonl",
    "setups",
    "cells",
    "logs",
    "cells.csv",
    "failures.csv",
    "summary.csv",
    "study.md",
    "study.svg",
    "submitted.txt",
];

/// Whether it is a file of a sweep, finished or not.
fn is_own(name: &str) -> bool {
    let parquet = name.strip_suffix(".parquet");
    let is_table = parquet.is_some_and(|stem| OWN.contains(&&*format!("{stem}.csv")));
    OWN.contains(&name) || is_table || name.ends_with(".partial")
}

/// Makes sure that a folder has a sweep of this study, or nothing.
fn claim(path: &Path, plan: &SweepPlan, overwrite: bool) -> Result<(), Exit> {
    let names: Vec<String> = match std::fs::read_dir(path) {
        Ok(entries) => {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        }
        Err(_) if !path.exists() => return Ok(()),
        Err(error) => {
            eprintln!("error: {} cannot hold a sweep: {error}\n  = help: name a folder", path_text(path));
            return Err(Exit::BadInput);
        }
    };
    // How many replications there are, and what says so, changes no cell.
    let what = |plan: &SweepPlan| SweepPlan { replications: 0, until: None, cells: 0, ..plan.clone() };
    let there = folder_at(path).plan();
    if there.as_ref().is_ok_and(|known| what(known) == what(plan)) {
        return Ok(());
    }
    if let Some(foreign) = names.iter().find(|name| !is_own(name)) {
        eprintln!(
            "error: {} holds {foreign}, which no sweep writes\n  = help: name another folder, or move it away",
            path_text(path)
        );
        return Err(Exit::BadInput);
    }
    // Without a plan it is what is left of a planning that was interrupted.
    if names.iter().all(|name| name != "plan.json") {
        return Ok(());
    }
    let is_plan = match &there {
        Ok(_) => true,
        Err(ReadError::OtherSchema { found, .. }) => *found > 0,
        Err(_) => false,
    };
    if !is_plan {
        eprintln!(
            "error: {} has a plan.json that is none of a sweep\n  = help: name another folder, or move it away",
            path_text(path)
        );
        return Err(Exit::BadInput);
    }
    if !overwrite {
        eprintln!(
            "error: {} holds another sweep, or this one before its study was changed\n  = help: name another folder, \
             or replace it with --overwrite",
            path_text(path)
        );
        return Err(Exit::BadInput);
    }
    // The plan first: without it nothing is taken for results any more.
    let first = std::iter::once("plan.json".to_owned());
    for name in first.chain(names.into_iter().filter(|name| name != "plan.json")) {
        let own = path.join(name);
        let gone = if own.is_dir() { std::fs::remove_dir_all(&own) } else { std::fs::remove_file(&own) };
        gone.map_err(|error| {
            eprintln!("error: cannot replace {}: {error}", path_text(&own));
            Exit::Internal
        })?;
    }
    Ok(())
}
