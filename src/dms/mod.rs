//! The logic of DMS as it would run on real machines, without I/O.
//!
//! Reads no clock, draws no random number of its own making, logs nothing and calls no network: time, randomness,
//! messages and what the executor reports come in through `Peer::handle`, and everything it wants done goes out through
//! the `Outbox`. Knows kernel types only.

pub mod capability;
pub mod constants;
pub mod ensemble;
pub mod identity;
pub mod resources;
