//! `dmsim run SCENARIO`: runs it, writes the results folder and prints a short table. It may save moments on the way,
//! go on with a run that was interrupted, or branch off one.

mod job;
mod keeper;
mod summary;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use self::job::{Job, Manner};
use self::keeper::{Keeper, Trouble};
use self::summary::{print_summary, summary_json};
use super::measure::{Stopwatch, available_memory_bytes, peak_memory_bytes};
use super::{Exit, Format, estimate, is_styled};
use crate::kernel::{Span, Time};
use crate::observe::{
    Branch, FolderError, History, HistoryLimits, Provenance, Record, RecordFormat, Recording, RunFolder,
    SavedFile, StreamFile, Streams,
};
use crate::sim::check::{Finding, Kind, LONGEST_PATIENCE};
use crate::sim::estimate::Estimate;
use crate::sim::{self, Course, Lines, Marks, Options, Outcome, Recorder};

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// The scenario file.
    #[arg(required_unless_present_any = ["resume", "from"], conflicts_with_all = ["resume", "from"])]
    scenario: Option<PathBuf>,
    /// Replace a value of the scenario: `--set network.loss=1%`. May be repeated.
    #[arg(long = "set", value_name = "PATH=VALUE", conflicts_with = "resume")]
    set: Vec<String>,
    /// Replace the scenario's seed.
    #[arg(long, conflicts_with_all = ["resume", "from"])]
    seed: Option<u64>,
    /// The results folder [default: results/NAME-seedSEED].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Replace the results folder if it holds another run.
    #[arg(long)]
    overwrite: bool,
    /// Run twice and compare fact by fact; the first that differs is named.
    #[arg(long, conflicts_with = "resume")]
    twice: bool,
    /// Save a moment each time that so much has been simulated (`10m`): its time, its events and the digest up to it.
    /// They tell whether a run that is resumed is the same.
    #[arg(long, value_name = "TIME", value_parser = distance, conflicts_with = "resume")]
    save_every: Option<Span>,
    /// Go on with a run that was begun with `--save-every` and was interrupted or killed: its results folder, or what
    /// is left of it. A run follows from its scenario and seed, and the state of its peers is not on disk: so the run
    /// is repeated up to its last saved moment, has to meet every saved moment on the way, and then goes on as it was
    /// begun. The results are those of a run that nothing has interrupted.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Branch off a finished run: up to `--at` it is the run of this results folder, to the last fact; then it goes on
    /// with what `--set` says (strategy, faults, operations, workload, and losses and delays of the network).
    #[arg(long, value_name = "RUN", requires = "at", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// The simulated time after which a branch is otherwise.
    #[arg(long, value_name = "TIME", value_parser = super::replay::span, requires = "from")]
    at: Option<Span>,
    /// Watch whether the rules hold that hold in every run (docs/exploration.md): a state that must never be ends with
    /// exit code 4, something that is due and does not come with 5.
    #[arg(long, conflicts_with = "resume")]
    check: bool,
    /// Run even if the estimate says that it does not fit into memory.
    #[arg(long)]
    even_so: bool,
    /// Write the tables only, no plots and no report.
    #[arg(long, conflicts_with = "resume")]
    no_report: bool,
    /// Make no table but that of the metrics, and keep nothing of what observed peers write: for runs of which only the
    /// metrics are wanted, such as the many of a study.
    #[arg(long, conflicts_with = "resume")]
    metrics_only: bool,
    /// Write no history of the run: a little faster, and the report has no replay and no timelines.
    #[arg(long, conflicts_with = "resume")]
    no_history: bool,
    /// Record the network itself in formats of other tools (docs/observability.md). May name several, with commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS")]
    #[arg(conflicts_with_all = ["metrics_only", "resume"])]
    record: Vec<Recorded>,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// A format of a recording, as it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Recorded {
    /// Every fact and message: `events.jsonl`.
    Events,
    /// Series and final metrics: `metrics.om`.
    OpenMetrics,
    /// Traces of deployments and logs of facts: `otlp.jsonl`.
    Otlp,
    /// A timeline: `trace.perfetto-trace`.
    Perfetto,
}

impl Recorded {
    const ALL: [Self; 4] = [Self::Events, Self::OpenMetrics, Self::Otlp, Self::Perfetto];

    /// Its name on the command line.
    const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::OpenMetrics => "open-metrics",
            Self::Otlp => "otlp",
            Self::Perfetto => "perfetto",
        }
    }
}

impl From<Recorded> for RecordFormat {
    fn from(format: Recorded) -> Self {
        match format {
            Recorded::Events => Self::Events,
            Recorded::OpenMetrics => Self::OpenMetrics,
            Recorded::Otlp => Self::Otlp,
            Recorded::Perfetto => Self::Perfetto,
        }
    }
}

/// A distance between moments on the command line.
fn distance(text: &str) -> Result<Span, String> {
    let span = super::replay::span(text)?;
    if span < Span::secs(1) { Err("it must be at least 1s".to_owned()) } else { Ok(span) }
}

