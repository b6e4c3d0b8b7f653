//! The acceptance runner: the shipped features pass, mistakes in files are errors with their line, and nothing passes
//! that asserts nothing.

use std::path::PathBuf;

use dmsim::accept::{CaseResult, Complaint, Options, Report, Suite, TagFilter, Verdict, matrix, output};
use tempfile::TempDir;

const NODES: &str = "\
  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |
";

/// A suite of one file with this text behind the nodes of the background.
fn suite_of(folder: &TempDir, scenarios: &str) -> Result<Suite, Vec<Complaint>> {
    let path = folder.path().join("own.feature");
    std::fs::write(&path, format!("Feature: Own\n{NODES}\n{scenarios}")).unwrap();
    Suite::load(&[path])
}

fn run(suite: &Suite, options: &Options) -> Result<Report, Vec<Complaint>> {
    suite.run(options, &|_| (), &|| true)
}

/// What comes of scenarios.
fn played(scenarios: &str) -> Vec<CaseResult> {
    let folder = TempDir::new().unwrap();
    run(&suite_of(&folder, scenarios).unwrap(), &Options::default()).unwrap().cases
}

/// What is wrong with scenarios, before anything is run: lines and messages.
fn complaints(scenarios: &str) -> Vec<(u32, String)> {
    let folder = TempDir::new().unwrap();
    let wrong = suite_of(&folder, scenarios).and_then(|suite| run(&suite, &Options::default()).map(drop));
    let all = wrong.expect_err("there is something wrong").into_iter();
    all.map(|complaint| (complaint.line, complaint.message)).collect()
}

fn shipped() -> Suite {
    Suite::load(&[PathBuf::from("scenarios/features")]).unwrap()
}

#[test]
fn the_shipped_features_pass_and_leave_nothing_unfinished() {
    let report = run(&shipped(), &Options::default()).unwrap();
    let failed: Vec<String> = report
        .cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.scenario, case.trouble()?.reason)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.counts().wip, 0);
    assert!(report.is_good());
}

/// The weaknesses that a scenario names are those that make it fail.
#[test]
fn what_fails_as_is_names_weaknesses_and_passes_without_them() {
    let suite = shipped();
    let as_is = Options { profile: "as-is".to_owned(), ..Options::default() };
    let report = run(&suite, &as_is).unwrap();
    for case in report.cases.iter().filter(|case| case.trouble().is_some()) {
        let trouble = case.trouble().unwrap();
        assert!(report.is_known(case), "{}:{} names no weakness: {}", case.file, case.line, trouble.reason);
    }
    let mut fixed: Vec<(String, Vec<(String, u32)>)> = Vec::new();
    for case in report.cases.iter().filter(|case| case.trouble().is_some()) {
        // What has no number cannot be mended one by one.
        let numbers: Vec<&str> = case.weaknesses();
        if numbers.iter().any(|number| number.starts_with("deviation")) {
            continue;
        }
        let place = (case.file.to_string(), case.line);
        match fixed.iter_mut().find(|(known, _)| *known == numbers.join(", ")) {
            Some((_, places)) => places.push(place),
            None => fixed.push((numbers.join(", "), vec![place])),
        }
    }
    assert!(!fixed.is_empty(), "under as-is something fails");
    for (numbers, places) in fixed {
        let profile = format!("{{base: as-is, fix: [{numbers}]}}");
        let mended = run(&suite, &Options { profile, ..Options::default() }).unwrap();
        let is_one = |case: &&CaseResult| places.contains(&(case.file.to_string(), case.line));
        for case in mended.cases.iter().filter(is_one) {
            assert_eq!(case.verdict, Verdict::Passed, "{} without {numbers}", case.scenario);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run_on_any_number_of_threads() {
    let digests = |threads: usize, network: u32| -> Vec<(String, u64)> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let suite = Suite::load(&[PathBuf::from("scenarios/features/deployment_launch.feature")]).unwrap();
        let options = Options { network, repeat: 2, ..Options::default() };
        let report = pool.install(|| run(&suite, &options)).unwrap();
        report.cases.iter().map(|case| (case.digest.clone(), case.seed)).collect()
    };
    let one = digests(1, 30);
    assert_eq!(one, digests(3, 30));
    assert_ne!(one, digests(1, 0), "a crowd is part of the run");
    assert!(one.iter().all(|(digest, _)| digest.len() == 32));
    let mut distinct = one.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), one.len(), "seeds differ");
}

#[test]
fn mistakes_are_told_with_their_lines_before_anything_is_run() {
    for (scenarios, line, message) in [
        (
            "  Scenario: s\n    When \"Alice\" restart DMS\n    Then \"Alice\" deployment is running\n",
            9,
            "no step is",
        ),
        ("  Scenario: s\n    When \"Alice\" restarts DMS\n", 8, "asserts nothing"),
        ("  Scenario: s\n", 8, "asserts nothing"),
        (
            "  Scenario: s\n    When \"Alice\" restarts DMS\n    And I have 2 DMS nodes on isolated NAT networks\n    \
             Then \"Alice\" deployment is running\n",
            10,
            "must come before anything happens",
        ),
        (
            "  Scenario: s\n    Given the scenario:\n      \"\"\"\n      netwrk: {}\n      \"\"\"\n    Then \"Alice\" \
             deployment is running\n",
            9,
            "unknown key `netwrk`",
        ),
        (
            "  Scenario: s\n    Given the ensemble \"x.yaml\":\n      \"\"\"\n      version: V1\n      \"\"\"\n    \
             Then \"Alice\" deployment is running\n",
            9,
            "at least one allocation must be defined",
        ),
        ("  Scenario: s\n    Given a\n    free text\n", 10, "not valid Gherkin"),
        ("  Scenario Outline: s\n    Then <x>\n    Examples:\n", 10, "no rows"),
    ] {
        let found = complaints(scenarios);
        assert!(
            found.iter().any(|(at, said)| *at == line && said.contains(message)),
            "{scenarios}: {found:#?}"
        );
    }
}

