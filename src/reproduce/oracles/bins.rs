//! P3: as many balls as bins, each thrown without looking, and how many are in the fullest bin.
//!
//! A ball is a task, a bin a machine with room for all, and `uniform` is how DMS places. In a run all tasks are there
//! to stay. Where a ball falls has nothing to do with the others, so that any *n* of a run are a throw: many more are
//! made of the balls by drawing than a run has rounds, which vary less together. That those which follow each other are
//! no different is tested.

use super::availability::{Measured, add};
use super::jobs::Journal;
use super::stage::{Stage, Task, regularly};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Streams};

const GROUPS: Domain = Domain::new("reproduce.oracles.bins");
/// Balls of a run, and how often they are put together anew.
const RUN: f64 = 400.0;
const ROUNDS: u32 = 200;

/// P3: the mean of the most that are in a bin.
pub(super) fn fullest(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    measure("uniform", case.param("n") as u32, case, effort)
}

fn measure(policy: &str, bins: u32, case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let replications = effort.replicate(|seed| {
        let balls = effort.scaled(RUN).max(2 * u64::from(bins));
        let mut thrown = throw(policy, seed, bins, balls)?;
        let mut rng = Streams::new(seed).owned(GROUPS, 0);
        let mut sums = vec![0.0; 4];
        add_fullest(&mut sums[2..], bins, &thrown);
        for _ in 0..ROUNDS {
            for place in (1..thrown.len()).rev() {
                thrown.swap(place, rng.below(place as u64 + 1) as usize);
            }
            add_fullest(&mut sums, bins, &thrown);
        }
        Ok(sums)
    })?;
    let apart = jackknife(&replications, |sums| mean(sums[2], sums[3]) - mean(sums[0], sums[1]));
    if apart.value.abs() > apart.half_width {
        return Err(format!("balls know of those before them: their fullest bin has {} more", apart.value));
    }
    let fullest = jackknife(&replications, |sums| mean(sums[0], sums[1]));
    Ok(case.values.iter().map(|(name, _)| (name.clone(), fullest)).collect())
}

/// Adds how many throws there are, of `bins` balls each, and the most in a bin of each.
fn add_fullest(sums: &mut [f64], bins: u32, thrown: &[u32]) {
    for group in thrown.chunks_exact(bins as usize) {
        let mut counts = vec![0_u32; bins as usize];
        group.iter().for_each(|bin| counts[*bin as usize] += 1);
        add(sums, &[1.0, f64::from(counts.into_iter().max().unwrap_or(0))]);
    }
}

/// The bins of so many balls.
fn throw(policy: &str, seed: u64, bins: u32, balls: u64) -> Result<Vec<u32>, String> {
    let mut stage = Stage::of_steady_peers(seed, balls as f64 + 100.0, bins);
    stage.strategy = format!("{{recovery: restart, placement: {policy}, scored_bids: {{window: 10ms}}}}");
    stage.tasks = vec![Task::of_cores("30d".to_owned(), regularly(balls, 1.0), vec![(0.1, None)])];
    stage.cores = 4000;
    let journal = Journal::of(&stage, vec![1], 1)?;
    let thrown: Vec<u32> = journal.jobs.iter().flat_map(|job| &job.parts).map(|part| part.machine).collect();
    if thrown.len() as u64 == balls {
        Ok(thrown)
    } else {
        Err(format!("of {balls} tasks {} run", thrown.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balls_that_look_where_they_fall_are_noticed() {
        let small = Effort { replications: 8, length: 0.4, widest: 0.5, seed: 3 };
        let values = vec![("E_max".to_owned(), 1.0)];
        let case = OracleCase { id: "P3".to_owned(), what: "a test".to_owned(), params: Vec::new(), values };
        let measured = |policy| measure(policy, 8, &case, &small).map(|found| found[0].1);
        let blind = measured("uniform").unwrap_or_else(|reason| panic!("{reason}"));
        assert!((blind.value - 2.597_232_819).abs() <= blind.half_width, "{blind:?}");
        let refused = measured("least_loaded").expect_err("they look");
        assert!(refused.starts_with("balls know of those before them"), "{refused}");
        let in_one = measured("first_fit").unwrap_or_else(|reason| panic!("{reason}"));
        // But for a task that had drawn the subnet of another.
        assert!(in_one.value > 7.9, "{in_one:?}");
    }
}
