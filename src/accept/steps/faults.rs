//! What breaks: machines, processes, the network, disks, executors and clocks, and those who lie.
//!
//! Each step notes what runs at that moment, so that later ones can say what has changed since. What has no time of its
//! own lasts until a step ends it.

use super::nodes::only;
use super::{act, check, holds};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::{LONG_LIMIT, Play};
use crate::accept::vocabulary::{Args, Chapter, Entry};
use crate::kernel::{Distribution, Span};
use crate::sim::setup::{Direction, Fault, Selection, Trouble, When};

/// What lasts until a step ends it lasts for longer than anything else.
const UNTIL_ENDED: Span = Span::hours(24 * 900);
/// Everybody but those who are named.
const REST: &str = "everybody else";

pub(super) static CHAPTER: Chapter = Chapter {
    title: "What breaks",
    entries: &[
        CRASHES,
        CRASHES_FOR,
        LOSES_DISK_FOR,
        MACHINE_BACK,
        KILLED,
        KILLED_FOR,
        PROCESS_BACK,
        HAS_BECOME,
        PARTITION,
        HEALS,
        LOSS,
        DELAY,
        NETWORK_WELL,
        FROZEN,
        SLOW,
        DISK_FULL,
        DISK_FREE,
        SLOW_DISK,
        USUAL_DISK,
        EXECUTOR,
        NO_IMAGES,
        IMAGES_AGAIN,
        SERVES_NOBODY,
        WRONG_RESULTS,
        RIGHT_RESULTS,
        RUNS_NOTHING,
        CLOCK,
        CLOCK_RIGHT,
        IS_UP,
        IS_DOWN,
    ],
};

const CRASHES: Entry = act(
    "the machine of {string} crashes",
    "with all that runs on it; it stays off until a step says that it is back",
    |play, args| crash(play, args.text(0), None, false),
);
const CRASHES_FOR: Entry = act(
    "the machine of {string} crashes and is back after {int} second(s)",
    "with all that runs on it; its disk is kept; the step does not wait for it",
    |play, args| crash(play, args.text(0), Some(seconds(args, 1)?), false),
);
const LOSES_DISK_FOR: Entry = act(
    "the machine of {string} loses its disk and is back after {int} second(s)",
    "the same, and all that was stored there is gone; its key and what it offers are not",
    |play, args| crash(play, args.text(0), Some(seconds(args, 1)?), true),
);
const MACHINE_BACK: Entry =
    act("the machine of {string} is back", "it is switched on again", |play, args| end(play, OFF, args));
const KILLED: Entry = act(
    "the DMS process of {string} is killed",
    "what it runs goes on; it stays down until a step says that it is back",
    |play, args| kill(play, args.text(0), UNTIL_ENDED, Some(KILL)),
);
const KILLED_FOR: Entry = act(
    "the DMS process of {string} is killed and is back after {int} second(s)",
    "what it runs goes on; the step does not wait for it",
    |play, args| kill(play, args.text(0), seconds(args, 1)?, None),
);
const PROCESS_BACK: Entry =
    act("the DMS process of {string} is back", "it is started again", |play, args| end(play, KILL, args));
