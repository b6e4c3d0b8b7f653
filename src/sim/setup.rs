//! The resolved, typed description of one run: everything the world needs and nothing that it has to look up.
//!
//! The scenario room makes one from YAML; building one in Rust is meant to be as natural. Names are resolved,
//! defaults filled in, times integers; what a file may say and what a run does are different types on purpose.

mod clocks;
pub mod contracts;
mod costs;
mod deployments;
mod dynamic_dns;
mod faults;
mod flaps;
mod gateways;
mod images;
mod observability;
pub mod operations;
mod outages;
mod prints;
mod storage;
pub mod traffic;
mod when;

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

pub use self::clocks::{ClockPlan, Drift, Skew};
pub use self::contracts::{ContractAction, ContractPlan};
pub use self::costs::{Power, PriceDraw, TariffPlan};
pub use self::deployments::{Control, ControlKind, Which};
pub use self::dynamic_dns::DynamicDns;
pub use self::faults::{Direction, Fault, Selection, Trouble};
pub use self::flaps::Flaps;
pub use self::gateways::GatewayPlan;
pub use self::images::{Growth, Image, ImageBehaviour, Stalls, Stop, Uses};
pub use self::observability::ObserverPlan;
pub use self::operations::{
    Expected, Operation, OperationKind, Organization, Payload, Proof, Ssh, SshFrom, SubnetOrder, Withdrawn,
};
pub use self::outages::{Outage, Unit, UnitRepair};
pub use self::prints::Prints;
pub use self::storage::{Bucket, DataUse, StorageConfig, Writes};
pub use self::traffic::RequestStream;
pub use self::when::When;

use super::event::PeerId;
use crate::dms::capability::Form;
use crate::dms::ensemble::config::Location;
use crate::dms::ensemble::{EnsembleConfig, Executor};
use crate::dms::identity::SignatureMode;
use crate::dms::orchestrator::{Strategy, Wishes};
use crate::dms::profile::Profile;
pub use crate::dms::provider::Places;
use crate::kernel::{Span, Time, Timestamp, sample::Distribution};
use crate::net::{BandwidthConfig, NatShares, NetworkConfig};
use crate::placement::Mix;
use crate::workload::trace::replay::Survey;
use crate::workload::{
    ArrivalsConfig, ChurnConfig, ChurnStart, HardwareConfig, JobSource, Joins, PlaceConfig,
};

/// One run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The scenario's name.
    pub name: String,
    /// Governs every draw of the run.
    pub seed: u64,
    /// Simulated time that the run covers.
    pub duration: Span,
    /// What the peers' clocks read at the start.
    pub epoch: Timestamp,
    /// How faithful to the real DMS's weaknesses the peers are.
    pub profile: Profile,
    /// Real Ed25519 or its model; both decide the same.
    pub signatures: SignatureMode,
    /// What the workers of actors cost in simulated time.
    pub processing: Processing,
    /// The network between the peers.
    pub network: NetworkConfig,
    /// Whether peers say hello to those that they are connected to. Without hellos nobody lists neighbours, and what a
    /// returning peer has missed is asked for at once.
    pub hellos: bool,
    /// The organizations of the run, the public one included.
    pub organizations: Vec<Organization>,
    /// The peers, group by group; peers are numbered in this order.
    pub groups: Vec<PeerGroup>,
    /// Images that allocations may name, by reference; the built-in catalogue with the scenario's own on top.
    pub images: Vec<Image>,
    /// The contracts that are asked for, in the order of the file.
    pub contracts: Vec<ContractPlan>,
    /// What users ask for.
    pub workload: Vec<Deploy>,
    /// What operators do beside that, in the order of the file.
    pub operations: Vec<Operation>,
    /// What programs and users ask of what is deployed, in the order of the file.
    pub traffic: Vec<RequestStream>,
    /// Names for peers whose address changes; none unless the scenario says so.
    pub dynamic_dns: Option<DynamicDns>,
    /// What breaks, in the order of the file.
    pub faults: Vec<Fault>,
    /// Whose logs, events, traces and metrics are written.
    pub observability: Vec<ObserverPlan>,
    /// Choices that are compared between runs.
    pub strategy: Strategy,
    /// What the run must show.
    pub expect: Vec<Expectation>,
    /// The jobs that are to be expected, by which room on graphics cards is judged.
    pub expected_jobs: Arc<Mix>,
    /// The files that it was made from, with the SHA-256 of their bytes in hexadecimal.
    pub inputs: Vec<(String, String)>,
}

