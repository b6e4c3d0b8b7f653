//! Behaviours: the names under which an actor can be called (dms-capabilities section 5).
//!
//! A behaviour is its path; the path is also the capability that a caller must show. Paths of one deployment carry
//! the ensemble id, so that authority over one ensemble says nothing about another.

use std::fmt;

use crate::dms::capability::Capability;
use crate::dms::identity::EnsembleId;

/// What a behaviour is for. The path of most kinds is fixed; the last ones are made for one ensemble or one call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BehaviourKind {
    /// `/public/hello`: answers with the receiver's DID.
    PublicHello,
    /// `/dms/deployment/request`: an orchestrator asks for bids.
    BidRequest,
    /// `/dms/deployment/bid`: a provider's bid.
    Bid,
    /// `/dms/deployment/commit`: reserve resources for an allocation.
    Commit,
    /// `/dms/deployment/allocate`: create the allocations of a node.
    Allocate,
    /// `/dms/deployment/revert`: undo commits and allocations.
    Revert,
    /// `/dms/allocation/start`, on the allocation's actor.
    AllocationStart,
    /// `/dms/allocation/restart`, on the allocation's actor.
    AllocationRestart,
    /// `/dms/allocation/subnet/add-peer`, on the allocation's actor.
    SubnetAddPeer,
    /// `/dms/allocation/subnet/accept-peers`, on the allocation's actor.
    SubnetAcceptPeers,
    /// `/dms/allocation/subnet/dns/add-records`, on the allocation's actor.
    DnsAddRecords,
    /// `/dms/allocation/subnet/map-port`, on the allocation's actor.
    MapPort,
    /// `/dms/actor/healthcheck/register`, on the allocation's actor.
    HealthCheckRegister,
    /// `/dms/actor/healthcheck`, on the allocation's actor.
    HealthCheck,
    /// `/dms/ensemble/<id>/node/subnet/create`, on the provider's node.
    SubnetCreate,
    /// `/dms/ensemble/<id>/node/subnet/destroy`, on the provider's node.
    SubnetDestroy,
    /// `/dms/ensemble/<id>/allocation/shutdown`, on the provider's node.
    AllocationShutdown,
    /// `/dms/orchestrator/<id>/task-termination`, on the orchestrator's actor.
    TaskTermination,
    /// `/dms/orchestrator/<id>/allocation-liveness`, on the orchestrator's actor.
    AllocationLiveness,
    /// `/dms/actor/replyto/<nonce>`: the one-shot behaviour that waits for a reply.
    ReplyTo,
}

impl BehaviourKind {
    /// Every kind, in order of declaration.
    pub const ALL: [Self; 20] = [
        Self::PublicHello,
        Self::BidRequest,
        Self::Bid,
        Self::Commit,
        Self::Allocate,
        Self::Revert,
        Self::AllocationStart,
        Self::AllocationRestart,
        Self::SubnetAddPeer,
        Self::SubnetAcceptPeers,
        Self::DnsAddRecords,
        Self::MapPort,
        Self::HealthCheckRegister,
        Self::HealthCheck,
        Self::SubnetCreate,
        Self::SubnetDestroy,
        Self::AllocationShutdown,
        Self::TaskTermination,
        Self::AllocationLiveness,
        Self::ReplyTo,
    ];

