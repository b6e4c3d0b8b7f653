//! How far a broadcast gets: what those who would pass it on think of it, and of its sender.
//!
//! The judgement of a message is the peers' (`dms::actor::gossip`), the account of who passed on what is the network's
//! (`net::score`); here the two meet. A message that its receivers refuse to pass on ends at the sender's own
//! connections. One by a sender that all of its connections have graylisted does not even get there.

use super::event::PeerId;
use super::world::World;
use crate::kernel::Time;
use crate::net::score::{GOSSIP_THRESHOLD, GRAYLIST_THRESHOLD, PUBLISH_THRESHOLD};
use crate::net::{EndpointId, EndpointSet, Neighbours};

/// Whom a broadcast can reach.
pub(super) enum Reach {
    /// Everybody who is up.
    Everybody,
    /// Everybody but those to whom nobody passes anything on.
    EverybodyBut(EndpointSet),
    /// These connections of its sender.
    Only(Neighbours),
}

impl World<'_> {
    /// How far what `from` publishes gets; `valid` if peers would pass it on.
    pub(super) fn reach(&self, now: Time, from: PeerId, valid: bool) -> Reach {
        if !valid || self.network.scores.is_blamed(EndpointId(from.0)) {
            let takers = self.takers(now, from);
            if !valid || takers.is_empty() {
                return Reach::Only(takers);
            }
        }
        let deaf: EndpointSet =
            self.network.scores.blamed().filter(|other| self.is_deaf(now, *other, from)).collect();
        if deaf.is_empty() { Reach::Everybody } else { Reach::EverybodyBut(deaf) }
    }

    /// Whether all connections of a peer have graylisted it.
    pub(super) fn is_graylisted(&self, now: Time, peer: PeerId) -> bool {
        self.network.scores.is_blamed(EndpointId(peer.0))
            && self.takers(now, peer).is_empty()
            && !self.network.contacts(EndpointId(peer.0)).is_empty()
    }

    /// `observer` was given something by the sender of a parcel that no honest peer passes on.
    pub(super) fn blame(&mut self, now: Time, observer: PeerId, parcel: u32) {
        let sender = self.parcels.get(parcel).expect("a message that has arrived is kept").sender;
        self.network.scores.blame(now, EndpointId(observer.0), EndpointId(sender.0));
    }

    /// The connections of a peer that take what it publishes.
    fn takers(&self, now: Time, from: PeerId) -> Neighbours {
        let mut takers = self.network.contacts(EndpointId(from.0));
        takers.retain(|other| self.score(now, *other, EndpointId(from.0)) >= GRAYLIST_THRESHOLD);
        takers
    }

    /// Whether nobody tells `peer` of what `publisher` publishes.
    fn is_deaf(&self, now: Time, peer: EndpointId, publisher: PeerId) -> bool {
        let tells = |other: &EndpointId| {
            let least = if other.0 == publisher.0 { PUBLISH_THRESHOLD } else { GOSSIP_THRESHOLD };
            self.score(now, *other, peer) >= least
        };
        !self.network.contacts(peer).iter().any(tells)
    }

    fn score(&self, now: Time, observer: EndpointId, subject: EndpointId) -> f64 {
        let subject_host = self.hosts[subject.0 as usize].peer.handle_of_root().host;
        let application = self.hosts[observer.0 as usize].peer.application_score(&subject_host);
        self.network.scores.score(now, observer, subject, application)
    }
}
