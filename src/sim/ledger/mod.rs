//! The ledger: turns facts into the rows, series and metrics of a run, and into its digest.
//!
//! It watches from outside. What it says about availability comes from what peers really ran and whether they were
//! up, not from what orchestrators believed.

mod contracts;
mod costs;
mod counters;
mod deployments;
mod entry;
mod executions;
mod faults;
mod foreseen;
mod instances;
mod jobs;
mod lifetimes;
mod machines;
mod moves;
mod offers;
mod operations;
mod reachability;
mod recoveries;
mod refusals;
mod requests;
pub mod series;
mod service;
mod storage;
mod tables;

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::contracts::Contracts;
use self::counters::Counters;
pub(super) use self::deployments::DeploymentRecord;
pub(super) use self::entry::{find_id, key_of};
pub(super) use self::foreseen::{
    Foreseen, fingerprint as fingerprint_of_refusal, fingerprint_of_bid_refusal,
};
use self::lifetimes::Lifetimes;
use self::machines::Machines;
use self::moves::Moves;
use self::offers::Offers;
pub use self::operations::Ending;
use self::operations::{Operations, Revocations};
use self::reachability::Reachability;
pub(super) use self::refusals::{Case, line_of};
use self::refusals::{Kind, Reason, Refusals};
pub(super) use self::requests::Requests;
use self::service::Services;
use super::attack::AttackReport;
use super::event::PeerId;
use super::fleet::FleetUse;
use super::plans::Plans;
use super::population::{Member, Population};
use super::reach::Reachable;
use super::setup::Setup;
use super::telemetry::Observed;
use crate::dms::actor::AllocationState;
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::resources::Resources;
use crate::kernel::{Digest, OrderedMap, Span, Time};
use crate::net::{BroadcastTally, LossReason, Occurrence, PairCounts};
use crate::observe::{CapabilityRow, SeriesRow, SpanHistogram, Text};

/// One generation of an allocation on one peer.
#[derive(Clone, Debug)]
pub(super) struct AllocationRecord {
    deployment: u32,
    key: Arc<str>,
    generation: u32,
    peer: PeerId,
    resources: Resources,
    committed: Time,
    started: Option<Time>,
    ended: Option<Time>,
    end: &'static str,
    exit_code: Option<i32>,
    running: bool,
    /// While it ran, so long.
    ran: Span,
    running_since: Time,
    /// When it last stopped running.
    stopped: Time,
    /// Its place in the ensemble's subnet, once it has one: address, name, and ports outside and inside.
    address: Option<Ipv4Addr>,
    dns_name: Arc<str>,
    ports: Vec<(u16, u16)>,
    /// When it was last given a port outside.
    mapped: Time,
    /// How often its supervisor has found it in trouble.
    suspected: u32,
    /// What its provider is paid, in millionths per hour.
    paid_micro_per_h: u64,
}

/// An allocation that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) deployment: u32,
    pub(super) ensemble: EnsembleId,
    pub(super) peer: PeerId,
    /// Its full id.
    pub(super) allocation: String,
    pub(super) dns_name: Arc<str>,
}

/// A peer's presence.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Presence {
    up: bool,
    since: Time,
    total: Span,
    crashes: u32,
}

/// What the world found when it looked at its peers at the end of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Closing {
    pub(super) interrupted: bool,
    /// Peers that hold something for nobody.
    pub(super) leaks: u64,
    pub(super) events: u64,
    /// Tokens in all capability contexts, and those of them that have expired.
    pub(super) tokens_stored: u64,
    pub(super) tokens_expired: u64,
    /// Which allocations reach which.
    pub(super) reachable: Reachable,
    /// What attackers achieved.
    pub(super) attacks: AttackReport,
    /// Pairs of a revocation and a peer that lacks it.
    pub(super) revocations_missing: u64,
    /// The organizations that each peer is part of.
    pub(super) memberships: Vec<Arc<str>>,
    /// What tokens nodes hold.
    pub(super) capabilities: Vec<CapabilityRow>,
    /// What observers of peers counted.
    pub(super) observed: Observed,
    /// Who would reach whom, where hosts are hidden from each other.
    pub(super) pairs: Option<PairCounts>,
    /// How graphics cards were used.
    pub(super) fleet: FleetUse,
}

