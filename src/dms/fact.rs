//! Facts: what an observer learns from a peer. A refusal is always one, even where the real network stays silent.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::Serialize;

use crate::dms::actor::{AllocationState, BehaviourKind, Printed, Rejection, Slot};
use crate::dms::contract::fact::ContractFact;
use crate::dms::ensemble::AllocationKind;
use crate::dms::identity::{Did, EnsembleId, PeerId};
use crate::dms::outbox::KillCause;
use crate::dms::provider::BidRefusal;
use crate::dms::resources::Resources;

/// State of a deployment (dms-orchestration section 1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum DeploymentStatus {
    /// Looking for bids.
    Preparing,
    /// Reserving and creating.
    Committing,
    /// Building the subnet and starting.
    Provisioning,
    /// All allocations started.
    Running,
    /// Replacing lost nodes while the rest runs.
    Updating,
    /// Ended without having run, or lost.
    Failed,
    /// Being torn down.
    ShuttingDown,
    /// Ended: its tasks are done or the user asked.
    Completed,
}

impl DeploymentStatus {
    /// Every state, in the order of a deployment's life.
    pub const ALL: [Self; 8] = [
        Self::Preparing,
        Self::Committing,
        Self::Provisioning,
        Self::Running,
        Self::Updating,
        Self::ShuttingDown,
        Self::Completed,
        Self::Failed,
    ];

    /// DMS's own word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "Preparing",
            Self::Committing => "Committing",
            Self::Provisioning => "Provisioning",
            Self::Running => "Running",
            Self::Updating => "Updating",
            Self::Failed => "Failed",
            Self::ShuttingDown => "ShuttingDown",
            Self::Completed => "Completed",
        }
    }
    /// Whether it is being ended, or has ended.
    #[must_use]
    pub const fn is_ending(self) -> bool {
        self.is_terminal() || matches!(self, Self::ShuttingDown)
    }
    /// Whether nothing can follow.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Failed | Self::Completed)
    }
}

/// The stage of a deployment at which something was refused or failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// The request of the user.
    Request,
    /// A provider's answer to a bid request.
    Bid,
    /// The orchestrator's judgement of a bid.
    Candidate,
    /// Reserving resources.
    Commit,
    /// Creating allocations.
    Allocate,
    /// Subnet, names and ports.
    Provision,
    /// Starting.
    Start,
    /// While it ran.
    Run,
    /// Undoing.
    Revert,
    /// Tearing down.
    Shutdown,
    /// The verification of the links between a candidate's peers.
    Edge,
    /// Turning the promise of a gateway into a machine.
    Convert,
}

impl Stage {
    /// The word in `refusals.csv`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Bid => "bid",
            Self::Candidate => "candidate",
            Self::Commit => "commit",
            Self::Allocate => "allocate",
            Self::Provision => "provision",
            Self::Start => "start",
            Self::Run => "run",
            Self::Revert => "revert",
            Self::Shutdown => "shutdown",
            Self::Edge => "edge",
            Self::Convert => "convert",
        }
    }
}

