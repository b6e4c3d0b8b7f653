//! Peers that join a running network, and those that leave it for good.

use dmsim::sim::Outcome;

use crate::failures::{metric, run};
use crate::foresight::assert_same_of;

fn growing(joins: &str, count: u32, set: &[&str]) -> Outcome {
    let peers = format!(
        "peers=[{{providers: {{count: {count}, hardware: {{cpu: 8, ram: 16 GiB, disk: 200 GB}}, joins: {joins}}}}}, \
         {{orchestrators: {{names: [alice]}}}}]"
    );
    run("", &[&[&*peers, "network.hellos=false"], set].concat())
}

/// How many were up at a minute of the run, alice among them.
fn up_at(outcome: &Outcome, minute: u64) -> f64 {
    let at = |time_s: f64| (time_s - minute as f64 * 60.0).abs() < 1e-6;
    let row = outcome.series.iter().find(|row| &*row.metric == "peers.up" && at(row.time_s));
    row.expect("there is a row each minute").value
}

#[test]
fn a_group_grows_evenly() {
    let outcome = growing("{over: 100m}", 200, &["workload=[]", "duration=2h"]);
    for (minute, up) in [(0, 1.0), (10, 21.0), (50, 101.0), (99, 199.0), (110, 201.0)] {
        assert!(
            (up_at(&outcome, minute) - up).abs() <= 2.0,
            "{} are up at {minute}",
            up_at(&outcome, minute)
        );
    }
    assert_eq!(metric(&outcome, "peers.joined"), 200.0);
    // Nobody was ever missing: those that have not joined are not expected.
    assert!((metric(&outcome, "peers.up_fraction") - 1.0).abs() < 1e-9);
    assert_eq!(metric(&outcome, "peers.lost"), 0.0);
}

#[test]
fn a_crowd_comes_at_once() {
    let joins = "{burst: {at: 30m, count: 500, within: 5m}}";
    let outcome = growing(joins, 600, &["workload=[]", "duration=1h"]);
    for (minute, up) in [(0, 101.0), (29, 101.0), (32, 301.0), (36, 601.0), (59, 601.0)] {
        assert!((up_at(&outcome, minute) - up).abs() <= 101.0 * f64::from(u8::from(minute == 32)));
    }
}

/// Little's law: as many are there as join in the time that each stays.
#[test]
fn as_many_are_there_as_join_while_one_stays() {
    let joins = "{poisson: {mean: 10s}, stays: {exponential: {mean: 10m}}}";
    let outcome = growing(joins, 4000, &["workload=[]", "duration=10h"]);
    let (mut sum, mut minutes) = (0.0, 0.0);
    for minute in 60..600 {
        (sum, minutes) = (sum + up_at(&outcome, minute) - 1.0, minutes + 1.0);
    }
    // 60, with a standard deviation of sqrt(2 * 60 * 10 / 540) of the mean over nine hours.
    assert!((sum / minutes - 60.0).abs() < 6.0, "{} are there", sum / minutes);
    let (joined, left) = (metric(&outcome, "peers.joined"), metric(&outcome, "peers.left"));
    assert!((joined - 3600.0).abs() < 240.0 && left > joined - 120.0 && left < joined, "{joined} {left}");
    assert!((metric(&outcome, "peers.up_fraction") - 1.0).abs() < 1e-9, "whoever is there is up");
}

/// A connection is greeted from both sides when the second of the two is there, whenever that is.
#[test]
fn who_joins_is_greeted_and_says_hello() {
    let hellos = ["workload=[]", "network.hellos=true", "duration=3h"];
    let [at_once, in_time] =
        ["{burst: {at: 0s, count: 1}}", "{over: 2h}"].map(|joins| growing(joins, 60, &hellos));
    let sent = |outcome: &Outcome| metric(outcome, "messages.sent");
    assert!(sent(&at_once) > 500.0);
    assert_eq!(sent(&at_once), sent(&in_time));
}

#[test]
fn who_has_joined_bids_and_runs() {
    let workload =
        "workload=[{deploy: {by: alice, ensemble: ensembles/hello.yaml, arrivals: {every: 2m}, count: 50}}]";
    let late = growing("{burst: {at: 50m, count: 30}}", 30, &[workload, "duration=2h"]);
    for row in &late.deployments {
        let expected = if row.submitted_s < 45.0 * 60.0 { "failed" } else { "succeeded" };
        // One that is asked for in the last five minutes before the crowd may wait for it.
        assert!(
            (45.0 * 60.0..=50.0 * 60.0).contains(&row.submitted_s) || &*row.outcome == expected,
            "{row:?}"
        );
    }
    assert!(metric(&late, "deployments.succeeded") > 20.0);
    // Before they are there, nobody hears of them.
    let nobody = growing("{burst: {at: 3h, count: 30}}", 30, &[workload, "duration=2h"]);
    assert_eq!(metric(&nobody, "bids.received"), 0.0);
    assert_eq!(metric(&nobody, "peers.joined"), 0.0);
}

#[test]
fn faults_and_churn_begin_when_a_peer_is_there() {
    let peers = "peers=[{providers: {count: 100, joins: {burst: {at: 1h, count: 60}}, \
                 churn: {up: 30m, down: 10m, start: fresh}}}, {orchestrators: {names: [alice]}}]";
    let faults = "{crash: {at: 10m, group: providers, repair: 5m}}, \
                  {upgrade: {at: 15.5m, within: 1m, down: 1s, to: as-is}}, \
                  {outage: {at: 20m, by: continent, units: 6, repair: 1m}}";
    let outcome = run(faults, &[peers, "workload=[]", "duration=95m"]);
    let crashes: Vec<u32> = outcome.peers.iter().map(|peer| peer.crashes).collect();
    let of = |count: u32| crashes.iter().filter(|one| **one == count).count();
    // Those from the start crash, are upgraded, are out, and go twice (after 30 and 70 minutes); alice is upgraded and
    // out; the others are there for 35 minutes, in which their first session ends.
    assert_eq!((of(5), of(2), of(1)), (40, 1, 60), "{crashes:?}");
    let late = outcome.peers.iter().filter(|peer| peer.crashes == 1);
    for peer in late {
        assert!((peer.up_fraction - 30.0 / 35.0).abs() < 1e-9, "{peer:?}");
    }
}

#[test]
fn what_is_left_out_knows_of_those_who_join() {
    for (joins, seed) in [
        ("{over: 15m}", 1),
        ("{poisson: {mean: 2s}, stays: {exponential: {mean: 4m}}}", 2),
        ("{burst: {at: 6m, count: 300, within: 20s}, stays: 10m}", 3),
    ] {
        let set = format!("peers[0].providers.joins={joins}");
        let [foreseen, stepped] = assert_same_of("at-rest.yaml", &[&set], seed);
        assert!(foreseen.events < stepped.events && metric(&foreseen, "peers.joined") > 200.0);
    }
    let set = "peers[0].providers.joins={over: 2h, stays: {exponential: {mean: 1h}}}";
    assert_same_of("routine.yaml", &[set], 4);
}
