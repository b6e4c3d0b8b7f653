//! Traces for an APM server (dms-capabilities section 9.1): a span in the transaction that is open, or else a new
//! transaction of type `request`.
//!
//! A node handles one input at a time, so a transaction ends with the input in which it began. Ids are counted: they
//! tell the traces of one node apart.

use serde::Serialize;

use super::record::{as_text, nanoseconds};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// The type of every transaction.
const REQUEST: &str = "request";

/// Where traces go. Without one of the three there are none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ApmConfig {
    /// The server.
    pub url: String,
    /// As which service.
    pub service: String,
    /// In which environment.
    pub environment: String,
}

impl ApmConfig {
    pub(super) const fn is_complete(&self) -> bool {
        !self.url.is_empty() && !self.service.is_empty() && !self.environment.is_empty()
    }
}

/// A transaction, or a span in one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trace {
    /// When it began, by the node's clock.
    #[serde(serialize_with = "nanoseconds")]
    pub timestamp: Timestamp,
    /// Its number on the node.
    pub id: u64,
    /// The transaction that it is a span of; none for a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<u64>,
    /// What was done.
    pub name: &'static str,
    /// `request` for a transaction; of a span the level of the record that made it, or none.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The node, as the label `did`.
    #[serde(serialize_with = "as_text")]
    pub did: Did,
}

/// Makes traces.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracer {
    count: u64,
    open: Option<u64>,
    pub(super) transactions: u64,
    pub(super) spans: u64,
}

impl Tracer {
    /// The input that was handled is done with.
    pub(super) const fn close(&mut self) {
        self.open = None;
    }

    /// Something worth a trace happens.
    pub(super) fn begin(
        &mut self,
        timestamp: Timestamp,
        name: &'static str,
        kind: &'static str,
        did: &Did,
    ) -> Trace {
        self.count += 1;
        let id = self.count;
        let transaction = self.open;
        if transaction.is_some() {
            self.spans += 1;
        } else {
            self.transactions += 1;
            self.open = Some(id);
        }
        let kind = if transaction.is_some() { kind } else { REQUEST };
        Trace { timestamp, id, transaction, name, kind, did: did.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_belongs_to_the_open_transaction() {
        let mut tracer = Tracer::default();
        let mut begin = |name, close| {
            let trace = tracer.begin(Timestamp(1), name, "INFO", &Did::Empty);
            if close {
                tracer.close();
            }
            (trace.id, trace.transaction, trace.kind)
        };
        assert_eq!(begin("process_order", false), (1, None, "request"));
        assert_eq!(begin("bid_request", true), (2, Some(1), "INFO"));
        assert_eq!(begin("process_order", true), (3, None, "request"));
    }

    #[test]
    fn a_missing_name_or_place_turns_traces_off() {
        let complete = ApmConfig { url: "a".into(), service: "b".into(), environment: "c".into() };
        assert!(complete.is_complete());
        for lacking in [
            ApmConfig { url: String::new(), ..complete.clone() },
            ApmConfig { service: String::new(), ..complete.clone() },
            ApmConfig { environment: String::new(), ..complete.clone() },
        ] {
            assert!(!lacking.is_complete());
        }
    }
}
