//! `dmsim shrink`: makes a scenario small in which a rule is broken.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;

use super::Exit;
use crate::explore::shrink::{Shrunk, shrink};
use crate::explore::trial::{Untried, of_text};
use crate::kernel::path_text;
use crate::observe::write_atomically;

#[derive(Args, Debug)]
pub(super) struct ShrinkArguments {
    /// The scenario, such as `dmsim explore` writes for a finding.
    finding: PathBuf,
    /// The rule that is to be broken [default: the first that is].
    #[arg(long)]
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
    let text = match std::fs::read_to_string(&arguments.finding) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("error: cannot read {shown}: {error}\n  = help: name a scenario file");
            return Exit::BadInput;
        }
    };
    super::explore::quieten_panics();
    let stop = super::set_on_interrupt();
    let goes_on = || !stop.load(Ordering::Relaxed);
    let trial = match of_text(&shown, &text, arguments.rule.as_deref(), &goes_on) {
        Ok(trial) => trial,
        Err(Untried::Interrupted) => return Exit::Interrupted,
        Err(Untried::Text(report)) => {
            eprint!("{}", report.render(super::is_styled()));
            return Exit::BadInput;
        }
    };
    let Some(rule) = trial.verdict.rule() else {
        eprintln!(
            "error: no rule is broken in {shown}\n  = help: `dmsim explore` finds scenarios in which one is"
        );
        return Exit::BadInput;
    };
    let Some(Shrunk { text, verdict, runs }) = shrink(&shown, &text, rule, arguments.runs, &goes_on) else {
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
