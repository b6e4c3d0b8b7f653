//! Where deployments run, why they do not, and how they end.

use std::sync::Arc;

use super::deployments::{is, log_of};
use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{DEPLOY_TIMEOUT, LONG_LIMIT, Play, STATUS_LIMIT};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{DeploymentReport, Report};
use crate::dms::ensemble::{AllocationKind, Word};
use crate::dms::fact::DeploymentStatus;
use crate::sim::World;
use crate::sim::setup::{ControlKind, Which};

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Placement and endings",
    entries: &[
        check(
            "{string} deployment should run on {int} peer(s)",
            "so many different peers run something of it",
            |play, args| {
                let (wanted, hosts) = (args.int(1)?, hosts(play, args.text(0))?);
                holds(hosts.len() as u64 == wanted, || format!("it runs on {}", hosts.join(", ")))
            },
        ),
        check(
            "{string} and {string} deployments should run on the same peer",
            "each of them on one, and both on that",
            |play, args| {
                let (first, second) = (hosts(play, args.text(0))?, hosts(play, args.text(1))?);
                holds(first.len() == 1 && first == second, || told(&first, &second))
            },
        ),
        check(
            "{string} and {string} deployments should run on different peers",
            "both run, and share none",
            |play, args| {
                let (first, second) = (hosts(play, args.text(0))?, hosts(play, args.text(1))?);
                holds(!first.iter().any(|peer| second.contains(peer)), || told(&first, &second))
            },
        ),
        check(
            "node {string} of {string} deployment should be on {string}",
            "it is in the manifest, and there it has run last",
            node_is_on,
        ),
        check("nothing of {string} deployment should run", "within a minute, anywhere", |play, args| {
            let id = play.id_of(args.text(0))?;
            let none = |world: &mut World<'_>| world.whereabouts(id).is_empty();
            holds(play.wait(STATUS_LIMIT, none), || format!("it is {}", play.described(id)))
        }),
        check(
            "{string} deployment should have completed on {string}",
            "it is completed, and something of it has run there",
            |play, args| {
                is(play, args.text(0), DeploymentStatus::Completed.as_str())?;
                let target = play.node(args.text(1))?;
                let ran = play.world.lives_of(play.id_of(args.text(0))?);
                let started = ran.iter().filter(|life| life.started.is_some());
                let peers: Vec<&str> = started.map(|life| &*life.peer).collect();
                holds(peers.contains(&&*target), || format!("it has run on {}", peers.join(", ")))
            },
        ),
        check(
            "{string} deployment should fail with {string}",
            "its status tells this as the reason",
            fails_with,
        ),
        check(
            "{string} should have refused {string} deployment with {string}",
            "this peer, as the first of them, has given this reason",
            |play, args| refused(play, Some(args.text(0)), args.text(1), args.text(2)),
        ),
        check(
            "a peer should have refused {string} deployment with {string}",
            "any of those that were asked has given this reason",
            |play, args| refused(play, None, args.text(0), args.text(1)),
        ),
        check(
            "{string} deployment should never have run",
            "no allocation of it has an execution anywhere",
            |play, args| {
                let id = play.id_of(args.text(0))?;
                let running = play.hosts_of(id);
                holds(running.is_empty(), || format!("{} of its allocations run", running.len()))?;
                let (status, _) = play.world.status_of(id).unwrap_or((DeploymentStatus::Preparing, None));
                let gone = matches!(status, DeploymentStatus::Preparing | DeploymentStatus::Failed);
                holds(gone, || format!("it is {}", status.as_str()))
            },
        ),
        check(
            "{string} should list the allocation {string} of {string} as {word}",
            "a peer's own list of allocations says `service` or `task`",
            listed_as,
        ),
        check(
            "the log of allocation {string} of {string} should contain {string}",
            "as the file at the orchestrating node holds it",
            |play, args| {
                let (text, _) = log_of(play, args.text(1), args.text(0))?;
                holds(text.contains(args.text(2)), || format!("it has printed:\n{text}"))
            },
        ),
        act(
            "{string} cancels the deployment",
            "its owner has it shut down, in whatever state it is",
            |play, args| {
                let of = Which::Id(play.id_of(args.text(0))?);
                // What the node says to it is for the steps that follow.
                match play.control(args.text(0), ControlKind::Shutdown(of)) {
                    Ok(_) | Err(Failure::Wrong(_)) => Ok(()),
                    Err(why) => Err(why),
                }
            },
        ),
        act("{string} shuts the deployment down", "the same, and it must be done", |play, args| {
            let of = Which::Id(play.id_of(args.text(0))?);
            play.control(args.text(0), ControlKind::Shutdown(of)).map(drop)
        }),
        check(
            "{string} should be told {string}",
            "the last answer to this operator contains this",
            |play, args| {
                let by = play.owner_of(args.text(0))?;
                let heard = play.heard()?;
                holds(heard.by == by, || format!("it was {} who asked last", heard.by))?;
                let said = heard.how_it_ended();
                holds(said.contains(args.text(1)), || said)
            },
        ),
        check(
            "{string} should not be told {string}",
            "the last answer to this operator does not contain this",
            |play, args| {
                let by = play.owner_of(args.text(0))?;
                let heard = play.heard()?;
                holds(heard.by == by, || format!("it was {} who asked last", heard.by))?;
                let said = heard.how_it_ended();
                holds(!said.contains(args.text(1)), || said)
            },
        ),
        act(
            "{string} deploys the same again",
            "the ensemble of the last deployment, as a new one",
            |play, args| {
                let ensemble = Arc::clone(&play.deployment_of(args.text(0))?.ensemble);
                let owner = play.owner_of(args.text(0))?;
                play.deploy(&owner, &ensemble, DEPLOY_TIMEOUT).map(drop)
            },
        ),
        act("{string} asks for the status of the deployment", "of the last one", |play, args| {
            play.status_report(args.text(0)).map(drop)
        }),
        act("{string} asks for the manifest of the deployment", "of the last one", |play, args| {
            play.manifest(args.text(0)).map(drop)
        }),
        act("{string} asks for the logs of allocation {string}", "of the last deployment", |play, args| {
            log_of(play, args.text(0), args.text(1)).map(drop)
        }),
        check(
            "the manifest should be that of the ensemble",
            "the same nodes and allocations; names, public ports and addresses; each where it runs",
            manifest_fits,
        ),
        check(
            "the page should list {string} as {status}",
            "the deployment of this name, in this state",
            |play, args| {
                let id = play.id_of(args.text(0))?;
                let wanted = super::deployments::status(args.text(1))?;
                let page = super::information::page(play)?;
                let Some(line) = page.deployments.iter().find(|line| line.id == id) else {
                    return Failure::wrong("it is not listed");
                };
                holds(line.status == wanted, || format!("it is listed as {}", line.status.as_str()))
            },
        ),
        check(
            "{string} deployment should be reachable from {string}",
            "somebody where that node is gets an answer of every allocation with a public port",
            |play, args| reachable(play, args.text(0), args.text(1)),
        ),
        check(
            "{string} deployment should reach {string} deployment",
            "from where the first runs, at the public ports of the second",
            |play, args| {
                let from = hosts(play, args.text(0))?;
                from.iter().try_for_each(|peer| reachable(play, args.text(1), peer))
            },
        ),
    ],
};

