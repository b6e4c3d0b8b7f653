//! Runs and sweeps compared, and judged by a stored baseline.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::said;

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml")
}

/// A run of the shipped scenario `calm` in a folder of this name.
fn run(folder: &Path, name: &str, set: &[&str]) -> String {
    let out = folder.join(name).to_string_lossy().into_owned();
    let scenario = scenario().to_string_lossy().into_owned();
    let mut arguments = vec!["run", &scenario, "--metrics-only", "--out", &out];
    set.iter().for_each(|set| arguments.extend(["--set", set]));
    let (code, _, errors) = said(&arguments);
    assert!(code <= 1, "{errors}");
    out
}

/// A sweep of two variants in a folder of this name, finished.
fn sweep(folder: &Path, name: &str, seed: u64, loss: &str) -> String {
    let study = folder.join(format!("{name}.yaml"));
    let text = format!(
        "version: 1\nname: gate\nscenario: {:?}\nseed: {seed}\nreplications: 4\nvariants:\n  - {{name: near, set: \
         ['expect=[]', 'network.loss={loss}']}}\n  - {{name: far, set: ['expect=[]', 'network.latency={{constant: \
         80ms}}', 'network.loss={loss}']}}\nmetrics:\n  - lower: time_to_running.mean\n  - higher: \
         deployments.succeeded_fraction\n",
        scenario()
    );
    fs::write(&study, text).expect("there is room");
    let out = folder.join(name).to_string_lossy().into_owned();
    let (code, _, errors) = said(&["study", &study.to_string_lossy(), "--out", &out]);
    assert_eq!(code, 0, "{errors}");
    out
}

#[test]
fn two_runs_are_compared_by_all_that_they_measured() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", &[]);
    let far = run(folder.path(), "far", &["network.latency={constant: 80ms}"]);
    let (code, told, _) = said(&["compare", &calm, &calm]);
    assert!(code == 0 && told.contains("B is not worse"), "{told}");
    let (code, told, _) = said(&["compare", &calm, &far, "--tolerance", "1%"]);
    assert!(code == 1 && told.contains("worse     time_to_running.mean"), "{told}");
    assert!(told.contains("one run of each") && told.contains("B is worse: "), "{told}");
    // What is slower may be so by so much; what nobody has an opinion on is no regression.
    let (code, told, errors) = said(&["compare", &calm, &far, "--tolerance", "1000%"]);
    assert_eq!(code, 0, "{told}{errors}");
    let only = ["--metric", "resources.utilisation_cpu", "--tolerance", "0%"];
    let (code, told, _) = said(&[&["compare", &calm, &far][..], &only].concat());
    assert!(
        code == 0 && told.contains("different resources.util") && !told.contains("time_to_running"),
        "{told}"
    );
    let only = ["--metric", "lower:resources.utilisation_cpu"];
    let (code, told, _) = said(&[&["compare", &far, &calm][..], &only].concat());
    let (back, again, _) = said(&[&["compare", &calm, &far][..], &only].concat());
    assert_eq!(code + back, 1, "one way it is worse, the other it is not: {told}{again}");
    // A run of which an expectation does not hold any more.
    let broken = run(folder.path(), "broken", &["expect=['deployments.failed == 99']"]);
    let (code, told, _) = said(&["compare", &calm, &broken]);
    assert!(code == 1 && told.contains("failed expectations or cells: 0 in A, 1 in B"), "{told}");
}

#[test]
fn a_baseline_is_a_gate() {
    let folder = tempfile::tempdir().expect("there is room");
    let good = sweep(folder.path(), "good", 1, "0%");
    let bad = sweep(folder.path(), "bad", 1, "10%");
    let file = folder.path().join("baseline.json").to_string_lossy().into_owned();
    let (code, told, _) = said(&["baseline", "save", &file, &good]);
    assert!(code == 0 && told.contains("2 metrics of 2 groups"), "{told}");
    let stored = fs::read_to_string(&file).expect("it is there");
    let plan = format!("{good}/plan.json");
    let (code, _, errors) = said(&["baseline", "save", &plan, &good]);
    assert!(code == 2 && errors.contains("is there and is no baseline"), "{errors}");
    fs::write(&file, stored.replacen("\"seeds\": [", "\"seeds\": [17,", 1)).expect("there is room");
    let (code, _, errors) = said(&["baseline", "check", &file, &good]);
    assert!(code == 2 && errors.contains("does not fit together"), "{errors}");
    fs::write(&file, &stored).expect("there is room");
    assert_eq!(said(&["baseline", "save", &file, &good]).0, 0, "a baseline is replaced");
    let (code, told, _) = said(&["baseline", "check", &file, &good, "--strict"]);
    assert!(code == 0 && told.contains("4 same"), "{told}");
    let plot = folder.path().join("plot.svg");
    let arguments =
        ["baseline", "check", &file, &bad, "--tolerance", "5%", "--plot", &plot.to_string_lossy()];
    let (code, told, _) = said(&arguments);
    assert!(code == 1 && told.contains("runs of the same seeds, pair by pair"), "{told}");
    let drawn = fs::read_to_string(&plot).expect("it was drawn");
    assert!(
        drawn.contains("time_to_running.mean") && drawn.lines().any(|line| line.trim() == "far"),
        "{drawn}"
    );
    let (code, text, _) = said(&[&arguments[..6], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((code, json["regression"].as_bool()), (1, Some(true)));
    let row = &json["rows"][0];
    assert_eq!((row["paired"].as_bool(), row["better"].as_str()), (Some(true), Some("lower")), "{row}");
    let out = folder.path().join("junit.xml");
    let (code, _, _) =
        said(&[&arguments[..6], &["--format", "junit", "--out", &out.to_string_lossy()]].concat());
    let xml = fs::read_to_string(out).expect("it was written");
    assert!(
        code == 1 && xml.contains("<failure message=\"worse: ") && xml.contains("name=\"near\""),
        "{xml}"
    );
    // The same on other seeds: too few runs to be certain of small differences, none of which is worse.
    let other = sweep(folder.path(), "other", 3, "0%");
    let (code, told, _) = said(&["baseline", "check", &file, &other, "--tolerance", "0.01%"]);
    assert!(code == 0 && told.contains("runs of different seeds"), "{told}");
    let (code, told, _) = said(&["baseline", "check", &file, &other, "--tolerance", "0.01%", "--strict"]);
    assert!(code == 1 && told.contains("unclear"), "{told}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", &[]);
    let nothing = folder.path().to_string_lossy().into_owned();
    let old = folder.path().join("old.json");
    fs::write(&old, "{\"schema\": 99}").expect("there is room");
    let old = old.to_string_lossy().into_owned();
    for (arguments, words) in [
        (vec!["compare", &nothing, &calm], "is neither a run nor a sweep nor a baseline"),
        (vec!["compare", &old, &calm], "has schema 99"),
        (vec!["compare", &calm, &calm, "--tolerance", "much"], "write a size as in `2%`"),
        (vec!["compare", &calm, &calm, "--tolerance=-1"], "invalid value"),
        (vec!["compare", &calm, &calm, "--tolerance", "csot=1"], "`csot` is not a metric"),
        (vec!["compare", &calm, &calm, "--metric", "csot"], "`csot` is not a metric"),
        (vec!["compare", &calm, &calm, "--metric", "mean of peers.up"], "no metric in common of those"),
    ] {
        let (code, told, errors) = said(&arguments);
        assert!(code == 2 && errors.contains(words), "{arguments:?}: {told}{errors}");
    }
}
