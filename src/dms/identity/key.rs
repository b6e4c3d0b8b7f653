//! Keys and signatures, real and modelled (spec section 1.1).
//!
//! `Real` is Ed25519 with strict verification. `Modelled` decides exactly as real signatures would, at
//! nanoseconds: the signature is a keyed fingerprint of the content, so changed content, another key or
//! garbage bytes fail alike.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use data_encoding::BASE64;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kernel::{Digest, fingerprint128};

/// The kind of a key. DMS generates only these two; every node, child and contract actor uses Ed25519.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyKind {
    /// Edwards-curve signatures; libp2p key type 1, multicodec 0xed.
    Ed25519,
    /// Compressed secp256k1 points; libp2p key type 2, multicodec 0xe7. Parsed and printed, never signing
    /// here.
    Secp256k1,
}

impl KeyKind {
    /// Bytes of a raw public key of this kind.
    #[must_use]
    pub const fn public_len(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::Secp256k1 => 33,
        }
    }
    /// The key type number in libp2p's protobuf form.
    #[must_use]
    pub const fn libp2p_type(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Secp256k1 => 2,
        }
    }
}

/// What can be wrong with key material.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Keys of this kind cannot be made here.
    #[error("unsupported key type {0}: cannot generate or sign")]
    Unsupported(u8),
    /// The bytes are not a libp2p protobuf public key of a known kind and length.
    #[error("malformed public key")]
    Malformed,
}

/// A public key: 32 bytes of Ed25519 or 33 of compressed secp256k1.
#[derive(Clone, Copy)]
pub struct PublicKey {
    kind: KeyKind,
    /// Ed25519 leaves the last byte zero.
    bytes: [u8; 33],
}

impl PublicKey {
    /// A key from its raw bytes; the length must fit the kind. Points are not checked to be on the curve: a
    /// bad one fails at verification, as in DMS.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for a wrong length.
    pub fn from_raw(kind: KeyKind, raw: &[u8]) -> Result<Self, KeyError> {
        if raw.len() != kind.public_len() {
            return Err(KeyError::Malformed);
        }
        let mut bytes = [0; 33];
        bytes[..raw.len()].copy_from_slice(raw);
        Ok(Self { kind, bytes })
    }
    /// The kind of this key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }
    /// The raw bytes: 32 or 33 of them.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.bytes[..self.kind.public_len()]
    }
    /// libp2p's protobuf form: `08 type 12 length raw`.
    #[must_use]
    pub fn to_protobuf(&self) -> Vec<u8> {
        let mut out = vec![0x08, self.kind.libp2p_type(), 0x12, self.kind.public_len() as u8];
        out.extend_from_slice(self.raw());
        out
    }
    /// Reads [`PublicKey::to_protobuf`] back.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for anything but the canonical form of a known kind.
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, KeyError> {
        let [0x08, kind, 0x12, length, raw @ ..] = bytes else {
            return Err(KeyError::Malformed);
        };
        let kind = match kind {
            1 => KeyKind::Ed25519,
            2 => KeyKind::Secp256k1,
            _ => return Err(KeyError::Malformed),
        };
        if usize::from(*length) != raw.len() {
            return Err(KeyError::Malformed);
        }
        Self::from_raw(kind, raw)
    }
    /// The first 32 raw bytes as little-endian words.
    #[inline]
    fn words(&self) -> [u64; 4] {
        let word = |i: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&self.bytes[8 * i..8 * i + 8]);
            u64::from_le_bytes(eight)
        };
        [word(0), word(1), word(2), word(3)]
    }
}

impl PartialEq for PublicKey {
    /// Most keys differ in their first word; comparing words spares the call that comparing byte arrays
    /// makes.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        let ([a, b, c, d], [e, f, g, h]) = (self.words(), other.words());
        a == e
            && (b == f) & (c == g) & (d == h)
            && self.bytes[32] == other.bytes[32]
            && self.kind == other.kind
    }
}
impl Eq for PublicKey {}
impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind, self.bytes).cmp(&(other.kind, other.bytes))
    }
}
impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d] = self.words();
        state.write_u64((self.kind as u64 + 2) << 8 | u64::from(self.bytes[32]));
        state.write_u128(u128::from(a) | u128::from(b) << 64);
        state.write_u128(u128::from(c) | u128::from(d) << 64);
    }
}
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&super::Did::Key(*self), f)
    }
}

