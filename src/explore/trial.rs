//! One run of a configuration with every rule watched.

use std::path::Path;

use crate::kernel::{caught, said_by};
use crate::scenario::{self, Report};
use crate::sim::check::{Checked, Finding, Kind, Reached, rules};
use crate::sim::crash_points::Passed;
use crate::sim::{self, Options, RunError, Setup};

/// Where one rule is looked for again and again, a run with more events than these is given up.
const MOST_EVENTS: u64 = 400_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// A rule was broken.
    Found(Finding),
    /// The simulator broke down.
    Crashed(String),
}

impl Verdict {
    /// What was broken, by which findings are told apart: the rule, or `crash`, or `resources`.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Clean => None,
            Self::Found(finding) => Some(finding.rule),
            Self::Crashed(_) => Some("crash"),
        }
    }

    /// How bad it is: nothing, something that does not come, a state that must not be, a breakdown.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Clean => 0,
            Self::Found(finding) if finding.kind == Kind::Stuck => 1,
            Self::Found(_) => 2,
            Self::Crashed(_) => 3,
        }
    }

    /// In words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Clean => "nothing".to_owned(),
            Self::Found(finding) => finding.to_string(),
            Self::Crashed(said) => format!("the simulator broke down: {said}"),
        }
    }
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What came of it.
    pub verdict: Verdict,
    /// What it came to.
    pub reached: Reached,
    /// Whether something was broken so often that not every rule about what must not last has looked.
    pub restless: bool,
    /// Where peers might have crashed, if that was asked for.
    pub passed: Passed,
    /// Its digest.
    pub digest: u128,
}

/// Why there was no run.
#[derive(Debug)]
pub enum Untried {
    /// The text is no scenario that can be run.
    Text(Box<Report>),
    /// The run was interrupted, or took too long.
    Interrupted,
}

/// Runs the text of a scenario as if it stood in the file `name`. With `only` everything but that rule is overlooked,
/// and else the run ends with the first finding.
///
/// # Errors
/// [`Untried`].
pub fn of_text(
    name: &str,
    text: &str,
    only: Option<&str>,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Trial, Untried> {
    of_setup(&setup_of(name, text)?, only, goes_on)
}

fn setup_of(name: &str, text: &str) -> Result<Setup, Untried> {
    scenario::load_as(Path::new(name), text).map_err(|report| Untried::Text(Box::new(report)))
}

/// The same for one rule that is looked for again and again: a run that goes on and on is given up.
pub(super) fn of_candidate(
    name: &str,
    text: &str,
    rule: &str,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Trial, Untried> {
    of_options(&setup_of(name, text)?, watching(Some(rule)), (Some(rule), MOST_EVENTS), goes_on)
}

/// Runs a setup; as [`of_text`].
///
/// # Errors
/// [`Untried::Interrupted`].
pub fn of_setup(
    setup: &Setup,
    only: Option<&str>,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Trial, Untried> {
    of_options(setup, watching(only), (only, u64::MAX), goes_on)
}

/// How to run with all rules watched, or one; with the first that is broken the run ends.
fn watching(only: Option<&str>) -> Options {
    let known = only.and_then(|only| rules().into_iter().find(|rule| *rule == only));
    // A breakdown or time that stands still is no rule that can be watched alone.
    let stops = only.is_none() || known.is_some();
    Options { checked: true, stops, only: known, metrics_only: true, ..Options::default() }
}

/// Runs a setup in a way of one's own, with at most so many events; as [`of_text`].
pub(super) fn of_options(
    setup: &Setup,
    options: Options,
    (only, most_events): (Option<&str>, u64),
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Trial, Untried> {
    let mut interrupted = false;
    // What breaks down is one run; the others know nothing of it.
    let made = caught(|| {
        sim::run(setup, options, &mut |_, events| {
            interrupted = !goes_on() || events > most_events;
            !interrupted
        })
    });
    if interrupted {
        return Err(Untried::Interrupted);
    }
    let clean = |verdict| Trial {
        verdict,
        reached: Reached::default(),
        restless: false,
        passed: Passed::default(),
        digest: 0,
    };
    Ok(match made {
        Ok(Ok(outcome)) => {
            let restless = outcome.checked.short_calm().is_some();
            let Checked { findings, reached, .. } = outcome.checked;
            let found = findings.into_iter().find(|finding| only.is_none_or(|only| finding.rule == only));
            let verdict = found.map_or(Verdict::Clean, Verdict::Found);
            Trial { verdict, reached, restless, passed: outcome.passed, digest: outcome.digest }
        }
        Ok(Err(RunError::Violation(violation))) => clean(Verdict::Found(Finding {
            rule: "resources",
            kind: Kind::Wrong,
            at: violation.at,
            peer: Some(violation.peer.as_str().into()),
            what: violation.to_string(),
        })),
        Ok(Err(RunError::Setup(reason))) => clean(Verdict::Crashed(reason)),
        Err(panic) => {
            clean(Verdict::Crashed(said_by(&*panic).unwrap_or_else(|| "without a word".to_owned())))
        }
    })
}
