//! Behaviours: the names under which an actor can be called (dms-capabilities section 5).
//!
//! A behaviour is its path; the path is also the capability that a caller must show. Paths of one deployment carry
//! the ensemble id, so that authority over one ensemble says nothing about another.

use std::fmt;

use super::envelope::topics;
use super::message::Slot;
use crate::dms::capability::Capability;
use crate::dms::identity::EnsembleId;

/// Older names that are accepted beside the canonical ones; the capability that they require is their own path.
const ALIASES: [(&str, BehaviourKind); 1] = [("/dms/cap/broadcast", BehaviourKind::RevokeBroadcast)];

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
    /// `/public/status`: whether the node is well, and what its machine has.
    PublicStatus,
    /// `/public/revocations`: two connected peers bring their revocations together (an extension of dmsim).
    PublicRevocations,
    /// `/broadcast/hello`: everyone authorised answers with its DID.
    BroadcastHello,
    /// `/broadcast/dms/status`: everyone authorised reports its status.
    BroadcastStatus,
    /// `/dms/node/status`: the status report of one node.
    NodeStatus,
    /// `/dms/node/peers/ping`: a sign of life; the caller measures the time.
    PeersPing,
    /// `/dms/node/peers/list`: the peers that the node is connected to.
    PeersList,
    /// `/dms/node/peers/self`: the node's own id and address.
    PeersSelf,
    /// `/dms/node/peers/connect`: connect to a peer.
    PeersConnect,
    /// `/dms/node/peers/score`: the gossip scores of the peers.
    PeersScore,
    /// `/dms/node/onboarding/status`: whether the node offers anything.
    OnboardingStatus,
    /// `/dms/node/resources/allocated`: what allocations hold.
    ResourcesAllocated,
    /// `/dms/node/resources/free`: what is neither committed nor allocated.
    ResourcesFree,
    /// `/dms/node/resources/onboarded`: what is offered.
    ResourcesOnboarded,
    /// `/dms/node/allocations/list`: the allocations that live here.
    AllocationsList,
    /// `/dms/cap/list`: what the node trusts, holds and knows to be revoked.
    CapList,
    /// `/dms/cap/provide/anchor`: take up authority.
    AnchorProvide,
    /// `/dms/cap/require/anchor`: accept further side chains.
    AnchorRequire,
    /// `/dms/cap/revoke/anchor`: take up revocations.
    AnchorRevoke,
    /// `/dms/cap/anchor`: the older single form of the three above; the message says which slot.
    Anchor,
    /// `/dms/cap/revoke/broadcast` (older `/dms/cap/broadcast`): revocations for everyone.
    RevokeBroadcast,
    /// `/dms/ensemble/<id>/node/subnet/join`, on the orchestrator's own node: have an address in its ensemble's subnet.
    SubnetJoin,
    /// `/dms/orchestrator/<id>/deployment-state`, on the orchestrator's actor: whether allocations are still wanted.
    DeploymentState,
    /// `/dms/ensemble/<id>/allocation/state`, on the provider's node: which allocations it has (an extension of dmsim).
    AllocationStates,
    /// `/dms/node/deployment/new`: deploy something.
    DeploymentNew,
    /// `/dms/node/deployment/list`: a page of the node's deployments.
    DeploymentList,
    /// `/dms/node/deployment/status`: the state of one.
    DeploymentStatus,
    /// `/dms/node/deployment/info`: all about one; the name is inferred from the acceptance suite.
    DeploymentInfo,
    /// `/dms/node/deployment/manifest`: where its parts are.
    DeploymentManifest,
    /// `/dms/node/deployment/logs`: have the logs of an allocation written to the node's disk.
    DeploymentLogs,
    /// `/dms/node/deployment/shutdown`: end it, or call it off.
    DeploymentShutdown,
    /// `/dms/node/deployment/prune`: forget those that have ended.
    DeploymentPrune,
    /// `/dms/node/deployment/delete`: forget one that has ended.
    DeploymentDelete,
    /// `/dms/ensemble/<id>/allocation/logs`: a part of an allocation's log, on the provider's node.
    AllocationLogs,
    /// `/dms/allocation/stats`: what it uses, on the allocation's actor; the path is inferred.
    AllocationStats,
    /// `/dms/deployment/constraint/edge`: a provider is to verify its link to another one.
    EdgeConstraint,
    /// `/dms/deployment/constraint/probe`: what it sends to the other one for that (an extension of dmsim: in the real
    /// DMS the provider does nothing).
    EdgeProbe,
    /// `/dms/node/peers/dht`: the hosts that the node knows of.
    PeersDht,
    /// `/dms/node/onboarding/onboard`: offer a part of the machine.
    Onboard,
    /// `/dms/node/onboarding/offboard`: offer nothing any more.
    Offboard,
    /// `/dms/node/hardware/spec`: what the machine has.
    HardwareSpec,
    /// `/dms/node/hardware/usage`: what of it is in use.
    HardwareUsage,
    /// `/dms/node/logger/config`: change how the node logs.
    LoggerConfig,
    /// `/dms/tokenomics/contract/create`: have a contract made.
    ContractCreate,
    /// `/dms/tokenomics/contract/approve_local`: agree to a contract that was proposed.
    ContractApproveLocal,
    /// `/dms/tokenomics/contract/list_incoming`: the contracts that concern the caller.
    ContractListIncoming,
    /// `/dms/tokenomics/contract/propose`: a host proposes a contract.
    ContractPropose,
    /// `/dms/tokenomics/contract/usages/calculate`: bill what was used.
    UsagesCalculate,
    /// `/dms/tokenomics/contract/usage`: what was used, for the payment validator.
    ContractUsage,
    /// `/dms/tokenomics/contract/transaction`: what is owed, or was paid.
    ContractTransaction,
    /// `/dms/tokenomics/contract/transactions/list`: all that is owed or was paid.
    TransactionsList,
    /// `/dms/tokenomics/contract/transactions/confirm`: something was paid.
    TransactionsConfirm,
    /// `/dms/tokenomics/contract/payment/status`: whether a contract is paid.
    PaymentStatus,
    /// `/dms/tokenomics/contract/payment/validation/request`: have a contract marked as paid.
    PaymentValidationRequest,
    /// `/dms/tokenomics/contract/payment/quote/get`: what an amount is worth in another currency.
    QuoteGet,
    /// `/dms/tokenomics/contract/payment/quote/validate`: whether a quote holds.
    QuoteValidate,
    /// `/dms/tokenomics/contract/payment/quote/cancel`: give a quote up.
    QuoteCancel,
    /// `/dms/tokenomics/contract/info`: who the parties of a contract are; the path was not seen.
    ContractInfo,
    /// `/dms/tokenomics/contract/chain/verify`: whether a chain holds; the path was not seen.
    ContractChainVerify,
    /// `/dms/tokenomics/contract/terminate`, on the actor of a contract: end it early.
    ContractTerminate,
    /// `/dms/tokenomics/contract/complete`, on the actor of a contract: end it as agreed.
    ContractComplete,
    /// `/dms/tokenomics/contract/state`, on the actor of a contract: the contract as it stands.
    ContractState,
    /// `/dms/tokenomics/contract/settle`, on the actor of a contract: close its accounts.
    ContractSettle,
    /// `/dms/tokenomics/contract/validate`, on the actor of a contract: whether deployments may rely on it.
    ContractValidate,
    /// `/dms/tokenomics/contract/sign`, on the actor of a contract: take a signature.
    ContractSign,
    /// `/dms/tokenomics/contract/events`, on the actor of a contract: something was used.
    ContractEvents,
    /// `/dms/tokenomics/contract/payment/validate`, on the actor of a contract: it is paid.
    PaymentValidate,
    /// `/dms/node/deployment/update`: make a running deployment another ensemble.
    DeploymentUpdate,
    /// `/dms/volume/create`: make a volume on a server of volumes.
    VolumeCreate,
    /// `/dms/volume/start`: let it be mounted.
    VolumeStart,
    /// `/dms/volume/delete`: delete it with its data.
    VolumeDelete,
    /// `/dms/deployment/promise/convert`: a gateway is to provision what it has promised; the path is inferred.
    ConvertPromise,
    /// `/dms/deployment/promise/sign`: a machine is to sign the bid that replaces a promise; the path is inferred.
    SignBid,
    /// `/dms/allocation/subnet/remove-peers`, on the allocation's actor.
    SubnetRemovePeers,
    /// `/dms/allocation/subnet/dns/remove-records`, on the allocation's actor.
    DnsRemoveRecords,
    /// `/dms/node/subnet/create`: create a subnet by hand.
    NodeSubnetCreate,
    /// `/dms/node/subnet/destroy`: destroy one.
    NodeSubnetDestroy,
    /// `/dms/node/subnet/join`: give the node an address in one.
    NodeSubnetJoin,
    /// `/dms/deployment/deputy/copy`: a deployment of another node, to go on with if need be (an extension of dmsim, as
    /// are the following).
    DeputyCopy,
    /// `/dms/deployment/deputy/beat`: its orchestrator lives.
    DeputyBeat,
    /// `/dms/deployment/deputy/take-over`: another node orchestrates a deployment from now on.
    DeputyTakeOver,
}

