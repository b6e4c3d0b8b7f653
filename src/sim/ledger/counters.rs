//! What is only counted.

use std::collections::BTreeMap;

use crate::dms::actor::Rejection;
use crate::dms::fact::Fact;
use crate::kernel::OrderedMap;
use crate::net::LossReason;

/// Counters that are not kept by name elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) delivered: u64,
    /// Of those delivered, the ones for which no event was made.
    pub(super) foreseen: u64,
    pub(super) bytes: u64,
    pub(super) lost: OrderedMap<LossReason, u64>,
    /// In an order that does not depend on when each was booked first: what is foreseen is booked late.
    pub(super) rejected: BTreeMap<Rejection, u64>,
    pub(super) bids_received: u64,
    pub(super) bids_accepted: u64,
    pub(super) allocations_started: u64,
    pub(super) allocations_lost: u64,
    pub(super) redeployments: u64,
    pub(super) restarts: u64,
    pub(super) handed_over: u64,
    pub(super) upgrades: u64,
    pub(super) image_bytes: u64,
    pub(super) facts: u64,
    pub(super) hellos: u64,
    pub(super) secrets_seen: u64,
    pub(super) revocations_anchored: u64,
    /// Broadcasts that nothing but the sender's own word authorises, and those that the sender knew to be such.
    pub(super) unvouched: u64,
    pub(super) noticed: u64,
}

impl Counters {
    /// Counts a fact of which only the number matters.
    pub(super) const fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::HelloAnswered => self.hellos += 1,
            Fact::RestartOrdered { .. } => self.restarts += 1,
            Fact::RedeploymentStarted { .. } => self.redeployments += 1,
            Fact::SecretsSeen(secrets) => self.secrets_seen += *secrets as u64,
            _ => {}
        }
    }
}
