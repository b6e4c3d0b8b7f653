//! Peers that come and go: F1, F2, F4, F5 and R5, by the churn of runs.
//!
//! A unit of time of a case is a second here. Nothing runs on the peers, so no constant of the protocol matters.

use super::stage::{Stage, churn, exponential, time};
use super::statistics::{Estimate, jackknife, mean, variance};
use super::{Effort, OracleCase};
use crate::kernel::Time;
use crate::sim::watching::{Sight, Sighting};

/// What was measured, by the names of values.
pub(super) type Measured = Vec<(String, Estimate)>;

/// A down time that is as good as none.
const AT_ONCE_S: f64 = 1e-6;
/// Peers of a crowd.
const CROWD: u32 = 1000;

/// Who is up, followed by sightings.
struct Crowd {
    up: Vec<bool>,
}

impl Crowd {
    fn of(peers: u32) -> Self {
        Self { up: vec![false; peers as usize] }
    }

    fn see(&mut self, sighting: &Sighting) {
        let Some(up) = self.up.get_mut(sighting.peer.0 as usize) else { return };
        match sighting.what {
            Sight::Up => *up = true,
            Sight::Down => *up = false,
            _ => {}
        }
    }
}

/// Looks at who is up, every `every_s` seconds, so many times.
fn look(stage: &Stage, every_s: f64, look_at: &mut dyn FnMut(u64, &[bool])) -> Result<(), String> {
    let crowd = std::cell::RefCell::new(Crowd::of(stage.workers));
    stage.play(every_s, &mut |sighting| crowd.borrow_mut().see(sighting), &mut |number| {
        look_at(number, &crowd.borrow().up);
    })
}

fn count(up: &[bool]) -> f64 {
    up.iter().filter(|up| **up).count() as f64
}

/// F1: a peer that is up and down by turns. The long-run part and the spread of a thousand peers come of a stationary
/// start, the part some time after the start of a fresh one.
pub(super) fn on_off(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    const EVERY_S: f64 = 4.0;
    let (up, down) = (exponential(case.param("MTTF_h")), exponential(case.param("MTTR_h")));
    let looks = effort.scaled(2700.0);
    let stationary = effort.replicate(|seed| {
        let length_s = EVERY_S * (looks + 1) as f64;
        let stage = Stage::of_peers(seed, length_s, CROWD, churn(&up, &down, "stationary"));
        let mut sums = vec![0.0; 3];
        look(&stage, EVERY_S, &mut |_, up| {
            let count = count(up);
            add(&mut sums, &[1.0, count, count * count]);
        })?;
        Ok(sums)
    })?;
    let crowd = f64::from(CROWD);
    let mut found = vec![
        ("A".to_owned(), jackknife(&stationary, |sums| mean(sums[0], sums[1]) / crowd)),
        ("sd_up_of_1000".to_owned(), jackknife(&stationary, |s| variance(s[0], s[1], s[2]).sqrt())),
    ];
    let ages: Vec<(&String, f64)> =
        case.values.iter().filter_map(|(name, _)| Some((name, hours_of(name)?))).collect();
    let runs = effort.scaled(1.0);
    for (name, age_s) in ages {
        let fresh = effort.replicate(|seed| {
            let mut sums = vec![0.0; 2];
            for run in 0..runs {
                let seed = seed * runs + run;
                let stage = Stage::of_peers(seed, age_s, CROWD, churn(&up, &down, "fresh"));
                look(&stage, age_s, &mut |_, up| add(&mut sums, &[crowd, count(up)]))?;
            }
            Ok(sums)
        })?;
        found.push((name.clone(), jackknife(&fresh, |sums| mean(sums[0], sums[1]))));
    }
    Ok(found)
}

/// The hours of `A_24h`.
fn hours_of(name: &str) -> Option<f64> {
    let hours: f64 = name.strip_prefix("A_")?.strip_suffix('h')?.parse().ok()?;
    (hours > 0.0 && hours <= 1000.0).then_some(hours)
}

/// Whether F1 has a value of that name.
pub(super) fn is_of_on_off(name: &str) -> bool {
    ["A", "sd_up_of_1000"].contains(&name) || hours_of(name).is_some()
}

/// F2: at least k of n peers are up.
pub(super) fn some_of_many(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (n, k, p) = (case.param("n") as usize, case.param("k"), case.param("p"));
    let groups = (400 / n).max(1);
    let (up, down) = (exponential(p), exponential(1.0 - p));
    let looks = effort.scaled(150.0);
    let replications = effort.replicate(|seed| {
        let peers = (n * groups) as u32;
        let stage = Stage::of_peers(seed, (looks + 1) as f64, peers, churn(&up, &down, "stationary"));
        let mut sums = vec![0.0; 2];
        look(&stage, 1.0, &mut |_, up| {
            let enough = up.chunks(n).filter(|group| count(group) >= k).count();
            add(&mut sums, &[groups as f64, enough as f64]);
        })?;
        Ok(sums)
    })?;
    Ok(vec![("P".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1])))])
}

