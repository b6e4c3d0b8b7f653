//! The page of a run: one HTML file with everything inside, readable offline, in light and dark.
//!
//! The template has what reads without a script: summary, plots, failures. The rest (replay, tables of any length,
//! details) is made in the browser from the [`data`] of the run, by the scripts beside this file, which are joined in
//! the order of `SCRIPTS`.
//!
//! All text comes from scenario files and simulated peers, so all of it is escaped: by the template outside
//! the plots, by the charts inside them, and by the scripts, which set it as text. Characters that neither HTML nor XML
//! can hold are replaced.

pub mod data;
mod meaning;

use indexmap::IndexMap;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::ReportError;
use super::chart::printable;
use super::plots::{Plot, duration_text, percent_text};
use super::tables::Tables;
use crate::observe::rows::SCHEMA_VERSION;
use crate::observe::{DeploymentRow, Text};
pub use data::Limits;

/// Rows of the contracts table.
const MOST_CONTRACTS: usize = 500;
/// Rows of the attacks table.
const MOST_ATTACKERS: usize = 500;

const TEMPLATE: &str = include_str!("template.html");
pub(super) const STYLE: &str = include_str!("style.css");
/// The scripts of the page: data and texts first, then what shows them.
const SCRIPTS: [&str; 8] = [
    include_str!("data.js"),
    include_str!("format.js"),
    include_str!("table.js"),
    include_str!("detail.js"),
    include_str!("map.js"),
    include_str!("replay.js"),
    include_str!("links.js"),
    include_str!("main.js"),
];

/// What tables need that are part of the markup: to be sorted and searched.
pub(super) const SCRIPT_OF_TABLES: [&str; 4] = [
    "\"use strict\";\n",
    include_str!("format.js"),
    include_str!("table.js"),
    "document.querySelectorAll(\"table.sortable\").forEach(enliven);\n",
];

/// Where the page has its data from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// It holds them, within these limits.
    Inside(Limits),
    /// A server has them under this name beside the page.
    Beside(&'static str),
}

/// A number of the summary.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    /// `good`, `bad` or empty.
    tone: &'static str,
}

#[derive(Serialize)]
struct Expectation {
    expression: String,
    value: String,
    passed: bool,
}

#[derive(Serialize)]
struct Failure {
    reason: String,
    count: usize,
    share: String,
    example: String,
    submitted: String,
}

/// A table cell: what it shows, and the number that it is sorted by, where the text would sort wrongly.
#[derive(Serialize)]
struct Cell {
    text: String,
    sort: String,
}

impl Cell {
    fn text(text: &str) -> Self {
        Self { text: printable(text), sort: String::new() }
    }
    fn number(number: impl Into<u64>) -> Self {
        let text = number.into().to_string();
        Self { sort: text.clone(), text }
    }
    /// An exact decimal text, as it is.
    fn amount(text: &str) -> Self {
        Self { text: printable(text), sort: printable(text) }
    }
    fn time(seconds: Option<f64>, text: impl Fn(f64) -> String) -> Self {
        Self {
            text: seconds.map_or_else(String::new, text),
            // Missing times sort after all others.
            sort: seconds.map_or_else(|| "1e18".to_owned(), |seconds| format!("{seconds}")),
        }
    }
}

/// A plot on the page.
#[derive(Serialize)]
pub(super) struct Picture<'a> {
    name: &'static str,
    caption: String,
    svg: &'a str,
}

impl<'a> From<&'a Plot> for Picture<'a> {
    fn from(plot: &'a Plot) -> Self {
        Self { name: plot.name, caption: printable(&plot.caption), svg: &plot.svg }
    }
}

/// Everything that the template shows.
#[derive(Serialize)]
struct Page<'a> {
    name: String,
    seed: String,
    profile: String,
    signatures: String,
    digest: String,
    duration: String,
    stop_reason: String,
    schema: u32,
    /// Path and hash.
    inputs: Vec<(String, String)>,
    expectations: Vec<Expectation>,
    failed_expectations: usize,
    tiles: Vec<Tile>,
    plots: Vec<Picture<'a>>,
    failures: Vec<Failure>,
    deployments_total: usize,
    tables: Vec<Table>,
    provenance: Option<Made>,
    style: &'static str,
    script: String,
    data: String,
    data_url: Option<&'static str>,
}