/// Whether signatures are computed or modelled. A run uses one mode for all its peers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureMode {
    /// Ed25519, tens of microseconds a check.
    Real,
    /// The same decisions from fingerprints, nanoseconds a check.
    #[default]
    Modelled,
}

/// 64 signature bytes. JSON: standard padded base64 (88 characters).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Characters of the base64 text.
    pub const TEXT_LEN: usize = 88;
    /// What stands where nobody has signed.
    pub const NONE: Self = Self([0; 64]);
    /// Appends the base64 text.
    pub fn write_base64(&self, out: &mut Vec<u8>) {
        let mut text = [0; Self::TEXT_LEN];
        BASE64.encode_mut(&self.0, &mut text);
        out.extend_from_slice(&text);
    }
}
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes.try_into().map_err(|_| serde::de::Error::custom("a signature has 64 bytes"))?))
    }
}

/// Content that can be signed, either as bytes (real) or by its structure (modelled).
pub trait Signable {
    /// Appends exactly the bytes that DMS signs.
    fn signing_bytes(&self, out: &mut Vec<u8>);
    /// A fingerprint of the same content without serialising it: equal exactly when the signing bytes are
    /// equal.
    fn fingerprint(&self) -> u128;
}

/// Plain bytes sign as themselves.
impl Signable for [u8] {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn fingerprint(&self) -> u128 {
        fingerprint128(self)
    }
}

/// A signing key. Cheap to clone; equality is that of the public keys.
#[derive(Clone)]
pub struct SecretKey {
    public: PublicKey,
    seed: [u8; 32],
    /// Present under [`SignatureMode::Real`].
    real: Option<Arc<SigningKey>>,
}

impl SecretKey {
    /// The key that grows from `seed`.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for secp256k1, which is only parsed and printed.
    pub fn from_seed(kind: KeyKind, seed: [u8; 32], mode: SignatureMode) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ed25519 => Ok(Self::ed25519(seed, mode)),
            KeyKind::Secp256k1 => Err(KeyError::Unsupported(kind.libp2p_type())),
        }
    }
    /// The Ed25519 key that grows from `seed`: what every node and actor has.
    #[must_use]
    pub fn ed25519(seed: [u8; 32], mode: SignatureMode) -> Self {
        let (raw, real) = match mode {
            SignatureMode::Real => {
                let key = SigningKey::from_bytes(&seed);
                (key.verifying_key().to_bytes(), Some(Arc::new(key)))
            }
            SignatureMode::Modelled => (modelled_public_key(&seed), None),
        };
        let mut bytes = [0; 33];
        bytes[..32].copy_from_slice(&raw);
        Self { public: PublicKey { kind: KeyKind::Ed25519, bytes }, seed, real }
    }
    /// The public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }
    /// The seed that the key grew from (persistence and restored actor keys need it).
    #[must_use]
    pub const fn seed(&self) -> &[u8; 32] {
        &self.seed
    }
    /// The mode that the key was made for.
    #[must_use]
    pub const fn mode(&self) -> SignatureMode {
        if self.real.is_some() { SignatureMode::Real } else { SignatureMode::Modelled }
    }
    /// Signs `content` in the mode of this key.
    #[must_use]
    pub fn sign<S: Signable + ?Sized>(&self, content: &S) -> Signature {
        match &self.real {
            Some(key) => {
                let mut bytes = Vec::with_capacity(1024);
                content.signing_bytes(&mut bytes);
                Signature(key.sign(&bytes).to_bytes())
            }
            None => modelled_signature(&self.public, content.fingerprint()),
        }
    }
}
impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public && self.seed == other.seed
    }
}
impl fmt::Debug for SecretKey {
    /// The public key only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({:?})", self.public)
    }
}

