//! A deployment that does nothing but look after what runs (dms-orchestration section 3.4).

use std::sync::Arc;

use super::{Deployment, MemberState, Phase};
use crate::dms::fact::DeploymentStatus;
use crate::dms::profile::{Profile, Weakness};
use crate::dms::supervision::{Charge, Duties};
use crate::kernel::Timestamp;

impl Deployment {
    /// The allocations that it looks after, if it has nothing else to do and all of them are as they should be.
    ///
    /// As long as none of them fails and nobody asks anything of it, a round of its supervisor is one health check for
    /// each that is checked, and each passes.
    pub(in crate::dms) fn duties(&self, now: Timestamp, profile: Profile) -> Option<Duties> {
        if !self.is_settled() || self.has_detector() || profile.has(Weakness::InTurnSupervision) {
            return None;
        }
        let mut charges = Vec::new();
        for node in &self.nodes {
            match node.phase {
                Phase::Standby | Phase::Idle => continue,
                Phase::Started if !node.recovering => {}
                _ => return None,
            }
            for member in &node.members {
                if matches!(member.state, MemberState::Ended(_)) {
                    continue;
                }
                let wants_checks = member.config.healthcheck.is_some() && !member.unsupervised;
                let is_regular = member.watch.is_regular(now, member.registered);
                if member.state != MemberState::Running || wants_checks != member.registered || !is_regular {
                    return None;
                }
                charges.push(Charge {
                    allocation: member.id.clone(),
                    handle: member.handle.clone()?,
                    generation: member.generation,
                    is_checked: member.registered,
                });
            }
        }
        let (handle, nonce) = (Arc::clone(&self.actor.handle), self.actor.last_nonce());
        Some(Duties { ensemble: self.id, handle, nonce, charges })
    }

    /// Whether it runs, waits for no answer and owes none.
    fn is_settled(&self) -> bool {
        let is_undisturbed = self.round.is_none()
            && self.search.is_none()
            && self.pause.is_none()
            && self.undo.is_empty()
            && self.failed_attempt.is_none()
            && self.updating.is_none()
            && self.pass.is_empty()
            && !self.is_hung
            && !self.releasing;
        let is_unasked = self.answers.is_empty()
            && self.inquiries.is_empty()
            && self.ending_for.is_empty()
            && self.logs.is_empty();
        self.status == DeploymentStatus::Running
            && self.supervised
            && self.pending.is_empty()
            && is_undisturbed
            && is_unasked
    }

    /// Counts health checks that were left out: until `now` all went as it should.
    pub(in crate::dms) fn pass_over(&mut self, checks: u64, now: Timestamp) {
        self.actor.pass_over(checks);
        let members = self.nodes.iter_mut().flat_map(|node| &mut node.members);
        members
            .filter(|member| member.state == MemberState::Running)
            .for_each(|one| one.watch.pass_over(now));
    }
}