pub(super) fn run(arguments: &RunArguments) -> Exit {
    Job::of(arguments).and_then(|job| make(arguments, &job)).unwrap_or_else(|exit| exit)
}

/// Makes a run and writes its results.
fn make(arguments: &RunArguments, job: &Job) -> Result<Exit, Exit> {
    announce(arguments, job)?;
    let stop = super::set_on_interrupt();
    let (folder, mut records, saved) = begin_folder(arguments, job).map_err(|error| refused(&error))?;
    let stopwatch = Stopwatch::start();
    let manner = &job.manner;
    let options = Options {
        trace: arguments.twice,
        metrics_only: manner.metrics_only,
        checked: manner.check,
        ..Options::default()
    };
    let mut streams = Streams::new(folder.path());
    let mut keep = |file: StreamFile, line: &str| {
        if !manner.metrics_only {
            streams.write(file, line);
        }
    };
    let recorder = records.is_wanted().then(|| -> Recorder<'_> { Box::new(|record| records.take(record)) });
    let course = job.course();
    let mut keeper = Keeper::new(saved, &job.saved);
    let mut tell = |mark| keeper.take(mark);
    let marks = manner.save_every.map(|every| Marks { every, tell: &mut tell });
    let mut outcome = simulate(&course, options, &stop, &mut keep, recorder, marks)?;
    if let Some(trouble) = &keeper.trouble {
        trouble.say(&job.saved_by, &job.target);
        let differs = matches!(trouble, Trouble::Differs { .. });
        return Err(if differs { Exit::ExpectationFailed } else { Exit::Internal });
    }
    if arguments.resume.is_some() {
        eprintln!("{} of {} saved moments were met", keeper.met(), job.saved.len());
    }
    outcome.manifest.branch = branch_of(job, &outcome);
    let provenance = provenance(&outcome, &stopwatch);
    if arguments.twice && !stop.load(Ordering::Relaxed) {
        let second = simulate(&course, options, &stop, &mut |_, _| {}, None, None);
        second.and_then(|second| compare(&outcome, &second))?;
    }
    let path = write(manner, &outcome, &provenance, folder, (streams, records)).map_err(|error| {
        eprintln!("error: {error}");
        Exit::Internal
    })?;
    match arguments.format {
        Format::Human => print_summary(&job.loaded.setup, &outcome, &provenance, &path),
        Format::Json => println!("{}", summary_json(&outcome, &path)),
    }
    if stop.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    job.tidy_up();
    Ok(verdict(&outcome, job.loaded.setup.duration))
}

fn refused(error: &FolderError) -> Exit {
    eprintln!("error: {error}");
    match error {
        FolderError::Foreign { .. } | FolderError::NoName { .. } => Exit::BadInput,
        _ => Exit::Internal,
    }
}

/// What a finished run means for the exit code.
fn verdict(outcome: &Outcome, duration: Span) -> Exit {
    let findings = &outcome.checked.findings;
    if findings.is_empty()
        && let Some(calm) = outcome.checked.short_calm()
    {
        if duration <= calm + Span::mins(1) {
            eprintln!(
                "note: rules about what must not last wait for up to {LONGEST_PATIENCE}, and the run is shorter"
            );
        } else {
            eprintln!("note: {}; the longest such time was {calm}", super::restless());
        }
    }
    if let Some(exit) = report_findings(findings) {
        exit
    } else if outcome.manifest.passed() {
        Exit::Fine
    } else {
        Exit::ExpectationFailed
    }
}

/// What a branch says of where it comes from: the digest up to there is known by now.
fn branch_of(job: &Job, outcome: &Outcome) -> Option<Branch> {
    let branch = &job.before.as_ref()?.branch;
    let digest = outcome.turned.last().map_or_else(String::new, |(_, digest)| format!("{digest:032x}"));
    Some(Branch { digest, ..branch.clone() })
}

/// Says which rules did not hold, and what that means for the exit code.
fn report_findings(findings: &[Finding]) -> Option<Exit> {
    for finding in findings {
        eprintln!("finding: {finding}");
    }
    let is_wrong = findings.iter().any(|finding| finding.kind == Kind::Wrong);
    (!findings.is_empty()).then_some(if is_wrong { Exit::SafetyFinding } else { Exit::Stuck })
}

/// Says what is to be said before a run, which is all where it does not fit into memory.
fn announce(arguments: &RunArguments, job: &Job) -> Result<(), Exit> {
    let loaded = &job.loaded;
    if !loaded.warnings.diagnostics.is_empty() {
        eprint!("{}", loaded.warnings.render(is_styled()));
    }
    let available = available_memory_bytes().filter(|_| !arguments.even_so);
    let refusal = available.and_then(|available| estimate::refusal(&Estimate::of(&loaded.setup), available));
    match refusal {
        Some(refusal) => {
            eprintln!("{refusal}");
            Err(Exit::BadInput)
        }
        None => Ok(()),
    }
}

/// Says whether two runs of one scenario agree, and where they part if they do not.
fn compare(first: &Outcome, second: &Outcome) -> Result<(), Exit> {
    if let Some((fact, time, peer)) = first.first_divergence(second) {
        eprintln!("error: the two runs part at fact {fact}, {time:?} simulated, on peer {}", peer.0);
        return Err(Exit::ExpectationFailed);
    }
    eprintln!("both runs agree on all {} facts", first.trace.as_ref().map_or(0, Vec::len));
    Ok(())
}

fn simulate<'s>(
    course: &Course<'s>,
    options: Options,
    stop: &AtomicBool,
    lines: Lines<'_>,
    recorder: Option<Recorder<'s>>,
    marks: Option<Marks<'_>>,
) -> Result<Outcome, Exit> {
    let whole = course.last().duration.0 / 1_000_000;
    let bar = ProgressBar::with_draw_target(Some(whole), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{msg} {wide_bar} {percent}% {elapsed}").expect("the template is valid");
    bar.set_style(style);
    let mut go_on = |now: Time, events: u64| {
        bar.set_position(now.0 / 1_000_000);
        bar.set_message(format!(
            "{:.1} h simulated, {:.1} M events",
            now.as_secs_f64() / 3600.0,
            events as f64 / 1e6
        ));
        !stop.load(Ordering::Relaxed)
    };
    let outcome = sim::run_course(course, options, &mut go_on, lines, recorder, marks);
    bar.finish_and_clear();
    outcome.map_err(|error| super::without_outcome(&error))
}

/// What is written of a run while it goes on, beside what observed peers write themselves.
struct Records {
    history: Option<History>,
    recording: Option<Recording>,
}

impl Records {
    const fn is_wanted(&self) -> bool {
        self.history.is_some() || self.recording.is_some()
    }

    fn take(&mut self, record: &Record<'_>) {
        if let Some(history) = &mut self.history {
            history.take(record);
        }
        if let Some(recording) = &mut self.recording {
            recording.take(record);
        }
    }

    fn finish(self, outcome: &Outcome) -> Result<(), FolderError> {
        self.history.map_or(Ok(()), History::finish)?;
        self.recording.map_or(Ok(()), |recording| recording.finish(&outcome.series, &outcome.metrics))
    }
}

/// Starts the results folder: what the run is made from, and what is written while it goes on.
fn begin_folder(
    arguments: &RunArguments,
    job: &Job,
) -> Result<(RunFolder, Records, Option<SavedFile>), FolderError> {
    let folder = RunFolder::create(&job.target, arguments.overwrite)?;
    job.write_inputs(&folder)?;
    let (manner, formats) = (&job.manner, job.formats());
    let history = !manner.no_history && !manner.metrics_only;
    let records = Records {
        history: history.then(|| History::create(folder.path(), HistoryLimits::default())).transpose()?,
        recording: (!formats.is_empty()).then(|| Recording::create(folder.path(), &formats)).transpose()?,
    };
    let saved = manner.save_every.map(|every| SavedFile::create(folder.path(), &job.head(every)));
    Ok((folder, records, saved.transpose()?))
}

fn provenance(outcome: &Outcome, stopwatch: &Stopwatch) -> Provenance {
    let wall_s = stopwatch.wall().as_secs_f64();
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: None,
        command_line: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        wall_s,
        cpu_s: stopwatch.cpu_s(),
        event_count: outcome.events,
        events_per_second: outcome.events as f64 / wall_s,
        peak_memory_bytes: peak_memory_bytes(),
        host_cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
    }
}

