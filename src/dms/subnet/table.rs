//! What one provider keeps of the subnets of the ensembles that it hosts. All of it lives in memory: it goes with the
//! last allocation of an ensemble, and with the machine.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{AddressRange, Route, SubnetError};
use crate::dms::actor::DnsRecord;
use crate::dms::identity::{EnsembleId, PeerId};
use crate::dms::resources::{PortError, Ports};
use crate::kernel::OrderedMap;

/// An allocation's place in its subnet.
#[derive(Clone, Debug)]
struct Member {
    address: Ipv4Addr,
    /// What it has been told of names.
    names: BTreeMap<Arc<str>, Ipv4Addr>,
    /// Public ports that lead to it, each with the port inside.
    ports: BTreeMap<u16, u16>,
}

/// One ensemble's subnet as this provider knows it.
#[derive(Clone, Debug)]
struct Subnet {
    range: AddressRange,
    /// Which peer each address is behind, also those of other peers.
    routes: BTreeMap<Ipv4Addr, PeerId>,
    /// The allocations that live here, by full id.
    members: OrderedMap<Arc<str>, Member>,
}

/// Under which name the node itself is a member, beside the full ids of allocations.
const NODE: &str = "";

/// Where a name leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The address in the subnet.
    pub address: Ipv4Addr,
    /// The peer that it is behind.
    pub peer: PeerId,
}

/// Why a name leads nowhere.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LookupError {
    /// Who asks is in no subnet.
    #[error("the allocation has no address in the subnet")]
    NotConnected,
    /// Who asks was never told of the name.
    #[error("no such name: {0}")]
    NoSuchName(Arc<str>),
    /// Its address is behind no known peer.
    #[error("no route to {0}")]
    NoRoute(Ipv4Addr),
}

/// Every subnet that a provider takes part in.
#[derive(Clone, Debug, Default)]
pub struct Subnets {
    all: OrderedMap<EnsembleId, Subnet>,
}

impl Subnets {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Creates the subnet of an ensemble, with the routes known so far.
    ///
    /// # Errors
    /// [`SubnetError::AlreadyExists`]: the former one keeps what it has.
    pub fn create(
        &mut self,
        id: EnsembleId,
        range: AddressRange,
        routes: &[Route],
    ) -> Result<(), SubnetError> {
        if self.all.contains_key(&id) {
            return Err(SubnetError::AlreadyExists(id));
        }
        self.all.insert(id, Subnet { range, routes: of(routes), members: OrderedMap::default() });
        Ok(())
    }

    /// Destroys the subnet of an ensemble, with all addresses, names and port maps. That there is none is fine.
    pub fn destroy(&mut self, id: EnsembleId) {
        self.all.shift_remove(&id);
    }

    /// The last allocation of an ensemble is gone: so is its subnet, unless the node itself has an address there.
    pub fn abandon(&mut self, id: EnsembleId) {
        if self.all.get(&id).is_some_and(|subnet| !subnet.members.contains_key(NODE)) {
            self.destroy(id);
        }
    }

    /// Gives the peer `here` itself an address, and tells it all that is known of the subnet; what it knew before is
    /// forgotten, its former address too.
    ///
    /// # Errors
    /// [`SubnetError::Missing`], [`SubnetError::NotInRange`], [`SubnetError::NotRoutedHere`],
    /// [`SubnetError::AddressInUse`].
    pub fn join(
        &mut self,
        id: EnsembleId,
        address: Ipv4Addr,
        here: PeerId,
        routes: &[Route],
        records: &[DnsRecord],
    ) -> Result<(), SubnetError> {
        let subnet = self.all.get_mut(&id).ok_or(SubnetError::Missing(id))?;
        let former = subnet.members.shift_remove(NODE);
        let known = std::mem::replace(&mut subnet.routes, of(routes));
        let node: Arc<str> = NODE.into();
        let done = self.add_peer(id, &node, address, here);
        let subnet = self.all.get_mut(&id).ok_or(SubnetError::Missing(id))?;
        match done {
            Ok(()) => subnet.members[NODE].names = named(records),
            Err(_) => {
                subnet.routes = known;
                subnet.members.extend(former.map(|member| (node, member)));
            }
        }
        done
    }

