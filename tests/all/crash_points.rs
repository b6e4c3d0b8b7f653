//! Crash points (docs/exploration.md): where they are, that the ordinary deployment survives all of them, that what DMS
//! as it is does not survive shows, and what is said where there is nothing to crash.

use std::path::Path;

use dmsim::explore::crash_points::{Bounds, Cell, Survey, survey, try_points};
use dmsim::explore::trial::Verdict;
use dmsim::kernel::Span;
use dmsim::observe::metric_names;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::crash_points::{Crash, CrashPlan, Side};
use dmsim::sim::{self, Options, Setup};
use rayon::ThreadPoolBuilder;

use crate::program::{dmsim, text};

const ORDINARY: &str = "scenarios/crash-points.yaml";

fn load(path: &str, profile: &str) -> Setup {
    let overrides = Overrides { set: vec![format!("profile={profile}")], seed: None };
    match scenario::load(Path::new(path), &overrides, &metric_names()) {
        Ok(loaded) => loaded.setup,
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn surveyed(setup: &Setup) -> Survey {
    survey(setup, &bounds(), &|| true).expect("there are deployments in it")
}

fn bounds() -> Bounds {
    Bounds { restarts: vec![Span::secs(5), Span::mins(10)], occurrences: 1, unsent: false, loses_disk: false }
}

/// What came of the points of these names, for each restart.
fn judged(setup: &Setup, names: &[&str]) -> Vec<String> {
    let survey = surveyed(setup);
    let find = |name: &&str| survey.find(name).unwrap_or_else(|| panic!("{name}: {:?}", survey.near(name)));
    let points: Vec<usize> = names.iter().map(find).collect();
    words(&try_points((setup, &survey, &bounds()), &points, &|| true, &|| {}))
}

fn words(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.judgement.word().to_owned()).collect()
}

#[test]
fn the_ordinary_deployment_survives_a_crash_at_every_point() {
    let setup = load(ORDINARY, "intended");
    let survey = surveyed(&setup);
    assert_eq!(survey.undisturbed.weight(), 0, "{}", survey.undisturbed.in_words());
    let all: Vec<usize> = (0..survey.points.len()).collect();
    let cells = try_points((&setup, &survey, &bounds()), &all, &|| true, &|| {});
    let bad: Vec<String> = cells
        .iter()
        .filter(|cell| cell.judgement.word() != "ok")
        .map(|cell| {
            let said = cell.verdict().map_or("nothing seen".to_owned(), Verdict::in_words);
            format!("{} ({}): {said}", survey.name_of(&survey.points[cell.point]), cell.restart)
        })
        .collect();
    assert!(bad.is_empty(), "{} of {}: {bad:#?}", bad.len(), cells.len());
    assert!(cells.len() > 300, "only {} crashes", cells.len());
}

#[test]
fn crash_points_are_where_the_protocol_goes() {
    let survey = surveyed(&load(ORDINARY, "intended"));
    assert_eq!(survey.roles, ["orchestrator", "provider", "bidder", "bystander"]);
    let mut states: Vec<&str> = survey.rows.iter().map(|(boundary, _)| boundary.deployment).collect();
    states.dedup();
    for state in ["-", "Preparing", "Committing", "Provisioning", "Running", "Updating", "ShuttingDown"] {
        assert!(states.contains(&state), "{state}: {states:?}");
    }
    for point in [
        "orchestrator/-/after deployment - > Preparing",
        "orchestrator/Preparing/before /dms/deployment/bid",
        "bystander/Preparing/before /dms/deployment/request",
        "bidder/Preparing/after /dms/deployment/request",
        "provider/Committing/after /dms/deployment/commit",
        "orchestrator/Committing/before answer to /dms/deployment/commit",
        "provider/Committing+committed/before /dms/deployment/allocate",
        "provider/Provisioning+pending/after /dms/allocation/start",
        "orchestrator/Provisioning/after allocation pending > running",
        "orchestrator/Running+released/after /dms/orchestrator/<id>/task-termination",
        "orchestrator/Updating/before answer to /dms/deployment/allocate",
        "provider/ShuttingDown+running/before /dms/ensemble/<id>/allocation/shutdown",
        "orchestrator/ShuttingDown/after deployment ShuttingDown > Completed",
    ] {
        assert!(survey.find(point).is_some(), "{point}: {:?}", survey.near(point));
    }
    // Whoever does not get a message cannot crash before it; a state changes for everybody.
    assert!(survey.find("orchestrator/Committing/before /dms/deployment/commit").is_none());
    assert!(survey.find("bystander/Preparing/after deployment Preparing > Committing").is_some());
}

/// Each of these alone breaks the rule, and DMS as it is, which has all of them, breaks one too.
#[test]
fn weaknesses_show_at_their_points() {
    for (point, weakness, rule) in [
        // Nothing is redone for a deployment that was looking for bids.
        ("orchestrator/-/after deployment - > Preparing", "W14", "endings"),
        // What was committed for an update is not on disk, and nobody undoes it.
        ("orchestrator/Updating/after answer to /dms/deployment/commit", "W25", "leases"),
        // What was shutting down is not restored.
        ("orchestrator/ShuttingDown/after allocation running > terminated", "W20", "endings"),
    ] {
        let as_is = judged(&load(ORDINARY, "as-is"), &[point]);
        assert!(as_is.iter().any(|word| word != "ok"), "{point}: {as_is:?}");
        let added = judged(&load(ORDINARY, &format!("{{base: intended, add: [{weakness}]}}")), &[point]);
        assert!(added.iter().any(|word| word == rule), "{point} with {weakness} alone: {added:?}");
        let intended = judged(&load(ORDINARY, "intended"), &[point]);
        assert_eq!(intended, ["ok", "ok"], "{point}");
    }
}

#[test]
fn a_matrix_is_the_same_on_any_number_of_threads() {
    let setup = load(ORDINARY, "as-is");
    let survey = surveyed(&setup);
    let some: Vec<usize> = (0..survey.points.len()).step_by(9).collect();
    let matrix = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        let cells = pool.install(|| try_points((&setup, &survey, &bounds()), &some, &|| true, &|| {}));
        let said = |cell: &Cell| cell.verdict().map(Verdict::in_words);
        (words(&cells), cells.iter().map(said).collect::<Vec<_>>())
    };
    let (one, three) = (matrix(1), matrix(3));
    assert!(one.0.iter().any(|word| word != "ok"), "nothing is found in DMS as it is");
    assert_eq!(one, three);
}

