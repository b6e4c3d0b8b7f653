//! The rate limiter: how many handlers of broadcasts and public behaviours may run at once (dms-capabilities
//! section 3.5).
//!
//! It counts handlers that are running, not messages a second. *Allow* is asked when a message arrives, *acquire*
//! when its handler is about to run; the second bound is a little higher so that what was let in can also be
//! served.

use serde::Serialize;

use crate::dms::capability::Capability;

/// The bounds of a limiter.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Limits {
    /// Public handlers running beyond which no further message is let in.
    pub public_allow: u32,
    /// Public handlers running beyond which none is started.
    pub public_acquire: u32,
    /// As `public_allow`, for broadcasts.
    pub broadcast_allow: u32,
    /// As `public_acquire`, for broadcasts.
    pub broadcast_acquire: u32,
    /// Broadcast handlers of one topic, for both questions.
    pub topic_default: u32,
    /// Topics with a bound of their own.
    pub topics: Vec<(Capability, u32)>,
}

impl Default for Limits {
    /// DMS's own defaults.
    fn default() -> Self {
        Self {
            public_allow: 4096,
            public_acquire: 4112,
            broadcast_allow: 1024,
            broadcast_acquire: 1040,
            topic_default: 128,
            topics: Vec::new(),
        }
    }
}

/// What a message is to the limiter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class<'a> {
    /// A direct message to a behaviour that is not public: never limited.
    Direct,
    /// A direct message to `/public/...`.
    Public,
    /// A broadcast on a topic.
    Broadcast(&'a Capability),
}

/// Counts running handlers against [`Limits`].
#[derive(Clone, Debug, Default)]
pub struct RateLimiter {
    limits: Limits,
    public: u32,
    broadcast: u32,
    by_topic: Vec<(Capability, u32)>,
}

impl RateLimiter {
    /// A limiter with these bounds and nothing running.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Its bounds.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn topic_limit(&self, topic: &Capability) -> u32 {
        let own = self.limits.topics.iter().find(|(name, _)| name == topic);
        own.map_or(self.limits.topic_default, |(_, limit)| *limit)
    }

    fn topic_running(&self, topic: &Capability) -> u32 {
        self.by_topic.iter().find(|(name, _)| name == topic).map_or(0, |(_, running)| *running)
    }

    /// Whether a message of this class may come in.
    #[must_use]
    pub fn allows(&self, class: Class<'_>) -> bool {
        match class {
            Class::Direct => true,
            Class::Public => self.public < self.limits.public_allow,
            Class::Broadcast(topic) => {
                self.broadcast < self.limits.broadcast_allow
                    && self.topic_running(topic) < self.topic_limit(topic)
            }
        }
    }

    /// Counts a handler in, unless that would pass the bound.
    pub fn acquire(&mut self, class: Class<'_>) -> bool {
        match class {
            Class::Direct => true,
            Class::Public => {
                let free = self.public < self.limits.public_acquire;
                self.public += u32::from(free);
                free
            }
            Class::Broadcast(topic) => {
                let running = self.topic_running(topic);
                let free =
                    self.broadcast < self.limits.broadcast_acquire && running < self.topic_limit(topic);
                if free {
                    self.broadcast += 1;
                    match self.by_topic.iter_mut().find(|(name, _)| name == topic) {
                        Some((_, running)) => *running += 1,
                        None => self.by_topic.push((topic.clone(), 1)),
                    }
                }
                free
            }
        }
    }

    /// Counts a handler out that [`RateLimiter::acquire`] counted in.
    pub fn release(&mut self, class: Class<'_>) {
        match class {
            Class::Direct => {}
            Class::Public => self.public -= 1,
            Class::Broadcast(topic) => {
                self.broadcast -= 1;
                if let Some((_, running)) = self.by_topic.iter_mut().find(|(name, _)| name == topic) {
                    *running -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> RateLimiter {
        RateLimiter::new(Limits {
            public_allow: 1,
            public_acquire: 2,
            broadcast_allow: 2,
            broadcast_acquire: 3,
            topic_default: 1,
            topics: vec![(Capability::fixed("/broadcast/1"), 2)],
        })
    }

    #[test]
    fn vector_30_public() {
        let mut limiter = small();
        assert!(limiter.allows(Class::Public));
        assert!(limiter.acquire(Class::Public));
        assert!(!limiter.allows(Class::Public));
        assert!(limiter.acquire(Class::Public));
        assert!(!limiter.acquire(Class::Public));
        limiter.release(Class::Public);
        limiter.release(Class::Public);
        assert!(limiter.allows(Class::Public));
    }

    #[test]
    fn vector_31_topics() {
        let mut limiter = small();
        let (one, two) = (Capability::fixed("/broadcast/1"), Capability::fixed("/broadcast/2"));
        assert!(limiter.allows(Class::Broadcast(&one)));
        assert!(limiter.allows(Class::Broadcast(&two)));
        assert!(limiter.acquire(Class::Broadcast(&one)));
        assert!(limiter.acquire(Class::Broadcast(&one)));
        assert!(!limiter.acquire(Class::Broadcast(&one)));
        assert!(!limiter.allows(Class::Broadcast(&one)));
        assert!(!limiter.allows(Class::Broadcast(&two)), "the bound over all topics is reached");
        assert!(limiter.acquire(Class::Broadcast(&two)), "three may be active");
        assert!(!limiter.acquire(Class::Broadcast(&two)));
    }
}
