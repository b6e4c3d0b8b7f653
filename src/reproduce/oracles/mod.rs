//! Closed-form cases of queueing, reliability and recovery, met by the machinery of runs (docs/oracles.md).
//!
//! A case says what some numbers of a simple system are exactly. Its kind, the part of its name before the dash, says
//! how such a system is built here, mostly as a small scenario, and how its numbers are measured: independent
//! replications, each a run of its own seed, give an interval. A number is met where the interval holds the exact one
//! and is narrow.

mod auctions;
mod audits;
mod availability;
mod bins;
mod checkpoints;
mod detection;
mod jobs;
mod joins;
mod kinds;
mod laws;
mod losses;
mod network;
mod queues;
mod recovery;
mod recursions;
mod samplers;
mod schedules;
mod servers;
mod stage;
mod statistics;
mod supermarket;
mod voting;

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

pub use self::kinds::{Machinery, machinery};
pub use self::statistics::{CONFIDENCE, Estimate};
use crate::scenario::Report;
pub use crate::scenario::oracle_cases::OracleCase;
use crate::scenario::oracle_cases::{OracleForm, load_cases, read_cases};

/// The cases that come with the program.
const BUILT_IN: &[u8] = include_bytes!("../../../data/oracles/oracles.json");
/// What messages call their file.
const BUILT_IN_NAME: &str = "data/oracles/oracles.json";
/// Half of an interval is at most this part of the exact value.
pub const WIDEST: f64 = 0.02;
/// A number that does not vary agrees with one that is written with ten digits to this part.
const ROUNDED: f64 = 1e-6;

/// How much is simulated for a case.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Effort {
    /// Runs that are independent of each other.
    pub replications: u32,
    /// How much longer than usual each of them is; below one it is shorter.
    pub length: f64,
    /// Half of an interval may be this part of the exact value.
    pub widest: f64,
    /// Governs every draw.
    pub seed: u64,
}

impl Effort {
    /// What intervals of [`WIDEST`] take.
    pub const FULL: Self = Self { replications: 32, length: 1.0, widest: WIDEST, seed: 1 };

    /// The results of all replications, in their order, computed side by side.
    fn replicate<T: Send>(
        &self,
        one: impl Fn(u64) -> Result<T, String> + Sync + Send,
    ) -> Result<Vec<T>, String> {
        let seeds = (0..u64::from(self.replications)).map(|number| (self.seed << 16) + number);
        let seeds: Vec<u64> = seeds.collect();
        seeds.into_par_iter().with_max_len(1).map(one).collect()
    }

    /// How many of something that takes `usual` many at full length; one at least.
    fn scaled(&self, usual: f64) -> u64 {
        (libm::ceil(usual * self.length) as u64).max(1)
    }
}

/// How a value compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval holds the exact value and is narrow.
    Passed,
    /// It does not, or is not.
    Failed,
    /// The kind of the case is not known.
    Unknown,
}

/// A value of a case, compared.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// The case.
    pub case: String,
    /// What system it is.
    pub what: String,
    /// The name of the value.
    pub value: String,
    /// What it is exactly.
    pub exact: f64,
    /// What was measured; none where nothing was.
    pub simulated: Option<f64>,
    /// The lower end of the interval.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
    /// Half of the interval as a part of the exact value.
    pub relative_half_width: Option<f64>,
    /// How it compares.
    pub verdict: Verdict,
    /// What has given the number, or why there is none.
    pub by: String,
}

/// The cases that come with the program.
///
/// # Errors
/// Everything that is wrong with them; tests see to it that nothing is.
pub fn built_in() -> Result<Vec<OracleCase>, Report> {
    read_cases(BUILT_IN_NAME, BUILT_IN, &forms())
}

/// Further cases from a file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path) -> Result<Vec<OracleCase>, Report> {
    load_cases(path, &forms())
}