/// Turns facts into rows.
pub struct Ledger {
    digest: Digest,
    /// The sum over the refusals of requests for bids, whose order says nothing (see `foreseen`).
    refusal_prints: u128,
    /// When the message that is being handled was sent.
    sent: Option<Time>,
    trace: Option<Vec<(Time, PeerId, u128)>>,
    metrics_only: bool,
    names: Arc<[Member]>,
    roles: Vec<(&'static str, String)>,
    entries: Vec<operations::Entry>,
    asked: Vec<u32>,
    /// The deployment whose request is being handled right now, to be matched with the id that it gets.
    asking: Option<u32>,
    /// An operator's message is being handled that asks for a deployment: its entry and its deadline. Whether it comes
    /// to anything is for the node to decide.
    wanted: Option<(u32, Time)>,
    deployments: Vec<DeploymentRecord>,
    by_ensemble: FxHashMap<EnsembleId, u32>,
    allocations: OrderedMap<(u32, Arc<str>, u32, PeerId), AllocationRecord>,
    /// Allocations that hold something on each peer, by their place above.
    held: FxHashMap<PeerId, Vec<usize>>,
    /// All allocations of each deployment, in the order of their commits.
    committed: Vec<Vec<usize>>,
    services: Services,
    suspicions: recoveries::Suspicions,
    operations: Operations,
    revocations: Revocations,
    reachability: Reachability,
    contracts: Contracts,
    machines: Machines,
    moves: Moves,
    refusals: Refusals,
    pub(super) requests: Requests,
    presence: Vec<Presence>,
    lifetimes: Lifetimes,
    peers_up: u64,
    allocated_cores_milli: u64,
    offers: Offers,
    costs: costs::Costs,
    edges: jobs::Edges,
    counters: Counters,
    time_to_running: SpanHistogram,
    pulls: SpanHistogram,
    storage: storage::Storage,
    executions: executions::Executions,
    faults: faults::Faults,
    series: Vec<SeriesRow>,
    series_names: Vec<(Text, Text)>,
    manifest: tables::RunFacts,
}

impl Ledger {
    pub(super) fn new(setup: &Setup, plans: &Plans, population: &Population) -> Self {
        let peers = population.members().len();
        let role = |group: &super::setup::PeerGroup| match group.role {
            super::setup::Role::Provider => "provider",
            super::setup::Role::Orchestrator => "orchestrator",
            super::setup::Role::Attacker => "attacker",
            super::setup::Role::Relay => "relay",
            super::setup::Role::Bootstrap => "bootstrap",
            super::setup::Role::ContractHost => "contract host",
            super::setup::Role::PaymentValidator => "payment validator",
            super::setup::Role::VolumeServer => "volume server",
            super::setup::Role::Gateway => "gateway",
            super::setup::Role::Machine => "machine",
        };
        let of_workload = setup.workload.iter();
        let entries: Vec<_> =
            of_workload.map(|entry| (entry.name.clone(), Arc::clone(&entry.ensemble))).collect();
        let mut ledger = Self {
            digest: Digest::new(),
            refusal_prints: 0,
            sent: None,
            trace: None,
            metrics_only: false,
            names: Arc::clone(population.members()),
            roles: setup.groups.iter().map(|group| (role(group), group.organizations.join(" "))).collect(),
            asked: vec![0; entries.len()],
            entries,
            asking: None,
            wanted: None,
            deployments: Vec::new(),
            by_ensemble: FxHashMap::default(),
            allocations: OrderedMap::default(),
            held: FxHashMap::default(),
            committed: Vec::new(),
            services: Services::default(),
            suspicions: recoveries::Suspicions::default(),
            operations: Operations::default(),
            revocations: Revocations::default(),
            reachability: Reachability::default(),
            contracts: Contracts::of(setup),
            machines: Machines::default(),
            moves: Moves::default(),
            refusals: Refusals::default(),
            requests: Requests::of(setup),
            presence: vec![Presence::default(); peers],
            lifetimes: Lifetimes::default(),
            peers_up: 0,
            allocated_cores_milli: 0,
            offers: Offers::of(peers),
            costs: costs::Costs::of(setup),
            edges: jobs::Edges::default(),
            counters: Counters::default(),
            time_to_running: SpanHistogram::new(),
            pulls: SpanHistogram::new(),
            storage: storage::Storage::default(),
            executions: executions::Executions::default(),
            faults: faults::Faults::default(),
            series: Vec::new(),
            series_names: series::names(),
            manifest: tables::RunFacts::of(setup),
        };
        plans.operations.all().iter().for_each(|operation| ledger.add_operation(operation));
        ledger
    }

