//! Checks files without running anything: scenarios with their ensembles, ensembles alone, scripts of capability
//! operations, and studies.

use std::path::Path;

use super::diagnostic::{Diagnostic, Sources};
use super::files::Files;
use super::files::read_file;
use super::overrides::Overrides;
use super::{Report, capability_script, ensemble_file, load_bytes, script_from, study, unreadable, yaml};
use crate::dms::ensemble::tree::{Node, Position};
use crate::dms::ensemble::{self, EnsembleConfig, Finding, Severity};

/// Keys that only a scenario has at its top.
const OF_SCENARIOS: &[&str] = &["peers", "duration", "workload"];
/// Keys that only an ensemble has at its top, today or before V1.
const OF_ENSEMBLES: &[&str] = &["allocations", "nodes", "edge_constraints", "escalation_strategy", "jobs"];

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is simulated.
    Scenario,
    /// What is deployed in it.
    Ensemble,
    /// Capability operations, for `dmsim cap`.
    Script,
    /// Variants of a scenario that are compared.
    Study,
}

impl Kind {
    /// Recognises a file by its content, and says by which key; without a key that tells, it counts as a scenario.
    #[must_use]
    pub fn of(root: &Node) -> (Self, Option<&'static str>) {
        if capability_script::is_script(root) {
            return (Self::Script, Some("steps"));
        }
        let has = |keys: &'static [&'static str]| keys.iter().copied().find(|key| root.get(key).is_some());
        let version = root.get("version").and_then(Node::as_text);
        if let Some(key) = study::key_of_studies(root).filter(|_| has(OF_SCENARIOS).is_none()) {
            return (Self::Study, Some(key));
        }
        let is_v1 = version.is_some_and(|text| matches!(&**text, "V1" | "ensembleV1"));
        match (has(OF_SCENARIOS), has(OF_ENSEMBLES)) {
            (Some(key), _) => (Self::Scenario, Some(key)),
            (None, Some(key)) => (Self::Ensemble, Some(key)),
            (None, None) if is_v1 => (Self::Ensemble, Some("version")),
            (None, None) => (Self::Scenario, None),
        }
    }

    /// A word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Ensemble => "ensemble",
            Self::Script => "script of capability operations",
            Self::Study => "study",
        }
    }
}

/// A file that was checked.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What it was taken for, and the key by which it was recognised; `None` when it cannot be read at all.
    pub kind: Option<(Kind, Option<&'static str>)>,
    /// What is wrong, or looks wrong.
    pub report: Report,
    /// What a good ensemble says, with every amount in base units.
    pub ensemble: Option<EnsembleConfig>,
}

/// Checks a scenario and its ensembles, an ensemble alone, a script, or a study. `metrics` are the names that
/// expectations may use.
///
/// An ensemble may be good for DMS and use what is not simulated, or meet a quirk of DMS: both are warnings.
#[must_use]
pub fn check(path: &Path, metrics: &[&str]) -> Checked {
    let shown = super::shown(path);
    let bytes = match read_file(path) {
        Ok(bytes) => bytes,
        Err(reason) => return Checked { report: unreadable(&shown, &reason), ..Checked::default() },
    };
    let kind = yaml::parse(&bytes).ok().map(|root| Kind::of(&root));
    if let Some((Kind::Ensemble, _)) = kind {
        let (diagnostics, ensemble) = check_ensemble(&shown, &bytes);
        return Checked { kind, report: report(&shown, &bytes, diagnostics), ensemble };
    }
    if let Some((Kind::Script, _)) = kind {
        let report = script_from(path, &shown, &bytes).err().unwrap_or_default();
        return Checked { kind, report, ensemble: None };
    }
    if let Some((Kind::Study, _)) = kind {
        return Checked { kind, report: study::check(path, metrics), ensemble: None };
    }
    let report = match load_bytes(Files::beside(path), path, &shown, &bytes, &Overrides::default(), metrics) {
        Ok(loaded) => loaded.warnings,
        Err(report) => report,
    };
    Checked { kind, report, ensemble: None }
}

fn check_ensemble(shown: &str, bytes: &[u8]) -> (Vec<Diagnostic>, Option<EnsembleConfig>) {
    let loaded = match ensemble_file::read(shown, bytes) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return (diagnostics, None),
    };
    let mut all = loaded.warnings;
    let unsupported = ensemble::unsupported(&loaded.config, &loaded.tree).into_iter();
    all.extend(unsupported.map(|finding| {
        Diagnostic::new("unsupported", shown, Finding { severity: Severity::Warning, ..finding })
    }));
    let quirks = ensemble::quirks(&loaded.config, &loaded.tree).into_iter();
    all.extend(quirks.map(|finding| Diagnostic::new("quirk", shown, finding)));
    all.sort_by_key(|one| (one.line, one.column));
    (all, Some(loaded.config))
}

fn report(shown: &str, bytes: &[u8], diagnostics: Vec<Diagnostic>) -> Report {
    let text = String::from_utf8_lossy(bytes).into_owned();
    Report { diagnostics, sources: Sources::from_iter([(shown.to_owned(), text)]) }
}

/// What DMS itself would say to an ensemble file.
#[derive(Clone, Debug)]
pub struct DmsVerdict {
    /// The one error at which it stops; empty when it accepts the file.
    pub report: Report,
    /// Whether the message has DMS's own words; otherwise they are not known, and ours stand there.
    pub verbatim: bool,
}

/// Reads an ensemble as DMS does: it stops at the first error and takes what it does not look at.
#[must_use]
pub fn verdict_of_dms(path: &Path) -> DmsVerdict {
    let shown = super::shown(path);
    match read_file(path) {
        Ok(bytes) => verdict(&shown, &bytes),
        Err(reason) => DmsVerdict { report: unreadable(&shown, &reason), verbatim: false },
    }
}

fn verdict(shown: &str, bytes: &[u8]) -> DmsVerdict {
    let ours = |report| DmsVerdict { report, verbatim: false };
    let root = match yaml::parse(bytes) {
        Ok(root) => root,
        Err(findings) => {
            let first = findings.into_iter().next().map(|finding| Diagnostic::new("yaml", shown, finding));
            return ours(report(shown, bytes, first.into_iter().collect()));
        }
    };
    if let (kind @ (Kind::Scenario | Kind::Script | Kind::Study), key) = Kind::of(&root) {
        let why = key.map_or(String::new(), |key| format!(", by its `{key}`"));
        let what = kind.word();
        let finding = Finding::error(Position::START, format!("this is a {what}{why}; DMS reads ensembles"))
            .with_help("name one of the ensemble files that it deploys".to_owned());
        return ours(report(shown, bytes, vec![Diagnostic::new("scenario", shown, finding)]));
    }
    let findings = ensemble::load(&root).err().unwrap_or_default();
    let Some((finding, refusal)) = ensemble::first_refusal(&findings) else {
        return DmsVerdict { report: report(shown, bytes, Vec::new()), verbatim: true };
    };
    let help = match refusal.verbatim {
        true => "DMS stops here, in these words",
        false => "DMS stops here; its own words are not known",
    };
    let finding = finding.clone().with_help(help.to_owned());
    let diagnostic = Diagnostic::new("as-is", shown, finding);
    DmsVerdict { report: report(shown, bytes, vec![diagnostic]), verbatim: refusal.verbatim }
}

#[cfg(test)]
mod tests;
