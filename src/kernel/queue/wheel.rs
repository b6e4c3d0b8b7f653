//! The hierarchical wheel: buckets of keys by the bytes of their time.
//!
//! Relative to an origin that only lies before every stored key, a key belongs to the level of the highest
//! byte in which its time differs from the origin, and there to the bucket of that byte. So the lowest
//! occupied bucket of the lowest occupied level holds the next keys. Buckets are chains of small chunks of one
//! pool; chunks that come free are used again first, so a steady state touches little more memory than it
//! stores, and allocates none.

/// An event as the wheel knows it: its time and its slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) at: u64,
    pub(super) slot: u32,
}

/// A bucket of at most this many keys is sorted at once instead of being dealt out to the level below, most of whose
/// buckets would get one key or none.
const SORT_LIMIT: usize = 1024;
/// So few keys are sorted by comparing every pair.
const PAIRS_LIMIT: usize = 48;
/// The buckets of the levels up to this one are narrow enough to be sorted.
const SORT_LEVEL: usize = 3;
/// A run takes further buckets until it has so many keys.
const RUN_LENGTH: usize = 32;
/// Bits of time a level distinguishes.
const BITS: u32 = 8;
const LEVELS: usize = (u64::BITS / BITS) as usize;
const WIDTH: usize = 1 << BITS;
const BUCKETS: usize = LEVELS * WIDTH;
const MAP_WORDS: usize = WIDTH / 64;
/// Ranks that are compared at a time.
const LANES: usize = 8;
/// Keys in a chunk.
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
pub(super) struct Wheel {
    /// No stored time lies before this one.
    origin: u64,
    /// The time from which on keys may be stored without overtaking those that were taken. Never before the origin.
    floor: u64,
    buckets: Box<[Bucket; BUCKETS]>,
    /// A bit for each bucket that is not empty.
    occupied: [[u64; MAP_WORDS]; LEVELS],
    /// A bit for each level that is not empty.
    levels: u32,
    /// The pool of chunks.
    chunks: Vec<[Key; CHUNK]>,
    /// The chunk after each chunk, in its bucket or in the list of free chunks.
    next: Vec<u32>,
    free: u32,
    /// Where the keys of larger buckets are sorted.
    sorter: Sorter,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            origin: 0,
            floor: 0,
            buckets: Box::new([EMPTY; BUCKETS]),
            occupied: [[0; MAP_WORDS]; LEVELS],
            levels: 0,
            chunks: Vec::new(),
            next: Vec::new(),
            free: NONE,
            sorter: Sorter::default(),
        }
    }

    /// The earliest time that may be stored.
    #[inline]
    pub(super) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Stores a key whose time is not before the floor.
    #[inline(always)]
    pub(super) fn insert(&mut self, key: Key) {
        let bucket = bucket_of(key.at, level_of(key.at ^ self.origin));
        let count = self.buckets[bucket].count;
        let offset = count as usize % CHUNK;
        if offset == 0 {
            self.extend(bucket);
        }
        let bucket = &mut self.buckets[bucket];
        bucket.count = count + 1;
        self.chunks[bucket.tail as usize][offset] = key;
    }

    /// Appends a free chunk to a bucket.
    #[inline(never)]
    fn extend(&mut self, bucket: usize) {
        if self.free == NONE {
            self.free = self.next.len() as u32;
            self.chunks.push([Key { at: 0, slot: 0 }; CHUNK]);
            self.next.push(NONE);
        }
        let chunk = self.free;
        self.free = self.next[chunk as usize];
        let (level, place) = (bucket / WIDTH, bucket % WIDTH);
        let bucket = &mut self.buckets[bucket];
        if bucket.count == 0 {
            bucket.head = chunk;
            self.occupied[level][place / 64] |= 1 << (place % 64);
            self.levels |= 1 << level;
        } else {
            self.next[bucket.tail as usize] = chunk;
        }
        bucket.tail = chunk;
    }

    /// The lowest occupied bucket of the lowest occupied level.
    fn first(&self) -> Option<usize> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let map = &self.occupied[level];
        let word = map.iter().position(|word| *word != 0).expect("the level is occupied");
        Some(level * WIDTH + word * 64 + map[word].trailing_zeros() as usize)
    }

    /// Moves the earliest keys to the empty `run`, the latest first, if their times may be up to `last`; the floor
    /// rises to where they end. Returns whether there were any.
    pub(super) fn take_next(&mut self, last: u64, run: &mut Vec<Key>) -> bool {
        while run.len() < RUN_LENGTH
            && let Some(bucket) = self.first()
        {
            let level = bucket / WIDTH;
            let base = base_of(self.origin, bucket);
            let is_sorted = level == 0;
            let is_small = level <= SORT_LEVEL && self.buckets[bucket].count as usize <= SORT_LIMIT;
            if base > last || !(is_sorted || is_small || run.is_empty()) {
                break;
            }
            self.origin = base;
            self.floor = base;
            let taken = self.detach(bucket);
            if is_sorted {
                // More keys of this one instant may come; the floor leaves them here until these are gone.
                self.drain(taken, |_, key| run.push(key));
            } else if is_small {
                let first = run.len();
                self.drain(taken, |_, key| run.push(key));
                if run.len() - first <= PAIRS_LIMIT {
                    sort_pairs(&mut run[first..], base);
                } else {
                    self.sorter.sort(&mut run[first..], base, level as u32 * BITS);
                }
                self.floor = base.saturating_add(1 << (level as u32 * BITS));
            } else {
                self.drain(taken, Self::insert);
            }
        }
        run.reverse();
        !run.is_empty()
    }

    /// Empties a bucket, leaving its chunks to the caller.
    fn detach(&mut self, bucket: usize) -> Bucket {
        let (level, place) = (bucket / WIDTH, bucket % WIDTH);
        let map = &mut self.occupied[level];
        map[place / 64] &= !(1 << (place % 64));
        if *map == [0; MAP_WORDS] {
            self.levels &= !(1 << level);
        }
        std::mem::replace(&mut self.buckets[bucket], EMPTY)
    }

    /// Hands on the keys of a detached bucket in their order.
    #[inline(always)]
    fn drain(&mut self, bucket: Bucket, mut to: impl FnMut(&mut Self, Key)) {
        let mut chunk = bucket.head;
        let mut left = bucket.count as usize;
        while left > 0 {
            let size = left.min(CHUNK);
            for offset in 0..size {
                let key = self.chunks[chunk as usize][offset];
                to(self, key);
            }
            left -= size;
            let next = self.next[chunk as usize];
            self.next[chunk as usize] = self.free;
            self.free = chunk;
            chunk = next;
        }
    }

    /// Takes out the bucket to which a time belongs, for [`put_back`](Self::put_back).
    pub(super) fn detach_at(&mut self, at: u64) -> Bucket {
        self.detach(bucket_of(at, level_of(at ^ self.origin)))
    }

    /// Puts a bucket back behind what has been stored since it was taken out.
    pub(super) fn put_back(&mut self, bucket: Bucket) {
        self.drain(bucket, Self::insert);
    }

    /// Moves the origin and the floor back to a time.
    pub(super) fn rewind(&mut self, origin: u64) {
        let level = level_of(self.origin ^ origin);
        self.origin = origin;
        self.floor = origin;
        // Levels from there up see the same bytes as before; what lies below now differs from the origin there.
        while self.levels.trailing_zeros() < level as u32
            && let Some(bucket) = self.first()
        {
            let moved = self.detach(bucket);
            self.drain(moved, Self::insert);
        }
    }

    /// All keys, those of one bucket in the order in which they were stored.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.buckets.iter().flat_map(move |bucket| {
            let mut chunk = bucket.head;
            (0..bucket.count as usize).map(move |place| {
                if place > 0 && place.is_multiple_of(CHUNK) {
                    chunk = self.next[chunk as usize];
                }
                self.chunks[chunk as usize][place % CHUNK]
            })
        })
    }

    /// Drops the keys that `keep` refuses.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        for bucket in 0..BUCKETS {
            if self.buckets[bucket].count > 0 {
                let all = self.detach(bucket);
                self.drain(all, |wheel, key| {
                    if keep(key.slot) {
                        wheel.insert(key);
                    }
                });
            }
        }
    }
}

