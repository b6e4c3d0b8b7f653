//! `trace.perfetto-trace`: the timeline of a run as Perfetto's track events. Times are simulated, from 0.
//!
//! What the viewer calls a process is a peer, made when something first happens there. Below it lie, in this order:
//! when it was down; the deployments that it orchestrates, with their phases and rounds of bids nested in them, and
//! their recoveries; the allocations that it runs; its messages; its facts. The process `network` comes first: how many
//! peers are up and deployments alive, and the faults of the scenario. An arrow leads from the sending of a message to
//! its handling. Categories tell apart what one may want to hide (see [`Category`]).

mod messages;
mod tracks;

use std::collections::BTreeMap;
use std::io::{self, Write};

use self::messages::{DebugAnnotation, Interned, InternedData, Packet, TrackEvent};
use self::tracks::{Lane, Tracks};
use super::record::{FactRecord, FaultRecord, MessageRecord, Passage, Preface, Record, Value, What};
use super::spans::{Change, Span, SpanKind};
use crate::kernel::Time;

/// We are the only writer of the trace.
const SEQUENCE: u32 = 1;
/// The first packet of a sequence says that nothing was interned before it; all others need what was.
const CLEARED: u32 = 1;
const NEEDS_STATE: u32 = 2;
/// Kinds of track events.
const BEGIN: i32 = 1;
const END: i32 = 2;
const INSTANT: i32 = 3;
const COUNTER: i32 = 4;
/// How many receivers of one message the number of an arrow tells apart.
const RECEIVERS: u64 = 1 << 24;

/// What kind of thing an event is, for filters and colours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Category {
    /// A peer that is down.
    Peer,
    /// A fault of the scenario.
    Fault,
    /// A fact of a peer.
    Fact,
    /// A fact that something was refused or went wrong.
    Trouble,
    /// A message.
    Message,
    /// A deployment, one of its phases, or a round of bids.
    Deployment,
    /// A node that is being recovered.
    Recovery,
    /// An allocation that runs.
    Allocation,
}

impl Category {
    /// Its word in the trace.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Fault => "fault",
            Self::Fact => "fact",
            Self::Trouble => "trouble",
            Self::Message => "message",
            Self::Deployment => "deployment",
            Self::Recovery => "recovery",
            Self::Allocation => "allocation",
        }
    }

    const fn of(span: SpanKind) -> Self {
        match span {
            SpanKind::Deployment | SpanKind::Phase | SpanKind::Round => Self::Deployment,
            SpanKind::Recovery => Self::Recovery,
            SpanKind::Run => Self::Allocation,
        }
    }
}

/// Something that is counted over time.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    value: i64,
    /// The value that the trace has.
    told: Option<i64>,
}

/// Writes the trace.
#[derive(Debug, Default)]
pub struct Timeline {
    has_begun: bool,
    tracks: Tracks,
    /// Names of events and categories that were written once, with their numbers.
    names: BTreeMap<String, u64>,
    categories: BTreeMap<Category, u64>,
    /// Peers that are down, and faults that last: their slices are open.
    open: Vec<Lane>,
    peers_up: Count,
    deployments: Count,
}

/// An event before its name and category have numbers.
struct Draft {
    kind: i32,
    category: Category,
    name: String,
    event: TrackEvent,
}

impl Draft {
    fn new(kind: i32, category: Category, name: impl Into<String>) -> Self {
        Self { kind, category, name: name.into(), event: TrackEvent::default() }
    }
    fn with(self, annotations: Vec<DebugAnnotation>) -> Self {
        Self { event: TrackEvent { annotations, ..self.event }, ..self }
    }
}

impl Timeline {
    /// Writes what a record is in the trace.
    ///
    /// # Errors
    /// What the sink says.
    pub fn take(&mut self, out: &mut dyn Write, preface: &Preface, record: &Record<'_>) -> io::Result<()> {
        match &record.what {
            What::Up(peer) => {
                self.peers_up.value += 1;
                // That thousands of peers are there at the start is no news: they are counted at once.
                if record.at == Time::ZERO {
                    return Ok(());
                }
                self.close(out, preface, record.at, &Lane::Down(*peer))
            }
            What::Down { peer, with_machine } => {
                self.peers_up.value -= 1;
                let with_machine = annotation("with_machine", &(*with_machine).into());
                let down = Draft::new(BEGIN, Category::Peer, "down").with(vec![with_machine]);
                self.open(out, preface, record.at, Lane::Down(*peer), down)
            }
            What::Fault(fault) => self.fault(out, preface, record.at, fault),
            What::Fact(fact) => self.fact(out, preface, record.at, fact),
            What::Message(message) => self.message(out, preface, record.at, message),
            What::Begin(_) => Ok(()),
            What::End => {
                self.count(out, preface, record.at)?;
                std::mem::take(&mut self.open)
                    .into_iter()
                    .try_for_each(|lane| self.end(out, preface, record.at, &lane, Vec::new()))
            }
        }
    }