impl BehaviourKind {
    /// Every kind, in order of declaration.
    pub const ALL: [Self; 101] = [
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
        Self::PublicStatus,
        Self::PublicRevocations,
        Self::BroadcastHello,
        Self::BroadcastStatus,
        Self::NodeStatus,
        Self::PeersPing,
        Self::PeersList,
        Self::PeersSelf,
        Self::PeersConnect,
        Self::PeersScore,
        Self::OnboardingStatus,
        Self::ResourcesAllocated,
        Self::ResourcesFree,
        Self::ResourcesOnboarded,
        Self::AllocationsList,
        Self::CapList,
        Self::AnchorProvide,
        Self::AnchorRequire,
        Self::AnchorRevoke,
        Self::Anchor,
        Self::RevokeBroadcast,
        Self::SubnetJoin,
        Self::DeploymentState,
        Self::AllocationStates,
        Self::DeploymentNew,
        Self::DeploymentList,
        Self::DeploymentStatus,
        Self::DeploymentInfo,
        Self::DeploymentManifest,
        Self::DeploymentLogs,
        Self::DeploymentShutdown,
        Self::DeploymentPrune,
        Self::DeploymentDelete,
        Self::AllocationLogs,
        Self::AllocationStats,
        Self::EdgeConstraint,
        Self::EdgeProbe,
        Self::PeersDht,
        Self::Onboard,
        Self::Offboard,
        Self::HardwareSpec,
        Self::HardwareUsage,
        Self::LoggerConfig,
        Self::ContractCreate,
        Self::ContractApproveLocal,
        Self::ContractListIncoming,
        Self::ContractPropose,
        Self::UsagesCalculate,
        Self::ContractUsage,
        Self::ContractTransaction,
        Self::TransactionsList,
        Self::TransactionsConfirm,
        Self::PaymentStatus,
        Self::PaymentValidationRequest,
        Self::QuoteGet,
        Self::QuoteValidate,
        Self::QuoteCancel,
        Self::ContractInfo,
        Self::ContractChainVerify,
        Self::ContractTerminate,
        Self::ContractComplete,
        Self::ContractState,
        Self::ContractSettle,
        Self::ContractValidate,
        Self::ContractSign,
        Self::ContractEvents,
        Self::PaymentValidate,
        Self::DeploymentUpdate,
        Self::VolumeCreate,
        Self::VolumeStart,
        Self::VolumeDelete,
        Self::ConvertPromise,
        Self::SignBid,
        Self::SubnetRemovePeers,
        Self::DnsRemoveRecords,
        Self::NodeSubnetCreate,
        Self::NodeSubnetDestroy,
        Self::NodeSubnetJoin,
        Self::DeputyCopy,
        Self::DeputyBeat,
        Self::DeputyTakeOver,
    ];

