//! Graphics cards, wishes for them, and which card fulfils which wish (dms-orchestration sections 5.1 to 5.3).
//!
//! A wish takes as much of a card's memory as it asks for, and a wish that asks for none takes a card whole. Wishes of
//! one requirement never share a card; those of different allocations may.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::amounts::{Dimension, Shortage, write_bytes};

/// A graphics card, or the wish for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Gpu {
    /// Vendor such as `NVIDIA`; in a wish, `None` = any.
    pub vendor: Option<Arc<str>>,
    /// Model; in a wish, `None` = any, and several with `|` between them are alternatives (an extension: DMS compares
    /// names as a whole, and no model has that sign in its name).
    pub model: Option<Arc<str>>,
    /// Its memory, in bytes; in a wish, how much of it, and 0 = all of a card that nobody else uses.
    pub vram_bytes: u64,
}

impl Gpu {
    /// Whether vendor and model are among those that a wish names, ignoring case.
    pub(in crate::dms) fn is_of_kind(&self, wish: &Self) -> bool {
        fn agrees(wanted: Option<&Arc<str>>, actual: Option<&Arc<str>>) -> bool {
            let is_it = |actual: &Arc<str>, wanted: &str| {
                wanted.split('|').any(|one| actual.eq_ignore_ascii_case(one.trim()))
            };
            wanted.is_none_or(|wanted| actual.is_some_and(|actual| is_it(actual, wanted)))
        }
        agrees(wish.vendor.as_ref(), self.vendor.as_ref()) && agrees(wish.model.as_ref(), self.model.as_ref())
    }

    /// Whether it asks for a whole card.
    const fn wants_all(&self) -> bool {
        self.vram_bytes == 0
    }
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GPU")?;
        for word in [&self.vendor, &self.model].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        if self.vram_bytes > 0 {
            f.write_str(" ")?;
            write_bytes(f, self.vram_bytes)?;
        }
        Ok(())
    }
}

/// A wish for a graphics card that no card fulfils.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MissingCard {
    /// The wish.
    pub wish: Gpu,
    /// By how many bytes the card of that vendor and model with most free memory falls short; none if there is no such
    /// card that another wish has not taken.
    pub vram_short_bytes: Option<u64>,
}

impl fmt::Display for MissingCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {}", self.wish)?;
        match self.vram_short_bytes {
            Some(bytes) => {
                f.write_str(", the nearest has ")?;
                write_bytes(f, bytes)?;
                f.write_str(" too little memory")
            }
            None => f.write_str(", nor any card of that kind that is not taken"),
        }
    }
}

/// What a card has to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'a> {
    /// The card.
    pub(super) card: &'a Gpu,
    /// How much of its memory is free.
    pub(super) free_bytes: u64,
    /// Whether nobody uses any of it.
    pub(super) unused: bool,
}

impl<'a> Offer<'a> {
    /// A card that nobody uses.
    pub(super) const fn whole(card: &'a Gpu) -> Self {
        Self { card, free_bytes: card.vram_bytes, unused: true }
    }

    pub(super) fn fulfils(&self, wish: &Gpu) -> bool {
        let enough = if wish.wants_all() { self.unused } else { self.free_bytes >= wish.vram_bytes };
        enough && self.card.is_of_kind(wish)
    }
}

/// Finds for each wish a card of its own, by its place among the offers; the answer is in the order of the wishes. The
/// pickiest wishes choose first, and rather a card that is in use already, of these the one with least to give. Whoever
/// comes later makes others move if need be, so a way is found whenever there is one.
///
/// # Errors
/// How many go without, and the pickiest of them.
pub(super) fn deal(wishes: &[Gpu], offers: &[Offer<'_>]) -> Result<Vec<usize>, Shortage> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|&at| {
        let wish = &wishes[at];
        Reverse((wish.model.is_some(), wish.vendor.is_some(), wish.wants_all(), wish.vram_bytes))
    });
    let mut preference: Vec<usize> = (0..offers.len()).collect();
    preference.sort_by_key(|&at| (offers[at].unused, offers[at].free_bytes));
    let mut dealing = Dealing { wishes, offers, preference: &preference, taken: vec![None; offers.len()] };
    let without = order.into_iter().filter(|&wish| !dealing.serve(wish, &mut vec![false; offers.len()]));
    let without: Vec<usize> = without.collect();
    match without.first() {
        None => Ok(dealing.cards_of_wishes()),
        Some(&first) => Err(dealing.shortage(&wishes[first], without.len())),
    }
}

