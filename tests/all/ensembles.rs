//! Ensembles alone: odd ones are explained, compose files are translated.

use std::fs;
use std::path::Path;

use dmsim::scenario::{self, compose, ensemble_file};
use proptest::prelude::*;

use crate::program::{dmsim, text};

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

fn translated(name: &str) -> String {
    let path = format!("tests/data/compose/{name}.yaml");
    match compose::translate(Path::new(&path)) {
        Ok(translated) => format!("{}\n{}", translated.text, translated.warnings.render(false)),
        Err(report) => report.render(false),
    }
}

#[test]
fn compose_files_are_translated() {
    insta::assert_snapshot!("compose_shop", translated("shop"));
    insta::assert_snapshot!("compose_odd", translated("odd"));
}

#[test]
fn broken_compose_files_are_explained() {
    insta::assert_snapshot!("compose_broken", translated("broken"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    for (content, message) in [
        ("services: {}", "there are no `services`"),
        ("version: 3", "there are no `services`"),
        ("services: [a]", "there are no `services`"),
        ("a: [b", "a list in `[...]` is not closed"),
        ("services: {a: {image: Nginx}}", "invalid docker image format: Nginx"),
        ("services: {a: {image: a, depends_on: [b]}, b: {image: b, depends_on: [a]}}", "cyclic dependencies"),
    ] {
        fs::write(&path, content).unwrap();
        let shown = compose::translate(&path).unwrap_err().render(false);
        assert!(shown.contains(message), "{content}: {shown}");
    }
    assert!(compose::translate(folder.path()).unwrap_err().render(false).contains("it is a directory"));
}

#[test]
fn translate_writes_a_file_or_prints_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("shop.yaml");
    let output = output.to_str().unwrap();
    let written = dmsim(&["translate", "tests/data/compose/shop.yaml", "-o", output]);
    assert_eq!((written.status.code(), text(&written.stdout)), (Some(0), format!("{output}\n")));
    let printed = dmsim(&["translate", "tests/data/compose/shop.yaml"]);
    assert_eq!(text(&printed.stdout), fs::read_to_string(output).unwrap());
    assert_eq!(dmsim(&["translate", "tests/data/compose/broken.yaml"]).status.code(), Some(2));
    let nowhere = folder.path().join("none/shop.yaml");
    let failed = dmsim(&["translate", "tests/data/compose/shop.yaml", "-o", nowhere.to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(3));
}

proptest! {
    /// Whatever is done to a file, the answer is a verdict or a list of errors; what is translated is good.
    #[test]
    fn damaged_files_never_panic(
        which in 0_usize..4,
        cuts in proptest::collection::vec((any::<u16>(), 0_usize..30, "[ -~\\n]{0,8}"), 1..4),
    ) {
        let files = ["data/compose/shop", "data/compose/odd", "data/compose/broken", "data/ensembles/everything"];
        let mut text = fs::read_to_string(format!("tests/{}.yaml", files[which])).unwrap();
        for (at, length, with) in cuts {
            let start = usize::from(at) % (text.len() + 1);
            let end = (start + length).min(text.len());
            text.replace_range(start..end, &with);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged.yaml");
        fs::write(&path, &text).unwrap();
        match compose::translate(&path) {
            Ok(translated) => prop_assert!(ensemble_file::read("e.yaml", translated.text.as_bytes()).is_ok()),
            Err(report) => prop_assert!(report.has_errors()),
        }
        let checked = scenario::check(&path, &[]);
        // DMS is never stricter than dmsim.
        if let (Some((scenario::Kind::Ensemble, _)), false) = (checked.kind, checked.report.has_errors()) {
            prop_assert!(!scenario::verdict_of_dms(&path).report.has_errors());
            prop_assert!(checked.ensemble.is_some());
        }
    }

    /// Whatever stands in texts of a compose file stands in the ensemble too, however YAML must write it.
    #[test]
    fn texts_survive_translation(
        words in proptest::collection::vec("[ -#%-~äß\\n\\t]{0,12}|yes|null|0x1F|1e3|~|<<", 1..5),
    ) {
        let service = serde_json::json!({
            "image": "a",
            "command": words,
            "environment": { "WORD": words[0] },
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("compose.yaml");
        fs::write(&path, serde_json::json!({ "services": { "a": service } }).to_string()).unwrap();
        let translated = compose::translate(&path).map_err(|report| TestCaseError::fail(report.render(false)))?;
        let ensemble = ensemble_file::read("e.yaml", translated.text.as_bytes()).unwrap().config;
        let container = ensemble.allocations["a"].execution.container().unwrap();
        let cmd: Vec<&str> = container.cmd.iter().map(|word| &**word).collect();
        prop_assert_eq!(cmd, words.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(&*container.environment[0], format!("WORD={}", words[0]));
    }
}
