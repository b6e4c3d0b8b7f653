//! Numbers with their intervals beside one another: a row for each thing that is compared, a column for each measure, a
//! dot with a whisker for each condition.

use super::axis::tick;
use super::canvas::{
    Anchor, Canvas, bold_width, draw, fitting, fitting_bold, fitting_middle, palette, text_width,
};
use super::{Axis, Color};

const TEXT_SIZE: f64 = 16.0;
const TITLE_SIZE: f64 = 21.0;
/// Height of the line of one condition.
const LINE: f64 = 15.0;
/// Space between two rows.
const GAP: f64 = 12.0;
const TOP: f64 = 128.0;
const BOTTOM: f64 = 58.0;
const MARGIN: f64 = 20.0;
/// Room for the name of a row at most.
const NAME: f64 = 260.0;
const LEGEND_HEIGHT: f64 = 26.0;
/// So much room has each tick at least.
const TICK: f64 = 62.0;
const RADIUS: f64 = 4.5;

/// A measure.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// Its axis; the title stands above the column.
    pub axis: Axis,
    /// The middle and half the width of each interval, by row, then by condition. What is not a number is not drawn; a
    /// width that is none is a dot alone.
    pub intervals: Vec<Vec<(f64, f64)>>,
    /// By row, how far from zero counts as nothing, which is shaded; empty where nothing does.
    pub bands: Vec<f64>,
}

/// A chart of intervals.
#[derive(Clone, PartialEq, Debug)]
pub struct IntervalChart {
    /// What it shows.
    pub title: String,
    /// The names of the rows, from the top down.
    pub rows: Vec<String>,
    /// The names of the conditions with their colours.
    pub conditions: Vec<(String, Color)>,
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// How wide each is, in pixels.
    pub column_width: f64,
}

