//! The command line: one file a subcommand. The only room that knows clap, colours, clocks and exit codes.

use std::borrow::Cow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand, ValueEnum};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::kernel::{has_power, is_caught, path_text};
use crate::observe::metric_names;
use crate::scenario::{self, Loaded, Overrides};
use crate::sim::RunError;
use crate::sim::check::LONGEST_PATIENCE;

// Names, reasons and answers come from scenario files and simulated peers. Whatever a command prints goes through
// `shown`, so that none of them can move the cursor or change the terminal. JSON has no such characters to lose.
macro_rules! println {
    () => { ::std::println!() };
    ($($argument:tt)*) => { ::std::println!("{}", $crate::cli::shown(&::std::format!($($argument)*))) };
}
macro_rules! print {
    ($($argument:tt)*) => { ::std::print!("{}", $crate::cli::shown(&::std::format!($($argument)*))) };
}
macro_rules! eprintln {
    ($($argument:tt)*) => {
        $crate::cli::say(&::std::format!("{}\n", $crate::cli::shown(&::std::format!($($argument)*))))
    };
}
// What is coloured: who made it has replaced what could have power.
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::cli::say(&::std::format!($($argument)*)) };
}

mod accept;
mod bench;
mod cap;
mod check;
mod compare;
mod estimate;
mod explain;
mod explore;
mod fit;
mod growth;
mod list;
mod manual;
mod measure;
mod placement_bench;
mod plot;
mod replay;
mod report;
mod reproduce;
mod run;
mod scale;
mod schema;
mod serve;
mod shrink;
mod steady;
mod study;
mod sweep;
mod sweep_bench;
mod translate;
mod watch;

/// How a command ends (exit codes of the process).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything is fine.
    Fine,
    /// An expectation of the scenario did not hold, or two runs that should be the same differ.
    ExpectationFailed,
    /// The input is wrong.
    BadInput,
    /// Something failed that is nobody's input: a file that cannot be written.
    Internal,
    /// The simulated software broke a rule that holds in every run.
    SafetyFinding,
    /// Something that was due never came.
    Stuck,
    /// The simulator itself broke down.
    Crash,
    /// The user interrupted; what was written is valid and partial.
    Interrupted,
}

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::ExpectationFailed => 1,
            Exit::BadInput => 2,
            Exit::Internal => 3,
            Exit::SafetyFinding => 4,
            Exit::Stuck => 5,
            Exit::Crash => 6,
            Exit::Interrupted => INTERRUPTED as u8,
        })
    }
}

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// A deterministic simulator of DMS networks.
#[derive(Parser, Debug)]
#[command(name = "dmsim", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run a scenario and write its results.
    Run(run::RunArguments),
    /// Show a run as it goes on, in the terminal.
    Watch(watch::WatchArguments),
    /// Check scenarios and ensembles: every error with its place, nothing is run.
    Check(check::CheckArguments),
    /// Run Gherkin features against a simulated network.
    Accept(accept::AcceptArguments),
    /// Run a script of capability operations and explain each decision.
    Cap(cap::CapArguments),
    /// Make the page of a run or a sweep anew, or show it under an address of this machine.
    Report(report::ReportArguments),
    /// Tell why something was refused in a run, down to the token, the link and the rule.
    Explain(explain::ExplainArguments),
    /// Repeat a run up to any moment, show what there is then and take it further event by event; find where two runs
    /// part, and why.
    Replay(replay::ReplayArguments),
    /// Search for failures that nobody scripted: configurations drawn from seeds, with every rule watched.
    Explore(explore::ExploreArguments),
    /// Make a scenario small while the same rule is broken in it.
    Shrink(shrink::ShrinkArguments),
    /// Show again what is said of the real DMS: each known weakness as-is and mended.
    Reproduce(reproduce::ReproduceArguments),
    /// List what scenarios can name.
    List(list::ListArguments),
    /// Translate a docker-compose file to an ensemble.
    Translate(translate::TranslateArguments),
    /// Print the JSON Schema of a file format, for editors.
    Schema(schema::SchemaArguments),
    /// Print completions for a shell.
    Completions(manual::CompletionArguments),
    /// Write manual pages: one for the program and one for each command.
    Man(manual::ManArguments),
    /// Measure the simulator on this machine.
    Bench(bench::BenchArguments),
    /// Compare variants of a scenario under several conditions, with intervals, on common random numbers.
    Study(study::StudyArguments),
    /// Plan, run, watch and merge the many runs of a study, in parts and on several machines.
    Sweep(sweep::SweepArguments),
    /// Judge whether a run or a sweep is better or worse than another: exit code 1 when it is worse.
    Compare(compare::CompareArguments),
    /// Store what a run or a sweep has shown, and judge others by it.
    Baseline(compare::BaselineArguments),
    /// Tell where the beginning of a long run ends, and the means of its series after that, with intervals.
    Steady(steady::SteadyArguments),
    /// Draw what runs or a sweep have shown: Gantt charts, sequences of messages, distributions, heat maps and more.
    Plot(plot::PlotArguments),
    /// Fit distributions to an availability trace and write them as churn for scenarios.
    Fit(fit::FitArguments),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    end_where_nothing_can_be_printed();
    let exit = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Watch(arguments) => watch::watch(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Accept(arguments) => accept::accept(&arguments),
        Command::Cap(arguments) => cap::cap(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Explore(arguments) => explore::explore(&arguments),
        Command::Shrink(arguments) => shrink::run(&arguments),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Translate(arguments) => translate::translate(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Study(arguments) => study::study(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Baseline(arguments) => compare::baseline(&arguments),
        Command::Steady(arguments) => steady::steady(&arguments),
        Command::Plot(arguments) => plot::plot(&arguments),
        Command::Fit(arguments) => fit::fit(&arguments),
    };
    exit.into()
}

/// `println!` panics where the standard output cannot be written, as on a full disk. That is no fault of the program:
/// it is said, and ends it.
fn end_where_nothing_can_be_printed() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") {
            eprintln!("error: {said}");
            std::process::exit(3);
        }
        // What breaks down in a run of a search is told as a finding, in one line.
        if !is_caught() {
            usual(panic);
        }
    }));
}

