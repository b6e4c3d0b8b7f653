//! Logins into allocations: who gets in, and what the others are told.

use std::fs;

use dmsim::observe;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options};

const ENSEMBLE: &str = r#"
version: "V1"
subnet: {join: true}
allocations:
  box:
    type: service
    executor: docker
    dns_name: workbench
    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
    execution: {type: docker, image: nginx, user: dev}
    keys:
      - {type: ssh, file: keys/ops.pub}
  bare:
    type: service
    executor: docker
    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
    execution: {type: docker, image: nginx}
nodes:
  one:
    allocations: [box]
    ports: [{public: 0, private: 22, allocation: box}]
  two:
    allocations: [bare]
"#;

const SCENARIO: &str = r#"
version: 1
duration: 1h
network: {latency: {constant: 10ms}NAT}
peers:
  - providers: {count: 3, names: [a, b, c], hardware: {cpu: 8, ram: 16 GiB, disk: 100 GB}}
  - relays: {count: 2}
  - orchestrators: {names: [olga, stranger], nat: public}
workload:
  - deploy: {by: olga, ensemble: box.yaml}
operations:
OPERATIONS
faults:
  - crash: {at: 30m, group: providers, repair: never}
"#;

/// Runs logins and gives what was said of each.
fn logins(nat: &str, orders: &[(&str, &str)]) -> Vec<(String, String)> {
    let operation = |(at, order): &(&str, &str)| {
        let (by, order) = order.split_once(' ').unwrap();
        format!("  - {{at: {at}, by: {by}, ssh: {{deployment: box, {order}}}}}\n")
    };
    let operations: String = orders.iter().map(operation).collect();
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("box.yaml"), ENSEMBLE).unwrap();
    let path = place.path().join("ssh.yaml");
    fs::write(&path, SCENARIO.replace("NAT", nat).replace("OPERATIONS", operations.trim_end())).unwrap();
    let metrics = observe::metric_names();
    let loaded = scenario::load(&path, &Overrides::default(), &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let outcome = sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap();
    let said = |row: &observe::OperationRow| (row.outcome.to_string(), row.said.to_string());
    outcome.operations.iter().map(said).collect()
}

#[test]
fn the_key_of_the_manifest_opens_and_nothing_else_does() {
    let key = "key: keys/ops.pub";
    let found = logins(
        ", nat: {shares: {public: 100%}}",
        &[
            ("1s", &format!("olga allocation: box, {key}")),
            ("20m", &format!("olga allocation: box, {key}")),
            ("20m", &format!("olga allocation: box, {key}, from: {{allocation: bare}}")),
            ("20m", &format!("stranger allocation: box, {key}, from: outside")),
            ("20m", "olga allocation: box, key: keys/mine.pub"),
            ("20m", &format!("stranger allocation: box, {key}")),
            ("20m", &format!("olga allocation: bare, {key}")),
            ("20m", &format!("stranger allocation: bare, {key}, from: outside")),
            ("20m", &format!("olga allocation: boks, {key}")),
            ("40m", &format!("olga allocation: box, {key}")),
            ("40m", &format!("stranger allocation: box, {key}, from: outside")),
        ],
    );
    let of = |number: usize| (found[number].0.as_str(), found[number].1.as_str());
    assert_eq!(of(0).0, "refused", "before it runs: {:?}", found[0]);
    let inside = ("answered", "logged in as dev@workbench.internal with keys/ops.pub");
    assert_eq!((of(1), of(2)), (inside, inside));
    assert!(of(3).0 == "answered" && of(3).1.starts_with("logged in as dev@"), "{:?}", found[3]);
    assert_eq!(of(4), ("refused", "dev@workbench.internal: Permission denied (publickey)."));
    let unknown = "ssh: Could not resolve hostname workbench.internal: Name or service not known";
    assert_eq!(of(5), ("refused", unknown));
    assert_eq!(of(6), ("refused", "ssh: connect to host bare.internal port 22: Connection refused"));
    assert_eq!(of(7), ("refused", "no public port leads to port 22 of bare"));
    assert_eq!(of(8), ("refused", "the ensemble has no allocation boks"));
    assert_eq!(
        of(9),
        ("unanswered", "ssh: connect to host workbench.internal port 22: Connection timed out")
    );
    assert!(of(10).0 == "unanswered" && of(10).1.ends_with("Connection timed out"), "{:?}", found[10]);
}

#[test]
fn a_translator_keeps_strangers_out_and_the_subnet_lets_its_own_in() {
    let nat = ", nat: {shares: {port_restricted: 100%}}";
    let found = logins(
        nat,
        &[
            ("20m", "olga allocation: box, key: keys/ops.pub"),
            ("20m", "stranger allocation: box, key: keys/ops.pub, from: outside"),
        ],
    );
    assert_eq!(found[0].0, "answered", "{found:?}");
    assert!(found[1].0 == "unanswered" && found[1].1.ends_with("Connection timed out"), "{found:?}");
}
