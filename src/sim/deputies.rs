//! Who stands in for whom, where deployments are handed over: the orchestrators of a run that are in the same
//! organizations, and so may do the same, form a ring in the order of their numbers, and each is the deputy of the one
//! before it.

use std::sync::Arc;

use super::host::Host;
use super::setup::{PeerGroup, Role, Setup};
use crate::dms::deputy::DeputyConfig;
use crate::dms::identity::Handle;

/// Has the orchestrators agree on it, if anything is to be handed over.
pub(super) fn appoint(setup: &Setup, hosts: &mut [Host]) {
    if !hand_over(setup) {
        return;
    }
    for ring in rings(&setup.groups) {
        for (place, number) in ring.iter().enumerate() {
            let (after, before) = ((place + 1) % ring.len(), (place + ring.len() - 1) % ring.len());
            let [deputy, principal] =
                [after, before].map(|other| hosts[ring[other]].peer.handle_of_root().host);
            let deputy = Some(Arc::new(Handle::root(deputy.0)));
            hosts[*number].peer.configure_deputies(DeputyConfig { deputy, principals: vec![principal] });
        }
    }
}

/// Whether anything is to be handed over.
pub(super) fn hand_over(setup: &Setup) -> bool {
    let of_deployments = setup.workload.iter().filter_map(|request| request.wishes.recovery.as_ref());
    let mut all = of_deployments.chain([&setup.strategy.recovery]);
    all.any(|recovery| recovery.handed_over_after().is_some())
}

/// The numbers of orchestrators that stand in for each other: rings of two and more.
fn rings(groups: &[PeerGroup]) -> Vec<Vec<usize>> {
    let peers = groups.iter().flat_map(|group| (0..group.count).map(move |_| group));
    let orchestrators = peers.enumerate().filter(|(_, group)| group.role == Role::Orchestrator);
    let mut rings: Vec<(&PeerGroup, Vec<usize>)> = Vec::new();
    for (number, group) in orchestrators {
        match rings.iter_mut().find(|(first, _)| first.is_of_the_organizations_of(group)) {
            Some((_, ring)) => ring.push(number),
            None => rings.push((group, vec![number])),
        }
    }
    rings.into_iter().map(|(_, ring)| ring).filter(|ring| ring.len() > 1).collect()
}
