//! What peers do about those that they are connected to, when connections come about or work again.

use super::RECONNECT;
use crate::kernel::Time;
use crate::net::EndpointId;
use crate::sim::event::{Event, PeerId, Turn};
use crate::sim::host::Host;
use crate::sim::setup::Selection;
use crate::sim::world::World;

impl World<'_> {
    /// Connections of the overlay between the two sides of a partition work again.
    pub(super) fn reconnect(&mut self, now: Time, turn: Turn, [first, second]: &[Selection; 2]) {
        let (one, other) = (self.select(turn, 0, first), self.endpoints(turn, 1, second));
        for peer in one.into_iter().filter(|&peer| !other.contains(EndpointId(peer.0))) {
            for neighbour in self.network.neighbours(EndpointId(peer.0)) {
                let across = PeerId(neighbour.0);
                let up = |peer: PeerId| self.hosts[peer.0 as usize].up;
                if !other.contains(neighbour) || !up(peer) || !up(across) {
                    continue;
                }
                for (peer, to) in [(peer, across), (across, peer)] {
                    self.greet(now + RECONNECT, peer, to, true);
                }
            }
        }
    }

    /// Connections at the start.
    pub(in crate::sim) fn begin_connections(&mut self) {
        if self.setup.network.nat.is_some() {
            self.network.begin(Time::ZERO);
            return self.greet_new_connections(Time::ZERO);
        }
        if !self.setup.hellos {
            return;
        }
        for number in 0..self.hosts.len() as u32 {
            self.connect(PeerId(number), Time::ZERO, false);
        }
    }

    /// Hidden hosts do what is due to reach and be reached.
    pub(in crate::sim) fn wake_network(&mut self, now: Time) {
        self.network_due = None;
        self.network.wake(now);
        self.greet_new_connections(now);
    }

    /// Both sides of the connections that hidden hosts have opened greet each other.
    fn greet_new_connections(&mut self, now: Time) {
        for (one, other) in self.network.take_opened() {
            for (from, to) in [(one, other), (other, one)] {
                self.greet(now, PeerId(from.0), PeerId(to.0), false);
            }
        }
        self.watch_network();
    }

    /// Foresees when the network is to be looked after next.
    pub(super) fn watch_network(&mut self) {
        self.note_occurrences();
        if let Some(at) = self.network.next_wake()
            && self.network_due.is_none_or(|due| at < due)
        {
            self.network_due = Some(at);
            self.queue.post(at.max(self.queue.now()), Event::Reachability);
        }
    }

    /// Tells the ledger what has happened between hidden hosts.
    pub(in crate::sim) fn note_occurrences(&mut self) {
        for occurrence in self.network.take_occurrences() {
            self.ledger.occurred(occurrence);
        }
    }

    /// Connections to the overlay's neighbours: each side greets the other. At the start every peer greets its own
    /// neighbours; a peer that comes back is greeted as well.
    pub(in crate::sim) fn connect(&mut self, peer: PeerId, at: Time, both: bool) {
        if !self.hosts[peer.0 as usize].up {
            return;
        }
        for neighbour in self.network.neighbours(EndpointId(peer.0)) {
            let other = PeerId(neighbour.0);
            if !self.hosts[other.0 as usize].up {
                continue;
            }
            self.greet(at, peer, other, false);
            if both {
                self.greet(at, other, peer, false);
            }
        }
    }

    /// What follows from the hellos on the connections of a peer that comes back where nobody says them: those who know
    /// of revocations compare them.
    pub(super) fn share_revocations(&mut self, peer: PeerId, at: Time) {
        let knows = |host: &Host| host.up && !host.revocations().is_empty();
        for neighbour in self.network.neighbours(EndpointId(peer.0)) {
            let other = PeerId(neighbour.0);
            if !self.hosts[other.0 as usize].up {
                continue;
            }
            for (one, to) in [(peer, other), (other, peer)] {
                if knows(&self.hosts[one.0 as usize]) {
                    self.greet(at, one, to, true);
                }
            }
        }
    }
}
