//! What of this node's doing counts as usage of contracts, and who is told (dms-capabilities sections 6.6 and 6.7).
//!
//! A node's own facts about its allocations and deployments are what usage events are made of, where the deployment
//! names contracts.

use std::sync::Arc;

use super::feed::{Lost, Target};
use super::{Contracts, Purpose, actor_of, is_lossy, said};
use crate::dms::actor::{Actor, AllocationState, BehaviourKind, Message};
use crate::dms::constants::CONTRACT_MESSAGE_TIMEOUT;
use crate::dms::contract::chain::find_tail;
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::{ContractMessage, ContractRef};
use crate::dms::contract::model::Quantities;
use crate::dms::contract::usage::{UsageEvent, UsageKind};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::profile::Weakness;
use crate::dms::provider::Provider;

/// The contracts that a deployment names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    contracts: Arc<[ContractRef]>,
    /// The tail that leads here from each of them, as its host has named it last; empty where there is none.
    tails: Vec<Did>,
    orchestrator: Did,
    /// Whether its orchestrator is this node and has told that it runs.
    told: bool,
}

impl Named {
    pub(super) const fn by(contracts: Arc<[ContractRef]>, orchestrator: Did) -> Self {
        Self { contracts, tails: Vec::new(), orchestrator, told: false }
    }

    /// Hosts have named a tail for each of these contracts. What somebody else names for the same deployment changes
    /// nothing.
    pub(super) fn lead_to(&mut self, tails: Vec<Did>, contracts: &[ContractRef], orchestrator: &Did) {
        if self.orchestrator == *orchestrator && *self.contracts == *contracts {
            self.tails = tails;
        }
    }

    /// The end of the first chain.
    fn first_tail(&self) -> Option<Target> {
        let mut chains = self.contracts.iter().zip(&self.tails);
        let (head, tail) = chains.find(|(_, tail)| !tail.is_empty())?;
        Some(Target { contract: tail.clone(), host: head.host.clone(), head: head.did.clone() })
    }
}

impl Contracts {
    /// The contracts that a deployment names, as they were before a restart.
    pub(in crate::dms) fn of_deployment(&self, ensemble: EnsembleId) -> Arc<[ContractRef]> {
        self.named.get(&ensemble).map(|named| Arc::clone(&named.contracts)).unwrap_or_default()
    }

    /// Looks at what has just happened here.
    pub(in crate::dms) fn watch(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        provider: &Provider,
        since: usize,
    ) {
        let fresh: Vec<Fact> =
            desk.out.effects.facts.iter().skip(since).filter(|fact| is_usage(fact)).cloned().collect();
        if fresh.is_empty() {
            return;
        }
        for fact in fresh {
            match fact {
                Fact::AllocationCreated { allocation, .. } => {
                    let held = quantities(provider, &allocation);
                    self.allocation_is(desk, root, UsageKind::CreateAllocation, &allocation, held);
                }
                Fact::AllocationState { allocation, state, .. } => {
                    let kind = match state {
                        AllocationState::Running => UsageKind::StartAllocation,
                        AllocationState::Completed => UsageKind::CompleteAllocation,
                        _ => UsageKind::StopAllocation,
                    };
                    let held = match kind {
                        UsageKind::StartAllocation => quantities(provider, &allocation),
                        _ => None,
                    };
                    self.allocation_is(desk, root, kind, &allocation, held);
                }
                Fact::DeploymentStatus { ensemble, status, .. } => {
                    self.deployment_is(desk, root, ensemble, status);
                }
                _ => {}
            }
        }
        self.send_events(desk, root);
        self.arm(desk);
    }

    fn allocation_is(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        kind: UsageKind,
        allocation: &Arc<str>,
        resources: Option<Quantities>,
    ) {
        let ensemble = allocation.split_once('_').and_then(|(id, _)| id.parse().ok());
        let Some(ensemble): Option<EnsembleId> = ensemble else { return };
        for target in self.targets(desk, allocation, ensemble, &root.handle.did) {
            self.tell(desk, root, target, kind, Some(Arc::clone(allocation)), ensemble, resources);
        }
    }

    /// The orchestrator tells of a deployment once that it runs and once that it has ended.
    fn deployment_is(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        ensemble: EnsembleId,
        status: DeploymentStatus,
    ) {
        let Some(named) = self.named.get_mut(&ensemble) else { return };
        let kind = match status {
            DeploymentStatus::Running if !named.told => UsageKind::DeploymentStart,
            _ if status.is_terminal() && named.told => UsageKind::DeploymentStop,
            _ => return,
        };
        named.told = true;
        let contracts = Arc::clone(&named.contracts);
        if status.is_terminal() {
            self.named.shift_remove(&ensemble);
        }
        let Some(head) = contracts.first() else { return };
        for contract in contracts.iter() {
            self.tell(desk, root, Target::of(contract, &head.did), kind, None, ensemble, None);
        }
    }

