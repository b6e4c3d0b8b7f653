//! `dmsim study FILE`: the runs of a study on all cores, what follows from them, and a picture of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::ThreadPoolBuilder;

use super::{Exit, is_styled, metric_names};
use crate::experiment::study::Job;
use crate::experiment::{Measured, Plan, StudyError, Summary, findings, paragraph, summarise};
use crate::observe::{FolderError, StudyRuns, csv_text, write_into};
use crate::report::study::{Measure, svg};
use crate::scenario::study::{Study, load_study};
use crate::sim::RunError;

/// The file that tells of which study a folder has the results.
const FINGERPRINT: &str = "study.sha256";

#[derive(Args, Debug)]
pub(super) struct StudyArguments {
    /// The file of the study.
    study: PathBuf,
    /// The folder of its results; runs that are there are not made again [default: results/study-NAME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the folder if it holds another study.
    #[arg(long)]
    overwrite: bool,
    /// So many replications, instead of as many as the file says.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    replications: Option<u32>,
    /// Runs at the same time [default: as many as there are cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
}

pub(super) fn study(arguments: &StudyArguments) -> Exit {
    let mut study = match load_study(&arguments.study, &metric_names()) {
        Ok(study) => study,
        Err(report) => {
            eprint!("{}", report.render(is_styled()));
            return Exit::BadInput;
        }
    };
    if let Some(replications) = arguments.replications {
        (study.replications, study.until) = (replications, None);
    }
    let plan = match Plan::of(&study) {
        Ok(plan) => plan,
        Err(error) => return without_result(&error),
    };
    let folder = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("results").join(format!("study-{}", study.name)));
    if let Err(exit) = claim(&folder, &plan.fingerprint(), arguments.overwrite) {
        return exit;
    }
    let done = StudyRuns::open(&folder).and_then(|(runs, rows)| {
        let known = plan.known(&rows);
        Ok((make(arguments, &plan, &runs, known)?, folder.as_path()))
    });
    match done {
        Err(error) => failed(&error),
        Ok((Err(error), _)) => without_result(&error),
        Ok((Ok((measured, interrupted)), folder)) => match finish(&mut study, &measured, folder) {
            Err(error) => failed(&error),
            Ok(()) if interrupted => {
                eprintln!("interrupted: the same command goes on with what is missing");
                Exit::Interrupted
            }
            Ok(()) => Exit::Fine,
        },
    }
}

fn failed(error: &FolderError) -> Exit {
    eprintln!("error: {error}");
    Exit::Internal
}

fn without_result(error: &StudyError) -> Exit {
    eprintln!("error: {error}");
    match error {
        StudyError::Run { reason, .. } if matches!(**reason, RunError::Violation(_)) => Exit::SafetyFinding,
        _ => Exit::BadInput,
    }
}

/// Makes sure that a folder has the results of this study, or of none.
fn claim(folder: &Path, fingerprint: &str, overwrite: bool) -> Result<(), Exit> {
    let path = folder.join(FINGERPRINT);
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    if known.trim() == fingerprint {
        return Ok(());
    }
    if folder.exists() && !overwrite {
        eprintln!(
            "error: {} has the results of another study, or of this one before it was changed\n  = help: name another \
             folder with --out, or replace it with --overwrite",
            folder.display()
        );
        return Err(Exit::BadInput);
    }
    if folder.exists()
        && let Err(error) = std::fs::remove_dir_all(folder)
    {
        eprintln!("error: cannot replace {}: {error}", folder.display());
        return Err(Exit::Internal);
    }
    let line = format!("{fingerprint}\n");
    write_into(folder, &[(FINGERPRINT, line.as_bytes())]).map_err(|error| failed(&error))
}

type Made = Result<(Vec<Measured>, bool), StudyError>;

