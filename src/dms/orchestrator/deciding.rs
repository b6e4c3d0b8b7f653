//! What tasks came to: errors that are tried again, and copies whose results decide (an extension of DMS, off unless a
//! strategy asks for it).
//!
//! In m-first voting (Sarmenta 2002) as many copies run as equal results are wanted; when they disagree, as many more
//! are made as the best result still lacks, each on a peer that has had no say so far. Errors decide only when as many
//! agree on one as there were copies at the beginning.

use std::sync::Arc;

use super::node::{Member, MemberState, Node, Vote};
use super::{Deployment, Phase};
use crate::dms::actor::Printed;
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::PeerId;
use crate::dms::outbox::Timer;
use crate::dms::supervision::{Copies, Spare};

/// What the tasks of a node came to.
type Results = Result<Vec<Printed>, i32>;

impl Deployment {
    /// A task of a node has ended with an error: whether the node is tried again after a pause.
    pub(super) fn try_again(&mut self, desk: &mut Desk<'_, '_>, index: usize) -> bool {
        let Some(pause) = self.strategy.recovery.on_error(self.nodes[index].tries) else { return false };
        // What an update is adding to it goes with it.
        let index = self.made_whole(desk, index);
        self.take_away(desk, index);
        let node = &mut self.nodes[index];
        node.tries += 1;
        let not_before = desk.now + pause;
        node.not_before = Some(not_before);
        self.retry.set(desk, not_before, Timer::Retry(self.number));
        self.advance(desk);
        true
    }

    /// A pause before another try is over.
    pub(super) fn end_pauses(&mut self, desk: &mut Desk<'_, '_>) {
        let rings = self.retry.rings(desk, Timer::Retry(self.number));
        if !rings || self.status.is_ending() {
            return;
        }
        let now = desk.now;
        let is_due = |node: &Node| node.not_before.is_some_and(|at| at <= now);
        for index in 0..self.nodes.len() {
            if is_due(&self.nodes[index]) {
                self.nodes[index].not_before = None;
                self.place_anew(desk, index);
            }
        }
        if let Some(next) = self.nodes.iter().filter_map(|node| node.not_before).min() {
            self.retry.set(desk, next, Timer::Retry(self.number));
        }
        self.advance(desk);
    }

    /// How many copies of a node's tasks there are to be; none where it is one of a kind.
    pub(super) fn copies_of(&self, index: usize) -> Option<Copies> {
        let entry = self.config.nodes.get(&self.nodes[index].entry)?;
        self.strategy.recovery.copies(&self.config, entry)
    }

    /// The node itself, or the one that it is a copy of.
    fn original_of(&self, index: usize) -> usize {
        self.nodes[index].standby_of.unwrap_or(index)
    }

    /// A node and its copies.
    fn family_of(&self, original: usize) -> Vec<usize> {
        let is_copy = |node: &Node| node.standby_of == Some(original) && node.spare == Spare::Copy;
        (0..self.nodes.len()).filter(|&index| index == original || is_copy(&self.nodes[index])).collect()
    }

    /// Whether other copies of a node are still at work.
    pub(super) fn awaits_copies(&self, original: usize) -> bool {
        self.family_of(original).into_iter().any(|index| self.nodes[index].phase != Phase::Idle)
    }

    /// A task of a node has ended: when all of them have, and without an error, the node has its say in what they came
    /// to. When that is decided, the copies that are still at work are called off.
    pub(super) fn vote(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let Some(copies) = self.copies_of(index) else { return };
        let original = self.original_of(index);
        let node = &self.nodes[index];
        if self.nodes[original].is_decided || !node.members.iter().all(|member| member.state.has_ended()) {
            return;
        }
        let result = |member: &Member| match (&member.result, member.state) {
            (Some(printed), _) => Ok(printed.clone()),
            (None, MemberState::Ended(code)) => Err(code),
            (None, _) => Err(-1),
        };
        let results: Results = node.members.iter().map(result).collect();
        if let Some(host) = node.place.as_ref().map(|place| place.host) {
            self.nodes[original].votes.push(Vote { host, results });
        }
        // It has nothing more to do, whatever it said.
        self.retire(desk, index);
        let Some((best, agreed, lacking)) = closest_to_decision(&self.nodes[original].votes, copies) else {
            return;
        };
        if lacking == 0 {
            return self.decide(desk, original, best, agreed);
        }
        let at_work = |index: &usize| self.nodes[*index].phase != Phase::Idle;
        let under_way = self.family_of(original).into_iter().filter(at_work).count();
        self.add_copies(desk, original, lacking.saturating_sub(under_way));
    }