    /// The path, or for a namespaced kind the template of its path.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table with a line for each kind")]
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
            Self::PublicStatus => "/public/status",
            Self::PublicRevocations => "/public/revocations",
            Self::BroadcastHello => "/broadcast/hello",
            Self::BroadcastStatus => "/broadcast/dms/status",
            Self::NodeStatus => "/dms/node/status",
            Self::PeersPing => "/dms/node/peers/ping",
            Self::PeersList => "/dms/node/peers/list",
            Self::PeersSelf => "/dms/node/peers/self",
            Self::PeersConnect => "/dms/node/peers/connect",
            Self::PeersScore => "/dms/node/peers/score",
            Self::OnboardingStatus => "/dms/node/onboarding/status",
            Self::ResourcesAllocated => "/dms/node/resources/allocated",
            Self::ResourcesFree => "/dms/node/resources/free",
            Self::ResourcesOnboarded => "/dms/node/resources/onboarded",
            Self::AllocationsList => "/dms/node/allocations/list",
            Self::CapList => "/dms/cap/list",
            Self::AnchorProvide => "/dms/cap/provide/anchor",
            Self::AnchorRequire => "/dms/cap/require/anchor",
            Self::AnchorRevoke => "/dms/cap/revoke/anchor",
            Self::Anchor => "/dms/cap/anchor",
            Self::RevokeBroadcast => "/dms/cap/revoke/broadcast",
            Self::SubnetJoin => "/dms/ensemble/<id>/node/subnet/join",
            Self::DeploymentState => "/dms/orchestrator/<id>/deployment-state",
            Self::AllocationStates => "/dms/ensemble/<id>/allocation/state",
            Self::DeploymentNew => "/dms/node/deployment/new",
            Self::DeploymentList => "/dms/node/deployment/list",
            Self::DeploymentStatus => "/dms/node/deployment/status",
            Self::DeploymentInfo => "/dms/node/deployment/info",
            Self::DeploymentManifest => "/dms/node/deployment/manifest",
            Self::DeploymentLogs => "/dms/node/deployment/logs",
            Self::DeploymentShutdown => "/dms/node/deployment/shutdown",
            Self::DeploymentPrune => "/dms/node/deployment/prune",
            Self::DeploymentDelete => "/dms/node/deployment/delete",
            Self::AllocationLogs => "/dms/ensemble/<id>/allocation/logs",
            Self::AllocationStats => "/dms/allocation/stats",
            Self::EdgeConstraint => "/dms/deployment/constraint/edge",
            Self::EdgeProbe => "/dms/deployment/constraint/probe",
            Self::PeersDht => "/dms/node/peers/dht",
            Self::Onboard => "/dms/node/onboarding/onboard",
            Self::Offboard => "/dms/node/onboarding/offboard",
            Self::HardwareSpec => "/dms/node/hardware/spec",
            Self::HardwareUsage => "/dms/node/hardware/usage",
            Self::LoggerConfig => "/dms/node/logger/config",
            Self::ContractCreate => "/dms/tokenomics/contract/create",
            Self::ContractApproveLocal => "/dms/tokenomics/contract/approve_local",
            Self::ContractListIncoming => "/dms/tokenomics/contract/list_incoming",
            Self::ContractPropose => "/dms/tokenomics/contract/propose",
            Self::UsagesCalculate => "/dms/tokenomics/contract/usages/calculate",
            Self::ContractUsage => "/dms/tokenomics/contract/usage",
            Self::ContractTransaction => "/dms/tokenomics/contract/transaction",
            Self::TransactionsList => "/dms/tokenomics/contract/transactions/list",
            Self::TransactionsConfirm => "/dms/tokenomics/contract/transactions/confirm",
            Self::PaymentStatus => "/dms/tokenomics/contract/payment/status",
            Self::PaymentValidationRequest => "/dms/tokenomics/contract/payment/validation/request",
            Self::QuoteGet => "/dms/tokenomics/contract/payment/quote/get",
            Self::QuoteValidate => "/dms/tokenomics/contract/payment/quote/validate",
            Self::QuoteCancel => "/dms/tokenomics/contract/payment/quote/cancel",
            Self::ContractInfo => "/dms/tokenomics/contract/info",
            Self::ContractChainVerify => "/dms/tokenomics/contract/chain/verify",
            Self::ContractTerminate => "/dms/tokenomics/contract/terminate",
            Self::ContractComplete => "/dms/tokenomics/contract/complete",
            Self::ContractState => "/dms/tokenomics/contract/state",
            Self::ContractSettle => "/dms/tokenomics/contract/settle",
            Self::ContractValidate => "/dms/tokenomics/contract/validate",
            Self::ContractSign => "/dms/tokenomics/contract/sign",
            Self::ContractEvents => "/dms/tokenomics/contract/events",
            Self::PaymentValidate => "/dms/tokenomics/contract/payment/validate",
            Self::DeploymentUpdate => "/dms/node/deployment/update",
            Self::VolumeCreate => "/dms/volume/create",
            Self::VolumeStart => "/dms/volume/start",
            Self::VolumeDelete => "/dms/volume/delete",
            Self::ConvertPromise => "/dms/deployment/promise/convert",
            Self::SignBid => "/dms/deployment/promise/sign",
            Self::SubnetRemovePeers => "/dms/allocation/subnet/remove-peers",
            Self::DnsRemoveRecords => "/dms/allocation/subnet/dns/remove-records",
            Self::NodeSubnetCreate => "/dms/node/subnet/create",
            Self::NodeSubnetDestroy => "/dms/node/subnet/destroy",
            Self::NodeSubnetJoin => "/dms/node/subnet/join",
            Self::DeputyCopy => "/dms/deployment/deputy/copy",
            Self::DeputyBeat => "/dms/deployment/deputy/beat",
            Self::DeputyTakeOver => "/dms/deployment/deputy/take-over",
        }
    }

    /// Whether the limiter applies: to broadcasts and to what begins with `/public/` (dms-capabilities section 3.5).
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::PublicHello | Self::PublicStatus | Self::PublicRevocations)
    }

    /// The topic on which the behaviour may be broadcast; every node listens to all of them (dms-capabilities
    /// section 3.4). None for what is only called directly.
    #[must_use]
    pub const fn topic(self) -> Option<&'static Capability> {
        match self {
            Self::BidRequest => Some(&topics::DEPLOYMENT),
            Self::BroadcastHello => Some(&topics::HELLO),
            Self::BroadcastStatus => Some(&topics::STATUS),
            Self::RevokeBroadcast => Some(&topics::REVOCATION),
            _ => None,
        }
    }

    /// Whether somebody at the node's command line can call it: the others belong to deployments and replies.
    #[must_use]
    pub const fn is_for_operators(self) -> bool {
        !matches!(
            self,
            Self::AllocationLogs
                | Self::AllocationStats
                | Self::BidRequest
                | Self::Bid
                | Self::Commit
                | Self::Allocate
                | Self::Revert
                | Self::AllocationStart
                | Self::AllocationRestart
                | Self::SubnetAddPeer
                | Self::SubnetAcceptPeers
                | Self::DnsAddRecords
                | Self::MapPort
                | Self::HealthCheckRegister
                | Self::HealthCheck
                | Self::SubnetCreate
                | Self::SubnetDestroy
                | Self::AllocationShutdown
                | Self::TaskTermination
                | Self::AllocationLiveness
                | Self::ReplyTo
                | Self::DeploymentState
                | Self::AllocationStates
                | Self::EdgeConstraint
                | Self::EdgeProbe
                | Self::ConvertPromise
                | Self::SignBid
                | Self::SubnetJoin
                | Self::SubnetRemovePeers
                | Self::DnsRemoveRecords
                | Self::DeputyCopy
                | Self::DeputyBeat
                | Self::DeputyTakeOver
        ) && !self.is_of_contracts()
            && !self.is_of_contract_actors()
    }
}

