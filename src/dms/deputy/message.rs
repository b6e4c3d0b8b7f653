//! What an orchestrator, its deputy and the providers say to each other.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::Mandate;
use crate::dms::capability::decimal_len;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::identity::EnsembleId;
use crate::dms::store::DeploymentRecord;

/// What an allocation of a record takes as it travels, in bytes: its handle, key and state.
const BYTES_PER_ALLOCATION: usize = 400;
/// What the rest of a record takes beside the ensemble: keys, deadlines, candidates.
const BYTES_BESIDE: usize = 600;

/// Everything that is said about handing deployments over.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum DeputyMessage {
    /// To a deputy: a deployment as it is now.
    Copy(DeploymentCopy),
    /// To a deputy: its principal lives, and what it has copied sums up to this number.
    Beat(u64),
    /// The answer to it where the sum is another one: not all copies have come.
    Lacking,
    /// To a provider: somebody else orchestrates what it runs.
    TakeOver(Arc<Mandate>),
    /// The answer to somebody who has been replaced.
    Superseded(Arc<Mandate>),
}

/// The record and the key of a deployment, sealed for the deputy: nobody else can read it on its way.
#[derive(Clone, Debug)]
pub struct DeploymentCopy {
    /// Which.
    pub ensemble: EnsembleId,
    /// Tells it from copies of other states.
    pub version: u64,
    pub(in crate::dms) record: Arc<DeploymentRecord>,
    /// What its ensemble takes of it, in bytes: it is long, and the same in most copies of a deployment.
    pub(super) ensemble_bytes: usize,
}

impl DeploymentCopy {
    /// Bytes of the sealed box.
    fn bytes(&self) -> usize {
        let allocations: usize = self.record.nodes.iter().map(|node| node.members.len()).sum();
        self.ensemble_bytes + allocations * BYTES_PER_ALLOCATION + BYTES_BESIDE
    }

    /// Bytes of its JSON, which is mostly the sealed box.
    pub(in crate::dms) fn json_len(&self) -> usize {
        let parts = 64 + decimal_len(self.version) + self.bytes();
        r#"{"ensemble":"","version":,"sealed":""}"#.len() + parts
    }
}

/// Bytes of an ensemble's JSON.
pub(super) fn bytes_of(config: &EnsembleConfig) -> usize {
    serde_json::to_vec(config).expect("an ensemble has only string keys").len()
}

/// A version stands for the content: who has the key may write what they like, and nobody else can.
impl PartialEq for DeploymentCopy {
    fn eq(&self, other: &Self) -> bool {
        (self.ensemble, self.version) == (other.ensemble, other.version)
    }
}

impl Eq for DeploymentCopy {}

impl Hash for DeploymentCopy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.ensemble, self.version).hash(state);
    }
}

impl Serialize for DeploymentCopy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Copy", 3)?;
        object.serialize_field("ensemble", &self.ensemble)?;
        object.serialize_field("version", &self.version)?;
        object.serialize_field("sealed", &"0".repeat(self.bytes()))?;
        object.end()
    }
}
