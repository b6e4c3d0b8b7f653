//! Driving a world by hand: whoever holds it orders something, lets time pass until something is the case, and looks.
//!
//! A scenario foresees everything that happens; here the next step may depend on what came of the last. Orders, faults
//! and contracts that are added take their numbers after those of the setup, so that a world to which nothing is added
//! is that of the setup. What is seen from outside ([`World::whereabouts`], [`World::offer_of`], [`World::call`]) is
//! what peers really have, not what anybody believes.

mod volumes;
mod ways;

use std::sync::Arc;

pub use self::volumes::{Began, Stored};
pub use self::ways::{Lead, Way};

use super::conservation::Violation;
use super::event::{ContractStep, Event, PeerId, Turn};
pub use super::ledger::Ending;
use super::setup::{ContractPlan, Fault, Operation, OperationKind};
use super::world::World;
use crate::dms::Peer;
use crate::dms::actor::{AllocationState, Message};
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::outbox::Effects;
use crate::dms::resources::Resources;
use crate::kernel::{Span, Time};
use crate::net::EndpointId;
use crate::observe::{RefusalRow, StreamFile};

/// An allocation that a peer has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Whereabouts {
    /// The peer's name.
    pub peer: Arc<str>,
    /// `node.allocation`.
    pub key: Arc<str>,
    /// Its generation.
    pub generation: u32,
    /// What its provider says of it.
    pub state: AllocationState,
    /// Whether its program really runs.
    pub runs: bool,
    /// Since when it does: a program that was started anew, by whomever, runs since then.
    pub since: Option<Time>,
}

/// What an allocation was on one peer, from its commit there to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Life {
    /// The peer's name.
    pub peer: Arc<str>,
    /// `node.allocation`.
    pub key: Arc<str>,
    /// Its generation.
    pub generation: u32,
    /// When it first ran, if it did.
    pub started: Option<Time>,
    /// When the peer gave it back, if it has.
    pub ended: Option<Time>,
    /// How often its supervisor has found it in trouble.
    pub suspected: u32,
}

/// What a machine offers, and what of it is taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineOffer {
    /// What is offered; nothing where it is not onboarded.
    pub onboarded: Resources,
    /// What allocations hold.
    pub allocated: Resources,
    /// What is neither committed nor allocated.
    pub free: Resources,
}

