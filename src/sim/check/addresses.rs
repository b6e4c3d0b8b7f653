//! Addresses and ports are unique: a machine has no public port and no address of a subnet twice, and an ensemble gives
//! none of its addresses to two allocations (dms-orchestration sections 2.11 and 5.5, W15).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Found, Invariant, Look};
use crate::dms::fact::Fact;
use crate::sim::event::PeerId;
use crate::sim::ledger::key_of;

/// See the module.
#[derive(Default)]
pub(super) struct Addresses {
    /// Which allocation a public port leads to.
    ports: BTreeMap<(PeerId, u16), Arc<str>>,
    /// Which allocation has an address, by peer.
    addresses: BTreeMap<(PeerId, Ipv4Addr), Arc<str>>,
    /// Which allocation of an ensemble has an address.
    of_ensembles: BTreeMap<(Arc<str>, Ipv4Addr), Arc<str>>,
}

impl Addresses {
    /// Whether a port is still that of an allocation of a peer.
    fn has_port(look: &Look<'_, '_>, peer: PeerId, allocation: &str, port: u16) -> bool {
        let infos = look.world.hosts[peer.0 as usize].peer.provider().allocation_infos();
        infos.iter().any(|info| *info.id == *allocation && info.ports.contains(&port))
    }

    /// Whether a peer still has an allocation.
    fn lives(look: &Look<'_, '_>, peer: PeerId, allocation: &str) -> bool {
        look.world.hosts[peer.0 as usize].peer.provider().allocations().any(|(id, ..)| **id == *allocation)
    }
}

impl Invariant for Addresses {
    fn name(&self) -> &'static str {
        "addresses"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        match fact {
            Fact::PortMapped { allocation, public, .. } => {
                if *public == 0 {
                    found.wrong(look, peer, format!("port 0 leads to {}", key_of(allocation)));
                }
                let former = self.ports.insert((peer, *public), Arc::clone(allocation));
                let former = former.filter(|former| former != allocation);
                if let Some(former) = former.filter(|former| Self::has_port(look, peer, former, *public)) {
                    let (one, other) = (key_of(allocation), key_of(&former));
                    found.wrong(look, peer, format!("port {public} leads to {one} and to {other}"));
                }
            }
            Fact::AddressGiven { allocation, address, .. } => {
                let former = self.addresses.insert((peer, *address), Arc::clone(allocation));
                let former = former.filter(|former| former != allocation);
                if let Some(former) = former.filter(|former| Self::lives(look, peer, former)) {
                    let (one, other) = (key_of(allocation), key_of(&former));
                    found.wrong(look, peer, format!("{address} is the address of {one} and of {other}"));
                }
                let ensemble: Arc<str> = allocation.split_once('_').map_or("", |(id, _)| id).into();
                let former = self.of_ensembles.insert((ensemble, *address), Arc::clone(allocation));
                if let Some(former) = former.filter(|former| former != allocation) {
                    let (one, other) = (key_of(allocation), key_of(&former));
                    found.wrong(look, peer, format!("{address} is the address of {one} and of {other}"));
                }
            }
            _ => {}
        }
    }
}
