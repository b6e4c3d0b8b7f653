//! YAML text to a tree with positions: the only file that knows a YAML parser.
//!
//! YAML 1.2 with the core schema; anchors, aliases and merge keys (`<<`) are resolved here, within budgets, so that
//! nothing later has to defend itself against huge or endless input. One file holds one document.

mod errors;
mod write;

use std::str;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

pub use self::write::{flow, write};
use crate::dms::ensemble::finding::{Finding, Findings};
use crate::dms::ensemble::tree::{Key, Node, Position, Value};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// How deep lists and maps may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many nodes aliases and merge keys may copy in one file.
pub const MAX_COPIED_NODES: usize = 200_000;

/// Reads one YAML document.
///
/// # Errors
/// What is wrong, in the order of the text: the first error of syntax, or every duplicate key.
pub fn parse(bytes: &[u8]) -> Result<Node, Vec<Finding>> {
    let text = decode(bytes).map_err(|finding| vec![finding])?;
    let mut builder = Builder::default();
    match builder.run(text) {
        Err(finding) => builder.findings.push(finding),
        Ok(None) => builder.findings.push(
            Finding::error(Position::START, "the file is empty")
                .with_help("it has no YAML document, or only comments".to_owned()),
        ),
        Ok(Some(root)) if !builder.findings.have_errors() => return Ok(root),
        Ok(Some(_)) => {}
    }
    Err(builder.findings.into_sorted())
}

/// Checks size and encoding.
fn decode(bytes: &[u8]) -> Result<&str, Finding> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are read", bytes.len());
        return Err(Finding::error(Position::START, message));
    }
    utf8(bytes).map_err(|finding| finding.with_help("YAML files must be saved as UTF-8".to_owned()))
}

/// The text of a file without a byte order mark.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Finding> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let valid = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let line = valid.matches('\n').count() + 1;
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let byte = bytes[error.valid_up_to()];
        Finding::error(position_at(line, column, 1), format!("not UTF-8 text: byte 0x{byte:02x}"))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A list or map that is still open.
struct Frame {
    position: Position,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        /// Where each key is in `entries`.
        index: FxHashMap<Arc<str>, usize>,
        /// The key whose value comes next, and whether it is a merge key.
        pending: Option<(Key, bool)>,
        /// Values of the merge key.
        merged: Option<(Key, Node)>,
    },
}

/// Turns the parser's events into a tree without recursion.
#[derive(Default)]
struct Builder {
    frames: Vec<Frame>,
    anchors: FxHashMap<usize, Node>,
    copied: usize,
    /// Values below all anchors so far.
    remembered: usize,
    root: Option<Node>,
    findings: Findings,
}

