//! Deployments: asking for them, what becomes of them, and what they print.

use std::sync::Arc;

use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{DEPLOY_TIMEOUT, LONG_LIMIT, Play, STATUS_LIMIT};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{DeploymentReport, LogFiles};
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::fact::DeploymentStatus;
use crate::kernel::Span;
use crate::sim::setup::{ControlKind, Which};

/// The ensembles that `has 1 task` and `has 1 service` mean (dms-acceptance section 3).
const TASK: &str = "docker_hello.yaml";
const SERVICE: &str = "nginx.yaml";
/// The first public port of several services on one node.
const FIRST_PORT: u16 = 50_001;
/// How long a step waits for each of several deployments.
const SEVERAL_LIMIT: Span = Span::mins(3);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Deployments",
    entries: &[
        act(
            "{string} has deployed {string} on {string}",
            "who, an ensemble file, the peer to which its node is pinned",
            deploy_on,
        ),
        act("{string} deploys {string} on {string}", "the same, as a thing that is done", deploy_on),
        act(
            "{string} has deployed {string}",
            "an ensemble file as it is: peers are sought unless it pins them",
            deploy,
        ),
        act("{string} deploys {string}", "the same, as a thing that is done", deploy),
        act(
            "{string} deploys {string} as {string}",
            "and gives it a name, which the other steps take for that of its owner",
            |play, args| {
                deploy(play, args)?;
                name_it(play, args.text(2))
            },
        ),
        act("{string} deploys {string} on {string} as {string}", "the same, pinned", |play, args| {
            deploy_on(play, args)?;
            name_it(play, args.text(3))
        }),
        act(
            "{string} has {int} task(s)/service(s) {status} on {string}",
            "one of them, waited for in this very state",
            has_one,
        ),
        act(
            "{string} has {int} tasks with status {string} on {string}",
            "so many deployments, each waited for in this state",
            has_several,
        ),
        act("{string} has {int} task with status {string} on {string}", "the same for one", has_several),
        check(
            "{string} deployment is {status}",
            "within a minute its status is this; `fail` is a deployment that comes to nothing, \
             `cancelled` one that its owner has ended",
            |play, args| is(play, args.text(0), args.text(1)),
        ),
        check(
            "{string} deployment should {word}",
            "`succeed`: its tasks complete, its services run; `fail`: it comes to nothing",
            |play, args| match args.text(1) {
                "fail" => fails(play, args.text(0)),
                "succeed" => succeeds(play, args.text(0)),
                other => Failure::bad(format!("a deployment should `fail` or `succeed`, not `{other}`")),
            },
        ),
        check(
            "{string} deployment should not succeed on {string}",
            "until its request ends it neither runs nor completes, and nothing of it is ever on this peer",
            |play, args| never_on(play, args.text(0), args.text(1)),
        ),
        check(
            "{string} ensemble should return {string}",
            "the log of its first allocation contains this",
            |play, args| {
                let text = first_log(play, args.text(0))?;
                holds(text.contains(args.text(1)), || format!("it has printed:\n{text}"))
            },
        ),
    ],
};

fn deploy_on(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (owner, target) = (args.text(0), play.node(args.text(2))?);
    let mut ensemble = (*play.setting.ensemble(args.text(1))?).clone();
    pin_first(&mut ensemble, &target)?;
    play.deploy(owner, &Arc::new(ensemble), DEPLOY_TIMEOUT).map(drop)
}

fn deploy(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let ensemble = play.setting.ensemble(args.text(1))?;
    play.deploy(args.text(0), &ensemble, DEPLOY_TIMEOUT).map(drop)
}

/// Gives the last deployment a name.
fn name_it(play: &mut Play<'_, '_>, name: &str) -> Done {
    if play.setting.nodes.iter().any(|node| node.name.eq_ignore_ascii_case(name)) {
        return Failure::bad(format!("{name} is a node"));
    }
    if let Some(last) = play.deployments.last_mut() {
        last.name = Some(name.to_owned());
    }
    Ok(())
}

