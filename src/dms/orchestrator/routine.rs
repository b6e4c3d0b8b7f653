//! A deployment that does nothing but look after what runs (dms-orchestration section 3.4).

use std::sync::Arc;

use super::{Deployment, MemberState, Node, Phase, Purpose, RENEWAL_INTERVAL};
use crate::dms::actor::{Envelope, Message};
use crate::dms::fact::DeploymentStatus;
use crate::dms::profile::{Profile, Weakness};
use crate::dms::supervision::{Bearing, Charge, Duties};
use crate::kernel::Timestamp;

impl Deployment {
    /// The allocations that it looks after, if it has nothing else to do and all of them are as they should be.
    ///
    /// As long as none of them fails and nobody asks anything of it, a round of its supervisor is one health check for
    /// each that is checked, and each passes.
    pub(in crate::dms) fn duties(&self, now: Timestamp, profile: Profile) -> Option<Duties> {
        let detector = self.strategy.detector.logic();
        if !self.is_settled() || !detector.is_patient() {
            return None;
        }
        let period = detector.period();
        let (handle, nonce) = (Arc::clone(&self.actor.handle), self.actor.last_nonce());
        let lapses = profile.has(Weakness::LapsingOrchestratorGrants);
        let renewal = (!lapses).then_some(RENEWAL_INTERVAL);
        let duties = |charges| Duties { ensemble: self.id, handle, nonce, period, renewal, charges };
        if profile.has(Weakness::InTurnSupervision) {
            // It looks at nobody but those whose health it checks; where there are none, a tick does nothing.
            return (!self.checks_any()).then(|| duties(Vec::new()));
        }
        let mut charges = Vec::new();
        for node in &self.nodes {
            match node.phase {
                Phase::Standby | Phase::Idle => continue,
                Phase::Started if !node.recovering && node.suspected_since.is_none() => {}
                _ => return None,
            }
            for member in &node.members {
                if member.state.has_ended() {
                    continue;
                }
                let wants_checks = member.config.healthcheck.is_some() && !member.unsupervised;
                let is_regular = member.watch.is_regular(now, period, member.registered);
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
        Some(duties(charges))
    }

    /// Whether it checks the health of anything that runs.
    fn checks_any(&self) -> bool {
        let is_checked = |(index, node): (usize, &Node)| {
            let mut members = node.members.iter().zip(0..);
            members.any(|(member, place)| member.registered && self.watches((index, place)))
        };
        self.nodes.iter().enumerate().any(is_checked)
    }

    /// Whether it runs, waits for no answer but to what goes on beside its rounds, and owes none.
    fn is_settled(&self) -> bool {
        let is_undisturbed = self.round.is_none()
            && self.search.is_none()
            && self.pause.is_none()
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
            && self.pending.iter().all(|pending| pending.purpose.is_beside_rounds())
            && is_undisturbed
            && is_unasked
    }

    /// What the timer of a reply has to do with its rounds.
    pub(in crate::dms) fn bearing_of_wait(&self, nonce: u64) -> Bearing {
        match self.awaited(nonce) {
            None => Bearing::Nothing,
            // Another peer is looked for then.
            Some(Purpose::Standby) => Bearing::Rounds,
            Some(purpose) if purpose.is_beside_rounds() => Bearing::Beside,
            Some(_) => Bearing::Rounds,
        }
    }

    /// What a message to its actor has to do with its rounds.
    pub(in crate::dms) fn bearing_of(&self, envelope: &Envelope) -> Bearing {
        if let Message::Liveness(report) = &envelope.message {
            if !self.wants(&report.allocation, report.generation, &envelope.from.host) {
                // One that it has given up.
                return Bearing::Beside;
            }
            let is_watched = self.find(&report.allocation).is_some_and(|at| self.watches(at));
            return if is_watched { Bearing::Nothing } else { Bearing::Rounds };
        }
        let asked = envelope.behaviour.reply_nonce().and_then(|nonce| self.awaited(nonce));
        if asked.is_some_and(Purpose::is_beside_rounds) { Bearing::Beside } else { Bearing::Rounds }
    }

    /// Has its actor count its messages from here.
    pub(in crate::dms) const fn count_messages_after(&mut self, nonce: u64) {
        self.actor.resume_after(nonce);
    }

    /// The nonce of the last message of its actor.
    pub(in crate::dms) const fn last_nonce(&self) -> u64 {
        self.actor.last_nonce()
    }

    /// Rounds were left out: until `now` all went as it should.
    pub(in crate::dms) fn pass_over(&mut self, now: Timestamp) {
        self.ticked = self.ticked.map(|_| now);
        let members = self.nodes.iter_mut().flat_map(|node| &mut node.members);
        members
            .filter(|member| member.state == MemberState::Running)
            .for_each(|one| one.watch.pass_over(now));
    }
}
