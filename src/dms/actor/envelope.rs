//! The envelope around every message (dms-capabilities section 3.1).

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::behaviour::Behaviour;
use super::message::Message;
use crate::dms::capability::{Capability, TokenList, decimal_len};
use crate::dms::identity::{EnsembleId, Handle, Inbox, Signable, Signature, SignatureMode, verify};
use crate::kernel::{Timestamp, fingerprint128};

/// Topics that every node subscribes to.
pub mod topics {
    use crate::dms::capability::Capability;
    /// Requests for bids.
    pub static DEPLOYMENT: Capability = Capability::fixed("/nunet/deployment");
    /// Greetings to everyone.
    pub static HELLO: Capability = Capability::fixed("/nunet/hello");
    /// Status discovery.
    pub static STATUS: Capability = Capability::fixed("/nunet/status");
    /// Revocations.
    pub static REVOCATION: Capability = Capability::fixed("/nunet/revocation");

    /// Whether nodes listen to a topic.
    #[must_use]
    pub fn is_subscribed(topic: &Capability) -> bool {
        [&DEPLOYMENT, &HELLO, &STATUS, &REVOCATION].contains(&topic)
    }
}

/// A signed message with the tokens that authorise it.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The receiver; none for a broadcast.
    pub to: Option<Arc<Handle>>,
    /// Which behaviour of the receiver is called.
    pub behaviour: Behaviour,
    /// The sender.
    pub from: Arc<Handle>,
    /// The sender's counter, by which a receiver knows a message that it has handled before (C1).
    pub nonce: u64,
    /// After this the receiver, by its own clock, drops it.
    pub expire: Timestamp,
    /// The behaviour of the sender that waits for the reply.
    pub reply_to: Option<Behaviour>,
    /// The topic of a broadcast.
    pub topic: Option<Capability>,
    /// The payload.
    pub message: Message,
    /// The tokens that authorise the call.
    pub tokens: TokenList,
    /// The sender's signature over all of the above.
    pub signature: Signature,
    /// Whether the signature is good: a pure function of the content, found once for all receivers of a broadcast, and
    /// where signatures are modelled by whoever makes it. What changes the content is [`Envelope::altered`].
    pub(super) verified: OnceLock<bool>,
}

