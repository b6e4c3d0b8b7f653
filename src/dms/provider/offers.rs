//! What a provider tells of itself with a bid, where the request wants it, and what it wants to be paid (see
//! [`scored_bids`](crate::dms::scored_bids)).

use serde::Serialize;

use super::Provider;
use crate::dms::actor::{BidRequest, NodeRequest};
use crate::dms::desk::Desk;
use crate::dms::identity::PeerId;
use crate::dms::resources::{Gpu, Resources};
use crate::dms::scored_bids::{Disclosure, OffersWanted};
use crate::kernel::Timestamp;
use crate::kernel::digest::mix;
use crate::placement;

const GIB: u128 = 1 << 30;

/// What a provider wants to be paid for what it gives, in millionths of a unit of money per hour.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct Tariff {
    /// For a node, whatever it asks for.
    pub node_micro: u64,
    /// For a core.
    pub core_micro: u64,
    /// For a GiB of memory.
    pub ram_gib_micro: u64,
    /// For a GiB of disk.
    pub disk_gib_micro: u64,
    /// For a graphics card, or a part of one in proportion.
    pub card_micro: u64,
    /// How it bids: what a node costs it, or more.
    pub markup: Markup,
}

/// How much more than its cost a provider asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub enum Markup {
    /// Nothing: it says the truth, as pays where the winner is paid the second price.
    #[default]
    None,
    /// What pays best where the winner is paid its own price and the costs of `bidders` are uniform up to the highest:
    /// `c + (highest - c) / bidders` (Krishna, "Auction Theory", 2010, section 2.3).
    Equilibrium {
        /// How many bid, itself included.
        bidders: u32,
        /// The highest cost, in millionths per hour.
        highest_micro: u64,
    },
}

impl Tariff {
    /// What a node costs the provider, in millionths per hour, rounded down.
    #[must_use]
    pub fn cost_micro(&self, wanted: &Resources, cards_milli: u64) -> u64 {
        let part = |price: u64, amount: u128, unit: u128| u128::from(price) * amount / unit;
        let sum = u128::from(self.node_micro)
            + part(self.core_micro, wanted.cpu.cores_milli.into(), 1000)
            + part(self.ram_gib_micro, wanted.ram_bytes.into(), GIB)
            + part(self.disk_gib_micro, wanted.disk_bytes.into(), GIB)
            + part(self.card_micro, cards_milli.into(), 1000);
        u64::try_from(sum).unwrap_or(u64::MAX)
    }

    /// What it asks for a node that costs it so much.
    #[must_use]
    pub fn price_micro(&self, cost_micro: u64) -> u64 {
        match self.markup {
            Markup::None => cost_micro,
            Markup::Equilibrium { bidders, highest_micro } => {
                let more = highest_micro.saturating_sub(cost_micro) / u64::from(bidders.max(1));
                cost_micro.saturating_add(more)
            }
        }
    }
}

/// What the provider counted.
#[derive(Clone, Debug)]
pub(super) struct Count {
    free: Resources,
    card_users: Vec<(u32, u32)>,
    allocations: u32,
}

impl Provider {
    /// What it tells of itself in a bid for a node; none where the request does not want it.
    pub(super) fn offer_for(
        &mut self,
        desk: &Desk<'_, '_>,
        host: &PeerId,
        request: &BidRequest,
        node: &NodeRequest,
    ) -> Option<Box<Disclosure>> {
        let wanted = request.offers?;
        let count = self.count(desk.now, wanted);
        let mut offer = Disclosure {
            onboarded: self.pool.onboarded().clone(),
            free: count.free,
            card_users: count.card_users,
            allocations: count.allocations,
            up: desk.out.system.uptime().unwrap_or_default(),
            missing_images: node.images.iter().filter(|image| !desk.out.system.has_image(image)).count()
                as u32,
            price_micro_per_h: None,
            rank: rank_of(host),
        };
        offer.price_micro_per_h = self.machine.tariff.map(|tariff| {
            let cards_milli = offer.ask(&node.resources).cards_milli();
            tariff.price_micro(tariff.cost_micro(&node.resources, cards_milli))
        });
        Some(Box::new(offer))
    }

    /// What is free and in use, as it was counted last if that is not too long ago.
    fn count(&mut self, now: Timestamp, wanted: OffersWanted) -> Count {
        if let Some((_, count)) = self.count.as_ref().filter(|(at, _)| now.since(*at) < wanted.refresh) {
            return count.clone();
        }
        let count = self.count_anew();
        self.count = (wanted.refresh.0 > 0).then(|| (now, count.clone()));
        count
    }

    /// As a machine that a policy can judge, if anything of it is in use.
    #[must_use]
    pub fn used_machine(&self) -> Option<placement::Machine> {
        self.pool.holdings().next()?;
        let Count { free, card_users, allocations } = self.count_anew();
        let unused = Disclosure::unused(self.pool.onboarded());
        Some(Disclosure { free, card_users, allocations, ..unused }.machine(None))
    }

    /// What is free and in use.
    fn count_anew(&self) -> Count {
        let free = self.pool.free_by_place().clone();
        let mut card_users: Vec<(u32, u32)> = Vec::new();
        for (_, holding) in self.pool.holdings() {
            let whole = |(place, share): (&u16, &Gpu)| {
                self.pool.onboarded().gpus[usize::from(*place)].vram_bytes == share.vram_bytes
            };
            let cards = holding.cards.len() as u32;
            let kind = match cards {
                0 => continue,
                1 if !holding.cards.iter().zip(&holding.resources.gpus).all(whole) => 0,
                cards => cards,
            };
            match card_users.iter_mut().find(|(own, _)| *own == kind) {
                Some((_, count)) => *count += 1,
                None => card_users.push((kind, 1)),
            }
        }
        let allocations = self.pool.holdings().count() as u32;
        Count { free, card_users, allocations }
    }

    /// Forgets a count that nobody has asked for of late; none of any use is older than a bid is remembered.
    pub(super) fn forget_count(&mut self) {
        self.count = None;
    }
}

/// The rank of a node among equals: any, and always the same.
#[must_use]
pub fn rank_of(host: &PeerId) -> u32 {
    mix(host.0.short()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::resources::Cpu;

    #[test]
    fn a_price_is_the_cost_of_what_is_given_and_a_markup() {
        let wanted = Resources {
            cpu: Cpu { cores_milli: 1500, ..Cpu::default() },
            ram_bytes: 2 << 30,
            disk_bytes: 10 << 30,
            gpus: Vec::new(),
        };
        let tariff = Tariff {
            node_micro: 5,
            core_micro: 1000,
            ram_gib_micro: 100,
            disk_gib_micro: 1,
            card_micro: 10_000,
            markup: Markup::None,
        };
        let cost = tariff.cost_micro(&wanted, 250);
        assert_eq!(cost, 5 + 1500 + 200 + 10 + 2500);
        assert_eq!(tariff.price_micro(cost), cost);
        let shaded =
            Tariff { markup: Markup::Equilibrium { bidders: 5, highest_micro: 1_000_000 }, ..tariff };
        assert_eq!((shaded.price_micro(500_000), shaded.price_micro(2_000_000)), (600_000, 2_000_000));
        let dear = Tariff { core_micro: u64::MAX, ..tariff };
        assert_eq!(dear.cost_micro(&wanted, 0), u64::MAX);
    }
}
