//! Reads typed values from a tree, collecting every finding on the way.
//!
//! Each reader returns what it could read; nothing stops at the first error, and messages say what to write.

use std::sync::Arc;

use super::units::{self, UnitError};
use crate::dms::ensemble::finding::{Finding, Findings};
use crate::dms::ensemble::suggest::{did_you_mean, suggestion};
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::kernel::Span;

/// What comes again and again comes no more often.
const SHORTEST_PERIOD: Span = Span::millis(1);

/// Collects findings while values are read.
#[derive(Default)]
pub(super) struct Reader {
    /// What was found so far.
    pub findings: Findings,
    /// How many errors are among them.
    pub errors: usize,
}

/// A map that is being read, whose keys are known to be allowed.
#[derive(Clone)]
pub(super) struct Map<'n> {
    /// The map.
    pub node: &'n Node,
    /// What it is, for messages: `providers`.
    pub what: String,
    /// Where to report what it lacks.
    pub at: Position,
    /// Keys that are not allowed, each already reported.
    unknown: Vec<&'n str>,
}

/// A value of one variant: `{poisson: {mean: 60s}}` is the variant `poisson`.
pub(super) struct Variant<'n> {
    /// Which.
    pub name: &'n str,
    /// Where the name is.
    pub at: Position,
    /// Its content.
    pub node: &'n Node,
}

impl Reader {
    /// Adds an error.
    pub(super) fn error(
        &mut self,
        at: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.errors += 1;
        self.findings.push(Finding::error(at, message).with_help(help));
    }

    /// Adds a warning.
    pub(super) fn warning(
        &mut self,
        at: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.findings.push(Finding::warning(at, message).with_help(help));
    }

