//! A deterministic 128-bit fingerprint of anything that implements [`Hash`].
//!
//! Modelled signatures and the token memo compare content by it. It is the same on every machine and in every
//! run (sizes are hashed as 64-bit numbers, integers in little-endian order), it is fast, and it is *not*
//! cryptographic: the simulated attackers never search for collisions.

use std::hash::{Hash, Hasher};

const K: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0xd6e8_feb8_6659_fd93];

/// Multiplies to 128 bits and folds the halves together.
#[inline]
const fn fold(x: u64, y: u64) -> u64 {
    let product = (x as u128) * (y as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The fingerprint of `content`: equal content gives equal numbers; different content practically never does.
#[must_use]
pub fn fingerprint128<T: Hash + ?Sized>(content: &T) -> u128 {
    let mut hasher = Fingerprinter::default();
    content.hash(&mut hasher);
    hasher.finish128()
}

/// Two multiply-and-fold lanes that see every word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprinter {
    a: u64,
    b: u64,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Self { a: K[2], b: K[3] }
    }
}

impl Fingerprinter {
    #[inline]
    fn pair(&mut self, x: u64, y: u64) {
        // The sums keep a lane alive when one of its factors happens to be zero.
        self.a = fold(self.a ^ x, K[0] ^ y).wrapping_add(x.rotate_left(32)).wrapping_add(K[1]);
        self.b = fold(self.b ^ y, K[1] ^ x.rotate_left(17)).wrapping_add(y).wrapping_add(K[0]);
    }

    /// Both lanes, finalised.
    pub(crate) fn finish128(self) -> u128 {
        let mut last = self;
        last.pair(K[3], K[2]);
        (u128::from(fold(last.a ^ last.b.rotate_left(29), K[2])) << 64)
            | u128::from(fold(last.b ^ last.a, K[3]))
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(padded)
}

impl Hasher for Fingerprinter {
    /// The lower lane; [`Fingerprinter::finish128`] is what callers want.
    fn finish(&self) -> u64 {
        self.finish128() as u64
    }

    /// The length first, then the bytes in words of eight, so that no two sequences of writes look alike.
    fn write(&mut self, bytes: &[u8]) {
        let (head, tail) = bytes.split_at(bytes.len() / 16 * 16);
        if tail.len() <= 8 {
            self.pair(bytes.len() as u64, word(tail));
        } else {
            self.pair(bytes.len() as u64, word(&tail[..8]));
            self.pair(word(&tail[8..]), K[0]);
        }
        for chunk in head.chunks_exact(16) {
            self.pair(word(&chunk[..8]), word(&chunk[8..]));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u16(&mut self, n: u16) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.pair(n, K[1]);
    }
    fn write_u128(&mut self, n: u128) {
        self.pair(n as u64, (n >> 64) as u64);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_i8(&mut self, n: i8) {
        self.write_i64(i64::from(n));
    }
    fn write_i16(&mut self, n: i16) {
        self.write_i64(i64::from(n));
    }
    fn write_i32(&mut self, n: i32) {
        self.write_i64(i64::from(n));
    }
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }
    fn write_i128(&mut self, n: i128) {
        self.write_u128(n as u128);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_i64(n as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_gives_equal_numbers_and_small_changes_give_other_ones() {
        assert_eq!(fingerprint128(&("a", 1u64)), fingerprint128(&(String::from("a"), 1u64)));
        let mut seen = std::collections::BTreeSet::new();
        for length in 0..64usize {
            for change in 0..=length {
                let mut bytes = vec![0u8; length];
                if change < length {
                    bytes[change] = 1;
                }
                assert!(seen.insert(fingerprint128(&bytes)), "collision at {length}/{change}");
            }
        }
        assert_ne!(fingerprint128(&("ab", "c")), fingerprint128(&("a", "bc")));
        assert_ne!(fingerprint128("ab\0"), fingerprint128("ab"));
    }

    #[test]
    fn the_number_is_pinned() {
        // A change here changes every modelled signature; it must be made knowingly.
        assert_eq!(fingerprint128(&7u32), fingerprint128(&7u64));
        assert_eq!(format!("{:032x}", fingerprint128("dms")), PINNED);
    }
    const PINNED: &str = "3c2a0013d67fb819c71e9275c820e404";
}
