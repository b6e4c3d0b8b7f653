//! The shipped scripts of capability operations: what they expect holds, in both signature modes alike.

use std::fs;
use std::path::{Path, PathBuf};

use dmsim::dms::identity::SignatureMode;
use dmsim::scenario;
use dmsim::sim::capabilities::{self, Report, Script};

fn scripts() -> Vec<PathBuf> {
    let entries = fs::read_dir("scenarios/capabilities").unwrap().map(|entry| entry.unwrap().path());
    let mut scripts: Vec<PathBuf> = entries.collect();
    scripts.sort();
    assert!(scripts.len() >= 9, "{} scripts", scripts.len());
    scripts
}

fn load(path: &Path) -> Script {
    scenario::load_script(path).unwrap_or_else(|report| panic!("{}", report.render(false)))
}

/// A report without what depends on keys: DIDs, tokens and their lengths.
fn decisions(report: &Report) -> Vec<(bool, Option<bool>, usize)> {
    report.steps.iter().map(|step| (step.ok, step.held, step.explanation.len())).collect()
}

#[test]
fn what_the_shipped_scripts_expect_holds_in_both_modes() {
    for path in scripts() {
        let mut script = load(&path);
        let mut told = Vec::new();
        for mode in [SignatureMode::Modelled, SignatureMode::Real] {
            script.signatures = mode;
            let report = capabilities::run(&script);
            assert_eq!(report.failed, 0, "{}:\n{}", path.display(), report.text());
            assert!(report.expectations >= 5, "{} expects little", path.display());
            assert_eq!(report.text(), capabilities::run(&script).text(), "the same every time");
            told.push(decisions(&report));
        }
        assert_eq!(told[0], told[1], "{}", path.display());
    }
}

#[test]
fn a_script_says_what_it_shows() {
    for path in scripts() {
        let text = fs::read_to_string(&path).unwrap();
        let words: usize = text.lines().map_while(|line| line.strip_prefix("# ")).map(str::len).sum();
        assert!(words > 100, "{} begins with a comment", path.display());
        assert!(!scenario::check(&path, &[]).report.has_errors());
    }
}

#[test]
fn a_refusal_is_explained_down_to_the_link() {
    let report = capabilities::run(&load(Path::new("scenarios/capabilities/revocation.yaml")));
    let refused = report.steps.iter().rfind(|step| step.outcome.contains("kept 1 of 2")).unwrap();
    insta::assert_snapshot!("refused", refused.explanation.join("\n"));
    let accepted = report.steps.iter().rfind(|step| step.route.is_some()).unwrap();
    insta::assert_snapshot!("accepted", accepted.explanation.join("\n"));
}

#[test]
fn a_failed_expectation_is_counted_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.yaml");
    let text =
        "version: 1\ncontexts: [alice]\nsteps:\n  - list_roots: alice\n    expect: 7 roots\n  - gc: alice\n";
    fs::write(&path, text).unwrap();
    let report = capabilities::run(&load(&path));
    assert_eq!((report.expectations, report.failed), (1, 1));
    assert!(report.text().contains("FAILED: expected 7 roots"), "{}", report.text());
    assert!(report.text().ends_with("\nwrong: 2 steps, 1 expected, 1 failed\n"), "{}", report.text());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["steps"][0]["held"], false);
    assert_eq!(json["steps"][0]["expected"][0], "7 roots");
}
