//! The hierarchical wheel: buckets of events by the bytes of their time.
//!
//! Relative to an origin that only lies before every stored event, an event belongs to the level of the
//! highest byte in which its time differs from the origin, and there to the bucket of that byte. So the
//! lowest occupied bucket of the lowest occupied level holds the next events. Buckets are chains of small
//! chunks of one pool; chunks that come free are used again first, so a steady state touches little more
//! memory than it stores, and allocates none.

/// One stored event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<E> {
    pub(super) at: u64,
    pub(super) event: E,
    pub(super) slot: u32,
}

/// Bits of time a level distinguishes.
const BITS: u32 = 8;
const LEVELS: usize = (u64::BITS / BITS) as usize;
const WIDTH: usize = 1 << BITS;
const MAP_WORDS: usize = WIDTH / 64;
/// Entries in a chunk.
const CHUNK: usize = 8;
/// No chunk.
const NONE: u32 = u32::MAX;

/// A first-in-first-out chain of chunks, all full but the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    head: u32,
    tail: u32,
    count: u32,
}

const EMPTY: Bucket = Bucket { head: NONE, tail: NONE, count: 0 };

#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    /// No stored time lies before this one.
    origin: u64,
    buckets: Vec<Bucket>,
    /// A bit for each bucket that is not empty.
    occupied: [[u64; MAP_WORDS]; LEVELS],
    /// A bit for each level that is not empty.
    levels: u32,
    /// The pool: chunk `c` is the entries from `c * CHUNK` on.
    entries: Vec<Entry<E>>,
    /// The chunk after each chunk, in its bucket or in the list of free chunks.
    next: Vec<u32>,
    free: u32,
    /// The bucket taken last, whose chunks are still being read.
    run: Bucket,
}

impl<E: Copy> Wheel<E> {
    pub(super) fn new() -> Self {
        Self {
            origin: 0,
            buckets: vec![EMPTY; LEVELS * WIDTH],
            occupied: [[0; MAP_WORDS]; LEVELS],
            levels: 0,
            entries: Vec::new(),
            next: Vec::new(),
            free: NONE,
            run: EMPTY,
        }
    }

    /// The entry under a key of [`take_next`](Self::take_next).
    #[inline]
    pub(super) fn entry(&self, index: u32) -> &Entry<E> {
        &self.entries[index as usize]
    }

    /// Stores an entry whose time is not before the origin.
    #[inline(always)]
    pub(super) fn insert(&mut self, entry: Entry<E>) {
        let level = level_of(entry.at ^ self.origin);
        self.push(level, entry);
    }

    /// Appends an entry to the bucket of its time on `level`.
    #[inline(always)]
    fn push(&mut self, level: usize, entry: Entry<E>) {
        let place = place_of(entry.at, level);
        let bucket = level * WIDTH + place;
        let count = self.buckets[bucket].count;
        let offset = count as usize % CHUNK;
        if offset == 0 {
            if self.entries.is_empty() {
                self.fill_first_chunk(entry);
            }
            self.extend(level, place);
        }
        let bucket = &mut self.buckets[bucket];
        bucket.count = count + 1;
        self.entries[bucket.tail as usize * CHUNK + offset] = entry;
    }

    /// Makes the pool's first chunk; new ones are copies of it.
    #[cold]
    #[inline(never)]
    fn fill_first_chunk(&mut self, entry: Entry<E>) {
        self.entries.extend([entry; CHUNK]);
        self.next.push(NONE);
        self.free = 0;
    }

    /// Appends a free chunk to a bucket.
    #[inline(never)]
    fn extend(&mut self, level: usize, place: usize) {
        let chunk = if self.free == NONE {
            let chunk = self.next.len() as u32;
            // Keys name entries by 32 bits.
            assert!(self.entries.len() + CHUNK <= u32::MAX as usize, "at most 2^32 events are pending");
            // Any entries will do: they are written before they are read.
            self.entries.extend_from_within(..CHUNK);
            self.next.push(NONE);
            chunk
        } else {
            let chunk = self.free;
            self.free = self.next[chunk as usize];
            chunk
        };
        let bucket = &mut self.buckets[level * WIDTH + place];
        if bucket.count == 0 {
            bucket.head = chunk;
            self.occupied[level][place / 64] |= 1 << (place % 64);
            self.levels |= 1 << level;
        } else {
            self.next[bucket.tail as usize] = chunk;
        }
        bucket.tail = chunk;
    }

    /// Takes the bucket with the earliest events, as sorted keys (time, place, index of the entry), if it may
    /// hold a time up to `last`. Its entries stay readable until [`release_run`](Self::release_run). Returns
    /// the time from which on new events may be inserted here without overtaking the run.
    pub(super) fn take_next(&mut self, last: u64, sort_limit: u32, run: &mut Vec<u128>) -> Option<u64> {
        debug_assert_eq!(self.run.count, 0);
        loop {
            if self.levels == 0 {
                return None;
            }
            let level = self.levels.trailing_zeros() as usize;
            let place = self.first_place(level);
            let base = base_of(self.origin, level, place);
            if base > last {
                return None;
            }
            self.origin = base;
            let bucket = self.detach(level, place);
            if level == 0 || (bucket.count > sort_limit && self.is_one_instant(bucket)) {
                let at = self.entries[bucket.head as usize * CHUNK].at;
                self.origin = at;
                self.keys(bucket, run);
                return Some(at);
            }
            if bucket.count <= sort_limit {
                self.keys(bucket, run);
                run.sort_unstable();
                return Some(base.saturating_add(1 << (level as u32 * BITS)));
            }
            self.deal_out(bucket, level - 1, |_| true);
        }
    }

