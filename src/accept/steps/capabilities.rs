//! Capabilities: who may do what, and who may no longer (dms-capabilities sections 2 and 7).

use super::{act, check, holds, span};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Heard, Play, REVOCATION_PAUSE, behaviour_of};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{Behaviour, CapabilityReport, Report, Slot};
use crate::dms::capability::Capability;
use crate::kernel::Span;
use crate::sim::by_hand::Ending;
use crate::sim::setup::{OperationKind, Withdrawn};

/// How long answers to a hello are awaited (dms-acceptance section 3).
const HELLO_TIMEOUT: Span = Span::secs(5);
/// How long something at an operator's own desk may take.
pub(super) const DESK_LIMIT: Span = Span::secs(5);
/// How long something granted lasts of which nothing else is said.
const GRANTED_FOR: Span = Span::hours(24);
/// How long something lasts that is passed on.
const PASSED_ON_FOR: Span = Span::hours(1);

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
        act(
            "{string} invokes {string} of {string}",
            "who, which behaviour, of whose node; until there is an answer, or for half a minute",
            |play, args| invoke(play, args.text(0), args.text(2), args.text(1)),
        ),
        check(
            "{string} should be answered",
            "what it asked or did last was answered, or done",
            |play, args| last_of(play, args.text(0))?.done(),
        ),
        check(
            "{string} should not be answered",
            "a node that is up and within reach has not answered its last call",
            unanswered,
        ),
        check(
            "{string} should be refused with {string}",
            "what it asked or did last was refused, for a reason that contains this",
            |play, args| {
                let heard = last_of(play, args.text(0))?;
                let fits = matches!(&heard.ending, Some(Ending::Refused(why)) if why.contains(args.text(1)));
                holds(fits, || heard.how_it_ended())
            },
        ),
        act(
            "{string} grants {string} to {string}",
            "for a day; the other node anchors the token under `provide` at once",
            |play, args| {
                let grant = Grant { anchored: true, ..Grant::of(args.text(1), args.text(2)) };
                granted(play, args.text(0), &grant)
            },
        ),
        act(
            "{string} grants {string} to {string} for {int} {word}",
            "the same, for so long",
            |play, args| {
                let lasts = span(args.int(3)?, args.text(4))?;
                let grant = Grant { anchored: true, lasts, ..Grant::of(args.text(1), args.text(2)) };
                granted(play, args.text(0), &grant)
            },
        ),
        act(
            "{string} grants {string} to {string} with depth {int}",
            "the same; so many links may follow: with depth 1 the other can use it, and not pass it on",
            |play, args| {
                let depth = args.int(3)?;
                let grant = Grant { anchored: true, depth, ..Grant::of(args.text(1), args.text(2)) };
                granted(play, args.text(0), &grant)
            },
        ),
        act(
            "{string} makes a token of {string} for {string}",
            "for a day; nobody anchors it yet",
            |play, args| granted(play, args.text(0), &Grant::of(args.text(1), args.text(2))),
        ),
        act(
            "{string} delegates {string} to {string}",
            "for an hour; its node passes on what it was granted last, and the other anchors that under `provide`",
            |play, args| {
                let from = held_by(play, args.text(0))?;
                let grant = Grant::below(from, args.text(1), args.text(2));
                granted(play, args.text(0), &grant)
            },
        ),
        act(
            "{string} tries to delegate {string} to {string}",
            "the same, which may come to nothing",
            |play, args| {
                let from = held_by(play, args.text(0))?;
                let grant = Grant::below(from, args.text(1), args.text(2));
                grant_something(play, args.text(0), &grant).map(drop)
            },
        ),
        act(
            "{string} anchors the token from {string} for {string} under {word}",
            "in its own node's context; `provide` or `require`",
            |play, args| {
                let (at, slot) = (play.node(args.text(0))?, slot(args.text(3))?);
                let token = token(play, args.text(1), args.text(2))?;
                let kind = OperationKind::Anchor { at, slot, token, behaviour: Behaviour::to_anchor(slot) };
                at_desk(play, args.text(0), kind)
            },
        ),
        act(
            "{string} removes the token from {string} for {string} from {word}",
            "from its own node's context; `provide` or `require`",
            |play, args| {
                let slot = slot(args.text(3))?;
                let token = token(play, args.text(1), args.text(2))?;
                at_desk(play, args.text(0), OperationKind::RemoveAnchor { slot, token })
            },
        ),
        act(
            "{string} anchors {string} as a root",
            "its node trusts the other's node absolutely from now on",
            |play, args| {
                let of = play.node(args.text(1))?;
                at_desk(play, args.text(0), OperationKind::Trust { of })
            },
        ),
        act(
            "{string} revokes the token for {string}",
            "what it last granted to this node; its own node knows of it; ten seconds pass",
            |play, args| {
                let what = Withdrawn::Token(token(play, args.text(0), args.text(1))?);
                at_desk(play, args.text(0), OperationKind::Revoke { what, broadcast: None, here: true })?;
                play.pass(REVOCATION_PAUSE);
                Ok(())
            },
        ),
        act("{string} lists its capabilities", "what its own node trusts, holds and knows", |play, args| {
            let of = play.node(args.text(0))?;
            at_desk(play, args.text(0), OperationKind::ListCapabilities { of })
        }),
        act(
            "{string} lists the capabilities of {string}",
            "asks another node for the same, which that must allow",
            |play, args| invoke(play, args.text(0), args.text(1), "/dms/cap/list"),
        ),
        check(
            "the list should show {string} under {word}",
            "some token there gives exactly this; `provide`, `require` or `revoke`",
            |play, args| {
                let (shown, all) = shows(play, args)?;
                holds(shown, || format!("under {} there are {all}", args.text(1)))
            },
        ),
        check("the list should not show {string} under {word}", "no token there gives this", |play, args| {
            let (shown, all) = shows(play, args)?;
            holds(!shown, || format!("under {} there are {all}", args.text(1)))
        }),
        check("the list should show {string} as a root", "its DID is trusted absolutely", |play, args| {
            let did = play.did_of(args.text(0))?;
            let roots = &listed(play)?.roots;
            holds(roots.contains(&did), || format!("there are {} other roots", roots.len()))
        }),
    ],
};

