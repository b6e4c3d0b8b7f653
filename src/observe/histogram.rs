//! Quantiles of spans in constant memory: a histogram with three significant digits.

use hdrhistogram::Histogram;

use crate::kernel::Span;

/// Digits that a quantile keeps: it is off by at most 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Spans counted in buckets whose width grows with the span. The mean, least and greatest are exact; a
/// quantile is off by at most 0.1 %. The order of recording does not matter, nor does it matter over how
/// many histograms that are merged later the spans were spread.
#[derive(Clone, Debug)]
pub struct SpanHistogram {
    buckets: Histogram<u64>,
    sum_ns: u128,
    least: Span,
    greatest: Span,
}

impl Default for SpanHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl SpanHistogram {
    /// A histogram without spans.
    #[must_use]
    pub fn new() -> Self {
        let buckets =
            Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are within the allowed nought to five");
        Self { buckets, sum_ns: 0, least: Span::MAX, greatest: Span::ZERO }
    }

    /// Counts a span. Spans beyond 292 years count as such.
    pub fn record(&mut self, span: Span) {
        self.record_many(span, 1);
    }

    /// Counts a span so many times.
    pub fn record_many(&mut self, span: Span, count: u64) {
        if count == 0 {
            return;
        }
        let span = Span(span.0.min(i64::MAX as u64));
        self.buckets.record_n(span.0, count).expect("the buckets grow up to the greatest 64-bit number");
        self.sum_ns += u128::from(span.0) * u128::from(count);
        self.least = self.least.min(span);
        self.greatest = self.greatest.max(span);
    }

    /// Adds the spans of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.add(&other.buckets).expect("the buckets grow as far as needed");
        self.sum_ns += other.sum_ns;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// How many spans were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.len()
    }

    /// The least span such that a share `fraction` (0 to 1) of all are no longer, up to 0.1 %; none without
    /// spans.
    #[must_use]
    pub fn quantile(&self, fraction: f64) -> Option<Span> {
        let count = self.count();
        // Half a rank below the wanted one: then rounding cannot carry the library's own ceiling past it.
        let wanted = (nearest_rank(count, fraction) as f64 - 0.5) / count as f64;
        let value = || Span(self.buckets.value_at_quantile(wanted)).clamp(self.least, self.greatest);
        (count > 0).then(value)
    }

    /// The exact mean, rounded down to a nanosecond; none without spans.
    #[must_use]
    pub fn mean(&self) -> Option<Span> {
        // A mean of 64-bit numbers is one, so the cast loses nothing.
        self.sum_ns.checked_div(u128::from(self.count())).map(|mean| Span(mean as u64))
    }

    /// The least span, exact; none without spans.
    #[must_use]
    pub fn least(&self) -> Option<Span> {
        (self.count() > 0).then_some(self.least)
    }

    /// The greatest span, exact; none without spans.
    #[must_use]
    pub fn greatest(&self) -> Option<Span> {
        (self.count() > 0).then_some(self.greatest)
    }

    /// A quantile in seconds for a metric's row; NaN (an empty cell) without spans.
    #[must_use]
    pub fn quantile_s(&self, fraction: f64) -> f64 {
        self.quantile(fraction).map_or(f64::NAN, Span::as_secs_f64)
    }
}

/// The rank (from 1) of the least of `count` sorted values such that a share `fraction` of them is no greater.
///
/// The product is taken as whole where only rounding makes it more: 28 % of 100 is rank 28, though in floating
/// point 0.28 times 100 is a little above 28.
#[must_use]
pub fn nearest_rank(count: u64, fraction: f64) -> u64 {
    let share = fraction.clamp(0.0, 1.0) * count as f64;
    (libm::ceil(share * (1.0 - 1e-12)) as u64).clamp(1, count.max(1))
}

#[cfg(test)]
mod tests {
    use super::{SpanHistogram, nearest_rank};
    use crate::kernel::Span;
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn nothing_recorded_has_no_quantile() {
        let empty = SpanHistogram::new();
        assert_eq!((empty.quantile(0.5), empty.mean(), empty.least(), empty.count()), (None, None, None, 0));
        assert!(empty.quantile_s(0.5).is_nan());
    }

    #[test]
    fn rounding_does_not_raise_a_rank() {
        for percent in 1..=100_u32 {
            for count in 1..=400_u64 {
                let exact = (u64::from(percent) * count).div_ceil(100);
                assert_eq!(nearest_rank(count, f64::from(percent) / 100.0), exact, "{percent} % of {count}");
            }
        }
        assert_eq!((nearest_rank(0, 0.5), nearest_rank(9, 0.0), nearest_rank(9, 7.0)), (1, 1, 9));
    }

    #[test]
    fn extremes_are_recorded() {
        let mut histogram = SpanHistogram::new();
        histogram.record(Span::ZERO);
        histogram.record(Span::MAX);
        assert_eq!(histogram.quantile(0.5), Some(Span::ZERO));
        assert_eq!(histogram.greatest(), Some(Span(i64::MAX as u64)));
    }

    proptest! {
        /// Oracle: the sorted list.
        #[test]
        fn quantiles_are_those_of_the_sorted_list(
            mut spans in prop::collection::vec(0_u64..1 << 50, 1..200),
            split in 0_usize..200,
            percent in 0_u32..=100,
        ) {
            let (mut left, mut right) = (SpanHistogram::new(), SpanHistogram::new());
            for (at, span) in spans.iter().enumerate() {
                if at < split { left.record(Span(*span)) } else { right.record(Span(*span)) }
            }
            left.merge(&right);
            let mean = spans.iter().map(|span| u128::from(*span)).sum::<u128>() / spans.len() as u128;
            prop_assert_eq!(left.mean(), Some(Span(mean as u64)));
            spans.sort_unstable();
            prop_assert_eq!(left.least(), Some(Span(spans[0])));
            let rank = (u64::from(percent) * spans.len() as u64).div_ceil(100).max(1) as usize;
            let (exact, found) = (spans[rank - 1], left.quantile(f64::from(percent) / 100.0).unwrap().0);
            prop_assert!(found.abs_diff(exact) <= exact / 1000 + 1, "{found} against {exact}");
        }
    }
}
