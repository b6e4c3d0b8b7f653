//! Actor ids, inboxes and handles: the addresses of messages (spec sections 1.1 and 3.1).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::{BASE32, BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::did::Did;
use super::key::{KeyError, PublicKey};
use super::peer_id::PeerId;

/// The id of an actor: its own public key, as libp2p protobuf bytes. Text: base32 with padding; JSON:
/// `{"pub": base64}`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ActorId(pub PublicKey);

impl ActorId {
    /// The did:key of the same key: subject and audience of tokens.
    #[must_use]
    pub const fn did(&self) -> Did {
        Did::Key(self.0)
    }
}
impl From<PublicKey> for ActorId {
    fn from(key: PublicKey) -> Self {
        Self(key)
    }
}
impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32.encode(&self.0.to_protobuf()))
    }
}
impl FromStr for ActorId {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = BASE32.decode(text.as_bytes()).map_err(|_| KeyError::Malformed)?;
        PublicKey::from_protobuf(&bytes).map(Self)
    }
}

#[derive(Serialize, Deserialize)]
struct ActorIdObject<'a> {
    #[serde(rename = "pub", borrow)]
    public: std::borrow::Cow<'a, str>,
}
impl Serialize for ActorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ActorIdObject { public: BASE64.encode(&self.0.to_protobuf()).into() }.serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = ActorIdObject::deserialize(deserializer)?;
        let bytes = BASE64.decode(object.public.as_bytes()).map_err(serde::de::Error::custom)?;
        PublicKey::from_protobuf(&bytes).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The id of a deployment: a SHA-256, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnsembleId(pub [u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid ensemble id: {0}")]
pub struct EnsembleIdError(pub String);

impl fmt::Display for EnsembleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&HEXLOWER.encode_display(&self.0), f)
    }
}
impl fmt::Debug for EnsembleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for EnsembleId {
    type Err = EnsembleIdError;
    fn from_str(text: &str) -> Result<Self, EnsembleIdError> {
        let mut id = [0; 32];
        let fits = text.len() == 64 && HEXLOWER.decode_mut(text.as_bytes(), &mut id).is_ok();
        if fits { Ok(Self(id)) } else { Err(EnsembleIdError(text.to_owned())) }
    }
}
impl Serialize for EnsembleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for EnsembleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Which actor on a host a message is for. The network protocol of an inbox is
/// `actor/<inbox>/messages/0.0.1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Inbox {
    /// The node itself: `root`.
    #[default]
    Root,
    /// An orchestrator, by the deployment that it runs.
    Ensemble(EnsembleId),
    /// An allocation, by its full id (`<ensemble>_<node>.<allocation>`).
    Allocation(Arc<str>),
    /// Anything else; a contract actor's inbox is its DID text.
    Other(Arc<str>),
}

impl Inbox {
    /// Reads the text form: `root`, 64 hexadecimal digits, those followed by `_` and more (an allocation), or
    /// other.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text == "root" {
            return Self::Root;
        }
        match text.split_once('_') {
            None => text.parse().map_or_else(|_| Self::Other(text.into()), Self::Ensemble),
            Some((ensemble, _)) if ensemble.parse::<EnsembleId>().is_ok() => Self::Allocation(text.into()),
            Some(_) => Self::Other(text.into()),
        }
    }
    /// Bytes of the text form.
    #[must_use]
    pub fn text_len(&self) -> usize {
        match self {
            Self::Root => 4,
            Self::Ensemble(_) => 64,
            Self::Allocation(text) | Self::Other(text) => text.len(),
        }
    }
}
impl fmt::Display for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Ensemble(id) => fmt::Display::fmt(id, f),
            Self::Allocation(text) | Self::Other(text) => f.write_str(text),
        }
    }
}
impl Serialize for Inbox {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Inbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_text(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?))
    }
}

/// The full address of an actor; equality compares all four parts.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Handle {
    /// The actor's own key.
    pub id: ActorId,
    /// The DID that it acts for: its node's, for child actors.
    pub did: Did,
    /// The host that it lives on.
    pub host: PeerId,
    /// The mailbox on that host.
    pub inbox: Inbox,
}

#[derive(Serialize, Deserialize)]
struct Address {
    host: PeerId,
    inbox: Inbox,
}
#[derive(Serialize, Deserialize)]
struct HandleObject {
    id: ActorId,
    did: Did,
    addr: Address,
}

