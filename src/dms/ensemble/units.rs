//! Numbers with units, read exactly: sizes, clocks, durations.
//!
//! The numbers are [`Decimal`]s, so that `0.1 GiB` means the same everywhere.
use thiserror::Error;

use super::decimal::{Decimal, DecimalError};
use crate::kernel::time::Span;

/// Bytes in one KiB, MiB and so on.
pub const GIB: u64 = 1 << 30;
/// Hertz in one GHz.
pub const GHZ: u64 = 1_000_000_000;

/// Units of size. SI names are powers of 1000, IEC names powers of 1024.
pub(super) const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", GIB),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

/// Units of frequency.
pub(super) const CLOCKS: &[(&str, u64)] =
    &[("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", GHZ), ("THz", 1_000_000_000_000)];

/// Units of time of Go's `time.ParseDuration`, in nanoseconds.
pub(super) const GO_DURATIONS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnitError {
    /// It does not start with a number.
    #[error("`{text}` is not a number with a unit")]
    NotANumber {
        /// The text.
        text: String,
    },
    /// It has a unit of something else, or of nothing.
    #[error("`{unit}` is not a unit of {quantity}: write one of {}", .known.join(", "))]
    WrongUnit {
        /// What stands behind the number.
        unit: String,
        /// What is measured.
        quantity: &'static str,
        /// The units that would do.
        known: Vec<&'static str>,
    },
    /// It has no unit where one is needed.
    #[error("`{text}` has no unit: write one, such as `{text}{example}`")]
    NoUnit {
        /// The text.
        text: String,
        /// A unit that would do.
        example: &'static str,
    },
    /// It is below zero.
    #[error("`{text}` is negative")]
    Negative {
        /// The text.
        text: String,
    },
    /// It does not fit into 64 bits.
    #[error("`{text}` is too large")]
    TooLarge {
        /// The text.
        text: String,
    },
}

/// A size in bytes. A bare number counts in `default_unit` bytes; without one it is an error.
///
/// # Errors
/// What is wrong with the text.
pub fn bytes(text: &str, default_unit: Option<u64>) -> Result<u64, UnitError> {
    one_quantity(text, "size", SIZES, default_unit, "GiB")
}

/// A frequency in hertz. A bare number counts in `default_unit` hertz; without one it is an error.
///
/// # Errors
/// What is wrong with the text.
pub fn hertz(text: &str, default_unit: Option<u64>) -> Result<u64, UnitError> {
    one_quantity(text, "frequency", CLOCKS, default_unit, "GHz")
}

/// A number in thousandths, rounded to the nearest: `0.25` is 250.
///
/// # Errors
/// What is wrong with the text.
pub fn thousandths(text: &str) -> Result<u64, UnitError> {
    let (number, rest) = Decimal::read(text.trim()).ok_or_else(|| not_a_number(text))?;
    if !rest.is_empty() {
        return Err(not_a_number(text));
    }
    times(&number, 1000, text)
}

/// A duration as Go's `time.ParseDuration` reads it, but never negative.
///
/// # Errors
/// What is wrong with the text; a bare number other than 0 has no unit.
pub fn go_duration(text: &str) -> Result<Span, UnitError> {
    let text = text.trim();
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() || text.is_empty() {
        let (number, after) = Decimal::read(rest).ok_or_else(|| not_a_number(text))?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            if text == "0" {
                break;
            }
            return Err(UnitError::NoUnit { text: text.to_owned(), example: "s" });
        }
        let size = find_unit(unit, "time", GO_DURATIONS)?;
        let part = times(&number, size, text)?;
        total = total.checked_add(part).ok_or_else(|| UnitError::TooLarge { text: text.to_owned() })?;
        rest = next.trim_start();
    }
    Ok(Span(total))
}

/// A number times a unit; `text` is where it was written.
fn times(number: &Decimal, unit: u64, text: &str) -> Result<u64, UnitError> {
    number.times(unit).map_err(|error| match error {
        DecimalError::Negative => UnitError::Negative { text: text.to_owned() },
        DecimalError::TooLarge => UnitError::TooLarge { text: text.to_owned() },
    })
}

fn not_a_number(text: &str) -> UnitError {
    UnitError::NotANumber { text: text.to_owned() }
}

/// A number and its one unit.
pub(crate) fn one_quantity(
    text: &str,
    quantity: &'static str,
    units: &'static [(&'static str, u64)],
    default_unit: Option<u64>,
    example: &'static str,
) -> Result<u64, UnitError> {
    let text = text.trim();
    let (number, unit) = Decimal::read(text).ok_or_else(|| not_a_number(text))?;
    let unit = unit.trim_start();
    let size = match (unit.is_empty(), default_unit) {
        (true, Some(size)) => size,
        (true, None) => return Err(UnitError::NoUnit { text: text.to_owned(), example }),
        (false, _) => find_unit(unit, quantity, units)?,
    };
    times(&number, size, text)
}

