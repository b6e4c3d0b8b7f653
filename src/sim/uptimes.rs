//! Since when each peer is up without a break, as far as somebody wants to know.
//!
//! What was before the run is not known: a peer that is up at the start counts from there.

use super::event::PeerId;
use super::setup::Setup;
use crate::kernel::{Span, Time};

/// When each peer came up last; nothing where no orchestrator asks for offers.
#[derive(Debug, Default)]
pub(super) struct Uptimes(Vec<Time>);

impl Uptimes {
    /// All are up since the start.
    pub(super) fn of(setup: &Setup, peers: usize) -> Self {
        Self(if setup.strategy.scored_bids.is_some() { vec![Time::ZERO; peers] } else { Vec::new() })
    }

    /// Each is up since then, if it is.
    pub(super) const fn since(times: Vec<Time>) -> Self {
        Self(times)
    }

    /// A peer has come up.
    pub(super) fn note_up(&mut self, now: Time, peer: PeerId) {
        if let Some(since) = self.0.get_mut(peer.0 as usize) {
            *since = now;
        }
    }

    /// For how long it has been up, if it is.
    pub(super) fn of_peer(&self, now: Time, peer: PeerId) -> Option<Span> {
        self.0.get(peer.0 as usize).map(|since| now.since(*since))
    }
}
