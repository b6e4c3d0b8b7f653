//! What an operator asks of the node that orchestrates their deployments, and what it answers (dms-acceptance sections
//! 3 and 8, dms-capabilities section 5).
//!
//! The names of the fields are those that DMS's own acceptance suite reads: `Deployments`, `Total`, `HasMore`, ...

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use super::behaviour::BehaviourKind;
use super::message::{AllocationState, no_contracts};
use crate::dms::contract::message::ContractRef;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::subnet::AddressRange;
use crate::kernel::{Span, Timestamp};

/// `/dms/node/deployment/new`: deploy this. The deployment must run 15 s before the message expires.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewDeployment {
    /// What to deploy.
    pub ensemble: Arc<EnsembleConfig>,
    /// The root handles of the peers that nodes are pinned to, by node; what the node looks up by their ids.
    #[serde(skip)]
    pub pins: Vec<Option<Arc<Handle>>>,
    /// Under which contracts.
    #[serde(skip_serializing_if = "no_contracts")]
    pub contracts: Arc<[ContractRef]>,
}

/// Maps have no hash of their own: the text that travels stands for them.
impl Hash for NewDeployment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        serde_json::to_vec(self).expect("an ensemble has only string keys").hash(state);
        self.pins.hash(state);
    }
}

/// `/dms/node/deployment/update`: make a running deployment this ensemble. It must be done 15 s before the message
/// expires.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateDeployment {
    /// Which.
    #[serde(rename = "ID")]
    pub id: EnsembleId,
    /// What it is to be, the whole of it.
    pub ensemble: Arc<EnsembleConfig>,
    /// The root handles of the peers that nodes are pinned to, by node; what the node looks up by their ids.
    #[serde(skip)]
    pub pins: Vec<Option<Arc<Handle>>>,
}

/// As for [`NewDeployment`].
impl Hash for UpdateDeployment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        serde_json::to_vec(self).expect("an ensemble has only string keys").hash(state);
        self.pins.hash(state);
    }
}

/// Everything else that is asked about deployments.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum DeploymentRequest {
    /// `/dms/node/deployment/list`.
    List(ListRequest),
    /// `/dms/node/deployment/status`.
    Status(EnsembleId),
    /// `/dms/node/deployment/info`.
    Info(InfoRequest),
    /// `/dms/node/deployment/manifest`.
    Manifest(EnsembleId),
    /// `/dms/node/deployment/logs`.
    Logs(LogsRequest),
    /// `/dms/node/deployment/shutdown`: also what cancels.
    Shutdown(EnsembleId),
    /// `/dms/node/deployment/prune`.
    Prune(PruneRequest),
    /// `/dms/node/deployment/delete`.
    Delete(EnsembleId),
    /// `/dms/node/deployment/update`.
    Update(UpdateDeployment),
}

impl DeploymentRequest {
    /// The behaviour that it is for.
    #[must_use]
    pub const fn behaviour(&self) -> BehaviourKind {
        match self {
            Self::List(_) => BehaviourKind::DeploymentList,
            Self::Status(_) => BehaviourKind::DeploymentStatus,
            Self::Info(_) => BehaviourKind::DeploymentInfo,
            Self::Manifest(_) => BehaviourKind::DeploymentManifest,
            Self::Logs(_) => BehaviourKind::DeploymentLogs,
            Self::Shutdown(_) => BehaviourKind::DeploymentShutdown,
            Self::Prune(_) => BehaviourKind::DeploymentPrune,
            Self::Delete(_) => BehaviourKind::DeploymentDelete,
            Self::Update(_) => BehaviourKind::DeploymentUpdate,
        }
    }
}

/// A page of deployments. As on DMS's command line, a limit or an offset of 0 is one that was left out.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRequest {
    /// How many at most; 0 = all.
    pub limit: i64,
    /// How many are skipped.
    pub offset: i64,
    /// Only those in this state, in any letter case; empty = all.
    pub status: Arc<str>,
    /// `created` (the default) or `status`, with a minus in front for the other way round.
    pub sort: Arc<str>,
    /// `key=value` of the ensemble's metadata; all of them must fit.
    pub filter: Vec<Arc<str>>,
}

/// What an operator wants to know of one deployment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InfoRequest {
    /// Which.
    #[serde(rename = "ID")]
    pub id: EnsembleId,
    /// With what its allocations use.
    pub usage: bool,
    /// With their logs.
    pub logs: bool,
    /// Logs of these allocations only; empty = of all.
    pub allocations: Vec<Arc<str>>,
}

