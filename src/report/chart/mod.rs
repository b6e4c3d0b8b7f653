//! Charts as data: what to show, over which axes. [`Chart::svg`] and [`BarChart::svg`] draw them.
//!
//! Every chart has a title, axes with units, a legend above the plot (never over it) and colours that people
//! with any common colour vision tell apart. Text is at least 15 pixels high at 900 pixels width, so that a
//! chart can be read at half its size. The same chart gives the same bytes.

use crate::observe::histogram::nearest_rank;

mod axis;
mod bars;
mod canvas;
mod intervals;
mod plot;

pub use axis::{Axis, Quantity};
pub(crate) use bars::grouped;
pub use bars::{Bar, BarChart};
pub use canvas::{Color, escape, palette, printable};
pub use intervals::{Column, IntervalChart};

/// How a series is drawn. Points are (x, y) with rising x.
#[derive(Clone, PartialEq, Debug)]
pub enum Mark {
    /// A line from point to point.
    Line(Vec<(f64, f64)>),
    /// A line that keeps each value until the next point.
    Step(Vec<(f64, f64)>),
    /// A dot a point, with its radius in pixels as the third number.
    Scatter(Vec<(f64, f64, f64)>),
    /// A ring a point, with its radius in pixels as the third number.
    Rings(Vec<(f64, f64, f64)>),
    /// A filled area between two steps: (x, lower, upper).
    Band(Vec<(f64, f64, f64)>),
    /// A bar from x to the second number, as high as the third.
    Bars(Vec<(f64, f64, f64)>),
}

/// One thing shown in a panel.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Its name in the legend; empty for none.
    pub name: String,
    /// Its colour.
    pub color: Color,
    /// Its points and how they are drawn.
    pub mark: Mark,
}

impl Series {
    /// A series.
    #[must_use]
    pub fn new(name: &str, color: Color, mark: Mark) -> Self {
        Self { name: name.to_owned(), color, mark }
    }
}

/// A place on the x axis that a dashed line and a text mark.
#[derive(Clone, PartialEq, Debug)]
pub struct Marker {
    /// Where.
    pub x: f64,
    /// What it says.
    pub text: String,
}

/// A plot area with its own y axis; the panels of a chart share the x axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Panel {
    /// The vertical axis; its title stands above the panel.
    pub y: Axis,
    /// What is shown, the first at the back.
    pub series: Vec<Series>,
    /// Marked places.
    pub markers: Vec<Marker>,
    /// The colour behind the grid.
    pub ground: Color,
}

impl Panel {
    /// A panel without markers.
    #[must_use]
    pub fn new(y: Axis, series: Vec<Series>) -> Self {
        Self { y, series, markers: Vec::new(), ground: palette::PAPER }
    }
}

/// A chart: panels above one another over one x axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// What the chart shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The panels from the top down.
    pub panels: Vec<Panel>,
    /// Width and height in pixels.
    pub size: (f64, f64),
}

impl Chart {
    /// A chart of the usual size.
    #[must_use]
    pub fn new(title: &str, x: Axis, panels: Vec<Panel>) -> Self {
        Self { title: title.to_owned(), x, panels, size: (900.0, 520.0) }
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        plot::draw_chart(self)
    }
}

/// Charts beside one another as one SVG file, with a title for screen readers.
#[must_use]
pub fn side_by_side(title: &str, charts: &[Chart]) -> String {
    let (mut width, mut height) = (0.0, 0.0_f64);
    let mut body = String::new();
    for chart in charts {
        body.push_str(&chart.svg().replacen("<svg ", &format!("<svg x=\"{width}\" "), 1));
        width += chart.size.0;
        height = height.max(chart.size.1);
    }
    let label = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\n{body}</svg>\n"
    )
}

/// The cumulative distribution of some values, as the share of them that are no greater. Empty without
/// values.
#[must_use]
pub fn cumulative(values: &[f64]) -> Mark {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(sorted.len() + 1);
    for (at, value) in sorted.iter().enumerate() {
        let share = (at + 1) as f64 / count;
        match points.last_mut() {
            Some(last) if last.0.total_cmp(value).is_eq() => last.1 = share,
            _ => points.push((*value, share)),
        }
    }
    if let Some((first, _)) = points.first().copied() {
        points.insert(0, (first, 0.0));
    }
    Mark::Step(points)
}

/// How many values fall into each of `bins` equal parts of their range. Empty without values.
#[must_use]
pub fn histogram(values: &[f64], bins: usize) -> Mark {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(greatest)) = (sorted.first().copied(), sorted.last().copied()) else {
        return Mark::Bars(Vec::new());
    };
    let width = if greatest > least { (greatest - least) / bins.max(1) as f64 } else { 1.0 };
    let edge = |bin: usize| least + width * bin as f64;
    let mut bars: Vec<(f64, f64, f64)> =
        (0..bins.max(1)).map(|bin| (edge(bin), edge(bin + 1), 0.0)).collect();
    for value in sorted {
        let bin = libm::floor((value - least) / width) as usize;
        bars[bin.min(bins.max(1) - 1)].2 += 1.0;
    }
    Mark::Bars(bars)
}

/// The nearest-rank quantile of sorted values; none without values.
#[must_use]
pub fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let rank = nearest_rank(sorted.len() as u64, fraction) as usize;
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests;
