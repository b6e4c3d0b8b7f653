//! What a run has come to: states, transitions, refusals. The search steers by it.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use crate::dms::actor::AllocationState;
use crate::dms::fact::{DeploymentStatus, Fact};
use crate::dms::identity::EnsembleId;

/// Something that a run can come to: a class, and what of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Feature {
    /// `deployment`, `allocation`, `bid`, `message`, `stage`, ...
    pub class: &'static str,
    /// What: a transition, or a reason without the amounts and names in it.
    pub what: Box<str>,
}

/// What a run has come to, and how often.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    known: FxHashMap<u64, (Feature, u64)>,
    deployments: FxHashMap<EnsembleId, DeploymentStatus>,
    allocations: FxHashMap<u64, AllocationState>,
    facts: u64,
}

impl Reached {
    /// Everything that was come to, in order, with how often.
    #[must_use]
    pub fn features(&self) -> BTreeMap<Feature, u64> {
        self.known.values().cloned().collect()
    }

    /// Facts seen.
    #[must_use]
    pub const fn facts(&self) -> u64 {
        self.facts
    }

    fn add(&mut self, class: &'static str, text: &str) {
        let mut hasher = FxHasher::default();
        class.hash(&mut hasher);
        plain(text).for_each(|c| c.hash(&mut hasher));
        let feature = || (Feature { class, what: plain(text).collect::<String>().into() }, 0);
        self.known.entry(hasher.finish()).or_insert_with(feature).1 += 1;
    }

    /// Takes what a fact shows.
    pub(super) fn note(&mut self, fact: &Fact) {
        self.facts += 1;
        match fact {
            Fact::DeploymentStatus { ensemble, status, reason } => {
                let former = self.deployments.insert(*ensemble, *status);
                let former = former.map_or("-", DeploymentStatus::as_str);
                self.add("deployment", &format!("{former} > {}", status.as_str()));
                if let Some(reason) = reason {
                    self.add("end", reason);
                }
            }
            Fact::AllocationState { allocation, generation, state, .. } => {
                let mut hasher = FxHasher::default();
                (allocation, generation).hash(&mut hasher);
                let former = self.allocations.insert(hasher.finish(), *state);
                let former = former.map_or("pending", AllocationState::word);
                self.add("allocation", &format!("{former} > {}", state.word()));
            }
            Fact::BidRefused { refusal, .. } => self.add("bid", &refusal.to_string()),
            Fact::MessageRejected { rejection, .. } => self.add("message", rejection.as_str()),
            Fact::StageFailed { stage, reason, .. } => self.add(stage.as_str(), reason),
            Fact::DeploymentRefused(reason) => self.add("request", reason),
            Fact::OperationRefused { reason, .. } => self.add("operation", reason),
            Fact::OperationUnanswered { .. } => self.add("operation", "unanswered"),
            Fact::AnchorRefused { reason, .. } => self.add("anchor", reason),
            Fact::OnboardingRefused(reason) => self.add("onboarding", reason),
            Fact::NotTerminated { reason, .. } => self.add("termination", reason),
            Fact::Suspected { cause, .. } => self.add("suspicion", &format!("{cause:?}")),
            Fact::Released { lapsed: true, .. } => self.add("lease", "lapsed"),
            Fact::DeploymentRestored { status, .. } => self.add("restored", status.as_str()),
            _ => {}
        }
    }
}

/// A reason without what differs from case to case: numbers, and what stands between quotes or looks like an id.
fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut former = ' ';
    text.chars().filter_map(move |c| {
        let shown = if c.is_ascii_digit() { '#' } else { c };
        let repeats = shown == '#' && (former == '#' || former == '.');
        former = shown;
        (!repeats).then_some(shown)
    })
}