    /// Keeps the digest after every fact, so that two runs can be compared step by step.
    pub(super) fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// The run goes on with another setup: that is what its manifest is about.
    pub(super) fn goes_on_as(&mut self, setup: &Setup) {
        self.manifest = tables::RunFacts::of(setup);
    }

    /// Since when each peer is up, or was when it was up last.
    pub(super) fn up_since(&self) -> Vec<Time> {
        self.presence.iter().map(|presence| presence.since).collect()
    }

    pub(super) fn asked(&self, entry: u32) -> u32 {
        self.asked[entry as usize]
    }

    /// The digest of all that has happened so far.
    pub(super) fn digest(&self) -> u128 {
        let mut digest = self.digest;
        digest.write_u64(self.refusal_prints as u64);
        digest.write_u64((self.refusal_prints >> 64) as u64);
        digest.finish()
    }

    /// A message is being handled that was sent then; what is refused meanwhile is refused about it.
    pub(super) const fn handles(&mut self, sent: Option<Time>) {
        self.sent = sent;
    }

    fn case(&self, now: Time, peer: PeerId) -> Case {
        Case { asked: self.sent.unwrap_or(now), peer }
    }

    fn refuse(
        &mut self,
        now: Time,
        peer: PeerId,
        deployment: Option<u32>,
        stage: &'static str,
        reason: Arc<str>,
    ) {
        let kind = Kind { deployment, stage, reason: Reason::Text(Arc::clone(&reason)), amount_class: None };
        self.refusals.add(kind, self.case(now, peer), 1, || reason);
    }

    /// Who orchestrates a deployment, and its id.
    pub(super) fn deployment(&self, number: u32) -> Option<(PeerId, EnsembleId)> {
        let record = self.deployments.get(number as usize)?;
        Some((record.by, record.ensemble?))
    }

    /// The number of the deployment that an allocation belongs to, by its full id.
    pub(super) fn deployment_of(&self, allocation: &str) -> Option<u32> {
        let (ensemble, _) = allocation.split_once('_')?;
        self.by_ensemble.get(&ensemble.parse().ok()?).copied()
    }

    /// Who orchestrates the deployment that an allocation belongs to, and its id.
    pub(super) fn orchestration_of(&self, allocation: &str) -> Option<(PeerId, EnsembleId)> {
        self.deployment(self.deployment_of(allocation)?)
    }

    /// The number of a contract.
    pub(super) fn number_of_contract(&self, contract: &Did) -> Option<u32> {
        self.contracts.number(contract)
    }

    /// The number of a revocation that holds somewhere.
    pub(super) fn number_of_revocation(&self, key: u128) -> Option<u32> {
        self.revocations.number(key)
    }

    /// The deployment that is turned down if the request that is being handled is.
    pub(super) fn refusing(&self) -> Option<u32> {
        self.asking.or_else(|| self.wanted.is_some().then_some(self.deployments.len() as u32))
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.counters.sent += 1;
        self.counters.bytes += bytes;
    }

    pub(super) fn delivered(&mut self) {
        self.counters.delivered += 1;
    }

    pub(super) fn lost(&mut self, reason: LossReason) {
        *self.counters.lost.entry(reason).or_default() += 1;
    }

    /// A peer got another version of DMS.
    pub(super) const fn upgraded(&mut self) {
        self.counters.upgrades += 1;
    }

