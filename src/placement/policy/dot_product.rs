//! The machine whose free amounts have the smallest dot product with what the job asks: "DotProd" in the openb
//! experiment (openb-placement, Rules), after Grandl et al., "Multi-resource packing for cluster schedulers", SIGCOMM
//! 2014.

use super::Scale;
use crate::placement::{Ask, Machine, Policy, Score};

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct DotProduct(pub Scale);

impl Policy for DotProduct {
    fn name(&self) -> &'static str {
        "dot_product"
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        let Scale { cpu_milli, cards_milli } = self.0;
        let cpu = machine.free.cpu_milli as f64 / cpu_milli * (ask.cpu_milli as f64 / cpu_milli);
        let cards =
            machine.free_cards_milli() as f64 / cards_milli * (ask.cards_milli() as f64 / cards_milli);
        libm::trunc(100.0 * (1.0 - (cpu + cards) / 2.0))
    }
}
