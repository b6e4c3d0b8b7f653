//! `dmsim check FILE...`: every error of scenarios and ensembles, with file, line and column.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::measure::available_memory_bytes;
use super::{Exit, Format, estimate, is_styled, metric_names};
use crate::dms::ensemble::EnsembleConfig;
use crate::kernel::path_text;
use crate::scenario::{self, Checked, Diagnostic, Kind, Overrides};
use crate::sim::estimate::Estimate;

#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    /// Scenario or ensemble files; which one a file is, is seen by its content.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Say of ensembles what DMS itself would say: it stops at the first error.
    #[arg(long)]
    as_is: bool,
    /// Tell what a run of each scenario will take: events, memory and time.
    #[arg(long, conflicts_with = "as_is")]
    estimate: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// A file's part of the JSON output.
#[derive(Serialize)]
struct FileReport {
    file: String,
    /// `scenario` or `ensemble`; null where the file cannot be read.
    kind: Option<&'static str>,
    /// The key by which the kind was recognised.
    recognised_by: Option<&'static str>,
    /// Whether it can be used; with `--as-is`, whether DMS accepts it.
    accepted: bool,
    /// With `--as-is`: whether the one message has DMS's own words.
    verbatim: Option<bool>,
    diagnostics: Vec<Diagnostic>,
    /// What a good ensemble says, in base units.
    ensemble: Option<EnsembleConfig>,
    /// With `--estimate`: what a run of a good scenario will take.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
}

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    let mut reports = Vec::new();
    for file in &arguments.files {
        reports.push(if arguments.as_is {
            as_is(file, arguments.format)
        } else {
            as_intended(file, arguments)
        });
    }
    let all_accepted = reports.iter().all(|report| report.accepted);
    if arguments.format == Format::Json {
        let text = serde_json::to_string_pretty(&reports).expect("reports have only string keys");
        println!("{text}");
    }
    if all_accepted { Exit::Fine } else { Exit::BadInput }
}

fn as_intended(file: &Path, arguments: &CheckArguments) -> FileReport {
    let Checked { kind, report, ensemble } = scenario::check(file, &metric_names());
    let accepted = !report.has_errors();
    let is_scenario = matches!(kind, Some((Kind::Scenario, _)));
    let estimate = (accepted && is_scenario && arguments.estimate).then(|| estimate_of(file)).flatten();
    if arguments.format == Format::Human {
        eprint!("{}", report.render(is_styled()));
        let verdict = match (accepted, report.diagnostics.is_empty()) {
            (true, true) => "fine",
            (true, false) => "can be used",
            (false, _) => "cannot be used",
        };
        println!("{}: {verdict}{}", path_text(file), kind.map_or(String::new(), assumption));
        if let Some(ensemble) = &ensemble {
            print!("{}", amounts(ensemble));
        }
        if let Some(estimate) = &estimate {
            print!("{}", estimate::table(estimate, available_memory_bytes()));
        }
    }
    FileReport {
        file: file.display().to_string(),
        kind: kind.map(|(kind, _)| kind.word()),
        recognised_by: kind.and_then(|(_, key)| key),
        accepted,
        verbatim: None,
        diagnostics: report.diagnostics,
        ensemble,
        estimate,
    }
}

/// What a run of a scenario in which nothing is wrong will take.
fn estimate_of(file: &Path) -> Option<Estimate> {
    let loaded = scenario::load(file, &Overrides::default(), &metric_names()).ok()?;
    Some(Estimate::of(&loaded.setup))
}

/// As which kind a file was read, and why.
fn assumption((kind, key): (Kind, Option<&'static str>)) -> String {
    match (kind, key) {
        (Kind::Scenario, Some(key)) => format!(" (a scenario, by its `{key}`)"),
        (Kind::Scenario, None) => " (taken for a scenario: it has no key of an ensemble)".to_owned(),
        (Kind::Ensemble, Some(key)) => format!(" (an ensemble, by its `{key}`)"),
        (Kind::Ensemble, None) => " (taken for an ensemble)".to_owned(),
        (Kind::Study, key) => format!(" (a study, by its `{}`)", key.unwrap_or("replications")),
        (Kind::Script, _) => " (a script of capability operations, by its `steps`)".to_owned(),
    }
}

/// What an ensemble asks for, in plain units: a line for each allocation and each limited link.
fn amounts(ensemble: &EnsembleConfig) -> String {
    let mut text = String::new();
    for (name, allocation) in &ensemble.allocations {
        let resources = &allocation.resources;
        let bytes = format!("RAM {} B, disk {} B", resources.ram_bytes, resources.disk_bytes);
        let _ = write!(text, "  {name}: {}, {}, {resources} ({bytes})", allocation.kind, allocation.executor);
        if let Some(interval) = allocation.healthcheck.as_ref().and_then(|check| check.interval) {
            let _ = write!(text, ", checked every {interval}");
        }
        text.push('\n');
    }
    for edge in &ensemble.edges {
        let rtt = (edge.rtt_ms > 0).then(|| format!("at most {} ms", edge.rtt_ms));
        let bandwidth = edge.bandwidth_bits_per_s;
        let rate = (bandwidth > 0).then(|| format!("at least {bandwidth} bit/s"));
        let limits: Vec<String> = rtt.into_iter().chain(rate).collect();
        let limits = if limits.is_empty() { "no limit".to_owned() } else { limits.join(", ") };
        let _ = writeln!(text, "  {} - {}: {limits}", edge.source, edge.target);
    }
    text
}

fn as_is(file: &Path, format: Format) -> FileReport {
    let verdict = scenario::verdict_of_dms(file);
    let accepted = !verdict.report.has_errors();
    if format == Format::Human {
        eprint!("{}", verdict.report.render(is_styled()));
        if accepted {
            println!("{}: DMS accepts it", path_text(file));
        }
    }
    FileReport {
        file: file.display().to_string(),
        kind: verdict.report.diagnostics.iter().all(|one| one.code == "as-is").then_some("ensemble"),
        recognised_by: None,
        accepted,
        verbatim: Some(verdict.verbatim),
        diagnostics: verdict.report.diagnostics,
        ensemble: None,
        estimate: None,
    }
}
