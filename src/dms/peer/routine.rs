//! What a peer does again and again while nothing happens (see [`crate::dms::supervision::Charge`]).

use super::Peer;
use crate::dms::identity::Did;
use crate::dms::outbox::RunId;
use crate::dms::supervision::{Charge, Duties, Omitted};
use crate::kernel::Timestamp;

impl Peer {
    /// What one of its deployments looks after, if it has nothing else to do.
    #[must_use]
    pub fn duties(&self, deployment: u32, now: Timestamp) -> Option<Duties> {
        if self.is_watched() {
            return None;
        }
        self.deployments.get(deployment as usize)?.duties(now, self.security.profile)
    }

    /// The run of an allocation that lives here and does nothing but run and report.
    #[must_use]
    pub fn run_in_routine(&self, charge: &Charge) -> Option<RunId> {
        if self.is_watched() { None } else { self.provider.routine_of(charge) }
    }

    /// Whether somebody looks at each of its steps.
    fn is_watched(&self) -> bool {
        self.observer.is_some() || self.contracts.is_watching()
    }

    /// Until when nothing expires of what it lets `others` do with its `actors`, or may do itself.
    #[must_use]
    pub fn authority_lasts(&self, others: &[&Did], actors: &[&Did], now: Timestamp) -> Option<Timestamp> {
        let own = self.security.capabilities.did();
        let subjects: Vec<&Did> = others.iter().copied().chain([own]).collect();
        self.security.capabilities.first_expiry(&subjects, actors, now)
    }

    /// Counts health checks of a deployment that were left out: until `now` all went as it should.
    pub fn pass_over_checks(&mut self, deployment: u32, checks: u64, now: Timestamp) {
        if let Some(deployment) = self.deployments.get_mut(deployment as usize) {
            deployment.pass_over(checks, now);
        }
    }

    /// Counts heartbeats and health checks of an allocation that were left out.
    pub fn pass_over_reports(&mut self, allocation: &str, omitted: Omitted) {
        self.provider.pass_over(allocation, omitted);
    }
}
