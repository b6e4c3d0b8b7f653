//! A small language in which a text format is described: maps with known keys and the shapes of their values.
//!
//! Readers take the keys that they know from such a description, and a JSON Schema for editors is made from the same
//! one. It describes structure only: what refers to what, and every rule over several values, is the readers' business.

/// A map with known keys.
#[derive(Debug)]
pub struct Map {
    /// What messages call it: `an allocation`.
    pub what: &'static str,
    /// Its keys, in the order in which people write them.
    pub keys: &'static [Key],
    /// Keys of older forms of the format, and what to write today.
    pub former: &'static [(&'static str, &'static str)],
    /// Whether other keys may stand there too.
    pub open: bool,
    /// Keys of which exactly one must be there; none for no such rule.
    pub one_of: &'static [&'static str],
    /// Pairs of keys of which the first, where it stands, needs the second.
    pub needs: &'static [(&'static str, &'static str)],
}

impl Map {
    /// A map that has only these keys.
    pub const fn new(what: &'static str, keys: &'static [Key]) -> Self {
        Self { what, keys, former: &[], open: false, one_of: &[], needs: &[] }
    }

    /// The same, knowing keys of older forms.
    #[must_use]
    pub const fn formerly(self, former: &'static [(&'static str, &'static str)]) -> Self {
        Self { former, ..self }
    }

    /// The same, where anything else may stand too.
    #[must_use]
    pub const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// The same, where exactly one of some keys must be there.
    #[must_use]
    pub const fn with_one_of(self, one_of: &'static [&'static str]) -> Self {
        Self { one_of, ..self }
    }

    /// The same, where some keys need others.
    #[must_use]
    pub const fn with_needs(self, needs: &'static [(&'static str, &'static str)]) -> Self {
        Self { needs, ..self }
    }

    /// The names of its keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

/// A key of a map.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it means, in a line.
    pub about: &'static str,
    /// Whether it must be written.
    pub required: bool,
    /// What holds when it is not written, where that can be said in a word.
    pub default: Option<&'static str>,
}

impl Key {
    /// A key that may be left out.
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, about, required: false, default: None }
    }

    /// The same, but it must be written.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same with what holds when it is not written.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// A text that is not empty.
    Filled,
    /// A text of a regular expression (ECMA-262, as JSON Schema wants it).
    Matching(&'static str),
    /// One of some words.
    Words(&'static [&'static str]),
    /// Nothing at all: `null`, or no value behind the key.
    Nothing,
    /// True or false.
    Flag,
    /// A whole number from one bound to another.
    Whole(i64, i64),
    /// Any number.
    Number,
    /// A number from 0 to 1.
    Share,
    /// A number above zero.
    Positive,
    /// Any single value, also a number.
    Scalar,
    /// A number with a unit.
    Quantity(Quantity),
    /// A list.
    List(&'static Self),
    /// A list of so many.
    ListOf(usize, &'static Self),
    /// A list that is not empty.
    FilledList(&'static Self),
    /// A map with any names.
    Named(&'static Self),
    /// A map that is not empty, whose names are host names.
    Hosts(&'static Self),
    /// A map with known keys.
    Map(&'static Map),
    /// A map whose keys depend on the word under one of them.
    Tagged(&'static str, &'static [(&'static str, &'static Map)]),
    /// One of several.
    Either(&'static [Self]),
}

/// Numbers with units, as texts.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// The units that may follow the number.
    pub units: &'static [(&'static str, u64)],
    /// Whether a number without a unit will do.
    pub bare: bool,
    /// Whether a unit may be written all in small or all in capital letters.
    pub any_case: bool,
    /// Whether several may follow each other: `1h30m`.
    pub repeated: bool,
}
