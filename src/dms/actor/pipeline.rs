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
use crate::dms::identity::{Inbox, PeerId};

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

/// Which of a peer's workers handles a message. Each actor has queues and a dispatcher of its own (dms-capabilities
/// section 3.3; what a node's actors share is the limiter, section 3.5), so a busy one keeps no other waiting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Worker(u32);

impl Worker {
    /// That of the node itself.
    pub const ROOT: Self = Self(0);

    /// Its place among the peer's workers: small numbers, which actors without messages hand on to others.
    #[must_use]
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

/// What waits for an actor.
#[derive(Clone, Debug, Default)]
struct Queue {
    inbox: Inbox,
    waiting: u32,
}

/// The queues before the workers of a peer's actors, with the limiter that they share.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    root: u32,
    /// Of children that messages wait for; those of others are free for any.
    children: Vec<Queue>,
    /// Counts the running handlers of the node and its children.
    pub limiter: RateLimiter,
}

impl Pipeline {
    /// Lets a message into the queue of an actor that [`check_direct`] or [`validate`](super::gossip::validate) has
    /// passed, or says why not. What is for nobody goes through the queue of the node.
    ///
    /// # Errors
    /// [`Rejection::TooLong`], [`Rejection::RateLimited`], [`Rejection::QueueFull`].
    pub fn admit(&mut self, envelope: &Envelope, receiver: &Inbox, bytes: u64) -> Result<Worker, Rejection> {
        if bytes > MAX_MESSAGE_BYTES {
            return Err(Rejection::TooLong);
        }
        if !self.limiter.allows(class(envelope)) {
            return Err(Rejection::RateLimited);
        }
        let (waiting, worker) = self.queue_of(receiver);
        if *waiting >= DISPATCH_QUEUE_CAPACITY {
            return Err(Rejection::QueueFull);
        }
        *waiting += 1;
        Ok(worker)
    }

    /// The queue of an actor, or a free one.
    fn queue_of(&mut self, receiver: &Inbox) -> (&mut u32, Worker) {
        if *receiver == Inbox::Root {
            return (&mut self.root, Worker::ROOT);
        }
        let place = self.place_of(receiver).unwrap_or_else(|| {
            let free = self.children.iter().position(|queue| queue.waiting == 0);
            let place = free.unwrap_or_else(|| {
                self.children.push(Queue::default());
                self.children.len() - 1
            });
            self.children[place].inbox = receiver.clone();
            place
        });
        (&mut self.children[place].waiting, Worker(place as u32 + 1))
    }

    /// Where something waits for a child.
    fn place_of(&self, receiver: &Inbox) -> Option<usize> {
        self.children.iter().position(|queue| queue.waiting > 0 && queue.inbox == *receiver)
    }

    /// Whether no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root == 0 && self.children.iter().all(|queue| queue.waiting == 0)
    }

    /// A worker has got to the message at the head of the queue that it waited in.
    pub fn take(&mut self, receiver: &Inbox) {
        let waiting = match self.place_of(receiver) {
            Some(place) => &mut self.children[place].waiting,
            None => &mut self.root,
        };
        *waiting = waiting.checked_sub(1).expect("workers only take what was admitted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Call, Message};
    use crate::dms::capability::TokenList;
    use crate::dms::identity::{SecretKey, SignatureMode};
    use crate::kernel::Timestamp;

    fn message() -> Envelope {
        let sender = Actor::root(SecretKey::ed25519([1; 32], SignatureMode::Modelled), Timestamp(1));
        let behaviour = Behaviour::fixed(BehaviourKind::HealthCheck);
        let call = Call { behaviour, reply_to: None, expire: Timestamp(9), message: Message::HealthCheck };
        let to = Some(std::sync::Arc::clone(&sender.handle));
        sender.seal_with(to, None, call, 1, TokenList::new())
    }

    fn child(name: &str) -> Inbox {
        Inbox::Allocation(name.into())
    }

    #[test]
    fn a_full_queue_is_full_for_its_actor_only() {
        let (mut pipeline, message) = (Pipeline::default(), message());
        for _ in 0..DISPATCH_QUEUE_CAPACITY {
            assert_eq!(pipeline.admit(&message, &child("a"), 10), Ok(Worker(1)));
        }
        assert_eq!(pipeline.admit(&message, &child("a"), 10), Err(Rejection::QueueFull));
        assert_eq!(pipeline.admit(&message, &child("b"), 10), Ok(Worker(2)));
        assert_eq!(pipeline.admit(&message, &Inbox::Root, 10), Ok(Worker::ROOT));
        pipeline.take(&child("a"));
        assert_eq!(pipeline.admit(&message, &child("a"), 10), Ok(Worker(1)));
    }

    #[test]
    fn a_worker_without_work_takes_another_actors() {
        let (mut pipeline, message) = (Pipeline::default(), message());
        let admit = |pipeline: &mut Pipeline, inbox| pipeline.admit(&message, &inbox, 10).unwrap().place();
        assert_eq!(admit(&mut pipeline, child("a")), 1);
        assert_eq!(admit(&mut pipeline, child("b")), 2);
        pipeline.take(&child("a"));
        assert!(!pipeline.is_empty());
        assert_eq!(admit(&mut pipeline, child("c")), 1);
        [child("b"), child("c")].iter().for_each(|inbox| pipeline.take(inbox));
        assert!(pipeline.is_empty());
    }
}
