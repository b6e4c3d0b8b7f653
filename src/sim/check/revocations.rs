//! A revocation reaches everybody whom it concerns, soon after nothing is broken any more (dms-capabilities sections 8
//! and 10, C9).

use std::collections::{BTreeMap, BTreeSet};

use super::lasting::Lasting;
use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::kernel::Span;
use crate::sim::event::PeerId;
use crate::sim::setup::{Operation, OperationKind, Withdrawn};

/// The stated window: five minutes after healing.
const WINDOW: Span = Span::mins(5);
/// What fewer know of was kept by whoever revoked it, and was not published.
const PUBLISHED: usize = 3;

/// See the module.
#[derive(Default)]
pub(super) struct Revocations {
    /// Who knows of which revocation.
    known: BTreeMap<u128, BTreeSet<PeerId>>,
    lacking: Lasting<(PeerId, u128)>,
}

impl Invariant for Revocations {
    fn name(&self) -> &'static str {
        "revocations"
    }

    fn fact(&mut self, _look: &Look<'_, '_>, peer: PeerId, fact: &Fact, _found: &mut Found<'_>) {
        if let Fact::RevocationAnchored(key) = fact {
            self.known.entry(*key).or_default().insert(peer);
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        if self.known.is_empty() {
            return;
        }
        let lacking = look.world.lacking_revocations(look.world.clock(look.now));
        // Nobody talks to those whose own tokens were withdrawn.
        let withdrawn: Vec<&str> = look.world.setup.operations.iter().filter_map(member_of).collect();
        let is_withdrawn = |peer: PeerId| withdrawn.contains(&&**look.world.population.name_of(peer));
        let published = |key: &u128| self.known.get(key).is_some_and(|peers| peers.len() >= PUBLISHED);
        let pairs = lacking.into_iter().flat_map(|(peer, keys)| keys.into_iter().map(move |key| (peer, key)));
        let seen =
            pairs.filter(|(peer, key)| published(key) && !is_withdrawn(*peer)).map(|pair| (pair, pair));
        for (peer, key) in self.lacking.look((look.now, calm, WINDOW), seen) {
            let others = self.known[&key].len();
            found.stuck(look, peer, format!("does not know of a revocation that {others} others know of"));
        }
    }
}

/// Whose membership an operation withdraws.
fn member_of(operation: &Operation) -> Option<&str> {
    match &operation.kind {
        OperationKind::Revoke { what: Withdrawn::Membership { member, .. }, .. } => Some(member),
        _ => None,
    }
}
