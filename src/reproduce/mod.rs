//! What is said of the real DMS, shown again: each scenario of a weakness is run as-is, where it does its damage, and
//! with that single weakness mended, where the damage is gone.
//!
//! A scenario is called after its weakness: `W06-lost-commit-reply.yaml`. Which metrics tell the cost is no choice of
//! the scenario's: they are the same for all, and those that come out alike in both runs are left out.

pub mod openb;
pub mod oracles;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::dms::profile::Weakness;
use crate::kernel::path_text;
use crate::observe::{self, Verdict};
use crate::scenario::{self, Overrides, Report};
use crate::sim::{self, Options, Outcome, RunError, Setup};

/// The metrics that may tell what a weakness costs, the most telling first.
const COSTS: [&str; 15] = [
    "deployments.succeeded",
    "deployments.failed",
    "deployments.stuck",
    "deployments.completed",
    "time_to_running.p50",
    "time_to_running.p95",
    "services.availability",
    "allocations.started",
    "redeployments",
    "resources.leaked",
    "attacks.successes",
    "operations.answered",
    "revocations.missing",
    "tokens.expired",
    "messages.sent",
];
/// Numbers that differ by less than this part of the greater one are alike.
const ALIKE: f64 = 0.01;

/// Why weaknesses cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// The folder of the scenarios cannot be read.
    #[error("cannot read the folder {}: {source}", path_text(folder))]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing in it, or nothing of what was asked for.
    #[error("there is no scenario of {wanted} in {}", path_text(folder))]
    Missing {
        /// The weaknesses that were asked for.
        wanted: String,
        /// Where.
        folder: PathBuf,
    },
    /// A scenario is not called after a weakness.
    #[error("{} is not called after a weakness, such as W06-lost-commit-reply.yaml", path_text(file))]
    Name {
        /// Which.
        file: PathBuf,
    },
    /// A scenario mends the weakness that it is to show.
    #[error("{} mends {weakness}, which it is to show", path_text(file))]
    Mended {
        /// Which.
        file: PathBuf,
        /// Its weakness.
        weakness: Weakness,
    },
    /// A scenario cannot be used.
    #[error("{}", .0.render(false))]
    Scenario(Report),
    /// A scenario cannot be run.
    #[error("{}: {reason}", path_text(file))]
    Run {
        /// Which.
        file: PathBuf,
        /// Why.
        reason: RunError,
    },
}

/// A number of both runs; none where there was nothing to measure.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Cost {
    /// The metric's name.
    pub metric: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// As-is.
    pub as_is: Option<f64>,
    /// With the single weakness mended.
    pub mended: Option<f64>,
}

/// A weakness that was looked for.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Reproduction {
    /// Its number.
    pub weakness: &'static str,
    /// What is wrong in the real DMS.
    pub claim: &'static str,
    /// The scenario that shows it, without its folder and ending.
    pub scenario: String,
    /// Whether it does its damage as-is, and none when it is mended.
    pub is_shown: bool,
    /// What the scenario expects, as-is.
    pub as_is: Vec<Verdict>,
    /// What it expects, mended.
    pub mended: Vec<Verdict>,
    /// What it costs.
    pub costs: Vec<Cost>,
}

/// The scenarios of a folder with their weaknesses, by name; those of `wanted` only, if that names any.
///
/// # Errors
/// [`ReproduceError::Folder`], [`ReproduceError::Name`], [`ReproduceError::Missing`].
pub fn scenarios(folder: &Path, wanted: &[Weakness]) -> Result<Vec<(Weakness, PathBuf)>, ReproduceError> {
    let unreadable = |source| ReproduceError::Folder { folder: folder.to_owned(), source };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let weakness = weakness_of(&file).ok_or_else(|| ReproduceError::Name { file: file.clone() })?;
        if wanted.is_empty() || wanted.contains(&weakness) {
            found.push((weakness, file));
        }
    }
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|weakness| !found.iter().any(|(own, _)| own == *weakness))
        .map(|weakness| weakness.id())
        .collect();
    if found.is_empty() || !missing.is_empty() {
        let wanted = if missing.is_empty() { "a weakness".to_owned() } else { missing.join(", ") };
        return Err(ReproduceError::Missing { wanted, folder: folder.to_owned() });
    }
    Ok(found)
}

/// The weakness that a file is called after: `W06-lost-commit-reply.yaml` is one of W6.
fn weakness_of(file: &Path) -> Option<Weakness> {
    let number = file.file_stem()?.to_str()?.split('-').next()?;
    let (letter, digits) = number.split_at_checked(1)?;
    format!("{letter}{}", digits.trim_start_matches('0')).parse().ok()
}

/// Runs a scenario as it is and with its weakness mended.
///
/// # Errors
/// [`ReproduceError::Scenario`], [`ReproduceError::Mended`], [`ReproduceError::Run`].
pub fn reproduce(weakness: Weakness, file: &Path) -> Result<Reproduction, ReproduceError> {
    let metrics = observe::metric_names();
    let mut setup =
        scenario::load(file, &Overrides::default(), &metrics).map_err(ReproduceError::Scenario)?.setup;
    if !setup.profile.has(weakness) {
        return Err(ReproduceError::Mended { file: file.to_owned(), weakness });
    }
    let run = |setup: &Setup| {
        let outcome = sim::run(setup, Options::default(), &mut |_, _| true);
        outcome.map_err(|reason| ReproduceError::Run { file: file.to_owned(), reason })
    };
    let as_is = run(&setup)?;
    setup.profile = setup.profile.without(weakness);
    let mended = run(&setup)?;
    let does_damage = !as_is.manifest.passed();
    Ok(Reproduction {
        weakness: weakness.id(),
        claim: weakness.describe().as_is,
        scenario: file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        is_shown: does_damage && mended.manifest.passed(),
        costs: costs(&as_is, &mended),
        as_is: as_is.manifest.expectations,
        mended: mended.manifest.expectations,
    })
}

/// What comes out differently.
fn costs(as_is: &Outcome, mended: &Outcome) -> Vec<Cost> {
    let value = |outcome: &Outcome, name: &str| outcome.metric(name).filter(|value| !value.is_nan());
    let cost = |name: &&str| {
        let metric = observe::metric(name)?;
        let (before, after) = (value(as_is, name), value(mended, name));
        let alike = match (before, after) {
            (Some(one), Some(other)) => (one - other).abs() <= ALIKE * one.abs().max(other.abs()),
            (one, other) => one.is_none() && other.is_none(),
        };
        (!alike).then_some(Cost { metric: metric.name, unit: metric.unit, as_is: before, mended: after })
    };
    COSTS.iter().filter_map(cost).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::COSTS;
    use super::weakness_of;
    use crate::dms::profile::Weakness;
    use crate::observe;

    #[test]
    fn files_are_called_after_weaknesses() {
        let of = |name: &str| weakness_of(Path::new(name));
        assert_eq!(of("scenarios/W06-lost.yaml"), Some(Weakness::LostCommit));
        assert_eq!(of("W06b-poisoned.yaml"), Some(Weakness::PoisonedRetry));
        assert_eq!(of("C10-self.yaml"), Some(Weakness::UnnoticedSelfSigning));
        for name in ["W99-none.yaml", "-x.yaml", "é.yaml", ""] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn metrics_of_costs_exist() {
        assert!(COSTS.iter().all(|name| observe::metric(name).is_some()));
    }
}
