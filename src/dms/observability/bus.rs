//! The event bus: events of one type, with whatever name and data (dms-capabilities section 9.1).

use std::sync::Arc;

use serde::Serialize;

use super::record::{Record, Value, fields, nanoseconds};
use crate::kernel::Timestamp;

/// The name of the event that goes with each record.
pub const LOG_EVENT: &str = "log_event";
/// Who writes records, in events about them.
const LOGGER: &str = "dms";

/// An event.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Event {
    /// What happened.
    pub name: Arc<str>,
    /// When, by the node's clock.
    #[serde(serialize_with = "nanoseconds")]
    pub timestamp: Timestamp,
    /// More about it.
    #[serde(serialize_with = "fields")]
    pub data: Vec<(Arc<str>, Value)>,
}

/// Why an event is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EventError {
    /// A key without a value.
    #[error("keyValues must be in key-value pairs")]
    Unpaired,
    /// A key that is no text.
    #[error("key must be a string")]
    Key,
    /// The node is shutting down.
    #[error("the emitter is closed")]
    Closed,
}

impl Event {
    /// An event from keys and values that take turns.
    ///
    /// # Errors
    /// [`EventError::Unpaired`] and [`EventError::Key`], in the words of the real DMS.
    pub fn custom(name: &str, timestamp: Timestamp, key_values: &[Value]) -> Result<Self, EventError> {
        if !key_values.len().is_multiple_of(2) {
            return Err(EventError::Unpaired);
        }
        let pair = |pair: &[Value]| match &pair[0] {
            Value::Text(key) => Ok((Arc::clone(key), pair[1].clone())),
            _ => Err(EventError::Key),
        };
        let data = key_values.chunks_exact(2).map(pair).collect::<Result<_, _>>()?;
        Ok(Self { name: name.into(), timestamp, data })
    }

    /// The event of a record. The caller is the part of the node that wrote it: its last label, or the node.
    pub(super) fn of(record: &Record) -> Self {
        let caller = record.labels.last().map_or("default", |label| label.as_str());
        let head = [
            ("level", record.level.as_str().into()),
            ("timestamp", Value::from(record.timestamp.0)),
            ("message", record.message.into()),
            ("logger", LOGGER.into()),
            ("caller", caller.into()),
        ];
        let fields = record.fields.iter().cloned();
        let data = head.into_iter().chain(fields).map(|(key, value)| (key.into(), value)).collect();
        Self { name: LOG_EVENT.into(), timestamp: record.timestamp, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_takes_pairs_with_texts_as_keys() {
        let now = Timestamp(5);
        let event = Event::custom(
            "DeploymentCompleted",
            now,
            &["serviceID".into(), "svc-001".into(), "status".into(), "success".into()],
        )
        .unwrap();
        let json = serde_json::to_string(&event).unwrap();
        let data = r#"{"serviceID":"svc-001","status":"success"}"#;
        assert_eq!(json, format!(r#"{{"name":"DeploymentCompleted","timestamp":5,"data":{data}}}"#));
        let refused = |values: &[Value]| {
            Event::custom("x", now, values).map_err(|error| error.to_string()).unwrap_err()
        };
        assert_eq!(refused(&["a".into()]), "keyValues must be in key-value pairs");
        assert_eq!(refused(&[Value::Whole(1), "a".into()]), "key must be a string");
        assert!(Event::custom("x", now, &[]).unwrap().data.is_empty());
    }
}
