//! What came of scenarios.

use std::sync::Arc;

use serde::Serialize;

use super::suite::Options;
use crate::dms::profile::Weakness;

/// What a scenario comes to, on one seed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every step is as it says.
    Passed,
    /// A step is not.
    Failed(Box<Trouble>),
    /// It is said to be unfinished, and was not run.
    Wip,
}

/// Where a scenario came to nothing, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trouble {
    /// The step, as written.
    pub step: String,
    /// Its line.
    pub line: u32,
    /// Why.
    pub reason: String,
    /// Whether the step asserts nothing, or cannot be carried out: a mistake in the file.
    pub is_of_the_file: bool,
    /// Whether the simulated software broke a rule that holds in every run.
    pub is_a_safety_finding: bool,
    /// What happened up to then.
    pub transcript: Vec<String>,
    /// The command that plays it again.
    pub replay: String,
}

/// A scenario with what came of it on one seed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CaseResult {
    /// The feature's title.
    pub feature: Arc<str>,
    /// The file.
    pub file: Arc<str>,
    /// The line of the scenario, or of its row of examples.
    pub line: u32,
    /// The scenario's title.
    pub scenario: Arc<str>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// How many steps it has.
    pub steps: usize,
    /// How much simulated time it took, in seconds.
    pub simulated_s: f64,
    /// Over all facts of its run; 32 hexadecimal digits, empty where nothing was run.
    pub digest: String,
    /// What came of it.
    pub verdict: Verdict,
}

impl CaseResult {
    /// Where it came to nothing.
    #[must_use]
    pub const fn trouble(&self) -> Option<&Trouble> {
        match &self.verdict {
            Verdict::Failed(trouble) => Some(trouble),
            Verdict::Passed | Verdict::Wip => None,
        }
    }

    /// The weaknesses of the real DMS with which it is said to fail, by its tags: their numbers, or `deviation-...` for
    /// one that has none (`dmsim list deviations`).
    #[must_use]
    pub fn weaknesses(&self) -> Vec<&str> {
        let is_number = |tag: &&str| tag.parse::<Weakness>().is_ok() || tag.starts_with("deviation-");
        self.tags.iter().map(String::as_str).filter(is_number).collect()
    }
}

/// All results, in the order of files, scenarios and seeds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// The version of this format.
    pub schema: u32,
    /// How it was run.
    pub options: Options,
    /// Everything.
    pub cases: Vec<CaseResult>,
    /// Whether the user has interrupted it: then some are missing.
    pub interrupted: bool,
}

/// How many scenarios came to what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Runs that passed.
    pub passed: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Of these, runs that fail with a weakness that they name, where nodes have it.
    pub known: usize,
    /// Scenarios that are said to be unfinished.
    pub wip: usize,
    /// Scenarios, each once.
    pub scenarios: usize,
    /// Features.
    pub features: usize,
}

impl Report {
    /// The counts of all.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let (mut last, mut feature) = (None, None);
        for case in &self.cases {
            let key = (&case.file, case.line);
            counts.scenarios += usize::from(last != Some(key));
            last = Some(key);
            counts.features += usize::from(feature != Some(&case.file));
            feature = Some(&case.file);
            match &case.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Wip => counts.wip += 1,
                Verdict::Failed(_) => {
                    counts.failed += 1;
                    counts.known += usize::from(self.is_known(case));
                }
            }
        }
        counts
    }

    /// Whether a failure is one that is to be expected: the nodes have a weakness that the scenario names.
    #[must_use]
    pub fn is_known(&self, case: &CaseResult) -> bool {
        let Some(trouble) = case.trouble() else { return false };
        !trouble.is_of_the_file && self.options.is_as_is() && !case.weaknesses().is_empty()
    }

    /// Whether nothing failed that is not to be expected.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let counts = self.counts();
        counts.failed == counts.known && !self.interrupted
    }
}
