//! libp2p peer ids: a third text of a node's key (spec section 1.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::PublicKey;
use super::text::{Encoding, base58};

/// The id of a host on the network: base58 of the identity multihash of the protobuf key (`12D3KooW...` for
/// Ed25519).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub PublicKey);

/// The text is no identity-multihash peer id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid peer id: {0}")]
pub struct PeerIdError(pub String);

impl PeerId {
    /// Bytes of the text: 52 for Ed25519, 53 for secp256k1. DMS allows no other kind.
    #[must_use]
    pub const fn text_len(&self) -> usize {
        // Multihash prefix and protobuf header are constant, so the number of base58 digits is too.
        self.0.kind().public_len() + 20
    }
}
impl From<PublicKey> for PeerId {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}
impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58(&self.0, Encoding::Multihash))
    }
}
impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for PeerId {
    type Err = PeerIdError;
    fn from_str(text: &str) -> Result<Self, PeerIdError> {
        let error = || PeerIdError(text.to_owned());
        let bytes = bs58::decode(text).into_vec().map_err(|_| error())?;
        match bytes.as_slice() {
            [0x00, length, key @ ..] if usize::from(*length) == key.len() => {
                PublicKey::from_protobuf(key).map(Self).map_err(|_| error())
            }
            _ => Err(error()),
        }
    }
}
impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base58(&self.0, Encoding::Multihash))
    }
}
impl<'de> Deserialize<'de> for PeerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Did, SecretKey, SignatureMode};
    use super::*;

    #[test]
    fn text_round_trip_and_lengths() {
        for n in 0..50u8 {
            for mode in [SignatureMode::Real, SignatureMode::Modelled] {
                let peer = PeerId(SecretKey::ed25519([n; 32], mode).public());
                let text = peer.to_string();
                assert!(text.starts_with("12D3KooW"), "{text}");
                assert_eq!(text.len(), peer.text_len());
                assert_eq!(text.parse(), Ok(peer));
            }
        }
        let secp = Did::parse("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme").unwrap();
        let peer = PeerId(secp.public_key().unwrap());
        assert!(peer.to_string().starts_with("16Uiu2HA"));
        assert_eq!(peer.to_string().len(), peer.text_len());
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "12D3KooW", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "0OIl"] {
            assert_eq!(bad.parse::<PeerId>().unwrap_err().to_string(), format!("invalid peer id: {bad}"));
        }
    }
}
