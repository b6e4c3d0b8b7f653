//! `dmsim replay`: any moment of a run can be had again, and two runs are compared event by event.

use std::fs;
use std::path::Path;

use dmsim::kernel::{Span, Time};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::moment::{Focus, Parting, Stepping, part};
use dmsim::sim::{self, Options, Setup, World};
use serde_json::Value;

use crate::program::{dmsim, text};

fn json(arguments: &[&str]) -> Value {
    let output = dmsim(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

/// A run of a shipped scenario in a folder of its own.
fn run(scenario: &str, folder: &Path, name: &str, more: &[&str]) -> String {
    let out = folder.join(name).to_str().expect("it is text").to_owned();
    let arguments = [&["run", scenario, "--out", &out, "--no-report"], more].concat();
    let done = dmsim(&arguments);
    assert!(done.status.success(), "{}", text(&done.stderr));
    out
}

fn setup(name: &str, set: &[&str]) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let overrides = Overrides { set: set.iter().map(|&one| one.to_owned()).collect(), seed: None };
    let loaded = scenario::load(&path, &overrides, &dmsim::observe::metric_names());
    loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup
}

const CALM: &str = "scenarios/calm.yaml";

#[test]
fn looking_at_a_run_and_taking_it_event_by_event_changes_nothing() {
    let setup = setup("scenarios/outage.yaml", &["duration=80m", "expect=[]"]);
    let whole = sim::run(&setup, Options::default(), &mut |_, _| true).expect("it runs");
    let mut world = World::new(&setup).expect("it can be built");
    world.advance(Time::ZERO + Span::mins(59), &mut |_, _| true);
    let _moment = world.moment(&Focus { all: true, limit: usize::MAX, ..Focus::default() });
    let mut stepping = Stepping::new(world);
    for number in 0..500 {
        stepping.step(number < 50).expect("it goes on");
    }
    while stepping.step(false).is_some() {}
    let world = stepping.into_ended().expect("nothing is left");
    assert_eq!(world.events(), whole.events);
    let replayed = world.run(&mut |_, _| true).expect("it runs");
    assert_eq!(replayed.digest, whole.digest);
}

#[test]
fn what_is_pending_comes_in_that_order() {
    let setup = setup(CALM, &[]);
    let mut world = World::new(&setup).expect("it can be built");
    world.advance(Time::ZERO + Span::mins(21), &mut |_, _| true);
    let moment = world.moment(&Focus { limit: 12, ..Focus::default() });
    assert_eq!(moment.pending.len(), 12);
    let mut stepping = Stepping::new(world);
    // What an event brings forth may come before what was pending; the first was the first.
    let next = stepping.step(true).expect("it goes on");
    assert_eq!((next.at, next.event), (moment.pending[0].at, moment.pending[0].event.clone()));
}

#[test]
fn the_moment_of_a_run_is_shown() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = run(CALM, folder.path(), "run", &[]);
    let shown = json(&["replay", &out, "--until", "30m", "--steps", "40", "--format", "json"]);
    let moment = &shown["moment"];
    assert_eq!(moment["at_s"], 1800.0);
    assert_eq!(moment["peer_counts"]["up"], 51);
    let services = moment["deployments"].as_array().expect("it is a list");
    let web = services.iter().find(|one| one["name"] == "web").expect("services run by then");
    assert_eq!((&web["status"], &web["owner"]), (&"Running".into(), &"alice".into()));
    let allocation = &web["allocations"][0];
    assert_eq!((&allocation["state"], &allocation["runs"]), (&"running".into(), &true.into()));
    let steps = shown["steps"].as_array().expect("it is a list");
    assert_eq!(steps.len(), 40);
    let numbers: Vec<u64> = steps.iter().filter_map(|step| step["number"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(Some(numbers[0] - 1), moment["events"].as_u64());
    assert!(shown["end"].is_null(), "the run is not over");

    // The same moment by the number of its last event, narrowed.
    let event = moment["events"].to_string();
    let number = web["deployment"].to_string();
    let narrowed = json(&["replay", &out, "--event", &event, "--deployment", &number, "--format", "json"]);
    assert_eq!(narrowed["moment"]["digest"], moment["digest"]);
    assert_eq!(narrowed["moment"]["deployments"], Value::Array(vec![web.clone()]));
    let peer = allocation["peer"].as_str().expect("it has a name");
    let narrowed = dmsim(&["replay", &out, "--until", "30m", "--peer", peer]);
    let lines = text(&narrowed.stdout);
    assert!(lines.contains(&format!("  {peer} ")) && lines.contains("web"), "{lines}");
}

#[test]
fn the_end_of_a_run_has_the_digest_that_was_recorded_or_it_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = run(CALM, folder.path(), "run", &[]);
    let same = dmsim(&["replay", &out]);
    assert!(
        same.status.success() && text(&same.stdout).contains("as it was recorded"),
        "{}",
        text(&same.stdout)
    );
    let path = Path::new(&out).join("run.json");
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(&path).expect("it is there")).expect("it is JSON");
    manifest["digest"] = "0123456789abcdef0123456789abcdef".into();
    fs::write(&path, manifest.to_string()).expect("there is room");
    let other = dmsim(&["replay", &out]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stdout).contains("NOT THE SAME"), "{}", text(&other.stdout));
    let of_scenario = dmsim(&["replay", CALM]);
    assert!(
        of_scenario.status.success() && text(&of_scenario.stdout).contains("the run is over; its digest is")
    );
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let place = |name: &str| folder.path().join(name).to_str().expect("it is text").to_owned();
    let out = run(CALM, folder.path(), "run", &[]);
    let (empty, sweep, garbage) = (place("empty"), place("sweep"), place("garbage.yaml"));
    fs::create_dir(&empty).expect("there is room");
    fs::create_dir(&sweep).expect("there is room");
    fs::write(Path::new(&sweep).join("plan.json"), "{}").expect("there is room");
    fs::write(&garbage, "}{ \u{1}").expect("there is room");
    let damaged = run(CALM, folder.path(), "damaged", &[]);
    fs::write(Path::new(&damaged).join("run.json"), "{\"schema\": ").expect("there is room");
    let cases: [(&[&str], &str); 10] = [
        (&["replay", &place("nowhere")], "name the results folder of a run"),
        (&["replay", &empty], "run.json"),
        (&["replay", &sweep], "which is many runs"),
        (&["replay", &garbage], "error"),
        (&["replay", &damaged], "run.json:1"),
        (&["replay", &out, "--until", "2h"], "is past the end of the run, which lasts 1h"),
        (&["replay", &out, "--event", "99999999999"], "is past the end of the run"),
        (&["replay", &out, "--until", "soon"], "is not a time"),
        (&["replay", &out, "--peer", "zoe", "--deployment", "none"], "no peer `zoe`"),
        (&["replay", &out, "--diff", &place("nowhere")], "there is no "),
    ];
    for (arguments, message) in cases {
        let output = dmsim(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(message) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    let both = dmsim(&["replay", &out, "--peer", "zoe", "--deployment", "none"]);
    assert!(text(&both.stderr).contains("no deployment `none`"), "all errors come at once");
}

#[test]
fn runs_that_are_the_same_do_not_part() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = run(CALM, folder.path(), "run", &[]);
    let same = dmsim(&["replay", &out, "--diff", CALM]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same.stdout));
    assert!(text(&same.stdout).contains("both runs are the same"));
}

