//! What `dmsim bench --scale` measures, drawn over the number of peers with equal steps for equal factors.

use std::path::Path;

use super::scale::{Figures, value};
use crate::observe::{FolderError, write_into};
use crate::report::chart::{Axis, Chart, Color, Mark, Panel, Quantity, Series, palette};

/// Radius of the dot of a measured size, in pixels.
const DOT: f64 = 5.0;

/// A figure that is drawn: its name in the legend, in the figures, the unit that it is divided by, and its colour.
type Curve = (&'static str, &'static str, f64, Color);

const COSTS: [Curve; 5] = [
    ("event, or message that needs none", "ns_an_event_or_foreseen", 1.0, palette::BLUE),
    ("bid request judged", "ns_a_judged_bid_request", 1.0, palette::ORANGE),
    ("event of PHOLD", "phold.ns_an_event", 1.0, palette::GREEN),
    ("pop and push of the event queue", "queue.ns_an_event", 1.0, palette::VERMILLION),
    ("pop and push of a bare ladder queue", "queue.ladder_ns_an_event", 1.0, palette::PURPLE),
];

const MEMORY: [Curve; 2] = [
    ("at rest", "at_rest.memory_bytes_a_peer", 1000.0, palette::BLUE),
    ("with the deployments", "memory_bytes_a_peer", 1000.0, palette::ORANGE),
];

/// Writes `cost.svg` and `memory.svg` to a folder, which is made where it is missing.
pub(super) fn draw(all: &[Figures], folder: &Path) -> Result<(), FolderError> {
    let cost = chart("Cost as networks grow", "nanoseconds each", "peers, or entities of PHOLD", all, &COSTS);
    let memory = chart("Memory as networks grow", "kB a peer beside an empty run", "peers", all, &MEMORY);
    let (cost, memory) = (cost.svg(), memory.svg());
    write_into(folder, &[("cost.svg", cost.as_bytes()), ("memory.svg", memory.as_bytes())])
}

fn chart(title: &str, y: &str, x: &str, all: &[Figures], curves: &[Curve]) -> Chart {
    let axis = |title: &str| Axis::new(title, Quantity::Number).logarithmic();
    let series = curves.iter().flat_map(|(legend, name, unit, color)| {
        let points =
            all.iter().filter_map(|figures| Some((value(figures, "peers")?, value(figures, name)? / unit)));
        let points: Vec<(f64, f64)> = points.collect();
        let dots = points.iter().map(|(x, y)| (*x, *y, DOT)).collect();
        // The dots have no name of their own: they belong to the line.
        [Series::new(legend, *color, Mark::Line(points)), Series::new("", *color, Mark::Scatter(dots))]
    });
    Chart::new(title, axis(x), vec![Panel::new(axis(y), series.collect())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_named_and_missing_figures_left_out() {
        let size = |peers: f64, ns: f64| vec![("peers", peers), ("phold.ns_an_event", ns)];
        let drawn = chart("t", "ns", "peers", &[size(1e3, 40.0), size(1e6, 160.0)], &COSTS);
        let points = |number: usize| match &drawn.panels[0].series[number].mark {
            Mark::Line(points) => points.clone(),
            other => panic!("no line: {other:?}"),
        };
        assert_eq!(points(4), [(1e3, 40.0), (1e6, 160.0)]);
        assert_eq!(points(0), [], "what was not measured has no points");
        assert!(drawn.svg().contains("event of PHOLD"));
    }
}
