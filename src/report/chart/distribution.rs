//! What a box and a violin show of some values.

/// The numbers of a box plot (Tukey, "Exploratory Data Analysis", 1977).
#[derive(Clone, PartialEq, Debug)]
pub struct BoxNumbers {
    /// The least value within one and a half box lengths below the box.
    pub low_whisker: f64,
    /// A quarter of the values is below.
    pub lower_quartile: f64,
    /// Half of the values are below.
    pub median: f64,
    /// A quarter of the values is above.
    pub upper_quartile: f64,
    /// The greatest value within one and a half box lengths above the box.
    pub high_whisker: f64,
    /// What lies beyond the whiskers, rising.
    pub outliers: Vec<f64>,
}

/// The quantile of sorted values, with a straight line between neighbours (type 7 of Hyndman and Fan, "Sample quantiles
/// in statistical packages", The American Statistician 50, 1996); not a number without values.
#[must_use]
pub fn interpolated_quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = libm::floor(place);
    let (one, two) = (sorted[below as usize], sorted[(below as usize + 1).min(last)]);
    one + (two - one) * (place - below)
}

impl BoxNumbers {
    /// Of sorted values; none without any.
    #[must_use]
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let [lower_quartile, median, upper_quartile] =
            [0.25, 0.5, 0.75].map(|share| interpolated_quantile(sorted, share));
        let reach = 1.5 * (upper_quartile - lower_quartile);
        let is_within = |value: &f64| (lower_quartile - reach..=upper_quartile + reach).contains(value);
        let within = || sorted.iter().copied().filter(is_within);
        Some(Self {
            // A quartile between two values can be nearer to the middle than any value within reach.
            low_whisker: within().next()?.min(lower_quartile),
            lower_quartile,
            median,
            upper_quartile,
            high_whisker: within().next_back()?.max(upper_quartile),
            outliers: sorted.iter().copied().filter(|value| !is_within(value)).collect(),
        })
    }
}

/// The width of the Gaussian kernel for a density of these sorted values (Silverman, "Density Estimation for Statistics
/// and Data Analysis", 1986, equation 3.31); zero where they do not vary.
#[must_use]
pub fn silverman_width(sorted: &[f64]) -> f64 {
    let count = sorted.len() as f64;
    if count < 2.0 {
        return 0.0;
    }
    let mean = sorted.iter().sum::<f64>() / count;
    let squares: f64 = sorted.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = libm::sqrt(squares / (count - 1.0));
    let quartiles = interpolated_quantile(sorted, 0.75) - interpolated_quantile(sorted, 0.25);
    // Where half of the values are the same the quartiles say nothing of the rest.
    let spread = if quartiles > 0.0 { deviation.min(quartiles / 1.34) } else { deviation };
    0.9 * spread * libm::pow(count, -0.2)
}

/// The density of sorted values at a place, by Gaussian kernels of this width, which is greater than zero.
#[must_use]
pub fn density(sorted: &[f64], width: f64, at: f64) -> f64 {
    // Beyond nine widths a kernel is less than what a sum of others can tell.
    let from = sorted.partition_point(|value| *value < at - 9.0 * width);
    let near = sorted[from..].iter().take_while(|value| **value <= at + 9.0 * width);
    let kernel = |value: &f64| {
        let distance = (at - value) / width;
        libm::exp(-0.5 * distance * distance)
    };
    near.map(kernel).sum::<f64>() / (sorted.len() as f64 * width * libm::sqrt(2.0 * std::f64::consts::PI))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_and_whiskers_are_those_of_a_worked_example() {
        // As numpy.percentile and matplotlib.cbook.boxplot_stats have them.
        let sorted = [1.0, 2.0, 4.0, 4.0, 5.0, 7.0, 8.0, 9.0, 11.0, 30.0];
        let numbers = BoxNumbers::of(&sorted).unwrap();
        let expected = BoxNumbers {
            low_whisker: 1.0,
            lower_quartile: 4.0,
            median: 6.0,
            upper_quartile: 8.75,
            high_whisker: 11.0,
            outliers: vec![30.0],
        };
        assert_eq!(numbers, expected);
        assert_eq!(BoxNumbers::of(&[]), None);
        let one = BoxNumbers::of(&[3.0]).unwrap();
        assert_eq!((one.low_whisker, one.median, one.high_whisker), (3.0, 3.0, 3.0));
    }

    #[test]
    fn the_width_of_the_kernel_is_silvermans() {
        // 0.9 * min(3.0277, 4.5 / 1.34) * 10 ^ -0.2 of the numbers from 1 to 10.
        let sorted: Vec<f64> = (1..=10).map(f64::from).collect();
        assert!((silverman_width(&sorted) - 1.719_287).abs() < 1e-5, "{}", silverman_width(&sorted));
        // With one far away the quartiles decide: 0.9 * (4.5 / 1.34) * 10 ^ -0.2.
        let far: Vec<f64> = (1..=9).map(f64::from).chain([1000.0]).collect();
        assert!((silverman_width(&far) - 1.906_998).abs() < 1e-5, "{}", silverman_width(&far));
        assert_eq!(silverman_width(&[5.0, 5.0, 5.0]), 0.0);
        assert!(silverman_width(&[5.0, 5.0, 5.0, 5.0, 9.0]) > 0.0);
    }

    #[test]
    fn a_density_has_one_below_it() {
        let sorted = [0.0, 0.5, 0.6, 3.0, 8.0];
        let width = silverman_width(&sorted);
        let (from, to, steps) = (-20.0 * width, 8.0 + 20.0 * width, 20_000_u32);
        let step = (to - from) / f64::from(steps);
        let area: f64 =
            (0..steps).map(|n| density(&sorted, width, from + step * (f64::from(n) + 0.5)) * step).sum();
        assert!((area - 1.0).abs() < 1e-9, "{area}");
        assert!(density(&sorted, width, 0.5) > density(&sorted, width, 5.5));
    }
}
