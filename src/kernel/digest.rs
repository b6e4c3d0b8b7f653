//! What two runs must have in common to be called the same: a rolling 128-bit digest of facts.
//!
//! Two 64-bit lanes absorb every word by xor or addition, an odd multiplication and a shift-xor. Each step is
//! a bijection of the lane's state, so two histories that once differ cannot fall together on equal input;
//! the finish mixes both lanes and the number of words. It is fast and well mixed, and no cryptographic hash:
//! whoever wants to forge a collision can. It absorbs the same words on every platform: integers
//! little-endian, `usize` and `isize` as 64 bits.

use std::fmt;
use std::hash::{Hash, Hasher};

/// Odd multipliers with well spread bits: the fractional parts of the golden ratio and of the square root of
/// three.
const FIRST_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const SECOND_MULTIPLIER: u64 = 0xbb67_ae85_84ca_a73b;

/// A rolling 128-bit digest. Absorb facts in order, then read it with [`Digest::finish`]; reading does not
/// end it.
///
/// It is a [`Hasher`] too, so `fact.hash(&mut digest)` absorbs any type that derives `Hash`. Beware of slices
/// of integers wider than a byte: `Hash` hands their memory over as bytes, which is little-endian only where
/// the machine is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    first: u64,
    second: u64,
    words: u64,
}

impl Digest {
    /// A digest that has absorbed nothing.
    #[must_use]
    pub const fn new() -> Self {
        // Fractional digits of pi: any constants do, these hide nothing.
        Self { first: 0x243f_6a88_85a3_08d3, second: 0x1319_8a2e_0370_7344, words: 0 }
    }

    /// Absorbs one word.
    #[inline]
    pub const fn write_u64(&mut self, word: u64) {
        let first = (self.first ^ word).wrapping_mul(FIRST_MULTIPLIER);
        self.first = first ^ (first >> 32);
        let second = self.second.rotate_left(23).wrapping_add(word).wrapping_mul(SECOND_MULTIPLIER);
        self.second = second ^ (second >> 29);
        self.words = self.words.wrapping_add(1);
    }

