//! Tokens: the signed links of a delegation chain (spec section 2.1).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::json::{self, RawEnvelope, RawList, RawToken};
use super::path::Capability;
use super::rules::Rules;
use super::verify::CapabilityError;
use crate::dms::identity::{Did, SecretKey, Signable, Signature, SignatureMode};
use crate::kernel::{Digest, Timestamp};

/// The 96 random bits of a token.
pub type Nonce = [u8; 12];
/// The capabilities of a token; one, as in the tokens that are made for a message, needs no allocation.
pub type CapabilityList = SmallVec<[Capability; 1]>;
/// The topics of a token; one needs no allocation.
pub type TopicList = SmallVec<[Capability; 1]>;

/// What a token lets its subject do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Call behaviours.
    Invoke,
    /// Pass authority on, as the parent of another link.
    Delegate,
    /// Publish on topics.
    Broadcast,
    /// Withdraw the token with the same issuer, subject and nonce.
    Revoke,
}

impl Action {
    /// The text in the JSON form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Delegate => "delegate",
            Self::Broadcast => "broadcast",
            Self::Revoke => "revoke",
        }
    }
}

/// A list of these capabilities or topics. Nearly all have one entry or none, and are then made without a loop.
pub(super) fn list_of(capabilities: &[Capability]) -> SmallVec<[Capability; 1]> {
    match capabilities {
        [] => SmallVec::new(),
        [only] => SmallVec::from_buf([only.clone()]),
        several => several.iter().cloned().collect(),
    }
}

/// What one link says; everything but its parent and its signature.
#[derive(PartialEq, Eq, Debug)]
pub struct Claims {
    /// What the subject may do.
    pub action: Action,
    /// Who signs this link.
    pub issuer: Did,
    /// Who receives (delegate) or acts (invoke, broadcast).
    pub subject: Did,
    /// On whom it may be used; empty = any.
    pub audience: Did,
    /// Topics that broadcasts are limited to.
    pub topics: TopicList,
    /// What may be done.
    pub capabilities: CapabilityList,
    /// Random bytes that tell otherwise equal tokens apart.
    pub nonce: Nonce,
    /// The last instant at which the token is valid, Unix nanoseconds.
    pub expire: Timestamp,
    /// How many links may stand below this one; 0 = unlimited.
    pub depth: u64,
}

impl Clone for Claims {
    fn clone(&self) -> Self {
        Self {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            audience: self.audience.clone(),
            topics: list_of(&self.topics),
            capabilities: list_of(&self.capabilities),
            ..*self
        }
    }
}

/// The signature member as it was made or received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seal {
    /// No signature: omitted in JSON.
    Missing,
    /// Right or wrong.
    Signature(Signature),
    /// More bytes than any signature has; kept for the exact JSON, never valid.
    Malformed(Arc<[u8]>),
}

/// One link with its parents. Immutable, so that everything that follows from its content is computed once:
/// the JSON length, the earliest expiry and the depth room of the chain, the signing fingerprint, and, once
/// found, that the chain is well-formed and correctly signed.
pub struct Token {
    claims: Claims,
    /// The capability list was `[]` rather than `null`, which the signature covers.
    empty_list: bool,
    chain: Option<Arc<Self>>,
    seal: Seal,
    signing_fingerprint: u128,
    earliest_expire: Timestamp,
    depth_room: u64,
    json_len: u32,
    /// Every issuer of the chain is a did:key, so that its signatures are a pure function of the content.
    self_contained: bool,
    /// Bits of [`memo_bit`] under which the chain was found sound.
    sound: AtomicU8,
}