fn told(first: &[Arc<str>], second: &[Arc<str>]) -> String {
    format!("the first runs on {}, the second on {}", first.join(", "), second.join(", "))
}

/// The peers on which a deployment runs, each once, in order; at least one, within five minutes.
fn hosts(play: &mut Play<'_, '_>, name: &str) -> Result<Vec<Arc<str>>, Failure> {
    let id = play.id_of(name)?;
    play.wait(LONG_LIMIT, |world| world.whereabouts(id).iter().any(|one| one.runs));
    let mut hosts: Vec<Arc<str>> = play.hosts_of(id).into_iter().map(|(peer, _)| peer).collect();
    hosts.sort();
    hosts.dedup();
    if hosts.is_empty() {
        return Failure::wrong(format!("nothing of {name} runs: it is {}", play.described(id)));
    }
    Ok(hosts)
}

fn node_is_on(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (node, target) = (args.text(0), play.node(args.text(2))?);
    let manifest = play.manifest(args.text(1))?;
    if !manifest.nodes.iter().any(|one| *one.name == *node) {
        return Failure::bad(format!("the manifest has no node {node}"));
    }
    // What has ended has no place in the manifest any more.
    let ran = play.world.lives_of(manifest.id);
    let of_node = |key: &str| key.split_once('.').is_some_and(|(own, _)| own == node);
    let last = ran.iter().rev().find(|life| life.started.is_some() && of_node(&life.key));
    let last = last.map(|life| &*life.peer);
    holds(last == Some(&*target), || format!("it is on {}", last.unwrap_or("no peer")))
}

fn fails_with(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    super::deployments::fails(play, args.text(0))?;
    if play.deployment_of(args.text(0))?.id.is_none() {
        let refused = play.deployment_of(args.text(0))?.refused.clone().unwrap_or_default();
        return holds(refused.contains(args.text(1)), || format!("it was {refused}"));
    }
    let report = play.status_report(args.text(0))?;
    holds(report.reason.contains(args.text(1)), || format!("the reason is: {}", report.reason))
}

