//! Series of a run as a picture: where their beginning is cut off, and what says so.

use super::chart::{Axis, Chart, Mark, Panel, Quantity, Series, palette, side_by_side};

/// Width and height of the part for one series.
const SIZE: (f64, f64) = (680.0, 520.0);

/// A series.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// What it is.
    pub title: String,
    /// Times in seconds and values.
    pub points: Vec<(f64, f64)>,
    /// Where its beginning ends; none where it has not come to rest.
    pub cut_s: Option<f64>,
    /// The statistic by the place to cut, in seconds.
    pub statistic: Vec<(f64, f64)>,
}

/// The picture as an SVG file: one series beside the other, the statistic below.
#[must_use]
pub fn svg(title: &str, all: &[Drawn]) -> String {
    side_by_side(title, &all.iter().map(chart).collect::<Vec<_>>())
}

fn chart(drawn: &Drawn) -> Chart {
    let values = || drawn.points.iter().map(|(_, value)| *value);
    // From the ground up, which is zero where no value is below it.
    let ends = [values().fold(0.0, f64::min), values().fold(f64::NEG_INFINITY, f64::max)];
    let mut series = vec![Series::new("value", palette::BLUE, Mark::Line(drawn.points.clone()))];
    if let Some(cut_s) = drawn.cut_s {
        let line = vec![(cut_s, ends[0]), (cut_s, ends[1])];
        series.push(Series::new("end of the warm-up", palette::VERMILLION, Mark::Line(line)));
    }
    let mut panels = vec![Panel::new(Axis::new("value", Quantity::Number), series)];
    if !drawn.statistic.is_empty() {
        let statistic = Series::new("MSER-5", palette::GREY, Mark::Line(drawn.statistic.clone()));
        panels.push(Panel::new(Axis::new("MSER-5", Quantity::Number), vec![statistic]));
    }
    Chart { size: SIZE, ..Chart::new(&drawn.title, Axis::new("time", Quantity::Time), panels) }
}
