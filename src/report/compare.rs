//! The differences of two runs or sweeps as a picture.

use indexmap::IndexSet;

use super::chart::{Axis, Column, IntervalChart, Quantity, palette};

/// A metric of a group, in percent of what the first has shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    /// The group; empty where there is but one.
    pub group: String,
    /// The metric.
    pub metric: String,
    /// The second less the first.
    pub difference: f64,
    /// Half of its interval; not a number without one.
    pub half_width: f64,
    /// How large a difference counts as none.
    pub tolerance: f64,
}

/// The picture as an SVG file: a row a metric, a dot with its interval for each group, and a band for what counts as no
/// difference.
#[must_use]
pub fn svg(title: &str, rows: &[Shown]) -> String {
    let metrics: IndexSet<&str> = rows.iter().map(|row| &*row.metric).collect();
    let groups: IndexSet<&str> = rows.iter().map(|row| &*row.group).collect();
    let of = |metric: &str, group: &str| rows.iter().find(|row| row.metric == metric && row.group == group);
    let interval = |metric: &str, group: &str| {
        of(metric, group).map_or((f64::NAN, f64::NAN), |row| (row.difference, row.half_width))
    };
    let intervals = metrics.iter().map(|metric| groups.iter().map(|group| interval(metric, group)).collect());
    let band = |metric: &&str| {
        let own = rows.iter().filter(|row| row.metric == **metric);
        own.map(|row| row.tolerance).fold(0.0, f64::max)
    };
    let column = Column {
        axis: Axis::new("difference (% of A)", Quantity::Number),
        intervals: intervals.collect(),
        bands: metrics.iter().map(band).collect(),
    };
    let name = |group: &&str| if group.is_empty() { "B".to_owned() } else { (*group).to_owned() };
    let chart = IntervalChart {
        title: title.to_owned(),
        rows: metrics.iter().map(|metric| (*metric).to_owned()).collect(),
        conditions: groups.iter().map(name).zip(palette::CYCLE.into_iter().cycle()).collect(),
        columns: vec![column],
        column_width: 560.0,
    };
    chart.svg()
}
