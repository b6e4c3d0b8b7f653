//! Requests: what users outside, nodes and programs get when they ask a service, and which way they take.

use super::names::look_up;
use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::Play;
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{DeploymentReport, Manifest};
use crate::kernel::Span;
use crate::sim::setup::{Control, ControlKind, OperationKind, Which};

/// How long a node waits for what another says of a deployment.
const CALL_LIMIT: Span = Span::secs(30);
/// Under what the end of a request and its way are noted.
const REQUEST: &str = "the request";
const WAY: &str = "the way of the request";
/// What is noted of one that was answered.
const ANSWERED: &str = "OK";

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Requests",
    entries: &[
        act(
            "{string} requests {string} of {string} from outside",
            "somebody where this node is, an allocation of whose deployment; at the address and the public port that \
             the manifest named when it was placed",
            |play, args| {
                let (by, id) = (play.node(args.text(0))?, play.id_of(args.text(2))?);
                let answer = play.world.call_from_outside(&by, id, args.text(1));
                end(play, answer.map_err(str::to_owned))
            },
        ),
        act(
            "{string} requests {string} of {string} from outside by the name {string}",
            "the same, at the address to which a name of dynamic DNS leads for this user, who remembers answers for as \
             long as they may be remembered",
            |play, args| {
                let (by, id) = (play.node(args.text(0))?, play.id_of(args.text(2))?);
                let led = look_up(play, args, 3)?;
                let answer = match led {
                    Ok(Some(address)) => {
                        play.world.call_at(&by, address, id, args.text(1)).map_err(str::to_owned)
                    }
                    Ok(None) => Err("no such name".to_owned()),
                    Err(why) => Err(why),
                };
                end(play, answer)
            },
        ),
        act(
            "{string} requests {string} of {string} from outside at the former address of {string}",
            "the same, where this peer was before it moved",
            |play, args| {
                let (by, id) = (play.node(args.text(0))?, play.id_of(args.text(2))?);
                let peer = play.node(args.text(3))?;
                let Some(address) = play.world.former_address_of(&peer) else {
                    return Failure::bad(format!("{peer} has not moved"));
                };
                let answer = play.world.call_at(&by, address, id, args.text(1));
                end(play, answer.map_err(str::to_owned))
            },
        ),
        act(
            "{string} requests {string} of {string} from its node",
            "over the subnet, in which the node must have an address",
            |play, args| {
                let (by, id) = (play.node(args.text(0))?, play.id_of(args.text(2))?);
                let answer = play.world.call_from_node(&by, id, args.text(1));
                end(play, answer.map_err(str::to_owned))
            },
        ),
        act(
            "allocation {string} of {string} requests {string}",
            "by its name in the subnet of the deployment",
            |play, args| {
                let id = play.id_of(args.text(1))?;
                let way = play.world.way_of(id, args.text(0), args.text(2));
                let answer = play.world.call(id, args.text(0), args.text(2));
                play.note(
                    WAY,
                    match way {
                        Ok(way) => {
                            way.relay.map_or_else(|| "directly".to_owned(), |relay| format!("over {relay}"))
                        }
                        Err(why) => format!("nowhere: {why}"),
                    },
                );
                end(play, answer.map_err(str::to_owned))
            },
        ),
        check("the request should be answered", "by a service that works", |play, _| {
            let said = play.noted(REQUEST)?;
            holds(said == ANSWERED, || said.to_owned())
        }),
        check(
            "the request should fail with {string}",
            "`no such name`, `unreachable`, `refused`, `timed out` or `unhealthy`",
            |play, args| {
                let said = play.noted(REQUEST)?;
                holds(said == args.text(0), || format!("it has ended with {said}"))
            },
        ),
        check("the request should have gone over {string}", "the relay of this name", |play, args| {
            let (way, relay) = (play.noted(WAY)?, play.node(args.text(0))?);
            holds(way == format!("over {relay}"), || format!("it has gone {way}"))
        }),
        check("the request should have gone directly", "over no relay", |play, _| {
            let way = play.noted(WAY)?;
            holds(way == "directly", || format!("it has gone {way}"))
        }),
        act(
            "{string} asks {string} for the manifest of {string}",
            "by a message to the node of the second, which takes it only of who may do that",
            |play, args| {
                let (to, id) = (play.node(args.text(1))?, play.id_of(args.text(2))?);
                let kind = ControlKind::Manifest(Which::Id(id));
                let control = Control { to: Some(to), timeout: CALL_LIMIT, kind };
                let kind = OperationKind::Deployment(Box::new(control));
                play.order(args.text(0), kind, CALL_LIMIT + Span::secs(1)).map(drop)
            },
        ),
        act(
            "{string} requests {string} where the manifest says that it is",
            "the manifest that was asked for last: from outside, at the peer and the public port in it",
            follow_manifest,
        ),
        check("the call should be answered", "what was last asked of a node", |play, _| play.heard()?.done()),
        check(
            "the call should be refused with {string}",
            "the reason for which a node has not done what it was last asked for contains this",
            |play, args| {
                let said = play.heard()?.how_it_ended();
                holds(said.starts_with("refused") && said.contains(args.text(0)), || said)
            },
        ),
        check(
            "the call should stay unanswered",
            "a node says nothing to those who may not ask what was last asked of it",
            |play, _| {
                let said = play.heard()?.how_it_ended();
                holds(said.starts_with("unanswered"), || said)
            },
        ),
    ],
};

/// Notes how a request has ended.
fn end(play: &mut Play<'_, '_>, answer: Result<(), String>) -> Done {
    play.note(REQUEST, answer.err().unwrap_or_else(|| ANSWERED.to_owned()));
    Ok(())
}

/// The manifest that was heard last.
fn manifest(play: &Play<'_, '_>) -> Result<Manifest, Failure> {
    match play.heard()?.report() {
        Some(DeploymentReport::Manifest(manifest)) => Ok(manifest.clone()),
        _ => Failure::wrong(format!("there is no manifest: {}", play.heard()?.how_it_ended())),
    }
}

/// A user goes where a manifest says that an allocation is.
fn follow_manifest(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (by, manifest) = (play.node(args.text(0))?, manifest(play)?);
    let found = manifest.nodes.iter().find_map(|node| {
        let own = node.allocations.iter().find(|one| own_name(&one.key) == args.text(1))?;
        Some((node.peer.as_ref()?, own))
    });
    let Some((peer, allocation)) = found else {
        return Failure::wrong(format!("the manifest does not say where {} is", args.text(1)));
    };
    if allocation.ports.is_empty() {
        return end(play, Err("no such name".to_owned()));
    }
    let Some(host) = play.world.name_of_host(peer) else { return Failure::wrong("its peer is unknown") };
    let address = play.world.address_of(host);
    let answer = play.world.call_at(&by, address, manifest.id, args.text(1));
    end(play, answer.map_err(str::to_owned))
}