/// F4: what is left of sessions that have reached an age, where many are short and few are very long. Their mean has no
/// variance: no sample can show it by itself. So sessions are followed to thirty times the age; how many get that far
/// is measured, and what these have before them is what the law says.
pub(super) fn residual(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    const FOLLOWED: f64 = 30.0;
    let (alpha, shortest) = (case.param("alpha"), case.param("xm"));
    let ages: Vec<(&String, f64)> =
        case.values.iter().filter_map(|(name, _)| Some((name, age_of(name)?))).collect();
    // A unit is a second where the shortest session is one.
    let ages: Vec<(&String, f64)> = ages.into_iter().map(|(name, age)| (name, age / shortest)).collect();
    let oldest = ages.iter().map(|(_, age)| *age).fold(1.0, f64::max);
    let up = format!("{{pareto: {{shape: {alpha}, scale: 1s}}}}");
    let begun_until_s = 500.0 + effort.scaled(7500.0) as f64 * libm::pow(oldest / 10.0, alpha);
    let peers = 200;
    let replications = effort.replicate(|seed| {
        let length_s = begun_until_s + FOLLOWED * oldest;
        let stage = Stage::of_peers(seed, length_s, peers, churn(&up, &time(1e-3), "fresh"));
        let mut began = vec![None; peers as usize];
        let mut sums = vec![0.0; 3 * ages.len()];
        let mut note = |lasted: f64| {
            for ((_, age), sums) in ages.iter().zip(sums.chunks_mut(3)) {
                if lasted >= *age {
                    let followed = lasted.min(age * FOLLOWED);
                    add(sums, &[1.0, followed - age, f64::from(u8::from(lasted > age * FOLLOWED))]);
                }
            }
        };
        stage.play(
            length_s,
            &mut |sighting| {
                let Some(began) = began.get_mut(sighting.peer.0 as usize) else { return };
                match sighting.what {
                    Sight::Up => *began = Some(sighting.at).filter(|at| at.as_secs_f64() < begun_until_s),
                    Sight::Down => {
                        if let Some(since) = began.take() {
                            note(sighting.at.since(since).as_secs_f64());
                        }
                    }
                    _ => {}
                }
            },
            &mut |_| {},
        )?;
        // Those that are still up are older than all that is asked.
        began.iter().flatten().for_each(|since: &Time| note(length_s - since.as_secs_f64()));
        Ok(sums)
    })?;
    let estimates = ages.iter().enumerate().map(|(place, (name, age))| {
        let left = |sums: &[f64]| {
            let [count, followed, further] = [sums[3 * place], sums[3 * place + 1], sums[3 * place + 2]];
            (followed + further * age * FOLLOWED / (alpha - 1.0)) / count * shortest
        };
        ((*name).clone(), jackknife(&replications, left))
    });
    Ok(estimates.collect())
}

/// The age of `mrl_at_10`.
fn age_of(name: &str) -> Option<f64> {
    let age: f64 = name.strip_prefix("mrl_at_")?.parse().ok()?;
    (age > 0.0 && age <= 1000.0).then_some(age)
}

/// Whether F4 has a value of that name.
pub(super) fn is_of_residual(name: &str) -> bool {
    age_of(name).is_some()
}

