//! Capabilities: who may do what, and who may no longer (dms-capabilities sections 2 and 7).

use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Play, REVOCATION_PAUSE, behaviour_of};
use crate::accept::vocabulary::{Args, Chapter};
use crate::kernel::Span;
use crate::sim::setup::{OperationKind, Withdrawn};

/// How long answers to a hello are awaited (dms-acceptance section 3).
const HELLO_TIMEOUT: Span = Span::secs(5);
/// How long something at an operator's own desk may take.
const DESK_LIMIT: Span = Span::secs(5);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Capabilities",
    entries: &[
        act(
            "{string} says hello to {string}",
            "broadcasts a hello and collects the answers for five seconds",
            |play, args| {
                play.node(args.text(1))?;
                play.broadcast(args.text(0), "/broadcast/hello", HELLO_TIMEOUT).map(drop)
            },
        ),
        check("{string} should respond with his <DID>", "its DID is among the answers", |play, args| {
            let answered = answered(play, args)?;
            holds(answered, || "its DID is not among the answers".to_owned())
        }),
        check(
            "{string} should not respond with his <DID>",
            "its DID is not among the answers",
            |play, args| {
                let name = play.node(args.text(0))?;
                if !play.world.is_peer_up(&name) {
                    return Failure::vacuous(format!("{name} is down and could not respond anyway"));
                }
                let answered = answered(play, args)?;
                holds(!answered, || "its DID is among the answers".to_owned())
            },
        ),
        act(
            "{string} revokes permission from {string} via {string}",
            "who anchors it, whose membership, of which organization; ten seconds pass",
            |play, args| revoke(play, args.text(0), args.text(1), args.text(2), false),
        ),
        act(
            "{string} revokes a token for {string} and {string} broadcasts it",
            "which organization, whose membership, which node publishes it; ten seconds pass",
            |play, args| revoke(play, args.text(2), args.text(1), args.text(0), true),
        ),
    ],
};

/// Whether a node has answered the last hello.
fn answered(play: &Play<'_, '_>, args: &Args<'_>) -> Result<bool, Failure> {
    let did = play.did_of(args.text(0))?;
    let heard = play.heard()?;
    Ok(heard.greeted_by().any(|own| *own == did))
}

/// An organization withdraws a membership; a node anchors that, and publishes it on request.
fn revoke(play: &mut Play<'_, '_>, by: &str, member: &str, organization: &str, broadcast: bool) -> Done {
    let member = play.node(member)?;
    let organization = organization.to_lowercase();
    let what = Withdrawn::Membership { member, organization };
    let broadcast = if broadcast { Some(behaviour_of("/dms/cap/revoke/broadcast")?) } else { None };
    // Who publishes the end of its own membership keeps it until then.
    let here = broadcast.is_none();
    let limit = if broadcast.is_some() { Span::secs(31) } else { DESK_LIMIT };
    let heard = play.order(by, OperationKind::Revoke { what, broadcast, here }, limit)?;
    let done = heard.is_answered();
    let how = heard.how_it_ended();
    play.pass(REVOCATION_PAUSE);
    holds(done, || how)
}
