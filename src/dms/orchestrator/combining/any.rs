//! Uniform random choice among all candidates (dms-orchestration section 2.7).
//!
//! Each node's bid is drawn by itself, which is the uniform distribution over all combinations, however many there
//! are. Where two bids are known not to go together, a node is drawn from what goes with those before it, and a node
//! for which nothing is left sends the search back: so a candidate is found whenever there is one, and a pair that has
//! failed is never tried again. (The draws of the real DMS are in [`super::draws`].)

use super::Offers;
use crate::dms::constants::MAX_PERMUTATIONS;
use crate::kernel::random::Rng;

/// A candidate: for each node the place of the bid taken; none when there is no such candidate.
#[must_use]
pub fn candidate(offers: &Offers, random: &mut Rng<'_>) -> Option<Vec<usize>> {
    let nodes = offers.counts().len();
    let mut chosen: Vec<usize> = Vec::with_capacity(nodes);
    // What is left to try for each node that has been chosen for, and for the one after them.
    let mut left = vec![offers.fitting(&chosen)];
    for _ in 0..MAX_PERMUTATIONS {
        if chosen.len() == nodes {
            return Some(chosen);
        }
        let options = left.last_mut().expect("there is one more of these than chosen");
        if options.is_empty() {
            left.pop();
            chosen.pop()?;
            continue;
        }
        chosen.push(options.swap_remove(random.below(options.len() as u64) as usize));
        left.push(offers.fitting(&chosen));
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::random::{Domain, Rng, Streams};

    fn rng(entity: u64) -> Rng<'static> {
        Streams::new(1).owned(Domain::new("test/placement"), entity)
    }

    #[test]
    fn every_candidate_comes_up_as_often_as_any_other() {
        let mut random = rng(0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            let candidate =
                super::candidate(&Offers::new(vec![2, 3]), &mut random).expect("both nodes have bids");
            counts[candidate[0] * 3 + candidate[1]] += 1;
        }
        // Chi-square with 5 degrees of freedom: 20.5 is the 99.9 % quantile.
        let chi: f64 =
            counts.iter().map(|&n| (f64::from(n) - 10_000.0) * (f64::from(n) - 10_000.0) / 10_000.0).sum();
        assert!(chi < 20.5, "chi-square {chi}, counts {counts:?}");
    }

    #[test]
    fn a_node_without_bids_has_no_candidate() {
        assert_eq!(candidate(&Offers::new(vec![2, 0]), &mut rng(0)), None);
    }

    #[test]
    fn the_last_of_many_nodes_gets_the_one_bid_that_fits() {
        let mut offers = Offers::new(vec![8; 12]);
        for other in 0..8 {
            (0..8).filter(|bid| *bid != 5).for_each(|bid| offers.bar((10, other), (11, bid)));
        }
        for entity in 0..20 {
            assert_eq!(candidate(&offers, &mut rng(entity)).expect("there are many")[11], 5);
        }
    }

    proptest! {
        /// A candidate is found exactly when trying all of them finds one, and nothing is known against it.
        #[test]
        fn a_candidate_is_found_when_there_is_one(
            counts in prop::collection::vec(1..4_usize, 1..5),
            barred in prop::collection::vec(((0..5_usize, 0..4_usize), (0..5_usize, 0..4_usize)), 0..25),
            seed in any::<u64>(),
        ) {
            let mut offers = Offers::new(counts.clone());
            barred.iter().filter(|(one, other)| one.0 != other.0).for_each(|(one, other)| offers.bar(*one, *other));
            let goes = |candidate: &[usize]| (0..candidate.len()).all(|one| (0..one).all(|other| {
                offers.allows((one, candidate[one]), (other, candidate[other]))
            }));
            let total: usize = counts.iter().product();
            let nth = |mut number: usize| -> Vec<usize> {
                counts.iter().map(|count| { let bid = number % count; number /= count; bid }).collect()
            };
            let exists = (0..total).any(|number| goes(&nth(number)));
            match candidate(&offers, &mut rng(seed)) {
                Some(candidate) => prop_assert!(goes(&candidate)),
                None => prop_assert!(!exists),
            }
        }
    }
}
