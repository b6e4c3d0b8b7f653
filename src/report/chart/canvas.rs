//! The drawing surface under every chart: lines, areas, dots and text in pixels, written as SVG.
//!
//! The only file that knows the plotting library. It has whole units only, so a picture is drawn at ten times its size
//! and scaled back: coordinates are exact to a tenth of a pixel. What the library cannot do is added to its elements:
//! dashes, many lines in one element, and for the whole picture a class with a style that turns its colours where the
//! reader's screen is dark ([`super::theme`]).

use std::cell::RefCell;
use std::fmt::Write as _;

use plotters::prelude::{
    Circle, DrawingArea, FontStyle, FontTransform, IntoDrawingArea, IntoFont, PathElement, Polygon,
    RGBAColor, Rectangle, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::theme;
use crate::kernel::has_power;

/// Drawn units in a pixel.
const SCALE: f64 = 10.0;
/// The SVG backend divides a font's size by this when it writes it.
const FONT_FACTOR: f64 = 1.24;
/// By which part of its size a text is moved down, so that the middle of its capitals and digits is at its point.
const TEXT_DROP: f64 = 0.09;
/// Into how many straight pieces a curve is drawn.
const CURVE_PIECES: usize = 24;
const TEXT_WRITES: &str = "drawing into a text cannot fail";

/// A colour with its opacity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Color {
    rgb: (u8, u8, u8),
    alpha: f64,
}

impl Color {
    /// An opaque colour.
    #[must_use]
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { rgb: (red, green, blue), alpha: 1.0 }
    }
    /// The same colour with an opacity from 0 to 1.
    #[must_use]
    pub const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
    /// The colour without its opacity, as in `#0072B2`.
    #[must_use]
    pub fn hex(self) -> String {
        let (red, green, blue) = self.rgb;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
    /// The colour at a share of the way to another, from 0 to 1.
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        let mixed = |from: u8, to: u8| {
            libm::round(f64::from(from) + (f64::from(to) - f64::from(from)) * share.clamp(0.0, 1.0)) as u8
        };
        let (one, two) = (self.rgb, other.rgb);
        Self::rgb(mixed(one.0, two.0), mixed(one.1, two.1), mixed(one.2, two.2))
    }
    /// How well the two are told apart, from 1 to 21, as the guidelines for accessible web content have it (WCAG 2.1).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }
    fn luminance(self) -> f64 {
        let linear = |part: u8| match f64::from(part) / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => libm::pow((part + 0.055) / 1.055, 2.4),
        };
        0.2126 * linear(self.rgb.0) + 0.7152 * linear(self.rgb.1) + 0.0722 * linear(self.rgb.2)
    }
}

/// The palette of Okabe and Ito (2008), told apart with any common colour vision, and greys for the frame.
pub mod palette {
    use super::Color;

    /// Okabe-Ito orange.
    pub const ORANGE: Color = Color::rgb(230, 159, 0);
    /// Okabe-Ito sky blue.
    pub const SKY: Color = Color::rgb(86, 180, 233);
    /// Okabe-Ito bluish green.
    pub const GREEN: Color = Color::rgb(0, 158, 115);
    /// Okabe-Ito yellow.
    pub const YELLOW: Color = Color::rgb(240, 228, 66);
    /// Okabe-Ito blue.
    pub const BLUE: Color = Color::rgb(0, 114, 178);
    /// Okabe-Ito vermillion.
    pub const VERMILLION: Color = Color::rgb(213, 94, 0);
    /// Okabe-Ito reddish purple.
    pub const PURPLE: Color = Color::rgb(204, 121, 167);
    /// The colour of titles and of what carries no meaning by colour.
    pub const INK: Color = Color::rgb(34, 34, 34);
    /// Secondary text and axes.
    pub const GREY: Color = Color::rgb(95, 99, 104);
    /// Grid lines.
    pub const GRID: Color = Color::rgb(222, 225, 230);
    /// The background.
    pub const PAPER: Color = Color::rgb(255, 255, 255);
    /// What is left out, not known or switched off: soft, and never a text.
    pub const SOFT: Color = Color::rgb(150, 156, 164);
    /// The land of a map.
    pub const LAND: Color = Color::rgb(218, 224, 218);
    /// The sea of a map.
    pub const SEA: Color = Color::rgb(240, 245, 250);
    /// Text on a light fill that stays light on dark screens.
    pub const BLACK: Color = Color::rgb(0, 0, 0);
    /// Text on a dark fill that stays dark on dark screens.
    pub const NEAR_WHITE: Color = Color::rgb(254, 254, 254);
    /// Colours for series without one of their own, in order.
    pub const CYCLE: [Color; 7] = [BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, INK];
}

