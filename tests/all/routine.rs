//! Rounds of supervision of which nothing comes are left out, and that changes nothing: with all their events the run
//! is the same, to the last row.

use crate::foresight::assert_same_of;

fn assert_same(set: &[&str], seed: u64) -> [dmsim::sim::Outcome; 2] {
    assert_same_of("routine.yaml", set, seed)
}

#[test]
fn what_is_left_out_is_what_would_have_been() {
    for seed in 1..=3 {
        let [left_out, stepped] = assert_same(&[], seed);
        let metric = |name| left_out.metric(name).expect("it is a metric");
        assert!(metric("deployments.succeeded") > 25.0, "hardly anything ran");
        assert!(left_out.events * 3 < stepped.events, "{} of {} events", left_out.events, stepped.events);
    }
}

#[test]
fn with_weaknesses_and_other_ends_too() {
    // What supervises in turn, what lapses after four hours, what is never given up.
    assert_same(&["profile=as-is"], 4);
    assert_same(&["profile={base: as-is, fix: [W2]}"], 5);
    // The end comes between two rounds, and within one.
    assert_same(&["duration=2h50m", "processing=none"], 6);
    assert_same(&["duration=2h50m12.345s"], 7);
}

#[test]
fn with_every_strategy_and_detector() {
    for strategy in [
        "{standby: {count: 1}}",
        "[redeploy, {retry: {attempts: 2}}]",
        "[redeploy, {replication: {copies: 2}}]",
        "[redeploy, {spot_check: {share: 50%}}]",
        "migration, detector: {fixed: {period: 20s, timeout: 1m}}",
        "redeploy, detector: swim",
        "redeploy, detector: phi",
        // The orchestrators that restart are away for longer than that.
        "[{hand_over: {after: 10s}}, redeploy]",
    ] {
        let set = format!("strategy={{recovery: {strategy}, force_recovery: true}}");
        assert_same(&[&set, "duration=3h"], 9);
    }
}

/// Standbys are asked after, lost peers are asked to give back what they hold, and a detector looks: none of it ends
/// the rounds.
#[test]
fn what_goes_on_beside_the_rounds_does_not_end_them() {
    let lasting = "faults=[{crash: {at: 1h, group: halls, fraction: 30%, repair: never}}]";
    for strategy in [
        "redeploy",
        "{standby: {count: 1}}",
        "migration, detector: {fixed: {period: 20s, timeout: 1m}}",
        "redeploy, detector: {fixed: {period: 45s, timeout: 3m}}",
    ] {
        let set = format!("strategy={{recovery: {strategy}, force_recovery: true}}");
        let [left_out, stepped] = assert_same(&[&set, lasting], 10);
        assert!(left_out.metric("redeployments") > Some(0.0), "{strategy}: nothing was lost");
        assert!(
            left_out.events * 3 < stepped.events,
            "{strategy}: {} of {}",
            left_out.events,
            stepped.events
        );
    }
}

/// Providers that start again take up all that they have at the same moment.
#[test]
fn after_restarts_too() {
    let crashes = "faults=[{crash: {at: {poisson: {mean: 20m}}, group: halls, fraction: 50%, \
                   repair: {exponential: {mean: 1m}}}}]";
    assert_same(&[crashes], 1);
}

/// Where messages are lost, nothing is known beforehand: every round is an event after the other.
#[test]
fn where_messages_are_lost_nothing_is_left_out() {
    let [left_out, stepped] = assert_same(&["network.loss=1%"], 8);
    // But for bids that come too late.
    assert!(left_out.events * 100 > stepped.events * 99, "{} of {}", left_out.events, stepped.events);
}

/// A day of three services to which nothing happens: their rounds alone would be 86,400 events.
#[test]
fn idle_time_is_free() {
    let services =
        "workload=[{deploy: {by: alice, ensemble: ensembles/web.yaml, arrivals: {every: 1s}, count: 3}}]";
    let set = ["duration=1d", "expect=[]", services];
    let [left_out, stepped] = assert_same_of("../../../scenarios/calm.yaml", &set, 9);
    let metric = |name| left_out.metric(name).expect("it is a metric");
    assert!(metric("messages.sent") > 25_000.0 && metric("deployments.succeeded") > 2.0);
    assert!(stepped.events > 86_400 && left_out.events < 20_000, "{} of {}", left_out.events, stepped.events);
}
