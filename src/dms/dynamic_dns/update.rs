//! What the owner of a name tells the server of its zone.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use crate::dms::identity::{Did, SecretKey, Signable, Signature, SignatureMode, verify};
use crate::kernel::{Timestamp, fingerprint128};

/// What goes before the content that is signed, so that no signature made for something else is one of an update.
const PREFIX: &[u8] = b"dms:dynamic-dns:";

/// What an owner wants of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Purpose {
    /// Have it, whether it was had before or not.
    Claim,
    /// Go on having it, at the same address or a new one.
    Renew,
}

/// One update of one record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Update {
    /// What for.
    pub purpose: Purpose,
    /// The name as its owner writes it; the server checks it.
    pub name: Arc<str>,
    /// Where it is to lead.
    pub address: Ipv4Addr,
    /// Who says so: a DID with a key.
    pub owner: Did,
    /// Grows with every update of this owner; what is not greater than the last one was said before.
    pub sequence: u64,
    /// Until when the server may take it.
    pub expire: Timestamp,
}

/// An update with its owner's signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedUpdate {
    /// What is said.
    pub update: Update,
    /// By whom: over the update's JSON.
    pub signature: Signature,
}

impl Update {
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an update has only string keys")
    }

    /// Signs it with the key of its owner.
    #[must_use]
    pub fn sign(self, secret: &SecretKey) -> SignedUpdate {
        let signature = secret.sign(&self);
        SignedUpdate { update: self, signature }
    }
}

impl SignedUpdate {
    /// Whether the owner that it names has signed it. One whose DID holds no key has signed nothing.
    #[must_use]
    pub fn holds(&self, mode: SignatureMode) -> bool {
        let key = self.update.owner.public_key();
        key.is_ok_and(|key| verify(mode, &key, &self.update, &self.signature))
    }
}

impl Signable for Update {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFIX);
        out.extend_from_slice(&self.json());
    }
    fn fingerprint(&self) -> u128 {
        let mut bytes = Vec::new();
        self.signing_bytes(&mut bytes);
        fingerprint128(&bytes[..])
    }
}
