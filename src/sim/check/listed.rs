//! What a run can come to: listed transitions, and the reasons that are given when something is refused or given up.
//!
//! The reasons stand in `listed.csv`: a class, a reason with `*` for what differs from case to case, and, where no
//! search comes to it, why. What is out of reach among the transitions stands there too.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::reach::Feature;
use super::transitions::{ALLOCATION_TRANSITIONS, DEPLOYMENT_TRANSITIONS};
use crate::dms::actor::AllocationState;
use crate::dms::fact::DeploymentStatus;

/// A row of the table.
#[derive(Deserialize, Debug)]
struct Row {
    class: String,
    what: String,
    out_of_reach: String,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("listed.csv").as_bytes());
    reader.deserialize().map(|row| row.expect("the table is well formed")).collect()
});

/// The class of the transitions of deployments.
pub(super) const DEPLOYMENT: &str = "deployment";
/// The class of the transitions of allocations.
pub(super) const ALLOCATION: &str = "allocation";

/// The step of a deployment in words.
pub(super) fn deployment_step(from: Option<DeploymentStatus>, to: DeploymentStatus) -> String {
    format!("{} > {}", from.map_or("-", DeploymentStatus::as_str), to.as_str())
}

/// The step of an allocation in words.
pub(super) fn allocation_step(from: AllocationState, to: AllocationState) -> String {
    format!("{} > {}", from.word(), to.word())
}

/// Everything that is listed, in order, with why it is out of the reach of a search where it is.
#[must_use]
pub fn listed() -> BTreeMap<Feature, Option<&'static str>> {
    let deployments = DEPLOYMENT_TRANSITIONS
        .iter()
        .flat_map(|(from, next)| next.iter().map(|to| deployment_step(Some(*from), *to)))
        .map(|what| (Feature { class: DEPLOYMENT, what: what.into() }, None));
    let allocations = ALLOCATION_TRANSITIONS
        .iter()
        .flat_map(|(from, next)| next.iter().map(|to| allocation_step(*from, *to)))
        .map(|what| (Feature { class: ALLOCATION, what: what.into() }, None));
    let rows = ROWS.iter().map(|row| {
        let why = Some(row.out_of_reach.as_str()).filter(|why| !why.is_empty());
        (Feature { class: &row.class, what: row.what.as_str().into() }, why)
    });
    deployments.chain(allocations).chain(rows).collect()
}

/// The listed form of a reason: the first of its class that it is a case of.
pub(super) fn form_of(class: &str, reason: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|row| row.class == class && is_case(&row.what, reason))?;
    Some(&row.what)
}

/// Whether a text is a case of a form, in which each `*` stands for anything.
fn is_case(form: &str, text: &str) -> bool {
    let Some((start, rest)) = form.split_once('*') else { return form == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (form, text, expected) in [
            ("no executor", "no executor", true),
            ("no executor", "no executors", false),
            ("no * executor", "no docker executor", true),
            ("no * executor", "no executor", false),
            ("*", "", true),
            ("* is *", "a is is b", true),
            ("a * b * c", "a 1 b 2 b 3 c", true),
            ("a * b * c", "a 1 c", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(is_case(form, text), expected, "{text} is a case of {form}");
        }
    }

    /// What stands first is a case of nothing before it, or it would never be told.
    #[test]
    fn every_form_is_its_own() {
        for row in ROWS.iter() {
            let own = form_of(&row.class, &row.what);
            let is_step = [DEPLOYMENT, ALLOCATION].contains(&row.class.as_str());
            assert!(is_step || own == Some(&row.what), "{}: {} is a case of {own:?}", row.class, row.what);
        }
    }

    #[test]
    fn what_is_out_of_reach_among_the_steps_is_a_step() {
        let all: usize = DEPLOYMENT_TRANSITIONS.iter().map(|(_, next)| next.len()).sum::<usize>()
            + ALLOCATION_TRANSITIONS.iter().map(|(_, next)| next.len()).sum::<usize>();
        assert_eq!(listed().into_keys().filter(Feature::is_step).count(), all);
    }
}
