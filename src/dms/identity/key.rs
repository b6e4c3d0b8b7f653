//! Keys and signatures, real and modelled (spec section 1.1).
//!
//! `Real` is Ed25519 with strict verification, or ECDSA over secp256k1 of the SHA-256 of the content, in DER and
//! with the lower `s` only, as libp2p makes it. `Modelled` decides exactly as real signatures would, at
//! nanoseconds: the signature is a keyed fingerprint of the content, so changed content, another key or
//! garbage bytes fail alike.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use data_encoding::BASE64;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use k256::ecdsa::signature::Verifier;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kernel::{Digest, fingerprint128};

/// The kind of a key. DMS generates the first two only, and every node, child and contract actor uses Ed25519; the
/// others are held in hardware or wallets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KeyKind {
    /// Edwards-curve signatures; libp2p key type 1, multicodec 0xed.
    Ed25519,
    /// Compressed secp256k1 points; libp2p key type 2, multicodec 0xe7.
    Secp256k1,
    /// Keys of Ethereum wallets, compressed secp256k1 points; key type 127, multicodec 0xef01. Parsed and printed;
    /// what such wallets sign is not verified here.
    Eth,
    /// Keys of Cardano wallets, 32 bytes as Ed25519; key type 128, multicodec 0xef02. Parsed and printed; what such
    /// wallets sign is not verified here.
    Cardano,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Ed25519, Self::Secp256k1, Self::Eth, Self::Cardano];

    /// Bytes of a raw public key of this kind.
    #[must_use]
    pub const fn public_len(self) -> usize {
        match self {
            Self::Ed25519 | Self::Cardano => 32,
            Self::Secp256k1 | Self::Eth => 33,
        }
    }
    /// The key type number in libp2p's protobuf form.
    #[must_use]
    pub const fn libp2p_type(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Secp256k1 => 2,
            Self::Eth => 127,
            Self::Cardano => 128,
        }
    }
    /// The multicodec of a did:key, as an unsigned varint.
    #[must_use]
    pub const fn multicodec(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &[0xed, 0x01],
            Self::Secp256k1 => &[0xe7, 0x01],
            Self::Eth => &[0x81, 0xde, 0x03],
            Self::Cardano => &[0x82, 0xde, 0x03],
        }
    }
    /// Whether DMS generates keys of this kind and takes them as ids of actors and hosts (`AllowedKey`).
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Ed25519 | Self::Secp256k1)
    }
}

/// What can be wrong with key material.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Keys of this kind are neither made here nor taken as ids.
    #[error("unsupported key type {0}: only Ed25519 (1) and Secp256k1 (2) are allowed")]
    Unsupported(u8),
    /// Zero, or not below the order of the curve.
    #[error("no secp256k1 key grows from this seed")]
    Seed,
    /// The bytes are not a libp2p protobuf public key of a known kind and length.
    #[error("malformed public key")]
    Malformed,
}

/// A public key: 32 bytes of an Edwards curve or 33 of compressed secp256k1.
#[derive(Clone, Copy)]
pub struct PublicKey {
    kind: KeyKind,
    /// Edwards keys leave the last byte zero.
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
        let mut out = vec![0x08];
        match self.kind.libp2p_type() {
            small @ ..0x80 => out.push(small),
            large => out.extend([large, 0x01]),
        }
        out.extend([0x12, self.kind.public_len() as u8]);
        out.extend_from_slice(self.raw());
        out
    }
    /// Bytes of [`PublicKey::to_protobuf`].
    #[must_use]
    pub const fn protobuf_len(&self) -> usize {
        let header = if self.kind.libp2p_type() < 0x80 { 4 } else { 5 };
        header + self.kind.public_len()
    }
    /// Reads [`PublicKey::to_protobuf`] back.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for kinds that DMS does not allow as ids, [`KeyError::Malformed`] for anything else
    /// but the canonical form.
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, KeyError> {
        let (kind, raw) = match bytes {
            [0x08, 1, 0x12, 32, raw @ ..] => (KeyKind::Ed25519, raw),
            [0x08, 2, 0x12, 33, raw @ ..] => (KeyKind::Secp256k1, raw),
            [0x08, kind @ 127, 0x12, ..] | [0x08, kind @ 128, 0x01, 0x12, ..] => {
                return Err(KeyError::Unsupported(*kind));
            }
            _ => return Err(KeyError::Malformed),
        };
        Self::from_raw(kind, raw)
    }
    /// The first eight raw bytes: enough to tell the honest keys of a simulation apart.
    #[must_use]
    pub fn short(&self) -> u64 {
        self.words()[0]
    }
    /// The first 32 raw bytes as little-endian words.
    #[inline]
    fn words(&self) -> [u64; 4] {
        let (words, _) = self.bytes.as_chunks();
        let word = |place: usize| u64::from_le_bytes(words[place]);
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
    /// As DMS computes them, tens of microseconds a check.
    Real,
    /// The same decisions from fingerprints, nanoseconds a check.
    #[default]
    Modelled,
}

