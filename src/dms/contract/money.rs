//! Amounts of money: decimal texts with eight decimals (dms-capabilities section 6.8), and the exact fractions in
//! which they are computed.
//!
//! A fee times a share of an hour is rarely a decimal number. It stays an exact fraction until it stands in an invoice
//! item, and is rounded there once, half to even; sums are of rounded items, so that an invoice adds up.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// An amount before it is rounded.
pub type Exact = BigRational;

/// Hundred-millionths in one unit of a currency.
const SCALE: i128 = 100_000_000;
/// Decimals of an amount.
const DECIMALS: usize = 8;
/// Digits before the decimal point of an amount that somebody may write.
const WHOLE_DIGITS: usize = 15;

/// An amount of some currency, in hundred-millionths of its unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Money(i128);

/// A text that is no amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be a decimal number of at most 15 digits with at most 8 decimals")]
pub struct MoneyError;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many hundred-millionths.
    #[must_use]
    pub const fn from_hundred_millionths(n: i128) -> Self {
        Self(n)
    }
    /// In hundred-millionths.
    #[must_use]
    pub const fn hundred_millionths(self) -> i128 {
        self.0
    }
    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
    /// For plots and metrics.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
    /// The same as a fraction.
    #[must_use]
    pub fn exact(self) -> Exact {
        Exact::new(BigInt::from(self.0), BigInt::from(SCALE))
    }
    /// The nearest amount; of two that are equally near, the one that ends with an even digit. Amounts beyond what
    /// 128 bits hold (ten to the thirtieth) become the largest.
    #[must_use]
    pub fn rounded(exact: &Exact) -> Self {
        let scaled = exact * Exact::from_integer(BigInt::from(SCALE));
        let below = scaled.floor();
        let rest = &scaled - &below;
        let half = Exact::new(BigInt::from(1), BigInt::from(2));
        let mut nearest = below.to_integer();
        let odd = !(&nearest % BigInt::from(2)).is_zero();
        if rest > half || (rest == half && odd) {
            nearest += 1;
        }
        let beyond = if nearest.is_negative() { i128::MIN } else { i128::MAX };
        Self(nearest.to_i128().unwrap_or(beyond))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, all) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let scale = SCALE.unsigned_abs();
        write!(f, "{sign}{}.{:08}", all / scale, all % scale)
    }
}
impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = whole.len() <= WHOLE_DIGITS && part.len() <= DECIMALS && digits(whole) && digits(part);
        if !fits || whole.is_empty() || (unsigned.contains('.') && part.is_empty()) {
            return Err(MoneyError);
        }
        let number: i128 = format!("{whole}{part:0<DECIMALS$}").parse().map_err(|_| MoneyError)?;
        Ok(Self(if negative { -number } else { number }))
    }
}
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fraction(numerator: i64, denominator: i64) -> Exact {
        Exact::new(BigInt::from(numerator), BigInt::from(denominator))
    }

    #[test]
    fn texts_are_read_and_written_with_eight_decimals() {
        for (text, written) in [
            ("10", "10.00000000"),
            ("0.5", "0.50000000"),
            ("-1.00000001", "-1.00000001"),
            ("007.1", "7.10000000"),
        ] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), written);
        }
        for wrong in ["", ".", "1.", ".5", "1,5", "1e3", "+1", "0.123456789", "1234567890123456", "--1", "١"]
        {
            assert_eq!(wrong.parse::<Money>(), Err(MoneyError), "{wrong}");
        }
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let two = 200_000_000;
        for (numerator, expected) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2)] {
            assert_eq!(Money::rounded(&fraction(numerator, two)).hundred_millionths(), expected);
        }
        assert_eq!(Money::rounded(&fraction(1, 3)).to_string(), "0.33333333");
        assert_eq!(Money::rounded(&fraction(2, 3)).to_string(), "0.66666667");
    }

    proptest! {
        #[test]
        fn rounding_changes_by_half_a_unit_at_most(numerator in any::<i64>(), denominator in 1..i64::MAX) {
            let exact = fraction(numerator, denominator);
            let off = (Money::rounded(&exact).exact() - &exact).abs();
            prop_assert!(off <= fraction(1, 200_000_000));
        }

        #[test]
        fn what_is_written_reads_back(amount in -10_i128.pow(22)..10_i128.pow(22)) {
            let money = Money::from_hundred_millionths(amount);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
            prop_assert_eq!(Money::rounded(&money.exact()), money);
        }
    }
}
