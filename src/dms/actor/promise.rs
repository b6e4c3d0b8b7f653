//! The messages around a promise: a gateway's bid for a machine that does not exist yet (dms-orchestration section
//! 2.12). Their names were seen, their paths and contents were not: they are inferred.

use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;

use super::message::{Bid, NodeRequest};
use crate::dms::identity::{EnsembleId, SecretKey, Signable, SignatureMode, verify};
use crate::kernel::fingerprint128;

/// Asks a gateway for the machine that it has promised (`PromiseBidToBid`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct ConvertPromise {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The node that was bid for.
    pub node: Arc<str>,
    /// Which placing of the node this is; see [`super::Commit::generation`].
    pub generation: u32,
}

/// Asks a machine for its own bid, signed, to be handed on by its gateway.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct SignBid {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// What the node asks for.
    pub node: NodeRequest,
}

impl Bid {
    /// The same with its bidder's signature, which lets somebody else hand it on.
    #[must_use]
    pub fn signed(self, secret: &SecretKey) -> Self {
        let signature = secret.sign(&self);
        Self { signature: Some(signature), ..self }
    }

    /// Whether the key of its bidder signed it.
    #[must_use]
    pub fn is_signed(&self, mode: SignatureMode) -> bool {
        self.signature.is_some_and(|signature| verify(mode, &self.handle.id.0, self, &signature))
    }
}

impl Signable for Bid {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:bid:");
        let unsigned = Self { signature: None, ..self.clone() };
        out.extend(serde_json::to_vec(&unsigned).expect("a bid has only string keys"));
    }

    fn fingerprint(&self) -> u128 {
        let Self { ensemble, node, node_index: _, handle, location, promise, signature: _, offer } = self;
        fingerprint128(&("dms:bid:", ensemble, node, handle, location, promise, offer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::ensemble::Location;
    use crate::dms::identity::Handle;

    #[test]
    fn a_signed_bid_is_that_of_its_bidder_and_unchanged() {
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            let [own, other] = [1, 2].map(|seed| SecretKey::ed25519([seed; 32], mode));
            let bid = Bid {
                ensemble: EnsembleId([5; 32]),
                node: "node1".into(),
                node_index: 0,
                handle: Arc::new(Handle::root(own.public())),
                location: Location::default(),
                promise: false,
                offer: None,
                signature: None,
            };
            assert!(!bid.is_signed(mode));
            let signed = bid.clone().signed(&own);
            assert!(signed.is_signed(mode));
            assert!(!bid.signed(&other).is_signed(mode));
            for changed in [
                Bid { node: "node2".into(), ..signed.clone() },
                Bid { ensemble: EnsembleId([6; 32]), ..signed.clone() },
                Bid { promise: true, ..signed.clone() },
                Bid { handle: Arc::new(Handle::root(other.public())), ..signed },
            ] {
                assert!(!changed.is_signed(mode), "{changed:?}");
            }
        }
    }
}
