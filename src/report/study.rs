//! A study as a picture: every variant by every metric, under every condition.

use super::chart::{Axis, Column, IntervalChart, Quantity, palette};

/// A metric of a study.
#[derive(Clone, PartialEq, Debug)]
pub struct Measure {
    /// Its name.
    pub metric: String,
    /// Its unit, as in the catalogue of metrics.
    pub unit: String,
    /// Mean and half of its interval, by variant, then by condition.
    pub intervals: Vec<Vec<(f64, f64)>>,
}

/// The picture as an SVG file.
#[must_use]
pub fn svg(title: &str, variants: &[String], conditions: &[String], measures: &[Measure]) -> String {
    let colors = palette::CYCLE.into_iter().cycle();
    let column = |measure: &Measure| {
        let quantity = match measure.unit.as_str() {
            "fraction" => Quantity::Share,
            "s" => Quantity::Time,
            _ => Quantity::Number,
        };
        let title = match measure.unit.as_str() {
            "fraction" | "s" => measure.metric.clone(),
            _ => format!("{} ({})", measure.metric, measure.unit),
        };
        Column { axis: Axis::new(&title, quantity), intervals: measure.intervals.clone(), bands: Vec::new() }
    };
    let chart = IntervalChart {
        title: title.to_owned(),
        rows: variants.to_vec(),
        conditions: conditions.iter().cloned().zip(colors).collect(),
        columns: measures.iter().map(column).collect(),
        column_width: 250.0,
    };
    chart.svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_is_drawn_and_what_was_not_measured_is_not() {
        let measure = |metric: &str, unit: &str, second: f64| Measure {
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            intervals: vec![vec![(0.9, 0.01), (0.95, f64::NAN)], vec![(0.99, 0.001), (second, 0.1)]],
        };
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let measures = [measure("availability", "fraction", 0.97), measure("repair", "s", f64::NAN)];
        let drawn = svg("a study", &names(&["one", "two <b>"]), &names(&["calm", "storm"]), &measures);
        // Two dots of the legend, four of the first column and three of the second.
        assert_eq!(drawn.matches("<circle").count(), 9, "{drawn}");
        for text in ["a study", "two &lt;b&gt;", "storm", "availability", "repair", "90 %"] {
            assert!(drawn.contains(text), "{text}");
        }
        assert!(!drawn.contains("NaN"));
    }
}
