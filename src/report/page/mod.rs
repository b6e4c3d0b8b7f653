//! The page of a run: one HTML file with everything inside, readable offline, in light and dark.
//!
//! All text comes from scenario files and simulated peers, so all of it is escaped: by the template outside
//! the plots, by the charts inside them. Characters that neither HTML nor XML can hold are replaced.

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

/// Rows of the deployments table: more make a page slow, and the file has them all.
const MOST_DEPLOYMENTS: usize = 2000;
/// Rows of the contracts table.
const MOST_CONTRACTS: usize = 500;
/// Rows of the refusals table.
const MOST_REFUSALS: usize = 100;
/// Rows of the attacks table.
const MOST_ATTACKERS: usize = 500;

const TEMPLATE: &str = include_str!("template.html");

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
struct Picture<'a> {
    name: &'static str,
    caption: String,
    svg: &'a str,
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
}

/// Makes the page.
///
/// # Errors
/// [`ReportError::Template`] if the template is faulty.
pub fn html(tables: &Tables, plots: &[Plot]) -> Result<String, ReportError> {
    let run = &tables.run;
    let pictures = plots.iter().map(|plot| Picture {
        name: plot.name,
        caption: printable(&plot.caption),
        svg: &plot.svg,
    });
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
        plots: pictures.collect(),
        failures: failures(tables),
        deployments_total: tables.deployments.len(),
        tables: [
            deployment_table(tables),
            contract_table(tables),
            attack_table(tables),
            refusal_table(tables),
        ]
        .into_iter()
        .filter(|table| table.total > 0)
        .collect(),
        provenance: provenance(tables),
    };
    let fault = |error: minijinja::Error| ReportError::Template(format!("{error:#}"));
    let mut environment = Environment::new();
    // The name ends in .html, so every value is escaped unless the template says otherwise (only the plots
    // do).
    environment.add_template("report.html", TEMPLATE).map_err(fault)?;
    environment.get_template("report.html").and_then(|template| template.render(Serde(&page))).map_err(fault)
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

/// The deployments: all, or where there are too many, the failed ones first.
fn deployment_table(tables: &Tables) -> Table {
    let mut rows: Vec<_> = tables.deployments.iter().collect();
    if rows.len() > MOST_DEPLOYMENTS {
        rows.sort_by_key(|row| !failed(row));
        rows.truncate(MOST_DEPLOYMENTS);
    }
    let cells = rows.into_iter().map(|row| {
        vec![
            Cell::number(row.deployment),
            Cell::text(&row.name),
            Cell::text(&row.orchestrator),
            Cell::text(&row.ensemble),
            Cell::time(Some(row.submitted_s), clock),
            Cell::time(row.running_s.map(|running| running - row.submitted_s), duration_text),
            Cell::time(row.ended_s, clock),
            Cell::text(&row.status),
            Cell::text(&row.outcome),
            Cell::text(&row.reason),
            Cell::number(row.rounds),
            Cell::number(row.attempts),
            Cell::number(row.bids),
            Cell::number(row.redeployments),
        ]
    });
    Table {
        title: "Deployments",
        id: "deployments",
        hint: "a name, a status, a reason",
        columns: &[
            "#",
            "name",
            "orchestrator",
            "ensemble",
            "submitted",
            "to running",
            "ended",
            "status",
            "outcome",
            "reason",
            "rounds",
            "attempts",
            "bids",
            "moved",
        ],
        rows: cells.collect(),
        total: tables.deployments.len(),
        order: "failed ones first",
    }
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

/// The refusals, summed over deployments, the most frequent first.
fn refusal_table(tables: &Tables) -> Table {
    struct Kind<'a> {
        count: u64,
        deployments: u32,
        first: &'a crate::observe::RefusalRow,
    }
    let mut kinds: IndexMap<(&str, &str, &str), Kind<'_>> = IndexMap::new();
    for row in &tables.refusals {
        let new = Kind { count: 0, deployments: 0, first: row };
        let kind = kinds.entry((&*row.stage, &*row.reason, &*row.amount_class)).or_insert(new);
        kind.count += row.count;
        kind.deployments += u32::from(row.deployment.is_some());
        if row.first_time_s < kind.first.first_time_s {
            kind.first = row;
        }
    }
    let total = kinds.len();
    let mut sorted: Vec<_> = kinds.into_iter().collect();
    sorted.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
    let cells = sorted.into_iter().take(MOST_REFUSALS).map(|((stage, reason, class), kind)| {
        vec![
            Cell::text(stage),
            Cell::text(reason),
            Cell::text(class),
            Cell::number(kind.count),
            Cell::number(kind.deployments),
            Cell::time(Some(kind.first.first_time_s), clock),
            Cell::text(&kind.first.first_peer),
            Cell::text(&kind.first.example),
        ]
    });
    Table {
        title: "Refusals",
        id: "refusals",
        hint: "a stage, a reason, a peer",
        columns: &[
            "stage",
            "reason",
            "amount class",
            "count",
            "deployments",
            "first",
            "first peer",
            "example",
        ],
        rows: cells.collect(),
        total,
        order: "the most frequent kinds",
    }
}

/// A moment of the run as `h:mm:ss`, rounded down to the second.
fn clock(seconds: f64) -> String {
    let whole = libm::floor(seconds.max(0.0)) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}
