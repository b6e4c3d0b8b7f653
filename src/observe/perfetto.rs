//! `trace.perfetto-trace`: the timeline of a run as Perfetto's track events.
//!
//! A peer is a track, made when first something happens there, in which its facts and messages are instants. Below it
//! lie the deployments that it orchestrates and the allocations that it runs, with slices. An arrow leads from the
//! sending of a message to its handling. Times are simulated, from 0.

mod messages;

use std::collections::BTreeMap;
use std::io::{self, Write};

use self::messages::{
    DebugAnnotation, EventName, InternedData, Packet, ProcessDescriptor, TrackDescriptor, TrackEvent,
};
use super::record::{FactRecord, MessageRecord, Passage, Preface, Record, Value, What};
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
/// Numbers of peers begin here among tracks and processes: 0 is nobody.
const FIRST: u64 = 1;
/// Tracks below those of peers have numbers from here on.
const FIRST_CHILD: u64 = 1 << 32;
/// How many receivers of one message the number of an arrow tells apart.
const RECEIVERS: u64 = 1 << 24;

/// Which track below that of a peer: the peer, the deployment, and what of it.
type ChildKey = (u32, u32, String);

/// Writes the trace.
#[derive(Debug, Default)]
pub struct Timeline {
    has_begun: bool,
    /// Whether a peer has its track, by its number.
    peers: Vec<bool>,
    /// Tracks with a slice that is open.
    open: BTreeMap<ChildKey, u64>,
    children: u64,
    /// Names of events that were written once, with their numbers.
    names: BTreeMap<String, u64>,
}

impl Timeline {
    /// Writes what a record is in the trace.
    ///
    /// # Errors
    /// What the sink says.
    pub fn take(&mut self, out: &mut dyn Write, preface: &Preface, record: &Record<'_>) -> io::Result<()> {
        match &record.what {
            // That thousands of peers are there at the start is no news.
            What::Up(_) if record.at == Time::ZERO => Ok(()),
            What::Up(peer) => {
                self.instant(out, preface, (record.at, *peer), "peer_up", TrackEvent::default())
            }
            What::Down { peer, .. } => {
                self.instant(out, preface, (record.at, *peer), "peer_down", TrackEvent::default())
            }
            What::Fact(fact) => self.fact(out, preface, record.at, fact),
            What::Message(message) => self.message(out, preface, record.at, message),
            What::Begin(_) | What::End => Ok(()),
        }
    }

