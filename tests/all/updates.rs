//! Updates of running deployments (dms-orchestration section 4.4, dms-acceptance section 7): what is new is added, what
//! is missing removed, what has another peer moved, and all else stays where it is, whatever stops meanwhile.

use std::fmt::Write as _;

use dmsim::kernel::{Distribution, Span, Time};
use dmsim::observe::AllocationRow;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::setup::{Fault, Selection};
use dmsim::sim::{self, Options, Outcome, Setup};
use rayon::prelude::*;

/// An ensemble whose nodes run copies of one service: `one: [a, b]` or `one@p1: [a]`.
fn ensemble(nodes: &[(&str, &[&str])]) -> String {
    let service = "{type: service, executor: docker, resources: {cpu: {cores: 1}, ram: {size: 1}, \
                   disk: {size: 2}}, execution: {type: docker, image: nginx}, failure_recovery: one_for_one}";
    let mut text = "version: \"V1\"\nallocations:\n".to_owned();
    for name in nodes.iter().flat_map(|(_, names)| *names) {
        writeln!(text, "  {name}: {service}").unwrap();
    }
    text.push_str("nodes:\n");
    for (node, names) in nodes {
        let (node, pin) = node
            .split_once('@')
            .map_or((*node, String::new()), |(node, peer)| (node, format!("peer: {peer}, ")));
        let names = names.join(", ");
        writeln!(text, "  {node}: {{{pin}allocations: [{names}], failure_recovery: redeploy}}").unwrap();
    }
    text
}

struct Run {
    outcome: Outcome,
}

/// Deploys the first ensemble and makes it the others, one every ten minutes, with what the answers must contain.
fn run(head: &str, first: &str, updates: &[(&str, &str)]) -> Run {
    Run::of(&load(head, first, updates))
}

fn load(head: &str, first: &str, updates: &[(&str, &str)]) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.yaml"), first).unwrap();
    let mut text = format!(
        "version: 1\nduration: 2h\nnetwork: {{latency: {{constant: 20ms}}}}\n{head}\n\
         peers:\n  - providers: {{names: [p1, p2, p3, p4], hardware: {{cpu: 4, ram: 16 GiB, disk: 200 GB}}}}\n\
         \x20 - orchestrators: {{names: [alice]}}\nimages: {{nginx: {{size: 57 MB, service: {{}}}}}}\n\
         workload:\n  - deploy: {{by: alice, ensemble: app.yaml}}\noperations:\n"
    );
    for (number, (update, answer)) in (1..).zip(updates) {
        std::fs::write(folder.path().join(format!("app-{number}.yaml")), update).unwrap();
        let minute = number * 10;
        let update = format!("update: {{deployment: app, ensemble: app-{number}.yaml}}");
        writeln!(text, "  - {{at: {minute}m, by: alice, deployment: {{{update}}}, {answer}}}").unwrap();
    }
    text.push_str("  - {at: 100m, by: alice, deployment: {status: app}, answer: Running}\n");
    let path = folder.path().join("updates.yaml");
    std::fs::write(&path, text).unwrap();
    let metrics = dmsim::observe::metric_names();
    let loaded = scenario::load(&path, &Overrides { set: Vec::new(), seed: None }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    loaded.setup
}

impl Run {
    fn of(setup: &Setup) -> Self {
        Self { outcome: sim::run(setup, Options::default(), &mut |_, _| true).unwrap() }
    }

    fn metric(&self, name: &str) -> f64 {
        self.outcome.metric(name).unwrap()
    }

    /// All went as it should, and nobody holds what nobody wants.
    #[track_caller]
    fn is_clean(&self) {
        let unexpected = self.metric("operations.unexpected");
        assert!(unexpected.total_cmp(&0.0).is_eq(), "{:#?}", self.outcome.refusals);
        assert!(self.metric("resources.leaked").total_cmp(&0.0).is_eq());
        assert!(self.metric("deployments.running").total_cmp(&1.0).is_eq());
        let reachable = self.outcome.metric("subnets.reachable_fraction");
        // A single allocation has nobody to reach.
        assert!(reachable.is_none_or(|part| part.is_nan() || part.total_cmp(&1.0).is_eq()), "{reachable:?}");
    }

    /// The lives of an allocation: peer, generation, and whether it runs at the end.
    fn lives(&self, key: &str) -> Vec<(String, u32, bool)> {
        let row = |row: &AllocationRow| (row.peer.to_string(), row.generation, row.ended_s.is_none());
        let is = |row: &&AllocationRow| format!("{}.{}", row.node, row.allocation) == key;
        self.outcome.allocations.iter().filter(is).map(row).collect()
    }

    #[track_caller]
    fn only_life(&self, key: &str) -> (String, u32, bool) {
        let lives = self.lives(key);
        assert_eq!(lives.len(), 1, "{key}: {lives:?}");
        lives[0].clone()
    }
}

