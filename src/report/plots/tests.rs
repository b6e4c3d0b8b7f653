use std::collections::BTreeMap;

use super::{Choice, KINDS, PairedDifference, Plot, Run, Source, Subject, Sweep, SweepCell, kind};
use crate::report::Tables;
use crate::report::chart::{Theme, bold_width, png, text_width, themed};
use crate::report::sample::Sample;

/// Longer than any picture, and everything that a text should not hold.
fn hostile() -> String {
    let nasty = "</text><script>alert(1)</script>\" onload='x' \u{0}\u{1b}\u{202e}&amp;\n";
    format!("{nasty}{}{}", "W".repeat(120), " \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{65e5}\u{672c}".repeat(20))
}

fn tables(sample: &Sample) -> Tables {
    let dir = tempfile::tempdir().unwrap();
    Tables::read(&sample.write(&dir.path().join("run"))).unwrap()
}

fn sweep() -> Sweep {
    let mut sweep = Sweep {
        name: "losses".into(),
        variants: vec!["plain".into(), "twice".into(), "thrice".into()],
        conditions: vec!["calm".into(), "storm".into()],
        baseline: "plain".into(),
        metrics: vec![
            ("time_to_running.mean".into(), "s".into()),
            ("availability".into(), "fraction".into()),
        ],
        ..Sweep::default()
    };
    for (place, variant) in sweep.variants.clone().into_iter().enumerate() {
        for condition in sweep.conditions.clone() {
            for replication in 0..8_u32 {
                let value = 10.0 + place as f64 + f64::from(replication % 5) * 0.3;
                sweep.cells.push(SweepCell {
                    variant: variant.clone(),
                    condition: condition.clone(),
                    parameters: [("network.loss".to_owned(), format!("{}%", 10 * place))]
                        .into_iter()
                        .collect(),
                    values: vec![if replication == 7 { f64::NAN } else { value }, 0.9],
                });
            }
            for (metric, _) in sweep.metrics.clone() {
                sweep.differences.push(PairedDifference {
                    metric,
                    variant: variant.clone(),
                    condition: condition.clone(),
                    difference: place as f64,
                    half_width: if place == 0 { f64::NAN } else { 0.4 },
                    p_value: 0.01,
                });
            }
        }
    }
    sweep
}

/// Every kind that the data has, of runs and of a sweep.
fn all(tables: &Tables, sweep: &Sweep, choice: &Choice) -> Vec<Plot> {
    let runs = [Run { name: tables.run.name.clone(), tables }, Run { name: "another".into(), tables }];
    let mut plots = Vec::new();
    for kind in &KINDS {
        if matches!(kind.subject, Subject::Sweep | Subject::RunsOrSweep) {
            plots.extend(kind.draw(&Source { runs: &[], sweep: Some(sweep), choice }));
        }
        if kind.subject != Subject::Sweep {
            plots.extend(kind.draw(&Source { runs: &runs[..1], sweep: None, choice }));
        }
        if matches!(kind.subject, Subject::Runs | Subject::RunsOrSweep) {
            plots.extend(kind.draw(&Source { runs: &runs, sweep: None, choice }));
        }
    }
    plots
}

/// A text of a picture: left, top, right, bottom, and what it says.
type Placed = (f64, f64, f64, f64, String);

fn texts(svg: &str) -> Vec<Placed> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let scale = if svg.contains("scale(0.1)") { 0.1 } else { 1.0 };
    let mut found = Vec::new();
    for part in svg.split("<text").skip(1) {
        let (tag, rest) = part.split_once('>').unwrap();
        let said = rest.split("</text>").next().unwrap().trim_matches('\n').to_owned();
        let said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let said = said.replace("&apos;", "'").replace("&#39;", "'").replace("&amp;", "&");
        let number = |name: &str| attribute(tag, name).parse::<f64>().unwrap();
        let (x, y, size) = (number("x") * scale, number("y") * scale, number("font-size") * scale);
        // Its own middle is at its point.
        let y = if tag.contains("dy=\"0.5ex\"") { y + size * 0.26 } else { y };
        let width = if tag.contains("bold") { bold_width(&said, size) } else { text_width(&said, size) };
        if tag.contains("rotate(270") {
            // It is read upwards and ends at its point.
            let end = number("y") * scale;
            found.push((x - size * 0.49, end, x + size * 0.46, end + width, said));
            continue;
        }
        let left = match &*attribute(tag, "text-anchor") {
            "start" => x,
            "middle" => x - width / 2.0,
            _ => x - width,
        };
        found.push((left, y - size * 0.75, left + width, y + size * 0.2, said));
    }
    found
}

fn size(svg: &str) -> (f64, f64) {
    let view = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
    let (width, height) = view.split_once(' ').unwrap();
    (width.parse().unwrap(), height.parse().unwrap())
}

