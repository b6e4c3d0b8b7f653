//! Watching a whole network for the formats of other tools: makes neutral records (`observe::record`) of facts, of
//! messages, and of peers that come and go, and hands each over at once.
//!
//! Nobody is told anything unless somebody asks, and being told changes nothing: what is left out of the queue stays
//! left out (see `foresight`, `late` and `routine`). Of that there are no records of single messages; the facts that
//! come of it are told when they are booked, many at a time, so that those of a recording add up to those of the run.

mod facts;

use self::facts::Teller;
use super::event::PeerId;
use super::ledger::{Foreseen, Ledger};
use super::setup::Fault;
use super::world::{Parcel, World};
use crate::dms::fact::Fact;
use crate::kernel::Time;
use crate::net::{Condition, EndpointSet, Group, LossReason};
use crate::observe::{FactRecord, FaultRecord, Labels, MessageRecord, Passage, Preface, Record, Step, What};

/// Takes the records of a run as it goes on.
pub type Recorder<'s> = Box<dyn FnMut(&Record<'_>) + 's>;

/// A recorder, and what it takes to name messages.
pub(super) struct Recording<'s> {
    tell: Recorder<'s>,
    /// How many messages there were.
    messages: u64,
    /// Each message in flight, by its place among the parcels.
    parcels: Vec<Told>,
}

/// A message that was told of.
#[derive(Clone, Default)]
struct Told {
    /// 0 for one that is not.
    number: u64,
    /// Its length, which takes long to find.
    bytes: u64,
    /// To whom a broadcast comes, in their order; of any other message this says nothing.
    receivers: Option<Box<[u32]>>,
}

impl Recording<'_> {
    fn tell(&mut self, at: Time, what: What<'_>) {
        (self.tell)(&Record { at, what });
    }

    fn put(&mut self, parcel: u32, told: Told) {
        let place = parcel as usize;
        if self.parcels.len() <= place {
            self.parcels.resize(place + 1, Told::default());
        }
        self.parcels[place] = told;
    }
}

impl<'s> World<'s> {
    /// Records the run from here on. What is up by now is told first.
    pub fn record_into(&mut self, recorder: Recorder<'s>) {
        let setup = self.setup;
        let preface = Preface {
            name: setup.name.clone(),
            seed: setup.seed,
            profile: setup.profile.to_string(),
            signatures: setup.signatures.as_str().to_owned(),
            epoch: setup.epoch,
            peers: self.population.members().iter().map(|member| member.name.clone()).collect(),
        };
        let now = self.queue.now();
        let mut recording = Recording { tell: recorder, messages: 0, parcels: Vec::new() };
        recording.tell(now, What::Begin(&preface));
        for (host, number) in self.hosts.iter().zip(0..) {
            if host.up {
                recording.tell(now, What::Up(number));
            }
        }
        self.recording = Some(Box::new(recording));
    }
}