    /// Writes that a slice begins or ends.
    ///
    /// # Errors
    /// What the sink says.
    pub fn change(&mut self, out: &mut dyn Write, preface: &Preface, change: Change<'_>) -> io::Result<()> {
        match change {
            Change::Begins(span) => {
                let track = self.child(out, preface, span)?;
                let title = match span.kind {
                    SpanKind::Phase => span.name.clone(),
                    kind => format!("{} {}", kind.as_str(), span.name),
                };
                let mut annotations = vec![annotation("deployment", &span.deployment.into())];
                let generation =
                    span.generation.map(|generation| annotation("generation", &generation.into()));
                annotations.extend(generation);
                // Names of single things come once or a few times: they are not kept.
                let event = TrackEvent {
                    kind: Some(BEGIN),
                    track: Some(track),
                    name: Some(title),
                    annotations,
                    ..TrackEvent::default()
                };
                self.event(out, span.start, event)
            }
            Change::Ends(span, ending) => {
                let key = child_key(span);
                let Some(track) = self.open.get(&key).copied() else { return Ok(()) };
                // The others on this track lie within it.
                if !matches!(span.kind, SpanKind::Phase | SpanKind::Round) {
                    self.open.remove(&key);
                }
                let annotations = vec![annotation("end", &ending.how.into())];
                let event =
                    TrackEvent { kind: Some(END), track: Some(track), annotations, ..TrackEvent::default() };
                self.event(out, ending.at, event)
            }
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
        let event = TrackEvent { annotations, ..TrackEvent::default() };
        self.instant(out, preface, (at, fact.peer), fact.kind, event)
    }

    fn message(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        at: Time,
        message: &MessageRecord<'_>,
    ) -> io::Result<()> {
        let arrow = |to: u32| message.number * RECEIVERS + u64::from(to);
        let (verb, peer, mut event) = match (message.passage, message.to) {
            (Passage::Sent { .. }, Some(to)) => {
                ("send", message.from, TrackEvent { flows: vec![arrow(to)], ..TrackEvent::default() })
            }
            (Passage::Sent { receivers }, None) => {
                let flows = receivers.iter().map(|to| arrow(*to)).collect();
                ("broadcast", message.from, TrackEvent { flows, ..TrackEvent::default() })
            }
            (Passage::Handled | Passage::Dropped, Some(to)) => {
                let verb = if message.passage == Passage::Handled { "handle" } else { "drop" };
                let ends = message.is_announced.then(|| arrow(to)).into_iter().collect();
                (verb, to, TrackEvent { ends, ..TrackEvent::default() })
            }
            // What lies between sending and handling is the arrow's.
            (Passage::Arrived | Passage::Lost(_) | Passage::Dropped | Passage::Handled, _) => return Ok(()),
        };
        event.annotations =
            vec![annotation("message", &message.number.into()), annotation("bytes", &message.bytes.into())];
        self.instant(out, preface, (at, peer), &format!("{verb} {}", message.behaviour), event)
    }

    fn instant(
        &mut self,
        out: &mut dyn Write,
        preface: &Preface,
        (at, peer): (Time, u32),
        name: &str,
        event: TrackEvent,
    ) -> io::Result<()> {
        let track = self.track_of(out, preface, peer)?;
        let (number, interned) = match self.names.get(name) {
            Some(number) => (*number, None),
            None => {
                let number = self.names.len() as u64 + 1;
                self.names.insert(name.to_owned(), number);
                let name = EventName { number: Some(number), name: Some(name.to_owned()) };
                (number, Some(InternedData { names: vec![name] }))
            }
        };
        let event =
            TrackEvent { kind: Some(INSTANT), track: Some(track), name_number: Some(number), ..event };
        let packet = Packet { interned, ..packet_of(at, event) };
        self.write(out, packet)
    }

    fn event(&mut self, out: &mut dyn Write, at: Time, event: TrackEvent) -> io::Result<()> {
        self.write(out, packet_of(at, event))
    }

    /// The track of a peer, made when it is first asked for.
    fn track_of(&mut self, out: &mut dyn Write, preface: &Preface, peer: u32) -> io::Result<u64> {
        let number = FIRST + u64::from(peer);
        self.peers.resize(preface.peers.len(), false);
        if !std::mem::replace(&mut self.peers[peer as usize], true) {
            let name = preface.peer(peer).to_owned();
            let process = ProcessDescriptor { number: Some(number as i32), name: Some(name.clone()) };
            self.describe(
                out,
                TrackDescriptor {
                    number: Some(number),
                    name: Some(name),
                    process: Some(process),
                    ..TrackDescriptor::default()
                },
            )?;
        }
        Ok(number)
    }

    /// The track on which a span lies: below that of its peer.
    fn child(&mut self, out: &mut dyn Write, preface: &Preface, span: &Span) -> io::Result<u64> {
        let key = child_key(span);
        if let Some(track) = self.open.get(&key) {
            return Ok(*track);
        }
        let parent = self.track_of(out, preface, span.peer)?;
        let number = FIRST_CHILD + self.children;
        self.children += 1;
        let name = match span.kind {
            SpanKind::Deployment | SpanKind::Phase | SpanKind::Round => {
                format!("deployment {}", span.deployment)
            }
            SpanKind::Recovery => format!("deployment {}: recovery of {}", span.deployment, span.name),
            SpanKind::Run => format!("deployment {}: {}", span.deployment, span.name),
        };
        self.open.insert(key, number);
        let (number, parent) = (Some(number), Some(parent));
        self.describe(out, TrackDescriptor { number, parent, name: Some(name), process: None })?;
        Ok(number.unwrap_or_default())
    }

    fn describe(&mut self, out: &mut dyn Write, track: TrackDescriptor) -> io::Result<()> {
        self.write(out, Packet { track: Some(track), ..Packet::default() })
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
fn child_key(span: &Span) -> ChildKey {
    let what = match span.kind {
        SpanKind::Deployment | SpanKind::Phase | SpanKind::Round => String::new(),
        SpanKind::Recovery => format!("recovery of {}", span.name),
        SpanKind::Run => format!("{}, {}", span.name, span.generation.unwrap_or_default()),
    };
    (span.peer, span.deployment, what)
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
