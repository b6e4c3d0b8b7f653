//! Updates of deployments that run: nodes and allocations that come, go and move.

use std::sync::Arc;

use super::deployments::{is, status};
use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{DEPLOY_TIMEOUT, LONG_LIMIT, Play, STATUS_LIMIT, UPDATE_TIMEOUT};
use crate::accept::vocabulary::Chapter;
use crate::dms::actor::DeploymentReport;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::config::{NodeConfig, PortConfig};
use crate::dms::fact::DeploymentStatus;
use crate::kernel::Span;
use crate::sim::World;
use crate::sim::setup::{Control, ControlKind, OperationKind, Which};

/// The allocation that is added, and its inner port.
const ADDED: &str = "new-nginx";
const PRIVATE_PORT: u16 = 80;
/// The first public port of what is added.
const FIRST_PORT: u16 = 17_001;

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Deployment update",
    entries: &[
        act(
            "{string} has services deployed on {string} and {string}",
            "one service each, in one subnet; waited for",
            |play, args| {
                let targets = [play.node(args.text(1))?, play.node(args.text(2))?];
                let mut ensemble = (*play.setting.ensemble("multiple_nginx.yaml")?).clone();
                if ensemble.nodes.len() != targets.len() {
                    return Failure::bad("multiple_nginx.yaml must have two nodes");
                }
                for (node, target) in ensemble.nodes.values_mut().zip(&targets) {
                    node.peer = Some(target.as_str().into());
                }
                play.deploy(args.text(0), &Arc::new(ensemble), DEPLOY_TIMEOUT)?;
                runs(play, args.text(0), LONG_LIMIT)
            },
        ),
        act("{string} has service deployed on {string}", "one service; waited for", |play, args| {
            services_on(play, args.text(0), args.text(1), 1)
        }),
        act(
            "{string} has {int} allocation(s) deployed on {string}",
            "so many services on one node; waited for",
            |play, args| services_on(play, args.text(0), args.text(2), args.int(1)?),
        ),
        act("{string} adds {string} to the deployment", "a node there with one service", |play, args| {
            let target = play.node(args.text(1))?;
            update(play, args.text(0), |ensemble| {
                let name = free_name("node", 2, |name| ensemble.nodes.contains_key(name));
                let mut node = NodeConfig { peer: Some(target.as_str().into()), ..NodeConfig::default() };
                add_allocation(ensemble, &mut node)?;
                ensemble.nodes.insert(name.into(), node);
                Ok(())
            })
        }),
        act("{string} removes {string} from the deployment", "the nodes that it hosts", |play, args| {
            let nodes = nodes_at(play, args.text(0), args.text(1))?;
            update(play, args.text(0), |ensemble| {
                for name in &nodes {
                    ensemble.nodes.shift_remove(name.as_str());
                }
                Ok(())
            })
        }),
        act(
            "{string} updates deployment to run on {string}",
            "its only node is pinned there",
            |play, args| {
                let target = play.node(args.text(1))?;
                update(play, args.text(0), |ensemble| {
                    if ensemble.nodes.len() != 1 {
                        return Failure::bad("the deployment must have exactly one node");
                    }
                    ensemble.nodes[0].peer = Some(target.as_str().into());
                    Ok(())
                })
            },
        ),
        act("{string} adds {int} allocation(s) to {string}", "to the node that it hosts", |play, args| {
            let (count, nodes) = (args.int(1)?, nodes_at(play, args.text(0), args.text(2))?);
            update(play, args.text(0), |ensemble| {
                let mut node = ensemble.nodes[nodes[0].as_str()].clone();
                (0..count).try_for_each(|_| add_allocation(ensemble, &mut node))?;
                ensemble.nodes[nodes[0].as_str()] = node;
                Ok(())
            })
        }),
        act(
            "{string} removes {int} allocation(s) from {string}",
            "from the node that it hosts",
            |play, args| {
                let (count, nodes) = (args.int(1)?, nodes_at(play, args.text(0), args.text(2))?);
                update(play, args.text(0), |ensemble| {
                    for _ in 0..count {
                        let node = &mut ensemble.nodes[nodes[0].as_str()];
                        let Some(name) = node.allocations.pop() else {
                            return Failure::bad("there is no allocation left to be removed");
                        };
                        node.ports.retain(|port| port.allocation != name);
                        ensemble.allocations.shift_remove(&name);
                    }
                    Ok(())
                })
            },
        ),
        check(
            "{string} deployment should be {word} on {string}",
            "it is in this state, and a node of it runs there",
            |play, args| {
                let wanted = status(args.text(1))?;
                is(play, args.text(0), wanted.as_str())?;
                let hosts = run_at(play, args.text(0), args.text(2), |count| count > 0)?;
                holds(hosts > 0, || format!("nothing of it runs on {}", args.text(2)))
            },
        ),
        check(
            "{string} deployment should not be {word} on {string}",
            "no node of it is there",
            |play, args| {
                status(args.text(1))?;
                let hosts = run_at(play, args.text(0), args.text(2), |count| count == 0)?;
                holds(hosts == 0, || format!("{hosts} of its allocations run on {}", args.text(2)))
            },
        ),
        check(
            "{string} deployment should have {int} allocation(s) running on {string}",
            "its node there has so many in the manifest, and so many really run",
            |play, args| {
                is(play, args.text(0), DeploymentStatus::Running.as_str())?;
                let (wanted, owner) = (args.int(1)?, args.text(0).to_owned());
                let nodes = nodes_at(play, &owner, args.text(2))?;
                let manifest = play.manifest(&owner)?;
                let listed = manifest.nodes.iter().filter(|node| nodes.iter().any(|own| **own == *node.name));
                let listed: u64 = listed.map(|node| node.allocations.len() as u64).sum();
                holds(listed == wanted, || format!("its manifest has {listed} there"))?;
                let running = run_at(play, &owner, args.text(2), |count| count == wanted)?;
                holds(running == wanted, || format!("{running} run there"))
            },
        ),
    ],
};

