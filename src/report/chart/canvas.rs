//! The drawing surface under every chart: lines, areas, dots and text in pixels, written as SVG.
//!
//! The only file that knows the plotting library. Coordinates have half-pixel precision: the picture is
//! drawn at twice its size, and the view box scales it back.

use plotters::prelude::{
    Circle, DrawingArea, FontStyle, IntoDrawingArea, IntoFont, PathElement, Polygon, RGBAColor, SVGBackend,
    ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Drawn units in a pixel.
const SCALE: f64 = 2.0;

/// The SVG backend divides a font's size by this when it writes it.
const FONT_FACTOR: f64 = 1.24;

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
    /// The sea of a map.
    pub const SEA: Color = Color::rgb(240, 245, 250);
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

/// A picture being drawn; points are (x, y) in pixels from the upper left corner.
pub(crate) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
}

fn unit(pixels: f64) -> i32 {
    libm::round(pixels * SCALE) as i32
}

fn style(color: Color, filled: bool, width: f64) -> ShapeStyle {
    let (red, green, blue) = color.rgb;
    let color = RGBAColor(red, green, blue, color.alpha);
    ShapeStyle { color, filled, stroke_width: unit(width).unsigned_abs() }
}

/// Draws a picture of `width` by `height` pixels and returns its SVG text, with `title` for screen readers.
pub(crate) fn draw(width: f64, height: f64, title: &str, fill: impl FnOnce(&Canvas<'_>)) -> String {
    let mut text = String::new();
    {
        let size = (unit(width).unsigned_abs(), unit(height).unsigned_abs());
        let canvas = Canvas { area: SVGBackend::with_string(&mut text, size).into_drawing_area() };
        canvas.rectangle((0.0, 0.0), (width, height), palette::PAPER);
        fill(&canvas);
        canvas.area.present().expect(TEXT_WRITES);
    }
    // The backend writes the drawn size; the shown size is the half, and the view box keeps the precision.
    let (body, label) = (text.split_once('>').map_or("", |(_, body)| body), escape(title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" aria-label=\"{label}\">{body}",
        unit(width),
        unit(height),
    )
}

impl Canvas<'_> {
    fn points(points: &[(f64, f64)]) -> Vec<(i32, i32)> {
        let mut units: Vec<_> = points.iter().map(|(x, y)| (unit(*x), unit(*y))).collect();
        units.dedup();
        units
    }

    /// A line through all points.
    pub(crate) fn line(&self, points: &[(f64, f64)], color: Color, width: f64) {
        let points = Self::points(points);
        if points.len() > 1 {
            self.area.draw(&PathElement::new(points, style(color, false, width))).expect(TEXT_WRITES);
        }
    }

    /// A dashed line between two points.
    pub(crate) fn dashed(&self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = libm::sqrt(dx * dx + dy * dy);
        let dashes = libm::floor(length / 10.0) as usize;
        for dash in 0..=dashes {
            let (start, end) = (dash as f64 * 10.0 / length, (dash as f64 * 10.0 + 6.0) / length);
            let at = |share: f64| (from.0 + dx * share.min(1.0), from.1 + dy * share.min(1.0));
            self.line(&[at(start), at(end)], color, width);
        }
    }

    /// A filled polygon.
    pub(crate) fn polygon(&self, points: &[(f64, f64)], color: Color) {
        let points = Self::points(points);
        if points.len() > 2 {
            self.area.draw(&Polygon::new(points, style(color, true, 0.0))).expect(TEXT_WRITES);
        }
    }

    /// A filled rectangle between two corners.
    pub(crate) fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: Color) {
        let corners = [(unit(from.0), unit(from.1)), (unit(to.0), unit(to.1))];
        let shape = plotters::prelude::Rectangle::new(corners, style(color, true, 0.0));
        self.area.draw(&shape).expect(TEXT_WRITES);
    }

    /// A filled dot.
    pub(crate) fn dot(&self, centre: (f64, f64), radius: f64, color: Color) {
        self.circle(centre, radius, style(color, true, 0.0));
    }

    /// A ring.
    pub(crate) fn ring(&self, centre: (f64, f64), radius: f64, color: Color, width: f64) {
        self.circle(centre, radius, style(color, false, width));
    }

    fn circle(&self, centre: (f64, f64), radius: f64, style: ShapeStyle) {
        let shape = Circle::new((unit(centre.0), unit(centre.1)), unit(radius).max(1), style);
        self.area.draw(&shape).expect(TEXT_WRITES);
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
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let weight = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = ("sans-serif", size * SCALE * FONT_FACTOR).into_font().style(weight);
        let (red, green, blue) = color.rgb;
        let fill = RGBAColor(red, green, blue, color.alpha);
        let style = TextStyle::from(font).color(&fill).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw_text(&printable(text), &style, (unit(at.0), unit(at.1))).expect(TEXT_WRITES);
    }
}

/// About how wide a text is, in pixels: generous, since the reader's font is not known.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(|character| if character.is_ascii() { 0.56 } else { 0.9 }).sum::<f64>() * size
}

/// Cuts a text to about `width` pixels, with an ellipsis where something is missing.
pub(crate) fn fitting(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        cut.push(character);
        if text_width(&cut, size) + size > width {
            break;
        }
    }
    format!("{}…", cut.trim_end())
}

/// The text with characters replaced that XML cannot hold or that turn the direction of what follows.
#[must_use]
pub fn printable(text: &str) -> String {
    let bad = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\t'))
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
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
    use super::{Anchor, draw, escape, fitting, palette, printable};

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>\u{0}\u{202e}&\"'";
        assert_eq!(escape(hostile), "&lt;script&gt;\u{fffd}\u{fffd}&amp;&quot;&#39;");
        let svg = draw(100.0, 50.0, hostile, |canvas| {
            canvas.text((5.0, 5.0), Anchor::Left, hostile, 14.0, palette::INK, false);
        });
        assert!(!svg.contains("<script>") && !svg.contains('\u{0}'), "{svg}");
        assert!(svg.contains("&lt;script&gt;"));
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("viewBox=\"0 0 200 100\""), "{svg}");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(fitting("short", 10.0, 100.0), "short");
        let cut = fitting("ééééééééééééééééééé", 10.0, 60.0);
        assert!(cut.ends_with('…') && cut.chars().count() < 10, "{cut}");
        assert_eq!(printable("a\nb"), "a\nb");
    }
}
