//! Rounds of supervision of which nothing comes are left out, and that changes nothing: with all their events the run is
//! the same, to the last row.

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
        assert!(left_out.events * 2 < stepped.events, "{} of {} events", left_out.events, stepped.events);
    }
}

#[test]
fn with_weaknesses_and_other_ends_too() {
    // What supervises in turn, what lapses after four hours, what is never given up.
    assert_same(&["profile=as-is"], 4);
    assert_same(&["profile={base: as-is, fix: [W2]}"], 5);
    // The end comes between two rounds, and within one.
    assert_same(&["duration=1h50m", "processing=none"], 6);
    assert_same(&["duration=1h50m12.345s", "network.packet_loss=1%"], 7);
}

/// Where messages are lost, nothing is known beforehand: every round is an event after the other.
#[test]
fn where_messages_are_lost_nothing_is_left_out() {
    let [left_out, stepped] = assert_same(&["network.loss=1%", "duration=1h"], 8);
    assert_eq!(left_out.events, stepped.events);
}