/// Sorts keys of which many lie in a bucket.
#[derive(Clone, Debug, Default)]
struct Sorter {
    keys: Vec<Key>,
    /// Where the next key of each part goes.
    places: Vec<u32>,
}

impl Sorter {
    /// Sorts the keys of a bucket that is two to the power of `bits` wide by their time; equals stay in their order.
    ///
    /// They are dealt out to equal parts of the bucket's time, about as many as keys, and what is still out of order
    /// within a part is moved by insertion. Both steps are stable.
    fn sort(&mut self, keys: &mut [Key], base: u64, bits: u32) {
        let shift = bits.saturating_sub(keys.len().ilog2());
        let part = |key: &Key| ((key.at - base) >> shift) as usize;
        self.places.clear();
        self.places.resize((1 << (bits - shift)) + 1, 0);
        for key in &*keys {
            self.places[part(key) + 1] += 1;
        }
        let (mut before, mut most) = (0, 0);
        for place in &mut self.places {
            before += *place;
            most = most.max(*place);
            *place = before;
        }
        self.keys.clear();
        self.keys.extend_from_slice(keys);
        for key in &self.keys {
            let place = &mut self.places[part(key)];
            keys[*place as usize] = *key;
            *place += 1;
        }
        // Where many crowd in a part, insertion would take the square of their number.
        if most as usize > PAIRS_LIMIT {
            keys.sort_by_key(|key| key.at);
            return;
        }
        for end in 1..keys.len() {
            let key = keys[end];
            let mut place = end;
            while place > 0 && keys[place - 1].at > key.at {
                keys[place] = keys[place - 1];
                place -= 1;
            }
            keys[place] = key;
        }
    }
}

