//! Clocks that are wrong: a value with a sign is everybody's, one without is the most that is drawn, to either side.

use super::distribution;
use super::reader::Reader;
use super::units::{self, UnitError};
use crate::dms::ensemble::tree::Node;
use crate::kernel::Span;
use crate::sim::setup::{ClockPlan, Drift, Skew};

/// Nobody's clock is off by more: ten years.
const MOST: Span = Span::hours(87_660);
/// Nobody's clock is faster or slower by more, in billionths: a tenth.
const MOST_DRIFT_PPB: f64 = 1e8;

/// `clock` of a group.
pub(super) fn of_group(reader: &mut Reader, node: &Node) -> Option<ClockPlan> {
    let map = reader.map(node, "clock", node.position, &["skew", "drift"])?;
    if node.entries().is_empty() {
        let help = "write `skew: 2s`, `drift: 50 ppm`, or both".to_owned();
        reader.error(node.position, "`clock` says nothing", help);
    }
    let skew = reader.optional(&map, "skew", skew);
    let drift = reader.optional(&map, "drift", |r, node| r.quantity(node, "drift", drift));
    Some(ClockPlan { skew: skew.unwrap_or_default(), drift: drift.unwrap_or_default() })
}

fn skew(reader: &mut Reader, node: &Node) -> Option<Skew> {
    if node.is_map() {
        return reader.distribution(node, "skew").map(Skew::Drawn);
    }
    reader.quantity(node, "skew", |text| {
        Ok(match signed(text)? {
            (Some(sign), span) => Skew::All(sign * nanoseconds(text, span)?),
            (None, span) => Skew::Within(nanoseconds(text, span)? as u64),
        })
    })
}

/// A time by which clocks are set, in nanoseconds; without a sign forward.
pub(super) fn jump(reader: &mut Reader, node: &Node) -> Option<i64> {
    let jump = reader.quantity(node, "jump", |text| {
        let (sign, span) = signed(text)?;
        Ok(sign.unwrap_or(1) * nanoseconds(text, span)?)
    })?;
    if jump == 0 {
        reader.error(node.position, "`jump` must be longer than nothing", None);
        return None;
    }
    Some(jump)
}

/// A sign, if there is one, and a span.
fn signed(text: &str) -> Result<(Option<i64>, Span), UnitError> {
    let text = text.trim();
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => Ok((Some(1), units::span(rest)?)),
        (_, Some(rest)) => Ok((Some(-1), units::span(rest)?)),
        _ => Ok((None, units::span(text)?)),
    }
}

fn nanoseconds(text: &str, span: Span) -> Result<i64, UnitError> {
    if span > MOST {
        let help = "it is at most ten years (87660h)".to_owned();
        return Err(UnitError::new(format!("`{text}` is too long"), help));
    }
    Ok(span.0 as i64)
}

fn drift(text: &str) -> Result<Drift, UnitError> {
    let help = || "write it like `50 ppm`, with a sign if it is the same for all, as in `-50 ppm`".to_owned();
    let wrong = || UnitError::new(format!("`{text}` is not a drift in millionths"), help());
    let number = text.trim().strip_suffix("ppm").ok_or_else(wrong)?.trim_end();
    let ppm: f64 = number.parse().map_err(|_| wrong())?;
    let ppb = libm::round(ppm * 1000.0);
    if !ppb.is_finite() || ppb.abs() > MOST_DRIFT_PPB {
        let help = "a clock is at most 100000 ppm too fast or too slow".to_owned();
        return Err(UnitError::new(format!("`{text}` is not a possible drift"), help));
    }
    Ok(if number.starts_with(['+', '-']) { Drift::All(ppb as i32) } else { Drift::Within(ppb as u32) })
}

/// The clocks of a group as a scenario has them.
pub(super) fn write(plan: &ClockPlan) -> String {
    let skew = match &plan.skew {
        Skew::All(by_ns) => write_signed(*by_ns),
        Skew::Within(most_ns) => Span(*most_ns).to_string(),
        Skew::Drawn(amount) => match distribution::write(amount) {
            map if map.starts_with('{') => map,
            constant => format!("{{constant: {constant}}}"),
        },
    };
    let drift = match plan.drift {
        Drift::All(ppb) => format!("{:+} ppm", f64::from(ppb) / 1000.0),
        Drift::Within(ppb) => format!("{} ppm", f64::from(ppb) / 1000.0),
    };
    format!("{{skew: {skew}, drift: {drift}}}")
}

/// A time with its sign.
pub(super) fn write_signed(by_ns: i64) -> String {
    let sign = if by_ns < 0 { '-' } else { '+' };
    format!("{sign}{}", Span(by_ns.unsigned_abs()))
}
