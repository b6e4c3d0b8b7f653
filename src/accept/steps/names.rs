//! Names: those of allocations in their subnet, and those of peers whose public address changes.

use std::sync::Arc;

use super::nodes::only;
use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::Play;
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::dynamic_dns::Resolver;
use crate::dms::ensemble::EnsembleConfig;
use crate::kernel::Span;
use crate::sim::setup::Fault;

/// How long a step waits for a name to lead where it should: the longest pause between two attempts to say where it is.
const NAME_LIMIT: Span = Span::secs(64);
/// How long a node may take to be placed anew.
const RECOVERY_LIMIT: Span = Span::mins(10);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Names and addresses",
    entries: &[
        act(
            "{string} moves to another public address",
            "as a machine that changes networks; what runs there goes on",
            |play, args| {
                let name = play.node(args.text(0))?;
                let (at, before) = (play.world.now().into(), play.world.address_of(&name));
                play.world.inflict(Fault::Move { at, who: only(&name), every: None });
                play.pass(Span::millis(1));
                let now = play.world.address_of(&name);
                holds(now != before, || format!("it is still at {now}"))
            },
        ),
        act(
            "{string} machine goes down for good",
            "it stops with all that it runs, and nobody repairs it",
            |play, args| {
                let name = play.node(args.text(0))?;
                go_down(play, &name)
            },
        ),
        act(
            "the machine under allocation {string} of {string} goes down for good",
            "the one on which it runs now",
            |play, args| {
                let host = host_of(play, args)?;
                play.note(&machine(args), host.to_string());
                go_down(play, &host)
            },
        ),
        check(
            "allocation {string} of {string} should run on another machine",
            "than the one under it that went down, within ten minutes",
            |play, args| {
                let before = play.noted(&machine(args))?.to_owned();
                let (id, allocation) = (play.id_of(args.text(1))?, args.text(0));
                play.wait(RECOVERY_LIMIT, |world| {
                    let all = world.whereabouts(id);
                    all.iter().any(|one| one.runs && own_name(&one.key) == allocation && *one.peer != *before)
                });
                let host = host_of(play, args)?;
                holds(*host != *before, || format!("it is still on {host}"))
            },
        ),
        check(
            "the name {string} should lead to {string}",
            "within a minute, for somebody who remembers nothing: to the address that the peer has now",
            |play, args| {
                let (name, peer) = (args.text(0).to_owned(), play.node(args.text(1))?);
                let wanted = play.world.address_of(&peer);
                let led = settled(play, &name, |led| led.as_ref().is_ok_and(|at| *at == Some(wanted)));
                holds(led == Ok(Some(wanted)), || format!("it leads to {led:?}, and {peer} is at {wanted}"))
            },
        ),
        check(
            "the name {string} should lead nowhere",
            "the server of the zone says that there is none",
            |play, args| {
                let name = args.text(0).to_owned();
                let led = settled(play, &name, Result::is_ok);
                holds(led == Ok(None), || format!("it leads to {led:?}"))
            },
        ),
        check(
            "every allocation of {string} should resolve all others",
            "by their names in the subnet, each to where the other really lives; there are at least two",
            |play, args| all_resolve(play, args.text(0)),
        ),
        check(
            "allocation {string} of {string} should resolve {string} to {string}",
            "a name in its subnet, to something that lives on this peer",
            |play, args| {
                let (id, peer) = (play.id_of(args.text(1))?, play.node(args.text(3))?);
                let led = play.world.resolve(id, args.text(0), args.text(2));
                let led = led.map_err(|why| Failure::Wrong(format!("it does not: {why}")))?;
                holds(*led.peer == *peer && led.key.is_some(), || format!("it leads to {led:?}"))
            },
        ),
        check(
            "allocation {string} of {string} should not resolve {string}",
            "it runs and knows of itself, and of no such name",
            |play, args| {
                let (id, from) = (play.id_of(args.text(1))?, args.text(0));
                let ensemble = &play.deployment_of(args.text(1))?.ensemble;
                let own = subnet_name(ensemble, from);
                match play.world.resolve(id, from, args.text(2)) {
                    Err("no such name") if play.world.resolve(id, from, &own).is_ok() => Ok(()),
                    Err(why) => Failure::vacuous(format!("it cannot ask: {why}")),
                    Ok(led) => Failure::wrong(format!("it leads to {led:?}")),
                }
            },
        ),
    ],
};

