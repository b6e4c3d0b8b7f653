//! Supervision and recovery: what was suspected and redeployed, who orchestrates, what is held, and what operators are
//! told of it.

use super::deployments::{first_log, status};
use super::whereabouts::{lives, seconds, sought};
use super::{act, check, holds};
use crate::accept::failure::Failure;
use crate::accept::play::{LONG_LIMIT, Play};
use crate::accept::vocabulary::{Chapter, Entry};
use crate::dms::actor::Report;
use crate::dms::identity::EnsembleId;
use crate::dms::resources::Resources;
use crate::kernel::Span;
use crate::sim::World;
use crate::sim::setup::{ControlKind, Which};

/// For how long a state is looked for that an operator is told.
const TOLD_LIMIT: Span = Span::secs(60);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Supervision and recovery",
    entries: &[
        REDEPLOYED,
        NOT_REDEPLOYED,
        SUSPECTED,
        NEVER_SUSPECTED,
        HOLDS_NOTHING,
        NOBODY_ELSE_HOLDS,
        HOLDS,
        ORCHESTRATES,
        BECOMES,
        STAYS,
        ENDS_BECAUSE,
        TOLD_AS,
        LISTS_EXECUTION,
        NO_SUCH_OUTPUT,
        SHUTS_DOWN,
    ],
};

const REDEPLOYED: Entry =
    check("{string} deployment was redeployed", "a part of it was placed anew", |play, args| {
        let count = redeployments(play, args.text(0))?;
        holds(count > 0, || "it was not".to_owned())
    });
const NOT_REDEPLOYED: Entry =
    check("{string} deployment was not redeployed", "no part of it ever was", |play, args| {
        let count = redeployments(play, args.text(0))?;
        holds(count == 0, || format!("it was {count} times"))
    });
const SUSPECTED: Entry = check(
    "within {int} second(s) allocation {string} is suspected",
    "its supervisor has held it to be in trouble at least once",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let done = play.wait(seconds(args)?, |world| sought.suspicions(world) > 0);
        holds(done, || "nobody suspects it".to_owned())
    },
);
const NEVER_SUSPECTED: Entry =
    check("allocation {string} was never suspected", "in all of its lives", |play, args| {
        let sought = sought(play, args.text(0))?;
        if lives(play, args.text(0))?.is_empty() {
            return Failure::vacuous("it was never placed");
        }
        let count = sought.suspicions(play.world);
        holds(count == 0, || format!("it was {count} times"))
    });
const HOLDS_NOTHING: Entry = check(
    "within {int} second(s) {string} holds nothing any more",
    "no allocation is there, and all that it offers is free",
    |play, args| {
        let name = play.node(args.text(1))?;
        if !offers(play.world, &name) {
            return Failure::vacuous(format!("{name} offers nothing"));
        }
        let done = play.wait(seconds(args)?, |world| is_empty(world, &name));
        holds(done, || {
            let offer = play.world.offer_of(&name);
            format!("of {} there are {} free", offer.onboarded, offer.free)
        })
    },
);
const NOBODY_ELSE_HOLDS: Entry = check(
    "within {int} second(s) nobody but {string} holds anything",
    "of all nodes of the scenario that offer something",
    |play, args| {
        let but = play.node(args.text(1))?;
        let nodes = play.setting.nodes.iter().map(|node| node.name.clone());
        let others: Vec<String> = nodes.filter(|name| *name != but && offers(play.world, name)).collect();
        if others.is_empty() {
            return Failure::vacuous("nobody else offers anything");
        }
        play.wait(seconds(args)?, |world| others.iter().all(|name| is_empty(world, name)));
        let busy: Vec<&str> =
            others.iter().filter(|name| !is_empty(play.world, name)).map(String::as_str).collect();
        holds(busy.is_empty(), || format!("{} do", busy.join(", ")))
    },
);
const HOLDS: Entry = check("{string} holds something", "of what it offers", |play, args| {
    let name = play.node(args.text(0))?;
    holds(!is_empty(play.world, &name), || format!("all that {name} offers is free"))
});
const ORCHESTRATES: Entry = check(
    "within {int} second(s) {string} orchestrates the deployment",
    "the last one, whoever asked for it",
    |play, args| {
        let (id, name) = (last(play)?, play.node(args.text(1))?);
        let is = |world: &World<'_>| world.orchestrator_of(id).is_some_and(|peer| **peer == *name);
        let done = play.wait(seconds(args)?, |world| is(world));
        holds(done, || format!("{} does", play.world.orchestrator_of(id).map_or("nobody", |name| name)))
    },
);
const BECOMES: Entry = check(
    "within {int} second(s) {string} deployment is {status}",
    "as whoever orchestrates it has last said; nobody is asked",
    |play, args| {
        let (id, wanted, limit) = (play.id_of(args.text(1))?, status(args.text(2))?, seconds(args)?);
        play.wait_for_status(id, wanted, limit)
    },
);
const STAYS: Entry =
    check("for {int} second(s) {string} deployment stays {status}", "at every moment", |play, args| {
        let (id, wanted) = (play.id_of(args.text(1))?, status(args.text(2))?);
        let until = play.world.now() + seconds(args)?;
        let is = |world: &World<'_>| world.status_of(id).is_some_and(|(own, _)| own == wanted);
        let left = play.world.advance_while(until, &mut |world| is(world));
        holds(!left, || format!("it is {}", play.described(id)))
    });
