//! What users see: which part of the requests is answered, and how soon.

use indexmap::IndexMap;

use super::{Plot, percent_text, time_axis};
use crate::observe::RequestRow;
use crate::report::chart::{Axis, Chart, Color, Mark, Panel, Quantity, Series, palette};
use crate::report::tables::Tables;

/// Streams that get a line of their own.
const MOST_STREAMS: usize = palette::CYCLE.len() - 1;

pub(super) fn requests(tables: &Tables) -> Option<Plot> {
    let mut streams: IndexMap<&str, Vec<&RequestRow>> = IndexMap::new();
    for row in tables.requests.iter().filter(|row| row.offered > 0) {
        streams.entry(&row.stream).or_default().push(row);
    }
    if streams.is_empty() {
        return None;
    }
    let lines = |value: fn(&RequestRow) -> f64| {
        let line = move |(rows, color): (&Vec<&RequestRow>, &Color), name: &str| {
            let points =
                rows.iter().map(|row| (row.start_s, value(row))).filter(|(_, value)| value.is_finite());
            Series::new(name, *color, Mark::Step(points.collect()))
        };
        let shown = streams.iter().take(MOST_STREAMS).zip(&palette::CYCLE);
        shown.map(|((name, rows), color)| line((rows, color), name)).collect::<Vec<_>>()
    };
    let mut answered = lines(|row| row.answered as f64 / row.offered as f64);
    let served = served(tables);
    if !served.is_empty() {
        answered
            .insert(0, Series::new("services that run, of those wanted", palette::INK, Mark::Step(served)));
    }
    let soon = lines(|row| row.latency_p95_s);
    let panels = vec![
        Panel::new(Axis::new("requests answered", Quantity::Share).over(0.0, 1.0), answered),
        Panel::new(Axis::new("95th percentile of the latency", Quantity::Time), soon),
    ];
    let share = tables.metric("requests.success_fraction").unwrap_or(f64::NAN);
    let left_out = streams.len().saturating_sub(MOST_STREAMS);
    let title = match left_out {
        0 => "Requests as users see them".to_owned(),
        _ => format!("Requests as users see them, the first {MOST_STREAMS} streams of {}", streams.len()),
    };
    let plot = Plot::of(
        "requests",
        format!(
            "Above, the part of the requests of each stream that was answered, beside the part of the wanted services \
             that ran: what users see, and what the control plane sees. Below, how long the answers took. Over the \
             whole run {} were answered.",
            percent_text(share)
        ),
        &Chart::new(&title, time_axis(tables), panels),
        "time_s",
        "value",
    );
    let said = || format!("the last {left_out} of {} streams are left out", streams.len());
    Some(plot.leaving_out((left_out > 0).then(said)))
}

/// The part of the wanted services that run, at each sample; both series are sampled at the same moments.
fn served(tables: &Tables) -> Vec<(f64, f64)> {
    let (wanted, running) = (tables.samples("services.wanted"), tables.samples("services.running"));
    let pairs = wanted.iter().zip(&running).filter(|((_, wanted), _)| *wanted > 0.0);
    pairs.map(|((time, wanted), (_, running))| (*time, running / wanted)).collect()
}
