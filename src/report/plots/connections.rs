//! How connections came about.

use super::{Plot, percent_text};
use crate::observe::ConnectionRow;
use crate::report::chart::{Bar, BarChart, Color, grouped, palette};
use crate::report::tables::Tables;

/// The ends of a dial, with their colours and the column that counts them.
type DialEnd = (&'static str, Color, fn(&ConnectionRow) -> u64);
const DIAL_ENDS: [DialEnd; 6] = [
    ("direct: dialled at its own address", palette::GREEN, |row| row.direct),
    ("reversed: relayed first, then dialled back", palette::SKY, |row| row.reversed),
    ("punched: relayed first, then through a hole", palette::BLUE, |row| row.punched),
    ("relayed to the end", palette::ORANGE, |row| row.relayed),
    ("failed: unreachable", palette::VERMILLION, |row| row.unreachable),
    ("failed: refused or cut off", palette::PURPLE, |row| row.refused),
];

pub(super) fn connections(tables: &Tables) -> Option<Plot> {
    let rows = &tables.connections;
    let total = |count: fn(&ConnectionRow) -> u64| rows.iter().map(count).sum::<u64>() as f64;
    let bars: Vec<Bar> = DIAL_ENDS
        .iter()
        .map(|(name, color, count)| Bar { name: (*name).to_owned(), value: total(*count), color: *color })
        .collect();
    let dials: f64 = bars.iter().map(|bar| bar.value).sum();
    if dials == 0.0 {
        return None;
    }
    let reached = tables.metric("pairs.reached_fraction");
    let would = reached.map_or_else(String::new, |share| {
        format!(" At the end {} of all ordered pairs of peers would connect.", percent_text(share))
    });
    Some(Plot::of_bars(
        "connections",
        format!(
            "How the {} dials for messages ended; connections.csv has them by what stands before both.{would}",
            grouped(dials)
        ),
        &BarChart::new("Connections dialled for messages, by their way", bars),
        "way",
        "dials",
    ))
}