    /// Takes a node from its peer that needs none any more, for it has done its part or has none to do.
    pub(super) fn retire(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        self.take_away(desk, index);
        let node = &mut self.nodes[index];
        node.phase = Phase::Idle;
        node.not_before = None;
        node.recovering = false;
    }

    /// Peers that a node never goes to: those that have had their say on its tasks already.
    pub(super) fn barred_from(&self, index: usize) -> Vec<PeerId> {
        self.nodes[self.original_of(index)].votes.iter().map(|vote| vote.host).collect()
    }

    /// Puts copies to work again that have done their part, on peers that have had no say: one that the file pins to a
    /// peer that had a say does nothing more.
    fn add_copies(&mut self, desk: &mut Desk<'_, '_>, original: usize, count: usize) {
        let heard = self.barred_from(original);
        let is_free = |index: &usize| {
            let node = &self.nodes[*index];
            let had_its_say = node.pin.as_ref().is_some_and(|pin| heard.contains(&pin.host));
            node.phase == Phase::Idle && !(had_its_say && self.is_fixed(*index))
        };
        let chosen: Vec<usize> = self.family_of(original).into_iter().filter(is_free).take(count).collect();
        for index in chosen {
            self.unpin(index);
            self.nodes[index].phase = Phase::Unplaced;
            self.place_anew(desk, index);
        }
        self.advance(desk);
    }

    /// Enough copies agree.
    fn decide(&mut self, desk: &mut Desk<'_, '_>, original: usize, results: Results, agreed: usize) {
        self.nodes[original].is_decided = true;
        for index in self.family_of(original) {
            if self.nodes[index].phase != Phase::Idle {
                self.retire(desk, index);
            }
        }
        let original = &mut self.nodes[original];
        if let Err(code) = results {
            original.members.iter_mut().for_each(|member| member.state = MemberState::Ended(code));
        }
        desk.fact(Fact::ResultDecided {
            ensemble: self.id,
            node: Arc::clone(&original.name),
            results: results.unwrap_or_default(),
            agreed: agreed as u32,
            votes: original.votes.len() as u32,
        });
        self.leave_out_steps(desk);
        self.advance(desk);
    }

    /// What still had to be done for copies that are wanted no more counts as done.
    fn leave_out_steps(&mut self, desk: &mut Desk<'_, '_>) {
        let next = self.next_step();
        if self.nodes.iter().any(Node::wants_place) || next.is_some_and(|next| next <= Phase::Committed) {
            return;
        }
        if self.status == DeploymentStatus::Preparing {
            self.set_status(desk, DeploymentStatus::Committing, None);
        }
        if self.status == DeploymentStatus::Committing {
            self.set_status(desk, DeploymentStatus::Provisioning, None);
        }
    }
}

/// The results that lack the fewest votes to be decided on, how many copies agree on them, and how many they lack; none
/// where nobody has voted. Errors need more votes than other results, so that most votes do not always lack fewest.
fn closest_to_decision(votes: &[Vote], copies: Copies) -> Option<(Results, usize, usize)> {
    let standing = |vote: &Vote| {
        let agreed = votes.iter().filter(|other| other.results == vote.results).count();
        let wanted =
            if vote.results.is_ok() { copies.majority } else { copies.majority.max(copies.count) } as usize;
        (agreed, wanted.saturating_sub(agreed))
    };
    let closest = votes.iter().min_by_key(|vote| standing(vote).1)?;
    let (agreed, lacking) = standing(closest);
    Some((closest.results.clone(), agreed, lacking))
}
