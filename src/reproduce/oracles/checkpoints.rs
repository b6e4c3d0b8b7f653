//! R1: how often to save, where machines fail at random.
//!
//! The intervals are those of the checkpointing strategies; what they should be is computed in another way too. What is
//! lost at two of them is measured: a task of years on a machine that fails, saves to its disk and stands still
//! meanwhile, and goes on from there when the machine is back. The mean time between failures is a quarter of an hour
//! here, and everything else is as much shorter: what takes minutes in the protocol is then as rare as failures.

use super::availability::{Measured, add};
use super::stage::{Stage, churn, exponential, time};
use super::statistics::{Estimate, jackknife};
use super::{Effort, OracleCase};
use crate::dms::supervision::recovery::Losses;
use crate::kernel::{Span, Time};
use crate::sim::watching::Sight;

/// What the intervals of a checkpointing strategy are weighed by, from seconds.
fn losses(cost_s: f64, mtbf_s: f64) -> Losses {
    Losses { mean_time_between_failures: Span::from_secs_f64(mtbf_s), cost: Span::from_secs_f64(cost_s) }
}

/// The best interval, where the expected time for a piece of work stops falling: found by halving.
fn numeric(cost: f64, mtbf: f64) -> f64 {
    let (mut low, mut high) = (0.0, 100.0 * mtbf);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        // The derivative of the logarithm of the expected time for a unit of work.
        let slope = 1.0 / (mtbf * -libm::expm1(-(middle + cost) / mtbf)) - 1.0 / middle;
        if slope < 0.0 { low = middle } else { high = middle }
    }
    low
}

/// R1.
pub(super) fn optimum(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (mtbf, cost) = (case.param("MTBF_s"), case.param("C_s"));
    let losses = losses(cost, mtbf);
    let (young, best) = (losses.young_s(), losses.optimal_s());
    let mut found: Measured = [
        ("young", young),
        ("daly_higher_order", losses.daly_s()),
        ("exact_lambert", best),
        ("exact_numeric", numeric(cost, mtbf)),
        ("waste_no_failure_at_exact", cost / (best + cost)),
    ]
    .map(|(name, value)| (name.to_owned(), Estimate::computed(value)))
    .into();
    for (name, interval) in [("waste_at_exact", best), ("waste_at_young", young)] {
        if case.values.iter().any(|(own, _)| own == name) {
            found.push((name.to_owned(), waste(case, interval, effort)?));
        }
    }
    Ok(found)
}

/// The part of the time that is no progress, from one checkpoint to a much later one.
fn waste(case: &OracleCase, interval_s: f64, effort: &Effort) -> Result<Estimate, String> {
    const WORKERS: u32 = 4;
    const FAILURES: f64 = 550.0;
    let scale = 864.0 / case.param("MTBF_s");
    let scaled = |name| case.param(name) * scale;
    let (mtbf_s, cost_s, down_s, interval_s) =
        (scaled("MTBF_s"), scaled("C_s"), scaled("D_s"), interval_s * scale);
    if case.param("R_s").total_cmp(&case.param("C_s")).is_ne() {
        return Err("a checkpoint is read as fast as it is written, so `R_s` must be `C_s`".to_owned());
    }
    let length_s = effort.scaled(FAILURES) as f64 / f64::from(WORKERS) * mtbf_s;
    let replications = effort.replicate(|seed| {
        let model = churn(&exponential(mtbf_s), &time(down_s.max(1e-6)), "fresh");
        let mut stage = Stage::of_peers(seed, length_s, WORKERS, model);
        let checkpoint = format!(
            "{{size: {} B, every: {}, pauses: true}}",
            libm::round(cost_s * Stage::DISK_BYTES_PER_S).max(1.0),
            time(interval_s)
        );
        let image = format!("{{size: 1 B, start: 0s, task: {{run: 100000d}}, checkpoint: {checkpoint}}}");
        stage.program = Some((image, 1));
        stage.has_volume = true;
        let mut saved: Vec<Option<[(Time, Span); 2]>> = vec![None; WORKERS as usize];
        stage.play(
            length_s,
            &mut |sighting| {
                if let (Sight::Saved { progress, .. }, Some(saved)) =
                    (sighting.what, saved.get_mut(sighting.peer.0 as usize))
                {
                    let last = (sighting.at, progress);
                    *saved = Some([saved.map_or(last, |[first, _]| first), last]);
                }
            },
            &mut |_| {},
        )?;
        let mut sums = vec![0.0; 2];
        for [(began, before), (ended, after)] in saved.into_iter().flatten() {
            let done = after.saturating_sub(before);
            add(&mut sums, &[ended.since(began).as_secs_f64(), done.0 as f64 / 1e9]);
        }
        Ok(sums)
    })?;
    Ok(jackknife(&replications, |sums| 1.0 - sums[1] / sums[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_interval_is_the_inverse_of_lambert() {
        let mtbf = 1e6;
        for w in [-0.999, -0.9, -0.5, -0.1, -1e-3_f64] {
            // With w = W(-exp(-C/M - 1)), the cost C that belongs to it.
            let cost = (-1.0 - libm::log(-w) - w) * mtbf;
            assert!((losses(cost, mtbf).optimal_s() / mtbf - 1.0 - w).abs() < 1e-9, "{w}");
        }
    }

    #[test]
    fn both_ways_to_the_best_interval_agree() {
        for (cost, mtbf) in [(300.0, 86_400.0), (1.0, 1e6), (600.0, 3_600.0)] {
            let losses = losses(cost, mtbf);
            let (one, other) = (losses.optimal_s(), numeric(cost, mtbf));
            assert!((one / other - 1.0).abs() < 1e-7, "{one} {other}");
            assert!((losses.daly_s() / one - 1.0).abs() < 1e-2);
        }
    }
}
