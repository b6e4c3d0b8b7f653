//! Which providers orchestrators know of, where they ask some of them only.

use std::sync::Arc;

use super::event::PeerId;
use super::host::Host;
use super::setup::Role;
use super::world::World;
use crate::dms::identity::PeerId as HostId;

impl World<'_> {
    /// Tells orchestrators which providers there are, where they ask some of them only.
    pub(super) fn introduce_providers(&mut self) {
        if self.setup.strategy.scored_bids.as_ref().is_none_or(|scored| scored.ask.is_none()) {
            return;
        }
        let (setup, population) = (self.setup, &self.population);
        let is =
            |host: &Host, role: Role| setup.groups[population.group_of(PeerId(host.number))].role == role;
        let providers = self.hosts.iter().filter(|host| is(host, Role::Provider));
        let known: Arc<[HostId]> = providers.map(|host| self.foresight.id_of(host)).collect();
        for host in self.hosts.iter_mut().filter(|host| is(host, Role::Orchestrator)) {
            host.peer.know_providers(&known);
        }
    }
}
