//! How the real DMS searches for a candidate (W5, dms-orchestration section 2.7): it draws numbers of combinations,
//! with replacement, from the first million of them only.

use super::Offers;
use crate::dms::constants::MAX_PERMUTATIONS;
use crate::kernel::random::Rng;

/// The draws of one search.
#[derive(Clone, Debug)]
pub struct Draws {
    /// The order in which nodes are the digits of a combination's number, the lowest first.
    order: Vec<usize>,
    left: u64,
}

impl Draws {
    /// As many draws as there are combinations, and at most a million. The order of the nodes is that of a map, which
    /// is any.
    #[must_use]
    pub fn new(offers: &Offers, random: &mut Rng<'_>) -> Self {
        let mut order: Vec<usize> = (0..offers.counts().len()).collect();
        random.shuffle(&mut order);
        Self { order, left: limit(offers) }
    }

    /// The next candidate of which nothing bad is known; none when all draws have been made.
    pub fn next(&mut self, offers: &Offers, random: &mut Rng<'_>) -> Option<Vec<usize>> {
        while self.left > 0 {
            self.left -= 1;
            let candidate = self.draw(offers, random)?;
            let goes = |one: usize| {
                (0..one).all(|other| offers.allows((one, candidate[one]), (other, candidate[other])))
            };
            if (0..candidate.len()).all(goes) {
                return Some(candidate);
            }
        }
        None
    }

    fn draw(&self, offers: &Offers, random: &mut Rng<'_>) -> Option<Vec<usize>> {
        let counts = offers.counts();
        if counts.contains(&0) {
            return None;
        }
        // Numbers of more than 63 bits are drawn another way, which reaches all of them.
        let bits: u32 = counts.iter().map(|count| count.next_power_of_two().trailing_zeros()).sum();
        if bits > 63 {
            return Some(counts.iter().map(|&count| random.below(count as u64) as usize).collect());
        }
        let mut number = random.below(limit(offers));
        let mut candidate = vec![0; counts.len()];
        for &node in &self.order {
            let count = counts[node] as u64;
            candidate[node] = (number % count) as usize;
            number /= count;
        }
        Some(candidate)
    }
}

/// The combinations that are drawn from, which is also how often.
fn limit(offers: &Offers) -> u64 {
    let product = offers.counts().iter().fold(1_u64, |product, &count| product.saturating_mul(count as u64));
    product.min(MAX_PERMUTATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::{Domain, Streams};

    fn rng(entity: u64) -> Rng<'static> {
        Streams::new(1).owned(Domain::new("test/draws"), entity)
    }

    #[test]
    fn one_good_combination_is_often_missed() {
        let mut offers = Offers::new(vec![8, 8]);
        for (one, other) in (0..64).map(|number| (number / 8, number % 8)) {
            if (one, other) != (3, 4) {
                offers.bar((0, one), (1, other));
            }
        }
        let found = |entity| {
            let random = &mut rng(entity);
            Draws::new(&offers, random).next(&offers, random).is_some()
        };
        let hits = (0..1000).filter(|entity| found(*entity)).count();
        // 1 - (1 - 1/64)^64 is 63.5 %, and the standard deviation of so many searches 1.5 %.
        assert!((585..685).contains(&hits), "{hits} of 1000 searches");
    }

    #[test]
    fn late_nodes_always_get_their_first_bid() {
        let offers = Offers::new(vec![8; 12]);
        let random = &mut rng(0);
        let mut draws = Draws::new(&offers, random);
        let candidates: Vec<_> = (0..500).filter_map(|_| draws.next(&offers, random)).collect();
        let fixed = |node: &usize| candidates.iter().all(|candidate| candidate[*node] == 0);
        assert_eq!((0..12).filter(fixed).count(), 5, "a million are seven digits of eight");
        let many = Offers::new(vec![8; 22]);
        let mut draws = Draws::new(&many, random);
        let candidates: Vec<_> = (0..500).filter_map(|_| draws.next(&many, random)).collect();
        let fixed = |node: &usize| candidates.iter().all(|candidate| candidate[*node] == 0);
        assert_eq!((0..22).filter(fixed).count(), 0, "numbers of 66 bits are drawn whole");
    }
}