impl World<'_> {
    /// Puts a fact into the books.
    #[inline]
    pub(super) fn book(&mut self, now: Time, peer: PeerId, fact: Fact) {
        match self.recording {
            None => self.ledger.record(now, peer, fact),
            Some(_) => self.book_and_tell(now, peer, fact),
        }
    }

    fn book_and_tell(&mut self, now: Time, peer: PeerId, fact: Fact) {
        let refusing = self.ledger.refusing();
        let told = fact.clone();
        self.ledger.record(now, peer, fact);
        let Self { recording: Some(recording), ledger, directory, population, .. } = self else { return };
        let teller = Teller { ledger, directory, names: population.members() };
        let record = teller.record_of(peer, &told, 1, refusing);
        recording.tell(now, What::Fact(&record));
    }

    /// Puts refusals into the books that were known beforehand.
    pub(super) fn book_foreseen(&mut self, line: Foreseen) {
        let now = self.queue.now();
        if let Self { recording: Some(recording), ledger, directory, population, .. } = self {
            let teller = Teller { ledger, directory, names: population.members() };
            let mut record = teller.record_of(line.first.peer, &line.fact, line.count, None);
            record.content.push(("asked_s", crate::observe::Value::Number(line.first.asked.as_secs_f64())));
            recording.tell(now, What::Fact(&record));
        }
        self.ledger.foreseen(line);
    }

    /// A user found nobody who would take a request for a deployment, so no peer says anything about it.
    pub(super) fn note_unheard(&mut self, now: Time, by: PeerId, deployment: u32, reason: &str) {
        let Self { recording: Some(recording), ledger, .. } = self else { return };
        let record = FactRecord {
            kind: "deployment_not_taken",
            peer: by.0,
            count: 0,
            is_trouble: true,
            labels: Labels { deployment: Some(deployment), ..Labels::default() },
            content: vec![("reason", reason.into())],
            step: Step::TurnedDown { name: ledger.name_of(deployment), reason },
        };
        recording.tell(now, What::Fact(&record));
    }

    /// A peer is up from now on.
    pub(super) fn note_up(&mut self, now: Time, peer: PeerId) {
        if let Some(recording) = &mut self.recording {
            recording.tell(now, What::Up(peer.0));
        }
    }

    /// A peer is down from now on, perhaps with its machine.
    pub(super) fn note_down(&mut self, now: Time, peer: PeerId, with_machine: bool) {
        if let Some(recording) = &mut self.recording {
            recording.tell(now, What::Down { peer: peer.0, with_machine });
        }
    }

    /// A fault begins or ends. A condition of the network tells whom it concerns.
    pub(super) fn note_fault(&mut self, now: Time, fault: u32, begins: bool, condition: Option<&Condition>) {
        let Self { recording: Some(recording), plans, .. } = self else { return };
        let plan = plans.fault(fault);
        let record = FaultRecord {
            fault,
            kind: plan.kind(),
            begins,
            lasts: matches!(
                &**plan,
                Fault::Loss { .. }
                    | Fault::Delay { .. }
                    | Fault::Partition { .. }
                    | Fault::Clock { lasts: Some(_), .. }
            ),
            concerned: condition.map_or_else(Vec::new, sides_of),
        };
        recording.tell(now, What::Fault(&record));
    }

    /// The run is over.
    pub(super) fn note_end(&mut self, now: Time) {
        if let Some(recording) = &mut self.recording {
            recording.tell(now, What::End);
        }
    }

    /// A message is given to the network for one peer: its number, 0 where nobody records or where it is one of a round
    /// of supervision that was left out and is made up for.
    #[inline]
    pub(super) fn note_sent(&mut self, now: Time, parcel: &Parcel, to: PeerId, bytes: u64) -> u64 {
        match self.recording {
            None => 0,
            Some(_) => self.tell_sent(now, parcel, (Some(to), &[]), bytes),
        }
    }

    fn tell_sent(
        &mut self,
        now: Time,
        parcel: &Parcel,
        (to, receivers): (Option<PeerId>, &[u32]),
        bytes: u64,
    ) -> u64 {
        if self.routines.is_making_up() {
            return 0;
        }
        let Self { recording: Some(recording), ledger, .. } = self else { return 0 };
        recording.messages += 1;
        let number = recording.messages;
        let record = record_of(ledger, (parcel, number, bytes), to, Passage::Sent { receivers });
        recording.tell(now, What::Message(&record));
        number
    }

    /// A message of this number is among the parcels, at this place.
    #[inline]
    pub(super) fn note_parcel(&mut self, parcel: u32, number: u64, bytes: u64) {
        if let Some(recording) = &mut self.recording {
            recording.put(parcel, Told { number, bytes, receivers: None });
        }
    }

    /// A broadcast is on its way to those to whom it comes as an event of its own.
    pub(super) fn note_broadcast(&mut self, now: Time, parcel: u32, receivers: Option<Vec<u32>>, bytes: u64) {
        let Some(mut receivers) = receivers else { return };
        receivers.sort_unstable();
        let parcels = std::mem::take(&mut self.parcels);
        if let Some(one) = parcels.get(parcel) {
            let number = self.tell_sent(now, one, (None, &receivers), bytes);
            if let Some(recording) = &mut self.recording {
                recording.put(parcel, Told { number, bytes, receivers: Some(receivers.into()) });
            }
        }
        self.parcels = parcels;
    }

    /// The network does not take a message to one peer.
    pub(super) fn note_lost(
        &mut self,
        now: Time,
        (parcel, number): (&Parcel, u64),
        to: PeerId,
        reason: LossReason,
    ) {
        self.ledger.lost(reason);
        if number > 0
            && let Some(recording) = &mut self.recording
        {
            let passage = Passage::Lost(reason.as_str());
            let record =
                record_of(&self.ledger, (parcel, number, parcel.envelope.json_len()), Some(to), passage);
            recording.tell(now, What::Message(&record));
        }
    }

    /// Something happens to a message at its receiver.
    #[inline]
    pub(super) fn note_passage(&mut self, now: Time, peer: PeerId, parcel: u32, passage: Passage<'_>) {
        if self.recording.is_some() {
            self.tell_passage(now, peer, parcel, passage);
        }
    }

    fn tell_passage(&mut self, now: Time, peer: PeerId, parcel: u32, passage: Passage<'_>) {
        let Self { recording: Some(recording), parcels, ledger, .. } = self else { return };
        let Some(told) = recording.parcels.get(parcel as usize).filter(|told| told.number > 0) else {
            return;
        };
        let Some(one) = parcels.get(parcel) else { return };
        let mut record = record_of(ledger, (one, told.number, told.bytes), Some(peer), passage);
        record.is_announced = told.receivers.as_ref().is_none_or(|all| all.binary_search(&peer.0).is_ok());
        recording.tell(now, What::Message(&record));
    }
}

/// Whom a condition concerns.
fn sides_of(condition: &Condition) -> Vec<Vec<u32>> {
    let numbers = |set: &EndpointSet| set.iter().map(|endpoint| endpoint.0).collect();
    match condition {
        Condition::Partition { a, b } => vec![numbers(a), numbers(b)],
        Condition::Loss { group, .. } | Condition::Delay { group, .. } => match group {
            Group::All => Vec::new(),
            Group::Of(set) | Group::From(set) | Group::To(set) => vec![numbers(set)],
        },
    }
}

/// What happens to the message of this number and length, where its receiver was told of when it was sent.
fn record_of<'a>(
    ledger: &Ledger,
    (parcel, number, bytes): (&'a Parcel, u64, u64),
    to: Option<PeerId>,
    passage: Passage<'a>,
) -> MessageRecord<'a> {
    MessageRecord {
        number,
        passage,
        from: parcel.sender.0,
        to: to.map(|to| to.0),
        behaviour: parcel.envelope.behaviour.kind.template(),
        deployment: parcel.envelope.ensemble().and_then(|ensemble| ledger.number_of(ensemble)),
        bytes,
        is_announced: true,
    }
}
