//! `dmsim compare A B` and `dmsim baseline save|check`: whether something has become better or worse.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use indexmap::IndexMap;
use serde::Serialize;

use super::Exit;
use crate::experiment::compare::{
    Comparison, Row, Rules, Side, SideError, Tolerance, Verdict, compare as compared,
};
use crate::kernel::path_text;
use crate::observe::junit::{JunitCase, JunitVerdict, junit};
use crate::observe::{Better, write_atomically};
use crate::report::compare::{Shown, svg};
use crate::scenario::study::is_measurable;

#[derive(Args, Debug)]
pub(super) struct CompareArguments {
    /// What is compared with: a folder of a run or of a finished sweep or study, or a baseline.
    first: PathBuf,
    /// What is judged, likewise.
    second: PathBuf,
    #[command(flatten)]
    rules: RuleArguments,
}

#[derive(Args, Debug)]
struct RuleArguments {
    /// How large a difference counts as none: `2%` of what FIRST has shown, or `5` in the unit of the metric. For one
    /// metric:
    /// `time_to_running.p95=5`. May be repeated.
    #[arg(long, value_name = "[METRIC=]SIZE", default_value = "0%", value_parser = tolerance)]
    tolerance: Vec<(Option<String>, Tolerance)>,
    /// Only this metric. `lower:messages.sent` says too which value is the better one. May be repeated.
    #[arg(long = "metric", value_name = "[higher:|lower:]METRIC")]
    metrics: Vec<String>,
    /// Fail also where too few runs leave open whether something is worse.
    #[arg(long)]
    strict: bool,
    /// Write a plot of all differences, each as a part of what FIRST has shown.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How it is told.
    #[arg(long, value_enum, default_value = "human")]
    format: Form,
    /// Write it into a file, instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Form {
    Human,
    Json,
    Junit,
}

#[derive(Args, Debug)]
pub(super) struct BaselineArguments {
    #[command(subcommand)]
    command: BaselineCommand,
}

#[derive(Subcommand, Debug)]
enum BaselineCommand {
    /// Store what a run or a sweep has shown in a small file, to compare with later.
    Save {
        /// The file.
        file: PathBuf,
        /// The folder of the run or the sweep.
        results: PathBuf,
    },
    /// Judge a run or a sweep by a stored baseline: exit code 1 when something is worse.
    Check {
        /// The file.
        file: PathBuf,
        /// The folder of the run or the sweep.
        results: PathBuf,
        #[command(flatten)]
        rules: RuleArguments,
    },
}

/// `2%`, `5`, `cost=1%`.
fn tolerance(text: &str) -> Result<(Option<String>, Tolerance), String> {
    let (name, size) = match text.split_once('=') {
        Some((name, size)) => (Some(name.to_owned()), size),
        None => (None, text),
    };
    if let Some(name) = &name
        && !is_measurable(name)
    {
        return Err(format!("`{name}` is not a metric; `dmsim list metrics` lists all of them"));
    }
    let number = |text: &str| text.trim().parse().ok().filter(|size: &f64| size.is_finite() && *size >= 0.0);
    let size = match size.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| Tolerance::Relative(percent / 100.0)),
        None => number(size).map(Tolerance::Absolute),
    };
    size.map(|size| (name, size)).ok_or_else(|| "write a size as in `2%`, `5` or `cost=1%`".to_owned())
}

pub(super) fn compare(arguments: &CompareArguments) -> Exit {
    run(&arguments.first, &arguments.second, &arguments.rules).unwrap_or_else(|exit| exit)
}

pub(super) fn baseline(arguments: &BaselineArguments) -> Exit {
    let done = match &arguments.command {
        BaselineCommand::Save { file, results } => save(file, results),
        BaselineCommand::Check { file, results, rules } => run(file, results, rules),
    };
    done.unwrap_or_else(|exit| exit)
}

fn save(file: &Path, results: &Path) -> Result<Exit, Exit> {
    let side = read(results)?;
    if file.exists() && !(file.is_file() && Side::read(file).is_ok()) {
        eprintln!(
            "error: {} is there and is no baseline, so it is not replaced\n  = help: name another file, or remove it",
            path_text(file)
        );
        return Err(Exit::BadInput);
    }
    write(file, &side.text())?;
    let groups = side.groups.len();
    println!(
        "{}: {} metrics of {groups} groups stored in {}",
        side.name,
        side.metrics.len(),
        path_text(file)
    );
    Ok(Exit::Fine)
}