/// What somebody is to be let do.
struct Grant<'a> {
    capability: &'a str,
    to: &'a str,
    lasts: Span,
    depth: u64,
    anchored: bool,
    /// The token that is passed on.
    from: Option<String>,
}

impl<'a> Grant<'a> {
    const fn of(capability: &'a str, to: &'a str) -> Self {
        Self { capability, to, lasts: GRANTED_FOR, depth: 0, anchored: false, from: None }
    }

    /// What is passed on must end before that from which it comes.
    fn below(from: String, capability: &'a str, to: &'a str) -> Self {
        Self { lasts: PASSED_ON_FOR, anchored: true, from: Some(from), ..Self::of(capability, to) }
    }
}

/// Under which name the token is noted that a node was given last.
fn last_for(name: &str) -> String {
    format!("the last token for {name}")
}

/// The token that a node was given last.
fn held_by(play: &Play<'_, '_>, name: &str) -> Result<String, Failure> {
    play.noted(&last_for(&play.node(name)?)).map(str::to_owned)
}

/// Under which name the last token from one for another is noted.
fn between(by: &str, to: &str) -> String {
    format!("the token from {by} for {to}")
}

fn token(play: &Play<'_, '_>, by: &str, to: &str) -> Result<String, Failure> {
    let (by, to) = (play.node(by)?, play.node(to)?);
    play.noted(&between(&by, &to)).map(str::to_owned)
}

fn slot(word: &str) -> Result<Slot, Failure> {
    let all = [Slot::Provide, Slot::Require];
    let found = all.into_iter().find(|slot| slot.as_str() == word);
    found.ok_or_else(|| {
        Failure::Bad(format!("tokens are anchored under `provide` or `require`, not `{word}`"))
    })
}

/// Calls a behaviour, however that ends.
pub(super) fn invoke(play: &mut Play<'_, '_>, by: &str, to: &str, behaviour: &str) -> Done {
    play.invoke(by, to, behaviour)?;
    let to = play.node(to)?;
    play.note("who was asked", to);
    Ok(())
}

