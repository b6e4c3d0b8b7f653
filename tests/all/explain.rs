//! `dmsim explain`: a refusal of a run is told down to the token, the link and the rule, by repeating the run.

use std::path::Path;

use dmsim::observe::read_refusals;

use crate::program::dmsim;

/// A run of a shipped scenario in a folder of its own.
fn run(scenario: &str, folder: &Path) -> String {
    let out = folder.join("run").to_str().unwrap().to_owned();
    let done = dmsim(&["run", scenario, "--out", &out, "--no-report"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    out
}

#[test]
fn refusals_are_told_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let out = run("scenarios/organizations.yaml", folder.path());
    let rows = read_refusals(&Path::new(&out).join("refusals.csv")).unwrap();
    let mut told = 0;
    for (row, number) in rows.iter().zip(1..) {
        let answer = dmsim(&["explain", &out, "--refusal", &number.to_string()]);
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(answer.status.success() && text.contains(&*row.reason), "{text}");
        if row.reason.contains("not authorized: ") {
            assert!(text.contains(" from ") && text.contains("link 0: "), "{}: {text}", row.reason);
            told += 1;
        }
    }
    assert!(told >= 2, "{told} refusals for want of authority");
}

#[test]
fn all_refusals_are_listed_with_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let out = run("scenarios/organizations.yaml", folder.path());
    let rows = read_refusals(&Path::new(&out).join("refusals.csv")).unwrap();
    let listed = dmsim(&["explain", &out]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), rows.len() + 2);
    let json = dmsim(&["explain", &out, "--refusal", "1", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["row"]["reason"], *rows[0].reason);
}

#[test]
fn what_is_not_there_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere").to_str().unwrap().to_owned();
    let answer = dmsim(&["explain", &nowhere]);
    assert_eq!(answer.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("name the results folder of a run"));
    let out = run("scenarios/calm.yaml", folder.path());
    for row in ["0", "100000"] {
        let answer = dmsim(&["explain", &out, "--refusal", row]);
        assert_eq!(answer.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&answer.stderr).contains("there is no refusal"));
    }
}
