//! What operators do beside deployments: questions, grants, memberships, revocations, each with what becomes of it.

use std::fmt::Write as _;
use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

fn run_file(path: &Path, set: &[&str]) -> Outcome {
    let metrics: Vec<&str> = dmsim::observe::all().iter().map(|metric| metric.name).collect();
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
fn a_node_answers_questions_about_itself_and_knows_no_others() {
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
        "/dms/volume/create",
        "/dms/node/peers/dht",
    ];
    let operations: Vec<String> =
        questions.iter().map(|path| format!("by: alice, invoke: {{to: alice, behaviour: {path}}}")).collect();
    let outcome = run("", &operations.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ended(&outcome), [16, 0, 2]);
    refused(&outcome, "message", "unknown behaviour");
    refused(&outcome, "operation", "alice: /dms/volume/create of alice: no answer within 30s");
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
