//! What operators do with deployments: `/dms/node/deployment/...` with the deployment named as a scenario names it.

use std::fmt;
use std::sync::Arc;

use crate::dms::actor::{BehaviourKind, ListRequest};
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::identity::EnsembleId;
use crate::kernel::{Span, Time};

/// Something done with the deployments of a node.
#[derive(Clone, PartialEq, Debug)]
pub struct Control {
    /// Whose deployments; none = those of the operator's own node, which takes no message.
    pub to: Option<String>,
    /// How long to wait for the answer; for a new deployment or an update, until when it
    /// must run.
    pub timeout: Span,
    /// What.
    pub kind: ControlKind,
}

/// What is done with deployments.
#[derive(Clone, PartialEq, Debug)]
pub enum ControlKind {
    /// Ask for one.
    New {
        /// Its name, for tables and for other operations.
        name: String,
        /// What to deploy.
        ensemble: Arc<EnsembleConfig>,
    },
    /// See a page of them.
    List(ListRequest),
    /// See the state of one.
    Status(Which),
    /// See everything about one.
    Info {
        /// Which.
        of: Which,
        /// With what its allocations use.
        usage: bool,
        /// With their logs.
        logs: bool,
        /// Logs of these only; empty = of all.
        allocations: Vec<String>,
    },
    /// See where its parts are.
    Manifest(Which),
    /// Have logs written.
    Logs {
        /// Of which deployment.
        of: Which,
        /// Of which allocation.
        allocation: String,
        /// Go on fetching them, at this interval.
        follow: Option<Span>,
    },
    /// End one.
    Shutdown(Which),
    /// Forget those that have ended; none = all, else those that ended before.
    Prune(Option<Time>),
    /// Forget one that has ended.
    Delete(Which),
    /// Make a running one another ensemble.
    Update {
        /// Which deployment.
        of: Which,
        /// What it is to be.
        ensemble: Arc<EnsembleConfig>,
    },
}

/// A deployment, as a scenario names it.
#[derive(Clone, PartialEq, Debug)]
pub enum Which {
    /// Of those with a name, the n-th that was accepted, from 1.
    Named(String, u32),
    /// Of those of a peer, the n-th that was accepted, from 1.
    Of(String, u32),
    /// The one with this id, if there is one.
    Id(EnsembleId),
}

impl Control {
    /// How long most answers are awaited when nothing is written is [`super::Operation::TIMEOUT`]; these take longer.
    #[must_use]
    pub const fn usual_timeout(kind: BehaviourKind) -> Span {
        use crate::dms::constants::GET_LOGS_TIMEOUT;
        match kind {
            // A new deployment, or an update, has the time that one of the workload has.
            BehaviourKind::DeploymentNew | BehaviourKind::DeploymentUpdate => Span::mins(5),
            BehaviourKind::DeploymentLogs | BehaviourKind::DeploymentInfo => GET_LOGS_TIMEOUT,
            BehaviourKind::DeploymentShutdown => Span::mins(1),
            _ => super::Operation::TIMEOUT,
        }
    }
}

impl ControlKind {
    /// The behaviour that is called.
    #[must_use]
    pub const fn behaviour(&self) -> BehaviourKind {
        match self {
            Self::New { .. } => BehaviourKind::DeploymentNew,
            Self::List(_) => BehaviourKind::DeploymentList,
            Self::Status(_) => BehaviourKind::DeploymentStatus,
            Self::Info { .. } => BehaviourKind::DeploymentInfo,
            Self::Manifest(_) => BehaviourKind::DeploymentManifest,
            Self::Logs { .. } => BehaviourKind::DeploymentLogs,
            Self::Shutdown(_) => BehaviourKind::DeploymentShutdown,
            Self::Prune(_) => BehaviourKind::DeploymentPrune,
            Self::Delete(_) => BehaviourKind::DeploymentDelete,
            Self::Update { .. } => BehaviourKind::DeploymentUpdate,
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name, 1) => f.write_str(name),
            Self::Named(name, number) => write!(f, "{name} number {number}"),
            Self::Of(peer, number) => write!(f, "deployment {number} of {peer}"),
            Self::Id(_) => f.write_str("a deployment by its id"),
        }
    }
}

impl fmt::Display for ControlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { name, .. } => write!(f, "deploying {name}"),
            Self::List(_) => f.write_str("listing deployments"),
            Self::Status(which) => write!(f, "status of {which}"),
            Self::Info { of, .. } => write!(f, "info about {of}"),
            Self::Manifest(which) => write!(f, "manifest of {which}"),
            Self::Logs { of, allocation, .. } => write!(f, "logs of {allocation} of {of}"),
            Self::Shutdown(which) => write!(f, "shutdown of {which}"),
            Self::Prune(_) => f.write_str("pruning deployments"),
            Self::Delete(which) => write!(f, "deleting {which}"),
            Self::Update { of, .. } => write!(f, "update of {of}"),
        }
    }
}
