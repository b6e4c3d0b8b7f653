//! Paired differences of the variants of a sweep to its baseline.

use super::Plot;
use super::source::{Source, with_unit};
use crate::observe::Table;
use crate::report::chart::{Axis, Column, IntervalChart, Quantity, number, palette, text};

/// Metrics beside one another where none is named.
const MOST_METRICS: usize = 2;
/// Width of the columns together.
const ROOM: f64 = 600.0;

pub(super) fn forest(source: &Source<'_>) -> Result<Plot, String> {
    let sweep = source.sweep()?;
    let first = sweep.metric(source.choice)?;
    let variants: Vec<&String> = sweep.variants.iter().filter(|name| **name != sweep.baseline).collect();
    if variants.is_empty() {
        return Err(format!("{} has one variant only: there is nothing to compare it with", sweep.name));
    }
    let count = if source.choice.metric.is_some() { 1 } else { MOST_METRICS };
    let metrics: Vec<&(String, String)> = sweep.metrics[first..].iter().take(count).collect();
    let find = |metric: &str, variant: &str, condition: &str| {
        sweep
            .differences
            .iter()
            .find(|one| one.metric == metric && one.variant == variant && one.condition == condition)
    };
    let interval = |metric: &str, variant: &str, condition: &str| {
        find(metric, variant, condition).map_or((f64::NAN, f64::NAN), |one| (one.difference, one.half_width))
    };
    let columns = metrics.iter().map(|(metric, unit)| Column {
        axis: Axis::new(&with_unit(metric, if unit == "s" { "seconds" } else { unit }), Quantity::Number),
        intervals: variants
            .iter()
            .map(|variant| {
                sweep.conditions.iter().map(|condition| interval(metric, variant, condition)).collect()
            })
            .collect(),
        // A band of no width: the line at zero, with the difference on both of its sides.
        bands: vec![0.0; variants.len()],
    });
    let columns: Vec<Column> = columns.collect();
    // A metric that is named is all that was asked for.
    let left_out = if source.choice.metric.is_some() { 0 } else { sweep.metrics.len() - metrics.len() };
    let which = match left_out {
        0 => String::new(),
        _ => format!(", {} metrics of {}", metrics.len(), sweep.metrics.len()),
    };
    let chart = IntervalChart {
        title: format!("Differences to the baseline, with 95 % intervals{which}"),
        rows: variants.iter().map(|name| (*name).clone()).collect(),
        conditions: sweep.conditions.iter().cloned().zip(palette::CYCLE.into_iter().cycle()).collect(),
        column_width: ROOM / columns.len() as f64,
        columns,
    };
    let mut rows = Vec::new();
    for (metric, unit) in &metrics {
        for one in
            sweep.differences.iter().filter(|one| one.metric == *metric && one.variant != sweep.baseline)
        {
            rows.push(vec![
                text(&one.metric),
                text(unit),
                text(&one.variant),
                text(&one.condition),
                number(one.difference),
                number(one.half_width),
                number(one.p_value),
            ]);
        }
    }
    let header = ["metric", "unit", "variant", "condition", "difference", "half_width", "p_value"];
    let plot = Plot {
        name: "forest",
        left_out: None,
        caption: format!(
            "Mean differences of pairs of runs of the same seed, the variant less {}, with their 95 % intervals; an \
             interval that does not reach zero tells of a difference.",
            sweep.baseline
        ),
        svg: chart.svg(),
        data: Table { header: header.map(str::to_owned).to_vec(), rows },
    };
    let said = || format!("{left_out} of {} metrics are left out; `--metric` names one", sweep.metrics.len());
    Ok(plot.leaving_out((left_out > 0).then(said)))
}
