//! `dmsim shrink`: makes a scenario small in which a rule is broken.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;

use super::Exit;
use super::explore::rule_of;
use crate::explore::shrink::{Shrunk, shrink};
use crate::explore::trial::of_setup;
use crate::kernel::path_text;
use crate::observe::write_atomically;
use crate::scenario::{Overrides, gathered};

#[derive(Args, Debug)]
pub(super) struct ShrinkArguments {
    /// The scenario, such as `dmsim explore` writes for a finding.
    finding: PathBuf,
    /// Change it first, as in `dmsim run`.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// With this seed, and not its own.
    #[arg(long)]
    seed: Option<u64>,
    /// The rule that is to be broken [default: the first that is].
    #[arg(long, value_parser = rule_of)]
    rule: Option<String>,
    /// Runs at most.
    #[arg(long, default_value_t = 4000)]
    runs: u64,
    /// Where the small scenario is written [default: printed].
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &ShrinkArguments) -> Exit {
    let shown = path_text(&arguments.finding);
    let overrides = Overrides { set: arguments.set.clone(), seed: arguments.seed };
    let (loaded, text) = match gathered(&arguments.finding, &overrides, &super::metric_names()) {
        Ok(gathered) => gathered,
        Err(report) => {
            eprint!("{}", report.render(super::is_styled()));
            return Exit::BadInput;
        }
    };
    let stop = super::set_on_interrupt();
    let goes_on = || !stop.load(Ordering::Relaxed);
    let Ok(trial) = of_setup(&loaded.setup, arguments.rule.as_deref(), &goes_on) else {
        return Exit::Interrupted;
    };
    let Some(rule) = trial.verdict.rule() else {
        let (what, help) = match &arguments.rule {
            Some(rule) => (
                format!("the rule `{rule}` is not broken"),
                "without --rule the first that is broken is kept; `dmsim run --check` tells which are",
            ),
            None => ("no rule is broken".to_owned(), "`dmsim explore` finds scenarios in which one is"),
        };
        eprintln!("error: {what} in {shown}\n  = help: {help}");
        return Exit::BadInput;
    };
    let Some(Shrunk { text, verdict, runs }) = shrink(&shown, &text, rule, arguments.runs, &goes_on) else {
        eprintln!("error: `{rule}` is not broken in {shown} once its files are put together");
        return Exit::Internal;
    };
    eprintln!("{} lines after {runs} runs; {}", text.lines().count(), verdict.in_words());
    match &arguments.out {
        None => print!("{text}"),
        Some(path) => {
            if let Err(error) = write_atomically(path, text.as_bytes()) {
                eprintln!("error: {error}");
                return Exit::Internal;
            }
        }
    }
    if stop.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Fine }
}