fn read(path: &Path) -> Result<Side, Exit> {
    Side::read(path).map_err(|error| match error {
        SideError::Merge(error) => super::sweep::not_merged(&error),
        error => {
            eprintln!("error: {error}");
            Exit::BadInput
        }
    })
}

fn write(path: &Path, text: &str) -> Result<(), Exit> {
    write_atomically(path, text.as_bytes()).map_err(|error| super::sweep::failed(&error.into()))
}

fn run(first: &Path, second: &Path, arguments: &RuleArguments) -> Result<Exit, Exit> {
    let rules = rules(arguments)?;
    let (one, other) = (read(first)?, read(second)?);
    let comparison = compared(&one, &other, &rules);
    if comparison.rows.is_empty() {
        eprintln!(
            "error: {} and {} have no metric in common{}",
            path_text(first),
            path_text(second),
            if rules.metrics.is_empty() { "" } else { " of those that are asked for" }
        );
        return Err(Exit::BadInput);
    }
    if let Some(path) = &arguments.plot {
        write(path, &picture(&comparison))?;
    }
    let names = (path_text(first), path_text(second));
    let text = match arguments.format {
        Form::Human => in_words(&comparison, (&one, &other), &names),
        Form::Json => as_json(&comparison, &names),
        Form::Junit => as_junit(&comparison, &names),
    };
    match &arguments.out {
        Some(path) => write(path, &text)?,
        None => print!("{text}"),
    }
    let failed = comparison.has_regression() || arguments.strict && comparison.is_unclear();
    Ok(if failed { Exit::ExpectationFailed } else { Exit::Fine })
}

fn rules(arguments: &RuleArguments) -> Result<Rules, Exit> {
    let mut rules = Rules {
        tolerance: Tolerance::Relative(0.0),
        tolerances: IndexMap::new(),
        metrics: Vec::new(),
        better: IndexMap::new(),
    };
    for (name, size) in &arguments.tolerance {
        match name {
            Some(name) => drop(rules.tolerances.insert(name.clone(), *size)),
            None => rules.tolerance = *size,
        }
    }
    for text in &arguments.metrics {
        let (better, name) = match text.split_once(':') {
            Some(("higher", name)) => (Some(Better::Higher), name),
            Some(("lower", name)) => (Some(Better::Lower), name),
            _ => (None, &**text),
        };
        if !is_measurable(name) {
            eprintln!("error: `{name}` is not a metric\n  = help: `dmsim list metrics` lists all of them");
            return Err(Exit::BadInput);
        }
        rules.metrics.push(name.to_owned());
        if let Some(better) = better {
            rules.better.insert(name.to_owned(), better);
        }
    }
    Ok(rules)
}

/// The lines that say how many of which verdict there are, and which count against B.
fn in_words(comparison: &Comparison, sides: (&Side, &Side), names: &(String, String)) -> String {
    let mut text = format!("A: {} ({})\nB: {} ({})\n", names.0, sides.0.name, names.1, sides.1.name);
    let most = comparison.rows.iter().map(|row| row.runs.1).max().unwrap_or(0);
    let paired = comparison.rows.iter().all(|row| row.paired);
    text += match (most, paired) {
        (0 | 1, _) => "one run of each: differences without intervals\n",
        (_, true) => "runs of the same seeds, pair by pair; ± is half of a 95 % interval\n",
        _ => "runs of different seeds; ± is half of a 95 % interval\n",
    };
    let width = comparison.rows.iter().map(|row| row.metric.len()).max().unwrap_or(0);
    let mut group = None;
    let mut same = 0;
    for row in &comparison.rows {
        if group != Some(&row.group) {
            group = Some(&row.group);
            text += &format!("\n{}\n", if row.group.is_empty() { "by metric" } else { &row.group });
        }
        if row.verdict == Verdict::Same && row.difference == Some(0.0) {
            same += 1;
            continue;
        }
        text += &format!("  {:<9} {:<width$}  {}\n", row.verdict.as_str(), row.metric, line(row));
    }
    if same > 0 {
        text += &format!("  same      {same} more, to the last digit\n");
    }
    for name in &comparison.lost_groups {
        text += &format!("\n{name}: not in B\n");
    }
    let (before, after) = comparison.failures;
    if before + after > 0 {
        text += &format!("\nfailed expectations or cells: {before} in A, {after} in B\n");
    }
    let count = |verdict| comparison.rows.iter().filter(|row| row.verdict == verdict).count();
    let all = [
        Verdict::Worse,
        Verdict::Missing,
        Verdict::Better,
        Verdict::Different,
        Verdict::Same,
        Verdict::Unclear,
    ];
    let counts =
        all.map(|verdict| (count(verdict), verdict.as_str())).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let so = if comparison.has_regression() { "B is worse" } else { "B is not worse" };
    text + &format!("\n{so}: {}\n", counts.join(", "))
}

