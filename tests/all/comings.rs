//! Peers that come and go as a trace says, or when a repairer has time.

use dmsim::sim::Outcome;

use crate::failures::run;
use crate::foresight::assert_same_of;

/// Nothing but twelve providers with this churn and an orchestrator.
fn group_with(churn: &str, count: u32, set: &[&str]) -> Outcome {
    let peers = format!(
        "peers=[{{providers: {{count: {count}, hardware: {{cpu: 8, ram: 16 GiB, disk: 200 GB}}, churn: {churn}}}}}, \
         {{orchestrators: {{names: [alice]}}}}]"
    );
    run("", &[&[&*peers, "workload=[]", "network.hellos=false"], set].concat())
}

/// How long each provider was up, as a share of the time, and how often it went.
fn presence(outcome: &Outcome) -> Vec<(f64, u64)> {
    let providers = outcome.peers.iter().filter(|peer| peer.peer.starts_with("providers"));
    providers.map(|peer| (peer.up_fraction, u64::from(peer.crashes))).collect()
}

/// Its first host is up for the first hour of two, its second but for ten minutes, its third for twenty minutes.
const HOSTS: &str = concat!("trace: \"", env!("CARGO_MANIFEST_DIR"), "/tests/data/traces/hosts.csv\"");

#[test]
fn peers_follow_the_hosts_of_a_trace() {
    let churn = format!("{{{HOSTS}, hosts: in_order, start: fresh}}");
    let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
    let whole = presence(&group_with(&churn, 4, &["duration=2h"]));
    for (own, expected) in whole.iter().zip([(0.5, 1), (11.0 / 12.0, 1), (1.0 / 6.0, 1), (0.5, 1)]) {
        assert!(near(own.0, expected.0) && own.1 == expected.1, "{whole:?}");
    }
    // Half an hour after its end it is half an hour after its beginning.
    let on = presence(&group_with(&churn, 3, &["duration=2h30m"]));
    for (own, expected) in on.iter().zip([(0.6, 1), (13.0 / 15.0, 2), (2.0 / 15.0, 1)]) {
        assert!(near(own.0, expected.0) && own.1 == expected.1, "{on:?}");
    }
}

#[test]
fn peers_are_met_anywhere_in_a_trace() {
    let of = |seed: &str| presence(&group_with(&format!("{{{HOSTS}}}"), 400, &["duration=1h", seed]));
    let share = |peers: &[(f64, u64)]| peers.iter().map(|peer| peer.0).sum::<f64>() / peers.len() as f64;
    let all = of("seed=5");
    // Hosts are up for 6, 11 and 2 twelfths of the trace; the mean of 400 peers has a standard deviation of about 0.02.
    assert!((share(&all) - 19.0 / 36.0).abs() < 0.06, "{}", share(&all));
    assert_eq!(all, of("seed=5"));
    assert_ne!(all, of("seed=6"));
}

/// The mean number of machines that are up in M/M/c//N, where a repair takes `ratio` of a life.
fn up_in_the_long_run(machines: u32, repairers: u32, ratio: f64) -> f64 {
    let (mut weight, mut sum, mut down) = (1.0, 1.0, 0.0);
    for broken in 1..=machines {
        weight *= f64::from(machines - broken + 1) * ratio / f64::from(broken.min(repairers));
        sum += weight;
        down += weight * f64::from(broken);
    }
    f64::from(machines) - down / sum
}

#[test]
fn repairers_are_the_queue_of_machine_repair() {
    let times = "up: {exponential: {mean: 10m}}, down: {exponential: {mean: 4m}}";
    for (limit, repairers) in [(", repairers: 1", 1), (", repairers: 2", 2), (", repairers: 4", 4), ("", 10)]
    {
        for start in ["stationary", "fresh"] {
            let churn = format!("{{{times}{limit}, start: {start}}}");
            let peers = presence(&group_with(&churn, 10, &["duration=400h"]));
            let up: f64 = peers.iter().map(|peer| peer.0).sum();
            let expected = up_in_the_long_run(10, repairers, 0.4);
            assert!((up - expected).abs() < 0.15, "{repairers} repairers: {up} are up, {expected} expected");
            // Each life is ten minutes, so much as there is of it.
            let failures: u64 = peers.iter().map(|peer| peer.1).sum();
            assert!((failures as f64 / (up * 2400.0) - 1.0).abs() < 0.05, "{failures} failures of {up}");
        }
    }
}

#[test]
fn who_fails_first_is_repaired_first() {
    // All ten fail after ten minutes, and one after the other is repaired for a minute: the last is back after twenty.
    let churn = "{up: 10m, down: 1m, repairers: 1, start: fresh}";
    let peers = presence(&group_with(churn, 10, &["duration=20m"]));
    for (place, (up, _)) in peers.iter().enumerate() {
        let down_min = place as f64 + 1.0;
        assert!((up - (1.0 - down_min / 20.0)).abs() < 1e-6, "{place}: {peers:?}");
    }
}

#[test]
fn what_is_renewed_at_once_is_up_and_has_lost_what_it_ran() {
    let churn = "{up: {exponential: {mean: 20m}}, down: 0s}";
    let workload =
        "workload=[{deploy: {by: alice, ensemble: ensembles/web.yaml, arrivals: {every: 5m}, count: 10}}]";
    let renewed = group_with(churn, 20, &["duration=10h", workload]);
    let peers = presence(&renewed);
    assert!(peers.iter().all(|peer| peer.0 > 0.999_999), "{peers:?}");
    let renewals: u64 = peers.iter().map(|peer| peer.1).sum();
    // 600 are expected, with a standard deviation of 24.5.
    assert!((500..700).contains(&renewals), "{renewals}");
    assert!(renewed.metric("allocations.lost").is_some_and(|lost| lost > 100.0));
    assert!(renewed.metric("services.availability").is_some_and(|part| part > 0.8));
}

#[test]
fn what_is_left_out_knows_of_repairers_and_traces() {
    let churns = [
        "{up: {exponential: {mean: 5m}}, down: {exponential: {mean: 2m}}, repairers: 20}".to_owned(),
        "{up: {exponential: {mean: 3m}}, down: 0s}".to_owned(),
        format!("{{{HOSTS}}}"),
    ];
    for (churn, seed) in churns.iter().zip(1..) {
        let set = format!("peers[0].providers.churn={churn}");
        let [foreseen, stepped] = assert_same_of("at-rest.yaml", &[&set], seed);
        assert!(foreseen.events < stepped.events);
        assert_same_of("routine.yaml", &[&set], seed);
    }
}
