//! A provider's pool: what it offers, less what is allocated and committed (dms-orchestration section 5.3).

use std::sync::Arc;

use indexmap::IndexMap;
use thiserror::Error;

use super::{Resources, Shortage};
use crate::kernel::Timestamp;

/// Something held for one allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding {
    /// How much.
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
        self.free = self.free.checked_minus(resources)?;
        let holding = Holding { resources: resources.clone(), generation, lease: Some(lease) };
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

    /// Free resources are always counted anew, so that nothing can drift.
    fn recount(&mut self) {
        self.free = self.held.values().fold(self.onboarded.clone(), |free, holding| {
            free.checked_minus(&holding.resources).expect("only what was free has been given out")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::resources::Cpu;

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
}
