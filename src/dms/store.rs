//! What a node has on disk: plain data from which it takes up its work again after its process has ended
//! (dms-orchestration sections 1.4 and 4.6).
//!
//! Nothing is written here: a [`Store`] is what a disk would hold. It is made from the live state at the moment at
//! which the process ends, since whatever is meant to survive is saved before anything is done about it. Where the
//! real DMS saves less often, a deployment keeps the copy that was saved last (`orchestrator/registry.rs`).
//!
//! Not stored are bids, commits with their leases, replies that are owed, and what a supervisor has heard.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::dms::actor::{Actor, AllocationState, Printed};
use crate::dms::deputy::{KeptCopies, Mandate};
use crate::dms::ensemble::{AllocationConfig, EnsembleConfig};
use crate::dms::fact::DeploymentStatus;
use crate::dms::gateway::GatewayRecord;
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::orchestrator::{Change, Log, MemberState, Phase, Strategy, Vote};
use crate::dms::outbox::RunId;
use crate::dms::provider::{Farewell, KeptLog};
use crate::dms::resources::{Holding, Ports};
use crate::dms::subnet::{AddressRange, Subnets};
use crate::dms::supervision::Spare;
use crate::kernel::{OrderedMap, Span, Timestamp};

/// A provider that has been asked to give something back, and which allocations, up to which generations.
pub(in crate::dms) type UndoRecord = (Arc<Handle>, Vec<(Arc<str>, u32)>);

/// Everything that a node has on disk.
#[derive(Clone, Debug)]
pub(in crate::dms) struct Store {
    /// The deployments that it orchestrates or has orchestrated, oldest first.
    pub(in crate::dms) deployments: Vec<DeploymentRecord>,
    /// What it hosts for others.
    pub(in crate::dms) provider: ProviderRecord,
    /// The machines that it pays for as a gateway.
    pub(in crate::dms) gateway: GatewayRecord,
    /// The deployments of others with which it would go on.
    pub(in crate::dms) kept: KeptCopies,
}

/// A deployment: configuration, manifest, subnet manifest, status, candidates with their expiry, and its actor's key.
#[derive(Clone, Debug)]
pub(in crate::dms) struct DeploymentRecord {
    pub(in crate::dms) id: EnsembleId,
    pub(in crate::dms) config: Arc<EnsembleConfig>,
    /// The choices that it follows.
    pub(in crate::dms) strategy: Strategy,
    /// Of the subnet.
    pub(in crate::dms) range: AddressRange,
    /// Its handle and key; the counter of messages begins anew, at the time of the restart.
    pub(in crate::dms) actor: Actor,
    pub(in crate::dms) deadline: Timestamp,
    pub(in crate::dms) status: DeploymentStatus,
    /// Whether it waits for its turn.
    pub(in crate::dms) is_queued: bool,
    pub(in crate::dms) nodes: Vec<NodeRecord>,
    /// The last round of bids.
    pub(in crate::dms) nonce: u64,
    /// What providers have been asked to give back and have not acknowledged.
    pub(in crate::dms) undo: Vec<UndoRecord>,
    /// The newest generation of each allocation that an update has taken away.
    pub(in crate::dms) former_lives: BTreeMap<Arc<str>, u32>,
    /// The highest address that an update has given to an allocation.
    pub(in crate::dms) highest_address: Option<Ipv4Addr>,
    /// How many updates of it have begun.
    pub(in crate::dms) update_count: u32,
    /// Whether it has ever run.
    pub(in crate::dms) supervised: bool,
    /// Until when the update under way must be done.
    pub(in crate::dms) update: Option<Timestamp>,
    /// The orchestrator's own address in the subnet, if it has drawn one.
    pub(in crate::dms) own_address: Option<Ipv4Addr>,
    /// When it was asked for.
    pub(in crate::dms) created: Timestamp,
    /// When it ended, and why.
    pub(in crate::dms) ended: Option<(Timestamp, Option<Arc<str>>)>,
    /// Whether its operator has had it forgotten.
    pub(in crate::dms) forgotten: bool,
    /// The logs of its allocations, which are files.
    pub(in crate::dms) logs: Vec<Log>,
    /// By which the node has it, where another one has begun it; and by which yet another one has it.
    pub(in crate::dms) mandate: Option<Arc<Mandate>>,
    pub(in crate::dms) successor: Option<Arc<Mandate>>,
    /// Whether its deputy has acknowledged that it has ended.
    pub(in crate::dms) is_end_told: bool,
}

