//! Moments as RFC 3339 writes them: `2025-01-01T00:00:00Z`.

use super::Timestamp;

const NANOS: u64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// A moment between 1970 and 2200: `YYYY-MM-DDThh:mm:ss`, with decimals, and `Z` or an offset like `+02:00`.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let sign = |at: usize, allowed: &str| text.get(at..=at).is_some_and(|found| allowed.contains(found));
    let signs = sign(4, "-") && sign(7, "-") && sign(10, "Tt ") && sign(13, ":") && sign(16, ":");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let possible = (1970..=2200).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !signs || !possible {
        return None;
    }
    let mut rest = &text[19..];
    let mut nanos = 0_i64;
    if let Some(decimals) = rest.strip_prefix('.') {
        let end = decimals.find(|c: char| !c.is_ascii_digit()).unwrap_or(decimals.len());
        if !(1..=9).contains(&end) {
            return None;
        }
        nanos = decimals[..end].parse::<i64>().ok()? * 10_i64.pow(9 - end as u32);
        rest = &decimals[end..];
    }
    let seconds = days_since_1970(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
    let seconds = seconds - offset_s(rest)?;
    let whole = u64::try_from(seconds).ok()?;
    Some(Timestamp(whole * NANOS + nanos.unsigned_abs()))
}

/// The offset to UTC in seconds of `Z` or `+02:00`.
fn offset_s(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text[1..].split_once(':')?;
    let two = |digits: &str| -> Option<i64> {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    years + (1..month).map(|month| days_in(year, month)).sum::<i64>() + day - 1
}

/// The text of a moment in UTC, exact to the nanosecond.
#[must_use]
pub fn write(moment: Timestamp) -> String {
    let (seconds, nanos) = (moment.0 / NANOS, moment.0 % NANOS);
    let (mut days, in_day) = ((seconds / 86_400) as i64, seconds % 86_400);
    let mut year = 1970;
    while days >= if is_leap(year) { 366 } else { 365 } {
        days -= if is_leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    let (hour, minute, second) = (in_day / 3600, in_day / 60 % 60, in_day % 60);
    let decimals = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}{decimals}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2025-01-01T00:00:00Z", 1_735_689_600),
            ("2025-01-01T02:00:00+02:00", 1_735_689_600),
            ("2038-01-19T03:14:08Z", 2_147_483_648),
        ] {
            assert_eq!(parse(text), Some(Timestamp(seconds * NANOS)), "{text}");
        }
        assert_eq!(
            parse("2025-01-01T00:00:00.25Z"),
            Some(Timestamp(1_735_689_600 * NANOS) + crate::kernel::Span::millis(250))
        );
        for wrong in [
            "",
            "yesterday",
            "2025-02-29T00:00:00Z",
            "2025-01-01",
            "2025-01-01T00:00:00",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(moment in 0..7_000_000_000_000_000_000_u64, any in ".{0,30}") {
            prop_assert_eq!(parse(&write(Timestamp(moment))), Some(Timestamp(moment)));
            let _ = parse(&any);
        }
    }
}
