//! How numbers are written: seconds with at most nine decimals, other numbers in the shortest exact form.
//!
//! Both are byte-stable: no exponent, no trailing zero, no negative zero. A number that does not exist (NaN)
//! is an empty cell and is read back as NaN.

/// Seconds with at most nine decimals (whole nanoseconds), without trailing zeros; empty for NaN.
///
/// Exact for every whole number of nanoseconds below 2^23 s (97 days); later moments are rounded to what an
/// `f64` holds.
#[must_use]
pub fn seconds_text(seconds: f64) -> String {
    if seconds.is_nan() {
        return String::new();
    }
    let text = format!("{seconds:.9}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A number in the shortest decimal form that reads back as the same `f64`; empty for NaN.
#[must_use]
pub fn number_text(number: f64) -> String {
    if number.is_nan() {
        String::new()
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        format!("{number}")
    }
}

/// Serde form of a field in seconds: `#[serde(with = "format::seconds")]`.
pub(crate) mod seconds {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::seconds_text(*value))
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// Serde form of a field in seconds that may be missing.
pub(crate) mod optional_seconds {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::seconds_text(value.unwrap_or(f64::NAN)))
    }
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::<f64>::deserialize(deserializer)
    }
}

/// Serde form of any other number.
pub(crate) mod number {
    use serde::Serializer;

    pub(crate) use super::seconds::deserialize;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::number_text(*value))
    }
}

/// Serde form of a number that is missing where it is none, in tables and in JSON.
pub(crate) mod measured {
    use serde::Serializer;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::{number_text, seconds_text};
    use crate::kernel::Time;
    use proptest::prelude::{prop_assert_eq, proptest};

    #[test]
    fn seconds_keep_nanoseconds_and_nothing_more() {
        for (ns, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (1_500_000_000, "1.5"),
            (60_000_000_000, "60"),
            (21_600_000_000_001, "21600.000000001"),
        ] {
            assert_eq!(seconds_text(Time(ns).as_secs_f64()), text);
        }
        assert_eq!(seconds_text(f64::NAN), "");
        assert_eq!(seconds_text(-0.0), "0");
        assert_eq!(seconds_text(-1e-12), "0");
    }

    proptest! {
        #[test]
        fn seconds_are_exact_for_97_days(ns in 0_u64..(1 << 23) * 1_000_000_000) {
            let text = seconds_text(Time(ns).as_secs_f64());
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            let read = whole.parse::<u64>().unwrap() * 1_000_000_000
                + format!("{decimals:0<9}").parse::<u64>().unwrap();
            prop_assert_eq!(read, ns);
        }

        #[test]
        fn numbers_read_back(bits: u64) {
            let number = f64::from_bits(bits);
            if !number.is_nan() {
                prop_assert_eq!(number_text(number).parse::<f64>().unwrap(), number);
            }
        }
    }
}
