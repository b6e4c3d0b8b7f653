//! A configuration made small while the same rule is broken in it (delta debugging: Zeller and Hildebrandt, IEEE TSE
//! 28(2), 2002), on the tree of the scenario: lists lose items, maps lose entries, numbers become smaller and rounder.
//!
//! Every candidate is a scenario; one that cannot be read is none, so that the readers of `scenario` say what may go.
//! Whatever goes moves all that chance has a part in. So where nothing more goes with the seed as it is, each candidate
//! is tried with a few other seeds.

use std::collections::BTreeSet;

use super::trial::{Verdict, of_candidate, of_text};
use crate::dms::ensemble::tree::{Node, Value};
use crate::scenario::yaml;

/// Keys whose entry stays: without it nothing would be what it was.
const KEPT: &[&str] = &["version", "profile", "seed", "duration", "type", "executor", "image"];
/// A map and a key whose entry stays in it: a clock without it is wrong for ever, which no rule takes for broken, so
/// that something else would be seen.
const KEPT_IN: (&str, &str) = ("clock", "for");
/// Keys below which numbers stay as they are.
const FIXED: &[&str] = &["version", "seed", "profile", "number"];

/// So many other seeds are tried with each candidate in the end.
const OTHER_SEEDS: i64 = 3;

/// Where something is in a tree: the places of entries and items from the root on.
type Place = Vec<usize>;

/// A smaller configuration, and what is broken in it.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// Its text.
    pub text: String,
    /// What is found in it.
    pub verdict: Verdict,
    /// Runs that it took.
    pub runs: u64,
}

/// What is being made small.
struct Shrinking<'a> {
    name: &'a str,
    rule: &'a str,
    best: Node,
    verdict: Verdict,
    runs: u64,
    most_runs: u64,
    tried: BTreeSet<u64>,
    /// How many other seeds are tried with a candidate.
    other_seeds: i64,
    goes_on: &'a (dyn Fn() -> bool + Sync),
}

