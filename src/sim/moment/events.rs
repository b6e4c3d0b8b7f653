//! Events in words: what is pending, or what has just happened.

use std::sync::Arc;

use serde::Serialize;

use crate::dms::outbox::{Owner, RunId, Timer};
use crate::kernel::Time;
use crate::sim::event::{ContractStep, DataStep, Event, ExecutionStep, PeerId, Turn};
use crate::sim::ledger::key_of;
use crate::sim::moving::NameStep;
use crate::sim::world::{Cargo, World};

/// An event, as people read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventSeen {
    /// What kind of event: `arrive`, `dispatch`, `timer`, `execution`, ...
    pub kind: &'static str,
    /// To which peer it happens, if to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Arc<str>>,
    /// The number of the deployment that it is about, if that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<u32>,
    /// What happens, in words.
    pub text: String,
}

impl World<'_> {
    /// An event in words. It must not have happened yet: what has been handled may be forgotten.
    pub(super) fn event_seen(&self, event: &Event) -> EventSeen {
        let (kind, peer, deployment, text) = match *event {
            Event::Arrive { peer, envelope, bytes } => {
                let (deployment, message) = self.message_in_words(envelope);
                ("arrive", Some(peer), deployment, format!("{message} arrives, {bytes} bytes"))
            }
            Event::Dispatch { peer, envelope, .. } => {
                let (deployment, message) = self.message_in_words(envelope);
                ("dispatch", Some(peer), deployment, format!("{message} is handled"))
            }
            Event::Timer { peer, timer, .. } => {
                ("timer", Some(peer), self.deployment_of_timer(peer, timer), timer_in_words(timer).to_owned())
            }
            Event::Execution { peer, run, step, .. } => {
                let (deployment, allocation) = self.run_in_words(peer, run);
                ("execution", Some(peer), deployment, format!("{allocation} {}", step_in_words(step)))
            }
            Event::Transfers => ("transfers", None, None, "the next transfer may be complete".to_owned()),
            Event::StopReading(flow) => {
                let peer = match self.cargo.get(&flow) {
                    Some(Cargo::Message { peer, .. }) => Some(*peer),
                    _ => None,
                };
                ("stop_reading", peer, None, "a long message must have come by now".to_owned())
            }
            Event::Fetched { peer, .. } => ("fetched", Some(peer), None, "an image has come".to_owned()),
            Event::Connection { peer, to, again } => {
                let again = if again { "again " } else { "" };
                let text = format!("its connection to {} is {again}there", self.population.name_of(to));
                ("connection", Some(peer), None, text)
            }
            Event::Deploy { .. }
            | Event::Shutdown { .. }
            | Event::Operation(_)
            | Event::Contract(_)
            | Event::Name(_)
            | Event::Machine { .. } => return self.order_seen(event),
            Event::Churn(peer) => ("churn", Some(peer), None, "it comes or goes".to_owned()),
            Event::Join(peer) => ("join", Some(peer), None, "it joins the network".to_owned()),
            Event::Leave(peer) => ("leave", Some(peer), None, "it leaves the network for good".to_owned()),
            Event::Repair(peer) => ("repair", Some(peer), None, "it is back".to_owned()),
            Event::Fault(turn) => ("fault", None, None, self.fault_in_words(turn, "begins")),
            Event::Flap(turn) => ("flap", None, None, self.fault_in_words(turn, "comes or goes")),
            Event::FaultEnd(turn) => ("fault_end", None, None, self.fault_in_words(turn, "ends")),
            Event::Upgrade { fault, peer } => {
                ("upgrade", Some(peer), None, self.fault_in_words(Turn::first_of(fault), "is its turn"))
            }
            Event::Strike { turn, peer } => {
                ("strike", Some(peer), None, self.fault_in_words(turn, "hits it"))
            }
            Event::StrikeEnd { turn, peer } => {
                ("strike_end", Some(peer), None, self.fault_in_words(turn, "is over for it"))
            }
            Event::Sample => ("sample", None, None, "series are sampled".to_owned()),
            Event::Attack { attacker } => ("attack", None, None, format!("attacker {attacker} tries again")),
            Event::Anchor { peer, .. } => ("anchor", Some(peer), None, "it anchors a revocation".to_owned()),
            Event::Foreseen => {
                ("foreseen", None, None, "all receivers of a broadcast have got to it".to_owned())
            }
            Event::Routine { .. } => {
                ("routine", None, None, "authority for a routine is looked after".to_owned())
            }
            Event::Reachability => {
                ("reachability", None, None, "hidden hosts do what it takes to be reached".to_owned())
            }
        };
        EventSeen { kind, peer: peer.map(|peer| Arc::clone(self.population.name_of(peer))), deployment, text }
    }

    /// What somebody orders, or what comes of an order.
    fn order_seen(&self, event: &Event) -> EventSeen {
        let (kind, peer, deployment, text) = match *event {
            Event::Deploy { entry } => {
                let request = self.requests[entry as usize].deploy();
                ("deploy", None, None, format!("{} asks for {}", request.by.name, request.name))
            }
            Event::Shutdown { deployment } => {
                ("shutdown", None, Some(deployment), format!("deployment {deployment} is shut down"))
            }
            Event::Operation(number) => {
                let operation = &self.plans.operations.all()[number as usize];
                let peer = self.population.find(&operation.by);
                ("operation", peer, None, format!("operation {number}: {}", operation.kind))
            }
            Event::Contract(step) => {
                let name = |number: u32| &self.plans.contracts[number as usize].name;
                let (peer, text) = match step {
                    ContractStep::Create(number) => (None, format!("contract {} is asked for", name(number))),
                    ContractStep::Approve(number) => {
                        (None, format!("contract {} is agreed to", name(number)))
                    }
                    ContractStep::Pay(_) => (None, "somebody pays".to_owned()),
                    ContractStep::LookUp { peer, .. } => (Some(peer), "a chain answers it".to_owned()),
                };
                ("contract", peer, None, text)
            }
            Event::Name(step) => {
                let (peer, text) = match step {
                    NameStep::Due(peer) => (Some(peer), "it may have something to say of its name"),
                    NameStep::Arrives(_) => (None, "an update of a name reaches the server"),
                    NameStep::Answered(_) => (None, "the answer to an update of a name comes"),
                    NameStep::RunsOut(_) => (None, "what a user remembers of a name has run out"),
                };
                ("name", peer, None, text.to_owned())
            }
            Event::Machine { gateway, order, .. } => {
                ("machine", Some(gateway), None, format!("the virtual machine of its order {order} is due"))
            }
            _ => unreachable!("only orders are asked about here"),
        };
        EventSeen { kind, peer: peer.map(|peer| Arc::clone(self.population.name_of(peer))), deployment, text }
    }

    /// The number of the deployment that a message is about, and which message it is.
    fn message_in_words(&self, parcel: u32) -> (Option<u32>, String) {
        let Some(parcel) = self.parcels.get(parcel) else { return (None, "a message".to_owned()) };
        let deployment = parcel.envelope.ensemble().and_then(|ensemble| self.ledger.number_of(ensemble));
        let behaviour = parcel.envelope.behaviour.kind.template();
        (deployment, format!("{behaviour} from {}", self.population.name_of(parcel.sender)))
    }

    /// The deployment whose program a run is, and which allocation of it.
    fn run_in_words(&self, peer: PeerId, run: RunId) -> (Option<u32>, String) {
        let inside = self.hosts[peer.0 as usize].built();
        match inside.and_then(|inside| inside.peer.provider().allocation_of(run)) {
            Some((full, generation)) => {
                let deployment = self.ledger.deployment_of(full);
                (deployment, format!("the program of {} (generation {generation})", key_of(full)))
            }
            None => (None, format!("the program in slot {}", run.slot)),
        }
    }

    fn deployment_of_timer(&self, peer: PeerId, timer: Timer) -> Option<u32> {
        let inside = self.hosts[peer.0 as usize].built()?;
        let deployment = inside.peer.deployments().get(timer.deployment()? as usize)?;
        self.ledger.number_of(deployment.id())
    }

    fn fault_in_words(&self, turn: Turn, what: &str) -> String {
        let kind = self.plans.fault(turn.fault).kind();
        let again = if turn.number > 0 { format!(", time {}", turn.number + 1) } else { String::new() };
        format!("fault {} ({kind}{again}) {what}", turn.fault)
    }
}

