//! The trust context: anchors verify, providers sign (spec section 1.3).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::did::{Did, DidError};
use super::key::{self, PublicKey, SecretKey, Signable, Signature, SignatureMode};
use crate::kernel::{Span, Timestamp};

/// Why no anchor (verifying key) can be had for a DID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum AnchorFault {
    /// The method of the DID is not known.
    #[error("no anchor method")]
    NoAnchorMethod,
    /// A did:key of a kind that is not known.
    #[error("invalid key type")]
    InvalidKeyType,
    /// A did:key that is not base58btc.
    #[error("unexpected multibase encoding: {0}")]
    Multibase(char),
    /// A did:key that cannot be decoded.
    #[error("malformed key")]
    MalformedKey,
}

/// What the trust context refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TrustError {
    /// No verifying key.
    #[error(transparent)]
    Anchor(#[from] AnchorFault),
    /// No signing key is held for the DID.
    #[error("no provider")]
    NoProvider,
    /// The signature does not fit content and key.
    #[error("signature verification failed")]
    InvalidSignature,
}

/// A key that a resolver gave for a DID, and when it was last used.
#[derive(Debug)]
struct Anchor {
    key: PublicKey,
    /// A [`Timestamp`]; atomic so that verifying needs only a shared reference.
    last_use: AtomicU64,
}

/// Whose signatures can be verified and in whose name can be signed.
///
/// The key of a did:key is in the DID, so those need no cache entry; anchors of other methods are put in by
/// whoever resolved them ([`TrustContext::add_anchor`]) and live [`TrustContext::ANCHOR_TTL`] from their last
/// use.
#[derive(Debug, Default)]
pub struct TrustContext {
    mode: SignatureMode,
    anchors: IndexMap<Did, Anchor, FxBuildHasher>,
    providers: IndexMap<Did, SecretKey, FxBuildHasher>,
}

impl Clone for TrustContext {
    fn clone(&self) -> Self {
        let copy =
            |anchor: &Anchor| Anchor { key: anchor.key, last_use: anchor.last_use.load(Relaxed).into() };
        Self {
            mode: self.mode,
            anchors: self.anchors.iter().map(|(did, anchor)| (did.clone(), copy(anchor))).collect(),
            providers: self.providers.clone(),
        }
    }
}

impl TrustContext {
    /// How long a cached anchor lives from its last use (`anchorEntryTTL`).
    pub const ANCHOR_TTL: Span = Span::hours(1);

    /// A context that knows no one but every did:key.
    #[must_use]
    pub fn new(mode: SignatureMode) -> Self {
        Self { mode, ..Self::default() }
    }
    /// A context that can sign for one key.
    #[must_use]
    pub fn with_provider(secret: SecretKey) -> Self {
        let mut trust = Self::new(secret.mode());
        trust.add_provider(secret);
        trust
    }
    /// Whether signatures are real or modelled.
    #[must_use]
    pub const fn mode(&self) -> SignatureMode {
        self.mode
    }
    /// Holds `secret`, to sign in the name of its did:key.
    pub fn add_provider(&mut self, secret: SecretKey) {
        self.providers.insert(Did::Key(secret.public()), secret);
    }
    /// The signing key of `did`.
    ///
    /// # Errors
    /// [`TrustError::NoProvider`].
    pub fn provider(&self, did: &Did) -> Result<&SecretKey, TrustError> {
        self.providers.get(did).ok_or(TrustError::NoProvider)
    }
    /// Caches the key that was resolved for a DID of a method other than `key`.
    pub fn add_anchor(&mut self, did: Did, key: PublicKey, now: Timestamp) {
        self.anchors.insert(did, Anchor { key, last_use: now.0.into() });
    }
    /// The verifying key of `did` at `now`.
    ///
    /// # Errors
    /// [`AnchorFault`].
    pub fn anchor(&self, did: &Did, now: Timestamp) -> Result<PublicKey, AnchorFault> {
        if let Did::Key(key) = did {
            return Ok(*key);
        }
        if let Some(anchor) = self.anchors.get(did)
            && now.since(Timestamp(anchor.last_use.load(Relaxed))) <= Self::ANCHOR_TTL
        {
            anchor.last_use.fetch_max(now.0, Relaxed);
            return Ok(anchor.key);
        }
        did.public_key().map_err(|error| match error {
            DidError::KeyType => AnchorFault::InvalidKeyType,
            DidError::Multibase(base) => AnchorFault::Multibase(base),
            DidError::MalformedKey => AnchorFault::MalformedKey,
            DidError::Invalid(_) | DidError::NotKey => AnchorFault::NoAnchorMethod,
        })
    }
    /// Checks that `signature` over `content` is by `did`.
    ///
    /// # Errors
    /// [`TrustError::Anchor`] or [`TrustError::InvalidSignature`].
    pub fn verify<S: Signable + ?Sized>(
        &self,
        did: &Did,
        content: &S,
        signature: &Signature,
        now: Timestamp,
    ) -> Result<(), TrustError> {
        let key = self.anchor(did, now)?;
        if key::verify(self.mode, &key, content, signature) {
            Ok(())
        } else {
            Err(TrustError::InvalidSignature)
        }
    }
    /// Forgets anchors that nobody used for [`TrustContext::ANCHOR_TTL`].
    pub fn gc(&mut self, now: Timestamp) {
        self.anchors
            .retain(|_, anchor| now.since(Timestamp(anchor.last_use.load(Relaxed))) <= Self::ANCHOR_TTL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_cache() {
        let secret = SecretKey::ed25519([1; 32], SignatureMode::Modelled);
        let mut trust = TrustContext::with_provider(secret.clone());
        let (own, prism) = (Did::Key(secret.public()), Did::parse("did:prism:abc").unwrap());
        let start = Timestamp(1_000);
        assert_eq!(trust.provider(&own).unwrap(), &secret);
        assert_eq!(trust.provider(&prism).unwrap_err().to_string(), "no provider");
        assert_eq!(trust.anchor(&prism, start).unwrap_err().to_string(), "no anchor method");
        let signature = secret.sign(b"x".as_slice());
        assert_eq!(trust.verify(&own, b"x".as_slice(), &signature, start), Ok(()));
        let error = trust.verify(&own, b"y".as_slice(), &signature, start).unwrap_err();
        assert_eq!(error.to_string(), "signature verification failed");

        trust.add_anchor(prism.clone(), secret.public(), start);
        let later = start + TrustContext::ANCHOR_TTL;
        assert_eq!(
            trust.verify(&prism, b"x".as_slice(), &signature, later),
            Ok(()),
            "and the use prolongs its life"
        );
        assert!(trust.anchor(&prism, later + TrustContext::ANCHOR_TTL).is_ok());
        trust.gc(later + Span::hours(3));
        assert!(trust.anchor(&prism, later).is_err());
    }
}
