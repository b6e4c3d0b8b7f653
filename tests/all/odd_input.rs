//! What nobody should write and somebody will: each is refused with a reason, or done within bounds, and nothing breaks
//! down.

use std::fs;

use crate::program::{dmsim, text};

/// The exit code of the program, with all that it says.
fn heard(arguments: &[&str]) -> (Option<i32>, String) {
    let output = dmsim(arguments);
    let said = [output.stdout, output.stderr].map(|bytes| text(&bytes));
    (output.status.code(), said.concat())
}

const ENSEMBLE: &str = "\
version: V1
allocations:
  web:
    type: service
    executor: docker
    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
    execution: {type: docker, image: x/web}
nodes: {node: {allocations: [web]}}
";

/// A scenario whose ensemble stands in another file; it has no name of its own.
fn scenario(more: &str) -> String {
    let head = "version: 1\nduration: 5m\npeers: [{providers: {count: 3}}, {orchestrators: {names: [alice]}}]\n\
                images: {x/web: {size: 1 MB, service: {}}}\nworkload: [{deploy: {by: alice, ensemble: my web.yaml}}]\n";
    format!("{head}{more}")
}

#[test]
fn names_of_files_become_names_that_can_be_read_again() {
    let folder = tempfile::tempdir().expect("there is room");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(at("my web.yaml"), ENSEMBLE).expect("there is room");
    fs::write(at("my first run.yaml"), scenario("")).expect("there is room");
    let (code, said) = heard(&["run", &at("my first run.yaml"), "--no-report", "--out", &at("results")]);
    assert_eq!(code, Some(0), "{said}");
    let resolved = fs::read_to_string(at("results/scenario.resolved.yaml")).expect("it was written");
    assert!(resolved.contains("name: my_first_run") && resolved.contains("name: my_web"), "{resolved}");
    let (code, said) = heard(&["replay", &at("results")]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_explore_finds_in_a_scenario_becomes_small_with_its_files() {
    let folder = tempfile::tempdir().expect("there is room");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(at("my web.yaml"), ENSEMBLE).expect("there is room");
    // As DMS is: what is left by an orchestrator that is gone runs for ever.
    let more = "profile: as-is\nexpect: [deployments.succeeded_fraction >= 0]\nfaults: [{crash: {at: 2m, repair: \
                never, peer: alice}}]\n";
    fs::write(at("left.yaml"), scenario(more)).expect("there is room");
    let (code, said) =
        heard(&["shrink", &at("left.yaml"), "--seed", "7", "--set", "duration=3h", "--runs", "30"]);
    let is_small = code == Some(0) && said.contains("leases at") && said.contains("seed: 7");
    assert!(is_small && said.contains("image: x/web") && !said.contains("expect"), "{code:?}: {said}");
    for (rule, told) in [("nonsense", "there is no such rule"), ("order", "the rule `order` is not broken")] {
        let (code, said) = heard(&["shrink", &at("left.yaml"), "--rule", rule]);
        assert!(code == Some(2) && said.contains(told), "{code:?}: {said}");
    }
}

#[test]
fn options_that_do_nothing_together_are_refused() {
    let quickstart = "scenarios/quickstart.yaml";
    let cases: &[&[&str]] = &[
        &["explore", "--providers", "0"],
        &["explore", "--providers", "18446744073709551615"],
        &["explore", "--seeds", "18446744073709551615"],
        &["explore", "--crash-points", quickstart, "--time-s", "60"],
        &["explore", "--crash-points", quickstart, "--restart-s", "18446744073709551615"],
        &["explore", quickstart, "--out", "somewhere"],
        &["explore", "--set", "duration=5m"],
        &["explore", "--with", "cards", "--without", "cards", "--show"],
        &["explore", "--rediscover", "--seeds", "0..1"],
        &["explore", "--blame", "--seeds", "0..1"],
        &["run", quickstart, "--save-every", "1ns"],
        &["replay", "a", "--diff", "b", "--limit", "3"],
        &["accept", "scenarios/features", "--ensembles", "no/such/folder"],
    ];
    for case in cases {
        let (code, said) = heard(case);
        assert!(code == Some(2) && said.contains("error"), "{case:?}: {code:?}: {said}");
    }
}

#[test]
fn what_would_take_for_ever_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::write(at("my web.yaml"), ENSEMBLE).expect("there is room");
    let anchors: String = (0..60).map(|number| format!("&a{number} [")).collect();
    let zeros = vec!["0"; 20_000].join(",");
    let nested = format!("x: {anchors}{zeros}{}\n", "]".repeat(60));
    let steps = format!(
        "version: 1\nbase: s.yaml\nvariants: [{{name: a, set: [\"{}=1\"]}}]\n",
        vec!["a"; 100_000].join(".")
    );
    let wrong: String = (0..20_000).map(|number| format!("k{number},")).collect();
    let cases = [
        (
            "period.yaml",
            scenario("strategy: {detector: {fixed: {period: 1ns, timeout: 1s}}}\n"),
            "must be at least 1ms",
        ),
        ("move.yaml", scenario("faults: [{move: {at: 1s, every: 1ns, count: 1}}]\n"), "must be at least 1ms"),
        ("nested.yaml", nested, "stand for more than 200000 values"),
        ("steps.yaml", steps, "error"),
        ("wrong.yaml", format!("{{{wrong}}}\n"), "error"),
    ];
    for (name, text, told) in cases {
        fs::write(at(name), text).expect("there is room");
        let (code, said) = heard(&["check", &at(name)]);
        assert!(
            code == Some(2) && said.contains(told),
            "{name}: {code:?}: {}",
            &said[..said.len().min(2000)]
        );
    }
    let path = format!("{}=1", vec!["a"; 30_000].join("."));
    let (code, said) = heard(&["run", &at("period.yaml"), "--set", &path]);
    assert!(code == Some(2) && said.contains("at most 64 steps"), "{code:?}");
    let tags = format!("{}@a", "not ".repeat(20_000));
    let (code, said) = heard(&["accept", "scenarios/features", "--tags", &tags]);
    assert!(code == Some(2) && said.contains("at most 1000 bytes"), "{code:?}");
}
