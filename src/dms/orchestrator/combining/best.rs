//! The best candidate: the first bid of the first node, the first of the second that goes with it, and so on. Bids are
//! in the order of their scores, and the nodes of an ensemble in that of the file.
//!
//! Where a node is left without a bid that goes with those before it, the search goes back to the last choice; so a
//! candidate is found whenever there is one, and no other is better for the first node at which the two differ.

use super::Offers;
use crate::dms::constants::MAX_PERMUTATIONS;

/// The best candidate: for each node the place of the bid taken; none when there is no candidate.
#[must_use]
pub fn candidate(offers: &Offers) -> Option<Vec<usize>> {
    let nodes = offers.counts().len();
    let mut chosen: Vec<usize> = Vec::with_capacity(nodes);
    // What is left to try for each node that has been chosen for, and for the one after them, the best at the end.
    let fitting = |chosen: &[usize]| {
        let mut options = offers.fitting(chosen);
        options.reverse();
        options
    };
    let mut left = vec![fitting(&chosen)];
    for _ in 0..MAX_PERMUTATIONS {
        if chosen.len() == nodes {
            return Some(chosen);
        }
        match left.last_mut().and_then(Vec::pop) {
            Some(bid) => {
                chosen.push(bid);
                left.push(fitting(&chosen));
            }
            None => {
                left.pop();
                chosen.pop()?;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_bids_are_taken_where_nothing_speaks_against_it() {
        assert_eq!(candidate(&Offers::new(vec![3, 2])), Some(vec![0, 0]));
        assert_eq!(candidate(&Offers::new(vec![3, 0])), None);
        let mut offers = Offers::new(vec![2, 2, 1]);
        offers.bar((0, 0), (2, 0));
        offers.bar((0, 1), (1, 0));
        assert_eq!(candidate(&offers), Some(vec![1, 1, 0]));
    }

    proptest! {
        /// What is found is the first of all candidates in the order of their digits.
        #[test]
        fn no_candidate_is_better(
            counts in prop::collection::vec(1..4_usize, 1..5),
            barred in prop::collection::vec(((0..5_usize, 0..4_usize), (0..5_usize, 0..4_usize)), 0..25),
        ) {
            let mut offers = Offers::new(counts.clone());
            barred.iter().filter(|(one, other)| one.0 != other.0).for_each(|(one, other)| offers.bar(*one, *other));
            let goes = |candidate: &[usize]| (0..candidate.len()).all(|one| (0..one).all(|other| {
                offers.allows((one, candidate[one]), (other, candidate[other]))
            }));
            let total: usize = counts.iter().product();
            let nth = |mut number: usize| -> Vec<usize> {
                let digits = counts.iter().rev().map(|count| { let bid = number % count; number /= count; bid });
                let mut digits: Vec<usize> = digits.collect();
                digits.reverse();
                digits
            };
            prop_assert_eq!(candidate(&offers), (0..total).map(nth).find(|candidate| goes(candidate)));
        }
    }
}