/// Finds a unit as written, or all in small or all in capital letters; `Gb` (bits?) stays an error.
fn find_unit(
    unit: &str,
    quantity: &'static str,
    units: &'static [(&'static str, u64)],
) -> Result<u64, UnitError> {
    let same = |name: &str| {
        name == unit || (name.len() > 1 && (name.to_lowercase() == unit || name.to_uppercase() == unit))
    };
    units.iter().find(|(name, _)| same(name)).map(|(_, size)| *size).ok_or_else(|| UnitError::WrongUnit {
        unit: unit.to_owned(),
        quantity,
        known: units.iter().map(|(name, _)| *name).filter(|name| name.is_ascii()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_in_binary_and_decimal_units() {
        for (text, expected) in [
            ("2", 2 * GIB),
            ("0.5", GIB / 2),
            ("512MiB", 512 << 20),
            ("512 mb", 512_000_000),
            ("1.5 GB", 1_500_000_000),
            ("1e3 B", 1000),
            ("2TiB", 2 << 40),
            ("0.1 GiB", 107_374_182),
            ("7B", 7),
        ] {
            assert_eq!(bytes(text, Some(GIB)), Ok(expected), "{text}");
        }
        assert_eq!(hertz("2.4", Some(GHZ)), Ok(2_400_000_000));
        assert_eq!(hertz("800 MHz", Some(GHZ)), Ok(800_000_000));
        assert_eq!(thousandths("0.25"), Ok(250));
        assert_eq!(thousandths("1e-1"), Ok(100));
    }

    #[test]
    fn wrong_amounts_say_what_is_wrong() {
        let message = |result: Result<u64, UnitError>| result.unwrap_err().to_string();
        assert_eq!(
            message(bytes("2 GHz", Some(GIB))),
            "`GHz` is not a unit of size: write one of B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB"
        );
        assert_eq!(
            message(hertz("2GB", None)),
            "`GB` is not a unit of frequency: write one of Hz, kHz, MHz, GHz, THz"
        );
        assert!(message(bytes("1 Gb", None)).starts_with("`Gb` is not a unit of size"));
        assert_eq!(message(bytes("-1GB", None)), "`-1GB` is negative");
        assert_eq!(message(bytes("17179869184 GiB", None)), "`17179869184 GiB` is too large");
        assert_eq!(message(bytes("1e400 B", None)), "`1e400 B` is too large");
        assert_eq!(message(bytes("many", None)), "`many` is not a number with a unit");
        assert_eq!(message(bytes("5", None)), "`5` has no unit: write one, such as `5GiB`");
        assert_eq!(message(thousandths("2 cores")), "`2 cores` is not a number with a unit");
    }

    #[test]
    fn durations_have_units() {
        for (text, expected) in [
            ("6h", Span::hours(6)),
            ("1h30m", Span::mins(90)),
            ("250ms", Span::millis(250)),
            ("1.5 s", Span::millis(1500)),
            ("49h", Span::hours(49)),
            ("0", Span::ZERO),
            ("3µs", Span::micros(3)),
        ] {
            assert_eq!(go_duration(text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("30", "`30` has no unit: write one, such as `30s`"),
            ("1h30", "`1h30` has no unit: write one, such as `1h30s`"),
            ("5 parsecs", "`parsecs` is not a unit of time: write one of ns, us, ms, s, m, h"),
            ("", "`` is not a number with a unit"),
            ("-5s", "`-5s` is negative"),
            ("999999999h", "`999999999h` is too large"),
        ] {
            assert_eq!(go_duration(text).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(go_duration("1d").is_err());
    }

    proptest! {
        /// Oracle: rational arithmetic on the digits.
        #[test]
        fn decimals_are_exact(whole in 0_u64..1_000_000, part in 0_u64..1_000_000) {
            let expected = (u128::from(whole) * 1_000_000 + u128::from(part)) * u128::from(GIB);
            let rounded = (expected + 500_000) / 1_000_000;
            prop_assert_eq!(bytes(&format!("{whole}.{part:06}"), Some(GIB)), Ok(rounded as u64));
        }

        #[test]
        fn no_text_panics(text in "[0-9eE.+\\- a-zµ]{0,40}") {
            let _ = (bytes(&text, Some(GIB)), hertz(&text, None), thousandths(&text), go_duration(&text));
        }
    }
}