/// Which logs an operator wants on the disk of the orchestrating node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogsRequest {
    /// Of which deployment.
    #[serde(rename = "ID")]
    pub id: EnsembleId,
    /// `node.allocation`, or the allocation's name alone.
    pub allocation: Arc<str>,
    /// Go on fetching what is printed, at this interval; none = only what is there now.
    pub follow: Option<Span>,
}

/// Which of the deployments that have ended are forgotten.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PruneRequest {
    /// All of them.
    pub all: bool,
    /// Those that ended before.
    pub before: Option<Timestamp>,
}

/// An answer about deployments.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum DeploymentReport {
    /// The deployment has begun; how it ends is for its status to say.
    #[serde(rename_all = "PascalCase")]
    Accepted {
        /// Its id.
        #[serde(rename = "EnsembleID")]
        id: EnsembleId,
    },
    /// A page of deployments.
    Page(Page),
    /// The state of one.
    Status(StatusReport),
    /// All about one.
    Info(Box<DeploymentInfo>),
    /// Where its parts are.
    Manifest(Manifest),
    /// Where logs have been written.
    Logs(LogFiles),
    /// It has ended, or had already.
    #[serde(rename_all = "PascalCase")]
    Ended {
        /// In a few words.
        note: &'static str,
        /// Peers that have not given back what they held and are asked again until they do.
        pending: u32,
    },
    /// So many deployments were forgotten.
    Pruned(u32),
    /// One was forgotten.
    Deleted,
    /// One is what it was to become.
    Updated,
}

/// A page of deployments.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Page {
    /// Those of this page.
    pub deployments: Vec<DeploymentLine>,
    /// How many fit, on all pages together.
    pub total: u64,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page begins, if there is one.
    pub next_offset: Option<u64>,
}

/// One deployment of a page.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentLine {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: EnsembleId,
    /// Its state.
    pub status: DeploymentStatus,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// The state of one deployment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StatusReport {
    /// DMS's own word for it.
    pub status: DeploymentStatus,
    /// Why it ended, or what last went wrong on the way; empty when nothing did.
    pub reason: Arc<str>,
    /// Peers that have not given back what they held.
    pub pending: u32,
}

/// Everything about one deployment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentInfo {
    /// Its state.
    pub status: StatusReport,
    /// Where its parts are.
    pub manifest: Manifest,
    /// Its allocations.
    pub allocations: Vec<AllocationDetail>,
}

/// One allocation of a deployment, as its orchestrator knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AllocationDetail {
    /// Full id.
    #[serde(rename = "AllocationID")]
    pub id: Arc<str>,
    /// Its state.
    pub status: AllocationState,
    /// What it uses, when that was asked for, it runs and its provider has answered.
    pub executor_stats: Option<ExecutorStats>,
    /// Its logs, when they were asked for.
    pub logs: Option<LogFiles>,
    /// Why something that was asked for is missing; empty when nothing is.
    pub error: Arc<str>,
}

/// What a running allocation uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutorStats {
    /// Thousandths of processor cores.
    pub cpu_cores_milli: u64,
    /// The most that it may use.
    pub cpu_limit_milli: u64,
    /// Memory in bytes.
    pub ram_bytes: u64,
    /// The most that it may use.
    pub ram_limit_bytes: u64,
    /// What it has written into its own file system, in bytes.
    pub disk_bytes: u64,
    /// For how long it has run since it was last started.
    pub running_for: Span,
    /// How often its executor has started it again by itself.
    pub restarts: u32,
}

/// Where logs have been written on the orchestrating node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogFiles {
    /// The folder.
    pub logs_written_to: Arc<str>,
    /// The file with what it printed.
    pub stdout_path: Arc<str>,
    /// The file with its errors.
    pub stderr_path: Arc<str>,
    /// How long the first is.
    pub stdout_bytes: u64,
    /// How long the second is.
    pub stderr_bytes: u64,
    /// Why something is missing; empty when nothing is.
    pub error: Arc<str>,
    /// What an operator sees who opens the first file: the beginning of its last line. It does not travel.
    #[serde(skip)]
    pub last_line: Arc<str>,
}

