//! What happens to machines and to what runs on them.

use dmsim::sim::Outcome;

use super::{metric, run};
use crate::foresight::assert_same_of;

/// The same run of the calm scenario with these faults, as it is made and event by event.
fn assert_same(faults: &str, set: &[&str]) {
    let faults = format!("faults=[{faults}]");
    let set: Vec<&str> = set.iter().copied().chain(["expect=[]", faults.as_str()]).collect();
    assert_same_of("../../../scenarios/calm.yaml", &set, 11);
}

#[test]
fn a_disk_that_is_lost_takes_all_with_it_but_the_key() {
    // Alice has services running, and takes them up again if she still knows of them.
    let crash = |state: &str| format!("{{crash: {{at: 15m, peer: alice, repair: 1m, state: {state}}}}}");
    let [kept, lost] = ["kept", "lost"].map(|state| run(&crash(state), &[]));
    assert_eq!((metric(&kept, "peers.disks_lost"), metric(&lost, "peers.disks_lost")), (0.0, 1.0));
    let [kept, lost] = [kept, lost].map(|outcome| {
        assert!(metric(&outcome, "deployments.succeeded") > 20.0, "she deploys again with the same key");
        metric(&outcome, "deployments.completed")
    });
    // The three that ran when it happened are shut down later, by who still knows of them.
    assert!(kept >= lost + 3.0, "{kept} and {lost}");
    assert_same(&crash("lost"), &[]);
}

#[test]
fn a_machine_without_its_disk_fetches_everything_again() {
    let crash = |state: &str| format!("{{crash: {{at: 30m, group: providers, repair: 1m, state: {state}}}}}");
    // So many of one image on few machines that each has it by then.
    let set = [
        "peers[0].providers.count=3",
        "workload=[{deploy: {by: alice, ensemble: ensembles/hello.yaml, arrivals: {every: 1m}, count: 58}}]",
    ];
    let [kept, lost] = ["kept", "lost"].map(|state| run(&crash(state), &set));
    let missed = |outcome| metric(outcome, "images.missed");
    assert_eq!((missed(&kept), missed(&lost)), (3.0, 6.0));
    assert_eq!(metric(&lost, "resources.leaked"), 0.0);
    assert_same(&crash("lost"), &set);
}

/// A task of ten minutes, a service with users and one that writes, all asked for after a minute, with these faults.
fn machines(faults: &str) -> Outcome {
    let faults = format!("faults=[{faults}]");
    let [outcome, _] = assert_same_of("machines.yaml", &[&faults], 12);
    outcome
}

/// When the task was over, in seconds from the start.
fn end_of_job(outcome: &Outcome) -> f64 {
    let job = outcome.deployments.iter().find(|row| &*row.ensemble == "job").expect("it is asked for");
    assert_eq!(&*job.status, "completed", "{job:?}");
    job.ended_s.expect("it has ended")
}

/// A metric with a label.
fn labelled(outcome: &Outcome, name: &str, label: &str) -> f64 {
    let found = outcome.metrics.iter().find(|row| &*row.metric == name && row.labels.contains(label));
    found.map_or(0.0, |row| row.value)
}

#[test]
fn without_faults_all_goes_well() {
    let calm = machines("");
    assert!((660.0..670.0).contains(&end_of_job(&calm)), "{}", end_of_job(&calm));
    for (name, value) in [
        ("services.availability", 1.0),
        ("requests.success_fraction", 1.0),
        ("restarts", 0.0),
        ("executors.crashed", 0.0),
        ("images.not_fetched", 0.0),
        ("tasks.wrong_results", 0.0),
        ("faults.applied", 0.0),
    ] {
        assert_eq!(metric(&calm, name), value, "{name}");
    }
}

