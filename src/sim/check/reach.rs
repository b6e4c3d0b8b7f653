//! What a run has come to: states, transitions, refusals. The search steers by it.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::listed::{ALLOCATION, DEPLOYMENT, allocation_step, deployment_step, form_of};
use super::states::{States, Step};
use crate::dms::fact::Fact;
use crate::dms::provider::BidRefusal;
use crate::sim::event::PeerId;

/// Something that a run can come to: a class, and what of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Feature {
    /// `deployment`, `allocation`, `bid`, `message`, `stage`, ...
    pub class: &'static str,
    /// What: a transition, or a reason as it is listed, and else without the numbers in it.
    pub what: Box<str>,
}

impl Feature {
    /// Whether it is a transition.
    #[must_use]
    pub fn is_step(&self) -> bool {
        [DEPLOYMENT, ALLOCATION].contains(&self.class)
    }
}

/// What a run has come to.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    known: FxHashMap<u64, Feature>,
    /// Refusals to bid that were seen, with their numbers: the same one comes again and again.
    bid_refusals: FxHashSet<BidRefusal>,
    states: States,
    facts: u64,
}

impl Reached {
    /// Everything that was come to, in order.
    #[must_use]
    pub fn features(&self) -> BTreeSet<Feature> {
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
        let what = || match form_of(class, text) {
            Some(form) => form.into(),
            None => plain(text).collect::<String>().into(),
        };
        self.known.entry(hasher.finish()).or_insert_with(|| Feature { class, what: what() });
    }

    /// Takes what a fact of a peer shows.
    pub(super) fn note(&mut self, peer: PeerId, fact: &Fact) {
        self.facts += 1;
        match self.states.take(peer, fact) {
            Some(Step::Deployment(from, to)) => self.add(DEPLOYMENT, &deployment_step(from, to)),
            Some(Step::Allocation(from, to)) => self.add(ALLOCATION, &allocation_step(from, to)),
            None => {}
        }
        match fact {
            Fact::DeploymentStatus { reason: Some(reason), .. } => self.add("end", reason),
            Fact::BidRefused { refusal, .. } if !self.bid_refusals.contains(refusal) => {
                self.bid_refusals.insert(refusal.clone());
                self.add("bid", &refusal.to_string());
            }
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

/// A reason without the numbers in it.
fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut former = ' ';
    text.chars().filter_map(move |c| {
        let shown = if c.is_ascii_digit() { '#' } else { c };
        let repeats = shown == '#' && (former == '#' || former == '.');
        former = shown;
        (!repeats).then_some(shown)
    })
}
