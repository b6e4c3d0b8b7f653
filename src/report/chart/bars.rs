//! Horizontal bars with long names: the name above its bar, the value at the bar's end.

use super::canvas::{Anchor, draw, fitting, fitting_bold, palette, text_width};
use super::{Color, number, text};
use crate::observe::Table;

const TEXT_SIZE: f64 = 16.0;
/// Height of a name with its bar.
const ROW_HEIGHT: f64 = 44.0;
const TOP: f64 = 62.0;
const MARGIN: f64 = 20.0;

/// One bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Its length.
    pub value: f64,
    /// Its colour.
    pub color: Color,
}

/// Bars from the top down, in the order given.
#[derive(Clone, PartialEq, Debug)]
pub struct BarChart {
    /// What the chart shows, with the unit of the values.
    pub title: String,
    /// The bars.
    pub bars: Vec<Bar>,
    /// Width in pixels; the height follows from the number of bars.
    pub width: f64,
}

impl BarChart {
    /// A chart of the usual width.
    #[must_use]
    pub fn new(title: &str, bars: Vec<Bar>) -> Self {
        Self { title: title.to_owned(), bars, width: 900.0 }
    }

    /// What the chart shows as a table with a row for each bar.
    #[must_use]
    pub fn table(&self, bar: &str, value: &str) -> Table<'static> {
        let row = |bar: &Bar| vec![text(&bar.name), number(bar.value)];
        Table { header: vec![bar.to_owned(), value.to_owned()], rows: self.bars.iter().map(row).collect() }
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let height = TOP + ROW_HEIGHT * self.bars.len().max(1) as f64 + 12.0;
        let greatest = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        let value_text = |bar: &Bar| grouped(bar.value);
        let value_room =
            self.bars.iter().map(|bar| text_width(&value_text(bar), TEXT_SIZE)).fold(0.0, f64::max) + 12.0;
        let longest = self.width - 2.0 * MARGIN - value_room;
        draw(self.width, height, &self.title, |canvas| {
            let title = fitting_bold(&self.title, 21.0, self.width - 2.0 * MARGIN);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, 21.0, palette::INK, true);
            for (number, bar) in self.bars.iter().enumerate() {
                let y = TOP + ROW_HEIGHT * number as f64;
                let name = fitting(&bar.name, TEXT_SIZE, self.width - 2.0 * MARGIN);
                canvas.text((MARGIN, y), Anchor::Left, &name, TEXT_SIZE, palette::INK, false);
                let share = if greatest > 0.0 { bar.value.max(0.0) / greatest } else { 0.0 };
                let end = MARGIN + (longest * share).max(2.0);
                canvas.rectangle((MARGIN, y + 12.0), (end, y + 26.0), bar.color);
                canvas.text(
                    (end + 8.0, y + 19.0),
                    Anchor::Left,
                    &value_text(bar),
                    TEXT_SIZE,
                    palette::GREY,
                    false,
                );
            }
            if self.bars.is_empty() {
                canvas.text((MARGIN, TOP + 14.0), Anchor::Left, "none", TEXT_SIZE, palette::GREY, false);
            }
        })
    }
}

/// A number with its thousands set apart; two decimals where it is not whole.
pub(crate) fn grouped(value: f64) -> String {
    let text = if value == libm::floor(value) { format!("{value:.0}") } else { format!("{value:.2}") };
    let (whole, decimals) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            // A narrow no-break space.
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped.push_str(decimals);
    grouped
}
