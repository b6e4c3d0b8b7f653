//! Resources in use.

use super::{Plot, count_axis, time_axis};
use crate::report::chart::{Chart, Mark, Panel, Series, palette};
use crate::report::tables::Tables;

pub(super) fn resources(tables: &Tables) -> Option<Plot> {
    let quantities = [
        ("resources.allocated_cpu_cores", "CPU cores allocated", palette::BLUE),
        ("flows.active", "transfers in flight", palette::ORANGE),
    ];
    let panels: Vec<_> = quantities
        .into_iter()
        .map(|(metric, title, color)| (tables.samples(metric), title, color))
        .filter(|(samples, _, _)| samples.iter().any(|(_, value)| *value > 0.0))
        .map(|(samples, title, color)| {
            Panel::new(count_axis(title), vec![Series::new("", color, Mark::Step(samples))])
        })
        .collect();
    if panels.is_empty() {
        return None;
    }
    Some(Plot::of(
        "resources",
        "CPU cores held by allocations over all peers, and transfers (images, volumes) in flight.".into(),
        &Chart::new("Resources in use", time_axis(tables), panels),
        "time_s",
        "value",
    ))
}
