use proptest::prelude::*;
use rand::RngExt;

use super::*;

const A: Domain = Domain::new("kernel.test.a");
const B: Domain = Domain::new("kernel.test.b");

/// Pins the streams: a change here changes every result of the project.
#[test]
fn golden() {
    let streams = Streams::new(42);
    let mut cursor = Cursor::default();
    let mut rng = streams.rng(A, 7, &mut cursor);
    let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
    assert_eq!(drawn, [2546923830576917634, 18168217647970997751, 2775157607161089004]);
    assert_eq!(rng.below(1000), 563);
    assert_eq!(streams.owned(B, 7).sample_without_replacement(100, 5), [18, 80, 78, 22, 86]);
}

#[test]
fn streams_do_not_shift_each_other() {
    let streams = Streams::new(1);
    let draw = |cursor: &mut Cursor| streams.rng(A, 1, cursor).next_u64();
    let mut alone = Cursor::default();
    let expected = [draw(&mut alone), draw(&mut alone)];
    let (mut one, mut two) = (Cursor::default(), Cursor::default());
    let first = draw(&mut one);
    for _ in 0..100 {
        streams.rng(A, 2, &mut two).fill_bytes(&mut [0; 33]);
    }
    assert_eq!([first, draw(&mut one)], expected);
    assert_eq!((one, two), (Cursor(2), Cursor(100)));
}

#[test]
fn names_and_seeds_matter() {
    let first = |seed, domain, entity| Streams::new(seed).owned(domain, entity).next_u64();
    let mut drawn =
        vec![first(1, A, 1), first(2, A, 1), first(1, B, 1), first(1, A, 2), first(1 << 32, A, 1)];
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 5);
}

#[test]
fn below_is_uniform() {
    let mut rng = Streams::new(3).owned(A, 0);
    let mut seen = [0_u64; 6];
    for _ in 0..60_000 {
        seen[rng.index(6)] += 1;
    }
    // Chi-squared with 5 degrees of freedom: above 25.7 once in ten thousand seeds.
    let chi: f64 = seen.iter().map(|n| (*n as f64 - 10_000.0) * (*n as f64 - 10_000.0) / 10_000.0).sum();
    assert!(chi < 25.7, "{seen:?}");
    // Where 2^64 is far from a multiple of n, a biased method would be found: the lower third must not be
    // favoured.
    let n = (1_u64 << 63) + (1 << 62);
    let low = (0..30_000).filter(|_| rng.below(n) < n / 3).count();
    assert!((9_600..10_400).contains(&low), "{low}");
}

#[test]
fn units_stay_in_their_intervals() {
    let mut rng = Streams::new(5).owned(A, 0);
    let mut sum = 0.0;
    for _ in 0..10_000 {
        let (half_open, open) = (rng.unit_f64(), rng.open_unit_f64());
        assert!((0.0..1.0).contains(&half_open) && 0.0 < open && open <= 1.0);
        sum += half_open;
    }
    assert!((sum / 10_000.0 - 0.5).abs() < 0.015);
}

#[test]
fn chances() {
    let mut rng = Streams::new(6).owned(A, 0);
    let thirds = (0..30_000).filter(|_| rng.bool(Ratio::new(1, 3))).count();
    assert!((9_600..10_400).contains(&thirds), "{thirds}");
    let tenths = (0..30_000).filter(|_| rng.chance(0.1)).count();
    assert!((2_750..3_250).contains(&tenths), "{tenths}");
    assert!((0..100).all(|_| rng.bool(Ratio::new(1, 1)) && !rng.bool(Ratio::new(0, 1))));
    assert!((0..100).all(|_| rng.chance(1.0) && !rng.chance(0.0) && !rng.chance(f64::NAN)));
}

#[test]
fn shuffles_reach_every_order_alike() {
    let mut rng = Streams::new(8).owned(A, 0);
    let mut seen = std::collections::BTreeMap::<[u8; 3], u32>::new();
    for _ in 0..6_000 {
        let mut items = [1, 2, 3];
        rng.shuffle(&mut items);
        *seen.entry(items).or_default() += 1;
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.values().all(|n| (850..1150).contains(n)), "{seen:?}");
}

#[test]
fn works_with_rand() {
    let mut rng = Streams::new(9).owned(A, 0);
    let mut same = Streams::new(9).owned(A, 0);
    assert_eq!(rng.random::<u64>(), same.next_u64());
    assert!((5..9).contains(&rng.random_range(5..9)));
}

proptest! {
    /// A stored stream drawn in one go, an owned one and the block-by-block definition agree.
    #[test]
    fn owned_equals_stored(seed: u64, entity: u64, widths in proptest::collection::vec(any::<bool>(), 1..200)) {
        let streams = Streams::new(seed);
        let mut cursor = Cursor::default();
        let mut stored = streams.rng(A, entity, &mut cursor);
        let mut owned = streams.owned(A, entity);
        for wide in widths {
            if wide {
                prop_assert_eq!(stored.next_u64(), owned.next_u64());
            } else {
                prop_assert_eq!(stored.next_u32(), owned.next_u32());
            }
        }
    }

    /// Samples are the front of a shuffle, whether stored sparsely or not.
    #[test]
    fn samples_are_the_front_of_a_shuffle(seed: u64, n in 1_usize..200, k in 0_usize..220) {
        let sample = Streams::new(seed).owned(A, 0).sample_without_replacement(n, k);
        let k = k.min(n);
        let mut rng = Streams::new(seed).owned(A, 0);
        let mut places: Vec<usize> = (0..n).collect();
        for at in 0..k {
            let other = at + rng.index(n - at);
            places.swap(at, other);
        }
        prop_assert_eq!(sample, &places[..k]);
    }
}
