//! Which providers answer a request for bids when not all of them are to: `bid_suppression`, an extension that is off
//! unless the strategy of an orchestrator asks for it.
//!
//! In a network of a hundred thousand peers most providers suit an ordinary request, and their bids drown the link and
//! the queue of whoever asked, who keeps eight of them. So the request carries a [`Draw`]: a number that is drawn anew
//! for every round, and the share of the providers that are to answer. Whoever suits and has room then looks whether
//! its own [`Ticket`] wins. Nobody has to be asked, nothing is remembered, and the next round draws others.
//!
//! The share is that of which [`BID_ANSWERS_WANTED`] answers a node are expected, and it doubles with every round of
//! the deployment that has ended too early for want of bids. A fixed share would never find a rare machine: when one
//! provider in ten thousand suits, a share of one in a thousand asks it once in a thousand rounds. Doubling finds it
//! after as many rounds as the logarithm of the rarity, and what is common is still asked of a few only.
//!
//! A ticket is made of the node's secret key and not of its public one: nobody can tell beforehand whom a draw will
//! take, or look for a key that wins often. It is a digest, so that answers tell nothing about the key.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::constants::BID_ANSWERS_WANTED;
use super::identity::SecretKey;
use crate::kernel::digest::mix;

/// The number under which a provider takes part in every draw; it never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(u64);

impl Ticket {
    /// That of the node with this key.
    #[must_use]
    pub fn of(secret: &SecretKey) -> Self {
        let digest: [u8; 32] =
            Sha256::new().chain_update("bid ticket").chain_update(secret.seed()).finalize().into();
        let (first, _) = digest.split_first_chunk().expect("a digest has more than eight bytes");
        Self(u64::from_le_bytes(*first))
    }
}

/// A part of all providers, in units of 2^-64 and below all of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Share(u64);

impl Share {
    /// The share of so many known providers that are to answer for so many nodes, after so many doublings. None where
    /// that is everybody.
    #[must_use]
    pub fn of(nodes: usize, known_providers: u32, doublings: u32) -> Option<Self> {
        let wanted = u128::from(BID_ANSWERS_WANTED) * nodes as u128;
        let single = u64::try_from((wanted << 64) / u128::from(known_providers.max(1))).ok()?;
        u64::try_from(u128::from(single) << doublings.min(64)).ok().map(Self)
    }

    /// As a number between 0 and 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 as f64 / 2_f64.powi(64)
    }
}

/// What a request says about who is to answer it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Draw {
    /// Drawn by the orchestrator for this request.
    pub lot: u64,
    /// How many are to answer.
    pub share: Share,
}

impl Draw {
    /// Whether the holder of a ticket is to answer. Takes a few nanoseconds, for it is asked of everybody.
    #[must_use]
    pub const fn takes(self, ticket: Ticket) -> bool {
        mix(ticket.0 ^ self.lot) < self.share.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::identity::SignatureMode;

    const HOSTS: u64 = 100_000;

    /// Tickets of many providers, from keys as peers have them.
    fn tickets() -> Vec<Ticket> {
        let seed = |number: u64| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            seed
        };
        (0..HOSTS).map(|n| Ticket::of(&SecretKey::ed25519(seed(n), SignatureMode::Modelled))).collect()
    }

    /// Whether a count out of all hosts is what a chance makes of it, within four standard deviations.
    fn is_likely(count: usize, chance: f64) -> bool {
        let mean = HOSTS as f64 * chance;
        (count as f64 - mean).abs() <= 4.0 * libm::sqrt(mean * (1.0 - chance)).max(1.0)
    }

    #[test]
    fn the_share_answers_and_every_round_draws_anew() {
        let tickets = tickets();
        for (nodes, known, doublings) in
            [(1, 100_000, 0), (1, 100_000, 5), (3, 5000, 0), (1, 128, 0), (5, 180, 0)]
        {
            let share = Share::of(nodes, known, doublings).expect("it is a part of them");
            let chance = share.fraction();
            let taken = |lot| tickets.iter().map(move |ticket| Draw { lot, share }.takes(*ticket));
            // Lots that follow each other, and lots as they are drawn.
            for lot in (0..4).chain((0..4).map(|n| mix(0x5eed + n))) {
                let count = taken(lot).filter(|taken| *taken).count();
                assert!(is_likely(count, chance), "{count} at {chance} with lot {lot}");
                let both = taken(lot).zip(taken(lot + 1)).filter(|(one, other)| *one && *other).count();
                assert!(is_likely(both, chance * chance), "{both} twice at {chance} with lot {lot}");
            }
        }
    }

    #[test]
    fn a_share_is_what_is_wanted_of_what_is_known_and_doubles_up_to_all() {
        let fraction = |nodes, known, doublings| Share::of(nodes, known, doublings).map(Share::fraction);
        assert_eq!(fraction(1, 64, 0), Some(0.5));
        assert_eq!(fraction(2, 1024, 0), Some(1.0 / 16.0));
        assert_eq!(fraction(1, 1024, 3), Some(0.25));
        assert_eq!(fraction(1, 32, 0), None, "all of them");
        assert_eq!(fraction(1, 0, 0), None, "who knows of nobody asks everybody");
        assert_eq!(fraction(1, 64, 1), None);
        assert!(fraction(1, u32::MAX, 26).is_some_and(|part| (0.5..0.51).contains(&part)));
        for doublings in [27, 64, 65, u32::MAX] {
            assert_eq!(fraction(1, u32::MAX, doublings), None);
        }
    }

    #[test]
    fn both_forms_of_signatures_draw_alike() {
        let [real, modelled] =
            [SignatureMode::Real, SignatureMode::Modelled].map(|mode| SecretKey::ed25519([9; 32], mode));
        assert_ne!(real.public(), modelled.public());
        assert_eq!(Ticket::of(&real), Ticket::of(&modelled));
    }
}
