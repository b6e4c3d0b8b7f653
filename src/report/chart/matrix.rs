//! A number for each pair of two things, as a colour with the number written in.

use super::axis::tick;
use super::canvas::{
    Anchor, Canvas, bold_width, draw, fitting, fitting_bold, fitting_middle, palette, text_width,
};
use super::{Axis, Color, Quantity, grouped, number, text};
use crate::observe::Table;

const TEXT_SIZE: f64 = 16.0;
const TITLE_SIZE: f64 = 21.0;
const WIDTH: f64 = 900.0;
const MARGIN: f64 = 20.0;
/// Room for the name of a row at most.
const NAME: f64 = 220.0;
/// Room for the name of a column that is written upwards, at most.
const NAME_BELOW: f64 = 180.0;
const CELL: f64 = 44.0;
const WIDEST_CELL: f64 = 150.0;
const TOP: f64 = 92.0;
/// Room at the right for the colour bar and its numbers.
const BAR: f64 = 150.0;
/// Room for a name of a column that is written across.
const ACROSS: f64 = 26.0;
const FOOT: f64 = 38.0;
/// The least height of the plane, for the colour bar.
const LEAST: f64 = 160.0;

/// The scale "viridis": equal steps look equal, from dark to light, also without colours and with any common colour
/// vision (van der Walt and Smith, 2015).
const VIRIDIS: [Color; 11] = [
    Color::rgb(68, 1, 84),
    Color::rgb(72, 36, 117),
    Color::rgb(65, 68, 135),
    Color::rgb(53, 95, 141),
    Color::rgb(42, 120, 142),
    Color::rgb(33, 145, 140),
    Color::rgb(34, 168, 132),
    Color::rgb(68, 191, 112),
    Color::rgb(122, 209, 81),
    Color::rgb(189, 223, 38),
    Color::rgb(253, 231, 37),
];

/// The colour of a share from 0 to 1.
fn viridis(share: f64) -> Color {
    let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let below = (libm::floor(place) as usize).min(VIRIDIS.len() - 2);
    VIRIDIS[below].towards(VIRIDIS[below + 1], place - below as f64)
}

/// A chart of a matrix.
#[derive(Clone, PartialEq, Debug)]
pub struct MatrixChart {
    /// What it shows.
    pub title: String,
    /// What the columns and the rows are.
    pub axes: (String, String),
    /// The names of the columns from the left, and of the rows from the top.
    pub names: (Vec<String>, Vec<String>),
    /// What the numbers are, with their unit.
    pub value: String,
    /// The numbers by row, then by column; what is not a number was not measured.
    pub cells: Vec<Vec<f64>>,
}

