//! When faults happen: at a time, at random, and when something has come about.

mod machine;

use std::path::Path;

use dmsim::observe;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{Outcome, Setup, World};

fn load(faults: &str, set: &[&str]) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml");
    let metrics = observe::metric_names();
    let faults = ["expect=[]".to_owned(), format!("faults=[{faults}]")];
    let set = set.iter().map(|one| (*one).to_owned()).chain(faults).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &metrics);
    loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup
}

pub(crate) fn run(faults: &str, set: &[&str]) -> Outcome {
    let setup = load(faults, set);
    let world = World::new(&setup).expect("the setup can be built");
    world.run(&mut |_, _| true).expect("resources are conserved")
}

pub(crate) fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).expect("it is a metric")
}

#[test]
fn a_fault_waits_for_a_deployment_to_come_into_a_state() {
    let everybody = "group: providers, repair: never";
    let none = run("", &[]);
    assert_eq!(metric(&none, "peers.lost"), 0.0);
    let struck = run(&format!("{{crash: {{at: {{deployment: web, is: Running}}, {everybody}}}}}"), &[]);
    assert_eq!(metric(&struck, "peers.lost"), 50.0, "once, and all of them");
    // It was the first service that came to run, a minute and a little after the start.
    let first = struck.deployments.iter().find(|row| &*row.ensemble == "web").expect("one is asked for");
    assert!(first.running_s.is_some_and(|at| at < 70.0), "{first:?}");
    assert!(metric(&struck, "deployments.succeeded") < 5.0, "nothing is left to run on");
    // What it waits for never comes.
    let never = run(&format!("{{crash: {{at: {{deployment: web, is: Failed}}, {everybody}}}}}"), &[]);
    assert_eq!(never.digest, none.digest);
    // Some time after, or the run is over.
    let late = format!("{{crash: {{at: {{deployment: web, is: Running, after: 59m}}, {everybody}}}}}");
    assert_eq!(run(&late, &[]).digest, none.digest);
}

#[test]
fn faults_come_at_random_and_strike_others_each_time() {
    let one = "group: providers, count: 1, repair: 10s";
    let often = format!("{{crash: {{at: {{poisson: {{mean: 1m}}}}, {one}}}}}");
    let all = run(&often, &["duration=10h"]);
    let lost = metric(&all, "peers.lost");
    // 600 are expected, with a standard deviation of 24.5; hardly any meets one that is down already.
    assert!((500.0..700.0).contains(&lost), "{lost}");
    let struck = all.peers.iter().filter(|peer| peer.crashes > 0).count();
    assert!(struck > 40, "{struck} of 50 were struck by 600 faults");
    let part = format!("{{crash: {{at: {{poisson: {{mean: 1m, from: 5h, until: 6h}}}}, {one}}}}}");
    let lost = metric(&run(&part, &["duration=10h"]), "peers.lost");
    assert!((29.0..91.0).contains(&lost), "{lost} in an hour, 60 are expected");
    // The end of each is that of its own turn.
    let losses = "{loss: {at: {poisson: {mean: 5m}}, for: 20m, fraction: 10%}}";
    let [once, again] = [run(losses, &[]), run(losses, &[])];
    assert_eq!(once.digest, again.digest);
    assert!(metric(&once, "messages.lost") > 10.0);
}

#[test]
fn a_peer_can_be_cut_off_from_all_the_rest() {
    let cut = run("{partition: {at: 10m, for: 10m, between: [{peer: alice}, rest]}}", &[]);
    let lost =
        cut.metrics.iter().find(|row| &*row.metric == "messages.lost" && row.labels.contains("partition"));
    assert!(lost.is_some_and(|row| row.value > 250.0), "five requests find none of fifty: {lost:?}");
    let whole = run("", &[]);
    let succeeded = |outcome: &Outcome| metric(outcome, "deployments.succeeded");
    assert!(succeeded(&cut) < succeeded(&whole), "{} of {}", succeeded(&cut), succeeded(&whole));
}

#[test]
fn a_link_may_fail_one_way_only() {
    let of = |direction: &str| {
        let fault =
            format!("{{loss: {{at: 0s, for: 1h, peer: alice, direction: {direction}, fraction: 100%}}}}");
        run(&fault, &[])
    };
    let [out, inward, both] = ["out", "in", "both"].map(of);
    for outcome in [&out, &inward, &both] {
        assert_eq!(metric(outcome, "deployments.succeeded"), 0.0, "a launch takes questions and answers");
    }
    // What alice sends nobody hears; what is sent to her is sent all the same.
    assert_eq!(metric(&out, "bids.received"), 0.0);
    assert!(
        metric(&inward, "messages.sent") > 1.5 * metric(&out, "messages.sent"),
        "they bid, and are not heard"
    );
    assert_eq!(metric(&inward, "bids.received"), 0.0);
}
