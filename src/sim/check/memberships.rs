//! Who belongs to which organization, and so who listens to whom.

use super::Look;
use crate::dms::capability::{Capability, Token};
use crate::dms::identity::Did;
use crate::net::EndpointId;
use crate::sim::event::PeerId;
use crate::sim::setup::{Operation, OperationKind, Role, Withdrawn};

/// What a membership is good for, and what an operator grants beside memberships may not be.
static DEPLOYING: Capability = Capability::fixed("/dms/deployment/request");

/// The organizations whose valid membership a peer holds in its own name; none where it was withdrawn, for then nobody
/// listens to it.
pub(super) fn memberships<'a>(look: &Look<'a, '_>, peer: PeerId) -> Vec<&'a Did> {
    let world = look.world;
    let is_withdrawn = || {
        let name = &**world.population.name_of(peer);
        world.setup.operations.iter().filter_map(member_of).any(|member| member == name)
    };
    let attacks = || world.setup.groups[world.population.group_of(peer)].role == Role::Attacker;
    if attacks() || is_withdrawn() {
        return Vec::new();
    }
    let capabilities = world.hosts[peer.0 as usize].likeness().peer.capabilities();
    let now = world.clock_of(peer, look.now);
    let held = capabilities.provide_anchors().tokens().iter();
    let deploys =
        |link: &Token| Capability::any_implies(link.capabilities(), &DEPLOYING, capabilities.rules());
    let own = held.filter(|token| {
        token.earliest_expire() > now && token.subject() == capabilities.did() && token.links().all(deploys)
    });
    own.map(|token| token.links().last().map_or(token.issuer(), Token::issuer)).collect()
}

/// Whether a peer trusts one of the organizations to which another belongs.
pub(super) fn listens(look: &Look<'_, '_>, peer: PeerId, to: &[&Did]) -> bool {
    let capabilities = look.world.hosts[peer.0 as usize].likeness().peer.capabilities();
    let anchors = capabilities.require_anchors().tokens();
    let trusts = |organization: &Did| {
        capabilities.roots().contains(organization)
            || anchors.iter().any(|token| token.subject() == organization)
    };
    to.iter().any(|organization| trusts(organization))
}

/// Whether the peer that holds an allocation still listens to its orchestrator, so that it can be told, and has not got
/// it from another one to whom nobody listens any more: such a former orchestrator cannot be told that somebody else
/// has the deployment, and neither of these two knows what the other has placed.
pub(super) fn is_listened_to(look: &Look<'_, '_>, peer: PeerId, allocation: &str) -> bool {
    let world = look.world;
    let Some((by, _)) = world.ledger.orchestration_of(allocation) else { return true };
    let known = world.hosts[peer.0 as usize].peer.provider().orchestrator_of(allocation);
    let former = known.and_then(|known| world.directory.find(&known.host)).filter(|former| *former != by);
    (by == peer || listens(look, peer, &memberships(look, by)))
        && former.is_none_or(|former| !memberships(look, former).is_empty())
}

/// Whether a node is up, and it and another one listen to each other: whom nobody listens to is not told that somebody
/// else has his deployments.
pub(super) fn can_tell(look: &Look<'_, '_>, from: PeerId, to: PeerId) -> bool {
    let world = look.world;
    world.hosts[from.0 as usize].up
        && listens(look, to, &memberships(look, from))
        && listens(look, from, &memberships(look, to))
        && world.network.reaches(look.now, EndpointId(from.0), EndpointId(to.0))
}

/// Whose membership an operation withdraws.
fn member_of(operation: &Operation) -> Option<&str> {
    match &operation.kind {
        OperationKind::Revoke { what: Withdrawn::Membership { member, .. }, .. } => Some(member),
        _ => None,
    }
}
