//! Conditions that come and go within the time of their fault.

use crate::failures::{metric, run};
use crate::foresight::assert_same_of;
use crate::traffic;

/// With spans that do not vary it is what as many faults would be, one after the other, and then nothing.
#[test]
fn a_fault_that_flaps_is_many_faults() {
    let none = run("", &[]);
    for (kind, what) in [
        ("loss", "fraction: 60%, peer: alice"),
        ("delay", "extra: 3s, direction: out, peer: alice"),
        ("partition", "between: [{peer: alice}, rest]"),
    ] {
        let once = |at: &str| format!("{{{kind}: {{at: {at}, for: 1m, {what}}}}}");
        let many = ["600.3s", "690.3s", "780.3s"].map(once).join(", ");
        let flaps = format!("{{{kind}: {{at: 600.3s, for: 4m, flaps: {{on: 1m, off: 30s}}, {what}}}}}");
        let [flapping, many] = [&flaps, &many].map(|faults| run(faults, &[]));
        assert_eq!(flapping.digest, many.digest, "{kind}");
        assert_ne!(flapping.digest, none.digest, "{kind}");
    }
    // What is cut off in the middle of a span does not last any longer.
    let short = run("{loss: {at: 600.3s, for: 90s, flaps: {on: 1m, off: 10s}, fraction: 50%}}", &[]);
    let parts = "{loss: {at: 600.3s, for: 1m, fraction: 50%}}, {loss: {at: 670.3s, for: 20s, fraction: 50%}}";
    assert_eq!(short.digest, run(parts, &[]).digest);
}

/// Of an alternating renewal process the share of time is that of the means: of what users ask at even distances, as
/// much is lost as the rift is there of the time.
#[test]
fn it_is_there_for_its_share_of_the_time() {
    let text = traffic::SHOP.replace("providers: {count: 6,", "providers: {count: 6, place: {city: Boston},");
    let rift = "{partition: {at: 10m, for: 100m, between: [{continent: EU}, {group: providers}], \
                flaps: {on: {exponential: {mean: 6s}}, off: {exponential: {mean: 18s}}}}}";
    let outcome = traffic::run(&text, &[&format!("faults=[{rift}]")]);
    let during = |from: f64, to: f64| {
        let users = traffic::of(&outcome, "users").filter(|row| (from..to).contains(&row.start_s));
        let (mut offered, mut lost) = (0, 0);
        users.for_each(|row| (offered, lost) = (offered + row.offered, lost + row.timed_out));
        lost as f64 / offered as f64
    };
    // A quarter of 100 minutes, with a standard deviation of 1.7 % of them.
    assert!((during(600.0, 6600.0) - 0.25).abs() < 0.05, "{}", during(600.0, 6600.0));
    assert_eq!(during(6900.0, 7200.0), 0.0, "nothing stays of it");
}

#[test]
fn flaps_at_random_times_are_each_their_own() {
    let faults = "{loss: {at: {poisson: {mean: 5m}}, for: 3m, fraction: 50%, \
                  flaps: {on: {exponential: {mean: 5s}}, off: {exponential: {mean: 5s}}}}}";
    let [once, again] = [run(faults, &[]), run(faults, &[])];
    assert_eq!(once.digest, again.digest);
    let steady = run("{loss: {at: {poisson: {mean: 5m}}, for: 3m, fraction: 50%}}", &[]);
    let lost = [&once, &steady].map(|outcome| metric(outcome, "messages.lost"));
    assert!(lost[0] > 10.0 && lost[0] < lost[1], "{lost:?}");
}

#[test]
fn what_is_left_out_knows_of_flaps() {
    let spans = "{on: {exponential: {mean: 8s}}, off: {exponential: {mean: 20s}}}";
    let faults = format!(
        "faults=[{{delay: {{at: 2m, extra: 80ms, for: 6m, flaps: {spans}}}}}, {{partition: {{at: 5m, for: 10m, \
         between: [{{group: homes, fraction: 50%}}, {{group: ones}}], flaps: {spans}}}}}]"
    );
    for seed in 1..=2 {
        let [foreseen, stepped] = assert_same_of("at-rest.yaml", &[&faults], seed);
        assert!(foreseen.events < stepped.events);
        assert_same_of("routine.yaml", &[&faults.replace("ones", "users")], seed);
    }
}
