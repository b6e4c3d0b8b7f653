//! Programs that are started again: R3 and R4, by deployments on pinned peers.
//!
//! Each worker runs an ensemble of its own. What runs there has the restart policy `always`: with its machine, and when
//! it is done, it starts again from scratch. What is measured is between sightings of the executor, so neither
//! launching nor the pause of Docker before another turn belongs to it.

use std::collections::BTreeMap;

use super::availability::{Measured, add};
use super::stage::{Stage, churn, exponential, time};
use super::statistics::{jackknife, mean, variance};
use super::{Effort, OracleCase};
use crate::kernel::Time;
use crate::sim::watching::{Sight, Sighting};

/// Workers of a run.
const WORKERS: u32 = 20;
/// What a launch takes at most, failures on the way included, before anything is measured.
const LAUNCH_S: f64 = 120.0;
/// A down time that is as good as none.
const AT_ONCE_S: f64 = 1e-6;

/// A program that is begun again and again, until it is done.
#[derive(Clone, Copy, Default)]
struct Trial {
    first: Option<Time>,
    attempts: f64,
}

/// R3: work that begins anew whenever its machine fails, on a machine that is down for some time then.
pub(super) fn restarts(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    // More than ten seconds, after which Docker starts at its shortest pause.
    const WORK_S: f64 = 20.0;
    let unit_s = WORK_S / case.param("w_h");
    let (mtbf_s, down_s) = (case.param("MTBF_h") * unit_s, case.param("downtime_h") * unit_s);
    let expected_s = libm::expm1(WORK_S / mtbf_s) * (mtbf_s + down_s);
    // The rarer failures are, the more work shows what they cost.
    let wanted = effort.scaled(if WORK_S / mtbf_s < 0.1 { 48_000.0 } else { 6_500.0 }) as f64;
    let length_s = LAUNCH_S + wanted / f64::from(WORKERS) * expected_s;
    let replications = effort.replicate(|seed| {
        let model = churn(&exponential(mtbf_s), &time(down_s.max(AT_ONCE_S)), "fresh");
        let mut stage = Stage::of_peers(seed, length_s, WORKERS, model);
        let image = format!("{{size: 1 B, start: 0s, task: {{run: {}}}}}", time(WORK_S));
        stage.program = Some((image, 1));
        let mut trials = vec![Trial::default(); WORKERS as usize];
        let mut sums = vec![0.0; 4];
        stage.play(
            length_s,
            &mut |sighting| {
                let Some(trial) = trials.get_mut(sighting.peer.0 as usize) else { return };
                match sighting.what {
                    Sight::Began { .. } => {
                        trial.first.get_or_insert(sighting.at);
                        trial.attempts += 1.0;
                    }
                    Sight::Ended { .. } => {
                        let done = std::mem::take(trial);
                        let Some(first) = done.first else { return };
                        let took = sighting.at.since(first).as_secs_f64() / unit_s;
                        add(&mut sums, &[1.0, took, took * took, done.attempts]);
                    }
                    _ => {}
                }
            },
            &mut |_| {},
        )?;
        Ok(sums)
    })?;
    let work = case.param("w_h");
    Ok(vec![
        ("E".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("attempts".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[3]))),
        ("wasted_h".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]) - work)),
        ("Var".to_owned(), jackknife(&replications, |sums| variance(sums[0], sums[1], sums[2]))),
    ])
}

/// Programs that are started together.
const TOGETHER: usize = 1000;
/// The monitor of containerd starts what has ended whenever so much time has passed.
const ROUND_S: f64 = 10.0;

/// R4: the k-th end of n programs that start at the same moment, as what containerd starts again does.
pub(super) fn order_statistics(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    // Of a thousand programs of this mean, one lasts for a round once in many billions of rounds.
    const MEAN_S: f64 = 0.2;
    const MACHINES: u32 = 100;
    let unit_s = MEAN_S * case.param("mu");
    let ends: Vec<(&String, (usize, usize))> =
        case.values.iter().filter_map(|(name, _)| Some((name, place_of(name)?))).collect();
    let length_s = LAUNCH_S + ROUND_S * effort.scaled(42.0) as f64;
    let replications = effort.replicate(|seed| {
        let image = format!("{{size: 1 B, start: 0s, task: {{run: {}}}}}", exponential(MEAN_S));
        let mut stage = Stage::of_steady_peers(seed, length_s, MACHINES);
        stage.program = Some((image, TOGETHER as u32 / MACHINES));
        stage.executor = "containerd";
        let mut sums = vec![0.0; 2 * ends.len()];
        let mut round = Round::default();
        stage.play(
            length_s,
            &mut |sighting| {
                let Some(lasted) = round.see(sighting) else { return };
                for ((_, (k, n)), sums) in ends.iter().zip(sums.chunks_mut(2)) {
                    for group in lasted.chunks_exact(*n) {
                        let mut group = group.to_vec();
                        group.sort_by(f64::total_cmp);
                        add(sums, &[1.0, group[k - 1] / unit_s]);
                    }
                }
            },
            &mut |_| {},
        )?;
        Ok(sums)
    })?;
    let estimates = ends.iter().enumerate().map(|(place, (name, _))| {
        let of = |sums: &[f64]| mean(sums[2 * place], sums[2 * place + 1]);
        ((*name).clone(), jackknife(&replications, of))
    });
    Ok(estimates.collect())
}

/// The programs that were started at the last moment at which any were, and how long those have run that have ended.
#[derive(Default)]
struct Round {
    began: Time,
    running: BTreeMap<(u32, u32), Option<f64>>,
}

impl Round {
    /// When the next round begins, how long each program of the last one has run, if all of them were started then.
    fn see(&mut self, sighting: &Sighting) -> Option<Vec<f64>> {
        let peer = sighting.peer.0;
        match sighting.what {
            Sight::Began { slot } => {
                let is_next = self.began != sighting.at;
                let round = if is_next { std::mem::take(&mut self.running) } else { BTreeMap::new() };
                self.began = sighting.at;
                self.running.insert((peer, slot), None);
                let lasted: Vec<f64> = round.into_values().flatten().collect();
                (lasted.len() == TOGETHER).then_some(lasted)
            }
            Sight::Ended { slot } => {
                let lasted = self.running.get_mut(&(peer, slot))?;
                *lasted = Some(sighting.at.since(self.began).as_secs_f64());
                None
            }
            _ => None,
        }
    }
}

/// The rank and the number of `max_10`, `min_10` and `k7_of_10`.
fn place_of(name: &str) -> Option<(usize, usize)> {
    let number = |text: &str| text.parse::<usize>().ok();
    let (k, n) = if let Some(n) = name.strip_prefix("max_") {
        (number(n)?, number(n)?)
    } else if let Some(n) = name.strip_prefix("min_") {
        (1, number(n)?)
    } else {
        let (k, n) = name.strip_prefix('k')?.split_once("_of_")?;
        (number(k)?, number(n)?)
    };
    (k >= 1 && k <= n && n <= TOGETHER).then_some((k, n))
}

/// Whether R4 has a value of that name.
pub(super) fn is_of_order_statistics(name: &str) -> bool {
    place_of(name).is_some()
}
