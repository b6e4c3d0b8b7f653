//! The cheapest machine: a procurement auction among those that bid. The winner is paid its own price, or that of the
//! second cheapest (Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", J. Finance 16, 1961).

use crate::placement::{Ask, Machine, Payment, Policy, Score};

/// The policy, with what the winner is paid.
#[derive(Clone, Copy, Debug)]
pub struct ReverseAuction(pub Payment);

impl Policy for ReverseAuction {
    fn name(&self) -> &'static str {
        match self.0 {
            Payment::OwnPrice => "first_price_auction",
            Payment::SecondPrice => "second_price_auction",
        }
    }

    fn score(&self, _: &Ask, machine: &Machine) -> Score {
        machine.known.price_per_h.map_or(Score::MIN, |price| -price)
    }

    fn payment(&self) -> Payment {
        self.0
    }
}