/// What handling a message costs the worker of its actor, in simulated time and the same in both signature modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processing {
    /// For each signature verified.
    pub signature: Span,
    /// For each message handled.
    pub message: Span,
}

impl Processing {
    /// 40 microseconds a signature, 20 a message.
    pub const DEFAULT: Self = Self { signature: Span::micros(40), message: Span::micros(20) };
    /// Costs nothing, for unit tests.
    pub const NONE: Self = Self { signature: Span::ZERO, message: Span::ZERO };

    /// What a message with so many signatures costs.
    #[must_use]
    pub fn of(self, signatures: u64) -> Span {
        self.signature.times(signatures) + self.message
    }
}

/// What the peers of a group are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Offers resources.
    Provider,
    /// Runs deployments for a user.
    Orchestrator,
    /// Attacks the others.
    Attacker,
    /// Relays for those whom nobody can dial.
    Relay,
    /// Is known to everybody from the start.
    Bootstrap,
    /// Hosts contracts.
    ContractHost,
    /// Computes what is to be paid under contracts, and checks that it was.
    PaymentValidator,
    /// Serves volumes.
    VolumeServer,
    /// Bids with virtual machines that it has made when they are wanted.
    Gateway,
    /// A virtual machine of a gateway.
    Machine,
}

/// Peers that are described together.
#[derive(Clone, Debug)]
pub struct PeerGroup {
    /// The group's name; faults and reports use it (`providers`, or what the scenario says).
    pub name: String,
    /// What its peers are for.
    pub role: Role,
    /// How many.
    pub count: u32,
    /// Names of single peers; the rest is called after the group and a number.
    pub names: Vec<String>,
    /// Their own profile, where it differs from the run's.
    pub profile: Option<Profile>,
    /// The organizations whose members they are.
    pub organizations: Vec<String>,
    /// How far the memberships go; none for outsiders, such as most attackers.
    pub membership: Option<Form>,
    /// Where they are.
    pub place: PlaceConfig,
    /// Where their nodes say that they are; none = where they are.
    pub location: Option<Location>,
    /// What their machines have.
    pub hardware: HardwareConfig,
    /// What part of a machine is onboarded; none for peers that offer nothing.
    pub onboard: Option<Onboard>,
    /// Links of this group, where they differ from the network's.
    pub bandwidth: Option<BandwidthConfig>,
    /// What stands before them, where it differs from the network's.
    pub nat: Option<NatShares>,
    /// When they come and go.
    pub churn: Option<(ChurnConfig, ChurnStart)>,
    /// How many of them are under repair at a time; none = as many as are down.
    pub repairers: Option<u32>,
    /// When they join, where not all are there from the start.
    pub joins: Option<Joins>,
    /// How their clocks are wrong; none = they are right.
    pub clock: Option<ClockPlan>,
    /// What their disks are like.
    pub storage: StorageConfig,
    /// What attackers try; none for everybody else.
    pub attack: Option<AttackPlan>,
    /// Whether its providers bid only for deployments that name contracts.
    pub require_contracts: bool,
    /// What its gateways can have made; none for everybody else.
    pub gateway: Option<GatewayPlan>,
    /// What its machines can run, in alphabetical order; of gateways, what those that they have made can.
    pub executors: Vec<Executor>,
    /// What its providers want to be paid; none where that is nobody's concern.
    pub tariff: Option<TariffPlan>,
    /// The power that its machines draw; none where nobody has said it.
    pub power: Option<Power>,
    /// How many allocations each of its machines runs at once; none = as many as there are resources for.
    pub places: Option<Places>,
    /// What organizations may have of each machine, in thousandths of what it offers.
    pub quotas: Vec<(String, u32)>,
}

impl PeerGroup {
    /// Whether its peers are in the same organizations as those of another group, in the same way.
    #[must_use]
    pub fn is_of_the_organizations_of(&self, other: &Self) -> bool {
        let sorted = |group: &Self| {
            let mut names = group.organizations.clone();
            names.sort_unstable();
            names
        };
        self.membership == other.membership && sorted(self) == sorted(other)
    }
}

/// What the attackers of a group try, each of them by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct AttackPlan {
    /// Which attack.
    pub kind: AttackKind,
    /// From when on.
    pub start: Time,
    /// Until when; none = to the end of the run.
    pub end: Option<Time>,
    /// Time between two attempts of one attacker.
    pub every: Span,
    /// Which part of the attempts are broadcasts, 0..=1.
    pub broadcasts: f64,
    /// At whom; attackers are never meant.
    pub targets: Selection,
}

