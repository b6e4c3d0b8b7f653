//! Ids of scheduled events: slots with generations, so that an old id never reaches a new event.

/// The slot of an event that cannot be cancelled.
pub(super) const NONE: u32 = u32::MAX;

/// Names a scheduled event for cancellation. It stays harmless after the event has fired or was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventId {
    slot: u32,
    generation: u32,
}

impl EventId {
    #[inline]
    pub(super) const fn slot(self) -> u32 {
        self.slot
    }
    pub(super) const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }
    pub(super) const fn parts(self) -> (u32, u32) {
        (self.slot, self.generation)
    }
}

/// The generations of all slots. An even one belongs to a free slot or a pending event, an odd one to an
/// event that is cancelled but still stored. Every event gets a new generation of its slot, and a slot whose
/// generations are used up is never used again: two events never share an id.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    generations: Vec<u32>,
    free: Vec<u32>,
    cancelled: usize,
}

impl Slots {
    /// A slot for a new event.
    #[inline]
    pub(super) fn occupy(&mut self) -> EventId {
        if let Some(slot) = self.free.pop() {
            return EventId { slot, generation: self.generations[slot as usize] };
        }
        self.grow()
    }

    #[cold]
    fn grow(&mut self) -> EventId {
        let slot = u32::try_from(self.generations.len()).ok().filter(|slot| *slot != NONE);
        self.generations.push(0);
        EventId { slot: slot.expect("fewer than 2^32 - 1 cancellable events are pending"), generation: 0 }
    }

    /// Frees the slot of an entry that leaves the queue. Returns whether the event was still to happen.
    #[inline]
    pub(super) fn vacate(&mut self, slot: u32) -> bool {
        if slot == NONE {
            return true;
        }
        let generation = &mut self.generations[slot as usize];
        let pending = *generation & 1 == 0;
        self.cancelled -= usize::from(!pending);
        *generation |= 1;
        // After the last generation the slot keeps that odd one, which no id has, and stays out of the free
        // list for ever: four bytes lost in 2^31 events.
        if *generation != u32::MAX {
            *generation += 1;
            self.free.push(slot);
        }
        pending
    }

    /// Vacates the slot if its event was cancelled. Returns whether the entry is to be kept.
    pub(super) fn keep(&mut self, slot: u32) -> bool {
        if self.is_cancelled(slot) {
            self.vacate(slot);
            return false;
        }
        true
    }

    /// Marks an event as cancelled. Returns false if it has fired or was cancelled before.
    pub(super) fn cancel(&mut self, id: EventId) -> bool {
        match self.generations.get_mut(id.slot as usize) {
            Some(generation) if *generation == id.generation => {
                *generation |= 1;
                self.cancelled += 1;
                true
            }
            _ => false,
        }
    }

    pub(super) fn is_cancelled(&self, slot: u32) -> bool {
        slot != NONE && self.generations[slot as usize] & 1 == 1
    }

    /// How many cancelled events are still stored.
    pub(super) const fn cancelled(&self) -> usize {
        self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exhausted_slot_is_retired() {
        let mut slots = Slots::default();
        let first = slots.occupy();
        slots.generations[0] = u32::MAX - 1;
        assert!(!slots.cancel(first));
        let last = EventId::new(0, u32::MAX - 1);
        assert!(slots.vacate(first.slot()));
        let second = slots.occupy();
        assert_eq!(second, EventId::new(1, 0));
        assert!(!slots.cancel(first) && !slots.cancel(last), "an id of a retired slot names nothing");
    }
}
