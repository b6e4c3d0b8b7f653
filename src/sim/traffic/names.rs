//! Users outside who go by the name of a host, and what they remember of it.
//!
//! A user asks at the first request after an answer has run out. Requests are not known one by one, so it is taken as
//! the moment at which it runs out; asking takes no time of its own.

use std::net::Ipv4Addr;

use super::super::event::Event;
use super::super::moving::{ASK_AGAIN, NameStep};
use super::super::setup::traffic::Source;
use super::super::world::World;
use crate::dms::dynamic_dns::Name;
use crate::kernel::{Time, Timestamp};

impl World<'_> {
    /// The user of a line asks for the name of the host, unless it is known or was asked for just now.
    pub(super) fn look_up_host(&mut self, now: Time, place: usize) {
        let line = &self.traffic.lines[place];
        let stream = &self.setup.traffic[line.stream];
        let Source::Clients(clients) = &stream.from else { return };
        if !clients.by_name {
            return;
        }
        let Some((peer, ..)) = self.ledger.mapped(line.deployment, &stream.to, clients.port) else { return };
        let (Some(name), Some(outsider)) = (self.moving.name_of(peer).cloned(), line.outsider) else {
            return;
        };
        let clock = self.clock(now);
        if line.resolver.known(clock, &name).is_some() || now < line.asks_again {
            return;
        }
        let answer = self.ask_for_name(now, outsider, &name);
        let line = &mut self.traffic.lines[place];
        let again = match answer {
            Some(answer) => {
                line.resolver.learn(clock, name, answer);
                answer.ttl
            }
            None => {
                line.asks_again = now + ASK_AGAIN;
                ASK_AGAIN
            }
        };
        self.queue.post(now + again, Event::Name(NameStep::RunsOut(place as u32)));
        self.close_stale(now, peer);
    }

    /// What the user of a line remembers has run out: the line is looked at, if anybody still asks on it.
    pub(in crate::sim) fn review_line(&mut self, now: Time, place: usize) {
        let deployment = self.traffic.lines[place].deployment;
        let live = self.traffic.by_deployment.get(&deployment);
        if live.is_some_and(|lines| lines.contains(&place)) {
            self.review(now, vec![place]);
        }
    }

    /// Where users think that a name leads, of those who think that they know.
    pub(in crate::sim) fn remembered(&self, clock: Timestamp, name: &Name) -> Vec<Option<Ipv4Addr>> {
        let live = self.traffic.live().into_iter();
        live.filter_map(|place| self.traffic.lines[place].resolver.known(clock, name))
            .map(|known| known.address)
            .collect()
    }
}
