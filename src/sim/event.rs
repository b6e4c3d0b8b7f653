//! Everything that can happen in a run: one closed enum, so that an event nobody handles is a compile error.

use std::ops::RangeInclusive;

use super::executor::End;
use super::moving::NameStep;
use crate::dms::actor::Stream;
use crate::dms::ensemble::Executor;
use crate::dms::outbox::{RunId, Timer};
use crate::kernel::id_type;
use crate::net::FlowId;

id_type! {
    /// A peer of a run, in the order of the setup's groups.
    pub struct PeerId;
}

/// One of the times at which a fault happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Turn {
    /// The fault's number in the setup.
    pub fault: u32,
    /// How often it has happened before.
    pub number: u32,
}

impl Turn {
    /// The first time of a fault, which for most is the only one.
    pub(super) const fn first_of(fault: u32) -> Self {
        Self { fault, number: 0 }
    }

    /// All times of a fault.
    pub(super) const fn all_of(fault: u32) -> RangeInclusive<Self> {
        Self::first_of(fault)..=Self { fault, number: u32::MAX }
    }
}

/// What is pending in the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A message reaches a peer.
    Arrive {
        /// The receiver.
        peer: PeerId,
        /// Its place among the envelopes in flight.
        envelope: u32,
        /// Its length.
        bytes: u32,
    },
    /// The worker of an actor has got to a message.
    Dispatch {
        /// The receiver.
        peer: PeerId,
        /// The receiver's life in which it was admitted.
        life: u32,
        /// Its place among the envelopes in flight.
        envelope: u32,
    },
    /// A peer's timer has run out.
    Timer {
        /// Whose.
        peer: PeerId,
        /// The life in which it was set.
        life: u32,
        /// Which.
        timer: Timer,
    },
    /// Something is due in an executor.
    Execution {
        /// On this peer.
        peer: PeerId,
        /// In this life of its machine.
        life: u32,
        /// So many spells of the machine were known when it was planned (see `sim/troubles.rs`).
        known: u32,
        /// Of this run.
        run: RunId,
        /// What.
        step: ExecutionStep,
    },
    /// The earliest transfer may be complete.
    Transfers,
    /// A receiver stops reading a long message, if it has not come whole.
    StopReading(FlowId),
    /// A user asks for a deployment.
    Deploy {
        /// The place among the requests of the run: those of the setup's workload, and those that came to be since.
        entry: u32,
    },
    /// A user shuts a deployment down.
    Shutdown {
        /// The deployment's number in the run.
        deployment: u32,
    },
    /// An operator does something.
    Operation(u32),
    /// A peer's churn takes it up or down.
    Churn(PeerId),
    /// A peer joins the network.
    Join(PeerId),
    /// A peer leaves the network for good.
    Leave(PeerId),
    /// A crashed peer is back.
    Repair(PeerId),
    /// A fault begins.
    Fault(Turn),
    /// A condition that flaps comes or goes.
    Flap(Turn),
    /// A fault ends.
    FaultEnd(Turn),
    /// A peer's turn in an upgrade has come.
    Upgrade {
        /// The fault that the upgrade is.
        fault: u32,
        /// Whose.
        peer: PeerId,
    },
    /// A fault does something to a machine.
    Strike {
        /// Which fault.
        turn: Turn,
        /// Whose machine.
        peer: PeerId,
    },
    /// What a fault has done to a machine is over.
    StrikeEnd {
        /// Which fault.
        turn: Turn,
        /// Whose machine.
        peer: PeerId,
    },
    /// An image has come to a machine.
    Fetched {
        /// Whose.
        peer: PeerId,
        /// The receiver's life in which it was wanted.
        life: u32,
        /// For what.
        kind: Executor,
        /// Its number.
        image: u16,
    },
    /// A connection is there, or there again, and the peer says so.
    Connection {
        /// Who.
        peer: PeerId,
        /// To whom.
        to: PeerId,
        /// Whether there was one before.
        again: bool,
    },
    /// Series are sampled.
    Sample,
    /// An attacker tries again.
    Attack {
        /// Its place among the attackers.
        attacker: u32,
    },
    /// A peer anchors the revocation of a group of insiders.
    Anchor {
        /// The group's place in the setup.
        group: u32,
        /// Who.
        peer: PeerId,
    },
    /// All receivers of a broadcast whose answers are foreseen have got to it.
    Foreseen,
    /// Rounds of supervision are left out as long as authority lasts: it is time to look whether it still does, if they
    /// are those of this number.
    Routine {
        /// Their place among all.
        place: u32,
        /// Their number.
        serial: u64,
    },
    /// Hidden hosts have something to do to reach and be reached.
    Reachability,
    /// Something about names of peers is due.
    Name(NameStep),
    /// Something about contracts is due.
    Contract(ContractStep),
    /// A virtual machine has booted, or has not.
    Machine {
        /// Whose.
        gateway: PeerId,
        /// The number under which it was ordered.
        order: u32,
        /// Its place among all.
        slot: u32,
    },
}

/// What is due about contracts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContractStep {
    /// The requestor asks for the one of this place in the setup.
    Create(u32),
    /// The provider agrees to it.
    Approve(u32),
    /// A requestor pays, by the place among the dues.
    Pay(u32),
    /// A look-up on a chain is answered.
    LookUp {
        /// Whose.
        peer: PeerId,
        /// In this life.
        life: u32,
        /// Its place among the look-ups.
        number: u32,
    },
}

/// What is due in an executor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecutionStep {
    /// All that it needs is there and the start-up time is over, in this turn.
    Started(u32),
    /// It ends by itself, in this turn.
    Ended(u32, End),
    /// What stood in the way of its start is gone.
    Free,
    /// A health probe is answered, or has taken too long: its number, and whether it is answered.
    Probed(u32, bool),
    /// It cannot start, for the reason that its executor has put down.
    NotStarted,
    /// Something that an executor fetches could not be fetched, for whoever waits for it.
    NotFetched(Executor, u16),
    /// The machine lacks a graphics card that the container asks for.
    NoCard,
    /// Its log is read: which stream, and the offset that is handed back with it.
    LogRead(Stream, u64),
    /// It is gone, killed or not.
    Terminated(bool),
    /// It could not be terminated.
    NotTerminated,
    /// Its volumes are mounted, or not.
    Mounted,
    /// Its volumes are not mounted.
    NoVolume,
    /// It begins to move data, in this turn.
    Move(u32, DataStep),
    /// It has moved data, in this turn.
    Moved(u32, DataStep),
    /// Its use is read.
    StatsRead,
    /// It writes into its own file system, in this turn, and may find the disk full.
    Writes(u32),
    /// It is said to have ended, in this turn, and never ran.
    Pretended(u32),
}

/// What a program does with data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataStep {
    /// It fetches its input from a bucket.
    Fetch,
    /// It reads its checkpoint.
    Restore,
    /// It writes to its volume.
    Write,
    /// It delivers its output to a bucket.
    Deliver,
}

const _: () = assert!(size_of::<Event>() <= 48, "an event is copied on every hop of the queue");
