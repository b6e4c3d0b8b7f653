//! A provider's pool: what it offers, less what is allocated and committed (dms-orchestration section 5.3).
//!
//! Free amounts go down and up with what is taken and given back; [`Pool::audit`] adds everything up anew and says
//! where the books do not balance.

use std::sync::Arc;

use smallvec::SmallVec;
use thiserror::Error;

use super::cards::{Offer, deal};
use super::{Amount, Dimension, Gpu, Resources, Shortage};
use crate::kernel::{OrderedMap, Timestamp};

/// Something held for one allocation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Holding {
    /// How much, with the kind of each card and how much of its memory.
    pub resources: Resources,
    /// Which of the pool's cards these are, by their places in what is onboarded.
    pub cards: SmallVec<[u16; 2]>,
    /// Which life of the allocation it is for.
    pub generation: u32,
    /// For a commit: when its lease ends. None once allocated.
    pub lease: Option<Timestamp>,
    /// For whom, where the provider tells some of those apart that it gives to.
    pub tenant: Option<u16>,
}

impl Holding {
    /// How much of the memory of the card at a place.
    fn memory_of(&self, place: usize) -> u64 {
        let own = self.cards.iter().zip(&self.resources.gpus).find(|(card, _)| usize::from(**card) == place);
        own.map_or(0, |(_, share)| share.vram_bytes)
    }

    fn uses(&self, place: usize) -> bool {
        self.cards.iter().any(|card| usize::from(*card) == place)
    }
}

/// Why a pool gave nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PoolError {
    /// There is not enough.
    #[error("{0}")]
    Short(#[from] Shortage),
    /// The allocation has a commit or is allocated already.
    #[error("resources already committed for allocation {0}")]
    AlreadyCommitted(Arc<str>),
    /// There is no commit to allocate from.
    #[error("no resources committed for allocation {0}")]
    NotCommitted(Arc<str>),
}

/// Books that do not balance: what is allocated, committed and free of something is not what is onboarded of it.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "of {subject}, {allocated} allocated, {committed} committed and {free} free are not the {onboarded} onboarded"
)]
pub struct Imbalance {
    /// Of what: CPU, RAM, disk, or the memory of a card.
    pub subject: String,
    /// What allocations hold.
    pub allocated: Amount,
    /// What commits hold.
    pub committed: Amount,
    /// What the pool takes to be free.
    pub free: Amount,
    /// What is offered.
    pub onboarded: Amount,
}

/// More is held of something than is onboarded, so that what is free of it would be less than nothing
/// (dms-capabilities section 9.3).
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{}: underflow, {onboarded}{} onboarded and {held} held", self.quantity(), self.subject())]
pub struct Underflow {
    /// What is offered.
    pub onboarded: Amount,
    /// What allocations and commits hold.
    pub held: Amount,
}

impl Underflow {
    /// What the real DMS subtracts.
    const fn quantity(&self) -> &'static str {
        match self.held.dimension {
            Dimension::Cpu => "core",
            Dimension::Ram | Dimension::Disk => "size",
            Dimension::Gpu => "gpu",
        }
    }

    const fn subject(&self) -> &'static str {
        match self.held.dimension {
            Dimension::Ram => " RAM",
            Dimension::Disk => " disk",
            Dimension::Cpu | Dimension::Gpu => "",
        }
    }
}

/// The pool. Invariant: free plus the sum over all holdings is what is onboarded, for each kind and for each card.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    onboarded: Resources,
    /// Of each card its free memory, at the card's place.
    free: Resources,
    held: OrderedMap<Arc<str>, Holding>,
    /// How often somebody may have changed it.
    changes: u32,
}

impl Pool {
    /// A pool that offers this much and holds nothing.
    #[must_use]
    pub fn new(onboarded: Resources) -> Self {
        Self { free: onboarded.clone(), onboarded, held: OrderedMap::default(), changes: 0 }
    }

    /// Differs from what it was if anything may have changed since.
    #[must_use]
    pub const fn changes(&self) -> u32 {
        self.changes
    }

    /// What is offered in total.
    #[must_use]
    pub const fn onboarded(&self) -> &Resources {
        &self.onboarded
    }

    /// What is neither committed nor allocated; of cards, those with free memory and how much of it.
    #[must_use]
    pub fn free(&self) -> Resources {
        let mut free = self.free.clone();
        free.gpus.retain(|card| card.vram_bytes > 0);
        free
    }

