//! The account of refusals: one line for each deployment, stage, reason and class of amount, with exact counts.

use std::fmt;
use std::sync::Arc;

use indexmap::map::Entry;

use crate::dms::actor::{BehaviourKind, Rejection};
use crate::dms::provider::BidRefusal;
use crate::dms::resources::{Dimension, Shortage};
use crate::kernel::{OrderedMap, Time, fingerprint128};
use crate::sim::event::PeerId;

/// What the refusals of one line have in common.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Kind {
    pub(super) deployment: Option<u32>,
    pub(super) stage: &'static str,
    pub(super) reason: Reason,
    pub(super) amount_class: Option<(Dimension, u8)>,
}

/// Why something was refused. Those that come most often are put into words once for all of a line.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Reason {
    /// In words.
    Text(Arc<str>),
    /// The machine has too little of something.
    Hardware(Dimension),
    /// Too little of something is free.
    Free(Dimension),
    /// The machine's processor will not do.
    Processor,
    /// Something else about a request for bids.
    Bid(BidRefusal),
    /// A message, and which of its tokens failed at which check.
    Message(BehaviourKind, Rejection, Option<Arc<str>>),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Hardware(dimension) => write!(f, "the machine has too little {dimension}"),
            Self::Free(dimension) => write!(f, "not enough is free of {dimension}"),
            Self::Processor => f.write_str("the machine has another processor, or a slower one"),
            Self::Bid(refusal) => refusal.fmt(f),
            Self::Message(behaviour, rejection, None) => write!(f, "{behaviour}: {rejection}"),
            Self::Message(behaviour, rejection, Some(why)) => write!(f, "{behaviour}: {rejection}: {why}"),
        }
    }
}

/// When what was refused had been sent, and who refused it. The first of several comes first by both, so that it does
/// not matter how long each message was on its way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::sim) struct Case {
    /// When it was refused, where that was no message.
    pub(in crate::sim) asked: Time,
    pub(in crate::sim) peer: PeerId,
}

#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) count: u64,
    pub(super) first: Case,
    pub(super) example: Arc<str>,
}

/// The account.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    pub(super) lines: OrderedMap<Kind, Count>,
}

impl Refusals {
    /// So many of a kind, of which this one is the first.
    pub(super) fn add(&mut self, kind: Kind, first: Case, count: u64, example: impl FnOnce() -> Arc<str>) {
        match self.lines.entry(kind) {
            Entry::Vacant(new) => {
                new.insert(Count { count, first, example: example() });
            }
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.count += count;
                if first < known.first {
                    (known.first, known.example) = (first, example());
                }
            }
        }
    }

    pub(super) fn add_bid(&mut self, deployment: Option<u32>, first: Case, count: u64, refusal: &BidRefusal) {
        let (reason, shortage) = match refusal {
            BidRefusal::Hardware(shortage) => (Reason::Hardware(shortage.dimension), Some(shortage)),
            BidRefusal::Free(shortage) => (Reason::Free(shortage.dimension), Some(shortage)),
            BidRefusal::Processor(_) => (Reason::Processor, None),
            // Its words are rounded, so that those of several are the same.
            BidRefusal::NoPlan(_) => (Reason::Text(refusal.to_string().into()), None),
            other => (Reason::Bid(other.clone()), None),
        };
        let amount_class = shortage.map(|shortage| (shortage.dimension, class(shortage)));
        let kind = Kind { deployment, stage: "bid", reason, amount_class };
        self.add(kind, first, count, || refusal.to_string().into());
    }
}

/// A number that is the same for refusals that share a line.
#[inline]
pub(in crate::sim) fn line_of(refusal: &BidRefusal) -> u64 {
    let short = |what: u64, shortage: &Shortage| {
        what << 16 | (shortage.dimension as u64) << 8 | u64::from(class(shortage))
    };
    match refusal {
        BidRefusal::Hardware(shortage) => short(1, shortage),
        BidRefusal::Free(shortage) => short(2, shortage),
        BidRefusal::Processor(_) => 3 << 16,
        BidRefusal::HeldBack => 4 << 16,
        // The upper half is far from the numbers above.
        other => fingerprint128(other) as u64 | 1 << 63,
    }
}

/// Shortages are classed by powers of two of what is missing.
fn class(shortage: &Shortage) -> u8 {
    let missing = shortage.required.saturating_sub(shortage.available);
    missing.checked_ilog2().map_or(0, |power| power as u8 + 1)
}

/// A class in words: up to how much is missing.
pub(super) fn class_text((dimension, class): (Dimension, u8)) -> String {
    let quantity = 1_u64.checked_shl(u32::from(class)).unwrap_or(u64::MAX);
    let amount = crate::dms::resources::Amount { dimension, quantity };
    format!("{dimension} short by less than {amount}")
}
