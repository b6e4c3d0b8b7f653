//! Bids that can be compared: `scored_bids`, an extension that is off unless the strategy of an orchestrator asks for
//! it.
//!
//! A bid of the real DMS says who bids and where it is, so an orchestrator can do no better than to draw one. Here the
//! request asks for a [`Disclosure`] beside it: what the provider has and what is free of it, what it runs, for how
//! long it has been up, and what it wants to be paid. The orchestrator makes a [`Machine`] of it and has its policy
//! judge, the same code with which a central scheduler would judge all machines at once. That the orchestrator does so,
//! and not each provider for itself, keeps policies out of the protocol, and nobody can praise himself but by false
//! amounts, which a commit brings to light.
//!
//! A round lasts its whole window, and the best eight bids a node are kept, not the first. Only some providers may be
//! asked, drawn from those that the node knows. What a provider tells may be some time old: it counts anew with the
//! first request after `refresh` has passed, as nodes do that report their state now and then (Mitzenmacher, "How
//! useful is old information?", IEEE Trans. Parallel Distrib. Syst. 11, 2000).

use std::sync::Arc;

use serde::Serialize;

use super::constants::BID_REQUEST_TIMEOUT;
use super::identity::PeerId;
use super::resources::{Gpu, Resources};
use crate::kernel::Span;
use crate::placement::{Amounts, Ask, Card, CardKind, Circumstances, Machine, Tag, WHOLE_CARD_MILLI};

/// How an orchestrator compares bids.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct ScoredBids {
    /// How long a round lasts.
    pub window: Span,
    /// Who is asked; none = everybody.
    pub ask: Option<Asked>,
    /// How old what providers tell of themselves may be.
    pub refresh: Span,
    /// Whether the same peers always go first among equals, instead of any.
    pub fixed_ties: bool,
}

impl Default for ScoredBids {
    /// Everybody is asked, what they tell is so at the moment, and equals are drawn.
    fn default() -> Self {
        Self { window: BID_REQUEST_TIMEOUT, ask: None, refresh: Span::ZERO, fixed_ties: false }
    }
}

/// A part of the providers, drawn anew for each request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Asked {
    /// How many, for each node that needs a bid. It doubles with every round without enough bids.
    pub count: u32,
    /// The providers that this node knows, as from its table of peers.
    #[serde(skip)]
    pub known: Arc<[PeerId]>,
}

/// What a request says about the offers that it wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct OffersWanted {
    /// How old they may be.
    pub refresh: Span,
}

/// What a provider tells of itself with a bid.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Disclosure {
    /// What it offers in all.
    pub onboarded: Resources,
    /// What of that is free; of each card its free memory, at its place.
    pub free: Resources,
    /// How many allocations use cards, by how many: 0 is a part of one.
    pub card_users: Vec<(u32, u32)>,
    /// Allocations that it holds.
    pub allocations: u32,
    /// How long its process has been up.
    pub up: Span,
    /// Images of the request that it has not run yet.
    pub missing_images: u32,
    /// What it wants to be paid for the node, in millionths per hour; none where it has no price.
    pub price_micro_per_h: Option<u64>,
    /// Its rank among equals, the lowest first, where that is the same in all rounds.
    pub rank: u32,
}

impl Disclosure {
    /// That of a machine of which so much is offered and nothing is in use.
    #[must_use]
    pub fn unused(onboarded: &Resources) -> Self {
        Self {
            onboarded: onboarded.clone(),
            free: onboarded.clone(),
            card_users: Vec::new(),
            allocations: 0,
            up: Span::ZERO,
            missing_images: 0,
            price_micro_per_h: None,
            rank: 0,
        }
    }

    /// As a machine that a policy can judge. `rtt_ms` is what is known of the distance to it.
    #[must_use]
    pub fn machine(&self, rtt_ms: Option<f64>) -> Machine {
        let amounts = |of: &Resources| Amounts {
            cpu_milli: of.cpu.cores_milli,
            ram_bytes: of.ram_bytes,
            disk_bytes: of.disk_bytes,
        };
        let card = |(whole, left): (&Gpu, &Gpu)| Card {
            tags: tags_of(whole),
            free_milli: share_milli(left.vram_bytes, whole.vram_bytes),
        };
        let kind = |&(cards, count): &(u32, u32)| match cards {
            0 => (CardKind::Share, count),
            cards => (CardKind::Cards(cards), count),
        };
        Machine {
            total: amounts(&self.onboarded),
            free: amounts(&self.free),
            cards: self.onboarded.gpus.iter().zip(&self.free.gpus).map(card).collect(),
            kinds: self.card_users.iter().map(kind).collect(),
            known: Circumstances {
                jobs: self.allocations,
                rtt_ms,
                up_s: Some(self.up.as_secs_f64()),
                price_per_h: self.price_micro_per_h.map(|price| price as f64 / 1e6),
                missing_images: Some(self.missing_images),
            },
        }
    }

