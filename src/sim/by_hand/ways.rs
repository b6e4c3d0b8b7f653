//! Looking at ways: where names lead, over whom, and what becomes of who asks there.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::World;
use crate::dms::dynamic_dns::{Name, Resolver};
use crate::dms::identity::EnsembleId;
use crate::dms::subnet::{Endpoint, LookupError};
use crate::net::{BandwidthConfig, CityId, Outsider};
use crate::sim::event::PeerId;
use crate::sim::traffic::Failure;

/// How what an allocation sends to another goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// To which peer.
    pub to: Arc<str>,
    /// Over which relay; none where it needs none.
    pub relay: Option<Arc<str>>,
}

/// Where a name leads in a subnet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lead {
    /// The address in the subnet.
    pub address: Ipv4Addr,
    /// The peer that it is behind.
    pub peer: Arc<str>,
    /// `node.allocation` of what really lives there at this address.
    pub key: Option<Arc<str>>,
}

impl World<'_> {
    /// Where a name leads for an allocation of a deployment that runs.
    ///
    /// # Errors
    /// As for [`World::call`].
    pub fn resolve(&self, id: EnsembleId, from: &str, name: &str) -> Result<Lead, &'static str> {
        let (_, endpoint) = self.endpoint(id, from, name)?;
        let peer = self.directory.find(&endpoint.peer).ok_or(Failure::Unreachable.as_str())?;
        let living = self.hosts[peer.0 as usize].peer.provider().living_at(id, endpoint.address);
        let key = living.and_then(|full| full.split_once('_')).map(|(_, key)| key.into());
        Ok(Lead { address: endpoint.address, peer: self.name_of(peer), key })
    }

    /// Which way one allocation of a deployment reaches another now.
    ///
    /// # Errors
    /// As for [`World::call`].
    pub fn way_of(&self, id: EnsembleId, from: &str, to: &str) -> Result<Way, &'static str> {
        let name = self.dns_name(id, to)?;
        let (caller, endpoint) = self.endpoint(id, from, &name)?;
        let landed = self.land_inside(caller, id, endpoint).map_err(|(failure, _)| failure.as_str())?;
        let course = landed.1;
        let relay = course.relay.map(|relay| self.name_of(PeerId(relay.0)));
        Ok(Way { to: self.name_of(PeerId(course.to.0)), relay })
    }

    /// The node of a peer asks an allocation of a deployment by its name in the subnet, in which it must have an
    /// address.
    ///
    /// # Errors
    /// As for [`World::call`].
    pub fn call_from_node(&self, by: &str, id: EnsembleId, to: &str) -> Result<(), &'static str> {
        let by = self.peer(by);
        if !self.hosts[by.0 as usize].up {
            return Err(Failure::Unreachable.as_str());
        }
        let name = self.dns_name(id, to)?;
        let found = self.hosts[by.0 as usize].peer.provider().resolve_here(id, &name);
        self.answers(self.land_inside(by, id, found.map_err(|error| unresolved(&error))?))
    }

    /// Somebody in the city of a peer asks an allocation of a deployment from outside, at the address and the public
    /// port that its manifest named when it was placed.
    ///
    /// # Errors
    /// As for [`World::call`].
    pub fn call_from_outside(&self, by: &str, id: EnsembleId, to: &str) -> Result<(), &'static str> {
        let number = self.ledger.number_of(id).ok_or("no such deployment")?;
        let (peer, .., since) = self.ledger.mapped(number, to, None).ok_or(Failure::NoSuchName.as_str())?;
        self.call_at(by, self.moving.address_at(peer, since), id, to)
    }

    /// Somebody in the city of a peer asks an allocation of a deployment from outside, at an address of their own and
    /// the public port that the deployment's manifest names.
    ///
    /// # Errors
    /// As for [`World::call`].
    pub fn call_at(&self, by: &str, address: Ipv4Addr, id: EnsembleId, to: &str) -> Result<(), &'static str> {
        let number = self.ledger.number_of(id).ok_or("no such deployment")?;
        let (_, wanted, public, _) =
            self.ledger.mapped(number, to, None).ok_or(Failure::NoSuchName.as_str())?;
        // Nobody is given an address that another has had: what is sent to a former one vanishes.
        let there =
            (0..self.hosts.len() as u32).map(PeerId).find(|peer| self.moving.address(*peer) == address);
        let peer = there.ok_or(Failure::TimedOut.as_str())?;
        self.answers(self.land_outside(self.somebody_at(by), (peer, &wanted, public)))
    }

    /// The public address of a peer.
    ///
    /// # Panics
    /// If there is no such peer.
    #[must_use]
    pub fn address_of(&self, peer: &str) -> Ipv4Addr {
        self.moving.address(self.peer(peer))
    }

    /// The public address that a peer had before its last move; none where it never moved.
    ///
    /// # Panics
    /// If there is no such peer.
    #[must_use]
    pub fn former_address_of(&self, peer: &str) -> Option<Ipv4Addr> {
        self.moving.address_before(self.peer(peer))
    }

    /// Where a name of the zone of dynamic DNS leads for somebody in the city of a peer who remembers answers for as
    /// long as they may be remembered; none where it leads nowhere.
    ///
    /// # Errors
    /// That it is no name, or that the server of the zone does not answer.
    pub fn find_name(&self, by: &str, name: &str, memory: &mut Resolver) -> Result<Option<Ipv4Addr>, String> {
        let name = Name::parse(name).map_err(|error| error.to_string())?;
        let now = self.now();
        let clock = self.clock(now);
        if let Some(known) = memory.known(clock, &name) {
            return Ok(known.address);
        }
        let answer = self.ask_for_name(now, self.somebody_at(by), &name);
        let answer = answer.ok_or_else(|| "the server of the zone does not answer".to_owned())?;
        memory.learn(clock, name, answer);
        Ok(answer.address)
    }

    /// Where an allocation that runs finds what has this name.
    pub(super) fn endpoint(
        &self,
        id: EnsembleId,
        from: &str,
        name: &str,
    ) -> Result<(PeerId, Endpoint), &'static str> {
        let number = self.ledger.number_of(id).ok_or("no such deployment")?;
        let (caller, source) = self.ledger.instance(number, from).ok_or("the caller does not run")?;
        if !self.hosts[caller.0 as usize].up {
            return Err(Failure::Unreachable.as_str());
        }
        let found = self.hosts[caller.0 as usize].peer.provider().resolve(&source, name);
        Ok((caller, found.map_err(|error| unresolved(&error))?))
    }

    pub(super) fn dns_name(&self, id: EnsembleId, to: &str) -> Result<Arc<str>, &'static str> {
        let number = self.ledger.number_of(id).ok_or("no such deployment")?;
        Ok(self.ledger.subnet_name(number, to))
    }

    fn name_of(&self, peer: PeerId) -> Arc<str> {
        Arc::clone(self.population.name_of(peer))
    }

    /// A user in the city of a peer.
    fn somebody_at(&self, by: &str) -> (Outsider, CityId) {
        let city = self.population.members()[self.peer(by).0 as usize].city;
        (self.network.outsider(city, BandwidthConfig::Unlimited), city)
    }
}

fn unresolved(error: &LookupError) -> &'static str {
    match error {
        LookupError::NoRoute(_) => Failure::Unreachable.as_str(),
        LookupError::NoSuchName(_) | LookupError::NotConnected => Failure::NoSuchName.as_str(),
    }
}
