//! What a node is configured with, as its status report tells it (dms-capabilities section 9.3). It is gathered from
//! the parts of the node that go by it when somebody asks, and kept nowhere.

use std::sync::Arc;

use serde::Serialize;

use super::limiter::Limits;
use crate::dms::contract::ContractsConfig;
use crate::dms::ensemble::{Executor, Location};
use crate::dms::gateway::GatewayConfig;
use crate::dms::observability::{FileConfig, Label};
use crate::dms::orchestrator::Strategy;

/// The whole of a node's configuration, as far as it matters to what the node does.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Configuration {
    /// Where the machine is.
    pub location: Location,
    /// What can run allocations here.
    pub executors: Vec<Executor>,
    /// How many handlers may run at once.
    pub limits: Limits,
    /// The choices that deployments follow.
    pub strategy: Strategy,
    /// Under which contracts it bids, and what currencies are worth.
    pub contracts: ContractsConfig,
    /// The machines that it can have made, where it is a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayConfig>,
    /// How it logs; none where nothing was said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logger: Option<LoggerReport>,
}

/// How a node logs: what it was configured with, and what was changed since it started. Of a key it is told that there
/// is one, and as-is the key itself (C13).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct LoggerReport {
    /// From which level on.
    pub level: Option<Arc<str>>,
    /// How long records wait for their way to Elasticsearch, in milliseconds.
    pub flush_interval_ms: Option<u64>,
    /// Where Elasticsearch is.
    pub elastic_url: Option<Arc<str>>,
    /// Whether it has a key for it.
    pub has_api_key: bool,
    /// The key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Arc<str>>,
    /// Where traces go.
    pub apm_url: Option<Arc<str>>,
    /// Whether records go to Elasticsearch at all.
    pub elastic: Option<bool>,
    /// What does not change while it runs; none where nothing was configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Box<FixedLogging>>,
}

/// What of a node's logging was configured for good.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct FixedLogging {
    /// Whether records are printed.
    pub console: bool,
    /// The log file.
    pub file: Option<FileConfig>,
    /// Whether the event bus is on.
    pub events: bool,
    /// As which service traces go.
    pub apm_service: Arc<str>,
    /// In which environment.
    pub apm_environment: Arc<str>,
    /// Whether metrics are exported.
    pub metrics: bool,
    /// Records with one of these labels stay away from Elasticsearch.
    pub skip: Vec<Label>,
    /// Whether everything is silenced.
    pub no_op: bool,
}
