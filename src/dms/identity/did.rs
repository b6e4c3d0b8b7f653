//! Decentralised identifiers, as DMS parses and compares them (spec section 1.2).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::{KeyKind, PublicKey};
use super::text::{Encoding, base58};

const KEY_PREFIX: &str = "did:key:";

/// A DID: one text, compared as text. The empty one is a wildcard ("any") or stands for none.
///
/// A text that is the canonical did:key form of a known kind of key is always held as [`Did::Key`], so that
/// comparing the variants compares the texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Did {
    /// No DID: the wildcard.
    #[default]
    Empty,
    /// `did:key` of a key.
    Key(PublicKey),
    /// Any other text, kept as it was written. Make one with [`Did::from_text`], which keeps the form
    /// canonical.
    Other(Arc<str>),
}

/// What can be wrong with a DID or with the key that it should hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DidError {
    /// Not three non-empty parts between colons.
    #[error("invalid DID: {0}")]
    Invalid(String),
    /// The multicodec names no kind of key that is known.
    #[error("invalid key type")]
    KeyType,
    /// Not base58btc (`z`).
    #[error("unexpected multibase encoding: {0}")]
    Multibase(char),
    /// Base58 or the length of the key is wrong.
    #[error("malformed key")]
    MalformedKey,
    /// The DID is not of the method `key`.
    #[error("not a did:key")]
    NotKey,
}

impl Did {
    /// Parses as DMS does: empty is fine, otherwise exactly three non-empty parts; nothing else is checked.
    ///
    /// # Errors
    /// [`DidError::Invalid`].
    pub fn parse(text: &str) -> Result<Self, DidError> {
        let mut parts = text.split(':');
        let three = [parts.next(), parts.next(), parts.next()];
        let well_formed =
            parts.next().is_none() && three.iter().all(|part| part.is_some_and(|p| !p.is_empty()));
        if text.is_empty() || well_formed {
            Ok(Self::from_text(text))
        } else {
            Err(DidError::Invalid(text.to_owned()))
        }
    }
    /// Takes any text without checking, as JSON decoding does; such a DID fails later, where an anchor is
    /// needed.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        match decode_key(text) {
            // Only the canonical text may become a key, or equality would differ from text equality.
            Ok(key) if Self::Key(key).to_string() == text => Self::Key(key),
            _ => Self::Other(text.into()),
        }
    }
    /// True for the wildcard.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
    /// The method (`key`, `prism`, ...), empty when there is none.
    #[must_use]
    pub fn method(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Key(_) => "key",
            Self::Other(text) => text.split(':').nth(1).unwrap_or(""),
        }
    }
    /// The key inside a did:key.
    ///
    /// # Errors
    /// [`DidError::NotKey`] for other methods, otherwise what is wrong with the encoding.
    pub fn public_key(&self) -> Result<PublicKey, DidError> {
        match self {
            Self::Empty => Err(DidError::NotKey),
            Self::Key(key) => Ok(*key),
            Self::Other(text) => decode_key(text),
        }
    }
    /// Bytes of its JSON, known without writing a key.
    #[must_use]
    pub fn json_len(&self) -> usize {
        match self {
            Self::Empty => "{}".len(),
            Self::Key(_) => r#"{"uri":""}"#.len() + self.text_len(),
            Self::Other(_) => serde_json::to_string(self).map_or(0, |json| json.len()),
        }
    }
    /// Bytes of the text form, without writing it.
    #[must_use]
    pub fn text_len(&self) -> usize {
        match self {
            Self::Empty => 0,
            // The leading multicodec byte fixes the number of base58 digits.
            Self::Key(key) => {
                let digits = match key.kind() {
                    KeyKind::Ed25519 => 47,
                    KeyKind::Secp256k1 | KeyKind::Cardano => 48,
                    KeyKind::Eth => 49,
                };
                KEY_PREFIX.len() + 1 + digits
            }
            Self::Other(text) => text.len(),
        }
    }
}

impl From<PublicKey> for Did {
    fn from(key: PublicKey) -> Self {
        Self::Key(key)
    }
}
impl FromStr for Did {
    type Err = DidError;
    fn from_str(text: &str) -> Result<Self, DidError> {
        Self::parse(text)
    }
}

/// Decodes `did:key:z...`.
fn decode_key(text: &str) -> Result<PublicKey, DidError> {
    let encoded = text.strip_prefix(KEY_PREFIX).ok_or(DidError::NotKey)?;
    let base = encoded.chars().next().ok_or(DidError::MalformedKey)?;
    if base != 'z' {
        return Err(DidError::Multibase(base));
    }
    let mut bytes = [0; 64];
    let length = bs58::decode(&encoded[1..]).onto(&mut bytes[..]).map_err(|_| DidError::MalformedKey)?;
    let of_kind = |kind: KeyKind| Some((kind, bytes[..length].strip_prefix(kind.multicodec())?));
    let (kind, raw) = KeyKind::ALL.into_iter().find_map(of_kind).ok_or(DidError::KeyType)?;
    PublicKey::from_raw(kind, raw).map_err(|_| DidError::MalformedKey)
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Key(key) => write!(f, "{KEY_PREFIX}z{}", base58(key, Encoding::Multicodec)),
            Self::Other(text) => f.write_str(text),
        }
    }
}
impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { f.write_str("(any)") } else { fmt::Display::fmt(self, f) }
    }
}
impl Hash for Did {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Empty => state.write_u8(0),
            Self::Key(key) => key.hash(state),
            Self::Other(text) => {
                state.write_u8(1);
                text.hash(state);
            }
        }
    }
}