/// Pins the node called `node1`, else the first, to a peer.
pub(super) fn pin_first(ensemble: &mut EnsembleConfig, target: &str) -> Done {
    let place = ensemble.nodes.get_index_of("node1").unwrap_or(0);
    let Some((_, node)) = ensemble.nodes.get_index_mut(place) else {
        return Failure::bad("the ensemble has no node that could be pinned");
    };
    node.peer = Some(target.into());
    Ok(())
}

fn has_one(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    if args.int(1)? != 1 {
        return Failure::bad("this step is about one of them; of several say `with status`");
    }
    let target = play.node(args.text(3))?;
    let mut ensemble = (*play.setting.ensemble(if args.says(" task") { TASK } else { SERVICE })?).clone();
    pin_first(&mut ensemble, &target)?;
    play.deploy(args.text(0), &Arc::new(ensemble), DEPLOY_TIMEOUT)?;
    is(play, args.text(0), args.text(2))
}

fn has_several(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let (count, target) = (args.int(1)?, play.node(args.text(3))?);
    let wanted = status(args.text(2))?;
    let owner = args.text(0).to_owned();
    let mut ids = Vec::new();
    for number in 0..count {
        let runs = wanted == DeploymentStatus::Running;
        let mut ensemble = (*play.setting.ensemble(if runs { SERVICE } else { TASK })?).clone();
        pin_first(&mut ensemble, &target)?;
        for port in ensemble.nodes.values_mut().flat_map(|node| &mut node.ports) {
            port.public = FIRST_PORT + number as u16;
        }
        play.deploy(&owner, &Arc::new(ensemble), DEPLOY_TIMEOUT)?;
        ids.push(play.id_of(&owner)?);
    }
    ids.into_iter().try_for_each(|id| play.wait_for_status(id, wanted, SEVERAL_LIMIT))
}

/// The state of this name, in any letter case.
pub(super) fn status(name: &str) -> Result<DeploymentStatus, Failure> {
    let fits = |status: &DeploymentStatus| status.as_str().eq_ignore_ascii_case(name);
    DeploymentStatus::ALL.into_iter().find(fits).ok_or_else(|| {
        let known = DeploymentStatus::ALL.map(DeploymentStatus::as_str).join(", ");
        Failure::Bad(format!("`{name}` is no status of a deployment: {known}"))
    })
}

/// A deployment comes into a state within a minute, or within five where it has several nodes.
pub(super) fn is(play: &mut Play<'_, '_>, owner: &str, name: &str) -> Done {
    match name.to_lowercase().as_str() {
        "fail" => return fails(play, owner),
        "cancelled" => return is_cancelled(play, owner),
        _ => {}
    }
    let wanted = status(name)?;
    let limit = if play.deployment_of(owner)?.ensemble.nodes.len() > 1 { LONG_LIMIT } else { STATUS_LIMIT };
    let id = play.id_of(owner)?;
    play.wait_for_status(id, wanted, limit)?;
    // What the node tells its operator is the same, unless it has gone on since.
    let told = play.status_report(owner)?.status;
    let now = play.world.status_of(id).map(|(status, _)| status);
    holds(told == wanted || Some(told) == now, || {
        format!("it is {}, and its node says {}", wanted.as_str(), told.as_str())
    })
}

/// A deployment comes to nothing. As it is meant, it is Failed with a reason by its deadline, and never runs; as it is,
/// three looks in a row find it Preparing, and nothing more is known (dms-acceptance section 3).
pub(super) fn fails(play: &mut Play<'_, '_>, owner: &str) -> Done {
    let deployed = play.deployment_of(owner)?.clone();
    let Some(id) = deployed.id else { return Ok(()) };
    if play.profile().is_nearer_as_is() {
        for _ in 0..3 {
            let now = play.world.status_of(id).map(|(status, _)| status);
            if !matches!(now, Some(DeploymentStatus::Preparing | DeploymentStatus::Failed)) {
                return Failure::wrong(format!("it is {}", play.described(id)));
            }
            play.pass(Span::secs(1));
        }
        return Ok(());
    }
    let until = deployed.deadline;
    let over = |status: DeploymentStatus| status == DeploymentStatus::Running || status.is_terminal();
    play.world
        .advance_while(until, &mut |world| !world.status_of(id).is_some_and(|(status, _)| over(status)));
    match play.world.status_of(id) {
        Some((DeploymentStatus::Failed, Some(_))) => Ok(()),
        Some((DeploymentStatus::Failed, None)) => Failure::wrong("it has failed, and nobody says why"),
        _ => Failure::wrong(format!("it has not failed: it is {}", play.described(id))),
    }
}

