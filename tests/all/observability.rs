//! What single nodes tell of themselves, in whole runs (docs/observability.md): logs, the event bus, traces and
//! metrics, and what becomes of them when servers are away and processes end.

use std::collections::BTreeSet;

use dmsim::observe::StreamFile;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};
use serde_json::Value;

/// A run with what its observed peers wrote.
struct Told {
    outcome: Outcome,
    lines: Vec<(StreamFile, String)>,
}

impl Told {
    fn json(&self, file: StreamFile) -> Vec<Value> {
        let of_file = self.lines.iter().filter(|(own, _)| *own == file);
        of_file.map(|(_, line)| serde_json::from_str(line).unwrap()).collect()
    }

    /// The messages of a peer's log.
    fn messages(&self, peer: &str) -> Vec<String> {
        let records = self.json(StreamFile::Logs).into_iter().filter(|record| record["peer"] == peer);
        records.map(|record| record["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The values of a metric of single nodes: peer, attribute, value, in their order.
    fn readings(&self, metric: &str) -> Vec<(String, String, f64)> {
        let mut text = StreamFile::Metrics.header().to_owned();
        let of_file = self.lines.iter().filter(|(file, _)| *file == StreamFile::Metrics);
        of_file.for_each(|(_, line)| text.push_str(line));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(Result::unwrap).filter(|row| &row[3] == metric);
        rows.map(|row| (row[1].to_owned(), row[4].to_owned(), row[5].parse().unwrap())).collect()
    }

    /// The last value of a metric at a peer.
    fn last(&self, peer: &str, metric: &str) -> Option<f64> {
        let mut of_peer = self.readings(metric).into_iter().filter(|(own, ..)| own == peer);
        of_peer.next_back().map(|(.., value)| value)
    }

    fn metric(&self, name: &str) -> u64 {
        self.outcome.metric(name).unwrap() as u64
    }
}

const ELASTIC: &str = "elastic: {url: \"https://logs.example\"}";
const APM: &str = "apm: {url: \"https://apm.example\", service: dms, environment: test}";

/// alice deploys a task on bob after two minutes, and two minutes later a service for ten; `observed` is the section,
/// `rest` what else the scenario has.
fn run(observed: &str, rest: &str) -> Told {
    run_text(&format!(
        "version: 1\nduration: 20m\nnetwork: {{latency: {{constant: 20ms}}}}\npeers:\n  \
         - orchestrators: {{names: [alice, carol]}}\n  \
         - providers: {{names: [bob], hardware: {{cpu: 4, ram: 8 GiB, disk: 100 GiB}}}}\nworkload:\n  \
         - deploy: {{by: alice, ensemble: {0}/scenarios/ensembles/hello.yaml, arrivals: {{at: 2m}}}}\n  \
         - deploy: {{by: alice, ensemble: {0}/scenarios/ensembles/web.yaml, arrivals: {{at: 4m}}, \
         shutdown_after: 10m}}\n\
         {observed}\n{rest}\n",
        env!("CARGO_MANIFEST_DIR")
    ))
}

fn run_text(text: &str) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observed.yaml");
    std::fs::write(&path, text).unwrap();
    let metrics = dmsim::observe::metric_names();
    let loaded = scenario::load(&path, &Overrides::default(), &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let mut lines = Vec::new();
    let mut keep = |file, line: &str| lines.push((file, line.to_owned()));
    let outcome = sim::run_into(&loaded.setup, Options::default(), &mut |_, _| true, &mut keep).unwrap();
    Told { outcome, lines }
}

/// bob is observed like this.
fn bob(how: &str, rest: &str) -> Told {
    run(&format!("observability:\n  - {{peers: [bob], {how}}}"), rest)
}

#[test]
fn who_is_observed_does_the_same_as_who_is_not() {
    let (silent, told) =
        (run("", ""), run(&format!("observability: [{{peers: [alice, bob], {ELASTIC}, {APM}}}]"), ""));
    assert_eq!(silent.outcome.digest, told.outcome.digest);
    assert_eq!(silent.metric("messages.sent"), told.metric("messages.sent"));
    assert!(silent.lines.is_empty() && silent.metric("observed.peers") == 0);
    assert_eq!(told.metric("observed.peers"), 2);
}

#[test]
fn a_node_tells_of_a_deployment_in_every_sink() {
    let told = bob(&format!("sinks: [console, events], file: {{}}, {ELASTIC}, {APM}"), "");
    let messages = told.messages("bob");
    let wanted = [
        "node_start_initiated",
        "geolocation_successful",
        "node_started_successfully",
        "bid_request",
        "sending_bid_response",
        "resources_committed",
        "allocation_created",
        "allocation_run_started",
        "allocation_completed",
        "resources_released",
    ];
    let mut rest = messages.iter();
    for name in wanted {
        assert!(rest.any(|message| message == name), "no {name} in its place: {messages:?}");
    }
    let logs = told.json(StreamFile::Logs);
    assert!(logs.iter().all(|record| record["sinks"] == serde_json::json!(["console", "file"])));
    // Every record has its index, and is an event.
    let indexed = told.json(StreamFile::Index);
    assert_eq!(indexed.len(), logs.len());
    for document in &indexed {
        let label = document["labels"].as_array().unwrap().last().unwrap().as_str().unwrap();
        assert_eq!(document["index"], format!("{label}-index"));
    }
    let bus = told.json(StreamFile::Bus);
    let of_logs = bus.iter().filter(|event| event["name"] == "log_event");
    let said: Vec<_> = of_logs.map(|event| event["data"]["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said, messages);
    let traced: BTreeSet<_> = told
        .json(StreamFile::Traces)
        .iter()
        .map(|trace| trace["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(traced.contains("bid_request") && traced.contains("allocation_created"), "{traced:?}");
    for trace in told.json(StreamFile::Traces) {
        assert_eq!(trace["type"] == "request", trace["transaction"].is_null());
        assert_eq!(trace["did"], logs[0]["did"]);
    }
}

#[test]
fn an_orchestrator_announces_the_end_of_its_deployment() {
    let told = run("observability: [{peers: [alice], sinks: [events]}]", "");
    let bus = told.json(StreamFile::Bus);
    let ends: Vec<_> = bus.iter().filter(|event| event["name"] == "DeploymentCompleted").collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|event| event["data"]["status"] == "success"));
    assert!(told.json(StreamFile::Logs).is_empty(), "nothing is printed");
}

#[test]
fn level_and_elasticsearch_change_while_the_node_runs() {
    let call = |at: &str, logger: &str| {
        format!(
            "  - {{at: {at}, by: bob, invoke: {{to: bob, behaviour: /dms/node/logger/config, logger: {logger}}}}}\n"
        )
    };
    let plain = bob("level: error", "");
    assert_eq!(plain.messages("bob"), Vec::<String>::new());
    assert!(plain.metric("logs.below_level") > 5 && plain.metric("logs.shipped") == 0);
    let on = "{level: debug, elastic: true, elastic_url: \"https://other.example\", flush_interval: 2}";
    let told =
        bob("level: error", &format!("operations:\n{}{}", call("1m", on), call("19m", "{level: warn}")));
    let messages = told.messages("bob");
    assert_eq!(messages[0], "logger_configured");
    assert!(
        messages.contains(&"allocation_port_mapped".to_owned())
            || messages.contains(&"allocation_status".to_owned())
            || messages.contains(&"allocation_address".to_owned()),
        "{messages:?}"
    );
    assert_eq!(told.metric("logs.shipped"), messages.len() as u64);
    let unlabelled = told.json(StreamFile::Index);
    assert_eq!(
        (&unlabelled[0]["labels"][0], &unlabelled[0]["index"]),
        (&"default".into(), &"default-index".into())
    );
    assert_eq!(told.outcome.metric("operations.answered"), Some(2.0));
}

/// The settings of a scenario are the node's configuration, and a status report tells them.
#[test]
fn a_status_report_tells_the_key_that_the_scenario_has_given_only_as_it_was_read() {
    let observed = "observability: [{peers: [bob], elastic: {url: \"https://logs.example\", api_key: KEY}}]";
    let ask = "operations: [{at: 1m, by: alice, broadcast: /broadcast/dms/status, answer: onboarded}]";
    for (profile, seen) in [("intended", 0), ("{base: intended, add: [C13]}", 1)] {
        let told = run(observed, &format!("profile: {profile}\n{ask}"));
        assert_eq!((told.metric("operations.unexpected"), told.metric("secrets.seen")), (0, seen));
    }
    let told = run("", &format!("profile: {{base: intended, add: [C13]}}\n{ask}"));
    assert_eq!(told.metric("secrets.seen"), 0, "there is none to tell");
}

#[test]
fn no_op_mode_silences_everything() {
    let told = bob(&format!("no_op: true, sinks: [console, events], {ELASTIC}, {APM}"), "");
    assert!(told.lines.is_empty());
    assert!(told.metric("logs.silenced") > 10);
    let none = ["logs.records", "bus.events", "traces.transactions", "peer_metrics.exports"];
    assert_eq!(none.map(|name| told.metric(name)), [0; 4]);
}

#[test]
fn a_label_keeps_records_from_elasticsearch_only() {
    let told = bob(&format!("skip: [node], {ELASTIC}"), "");
    let skipped = told.metric("logs.skipped");
    assert!(skipped >= 3);
    assert_eq!(told.metric("logs.shipped") + skipped, told.metric("logs.records"));
    assert!(told.json(StreamFile::Index).iter().all(|document| document["index"] != "node-index"));
}

#[test]
fn a_shutdown_flushes_and_a_crash_loses_what_waits() {
    let how = format!("{ELASTIC}, flush_interval: 10m, {APM}");
    let restart = bob(&how, "faults: [{restart: {at: 5m, peer: bob, down: 20s}}]");
    assert_eq!((restart.metric("logs.lost"), restart.metric("traces.lost")), (0, 0));
    let flushed = restart.json(StreamFile::Index);
    let at_the_end = flushed.iter().filter(|document| document["time_s"] == 300.0);
    assert!(at_the_end.count() >= 10);
    assert!(restart.messages("bob").contains(&"node_stopped".to_owned()));
    let crash = bob(&how, "faults: [{crash: {at: 5m, peer: bob, repair: 20s}}]");
    let lost = crash.metric("logs.lost");
    assert!(lost >= 10, "{lost}");
    assert!(!crash.messages("bob").contains(&"node_stopped".to_owned()));
    // What was printed is not lost.
    assert_eq!(crash.metric("logs.records"), crash.json(StreamFile::Logs).len() as u64);
    let left = crash.metric("logs.shipped") + crash.metric("logs.waiting") + lost;
    assert_eq!(left, crash.metric("logs.records"));
}

#[test]
fn a_server_that_is_away_gets_its_records_later_and_a_shutdown_does_not_wait_for_it() {
    let away = format!("{ELASTIC}, {APM}, servers_away: [{{at: 0s, for: 10m}}]");
    let later = bob(&away, "");
    assert!(later.metric("logs.refused_batches") > 100);
    assert_eq!((later.metric("logs.lost"), later.metric("logs.waiting")), (0, 0));
    let first = &later.json(StreamFile::Index)[0];
    assert!(first["time_s"].as_f64().unwrap() >= 600.0 && first["message"] == "node_start_initiated");
    let never = bob(&away, "faults: [{restart: {at: 5m, peer: bob, down: 20s}}]");
    assert!(never.metric("logs.lost") >= 10);
}

#[test]
fn without_a_service_name_or_an_environment_there_are_no_traces() {
    for apm in [
        "url: \"https://apm\", service: dms",
        "url: \"https://apm\", environment: test",
        "service: a, environment: b",
    ] {
        let told = bob(&format!("apm: {{{apm}}}"), "");
        assert_eq!((told.metric("traces.transactions"), told.metric("traces.spans")), (0, 0));
    }
}

#[test]
fn a_full_log_file_gives_way_to_a_new_one() {
    let told = bob("file: {size: 1 kB, kept: 1}", "");
    let bytes: usize = told.json(StreamFile::Logs).len();
    assert!(told.metric("logs.rotations") as usize >= bytes / 5);
}

#[test]
fn metrics_are_exported_when_they_change_and_have_their_names() {
    let told = run("observability: [{peers: [alice, bob], sinks: []}]", "");
    let mut text = StreamFile::Metrics.header().to_owned();
    told.lines
        .iter()
        .filter(|(file, _)| *file == StreamFile::Metrics)
        .for_each(|(_, line)| text.push_str(line));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let of = |peer: &str, metric: &str| -> Vec<(f64, f64)> {
        let fitting = rows.iter().filter(|row| &row[1] == peer && &row[3] == metric);
        fitting.map(|row| (row[0].parse().unwrap(), row[5].parse().unwrap())).collect()
    };
    assert!(
        rows.iter().all(|row| row[0].parse::<f64>().unwrap() % 3.0 == 0.0),
        "exports are at third seconds"
    );
    assert_eq!(of("bob", "dms.node.onboarded"), [(0.0, 1.0)]);
    assert_eq!(of("bob", "dms.node.memory").len(), 1);
    assert_eq!(of("bob", "dms.bid.received").last().unwrap().1, 2.0);
    assert_eq!(of("bob", "dms.bid.accepted").last().unwrap().1, 2.0);
    let busy: Vec<f64> = of("bob", "dms.sys.cpu.total.norm").iter().map(|(_, value)| *value).collect();
    assert!(busy.len() >= 3 && busy[0] == 0.0 && busy[1] > 0.0 && busy.last() == Some(&0.0), "{busy:?}");
    assert_eq!(of("alice", "dms.deployment.success").last().unwrap().1, 2.0);
    assert!(of("alice", "dms.deployment.success.cpu.assigned").last().unwrap().1 > 0.0);
    assert!(of("alice", "dms.sys.network.out").last().unwrap().1 > 1000.0);
    assert!(of("bob", "dms.sys.uptime").windows(2).all(|pair| pair[0].1 < pair[1].1));
}

#[test]
fn a_ping_tells_the_round_trip_or_gives_up_after_a_second() {
    let ping = |at: &str, peer: &str, expected: &str| {
        format!(
            "  - {{at: {at}, by: alice, {expected}, \
             invoke: {{to: alice, behaviour: /dms/node/peers/ping, peer: {peer}}}}}\n"
        )
    };
    let operations = [
        ping("4m", "bob", "answer: RTT 4"),
        ping("6m", "bob", "refusal: no pong within 1s"),
        ping("8m", "carol", "answer: RTT 4"),
    ];
    let rest =
        format!("operations:\n{}faults: [{{crash: {{at: 5m, peer: bob, repair: 2m}}}}]", operations.concat());
    let told = run("", &rest);
    let said: Vec<_> = told.outcome.operations.iter().map(|row| (&*row.said, row.ended_s.unwrap())).collect();
    assert_eq!(told.metric("operations.unexpected"), 0, "{said:?}");
    assert!(said[1].1 >= 361.0 && said[1].1 < 361.1, "{said:?}");
}

#[test]
fn a_node_reports_what_runs_on_it() {
    let ask = |at: &str, expected: &str| {
        format!(
            "  - {{at: {at}, by: bob, answer: {expected}, \
             invoke: {{to: bob, behaviour: /dms/node/allocations/list}}}}\n"
        )
    };
    let rest =
        format!("operations:\n{}{}", ask("1m", "\"0 allocations\""), ask("8m", "\"1 with an execution\""));
    let told = run("", &rest);
    let said: Vec<_> = told.outcome.operations.iter().map(|row| row.said.clone()).collect();
    assert_eq!(told.metric("operations.unexpected"), 0, "{said:?}");
}

/// A shop whose parts are spread over machines. Users ask its page for it, and its interface asks the search.
const SHOP: &str = r#"
version: 1
duration: 70m
network: {latency: {constant: 20ms}, bandwidth: {up: 1 Gbit/s, down: 1 Gbit/s}}
peers:
  - providers: {names: [p, q], hardware: {cpu: 16, ram: 32 GiB, disk: 500 GB}}
  - orchestrators: {names: [olga]}
images:
  "python:3.12-slim": {size: 45 MB, start: 2s, service: {}}
workload:
  - deploy: {by: olga, ensemble: ENSEMBLES/shop.yaml, timeout: 10m}
traffic:
  - {name: users, deployment: shop, clients: {count: 2, place: {city: Berlin}}, to: web,
     arrivals: {every: 200ms}, request: 300 B, response: 7 kB, service: 5ms}
  - {name: searches, deployment: shop, from: api, to: search,
     arrivals: {poisson: {mean: 100ms}}, request: 200 B, response: 3 kB, service: 5ms}
"#;

#[test]
fn an_allocation_tells_what_it_has_received_and_sent() {
    let text = SHOP.replace("ENSEMBLES", &format!("{}/scenarios/ensembles", env!("CARGO_MANIFEST_DIR")));
    let silent = run_text(&text);
    let told = run_text(&format!("{text}observability: [{{peers: [p, q], sinks: []}}]\n"));
    assert_eq!(silent.outcome.digest, told.outcome.digest);
    let answered = |stream: &str| -> f64 {
        let rows = told.outcome.requests.iter().filter(|row| &*row.stream == stream);
        rows.map(|row| row.answered as f64).sum()
    };
    let of = |allocation: &str, direction: &str| -> Vec<f64> {
        let readings = told.readings(&format!("dms.allocation.network.{direction}"));
        let own = readings.into_iter().filter(|(_, whose, _)| whose.ends_with(&format!(".{allocation}")));
        own.map(|(.., value)| value).collect()
    };
    for (service, stream, request, response) in
        [("web", "users", 300.0, 7e3), ("search", "searches", 200.0, 3e3)]
    {
        let (rx, tx) = (of(service, "rx"), of(service, "tx"));
        assert!(rx.is_sorted() && tx.is_sorted() && rx.len() > 20, "{service}: {rx:?}");
        // Both are of the same requests, none of which is lost on the way here.
        let requests = rx.last().unwrap() / request;
        assert_eq!(requests, tx.last().unwrap() / response, "{service}");
        let all = answered(stream);
        // The last report was a while ago.
        assert!(requests <= all && requests > 0.95 * all, "{requests} of {all} of {stream}");
    }
    assert_eq!(
        (of("api", "rx").last(), of("api", "tx").last()),
        (of("search", "tx").last(), of("search", "rx").last())
    );
    assert_eq!(of("db", "rx"), [0.0], "nobody asks it");
}

#[test]
fn what_is_owed_in_dollars_and_paid_as_fees_is_counted_apart() {
    for (currency, in_dollars) in [("USD", Some(11.0)), ("NTX", None)] {
        let told = run_text(&format!(
            "version: 1\nduration: 130m\npeers:\n  - orchestrators: {{names: [alice], org: shop}}\n  \
             - providers: {{names: [bob], org: shop, hardware: {{cpu: 8, ram: 16 GiB, disk: 200 GiB}}}}\n  \
             - contract_hosts: {{names: [carol], org: shop}}\n  \
             - payment_validators: {{names: [vera], org: shop}}\ncontracts:\n  \
             - {{name: rent, requestor: alice, provider: bob, host: carol, validator: vera, for: 30d, \
             model: fixed_rental, fee: 5, period: hour, periods: 1, currency: {currency}, approve_after: 10s, \
             pay_after: 1m, orchestration_fee: {{fixed: 0.5}}}}\n\
             observability: [{{peers: [alice, vera], sinks: []}}]\n"
        ));
        assert_eq!(told.last("alice", "dms.transaction.created.amount"), Some(11.0), "two hours");
        assert_eq!(told.last("alice", "dms.transaction.created.usd"), in_dollars);
        assert_eq!(told.last("vera", "dms.transaction.paid.amount"), Some(11.0));
        assert_eq!(told.last("vera", "dms.transaction.paid.fees"), Some(1.0));
    }
}