#[test]
fn what_an_executor_runs_ends_with_it_and_starts_again() {
    let crashed = machines("{executor_crash: {at: 5m, group: providers}}");
    assert_eq!(labelled(&crashed, "faults.applied", "executor_crash"), 1.0);
    assert_eq!(metric(&crashed, "executors.crashed"), 3.0);
    assert_eq!(metric(&crashed, "peers.lost"), 0.0, "the nodes live");
    // Docker starts the one, DMS the other.
    assert_eq!(labelled(&crashed, "executors.restarts", "always"), 1.0);
    assert_eq!(metric(&crashed, "restarts"), 1.0);
    let availability = metric(&crashed, "services.availability");
    assert!(availability < 1.0 && availability > 0.95, "{availability}");
    // A task that is killed has failed: 128 + 9.
    let killed = crashed.refusals.iter().any(|row| row.reason.contains("exit code 137"));
    assert!(killed, "{:?}", crashed.refusals);
}

#[test]
fn images_that_cannot_be_fetched_come_when_they_can() {
    let fault = |begin: &str| format!("{{pull_failure: {{at: {begin}, for: 30m, group: providers}}}}");
    let failed = machines(&fault("0s"));
    assert!(metric(&failed, "images.not_fetched") >= 3.0);
    assert_eq!(metric(&failed, "deployments.succeeded"), 0.0);
    assert_eq!(metric(&failed, "image_bytes"), 0.0);
    // 500 MB take longer than a minute, 10 MB do not: what is under way fails as well.
    let interrupted = machines(&fault("80s"));
    assert_eq!(metric(&interrupted, "deployments.succeeded"), 2.0);
    assert!(metric(&interrupted, "images.not_fetched") >= 1.0);
    // Once it is over they are fetched as ever.
    let over = machines("{pull_failure: {at: 0s, for: 75s, group: providers}}");
    assert_eq!(metric(&over, "deployments.succeeded"), 3.0);
    assert!(metric(&over, "images.not_fetched") >= 1.0);
}

#[test]
fn slow_machines_take_longer_and_go_on_as_ever_afterwards() {
    let usual = end_of_job(&machines(""));
    // Half of the work of four minutes is done in them.
    let slow = machines("{slow: {at: 2m, for: 4m, factor: 2, group: providers}}");
    assert!((end_of_job(&slow) - usual - 120.0).abs() < 1.0, "{} and {usual}", end_of_job(&slow));
    assert_eq!(metric(&slow, "restarts"), 0.0, "a health check takes a second");
    // 10 ms of service at rest, 5 s when it is five hundred times as slow, and nearly nobody finds room.
    let answered = |outcome| metric(outcome, "requests.success_fraction");
    let overloaded = machines("{slow: {at: 10m, for: 30m, factor: 500, group: providers}}");
    assert!(answered(&slow) == 1.0 && answered(&overloaded) < 0.9, "{}", answered(&overloaded));
    // One that takes fifty is given up, again and again.
    let slower = machines("{slow: {at: 2m, for: 10m, factor: 100, group: providers}}");
    assert!(metric(&slower, "restarts") + metric(&slower, "redeployments") >= 1.0);
}

#[test]
fn a_frozen_machine_goes_on_where_it_was() {
    let usual = end_of_job(&machines(""));
    let short = machines("{stall: {at: 2m, for: 40s, group: providers}}");
    assert!((end_of_job(&short) - usual - 40.0).abs() < 1.0, "{} and {usual}", end_of_job(&short));
    assert_eq!(metric(&short, "messages.lost"), 0.0);
    assert_eq!(metric(&short, "redeployments"), 0.0, "nobody has noticed");
    let failed = labelled(&short, "requests.failed", "timed out");
    assert!((10.0..=50.0).contains(&failed), "those of a time shorter than the patience of users: {failed}");
    // Heartbeats that do not come are noticed; with nowhere to go, what was lost goes on afterwards.
    let long = machines("{stall: {at: 2m, for: {uniform: {from: 9m, to: 11m}}, group: providers, count: 3}}");
    assert!(metric(&long, "redeployments") + metric(&long, "restarts") >= 1.0);
    assert_eq!(metric(&long, "resources.leaked"), 0.0);
    // The orchestrator as well.
    let orchestrator = machines("{stall: {at: 2m, for: 10m, peer: alice}}");
    assert_eq!(metric(&orchestrator, "peers.lost"), 0.0);
    assert!(end_of_job(&orchestrator) >= usual, "she hears of it afterwards");
}

