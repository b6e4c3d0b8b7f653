//! `dmsim run SCENARIO`: runs it, writes the results folder and prints a short table.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use super::measure::{Stopwatch, available_memory_bytes, peak_memory_bytes};
use super::{Exit, Format, estimate, is_styled, metric_names};
use crate::kernel::{Time, path_text};
use crate::observe::{
    FolderError, History, HistoryLimits, Provenance, Record, RecordFormat, Recording, RunFolder, StreamFile,
    Streams,
};
use crate::scenario::{self, Loaded, Overrides};
use crate::sim::check::{Finding, Kind};
use crate::sim::estimate::Estimate;
use crate::sim::{self, Lines, Options, Outcome, Recorder, Setup};

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// The scenario file.
    scenario: PathBuf,
    /// Replace a value of the scenario: `--set network.loss=1%`. May be repeated.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Replace the scenario's seed.
    #[arg(long)]
    seed: Option<u64>,
    /// The results folder [default: results/NAME-seedSEED].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Replace the results folder if it holds another run.
    #[arg(long)]
    overwrite: bool,
    /// Run twice and compare fact by fact; the first that differs is named.
    #[arg(long)]
    twice: bool,
    /// Watch whether the rules hold that hold in every run (docs/exploration.md): a state that must never be ends with
    /// exit code 4, something that is due and does not come with 5.
    #[arg(long)]
    check: bool,
    /// Run even if the estimate says that it does not fit into memory.
    #[arg(long)]
    even_so: bool,
    /// Write the tables only, no plots and no report.
    #[arg(long)]
    no_report: bool,
    /// Make no table but that of the metrics, and keep nothing of what observed peers write: for runs of which only the
    /// metrics are wanted, such as the many of a study.
    #[arg(long)]
    metrics_only: bool,
    /// Write no history of the run: a little faster, and the report has no replay and no timelines.
    #[arg(long)]
    no_history: bool,
    /// Record the network itself in formats of other tools (docs/observability.md). May name several, with commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMATS", conflicts_with = "metrics_only")]
    record: Vec<Recorded>,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// A format of a recording, as it is asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
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

pub(super) fn run(arguments: &RunArguments) -> Exit {
    let loaded = match load(arguments) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let stop = super::set_on_interrupt();
    let (folder, mut records) = match begin_folder(arguments, &loaded) {
        Ok(begun) => begun,
        Err(error) => {
            eprintln!("error: {error}");
            return match error {
                FolderError::Foreign { .. } | FolderError::NoName { .. } => Exit::BadInput,
                _ => Exit::Internal,
            };
        }
    };
    let stopwatch = Stopwatch::start();
    let options = Options {
        trace: arguments.twice,
        metrics_only: arguments.metrics_only,
        checked: arguments.check,
        ..Options::default()
    };
    let mut streams = Streams::new(folder.path());
    let mut keep = |file: StreamFile, line: &str| {
        if !arguments.metrics_only {
            streams.write(file, line);
        }
    };
    let recorder = records.is_wanted().then(|| -> Recorder<'_> { Box::new(|record| records.take(record)) });
    let outcome = match simulate(&loaded.setup, options, &stop, &mut keep, recorder) {
        Ok(outcome) => outcome,
        Err(exit) => return exit,
    };
    let provenance = provenance(&outcome, &stopwatch);
    if arguments.twice && !stop.load(Ordering::Relaxed) {
        let second = simulate(&loaded.setup, options, &stop, &mut |_, _| {}, None);
        if let Err(exit) = second.and_then(|second| compare(&outcome, &second)) {
            return exit;
        }
    }
    let folder = match write(arguments, &loaded, &outcome, &provenance, folder, (streams, records)) {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Internal;
        }
    };
    match arguments.format {
        Format::Human => print_summary(&loaded.setup, &outcome, &provenance, &folder),
        Format::Json => println!("{}", summary_json(&outcome, &folder)),
    }
    if stop.load(Ordering::Relaxed) {
        Exit::Interrupted
    } else if let Some(exit) = report_findings(&outcome.checked.findings) {
        exit
    } else if outcome.manifest.passed() {
        Exit::Fine
    } else {
        Exit::ExpectationFailed
    }
}