/// The attacks (see `sim::attack`).
#[derive(Clone, PartialEq, Debug)]
pub enum AttackKind {
    /// Makes things up.
    Forger {
        /// What.
        forges: Vec<Forgery>,
    },
    /// Sends again what others have sent.
    Replayer,
    /// Uses tokens that were given to others.
    TokenThief,
    /// Passes on more than it was given.
    OverDelegator,
    /// Acts as many.
    Sybil {
        /// As how many.
        identities: u32,
    },
    /// Sends more than can be handled.
    Flooder {
        /// Messages at once.
        burst: u32,
    },
    /// A member that goes on after its membership was revoked.
    RevokedInsider {
        /// When it is revoked.
        revoked: Time,
        /// The part of the organization's other members that ever anchor the revocation, 0..=1.
        anchored: f64,
        /// How long after the revocation each of them does.
        delay: Distribution,
    },
    /// A member whose clock is wrong.
    ClockSkew {
        /// By so many nanoseconds; below zero it is behind.
        offset_ns: i64,
    },
}

impl AttackKind {
    /// Its name in scenarios and tables.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Forger { .. } => "forger",
            Self::Replayer => "replayer",
            Self::TokenThief => "token_thief",
            Self::OverDelegator => "over_delegator",
            Self::Sybil { .. } => "sybil",
            Self::Flooder { .. } => "flooder",
            Self::RevokedInsider { .. } => "revoked_insider",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }
}

/// What a forger makes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forgery {
    /// Tokens of others.
    Tokens,
    /// Signatures of others.
    Signatures,
    /// Another's DID above its own, valid membership (C2).
    Dids,
}

/// Parts of a machine that are offered, each in 0..=1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Onboard {
    /// Of the cores.
    pub cpu: f64,
    /// Of the memory.
    pub ram: f64,
    /// Of the disk.
    pub disk: f64,
}

/// Deployments that a user asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Deploy {
    /// Who asks, and orchestrates what it has asked for.
    pub by: Askers,
    /// The ensemble's name, for tables.
    pub name: String,
    /// What to deploy; of jobs their template.
    pub ensemble: Arc<EnsembleConfig>,
    /// When, and what is different about each.
    pub requested: Requested,
    /// How many at most.
    pub count: u32,
    /// Life of the request: the deployment must be running 15 s before it ends.
    pub timeout: Span,
    /// The user shuts it down so long after it was asked for; none = never.
    pub shutdown_after: Option<Distribution>,
    /// The names of the contracts under which it is to run.
    pub contracts: Vec<String>,
    /// What its owner wants otherwise than its orchestrator does it.
    pub wishes: Wishes,
}

/// When deployments are asked for, and what they are.
#[derive(Clone, PartialEq, Debug)]
pub enum Requested {
    /// All the same.
    Alike(ArrivalsConfig),
    /// Jobs: each takes the resources of the tasks of its template, and runs as long, as it says itself.
    Jobs {
        /// Where they come from.
        source: JobSource,
        /// What a trace has to say within this run; none of jobs that are made up.
        survey: Option<Survey>,
    },
}

/// Who asks for deployments: an orchestrator, or those of a group in turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Askers {
    /// The name of the peer or the group.
    pub name: String,
    /// Their numbers; one at least.
    pub peers: Range<u32>,
}

impl Askers {
    /// Who makes the request before which there were so many. It depends on nothing else, not even on who is up, so
    /// that runs which are compared have the same requests.
    #[must_use]
    pub fn after(&self, requests: u32) -> PeerId {
        self.numbered(u64::from(requests))
    }

    /// Who makes the requests of the user of this number: always the same.
    #[must_use]
    pub fn of_user(&self, user: u64) -> PeerId {
        self.numbered(user)
    }

    fn numbered(&self, number: u64) -> PeerId {
        PeerId(self.peers.start + (number % (self.peers.len() as u64).max(1)) as u32)
    }
}

/// A comparison that the finished run must fulfil: `deployments.succeeded_fraction >= 0.95`.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// The metric's name, as `dmsim list metrics` gives it.
    pub metric: String,
    /// The comparison.
    pub comparison: Comparison,
    /// The bound, in the metric's unit.
    pub bound: f64,
}

/// How a metric is compared with a bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Comparison {
    /// The sign in a scenario.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }

    /// Whether `value` fulfils it.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::Equal => value.total_cmp(&bound).is_eq(),
            Self::NotEqual => !value.total_cmp(&bound).is_eq(),
            Self::AtLeast => value >= bound,
            Self::More => value > bound,
        }
    }
}
