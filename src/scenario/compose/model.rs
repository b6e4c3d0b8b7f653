//! What is written: the part of the ensemble format that compose files can fill.

use indexmap::IndexMap;
use serde::Serialize;

/// An ensemble.
#[derive(Serialize, Default)]
pub(super) struct Ensemble {
    version: Version,
    /// Free labels.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub metadata: IndexMap<String, String>,
    /// What to run.
    pub allocations: IndexMap<String, Allocation>,
    nodes: IndexMap<&'static str, Node>,
}

#[derive(Serialize, Default)]
enum Version {
    #[default]
    V1,
}

impl Ensemble {
    /// Puts everything on one node.
    pub(super) fn place(&mut self, node: &'static str, ports: Vec<Port>) {
        let allocations = self.allocations.keys().cloned().collect();
        self.nodes.insert(node, Node { allocations, ports });
    }

    /// The file, with a line about where it comes from.
    pub(super) fn write(&self, from: &str) -> String {
        let yaml = serde_saphyr::to_string(self).expect("texts, numbers and lists can be written");
        let from: String = from.chars().filter(|c| !c.is_control()).collect();
        format!("# Translated from {from}.\n{yaml}")
    }
}

/// A machine.
#[derive(Serialize)]
struct Node {
    allocations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<Port>,
}

/// A mapped port.
#[derive(Serialize)]
pub(super) struct Port {
    /// On the machine; 0 = any.
    pub public: u16,
    /// Inside.
    pub private: u16,
    /// Who listens.
    pub allocation: String,
}

/// A container.
#[derive(Serialize)]
pub(super) struct Allocation {
    /// `service` or `task`.
    pub r#type: &'static str,
    /// Always docker.
    pub executor: &'static str,
    /// What it needs.
    pub resources: Resources,
    /// What it runs.
    pub execution: Execution,
    /// What starts before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How to tell that it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<HealthCheck>,
    /// What it mounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume: Vec<Volume>,
}

/// What a container runs.
#[derive(Serialize, Default)]
pub(super) struct Execution {
    /// Always docker.
    pub r#type: &'static str,
    /// The image.
    pub image: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<&'static str>,
}

/// What a container needs.
#[derive(Serialize)]
pub(super) struct Resources {
    pub cpu: Cpu,
    pub ram: Sized,
    pub disk: Sized,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Gpu>,
}

#[derive(Serialize)]
pub(super) struct Cpu {
    pub cores: Cores,
}

/// A number of cores; whole ones are written without decimals.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Cores {
    Whole(u64),
    Part(f64),
}

#[derive(Serialize)]
pub(super) struct Sized {
    pub size: String,
}

#[derive(Serialize, Clone)]
pub(super) struct Gpu {
    pub vendor: &'static str,
}

#[derive(Serialize)]
pub(super) struct HealthCheck {
    pub r#type: &'static str,
    pub exec: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Volume {
    pub r#type: &'static str,
    pub src: String,
    pub mount_destination: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}
