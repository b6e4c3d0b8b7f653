//! The tables of a finished sweep.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexSet;
use serde::Serialize;

use super::{Arm, CellOutcome, CellResult, CellRow, SweepPlan};
use crate::observe::folder::{csv_lines, csv_text};
use crate::observe::format::number_text;

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

/// A table of a sweep, ready to be written in one form or another.
#[derive(Clone, PartialEq, Debug)]
pub struct Table<'a> {
    /// The names of its columns.
    pub header: Vec<String>,
    /// Its rows, each with a field for each column.
    pub rows: Vec<Vec<Field<'a>>>,
}

/// A field of a table. All of a column are of one kind.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Field<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(u64),
    /// A number; none where there was nothing to measure.
    Number(Option<f64>),
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Number(number) => number.map_or(Ok(()), |number| f.write_str(&number_text(number))),
        }
    }
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl Table<'_> {
    /// As CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        format!("{}{}", csv_lines([&self.header]), csv_lines(&self.rows))
    }
}

/// `cells.csv`: a row for each cell, with a column for each path of the grid and each metric.
#[must_use]
pub fn cells_table<'a>(plan: &'a SweepPlan, cells: impl Iterator<Item = FinishedCell<'a>>) -> Table<'a> {
    let arms = plan.conditions.iter().chain(&plan.variants);
    let paths: IndexSet<&str> = arms.flat_map(|arm| arm.parameters.keys().map(String::as_str)).collect();
    let metrics: Vec<&str> = plan.metrics.iter().map(|metric| &*metric.metric).collect();
    let header = ["index", "id", "condition", "variant", "replication", "seed"]
        .into_iter()
        .chain(paths.iter().copied())
        .chain(["digest"])
        .chain(metrics.iter().copied());
    let fields = |cell: FinishedCell<'a>| -> Vec<Field<'a>> {
        let CellRow { index, id, condition, variant, replication, seed, .. } = cell.row;
        let mut fields = vec![
            Field::Whole(index),
            id.into(),
            condition.into(),
            variant.into(),
            Field::Whole(u64::from(replication)),
            Field::Whole(seed),
        ];
        let value =
            |path: &&str| cell.variant.parameters.get(*path).or_else(|| cell.condition.parameters.get(*path));
        fields.extend(paths.iter().map(|path| Field::from(value(path).map_or("", String::as_str))));
        let digest = match &cell.result.outcome {
            CellOutcome::Measured { digest, .. } => digest,
            CellOutcome::Failed { .. } => "",
        };
        fields.push(digest.into());
        fields.extend(metrics.iter().map(|metric| Field::Number(cell.result.value(metric))));
        fields
    };
    Table { header: header.map(str::to_owned).collect(), rows: cells.map(fields).collect() }
}

/// `failures.csv`, which is there, with its header, when nothing failed.
#[must_use]
pub fn failures_csv(rows: &[FailureRow<'_>]) -> String {
    match rows {
        [] => "index,id,condition,variant,replication,seed,kind,error,replay\n".to_owned(),
        rows => csv_text(rows),
    }
}
