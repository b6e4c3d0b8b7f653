//! What the page knows of a run, as one JSON text: the tables by columns, every text once.
//!
//! A page is one file, so it has limits; what is left out is said in sentences that the page shows. A server has none.

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::meaning::meaning;
use crate::observe::{DeploymentRow, HistoryRow, MessageRow, PeerRow};
use crate::report::Tables;
use crate::report::chart::grouped;

/// The outline of the land: rings of longitude and latitude in degrees. Natural Earth, see `data/README.md`.
const LAND: &str = include_str!("../../../data/geo/land.json");
/// Where there is no row of another table.
const NONE: i64 = -1;

/// How many rows of the tables a page holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Of `history.csv`.
    pub history: usize,
    /// Of `messages.csv`.
    pub messages: usize,
    /// Of `peers.csv`, `deployments.csv`, `allocations.csv` and `refusals.csv`, each.
    pub rows: usize,
}

impl Limits {
    /// Of a page that a browser opens without delay: about ten megabytes.
    pub const FILE: Self = Self { history: 400_000, messages: 150_000, rows: 100_000 };
    /// None.
    pub const NONE: Self = Self { history: usize::MAX, messages: usize::MAX, rows: usize::MAX };
}

/// Texts, each once, by their numbers.
#[derive(Default)]
struct Strings {
    texts: Vec<String>,
    numbers: FxHashMap<String, u32>,
}

impl Strings {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    seed: String,
    profile: &'a str,
    signatures: &'a str,
    digest: &'a str,
    duration_s: f64,
    stop_reason: &'a str,
}

/// Columns of a table, in the order of its rows: `{"column": [value, ...], ...}`.
macro_rules! columns {
    ($name:ident { $($column:ident: $kind:ty),+ $(,)? }) => {
        #[derive(Default, Serialize)]
        struct $name { $($column: Vec<$kind>),+ }
    };
}

columns!(Peers {
    peer: u32, role: u32, organization: u32, city: u32, country: u32, continent: u32, lat: Option<f64>,
    lon: Option<f64>, up_fraction: Option<f64>, crashes: u32, memberships: u32,
});
columns!(Deployments {
    name: u32, orchestrator: i64, ensemble: u32, submitted_s: f64, running_s: Option<f64>, ended_s: Option<f64>,
    status: u32, outcome: u32, reason: u32, rounds: u32, attempts: u32, bids: u32, redeployments: u32,
});
columns!(Allocations {
    deployment: u32, node: u32, allocation: u32, generation: u32, kind: u32, peer: i64, committed_s: f64,
    started_s: Option<f64>, ended_s: Option<f64>, end: u32, cpu_cores: f64, ram_bytes: u64, wanted_s: f64,
    served_s: f64,
});
columns!(Refusals {
    row: usize,
    deployment: i64,
    stage: u32,
    reason: u32,
    amount_class: u32,
    count: u64,
    first_time_s: f64,
    first_peer: i64,
    example: u32,
    meaning: u32,
});
columns!(History {
    time_ms: u64,
    kind: u32,
    peer: i64,
    deployment: i64,
    node: u32,
    allocation: u32,
    generation: i64,
    state: u32,
    reason: u32,
    concerned: u32,
});
columns!(Messages {
    message: u64, deployment: u32, behaviour: u32, from: i64, to: i64, is_broadcast: u8, size_bytes: u64, sent_ms: f64,
    arrived_ms: Option<f64>, ended_ms: Option<f64>, end: u32,
});

#[derive(Serialize)]
struct Data<'a> {
    schema: u32,
    run: Run<'a>,
    strings: Vec<String>,
    peers: Peers,
    initially_down: Vec<usize>,
    deployments: Deployments,
    allocations: Allocations,
    refusals: Refusals,
    history: History,
    messages: Messages,
    left_out: Vec<String>,
    land: &'a serde_json::value::RawValue,
}

/// Makes columns of rows.
struct Maker<'a> {
    tables: &'a Tables,
    limits: Limits,
    strings: Strings,
    /// The rows of peers by their names.
    peers: FxHashMap<&'a str, usize>,
    left_out: Vec<String>,
}

/// The data of a run as JSON.
///
/// # Panics
/// Never: the data has only keys that JSON can hold.
#[must_use]
pub fn json(tables: &Tables, limits: Limits) -> String {
    let peers = tables.peers.iter().enumerate().map(|(row, peer)| (&*peer.peer, row)).collect();
    let mut maker = Maker { tables, limits, strings: Strings::default(), peers, left_out: Vec::new() };
    // The page takes the number 0 for nothing.
    maker.strings.number("");
    let land: &serde_json::value::RawValue =
        serde_json::from_str(LAND).expect("the outline of the land is JSON, a test says so");
    let run = &tables.run;
    let data = Data {
        schema: 1,
        run: Run {
            name: &run.name,
            // Beyond 2^53 a number of the page is another one.
            seed: run.seed.to_string(),
            profile: &run.profile,
            signatures: &run.signatures,
            digest: &run.digest,
            duration_s: run.duration_s,
            stop_reason: &run.stop_reason,
        },
        peers: maker.peers(),
        initially_down: maker.initially_down(),
        deployments: maker.deployments(),
        allocations: maker.allocations(),
        refusals: maker.refusals(),
        history: maker.history(),
        messages: maker.messages(),
        strings: maker.strings.texts,
        left_out: maker.left_out,
        land,
    };
    serde_json::to_string(&data).expect("all keys are texts")
}

