//! Named random streams: every draw of a run comes from a stream named by a domain and an entity.
//!
//! Drawing more in one stream never shifts another, so two strategies compared on one seed meet the same
//! failures (common random numbers). A stored stream costs one 8-byte [`Cursor`]; its numbers are ChaCha8
//! blocks computed from (seed, domain, entity, cursor) when asked for. What the domains are is up to the
//! rooms that declare them.
//!
//! ```
//! use dmsim::kernel::random::{Cursor, Domain, Streams};
//!
//! const CHURN: Domain = Domain::new("example.churn");
//! let streams = Streams::new(7);
//! let mut cursor = Cursor::default(); // kept with the peer
//! let die = 1 + streams.rng(CHURN, 42, &mut cursor).below(6);
//! assert!((1..=6).contains(&die));
//! ```

mod chacha;
mod rng;

use std::fmt;

pub use rng::{Ratio, Rng};

use super::digest::mix;
use super::time::Time;

/// A family of streams, named by a text: `const CHURN: Domain = Domain::new("churn");`.
///
/// The name is hashed when the program is compiled. Two rooms that use the same name share streams, so prefix
/// names with the room: `net.delay`, `workload.arrivals`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Domain {
    name: &'static str,
    key: u64,
}

/// The entity of what its owner draws at one moment, whatever it has drawn before: `name` tells apart what falls on the
/// same moment.
#[must_use]
pub const fn at_moment(now: Time, owner: u64, name: u64) -> u64 {
    mix(now.0 ^ mix(name ^ mix(owner)))
}

impl Domain {
    /// The domain called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        // FNV-1a over 64 bits: the key only has to differ between the few dozen domains of a program.
        let mut key = 0xcbf2_9ce4_8422_2325_u64;
        let bytes = name.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            key = (key ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        Self { name, key }
    }
    /// The name given to [`Domain::new`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({})", self.name)
    }
}

/// How far a stored stream has been drawn: the number of 64-byte blocks used. Starts at zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cursor(pub u64);

/// All random streams of a run: the seed, from which every stream is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    /// Six words of a ChaCha key; the other two are the domain's.
    key: [u32; 6],
    seed: u64,
}

impl Streams {
    /// The streams of a run with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // One block spreads the seed over the key, so that neighbouring seeds give unrelated keys.
        let words = chacha::block(&[seed as u32, (seed >> 32) as u32, 0, 0, 0, 0, 0, 0], 0, 0);
        Self { key: std::array::from_fn(|word| words[word]), seed }
    }

    /// The seed given to [`Streams::new`].
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream (`domain`, `entity`) from `cursor` on, for the draws of one event.
    ///
    /// Nothing is computed before the first draw. Every started block of 64 bytes moves the cursor by one;
    /// what is left of a block when the generator is dropped is never drawn.
    #[inline]
    #[must_use]
    pub fn rng<'a>(&self, domain: Domain, entity: u64, cursor: &'a mut Cursor) -> Rng<'a> {
        Rng::stored(self.key_of(domain), entity, cursor)
    }

    /// The stream (`domain`, `entity`) from its start, for set-up work that draws many numbers in one go.
    ///
    /// It yields what [`Streams::rng`] would yield from a new cursor, only faster by the number and slower to
    /// make.
    #[must_use]
    pub fn owned(&self, domain: Domain, entity: u64) -> Rng<'static> {
        Rng::owned(self.key_of(domain), entity)
    }

    #[inline]
    const fn key_of(&self, domain: Domain) -> [u32; 8] {
        let [k0, k1, k2, k3, k4, k5] = self.key;
        [k0, k1, k2, k3, k4, k5, domain.key as u32, (domain.key >> 32) as u32]
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Streams({})", self.seed)
    }
}

#[cfg(test)]
mod tests;