impl Envelope {
    /// Whether it is past its expiry at `now`; at exactly its expiry it is not.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.expire
    }

    /// A number that tells it from others of its sender's node: the sender's count, which begins at the time at which
    /// the actor was created, and, for allocations, which of a node's are often created at the same time, the name.
    /// Keys have no part in it, so it is the same in both modes of signatures.
    #[must_use]
    pub fn name(&self) -> u64 {
        let Inbox::Allocation(id) = &self.from.inbox else { return self.nonce };
        let own = id.split_once('_').map_or(&**id, |(_, own)| own);
        self.nonce ^ fingerprint128(own) as u64
    }

    /// Whether it is a broadcast: no receiver and a topic.
    #[must_use]
    pub const fn is_broadcast(&self) -> bool {
        self.to.is_none() && self.topic.is_some()
    }

    /// The same with something changed and nothing signed anew: what somebody makes of it on the way.
    #[must_use]
    pub fn altered(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.verified = OnceLock::new();
        self
    }

    /// Whether the sender's key signed this very content.
    #[must_use]
    pub fn is_signed(&self, mode: SignatureMode) -> bool {
        let is_good = || verify(mode, &self.from.id.0, self, &self.signature);
        let known = *self.verified.get_or_init(is_good);
        debug_assert_eq!(known, is_good(), "what changes a signed message is `altered`");
        known
    }

    /// The deployment that it belongs to, where inbox or payload say so.
    #[must_use]
    pub fn ensemble(&self) -> Option<EnsembleId> {
        let of = |handle: &Handle| match &handle.inbox {
            Inbox::Ensemble(id) => Some(*id),
            Inbox::Allocation(text) => text.split_once('_').and_then(|(id, _)| id.parse().ok()),
            Inbox::Root | Inbox::Other(_) => None,
        };
        self.to.as_deref().and_then(of).or_else(|| of(&self.from))
    }

    /// Signatures that a receiver has to verify: the envelope's own and one for each link of each token.
    #[must_use]
    pub fn signature_count(&self) -> u64 {
        1 + self.tokens.iter().map(|token| token.links().count() as u64).sum::<u64>()
    }

    /// Bytes of the envelope's JSON as it travels, signature included.
    #[must_use]
    pub fn json_len(&self) -> u64 {
        let base64 = |bytes: u64| bytes.div_ceil(3) * 4;
        let digits = |n: u64| decimal_len(n) as u64;
        let quoted = |capability: &Capability| capability.as_str().len() as u64 + 2;
        let to = self.to.as_ref().map_or(2, |handle| handle.json_len() as u64);
        let options = r#"{"exp":}"#.len() as u64
            + digits(self.expire.0)
            + self.reply_to.as_ref().map_or(0, |cont| r#","cont":"#.len() as u64 + quoted(&cont.path))
            + self.topic.as_ref().map_or(0, |topic| r#","topic":"#.len() as u64 + quoted(topic));
        let tokens = if self.tokens.is_empty() {
            0
        } else {
            r#","cap":"""#.len() as u64 + base64(self.tokens.json_len() as u64)
        };
        r#"{"to":,"be":,"from":,"nonce":,"opt":,"msg":"","sig":""}"#.len() as u64
            + to
            + quoted(&self.behaviour.path)
            + self.from.json_len() as u64
            + digits(self.nonce)
            + options
            + base64(self.message.json_len())
            + tokens
            + self.signature.text_len() as u64
    }

    fn write_json(&self, signed: bool) -> Vec<u8> {
        serde_json::to_vec(&Wire { envelope: self, signed }).expect("an envelope has only string keys")
    }

    /// The envelope as it travels.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.write_json(true)
    }
}

/// The JSON form, with or without the signature.
struct Wire<'a> {
    envelope: &'a Envelope,
    signed: bool,
}

#[derive(Serialize)]
struct Options<'a> {
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cont: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
}

#[derive(Serialize)]
struct Nobody {}

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.envelope;
        let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        let mut object = serializer.serialize_struct("Envelope", 8)?;
        match &envelope.to {
            Some(handle) => object.serialize_field("to", &**handle)?,
            None => object.serialize_field("to", &Nobody {})?,
        }
        object.serialize_field("be", envelope.behaviour.path.as_str())?;
        object.serialize_field("from", &*envelope.from)?;
        object.serialize_field("nonce", &envelope.nonce)?;
        let cont = envelope.reply_to.as_ref().map(|behaviour| behaviour.path.as_str());
        let topic = envelope.topic.as_ref().map(Capability::as_str);
        object.serialize_field("opt", &Options { exp: envelope.expire.0, cont, topic })?;
        let message = serde_json::to_vec(&envelope.message).map_err(serde::ser::Error::custom)?;
        object.serialize_field("msg", &base64(&message))?;
        if !envelope.tokens.is_empty() {
            object.serialize_field("cap", &base64(&envelope.tokens.to_json()))?;
        }
        if self.signed {
            object.serialize_field("sig", &base64(envelope.signature.as_bytes()))?;
        }
        object.end()
    }
}

impl Signable for Envelope {
    fn signing_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"dms:msg:");
        out.extend_from_slice(&self.write_json(false));
    }

    fn fingerprint(&self) -> u128 {
        fingerprint128(&Content(self))
    }
}

/// What an envelope's signature covers, for hashing.
struct Content<'a>(&'a Envelope);

impl Hash for Content<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let envelope = self.0;
        envelope.to.hash(state);
        envelope.behaviour.path.hash(state);
        envelope.from.hash(state);
        (envelope.nonce, envelope.expire).hash(state);
        envelope.reply_to.as_ref().map(|behaviour| &behaviour.path).hash(state);
        envelope.topic.hash(state);
        envelope.message.hash(state);
        for token in &envelope.tokens {
            token.fingerprint().hash(state);
        }
    }
}
