//! Requests: what is accounted for by the stretch is what every single request gives.

use std::path::Path;

use dmsim::observe::{self, RequestRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// A run of a scenario from a text, in the folder of the shipped ones.
pub(crate) fn run(text: &str, set: &[&str]) -> Outcome {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("traffic.yaml");
    let ensembles = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/ensembles");
    std::fs::write(&path, text.replace("ensembles/", &format!("{}/", ensembles.display()))).unwrap();
    let metrics = observe::metric_names();
    let overrides = Overrides { set: set.iter().map(|one| (*one).to_owned()).collect(), seed: None };
    let loaded = scenario::load(&path, &overrides, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
}

pub(crate) fn of<'a>(outcome: &'a Outcome, stream: &str) -> impl Iterator<Item = &'a RequestRow> {
    outcome.requests.iter().filter(move |row| &*row.stream == stream)
}

fn sum(outcome: &Outcome, stream: &str, count: fn(&RequestRow) -> u64) -> u64 {
    of(outcome, stream).map(count).sum()
}

fn failed(row: &RequestRow) -> u64 {
    row.no_such_name
        + row.unreachable
        + row.refused
        + row.timed_out
        + row.reset
        + row.overloaded
        + row.unhealthy
}

fn labelled(outcome: &Outcome, metric: &str, labels: &str) -> f64 {
    let found = outcome.metrics.iter().find(|row| *row.metric == *metric && *row.labels == *labels);
    found.map_or(f64::NAN, |row| row.value)
}

/// A shop that nothing disturbs but one crash of the machine with the page.
pub(crate) const SHOP: &str = r#"
version: 1
duration: 2h
network: {latency: {constant: 20ms}, bandwidth: {up: 1 Gbit/s, down: 1 Gbit/s}}
peers:
  - providers: {count: 6, hardware: {cpu: 16, ram: 32 GiB, disk: 500 GB}}
  - orchestrators: {names: [olga]}
images:
  "python:3.12-slim": {size: 45 MB, start: 2s, service: {}}
workload:
  - deploy: {by: olga, ensemble: ensembles/shop.yaml, timeout: 10m}
traffic:
  - name: users
    deployment: shop
    clients: {count: 3, place: {city: Berlin}, bandwidth: unlimited}
    to: web
    arrivals: {every: 40ms}
    service: 5ms
  - name: searches
    deployment: shop
    from: api
    to: search
    arrivals: {poisson: {mean: 50ms}}
    timeout: 2s
    retries: 1
    service: 5ms
"#;

/// Nothing fails on its own and everything has its fixed time: both ways must give the same, but for those requests
/// that a change finds under way.
#[test]
fn what_is_certain_is_exact() {
    let crash = format!("{SHOP}faults:\n  - crash: {{at: 1h, group: providers, count: 4, repair: 10m}}\n");
    let all = ["traffic[0].samples=all", "traffic[1].samples=all"];
    for text in [SHOP, &crash] {
        let (lazy, each) = (run(text, &[]), run(text, &all));
        assert_eq!(lazy.requests.len(), each.requests.len());
        for (one, other) in lazy.requests.iter().zip(&each.requests) {
            assert_eq!((one.offered, one.answered), (one.answered + failed(one), one.offered - failed(one)));
            // Of requests that a change finds under way the moments differ, and there are only few of them. Those of a
            // caller that ends itself are nobody's any more.
            assert!(one.offered.abs_diff(other.offered) <= 10, "{one:?} {other:?}");
            // Random moments fall on either side of a change by chance, regular ones do not.
            let chance =
                if &*one.stream == "users" { 10.0 } else { 10.0 + 2.5 * (one.offered as f64).sqrt() };
            assert!((one.answered.abs_diff(other.answered) as f64) <= chance, "{one:?} {other:?}");
            let same = |a: f64, b: f64| a.total_cmp(&b).is_eq() || (a - b).abs() < 1e-3;
            assert!(same(one.latency_p50_s, other.latency_p50_s), "{one:?} {other:?}");
        }
        assert!(sum(&lazy, "users", |row| row.offered) > 170_000);
    }
}

/// Connecting takes a round trip, the request and its answer another one, and the service what it says.
#[test]
fn latencies_are_those_of_the_way() {
    let outcome = run(SHOP, &[]);
    assert_eq!(sum(&outcome, "users", failed) + sum(&outcome, "searches", failed), 0);
    for row in &outcome.requests {
        assert!((row.latency_p50_s - 0.085).abs() < 0.002, "{row:?}");
        assert!((row.latency_p99_s - row.latency_p50_s).abs() < 0.002, "{row:?}");
    }
}