impl BehaviourKind {
    /// Whether it administrates the node: what it offers, whom it trusts, what it is part of, how it logs.
    #[must_use]
    pub const fn administrates(self) -> bool {
        matches!(
            self,
            Self::Onboard
                | Self::Offboard
                | Self::LoggerConfig
                | Self::AnchorProvide
                | Self::AnchorRequire
                | Self::AnchorRevoke
                | Self::Anchor
                | Self::PeersConnect
                | Self::NodeSubnetCreate
                | Self::NodeSubnetDestroy
                | Self::NodeSubnetJoin
        )
    }

    /// Whether it asks for the node's status report.
    #[must_use]
    pub const fn asks_for_status(self) -> bool {
        matches!(self, Self::NodeStatus | Self::BroadcastStatus)
    }

    /// Whether it is about the deployments that the node orchestrates.
    #[must_use]
    pub const fn is_about_deployments(self) -> bool {
        matches!(
            self,
            Self::DeploymentNew
                | Self::DeploymentList
                | Self::DeploymentStatus
                | Self::DeploymentInfo
                | Self::DeploymentManifest
                | Self::DeploymentLogs
                | Self::DeploymentShutdown
                | Self::DeploymentPrune
                | Self::DeploymentDelete
                | Self::DeploymentUpdate
        )
    }