impl Token {
    /// Signs `claims` as a child of `chain`. Nothing is checked: an attacker may sign what it likes.
    #[must_use]
    #[inline]
    pub fn sign(claims: Claims, chain: Option<Arc<Self>>, secret: &SecretKey) -> Self {
        let fingerprint = fingerprint(&claims, false, chain.as_deref().map(Self::fingerprint));
        let signature = secret.sign(&Unsigned {
            claims: &claims,
            empty_list: false,
            chain: chain.as_deref(),
            fingerprint,
        });
        Self::build(claims, false, chain, Seal::Signature(signature), fingerprint)
    }
    /// Puts a token together from parts, whether the signature fits or not.
    #[must_use]
    pub fn assemble(claims: Claims, chain: Option<Arc<Self>>, signature: Option<Signature>) -> Self {
        let fingerprint = fingerprint(&claims, false, chain.as_deref().map(Self::fingerprint));
        let seal = signature.map_or(Seal::Missing, Seal::Signature);
        Self::build(claims, false, chain, seal, fingerprint)
    }
    /// The same token with another signature; for attackers and tests.
    #[must_use]
    pub fn with_signature(&self, signature: Option<Signature>) -> Self {
        let seal = signature.map_or(Seal::Missing, Seal::Signature);
        let claims = self.claims.clone();
        Self::build(claims, self.empty_list, self.chain.clone(), seal, self.signing_fingerprint)
    }

    #[inline]
    fn build(
        claims: Claims,
        empty_list: bool,
        chain: Option<Arc<Self>>,
        seal: Seal,
        signing_fingerprint: u128,
    ) -> Self {
        let parent = chain.as_deref();
        let earliest = parent.map_or(Timestamp::MAX, |parent| parent.earliest_expire);
        // A counter of n at this link reads n + 1 at the parent, so the parent's room shrinks by one.
        let parent_room = parent.map_or(u64::MAX, |parent| parent.depth_room);
        let inherited = if parent_room == u64::MAX { u64::MAX } else { parent_room.saturating_sub(1) };
        let own = if claims.depth == 0 { u64::MAX } else { claims.depth.saturating_add(1) };
        let own_key = matches!(claims.issuer, Did::Key(_));
        Self {
            earliest_expire: earliest.min(claims.expire),
            depth_room: inherited.min(own),
            json_len: json::token_len(&claims, empty_list, parent, &seal).try_into().unwrap_or(u32::MAX),
            self_contained: own_key && parent.is_none_or(|parent| parent.self_contained),
            sound: AtomicU8::new(0),
            claims,
            empty_list,
            chain,
            seal,
            signing_fingerprint,
        }
    }

