//! A tree as YAML text that people like to read: the top in blocks, a list below it an item a line, everything else in
//! flow style as long as a line holds it.
//!
//! [`super::parse`] reads it back as the same tree, positions aside.

use std::fmt::Write as _;

use crate::dms::ensemble::tree::{Node, Value};

/// No line is longer, unless a single scalar is.
const WIDTH: usize = 118;

/// The text of a tree.
#[must_use]
pub fn write(root: &Node) -> String {
    let mut out = String::new();
    match &root.value {
        Value::Mapping(entries) if !entries.is_empty() => block(&mut out, root, 0),
        Value::Sequence(items) if !items.is_empty() => block(&mut out, root, 0),
        _ => {
            out.push_str(&flow(root));
            out.push('\n');
        }
    }
    out
}

/// A tree in flow style, in one line.
#[must_use]
pub fn flow(node: &Node) -> String {
    match &node.value {
        Value::Sequence(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Mapping(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, node)| format!("{}: {}", text(&key.text), flow(node))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        _ => scalar(node),
    }
}

/// The entries or items of a node, a line or more each.
fn block(out: &mut String, node: &Node, indent: usize) {
    let margin = " ".repeat(indent);
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let _ = write!(out, "{margin}{}:", text(&key.text));
                below(out, value, indent, indent + key.text.len() + 2);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                let _ = write!(out, "{margin}-");
                let line = match item.entries() {
                    [(key, value)] => format!("{}: {}", text(&key.text), flow(value)),
                    _ => flow(item),
                };
                if is_plain(item) || indent + 2 + line.len() <= WIDTH {
                    let _ = writeln!(out, " {line}");
                } else {
                    // The first entry stands behind the dash.
                    let mut inner = String::new();
                    block(&mut inner, item, indent + 2);
                    let _ = write!(out, " {}", inner.trim_start_matches(' '));
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a key.
fn below(out: &mut String, value: &Node, indent: usize, before: usize) {
    let line = flow(value);
    let lists = indent == 0 && !value.items().is_empty() && value.items().iter().any(|item| !is_plain(item));
    if is_plain(value) || (before + line.len() <= WIDTH && !lists) {
        let _ = writeln!(out, " {line}");
    } else {
        out.push('\n');
        block(out, value, indent + 2);
    }
}

/// Whether there is nothing in it that could stand on a line of its own.
fn is_plain(node: &Node) -> bool {
    node.items().is_empty() && node.entries().is_empty()
}

fn scalar(node: &Node) -> String {
    match (&node.value, &node.written) {
        (Value::String(value), _) => text(value),
        (Value::Null, _) => "null".to_owned(),
        (_, Some(written)) => written.to_string(),
        (Value::Bool(value), None) => value.to_string(),
        (Value::Integer(value), None) => value.to_string(),
        (Value::Float(value), None) if value.is_finite() => format!("{value:?}"),
        (Value::Float(value), None) if value.is_nan() => ".nan".to_owned(),
        (Value::Float(value), None) => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        (Value::Sequence(_) | Value::Mapping(_), None) => flow(node),
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
            c if c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c == '\u{feff}' => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text can stand without quotes: of plain characters only, beginning with a letter, a digit or a slash, and
/// nothing that is read as a number, a truth or nothing.
fn is_bare(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+%@".contains(c);
    let spaced = |c: char| plain(c) || c == ' ' || c == '=' || c == '<' || c == '>';
    let first = value.chars().next();
    let begins = first.is_some_and(|c| c.is_ascii_alphanumeric() || c == '/');
    let word = value.to_ascii_lowercase();
    let special =
        matches!(&*word, "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "nan" | "inf");
    let number = value.parse::<f64>().is_ok()
        || (value.len() > 1 && value.starts_with('0'))
        || (value.starts_with(|c: char| c.is_ascii_digit()) && value.contains('_'));
    let ends = !value.ends_with(' ');
    begins && ends && value.chars().all(spaced) && !special && !number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::*;
    use crate::dms::ensemble::tree::{Key, Position};

    /// The same without positions and without how numbers were written.
    fn bare(node: &Node) -> Node {
        let value = match &node.value {
            Value::Sequence(items) => Value::Sequence(items.iter().map(bare).collect()),
            Value::Mapping(entries) => {
                let key = |key: &Key| Key { text: key.text.clone(), position: Position::START };
                Value::Mapping(entries.iter().map(|(own, node)| (key(own), bare(node))).collect())
            }
            value => value.clone(),
        };
        Node::new(value, Position::START)
    }

    fn node(value: Value) -> Node {
        Node::new(value, Position::START)
    }

    fn trees() -> impl Strategy<Value = Node> {
        let texts = prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            prop::sample::select(vec![
                "",
                "null",
                "~",
                "true",
                "no",
                "1",
                "1e3",
                "0x1f",
                "010",
                "1_000",
                "-",
                "- a",
                "a: b",
                "a #b",
                "<<",
                "*a",
                "&a",
                "!x",
                "%d",
                "@x",
                "`x`",
                "a\nb",
                " a",
                "a ",
                "'",
                "\"",
                "\\",
                "[x]",
                "{x}",
                ",",
                "?",
                ":",
                "5m",
                "1.5.2",
                ".5",
                "+1",
                "=",
                "---",
                "...",
                "\u{feff}",
                "\u{85}",
                "2025-01-01",
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(node(Value::Null)),
            any::<bool>().prop_map(|value| node(Value::Bool(value))),
            any::<i64>().prop_map(|value| node(Value::Integer(value))),
            (-1e9..1e9_f64).prop_map(|value| node(Value::Float(value))),
            texts.clone().prop_map(|text| node(Value::String(text.into()))),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let keys = texts.clone();
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|items| node(Value::Sequence(items))),
                prop::collection::btree_map(keys, inner, 0..6).prop_map(|entries| {
                    let entry = |(text, node): (String, Node)| {
                        (Key { text: text.as_str().into(), position: Position::START }, node)
                    };
                    let kept = entries.into_iter().filter(|(text, _)| text != "<<");
                    node(Value::Mapping(kept.map(entry).collect()))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(tree in trees()) {
            prop_assume!(tree.is_map());
            let written = write(&tree);
            match parse(written.as_bytes()) {
                Ok(read) => prop_assert_eq!(bare(&read), bare(&tree), "{}", written),
                Err(findings) => prop_assert!(false, "{:?} in\n{}", findings, written),
            }
        }
    }

    #[test]
    fn a_scenario_looks_as_one_that_a_person_wrote() {
        let text = "version: 1\nduration: 10m\nnetwork: {latency: {constant: 20ms}, loss: 1%}\npeers:\n  - providers: \
                    {count: 3}\n  - orchestrators: {names: [alice, bob]}\nexpect: [deployments.succeeded == 2]\n";
        let tree = parse(text.as_bytes()).unwrap();
        assert_eq!(write(&tree), text);
    }
}