    /// Of what more is held than is onboarded: what is free is reckoned anew, as the real DMS does it every time. Cards
    /// are not among it, which it never adds up.
    #[must_use]
    pub fn underflows(&self) -> Vec<Underflow> {
        let held = self.held.values().fold(Resources::default(), |sum, holding| sum.plus(&holding.resources));
        let underflow = |short: Shortage| Underflow {
            onboarded: Amount { dimension: short.dimension, quantity: short.available },
            held: Amount { dimension: short.dimension, quantity: short.required },
        };
        self.onboarded.short_sizes(&held).map(underflow).collect()
    }

    /// What allocations hold; commits are not counted.
    #[must_use]
    pub fn allocated(&self) -> Resources {
        let allocated = self.held.values().filter(|holding| holding.lease.is_none());
        allocated.fold(Resources::default(), |sum, holding| sum.plus(&holding.resources))
    }

    /// What is held, by full id of the allocation, oldest first.
    pub fn holdings(&self) -> impl Iterator<Item = (&Arc<str>, &Holding)> {
        self.held.iter()
    }

    /// What is held for an allocation.
    #[must_use]
    pub fn held(&self, allocation: &str) -> Option<&Holding> {
        self.held.get(allocation)
    }

    /// When the first lease ends of what is committed and not allocated.
    #[must_use]
    pub fn first_lease_end(&self) -> Option<Timestamp> {
        self.held.values().filter_map(|holding| holding.lease).min()
    }

    /// Whether this much is free.
    ///
    /// # Errors
    /// The first dimension that is short, in the order CPU, RAM, disk, GPU.
    pub fn check(&self, wanted: &Resources) -> Result<(), Shortage> {
        self.deal(wanted).map(drop)
    }

    /// The cards, by place, that fulfil the wishes among what is wanted.
    fn deal(&self, wanted: &Resources) -> Result<Vec<usize>, Shortage> {
        self.free.check_sizes(wanted)?;
        if wanted.gpus.is_empty() {
            return Ok(Vec::new());
        }
        deal(&wanted.gpus, &self.offers())
    }

