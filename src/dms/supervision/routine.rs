//! What goes on for ever while nothing happens: a provider's heartbeats, and its orchestrator's health checks.
//!
//! Each round leaves the two as it found them, but for a few counters. So a driver that knows that nothing will come
//! between may leave rounds out: it asks the orchestrator for its part (`Peer::duties`) and the provider for the other
//! (`Peer::run_in_routine`), and has both count on before the next round that it wants to see.
//!
//! Some of what a deployment does goes on *beside* its rounds and has nothing to do with them: it asks lost peers again
//! and again to give back what they hold, and standbys whether they live. All that the two share is the count of the
//! messages that the deployment's actor has sent.

use std::sync::Arc;

use crate::dms::identity::{EnsembleId, Handle};
use crate::kernel::Span;

/// An allocation that runs as it should, in the care of its orchestrator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// Its id.
    pub allocation: Arc<str>,
    /// Its place and its key.
    pub handle: Arc<Handle>,
    /// Which of its lives it is in.
    pub generation: u32,
    /// Whether its health is checked in every round.
    pub is_checked: bool,
}

/// What a deployment looks after that has nothing else to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duties {
    /// Which it is.
    pub ensemble: EnsembleId,
    /// Its actor.
    pub handle: Arc<Handle>,
    /// The nonce of the last message of its actor.
    pub nonce: u64,
    /// How often what runs reports that it does.
    pub period: Span,
    /// How often it grants anew what lets its providers report; none when it does not.
    pub renewal: Option<Span>,
    /// What runs, in the order in which it is looked after.
    pub charges: Vec<Charge>,
}

/// What it has to do with the rounds of a deployment when something comes to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bearing {
    /// It is a part of them that was under way, or there is nothing to do about it.
    Nothing,
    /// It goes on beside them.
    Beside,
    /// They may end with it.
    Rounds,
}

/// Rounds that were left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Omitted {
    /// Heartbeats of the allocation.
    pub reports: u64,
    /// Health checks of it.
    pub checks: u64,
}
