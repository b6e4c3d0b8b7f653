//! Cases that no machinery of DMS is about: D1, D2, G5. They show that the random streams of runs draw what they
//! should.

use super::availability::{Measured, add};
use super::statistics::{Estimate, jackknife, mean, variance};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Rng, Streams};

const SAMPLES: Domain = Domain::new("reproduce.oracles.samples");

fn replicate(
    effort: &Effort,
    sums: usize,
    usual: f64,
    one: impl Fn(&mut Rng<'_>, &mut [f64]) + Sync + Send,
) -> Result<Vec<Vec<f64>>, String> {
    effort.replicate(|seed| {
        let mut rng = Streams::new(seed).owned(SAMPLES, 0);
        let mut total = vec![0.0; sums];
        (0..effort.scaled(usual)).for_each(|_| one(&mut rng, &mut total));
        Ok(total)
    })
}

/// D1: hops on a full ring of 2^m, where each finger halves what is left: as many as the distance has ones in binary.
pub(super) fn hops(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let bits = case.param("m") as u32;
    let replications = replicate(effort, 2, 4000.0, |rng, sums| {
        let (mut at, to) = (rng.below(1 << bits), rng.below(1 << bits));
        let mut hops = 0.0;
        while at != to {
            let left = (to + (1 << bits) - at) % (1 << bits);
            at = (at + (1 << left.ilog2())) % (1 << bits);
            hops += 1.0;
        }
        add(sums, &[1.0, hops]);
    })?;
    Ok(vec![
        ("mean".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("max".to_owned(), Estimate::computed(f64::from(bits))),
    ])
}

/// D2: the arcs between random ids on a circle.
pub(super) fn arcs(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let n = case.param("n") as usize;
    let replications = replicate(effort, 3, 1700.0, |rng, sums| {
        let mut ids: Vec<f64> = (0..n).map(|_| rng.unit_f64()).collect();
        ids.sort_by(f64::total_cmp);
        let around = 1.0 - ids[n - 1] + ids[0];
        let inner = ids.windows(2).map(|pair| pair[1] - pair[0]);
        let (low, high) = inner.fold((around, around), |(low, high), arc| (low.min(arc), high.max(arc)));
        add(sums, &[1.0, high, low]);
    })?;
    Ok(vec![
        ("max_arc".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("min_arc".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[2]))),
    ])
}

/// G5: draws until each of n has been drawn.
pub(super) fn coupons(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let n = case.param("n") as u64;
    let replications = replicate(effort, 3, 7500.0, |rng, sums| {
        let mut drawn = vec![false; n as usize];
        let (mut left, mut draws) = (n, 0.0);
        while left > 0 {
            let new = !std::mem::replace(&mut drawn[rng.below(n) as usize], true);
            left -= u64::from(new);
            draws += 1.0;
        }
        add(sums, &[1.0, draws, draws * draws]);
    })?;
    Ok(vec![
        ("E".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("Var".to_owned(), jackknife(&replications, |s| variance(s[0], s[1], s[2]))),
    ])
}
