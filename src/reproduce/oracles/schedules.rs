//! P4: lists of tasks on a few machines, and how much later they end than the best schedule does (Graham 1966, 1969).
//!
//! List scheduling is what a machine with a queue does that runs a few allocations at once: whatever is next in the
//! list starts when a place is free. Longest first is the same with the list in that order, which is its user's part.
//! The best schedule is looked for among all, and run on machines of which each runs its own tasks one after another.

use super::availability::Measured;
use super::jobs::Journal;
use super::stage::{Stage, Task, regularly};
use super::statistics::{Estimate, jackknife};
use super::{Effort, OracleCase};

/// How long a unit of a case is.
const UNIT_S: f64 = 1000.0;
/// Time between two tasks of a list being asked for.
const STEP_S: f64 = 1e-5;

/// P4: the worst of each rule on three machines, and an example on two.
pub(super) fn bounds(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    /// Short ones first, so that the long one comes when all are done with these.
    const LIST: [u32; 7] = [1, 1, 1, 1, 1, 1, 3];
    const LONGEST_FIRST: [u32; 7] = [5, 5, 4, 4, 3, 3, 3];
    const EXAMPLE: [u32; 5] = [3, 3, 2, 2, 2];
    let mut found = Vec::new();
    for (name, _) in &case.values {
        let estimate = match &**name {
            "list_m3" => compare(&LIST, 3, effort, |sums| sums[0] / sums[1])?,
            "lpt_m3" => compare(&longest_first(&LONGEST_FIRST), 3, effort, |sums| sums[0] / sums[1])?,
            "lpt_example" => compare(&longest_first(&EXAMPLE), 2, effort, |sums| sums[0] / sums[2])?,
            _ => compare(&EXAMPLE, 2, effort, |sums| sums[1] / sums[2])?,
        };
        found.push((name.clone(), estimate));
    }
    Ok(found)
}

fn longest_first(tasks: &[u32]) -> Vec<u32> {
    let mut tasks = tasks.to_vec();
    tasks.sort_unstable_by(|one, other| other.cmp(one));
    tasks
}

/// Of how long a list takes, how long the best schedule takes, and how many replications there were.
fn compare(list: &[u32], machines: u32, effort: &Effort, of: fn(&[f64]) -> f64) -> Result<Estimate, String> {
    let best = best_of(list, machines);
    let replications = effort.replicate(|seed| {
        let by_list = span(seed, 1, machines, list.iter().map(|task| (*task, 0)))?;
        let by_plan = span(seed, machines, 1, list.iter().copied().zip(best.iter().copied()))?;
        Ok(vec![by_list, by_plan, 1.0])
    })?;
    Ok(jackknife(&replications, of))
}

/// From the beginning of the first to the end of the last of these tasks, each on its machine, of which each runs so
/// many at once. In units of the case.
fn span(
    seed: u64,
    machines: u32,
    at_once: u32,
    tasks: impl Iterator<Item = (u32, u32)>,
) -> Result<f64, String> {
    let tasks: Vec<(u32, u32)> = tasks.collect();
    let total: u32 = tasks.iter().map(|(length, _)| length).sum();
    let mut stage = Stage::of_steady_peers(seed, UNIT_S * f64::from(total + 1), machines);
    stage.places = format!("{{at_once: {at_once}}}");
    stage.timeout = "3000d";
    // Those alike that follow each other are one request.
    let mut first = 0;
    for alike in tasks.chunk_by(|one, other| one == other) {
        let (length, machine) = alike[0];
        let start = format!(", start: {}", super::stage::time(STEP_S * f64::from(first)));
        let when = regularly(alike.len() as u64, STEP_S).replace("}", &(start + "}"));
        let run = super::stage::time(UNIT_S * f64::from(length));
        stage.tasks.push(Task::of_cores(run, when, vec![(0.1, Some(machine))]));
        first += alike.len() as u32;
    }
    let users = stage.tasks.len();
    let journal = Journal::of(&stage, vec![1; users], 1)?;
    let parts = || journal.jobs.iter().flat_map(|job| &job.parts);
    let began = parts().filter_map(|part| part.began).min();
    let (done, count) =
        (parts().filter_map(|part| part.done).max(), parts().filter(|one| one.done.is_some()).count());
    match (began, done) {
        (Some(began), Some(done)) if count == tasks.len() => Ok(done.since(began).as_secs_f64() / UNIT_S),
        _ => Err(format!("of {} tasks {count} ended", tasks.len())),
    }
}

/// The machine of each task in a schedule that ends as early as any.
fn best_of(tasks: &[u32], machines: u32) -> Vec<u32> {
    let all = (0..u64::from(machines).pow(tasks.len() as u32)).map(|number| {
        let mut rest = number;
        let plan = tasks.iter().map(|_| {
            let machine = rest % u64::from(machines);
            rest /= u64::from(machines);
            machine as u32
        });
        plan.collect::<Vec<u32>>()
    });
    let end = |plan: &Vec<u32>| {
        let mut loads = vec![0; machines as usize];
        plan.iter().zip(tasks).for_each(|(machine, task)| loads[*machine as usize] += task);
        loads.into_iter().max()
    };
    all.min_by_key(end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_schedule_is_found() {
        for (tasks, machines, ends) in [
            (vec![1, 1, 1, 1, 1, 1, 3], 3, 3),
            (vec![5, 5, 4, 4, 3, 3, 3], 3, 9),
            (vec![3, 3, 2, 2, 2], 2, 6),
        ] {
            let plan = best_of(&tasks, machines);
            let load = |machine: u32| -> u32 {
                plan.iter().zip(&tasks).filter(|(own, _)| **own == machine).map(|(_, task)| task).sum()
            };
            assert_eq!((0..machines).map(load).max(), Some(ends), "{tasks:?}");
        }
    }
}