    /// What this link says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
    /// See [`Claims::action`].
    #[must_use]
    pub const fn action(&self) -> Action {
        self.claims.action
    }
    /// See [`Claims::issuer`].
    #[must_use]
    pub const fn issuer(&self) -> &Did {
        &self.claims.issuer
    }
    /// See [`Claims::subject`].
    #[must_use]
    pub const fn subject(&self) -> &Did {
        &self.claims.subject
    }
    /// See [`Claims::audience`].
    #[must_use]
    pub const fn audience(&self) -> &Did {
        &self.claims.audience
    }
    /// See [`Claims::topics`].
    #[must_use]
    pub fn topics(&self) -> &[Capability] {
        &self.claims.topics
    }
    /// See [`Claims::capabilities`].
    #[must_use]
    pub fn capabilities(&self) -> &[Capability] {
        &self.claims.capabilities
    }
    /// See [`Claims::nonce`].
    #[must_use]
    pub const fn nonce(&self) -> &Nonce {
        &self.claims.nonce
    }
    /// See [`Claims::expire`]; of this link alone.
    #[must_use]
    pub const fn expire(&self) -> Timestamp {
        self.claims.expire
    }
    /// See [`Claims::depth`].
    #[must_use]
    pub const fn depth(&self) -> u64 {
        self.claims.depth
    }
    /// The parent link.
    #[must_use]
    pub const fn chain(&self) -> Option<&Arc<Self>> {
        self.chain.as_ref()
    }
    /// The signature, when there is one of a possible length.
    #[must_use]
    pub const fn signature(&self) -> Option<&Signature> {
        match &self.seal {
            Seal::Signature(signature) => Some(signature),
            Seal::Missing | Seal::Malformed(_) => None,
        }
    }
    /// This link, its parent, and so on up to the root.
    pub fn links(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |token| token.chain.as_deref())
    }
    /// The earliest expiry of this link and its ancestors.
    #[must_use]
    pub const fn earliest_expire(&self) -> Timestamp {
        self.earliest_expire
    }
    /// Counters below this number pass the depth limits of this link and its ancestors.
    pub(super) const fn depth_room(&self) -> u64 {
        self.depth_room
    }
    /// A fingerprint of the whole token, signatures included: equal for equal tokens.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        whole(self.signing_fingerprint, &self.seal)
    }
    /// What the signature of this link covers, found anew from what it says below a parent of this whole fingerprint.
    pub(super) fn to_sign_below(&self, parent: Option<u128>) -> ToSign<'_> {
        ToSign { token: self, fingerprint: fingerprint(&self.claims, self.empty_list, parent) }
    }

    /// Bytes of the JSON envelope, known without writing it.
    #[must_use]
    pub const fn json_len(&self) -> usize {
        self.json_len as usize
    }
    /// Appends the JSON envelope `{"dms":{...}}`, byte for byte as DMS writes it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"dms\":");
        json::write_claims(&self.claims, self.empty_list, self.chain.as_deref(), &self.seal, out);
        out.push(b'}');
    }
    /// The JSON envelope.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.json_len());
        self.write_json(&mut out);
        out
    }
    /// Reads one envelope.
    ///
    /// # Errors
    /// [`CapabilityError::Unmarshal`] for bad JSON; [`CapabilityError::BadToken`] for an envelope without a
    /// `dms` member (such as the placeholder `ucan`), here or in the chain.
    pub fn from_json(json: &[u8]) -> Result<Self, CapabilityError> {
        let raw: RawEnvelope = serde_json::from_slice(json).map_err(unmarshal)?;
        Self::from_raw(raw)
    }

    fn from_raw(envelope: RawEnvelope) -> Result<Self, CapabilityError> {
        let raw = *envelope.dms.ok_or(CapabilityError::BadToken)?;
        let nonce = BASE64.decode(raw.nonce.as_bytes()).map_err(unmarshal)?;
        let seal = match raw.signature.as_deref() {
            None | Some("") => Seal::Missing,
            Some(text) => {
                let bytes = BASE64.decode(text.as_bytes()).map_err(unmarshal)?;
                Signature::new(&bytes).map_or_else(|| Seal::Malformed(bytes.into()), Seal::Signature)
            }
        };
        let claims = Claims {
            action: raw.action,
            issuer: raw.issuer,
            subject: raw.subject,
            audience: raw.audience,
            topics: raw.topics.unwrap_or_default().into(),
            // DMS takes any length here; every token it makes has twelve bytes.
            nonce: nonce.try_into().map_err(|_| CapabilityError::BadToken)?,
            expire: raw.expire,
            depth: raw.depth,
            capabilities: SmallVec::new(),
        };
        let empty_list = raw.capabilities.as_ref().is_some_and(Vec::is_empty);
        let claims = Claims { capabilities: raw.capabilities.unwrap_or_default().into(), ..claims };
        let chain = raw.chain.map(|parent| Self::from_raw(parent).map(Arc::new)).transpose()?;
        let fingerprint = fingerprint(&claims, empty_list, chain.as_deref().map(Self::fingerprint));
        Ok(Self::build(claims, empty_list, chain, seal, fingerprint))
    }

    fn to_raw(&self) -> RawEnvelope {
        let signature = match &self.seal {
            Seal::Missing => None,
            Seal::Signature(signature) => Some(BASE64.encode(signature.as_bytes())),
            Seal::Malformed(bytes) => Some(BASE64.encode(bytes)),
        };
        let Claims { action, issuer, subject, audience, topics, capabilities, nonce, expire, depth } =
            self.claims.clone();
        let null = capabilities.is_empty() && !self.empty_list;
        RawEnvelope {
            dms: Some(Box::new(RawToken {
                action,
                issuer,
                subject,
                audience,
                topics: (!topics.is_empty()).then(|| topics.into_vec()),
                capabilities: (!null).then(|| capabilities.into_vec()),
                nonce: BASE64.encode(&nonce),
                expire,
                depth,
                chain: self.chain.as_ref().map(|parent| parent.to_raw()),
                signature,
            })),
        }
    }

    /// True when the chain was already found well-formed and correctly signed under these conditions.
    pub(super) fn is_known_sound(&self, mode: SignatureMode, rules: Rules) -> bool {
        self.sound.load(Relaxed) & memo_bit(mode, rules) != 0
    }
    /// Remembers that the chain is sound. Ignored where verifying keys come from a resolver and may change.
    pub(super) fn remember_sound(&self, mode: SignatureMode, rules: Rules) {
        if self.self_contained {
            self.sound.fetch_or(memo_bit(mode, rules), Relaxed);
        }
    }
}

