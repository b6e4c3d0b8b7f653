//! What a receiver remembers so that a message is only handled once.
//!
//! The real DMS does not look at nonces (weakness C1). A message is known by its sender's key and its nonce, which
//! a sender never uses twice; it has to be remembered until it expires, because an older one is dropped anyway, and
//! somewhat longer, because a clock that is ahead may be put back.

use crate::dms::identity::ActorId;
use crate::kernel::{OrderedMap, Span, Timestamp};

/// So far a clock may be put back, without a message being handled again that has expired meanwhile.
const MARGIN: Span = Span::mins(10);

/// The messages that were handled and may still come again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReplayGuard {
    handled: OrderedMap<(ActorId, u64), Timestamp>,
}

impl ReplayGuard {
    /// Notes a message that is about to be handled; false when it has been before.
    pub fn note(&mut self, sender: ActorId, nonce: u64, expire: Timestamp) -> bool {
        self.handled.insert((sender, nonce), expire).is_none()
    }

    /// Forgets what has expired for long.
    pub fn forget_expired(&mut self, now: Timestamp) {
        self.handled.retain(|_, expire| now <= *expire + MARGIN);
    }

    /// What of it is still to be remembered.
    #[must_use]
    pub fn remembered(&self, now: Timestamp) -> Self {
        let alive = self.handled.iter().filter(|(_, expire)| now <= **expire + MARGIN);
        Self { handled: alive.map(|(message, expire)| (*message, *expire)).collect() }
    }

    /// How many messages are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.handled.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.handled.is_empty()
    }
}
