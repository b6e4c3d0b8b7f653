//! Distributions beside one another: a box or a violin for each group, its name at the left.

use super::across::Across;
use super::axis::tick;
use super::canvas::{Anchor, Canvas, draw, fitting_bold, fitting_middle, palette, text_width};
use super::distribution::{BoxNumbers, density, silverman_width};
use super::{Axis, Color, grouped, number, text};
use crate::observe::Table;

const TEXT_SIZE: f64 = 16.0;
const TITLE_SIZE: f64 = 21.0;
const WIDTH: f64 = 900.0;
const MARGIN: f64 = 20.0;
/// Room for the name of a group at most.
const NAME: f64 = 260.0;
const TOP: f64 = 56.0;
const BOX_ROW: f64 = 46.0;
const VIOLIN_ROW: f64 = 84.0;
const FOOT: f64 = 60.0;
/// Places at which the outline of a violin is computed.
const STEPS: u32 = 160;
/// Outliers of a group that are drawn; the table has them all.
const MOST_OUTLIERS: usize = 400;

/// The values of a group, with what a chart shows of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    values: Vec<f64>,
    numbers: BoxNumbers,
}

impl Group {
    /// A group of values; none where none of them is a number.
    #[must_use]
    pub fn of(name: &str, values: &[f64]) -> Option<Self> {
        let mut values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Some(Self { name: name.to_owned(), numbers: BoxNumbers::of(&values)?, values })
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The median.
    #[must_use]
    pub const fn median(&self) -> f64 {
        self.numbers.median
    }

    /// The density from the least value to the greatest; empty where the values do not vary.
    fn outline(&self) -> Vec<(f64, f64)> {
        let width = silverman_width(&self.values);
        let (Some(least), Some(greatest)) = (self.values.first(), self.values.last()) else {
            return Vec::new();
        };
        if width <= 0.0 {
            return Vec::new();
        }
        let at = |step: u32| least + (greatest - least) * f64::from(step) / f64::from(STEPS);
        (0..=STEPS).map(|step| (at(step), density(&self.values, width, at(step)))).collect()
    }
}

/// A chart of boxes or violins.
#[derive(Clone, PartialEq, Debug)]
pub struct BoxChart {
    /// What it shows.
    pub title: String,
    /// The axis of the values.
    pub x: Axis,
    /// The groups from the top down.
    pub groups: Vec<Group>,
    /// Whether each has its density around its box.
    pub has_violins: bool,
}

impl BoxChart {
    /// What the chart shows as a long table; `value` names the column of the values, with their unit.
    #[must_use]
    pub fn table(&self, value: &str) -> Table<'static> {
        let mut rows = Vec::new();
        for group in &self.groups {
            let mut add = |what: &str, value: f64, density: f64| {
                rows.push(vec![text(&group.name), text(what), number(value), number(density)]);
            };
            let numbers = &group.numbers;
            add("low whisker", numbers.low_whisker, f64::NAN);
            add("lower quartile", numbers.lower_quartile, f64::NAN);
            add("median", numbers.median, f64::NAN);
            add("upper quartile", numbers.upper_quartile, f64::NAN);
            add("high whisker", numbers.high_whisker, f64::NAN);
            numbers.outliers.iter().for_each(|outlier| add("outlier", *outlier, f64::NAN));
            if self.has_violins {
                group.outline().into_iter().for_each(|(at, density)| add("density", at, density));
            }
        }
        Table { header: ["group", "what", value, "density"].map(str::to_owned).to_vec(), rows }
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let row = if self.has_violins { VIOLIN_ROW } else { BOX_ROW };
        let bottom = TOP + row * self.groups.len().max(1) as f64;
        let counts: Vec<String> =
            self.groups.iter().map(|group| format!("n = {}", grouped(group.count() as f64))).collect();
        let names = self.groups.iter().map(|group| &group.name).chain(&counts);
        let room = names.map(|name| text_width(name, TEXT_SIZE)).fold(60.0, f64::max).min(NAME);
        let values = || self.groups.iter().flat_map(|group| &group.values);
        let least = values().copied().fold(f64::INFINITY, f64::min);
        let greatest = values().copied().fold(f64::NEG_INFINITY, f64::max);
        let left = MARGIN + room + 14.0;
        draw(WIDTH, bottom + FOOT, &self.title, |canvas| {
            let title = fitting_bold(&self.title, TITLE_SIZE, WIDTH - 2.0 * MARGIN);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            if least > greatest {
                let said = "nothing was measured";
                canvas.text(
                    (WIDTH / 2.0, TOP + row / 2.0),
                    Anchor::Centre,
                    said,
                    TEXT_SIZE,
                    palette::GREY,
                    false,
                );
                return;
            }
            let margin = (greatest - least).max(greatest.abs() * 1e-6).max(1e-12) * 0.04;
            let from = if least >= 0.0 { (least - margin).max(0.0) } else { least - margin };
            let axis = if self.x.range.is_some() {
                self.x.clone()
            } else {
                self.x.clone().over(from, greatest + margin)
            };
            let x = tick(&axis, least, greatest, 7, false);
            let frame = Across { left, right: WIDTH - 36.0, x };
            frame.draw(canvas, (TOP, bottom), TEXT_SIZE, MARGIN);
            for (number, (group, count)) in self.groups.iter().zip(&counts).enumerate() {
                let middle = TOP + row * (number as f64 + 0.5);
                let name = fitting_middle(&group.name, TEXT_SIZE, room);
                let at = |offset: f64| (left - 14.0, middle + offset);
                canvas.text(at(-10.0), Anchor::Right, &name, TEXT_SIZE, palette::INK, false);
                canvas.text(at(10.0), Anchor::Right, count, TEXT_SIZE - 1.0, palette::GREY, false);
                let color = palette::CYCLE[number % (palette::CYCLE.len() - 1)];
                if self.has_violins {
                    draw_violin(canvas, group, &frame, (middle, row / 2.0 - 6.0), color);
                    draw_box(canvas, &group.numbers, &frame, (middle, 7.0), palette::PAPER);
                } else {
                    draw_box(canvas, &group.numbers, &frame, (middle, 13.0), color.alpha(0.45));
                }
            }
        })
    }
}

