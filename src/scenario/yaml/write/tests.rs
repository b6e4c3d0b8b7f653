use std::fs;

use proptest::prelude::*;

use super::super::parse;
use super::*;
use crate::dms::ensemble::tree::Position;

/// Texts that YAML takes for something else when they stand there as they are, or that end one.
#[rustfmt::skip]
const NASTY: &[&str] = &[
    "", " ", "null", "~", "true", "no", "ON", "y", "1", "+1", "-1", "1e3", "1e999", "0x1f", "-0x1f", "0b1", "0o17", "010",
    "1_000", "12:30", "2025-01-01", ".5", "5.", ".nan", "-.inf", "inf", "NaN", "-", "--", "---", "--- a", "...", "- a",
    "-a", "a -", "a - b", "a: b", "a:b", "a:", ":", ":a", "::", "a #b", "a#b", "#a", "<<", "*a", "&a", "!x", "!!str a",
    "%d", "@x", "`x`", "a\nb", "\n", "a\r\nb", "a\tb", "\ta", " a", "a ", "a  b", "'", "\"", "it's", "\\", "\\n", "[x]",
    "{x}", "a,b", "a]", "a}", ",", "?", "? a", "?a", "|", "> a", "=", "5m", "1.5.2", "10.0.0.1", "10.0.0.1:80",
    "nginx:1.27-alpine", "http://localhost:80/health", "--port", "~/.ssh/id", "\u{feff}", "a\u{feff}", "\u{85}",
    "\u{2028}", "\u{a0}a", "\u{0}", "\u{1b}[31m", "\u{fffe}", "\u{7f}", "\u{1f600}", "größe", "日本", "\u{202e}a",
];

/// Scalars of which it matters how they are written: `environment: {MODE: ~}` of an ensemble is `MODE=~`.
#[rustfmt::skip]
const WRITTEN: &[&str] = &[
    "", "~", "null", "NULL", "!!null ''", "true", "True", "1", "+1", "0x1F", "01", "1.50", "1.", "1e999", "-.INF",
    "99999999999999999999", "!!float 2", "!!str 5", "'5'", "\"a\\nb\"", "!!int 0o17", "yes", "[]", "{}", "[~]", "{a: }",
];

/// The same without positions and without how scalars were written.
fn bare(node: &Node) -> Node {
    placeless(node, false)
}

fn placeless(node: &Node, as_written: bool) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => {
            Value::Sequence(items.iter().map(|item| placeless(item, as_written)).collect())
        }
        Value::Mapping(entries) => {
            let key = |key: &Key| Key { text: key.text.clone(), position: Position::START };
            let entries = entries.iter().map(|(own, node)| (key(own), placeless(node, as_written)));
            Value::Mapping(entries.collect())
        }
        value => value.clone(),
    };
    Node { value, position: Position::START, written: node.written.clone().filter(|_| as_written) }
}

fn node(value: Value) -> Node {
    Node::new(value, Position::START)
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        "[-a-c0:,\\[\\]{}&*!|>'\"%@`#?<. \n\t~é]{0,8}",
        "[-+0-9._:eExob]{1,8}",
        prop::sample::select(NASTY).prop_map(str::to_owned),
        ("[a-z]", 900_usize..1300).prop_map(|(letter, times)| letter.repeat(times)),
    ]
}

fn trees() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(node(Value::Null)),
        any::<bool>().prop_map(|value| node(Value::Bool(value))),
        any::<i64>().prop_map(|value| node(Value::Integer(value))),
        any::<f64>()
            .prop_filter("unlike itself", |value| !value.is_nan())
            .prop_map(|value| node(Value::Float(value))),
        texts().prop_map(|text| node(Value::String(text.into()))),
        texts().prop_map(|text| node(Value::String(text.into()))),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| node(Value::Sequence(items))),
            prop::collection::btree_map(texts(), inner, 0..6).prop_map(|entries| {
                let entry = |(text, node): (String, Node)| {
                    (Key { text: text.into(), position: Position::START }, node)
                };
                node(Value::Mapping(entries.into_iter().map(entry).collect()))
            }),
        ]
    })
}