    /// Absorbs the number of bytes, so that neighbours cannot trade any, then eight bytes a word and the rest with its
    /// length in the top byte.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        self.write_u64(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            last[7] = rest.len() as u8;
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    /// Absorbs a text and its length.
    pub fn write_str(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// The digest of everything absorbed so far.
    #[must_use]
    pub const fn finish(&self) -> u128 {
        let high = mix(self.first ^ mix(self.second.wrapping_add(self.words)));
        let low = mix(self.second ^ mix(self.first.wrapping_add(FIRST_MULTIPLIER)).rotate_left(32));
        ((high as u128) << 64) | low as u128
    }
}

/// The finaliser of MurmurHash3: a bijection in which every input bit moves every output bit.
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

/// A 128-bit name for any hashable value, the same on every platform and in every run (see [`Digest`] for the
/// one caveat).
#[must_use]
pub fn fingerprint128<T: Hash + ?Sized>(value: &T) -> u128 {
    let mut digest = Digest::new();
    value.hash(&mut digest);
    Digest::finish(&digest)
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}
impl fmt::Display for Digest {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", Self::finish(self))
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Hasher for Digest {
    /// The upper half of the digest.
    fn finish(&self) -> u64 {
        (Self::finish(self) >> 64) as u64
    }
    /// With their number: a text of seven letters and one of eight must not look alike.
    fn write(&mut self, bytes: &[u8]) {
        self.write_bytes(bytes);
    }
    fn write_u8(&mut self, n: u8) {
        Self::write_u64(self, u64::from(n));
    }
    fn write_u16(&mut self, n: u16) {
        Self::write_u64(self, u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        Self::write_u64(self, u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        Self::write_u64(self, n);
    }
    fn write_u128(&mut self, n: u128) {
        Self::write_u64(self, n as u64);
        Self::write_u64(self, (n >> 64) as u64);
    }
    fn write_usize(&mut self, n: usize) {
        Self::write_u64(self, n as u64);
    }
    fn write_i8(&mut self, n: i8) {
        Self::write_u64(self, i64::from(n) as u64);
    }
    fn write_i16(&mut self, n: i16) {
        Self::write_u64(self, i64::from(n) as u64);
    }
    fn write_i32(&mut self, n: i32) {
        Self::write_u64(self, i64::from(n) as u64);
    }
    fn write_i64(&mut self, n: i64) {
        Self::write_u64(self, n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        Self::write_u64(self, n as i64 as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(words: &[u64]) -> u128 {
        let mut digest = Digest::new();
        for word in words {
            digest.write_u64(*word);
        }
        digest.finish()
    }

    #[test]
    fn order_number_and_place_of_words_count() {
        let all = [of(&[]), of(&[0]), of(&[0, 0]), of(&[1, 2]), of(&[2, 1]), of(&[3]), of(&[1, 2, 0])];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn bytes_carry_their_length() {
        let pair = |a: &str, b: &str| {
            let mut digest = Digest::new();
            digest.write_str(a);
            digest.write_str(b);
            digest.finish()
        };
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert_ne!(pair("", "a"), pair("a", ""));
        assert_ne!(pair("a", ""), pair("a\0", ""));
        assert_ne!(pair("12345678", ""), pair("1234567", "8"));
    }

    #[test]
    fn hashed_texts_and_tuples_carry_their_lengths() {
        // The last word of a short text has its length in its last byte, which a longer text may have by chance.
        assert_ne!(fingerprint128("1234567"), fingerprint128("1234567\u{7}"));
        assert_ne!(fingerprint128(&("ab", "c")), fingerprint128(&("a", "bc")));
        assert_ne!(fingerprint128("ab\0"), fingerprint128("ab"));
        assert_eq!(fingerprint128(&("a", 1_u64)), fingerprint128(&(String::from("a"), 1_u64)));
        let mut seen = BTreeSet::new();
        for length in 0..64_usize {
            for change in 0..=length {
                let mut bytes = vec![0_u8; length];
                if let Some(byte) = bytes.get_mut(change) {
                    *byte = 1;
                }
                assert!(seen.insert(fingerprint128(&bytes)), "collision at {length}/{change}");
            }
        }
    }

    /// Every flipped input bit flips about half of the output, in either half of the digest.
    #[test]
    fn avalanche() {
        for position in 0..3 {
            for bit in 0..64 {
                let mut flipped_bits = [0_u32; 2];
                for trial in 0..64_u64 {
                    let mut words = [trial, trial << 20, 7];
                    let before = of(&words);
                    words[position] ^= 1 << bit;
                    let change = before ^ of(&words);
                    flipped_bits[0] += (change as u64).count_ones();
                    flipped_bits[1] += ((change >> 64) as u64).count_ones();
                }
                for flipped in flipped_bits {
                    let mean = f64::from(flipped) / 64.0;
                    // 64 trials of 64 fair bits have a mean of 32 with deviation 0.5.
                    assert!((mean - 32.0).abs() < 3.0, "bit {bit} of word {position} flips {mean} bits");
                }
            }
        }
    }

    #[test]
    fn small_values_do_not_collide_in_half_the_bits() {
        let mut low = BTreeSet::new();
        let mut high = BTreeSet::new();
        for a in 0..300_u64 {
            for b in 0..300_u64 {
                let digest = fingerprint128(&(a, b));
                low.insert(digest as u64);
                high.insert((digest >> 64) as u64);
            }
        }
        assert_eq!((low.len(), high.len()), (90_000, 90_000));
    }

    #[derive(Hash)]
    enum Fact {
        Started { peer: u32, rows: usize },
        Named(&'static str),
    }

    /// Pins the digest: a change here changes every golden digest of the project.
    #[test]
    fn golden() {
        assert_eq!(Digest::new().to_string(), "297943feb5d4ae30ca0635b49783eb5b");
        assert_eq!(format!("{:032x}", of(&[1, 2, 3])), "6dce5be83ba87f188772f0e54c554cb9");
        let facts = [Fact::Started { peer: 1, rows: 2 }, Fact::Named("peer")];
        assert_eq!(format!("{:032x}", fingerprint128(&facts)), "0f6e39e38cfa84791e7d0bf8e0fb725f");
    }
}
