//! `dmsim reproduce oracles [ID...]`: cases whose numbers are known exactly, each met by runs, in one table.

use std::path::PathBuf;

use clap::Args;

use super::TableFormat;
use crate::cli::{Exit, is_styled};
use crate::observe::csv_text;
use crate::reproduce::oracles::{Comparison, Effort, OracleCase, Verdict, built_in, compare, load};

#[derive(Args, Debug)]
pub(super) struct OraclesArguments {
    /// Only these cases, or these kinds of cases: `F2-2of3 R3`.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Further cases: a file of the form of data/oracles/oracles.json.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// How the table is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: TableFormat,
}

pub(super) fn run(arguments: &OraclesArguments) -> Exit {
    let Some(cases) = wanted(arguments) else { return Exit::BadInput };
    let mut all = Vec::new();
    if arguments.format == TableFormat::Text {
        print!("{}", head());
    }
    for case in &cases {
        match compare(case, &Effort::FULL) {
            Ok(compared) => {
                if arguments.format == TableFormat::Text {
                    print!("{}", text(case, &compared));
                }
                all.extend(compared);
            }
            Err(reason) => {
                eprintln!("error: {reason}");
                return Exit::Internal;
            }
        }
    }
    match arguments.format {
        TableFormat::Text => print!("{}", summary(&all)),
        TableFormat::Json => {
            println!("{}", serde_json::to_string_pretty(&all).expect("the table has only string keys"));
        }
        TableFormat::Csv => print!("{}", csv_text(all.iter())),
    }
    let failed = all.iter().any(|one| one.verdict == Verdict::Failed);
    if failed { Exit::ExpectationFailed } else { Exit::Fine }
}

/// The cases that are asked for; none when something is wrong, which is said then.
fn wanted(arguments: &OraclesArguments) -> Option<Vec<OracleCase>> {
    let further = arguments.cases.as_deref().map_or(Ok(Vec::new()), load);
    let (mut cases, further) = match (built_in(), further) {
        (Ok(cases), Ok(further)) => (cases, further),
        (Err(report), _) | (_, Err(report)) => {
            eprint!("{}", report.render(is_styled()));
            return None;
        }
    };
    // A case of the user's takes the place of one of the same name.
    cases.retain(|case| further.iter().all(|own| own.id != case.id));
    cases.extend(further);
    let is_meant = |case: &OracleCase, id: &String| case.id == *id || case.kind() == *id;
    let missing = arguments.ids.iter().filter(|id| !cases.iter().any(|case| is_meant(case, id)));
    let missing: Vec<&String> = missing.collect();
    for id in &missing {
        eprintln!("error: `{id}` is neither a case nor a kind of cases");
    }
    if !missing.is_empty() {
        eprintln!("  = help: `dmsim reproduce oracles` without names has all");
        return None;
    }
    if !arguments.ids.is_empty() {
        cases.retain(|case| arguments.ids.iter().any(|id| is_meant(case, id)));
    }
    Some(cases)
}

fn head() -> String {
    format!(
        "{:<17} {:<24} {:>13} {:>13} {:>27} {:>8}  verdict\n",
        "case", "value", "exact", "simulated", "99.9 % interval", "half"
    )
}

fn text(case: &OracleCase, compared: &[Comparison]) -> String {
    let mut text = format!("{:<17} {}\n", case.id, case.what);
    for one in compared {
        let verdict = match one.verdict {
            Verdict::Passed => format!("passed ({})", one.by),
            Verdict::Failed => format!("FAILED ({})", one.by),
            Verdict::Unknown => format!("unknown: {}", one.by),
        };
        let interval = match (one.low, one.high) {
            (Some(low), Some(high)) => format!("{} to {}", number(Some(low)), number(Some(high))),
            _ => "-".to_owned(),
        };
        let half = one.relative_half_width.map_or("-".to_owned(), |half| format!("{:.2} %", half * 100.0));
        let (exact, simulated) = (number(Some(one.exact)), number(one.simulated));
        text.push_str(&format!(
            "{:<17} {:<24} {exact:>13} {simulated:>13} {interval:>27} {half:>8}  {verdict}\n",
            "", one.value
        ));
    }
    text
}

fn summary(all: &[Comparison]) -> String {
    let count = |verdict| all.iter().filter(|one| one.verdict == verdict).count();
    format!(
        "{} values: {} passed, {} failed, {} unknown\n",
        all.len(),
        count(Verdict::Passed),
        count(Verdict::Failed),
        count(Verdict::Unknown)
    )
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 1000.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.6}"),
    }
}
