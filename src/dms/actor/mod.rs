//! Actors: what a message looks like, which behaviours there are, how an actor sends and what it accepts
//! (dms-capabilities section 3).
//!
//! Start with [`Envelope`], then [`SecurityContext`] (how a message gets its tokens and how a receiver judges them)
//! and [`Pipeline`] (the queue and the limiter before that). Who handles which behaviour is [`crate::dms::peer`]'s
//! business.

mod behaviour;
mod configuration;
mod control;
mod envelope;
pub mod gossip;
mod limiter;
mod logs;
mod message;
mod pipeline;
mod promise;
mod replay;
mod report;
mod security;
mod wire;

pub use behaviour::{Behaviour, BehaviourKind, EnsembleBehaviours};
pub use configuration::{Configuration, FixedLogging, LoggerReport};
pub use control::{
    AllocationDetail, DeploymentInfo, DeploymentLine, DeploymentReport, DeploymentRequest, ExecutorStats,
    InfoRequest, ListRequest, LogFiles, LogsRequest, Manifest, ManifestAllocation, ManifestNode,
    NewDeployment, Page, PruneRequest, StatusReport, UpdateDeployment,
};
pub use envelope::{Envelope, topics};
pub use limiter::{Limits, RateLimiter};
pub use logs::{LogChunk, LogRequest, Output, Printed, Stream, chunk, last_line};
pub(in crate::dms) use message::LACKING;
pub use message::{
    Allocate, AllocationOrder, AllocationState, AnchorRequest, Bid, BidRequest, Commit, DnsRecord,
    EdgeConstraint, Liveness, LoggerChange, Message, NodeRequest, Offer, Padding, Revert, Slot, SubnetCreate,
    SubnetJoin, TaskTermination,
};
pub(in crate::dms) use pipeline::class;
pub use pipeline::{Pipeline, Rejection, Worker, check_direct};
pub use promise::{ConvertPromise, SignBid};
pub use replay::ReplayGuard;
pub use report::{AllocationInfo, CapabilityReport, NetworkReport, NodeReport, P2p, Report, ResourceReport};
pub use security::{Account, Actor, Call, SealError, SecurityContext};
pub use wire::{WireEnvelope, WireError, WireOptions};
