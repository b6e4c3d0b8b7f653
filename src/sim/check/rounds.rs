//! What is asked again and again is asked ever more seldom: no deployment floods the network with requests for bids
//! (W21).

use std::collections::{BTreeMap, VecDeque};

use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;
use crate::sim::setup::PeerGroup;

/// In such a time...
const WINDOW: Span = Span::mins(10);
/// ... a deployment asks for bids so often at most, and twice more for each provider that it may have tried and found
/// wanting: with a pause that doubles from 5 s it does eight times, and begins anew with each node that is lost.
const MOST: usize = 32;

/// When each deployment has asked of late.
#[derive(Default)]
pub(super) struct Rounds {
    asked: BTreeMap<EnsembleId, VecDeque<Time>>,
}

impl Invariant for Rounds {
    fn name(&self) -> &'static str {
        "rounds"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let Fact::RoundOpened { ensemble, .. } = fact else { return };
        let asked = self.asked.entry(*ensemble).or_default();
        asked.push_back(look.now);
        while asked.front().is_some_and(|first| look.now.since(*first) > WINDOW) {
            asked.pop_front();
        }
        let offers = |group: &&PeerGroup| group.onboard.is_some() || group.gateway.is_some();
        let groups = look.world.setup.groups.iter().filter(offers);
        let providers: usize = groups.map(|group| group.count as usize).sum();
        if asked.len() == MOST + 2 * providers + 1 {
            let (name, times) = (look.name_of(*ensemble), asked.len());
            found.stuck(look, peer, format!("{name} has asked for bids {times} times within {WINDOW}"));
        }
    }
}