/// Something that an observer may want to know. Times and the peer are the observer's to add.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Fact {
    /// A message was dropped; the sender learns nothing.
    MessageRejected {
        /// Why.
        rejection: Rejection,
        /// What it would have called.
        behaviour: BehaviourKind,
        /// The deployment that it belongs to, where the message says so.
        ensemble: Option<EnsembleId>,
        /// Which token failed at which check.
        explanation: Option<Arc<str>>,
    },
    /// A hello was answered.
    HelloAnswered,
    /// A deployment exists.
    DeploymentAccepted(EnsembleId),
    /// The user's request was turned down.
    DeploymentRefused(Arc<str>),
    /// A deployment changed its state.
    DeploymentStatus {
        /// Which.
        ensemble: EnsembleId,
        /// The new state.
        status: DeploymentStatus,
        /// For a terminal state, why.
        reason: Option<Arc<str>>,
    },
    /// A bid round opened.
    RoundOpened {
        /// The deployment.
        ensemble: EnsembleId,
        /// The round's nonce.
        nonce: u64,
        /// Nodes asked for.
        nodes: u16,
    },
    /// A provider made a bid.
    BidMade(EnsembleId),
    /// A provider did not bid for a node.
    BidRefused {
        /// The deployment.
        ensemble: EnsembleId,
        /// The reason.
        refusal: BidRefusal,
    },
    /// The orchestrator kept a bid.
    BidAccepted(EnsembleId),
    /// A node was refused or given up at a stage.
    StageFailed {
        /// The deployment.
        ensemble: EnsembleId,
        /// Where.
        stage: Stage,
        /// Why, in words.
        reason: Arc<str>,
    },
    /// A provider reserved resources.
    Committed {
        /// Full id of the allocation.
        allocation: Arc<str>,
        /// See `Commit::generation`.
        generation: u32,
        /// How much.
        resources: Resources,
    },
    /// A provider created an allocation.
    AllocationCreated {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
    },
    /// A provider gave an allocation its address in the ensemble's subnet.
    AddressGiven {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// The address.
        address: Ipv4Addr,
    },
    /// An allocation knows the names of its ensemble, among them its own.
    Named {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// The name that leads to its address.
        name: Arc<str>,
    },
    /// A public port of the provider leads to an allocation.
    PortMapped {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// The port outside.
        public: u16,
        /// The port inside.
        private: u16,
    },
    /// An allocation changed its state on the provider.
    AllocationState {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// The new state.
        state: AllocationState,
        /// The exit code of a task.
        exit_code: Option<i32>,
    },
    /// A provider gave resources back: an allocation was released, a commit undone or its lease has run out.
    Released {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// Whether nobody asked: the lease ran out.
        lapsed: bool,
    },
    /// A supervisor holds an allocation to be in trouble.
    Suspected {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// What it noticed.
        cause: Suspicion,
    },
    /// An allocation is being restarted in place.
    RestartOrdered {
        /// Full id.
        allocation: Arc<str>,
    },
    /// A node is being placed anew.
    RedeploymentStarted {
        /// The deployment.
        ensemble: EnsembleId,
        /// The node.
        node: Arc<str>,
        /// The new generation of its allocations.
        generation: u32,
    },
    /// A broadcast went out that no organization lets this node make; whoever gets it will drop it.
    SentWithoutAuthority {
        /// What it asks to call.
        behaviour: BehaviourKind,
        /// The deployment that it is for.
        ensemble: Option<EnsembleId>,
    },
    /// An operator's call was answered, or what it asked for was done. A broadcast may be answered many times.
    OperationAnswered {
        /// The number that the operator gave it.
        operation: u32,
        /// The answer in a few words, without ids.
        answer: Arc<str>,
    },
    /// An operator's call was answered with "no", or could not be carried out.
    OperationRefused {
        /// The number that the operator gave it.
        operation: u32,
        /// Why.
        reason: Arc<str>,
    },
    /// Nobody answered an operator's call in time.
    OperationUnanswered {
        /// The number that the operator gave it.
        operation: u32,
        /// What the node knows about it.
        reason: Arc<str>,
    },
    /// Tokens that another node sent to be anchored were not.
    AnchorRefused {
        /// Where they were for.
        slot: Slot,
        /// Why.
        reason: Arc<str>,
    },
    /// A revocation holds here from now on; the number is the fingerprint of its key.
    RevocationAnchored(u128),
    /// An orchestrator that has started again has taken up a deployment.
    DeploymentRestored {
        /// Which.
        ensemble: EnsembleId,
        /// Its state as it was stored.
        status: DeploymentStatus,
    },
    /// A provider that has started again has taken up an allocation.
    AllocationRestored {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
    },
    /// A provider's executor could not terminate what is to be released: it goes on holding its resources.
    NotTerminated {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// Why, in the executor's words.
        reason: Arc<str>,
    },
    /// A machine offers this much from now on.
    Onboarded(Resources),
    /// A machine offers nothing any more.
    Offboarded,
    /// A machine's offer was not changed, and why.
    OnboardingRefused(Arc<str>),
    /// Something about a contract.
    Contract {
        /// Which.
        contract: Did,
        /// What.
        what: ContractFact,
    },
    /// An update has changed what a deployment consists of.
    DeploymentReshaped {
        /// Which.
        ensemble: EnsembleId,
        /// What it consists of from now on.
        allocations: Vec<Role>,
    },
    /// Something about a virtual machine of a gateway.
    Machine {
        /// The ensemble for which it was made, as far as it is known.
        ensemble: Option<EnsembleId>,
        /// The number under which the gateway has ordered it.
        machine: u32,
        /// What.
        what: MachineFact,
    },
    /// An orchestrator's node has an address in the subnet of its ensemble.
    SubnetJoined {
        /// Which.
        ensemble: EnsembleId,
        /// The address.
        address: Ipv4Addr,
    },
    /// An executor did something to an allocation that nobody had asked for.
    Container {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// What.
        what: ContainerFact,
    },
    /// A report of another node told so many of its secrets.
    SecretsSeen(u32),
    /// Enough copies of a node's tasks agree on what they came to.
    ResultDecided {
        /// The deployment.
        ensemble: EnsembleId,
        /// The node.
        node: Arc<str>,
        /// What its tasks printed; empty when they agree on an error.
        results: Vec<Printed>,
        /// How many copies agree.
        agreed: u32,
        /// Out of how many.
        votes: u32,
    },
    /// A standby orchestrator goes on with a deployment.
    DeploymentHandedOver {
        /// Which.
        ensemble: EnsembleId,
        /// Counts its orchestrators.
        term: u32,
    },
    /// A former orchestrator has learnt that it is one.
    DeploymentSuperseded {
        /// The deployment.
        ensemble: EnsembleId,
        /// That of the present one.
        term: u32,
    },
    /// An orchestrator has looked at the result of a task.
    ResultChecked {
        /// Full id.
        allocation: Arc<str>,
        /// Its generation.
        generation: u32,
        /// Who told it.
        provider: PeerId,
        /// What came of it.
        judgement: Judgement,
    },
    /// A deployment waits until its node has fewer others to work on.
    DeploymentQueued(EnsembleId),
    /// A provider that wants to be paid has won a node.
    NodeAwarded {
        /// The deployment.
        ensemble: EnsembleId,
        /// The node.
        node: Arc<str>,
        /// The provider.
        provider: PeerId,
        /// What it will be paid, in millionths per hour.
        paid_micro_per_h: u64,
    },
}

