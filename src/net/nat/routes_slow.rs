//! The slow oracle of the choice of a way: tries every host of the network as a relay, from the books of the relays
//! instead of those of their clients.

use super::config::{CIRCUIT_ROUND_TRIPS, handshake_round_trips};
use super::{Duty, Nat, NatClass};
use crate::kernel::{Span, Time};
use crate::net::endpoint::EndpointId;
use crate::net::medium::Medium;

/// How long one host takes to have a connection with another by dialling, and through whom it goes at first; none if
/// it cannot. Both are up.
#[must_use]
pub fn dial(
    nat: &Nat,
    medium: &Medium,
    now: Time,
    from: EndpointId,
    to: EndpointId,
) -> Option<(Span, Option<EndpointId>)> {
    let know_somebody = nat.hosts[from].entered && nat.hosts[to].entered;
    if !know_somebody {
        return None;
    }
    let open_to_all = match nat.hosts[to].class {
        NatClass::Public => true,
        NatClass::FullCone => nat.hosts[to].confirmed,
        _ => false,
    };
    let took = |a, b, trips: u64| {
        let udp = nat.hosts[a].class != NatClass::Firewalled && nat.hosts[b].class != NatClass::Firewalled;
        (medium.shortest(a, b) + medium.shortest(b, a)).times(trips * handshake_round_trips(udp))
    };
    let mut ways: Vec<(Span, Option<EndpointId>)> = Vec::new();
    if open_to_all && medium.reaches(from, to) {
        ways.push((took(from, to, 1), None));
    }
    if !nat.hosts[to].class.is_dialable() {
        for relay in medium.ids() {
            let host = &nat.hosts[relay];
            if host.duty != Duty::Relay || !host.clients.contains(&to) || !medium.live.contains(relay) {
                continue;
            }
            if relay == from && medium.reaches(from, to) {
                // Ahead of everything: the client has a connection to it.
                return Some((took(from, to, 1), None));
            }
            let open = |host| nat.connections.circuits(now, relay, host, &nat.config.relays);
            let room = open(from).max(open(to)) < nat.config.relays.circuits as usize;
            if room && medium.reaches(from, relay) && medium.reaches(relay, to) {
                let trip = medium.shortest(from, relay)
                    + medium.shortest(relay, to)
                    + medium.shortest(to, relay)
                    + medium.shortest(relay, from);
                ways.push((took(from, relay, 1) + trip.times(CIRCUIT_ROUND_TRIPS), Some(relay)));
            }
        }
    }
    ways.into_iter().min()
}
