//! `dmsim reproduce weaknesses [ID...]`: the known weaknesses of the real DMS, each run as-is and mended, in one table.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::TableFormat;
use crate::cli::{Exit, is_styled, without_outcome};
use crate::dms::profile::Weakness;
use crate::kernel::path_text;
use crate::observe::{Verdict, csv_text};
use crate::reproduce::{Cost, ReproduceError, Reproduction, reproduce, scenarios};

#[derive(Args, Debug)]
pub(super) struct WeaknessesArguments {
    /// Only these, by their numbers: `W6 C10`.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The folder of the scenarios.
    #[arg(long, default_value = "scenarios/weaknesses")]
    folder: PathBuf,
    /// How the table is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: TableFormat,
}

/// A row of the table as CSV.
#[derive(Serialize)]
struct Row<'a> {
    weakness: &'a str,
    scenario: &'a str,
    is_shown: bool,
    metric: &'a str,
    unit: &'a str,
    as_is: Option<f64>,
    mended: Option<f64>,
}

pub(super) fn run(arguments: &WeaknessesArguments) -> Exit {
    let mut wanted = Vec::new();
    for id in &arguments.ids {
        match id.parse::<Weakness>() {
            Ok(weakness) => wanted.push(weakness),
            Err(_) => eprintln!(
                "error: `{id}` is not a weakness that this version has\n  = help: `dmsim list weaknesses` has all"
            ),
        }
    }
    if wanted.len() < arguments.ids.len() {
        return Exit::BadInput;
    }
    let files = match scenarios(&arguments.folder, &wanted) {
        Ok(files) => files,
        Err(error) => return without_reproduction(&error),
    };
    let mut all = Vec::new();
    for (weakness, file) in files {
        match reproduce(weakness, &file) {
            Ok(found) => {
                if arguments.format == TableFormat::Text {
                    print!("{}", text(&found));
                }
                all.push(found);
            }
            Err(error) => return without_reproduction(&error),
        }
    }
    let shown = all.iter().filter(|found| found.is_shown).count();
    match arguments.format {
        TableFormat::Text => println!("{shown} of {} shown", all.len()),
        TableFormat::Json => {
            println!("{}", serde_json::to_string_pretty(&all).expect("the table has only string keys"));
        }
        TableFormat::Csv => print!("{}", csv_text(all.iter().flat_map(rows))),
    }
    if shown == all.len() { Exit::Fine } else { Exit::ExpectationFailed }
}

fn without_reproduction(error: &ReproduceError) -> Exit {
    match error {
        ReproduceError::Scenario(report) => eprint!("{}", report.render(is_styled())),
        ReproduceError::Folder { .. } => {
            eprintln!("error: {error}\n  = help: name the folder of the scenarios with --folder");
        }
        ReproduceError::Run { reason, file } => {
            eprintln!("in {}", path_text(file));
            return without_outcome(reason);
        }
        _ => eprintln!("error: {error}"),
    }
    Exit::BadInput
}

fn rows(found: &Reproduction) -> impl Iterator<Item = Row<'_>> {
    found.costs.iter().map(|cost| Row {
        weakness: found.weakness,
        scenario: &found.scenario,
        is_shown: found.is_shown,
        metric: cost.metric,
        unit: cost.unit,
        as_is: cost.as_is,
        mended: cost.mended,
    })
}

/// The weakness, what fails of its scenario, and what it costs.
fn text(found: &Reproduction) -> String {
    let Reproduction { weakness, claim, scenario, is_shown, as_is, mended, costs } = found;
    let mark = if *is_shown { "shown" } else { "NOT SHOWN" };
    let mut text = format!("{weakness:<4} {mark}: {claim}\n     {scenario}\n");
    let word = |verdict: &Verdict| {
        format!("{} ({})", if verdict.passed { "holds" } else { "FAILS" }, number(verdict.value))
    };
    for (before, after) in as_is.iter().zip(mended).filter(|(before, after)| !before.passed || !after.passed)
    {
        let line = format!("{}: as-is {}, mended {}", before.expression, word(before), word(after));
        text.push_str(&format!("       {line}\n"));
    }
    for Cost { metric, unit, as_is, mended } in costs {
        text.push_str(&format!(
            "       {metric:<24}{:>12} -> {:<12} {unit}\n",
            number(*as_is),
            number(*mended)
        ));
    }
    text.push('\n');
    text
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.3}"),
    }
}
