//! What an onlooker of a run sees of its machines, moment by moment: who comes and goes, and what begins and ends
//! there.
//!
//! The tables of a run add up; whoever measures single spans (docs/oracles.md) needs the moments. Watching changes
//! nothing of the run.

use super::event::PeerId;
use super::world::World;
use crate::kernel::{Span, Time};

/// Something that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// When.
    pub at: Time,
    /// On which peer.
    pub peer: PeerId,
    /// What.
    pub what: Sight,
}

/// What can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// The peer is up from now on.
    Up,
    /// The peer is down from now on, and with its machine what ran there.
    Down,
    /// A program is up: in the slot of its allocation, which stays the same when it starts again.
    Began {
        /// The slot, unlike that of any other allocation of the peer.
        slot: u32,
    },
    /// A program has saved a checkpoint.
    Saved {
        /// The slot.
        slot: u32,
        /// How much of its work the checkpoint holds.
        progress: Span,
    },
    /// A program has ended by itself.
    Ended {
        /// The slot.
        slot: u32,
    },
    /// A supervisor holds an allocation of this deployment to be in trouble; the peer is the supervisor's.
    Suspected {
        /// The number of the deployment, in the order in which they were asked for.
        deployment: u32,
    },
}

impl World<'_> {
    /// Begins to watch. What is up by now is seen first.
    pub fn watch(&mut self) {
        let at = self.queue.now();
        let up = self.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        let seen = up.map(|(_, number)| Sighting { at, peer: PeerId(number), what: Sight::Up });
        self.sightings = Some(seen.collect());
    }

    /// What was seen since the last time; nothing when nobody watches.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        self.sightings.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Puts down something that can be seen, if somebody watches.
    pub(super) fn shows(&mut self, at: Time, peer: PeerId, what: Sight) {
        if let Some(sightings) = &mut self.sightings {
            sightings.push(Sighting { at, peer, what });
        }
    }
}