/// A deployment never gets a part onto a peer that is there.
fn never_on(play: &mut Play<'_, '_>, owner: &str, peer: &str) -> Done {
    let (peer, deployed) = (play.node(peer)?, play.deployment_of(owner)?.clone());
    if !play.world.is_peer_up(&peer) {
        return Failure::vacuous(format!("{peer} is down"));
    }
    let Some(id) = deployed.id else { return Ok(()) };
    let done = |world: &crate::sim::World<'_>| {
        let status = world.status_of(id).map(|(status, _)| status);
        matches!(status, Some(DeploymentStatus::Running | DeploymentStatus::Completed))
            || world.whereabouts(id).iter().any(|one| *one.peer == *peer)
    };
    let came = play.world.advance_while(deployed.deadline, &mut |world| !done(world));
    holds(!came, || format!("it is {}", play.described(id)))
}

/// A deployment that consists of tasks completes; any other runs.
fn succeeds(play: &mut Play<'_, '_>, owner: &str) -> Done {
    let deployed = play.deployment_of(owner)?;
    let wanted = if deployed.ensemble.is_task_only() {
        DeploymentStatus::Completed
    } else {
        DeploymentStatus::Running
    };
    let id = play.id_of(owner)?;
    play.wait_for_status(id, wanted, LONG_LIMIT)
}

/// It has ended because its owner wanted it to, before it was done.
fn is_cancelled(play: &mut Play<'_, '_>, owner: &str) -> Done {
    let id = play.id_of(owner)?;
    play.wait_for_status(id, DeploymentStatus::Completed, STATUS_LIMIT)?;
    holds(play.world.was_cancelled(id) == Some(true), || "it has completed by itself".to_owned())
}

/// What the first allocation of an operator's deployment has printed, as the file at the orchestrating node holds it.
pub(super) fn first_log(play: &mut Play<'_, '_>, owner: &str) -> Result<String, Failure> {
    let manifest = play.manifest(owner)?;
    let first = manifest.nodes.iter().flat_map(|node| &node.allocations).next();
    let Some(first) = first else { return Failure::vacuous("the manifest has no allocation") };
    log_of(play, owner, &first.key.clone()).map(|(text, _)| text)
}

/// What an allocation has printed, as the file holds it, and the files.
pub(super) fn log_of(
    play: &mut Play<'_, '_>,
    owner: &str,
    allocation: &str,
) -> Result<(String, LogFiles), Failure> {
    let of = Which::Id(play.id_of(owner)?);
    let kind = ControlKind::Logs { of, allocation: allocation.to_owned(), follow: None };
    match play.control(owner, kind)? {
        DeploymentReport::Logs(files) => {
            let text = file(play, owner, &files.stdout_path)?;
            Ok((text, files))
        }
        other => Failure::wrong(format!("these are no logs: {}", other.summary())),
    }
}

/// What a file with a log holds on the disk of an operator's node.
pub(super) fn file(play: &Play<'_, '_>, owner: &str, path: &str) -> Result<String, Failure> {
    let (name, id) = (play.owner_of(owner)?, play.id_of(owner)?);
    let found = play.world.look_at(&name).deployment(id).and_then(|deployment| deployment.log_file(path));
    found.map(str::to_owned).ok_or_else(|| Failure::Wrong(format!("there is no file {path}")))
}