impl SignatureMode {
    /// Its word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Modelled => "modelled",
        }
    }
}

/// Signature bytes, right or wrong: 64 of Ed25519, at most 72 of secp256k1. JSON: standard padded base64.
#[derive(Clone, Copy)]
pub struct Signature {
    /// Zero behind the signature.
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Signature {
    /// The most bytes that a signature of any kind has.
    pub const MAX_LEN: usize = 72;

    /// A signature from its bytes; `None` when there are more than any kind of key makes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut copy = [0; Self::MAX_LEN];
        copy.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self { bytes: copy, len: bytes.len() as u8 })
    }
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
    /// What stands where nobody has signed.
    pub const NONE: Self = Self { bytes: [0; Self::MAX_LEN], len: 64 };
    /// Characters of the base64 text.
    #[must_use]
    pub const fn text_len(&self) -> usize {
        (self.len as usize).div_ceil(3) * 4
    }
    /// Appends the base64 text.
    pub fn write_base64(&self, out: &mut Vec<u8>) {
        let mut text = [0; Self::MAX_LEN / 3 * 4];
        let text = &mut text[..self.text_len()];
        BASE64.encode_mut(self.as_bytes(), text);
        out.extend_from_slice(text);
    }
}
impl From<[u8; 64]> for Signature {
    fn from(sixty_four: [u8; 64]) -> Self {
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..64].copy_from_slice(&sixty_four);
        Self { bytes, len: 64 }
    }
}
impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Signature {}
impl Hash for Signature {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.as_bytes()))
    }
}
impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.as_bytes()))
    }
}
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        Self::new(&bytes).ok_or_else(|| serde::de::Error::custom("a signature has at most 72 bytes"))
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
    real: Option<Arc<RealKey>>,
}

enum RealKey {
    Ed25519(SigningKey),
    Secp256k1(k256::ecdsa::SigningKey),
}

impl SecretKey {
    /// The key that grows from `seed`. Both modes refuse the same seeds.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for keys of wallets, which only their owners make; [`KeyError::Seed`] for the few
    /// seeds that are no secp256k1 key.
    pub fn from_seed(kind: KeyKind, seed: [u8; 32], mode: SignatureMode) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ed25519 => Ok(Self::ed25519(seed, mode)),
            KeyKind::Secp256k1 => Self::secp256k1(seed, mode),
            KeyKind::Eth | KeyKind::Cardano => Err(KeyError::Unsupported(kind.libp2p_type())),
        }
    }
    /// The Ed25519 key that grows from `seed`: what every node and actor has.
    #[must_use]
    pub fn ed25519(seed: [u8; 32], mode: SignatureMode) -> Self {
        let (raw, real) = match mode {
            SignatureMode::Real => {
                let key = SigningKey::from_bytes(&seed);
                (key.verifying_key().to_bytes(), Some(Arc::new(RealKey::Ed25519(key))))
            }
            SignatureMode::Modelled => (modelled_public_key(&seed), None),
        };
        let mut bytes = [0; 33];
        bytes[..32].copy_from_slice(&raw);
        Self { public: PublicKey { kind: KeyKind::Ed25519, bytes }, seed, real }
    }
    fn secp256k1(seed: [u8; 32], mode: SignatureMode) -> Result<Self, KeyError> {
        let key = k256::ecdsa::SigningKey::from_slice(&seed).map_err(|_| KeyError::Seed)?;
        let mut bytes = [0; 33];
        let real = match mode {
            SignatureMode::Real => {
                bytes.copy_from_slice(key.verifying_key().to_sec1_point(true).as_bytes());
                Some(Arc::new(RealKey::Secp256k1(key)))
            }
            SignatureMode::Modelled => {
                bytes[1..].copy_from_slice(&modelled_public_key(&seed));
                // The parity of the point that a compressed key begins with.
                bytes[0] = 0x02 | (bytes[32] & 1);
                None
            }
        };
        Ok(Self { public: PublicKey { kind: KeyKind::Secp256k1, bytes }, seed, real })
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
        let Some(key) = &self.real else {
            return modelled_signature(&self.public, content.fingerprint());
        };
        let mut bytes = Vec::with_capacity(1024);
        content.signing_bytes(&mut bytes);
        match &**key {
            RealKey::Ed25519(key) => Signature::from(key.sign(&bytes).to_bytes()),
            RealKey::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature = key.sign(&bytes);
                let der = signature.normalize_s().to_der();
                Signature::new(der.as_bytes()).expect("DER of two 32-byte numbers has at most 72 bytes")
            }
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

/// True when `signature` over `content` was made by the owner of `key`. Keys of wallets verify nothing here, in
/// either mode.
#[must_use]
pub fn verify<S: Signable + ?Sized>(
    mode: SignatureMode,
    key: &PublicKey,
    content: &S,
    signature: &Signature,
) -> bool {
    match mode {
        SignatureMode::Modelled if key.kind.is_allowed() => {
            modelled_signature(key, content.fingerprint()) == *signature
        }
        SignatureMode::Modelled => false,
        SignatureMode::Real => {
            let mut bytes = Vec::with_capacity(1024);
            content.signing_bytes(&mut bytes);
            match key.kind {
                KeyKind::Ed25519 => verify_ed25519(key, &bytes, signature),
                KeyKind::Secp256k1 => verify_secp256k1(key, &bytes, signature),
                KeyKind::Eth | KeyKind::Cardano => false,
            }
        }
    }
}

fn verify_ed25519(key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
    let mut raw = [0; 32];
    raw.copy_from_slice(key.raw());
    let Ok(signature) = ed25519_dalek::Signature::from_slice(signature.as_bytes()) else { return false };
    VerifyingKey::from_bytes(&raw).is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
}

/// With the lower `s` only: of the two signatures that fit the equation, a key's owner makes this one.
fn verify_secp256k1(key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
    let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(key.raw());
    let signature = k256::ecdsa::Signature::from_der(signature.as_bytes());
    match (key, signature) {
        (Ok(key), Ok(signature)) => {
            signature.normalize_s() == signature && key.verify(bytes, &signature).is_ok()
        }
        _ => false,
    }
}

/// The output function of `SplitMix64`.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes that follow from a fingerprint and look random.
fn spread<const N: usize>(print: u128) -> [u8; N] {
    let (low, high) = (print as u64, (print >> 64) as u64);
    let mut out = [0; N];
    for (i, eight) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let lane = if i % 2 == 0 { low } else { high };
        *eight = mix(lane.wrapping_add(GAMMA.wrapping_mul(i as u64 + 1))).to_le_bytes();
    }
    out
}