/// The data of a run, small enough to lie in a page: gzip as base64.
///
/// # Panics
/// Never: memory takes all of it.
#[must_use]
pub fn packed(json: &str) -> String {
    // This encoder writes no modification time, which would differ from run to run.
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(6));
    let bytes = packer.write_all(json.as_bytes()).and_then(|()| packer.finish());
    data_encoding::BASE64.encode(&bytes.expect("memory takes all of it"))
}

/// Milliseconds with the three decimals that tell messages apart.
fn milliseconds(seconds: f64) -> f64 {
    libm::round(seconds * 1e6) / 1e3
}

const fn finite(number: f64) -> Option<f64> {
    if number.is_finite() { Some(number) } else { None }
}

impl Maker<'_> {
    fn text(&mut self, text: &str) -> u32 {
        self.strings.number(text)
    }

    fn peer(&self, name: &str) -> i64 {
        self.peers.get(name).filter(|row| **row < self.limits.rows).map_or(NONE, |row| *row as i64)
    }

    /// The first rows of a table, and what is said where that is not all.
    fn within<R>(&mut self, rows: &[R], limit: usize, what: &str) -> usize {
        if rows.len() > limit {
            let (shown, all) = (grouped(limit as f64), grouped(rows.len() as f64));
            self.left_out.push(format!("The page holds the first {shown} of {all} {what}."));
        }
        rows.len().min(limit)
    }

    fn peers(&mut self) -> Peers {
        let tables = self.tables;
        let shown = self.within(&tables.peers, self.limits.rows, "peers");
        let mut columns = Peers::default();
        for row in &tables.peers[..shown] {
            columns.peer.push(self.text(&row.peer));
            columns.role.push(self.text(&row.role));
            columns.organization.push(self.text(&row.organization));
            columns.city.push(self.text(&row.city));
            columns.country.push(self.text(&row.country));
            columns.continent.push(self.text(&row.continent));
            columns.lat.push(finite(row.lat));
            columns.lon.push(finite(row.lon));
            columns.up_fraction.push(finite(row.up_fraction));
            columns.crashes.push(row.crashes);
            columns.memberships.push(self.text(&row.memberships));
        }
        columns
    }

    /// Peers that are not up when the run begins: what is first told of them is that they have come up, or they never
    /// were.
    fn initially_down(&self) -> Vec<usize> {
        let mut told = BTreeSet::new();
        let mut down: BTreeSet<usize> = BTreeSet::new();
        for row in self.tables.history.iter().filter(|row| matches!(&*row.kind, "peer_up" | "peer_down")) {
            let Some(peer) = self.peers.get(&*row.peer) else { continue };
            if told.insert(*peer) && &*row.kind == "peer_up" {
                down.insert(*peer);
            }
        }
        let never = |(_, peer): &(usize, &PeerRow)| peer.up_fraction == 0.0;
        down.extend(self.tables.peers.iter().enumerate().filter(never).map(|(row, _)| row));
        down.into_iter().filter(|row| *row < self.limits.rows).collect()
    }

    fn deployments(&mut self) -> Deployments {
        let tables = self.tables;
        let shown = self.within(&tables.deployments, self.limits.rows, "deployments");
        let mut columns = Deployments::default();
        for row in &tables.deployments[..shown] {
            let DeploymentRow { submitted_s, running_s, ended_s, .. } = row;
            columns.name.push(self.text(&row.name));
            columns.orchestrator.push(self.peer(&row.orchestrator));
            columns.ensemble.push(self.text(&row.ensemble));
            columns.submitted_s.push(*submitted_s);
            columns.running_s.push(*running_s);
            columns.ended_s.push(*ended_s);
            columns.status.push(self.text(&row.status));
            columns.outcome.push(self.text(&row.outcome));
            columns.reason.push(self.text(&row.reason));
            columns.rounds.push(row.rounds);
            columns.attempts.push(row.attempts);
            columns.bids.push(row.bids);
            columns.redeployments.push(row.redeployments);
        }
        columns
    }

    fn allocations(&mut self) -> Allocations {
        let tables = self.tables;
        let shown = self.within(&tables.allocations, self.limits.rows, "allocations");
        let mut columns = Allocations::default();
        for row in &tables.allocations[..shown] {
            columns.deployment.push(row.deployment);
            columns.node.push(self.text(&row.node));
            columns.allocation.push(self.text(&row.allocation));
            columns.generation.push(row.generation);
            columns.kind.push(self.text(&row.kind));
            columns.peer.push(self.peer(&row.peer));
            columns.committed_s.push(row.committed_s);
            columns.started_s.push(row.started_s);
            columns.ended_s.push(row.ended_s);
            columns.end.push(self.text(&row.end));
            columns.cpu_cores.push(row.cpu_cores);
            columns.ram_bytes.push(row.ram_bytes);
            columns.wanted_s.push(row.wanted_s);
            columns.served_s.push(row.served_s);
        }
        columns
    }

    fn refusals(&mut self) -> Refusals {
        let tables = self.tables;
        let shown = self.within(&tables.refusals, self.limits.rows, "kinds of refusals");
        let mut columns = Refusals::default();
        for (row, number) in tables.refusals[..shown].iter().zip(1..) {
            columns.row.push(number);
            columns.deployment.push(row.deployment.map_or(NONE, i64::from));
            columns.stage.push(self.text(&row.stage));
            columns.reason.push(self.text(&row.reason));
            columns.amount_class.push(self.text(&row.amount_class));
            columns.count.push(row.count);
            columns.first_time_s.push(row.first_time_s);
            columns.first_peer.push(self.peer(&row.first_peer));
            columns.example.push(self.text(&row.example));
            columns.meaning.push(self.text(&meaning(&row.stage, &row.reason)));
        }
        columns
    }

    fn history(&mut self) -> History {
        let tables = self.tables;
        let (rows, counts): (Vec<_>, Vec<_>) = tables
            .history
            .iter()
            .partition(|row: &&HistoryRow| row.deployment.is_some() || &*row.kind != "left_out");
        for row in counts {
            let what = match &*row.state {
                "messages" => "messages of deployments that are like others at the same step",
                "rows" => "later rows of the history",
                other => other,
            };
            let count = row.reason.parse::<f64>().map_or_else(|_| row.reason.to_string(), grouped);
            self.left_out.push(format!("The run recorded no details of {count} {what}."));
        }
        let shown = rows.len().min(self.limits.history);
        if let Some(last) = rows.get(shown) {
            let end = super::clock(last.time_s);
            self.left_out.push(format!(
                "The replay ends at {end}: the rest of the history does not fit into one file; `dmsim report --serve` \
                 has all of it."
            ));
        }
        let mut columns = History::default();
        for row in &rows[..shown] {
            columns.time_ms.push(libm::round(row.time_s * 1e3) as u64);
            columns.kind.push(self.text(&row.kind));
            columns.peer.push(self.peer(&row.peer));
            columns.deployment.push(row.deployment.map_or(NONE, i64::from));
            columns.node.push(self.text(&row.node));
            columns.allocation.push(self.text(&row.allocation));
            columns.generation.push(row.generation.map_or(NONE, i64::from));
            columns.state.push(self.text(&row.state));
            columns.reason.push(self.text(&row.reason));
            columns.concerned.push(self.text(&row.concerned));
        }
        columns
    }

    fn messages(&mut self) -> Messages {
        let tables = self.tables;
        // Whole deployments, so that what is shown of one is all of it.
        let mut counts = vec![0_usize; tables.deployments.len()];
        for row in &tables.messages {
            if let Some(count) = counts.get_mut(row.deployment as usize) {
                *count += 1;
            }
        }
        let mut sum = 0;
        let mut fits = |count: &usize| {
            sum += count;
            sum <= self.limits.messages
        };
        let shown = counts.iter().position(|count| !fits(count)).unwrap_or(counts.len());
        if shown < counts.len() {
            self.left_out.push(format!(
                "The page holds the messages of the first {} of {} deployments; `dmsim report --serve` has those of \
                 all.",
                grouped(shown as f64),
                grouped(counts.len() as f64)
            ));
        }
        let mut columns = Messages::default();
        for row in tables.messages.iter().filter(|row: &&MessageRow| (row.deployment as usize) < shown) {
            columns.message.push(row.message);
            columns.deployment.push(row.deployment);
            columns.behaviour.push(self.text(&row.behaviour));
            columns.from.push(self.peer(&row.from));
            columns.to.push(self.peer(&row.to));
            columns.is_broadcast.push(u8::from(row.is_broadcast));
            columns.size_bytes.push(row.size_bytes);
            columns.sent_ms.push(milliseconds(row.sent_s));
            columns.arrived_ms.push(row.arrived_s.map(milliseconds));
            columns.ended_ms.push(row.ended_s.map(milliseconds));
            columns.end.push(self.text(&row.end));
        }
        columns
    }
}