    /// A map that may have only `keys`.
    pub(super) fn map<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        at: Position,
        keys: &[&str],
    ) -> Option<Map<'n>> {
        if !node.is_map() {
            let help = match node.value {
                Value::Sequence(_) => format!("write without `- `: it may have {}", listed(keys)),
                _ => format!("it may have {}", listed(keys)),
            };
            self.wrong_type(node, &subject(what), "a map", help);
            return None;
        }
        let mut unknown = Vec::new();
        for (key, _) in node.entries() {
            if !keys.contains(&&*key.text) {
                let help = suggestion(&key.text, keys.iter().copied())
                    .unwrap_or_else(|| format!("{} may have {}", subject(what), listed(keys)));
                let message = format!("unknown key `{}` in {}", shortened(&key.text), subject(what));
                self.error(key.position, message, help);
                unknown.push(&*key.text);
            }
        }
        Some(Map { node, what: what.to_owned(), at, unknown })
    }

    /// A map with exactly one key, which is one of `names`; or, for names without content, the name itself.
    pub(super) fn variant<'n>(&mut self, node: &'n Node, what: &str, names: &[&str]) -> Option<Variant<'n>> {
        let (name, at, content) = match &node.value {
            Value::String(text) => (&**text, node.position, node),
            Value::Mapping(entries) if entries.len() == 1 => {
                (&*entries[0].0.text, entries[0].0.position, &entries[0].1)
            }
            Value::Mapping(entries) => {
                let at = entries.get(1).map_or(node.position, |(key, _)| key.position);
                let message = format!("{what} must be exactly one of {}", listed(names));
                let help = "indent what belongs to it, or write it as `{name: {...}}`".to_owned();
                self.error(at, message, help);
                return None;
            }
            _ => {
                self.wrong_type(node, what, "a map with one key", format!("the key is {}", listed(names)));
                return None;
            }
        };
        if !names.contains(&name) {
            let help = suggestion(name, names.iter().copied())
                .unwrap_or_else(|| format!("known are {}", listed(names)));
            self.error(at, format!("`{name}` is not {what}"), help);
            return None;
        }
        Some(Variant { name, at, node: content })
    }

    /// The value under a key, read by `read`; `None` where it is not written or wrong.
    pub(super) fn optional<T>(
        &mut self,
        map: &Map<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Option<T> {
        let (own, node) = map.node.entry(key)?;
        if node.is_null() {
            self.error(
                own.position,
                format!("`{key}` has no value"),
                "write one, or remove the line to use the default".to_owned(),
            );
            return None;
        }
        read(self, node)
    }

    /// The value under a key that must be written; `help` says what it is for.
    pub(super) fn required<T>(
        &mut self,
        map: &Map<'_>,
        key: &str,
        help: &str,
        read: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Option<T> {
        if map.node.entry(key).is_none() {
            // A misspelt key has been reported already, with this one as its advice.
            if !map.unknown.iter().any(|unknown| did_you_mean(unknown, [key]).is_some()) {
                self.error(map.at, format!("{} needs `{key}`", subject(&map.what)), help.to_owned());
            }
            return None;
        }
        self.optional(map, key, read)
    }

    /// The items of a list under a key; an absent or empty one has none.
    pub(super) fn list<'n>(&mut self, map: &Map<'n>, key: &str) -> &'n [Node] {
        let Some(node) = map.node.present(key) else { return &[] };
        if !matches!(node.value, Value::Sequence(_)) {
            let help = "a list has one `- ` line for each item".to_owned();
            self.wrong_type(node, &format!("`{key}`"), "a list", help);
        }
        node.items()
    }

    /// Says that a node has the wrong type.
    pub(super) fn wrong_type(
        &mut self,
        node: &Node,
        what: &str,
        wanted: &str,
        help: impl Into<Option<String>>,
    ) {
        let found = match (&node.value, node.scalar_text()) {
            (Value::Null, _) | (_, None) => node.type_name().to_owned(),
            (Value::Integer(_) | Value::Float(_), Some(text)) => format!("`{}`", shortened(&text)),
            (_, Some(text)) => format!("{} (`{}`)", node.type_name(), shortened(&text)),
        };
        self.error(node.position, format!("{what} must be {wanted}, not {found}"), help);
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Arc<str>> {
        match node.as_text() {
            Some(text) if text.trim().is_empty() => {
                self.error(node.position, format!("`{what}` must not be empty"), None);
                None
            }
            Some(text) => Some(text.clone()),
            None => {
                let help = node.scalar_text().map(|text| format!("put it in quotes: \"{text}\""));
                self.wrong_type(node, &format!("`{what}`"), "a text", help);
                None
            }
        }
    }

    /// A whole number from `low` to `high`.
    pub(super) fn whole(&mut self, node: &Node, what: &str, low: i64, high: i64) -> Option<i64> {
        match node.value {
            Value::Integer(number) if (low..=high).contains(&number) => Some(number),
            Value::Integer(number) => {
                let bound = if number < low {
                    format!("at least {low}")
                } else {
                    format!("at most {}", grouped(high))
                };
                self.error(node.position, format!("`{what}` must be {bound}, not {number}"), None);
                None
            }
            Value::Float(number) if number.abs() >= 9e18 => {
                let bound = if number < 0.0 {
                    format!("at least {low}")
                } else {
                    format!("at most {}", grouped(high))
                };
                self.error(node.position, format!("`{what}` must be {bound}"), None);
                None
            }
            Value::String(ref text) if text.parse::<i64>().is_ok() => {
                self.wrong_type(node, &format!("`{what}`"), "a whole number", "remove the quotes".to_owned());
                None
            }
            _ => {
                self.wrong_type(
                    node,
                    &format!("`{what}`"),
                    "a whole number",
                    "write it in digits".to_owned(),
                );
                None
            }
        }
    }

    /// How many of something: 1 to 10,000,000.
    pub(super) fn count(&mut self, node: &Node, what: &str) -> Option<u32> {
        self.whole(node, what, 1, 10_000_000).map(|number| number as u32)
    }

    /// A finite number without a unit.
    pub(super) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            _ => {
                self.wrong_type(node, &format!("`{what}`"), "a number without a unit", None);
                None
            }
        }
    }

    /// What `parse` makes of a single value.
    pub(super) fn quantity<T>(
        &mut self,
        node: &Node,
        what: &str,
        parse: fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let Some(text) = node.scalar_text().filter(|_| node.is_number() || node.as_text().is_some()) else {
            let help = parse("").err().and_then(|error| error.help);
            self.wrong_type(node, &format!("`{what}`"), "a single value", help);
            return None;
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(node.position, format!("`{what}`: {}", error.message), error.help);
                None
            }
        }
    }

    /// A span of time.
    pub(super) fn span(&mut self, node: &Node, what: &str) -> Option<Span> {
        self.quantity(node, what, units::span)
    }

    /// A span of time above zero.
    pub(super) fn positive_span(&mut self, node: &Node, what: &str) -> Option<Span> {
        let span = self.span(node, what)?;
        if span == Span::ZERO {
            self.error(node.position, format!("`{what}` must be longer than nothing"), None);
            return None;
        }
        Some(span)
    }

    /// How often something comes again.
    pub(super) fn period(&mut self, node: &Node, what: &str) -> Option<Span> {
        let span = self.positive_span(node, what)?;
        if span < SHORTEST_PERIOD {
            let help = "what comes that often makes a run that does not end".to_owned();
            self.error(node.position, format!("`{what}` must be at least {SHORTEST_PERIOD}"), help);
            return None;
        }
        Some(span)
    }

    /// A span of time in seconds.
    pub(super) fn seconds(&mut self, node: &Node, what: &str) -> Option<f64> {
        self.quantity(node, what, units::seconds)
    }

    /// Bytes.
    pub(super) fn bytes(&mut self, node: &Node, what: &str) -> Option<u64> {
        self.quantity(node, what, units::bytes)
    }

    /// A bit rate above zero.
    pub(super) fn rate(&mut self, node: &Node, what: &str) -> Option<u64> {
        let rate = self.quantity(node, what, units::bits_per_second)?;
        if rate == 0 {
            self.error(node.position, format!("`{what}` must be faster than nothing"), None);
            return None;
        }
        Some(rate)
    }

    /// A frequency in Hz.
    pub(super) fn hertz(&mut self, node: &Node, what: &str) -> Option<u64> {
        self.quantity(node, what, units::hertz)
    }

    /// A fraction, 0..=1.
    pub(super) fn fraction(&mut self, node: &Node, what: &str) -> Option<f64> {
        self.quantity(node, what, units::fraction)
    }

    /// One of some words with their values.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let written = node.scalar_text();
        let found = written.as_ref().and_then(|text| words.iter().find(|(name, _)| *name == &**text));
        if let Some((_, value)) = found {
            return Some(*value);
        }
        match written {
            Some(text) => {
                let help = suggestion(&text, names.iter().copied())
                    .unwrap_or_else(|| format!("known are {}", listed(&names)));
                self.error(node.position, format!("`{}` is not a value of `{what}`", shortened(&text)), help);
            }
            None => {
                let help = format!("known are {}", listed(&names));
                self.wrong_type(node, &format!("`{what}`"), "a word", help);
            }
        }
        None
    }
}

/// What a map is, for a sentence.
fn subject(what: &str) -> String {
    match what {
        "scenario" | "script" | "step" | "document" => format!("the {what}"),
        _ => format!("`{what}`"),
    }
}

/// Names for a sentence: `a`, `b` or `c`.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A text that is short enough to stand in a message.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN - 3).chain("...".chars()).collect()
}

/// A number with commas between its thousands.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
