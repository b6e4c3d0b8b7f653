//! Every deployment ends or runs, and says why it failed: nothing stays on its way once nothing is broken, and nothing
//! is held to run of which nothing runs any more (dms-orchestration section 1, W6, W14 and W21).

use std::collections::{BTreeMap, BTreeSet};

use super::lasting::Lasting;
use super::living::{Living, living};
use super::memberships::{listens, memberships};
use super::placement::{may_be_on, unfit};
use super::{Found, Invariant, Look};
use crate::dms::ensemble::NodeConfig;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::EnsembleId;
use crate::dms::orchestrator::Deployment;
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;

/// So long a deployment may be on its way once nothing is broken. Its own deadline is five minutes where nothing is
/// written; a shutdown waits for peers that are asked again after two and a half, and lost nodes are placed anew every
/// five.
const GRACE: Span = Span::mins(15);

/// So long ago at most others have taken what a deployment was offered in its last round.
const LAST_ROUND: Span = Span::mins(6);

/// See the module.
#[derive(Default)]
pub(super) struct Endings {
    on_the_way: Lasting<(EnsembleId, DeploymentStatus)>,
    /// When the commit of each was refused last.
    refused: BTreeMap<EnsembleId, Time>,
}

impl Invariant for Endings {
    fn name(&self) -> &'static str {
        "endings"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        if let Fact::DeploymentStatus { ensemble, status: DeploymentStatus::Failed, reason } = fact
            && reason.as_ref().is_none_or(|reason| reason.is_empty())
        {
            found.wrong(look, peer, format!("{} has failed without a reason", look.name_of(*ensemble)));
        }
        if let Fact::StageFailed { ensemble, stage: Stage::Commit, .. } = fact {
            self.refused.insert(*ensemble, look.now);
        }
    }

    fn minute(&mut self, look: &Look<'_, '_>, calm: Span, found: &mut Found<'_>) {
        let mut on_the_way = Vec::new();
        let of_whom = |one: Living<'_>| one.allocation.split_once('_').and_then(|(id, _)| id.parse().ok());
        let alive: BTreeSet<EnsembleId> = living(look.world).filter_map(of_whom).collect();
        for (peer, inside) in look.up() {
            for deployment in inside.peer.deployments() {
                let (id, status) = (deployment.id(), deployment.status());
                if status.is_terminal() || deployment.waits_for_its_turn() || deployment.was_handed_over() {
                    continue;
                }
                if status == DeploymentStatus::Running {
                    // What was left down of services may stay so.
                    if deployment.is_of_tasks() && !deployment.is_to_go_on() && !alive.contains(&id) {
                        on_the_way.push(((id, status), (peer, id, status)));
                    }
                    continue;
                }
                // Whom others are quicker than tries again.
                let refused = self.refused.get(&id).is_some_and(|at| look.now.since(*at) <= LAST_ROUND);
                let is_replaced = status == DeploymentStatus::Updating;
                if !is_replaced || (!refused && could_be_placed(look, peer, deployment)) {
                    on_the_way.push(((id, status), (peer, id, status)));
                }
            }
        }
        for (peer, id, status) in self.on_the_way.look((look.now, calm, GRACE), on_the_way) {
            let what = match status {
                DeploymentStatus::Running => "is held to run, and nothing of it does".to_owned(),
                _ => format!("stays {}", status.as_str()),
            };
            found.stuck(look, peer, format!("{} {what}", look.name_of(id)));
        }
    }
}

/// Whether there is room for every part that has lost its place, for somebody who may use it, and none waits for its
/// turn.
fn could_be_placed(look: &Look<'_, '_>, by: PeerId, deployment: &Deployment) -> bool {
    let world = look.world;
    let Some(number) = world.ledger.number_of(deployment.id()) else { return false };
    let heard_as = memberships(look, by);
    // Who may serve under a contract is not for this rule to say, nor who can be reached through address translation.
    let hidden = world.setup.network.nat.is_some();
    if hidden || !deployment.contracts().is_empty() || deployment.was_updated() || deployment.is_in_line() {
        return false;
    }
    let ensemble = world.ledger.ensemble_of(number);
    // What is near enough to what, and what has become of volumes, is not for it to say either.
    let mounts = ensemble.allocations.values().any(|allocation| !allocation.volumes.is_empty());
    if !ensemble.edges.is_empty() || mounts {
        return false;
    }
    let mut wanted = deployment.unplaced();
    wanted.all(|node| {
        // Ports that are asked for by number may be taken everywhere.
        let numbered = |config: &&NodeConfig| config.ports.iter().any(|port| port.public != 0);
        let config = ensemble.nodes.get(node.entry).filter(|config| !numbered(config));
        let Some(config) = config else { return false };
        let up = world.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        let mut suitable = up.filter(|(host, number)| {
            let provider = host.peer.provider();
            let own = host.peer.handle_of_root().host;
            let group = &world.setup.groups[world.population.group_of(PeerId(*number))];
            node.pin.is_none_or(|pin| pin == own)
                && !node.barred.contains(&own)
                && !group.require_contracts
                // What is left of an organization's quota is not for it to say.
                && group.quotas.is_empty()
                // How many may wait there is told when something is to start.
                && provider.machine().places.is_none()
                && deployment.hosts().all(|other| other != own)
                && listens(look, PeerId(*number), &heard_as)
                && provider.pool().check(node.resources).is_ok()
                && may_be_on(look, PeerId(*number), config)
                && unfit(ensemble, config, provider.machine()).is_none()
                && listens(look, by, &memberships(look, PeerId(*number)))
        });
        // A few more than one, for a peer that has just lost it is asked last.
        suitable.nth(if node.pin.is_some() { 0 } else { 2 }).is_some()
    })
}
