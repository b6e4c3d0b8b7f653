//! The cells of a planned study, made on the cores of this machine, whole or a shard of them.
//!
//! A cell is finished when its result lies in the sweep's folder. So a sweep that was interrupted or killed goes on
//! with what is missing, and any number of machines may share the work. A cell that fails is a result too: its error is
//! kept, and the sweep goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::plan::{self, Cell, Planned, fingerprint};
use super::statistics::{average, mser5};
use super::summary::Measured;
use crate::kernel::{path_text, said_by};
use crate::observe::sweep::PLAN;
use crate::observe::{
    self, CellOutcome, CellResult, FailureKind, FolderError, Kept, PlannedMetric, ReadError, SWEEP_SCHEMA,
    SeriesName, SweepFolder, SweepPlan, write_into,
};
use crate::scenario::{self, Overrides, Report};
use crate::sim::{self, Options, Outcome, RunError, Setup};

/// Why a sweep cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no plan.
    #[error(
        "{} is no sweep: there is no plan.json, which `dmsim sweep plan STUDY -o {0}` writes",
        path_text(path)
    )]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// The plan was changed by hand.
    #[error("{}/plan.json does not fit together: {reason}; plan the study anew", path_text(path))]
    Broken {
        /// The folder.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Another version of the program has planned it.
    #[error(
        "{} was planned by version {found} of dmsim, and this is {}: plan it anew, or run it with that version",
        path_text(path),
        env!("CARGO_PKG_VERSION")
    )]
    Program {
        /// The sweep.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A scenario of the sweep cannot be used.
    #[error("{} is not as it was planned; plan the study anew:\n{}", path_text(path), report.render(false))]
    Scenario {
        /// The scenario.
        path: PathBuf,
        /// What is wrong with it.
        report: Box<Report>,
    },
    /// A scenario of the sweep is not the one that was planned.
    #[error(
        "{}, or a file that it names, was changed after it was planned: plan the study anew",
        path_text(path)
    )]
    Changed {
        /// The scenario.
        path: PathBuf,
    },
    /// A cell came out otherwise than before.
    #[error(
        "cell {id} came out otherwise than in {}, which was there before; {} has what came out now",
        path_text(known),
        path_text(now)
    )]
    Conflict {
        /// Which cell.
        id: String,
        /// What was there.
        known: PathBuf,
        /// What came out now.
        now: PathBuf,
    },
}

/// A part of a sweep: the `index`-th of `count` that are as large as each other, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Which.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Its cells.
    #[must_use]
    pub fn of(self, cells: &[Cell]) -> &[Cell] {
        let end = |part: u64| (u128::from(part) * cells.len() as u128 / u128::from(self.count)) as usize;
        &cells[end(self.index)..end(self.index + 1)]
    }
}

/// A planned study in its folder.
#[derive(Debug)]
pub struct Sweep {
    /// What is run.
    pub plan: SweepPlan,
    /// Every run.
    pub cells: Vec<Cell>,
    folder: SweepFolder,
    /// The scenarios by the numbers of their folders, each read when it is first needed.
    setups: Vec<OnceLock<Setup>>,
}

/// Writes a planned study into a folder, with all that its runs will read.
///
/// # Errors
/// [`FolderError::Io`].
pub fn write(planned: &Planned, folder: &SweepFolder) -> Result<(), FolderError> {
    for (number, loaded) in planned.setups.iter().enumerate() {
        let copies: Vec<(String, &str)> = loaded.copies().collect();
        let files: Vec<(&str, &[u8])> =
            copies.iter().map(|(name, text)| (&**name, text.as_bytes())).collect();
        let setup = folder.setup(number);
        write_into(&setup, &files)?;
        for file in &loaded.job_traces {
            let name = format!("traces/{}", file.copy);
            let opened = file.open();
            let mut bytes = opened.map_err(|source| FolderError::Io {
                action: "read",
                path: setup.join(&name),
                source,
            })?;
            observe::copy_into(&setup, &name, &mut bytes)?;
        }
        write_into(&setup, &[("scenario.yaml", loaded.resolved.as_bytes())])?;
    }
    let cells = plan::cells(&planned.plan);
    folder.write_plan(&planned.plan, cells.iter().map(|cell| plan::row_of(&planned.plan, cell)))
}

impl Sweep {
    /// Opens a folder in which a study was planned.
    ///
    /// # Errors
    /// [`SweepError::Read`] or [`SweepError::Program`].
    pub fn open(folder: SweepFolder) -> Result<Self, SweepError> {
        if !folder.path().join(PLAN).is_file() {
            return Err(SweepError::Nothing { path: folder.path().to_owned() });
        }
        let plan = folder.plan()?;
        if plan.program != env!("CARGO_PKG_VERSION") {
            return Err(SweepError::Program { path: folder.path().to_owned(), found: plan.program });
        }
        plan.check().map_err(|reason| SweepError::Broken { path: folder.path().to_owned(), reason })?;
        let cells = plan::cells(&plan);
        let count = plan.setups.iter().map(|setup| setup.folder + 1).max().unwrap_or(0);
        let setups = (0..count).map(|_| OnceLock::new()).collect();
        Ok(Self { plan, cells, folder, setups })
    }

    /// Where it lies.
    #[must_use]
    pub const fn folder(&self) -> &SweepFolder {
        &self.folder
    }

