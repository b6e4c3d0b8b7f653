//! Names go on leading to machines whose public address changes: for whom, how soon, and when they do not.

use std::path::Path;

use dmsim::observe::{self, RequestRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// A page on a laptop, asked once a second by users who go by its name, and by others who keep its address.
const PAGE: &str = r"
version: 1
duration: 2h
network: {latency: {constant: 20ms}, bandwidth: {up: 1 Gbit/s, down: 1 Gbit/s}}
peers:
  - providers: {count: 1, names: [laptop], hardware: {cpu: 16, ram: 32 GiB, disk: 500 GB}}
  - orchestrators: {count: 2, names: [olga, dora]}
workload:
  - deploy: {by: olga, ensemble: ensembles/web.yaml, timeout: 10m}
dynamic_dns: {zone: dyn.example, server: dora, ttl: 60s, lease: 10m, peer: laptop}
traffic:
  - {name: by-name, deployment: web, clients: {place: {city: Berlin}, via: dynamic_dns}, to: web, arrivals: {every: 1s}}
  - {name: by-address, deployment: web, clients: {place: {city: Berlin}}, to: web, arrivals: {every: 1s}}
";

fn load(text: &str) -> Result<scenario::Loaded, String> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("moving.yaml");
    let ensembles = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/ensembles");
    std::fs::write(&path, text.replace("ensembles/", &format!("{}/", ensembles.display()))).unwrap();
    let metrics = observe::metric_names();
    scenario::load(&path, &Overrides::default(), &metrics).map_err(|report| report.render(false))
}

fn run(text: &str) -> Outcome {
    let loaded = load(text).unwrap_or_else(|report| panic!("{report}"));
    sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
}

fn sum(outcome: &Outcome, stream: &str, count: fn(&RequestRow) -> u64) -> u64 {
    outcome.requests.iter().filter(|row| &*row.stream == stream).map(count).sum()
}

fn metric(outcome: &Outcome, name: &str, labels: &str) -> f64 {
    let found = outcome.metrics.iter().find(|row| *row.metric == *name && *row.labels == *labels);
    found.map_or(f64::NAN, |row| row.value)
}

#[test]
fn users_find_a_machine_that_moves_by_its_name_and_not_by_its_address() {
    let still = run(PAGE);
    for stream in ["by-name", "by-address"] {
        assert_eq!(sum(&still, stream, |row| row.offered - row.answered), 0, "{stream}");
    }
    let moved = run(&format!("{PAGE}faults:\n  - move: {{at: 1h, peer: laptop}}\n"));
    assert_eq!(metric(&moved, "peers.moved", ""), 1.0);
    let lost = sum(&moved, "by-address", |row| row.timed_out);
    assert!((3_595..=3_605).contains(&lost), "{lost}");
    assert_eq!(metric(&moved, "names.refused", ""), 0.0);
    assert_eq!(sum(&moved, "by-name", |row| row.no_such_name + row.unreachable + row.refused), 0);
}

/// The record is right after one way to the server. Then users are wrong for exactly as long as they remember, and so
/// are their requests.
#[test]
fn an_old_address_is_remembered_to_the_end_of_its_time_and_no_longer() {
    for (ttl, seconds) in [("7s", 7.0), ("60s", 60.0), ("5m", 300.0)] {
        let text = PAGE.replace("ttl: 60s", &format!("ttl: {ttl}"));
        let outcome = run(&format!("{text}faults:\n  - move: {{at: 1h, peer: laptop}}\n"));
        let record = metric(&outcome, "names.record_stale.max", "");
        assert!(record > 0.015 && record < 0.1, "{record}");
        let users = metric(&outcome, "names.users_stale.max", "");
        assert!(users > 0.0 && users <= seconds * 1.01, "{users}");
        let lost = sum(&outcome, "by-name", |row| row.timed_out) as f64;
        assert!((lost - users).abs() <= users * 0.02 + 2.0, "{lost} requests in {users} s");
    }
}

/// The server is away from before the move until twenty minutes after it. What users remember runs out, and the lease
/// of the name does; the machine says it again and again, is told that it has lapsed, and claims it.
#[test]
fn a_server_that_is_down_is_told_when_it_is_back() {
    let faults = "  - crash: {at: 50m, peer: dora, repair: 30m}\n  - move: {at: 1h, peer: laptop}\n";
    let outcome = run(&format!("{PAGE}faults:\n{faults}"));
    assert_eq!(metric(&outcome, "names.refused", "reason=lease lapsed"), 1.0);
    let stale = metric(&outcome, "names.record_stale.max", "");
    assert!((1_190.0..1_290.0).contains(&stale), "{stale}");
    let unknown = sum(&outcome, "by-name", |row| row.no_such_name);
    assert!((28 * 60..33 * 60).contains(&unknown), "{unknown}");
    // Nobody remembered the old address when the machine moved.
    assert_eq!(sum(&outcome, "by-name", |row| row.timed_out), 0);
}

#[test]
fn the_name_of_a_machine_that_is_gone_leads_nowhere_when_its_lease_has_ended() {
    let outcome = run(&format!("{PAGE}faults:\n  - crash: {{at: 30m, peer: laptop, repair: never}}\n"));
    let rows: Vec<_> = outcome.requests.iter().filter(|row| &*row.stream == "by-name").collect();
    let at = |minute: f64| rows.iter().find(|row| row.start_s == minute * 60.0).unwrap();
    assert_eq!(at(30.0).timed_out, at(30.0).offered);
    for minute in [45.0, 60.0, 115.0] {
        assert_eq!(at(minute).no_such_name, at(minute).offered, "{minute}");
    }
}

/// Two machines whose names differ in large and small letters only: the zone knows one name, and its owner.
#[test]
fn a_name_that_another_owns_is_refused() {
    let text = PAGE.replace("[olga, dora]", "[olga, dora, Laptop]").replace("count: 2", "count: 3");
    let outcome = run(&text.replace("peer: laptop}", "peers: [laptop, Laptop]}"));
    let refused = metric(&outcome, "names.refused", "reason=owned by another");
    assert!((100.0..120.0).contains(&refused), "{refused}");
    assert_eq!(sum(&outcome, "by-name", |row| row.offered - row.answered), 0);
}

#[test]
fn what_makes_no_sense_is_explained() {
    let without = PAGE.lines().filter(|line| !line.starts_with("dynamic_dns")).collect::<Vec<_>>().join("\n");
    for (text, said) in [
        (without, "`via: dynamic_dns` needs a section `dynamic_dns`"),
        (PAGE.replace("dyn.example", "-dyn.example"), "no part of a name begins or ends with a hyphen"),
        (PAGE.replace("server: dora", "server: nobody"), "there is no peer `nobody`"),
        (PAGE.replace("ttl: 60s", "ttl: 0s"), "ttl"),
        (PAGE.replace(", peer: laptop}", "}").replace("olga", "ölga"), "can have no name in dyn.example"),
    ] {
        let report = load(&text).map(drop).unwrap_err();
        assert!(report.contains(said), "{report}");
    }
}
