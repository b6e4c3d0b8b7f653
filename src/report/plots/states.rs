//! The states of deployments over time.

use std::collections::BTreeMap;

use super::{Plot, time_axis};
use crate::observe::DeploymentRow;
use crate::report::chart::{Item, Key, Look, Row, RowChart, grouped, palette};
use crate::report::tables::Tables;

/// Deployments that have a row.
const MOST_DEPLOYMENTS: usize = 80;

/// The states in the order of a life, with how they are drawn; the last is for those that nobody knows.
const STATES: [(&str, Look); 10] = [
    ("waiting", Look::Thin(palette::GREY)),
    ("preparing", Look::Bar(palette::ORANGE)),
    ("committing", Look::Hatched(palette::ORANGE)),
    ("provisioning", Look::Bar(palette::SKY)),
    ("running", Look::Bar(palette::BLUE)),
    ("updating", Look::Hatched(palette::PURPLE)),
    ("shutting down", Look::Thin(palette::GREY)),
    ("other", Look::Hatched(palette::GREY)),
    ("completed", Look::Diamond(palette::GREEN)),
    ("failed", Look::Cross(palette::VERMILLION)),
];

fn place(state: &str) -> usize {
    let plain: String =
        state.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let name = |known: &str| known.replace(' ', "") == plain;
    let other = STATES.iter().position(|(known, _)| *known == "other").expect("it is among them");
    STATES.iter().position(|(known, _)| name(known)).unwrap_or(other)
}

pub(super) fn states(tables: &Tables) -> Option<Plot> {
    let mut changes: BTreeMap<u32, Vec<(f64, &str)>> = BTreeMap::new();
    for row in tables.history.iter().filter(|row| &*row.kind == "deployment_status") {
        if let Some(deployment) = row.deployment {
            changes.entry(deployment).or_default().push((row.time_s, &row.state));
        }
    }
    if changes.is_empty() {
        return None;
    }
    let failed = |row: &DeploymentRow| &*row.outcome == "failed" || &*row.status == "failed";
    let mut shown: Vec<&DeploymentRow> =
        tables.deployments.iter().filter(|row| changes.contains_key(&row.deployment)).collect();
    shown.sort_by_key(|row| (!failed(row), row.deployment));
    let (all, failures) = (shown.len(), shown.iter().filter(|row| failed(row)).count());
    shown.truncate(MOST_DEPLOYMENTS);
    let end = tables.run.duration_s;
    let rows = shown.iter().map(|row| Row {
        name: format!("#{} {}", row.deployment, row.name),
        items: items_of(row.submitted_s, &changes[&row.deployment], end),
    });
    let left_out = all - shown.len();
    let note = match left_out {
        0 => "rows: deployments, those that failed first".to_owned(),
        _ => format!(
            "rows: {} deployments, those that failed first; {} more are left out",
            shown.len(),
            grouped(left_out as f64)
        ),
    };
    let chart = RowChart {
        title: "States of deployments".to_owned(),
        note,
        x: time_axis(tables),
        keys: STATES.map(|(name, look)| Key { name: name.to_owned(), look }).to_vec(),
        rows: rows.collect(),
    };
    let caption = format!(
        "What each deployment went through, from its submission on; {} of {} failed.",
        grouped(failures as f64),
        grouped(all as f64)
    );
    let said = || format!("{} deployments of {} are left out", grouped(left_out as f64), grouped(all as f64));
    Some(Plot::of_rows("states", caption, &chart, "deployment").leaving_out((left_out > 0).then(said)))
}

/// A state lasts until the next; those that end a life are moments.
fn items_of(submitted: f64, changes: &[(f64, &str)], end: f64) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some((first, _)) = changes.first()
        && *first > submitted
    {
        items.push(Item { key: 0, from: submitted, to: *first });
    }
    for (number, (at, state)) in changes.iter().enumerate() {
        let key = place(state);
        let is_moment = matches!(STATES[key].1, Look::Cross(_) | Look::Diamond(_));
        let until = changes.get(number + 1).map_or(end, |(next, _)| *next);
        items.push(Item { key, from: *at, to: if is_moment { *at } else { until } });
    }
    items
}
