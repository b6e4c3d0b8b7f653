//! A tree of values that know where they were written.
//!
//! Text formats are turned into this tree elsewhere; readers of the tree report what is wrong with a position. The
//! tree knows no format, and refuses to know what its keys mean.
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A place in a text. Lines and columns start at 1 and count characters; the derived order is that of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// How many characters to underline; at least 1. It may reach past the end of the line.
    pub length: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1, length: 1 };
}

impl Default for Position {
    fn default() -> Self {
        Self::START
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it starts.
    pub position: Position,
    /// A number, boolean or null as it was written, so that messages quote what the user sees, also where a number
    /// is too large to be represented.
    pub written: Option<Arc<str>>,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number, also a whole number that does not fit; `written` has its exact digits.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order of the text; no key comes twice.
    Mapping(Vec<(Key, Node)>),
}

/// The key of a map's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub text: Arc<str>,
    /// Where it starts.
    pub position: Position,
}

impl Node {
    /// A node without a written form.
    pub const fn new(value: Value, position: Position) -> Self {
        Self { value, position, written: None }
    }

    /// A text node.
    pub fn string(text: &str, position: Position) -> Self {
        Self::new(Value::String(text.into()), position)
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value under a key, also when it is null.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The value under a key, unless it is null.
    pub fn present(&self, key: &str) -> Option<&Self> {
        self.get(key).filter(|node| !node.is_null())
    }

    /// The entry with a key.
    pub fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.entries().iter().find(|(own, _)| &*own.text == key)
    }

    /// The value under a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Mapping(entries) => {
                entries.iter_mut().find(|(own, _)| &*own.text == key).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<&Arc<str>> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing.
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Whether this is a map.
    pub const fn is_map(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// Whether this is a number.
    pub const fn is_number(&self) -> bool {
        matches!(self.value, Value::Integer(_) | Value::Float(_))
    }

    /// A scalar as text: a string itself, anything else as it was written. Lists and maps have none.
    pub fn scalar_text(&self) -> Option<Arc<str>> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Sequence(_) | Value::Mapping(_) => None,
            Value::Null => Some(self.written.clone().unwrap_or_default()),
            Value::Bool(yes) => Some(self.written.clone().unwrap_or_else(|| yes.to_string().into())),
            Value::Integer(number) => Some(self.written.clone().unwrap_or_else(|| number.to_string().into())),
            Value::Float(number) => Some(self.written.clone().unwrap_or_else(|| number.to_string().into())),
        }
    }

    /// What this is, for messages: `a number`, `a list`.
    pub const fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}
