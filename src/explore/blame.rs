//! Which weakness of the real DMS a finding is due to: the one whose single fix makes it go.

use rayon::prelude::*;

use super::trial::of_text;
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::dms::profile::Weakness;
use crate::scenario::yaml;

/// The weaknesses each of whose single fixes makes a finding go from an `as-is` scenario.
pub fn blamed(name: &str, text: &str, rule: &str, goes_on: &(dyn Fn() -> bool + Sync)) -> Vec<Weakness> {
    let Ok(tree) = yaml::parse(text.as_bytes()) else { return Vec::new() };
    let goes = |weakness: &&Weakness| {
        let mended = with_profile(&tree, &format!("{{base: as-is, fix: [{}]}}", weakness.describe().id));
        let trial = of_text(name, &yaml::write(&mended), Some(rule), goes_on);
        trial.is_ok_and(|trial| trial.verdict.rule().is_none())
    };
    Weakness::ALL.par_iter().filter(goes).copied().collect()
}

/// The scenario under another profile, as a scenario says it.
fn with_profile(tree: &Node, profile: &str) -> Node {
    let mut tree = tree.clone();
    let said = yaml::parse(profile.as_bytes()).unwrap_or_else(|_| Node::new(Value::Null, Position::START));
    if let Some(node) = tree.get_mut("profile") {
        *node = said;
    }
    tree
}