/// A peer has refused something of a deployment for this reason; `None` = any peer. Refusals come to light a while
/// after they were made: nobody on the network waits for them.
fn refused(play: &mut Play<'_, '_>, peer: Option<&str>, name: &str, reason: &str) -> Done {
    let (peer, id) = (peer.map(|peer| play.node(peer)).transpose()?, play.id_of(name)?);
    let number = play.world.deployment_number(id);
    let said = |world: &World<'_>| -> Vec<Arc<str>> {
        let is_of = |first: &str| peer.as_ref().is_none_or(|peer| peer == first);
        let rows = world.refusals();
        let own = rows.iter().filter(|row| row.deployment == number && is_of(&row.first_peer));
        own.flat_map(|row| [Arc::clone(&row.reason), Arc::clone(&row.example)]).collect()
    };
    let is_said = |world: &World<'_>| said(world).iter().any(|text| text.contains(reason));
    let came = play.wait(STATUS_LIMIT, |world| is_said(world));
    holds(came, || match said(play.world) {
        none if none.is_empty() => "it was not the first to refuse anything of it".to_owned(),
        all => format!("it was refused with: {}", all.join("; ")),
    })
}

fn listed_as(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (peer, id) = (play.node(args.text(0))?, play.id_of(args.text(2))?);
    if AllocationKind::from_word(args.text(3)).is_none() {
        return Failure::bad(format!("`{}` is neither service nor task", args.text(3)));
    }
    let heard = play.invoke(&peer, &peer, "/dms/node/allocations/list")?;
    let all = heard.reports().find_map(|report| match report {
        Report::Allocations(all) => Some(all),
        _ => None,
    });
    let Some(all) = all else { return Failure::wrong(heard.how_it_ended()) };
    let is_it =
        |full: &str| full.strip_prefix(&format!("{id}_")).is_some_and(|key| own_name(key) == args.text(1));
    let Some(found) = all.iter().find(|one| is_it(&one.id)) else {
        return Failure::wrong(format!("{peer} lists {} allocations, and not that", all.len()));
    };
    holds(found.kind == args.text(3), || format!("it is listed as {}", found.kind))
}

/// dms-acceptance section 4, "Manifest assertions".
fn manifest_fits(play: &mut Play<'_, '_>, _: &Args<'_>) -> Done {
    let heard = play.heard()?;
    let by = heard.by.clone();
    let Some(DeploymentReport::Manifest(manifest)) = heard.report().cloned() else {
        return Failure::vacuous("no manifest was asked for and given");
    };
    let deployed = play.deployment_of(&by)?.clone();
    holds(deployed.id == Some(manifest.id), || "it has the id of another deployment".to_owned())?;
    let names: Vec<&Arc<str>> = manifest.nodes.iter().map(|node| &node.name).collect();
    let wanted: Vec<&Arc<str>> = deployed.ensemble.nodes.keys().collect();
    holds(names == wanted, || format!("it has the nodes {names:?}"))?;
    let there = play.hosts_of(manifest.id);
    for (node, config) in manifest.nodes.iter().zip(deployed.ensemble.nodes.values()) {
        let peer = node.peer.as_ref().and_then(|peer| play.world.name_of_host(peer));
        let keys: Vec<String> =
            config.allocations.iter().map(|name| format!("{}.{name}", node.name)).collect();
        let listed: Vec<&str> = node.allocations.iter().map(|one| &*one.key).collect();
        holds(listed == keys, || format!("node {} has {}", node.name, listed.join(", ")))?;
        for (one, name) in node.allocations.iter().zip(&config.allocations) {
            let own = &deployed.ensemble.allocations[name];
            let dns = format!("{}.internal", own.dns_name);
            holds(*one.dns_name == dns, || format!("{} is called {}", one.key, one.dns_name))?;
            let ports = config.ports.iter().filter(|port| port.allocation == *name);
            let mapped = ports.clone().all(|port| {
                one.ports.iter().any(|(public, private)| {
                    *private == port.private && (*public == port.public || port.public == 0)
                })
            });
            holds(mapped && one.ports.len() == ports.count(), || format!("{} has other ports", one.key))?;
            let runs = there.iter().any(|(host, key)| Some(host) == peer && *key == one.key);
            holds(runs, || format!("{} does not run where the manifest says", one.key))?;
        }
    }
    Ok(())
}

/// Every allocation with a public port answers.
pub(super) fn reachable(play: &mut Play<'_, '_>, name: &str, from: &str) -> Done {
    let from = play.node(from)?;
    let deployed = play.deployment_of(name)?;
    let ports = deployed.ensemble.nodes.values().flat_map(|node| &node.ports);
    let open: Vec<Arc<str>> = ports.map(|port| Arc::clone(&port.allocation)).collect();
    if open.is_empty() {
        return Failure::vacuous(format!("{name} has no public port"));
    }
    let id = play.id_of(name)?;
    for allocation in open {
        let answered =
            play.wait(STATUS_LIMIT, |world| world.call_from_outside(&from, id, &allocation).is_ok());
        let said = play.world.call_from_outside(&from, id, &allocation).err().unwrap_or("an answer");
        holds(answered, || format!("{allocation}: {said}"))?;
    }
    Ok(())
}
