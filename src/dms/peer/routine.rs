//! What a peer does again and again while nothing happens (see [`crate::dms::supervision::Charge`]).

use super::Peer;
use crate::dms::actor::Envelope;
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::RunId;
use crate::dms::supervision::{Bearing, Charge, Duties, Omitted};
use crate::kernel::{Span, Timestamp};

impl Peer {
    /// What one of its deployments looks after, if it has nothing else to do.
    #[must_use]
    pub fn duties(&self, deployment: u32, now: Timestamp) -> Option<Duties> {
        if self.is_watched() {
            return None;
        }
        self.deployments.get(deployment as usize)?.duties(now, self.security.profile)
    }

    /// The run of an allocation that lives here and does nothing but run, and report in each `period`.
    #[must_use]
    pub fn run_in_routine(&self, charge: &Charge, period: Span) -> Option<RunId> {
        if self.is_watched() { None } else { self.provider.routine_of(charge, period) }
    }

    /// What the timer of a reply to one of its deployments has to do with the deployment's rounds.
    #[must_use]
    pub fn bearing_of_wait(&self, deployment: u32, nonce: u64) -> Bearing {
        self.deployments.get(deployment as usize).map_or(Bearing::Nothing, |one| one.bearing_of_wait(nonce))
    }

    /// What a message to one of its deployments has to do with the deployment's rounds, with the deployment's number.
    #[must_use]
    pub fn bearing_of(&self, ensemble: EnsembleId, envelope: &Envelope) -> Option<(u32, Bearing)> {
        let place = self.place_of(ensemble)?;
        Some((place as u32, self.deployments[place].bearing_of(envelope)))
    }

    /// Has the actor of one of its deployments count its messages from here.
    pub fn count_messages_after(&mut self, deployment: u32, nonce: u64) {
        if let Some(deployment) = self.deployments.get_mut(deployment as usize) {
            deployment.count_messages_after(nonce);
        }
    }

    /// The nonce of the last message of the actor of one of its deployments.
    #[must_use]
    pub fn last_nonce_of(&self, deployment: u32) -> Option<u64> {
        self.deployments.get(deployment as usize).map(Deployment::last_nonce)
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

    /// Rounds of a deployment were left out: until `now` all went as it should.
    pub fn pass_over_checks(&mut self, deployment: u32, now: Timestamp) {
        if let Some(deployment) = self.deployments.get_mut(deployment as usize) {
            deployment.pass_over(now);
        }
    }

    /// The orchestrator of an ensemble has called an allocation that lives here, which was left out.
    pub fn hear_orchestrator(&mut self, ensemble: EnsembleId, now: Timestamp) {
        self.provider.hear_orchestrator(ensemble, now);
    }

    /// Counts heartbeats and health checks of an allocation that were left out.
    pub fn pass_over_reports(&mut self, allocation: &str, omitted: Omitted) {
        self.provider.pass_over(allocation, omitted);
    }
}
