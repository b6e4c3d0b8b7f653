//! A fast natural logarithm for the exponential sampler, which is drawn for nearly every event.
//!
//! The number is brought to `m * 2^k` with `m` in `[1, 2)`, and `m` to the centre `c` of one of 128 cells
//! times `1 + r`; then `ln x = k ln 2 + ln c + ln(1 + r)`, the last by a short series. Only `+ - * /` of IEEE
//! doubles are used, also for the table, so the result is the same on every platform.

const CELLS: usize = 128;

/// For each cell the reciprocal of its centre `c`, rounded, and the logarithm of the reciprocal's reciprocal.
static TABLE: [[f64; 2]; CELLS] = table();

const fn table() -> [[f64; 2]; CELLS] {
    let mut table = [[0.0; 2]; CELLS];
    let mut cell = 0;
    while cell < CELLS {
        let reciprocal = 1.0 / (1.0 + (cell as f64 + 0.5) / CELLS as f64);
        table[cell] = [reciprocal, logarithm_of_reciprocal(reciprocal)];
        cell += 1;
    }
    table
}

/// `-ln y` for `y` in `[1/2, 1]`: twice the series of the inverse hyperbolic tangent of `(1 - y) / (1 + y)`.
const fn logarithm_of_reciprocal(y: f64) -> f64 {
    let s = (1.0 - y) / (1.0 + y);
    let mut sum = 0.0;
    // Terms fall by at least nine; 20 of them reach below 1e-20. The smallest are added first.
    let mut term = 20;
    while term > 0 {
        term -= 1;
        sum = sum * (s * s) + 1.0 / (2 * term + 1) as f64;
    }
    2.0 * s * sum
}

/// The natural logarithm of a normal positive number, to 4.5e-16 of the larger of the result and one.
///
/// Close to `x = 1` the result is small and its relative error is not: a sampler does not mind.
#[inline]
pub(super) fn ln(x: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let m = f64::from_bits(bits & FRACTION | 1.0_f64.to_bits());
    let [reciprocal, log_centre] = TABLE[(bits >> 45) as usize % CELLS];
    // At most 1/257 either way, so that the seventh power is below a rounding error.
    let r = m * reciprocal - 1.0;
    let square = r * r;
    let series = (1.0 / 3.0 - r * 0.25) + square * (0.2 - r * (1.0 / 6.0));
    let tail = square * (r * series - 0.5);
    f64::from(exponent) * std::f64::consts::LN_2 + log_centre + (r + tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_libm() {
        let mut x = f64::MIN_POSITIVE;
        while x < 1e300 {
            for factor in [1.0, 1.0 + f64::EPSILON, 1.234, 1.5, 1.992_187_5, 1.999_999_999] {
                let expected = libm::log(x * factor);
                let gap = (ln(x * factor) - expected).abs();
                assert!(gap <= 4.5e-16 * expected.abs().max(1.0), "{}: {gap}", x * factor);
            }
            x *= 1.007;
        }
    }
}
