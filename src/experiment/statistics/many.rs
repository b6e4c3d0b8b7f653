//! Many comparisons at once: of twenty differences that are nothing, one is certain at 95 % by chance.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{average, measured, variance};

/// How likely a mean is as far from zero as that of these measurements, or farther, if it is zero (Student's t, both
/// sides). 1 where all are zero, 0 where all are alike and not zero, and not a number for fewer than two.
///
/// # Panics
/// Never: there is a degree of freedom where this is asked.
#[must_use]
pub fn p_value(differences: &[f64]) -> f64 {
    let known = measured(differences);
    if known.len() < 2 {
        return f64::NAN;
    }
    let (mean, spread) = (average(&known), variance(&known));
    if spread <= 0.0 {
        return f64::from(u8::from(mean == 0.0));
    }
    let t = mean.abs() / (spread / known.len() as f64).sqrt();
    let law = StudentsT::new(0.0, 1.0, known.len() as f64 - 1.0).expect("there is a degree of freedom");
    2.0 * law.sf(t)
}

/// What these become so that the chance to take any nothing for something stays that of a single one (Holm, "A simple
/// sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979). What is not a number stays so, and
/// counts for nothing.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|place| p_values[*place].is_finite()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut adjusted = p_values.to_vec();
    let mut least: f64 = 0.0;
    for (rank, place) in order.iter().enumerate() {
        let times = (order.len() - rank) as f64;
        least = least.max((times * p_values[*place]).min(1.0));
        adjusted[*place] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::super::draws::Draws;
    use super::*;

    #[test]
    fn p_values_are_those_of_tables() {
        // t = 2.093 at 19 degrees of freedom is the two-sided 5 %.
        let spread = |t: f64| -> Vec<f64> {
            let values: Vec<f64> = (0..20).map(|n| f64::from(n) - 9.5).collect();
            let error = (variance(&values) / 20.0).sqrt();
            values.into_iter().map(|value| value + t * error).collect()
        };
        assert!((p_value(&spread(2.093_024)) - 0.05).abs() < 1e-6);
        assert!((p_value(&spread(-2.860_935)) - 0.01).abs() < 1e-6);
        assert_eq!((p_value(&[0.0; 5]), p_value(&[2.0; 5])), (1.0, 0.0));
        assert!(p_value(&[1.0]).is_nan());
    }

    #[test]
    fn the_example_of_the_textbook_is_met() {
        let adjusted = holm(&[0.01, 0.04, 0.03, f64::NAN, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, f64::NAN, 0.02]) {
            assert!((found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan(), "{adjusted:?}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    /// Twenty comparisons of nothing: without the correction two of three such studies find something.
    #[test]
    fn nothing_is_rarely_taken_for_something() {
        let mut draws = Draws::of(8);
        let (mut plain, mut corrected) = (0, 0);
        for _ in 0..400 {
            let all: Vec<f64> = (0..20).map(|_| p_value(&draws.many(10, Draws::normal))).collect();
            plain += u32::from(all.iter().any(|p| *p < 0.05));
            corrected += u32::from(holm(&all).iter().any(|p| *p < 0.05));
        }
        assert!((220..290).contains(&plain) && corrected < 35, "{plain} {corrected}");
    }
}