#[test]
fn where_two_runs_part_is_told_with_the_reason() {
    let folder = tempfile::tempdir().expect("there is room");
    let out = run(CALM, folder.path(), "run", &[]);
    let late = run(CALM, folder.path(), "late", &["--set", "workload[1].deploy.arrivals.start=2m"]);
    let parted = json(&["replay", &out, "--diff", &late, "--format", "json"]);
    assert_eq!(parted["same"], false);
    // The first request for a web service comes at one minute, or a minute later.
    assert_eq!(parted["parted"]["sides"][0]["at_s"], 60.0);
    assert_eq!(parted["scenarios"][0]["path"], "workload[1].deploy.arrivals.start");
    let seeded = run(CALM, folder.path(), "seeded", &["--seed", "9"]);
    let output = dmsim(&["replay", &out, "--diff", &seeded]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(shown.contains("in nothing but the seed") && shown.contains("second run, next:"), "{shown}");
}

#[test]
fn the_first_fact_that_differs_is_found() {
    let first = setup(CALM, &["network.loss=1%"]);
    let second = setup(CALM, &["network.loss=2%"]);
    let trace = |setup: &Setup| {
        let options = Options { trace: true, ..Options::default() };
        sim::run(setup, options, &mut |_, _| true).expect("it runs")
    };
    let (_, at, _) = trace(&first).first_divergence(&trace(&second)).expect("they part");
    let world = |setup| World::new(setup).expect("it can be built");
    let Parting::At(parted) = part(world(&first), world(&second), &mut |_, _| true) else {
        panic!("they part");
    };
    // What parts them is an event; the first fact that differs may follow later.
    let first = parted.sides.iter().flatten().map(|side| side.at).min().expect("one of them goes on");
    let common = parted.last_common.as_ref().expect("they begin alike");
    assert!(common.at <= first && first <= at, "{first:?} {at:?}");
    assert_ne!(parted.sides[0], parted.sides[1]);
}
