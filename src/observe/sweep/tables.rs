//! The tables of a finished sweep.

use indexmap::IndexSet;
use serde::Serialize;

use super::{Arm, CellOutcome, CellResult, CellRow, SweepPlan};
use crate::observe::folder::{csv_lines, csv_text};

/// A cell with what came of it.
#[derive(Clone, Copy, Debug)]
pub struct FinishedCell<'a> {
    /// Which.
    pub row: CellRow<'a>,
    /// Its condition.
    pub condition: &'a Arm,
    /// Its variant.
    pub variant: &'a Arm,
    /// What came of it.
    pub result: &'a CellResult,
}

/// A cell that failed: a row of `failures.csv`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FailureRow<'a> {
    /// Its place among all cells, from 0.
    pub index: u64,
    /// What names its result.
    pub id: &'a str,
    /// The condition.
    pub condition: &'a str,
    /// The variant.
    pub variant: &'a str,
    /// The replication, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
    /// What kind of failure: `setup`, `violation` or `crash`.
    pub kind: &'static str,
    /// The reason.
    pub error: &'a str,
    /// The command that runs it again, in the folder of the sweep.
    pub replay: String,
}

/// A field of a table whose columns follow from a study.
#[derive(Serialize)]
#[serde(untagged)]
enum Field<'a> {
    Text(&'a str),
    Whole(u64),
    Number(Option<f64>),
}

/// `cells.csv`: a row for each cell, with a column for each path of the grid and each metric.
#[must_use]
pub fn cells_csv<'a>(plan: &SweepPlan, cells: impl Iterator<Item = FinishedCell<'a>>) -> String {
    let arms = plan.conditions.iter().chain(&plan.variants);
    let paths: IndexSet<&str> = arms.flat_map(|arm| arm.parameters.keys().map(String::as_str)).collect();
    let metrics: Vec<&str> = plan.metrics.iter().map(|metric| &*metric.metric).collect();
    let header: Vec<&str> = ["index", "id", "condition", "variant", "replication", "seed"]
        .into_iter()
        .chain(paths.iter().copied())
        .chain(["digest"])
        .chain(metrics.iter().copied())
        .collect();
    let fields = |cell: FinishedCell<'a>| {
        let CellRow { index, id, condition, variant, replication, seed, .. } = cell.row;
        let mut fields = vec![
            Field::Whole(index),
            Field::Text(id),
            Field::Text(condition),
            Field::Text(variant),
            Field::Whole(u64::from(replication)),
            Field::Whole(seed),
        ];
        let value =
            |path: &&str| cell.variant.parameters.get(*path).or_else(|| cell.condition.parameters.get(*path));
        fields.extend(paths.iter().map(|path| Field::Text(value(path).map_or("", String::as_str))));
        match &cell.result.outcome {
            CellOutcome::Measured { digest, values } => {
                fields.push(Field::Text(digest));
                fields.extend(
                    metrics.iter().map(|metric| Field::Number(values.get(*metric).copied().flatten())),
                );
            }
            CellOutcome::Failed { .. } => {
                fields.push(Field::Text(""));
                fields.extend(metrics.iter().map(|_| Field::Number(None)));
            }
        }
        fields
    };
    format!("{}{}", csv_lines([header]), csv_lines(cells.map(fields)))
}

/// `failures.csv`, which is there, with its header, when nothing failed.
#[must_use]
pub fn failures_csv(rows: &[FailureRow<'_>]) -> String {
    match rows {
        [] => "index,id,condition,variant,replication,seed,kind,error,replay\n".to_owned(),
        rows => csv_text(rows),
    }
}
