//! What operators learn of their deployments: lists, status, information, logs, manifests, history.

use super::deployments::{file, status};
use super::{act, check, holds, own_name};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Heard, Play};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::actor::{DeploymentReport, ListRequest, Page};
use crate::dms::fact::DeploymentStatus;
use crate::sim::setup::{ControlKind, Which};

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Deployment operations",
    entries: &[
        act("{string} list(s) deployments", "asks its node for all of them", |play, args| {
            list(play, args.text(0), ListRequest::default())
        }),
        act(
            "{string} lists deployments filtered by status {string} with limit {int} and offset {int}",
            "asks for one page; a limit or an offset of 0 is none",
            |play, args| {
                let number = |place: usize| args.int(place).map(|number| number as i64);
                let request = ListRequest {
                    limit: number(2)?,
                    offset: number(3)?,
                    status: args.text(1).into(),
                    ..ListRequest::default()
                };
                list(play, args.text(0), request)
            },
        ),
        check(
            "{string} should see the task/service restored",
            "its node lists the deployment with the state that a restart leads to: a service runs again, \
             a task runs or has completed",
            restored,
        ),
        act("{string} prunes the deployment", "has its node forget all that has ended", |play, args| {
            play.control(args.text(0), ControlKind::Prune(None)).map(drop)
        }),
        check("{string} should see deployment list empty", "its node lists nothing", |play, args| {
            list(play, args.text(0), ListRequest::default())?;
            let page = page(play)?;
            holds(page.deployments.is_empty() && page.total == 0, || format!("there are {}", page.total))
        }),
        check("{string} should see {int} deployment(s)", "so many are on the page", |play, args| {
            let (wanted, found) = (args.int(1)?, page(play)?.deployments.len() as u64);
            holds(found == wanted, || format!("there are {found}"))
        }),
        check(
            "all deployments should have status {string}",
            "on the page, which must not be empty",
            |play, args| {
                let (wanted, page) = (status(args.text(0))?, page(play)?);
                if page.deployments.is_empty() {
                    return Failure::vacuous("the page has no deployments");
                }
                let others: Vec<&str> = page
                    .deployments
                    .iter()
                    .map(|line| line.status)
                    .filter(|own| *own != wanted)
                    .map(DeploymentStatus::as_str)
                    .collect();
                holds(others.is_empty(), || format!("there are others: {}", others.join(", ")))
            },
        ),
        check(
            "the response should indicate {word} more results available",
            "`true` or `false`",
            |play, args| {
                let wanted = match args.text(0) {
                    "true" => true,
                    "false" => false,
                    other => return Failure::bad(format!("`{other}` is neither true nor false")),
                };
                holds(page(play)?.has_more == wanted, || format!("it indicates {}", !wanted))
            },
        ),
        check("the response should have total {int}", "so many fit, on all pages together", |play, args| {
            let (wanted, total) = (args.int(0)?, page(play)?.total);
            holds(total == wanted, || format!("the total is {total}"))
        }),
        act(
            "{string} gets deployment info for the deployment",
            "status, manifest, allocations",
            |play, args| info(play, args.text(0), false, false, &[]),
        ),
        act(
            "{string} gets deployment info with usage for the deployment",
            "and what they use",
            |play, args| info(play, args.text(0), true, false, &[]),
        ),
        act("{string} gets deployment info with logs for the deployment", "and their logs", |play, args| {
            info(play, args.text(0), false, true, &[])
        }),
        act(
            "{string} gets deployment info with logs for allocation {string}",
            "and the logs of one",
            |play, args| info(play, args.text(0), false, true, &[args.text(1)]),
        ),
        act(
            "{string} gets complete deployment info \\(with usage and logs\\) for the deployment",
            "all of it",
            |play, args| info(play, args.text(0), true, true, &[]),
        ),
        check(
            "{string} should receive deployment info with status, manifest, and allocations",
            "each of them is there and says something",
            |play, _| complete(play, false, false),
        ),
        check(
            "{string} should receive deployment info with usage statistics",
            "of every allocation that runs",
            |play, _| complete(play, true, false),
        ),
        check("{string} should receive deployment info with log paths", "of every allocation", |play, _| {
            complete(play, false, true)
        }),
        check(
            "{string} should receive deployment info with log paths only for {string}",
            "and of no other",
            only_logs_of,
        ),
        check(
            "{string} should receive deployment info with status, manifest, allocations, usage, and log paths",
            "everything",
            |play, _| complete(play, true, true),
        ),
        check(
            "{string} should receive deployment info with status and manifest from store",
            "of a deployment that does not run any more",
            |play, _| {
                let info = play.info()?;
                holds(info.status.status.is_terminal(), || format!("it is {}", info.status.status.as_str()))?;
                holds(!info.manifest.nodes.is_empty(), || "the manifest has no nodes".to_owned())
            },
        ),
        check(
            "the deployment info should contain valid allocation details",
            "ids of this deployment, and states",
            |play, _| valid_details(play),
        ),
        check(
            "each allocation should have executor stats in allocation details",
            "those that run",
            |play, _| complete(play, true, false),
        ),
        check(
            "log paths should be valid file paths",
            "stdout.log and stderr.log in one folder",
            |play, _| valid_paths(play),
        ),
        check(
            "log files should exist at the specified paths",
            "on the disk of the node that was asked",
            |play, _| files_exist(play),
        ),
        check(
            "all response fields should be populated correctly",
            "details, usage, log paths and files",
            |play, _| {
                complete(play, true, true)?;
                valid_details(play)?;
                valid_paths(play)?;
                files_exist(play)
            },
        ),
        check(
            "allocations should be empty or contain minimal info",
            "no usage of what does not run",
            |play, _| {
                let info = play.info()?;
                let busy: Vec<&str> = info
                    .allocations
                    .iter()
                    .filter(|one| one.executor_stats.is_some())
                    .map(|one| &*one.id)
                    .collect();
                holds(busy.is_empty(), || format!("these are said to use something: {}", busy.join(", ")))
            },
        ),
    ],
};

