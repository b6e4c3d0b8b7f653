//! Ensembles alone: odd ones are explained, schemas are printed.

use std::path::Path;
use std::process::{Command, Output};

use dmsim::scenario;

/// Runs the program.
fn dmsim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmsim")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn checked(name: &str) -> String {
    let path = format!("tests/data/ensembles/odd/{name}.yaml");
    scenario::check(Path::new(&path), &[]).report.render(false)
}

#[test]
fn older_forms_come_with_the_way_to_migrate() {
    insta::assert_snapshot!("ensemble_before_v1", checked("before-v1"));
    insta::assert_snapshot!("ensemble_of_older_form", checked("older"));
}

#[test]
fn quirks_of_dms_are_warnings() {
    let shown = checked("quirks");
    assert!(!shown.contains("error"), "{shown}");
    insta::assert_snapshot!("ensemble_quirks", shown);
}

#[test]
fn check_echoes_normalised_units() {
    let human = dmsim(&["check", "tests/data/ensembles/everything.yaml"]);
    assert_eq!(human.status.code(), Some(0));
    insta::assert_snapshot!("check_echoes_units", text(&human.stdout));
    let json =
        dmsim(&["check", "--format", "json", "tests/data/ensembles/everything.yaml", "scenarios/calm.yaml"]);
    let reports: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let ensemble = &reports[0]["ensemble"];
    assert_eq!(reports[0]["kind"], "ensemble");
    assert_eq!(ensemble["allocations"]["web"]["resources"]["ram_bytes"], 512 << 20);
    assert_eq!(ensemble["allocations"]["db"]["resources"]["cpu"]["clock_hz"], 2_400_000_000_u64);
    assert_eq!(ensemble["scripts"]["prepare"], "echo ready");
    assert_eq!(
        (&reports[1]["kind"], &reports[1]["ensemble"]),
        (&"scenario".into(), &serde_json::Value::Null)
    );
}

#[test]
fn check_as_is_gives_the_verdict_of_dms() {
    let accepted = dmsim(&["check", "--as-is", "scenarios/ensembles/shop.yaml"]);
    assert_eq!(accepted.status.code(), Some(0));
    assert_eq!(text(&accepted.stdout), "scenarios/ensembles/shop.yaml: DMS accepts it\n");
    let file = "tests/data/ensembles/odd/older.yaml";
    let refused = dmsim(&["check", "--as-is", "--format", "json", file]);
    assert_eq!(refused.status.code(), Some(2));
    let reports: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(reports[0]["diagnostics"].as_array().unwrap().len(), 1);
    assert_eq!((&reports[0]["accepted"], &reports[0]["verbatim"]), (&false.into(), &false.into()));
    let scenario = dmsim(&["check", "--as-is", "scenarios/calm.yaml"]);
    assert_eq!(scenario.status.code(), Some(2));
    assert!(text(&scenario.stderr).contains("this is a scenario"));
}

#[test]
fn schemas_are_printed() {
    for kind in ["ensemble", "scenario"] {
        let printed = dmsim(&["schema", kind]);
        assert_eq!(printed.status.code(), Some(0));
        let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
    assert_eq!(dmsim(&["schema", "peer"]).status.code(), Some(2));
}
