//! Steps that fail, and the attempts that they end (dms-orchestration sections 1.3, 2.9 and 2.10).
//!
//! As it is meant, the node at which a step failed falls back alone, what it may have reserved is undone in the
//! background, and the others keep what they have. In the real DMS the whole attempt has failed (W22): when everything
//! that is under way has been answered, the nodes are reverted one after another, each once and for up to half a
//! minute, and all of them begin anew.

use std::sync::Arc;

use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, Message, Revert};
use crate::dms::constants::{REVERT_TIMEOUT, SILENCES_OF_ONE_PEER};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::PeerId;
use crate::dms::profile::Weakness;

/// An attempt that has failed as a whole.
#[derive(Clone, Debug)]
pub(super) struct FailedAttempt {
    stage: Stage,
    /// The nodes that are still to be reverted, the next one last; none before reverting has begun.
    to_revert: Option<Vec<usize>>,
}

/// What has gone wrong since a deployment last ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Setbacks {
    /// The peer at which a step of a node failed last.
    pub(super) at: Option<PeerId>,
    /// How often peers have refused what they had offered, or none of them was near enough to others.
    pub(super) refusals: u32,
    /// How often in a row the same peer has left a step unanswered, beyond the first time.
    silences: u32,
}

impl Deployment {
    /// A step of a node has failed.
    pub(super) fn give_up_place(
        &mut self,
        desk: &mut Desk<'_, '_>,
        index: usize,
        stage: Stage,
        reason: Arc<str>,
    ) {
        desk.fact(Fact::StageFailed { ensemble: self.id, stage, reason: Arc::clone(&reason) });
        let profile = desk.security.profile;
        self.note_failure(index, stage, reason, profile.has(Weakness::AllOrNothing));
        let has_no_handle = stage == Stage::Commit && profile.has(Weakness::LostCommit);
        // Whoever handles the failed commit returns with the lock that the others need (W6).
        let others_commit = |pending: &Pending| pending.purpose == Purpose::Commit && pending.node != index;
        self.is_hung |= has_no_handle && self.pending.iter().any(others_commit);
        if self.fails_whole(desk, stage) {
            return;
        }
        self.drop_pending_of(index);
        if !has_no_handle && !self.leaves_behind(desk, index, stage) {
            self.undo_node(desk, index);
        }
        self.begin_anew(index);
    }

    /// A peer has refused a step of a node, or has not answered. Where the same peer refuses for the second time in a
    /// row it is the only one who takes the node on, and where many refuse it is not for them to change that: before
    /// anybody is asked again, there is a pause. Silence may be that of a network that loses messages, which another
    /// try overcomes; only where the same peer is silent again and again is there a pause as well.
    pub(super) fn resolve_failure(
        &mut self,
        desk: &mut Desk<'_, '_>,
        index: usize,
        (stage, reason): (Stage, Arc<str>),
        outcome: &Outcome<'_>,
    ) {
        let host = self.nodes[index].place.as_ref().map(|place| place.host);
        let again = host.is_some() && self.setbacks.at == host;
        self.give_up_place(desk, index, stage, reason);
        let hopeless = if matches!(outcome, Outcome::Reply(_)) {
            self.setbacks.refusals += 1;
            again || self.is_often_refused()
        } else {
            let silences = &mut self.setbacks.silences;
            *silences = if again { *silences + 1 } else { 0 };
            *silences >= SILENCES_OF_ONE_PEER
        };
        if hopeless && self.pause.is_none() && !desk.security.profile.has(Weakness::HotLoop) {
            self.pause(desk);
        }
    }

    /// Whether others than those that were found would hardly do better.
    pub(super) fn is_often_refused(&self) -> bool {
        self.setbacks.refusals as usize > 3 + self.nodes.len()
    }

    /// Remembers what a deployment fails over, if nothing comes of it. What is undone in the background may meet the
    /// next bid of that peer on the way and have it forgotten; that the peer knows of no bid then says less than what
    /// it failed over before.
    fn note_failure(&mut self, index: usize, stage: Stage, reason: Arc<str>, reverts_first: bool) {
        let host = self.nodes[index].place.as_ref().map(|place| place.host);
        let came_further =
            matches!(&self.last_failure, Some((Stage::Allocate | Stage::Provision | Stage::Start, _)));
        let is_undone = !reverts_first && host.is_some() && self.setbacks.at == host;
        if stage == Stage::Commit && came_further && is_undone {
            return;
        }
        (self.last_failure, self.setbacks.at) = (Some((stage, reason)), host);
    }

