//! The typed result of loading an ensemble file: `EnsembleConfig`, version V1.
//!
//! Everything here has passed validation: names resolve, amounts are integers in base units, defaults are filled in.
//! Absent recovery strategies stay `None`, so that the scenario can decide for them. The fields follow
//! dms-acceptance 5.2.
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::dms::resources::Resources;
use crate::kernel::time::Span;

/// Everything that one ensemble file says, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EnsembleConfig {
    /// The containers to run, by name; never empty.
    pub allocations: IndexMap<Arc<str>, AllocationConfig>,
    /// The machines to find, by name. An allocation that no node lists is legal and never placed.
    pub nodes: IndexMap<Arc<str>, NodeConfig>,
    /// Limits on the links between two nodes (`edge_constraints` in the file).
    pub edges: Vec<EdgeConstraint>,
    /// The root of the supervision tree, when one is written.
    pub supervisor: Option<SupervisorConfig>,
    /// Provision scripts by name: the bytes as they are sent.
    #[serde(serialize_with = "as_texts")]
    pub scripts: IndexMap<Arc<str>, Arc<[u8]>>,
    /// Old form of ssh keys: name to path.
    pub keys: IndexMap<Arc<str>, Arc<str>>,
    /// The ensemble's virtual network.
    pub subnet: SubnetConfig,
    /// Peer ids that must not be used.
    pub exclude_peers: Vec<Arc<str>>,
    /// Free labels, for filters.
    pub metadata: IndexMap<Arc<str>, Arc<str>>,
    /// Contracts that must hold with the providers, by name.
    pub contracts: IndexMap<Arc<str>, ContractConfig>,
    /// What to do when recovery of a node has failed; `None` when not written.
    pub escalation_strategy: Option<EscalationStrategy>,
}

impl EnsembleConfig {
    /// The configurations of a node's allocations, in the node's order. An unknown node has none.
    pub fn allocations_of<'a>(
        &'a self,
        node: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a AllocationConfig)> + use<'a> {
        let names = self.nodes.get(node).map_or(&[][..], |node| node.allocations.as_slice());
        names.iter().filter_map(|name| self.allocations.get_key_value(name))
    }

    /// Whether every allocation is a task, so that the deployment completes by itself (dms-orchestration 3.1).
    pub fn is_task_only(&self) -> bool {
        self.allocations.values().all(|allocation| allocation.kind == AllocationKind::Task)
    }
}

/// Writes scripts as the texts that they are.
fn as_texts<S: Serializer>(scripts: &IndexMap<Arc<str>, Arc<[u8]>>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(scripts.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes))))
}

/// One container (or virtual machine) to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct AllocationConfig {
    /// Whether it is meant to end by itself.
    pub kind: AllocationKind,
    /// What runs it; always the same as that of `execution`.
    pub executor: Executor,
    /// What it needs of the machine.
    pub resources: Resources,
    /// What to run.
    pub execution: ExecutionConfig,
    /// Its name in the ensemble's subnet, without `.internal`; the allocation's name when not written.
    pub dns_name: Arc<str>,
    /// Keys to install.
    pub keys: Vec<KeyConfig>,
    /// Names of scripts to run before the start, in order.
    pub provision: Vec<Arc<str>>,
    /// How to tell that it works.
    pub healthcheck: Option<HealthCheckConfig>,
    /// Volumes to mount.
    pub volumes: Vec<VolumeConfig>,
    /// What to do when it fails; `None` when not written (DMS then means `stay_down`).
    pub failure_recovery: Option<AllocationRecovery>,
    /// Allocations of the same node that must have started before, in the order of the file.
    pub depends_on: Vec<Arc<str>>,
}

impl AllocationConfig {
    /// Its whole name in the ensemble's subnet.
    #[must_use]
    pub fn subnet_name(&self) -> Arc<str> {
        format!("{}.internal", self.dns_name).into()
    }
}

#[cfg(test)]
impl AllocationConfig {
    /// One that runs nothing and says nothing more of itself.
    pub(in crate::dms) fn bare(
        name: &str,
        kind: AllocationKind,
        executor: Executor,
        resources: Resources,
    ) -> Self {
        Self {
            kind,
            executor,
            resources,
            execution: ExecutionConfig::Null,
            dns_name: name.into(),
            keys: Vec::new(),
            provision: Vec::new(),
            healthcheck: None,
            volumes: Vec::new(),
            failure_recovery: None,
            depends_on: Vec::new(),
        }
    }
}

/// A closed set of words of the ensemble format.
pub trait Word: Sized + 'static {
    /// Every word, in the order in which messages list them.
    const WORDS: &'static [&'static str];

    /// The value that a word of the file stands for.
    fn from_word(word: &str) -> Option<Self>;
}

/// Declares a closed set of words of the ensemble format with the words themselves.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl $name {
            /// The word of the file.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

