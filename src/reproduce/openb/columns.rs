//! From single arrivals to the columns of the published tables (openb-placement, Rules).
//!
//! The published figures were rounded on the way, so meeting them takes the same roundings and the same order of sums.

use super::data::{COLUMNS, Metric};

/// What an arrival left behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// All that was asked of cards so far, in thousandths of a card.
    pub arrived_milli: u64,
    /// What is in use of them.
    pub used_milli: u64,
    /// What is fragmented of the rest.
    pub fragmented_milli: f64,
}

/// The columns of a run by one metric; `all_milli` is what there is of cards.
pub(super) fn columns(metric: Metric, arrivals: &[Arrival], all_milli: u64) -> Vec<f64> {
    let all = all_milli as f64;
    let value = |arrival: &Arrival| match metric {
        Metric::Allocation => round(arrival.used_milli as f64 / (all / 100.0)),
        Metric::Fragmentation => round(arrival.fragmented_milli),
        Metric::FragmentationOfFree => {
            let free = all - arrival.used_milli as f64;
            if free == 0.0 { 0.0 } else { round(100.0 * arrival.fragmented_milli / free) }
        }
    };
    let mut of_column: Vec<Vec<f64>> = vec![Vec::new(); COLUMNS];
    for arrival in arrivals {
        let column = libm::rint(arrival.arrived_milli as f64 / (all / 100.0)) as usize;
        if let Some(values) = of_column.get_mut(column) {
            values.push(value(arrival));
        }
    }
    let mean_of = |column: usize| {
        let values = if of_column[column].is_empty() {
            let around = column.saturating_sub(1)..(column + 2).min(COLUMNS);
            of_column[around].concat()
        } else {
            of_column[column].clone()
        };
        let mean = sum(&values) / values.len() as f64;
        match metric {
            Metric::Allocation => round(mean),
            Metric::Fragmentation => round(mean * 100.0 / all),
            Metric::FragmentationOfFree => mean,
        }
    };
    (0..COLUMNS).map(mean_of).collect()
}

/// Rounded to two decimals, half to even.
fn round(value: f64) -> f64 {
    libm::rint(100.0 * value) / 100.0
}

/// The sum in pairs, as numpy makes it: up to 128 numbers in eight sums that run side by side, more in two halves
/// (Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993).
fn sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    match values.len() {
        0..LANES => values.iter().fold(0.0, |sum, value| sum + value),
        LANES..=128 => {
            let mut lanes: [f64; LANES] = std::array::from_fn(|lane| values[lane]);
            let (blocks, rest) = values[LANES..].as_chunks::<LANES>();
            for block in blocks {
                lanes.iter_mut().zip(block).for_each(|(lane, value)| *lane += value);
            }
            let [a, b, c, d, e, f, g, h] = lanes;
            rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
        }
        many => {
            let half = many / 2;
            let (one, other) = values.split_at(half - half % LANES);
            sum(one) + sum(other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_side() {
        assert_eq!([0.125, 0.375, 0.625, -0.125].map(round), [0.12, 0.38, 0.62, -0.12]);
    }

    #[test]
    fn sums_run_in_eight_lanes_and_halves() {
        let numbers: Vec<f64> = (1..=1000).map(f64::from).collect();
        for count in [0, 1, 7, 8, 9, 128, 129, 1000] {
            assert_eq!(sum(&numbers[..count]), (count * (count + 1) / 2) as f64);
        }
        // Where the order of a sum shows: one after the other all small ones are lost.
        let mut mixed = vec![1e16; 1];
        mixed.extend(vec![1.0; 15]);
        assert_eq!(mixed.iter().fold(0.0, |sum, value| sum + value), 1e16);
        assert_eq!(sum(&mixed), 1e16 + 14.0);
    }

    #[test]
    fn a_column_without_arrivals_takes_those_beside_it() {
        let arrival = |percent: u64| Arrival {
            arrived_milli: percent * 10,
            used_milli: percent * 10,
            fragmented_milli: 0.0,
        };
        let arrivals: Vec<Arrival> = (0..COLUMNS as u64).filter(|n| *n != 50).map(arrival).collect();
        let found = columns(Metric::Allocation, &arrivals, 1000);
        assert_eq!((found[49], found[50], found[51]), (49.0, 50.0, 51.0));
    }
}