/// An event that is pending.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PendingSeen {
    /// When it is due.
    #[serde(rename = "at_s", serialize_with = "seconds")]
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub event: EventSeen,
}

pub(super) fn seconds<S: serde::Serializer>(at: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

const fn timer_in_words(timer: Timer) -> &'static str {
    match timer {
        Timer::Hello(_) => "it says hello on a connection",
        Timer::CompareRevocations => "it compares revocations with a neighbour",
        Timer::Reply(Owner::Root, _) => "a reply to its node must have come by now",
        Timer::Reply(Owner::Deployment(_), _) => "a reply to its deployment must have come by now",
        Timer::Reply(Owner::Provider, _) => "a reply to its provider must have come by now",
        Timer::Reply(Owner::Contracts, _) => "a reply about contracts must have come by now",
        Timer::Reply(Owner::Gateway, _) => "a reply to its gateway must have come by now",
        Timer::Reply(Owner::Deputy, _) => "a reply to its deputy must have come by now",
        Timer::Round(..) => "a round of bids closes",
        Timer::Backoff(..) => "the pause before another attempt is over",
        Timer::Deadline(_) => "its deployment must be running by now",
        Timer::Supervise(_) => "it looks after what it supervises",
        Timer::RenewProviders(_) => "it renews what it grants to providers",
        Timer::Undo(..) => "it asks again for something to be undone",
        Timer::RenewOrchestrators => "it renews what it grants to orchestrators",
        Timer::RegrantHealthChecks(_) => "it renews the right to check an allocation",
        Timer::Sweep => "it drops bids and commits that have expired",
        Timer::Heartbeat(_) => "an allocation reports that it lives",
        Timer::Confirm(_) => "it asks whether what runs here is still wanted",
        Timer::TaskMonitor(_) => "it looks whether all tasks have ended",
        Timer::UpdateDeadline(..) => "an update must be done by now",
        Timer::Follow(..) => "it looks what an allocation has printed",
        Timer::Farewell(_) => "it tells again that a task has ended",
        Timer::ForgetLog(_) => "it deletes what a run has printed",
        Timer::Terminate(_) => "it tries again to terminate an allocation",
        Timer::Contracts => "something about contracts is due",
        Timer::Machines => "it looks which of its machines are in use",
        Timer::Retry(_) => "the pause before a task is tried again is over",
        Timer::Detect(_) => "its failure detector looks who is silent",
        Timer::Standbys(_) => "it asks whether standbys are still there",
        Timer::Beat => "it shows its deputy that it lives",
        Timer::WatchPrincipals => "it looks whether its principals live",
        Timer::Announce(_) => "it shows its mandate again",
    }
}

