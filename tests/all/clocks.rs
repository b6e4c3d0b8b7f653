//! Clocks that are off, run fast or slow, or are set.

use dmsim::sim::Outcome;

use crate::failures::{metric, run};
use crate::foresight::assert_same_of;

/// The calm network where providers and alice have these clocks.
fn with_clocks(providers: &str, alice: &str, faults: &str, set: &[&str]) -> Outcome {
    let group = |key: &str, clock: &str| match clock {
        "" => String::new(),
        clock => format!("{key}={{{clock}}}"),
    };
    let clocks = [group("peers[0].providers.clock", providers), group("peers[1].orchestrators.clock", alice)];
    let set: Vec<&str> =
        clocks.iter().map(String::as_str).filter(|one| !one.is_empty()).chain(set.iter().copied()).collect();
    run(faults, &set)
}

fn labelled(outcome: &Outcome, name: &str, label: &str) -> f64 {
    let found = outcome.metrics.iter().filter(|row| &*row.metric == name && row.labels.contains(label));
    found.map(|row| row.value).sum()
}

/// All that is asked of a clock is that it goes with those of the others.
#[test]
fn clocks_that_are_all_as_wrong_are_all_right() {
    let right = run("", &[]);
    for by in ["+10m", "-10m"] {
        let skew = format!("skew: {by}");
        let wrong = with_clocks(&skew, &skew, "", &[]);
        let times = |outcome: &Outcome| -> Vec<String> {
            let rows = outcome.deployments.iter();
            rows.map(|row| format!("{} {:?} {}", row.submitted_s, row.running_s, row.outcome)).collect()
        };
        assert_eq!(times(&wrong), times(&right), "{by}");
        assert_eq!(metric(&wrong, "messages.sent"), metric(&right, "messages.sent"), "{by}");
    }
}

/// What an orchestrator sends that is behind has expired when it arrives. To one that is ahead some of what others send
/// has, but not answers, which hold for as long as it has waited for them by its own clock.
#[test]
fn messages_expire_by_the_clock_of_who_gets_them() {
    for (by, expires, works) in
        [("-10m", true, false), ("+10m", true, true), ("-1s", false, true), ("+1s", false, true)]
    {
        let outcome = with_clocks("", &format!("skew: {by}"), "", &[]);
        let expired = labelled(&outcome, "messages.rejected", "expired");
        let succeeded = metric(&outcome, "deployments.succeeded");
        assert_eq!((expired > 100.0, succeeded > 20.0), (expires, works), "{by}: {expired}, {succeeded}");
    }
}

/// Clocks a little off and a little fast, as those of computers are, change nothing that matters.
#[test]
fn small_errors_do_no_harm() {
    let usual = "skew: {exponential: {mean: 500ms}}, drift: 100 ppm";
    let outcome = with_clocks(usual, usual, "", &[]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), metric(&run("", &[]), "deployments.succeeded"));
}

/// A service under supervision is looked after by the orchestrator's own minutes: with a clock that is a tenth too fast
/// a tenth more often.
#[test]
fn timers_run_by_the_local_clock() {
    let services =
        "workload=[{deploy: {by: alice, ensemble: ensembles/web.yaml, arrivals: {every: 1s}, count: 3}}]";
    // From the second hour on nothing but supervision goes on.
    let sent = |drift: &str| {
        let drift = format!("drift: {drift}");
        let until = |end: &str| metric(&with_clocks(&drift, &drift, "", &[services, end]), "messages.sent");
        until("duration=5h") - until("duration=1h")
    };
    let right = sent("+0 ppm");
    for (drift, rate) in [("+100000 ppm", 1.1), ("-100000 ppm", 0.9)] {
        let ratio = sent(drift) / right;
        assert!((ratio - rate).abs() < 0.01, "{drift}: {ratio}");
    }
}

/// Who is set ahead by years takes the memberships of the others for expired; what somebody who is set back sends has
/// expired when it arrives, until the clock is right again.
#[test]
fn a_step_of_the_clock_ends_what_tokens_allow() {
    let of = |step: &str| {
        let outcome = run(&format!("{{clock: {{at: 0s, {step}}}}}"), &["peers[0].providers.count=20"]);
        let ran = |from: f64, to: f64| {
            let asked = outcome.deployments.iter().filter(|row| (from..to).contains(&row.submitted_s));
            asked.filter(|row| row.running_s.is_some()).count()
        };
        (ran(0.0, 1500.0), ran(1860.0, 3600.0))
    };
    assert_eq!(of("group: providers, jump: 3000d"), (0, 0));
    let (early, late) = of("peer: alice, jump: -1h, for: 30m");
    assert!(early == 0 && late > 3, "{early} {late}");
    let (early, late) = of("jump: -100ms, count: 10");
    assert!(early > 5 && late > 3, "{early} {late}");
}

#[test]
fn what_is_left_out_knows_of_clocks() {
    let clock = "{skew: {exponential: {mean: 1s}}, drift: 200 ppm}";
    for (group, seed) in [("peers[0].providers", 1), ("peers[3].orchestrators", 2), ("peers[1].providers", 3)]
    {
        let set = format!("{group}.clock={clock}");
        let steps = "faults=[{clock: {at: 4m, group: halls, fraction: 50%, jump: -20s, for: 5m}}, \
                     {clock: {at: 7m, group: homes, count: 50, jump: 3s}}, \
                     {clock: {at: 8m, group: twos, jump: +1s}}, \
                     {crash: {at: 6m, group: halls, fraction: 10%, repair: 1m}}]";
        let [foreseen, stepped] = assert_same_of("at-rest.yaml", &[&set, steps], seed);
        assert!(foreseen.events < stepped.events);
    }
    for (group, seed) in [("peers[0].providers", 4), ("peers[2].orchestrators", 5)] {
        let set = format!("{group}.clock={clock}");
        let steps = "faults=[{clock: {at: {poisson: {mean: 20m}}, count: 4, jump: -20s, for: 5m}}, \
                     {clock: {at: {poisson: {mean: 20m}}, group: users, count: 1, jump: 2s}}]";
        assert_same_of("routine.yaml", &[&set, steps], seed);
    }
}