/// Where a text lies relative to its point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anchor {
    /// The point is at the text's left, half way up.
    Left,
    /// The point is in the text's middle.
    Centre,
    /// The point is at the text's right, half way up.
    Right,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dash {
    /// In one go.
    #[default]
    Solid,
    /// In long strokes.
    Long,
    /// In dots.
    Dots,
    /// In strokes and dots.
    Mixed,
    /// In short strokes.
    Short,
}

impl Dash {
    /// Ways of drawing lines, so that neighbours of [`palette::CYCLE`] differ by more than colour.
    pub const CYCLE: [Self; 5] = [Self::Solid, Self::Long, Self::Dots, Self::Mixed, Self::Short];

    /// Lengths of strokes and gaps in pixels, in turns.
    const fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Long => &[10.0, 5.0],
            Self::Dots => &[2.0, 4.0],
            Self::Mixed => &[10.0, 4.0, 2.0, 4.0],
            Self::Short => &[5.0, 4.0],
        }
    }
}

type Point = (i32, i32);

/// Something that is drawn, in drawn units. Each becomes one element.
enum Shape {
    Line(Vec<Point>, ShapeStyle, Dash),
    /// Lines between two points each.
    Lines(Vec<[Point; 2]>, ShapeStyle),
    Polygon(Vec<Point>, ShapeStyle),
    Rectangle([Point; 2], ShapeStyle),
    Circle(Point, i32, ShapeStyle),
    Text {
        at: Point,
        anchor: Anchor,
        text: String,
        size: f64,
        color: Color,
        bold: bool,
        upwards: bool,
    },
}

/// A picture being drawn; points are (x, y) in pixels from the upper left corner.
pub(crate) struct Canvas {
    shapes: RefCell<Vec<Shape>>,
}

fn unit(pixels: f64) -> i32 {
    libm::round(pixels * SCALE) as i32
}

fn point(at: (f64, f64)) -> Point {
    (unit(at.0), unit(at.1))
}

fn rgba(color: Color) -> RGBAColor {
    let (red, green, blue) = color.rgb;
    RGBAColor(red, green, blue, color.alpha)
}

fn fill(color: Color) -> ShapeStyle {
    ShapeStyle { color: rgba(color), filled: true, stroke_width: 0 }
}

fn stroke(color: Color, width: f64) -> ShapeStyle {
    ShapeStyle { color: rgba(color), filled: false, stroke_width: unit(width).unsigned_abs().max(1) }
}

/// Draws a picture of `width` by `height` pixels and returns its SVG text, with `title` for screen readers.
pub(crate) fn draw(width: f64, height: f64, title: &str, fill: impl FnOnce(&Canvas)) -> String {
    let canvas = Canvas { shapes: RefCell::new(Vec::new()) };
    canvas.rectangle((0.0, 0.0), (width, height), palette::PAPER);
    fill(&canvas);
    let shapes = canvas.shapes.into_inner();
    let mut text = String::new();
    {
        let size = (unit(width).unsigned_abs(), unit(height).unsigned_abs());
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        shapes.iter().for_each(|shape| shape.draw(&area));
        area.present().expect(TEXT_WRITES);
    }
    // The backend's own frame is of the drawn size.
    let body = text.split_once(">\n").map_or("", |(_, rest)| rest);
    let body = completed(body.rsplit_once("</svg>").map_or(body, |(body, _)| body), &shapes);
    let (label, style) = (escape(title), theme::style());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{}\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\n{style}\n\
         <g transform=\"scale({})\" stroke-linejoin=\"round\">\n{body}</g>\n</svg>\n",
        theme::CLASS,
        1.0 / SCALE,
    )
}

