//! Log records and where their labels send them (dms-capabilities section 9.1).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// How much a record matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// For who looks for a mistake.
    Debug,
    /// What a node does.
    #[default]
    Info,
    /// What may be wrong.
    Warn,
    /// What went wrong.
    Error,
}

impl Level {
    /// All of them, from the one that says most.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A text that is no level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownLevel;

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownLevel)
    }
}

/// What a record is about. Each has an Elasticsearch index of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// What is owed and paid.
    Accounting,
    /// Measurements.
    Metric,
    /// Deployments.
    Deployment,
    /// Allocations.
    Allocation,
    /// The node itself.
    Node,
    /// Contracts.
    Contract,
    /// What its operator asks for.
    User,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Accounting,
        Self::Metric,
        Self::Deployment,
        Self::Allocation,
        Self::Node,
        Self::Contract,
        Self::User,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounting => "accounting",
            Self::Metric => "metric",
            Self::Deployment => "deployment",
            Self::Allocation => "allocation",
            Self::Node => "node",
            Self::Contract => "contract",
            Self::User => "user",
        }
    }

    /// The index for its records.
    #[must_use]
    pub const fn index(self) -> &'static str {
        match self {
            Self::Accounting => "accounting-index",
            Self::Metric => "metric-index",
            Self::Deployment => "deployment-index",
            Self::Allocation => "allocation-index",
            Self::Node => "node-index",
            Self::Contract => "contract-index",
            Self::User => "user-index",
        }
    }
}

/// The index of records without labels. Its name was not read.
pub const DEFAULT_INDEX: &str = "default-index";

/// The index that a record with these labels goes to: that of its last label. None when one of its labels is to be
/// skipped.
#[must_use]
pub fn index_of(labels: &[Label], skipped: &[Label]) -> Option<&'static str> {
    if labels.iter().any(|label| skipped.contains(label)) {
        return None;
    }
    Some(labels.last().map_or(DEFAULT_INDEX, |label| label.index()))
}

/// A value of a record or of an event.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A text.
    Text(Arc<str>),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&Arc<str>> for Value {
    fn from(text: &Arc<str>) -> Self {
        Self::Text(Arc::clone(text))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Number(number as f64), Self::Whole)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

/// What a record says besides its message: key and value, in order.
pub type Fields = Vec<(&'static str, Value)>;

/// One line of a structured log.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Record {
    /// When, by the node's clock.
    #[serde(serialize_with = "nanoseconds")]
    pub timestamp: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// What happened, one of few names.
    pub message: &'static str,
    /// What it is about; `default` stands for none.
    #[serde(serialize_with = "labels")]
    pub labels: &'static [Label],
    /// The node.
    #[serde(serialize_with = "as_text")]
    pub did: Did,
    /// The rest.
    #[serde(serialize_with = "fields")]
    pub fields: Fields,
}

pub(super) fn nanoseconds<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(timestamp.0)
}

pub(super) fn as_text<S: Serializer>(did: &Did, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(did)
}

fn labels<S: Serializer>(labels: &[Label], serializer: S) -> Result<S::Ok, S::Error> {
    if labels.is_empty() { serializer.collect_seq(["default"]) } else { serializer.collect_seq(labels) }
}

pub(super) fn fields<S: Serializer, K: Serialize>(
    fields: &[(K, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(key, value)| (key, value)))
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_label_names_the_index_and_a_skipped_one_keeps_a_record_away() {
        assert_eq!(index_of(&[], &[]), Some(DEFAULT_INDEX));
        for label in Label::ALL {
            assert_eq!(index_of(&[label], &[]), Some(format!("{}-index", label.as_str()).as_str()));
        }
        let both = [Label::Contract, Label::Deployment];
        assert_eq!(index_of(&both, &[]), Some("deployment-index"));
        assert_eq!(index_of(&both, &[Label::Contract]), None);
        assert_eq!(index_of(&both, &[Label::User]), Some("deployment-index"));
    }

    #[test]
    fn levels_are_read_in_any_case_and_ordered() {
        assert_eq!("warn".parse(), Ok(Level::Warn));
        assert_eq!("loud".parse::<Level>(), Err(UnknownLevel));
        assert!(Level::ALL.is_sorted());
    }
}
