//! The ChaCha block function with 8 rounds, one block at a time.
//!
//! A stored stream needs one 64-byte block for nearly every event, and `rand_chacha` always computes four.
//! This is the original ChaCha with a 64-bit counter and a 64-bit nonce; the tests hold it against
//! `rand_chacha`, which long-lived generators use instead.

/// "expand 32-byte k", ChaCha's constant.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// ChaCha8: four double rounds.
const DOUBLE_ROUNDS: usize = 4;

/// The words of one block.
pub(super) type Block = [u32; 16];

const fn start(key: &[u32; 8], counter: u64, nonce: u64) -> Block {
    let [c0, c1, c2, c3] = CONSTANTS;
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let (n0, n1) = (counter as u32, (counter >> 32) as u32);
    [c0, c1, c2, c3, k0, k1, k2, k3, k4, k5, k6, k7, n0, n1, nonce as u32, (nonce >> 32) as u32]
}

/// Block number `counter` of the stream of `key` and `nonce`.
pub(super) fn block(key: &[u32; 8], counter: u64, nonce: u64) -> Block {
    let input = start(key, counter, nonce);
    let mut x = input;
    macro_rules! quarter {
        ($a:literal, $b:literal, $c:literal, $d:literal) => {
            x[$a] = x[$a].wrapping_add(x[$b]);
            x[$d] = (x[$d] ^ x[$a]).rotate_left(16);
            x[$c] = x[$c].wrapping_add(x[$d]);
            x[$b] = (x[$b] ^ x[$c]).rotate_left(12);
            x[$a] = x[$a].wrapping_add(x[$b]);
            x[$d] = (x[$d] ^ x[$a]).rotate_left(8);
            x[$c] = x[$c].wrapping_add(x[$d]);
            x[$b] = (x[$b] ^ x[$c]).rotate_left(7);
        };
    }
    for _ in 0..DOUBLE_ROUNDS {
        quarter!(0, 4, 8, 12);
        quarter!(1, 5, 9, 13);
        quarter!(2, 6, 10, 14);
        quarter!(3, 7, 11, 15);
        quarter!(0, 5, 10, 15);
        quarter!(1, 6, 11, 12);
        quarter!(2, 7, 8, 13);
        quarter!(3, 4, 9, 14);
    }
    for (word, input) in x.iter_mut().zip(input) {
        *word = word.wrapping_add(input);
    }
    x
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// The block as another implementation computes it.
    fn oracle(key: &[u32; 8], counter: u64, nonce: u64) -> Block {
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(4).zip(key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(nonce);
        rng.set_word_pos(u128::from(counter) * 16);
        std::array::from_fn(|_| rng.next_u32())
    }

    #[test]
    fn blocks_equal_rand_chacha() {
        let key = [1, 2, 3, 0x8000_0000, 5, 6, 0xffff_ffff, 8];
        for counter in [0, 1, 5, u64::from(u32::MAX), (1 << 40) + 3] {
            for nonce in [0, 1, 0xdead_beef_0123_4567] {
                assert_eq!(block(&key, counter, nonce), oracle(&key, counter, nonce));
            }
        }
    }
}
