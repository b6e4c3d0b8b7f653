//! One of the two that are compared: what a run, a sweep or a stored baseline has shown.

use std::path::{Path, PathBuf};

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};

use crate::experiment::Sweep;
use crate::experiment::merge::{MergeError, merge};
use crate::kernel::path_text;
use crate::observe::sweep::PLAN;
use crate::observe::{
    self, Better, MetricRow, ReadError, SweepFolder, json_text, read_metrics, read_run, read_versioned,
};

/// The version of stored baselines.
pub const BASELINE_SCHEMA: u32 = 1;

/// What one of the two has shown. As a file it is a baseline.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Side {
    /// [`BASELINE_SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// The name of the scenario or the study.
    pub name: String,
    /// What it was: `run` or `sweep`.
    pub kind: String,
    /// The metrics, in the order of the run or the study.
    pub metrics: Vec<SideMetric>,
    /// A run is one group, a sweep one for each variant under each condition.
    pub groups: Vec<Group>,
}

/// A metric of a side.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SideMetric {
    /// Its name.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Which of two values is the better one; none where that is not said.
    pub better: Option<Better>,
}

/// Runs that differ by nothing but their seeds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The variant; empty for a run.
    pub variant: String,
    /// The condition; empty for a run.
    pub condition: String,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// By metric, then by seed; none where there was nothing to measure.
    pub values: Vec<Vec<Option<f64>>>,
    /// Expectations of the run that did not hold, or cells of the sweep that failed.
    pub failures: u64,
}

impl Group {
    /// What it is the same group by.
    #[must_use]
    pub fn key(&self) -> (&str, &str) {
        (&self.variant, &self.condition)
    }
}

/// Why something cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// There is nothing that can be read.
    #[error(
        "{} is neither a run nor a sweep nor a baseline: there is no run.json, plan.json or file that `dmsim baseline \
         save` wrote",
        path_text(path)
    )]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// A baseline was changed by hand.
    #[error("{} does not fit together: make it anew with `dmsim baseline save`", path_text(path))]
    Broken {
        /// The path.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sweep is not finished.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

impl Side {
    /// Reads the folder of a run or of a finished sweep, or the file of a baseline.
    ///
    /// # Errors
    /// [`SideError`].
    pub fn read(path: &Path) -> Result<Self, SideError> {
        if path.join("run.json").is_file() {
            return Self::of_run(path);
        }
        if path.join(PLAN).is_file() {
            return Self::of_sweep(path);
        }
        if !path.is_file() {
            return Err(SideError::Nothing { path: path.to_owned() });
        }
        let side: Self = read_versioned(path, BASELINE_SCHEMA)?;
        match side.is_sound() {
            true => Ok(side),
            false => Err(SideError::Broken { path: path.to_owned() }),
        }
    }

    /// Whether it has a value for every metric of every seed, and nothing twice.
    fn is_sound(&self) -> bool {
        let is_whole = |group: &Group| {
            let seeds: IndexSet<&u64> = group.seeds.iter().collect();
            !seeds.is_empty()
                && seeds.len() == group.seeds.len()
                && group.values.len() == self.metrics.len()
                && group.values.iter().all(|values| values.len() == seeds.len())
        };
        let groups: IndexSet<(&str, &str)> = self.groups.iter().map(Group::key).collect();
        let metrics: IndexSet<&str> = self.metrics.iter().map(|metric| &*metric.metric).collect();
        groups.len() == self.groups.len()
            && metrics.len() == self.metrics.len()
            && self.groups.iter().all(is_whole)
    }

    fn of_run(path: &Path) -> Result<Self, SideError> {
        let run = read_run(&path.join("run.json"))?;
        let rows = read_metrics(&path.join("metrics.csv"))?;
        let whole: Vec<&MetricRow> = rows.iter().filter(|row| row.labels.is_empty()).collect();
        let metric = |row: &&MetricRow| SideMetric {
            metric: row.metric.to_string(),
            unit: row.unit.to_string(),
            better: observe::better(&row.metric),
        };
        let value = |row: &&MetricRow| vec![Some(row.value).filter(|value| value.is_finite())];
        let group = Group {
            variant: String::new(),
            condition: String::new(),
            seeds: vec![run.seed],
            values: whole.iter().map(value).collect(),
            failures: run.expectations.iter().filter(|verdict| !verdict.passed).count() as u64,
        };
        Ok(Self {
            schema: BASELINE_SCHEMA,
            name: run.name,
            kind: "run".to_owned(),
            metrics: whole.iter().map(metric).collect(),
            groups: vec![group],
        })
    }

    fn of_sweep(path: &Path) -> Result<Self, SideError> {
        // Nothing is written there.
        let sweep = Sweep::open(SweepFolder::at(path, "")).map_err(MergeError::from)?;
        let merged = merge(&sweep)?;
        let plan = &merged.plan;
        let metric = |metric: &observe::PlannedMetric| SideMetric {
            metric: metric.metric.clone(),
            unit: metric.unit.clone(),
            better: Some(metric.better),
        };
        let mut groups = Vec::new();
        for condition in 0..plan.conditions.len() {
            for variant in 0..plan.variants.len() {
                let own = merged
                    .cells
                    .iter()
                    .filter(|(cell, _)| (cell.condition, cell.variant) == (condition, variant));
                let values = |metric: &observe::PlannedMetric| {
                    own.clone().map(|(_, result)| result.value(&metric.metric)).collect()
                };
                groups.push(Group {
                    variant: plan.variants[variant].name.clone(),
                    condition: plan.conditions[condition].name.clone(),
                    seeds: own.clone().map(|(cell, _)| cell.seed).collect(),
                    values: plan.metrics.iter().map(values).collect(),
                    failures: own.clone().filter(|(_, result)| result.failure().is_some()).count() as u64,
                });
            }
        }
        Ok(Self {
            schema: BASELINE_SCHEMA,
            name: plan.name.clone(),
            kind: "sweep".to_owned(),
            metrics: plan.metrics.iter().map(metric).collect(),
            groups,
        })
    }

    /// As the text of a baseline: the same for the same results.
    #[must_use]
    pub fn text(&self) -> String {
        json_text(self)
    }
}
