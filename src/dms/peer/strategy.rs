//! A node whose operator chooses another strategy while it works.

use super::Peer;
use super::queue::DeploymentQueue;
use crate::dms::orchestrator::{Deployment, Strategy};

impl Peer {
    /// Follows another strategy: with deployments that are asked for from now on in everything. Those that are under
    /// way go on with what they were begun with, but for what is done after a failure: that they take over, where
    /// neither the old recovery nor the new one has prepared anything (standbys, copies, checkpoints, deputies), and
    /// where their owners have not wished for one of their own.
    pub fn follow(&mut self, strategy: &Strategy) {
        let old = std::mem::replace(&mut self.strategy, strategy.clone());
        let (old_recovery, recovery) = (&old.recovery, &strategy.recovery);
        if old_recovery.prepares_nothing() && recovery.prepares_nothing() {
            let stored = self.store.iter_mut().flat_map(|store| &mut store.deployments);
            let living = self.deployments.iter_mut().map(Deployment::strategy_mut);
            for own in living.chain(stored.map(|record| &mut record.strategy)) {
                if own.recovery == *old_recovery {
                    own.recovery = recovery.clone();
                }
            }
        }
        if old.at_once.is_none() && strategy.at_once.is_some() {
            self.queue = DeploymentQueue::default();
            self.restore_queue();
        }
    }
}
