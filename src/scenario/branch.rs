//! Whether a run of one scenario can go on as another one: what may differ between the two, and what not.

use super::Loaded;
use super::difference::{Difference, differences};
use crate::kernel::Time;
use crate::sim::stage::{self, Obstacle};

/// What may be otherwise from some moment on, with all that is below it.
const CHANGEABLE: &[&str] = &[
    "strategy",
    "faults",
    "operations",
    "workload",
    "expect",
    "network.loss",
    "network.packet_loss",
    "network.latency",
    "network.hop_processing",
];
/// Files that only what may be otherwise can name; where something else does, that differs too.
const FILES: &[&str] = &["ensembles/", "traces/"];

/// All that keeps a run of the first scenario from going on as the other one after `at`; nothing if it can.
#[must_use]
pub fn obstacles(first: &Loaded, other: &Loaded, at: Time) -> Vec<Obstacle> {
    let settled = differences(first, other).into_iter().filter(|one| !is_changeable(&one.path));
    let settled = settled.map(|one| Obstacle { reason: reason(&one), path: one.path });
    settled.chain(stage::obstacles(&first.setup, &other.setup, at)).collect()
}

fn is_changeable(path: &str) -> bool {
    let is_below = |whole: &str| {
        path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    CHANGEABLE.iter().any(|whole| is_below(whole)) || FILES.iter().any(|folder| path.starts_with(folder))
}

fn reason(difference: &Difference) -> String {
    let [first, other] = difference.sides();
    let why = match difference.path.split(['.', '[']).next() {
        Some("seed") => "every draw of a run follows from it: begin a run with it",
        Some("profile") => {
            "it is what nodes are installed with: a fault `upgrade` changes it while a run goes on"
        }
        Some("duration") => "faults and rounds are planned up to its end: begin a run with it",
        _ => "it is settled when a run begins: begin a run with it",
    };
    format!("it is {first} and would be {other}; {why}")
}
