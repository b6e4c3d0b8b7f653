//! A deployment that waits until its node has fewer others to work on (an extension of DMS, off unless a strategy asks
//! for it; `dms::peer::queue` has the order).
//!
//! It is Preparing and does nothing. Its deadline holds all the same, and its owner can cancel it.

use super::{Deployment, RENEWAL_INTERVAL};
use crate::dms::constants::GRANT_ORCHESTRATOR_CAPS_FREQUENCY;
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;

/// Why it is where it is, for those who ask.
pub(super) const WAITS: &str = "waits for other deployments of its node to end";
/// Why a deployment fails of which nothing was ever to be placed.
const NOTHING_TO_PLACE: &str = "no node of the ensemble has an allocation: there is nothing to place";

impl Deployment {
    /// Whether it waits for its turn.
    pub(in crate::dms) const fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// How soon its turn comes: the higher the sooner.
    pub(in crate::dms) fn priority(&self) -> u32 {
        self.strategy.priority.unwrap_or(0)
    }

    /// It has to wait for its turn.
    pub(super) fn queue(&mut self, desk: &mut Desk<'_, '_>) {
        self.is_queued = true;
        desk.fact(Fact::DeploymentQueued(self.id));
    }

    /// It is its turn.
    pub(in crate::dms) fn set_off(&mut self, desk: &mut Desk<'_, '_>) {
        self.is_queued = false;
        // The real DMS renews when the grants are over, and only then (W12).
        let renewal = match desk.security.profile.has(Weakness::LapsingOrchestratorGrants) {
            true => GRANT_ORCHESTRATOR_CAPS_FREQUENCY,
            false => RENEWAL_INTERVAL,
        };
        desk.timer(renewal, Timer::RenewProviders(self.number));
        if self.nodes.is_empty() {
            return self.fail(desk, NOTHING_TO_PLACE.into());
        }
        self.advance(desk);
    }

    /// It was waiting when the process ended, and goes on doing so. No weakness of the real DMS is about that.
    pub(super) fn wait_on(&self, desk: &mut Desk<'_, '_>) {
        desk.timer(self.deadline.since(desk.now), Timer::Deadline(self.number));
    }
}