    /// Writes that a slice begins or ends.
    ///
    /// # Errors
    /// What the sink says.
    pub fn change(&mut self, out: &mut dyn Write, preface: &Preface, change: Change<'_>) -> io::Result<()> {
        match change {
            Change::Begins(span) => {
                if span.kind == SpanKind::Deployment {
                    self.deployments.value += 1;
                    self.count(out, preface, span.start)?;
                }
                let title = match span.kind {
                    SpanKind::Phase => span.name.clone(),
                    kind => format!("{} {}", kind.as_str(), span.name),
                };
                let mut annotations = vec![annotation("deployment", &span.deployment.into())];
                let generation =
                    span.generation.map(|generation| annotation("generation", &generation.into()));
                annotations.extend(generation);
                let draft = Draft::new(BEGIN, Category::of(span.kind), title).with(annotations);
                self.write_draft(out, preface, span.start, &lane_of(span), draft)
            }
            Change::Ends(span, ending) => {
                if span.kind == SpanKind::Deployment {
                    self.deployments.value -= 1;
                    self.count(out, preface, ending.at)?;
                }
                let lane = lane_of(span);
                let annotations = vec![annotation("end", &ending.how.into())];
                self.end(out, preface, ending.at, &lane, annotations)?;
                // What may overlap with others of its kind has a track for itself alone.
                if matches!(span.kind, SpanKind::Recovery | SpanKind::Run) {
                    self.tracks.forget(&lane);
                }
                Ok(())
            }
        }
    }

    fn fault(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        fault: &FaultRecord,
    ) -> io::Result<()> {
        let lane = Lane::Fault(fault.fault, fault.kind);
        if !fault.begins {
            return self.close(out, preface, at, &lane);
        }
        let mut annotations = vec![annotation("fault", &fault.fault.into())];
        if !fault.concerned.is_empty() {
            let sides = fault.concerned.iter().map(|side| side.len().to_string());
            let sides = sides.collect::<Vec<_>>().join(" / ");
            annotations.push(annotation("peers", &sides.into()));
        }
        let kind = if fault.lasts { BEGIN } else { INSTANT };
        let draft = Draft::new(kind, Category::Fault, fault.kind).with(annotations);
        if fault.lasts {
            self.open(out, preface, at, lane, draft)
        } else {
            self.write_draft(out, preface, at, &lane, draft)
        }
    }

    fn fact(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        fact: &FactRecord<'_>,
    ) -> io::Result<()> {
        let count = (fact.count != 1).then(|| annotation("count", &fact.count.into()));
        let labels = fact.labels.pairs().map(|(key, value)| annotation(key, &value));
        let content = fact.content.iter().map(|(key, value)| annotation(key, value));
        let annotations = labels.chain(count).chain(content).collect();
        let category = if fact.is_trouble { Category::Trouble } else { Category::Fact };
        let draft = Draft::new(INSTANT, category, fact.kind).with(annotations);
        self.write_draft(out, preface, at, &Lane::Facts(fact.peer), draft)
    }

    fn message(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        message: &MessageRecord<'_>,
    ) -> io::Result<()> {
        let arrow = |to: u32| message.number * RECEIVERS + u64::from(to);
        let (verb, peer, other, event) = match (message.passage, message.to) {
            (Passage::Sent { .. }, Some(to)) => {
                ("send", message.from, Some(to), TrackEvent { flows: vec![arrow(to)], ..Default::default() })
            }
            (Passage::Sent { receivers }, None) => {
                let flows = receivers.iter().map(|to| arrow(*to)).collect();
                ("broadcast", message.from, None, TrackEvent { flows, ..Default::default() })
            }
            (Passage::Handled | Passage::Dropped, Some(to)) => {
                let verb = if message.passage == Passage::Handled { "handle" } else { "drop" };
                let ends = message.is_announced.then(|| arrow(to)).into_iter().collect();
                (verb, to, Some(message.from), TrackEvent { ends, ..Default::default() })
            }
            // What lies between sending and handling is the arrow's.
            (Passage::Arrived | Passage::Lost(_) | Passage::Dropped | Passage::Handled, _) => return Ok(()),
        };
        let mut annotations =
            vec![annotation("message", &message.number.into()), annotation("bytes", &message.bytes.into())];
        let key = if message.passage.is_at_sender() { "to" } else { "from" };
        annotations.extend(other.map(|peer| annotation(key, &preface.peer(peer).into())));
        annotations.extend(message.deployment.map(|number| annotation("deployment", &number.into())));
        let name = format!("{verb} {}", message.behaviour);
        let draft = Draft { kind: INSTANT, category: Category::Message, name, event };
        self.write_draft(out, preface, at, &Lane::Messages(peer), draft.with(annotations))
    }

    /// Begins a slice that ends by a record of its own, or with the run.
    fn open(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        lane: Lane,
        draft: Draft,
    ) -> io::Result<()> {
        self.count(out, preface, at)?;
        self.write_draft(out, preface, at, &lane, draft)?;
        self.open.push(lane);
        Ok(())
    }

