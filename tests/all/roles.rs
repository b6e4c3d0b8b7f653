//! The loss of those on whom others depend: orchestrators, relays and bootstraps.

use dmsim::observe::AllocationRow;
use dmsim::sim::Outcome;

use crate::failures::{metric, run};

fn labelled(outcome: &Outcome, name: &str, label: &str) -> f64 {
    let row = outcome.metrics.iter().find(|row| &*row.metric == name && &*row.labels == label);
    row.map_or(0.0, |row| row.value)
}

/// Two orchestrators with three services each on twenty machines.
const TWO: [&str; 3] = [
    "peers=[{providers: {count: 20, hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}}}, \
     {orchestrators: {names: [alice, bob]}}]",
    "workload=[{deploy: {by: alice, ensemble: ensembles/web.yaml, name: hers, arrivals: {every: 1m}, count: 3}}, \
     {deploy: {by: bob, ensemble: ensembles/web.yaml, name: his, arrivals: {every: 1m}, count: 3}}]",
    "duration=90m",
];

/// The allocations of a deployment's name, from first to last.
fn allocations<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a AllocationRow> {
    let own: Vec<u32> =
        outcome.deployments.iter().filter(|row| &*row.ensemble == name).map(|row| row.deployment).collect();
    outcome.allocations.iter().filter(|row| own.contains(&row.deployment)).collect()
}

/// What runs goes on without its orchestrator, and what fails meanwhile is seen to when it is back; those of others are
/// seen to at once.
#[test]
fn deployments_go_unsupervised_until_their_orchestrator_is_back() {
    let machines = "{crash: {at: 30m, group: providers, fraction: 70%, repair: never}}";
    let outcome = run(&format!("{{crash: {{at: 20m, peer: alice, repair: 40m}}}}, {machines}"), &TWO);
    for (name, from_s, to_s) in [("hers", 3600.0, 3900.0), ("his", 1800.0, 2100.0)] {
        let all = allocations(&outcome, name);
        let lost = all.iter().filter(|row| row.ended_s.is_some_and(|at| (at - 1800.0).abs() < 1e-6)).count();
        let later: Vec<f64> = all.iter().filter_map(|row| row.started_s).filter(|at| *at > 1200.0).collect();
        assert!(lost > 0 && later.len() == lost, "{lost} of {name} are started once more: {all:?}");
        assert!(later.iter().all(|at| (from_s..to_s).contains(at)), "{name}: {later:?}");
    }
    assert_eq!(metric(&outcome, "resources.leaked"), 0.0);
    // Where nothing fails, nobody notices that alice was away.
    let quiet = run("{crash: {at: 20m, peer: alice, repair: 40m}}", &TWO);
    assert!(metric(&quiet, "services.availability") > 0.999, "{}", metric(&quiet, "services.availability"));
    assert_eq!(metric(&quiet, "redeployments"), 0.0);
    // While she is away nobody asks on her behalf.
    let away = run("{crash: {at: 30s, group: orchestrators, repair: never}}", &TWO);
    let refused =
        away.deployments.iter().filter(|row| row.reason.contains("the orchestrator is down")).count();
    assert_eq!(refused, 4, "but the first of each");
}

/// Half of the machines hidden, four relays, bootstraps, and an orchestrator that nobody can dial.
const HIDDEN: [&str; 2] = [
    "network.nat={preset: measured}",
    "peers=[{providers: {count: 50, hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}}}, {relays: {count: 4}}, \
     {bootstraps: {count: 2}}, {orchestrators: {names: [alice], nat: symmetric}}]",
];

#[test]
fn the_hidden_lose_a_relay_and_find_another() {
    let half = run("{crash: {at: 20m, group: relays, count: 2, repair: never}}", &HIDDEN);
    assert_eq!(metric(&half, "relays.deaths"), 2.0);
    assert!(metric(&half, "relays.replacements") > 5.0, "{}", metric(&half, "relays.replacements"));
    assert!(metric(&half, "pairs.reached_fraction") > 0.999);
    // What is asked for after the loss runs as before.
    let late = half.deployments.iter().filter(|row| row.submitted_s > 1260.0);
    assert!(late.clone().count() > 8 && late.clone().all(|row| &*row.outcome == "succeeded"));
    // Without any there is nothing to find, until they are back.
    let [gone, back] = ["never", "10m"]
        .map(|repair| run(&format!("{{crash: {{at: 20m, group: relays, repair: {repair}}}}}"), &HIDDEN));
    assert!(metric(&gone, "pairs.reached_fraction") < 0.9, "{}", metric(&gone, "pairs.reached_fraction"));
    assert!(labelled(&gone, "messages.lost", "reason=unreachable") > 0.0);
    assert!(metric(&back, "pairs.reached_fraction") > 0.999, "{}", metric(&back, "pairs.reached_fraction"));
}

/// Those who know each other need no bootstrap any more; those who come find nobody without one.
#[test]
fn nobody_joins_without_bootstraps() {
    let of = |repair: &str| {
        let peers = HIDDEN[1].replace("count: 50,", "count: 50, joins: {burst: {at: 20m, count: 25}},");
        let fault = format!("{{crash: {{at: 10m, group: bootstraps, repair: {repair}}}}}");
        run(&fault, &[HIDDEN[0], &peers])
    };
    let [without, with] = [of("never"), of("20m")];
    for outcome in [&without, &with] {
        assert_eq!(metric(outcome, "peers.joined"), 25.0);
        assert!(metric(outcome, "deployments.succeeded_fraction") >= 1.0, "the old ones go on");
    }
    // Of 25 + 4 + 1 old ones each reaches the others, and nobody a new one.
    let (old, all) = (30.0, 55.0);
    let reached = metric(&without, "pairs.reached_fraction");
    assert!((reached - old * (old - 1.0) / (all * (all - 1.0))).abs() < 0.02, "{reached}");
    assert!(metric(&with, "pairs.reached_fraction") > 0.999, "{}", metric(&with, "pairs.reached_fraction"));
}