/// The elements of some shapes, one a shape, with what the library has left out: the dashes of lines, and all but the
/// first of many lines.
fn completed(body: &str, shapes: &[Shape]) -> String {
    let mut drawn = shapes.iter();
    let mut out = String::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        let starts = line.starts_with('<') && !line.starts_with("</");
        let shape = starts.then(|| drawn.next()).flatten();
        match (shape, line.strip_prefix("<polyline ")) {
            (Some(Shape::Line(_, _, dash)), Some(rest)) if *dash != Dash::Solid => {
                let lengths: Vec<String> =
                    dash.pattern().iter().map(|length| unit(*length).to_string()).collect();
                let _ = write!(out, "<polyline stroke-dasharray=\"{}\" {rest}", lengths.join(" "));
            }
            (Some(Shape::Lines(lines, _)), Some(rest)) => {
                let style = rest.split(" points=").next().unwrap_or(rest);
                let _ = writeln!(out, "<path {style} d=\"{}\"/>", path_of(lines));
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// Lines as the data of a path: each begins so far from the end of the one before, and ends so far from there.
fn path_of(lines: &[[Point; 2]]) -> String {
    let mut data = String::new();
    let mut at = (0, 0);
    for [from, to] in lines {
        let _ = write!(data, "m{} {} {} {}", from.0 - at.0, from.1 - at.1, to.0 - from.0, to.1 - from.1);
        at = *to;
    }
    data
}

impl Shape {
    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) {
        let drawn = match self {
            Self::Line(points, style, _) => area.draw(&PathElement::new(points.clone(), *style)),
            // The others are added to this one's element.
            Self::Lines(lines, style) => area.draw(&PathElement::new(lines[0].to_vec(), *style)),
            Self::Polygon(points, style) => area.draw(&Polygon::new(points.clone(), *style)),
            Self::Rectangle(corners, style) => area.draw(&Rectangle::new(*corners, *style)),
            Self::Circle(centre, radius, style) => area.draw(&Circle::new(*centre, *radius, *style)),
            Self::Text { at, anchor, text, size, color, bold, upwards } => {
                let horizontal = match anchor {
                    Anchor::Left => HPos::Left,
                    Anchor::Centre => HPos::Center,
                    Anchor::Right => HPos::Right,
                };
                let weight = if *bold { FontStyle::Bold } else { FontStyle::Normal };
                let turn = if *upwards { FontTransform::Rotate270 } else { FontTransform::None };
                let font =
                    ("sans-serif", size * SCALE * FONT_FACTOR).into_font().style(weight).transform(turn);
                let fill = rgba(*color);
                let style = TextStyle::from(font).color(&fill).pos(Pos::new(horizontal, VPos::Center));
                area.draw_text(text, &style, *at)
            }
        };
        drawn.expect(TEXT_WRITES);
    }
}

impl Canvas {
    fn put(&self, shape: Shape) {
        self.shapes.borrow_mut().push(shape);
    }

    /// The points in drawn units; those that fall together are one. None where one of them is nowhere.
    fn points(points: &[(f64, f64)]) -> Option<Vec<Point>> {
        let is_finite = points.iter().all(|(x, y)| x.is_finite() && y.is_finite());
        let mut units: Vec<_> = points.iter().copied().map(point).collect();
        units.dedup();
        is_finite.then_some(units)
    }

    /// A line through all points.
    pub(crate) fn line(&self, points: &[(f64, f64)], color: Color, width: f64) {
        self.stroke(points, color, width, Dash::Solid);
    }

    /// A line through all points, drawn this way.
    pub(crate) fn stroke(&self, points: &[(f64, f64)], color: Color, width: f64, dash: Dash) {
        if let Some(points) = Self::points(points).filter(|points| points.len() > 1 && color.alpha > 0.0) {
            self.put(Shape::Line(points, stroke(color, width), dash));
        }
    }

    /// A dashed line between two points.
    pub(crate) fn dashed(&self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        self.stroke(&[from, to], color, width, Dash::Short);
    }

    /// A filled polygon.
    pub(crate) fn polygon(&self, points: &[(f64, f64)], color: Color) {
        if let Some(points) = Self::points(points).filter(|points| points.len() > 2 && color.alpha > 0.0) {
            self.put(Shape::Polygon(points, fill(color)));
        }
    }

    /// A filled rectangle between two corners.
    pub(crate) fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: Color) {
        if color.alpha > 0.0 {
            let upper = point((from.0.min(to.0), from.1.min(to.1)));
            let lower = point((from.0.max(to.0), from.1.max(to.1)));
            self.put(Shape::Rectangle([upper, lower], fill(color)));
        }
    }

    /// The outline of a rectangle.
    pub(crate) fn frame(&self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        self.line(&corners, color, width);
    }

    /// Slanted lines within a rectangle, as one element.
    pub(crate) fn hatch(&self, from: (f64, f64), to: (f64, f64), color: Color) {
        const STEP: f64 = 6.0;
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let is_seen = width.is_finite() && height.is_finite() && color.alpha > 0.0;
        let count = if is_seen { libm::floor((width + height) / STEP) as usize } else { 0 };
        let line = |number: usize| {
            // On this line x + y, from the upper left corner, is the same everywhere.
            let sum = number as f64 * STEP;
            let (low, high) = ((sum - height).max(0.0), sum.min(width));
            let ends = [(from.0 + high, from.1 + sum - high), (from.0 + low, from.1 + sum - low)].map(point);
            // To and fro, so that the way to the next is short.
            if number.is_multiple_of(2) { [ends[1], ends[0]] } else { ends }
        };
        let lines: Vec<_> = (1..=count).map(line).filter(|[one, other]| one != other).collect();
        if !lines.is_empty() {
            self.put(Shape::Lines(lines, stroke(color, 1.0)));
        }
    }

    /// A curve from one point to another that is bent towards a third.
    pub(crate) fn curve(&self, from: (f64, f64), bend: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        let at = |piece: usize| {
            let (there, back) =
                (piece as f64 / CURVE_PIECES as f64, 1.0 - piece as f64 / CURVE_PIECES as f64);
            let part = |a: f64, b: f64, c: f64| back * back * a + 2.0 * back * there * b + there * there * c;
            (part(from.0, bend.0, to.0), part(from.1, bend.1, to.1))
        };
        self.line(&(0..=CURVE_PIECES).map(at).collect::<Vec<_>>(), color, width);
    }

    /// A filled arrow head with its tip at a point, for a line that comes from another.
    pub(crate) fn head(&self, from: (f64, f64), tip: (f64, f64), size: f64, color: Color) {
        let (dx, dy) = (tip.0 - from.0, tip.1 - from.1);
        let length = libm::sqrt(dx * dx + dy * dy).max(1e-9);
        let (dx, dy) = (dx / length * size, dy / length * size);
        let base = (tip.0 - dx, tip.1 - dy);
        let corners =
            [tip, (base.0 - dy * 0.45, base.1 + dx * 0.45), (base.0 + dy * 0.45, base.1 - dx * 0.45)];
        self.polygon(&corners, color);
    }

    /// A cross of two strokes.
    pub(crate) fn cross(&self, at: (f64, f64), radius: f64, color: Color, width: f64) {
        self.line(&[(at.0 - radius, at.1 - radius), (at.0 + radius, at.1 + radius)], color, width);
        self.line(&[(at.0 - radius, at.1 + radius), (at.0 + radius, at.1 - radius)], color, width);
    }

    /// A filled square that stands on a corner.
    pub(crate) fn diamond(&self, at: (f64, f64), radius: f64, color: Color) {
        let (x, y) = at;
        self.polygon(&[(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)], color);
    }

    /// A filled dot.
    pub(crate) fn dot(&self, centre: (f64, f64), radius: f64, color: Color) {
        self.circle(centre, radius, fill(color));
    }

    /// A ring.
    pub(crate) fn ring(&self, centre: (f64, f64), radius: f64, color: Color, width: f64) {
        self.circle(centre, radius, stroke(color, width));
    }

    fn circle(&self, centre: (f64, f64), radius: f64, style: ShapeStyle) {
        if style.color.3 > 0.0 {
            self.put(Shape::Circle(point(centre), unit(radius.max(0.5)), style));
        }
    }

    /// A line of text; characters that XML cannot hold are replaced.
    pub(crate) fn text(
        &self,
        at: (f64, f64),
        anchor: Anchor,
        text: &str,
        size: f64,
        color: Color,
        bold: bool,
    ) {
        let at = point((at.0, at.1 + size * TEXT_DROP));
        let (text, upwards) = (printable(text), false);
        self.put(Shape::Text { at, anchor, text, size, color, bold, upwards });
    }

    /// A line of text that is read upwards and ends at a point, in its middle from left to right.
    pub(crate) fn text_upwards(&self, end: (f64, f64), text: &str, size: f64, color: Color) {
        let (at, text) = (point((end.0 + size * TEXT_DROP, end.1)), printable(text));
        let (anchor, bold, upwards) = (Anchor::Right, false, true);
        self.put(Shape::Text { at, anchor, text, size, color, bold, upwards });
    }
}

/// How wide the characters from space to tilde are, in thousandths of the size, in DejaVu Sans: the widest of the
/// common fonts without serifs, so that what fits in it fits in all of them.
#[rustfmt::skip]
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// By how much bold letters are wider than others, at most.
const BOLD: f64 = 1.17;

/// About how wide a text is, in pixels: generous, since the reader's font is not known.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let width = |character: char| match (character as usize).checked_sub(32) {
        Some(place) if place < WIDTHS.len() => f64::from(WIDTHS[place]) / 1000.0,
        // Spaces that keep numbers together.
        _ if matches!(character, '\u{202f}' | '\u{2009}') => 0.2,
        _ if character < '\u{1100}' => 0.8,
        _ => 1.0,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// About how wide a text is in bold letters.
pub(crate) fn bold_width(text: &str, size: f64) -> f64 {
    text_width(text, size) * BOLD
}

/// Cuts a text to about `width` pixels, with an ellipsis where something is missing.
pub(crate) fn fitting(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let (mut cut, mut used) = (String::new(), text_width("…", size));
    for character in text.chars() {
        used += text_width(character.encode_utf8(&mut [0; 4]), size);
        if used > width {
            break;
        }
        cut.push(character);
    }
    format!("{}…", cut.trim_end())
}

/// Cuts a text to about `width` pixels in its middle, for names of which the ends tell them apart.
pub(crate) fn fitting_middle(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let room = width - text_width("…", size);
    let part = |characters: &mut dyn Iterator<Item = char>, room: f64| {
        let mut used = 0.0;
        let fits = |character: &char| {
            used += text_width(character.encode_utf8(&mut [0; 4]), size);
            used <= room
        };
        characters.take_while(fits).collect::<String>()
    };
    let start = part(&mut text.chars(), room * 0.5);
    let end = part(&mut text.chars().rev(), room * 0.5);
    format!("{start}…{}", end.chars().rev().collect::<String>())
}

/// As [`fitting`], for bold letters.
pub(crate) fn fitting_bold(text: &str, size: f64, width: f64) -> String {
    fitting(text, size, width / BOLD)
}

/// The text with characters replaced that XML cannot hold or that turn the direction of what follows.
#[must_use]
pub fn printable(text: &str) -> String {
    let bad = |character: char| {
        (has_power(character) && !matches!(character, '\n' | '\t'))
            || matches!(character, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|character| if bad(character) { '\u{fffd}' } else { character }).collect()
}

/// The text as it may stand in XML, also inside quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{Anchor, draw, escape, fitting, fitting_middle, palette, printable};

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>\u{0}\u{202e}&\"'";
        assert_eq!(escape(hostile), "&lt;script&gt;\u{fffd}\u{fffd}&amp;&quot;&#39;");
        let svg = draw(100.0, 50.0, hostile, |canvas| {
            canvas.text((5.0, 5.0), Anchor::Left, hostile, 14.0, palette::INK, false);
        });
        assert!(!svg.contains("<script>") && !svg.contains('\u{0}'), "{svg}");
        assert!(svg.contains("&lt;script&gt;"));
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("viewBox=\"0 0 100 50\""), "{svg}");
    }

    #[test]
    fn dashes_are_those_of_their_own_lines() {
        let svg = draw(100.0, 50.0, "lines", |canvas| {
            canvas.text(
                (5.0, 5.0),
                Anchor::Left,
                "<polyline stands here as a text",
                14.0,
                palette::INK,
                false,
            );
            canvas.line(&[(0.0, 0.0), (9.0, 9.0)], palette::BLUE, 1.0);
            canvas.dashed((1.0, 2.0), (30.0, 40.0), palette::GREEN, 1.5);
            canvas.dot((5.0, 5.0), 2.0, palette::GREEN);
        });
        let lines: Vec<&str> = svg.lines().filter(|line| line.starts_with("<polyline ")).collect();
        assert_eq!(lines.len(), 2, "{svg}");
        assert!(!lines[0].contains("dasharray") && lines[1].contains("stroke-dasharray=\"50 40\""), "{svg}");
        assert!(lines[1].contains("10,20 300,400") && lines[1].contains("stroke-width=\"15\""), "{svg}");
    }

    #[test]
    fn all_lines_of_a_hatch_are_one_element() {
        let svg = draw(100.0, 50.0, "lines", |canvas| {
            canvas.hatch((10.0, 10.0), (22.0, 16.0), palette::GREEN);
            canvas.hatch((10.0, 10.0), (12.0, 12.0), palette::GREEN);
            canvas.dashed((1.0, 2.0), (30.0, 40.0), palette::GREEN, 1.5);
        });
        let lines: Vec<&str> = svg.lines().filter(|line| line.starts_with("<p")).collect();
        assert_eq!(lines.len(), 2, "{svg}");
        assert!(lines[0].starts_with("<path fill=\"none\" opacity=\"1\" stroke=\"#009E73\""), "{svg}");
        // From (16, 10) to (10, 16), and on to (16, 16) and up to (22, 10); the third is a point in a corner.
        assert!(lines[0].ends_with(" d=\"m160 100 -60 60m60 0 60 -60\"/>"), "{svg}");
        assert!(lines[1].contains("stroke-dasharray=\"50 40\""), "{svg}");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(fitting("short", 10.0, 100.0), "short");
        let cut = fitting("ééééééééééééééééééé", 10.0, 60.0);
        assert!(cut.ends_with('…') && cut.chars().count() < 10, "{cut}");
        assert_eq!(printable("a\nb"), "a\nb");
        assert_eq!(fitting_middle("loss=0%, latency=20ms", 10.0, 80.0), "loss=0…20ms");
    }
}
