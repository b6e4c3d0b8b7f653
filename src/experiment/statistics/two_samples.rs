//! The difference of two means: of pairs that met the same world, or of samples that have nothing in common.
//!
//! Pairs are a sample of differences. Without pairs the variances add up, and need not be alike (Welch, "The
//! generalization of Student's problem when several different population variances are involved", Biometrika 34, 1947).

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{Estimate, average, measured, quantile_at, variance};

/// The difference of two means, and how it would vary.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Difference {
    /// The second mean less the first one.
    pub value: f64,
    /// Its standard error; not a number where there are too few measurements for one.
    pub error: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
}

impl Difference {
    /// Of pairs, in the same order. Those of which one is missing are left out.
    #[must_use]
    pub fn of_pairs(first: &[f64], second: &[f64]) -> Self {
        let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
        let known = measured(&differences);
        let error = (variance(&known) / known.len() as f64).sqrt();
        Self { value: average(&known), error, freedom: known.len() as f64 - 1.0 }
    }

    /// Of samples that have nothing in common.
    #[must_use]
    pub fn of_samples(first: &[f64], second: &[f64]) -> Self {
        let (first, second) = (measured(first), measured(second));
        let part = |values: &[f64]| variance(values) / values.len() as f64;
        let (one, other) = (part(&first), part(&second));
        let freedom = (one + other) * (one + other)
            / (one * one / (first.len() as f64 - 1.0) + other * other / (second.len() as f64 - 1.0));
        // Two samples that do not vary at all have as much freedom as one wants.
        let freedom = if one + other == 0.0 { (first.len() + second.len()) as f64 - 2.0 } else { freedom };
        Self { value: average(&second) - average(&first), error: (one + other).sqrt(), freedom }
    }

    /// With its interval.
    #[must_use]
    pub fn estimate(&self, confidence: f64) -> Estimate {
        let half_width = match self.error.is_finite() && self.freedom >= 1.0 {
            true => quantile_at(confidence, self.freedom) * self.error,
            false => f64::NAN,
        };
        Estimate { value: self.value, half_width }
    }

    /// How likely a difference as large as this is, on one side, where the true one is `limit`. Small: it is above
    /// that. Not a number where nothing is known of how it varies.
    #[must_use]
    pub fn chance_above(&self, limit: f64) -> f64 {
        if !self.error.is_finite() || self.freedom < 1.0 {
            return f64::NAN;
        }
        if self.error == 0.0 {
            return f64::from(u8::from(self.value <= limit));
        }
        let law = StudentsT::new(0.0, 1.0, self.freedom).expect("there is a degree of freedom");
        law.sf((self.value - limit) / self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Interval;
    use super::super::draws::{Draws, covered};
    use super::*;

    #[test]
    fn the_example_of_two_samples_is_met() {
        // t, degrees of freedom and p as SciPy's ttest_ind has them without equal variances.
        let first =
            [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
        let second =
            [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
        for (found, expected) in [
            (Difference::of_samples(&first, &second), (2.852_955, 27.887_304, 0.008_071_938)),
            (
                Difference::of_samples(&[3.0, 4.0, 1.0, 2.1], &[490.2, 340.0, 433.9]),
                (9.559_498, 2.000_852, 0.010_751_562),
            ),
        ] {
            let shown = (found.value / found.error, found.freedom, 2.0 * found.chance_above(0.0));
            let off = [shown.0 - expected.0, shown.1 - expected.1, shown.2 - expected.2];
            assert!(off.iter().all(|off| off.abs() < 1e-5), "{shown:?}");
        }
        let alone = Difference::of_pairs(&[1.0], &[3.0]);
        assert!(
            alone.value == 2.0
                && alone.estimate(0.95).half_width.is_nan()
                && alone.chance_above(0.0).is_nan()
        );
        let shown = Difference::of_pairs(&[1.0, 2.0, 4.0], &[2.0, 2.5, 6.0]);
        assert!(shown.chance_above(0.0) < 0.1);
        let same = Difference::of_pairs(&[1.0; 5], &[1.5; 5]);
        assert_eq!((same.chance_above(0.4), same.chance_above(0.5)), (0.0, 1.0));
    }

    #[test]
    fn intervals_of_two_samples_hold_as_often_as_they_say() {
        let mut draws = Draws::of(31);
        let share = covered(
            4000,
            || {
                let first = draws.many(8, Draws::normal);
                let second: Vec<f64> = draws.many(25, Draws::normal).iter().map(|x| 4.0 * x + 1.0).collect();
                Interval::from(Difference::of_samples(&first, &second).estimate(0.95))
            },
            1.0,
        );
        assert!((0.93..0.97).contains(&share), "{share}");
    }

    /// How often a difference of one standard deviation is found, of so many measurements. `alike`: how much of their
    /// variance two that belong together have in common.
    fn found(draws: &mut Draws, count: usize, alike: f64, pairs: bool) -> f64 {
        let (common, own) = (alike.sqrt(), (1.0 - alike).sqrt());
        let runs = 2000;
        let hits = (0..runs).filter(|_| {
            let world = draws.many(count, Draws::normal);
            let mut arm = |shift: f64| -> Vec<f64> {
                world.iter().map(|world| shift + common * world + own * draws.normal()).collect()
            };
            let (first, second) = (arm(0.0), arm(1.0));
            let difference = match pairs {
                true => Difference::of_pairs(&first, &second),
                false => Difference::of_samples(&first, &second),
            };
            difference.chance_above(0.0).min(1.0 - difference.chance_above(0.0)) < 0.025
        });
        hits.count() as f64 / f64::from(runs)
    }

    #[test]
    fn pairs_find_what_samples_do_not() {
        let mut draws = Draws::of(32);
        // By the noncentral t distribution: half of the variance in common leaves differences of variance one, and ten
        // of them find their mean of one with a power of 0.803; two samples of ten with one of 0.562.
        let (paired, apart) = (found(&mut draws, 10, 0.5, true), found(&mut draws, 10, 0.0, false));
        assert!((paired - 0.803).abs() < 0.03, "{paired}");
        assert!((apart - 0.562).abs() < 0.04, "{apart}");
        // Nine tenths in common: five pairs find far more than ten of each sort that have nothing in common.
        let few = found(&mut draws, 5, 0.9, true);
        assert!((few - 0.955).abs() < 0.02, "{few}");
    }
}