/// Says something on the standard error. Where that cannot be written nobody listens, and the work goes on.
fn say(text: &str) {
    use std::io::Write as _;
    drop(std::io::stderr().write_all(text.as_bytes()));
}

/// A text for a terminal: characters that have power over it or over the direction of writing, but for the ends of
/// lines and tabs, are replaced.
fn shown(text: &str) -> Cow<'_, str> {
    let has_power = |character: char| has_power(character) && !matches!(character, '\n' | '\t');
    if text.contains(has_power) {
        Cow::Owned(text.chars().map(|c| if has_power(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Says why a run has no outcome.
fn without_outcome(error: &RunError) -> Exit {
    eprintln!("error: {error}");
    match error {
        RunError::Setup(_) => Exit::BadInput,
        RunError::Violation(_) => Exit::SafetyFinding,
    }
}

/// What is said where rules were watched and not all of them could look.
fn restless() -> String {
    format!(
        "there were never {LONGEST_PATIENCE} in which nothing was broken (`loss` of the network, faults, peers that \
         come and go), so not every rule about what must not last has looked"
    )
}

/// No more runs at a time: more threads have nowhere to go.
const MOST_JOBS: usize = 1000;

/// The threads for so many tasks: as many as were asked for or one a core, or as many as can be started.
fn threads(jobs: Option<usize>, tasks: usize) -> ThreadPool {
    // None, as 0, is as many as there are cores.
    let wanted = jobs.unwrap_or(0).min(tasks.clamp(1, MOST_JOBS));
    let mut count = wanted;
    loop {
        match ThreadPoolBuilder::new().num_threads(count).build() {
            Ok(pool) => {
                if count < wanted {
                    eprintln!("note: only {count} of {wanted} threads could be started");
                }
                return pool;
            }
            Err(error) if count <= 1 => panic!("not one thread can be started: {error}"),
            Err(_) => count /= 2,
        }
    }
}

/// A flag that an interrupt sets. Without a handler an interrupt ends the process at once; results are renamed into
/// place, so nothing half-written stays.
fn set_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    drop(ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed)));
    stop
}

/// A folder of its own for what is of no interest afterwards; it is gone when `work` is done.
fn scratch<T>(name: &str, work: impl FnOnce(&std::path::Path) -> Result<T, Exit>) -> Result<T, Exit> {
    let folder = std::env::temp_dir().join(format!("dmsim-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| {
        eprintln!("error: cannot make {}: {error}", path_text(&folder));
        Exit::Internal
    })?;
    let done = work(&folder);
    // What stays is untidy and no more.
    drop(std::fs::remove_dir_all(&folder));
    done
}

/// Loads a scenario; what is wrong with it is said.
fn load(path: &Path, overrides: &Overrides) -> Result<Loaded, Exit> {
    scenario::load(path, overrides, &metric_names()).map_err(|report| {
        eprint!("{}", report.render(is_styled()));
        Exit::BadInput
    })
}

/// Whether messages on stderr may be coloured.
fn is_styled() -> bool {
    use std::io::IsTerminal;
    #[expect(
        clippy::disallowed_methods,
        reason = "colours are the terminal's business, no run depends on them"
    )]
    let plain = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
    !plain && std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_is_shown_has_no_power() {
        assert_eq!(shown("a\tline\nand another: ü → שלום"), "a\tline\nand another: ü → שלום");
        let hostile = "\u{1b}[2J\r\u{9b}x\u{202e}y\u{2066}z\u{200e}\u{200f}\u{61c}";
        assert_eq!(shown(hostile).replace(char::REPLACEMENT_CHARACTER, "."), ".[2J..x.y.z...");
    }
}
