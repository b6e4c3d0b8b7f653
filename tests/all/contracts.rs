//! Contracts in whole runs: what their logic alone does not show.

use std::collections::BTreeMap;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

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
    let metrics: Vec<&str> = dmsim::observe::all().iter().map(|metric| metric.name).collect();
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
