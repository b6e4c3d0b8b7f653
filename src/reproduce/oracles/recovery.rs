//! Programs that are started again: R3, R4, R5, by deployments on pinned peers whose machines fail.
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
                    Sight::Up | Sight::Down | Sight::Saved { .. } => {}
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

/// R4: the k-th end of n programs that start at the same moment: on ten machines that crash and start together.
pub(super) fn order_statistics(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    // The next round comes before Docker starts anything a second time, a tenth of a second after it has ended.
    const UNIT_S: f64 = 0.001;
    const ROUND_S: f64 = 0.04;
    const MACHINES: u32 = 10;
    let mean_s = UNIT_S / case.param("mu");
    let ends: Vec<(&String, (usize, usize))> =
        case.values.iter().filter_map(|(name, _)| Some((name, place_of(name)?))).collect();
    let rounds = effort.scaled(40.0);
    let replications = effort.replicate(|seed| {
        let round_s = ROUND_S / case.param("mu");
        let length_s = LAUNCH_S + round_s * rounds as f64;
        let image = format!("{{size: 1 B, start: 0s, task: {{run: {}}}}}", exponential(mean_s));
        let stage = Stage {
            program: Some((image, TOGETHER as u32 / MACHINES)),
            crashes_s: (0..rounds).map(|round| LAUNCH_S + round_s * round as f64).collect(),
            repair_s: UNIT_S,
            ..Stage::of_steady_peers(seed, length_s, MACHINES)
        };
        let mut sums = vec![0.0; 2 * ends.len()];
        let mut round = Round::default();
        stage.play(
            length_s,
            &mut |sighting| {
                if let Some(lasted) = round.see(sighting) {
                    for ((_, (k, n)), sums) in ends.iter().zip(sums.chunks_mut(2)) {
                        for group in lasted.chunks_exact(*n) {
                            let mut group = group.to_vec();
                            group.sort_by(f64::total_cmp);
                            add(sums, &[1.0, group[k - 1] / UNIT_S]);
                        }
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

/// The programs that were started together last, and when those that have ended did so.
#[derive(Default)]
struct Round {
    began: Time,
    running: BTreeMap<(u32, u32), Option<f64>>,
}

impl Round {
    /// When the machines stop, how long each program of the round had run before it ended first, if all did.
    fn see(&mut self, sighting: &Sighting) -> Option<Vec<f64>> {
        let peer = sighting.peer.0;
        match sighting.what {
            Sight::Began { slot } => {
                if self.running.is_empty() {
                    self.began = sighting.at;
                }
                if self.began == sighting.at {
                    self.running.insert((peer, slot), None);
                }
            }
            Sight::Ended { slot } => {
                if let Some(lasted @ None) = self.running.get_mut(&(peer, slot)) {
                    *lasted = Some(sighting.at.since(self.began).as_secs_f64());
                }
            }
            Sight::Down => {
                let round = std::mem::take(&mut self.running);
                let lasted: Vec<f64> = round.into_values().flatten().collect();
                return (lasted.len() == TOGETHER).then_some(lasted);
            }
            Sight::Up | Sight::Saved { .. } => {}
        }
        None
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

/// R5: two copies of a state on two machines; a machine that fails loses its copy, and copying takes a random time.
/// All is lost when neither machine has a copy.
pub(super) fn data_loss(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    // Copies take less than the ninety seconds after which a supervisor would look for another machine.
    const COPY_S: f64 = 4.0;
    let unit_s = COPY_S / case.param("repair_h");
    let mttf_s = case.param("MTTF_h") * unit_s;
    let expected_s = (3.0 * COPY_S + mttf_s) * mttf_s / (2.0 * COPY_S);
    let losses = effort.scaled(1_600.0) as f64;
    let length_s = LAUNCH_S + losses / f64::from(WORKERS / 2) * expected_s;
    let replications = effort.replicate(|seed| {
        let model = churn(&exponential(mttf_s), &time(AT_ONCE_S), "fresh");
        let mut stage = Stage::of_peers(seed, length_s, WORKERS, model);
        let image = format!("{{size: 1 B, start: {}, service: {{}}}}", exponential(COPY_S));
        stage.program = Some((image, 1));
        let mut pairs = vec![Pair::default(); WORKERS as usize / 2];
        let mut sums = vec![0.0; 2];
        stage.play(
            length_s,
            &mut |sighting| {
                let (pair, side) = (sighting.peer.0 as usize / 2, sighting.peer.0 as usize % 2);
                let Some(pair) = pairs.get_mut(pair) else { return };
                if let Some(lasted) = pair.see(side, sighting) {
                    add(&mut sums, &[1.0, lasted / unit_s]);
                }
            },
            &mut |_| {},
        )?;
        Ok(sums)
    })?;
    let found = jackknife(&replications, |sums| mean(sums[0], sums[1]));
    Ok(vec![("MTTDL_parallel_repair_h".to_owned(), found), ("MTTDL_single_repair_h".to_owned(), found)])
}

/// Two machines that are to have a copy each.
#[derive(Clone, Copy, Default)]
struct Pair {
    has: [bool; 2],
    /// Since when both have had one, or one of them alone has after they both had.
    since: Option<Time>,
}

impl Pair {
    /// How long it lasted in seconds, when both copies are lost.
    fn see(&mut self, side: usize, sighting: &Sighting) -> Option<f64> {
        match sighting.what {
            Sight::Began { .. } => {
                self.has[side] = true;
                if self.has == [true, true] {
                    self.since.get_or_insert(sighting.at);
                }
            }
            Sight::Down => {
                self.has[side] = false;
                if self.has == [false, false] {
                    return self.since.take().map(|since| sighting.at.since(since).as_secs_f64());
                }
            }
            Sight::Up | Sight::Saved { .. } | Sight::Ended { .. } => {}
        }
        None
    }
}