fn write(
    manner: &Manner,
    outcome: &Outcome,
    provenance: &Provenance,
    mut folder: RunFolder,
    (streams, records): (Streams, Records),
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    streams.finish()?;
    records.finish(outcome)?;
    folder.write_table(&outcome.metrics)?;
    if !manner.metrics_only {
        write_tables(outcome, &folder)?;
    }
    folder.write_run(&outcome.manifest)?;
    folder.write_provenance(provenance)?;
    if !manner.no_report && !manner.metrics_only {
        crate::report::write(folder.path())?;
    }
    Ok(folder.finish()?)
}

/// All tables but that of the metrics, on all cores.
fn write_tables(outcome: &Outcome, folder: &RunFolder) -> Result<(), FolderError> {
    let tables: [&(dyn Fn() -> Result<(), FolderError> + Sync); 12] = [
        &|| folder.write_table(&outcome.peers),
        &|| folder.write_table(&outcome.allocations),
        &|| folder.write_table(&outcome.deployments),
        &|| folder.write_table(&outcome.refusals),
        &|| folder.write_table(&outcome.series),
        &|| folder.write_table(&outcome.requests),
        &|| folder.write_table(&outcome.connections),
        &|| folder.write_table(&outcome.operations),
        &|| folder.write_table(&outcome.attacks),
        &|| folder.write_table(&outcome.capabilities),
        &|| folder.write_table(&outcome.contracts),
        &|| folder.write_table(&outcome.invoices),
    ];
    tables.par_iter().try_for_each(|write| write())
}
