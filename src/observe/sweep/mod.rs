//! A sweep as it lies on disk: what is to be run, and what came of each run.
//!
//! A folder has all that a machine needs that knows nothing else: `plan.json` ([`SweepPlan`]), `cells.jsonl`
//! ([`CellRow`], the same plan spelled out for other programs), and the scenarios with all their files under `setups/`.
//! What came of a cell is a file of its own, `cells/ab/ID.json`, where `ID` says all that went in. It is written aside
//! and linked into place, so it is there whole or not at all, on whichever machine and however often it is made: a cell
//! that is finished is never written again, and one that comes out otherwise is a conflict.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use super::folder::doing;
use super::manifest::json_text;
use super::metrics::Better;
use super::read::read_versioned;
use super::{FolderError, ReadError};

mod tables;

pub use tables::{FailureRow, Field, FinishedCell, Table, cells_table, failures_csv};

/// The version of what this module writes.
pub const SWEEP_SCHEMA: u32 = 1;
/// No result is longer: what is, is none.
const MOST_BYTES: u64 = 1 << 24;
/// So many cells a sweep may have.
pub const MOST_CELLS: u64 = 1_000_000;
/// The file that says what is to be run.
pub const PLAN: &str = "plan.json";

/// `plan.json`: what is compared, on which seeds, by what.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SweepPlan {
    /// [`SWEEP_SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// The version of that program. Another version may run a scenario otherwise.
    pub program: String,
    /// The name of the study.
    pub name: String,
    /// The seed of the seeds of its replications.
    pub seed: u64,
    /// How many replications of each variant under each condition; at most so many where they end by themselves.
    pub replications: u32,
    /// When there are enough of them; none = when they are as many as that.
    pub until: Option<PlannedEnd>,
    /// How much of the beginning of series does not count, in simulated seconds; none = as much as MSER-5 cuts off.
    pub warm_up_s: Option<f64>,
    /// Under what it is compared.
    pub conditions: Vec<Arm>,
    /// What is compared.
    pub variants: Vec<Arm>,
    /// The name of the variant to which all others are compared.
    pub baseline: String,
    /// By what.
    pub metrics: Vec<PlannedMetric>,
    /// A scenario for each variant under each condition, by condition, then by variant.
    pub setups: Vec<PlannedSetup>,
    /// How many cells there are.
    pub cells: u64,
}

impl SweepPlan {
    /// How many runs there are of a variant under each condition.
    #[must_use]
    pub fn replications_of(&self, variant: usize) -> u32 {
        self.variants[variant].replications.map_or(self.replications, |own| own.min(self.replications))
    }

    /// The scenario of a variant under a condition.
    #[must_use]
    pub fn setup_of(&self, condition: usize, variant: usize) -> &PlannedSetup {
        &self.setups[condition * self.variants.len() + variant]
    }

    /// What does not fit together in a plan that was changed by hand, in words.
    ///
    /// # Errors
    /// The first of it.
    pub fn check(&self) -> Result<(), String> {
        let names = |all: &[Arm], what: &str| {
            let mut known = IndexSet::new();
            match all.iter().find(|arm| !known.insert(&arm.name)) {
                Some(arm) => Err(format!("`{}` stands twice among its {what}", arm.name)),
                None if all.is_empty() => Err(format!("it has no {what}")),
                None => Ok(()),
            }
        };
        names(&self.conditions, "conditions")?;
        names(&self.variants, "variants")?;
        let mut metrics = IndexSet::new();
        if self.metrics.is_empty() || self.metrics.iter().any(|metric| !metrics.insert(&metric.metric)) {
            return Err("it has no metrics, or one of them twice".to_owned());
        }
        if self.variants.iter().all(|arm| arm.name != self.baseline) {
            return Err(format!("its baseline `{}` is no variant", self.baseline));
        }
        if let Some(until) = &self.until
            && (!metrics.contains(&until.metric) || until.half_width.is_nan() || until.half_width <= 0.0)
        {
            return Err("its `until` makes no sense".to_owned());
        }
        let pairs = self.conditions.len() * self.variants.len();
        if self.setups.len() != pairs || self.setups.iter().any(|setup| setup.folder >= pairs) {
            return Err(format!("it needs {pairs} setups, with folders from 0 to {}", pairs - 1));
        }
        let own = |variant| u64::from(self.replications_of(variant));
        let own: u64 = (0..self.variants.len()).map(own).sum();
        let cells = own.saturating_mul(self.conditions.len() as u64);
        if cells != self.cells || cells == 0 || cells > MOST_CELLS {
            return Err(format!(
                "it says {} cells and means {cells}; at most {MOST_CELLS} can be run",
                self.cells
            ));
        }
        Ok(())
    }
}

/// When there are enough replications.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlannedEnd {
    /// The metric that is to be known well enough.
    pub metric: String,
    /// Half of its 95 % interval may be this part of its mean.
    pub half_width: f64,
    /// So many replications at least.
    pub at_least: u32,
}