/// True when `signature` over `content` was made by the owner of `key`. Secp256k1 keys never sign here and
/// verify nothing.
#[must_use]
pub fn verify<S: Signable + ?Sized>(
    mode: SignatureMode,
    key: &PublicKey,
    content: &S,
    signature: &Signature,
) -> bool {
    if key.kind != KeyKind::Ed25519 {
        return false;
    }
    match mode {
        SignatureMode::Real => {
            let mut bytes = Vec::with_capacity(1024);
            content.signing_bytes(&mut bytes);
            let mut raw = [0; 32];
            raw.copy_from_slice(key.raw());
            VerifyingKey::from_bytes(&raw).is_ok_and(|key| {
                key.verify_strict(&bytes, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
            })
        }
        SignatureMode::Modelled => modelled_signature(key, content.fingerprint()) == *signature,
    }
}

/// The output function of `SplitMix64`.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn modelled_public_key(seed: &[u8; 32]) -> [u8; 32] {
    let print = fingerprint128(seed);
    let (low, high) = (print as u64, (print >> 64) as u64);
    let mut out = [0; 32];
    for (i, eight) in out.chunks_exact_mut(8).enumerate() {
        let lane = if i % 2 == 0 { low } else { high };
        eight.copy_from_slice(&mix(lane.wrapping_add(GAMMA.wrapping_mul(i as u64 + 1))).to_le_bytes());
    }
    out
}

fn modelled_signature(key: &PublicKey, fingerprint: u128) -> Signature {
    let mut hasher = Digest::new();
    key.hash(&mut hasher);
    hasher.write_u128(fingerprint);
    let print = hasher.finish();
    let (low, high) = (print as u64, (print >> 64) as u64);
    let mut out = [0; 64];
    for (i, eight) in out.chunks_exact_mut(8).enumerate() {
        let lane = if i % 2 == 0 { low } else { high };
        eight.copy_from_slice(&mix(lane.wrapping_add(GAMMA.wrapping_mul(i as u64 + 1))).to_le_bytes());
    }
    Signature(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn rfc_8032_vectors() {
        let text = include_str!("../../../data/conformance/rfc8032_ed25519.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.len(), 4);
        for vector in &vectors {
            let field = |name: &str| hex(vector[name].as_str().unwrap());
            let key = SecretKey::ed25519(field("secret").try_into().unwrap(), SignatureMode::Real);
            assert_eq!(key.public().raw(), field("public"));
            let signature = key.sign(field("msg").as_slice());
            assert_eq!(signature.0.as_slice(), field("sig"));
            assert!(verify(SignatureMode::Real, &key.public(), field("msg").as_slice(), &signature));
            assert_eq!(super::super::Did::Key(key.public()).to_string(), vector["did_key"].as_str().unwrap());
        }
    }

    #[test]
    fn both_modes_accept_and_refuse_alike() {
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            let (a, b) = (SecretKey::ed25519([1; 32], mode), SecretKey::ed25519([2; 32], mode));
            let content: &[u8] = b"hello";
            let signature = a.sign(content);
            assert!(verify(mode, &a.public(), content, &signature));
            assert!(!verify(mode, &b.public(), content, &signature), "{mode:?}: another key");
            assert!(!verify(mode, &a.public(), b"hellp".as_slice(), &signature), "{mode:?}: other content");
            for position in [0, 31, 32, 63] {
                let mut garbage = signature;
                garbage.0[position] ^= 1;
                assert!(!verify(mode, &a.public(), content, &garbage), "{mode:?}: byte {position}");
            }
            assert_ne!(a.public(), b.public());
        }
    }

    #[test]
    fn protobuf_round_trip_and_rejects() {
        let key = SecretKey::ed25519([3; 32], SignatureMode::Real).public();
        let bytes = key.to_protobuf();
        assert_eq!(bytes[..4], [0x08, 0x01, 0x12, 0x20]);
        assert_eq!(PublicKey::from_protobuf(&bytes), Ok(key));
        assert_eq!(PublicKey::from_protobuf(&bytes[..35]), Err(KeyError::Malformed));
        let error = SecretKey::from_seed(KeyKind::Secp256k1, [0; 32], SignatureMode::Real).unwrap_err();
        assert_eq!(error, KeyError::Unsupported(2));
    }

    #[test]
    fn signature_text_is_88_characters() {
        let signature = Signature([0xfb; 64]);
        let text = serde_json::to_string(&signature).unwrap();
        assert_eq!(text.len(), 90);
        assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), signature);
    }
}
