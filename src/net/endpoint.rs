//! Endpoints, the two ends of every message, and sets of them.

use crate::id_type;
use crate::kernel::Id;

id_type! {
    /// An end of messages: a row of the network's table of endpoints.
    pub struct EndpointId;
}

/// A set of endpoints, one bit each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EndpointSet {
    words: Vec<u64>,
}

impl EndpointSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: Vec::new() }
    }

    /// All endpoints below `count` that are not in this set.
    #[must_use]
    pub fn complement(&self, count: usize) -> Self {
        (0..count).map(EndpointId::from_index).filter(|&id| !self.contains(id)).collect()
    }

    /// Adds an endpoint.
    pub fn insert(&mut self, id: EndpointId) {
        let word = id.index() / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (id.0 % 64);
    }

    /// Takes an endpoint out.
    pub fn remove(&mut self, id: EndpointId) {
        if let Some(word) = self.words.get_mut(id.index() / 64) {
            *word &= !(1 << (id.0 % 64));
        }
    }

    /// Whether an endpoint is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, id: EndpointId) -> bool {
        self.words.get(id.index() / 64).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    /// The first endpoint that is in both sets.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<EndpointId> {
        let both = self.words.iter().zip(&other.words).map(|(a, b)| a & b).enumerate();
        both.filter(|(_, word)| *word != 0)
            .map(|(row, word)| EndpointId::from_index(row * 64 + word.trailing_zeros() as usize))
            .next()
    }

    /// The endpoints of the set, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = EndpointId> {
        let ones = |(row, &word): (usize, &u64)| {
            let rest = |word: &u64| Some(word & (word - 1)).filter(|rest| *rest != 0);
            let first = Some(word).filter(|word| *word != 0);
            let place = move |word: u64| EndpointId::from_index(row * 64 + word.trailing_zeros() as usize);
            std::iter::successors(first, rest).map(place)
        };
        self.words.iter().enumerate().flat_map(ones)
    }

    /// How many endpoints are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no endpoint is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }
}

impl FromIterator<EndpointId> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = EndpointId>>(ids: I) -> Self {
        let mut set = Self::new();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

/// The endpoints that are up: drawn from and passed through quickly, in an order that depends on the history
/// of changes only.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveEndpoints {
    ids: Vec<EndpointId>,
    /// The place of each endpoint in `ids`, [`NOWHERE`] if it is down.
    places: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl LiveEndpoints {
    /// All endpoints below `count`, up.
    pub(super) fn all(count: usize) -> Self {
        Self { ids: (0..count).map(EndpointId::from_index).collect(), places: (0..count as u32).collect() }
    }

    #[inline]
    pub(super) fn contains(&self, id: EndpointId) -> bool {
        self.places[id.index()] != NOWHERE
    }

    pub(super) fn ids(&self) -> &[EndpointId] {
        &self.ids
    }

    /// Puts an endpoint up or down; whether that changed anything.
    pub(super) fn set(&mut self, id: EndpointId, up: bool) -> bool {
        let place = self.places[id.index()];
        if up == (place != NOWHERE) {
            return false;
        }
        if up {
            self.places[id.index()] = self.ids.len() as u32;
            self.ids.push(id);
        } else {
            self.ids.swap_remove(place as usize);
            if let Some(moved) = self.ids.get(place as usize) {
                self.places[moved.index()] = place;
            }
            self.places[id.index()] = NOWHERE;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn sets_and_live_lists_agree_with_a_tree(
            changes in prop::collection::vec((0_u32..200, any::<bool>()), 0..300),
        ) {
            let mut set: EndpointSet = (0..200).map(EndpointId).collect();
            let mut live = LiveEndpoints::all(200);
            let mut tree: BTreeSet<_> = (0..200).map(EndpointId).collect();
            for (id, up) in changes {
                let id = EndpointId(id);
                let changed = if up { tree.insert(id) } else { tree.remove(&id) };
                if up { set.insert(id) } else { set.remove(id) }
                prop_assert_eq!(live.set(id, up), changed);
            }
            prop_assert_eq!(live.ids().iter().copied().collect::<BTreeSet<_>>(), tree.clone());
            prop_assert_eq!(live.ids().len(), tree.len());
            prop_assert_eq!(set.len(), tree.len());
            for id in (0..260).map(EndpointId) {
                prop_assert_eq!(set.contains(id), tree.contains(&id));
                prop_assert!(id.0 >= 200 || live.contains(id) == tree.contains(&id));
                prop_assert!(id.0 >= 200 || set.complement(200).contains(id) != tree.contains(&id));
            }
        }
    }
}