fn modelled_public_key(seed: &[u8; 32]) -> [u8; 32] {
    spread(fingerprint128(seed))
}

/// Of secp256k1 in the form of DER, with 70 bytes: the length that real ones have most often.
fn modelled_signature(key: &PublicKey, fingerprint: u128) -> Signature {
    let mut hasher = Digest::new();
    key.hash(&mut hasher);
    hasher.write_u128(fingerprint);
    let numbers: [u8; 64] = spread(hasher.finish());
    if key.kind != KeyKind::Secp256k1 {
        return Signature::from(numbers);
    }
    let mut bytes = [0; Signature::MAX_LEN];
    bytes[..4].copy_from_slice(&[0x30, 68, 0x02, 32]);
    bytes[4..36].copy_from_slice(&numbers[..32]);
    bytes[36..38].copy_from_slice(&[0x02, 32]);
    bytes[38..70].copy_from_slice(&numbers[32..]);
    for first in [4, 38] {
        // A number in DER is positive and has no leading zeros.
        bytes[first] = bytes[first] & 0x3f | 0x40;
    }
    Signature { bytes, len: 70 }
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
            assert_eq!(signature.as_bytes(), field("sig"));
            assert!(verify(SignatureMode::Real, &key.public(), field("msg").as_slice(), &signature));
            assert_eq!(super::super::Did::Key(key.public()).to_string(), vector["did_key"].as_str().unwrap());
        }
    }

    #[test]
    fn both_modes_accept_and_refuse_alike() {
        for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
            for mode in [SignatureMode::Real, SignatureMode::Modelled] {
                let key = |seed| SecretKey::from_seed(kind, [seed; 32], mode).unwrap();
                let (a, b) = (key(1), key(2));
                let content: &[u8] = b"hello";
                let signature = a.sign(content);
                let accepts = |key: &SecretKey, content: &[u8], signature: &Signature| {
                    verify(mode, &key.public(), content, signature)
                };
                assert!(accepts(&a, content, &signature));
                assert!(!accepts(&b, content, &signature), "{kind:?} {mode:?}: another key");
                assert!(!accepts(&a, b"hellp", &signature), "{kind:?} {mode:?}: other content");
                for position in 0..signature.as_bytes().len() {
                    let mut garbage = signature.as_bytes().to_vec();
                    garbage[position] ^= 1;
                    let garbage = Signature::new(&garbage).unwrap();
                    assert!(!accepts(&a, content, &garbage), "{kind:?} {mode:?}: byte {position}");
                }
                let cut = Signature::new(&signature.as_bytes()[1..]).unwrap();
                assert!(!accepts(&a, content, &cut), "{kind:?} {mode:?}: too short");
                assert_eq!(a.sign(content), signature, "the same every time");
                assert_ne!(a.public(), b.public());
                assert_eq!((a.public().kind(), a.mode(), a.seed()), (kind, mode, &[1; 32]));
            }
        }
    }

    #[test]
    fn secp256k1_is_that_of_libp2p() {
        let key = SecretKey::from_seed(KeyKind::Secp256k1, [1; 32], SignatureMode::Real).unwrap();
        // The generator times 0x0101...01.
        let public = "031b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";
        assert_eq!(key.public().raw(), hex(public));
        for n in 0..200u8 {
            let content = [n; 3];
            let signature = key.sign(content.as_slice());
            let bytes = signature.as_bytes();
            assert!(bytes[0] == 0x30 && usize::from(bytes[1]) + 2 == bytes.len(), "DER: {bytes:02x?}");
            assert!((67..=71).contains(&bytes.len()), "the lower s has no padding: {}", bytes.len());
            // The mirrored signature fits the equation too and is not taken.
            let parsed = k256::ecdsa::Signature::from_der(bytes).unwrap();
            let (r, s) = (parsed.r(), parsed.s());
            let mirrored = k256::ecdsa::Signature::from_scalars(r, -s).unwrap().to_der();
            let mirrored = Signature::new(mirrored.as_bytes()).unwrap();
            assert!(verify(SignatureMode::Real, &key.public(), content.as_slice(), &signature));
            assert!(!verify(SignatureMode::Real, &key.public(), content.as_slice(), &mirrored));
        }
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            for bad in [[0; 32], [0xff; 32]] {
                let error = SecretKey::from_seed(KeyKind::Secp256k1, bad, mode).unwrap_err();
                assert_eq!(error, KeyError::Seed, "{mode:?}");
            }
        }
    }

    #[test]
    fn keys_of_wallets_are_neither_made_nor_ids_nor_verified() {
        for (kind, number) in [(KeyKind::Eth, 127), (KeyKind::Cardano, 128)] {
            let public = PublicKey::from_raw(kind, &vec![2; kind.public_len()]).unwrap();
            for mode in [SignatureMode::Real, SignatureMode::Modelled] {
                let error = SecretKey::from_seed(kind, [1; 32], mode).unwrap_err();
                assert_eq!(error, KeyError::Unsupported(number));
                assert!(error.to_string().starts_with(&format!("unsupported key type {number}: ")));
                let signature = modelled_signature(&public, b"x".as_slice().fingerprint());
                assert!(!verify(mode, &public, b"x".as_slice(), &signature));
            }
            let error = PublicKey::from_protobuf(&public.to_protobuf()).unwrap_err();
            assert_eq!(error, KeyError::Unsupported(number));
        }
    }

    #[test]
    fn protobuf_round_trip_and_rejects() {
        let key = SecretKey::ed25519([3; 32], SignatureMode::Real).public();
        let bytes = key.to_protobuf();
        assert_eq!(bytes[..4], [0x08, 0x01, 0x12, 0x20]);
        assert_eq!(PublicKey::from_protobuf(&bytes), Ok(key));
        assert_eq!(PublicKey::from_protobuf(&bytes[..35]), Err(KeyError::Malformed));
        let key = SecretKey::from_seed(KeyKind::Secp256k1, [3; 32], SignatureMode::Real).unwrap().public();
        let bytes = key.to_protobuf();
        assert_eq!(bytes[..4], [0x08, 0x02, 0x12, 0x21]);
        assert_eq!(PublicKey::from_protobuf(&bytes), Ok(key));
        for bad in [&[][..], &[0x08, 9, 0x12, 0], &[0x08, 1, 0x12, 33], &[0x09, 1, 0x12, 32]] {
            assert_eq!(PublicKey::from_protobuf(bad), Err(KeyError::Malformed));
        }
    }

    #[test]
    fn signature_texts() {
        for (length, characters) in [(64, 88), (70, 96), (72, 96), (3, 4), (0, 0)] {
            let signature = Signature::new(&vec![0xfb; length]).unwrap();
            let text = serde_json::to_string(&signature).unwrap();
            assert_eq!((text.len(), signature.text_len()), (characters + 2, characters));
            assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), signature);
            let mut written = Vec::new();
            signature.write_base64(&mut written);
            assert_eq!(written, &text.as_bytes()[1..=characters]);
        }
        assert_eq!(Signature::new(&[0; 73]), None);
        assert!(serde_json::from_str::<Signature>(&format!("\"{}\"", "A".repeat(100))).is_err());
    }
}