    /// The path, or for a namespaced kind the template of its path.
    #[must_use]
    pub const fn template(self) -> &'static str {
        match self {
            Self::PublicHello => "/public/hello",
            Self::BidRequest => "/dms/deployment/request",
            Self::Bid => "/dms/deployment/bid",
            Self::Commit => "/dms/deployment/commit",
            Self::Allocate => "/dms/deployment/allocate",
            Self::Revert => "/dms/deployment/revert",
            Self::AllocationStart => "/dms/allocation/start",
            Self::AllocationRestart => "/dms/allocation/restart",
            Self::SubnetAddPeer => "/dms/allocation/subnet/add-peer",
            Self::SubnetAcceptPeers => "/dms/allocation/subnet/accept-peers",
            Self::DnsAddRecords => "/dms/allocation/subnet/dns/add-records",
            Self::MapPort => "/dms/allocation/subnet/map-port",
            Self::HealthCheckRegister => "/dms/actor/healthcheck/register",
            Self::HealthCheck => "/dms/actor/healthcheck",
            Self::SubnetCreate => "/dms/ensemble/<id>/node/subnet/create",
            Self::SubnetDestroy => "/dms/ensemble/<id>/node/subnet/destroy",
            Self::AllocationShutdown => "/dms/ensemble/<id>/allocation/shutdown",
            Self::TaskTermination => "/dms/orchestrator/<id>/task-termination",
            Self::AllocationLiveness => "/dms/orchestrator/<id>/allocation-liveness",
            Self::ReplyTo => "/dms/actor/replyto/<nonce>",
        }
    }

    /// Whether the limiter applies: to broadcasts and to what begins with `/public/` (dms-capabilities section 3.5).
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::PublicHello)
    }
}

impl fmt::Display for BehaviourKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.template())
    }
}

/// The path of a one-shot behaviour, without its nonce.
const REPLY_TO: &str = "/dms/actor/replyto/";

/// A behaviour as it stands in an envelope: what it is for, and its path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Behaviour {
    /// What it is for.
    pub kind: BehaviourKind,
    /// Its path, which is also the capability that it requires.
    pub path: Capability,
}

impl Behaviour {
    /// A behaviour whose path is fixed.
    ///
    /// # Panics
    /// If the path of `kind` depends on an ensemble or a nonce.
    #[must_use]
    pub fn fixed(kind: BehaviourKind) -> Self {
        let path = kind.template();
        assert!(!path.contains('<'), "the path {path} needs an ensemble or a nonce");
        Self { kind, path: Capability::fixed(path) }
    }

    /// The one-shot behaviour that waits for the reply to the message with this nonce.
    #[must_use]
    pub fn reply_to(nonce: u64) -> Self {
        Self { kind: BehaviourKind::ReplyTo, path: Capability::written(format_args!("{REPLY_TO}{nonce}")) }
    }

    /// The nonce that a one-shot reply behaviour is named after; none for any other.
    #[must_use]
    pub fn reply_nonce(&self) -> Option<u64> {
        self.path.as_str().strip_prefix(REPLY_TO)?.parse().ok()
    }
}

/// The namespaced behaviours of one ensemble, made once so that messages only clone them.
#[derive(Clone, Debug)]
pub struct EnsembleBehaviours {
    /// `/dms/ensemble/<id>`: what a provider grants to the orchestrator.
    pub ensemble: Capability,
    /// `/dms/orchestrator/<id>`: what an orchestrator grants to its providers.
    pub orchestrator: Capability,
    /// See [`BehaviourKind::SubnetCreate`].
    pub subnet_create: Behaviour,
    /// See [`BehaviourKind::SubnetDestroy`].
    pub subnet_destroy: Behaviour,
    /// See [`BehaviourKind::AllocationShutdown`].
    pub allocation_shutdown: Behaviour,
    /// See [`BehaviourKind::TaskTermination`].
    pub task_termination: Behaviour,
    /// See [`BehaviourKind::AllocationLiveness`].
    pub allocation_liveness: Behaviour,
}

impl EnsembleBehaviours {
    /// The behaviours of the ensemble `id`.
    #[must_use]
    pub fn new(id: EnsembleId) -> Self {
        let hex = id.to_string();
        let at = |kind: BehaviourKind| Behaviour {
            kind,
            path: Capability::new(&kind.template().replace("<id>", &hex)),
        };
        Self {
            ensemble: Capability::written(format_args!("/dms/ensemble/{hex}")),
            orchestrator: Capability::written(format_args!("/dms/orchestrator/{hex}")),
            subnet_create: at(BehaviourKind::SubnetCreate),
            subnet_destroy: at(BehaviourKind::SubnetDestroy),
            allocation_shutdown: at(BehaviourKind::AllocationShutdown),
            task_termination: at(BehaviourKind::TaskTermination),
            allocation_liveness: at(BehaviourKind::AllocationLiveness),
        }
    }
}
