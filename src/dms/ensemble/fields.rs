//! Reads the fields of maps and says what is wrong with them.
//!
//! Each reader returns what it could read and adds findings for the rest; nothing stops at the first error. The words
//! here are used where the texts of DMS are not known.
use std::sync::Arc;

use super::config::Word;
use super::finding::{Finding, Findings, Step};
use super::shape::Map;
use super::suggest::suggestion;
use super::tree::{Node, Position, Value};

/// A text field. Null counts as absent.
pub(super) fn text(map: &Node, key: &str, out: &mut Findings) -> Option<Arc<str>> {
    let node = map.present(key)?;
    let text = node.as_text();
    if text.is_none() {
        must_be(node, &format!("`{key}`"), "a string", out);
    }
    text.cloned()
}

/// A text field that, when given, must not be empty; `subject` begins the message.
pub(super) fn non_empty(map: &Node, key: &str, subject: &str, out: &mut Findings) -> Option<Arc<str>> {
    let value = text(map, key, out)?;
    if value.is_empty() {
        out.push(empty(map, key, subject).reworded(Step::Validate));
        return None;
    }
    Some(value)
}

/// The same where the message of DMS is known to be this one.
pub(super) fn quoted_non_empty(map: &Node, key: &str, subject: &str, out: &mut Findings) -> Option<Arc<str>> {
    let value = text(map, key, out)?;
    if value.is_empty() {
        out.push(empty(map, key, subject).quoted());
        return None;
    }
    Some(value)
}

fn empty(map: &Node, key: &str, subject: &str) -> Finding {
    let position = map.get(key).map_or(map.position, |node| node.position);
    Finding::error(position, format!("{subject} cannot be empty if specified"))
}

/// A list of texts; empty when absent.
pub(super) fn texts(map: &Node, key: &str, out: &mut Findings) -> Vec<Arc<str>> {
    let texts = texts_with_positions(map, key, out);
    texts.into_iter().map(|(text, _)| text).collect()
}

/// A list of texts, each with its place; empty when absent.
pub(super) fn texts_with_positions(map: &Node, key: &str, out: &mut Findings) -> Vec<(Arc<str>, Position)> {
    let mut found = Vec::new();
    for item in list(map, key, out) {
        match item.as_text() {
            Some(text) => found.push((text.clone(), item.position)),
            None => must_be(item, &format!("an item of `{key}`"), "a string", out),
        }
    }
    found
}

/// The items of a list field; none when absent.
pub(super) fn list<'a>(map: &'a Node, key: &str, out: &mut Findings) -> &'a [Node] {
    let Some(node) = map.present(key) else { return &[] };
    if !matches!(node.value, Value::Sequence(_)) {
        must_be(node, &format!("`{key}`"), "a list", out);
    }
    node.items()
}

/// A field that is a map; `None` when absent.
pub(super) fn map<'a>(map: &'a Node, key: &str, out: &mut Findings) -> Option<&'a Node> {
    let node = map.present(key)?;
    if !node.is_map() {
        must_be(node, &format!("`{key}`"), "a map", out);
        return None;
    }
    Some(node)
}

/// A boolean field; `None` when absent.
pub(super) fn boolean(map: &Node, key: &str, out: &mut Findings) -> Option<bool> {
    let node = map.present(key)?;
    let Value::Bool(yes) = node.value else {
        must_be(node, &format!("`{key}`"), "true or false", out);
        return None;
    };
    Some(yes)
}

/// A whole number from 0 on; `None` when absent. DMS compares such numbers with a type that YAML never gives, and so
/// checks none of them (dms-acceptance 5.4, quirk 2).
pub(super) fn whole(map: &Node, key: &str, out: &mut Findings) -> Option<u64> {
    let node = map.present(key)?;
    match node.value {
        Value::Integer(number) if number >= 0 => Some(number.unsigned_abs()),
        _ => {
            let written = node.scalar_text().map_or(String::new(), |text| format!(", not `{text}`"));
            let help = "DMS itself does not check it".to_owned();
            let message = format!("`{key}` must be a whole number from 0 on{written}");
            out.stricter(node.position, message, help);
            None
        }
    }
}

/// A word of a closed set. `subject` is what the messages of DMS call the field, and `in_dms` says what DMS does with
/// another word.
pub(super) fn word<T: Word>(
    map: &Node,
    key: &str,
    subject: &str,
    in_dms: fn(Finding) -> Finding,
    out: &mut Findings,
) -> Option<T> {
    let written = text(map, key, out)?;
    let value = T::from_word(&written);
    if value.is_none() {
        let position = map.get(key).map_or(map.position, |node| node.position);
        let message = format!("invalid {subject} \"{written}\": must be one of [{}]", T::WORDS.join(" "));
        let help = suggestion(&written, T::WORDS.iter().copied());
        out.push(in_dms(Finding::error(position, message).with_help(help)));
    }
    value
}

/// What DMS does with most words that it does not know: it refuses them in words that are not known.
pub(super) fn refused(finding: Finding) -> Finding {
    finding.reworded(Step::Validate)
}

/// Says that a node has the wrong type.
pub(super) fn must_be(node: &Node, what: &str, wanted: &str, out: &mut Findings) {
    let quotes = wanted == "a string" && (node.is_number() || matches!(node.value, Value::Bool(_)));
    let help =
        if quotes { node.scalar_text().map(|text| format!("put it in quotes: \"{text}\"")) } else { None };
    out.error_with_help(node.position, format!("{what} must be {wanted}, not {}", node.type_name()), help);
}

/// Warns of keys that DMS ignores in silence (dms-acceptance 5.4, quirk 6); those of older forms of the format come
/// with what to write today.
pub(super) fn known_keys(node: &Node, map: &Map, out: &mut Findings) {
    for (key, _) in node.entries() {
        if map.names().any(|known| known == &*key.text) {
            continue;
        }
        let help = former(map, &key.text).or_else(|| suggestion(&key.text, map.names()));
        let message = format!("unknown key `{}` in {}: DMS ignores it", key.text, map.what);
        out.warning(key.position, message, help);
    }
}

/// What to write today instead of a key of an older form.
pub(super) fn former(map: &Map, key: &str) -> Option<String> {
    map.former.iter().find(|(old, _)| *old == key).map(|(_, advice)| (*advice).to_owned())
}
