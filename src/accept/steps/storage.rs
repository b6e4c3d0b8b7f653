//! Volumes: who may make and delete them, what they really hold, and what programs find on them (dms-capabilities
//! section 8).

use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{Play, STATUS_LIMIT, behaviour_of};
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::capability::Capability;
use crate::dms::ensemble::VolumeSource;
use crate::dms::fact::DeploymentStatus;
use crate::dms::storage::VolumeRequest;
use crate::kernel::Span;
use crate::sim::by_hand::{Began, Stored};
use crate::sim::setup::{ControlKind, OperationKind, Payload, Which};

/// The certificate for which volumes are created: that of the ensembles which mount them.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----";
/// What lets somebody manage the volumes of a server, and for how long.
const MANAGE: &str = "/dms/volume";
const LASTS: Span = Span::hours(30 * 24);
/// How long a server of volumes may take to answer.
const CALL_LIMIT: Span = Span::secs(30);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Storage",
    entries: &[
        act(
            "{string} lets {string} manage its volumes",
            "grants `/dms/volume` to the other, who keeps the token",
            let_manage,
        ),
        act(
            "{string} creates the volume {string} at {string}",
            "a shared volume at a server of volumes, and starts it; its certificate is the one in the shipped \
             ensembles. It must be done",
            |play, args| {
                create(play, args)?;
                play.heard()?.done()?;
                order(play, args, VolumeRequest::Start(args.text(1).into()))?;
                play.heard()?.done()
            },
        ),
        act(
            "{string} tries to create the volume {string} at {string}",
            "the first half of that, whatever comes of it",
            create,
        ),
        act("{string} deletes the volume {string} at {string}", "and it must be done", |play, args| {
            order(play, args, VolumeRequest::Delete(args.text(1).into()))?;
            play.heard()?.done()
        }),
        act(
            "{string} tries to delete the volume {string} at {string}",
            "the same, whatever comes of it",
            |play, args| order(play, args, VolumeRequest::Delete(args.text(1).into())),
        ),
        act(
            "the deployment of {string} is ended for good",
            "its owner shuts it down, and nothing of it is left on any peer",
            |play, args| {
                let id = play.id_of(args.text(0))?;
                play.control(args.text(0), ControlKind::Shutdown(Which::Id(id)))?;
                play.wait_for_status(id, DeploymentStatus::Completed, STATUS_LIMIT)?;
                let gone = play.wait(STATUS_LIMIT, |world| world.whereabouts(id).is_empty());
                holds(gone, || "something of it is still there after a minute".to_owned())
            },
        ),
        act(
            "the volume {string} on {string} is looked at",
            "what it holds now is compared with later; on a server of volumes that is a shared one",
            |play, args| {
                let files = files(play, args.text(0), args.text(1))?.unwrap_or_default();
                play.note(&place(args), lines(&files));
                Ok(())
            },
        ),
        check(
            "the volume {string} on {string} should hold {int} {word} of {string}",
            "exactly so many kB, MB or GB that this allocation has written",
            |play, args| {
                let wanted = args.int(2)? * unit(args.text(3))?;
                let files = files(play, args.text(0), args.text(1))?.unwrap_or_default();
                let found: u64 =
                    files.iter().filter(|one| *one.file == *args.text(4)).map(|one| one.bytes).sum();
                holds(found == wanted, || format!("there are {found} bytes of it"))
            },
        ),
        check(
            "the volume {string} on {string} should hold data of {string}",
            "something that this allocation has written",
            |play, args| {
                let files = files(play, args.text(0), args.text(1))?.unwrap_or_default();
                let is_there = files.iter().any(|one| *one.file == *args.text(2) && one.bytes > 0);
                holds(is_there, || format!("it holds `{}`", lines(&files)))
            },
        ),
        check(
            "the volume {string} on {string} should hold what it held",
            "exactly what it was last looked at with, which was something",
            |play, args| {
                let before = held(play, args)?;
                let now = lines(&files(play, args.text(0), args.text(1))?.unwrap_or_default());
                holds(now == before, || format!("it held `{before}` and holds `{now}`"))
            },
        ),
        check(
            "the volume {string} on {string} should hold more than it held",
            "all that it was last looked at with, and more of it",
            |play, args| {
                let before = held(play, args)?;
                let now = lines(&files(play, args.text(0), args.text(1))?.unwrap_or_default());
                let grows = before.lines().all(|old| now.lines().any(|new| has_grown(old, new)));
                holds(grows, || format!("it held `{before}` and holds `{now}`"))
            },
        ),
        check(
            "the volume {string} on {string} should be empty",
            "it is there, and holds nothing",
            |play, args| match files(play, args.text(0), args.text(1))? {
                None => Failure::wrong("there is no such volume"),
                Some(files) => holds(files.is_empty(), || format!("it holds `{}`", lines(&files))),
            },
        ),
        check("there should be no volume {string} on {string}", "not even an empty one", |play, args| {
            let files = files(play, args.text(0), args.text(1))?;
            holds(files.is_none(), || "there is one".to_owned())
        }),
        check(
            "allocation {string} of {string} should have begun with the data of the volume {string} on {string}",
            "its program found at its last start what that volume was last looked at with",
            begun_with,
        ),
        check(
            "allocation {string} of {string} should have begun without data",
            "its program has started, and found nothing on its volume",
            |play, args| {
                let found = began(play, args)?;
                holds(found.bytes == 0, || format!("it has found {} bytes", found.bytes))
            },
        ),
        check(
            "allocation {string} of {string} should have gone on from its checkpoint on the volume \
             {string} on {string}",
            "its program found at its last start the checkpoint with which that volume was last looked at, and has no \
             more to do than was left",
            gone_on,
        ),
        check(
            "{string} deployment should fail to mount {string}",
            "it never runs, a peer has said that it could not mount this volume, and unless the real DMS keeps that to \
             itself the owner is told; the volume is named by its name or its path",
            fails_to_mount,
        ),
    ],
};

