//! The plot of a trace: what was measured, and the distributions that were fitted to it.

use super::chart::{Axis, Chart, Color, Mark, Panel, Quantity, Series, palette, side_by_side};

/// What is drawn of one kind of times.
#[derive(Clone, PartialEq, Debug)]
pub struct Fitted {
    /// What they are and how many.
    pub title: String,
    /// The measured share of them that have ended by then, with rising times in seconds.
    pub measured: Vec<(f64, f64)>,
    /// A curve for each fit by its name in the legend, with rising times in seconds.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// Colours of the curves, in order.
const COLORS: [Color; 4] = [palette::SKY, palette::VERMILLION, palette::GREEN, palette::PURPLE];
/// Width and height of the half for one kind of times.
const SIZE: (f64, f64) = (640.0, 600.0);

/// The plot as an SVG file: one kind of times beside the other, over logarithmic time.
#[must_use]
pub fn svg(title: &str, sides: &[Fitted]) -> String {
    let charts: Vec<Chart> = sides.iter().map(chart).collect();
    side_by_side(title, &charts)
}

fn chart(side: &Fitted) -> Chart {
    let ground = side.measured.iter().map(|(span_s, share)| (*span_s, 0.0, *share)).collect();
    let mut series = vec![Series::new("measured", palette::GREY.alpha(0.35), Mark::Band(ground))];
    for ((name, points), color) in side.curves.iter().zip(COLORS.into_iter().cycle()) {
        series.push(Series::new(name, color, Mark::Line(points.clone())));
    }
    let x = Axis::new("how long it lasted", Quantity::Time).logarithmic();
    let y = Axis::new("have ended by then", Quantity::Share).over(0.0, 1.0);
    Chart { size: SIZE, ..Chart::new(&side.title, x, vec![Panel::new(y, series)]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_drawn_with_their_names() {
        let side = |title: &str| Fitted {
            title: title.to_owned(),
            measured: vec![(1.0, 0.1), (100.0, 0.5), (90_000.0, 1.0)],
            curves: vec![("a <b>".to_owned(), vec![(1.0, 0.0), (90_000.0, 0.9)])],
        };
        let drawn = svg("both", &[side("up times"), side("down times")]);
        assert_eq!(drawn.matches("<svg ").count(), 3);
        assert_eq!(drawn.matches("</svg>").count(), 3);
        for text in ["up times", "down times", "a &lt;b&gt;", "measured", "1 min", "1 h", "1 d", "100 %"] {
            assert!(drawn.contains(text), "{text}");
        }
        assert!(drawn.contains("viewBox=\"0 0 1280 600\"") && drawn.contains("<svg x=\"640\" "), "{drawn}");
    }
}