    /// Whether the attempt under way has failed with a step of it; then it will be reverted.
    pub(super) fn fails_whole(&mut self, desk: &Desk<'_, '_>, stage: Stage) -> bool {
        let whole =
            desk.security.profile.has(Weakness::AllOrNothing) && self.status != DeploymentStatus::Updating;
        if whole {
            self.failed_attempt.get_or_insert(FailedAttempt { stage, to_revert: None });
        }
        whole
    }

    /// The node begins anew; its peer is not asked again while others bid. The next try is of another generation, so
    /// that an undo that comes late does not end it when it is on the same peer.
    fn begin_anew(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if let Some(place) = node.place.take() {
            node.excluded.push(place.host);
            node.renew();
        }
        node.reset();
    }

    /// Nothing is under way any more in an attempt that has failed: its nodes are reverted, then the next one begins.
    pub(super) fn end_failed_attempt(&mut self, desk: &mut Desk<'_, '_>) {
        let Some(mut failed) = self.failed_attempt.take() else { return };
        let mut to_revert = failed.to_revert.take().unwrap_or_else(|| {
            let lost_commit = desk.security.profile.has(Weakness::LostCommit);
            (0..self.nodes.len()).rev().filter(|index| self.is_in_manifest(*index, lost_commit)).collect()
        });
        // A node may have lost its peer since.
        to_revert.retain(|index| self.nodes[*index].place.is_some());
        let next = to_revert.pop();
        failed.to_revert = Some(to_revert);
        self.failed_attempt = Some(failed);
        if let Some(index) = next {
            return self.revert(desk, index);
        }
        if self.leave_subnet(desk) {
            return self.drop_own_address();
        }
        self.failed_attempt = None;
        for node in self.nodes.iter_mut().filter(|node| node.phase != Phase::Idle) {
            if node.place.is_some() {
                node.renew();
            }
            node.reset();
        }
        self.begin_next_attempt(desk);
    }

    /// Whether the failed attempt knows a peer of this node to be reverted. Where a commit failed or was not answered,
    /// also one of several on the node, the real DMS has not stored whose it was (W6).
    fn is_in_manifest(&self, index: usize, lost_commit: bool) -> bool {
        let node = &self.nodes[index];
        let chosen = node.place.is_some() && (Phase::Promised..Phase::Standby).contains(&node.phase);
        chosen && (!lost_commit || node.members.iter().all(|member| member.committed))
    }

    fn revert(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let node = &self.nodes[index];
        let (place, allocations) = (node.host(), node.lives());
        let message = Message::Revert(Box::new(Revert { ensemble: self.id, allocations }));
        let behaviour = Behaviour::fixed(BehaviourKind::Revert);
        self.ask(desk, &place, behaviour, message, REVERT_TIMEOUT, Purpose::Revert, (index, 0));
    }

    /// The answer to a revert, or none: then the peer keeps what it holds, and is not asked again.
    pub(super) fn resolve_revert(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        if let Some(reason) = outcome.refusal(REVERT_TIMEOUT) {
            return desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Revert, reason });
        }
        let stage = self.failed_attempt.as_ref().map(|failed| failed.stage);
        let committing = matches!(stage, Some(Stage::Commit | Stage::Allocate));
        // The manifest of the attempt and the deployment's own share their maps: a node that is taken out of the one is
        // gone from the other, and no later attempt commits or starts it (W6b).
        if committing && desk.security.profile.has(Weakness::PoisonedRetry) {
            let node = &mut self.nodes[pending.node];
            node.reset();
            node.phase = Phase::Idle;
            node.forgotten = true;
        }
    }

    /// An attempt has come to nothing: what it knew of bids and links is forgotten, and the next one begins. That of
    /// the real DMS counts its rounds from 1 again, so that providers that have answered are silent (W16), and begins
    /// at once (W21).
    pub(super) fn begin_next_attempt(&mut self, desk: &mut Desk<'_, '_>) {
        self.verified.clear();
        self.nodes.iter_mut().for_each(|node| node.bids.clear());
        if desk.security.profile.has(Weakness::RestartedNonces) {
            self.nonce = 0;
        }
        if !desk.security.profile.has(Weakness::HotLoop) {
            self.pause(desk);
        }
        self.advance(desk);
    }
}
