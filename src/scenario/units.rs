//! Quantities with units as a scenario writes them: spans of time, bytes, bit rates, fractions.
//!
//! A unit is never guessed: `5` is refused where time is meant, since one reader's seconds are another's
//! minutes. Whole quantities are computed from [`Decimal`]s, so `0.1s` is exactly 100,000,000 ns.

use crate::dms::ensemble::decimal::{Decimal, DecimalError};
use crate::kernel::Span;

/// Why a text is not the quantity that is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnitError {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl UnitError {
    pub(super) fn new(message: String, help: impl Into<Option<String>>) -> Self {
        Self { message, help: help.into() }
    }
}

pub(super) const TIME_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
pub(super) const BYTE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
pub(super) const RATE_UNITS: &[(&str, u64)] =
    &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];

/// The units of a kind of quantity, and how messages speak of it.
struct Kind {
    name: &'static str,
    units: &'static [(&'static str, u64)],
    example: &'static str,
    listed: &'static str,
}

const TIME: Kind = Kind {
    name: "time",
    units: TIME_UNITS,
    example: "90s, 5m or 1h30m",
    listed: "ns, us, ms, s, m (minutes), h, d",
};
const BYTES: Kind = Kind {
    name: "size",
    units: BYTE_UNITS,
    example: "57 MB or 8 GiB",
    listed: "B, kB, MB, GB, TB and KiB, MiB, GiB, TiB",
};
pub(super) const HERTZ_UNITS: &[(&str, u64)] =
    &[("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)];
const HERTZ: Kind =
    Kind { name: "frequency", units: HERTZ_UNITS, example: "3.2 GHz", listed: "Hz, kHz, MHz, GHz" };
const RATE: Kind = Kind {
    name: "bit rate",
    units: RATE_UNITS,
    example: "20 Mbit/s",
    listed: "bit/s, kbit/s, Mbit/s, Gbit/s",
};

/// A span of time: `250ms`, `9.34h`, `1h30m`. Rounded to whole nanoseconds.
///
/// # Errors
/// A missing or unknown unit, a negative number, no number at all, or more than 584 years.
pub fn span(text: &str) -> Result<Span, UnitError> {
    exact(text, &TIME, true).map(Span)
}

/// A span of time in seconds, for parameters of distributions.
///
/// # Errors
/// As [`span`].
pub fn seconds(text: &str) -> Result<f64, UnitError> {
    span(text)?;
    let mut sum = 0.0;
    for Part { written, unit, .. } in parts(text, &TIME)? {
        let number: f64 = written.parse().map_err(|_| not_a_quantity(text, &TIME))?;
        // Dividing by a whole number rounds once where multiplying by its inverse would round twice.
        sum += if unit >= 1_000_000_000 {
            number * (unit / 1_000_000_000) as f64
        } else {
            number / (1_000_000_000 / unit) as f64
        };
    }
    Ok(sum)
}

/// A size in bytes: `57 MB`, `8 GiB`. Rounded to whole bytes.
///
/// # Errors
/// A missing or unknown unit, a negative number, no number at all, or a number beyond 64 bits.
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    exact(text, &BYTES, false)
}

/// A bit rate in bit/s: `20 Mbit/s`.
///
/// # Errors
/// A missing or unknown unit, a negative number, no number at all, or a number beyond 64 bits.
pub fn bits_per_second(text: &str) -> Result<u64, UnitError> {
    exact(text, &RATE, false)
}

/// A frequency in Hz: `3.2 GHz`.
///
/// # Errors
/// A missing or unknown unit, a negative number, no number at all, or a number beyond 64 bits.
pub fn hertz(text: &str) -> Result<u64, UnitError> {
    exact(text, &HERTZ, false)
}

/// A fraction from 0 to 1, from `10%` or `0.1`.
///
/// # Errors
/// No number, or one outside 0 to 100 %.
pub fn fraction(text: &str) -> Result<f64, UnitError> {
    let trimmed = text.trim();
    let (number, percent) = match trimmed.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (trimmed, false),
    };
    let not_a_fraction =
        || UnitError::new(format!("`{text}` is not a fraction"), "write it like `10%` or `0.1`".to_owned());
    let number: f64 = number.parse().map_err(|_| not_a_fraction())?;
    let value = if percent { number / 100.0 } else { number };
    if !number.is_finite() {
        return Err(not_a_fraction());
    }
    if !(0.0..=1.0).contains(&value) {
        let help = if !percent && (1.0..=100.0).contains(&number) {
            format!("for {number} percent write `{number}%`")
        } else {
            "a fraction is between `0%` and `100%`".to_owned()
        };
        return Err(UnitError::new(format!("`{text}` is not a possible fraction"), help));
    }
    Ok(value)
}