    /// Something happened between hidden hosts.
    pub(super) fn occurred(&mut self, occurrence: Occurrence) {
        self.reachability.record(occurrence);
    }

    pub(super) fn broadcast(&mut self, tally: BroadcastTally, bytes: u64, vouched: bool) {
        self.counters.unvouched += u64::from(!vouched);
        let deliveries = tally.delivered + tally.lost + tally.unreachable + tally.unconnected;
        // The one send has been counted; every receiver is a message of its own.
        self.counters.sent += deliveries.saturating_sub(1);
        self.counters.bytes += bytes * deliveries.saturating_sub(1);
        *self.counters.lost.entry(LossReason::Loss).or_default() += tally.lost;
        *self.counters.lost.entry(LossReason::Partition).or_default() += tally.unreachable;
        *self.counters.lost.entry(LossReason::Unreachable).or_default() += tally.unconnected;
    }

    pub(super) fn pull_started(&mut self, bytes: u64) {
        self.counters.image_bytes += bytes;
    }

    pub(super) fn pull_ended(&mut self, took: Span) {
        self.pulls.record(took);
    }

    /// A peer is up or down from now on.
    pub(super) fn peer_is(&mut self, now: Time, peer: PeerId, up: bool) {
        self.digest.write_u64(now.0);
        self.digest.write_u64(u64::from(peer.0) << 1 | u64::from(up));
        let presence = &mut self.presence[peer.0 as usize];
        let was_up = presence.up;
        if was_up && !up {
            presence.total += now.since(presence.since);
            presence.crashes += 1;
        }
        *presence = Presence { up, since: now, ..*presence };
        if up {
            self.peers_up += 1;
        } else if was_up {
            self.peers_up -= 1;
        }
    }

    /// A peer has stopped: what it held is lost until it is taken up again. What runs goes on when its machine does.
    pub(super) fn stops(&mut self, now: Time, peer: PeerId, with_machine: bool) {
        for place in self.held.remove(&peer).unwrap_or_default() {
            let was_running = self.allocations[place].running;
            if was_running && !with_machine {
                self.held.entry(peer).or_default().push(place);
                continue;
            }
            self.counters.allocations_lost += u64::from(was_running);
            self.end_allocation(now, place, "peer lost", None);
        }
    }

    /// Takes a fact of a peer.
    pub(super) fn record(&mut self, now: Time, peer: PeerId, fact: Fact) {
        self.counters.facts += 1;
        if matches!(fact, Fact::DeploymentAccepted(_) | Fact::DeploymentRefused(_))
            && let Some((entry, deadline)) = self.wanted.take()
        {
            self.deployment_asked(now, entry, peer, deadline);
        }
        if let Fact::DeploymentAccepted(id) = &fact
            && let Some(number) = self.asking.take()
        {
            self.by_ensemble.insert(*id, number);
            self.deployments[number as usize].ensemble = Some(*id);
        }
        let deployment = self.deployment_of_fact(&fact);
        // A revocation is told apart by its number in the run, in the place of a deployment's.
        let subject = match fact {
            Fact::RevocationAnchored(key) => {
                self.counters.revocations_anchored += 1;
                Some(self.revocations.holds(now, key))
            }
            Fact::Contract { ref contract, .. } => self.contracts.number(contract),
            _ => deployment,
        };
        match foreseen::fingerprint(peer, subject, &fact) {
            Some(refusal) => self.refusal_prints = self.refusal_prints.wrapping_add(refusal),
            None => entry::absorb(&mut self.digest, now, peer, subject, &fact),
        }
        if self.trace.is_some() {
            let digest = self.digest();
            self.trace.iter_mut().for_each(|trace| trace.push((now, peer, digest)));
        }
        self.counters.count(&fact);
        self.apply(now, peer, deployment, fact);
    }

