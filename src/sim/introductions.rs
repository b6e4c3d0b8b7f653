//! Which providers orchestrators know of, where they ask some of them only.

use std::sync::Arc;

use super::event::PeerId;
use super::setup::Role;
use super::world::World;
use crate::dms::identity::PeerId as HostId;

impl World<'_> {
    /// Tells orchestrators which providers there are, where they ask some of them only.
    pub(super) fn introduce_providers(&mut self) {
        if self.setup.strategy.scored_bids.as_ref().is_none_or(|scored| scored.ask.is_none()) {
            return;
        }
        let role_of = |peer: PeerId| self.setup.groups[self.population.group_of(peer)].role;
        let all = || (0..self.hosts.len() as u32).map(PeerId);
        let providers = all().filter(|peer| role_of(*peer) == Role::Provider);
        let host = |peer: PeerId| {
            let at_rest = self.foresight.host(peer);
            at_rest.unwrap_or_else(|| self.hosts[peer.0 as usize].peer.handle_of_root().host)
        };
        let known: Arc<[HostId]> = providers.map(host).collect();
        let orchestrators: Vec<PeerId> = all().filter(|peer| role_of(*peer) == Role::Orchestrator).collect();
        for peer in orchestrators {
            self.hosts[peer.0 as usize].peer.know_providers(&known);
        }
    }
}