fn not_a_quantity(text: &str, kind: &Kind) -> UnitError {
    UnitError::new(format!("`{text}` is not a {}", kind.name), format!("write it like {}", kind.example))
}

fn negative(text: &str, kind: &Kind) -> UnitError {
    UnitError::new(format!("a {} cannot be negative: `{text}`", kind.name), None)
}

/// A number and its unit.
struct Part<'a> {
    number: Decimal,
    /// The number as it stands in the text.
    written: &'a str,
    /// How many base units the unit has.
    unit: u64,
}

/// Splits `1h30m` into numbers and units.
fn parts<'a>(text: &'a str, kind: &Kind) -> Result<Vec<Part<'a>>, UnitError> {
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err(negative(text, kind));
    }
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (number, behind) = Decimal::read(rest).ok_or_else(|| not_a_quantity(text, kind))?;
        let written = &rest[..rest.len() - behind.len()];
        let behind = behind.trim_start();
        let end = behind.find(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').unwrap_or(behind.len());
        let (unit, more) = behind.split_at(end);
        found.push(Part { number, written, unit: unit_size(text, written, unit, kind)? });
        rest = more.trim_start();
    }
    if found.is_empty() { Err(not_a_quantity(text, kind)) } else { Ok(found) }
}

fn unit_size(text: &str, number: &str, unit: &str, kind: &Kind) -> Result<u64, UnitError> {
    if let Some((_, size)) = kind.units.iter().find(|(name, _)| *name == unit) {
        return Ok(*size);
    }
    if unit.is_empty() {
        let message = format!("`{text}` has no unit");
        return Err(UnitError::new(message, format!("write a {} like {}", kind.name, kind.example)));
    }
    let help = match (kind.name, word_for(unit)) {
        ("bit rate", _) if unit.ends_with("B/s") => "rates are in bits: a byte is 8 bits".to_owned(),
        (_, Some(short)) if kind.units.iter().any(|(name, _)| *name == short) => {
            format!("did you mean `{number}{}{short}`?", if kind.name == "time" { "" } else { " " })
        }
        _ => format!("units of {} are {}", kind.name, kind.listed),
    };
    Err(UnitError::new(format!("`{unit}` is not a unit of {}", kind.name), help))
}

/// The unit that a longer or differently spelt word stands for.
fn word_for(unit: &str) -> Option<&'static str> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "day" | "days" => "d",
        "msec" | "millis" | "milliseconds" => "ms",
        "k" | "kb" => "kB",
        "mb" => "MB",
        "g" | "gb" => "GB",
        "tb" => "TB",
        "kib" | "ki" => "KiB",
        "mib" | "mi" => "MiB",
        "gib" | "gi" => "GiB",
        "tib" | "ti" => "TiB",
        "kbps" | "kbit" => "kbit/s",
        "m" | "mbps" | "mbit" | "mbit/s" => "Mbit/s",
        "gbps" | "gbit" | "gbit/s" => "Gbit/s",
        "bps" | "bit" => "bit/s",
        "ghz" => "GHz",
        "mhz" => "MHz",
        _ => return None,
    })
}

