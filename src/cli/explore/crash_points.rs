//! `dmsim explore --crash-points`: a crash of each role at every boundary of the protocol in a scenario, as a matrix.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::ProgressBar;

use super::{ExploreArguments, exit_of, progress, set_again, set_in};
use crate::cli::{Exit, Format, load, set_on_interrupt, threads};
use crate::explore::crash_points::{
    Bounds, Cell, Judgement, Survey, Unsurveyed, at_s, runs_of, survey, try_points,
};
use crate::explore::trial::Verdict;
use crate::kernel::{Span, path_text};
use crate::scenario::Overrides;
use crate::sim::Setup;

#[derive(Args, Debug)]
pub(super) struct CrashArguments {
    /// Instead of searching, have each role of this scenario crash at every boundary of the protocol, and print the
    /// matrix of what is found.
    #[arg(long, value_name = "SCENARIO", group = "given", conflicts_with_all = [
        "seeds", "time_s", "with", "without", "providers", "small", "out", "blame", "until", "rediscover", "coverage",
        "show", "choices",
    ])]
    pub(super) crash_points: Option<std::path::PathBuf>,
    /// After how many seconds a crashed peer starts again: a run for each.
    #[arg(
        long,
        value_name = "SECONDS",
        value_delimiter = ',',
        default_value = "5,600",
        requires = "crash_points",
        // As long as the longest run.
        value_parser = clap::value_parser!(u64).range(1..=315_360_000)
    )]
    restart_s: Vec<u64>,
    /// How many occurrences of a boundary stand for it: the first ones and, where it is more than one, the last.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1,
        requires = "crash_points",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    occurrences: u16,
    /// Have peers crash also after they have stored what came of a boundary and before they have sent anything.
    #[arg(long, requires = "crash_points")]
    unsent: bool,
    /// Have the machine crash and lose its disk, and not the process alone.
    #[arg(long, requires = "crash_points")]
    disk_lost: bool,
    /// Try this point alone, as findings name it: `ROLE/STATE/SIDE BOUNDARY`.
    #[arg(long, value_name = "POINT", requires = "crash_points")]
    only: Option<String>,
    /// How the matrix is printed.
    #[arg(long, value_enum, default_value = "human", requires = "crash_points")]
    format: Format,
}

/// What it takes to print a matrix.
struct Matrix<'a> {
    path: &'a Path,
    given: &'a ExploreArguments,
    arguments: &'a CrashArguments,
    bounds: &'a Bounds,
    survey: &'a Survey,
    cells: &'a [Cell],
}

/// Tries the crash points of a scenario, under another profile if one is named, and with what is set in it.
pub(super) fn run(path: &Path, given: &ExploreArguments) -> Exit {
    let arguments = &given.crash;
    let overrides = Overrides { set: set_in(given), seed: None };
    let setup = match load(path, &overrides) {
        Ok(loaded) => loaded.setup,
        Err(exit) => return exit,
    };
    let stop = set_on_interrupt();
    let goes_on = || !stop.load(Ordering::Relaxed);
    let bounds = Bounds {
        restarts: arguments.restart_s.iter().map(|seconds| Span::secs(*seconds)).collect(),
        occurrences: usize::from(arguments.occurrences),
        unsent: arguments.unsent,
        loses_disk: arguments.disk_lost,
    };
    let survey = match survey(&setup, &bounds, &goes_on) {
        Ok(survey) => survey,
        Err(why) => return unsurveyed(path, why),
    };
    let points = match chosen(&survey, arguments.only.as_deref()) {
        Ok(points) => points,
        Err(exit) => return exit,
    };
    let cells = in_parallel(given.jobs, (&setup, &survey, &bounds), &points, &stop);
    let matrix = Matrix { path, given, arguments, bounds: &bounds, survey: &survey, cells: &cells };
    match arguments.format {
        Format::Human => matrix.print(),
        Format::Json => println!("{}", matrix.json()),
    }
    let worst = cells.iter().filter_map(Cell::verdict).map(Verdict::weight).max().unwrap_or_default();
    exit_of(worst.max(survey.undisturbed.weight()), &stop)
}

fn unsurveyed(path: &Path, why: Unsurveyed) -> Exit {
    let shown = path_text(path);
    match why {
        Unsurveyed::Interrupted => Exit::Interrupted,
        Unsurveyed::Broken(said) => {
            eprintln!("error: {shown} without a crash: the simulator broke down: {said}");
            Exit::Crash
        }
        Unsurveyed::Idle => {
            eprintln!(
                "error: no deployment comes to any state in {shown}, so there is nothing to crash in\n  = help: \
                 name a scenario with a `workload`, such as scenarios/crash-points.yaml"
            );
            Exit::BadInput
        }
    }
}

/// All points, or the one of this name.
fn chosen(survey: &Survey, only: Option<&str>) -> Result<Vec<usize>, Exit> {
    let Some(name) = only else { return Ok((0..survey.points.len()).collect()) };
    survey.find(name).map(|point| vec![point]).ok_or_else(|| {
        eprintln!("error: there is no crash point `{name}` in this scenario\n  = help: the nearest are");
        survey.near(name).iter().for_each(|near| eprintln!("    {near}"));
        Exit::BadInput
    })
}

