//! The logic of DMS as it would run on real machines, without I/O.
//!
//! Reads no clock, draws no random number of its own making, writes nothing and calls no network: time, randomness,
//! messages and what the executor reports come in through [`Peer::handle`], and everything it wants done goes out
//! through the [`Outbox`](outbox::Outbox); what an observer of a node wants written, through `Peer::next_signal`. Knows
//! kernel types only.
//!
//! Start with [`peer`] (what a peer is and how an input finds its handler), then [`orchestrator`] and [`provider`]
//! (the two sides of a deployment), [`gateway`] (machines on demand), [`storage`] (volumes), [`dynamic_dns`] (names of
//! machines that move), [`node`] (all else that a node does), [`observability`] (what it tells of itself), [`actor`]
//! and [`capability`] (how a message is authorised).

pub mod actor;
mod alarm;
pub mod atlas;
pub mod capability;
pub mod constants;
pub mod contract;
pub mod deputy;
mod desk;
pub mod deviations;
pub mod dynamic_dns;
pub mod ensemble;
pub mod fact;
pub mod gateway;
pub mod identity;
pub mod node;
pub mod observability;
pub mod orchestrator;
pub mod outbox;
pub mod peer;
pub mod profile;
pub mod provider;
pub mod resources;
pub mod scored_bids;
pub mod storage;
mod store;
pub mod subnet;
pub mod supervision;
pub mod suppression;
pub mod system;

pub use peer::{Essence, Peer, PeerConfig};
