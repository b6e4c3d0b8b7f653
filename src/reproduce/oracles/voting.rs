//! S1: copies of a task vote on its result, some of which are wrong and agree.
//!
//! Decisions for a wrong result are rare. They are estimated by importance sampling (Hammersley and Handscomb, "Monte
//! Carlo methods", 1964, chapter 5; Heidelberger, "Fast simulation of rare events in queueing and reliability models",
//! ACM TOMACS 5(1), 1995): results are wrong more often than the case has it, and each decision counts for the ratio of
//! the likelihoods of all votes up to it. That ratio knows how likely single votes are, and nothing of what they come
//! to.

use super::availability::{Measured, add};
use super::stage::{Demand, Stage, time};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::sim::watching::Sight;

/// How likely results are wrong where wrong decisions are looked for.
const OFTEN: f64 = 0.65;
/// Time between two tasks: one is long done when the next is asked for.
const EVERY_S: f64 = 400.0;

/// What was decided about a task.
struct Decision {
    /// Copies that have voted for a wrong result.
    wrong: f64,
    /// Copies that have voted for the right one.
    right: f64,
    /// Whether the decision was right.
    is_right: bool,
}

/// S1: as many copies as it takes until `m` agree.
pub(super) fn majority(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (wanted, rare) = (case.param("m") as u32, case.param("f"));
    // The more votes it takes, the more their likelihood ratios differ.
    let tasks = effort.scaled(500.0) * u64::from(wanted);
    let biased = effort.replicate(|seed| {
        let mut sums = vec![0.0; 2];
        decide(seed, wanted, OFTEN, tasks, &mut |decision| {
            let ratio = libm::pow(rare / OFTEN, decision.wrong)
                * libm::pow((1.0 - rare) / (1.0 - OFTEN), decision.right);
            add(&mut sums, &[1.0, if decision.is_right { 0.0 } else { ratio }]);
        })?;
        Ok(sums)
    })?;
    let plain = effort.replicate(|seed| {
        let mut sums = vec![0.0; 2];
        decide(seed, wanted, rare, effort.scaled(100.0), &mut |decision| {
            add(&mut sums, &[1.0, decision.wrong + decision.right]);
        })?;
        Ok(sums)
    })?;
    Ok(vec![
        ("err".to_owned(), jackknife(&biased, |sums| mean(sums[0], sums[1]))),
        ("mean_copies".to_owned(), jackknife(&plain, |sums| mean(sums[0], sums[1]))),
    ])
}

/// Lets copies of so many tasks vote, each of which is wrong by this chance.
fn decide(
    seed: u64,
    wanted: u32,
    chance: f64,
    tasks: u64,
    note: &mut dyn FnMut(&Decision),
) -> Result<(), String> {
    // Of one copy on each, so many are enough for any course of a vote.
    let workers = 2 * wanted - 1;
    let length_s = EVERY_S * (tasks + 1) as f64;
    let mut stage = Stage::of_steady_peers(seed, length_s, workers);
    stage.program = Some(("{size: 1 B, start: 0s, task: {run: 1s}}".to_owned(), 1));
    stage.demand = Demand::Anywhere { count: tasks, every_s: EVERY_S };
    stage.strategy = format!("{{recovery: {{replication: {{majority: {wanted}, copies: {wanted}}}}}}}");
    stage.faults = format!(
        "[{{byzantine: {{at: 0s, for: {}, fraction_wrong: {chance}, colluding: true, group: worker}}}}]",
        time(2.0 * length_s)
    );
    let mut decided = 0;
    stage.play(
        length_s,
        &mut |sighting| {
            if let Sight::Decided { agreed, votes, is_right, .. } = sighting.what {
                let (agreed, others) = (f64::from(agreed), f64::from(votes - agreed));
                // Those who do not agree with the right result are wrong, and all of these agree.
                let (wrong, right) = if is_right { (others, agreed) } else { (agreed, others) };
                note(&Decision { wrong, right, is_right });
                decided += 1;
            }
        },
        &mut |_| {},
    )?;
    if decided == tasks { Ok(()) } else { Err(format!("{decided} of {tasks} tasks were decided")) }
}
