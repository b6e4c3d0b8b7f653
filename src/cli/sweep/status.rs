//! `dmsim sweep status DIR`: what is finished, missing and failed.

use clap::Args;
use serde::Serialize;

use super::{Folder, failed, open};
use crate::cli::{Exit, Format};
use crate::experiment::merge::replay;
use crate::experiment::plan::counting;
use crate::experiment::{Cell, Measured, Sweep};
use crate::kernel::path_text;
use crate::observe::{CellOutcome, CellResult, ReadError};

/// How many of each kind are named to people.
const NAMED: usize = 10;

#[derive(Args, Debug)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    folder: Folder,
    /// How it is told. As JSON: with every cell that is missing or has failed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Status<'a> {
    name: &'a str,
    cells: usize,
    finished: usize,
    /// Whether there are enough of them to be merged.
    enough: bool,
    missing: Vec<u64>,
    failed: Vec<Failure>,
    conflicts: Vec<String>,
}

#[derive(Serialize)]
struct Failure {
    index: u64,
    kind: &'static str,
    error: String,
    replay: String,
}

pub(super) fn status(arguments: &StatusArguments) -> Result<Exit, Exit> {
    let sweep = open(&arguments.folder.folder)?;
    let status = of(&sweep).map_err(|error| failed(&error.into()))?;
    match arguments.format {
        Format::Json => {
            println!("{}", serde_json::to_string_pretty(&status).expect("plain fields have a JSON form"));
        }
        Format::Human => print(&sweep, &status),
    }
    Ok(Exit::Fine)
}

fn of(sweep: &Sweep) -> Result<Status<'_>, ReadError> {
    let results = sweep.results(&sweep.cells)?;
    let pairs = || sweep.cells.iter().zip(&results);
    let measured = Measured::of(&sweep.plan, pairs());
    let failure = |(cell, result): (&Cell, &Option<_>)| match result {
        Some(CellResult { outcome: CellOutcome::Failed { kind, error }, .. }) => Some(Failure {
            index: cell.index,
            kind: kind.as_str(),
            error: error.clone(),
            replay: replay(cell),
        }),
        _ => None,
    };
    let conflict = |cell: &Cell| Some(sweep.folder().conflict(&cell.id)?.display().to_string());
    Ok(Status {
        name: &sweep.plan.name,
        cells: sweep.cells.len(),
        finished: results.iter().flatten().count(),
        enough: counting(&sweep.plan, &measured).is_ok(),
        missing: pairs().filter(|(_, result)| result.is_none()).map(|(cell, _)| cell.index).collect(),
        failed: pairs().filter_map(failure).collect(),
        conflicts: sweep.cells.iter().filter_map(conflict).collect(),
    })
}

fn print(sweep: &Sweep, status: &Status<'_>) {
    let Status { name, cells, finished, enough, missing, failed, conflicts } = status;
    println!("{name}: {finished} of {cells} cells are finished, {} of them failed", failed.len());
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().take(NAMED).map(u64::to_string).collect();
        let more = if missing.len() > NAMED { ", ..." } else { "" };
        println!("  missing: {}{more}", named.join(", "));
    }
    for failure in failed.iter().take(NAMED) {
        println!("  cell {} ({}): {}", failure.index, failure.kind, failure.error);
        println!("    again, in {}: {}", path_text(sweep.folder().path()), failure.replay);
    }
    for file in conflicts {
        println!("  conflict: {file}");
    }
    if *enough && !missing.is_empty() {
        println!("enough is known: the cells that are missing are not needed");
    }
    let next = if *enough { "merge" } else { "run" };
    println!("next: dmsim sweep {next} {}", path_text(sweep.folder().path()));
}
