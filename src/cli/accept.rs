//! `dmsim accept FEATURES`: Gherkin features against a simulated network.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Exit;
use crate::accept::{CaseResult, Complaint, Options, Report, Suite, TagFilter, matrix, output};
use crate::kernel::path_text;
use crate::scenario::parse_profile;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Form {
    /// For people.
    Human,
    /// For programs.
    Json,
    /// For build servers.
    Junit,
    /// For documents.
    Markdown,
}

#[derive(Args, Debug)]
pub(super) struct AcceptArguments {
    /// Feature files, folders of them, or FILE:LINE for one scenario.
    #[arg(required = true)]
    features: Vec<PathBuf>,
    /// Only scenarios that this takes, as in `@nat and not @slow`.
    #[arg(long, value_name = "EXPRESSION")]
    tags: Option<String>,
    /// The first seed.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// On so many seeds, one after the other.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: u32,
    /// In a crowd of so many other peers that come and go.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    network: u32,
    /// The weaknesses of the nodes, as in scenarios: `intended`, `as-is`, `{base: as-is, fix: [W5]}`.
    #[arg(long, default_value = "intended")]
    profile: String,
    /// A folder in which ensembles are looked for first.
    #[arg(long, value_name = "DIR")]
    ensembles: Option<PathBuf>,
    /// Run scenarios that are tagged @wip as well.
    #[arg(long)]
    run_wip: bool,
    /// List what is tagged @wip, and run nothing.
    #[arg(long, conflicts_with_all = ["matrix", "run_wip"])]
    wip: bool,
    /// Print the test matrix, with what ran.
    #[arg(long)]
    matrix: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,
    /// Write the results to this file instead of printing them.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Scenarios at the same time [default: as many as there are cores].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
}

pub(super) fn accept(arguments: &AcceptArguments) -> Exit {
    let suite = match prepare(arguments) {
        Ok(suite) => suite,
        Err(complaints) => return complain(&complaints),
    };
    if arguments.wip {
        return give(arguments, &matrix::unfinished(&suite), Exit::Fine);
    }
    let options = Options {
        seed: arguments.seed,
        repeat: arguments.repeat,
        network: arguments.network,
        profile: arguments.profile.clone(),
        run_wip: arguments.run_wip,
        ensembles: arguments.ensembles.clone(),
    };
    let report = match run(arguments, &suite, &options) {
        Ok(report) => report,
        Err(complaints) => return complain(&complaints),
    };
    let text = match arguments.format {
        _ if arguments.matrix => matrix::matrix(&suite, &report),
        Form::Human => output::human(&report),
        Form::Json => output::json(&report),
        Form::Junit => output::junit(&report),
        Form::Markdown => output::markdown(&report),
    };
    give(arguments, &text, exit_of(&report))
}

fn exit_of(report: &Report) -> Exit {
    let troubles =
        || report.cases.iter().filter(|case| !report.is_known(case)).filter_map(CaseResult::trouble);
    match () {
        () if troubles().any(|trouble| trouble.is_a_safety_finding) => Exit::SafetyFinding,
        () if report.interrupted => Exit::Interrupted,
        () if report.is_good() => Exit::Fine,
        () => Exit::ExpectationFailed,
    }
}

/// Reads the files and what is wanted of them.
fn prepare(arguments: &AcceptArguments) -> Result<Suite, Vec<Complaint>> {
    let wrong = |option: &str, why: String| vec![Complaint::new(option, 1, why)];
    parse_profile(&arguments.profile).map_err(|why| wrong("--profile", why))?;
    if let Some(folder) = arguments.ensembles.as_ref().filter(|folder| !folder.is_dir()) {
        return Err(wrong("--ensembles", format!("{} is no folder", path_text(folder))));
    }
    let mut suite = Suite::load(&arguments.features)?;
    if let Some(tags) = &arguments.tags {
        suite.retain(&TagFilter::parse(tags).map_err(|why| wrong("--tags", why))?);
    }
    Ok(suite)
}

fn run(arguments: &AcceptArguments, suite: &Suite, options: &Options) -> Result<Report, Vec<Complaint>> {
    let stop = super::set_on_interrupt();
    let bar = ProgressBar::with_draw_target(Some(suite.len(options) as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{pos} of {len} scenarios {wide_bar} {elapsed}, {eta} to go")
        .expect("the template is valid");
    bar.set_style(style);
    let pool = super::threads(arguments.jobs.map(|jobs| jobs as usize), suite.len(options));
    let report = pool.install(|| suite.run(options, &|_| bar.inc(1), &|| !stop.load(Ordering::Relaxed)));
    bar.finish_and_clear();
    report
}

fn complain(complaints: &[Complaint]) -> Exit {
    for complaint in complaints {
        eprintln!("error: {complaint}");
    }
    eprintln!("{} errors; nothing was run", complaints.len());
    Exit::BadInput
}

fn give(arguments: &AcceptArguments, text: &str, exit: Exit) -> Exit {
    let Some(path) = &arguments.out else {
        print!("{text}");
        return exit;
    };
    let folder = path.parent().unwrap_or(std::path::Path::new(""));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match crate::observe::write_into(folder, &[(name.as_str(), text.as_bytes())]) {
        Ok(()) => exit,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Internal
        }
    }
}