/// A dealing under way: a matching that grows along augmenting paths.
struct Dealing<'a> {
    wishes: &'a [Gpu],
    offers: &'a [Offer<'a>],
    preference: &'a [usize],
    /// Which wish has each card.
    taken: Vec<Option<usize>>,
}

impl Dealing<'_> {
    /// Gives a wish a card that is not taken, or one whose taker can move. What `tried` marks has been in vain.
    fn serve(&mut self, wish: usize, tried: &mut [bool]) -> bool {
        let fulfils = |at: &usize| self.offers[*at].fulfils(&self.wishes[wish]);
        let (free, others): (Vec<usize>, Vec<usize>) =
            self.preference.iter().copied().filter(fulfils).partition(|&at| self.taken[at].is_none());
        if let Some(&card) = free.first() {
            self.taken[card] = Some(wish);
            return true;
        }
        for card in others {
            if !std::mem::replace(&mut tried[card], true)
                && let Some(taker) = self.taken[card]
                && self.serve(taker, tried)
            {
                self.taken[card] = Some(wish);
                return true;
            }
        }
        false
    }

    fn cards_of_wishes(&self) -> Vec<usize> {
        let mut cards = vec![0; self.wishes.len()];
        for (card, wish) in self.taken.iter().enumerate() {
            if let Some(wish) = wish {
                cards[*wish] = card;
            }
        }
        cards
    }

    fn shortage(&self, wish: &Gpu, without: usize) -> Shortage {
        let left = self.offers.iter().zip(&self.taken).filter(|(_, taken)| taken.is_none());
        let nearest =
            left.filter(|(offer, _)| offer.card.is_of_kind(wish)).map(|(offer, _)| offer.free_bytes);
        // Of a whole card it is not the size that is missing.
        let nearest = nearest.max().filter(|_| !wish.wants_all());
        let vram_short_bytes = nearest.map(|bytes| wish.vram_bytes.saturating_sub(bytes));
        let card = Some(Box::new(MissingCard { wish: wish.clone(), vram_short_bytes }));
        let (required, available) = (self.wishes.len(), self.wishes.len() - without);
        Shortage { card, ..Shortage::of(Dimension::Gpu, required as u64, available as u64) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::dms::resources) fn card(vendor: &str, model: &str, vram_bytes: u64) -> Gpu {
        let word = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        Gpu { vendor: word(vendor), model: word(model), vram_bytes }
    }

    /// Cards and wishes of few kinds, so that they meet.
    pub(in crate::dms::resources) fn some_card() -> impl Strategy<Value = Gpu> {
        let words = (prop::sample::select(vec!["", "a", "b"]), prop::sample::select(vec!["", "x", "y"]));
        (words, 0..6_u64).prop_map(|((vendor, model), vram)| card(vendor, model, vram))
    }

    fn dealt(cards: &[Gpu], wishes: &[Gpu]) -> Result<Vec<usize>, String> {
        let offers: Vec<Offer<'_>> = cards.iter().map(Offer::whole).collect();
        deal(wishes, &offers).map_err(|short| short.to_string())
    }

    #[test]
    fn picky_wishes_choose_first_and_take_the_smallest_card_that_does() {
        let cards = [card("NVIDIA", "A100", 40), card("AMD", "MI210", 64), card("NVIDIA", "T4", 16)];
        assert_eq!(dealt(&cards, &[card("", "", 16), card("nvidia", "t4", 8)]), Ok(vec![0, 2]));
        assert_eq!(
            dealt(&cards, &[card("", "", 0), card("", "", 50)]),
            Ok(vec![2, 1]),
            "0 is any card, whole"
        );
        let none = "nor any card of that kind that is not taken";
        for (wishes, refusal) in [
            (
                vec![card("NVIDIA", "", 1); 3],
                format!("3 GPUs required, 2 GPUs available; no GPU NVIDIA 1 B, {none}"),
            ),
            (
                vec![card("NVIDIA", "A100", 80)],
                "1 GPU required, 0 GPUs available; no GPU NVIDIA A100 80 B, the nearest has 40 B too little memory"
                    .to_owned(),
            ),
            (
                vec![card("Intel", "", 0)],
                format!("1 GPU required, 0 GPUs available; no GPU Intel, {none}"),
            ),
        ] {
            assert_eq!(dealt(&cards, &wishes), Err(format!("GPU is short by 1 GPU: {refusal}")));
        }
    }

    #[test]
    fn any_of_several_models_will_do() {
        let cards = [card("", "T4", 16), card("", "V100M32", 32), card("", "P100", 16)];
        assert_eq!(dealt(&cards, &[card("", "V100M16|v100m32", 8)]), Ok(vec![1]));
        assert_eq!(dealt(&cards, &[card("", "P100|T4", 8), card("", "T4", 8)]), Ok(vec![2, 0]));
        assert!(dealt(&cards, &[card("", "A10|G2", 1)]).unwrap_err().contains("no GPU A10|G2 1 B"));
    }

    #[test]
    fn a_share_goes_where_others_are_and_a_whole_card_is_nobody_elses() {
        let (large, small) = (card("", "", 40), card("", "", 16));
        let used = Offer { card: &large, free_bytes: 20, unused: false };
        let offers = [Offer::whole(&small), used];
        let places = |wishes: &[Gpu]| deal(wishes, &offers).map_err(|short| short.required - short.available);
        assert_eq!(places(&[card("", "", 10)]), Ok(vec![1]));
        assert_eq!(places(&[card("", "", 10), card("", "", 10)]), Ok(vec![1, 0]), "not both of one card");
        assert_eq!(places(&[card("", "", 0), card("", "", 10)]), Ok(vec![0, 1]));
        assert_eq!(places(&[card("", "", 0), card("", "", 0)]), Err(1));
        assert_eq!(places(&[card("", "", 21)]), Err(1));
    }

    #[test]
    fn who_was_served_first_moves_for_who_has_no_choice() {
        // The pickier wish would take the smaller card, which is the only one for the other.
        let cards = [card("a", "x", 8), card("b", "x", 8)];
        assert_eq!(dealt(&cards, &[card("a", "", 8), card("", "x", 8)]), Ok(vec![0, 1]));
    }

    proptest! {
        /// Oracle: try every assignment of wishes to cards.
        #[test]
        fn a_full_assignment_of_cards_is_found_whenever_there_is_one(
            have in prop::collection::vec((some_card(), 0..6_u64), 0..5),
            want in prop::collection::vec(some_card(), 0..5),
        ) {
            fn possible(offers: &[Offer<'_>], wishes: &[Gpu]) -> bool {
                wishes.split_first().is_none_or(|(wish, rest)| (0..offers.len()).any(|at| {
                    let mut others = offers.to_vec();
                    others.remove(at).fulfils(wish) && possible(&others, rest)
                }))
            }
            let offers: Vec<Offer<'_>> = have.iter().map(|(card, used_bytes)| Offer {
                card,
                free_bytes: card.vram_bytes.saturating_sub(*used_bytes),
                unused: *used_bytes == 0,
            }).collect();
            let found = deal(&want, &offers);
            prop_assert_eq!(found.is_ok(), possible(&offers, &want));
            if let Ok(places) = found {
                let mut distinct = places.clone();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), want.len());
                prop_assert!(want.iter().zip(places).all(|(wish, at)| offers[at].fulfils(wish)));
            }
        }
    }
}
