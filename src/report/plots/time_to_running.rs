//! How long deployments took to run.

use super::{Plot, duration_text};
use crate::report::chart::{
    Axis, Chart, Marker, Panel, Quantity, Series, cumulative, grouped, palette, quantile,
};
use crate::report::tables::Tables;

pub(super) fn time_to_running(tables: &Tables) -> Option<Plot> {
    let spans = tables.times_to_running();
    let greatest = spans.last()?;
    let mut panel = Panel::new(
        Axis::new("deployments that ran by then, of those that ever ran", Quantity::Share).over(0.0, 1.0),
        vec![Series::new("", palette::BLUE, cumulative(&spans))],
    );
    for (name, fraction) in [("p50", 0.5), ("p95", 0.95)] {
        let x = quantile(&spans, fraction)?;
        panel.markers.push(Marker { x, text: format!("{name} {}", duration_text(x)) });
    }
    let x = Axis::new("time from submission to running", Quantity::Time).over(0.0, greatest * 1.02);
    Some(Plot::of(
        "time_to_running",
        format!(
            "Cumulative distribution over the {} deployments that ran (of {} asked for); dashed: median and 95th \
             percentile.",
            grouped(spans.len() as f64),
            grouped(tables.deployments.len() as f64)
        ),
        &Chart::new("Time to running", x, vec![panel]),
        "time_to_running_s",
        "share_of_those_that_ran",
    ))
}
