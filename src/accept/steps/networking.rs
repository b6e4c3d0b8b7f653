//! Reaching each other: allocations in their subnet, and nodes behind translators.

use super::deployments::is;
use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{DEPLOY_TIMEOUT, LONG_LIMIT, Play};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::fact::DeploymentStatus;
use crate::kernel::Span;
use crate::sim::setup::{ControlKind, OperationKind, Which};

/// How often a program tries, and how long it waits in between (dms-acceptance section 3).
const TRIES: u32 = 3;
const PAUSE: Span = Span::secs(5);
/// How long a deployment may take to end.
const END_LIMIT: Span = Span::secs(60);
/// How long a node may take to find a relay.
const RELAY_LIMIT: Span = Span::mins(2);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Networking",
    entries: &[
        act(
            "{string} service tries to communicate with {string}",
            "every allocation of the last deployment on these two asks every other by its name, up to three times",
            communicate,
        ),
        check("they should get a OK response", "all of them did", |play, _| {
            let said = play.noted("requests")?;
            if said.is_empty() {
                return Failure::vacuous("there are no two allocations that could ask each other");
            }
            let failed: Vec<&str> = said.lines().filter(|line| !line.ends_with("OK")).collect();
            holds(failed.is_empty(), || failed.join("\n"))
        }),
        act("{string} restarts the deployment", "shuts it down and deploys the same again", |play, args| {
            let owner = args.text(0);
            let id = play.id_of(owner)?;
            is(play, owner, DeploymentStatus::Running.as_str())?;
            let ensemble = std::sync::Arc::clone(&play.deployment_of(owner)?.ensemble);
            play.control(owner, ControlKind::Shutdown(Which::Id(id)))?;
            play.wait_for_status(id, DeploymentStatus::Completed, END_LIMIT)?;
            play.deploy(owner, &ensemble, DEPLOY_TIMEOUT)?;
            let again = play.id_of(owner)?;
            play.wait_for_status(again, DeploymentStatus::Running, LONG_LIMIT)
        }),
        act(
            "{string} attempts to connect to {string}",
            "its node dials the other, as it is reachable now",
            connect,
        ),
        check(
            "the connection should fail if no relay",
            "it has failed, unless the other had a relay by then",
            |play, _| {
                let (connected, relayed) = attempt(play)?;
                holds(!connected || relayed, || "it was connected without a relay".to_owned())
            },
        ),
        act(
            "Target {string} waits to perform AutoNAT and obtain relay circuits",
            "for two minutes at most",
            |play, args| {
                let name = play.node(args.text(0))?;
                if play.wait(RELAY_LIMIT, |world| !world.relays_of(&name).is_empty()) {
                    return Ok(());
                }
                Failure::wrong(format!("timeout waiting for node {name} to obtain relay address"))
            },
        ),
        check(
            "{string} should have a relay address advertised",
            "it holds a place at a relay that is up",
            |play, args| {
                let name = play.node(args.text(0))?;
                if play.world.relays_of(&name).is_empty() {
                    play.wait(RELAY_LIMIT, |world| !world.relays_of(&name).is_empty());
                }
                holds(!play.world.relays_of(&name).is_empty(), || "it has none".to_owned())
            },
        ),
        check(
            "the connection should succeed via relay",
            "the two are connected, and only a relay lets them",
            |play, _| {
                let (connected, relayed) = attempt(play)?;
                holds(connected && relayed, || format!("connected: {connected}, with a relay: {relayed}"))
            },
        ),
    ],
};

/// Every ordered pair of allocations on two nodes.
fn communicate(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let ends = [play.node(args.text(0))?, play.node(args.text(1))?];
    let Some(id) = play.deployments.iter().rev().find_map(|one| one.id) else {
        return Failure::bad("nothing is deployed");
    };
    let there: Vec<String> = play
        .hosts_of(id)
        .into_iter()
        .filter(|(peer, _)| ends.iter().any(|end| *end == **peer))
        .map(|(_, key)| own_name(&key).to_owned())
        .collect();
    let mut said = Vec::new();
    for from in &there {
        for to in there.iter().filter(|to| *to != from) {
            let mut answer = play.world.call(id, from, to);
            for _ in 1..TRIES {
                if answer.is_ok() {
                    break;
                }
                play.pass(PAUSE);
                answer = play.world.call(id, from, to);
            }
            said.push(format!("{from} asks {to}: {}", answer.err().unwrap_or("OK")));
        }
    }
    play.note("requests", said.join("\n"));
    Ok(())
}

/// A node pings another, for which it dials it.
fn connect(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (by, other) = (play.node(args.text(0))?, play.node(args.text(1))?);
    let relayed = !play.world.relays_of(&other).is_empty();
    let behaviour = crate::accept::play::behaviour_of("/dms/node/peers/ping")?;
    let timeout = Span::secs(10);
    let mut connected = false;
    // A first dial may go to an address that cannot be dialled.
    for _ in 0..TRIES {
        let (to, peer, behaviour) = (by.clone(), Some(other.clone()), behaviour.clone());
        let kind = OperationKind::Invoke { to, behaviour, peer, payload: None, timeout };
        connected = play.order(&by, kind, timeout + Span::secs(1))?.is_answered();
        if connected {
            break;
        }
    }
    play.note("connection", format!("{connected} {relayed}"));
    Ok(())
}

/// Whether the last attempt to connect came to something, and whether the other had a relay then.
fn attempt(play: &Play<'_, '_>) -> Result<(bool, bool), Failure> {
    let said = play.noted("connection")?;
    Ok((said.starts_with("true"), said.ends_with("true")))
}
