//! Pictures on light and on dark ground: which colour of the palette becomes which where the screen is dark.
//!
//! Colours are presentation attributes of fixed value. A rule of a style sheet comes before an attribute, so one small
//! style with a selector for each colour turns a whole picture, whether it is a file or stands in a page. All pictures
//! have the same class and the same style, so many of them in one page do not disturb each other or the page.

use super::Color;
use super::canvas::palette;

/// The class of every picture.
pub(crate) const CLASS: &str = "dmsim-chart";

/// On which ground a picture is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// White, for paper.
    Light,
    /// Dark.
    Dark,
    /// As the reader's screen is.
    #[default]
    Auto,
}

/// Colours with what they are on dark ground. Fills that carry a text of their own colour are not among them.
const DARK: [(Color, Color); 11] = [
    (palette::PAPER, Color::rgb(30, 35, 41)),
    (palette::SEA, Color::rgb(36, 44, 54)),
    (palette::LAND, Color::rgb(58, 66, 76)),
    (palette::GRID, Color::rgb(61, 69, 80)),
    (palette::GREY, Color::rgb(168, 176, 186)),
    (palette::SOFT, Color::rgb(110, 118, 129)),
    (palette::INK, Color::rgb(232, 234, 237)),
    // The others stand out on both grounds; these are a little too dark for the dark one.
    (palette::BLUE, Color::rgb(60, 148, 214)),
    (palette::GREEN, Color::rgb(26, 176, 134)),
    (palette::VERMILLION, Color::rgb(232, 113, 28)),
    (palette::SKY, Color::rgb(128, 203, 247)),
];

/// The style that every picture carries.
pub(super) fn style() -> String {
    let rule = |(light, dark): &(Color, Color)| {
        let (from, to) = (light.hex(), dark.hex());
        format!(".{CLASS} [fill=\"{from}\"]{{fill:{to}}}.{CLASS} [stroke=\"{from}\"]{{stroke:{to}}}")
    };
    let rules: String = DARK.iter().map(rule).collect();
    format!("<style>@media (prefers-color-scheme:dark){{{rules}}}</style>")
}

/// A picture that the canvas has written, for another ground.
#[must_use]
pub fn themed(svg: &str, theme: Theme) -> String {
    // No text of a picture can hold any of this: quotes and brackets are escaped in texts.
    let plain = || svg.replace(&format!("{}\n", style()), "");
    match theme {
        Theme::Auto => svg.to_owned(),
        Theme::Light => plain(),
        Theme::Dark => DARK.iter().fold(plain(), |svg, (light, dark)| {
            let (light, dark) = (light.hex(), dark.hex());
            let turned = svg.replace(&format!("fill=\"{light}\""), &format!("fill=\"{dark}\""));
            turned.replace(&format!("stroke=\"{light}\""), &format!("stroke=\"{dark}\""))
        }),
    }
}

/// The picture shown so many pixels wide; its proportions and the size of its texts beside it stay.
#[must_use]
pub fn shown_at(svg: &str, width: u32) -> String {
    let number = |name: &str| -> Option<f64> {
        let (_, rest) = svg.split_once(&format!(" {name}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    let (Some(before), Some(height)) = (number("width"), number("height")) else { return svg.to_owned() };
    let taller = libm::round(height * f64::from(width) / before);
    svg.replacen(&format!(" width=\"{before}\""), &format!(" width=\"{width}\""), 1).replacen(
        &format!(" height=\"{height}\""),
        &format!(" height=\"{taller}\""),
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{Anchor, draw};
    use super::*;

    fn picture() -> String {
        draw(300.0, 100.0, "a picture", |canvas| {
            let hostile = "fill=\"#FFFFFF\" <style>";
            canvas.text((9.0, 50.0), Anchor::Left, hostile, 16.0, palette::INK, false);
            canvas.line(&[(0.0, 0.0), (9.0, 9.0)], palette::BLUE, 2.0);
            canvas.text((9.0, 80.0), Anchor::Left, "stays", 16.0, palette::BLACK, false);
        })
    }

    #[test]
    fn texts_can_be_read_on_both_grounds() {
        let dark =
            |color: Color| DARK.iter().find(|(light, _)| *light == color).map_or(color, |(_, dark)| *dark);
        for ground in [palette::PAPER, palette::SEA] {
            for text in [palette::INK, palette::GREY] {
                assert!(text.contrast(ground) >= 4.5, "{text:?} on {ground:?}");
                assert!(dark(text).contrast(dark(ground)) >= 4.5, "{text:?} on {ground:?}, dark");
            }
        }
        for mark in palette::CYCLE {
            let contrast = dark(mark).contrast(dark(palette::PAPER));
            assert!(contrast >= 3.0, "{mark:?} on dark ground: {contrast}");
        }
    }

    #[test]
    fn no_colour_is_turned_twice() {
        for (light, dark) in &DARK {
            assert!(DARK.iter().all(|(other, _)| other.hex() != dark.hex()), "{light:?}");
            assert!(![palette::BLACK, palette::NEAR_WHITE].contains(light));
        }
    }

    #[test]
    fn themes_turn_colours_and_leave_texts() {
        let auto = picture();
        assert!(auto.contains("@media (prefers-color-scheme:dark){.dmsim-chart [fill=\"#FFFFFF\"]"));
        assert_eq!(themed(&auto, Theme::Auto), auto);
        let light = themed(&auto, Theme::Light);
        assert!(!light.contains("<style") && light.contains("fill=\"#FFFFFF\" stroke=\"none\""), "{light}");
        let dark = themed(&auto, Theme::Dark);
        assert!(!dark.contains("<style") && !dark.contains("\"#222222\"") && !dark.contains("\"#0072B2\""));
        assert!(dark.contains("fill=&quot;#FFFFFF&quot; &lt;style&gt;"), "{dark}");
        assert!(dark.contains("fill=\"#000000\""), "text on a fill of its own");
    }

    #[test]
    fn a_wider_picture_keeps_its_proportions() {
        let wide = shown_at(&picture(), 1200);
        assert!(wide.contains("width=\"1200\" height=\"400\" viewBox=\"0 0 300 100\""), "{wide}");
    }
}