words! {
    /// The nature of an allocation.
    AllocationKind {
        /// Runs until it is shut down; an exit is a failure.
        Service = "service",
        /// Runs to its end.
        Task = "task",
    }
}

words! {
    /// What can run an allocation.
    Executor {
        /// Containers through docker.
        Docker = "docker",
        /// Containers through containerd, with docker's fields.
        Containerd = "containerd",
        /// Micro virtual machines.
        Firecracker = "firecracker",
        /// Nothing at all: for tests.
        Null = "null",
    }
}

words! {
    /// What to do when an allocation fails.
    AllocationRecovery {
        /// Nothing.
        StayDown = "stay_down",
        /// Restart it alone.
        OneForOne = "one_for_one",
        /// Restart all of its supervisor group, else of its node.
        OneForAll = "one_for_all",
        /// Restart it and those declared after it.
        RestForOne = "rest_for_one",
    }
}

words! {
    /// What to do when a node fails.
    NodeRecovery {
        /// Nothing.
        StayDown = "stay_down",
        /// Start again on the same peer.
        Restart = "restart",
        /// Find another peer.
        Redeploy = "redeploy",
    }
}

words! {
    /// What to do with the deployment when recovery has failed.
    EscalationStrategy {
        /// Deploy everything anew.
        Redeploy = "redeploy",
        /// Shut the deployment down.
        Teardown = "teardown",
    }
}

words! {
    /// What a supervisor restarts when one of its allocations fails.
    SupervisorStrategy {
        /// That one.
        OneForOne = "OneForOne",
        /// All of them.
        AllForOne = "AllForOne",
        /// That one and those after it.
        RestForOne = "RestForOne",
    }
}

words! {
    /// Docker's own restart policy.
    RestartPolicy {
        /// Never.
        No = "no",
        /// After an exit code other than 0.
        OnFailure = "on-failure",
        /// Whenever it ends.
        Always = "always",
        /// Whenever it ends, unless somebody stopped it.
        UnlessStopped = "unless-stopped",
    }
}

words! {
    /// The kind of a key to install.
    KeyKind {
        /// An ssh public key.
        Ssh = "ssh",
        /// A gpg key.
        Gpg = "gpg",
    }
}

/// What to run, by executor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionConfig {
    /// A container.
    Docker(ContainerConfig),
    /// A container, through containerd.
    Containerd(ContainerConfig),
    /// A micro virtual machine.
    Firecracker(FirecrackerConfig),
    /// Nothing.
    Null,
}

impl ExecutionConfig {
    /// The executor that this needs.
    pub const fn executor(&self) -> Executor {
        match self {
            Self::Docker(_) => Executor::Docker,
            Self::Containerd(_) => Executor::Containerd,
            Self::Firecracker(_) => Executor::Firecracker,
            Self::Null => Executor::Null,
        }
    }

    /// The container, when it is one.
    pub const fn container(&self) -> Option<&ContainerConfig> {
        match self {
            Self::Docker(container) | Self::Containerd(container) => Some(container),
            Self::Firecracker(_) | Self::Null => None,
        }
    }
}

/// A container to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ContainerConfig {
    /// The image's reference, as written.
    pub image: Arc<str>,
    /// Replaces the image's entry point when not empty.
    pub entrypoint: Vec<Arc<str>>,
    /// Replaces the image's command when not empty.
    pub cmd: Vec<Arc<str>>,
    /// `KEY=VALUE` strings, in the order of the file.
    pub environment: Vec<Arc<str>>,
    /// The directory to start in.
    pub working_directory: Option<Arc<str>>,
    /// Docker's own restarts.
    pub restart_policy: Option<RestartPolicy>,
    /// The user to run as.
    pub user: Option<Arc<str>>,
    /// How to log in to the image's registry.
    pub registry_auth: Option<RegistryAuth>,
}

/// A login to an image registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct RegistryAuth {
    /// The user.
    pub username: Arc<str>,
    /// The password, as written.
    pub password: Arc<str>,
}

/// A micro virtual machine to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct FirecrackerConfig {
    /// Path of the kernel.
    pub kernel_image: Arc<str>,
    /// Path of the root file system.
    pub root_file_system: Arc<str>,
    /// The kernel's command line.
    pub kernel_args: Option<Arc<str>>,
    /// Path of the initial ram disk.
    pub initrd: Option<Arc<str>>,
}

/// A key to install in an allocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct KeyConfig {
    /// What kind of key.
    pub kind: KeyKind,
    /// The file that holds it.
    pub file: Arc<str>,
    /// Where to put it; an ssh key needs none.
    pub destination: Option<Arc<str>>,
}

