//! The trust context: anchors verify, providers sign (spec section 1.3).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::did::{Did, DidError};
use super::document::Resolver;
use super::key::{self, PublicKey, SecretKey, Signable, Signature, SignatureMode};
use crate::kernel::{OrderedMap, Span, Timestamp};

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
    /// The resolver has no document for the DID.
    #[error("DID cannot be resolved")]
    Unresolved,
    /// The document has no key that could verify.
    #[error("no authentication key in the DID document")]
    NoAuthenticationKey,
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
#[derive(Clone, Copy, Debug)]
struct Anchor {
    key: PublicKey,
    last_use: Timestamp,
}

impl Anchor {
    fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.last_use) <= TrustContext::ANCHOR_TTL
    }
}

/// Whose signatures can be verified and in whose name can be signed.
///
/// The key of a did:key is in the DID, so those need no cache entry. The key of a did:prism comes from a
/// [`Resolver`], is remembered, and is forgotten [`TrustContext::ANCHOR_TTL`] after its last use; until then a new
/// document of the same DID goes unnoticed.
#[derive(Debug, Default)]
pub struct TrustContext {
    mode: SignatureMode,
    resolver: Option<Arc<dyn Resolver>>,
    /// Behind a lock, so that verifying needs only a shared reference.
    anchors: Mutex<BTreeMap<Did, Anchor>>,
    providers: OrderedMap<Did, SecretKey>,
}

