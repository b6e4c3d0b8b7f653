//! Who may call whom through which token.

use std::sync::Arc;

use indexmap::map::Entry;
use indexmap::{IndexMap, IndexSet};

use super::Plot;
use super::source::Source;
use crate::observe::{CapabilityRow, Table, Text};
use crate::report::chart::{Dash, Edge, GraphChart, grouped, number, palette, text};

/// Arrows that are drawn, those that stand for most tokens.
const MOST: usize = 40;

pub(super) fn capabilities(source: &Source<'_>) -> Result<Plot, String> {
    let run = source.run()?;
    let rows = &run.tables.capabilities;
    if rows.is_empty() {
        return Err(format!(
            "{} has no capabilities.csv with rows: its peers hold no tokens, or an older version ran it",
            run.name
        ));
    }
    let rows = grouped_rows(rows);
    let mut order: Vec<&CapabilityRow> = rows.iter().collect();
    order.sort_by_key(|row| std::cmp::Reverse(row.count));
    let left_out = order.len().saturating_sub(MOST);
    order.truncate(MOST);
    // In the order of the table, so that what belongs together stands together.
    let kept: Vec<&CapabilityRow> =
        rows.iter().filter(|row| order.iter().any(|one| std::ptr::eq(*one, *row))).collect();
    let boxes: IndexSet<&str> = kept.iter().flat_map(|row| [&*row.from, &*row.to]).collect();
    let place = |name: &str| boxes.get_index_of(name).unwrap_or(0);
    let edge = |row: &&CapabilityRow| {
        let (color, dash) = match &*row.slot {
            "root" => (palette::VERMILLION, Dash::Solid),
            "require" => (palette::GREEN, Dash::Long),
            "provide" => (palette::BLUE, Dash::Short),
            _ => (palette::PURPLE, Dash::Mixed),
        };
        Edge { from: place(&row.from), to: place(&row.to), color, dash, said: said(row) }
    };
    let all = grouped(rows.len() as f64);
    let which = if left_out > 0 { format!(", the {MOST} most frequent of {all}") } else { String::new() };
    let chart = GraphChart {
        title: format!("Who may call whom through which token{which}"),
        note: "solid: root anchor, long dashes: require, short dashes: provide".to_owned(),
        boxes: boxes.iter().map(|name| (*name).to_owned()).collect(),
        edges: kept.iter().map(edge).collect(),
    };
    let caption = "Principals and the tokens between them: an arrow leads from who grants to who holds, and its number \
                   leads to what is granted."
        .to_owned();
    let plot =
        Plot { name: "capabilities", caption, left_out: None, svg: chart.svg(), data: table_of(&rows) };
    let said =
        || format!("the {} of {all} grants with the fewest tokens are left out", grouped(left_out as f64));
    Ok(plot.leaving_out((left_out > 0).then(said)))
}

/// The same tokens with `<id>` for the keys of deployments and nonces in their paths, and taken together where nothing
/// else tells them apart; they end when the last of them does.
fn grouped_rows(rows: &[CapabilityRow]) -> Vec<CapabilityRow> {
    let is_id = |part: &str| part.len() >= 32 && part.chars().all(|c| c.is_ascii_hexdigit());
    let part = |part: &str| if is_id(part) { "<id>".to_owned() } else { part.to_owned() };
    let path = |path: &str| path.split('/').map(part).collect::<Vec<_>>().join("/");
    let mut groups: IndexMap<[Text; 6], CapabilityRow> = IndexMap::new();
    for row in rows {
        let paths: Vec<String> = row.capabilities.split(' ').map(path).collect();
        let capabilities: Text = paths.join(" ").into();
        let row = CapabilityRow { capabilities, ..row.clone() };
        let key =
            [&row.from, &row.to, &row.slot, &row.action, &row.capabilities, &row.topics].map(Arc::clone);
        match groups.entry(key) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.count += row.count;
                // One that does not end outlives all others.
                known.expire_s = known.expire_s.zip(row.expire_s).map(|(one, other)| one.max(other));
            }
            Entry::Vacant(free) => drop(free.insert(row)),
        }
    }
    groups.into_values().collect()
}

fn said(row: &CapabilityRow) -> (String, String) {
    let count =
        if row.count == 1 { String::new() } else { format!(", {} tokens", grouped(row.count as f64)) };
    let until = row.expire_s.map_or_else(String::new, |at| format!(", until {}", moment(at)));
    let topics = if row.topics.is_empty() { String::new() } else { format!(" on {}", row.topics) };
    let told = format!("{} ({}{count}{until}): {}{topics}", row.action, row.slot, row.capabilities);
    (format!("{} → {}", row.from, row.to), told)
}

/// A moment that can lie years away.
fn moment(seconds: f64) -> String {
    match seconds / 86_400.0 {
        days if days >= 2.0 => format!("day {days:.0}"),
        _ => super::duration_text(seconds),
    }
}

fn table_of(rows: &[CapabilityRow]) -> Table<'static> {
    let header = ["from", "to", "slot", "action", "capabilities", "topics", "expire_s", "count"];
    let row = |row: &CapabilityRow| {
        let texts = [&row.from, &row.to, &row.slot, &row.action, &row.capabilities, &row.topics];
        let mut fields: Vec<_> = texts.into_iter().map(|field| text(field)).collect();
        fields.extend([number(row.expire_s.unwrap_or(f64::NAN)), number(row.count as f64)]);
        fields
    };
    Table { header: header.map(str::to_owned).to_vec(), rows: rows.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_many_deployments_are_one_arrow() {
        let row = |capabilities: String, expire_s, count| CapabilityRow {
            from: "node of alice".into(),
            to: "nodes of providers (1000)".into(),
            slot: "require".into(),
            action: "delegate".into(),
            capabilities: capabilities.into(),
            topics: "".into(),
            expire_s,
            count,
        };
        let rows: Vec<CapabilityRow> = (0..5)
            .map(|n| row(format!("/dms/orchestrator/{n:064x} /public"), Some(f64::from(n)), 2))
            .collect();
        let found = grouped_rows(&[rows, vec![row("/dms/deployment".into(), None, 1)]].concat());
        assert_eq!(found.len(), 2);
        assert_eq!((&*found[0].capabilities, found[0].count), ("/dms/orchestrator/<id> /public", 10));
        assert_eq!((found[0].expire_s, found[1].expire_s), (Some(4.0), None));
    }
}