const HAS_BECOME: Entry = act(
    "{string} deployment has just become {status}",
    "waited for to the event, for five minutes at most: what breaks next breaks at this very moment",
    |play, args| {
        let id = play.id_of(args.text(0))?;
        play.wait_for_status(id, super::deployments::status(args.text(1))?, LONG_LIMIT)
    },
);
const PARTITION: Entry = act(
    "a partition separates {string} from {string}",
    "names with commas between them, or `everybody else`, of whom no message reaches the others",
    |play, args| {
        let first = those(play, args.text(0))?;
        let second = if args.text(1) == REST { Selection::default() } else { those(play, args.text(1))? };
        let (at, lasts, flaps) = (now(play), UNTIL_ENDED, None);
        inflict(play, Some(CUT), Fault::Partition { at, lasts, flaps, between: [first, second] });
        Ok(())
    },
);
const HEALS: Entry = act("the partition(s) heal(s)", "all of them", |play, _| end_all(play, CUT));
const LOSS: Entry = act(
    "{int} % of the messages that {string} sends/gets/exchanges are lost",
    "until its network is well again; `exchanges` are both",
    |play, args| {
        let (at, who, direction) = (now(play), those(play, args.text(1))?, direction(args));
        let (percent, lasts, flaps) = (args.int(0)?, UNTIL_ENDED, None);
        if !(1..=100).contains(&percent) {
            return Failure::bad(format!("{percent} % is no part that can be lost"));
        }
        let (fraction, kept) = (percent as f64 / 100.0, kept_as(play, NETWORK, args.text(1))?);
        inflict(play, Some(&kept), Fault::Loss { at, lasts, flaps, who, direction, fraction });
        Ok(())
    },
);
const DELAY: Entry = act(
    "the messages that {string} sends/gets/exchanges take {int} ms longer",
    "until its network is well again",
    |play, args| {
        let (at, who, direction) = (now(play), those(play, args.text(0))?, direction(args));
        let (extra, lasts, flaps) = (Distribution::constant(Span::millis(args.int(1)?)), UNTIL_ENDED, None);
        let kept = kept_as(play, NETWORK, args.text(0))?;
        inflict(play, Some(&kept), Fault::Delay { at, lasts, flaps, who, direction, extra });
        Ok(())
    },
);
const NETWORK_WELL: Entry = act(
    "the network of {string} is well again",
    "its messages are neither lost nor late any more",
    |play, args| end(play, NETWORK, args),
);
const FROZEN: Entry = act(
    "the machine of {string} is frozen for {int} second(s)",
    "nothing goes on there, and nobody is answered; afterwards all goes on where it was",
    |play, args| trouble(play, args.text(0), Trouble::Stall, Some(seconds(args, 1)?)),
);
const SLOW: Entry = act(
    "programs on {string} are {int} times slower for {int} second(s)",
    "work, start-up and the answers to health checks",
    |play, args| {
        let factor = factor(args, 1)?;
        trouble(play, args.text(0), Trouble::Slow { factor }, Some(seconds(args, 2)?))
    },
);
const DISK_FULL: Entry = act(
    "the disk of {string} is full",
    "nothing can be written to it until it has room again",
    |play, args| trouble(play, args.text(0), Trouble::DiskFull, None),
);
const DISK_FREE: Entry = act("the disk of {string} has room again", "as before", |play, args| {
    end(play, Trouble::DiskFull.name(), args)
});
const SLOW_DISK: Entry = act(
    "the disk of {string} is {int} times slower",
    "for volumes, until it is as fast as before",
    |play, args| {
        let factor = factor(args, 1)?;
        trouble(play, args.text(0), Trouble::SlowDisk { factor }, None)
    },
);
const USUAL_DISK: Entry = act("the disk of {string} is as fast as before", "no longer slow", |play, args| {
    end(play, "slow_disk", args)
});
const EXECUTOR: Entry = act(
    "the executor of {string} crashes",
    "all that it runs ends, and its DMS process hears of it; it starts again at once",
    |play, args| trouble(play, args.text(0), Trouble::ExecutorCrash, Some(Span::ZERO)),
);
const NO_IMAGES: Entry = act(
    "image servers cannot be reached from {string}",
    "what is not there yet cannot be fetched",
    |play, args| trouble(play, args.text(0), Trouble::PullFailure, None),
);
const IMAGES_AGAIN: Entry =
    act("image servers can be reached again from {string}", "as before", |play, args| {
        end(play, Trouble::PullFailure.name(), args)
    });
const SERVES_NOBODY: Entry = act(
    "what runs on {string} serves nobody and says that it is well for {int} second(s)",
    "users get no answer, tasks stand still, and health checks pass",
    |play, args| trouble(play, args.text(0), Trouble::Lies, Some(seconds(args, 1)?)),
);
const WRONG_RESULTS: Entry = act(
    "{string} tells wrong results",
    "of every task that ends there; all who do tell the same one",
    |play, args| {
        let lie = Trouble::Byzantine { fraction_wrong: 1.0, colluding: true, idle: false };
        trouble(play, args.text(0), lie, None)
    },
);
const RIGHT_RESULTS: Entry =
    act("{string} tells right results again", "as before", |play, args| end(play, "byzantine", args));
const RUNS_NOTHING: Entry = act(
    "{string} runs nothing and says that it does",
    "from now on for ever; its tasks end at once, with a wrong result each",
    |play, args| {
        let lie = Trouble::Byzantine { fraction_wrong: 1.0, colluding: true, idle: true };
        trouble(play, args.text(0), lie, Some(UNTIL_ENDED))
    },
);
const CLOCK: Entry = act(
    "the clock of {string} is set {int} second(s) ahead/back",
    "until it is right again",
    |play, args| {
        let by =
            i64::try_from(seconds(args, 1)?.0).map_err(|_| Failure::Bad("that is too far".to_owned()))?;
        let by_ns = if args.says(" back") { -by } else { by };
        let (at, who) = (now(play), those(play, args.text(0))?);
        let kept = kept_as(play, TIME, args.text(0))?;
        inflict(play, Some(&kept), Fault::Clock { at, lasts: None, who, by_ns });
        Ok(())
    },
);
const CLOCK_RIGHT: Entry =
    act("the clock of {string} is right again", "as before", |play, args| end(play, TIME, args));
