//! A revocation reaches everybody whom it concerns, soon after nothing is broken any more (dms-capabilities sections 8
//! and 10, C9): whoever missed the broadcast is told by a neighbour of the same organization, if there is one that
//! knows.

use std::collections::{BTreeMap, BTreeSet};

use super::lasting::Lasting;
use super::memberships::memberships;
use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::kernel::Span;
use crate::net::EndpointId;
use crate::sim::event::PeerId;

/// The stated window: within it a peer is compared with by each of its neighbours.
const WINDOW: Span = Span::mins(5);

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
        let pairs = lacking.into_iter().flat_map(|(peer, keys)| keys.into_iter().map(move |key| (peer, key)));
        let known = &self.known;
        let told = pairs.filter_map(|(peer, key)| {
            let teller = teller(look, peer, known.get(&key)?)?;
            Some(((peer, key), (peer, teller)))
        });
        for (peer, teller) in self.lacking.look((look.now, calm, WINDOW), told) {
            let teller = look.world.population.name_of(teller);
            found.stuck(
                look,
                peer,
                format!("does not know of a revocation that its neighbour {teller} knows of"),
            );
        }
    }
}

/// A neighbour of the same organization that is up, one of those who know, and has met it: connections that there are
/// from the beginning are used without a greeting.
fn teller(look: &Look<'_, '_>, peer: PeerId, known: &BTreeSet<PeerId>) -> Option<PeerId> {
    let own = memberships(look, peer);
    let neighbours = look.world.network.neighbours(EndpointId(peer.0));
    let host = look.world.hosts[peer.0 as usize].peer.handle_of_root().host;
    let mut tellers = neighbours.iter().map(|other| PeerId(other.0)).filter(|other| {
        let inside = &look.world.hosts[other.0 as usize];
        let tells = inside.up && known.contains(other) && inside.peer.application_score(&host) > 0.0;
        tells && memberships(look, *other).iter().any(|organization| own.contains(organization))
    });
    tellers.next()
}
