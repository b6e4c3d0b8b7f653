//! Deployments by their state.

use std::collections::BTreeMap;

use super::{Plot, count_axis, time_axis};
use crate::report::chart::{Chart, Color, Mark, Panel, Series, palette};
use crate::report::tables::Tables;

/// The states of a deployment from the bottom of the stack up, as the tables name them, with their colours.
const STATUSES: [(&str, Color); 8] = [
    ("completed", palette::GREEN),
    ("running", palette::BLUE),
    ("updating", palette::PURPLE),
    ("provisioning", palette::SKY),
    ("committing", palette::YELLOW),
    ("preparing", palette::ORANGE),
    ("shuttingdown", palette::GREY),
    ("failed", palette::VERMILLION),
];

pub(super) fn deployments(tables: &Tables) -> Option<Plot> {
    let mut found = tables.samples_by("deployments", "status");
    found.retain(|(_, samples)| samples.iter().any(|(_, value)| *value > 0.0));
    if found.is_empty() {
        return None;
    }
    let rank = |status: &str| STATUSES.iter().position(|(name, _)| *name == status).unwrap_or(STATUSES.len());
    found.sort_by_key(|(status, _)| rank(status));
    // States may be sampled at different moments; each keeps its last value until its next sample. Keyed by
    // the bits of the time: for positive floats their order is that of the times.
    let mut moments: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
    for (at, (_, samples)) in found.iter().enumerate() {
        for (time, value) in samples {
            moments.entry(time.max(0.0).to_bits()).or_default().push((at, *value));
        }
    }
    let mut current = vec![0.0; found.len()];
    let mut bands = vec![Vec::with_capacity(moments.len()); found.len()];
    for (time, changes) in moments {
        for (at, value) in changes {
            current[at] = value;
        }
        let mut floor = 0.0;
        for (band, value) in bands.iter_mut().zip(&current) {
            band.push((f64::from_bits(time), floor, floor + value));
            floor += value;
        }
    }
    let series = found.iter().zip(bands).map(|((status, _), band)| {
        let color = STATUSES.get(rank(status)).map_or(palette::INK, |(_, color)| *color);
        let name = if *status == "shuttingdown" { "shutting down" } else { status };
        Series::new(name, color, Mark::Band(band))
    });
    let panel = Panel::new(count_axis("deployments asked for so far"), series.collect());
    Some(Plot::of(
        "deployments",
        "Every deployment asked for so far, by its state at that moment. Stacked: the upper edge is the \
                  number asked for."
            .into(),
        &Chart::new("Deployments by state", time_axis(tables), vec![panel]),
        "time_s",
        "deployments",
    ))
}
