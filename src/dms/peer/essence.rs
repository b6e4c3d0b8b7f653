//! What is left of a peer that holds nothing: all else follows from how it was configured.
//!
//! A node that was asked something, answered and has forgotten about it again differs from one that has just been
//! configured in three things only: how far it has counted its messages, what it has learnt to be revoked, and which
//! messages it must not handle again before they expire. A driver with very many peers keeps that of those at rest, and
//! makes the peer anew when somebody wants something of it.

use std::sync::Arc;

use super::Peer;
use crate::dms::actor::ReplayGuard;
use crate::dms::capability::RevocationSet;
use crate::kernel::Timestamp;

/// What a peer that holds nothing knows beside what it was configured with.
#[derive(Clone, Debug)]
pub struct Essence {
    /// The nonce of its last message.
    nonce: u64,
    /// What it knows to be revoked.
    pub revocations: Arc<RevocationSet>,
    /// What it must not handle again.
    pub handled: Arc<ReplayGuard>,
}

impl Peer {
    /// What it knows at `now`, if nothing else distinguishes it from a peer that has just been made of the same
    /// configuration: it holds nothing for anybody, waits for nobody, and no timer of it has anything to do. Its
    /// anchors are the driver's to compare, who knows what they were.
    #[must_use]
    pub fn essence(&self, now: Timestamp) -> Option<Essence> {
        let plain = self.store.is_none() && self.gateway.is_none() && self.observer.is_none();
        let rests = plain
            && self.pipeline.is_empty()
            && self.deployments.is_empty()
            && self.provider.is_untouched()
            && self.node.is_untouched()
            && self.contracts.is_untouched()
            && self.volumes.is_untouched()
            && self.deputies.is_untouched(now)
            && self.security.capabilities.consumed().is_empty();
        rests.then(|| Essence {
            nonce: self.root.last_nonce(),
            revocations: Arc::clone(self.security.capabilities.revocations()),
            handled: Arc::new(self.security.handled(now)),
        })
    }

    /// The nonce of the last message that its node has sent.
    #[cfg(test)]
    pub(in crate::dms) const fn last_nonce(&self) -> u64 {
        self.root.last_nonce()
    }

    /// Gives a peer that has just been configured what it knew before it was put away.
    pub fn recall(&mut self, essence: &Essence) {
        self.root.resume_after(essence.nonce);
        self.security.capabilities.share_revocations(Arc::clone(&essence.revocations));
        self.security.recall_handled(ReplayGuard::clone(&essence.handled));
    }

    /// Keeps what it knows to be revoked together with others that know the same.
    pub fn share_revocations(&mut self, known: &Arc<RevocationSet>) {
        self.security.capabilities.share_revocations(Arc::clone(known));
    }
}