/// What a row says beside its verdict.
fn line(row: &Row) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), short);
    let unit = match &*row.unit {
        "fraction" | "ratio" | "" => String::new(),
        unit => format!(" {unit}"),
    };
    let mut text = format!("{} -> {}{unit}", number(row.first), number(row.second));
    if let Some(difference) = row.difference.filter(|difference| *difference != 0.0) {
        text += &format!(", {}{}", if difference > 0.0 { "+" } else { "" }, short(difference));
        if let Some(half) = row.half_width {
            text += &format!(" ± {}", short(half));
        }
        if let Some(first) = row.first.filter(|first| *first != 0.0) {
            text += &format!(" ({:+.2} %)", 100.0 * difference / first.abs());
        }
    }
    text
}

/// A number with five digits.
fn short(value: f64) -> String {
    let magnitude = if value == 0.0 { 0 } else { libm::floor(libm::log10(value.abs())) as i32 };
    let decimals = (4 - magnitude).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn as_json(comparison: &Comparison, names: &(String, String)) -> String {
    #[derive(Serialize)]
    struct Said<'a> {
        first: &'a str,
        second: &'a str,
        regression: bool,
        #[serde(flatten)]
        comparison: &'a Comparison,
    }
    let regression = comparison.has_regression();
    let said = Said { first: &names.0, second: &names.1, regression, comparison };
    serde_json::to_string_pretty(&said).expect("a comparison has only text keys") + "\n"
}

fn as_junit(comparison: &Comparison, names: &(String, String)) -> String {
    let case = |row: &Row| JunitCase {
        suite: if row.group.is_empty() { "metrics".to_owned() } else { row.group.clone() },
        name: row.metric.clone(),
        verdict: match row.verdict {
            Verdict::Worse | Verdict::Missing => JunitVerdict::Failed(
                format!("{}: {}", row.verdict.as_str(), line(row)),
                format!("A is {}, B is {}; the tolerance is {}", names.0, names.1, row.tolerance),
            ),
            Verdict::Unclear => JunitVerdict::Skipped(Some(format!("too few runs to say: {}", line(row)))),
            _ => JunitVerdict::Passed,
        },
        time_s: 0.0,
        properties: vec![("verdict", row.verdict.as_str().to_owned()), ("difference", line(row))],
    };
    let mut cases: Vec<JunitCase> = comparison.rows.iter().map(case).collect();
    let whole = |name: &str, failed: Option<String>| JunitCase {
        suite: "whole".to_owned(),
        name: name.to_owned(),
        verdict: failed.map_or(JunitVerdict::Passed, |line| JunitVerdict::Failed(line.clone(), line)),
        time_s: 0.0,
        properties: Vec::new(),
    };
    let (before, after) = comparison.failures;
    let failures = (after > before).then(|| format!("{before} in A, {after} in B"));
    cases.push(whole("failed expectations or cells", failures));
    cases.extend(comparison.lost_groups.iter().map(|name| whole(name, Some("not in B".to_owned()))));
    junit("dmsim compare", &cases)
}

fn picture(comparison: &Comparison) -> String {
    let part = |row: &Row, value: Option<f64>| {
        let first = row.first.filter(|first| *first != 0.0)?;
        Some(100.0 * value? / first.abs())
    };
    // What is the same to the last digit needs no picture.
    let shown = |row: &Row| {
        row.difference.filter(|difference| *difference != 0.0)?;
        Some(Shown {
            group: row.group.clone(),
            metric: row.metric.clone(),
            difference: part(row, row.difference)?,
            half_width: part(row, row.half_width).unwrap_or(f64::NAN),
            tolerance: part(row, Some(row.tolerance)).unwrap_or(0.0),
        })
    };
    svg("difference of B to A", &comparison.rows.iter().filter_map(shown).collect::<Vec<_>>())
}