    /// Ends such a slice, if it is open.
    fn close(&mut self, out: &mut dyn Write, preface: &Preface, at: Time, lane: &Lane) -> io::Result<()> {
        self.count(out, preface, at)?;
        let Some(place) = self.open.iter().position(|open| open == lane) else { return Ok(()) };
        self.open.remove(place);
        self.end(out, preface, at, lane, Vec::new())
    }

    fn end(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        lane: &Lane,
        annotations: Vec<DebugAnnotation>,
    ) -> io::Result<()> {
        let track = self.track(out, preface, lane)?;
        let event = TrackEvent { kind: Some(END), track: Some(track), annotations, ..TrackEvent::default() };
        self.write(out, packet_of(at, event))
    }

    /// Writes the counts that have changed.
    fn count(&mut self, out: &mut dyn Write, preface: &Preface, at: Time) -> io::Result<()> {
        for lane in [Lane::PeersUp, Lane::Deployments] {
            let count = if lane == Lane::PeersUp { &mut self.peers_up } else { &mut self.deployments };
            if count.told.replace(count.value) == Some(count.value) {
                continue;
            }
            let (kind, counted) = (Some(COUNTER), Some(count.value));
            let track = Some(self.track(out, preface, &lane)?);
            self.write(out, packet_of(at, TrackEvent { kind, track, counted, ..TrackEvent::default() }))?;
        }
        Ok(())
    }

    fn write_draft(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        lane: &Lane,
        draft: Draft,
    ) -> io::Result<()> {
        let Draft { kind, category, name, mut event } = draft;
        let track = self.track(out, preface, lane)?;
        let mut interned = InternedData::default();
        let category_number = self.categories.get(&category).copied().unwrap_or_else(|| {
            let number = self.categories.len() as u64 + 1;
            self.categories.insert(category, number);
            let name = Some(category.as_str().to_owned());
            interned.categories.push(Interned { number: Some(number), name });
            number
        });
        // Instants have few names, each a thousand times; names of slices come once or a few times.
        if kind == INSTANT {
            let number = self.names.get(&name).copied().unwrap_or_else(|| {
                let number = self.names.len() as u64 + 1;
                self.names.insert(name.clone(), number);
                interned.names.push(Interned { number: Some(number), name: Some(name.clone()) });
                number
            });
            event.name_number = Some(number);
        } else {
            event.name = Some(name);
        }
        let event = TrackEvent {
            kind: Some(kind),
            track: Some(track),
            category_numbers: vec![category_number],
            ..event
        };
        let interned = (interned != InternedData::default()).then_some(interned);
        self.write(out, Packet { interned, ..packet_of(at, event) })
    }

    /// The number of a track; it is described when it is first asked for.
    fn track(&mut self, out: &mut dyn Write, preface: &Preface, lane: &Lane) -> io::Result<u64> {
        let (number, new) = self.tracks.find(preface, lane);
        for track in new {
            self.write(out, Packet { track: Some(track), ..Packet::default() })?;
        }
        Ok(number)
    }

    fn write(&mut self, out: &mut dyn Write, mut packet: Packet) -> io::Result<()> {
        packet.sequence = Some(SEQUENCE);
        packet.sequence_flags = Some(if self.has_begun { NEEDS_STATE } else { CLEARED });
        self.has_begun = true;
        out.write_all(&messages::framed(&packet))
    }
}

fn packet_of(at: Time, event: TrackEvent) -> Packet {
    Packet { at_ns: Some(at.0), event: Some(event), ..Packet::default() }
}

/// What lies within a deployment at one peer shares its track; what may overlap has its own.
fn lane_of(span: &Span) -> Lane {
    match span.kind {
        SpanKind::Deployment | SpanKind::Phase | SpanKind::Round => {
            Lane::Deployment(span.peer, span.deployment)
        }
        SpanKind::Recovery => Lane::Recovery(span.peer, span.deployment, span.name.clone()),
        SpanKind::Run => {
            Lane::Run(span.peer, span.deployment, span.name.clone(), span.generation.unwrap_or_default())
        }
    }
}

fn annotation(name: &str, value: &Value<'_>) -> DebugAnnotation {
    let empty = DebugAnnotation { name: Some(name.to_owned()), ..DebugAnnotation::default() };
    match value {
        Value::Text(text) => DebugAnnotation { text: Some(text.clone().into_owned()), ..empty },
        Value::Texts(texts) => DebugAnnotation { text: Some(texts.join(", ")), ..empty },
        Value::Unsigned(number) => DebugAnnotation { unsigned: Some(*number), ..empty },
        Value::Signed(number) => DebugAnnotation { signed: Some(*number), ..empty },
        Value::Number(number) => DebugAnnotation { number: Some(*number), ..empty },
        Value::Flag(flag) => DebugAnnotation { flag: Some(*flag), ..empty },
    }
}
