//! Charts as data: what to show, over which axes. [`Chart::svg`] and [`BarChart::svg`] draw them.
//!
//! Every chart has a title, axes with units, a legend above the plot (never over it) and colours that people
//! with any common colour vision tell apart. Text is at least 15 pixels high at 900 pixels width, so that a
//! chart can be read at half its size. The same chart gives the same bytes.

use std::borrow::Cow;

use crate::observe::Table;
use crate::observe::histogram::nearest_rank;
use crate::observe::sweep::Field;

mod across;
mod axis;
mod bars;
mod boxes;
mod canvas;
mod distribution;
mod graph;
mod intervals;
mod matrix;
mod plot;
mod raster;
mod rows;
mod sequence;
mod theme;

pub use axis::{Axis, Quantity};
pub(crate) use bars::grouped;
pub use bars::{Bar, BarChart};
pub use boxes::{BoxChart, Group};
pub use canvas::{Color, Dash, escape, palette, printable};
#[cfg(test)]
pub(crate) use canvas::{bold_width, text_width};
pub use distribution::{BoxNumbers, density, interpolated_quantile, silverman_width};
pub use graph::{Edge, GraphChart};
pub use intervals::{Column, IntervalChart};
pub use matrix::MatrixChart;
pub use raster::png;
pub use rows::{Item, Key, Look, Row, RowChart};
pub use sequence::{Event, SequenceChart};
pub use theme::{Theme, shown_at, themed};

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
    /// A filled area between two lines: (x, lower, upper).
    Area(Vec<(f64, f64, f64)>),
    /// A bar from x to the second number, as high as the third.
    Bars(Vec<(f64, f64, f64)>),
    /// Bent lines between two points each.
    Arcs(Vec<Arc>),
}

/// A bent line from one point to another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arc {
    /// Where it begins.
    pub from: (f64, f64),
    /// Where it ends.
    pub to: (f64, f64),
    /// How thick it is, in pixels.
    pub width: f64,
}

/// One thing shown in a panel.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Its name in the legend; empty for none.
    pub name: String,
    /// Its colour.
    pub color: Color,
    /// How its line is drawn, if it is one.
    pub dash: Dash,
    /// Its points and how they are drawn.
    pub mark: Mark,
}

impl Series {
    /// A series; a line is drawn in one go.
    #[must_use]
    pub fn new(name: &str, color: Color, mark: Mark) -> Self {
        Self { name: name.to_owned(), color, dash: Dash::Solid, mark }
    }
    /// The same with its line drawn this way.
    #[must_use]
    pub fn dashed(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }
    /// The series of this number among several: colour and dash differ from those of its neighbours.
    #[must_use]
    pub fn numbered(number: usize, name: &str, mark: Mark) -> Self {
        let color = palette::CYCLE[number % palette::CYCLE.len()];
        Self::new(name, color, mark).dashed(Dash::CYCLE[number % Dash::CYCLE.len()])
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
    /// Outlines that are filled behind the grid: land.
    pub backdrop: Vec<Vec<(f64, f64)>>,
}

impl Panel {
    /// A panel without markers.
    #[must_use]
    pub fn new(y: Axis, series: Vec<Series>) -> Self {
        Self { y, series, markers: Vec::new(), ground: palette::PAPER, backdrop: Vec::new() }
    }
}

/// A line of numbers under the ticks of the horizontal axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Under {
    /// What such numbers are; that of the first line stands above all.
    pub title: String,
    /// Whose they are.
    pub name: String,
    /// From where on there are how many; none before the first.
    pub steps: Vec<(f64, f64)>,
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
    /// Lines of numbers under the axis.
    pub under: Vec<Under>,
    /// Width and height in pixels.
    pub size: (f64, f64),
}

impl Chart {
    /// A chart of the usual size.
    #[must_use]
    pub fn new(title: &str, x: Axis, panels: Vec<Panel>) -> Self {
        Self { title: title.to_owned(), x, panels, under: Vec::new(), size: (900.0, 520.0) }
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        plot::draw_chart(self)
    }

    /// What the chart shows as a long table. `x` and `y` name the columns of the axes, with their units. Columns that
    /// no series needs are left out: that of the panel, the end of a bar, and the lower edge of a band.
    #[must_use]
    pub fn table(&self, x: &str, y: &str) -> Table<'static> {
        let all =
            || self.panels.iter().flat_map(|panel| panel.series.iter().map(move |series| (panel, series)));
        let [has_end, has_low] = [
            |mark: &Mark| matches!(mark, Mark::Bars(_)),
            |mark: &Mark| matches!(mark, Mark::Band(_) | Mark::Area(_)),
        ]
        .map(|is| all().any(|(_, series)| is(&series.mark)));
        let has_panels = self.panels.len() > 1;
        let (end, low) = (format!("{x}_to"), format!("{y}_low"));
        let columns = [
            ("panel", has_panels),
            ("series", true),
            (x, true),
            (&*end, has_end),
            (&*low, has_low),
            (y, true),
        ];
        let header = columns.iter().filter(|(_, shown)| *shown).map(|(name, _)| (*name).to_owned());
        let mut rows = Vec::new();
        for (panel, series) in all() {
            for (at, end, low, value) in points_of(&series.mark) {
                let fields = [
                    (text(&panel.y.title), has_panels),
                    (text(&series.name), true),
                    (number(at), true),
                    (number(end), has_end),
                    (number(low), has_low),
                    (number(value), true),
                ];
                rows.push(fields.into_iter().filter(|(_, shown)| *shown).map(|(field, _)| field).collect());
            }
        }
        Table { header: header.collect(), rows }
    }
}

/// A text of a table.
#[must_use]
pub fn text(text: &str) -> Field<'static> {
    Field::Text(Cow::Owned(text.to_owned()))
}

/// A number of a table; an empty cell where there is none.
#[must_use]
pub fn number(number: f64) -> Field<'static> {
    // Zero has one form.
    Field::Number(Some(number + 0.0).filter(|number| number.is_finite()))
}

/// The points of a mark: x, the end of a bar, the lower edge of a band, and y; what it does not have is no number.
fn points_of(mark: &Mark) -> Vec<(f64, f64, f64, f64)> {
    let none = f64::NAN;
    match mark {
        Mark::Line(points) | Mark::Step(points) => points.iter().map(|(x, y)| (*x, none, none, *y)).collect(),
        Mark::Scatter(points) | Mark::Rings(points) => {
            points.iter().map(|(x, y, _)| (*x, none, none, *y)).collect()
        }
        Mark::Band(points) | Mark::Area(points) => {
            points.iter().map(|(x, low, high)| (*x, none, *low, *high)).collect()
        }
        Mark::Bars(bars) => bars.iter().map(|(from, to, height)| (*from, *to, none, *height)).collect(),
        Mark::Arcs(arcs) => {
            arcs.iter().flat_map(|arc| [arc.from, arc.to]).map(|(x, y)| (x, none, none, y)).collect()
        }
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
