//! What is recorded of a simulated network while a run goes on: facts, messages, peers that come and go.
//!
//! A [`Record`] is neutral: numbers of the run, words and values, nothing of the protocol. The simulator makes them
//! ([`crate::observe`] does not know how), and the writers of `events.jsonl`, `otlp.jsonl` and `trace.perfetto-trace`
//! read them. A record is lent: what a writer wants to keep it copies.

use std::borrow::Cow;

use crate::kernel::{Time, Timestamp};

use super::rows::Text;

/// What a run is, told before anything else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preface {
    /// The scenario's name.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// The profile.
    pub profile: String,
    /// How signatures are treated.
    pub signatures: String,
    /// What a clock that is right reads at simulated time 0.
    pub epoch: Timestamp,
    /// The names of the peers, by their numbers.
    pub peers: Vec<Text>,
}

impl Preface {
    /// The name of a peer.
    #[must_use]
    pub fn peer(&self, number: u32) -> &str {
        &self.peers[number as usize]
    }

    /// Simulated time in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_ns(&self, at: Time) -> u64 {
        self.epoch.0 + at.0
    }
}

/// Something that happened, and when.
#[derive(Clone, PartialEq, Debug)]
pub struct Record<'a> {
    /// When.
    pub at: Time,
    /// What.
    pub what: What<'a>,
}

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum What<'a> {
    /// Recording begins.
    Begin(&'a Preface),
    /// A peer is up from now on, or was when recording began.
    Up(u32),
    /// A peer is down from now on.
    Down {
        /// Which.
        peer: u32,
        /// Whether what ran there has ended with it.
        with_machine: bool,
    },
    /// Something breaks, or works again.
    Fault(&'a FaultRecord),
    /// A peer reported a fact.
    Fact(&'a FactRecord<'a>),
    /// A message got on or off its way.
    Message(&'a MessageRecord<'a>),
    /// The run ends.
    End,
}

/// A fault of the scenario, or one of its turns. What it does to single peers is told by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FaultRecord {
    /// Its number in the scenario, from 0.
    pub fault: u32,
    /// Its word there: `crash`, `partition`, ...
    pub kind: &'static str,
    /// Whether it begins; else it ends.
    pub begins: bool,
    /// Whether its end is told, too: what breaks single peers ends at each of them.
    pub lasts: bool,
    /// Whom a condition of the network concerns, by their numbers in rising order: the sides of a partition, or the one
    /// group. Empty for everybody, and for what is no such condition.
    pub concerned: Vec<Vec<u32>>,
}

impl FaultRecord {
    /// What the record is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        if self.begins { "fault_begins" } else { "fault_ends" }
    }

    /// Whom it concerns, as ranges of numbers: `0-99 120`, with `/` between sides.
    #[must_use]
    pub fn concerned_text(&self) -> String {
        let sides: Vec<_> = self.concerned.iter().map(|side| ranges(side)).collect();
        sides.join("/")
    }
}

/// Numbers in rising order as ranges: `0-99 120`.
fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(" ")
}

/// A fact of a peer.
#[derive(Clone, PartialEq, Debug)]
pub struct FactRecord<'a> {
    /// The fact's name in small letters, with `_` between words.
    pub kind: &'static str,
    /// Whose it is. Where it stands for several, the one with the lowest number.
    pub peer: u32,
    /// For how many it stands: more than one where the simulator knew beforehand what many would say. None for what a
    /// user learns and no peer tells.
    pub count: u64,
    /// Whether something was refused or went wrong.
    pub is_trouble: bool,
    /// What it is about.
    pub labels: Labels<'a>,
    /// What else it says.
    pub content: Vec<(&'static str, Value<'a>)>,
    /// What it means for the timeline.
    pub step: Step<'a>,
}