    /// What each card has to give.
    fn offers(&self) -> Vec<Offer<'_>> {
        let unused = |place: usize| !self.held.values().any(|holding| holding.uses(place));
        let cards = self.onboarded.gpus.iter().zip(&self.free.gpus).zip(0..);
        cards
            .map(|((card, left), place)| Offer { card, free_bytes: left.vram_bytes, unused: unused(place) })
            .collect()
    }

    /// These cards, if they fulfil the wishes in their order and each other one only once; else none.
    fn as_wished(&self, wanted: &Resources, cards: &[u16]) -> Option<Vec<usize>> {
        let places: Vec<usize> = cards.iter().map(|&place| usize::from(place)).collect();
        if cards.is_empty() || places.len() != wanted.gpus.len() || self.free.check_sizes(wanted).is_err() {
            return None;
        }
        let offers = self.offers();
        let fulfils = |(at, (place, wish)): (usize, (&usize, &Gpu))| {
            !places[..at].contains(place) && offers.get(*place).is_some_and(|offer| offer.fulfils(wish))
        };
        places.iter().zip(&wanted.gpus).enumerate().all(fulfils).then_some(places)
    }

    /// What is neither committed nor allocated, with every card at its place, whatever is free of it.
    #[must_use]
    pub const fn free_by_place(&self) -> &Resources {
        &self.free
    }

    /// Reserves for an allocation until `lease`.
    ///
    /// # Errors
    /// [`PoolError::AlreadyCommitted`], [`PoolError::Short`].
    pub fn commit(
        &mut self,
        allocation: &Arc<str>,
        generation: u32,
        wanted: &Resources,
        lease: Timestamp,
    ) -> Result<(), PoolError> {
        self.commit_with(allocation, generation, wanted, &[], lease)
    }

    /// The same with these cards, by their places, for the wishes in their order. Where these will not do, others are
    /// dealt as ever.
    ///
    /// # Errors
    /// [`PoolError::AlreadyCommitted`], [`PoolError::Short`].
    pub fn commit_with(
        &mut self,
        allocation: &Arc<str>,
        generation: u32,
        wanted: &Resources,
        cards: &[u16],
        lease: Timestamp,
    ) -> Result<(), PoolError> {
        self.changes += 1;
        if self.held.contains_key(allocation) {
            return Err(PoolError::AlreadyCommitted(Arc::clone(allocation)));
        }
        let places = match self.as_wished(wanted, cards) {
            Some(places) => places,
            None => self.deal(wanted)?,
        };
        let share = |(place, wish): (&usize, &Gpu)| {
            let card = &self.onboarded.gpus[*place];
            let vram_bytes = if wish.vram_bytes == 0 { card.vram_bytes } else { wish.vram_bytes };
            Gpu { vram_bytes, ..card.clone() }
        };
        let gpus = places.iter().zip(&wanted.gpus).map(share).collect();
        let cards =
            places.iter().map(|&place| u16::try_from(place).expect("a machine has few cards")).collect();
        let resources = Resources { gpus, ..wanted.clone() };
        let holding = Holding { resources, cards, generation, lease: Some(lease), tenant: None };
        self.take(&holding);
        self.held.insert(Arc::clone(allocation), holding);
        Ok(())
    }

    /// What is held for an allocation is for this tenant.
    pub fn attribute(&mut self, allocation: &str, tenant: Option<u16>) {
        if let Some(holding) = self.held.get_mut(allocation) {
            holding.tenant = tenant;
        }
    }

    /// Holds again what was held before a restart, of the very same cards.
    ///
    /// # Errors
    /// [`PoolError::AlreadyCommitted`], [`PoolError::Short`] when there is less than there was.
    pub fn restore(&mut self, allocation: &Arc<str>, holding: Holding) -> Result<(), PoolError> {
        self.changes += 1;
        if self.held.contains_key(allocation) {
            return Err(PoolError::AlreadyCommitted(Arc::clone(allocation)));
        }
        self.free.check_sizes(&holding.resources)?;
        let cards = holding.cards.iter().zip(&holding.resources.gpus);
        let has = |(place, share): &(&u16, &Gpu)| {
            self.free.gpus.get(usize::from(**place)).is_some_and(|card| card.vram_bytes >= share.vram_bytes)
        };
        let (all, there) = (holding.cards.len() as u64, cards.filter(has).count() as u64);
        if there < all {
            return Err(Shortage::of(Dimension::Gpu, all, there).into());
        }
        self.take(&holding);
        self.held.insert(Arc::clone(allocation), holding);
        Ok(())
    }

    /// Offers this much from now on, instead of what was offered before.
    ///
    /// # Errors
    /// What is held and would not fit into it; cards that are in use must stay where they are.
    pub fn offer(&mut self, onboarded: Resources) -> Result<(), Shortage> {
        self.changes += 1;
        let held = self.held.values().fold(Resources::default(), |sum, holding| sum.plus(&holding.resources));
        onboarded.check_sizes(&held)?;
        let pairs = onboarded.gpus.iter().zip(&self.onboarded.gpus);
        let kept = pairs.take_while(|(new, old)| new == old).count();
        let used = |places: std::ops::Range<usize>| {
            places.filter(|&place| self.held.values().any(|holding| holding.uses(place))).count() as u64
        };
        let (all, still) = (used(0..self.onboarded.gpus.len()), used(0..kept));
        if all > still {
            return Err(Shortage::of(Dimension::Gpu, all, still));
        }
        self.free = onboarded.clone();
        self.onboarded = onboarded;
        for holding in self.held.values().cloned().collect::<Vec<_>>() {
            self.take(&holding);
        }
        Ok(())
    }

    /// Turns a commit into an allocation: its lease ends no more.
    ///
    /// # Errors
    /// [`PoolError::NotCommitted`], also when what is committed is of another generation.
    pub fn allocate(&mut self, allocation: &Arc<str>, generation: u32) -> Result<(), PoolError> {
        self.changes += 1;
        match self.held.get_mut(allocation) {
            Some(holding) if holding.lease.is_some() && holding.generation == generation => {
                holding.lease = None;
                Ok(())
            }
            _ => Err(PoolError::NotCommitted(Arc::clone(allocation))),
        }
    }

    /// Gives back what is held for an allocation, if its generation is at most `generation`.
    pub fn release(&mut self, allocation: &str, generation: u32) -> Option<Holding> {
        self.changes += 1;
        if self.held.get(allocation)?.generation > generation {
            return None;
        }
        let holding = self.held.shift_remove(allocation)?;
        self.give_back(&holding);
        Some(holding)
    }

    /// Gives back every commit whose lease has ended, and says which.
    pub fn lapse(&mut self, now: Timestamp) -> Vec<(Arc<str>, Holding)> {
        self.changes += 1;
        let over = |holding: &Holding| holding.lease.is_some_and(|lease| now > lease);
        let lapsed: Vec<_> = self
            .held
            .iter()
            .filter(|(_, holding)| over(holding))
            .map(|(id, holding)| (Arc::clone(id), holding.clone()))
            .collect();
        self.held.retain(|_, holding| !over(holding));
        for (_, holding) in &lapsed {
            self.give_back(holding);
        }
        lapsed
    }

    /// What is held is free no more; that there is enough has been checked.
    fn take(&mut self, holding: &Holding) {
        let Resources { cpu, ram_bytes, disk_bytes, gpus } = &holding.resources;
        self.free.cpu.cores_milli -= cpu.cores_milli;
        self.free.ram_bytes -= ram_bytes;
        self.free.disk_bytes -= disk_bytes;
        for (place, share) in holding.cards.iter().zip(gpus) {
            self.free.gpus[usize::from(*place)].vram_bytes -= share.vram_bytes;
        }
    }

    fn give_back(&mut self, holding: &Holding) {
        let Resources { cpu, ram_bytes, disk_bytes, gpus } = &holding.resources;
        self.free.cpu.cores_milli += cpu.cores_milli;
        self.free.ram_bytes += ram_bytes;
        self.free.disk_bytes += disk_bytes;
        for (place, share) in holding.cards.iter().zip(gpus) {
            self.free.gpus[usize::from(*place)].vram_bytes += share.vram_bytes;
        }
    }

    /// Adds everything up anew. Called after every change of a simulated provider, so it allocates nothing.
    ///
    /// # Errors
    /// The first kind, in the order CPU, RAM, disk, cards, of which the sum is not what is onboarded.
    pub fn audit(&self) -> Result<(), Imbalance> {
        let (onboarded, free) = (&self.onboarded, &self.free);
        self.balance(Dimension::Cpu, [onboarded, free].map(|of| of.cpu.cores_milli), |held| {
            held.resources.cpu.cores_milli
        })?;
        self.balance(Dimension::Ram, [onboarded.ram_bytes, free.ram_bytes], |held| held.resources.ram_bytes)?;
        self.balance(Dimension::Disk, [onboarded.disk_bytes, free.disk_bytes], |held| {
            held.resources.disk_bytes
        })?;
        for (place, (card, left)) in onboarded.gpus.iter().zip(&free.gpus).enumerate() {
            let total = [card.vram_bytes, left.vram_bytes];
            self.balance(Dimension::Ram, total, |held| held.memory_of(place)).map_err(|imbalance| {
                Imbalance { subject: format!("the memory of card {place} ({card})"), ..imbalance }
            })?;
        }
        Ok(())
    }

    fn balance(
        &self,
        dimension: Dimension,
        [onboarded, free]: [u64; 2],
        quantity: impl Fn(&Holding) -> u64,
    ) -> Result<(), Imbalance> {
        let [mut allocated, mut committed] = [0_u64; 2];
        for holding in self.held.values() {
            let sum = if holding.lease.is_some() { &mut committed } else { &mut allocated };
            *sum = sum.saturating_add(quantity(holding));
        }
        if u128::from(allocated) + u128::from(committed) + u128::from(free) == u128::from(onboarded) {
            return Ok(());
        }
        let [allocated, committed, free, onboarded] =
            [allocated, committed, free, onboarded].map(|quantity| Amount { dimension, quantity });
        Err(Imbalance { subject: dimension.to_string(), allocated, committed, free, onboarded })
    }

    /// Less is offered than is held, for tests of what is told then.
    #[cfg(test)]
    pub(crate) fn shrink(&mut self, onboarded: &Resources) {
        self.onboarded = onboarded.clone();
    }

    /// Cores get lost, for tests of what notices.
    #[cfg(test)]
    pub(crate) fn lose_cores(&mut self, cores_milli: u64) {
        self.changes += 1;
        self.free.cpu.cores_milli -= cores_milli;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dms::resources::Cpu;
    use crate::dms::resources::cards::tests::{card, some_card};

    fn cores(n: u64) -> Resources {
        Resources {
            cpu: Cpu { cores_milli: n * 1000, ..Cpu::default() },
            ram_bytes: n << 30,
            disk_bytes: n << 30,
            gpus: Vec::new(),
        }
    }

    /// So many cores, and these cards or wishes for cards.
    fn with(n: u64, gpus: &[Gpu]) -> Resources {
        Resources { gpus: gpus.to_vec(), ..cores(n) }
    }

    #[test]
    fn what_is_committed_is_not_free_until_its_lease_ends() {
        let mut pool = Pool::new(cores(4));
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        pool.commit(&a, 0, &cores(3), Timestamp(10)).expect("three of four fit");
        let short = pool.commit(&b, 0, &cores(2), Timestamp(10)).expect_err("two of one do not");
        assert_eq!(short.to_string(), "CPU is short by 1 core: 2 cores required, 1 core available");
        assert_eq!(
            pool.commit(&a, 0, &cores(1), Timestamp(10)),
            Err(PoolError::AlreadyCommitted(Arc::clone(&a)))
        );
        assert!(pool.lapse(Timestamp(10)).is_empty(), "a lease holds at its very end");
        assert_eq!(pool.lapse(Timestamp(11)).len(), 1);
        assert_eq!(pool.free(), *pool.onboarded());
    }

    #[test]
    fn an_older_generation_cannot_release_a_newer_one() {
        let mut pool = Pool::new(cores(4));
        let a: Arc<str> = "a".into();
        pool.commit(&a, 2, &cores(1), Timestamp(10)).expect("it fits");
        assert_eq!(pool.allocate(&a, 1), Err(PoolError::NotCommitted(Arc::clone(&a))));
        pool.allocate(&a, 2).expect("it was committed");
        assert!(pool.release("a", 1).is_none());
        assert!(pool.release("a", 2).is_some());
        assert_eq!(pool.free(), cores(4));
    }

    #[test]
    fn cards_are_shared_by_memory_and_stay_with_whom_they_were_given_to() {
        let mut pool = Pool::new(with(8, &[card("N", "A100", 40), card("N", "T4", 16)]));
        let [a, b, c, d]: [Arc<str>; 4] = ["a".into(), "b".into(), "c".into(), "d".into()];
        let ask = |vram_bytes: u64| with(1, &[card("", "", vram_bytes)]);
        pool.commit(&a, 0, &ask(0), Timestamp(10)).expect("the smaller card, whole");
        pool.commit(&b, 0, &ask(30), Timestamp(10)).expect("a part of the larger one");
        let refused = pool.commit(&c, 0, &ask(0), Timestamp(10)).expect_err("no card is unused");
        assert_eq!(
            refused.to_string(),
            "GPU is short by 1 GPU: 1 GPU required, 0 GPUs available; no GPU, nor any card of that kind that is not \
             taken"
        );
        assert_eq!(
            pool.check(&ask(11)).map_err(|short| short.missing().to_string()),
            Err("1 GPU".to_owned())
        );
        pool.commit(&c, 0, &ask(10), Timestamp(10)).expect("the rest of the larger one");
        pool.allocate(&b, 0).expect("it was committed");
        pool.release("a", 0).expect("it was held");
        assert_eq!(pool.free().gpus, [card("N", "T4", 16)]);
        assert_eq!(pool.allocated().gpus, [card("N", "A100", 30)]);
        pool.release("c", 0).expect("it was held");
        pool.commit(&d, 0, &ask(1), Timestamp(10)).expect("a card that is in use already");
        assert_eq!(pool.free().gpus, [card("N", "A100", 9), card("N", "T4", 16)]);
    }

    #[test]
    fn what_was_held_is_held_again_of_the_very_same_cards() {
        let two = [card("N", "A100", 40), card("N", "A100", 40)];
        let mut pool = Pool::new(with(8, &two));
        let names: Vec<Arc<str>> = ["a", "b", "c", "d"].into_iter().map(Arc::from).collect();
        for (name, vram) in names.iter().zip([30, 10, 30, 10]) {
            pool.commit(name, 0, &with(1, &[card("", "", vram)]), Timestamp(10)).expect("two times forty");
        }
        // Dealt anew in this order, the two small ones would take the room of a large one.
        let mut again = Pool::new(with(8, &two));
        for name in ["b", "d", "a", "c"] {
            let held = pool.held(name).expect("committed just before").clone();
            assert_eq!(again.restore(&name.into(), held), Ok(()), "{name}");
        }
        assert_eq!((again.audit(), again.free().gpus), (Ok(()), Vec::new()));
        let mut smaller = Pool::new(with(8, &two[..1]));
        let lost = smaller.restore(&names[2], pool.held("c").expect("it is held").clone());
        assert_eq!(
            lost.map_err(|error| error.to_string()),
            Err("GPU is short by 1 GPU: 1 GPU required, 0 GPUs available".to_owned())
        );
    }

    #[test]
    fn an_offer_can_change_as_far_as_nobody_loses_what_it_holds() {
        let cards = [card("N", "A100", 40), card("N", "T4", 16)];
        let mut pool = Pool::new(with(8, &cards));
        let a: Arc<str> = "a".into();
        pool.commit(&a, 0, &with(3, &[card("", "A100", 10)]), Timestamp(10)).expect("it fits");
        for (offer, refusal) in [
            (with(2, &cards), "CPU is short by 1 core: 3 cores required, 2 cores available"),
            (with(8, &[]), "GPU is short by 1 GPU: 1 GPU required, 0 GPUs available"),
            (with(8, &cards[1..]), "GPU is short by 1 GPU: 1 GPU required, 0 GPUs available"),
        ] {
            assert_eq!(pool.offer(offer).map_err(|short| short.to_string()), Err(refusal.to_owned()));
            assert_eq!((pool.audit(), pool.free().cpu.cores_milli), (Ok(()), 5000), "nothing has changed");
        }
        assert_eq!(pool.offer(with(3, &cards[..1])), Ok(()));
        assert_eq!((pool.audit(), pool.free().gpus), (Ok(()), vec![card("N", "A100", 30)]));
        assert_eq!(pool.offer(with(12, &cards)), Ok(()));
        assert_eq!((pool.audit(), pool.free().cpu.cores_milli), (Ok(()), 9000));
        pool.release("a", 0).expect("it is held");
        assert_eq!(pool.free(), with(12, &cards));
    }

    #[test]
    fn an_audit_names_what_does_not_add_up() {
        let mut pool = Pool::new(with(8, &[card("N", "T4", 16)]));
        let a: Arc<str> = "a".into();
        pool.commit(&a, 0, &with(2, &[card("", "", 4)]), Timestamp(10)).expect("it fits");
        assert_eq!(pool.audit(), Ok(()));
        let mut lost = pool.clone();
        lost.lose_cores(1000);
        assert_eq!(
            lost.audit().expect_err("a core is lost").to_string(),
            "of CPU, 0 cores allocated, 2 cores committed and 5 cores free are not the 8 cores onboarded"
        );
        pool.allocate(&a, 0).expect("it was committed");
        pool.free.gpus[0].vram_bytes = 16;
        assert_eq!(
            pool.audit().expect_err("memory was given out and is free").to_string(),
            "of the memory of card 0 (GPU N T4 16 B), 4 B allocated, 0 B committed and 16 B free are not the 16 B \
             onboarded"
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Commit { who: usize, generation: u32, cores: u64, cards: Vec<Gpu>, lease: u64 },
        Allocate { who: usize, generation: u32 },
        Release { who: usize, generation: u32 },
        Lapse { now: u64 },
        Offer { cores: u64, no_cards: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        let cards = prop::collection::vec(some_card(), 0..3);
        let commit = (0..4_usize, 0..3_u32, 0..4_u64, cards, 0..20_u64);
        prop_oneof![
            3 => commit.prop_map(|(who, generation, cores, cards, lease)| Step::Commit {
                who, generation, cores, cards, lease
            }),
            2 => (0..4_usize, 0..3_u32).prop_map(|(who, generation)| Step::Allocate { who, generation }),
            1 => (0..4_usize, 0..3_u32).prop_map(|(who, generation)| Step::Release { who, generation }),
            1 => (0..20_u64).prop_map(|now| Step::Lapse { now }),
            1 => (0..9_u64, any::<bool>()).prop_map(|(cores, no_cards)| Step::Offer { cores, no_cards }),
        ]
    }

    /// The plain pool: a list of who holds what, and everything else counted from it when asked.
    #[derive(Default)]
    struct Slow(Vec<(usize, u32, Option<u64>, u64)>);

    impl Slow {
        fn cores(&self, committed: bool) -> u64 {
            let counted = self.0.iter().filter(|(_, _, lease, _)| lease.is_some() == committed);
            counted.map(|(_, _, _, cores)| cores).sum()
        }

        /// Carries out a step, if `fits` in the case of a commit; whether anything changed.
        fn step(&mut self, step: &Step, fits: bool) -> bool {
            let before = self.0.len();
            match *step {
                Step::Commit { who, generation, cores, lease, .. } => {
                    if fits && !self.0.iter().any(|held| held.0 == who) {
                        self.0.push((who, generation, Some(lease), cores));
                    }
                }
                Step::Allocate { who, generation } => {
                    let mut held = self.0.iter_mut();
                    let found = held.find(|held| held.0 == who && held.1 == generation && held.2.is_some());
                    return found.map(|held| held.2 = None).is_some();
                }
                Step::Release { who, generation } => {
                    self.0.retain(|held| held.0 != who || held.1 > generation);
                }
                Step::Lapse { now } => self.0.retain(|held| held.2.is_none_or(|lease| now <= lease)),
                Step::Offer { .. } => return fits,
            }
            self.0.len() != before
        }
    }

    proptest! {
        #[test]
        fn what_is_allocated_committed_and_free_is_what_is_onboarded(
            cards in prop::collection::vec(some_card(), 0..4),
            steps in prop::collection::vec(step(), 0..40),
        ) {
            let names: [Arc<str>; 4] = ["a".into(), "b".into(), "c".into(), "d".into()];
            let mut pool = Pool::new(with(6, &cards));
            let mut slow = Slow::default();
            let mut offered = 6;
            for step in steps {
                let before = pool.clone();
                let fits = match &step {
                    Step::Commit { cores, cards, .. } => pool.check(&with(*cores, cards)).is_ok(),
                    Step::Offer { cores, no_cards } => {
                        let used = pool.held.values().any(|holding| !holding.cards.is_empty());
                        *cores >= slow.cores(false) + slow.cores(true) && !(used && *no_cards)
                    }
                    _ => false,
                };
                if let (Step::Offer { cores, .. }, true) = (&step, fits) {
                    offered = *cores;
                }
                let done = match &step {
                    Step::Commit { who, generation, cores, cards, lease } => pool
                        .commit(&names[*who], *generation, &with(*cores, cards), Timestamp(*lease))
                        .is_ok(),
                    Step::Allocate { who, generation } => pool.allocate(&names[*who], *generation).is_ok(),
                    Step::Release { who, generation } => pool.release(&names[*who], *generation).is_some(),
                    Step::Lapse { now } => !pool.lapse(Timestamp(*now)).is_empty(),
                    Step::Offer { cores, no_cards } => {
                        pool.offer(with(*cores, if *no_cards { &[] } else { &cards })).is_ok()
                    }
                };
                prop_assert_eq!(done, slow.step(&step, fits), "{:?}", step);
                prop_assert_eq!(pool.audit(), Ok(()));
                let (allocated, committed) = (slow.cores(false), slow.cores(true));
                prop_assert_eq!(pool.allocated().cpu.cores_milli, allocated * 1000);
                prop_assert_eq!(pool.free().cpu.cores_milli, (offered - allocated - committed) * 1000);
                if !done {
                    prop_assert_eq!(pool.free(), before.free(), "what is refused changes nothing");
                }
                for (place, card) in cards.iter().enumerate() {
                    let users = pool.held.values().filter(|holding| holding.uses(place));
                    let whole = |held: &&Holding| held.memory_of(place) == card.vram_bytes;
                    prop_assert!(users.clone().count() == 1 || users.filter(whole).count() == 0);
                }
            }
            let mut again = Pool::new(pool.onboarded().clone());
            for (name, holding) in pool.held.iter().rev() {
                prop_assert_eq!(again.restore(name, holding.clone()), Ok(()));
                prop_assert!(again.restore(name, holding.clone()).is_err(), "not twice");
            }
            prop_assert_eq!((again.audit(), &again.free), (Ok(()), &pool.free), "in any order");
            for name in &names {
                pool.release(name, u32::MAX);
            }
            prop_assert_eq!(&pool.free, pool.onboarded(), "everything comes back, each card at its place");
        }
    }
}
