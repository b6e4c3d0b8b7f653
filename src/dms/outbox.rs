//! What goes into a peer and what comes out of it.
//!
//! The driver (the simulator, or a real node's event loop) owns the [`Outbox`], hands it to `Peer::handle` together
//! with one [`Input`], and carries out what it finds there before the next call.

use std::sync::Arc;

use crate::dms::actor::{
    DeploymentRequest, Envelope, ExecutorStats, Message, NewDeployment, Output, Stream, Worker,
};
use crate::dms::capability::Token;
use crate::dms::contract::model::Blockchain;
use crate::dms::contract::order::ContractOrder;
use crate::dms::contract::payments::Transfer;
use crate::dms::ensemble::AllocationConfig;
use crate::dms::fact::Fact;
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::node::Order;
use crate::dms::orchestrator::Wishes;
use crate::dms::resources::Resources;
use crate::dms::storage::MountOrder;
use crate::dms::system::System;
use crate::kernel::{Span, Timestamp, random::Rng};

/// Something that happens to a peer.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A message has come in over the network.
    Arrival {
        /// The message.
        envelope: &'a Envelope,
        /// Its length as it travelled.
        bytes: u64,
        /// The host at the other end of the connection, as the transport has authenticated it; none for a gossiped
        /// message, which comes by way of others.
        transport: Option<&'a PeerId>,
    },
    /// A worker of the peer has got to a message that was admitted.
    Dispatch(&'a Envelope),
    /// A timer has run out.
    Timer(Timer),
    /// A user wants something.
    Command(Command),
    /// The executor reports.
    Execution(Execution),
    /// The process has started, for the first time or again. What was stored is taken up.
    Started(Remains),
    /// A connection to another peer has opened.
    Connected(Arc<Handle>),
    /// A connection to another peer that was interrupted works again.
    Reconnected(Arc<Handle>),
    /// What a chain shows for a hash that was looked up.
    Transfer {
        /// The hash.
        tx_hash: Arc<str>,
        /// The transfer, if there is one.
        found: Option<Transfer>,
    },
    /// What has become of a virtual machine that was ordered.
    Machine(MachineReport),
}

/// What is there when a process starts, whether or not it knows of it.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// The runs that went on without it, as the executor reports them.
    pub running: Vec<RunId>,
    /// The runs that its executor is starting again by itself, for their restart policy says so.
    pub rising: Vec<RunId>,
    /// The virtual machines of a gateway, up or not, by the numbers under which they were ordered.
    pub machines: Vec<u32>,
    /// The directories with the data of volumes that it serves, or has served.
    pub bricks: Vec<Arc<str>>,
}

/// What has become of a virtual machine, by the number under which it was ordered.
#[derive(Clone, Debug)]
pub enum MachineReport {
    /// It is up, and its node is this one.
    Up(u32, Arc<Handle>),
    /// It does not come up, and why; nothing is left of it.
    Failed(u32, Arc<str>),
}

/// What a user of a node can ask of it.
#[derive(Clone, Debug)]
pub enum Command {
    /// `/dms/node/deployment/new`.
    Deploy {
        /// What to deploy.
        new: Box<NewDeployment>,
        /// Expiry of the request.
        expire: Timestamp,
        /// What its owner wants otherwise than the node does it.
        wishes: Wishes,
    },
    /// `/dms/node/deployment/shutdown`.
    Shutdown(EnsembleId),
    /// `/dms/cap/revoke/anchor`: these tokens are withdrawn.
    AnchorRevocations(Arc<[Arc<Token>]>),
    /// Anything beside deployments.
    Operate {
        /// A number of the operator's own, to tell the outcome.
        operation: u32,
        /// What.
        order: Box<Order>,
    },
    /// `/dms/node/deployment/new` at the node's own command line; the answer is told.
    New {
        /// A number of the operator's own, to tell the outcome.
        operation: u32,
        /// What to deploy.
        new: Box<NewDeployment>,
        /// Expiry of the request.
        expire: Timestamp,
    },
    /// Another of `/dms/node/deployment/...` at the node's own command line.
    Control {
        /// A number of the operator's own, to tell the outcome.
        operation: u32,
        /// What.
        request: Box<DeploymentRequest>,
        /// Expiry of the request.
        expire: Timestamp,
    },
    /// Something about contracts.
    Contract {
        /// A number of the operator's own, to tell the outcome; none = nobody waits for it.
        operation: Option<u32>,
        /// What.
        order: Box<ContractOrder>,
    },
}

/// One start of one allocation on a provider; a restart is another run of the same slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RunId {
    /// The allocation's number on its peer.
    pub slot: u32,
    /// Counts its starts.
    pub run: u32,
}