fn runs(play: &mut Play<'_, '_>, owner: &str, limit: Span) -> Done {
    let id = play.id_of(owner)?;
    play.wait_for_status(id, DeploymentStatus::Running, limit)
}

fn services_on(play: &mut Play<'_, '_>, owner: &str, target: &str, count: u64) -> Done {
    let target = play.node(target)?;
    let mut ensemble = (*play.setting.ensemble("nginx.yaml")?).clone();
    super::deployments::pin_first(&mut ensemble, &target)?;
    for _ in 1..count {
        let mut node = ensemble.nodes[0].clone();
        add_allocation(&mut ensemble, &mut node)?;
        ensemble.nodes[0] = node;
    }
    play.deploy(owner, &Arc::new(ensemble), DEPLOY_TIMEOUT)?;
    runs(play, owner, STATUS_LIMIT)
}

/// A name with the first number that is not taken.
fn free_name(stem: &str, from: u32, is_taken: impl Fn(&str) -> bool) -> String {
    (from..).map(|number| format!("{stem}{number}")).find(|name| !is_taken(name)).expect("numbers do not end")
}

/// Adds a copy of the first service of an ensemble to a node, with a public port of its own.
fn add_allocation(ensemble: &mut EnsembleConfig, node: &mut NodeConfig) -> Done {
    let Some(config) = ensemble.allocations.values().next().cloned() else {
        return Failure::bad("the ensemble has no allocation that could be copied");
    };
    let is_taken = |name: &str| ensemble.allocations.contains_key(name);
    let name: Arc<str> =
        if is_taken(ADDED) { free_name(&format!("{ADDED}-"), 1, is_taken) } else { ADDED.to_owned() }.into();
    let used =
        || ensemble.nodes.values().chain([&*node]).flat_map(|node| &node.ports).map(|port| port.public);
    let public = (FIRST_PORT..).find(|port| !used().any(|own| own == *port)).expect("ports do not run out");
    let mut config = config;
    config.dns_name = Arc::clone(&name);
    ensemble.allocations.insert(Arc::clone(&name), config);
    node.allocations.push(Arc::clone(&name));
    node.ports.push(PortConfig { public, private: PRIVATE_PORT, allocation: name });
    Ok(())
}

/// Changes what an operator's deployment is to be, and has its node make it so.
pub(super) fn update(
    play: &mut Play<'_, '_>,
    owner: &str,
    change: impl FnOnce(&mut EnsembleConfig) -> Done,
) -> Done {
    let id = play.id_of(owner)?;
    let mut ensemble = (*play.deployment_of(owner)?.ensemble).clone();
    change(&mut ensemble)?;
    let ensemble = Arc::new(ensemble);
    let kind = ControlKind::Update { of: Which::Id(id), ensemble: Arc::clone(&ensemble) };
    let control = Control { to: None, timeout: UPDATE_TIMEOUT, kind };
    let by = play.owner_of(owner)?;
    let heard = play.order(&by, OperationKind::Deployment(Box::new(control)), UPDATE_TIMEOUT)?;
    match heard.report() {
        Some(DeploymentReport::Updated) => {}
        _ => return Failure::wrong(format!("the update was {}", heard.how_it_ended())),
    }
    if let Some(own) = play.deployments.iter_mut().rev().find(|one| one.id == Some(id)) {
        own.ensemble = ensemble;
    }
    Ok(())
}

/// The nodes of an operator's deployment that a peer hosts, by its manifest; at least one.
fn nodes_at(play: &mut Play<'_, '_>, owner: &str, host: &str) -> Result<Vec<String>, Failure> {
    let host = play.node(host)?;
    let manifest = play.manifest(owner)?;
    let is_there =
        |peer: &crate::dms::identity::PeerId| play.world.name_of_host(peer).is_some_and(|own| **own == *host);
    let nodes = manifest.nodes.iter().filter(|node| node.peer.as_ref().is_some_and(is_there));
    let nodes: Vec<String> = nodes.map(|node| node.name.to_string()).collect();
    if nodes.is_empty() {
        return Failure::wrong(format!("{host} hosts no node of the deployment"));
    }
    Ok(nodes)
}

/// How many allocations of an operator's deployment really run on a peer, within a minute as many as are wanted.
fn run_at(
    play: &mut Play<'_, '_>,
    owner: &str,
    host: &str,
    is_wanted: impl Fn(u64) -> bool,
) -> Result<u64, Failure> {
    let (id, host) = (play.id_of(owner)?, play.node(host)?);
    let count = |world: &World<'_>| {
        world.whereabouts(id).iter().filter(|one| one.runs && *one.peer == *host).count() as u64
    };
    play.wait(STATUS_LIMIT, |world| is_wanted(count(world)));
    Ok(count(play.world))
}