#[test]
fn a_step_of_which_there_is_nothing_to_assert_does_not_pass() {
    for (steps, why) in [
        ("    Then all deployments should have status \"Running\"\n", "deployments were not listed"),
        (
            "    When \"Alice\" list deployments\n    Then all deployments should have status \"Running\"\n",
            "the page has no deployments",
        ),
        (
            "    Given \"Alice\" has 1 service Running on \"Bob\"\n    When \"Alice\" gets deployment info with \
             logs for allocation \"nginx\"\n    Then \"Alice\" should receive deployment info with log paths only \
             for \"alloc1\"\n",
            "there is no allocation alloc1",
        ),
        ("    Then they should get a OK response\n", "nothing was noted"),
        ("    Then \"Alice\" deployment is running\n", "alice has deployed nothing"),
        ("    When \"Zoe\" restarts DMS\n    Then \"Alice\" deployment is running\n", "there is no node zoe"),
    ] {
        let cases = played(&format!("  Scenario: s\n{steps}"));
        let trouble = cases[0].trouble().unwrap_or_else(|| panic!("it passes: {steps}"));
        assert!(trouble.is_of_the_file && trouble.reason.contains(why), "{steps}: {}", trouble.reason);
    }
}

#[test]
fn a_failure_tells_what_happened_and_how_to_play_it_again() {
    let cases = played(
        "  Scenario: s\n    Given \"Alice\" has 1 task Completed on \"Bob\"\n    Then \"Alice\" ensemble should return \
         \"Good bye\"\n",
    );
    let trouble = cases[0].trouble().unwrap();
    assert_eq!((trouble.line, trouble.is_of_the_file), (10, false));
    assert!(trouble.reason.contains("Hello from Docker!"), "{}", trouble.reason);
    assert!(trouble.transcript.iter().any(|line| line.contains("FAILED")), "{:#?}", trouble.transcript);
    assert!(trouble.transcript.iter().any(|line| line.contains("deployment of alice is Completed")));
    assert!(
        trouble.replay.starts_with("dmsim accept ") && trouble.replay.ends_with("own.feature:8 --seed 42")
    );
}

#[test]
fn unfinished_scenarios_are_counted_and_run_on_request() {
    let folder = TempDir::new().unwrap();
    let scenarios = "  @wip\n  Scenario: later\n    Then \"Alice\" deployment is running\n\n  Scenario: now\n    When \
                     \"Alice\" list deployments\n    Then \"Alice\" should see deployment list empty\n";
    let suite = suite_of(&folder, scenarios).unwrap();
    let counts = run(&suite, &Options::default()).unwrap().counts();
    assert_eq!((counts.passed, counts.failed, counts.wip, counts.scenarios), (1, 0, 1, 2));
    let run_wip = Options { run_wip: true, ..Options::default() };
    let counts = run(&suite, &run_wip).unwrap().counts();
    assert_eq!((counts.passed, counts.failed, counts.wip), (1, 1, 0));
    assert!(matrix::unfinished(&suite).contains("own.feature:9: later"));
}

#[test]
fn a_place_in_a_file_takes_one_scenario_and_tags_take_some() {
    let file = "scenarios/features/deployment_launch.feature";
    let suite = Suite::load(&[PathBuf::from(format!("{file}:21"))]).unwrap();
    assert_eq!(suite.features()[0].scenarios.len(), 1);
    assert!(Suite::load(&[PathBuf::from(format!("{file}:1"))]).is_err());
    let mut suite = Suite::load(&[PathBuf::from(file)]).unwrap();
    suite.retain(&TagFilter::parse("@open").unwrap());
    assert_eq!(suite.features()[0].scenarios.len(), 1);
    assert!(Suite::load(&[PathBuf::from("scenarios/nowhere")]).is_err());
}

#[test]
fn results_are_written_for_readers_of_every_kind() {
    let folder = TempDir::new().unwrap();
    let scenarios = "  Scenario: empty & new\n    When \"Alice\" list deployments\n    Then \"Alice\" should see \
                     deployment list empty\n\n  Scenario: wrong\n    When \"Alice\" list deployments\n    \
                     Then \"Alice\" should see 1 deployment\n";
    let suite = suite_of(&folder, scenarios).unwrap();
    let report = run(&suite, &Options { repeat: 2, ..Options::default() }).unwrap();
    let human = output::human(&report);
    assert!(
        human.contains("passed  empty & new  (2 of 2 seeds)") && human.contains("FAILED  wrong"),
        "{human}"
    );
    assert!(human.ends_with("1 features, 2 scenarios: 4 runs, 2 passed, 2 failed, 0 wip\n"), "{human}");
    let json: serde_json::Value = serde_json::from_str(&output::json(&report)).unwrap();
    assert_eq!((json["counts"]["failed"].as_u64(), json["cases"].as_array().unwrap().len()), (Some(2), 4));
    let junit = output::junit(&report);
    assert!(
        junit.contains("tests=\"4\"")
            && junit.contains("failures=\"2\"")
            && junit.contains("empty &amp; new")
    );
    let markdown = output::markdown(&report);
    assert!(markdown.contains("| Own | wrong | 0 | 2 |"), "{markdown}");
    let table = matrix::matrix(&suite, &report);
    assert!(table.contains("| Own | - | - | - | 2 passed, 2 failed | empty & new<br>wrong |"), "{table}");
}