/// Makes the page.
///
/// # Errors
/// [`ReportError::Template`] if the template is faulty.
pub fn html(tables: &Tables, plots: &[Plot], source: Source) -> Result<String, ReportError> {
    let (data, data_url) = match source {
        Source::Inside(limits) => (data::packed(&data::json(tables, limits)), None),
        Source::Beside(url) => (String::new(), Some(url)),
    };
    let run = &tables.run;
    let page = Page {
        name: printable(&run.name),
        seed: run.seed.to_string(),
        profile: printable(&run.profile),
        signatures: printable(&run.signatures),
        digest: printable(&run.digest),
        duration: clock(run.duration_s),
        stop_reason: printable(&run.stop_reason),
        schema: SCHEMA_VERSION,
        inputs: run.inputs.iter().map(|input| (printable(&input.path), printable(&input.sha256))).collect(),
        expectations: expectations(tables),
        failed_expectations: run.expectations.iter().filter(|verdict| !verdict.passed).count(),
        tiles: tiles(tables),
        plots: plots.iter().map(Picture::from).collect(),
        failures: failures(tables),
        deployments_total: tables.deployments.len(),
        tables: [contract_table(tables), attack_table(tables)]
            .into_iter()
            .filter(|table| table.total > 0)
            .collect(),
        provenance: provenance(tables),
        style: STYLE,
        script: SCRIPTS.concat(),
        data,
        data_url,
    };
    let fault = |error: minijinja::Error| ReportError::Template(format!("{error:#}"));
    let mut environment = environment();
    environment.add_template("report.html", TEMPLATE).map_err(fault)?;
    environment.get_template("report.html").and_then(|template| template.render(Serde(&page))).map_err(fault)
}

/// Renders templates. A name that ends in .html has every value escaped unless the template says otherwise: only the
/// plots, the style, the script and the packed data do.
pub(super) fn environment() -> Environment<'static> {
    Environment::new()
}

#[derive(Serialize)]
struct Made {
    version: String,
    commit: String,
    command: String,
    wall: String,
    events: String,
    cores: u32,
}