/// What an orchestrator makes of a result that it does not just take.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Judgement {
    /// It was checked and is right.
    Right,
    /// It was checked and is wrong: its provider is caught.
    Wrong,
    /// Its provider had been caught before, so nobody checks it, and it does not count.
    Distrusted,
}

impl Judgement {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Distrusted => "distrusted",
        }
    }
}

/// What an executor does to an allocation that nobody has asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContainerFact {
    /// It has ended with this exit code and is started again, for its restart policy says so.
    Restarted(i32),
    /// It was killed.
    Killed(KillCause),
}

/// What an allocation is to its deployment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Role {
    /// `node.allocation`.
    pub allocation: Arc<str>,
    /// What it serves: the same, or for one of a standby that of its primary.
    pub service: Arc<str>,
    /// Task or service.
    pub kind: AllocationKind,
    /// Whether it is meant to run now.
    pub is_wanted: bool,
}

/// What becomes of a virtual machine.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MachineFact {
    /// It was ordered.
    Ordered,
    /// It is up.
    Up,
    /// It was handed over to the orchestrator that it was promised to.
    Given,
    /// It will not do, and why.
    Failed(Arc<str>),
    /// It was deleted, and why.
    Deleted(Arc<str>),
}

/// What made a supervisor suspect an allocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Suspicion {
    /// Three health checks in a row failed or went unanswered.
    HealthCheck,
    /// No heartbeat for too long.
    Stale,
    /// It ended by itself.
    Ended,
}
