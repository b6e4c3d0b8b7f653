//! What peers at rest answer is told beforehand, and changes nothing: with every receiver of every broadcast an event
//! of its own the run is the same, to the last row.

use std::path::Path;

use dmsim::observe::{self, MetricRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{Outcome, Setup, World};

fn load(scenario: &str, set: &[&str], seed: u64) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios").join(scenario);
    let metrics = observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: Some(seed) }, &metrics);
    loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup
}

/// The run as it is made, and event by event.
fn both(setup: &Setup) -> [Outcome; 2] {
    let world = || World::new(setup).expect("the setup can be built");
    [world(), world().step_by_step()]
        .map(|world| world.run(&mut |_, _| true).expect("resources are conserved"))
}

/// Both tables in words, so that no number is unlike itself.
fn assert_equal<T: std::fmt::Debug>(foreseen: &[T], stepped: &[T], what: &str) {
    let words = |rows: &[T]| rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
    let (foreseen, stepped) = (words(foreseen), words(stepped));
    for (one, other) in foreseen.iter().zip(&stepped) {
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(foreseen.len(), stepped.len(), "{what}");
}

/// All metrics but the number of events, which is what the two differ in.
fn metrics(outcome: &Outcome) -> Vec<&MetricRow> {
    outcome.metrics.iter().filter(|row| &*row.metric != "events").collect()
}

fn assert_same(set: &[&str], seed: u64) -> [Outcome; 2] {
    assert_same_of("at-rest.yaml", set, seed)
}

/// The same run of a scenario in both ways.
pub(crate) fn assert_same_of(scenario: &str, set: &[&str], seed: u64) -> [Outcome; 2] {
    let [foreseen, stepped] = both(&load(scenario, set, seed));
    let what = format!("{scenario}, seed {seed}, {set:?}");
    assert_equal(&metrics(&foreseen), &metrics(&stepped), &what);
    assert_equal(&foreseen.deployments, &stepped.deployments, &what);
    assert_equal(&foreseen.allocations, &stepped.allocations, &what);
    assert_equal(&foreseen.series, &stepped.series, &what);
    assert_equal(&foreseen.peers, &stepped.peers, &what);
    assert_equal(&foreseen.refusals, &stepped.refusals, &what);
    assert_eq!(foreseen.digest, stepped.digest, "{what}");
    [foreseen, stepped]
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).expect("it is a metric")
}

/// More than a tenth of the events is left out.
#[track_caller]
fn assert_fewer_events(foreseen: &Outcome, stepped: &Outcome) {
    assert!(foreseen.events * 10 < stepped.events * 9, "{} of {} events", foreseen.events, stepped.events);
}

#[test]
fn what_is_foreseen_is_what_happens() {
    for seed in 1..=3 {
        let [foreseen, stepped] = assert_same(&[], seed);
        assert!(metric(&foreseen, "deployments.succeeded") > 100.0, "hardly anything ran");
        assert_fewer_events(&foreseen, &stepped);
    }
}

#[test]
fn without_suppression_and_with_weaknesses_too() {
    assert_same(&["strategy.bid_suppression=false", "duration=9m"], 4);
    assert_same(&["profile=as-is", "duration=9m"], 5);
    // The end comes while a request is on its way.
    assert_same(&["duration=9m40s"], 6);
    assert_same(&["duration=9m40.15s"], 7);
}

#[test]
fn what_is_revoked_meanwhile_counts_and_whoever_was_away_hears_of_it() {
    for seed in 1..=3 {
        let [foreseen, stepped] = assert_same_of("revoked.yaml", &[], seed);
        assert_eq!(metric(&foreseen, "revocations.issued"), 7.0);
        assert_eq!(metric(&foreseen, "revocations.missing"), 0.0, "whoever was away has heard of them");
        assert!(metric(&foreseen, "deployments.succeeded") > 50.0, "hardly anything ran");
        assert_fewer_events(&foreseen, &stepped);
    }
    // Whoever has missed the broadcast never hears of it.
    let [foreseen, _] = assert_same_of("revoked.yaml", &["profile=as-is"], 4);
    assert!(metric(&foreseen, "revocations.missing") > 0.0);
}

#[test]
fn what_comes_too_late_is_rejected_as_ever() {
    for seed in 1..=2 {
        let [foreseen, stepped] = assert_same_of("drowning.yaml", &[], seed);
        assert!(metric(&foreseen, "deployments.succeeded") > 10.0, "hardly anything ran");
        assert_fewer_events(&foreseen, &stepped);
    }
    assert_same_of("drowning.yaml", &["profile=as-is"], 3);
}
