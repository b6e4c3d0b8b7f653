//! From when until when peers are part of the network, where they are not from the start to the end.

use std::collections::BTreeMap;

use super::Ledger;
use super::tables::Metrics;
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;

/// When a peer joined and left; none where it has not.
#[derive(Clone, Copy, Debug, Default)]
struct Lifetime {
    joined: Option<Time>,
    left: Option<Time>,
}

/// Those of peers that join or leave.
#[derive(Clone, Debug, Default)]
pub(super) struct Lifetimes(BTreeMap<PeerId, Lifetime>);

impl Ledger {
    /// A peer is not there from the start.
    pub(in crate::sim) fn will_join(&mut self, peer: PeerId) {
        self.lifetimes.0.insert(peer, Lifetime::default());
    }

    /// A peer has joined.
    pub(in crate::sim) fn joins(&mut self, now: Time, peer: PeerId) {
        self.lifetimes.0.entry(peer).or_default().joined = Some(now);
    }

    /// A peer has left for good, which is no crash where it was up.
    pub(in crate::sim) fn leaves(&mut self, now: Time, peer: PeerId, was_up: bool) {
        let from_the_start = Lifetime { joined: Some(Time::ZERO), left: None };
        self.lifetimes.0.entry(peer).or_insert(from_the_start).left = Some(now);
        self.presence[peer.0 as usize].crashes -= u32::from(was_up);
    }
}

impl Lifetimes {
    /// How long a peer has been part of the network until `now`.
    pub(super) fn of(&self, peer: PeerId, now: Time) -> Span {
        match self.0.get(&peer) {
            None => now.since(Time::ZERO),
            Some(Lifetime { joined: None, .. }) => Span::ZERO,
            Some(Lifetime { joined: Some(joined), left }) => left.unwrap_or(now).since(*joined),
        }
    }

    /// Whether all are there from the start to the end.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The metrics of a run in which peers join or leave.
    pub(super) fn metrics(&self, m: &mut Metrics) {
        if !self.is_empty() {
            let joined = |one: &&Lifetime| one.joined.is_some_and(|at| at > Time::ZERO);
            m.add("peers.joined", self.0.values().filter(joined).count() as f64);
            m.add("peers.left", self.0.values().filter(|one| one.left.is_some()).count() as f64);
        }
    }
}