/// Makes a scenario small in which `rule` is broken, in at most so many runs. None when it is not broken in it, or the
/// text cannot be read.
pub fn shrink(
    name: &str,
    text: &str,
    rule: &str,
    most_runs: u64,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Option<Shrunk> {
    let best = yaml::parse(text.as_bytes()).ok()?;
    let trial = of_text(name, text, Some(rule), goes_on).ok()?;
    let (verdict, tried) = (trial.verdict, BTreeSet::new());
    verdict.rule()?;
    let mut shrinking =
        Shrinking { name, rule, best, verdict, runs: 1, most_runs, tried, other_seeds: 0, goes_on };
    shrinking.end_early();
    for other_seeds in [0, OTHER_SEEDS] {
        shrinking.other_seeds = other_seeds;
        // What was large lets other things go once it is small.
        loop {
            let before = weight(&shrinking.best);
            shrinking.drop_items();
            shrinking.drop_entries();
            shrinking.name_first_ones();
            shrinking.make_numbers_small();
            if weight(&shrinking.best) >= before || shrinking.is_over() {
                break;
            }
        }
    }
    let Shrinking { best, verdict, runs, .. } = shrinking;
    Some(Shrunk { text: yaml::write(&best), verdict, runs })
}

impl Shrinking<'_> {
    fn is_over(&self) -> bool {
        self.runs >= self.most_runs || !(self.goes_on)()
    }

    /// Takes a candidate if the same is seen in it, with its own seed or with another.
    fn accept(&mut self, candidate: Node) -> bool {
        let others = (1..=self.other_seeds).filter_map(|seed| {
            let mut other = candidate.clone();
            other.get_mut("seed")?.value = Value::Integer(seed);
            Some(other)
        });
        let others: Vec<Node> = others.collect();
        std::iter::once(candidate).chain(others).any(|one| self.accept_as_it_is(one))
    }

    fn accept_as_it_is(&mut self, candidate: Node) -> bool {
        let text = yaml::write(&candidate);
        let print = crate::kernel::fingerprint128(&*text) as u64;
        if self.is_over() || !self.tried.insert(print) {
            return false;
        }
        self.runs += 1;
        let Ok(trial) = of_candidate(self.name, &text, self.rule, self.goes_on) else { return false };
        if trial.verdict.rule() != Some(self.rule) {
            return false;
        }
        (self.best, self.verdict) = (candidate, trial.verdict);
        true
    }

    /// Ends soon after what is found.
    fn end_early(&mut self) {
        let Verdict::Found(finding) = &self.verdict else { return };
        let end_s = finding.at.as_secs_f64().ceil() as u64 + 1;
        let mut earlier = self.best.clone();
        if let Some(duration) = earlier.get_mut("duration") {
            *duration = amount_of(end_s, "s");
            self.accept(earlier);
        }
    }

    /// Takes items out of each list, many at a time first.
    fn drop_items(&mut self) {
        let mut place = 0;
        while let Some(list) = places(&self.best, &|node| !node.items().is_empty()).get(place).cloned() {
            let mut size = at(&self.best, &list).map_or(0, |node| node.items().len()).div_ceil(2);
            while size > 0 {
                let mut from = 0;
                while let Some(length) = at(&self.best, &list).map(|node| node.items().len()) {
                    if from >= length || self.is_over() {
                        break;
                    }
                    let to = (from + size).min(length);
                    let without = changed(&self.best, &list, &mut |node| {
                        if let Value::Sequence(items) = &mut node.value {
                            items.drain(from..to);
                        }
                    });
                    if !self.accept(without) {
                        from = to;
                    }
                }
                size = if size == 1 { 0 } else { size / 2 };
            }
            place += 1;
        }
    }

    /// Takes entries out of maps, one after another.
    fn drop_entries(&mut self) {
        let mut place = 0;
        while let Some(map) = places(&self.best, &|node| !node.entries().is_empty()).get(place).cloned() {
            let mut entry = 0;
            while let Some((key, _)) =
                at(&self.best, &map).and_then(|node| node.entries().get(entry)).cloned()
            {
                let kept = is_kept(&self.best, &map, &key.text) || self.is_over();
                let without = |best: &Node| {
                    changed(best, &map, &mut |node| {
                        if let Value::Mapping(entries) = &mut node.value {
                            entries.remove(entry);
                        }
                    })
                };
                if kept || !self.accept(without(&self.best)) {
                    entry += 1;
                }
            }
            place += 1;
        }
    }

    /// Names the first one of a group, in the place of a later one: then fewer do.
    fn name_first_ones(&mut self) {
        for place in places(&self.best, &|node| first_of(node).is_some()) {
            if let Some(first) = at(&self.best, &place).and_then(first_of) {
                self.accept(changed(&self.best, &place, &mut |node| *node = first.clone()));
            }
        }
    }

    /// Makes amounts smaller: a half, and then what is left rounder.
    fn make_numbers_small(&mut self) {
        for place in places(&self.best, &|node| amount(node).is_some()) {
            if is_fixed(&self.best, &place) {
                continue;
            }
            for _ in 0..12 {
                let Some((number, unit)) = at(&self.best, &place).and_then(amount) else { break };
                let smaller = [1, number / 4, number / 2, rounded(number)];
                let accepted = smaller.into_iter().filter(|one| *one < number && *one > 0).any(|one| {
                    let candidate = changed(&self.best, &place, &mut |node| *node = amount_of(one, &unit));
                    self.accept(candidate)
                });
                if !accepted {
                    break;
                }
            }
        }
    }
}

/// How much there is of a tree.
fn weight(node: &Node) -> usize {
    let below = node.items().iter().chain(node.entries().iter().map(|(_, node)| node));
    1 + below.map(weight).sum::<usize>()
        + amount(node).map_or(0, |(number, _)| number.max(1).ilog2() as usize)
}

/// The places of all nodes that are so, those above before those below.
fn places(root: &Node, is_so: &dyn Fn(&Node) -> bool) -> Vec<Place> {
    let mut all = Vec::new();
    let mut ahead = vec![(Place::new(), root)];
    while let Some((place, node)) = ahead.pop() {
        if is_so(node) {
            all.push(place.clone());
        }
        let below = node.items().iter().chain(node.entries().iter().map(|(_, node)| node)).enumerate();
        ahead.extend(below.map(|(number, node)| ([&place[..], &[number]].concat(), node)));
    }
    all.sort_by_key(|place| (place.len(), place.clone()));
    all
}

/// The node at a place.
fn at<'n>(root: &'n Node, place: &[usize]) -> Option<&'n Node> {
    place.iter().try_fold(root, |node, &number| match &node.value {
        Value::Sequence(items) => items.get(number),
        Value::Mapping(entries) => entries.get(number).map(|(_, node)| node),
        _ => None,
    })
}

/// The tree with something changed at a place.
fn changed(root: &Node, place: &[usize], change: &mut dyn FnMut(&mut Node)) -> Node {
    let mut copy = root.clone();
    let mut node = &mut copy;
    for &number in place {
        node = match &mut node.value {
            Value::Sequence(items) => &mut items[number],
            Value::Mapping(entries) => &mut entries[number].1,
            _ => return copy,
        };
    }
    change(node);
    copy
}

