//! Where events lie while they are pending: a slot each, which also gives them their ids.
//!
//! An event stays where it was put until it leaves the queue; only its key is moved about. Free slots are used
//! again, the last freed first: its memory is still in the cache.

/// No slot.
const NONE: u32 = u32::MAX;

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

/// A place for an event. What one event needs shares a cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Slot<E> {
    event: Option<E>,
    /// Even for a free slot or a pending event, odd for an event that is cancelled but still stored.
    generation: u32,
    /// The slot after this one in the list of free slots.
    next: u32,
}

/// All slots. Every event gets a new generation of its slot, and a slot whose generations are used up is never
/// used again: two events never share an id.
#[derive(Clone, Debug)]
pub(super) struct Slots<E> {
    slots: Vec<Slot<E>>,
    /// The head of the list of free slots.
    free: u32,
    cancelled: usize,
}

impl<E: Copy> Slots<E> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, cancelled: 0 }
    }

    /// Stores an event.
    // Always inlined up to the caller: the event is then built in its place. Copied from the stack it would be
    // read in wider words than it was just written in, which processors punish.
    #[inline(always)]
    pub(super) fn occupy(&mut self, event: E) -> EventId {
        if self.free == NONE {
            self.grow();
        }
        let slot = self.free;
        let place = &mut self.slots[slot as usize];
        self.free = place.next;
        place.event = Some(event);
        EventId { slot, generation: place.generation }
    }

    /// Makes a free slot.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let slot = u32::try_from(self.slots.len()).ok().filter(|slot| *slot != NONE);
        self.free = slot.expect("fewer than 2^32 - 1 events are pending");
        self.slots.push(Slot { event: None, generation: 0, next: NONE });
    }

    /// Frees the slot of an event that leaves the queue. Returns the event if it was still to happen.
    #[inline]
    pub(super) fn vacate(&mut self, slot: u32) -> Option<E> {
        let place = &mut self.slots[slot as usize];
        let pending = place.generation & 1 == 0;
        self.cancelled -= usize::from(!pending);
        place.generation |= 1;
        // After the last generation the slot keeps that odd one, which no id has, and stays out of the list of
        // free slots for ever: it is lost after 2^31 events.
        if place.generation != u32::MAX {
            place.generation += 1;
            place.next = self.free;
            self.free = slot;
        }
        if pending { place.event } else { None }
    }

    /// The event of a slot, if it is still to happen.
    pub(super) fn get(&self, slot: u32) -> Option<E> {
        let place = &self.slots[slot as usize];
        if place.generation & 1 == 0 { place.event } else { None }
    }

    /// Vacates the slot if its event was cancelled. Returns whether the event is to be kept.
    #[inline]
    pub(super) fn keep(&mut self, slot: u32) -> bool {
        let cancelled = self.slots[slot as usize].generation & 1 == 1;
        if cancelled {
            self.vacate(slot);
        }
        !cancelled
    }

    /// Marks an event as cancelled. Returns false if it has fired or was cancelled before.
    pub(super) fn cancel(&mut self, id: EventId) -> bool {
        match self.slots.get_mut(id.slot as usize) {
            Some(place) if place.generation == id.generation => {
                place.generation |= 1;
                self.cancelled += 1;
                true
            }
            _ => false,
        }
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
        let mut slots = Slots::new();
        let first = slots.occupy('a');
        slots.slots[first.slot as usize].generation = u32::MAX - 1;
        assert!(!slots.cancel(first));
        let last = EventId::new(first.slot, u32::MAX - 1);
        assert_eq!(slots.vacate(first.slot), Some('a'));
        let second = slots.occupy('b');
        assert_ne!(second.slot, first.slot);
        assert!(!slots.cancel(first) && !slots.cancel(last), "an id of a retired slot names nothing");
    }
}
