//! Who stands in for whom, where deployments are handed over: the orchestrators of a run form a ring, in the order of
//! their numbers, and each is the deputy of the one before it.

use super::host::Host;
use super::setup::{Role, Setup};
use crate::dms::deputy::DeputyConfig;
use crate::dms::identity::Handle;

/// Has the orchestrators agree on it.
pub(super) fn appoint(setup: &Setup, hosts: &mut [Host]) {
    let roles = setup.groups.iter().flat_map(|group| (0..group.count).map(|_| group.role));
    let ring: Vec<usize> =
        roles.enumerate().filter(|(_, role)| *role == Role::Orchestrator).map(|(number, _)| number).collect();
    if ring.len() < 2 {
        return;
    }
    for (place, number) in ring.iter().enumerate() {
        let (after, before) = ((place + 1) % ring.len(), (place + ring.len() - 1) % ring.len());
        let [deputy, principal] = [after, before].map(|other| hosts[ring[other]].peer.handle_of_root().host);
        let deputy = Some(std::sync::Arc::new(Handle::root(deputy.0)));
        hosts[*number].peer.configure_deputies(DeputyConfig { deputy, principals: vec![principal] });
    }
}