/// What a node did last.
fn last_of<'a>(play: &'a Play<'_, '_>, name: &str) -> Result<&'a Heard, Failure> {
    let (name, heard) = (play.node(name)?, play.heard()?);
    if heard.by == name {
        return Ok(heard);
    }
    Failure::bad(format!("it was {} who did something last", heard.by))
}

/// Silence says nothing where nobody could have answered.
fn unanswered(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let heard = last_of(play, args.text(0))?;
    let (ending, how, by) = (heard.ending.clone(), heard.how_it_ended(), heard.by.clone());
    let asked = play.noted("who was asked")?;
    if !play.world.is_peer_up(asked) || !play.world.reaches_peer(&by, asked) {
        return Failure::vacuous(format!("{asked} could not answer anyway"));
    }
    holds(matches!(ending, Some(Ending::Unanswered(_))), || how)
}

/// Something that an operator does at a desk, and that must be done.
pub(super) fn at_desk(play: &mut Play<'_, '_>, by: &str, kind: OperationKind) -> Done {
    play.order(by, kind, DESK_LIMIT)?.done()
}

/// Grants something, which must come about.
fn granted(play: &mut Play<'_, '_>, by: &str, grant: &Grant<'_>) -> Done {
    grant_something(play, by, grant)?.done()
}

fn grant_something<'a>(
    play: &'a mut Play<'_, '_>,
    by: &str,
    grant: &Grant<'_>,
) -> Result<&'a Heard, Failure> {
    let (by, to) = (play.node(by)?, play.node(grant.to)?);
    if !grant.capability.starts_with('/') {
        return Failure::bad(format!("`{}` is no capability: it begins with `/`", grant.capability));
    }
    let number = play.noted("tokens").map_or(0, |count| count.parse::<u64>().unwrap_or_default()) + 1;
    let name = format!("token{number}");
    play.note("tokens", number.to_string());
    play.note(&between(&by, &to), name.clone());
    play.note(&last_for(&to), name.clone());
    let kind = OperationKind::Grant {
        name: Some(name),
        from: grant.from.clone(),
        to,
        capabilities: vec![Capability::new(grant.capability)],
        topics: Vec::new(),
        lasts: grant.lasts,
        depth: grant.depth,
        anchored: grant.anchored,
    };
    play.order(&by, kind, DESK_LIMIT)
}

/// The capabilities that were listed last.
pub(super) fn listed<'a>(play: &'a Play<'_, '_>) -> Result<&'a CapabilityReport, Failure> {
    let found = play.heard()?.reports().find_map(|report| match report {
        Report::Capabilities(report) => Some(&**report),
        _ => None,
    });
    found.ok_or_else(|| lacking(play, "no capabilities were listed"))
}

/// What is wrong where something is looked at that was not told: whoever was asked has not answered, or it is something
/// else that was asked last.
pub(super) fn lacking(play: &Play<'_, '_>, what: &str) -> Failure {
    match play.heard() {
        Ok(heard) if !heard.is_answered() => Failure::Wrong(heard.how_it_ended()),
        _ => Failure::Vacuous(what.to_owned()),
    }
}

/// Whether something stands in a part of the list, and all that stands there.
fn shows(play: &Play<'_, '_>, args: &Args<'_>) -> Result<(bool, String), Failure> {
    let report = listed(play)?;
    let tokens = match args.text(1) {
        "provide" => &report.provide,
        "require" => &report.require,
        "revoke" => &report.revoke,
        other => return Failure::bad(format!("`{other}` is not provide, require or revoke")),
    };
    let given = || tokens.iter().flat_map(|token| &token.claims().capabilities);
    let all: Vec<&str> = given().map(Capability::as_str).collect();
    Ok((all.contains(&args.text(0)), all.join(", ")))
}

/// Whether a node has answered the last hello.
fn answered(play: &Play<'_, '_>, args: &Args<'_>) -> Result<bool, Failure> {
    let did = play.did_of(args.text(0))?;
    let heard = play.heard()?;
    Ok(heard.greeted_by().any(|own| *own == did))
}

/// An organization withdraws a membership; a node anchors that, and publishes it on request.
fn revoke(play: &mut Play<'_, '_>, by: &str, member: &str, organization: &str, broadcast: bool) -> Done {
    let member = play.node(member)?;
    let organization = super::organizations::organization(play, organization)?;
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
