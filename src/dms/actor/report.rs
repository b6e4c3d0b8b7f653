//! What a node tells about itself (dms-capabilities sections 5 and 9.3), as far as the simulated node has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::configuration::Configuration;
use super::control::{DeploymentReport, ExecutorStats};
use super::message::AllocationState;
use crate::dms::capability::TokenList;
use crate::dms::ensemble::Executor;
use crate::dms::identity::{Did, PeerId};
use crate::dms::resources::Resources;
use crate::dms::storage::VolumeReport;
use crate::dms::system::Interface;

/// An answer to a question about the node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Report {
    /// `/public/status`: what the machine has. A node that answers is well.
    Status(Resources),
    /// `/dms/node/status`: the report of each node, which is the one that was asked.
    Node(BTreeMap<PeerId, NodeReport>),
    /// `/dms/node/peers/list` and `/dms/node/peers/dht`.
    Peers(Vec<PeerId>),
    /// `/dms/node/peers/self`.
    Own(P2p),
    /// `/dms/node/peers/connect`: the connection is being opened.
    Connected,
    /// `/dms/node/peers/score`: 5 where hellos were answered both ways, else 1.
    Scores(Vec<(PeerId, u8)>),
    /// `/dms/node/onboarding/status`.
    Onboarded(bool),
    /// `/dms/node/resources/...`.
    Resources(Resources),
    /// `/dms/node/allocations/list`.
    Allocations(Vec<AllocationInfo>),
    /// `/dms/cap/list`.
    Capabilities(Box<CapabilityReport>),
    /// `/dms/node/deployment/...`.
    Deployment(DeploymentReport),
    /// What an allocation uses.
    Stats(ExecutorStats),
    /// `/dms/node/onboarding/onboard`: what is offered now.
    Offered(Resources),
    /// `/dms/node/hardware/...`: what the machine has, or what of it is in use.
    Hardware(Resources),
    /// `/dms/volume/create`: how clients know the server.
    Volume(VolumeReport),
    /// `/dms/node/peers/ping`: how long a peer took to answer.
    Ping {
        /// In milliseconds.
        rtt_ms: u64,
    },
}

/// How a node is reached.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct P2p {
    /// Its peer id.
    pub id: PeerId,
    /// Its multiaddress.
    pub listen_addr: Arc<str>,
}

/// The status discovery report of one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct NodeReport {
    /// The name of its machine.
    pub hostname: Arc<str>,
    /// The node's DID.
    pub did: Did,
    /// Its networks.
    pub network: NetworkReport,
    /// Whether it offers anything.
    pub onboarded: bool,
    /// Its resources.
    pub resources: ResourceReport,
    /// All that it is configured with.
    pub config: Configuration,
    /// What of this report could not be had, and why.
    pub errors: Vec<Arc<str>>,
}

/// The networks of a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct NetworkReport {
    /// The machine's interfaces.
    pub interfaces: Vec<Interface>,
    /// How it is reached.
    pub p2p: P2p,
}

/// The resources of a node; the last three only when it is onboarded.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct ResourceReport {
    /// What the machine has.
    pub total: Resources,
    /// What is offered.
    pub onboarded: Option<Resources>,
    /// What allocations hold.
    pub allocated: Option<Resources>,
    /// What is neither committed nor allocated.
    pub free: Option<Resources>,
}

/// One allocation that lives on a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct AllocationInfo {
    /// Full id.
    pub id: Arc<str>,
    /// `service` or `task`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The host of its orchestrator.
    pub orchestrator: Option<PeerId>,
    /// What it holds.
    pub resources: Resources,
    /// Its state.
    pub status: AllocationState,
    /// What runs it.
    pub executor: Executor,
    /// The executor's name for its present run; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Arc<str>>,
    /// The public ports that it holds.
    pub ports: Vec<u16>,
    /// When it was created, in nanoseconds of the node's clock.
    pub created: u64,
    /// When its present run began, likewise; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
}

/// What a capability context holds that has not expired.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct CapabilityReport {
    /// DIDs trusted absolutely.
    pub roots: Vec<Did>,
    /// Side chains.
    pub require: TokenList,
    /// Authority held.
    pub provide: TokenList,
    /// Revocations known.
    pub revoke: TokenList,
    /// The organizations that the node is part of.
    pub organizations: Vec<Did>,
}

impl NodeReport {
    /// How many secrets of the node it tells.
    #[must_use]
    pub fn secrets(&self) -> u32 {
        u32::from(self.config.logger.as_ref().is_some_and(|logger| logger.api_key.is_some()))
    }
}

impl Report {
    /// What it says in a few words, without ids.
    #[must_use]
    pub fn summary(&self) -> String {
        let plural =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match self {
            Self::Status(_) => "status OK".to_owned(),
            Self::Node(all) if all.values().any(|report| report.onboarded) => "onboarded".to_owned(),
            Self::Node(_) => "not onboarded".to_owned(),
            Self::Peers(peers) => plural(peers.len(), "peer"),
            Self::Own(_) => "own address".to_owned(),
            Self::Connected => "CONNECTED".to_owned(),
            Self::Scores(scores) => {
                let good = scores.iter().filter(|(_, score)| *score == 5).count();
                format!("{good} of {} with score 5", plural(scores.len(), "peer"))
            }
            Self::Onboarded(onboarded) => format!("onboarded: {onboarded}"),
            Self::Resources(amount) => {
                format!("{} cores", amount.cpu.cores_milli as f64 / 1000.0)
            }
            Self::Offered(amount) | Self::Hardware(amount) => amount.to_string(),
            Self::Allocations(all) => {
                let running = all.iter().filter(|one| one.execution_id.is_some()).count();
                format!("{}, {running} with an execution", plural(all.len(), "allocation"))
            }
            Self::Deployment(report) => report.summary(),
            Self::Volume(_) => "volume created".to_owned(),
            Self::Ping { rtt_ms } => format!("RTT {rtt_ms} ms"),
            Self::Stats(stats) => format!("{} cores", stats.cpu_cores_milli as f64 / 1000.0),
            Self::Capabilities(held) => format!(
                "{}, {}, {} required, {} provided, {} revoked",
                plural(held.organizations.len(), "organization"),
                plural(held.roots.len(), "root"),
                held.require.len(),
                held.provide.len(),
                held.revoke.len()
            ),
        }
    }
}