const fn step_in_words(step: ExecutionStep) -> &'static str {
    match step {
        ExecutionStep::Started(_) => "is up",
        ExecutionStep::Ended(..) => "ends by itself",
        ExecutionStep::Free => "may start, for what stood in its way is gone",
        ExecutionStep::Probed(_, true) => "answers a health probe",
        ExecutionStep::Probed(_, false) => "does not answer a health probe",
        ExecutionStep::NotStarted => "cannot start",
        ExecutionStep::NotFetched(..) => "does not get what it needs",
        ExecutionStep::NoCard => "lacks a graphics card",
        ExecutionStep::LogRead(..) => "has its log read",
        ExecutionStep::Terminated(_) => "is gone",
        ExecutionStep::NotTerminated => "could not be terminated",
        ExecutionStep::Mounted => "has its volumes mounted",
        ExecutionStep::NoVolume => "does not get its volumes",
        ExecutionStep::Move(_, step) | ExecutionStep::Moved(_, step) => match step {
            DataStep::Fetch => "fetches its input",
            DataStep::Restore => "reads its checkpoint",
            DataStep::Write => "writes to its volume",
            DataStep::Deliver => "delivers its output",
        },
        ExecutionStep::StatsRead => "has its use read",
        ExecutionStep::Writes(_) => "writes into its file system",
        ExecutionStep::Pretended(_) => "is said to have ended",
    }
}
