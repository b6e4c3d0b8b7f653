//! Reservations at relays: made by hosts that nobody can dial, two each, and made anew when a relay dies.

use super::config::{BACK_OFF, CANDIDATES, NOTICE, RELAYS_A_HOST};
use super::{Nat, Occurrence, Task};
use crate::kernel::Time;
use crate::net::endpoint::EndpointId;
use crate::net::medium::Medium;

/// A place at a relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reservation {
    pub(super) relay: EndpointId,
    /// The life of the relay that granted it: a relay that comes back knows nobody.
    pub(super) life: u32,
}

impl Nat {
    /// Whether a reservation is worth something, whatever its holder believes.
    pub(super) fn holds(&self, medium: &Medium, reservation: Reservation) -> bool {
        medium.live.contains(reservation.relay) && self.hosts[reservation.relay].life == reservation.life
    }

    /// Asks relays for the reservations that a host lacks; after a while again if they refuse.
    pub(super) fn reserve(&mut self, medium: &Medium, now: Time, id: EndpointId) {
        if self.hosts[id].class.is_dialable() || self.hosts[id].reservations.len() >= RELAYS_A_HOST {
            return;
        }
        for relay in self.candidates(medium, id) {
            let (life, taken) = (self.hosts[relay].life, self.hosts[relay].clients.len());
            if taken >= self.config.relays.reservations as usize {
                continue;
            }
            self.hosts[relay].clients.push(id);
            let host = &mut self.hosts[id];
            host.reservations.push(Reservation { relay, life });
            if !host.lost.is_empty() {
                let after = now.since(host.lost.remove(0));
                self.occurrences.push(Occurrence::Replaced { after });
            }
            if self.hosts[id].reservations.len() == RELAYS_A_HOST {
                return;
            }
        }
        if !self.relays.is_empty() && !std::mem::replace(&mut self.hosts[id].backs_off, true) {
            self.schedule(now + BACK_OFF, id, Task::Reserve);
        }
    }

    /// A few relays that a host reaches and has not reserved at, at random.
    fn candidates(&mut self, medium: &Medium, id: EndpointId) -> Vec<EndpointId> {
        let has = |relay: &EndpointId| self.hosts[id].reservations.iter().any(|it| it.relay == *relay);
        let fits = |relay: &&EndpointId| {
            **relay != id && medium.reaches(id, **relay) && self.hosts[**relay].entered && !has(relay)
        };
        let known: Vec<EndpointId> = self.relays.iter().filter(fits).copied().collect();
        let drawn = self.choices(id).sample_without_replacement(known.len(), CANDIDATES.min(known.len()));
        drawn.into_iter().map(|place| known[place]).collect()
    }

    /// A host goes down: its relays forget it.
    pub(super) fn give_up_reservations(&mut self, id: EndpointId) {
        for Reservation { relay, .. } in std::mem::take(&mut self.hosts[id].reservations) {
            self.hosts[relay].clients.retain(|client| *client != id);
        }
    }

    /// A relay goes down. Its clients notice when their connections to it have been silent for too long.
    pub(super) fn stop_relaying(&mut self, now: Time, relay: EndpointId) {
        self.connections.break_all_over(now, relay);
        let clients = std::mem::take(&mut self.hosts[relay].clients);
        self.occurrences.push(Occurrence::RelayDied { relay, clients: clients.len() as u32 });
        for client in clients {
            self.schedule(now + NOTICE, client, Task::Miss(relay));
        }
    }

    /// A host notices that a relay is gone.
    pub(super) fn miss(&mut self, medium: &Medium, now: Time, id: EndpointId, relay: EndpointId) {
        let is_gone = |it: &Reservation| it.relay == relay && !self.holds(medium, *it);
        let gone = self.hosts[id].reservations.iter().position(is_gone);
        if let Some(place) = gone {
            let host = &mut self.hosts[id];
            host.reservations.remove(place);
            host.lost.push(Time(now.0.saturating_sub(NOTICE.0)));
            self.reserve(medium, now, id);
        }
    }
}