const ENDS_BECAUSE: Entry = check(
    "{string} deployment ends because {string}",
    "within five minutes, and the reason that its owner is told contains this",
    |play, args| {
        let id = play.id_of(args.text(0))?;
        let until = play.world.now() + LONG_LIMIT;
        let is_over = |world: &World<'_>| world.status_of(id).is_some_and(|(own, _)| own.is_terminal());
        let over = play.world.advance_while(until, &mut |world| !is_over(world));
        let said = play.world.status_of(id).and_then(|(_, reason)| reason).unwrap_or_default();
        holds(over && said.contains(args.text(1)), || format!("it is {}", play.described(id)))
    },
);
const TOLD_AS: Entry = check(
    "{string} sees allocation {string} as {word}",
    "in the manifest that its node shows, within a minute",
    |play, args| {
        let (sought, end) = (sought(play, args.text(1))?, play.world.now() + TOLD_LIMIT);
        loop {
            let manifest = play.manifest(args.text(0))?;
            let all = manifest.nodes.iter().flat_map(|node| &node.allocations);
            let told: Vec<&str> =
                all.filter(|one| sought.is_it(&one.key)).map(|one| one.status.word()).collect();
            if told.contains(&args.text(2)) {
                return Ok(());
            }
            if play.world.now() >= end {
                return Failure::wrong(format!("it is told as {}", told.join(", ")));
            }
            play.pass(Span::secs(1));
        }
    },
);
const LISTS_EXECUTION: Entry = check(
    "{string} lists allocation {string} with an execution",
    "its node, asked for its allocations",
    |play, args| {
        let sought = sought(play, args.text(1))?;
        let heard = play.invoke(args.text(0), args.text(0), "/dms/node/allocations/list")?;
        let how = heard.how_it_ended();
        let listed = heard.reports().find_map(|report| match report {
            Report::Allocations(all) => Some(all),
            _ => None,
        });
        let Some(listed) = listed else { return Failure::wrong(how) };
        let prefix = format!("{}_", sought.id);
        let is_it = |id: &str| id.strip_prefix(&prefix).is_some_and(|key| sought.is_it(key));
        let there = listed.iter().any(|one| is_it(&one.id) && one.execution_id.is_some());
        holds(there, || format!("it lists {}", heard.how_it_ended()))
    },
);
const NO_SUCH_OUTPUT: Entry = check(
    "{string} ensemble should not return {string}",
    "the log of its first allocation is there and does not contain this",
    |play, args| {
        let text = first_log(play, args.text(0))?;
        holds(!text.contains(args.text(1)), || format!("it has printed:\n{text}"))
    },
);
const SHUTS_DOWN: Entry = act(
    "{string} shuts its deployment down",
    "its node is told to end the last one; the step does not wait for the end",
    |play, args| {
        let id = play.id_of(args.text(0))?;
        play.control(args.text(0), ControlKind::Shutdown(Which::Id(id))).map(drop)
    },
);

/// The last deployment.
fn last(play: &Play<'_, '_>) -> Result<EnsembleId, Failure> {
    let id = play.deployments.iter().rev().find_map(|one| one.id);
    id.ok_or_else(|| Failure::Vacuous("no deployment was accepted before".to_owned()))
}

fn redeployments(play: &Play<'_, '_>, owner: &str) -> Result<u32, Failure> {
    let id = play.id_of(owner)?;
    play.world.redeployments_of(id).ok_or_else(|| Failure::Wrong("there is no such deployment".to_owned()))
}

/// Whether a machine is onboarded.
fn offers(world: &World<'_>, name: &str) -> bool {
    world.offer_of(name).onboarded != Resources::default()
}

/// Whether the node of a machine is up and says that nothing of it is in use.
fn is_empty(world: &World<'_>, name: &str) -> bool {
    let offer = world.offer_of(name);
    let lives = world.look_at(name).provider().allocations().next().is_some();
    world.is_peer_up(name)
        && !lives
        && offer.allocated == Resources::default()
        && offer.free == offer.onboarded
}
