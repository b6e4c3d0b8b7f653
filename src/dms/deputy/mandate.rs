//! By whose word a node orchestrates a deployment that another one has begun.

use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;

use crate::dms::identity::{
    ActorId, EnsembleId, Handle, SecretKey, Signable, Signature, SignatureMode, verify,
};
use crate::kernel::fingerprint128;

/// A statement of a deployment's actor: who orchestrates the deployment in this term. Whoever has seen the actor's key
/// can tell it from a forgery; of two of them the one of the later term counts, so that an orchestrator that comes back
/// cannot undo what its successor does (fencing by terms: Gray and Cheriton, "Leases", SOSP 1989).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Mandate {
    /// The deployment.
    pub ensemble: EnsembleId,
    /// Counts its orchestrators; the first one has none and is that of term 0.
    pub term: u32,
    /// The deployment's actor where it is now: with the same key, on another host.
    pub successor: Arc<Handle>,
    /// That of the actor's key.
    pub signature: Signature,
}

impl Mandate {
    /// The mandate of a successor, signed with the key of the deployment's actor.
    #[must_use]
    pub fn new(ensemble: EnsembleId, term: u32, successor: Arc<Handle>, secret: &SecretKey) -> Self {
        let unsigned = Self { ensemble, term, successor, signature: Signature::NONE };
        let signature = secret.sign(&unsigned);
        Self { signature, ..unsigned }
    }

    /// Whether the actor with this id has signed it.
    #[must_use]
    pub fn is_of(&self, actor: &ActorId, mode: SignatureMode) -> bool {
        verify(mode, &actor.0, self, &self.signature)
    }
}

impl Signable for Mandate {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:mandate:");
        let unsigned = Self { signature: Signature::NONE, ..self.clone() };
        out.extend(serde_json::to_vec(&unsigned).expect("a mandate has only string keys"));
    }

    fn fingerprint(&self) -> u128 {
        let Self { ensemble, term, successor, signature: _ } = self;
        fingerprint128(&("dms:mandate:", ensemble, term, successor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mandate_is_that_of_its_actor_and_unchanged() {
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            let [own, other] = [1, 2].map(|seed| SecretKey::ed25519([seed; 32], mode));
            let to = |key: &SecretKey| Arc::new(Handle::root(key.public()));
            let mandate = Mandate::new(EnsembleId([5; 32]), 1, to(&other), &own);
            assert!(mandate.is_of(&ActorId(own.public()), mode));
            assert!(!mandate.is_of(&ActorId(other.public()), mode));
            for changed in [
                Mandate { term: 2, ..mandate.clone() },
                Mandate { ensemble: EnsembleId([6; 32]), ..mandate.clone() },
                Mandate { successor: to(&own), ..mandate.clone() },
            ] {
                assert!(!changed.is_of(&ActorId(own.public()), mode), "{changed:?}");
            }
        }
    }
}