fn provenance(tables: &Tables) -> Option<Made> {
    let made = tables.provenance.as_ref()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    let quoted = made.command_line.iter().map(|argument| {
        let bare = !argument.is_empty() && argument.chars().all(plain);
        if bare { argument.clone() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
    });
    Some(Made {
        version: printable(&made.version),
        commit: printable(made.commit.as_deref().unwrap_or_default()),
        command: printable(&quoted.collect::<Vec<_>>().join(" ")),
        wall: duration_text(made.wall_s),
        events: super::chart::grouped(made.event_count as f64),
        cores: made.host_cores,
    })
}

fn expectations(tables: &Tables) -> Vec<Expectation> {
    let verdicts = tables.run.expectations.iter().map(|verdict| Expectation {
        expression: printable(&verdict.expression),
        value: verdict.value.map_or_else(|| "nothing measured".to_owned(), short_number),
        passed: verdict.passed,
    });
    verdicts.collect()
}

/// A number with at most six decimals and no trailing zeros.
fn short_number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn tiles(tables: &Tables) -> Vec<Tile> {
    let count = |name: &str| tables.metric(name).map_or_else(|| "–".to_owned(), super::chart::grouped);
    let span = |name: &str| tables.metric(name).map_or_else(|| "–".to_owned(), duration_text);
    let share = |name: &str| tables.metric(name).map_or_else(|| "–".to_owned(), percent_text);
    let tone =
        |name: &str, tone: &'static str| if tables.metric(name).unwrap_or(0.0) > 0.0 { tone } else { "" };
    vec![
        Tile { label: "deployments asked", value: count("deployments.asked"), tone: "" },
        Tile {
            label: "succeeded",
            value: count("deployments.succeeded"),
            tone: tone("deployments.succeeded", "good"),
        },
        Tile { label: "failed", value: count("deployments.failed"), tone: tone("deployments.failed", "bad") },
        Tile { label: "service availability", value: share("services.availability"), tone: "" },
        Tile { label: "time to running p50", value: span("time_to_running.p50"), tone: "" },
        Tile { label: "time to running p95", value: span("time_to_running.p95"), tone: "" },
        Tile { label: "redeployments", value: count("redeployments"), tone: "" },
        Tile { label: "departures of peers", value: count("peers.lost"), tone: "" },
    ]
}

fn failed(row: &DeploymentRow) -> bool {
    &*row.outcome == "failed" || &*row.status == "failed"
}

fn failures(tables: &Tables) -> Vec<Failure> {
    let mut reasons: IndexMap<&Text, Vec<&DeploymentRow>> = IndexMap::new();
    for row in tables.deployments.iter().filter(|row| failed(row)) {
        reasons.entry(&row.reason).or_default().push(row);
    }
    let total = tables.deployments.len().max(1) as f64;
    let mut sorted: Vec<_> = reasons.into_iter().collect();
    sorted.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let lines = sorted.into_iter().map(|(reason, rows)| Failure {
        reason: if reason.is_empty() { "no reason recorded".to_owned() } else { printable(reason) },
        count: rows.len(),
        share: percent_text(rows.len() as f64 / total),
        example: format!("#{} {}", rows[0].deployment, printable(&rows[0].name)),
        submitted: clock(rows[0].submitted_s),
    });
    lines.collect()
}

/// A table that can be sorted and filtered.
#[derive(Serialize)]
struct Table {
    title: &'static str,
    /// Also the name of its file, without `.csv`.
    id: &'static str,
    /// What may be filtered for.
    hint: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
    /// How many rows there are, shown or not.
    total: usize,
    /// Which rows are shown where there are too many.
    order: &'static str,
}

/// The contracts, in the order in which they were made.
fn contract_table(tables: &Tables) -> Table {
    let cells = tables.contracts.iter().take(MOST_CONTRACTS).map(|row| {
        vec![
            Cell::number(row.contract),
            Cell::text(&row.name),
            Cell::text(&row.requestor),
            Cell::text(&row.provider),
            Cell::text(&row.host),
            Cell::text(&row.model),
            Cell::text(&row.state),
            Cell::time(row.accepted_s, clock),
            Cell::time(row.ended_s, clock),
            Cell::number(row.usage_events),
            Cell::number(row.usage_lost),
            Cell::number(row.invoices),
            Cell::amount(&row.invoiced),
            Cell::amount(&row.paid),
            Cell::text(&row.currency),
        ]
    });
    Table {
        title: "Contracts",
        id: "contracts",
        hint: "a name, a party, a model, a state",
        columns: &[
            "#",
            "name",
            "requestor",
            "provider",
            "host",
            "model",
            "state",
            "accepted",
            "ended",
            "usage events",
            "lost",
            "invoices",
            "invoiced",
            "paid",
            "currency",
        ],
        rows: cells.collect(),
        total: tables.contracts.len(),
        order: "the first ones",
    }
}

/// The attackers, those that succeeded first.
fn attack_table(tables: &Tables) -> Table {
    let mut rows: Vec<_> = tables.attacks.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.successes));
    let cells = rows.into_iter().take(MOST_ATTACKERS).map(|row| {
        vec![
            Cell::text(&row.attack),
            Cell::text(&row.peer),
            Cell::text(&row.organization),
            Cell::time(Some(row.start_s), clock),
            Cell::number(row.attempts),
            Cell::number(row.executed),
            Cell::number(row.refused),
            Cell::number(row.successes),
            Cell::number(row.before_anchoring),
            Cell::time(row.shut_out_after_s, duration_text),
            Cell::time(row.graylisted_after_s, duration_text),
            Cell::text(&row.example),
        ]
    });
    Table {
        title: "Attacks",
        id: "attacks",
        hint: "an attack, a peer",
        columns: &[
            "attack",
            "peer",
            "member of",
            "start",
            "attempts",
            "executed",
            "refused",
            "successes",
            "before anchoring",
            "shut out after",
            "graylisted after",
            "first success",
        ],
        rows: cells.collect(),
        total: tables.attacks.len(),
        order: "those that succeeded first",
    }
}

/// A moment of the run as `h:mm:ss`, rounded down to the second.
fn clock(seconds: f64) -> String {
    let whole = libm::floor(seconds.max(0.0)) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}