#[test]
fn a_node_is_added_and_removed_again() {
    let small = ensemble(&[("one", &["a"])]);
    let large = ensemble(&[("two", &["b"]), ("one", &["a"])]);
    let run = run("", &small, &[(&large, "answer: OK"), (&small, "answer: OK")]);
    run.is_clean();
    let (first, second) = (run.only_life("one.a"), run.only_life("two.b"));
    assert_eq!((first.1, first.2), (0, true), "it was left alone");
    assert!(!second.2 && second.0 != first.0, "{second:?}");
    assert!(run.metric("services.availability") > 0.99, "{}", run.metric("services.availability"));
}

#[test]
fn a_node_moves_to_another_peer_and_is_found_there() {
    let before = ensemble(&[("one@p1", &["a"]), ("two@p2", &["b"])]);
    let after = ensemble(&[("one@p3", &["a"]), ("two@p2", &["b"])]);
    let run = run("", &before, &[(&after, "answer: OK")]);
    run.is_clean();
    let lives = run.lives("one.a");
    assert_eq!(lives, [("p1".to_owned(), 0, false), ("p3".to_owned(), 1, true)]);
    assert_eq!(run.only_life("two.b"), ("p2".to_owned(), 0, true));
}

#[test]
fn allocations_come_to_a_node_that_runs_and_leave_it() {
    let one = ensemble(&[("one", &["m"]), ("two", &["x"])]);
    let three = ensemble(&[("one", &["a", "m", "z"]), ("two", &["x"])]);
    let last = ensemble(&[("one", &["z"]), ("two", &["x"])]);
    let run = run("", &one, &[(&three, "answer: OK"), (&last, "answer: OK")]);
    run.is_clean();
    let [a, m, z] = ["one.a", "one.m", "one.z"].map(|key| run.only_life(key));
    assert!(a.0 == m.0 && m.0 == z.0, "new allocations are on the peer of their node: {a:?} {m:?} {z:?}");
    assert_eq!([a.2, m.2, z.2], [false, false, true]);
}

#[test]
fn what_comes_back_is_another_life_where_the_former_is_still_to_be_undone() {
    let both = ensemble(&[("one@p1", &["a", "b"])]);
    let less = ensemble(&[("one@p1", &["a"])]);
    let away = "faults: [partition: {at: 9m, for: 25m, between: [{peers: [alice]}, {peers: [p1]}]}]";
    let answers = [(&*less, "answer: OK"), (&*both, "answer: OK")];
    // Nothing is supervised: the deployment stays Running although its peer is cut off.
    let run = run(&format!("{away}\nprofile: {{base: intended, add: [W2]}}"), &both, &answers);
    let lives = run.lives("one.b");
    assert!(run.metric("resources.leaked").total_cmp(&0.0).is_eq(), "{lives:?}");
    assert!(lives.iter().all(|life| life.0 == "p1"), "{lives:?}");
}

#[test]
fn an_update_that_cannot_be_is_undone_at_its_deadline() {
    let small = ensemble(&[("one@p1", &["a"])]);
    let wide = ensemble(&[("one@p1", &["a", "b", "c", "d", "e"]), ("two", &["f"])]);
    let refusal = "refusal: \"not updated: one.b, one.c, one.d, one.e: bid: no bids for one\"";
    let run = run("", &small, &[(&wide, refusal)]);
    run.is_clean();
    assert_eq!(run.only_life("one.a"), ("p1".to_owned(), 0, true));
    // What could be added stays.
    assert!(run.only_life("two.f").2);
    assert!(run.lives("one.b").is_empty());
}