/// Says which rules did not hold, and what that means for the exit code.
fn report_findings(findings: &[Finding]) -> Option<Exit> {
    for finding in findings {
        eprintln!("finding: {finding}");
    }
    let is_wrong = findings.iter().any(|finding| finding.kind == Kind::Wrong);
    (!findings.is_empty()).then_some(if is_wrong { Exit::SafetyFinding } else { Exit::Stuck })
}

/// The scenario, if it can be used and its run fits into memory; what is to be said about it is said.
fn load(arguments: &RunArguments) -> Result<Loaded, Exit> {
    let overrides = Overrides { set: arguments.set.clone(), seed: arguments.seed };
    let loaded = scenario::load(&arguments.scenario, &overrides, &metric_names()).map_err(|report| {
        eprint!("{}", report.render(is_styled()));
        Exit::BadInput
    })?;
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
        None => Ok(loaded),
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
    setup: &'s Setup,
    options: Options,
    stop: &AtomicBool,
    lines: Lines<'_>,
    recorder: Option<Recorder<'s>>,
) -> Result<Outcome, Exit> {
    let bar = ProgressBar::with_draw_target(Some(setup.duration.0 / 1_000_000), ProgressDrawTarget::stderr());
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
    let outcome = sim::run_recorded(setup, options, &mut go_on, lines, recorder);
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

/// Starts the results folder: what observed peers write goes there while the run goes on, and so do its records.
fn begin_folder(arguments: &RunArguments, loaded: &Loaded) -> Result<(RunFolder, Records), FolderError> {
    let target = arguments.out.clone().unwrap_or_else(|| {
        PathBuf::from("results").join(format!("{}-seed{}", loaded.setup.name, loaded.setup.seed))
    });
    let folder = RunFolder::create(&target, arguments.overwrite)?;
    let formats: Vec<RecordFormat> = arguments.record.iter().map(|format| (*format).into()).collect();
    let history = !arguments.no_history && !arguments.metrics_only;
    let records = Records {
        history: history.then(|| History::create(folder.path(), HistoryLimits::default())).transpose()?,
        recording: (!formats.is_empty()).then(|| Recording::create(folder.path(), &formats)).transpose()?,
    };
    Ok((folder, records))
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
    arguments: &RunArguments,
    loaded: &Loaded,
    outcome: &Outcome,
    provenance: &Provenance,
    mut folder: RunFolder,
    (streams, records): (Streams, Records),
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    streams.finish()?;
    records.finish(outcome)?;
    folder.write_text("scenario.resolved.yaml", &loaded.resolved)?;
    for (name, text) in loaded.copies() {
        folder.write_text(&name, text)?;
    }
    for file in &loaded.job_traces {
        folder.write_from(&format!("traces/{}", file.copy), &mut file.open()?)?;
    }
    folder.write_table(&outcome.metrics)?;
    if !arguments.metrics_only {
        write_tables(outcome, &folder)?;
    }
    folder.write_run(&outcome.manifest)?;
    folder.write_provenance(provenance)?;
    if !arguments.no_report && !arguments.metrics_only {
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

fn print_summary(setup: &Setup, outcome: &Outcome, provenance: &Provenance, folder: &std::path::Path) {
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    let count = |name: &str| format!("{:.0}", value(name));
    // What nothing was measured of is a dash.
    let with = |number: f64, decimals: usize, unit: &str| {
        if number.is_nan() { "-".to_owned() } else { format!("{number:.decimals$} {unit}") }
    };
    let quantiles = |name: &str, decimals: usize| {
        let at = |quantile: &str| with(value(&format!("{name}.{quantile}")), decimals, "s");
        format!("{} / {}", at("p50"), at("p95"))
    };
    println!(
        "{} (seed {}): {} simulated, {} peers",
        setup.name,
        setup.seed,
        setup.duration,
        count("peers.total")
    );
    println!();
    line("deployments asked", count("deployments.asked"));
    line(
        "  reached running",
        format!(
            "{} ({:.1} %)",
            count("deployments.succeeded"),
            value("deployments.succeeded_fraction") * 100.0
        ),
    );
    line("  failed", count("deployments.failed"));
    print_reasons(outcome, "deployments.failed");
    line("time to running p50 / p95", quantiles("time_to_running", 1));
    line("availability of services", with(value("services.availability") * 100.0, 3, "%"));
    line("recovery time p50 / p95", quantiles("recovery_time", 0));
    line(
        "peers lost",
        format!("{} (mean {:.1} % up)", count("peers.lost"), value("peers.up_fraction") * 100.0),
    );
    line(
        "allocations lost, redeployed",
        format!("{}, {}", count("allocations.lost"), count("redeployments")),
    );
    line("messages", format!("{} sent, {:.1} MB", count("messages.sent"), value("messages.bytes") / 1e6));
    let cpu = provenance.cpu_s.map_or_else(String::new, |cpu| format!(", {cpu:.1} s of CPU"));
    if !outcome.attacks.is_empty() {
        let text = format!(
            "{} attempts, {} executed, {} of them against the rules",
            count("attacks.attempts"),
            count("attacks.executed"),
            count("attacks.successes")
        );
        line("attacks", text);
    }
    print_contracts(outcome);
    print_reachability(outcome);
    line("events", format!("{} ({:.2} million/s{cpu})", outcome.events, provenance.events_per_second / 1e6));
    line("digest", format!("{:032x}", outcome.digest));
    if !outcome.manifest.expectations.is_empty() {
        println!();
        for verdict in &outcome.manifest.expectations {
            let found =
                verdict.value.map_or_else(|| "nothing measured".to_owned(), |value| format!("{value}"));
            let mark = if verdict.passed { "ok    " } else { "FAILED" };
            println!("  {mark}  {} (it is {found})", verdict.expression);
        }
    }
    println!();
    println!("results in {}", path_text(folder));
}

fn line(name: &str, text: impl std::fmt::Display) {
    println!("  {name:<30}{text}");
}

/// How often what this metric counts has happened, by its reasons.
fn print_reasons(outcome: &Outcome, metric: &str) {
    for row in outcome.metrics.iter().filter(|row| &*row.metric == metric && !row.labels.is_empty()) {
        line("", format!("{:>4} x {}", row.value, row.labels.trim_start_matches("reason=")));
    }
}

/// What was agreed and paid, where there are contracts.
fn print_contracts(outcome: &Outcome) {
    if outcome.contracts.is_empty() {
        return;
    }
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    let (accepted, asked) = (value("contracts.accepted"), value("contracts.asked"));
    line("contracts", format!("{asked} asked for, {accepted} accepted"));
    let (invoices, invoiced) = (value("contracts.invoices"), value("contracts.invoiced"));
    line("invoices", format!("{invoices}, {invoiced} in all, {} of it paid", value("contracts.paid")));
}

/// Who reached whom, where hosts stand behind translators and firewalls.
fn print_reachability(outcome: &Outcome) {
    if outcome.connections.is_empty() {
        return;
    }
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    line("pairs that could connect", format!("{:.1} %", value("pairs.reached_fraction") * 100.0));
    let (dialled, failed) = (value("connections.dialled"), value("connections.failed"));
    line("connections", format!("{dialled} dialled, {failed} failed"));
    print_reasons(outcome, "connections.failed");
    let (messages, megabytes) = (value("relays.messages"), value("relays.bytes") / 1e6);
    line("relays", format!("{messages} messages, {megabytes:.1} MB; {} died", value("relays.deaths")));
}

fn summary_json(outcome: &Outcome, folder: &std::path::Path) -> String {
    let summary = serde_json::json!({
        "digest": format!("{:032x}", outcome.digest),
        "events": outcome.events,
        "expectations": outcome.manifest.expectations,
        "folder": folder,
        "metrics": outcome.metrics,
    });
    serde_json::to_string_pretty(&summary).expect("a summary has only string keys")
}