/// A variant or a condition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// What it overrides, as behind `--set`.
    pub set: Vec<String>,
    /// Its place in the grid of the study: paths of the scenario with their values.
    pub parameters: IndexMap<String, String>,
    /// How many replications there are of it; none = as many as of the study.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replications: Option<u32>,
}

/// What is measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlannedMetric {
    /// Its name.
    pub metric: String,
    /// Its unit, as in the catalogue of metrics.
    pub unit: String,
    /// Which of two values of it is the better one.
    pub better: Better,
    /// The series of which it is the mean; none = a metric of the whole run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub series: Option<SeriesName>,
}

/// A series of `series.csv`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SeriesName {
    /// What is sampled.
    pub metric: String,
    /// Its labels, as in the table.
    pub labels: String,
}

/// The scenario of a variant under a condition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlannedSetup {
    /// The folder under `setups` in which it lies. What is the same lies there once.
    pub folder: usize,
    /// SHA-256 of all that a run of it reads, but for the seed.
    pub sha256: String,
}

/// A line of `cells.jsonl`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct CellRow<'a> {
    /// Its place among all cells, from 0.
    pub index: u64,
    /// What names its result.
    pub id: &'a str,
    /// The folder of its scenario under `setups`.
    pub setup: usize,
    /// The condition.
    pub condition: &'a str,
    /// The variant.
    pub variant: &'a str,
    /// The replication, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
}

/// `cells/ab/ID.json`: what came of a cell. The same bytes wherever it was made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CellResult {
    /// [`SWEEP_SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// Which cell.
    pub id: String,
    /// Its seed.
    pub seed: u64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: CellOutcome,
}

impl CellResult {
    /// How it failed; none where it did not.
    #[must_use]
    pub const fn failure(&self) -> Option<FailureKind> {
        match self.outcome {
            CellOutcome::Failed { kind, .. } => Some(kind),
            CellOutcome::Measured { .. } => None,
        }
    }

    /// The value of a metric; none where there was nothing to measure.
    #[must_use]
    pub fn value(&self, metric: &str) -> Option<f64> {
        match &self.outcome {
            CellOutcome::Measured { values, .. } => values.get(metric).copied().flatten(),
            CellOutcome::Failed { .. } => None,
        }
    }
}

/// What came of a cell.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellOutcome {
    /// A run to its end.
    Measured {
        /// The digest over all facts of the run, 32 hexadecimal digits.
        digest: String,
        /// The metrics of the plan, in its order; none where there was nothing to measure.
        values: IndexMap<String, Option<f64>>,
    },
    /// Nothing, and why.
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// The reason.
        error: String,
    },
}

/// How a cell can fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// Its world cannot be built.
    Setup,
    /// The simulated software broke a rule that holds in every run.
    Violation,
    /// The simulator itself broke down.
    Crash,
}

impl FailureKind {
    /// A word for it, as in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Violation => "violation",
            Self::Crash => "crash",
        }
    }
}

/// What became of a result that was to be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// It was written.
    Written,
    /// The same was there.
    Known,
    /// Another was there. This one lies beside it.
    Conflict,
}

/// The folder of a sweep.
#[derive(Clone, Debug)]
pub struct SweepFolder {
    path: PathBuf,
    /// Names what this process writes aside, unlike what any other does at the same time.
    owner: String,
}

