//! Outages of what has something in common: a country, a carrier, an organization. The machines of it go down together.

use std::collections::BTreeMap;

use super::{Down, entity_of};
use crate::kernel::{Domain, Rng, Time};
use crate::net::Cities;
use crate::sim::event::{Event, PeerId, Turn};
use crate::sim::setup::{Outage, Unit, UnitRepair};
use crate::sim::world::World;

/// Which units an outage hits, and which of their peers.
const UNITS: Domain = Domain::new("sim.outage");
/// How long the repair of each unit takes, apart so that it does not depend on what is hit.
const UNIT_REPAIR: Domain = Domain::new("sim.outage.repair");

/// What a unit is called: a name, or a number, or both.
type UnitKey<'a> = (&'a str, u32);

impl<'s> World<'s> {
    /// Units are drawn, and the machines of each go down, until its repair or their own.
    pub(super) fn break_units(&mut self, now: Time, turn: Turn, outage: &Outage) {
        let mut rng = self.streams.owned(UNITS, entity_of(0, turn.fault, turn.number));
        let mut units = self.units(outage);
        for place in 0..outage.units {
            let Some(peers) = take_one(&mut units, &mut rng) else { return };
            let count = libm::round(outage.fraction * peers.len() as f64) as usize;
            let mut hit = rng.sample_without_replacement(peers.len(), count);
            hit.sort_unstable();
            let together = match &outage.repair {
                UnitRepair::Together(repair) => {
                    let entity = entity_of(place, turn.fault, turn.number);
                    Some(now + repair.sample(&mut self.streams.owned(UNIT_REPAIR, entity)))
                }
                UnitRepair::Never | UnitRepair::Each(_) => None,
            };
            for peer in hit.into_iter().map(|place| peers[place]) {
                // One that is down by a fault already stays so until that one's repair.
                if self.hosts[peer.0 as usize].crashed {
                    continue;
                }
                self.hosts[peer.0 as usize].crashed = true;
                self.take_down(now, peer, Down::Machine);
                if let Some(at) = together {
                    self.queue.post(at, Event::Repair(peer));
                } else if let UnitRepair::Each(repair) = &outage.repair {
                    self.repair_later(now, turn, peer, repair);
                }
            }
        }
    }

    /// The peers of each unit that an outage may hit. What does not exist at the time belongs to none.
    fn units(&self, outage: &Outage) -> BTreeMap<UnitKey<'s>, Vec<PeerId>> {
        let mut units: BTreeMap<UnitKey<'s>, Vec<PeerId>> = BTreeMap::new();
        let mut matching = self.population.matching(&outage.who);
        matching.retain(|peer| !self.is_absent(*peer));
        for peer in matching {
            let member = &self.population.members()[peer.0 as usize];
            let city = Cities::world().city(member.city);
            let key: UnitKey<'s> = match outage.by {
                Unit::Continent => (city.continent.code(), 0),
                Unit::Country => (city.country, 0),
                Unit::City => (city.country, member.city.0),
                Unit::System => (city.country, self.population.system_of(peer)),
                Unit::Organization => {
                    let setup: &'s _ = self.setup;
                    // Who is a member of several is in the outages of each.
                    for name in &setup.groups[member.group].organizations {
                        units.entry((name, 0)).or_default().push(peer);
                    }
                    continue;
                }
            };
            units.entry(key).or_default().push(peer);
        }
        units
    }
}

/// Takes one of the units that are left, each with a probability that is as its number of peers.
fn take_one<'s>(units: &mut BTreeMap<UnitKey<'s>, Vec<PeerId>>, rng: &mut Rng<'_>) -> Option<Vec<PeerId>> {
    let all: u64 = units.values().map(|peers| peers.len() as u64).sum();
    if all == 0 {
        return None;
    }
    let mut point = rng.below(all);
    let found = units.iter().find_map(|(key, peers)| {
        let within = point < peers.len() as u64;
        point = point.saturating_sub(peers.len() as u64);
        within.then_some(*key)
    })?;
    units.remove(&found)
}