    /// Gives the peer `here` itself an address by hand: it goes on knowing what it knows.
    ///
    /// # Errors
    /// Those of [`Subnets::join`].
    pub fn take_address(
        &mut self,
        id: EnsembleId,
        address: Ipv4Addr,
        here: PeerId,
    ) -> Result<(), SubnetError> {
        let subnet = self.all.get(&id).ok_or(SubnetError::Missing(id))?;
        let mut known = subnet.routes.clone();
        known.entry(address).or_insert(here);
        let routes: Vec<Route> = known.into_iter().map(|(address, peer)| Route { address, peer }).collect();
        let names = subnet.members.get(NODE).map(|node| node.names.clone()).unwrap_or_default();
        let records: Vec<DnsRecord> =
            names.into_iter().map(|(name, address)| DnsRecord { name, address }).collect();
        self.join(id, address, here, &routes, &records)
    }

    /// Destroys a subnet by hand.
    ///
    /// # Errors
    /// [`SubnetError::Missing`].
    pub fn destroy_existing(&mut self, id: EnsembleId) -> Result<(), SubnetError> {
        self.all.shift_remove(&id).map(drop).ok_or(SubnetError::Missing(id))
    }

    /// What is on disk: the subnets of these ensembles without the node's own part in them, which whoever orchestrates
    /// them makes anew.
    #[must_use]
    pub fn on_disk(&self, hosted: impl Fn(EnsembleId) -> bool) -> Self {
        let mut all = self.all.clone();
        all.retain(|id, subnet| {
            subnet.members.shift_remove(NODE);
            hosted(*id)
        });
        Self { all }
    }

    /// Gives an allocation of the peer `here` its address.
    ///
    /// # Errors
    /// [`SubnetError::Missing`], [`SubnetError::NotInRange`], [`SubnetError::NotRoutedHere`],
    /// [`SubnetError::HasAddress`], [`SubnetError::AddressInUse`].
    pub fn add_peer(
        &mut self,
        id: EnsembleId,
        allocation: &Arc<str>,
        address: Ipv4Addr,
        here: PeerId,
    ) -> Result<(), SubnetError> {
        let subnet = self.all.get(&id).ok_or(SubnetError::Missing(id))?;
        if !subnet.range.is_for_allocation(address) {
            return Err(SubnetError::NotInRange { address, range: subnet.range });
        }
        if subnet.routes.get(&address) != Some(&here) {
            return Err(SubnetError::NotRoutedHere(address));
        }
        if let Some(member) = subnet.members.get(allocation) {
            return Err(SubnetError::HasAddress(member.address));
        }
        // Two ensembles may have drawn the same range; one machine cannot have an address twice.
        let mut members = self.all.values().flat_map(|subnet| subnet.members.values());
        if members.any(|member| member.address == address) {
            return Err(SubnetError::AddressInUse(address));
        }
        let member = Member { address, names: BTreeMap::new(), ports: BTreeMap::new() };
        self.all[&id].members.insert(Arc::clone(allocation), member);
        Ok(())
    }

    /// Learns which peers addresses are behind now; what was known of others stays.
    ///
    /// # Errors
    /// [`SubnetError::Missing`].
    pub fn accept_peers(&mut self, id: EnsembleId, routes: &[Route]) -> Result<(), SubnetError> {
        let subnet = self.all.get_mut(&id).ok_or(SubnetError::Missing(id))?;
        subnet.routes.extend(of(routes));
        Ok(())
    }

    /// Forgets the routes to addresses that are nobody's any more; that there is none is fine.
    ///
    /// # Errors
    /// [`SubnetError::Missing`].
    pub fn remove_peers(&mut self, id: EnsembleId, addresses: &[Ipv4Addr]) -> Result<(), SubnetError> {
        let subnet = self.all.get_mut(&id).ok_or(SubnetError::Missing(id))?;
        subnet.routes.retain(|address, _| !addresses.contains(address));
        Ok(())
    }

    /// Has an allocation forget names; that it does not know them is fine.
    ///
    /// # Errors
    /// [`SubnetError::Missing`], [`SubnetError::NoAddress`].
    pub fn remove_records(
        &mut self,
        id: EnsembleId,
        allocation: &str,
        names: &[Arc<str>],
    ) -> Result<(), SubnetError> {
        self.member(id, allocation)?.names.retain(|name, _| !names.contains(name));
        Ok(())
    }

