//! First fit: a tree of the largest free amounts, descended to the first machine with room.

use super::tree::{Summary, Tree};
use crate::placement::{Amounts, Ask, Machine};

/// The most that is free of each amount on some machines, which need not be on the same one.
#[derive(Clone, Debug)]
struct Most {
    amounts: Amounts,
    /// Of all cards of a machine.
    cards_milli: u64,
    /// Of one card.
    card_milli: u32,
}

impl Most {
    fn of(machine: &Machine) -> Self {
        let largest = machine.cards.iter().map(|card| card.free_milli).max();
        Self {
            amounts: machine.free,
            cards_milli: machine.free_cards_milli(),
            card_milli: largest.unwrap_or(0),
        }
    }

    const fn may_hold(&self, ask: &Ask) -> bool {
        self.amounts.cpu_milli >= ask.cpu_milli
            && self.amounts.ram_bytes >= ask.ram_bytes
            && self.amounts.disk_bytes >= ask.disk_bytes
            && (ask.cards == 0 || self.cards_milli >= ask.cards_milli() && self.card_milli >= ask.card_milli)
    }
}

impl Summary for Most {
    fn empty() -> Self {
        Self { amounts: Amounts::default(), cards_milli: 0, card_milli: 0 }
    }

    fn join(left: &Self, right: &Self) -> Self {
        Self {
            amounts: Amounts {
                cpu_milli: left.amounts.cpu_milli.max(right.amounts.cpu_milli),
                ram_bytes: left.amounts.ram_bytes.max(right.amounts.ram_bytes),
                disk_bytes: left.amounts.disk_bytes.max(right.amounts.disk_bytes),
            },
            cards_milli: left.cards_milli.max(right.cards_milli),
            card_milli: left.card_milli.max(right.card_milli),
        }
    }
}

/// The room of all machines.
#[derive(Debug)]
pub(super) struct Room(Tree<Most>);

impl Room {
    pub(super) fn of(machines: &[Machine]) -> Self {
        Self(Tree::of(machines.iter().map(Most::of)))
    }

    pub(super) fn update(&mut self, place: usize, machine: &Machine) {
        self.0.set(place, Most::of(machine));
    }

    pub(super) fn find(&self, ask: &Ask, machines: &[Machine]) -> Option<usize> {
        let fits = |place: usize| machines.get(place).is_some_and(|machine| machine.fits(ask));
        self.0.first(&|most| most.may_hold(ask), &fits)
    }
}
