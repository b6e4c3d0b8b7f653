//! The simulation kernel: time, the event queue, random streams, ids and the digest. Knows nothing of peers.
//!
//! Start with [`time`], then [`queue`] (what happens next), [`random`] (every draw of a run) and [`digest`] (what two
//! runs must have in common to be called the same).

pub mod time;

pub use time::{Span, Time, Timestamp};