    /// The first occupied bucket of an occupied level.
    fn first_place(&self, level: usize) -> usize {
        let map = &self.occupied[level];
        let word = map.iter().position(|word| *word != 0).expect("the level is occupied");
        word * 64 + map[word].trailing_zeros() as usize
    }

    /// Empties a bucket, leaving its chunks to the caller.
    fn detach(&mut self, level: usize, place: usize) -> Bucket {
        let map = &mut self.occupied[level];
        map[place / 64] &= !(1 << (place % 64));
        if *map == [0; MAP_WORDS] {
            self.levels &= !(1 << level);
        }
        std::mem::replace(&mut self.buckets[level * WIDTH + place], EMPTY)
    }

    fn is_one_instant(&self, bucket: Bucket) -> bool {
        let at = self.entries[bucket.head as usize * CHUNK].at;
        let mut same = true;
        let mut chunk = bucket.head;
        let mut left = bucket.count as usize;
        while same && left > 0 {
            let first = chunk as usize * CHUNK;
            let size = left.min(CHUNK);
            same = self.entries[first..first + size].iter().all(|entry| entry.at == at);
            left -= size;
            chunk = self.next[chunk as usize];
        }
        same
    }

    /// The keys of all entries of a bucket, in its order; it becomes the run.
    fn keys(&mut self, bucket: Bucket, run: &mut Vec<u128>) {
        self.run = bucket;
        let mut chunk = bucket.head;
        let mut place = 0;
        while place < bucket.count {
            let first = chunk as usize * CHUNK;
            let size = ((bucket.count - place) as usize).min(CHUNK);
            for (offset, entry) in self.entries[first..first + size].iter().enumerate() {
                let place_and_index = u64::from(place) << 32 | (first + offset) as u64;
                run.push(u128::from(entry.at) << 64 | u128::from(place_and_index));
                place += 1;
            }
            chunk = self.next[chunk as usize];
        }
    }

    /// Gives the chunks of the run back to the pool.
    pub(super) fn release_run(&mut self) {
        let run = std::mem::replace(&mut self.run, EMPTY);
        if run.count > 0 {
            self.next[run.tail as usize] = self.free;
            self.free = run.head;
        }
    }

    /// Moves the entries of a detached bucket that `keep` accepts to the buckets of `level`.
    fn deal_out(&mut self, bucket: Bucket, level: usize, mut keep: impl FnMut(&Entry<E>) -> bool) {
        let mut chunk = bucket.head;
        let mut left = bucket.count as usize;
        while left > 0 {
            let first = chunk as usize * CHUNK;
            let size = left.min(CHUNK);
            for index in first..first + size {
                let entry = self.entries[index];
                if keep(&entry) {
                    self.push(level, entry);
                }
            }
            left -= size;
            let next = self.next[chunk as usize];
            self.next[chunk as usize] = self.free;
            self.free = chunk;
            chunk = next;
        }
    }

    /// Takes out the bucket in which events of this time are, for [`put_back`](Self::put_back).
    pub(super) fn detach_instant(&mut self, at: u64) -> (usize, Bucket) {
        let level = level_of(at ^ self.origin);
        (level, self.detach(level, place_of(at, level)))
    }

    /// Puts a bucket back behind what has been stored since it was taken out.
    pub(super) fn put_back(&mut self, level: usize, bucket: Bucket) {
        self.deal_out(bucket, level, |_| true);
    }

    /// Moves the origin to any time that is not after a stored one.
    pub(super) fn rewind(&mut self, origin: u64) {
        let level = level_of(self.origin ^ origin);
        self.origin = origin;
        // Levels from here up see the same bytes as before; what lies below now differs from the origin up
        // here.
        for lower in 0..level {
            while self.levels & (1 << lower) != 0 {
                let place = self.first_place(lower);
                let bucket = self.detach(lower, place);
                self.deal_out(bucket, level, |_| true);
            }
        }
    }

    /// Drops entries that `keep` refuses. It does not touch the run.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Entry<E>) -> bool) {
        for level in 0..LEVELS {
            for place in 0..WIDTH {
                if self.buckets[level * WIDTH + place].count == 0 {
                    continue;
                }
                let bucket = self.detach(level, place);
                self.deal_out(bucket, level, &mut keep);
            }
        }
    }
}

/// The highest byte in which two times differ, given their exclusive or; the lowest if they are equal.
#[inline]
const fn level_of(difference: u64) -> usize {
    ((63 - (difference | 1).leading_zeros()) / BITS) as usize
}

/// The bucket of a time on `level`.
#[inline]
const fn place_of(at: u64, level: usize) -> usize {
    (at >> (level as u32 * BITS)) as usize % WIDTH
}

/// The earliest time of the bucket `place` on `level`, which shares the bytes above with `origin`.
const fn base_of(origin: u64, level: usize, place: usize) -> u64 {
    let shift = level as u32 * BITS;
    let above = match u64::MAX.checked_shl(shift + BITS) {
        Some(mask) => origin & mask,
        None => 0,
    };
    above | (place as u64) << shift
}
