//! What a node tells of itself and of the peers that it is connected to (dms-capabilities sections 3.7, 5 and 9.3).

use super::capabilities::{invoke, lacking};
use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Play, behaviour_of};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{NodeReport, Report};
use crate::dms::identity::PeerId;
use crate::kernel::Span;
use crate::sim::setup::OperationKind;

/// How long a question about another peer may take.
const PEER_LIMIT: Span = Span::secs(10);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "System and peer status",
    entries: &[
        act("{string} views its status", "asks its own node for its status report", |play, args| {
            invoke(play, args.text(0), args.text(0), "/dms/node/status")
        }),
        act(
            "{string} views the status of {string}",
            "asks another node for it, which that must allow",
            |play, args| invoke(play, args.text(0), args.text(1), "/dms/node/status"),
        ),
        check(
            "the status should be that of {string}",
            "name, DID, peer id and resources are those that its machine and its node really have",
            status_of,
        ),
        check("the status should show that it is onboarded", "with what is offered", |play, _| {
            let report = status(play)?;
            let offered = &report.resources.onboarded;
            holds(report.onboarded && offered.is_some() && report.resources.free.is_some(), || {
                "it is not".to_owned()
            })
        }),
        check("the status should show that it is not onboarded", "and offers nothing", |play, _| {
            let report = status(play)?;
            holds(!report.onboarded && report.resources.onboarded.is_none(), || "it is".to_owned())
        }),
        act(
            "{string} asks for the version of DMS",
            "at its own command line; versions differ in the weaknesses that they have",
            |play, args| {
                let name = play.node(args.text(0))?;
                let version = play.world.look_at(&name).version();
                play.note("version", version);
                Ok(())
            },
        ),
        check("the version should be {string}", "as a scenario names profiles", |play, args| {
            let found = play.noted("version")?;
            holds(found == args.text(0), || format!("it is {found}"))
        }),
        act("{string} views its peer information", "its own id and address", |play, args| {
            invoke(play, args.text(0), args.text(0), "/dms/node/peers/self")
        }),
        check("the peer information should be that of {string}", "id and multiaddress", |play, args| {
            let id = host_of(play, args.text(0))?;
            let Some(Report::Own(own)) = play.heard()?.reports().next() else {
                return Err(lacking(play, "no peer information was given"));
            };
            let fits = own.id == id && *own.listen_addr == *format!("/p2p/{id}");
            holds(fits, || format!("it is that of {} at {}", own.id, own.listen_addr))
        }),
        act("{string} views its connected peers", "asks its own node for them", |play, args| {
            invoke(play, args.text(0), args.text(0), "/dms/node/peers/list")
        }),
        act(
            "{string} views its known peers",
            "asks its own node for those of its routing table",
            |play, args| invoke(play, args.text(0), args.text(0), "/dms/node/peers/dht"),
        ),
        check("{string} should be among the peers", "of the list that was seen last", |play, args| {
            let id = host_of(play, args.text(0))?;
            let all = peers(play)?;
            holds(all.contains(&id), || format!("it is not among these {}", all.len()))
        }),
        check("{string} should not be among the peers", "of that list", |play, args| {
            let id = host_of(play, args.text(0))?;
            holds(!peers(play)?.contains(&id), || "it is among them".to_owned())
        }),
        check(
            "all of the peers should be connected",
            "those of that list, which must not be empty, are up and within reach",
            |play, _| {
                let (by, all) = (play.heard()?.by.clone(), peers(play)?);
                if all.is_empty() {
                    return Failure::vacuous("the list is empty");
                }
                let reached = |id: &PeerId| {
                    let name = play.world.name_of_host(id);
                    name.is_some_and(|name| play.world.reaches_peer(&by, name))
                };
                let gone = all.iter().filter(|id| !reached(id)).count();
                holds(gone == 0, || format!("{gone} of these {} are not", all.len()))
            },
        ),
        act("{string} connects to {string}", "asks its own node for it", |play, args| {
            about_peer(play, args, "/dms/node/peers/connect")
        }),
        act("{string} pings {string}", "has its own node measure the round trip", |play, args| {
            about_peer(play, args, "/dms/node/peers/ping")
        }),
        check(
            "the round trip should take less than {int} ms",
            "the last ping was answered, in so much time",
            |play, args| {
                let limit = args.int(0)?;
                let heard = play.heard()?;
                let found = heard.reports().find_map(|report| match report {
                    Report::Ping { rtt_ms } => Some(*rtt_ms),
                    _ => None,
                });
                let rtt = found.ok_or_else(|| Failure::Wrong(heard.how_it_ended()))?;
                holds(rtt < limit, || format!("it took {rtt} ms"))
            },
        ),
        check(
            "{string} should have a peer score of {int} at {string}",
            "5 when both have answered a hello of the other, 1 when they are connected, else 0",
            |play, args| {
                let (id, wanted) = (host_of(play, args.text(0))?, args.int(1)?);
                invoke(play, args.text(2), args.text(2), "/dms/node/peers/score")?;
                let Some(Report::Scores(all)) = play.heard()?.reports().next() else {
                    return Failure::wrong("no scores were given");
                };
                let found =
                    all.iter().find(|(host, _)| *host == id).map_or(0, |(_, score)| u64::from(*score));
                holds(found == wanted, || format!("it is {found}"))
            },
        ),
    ],
};

/// The peer id of a node.
fn host_of(play: &Play<'_, '_>, name: &str) -> Result<PeerId, Failure> {
    let name = play.node(name)?;
    Ok(play.world.look_at(&name).handle_of_root().host)
}

/// The status report that was seen last.
fn status<'a>(play: &'a Play<'_, '_>) -> Result<&'a NodeReport, Failure> {
    let found = play.heard()?.reports().find_map(|report| match report {
        Report::Node(all) => all.values().next(),
        _ => None,
    });
    found.ok_or_else(|| lacking(play, "no status was reported"))
}

fn status_of(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let name = play.node(args.text(0))?;
    let peer = play.world.look_at(&name);
    let (handle, machine) = (peer.handle_of_root(), peer.provider().machine());
    let report = status(play)?;
    let wrong = |what: &str| format!("the {what} is another one");
    holds(*report.hostname == *name, || wrong("name"))?;
    holds(report.did == handle.did, || wrong("DID"))?;
    holds(report.network.p2p.id == handle.host, || wrong("peer id"))?;
    holds(!report.network.interfaces.is_empty(), || "it has no network interface".to_owned())?;
    holds(report.resources.total == machine.total, || wrong("machine"))?;
    holds(report.resources.onboarded == machine.onboarded, || wrong("offer"))?;
    holds(report.errors.is_empty(), || report.errors.join("; "))
}

/// The peers of the list that was seen last.
fn peers<'a>(play: &'a Play<'_, '_>) -> Result<&'a [PeerId], Failure> {
    let found = play.heard()?.reports().find_map(|report| match report {
        Report::Peers(all) => Some(all.as_slice()),
        _ => None,
    });
    found.ok_or_else(|| lacking(play, "no peers were listed"))
}

/// A node does something about another peer, however that ends.
fn about_peer(play: &mut Play<'_, '_>, args: &Args<'_>, behaviour: &str) -> Done {
    let (by, other) = (play.node(args.text(0))?, play.node(args.text(1))?);
    let (to, behaviour, timeout) = (by.clone(), behaviour_of(behaviour)?, PEER_LIMIT);
    let kind = OperationKind::Invoke { to, behaviour, peer: Some(other), payload: None, timeout };
    play.order(&by, kind, timeout + Span::secs(1))?;
    play.note("who was asked", by);
    Ok(())
}
