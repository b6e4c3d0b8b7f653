//! Uniform random choice among all candidates (dms-orchestration section 2.7).
//!
//! The real DMS draws an index over the product of all bids, with replacement and from the first million
//! permutations only (W5). Drawing each node's bid by itself is the same distribution over all of them.

use super::Bids;
use crate::kernel::random::Rng;

pub(super) fn choose(bids: Bids<'_>, random: &mut Rng<'_>) -> Option<Vec<usize>> {
    bids.iter().map(|&count| (count > 0).then(|| random.below(count as u64) as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Domain, Streams};

    #[test]
    fn every_candidate_comes_up_as_often_as_any_other() {
        let mut random = Streams::new(1).owned(Domain::new("test/placement"), 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            let candidate = choose(&[2, 3], &mut random).expect("both nodes have bids");
            counts[candidate[0] * 3 + candidate[1]] += 1;
        }
        // Chi-square with 5 degrees of freedom: 20.5 is the 99.9 % quantile.
        let chi: f64 =
            counts.iter().map(|&n| (f64::from(n) - 10_000.0) * (f64::from(n) - 10_000.0) / 10_000.0).sum();
        assert!(chi < 20.5, "chi-square {chi}, counts {counts:?}");
    }

    #[test]
    fn a_node_without_bids_has_no_candidate() {
        let mut random = Streams::new(1).owned(Domain::new("test/placement"), 0);
        assert_eq!(choose(&[2, 0], &mut random), None);
    }
}
