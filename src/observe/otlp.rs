//! `otlp.jsonl`: traces of deployments and logs of facts as OTLP/JSON, one export request a line, as the file receiver
//! of an OpenTelemetry collector reads them.
//!
//! Spans are written when they end, and facts as they come. Ids follow from seed and numbers: a run has the same twice.

use std::io::{self, Write};

use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::record::{FactRecord, Preface, Record, Value, What};
use super::spans::{Change, Ending, Span};
use crate::kernel::Time;

/// Severities of the data model: INFO and WARN.
const SEVERITIES: [(u32, &str); 2] = [(9, "INFO"), (13, "WARN")];
/// Kind of a span that has no other side: INTERNAL.
const INTERNAL: u32 = 1;
/// Codes of a span's status: OK and ERROR.
const STATUSES: [u32; 2] = [1, 2];

/// The first half of a SHA-256 that is made of this, in hexadecimal: 16 bytes.
fn id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    HEXLOWER.encode(&hash.finalize()[..16])
}

fn trace_id(preface: &Preface, deployment: u32) -> String {
    id(&[b"dmsim trace", &preface.seed.to_be_bytes(), &deployment.to_be_bytes()])
}

fn span_id(preface: &Preface, deployment: u32, number: u32) -> String {
    let seed = preface.seed.to_be_bytes();
    let mut id = id(&[b"dmsim span", &seed, &deployment.to_be_bytes(), &number.to_be_bytes()]);
    id.truncate(16);
    id
}

/// A value in the form of OTLP/JSON, where whole numbers of 64 bits are texts.
fn any_value(value: &Value<'_>) -> Json {
    match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Texts(texts) => {
            let values: Vec<_> = texts.iter().map(|text| json!({"stringValue": text})).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Unsigned(number) => match i64::try_from(*number) {
            Ok(number) => json!({"intValue": number.to_string()}),
            Err(_) => json!({"stringValue": number.to_string()}),
        },
        Value::Signed(number) => json!({"intValue": number.to_string()}),
        Value::Number(number) => json!({"doubleValue": number}),
        Value::Flag(flag) => json!({"boolValue": flag}),
    }
}

fn attribute(key: &str, value: &Value<'_>) -> Json {
    json!({"key": key, "value": any_value(value)})
}

/// Attributes of our own are named as labels are, in a space of their own.
fn own_attributes<'a>(pairs: impl IntoIterator<Item = (&'static str, Value<'a>)>) -> Vec<Json> {
    pairs.into_iter().map(|(key, value)| attribute(&format!("dmsim.{key}"), &value)).collect()
}

/// The peer that tells it. The run stands there too, so that several can be loaded side by side.
fn resource(preface: &Preface, peer: u32) -> Json {
    let pairs = [
        ("service.name", Value::from(preface.peer(peer))),
        ("service.namespace", (&*preface.name).into()),
        ("dmsim.seed", preface.seed.into()),
    ];
    let attributes: Vec<_> = pairs.iter().map(|(key, value)| attribute(key, value)).collect();
    json!({"attributes": attributes})
}

fn scope() -> Json {
    json!({"name": "dmsim", "version": env!("CARGO_PKG_VERSION")})
}

fn unix_ns(preface: &Preface, at: Time) -> String {
    preface.unix_ns(at).to_string()
}

/// A request with one span.
fn trace_request(preface: &Preface, span: &Span, ending: &Ending<'_>) -> Json {
    let mut own = vec![
        ("kind", Value::from(span.kind.as_str())),
        ("deployment", span.deployment.into()),
        ("end", ending.how.into()),
    ];
    own.extend(span.generation.map(|generation| ("generation", generation.into())));
    let mut body = json!({
        "traceId": trace_id(preface, span.deployment),
        "spanId": span_id(preface, span.deployment, span.number),
        "name": format!("{} {}", span.kind.as_str(), span.name),
        "kind": INTERNAL,
        "startTimeUnixNano": unix_ns(preface, span.start),
        "endTimeUnixNano": unix_ns(preface, ending.at.max(span.start)),
        "attributes": own_attributes(own),
        "status": {"code": STATUSES[usize::from(ending.is_failure)]},
    });
    if let Some(parent) = span.parent {
        body["parentSpanId"] = span_id(preface, span.deployment, parent).into();
    }
    if ending.is_failure {
        body["status"]["message"] = ending.how.into();
    }
    let scopes = json!([{"scope": scope(), "spans": [body]}]);
    json!({"resourceSpans": [{"resource": resource(preface, span.peer), "scopeSpans": scopes}]})
}

/// A request with the log of one fact.
fn log_request(preface: &Preface, at: Time, fact: &FactRecord<'_>) -> Json {
    let (severity, word) = SEVERITIES[usize::from(fact.is_trouble)];
    let labels = fact.labels.pairs();
    let content = fact.content.iter().cloned();
    let count = (fact.count != 1).then_some(("count", fact.count.into()));
    let time = unix_ns(preface, at);
    let mut body = json!({
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": severity,
        "severityText": word,
        "eventName": format!("dmsim.{}", fact.kind),
        "body": {"stringValue": fact.kind},
        "attributes": own_attributes(labels.chain(count).chain(content)),
    });
    if let Some(deployment) = fact.labels.deployment {
        body["traceId"] = trace_id(preface, deployment).into();
        body["spanId"] = span_id(preface, deployment, 0).into();
    }
    let scopes = json!([{"scope": scope(), "logRecords": [body]}]);
    json!({"resourceLogs": [{"resource": resource(preface, fact.peer), "scopeLogs": scopes}]})
}

fn write_line(out: &mut dyn Write, request: &Json) -> io::Result<()> {
    serde_json::to_writer(&mut *out, request)?;
    out.write_all(b"\n")
}

/// Writes the line of a record, if it has one.
///
/// # Errors
/// What the sink says.
pub fn write_log(out: &mut dyn Write, preface: &Preface, record: &Record<'_>) -> io::Result<()> {
    match record.what {
        What::Fact(fact) => write_line(out, &log_request(preface, record.at, fact)),
        _ => Ok(()),
    }
}

/// Writes the line of a span that has ended.
///
/// # Errors
/// What the sink says.
pub fn write_span(out: &mut dyn Write, preface: &Preface, change: Change<'_>) -> io::Result<()> {
    match change {
        Change::Ends(span, ending) => write_line(out, &trace_request(preface, span, &ending)),
        Change::Begins(_) => Ok(()),
    }
}
