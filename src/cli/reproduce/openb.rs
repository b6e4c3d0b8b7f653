//! `dmsim reproduce openb`: the published placement experiment, ours beside theirs.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::TableFormat;
use crate::cli::Exit;
use crate::observe::csv_text;
use crate::reproduce::openb::{COLUMNS, Compared, DataErrors, Metric, POLICIES, Plan, Source};

/// Columns in the table for people.
const SHOWN: [usize; 5] = [50, 90, 95, 100, 130];
/// Two points agree if they differ by no more than what floats leave of equal numbers.
const EQUAL: f64 = 1e-9;
/// The policy that draws, and agrees as a distribution only.
const RANDOM: &str = "Random";

#[derive(Args, Debug)]
pub(super) struct OpenbArguments {
    /// The folder with nodes and workloads (`openb_node_list_gpu_node.csv`, `openb_pod_list_NAME.csv`, also `.gz`)
    /// [default: what comes with the program].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The workload, without `openb_pod_list_`; may be repeated; `all` = all that are there [default: default].
    #[arg(long, value_name = "NAME")]
    workload: Vec<String>,
    /// The policy, as the experiment calls it or as scenarios do; may be repeated [default: all six].
    #[arg(long, value_name = "P", value_parser = policy)]
    policy: Vec<&'static str>,
    /// The seeds of the orders: one, or the first and the last.
    #[arg(long, value_name = "A..B", default_value = "42..46", value_parser = seeds)]
    seeds: RangeInclusive<u64>,
    /// The folder with the orders in which jobs arrive [default: `orders` in the folder of --data].
    #[arg(long, value_name = "DIR", requires = "data")]
    orders: Option<PathBuf>,
    /// The folder with the published tables [default: `expected` in the folder of --data].
    #[arg(long, value_name = "DIR", requires = "data")]
    expected: Option<PathBuf>,
    /// How the table is printed: `csv` has every point.
    #[arg(long, value_enum, default_value = "text")]
    format: TableFormat,
}

fn policy(text: &str) -> Result<&'static str, String> {
    let wanted =
        |(theirs, own): &&(&'static str, &'static str)| theirs.eq_ignore_ascii_case(text) || *own == text;
    let found = POLICIES.iter().find(wanted).map(|(theirs, _)| *theirs);
    found.ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|(theirs, _)| *theirs).collect();
        format!("the experiment has {}", names.join(", "))
    })
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number = |text: &str| text.trim_start_matches('=').parse::<u64>();
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err("a seed such as `42`, or the first and the last such as `42..46`".to_owned()),
    }
}

pub(super) fn run(arguments: &OpenbArguments) -> Exit {
    let plan = match read(arguments) {
        Ok(plan) => plan,
        Err(errors) => {
            eprint!("{errors}");
            return Exit::BadInput;
        }
    };
    let compared = plan.compare();
    match arguments.format {
        TableFormat::Text => print!("{}", text(&compared)),
        TableFormat::Json => {
            println!("{}", serde_json::to_string_pretty(&compared).expect("the table has only string keys"));
        }
        TableFormat::Csv => print!("{}", csv_text(points(&compared))),
    }
    if compared.iter().all(is_met) { Exit::Fine } else { Exit::ExpectationFailed }
}

fn read(arguments: &OpenbArguments) -> Result<Plan, DataErrors> {
    let source = match &arguments.data {
        None => Source::BuiltIn,
        Some(data) => Source::Folders {
            orders: arguments.orders.clone().unwrap_or_else(|| data.join("orders")),
            expected: arguments.expected.clone().unwrap_or_else(|| data.join("expected")),
            data: data.clone(),
        },
    };
    let workloads = match arguments.workload.as_slice() {
        [] => vec!["default".to_owned()],
        [all] if all == "all" => source.workloads()?,
        some => some.to_vec(),
    };
    let every: Vec<&'static str> = POLICIES.iter().map(|(theirs, _)| *theirs).collect();
    let policies = if arguments.policy.is_empty() { every } else { arguments.policy.clone() };
    Plan::read(&source, &workloads, &policies, &arguments.seeds.clone().collect::<Vec<_>>())
}