/// What the executor reports.
#[derive(Clone, Debug)]
pub enum Execution {
    /// It runs.
    Started(RunId),
    /// It could not be started.
    StartFailed(RunId, Arc<str>),
    /// It has ended by itself.
    Exited {
        /// Which.
        run: RunId,
        /// Its exit code.
        code: i32,
        /// What it printed.
        output: Output,
    },
    /// It has ended by itself, and its executor starts it again, for its restart policy says so; its exit code.
    Restarting(RunId, i32),
    /// It was killed.
    Killed(RunId, KillCause),
    /// The answer to the health probe of this number.
    Probed(RunId, u32, Health),
    /// What it uses; none when it is not up.
    Stats(RunId, Option<ExecutorStats>),
    /// What it has printed so far: the stream that was asked for, from where on, and its whole text.
    Log {
        /// Which.
        run: RunId,
        /// What was asked for.
        stream: Stream,
        /// From which byte on.
        offset: u64,
        /// All of the stream.
        text: Arc<str>,
    },
    /// What was to be terminated is gone; its exit code, where there was anything to give one.
    Terminated(RunId, Option<i32>),
    /// It could not be terminated, and is still there.
    NotTerminated(RunId, Arc<str>),
    /// Its volumes are mounted.
    Mounted(RunId),
    /// They could not be mounted.
    NotMounted(RunId, Arc<str>),
    /// It could not write to a volume.
    NotWritten(RunId, Arc<str>),
}

impl Execution {
    /// The run that it is about.
    #[must_use]
    pub const fn run(&self) -> RunId {
        match self {
            Self::Started(run)
            | Self::StartFailed(run, _)
            | Self::Restarting(run, _)
            | Self::Killed(run, _)
            | Self::Probed(run, ..)
            | Self::Stats(run, _)
            | Self::Exited { run, .. }
            | Self::Log { run, .. }
            | Self::Terminated(run, _)
            | Self::NotTerminated(run, _)
            | Self::Mounted(run)
            | Self::NotMounted(run, _)
            | Self::NotWritten(run, _) => *run,
        }
    }
}

/// Why an executor killed something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KillCause {
    /// It wanted more memory than it was given.
    OutOfMemory,
    /// It went on after it was told to end.
    Deaf,
}

/// What comes of a health probe.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Health {
    /// All is well.
    Good,
    /// The answer is not what is expected, or there is nobody to ask.
    Bad,
    /// There is no answer within the time that was given.
    TimedOut,
}

/// What the executor is asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Fetch the image if need be and start.
    Start(RunId, Arc<AllocationConfig>),
    /// Stop, to be started again.
    Stop(RunId),
    /// Stop for good and remove; the executor reports whether it could.
    Terminate(RunId),
    /// Ask after its health: the number of the probe, and how long to wait for an answer; none = for ever.
    Probe(RunId, u32, Option<Span>),
    /// Look what it uses.
    ReadStats(RunId),
    /// Read what it has printed on a stream; the offset is handed back with it.
    ReadLog(RunId, Stream, u64),
    /// Mount the volumes of an allocation on the host; the executor reports whether it could.
    Mount(RunId, Arc<MountOrder>),
    /// Unmount those of a slot.
    Unmount(u32),
    /// Remove the data of a volume of the cluster that is no more.
    RemoveBrick(Arc<str>),
    /// Look for a transfer on a chain; [`Input::Transfer`] follows.
    LookUpTransfer(Blockchain, Arc<str>),
    /// Make a virtual machine with a node that offers this much; [`Input::Machine`] follows. The number is the node's
    /// own.
    Provision(u32, Box<Resources>),
    /// Delete the virtual machine of this number, up or not.
    DeleteMachine(u32),
}

/// Whose timer or pending reply it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// The node itself.
    Root,
    /// A deployment, by its number on this peer.
    Deployment(u32),
    /// The provider.
    Provider,
    /// The node's part in contracts.
    Contracts,
    /// The node's part as a gateway.
    Gateway,
    /// The node's part as a principal.
    Deputy,
}

