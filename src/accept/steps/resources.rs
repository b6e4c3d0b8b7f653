//! What machines offer, what of it is taken, and that nobody takes more than was given.

use std::sync::Arc;

use super::deployments::pin_first;
use super::{act, check, holds, own_name};
use crate::accept::ensembles;
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{DEPLOY_TIMEOUT, Play, STATUS_LIMIT, behaviour_of};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{Offer, Report};
use crate::dms::resources::Resources;
use crate::kernel::Span;
use crate::sim::World;
use crate::sim::setup::{OperationKind, Payload};

/// How long a node may take to change its offer.
const LIMIT: Span = Span::secs(30);
/// A GiB, in which DMS's command line counts.
const GIB: u64 = 1 << 30;

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Resources",
    entries: &[
        act(
            "{string} onboards {float} CPU, {float} GB RAM and {float} GB disk",
            "offers so much of its machine, in the units of DMS's command line",
            |play, args| {
                onboard(play, args)?;
                play.heard()?.done()
            },
        ),
        act(
            "{string} tries to onboard {float} CPU, {float} GB RAM and {float} GB disk",
            "the same, whatever comes of it",
            onboard,
        ),
        act("{string} offboards", "offers nothing any more", |play, args| {
            let name = play.node(args.text(0))?;
            play.invoke(&name, &name, "/dms/node/onboarding/offboard")?.done()
        }),
        act("{string} tries to offboard", "the same, whatever comes of it", |play, args| {
            let name = play.node(args.text(0))?;
            play.invoke(&name, &name, "/dms/node/onboarding/offboard").map(drop)
        }),
        check("{string} should be onboarded", "its node says so", |play, args| {
            onboarded(play, args.text(0), true)
        }),
        check("{string} should not be onboarded", "its node says so", |play, args| {
            onboarded(play, args.text(0), false)
        }),
        check(
            "{string} should offer {float} CPU, {float} GB RAM and {float} GB disk",
            "its node says so, and so does a peer that asks it",
            |play, args| {
                let wanted = amounts(args, 1)?;
                let onboarded = resources(play, args.text(0), "/dms/node/resources/onboarded")?;
                let found = [onboarded.cpu.cores_milli, onboarded.ram_bytes, onboarded.disk_bytes];
                holds(found == wanted, || format!("it offers {onboarded}"))
            },
        ),
        check("{string} should offer nothing", "its node says so", |play, args| {
            let onboarded = resources(play, args.text(0), "/dms/node/resources/onboarded")?;
            holds(is_nothing(&onboarded), || format!("it offers {onboarded}"))
        }),
        check(
            "{string} should have allocated {float} CPU, {float} GB RAM and {float} GB disk",
            "its node says so, and the rest of its offer is free",
            |play, args| {
                let wanted = amounts(args, 1)?;
                let name = play.node(args.text(0))?;
                let is = |world: &mut World<'_>| {
                    let own = world.offer_of(&name).allocated;
                    [own.cpu.cores_milli, own.ram_bytes, own.disk_bytes] == wanted
                };
                let came = play.wait(STATUS_LIMIT, is);
                let allocated = resources(play, &name, "/dms/node/resources/allocated")?;
                holds(came, || format!("allocated are {allocated}"))?;
                let (onboarded, free) = (
                    resources(play, &name, "/dms/node/resources/onboarded")?,
                    resources(play, &name, "/dms/node/resources/free")?,
                );
                let sum = allocated.plus(&free);
                holds(sizes(&sum) == sizes(&onboarded), || format!("free are {free}"))
            },
        ),
        check("{string} should hold nothing", "within a minute all that it offers is free", |play, args| {
            let name = play.node(args.text(0))?;
            let is = |world: &mut World<'_>| {
                let offer = world.offer_of(&name);
                is_nothing(&offer.allocated) && sizes(&offer.free) == sizes(&offer.onboarded)
            };
            let came = play.wait(STATUS_LIMIT, is);
            let offer = play.world.offer_of(&name);
            holds(came, || format!("of {} are free {}", offer.onboarded, offer.free))
        }),
        act("{string} asks for its hardware", "what the machine has", |play, args| {
            ask(play, args.text(0), "/dms/node/hardware/spec")
        }),
        act("{string} asks for its usage", "what of the machine is in use", |play, args| {
            ask(play, args.text(0), "/dms/node/hardware/usage")
        }),
        check(
            "the hardware should be {float} CPU, {float} GB RAM and {float} GB disk",
            "by the last answer",
            |play, args| {
                let found = hardware(play)?;
                let wanted = amounts(args, 0)?;
                holds(sizes(&found) == wanted, || format!("it is {found}"))
            },
        ),
        check("some of the machine should be in use", "by the last answer, cores and memory", |play, _| {
            let found = hardware(play)?;
            holds(found.cpu.cores_milli > 0 && found.ram_bytes > 0, || format!("in use are {found}"))
        }),
        check("nothing of the machine should be in use", "by the last answer", |play, _| {
            let found = hardware(play)?;
            holds(is_nothing(&found), || format!("in use are {found}"))
        }),
        check(
            "allocation {string} of {string} should use at most {float} CPU",
            "and no more than it was given, by the statistics of its executor",
            |play, args| {
                let detail = usage(play, args.text(1), args.text(0))?;
                let most = (float(args, 2)? * 1000.0) as u64;
                holds(detail.cpu_cores_milli > 0 && detail.cpu_cores_milli <= most, || {
                    format!("it uses {} thousandths of cores", detail.cpu_cores_milli)
                })?;
                holds(detail.cpu_cores_milli <= detail.cpu_limit_milli, || {
                    "more than it was given".to_owned()
                })
            },
        ),
        check(
            "allocation {string} of {string} should exit with code {int} within {int} minute(s)",
            "and does not run then; 137 is what the kernel kills for its memory",
            |play, args| {
                let (id, code) = (play.id_of(args.text(1))?, args.int(2)?);
                let limit = Span::mins(args.int(3)?);
                let exit = |world: &World<'_>| world.exit_code_of(id, args.text(0));
                let came = play.wait(limit, |world| exit(world).is_some_and(|own| own as u64 == code));
                holds(came, || match exit(play.world) {
                    Some(code) => format!("it has exited with {code}"),
                    None => format!("it has not exited: the deployment is {}", play.described(id)),
                })
            },
        ),
        act(
            "{string} deploys a task/service of {float} CPU, {float} GB RAM and {float} GB disk",
            "an ensemble with one allocation called `main` that needs so much",
            |play, args| deploy_sized(play, args, None, None),
        ),
        act(
            "{string} deploys a task/service of {float} CPU, {float} GB RAM and {float} GB disk on {string}",
            "the same, pinned",
            |play, args| deploy_sized(play, args, None, Some(args.text(4))),
        ),
        act(
            "{string} deploys a task/service of {float} CPU, {float} GB RAM and {float} GB disk with image {string} \
             on {string}",
            "the same, of an image",
            |play, args| deploy_sized(play, args, Some(args.text(4)), Some(args.text(5))),
        ),
        check(
            "allocation {string} of {string} should have been restarted by its executor",
            "at least once, by its statistics",
            |play, args| {
                let detail = usage(play, args.text(1), args.text(0))?;
                holds(detail.restarts > 0, || "it was not".to_owned())
            },
        ),
    ],
};

