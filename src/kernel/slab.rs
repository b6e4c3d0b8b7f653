//! A pool of values with small keys and counted references, for what is in flight between many holders.
//!
//! An envelope sent to a thousand receivers is stored once; every delivery event carries its `u32` key and
//! releases one reference. Slots are reused, so a steady state allocates nothing. The slab cannot tell a
//! reused key from an old one: whoever holds a reference owns it, and must not use the key after giving it
//! back.

/// A pooled store of `T` under `u32` keys with a reference count for each value.
#[derive(Clone, Debug)]
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// The first slot of the list of free slots, or [`NONE`].
    free: u32,
    occupied: u32,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    Used { references: u32, value: T },
    Free { next: u32 },
}

/// The end of the free list.
const NONE: u32 = u32::MAX;

impl<T> Slab<T> {
    /// An empty slab.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, occupied: 0 }
    }

    /// Stores `value` for `references` holders and returns its key.
    ///
    /// # Panics
    /// If `references` is zero (nobody could ever release it), or at 2^32 - 1 values.
    pub fn insert(&mut self, value: T, references: u32) -> u32 {
        assert!(references > 0, "a value in the slab needs a holder");
        self.occupied += 1;
        let slot = Slot::Used { references, value };
        if self.free == NONE {
            let key = u32::try_from(self.slots.len()).ok().filter(|key| *key != NONE);
            self.slots.push(slot);
            return key.expect("a slab holds fewer than 2^32 - 1 values");
        }
        let key = self.free;
        match std::mem::replace(&mut self.slots[key as usize], slot) {
            Slot::Free { next } => self.free = next,
            Slot::Used { .. } => unreachable!("the free list names free slots only"),
        }
        key
    }

    /// The value under `key`, if the slot is in use.
    #[must_use]
    pub fn get(&self, key: u32) -> Option<&T> {
        match self.slots.get(key as usize)? {
            Slot::Used { value, .. } => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// The value under `key` for change, if the slot is in use.
    pub fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        match self.slots.get_mut(key as usize)? {
            Slot::Used { value, .. } => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// How many references to `key` are out; zero for a free slot.
    #[must_use]
    pub fn references(&self, key: u32) -> u32 {
        match self.slots.get(key as usize) {
            Some(Slot::Used { references, .. }) => *references,
            _ => 0,
        }
    }

    /// Adds `more` references to `key`.
    ///
    /// # Panics
    /// If the slot is free or the count overflows.
    pub fn retain(&mut self, key: u32, more: u32) {
        match &mut self.slots[key as usize] {
            Slot::Used { references, .. } => {
                *references = references.checked_add(more).expect("fewer than 2^32 references");
            }
            Slot::Free { .. } => panic!("slab key {key} is free"),
        }
    }

    /// Gives one reference back. Returns true if it was the last one, and the value is gone.
    ///
    /// # Panics
    /// If the slot is free: somebody released more than they held.
    pub fn release(&mut self, key: u32) -> bool {
        self.take(key).is_some()
    }

    /// Gives one reference back like [`release`](Self::release), and hands out the value with the last one.
    ///
    /// # Panics
    /// If the slot is free: somebody released more than they held.
    pub fn take(&mut self, key: u32) -> Option<T> {
        let slot = &mut self.slots[key as usize];
        match slot {
            Slot::Used { references, .. } if *references > 1 => {
                *references -= 1;
                return None;
            }
            Slot::Used { .. } => {}
            Slot::Free { .. } => panic!("slab key {key} is free"),
        }
        let last = std::mem::replace(slot, Slot::Free { next: self.free });
        self.free = key;
        self.occupied -= 1;
        match last {
            Slot::Used { value, .. } => Some(value),
            Slot::Free { .. } => unreachable!("checked above"),
        }
    }

    /// The number of values stored.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.occupied as usize
    }
    /// Whether nothing is stored.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.occupied == 0
    }
    /// The number of slots ever needed at once.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.slots.len()
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    #[should_panic(expected = "is free")]
    fn releasing_too_often_is_found() {
        let mut slab = Slab::new();
        let key = slab.insert("letter", 1);
        assert!(slab.release(key));
        slab.release(key);
    }

    proptest! {
        /// A map from key to (value, references) behaves the same, and slots never exceed the most values
        /// held at once.
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0_u8..3, 1_u32..4, any::<u16>()), 1..200)) {
            let mut slab = Slab::new();
            let mut model = BTreeMap::<u32, (u16, u32)>::new();
            let mut peak = 0;
            for (what, references, value) in steps {
                let chosen = model.keys().nth(usize::from(value) % model.len().max(1)).copied();
                match (what, chosen) {
                    (0, _) | (_, None) => {
                        let key = slab.insert(value, references);
                        prop_assert!(model.insert(key, (value, references)).is_none());
                    }
                    (1, Some(key)) => {
                        slab.retain(key, references);
                        model.get_mut(&key).unwrap().1 += references;
                    }
                    (_, Some(key)) => {
                        let entry = model.get_mut(&key).unwrap();
                        entry.1 -= 1;
                        let last = entry.1 == 0;
                        prop_assert_eq!(slab.release(key), last);
                        if last {
                            model.remove(&key);
                        }
                    }
                }
                peak = peak.max(model.len());
                prop_assert_eq!(slab.len(), model.len());
                for (key, (value, references)) in &model {
                    prop_assert_eq!(slab.get(*key), Some(value));
                    prop_assert_eq!(slab.references(*key), *references);
                }
            }
            prop_assert_eq!(slab.slots(), peak);
        }
    }
}
