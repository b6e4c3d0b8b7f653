//! What others see of a deployment.

use std::sync::Arc;

use super::node::{Member, MemberState};
use super::{Deployment, Node, Phase};
use crate::dms::contract::message::ContractRef;
use crate::dms::ensemble::{AllocationKind, EnsembleConfig};
use crate::dms::identity::PeerId;
use crate::dms::resources::Resources;
use crate::dms::supervision::{Recovery, Spare};

/// An allocation that an orchestrator holds to be running.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldToRun {
    /// Its full id.
    pub allocation: Arc<str>,
    /// Its generation.
    pub generation: u32,
    /// On which host.
    pub host: PeerId,
}

/// A node that is kept in case that the peer of another one is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Precaution<'a> {
    /// Its name.
    pub node: &'a str,
    /// The peer that may be lost.
    pub against: PeerId,
}

/// A node that looks for a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unplaced<'a> {
    /// Its name in the ensemble's file.
    pub entry: &'a str,
    /// What it needs.
    pub resources: &'a Resources,
    /// The only host that may have it.
    pub pin: Option<PeerId>,
    /// Hosts that never get it, for they have had their say on its tasks.
    pub barred: Vec<PeerId>,
}

impl Deployment {
    /// Whether an allocation of this id and generation on this host is one that this deployment wants.
    #[must_use]
    pub fn wants(&self, allocation: &str, generation: u32, host: &PeerId) -> bool {
        !self.status.is_terminal()
            && self.succession.successor().is_none()
            && self.find(allocation).is_some_and(|(node, member)| {
                let node = &self.nodes[node];
                node.members[member].generation == generation
                    && node.place.as_ref().is_some_and(|place| place.host == *host)
            })
    }

    /// What it holds to be running, and where; nothing that a standby keeps in reserve.
    pub fn held_to_run(&self) -> impl Iterator<Item = HeldToRun> {
        let placed = self.nodes.iter().filter_map(|node| Some((node, node.place.as_ref()?)));
        placed.filter(|(node, _)| node.phase == Phase::Started).flat_map(|(node, place)| {
            let running = node.members.iter().filter(|member| member.state == MemberState::Running);
            running.map(|member| HeldToRun {
                allocation: Arc::clone(&member.id),
                generation: member.generation,
                host: place.host,
            })
        })
    }

    /// What is kept on other hosts, or looks for one, in case that the peer of another node is lost, which has one.
    pub fn precautions(&self) -> impl Iterator<Item = Precaution<'_>> {
        let spares = self.nodes.iter().filter(|node| node.spare == Spare::Precaution);
        spares.filter(|node| node.phase != Phase::Idle).filter_map(|node| {
            let against = self.nodes[node.standby_of?].place.as_ref()?.host;
            Some(Precaution { node: &node.name, against })
        })
    }

    /// The hosts that have its other nodes.
    pub fn hosts(&self) -> impl Iterator<Item = PeerId> {
        self.nodes.iter().filter_map(|node| Some(node.place.as_ref()?.host))
    }

    /// The nodes that look for a peer.
    pub fn unplaced(&self) -> impl Iterator<Item = Unplaced<'_>> {
        let looking = self.nodes.iter().enumerate().filter(|(_, node)| node.wants_place());
        looking.map(|(index, node)| Unplaced {
            entry: &node.entry,
            resources: &node.request.resources,
            pin: node.pin.as_ref().map(|pin| pin.host),
            barred: self.barred_from(index),
        })
    }

    /// The contracts under which it runs.
    #[must_use]
    pub fn contracts(&self) -> &[ContractRef] {
        &self.contracts
    }

    /// What it deploys.
    #[must_use]
    pub fn ensemble(&self) -> &EnsembleConfig {
        &self.config
    }

    /// What is done where the file of its ensemble does not say.
    #[must_use]
    pub const fn strategies(&self) -> &Recovery {
        &self.strategy.recovery
    }

    /// Whether it was ever to become something else than what was asked for at first.
    #[must_use]
    pub const fn was_updated(&self) -> bool {
        self.update_count > 0
    }

    /// Whether it waits for its turn, where a node works on a few at once.
    #[must_use]
    pub const fn waits_for_its_turn(&self) -> bool {
        self.is_queued
    }

    /// Whether a part of it waits for its turn on a machine.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        self.nodes.iter().any(Node::is_in_line)
    }

    /// Whether it ends when its tasks have: it has no services.
    #[must_use]
    pub fn is_of_tasks(&self) -> bool {
        let mut members = self.nodes.iter().flat_map(|node| &node.members);
        members.all(|member| member.config.kind == AllocationKind::Task)
    }

    /// Whether a part of it waits for its turn on a machine, or for the end of a pause after which it is tried again.
    #[must_use]
    pub fn is_to_go_on(&self) -> bool {
        let is_queued = |member: &Member| member.state == MemberState::Queued;
        self.nodes.iter().any(|node| node.not_before.is_some() || node.members.iter().any(is_queued))
    }

    /// Whether another node goes on with it, or may.
    #[must_use]
    pub const fn was_handed_over(&self) -> bool {
        self.succession.rests()
    }

    /// Whether something is still to be undone on this host.
    #[must_use]
    pub fn is_undoing_on(&self, host: &PeerId) -> bool {
        self.undo.iter().any(|undo| undo.place.host == *host)
    }
}