fn float(args: &Args<'_>, place: usize) -> Result<f64, Failure> {
    let text = args.text(place);
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| Failure::Bad(format!("`{text}` is not an amount")))
}

/// Thousandths of cores, bytes of memory and of disk, as three parameters say them.
fn amounts(args: &Args<'_>, first: usize) -> Result<[u64; 3], Failure> {
    let gib = |place: usize| float(args, place).map(|number| (number * GIB as f64) as u64);
    Ok([(float(args, first)? * 1000.0) as u64, gib(first + 1)?, gib(first + 2)?])
}

const fn sizes(of: &Resources) -> [u64; 3] {
    [of.cpu.cores_milli, of.ram_bytes, of.disk_bytes]
}

fn is_nothing(of: &Resources) -> bool {
    sizes(of) == [0; 3] && of.gpus.is_empty()
}

fn onboard(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let name = play.node(args.text(0))?;
    let milli = |place: usize| float(args, place).map(|number| (number * 1000.0) as u64);
    let offer =
        Offer { cores_milli: milli(1)?, ram_milli_gib: milli(2)?, disk_milli_gib: milli(3)?, no_gpu: false };
    let behaviour = behaviour_of("/dms/node/onboarding/onboard")?;
    let payload = Some(Payload::Offer(offer));
    let kind = OperationKind::Invoke { to: name.clone(), behaviour, peer: None, payload, timeout: LIMIT };
    play.order(&name, kind, LIMIT).map(drop)
}

