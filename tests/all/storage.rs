//! Volumes and data in whole runs: what survives, what is lost, and what is said about it (docs/storage.md).

use std::path::Path;

use dmsim::scenario::{self, Loaded, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// Each of the machines goes down for half an hour, one after the other, so that whatever runs has to move.
const BOTH_DOWN: &str =
    "faults=[{crash: {at: 1h, group: one, repair: 30m}}, {crash: {at: 2h, group: two, repair: 30m}}]";
const ACCOUNTS: &str = "../../../scenarios/ensembles/accounts.yaml";
const SIMULATION: &str = "../../../scenarios/ensembles/simulation.yaml";

/// The base scenario with an ensemble that is deployed after a minute.
fn load(ensemble: &str, changes: &[&str]) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/storage/base.yaml");
    let deploy = format!("{{by: alice, ensemble: {ensemble}, arrivals: {{at: 1m}}}}");
    let mut set = vec![format!("workload=[{{deploy: {deploy}}}]")];
    set.extend(changes.iter().map(|change| (*change).to_owned()));
    let metrics = dmsim::observe::metric_names();
    scenario::load(&path, &Overrides { set, seed: None }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
}

fn run(ensemble: &str, changes: &[&str]) -> Outcome {
    sim::run(&load(ensemble, changes).setup, Options::default(), &mut |_, _| true).unwrap()
}

fn metric(outcome: &Outcome, name: &str) -> u64 {
    outcome.metric(name).unwrap_or_else(|| panic!("{name} was not measured")) as u64
}

/// Whether somebody said that.
fn says(outcome: &Outcome, stage: &str, words: &str) -> bool {
    outcome.refusals.iter().any(|row| &*row.stage == stage && row.reason.contains(words))
}

#[test]
fn a_stateful_service_moves_with_its_data_to_another_node_when_its_volume_is_shared() {
    let outcome = run(ACCOUNTS, &[BOTH_DOWN]);
    assert!(metric(&outcome, "redeployments") >= 1);
    assert_eq!(metric(&outcome, "storage.lost"), 0);
    // It moved an hour after it began to write a megabyte a minute, or two hours.
    let recovered = metric(&outcome, "storage.recovered");
    assert!(recovered >= 55_000_000, "{recovered}");
    // A machine that is back runs what it ran, and writes, until it learns that this lives elsewhere by now.
    let written = metric(&outcome, "storage.written");
    assert!((220_000_000..=245_000_000).contains(&written), "{written}");
    assert_eq!(metric(&outcome, "resources.leaked"), 0);
}

#[test]
fn a_stateful_service_starts_empty_on_another_node_when_its_volume_is_local() {
    let outcome = run("notes.yaml", &[BOTH_DOWN]);
    assert!(metric(&outcome, "redeployments") >= 1);
    let lost = metric(&outcome, "storage.lost");
    assert!(lost >= 55_000_000, "{lost}");
    assert_eq!(metric(&outcome, "volumes.not_mounted"), 0);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 1);
}

#[test]
fn a_service_that_must_find_its_data_is_refused_elsewhere_with_a_clear_reason() {
    let only_one = "peers[0].providers.storage={directories: [/srv/notes]}";
    let outcome = run("archive.yaml", &[only_one, "faults=[{crash: {at: 1h, group: one, repair: never}}]"]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 1);
    assert!(says(&outcome, "allocate", "special device /srv/notes does not exist: its data is unavailable"));
    assert_eq!(metric(&outcome, "storage.recovered"), 0);
    let availability = outcome.metric("services.availability").expect("a service was wanted");
    assert!((0.2..0.3).contains(&availability), "{availability}: it ran for the first of four hours");
}

#[test]
fn a_deployment_fails_where_nobody_has_the_directory_and_says_so() {
    let outcome = run("archive.yaml", &[]);
    assert_eq!(metric(&outcome, "deployments.succeeded"), 0);
    assert!(says(&outcome, "allocate", "failed to mount local filesystem"));
    let reason = &outcome.deployments[0].reason;
    assert!(reason.contains("its data is unavailable"), "{reason}");
    assert_eq!(metric(&outcome, "resources.leaked"), 0);
}

#[test]
fn data_survives_restarts_in_place() {
    let changes = [
        "peers[1].providers.hardware={cpu: 1, ram: 1 GiB, disk: 1 GB}",
        "faults=[{restart: {at: 1h, group: one, down: 20s}}, {crash: {at: 2h, group: one, repair: 20s}}]",
    ];
    let outcome = run("notes.yaml", &changes);
    assert_eq!(metric(&outcome, "storage.lost"), 0);
    // The process alone takes nothing from what runs; the machine does, once.
    let recovered = metric(&outcome, "storage.recovered");
    assert!((110_000_000..=120_000_000).contains(&recovered), "{recovered}");
}

#[test]
fn a_full_disk_is_a_failure_with_a_reason() {
    let outcome = run("hoarder.yaml", &[]);
    assert!(metric(&outcome, "storage.not_written") >= 1);
    assert!(says(&outcome, "run", "write /var/lib/notes: no space left on device"));
    // Seven times four gigabytes fit on each of the two disks.
    assert!(metric(&outcome, "storage.written") <= 56_000_000_000);
}

