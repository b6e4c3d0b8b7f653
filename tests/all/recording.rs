//! The network recorded in formats of other tools (docs/observability.md): recording changes nothing, two recordings
//! are the same bytes, and what they say agrees with the tables. `tests/formats/check.py` reads them with the readers
//! of others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dmsim::observe::{self, RecordFormat, Recording};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome, Recorder, Setup};
use serde_json::Value;

use crate::program::dmsim;

/// A small run in which machines crash, deployments recover, and messages are lost.
pub(crate) const OUTAGE: [&str; 4] = [
    "duration=100m",
    "peers[0].providers.count=12",
    "peers[1].providers.count=18",
    "workload[0].deploy.count=12",
];

/// The setup of a shipped scenario with something replaced.
pub(crate) fn setup(scenario: &str, set: &[&str]) -> Setup {
    let metrics = observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(scenario);
    scenario::load(&path, &Overrides { set, seed: None }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
        .setup
}

fn run(setup: &Setup, recorder: Option<Recorder<'_>>) -> Outcome {
    sim::run_recorded(setup, Options::default(), &mut |_, _| true, &mut |_, _| {}, recorder).unwrap()
}

/// A run with the files of its recording, by their names.
fn recorded(setup: &Setup) -> (Outcome, BTreeMap<&'static str, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let mut recording = Recording::create(folder.path(), &RecordFormat::ALL).unwrap();
    let outcome = run(setup, Some(Box::new(|record| recording.take(record))));
    recording.finish(&outcome.series, &outcome.metrics).unwrap();
    let read = |format: RecordFormat| (format.file(), fs::read(folder.path().join(format.file())).unwrap());
    (outcome, RecordFormat::ALL.map(read).into())
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many facts these lines stand for.
fn facts(events: &[Value]) -> u64 {
    let of_network = |kind: &str| {
        kind.starts_with("run_")
            || kind == "peer_up"
            || kind == "peer_down"
            || kind.starts_with("fault_")
            || kind.starts_with("message_") && kind != "message_rejected"
    };
    let facts = events.iter().filter(|event| !of_network(event["kind"].as_str().unwrap()));
    facts.map(|event| event.get("count").map_or(1, |count| count.as_u64().unwrap())).sum()
}

#[test]
fn a_recorded_run_is_the_same_run_and_its_recording_the_same_bytes() {
    let setup = setup("outage.yaml", &OUTAGE);
    let silent = run(&setup, None);
    let (outcome, files) = recorded(&setup);
    assert_eq!(silent.manifest, outcome.manifest);
    assert_eq!((silent.digest, silent.events), (outcome.digest, outcome.events));
    // As text, for what nothing was measured of is no number, and equal to nothing.
    assert_eq!(observe::csv_text(&silent.metrics), observe::csv_text(&outcome.metrics));
    assert_eq!(silent.series, outcome.series);
    assert_eq!(silent.deployments, outcome.deployments);
    assert_eq!(silent.allocations, outcome.allocations);
    assert_eq!(silent.refusals, outcome.refusals);
    assert!(outcome.metric("redeployments").unwrap() > 0.0, "nothing was recovered");
    for (file, bytes) in recorded(&setup).1 {
        assert!(bytes == files[file], "{file} differs between two runs");
    }
}

#[test]
fn events_say_all_facts_and_no_ids_of_one_signature_mode() {
    let [modelled, real] = ["modelled", "real"].map(|mode| {
        let mut set = OUTAGE.to_vec();
        let signatures = format!("signatures={mode}");
        set.push(&signatures);
        recorded(&setup("outage.yaml", &set))
    });
    let (outcome, files) = &modelled;
    let events = json_lines(&files["events.jsonl"]);
    assert_eq!(facts(&events), outcome.manifest.counts["facts"]);
    assert!(files["events.jsonl"] == real.1["events.jsonl"], "the signature mode shows");
    assert!(files["otlp.jsonl"] == real.1["otlp.jsonl"], "the signature mode shows");
    assert_eq!(events[0]["content"]["schema"], 1);
    assert_eq!(events.last().unwrap()["kind"], "run_ends");
    let accepted: Vec<_> = events.iter().filter(|event| event["kind"] == "deployment_accepted").collect();
    assert_eq!(accepted.len(), outcome.deployments.len());
    assert_eq!(accepted[0]["labels"]["deployment"], 0);
    assert_eq!(accepted[0]["peer"], *outcome.deployments[0].orchestrator);
}

#[test]
fn what_operators_and_contracts_do_is_recorded_by_its_numbers() {
    let setup = setup("contracts.yaml", &[]);
    let (outcome, files) = recorded(&setup);
    let events = json_lines(&files["events.jsonl"]);
    assert_eq!(facts(&events), outcome.manifest.counts["facts"]);
    let paid: Vec<_> = events.iter().filter(|event| event["kind"] == "contract_paid").collect();
    assert!(!paid.is_empty());
    assert!(paid.iter().all(|event| {
        event["labels"]["contract"].as_u64().unwrap() < outcome.contracts.len() as u64
            && event["content"]["amount"].is_string()
    }));
}

#[test]
fn each_deployment_has_a_trace_that_ends_with_it() {
    let (outcome, files) = recorded(&setup("outage.yaml", &OUTAGE));
    let lines = json_lines(&files["otlp.jsonl"]);
    let spans: Vec<_> = lines
        .iter()
        .filter_map(|line| line.pointer("/resourceSpans/0"))
        .map(|resource| (resource, &resource["scopeSpans"][0]["spans"][0]))
        .collect();
    let roots: Vec<_> = spans.iter().filter(|(_, span)| span.get("parentSpanId").is_none()).collect();
    assert_eq!(roots.len(), outcome.deployments.len());
    for (resource, span) in &roots {
        let attributes = span["attributes"].as_array().unwrap();
        let number = attributes.iter().find(|pair| pair["key"] == "dmsim.deployment").unwrap();
        let number: usize = number["value"]["intValue"].as_str().unwrap().parse().unwrap();
        let row = &outcome.deployments[number];
        let service = &resource["resource"]["attributes"][0];
        assert_eq!(service["key"], "service.name");
        assert_eq!(service["value"]["stringValue"], *row.orchestrator);
        let end: u64 = span["endTimeUnixNano"].as_str().unwrap().parse().unwrap();
        let ended_s = row.ended_s.unwrap_or(outcome.manifest.duration_s);
        assert!((end as f64 / 1e9 - 1_735_689_600.0 - ended_s).abs() < 1e-3, "{span} {row:?}");
    }
    for kind in ["phase Running", "round ", "recovery ", "run "] {
        let name = |span: &Value| span["name"].as_str().unwrap().starts_with(kind);
        assert!(spans.iter().any(|(_, span)| name(span)), "no span of {kind}");
    }
}

/// Fields of a protobuf message: number and bytes of those with a length.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for place in 0.. {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let before = bytes;
        let length = match tag & 7 {
            0 => {
                varint(&mut bytes);
                found.push((tag >> 3, &before[..before.len() - bytes.len()]));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            other => panic!("no field of ours is of wire type {other}"),
        };
        found.push((tag >> 3, &bytes[..length]));
        bytes = &bytes[length..];
    }
    found
}

#[test]
fn slices_of_the_timeline_close_and_arrows_end_where_they_began() {
    let (_, files) = recorded(&setup("outage.yaml", &OUTAGE));
    let (mut open, mut begun, mut ended) = (BTreeMap::<Vec<u8>, i32>::new(), Vec::new(), Vec::new());
    for (number, packet) in fields(&files["trace.perfetto-trace"]) {
        assert_eq!(number, 1, "a trace has packets only");
        let Some((_, event)) = fields(packet).into_iter().find(|(number, _)| *number == 11) else { continue };
        let event = fields(event);
        let track = event.iter().find(|(number, _)| *number == 11).unwrap().1.to_vec();
        let kind = event.iter().find(|(number, _)| *number == 9).unwrap().1[0];
        let depth = open.entry(track).or_default();
        // Nothing, begin, end, instant, count.
        *depth += [0, 1, -1, 0, 0][usize::from(kind)];
        assert!(*depth >= 0);
        begun.extend(event.iter().filter(|(number, _)| *number == 47).map(|(_, arrow)| arrow.to_vec()));
        ended.extend(event.iter().filter(|(number, _)| *number == 48).map(|(_, arrow)| arrow.to_vec()));
    }
    assert!(open.values().all(|depth| *depth == 0));
    let (all, distinct) = (begun.len(), begun.iter().collect::<std::collections::BTreeSet<_>>().len());
    assert_eq!(all, distinct, "an arrow begins twice");
    begun.sort_unstable();
    assert!(ended.len() > 1000 && ended.iter().all(|arrow| begun.binary_search(arrow).is_ok()));
}

#[test]
fn formats_are_asked_for_by_name() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let out = out.to_str().unwrap();
    let short =
        ["scenarios/calm.yaml", "--no-report", "--set", "duration=5m", "--set", "expect=[]", "--out", out];

    let run = |more: &[&str]| dmsim(&[&["run"], &short[..], more].concat());
    let error = run(&["--record", "events,chrome"]);
    assert_eq!(error.status.code(), Some(2));
    let text = String::from_utf8(error.stderr).unwrap();
    assert!(text.contains("possible values: events, open-metrics, otlp, perfetto"), "{text}");
    assert_eq!(run(&["--record", "events", "--metrics-only"]).status.code(), Some(2));

    let names = || {
        let entries =
            fs::read_dir(out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> =
            entries.filter(|name| RecordFormat::ALL.iter().any(|format| format.file() == *name)).collect();
        names.sort();
        names
    };
    assert_eq!(run(&["--record", "perfetto,open-metrics"]).status.code(), Some(0));
    assert_eq!(names(), ["metrics.om", "trace.perfetto-trace"]);
    // A run of the same inputs replaces it, with what was recorded.
    assert_eq!(run(&["--record", "events", "--record", "otlp"]).status.code(), Some(0));
    assert_eq!(names(), ["events.jsonl", "otlp.jsonl"]);
    assert_eq!(run(&[]).status.code(), Some(0));
    assert!(names().is_empty());
}
