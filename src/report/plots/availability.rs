//! Services that should run, and that do.

use super::{Plot, count_axis, percent_text, time_axis};
use crate::report::chart::{Chart, Mark, Panel, Series, palette};
use crate::report::tables::Tables;

pub(super) fn availability(tables: &Tables) -> Option<Plot> {
    let (wanted, running) = (tables.samples("services.wanted"), tables.samples("services.running"));
    if !wanted.iter().any(|(_, value)| *value > 0.0) {
        return None;
    }
    // Both are sorted by time: the running count in force at a moment is the last one sampled up to it.
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (time, wanted) in &wanted {
        while running.get(seen).is_some_and(|(at, _)| at <= time) {
            seen += 1;
        }
        let running = seen.checked_sub(1).map_or(0.0, |last| running[last].1);
        missing.push((*time, running.min(*wanted), *wanted));
    }
    let panel = Panel::new(
        count_axis("service allocations"),
        vec![
            Series::new("missing", palette::ORANGE.alpha(0.55), Mark::Band(missing)),
            Series::new("wanted", palette::INK, Mark::Step(wanted)),
            Series::new("running", palette::BLUE, Mark::Step(running)),
        ],
    );
    let share = tables.metric("services.availability");
    Some(Plot::of(
        "availability",
        format!(
            "Service allocations that should run and that do. The area between them is unavailability{}.",
            share.map_or_else(String::new, |share| format!(
                "; over the whole run {} were served",
                percent_text(share)
            ))
        ),
        &Chart::new("Availability of services", time_axis(tables), vec![panel]),
        "time_s",
        "allocations",
    ))
}
