//! Whole runs among hosts that are hidden from each other: deployments find their way or fail for a reason.

use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// The calm scenario among hidden hosts.
const HIDDEN: &str = "network.nat={preset: measured}";
/// Fifty providers, four relays, and an orchestrator that nobody can dial.
const PEERS: &str = "peers=[{providers: {count: 50, hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}}}, \
                     {relays: {count: 4}}, {orchestrators: {names: [alice], nat: symmetric}}]";
/// The same with bootstraps.
const KNOWN: &str = "peers=[{providers: {count: 50, hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}}}, \
                     {relays: {count: 4}}, {bootstraps: {count: 2}}, {orchestrators: {names: [alice]}}]";

fn run(set: &[&str]) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml");
    let metrics = dmsim::observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    match scenario::load(&path, &Overrides { set, seed: None }, &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn labelled(outcome: &Outcome, name: &str, label: &str) -> f64 {
    let row = outcome.metrics.iter().find(|row| &*row.metric == name && &*row.labels == label);
    row.map_or(0.0, |row| row.value)
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn an_orchestrator_that_nobody_can_dial_deploys_through_relays() {
    let outcome = run(&[HIDDEN, PEERS]);
    assert!(metric(&outcome, "deployments.succeeded_fraction") >= 1.0);
    assert!(metric(&outcome, "relays.messages") > 0.0 && metric(&outcome, "relays.bytes") > 0.0);
    assert!(metric(&outcome, "pairs.reached_fraction") >= 1.0);
    assert!(labelled(&outcome, "connections.dialled", "way=relayed") > 0.0);
    let rows: u64 =
        outcome.connections.iter().map(|row| row.direct + row.reversed + row.punched + row.relayed).sum();
    assert_eq!(rows as f64, metric(&outcome, "connections.dialled"));
    // One seed, one run.
    assert_eq!(outcome.digest, run(&[HIDDEN, PEERS]).digest);
}

#[test]
fn when_all_relays_are_dead_the_hidden_reach_nobody_new() {
    let dead = "faults=[{crash: {at: 1s, group: relays, repair: never}}]";
    let outcome = run(&[HIDDEN, PEERS, dead]);
    assert_eq!(metric(&outcome, "relays.deaths"), 4.0);
    assert_eq!(metric(&outcome, "relays.replacements"), 0.0);
    assert!(labelled(&outcome, "messages.lost", "reason=unreachable") > 0.0);
    assert!(labelled(&outcome, "connections.failed", "reason=unreachable") > 0.0);
    let reached = metric(&outcome, "pairs.reached_fraction");
    assert!((0.3..0.9).contains(&reached), "{reached}");
}

#[test]
fn peers_that_boot_at_the_start_find_each_other_through_bootstraps_alone() {
    let fresh = "network.nat={preset: measured, start: fresh}";
    // Nothing is asked before they have found each other.
    let late = [
        "workload[0].deploy.arrivals={every: 2m, start: 5m}",
        "workload[1].deploy.arrivals={every: 5m, start: 5m}",
    ];
    let outcome = run(&[fresh, KNOWN, late[0], late[1]]);
    assert!(metric(&outcome, "deployments.succeeded_fraction") >= 1.0);
    let dead = "faults=[{crash: {at: 0s, group: bootstraps, repair: never}}]";
    let outcome = run(&[fresh, KNOWN, late[0], late[1], dead]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 0.0);
    assert_eq!(metric(&outcome, "pairs.reached_fraction"), 0.0);
    assert_eq!(metric(&outcome, "bids.received"), 0.0);
}

#[test]
fn where_all_can_be_dialled_all_is_direct() {
    let outcome = run(&["network.nat={shares: {public: 100%}}"]);
    let dialled = metric(&outcome, "connections.dialled");
    assert!(dialled > 0.0);
    assert_eq!(labelled(&outcome, "connections.dialled", "way=direct"), dialled);
    assert_eq!(metric(&outcome, "connections.failed"), 0.0);
    assert_eq!(metric(&outcome, "peers.undialable_fraction"), 0.0);
    assert!(metric(&outcome, "deployments.succeeded_fraction") >= 1.0);
}