    /// Whether it belongs to a node's part in contracts. Their operators have orders of their own.
    #[must_use]
    pub const fn is_of_contracts(self) -> bool {
        matches!(
            self,
            Self::ContractCreate
                | Self::ContractApproveLocal
                | Self::ContractListIncoming
                | Self::ContractPropose
                | Self::UsagesCalculate
                | Self::ContractUsage
                | Self::ContractTransaction
                | Self::TransactionsList
                | Self::TransactionsConfirm
                | Self::PaymentStatus
                | Self::PaymentValidationRequest
                | Self::QuoteGet
                | Self::QuoteValidate
                | Self::QuoteCancel
                | Self::ContractInfo
                | Self::ContractChainVerify
        )
    }

    /// Whether it is one of a contract's own actor.
    #[must_use]
    pub const fn is_of_contract_actors(self) -> bool {
        matches!(
            self,
            Self::ContractTerminate
                | Self::ContractComplete
                | Self::ContractState
                | Self::ContractSettle
                | Self::ContractValidate
                | Self::ContractSign
                | Self::ContractEvents
                | Self::PaymentValidate
        )
    }
}

impl BehaviourKind {
    /// Whether it is about the volumes that the node serves.
    #[must_use]
    pub const fn is_about_volumes(self) -> bool {
        matches!(self, Self::VolumeCreate | Self::VolumeStart | Self::VolumeDelete)
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
        assert!(!path.contains('<'), "the path {path} is not complete");
        Self { kind, path: Capability::fixed(path) }
    }

