//! `dmsim run --save-every`, `--resume` and `--from`: runs that go on after an interruption, and runs that branch off.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use dmsim::kernel::{Span, Time};
use dmsim::observe::{MetricRow, Saved, read_run};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::stage::obstacles;
use dmsim::sim::{self, Course, Options, Outcome, Setup, World};
use serde_json::Value;

use crate::program::{dmsim, program, text};

const CALM: &str = "scenarios/calm.yaml";
const SERVERS: &str = "tests/data/scenarios/strategies.yaml";
/// Services of which hosts are lost all the time.
const LOSSES: [&str; 2] = [
    "workload=[{deploy: {by: alice, ensemble: ensembles/server.yaml, arrivals: {every: 1s}, count: 20}}]",
    "faults=[{crash: {at: {poisson: {mean: 20m, until: 3h}}, group: providers, fraction: 10%, repair: 30m}}]",
];

/// Runs something into a folder of its own, which must end well.
fn run(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let out = folder.join(name).to_str().expect("it is text").to_owned();
    let done = dmsim(&[&["run", "--out", &out], arguments].concat());
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    out
}

/// All files of a folder but the one that differs from machine to machine, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn visit(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                visit(root, &path, found);
            } else {
                let name = path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).expect("it can be read"));
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(folder, folder, &mut found);
    found.remove("provenance.json");
    found
}

fn assert_same(one: &str, other: &str) {
    let (one, other) = (files(Path::new(one)), files(Path::new(other)));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == other[name], "{name} differs");
    }
}

fn setup(name: &str, set: &[&str]) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let overrides = Overrides { set: set.iter().map(|&one| one.to_owned()).collect(), seed: None };
    let loaded = scenario::load(&path, &overrides, &dmsim::observe::metric_names());
    loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup
}

fn made(course: &Course<'_>) -> Outcome {
    let options = Options { trace: true, ..Options::default() };
    sim::run_course(course, options, &mut |_, _| true, &mut |_, _| {}, None, None).expect("it runs")
}

/// What both have in common of their facts, and the time of the first that they have not.
fn common(one: &Outcome, other: &Outcome) -> Option<Time> {
    one.first_divergence(other).map(|(_, at, _)| at)
}

const fn at(minutes: u64) -> Time {
    Time(Span::mins(minutes).0)
}