/// Further cases from a text, which messages call `name`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Vec<OracleCase>, Report> {
    read_cases(name, text.as_bytes(), &forms())
}

fn forms() -> Vec<OracleForm<'static>> {
    kinds::KINDS.iter().map(|kind| kind.form).collect()
}

/// Measures the values of a case and compares them.
///
/// # Errors
/// A run that cannot be, in words.
pub fn compare(case: &OracleCase, effort: &Effort) -> Result<Vec<Comparison>, String> {
    let Some(kind) = kinds::find(case.kind()) else {
        let unknown = |(name, exact): &(String, f64)| {
            unmeasured(case, (name, *exact), Verdict::Unknown, "no kind that this version knows")
        };
        return Ok(case.values.iter().map(unknown).collect());
    };
    let found = (kind.measure)(case, effort).map_err(|reason| format!("{}: {reason}", case.id))?;
    let compared = case.values.iter().map(|(name, exact)| match found.iter().find(|(own, _)| own == name) {
        Some((_, estimate)) => judged(case, (name, *exact), *estimate, effort.widest, kind.gives(name)),
        None => unmeasured(case, (name, *exact), Verdict::Unknown, "no value that its kind has"),
    });
    Ok(compared.collect())
}

fn judged(
    case: &OracleCase,
    (name, exact): (&str, f64),
    estimate: Estimate,
    widest: f64,
    by: &str,
) -> Comparison {
    let Estimate { value, half_width } = estimate;
    let reach = half_width.max(exact.abs() * ROUNDED);
    let relative = half_width / exact.abs();
    // Whatever is not a number compares with nothing, and so fails.
    let passed = (value - exact).abs() <= reach && relative <= widest;
    let number = |number: f64| Some(number).filter(|number| number.is_finite());
    Comparison {
        simulated: number(value),
        low: number(value - half_width),
        high: number(value + half_width),
        relative_half_width: number(relative),
        verdict: if passed { Verdict::Passed } else { Verdict::Failed },
        ..unmeasured(case, (name, exact), Verdict::Failed, by)
    }
}

fn unmeasured(case: &OracleCase, (name, exact): (&str, f64), verdict: Verdict, why: &str) -> Comparison {
    Comparison {
        case: case.id.clone(),
        what: case.what.clone(),
        value: name.to_owned(),
        exact,
        simulated: None,
        low: None,
        high: None,
        relative_half_width: None,
        verdict,
        by: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> OracleCase {
        let values = vec![("A".to_owned(), 2.0)];
        OracleCase { id: "F1".to_owned(), what: "x".to_owned(), params: Vec::new(), values }
    }

    fn verdict(value: f64, half_width: f64) -> Verdict {
        judged(&case(), ("A", 2.0), Estimate { value, half_width }, WIDEST, "world").verdict
    }

    #[test]
    fn a_value_is_met_by_a_narrow_interval_that_holds_it_alone() {
        assert_eq!(verdict(2.01, 0.03), Verdict::Passed);
        assert_eq!(verdict(2.04, 0.03), Verdict::Failed, "it is outside");
        assert_eq!(verdict(2.0, 0.05), Verdict::Failed, "it is too wide");
        assert_eq!(verdict(f64::NAN, 0.03), Verdict::Failed);
        assert_eq!(verdict(2.0, f64::NAN), Verdict::Failed);
        assert_eq!(verdict(2.000_001, 0.0), Verdict::Passed, "both are rounded");
        assert_eq!(verdict(2.000_01, 0.0), Verdict::Failed);
    }

    #[test]
    fn the_cases_that_come_with_the_program_are_read() {
        let cases = built_in().unwrap_or_else(|report| panic!("{}", report.render(false)));
        assert_eq!(cases.len(), 46);
        for case in &cases {
            assert!(kinds::find(case.kind()).is_some(), "{} is of no known kind", case.id);
            assert!(!case.values.is_empty());
        }
    }
}