impl Clone for TrustContext {
    fn clone(&self) -> Self {
        Self {
            mode: self.mode,
            resolver: self.resolver.clone(),
            anchors: Mutex::new(self.cache().clone()),
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
    /// A context that can sign in the name of one DID.
    #[must_use]
    pub fn with_provider(did: Did, secret: SecretKey) -> Self {
        let mut trust = Self::new(secret.mode());
        trust.add_provider(did, secret);
        trust
    }
    /// Asks `resolver` for the documents of DIDs of the method `prism`.
    pub fn set_resolver(&mut self, resolver: Arc<dyn Resolver>) {
        self.resolver = Some(resolver);
    }
    /// Who is asked for documents.
    #[must_use]
    pub fn resolver(&self) -> Option<&dyn Resolver> {
        self.resolver.as_deref()
    }
    /// Whether signatures are real or modelled.
    #[must_use]
    pub const fn mode(&self) -> SignatureMode {
        self.mode
    }
    /// Holds `secret`, to sign in the name of `did`: its own did:key, or one whose document names it.
    pub fn add_provider(&mut self, did: Did, secret: SecretKey) {
        self.providers.insert(did, secret);
    }
    /// The signing key of `did`.
    ///
    /// # Errors
    /// [`TrustError::NoProvider`].
    pub fn provider(&self, did: &Did) -> Result<&SecretKey, TrustError> {
        self.providers.get(did).ok_or(TrustError::NoProvider)
    }
    /// The verifying key of `did` at `now`.
    ///
    /// # Errors
    /// [`AnchorFault`].
    pub fn anchor(&self, did: &Did, now: Timestamp) -> Result<PublicKey, AnchorFault> {
        if let Did::Key(key) = did {
            return Ok(*key);
        }
        match (did.method(), &self.resolver) {
            ("prism", Some(resolver)) => self.resolved(did, &**resolver, now),
            _ => did.public_key().map_err(|error| match error {
                DidError::KeyType => AnchorFault::InvalidKeyType,
                DidError::Multibase(base) => AnchorFault::Multibase(base),
                DidError::MalformedKey => AnchorFault::MalformedKey,
                DidError::Invalid(_) | DidError::NotKey => AnchorFault::NoAnchorMethod,
            }),
        }
    }
    /// From the cache, or from the resolver and into the cache.
    fn resolved(&self, did: &Did, resolver: &dyn Resolver, now: Timestamp) -> Result<PublicKey, AnchorFault> {
        let mut anchors = self.cache();
        if let Some(anchor) = anchors.get_mut(did).filter(|anchor| anchor.is_alive(now)) {
            anchor.last_use = anchor.last_use.max(now);
            return Ok(anchor.key);
        }
        anchors.remove(did);
        let document = resolver.resolve(did).ok_or(AnchorFault::Unresolved)?;
        let key = document.authentication_key().ok_or(AnchorFault::NoAuthenticationKey)?;
        anchors.insert(did.clone(), Anchor { key, last_use: now });
        Ok(key)
    }
    fn cache(&self) -> MutexGuard<'_, BTreeMap<Did, Anchor>> {
        // A panic elsewhere cannot leave an entry half written.
        self.anchors.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Forgets anchors that nobody used for [`TrustContext::ANCHOR_TTL`]; returns how many it keeps.
    pub fn gc(&mut self, now: Timestamp) -> usize {
        let anchors = self.anchors.get_mut().unwrap_or_else(PoisonError::into_inner);
        anchors.retain(|_, anchor| anchor.is_alive(now));
        anchors.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::DocumentTable;
    use super::super::document::DidDocument;
    use super::*;

    fn secret(seed: u8) -> SecretKey {
        SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
    }

    #[test]
    fn errors_have_their_texts() {
        let own = Did::Key(secret(1).public());
        let mut trust = TrustContext::with_provider(own.clone(), secret(1));
        let now = Timestamp(1_000);
        assert_eq!(trust.provider(&own).unwrap(), &secret(1));
        let signature = secret(1).sign(b"x".as_slice());
        assert_eq!(trust.verify(&own, b"x".as_slice(), &signature, now), Ok(()));
        let error = trust.verify(&own, b"y".as_slice(), &signature, now).unwrap_err();
        assert_eq!(error.to_string(), "signature verification failed");
        let prism = Did::parse("did:prism:abc").unwrap();
        assert_eq!(trust.provider(&prism).unwrap_err().to_string(), "no provider");

        let text = |trust: &TrustContext, did: &Did| trust.anchor(did, now).unwrap_err().to_string();
        assert_eq!(text(&trust, &prism), "no anchor method");
        let mut table = DocumentTable::default();
        let mut without_keys =
            DidDocument::with_key(&Did::from_text("did:prism:keyless"), &secret(1).public());
        without_keys.authentication.clear();
        table.publish(without_keys);
        trust.set_resolver(Arc::new(table));
        assert_eq!(text(&trust, &prism), "DID cannot be resolved");
        let keyless = Did::from_text("did:prism:keyless");
        assert_eq!(text(&trust, &keyless), "no authentication key in the DID document");
        assert_eq!(text(&trust, &Did::from_text("did:web:example")), "no anchor method");
        assert_eq!(text(&trust, &Did::from_text("did:key:mabc")), "unexpected multibase encoding: m");
    }

    #[test]
    fn a_resolved_key_lives_an_hour_from_its_last_use() {
        let prism = Did::parse("did:prism:abc").unwrap();
        let mut trust = TrustContext::new(SignatureMode::Modelled);
        let publish = |trust: &mut TrustContext, seed| {
            let mut table = DocumentTable::default();
            table.publish(DidDocument::with_key(&prism, &secret(seed).public()));
            trust.set_resolver(Arc::new(table));
        };
        let signed_by = |trust: &TrustContext, seed, now| {
            trust.verify(&prism, b"x".as_slice(), &secret(seed).sign(b"x".as_slice()), now).is_ok()
        };
        publish(&mut trust, 1);
        let start = Timestamp(1_000);
        assert!(signed_by(&trust, 1, start));
        publish(&mut trust, 2);
        // Each use prolongs its life, so the new key is not noticed.
        let mut now = start;
        for _ in 0..3 {
            now = now + TrustContext::ANCHOR_TTL;
            assert!(signed_by(&trust, 1, now) && !signed_by(&trust, 2, now));
        }
        // A copy has a cache of its own.
        let mut copy = trust.clone();
        let later = now + TrustContext::ANCHOR_TTL + Span(1);
        assert!(signed_by(&trust, 2, later) && !signed_by(&trust, 1, later));
        assert_eq!((copy.gc(later), trust.gc(later)), (0, 1));
        assert!(signed_by(&copy, 2, now), "asked for anew");
    }
}
