//! How well the graphics cards of a fleet are used, sampled once a minute: what of them is held, and how much of the
//! rest is of no use to the jobs that are to be expected.
//!
//! Looked at from outside, whatever policy places jobs. Only providers that are up count.

use std::sync::Arc;

use super::event::PeerId;
use super::setup::Role;
use super::world::World;
use crate::placement::{Machine, Mix, WHOLE_CARD_MILLI};

/// A provider with cards as it is with nothing held.
#[derive(Debug)]
struct Fresh {
    peer: PeerId,
    cards_milli: u64,
    fragmented_milli: f64,
}

/// The providers with cards, and what was seen of them.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    mix: Arc<Mix>,
    fresh: Vec<Fresh>,
    samples: u64,
    /// Sums over the samples: of the held part of all cards, of the fragmented part of all, and of the free ones.
    held: f64,
    fragmented: f64,
    fragmented_of_free: f64,
    /// The held part of all cards in the last sample.
    held_last: Option<f64>,
}

/// Means over the samples of a run, each a part of one; not numbers where there was nothing to see.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct FleetUse {
    /// Of all cards, what was held.
    pub(super) held: f64,
    /// Of all cards, what was free and of no use.
    pub(super) fragmented: f64,
    /// Of what was free.
    pub(super) fragmented_of_free: f64,
    /// Of all cards, what is held at the end.
    pub(super) held_at_end: Option<f64>,
}

impl Fleet {
    /// Means over all samples.
    pub(super) fn seen(&self) -> FleetUse {
        let mean = |sum: f64| sum / self.samples as f64;
        FleetUse {
            held: mean(self.held),
            fragmented: mean(self.fragmented),
            fragmented_of_free: mean(self.fragmented_of_free),
            held_at_end: self.held_last,
        }
    }
}

impl World<'_> {
    /// Puts down which providers have cards, where jobs are to be expected that ask for some.
    pub(super) fn survey_fleet(&mut self) {
        let mix = Arc::clone(&self.setup.expected_jobs);
        if mix.typical().iter().all(|typical| typical.ask.cards == 0) {
            return;
        }
        let is_provider =
            |peer: &PeerId| self.setup.groups[self.population.group_of(*peer)].role == Role::Provider;
        let providers = (0..self.hosts.len() as u32).map(PeerId).filter(is_provider);
        let fresh = |peer: PeerId| {
            let host = &self.hosts[peer.0 as usize];
            let machine = host.fresh_machine();
            (!machine.cards.is_empty()).then(|| Fresh {
                peer,
                cards_milli: machine.cards.len() as u64 * u64::from(WHOLE_CARD_MILLI),
                fragmented_milli: mix.fragmentation(&machine),
            })
        };
        let fresh: Vec<Fresh> = providers.filter_map(fresh).collect();
        self.fleet = Fleet { mix, fresh, ..Fleet::default() };
    }

    /// Looks at all of them. Which part of all cards is held, and which is free and of no use; none without cards.
    pub(super) fn sample_fleet(&mut self) -> Option<[f64; 2]> {
        let (mut all, mut free, mut fragmented) = (0_u64, 0_u64, 0.0);
        for Fresh { peer, cards_milli, fragmented_milli } in &self.fleet.fresh {
            let host = &self.hosts[peer.0 as usize];
            if !host.up {
                continue;
            }
            all += cards_milli;
            let used: Option<Machine> = host.built().and_then(|inside| inside.peer.provider().used_machine());
            match used {
                None => {
                    free += cards_milli;
                    fragmented += fragmented_milli;
                }
                Some(machine) => {
                    free += machine.free_cards_milli();
                    fragmented += self.fleet.mix.fragmentation(&machine);
                }
            }
        }
        if all == 0 {
            return None;
        }
        let held = (all - free) as f64 / all as f64;
        self.fleet.samples += 1;
        self.fleet.held += held;
        self.fleet.held_last = Some(held);
        self.fleet.fragmented += fragmented / all as f64;
        self.fleet.fragmented_of_free += if free == 0 { 0.0 } else { fragmented / free as f64 };
        Some([held, fragmented / all as f64])
    }
}