    /// The one-shot behaviour that waits for the reply to the message with this nonce.
    #[must_use]
    pub fn reply_to(nonce: u64) -> Self {
        Self { kind: BehaviourKind::ReplyTo, path: Capability::written(format_args!("{REPLY_TO}{nonce}")) }
    }

    /// The behaviour by which tokens for a slot are anchored.
    #[must_use]
    pub fn to_anchor(slot: Slot) -> Self {
        Self::fixed(match slot {
            Slot::Provide => BehaviourKind::AnchorProvide,
            Slot::Require => BehaviourKind::AnchorRequire,
            Slot::Revoke => BehaviourKind::AnchorRevoke,
        })
    }

    /// The behaviour that waits for the replies to a broadcast of `asked`. A broadcast carries no delegation for its
    /// replies, so they are named below the behaviour itself: who may answer is who may call it.
    #[must_use]
    pub fn replies_to_broadcast(asked: &Self, nonce: u64) -> Self {
        Self {
            kind: BehaviourKind::ReplyTo,
            path: Capability::written(format_args!("{}/replyto/{nonce}", asked.path)),
        }
    }

    /// The nonce that a one-shot reply behaviour is named after; none for any other.
    #[must_use]
    pub fn reply_nonce(&self) -> Option<u64> {
        if self.kind != BehaviourKind::ReplyTo {
            return None;
        }
        let (front, nonce) = self.path.as_str().rsplit_once('/')?;
        if front.ends_with("/replyto") { nonce.parse().ok() } else { None }
    }