/// What is wrong with the texts of a picture: outside of it, over one another, or too small.
fn faults(plot: &Plot) -> Vec<String> {
    let (width, height) = size(&plot.svg);
    let texts = texts(&plot.svg);
    let mut faults = Vec::new();
    for (number, (left, top, right, bottom, said)) in texts.iter().enumerate() {
        let short: String = said.chars().take(30).collect();
        if *left < -0.5 || *right > width + 0.5 || *top < 0.0 || *bottom > height + 0.5 {
            faults.push(format!("{}: outside: {short} ({left} {top} {right} {bottom})", plot.name));
        }
        for (other_left, other_top, other_right, other_bottom, other) in &texts[..number] {
            let across = right.min(*other_right) - left.max(*other_left);
            let down = bottom.min(*other_bottom) - top.max(*other_top);
            if across > 1.5 && down > 1.5 {
                let other: String = other.chars().take(30).collect();
                faults.push(format!("{}: {short} over {other}", plot.name));
            }
        }
    }
    faults
}

#[test]
fn every_kind_is_drawn_and_its_texts_stay_apart_and_within() {
    let tables = tables(&Sample::full());
    let plots = all(&tables, &sweep(), &Choice::default());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for plot in &plots {
        *counts.entry(plot.name).or_default() += 1;
        assert!(png(&themed(&plot.svg, Theme::Light)).is_ok(), "{} is no SVG", plot.name);
        assert!(
            !plot.caption.is_empty() && !plot.svg.contains("NaN") && !plot.svg.contains("inf"),
            "{}",
            plot.name
        );
    }
    let missing: Vec<&str> =
        KINDS.iter().map(|kind| kind.name).filter(|name| !counts.contains_key(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let faults: Vec<String> = plots.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_check_of_texts_finds_what_is_wrong() {
    let picture = |said: &str, x: f64| {
        format!(
            "<svg viewBox=\"0 0 100 50\"><text x=\"{x}\" y=\"20\" text-anchor=\"start\" font-size=\"15\">\n{said}\n\
             </text>\
             <text x=\"10\" y=\"40\" text-anchor=\"start\" font-size=\"15\">\nother\n</text></svg>"
        )
    };
    let plot = |svg: String| Plot {
        name: "x",
        caption: String::new(),
        left_out: None,
        svg,
        data: crate::observe::Table { header: vec![], rows: vec![] },
    };
    assert!(faults(&plot(picture("fits", 10.0))).is_empty());
    assert_eq!(faults(&plot(picture("does not fit", 40.0))).len(), 1);
    assert_eq!(faults(&plot(picture("over", 10.0).replace("y=\"20\"", "y=\"38\""))).len(), 1);
}

#[test]
fn hostile_names_stay_text_within_the_picture() {
    let hostile = hostile();
    let mut sample = Sample::full();
    sample.run.name = hostile.clone();
    for row in &mut sample.deployments {
        row.name = hostile.as_str().into();
        row.ensemble = format!("{hostile}{}", row.deployment % 3).into();
        row.orchestrator = hostile.as_str().into();
        row.reason = hostile.as_str().into();
    }
    for row in &mut sample.allocations {
        row.peer = hostile.as_str().into();
        row.end = hostile.as_str().into();
    }
    for row in &mut sample.messages {
        row.behaviour = hostile.as_str().into();
        row.from = hostile.as_str().into();
        row.end = hostile.as_str().into();
    }
    for row in &mut sample.history {
        row.state = hostile.as_str().into();
        row.reason = hostile.as_str().into();
    }
    for row in &mut sample.capabilities {
        row.from = format!("{}{hostile}", row.from).into();
        row.capabilities = hostile.as_str().into();
        row.action = hostile.as_str().into();
    }
    for row in &mut sample.series {
        row.labels = row.labels.replace("liveness", &hostile).into();
    }
    let mut sweep = sweep();
    sweep.name = hostile.clone();
    for cell in &mut sweep.cells {
        cell.variant = format!("{}{hostile}", cell.variant);
        cell.condition = format!("{}{hostile}", cell.condition);
    }
    for one in &mut sweep.differences {
        one.variant = format!("{}{hostile}", one.variant);
        one.condition = format!("{}{hostile}", one.condition);
    }
    sweep.variants.iter_mut().for_each(|name| *name = format!("{name}{hostile}"));
    sweep.conditions.iter_mut().for_each(|name| *name = format!("{name}{hostile}"));
    sweep.baseline = sweep.variants[0].clone();
    sweep.metrics[0].0 = hostile.clone();
    sweep.metrics[0].1 = hostile.clone();
    let plots = all(&tables(&sample), &sweep, &Choice::default());
    assert!(plots.len() > 25, "{}", plots.len());
    for plot in &plots {
        assert!(!plot.svg.contains("<script") && !plot.svg.contains("\" onload="), "{}", plot.name);
        assert!(!plot.svg.contains(['\u{0}', '\u{1b}', '\u{202e}']), "{}", plot.name);
        assert!(png(&themed(&plot.svg, Theme::Dark)).is_ok(), "{} is no SVG", plot.name);
    }
    let faults: Vec<String> = plots.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_missing_is_said_with_a_way_out() {
    let (full, empty) = (tables(&Sample::full()), tables(&Sample::empty()));
    let sweep = sweep();
    let said = |name: &str, tables: Option<&Tables>, choice: &Choice| {
        let runs: Vec<Run<'_>> =
            tables.map(|tables| Run { name: "run".into(), tables }).into_iter().collect();
        let sweep = tables.is_none().then_some(&sweep);
        kind(name).unwrap().draw(&Source { runs: &runs, sweep, choice }).unwrap_err()
    };
    let choice = Choice::default();
    for (name, words) in [
        ("gantt", "it needs allocations.csv with rows"),
        ("states", "history.csv"),
        ("money", "`contracts` in the scenario"),
        ("sequence", "messages.csv"),
        ("capabilities", "capabilities.csv"),
        ("series", "series.csv has no rows"),
        ("cdf", "no deployment ran"),
        ("heatmap", "this is a run"),
        ("fragmentation", "no series `cards.*`"),
    ] {
        assert!(said(name, Some(&empty), &choice).contains(words), "{name}");
    }
    assert!(said("gantt", None, &choice).contains("this is a sweep"));
    let metric = |name: &str| Choice { metric: Some(name.to_owned()), ..Choice::default() };
    let by = |name: &str| Choice { by: Some(name.to_owned()), ..Choice::default() };
    assert!(said("series", Some(&full), &metric("peers.upp")).contains("there are peers.up, "));
    assert!(said("box", Some(&full), &metric("time")).contains("there are time_to_running, "));
    assert!(said("box", Some(&full), &by("colour")).contains("grouped by run, orchestrator, ensemble"));
    assert!(said("box", None, &metric("cost")).contains("it has time_to_running.mean, availability"));
    assert!(said("heatmap", None, &by("variant")).contains("two parameters, as in `--by A,B`"));
    assert!(said("heatmap", None, &by("variant,colour")).contains("not by `colour`"));
    let other = Choice { deployment: Some(999), ..Choice::default() };
    assert!(said("sequence", Some(&full), &other).contains("numbered from 0 to 219"));
}

/// The numbers of a column.
fn column(plot: &Plot, name: &str) -> Vec<String> {
    let csv = plot.data.csv();
    let mut lines = csv.lines();
    let place = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    lines.map(|line| line.split(',').nth(place).unwrap().to_owned()).collect()
}

#[test]
fn tables_hold_what_is_drawn() {
    let full = Sample::full();
    let tables = tables(&full);
    let runs = [Run { name: "run".into(), tables: &tables }];
    let choice = Choice::default();
    let draw =
        |name: &str| kind(name).unwrap().draw(&Source { runs: &runs, sweep: None, choice: &choice }).unwrap();
    // A bar of the Gantt chart for each allocation that is on it, as long as it lived.
    let gantt = draw("gantt");
    let services = column(&gantt, "what").iter().filter(|what| *what == "service").count();
    let blue = themed(&gantt.svg, Theme::Light).matches("fill=\"#0072B2\"").count();
    assert_eq!(services + 1, blue, "each is drawn once, and the legend has one");
    // Rings outside of the whiskers are the outliers of the table.
    let boxes = draw("box");
    let outliers = column(&boxes, "what").iter().filter(|what| *what == "outlier").count();
    assert!(outliers > 0);
    assert_eq!(boxes.svg.matches("<circle").count(), outliers + 1, "the last one stands twice");
    // Lost messages have a cross of two strokes on a dashed line each; the table has them all.
    let of_one = Choice { deployment: Some(0), ..Choice::default() };
    let sequence =
        kind("sequence").unwrap().draw(&Source { runs: &runs, sweep: None, choice: &of_one }).unwrap();
    let lost = column(&sequence, "end").iter().filter(|end| *end == "lost").count();
    assert_eq!((lost, sequence.svg.matches("(lost)").count()), (1, 1));
    assert!(sequence.svg.contains("deployment/request to everybody (6 answered)"), "{}", sequence.svg);
    assert!(sequence.svg.contains("the 2 lines above 8 more times"));
    // The cumulative distribution ends at one, and the median of the table is the marker's.
    let cdf = draw("cdf");
    assert_eq!(column(&cdf, "share").last().unwrap(), "1.0");
    let heat = kind("heatmap").unwrap();
    let sweep = sweep();
    let heat = heat.draw(&Source { runs: &[], sweep: Some(&sweep), choice: &choice }).unwrap();
    // By hand: 10 plus the mean of 0, 0.3, 0.6, 0.9, 1.2, 0 and 0.3, for the first variant under either condition.
    let first: f64 = column(&heat, "time_to_running_mean_s")[0].parse().unwrap();
    assert!((first - (10.0 + 3.3 / 7.0)).abs() < 1e-9, "{first}");
    assert!(heat.svg.contains("\n10.47\n"));
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let (one, two) = (tables(&Sample::full()), tables(&Sample::full()));
    let choice = Choice::default();
    let (first, second) = (all(&one, &sweep(), &choice), all(&two, &sweep(), &choice));
    assert_eq!(first.len(), second.len());
    assert!(first.iter().zip(&second).all(|(a, b)| a == b));
}