#[test]
fn a_frozen_machine_may_be_switched_off() {
    let faults = "{stall: {at: 2m, for: 30m, group: providers}}, \
                  {crash: {at: 5m, group: providers, repair: 1m}}, {restart: {at: 3m, peer: alice, down: 10s}}";
    let crashed = machines(faults);
    assert_eq!(metric(&crashed, "peers.lost"), 5.0);
    assert!(
        metric(&crashed, "services.availability") > 0.8,
        "it is back after six minutes, not after thirty"
    );
}

#[test]
fn slow_disks_write_less() {
    let usual = metric(&machines(""), "storage.written");
    let slow = machines("{slow_disk: {at: 10m, for: 40m, factor: 100, group: providers}}");
    // 100 MB take half a second, or 50; then ten seconds of rest.
    let written = metric(&slow, "storage.written");
    assert!(written < 0.5 * usual && written > 0.2 * usual, "{written} of {usual}");
}

#[test]
fn a_full_disk_takes_nothing() {
    let full = machines("{disk_full: {at: 10m, for: 10m, group: providers}}");
    assert!(metric(&full, "storage.not_written") >= 1.0);
    let usual = metric(&machines(""), "storage.written");
    let written = metric(&full, "storage.written");
    assert!(written < 0.9 * usual && written > 0.7 * usual, "{written} of {usual}: it goes on afterwards");
    let early = machines("{disk_full: {at: 0s, for: 20m, group: providers}}");
    assert_eq!(metric(&early, "image_bytes"), 0.0);
    assert!(early.refusals.iter().any(|row| row.reason.contains("no space left on device")));
}

#[test]
fn users_notice_who_lies_and_nobody_else() {
    let usual = end_of_job(&machines(""));
    let lies = machines("{lies: {at: 5m, for: 10m, group: providers}}");
    assert_eq!(metric(&lies, "services.availability"), 1.0, "it says that it is well");
    assert_eq!(metric(&lies, "restarts"), 0.0);
    let success = metric(&lies, "requests.success_fraction");
    assert!(success < 0.9 && success > 0.7, "ten minutes of an hour: {success}");
    assert!((end_of_job(&lies) - usual - 600.0).abs() < 1.0, "a task makes no progress");
}

#[test]
fn wrong_results_are_taken_for_right() {
    let always = machines("{byzantine: {at: 5m, for: 20m, fraction_wrong: 100%, group: providers}}");
    assert_eq!(metric(&always, "tasks.wrong_results"), 1.0);
    assert!((660.0..670.0).contains(&end_of_job(&always)), "it runs, and lies about what came of it");
    assert_eq!(metric(&always, "requests.success_fraction"), 1.0);
    let before = machines("{byzantine: {at: 2m, for: 5m, fraction_wrong: 100%, group: providers}}");
    assert_eq!(metric(&before, "tasks.wrong_results"), 0.0, "by its end all are honest again");
    let never = machines("{byzantine: {at: 5m, for: 20m, fraction_wrong: 0, group: providers}}");
    assert_eq!(metric(&never, "tasks.wrong_results"), 0.0);
}

#[test]
fn who_is_idle_says_that_all_goes_well() {
    let idle = machines("{byzantine: {at: 0s, for: 30m, idle: true, group: providers}}");
    assert_eq!(metric(&idle, "tasks.wrong_results"), 1.0);
    assert!(end_of_job(&idle) < 80.0, "it never ran");
    assert_eq!(metric(&idle, "services.availability"), 1.0);
    let success = metric(&idle, "requests.success_fraction");
    assert!(success < 0.6 && success > 0.4, "nobody serves in the first half: {success}");
    // What is under way when it begins ends at once.
    let later = machines("{byzantine: {at: 5m, for: 30m, idle: true, group: providers}}");
    assert_eq!(metric(&later, "tasks.wrong_results"), 1.0);
    assert!((300.0..310.0).contains(&end_of_job(&later)), "{}", end_of_job(&later));
}