    /// Whose actors are told of an allocation, and under which head.
    ///
    /// The real DMS takes an arbitrary one of the contracts that the deployment names for the head, in the order of a
    /// Go map (C16), and looks for the tail that connects this provider with the head's organization; where it finds
    /// or several, all contracts that are named are told. As it is meant, usage belongs to the contract between the
    /// orchestrator and this provider themselves, and without one to the first chain that leads here, with the tail
    /// that its host has named: of what the parties agree on later, or end, only the host knows. What is told of an
    /// allocation that runs goes where its start went.
    fn targets(
        &self,
        desk: &mut Desk<'_, '_>,
        allocation: &str,
        ensemble: EnsembleId,
        own: &Did,
    ) -> Vec<Target> {
        let Some(named) = self.named.get(&ensemble) else { return Vec::new() };
        let contracts = &named.contracts;
        let is_arbitrary = desk.security.profile.has(Weakness::ArbitraryHead);
        if !is_arbitrary && let Some(told) = self.feed.told_of(allocation) {
            return told.to_vec();
        }
        let (head, found) = if is_arbitrary {
            let head = match &**contracts {
                // One contract takes no draw.
                [only] => Some(only),
                several => desk.out.random.choose(several),
            };
            let tail_of = |head: &ContractRef| {
                let tail = find_tail(self.agreed(), &head.did, &head.provider, own).ok()?;
                let (contract, host) = (tail.contract_did.clone(), tail.solution_enabler_did.clone());
                Some(Target { contract, host, head: head.did.clone() })
            };
            (head, head.and_then(tail_of))
        } else {
            let concerns = |one: &&ContractRef| one.provider == *own && one.requestor == named.orchestrator;
            match contracts.iter().find(concerns) {
                Some(direct) => (Some(direct), Some(Target::of(direct, &direct.did))),
                None => (contracts.first(), named.first_tail()),
            }
        };
        let Some(head) = head else { return Vec::new() };
        match found {
            Some(target) => vec![target],
            None => contracts.iter().map(|one| Target::of(one, &head.did)).collect(),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an event is just that many things, all of different types"
    )]
    fn tell(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        target: Target,
        kind: UsageKind,
        allocation_id: Option<Arc<str>>,
        deployment_id: EnsembleId,
        resources: Option<Quantities>,
    ) {
        let named = self.named.get(&deployment_id);
        let orchestrator = named.map(|named| named.orchestrator.clone()).unwrap_or_default();
        let of_allocation = allocation_id.is_some();
        let own = root.handle.did.clone();
        let event = UsageEvent {
            kind,
            sequence: self.feed.next_sequence(desk.now),
            allocation_id,
            deployment_id,
            compute_provider_did: if of_allocation { own.clone() } else { Did::Empty },
            head_contract_did: target.head.clone(),
            orchestrator_did: match (of_allocation, orchestrator.is_empty()) {
                (true, _) => Did::Empty,
                (false, true) => own,
                (false, false) => orchestrator,
            },
            resources,
        };
        let lost = self.feed.push(target, event, desk.now, is_lossy(desk));
        report(desk, lost);
    }

    /// Has the workers go on.
    pub(super) fn send_events(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        for pending in self.feed.take(desk.now) {
            let (contract, sequence) = (pending.target.contract, pending.event.sequence);
            let Some(actor) = actor_of(&contract, &pending.target.host) else {
                self.feed.delivered(&contract, sequence);
                continue;
            };
            let message = ContractMessage::Event(Box::new(pending.event));
            let purpose = Purpose::Event(contract, sequence);
            let kind = BehaviourKind::ContractEvents;
            self.call(desk, root, &actor, kind, message, CONTRACT_MESSAGE_TIMEOUT, purpose);
        }
    }

    pub(super) fn event_answered(
        &mut self,
        desk: &mut Desk<'_, '_>,
        contract: &Did,
        sequence: u64,
        reply: &Message,
    ) {
        if matches!(reply, Message::Error(_)) {
            let lost = self.feed.failed(contract, sequence, desk.now, is_lossy(desk));
            report(desk, lost);
        } else {
            self.feed.delivered(contract, sequence);
        }
    }

    /// The process starts: what only lived in memory is lost as-is; as it is meant, the end of what no longer runs is
    /// told now.
    pub(super) fn restart_feed(&mut self, desk: &mut Desk<'_, '_>, root: &Actor, provider: &Provider) {
        let lossy = is_lossy(desk);
        for lost in self.feed.stop(lossy) {
            report(desk, Some(lost));
        }
        let runs = |id: &str| {
            provider
                .allocations()
                .any(|(known, _, state)| **known == *id && state == AllocationState::Running)
        };
        for (allocation, ensemble, targets) in self.feed.gone(runs) {
            for target in targets {
                let id = Some(Arc::clone(&allocation));
                self.tell(desk, root, target, UsageKind::StopAllocation, id, ensemble, None);
            }
        }
    }
}

/// Whether a fact may be one about usage.
const fn is_usage(fact: &Fact) -> bool {
    match fact {
        Fact::AllocationCreated { .. } | Fact::DeploymentStatus { .. } => true,
        Fact::AllocationState { state, .. } => {
            !matches!(state, AllocationState::Pending | AllocationState::Standby | AllocationState::Queued)
        }
        _ => false,
    }
}

fn quantities(provider: &Provider, allocation: &str) -> Option<Quantities> {
    provider.pool().held(allocation).map(|holding| Quantities::from(&holding.resources))
}

fn report(desk: &mut Desk<'_, '_>, lost: Option<Lost>) {
    if let Some(Lost { contract, kind, reason }) = lost {
        desk.fact(said(&contract, ContractFact::UsageLost { kind, reason }));
    }
}