impl IntervalChart {
    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let names = self.rows.iter().map(|name| text_width(name, TEXT_SIZE)).fold(60.0, f64::max).min(NAME);
        let left = MARGIN + names + 16.0;
        let width = left + self.column_width * self.columns.len() as f64 + MARGIN;
        let legend = self.legend(width);
        let lines = legend.last().map_or(0, |(_, line, _)| *line);
        let top = TOP + LEGEND_HEIGHT * lines as f64;
        let height = top + self.row_height() * self.rows.len() as f64 + BOTTOM;
        draw(width, height, &self.title, |canvas| {
            let title = fitting_bold(&self.title, TITLE_SIZE, width - 2.0 * MARGIN);
            canvas.text((MARGIN, 28.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            // One condition alone needs no name.
            let named = self.conditions.iter().filter(|_| self.conditions.len() > 1);
            for ((name, color), (x, line, room)) in named.zip(&legend) {
                let y = 60.0 + LEGEND_HEIGHT * *line as f64;
                canvas.dot((x + RADIUS, y), RADIUS, *color);
                let name = fitting(name, TEXT_SIZE, *room);
                canvas.text((x + 16.0, y), Anchor::Left, &name, TEXT_SIZE, palette::INK, false);
            }
            for (number, name) in self.rows.iter().enumerate() {
                let middle = top + self.row_height() * (number as f64 + 0.5);
                if number % 2 == 0 {
                    let (from, to) = (middle - self.row_height() / 2.0, middle + self.row_height() / 2.0);
                    canvas.rectangle((MARGIN / 2.0, from), (width - MARGIN / 2.0, to), palette::SEA);
                }
                let name = fitting_middle(name, TEXT_SIZE, names);
                canvas.text((left - 16.0, middle), Anchor::Right, &name, TEXT_SIZE, palette::INK, false);
            }
            for (number, column) in self.columns.iter().enumerate() {
                let from = left + self.column_width * number as f64;
                let span = (from + 12.0, from + self.column_width - 24.0);
                self.draw_column(canvas, column, span, (top, height - BOTTOM));
            }
        })
    }

    fn row_height(&self) -> f64 {
        LINE * self.conditions.len() as f64 + GAP
    }

    /// Place, line and room of each condition in the legend.
    fn legend(&self, width: f64) -> Vec<(f64, usize, f64)> {
        let (mut x, mut line) = (MARGIN, 0);
        let mut places = Vec::new();
        for (name, _) in &self.conditions {
            let room = text_width(name, TEXT_SIZE).min(width - 2.0 * MARGIN - 16.0);
            if x > MARGIN && x + 16.0 + room > width - MARGIN {
                (x, line) = (MARGIN, line + 1);
            }
            places.push((x, line, room));
            x += room + 44.0;
        }
        places
    }

    fn draw_column(
        &self,
        canvas: &Canvas,
        column: &Column,
        (from, to): (f64, f64),
        (top, bottom): (f64, f64),
    ) {
        let known = || column.intervals.iter().flatten().filter(|(middle, _)| middle.is_finite());
        let reach = |half: f64| if half.is_finite() { half } else { 0.0 };
        let (least, greatest) =
            known().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), (middle, half)| {
                (least.min(middle - reach(*half)), greatest.max(middle + reach(*half)))
            });
        if known().next().is_none() {
            return;
        }
        let widest = column.bands.iter().copied().fold(0.0, f64::max);
        let (least, greatest) = match column.bands.is_empty() {
            true => (least, greatest),
            false => (least.min(-widest), greatest.max(widest)),
        };
        let room = (greatest - least).max(greatest.abs() * 1e-6) * 0.06;
        let axis = if column.axis.range.is_some() || column.axis.is_logarithmic {
            column.axis.clone()
        } else {
            let low = if least >= 0.0 { (least - room).max(0.0) } else { least - room };
            column.axis.clone().over(low, greatest + room)
        };
        let ticked = tick(&axis, least, greatest, (self.column_width / TICK) as usize, true);
        for (line, title) in in_lines(&ticked.title, self.column_width - 16.0).iter().rev().enumerate() {
            let y = top - 20.0 - 20.0 * line as f64;
            canvas.text((from - 6.0, y), Anchor::Left, title, TEXT_SIZE, palette::INK, true);
        }
        let place = |value: f64| from + (to - from) * ticked.share(value);
        for (value, text) in &ticked.ticks {
            let x = place(*value);
            canvas.line(&[(x, top), (x, bottom)], palette::GRID, 1.0);
            // Two columns stand close to each other: a text that would reach into the next one is left out.
            let room = (x - from + 20.0).min(to + 16.0 - x);
            if text_width(text, TEXT_SIZE - 1.0) / 2.0 <= room {
                canvas.text((x, bottom + 18.0), Anchor::Centre, text, TEXT_SIZE - 1.0, palette::GREY, false);
            }
        }
        for (row, band) in column.bands.iter().enumerate() {
            let upper = top + self.row_height() * row as f64;
            let (from, to) = ((place(-band), upper + 3.0), (place(*band), upper + self.row_height() - 3.0));
            canvas.rectangle(from, to, palette::SKY.alpha(0.3));
        }
        if !column.bands.is_empty() {
            canvas.line(&[(place(0.0), top), (place(0.0), bottom)], palette::GREY, 1.5);
        }
        for (row, intervals) in column.intervals.iter().enumerate() {
            let upper = top + self.row_height() * row as f64 + GAP / 2.0;
            for (number, ((middle, half), (_, color))) in intervals.iter().zip(&self.conditions).enumerate() {
                if !middle.is_finite() {
                    continue;
                }
                let y = upper + LINE * (number as f64 + 0.5);
                if half.is_finite() {
                    let ends = [(place(middle - half), y), (place(middle + half), y)];
                    canvas.line(&ends, *color, 2.0);
                }
                canvas.dot((place(*middle), y), RADIUS, *color);
            }
        }
    }
}

/// A title in one line, or in two where it is too wide: the name of a metric is broken behind a dot.
fn in_lines(title: &str, width: f64) -> Vec<String> {
    let fits = |text: &str| bold_width(text, TEXT_SIZE) <= width;
    let mut breaks = title.match_indices('.').map(|(dot, _)| title.split_at(dot + 1));
    match breaks.rfind(|(first, _)| fits(first)) {
        Some((first, rest)) if !fits(title) => vec![first.to_owned(), fitting_bold(rest, TEXT_SIZE, width)],
        _ => vec![fitting_bold(title, TEXT_SIZE, width)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_of_metrics_are_broken_behind_a_dot() {
        assert_eq!(in_lines("availability", 234.0), ["availability"]);
        assert_eq!(in_lines("time_to_running.mean (s)", 234.0), ["time_to_running.", "mean (s)"]);
        let lines = in_lines("deployments.succeeded_fraction", 234.0);
        assert_eq!(lines, ["deployments.", "succeeded_fraction"]);
        assert_eq!(in_lines("a_name_without_any_dot_in_it_that_is_long", 200.0).len(), 1);
    }
}