impl Handle {
    /// The root handle of the node with this key: id, DID and host are the same key.
    #[must_use]
    pub const fn root(key: PublicKey) -> Self {
        Self { id: ActorId(key), did: Did::Key(key), host: PeerId(key), inbox: Inbox::Root }
    }
    /// Whether the parts belong together: the DID is that of the host's key, and a root actor's key is that key.
    /// A child actor has a key of its own; that it acts for its node only a token that the node issued shows. The actor
    /// of a contract acts for itself: its DID is that of its own key.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        let for_itself = matches!(self.inbox, Inbox::Other(_)) && self.did == Did::Key(self.id.0);
        let for_its_node = self.did == Did::Key(self.host.0);
        for_itself || (for_its_node && (self.inbox != Inbox::Root || self.id.0 == self.host.0))
    }
    /// Bytes of the JSON form for texts without characters to escape (every DID, peer id and inbox of DMS).
    #[must_use]
    pub fn json_len(&self) -> usize {
        let id = self.id.0.protobuf_len().div_ceil(3) * 4;
        r#"{"id":{"pub":""},"did":,"addr":{"host":"","inbox":""}}"#.len()
            + id
            + self.did.json_len()
            + self.host.text_len()
            + self.inbox.text_len()
    }
}
impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        HandleObject {
            id: self.id,
            did: self.did.clone(),
            addr: Address { host: self.host, inbox: self.inbox.clone() },
        }
        .serialize(serializer)
    }
}
impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let HandleObject { id, did, addr } = HandleObject::deserialize(deserializer)?;
        Ok(Self { id, did, host: addr.host, inbox: addr.inbox })
    }
}

/// A handle or none, which is written `{}`.
pub(in crate::dms) mod optional {
    use super::{ActorId, Address, Deserialize, Deserializer, Did, Handle, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Parts {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<ActorId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        did: Option<Did>,
        #[serde(skip_serializing_if = "Option::is_none")]
        addr: Option<Address>,
    }

    pub(in crate::dms) fn serialize<S: Serializer>(
        handle: &Option<Handle>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match handle {
            Some(handle) => handle.serialize(serializer),
            None => Parts { id: None, did: None, addr: None }.serialize(serializer),
        }
    }

    pub(in crate::dms) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Handle>, D::Error> {
        match Parts::deserialize(deserializer)? {
            Parts { id: None, did: None, addr: None } => Ok(None),
            Parts { id: Some(id), did: Some(did), addr: Some(Address { host, inbox }) } => {
                Ok(Some(Handle { id, did, host, inbox }))
            }
            _ => Err(serde::de::Error::custom("incomplete handle")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SecretKey, SignatureMode};
    use super::*;

    fn key() -> PublicKey {
        SecretKey::ed25519([7; 32], SignatureMode::Real).public()
    }

    #[test]
    fn actor_ids_round_trip() {
        let id = ActorId(key());
        let text = id.to_string();
        assert!(text.starts_with("BAARE") && text.ends_with('='), "{text}");
        assert_eq!(text.parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert!(json.starts_with(r#"{"pub":"CAESI"#), "{json}");
        assert_eq!(serde_json::from_str::<ActorId>(&json).unwrap(), id);
    }

    #[test]
    fn inbox_texts() {
        let ensemble = EnsembleId([0xab; 32]);
        let allocation = format!("{ensemble}_node1.web");
        let cases = [
            ("root", Inbox::Root),
            (&ensemble.to_string(), Inbox::Ensemble(ensemble)),
            (&allocation, Inbox::Allocation(allocation.as_str().into())),
            ("did:key:zabc", Inbox::Other("did:key:zabc".into())),
            ("short_name", Inbox::Other("short_name".into())),
        ];
        for (text, inbox) in cases {
            assert_eq!(Inbox::from_text(text), inbox);
            assert_eq!((inbox.to_string().as_str(), inbox.text_len()), (text, text.len()));
        }
        assert!("AB".repeat(32).parse::<EnsembleId>().is_err(), "upper case is not the canonical form");
    }

    #[test]
    fn handle_json_and_its_length() {
        let mut handle = Handle::root(key());
        for inbox in [Inbox::Root, Inbox::Ensemble(EnsembleId([1; 32]))] {
            handle.inbox = inbox;
            let json = serde_json::to_string(&handle).unwrap();
            assert_eq!(json.len(), handle.json_len(), "{json}");
            assert_eq!(serde_json::from_str::<Handle>(&json).unwrap(), handle);
        }
        handle.did = Did::Empty;
        assert_eq!(serde_json::to_string(&handle).unwrap().len(), handle.json_len());
        assert!(serde_json::to_string(&handle).unwrap().contains(r#""did":{},"addr":{"host":"12D3KooW"#));
    }
}