/// F5: failures of many peers, each up again at once: how many in a span of time, and how long until the first.
pub(super) fn superposition(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (n, mtbf_s, span_s) = (case.param("n") as u32, case.param("MTBF_h"), case.param("T_h"));
    let spans = effort.scaled(760.0);
    // The first failure after each of many moments, about ten mean waits apart.
    let between_s = 10.0 * mtbf_s / f64::from(n);
    let replications = effort.replicate(|seed| {
        let length_s = span_s * (spans + 1) as f64;
        let model = churn(&exponential(mtbf_s), &time(AT_ONCE_S), "fresh");
        let stage = Stage::of_peers(seed, length_s, n, model);
        let failures = std::cell::Cell::new(0.0);
        let (mut sums, mut firsts, mut moment_s) = (vec![0.0; 3], [0.0; 2], 0.0);
        stage.play(
            span_s,
            &mut |sighting| {
                if sighting.what != Sight::Down {
                    return;
                }
                failures.set(failures.get() + 1.0);
                let at_s = sighting.at.as_secs_f64();
                while moment_s <= at_s {
                    add(&mut firsts, &[1.0, at_s - moment_s]);
                    moment_s += between_s;
                }
            },
            &mut |_| {
                let count = failures.replace(0.0);
                add(&mut sums, &[1.0, count, count * count]);
            },
        )?;
        sums.extend(firsts);
        Ok(sums)
    })?;
    Ok(vec![
        ("first_failure_h".to_owned(), jackknife(&replications, |sums| mean(sums[3], sums[4]))),
        ("mean_failures_24h".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("sd".to_owned(), jackknife(&replications, |sums| variance(sums[0], sums[1], sums[2]).sqrt())),
    ])
}

/// Q14: peers that fail wait for one of a few repairers.
pub(super) fn repair_queue(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    /// What begins with everybody up has forgotten it after so many mean times of a repair.
    const WARM_UP: u64 = 200;
    let (n, repairers) = (case.param("N") as u32, case.param("c") as u32);
    let (up, down) = (exponential(1.0 / case.param("lam")), exponential(1.0 / case.param("mu")));
    let looks = WARM_UP + effort.scaled(30_000.0);
    let replications = effort.replicate(|seed| {
        let model = format!("{{up: {up}, down: {down}, start: fresh, repairers: {repairers}}}");
        let every_s = 1.0 / case.param("mu");
        let stage = Stage::of_peers(seed, every_s * (looks + 1) as f64, n, model);
        let crowd = std::cell::RefCell::new(Crowd::of(n));
        let failures = std::cell::Cell::new(0.0);
        let mut sums = vec![0.0; 4];
        stage.play(
            every_s,
            &mut |sighting| {
                crowd.borrow_mut().see(sighting);
                if sighting.what == Sight::Down {
                    failures.set(failures.get() + 1.0);
                }
            },
            &mut |number| {
                let failed = failures.replace(0.0);
                if number >= WARM_UP {
                    let up = count(&crowd.borrow().up);
                    let all = f64::from(u8::from(up >= f64::from(n)));
                    add(&mut sums, &[1.0, f64::from(n) - up, all, failed / every_s]);
                }
            },
        )?;
        Ok(sums)
    })?;
    let crowd = f64::from(n);
    let of = |place: usize| jackknife(&replications, move |sums| mean(sums[0], sums[place]));
    Ok(vec![
        ("mean_down".to_owned(), of(1)),
        ("availability".to_owned(), jackknife(&replications, |s| 1.0 - mean(s[0], s[1]) / crowd)),
        ("P_all_up".to_owned(), of(2)),
        ("fail_rate".to_owned(), of(3)),
    ])
}

/// R5: two copies of a state on two machines. A machine that goes down has lost its copy and is back when that has been
/// made again, after a random time; all is lost when both are down.
pub(super) fn data_loss(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (mttf_s, copy_s) = (case.param("MTTF_h"), case.param("repair_h"));
    let pairs = 100;
    let expected_s = (3.0 * copy_s + mttf_s) * mttf_s / (2.0 * copy_s);
    let length_s = effort.scaled(1700.0) as f64 / f64::from(pairs) * expected_s;
    let replications = effort.replicate(|seed| {
        let model = churn(&exponential(mttf_s), &exponential(copy_s), "fresh");
        let stage = Stage::of_peers(seed, length_s, 2 * pairs, model);
        let mut states = vec![Pair::default(); pairs as usize];
        let mut sums = vec![0.0; 2];
        stage.play(
            length_s,
            &mut |sighting| {
                let (pair, side) = (sighting.peer.0 as usize / 2, sighting.peer.0 as usize % 2);
                let lasted = states.get_mut(pair).and_then(|pair| pair.see(side, sighting));
                if let Some(lasted) = lasted {
                    add(&mut sums, &[1.0, lasted]);
                }
            },
            &mut |_| {},
        )?;
        // What has lasted to the end counts as time without a loss.
        let left = states.iter().filter_map(|pair| pair.since);
        sums[1] += left.map(|since| length_s - since.as_secs_f64()).sum::<f64>();
        Ok(sums)
    })?;
    let found = jackknife(&replications, |sums| mean(sums[0], sums[1]));
    Ok(vec![("MTTDL_parallel_repair_h".to_owned(), found), ("MTTDL_single_repair_h".to_owned(), found)])
}

/// Two machines that are to have a copy each.
#[derive(Clone, Copy, Default)]
struct Pair {
    has: [bool; 2],
    /// When both had one for the first time since all was lost.
    since: Option<Time>,
}

impl Pair {
    /// How long it has lasted in seconds, when both copies are lost.
    fn see(&mut self, side: usize, sighting: &Sighting) -> Option<f64> {
        match sighting.what {
            Sight::Up => {
                self.has[side] = true;
                if self.has == [true, true] {
                    self.since.get_or_insert(sighting.at);
                }
                None
            }
            Sight::Down => {
                self.has[side] = false;
                let since = if self.has == [false, false] { self.since.take() } else { None };
                since.map(|since| sighting.at.since(since).as_secs_f64())
            }
            _ => None,
        }
    }
}

/// Adds sums to sums.
pub(super) fn add(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
