//! The private networks of deployments in whole runs: addresses, names, ports, and who reaches whom by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use dmsim::observe::AllocationRow;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome, Setup};

/// The shop has four services on two nodes; its interface is a Python program that serves until it is stopped.
const SHOP: [&str; 2] = [
    "workload[0].deploy.ensemble=ensembles/shop.yaml",
    "images={\"python:3.12-slim\": {size: 45 MB, service: {}}}",
];

fn setup(name: &str, set: &[&str]) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let metrics = dmsim::observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    match scenario::load(&path, &Overrides { set, seed: None }, &metrics) {
        Ok(loaded) => loaded.setup,
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn run(setup: &Setup) -> Outcome {
    sim::run(setup, Options::default(), &mut |_, _| true).unwrap()
}

fn reachable(outcome: &Outcome) -> f64 {
    outcome
        .metric("subnets.reachable_fraction")
        .expect("several allocations of one deployment run at the end")
}

/// Allocations of one deployment share a /24, have an address each, and keep it wherever they are moved.
fn assert_addresses(rows: &[AllocationRow]) {
    let mut by_address: BTreeMap<(u32, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut by_name: BTreeMap<(u32, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut ranges: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.started_s.is_some()) {
        let (range, last) = row.address.rsplit_once('.').unwrap_or_else(|| panic!("no address: {row:?}"));
        assert!(range.starts_with("10.") && !["0", "1", "255"].contains(&last), "{row:?}");
        assert!(row.dns_name.ends_with(".internal"), "{row:?}");
        ranges.entry(row.deployment).or_default().insert(range);
        by_address.entry((row.deployment, &row.address)).or_default().insert(&row.allocation);
        by_name.entry((row.deployment, &row.allocation)).or_default().insert(&row.address);
    }
    assert!(by_address.len() > 10, "too few allocations to say anything");
    assert!(by_address.values().all(|allocations| allocations.len() == 1), "{by_address:?}");
    assert!(by_name.values().all(|addresses| addresses.len() == 1), "{by_name:?}");
    assert!(ranges.values().all(|ranges| ranges.len() == 1), "{ranges:?}");
}

#[test]
fn where_nothing_breaks_everyone_reaches_everyone_by_name() {
    let outcome = run(&setup("calm.yaml", &SHOP));
    assert!((reachable(&outcome) - 1.0).abs() < f64::EPSILON, "{}", reachable(&outcome));
    assert_addresses(&outcome.allocations);
    // A public port of a peer leads to one allocation at a time.
    let mut held: BTreeMap<(&str, &str), Vec<(f64, f64)>> = BTreeMap::new();
    for row in &outcome.allocations {
        for pair in row.ports.split(';').filter(|pair| !pair.is_empty()) {
            let (public, private) = pair.split_once('=').unwrap();
            assert!(public.parse::<u16>().unwrap() >= 16_384 && private.parse::<u16>().unwrap() > 0);
            let spans = held.entry((&*row.peer, public)).or_default();
            let (from, to) = (row.committed_s, row.ended_s.unwrap_or(f64::INFINITY));
            assert!(spans.iter().all(|other| to <= other.0 || other.1 <= from), "{row:?} against {spans:?}");
            spans.push((from, to));
        }
    }
    assert!(!held.is_empty(), "no port was mapped");
}

#[test]
fn what_was_moved_is_found_where_it_is_now() {
    let set = [SHOP[0], SHOP[1], "strategy.recovery=redeploy", "expect=[]"];
    let mut setup = setup("outage.yaml", &set);
    for entry in &mut setup.workload {
        let ensemble = Arc::make_mut(&mut entry.ensemble);
        ensemble.nodes.values_mut().for_each(|node| node.failure_recovery = None);
        ensemble.allocations.values_mut().for_each(|allocation| allocation.failure_recovery = None);
        ensemble.escalation_strategy = None;
    }
    let outcome = run(&setup);
    assert!(outcome.metric("redeployments").unwrap() >= 1.0, "nothing was moved");
    assert!(reachable(&outcome) > 0.95, "{}", reachable(&outcome));
    assert_addresses(&outcome.allocations);
}

/// `calm.yaml` with orchestrators that join.
fn joining(set: &[&str]) -> Setup {
    let mut setup = setup("calm.yaml", &[&SHOP[..], set].concat());
    for entry in &mut setup.workload {
        Arc::make_mut(&mut entry.ensemble).subnet.join = true;
    }
    setup
}

#[test]
fn orchestrators_that_join_reach_their_allocations() {
    let outcome = run(&joining(&["operations=[{at: 50m, by: alice, deployment: {manifest: shop}}]"]));
    assert!((reachable(&outcome) - 1.0).abs() < f64::EPSILON, "{}", reachable(&outcome));
    assert_addresses(&outcome.allocations);
    let manifest = &outcome.operations[0];
    assert!(manifest.said.ends_with(", orchestrator joined"), "{manifest:?}");
}

#[test]
fn an_ensemble_that_its_subnet_cannot_hold_is_refused() {
    let mut setup = setup("calm.yaml", &["duration=5m", "workload[1].deploy.count=1"]);
    let ensemble = Arc::make_mut(&mut setup.workload[0].ensemble);
    let (name, node) = ensemble.nodes.first().map(|(name, node)| (Arc::clone(name), node.clone())).unwrap();
    for number in 0..254 {
        ensemble.nodes.insert(format!("{name}{number}").into(), node.clone());
    }
    let outcome = run(&setup);
    let wanted = ensemble_size(&setup);
    let refused: Vec<_> = outcome.deployments.iter().filter(|row| &*row.status == "failed").collect();
    assert!(!refused.is_empty());
    for row in refused {
        let expected = format!("{wanted} allocations need an address, and the subnet 10.");
        assert!(row.reason.starts_with(&expected) && row.reason.ends_with("/24 has 253"), "{}", row.reason);
    }
}

fn ensemble_size(setup: &Setup) -> usize {
    setup.workload[0].ensemble.nodes.values().map(|node| node.allocations.len()).sum()
}