#[test]
fn saving_moments_changes_nothing_else() {
    let folder = tempfile::tempdir().expect("there is room");
    let plain = run(folder.path(), "plain", &[CALM, "--no-report"]);
    let saved = run(folder.path(), "saved", &[CALM, "--no-report", "--save-every", "7m"]);
    let mut kept = files(Path::new(&saved));
    assert!(kept.remove("saved.jsonl").is_some());
    assert_eq!(kept, files(Path::new(&plain)));
    let moments = Saved::read(Path::new(&saved)).expect("it can be read").moments;
    assert_eq!(moments.len(), 8);
    // Each is the moment that a replay shows.
    let shown = dmsim(&["replay", &saved, "--until", "14m", "--format", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("it is JSON");
    assert_eq!(shown["moment"]["digest"], *moments[1].digest);
    assert_eq!(shown["moment"]["events"], moments[1].events);
}

#[test]
fn a_killed_run_is_resumed_as_if_nothing_had_happened() {
    let folder = tempfile::tempdir().expect("there is room");
    let begun = [
        CALM,
        "--no-report",
        "--save-every",
        "1m",
        "--record",
        "events",
        "--check",
        "--set",
        "duration=40h",
        "--set",
        "expect=[]",
    ];
    let whole = run(folder.path(), "whole", &begun);
    let out = folder.path().join("killed");
    let mut command = program();
    command.args(["run", "--out", out.to_str().expect("it is text")]).args(begun);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let left = folder.path().join("killed.partial-1");
    let saved = left.join("saved.jsonl");
    let lines = || fs::read_to_string(&saved).map_or(0, |text| text.lines().count());
    for _ in 0..2000 {
        if lines() > 3 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let resume = || dmsim(&["run", "--resume", out.to_str().expect("it is text")]);
    let alive = resume();
    assert_eq!(alive.status.code(), Some(2), "{}", text(&alive.stderr));
    child.kill().expect("it runs still: make the run longer");
    child.wait().expect("it ends");
    assert!(lines() > 3 && !out.exists(), "it was killed in the midst");
    let resumed = resume();
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stderr).contains("saved moments were met"), "{}", text(&resumed.stderr));
    assert_same(&whole, out.to_str().expect("it is text"));
    assert!(!left.exists(), "nothing is left of it");
    let again = resume();
    assert!(again.status.success() && text(&again.stdout).contains("there is nothing to resume"));
}

#[test]
fn what_cannot_be_resumed_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let place = |name: &str| folder.path().join(name);
    let shown = |name: &str| place(name).to_str().expect("it is text").to_owned();
    let out = run(folder.path(), "run", &[CALM, "--no-report", "--save-every", "10m"]);
    // As if it had been killed after its third moment.
    let killed = |name: &str, change: &dyn Fn(String) -> String| {
        let left = place(&format!("{name}.partial-1"));
        fs::create_dir_all(left.join("ensembles")).expect("there is room");
        for (file, bytes) in files(Path::new(&out)) {
            if file == "scenario.resolved.yaml" || file.starts_with("ensembles/") {
                fs::write(left.join(file), bytes).expect("there is room");
            }
        }
        let saved = fs::read_to_string(Path::new(&out).join("saved.jsonl")).expect("it is there");
        let saved: Vec<&str> = saved.lines().take(4).collect();
        fs::write(left.join("saved.jsonl"), change(saved.join("\n") + "\n")).expect("there is room");
    };
    killed("fine", &|text| text);
    killed("torn", &|text| text + "{\"at_ns\":24");
    killed("garbage", &|text| text + "rubbish\n");
    killed("future", &|text| text.replacen("\"schema\":1", "\"schema\":2", 1));
    killed("other", &|text| {
        let (before, third) = text.trim_end().rsplit_once('\n').expect("it has lines");
        let cut = third.find("digest").expect("it has one");
        format!("{before}\n{}digest\":\"00000000000000000000000000000000\"}}\n", &third[..cut])
    });
    for name in ["fine", "torn"] {
        let resumed = dmsim(&["run", "--resume", &shown(name)]);
        assert!(resumed.status.success(), "{}", text(&resumed.stderr));
        assert_same(&out, &shown(name));
    }
    let plain = run(folder.path(), "plain", &[CALM, "--no-report"]);
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(Path::new(&plain).join("run.json")).expect("it is there"))
            .expect("it is JSON");
    manifest["stop_reason"] = "interrupted".into();
    fs::write(Path::new(&plain).join("run.json"), manifest.to_string()).expect("there is room");
    let cases = [
        (shown("nowhere"), 2, "nothing that a killed run has left"),
        (shown("garbage.partial-1"), 2, "saved.jsonl:5: "),
        (shown("future.partial-1"), 2, "has schema 2"),
        (plain, 2, "only a run with `--save-every` can be resumed"),
        (shown("other"), 1, "at 30m the run is not the one that was saved"),
    ];
    for (run, code, message) in cases {
        let output = dmsim(&["run", "--resume", &run]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{run}: {said}");
        assert!(said.contains(message), "{run}: {said}");
    }
    assert!(place("other.partial-1").exists() && !place("other").exists(), "what was saved stays");
    for arguments in [&["run"][..], &["run", CALM, "--save-every", "0s"], &["run", CALM, "--resume", &out]] {
        assert_eq!(dmsim(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_branch_without_changes_is_the_same_run() {
    let setup = setup(SERVERS, &LOSSES);
    let (whole, branch) = (made(&Course::of(&setup)), made(&Course::of(&setup).turning(at(75), &setup)));
    assert_eq!(whole.digest, branch.digest);
    assert_eq!((whole.events, whole.tables()), (branch.events, branch.tables()));
    assert_eq!(branch.turned.len(), 1);
}

trait Tables {
    fn tables(&self) -> String;
}

impl Tables for Outcome {
    fn tables(&self) -> String {
        format!("{:?}{:?}{:?}{:?}", self.metrics, self.series, self.deployments, self.allocations)
    }
}

#[test]
fn a_branch_is_the_other_run_up_to_its_moment_and_then_what_it_says() {
    let first = setup(SERVERS, &LOSSES);
    let whole = made(&Course::of(&first));
    let changed = |set: &[&str]| setup(SERVERS, &[&LOSSES[..], set].concat());
    let metric = |outcome: &Outcome, name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    let begun = |outcome: &Outcome, minutes| {
        outcome
            .allocations
            .iter()
            .filter(|row| row.generation > 0 && row.committed_s > minutes * 60.0)
            .count()
    };
    assert!(begun(&whole, 75.0) > 0, "hosts are lost after the moment, and services move");

    // Services that run take over what is done about losses.
    let down = changed(&["strategy.recovery=stay_down"]);
    assert_eq!(obstacles(&first, &down, at(75)), []);
    let branch = made(&Course::of(&first).turning(at(75), &down));
    assert!(common(&whole, &branch).expect("they part") > at(75));
    assert_eq!(begun(&branch, 75.0), 0);
    assert!(metric(&branch, "services.availability") < metric(&whole, "services.availability"));

    // Losses of messages, and delays.
    let slow = changed(&["network.latency={constant: 200ms}", "network.loss=3%"]);
    let branch = made(&Course::of(&first).turning(at(75), &slow));
    assert!(common(&whole, &branch).expect("they part") > at(75));
    let lost_on_the_way = |outcome: &Outcome| {
        let is_that = |row: &&MetricRow| &*row.metric == "messages.lost" && &*row.labels == "reason=loss";
        outcome.metrics.iter().filter(is_that).map(|row| row.value).sum::<f64>()
    };
    assert_eq!(lost_on_the_way(&whole), 0.0);
    assert!(lost_on_the_way(&branch) > 10.0);

    // A fault that comes at random comes no more.
    let calm = changed(&["faults=[]"]);
    let branch = made(&Course::of(&first).turning(at(75), &calm));
    assert!(common(&whole, &branch).expect("they part") > at(75));
    assert!(metric(&branch, "peers.lost") < metric(&whole, "peers.lost"));

    // What users ask for: the same requests so far, and others from then on.
    let more =
        "workload=[{deploy: {by: alice, ensemble: ensembles/server.yaml, arrivals: {every: 1s}, count: 20}},
        {deploy: {by: alice, ensemble: ensembles/worker.yaml, arrivals: {every: 10m}, count: 12}}]";
    let busy = changed(&[more]);
    let branch = made(&Course::of(&first).turning(at(75), &busy));
    // Requests at 0, 10, .. 70 minutes are passed over; those at 80, 90, 100 and 110 are made.
    assert_eq!(branch.deployments.len(), whole.deployments.len() + 4);
    assert!(branch.deployments.iter().skip(20).all(|row| row.submitted_s >= 80.0 * 60.0));
}

#[test]
fn an_added_fault_happens_and_a_removed_one_does_not() {
    let first = setup(
        CALM,
        &["faults=[{crash: {at: 40m, group: providers, fraction: 20%, repair: never}}]", "expect=[]"],
    );
    let other = setup(
        CALM,
        &[
            "faults=[{partition: {at: 35m, between: [{group: providers}, {group: orchestrators}], for: 5m}}]",
            "expect=[]",
        ],
    );
    let none = setup(CALM, &["expect=[]"]);
    let [with, without] = [&first, &none].map(|setup| made(&Course::of(setup)));
    let branch = made(&Course::of(&first).turning(at(30), &other));
    let lost = |outcome: &Outcome, name| outcome.metric(name).unwrap_or(f64::NAN);
    assert!(common(&with, &branch).expect("they part") > at(30));
    // Without the crash it is the run in which nothing breaks, up to the partition.
    assert_eq!(lost(&with, "peers.lost"), 10.0);
    assert_eq!(lost(&branch, "peers.lost"), 0.0);
    assert!(common(&without, &branch).expect("they part") >= at(35));
    let removed = made(&Course::of(&first).turning(at(30), &none));
    assert_eq!(removed.digest, without.digest);
    // What has begun by then cannot be changed, and all of it is said.
    let late = obstacles(&first, &other, at(55));
    let paths: Vec<&str> = late.iter().map(|one| &*one.path).collect();
    assert_eq!(paths, ["faults[0]"]);
}

#[test]
fn a_branch_has_a_folder_from_which_it_can_be_repeated_and_branched_again() {
    let folder = tempfile::tempdir().expect("there is room");
    let set: Vec<String> = LOSSES.iter().map(|&one| one.to_owned()).collect();
    let first = run(folder.path(), "first", &[SERVERS, "--no-report", "--set", &set[0], "--set", &set[1]]);
    let branch = run(
        folder.path(),
        "branch",
        &["--from", &first, "--at", "75m", "--set", "strategy.recovery=stay_down", "--no-report"],
    );
    let manifest = read_run(&Path::new(&branch).join("run.json")).expect("it is there");
    let said = manifest.branch.expect("it says where it comes from");
    assert_eq!(
        (&*said.from, said.at_s, &*said.set),
        ("first", 4500.0, &["strategy.recovery=stay_down".to_owned()][..])
    );
    let shown = dmsim(&["replay", &first, "--until", "75m", "--format", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("it is JSON");
    assert_eq!(shown["moment"]["digest"], *said.digest);
    let replayed = dmsim(&["replay", &branch]);
    assert!(
        replayed.status.success() && text(&replayed.stdout).contains("as it was recorded"),
        "{replayed:?}"
    );
    let parted = dmsim(&["replay", &first, "--diff", &branch]);
    let parted = text(&parted.stdout);
    assert!(parted.contains("strategy.recovery"), "{parted}");
    let again = run(
        folder.path(),
        "again",
        &["--from", &branch, "--at", "2h", "--set", "network.loss=1%", "--no-report"],
    );
    assert!(dmsim(&["replay", &again]).status.success());
    assert!(Path::new(&again).join("before/before/scenario.resolved.yaml").exists());
    let early = dmsim(&["run", "--from", &branch, "--at", "1h", "--out", &first]);
    assert_eq!(early.status.code(), Some(2));
}

#[test]
fn what_cannot_change_midway_is_said_all_at_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let first = run(folder.path(), "first", &[CALM, "--no-report"]);
    let set = |one: &str| ["--set".to_owned(), one.to_owned()];
    let changes = [
        set("seed=2"),
        set("name=other"),
        set("peers[0].providers.count=40"),
        set("network.bandwidth=unlimited"),
        set("profile=as-is"),
        set("faults=[{crash: {at: 10m, group: providers, fraction: 10%, repair: 1m}}]"),
        set("strategy.recovery=stay_down"),
    ];
    let changes: Vec<&str> = changes.iter().flatten().map(String::as_str).collect();
    let output = dmsim(&[&["run", "--from", &first, "--at", "30m"], &changes[..]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for path in ["seed", "name", "peers[0].providers.count", "network.bandwidth", "profile", "faults[0]"] {
        assert!(said.contains(&format!("error: {path} cannot change at 30m: ")), "{path}: {said}");
    }
    assert!(!said.contains("strategy") || said.contains("strategy, faults"), "{said}");
    for (arguments, message) in [
        (&["run", "--from", &first, "--at", "1h"][..], "is not before the end of the run"),
        (&["run", "--from", &first, "--at", "1ns", "--set", "nonsense=1"], "nonsense"),
        (&["run", "--from", CALM, "--at", "1m"], "name the results folder of a run"),
        (&["run", "--from", &first], "--at"),
    ] {
        let output = dmsim(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_left_out_of_the_queue_makes_no_difference_to_a_branch() {
    for (name, minutes, set) in [
        ("at-rest.yaml", 9, "network.loss=5%"),
        ("at-rest.yaml", 9, "strategy.placement=worst_fit"),
        ("routine.yaml", 100, "strategy.recovery=stay_down"),
    ] {
        let file = format!("tests/data/scenarios/{name}");
        let (first, other) = (setup(&file, &[]), setup(&file, &[set]));
        let course = Course::of(&first).turning(at(minutes), &other);
        let world = || course.world().expect("it can be built");
        let run = |world: World<'_>| world.run(&mut |_, _| true).expect("it runs");
        let (left_out, stepped) = (run(world()), run(world().step_by_step()));
        assert_eq!(left_out.digest, stepped.digest, "{name} {set}");
        assert!(left_out.events < stepped.events, "{name} {set}");
    }
}
