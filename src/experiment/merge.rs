//! The results of all cells taken together: the same bytes whatever the order in which they were made, in however many
//! shards, and on whichever machines.

use std::path::PathBuf;

use indexmap::IndexSet;

use super::plan::{self, Cell, counting};
use super::summary::{Measured, Summary, summarise};
use super::sweep::{Sweep, SweepError};
use crate::kernel::path_text;
use crate::observe::{
    CellOutcome, CellResult, CellRow, FailureKind, FailureRow, FinishedCell, Kept, SweepFolder, SweepPlan,
    Table, cells_table,
};

/// How many cells an error names.
const NAMED: usize = 5;

/// Why cells cannot be taken together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Something cannot be read or written.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// Another folder has another plan.
    #[error(
        "{} was planned otherwise than {}: only parts of one sweep can be merged",
        path_text(other),
        path_text(path)
    )]
    OtherPlan {
        /// The sweep.
        path: PathBuf,
        /// The folder beside it.
        other: PathBuf,
    },
    /// Cells are missing.
    #[error(
        "{count} cells of {} are not finished: {}; `dmsim sweep run {0}` makes them",
        path_text(path),
        named.join(", ")
    )]
    Gaps {
        /// The sweep.
        path: PathBuf,
        /// How many are missing.
        count: usize,
        /// Some of them.
        named: Vec<String>,
    },
    /// Cells came out in different ways.
    #[error(
        "{} cells came out in different ways, which the same inputs cannot: {}; compare these files, and remove the \
         wrong ones",
        files.len(),
        files.iter().take(NAMED).map(|path| path_text(path)).collect::<Vec<_>>().join(", ")
    )]
    Conflicts {
        /// What came out otherwise than what was there before.
        files: Vec<PathBuf>,
    },
}

/// A finished sweep.
#[derive(Clone, PartialEq, Debug)]
pub struct Merged {
    /// Its plan, with as many replications as count.
    pub plan: SweepPlan,
    /// Its cells with what came of them, in the order of the plan.
    pub cells: Vec<(Cell, CellResult)>,
    /// What follows.
    pub summary: Vec<Summary>,
}

/// Takes the results of other folders of the same sweep, from machines that share no disk with this one.
///
/// # Errors
/// [`MergeError::OtherPlan`], [`MergeError::Conflicts`], or why a folder cannot be read or written.
pub fn import(sweep: &Sweep, others: &[PathBuf]) -> Result<(), MergeError> {
    let mut files = Vec::new();
    for path in others {
        // Nothing is written there.
        let other = SweepFolder::at(path, "");
        let theirs = Sweep::open(other.clone())?;
        if theirs.plan != sweep.plan {
            let path = sweep.folder().path().to_owned();
            return Err(MergeError::OtherPlan { path, other: other.path().to_owned() });
        }
        for result in theirs.results(&theirs.cells).map_err(SweepError::from)?.iter().flatten() {
            if sweep.folder().keep(result).map_err(SweepError::from)? == Kept::Conflict {
                files.extend(sweep.folder().conflict(&result.id));
            }
        }
    }
    if files.is_empty() { Ok(()) } else { Err(MergeError::Conflicts { files }) }
}

/// Takes all cells together.
///
/// # Errors
/// [`MergeError::Gaps`], [`MergeError::Conflicts`], or why a result cannot be read.
pub fn merge(sweep: &Sweep) -> Result<Merged, MergeError> {
    let ids: IndexSet<&str> = sweep.cells.iter().map(|cell| &*cell.id).collect();
    let files: Vec<PathBuf> = ids.iter().filter_map(|id| sweep.folder().conflict(id)).collect();
    if !files.is_empty() {
        return Err(MergeError::Conflicts { files });
    }
    let results = sweep.results(&sweep.cells).map_err(SweepError::from)?;
    let measured = Measured::of(&sweep.plan, sweep.cells.iter().zip(&results));
    let replications = counting(&sweep.plan, &measured).map_err(|needed| {
        let is_missing =
            |(cell, result): &(&Cell, &Option<CellResult>)| cell.replication < needed && result.is_none();
        let missing: Vec<&Cell> =
            sweep.cells.iter().zip(&results).filter(is_missing).map(|(cell, _)| cell).collect();
        gaps(sweep, &missing)
    })?;
    let plan = SweepPlan { replications, ..sweep.plan.clone() };
    let pairs = sweep.cells.iter().cloned().zip(results);
    let cells: Vec<(Cell, CellResult)> = pairs
        .filter(|(cell, _)| cell.replication < replications)
        .filter_map(|(cell, result)| Some((cell, result?)))
        .collect();
    let summary = summarise(&plan, &measured);
    Ok(Merged { plan, cells, summary })
}

fn gaps(sweep: &Sweep, missing: &[&Cell]) -> MergeError {
    let name = |cell: &&Cell| {
        let condition = &sweep.plan.conditions[cell.condition].name;
        let variant = &sweep.plan.variants[cell.variant].name;
        format!("{} ({variant} under {condition}, replication {})", cell.index, cell.replication)
    };
    let mut named: Vec<String> = missing.iter().take(NAMED).map(name).collect();
    if missing.len() > NAMED {
        named.push("...".to_owned());
    }
    MergeError::Gaps { path: sweep.folder().path().to_owned(), count: missing.len(), named }
}

impl Merged {
    /// The table of all cells.
    #[must_use]
    pub fn cells_table(&self) -> Table<'_> {
        let finished = |(cell, result)| FinishedCell {
            row: plan::row_of(&self.plan, cell),
            condition: &self.plan.conditions[cell.condition],
            variant: &self.plan.variants[cell.variant],
            result,
        };
        cells_table(&self.plan, self.cells.iter().map(|(cell, result)| finished((cell, result))))
    }

    /// The rows of `failures.csv`: what failed, why, and how to see it again from the sweep's folder.
    #[must_use]
    pub fn failures(&self) -> Vec<FailureRow<'_>> {
        let mut rows = Vec::new();
        for (cell, result) in &self.cells {
            if let CellOutcome::Failed { kind, error } = &result.outcome {
                let CellRow { index, id, condition, variant, replication, seed, .. } =
                    plan::row_of(&self.plan, cell);
                let (kind, replay) = (kind.as_str(), replay(cell));
                rows.push(FailureRow {
                    index,
                    id,
                    condition,
                    variant,
                    replication,
                    seed,
                    kind,
                    error,
                    replay,
                });
            }
        }
        rows
    }

    /// The worst kind of failure; none where no cell failed.
    #[must_use]
    pub fn worst(&self) -> Option<FailureKind> {
        self.cells.iter().filter_map(|(_, result)| result.failure()).max()
    }
}

/// The command that runs a cell again, alone, in the folder of its sweep.
#[must_use]
pub fn replay(cell: &Cell) -> String {
    format!("dmsim run setups/{}/scenario.yaml --seed {}", cell.setup, cell.seed)
}
