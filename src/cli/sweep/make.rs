//! `dmsim sweep run DIR`: the cells that are missing, on the cores of this machine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use clap::Args;
use indexmap::IndexSet;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::merge::exit_of;
use super::{Folder, failed, open};
use crate::cli::measure::Stopwatch;
use crate::cli::{Exit, Format, set_on_interrupt, threads};
use crate::experiment::plan::counting;
use crate::experiment::{Cell, Shard, Sweep, SweepError};
use crate::observe::{CellResult, FailureKind, SweepFolder, sha256_hex};

/// Where engines say which task of an array this is: Slurm, HyperQueue, Kubernetes.
const INDEX_VARIABLES: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "HQ_TASK_ID", "JOB_COMPLETION_INDEX"];

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    #[command(flatten)]
    folder: Folder,
    /// Runs at the same time [default: as many as there are cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Only a part of the cells: its number from 0, or `auto` to take it from SLURM_ARRAY_TASK_ID, HQ_TASK_ID or
    /// JOB_COMPLETION_INDEX.
    #[arg(long, value_name = "K", requires = "of", value_parser = shard_index)]
    shard: Option<ShardIndex>,
    /// How many parts there are.
    #[arg(long, value_name = "N", requires = "shard", value_parser = clap::value_parser!(u64).range(1..))]
    of: Option<u64>,
    /// Make those that have failed once more.
    #[arg(long)]
    retry_failed: bool,
    /// How it is told what was made. As JSON: with the file of each cell and its SHA-256.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum ShardIndex {
    Number(u64),
    Auto,
}

fn shard_index(text: &str) -> Result<ShardIndex, String> {
    if text == "auto" {
        return Ok(ShardIndex::Auto);
    }
    text.parse().map(ShardIndex::Number).map_err(|_| "a number from 0, or `auto`".to_owned())
}

/// What a command has made.
#[derive(Default, Serialize)]
struct Receipt {
    /// Cells that it was to see to.
    cells: usize,
    /// Those that it made.
    made: u64,
    /// Those that were there.
    known: u64,
    /// Those of all of them that failed.
    failed: u64,
    interrupted: bool,
    wall_s: f64,
    cpu_s: Option<f64>,
    receipts: Vec<CellReceipt>,
}

#[derive(Serialize)]
struct CellReceipt {
    file: String,
    sha256: String,
}

pub(super) fn run(arguments: &RunArguments) -> Result<Exit, Exit> {
    let sweep = open(&arguments.folder.folder)?;
    let shard = shard(arguments)?;
    let (receipt, worst) = make(&sweep, shard, arguments).map_err(|error| failed(&error))?;
    match arguments.format {
        Format::Json => {
            println!("{}", serde_json::to_string(&receipt).expect("plain fields have a JSON form"));
        }
        Format::Human => print(&receipt),
    }
    if receipt.interrupted {
        eprintln!("interrupted: the same command goes on with what is missing");
        return Ok(Exit::Interrupted);
    }
    Ok(exit_of(worst))
}

/// Makes what is asked for. Says what was made, and the worst failure of all that it was to see to.
fn make(
    sweep: &Sweep,
    shard: Shard,
    arguments: &RunArguments,
) -> Result<(Receipt, Option<FailureKind>), SweepError> {
    let (stopwatch, stop) = (Stopwatch::start(), set_on_interrupt());
    let part = shard.of(&sweep.cells);
    if arguments.retry_failed {
        forget_failed(sweep, part)?;
    }
    let (made, wanted) = match shard {
        Shard::WHOLE => make_until_enough(sweep, arguments.jobs, &stop)?,
        _ => (make_cells(sweep, part, arguments.jobs, &stop)?, part.to_vec()),
    };
    let mut receipt = Receipt { cells: wanted.len(), made, ..Receipt::default() };
    let mut worst = None;
    for (cell, result) in wanted.iter().zip(sweep.results(&wanted)?) {
        let Some(result) = result else { continue };
        receipt.failed += u64::from(result.failure().is_some());
        worst = worst.max(result.failure());
        let file = SweepFolder::file_of(&cell.id);
        let bytes = std::fs::read(sweep.folder().path().join(&file)).unwrap_or_default();
        receipt.receipts.push(CellReceipt { file, sha256: sha256_hex(&bytes) });
    }
    receipt.known = (receipt.receipts.len() as u64).saturating_sub(made);
    receipt.interrupted = stop.load(Ordering::Relaxed);
    (receipt.wall_s, receipt.cpu_s) = (stopwatch.wall().as_secs_f64(), stopwatch.cpu_s());
    Ok((receipt, worst))
}

