//! The test matrix that DMS's own suite keeps (feature, stakeholders, environment, development and test status,
//! scenarios), made of the feature files and of what ran; and the list of what is unfinished.

use std::fmt::Write as _;

use super::feature::Feature;
use super::output::markdown_cell as cell;
use super::results::{Report, Verdict};
use super::suite::Suite;

const FITS: &str = "a text takes everything";

/// The matrix as a table in Markdown.
#[must_use]
pub fn matrix(suite: &Suite, report: &Report) -> String {
    let mut text = String::from(
        "| feature | stakeholders | environment | development | tests | scenarios |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for feature in suite.features() {
        let fact = |key: &str| cell(feature.fact(key).unwrap_or("-"));
        let titles = titles(feature).join("<br>");
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&feature.title),
            fact("stakeholders"),
            fact("environment"),
            fact("development"),
            tests(feature, report),
            cell(&titles)
        )
        .expect(FITS);
    }
    text
}

/// Titles of scenarios, those of outlines once.
fn titles(feature: &Feature) -> Vec<&str> {
    let mut titles: Vec<&str> = Vec::new();
    for scenario in &feature.scenarios {
        if !titles.contains(&&*scenario.outline) {
            titles.push(&scenario.outline);
        }
    }
    titles
}

/// What the tests of a feature came to.
fn tests(feature: &Feature, report: &Report) -> String {
    let own = || report.cases.iter().filter(|case| case.file == feature.file);
    let count = |fits: fn(&Verdict) -> bool| own().filter(|case| fits(&case.verdict)).count();
    let passed = count(|verdict| *verdict == Verdict::Passed);
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let wip = count(|verdict| *verdict == Verdict::Wip);
    let mut parts = Vec::new();
    if passed > 0 {
        parts.push(format!("{passed} passed"));
    }
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if wip > 0 {
        parts.push(format!("{wip} wip"));
    }
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// Features and scenarios that are said to be unfinished, with their lines.
#[must_use]
pub fn unfinished(suite: &Suite) -> String {
    let mut text = String::new();
    let mut count = 0;
    for feature in suite.features() {
        let wip: Vec<_> = feature.scenarios.iter().filter(|scenario| scenario.is_wip()).collect();
        if wip.is_empty() {
            continue;
        }
        writeln!(text, "{}", feature.title).expect(FITS);
        for scenario in wip {
            writeln!(text, "  {}:{}: {}", feature.file, scenario.line, scenario.title).expect(FITS);
            count += 1;
        }
    }
    writeln!(text, "{count} scenarios are wip").expect(FITS);
    text
}
