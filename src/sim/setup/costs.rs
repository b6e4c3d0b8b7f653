//! What the machines of a group cost: what their owners want to be paid, and the power that they draw.

use crate::dms::provider::offers::{Markup, Tariff};
use crate::kernel::Rng;

/// A price that each provider of a group has for itself, uniform between two, in millionths per hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PriceDraw {
    /// The lowest.
    pub from_micro: u64,
    /// The highest.
    pub to_micro: u64,
}

impl PriceDraw {
    fn draw(self, rng: &mut Rng<'_>) -> u64 {
        // One draw in any case, so that a fixed price shifts no other.
        self.from_micro + rng.below((self.to_micro - self.from_micro).saturating_add(1))
    }
}

/// The tariffs of a group: each provider draws its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TariffPlan {
    /// For a node, whatever it asks for.
    pub node: PriceDraw,
    /// For a core.
    pub core: PriceDraw,
    /// For a GiB of memory.
    pub ram_gib: PriceDraw,
    /// For a GiB of disk.
    pub disk_gib: PriceDraw,
    /// For a graphics card.
    pub card: PriceDraw,
    /// How much more they ask for than it costs them.
    pub markup: Markup,
}

impl TariffPlan {
    /// That of one provider.
    pub fn draw(&self, rng: &mut Rng<'_>) -> Tariff {
        Tariff {
            node_micro: self.node.draw(rng),
            core_micro: self.core.draw(rng),
            ram_gib_micro: self.ram_gib.draw(rng),
            disk_gib_micro: self.disk_gib.draw(rng),
            card_micro: self.card.draw(rng),
            markup: self.markup,
        }
    }
}

/// The power that a machine draws while it is up, which grows with the share of its cores that is held.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Power {
    /// Watts while nothing is held.
    pub idle_w: f64,
    /// Watts while all of its cores are.
    pub busy_w: f64,
}