/// Makes the runs that are not known yet, and keeps each as soon as it is over. The second answer tells whether that
/// was interrupted.
fn make(
    arguments: &StudyArguments,
    plan: &Plan<'_>,
    runs: &StudyRuns,
    known: Vec<Measured>,
) -> Result<Made, FolderError> {
    let stop = super::set_on_interrupt();
    let mut known = known;
    while let Some(replications) = plan.next(&known) {
        let missing = plan.jobs().into_iter().filter(|job| job.replication < replications);
        let missing: Vec<Job> = missing.filter(|job| known.iter().all(|one| one.job != *job)).collect();
        if !known.is_empty() {
            eprintln!("{} runs are known, {} are to be made", known.len(), missing.len());
        }
        known = match make_some(arguments, plan, runs, (known, &missing), &stop)? {
            Ok(known) => known,
            Err(error) => return Ok(Err(error)),
        };
        if stop.load(Ordering::Relaxed) {
            return Ok(Ok((known, true)));
        }
    }
    Ok(Ok((known, false)))
}

/// Makes these runs beside those that are known.
fn make_some(
    arguments: &StudyArguments,
    plan: &Plan<'_>,
    runs: &StudyRuns,
    (known, missing): (Vec<Measured>, &[Job]),
    stop: &AtomicBool,
) -> Result<Result<Vec<Measured>, StudyError>, FolderError> {
    let bar = ProgressBar::with_draw_target(Some(missing.len() as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{pos} of {len} runs {wide_bar} {elapsed}, {eta} to go")
        .expect("the template is valid");
    bar.set_style(style);
    let (all, lost) = (Mutex::new(known), Mutex::new(None));
    let keep = |measured: &Measured| {
        if let Err(error) = runs.add(&plan.rows_of(measured)) {
            stop.store(true, Ordering::Relaxed);
            lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        all.lock().unwrap_or_else(PoisonError::into_inner).push(measured.clone());
        bar.inc(1);
    };
    let threads = arguments.jobs.map_or(0, |jobs| jobs as usize);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    let made = pool.install(|| plan.run(missing, &keep, &|| !stop.load(Ordering::Relaxed)));
    bar.finish_and_clear();
    if let Some(error) = lost.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|measured| measured.job);
    Ok(made.map(|()| all))
}

/// Writes what follows from the runs, and says it.
fn finish(study: &mut Study, measured: &[Measured], folder: &Path) -> Result<(), FolderError> {
    // As many as there came to be, where it has ended by itself.
    study.replications =
        measured.iter().map(|one| one.job.replication + 1).max().unwrap_or(study.replications);
    let rows = summarise(study, measured);
    let (summary, text) = (csv_text(&rows), findings(study, &rows));
    let picture = picture(study, &rows);
    write_into(
        folder,
        &[
            ("summary.csv", summary.as_bytes()),
            ("study.md", text.as_bytes()),
            ("study.svg", picture.as_bytes()),
        ],
    )?;
    print!("{}", paragraph(study, &rows));
    println!("\nresults in {}", folder.display());
    Ok(())
}

fn picture(study: &Study, rows: &[Summary]) -> String {
    let names = |all: &[crate::scenario::study::Variant]| -> Vec<String> {
        all.iter().map(|variant| variant.name.clone()).collect()
    };
    let (variants, conditions) = (names(&study.variants), names(&study.conditions));
    let interval = |metric: &str, variant: &str, condition: &str| {
        let fits =
            |row: &&Summary| row.metric == metric && row.variant == variant && row.condition == condition;
        rows.iter().find(fits).map_or((f64::NAN, f64::NAN), |row| (row.mean, row.half_width))
    };
    let measure = |metric: &String| Measure {
        metric: metric.clone(),
        unit: rows.iter().find(|row| row.metric == *metric).map_or("", |row| row.unit).to_owned(),
        intervals: variants
            .iter()
            .map(|variant| conditions.iter().map(|condition| interval(metric, variant, condition)).collect())
            .collect(),
    };
    let measures: Vec<Measure> = study.metrics.iter().map(|wanted| measure(&wanted.metric)).collect();
    let title = format!("{}: mean and 95 % interval of {} replications", study.name, study.replications);
    svg(&title, &variants, &conditions, &measures)
}