/// Loss, jitter, queues and thin links: the same up to chance.
#[test]
fn what_is_by_chance_agrees() {
    let text = SHOP
        .replace("latency: {constant: 20ms}", "loss: 1%, packet_loss: 0.5%")
        .replace("up: 1 Gbit/s", "up: 8 Mbit/s")
        .replace("service: 5ms", "service: {exponential: {mean: 60ms}}\n    workers: 2\n    queue: 5");
    let sampled = |samples: &str| {
        let set = [0, 1].map(|place| format!("traffic[{place}].samples={samples}"));
        run(&text, &set.each_ref().map(String::as_str))
    };
    let (lazy, each) = (sampled("1000"), sampled("all"));
    for stream in ["users", "searches"] {
        let share = |outcome: &Outcome, count: fn(&RequestRow) -> u64| {
            sum(outcome, stream, count) as f64 / sum(outcome, stream, |row| row.offered) as f64
        };
        assert_eq!(sum(&lazy, stream, |row| row.offered), sum(&each, stream, |row| row.offered));
        let counts: [fn(&RequestRow) -> u64; 3] =
            [|row| row.answered, |row| row.timed_out, |row| row.overloaded];
        for count in counts {
            let (one, other) = (share(&lazy, count), share(&each, count));
            assert!((one - other).abs() < 0.006, "{stream}: {one} against {other}");
        }
        for metric in ["requests.latency_p50_s", "requests.latency_p95_s"] {
            let labels = format!("stream={stream}");
            let (one, other) = (labelled(&lazy, metric, &labels), labelled(&each, metric, &labels));
            assert!((one / other - 1.0).abs() < 0.05, "{stream} {metric}: {one} against {other}");
        }
    }
    assert!(sum(&lazy, "users", |row| row.overloaded) > 0);
}

/// A crash is seen as what it is: silence while nobody notices, refusals where the host is back without its work.
#[test]
fn a_crash_is_felt_until_the_service_is_back() {
    let text = format!("{SHOP}faults:\n  - crash: {{at: 1h, group: providers, repair: 20m}}\n");
    let outcome = run(&text, &[]);
    let during = |row: &&RequestRow| (3600.0..4800.0).contains(&row.start_s);
    for row in of(&outcome, "users").filter(during) {
        assert_eq!((row.answered, row.timed_out), (0, row.offered), "{row:?}");
    }
    // Who asks inside has crashed too: nobody asks.
    assert_eq!(of(&outcome, "searches").filter(during).map(|row| row.offered).sum::<u64>(), 0);
    assert!(of(&outcome, "users").any(|row| row.start_s >= 4800.0 && row.refused > 0));
    assert!(of(&outcome, "users").last().unwrap().answered > 7000);
}

/// Whoever is behind a translator serves nobody outside, however healthy it is.
#[test]
fn a_translator_hides_a_page_from_users() {
    let hidden = |class: &str| {
        let nat = format!("nat: {{shares: {{{class}: 100%}}}}, latency");
        let relays = "  - relays: {count: 2}\n  - orchestrators: {names: [olga], nat: public}";
        let text = SHOP.replace("latency", &nat).replace("  - orchestrators: {names: [olga]}", relays);
        run(&text, &[])
    };
    let outcome = hidden("port_restricted");
    assert_eq!(outcome.metric("services.availability"), Some(1.0));
    assert_eq!(sum(&outcome, "users", |row| row.unreachable), sum(&outcome, "users", |row| row.offered));
    assert_eq!(sum(&outcome, "searches", failed), 0);
    assert_eq!(sum(&hidden("public"), "users", failed), 0);
}

/// However things go, the same requests are made.
#[test]
fn the_world_does_not_change_who_asks() {
    let calm = run(SHOP, &["network.loss=0"]);
    let rough = run(SHOP, &["network.loss=1%", "traffic[0].retries=2"]);
    let offered = |outcome: &Outcome| -> Vec<u64> {
        of(outcome, "users").filter(|row| row.start_s > 900.0).map(|row| row.offered).collect()
    };
    assert_eq!(offered(&calm), offered(&rough));
    let searches: Vec<u64> = of(&calm, "searches").skip(3).map(|row| row.offered).collect();
    let others: Vec<u64> = of(&rough, "searches").skip(3).map(|row| row.offered).collect();
    let tail = searches.len().min(others.len());
    assert_eq!(searches[searches.len() - tail..], others[others.len() - tail..]);
}