/// The conditions that soundness depends on: how signatures are checked and how paths imply.
const fn memo_bit(mode: SignatureMode, rules: Rules) -> u8 {
    let mode = match mode {
        SignatureMode::Real => 0,
        SignatureMode::Modelled => 1,
    };
    1 << (mode * 2 + rules.empty_implies_absolute as u8)
}

fn unmarshal(error: impl fmt::Display) -> CapabilityError {
    CapabilityError::Unmarshal(error.to_string())
}

/// The fingerprint of what gets signed: the claims and the whole parent, signatures of parents included.
fn fingerprint(claims: &Claims, empty_list: bool, parent: Option<u128>) -> u128 {
    use std::hash::Hash;
    let mut hasher = Digest::new();
    let counts = (claims.topics.len() as u64) << 32 | claims.capabilities.len() as u64;
    let flags = (claims.action as u64) << 2 | u64::from(parent.is_some()) << 1 | u64::from(empty_list);
    hasher.write_u128(u128::from(counts) << 64 | u128::from(flags));
    hasher.write_u128(u128::from(claims.depth) << 64 | u128::from(claims.expire.0));
    hasher.write_bytes(&claims.nonce);
    claims.issuer.hash(&mut hasher);
    claims.subject.hash(&mut hasher);
    claims.audience.hash(&mut hasher);
    for text in claims.topics.iter().chain(&claims.capabilities) {
        hasher.write_str(text.as_str());
    }
    if let Some(parent) = parent {
        hasher.write_u128(parent);
    }
    hasher.finish()
}

/// The fingerprint of a whole link, made from that of what gets signed.
fn whole(signing_fingerprint: u128, seal: &Seal) -> u128 {
    let mut hasher = Digest::new();
    hasher.write_u128(signing_fingerprint);
    match seal {
        Seal::Missing => {}
        Seal::Signature(signature) => hasher.write_bytes(signature.as_bytes()),
        Seal::Malformed(bytes) => hasher.write_bytes(bytes),
    }
    hasher.finish()
}

/// What a link's signature covers, by a fingerprint of which nothing was remembered.
pub(super) struct ToSign<'a> {
    token: &'a Token,
    fingerprint: u128,
}
impl ToSign<'_> {
    /// The fingerprint of the whole link, signature included.
    pub(super) fn whole(&self) -> u128 {
        whole(self.fingerprint, &self.token.seal)
    }
}
impl Signable for ToSign<'_> {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        self.token.signing_bytes(out);
    }
    fn fingerprint(&self) -> u128 {
        self.fingerprint
    }
}

