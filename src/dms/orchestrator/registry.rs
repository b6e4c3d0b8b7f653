//! What of a deployment is on disk (dms-orchestration section 1.4).
//!
//! The intended registry saves every change before anything is done about it, so the record is the deployment itself
//! without what only lives in memory. The registry of the real DMS saves on creation and when its watcher sees a
//! change of status; the watcher is told through a channel that holds one status, without waiting (W25).

use super::{Deployment, Purpose};
use crate::dms::constants::{STATUS_RACE_ODDS, STATUS_SAVE_TIME, STATUS_WRITE_WINDOW};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::profile::Weakness;
use crate::dms::store::{DeploymentRecord, MemberRecord, NodeRecord};
use crate::kernel::Timestamp;

/// What the registry and its weaknesses need to know of a deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    /// The copy that was saved last, where not every change is saved.
    copy: Option<Box<DeploymentRecord>>,
    /// Until when the watcher is busy with it.
    busy_until: Timestamp,
    /// When a goroutine last wrote to one of the deployment's status maps.
    written: Option<Timestamp>,
    /// Whether a node did not acknowledge the shutdown.
    pub(super) shutdown_failed: bool,
    restored: bool,
}

impl Registry {
    pub(super) fn after_restart() -> Self {
        Self { restored: true, ..Self::default() }
    }

    /// Whether the deployment was taken up again after a restart.
    pub(super) const fn is_restored(&self) -> bool {
        self.restored
    }
}

impl Deployment {
    /// What is on disk. Logs are files of their own, and what was forgotten is not there whatever was saved of it.
    pub(in crate::dms) fn record(&self) -> DeploymentRecord {
        let saved = self.registry.copy.as_deref().cloned().unwrap_or_else(|| self.snapshot());
        let successor = self.succession.successor().cloned();
        let is_end_told = self.succession.is_end_told;
        DeploymentRecord {
            forgotten: self.forgotten,
            logs: self.logs_on_disk(),
            successor,
            is_end_told,
            ..saved
        }
    }

    /// The deployment as it is.
    pub(in crate::dms) fn snapshot(&self) -> DeploymentRecord {
        let node = |node: &super::Node| NodeRecord {
            name: node.name.clone(),
            entry: node.entry.clone(),
            change: node.change,
            phase: node.phase,
            pin: node.pin.clone(),
            place: node.place.clone(),
            excluded: node.excluded.clone(),
            recovering: node.recovering,
            standby_of: node.standby_of,
            spare: node.spare,
            tries: node.tries,
            votes: node.votes.clone(),
            is_decided: node.is_decided,
            forgotten: node.forgotten,
            members: node
                .members
                .iter()
                .map(|member| MemberRecord {
                    name: member.name.clone(),
                    generation: member.generation,
                    address: member.address,
                    handle: member.handle.clone(),
                    state: member.state,
                    result: member.result.clone(),
                })
                .collect(),
        };
        DeploymentRecord {
            id: self.id,
            config: std::sync::Arc::clone(&self.config),
            strategy: self.strategy.clone(),
            range: self.range,
            actor: self.actor.clone(),
            deadline: self.deadline,
            status: self.status,
            is_queued: self.is_queued,
            nodes: self.nodes.iter().map(node).collect(),
            nonce: self.nonce,
            undo: self.undo_orders(),
            former_lives: self.former_lives.clone(),
            highest_address: self.highest_address,
            update_count: self.update_count,
            supervised: self.supervised,
            update: self.update_deadline(),
            created: self.created,
            own_address: self.own.address(),
            ended: self.ended.clone(),
            forgotten: self.forgotten,
            logs: Vec::new(),
            mandate: self.succession.mandate().cloned(),
            successor: self.succession.successor().cloned(),
            is_end_told: self.succession.is_end_told,
        }
    }

    /// The status has changed. The watcher of the real DMS saves the deployment as it is then, unless it is still busy
    /// with the former status: that one is then never saved (W25). During a shutdown the deployment is locked, and
    /// one that met an error ends with its context cancelled and its watcher gone: "Running" stays on disk.
    pub(super) fn save_status(&mut self, desk: &Desk<'_, '_>) {
        if !desk.security.profile.has(Weakness::SkippedStatus) {
            return;
        }
        let locked = self.status == DeploymentStatus::ShuttingDown;
        let cancelled = self.status == DeploymentStatus::Completed && self.registry.shutdown_failed;
        if desk.now >= self.registry.busy_until && !locked && !cancelled {
            self.registry.busy_until = desk.now + STATUS_SAVE_TIME;
            self.registry.copy = Some(Box::new(self.snapshot()));
        }
    }

    /// A goroutine writes to the map of starts or of shutdowns. The real DMS does not guard these maps: two writes
    /// that fall into one handling window may break its process down (W26).
    pub(super) fn write_status_map(&mut self, desk: &mut Desk<'_, '_>, purpose: Purpose) {
        let writes = matches!(purpose, Purpose::Start | Purpose::Shutdown);
        if !writes || !desk.security.profile.has(Weakness::RacingWrites) {
            return;
        }
        let last = self.registry.written.replace(desk.now);
        let together = last.is_some_and(|last| desk.now.since(last) < STATUS_WRITE_WINDOW);
        if together && desk.out.random.below(STATUS_RACE_ODDS) == 0 {
            let reason = "fatal error: concurrent map writes".into();
            desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Run, reason });
            desk.out.effects.crashed = true;
        }
    }
}
