//! `dmsim explain RUN`: why something was refused in a run, down to the token, the link and the rule.

use std::path::{Path, PathBuf};

use clap::Args;

use super::replay::source::Source;
use super::{Exit, Format};
use crate::kernel::{Span, Time};
use crate::observe::{RefusalRow, read_refusals};
use crate::sim::explain::{Decision, decisions};

/// The stage of messages that were not let through.
const MESSAGES: &str = "message";

#[derive(Args, Debug)]
pub(super) struct ExplainArguments {
    /// The results folder of the run.
    run: PathBuf,
    /// The refusal: its row in `refusals.csv`, counted from 1. Without it all rows are listed.
    #[arg(long, value_name = "ROW")]
    refusal: Option<usize>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) fn explain(arguments: &ExplainArguments) -> Exit {
    let rows = match read_refusals(&arguments.run.join("refusals.csv")) {
        Ok(rows) => rows,
        Err(error) => return bad_input(&format!("{error}\n  = help: name the results folder of a run")),
    };
    let Some(number) = arguments.refusal else {
        list(&rows, arguments.format);
        return Exit::Fine;
    };
    let Some(row) = number.checked_sub(1).and_then(|place| rows.get(place)) else {
        let rows = rows.len();
        return bad_input(&format!(
            "there is no refusal {number}: `refusals.csv` has {rows} rows, from 1 on"
        ));
    };
    let found = if &*row.stage == MESSAGES {
        match witness(&arguments.run, row) {
            Ok(found) => found,
            Err(exit) => return exit,
        }
    } else {
        Vec::new()
    };
    match arguments.format {
        Format::Human => print_one(number, row, &found),
        Format::Json => println!("{}", json(number, row, &found)),
    }
    Exit::Fine
}

/// Repeats the run up to the first refusal of this row.
fn witness(run: &Path, row: &RefusalRow) -> Result<Vec<Decision>, Exit> {
    let source = Source::of_run(run)?;
    let at = Time::ZERO + Span::from_secs_f64(row.first_time_s);
    let found = decisions(source.world()?, at, &row.first_peer, &mut |_, _| true)
        .map_err(|error| bad_input(&error))?;
    Ok(found.into_iter().filter(|decision| !decision.authorised).collect())
}

fn bad_input(message: &str) -> Exit {
    eprintln!("error: {message}");
    Exit::BadInput
}

fn list(rows: &[RefusalRow], format: Format) {
    if format == Format::Json {
        println!("{}", serde_json::to_string_pretty(rows).expect("rows have only string keys"));
        return;
    }
    println!("{:>5} {:>9}  {:<10} reason", "row", "count", "stage");
    for (row, number) in rows.iter().zip(1..) {
        println!("{number:>5} {:>9}  {:<10} {}", row.count, row.stage, row.reason);
    }
    println!("`dmsim explain RUN --refusal ROW` tells one in full");
}

fn print_one(number: usize, row: &RefusalRow, found: &[Decision]) {
    println!("refusal {number}: {}", row.reason);
    println!("  stage    {}", row.stage);
    if let Some(deployment) = row.deployment {
        println!("  of       deployment {deployment}");
    }
    println!("  count    {}", row.count);
    println!("  first    at {:.9} s, by {}", row.first_time_s, row.first_peer);
    if row.example != row.reason {
        println!("  in full  {}", row.example);
    }
    if &*row.stage != MESSAGES {
        return;
    }
    if found.is_empty() {
        println!("  the message was dropped before anybody looked at its tokens");
    }
    for decision in found {
        println!("\n{}", decision.message);
        println!("  {}", decision.outcome);
        decision.account.iter().for_each(|line| println!("  {line}"));
    }
}

fn json(number: usize, row: &RefusalRow, found: &[Decision]) -> String {
    let decisions: Vec<serde_json::Value> = found
        .iter()
        .map(|decision| {
            serde_json::json!({
                "message": decision.message,
                "outcome": decision.outcome,
                "account": decision.account,
            })
        })
        .collect();
    let whole = serde_json::json!({ "refusal": number, "row": row, "decisions": decisions });
    serde_json::to_string_pretty(&whole).expect("it has only string keys")
}