impl World<'_> {
    /// The time of the run.
    #[must_use]
    pub fn now(&self) -> Time {
        self.queue.now()
    }

    /// Takes the next events, one after another, for as long as `goes_on` says so and none is later than `until`.
    /// Whether it was `goes_on` that stopped it. Afterwards it is the time of the event that was taken last, or
    /// `until`.
    pub fn advance_while(&mut self, until: Time, goes_on: &mut dyn FnMut(&Self) -> bool) -> bool {
        loop {
            if !goes_on(self) {
                return true;
            }
            let Some((now, event)) = self.take_next(until) else { break };
            self.step(now, event);
            self.events += 1;
            if self.violation.is_some() {
                return false;
            }
        }
        self.queue.skip_to(until);
        !goes_on(self)
    }

    /// Where resources were not conserved, if they were not: then nothing goes on.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_deref()
    }

    /// Keeps what operators are shown from now on, see [`World::shown`].
    pub fn keep_shown(&mut self) {
        self.shown.get_or_insert_default();
    }

    /// Keeps what a peer has shown to its operator, if somebody looks at that.
    pub(super) fn keep_of(&mut self, peer: PeerId, effects: &mut Effects) {
        self.check_shown(peer, &effects.shown);
        match &mut self.shown {
            Some(kept) => kept.append(&mut effects.shown),
            None => effects.shown.clear(),
        }
    }

    /// An operator does something, now: the number of the operation.
    ///
    /// # Panics
    /// Where a peer is named that there is not.
    pub fn command(&mut self, by: &str, kind: OperationKind) -> u32 {
        self.queue.leave_wave();
        let (at, by) = (self.now(), by.to_owned());
        let number = self.plan_operation(Operation { at, by, kind, expected: None });
        self.operate(at, number);
        number
    }

    /// How an operation has ended so far.
    #[must_use]
    pub fn ending_of(&self, operation: u32) -> Option<Ending> {
        self.ledger.ending_of(operation)
    }

    /// What the operator was shown of it, answer by answer, where that is kept.
    pub fn shown(&self, operation: u32) -> impl Iterator<Item = &Message> {
        let all = self.shown.iter().flatten();
        all.filter(move |(number, _)| *number == operation).map(|(_, message)| message)
    }

    /// Something breaks, at the time that the fault says: its number. It must not lie in the past.
    pub fn inflict(&mut self, fault: Fault) -> u32 {
        let number = self.plans.faults.add(Arc::new(fault));
        self.plan_fault(number);
        number
    }

    /// What a fault has done is over now, however long it was to last: whatever it has stopped starts again, and
    /// networks, clocks and machines are as before.
    ///
    /// # Panics
    /// For a fault by which programs take longer or stand still: what is due there is planned by its own end.
    pub fn end_fault_now(&mut self, fault: u32) {
        self.queue.leave_wave();
        let (now, turn) = (self.now(), Turn::first_of(fault));
        match &*Arc::clone(self.plans.fault(fault)) {
            Fault::Crash { who, .. } | Fault::Restart { who, .. } => {
                self.select(turn, 0, who).into_iter().for_each(|peer| self.repair(now, peer));
            }
            Fault::Machine { who, trouble, .. } => {
                assert!(!trouble.takes_time(), "{} ends when it said so", trouble.name());
                self.select(turn, 0, who).into_iter().for_each(|peer| self.end_strike(now, turn, peer));
            }
            _ => self.end_fault(now, turn),
        }
    }

    /// A requestor asks for a contract, now.
    pub fn request_contract(&mut self, plan: ContractPlan) {
        self.queue.leave_wave();
        let number = self.plans.contracts.len() as u32;
        self.ledger.add_contract(self.setup, &plan);
        self.plans.contracts.push(Arc::new(plan));
        let now = self.now();
        self.step(now, Event::Contract(ContractStep::Create(number)));
    }

    /// The DID of the contract of this name, once its host has made it.
    #[must_use]
    pub fn contract(&self, name: &str) -> Option<Did> {
        self.plans.contract(name).and_then(|plan| self.did_of(plan))
    }

    /// What was planned about the contract of this name: by the setup, or by hand since.
    #[must_use]
    pub fn contract_plan(&self, name: &str) -> Option<&ContractPlan> {
        self.plans.contract(name).map(|plan| &**plan)
    }

    /// Whether there is an organization of this name.
    #[must_use]
    pub fn has_organization(&self, name: &str) -> bool {
        self.setup.organizations.iter().any(|one| one.name == name)
    }

    /// The name of the organization with this DID.
    #[must_use]
    pub fn name_of_organization(&self, did: &Did) -> Option<&str> {
        self.office.name_of(did)
    }

    /// The number in the run of the deployment with this id.
    #[must_use]
    pub fn deployment_number(&self, id: EnsembleId) -> Option<u32> {
        self.ledger.number_of(id)
    }

    /// Where a deployment is in its life, as its orchestrator has last said, and why it has ended.
    #[must_use]
    pub fn status_of(&self, id: EnsembleId) -> Option<(DeploymentStatus, Option<Arc<str>>)> {
        let record = self.ledger.record_of(self.ledger.number_of(id)?);
        Some((record.status, record.reason.clone()))
    }

    /// Whether a deployment has been shut down before it was done.
    #[must_use]
    pub fn was_cancelled(&self, id: EnsembleId) -> Option<bool> {
        Some(self.ledger.record_of(self.ledger.number_of(id)?).cancelled)
    }

    /// How often a part of a deployment was moved to another peer.
    #[must_use]
    pub fn redeployments_of(&self, id: EnsembleId) -> Option<u32> {
        Some(self.ledger.record_of(self.ledger.number_of(id)?).redeployments)
    }

    /// The peer that orchestrates a deployment now.
    #[must_use]
    pub fn orchestrator_of(&self, id: EnsembleId) -> Option<&Arc<str>> {
        let peer = self.ledger.record_of(self.ledger.number_of(id)?).orchestrator();
        Some(self.population.name_of(peer))
    }

    /// What the allocations of a deployment were so far, life by life in the order of their commits.
    #[must_use]
    pub fn lives_of(&self, id: EnsembleId) -> Vec<Life> {
        let lives = |number| self.ledger.lives(number, &self.population);
        self.ledger.number_of(id).map(lives).unwrap_or_default()
    }

    /// Whether there is a peer of this name.
    #[must_use]
    pub fn has_peer(&self, name: &str) -> bool {
        self.population.find(name).is_some()
    }

    /// The peer of this name, as a state machine to look at.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn look_at(&self, name: &str) -> &Peer {
        &self.hosts[self.peer(name).0 as usize].peer
    }

    /// Whether the machine of a peer is on and its process runs.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn is_peer_up(&self, name: &str) -> bool {
        self.hosts[self.peer(name).0 as usize].up
    }

    /// The name of the peer with this peer id.
    #[must_use]
    pub fn name_of_host(&self, id: &crate::dms::identity::PeerId) -> Option<&Arc<str>> {
        let peer = self.directory.find(id)?;
        Some(self.population.name_of(peer))
    }

    /// What a machine offers, and what of it is taken.
    ///
    /// # Panics
    /// If there is no such peer.
    #[must_use]
    pub fn offer_of(&self, name: &str) -> MachineOffer {
        let pool = self.look_at(name).provider().pool();
        MachineOffer { onboarded: pool.onboarded().clone(), allocated: pool.allocated(), free: pool.free() }
    }

    /// The allocations of a deployment that peers have, whoever they are, by peer and name.
    #[must_use]
    pub fn whereabouts(&self, id: EnsembleId) -> Vec<Whereabouts> {
        let prefix = format!("{id}_");
        let mut found = Vec::new();
        for (host, member) in self.hosts.iter().zip(self.population.members().iter()) {
            let Some(inside) = host.built() else { continue };
            let provider = inside.peer.provider();
            let living = provider.allocations();
            let living =
                living.map(|(full, generation, state)| (full, generation, state, provider.run_of(full)));
            // What has been left by a process that does not run may well run.
            let left = inside.peer.stored_allocations();
            let left = left.map(|(full, generation, state, run)| (full, generation, state, Some(run)));
            for (full, generation, state, run) in living.chain(left) {
                let Some(key) = full.strip_prefix(&prefix) else { continue };
                let runs = run.is_some_and(|run| inside.executor.running().contains(&run));
                let since = run.and_then(|run| inside.executor.up_since(run));
                let (peer, key) = (Arc::clone(&member.name), key.into());
                found.push(Whereabouts { peer, key, generation, state, runs, since });
            }
        }
        found.sort_by(|a, b| (&a.key, &a.peer).cmp(&(&b.key, &b.peer)));
        found
    }

    /// With which code an allocation of a deployment has exited last, by its name in the ensemble.
    #[must_use]
    pub fn exit_code_of(&self, id: EnsembleId, allocation: &str) -> Option<i32> {
        self.ledger.exit_code(self.ledger.number_of(id)?, allocation)
    }

    /// One allocation of a deployment asks another by its name in the subnet, as a program there would: nothing when a
    /// service answers, or why it does not.
    ///
    /// # Errors
    /// In a few words: `no such name`, `unreachable`, `refused`, `timed out`, `unhealthy`, ...
    pub fn call(&self, id: EnsembleId, from: &str, to: &str) -> Result<(), &'static str> {
        let (caller, endpoint) = self.endpoint(id, from, &self.dns_name(id, to)?)?;
        self.answers(self.land_inside(caller, id, endpoint))
    }

    /// Whether messages go from one peer to another, as the network is now.
    #[must_use]
    pub fn reaches_peer(&self, from: &str, to: &str) -> bool {
        let [from, to] = [from, to].map(|name| EndpointId(self.peer(name).0));
        self.network.reaches(self.now(), from, to)
    }

    /// The names of the relays at which a peer has a place.
    ///
    /// # Panics
    /// If there is no such peer.
    #[must_use]
    pub fn relays_of(&self, name: &str) -> Vec<Arc<str>> {
        let relays = self.network.relays_of(EndpointId(self.peer(name).0));
        relays.into_iter().map(|relay| Arc::clone(self.population.name_of(PeerId(relay.0)))).collect()
    }

    /// What observed peers have written since it was last asked for: lines of the files of a run.
    pub fn take_written(&mut self) -> Vec<(StreamFile, String)> {
        let now = self.now();
        for number in 0..self.hosts.len() as u32 {
            if self.hosts[number as usize].up {
                self.take_signals(now, PeerId(number));
            }
        }
        let mut lines = Vec::new();
        self.telemetry.hand_over(&mut |file, line| lines.push((file, line.to_owned())));
        lines
    }

    /// The digest of all that has happened so far.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.ledger.digest()
    }

    /// What was refused so far, kind by kind.
    #[must_use]
    pub fn refusals(&self) -> Vec<RefusalRow> {
        self.ledger.refusal_rows()
    }

    /// Lets so much time pass. Whether it did: it does not where resources were not conserved.
    pub fn pass(&mut self, span: Span) -> bool {
        let until = self.now() + span;
        self.advance_while(until, &mut |_| true);
        self.violation.is_none()
    }
}