/// Where the parts of a deployment are.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Manifest {
    /// The deployment.
    #[serde(rename = "ID")]
    pub id: EnsembleId,
    /// Its subnet.
    pub subnet: AddressRange,
    /// Whether the orchestrator is to join it.
    #[serde(rename = "SubnetJoin")]
    pub joins: bool,
    /// The orchestrator's address there; none while it has not joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Ipv4Addr>,
    /// Its nodes.
    pub nodes: Vec<ManifestNode>,
}

/// A node of a manifest.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestNode {
    /// Its name.
    pub name: Arc<str>,
    /// The peer that hosts it; none while it has no place.
    pub peer: Option<PeerId>,
    /// Its allocations.
    pub allocations: Vec<ManifestAllocation>,
}

/// An allocation of a manifest.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManifestAllocation {
    /// `node.allocation`.
    pub key: Arc<str>,
    /// Its state.
    pub status: AllocationState,
    /// Its address in the subnet.
    pub address: Ipv4Addr,
    /// Its name there.
    pub dns_name: Arc<str>,
    /// Public ports and where they lead; a public port of 0 is any.
    pub ports: Vec<(u16, u16)>,
}

impl DeploymentReport {
    /// What it says in a few words, without ids.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Accepted { .. } | Self::Updated => "OK".to_owned(),
            Self::Page(page) => page.summary(),
            Self::Status(status) => status.summary(),
            Self::Info(info) => info.summary(),
            Self::Manifest(manifest) => manifest.summary(),
            Self::Logs(files) => files.summary(),
            Self::Ended { note, pending } => format!("{note}{}", still_held(*pending)),
            Self::Pruned(count) => format!("{count} pruned"),
            Self::Deleted => "deleted".to_owned(),
        }
    }
}

fn still_held(pending: u32) -> String {
    match pending {
        0 => String::new(),
        1 => "; pending: 1 peer has not given back what it held".to_owned(),
        n => format!("; pending: {n} peers have not given back what they held"),
    }
}

impl Page {
    /// `1 of 2: Running; more from 1`.
    fn summary(&self) -> String {
        let states: Vec<&str> = self.deployments.iter().map(|line| line.status.as_str()).collect();
        let mut text = format!("{} of {}", states.len(), self.total);
        if !states.is_empty() {
            write!(text, ": {}", states.join(", ")).expect("a text takes everything");
        }
        if let Some(next) = self.next_offset {
            write!(text, "; more from {next}").expect("a text takes everything");
        }
        text
    }
}

impl StatusReport {
    fn summary(&self) -> String {
        let why = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{}{why}{}", self.status.as_str(), still_held(self.pending))
    }
}

impl DeploymentInfo {
    fn summary(&self) -> String {
        let mut text = format!("{}; {}", self.status.summary(), self.manifest.summary());
        for detail in &self.allocations {
            let key = detail.id.split_once('_').map_or(&*detail.id, |(_, key)| key);
            if let Some(stats) = detail.executor_stats {
                let cores = stats.cpu_cores_milli as f64 / 1000.0;
                write!(text, "; {key} uses {cores} cores").expect("a text takes everything");
                if stats.restarts > 0 {
                    write!(text, " after {} restarts", stats.restarts).expect("a text takes everything");
                }
            }
            if let Some(files) = &detail.logs {
                write!(text, "; logs of {key}: {}", files.summary()).expect("a text takes everything");
            }
            if !detail.error.is_empty() {
                write!(text, "; {key}: {}", detail.error).expect("a text takes everything");
            }
        }
        text
    }
}

impl Manifest {
    /// `front.web running, back.db pending`, with what the orchestrator's own part is where it has one.
    fn summary(&self) -> String {
        let all = self.nodes.iter().flat_map(|node| &node.allocations);
        let one =
            |allocation: &ManifestAllocation| format!("{} {}", allocation.key, allocation.status.word());
        let own = self.joins.then(|| match self.orchestrator {
            Some(_) => "orchestrator joined".to_owned(),
            None => "orchestrator not joined".to_owned(),
        });
        all.map(one).chain(own).collect::<Vec<_>>().join(", ")
    }
}

impl LogFiles {
    fn summary(&self) -> String {
        let mut text = format!("stdout.log {} B, stderr.log {} B", self.stdout_bytes, self.stderr_bytes);
        if !self.last_line.is_empty() {
            write!(text, ": {}", self.last_line).expect("a text takes everything");
        }
        if !self.error.is_empty() {
            write!(text, " ({})", self.error).expect("a text takes everything");
        }
        text
    }
}
