//! `events.jsonl`: every fact and message of the network, one JSON object a line.

use std::io::{self, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::record::{FactRecord, MessageRecord, Passage, Preface, Record, Value, What};

/// The version of the lines. It rises when a key is removed, renamed or changes its meaning.
pub const EVENTS_SCHEMA_VERSION: u32 = 1;

/// Keys with values, as an object.
struct Object<'a>(&'a [(&'static str, Value<'a>)]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// One line.
struct Line<'a> {
    preface: &'a Preface,
    record: &'a Record<'a>,
}

impl Line<'_> {
    fn fact<M: SerializeMap>(&self, map: &mut M, fact: &FactRecord<'_>) -> Result<(), M::Error> {
        map.serialize_entry("peer", self.preface.peer(fact.peer))?;
        map.serialize_entry("kind", fact.kind)?;
        // Nearly all facts stand for themselves.
        if fact.count != 1 {
            map.serialize_entry("count", &fact.count)?;
        }
        let labels: Vec<_> = fact.labels.pairs().collect();
        map.serialize_entry("labels", &Object(&labels))?;
        map.serialize_entry("content", &Object(&fact.content))
    }

    fn message<M: SerializeMap>(&self, map: &mut M, message: &MessageRecord<'_>) -> Result<(), M::Error> {
        let from = self.preface.peer(message.from);
        let to = message.to.map(|to| self.preface.peer(to));
        let peer = if message.passage.is_at_sender() { Some(from) } else { to };
        map.serialize_entry("peer", &peer)?;
        map.serialize_entry("kind", message.passage.kind())?;
        let label = message.deployment.map(|number| ("deployment", Value::from(number)));
        map.serialize_entry("labels", &Object(label.as_slice()))?;
        let mut content = vec![
            ("message", Value::from(message.number)),
            ("behaviour", message.behaviour.into()),
            ("from", from.into()),
        ];
        content.extend(to.map(|to| ("to", to.into())));
        content.push(("bytes", message.bytes.into()));
        match message.passage {
            Passage::Sent { receivers } if to.is_none() => {
                content.push(("receivers", (receivers.len() as u64).into()));
            }
            Passage::Lost(reason) => content.push(("reason", reason.into())),
            Passage::Sent { .. } | Passage::Arrived | Passage::Dropped | Passage::Handled => {}
        }
        map.serialize_entry("content", &Object(&content))
    }

    /// What a line says about a peer, or about none, where it has no labels.
    fn plain<M: SerializeMap>(
        map: &mut M,
        peer: Option<&str>,
        kind: &str,
        content: &[(&'static str, Value<'_>)],
    ) -> Result<(), M::Error> {
        map.serialize_entry("peer", &peer)?;
        map.serialize_entry("kind", kind)?;
        map.serialize_entry("labels", &Object(&[]))?;
        map.serialize_entry("content", &Object(content))
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time_s", &self.record.at.as_secs_f64())?;
        match &self.record.what {
            What::Begin(preface) => {
                let content = [
                    ("schema", EVENTS_SCHEMA_VERSION.into()),
                    ("name", (&*preface.name).into()),
                    ("seed", preface.seed.into()),
                    ("profile", (&*preface.profile).into()),
                    ("epoch_s", Value::Number(preface.epoch.0 as f64 / 1e9)),
                    ("peers", (preface.peers.len() as u64).into()),
                ];
                Self::plain(&mut map, None, "run_begins", &content)?;
            }
            What::Up(peer) => Self::plain(&mut map, Some(self.preface.peer(*peer)), "peer_up", &[])?,
            What::Down { peer, with_machine } => {
                let content = [("with_machine", (*with_machine).into())];
                Self::plain(&mut map, Some(self.preface.peer(*peer)), "peer_down", &content)?;
            }
            What::Fault(fault) => {
                let mut content = vec![("fault", Value::from(fault.fault)), ("what", fault.kind.into())];
                if !fault.concerned.is_empty() {
                    content.push(("concerned", fault.concerned_text().into()));
                }
                Self::plain(&mut map, None, fault.name(), &content)?;
            }
            What::Fact(fact) => self.fact(&mut map, fact)?,
            What::Message(message) => self.message(&mut map, message)?,
            What::End => Self::plain(&mut map, None, "run_ends", &[])?,
        }
        map.end()
    }
}

/// Writes the line of a record.
///
/// # Errors
/// What the sink says.
pub fn write_event(out: &mut dyn Write, preface: &Preface, record: &Record<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { preface, record })?;
    out.write_all(b"\n")
}