fn print(receipt: &Receipt) {
    let Receipt { cells, made, known, failed, wall_s, .. } = receipt;
    let cpu = receipt.cpu_s.map_or_else(String::new, |cpu_s| format!(", {cpu_s:.1} s of CPU"));
    println!("{made} cells made, {known} were known, of {cells}; {failed} failed ({wall_s:.1} s{cpu})");
}

/// Which task of an array this is.
fn task_index() -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "engines tell their tasks by the environment; no run depends on it"
    )]
    let read = |name: &&str| std::env::var(name).ok()?.trim().parse().ok();
    INDEX_VARIABLES.iter().find_map(read)
}

/// The part that is asked for.
fn shard(arguments: &RunArguments) -> Result<Shard, Exit> {
    let (Some(index), Some(count)) = (arguments.shard, arguments.of) else { return Ok(Shard::WHOLE) };
    let index = match index {
        ShardIndex::Number(index) => index,
        ShardIndex::Auto => {
            let found = task_index();
            found.ok_or_else(|| {
                eprintln!(
                    "error: `--shard auto` needs one of {} with a number, as a task of an array has it\n  = help: name \
                     the part, as in `--shard 0 --of {count}`",
                    INDEX_VARIABLES.join(", ")
                );
                Exit::BadInput
            })?
        }
    };
    if index < count {
        return Ok(Shard { index, count });
    }
    eprintln!("error: there is no part {index} of {count}: they are numbered from 0 to {}", count - 1);
    Err(Exit::BadInput)
}

/// Makes all cells that there are to be: all of them, or until enough is known. Says how many were made, and which
/// there are to be as far as that is known.
pub(in crate::cli) fn make_until_enough(
    sweep: &Sweep,
    jobs: Option<u32>,
    stop: &AtomicBool,
) -> Result<(u64, Vec<Cell>), SweepError> {
    let first = |replications| {
        let of_these = |cell: &&Cell| cell.replication < replications;
        sweep.cells.iter().filter(of_these).cloned().collect::<Vec<Cell>>()
    };
    let mut made = 0;
    loop {
        let cells = match counting(&sweep.plan, &sweep.measured()?) {
            Ok(replications) => return Ok((made, first(replications))),
            Err(replications) => first(replications),
        };
        made += make_cells(sweep, &cells, jobs, stop)?;
        if stop.load(Ordering::Relaxed) {
            return Ok((made, cells));
        }
    }
}

/// Makes those of these cells that are missing. Says how many.
pub(super) fn make_cells(
    sweep: &Sweep,
    cells: &[Cell],
    jobs: Option<u32>,
    stop: &AtomicBool,
) -> Result<u64, SweepError> {
    let results = sweep.results(cells)?;
    // Cells that are the same are made once.
    let mut ids = IndexSet::new();
    let is_missing =
        |(cell, result): &(&Cell, &Option<CellResult>)| result.is_none() && ids.insert(cell.id.clone());
    let missing: Vec<Cell> =
        cells.iter().zip(&results).filter(is_missing).map(|(cell, _)| cell.clone()).collect();
    let known = results.iter().flatten().count();
    if known > 0 && !missing.is_empty() {
        eprintln!("{known} cells are known, {} are to be made", missing.len());
    }
    let bar = ProgressBar::with_draw_target(Some(missing.len() as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(
        "{pos} of {len} cells {wide_bar} {per_sec}, {elapsed}, {eta} to go{msg}",
    )
    .expect("the template is valid");
    bar.set_style(style);
    let failures = AtomicU64::new(0);
    let done = |_: &Cell, result: &CellResult| {
        if result.failure().is_some() {
            bar.set_message(format!(", {} failed", failures.fetch_add(1, Ordering::Relaxed) + 1));
        }
        bar.inc(1);
    };
    let pool = threads(jobs.map(|jobs| jobs as usize), missing.len());
    let made = pool.install(|| sweep.make(&missing, &done, &|| !stop.load(Ordering::Relaxed)));
    let count = bar.position();
    bar.finish_and_clear();
    made.map(|()| count)
}

fn forget_failed(sweep: &Sweep, cells: &[Cell]) -> Result<(), SweepError> {
    for result in sweep.results(cells)?.iter().flatten() {
        if result.failure().is_some() {
            sweep.folder().forget(&result.id)?;
        }
    }
    Ok(())
}
