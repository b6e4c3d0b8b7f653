//! The subnets of the ensembles that live here (dms-orchestration section 2.11): what orchestrators ask for, and what
//! allocations find by name.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Provider;
use crate::dms::actor::{AllocationState, BehaviourKind, Envelope, Message, SubnetCreate, SubnetJoin};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::identity::{EnsembleId, PeerId};
use crate::dms::outbox::RunId;
use crate::dms::subnet::{Endpoint, LookupError, SubnetError};

/// "Yes", or "no" with the reason.
fn answer(result: Result<(), SubnetError>) -> Message {
    match result {
        Ok(()) => Message::Ok,
        Err(refused) => Message::Error(refused.to_string().into()),
    }
}

/// The same about a join; the node has its address now if it is "yes".
fn answer_join(desk: &mut Desk<'_, '_>, order: &SubnetJoin, joined: Result<(), SubnetError>) -> Message {
    if joined.is_ok() {
        desk.fact(Fact::SubnetJoined { ensemble: order.ensemble, address: order.address });
    }
    answer(joined)
}

impl Provider {
    /// Creates the subnet of an ensemble. One that was not destroyed is in the way.
    pub(super) fn create_subnet(&mut self, order: &SubnetCreate) -> Message {
        answer(self.subnets.create(order.ensemble, order.range, &order.routes))
    }

    /// Gives the node itself, which is `here`, its address in the subnet of an ensemble that it orchestrates.
    pub(super) fn join_subnet(
        &mut self,
        desk: &mut Desk<'_, '_>,
        here: PeerId,
        order: &SubnetJoin,
    ) -> Message {
        let SubnetJoin { ensemble, address, routes, records } = order;
        let joined = self.subnets.join(*ensemble, *address, here, routes, records);
        answer_join(desk, order, joined)
    }

    /// Does to a subnet what somebody at a command line wants; none for a message that is about something else.
    pub(in crate::dms) fn handle_subnet_by_hand(
        &mut self,
        desk: &mut Desk<'_, '_>,
        here: PeerId,
        request: &Envelope,
    ) -> Option<Message> {
        Some(match (request.behaviour.kind, &request.message) {
            (BehaviourKind::NodeSubnetCreate, Message::SubnetCreate(order)) => self.create_subnet(order),
            (BehaviourKind::NodeSubnetDestroy, Message::SubnetDestroy(id)) => {
                answer(self.subnets.destroy_existing(*id))
            }
            (BehaviourKind::NodeSubnetJoin, Message::SubnetJoin(order)) => {
                let joined = self.subnets.take_address(order.ensemble, order.address, here);
                answer_join(desk, order, joined)
            }
            _ => return None,
        })
    }

    /// Handles a message about an allocation's place in its subnet.
    pub(super) fn handle_network(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, request: &Envelope) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let (ensemble, generation) = (allocation.ensemble, allocation.generation);
        let here = allocation.actor.handle.host;
        let allocation_id = || Arc::clone(id);
        let done = match &request.message {
            Message::SubnetAddPeer { address } => {
                self.subnets.add_peer(ensemble, id, *address, here).map(|()| {
                    Some(Fact::AddressGiven { allocation: allocation_id(), generation, address: *address })
                })
            }
            Message::SubnetAcceptPeers(routes) => self.subnets.accept_peers(ensemble, routes).map(|()| None),
            Message::SubnetRemovePeers(addresses) => {
                self.subnets.remove_peers(ensemble, addresses).map(|()| None)
            }
            Message::DnsRemoveRecords(names) => {
                self.subnets.remove_records(ensemble, id, names).map(|()| None)
            }
            Message::DnsAddRecords(records) => {
                let own = self.subnets.add_records(ensemble, id, records);
                own.map(|own| own.map(|name| Fact::Named { allocation: allocation_id(), generation, name }))
            }
            Message::MapPort { public, private } => {
                let mapped = self.subnets.map_port(ensemble, id, (*public, *private), &self.ports);
                let private = *private;
                mapped.map(|public| {
                    Some(Fact::PortMapped { allocation: allocation_id(), generation, public, private })
                })
            }
            _ => return,
        };
        let done = done.map(|fact| fact.into_iter().for_each(|fact| desk.fact(fact)));
        desk.reply(&mut allocation.actor, request, answer(done));
    }

    /// Where a name leads for an allocation that lives here.
    ///
    /// # Errors
    /// Why it leads nowhere; an allocation that is not here has no address.
    pub fn resolve(&self, allocation: &str, name: &str) -> Result<Endpoint, LookupError> {
        let ensemble = self.allocations.get(allocation).ok_or(LookupError::NotConnected)?.ensemble;
        self.subnets.resolve(ensemble, allocation, name)
    }

    /// Where a name leads for the node itself in an ensemble's subnet.
    ///
    /// # Errors
    /// Why it leads nowhere; a node that has not joined has no address.
    pub fn resolve_here(&self, ensemble: EnsembleId, name: &str) -> Result<Endpoint, LookupError> {
        self.subnets.resolve_here(ensemble, name)
    }

    /// The full id of the allocation that lives here at an address of an ensemble's subnet, running or not.
    #[must_use]
    pub fn living_at(&self, ensemble: EnsembleId, address: Ipv4Addr) -> Option<&Arc<str>> {
        self.subnets.at(ensemble, address)
    }

    /// The full id of the allocation that a public port of this machine leads to, running or not.
    #[must_use]
    pub fn behind_port(&self, public: u16) -> Option<&Arc<str>> {
        self.subnets.behind_port(public)
    }

    /// The allocation of a run: its full id and its generation.
    #[must_use]
    pub fn allocation_of(&self, run: RunId) -> Option<(&Arc<str>, u32)> {
        let mut all = self.allocations.iter();
        all.find(|(_, one)| one.run == run).map(|(id, one)| (id, one.generation))
    }

    /// The present run of an allocation that lives and runs here.
    #[must_use]
    pub fn run_of(&self, allocation: &str) -> Option<RunId> {
        let found = self.allocations.get(allocation)?;
        (found.state == AllocationState::Running).then_some(found.run)
    }

    /// The full id of the allocation that runs here at an address of an ensemble's subnet.
    #[must_use]
    pub fn running_at(&self, ensemble: EnsembleId, address: Ipv4Addr) -> Option<&Arc<str>> {
        let id = self.subnets.at(ensemble, address)?;
        self.allocations.get(id).filter(|found| found.state == AllocationState::Running).map(|_| id)
    }
}
