//! The envelope as bytes on a network: what a host reads before it knows which actor and behaviour are meant
//! (dms-capabilities sections 3.1 and 3.3, step 1).

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dms::identity::handle::optional;
use crate::dms::identity::{Did, Handle, Signable, Signature, SignatureMode, verify};
use crate::kernel::{Timestamp, fingerprint128};

/// An envelope with its payload and its tokens unread.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WireEnvelope {
    /// The receiver; none for a broadcast.
    #[serde(with = "optional")]
    pub to: Option<Handle>,
    /// The path of the behaviour.
    #[serde(rename = "be")]
    pub behaviour: String,
    /// The sender.
    pub from: Handle,
    /// The sender's counter.
    pub nonce: u64,
    /// Expiry, reply and topic.
    #[serde(rename = "opt")]
    pub options: WireOptions,
    /// The payload, itself JSON.
    #[serde(rename = "msg", default, with = "base64")]
    pub message: Vec<u8>,
    /// The token list, JSON too; see [`crate::dms::capability::CapabilityContext::consume_blob`].
    #[serde(rename = "cap", default, with = "base64", skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<u8>,
    /// The signature of the sender's key.
    #[serde(rename = "sig", default, with = "base64", skip_serializing_if = "Vec::is_empty")]
    pub signature: Vec<u8>,
}

/// The options of an envelope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WireOptions {
    /// When the message is worth nothing any more.
    #[serde(rename = "exp", default)]
    pub expire: Timestamp,
    /// The behaviour that waits for a reply.
    #[serde(rename = "cont", default, skip_serializing_if = "String::is_empty")]
    pub reply_to: String,
    /// The topic of a broadcast.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
}

/// The bytes are no envelope; it is dropped without an answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unmarshaling envelope: {0}")]
pub struct WireError(String);

impl WireEnvelope {
    /// Reads an envelope; nothing is verified.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        serde_json::from_slice(bytes).map_err(|error| WireError(error.to_string()))
    }
    /// The bytes that travel.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an envelope has only string keys")
    }
    /// Whether the key of the sending actor signed these very bytes. Only real signatures are over bytes.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        Signature::new(&self.signature)
            .is_some_and(|signature| verify(SignatureMode::Real, &self.from.id.0, self, &signature))
    }
    /// For whom the sender acts.
    #[must_use]
    pub const fn origin(&self) -> &Did {
        &self.from.did
    }
}

impl Signable for WireEnvelope {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:msg:");
        out.extend(Self { signature: Vec::new(), ..self.clone() }.to_json());
    }
    fn fingerprint(&self) -> u128 {
        let mut bytes = Vec::new();
        self.signing_bytes(&mut bytes);
        fingerprint128(&bytes)
    }
}

mod base64 {
    use super::{BASE64, Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::security::tests::{broadcast, hello};
    use super::*;
    use crate::dms::capability::TokenList;

    #[test]
    fn what_an_actor_signs_is_what_travels() {
        for mode in [SignatureMode::Real, SignatureMode::Modelled] {
            for envelope in [hello(mode), broadcast(mode)] {
                let bytes = envelope.to_json();
                let wire = WireEnvelope::from_json(&bytes).expect("an envelope that was sent");
                assert_eq!(wire.to_json(), bytes);
                let (mut signed, mut read) = (Vec::new(), Vec::new());
                envelope.signing_bytes(&mut signed);
                wire.signing_bytes(&mut read);
                assert_eq!(read, signed);
                assert_eq!(wire.is_signed(), mode == SignatureMode::Real);
                assert_eq!((wire.to.is_none(), wire.origin()), (envelope.is_broadcast(), &envelope.from.did));
                let tokens = TokenList::from_json(&wire.tokens).expect("a list that was sent");
                assert_eq!(tokens, envelope.tokens);
                let changed = WireEnvelope { nonce: wire.nonce + 1, ..wire };
                assert!(!changed.is_signed());
            }
        }
    }

    #[test]
    fn half_an_address_is_no_broadcast() {
        let text = String::from_utf8(hello(SignatureMode::Real).to_json()).expect("JSON");
        let did = text.find(r#""did""#).expect("the receiver's DID");
        let addr = text[did..].find(r#""addr""#).expect("its address") + did;
        let error = WireEnvelope::from_json(format!("{}{}", &text[..did], &text[addr..]).as_bytes());
        assert!(error.unwrap_err().to_string().starts_with("unmarshaling envelope: incomplete handle"));
        for bad in ["", "{}", "[]", r#"{"to":{}}"#] {
            assert!(WireEnvelope::from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