/// What a fact is about, by the numbers and names of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Labels<'a> {
    /// The number of the deployment, as in `deployments.csv`.
    pub deployment: Option<u32>,
    /// The node of its ensemble.
    pub node: Option<&'a str>,
    /// The allocation of that node.
    pub allocation: Option<&'a str>,
    /// The generation of the allocation or node, as in `allocations.csv`.
    pub generation: Option<u32>,
    /// The number of the contract, as in `contracts.csv`.
    pub contract: Option<u32>,
    /// The number of the operation, as in `operations.csv`.
    pub operation: Option<u32>,
    /// The number of the revocation, in the order in which they first held anywhere.
    pub revocation: Option<u32>,
    /// The machine of a gateway, by the gateway's own count.
    pub machine: Option<u32>,
}

impl<'a> Labels<'a> {
    /// Those that it has, with their keys.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, Value<'a>)> + use<'a> {
        let number = |number: Option<u32>| number.map(|number| Value::Unsigned(number.into()));
        let text = |text: Option<&'a str>| text.map(|text| Value::Text(text.into()));
        let all = [
            ("deployment", number(self.deployment)),
            ("node", text(self.node)),
            ("allocation", text(self.allocation)),
            ("generation", number(self.generation)),
            ("contract", number(self.contract)),
            ("operation", number(self.operation)),
            ("revocation", number(self.revocation)),
            ("machine", number(self.machine)),
        ];
        all.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)))
    }
}

/// A value of a fact.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Several.
    Texts(Vec<Cow<'a, str>>),
    /// A whole number.
    Unsigned(u64),
    /// A whole number that may be negative.
    Signed(i64),
    /// Any number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl serde::Serialize for Value<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Texts(texts) => serializer.collect_seq(texts),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// What a fact means for the timeline of its deployment or allocation (see [`super::spans`]). The labels say which.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Step<'a> {
    /// Nothing.
    #[default]
    None,
    /// A deployment of this name was accepted.
    Accepted(&'a str),
    /// One of this name was turned down, and why.
    TurnedDown {
        /// Its name.
        name: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// Its orchestrator says in which state it is.
    Status {
        /// DMS's own word.
        status: &'static str,
        /// Whether nothing can follow.
        is_terminal: bool,
        /// Why it failed, if it did.
        failure: Option<&'a str>,
    },
    /// It asks for bids.
    RoundOpened,
    /// A node of it is held to be lost, or is restarted or placed anew.
    Recovers,
    /// Another peer orchestrates it from now on.
    HandedOver,
    /// An allocation runs from now on.
    Runs,
    /// It does not any more, and how it ended.
    Stops(&'static str),
}

/// A message of the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageRecord<'a> {
    /// Its number in the run, in the order of sending, from 1.
    pub number: u64,
    /// What happens to it.
    pub passage: Passage<'a>,
    /// Who gave it to the network.
    pub from: u32,
    /// To whom: for a broadcast, and where nobody is there, none. When it has come, the one to whom it came.
    pub to: Option<u32>,
    /// What it asks to call: a path, in which `<id>` stands for that of an ensemble.
    pub behaviour: &'a str,
    /// The number of the deployment that it belongs to, if it says so.
    pub deployment: Option<u32>,
    /// Its length.
    pub bytes: u64,
    /// Whether what was told of its sending names this receiver. It does not where the simulator knew beforehand what
    /// the receiver would say, and then something happened to that.
    pub is_announced: bool,
}

/// What happens to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passage<'a> {
    /// It is given to the network.
    Sent {
        /// To whom a broadcast will come as an event of its own.
        receivers: &'a [u32],
    },
    /// It has come to a receiver and waits for a worker.
    Arrived,
    /// The receiver has not let it in.
    Dropped,
    /// The receiver's worker is done with it.
    Handled,
    /// It will not come, and why.
    Lost(&'static str),
}

impl Passage<'_> {
    /// Its name in `events.jsonl`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "message_sent",
            Self::Arrived => "message_arrived",
            Self::Dropped => "message_dropped",
            Self::Handled => "message_handled",
            Self::Lost(_) => "message_lost",
        }
    }

    /// At which end of its way that is, `from` or `to`.
    #[must_use]
    pub const fn is_at_sender(&self) -> bool {
        matches!(self, Self::Sent { .. } | Self::Lost(_))
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_are_told_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2 5 7-8");
        assert_eq!(ranges(&[]), "");
    }
}