impl Builder {
    /// Reads all events. `None` when there is no document or nothing in it.
    fn run(&mut self, text: &str) -> Result<Option<Node>, Finding> {
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0;
        while let Some(event) = next_event(&mut parser, text)? {
            let (event, span) = event;
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Finding::error(position(&span), "a second YAML document starts here")
                            .with_help(
                                "a file holds one document: remove the `---` or split the file".to_owned(),
                            ));
                    }
                }
                Event::Alias(anchor) => {
                    let node = self.expand(anchor, position(&span))?;
                    self.place(node, false)?;
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let node = scalar(&text, style, tag.as_deref(), &span)?;
                    let merge = style == ScalarStyle::Plain && text == "<<";
                    self.remember(anchor, &node)?;
                    self.place(node, merge)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    check_collection_tag(tag.as_deref(), "seq", &span)?;
                    self.open(anchor, &span, Content::Sequence(Vec::new()))?;
                }
                Event::MappingStart(anchor, tag) => {
                    check_collection_tag(tag.as_deref(), "map", &span)?;
                    let content = Content::Mapping {
                        entries: Vec::new(),
                        index: FxHashMap::default(),
                        pending: None,
                        merged: None,
                    };
                    self.open(anchor, &span, content)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close()?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        let written =
            |root: &Node| !root.is_null() || root.written.as_ref().is_some_and(|text| !text.is_empty());
        Ok(self.root.take().filter(written))
    }

    fn open(&mut self, anchor: usize, span: &Span, content: Content) -> Result<(), Finding> {
        let position = Position { length: 1, ..position(span) };
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep(position));
        }
        self.frames.push(Frame { position, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Finding> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let value = match frame.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { mut entries, mut index, merged, .. } => {
                if let Some((key, source)) = merged {
                    self.merge(&mut entries, &mut index, &key, source)?;
                }
                Value::Mapping(entries)
            }
        };
        let node = Node::new(value, frame.position);
        self.remember(frame.anchor, &node)?;
        self.place(node, false)
    }

    /// Puts a finished node where it belongs: into the innermost open list or map, as key or value.
    fn place(&mut self, node: Node, merge: bool) -> Result<(), Finding> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, index, pending, merged } => match pending.take() {
                None => {
                    let Some(text) = node.scalar_text() else {
                        let message = format!("a key must be a single word, not {}", node.type_name());
                        return Err(Finding::error(node.position, message));
                    };
                    *pending = Some((Key { text, position: node.position }, merge));
                }
                Some((key, is_merge)) => {
                    let node = at_key_when_absent(node, &key);
                    let first = if is_merge {
                        merged.as_ref().map(|(first, _)| first.position)
                    } else {
                        index.get(&key.text).map(|at| entries[*at].0.position)
                    };
                    if let Some(first) = first {
                        self.findings.error_with_help(
                            key.position,
                            format!("duplicate key `{}`", key.text),
                            format!("it was first written at line {}, column {}", first.line, first.column),
                        );
                    } else if is_merge {
                        *merged = Some((key, node));
                    } else {
                        index.insert(key.text.clone(), entries.len());
                        entries.push((key, node));
                    }
                }
            },
        }
        Ok(())
    }

    /// Adds the entries of a merge key's maps: own keys win over merged ones, and earlier maps over later ones.
    fn merge(
        &mut self,
        entries: &mut Vec<(Key, Node)>,
        index: &mut FxHashMap<Arc<str>, usize>,
        key: &Key,
        source: Node,
    ) -> Result<(), Finding> {
        let maps = match source.value {
            Value::Sequence(items) => items,
            _ => vec![source],
        };
        for map in maps {
            let type_name = map.type_name();
            let Value::Mapping(more) = map.value else {
                let message = format!("a merge key needs a map or a list of maps, not {type_name}");
                return Err(Finding::error(key.position, message));
            };
            for (key, node) in more {
                if !index.contains_key(&key.text) {
                    index.insert(key.text.clone(), entries.len());
                    entries.push((key, node));
                }
            }
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Finding> {
        if anchor > 0 {
            // Anchors within anchors are remembered more than once.
            self.remembered += extent(node).0;
            if self.remembered > MAX_COPIED_NODES {
                let message = format!("anchors stand for more than {MAX_COPIED_NODES} values");
                return Err(Finding::error(node.position, message));
            }
            self.anchors.insert(anchor, node.clone());
        }
        Ok(())
    }

    /// A copy of an anchor's node, standing where the alias stands.
    fn expand(&mut self, anchor: usize, position: Position) -> Result<Node, Finding> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Finding::error(position, "this alias is inside its own anchor"));
        };
        let (nodes, depth) = extent(node);
        self.copied += nodes;
        if self.copied > MAX_COPIED_NODES {
            let message = format!("aliases copy more than {MAX_COPIED_NODES} values");
            return Err(Finding::error(position, message));
        }
        if self.frames.len() + depth > MAX_DEPTH {
            return Err(too_deep(position));
        }
        Ok(Node { position, ..node.clone() })
    }
}