    /// What an operator means by a path, canonical or an alias; none for a path that DMS does not have or that only
    /// deployments use.
    #[must_use]
    pub fn for_operators(path: &str) -> Option<Self> {
        let canonical = |kind: &BehaviourKind| kind.is_for_operators() && kind.template() == path;
        if let Some(kind) = BehaviourKind::ALL.into_iter().find(canonical) {
            return Some(Self::fixed(kind));
        }
        let (_, kind) = ALIASES.into_iter().find(|(alias, _)| *alias == path)?;
        Some(Self { kind, path: Capability::new(path) })
    }

    /// Every path that [`Behaviour::for_operators`] knows.
    pub fn paths_for_operators() -> impl Iterator<Item = &'static str> {
        let kinds = BehaviourKind::ALL.into_iter().filter(|kind| kind.is_for_operators());
        kinds.map(BehaviourKind::template).chain(ALIASES.into_iter().map(|(alias, _)| alias))
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
    /// See [`BehaviourKind::AllocationLogs`].
    pub allocation_logs: Behaviour,
    /// See [`BehaviourKind::TaskTermination`].
    pub task_termination: Behaviour,
    /// See [`BehaviourKind::AllocationLiveness`].
    pub allocation_liveness: Behaviour,
    /// See [`BehaviourKind::DeploymentState`].
    pub deployment_state: Behaviour,
    /// See [`BehaviourKind::AllocationStates`].
    pub allocation_states: Behaviour,
    /// See [`BehaviourKind::SubnetJoin`].
    pub subnet_join: Behaviour,
}

impl EnsembleBehaviours {
    /// The behaviours of the ensemble `id`.
    #[must_use]
    pub fn new(id: EnsembleId) -> Self {
        let hex = id.to_string();
        let at = |kind: BehaviourKind| {
            let (before, after) = kind.template().split_once("<id>").expect("a path of an ensemble");
            Behaviour { kind, path: Capability::written(format_args!("{before}{hex}{after}")) }
        };
        Self {
            ensemble: Capability::written(format_args!("/dms/ensemble/{hex}")),
            orchestrator: Capability::written(format_args!("/dms/orchestrator/{hex}")),
            subnet_create: at(BehaviourKind::SubnetCreate),
            subnet_destroy: at(BehaviourKind::SubnetDestroy),
            allocation_shutdown: at(BehaviourKind::AllocationShutdown),
            allocation_logs: at(BehaviourKind::AllocationLogs),
            task_termination: at(BehaviourKind::TaskTermination),
            allocation_liveness: at(BehaviourKind::AllocationLiveness),
            deployment_state: at(BehaviourKind::DeploymentState),
            allocation_states: at(BehaviourKind::AllocationStates),
            subnet_join: at(BehaviourKind::SubnetJoin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_their_order_and_operators_find_theirs() {
        for (place, kind) in BehaviourKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
        for path in Behaviour::paths_for_operators() {
            let found = Behaviour::for_operators(path).expect("a known path");
            assert_eq!(found.path.as_str(), path);
        }
        let alias = Behaviour::for_operators("/dms/cap/broadcast").expect("an alias");
        assert_eq!(alias.kind, BehaviourKind::RevokeBroadcast);
        for unknown in ["/dms/deployment/commit", "/public/helo", "/dms/ensemble/<id>/node/subnet/join", ""] {
            assert_eq!(Behaviour::for_operators(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn replies_carry_their_nonce() {
        let hello = Behaviour::fixed(BehaviourKind::BroadcastHello);
        for reply in [Behaviour::reply_to(17), Behaviour::replies_to_broadcast(&hello, 17)] {
            assert_eq!((reply.kind, reply.reply_nonce()), (BehaviourKind::ReplyTo, Some(17)));
        }
        assert_eq!(hello.reply_nonce(), None);
    }
}