fn draw_violin(canvas: &Canvas, group: &Group, frame: &Across, (middle, half): (f64, f64), color: Color) {
    let outline = group.outline();
    let most = outline.iter().map(|(_, density)| *density).fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let side = |sign: f64| {
        let point = move |(at, density): &(f64, f64)| (frame.at(*at), middle + sign * half * density / most);
        outline.iter().map(point).collect::<Vec<_>>()
    };
    let mut corners = side(-1.0);
    corners.extend(side(1.0).into_iter().rev());
    canvas.polygon(&corners, color.alpha(0.45));
    corners.extend(corners.first().copied());
    canvas.line(&corners, color, 1.5);
}

fn draw_box(canvas: &Canvas, numbers: &BoxNumbers, frame: &Across, (middle, half): (f64, f64), fill: Color) {
    let at = |value: f64| frame.at(value);
    let (left, right) = (at(numbers.lower_quartile), at(numbers.upper_quartile));
    for (end, side) in [(at(numbers.low_whisker), left), (at(numbers.high_whisker), right)] {
        canvas.line(&[(end, middle), (side, middle)], palette::INK, 1.5);
        canvas.line(&[(end, middle - half * 0.6), (end, middle + half * 0.6)], palette::INK, 1.5);
    }
    canvas.rectangle((left, middle - half), (right, middle + half), fill);
    canvas.frame((left, middle - half), (right, middle + half), palette::INK, 1.5);
    let median = at(numbers.median);
    canvas.line(&[(median, middle - half), (median, middle + half)], palette::INK, 3.5);
    let step = numbers.outliers.len().div_ceil(MOST_OUTLIERS).max(1);
    // The ends are always among those that are drawn.
    let drawn = numbers.outliers.iter().step_by(step).chain(numbers.outliers.last());
    drawn.for_each(|outlier| canvas.ring((at(*outlier), middle), 3.0, palette::INK, 1.0));
}
