//! What operators do beside deployments: questions, grants, memberships, revocations, each with what becomes of it.

use std::fmt::Write as _;
use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

fn run_file(path: &Path, set: &[&str]) -> Outcome {
    let metrics = dmsim::observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    match scenario::load(path, &Overrides { set, seed: None }, &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// bob provides, alice and carol ask; one operation a line, each a minute after the one before.
fn run(head: &str, operations: &[&str]) -> Outcome {
    let mut text = format!(
        "version: 1\nduration: 2h\nnetwork: {{latency: {{constant: 20ms}}}}\nworkload: []\n{head}\n\
         peers:\n  - providers: {{names: [bob]}}\n  - orchestrators: {{names: [alice, carol]}}\noperations:\n"
    );
    for (minute, operation) in (1..).zip(operations) {
        writeln!(text, "  - {{at: {minute}m, {operation}}}").unwrap();
    }
    run_text(&text)
}

fn run_text(text: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operations.yaml");
    std::fs::write(&path, text).unwrap();
    run_file(&path, &[])
}

/// How many operations were answered, refused, and left without an answer.
fn ended(outcome: &Outcome) -> [u64; 3] {
    ["answered", "refused", "unanswered"]
        .map(|how| outcome.metric(&format!("operations.{how}")).unwrap() as u64)
}

#[track_caller]
fn refused(outcome: &Outcome, stage: &str, words: &str) {
    let found = outcome.refusals.iter().any(|row| &*row.stage == stage && row.reason.contains(words));
    assert!(found, "no refusal at {stage} with {words}: {:#?}", outcome.refusals);
}

#[test]
fn a_node_answers_questions_about_itself() {
    let questions = [
        "/public/hello",
        "/public/status",
        "/broadcast/hello",
        "/broadcast/dms/status",
        "/dms/node/status",
        "/dms/node/peers/ping",
        "/dms/node/peers/list",
        "/dms/node/peers/self",
        "/dms/node/peers/score",
        "/dms/node/peers/connect, peer: bob",
        "/dms/node/onboarding/status",
        "/dms/node/resources/allocated",
        "/dms/node/resources/free",
        "/dms/node/resources/onboarded",
        "/dms/node/allocations/list",
        "/dms/cap/list",
        "/dms/node/peers/dht",
        "/dms/node/hardware/spec",
        "/dms/node/hardware/usage",
    ];
    let operations: Vec<String> =
        questions.iter().map(|path| format!("by: alice, invoke: {{to: alice, behaviour: {path}}}")).collect();
    let outcome = run("", &operations.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ended(&outcome), [19, 0, 0]);
}

#[test]
fn an_operator_makes_subnets_by_hand() {
    let call = |who: &str, what: &str, subnet: &str, expected: &str| {
        let behaviour = format!("behaviour: /dms/node/subnet/{what}, subnet: {{name: lab{subnet}}}");
        format!("by: {who}, invoke: {{to: bob, {behaviour}}}, {expected}")
    };
    let range = ", range: 10.7.200.0/24";
    let operations = [
        call("bob", "join", ", address: 10.7.200.2", "refusal: does not exist"),
        call("bob", "create", range, "answer: ok"),
        call("bob", "create", range, "refusal: already exists"),
        call("bob", "join", ", address: 10.7.200.2", "answer: ok"),
        call(
            "bob",
            "join",
            ", address: 10.7.201.2",
            "refusal: is not one for an allocation of 10.7.200.0/24",
        ),
        call("bob", "destroy", "", "answer: ok"),
        call("bob", "destroy", "", "refusal: does not exist"),
        // Nobody else may, without a grant.
        "by: alice, invoke: {to: bob, behaviour: /dms/node/subnet/destroy, subnet: {name: lab}}".to_owned(),
    ];
    let outcome = run("", &operations.each_ref().map(String::as_str));
    assert_eq!(ended(&outcome), [3, 4, 1]);
    assert_eq!(outcome.metric("operations.unexpected"), Some(0.0));
}

#[test]
fn everyone_authorised_answers_a_broadcast() {
    let outcome =
        run("", &["by: alice, broadcast: /broadcast/hello", "by: bob, broadcast: /broadcast/dms/status"]);
    assert_eq!(ended(&outcome), [2, 0, 0]);
    assert_eq!(outcome.metric("operations.answers"), Some(4.0));
    let outsider =
        run("profile: intended", &["by: alice, leave: nunet", "by: alice, broadcast: /broadcast/hello"]);
    assert_eq!(ended(&outsider), [1, 0, 1]);
    refused(&outsider, "send", "sent without authority");
    refused(&outsider, "operation", "this node belongs to no organization");
}

#[test]
fn a_grant_counts_until_it_is_withdrawn_or_expires() {
    let ask = |who: &str| format!("by: {who}, invoke: {{to: bob, behaviour: /dms/node/resources/free}}");
    let (alice, carol) = (ask("alice"), ask("carol"));
    let outcome = run(
        "",
        &[
            &alice,
            "by: bob, grant: {name: look, to: alice, capabilities: [/dms/node], for: 1h}",
            &alice,
            "by: alice, revoke: {token: look}",
            "by: bob, revoke: {token: look}",
            &alice,
            "by: bob, grant: {name: glance, to: carol, capabilities: [/dms/node], for: 90s}",
            &carol,
            &carol,
            "by: bob, revoke: {member: bob, org: other}",
        ],
    );
    assert_eq!(ended(&outcome), [5, 2, 3]);
    refused(
        &outcome,
        "message",
        "/dms/node/resources/free: not authorized: no token: token has been revoked",
    );
    refused(&outcome, "operation", "alice: revoking look: not authorized");
    refused(&outcome, "operation", "bob is no member of other");
}

#[test]
fn tokens_are_anchored_and_removed_at_other_nodes_by_those_who_may() {
    let look = "by: bob, invoke: {to: carol, behaviour: /dms/node/status}";
    let outcome = run(
        "",
        &[
            "by: bob, grant: {to: alice, capabilities: [/dms/cap], for: 1h}",
            "by: carol, grant: {name: gift, to: bob, capabilities: [/dms/node], for: 1h, anchor: false}",
            look,
            "by: carol, anchor: {at: bob, slot: provide, token: gift}",
            "by: alice, anchor: {at: bob, slot: provide, token: gift}",
            look,
            "by: bob, remove_anchor: {slot: provide, token: gift}",
            look,
            "by: carol, grant: {name: own, to: carol, capabilities: [/dms/node], for: 1h}",
            "by: alice, anchor: {at: bob, slot: provide, token: own, behaviour: /dms/cap/anchor}",
            "by: alice, list_capabilities: bob",
            "by: carol, list_capabilities: bob",
            "by: carol, list_capabilities: carol",
        ],
    );
    assert_eq!(ended(&outcome), [8, 1, 4]);
    refused(&outcome, "anchor", "anchoring under provide: the token was granted to somebody else");
    refused(&outcome, "operation", "anchoring under provide at bob: the token was granted to somebody else");
}

#[test]
fn who_joins_without_consent_is_told_so_or_meets_silence() {
    let operations = [
        "by: carol, leave: nunet",
        "by: carol, join: {org: nunet, token: {of: alice}}",
        "by: carol, broadcast: /broadcast/hello",
        "by: carol, join: {org: nunet, token: forged}",
    ];
    let intended = run("profile: intended", &operations);
    assert_eq!(ended(&intended), [1, 2, 1]);
    refused(
        &intended,
        "operation",
        "joining nunet with the token of alice: the token was granted to somebody else",
    );
    refused(&intended, "operation", "verify token: verify: signature: signature verification failed");
    refused(&intended, "send", "/broadcast/hello: sent without authority");
    let as_is = run("profile: as-is", &operations);
    assert_eq!(ended(&as_is), [2, 1, 1]);
    assert!(as_is.refusals.iter().all(|row| &*row.stage != "send"));
}

/// Times at which an orchestrator's deployments were asked for that ran, and that did not.
fn asked(outcome: &Outcome, by: &str) -> (Vec<f64>, Vec<f64>) {
    let own = outcome.deployments.iter().filter(|row| &*row.orchestrator == by);
    let times = own.map(|row| (row.submitted_s, &*row.outcome == "succeeded"));
    let (ran, not): (Vec<_>, Vec<_>) = times.partition(|(_, ran)| *ran);
    (ran.into_iter().map(|(at, _)| at).collect(), not.into_iter().map(|(at, _)| at).collect())
}

#[test]
fn memberships_decide_who_is_served_and_when() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/organizations.yaml");
    let outcome = run_file(&path, &[]);
    let hour = 3600.0;
    assert_eq!(asked(&outcome, "alice").1, [0.0; 0]);
    let (ran, not) = asked(&outcome, "mallory");
    assert!(ran.iter().all(|at| *at <= 2.0 * hour) && not.iter().all(|at| *at > 2.0 * hour));
    let (ran, not) = asked(&outcome, "gina");
    assert!(ran.iter().all(|at| *at < 3.0 * hour) && not.iter().all(|at| *at >= 3.0 * hour));
    let (ran, not) = asked(&outcome, "otto");
    assert!(ran.iter().all(|at| (hour..=3.0 * hour).contains(at)), "{ran:?}");
    assert!(not.iter().all(|at| *at < hour || *at > 3.0 * hour), "{not:?}");
    assert!(ran.len() >= 10 && not.len() >= 10);
    let served = |group: &str| outcome.allocations.iter().any(|row| row.peer.starts_with(group));
    assert!(served("acme-hosts") && served("globex-hosts"));
    assert!(!served("takers") && !served("givers"), "half members serve nobody");
    let at_end = |peer: &str| &*outcome.peers.iter().find(|row| &*row.peer == peer).unwrap().memberships;
    assert_eq!((at_end("shared-1"), at_end("otto"), at_end("takers-0")), ("acme", "", ""));
    let real = run_file(&path, &["signatures=real"]);
    assert_eq!(real.digest, outcome.digest);
}

#[test]
fn a_second_membership_is_lost_to_blind_subsumption() {
    let memberships = |profile: &str| {
        let peers = "peers: [{providers: {names: [bob], org: [acme, globex]}}]";
        let outcome =
            run_text(&format!("version: 1\nduration: 1m\nworkload: []\nprofile: {profile}\n{peers}\n"));
        outcome.peers[0].memberships.to_string()
    };
    assert_eq!(memberships("as-is"), "acme");
    assert_eq!(memberships("{base: as-is, fix: [C4]}"), "acme globex");
}

#[test]
fn where_nothing_was_revoked_comparing_costs_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/outage.yaml");
    let small = ["duration=130m", "peers[0].providers.count=12", "peers[1].providers.count=18"];
    let run = |profile: &str| run_file(&path, &[&small[..], &[profile]].concat());
    let (with, without) = (run("profile=intended"), run("profile={base: intended, add: [C9]}"));
    assert!(with.metric("peers.lost").unwrap() > 1.0, "somebody must connect again");
    assert_eq!((with.digest, with.events), (without.digest, without.events));
    assert_eq!(with.metric("messages.sent"), without.metric("messages.sent"));
}

