//! Detectors of failures: G3, by heartbeats of services over a network without delay.

use super::availability::{Measured, add};
use super::stage::{Stage, churn, exponential, time};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::Time;
use crate::sim::watching::Sight;

/// Machines of one run, each with a service.
const WORKERS: u32 = 100;
/// Periods of heartbeats until a machine fails, on average.
const PERIODS: f64 = 100.0;
/// Periods until every service runs.
const UNTIL_ALL_RUN: f64 = 20.0;

/// G3: a machine fails at a random time; it is held to be lost when its last heartbeat is so old. How long that takes
/// is spread evenly between the timeout less a period and the timeout, and the ends are told by the least and the
/// greatest of so many.
pub(super) fn heartbeats(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (period_s, timeout_s) = (case.param("d"), case.param("tau"));
    let length_s = effort.scaled(600.0) as f64 * period_s + timeout_s;
    let replications = effort.replicate(|seed| {
        let model = churn(&exponential(PERIODS * period_s), &time(10.0 * length_s), "fresh");
        let mut stage = Stage::of_peers(seed, length_s, WORKERS, model);
        stage.program = Some(("{size: 1 B, start: 1ms, service: {}}".to_owned(), 1));
        stage.is_task = false;
        let (period, timeout) = (time(period_s), time(timeout_s));
        stage.strategy =
            format!("{{recovery: stay_down, detector: {{fixed: {{period: {period}, timeout: {timeout}}}}}}}");
        let mut failed: Vec<Option<Time>> = vec![None; WORKERS as usize];
        let mut taken: Vec<f64> = Vec::new();
        stage.play(
            length_s,
            &mut |sighting| match sighting.what {
                // One that fails before its service runs has nobody who waits for it.
                Sight::Down if sighting.at.as_secs_f64() > UNTIL_ALL_RUN * period_s => {
                    if let Some(at) = failed.get_mut(sighting.peer.0 as usize) {
                        *at = Some(sighting.at);
                    }
                }
                Sight::Suspected { deployment } => {
                    let at = failed.get_mut(deployment as usize).and_then(Option::take);
                    taken.extend(at.map(|at| sighting.at.since(at).as_secs_f64()));
                }
                _ => {}
            },
            &mut |_| {},
        )?;
        Ok(of_even_spread(&taken))
    })?;
    let value =
        |place: usize, weight: usize| jackknife(&replications, move |sums| mean(sums[weight], sums[place]));
    Ok(vec![("mean".to_owned(), value(1, 0)), ("lo".to_owned(), value(3, 2)), ("hi".to_owned(), value(4, 2))])
}

/// Count and sum; and a one with the ends of an even spread that has such a least and such a greatest value, where
/// there are enough to tell.
fn of_even_spread(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; 5];
    for value in values {
        add(&mut sums, &[1.0, *value, 0.0, 0.0, 0.0]);
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() > 1 {
        let beyond = (greatest - least) / (values.len() as f64 - 1.0);
        add(&mut sums, &[0.0, 0.0, 1.0, least - beyond, greatest + beyond]);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_an_even_spread_are_a_gap_beyond_what_was_seen() {
        let sums = of_even_spread(&[4.2, 4.4, 4.6, 4.8]);
        assert_eq!((sums[0], sums[2]), (4.0, 1.0));
        assert!((sums[3] - 4.0).abs() < 1e-12 && (sums[4] - 5.0).abs() < 1e-12, "{sums:?}");
        assert_eq!(of_even_spread(&[4.2])[2], 0.0);
    }
}
