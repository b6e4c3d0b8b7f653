//! Contracts in whole runs: what their logic alone does not show.

use std::collections::BTreeMap;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// An ensemble that names a contract, as DMS reads it.
const LEASED: &str = "
version: V1
contracts: {lease: {did: 'did:key:z6MkNobody', host: 'did:key:z6MkNobody'}}
allocations:
  hello:
    type: task
    executor: docker
    resources: {cpu: {cores: 1}, ram: {size: 1 GiB}, disk: {size: 1 GiB}}
    execution: {type: docker, image: hello-world}
nodes:
  node: {allocations: [hello]}
";

/// alice asks, bob provides, carol hosts and vera validates; `rest` is what the scenario says besides.
fn run(rest: &str) -> Outcome {
    let text = format!(
        "version: 1\nduration: 30m\nnetwork: {{latency: {{constant: 20ms}}}}\npeers:\n  \
         - orchestrators: {{names: [alice]}}\n  - providers: {{names: [bob]}}\n  \
         - contract_hosts: {{names: [carol, carla]}}\n  - payment_validators: {{names: [vera]}}\n{rest}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contracts.yaml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.path().join("leased.yaml"), LEASED).unwrap();
    let metrics = dmsim::observe::metric_names();
    match scenario::load(&path, &Overrides::default(), &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

#[test]
fn a_host_takes_ten_accounts_at_a_poll_and_the_others_at_the_next() {
    let rental = |number: u32| {
        format!(
            "  - {{name: rental-{number}, requestor: alice, provider: bob, host: carol, validator: vera, for: 30d, \
             model: fixed_rental, fee: 1, period: minute, periods: 10, approve_after: 5s}}\n"
        )
    };
    let contracts: String = (0..25).map(rental).collect();
    let outcome = run(&format!("contracts:\n{contracts}workload: []\n"));
    let mut at: BTreeMap<u64, u32> = BTreeMap::new();
    for invoice in outcome.invoices.iter().filter(|row| row.invoice == 1) {
        // Each poll is at half a minute, and an invoice takes some milliseconds to the validator.
        *at.entry(invoice.invoiced_s as u64 / 30 * 30).or_default() += 1;
    }
    assert_eq!(at.into_iter().collect::<Vec<_>>(), [(600, 10), (630, 10), (660, 5)]);
}

#[test]
fn a_node_lists_the_contracts_of_all_hosts_that_it_knows_in_either_role() {
    let contract = |name: &str, requestor: &str, provider: &str, host: &str, more: &str| {
        format!(
            "  - {{name: {name}, requestor: {requestor}, provider: {provider}, host: {host}, validator: vera, \
             for: 30d, model: pay_per_allocation, fee: 1{more}}}\n"
        )
    };
    let contracts = [
        contract("first", "alice", "bob", "carol", ", approve_after: 5s"),
        contract("second", "alice", "bob", "carla", ", approve_after: 5s"),
        contract("open", "alice", "bob", "carla", ""),
        contract("back", "bob", "alice", "carol", ", approve_after: 5s"),
        contract("foreign", "vera", "carol", "carla", ", approve_after: 5s"),
    ];
    let actions = [
        // Its host has completed one of them since, and the copies here do not know.
        ("1m", "alice", "complete", "ok"),
        ("2m", "bob", "list", "4 contracts: 1 DRAFT, 2 ACCEPTED, 1 COMPLETED"),
        ("2m", "bob", "list_incoming", "3 contracts: 1 DRAFT, 1 ACCEPTED, 1 COMPLETED"),
        ("2m", "bob", "list_outgoing", "ACCEPTED, 2 signatures"),
        ("2m", "alice", "list_incoming", "ACCEPTED, 2 signatures"),
        ("2m", "vera", "list_incoming", "0 contracts"),
        // A host sees all that it hosts, and what it takes part in elsewhere.
        ("2m", "carol", "list", "3 contracts: 2 ACCEPTED, 1 COMPLETED"),
        // While carla is down the copies stand in: bob's of `second` has been accepted, that of `open` is a draft.
        ("6m", "bob", "list_incoming", "3 contracts: 1 DRAFT, 1 ACCEPTED, 1 COMPLETED"),
    ];
    let operation = |(at, by, what, answer): (&str, &str, &str, &str)| {
        format!("  - {{at: {at}, by: {by}, contract: {{name: first, do: {what}}}, answer: \"{answer}\"}}\n")
    };
    let outcome = run(&format!(
        "contracts:\n{}workload: []\noperations:\n{}faults:\n  - crash: {{at: 5m, peer: carla, repair: 10m}}\n",
        contracts.concat(),
        actions.map(operation).concat()
    ));
    for row in &outcome.operations {
        assert_eq!(&*row.met, "yes", "{row:#?}");
    }
}

#[test]
fn an_ensemble_names_contracts_by_the_names_of_the_scenario() {
    let outcome = run("contracts:
  - {name: lease, at: 2m, requestor: alice, provider: bob, host: carol, validator: vera, for: 30d,
     model: pay_per_allocation, fee: 3, period: minute, periods: 10, approve_after: 5s}
workload:
  - deploy: {by: alice, ensemble: leased.yaml, name: early, arrivals: {at: 1m}}
  - deploy: {by: alice, ensemble: leased.yaml, name: late, arrivals: {at: 5m}}
operations:
  - {at: 1m, by: alice, deployment: {new: {ensemble: leased.yaml, name: new-early}}, refusal: not made yet}
  - {at: 6m, by: alice, deployment: {new: {ensemble: leased.yaml, name: new-late}}, answer: OK}
");
    let ended: Vec<(&str, &str)> =
        outcome.deployments.iter().map(|row| (&*row.outcome, &*row.reason)).collect();
    assert_eq!(
        ended,
        [("failed", "the contract lease was not made yet"), ("succeeded", ""), ("succeeded", "")]
    );
    assert_eq!(outcome.metric("operations.unexpected"), Some(0.0));
    assert_eq!(outcome.metric("contracts.invoiced"), Some(6.0));
}

#[test]
fn the_actors_of_contracts_are_upgraded_with_their_host() {
    let silent = |faults: &str| {
        run(&format!(
            "profile: as-is
contracts:
  - {{name: silent, requestor: alice, provider: bob, host: carol, validator: vera, for: 30d,
     model: pay_per_allocation, fee: 1, termination: unsaid, approve_after: 5s}}
workload: []
operations:
  - {{at: 10m, by: alice, contract: {{name: silent, do: terminate}}}}
{faults}"
        ))
    };
    // As-is the question breaks the host down (C7).
    let as_is = silent("");
    assert_eq!(&*as_is.operations[0].outcome, "unanswered");
    assert_eq!(as_is.metric("peers.lost"), Some(1.0));
    let upgraded =
        silent("faults:\n  - upgrade: {at: 5m, peer: carol, within: 1s, down: 30s, to: intended}\n");
    assert_eq!(&*upgraded.operations[0].outcome, "refused", "{:#?}", upgraded.operations);
    assert!(upgraded.operations[0].said.contains("termination"), "{:#?}", upgraded.operations);
}