#[test]
fn what_an_update_may_not_do_is_refused_with_a_reason() {
    let app = ensemble(&[("one", &["a"])]);
    let port = app.replace("one: {", "one: {ports: [{public: 0, private: 80, allocation: a}], ");
    let other = app.replace("cores: 1", "cores: 2");
    let here = app.replace("one: {", "one: {location: {accept: [{continent: Europe}]}, ");
    let many: Vec<String> = (0..254).map(|number| format!("n{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = ensemble(&[("one", &["a"]), ("two", &many)]);
    let run = run(
        "",
        &app,
        &[
            (&port, "refusal: \"ports of allocation a cannot be changed\""),
            (&other, "refusal: \"allocation a cannot be changed\""),
            (&here, "refusal: \"accepted locations can only become more\""),
            (&many, "refusal: \"255 allocations need an address\""),
        ],
    );
    run.is_clean();
    assert_eq!(run.only_life("one.a").1, 0);
}

#[test]
fn places_that_a_node_rejects_can_only_become_fewer() {
    let app = ensemble(&[("one", &["a"])]);
    let rejecting =
        |places: &str| app.replace("one: {", &format!("one: {{location: {{reject: [{places}]}}, "));
    let (europe, asia) = ("{continent: Europe}", "{continent: Asia}");
    let accepting = app.replace("one: {", "one: {location: {accept: [{continent: Africa}]}, ");
    let run = run(
        "",
        &rejecting(europe),
        &[
            (
                &rejecting(&format!("{europe}, {asia}")),
                "refusal: \"rejected locations can only become fewer\"",
            ),
            (&rejecting(asia), "refusal: \"rejected locations can only become fewer\""),
            (&accepting, "refusal: \"accepted locations can only become more\""),
            (&app, "answer: OK"),
            (&rejecting(europe), "refusal: \"rejected locations can only become fewer\""),
        ],
    );
    run.is_clean();
    assert_eq!(run.only_life("one.a").1, 0);
}

/// With a limit on the link between the first two nodes.
fn linked(ensemble: &str, rtt_ms: u32) -> String {
    format!("{ensemble}edge_constraints:\n  - {{edges: [one, two], rtt: {rtt_ms}, bw: 1000000}}\n")
}

#[test]
fn links_are_measured_where_a_node_is_new_and_cannot_be_demanded_of_those_that_run() {
    let one = ensemble(&[("one", &["a"])]);
    let two = ensemble(&[("one", &["a"]), ("two", &["b"])]);
    let too_far = "refusal: \"not updated: two.b: edge: no candidate satisfies the edges of the ensemble\"";
    let run = run(
        "",
        &one,
        &[
            (&linked(&two, 1), too_far),
            (&linked(&two, 1000), "answer: OK"),
            (
                &linked(&two, 900),
                "refusal: \"nodes one and two are deployed: no edge can be added between them\"",
            ),
            (&two, "answer: OK"),
        ],
    );
    run.is_clean();
    assert_eq!((run.only_life("one.a").1, run.only_life("two.b").2), (0, true));
}

#[test]
fn a_node_that_cannot_move_in_time_goes_where_it_can() {
    let before = ensemble(&[("one@p1", &["a"]), ("two", &["b"])]);
    let after = ensemble(&[("one@p3", &["a"]), ("two", &["b"])]);
    let away = "faults: [crash: {at: 9m, peer: p3, repair: never}]";
    let run = run(away, &before, &[(&after, "refusal: \"not updated: one.a: bid: no bids for one\"")]);
    run.is_clean();
    let lives = run.lives("one.a");
    assert_eq!(lives.len(), 2, "{lives:?}");
    assert_eq!((&*lives[0].0, lives[0].2), ("p1", false), "it gave up its place first");
    assert!(lives[1].0 != "p3" && lives[1].2, "{lives:?}");
}

/// With so many standbys of the first node.
fn redundant(ensemble: &str, standbys: u32) -> String {
    ensemble.replace("  one: {", &format!("  one: {{redundancy: {standbys}, "))
}

#[test]
fn standbys_come_and_go_with_their_node_and_follow_when_places_change() {
    let front = ensemble(&[("zero", &["z"])]);
    let both = redundant(&ensemble(&[("zero", &["z"]), ("one", &["a"])]), 1);
    // `zero` gives way to `two`, which takes a place before `one` in another order.
    let behind = redundant(&ensemble(&[("one", &["a"]), ("two", &["b"])]), 1);
    let stays = "refusal: \"node one has standbys: it can be removed, but\"";
    let less = behind.replace("redundancy: 1, ", "");
    let more = redundant(&ensemble(&[("one", &["a", "c"]), ("two", &["b"])]), 1);
    let updates = [
        (&*both, "answer: OK"),
        (&behind, "answer: OK"),
        (&less, stays),
        (&more, stays),
        (&front, "answer: OK"),
    ];
    let calm = run("", &front, &updates);
    calm.is_clean();
    let primary = calm.only_life("one.a").0;
    let away = format!("faults: [crash: {{at: 25m, peer: {primary}, repair: never}}]");
    let run = run(&away, &front, &updates);
    run.is_clean();
    // Its standby has taken over, and it has become a standby elsewhere.
    let state = |life: &(String, u32, bool)| (life.1, life.2);
    let lives = run.lives("one.a");
    assert_eq!(lives.iter().map(state).collect::<Vec<_>>(), [(0, false), (1, false)], "{lives:?}");
    assert!(lives[1].0 != primary, "{lives:?}");
    assert!(
        run.outcome.allocations.iter().any(|row| &*row.node == "one-standby-1" && row.started_s.is_some())
    );
    assert!(run.metric("services.availability") > 0.97, "{}", run.metric("services.availability"));
    let gone = ["one.a", "one-standby-1.a", "two.b"].map(|key| run.lives(key));
    assert!(gone.iter().flatten().all(|life| !life.2), "{gone:?}");
}

#[test]
fn a_node_without_room_for_its_standbys_is_not_added() {
    let small = ensemble(&[("zero", &["z"])]);
    let large = redundant(&ensemble(&[("zero", &["z"]), ("one", &["a"])]), 4);
    let run = run("", &small, &[(&large, "refusal: \"not updated: \"")]);
    run.is_clean();
    assert!(run.lives("one.a").iter().all(|life| !life.2), "the primary alone is not what was asked for");
    assert_eq!(run.only_life("zero.z").1, 0);
}

#[test]
fn a_node_that_is_lost_while_it_is_extended_moves_as_a_whole() {
    let before = ensemble(&[("one", &["m"])]);
    let after = ensemble(&[("one", &["a", "m", "z"])]);
    let home = run("", &before, &[(&after, "answer: OK")]).only_life("one.m").0;
    for at in ["10m4s", "10m5030ms", "10m5050ms", "10m5100ms", "10m5300ms", "10m8s"] {
        let crash = format!("faults: [crash: {{at: {at}, peer: {home}, repair: never}}]");
        let run = run(&crash, &before, &[(&after, "answer: OK")]);
        run.is_clean();
        let last = ["one.a", "one.m", "one.z"].map(|key| run.lives(key).last().cloned().unwrap());
        let new = &last[1].0;
        assert!(*new != home && last.iter().all(|life| life.0 == *new && life.2), "{at}: {last:?}");
    }
}

/// The ensembles before and after an update that adds, removes, extends and moves.
fn of_every_kind() -> [String; 2] {
    [
        ensemble(&[("one@p1", &["a"]), ("two@p2", &["b"]), ("gone", &["c"])]),
        ensemble(&[("three", &["e"]), ("one@p1", &["d", "a"]), ("two@p3", &["b"])]),
    ]
}

/// Between its steps.
fn instants() -> Vec<Time> {
    let rounds = (0..5).map(|step| 600_001 + 1_000 * step);
    let steps = (0..24).map(|step| 605_001 + 21 * step);
    let starts = (0..8).map(|step| 605_601 + 700 * step);
    rounds.chain(steps).chain(starts).map(|at| Time::ZERO + Span::millis(at)).collect()
}

/// Runs it with each of the faults and says what is wrong in the end: something is held for nobody, or it does not run,
/// or what runs is not accepted.
fn with_each(setup: &Setup, faults: &[Fault], accepts: impl Fn(&[String]) -> bool + Sync) -> Vec<String> {
    let check = |fault: &Fault| {
        let mut setup = setup.clone();
        setup.faults.push(fault.clone());
        let run = Run::of(&setup);
        let live = run.outcome.allocations.iter().filter(|row| row.ended_s.is_none());
        let mut keys: Vec<String> = live.map(|row| format!("{}.{}", row.node, row.allocation)).collect();
        keys.sort_unstable();
        let deployment = &run.outcome.deployments[0];
        let clean =
            run.metric("resources.leaked").total_cmp(&0.0).is_eq() && &*deployment.status == "running";
        (!clean || !accepts(&keys)).then(|| format!("{fault:?}: {keys:?} {deployment:?}"))
    };
    faults.par_iter().filter_map(check).collect()
}

#[test]
fn whatever_stops_during_an_update_it_comes_to_what_was_asked_for() {
    let [before, after] = of_every_kind();
    let setup = load("", &before, &[(&after, "answer: OK")]);
    let who = |name: &str| Selection { peers: vec![name.to_owned()], ..Selection::default() };
    let [short, long, too_long] = [Span::secs(2), Span::mins(3), Span::mins(6)].map(Distribution::constant);
    let mut faults = Vec::new();
    for at in instants() {
        for peer in ["alice", "p1", "p2", "p3", "p4"] {
            faults.push(Fault::Crash {
                at: at.into(),
                who: who(peer),
                repair: Some(long),
                loses_disk: false,
            });
            faults.push(Fault::Restart { at: at.into(), who: who(peer), down: short });
        }
    }
    let wrong = with_each(&setup, &faults, |keys| keys == ["one.a", "one.d", "three.e", "two.b"]);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
    // When the deadline passes before the orchestrator is back, what does not run then is given up.
    let crash = |at: Time| Fault::Crash {
        at: at.into(),
        who: who("alice"),
        repair: Some(too_long),
        loses_disk: false,
    };
    let faults: Vec<Fault> = instants().into_iter().map(crash).collect();
    let wrong = with_each(&setup, &faults, |keys| {
        let has = |key: &str| keys.iter().any(|own| own == key);
        let added = usize::from(has("one.d")) + usize::from(has("three.e"));
        has("one.a") && has("two.b") && keys.len() == 2 + added
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
}
