//! What a file is taken for, and what DMS itself would say to it.
use super::*;

const BASE: &str = "\
version: \"V1\"
allocations:
  a:
    type: service
    executor: docker
    resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
    execution: {type: docker, image: nginx}
nodes:
  n:
    allocations: [a]
";

/// The one message of DMS and whether it is quoted; `None` when it accepts the file.
fn said(text: &str) -> Option<(String, bool)> {
    let verdict = verdict("e.yaml", text.as_bytes());
    assert!(verdict.report.diagnostics.len() <= 1, "DMS stops at the first error");
    let one = verdict.report.diagnostics.first()?;
    Some((format!("{}:{} {}", one.line, one.column, one.message), verdict.verbatim))
}

fn changed(old: &str, new: &str) -> String {
    assert!(BASE.contains(old), "{old:?}");
    BASE.replacen(old, new, 1)
}

#[test]
fn files_are_recognised_by_their_content() {
    for (text, kind, key) in [
        ("{version: 1, duration: 1h, peers: []}", Kind::Scenario, Some("peers")),
        ("{version: 1, duration: 1h}", Kind::Scenario, Some("duration")),
        ("{name: x}", Kind::Scenario, None),
        ("[]", Kind::Scenario, None),
        ("{peers: [], allocations: {}}", Kind::Scenario, Some("peers")),
        ("{version: V1}", Kind::Ensemble, Some("version")),
        ("{nodes: {}}", Kind::Ensemble, Some("nodes")),
        ("{name: an-anchor, allocations: {}}", Kind::Ensemble, Some("allocations")),
        ("{version: '1', jobs: {}}", Kind::Ensemble, Some("jobs")),
    ] {
        assert_eq!(Kind::of(&yaml::parse(text.as_bytes()).unwrap()), (kind, key), "{text}");
    }
}

#[test]
fn dms_stops_at_the_first_error_in_its_own_words() {
    assert_eq!(said(BASE), None);
    for (old, new, message) in [
        ("    executor: docker\n", "", "3:3 allocation must have an executor"),
        (
            "executor: docker",
            "executor: firecracker",
            "5:15 allocation executor type (firecracker) must match execution type (docker)",
        ),
        ("disk: {size: 1}", "disk: {}", "6:50 disk must have size value"),
        ("disk: {size: 1}", "disk: {size: 1}, gpus: x", "6:73 gpus must be an array"),
        ("image: nginx", "image: Nginx", "7:38 invalid docker image format: Nginx"),
        (
            "type: docker",
            "type: dokcer",
            "5:15 allocation executor type (docker) must match execution type (dokcer)",
        ),
        ("[a]", "[b]", "10:19 referenced allocation 'b' not found"),
        (
            "nodes:",
            "escalation_strategy: tear_down\nnodes:",
            "8:22 invalid escalation_strategy \"tear_down\": must be one of [redeploy teardown]",
        ),
        ("nodes:", "contracts: {c: {did: x}}\nnodes:", "8:22 invalid did format"),
        ("[a]", "[a]\n    redundancy: two", "11:17 redundancy must be a number"),
        (
            "type: service",
            "type: service\n    keys: [k]",
            "5:12 invalid allocation key spec at index 0: must be a map",
        ),
    ] {
        assert_eq!(said(&changed(old, new)), Some((message.to_owned(), true)), "{new:?}");
    }
}

#[test]
fn transforming_comes_before_validating() {
    // The edges are written last, and are refused first: they are read while the file is transformed.
    let text = changed("    executor: docker\n", "") + "edge_constraints: [{edges: [n]}]\n";
    assert_eq!(said(&text), Some(("10:28 invalid edges parameter: [n]".to_owned(), true)));
}

#[test]
fn dms_accepts_what_it_does_not_look_at() {
    for (old, new) in [
        ("type: service", "type: servce"),
        ("type: service", "type: service\n    health_check: {}"),
        ("disk: {size: 1}", "disk: {size: 1}, gpus: [{vram: many}]"),
        ("nodes:", "edge_constraints: [{edges: [n, m], rtt: -5, bw: fast}]\nnodes:\n  m:"),
        ("[a]", "[a]\n    location: {accept: [{continent: EU, asn: -1}]}"),
        ("[a]", "[a]\n    ports: {80: 80}"),
        ("nodes:", "supervisor: {children: [{children: [{strategy: Never, allocations: [z]}]}]}\nnodes:"),
    ] {
        let text = changed(old, new);
        assert_eq!(said(&text), None, "{new:?}");
        let (diagnostics, ensemble) = check_ensemble("e.yaml", text.as_bytes());
        assert!(!diagnostics.is_empty(), "dmsim has nothing to say about {new:?}");
        assert_eq!(ensemble.is_some(), new.contains("health_check"), "{new:?}");
    }
    // The first level of children is looked at.
    let text = changed("nodes:", "supervisor: {children: [{allocations: [z]}]}\nnodes:");
    assert_eq!(said(&text), Some(("8:40 referenced allocation 'z' not found".to_owned(), false)));
}

#[test]
fn words_of_dms_that_are_not_known_are_not_made_up() {
    for (old, new, message) in [
        ("size: 1", "size: 1 parsec", "6:46 ram size: `parsec` is not a unit of size"),
        ("[a]", "[a]\n    peer: ''", "11:11 peer cannot be empty if specified"),
        ("\"V1\"", "\"2\"", "1:10 unsupported ensemble version `2`"),
        ("[a]", "[a", "10:19 a list in `[...]` is not closed"),
    ] {
        let (said, verbatim) = said(&changed(old, new)).unwrap();
        assert!(said.starts_with(message) && !verbatim, "{new:?}: {said}");
    }
    let (said, verbatim) = said("{version: 1, peers: []}").unwrap();
    assert_eq!((&*said, verbatim), ("1:1 this is a scenario, by its `peers`; DMS reads ensembles", false));
}
