//! What was refused most often.

use indexmap::IndexMap;

use super::Plot;
use crate::report::chart::{Bar, BarChart, grouped, palette};
use crate::report::tables::Tables;

/// Bars of the plot.
const TOP_REFUSALS: usize = 12;

pub(super) fn refusals(tables: &Tables) -> Option<Plot> {
    let mut counts: IndexMap<(&str, &str), u64> = IndexMap::new();
    for row in &tables.refusals {
        *counts.entry((&*row.stage, &*row.reason)).or_default() += row.count;
    }
    if counts.is_empty() {
        return None;
    }
    let total: u64 = counts.values().sum();
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown: Vec<_> = sorted.iter().take(TOP_REFUSALS).collect();
    let bars = shown.iter().map(|((stage, reason), count)| Bar {
        name: format!("{stage}: {reason}"),
        value: *count as f64,
        color: palette::VERMILLION,
    });
    let title = if sorted.len() > TOP_REFUSALS {
        format!("Refusals by reason, the {TOP_REFUSALS} most frequent of {}", sorted.len())
    } else {
        "Refusals by reason".to_owned()
    };
    let plot = Plot::of_bars(
        "refusals",
        format!(
            "How often peers refused a request, by stage and exact reason; {} refusals in all.",
            grouped(total as f64)
        ),
        &BarChart::new(&title, bars.collect()),
        "refusal",
        "count",
    );
    let more = sorted.len().saturating_sub(TOP_REFUSALS);
    Some(
        plot.leaving_out(
            (more > 0).then(|| format!("{} less frequent ones are left out", grouped(more as f64))),
        ),
    )
}
