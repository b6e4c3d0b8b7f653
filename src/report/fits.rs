//! The plot of a trace: what was measured, and the distributions that were fitted to it.

use super::chart::{Axis, Chart, Color, Mark, Panel, Quantity, Series, palette, side_by_side};

/// What is drawn of one kind of times.
#[derive(Clone, PartialEq, Debug)]
pub struct Fitted {
    /// What they are and how many.
    pub title: String,
    /// The measured share of them that have ended by then, with rising times in seconds.
    pub measured: Vec<(f64, f64)>,
    /// A curve for each fit by its name, with rising times in seconds.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
    /// Which of the curves is marked and drawn in front.
    pub best: usize,
}

/// Colours of the curves, in order.
const COLORS: [Color; 4] = [palette::SKY, palette::VERMILLION, palette::GREEN, palette::PURPLE];
/// From where on measured shares are shown.
const LEAST_SHARE: f64 = 0.005;
/// Width and height of the half for one kind of times.
const SIZE: (f64, f64) = (680.0, 560.0);

/// The plot as an SVG file: one kind of times beside the other, over logarithmic time.
#[must_use]
pub fn svg(title: &str, sides: &[Fitted]) -> String {
    let charts: Vec<Chart> = sides.iter().map(chart).collect();
    side_by_side(title, &charts)
}

fn chart(side: &Fitted) -> Chart {
    // The first few stretch over decades and say little; the curves stand under the same axis.
    let from =
        side.measured.iter().find(|(_, share)| *share >= LEAST_SHARE).map_or(0.0, |(span_s, _)| *span_s);
    let shown = side.measured.iter().filter(|(span_s, _)| *span_s >= from);
    let ground = shown.map(|(span_s, share)| (*span_s, 0.0, *share)).collect();
    let mut series = vec![Series::new("measured", palette::GREY.alpha(0.35), Mark::Band(ground))];
    let mut front = None;
    for (number, ((name, points), color)) in side.curves.iter().zip(COLORS.into_iter().cycle()).enumerate() {
        let is_best = number == side.best;
        let name = if is_best { format!("{name} (best)") } else { name.clone() };
        let line = Mark::Line(points.iter().copied().filter(|(span_s, _)| *span_s >= from).collect());
        if is_best {
            front = Some(Series::new("", color, line.clone()));
        }
        series.push(Series::new(&name, color, line));
    }
    series.extend(front);
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
            curves: vec![("a <b>".to_owned(), vec![(0.001, 0.0), (1.0, 0.0), (90_000.0, 0.9)])],
            best: 0,
        };
        let drawn = svg("both", &[side("up times"), side("down times")]);
        assert_eq!(drawn.matches("<svg ").count(), 3);
        assert_eq!(drawn.matches("</svg>").count(), 3);
        for text in
            ["up times", "down times", "a &lt;b&gt; (best)", "measured", "1 min", "1 h", "1 d", "100 %"]
        {
            assert!(drawn.contains(text), "{text}");
        }
        assert!(!drawn.contains("1 ms"), "what comes before the first measured share is not shown");
        assert!(drawn.contains("viewBox=\"0 0 1360 560\"") && drawn.contains("<svg x=\"680\" "), "{drawn}");
    }
}
