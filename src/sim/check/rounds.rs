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
/// wanting...
const MOST: usize = 32;
/// ... or so often at first and each time that something of it was held to be lost, where that is more: with a pause
/// that doubles from 5 s it does eight times, and begins anew then.
const MOST_FOR_A_LOSS: usize = 8;

/// What a deployment has done of late.
#[derive(Default)]
struct Recent {
    asked: VecDeque<Time>,
    losses: VecDeque<Time>,
    /// Whether it has been told that it asks too often.
    is_told: bool,
}

impl Recent {
    /// Forgets what was before the window.
    fn forget(&mut self, now: Time) {
        for times in [&mut self.asked, &mut self.losses] {
            while times.front().is_some_and(|first| now.since(*first) > WINDOW) {
                times.pop_front();
            }
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Rounds {
    recent: BTreeMap<EnsembleId, Recent>,
}

impl Invariant for Rounds {
    fn name(&self) -> &'static str {
        "rounds"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let ensemble = match fact {
            Fact::RoundOpened { ensemble, .. } => *ensemble,
            Fact::Suspected { allocation, .. } => {
                let Some((_, ensemble)) = look.world.ledger.orchestration_of(allocation) else { return };
                return self.recent.entry(ensemble).or_default().losses.push_back(look.now);
            }
            _ => return,
        };
        let recent = self.recent.entry(ensemble).or_default();
        recent.asked.push_back(look.now);
        recent.forget(look.now);
        let offers = |group: &&PeerGroup| group.onboard.is_some() || group.gateway.is_some();
        let groups = look.world.setup.groups.iter().filter(offers);
        let providers: usize = groups.map(|group| group.count as usize).sum();
        let most = MOST.max(MOST_FOR_A_LOSS * (1 + recent.losses.len())) + 2 * providers;
        let asks_often = recent.asked.len() > most;
        if asks_often && !std::mem::replace(&mut recent.is_told, true) {
            let (name, times) = (look.name_of(ensemble), recent.asked.len());
            found.stuck(look, peer, format!("{name} has asked for bids {times} times within {WINDOW}"));
        }
    }
}