/// The quantity in whole base units, computed without floating point.
fn exact(text: &str, kind: &Kind, compound: bool) -> Result<u64, UnitError> {
    let parts = parts(text, kind)?;
    if parts.len() > 1 && !compound {
        return Err(not_a_quantity(text, kind));
    }
    let too_large = || UnitError::new(format!("`{text}` is too large"), None);
    let mut sum = 0_u64;
    for Part { number, unit, .. } in parts {
        let value = number.times(unit).map_err(|error| match error {
            DecimalError::Negative => negative(text, kind),
            DecimalError::TooLarge => too_large(),
        })?;
        sum = sum.checked_add(value).ok_or_else(too_large)?;
    }
    Ok(sum)
}

/// Bytes as a scenario writes them, exactly.
pub(super) fn write_bytes(bytes: u64) -> String {
    write_exactly(bytes, BYTE_UNITS)
}

/// A bit rate as a scenario writes it, exactly.
pub(super) fn write_rate(bits_per_second: u64) -> String {
    write_exactly(bits_per_second, RATE_UNITS)
}

/// A frequency as a scenario writes it, exactly.
pub(super) fn write_hertz(hertz: u64) -> String {
    write_exactly(hertz, HERTZ_UNITS)
}

fn write_exactly(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |unit: &&(&str, u64)| value >= unit.1 && value.is_multiple_of(unit.1);
    let (name, size) = units.iter().filter(fits).max_by_key(|(_, size)| *size).unwrap_or(&units[0]);
    format!("{} {name}", value / size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_read_exactly() {
        assert_eq!(span("1h30m"), Ok(Span::mins(90)));
        assert_eq!(span("0.1s"), Ok(Span::millis(100)));
        assert_eq!(span("40us"), Ok(Span::micros(40)));
        assert_eq!(seconds("9.34h"), Ok(9.34 * 3600.0));
        assert_eq!(seconds("250ms"), Ok(0.25));
        assert_eq!(bytes("57 MB"), Ok(57_000_000));
        assert_eq!(bytes("1.5GiB"), Ok(1_610_612_736));
        assert_eq!(bytes("1e3 kB"), Ok(1_000_000));
        assert_eq!(span("1.6ns"), Ok(Span(2)));
        assert_eq!(bits_per_second("20 Mbit/s"), Ok(20_000_000));
        assert_eq!(fraction("10%"), Ok(0.1));
        assert_eq!(fraction("0.25"), Ok(0.25));
    }

    #[test]
    fn what_is_wrong_is_said_with_a_way_out() {
        let say = |error: UnitError| format!("{} | {}", error.message, error.help.unwrap_or_default());
        assert_eq!(say(span("5").unwrap_err()), "`5` has no unit | write a time like 90s, 5m or 1h30m");
        assert_eq!(say(span("5 hours").unwrap_err()), "`hours` is not a unit of time | did you mean `5h`?");
        assert_eq!(say(span("-5s").unwrap_err()), "a time cannot be negative: `-5s` | ");
        assert_eq!(say(bytes("8 gb").unwrap_err()), "`gb` is not a unit of size | did you mean `8 GB`?");
        assert_eq!(
            say(bits_per_second("2 MB/s").unwrap_err()),
            "`MB/s` is not a unit of bit rate | rates are in bits: a byte is 8 bits"
        );
        assert_eq!(
            say(fraction("10").unwrap_err()),
            "`10` is not a possible fraction | for 10 percent write `10%`"
        );
        for text in ["", ".", "s", "1..2s", "99999999999999999999h", "600000d", "1s 2", "nan%", "1h-5m"] {
            assert!(span(text).is_err() && fraction(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any::<u64>(), small in 0_u64..5000, any in ".*") {
            prop_assert_eq!(span(&Span(value).to_string()), Ok(Span(value)));
            prop_assert_eq!(bytes(&write_bytes(value)), Ok(value));
            prop_assert_eq!(bytes(&write_bytes(small << 20)), Ok(small << 20));
            prop_assert_eq!(bits_per_second(&write_rate(small * 1000)), Ok(small * 1000));
            let _ = (span(&any), bytes(&any), bits_per_second(&any), fraction(&any), seconds(&any));
        }
    }
}