/// Where a name leads; the error says why nobody knows.
type Led = Result<Option<std::net::Ipv4Addr>, String>;

/// The name of an allocation in its subnet.
fn subnet_name(ensemble: &EnsembleConfig, allocation: &str) -> String {
    let dns_name = ensemble.allocations.get(allocation).map(|one| &*one.dns_name);
    format!("{}.internal", dns_name.unwrap_or(allocation))
}

/// By what the machine under an allocation is noted.
fn machine(args: &Args<'_>) -> String {
    format!("the machine under allocation {} of {}", args.text(0), args.text(1))
}

/// The peer on which an allocation runs.
fn host_of(play: &Play<'_, '_>, args: &Args<'_>) -> Result<Arc<str>, Failure> {
    let there = play.hosts_of(play.id_of(args.text(1))?);
    let found = there.into_iter().find(|(_, key)| own_name(key) == args.text(0));
    let host = found.map(|(peer, _)| peer);
    host.ok_or_else(|| Failure::Wrong(format!("{} runs nowhere", args.text(0))))
}

/// A machine stops for good.
fn go_down(play: &mut Play<'_, '_>, name: &str) -> Done {
    let at = play.world.now().into();
    play.world.inflict(Fault::Crash { at, who: only(name), repair: None, loses_disk: false });
    play.pass(Span::millis(1));
    holds(!play.world.is_peer_up(name), || "it is still up".to_owned())
}

/// Where a name leads for somebody who remembers nothing, as soon as it is as wanted.
fn settled(play: &mut Play<'_, '_>, name: &str, wanted: impl Fn(&Led) -> bool) -> Led {
    let Some(asker) = play.setting.nodes.first().map(|node| node.name.clone()) else {
        return Err("there is nobody who could ask".to_owned());
    };
    let mut led = Err(String::new());
    play.wait(NAME_LIMIT, |world| {
        led = world.find_name(&asker, name, &mut Resolver::default());
        wanted(&led)
    });
    led
}

/// Every ordered pair of the allocations of a deployment that run.
fn all_resolve(play: &Play<'_, '_>, owner: &str) -> Done {
    let id = play.id_of(owner)?;
    let ensemble = Arc::clone(&play.deployment_of(owner)?.ensemble);
    let there = play.hosts_of(id);
    if there.len() < 2 {
        return Failure::vacuous(format!("{} of its allocations run", there.len()));
    }
    for (_, from) in &there {
        for (host, to) in there.iter().filter(|(_, to)| to != from) {
            let (from, asked) = (own_name(from), own_name(to));
            let name = subnet_name(&ensemble, asked);
            let led = play.world.resolve(id, from, &name);
            let led = led.map_err(|why| Failure::Wrong(format!("{from} asks for {name}: {why}")))?;
            holds(led.peer == *host && led.key.as_ref() == Some(to), || {
                format!("{from} asks for {name}, which runs on {host}: it leads to {led:?}")
            })?;
        }
    }
    Ok(())
}

/// A user in the city of a peer looks up a name, and remembers the answer for as long as it may.
pub(super) fn look_up(play: &mut Play<'_, '_>, args: &Args<'_>, name: usize) -> Result<Led, Failure> {
    let by = play.node(args.text(0))?;
    if !play.memories.iter().any(|(user, _)| *user == by) {
        play.memories.push((by.clone(), Resolver::default()));
    }
    let memory = play.memories.iter_mut().find(|(user, _)| *user == by);
    let (_, memory) = memory.expect("it was just added where it was not there");
    Ok(play.world.find_name(&by, args.text(name), memory))
}
