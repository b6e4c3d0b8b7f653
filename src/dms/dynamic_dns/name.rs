//! Names of hosts as RFC 1123 has them, with the underscore that many machines have in theirs.

use std::fmt;
use std::sync::Arc;

/// The longest name, in characters (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;
/// The longest part between dots.
const LONGEST_LABEL: usize = 63;

/// A name, in small letters and without a dot at its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than 253 characters.
    #[error("a name has 1 to 253 characters, not {0}")]
    Length(usize),
    /// Nothing between two dots, or more than 63 characters.
    #[error("a part of a name has 1 to 63 characters: `{0}`")]
    LabelLength(String),
    /// Something else than letters, digits, hyphens and underscores.
    #[error("`{0}` is not allowed in a name")]
    Character(char),
    /// A hyphen at the beginning or the end of a part.
    #[error("no part of a name begins or ends with a hyphen: `{0}`")]
    Hyphen(String),
}

impl Name {
    /// Takes a name, with or without the dot of the root.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > LONGEST_NAME {
            return Err(NameError::Length(text.len()));
        }
        for label in text.split('.') {
            let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if let Some(wrong) = label.chars().find(|c| !allowed(c)) {
                return Err(NameError::Character(wrong));
            }
            if label.is_empty() || label.len() > LONGEST_LABEL {
                return Err(NameError::LabelLength(label.to_owned()));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(NameError::Hyphen(label.to_owned()));
            }
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it lies below another: `a.example` below `example`, never a name below itself.
    #[must_use]
    pub fn is_below(&self, zone: &Self) -> bool {
        self.0.strip_suffix(&*zone.0).is_some_and(|front| front.ends_with('.'))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_small_letters_and_parts_of_their_zone() {
        let name = Name::parse("Laptop-7.dyn.Example.").unwrap();
        assert_eq!(name.as_str(), "laptop-7.dyn.example");
        let zone = |text| Name::parse(text).unwrap();
        assert!(name.is_below(&zone("dyn.example")) && name.is_below(&zone("example")));
        assert!(!name.is_below(&name) && !name.is_below(&zone("yn.example")));
    }

    #[test]
    fn what_is_no_name_says_why() {
        let long = "a".repeat(64);
        for (text, why) in [
            ("", "a name has 1 to 253 characters, not 0"),
            ("a..b", "a part of a name has 1 to 63 characters: ``"),
            (".a", "a part of a name has 1 to 63 characters: ``"),
            (&long, &*format!("a part of a name has 1 to 63 characters: `{long}`")),
            ("a b.c", "` ` is not allowed in a name"),
            ("bücher.example", "`ü` is not allowed in a name"),
            ("-a.b", "no part of a name begins or ends with a hyphen: `-a`"),
        ] {
            assert_eq!(Name::parse(text).unwrap_err().to_string(), why);
        }
        let longest = ["a"; 127].join(".");
        assert!(Name::parse(&longest).is_ok());
        assert_eq!(Name::parse(&format!("{longest}.b")), Err(NameError::Length(255)));
    }
}
