//! A bare ladder queue (Tang, Goh and Thng 2005), the yardstick of what the event queue costs.
//!
//! It keeps times and payloads and nothing more: no cancellation, no order among equal times, no check of the past.
//! Events far off lie unsorted in the top; when their turn comes they are dealt out to the buckets of a rung, those of
//! a full bucket to a finer rung, and a small bucket is sorted to the bottom. As in the event queue a payload stays
//! where it was put, which is faster than to move it along, and buckets are as wide as a power of two, so that a shift
//! finds them.

/// A bucket with more events than this becomes a rung.
const FULL: usize = 50;
/// Events that are wanted in a bucket of a new rung.
const BUCKET: usize = 8;

/// A time and the place of the payload.
type Entry = (u64, u32);

/// Buckets from a time on.
#[derive(Clone, Debug)]
struct Rung {
    start: u64,
    /// The width of a bucket is two to the power of this.
    shift: u32,
    /// The first bucket that has not been taken.
    next: usize,
    buckets: Vec<Vec<Entry>>,
}

/// Pending events in the order of their times.
#[derive(Clone, Debug)]
pub struct LadderQueue<E> {
    payloads: Vec<E>,
    /// Places of payloads that are used again, the last freed first.
    free: Vec<u32>,
    top: Vec<Entry>,
    /// Events from this time on belong to the top.
    top_start: u64,
    rungs: Vec<Rung>,
    /// Emptied buckets and rungs, whose memory is used again.
    spare_rungs: Vec<Rung>,
    spare: Vec<Entry>,
    /// The next events, the first one last.
    bottom: Vec<Entry>,
}

impl<E: Copy> LadderQueue<E> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            payloads: Vec::new(),
            free: Vec::new(),
            top: Vec::new(),
            top_start: 0,
            rungs: Vec::new(),
            spare_rungs: Vec::new(),
            spare: Vec::new(),
            bottom: Vec::new(),
        }
    }

    /// Plans an event, whose time must not lie before that of the event popped last.
    ///
    /// # Panics
    /// With 2^32 events pending.
    #[inline]
    pub fn push(&mut self, at: u64, event: E) {
        let place = if let Some(place) = self.free.pop() {
            self.payloads[place as usize] = event;
            place
        } else {
            self.payloads.push(event);
            u32::try_from(self.payloads.len() - 1).expect("fewer than 2^32 events are pending")
        };
        self.insert(at, place);
    }

    #[inline]
    fn insert(&mut self, at: u64, place: u32) {
        if at >= self.top_start {
            self.top.push((at, place));
            return;
        }
        for rung in &mut self.rungs {
            let bucket = (at.saturating_sub(rung.start) >> rung.shift) as usize;
            if at >= rung.start && bucket >= rung.next {
                rung.buckets[bucket].push((at, place));
                return;
            }
        }
        let rank = self.bottom.partition_point(|(other, _)| *other > at);
        self.bottom.insert(rank, (at, place));
        if self.bottom.len() > FULL {
            let from = self.bottom.last().map_or(at, |(first, _)| *first);
            let mut bottom = std::mem::take(&mut self.bottom);
            self.deal_out(from, self.bottom_end(), &mut bottom);
            self.bottom = bottom;
        }
    }

    /// Takes the next event out.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, E)> {
        if self.bottom.is_empty() {
            self.refill();
        }
        let (at, place) = self.bottom.pop()?;
        self.free.push(place);
        Some((at, self.payloads[place as usize]))
    }

    /// Where the bottom ends: with the first bucket of the lowest rung that is not taken.
    fn bottom_end(&self) -> u64 {
        self.rungs.last().map_or(self.top_start, |rung| rung.start + ((rung.next as u64) << rung.shift))
    }

    /// Adds a rung for the times from `from` to before `end` and moves the entries to it.
    fn deal_out(&mut self, from: u64, end: u64, entries: &mut Vec<Entry>) {
        let width = ((end - from) / (entries.len() / BUCKET).max(1) as u64).max(1);
        let shift = width.ilog2();
        let count = ((end - 1 - from) >> shift) as usize + 1;
        let empty = || Rung { start: 0, shift: 0, next: 0, buckets: Vec::new() };
        let mut rung = self.spare_rungs.pop().unwrap_or_else(empty);
        (rung.start, rung.shift, rung.next) = (from, shift, 0);
        if rung.buckets.len() < count {
            rung.buckets.resize_with(count, Vec::new);
        }
        for (at, place) in entries.drain(..) {
            rung.buckets[((at - from) >> shift) as usize].push((at, place));
        }
        self.rungs.push(rung);
    }

    /// Fills the empty bottom.
    #[inline(never)]
    fn refill(&mut self) {
        loop {
            let Some(rung) = self.rungs.last_mut() else {
                let Some(from) = self.top.iter().map(|(at, _)| *at).min() else { return };
                let end = self.top.iter().map(|(at, _)| *at).max().unwrap_or(from) + 1;
                let mut top = std::mem::take(&mut self.top);
                self.deal_out(from, end, &mut top);
                (self.top, self.top_start) = (top, end);
                continue;
            };
            let found = rung.buckets[rung.next..].iter().position(|bucket| !bucket.is_empty());
            let Some(found) = found else {
                self.spare_rungs.extend(self.rungs.pop());
                continue;
            };
            let bucket = rung.next + found;
            rung.next = bucket + 1;
            let (from, width) = (rung.start + ((bucket as u64) << rung.shift), 1 << rung.shift);
            if rung.buckets[bucket].len() > FULL && width > 1 {
                let mut full = std::mem::take(&mut rung.buckets[bucket]);
                std::mem::swap(&mut full, &mut self.spare);
                let mut spare = std::mem::take(&mut self.spare);
                self.deal_out(from, from + width, &mut spare);
                self.spare = spare;
                continue;
            }
            self.bottom.append(&mut rung.buckets[bucket]);
            self.bottom.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
            return;
        }
    }
}

impl<E: Copy> Default for LadderQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn times_come_out_in_order(
            steps in vec((0_u64..4, 0_u32..40, any::<bool>()), 1..600),
            burst in 0_usize..300,
        ) {
            let (mut queue, mut sorted) = (LadderQueue::new(), std::collections::BinaryHeap::new());
            let mut now = 0;
            let push = |queue: &mut LadderQueue<u64>, sorted: &mut std::collections::BinaryHeap<_>, at: u64| {
                queue.push(at, at);
                sorted.push(std::cmp::Reverse(at));
            };
            (0..burst as u64).for_each(|at| push(&mut queue, &mut sorted, at * 7));
            for (mantissa, exponent, pops) in steps {
                push(&mut queue, &mut sorted, now + (mantissa << exponent));
                if pops {
                    let found = queue.pop();
                    prop_assert_eq!(found.map(|it| it.0), sorted.pop().map(|it| it.0));
                    now = found.map_or(now, |it| it.0);
                }
            }
            while let Some(std::cmp::Reverse(at)) = sorted.pop() {
                prop_assert_eq!(queue.pop(), Some((at, at)));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