fn list(play: &mut Play<'_, '_>, owner: &str, request: ListRequest) -> Done {
    play.control(owner, ControlKind::List(request)).map(drop)
}

/// The page that was seen last.
pub(super) fn page<'a>(play: &'a Play<'_, '_>) -> Result<&'a Page, Failure> {
    match play.heard().ok().and_then(Heard::report) {
        Some(DeploymentReport::Page(page)) => Ok(page),
        _ => Failure::vacuous("deployments were not listed before"),
    }
}

/// DMS's own suite takes any status for restored; here a service runs again within two minutes, and a task runs or has
/// completed.
fn restored(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let owner = args.text(0);
    let id = play.id_of(owner)?;
    if !page(play)?.deployments.iter().any(|line| line.id == id) {
        return Failure::wrong("the deployment is not listed");
    }
    let is_task = play.deployment_of(owner)?.ensemble.is_task_only();
    let until = play.world.now() + crate::accept::play::DEPLOY_TIMEOUT;
    let fits = move |status: DeploymentStatus| match status {
        DeploymentStatus::Running => true,
        DeploymentStatus::Completed => is_task,
        _ => false,
    };
    let there =
        play.world.advance_while(until, &mut |world| !world.status_of(id).is_some_and(|(own, _)| fits(own)));
    holds(there, || format!("it is {}", play.described(id)))
}

pub(super) fn info(play: &mut Play<'_, '_>, owner: &str, usage: bool, logs: bool, only: &[&str]) -> Done {
    let of = Which::Id(play.id_of(owner)?);
    let allocations = only.iter().map(|name| (*name).to_owned()).collect();
    match play.control(owner, ControlKind::Info { of, usage, logs, allocations })? {
        DeploymentReport::Info(_) => Ok(()),
        other => Failure::wrong(format!("this is no information: {}", other.summary())),
    }
}

/// Status, manifest and allocations are there; on request with usage and log paths.
fn complete(play: &Play<'_, '_>, usage: bool, logs: bool) -> Done {
    let info = play.info()?;
    holds(!info.manifest.nodes.is_empty(), || "the manifest has no nodes".to_owned())?;
    if info.allocations.is_empty() {
        return Failure::vacuous("there are no allocations");
    }
    for one in &info.allocations {
        let lacks = |what: &str| format!("{} has no {what}: {}", one.id, one.error);
        holds(!usage || one.executor_stats.is_some(), || lacks("usage"))?;
        holds(!logs || one.logs.as_ref().is_some_and(|logs| !logs.stdout_path.is_empty()), || {
            lacks("log paths")
        })?;
    }
    Ok(())
}

fn valid_details(play: &Play<'_, '_>) -> Done {
    let info = play.info()?;
    let prefix = format!("{}_", info.manifest.id);
    if info.allocations.is_empty() {
        return Failure::vacuous("there are no allocations");
    }
    let known = info.manifest.nodes.iter().flat_map(|node| &node.allocations);
    let known: Vec<&str> = known.map(|allocation| &*allocation.key).collect();
    for one in &info.allocations {
        let key = one.id.strip_prefix(&prefix);
        holds(key.is_some_and(|key| known.contains(&key)), || format!("{} is not in the manifest", one.id))?;
    }
    Ok(())
}

fn valid_paths(play: &Play<'_, '_>) -> Done {
    let info = play.info()?;
    let mut count = 0;
    for logs in info.allocations.iter().filter_map(|one| one.logs.as_ref()) {
        let folder = format!("{}/", logs.logs_written_to);
        let is = |path: &str, name: &str| path.strip_prefix(&folder) == Some(name);
        holds(is(&logs.stdout_path, "stdout.log") && is(&logs.stderr_path, "stderr.log"), || {
            format!("{} and {} are not files in {}", logs.stdout_path, logs.stderr_path, logs.logs_written_to)
        })?;
        count += 1;
    }
    if count == 0 { Failure::vacuous("no allocation has log paths") } else { Ok(()) }
}

fn files_exist(play: &Play<'_, '_>) -> Done {
    let owner = play.heard()?.by.clone();
    let paths: Vec<String> = play
        .info()?
        .allocations
        .iter()
        .filter_map(|one| one.logs.as_ref())
        .flat_map(|logs| [logs.stdout_path.to_string(), logs.stderr_path.to_string()])
        .collect();
    if paths.is_empty() {
        return Failure::vacuous("no allocation has log paths");
    }
    paths.iter().try_for_each(|path| file(play, &owner, path).map(drop))
}

/// DMS's own suite passes where nobody has logs at all; here the allocation must exist and have them, and no other.
fn only_logs_of(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let wanted = args.text(1);
    let info = play.info()?;
    let is_it = |id: &str| {
        let key = id.split_once('_').map_or(id, |(_, key)| key);
        key == wanted || own_name(key) == wanted
    };
    if !info.allocations.iter().any(|one| is_it(&one.id)) {
        let known: Vec<&str> = info.allocations.iter().map(|one| &*one.id).collect();
        return Failure::vacuous(format!("there is no allocation {wanted}; there are {}", known.join(", ")));
    }
    for one in &info.allocations {
        let has = one.logs.as_ref().is_some_and(|logs| !logs.stdout_path.is_empty());
        holds(has == is_it(&one.id), || format!("{} has {} logs", one.id, if has { "" } else { "no" }))?;
    }
    Ok(())
}
