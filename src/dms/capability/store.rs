//! The stores of a capability context: anchored tokens with subsumption, the tokens of the messages being handled,
//! and revocations (spec section 2.6).

use std::sync::Arc;

use super::rules::Rules;
use super::token::{Nonce, Token};
use crate::dms::identity::Did;
use crate::kernel::{OrderedMap, Span, Timestamp, fingerprint128};

/// What a revocation names: issuer, subject and nonce of the revoked token.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RevocationKey {
    /// The revoked token's issuer.
    pub issuer: Did,
    /// The revoked token's subject.
    pub subject: Did,
    /// The revoked token's nonce.
    pub nonce: Nonce,
}

impl RevocationKey {
    /// DMS's text form, `issuer#subject#nonce` with the nonce as raw bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}#{}#", self.issuer, self.subject).into_bytes();
        bytes.extend_from_slice(&self.nonce);
        bytes
    }

    /// A short form of the key.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        fingerprint128(self)
    }
}

/// The revocations that a peer knows, in the order in which it learnt them.
#[derive(Clone, Debug, Default)]
pub struct RevocationSet {
    /// Each with the short form of its key, which a summary is made of.
    tokens: OrderedMap<RevocationKey, (Arc<Token>, u64)>,
}

impl RevocationSet {
    /// So long a node keeps a revocation that has expired by its clock. The clock may be ahead, by the hours between
    /// time zones and more, until somebody puts it back; then the token counts again, and nobody tells of its
    /// revocation once more.
    pub const MARGIN: Span = Span::hours(24);

    /// True when nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
    /// How many tokens are revoked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }
    /// Takes a revocation up; a later one for the same token replaces it.
    pub fn insert(&mut self, revocation: Arc<Token>) {
        let key = revocation.revocation_key();
        let fingerprint = key.fingerprint() as u64;
        self.tokens.insert(key, (revocation, fingerprint));
    }
    /// Forgets a revocation.
    pub fn remove(&mut self, key: &RevocationKey) {
        self.tokens.shift_remove(key);
    }
    /// True when this very link is revoked.
    #[must_use]
    pub fn contains(&self, token: &Token) -> bool {
        !self.is_empty() && self.tokens.contains_key(&token.revocation_key())
    }
    /// True when the token or any ancestor is revoked.
    #[must_use]
    pub fn names_any_link(&self, token: &Token) -> bool {
        !self.is_empty() && token.links().any(|link| self.contains(link))
    }
    /// Drops what expired before `now`.
    pub fn gc(&mut self, now: Timestamp) {
        self.tokens.retain(|_, (token, _)| !token.expires_before(now));
    }
    /// What expires before this has expired, even if the clock that says `now` is ahead.
    #[must_use]
    pub(super) const fn certain(now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_sub(Self::MARGIN.0))
    }
    /// How many there are, and how many of them expired before `now`.
    #[must_use]
    pub fn stored(&self, now: Timestamp) -> (u64, u64) {
        let expired = self.iter().filter(|token| token.expires_before(now)).count();
        (self.len() as u64, expired as u64)
    }
    /// A number that stands for the revocations in the order in which they were learnt.
    #[must_use]
    pub fn print(&self) -> u128 {
        let prints: Vec<u64> = self.tokens.values().map(|(_, fingerprint)| *fingerprint).collect();
        fingerprint128(&prints)
    }
    /// True when the token with this key is revoked.
    #[must_use]
    pub fn contains_key(&self, key: &RevocationKey) -> bool {
        self.tokens.contains_key(key)
    }
    /// A number that stands for the revocations that have not expired at `now`: equal for equal sets, in whatever
    /// order they were learnt. None for an empty set.
    #[must_use]
    pub fn summary(&self, now: Timestamp) -> Option<u64> {
        let alive = self.tokens.values().filter(|(token, _)| !token.expires_before(now));
        alive.map(|(_, fingerprint)| *fingerprint).reduce(|one, other| one ^ other)
    }
    /// A number that stands for the one that was learnt last.
    #[must_use]
    pub fn latest(&self) -> Option<u64> {
        self.tokens.last().map(|(_, (_, fingerprint))| *fingerprint)
    }
    /// Those that have not expired at `now`, oldest first.
    pub fn alive(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Token>> {
        self.iter().filter(move |token| !token.expires_before(now))
    }
    /// The revocations, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values().map(|(token, _)| token)
    }
}

/// Anchored tokens in the order in which they came. DMS keeps one list an issuer; here the issuer is the
/// token's own.
#[derive(Clone, Debug, Default)]
pub struct AnchorStore {
    tokens: Vec<Arc<Token>>,
}

impl AnchorStore {
    /// Takes a token up unless one of the same issuer subsumes it; drops those that it subsumes. True when
    /// taken.
    pub fn anchor(&mut self, token: Arc<Token>, rules: Rules) -> bool {
        if self.tokens.iter().any(|held| held.subsumes(&token, rules)) {
            return false;
        }
        self.tokens.retain(|held| !token.subsumes(held, rules));
        self.tokens.push(token);
        true
    }
    /// Removes the token with this issuer and nonce.
    pub fn remove(&mut self, issuer: &Did, nonce: &Nonce) {
        self.tokens.retain(|held| held.issuer() != issuer || held.nonce() != nonce);
    }
    /// Keeps what `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&Token) -> bool) {
        self.tokens.retain(|token| keep(token));
    }
    /// The tokens, oldest first; expired ones included.
    #[must_use]
    pub fn tokens(&self) -> &[Arc<Token>] {
        &self.tokens
    }
    /// How many tokens are held, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }
    /// True without tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

/// Takes the tokens as they are, without subsumption: for a store that was saved.
impl FromIterator<Arc<Token>> for AnchorStore {
    fn from_iter<I: IntoIterator<Item = Arc<Token>>>(tokens: I) -> Self {
        Self { tokens: tokens.into_iter().collect() }
    }
}