impl SweepFolder {
    /// A folder, whether it is there or not. `owner` must differ between all processes, on whichever machines, that
    /// write into it at the same time.
    #[must_use]
    pub fn at(path: &Path, owner: &str) -> Self {
        Self { path: path.to_owned(), owner: owner.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its plan.
    ///
    /// # Errors
    /// [`ReadError`], also for a plan of another schema.
    pub fn plan(&self) -> Result<SweepPlan, ReadError> {
        read_versioned(&self.path.join(PLAN), SWEEP_SCHEMA)
    }

    /// Writes the plan, and the cells as lines for other programs. What it names must be there already: who finds a
    /// plan may rely on it.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn write_plan<'a>(
        &self,
        plan: &SweepPlan,
        cells: impl Iterator<Item = CellRow<'a>>,
    ) -> Result<(), FolderError> {
        let mut lines = String::new();
        for cell in cells {
            lines += &serde_json::to_string(&cell).expect("plain fields have a JSON form");
            lines.push('\n');
        }
        super::write_into(
            &self.path,
            &[("cells.jsonl", lines.as_bytes()), (PLAN, json_text(plan).as_bytes())],
        )
    }

    /// The folder of a scenario.
    #[must_use]
    pub fn setup(&self, number: usize) -> PathBuf {
        self.path.join("setups").join(number.to_string())
    }

    /// The file of a cell, from this folder.
    #[must_use]
    pub fn file_of(id: &str) -> String {
        format!("cells/{}/{id}.json", id.get(..2).unwrap_or("__"))
    }

    /// What came of a cell; none where it is not finished. A file that is no result is as good as none: it can be of a
    /// machine that lost its power.
    ///
    /// # Errors
    /// [`ReadError`] where it cannot be read, or is of another schema.
    pub fn result(&self, id: &str) -> Result<Option<CellResult>, ReadError> {
        let path = self.path.join(Self::file_of(id));
        let mut bytes = Vec::new();
        let read = fs::File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ReadError::Io { path, source }),
        }
        let result = serde_json::from_slice::<CellResult>(&bytes).ok().filter(|result| result.id == id);
        match result {
            Some(result) if result.schema != SWEEP_SCHEMA => {
                Err(ReadError::OtherSchema { path, found: result.schema, known: SWEEP_SCHEMA })
            }
            result => Ok(result),
        }
    }

    /// The result of a cell that came out otherwise than the one that was kept, if there ever was one.
    #[must_use]
    pub fn conflict(&self, id: &str) -> Option<PathBuf> {
        let path = self.path.join(conflict_of(id));
        path.exists().then_some(path)
    }

    /// Keeps the result of a cell. One that is there is not touched.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn keep(&self, result: &CellResult) -> Result<Kept, FolderError> {
        let path = self.path.join(Self::file_of(&result.id));
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(doing("create", folder))?;
        let aside = path.with_extension(format!("{}.partial", self.owner));
        fs::write(&aside, json_text(result)).map_err(doing("write", &aside))?;
        self.put(&aside, &path, &result.id)
    }

    fn put(&self, aside: &Path, path: &Path, id: &str) -> Result<Kept, FolderError> {
        let remove = || fs::remove_file(aside).map_err(doing("remove", aside));
        let rename = |to: &Path| fs::rename(aside, to).map_err(doing("rename", aside));
        // A link is made only where nothing is, whoever else tries at the same moment.
        match fs::hard_link(aside, path) {
            Ok(()) => remove().map(|()| Kept::Written),
            // What is no result is replaced. Some file systems know no links.
            Err(_) if !path.exists() || matches!(self.result(id), Ok(None)) => {
                rename(path).map(|()| Kept::Written)
            }
            Err(_) if is_same(aside, path) => remove().map(|()| Kept::Known),
            Err(_) => rename(&self.path.join(conflict_of(id))).map(|()| Kept::Conflict),
        }
    }

    /// Forgets the result of a cell.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn forget(&self, id: &str) -> Result<(), FolderError> {
        for file in [Self::file_of(id), conflict_of(id)] {
            let path = self.path.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(doing("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn conflict_of(id: &str) -> String {
    format!("cells/{}/{id}.conflict.json", id.get(..2).unwrap_or("__"))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(value: f64) -> CellResult {
        let values = IndexMap::from([("cost".to_owned(), Some(value)), ("energy".to_owned(), None)]);
        let outcome = CellOutcome::Measured { digest: "0f".repeat(16), values };
        CellResult { schema: SWEEP_SCHEMA, id: "ab12".to_owned(), seed: u64::MAX, outcome }
    }

    #[test]
    fn a_result_is_kept_once_and_another_is_a_conflict() {
        let folder = tempfile::tempdir().expect("there is room");
        let sweep = SweepFolder::at(folder.path(), "here-1");
        assert_eq!(sweep.result("ab12").expect("it can be looked for"), None);
        // A number that a careless reader of JSON gets wrong in its last digit.
        let first = result(1.234_567_890_123_456_7e-300);
        assert_eq!(sweep.keep(&first).expect("there is room"), Kept::Written);
        assert_eq!(sweep.result("ab12").expect("it is there"), Some(first.clone()));
        assert_eq!(sweep.keep(&first).expect("there is room"), Kept::Known);
        assert_eq!(sweep.conflict("ab12"), None);
        assert_eq!(sweep.keep(&result(2.0)).expect("there is room"), Kept::Conflict);
        assert_eq!(sweep.result("ab12").expect("it is there"), Some(first), "what was there stays");
        assert!(sweep.conflict("ab12").is_some());
        sweep.forget("ab12").expect("it can be removed");
        assert_eq!((sweep.result("ab12").expect("it is gone"), sweep.conflict("ab12")), (None, None));
    }

    #[test]
    fn what_is_cut_off_is_made_again_and_what_is_foreign_is_refused() {
        let folder = tempfile::tempdir().expect("there is room");
        let sweep = SweepFolder::at(folder.path(), "here-1");
        let path = folder.path().join(SweepFolder::file_of("ab12"));
        sweep.keep(&result(1.0)).expect("there is room");
        fs::write(&path, "{\"schema\": 1, \"id\"").expect("there is room");
        assert_eq!(sweep.result("ab12").expect("it can be read"), None);
        assert_eq!(sweep.keep(&result(1.0)).expect("there is room"), Kept::Written);
        assert_eq!(sweep.result("ab12").expect("it is there"), Some(result(1.0)));
        let later = CellResult { schema: 2, ..result(1.0) };
        fs::write(&path, json_text(&later)).expect("there is room");
        let said = sweep.result("ab12").expect_err("it is of another schema").to_string();
        assert!(said.contains("schema 2"), "{said}");
    }
}
