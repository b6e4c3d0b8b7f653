//! A tree as YAML text that people like to read: the top in blocks, a list below it an item a line, everything else in
//! flow style as long as a line holds it.
//!
//! [`super::parse`] reads it back as the same tree, positions aside; so do readers of YAML 1.1, for which more words
//! and numbers are none of text.

use std::fmt::Write as _;

use super::resolve;
use crate::dms::ensemble::tree::{Key, Node, Value};
use crate::kernel::has_power;

/// No line is longer, unless a single scalar is.
const WIDTH: usize = 118;
/// Longer keys stand in flow style only: elsewhere YAML wants the colon within 1024 characters.
const LONGEST_KEY: usize = 1000;
/// What is not written, where something must stand.
const NOTHING: &str = "!!null \"\"";
/// What YAML 1.1 takes for true or false, and programs for a number.
const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// The text of a tree.
#[must_use]
pub fn write(root: &Node) -> String {
    let mut out = String::new();
    if root.is_null() {
        out.push_str("null\n");
    } else if is_single(root) {
        let _ = writeln!(out, "{}", flow(root));
    } else {
        block(&mut out, root, 0);
    }
    out
}

/// A tree in flow style, in one line.
#[must_use]
pub fn flow(node: &Node) -> String {
    match &node.value {
        Value::Sequence(items) => {
            // What is not written at all needs a sign among items.
            let item =
                |node: &Node| Some(flow(node)).filter(|text| !text.is_empty()).unwrap_or(NOTHING.into());
            let items: Vec<String> = items.iter().map(item).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) => {
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        _ => scalar(node),
    }
}

fn entry((key, node): &(Key, Node)) -> String {
    format!("{}: {}", text(&key.text), flow(node))
}

/// The entries or items of a node, a line or more each.
fn block(out: &mut String, node: &Node, indent: usize) {
    let margin = " ".repeat(indent);
    for (key, value) in node.entries() {
        let key = text(&key.text);
        let before = indent + columns(&key) + 2;
        let _ = write!(out, "{margin}{key}:");
        below(out, value, indent, before);
    }
    for item in node.items() {
        let _ = write!(out, "{margin}-");
        // `- providers: {count: 3}`: the braces around it would say nothing.
        let line = match item.entries() {
            [only] if !is_single(item) => entry(only),
            _ => flow(item),
        };
        if is_single(item) || indent + 2 + columns(&line) <= WIDTH {
            end(out, &line);
        } else {
            // The first entry stands behind the dash.
            let mut inner = String::new();
            block(&mut inner, item, indent + 2);
            let _ = write!(out, " {}", inner.trim_start_matches(' '));
        }
    }
}

/// What stands behind a key.
fn below(out: &mut String, value: &Node, indent: usize, before: usize) {
    let line = flow(value);
    let lists = indent == 0 && value.items().iter().any(|item| !is_plain(item));
    if is_single(value) || (before + columns(&line) <= WIDTH && !lists) {
        end(out, &line);
    } else {
        out.push('\n');
        block(out, value, indent + 2);
    }
}

/// Ends a line with what may be nothing.
fn end(out: &mut String, line: &str) {
    let line = line.trim_end_matches(' ');
    let space = if line.is_empty() { "" } else { " " };
    let _ = writeln!(out, "{space}{line}");
}

/// Whether there is nothing in it that could stand on a line of its own.
fn is_plain(node: &Node) -> bool {
    node.items().is_empty() && node.entries().is_empty()
}

/// Whether it stands on one line, however long that is.
fn is_single(node: &Node) -> bool {
    is_plain(node) || node.entries().iter().any(|(key, _)| columns(&text(&key.text)) > LONGEST_KEY)
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A scalar as it was written where it is still that, for some readers look at what was written.
fn scalar(node: &Node) -> String {
    if let Some(written) = &node.written {
        match (resolve(written), &node.value) {
            (Value::Null, Value::Null) => return written.to_string(),
            (Value::Bool(read), Value::Bool(value)) if read == *value => return written.to_string(),
            (Value::Integer(read), Value::Integer(value)) if read == *value => return written.to_string(),
            (Value::Integer(read), Value::Float(value)) if read as f64 == *value => {
                return format!("!!float {written}");
            }
            (Value::Float(read), Value::Float(value)) if read.to_bits() == value.to_bits() => {
                return written.to_string();
            }
            _ => {}
        }
    }
    match &node.value {
        Value::String(value) => text(value),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) if value.is_nan() => ".nan".to_owned(),
        Value::Float(value) if value.is_infinite() => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Value::Float(value) => format!("{value:?}"),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => "null".to_owned(),
    }
}

/// A text: as it is where it reads back as one, else between quotes.
fn text(value: &str) -> String {
    if is_bare(value) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if has_power(c) || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(c) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text can stand without quotes, also in flow style: nothing in it ends it or begins something else (to some
/// readers `?` does), and it is not read as a number, a truth or nothing.
fn is_bare(value: &str) -> bool {
    let plain = |c: char| (c.is_ascii_graphic() && !",[]{}?".contains(c)) || c == ' ' || c.is_alphanumeric();
    let mut all = value.chars();
    let begins = match all.next() {
        Some('-') => all.next().is_some_and(|c| c == '-' || c.is_alphanumeric()) && !value.starts_with("---"),
        Some('.') => !value.starts_with("..."),
        Some(c) => c.is_alphanumeric() || "/_+~$(".contains(c),
        None => false,
    };
    let ends = value.ends_with([' ', ':']) || value.ends_with(" -");
    let breaks = ends || value.contains(": ") || value.contains(" #");
    begins && !breaks && value.chars().all(plain) && !is_more_than_text(value)
}

/// Whether YAML, 1.2 or 1.1, or a program reads a plain scalar as something else than text: `1e3`, `010`, `1_000`,
/// `12:30`, `2025-01-01`, `yes`. Addresses (`10.0.0.1`) and versions are text.
fn is_more_than_text(value: &str) -> bool {
    let unsigned = value.trim_start_matches(['+', '-']);
    let number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || "._:+-eE".contains(c))
        && (unsigned.matches('.').count() < 2 || unsigned.contains([':', '_']));
    let based = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0b"));
    number
        || based.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<f64>().is_ok()
        || !matches!(resolve(value), Value::String(_))
}

#[cfg(test)]
mod tests;