    /// What a node asks of this machine.
    #[must_use]
    pub fn ask(&self, wanted: &Resources) -> Ask {
        let share = |wish: &Gpu| {
            let card = self.onboarded.gpus.iter().find(|card| card.is_of_kind(wish));
            match card {
                Some(card) if wish.vram_bytes > 0 => share_milli(wish.vram_bytes, card.vram_bytes),
                _ => WHOLE_CARD_MILLI,
            }
        };
        ask_for(wanted, share)
    }
}

/// What a requirement asks of a machine, where `share` says how much of a card a wish is, in thousandths. Wishes for
/// cards count as if all were like the largest of them, and the first says which will do.
pub fn ask_for(wanted: &Resources, share: impl Fn(&Gpu) -> u32) -> Ask {
    let accepts = wanted.gpus.first().map(|wish| match (&wish.model, &wish.vendor) {
        (Some(models), _) => models.split('|').map(|model| Tag::of(model.trim())).collect(),
        (None, Some(vendor)) => [Tag::of(vendor)].into_iter().collect(),
        (None, None) => smallvec::SmallVec::new(),
    });
    Ask {
        cpu_milli: wanted.cpu.cores_milli,
        ram_bytes: wanted.ram_bytes,
        disk_bytes: wanted.disk_bytes,
        cards: wanted.gpus.len() as u32,
        card_milli: wanted.gpus.iter().map(share).max().unwrap_or(0),
        accepts: accepts.unwrap_or_default(),
    }
}

/// What of a card's memory is meant, to the nearest thousandth of it: shares come from thousandths that were rounded up
/// to bytes.
#[must_use]
pub fn share_milli(bytes: u64, whole_bytes: u64) -> u32 {
    if whole_bytes == 0 {
        return 0;
    }
    let whole = u128::from(whole_bytes);
    let milli = (u128::from(bytes) * u128::from(WHOLE_CARD_MILLI) * 2 + whole) / (2 * whole);
    milli.min(u128::from(WHOLE_CARD_MILLI)) as u32
}

fn tags_of(card: &Gpu) -> [Tag; 2] {
    let tag = |name: &Option<Arc<str>>| Tag::of(name.as_deref().unwrap_or_default());
    [tag(&card.vendor), tag(&card.model)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(model: &str, vram_bytes: u64) -> Gpu {
        Gpu { vendor: Some("NVIDIA".into()), model: Some(model.into()), vram_bytes }
    }

    fn offer() -> Disclosure {
        let of = |gpus| Resources { gpus, ..Resources::default() };
        Disclosure {
            onboarded: of(vec![card("T4", 16 << 30), card("A10", 24 << 30)]),
            free: of(vec![card("T4", 16 << 30), card("A10", 6 << 30)]),
            card_users: vec![(0, 2), (2, 1)],
            allocations: 3,
            up: Span::mins(2),
            missing_images: 1,
            price_micro_per_h: Some(1_500_000),
            rank: 7,
        }
    }

    #[test]
    fn an_offer_is_a_machine_with_cards_in_thousandths() {
        let machine = offer().machine(Some(12.0));
        assert_eq!(machine.cards.iter().map(|card| card.free_milli).collect::<Vec<_>>(), [1000, 250]);
        assert_eq!(machine.kinds.as_slice(), [(CardKind::Share, 2), (CardKind::Cards(2), 1)]);
        let known = machine.known;
        assert_eq!(
            (known.jobs, known.rtt_ms, known.up_s, known.price_per_h),
            (3, Some(12.0), Some(120.0), Some(1.5))
        );
    }

    #[test]
    fn a_request_asks_for_shares_of_the_cards_that_it_may_have() {
        let wishes = |gpus: Vec<Gpu>| offer().ask(&Resources { gpus, ..Resources::default() });
        let any = |vram_bytes| Gpu { vram_bytes, ..Gpu::default() };
        assert_eq!((wishes(vec![any(0)]).card_milli, wishes(vec![any(8 << 30)]).card_milli), (1000, 500));
        let ask = wishes(vec![Gpu { vendor: None, ..card("a10|t4", 6 << 30) }; 2]);
        assert_eq!((ask.cards, ask.card_milli, ask.accepts.len()), (2, 375, 2));
        assert!(ask.accepts(&tags_of(&card("A10", 0))) && !ask.accepts(&tags_of(&card("V100", 0))));
        assert_eq!(wishes(Vec::new()), Ask::default());
    }

    /// Thousandths that were turned into bytes come back as they were, and so does what is left of a card.
    #[test]
    fn thousandths_survive_as_bytes() {
        for whole in [16_u64 << 30, 24 << 30, 11 * 1_000_000_007, 1000] {
            for milli in 0..=1000_u64 {
                let bytes = (milli * whole).div_ceil(1000);
                assert_eq!(u64::from(share_milli(bytes, whole)), milli);
                assert_eq!(u64::from(share_milli(whole - bytes, whole)), 1000 - milli, "{milli} of {whole}");
            }
        }
    }
}