fn in_parallel(
    jobs: Option<usize>,
    task: (&Setup, &Survey, &Bounds),
    points: &[usize],
    stop: &Arc<AtomicBool>,
) -> Vec<Cell> {
    let runs = runs_of(task.1, points, task.2);
    let pool = threads(jobs, runs);
    let bar: ProgressBar = progress(runs as u64);
    let goes_on = || !stop.load(Ordering::Relaxed);
    let cells = pool.install(|| try_points(task, points, &goes_on, &|| bar.inc(1)));
    bar.finish_and_clear();
    cells
}

impl Matrix<'_> {
    fn print(&self) {
        if self.arguments.only.is_none() {
            self.print_table();
        }
        if self.survey.undisturbed.weight() > 0 {
            println!("without a crash: {}", self.survey.undisturbed.in_words());
        }
        let told = |cell: &&Cell| {
            self.arguments.only.is_some() || cell.verdict().is_some_and(|verdict| verdict.weight() > 0)
        };
        for cell in self.cells.iter().filter(told) {
            println!("{}", self.line_of(cell));
        }
    }

    /// Rows are boundaries, columns roles and restarts.
    fn print_table(&self) {
        let Self { survey, bounds, .. } = self;
        let heads = survey.roles.iter().flat_map(|role| {
            bounds.restarts.iter().map(move |restart| vec![(*role).to_owned(), restart.to_string()])
        });
        let mut columns: Vec<Vec<String>> =
            vec![vec!["state".to_owned(), String::new()], vec!["boundary".to_owned(), String::new()]];
        columns.extend(heads);
        for (row, (boundary, side)) in survey.rows.iter().enumerate() {
            columns[0].push(boundary.state());
            columns[1].push(format!("{} {}", side.word(), boundary.what));
            for role in 0..survey.roles.len() {
                for restart in 0..bounds.restarts.len() {
                    let column = 2 + role * bounds.restarts.len() + restart;
                    columns[column].push(self.word_at(row, role, restart).to_owned());
                }
            }
        }
        let widths: Vec<usize> =
            columns.iter().map(|cells| cells.iter().map(String::len).max().unwrap_or_default()).collect();
        for line in 0..columns[0].len() {
            let cells = columns.iter().zip(&widths).map(|(cells, width)| format!("{:<width$}", cells[line]));
            let line: Vec<String> = cells.collect();
            println!("{}", line.join("  ").trim_end());
        }
    }

    fn word_at(&self, row: usize, role: usize, restart: usize) -> &str {
        let is_it = |cell: &&Cell| {
            let point = &self.survey.points[cell.point];
            (point.row, point.role, cell.restart) == (row, role, restart)
        };
        self.cells.iter().find(is_it).map_or("-", |cell| cell.judgement.word())
    }

    /// What came of a point, and how it is shown again.
    fn line_of(&self, cell: &Cell) -> String {
        let point = &self.survey.points[cell.point];
        let (name, restart) = (self.survey.name_of(point), self.bounds.restarts[cell.restart]);
        let said = match &cell.judgement {
            Judgement::Seen(verdict) => verdict.in_words(),
            Judgement::Down => "the peer is down at the time".to_owned(),
            Judgement::Interrupted => "interrupted".to_owned(),
        };
        let (place, at) = (&cell.place, at_s(&cell.place));
        let line = format!("{name}: {} crashes at {at} s and is back after {restart}: {said}", place.name);
        if self.arguments.only.is_some() {
            return line;
        }
        let mut again = format!(
            "dmsim explore --crash-points {} --only '{name}' --restart-s {}",
            path_text(self.path),
            restart.as_secs_f64()
        );
        again.push_str(&set_again(&self.given.set));
        if let Some(profile) = &self.given.profile {
            again.push_str(&format!(" --profile '{profile}'"));
        }
        if self.bounds.occurrences > 1 {
            again.push_str(&format!(" --occurrences {}", self.bounds.occurrences));
        }
        if self.bounds.unsent {
            again.push_str(" --unsent");
        }
        if self.bounds.loses_disk {
            again.push_str(" --disk-lost");
        }
        format!("{line}; again: {again}")
    }

    fn json(&self) -> String {
        let cells = self.cells.iter().map(|cell| {
            let point = &self.survey.points[cell.point];
            let (boundary, side) = &self.survey.rows[point.row];
            serde_json::json!({
                "point": self.survey.name_of(point),
                "role": self.survey.roles[point.role],
                "state": boundary.state(),
                "side": side.word(),
                "boundary": boundary.what.to_string(),
                "peer": &*cell.place.name,
                "at_s": at_s(&cell.place),
                "restart_s": self.bounds.restarts[cell.restart].as_secs_f64(),
                "result": cell.judgement.word(),
                "finding": cell.verdict().filter(|one| one.weight() > 0).map(Verdict::in_words),
            })
        });
        let undisturbed = &self.survey.undisturbed;
        let all = serde_json::json!({
            "disk_lost": self.bounds.loses_disk,
            "without_a_crash": Some(undisturbed).filter(|one| one.weight() > 0).map(Verdict::in_words),
            "cells": cells.collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&all).expect("the matrix has only string keys")
    }
}