fn let_manage(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let kind = OperationKind::Grant {
        from: None,
        name: None,
        to: play.node(args.text(1))?,
        capabilities: vec![Capability::new(MANAGE)],
        topics: Vec::new(),
        lasts: LASTS,
        depth: 0,
        anchored: true,
    };
    play.order(args.text(0), kind, CALL_LIMIT)?.done()
}

fn create(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let request = VolumeRequest::Create { name: args.text(1).into(), client_pem: CERTIFICATE.into() };
    order(play, args, request)
}

/// Who, something about a volume, at which server.
fn order(play: &mut Play<'_, '_>, args: &Args<'_>, request: VolumeRequest) -> Done {
    let behaviour = behaviour_of(request.behaviour().template())?;
    let kind = OperationKind::Invoke {
        to: play.node(args.text(2))?,
        behaviour,
        peer: None,
        payload: Some(Payload::Volume(request)),
        timeout: CALL_LIMIT,
    };
    play.order(args.text(0), kind, CALL_LIMIT + Span::secs(1)).map(drop)
}

/// What a volume holds; none where there is no such volume.
fn files(play: &Play<'_, '_>, volume: &str, peer: &str) -> Result<Option<Vec<Stored>>, Failure> {
    let peer = play.node(peer)?;
    Ok(play.world.volume_of(&peer, volume))
}

/// By what a volume is noted, with its name and its peer as the first two words of a step.
fn place(args: &Args<'_>) -> String {
    volume_on(args.text(0), args.text(1))
}

fn volume_on(volume: &str, peer: &str) -> String {
    format!("the volume {volume} on {}", peer.to_lowercase())
}

/// Files as a text that two looks can be compared by.
fn lines(files: &[Stored]) -> String {
    let all = files.iter().map(|one| format!("{} {} {}", one.file, one.bytes, one.progress.0));
    all.collect::<Vec<_>>().join("\n")
}

/// What a volume was last looked at with.
fn held(play: &Play<'_, '_>, args: &Args<'_>) -> Result<String, Failure> {
    let before = play.noted(&place(args))?;
    if before.is_empty() {
        return Failure::vacuous("it held nothing when it was looked at");
    }
    Ok(before.to_owned())
}