/// A timer is data: the driver hands it back when its time has come. None is ever cancelled; one that is no longer
/// wanted finds nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Say hello on a connection.
    Hello(u32),
    /// Compare revocations with the next neighbour.
    CompareRevocations,
    /// A reply is overdue.
    Reply(Owner, u64),
    /// A bid round closes.
    Round(u32, u64),
    /// The pause between two attempts of a deployment is over.
    Backoff(u32, u64),
    /// A deployment must be running by now.
    Deadline(u32),
    /// A supervisor's tick.
    Supervise(u32),
    /// An orchestrator renews what it grants to its providers.
    RenewProviders(u32),
    /// An orchestrator asks again for something to be undone.
    Undo(u32, u32),
    /// A provider renews what it grants to the orchestrators that it serves.
    RenewOrchestrators,
    /// A provider renews, once, the right to check the health of an allocation that started two hours ago (C8).
    RegrantHealthChecks(RunId),
    /// A provider drops expired bids and commits.
    Sweep,
    /// An allocation reports that it lives.
    Heartbeat(RunId),
    /// A provider asks an orchestrator whether it still wants what runs here.
    Confirm(u32),
    /// A restored deployment looks whether all of its tasks have ended.
    TaskMonitor(u32),
    /// An update of a deployment must be done by now; the second number counts its updates.
    UpdateDeadline(u32, u32),
    /// An orchestrator looks what an allocation has printed: a deployment and one of its logs.
    Follow(u32, u32),
    /// A provider tells again that a task has ended.
    Farewell(RunId),
    /// A provider deletes what a run has printed.
    ForgetLog(RunId),
    /// A provider tries again to terminate what its executor could not.
    Terminate(RunId),
    /// Something about contracts is due.
    Contracts,
    /// A gateway looks which of its machines are in use.
    Machines,
    /// A pause of a deployment before a task is tried again is over.
    Retry(u32),
    /// A deployment's failure detector looks who has been silent for too long.
    Detect(u32),
    /// A deployment asks whether its standbys are still there.
    Standbys(u32),
    /// A node shows its deputy that it lives.
    Beat,
    /// A deputy looks whether its principals do.
    WatchPrincipals,
    /// A deployment that was handed over shows its mandate again.
    Announce(u32),
}

impl Timer {
    /// The number of the deployment that it belongs to, if it belongs to one.
    #[must_use]
    pub const fn deployment(self) -> Option<u32> {
        match self {
            Self::Reply(Owner::Deployment(number), _)
            | Self::Round(number, _)
            | Self::Backoff(number, _)
            | Self::Deadline(number)
            | Self::Supervise(number)
            | Self::RenewProviders(number)
            | Self::TaskMonitor(number)
            | Self::Undo(number, _)
            | Self::UpdateDeadline(number, _)
            | Self::Retry(number)
            | Self::Detect(number)
            | Self::Standbys(number)
            | Self::Announce(number)
            | Self::Follow(number, _) => Some(number),
            Self::Reply(
                Owner::Root | Owner::Provider | Owner::Contracts | Owner::Gateway | Owner::Deputy,
                _,
            )
            | Self::Beat
            | Self::WatchPrincipals
            | Self::Contracts
            | Self::Machines
            | Self::Hello(_)
            | Self::CompareRevocations
            | Self::RenewOrchestrators
            | Self::RegrantHealthChecks(_)
            | Self::Sweep
            | Self::Confirm(_)
            | Self::Heartbeat(_)
            | Self::Farewell(_)
            | Self::ForgetLog(_)
            | Self::Terminate(_) => None,
        }
    }
}

/// What a peer wants done, in the order in which it wants it.
#[derive(Debug, Default)]
pub struct Effects {
    /// Messages to send.
    pub sends: Vec<Envelope>,
    /// Timers to hand back, by the peer's own clock.
    pub timers: Vec<(Timestamp, Timer)>,
    /// Orders to the executor.
    pub actions: Vec<Action>,
    /// What observers may record.
    pub facts: Vec<Fact>,
    /// The worker that the message that arrived waits for, if it was admitted.
    pub admitted: Option<Worker>,
    /// Whether the message that arrived is none that an honest node passes on.
    pub offended: bool,
    /// Whether the message that the worker got to was authorised, and its behaviour executed.
    pub executed: bool,
    /// Whether the process has broken down over it.
    pub crashed: bool,
    /// Tasks whose ends, told by their providers, an orchestrator has taken for true: full ids, generations and hosts.
    pub ended: Vec<(Arc<str>, u32, PeerId)>,
    /// What operators are shown, whole, by the numbers of their operations; the facts tell it in a few words.
    pub shown: Vec<(u32, Message)>,
}

impl Effects {
    /// Whether nothing has come of a call that anybody has to do something about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // By name, so that whoever adds an effect has to say whether it counts. The driver itself takes the answers.
        let Self {
            sends,
            timers,
            actions,
            facts,
            admitted: _,
            offended: _,
            executed: _,
            crashed,
            ended,
            shown,
        } = self;
        let has_asked = !(sends.is_empty() && timers.is_empty() && actions.is_empty());
        let has_told = !(facts.is_empty() && ended.is_empty() && shown.is_empty());
        !(has_asked || has_told || *crashed)
    }
}

/// The effects of one call, with what the driver lends for it: randomness, and answers about the machine.
#[derive(Debug)]
pub struct Outbox<'a> {
    /// Where effects are collected; the driver reuses it.
    pub effects: &'a mut Effects,
    /// The peer's own random stream.
    pub random: Rng<'a>,
    /// The machine's operating system.
    pub system: &'a dyn System,
}
