//! Scenario text to a typed description of a run: the only room that knows YAML.
//!
//! [`load`] makes a [`Setup`] from a scenario file and the ensemble files that it names; [`check()`] only says
//! what is wrong. All errors are reported at once, each with its place, an excerpt and what to do. The room
//! refuses to run anything, and to accept an option that no run would honour.

use std::path::Path;

mod arrivals;
mod attacks;
pub mod branch;
mod capability_script;
pub mod catalogue;
mod check;
mod churn;
mod clocks;
pub mod compose;
mod contracts;
mod control;
mod costs;
mod deployed;
pub mod diagnostic;
pub mod difference;
mod distribution;
mod dynamic_dns;
pub mod ensemble_file;
mod epoch;
mod executors;
mod expectation;
mod faults;
mod files;
mod flaps;
mod format;
mod gateways;
mod gathered;
mod hardware;
mod images;
mod jobs;
mod joins;
mod nat;
mod network;
mod observability;
mod operations;
pub mod oracle_cases;
mod organizations;
mod outages;
mod overrides;
pub mod parts;
mod payloads;
mod peers;
mod placement;
mod places;
mod profile;
mod reader;
mod resolve;
mod resolved;
mod resolved_contracts;
mod resolved_faults;
mod resolved_operations;
pub mod schema;
mod storage;
mod strategy;
pub mod study;
pub mod trace;
mod traffic;
pub mod units;
mod workload;
pub mod yaml;

use crate::dms::ensemble::Finding;
use crate::dms::ensemble::tree::Position;
use crate::sim::capabilities::Script;
use crate::sim::setup::Setup;
use crate::workload::trace::TraceFile;

pub use check::{Checked, DmsVerdict, Kind, check, verdict_of_dms};
pub use churn::churn_fragment;
pub use diagnostic::{Diagnostic, Sources, render};
pub use gathered::gathered;
pub use overrides::Overrides;
pub use profile::{parse_profile, write_profile};

use files::Files;

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The run.
    pub setup: Setup,
    /// What its author may want to know.
    pub warnings: Report,
    /// The scenario with every default written out. It names ensembles as `ensembles/NAME.yaml`.
    pub resolved: String,
    /// The ensembles by NAME, with their text.
    pub ensembles: Vec<(String, String)>,
    /// The availability traces by NAME, which it names as `traces/NAME.csv`, with their sessions in seconds.
    pub traces: Vec<(String, String)>,
    /// The files of traces of jobs, which it names as `traces/NAME` by the names of their copies.
    pub job_traces: Vec<TraceFile>,
}

impl Loaded {
    /// The files that the resolved scenario names, by those names, but for traces of jobs: they may be too large to be
    /// held.
    pub fn copies(&self) -> impl Iterator<Item = (String, &str)> {
        let ensembles = self.ensembles.iter().map(|(name, text)| (format!("ensembles/{name}.yaml"), &**text));
        ensembles.chain(self.traces.iter().map(|(name, text)| (format!("traces/{name}.csv"), &**text)))
    }
}

/// What is wrong, or looks wrong, with files, and the texts to show it in.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// All of it.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of the files, in the order in which they are shown.
    pub sources: Sources,
}

impl Report {
    /// Whether one of the files cannot be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// All as text with excerpts; empty when there is nothing to say. `styled` adds ANSI colours.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        render(&self.diagnostics, &self.sources, styled)
    }
}

/// Loads a scenario with its ensembles. `metrics` are the names that expectations may use.
///
/// # Errors
/// Everything that is wrong, in the scenario, in the ensembles and in the overrides.
pub fn load(path: &Path, overrides: &Overrides, metrics: &[&str]) -> Result<Loaded, Report> {
    load_beside(path, &bytes_of(path)?, overrides, metrics)
}

/// The run of a text as if it stood in the file of this path, beside which are the files that it names.
///
/// # Errors
/// As [`load`].
pub fn load_as(path: &Path, text: &str) -> Result<Setup, Report> {
    Ok(load_beside(path, text.as_bytes(), &Overrides::default(), &[])?.setup)
}

