//! The simulation kernel: time, the event queue, random streams, ids and the digest. Knows nothing of peers.
//!
//! Start with [`time`], then [`queue`] (what happens next), [`random`] (every draw of a run) and [`digest`]
//! (what two runs must have in common to be called the same).

mod breakdown;
pub mod date;
pub mod digest;
pub mod hold;
pub mod ids;
pub mod phold;
pub mod queue;
pub mod random;
pub mod sample;
pub mod shown;
pub mod slab;
pub mod time;

pub use crate::id_type;
pub use breakdown::{caught, is_caught, said_by};
pub use digest::{Digest, fingerprint128};
pub use ids::{Id, IdVec};
pub use queue::{EventId, EventQueue};
pub use random::{Cursor, Domain, Ratio, Rng, Streams, at_moment};
pub use sample::{Distribution, Zipf};
pub use shown::{has_power, path_text};
pub use slab::Slab;
pub use time::{Span, Time, Timestamp};

/// A map in the order of insertion. Its keys come from inside the run, so its hash need not withstand anybody.
pub type OrderedMap<K, V> = indexmap::IndexMap<K, V, rustc_hash::FxBuildHasher>;
