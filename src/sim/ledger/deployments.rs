//! The deployments of a run: who asked for them, who orchestrates them, and what has become of them.

use std::sync::Arc;

use super::Ledger;
use crate::dms::ensemble::AllocationKind;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::EnsembleId;
use crate::kernel::Time;
use crate::sim::event::PeerId;

/// A deployment as the ledger knows it.
#[derive(Clone, Debug)]
pub(in crate::sim) struct DeploymentRecord {
    pub(super) entry: u32,
    /// Who orchestrates it now.
    pub(super) by: PeerId,
    /// Who orchestrated it before and has not heard that it is another's by now, the latest last.
    pub(super) unaware: Vec<PeerId>,
    pub(super) ensemble: Option<EnsembleId>,
    pub(in crate::sim) submitted: Time,
    pub(super) deadline: Time,
    pub(super) running: Option<Time>,
    pub(super) ended: Option<Time>,
    pub(in crate::sim) status: DeploymentStatus,
    pub(in crate::sim) cancelled: bool,
    pub(in crate::sim) reason: Option<Arc<str>>,
    pub(super) rounds: u32,
    pub(super) attempts: u32,
    pub(super) bids: u32,
    pub(in crate::sim) redeployments: u32,
}

impl DeploymentRecord {
    /// Who orchestrates it now.
    pub(in crate::sim) const fn orchestrator(&self) -> PeerId {
        self.by
    }

    /// Its orchestrator has taken it up again, as it was stored.
    pub(super) fn goes_on(&mut self, status: DeploymentStatus) {
        if !status.is_terminal() {
            (self.status, self.ended) = (status, None);
        }
    }
}

impl Ledger {
    /// A user asks for a deployment: its number. The id follows with the peer's own fact.
    pub(in crate::sim) fn deployment_asked(
        &mut self,
        now: Time,
        entry: u32,
        by: PeerId,
        deadline: Time,
    ) -> u32 {
        let number = self.deployments.len() as u32;
        self.asked[entry as usize] += 1;
        self.asking = Some(number);
        self.deployments.push(DeploymentRecord {
            entry,
            by,
            unaware: Vec::new(),
            ensemble: None,
            submitted: now,
            deadline,
            running: None,
            ended: None,
            status: DeploymentStatus::Preparing,
            cancelled: false,
            reason: None,
            rounds: 0,
            attempts: 0,
            bids: 0,
            redeployments: 0,
        });
        number
    }

    /// How many deployments were asked for.
    pub(in crate::sim) const fn deployment_count(&self) -> u32 {
        self.deployments.len() as u32
    }

    /// What is known of the deployment of this number.
    pub(in crate::sim) fn record_of(&self, number: u32) -> &DeploymentRecord {
        &self.deployments[number as usize]
    }

    pub(in crate::sim) fn deployment_refused(&mut self, now: Time, number: u32, reason: &str) {
        let record = &mut self.deployments[number as usize];
        record.status = DeploymentStatus::Failed;
        record.ended = Some(now);
        record.reason = Some(reason.into());
        let by = record.by;
        self.refuse(now, by, Some(number), Stage::Request.as_str(), reason.into());
    }

    /// Takes a fact about a deployment that there is.
    pub(super) fn apply_to_deployment(
        &mut self,
        now: Time,
        peer: PeerId,
        deployment: Option<u32>,
        fact: Fact,
    ) {
        let Some(number) = deployment else { return };
        let record = &mut self.deployments[number as usize];
        match fact {
            // What a former orchestrator believes of it while it does not know better counts for nothing.
            Fact::DeploymentStatus { status, reason, .. } if record.by == peer => {
                self.set_status(now, number, status, reason);
            }
            Fact::RoundOpened { .. } => record.rounds += 1,
            Fact::RedeploymentStarted { .. } => record.redeployments += 1,
            Fact::DeploymentReshaped { allocations, .. } => self.services.reshape(now, number, &allocations),
            Fact::DeploymentRestored { status, .. } if record.by == peer => record.goes_on(status),
            Fact::DeploymentHandedOver { .. } => {
                self.counters.handed_over += 1;
                let former = std::mem::replace(&mut record.by, peer);
                record.unaware.push(former);
                record.unaware.retain(|other| *other != peer);
            }
            Fact::DeploymentSuperseded { .. } => record.unaware.retain(|other| *other != peer),
            _ => {}
        }
    }

    /// A peer has lost its disk, and with it all that it had taken over. Whoever orchestrated that before, and has not
    /// heard of the change, still does: the numbers and ids of such deployments, with who that is.
    pub(in crate::sim) fn back_to_the_unaware(&mut self, peer: PeerId) -> Vec<(u32, EnsembleId, PeerId)> {
        let mut back = Vec::new();
        for (record, number) in self.deployments.iter_mut().zip(0..) {
            record.unaware.retain(|other| *other != peer);
            let Some(id) = record.ensemble.filter(|_| record.by == peer) else { continue };
            if let Some(former) = record.unaware.pop() {
                record.by = former;
                back.push((number, id, former));
            }
        }
        back
    }

    /// What a deployment has come to where it is orchestrated.
    pub(in crate::sim) fn is_in(&mut self, now: Time, number: u32, status: DeploymentStatus) {
        let record = &mut self.deployments[number as usize];
        record.goes_on(status);
        if record.status != status {
            self.set_status(now, number, status, None);
        }
    }

    fn set_status(&mut self, now: Time, number: u32, status: DeploymentStatus, reason: Option<Arc<str>>) {
        let record = &mut self.deployments[number as usize];
        record.status = status;
        record.attempts += u32::from(status == DeploymentStatus::Committing);
        if status == DeploymentStatus::Running && record.running.is_none() {
            record.running = Some(now);
            let took = now.since(record.submitted);
            let ensemble = Arc::clone(&self.entries[record.entry as usize].1);
            self.time_to_running.record(took);
            self.note_edges(number);
            for (node, config) in &ensemble.nodes {
                for allocation in &config.allocations {
                    if ensemble.allocations[allocation].kind == AllocationKind::Service {
                        self.services.want(now, number, &format!("{node}.{allocation}"));
                    }
                }
            }
        }
        // A deployment that fails after it ran is still wanted: nobody has asked for its end.
        if matches!(status, DeploymentStatus::Completed | DeploymentStatus::ShuttingDown) {
            self.services.unwant(now, number);
        }
        let record = &mut self.deployments[number as usize];
        record.cancelled |= status == DeploymentStatus::ShuttingDown;
        if status.is_terminal() {
            record.ended = Some(now);
            record.reason = reason;
        }
    }
}