#[test]
fn a_computation_repeats_at_most_what_it_did_since_its_last_checkpoint() {
    let outcome = run(SIMULATION, &[BOTH_DOWN]);
    assert_eq!(metric(&outcome, "deployments.completed"), 1);
    assert!(metric(&outcome, "redeployments") >= 1);
    // Ten minutes, and the ten seconds that 100 MB take over 80 Mbit/s, twice if the last one was under way.
    let repeated = metric(&outcome, "storage.repeated_work.max");
    assert!((1..=620).contains(&repeated), "{repeated}");
    let without = run(SIMULATION, &[BOTH_DOWN, "images.example/simulation.checkpoint.every=3h"]);
    assert_eq!(metric(&without, "storage.written"), 0);
    assert_eq!(metric(&without, "storage.recovered"), 0);
}

#[test]
fn checkpoints_move_at_the_speed_of_the_slower_of_disk_and_link() {
    let writes = |changes: &[&str]| metric(&run(SIMULATION, changes), "storage.written") / 100_000_000;
    // 100 MB: a second on the server's disk, ten over the link; every ten minutes within two hours.
    assert_eq!(writes(&[]), 11);
    assert_eq!(writes(&["peers[2].volume_servers.storage.rate=1 Mbit/s"]), 5, "800 s on a disk of 1 Mbit/s");
    assert_eq!(writes(&["network.bandwidth={up: 1 Mbit/s, down: 1 Mbit/s}"]), 5, "800 s over 1 Mbit/s");
}

#[test]
fn what_cannot_reach_its_server_waits_for_it() {
    let outcome = run(ACCOUNTS, &["faults=[{crash: {at: 1h, peer: vault, repair: 30m}}]"]);
    assert_eq!(metric(&outcome, "storage.not_written"), 0);
    assert_eq!(metric(&outcome, "storage.lost"), 0);
    assert_eq!(metric(&outcome, "restarts"), 0);
    let written = metric(&outcome, "storage.written");
    assert!((190_000_000..=210_000_000).contains(&written), "half an hour less than four: {written}");
}

#[test]
fn volumes_that_are_not_there_not_started_or_not_ours_are_refused() {
    let stranger = run("stranger.yaml", &[]);
    assert!(says(&stranger, "allocate", "vault: TLS handshake failed"));
    for (operations, reason) in [
        ("operations=[]", "volume accounts does not exist"),
        ("operations[3].at=2h", "volume accounts is not started"),
    ] {
        let outcome = run(ACCOUNTS, &[operations]);
        assert_eq!(metric(&outcome, "deployments.succeeded"), 0, "{operations}");
        assert!(says(&outcome, "allocate", reason), "{operations}");
    }
    let away = run(ACCOUNTS, &["faults=[{crash: {at: 40s, peer: vault, repair: never}}]"]);
    assert!(says(&away, "allocate", "none of the servers vault can be reached"));
}

#[test]
fn only_the_creator_deletes_a_volume_and_what_is_on_it_is_gone() {
    let pem = "client_pem: \"-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----\"";
    let operation = |at: &str, by: &str, to: &str, what: &str, volume: &str, end: &str| {
        format!(
            "{{at: {at}, by: {by}, invoke: {{to: {to}, behaviour: /dms/volume/{what}, volume: {{{volume}}}}}, {end}}}"
        )
    };
    let grant = "{at: 1s, by: vault, grant: {to: alice, capabilities: [/dms/volume], for: 30d}}";
    let to_bob = "{at: 1s, by: vault, grant: {to: bob, capabilities: [/dms/volume], for: 30d}}";
    let new = format!("name: accounts, {pem}");
    let operations = [
        grant.to_owned(),
        to_bob.to_owned(),
        operation("10s", "alice", "vault", "create", &new, "answer: volume created"),
        operation("11s", "bob", "vault", "create", &new, "refusal: volume accounts already exists"),
        operation("12s", "bob", "vault", "create", "name: other", "refusal: invalid client PEM"),
        operation("13s", "alice", "vault", "start", "name: other", "refusal: volume other does not exist"),
        operation("20s", "alice", "vault", "start", "name: accounts", "answer: ok"),
        operation("21s", "alice", "vault", "start", "name: accounts", "refusal: already started"),
        operation("1h", "bob", "vault", "delete", "name: accounts", "refusal: only the creator can delete"),
        operation("2h", "alice", "vault", "delete", "name: accounts", "answer: ok"),
        operation("150m", "alice", "vault", "delete", "name: accounts", "refusal: ownership is unknown"),
        operation("3h", "vault", "vault", "create", &new, "answer: volume created"),
    ];
    let outcome = run(ACCOUNTS, &[&format!("operations=[{}]", operations.join(", "))]);
    assert_eq!(metric(&outcome, "operations.unexpected"), 0, "{:?}", outcome.operations);
    // Whoever still has it mounted finds out at the next write.
    assert!(says(&outcome, "run", "write /var/lib/accounts: transport endpoint is not connected"));
}

#[test]
fn what_will_never_be_mounted_or_written_is_a_warning() {
    assert_eq!(load(ACCOUNTS, &[]).warnings.render(false), "");
    let away =
        load(ACCOUNTS, &["peers[2].volume_servers.names=[safe]", "operations=[]"]).warnings.render(false);
    assert!(
        away.contains("no volume server is called `vault`: the volume of `accounts` will never"),
        "{away}"
    );
    let writes = "images.nginx={size: 1 MB, service: {}, writes: {size: 1 MB, every: 1m}}";
    let nowhere = load("../../../scenarios/ensembles/web.yaml", &[writes]).warnings.render(false);
    assert!(nowhere.contains("`web` has no volume that it can write to"), "{nowhere}");
}