    /// The deployment that a fact is about.
    pub(super) fn deployment_of_fact(&self, fact: &Fact) -> Option<u32> {
        let ensemble = match fact {
            Fact::MessageRejected { ensemble, .. } | Fact::SentWithoutAuthority { ensemble, .. } => {
                (*ensemble)?
            }
            Fact::HelloAnswered
            | Fact::DeploymentRefused(_)
            | Fact::OperationAnswered { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationUnanswered { .. }
            | Fact::AnchorRefused { .. }
            | Fact::RevocationAnchored(_)
            | Fact::Onboarded(_)
            | Fact::Offboarded
            | Fact::SecretsSeen(_)
            | Fact::OnboardingRefused(_)
            | Fact::Contract { .. } => return None,
            Fact::Machine { ensemble, .. } => (*ensemble)?,
            Fact::DeploymentAccepted(id)
            | Fact::DeploymentQueued(id)
            | Fact::BidMade(id)
            | Fact::BidAccepted(id) => *id,
            Fact::DeploymentStatus { ensemble, .. }
            | Fact::RoundOpened { ensemble, .. }
            | Fact::BidRefused { ensemble, .. }
            | Fact::StageFailed { ensemble, .. }
            | Fact::DeploymentRestored { ensemble, .. }
            | Fact::DeploymentHandedOver { ensemble, .. }
            | Fact::DeploymentSuperseded { ensemble, .. }
            | Fact::DeploymentReshaped { ensemble, .. }
            | Fact::SubnetJoined { ensemble, .. }
            | Fact::NodeAwarded { ensemble, .. }
            | Fact::ResultDecided { ensemble, .. }
            | Fact::RedeploymentStarted { ensemble, .. } => *ensemble,
            Fact::Committed { allocation, .. }
            | Fact::AllocationCreated { allocation, .. }
            | Fact::AddressGiven { allocation, .. }
            | Fact::Named { allocation, .. }
            | Fact::PortMapped { allocation, .. }
            | Fact::AllocationState { allocation, .. }
            | Fact::Released { allocation, .. }
            | Fact::NotTerminated { allocation, .. }
            | Fact::Suspected { allocation, .. }
            | Fact::AllocationRestored { allocation, .. }
            | Fact::Container { allocation, .. }
            | Fact::ResultChecked { allocation, .. }
            | Fact::RestartOrdered { allocation } => return self.deployment_of(allocation),
        };
        self.by_ensemble.get(&ensemble).copied()
    }

    fn apply(&mut self, now: Time, peer: PeerId, deployment: Option<u32>, fact: Fact) {
        let record = deployment.map(|number| &mut self.deployments[number as usize]);
        match fact {
            fact @ (Fact::MessageRejected { .. } | Fact::SentWithoutAuthority { .. }) => {
                self.apply_message(now, peer, deployment, fact);
            }
            fact @ (Fact::OperationAnswered { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationUnanswered { .. }
            | Fact::AnchorRefused { .. }) => self.apply_operation(now, peer, &fact),
            Fact::Contract { contract, what } => self.apply_contract(now, peer, &contract, &what),
            Fact::Machine { what, .. } => self.apply_machine(now, peer, deployment, what),
            Fact::DeploymentRefused(reason) => {
                if let Some(number) = self.asking.take() {
                    self.deployment_refused(now, number, &reason);
                }
            }
            fact @ (Fact::DeploymentStatus { .. }
            | Fact::RoundOpened { .. }
            | Fact::RedeploymentStarted { .. }
            | Fact::DeploymentReshaped { .. }
            | Fact::DeploymentRestored { .. }
            | Fact::DeploymentHandedOver { .. }
            | Fact::DeploymentSuperseded { .. }) => self.apply_to_deployment(now, peer, deployment, fact),
            fact @ Fact::BidRefused { .. } => self.refused(deployment, self.case(now, peer), 1, fact),
            Fact::BidAccepted(_) => {
                self.counters.bids_received += 1;
                self.counters.bids_accepted += 1;
                if let Some(record) = record {
                    record.bids += 1;
                }
            }
            Fact::StageFailed { stage, reason, .. } => {
                self.counters.bids_received += u64::from(stage == Stage::Candidate);
                self.refuse(now, peer, deployment, stage.as_str(), reason);
            }
            fact @ (Fact::Onboarded(_) | Fact::Offboarded | Fact::OnboardingRefused(_)) => {
                self.apply_offer(now, peer, fact);
            }
            Fact::NotTerminated { reason, .. } => self.refuse(now, peer, deployment, "release", reason),
            Fact::Committed { allocation, generation, resources } => {
                self.commit(now, peer, deployment, &allocation, generation, resources);
            }
            Fact::AddressGiven { .. }
            | Fact::Named { .. }
            | Fact::PortMapped { .. }
            | Fact::AllocationState { .. }
            | Fact::AllocationRestored { .. }
            | Fact::Released { .. } => self.apply_to_allocation(now, peer, deployment, fact),
            Fact::DeploymentAccepted(_)
            | Fact::DeploymentQueued(_)
            | Fact::HelloAnswered
            | Fact::SecretsSeen(_)
            | Fact::RestartOrdered { .. }
            | Fact::RevocationAnchored(_)
            | Fact::BidMade(_)
            | Fact::AllocationCreated { .. }
            | Fact::SubnetJoined { .. }
            | Fact::Container { .. }
            | Fact::ResultDecided { .. } => {}
            Fact::NodeAwarded { node, paid_micro_per_h, .. } => {
                self.awarded(deployment, &node, paid_micro_per_h);
            }
            fact @ Fact::Suspected { .. } => self.suspected(now, deployment, &fact),
            fact @ Fact::ResultChecked { .. } => self.result_checked(deployment, &fact),
        }
    }

    /// Takes a fact about an allocation that has been committed.
    fn apply_to_allocation(&mut self, now: Time, peer: PeerId, deployment: Option<u32>, fact: Fact) {
        let (Fact::AddressGiven { allocation, generation, .. }
        | Fact::Named { allocation, generation, .. }
        | Fact::PortMapped { allocation, generation, .. }
        | Fact::AllocationState { allocation, generation, .. }
        | Fact::AllocationRestored { allocation, generation }
        | Fact::Released { allocation, generation, .. }) = &fact
        else {
            return;
        };
        let Some(place) = self.place(deployment, allocation, *generation, peer) else { return };
        let record = &mut self.allocations[place];
        match fact {
            Fact::AddressGiven { address, .. } => record.address = Some(address),
            Fact::Named { name, .. } => record.dns_name = name,
            Fact::PortMapped { public, private, .. } => {
                record.ports.push((public, private));
                record.mapped = now;
            }
            Fact::AllocationState { state, exit_code, .. } => {
                self.allocation_is(now, place, state, exit_code);
            }
            Fact::AllocationRestored { .. } => self.resume_allocation(peer, place),
            Fact::Released { lapsed, .. } => {
                if let Some(held) = self.held.get_mut(&peer) {
                    held.retain(|held| *held != place);
                }
                self.end_allocation(now, place, if lapsed { "lease ended" } else { "released" }, None);
            }
            _ => {}
        }
    }

    /// Takes a fact about a message that authorises nothing, at its receiver or its sender.
    fn apply_message(&mut self, now: Time, peer: PeerId, deployment: Option<u32>, fact: Fact) {
        if let Fact::SentWithoutAuthority { behaviour, .. } = fact {
            self.counters.noticed += 1;
            let reason = format!("{behaviour}: sent without authority: no token held allows it");
            return self.refuse(now, peer, deployment, "send", reason.into());
        }
        self.rejected(deployment, self.case(now, peer), 1, fact);
    }

    /// Messages that their receivers rejected.
    fn rejected(&mut self, deployment: Option<u32>, first: Case, count: u64, fact: Fact) {
        let Fact::MessageRejected { rejection, behaviour, explanation, .. } = fact else { return };
        *self.counters.rejected.entry(rejection).or_default() += count;
        let reason = Reason::Message(behaviour, rejection, explanation);
        let example = reason.clone();
        let kind = Kind { deployment, stage: "message", reason, amount_class: None };
        self.refusals.add(kind, first, count, || example.to_string().into());
    }

    /// The allocations that run now, in the order of their commits.
    pub(super) fn running(&self) -> impl Iterator<Item = Running> {
        self.allocations.values().filter(|record| record.running).filter_map(|record| {
            let ensemble = self.deployments[record.deployment as usize].ensemble?;
            Some(Running {
                deployment: record.deployment,
                ensemble,
                peer: record.peer,
                allocation: format!("{ensemble}_{}", record.key),
                dns_name: Arc::clone(&record.dns_name),
            })
        })
    }

    fn place(
        &self,
        deployment: Option<u32>,
        allocation: &str,
        generation: u32,
        peer: PeerId,
    ) -> Option<usize> {
        let key = (deployment?, Arc::from(entry::key_of(allocation)), generation, peer);
        self.allocations.get_index_of(&key)
    }

    fn commit(
        &mut self,
        now: Time,
        peer: PeerId,
        deployment: Option<u32>,
        allocation: &str,
        generation: u32,
        resources: Resources,
    ) {
        let Some(deployment) = deployment else { return };
        let key: Arc<str> = entry::key_of(allocation).into();
        self.allocated_cores_milli += resources.cpu.cores_milli;
        let record = AllocationRecord {
            deployment,
            key: Arc::clone(&key),
            generation,
            peer,
            resources,
            committed: now,
            started: None,
            ended: None,
            end: "",
            exit_code: None,
            running: false,
            ran: Span::ZERO,
            running_since: now,
            stopped: now,
            address: None,
            dns_name: "".into(),
            ports: Vec::new(),
            mapped: Time::ZERO,
            suspected: 0,
            paid_micro_per_h: self.costs.take_rate(deployment, entry::key_of(allocation)),
        };
        let (place, _) = self.allocations.insert_full((deployment, key, generation, peer), record);
        self.held.entry(peer).or_default().push(place);
        self.committed.resize_with(self.deployments.len(), Vec::new);
        self.committed[deployment as usize].push(place);
    }

    fn allocation_is(&mut self, now: Time, place: usize, state: AllocationState, exit_code: Option<i32>) {
        let record = &mut self.allocations[place];
        match state {
            AllocationState::Running => {
                if !record.running {
                    record.running = true;
                    record.running_since = now;
                    record.started.get_or_insert(now);
                    self.counters.allocations_started += 1;
                    let (deployment, key) = (record.deployment, Arc::clone(&record.key));
                    let service = self.service_key(deployment, &key);
                    self.services.starts(now, deployment, &service);
                }
            }
            AllocationState::Completed | AllocationState::Failed | AllocationState::Terminated => {
                let end = match state {
                    AllocationState::Completed => "completed",
                    AllocationState::Failed => "failed",
                    _ => "terminated",
                };
                self.stop_running(now, place);
                let record = &mut self.allocations[place];
                record.end = end;
                record.exit_code = exit_code.or(record.exit_code);
            }
            _ => self.stop_running(now, place),
        }
    }

    fn stop_running(&mut self, now: Time, place: usize) {
        let record = &mut self.allocations[place];
        if record.running {
            record.running = false;
            record.ran += now.since(record.running_since);
            record.stopped = now;
            let (deployment, key) = (record.deployment, Arc::clone(&record.key));
            let service = self.service_key(deployment, &key);
            self.services.stops(now, deployment, &service);
        }
    }

    /// What an allocation held is free again.
    fn end_allocation(&mut self, now: Time, place: usize, end: &'static str, exit_code: Option<i32>) {
        self.stop_running(now, place);
        let record = &mut self.allocations[place];
        if record.ended.is_none() {
            record.ended = Some(now);
            self.allocated_cores_milli -= record.resources.cpu.cores_milli;
            record.exit_code = exit_code.or(record.exit_code);
            if record.end.is_empty() {
                record.end = end;
            }
        }
    }

    /// An allocation whose peer was lost is held again.
    fn resume_allocation(&mut self, peer: PeerId, place: usize) {
        let record = &mut self.allocations[place];
        if record.ended.take().is_some() {
            record.end = "";
            self.allocated_cores_milli += record.resources.cpu.cores_milli;
            self.held.entry(peer).or_default().push(place);
        }
    }
}
