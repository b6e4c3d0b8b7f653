//! What may be for a while, and not for ever.

use std::collections::BTreeMap;

use super::LONGEST_PATIENCE;
use crate::kernel::{Span, Time};

/// Since when something has been seen at every look.
#[derive(Debug)]
pub(super) struct Lasting<K>(BTreeMap<K, Time>);

impl<K> Default for Lasting<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Lasting<K> {
    /// Takes all that is seen now, where for `calm` nothing has been broken: what has been seen at every look of the
    /// last `limit`, and for as long without anything broken, comes out, once.
    pub(super) fn look<T>(
        &mut self,
        (now, calm, limit): (Time, Span, Span),
        seen: impl IntoIterator<Item = (K, T)>,
    ) -> Vec<T> {
        debug_assert!(limit <= LONGEST_PATIENCE, "whoever is told of it takes it for the longest");
        // What began before nothing was broken any more counts from then on.
        let begin = Time(now.0.saturating_sub(calm.0));
        let mut former = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for (key, what) in seen {
            let since = former.remove(&key).unwrap_or(now);
            // Told once, then never again.
            if since == Time::MAX {
                self.0.insert(key, since);
            } else if now.since(since.max(begin)) >= limit {
                due.push(what);
                self.0.insert(key, Time::MAX);
            } else {
                self.0.insert(key, since);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_told_once_and_what_goes_begins_anew() {
        let mut lasting = Lasting::default();
        let mut look = |minute: u64, calm: u64, seen: &[u8]| {
            let at = (Time::ZERO + Span::mins(minute), Span::mins(calm), Span::mins(3));
            lasting.look(at, seen.iter().map(|key| (*key, *key)))
        };
        assert!(look(1, 1, &[1, 2]).is_empty());
        assert!(look(3, 3, &[1]).is_empty());
        assert_eq!(look(4, 4, &[1, 2]), [1]);
        assert!(look(5, 5, &[1, 2]).is_empty());
        assert_eq!(look(7, 7, &[1, 2]), [2]);
        // Whatever breaks gives it time again.
        assert!(look(8, 0, &[1, 2, 3]).is_empty());
        assert!(look(9, 1, &[3]).is_empty());
        assert!(look(12, 2, &[3]).is_empty());
        assert_eq!(look(13, 3, &[3]), [3]);
    }
}
