//! Nothing is placed where it may not be: a machine commits only to what its executors, its place and its size allow,
//! and to what may be on it by name (dms-orchestration sections 2.2, 2.3 and 6.1).

use super::{Found, Invariant, Look};
use crate::dms::ensemble::{EnsembleConfig, Location, NodeConfig};
use crate::dms::fact::Fact;
use crate::dms::orchestrator::Deployment;
use crate::dms::provider::Machine;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// See the module.
#[derive(Default)]
pub(super) struct Placement;

impl Invariant for Placement {
    fn name(&self) -> &'static str {
        "placement"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        let world = look.world;
        let provider = world.hosts[peer.0 as usize].peer.provider();
        match fact {
            Fact::Committed { allocation, .. } => {
                let Some(number) = world.ledger.deployment_of(allocation) else { return };
                let ensemble = world.ledger.ensemble_of(number);
                let node = key_of(allocation).split_once('.').map_or("", |(node, _)| node);
                // A standby is called after its primary.
                let known = ensemble.nodes.get(node).or_else(|| {
                    let primary = ensemble.nodes.iter().filter(|(name, _)| node.starts_with(&***name));
                    primary.max_by_key(|(name, _)| name.len()).map(|(_, config)| config)
                });
                let is_standby = !ensemble.nodes.contains_key(node);
                // What an update wants is not in the books.
                let Some(node) = known.filter(|_| !was_updated(look, number)) else { return };
                let host = || world.hosts[peer.0 as usize].peer.handle_of_root().host.to_string();
                if ensemble.exclude_peers.iter().any(|excluded| **excluded == host()) {
                    found.wrong(look, peer, format!("commits to {}, which excludes it", key_of(allocation)));
                }
                // Standbys of a node that is pinned are not.
                if !is_standby && !may_be_on(look, peer, node) {
                    let what = format!("commits to {}: it is pinned to another peer", key_of(allocation));
                    found.wrong(look, peer, what);
                }
                if let Some(why) = unfit(ensemble, node, provider.machine()) {
                    found.wrong(look, peer, format!("commits to {}: {why}", key_of(allocation)));
                }
            }
            // A gateway bids with machines that there are not yet, and what an update adds is not in the books.
            Fact::BidMade(ensemble)
                if world.setup.groups[world.population.group_of(peer)].gateway.is_none() =>
            {
                let Some(number) = world.ledger.number_of(*ensemble) else { return };
                if was_updated(look, number) {
                    return;
                }
                let ensemble = world.ledger.ensemble_of(number);
                // Its standbys may be where a node that is pinned may not.
                let why = |node| unfit(ensemble, node, provider.machine());
                let reasons: Vec<Option<String>> = ensemble.nodes.values().map(why).collect();
                if let Some(Some(why)) = reasons.first()
                    && reasons.iter().all(Option::is_some)
                {
                    let name = world.ledger.name_of(number);
                    found.wrong(look, peer, format!("bids for {name}, of which nothing can be here: {why}"));
                }
            }
            _ => {}
        }
    }
}

/// Whether a deployment was ever to become something else than what is in the books.
fn was_updated(look: &Look<'_, '_>, number: u32) -> bool {
    let Some((by, id)) = look.world.ledger.deployment(number) else { return false };
    look.world.hosts[by.0 as usize].peer.deployment(id).is_none_or(Deployment::was_updated)
}

/// Whether a node is not pinned to another peer.
pub(super) fn may_be_on(look: &Look<'_, '_>, peer: PeerId, node: &NodeConfig) -> bool {
    let name = look.world.population.name_of(peer);
    let host = || look.world.hosts[peer.0 as usize].peer.handle_of_root().host.to_string();
    node.peer.as_ref().is_none_or(|pin| **pin == **name || **pin == *host())
}

/// Why a node may not be on a machine.
pub(super) fn unfit(ensemble: &EnsembleConfig, node: &NodeConfig, machine: &Machine) -> Option<String> {
    let (accept, reject) = (&node.location.accept, &node.location.reject);
    let inside = |places: &[Location]| places.iter().any(|place| lies_in(&machine.location, place));
    if if accept.is_empty() { inside(reject) } else { !inside(accept) } {
        return Some("it may not be in this place".to_owned());
    }
    let mut sum = (0, 0, 0);
    for allocation in node.allocations.iter().filter_map(|name| ensemble.allocations.get(name)) {
        if !machine.executors.contains(&allocation.executor) {
            return Some(format!("nothing there runs {}", allocation.executor));
        }
        let (wanted, own) = (&allocation.resources, &machine.total.cpu);
        let kind = wanted.cpu.architecture.as_ref();
        if kind.is_some_and(|kind| own.architecture.as_ref() != Some(kind)) {
            return Some("its processor is of another kind".to_owned());
        }
        if wanted.cpu.clock_hz > own.clock_hz {
            return Some("its processor is too slow".to_owned());
        }
        sum = (sum.0 + wanted.cpu.cores_milli, sum.1 + wanted.ram_bytes, sum.2 + wanted.disk_bytes);
    }
    let total = &machine.total;
    let fits = sum.0 <= total.cpu.cores_milli && sum.1 <= total.ram_bytes && sum.2 <= total.disk_bytes;
    (!fits).then(|| "the machine is too small".to_owned())
}

/// Whether a place is inside another: the continent must be said and be the same, the rest where it is said.
fn lies_in(place: &Location, wanted: &Location) -> bool {
    let said = |wanted: &Option<_>, own: &Option<_>| wanted.is_none() || wanted == own;
    place.continent == wanted.continent
        && said(&wanted.country, &place.country)
        && said(&wanted.city, &place.city)
        && said(&wanted.isp, &place.isp)
        && (wanted.asn.is_none() || wanted.asn == place.asn)
}
