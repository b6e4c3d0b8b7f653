//! `dmsim report RUN|SWEEP`: makes the page of a run or a sweep anew, or shows it on this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rayon::prelude::*;

use super::serve::{Answer, Find, serve};
use super::sweep::{failed, folder_at, not_merged};
use super::{Exit, plot};
use crate::experiment::merge::{Merged, merge};
use crate::experiment::{self, Summary, paragraph};
use crate::kernel::path_text;
use crate::observe::sweep::PLAN;
use crate::observe::{SweepFolder, write_into};
use crate::report::page::{self, Limits, Source};
use crate::report::plots::{self, Choice, Plot, Subject};
use crate::report::sweep::{Line, Sweep, html};
use crate::report::{self, ReportError, Tables};

/// Where a served page finds its data.
const DATA: &str = "data.json";

#[derive(Args, Debug)]
pub(super) struct ReportArguments {
    /// The results folder of a run, or the folder of a finished sweep or study.
    #[arg(value_name = "RUN|SWEEP")]
    path: PathBuf,
    /// Write nothing, and show the page under an address of this machine: with all of the data, where one file has
    /// limits. Nobody else can reach it.
    #[arg(long)]
    serve: bool,
    /// The port of that address [default: any that is free].
    #[arg(long, default_value_t = 0, hide_default_value = true, requires = "serve")]
    port: u16,
}

pub(super) fn report(arguments: &ReportArguments) -> Exit {
    run(arguments).unwrap_or_else(|exit| exit)
}

fn run(arguments: &ReportArguments) -> Result<Exit, Exit> {
    let ReportArguments { path, serve: is_served, port } = arguments;
    let is_sweep = path.join(PLAN).is_file();
    if !is_sweep && !path.join("run.json").is_file() {
        eprintln!(
            "error: {} is neither a run nor a sweep: there is no run.json or {PLAN}; `dmsim run` and `dmsim study` \
             make them",
            path_text(path)
        );
        return Err(Exit::BadInput);
    }
    match (is_sweep, is_served) {
        (false, false) => {
            let written = report::write(path).map_err(|error| broken(&error))?;
            written.last().into_iter().for_each(|page| println!("{}", path_text(page)));
        }
        (true, false) => {
            let sweep = experiment::Sweep::open(folder_at(path)).map_err(|error| failed(&error))?;
            let merged = merge(&sweep).map_err(|error| not_merged(&error))?;
            write_sweep(&merged, path)?;
            println!("{}", path_text(&path.join("report.html")));
        }
        (false, true) => {
            eprintln!("reading {}", path_text(path));
            let tables = Tables::read(path).map_err(|error| broken(&error.into()))?;
            let plots = report::plots(&tables);
            let page = page::html(&tables, &plots, Source::Beside(DATA)).map_err(|error| broken(&error))?;
            let data = page::data::json(&tables, Limits::NONE);
            let (page, data) = (Answer::html(page), Answer::json(data));
            let find: Arc<Find> = Arc::new(move |path: &str| match path {
                "/" => Some(page.clone()),
                "/data.json" => Some(data.clone()),
                _ => None,
            });
            return serve(*port, &find);
        }
        (true, true) => {
            let sweep = experiment::Sweep::open(folder_at(path)).map_err(|error| failed(&error))?;
            let merged = merge(&sweep).map_err(|error| not_merged(&error))?;
            let (page, folder) = (Answer::html(sweep_page(&merged)?), path.clone());
            let find: Arc<Find> = Arc::new(move |asked: &str| match asked {
                "/" => Some(page.clone()),
                _ => cell_at(&merged, &folder, asked),
            });
            return serve(*port, &find);
        }
    }
    Ok(Exit::Fine)
}

fn broken(error: &ReportError) -> Exit {
    eprintln!("error: {error}");
    match error {
        ReportError::Read(_) => Exit::BadInput,
        _ => Exit::Internal,
    }
}

/// The file of a cell of this sweep, and no other.
fn cell_at(merged: &Merged, folder: &Path, asked: &str) -> Option<Answer> {
    let file = asked.strip_prefix('/')?;
    let is_cell = merged.cells.iter().any(|(cell, _)| SweepFolder::file_of(&cell.id) == file);
    let path = folder.join(file);
    let text = (is_cell && path.is_file()).then(|| std::fs::read_to_string(path).ok()).flatten();
    text.map(Answer::json)
}

/// Writes the page of a sweep into its folder.
pub(super) fn write_sweep(merged: &Merged, folder: &Path) -> Result<(), Exit> {
    let page = sweep_page(merged)?;
    write_into(folder, &[("report.html", page.as_bytes())]).map_err(|error| failed(&error.into()))
}

fn sweep_page(merged: &Merged) -> Result<String, Exit> {
    let Merged { plan, summary, .. } = merged;
    let line = |row: &Summary| Line {
        condition: row.condition.clone(),
        variant: row.variant.clone(),
        metric: row.metric.clone(),
        runs: row.runs,
        mean: row.mean,
        half_width: row.half_width,
        difference: row.difference,
        difference_half_width: row.difference_half_width,
        p_value: row.p_value,
    };
    let lines: Vec<Line> = summary.iter().map(line).collect();
    let shown = plot::shown(merged);
    let choice = Choice::default();
    let source = plots::Source { runs: &[], sweep: Some(&shown), choice: &choice };
    let fitting: Vec<_> = plots::KINDS
        .iter()
        .filter(|kind| matches!(kind.subject, Subject::Sweep | Subject::RunsOrSweep))
        .collect();
    // A kind that does not fit this sweep is left out; `dmsim plot` says why.
    let mut plots: Vec<Plot> = fitting.par_iter().filter_map(|kind| kind.draw(&source).ok()).collect();
    plots.insert(0, super::sweep::means(plan, summary));
    let sweep = Sweep {
        plan,
        paragraph: &paragraph(plan, summary),
        lines: &lines,
        cells: &merged.cells_table(),
        failures: &merged.failures(),
        plots: &plots,
    };
    html(&sweep).map_err(|error| broken(&error))
}
