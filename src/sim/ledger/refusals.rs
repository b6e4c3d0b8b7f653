//! The account of refusals: one line for each deployment, stage, reason and class of amount, with exact counts.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::dms::provider::BidRefusal;
use crate::dms::resources::{Dimension, Shortage};
use crate::kernel::Time;
use crate::sim::event::PeerId;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Kind {
    pub(super) deployment: Option<u32>,
    pub(super) stage: &'static str,
    pub(super) reason: Arc<str>,
    pub(super) amount_class: Option<(Dimension, u8)>,
}

#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) count: u64,
    pub(super) first_time: Time,
    pub(super) first_peer: PeerId,
    pub(super) example: Arc<str>,
}

/// The account.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    pub(super) lines: IndexMap<Kind, Count>,
}

impl Refusals {
    pub(super) fn add(&mut self, kind: Kind, time: Time, peer: PeerId, example: impl FnOnce() -> Arc<str>) {
        let fresh = || Count { count: 0, first_time: time, first_peer: peer, example: example() };
        self.lines.entry(kind).or_insert_with(fresh).count += 1;
    }

    pub(super) fn add_bid(
        &mut self,
        deployment: Option<u32>,
        time: Time,
        peer: PeerId,
        refusal: &BidRefusal,
    ) {
        let (reason, shortage) = match refusal {
            BidRefusal::Hardware(shortage) => (short(shortage, "the machine has too little"), Some(shortage)),
            BidRefusal::Free(shortage) => (short(shortage, "not enough is free of"), Some(shortage)),
            BidRefusal::Processor(_) => ("the machine has another processor, or a slower one".into(), None),
            other => (other.to_string().into(), None),
        };
        let amount_class = shortage.map(|shortage| (shortage.dimension, class(shortage)));
        let kind = Kind { deployment, stage: "bid", reason, amount_class };
        self.add(kind, time, peer, || refusal.to_string().into());
    }
}

fn short(shortage: &Shortage, what: &str) -> Arc<str> {
    format!("{what} {}", shortage.dimension).into()
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
