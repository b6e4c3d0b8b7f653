//! A provider's pool: what it offers, less what is allocated and committed (dms-orchestration section 5.3).

use std::sync::Arc;

use indexmap::IndexMap;
use thiserror::Error;

use super::{Resources, Shortage};
use crate::kernel::Timestamp;

/// Something held for one allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// How much, with the very cards that were given.
    pub resources: Resources,
    /// Which life of the allocation it is for.
    pub generation: u32,
    /// For a commit: when its lease ends. None once allocated.
    pub lease: Option<Timestamp>,
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

/// The pool. Invariant: free plus the sum over all holdings is what is onboarded.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    onboarded: Resources,
    free: Resources,
    held: IndexMap<Arc<str>, Holding>,
}

impl Pool {
    /// A pool that offers this much and holds nothing.
    #[must_use]
    pub fn new(onboarded: Resources) -> Self {
        Self { free: onboarded.clone(), onboarded, held: IndexMap::new() }
    }

    /// What is offered in total.
    #[must_use]
    pub const fn onboarded(&self) -> &Resources {
        &self.onboarded
    }

    /// What is neither committed nor allocated.
    #[must_use]
    pub const fn free(&self) -> &Resources {
        &self.free
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

    /// Whether anything waits for its lease to end.
    #[must_use]
    pub fn has_commits(&self) -> bool {
        self.held.values().any(|holding| holding.lease.is_some())
    }

    /// Reserves for an allocation until `lease`.
    ///
    /// # Errors
    /// [`PoolError::AlreadyCommitted`], [`PoolError::Short`].
    pub fn commit(
        &mut self,
        allocation: &Arc<str>,
        generation: u32,
        resources: &Resources,
        lease: Timestamp,
    ) -> Result<(), PoolError> {
        if self.held.contains_key(allocation) {
            return Err(PoolError::AlreadyCommitted(Arc::clone(allocation)));
        }
        let (free, resources) = self.free.divide(resources)?;
        self.free = free;
        let holding = Holding { resources, generation, lease: Some(lease) };
        self.held.insert(Arc::clone(allocation), holding);
        Ok(())
    }

    /// Turns a commit into an allocation: its lease ends no more.
    ///
    /// # Errors
    /// [`PoolError::NotCommitted`], also when what is committed is of another generation.
    pub fn allocate(&mut self, allocation: &Arc<str>, generation: u32) -> Result<(), PoolError> {
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
        if self.held.get(allocation)?.generation > generation {
            return None;
        }
        let holding = self.held.shift_remove(allocation)?;
        self.recount();
        Some(holding)
    }

    /// Gives back every commit whose lease has ended, and says which.
    pub fn lapse(&mut self, now: Timestamp) -> Vec<(Arc<str>, Holding)> {
        let over = |holding: &Holding| holding.lease.is_some_and(|lease| now > lease);
        let lapsed: Vec<_> = self
            .held
            .iter()
            .filter(|(_, holding)| over(holding))
            .map(|(id, holding)| (Arc::clone(id), holding.clone()))
            .collect();
        if !lapsed.is_empty() {
            self.held.retain(|_, holding| !over(holding));
            self.recount();
        }
        lapsed
    }

    /// Free resources are always counted anew, so that nothing can drift. Each holding keeps its own cards.
    fn recount(&mut self) {
        let mut free = self.onboarded.clone();
        let mut cards = std::mem::take(&mut free.gpus);
        for Holding { resources, .. } in self.held.values() {
            for card in &resources.gpus {
                let place = cards.iter().position(|own| own == card);
                cards.remove(place.expect("only cards of this pool have been given out"));
            }
            let rest = resources.clone().without_cards();
            free = free.checked_minus(&rest).expect("only what was free has been given out");
        }
        self.free = Resources { gpus: cards, ..free };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dms::resources::{Cpu, Gpu};

    fn cores(n: u64) -> Resources {
        Resources {
            cpu: Cpu { cores_milli: n * 1000, ..Cpu::default() },
            ram_bytes: n << 30,
            disk_bytes: n << 30,
            gpus: Vec::new(),
        }
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
        assert_eq!(pool.free(), pool.onboarded());
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
        assert_eq!(pool.free(), &cores(4));
    }

    fn card(model: &str, vram_bytes: u64) -> Gpu {
        Gpu { vendor: Some("NVIDIA".into()), model: Some(model.into()), vram_bytes }
    }

    fn wish(vram_bytes: u64) -> Gpu {
        Gpu { vram_bytes, ..Gpu::default() }
    }

    #[test]
    fn a_card_is_given_out_once_and_stays_with_whom_it_was_given_to() {
        let mut pool = Pool::new(Resources { gpus: vec![card("A100", 40), card("T4", 16)], ..cores(8) });
        let with = |wish: Gpu| Resources { gpus: vec![wish], ..cores(1) };
        let [a, b, c]: [Arc<str>; 3] = ["a".into(), "b".into(), "c".into()];
        pool.commit(&a, 0, &with(wish(8)), Timestamp(10)).expect("the small card does");
        pool.commit(&b, 0, &with(wish(8)), Timestamp(10)).expect("the large one does too");
        let refused = pool.commit(&c, 0, &with(wish(8)), Timestamp(10)).expect_err("there is no third");
        assert_eq!(
            refused.to_string(),
            "GPU is short by 1 GPU: 1 GPU required, 0 GPUs available; no GPU 8 B, nor any card of that kind that is \
             not taken"
        );
        pool.allocate(&b, 0).expect("it was committed");
        pool.release("a", 0).expect("it was held");
        assert_eq!(pool.free().gpus, [card("T4", 16)], "b keeps the card that it runs on");
        assert_eq!(pool.allocated().gpus, [card("A100", 40)]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Commit { who: usize, generation: u32, cores: u64, cards: Vec<Gpu>, lease: u64 },
        Allocate { who: usize, generation: u32 },
        Release { who: usize, generation: u32 },
        Lapse { now: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let one = prop_oneof![
            (0..30_u64).prop_map(wish),
            (0..30_u64).prop_map(|vram| card("A100", vram)),
            (0..30_u64).prop_map(|vram| card("T4", vram)),
        ];
        let commit = (0..4_usize, 0..3_u32, 0..4_u64, proptest::collection::vec(one, 0..3), 0..20_u64);
        prop_oneof![
            3 => commit.prop_map(|(who, generation, cores, cards, lease)| Step::Commit {
                who, generation, cores, cards, lease
            }),
            2 => (0..4_usize, 0..3_u32).prop_map(|(who, generation)| Step::Allocate { who, generation }),
            1 => (0..4_usize, 0..3_u32).prop_map(|(who, generation)| Step::Release { who, generation }),
            1 => (0..20_u64).prop_map(|now| Step::Lapse { now }),
        ]
    }

    /// Everything but the order of the cards.
    fn sorted(mut amount: Resources) -> Resources {
        amount.gpus.sort_by_key(ToString::to_string);
        amount
    }

    proptest! {
        #[test]
        fn what_is_allocated_committed_and_free_is_what_is_onboarded(
            steps in proptest::collection::vec(step(), 0..40)
        ) {
            let names: [Arc<str>; 4] = ["a".into(), "b".into(), "c".into(), "d".into()];
            let gpus = vec![card("T4", 16), card("A100", 20), card("T4", 24), wish(10)];
            let mut pool = Pool::new(Resources { gpus, ..cores(6) });
            for step in steps {
                let before = pool.clone();
                let changed = match step {
                    Step::Commit { who, generation, cores: n, cards, lease } => {
                        let wanted = Resources { gpus: cards, ..cores(n) };
                        let fits = pool.free().shortages(&wanted).is_empty() && pool.held(&names[who]).is_none();
                        let done = pool.commit(&names[who], generation, &wanted, Timestamp(lease)).is_ok();
                        prop_assert_eq!(done, fits);
                        done
                    }
                    Step::Allocate { who, generation } => pool.allocate(&names[who], generation).is_ok(),
                    Step::Release { who, generation } => pool.release(&names[who], generation).is_some(),
                    Step::Lapse { now } => !pool.lapse(Timestamp(now)).is_empty(),
                };
                let committed = pool.holdings().filter(|(_, holding)| holding.lease.is_some());
                let committed = committed.fold(Resources::default(), |sum, (_, held)| sum.plus(&held.resources));
                let all = pool.free().plus(&pool.allocated()).plus(&committed);
                prop_assert_eq!(sorted(all), sorted(pool.onboarded().clone()));
                if !changed {
                    prop_assert_eq!(pool.free(), before.free(), "what is refused changes nothing");
                }
            }
        }
    }
}