/// How many nodes a tree has and how deep its lists and maps go. The depth is bounded by `MAX_DEPTH`.
fn extent(node: &Node) -> (usize, usize) {
    let children: Vec<(usize, usize)> = match &node.value {
        Value::Sequence(items) => items.iter().map(extent).collect(),
        Value::Mapping(entries) => entries.iter().map(|(_, node)| extent(node)).collect(),
        _ => return (1, 0),
    };
    children.iter().fold((1, 1), |(nodes, depth), child| (nodes + child.0, depth.max(child.1 + 1)))
}

fn too_deep(position: Position) -> Finding {
    Finding::error(position, format!("lists and maps are nested more than {MAX_DEPTH} deep"))
}

/// A value that is not written (`key:` and nothing) is reported at its key: the parser places it further down.
fn at_key_when_absent(node: Node, key: &Key) -> Node {
    let absent = node.is_null() && node.written.as_ref().is_some_and(|text| text.is_empty());
    if absent { Node { position: key.position, ..node } } else { node }
}

fn next_event<'a>(
    parser: &mut Parser<'a, StrInput<'a>>,
    text: &str,
) -> Result<Option<(Event<'a>, Span)>, Finding> {
    parser.next_event().transpose().map_err(|error| errors::syntax_error(&error, text))
}

fn position_at(line: usize, column: usize, length: usize) -> Position {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    Position { line: small(line), column: small(column), length: small(length) }
}

fn position(span: &Span) -> Position {
    let length = span.end.index().saturating_sub(span.start.index());
    position_at(span.start.line(), span.start.col() + 1, length)
}

fn check_collection_tag(tag: Option<&Tag>, own: &str, span: &Span) -> Result<(), Finding> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == own) => Err(unknown_tag(tag, span)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: &Span) -> Finding {
    Finding::error(position(span), format!("the YAML tag `{tag}` means nothing here"))
}

/// A scalar's node: quoted and block text are strings, plain text follows the core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Node, Finding> {
    let position = position(span);
    let wanted = match tag {
        Some(tag) if tag.is_yaml_core_schema() => Some(tag.suffix.as_str()),
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Some("str"),
        Some(tag) => return Err(unknown_tag(tag, span)),
        None => None,
    };
    if wanted == Some("str") || (wanted.is_none() && style != ScalarStyle::Plain) {
        return Ok(Node::string(text, position));
    }
    let mut value = resolve(text);
    if let (Some("float"), Value::Integer(number)) = (wanted, &value) {
        value = Value::Float(*number as f64);
    }
    let fits = matches!(
        (wanted, &value),
        (None, _)
            | (Some("null"), Value::Null)
            | (Some("bool"), Value::Bool(_))
            | (Some("int"), Value::Integer(_))
            | (Some("float"), Value::Float(_))
    );
    if let (false, Some(tag)) = (fits, tag) {
        return Err(Finding::error(
            position,
            format!("`{text}` does not fit the YAML tag `!!{}`", tag.suffix),
        ));
    }
    let written = (!matches!(value, Value::String(_))).then(|| text.into());
    Ok(Node { value, position, written })
}

/// The core schema of YAML 1.2 (section 10.3.2) for plain scalars.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        _ => {}
    }
    let (sign, unsigned) = match text.as_bytes() {
        [b'-', ..] => (-1.0, &text[1..]),
        [b'+', ..] => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Value::Float(sign * f64::INFINITY);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return match i64::from_str_radix(digits, radix) {
                Ok(number) if all_digits => Value::Integer(number),
                _ => Value::String(text.into()),
            };
        }
    }
    if !is_decimal(unsigned) {
        return Value::String(text.into());
    }
    text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float)).unwrap_or_else(
        // Not reachable as far as the grammars agree, and harmless where they do not.
        |_| Value::String(text.into()),
    )
}

/// Whether a text is `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, with an optional exponent.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent_fits && digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty())
}

#[cfg(test)]
mod tests;
