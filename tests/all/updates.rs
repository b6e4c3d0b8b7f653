//! Updates of running deployments (dms-orchestration section 4.4, dms-acceptance section 7): what is new is added, what
//! is missing removed, what has another peer moved, and all else stays where it is.

use std::fmt::Write as _;

use dmsim::observe::AllocationRow;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

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
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.yaml"), first).unwrap();
    let mut text = format!(
        "version: 1\nduration: 2h\nnetwork: {{latency: {{constant: 20ms}}}}\n{head}\n\
         peers:\n  - providers: {{names: [p1, p2, p3], hardware: {{cpu: 4, ram: 16 GiB, disk: 200 GB}}}}\n\
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
    let metrics: Vec<&str> = dmsim::observe::all().iter().map(|metric| metric.name).collect();
    let loaded = scenario::load(&path, &Overrides { set: Vec::new(), seed: None }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    Run { outcome: sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap() }
}

impl Run {
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