/// Sorts the few keys of a bucket by their time; equals stay in their order. `base` is the bucket's earliest time.
///
/// The place of a key is the number of keys before it. To count those takes a comparison of every pair, but many
/// at a time, and never a branch on a random outcome, which would cost more than all of them.
fn sort_pairs(keys: &mut [Key], base: u64) {
    // A rank orders by time, then by place; together they fill 30 bits.
    const _: () = assert!(BITS * SORT_LEVEL as u32 + 6 < i32::BITS && PAIRS_LIMIT <= 1 << 6);
    let mut ranks = [i32::MAX; PAIRS_LIMIT];
    for (place, (rank, key)) in ranks.iter_mut().zip(&*keys).enumerate() {
        *rank = ((key.at - base) as i32) << 6 | place as i32;
    }
    let (rows, _) = ranks[..keys.len().next_multiple_of(LANES)].as_chunks::<LANES>();
    let mut sorted = [Key { at: 0, slot: 0 }; PAIRS_LIMIT];
    for (key, rank) in keys.iter().zip(&ranks) {
        let mut before = [0; LANES];
        for row in rows {
            for (before, other) in before.iter_mut().zip(row) {
                *before += i32::from(other < rank);
            }
        }
        sorted[before.iter().sum::<i32>() as usize] = *key;
    }
    keys.copy_from_slice(&sorted[..keys.len()]);
}

/// The highest byte in which two times differ, given their exclusive or; the lowest if they are equal.
#[inline]
const fn level_of(difference: u64) -> usize {
    ((63 - (difference | 1).leading_zeros()) / BITS) as usize
}

/// The bucket of a time on `level`.
#[inline]
const fn bucket_of(at: u64, level: usize) -> usize {
    level * WIDTH + (at >> (level as u32 * BITS)) as usize % WIDTH
}

/// The earliest time of a bucket, which shares the bytes above with `origin`.
#[inline]
const fn base_of(origin: u64, bucket: usize) -> u64 {
    let shift = (bucket / WIDTH) as u32 * BITS;
    let above = match u64::MAX.checked_shl(shift + BITS) {
        Some(mask) => origin & mask,
        None => 0,
    };
    above | ((bucket % WIDTH) as u64) << shift
}