impl MatrixChart {
    /// What the chart shows as a long table with these columns.
    #[must_use]
    pub fn table(&self, column: &str, row: &str, value: &str) -> Table<'static> {
        let mut rows = Vec::new();
        for (name, cells) in self.names.1.iter().zip(&self.cells) {
            for (other, cell) in self.names.0.iter().zip(cells) {
                rows.push(vec![text(other), text(name), number(*cell)]);
            }
        }
        Table { header: [column, row, value].map(str::to_owned).to_vec(), rows }
    }

    fn range(&self) -> Option<(f64, f64)> {
        let known = || self.cells.iter().flatten().copied().filter(|value| value.is_finite());
        let (least, greatest) =
            (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
        (least <= greatest).then_some((least, greatest))
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let (columns, rows) = &self.names;
        let names = rows.iter().map(|name| text_width(name, TEXT_SIZE)).fold(40.0, f64::max).min(NAME);
        let left = MARGIN + names + 12.0;
        let cell = ((WIDTH - left - BAR) / columns.len().max(1) as f64).min(WIDEST_CELL);
        let bottom = TOP + CELL * rows.len().max(1) as f64;
        let widest = columns.iter().map(|name| text_width(name, TEXT_SIZE)).fold(0.0, f64::max);
        let below = if widest > cell - 6.0 { widest.min(NAME_BELOW) + 16.0 } else { ACROSS };
        let height = (bottom + below).max(TOP + LEAST + ACROSS) + FOOT;
        let (least, greatest) = self.range().unwrap_or((0.0, 0.0));
        let share = |value: f64| if greatest > least { (value - least) / (greatest - least) } else { 0.5 };
        // A number that is cut would be another number, and a cell without one would look as if it had none.
        let fits = |value: &f64| !value.is_finite() || bold_width(&short(*value), TEXT_SIZE) <= cell - 2.0;
        let has_numbers = self.cells.iter().flatten().all(fits);
        draw(WIDTH, height, &self.title, |canvas| {
            let wide = WIDTH - 2.0 * MARGIN;
            let title = fitting_bold(&self.title, TITLE_SIZE, wide);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            let said = fitting(&format!("rows: {}", self.axes.1), TEXT_SIZE, wide);
            canvas.text((MARGIN, 62.0), Anchor::Left, &said, TEXT_SIZE, palette::GREY, false);
            for (number, (name, cells)) in rows.iter().zip(&self.cells).enumerate() {
                let top = TOP + CELL * number as f64;
                let name = fitting_middle(name, TEXT_SIZE, names);
                let at = (left - 12.0, top + CELL / 2.0);
                canvas.text(at, Anchor::Right, &name, TEXT_SIZE, palette::INK, false);
                for (place, value) in cells.iter().enumerate() {
                    let from = (left + cell * place as f64, top);
                    let fill = value.is_finite().then(|| viridis(share(*value)));
                    let said = if has_numbers { short(*value) } else { String::new() };
                    draw_cell(canvas, from, (from.0 + cell, top + CELL), fill, &said);
                }
            }
            for (place, name) in columns.iter().enumerate() {
                let middle = left + cell * (place as f64 + 0.5);
                if below > ACROSS {
                    let name = fitting_middle(name, TEXT_SIZE, NAME_BELOW);
                    canvas.text_upwards((middle, bottom + 8.0), &name, TEXT_SIZE, palette::INK);
                } else {
                    let at = (middle, bottom + 18.0);
                    canvas.text(at, Anchor::Centre, name, TEXT_SIZE, palette::INK, false);
                }
            }
            let said = fitting(&format!("columns: {}", self.axes.0), TEXT_SIZE, wide);
            canvas.text(
                (MARGIN, bottom + below + 20.0),
                Anchor::Left,
                &said,
                TEXT_SIZE,
                palette::GREY,
                false,
            );
            if self.range().is_some() {
                let x = left + cell * columns.len() as f64 + 28.0;
                self.draw_bar(canvas, x, bottom.max(TOP + LEAST) - 6.0, (least, greatest));
            }
        })
    }

    fn draw_bar(&self, canvas: &Canvas, x: f64, bottom: f64, (least, greatest): (f64, f64)) {
        const PARTS: u32 = 60;
        let title = fitting(&self.value, TEXT_SIZE, WIDTH - MARGIN - x);
        canvas.text((x, TOP - 14.0), Anchor::Left, &title, TEXT_SIZE, palette::GREY, false);
        let at = |share: f64| bottom - (bottom - TOP - 6.0) * share;
        for part in 0..PARTS {
            let (from, to) = (f64::from(part) / f64::from(PARTS), f64::from(part + 1) / f64::from(PARTS));
            // Each part reaches a little under its neighbour, so that no seam shows.
            canvas.rectangle(
                (x, at(to)),
                (x + 20.0, (at(from) + 0.5).min(bottom)),
                viridis((from + to) / 2.0),
            );
        }
        let axis = Axis::new("", Quantity::Number).over(least, greatest);
        let ticks = match greatest > least {
            true => tick(&axis, least, greatest, 6, false).ticks,
            false => vec![(least, short(least))],
        };
        for (value, said) in ticks {
            let share = if greatest > least { (value - least) / (greatest - least) } else { 0.5 };
            let y = at(share);
            canvas.line(&[(x + 20.0, y), (x + 25.0, y)], palette::GREY, 1.5);
            let said = fitting(&said, TEXT_SIZE, WIDTH - x - 34.0);
            canvas.text((x + 30.0, y), Anchor::Left, &said, TEXT_SIZE, palette::GREY, false);
        }
    }
}

