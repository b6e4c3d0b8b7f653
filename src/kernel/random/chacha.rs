//! The ChaCha block function with 8 rounds, one block at a time and four at a time.
//!
//! A stream needs one 64-byte block for nearly every event, so the block is computed alone; a long-lived generator
//! computes four side by side, which the compiler turns into vector code. Both are the original ChaCha with a 64-bit
//! counter and a 64-bit nonce; the tests hold them against `rand_chacha`.

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

/// One state word of four blocks.
type Lanes = [u32; 4];

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1]), a[2].wrapping_add(b[2]), a[3].wrapping_add(b[3])]
}

#[inline(always)]
fn xor_rotate<const BITS: u32>(a: Lanes, b: Lanes) -> Lanes {
    [
        (a[0] ^ b[0]).rotate_left(BITS),
        (a[1] ^ b[1]).rotate_left(BITS),
        (a[2] ^ b[2]).rotate_left(BITS),
        (a[3] ^ b[3]).rotate_left(BITS),
    ]
}

/// The blocks `counter` to `counter + 3` of the stream of `key` and `nonce`.
pub(super) fn four_blocks(key: &[u32; 8], counter: u64, nonce: u64) -> [Block; 4] {
    let inputs: [Block; 4] = std::array::from_fn(|lane| start(key, counter.wrapping_add(lane as u64), nonce));
    let mut x: [Lanes; 16] = std::array::from_fn(|word| std::array::from_fn(|lane| inputs[lane][word]));
    macro_rules! quarter {
        ($a:literal, $b:literal, $c:literal, $d:literal) => {
            x[$a] = add(x[$a], x[$b]);
            x[$d] = xor_rotate::<16>(x[$d], x[$a]);
            x[$c] = add(x[$c], x[$d]);
            x[$b] = xor_rotate::<12>(x[$b], x[$c]);
            x[$a] = add(x[$a], x[$b]);
            x[$d] = xor_rotate::<8>(x[$d], x[$a]);
            x[$c] = add(x[$c], x[$d]);
            x[$b] = xor_rotate::<7>(x[$b], x[$c]);
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
    std::array::from_fn(|lane| std::array::from_fn(|word| x[word][lane].wrapping_add(inputs[lane][word])))
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
                let four = four_blocks(&key, counter, nonce);
                for (lane, words) in four.iter().enumerate() {
                    assert_eq!(*words, oracle(&key, counter + lane as u64, nonce));
                }
            }
        }
    }
}
