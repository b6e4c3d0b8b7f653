//! Checks of single results: S2, by providers that lie and an orchestrator that does not know it.
//!
//! Every provider lies about the results of its tasks now and then, and the orchestrator gives each of them one task
//! after another until it has caught it. What is measured is which of a provider's results gave it away.

use super::availability::{Measured, add};
use super::stage::{Demand, Stage, time};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::sim::watching::{Sight, Sighting};

/// Providers of a run. Small runs cost least.
const PROVIDERS: u32 = 30;
/// Tasks of one deployment. They come to one provider at the same time, which spares most of what deploying takes.
const TASKS: u32 = 10;
/// Time between two deployments at the same provider.
const EVERY_S: f64 = 30.0;
/// Providers to catch in the runs of a replication, for intervals of less than a fiftieth.
const TO_CATCH: f64 = 1_200.0;
/// Runs of a replication at most.
const MOST_RUNS: u64 = 1 << 12;

/// What the orchestrator has seen of a provider.
#[derive(Clone, Copy, Default)]
struct Trial {
    /// Results that it was told, up to the wrong one that gave the provider away.
    results: f64,
    is_caught: bool,
}

/// S2: a share of all results is checked, a share of them is wrong. How likely a provider is caught within so many; and
/// the number of results within which 99 of 100 are, from the rate at which results give their providers away.
pub(super) fn spot_checks(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (checked, wrong, within) = (case.param("q"), case.param("s"), case.param("n"));
    // A few more than are asked for, so that most are caught.
    let deployments = libm::ceil(1.2 * within / f64::from(TASKS)) as u32;
    let results = f64::from(deployments * TASKS);
    let caught = 1.0 - libm::pow(1.0 - checked * wrong, results);
    let runs = effort.scaled(TO_CATCH / caught / f64::from(PROVIDERS)).min(MOST_RUNS);
    let replications = effort.replicate(|seed| {
        let mut sums = vec![0.0; 4];
        for run in 0..runs {
            for trial in trials(seed * MOST_RUNS + run, (checked, wrong), deployments)? {
                if !trial.is_caught && trial.results < within {
                    return Err(format!("a provider has told {} results only", trial.results));
                }
                let is_within = trial.is_caught && trial.results <= within;
                add(&mut sums, &[1.0, f64::from(is_within), trial.results, f64::from(trial.is_caught)]);
            }
        }
        Ok(sums)
    })?;
    // The 99 % quantile of a geometric distribution, by the rate that was measured.
    let quantile = |sums: &[f64]| libm::log(0.01) / libm::log1p(-mean(sums[2], sums[3]));
    Ok(vec![
        ("P".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("n_for_99".to_owned(), jackknife(&replications, quantile)),
    ])
}

/// What the orchestrator of a run has seen of each provider, with so many deployments one after another at each.
fn trials(seed: u64, (checked, wrong): (f64, f64), deployments: u32) -> Result<Vec<Trial>, String> {
    let length_s = f64::from(deployments + 2) * EVERY_S;
    let mut stage = Stage::of_steady_peers(seed, length_s, PROVIDERS);
    stage.program = Some(("{size: 1 B, start: 0s, task: {run: 1s, output: \"42\"}}".to_owned(), TASKS));
    stage.demand = Demand::Each { count: u64::from(deployments), every_s: EVERY_S };
    stage.strategy = format!("{{recovery: {{spot_check: {{share: {checked}}}}}}}");
    stage.faults = format!(
        "[{{byzantine: {{at: 0s, for: {}, fraction_wrong: {wrong}, group: worker}}}}]",
        time(length_s)
    );
    stage.timeout = "1m";
    let mut trials = vec![Trial::default(); PROVIDERS as usize];
    stage.play(length_s, &mut |sighting| see(&mut trials, sighting), &mut |_| {})?;
    Ok(trials)
}

/// Takes account of a sighting.
fn see(trials: &mut [Trial], sighting: &Sighting) {
    let (Sight::Took { provider } | Sight::Caught { provider }) = sighting.what else { return };
    let Some(trial) = trials.get_mut(provider.0 as usize) else { return };
    trial.results += 1.0;
    trial.is_caught |= matches!(sighting.what, Sight::Caught { .. });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Time;
    use crate::sim::event::PeerId;

    #[test]
    fn results_are_counted_by_provider_up_to_the_one_that_gives_it_away() {
        let mut trials = vec![Trial::default(); 2];
        let one = || PeerId(1);
        for what in [Sight::Took { provider: one() }, Sight::Up, Sight::Caught { provider: one() }] {
            see(&mut trials, &Sighting { at: Time::ZERO, peer: PeerId(2), what });
        }
        let seen = |provider: usize| (trials[provider].results, trials[provider].is_caught);
        assert_eq!((seen(0), seen(1)), ((0.0, false), (2.0, true)));
    }

    /// Providers that always lie, of which all is checked, go with their first
    /// result; those of which nothing is checked never do.
    #[test]
    fn what_is_always_checked_is_found_out_at_once() {
        let at_once = trials(1, (1.0, 1.0), 1).expect("it runs");
        assert!(at_once.iter().all(|trial| trial.is_caught && trial.results == 1.0));
        let never = trials(1, (0.0, 1.0), 2).expect("it runs");
        assert!(never.iter().all(|trial| !trial.is_caught && trial.results == f64::from(2 * TASKS)));
    }
}
