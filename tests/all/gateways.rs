//! Gateways in whole runs: machines that come and go, and what happens when they do not. Every run also checks that
//! resources are conserved, on virtual machines as on all others.

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// A service that no provider of these runs is large enough for.
const LARGE: &str = "
version: V1
allocations:
  large:
    type: service
    executor: docker
    resources: {cpu: {cores: 3}, ram: {size: 1 GiB}, disk: {size: 1 GiB}}
    execution: {type: docker, image: 'nginx:1.27-alpine'}
nodes:
  node: {allocations: [large], failure_recovery: redeploy}
";

/// alice deploys at these times, and `cloud` is the only one who can help her; `more` is what else a gateway says, and
/// `rest` what else the scenario does.
fn run(times: &str, more: &str, rest: &str) -> Outcome {
    let text = format!(
        "version: 1\nduration: 1h\nnetwork: {{latency: {{constant: 20ms}}, bandwidth: unlimited}}\npeers:\n  \
         - orchestrators: {{names: [alice]}}\n  \
         - providers: {{count: 3, hardware: {{cpu: 2, ram: 4 GiB, disk: 100 GiB}}}}\n  \
         - gateways: {{name: clouds, names: [cloud], plans: [{{cpu: 4, ram: 8 GiB, disk: 80 GiB}}], {more}}}\n\
         workload:\n  - deploy: {{by: alice, ensemble: large.yaml, arrivals: {{at: {times}}}, timeout: 20m, \
         shutdown_after: 10m}}\n{rest}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateways.yaml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("large.yaml"), LARGE).unwrap();
    let metrics = dmsim::observe::metric_names();
    match scenario::load(&path, &Overrides::default(), &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// Machines provisioned, failed and deleted.
fn machines(outcome: &Outcome) -> [f64; 3] {
    ["gateways.provisioned", "gateways.failed", "gateways.deleted"].map(|name| outcome.metric(name).unwrap())
}

fn hosts(outcome: &Outcome) -> Vec<&str> {
    outcome.allocations.iter().map(|row| &*row.peer).collect()
}

fn has_refusal(outcome: &Outcome, stage: &str, words: &str) -> bool {
    outcome.refusals.iter().any(|row| *row.stage == *stage && row.example.contains(words))
}

#[test]
fn a_machine_is_made_used_deleted_and_made_again() {
    let signed = |mode: &str| run("[1m, 20m]", "machines: 1, boot: 1m", &format!("signatures: {mode}\n"));
    let outcome = signed("modelled");
    assert_eq!(outcome.metric("deployments.succeeded_fraction"), Some(1.0));
    assert_eq!(hosts(&outcome), ["clouds-machines-0", "clouds-machines-0"]);
    assert_eq!(machines(&outcome), [2.0, 0.0, 2.0]);
    // Each exists from a minute after it was ordered to the poll after its deployment has ended.
    let hours = outcome.metric("gateways.machine_hours").unwrap();
    assert!((0.25..0.36).contains(&hours), "{hours} h");
    assert_eq!((outcome.metric("peers.lost"), outcome.metric("peers.up_fraction")), (Some(0.0), Some(1.0)));
    assert_eq!(outcome.digest, signed("modelled").digest);
    assert_eq!(outcome.digest, signed("real").digest);
}

#[test]
fn two_deployments_at_once_get_a_machine_each_as_far_as_there_are_any() {
    let outcome = run("[1m, 1m, 1m]", "machines: 2, boot: 1m", "");
    let mut used = hosts(&outcome);
    used.sort_unstable();
    assert_eq!(used[..2], ["clouds-machines-0", "clouds-machines-1"]);
    let reason = "no machine is left: all 2 are in use";
    assert!(has_refusal(&outcome, "convert", reason), "{:?}", outcome.refusals);
    assert_eq!(used.len(), 2);
    assert!(has_refusal(&outcome, "bid", "the gateway has no machine left: 2 of 2 in use"));
}

#[test]
fn machines_that_do_not_boot_are_paid_for_by_nobody_and_say_why() {
    let outcome = run("1m", "machines: 1, boot: 1m, fails: 100%", "");
    assert_eq!(outcome.metric("deployments.succeeded_fraction"), Some(0.0));
    let [provisioned, failed, deleted] = machines(&outcome);
    assert_eq!((provisioned, deleted), (0.0, 0.0));
    assert!(failed > 3.0, "{failed} tries");
    assert_eq!(outcome.metric("gateways.machine_hours"), Some(0.0));
    assert!(has_refusal(&outcome, "machine", "no machine: it did not boot"), "{:?}", outcome.refusals);
    assert!(has_refusal(&outcome, "convert", "no machine: it did not boot"), "{:?}", outcome.refusals);
}

#[test]
fn a_machine_that_takes_too_long_is_given_up_and_never_used() {
    let outcome = run("1m", "machines: 1, boot: 6m", "");
    assert_eq!(machines(&outcome)[0], 0.0, "the order is called off while the machine boots");
    assert!(has_refusal(&outcome, "convert", "no reply within 5m"), "{:?}", outcome.refusals);
    assert_eq!(outcome.metric("deployments.succeeded_fraction"), Some(0.0));
}

#[test]
fn a_gateway_that_dies_while_a_machine_boots_loses_it_and_can_be_asked_again() {
    let faults = "faults:\n  - crash: {at: 90s, peer: cloud, repair: 5m}\n";
    let outcome = run("1m", "machines: 1, boot: 1m", faults);
    assert_eq!(outcome.metric("deployments.succeeded_fraction"), Some(1.0));
    // The first came up unheard and was deleted when the gateway was back.
    assert_eq!(machines(&outcome), [2.0, 0.0, 2.0]);
    assert!(has_refusal(&outcome, "convert", "no reply within 5m"), "{:?}", outcome.refusals);
}

#[test]
fn a_machine_that_dies_is_replaced_by_another_and_comes_back_only_when_it_still_exists() {
    let faults = "faults:\n  - crash: {at: 5m, peer: clouds-machines-0, repair: 5m}\n  \
                  - crash: {at: 30m, group: clouds-machines, repair: 1m}\n";
    let outcome = run("1m", "machines: 2, boot: 1m", faults);
    assert_eq!(hosts(&outcome), ["clouds-machines-0", "clouds-machines-1"]);
    assert_eq!(outcome.metric("redeployments"), Some(1.0));
    let [provisioned, _, deleted] = machines(&outcome);
    assert_eq!((provisioned, deleted), (2.0, 2.0), "both are deleted when nobody uses them any more");
    assert_eq!(outcome.metric("peers.lost"), Some(1.0), "what does not exist cannot crash");
}

#[test]
fn as_it_is_an_error_breaks_the_orchestrator_and_silence_ends_the_deployment() {
    let outcome = run("1m", "machines: 1, boot: 1m, fails: 100%", "profile: as-is\n");
    assert!(has_refusal(&outcome, "commit", "nil pointer dereference"), "{:?}", outcome.refusals);
    assert!(outcome.metric("peers.lost").unwrap() >= 1.0, "the process of alice");
    let outcome = run("1m", "machines: 1, boot: 6m", "profile: as-is\n");
    let reason = outcome.deployments[0].reason.to_string();
    assert!(reason.contains("failed to convert the promise bid: no reply within 5m"), "{reason}");
    assert_eq!(outcome.metric("gateways.failed"), Some(0.0));
}
