//! R1: how often to save, where machines fail at random.
//!
//! The intervals are formulae. What is lost at two of them is measured: a task of years on a machine that fails, saves
//! to its disk and stands still meanwhile, and goes on from there when the machine is back. The mean time between
//! failures is a quarter of an hour here, and everything else is as much shorter: what takes minutes in the protocol is
//! then as rare as failures.

use super::availability::{Measured, add};
use super::stage::{Stage, churn, exponential, time};
use super::statistics::{Estimate, jackknife};
use super::{Effort, OracleCase};
use crate::kernel::{Span, Time};
use crate::sim::watching::Sight;

/// Young's interval of work between two checkpoints (1974), in the unit of both: what saving costs and the mean time
/// between failures.
fn young(cost: f64, mtbf: f64) -> f64 {
    (2.0 * cost * mtbf).sqrt()
}

/// Daly's (2006), to a higher order.
fn daly(cost: f64, mtbf: f64) -> f64 {
    if cost >= 2.0 * mtbf {
        return mtbf;
    }
    let part = (cost / (2.0 * mtbf)).sqrt();
    young(cost, mtbf) * (1.0 + part / 3.0 + part * part / 9.0) - cost
}

/// The best interval, by Lambert's function (Bouguerra and others, 2011).
fn exact(cost: f64, mtbf: f64) -> f64 {
    (1.0 + lambert(-libm::exp(-cost / mtbf - 1.0))) * mtbf
}

/// The greater solution w of w e^w = x, for x from -1/e to 0, by Halley's method from the series at the branch point.
fn lambert(x: f64) -> f64 {
    let p = (2.0 * (1.0 + std::f64::consts::E * x)).max(0.0).sqrt();
    let mut w = -1.0 + p - p * p / 3.0;
    for _ in 0..60 {
        let e = libm::exp(w);
        let off = w * e - x;
        let slope = e * (w + 1.0) - (w + 2.0) * off / (2.0 * w + 2.0).max(f64::MIN_POSITIVE);
        if off.total_cmp(&0.0).is_eq() || slope.total_cmp(&0.0).is_eq() {
            break;
        }
        w -= off / slope;
    }
    w
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
    let best = exact(cost, mtbf);
    let mut found: Measured = [
        ("young", young(cost, mtbf)),
        ("daly_higher_order", daly(cost, mtbf)),
        ("exact_lambert", best),
        ("exact_numeric", numeric(cost, mtbf)),
        ("waste_no_failure_at_exact", cost / (best + cost)),
    ]
    .map(|(name, value)| (name.to_owned(), Estimate::computed(value)))
    .into();
    for (name, interval) in [("waste_at_exact", best), ("waste_at_young", young(cost, mtbf))] {
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
    fn lambert_is_the_inverse() {
        for w in [-0.999, -0.9, -0.5, -0.1, -1e-3] {
            assert!((lambert(w * libm::exp(w)) - w).abs() < 1e-9, "{w}");
        }
    }

    #[test]
    fn both_ways_to_the_best_interval_agree() {
        for (cost, mtbf) in [(300.0, 86_400.0), (1.0, 1e6), (600.0, 3_600.0)] {
            let (one, other) = (exact(cost, mtbf), numeric(cost, mtbf));
            assert!((one / other - 1.0).abs() < 1e-7, "{one} {other}");
            assert!((daly(cost, mtbf) / one - 1.0).abs() < 1e-2);
        }
    }
}