    /// What came of some cells; none where one is not finished.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn results(&self, cells: &[Cell]) -> Result<Vec<Option<CellResult>>, ReadError> {
        cells
            .par_iter()
            .map(|cell| Ok(self.folder.result(&cell.id)?.filter(|one| self.fits(cell, one))))
            .collect()
    }

    /// Whether a result can be that of a cell. What cannot is as good as none.
    fn fits(&self, cell: &Cell, result: &CellResult) -> bool {
        let metrics = || self.plan.metrics.iter().map(|metric| &metric.metric);
        result.seed == cell.seed
            && match &result.outcome {
                CellOutcome::Measured { values, .. } => metrics().eq(values.keys()),
                CellOutcome::Failed { .. } => true,
            }
    }

    /// All that is known of it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn measured(&self) -> Result<Measured, ReadError> {
        let results = self.results(&self.cells)?;
        Ok(Measured::of(&self.plan, self.cells.iter().zip(&results)))
    }

    /// Makes these cells on all cores and keeps what comes of them. `done` hears of each as soon as it is kept;
    /// `goes_on` is asked now and then, and when it says no, runs that are not over are left out.
    ///
    /// # Errors
    /// [`SweepError`], where nothing can come of the rest either.
    pub fn make(
        &self,
        cells: &[Cell],
        done: &(dyn Fn(&Cell, &CellResult) + Sync),
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), SweepError> {
        cells.par_iter().with_max_len(1).try_for_each(|cell| {
            if !goes_on() {
                return Ok(());
            }
            let Some(result) = self.run(cell, goes_on)? else { return Ok(()) };
            let mut kept = self.folder.keep(&result)?;
            if kept == Kept::Conflict
                && self.folder.result(&cell.id)?.is_some_and(|there| !self.fits(cell, &there))
            {
                // What lies there is no result of this cell and makes way.
                self.folder.forget(&cell.id)?;
                kept = self.folder.keep(&result)?;
            }
            if kept == Kept::Conflict {
                let known = self.folder.path().join(SweepFolder::file_of(&cell.id));
                let now = self.folder.conflict(&cell.id).unwrap_or_else(|| known.clone());
                return Err(SweepError::Conflict { id: cell.id.clone(), known, now });
            }
            done(cell, &result);
            Ok(())
        })
    }

    /// One run; none if it was interrupted.
    fn run(
        &self,
        cell: &Cell,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<CellResult>, SweepError> {
        let mut setup = self.setup(cell)?.clone();
        setup.seed = cell.seed;
        let metrics_only = self.plan.metrics.iter().all(|metric| metric.series.is_none());
        let options = Options { metrics_only, ..Options::default() };
        let mut interrupted = false;
        // What breaks down is one cell; the others know nothing of it.
        let made = catch_unwind(AssertUnwindSafe(|| {
            sim::run(&setup, options, &mut |_, _| {
                interrupted = !goes_on();
                !interrupted
            })
        }));
        if interrupted {
            return Ok(None);
        }
        let failed = |kind, error| CellOutcome::Failed { kind, error };
        let outcome = match made {
            Ok(Ok(outcome)) => self.measure(&outcome),
            Ok(Err(RunError::Setup(reason))) => failed(FailureKind::Setup, reason),
            Ok(Err(RunError::Violation(violation))) => failed(FailureKind::Violation, violation.to_string()),
            Err(panic) => {
                let silent = || "the simulator broke down without a word".to_owned();
                failed(FailureKind::Crash, said_by(&*panic).unwrap_or_else(silent))
            }
        };
        Ok(Some(CellResult { schema: SWEEP_SCHEMA, id: cell.id.clone(), seed: cell.seed, outcome }))
    }

    /// The scenario of a cell, as it was planned.
    fn setup(&self, cell: &Cell) -> Result<&Setup, SweepError> {
        let slot = &self.setups[cell.setup];
        if let Some(setup) = slot.get() {
            return Ok(setup);
        }
        let path = self.folder.setup(cell.setup).join("scenario.yaml");
        let names = observe::metric_names();
        let loaded = scenario::load(&path, &Overrides::default(), &names)
            .map_err(|report| SweepError::Scenario { path: path.clone(), report: Box::new(report) })?;
        let planned = self.plan.setup_of(cell.condition, cell.variant);
        if fingerprint(&self.plan, &loaded) != planned.sha256 {
            return Err(SweepError::Changed { path });
        }
        // Another thread may have read it meanwhile; it has read the same.
        Ok(slot.get_or_init(|| loaded.setup))
    }

    fn measure(&self, outcome: &Outcome) -> CellOutcome {
        let value = |wanted: &PlannedMetric| match &wanted.series {
            None => outcome.metric(&wanted.metric),
            Some(series) => self.mean_of(outcome, series),
        };
        let value =
            |wanted: &PlannedMetric| (wanted.metric.clone(), value(wanted).filter(|value| value.is_finite()));
        CellOutcome::Measured {
            digest: format!("{:032x}", outcome.digest),
            values: self.plan.metrics.iter().map(value).collect(),
        }
    }

    /// The mean of a series behind its beginning; none where that has not come to rest.
    fn mean_of(&self, outcome: &Outcome, name: &SeriesName) -> Option<f64> {
        let rows = outcome.series.iter();
        let own = rows.filter(|row| *row.metric == *name.metric && *row.labels == *name.labels);
        let values: Vec<f64> = match self.plan.warm_up_s {
            Some(warm_up_s) => own.filter(|row| row.time_s >= warm_up_s).map(|row| row.value).collect(),
            None => {
                let all: Vec<f64> = own.map(|row| row.value).collect();
                let cut = mser5(&all)?.cut;
                all[cut..].to_vec()
            }
        };
        // Of nothing it is not a number, and so none.
        Some(average(&values))
    }
}
