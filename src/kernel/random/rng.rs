//! The generator over one stream, and the draws every room needs of it.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use rand::{SeedableRng, TryRng};
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;

use super::Cursor;
use super::chacha::{self, Block};

/// A probability as a ratio of two integers, for decisions that must not depend on floating point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// The ratio `numerator / denominator`.
    ///
    /// # Panics
    /// If the denominator is zero or the ratio is above one.
    #[must_use]
    pub const fn new(numerator: u64, denominator: u64) -> Self {
        assert!(denominator > 0 && numerator <= denominator, "a probability lies between 0 and 1");
        Self { numerator, denominator }
    }
}

/// A generator of random numbers over one stream, made by [`Streams`](super::Streams).
///
/// Numbers are the 32-bit words of the stream's ChaCha8 blocks in order. A 64-bit number takes two words of
/// one block, the lower first; a single word left at the end of a block is then skipped. It implements the
/// core trait of `rand`, so everything there works on it too.
pub struct Rng<'a> {
    block: Block,
    /// How many words of `block` are spent; 16 before the first draw.
    spent: usize,
    key: [u32; 8],
    entity: u64,
    source: Source<'a>,
}

/// Where the next block comes from.
enum Source<'a> {
    /// Computed alone, and counted in the stream's cursor.
    Stored(&'a mut Cursor),
    /// Taken from a generator that computes several blocks at once.
    Owned(Box<ChaCha8Rng>),
}

const WORDS: usize = 16;

impl<'a> Rng<'a> {
    #[inline]
    pub(super) const fn stored(key: [u32; 8], entity: u64, cursor: &'a mut Cursor) -> Self {
        Self { block: [0; WORDS], spent: WORDS, key, entity, source: Source::Stored(cursor) }
    }

    pub(super) fn owned(key: [u32; 8], entity: u64) -> Self {
        let mut bytes = [0; 32];
        for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(key) {
            *bytes = word.to_le_bytes();
        }
        let mut ahead = Box::new(ChaCha8Rng::from_seed(bytes));
        ahead.set_stream(entity);
        Self { block: [0; WORDS], spent: WORDS, key, entity, source: Source::Owned(ahead) }
    }

    #[inline(never)]
    fn refill(&mut self) {
        self.spent = 0;
        match &mut self.source {
            Source::Stored(cursor) => {
                self.block = chacha::block(&self.key, cursor.0, self.entity);
                cursor.0 += 1;
            }
            Source::Owned(ahead) => {
                for word in &mut self.block {
                    *word = rand::Rng::next_u32(&mut **ahead);
                }
            }
        }
    }

    /// A uniform 32-bit number.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.spent >= WORDS {
            self.refill();
        }
        let word = self.block[self.spent % WORDS];
        self.spent += 1;
        word
    }

    /// A uniform 64-bit number.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        if self.spent >= WORDS - 1 {
            self.refill();
        }
        let low = self.block[self.spent % WORDS];
        let high = self.block[(self.spent + 1) % WORDS];
        self.spent += 2;
        u64::from(high) << 32 | u64::from(low)
    }

    /// A uniform number below `n`, without bias (Lemire, "Fast random integer generation in an interval",
    /// 2019).
    ///
    /// # Panics
    /// If `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below zero");
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// A uniform row of a table with `rows` rows.
    ///
    /// # Panics
    /// If `rows` is zero.
    #[inline]
    pub fn index(&mut self, rows: usize) -> usize {
        self.below(rows as u64) as usize
    }

    /// A uniform number of `range`.
    ///
    /// # Panics
    /// If the range is empty.
    #[inline]
    pub fn range(&mut self, range: Range<u64>) -> u64 {
        assert!(range.start < range.end, "an empty range has no member");
        range.start + self.below(range.end - range.start)
    }

    /// A uniform multiple of 2^-53 in `[0, 1)`.
    #[inline]
    pub fn unit_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A uniform multiple of 2^-53 in `(0, 1]`, fit for a logarithm.
    #[inline]
    pub fn open_unit_f64(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with the given probability, exactly and without floating point. Always one 64-bit draw at least.
    #[inline]
    pub fn bool(&mut self, probability: Ratio) -> bool {
        self.below(probability.denominator) < probability.numerator
    }

    /// True with probability `p`: never for `p <= 0` or NaN, always for `p >= 1`. Always one draw.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit_f64() < p
    }

    /// Puts `items` in a uniformly random order (Fisher and Yates, from the front).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in 0..items.len().saturating_sub(1) {
            let other = at + self.index(items.len() - at);
            items.swap(at, other);
        }
    }

    /// `k` different numbers below `n` in random order: the first `k` places of a shuffle of `0..n`. All `n`
    /// if `k` is more.
    pub fn sample_without_replacement(&mut self, n: usize, k: usize) -> Vec<usize> {
        let k = k.min(n);
        if n <= 4 * k {
            let mut places: Vec<usize> = (0..n).collect();
            for at in 0..k {
                let other = at + self.index(n - at);
                places.swap(at, other);
            }
            places.truncate(k);
            return places;
        }
        // The same shuffle, storing only the places that were moved.
        let mut moved = FxHashMap::<usize, usize>::default();
        (0..k)
            .map(|at| {
                let other = at + self.index(n - at);
                let here = moved.remove(&at).unwrap_or(at);
                if other == at { here } else { moved.insert(other, here).unwrap_or(other) }
            })
            .collect()
    }

    /// A uniform element of `items`, or none of an empty slice (without a draw).
    pub fn choose<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        if items.is_empty() { None } else { Some(&items[self.index(items.len())]) }
    }

    /// Fills `bytes` with whole words of the stream, little-endian; the rest of the last word is dropped.
    pub fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.next_u32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// As many bytes as are asked for, as [`Rng::fill_bytes`] draws them: a key's seed, a nonce.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_bytes(&mut bytes);
        bytes
    }
}

impl TryRng for Rng<'_> {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl fmt::Debug for Rng<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let block = match &self.source {
            Source::Stored(cursor) => u128::from(cursor.0),
            Source::Owned(ahead) => ahead.get_word_pos() / WORDS as u128,
        };
        f.debug_struct("Rng")
            .field("entity", &self.entity)
            .field("next_block", &block)
            .finish_non_exhaustive()
    }
}