const IS_UP: Entry = check("{string} is up", "its machine is on and its DMS process runs", |play, args| {
    let name = play.node(args.text(0))?;
    holds(play.world.is_peer_up(&name), || format!("{name} is down"))
});
const IS_DOWN: Entry =
    check("{string} is down", "its machine is off or its DMS process does not run", |play, args| {
        let name = play.node(args.text(0))?;
        holds(!play.world.is_peer_up(&name), || format!("{name} is up"))
    });

/// What faults are kept as that a step ends.
const OFF: &str = "off";
const KILL: &str = "killed";
const CUT: &str = "partition";
const NETWORK: &str = "network";
const TIME: &str = "clock";

fn now(play: &Play<'_, '_>) -> When {
    play.world.now().into()
}

fn seconds(args: &Args<'_>, place: usize) -> Result<Span, Failure> {
    Ok(Span::secs(args.int(place)?))
}

/// How many times slower; once is as before.
fn factor(args: &Args<'_>, place: usize) -> Result<f64, Failure> {
    match args.int(place)? {
        0 | 1 => Failure::bad("what is slower takes twice as long or longer"),
        times => Ok(times as f64),
    }
}

fn direction(args: &Args<'_>) -> Direction {
    match () {
        () if args.says(" sends ") => Direction::Out,
        () if args.says(" gets ") => Direction::In,
        () => Direction::Both,
    }
}

/// The peers of these names, with commas between them.
fn those(play: &Play<'_, '_>, names: &str) -> Result<Selection, Failure> {
    let peers: Vec<String> = names.split(',').map(|name| play.node(name.trim())).collect::<Result<_, _>>()?;
    Ok(Selection { peers, ..Selection::default() })
}

/// What a fault of a node is kept as.
fn kept_as(play: &Play<'_, '_>, what: &str, node: &str) -> Result<String, Failure> {
    Ok(format!("{what} {}", play.node(node)?))
}

/// Something breaks now. What runs is noted; what a step is to end is kept.
fn inflict(play: &mut Play<'_, '_>, kept: Option<&str>, fault: Fault) {
    play.note_runs();
    let number = play.world.inflict(fault);
    if let Some(kept) = kept {
        play.faults.push((kept.to_owned(), number));
    }
    // It happens now, and not when the next step lets time pass.
    play.pass(Span::ZERO);
}

fn crash(play: &mut Play<'_, '_>, name: &str, after: Option<Span>, loses_disk: bool) -> Done {
    let (at, who) = (now(play), only(&play.node(name)?));
    let kept = kept_as(play, OFF, name)?;
    let repair = after.map(Distribution::constant);
    let kept = after.is_none().then_some(kept.as_str());
    inflict(play, kept, Fault::Crash { at, who, repair, loses_disk });
    Ok(())
}

fn kill(play: &mut Play<'_, '_>, name: &str, down: Span, what: Option<&str>) -> Done {
    let (at, who) = (now(play), only(&play.node(name)?));
    let kept = what.map(|what| kept_as(play, what, name)).transpose()?;
    inflict(play, kept.as_deref(), Fault::Restart { at, who, down: Distribution::constant(down) });
    Ok(())
}

/// Something is wrong with the machine of a node; without a time until a step ends it.
fn trouble(play: &mut Play<'_, '_>, name: &str, trouble: Trouble, lasts: Option<Span>) -> Done {
    let (at, who) = (now(play), those(play, name)?);
    let kept = match lasts {
        Some(_) => None,
        None => Some(kept_as(play, trouble.name(), name)?),
    };
    let lasts = Distribution::constant(lasts.unwrap_or(UNTIL_ENDED));
    inflict(play, kept.as_deref(), Fault::Machine { at, lasts, who, trouble });
    Ok(())
}

/// Ends all that is kept of a node as this.
fn end(play: &mut Play<'_, '_>, what: &str, args: &Args<'_>) -> Done {
    let kept = kept_as(play, what, args.text(0))?;
    end_all(play, &kept)
}

fn end_all(play: &mut Play<'_, '_>, kept: &str) -> Done {
    let (ended, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut play.faults).into_iter().partition(|(own, _)| own == kept);
    play.faults = others;
    if ended.is_empty() {
        return Failure::bad("nothing is the matter that this could end");
    }
    ended.into_iter().for_each(|(_, number)| play.world.end_fault_now(number));
    play.pass(Span::ZERO);
    Ok(())
}