fn outcome(setup: &Setup, plan: Option<CrashPlan>) -> sim::Outcome {
    let options = Options { crash_plan: plan, metrics_only: true, ..Options::default() };
    sim::run(setup, options, &mut |_, _| true).expect("it can be run")
}

#[test]
fn looking_for_crash_points_changes_nothing_and_a_crash_does() {
    let setup = load(ORDINARY, "intended");
    let plain = outcome(&setup, None);
    let seen = outcome(&setup, Some(CrashPlan::Survey));
    assert_eq!(plain.digest, seen.digest);
    assert!(plain.passed.moments.is_empty() && !seen.passed.moments.is_empty());
    let survey = surveyed(&setup);
    let name = "provider/Committing/before /dms/deployment/commit";
    let place = &survey.points[survey.find(name).expect("it is there")].places[0];
    let [before, after] = [Side::Before, Side::After].map(|side| {
        let (peer, moment, restart) = (place.peer, place.moment.number, Span::secs(5));
        let crash = Crash { peer, moment, side, restart, loses_disk: false };
        outcome(&setup, Some(CrashPlan::Crash(crash)))
    });
    assert!(before.passed.has_crashed && after.passed.has_crashed);
    assert!(before.digest != plain.digest && after.digest != plain.digest && before.digest != after.digest);
    // Nobody is there to crash once the run is over.
    let (peer, restart) = (place.peer, Span::secs(5));
    let never = Crash { peer, moment: u64::MAX, side: Side::After, restart, loses_disk: false };
    let never = outcome(&setup, Some(CrashPlan::Crash(never)));
    assert!(!never.passed.has_crashed && never.digest == plain.digest);
}

#[test]
fn a_lost_disk_is_no_process_that_starts_again() {
    let setup = load(ORDINARY, "intended");
    let survey = surveyed(&setup);
    let point = survey.find("provider/Provisioning/after deployment Provisioning > Running");
    let bounds = Bounds { loses_disk: true, ..bounds() };
    let cells = try_points((&setup, &survey, &bounds), &[point.expect("it is there")], &|| true, &|| {});
    assert_eq!(words(&cells), ["ok", "ok"]);
}

