//! What a deployment has to do with its deputy, as a deputy and after one has taken over (an extension of DMS, see
//! [`crate::dms::deputy`]).
//!
//! A successor goes on as after a restart (`restoring`), but first shows its mandate to every provider, until each has
//! acknowledged it. Generations of its term begin above all that its predecessor can have begun since the last copy.

use std::sync::Arc;

use super::node::{Node, full_id};
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, Message};
use crate::dms::constants::RECONCILE_TIMEOUT;
use crate::dms::deputy::{DeputyMessage, Mandate};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::outbox::Timer;
use crate::dms::store::{DeploymentRecord, MemberRecord};
use crate::kernel::{Span, Timestamp, fingerprint128};

/// Pause before a provider is shown a mandate again.
const ANNOUNCE_PAUSE: Span = Span::secs(10);
/// Generations of an allocation that belong to one term.
const GENERATIONS_PER_TERM: u32 = 1 << 10;

/// Whose a deployment is.
#[derive(Clone, Debug, Default)]
pub(super) struct Succession {
    /// By which this node has it; none where it has begun it.
    mandate: Option<Arc<Mandate>>,
    /// By which another one has it.
    successor: Option<Arc<Mandate>>,
    /// Whether it waits for a word of its deputy before it goes on after a restart.
    held: bool,
    /// Providers that have not acknowledged the mandate.
    unannounced: Vec<PeerId>,
    /// Whether the deputy has acknowledged that it has ended.
    pub(super) is_end_told: bool,
}

impl Succession {
    /// As it was stored.
    pub(super) fn restored(
        mandate: Option<Arc<Mandate>>,
        successor: Option<Arc<Mandate>>,
        is_end_told: bool,
    ) -> Self {
        Self { mandate, successor, is_end_told, ..Self::default() }
    }

    pub(super) const fn mandate(&self) -> Option<&Arc<Mandate>> {
        self.mandate.as_ref()
    }

    pub(super) const fn successor(&self) -> Option<&Arc<Mandate>> {
        self.successor.as_ref()
    }

    /// Whether nothing is to be done about the deployment here: another node does it, or may.
    pub(super) const fn rests(&self) -> bool {
        self.successor.is_some() || self.held
    }

    fn term(&self) -> u32 {
        self.mandate.as_ref().map_or(0, |mandate| mandate.term)
    }

    /// Where the generations of this term begin.
    pub(super) fn first_generation(&self) -> u32 {
        self.term().saturating_mul(GENERATIONS_PER_TERM)
    }
}

impl Deployment {
    /// The place of the deployment of this id among a node's: of the last one, where the node has had it before.
    pub(in crate::dms) fn latest(deployments: &[Self], id: EnsembleId) -> Option<usize> {
        deployments.iter().rposition(|own| own.id == id)
    }

    /// For how long its orchestrator may be silent before its deputy goes on; none where nobody does. One under
    /// contracts stays with its owner, who is a party to them as the deputy is not.
    pub(in crate::dms) fn patience_of_deputy(&self) -> Option<Span> {
        self.strategy.recovery.handed_over_after().filter(|_| self.contracts.is_empty())
    }

    /// Whether nobody has to do anything about it here: it is over, with nothing left to be undone, or another's.
    pub(in crate::dms) fn has_ended(&self) -> bool {
        self.succession.successor.is_some() || (self.status.is_terminal() && self.undo.is_empty())
    }

    /// The deputy has acknowledged it as it is.
    pub(in crate::dms) fn note_acknowledged(&mut self) {
        self.succession.is_end_told = self.has_ended();
    }

    /// Whether it has ended, and a deputy may not know so.
    pub(in crate::dms) fn owes_its_end(&self) -> bool {
        self.succession.successor.is_none() && self.has_ended() && !self.succession.is_end_told
    }

