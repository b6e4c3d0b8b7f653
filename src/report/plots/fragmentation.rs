//! How graphics cards are used over time.

use indexmap::IndexMap;

use super::Plot;
use super::source::Source;
use crate::report::chart::{Axis, Chart, Mark, Panel, Quantity, Series};

/// What names of series of graphics cards begin with.
const CARDS: &str = "cards.";

pub(super) fn fragmentation(source: &Source<'_>) -> Result<Plot, String> {
    let mut lines: IndexMap<String, Vec<(f64, f64)>> = IndexMap::new();
    for run in source.runs {
        for row in run.tables.series.iter().filter(|row| row.metric.starts_with(CARDS)) {
            let of = if source.runs.len() > 1 { format!(", {}", run.name) } else { String::new() };
            let labels = if row.labels.is_empty() { String::new() } else { format!(" ({})", row.labels) };
            lines.entry(format!("{}{labels}{of}", row.metric)).or_default().push((row.time_s, row.value));
        }
    }
    if lines.is_empty() {
        let run = source.run()?;
        return Err(match run.tables.metric("cards.fragmentation") {
            Some(mean) => format!(
                "series.csv of {} has no series `cards.*`; its mean over the run is in metrics.csv: {mean}",
                run.name
            ),
            None => format!(
                "series.csv of {} has no series `cards.*`: no machine of its scenario has graphics cards, or no job \
                 asks for one",
                run.name
            ),
        });
    }
    let end = source.runs.iter().map(|run| run.tables.run.duration_s).fold(0.0, f64::max);
    let series = lines
        .into_iter()
        .enumerate()
        .map(|(number, (name, points))| Series::numbered(number, &name, Mark::Step(points)));
    let panel = Panel::new(
        Axis::new("share of all graphics cards", Quantity::Share).over(0.0, 1.0),
        series.collect(),
    );
    let x = Axis::new("simulated time", Quantity::Time).over(0.0, end);
    let chart = Chart::new("Use of graphics cards", x, vec![panel]);
    let caption =
        "Of the graphics cards of peers that are up: what is held, and what is free and of no use to the \
                   jobs that come."
            .to_owned();
    Ok(Plot::of("fragmentation", caption, &chart, "time_s", "share"))
}