/// Whether the entry with this key of the map at a place is to stay.
fn is_kept(root: &Node, map: &[usize], key: &str) -> bool {
    KEPT.contains(&key) || key == KEPT_IN.1 && key_of(root, map) == Some(KEPT_IN.0)
}

/// Whether the number at a place is to stay.
fn is_fixed(root: &Node, place: &[usize]) -> bool {
    (1..=place.len()).any(|depth| key_of(root, &place[..depth]).is_some_and(|key| FIXED.contains(&key)))
}

/// The key of the entry at a place; none for an item of a list.
fn key_of<'n>(root: &'n Node, place: &[usize]) -> Option<&'n str> {
    let (last, above) = place.split_last()?;
    at(root, above)?.entries().get(*last).map(|(key, _)| &*key.text)
}

/// A whole number with what stands behind it: `90s`, `16 GiB`, `7`.
fn amount(node: &Node) -> Option<(u64, String)> {
    match &node.value {
        Value::Integer(number) => u64::try_from(*number).ok().map(|number| (number, String::new())),
        Value::String(text) => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let unit = &text[digits..];
            let is_unit =
                unit.len() <= 7 && unit.chars().all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '/');
            let number = text[..digits].parse().ok()?;
            (is_unit && !unit.is_empty()).then(|| (number, unit.to_owned()))
        }
        _ => None,
    }
}

/// The name of the first one of a group where another one's is written: `p-0` for `p-3`.
fn first_of(node: &Node) -> Option<Node> {
    let (group, number) = node.as_text()?.rsplit_once('-')?;
    let number: u64 = number.parse().ok()?;
    (number > 0).then(|| Node::string(&format!("{group}-0"), node.position))
}

fn amount_of(number: u64, unit: &str) -> Node {
    let start = crate::dms::ensemble::tree::Position::START;
    match unit {
        "" => Node::new(Value::Integer(number as i64), start),
        unit => Node::string(&format!("{number}{unit}"), start),
    }
}

/// The number with its last digits made zero, as many as there are but the first.
fn rounded(number: u64) -> u64 {
    let scale = 10_u64.pow(number.max(1).ilog10());
    number / scale * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_units_and_what_is_none_stays() {
        let of = |text: &str| {
            let tree = yaml::parse(format!("a: {text}").as_bytes()).unwrap();
            tree.get("a").and_then(amount)
        };
        assert_eq!(of("90s"), Some((90, "s".to_owned())));
        assert_eq!(of("16 GiB"), Some((16, " GiB".to_owned())));
        assert_eq!(of("7"), Some((7, String::new())));
        assert_eq!(of("10.7.200.0/24"), None);
        assert_eq!(of("p-0"), None);
        assert_eq!(of("0.5"), None);
        let first = |name: &str| first_of(&Node::string(name, yaml::parse(b"a: b").unwrap().position));
        assert_eq!(first("p-3").and_then(|node| node.as_text().cloned()).as_deref(), Some("p-0"));
        assert!([first("p-0"), first("p"), first("us-east")].iter().all(Option::is_none));
        assert_eq!((rounded(1319), rounded(90), rounded(7)), (1000, 90, 7));
    }

    #[test]
    fn a_place_leads_to_its_node() {
        let tree = yaml::parse(b"a: {b: [1, {c: 2}]}").unwrap();
        let keys = [&[0, 0][..], &[0, 0, 1], &[0, 0, 1, 0], &[]].map(|place| key_of(&tree, place));
        assert_eq!(keys, [Some("b"), None, Some("c"), None]);
        let faults = yaml::parse(b"faults: [{clock: {at: 1s, for: 2s}}, {slow: {at: 1s, for: 2s}}]").unwrap();
        let kept = |fault, key| is_kept(&faults, &[0, fault, 0], key);
        assert_eq!(
            [kept(0, "for"), kept(0, "at"), kept(1, "for"), kept(1, "seed")],
            [true, false, false, true]
        );
        let all = places(&tree, &|node| amount(node).is_some());
        assert_eq!(all, [vec![0, 0, 0], vec![0, 0, 1, 0]]);
        let smaller = changed(&tree, &all[1], &mut |node| *node = amount_of(1, ""));
        assert_eq!(yaml::write(&smaller), "a: {b: [1, {c: 1}]}\n");
    }
}