/// A cell with a number written in, or hatched where it has no colour.
fn draw_cell(canvas: &Canvas, from: (f64, f64), to: (f64, f64), fill: Option<Color>, said: &str) {
    let (from, to) = ((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0));
    let Some(fill) = fill else {
        canvas.hatch(from, to, palette::SOFT);
        canvas.frame(from, to, palette::SOFT, 1.0);
        return;
    };
    canvas.rectangle(from, to, fill);
    let light = fill.contrast(palette::NEAR_WHITE) >= fill.contrast(palette::BLACK);
    let ink = if light { palette::NEAR_WHITE } else { palette::BLACK };
    if !said.is_empty() {
        let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        canvas.text(middle, Anchor::Centre, said, TEXT_SIZE, ink, false);
    }
}

/// A number with four digits that count, thousands set apart.
fn short(value: f64) -> String {
    let magnitude = if value == 0.0 { 0 } else { libm::floor(libm::log10(value.abs())) as i32 };
    if magnitude >= 3 {
        return grouped(libm::round(value));
    }
    let places = (3 - magnitude).clamp(0, 6) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read_on_every_colour() {
        for share in 0..=100 {
            let fill = viridis(f64::from(share) / 100.0);
            let best = fill.contrast(palette::NEAR_WHITE).max(fill.contrast(palette::BLACK));
            assert!(best >= 4.5, "{share}: {best}");
        }
        let texts = [0.0, 0.123_456, 12.0, 999.96, 1_234_567.0, -0.5].map(short);
        assert_eq!(texts, ["0", "0.1235", "12", "1000", "1\u{202f}234\u{202f}567", "-0.5"]);
    }

    #[test]
    fn what_was_not_measured_is_hatched_and_has_no_number() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let chart = MatrixChart {
            title: "means".into(),
            axes: ("loss".into(), "peers <b>".into()),
            names: (names(&["0 %", "5 %"]), names(&["10", "100"])),
            value: "time (s)".into(),
            cells: vec![vec![1.0, 2.0], vec![f64::NAN, 7.5]],
        };
        let svg = chart.svg();
        let of_soft = format!("<path fill=\"none\" opacity=\"1\" stroke=\"{}\"", palette::SOFT.hex());
        assert_eq!(svg.matches(&of_soft).count(), 1, "one cell is hatched");
        assert!(svg.contains("\n7.5\n") && svg.contains("rows: peers &lt;b&gt;") && !svg.contains("NaN"));
        assert!(!svg.contains("rotate("), "names are written across where there is room");
        let csv = chart.table("loss", "peers", "time_s").csv();
        assert_eq!(csv, "loss,peers,time_s\n0 %,10,1.0\n5 %,10,2.0\n0 %,100,\n5 %,100,7.5\n");
    }

    #[test]
    fn narrow_cells_have_names_that_are_read_upwards_and_no_numbers() {
        let columns: Vec<String> = (0..24).map(|n| format!("{n} nodes and more")).collect();
        let chart = |cells: Vec<f64>| MatrixChart {
            title: "means".into(),
            axes: ("nodes".into(), "loss".into()),
            names: (columns[..cells.len()].to_vec(), vec!["0 %".into()]),
            value: "time (s)".into(),
            cells: vec![cells],
        };
        // One of them would not fit.
        let svg = chart((0..24).map(|n| if n == 5 { 0.123_456 } else { 1.0 }).collect()).svg();
        assert_eq!(svg.matches("rotate(270").count(), 24, "{svg}");
        assert!(svg.contains("23 nodes and more") && !svg.contains("\n0.1235\n"), "{svg}");
        assert_eq!(
            svg.matches("fill=\"#FEFEFE\"").count() + svg.matches("fill=\"#000000\"").count(),
            0,
            "{svg}"
        );
        assert!(chart(vec![0.123_456, 1.0]).svg().contains("\n0.1235\n"));
    }
}
