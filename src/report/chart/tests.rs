use super::bars::grouped;
use super::{
    Axis, Bar, BarChart, Chart, Mark, Marker, Panel, Quantity, Series, cumulative, histogram, palette,
    quantile,
};

fn chart() -> Chart {
    let curve: Vec<_> = (0..5000).map(|n| (f64::from(n), f64::from(n % 17))).collect();
    let mut panel = Panel::new(
        Axis::new("things", Quantity::Number),
        vec![
            Series::new("a & b", palette::BLUE, Mark::Line(curve.clone())),
            Series::new("<c>", palette::GREEN, Mark::Step(curve)),
            Series::new("dots", palette::ORANGE, Mark::Scatter(vec![(1.0, 2.0, 3.0)])),
            Series::new("band", palette::SKY, Mark::Band(vec![(0.0, 1.0, 2.0), (9.0, 1.0, 5.0)])),
            Series::new("bars", palette::PURPLE, histogram(&[1.0, 2.0, 2.5], 2)),
        ],
    );
    panel.markers.push(Marker { x: 100.0, text: "here".into() });
    Chart::new("a \"chart\"", Axis::new("time", Quantity::Time), vec![panel])
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    let svg = chart().svg();
    assert_eq!(svg, chart().svg());
    assert!(svg.contains("&lt;c&gt;") && svg.contains("a &amp; b") && !svg.contains("<c>"));
    assert!(svg.contains("aria-label=\"a &quot;chart&quot;\""));
    assert!(
        svg.len() < 120_000,
        "5000 points are thinned to what a picture can show, not {} bytes",
        svg.len()
    );
    let mut other = chart();
    other.panels[0].series[0].mark = Mark::Line(vec![(0.0, 0.0), (1.0, 1.0)]);
    assert_ne!(other.svg(), svg);
}

#[test]
fn charts_without_data_say_so() {
    let empty = Chart::new(
        "empty",
        Axis::new("time", Quantity::Time),
        vec![Panel::new(
            Axis::new("things", Quantity::Number),
            vec![Series::new("a", palette::BLUE, Mark::Line(Vec::new()))],
        )],
    );
    assert!(empty.svg().contains("nothing was recorded"));
    assert!(BarChart::new("none", Vec::new()).svg().contains("none"));
}

#[test]
fn bars_are_as_long_as_their_values() {
    let bar = |value| Bar { name: "b".into(), value, color: palette::BLUE };
    let svg = BarChart::new("bars", vec![bar(1000.0), bar(500.0), bar(0.0)]).svg();
    let widths: Vec<f64> = svg
        .lines()
        .filter(|line| line.contains("#0072B2"))
        .filter_map(|line| line.split(" width=\"").nth(1)?.split('"').next()?.parse().ok())
        .collect();
    assert_eq!(widths.len(), 3, "{svg}");
    assert!((widths[0] / widths[1] - 2.0).abs() < 0.01 && widths[2] < 0.01 * widths[0], "{widths:?}");
}

#[test]
fn distributions_are_counted() {
    let Mark::Step(points) = cumulative(&[3.0, 1.0, f64::NAN, 3.0, 2.0]) else { panic!() };
    assert_eq!(points, [(1.0, 0.0), (1.0, 0.25), (2.0, 0.5), (3.0, 1.0)]);
    let Mark::Bars(bars) = histogram(&[0.0, 1.0, 9.0, 10.0], 5) else { panic!() };
    assert_eq!(bars.iter().map(|bar| bar.2).collect::<Vec<_>>(), [2.0, 0.0, 0.0, 0.0, 2.0]);
    assert_eq!(histogram(&[], 5), Mark::Bars(Vec::new()));
    assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.0));
    assert_eq!((quantile(&[1.0], 0.95), quantile(&[], 0.5)), (Some(1.0), None));
}

#[test]
fn thousands_are_set_apart() {
    assert_eq!(grouped(1_234_567.0), "1\u{202f}234\u{202f}567");
    assert_eq!(grouped(-999.5), "-999.50");
}