#[test]
fn an_interrupted_search_says_what_it_has_not_seen() {
    let setup = load(ORDINARY, "intended");
    let survey = surveyed(&setup);
    let cells = try_points((&setup, &survey, &bounds()), &[0], &|| false, &|| {});
    // A run this short may end before anybody asks whether to go on.
    assert!(cells.iter().all(|cell| ["?", "ok"].contains(&cell.judgement.word())));
}

/// The exit code, the output and the errors of `dmsim explore`.
pub(super) fn explore(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = dmsim(&[&["explore"], arguments].concat());
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_single_point_is_shown_again() {
    let point = "orchestrator/Preparing/after deployment Preparing > Committing";
    let (code, told, errors) = explore(&["--crash-points", ORDINARY, "--only", point]);
    assert_eq!(code, Some(0), "{told}{errors}");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.lines().all(|line| line.starts_with(point) && line.ends_with(": nothing")), "{told}");
    let lasting = "orchestrator/-/after deployment - > Preparing";
    let arguments = ["--crash-points", ORDINARY, "--only", lasting, "--profile", "as-is", "--restart-s", "5"];
    let (code, told, errors) = explore(&arguments);
    assert_eq!(code, Some(5), "{told}{errors}");
    assert!(told.contains("alice crashes at 60 s and is back after 5s: endings at"), "{told}");
    let (code, told, _) = explore(&[&arguments[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!(code, Some(5));
    assert_eq!(json["cells"][0]["result"], "endings");
    assert_eq!(json["cells"][0]["point"], lasting);
}

#[test]
fn what_cannot_be_tried_is_said() {
    let (code, _, errors) = explore(&["--crash-points", "scenarios/no-such.yaml"]);
    assert!(code == Some(2) && errors.contains("no-such.yaml"), "{code:?}: {errors}");
    let (code, _, errors) =
        explore(&["--crash-points", ORDINARY, "--only", "orchestrator/Comitting/after bid"]);
    assert!(code == Some(2) && errors.contains("the nearest are"), "{code:?}: {errors}");
    assert!(errors.contains("    orchestrator/"), "{errors}");
    let folder = tempfile::tempdir().expect("there is room");
    let idle = folder.path().join("idle.yaml");
    let text = "version: 1\nduration: 1h\npeers: [{providers: {count: 2}}, {orchestrators: {names: [alice]}}]\n\
                operations: [{at: 1m, by: alice, broadcast: /broadcast/hello}]\n";
    std::fs::write(&idle, text).expect("it can be written");
    let (code, _, errors) = explore(&["--crash-points", &idle.to_string_lossy()]);
    assert!(code == Some(2) && errors.contains("no deployment comes to any state"), "{code:?}: {errors}");
    for wrong in [["--restart-s", "0"], ["--restart-s", "soon"], ["--occurrences", "0"]] {
        let (code, _, errors) = explore(&[&["--crash-points", ORDINARY], &wrong[..]].concat());
        assert_eq!(code, Some(2), "{errors}");
    }
    let (code, _, errors) = explore(&["--only", "x"]);
    assert!(code == Some(2) && errors.contains("--crash-points"), "{code:?}: {errors}");
}

/// A provider that dies between noting that something restarts and giving the orders for it.
#[test]
fn what_was_to_be_stopped_is_stopped_after_a_restart() {
    let path = "scenarios/regressions/an-order-to-stop-that-never-left.yaml";
    let point = "provider/Running+running/unsent /dms/allocation/restart";
    let (code, told, errors) = explore(&["--crash-points", path, "--unsent", "--only", point]);
    assert_eq!(code, Some(0), "{told}{errors}");
    assert_eq!(told.matches(": nothing").count(), 2, "{told}");
}

/// A gateway that dies between noting that a machine is deleted and ordering it.
#[test]
fn what_was_to_be_deleted_is_deleted_after_a_restart() {
    let path = "scenarios/regressions/a-machine-that-was-not-deleted.yaml";
    let point = "gateway/-/unsent answer to /dms/node/allocations/list";
    let each = ["--crash-points", path, "--unsent", "--occurrences", "20", "--only", point];
    let (code, told, errors) = explore(&each);
    assert_eq!(code, Some(0), "{told}{errors}");
    assert_eq!(told.matches(": nothing").count(), 2, "{told}");
}