/// Whether nothing speaks against it: a policy that draws meets the points of another's draws by chance only.
fn is_met(one: &Compared) -> bool {
    one.policy == RANDOM || one.largest_difference <= EQUAL
}

/// A line for each workload, policy and metric: means over the seeds at some columns, ours and theirs, and the largest
/// difference of all seeds and columns.
fn text(compared: &[Compared]) -> String {
    let columns: Vec<String> = SHOWN.iter().map(|column| format!("{:>15}", format!("{column} %"))).collect();
    let mut text = format!(
        "{:<12} {:<14} {:<21} {}  largest difference\n",
        "workload",
        "policy",
        "metric, ours/theirs",
        columns.concat()
    );
    let mut rest = compared;
    while let Some(first) = rest.first() {
        let is_alike = |one: &&Compared| (&one.workload, one.policy) == (&first.workload, first.policy);
        let (block, others) = rest.split_at(rest.iter().take_while(is_alike).count());
        rest = others;
        for metric in Metric::ALL.map(Metric::name) {
            let of: Vec<&Compared> = block.iter().filter(|one| one.metric == metric).collect();
            let mean = |values: &dyn Fn(&Compared) -> f64| {
                of.iter().map(|one| values(one)).sum::<f64>() / of.len() as f64
            };
            let cell = |column: usize| {
                let (ours, theirs) = (mean(&|one| one.ours[column]), mean(&|one| one.theirs[column]));
                format!("{:>15}", format!("{ours:.2}/{theirs:.2}"))
            };
            let largest = of.iter().map(|one| one.largest_difference).fold(0.0, f64::max);
            let verdict = match of.iter().all(|one| one.largest_difference <= EQUAL) {
                true => "met at every point".to_owned(),
                false if first.policy == RANDOM => deviations(&of),
                false => "MISSED".to_owned(),
            };
            text.push_str(&format!(
                "{:<12} {:<14} {metric:<21} {}  {largest:.2} ({verdict})\n",
                first.workload,
                first.policy,
                SHOWN.map(cell).concat()
            ));
        }
    }
    let points = compared.iter().filter(|one| one.policy != RANDOM).count() * COLUMNS;
    let missed = compared.iter().filter(|one| !is_met(one)).count();
    text.push_str(&format!(
        "{} runs; without randomness {points} points, {missed} of {} curves missed\n",
        compared.len() / Metric::ALL.len(),
        points / COLUMNS
    ));
    text
}

/// How far the mean of a policy that draws lies from the mean of theirs, in their standard deviations, at the columns
/// that were published with one.
fn deviations(of: &[&Compared]) -> String {
    let at = |column: usize| {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let ours: Vec<f64> = of.iter().map(|one| one.ours[column]).collect();
        let theirs: Vec<f64> = of.iter().map(|one| one.theirs[column]).collect();
        let squares = theirs.iter().map(|value| (value - mean(&theirs)) * (value - mean(&theirs)));
        let deviation = (squares.sum::<f64>() / (theirs.len() as f64 - 1.0)).sqrt();
        (mean(&ours) - mean(&theirs)).abs() / deviation
    };
    let [one, two, three] = [95, 100, 130].map(at);
    if [one, two, three].iter().all(|part| part.is_finite()) {
        format!(
            "it draws: means at 95, 100 and 130 % differ by {one:.1}, {two:.1} and {three:.1} standard deviations"
        )
    } else {
        "it draws: one seed says little".to_owned()
    }
}

/// A point of a curve.
#[derive(Serialize)]
struct Point<'a> {
    workload: &'a str,
    policy: &'a str,
    seed: u64,
    metric: &'a str,
    arrived_percent: usize,
    ours: f64,
    theirs: f64,
}

fn points(compared: &[Compared]) -> impl Iterator<Item = Point<'_>> {
    compared.iter().flat_map(|one| {
        (0..COLUMNS).map(|column| Point {
            workload: &one.workload,
            policy: one.policy,
            seed: one.seed,
            metric: one.metric,
            arrived_percent: column,
            ours: one.ours[column],
            theirs: one.theirs[column],
        })
    })
}