/// The name, the length and the progress of a file in such a text.
fn parts(line: &str) -> Option<(&str, u64, u64)> {
    let mut parts = line.rsplitn(3, ' ');
    let (progress, bytes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((parts.next()?, bytes, progress))
}

/// Whether a file has become longer, or holds more work.
fn has_grown(old: &str, new: &str) -> bool {
    let (Some(old), Some(new)) = (parts(old), parts(new)) else { return false };
    let kept = new.1 >= old.1 && new.2 >= old.2;
    old.0 == new.0 && kept && (new.1 > old.1 || new.2 > old.2)
}

fn unit(word: &str) -> Result<u64, Failure> {
    match word {
        "kB" => Ok(1_000),
        "MB" => Ok(1_000_000),
        "GB" => Ok(1_000_000_000),
        other => Failure::bad(format!("`{other}` is none of kB, MB, GB")),
    }
}

/// What the program of an allocation found when it started last, within a minute.
fn began(play: &mut Play<'_, '_>, args: &Args<'_>) -> Result<Began, Failure> {
    let (allocation, id) = (args.text(0), play.id_of(args.text(1))?);
    play.wait(STATUS_LIMIT, |world| world.began_with(id, allocation).is_some());
    let found = play.world.began_with(id, allocation);
    found.ok_or_else(|| Failure::Vacuous(format!("{allocation} has not started with a volume to write to")))
}

fn begun_with(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let before = play.noted(&volume_on(args.text(2), args.text(3)))?.to_owned();
    let own = before.lines().filter_map(parts).find(|(file, ..)| *file == args.text(0));
    let Some((_, bytes, _)) = own.filter(|(_, bytes, _)| *bytes > 0) else {
        return Failure::vacuous(format!("the volume held nothing of {}", args.text(0)));
    };
    let found = began(play, args)?;
    holds(found.bytes == bytes, || format!("it has found {} bytes, and there were {bytes}", found.bytes))
}

fn gone_on(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    let id = play.id_of(args.text(1))?;
    let before = play.noted(&volume_on(args.text(2), args.text(3)))?.to_owned();
    let file = format!("{id}.{}", args.text(0));
    let own = before.lines().filter_map(parts).find(|(own, ..)| *own == file);
    let Some((_, _, progress)) = own.filter(|(_, _, progress)| *progress > 0) else {
        return Failure::vacuous(format!("the volume held no checkpoint of {}", args.text(0)));
    };
    let found = began(play, args)?;
    holds(found.progress.0 == progress, || {
        format!("it has gone on from {}, and the checkpoint held {}", found.progress, Span(progress))
    })
}

/// A deployment never runs because of a volume, and that is said.
fn fails_to_mount(play: &mut Play<'_, '_>, args: &Args<'_>) -> Done {
    const WHY: &str = "failed to mount volume";
    let (owner, volume) = (args.text(0), args.text(1));
    let id = play.id_of(owner)?;
    let deployed = play.deployment_of(owner)?;
    let volumes = deployed.ensemble.allocations.values().flat_map(|one| &one.volumes);
    let is_it = |source: &VolumeSource, name: Option<&str>| match source {
        VolumeSource::Local { src } => **src == *volume || name == Some(volume),
        VolumeSource::Glusterfs { .. } => name == Some(volume),
    };
    if !volumes.into_iter().any(|one| is_it(&one.source, one.name.as_deref())) {
        return Failure::bad(format!("no allocation of the deployment has a volume {volume}"));
    }
    let until = deployed.deadline;
    let over = |status: DeploymentStatus| status == DeploymentStatus::Running || status.is_terminal();
    play.world
        .advance_while(until, &mut |world| !world.status_of(id).is_some_and(|(status, _)| over(status)));
    let status = play.world.status_of(id).map(|(status, _)| status);
    // The real DMS may go on to prepare for ever what has no chance.
    let as_is = play.profile().is_nearer_as_is();
    let has_failed = status == Some(DeploymentStatus::Failed);
    let prepares = as_is && status.is_some_and(|status| !over(status));
    holds(has_failed || prepares, || format!("it has not failed: it is {}", play.described(id)))?;
    let refusals = play.world.refusals();
    let said: Vec<&str> = refusals.iter().map(|row| &*row.reason).filter(|why| why.contains(WHY)).collect();
    holds(said.iter().any(|why| why.contains(volume)), || {
        format!("no peer has said that it could not mount it, but: {}", said.join("; "))
    })?;
    if as_is {
        return Ok(());
    }
    let reason = play.described(id);
    holds(reason.contains(WHY) && reason.contains(volume), || format!("its owner is told: it is {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: u64, progress: u64) -> String {
        lines(&[Stored { file: "id.a b".into(), bytes, progress: Span(progress) }])
    }

    #[test]
    fn files_are_compared_by_what_they_hold() {
        assert_eq!(parts(&line(7, 3)), Some(("id.a b", 7, 3)));
        assert!(has_grown(&line(7, 3), &line(8, 3)));
        assert!(has_grown(&line(7, 3), &line(7, 4)));
        assert!(!has_grown(&line(7, 3), &line(7, 3)));
        assert!(!has_grown(&line(7, 3), &line(8, 2)));
        assert!(!has_grown(&line(7, 3), "other 8 3"));
        assert_eq!((unit("MB").ok(), unit("MiB").ok()), (Some(1_000_000), None));
    }
}
