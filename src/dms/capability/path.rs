//! Capability paths and their implication (spec section 2.2). Topics follow the same rule.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrayvec::ArrayString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rules::Rules;

/// A capability or topic: a plain text, compared as text however it is kept; cheap to clone. One that is known when
/// the program is built needs no allocation, nor does one of up to 40 bytes.
#[derive(Clone)]
pub struct Capability(Text);

/// Bytes of the longest text that is kept in place. Paths that are made for one message, and hold a number, fit.
const INLINE_BYTES: usize = 40;

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Inline(ArrayString<INLINE_BYTES>),
    Shared(Arc<str>),
}

impl Capability {
    /// A capability known when the program is built; clones without counting references.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self(Text::Static(text))
    }
    /// Any other capability.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(ArrayString::from(text).map_or_else(|_| Text::Shared(text.into()), Text::Inline))
    }
    /// The capability that `text` writes, such as `format_args!("/a/{number}")`.
    #[must_use]
    pub fn written(text: fmt::Arguments<'_>) -> Self {
        let mut inline = ArrayString::new();
        let fits = inline.write_fmt(text).is_ok();
        Self(if fits { Text::Inline(inline) } else { Text::Shared(text.to_string().into()) })
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Inline(text) => text,
            Text::Shared(text) => text,
        }
    }
    /// True when holding this capability gives `other`: they are equal, this is `/`, or `other` lies below
    /// this path.
    ///
    /// Case-sensitive, without normalisation or wildcards; a trailing slash is significant. The empty text
    /// implies every absolute path where the rules have that weakness and nothing at all otherwise.
    #[must_use]
    pub fn implies(&self, other: &Self, rules: Rules) -> bool {
        let (this, other) = (self.as_str(), other.as_str());
        if this.is_empty() {
            return rules.empty_implies_absolute && (other.is_empty() || other.starts_with('/'));
        }
        match other.strip_prefix(this) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || this == "/",
            None => this == "/",
        }
    }
    /// True when `held` implies every one of `wanted` (vacuously for none).
    #[must_use]
    pub fn all_implied(held: &[Self], wanted: &[Self], rules: Rules) -> bool {
        wanted.iter().all(|other| Self::any_implies(held, other, rules))
    }
    /// True when one of `held` implies `wanted`.
    #[must_use]
    pub fn any_implies(held: &[Self], wanted: &Self, rules: Rules) -> bool {
        held.iter().any(|capability| capability.implies(wanted, rules))
    }
}

impl From<&'static str> for Capability {
    fn from(text: &'static str) -> Self {
        Self::fixed(text)
    }
}
impl From<String> for Capability {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}
impl From<Arc<str>> for Capability {
    fn from(text: Arc<str>) -> Self {
        Self(Text::Shared(text))
    }
}
impl PartialEq for Capability {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
impl Eq for Capability {}
impl PartialOrd for Capability {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Capability {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}
impl Hash for Capability {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl Borrow<str> for Capability {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}
impl AsRef<str> for Capability {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;
    use proptest::prelude::*;

    fn implies(a: &str, b: &str, rules: Rules) -> bool {
        Capability::new(a).implies(&Capability::new(b), rules)
    }

    #[test]
    fn vector_d1() {
        for rules in [Rules::INTENDED, Rules::AS_IS] {
            for anything in ["", "x", "/", "/a", "/a/b", "topic"] {
                assert!(implies("/", anything, rules));
            }
            assert!(implies("/a", "/a", rules));
            assert!(implies("/a", "/a/b", rules));
            assert!(!implies("/a", "/ab", rules));
            assert!(!implies("/a/b", "/a", rules));
            assert!(!implies("/a/", "/a/b", rules));
            assert!(!implies("/a/", "/a", rules));
            assert!(!implies("/A", "/a", rules));
            assert!(implies("test", "test/x", rules));
        }
    }

    #[test]
    fn the_empty_capability_is_a_switch() {
        for (other, as_is) in [("", true), ("/", true), ("/a/b", true), ("a", false)] {
            assert_eq!(implies("", other, Rules::AS_IS), as_is);
            assert!(!implies("", other, Rules::INTENDED));
        }
    }

    proptest! {
        /// Lengths on both sides of the longest text that is kept in place.
        #[test]
        fn how_a_text_is_kept_makes_no_difference(a in "[/aé]{0,50}", b in "[/aé]{0,50}") {
            let all = |text: &str| {
                [Capability::new(text), Capability::written(format_args!("{text}")), Arc::<str>::from(text).into()]
            };
            let hasher = std::hash::BuildHasherDefault::<rustc_hash::FxHasher>::default();
            for (x, y) in all(&a).iter().flat_map(|x| all(&b).map(|y| (x.clone(), y))) {
                prop_assert_eq!((x.as_str(), y.as_str()), (&*a, &*b));
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
                prop_assert_eq!(x == y, a == b);
                prop_assert_eq!(hasher.hash_one(&x), hasher.hash_one(&*a), "a map finds it by its text");
                let json = serde_json::to_string(&x).unwrap();
                prop_assert_eq!(&json, &serde_json::to_string(&a).unwrap());
                prop_assert_eq!(serde_json::from_str::<Capability>(&json).unwrap(), x);
            }
        }

        #[test]
        fn the_rule_as_written(a in "[/ab]{0,5}", b in "[/ab]{0,7}") {
            let as_written = a == b || a == "/" || b.starts_with(&format!("{a}/"));
            prop_assert_eq!(implies(&a, &b, Rules::AS_IS), as_written);
            prop_assert_eq!(implies(&a, &b, Rules::INTENDED), as_written && !a.is_empty());
        }

        #[test]
        fn implication_is_transitive(a in "[/ab]{1,3}", b in "[/ab]{1,5}", c in "[/ab]{1,7}") {
            for rules in [Rules::AS_IS, Rules::INTENDED] {
                if implies(&a, &b, rules) && implies(&b, &c, rules) {
                    prop_assert!(implies(&a, &c, rules), "{} {} {}", a, b, c);
                }
            }
        }
    }
}