/// `{"uri": ...}`, or `{}` when empty.
#[derive(Serialize, Deserialize)]
struct DidObject<'a> {
    #[serde(default, skip_serializing_if = "str::is_empty", borrow)]
    uri: std::borrow::Cow<'a, str>,
}
impl Serialize for Did {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DidObject { uri: self.to_string().into() }.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Did {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_text(&DidObject::deserialize(deserializer)?.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SecretKey, SignatureMode, verify};
    use super::*;

    fn conformance(text: &str, kind: KeyKind) -> usize {
        let vectors: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        for (uri, vector) in &vectors {
            let did = Did::parse(uri).unwrap();
            let Did::Key(key) = &did else { panic!("{uri} is no key") };
            assert_eq!((key.kind(), did.to_string(), did.text_len()), (kind, uri.clone(), uri.len()));
            assert_eq!(did.public_key(), Ok(*key));
            if let Some(base58) = vector["verificationKeyPair"]["publicKeyBase58"].as_str() {
                assert_eq!(key.raw(), bs58::decode(base58).into_vec().unwrap());
            }
            let seed = match vector["seed"].as_str() {
                Some(seed) => data_encoding::HEXLOWER.decode(seed.as_bytes()).unwrap(),
                // One key is given as a JSON Web Key, with its secret number `d`.
                None => {
                    let jwk = &vector["verificationKeyPair"]["privateKeyJwk"];
                    data_encoding::BASE64URL_NOPAD.decode(jwk["d"].as_str().unwrap().as_bytes()).unwrap()
                }
            };
            let secret = SecretKey::from_seed(kind, seed.try_into().unwrap(), SignatureMode::Real).unwrap();
            assert_eq!(secret.public(), *key);
            let signature = secret.sign(uri.as_bytes());
            assert!(verify(SignatureMode::Real, key, uri.as_bytes(), &signature));
        }
        vectors.len()
    }

    #[test]
    fn did_key_conformance() {
        let ed = include_str!("../../../data/conformance/ed25519-x25519.json");
        assert!(conformance(ed, KeyKind::Ed25519) >= 5);
        let secp = include_str!("../../../data/conformance/secp256k1.json");
        assert!(conformance(secp, KeyKind::Secp256k1) >= 5);
    }

    #[test]
    fn the_codecs_of_wallets() {
        for (kind, codec) in [(KeyKind::Eth, 0xef01_u32), (KeyKind::Cardano, 0xef02)] {
            let varint = [codec as u8 | 0x80, (codec >> 7) as u8 | 0x80, (codec >> 14) as u8];
            assert_eq!(kind.multicodec(), varint);
            for byte in [0, 2, 0xff] {
                let raw = vec![byte; kind.public_len()];
                let did = Did::Key(PublicKey::from_raw(kind, &raw).unwrap());
                let text = did.to_string();
                let bytes = [&varint[..], &raw].concat();
                assert_eq!(text, format!("did:key:z{}", bs58::encode(bytes).into_string()));
                assert_eq!((text.len(), Did::parse(&text)), (did.text_len(), Ok(did)));
            }
        }
    }

    #[test]
    fn parsing_wants_three_parts_and_nothing_more() {
        assert_eq!(Did::parse(""), Ok(Did::Empty));
        for good in ["did:prism:abc", "a:b:c", "did:key:nonsense", "did:key:zzzz"] {
            assert_eq!(Did::parse(good).unwrap().to_string(), good);
        }
        for bad in ["did", "did:key", "did:key:", "::", "a:b:c:d", ":b:c", "a::c", " "] {
            assert_eq!(Did::parse(bad).unwrap_err().to_string(), format!("invalid DID: {bad}"));
        }
    }

    #[test]
    fn key_errors_have_their_texts() {
        let text = |uri: &str| Did::parse(uri).unwrap().public_key().unwrap_err().to_string();
        assert_eq!(text("did:key:mabc"), "unexpected multibase encoding: m");
        let other_codec = format!("did:key:z{}", bs58::encode([0xec, 0x01, 1, 2]).into_string());
        assert_eq!(text(&other_codec), "invalid key type");
        assert_eq!(text("did:key:z0"), "malformed key");
        assert_eq!(text("did:prism:x"), "not a did:key");
    }

    #[test]
    fn json_form() {
        assert_eq!(serde_json::to_string(&Did::Empty).unwrap(), "{}");
        let did = Did::parse("did:prism:x").unwrap();
        assert_eq!(serde_json::to_string(&did).unwrap(), r#"{"uri":"did:prism:x"}"#);
        assert_eq!(serde_json::from_str::<Did>(r#"{"uri":"did:prism:x"}"#).unwrap(), did);
        assert_eq!(serde_json::from_str::<Did>("{}").unwrap(), Did::Empty);
    }
}
