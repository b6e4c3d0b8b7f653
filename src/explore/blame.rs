//! Which weakness of the real DMS a finding is due to: the one whose single fix makes it go.

use rayon::prelude::*;

use super::trial::of_candidate;
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::dms::profile::{Profile, Weakness};
use crate::scenario::{write_profile, yaml};

/// The weaknesses of a profile each of whose single fixes makes a finding go from a scenario.
pub fn blamed(
    name: &str,
    text: &str,
    (rule, profile): (&str, Profile),
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Vec<Weakness> {
    let Ok(tree) = yaml::parse(text.as_bytes()) else { return Vec::new() };
    let goes = |weakness: &Weakness| !is_broken(name, &tree, (rule, profile.without(*weakness)), goes_on);
    let all: Vec<Weakness> = profile.weaknesses().collect();
    all.into_par_iter().with_max_len(1).filter(goes).collect()
}

/// The fewest weaknesses of a profile with which a rule is still broken: mend any one of them, and it is not. None
/// where it is broken with all of them mended, or nothing can be said.
pub(super) fn narrowed(
    name: &str,
    tree: &Node,
    (rule, profile): (&str, Profile),
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Option<Profile> {
    let of = |weaknesses: &[Weakness]| weaknesses.iter().fold(Profile::INTENDED, |all, one| all.with(*one));
    let broken = |weaknesses: &[Weakness]| {
        let text = yaml::write(&under(tree, of(weaknesses)));
        of_candidate(name, &text, rule, goes_on).is_ok_and(|trial| trial.verdict.rule().is_some())
    };
    let mut kept: Vec<Weakness> = profile.weaknesses().collect();
    if !broken(&kept) || broken(&[]) {
        return None;
    }
    // Delta debugging, as in [`shrink`](super::shrink): many at a time first.
    let mut size = kept.len().div_ceil(2);
    loop {
        let (before, mut from) = (kept.len(), 0);
        while from < kept.len() {
            let to = (from + size).min(kept.len());
            let fewer: Vec<Weakness> = kept[..from].iter().chain(&kept[to..]).copied().collect();
            if broken(&fewer) { kept = fewer } else { from = to }
        }
        match size {
            1 if kept.len() == before => return goes_on().then(|| of(&kept)),
            1 => {}
            _ => size /= 2,
        }
    }
}

/// Whether a rule is broken in a scenario under a profile; it counts as broken where nothing can be said.
pub(super) fn is_broken(
    name: &str,
    tree: &Node,
    (rule, profile): (&str, Profile),
    goes_on: &(dyn Fn() -> bool + Sync),
) -> bool {
    let trial = of_candidate(name, &yaml::write(&under(tree, profile)), rule, goes_on);
    trial.map_or(true, |trial| trial.verdict.rule().is_some())
}

/// A scenario under another profile.
pub(super) fn under(tree: &Node, profile: Profile) -> Node {
    let mut tree = tree.clone();
    let said = yaml::parse(write_profile(profile).as_bytes());
    let said = said.unwrap_or_else(|_| Node::new(Value::Null, Position::START));
    if let Some(node) = tree.get_mut("profile") {
        *node = said;
    }
    tree
}
