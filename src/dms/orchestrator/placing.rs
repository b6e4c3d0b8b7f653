//! Commit and allocate (dms-orchestration section 2.9). A node that fails falls back alone: what the others have
//! reserved stays theirs (the intended side of W22), and what it may have reserved is undone (W6).

use std::sync::Arc;

use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Allocate, AllocationOrder, Behaviour, BehaviourKind, Commit, Message};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Stage};

impl Deployment {
    /// Reserves for every node that has been chosen, all nodes and all allocations at once.
    pub(super) fn commit(&mut self, desk: &mut Desk<'_, '_>) {
        self.set_status(desk, DeploymentStatus::Committing, None);
        for index in self.in_phase(Phase::Chosen) {
            let node = &self.nodes[index];
            let (host, timeout) = (node.host(), node.commit_timeout());
            // The cards of the node go to its allocations in their order.
            let mut cards = std::mem::take(&mut self.nodes[index].cards).into_iter();
            for member in 0..self.nodes[index].members.len() {
                let node = &self.nodes[index];
                let commit = Commit {
                    ensemble: self.id,
                    allocation: Arc::clone(&node.members[member].id),
                    node: Arc::clone(&node.name),
                    generation: node.members[member].generation,
                    resources: node.members[member].config.resources.clone(),
                    ports: node.members[member].ports.clone(),
                    cards: cards.by_ref().take(node.members[member].config.resources.gpus.len()).collect(),
                };
                let message = Message::Commit(Box::new(commit));
                let behaviour = Behaviour::fixed(BehaviourKind::Commit);
                self.ask(desk, &host, behaviour, message, timeout, Purpose::Commit, (index, member));
            }
        }
    }

    /// Creates the allocations of every node whose resources are reserved.
    pub(super) fn allocate(&mut self, desk: &mut Desk<'_, '_>) {
        for index in self.in_phase(Phase::Committed) {
            let node = &self.nodes[index];
            let (host, timeout) = (node.host(), node.allocate_timeout());
            let report_every = self.has_detector().then(|| self.strategy.detector.logic().period());
            let order = |member: &super::node::Member| AllocationOrder {
                id: Arc::clone(&member.id),
                name: Arc::clone(&member.name),
                generation: member.generation,
                config: Arc::clone(&member.config),
                report_every,
            };
            let allocate = Allocate {
                ensemble: self.id,
                node: Arc::clone(&node.name),
                allocations: node.members.iter().map(order).collect(),
                orchestrator: Arc::clone(&self.actor.handle),
                mandate: self.succession.mandate().cloned(),
            };
            let message = Message::Allocate(Box::new(allocate));
            let behaviour = Behaviour::fixed(BehaviourKind::Allocate);
            self.ask(desk, &host, behaviour, message, timeout, Purpose::Allocate, (index, 0));
        }
    }

    pub(super) fn in_phase(&self, phase: Phase) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&index| self.nodes[index].phase == phase).collect()
    }

    pub(super) fn resolve_placing(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let node = &mut self.nodes[pending.node];
        let commits = pending.purpose == Purpose::Commit;
        let (stage, timeout) = if commits {
            (Stage::Commit, node.commit_timeout())
        } else {
            (Stage::Allocate, node.allocate_timeout())
        };
        if let Some(reason) = outcome.refusal(timeout) {
            return self.resolve_failure(desk, pending.node, (stage, reason), outcome);
        }
        if commits {
            node.members[pending.member].committed = true;
            if node.members.iter().all(|member| member.committed) {
                node.phase = Phase::Committed;
            }
            return;
        }
        match outcome {
            Outcome::Reply(Message::Allocated(handles)) if handles.len() == node.members.len() => {
                for (member, handle) in node.members.iter_mut().zip(handles) {
                    member.handle = Some(Arc::clone(handle));
                }
                node.phase = Phase::Allocated;
                let place = node.host();
                self.grant_provider(desk, &place);
            }
            _ => {
                let reason = "the reply does not list every allocation".into();
                self.give_up_place(desk, pending.node, stage, reason);
            }
        }
    }
}