/// How to tell that an allocation works.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct HealthCheckConfig {
    /// What is asked.
    pub probe: HealthProbe,
    /// The time between two checks as written. DMS parses it and checks every 30 s all the same
    /// (dms-orchestration 3.4).
    pub interval: Option<Span>,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthProbe {
    /// Runs a command inside; healthy when it exits with 0 and its output contains the expected text.
    Command {
        /// The command and its arguments; never empty.
        exec: Vec<Arc<str>>,
        /// The text that the output must contain.
        expected: Option<Arc<str>>,
    },
    /// Gets a page; healthy when the whole body equals the expected text.
    Http {
        /// The address to get; never empty.
        endpoint: Arc<str>,
        /// What the body must be.
        expected: Option<Arc<str>>,
    },
}

/// A volume to mount.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct VolumeConfig {
    /// Its name, when it has one.
    pub name: Option<Arc<str>>,
    /// Where the data is.
    pub source: VolumeSource,
    /// Where it appears inside the allocation.
    pub mount_destination: Arc<str>,
    /// Whether writing is refused.
    pub read_only: bool,
}

/// Where a volume's data is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeSource {
    /// A directory or a named volume of the provider.
    Local {
        /// An absolute path or a name.
        src: Arc<str>,
    },
    /// A volume of a gluster cluster.
    Glusterfs {
        /// The cluster's servers; never empty.
        servers: Vec<Arc<str>>,
        /// The client's private key, if any.
        client_private_key: Option<Arc<str>>,
        /// The client's certificate, if any.
        client_pem: Option<Arc<str>>,
        /// The certificate authority, if any.
        client_ca: Option<Arc<str>>,
    },
}

/// One machine to find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NodeConfig {
    /// The allocations that run there; each is in one node at most.
    pub allocations: Vec<Arc<str>>,
    /// Ports to map.
    pub ports: Vec<PortConfig>,
    /// Where it may be.
    pub location: LocationConstraints,
    /// Pins the node to one peer: no broadcast.
    pub peer: Option<Arc<str>>,
    /// How many standby nodes to add.
    pub redundancy: u32,
    /// What to do when it fails; `None` when not written (DMS then means `stay_down`).
    pub failure_recovery: Option<NodeRecovery>,
}

/// A port of an allocation that the provider's public address maps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PortConfig {
    /// The public port; 0 means any.
    pub public: u16,
    /// The port inside; never 0.
    pub private: u16,
    /// The allocation that listens.
    pub allocation: Arc<str>,
}

/// Where a node may be. When `accept` is not empty, `reject` is ignored (dms-acceptance 5.2, semantics).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LocationConstraints {
    /// One of these must match, when there is any.
    pub accept: Vec<Location>,
    /// None of these may match.
    pub reject: Vec<Location>,
}

impl LocationConstraints {
    /// Whether a peer's location satisfies the constraints.
    pub fn are_satisfied_by(&self, place: &Location) -> bool {
        if self.accept.is_empty() {
            !self.reject.iter().any(|constraint| constraint.matches(place))
        } else {
            self.accept.iter().any(|constraint| constraint.matches(place))
        }
    }
}

/// A place, or a constraint on places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Location {
    /// The continent; the only part that a constraint must have.
    pub continent: Arc<str>,
    /// The country.
    pub country: Option<Arc<str>>,
    /// The city; only with a country.
    pub city: Option<Arc<str>>,
    /// The autonomous system's number.
    pub asn: Option<u32>,
    /// The provider of the connection.
    pub isp: Option<Arc<str>>,
}

impl Location {
    /// Whether `place` is inside this constraint: continents are always compared, the rest where the constraint sets
    /// it (`Location.Equal`, dms-orchestration 6.1).
    pub fn matches(&self, place: &Self) -> bool {
        fn agrees<T: PartialEq>(wanted: Option<&T>, actual: Option<&T>) -> bool {
            wanted.is_none() || wanted == actual
        }
        self.continent == place.continent
            && agrees(self.country.as_ref(), place.country.as_ref())
            && agrees(self.city.as_ref(), place.city.as_ref())
            && agrees(self.asn.as_ref(), place.asn.as_ref())
            && agrees(self.isp.as_ref(), place.isp.as_ref())
    }
}

/// A limit on the link between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct EdgeConstraint {
    /// The node that measures (`S`).
    pub source: Arc<str>,
    /// The other node (`T`).
    pub target: Arc<str>,
    /// Round trip at most, in milliseconds; 0 = no limit.
    pub rtt_ms: u64,
    /// Bandwidth at least, in bits a second; 0 = no limit.
    pub bandwidth_bits_per_s: u64,
}

/// One supervisor of the supervision tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SupervisorConfig {
    /// What it restarts; `None` when not written.
    pub strategy: Option<SupervisorStrategy>,
    /// The allocations of its group, in order.
    pub allocations: Vec<Arc<str>>,
    /// The supervisors below.
    pub children: Vec<Self>,
}

/// The ensemble's virtual network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubnetConfig {
    /// Whether the orchestrator joins it too.
    pub join: bool,
}

/// A contract that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContractConfig {
    /// The contract's DID.
    pub did: Arc<str>,
    /// The DID of the host that keeps it.
    pub host: Option<Arc<str>>,
}