/// Calls of bob's operator to his own node.
fn bob(behaviour: &str, payload: &str) -> String {
    format!("by: bob, invoke: {{to: bob, behaviour: {behaviour}{payload}}}")
}

fn onboard(offer: &str) -> String {
    bob("/dms/node/onboarding/onboard", &format!(", offer: {{{offer}}}"))
}

/// One provider of eight cores; what happens to alice's task on it, and operations a minute apart.
fn on_a_small_machine(profile: &str, operations: &[String]) -> Outcome {
    let mut text = format!(
        "version: 1\nduration: 1h\nprofile: {profile}\nnetwork: {{latency: {{constant: 20ms}}}}\n\
         images: [hello-world: {{size: 13 kB, task: {{run: 9m30s}}}}]\n\
         workload: [deploy: {{by: alice, ensemble: whole-machine.yaml, arrivals: {{at: 5m}}}}]\n\
         peers:\n  - providers: {{names: [bob], hardware: {{cpu: 8, ram: 16 GiB, disk: 200 GiB, \
         gpu: {{vendor: NVIDIA, model: T4, vram: 16 GiB}}}}}}\n  - orchestrators: {{names: [alice]}}\noperations:\n"
    );
    for (minute, operation) in (1..).zip(operations) {
        writeln!(text, "  - {{at: {minute}m, {operation}}}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let ensemble = include_str!("../../scenarios/ensembles/whole-machine.yaml");
    std::fs::write(folder.path().join("whole-machine.yaml"), ensemble).unwrap();
    let path = folder.path().join("operations.yaml");
    std::fs::write(&path, text).unwrap();
    run_file(&path, &[])
}

/// The refusals of a stage, each as often as it happened, in the order of the alphabet.
fn refusals(outcome: &Outcome, stage: &str) -> Vec<(u64, String)> {
    let rows = outcome.refusals.iter().filter(|row| &*row.stage == stage);
    let mut all: Vec<_> = rows.map(|row| (row.count, row.reason.to_string())).collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all
}

#[test]
fn a_machine_is_offered_and_withdrawn_within_its_limits() {
    let offboard = bob("/dms/node/onboarding/offboard", "");
    let outcome = on_a_small_machine(
        "intended",
        &[
            offboard.clone(),
            offboard.clone(),
            onboard("cpu: 9, ram: 8 GiB, disk: 1 GiB"),
            onboard("cpu: 7, ram: 14 GiB, disk: 100 GiB"),
            // From five minutes on six cores and 8 GiB are in use, for nine and a half minutes.
            bob("/dms/node/hardware/usage", ""),
            onboard("cpu: 5, ram: 8 GiB, disk: 100 GiB"),
            onboard("cpu: 8, ram: 7 GiB, disk: 100 GiB"),
            onboard("cpu: 8, ram: 8 GiB, disk: 10 GiB, gpu: false"),
            offboard.clone(),
            onboard("cpu: 0.5, ram: 8 GiB, disk: 100 GiB"),
            onboard("cpu: 8, ram: 1 GiB, disk: 100 GiB"),
            onboard("cpu: 8, ram: 15 GiB, disk: 100 GiB"),
            onboard("cpu: 8, ram: 8 GiB, disk: 201 GiB"),
            bob("/dms/node/hardware/usage", ""),
            offboard,
        ],
    );
    assert_eq!(ended(&outcome), [6, 9, 0]);
    let mut expected = [
        "the machine is not onboarded",
        "CPU must be between 1 core and 8 cores: 9 cores cannot be offered",
        "Demand too high: CPU is short by 1 core: 6 cores required, 5 cores available",
        "Demand too high: RAM is short by 1 GiB: 8 GiB required, 7 GiB available",
        "still in use: 6 cores, 8 GiB RAM, 10 GiB disk",
        "CPU must be between 1 core and 8 cores: 0.5 cores cannot be offered",
        "RAM must be between 1.6 GiB and 14.4 GiB: 1 GiB cannot be offered",
        "RAM must be between 1.6 GiB and 14.4 GiB: 15 GiB cannot be offered",
        "disk must be between 0 B and 200 GiB: 201 GiB cannot be offered",
    ];
    expected.sort_unstable();
    assert_eq!(refusals(&outcome, "onboarding"), expected.map(|reason| (1, reason.to_owned())));
    assert_eq!(outcome.metric("deployments.succeeded"), Some(1.0), "the offer had come back in time");
    assert_eq!(outcome.metric("resources.leaked"), Some(0.0));
}

#[test]
fn who_offers_nothing_makes_no_bid_and_what_is_offered_counts_while_it_is() {
    let offboard = bob("/dms/node/onboarding/offboard", "");
    let outcome = on_a_small_machine("intended", &[offboard]);
    assert_eq!(outcome.metric("deployments.succeeded"), Some(0.0));
    refused(&outcome, "bid", "the peer is not onboarded");
    let utilisation = |operations: &[String]| {
        on_a_small_machine("intended", operations).metric("resources.utilisation_cpu").unwrap()
    };
    let later = |minute: usize, operation: String| {
        let mut all = vec![bob("/public/hello", ""); minute];
        all[minute - 1] = operation;
        all
    };
    // Six cores for a sixth of the hour: of 6.4 offered, and of 8 from the half hour on.
    let (before, after) =
        (utilisation(&[]), utilisation(&later(30, onboard("cpu: 8, ram: 8 GiB, disk: 1 GiB"))));
    assert!((before / after - (6.4 + 8.0) / (6.4 + 6.4)).abs() < 1e-3, "{before} {after}");
}

#[test]
fn a_gib_is_what_it_says_and_as_is_a_power_of_ten() {
    // The task needs 8 GiB.
    let offer = [onboard("cpu: 8, ram: 8 GiB, disk: 100 GiB")];
    let intended = on_a_small_machine("intended", &offer);
    assert_eq!(intended.metric("deployments.succeeded"), Some(1.0));
    let as_is = on_a_small_machine("{base: as-is, fix: [C15]}", &offer);
    assert_eq!(as_is.metric("deployments.succeeded"), Some(0.0));
    refused(&as_is, "bid", "not enough is free of RAM");
}

#[test]
fn a_logger_is_configured_by_who_may_and_with_what_makes_sense() {
    let logger = |who: &str, change: &str| {
        format!("by: {who}, invoke: {{to: bob, behaviour: /dms/node/logger/config, logger: {{{change}}}}}")
    };
    let operations = [
        logger("bob", "level: debug, flush_interval: 5, api_key: secret, elastic: true"),
        logger("bob", "level: loud"),
        logger("bob", "elastic_url: logs"),
        logger("alice", "level: error"),
    ];
    let outcome = run("", &operations.each_ref().map(String::as_str));
    assert_eq!(ended(&outcome), [1, 2, 1]);
    refused(&outcome, "operation", "`loud` is no log level: there are DEBUG, INFO, WARN, ERROR");
    refused(&outcome, "operation", "`logs` is not the URL of a server");
    refused(&outcome, "message", "/dms/node/logger/config: not authorized");
}