/// One node of a manifest: the candidate that was chosen for it and how far it has come there.
#[derive(Clone, Debug)]
pub(in crate::dms) struct NodeRecord {
    pub(in crate::dms) name: Arc<str>,
    /// The node of the file: its own name, or that of its primary.
    pub(in crate::dms) entry: Arc<str>,
    /// What an update under way has to do with it.
    pub(in crate::dms) change: Change,
    pub(in crate::dms) phase: Phase,
    pub(in crate::dms) pin: Option<Arc<Handle>>,
    pub(in crate::dms) place: Option<Arc<Handle>>,
    pub(in crate::dms) excluded: Vec<PeerId>,
    pub(in crate::dms) recovering: bool,
    /// The place of the node that it stands by for; standbys that are promoted change places with their primaries.
    pub(in crate::dms) standby_of: Option<usize>,
    /// What it is then.
    pub(in crate::dms) spare: Spare,
    /// How often its tasks have ended with an error and were tried again.
    pub(in crate::dms) tries: u32,
    /// The results of the copies of its tasks, and whether they have decided.
    pub(in crate::dms) votes: Vec<Vote>,
    pub(in crate::dms) is_decided: bool,
    /// Whether it has fallen out of the manifest (W6b).
    pub(in crate::dms) forgotten: bool,
    /// Its allocations in the order of the configuration.
    pub(in crate::dms) members: Vec<MemberRecord>,
}

/// One allocation of a manifest.
#[derive(Clone, Debug)]
pub(in crate::dms) struct MemberRecord {
    pub(in crate::dms) name: Arc<str>,
    pub(in crate::dms) generation: u32,
    /// In the subnet.
    pub(in crate::dms) address: Ipv4Addr,
    pub(in crate::dms) handle: Option<Arc<Handle>>,
    pub(in crate::dms) state: MemberState,
    /// What a task printed whose node has not had its say yet.
    pub(in crate::dms) result: Option<Printed>,
}

/// What a provider hosts.
#[derive(Clone, Debug, Default)]
pub(in crate::dms) struct ProviderRecord {
    pub(in crate::dms) ensembles: OrderedMap<EnsembleId, HostedRecord>,
    /// Oldest first.
    pub(in crate::dms) allocations: Vec<AllocationRecord>,
    /// What is being terminated.
    pub(in crate::dms) endings: Vec<EndingRecord>,
    /// The ports of the allocations.
    pub(in crate::dms) ports: Ports,
    /// Addresses, routes, names and port maps.
    pub(in crate::dms) subnets: Subnets,
    /// The next slot of a run, so that a report about a former one is recognised.
    pub(in crate::dms) next_slot: u32,
    /// Ends of tasks that have not been acknowledged.
    pub(in crate::dms) farewells: OrderedMap<Arc<str>, Farewell>,
    /// What ended runs printed.
    pub(in crate::dms) kept: OrderedMap<Arc<str>, KeptLog>,
    /// The next turn to be given, where allocations wait for each other.
    pub(in crate::dms) next_turn: u64,
}

/// Who orchestrates an ensemble of which something is hosted.
#[derive(Clone, Debug)]
pub(in crate::dms) struct HostedRecord {
    pub(in crate::dms) orchestrator: Arc<Handle>,
    /// By which it is that, where another one has begun the deployment.
    pub(in crate::dms) mandate: Option<Arc<Mandate>>,
    /// When it was last heard.
    pub(in crate::dms) heard: Timestamp,
}

/// An allocation that is gone but for its container and what it holds.
#[derive(Clone, Debug)]
pub(in crate::dms) struct EndingRecord {
    pub(in crate::dms) id: Arc<str>,
    pub(in crate::dms) generation: u32,
    /// What it holds, of which cards.
    pub(in crate::dms) holding: Holding,
    /// Its last run.
    pub(in crate::dms) run: RunId,
}

/// An allocation with the key of its actor.
#[derive(Clone, Debug)]
pub(in crate::dms) struct AllocationRecord {
    pub(in crate::dms) id: Arc<str>,
    pub(in crate::dms) ensemble: EnsembleId,
    pub(in crate::dms) generation: u32,
    pub(in crate::dms) config: Arc<AllocationConfig>,
    pub(in crate::dms) actor: Actor,
    /// What it holds, of which cards.
    pub(in crate::dms) holding: Holding,
    pub(in crate::dms) run: RunId,
    pub(in crate::dms) state: AllocationState,
    /// Whether it runs, is being started or waits for that: then it is to run again.
    pub(in crate::dms) is_to_run: bool,
    /// When it was its turn to be accepted, where allocations wait for each other.
    pub(in crate::dms) turn: u64,
    pub(in crate::dms) sequence: u64,
    pub(in crate::dms) created: Timestamp,
    pub(in crate::dms) report_every: Span,
}
