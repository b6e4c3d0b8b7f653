//! What differs between two scenarios: the paths of it with both values, as `--set` would name them.
//!
//! Resolved scenarios are compared, in which every default is written out: what two files leave out is no difference.

use serde::Serialize;

use super::Loaded;
use super::yaml;
use crate::dms::ensemble::tree::{Node, Value};

/// A value that is not the same in two scenarios.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// Where: `strategy.recovery`, `faults[2].crash.at`, or the name of an ensemble's file and a path in it.
    pub path: String,
    /// What stands there in the first; none where it has nothing there.
    pub first: Option<String>,
    /// What stands there in the second.
    pub second: Option<String>,
}

impl Difference {
    /// Both values in words.
    #[must_use]
    pub fn sides(&self) -> [&str; 2] {
        [&self.first, &self.second].map(|value| value.as_deref().unwrap_or("not there"))
    }
}

/// All differences between two scenarios and the files that they name, in the order of the first.
#[must_use]
pub fn differences(first: &Loaded, second: &Loaded) -> Vec<Difference> {
    let mut found = Vec::new();
    compare_texts(&mut found, "", Some(&first.resolved), Some(&second.resolved));
    let [ours, theirs] = [first, second].map(|loaded| loaded.copies().collect::<Vec<_>>());
    for (name, text) in &ours {
        let other = theirs.iter().find(|(other, _)| other == name).map(|(_, text)| *text);
        compare_texts(&mut found, &format!("{name}: "), Some(text), other);
    }
    for (name, text) in theirs.iter().filter(|(name, _)| ours.iter().all(|(own, _)| own != name)) {
        compare_texts(&mut found, &format!("{name}: "), None, Some(text));
    }
    found
}

fn compare_texts(found: &mut Vec<Difference>, prefix: &str, first: Option<&str>, second: Option<&str>) {
    if first == second {
        return;
    }
    let read = |text: Option<&str>| text.and_then(|text| yaml::parse(text.as_bytes()).ok());
    match (read(first), read(second)) {
        (Some(first), Some(second)) if first.is_map() && second.is_map() => {
            compare(found, prefix, Some(&first), Some(&second));
        }
        // A table, or a file that only one has: its name and length say enough.
        _ => {
            let length = |text: &str| format!("{} bytes", text.len());
            let path = prefix.trim_end_matches([':', ' ']).to_owned();
            found.push(Difference { path, first: first.map(length), second: second.map(length) });
        }
    }
}

fn compare(found: &mut Vec<Difference>, path: &str, first: Option<&Node>, second: Option<&Node>) {
    match (first, second) {
        (Some(one), Some(other)) if one.is_map() && other.is_map() => {
            let keys = other.entries().iter().filter(|(key, _)| one.entry(&key.text).is_none());
            for (key, _) in one.entries().iter().chain(keys) {
                let below = if path.is_empty() || path.ends_with(' ') {
                    format!("{path}{}", key.text)
                } else {
                    format!("{path}.{}", key.text)
                };
                let [one, other] = [one, other].map(|node| node.entry(&key.text).map(|(_, node)| node));
                compare(found, &below, one, other);
            }
        }
        (
            Some(Node { value: Value::Sequence(ours), .. }),
            Some(Node { value: Value::Sequence(theirs), .. }),
        ) => {
            for (place, (one, other)) in paired(ours, theirs).into_iter().enumerate() {
                compare(found, &format!("{path}[{place}]"), one, other);
            }
        }
        _ => {
            let [first, second] = [first, second].map(|node| node.map(yaml::flow));
            if first != second {
                found.push(Difference { path: path.to_owned(), first, second });
            }
        }
    }
}

/// The items of two lists side by side. Where one list is longer, what stands at the end of both is paired from there,
/// so that an item which was put in or taken out is one difference and not many.
fn paired<'n>(first: &'n [Node], second: &'n [Node]) -> Vec<(Option<&'n Node>, Option<&'n Node>)> {
    let is_same = |(one, other): &(&Node, &Node)| yaml::flow(one) == yaml::flow(other);
    let head = first.iter().zip(second).take_while(is_same).count();
    let rest = first.len().min(second.len()) - head;
    let tail = first.iter().rev().zip(second.iter().rev()).take(rest).take_while(is_same).count();
    let tail = if first.len() == second.len() { 0 } else { tail };
    let (ours, theirs) = (&first[..first.len() - tail], &second[..second.len() - tail]);
    let longest = ours.len().max(theirs.len());
    let mut pairs: Vec<_> = (0..longest).map(|place| (ours.get(place), theirs.get(place))).collect();
    pairs.extend(first[ours.len()..].iter().map(Some).zip(second[theirs.len()..].iter().map(Some)));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(first: &str, second: &str) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        compare_texts(&mut found, "", Some(first), Some(second));
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        found.into_iter().map(|one| (one.path, text(one.first), text(one.second))).collect()
    }

    fn one(path: &str, first: &str, second: &str) -> (String, String, String) {
        (path.to_owned(), first.to_owned(), second.to_owned())
    }

    #[test]
    fn paths_are_those_of_overrides() {
        let found = between(
            "seed: 1\nfaults:\n  - crash: {at: 1h}\nstrategy: {recovery: redeploy}",
            "seed: 2\nfaults:\n  - crash: {at: 2h}\nstrategy: {recovery: redeploy, at_once: 3}",
        );
        let wanted =
            [one("seed", "1", "2"), one("faults[0].crash.at", "1h", "2h"), one("strategy.at_once", "-", "3")];
        assert_eq!(found, wanted);
    }

    #[test]
    fn an_item_that_was_put_in_is_one_difference() {
        let found = between("list: [{a: 1}, {c: 3}]", "list: [{a: 1}, {b: 2}, {c: 3}]");
        assert_eq!(found, [one("list[1]", "-", "{b: 2}")]);
        assert_eq!(between("list: []", "list: []"), []);
        assert_eq!(between("list: [1, 1]", "list: [1]"), [one("list[1]", "1", "-")]);
    }
}
