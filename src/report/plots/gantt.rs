//! Which peer ran what when.

use std::collections::BTreeMap;

use super::{Plot, time_axis};
use crate::observe::AllocationRow;
use crate::report::chart::{Item, Key, Look, Row, RowChart, grouped, palette};
use crate::report::tables::Tables;

/// Peers that have a row.
const MOST_PEERS: usize = 40;

const DOWN: usize = 0;
const STARTING: usize = 1;
const SERVICE: usize = 2;
const TASK: usize = 3;
const LOST: usize = 4;
const FAILED: usize = 5;
const REPLACED: usize = 6;

/// The keys, in the order of these numbers.
const KEYS: [(&str, Look); 7] = [
    ("peer down", Look::Shade(palette::GRID)),
    ("committed, not started", Look::Thin(palette::ORANGE)),
    ("service", Look::Bar(palette::BLUE)),
    ("task", Look::Hatched(palette::GREEN)),
    ("peer lost", Look::Cross(palette::VERMILLION)),
    ("failed", Look::Diamond(palette::VERMILLION)),
    ("redeployed to here", Look::Diamond(palette::PURPLE)),
];

/// When each peer was down, by its name.
pub(super) fn down_times(tables: &Tables) -> BTreeMap<&str, Vec<(f64, f64)>> {
    let mut spans: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut since: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    for row in &tables.history {
        match &*row.kind {
            "peer_down" => {
                since.entry(&row.peer).or_insert(None).get_or_insert(row.time_s);
            }
            "peer_up" => match since.insert(&row.peer, None) {
                Some(Some(from)) => spans.entry(&row.peer).or_default().push((from, row.time_s)),
                Some(None) => {}
                // Whose first row is that it comes up has been down since the beginning.
                None => spans.entry(&row.peer).or_default().push((0.0, row.time_s)),
            },
            _ => {}
        }
    }
    let end = tables.run.duration_s;
    for (peer, from) in since {
        if let Some(from) = from {
            spans.entry(peer).or_default().push((from, end));
        }
    }
    spans
}

pub(super) fn gantt(tables: &Tables) -> Option<Plot> {
    let end = tables.run.duration_s;
    let mut by_peer: BTreeMap<&str, Vec<&AllocationRow>> = BTreeMap::new();
    for row in &tables.allocations {
        by_peer.entry(&row.peer).or_default().push(row);
    }
    if by_peer.is_empty() {
        return None;
    }
    let busy = |rows: &[&AllocationRow]| {
        let held = rows.iter().map(|row| row.ended_s.unwrap_or(end) - row.committed_s);
        held.sum::<f64>()
    };
    let mut peers: Vec<(&str, Vec<&AllocationRow>)> = by_peer.into_iter().collect();
    peers.sort_by(|a, b| busy(&b.1).total_cmp(&busy(&a.1)).then_with(|| a.0.cmp(b.0)));
    let all = peers.len();
    peers.truncate(MOST_PEERS);
    let down = down_times(tables);
    let row = |(peer, rows): &(&str, Vec<&AllocationRow>)| {
        let shades =
            down.get(peer).into_iter().flatten().map(|(from, to)| Item { key: DOWN, from: *from, to: *to });
        let items = shades.chain(rows.iter().flat_map(|row| items_of(row, end)));
        Row { name: (*peer).to_owned(), items: items.collect() }
    };
    let left_out = all - peers.len();
    let note = match left_out {
        0 => "rows: peers, the most used first".to_owned(),
        _ => format!(
            "rows: the {} most used peers; {} more are left out",
            peers.len(),
            grouped(left_out as f64)
        ),
    };
    let chart = RowChart {
        title: "Allocations by peer".to_owned(),
        note,
        x: time_axis(tables),
        keys: KEYS.map(|(name, look)| Key { name: name.to_owned(), look }).to_vec(),
        rows: peers.iter().map(row).collect(),
    };
    let no_history = match tables.history.is_empty() {
        true => " When peers were down is not known: the run was made without a history.",
        false => "",
    };
    let caption = format!(
        "The {} allocations of the run on the peers that ran them, from commit to end; several at a time are drawn \
         under each other.{no_history}",
        grouped(tables.allocations.len() as f64)
    );
    let said =
        || format!("{} less used peers of {} are left out", grouped(left_out as f64), grouped(all as f64));
    Some(Plot::of_rows("gantt", caption, &chart, "peer").leaving_out((left_out > 0).then(said)))
}

fn items_of(row: &AllocationRow, end: f64) -> Vec<Item> {
    let ended = row.ended_s.unwrap_or(end);
    let key = if &*row.kind == "task" { TASK } else { SERVICE };
    let mut items = Vec::new();
    match row.started_s {
        Some(started) => items.push(Item { key, from: started, to: ended }),
        None => items.push(Item { key: STARTING, from: row.committed_s, to: ended }),
    }
    let moment = |key, at| Item { key, from: at, to: at };
    match &*row.end {
        "peer lost" | "crashed" => items.push(moment(LOST, ended)),
        "failed" | "lease ended" => items.push(moment(FAILED, ended)),
        _ => {}
    }
    if row.generation > 0
        && let Some(started) = row.started_s
    {
        items.push(moment(REPLACED, started));
    }
    items
}
