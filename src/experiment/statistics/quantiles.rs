//! Quantiles of independent measurements with intervals by ranks, whatever the law (David and Nagaraja, "Order
//! statistics", 2003, section 7.1).

use statrs::distribution::{Binomial, DiscreteCDF};

use super::{Interval, measured};

/// The value that this share of the measurements does not exceed, with an interval that holds the quantile of their law
/// at least as surely as it says. An end is not a number where there are too few measurements for it: the interval is
/// open there. Not a number at all without measurements.
///
/// # Panics
/// If the share is not between 0 and 1.
#[must_use]
pub fn quantile_of(values: &[f64], share: f64, confidence: f64) -> Interval {
    let mut known = measured(values);
    known.sort_by(f64::total_cmp);
    let count = known.len();
    if count == 0 {
        return Interval { value: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    // Linear between the two nearest ranks, as most programs have it (Hyndman and Fan 1996, type 7).
    let place = share * (count - 1) as f64;
    let (below, part) = (place as usize, place - libm::floor(place));
    let value = known[below] + part * (known[(below + 1).min(count - 1)] - known[below]);
    // How many of the measurements lie below the quantile is binomial.
    let below = Binomial::new(share, count as u64).expect("a share lies between 0 and 1");
    let tail = (1.0 - confidence) / 2.0;
    // The rank `l` is too high with the probability that fewer than `l` lie below.
    let low = (1..=count).take_while(|rank| below.cdf(*rank as u64 - 1) <= tail).last();
    let high = (1..=count).find(|rank| below.cdf(*rank as u64 - 1) >= 1.0 - tail);
    let at = |rank: Option<usize>| rank.map_or(f64::NAN, |rank| known[rank - 1]);
    Interval { value, low: at(low), high: at(high) }
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Draws, covered};
    use super::*;

    #[test]
    fn ranks_are_those_of_tables() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let median = quantile_of(&values, 0.5, 0.95);
        assert_eq!((median.value, median.low, median.high), (10.5, 6.0, 15.0));
        let few = quantile_of(&values[..5], 0.5, 0.95);
        assert!(few.value == 3.0 && few.low.is_nan() && few.high.is_nan(), "{few:?}");
        let last = quantile_of(&values, 0.95, 0.95);
        assert!(last.low == 17.0 && last.high.is_nan(), "{last:?}");
        assert!(quantile_of(&[], 0.5, 0.95).value.is_nan());
    }

    #[test]
    fn intervals_of_quantiles_hold_at_least_as_often_as_they_say() {
        let mut draws = Draws::of(9);
        let exact = -libm::log(0.1);
        let share = covered(2000, || quantile_of(&draws.many(100, Draws::exponential), 0.9, 0.95), exact);
        assert!((0.945..0.98).contains(&share), "{share}");
    }
}
