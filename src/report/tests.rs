use std::fs;
use std::path::Path;

use super::plots::{duration_text, percent_text};
use super::sample::Sample;
use super::{Tables, plots, write};

fn names(paths: &[std::path::PathBuf], folder: &Path) -> Vec<String> {
    paths.iter().map(|path| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_full_run_gets_every_plot_and_the_same_bytes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Sample::full().write(&dir.path().join("run"));
    let written = write(&folder).unwrap();
    let expected = [
        "deployments",
        "states",
        "time_to_running",
        "survival",
        "availability",
        "requests",
        "peers",
        "messages",
        "resources",
        "gantt",
        "sequence",
        "map",
        "connections",
        "money",
        "refusals",
    ];
    let files = |name: &&str| [format!("plots/{name}.svg"), format!("plots/{name}.csv")];
    let mut expected: Vec<_> = expected.iter().flat_map(files).collect();
    expected.push("report.html".into());
    assert_eq!(names(&written, &folder), expected);
    let before: Vec<_> = written.iter().map(|path| fs::read(path).unwrap()).collect();
    let again: Vec<_> = write(&folder).unwrap().iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(before == again);
    let page = String::from_utf8(before.last().unwrap().clone()).unwrap();
    assert_eq!(page.matches("class=\"dmsim-chart\"").count(), 15);
    assert!(page.contains("1 of 2 expectations failed") && page.contains("id=\"data\""));
    assert!(page.contains("failed to create the deployment in time"));
    assert!(page.contains("contract-1") && page.contains("fixed_rental") && page.contains("62.50000000"));
    assert!(page.contains("replayer-0") && page.contains("executed twice"));
    assert!(
        !page.contains("src=\"http") && !page.contains("href=\"http"),
        "the page needs nothing but itself"
    );
    assert!(before.iter().all(|bytes| bytes.len() < 1_500_000));
}

#[test]
fn an_empty_run_gets_a_page_without_plots() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Sample::empty().write(&dir.path().join("run"));
    let written = write(&folder).unwrap();
    assert_eq!(names(&written, &folder), ["report.html"]);
    let page = fs::read_to_string(&written[0]).unwrap();
    assert!(page.contains("No deployment was asked for.") && page.contains("states no expectations"));
    assert!(!page.contains("class=\"dmsim-chart\"") && page.contains("–"));
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let hostile = "</script><script>alert(1)</script>\" onload='x' \u{0}\u{1b}\u{202e}&amp;";
    let mut sample = Sample::full();
    sample.run.name = hostile.into();
    sample.run.profile = hostile.into();
    sample.run.expectations[0].expression = hostile.into();
    sample.deployments[0].name = hostile.into();
    for row in &mut sample.deployments {
        if !row.reason.is_empty() {
            row.reason = hostile.into();
        }
    }
    sample.refusals[0].reason = hostile.into();
    sample.refusals[0].example = hostile.into();
    sample.attacks[0].example = hostile.into();
    sample.contracts[0].name = hostile.into();
    sample.contracts[0].currency = hostile.into();
    sample.contracts[1].invoiced = hostile.into();
    sample.peers[0].continent = hostile.into();
    for row in &mut sample.series {
        row.labels = row.labels.replace("liveness", hostile).into();
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = sample.write(&dir.path().join("run"));
    // Tables hold names as they are.
    let is_picture = |path: &std::path::PathBuf| !path.to_string_lossy().ends_with(".csv");
    for path in write(&folder).unwrap().into_iter().filter(is_picture) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("<script>alert"), "{}", path.display());
        assert!(!text.contains(['\u{0}', '\u{1b}', '\u{202e}']), "{}", path.display());
        assert!(!text.contains("\" onload="), "{}", path.display());
        if path.ends_with("report.html") {
            assert_eq!(text.matches("<script>").count(), 1, "only the page's own");
            assert!(text.contains("&lt;script&gt;alert(1)"));
        }
    }
}

#[test]
fn plots_follow_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let mut sample = Sample::full();
    sample.series.retain(|row| &*row.metric == "peers.up");
    sample.peers.iter_mut().for_each(|peer| peer.lat = f64::NAN);
    sample.refusals.clear();
    sample.connections.clear();
    sample.requests.clear();
    sample.invoices.clear();
    sample.history.clear();
    sample.messages.clear();
    sample.allocations.clear();
    let tables = Tables::read(&sample.write(&dir.path().join("run"))).unwrap();
    let made: Vec<_> = plots(&tables).iter().map(|plot| plot.name).collect();
    assert_eq!(made, ["time_to_running", "peers"]);
    // Oracle: the median of the table itself.
    let mut spans: Vec<f64> =
        sample.deployments.iter().filter_map(|row| Some(row.running_s? - row.submitted_s)).collect();
    spans.sort_by(f64::total_cmp);
    let median = spans[spans.len().div_ceil(2) - 1];
    assert!(plots(&tables)[0].svg.contains(&format!("p50 {}", duration_text(median))));
}

#[test]
fn a_broken_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Sample::full().write(&dir.path().join("run"));
    fs::remove_file(folder.join("series.csv")).unwrap();
    let error = write(&folder).unwrap_err().to_string();
    assert!(error.contains("series.csv") && error.contains("dmsim run"), "{error}");
    assert!(!folder.join("report.html").exists());
}

#[test]
fn numbers_are_told_as_people_say_them() {
    let spans = [0.0, 0.32, 12.34, 119.0, 312.0, 12_240.0].map(duration_text);
    assert_eq!(spans, ["0 ms", "320 ms", "12.3 s", "119.0 s", "5.2 min", "3.4 h"]);
    assert_eq!([1.0, 0.999_999_9, 0.5, 0.0].map(percent_text), ["100.00 %", "99.99 %", "50.00 %", "0.00 %"]);
}

/// Not a check: leaves a report in the temporary folder, for people to look at.
#[test]
#[ignore = "writes a report to look at"]
fn write_a_report_to_look_at() {
    let folder = std::env::temp_dir().join("dmsim-report-sample");
    for (name, sample) in [("full", Sample::full()), ("empty", Sample::empty())] {
        let written = write(&sample.write(&folder.join(name))).unwrap();
        println!("{}", written.last().unwrap().display());
    }
}

#[test]
fn a_map_of_many_places_is_gathered_by_the_degree() {
    let dir = tempfile::tempdir().unwrap();
    let mut sample = Sample::full();
    let one = sample.peers[0].clone();
    // Five thousand places within a degree or two of one another.
    let spread =
        (0..5000).map(|n| crate::observe::PeerRow { lat: 50.0 + f64::from(n) / 5000.0, ..one.clone() });
    sample.peers = spread.collect();
    sample.allocations.clear();
    let tables = Tables::read(&sample.write(&dir.path().join("run"))).unwrap();
    let plots = plots(&tables);
    let map = plots.iter().find(|plot| plot.name == "map").unwrap();
    assert_eq!(map.svg.matches("<circle").count(), 2, "two whole degrees, and no legend for one continent");
}