    /// Whether another node has it.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.succession.successor.is_some()
    }

    /// By whose word another node has it.
    pub(in crate::dms) fn successor(&self) -> Option<&Mandate> {
        self.succession.successor.as_deref()
    }

    /// Where operators are to ask about it, if not here; or that they are to ask later.
    ///
    /// # Errors
    /// That, in words.
    pub(in crate::dms) fn is_ours(&self) -> Result<(), Arc<str>> {
        match &self.succession.successor {
            Some(mandate) => {
                Err(format!("the deployment was handed over to {}", mandate.successor.did).into())
            }
            None if self.succession.held => {
                Err("the deployment is being taken up again after a restart: ask again".into())
            }
            None => Ok(()),
        }
    }

    /// The mandate of whoever has it by now, if its term comes after this one.
    pub(in crate::dms) fn mandate_after(&self, term: u32) -> Option<Arc<Mandate>> {
        let known = self.succession.successor.as_ref().or(self.succession.mandate.as_ref());
        known.filter(|mandate| mandate.term > term).cloned()
    }

    /// Tells its states apart: everything that a successor has to know.
    pub(in crate::dms) fn version(&self) -> u64 {
        let members = self.nodes.iter().flat_map(|node| &node.members);
        let members = members.map(|member| (member.generation, member.state, member.handle.is_some()));
        let nodes = self.nodes.iter().map(|node| {
            let host = node.place.as_ref().map(|place| place.host);
            (&node.name, node.phase, host, node.standby_of, (node.tries, node.votes.len(), node.is_decided))
        });
        let is_over = self.succession.successor.is_some();
        let whole = (self.status, self.is_queued, is_over, self.update_deadline());
        let lists = (nodes.collect::<Vec<_>>(), members.collect::<Vec<_>>(), self.undo_orders());
        fingerprint128(&(whole, lists)) as u64
    }

    /// After a restart it waits for a word of its deputy.
    pub(in crate::dms) const fn hold(&mut self) {
        self.succession.held = true;
    }

    /// It need not wait any longer, and goes on unless it is another's.
    pub(in crate::dms) fn release(&mut self, desk: &mut Desk<'_, '_>) {
        if std::mem::take(&mut self.succession.held) {
            self.resume(desk);
        }
    }

    /// Somebody shows who orchestrates it. If that is another node, in a later term, it steps down: nothing is done
    /// about it here from now on.
    pub(in crate::dms) fn hear_mandate(&mut self, desk: &mut Desk<'_, '_>, mandate: &Arc<Mandate>) {
        let mode = desk.security.capabilities.trust().mode();
        let latest = self.succession.successor.as_ref().map_or(self.succession.term(), |known| known.term);
        let is_news = mandate.ensemble == self.id && mandate.term > latest;
        if !is_news || !mandate.is_of(&self.actor.handle.id, mode) {
            return;
        }
        let steps_down = self.succession.successor.is_none();
        self.succession.successor = Some(Arc::clone(mandate));
        if steps_down {
            self.stop_preparing();
            self.pending.clear();
            desk.fact(Fact::DeploymentSuperseded { ensemble: self.id, term: mandate.term });
        }
    }

    /// Goes on with it in the place of its former orchestrator.
    pub(in crate::dms) fn succeed(&mut self, desk: &mut Desk<'_, '_>) {
        desk.fact(Fact::DeploymentHandedOver { ensemble: self.id, term: self.succession.term() });
        let placed = self.nodes.iter().filter(|node| node.phase.has_allocations());
        let mut hosts: Vec<PeerId> = placed.filter_map(|node| Some(node.place.as_ref()?.host)).collect();
        hosts.sort_unstable();
        hosts.dedup();
        self.succession.unannounced = hosts;
        // The predecessor may have found a place since for what had none, or had nothing to do.
        let has_none = |node: &&mut Node| matches!(node.phase, Phase::Unplaced | Phase::Idle);
        self.nodes.iter_mut().filter(has_none).for_each(Node::renew);
        self.take_up(desk);
    }

    /// Whether a node's provider has not acknowledged yet who orchestrates it now.
    pub(super) fn is_unannounced(&self, index: usize) -> bool {
        let host = self.nodes[index].place.as_ref().map(|place| place.host);
        host.is_some_and(|host| self.succession.unannounced.contains(&host))
    }

    /// Shows a node's provider the mandate.
    pub(super) fn announce(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let Some(place) = self.nodes[index].place.clone() else { return };
        self.announce_to(desk, &place, index);
    }

    fn announce_to(&mut self, desk: &mut Desk<'_, '_>, place: &Arc<Handle>, index: usize) {
        let Some(mandate) = self.succession.mandate.clone() else { return };
        self.grant_provider(desk, place);
        let message = Message::Deputy(Box::new(DeputyMessage::TakeOver(mandate)));
        let behaviour = Behaviour::fixed(BehaviourKind::DeputyTakeOver);
        self.ask(desk, place, behaviour, message, RECONCILE_TIMEOUT, Purpose::TakeOver, (index, 0));
    }

    /// A provider has been shown the mandate.
    pub(super) fn resolve_take_over(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let Some(host) = self.nodes.get(pending.node).and_then(|node| Some(node.place.as_ref()?.host)) else {
            return;
        };
        if let Outcome::Reply(Message::Ok | Message::Error(_)) = outcome {
            self.succession.unannounced.retain(|other| *other != host);
            // What ends is released in any case, and nothing of it is to be recovered.
            if self.status.is_ending() {
                return;
            }
        }
        match outcome {
            Outcome::Reply(Message::Ok) => self.reconcile(desk, pending.node),
            // Until it has run, another place is sought whatever is to be done about what fails.
            Outcome::Reply(Message::Error(_)) if self.is_early() => {
                self.fall_back(desk, pending.node, Stage::Provision);
            }
            Outcome::Reply(Message::Error(reason)) => {
                let reason = format!("its peer does not know of it: {reason}");
                self.recover_node(desk, pending.node, &reason);
            }
            // It hears of it when it can be reached again, unless it is held to be lost before.
            _ => desk.timer(ANNOUNCE_PAUSE, Timer::Announce(self.number)),
        }
    }

    /// Shows the mandate again to those who have not acknowledged it.
    pub(super) fn announce_again(&mut self, desk: &mut Desk<'_, '_>) {
        let is_asked = |index: &usize| {
            let asked = |pending: &Pending| pending.purpose == Purpose::TakeOver && pending.node == *index;
            self.pending.iter().any(asked)
        };
        let exists = |index: &usize| self.nodes[*index].phase.has_allocations();
        let again = (0..self.nodes.len()).filter(|index| exists(index) && !is_asked(index));
        let again: Vec<usize> = again.filter(|index| self.is_unannounced(*index)).collect();
        for index in again {
            self.announce(desk, index);
        }
    }

    /// A provider refuses an order, for it knows of another orchestrator: one of a later term, or a former one.
    pub(super) fn hear_refusal(&mut self, desk: &mut Desk<'_, '_>, from: &PeerId, mandate: &Arc<Mandate>) {
        self.hear_mandate(desk, mandate);
        let shows_own = self.succession.mandate.as_ref().is_some_and(|own| own.term > mandate.term);
        if self.succession.successor.is_none() && shows_own {
            self.announce_to(desk, &Arc::new(Handle::root(from.0)), usize::MAX);
        }
    }

    /// A former orchestrator of it tells where it had placed what: what is not wanted there is undone.
    pub(in crate::dms) fn undo_foreign(&mut self, desk: &mut Desk<'_, '_>, record: &DeploymentRecord) {
        if self.succession.successor.is_some() {
            return;
        }
        // What its user had ended, or had come to its end, before this node took it over does not go on.
        let ended = [DeploymentStatus::ShuttingDown, DeploymentStatus::Completed].contains(&record.status);
        if ended && !self.status.is_ending() {
            self.tear_down(desk);
        }
        let placed = record.nodes.iter().filter(|node| (Phase::Chosen..Phase::Idle).contains(&node.phase));
        let lives = placed.filter_map(|node| {
            let life =
                |member: &MemberRecord| (full_id(record.id, &node.name, &member.name), member.generation);
            Some((node.place.clone()?, node.members.iter().map(life).collect()))
        });
        for (place, allocations) in lives.chain(record.undo.iter().cloned()).collect::<Vec<_>>() {
            for (id, generation) in allocations {
                if !self.wants(&id, generation, &place.host) {
                    // Whoever tells it may have reached the peer, so it is asked at once.
                    self.undo_reported(desk, Arc::clone(&place), (id, generation));
                }
            }
        }
    }
}

impl DeploymentRecord {
    /// The term of the orchestrator that wrote it.
    pub(in crate::dms) fn term(&self) -> u32 {
        self.mandate.as_ref().map_or(0, |mandate| mandate.term)
    }

    /// As [`Deployment::has_ended`].
    pub(in crate::dms) fn has_ended(&self) -> bool {
        self.successor.is_some() || (self.status.is_terminal() && self.undo.is_empty())
    }

    /// The record of the same deployment with its actor on another node, which orchestrates it in the next term.
    pub(in crate::dms) fn handed_over(&self, root: &Handle, now: Timestamp) -> Self {
        let actor = self.actor.moved_to(root, now);
        let (term, successor) = (self.term() + 1, Arc::clone(&actor.handle));
        let mandate = Mandate::new(self.id, term, successor, actor.secret());
        Self { actor, mandate: Some(Arc::new(mandate)), successor: None, ..self.clone() }
    }
}