/// The run of a scenario that stands in memory, with its ensembles by the names that it writes.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &str, text: &str, ensembles: Vec<(String, String)>) -> Result<Setup, Report> {
    Ok(load_in_memory(name, text.as_bytes(), ensembles)?.setup)
}

/// Loads a scenario that stands in memory, with the files that it names, by these names.
///
/// # Errors
/// As [`load`].
pub fn load_in_memory(name: &str, bytes: &[u8], files: Vec<(String, String)>) -> Result<Loaded, Report> {
    load_bytes(Files::in_memory(files), Path::new(name), name, bytes, &Overrides::default(), &[])
}

/// Loads a script of capability operations.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_script(path: &Path) -> Result<Script, Report> {
    script_from(path, &shown(path), &bytes_of(path)?)
}

fn script_from(path: &Path, shown: &str, bytes: &[u8]) -> Result<Script, Report> {
    let mut files = Files::beside(path);
    files.note(shown, shown, bytes);
    let place = |code, findings: Vec<Finding>| {
        findings.into_iter().map(|finding| Diagnostic::new(code, shown, finding)).collect()
    };
    let (script, diagnostics) = match yaml::parse(bytes) {
        Err(findings) => (None, place("yaml", findings)),
        Ok(root) => {
            let (script, findings) = capability_script::read(&root, path);
            (script, place("script", findings.into_sorted()))
        }
    };
    let report = Report { diagnostics, sources: files.sources };
    script.filter(|_| !report.has_errors()).ok_or(report)
}

/// How a file is called in what is said about it.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Report> {
    files::read_file(path).map_err(|reason| unreadable(&shown(path), &reason))
}

fn unreadable(shown: &str, reason: &str) -> Report {
    let finding = Finding::error(Position::START, format!("cannot read the file: {reason}"));
    Report { diagnostics: vec![Diagnostic::new("file", shown, finding)], sources: Sources::new() }
}

/// Loads what stands in a file, beside which are those that it names.
fn load_beside(path: &Path, bytes: &[u8], overrides: &Overrides, metrics: &[&str]) -> Result<Loaded, Report> {
    load_bytes(Files::beside(path), path, &shown(path), bytes, overrides, metrics)
}

fn load_bytes(
    mut files: Files,
    path: &Path,
    shown: &str,
    bytes: &[u8],
    overrides: &Overrides,
    metrics: &[&str],
) -> Result<Loaded, Report> {
    let input = path.file_name().map_or_else(|| shown.into(), |name| name.to_string_lossy());
    let lines = overrides.lines();
    if !lines.is_empty() {
        files.note(overrides::FILE, overrides::FILE, lines.join("\n").as_bytes());
    }
    files.note_scenario(shown, &input, bytes);
    let place = |code, finding: Finding| overrides::placed(code, shown, finding);
    let mut root = match yaml::parse(bytes) {
        Ok(root) => root,
        Err(findings) => {
            let diagnostics = findings.into_iter().map(|finding| place("yaml", finding)).collect();
            return Err(Report { diagnostics, sources: files.sources });
        }
    };
    let failed = overrides.apply(&mut root);
    let (resolved, findings) = resolve::resolve(&root, path, metrics, &mut files);
    let findings = failed.into_iter().chain(findings.into_sorted());
    let mut diagnostics: Vec<Diagnostic> = findings.map(|finding| place("scenario", finding)).collect();
    diagnostics.append(&mut files.diagnostics);
    let report = Report { diagnostics, sources: std::mem::take(&mut files.sources) };
    match resolved {
        Some(mut resolved) if !report.has_errors() => {
            resolved.setup.inputs = std::mem::take(&mut files.inputs);
            let text = resolved::write(&resolved.setup, &resolved.copies);
            let (traces, job_traces) = (files.traces(), files.job_traces());
            let (setup, ensembles) = (resolved.setup, files.copies());
            Ok(Loaded { setup, warnings: report, resolved: text, ensembles, traces, job_traces })
        }
        _ => Err(report),
    }
}
