//! Upgrades of a fleet in mid-run: what the old version could not do the new one does, and what ran goes on.

use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

const NO_FAULTS: &str = "faults=[]";
/// Redundancy never deploys as DMS is (W19): every half hour somebody tries.
const WORKLOAD: &str = "workload=[{deploy: {by: alice, ensemble: ../ensembles/redundant.yaml, \
                        arrivals: {every: 30m}, count: 8}}]";

/// W19's scenario over four hours with other faults.
fn run(set: &[&str]) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/weaknesses");
    let file = folder.join("W19-unbidden-standbys.yaml");
    let metrics = dmsim::observe::metric_names();
    let four_hours = ["duration=4h", "expect=[]", "profile=as-is", WORKLOAD];
    let set = four_hours.iter().chain(set).map(|one| (*one).to_owned()).collect();
    match scenario::load(&file, &Overrides { set, seed: None }, &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// Which of the deployments ever ran.
fn ran(outcome: &Outcome) -> Vec<bool> {
    outcome.deployments.iter().map(|row| row.running_s.is_some()).collect()
}

#[test]
fn after_an_upgrade_runs_what_did_not_before() {
    assert!(!ran(&run(&[NO_FAULTS])).contains(&true));
    let upgrade = "faults=[{upgrade: {at: 100m, within: 10m, down: 30s, to: intended}}]";
    let outcome = run(&[upgrade]);
    assert_eq!(outcome.metric("peers.upgraded"), Some(7.0));
    // Asked for at 0, 30, ... 210 minutes.
    assert_eq!(ran(&outcome), [false, false, false, false, true, true, true, true]);
    assert_eq!(outcome.metric("resources.leaked"), Some(0.0));
    assert_eq!(outcome.digest, run(&[upgrade]).digest, "one seed, one run");
}

#[test]
fn what_runs_survives_a_downgrade_of_everybody() {
    // All of the real weaknesses would end what ran: restarts have their own.
    let downgrade = "faults=[{upgrade: {at: 80m, within: 10m, down: 30s, to: {base: intended, add: [W19]}}}]";
    let outcome = run(&["profile=intended", downgrade]);
    assert_eq!(ran(&outcome), [true, true, true, false, false, false, false, false]);
    let started: Vec<_> = outcome.allocations.iter().filter(|row| row.started_s.is_some()).collect();
    assert!(started.len() == 3 && started.iter().all(|row| row.ended_s.is_none()), "{started:#?}");
}

#[test]
fn who_is_down_in_the_meantime_comes_back_with_the_new_version() {
    // All are off during the upgrade: nobody is stopped by it, and everybody has it.
    let off =
        "faults=[{crash: {at: 10m, repair: 20m}}, {upgrade: {at: 20m, within: 5m, down: 2h, to: intended}}]";
    let outcome = run(&[off]);
    assert_eq!(outcome.metric("peers.upgraded"), Some(7.0));
    assert_eq!(outcome.metric("peers.lost"), Some(7.0));
    assert!(ran(&outcome)[2..].iter().all(|ran| *ran));
}