/// A token about to be signed.
struct Unsigned<'a> {
    claims: &'a Claims,
    empty_list: bool,
    chain: Option<&'a Token>,
    fingerprint: u128,
}
impl Signable for Unsigned<'_> {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:token:");
        json::write_claims(self.claims, self.empty_list, self.chain, &Seal::Missing, out);
    }
    fn fingerprint(&self) -> u128 {
        self.fingerprint
    }
}
impl Signable for Token {
    /// `dms:token:` and the inner object without its own signature; parents keep theirs.
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        let chain = self.chain.as_deref();
        let fingerprint = self.signing_fingerprint;
        Unsigned { claims: &self.claims, empty_list: self.empty_list, chain, fingerprint }.signing_bytes(out);
    }
    fn fingerprint(&self) -> u128 {
        self.signing_fingerprint
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        Self {
            claims: self.claims.clone(),
            chain: self.chain.clone(),
            seal: self.seal.clone(),
            sound: AtomicU8::new(self.sound.load(Relaxed)),
            ..*self
        }
    }
}
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        // The signing fingerprint covers the claims and, with their signatures, the parents.
        self.signing_fingerprint == other.signing_fingerprint && self.seal == other.seal
    }
}
impl Eq for Token {}
impl fmt::Debug for Token {
    /// One line: action, issuer, subject, audience, capabilities, expiry, depth, then the parent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.claims;
        write!(f, "{} {:?} -> {:?} on {:?} ", c.action.as_str(), c.issuer, c.subject, c.audience)?;
        write!(f, "{:?} topics {:?} until {:?} depth {}", c.capabilities, c.topics, c.expire, c.depth)?;
        self.chain.as_ref().map_or(Ok(()), |parent| write!(f, " <= {parent:?}"))
    }
}
impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_raw().serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_raw(RawEnvelope::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The tokens that travel with one message: `{"tok":[...]}`. Whoever takes a token up shares it: a broadcast has
/// thousands of receivers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenList(SmallVec<[Arc<Token>; 3]>);

impl TokenList {
    /// Bytes that a serialised list may have in one message (`maxCapabilitySize`).
    pub const MAX_BYTES: usize = 16_384;

    /// A list without tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Appends a token.
    pub fn push(&mut self, token: Token) {
        self.0.push(Arc::new(token));
    }
    /// Removes all tokens, keeping the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
    /// Bytes of the JSON form, known without writing it.
    #[must_use]
    pub fn json_len(&self) -> usize {
        let tokens: usize = self.iter().map(|token| token.json_len()).sum();
        r#"{"tok":[]}"#.len() + tokens + self.len().saturating_sub(1)
    }
    /// Appends the JSON form.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"tok\":[");
        for (i, token) in self.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            token.write_json(out);
        }
        out.extend_from_slice(b"]}");
    }
    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.json_len());
        self.write_json(&mut out);
        out
    }
    /// Reads a list. Envelopes without a `dms` member are left out: DMS treats them as expired and without
    /// authority.
    ///
    /// # Errors
    /// [`CapabilityError::Unmarshal`] for bad JSON. The size is not limited here.
    pub fn from_json(json: &[u8]) -> Result<Self, CapabilityError> {
        let raw: RawList = serde_json::from_slice(json).map_err(unmarshal)?;
        let mut list = Self::new();
        for envelope in raw.tokens.unwrap_or_default() {
            match Token::from_raw(envelope) {
                Ok(token) => list.push(token),
                Err(CapabilityError::BadToken) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(list)
    }
}
impl Hash for TokenList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|token| state.write_u128(token.fingerprint()));
    }
}
impl Deref for TokenList {
    type Target = [Arc<Token>];
    fn deref(&self) -> &[Arc<Token>] {
        &self.0
    }
}
impl FromIterator<Token> for TokenList {
    fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
        tokens.into_iter().map(Arc::new).collect()
    }
}
impl FromIterator<Arc<Token>> for TokenList {
    fn from_iter<I: IntoIterator<Item = Arc<Token>>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}
impl From<Token> for TokenList {
    fn from(token: Token) -> Self {
        std::iter::once(token).collect()
    }
}
impl Extend<Token> for TokenList {
    fn extend<I: IntoIterator<Item = Token>>(&mut self, tokens: I) {
        self.0.extend(tokens.into_iter().map(Arc::new));
    }
}
impl<'a> IntoIterator for &'a TokenList {
    type Item = &'a Arc<Token>;
    type IntoIter = std::slice::Iter<'a, Arc<Token>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
impl IntoIterator for TokenList {
    type Item = Arc<Token>;
    type IntoIter = smallvec::IntoIter<[Arc<Token>; 3]>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
impl Serialize for TokenList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Object<'a> {
            tok: &'a [Arc<Token>],
        }
        Object { tok: &self.0 }.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for TokenList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawList::deserialize(deserializer)?;
        raw.tokens
            .unwrap_or_default()
            .into_iter()
            .map(Token::from_raw)
            .collect::<Result<Self, _>>()
            .map_err(serde::de::Error::custom)
    }
}
