//! Refusals of requests for bids, and of answers that nobody waits for: the only facts whose order the digest of a run
//! does not tell.
//!
//! At a large scale nearly all facts of a run are providers that do not bid. What each of them would say is known when
//! the request is sent (see `sim::foresight`), so they are booked many at a time and not one by one as each gets to the
//! request. So it is with answers that come too late (see `sim::late`). The digest takes them up as a sum: of each of
//! them who refused whom and why, but not when.

use std::mem::Discriminant;

use super::Ledger;
use super::entry;
use super::refusals::Case;
use crate::dms::actor::BehaviourKind;
use crate::dms::fact::Fact;
use crate::dms::provider::BidRefusal;
use crate::kernel::{Digest, Time};
use crate::sim::event::PeerId;

/// What a refusal of a request for bids or of an answer adds to the digest; none for any other fact.
#[inline]
pub(in crate::sim) fn fingerprint(peer: PeerId, deployment: Option<u32>, fact: &Fact) -> Option<u128> {
    use BehaviourKind as Kind;
    let is_refusal = matches!(
        fact,
        Fact::BidRefused { .. }
            | Fact::MessageRejected { behaviour: Kind::BidRequest | Kind::Bid | Kind::ReplyTo, .. }
    );
    is_refusal.then(|| {
        let mut digest = Digest::new();
        entry::absorb(&mut digest, Time::ZERO, peer, deployment, fact);
        digest.finish()
    })
}

/// The same of a refusal to bid that was not made a fact of; `kind` is the kind of such facts.
#[inline]
pub(in crate::sim) fn fingerprint_of_bid_refusal(
    peer: PeerId,
    deployment: Option<u32>,
    kind: Discriminant<Fact>,
    refusal: &BidRefusal,
) -> u128 {
    let mut digest = Digest::new();
    entry::absorb_bid_refusal(&mut digest, (Time::ZERO, peer, deployment), kind, refusal);
    digest.finish()
}

/// Refusals that share a line.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Foreseen {
    /// How many.
    pub(in crate::sim) count: u64,
    /// The first of them.
    pub(in crate::sim) first: Case,
    /// What that one said.
    pub(in crate::sim) fact: Fact,
}

impl Ledger {
    /// Books broadcasts that have come to their receivers.
    pub(in crate::sim) const fn foreseen_deliveries(&mut self, count: u64) {
        self.counters.delivered += count;
        self.counters.foreseen += count;
    }

    /// Counts messages that are left out for now, of which only the number is known.
    pub(in crate::sim) const fn sent_by_routine(&mut self, count: u64) {
        self.counters.sent += count;
    }

    /// Counts them no longer: they are counted one by one.
    pub(in crate::sim) const fn take_back_sent(&mut self, count: u64) {
        self.counters.sent -= count;
    }

    /// Counts messages that were sent and have come without an event, each of so many bytes.
    pub(in crate::sim) const fn omitted(&mut self, count: u64, bytes: u64) {
        self.counters.sent += count;
        self.counters.delivered += count;
        self.counters.bytes += count * bytes;
    }

    /// How many facts are in the books.
    pub(in crate::sim) const fn fact_count(&self) -> u64 {
        self.counters.facts
    }

    /// Books refusals whose fingerprints are in a sum that is handed over by itself.
    pub(in crate::sim) fn foreseen(&mut self, line: Foreseen) {
        let Foreseen { count, first, fact } = line;
        self.counters.facts += count;
        self.refused(self.deployment_of_fact(&fact), first, count, fact);
    }

    /// Books so many refusals of which this is the first.
    pub(super) fn refused(&mut self, deployment: Option<u32>, first: Case, count: u64, fact: Fact) {
        match fact {
            Fact::BidRefused { refusal, .. } => self.refusals.add_bid(deployment, first, count, &refusal),
            rejected => self.rejected(deployment, first, count, rejected),
        }
    }

    /// Adds the sum of the fingerprints of refusals to the digest.
    pub(in crate::sim) const fn absorb_refusals(&mut self, sum: u128) {
        self.refusal_prints = self.refusal_prints.wrapping_add(sum);
    }
}
