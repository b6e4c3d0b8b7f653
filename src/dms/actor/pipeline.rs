//! What happens to a message between the network and its handler (dms-capabilities section 3.3).
//!
//! The driver hands a message in twice: when it arrives ([`Pipeline::admit`]) and when the peer's worker has got to
//! it ([`Pipeline::take`] and the checks after it). Between the two it waits; how long, the driver knows. Every
//! refusal here is silent to the sender, as in DMS; to the observer it is a fact with one of the reasons of
//! [`Rejection`].

use std::fmt;

use super::envelope::Envelope;
use super::limiter::{Class, RateLimiter};
use crate::dms::constants::{DISPATCH_QUEUE_CAPACITY, MAX_MESSAGE_BYTES};
use crate::dms::identity::PeerId;

/// Why a message was dropped before or instead of being handled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rejection {
    /// Its receiver's host is another one.
    WrongHost,
    /// It is longer than 1 MiB.
    TooLong,
    /// The limiter said no, on arrival or before the handler.
    RateLimited,
    /// A hundred messages are waiting already.
    QueueFull,
    /// It came past its expiry, by the receiver's clock.
    Expired,
    /// Its signature is not its sender's.
    BadSignature,
    /// No actor here has that inbox.
    UnknownActor,
    /// The actor has no such behaviour, or no longer.
    UnknownBehaviour,
    /// Neither a direct message nor a broadcast on the behaviour's topic.
    TopicMismatch,
    /// No token of it authorises the call.
    NotAuthorized,
    /// Its sender does not speak for itself: the DID that it names is not that of its host, or not the one whose
    /// authority it shows (mended C2).
    UnboundDid,
    /// It has been handled before (mended C1).
    Replayed,
    /// The host that it names as its sender's is not the one that the transport brought it from.
    ForeignTransport,
}

impl Rejection {
    /// The reason in words, as it stands in `refusals.csv`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongHost => "addressed to another host",
            Self::TooLong => "longer than 1 MiB",
            Self::RateLimited => "rate limit exceeded",
            Self::QueueFull => "queue full",
            Self::Expired => "message expired",
            Self::BadSignature => "signature verification failed",
            Self::UnboundDid => "the sender's DID does not belong to its host",
            Self::Replayed => "message replayed",
            Self::ForeignTransport => "sent by another host than it names",
            Self::UnknownActor => "no such actor",
            Self::UnknownBehaviour => "unknown behaviour",
            Self::TopicMismatch => "broadcast topic mismatch",
            Self::NotAuthorized => "not authorized",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A direct message must be for this host, and come from the host that it names: `transport` is the peer that the
/// connection has authenticated.
///
/// # Errors
/// [`Rejection::WrongHost`], [`Rejection::ForeignTransport`].
pub fn check_direct(host: &PeerId, envelope: &Envelope, transport: &PeerId) -> Result<(), Rejection> {
    if envelope.to.as_ref().is_none_or(|to| to.host != *host) {
        return Err(Rejection::WrongHost);
    }
    if envelope.from.host == *transport { Ok(()) } else { Err(Rejection::ForeignTransport) }
}

/// The limiter class of a message.
#[must_use]
pub(in crate::dms) fn class(envelope: &Envelope) -> Class<'_> {
    match &envelope.topic {
        Some(topic) if envelope.to.is_none() => Class::Broadcast(topic),
        _ if envelope.behaviour.kind.is_public() => Class::Public,
        _ => Class::Direct,
    }
}

/// The queue before a peer's worker, with the limiter that its actors share.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    waiting: u32,
    /// Counts the running handlers of the node and its children.
    pub limiter: RateLimiter,
}

impl Pipeline {
    /// Lets a message into the queue that [`check_direct`] or [`validate`](super::gossip::validate) has passed, or
    /// says why not.
    ///
    /// # Errors
    /// [`Rejection::TooLong`], [`Rejection::RateLimited`], [`Rejection::QueueFull`].
    pub fn admit(&mut self, envelope: &Envelope, bytes: u64) -> Result<(), Rejection> {
        if bytes > MAX_MESSAGE_BYTES {
            return Err(Rejection::TooLong);
        }
        if !self.limiter.allows(class(envelope)) {
            return Err(Rejection::RateLimited);
        }
        if self.waiting >= DISPATCH_QUEUE_CAPACITY {
            return Err(Rejection::QueueFull);
        }
        self.waiting += 1;
        Ok(())
    }

    /// Whether no message waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// The worker has got to the message at the head of the queue.
    pub fn take(&mut self) {
        self.waiting = self.waiting.checked_sub(1).expect("the worker only takes what was admitted");
    }
}