fn onboarded(play: &mut Play<'_, '_>, name: &str, wanted: bool) -> Done {
    let heard = play.invoke(name, name, "/dms/node/onboarding/status")?;
    let found = heard.reports().find_map(|report| match report {
        Report::Onboarded(onboarded) => Some(*onboarded),
        _ => None,
    });
    holds(found == Some(wanted), || heard.how_it_ended())
}

/// What a node says of its resources.
fn resources(play: &mut Play<'_, '_>, name: &str, behaviour: &str) -> Result<Resources, Failure> {
    let heard = play.invoke(name, name, behaviour)?;
    let found = heard.reports().find_map(|report| match report {
        Report::Resources(resources) => Some(resources.clone()),
        _ => None,
    });
    found.ok_or_else(|| Failure::Wrong(heard.how_it_ended()))
}

fn ask(play: &mut Play<'_, '_>, name: &str, behaviour: &str) -> Done {
    play.invoke(name, name, behaviour)?.done()
}

/// The hardware that the last answer tells of.
fn hardware(play: &Play<'_, '_>) -> Result<Resources, Failure> {
    let found = play.heard()?.reports().find_map(|report| match report {
        Report::Hardware(hardware) => Some(hardware.clone()),
        _ => None,
    });
    found.ok_or_else(|| Failure::Vacuous("no hardware was asked for and told".to_owned()))
}

/// Deploys one allocation that needs so much.
fn deploy_sized(play: &mut Play<'_, '_>, args: &Args<'_>, image: Option<&str>, on: Option<&str>) -> Done {
    let is_task = args.says("deploys a task");
    let (kind, usual) = if is_task { ("task", "hello-world") } else { ("service", "nginx:1.27-alpine") };
    let [cores, ram, disk] = [float(args, 1)?, float(args, 2)?, float(args, 3)?];
    let image = image.unwrap_or(usual);
    let text = format!(
        "version: V1\nallocations:\n  main:\n    type: {kind}\n    executor: docker\n    resources:\n      \
         cpu: {{cores: {cores}}}\n      ram: {{size: {ram}}}\n      disk: {{size: {disk}}}\n    \
         execution: {{type: docker, image: {image}}}\nnodes:\n  node1: {{allocations: [main]}}\n"
    );
    let mut ensemble = (*ensembles::parse("this deployment", &text).map_err(Failure::Bad)?).clone();
    if let Some(target) = on {
        pin_first(&mut ensemble, &play.node(target)?)?;
    }
    play.deploy(args.text(0), &Arc::new(ensemble), DEPLOY_TIMEOUT).map(drop)
}

/// What an allocation uses, as its orchestrator is told.
fn usage(
    play: &mut Play<'_, '_>,
    owner: &str,
    allocation: &str,
) -> Result<crate::dms::actor::ExecutorStats, Failure> {
    super::information::info(play, owner, true, false, &[])?;
    let info = play.info()?;
    let Some(detail) = info.allocations.iter().find(|one| own_name(&one.id) == allocation) else {
        return Failure::bad(format!("{owner} has no allocation {allocation}"));
    };
    detail.executor_stats.ok_or_else(|| Failure::Wrong(format!("it has no statistics: {}", detail.error)))
}
