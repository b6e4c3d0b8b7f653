//! `dmsim sweep merge DIR`: all results taken together.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Folder, failed, not_merged, open};
use crate::cli::Exit;
use crate::cli::report::write_sweep;
use crate::experiment::merge::{import, merge as merged};
use crate::experiment::{Merged, Summary, findings, paragraph};
use crate::kernel::path_text;
use crate::observe::sweep::Field;
use crate::observe::{Arm, FailureKind, PlannedMetric, SweepPlan, Table, csv_text, failures_csv, write_into};
use crate::report::plots::Plot;
use crate::report::study::{Measure, svg};

#[derive(Args, Debug)]
pub(super) struct MergeArguments {
    #[command(flatten)]
    folder: Folder,
    /// Take the results of another folder of the same sweep too, from a machine that shares no disk with this one. May
    /// be repeated.
    #[arg(long, value_name = "DIR")]
    also: Vec<PathBuf>,
    /// Write `cells.parquet`, `summary.parquet` and `failures.parquet` too, the last where something failed.
    #[cfg(feature = "parquet")]
    #[arg(long)]
    parquet: bool,
}

pub(super) fn merge(arguments: &MergeArguments) -> Result<Exit, Exit> {
    let sweep = open(&arguments.folder.folder)?;
    import(&sweep, &arguments.also).map_err(|error| not_merged(&error))?;
    let merged = merged(&sweep).map_err(|error| not_merged(&error))?;
    finish(&merged, sweep.folder().path())?;
    #[cfg(feature = "parquet")]
    if arguments.parquet {
        write_parquet(&merged, sweep.folder().path())?;
    }
    Ok(worst(&merged))
}

#[cfg(feature = "parquet")]
fn write_parquet(merged: &Merged, folder: &Path) -> Result<(), Exit> {
    use crate::observe::parquet::{parquet_bytes, table_of};
    let failures = merged.failures();
    let mut files = vec![
        ("cells.parquet", parquet_bytes(&merged.cells_table())),
        ("summary.parquet", parquet_bytes(&table_of(&merged.summary))),
    ];
    if !failures.is_empty() {
        files.push(("failures.parquet", parquet_bytes(&table_of(&failures))));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
    write_into(folder, &files).map_err(|error| failed(&error.into()))
}

/// Writes what follows from the runs into the folder of their sweep, and says it.
pub(in crate::cli) fn finish(merged: &Merged, folder: &Path) -> Result<(), Exit> {
    let Merged { plan, summary, .. } = merged;
    let files = [
        ("cells.csv", merged.cells_table().csv()),
        ("failures.csv", failures_csv(&merged.failures())),
        ("summary.csv", csv_text(summary)),
        ("study.md", findings(plan, summary)),
        ("study.svg", means(plan, summary).svg),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_bytes()));
    write_into(folder, &files).map_err(|error| failed(&error.into()))?;
    write_sweep(merged, folder)?;
    print!("{}", paragraph(plan, summary));
    println!("\nresults in {}", path_text(folder));
    Ok(())
}

/// How a command ends of whose cells this is the worst failure.
pub(in crate::cli) fn worst(merged: &Merged) -> Exit {
    let worst = merged.worst();
    if worst.is_some() {
        eprintln!("some cells have failed: failures.csv says why, and how to see it again");
    }
    exit_of(worst)
}

/// The exit code of a failure.
pub(super) const fn exit_of(worst: Option<FailureKind>) -> Exit {
    match worst {
        None => Exit::Fine,
        Some(FailureKind::Setup) => Exit::ExpectationFailed,
        Some(FailureKind::Violation) => Exit::SafetyFinding,
        Some(FailureKind::Crash) => Exit::Crash,
    }
}

/// Every mean with its interval as a picture.
pub(in crate::cli) fn means(plan: &SweepPlan, rows: &[Summary]) -> Plot {
    let names = |all: &[Arm]| -> Vec<String> { all.iter().map(|arm| arm.name.clone()).collect() };
    let (variants, conditions) = (names(&plan.variants), names(&plan.conditions));
    let interval = |metric: &str, variant: &str, condition: &str| {
        let fits =
            |row: &&Summary| row.metric == metric && row.variant == variant && row.condition == condition;
        rows.iter().find(fits).map_or((f64::NAN, f64::NAN), |row| (row.mean, row.half_width))
    };
    let measure = |metric: &PlannedMetric| Measure {
        metric: metric.metric.clone(),
        unit: metric.unit.clone(),
        intervals: variants
            .iter()
            .map(|variant| {
                conditions.iter().map(|condition| interval(&metric.metric, variant, condition)).collect()
            })
            .collect(),
    };
    let measures: Vec<Measure> = plan.metrics.iter().map(measure).collect();
    let title = format!("{}: mean and 95 % interval of {} replications", plan.name, plan.replications);
    Plot {
        name: "study",
        left_out: None,
        caption: "Every variant by every metric, under every condition, with 95 % intervals.".to_owned(),
        svg: svg(&title, &variants, &conditions, &measures),
        data: table_of_means(rows),
    }
}

fn table_of_means(rows: &[Summary]) -> Table<'static> {
    let text = |text: &String| Field::Text(text.clone().into());
    let number = |number: f64| Field::Number((!number.is_nan()).then_some(number));
    let row = |row: &Summary| {
        vec![
            text(&row.condition),
            text(&row.variant),
            text(&row.metric),
            text(&row.unit),
            number(row.mean),
            number(row.half_width),
        ]
    };
    let header = ["condition", "variant", "metric", "unit", "mean", "half_width"];
    Table { header: header.map(str::to_owned).to_vec(), rows: rows.iter().map(row).collect() }
}