fn read(text: &str) -> Node {
    parse(text.as_bytes()).unwrap_or_else(|findings| panic!("{findings:?} in\n{text}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_reads_back(tree in trees()) {
        let written = write(&tree);
        prop_assert_eq!(bare(&read(&written)), bare(&tree), "{}", written);
        prop_assert!(written.lines().all(|line| !line.ends_with(' ')), "{}", written);
        let line = flow(&tree);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(bare(&read(&line)), bare(&tree), "{}", line);
    }

    /// What was read is the same once more, also in how its scalars were written.
    #[test]
    fn what_was_read_reads_back(entries in prop::collection::vec(prop::sample::select(WRITTEN), 0..8)) {
        let list: String = entries.iter().map(|text| format!("  - {text}\n")).collect();
        let numbered = || entries.iter().enumerate();
        let map: String = numbered().map(|(number, text)| format!("  k{number}: {text}\n")).collect();
        let flow: Vec<String> = numbered().map(|(number, text)| format!("k{number}: {text}")).collect();
        let tree = read(&format!("list:\n{list}map:\n{map}flow: [{{{}}}]\n", flow.join(", ")));
        let written = write(&tree);
        prop_assert_eq!(placeless(&read(&written), true), placeless(&tree, true), "{}", written);
    }
}

#[test]
fn nasty_texts_stand_anywhere() {
    for text in NASTY {
        let value = || node(Value::String((*text).into()));
        let key = Key { text: (*text).into(), position: Position::START };
        let map = node(Value::Mapping(vec![(key, value())]));
        let list = node(Value::Sequence(vec![value(), map.clone(), value()]));
        for tree in [value(), map, list] {
            let written = write(&tree);
            assert_eq!(bare(&read(&written)), bare(&tree), "{written}");
        }
    }
}

#[test]
fn quotes_stand_only_where_they_must() {
    #[rustfmt::skip]
    let bare = [
        "a", "a b", "ensembles/web.yaml", "nginx:1.27-alpine", "http://localhost:80/health", "--port", "-c", "10%", "5m",
        "512 MiB", "10.0.0.1", "10.7.200.0/24", "1.5.2", "0s", "it's", "a#b", "~/.ssh/id", "$HOME", "größe", "a == 2",
        "/dms/node", ".hidden", "a - b", "null-executor",
    ];
    for value in bare {
        assert_eq!(text(value), value);
    }
    #[rustfmt::skip]
    let quoted =
        ["", "1", "1e3", "010", "1_000", "12:30", "yes", "null", "- a", "a: b", "a #b", "a, b", "[a]", "*a", "a "];
    for value in quoted {
        assert_eq!(text(value), format!("\"{value}\""));
    }
    assert_eq!(text("a\n\u{1b}\"\\\t\u{2028}\u{202e}"), r#""a\n\U0000001b\"\\\t\U00002028\U0000202e""#);
}

#[test]
fn scalars_stand_as_they_were_written_where_they_mean_the_same() {
    let text = "- 1.50\n- 0x1F\n- 1e999\n- 99999999999999999999\n- True\n- -0.0\n- ~\n- .NaN\n";
    assert_eq!(write(&read(text)), text);
    let text = "a: !!float 2\nb:\nc: {d: , e: null}\nf:\n  - [!!null \"\", 1]\n";
    assert_eq!(write(&read(text)), text);
    let changed = Node { value: Value::Integer(7), ..read("1") };
    assert_eq!(write(&changed), "7\n");
}

#[test]
fn long_lines_are_broken_and_long_keys_are_not() {
    let long = "x".repeat(60);
    let tree = read(&format!("a: {{b: {long}, c: [{long}]}}\nd: [[{long}, {long}], 1]\n"));
    let expected = format!("a:\n  b: {long}\n  c: [{long}]\nd:\n  - - {long}\n    - {long}\n  - 1\n");
    assert_eq!(write(&tree), expected);
    // 118 columns, counted in characters.
    let fits = format!("ä: {{ö: {}}}\n", "ü".repeat(110));
    assert_eq!(fits.chars().count(), 119);
    assert_eq!(write(&read(&fits)), fits);
    let longer = format!("ä: {{ö: {}}}\n", "ü".repeat(111));
    assert_eq!(write(&read(&longer)), format!("ä:\n  ö: {}\n", "ü".repeat(111)));
    let key = "k".repeat(1100);
    assert_eq!(write(&read(&format!("{{{key}: 1}}"))), format!("{{{key}: 1}}\n"));
}

fn rewritten(path: &str) -> String {
    let text = fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (tree, written) = (read(&text), write(&read(&text)));
    assert_eq!(bare(&read(&written)), bare(&tree));
    written
}

#[test]
fn scenarios_look_as_if_a_person_wrote_them() {
    insta::assert_snapshot!(rewritten("scenarios/quickstart.yaml"), @r"
    version: 1
    name: quickstart
    seed: 42
    duration: 6h
    network: {latency: {cities: wonder}, loss: 0.1%, bandwidth: {preset: home}}
    peers:
      - providers:
          count: 1000
          org: nunet
          place: {by_population: world}
          hardware: {preset: home-pc}
          onboard: {cpu: 80%, ram: 80%, disk: 50%}
          churn: {preset: desktop-pc}
      - orchestrators: {names: [alice], org: nunet, place: {city: Berlin, country: DE}}
    images:
      python:3.12-slim: {size: 45 MB, start: {lognormal: {median: 2s, sigma: 0.3}}, service: {}}
      busybox: {size: 2.2 MB, start: 300ms, task: {run: {lognormal: {median: 10m, sigma: 0.8}}}}
    workload:
      - deploy: {by: alice, ensemble: ensembles/hello.yaml, arrivals: {every: 5m}, count: 60, timeout: 5m}
      - deploy:
          by: alice
          ensemble: ensembles/web.yaml
          arrivals: {poisson: {mean: 75s}}
          count: 80
          timeout: 5m
          shutdown_after: {exponential: {mean: 8h}}
      - deploy: {by: alice, ensemble: ensembles/shop.yaml, arrivals: {poisson: {mean: 6m}}, count: 20, timeout: 10m}
      - deploy:
          by: alice
          ensemble: ensembles/batch.yaml
          arrivals: {burst: {at: 1h, count: 40, within: 5m}}
          timeout: 10m
    faults:
      - crash: {at: 2h, group: providers, fraction: 10%, repair: {weibull: {shape: 0.6, scale: 9.34h}}}
      - partition: {at: 3h, for: 10m, between: [{continent: EU}, {continent: NA}]}
    strategy: {placement: uniform, recovery: redeploy}
    expect: [deployments.succeeded_fraction >= 95%, services.availability >= 97%, resources.leaked == 0]
    ");
    insta::assert_snapshot!(rewritten("scenarios/outage.yaml"), @r"
    version: 1
    name: outage
    seed: 7
    duration: 3h
    network: {latency: {cities: wonder}, loss: 0.1%}
    peers:
      - providers: {name: europe, count: 100, place: {by_population: {continent: EU}}}
      - providers: {name: elsewhere, count: 200, place: {by_population: world}}
      - orchestrators: {names: [alice], place: {city: New York City, country: US}}
    workload:
      - deploy: {by: alice, ensemble: ensembles/web.yaml, arrivals: {poisson: {mean: 2m}}, count: 60, shutdown_after: 90m}
      - deploy: {by: alice, ensemble: ensembles/hello.yaml, arrivals: {every: 10m}}
    faults:
      - crash: {at: 1h, continent: EU, repair: 1h}
    strategy: {placement: uniform, recovery: redeploy}
    expect: [deployments.succeeded_fraction >= 90%, resources.leaked == 0]
    ");
}

#[test]
fn ensembles_look_as_if_a_person_wrote_them() {
    insta::assert_snapshot!(rewritten("scenarios/ensembles/web.yaml"), @r"
    version: V1
    allocations:
      web:
        type: service
        executor: docker
        resources: {cpu: {cores: 0.5}, ram: {size: 512 MiB}, disk: {size: 2}}
        execution: {type: docker, image: nginx:1.27-alpine}
        healthcheck:
          type: http
          endpoint: http://localhost:80/health
          response: {type: string, value: ok}
          interval: 30s
        failure_recovery: one_for_one
    nodes: {front: {allocations: [web], ports: [{public: 0, private: 80, allocation: web}], failure_recovery: redeploy}}
    ");
}

#[test]
fn a_short_list_stays_in_its_line() {
    let text = "version: 1\nduration: 10m\nnetwork: {latency: {constant: 20ms}, loss: 1%}\npeers:\n  - providers: \
                {count: 3}\n  - orchestrators: {names: [alice, bob]}\nexpect: [deployments.succeeded == 2]\n";
    assert_eq!(write(&read(text)), text);
}
