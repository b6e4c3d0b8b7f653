//! What a receiver remembers so that a message is only handled once.
//!
//! The real DMS does not look at nonces (weakness C1). A message is known by its sender's key and its nonce, which
//! a sender never uses twice; it has to be remembered until it expires, because an older one is dropped anyway.

use crate::dms::identity::ActorId;
use crate::kernel::{OrderedMap, Timestamp};

/// The messages that were handled and have not expired.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReplayGuard {
    handled: OrderedMap<(ActorId, u64), Timestamp>,
}

impl ReplayGuard {
    /// Notes a message that is about to be handled; false when it has been before.
    pub fn note(&mut self, sender: ActorId, nonce: u64, expire: Timestamp) -> bool {
        self.handled.insert((sender, nonce), expire).is_none()
    }

    /// Forgets what has expired.
    pub fn forget_expired(&mut self, now: Timestamp) {
        self.handled.retain(|_, expire| now <= *expire);
    }

    /// What of it has not expired.
    #[must_use]
    pub fn unexpired(&self, now: Timestamp) -> Self {
        let alive = self.handled.iter().filter(|(_, expire)| now <= **expire);
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