    /// Tells an allocation names; one that it knows already is replaced. The answer is its own name, if it is among
    /// those that it knows now.
    ///
    /// # Errors
    /// [`SubnetError::Missing`], [`SubnetError::NoAddress`].
    pub fn add_records(
        &mut self,
        id: EnsembleId,
        allocation: &str,
        records: &[DnsRecord],
    ) -> Result<Option<Arc<str>>, SubnetError> {
        let member = self.member(id, allocation)?;
        member.names.extend(named(records));
        let own = member.names.iter().find(|(_, address)| **address == member.address);
        Ok(own.map(|(name, _)| Arc::clone(name)))
    }

    /// Lets a public port lead to an allocation: `public`, or for 0 the lowest of the dynamic ports that were reserved
    /// for it and are not mapped yet. The answer is the port that it became.
    ///
    /// # Errors
    /// [`SubnetError::Missing`], [`SubnetError::NoAddress`], [`SubnetError::AlreadyMapped`], and
    /// [`SubnetError::Port`] for a port that is not reserved for this allocation, or when no dynamic one is left.
    pub fn map_port(
        &mut self,
        id: EnsembleId,
        allocation: &str,
        (public, private): (u16, u16),
        reserved: &Ports,
    ) -> Result<u16, SubnetError> {
        let member = self.member(id, allocation)?;
        let port = if public == 0 {
            let free = |port: &u16| !member.ports.contains_key(port);
            reserved.dynamic_of(allocation).find(free).ok_or(PortError::Exhausted)?
        } else {
            reserved.check_owner(public, allocation)?;
            public
        };
        if member.ports.contains_key(&port) {
            return Err(SubnetError::AlreadyMapped(port));
        }
        member.ports.insert(port, private);
        Ok(port)
    }

    fn member(&mut self, id: EnsembleId, allocation: &str) -> Result<&mut Member, SubnetError> {
        let subnet = self.all.get_mut(&id).ok_or(SubnetError::Missing(id))?;
        subnet.members.get_mut(allocation).ok_or(SubnetError::NoAddress)
    }

    /// An allocation has ended: its address, what it knew and its port maps are gone.
    pub fn remove(&mut self, id: EnsembleId, allocation: &str) {
        if let Some(subnet) = self.all.get_mut(&id) {
            subnet.members.shift_remove(allocation);
        }
    }

    /// Where a name leads for an allocation that lives here.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub fn resolve(&self, id: EnsembleId, allocation: &str, name: &str) -> Result<Endpoint, LookupError> {
        let subnet = self.all.get(&id).ok_or(LookupError::NotConnected)?;
        let member = subnet.members.get(allocation).ok_or(LookupError::NotConnected)?;
        let address = *member.names.get(name).ok_or_else(|| LookupError::NoSuchName(name.into()))?;
        let peer = *subnet.routes.get(&address).ok_or(LookupError::NoRoute(address))?;
        Ok(Endpoint { address, peer })
    }

    /// Where a name leads for the node itself.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub fn resolve_here(&self, id: EnsembleId, name: &str) -> Result<Endpoint, LookupError> {
        self.resolve(id, NODE, name)
    }

    /// The full id of the allocation that a public port of this machine leads to.
    #[must_use]
    pub fn behind_port(&self, public: u16) -> Option<&Arc<str>> {
        let mut members = self.all.values().flat_map(|subnet| &subnet.members);
        members.find(|(_, member)| member.ports.contains_key(&public)).map(|(allocation, _)| allocation)
    }

    /// The full id of the allocation that lives here at an address of an ensemble's subnet.
    #[must_use]
    pub fn at(&self, id: EnsembleId, address: Ipv4Addr) -> Option<&Arc<str>> {
        let members = &self.all.get(&id)?.members;
        members.iter().find(|(_, member)| member.address == address).map(|(allocation, _)| allocation)
    }
}

fn of(routes: &[Route]) -> BTreeMap<Ipv4Addr, PeerId> {
    routes.iter().map(|route| (route.address, route.peer)).collect()
}

fn named(records: &[DnsRecord]) -> BTreeMap<Arc<str>, Ipv4Addr> {
    records.iter().map(|record| (Arc::clone(&record.name), record.address)).collect()
}

#[cfg(test)]
mod tests;
