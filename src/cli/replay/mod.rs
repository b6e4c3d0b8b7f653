//! `dmsim replay RUN`: repeats a run up to a moment, shows what there is then, and takes it further event by event.

mod print;
mod side_by_side;
pub(super) mod source;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::json;

use self::source::{Source, bad_input};
use super::{Exit, Format};
use crate::kernel::{Span, Time};
use crate::scenario::units;
use crate::sim::World;
use crate::sim::moment::{Focus, Moment, StepTaken, Stepping};

#[derive(Args, Debug)]
pub(super) struct ReplayArguments {
    /// The results folder of a run, or a scenario file.
    run: PathBuf,
    /// Show the moment at this simulated time, after all events of that time: `12m30s` [default: the end of the run].
    #[arg(long, value_name = "T", value_parser = span, conflicts_with = "event")]
    until: Option<Span>,
    /// Show the moment after so many events.
    #[arg(long, value_name = "N")]
    event: Option<u64>,
    /// After that, take so many events one by one, with the facts of each and what it changes.
    #[arg(long, value_name = "N", default_value_t = 0)]
    steps: u64,
    /// Show this peer, and what concerns it.
    #[arg(long, value_name = "NAME")]
    peer: Option<String>,
    /// Show this deployment, by its number or by its name, and what concerns it.
    #[arg(long, value_name = "NAME")]
    deployment: Option<String>,
    /// Show peers that do nothing too, and deployments that have ended.
    #[arg(long)]
    all: bool,
    /// Show at most so many messages and pending events.
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Run another one beside it, and find the first event at which the two part: what happens in each, what differs
    /// then, and how their scenarios differ. Exit code 1 if they part.
    #[arg(long, value_name = "OTHER", conflicts_with_all = [
        "until", "event", "steps", "peer", "deployment", "all", "limit",
    ])]
    diff: Option<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// A time on the command line.
pub(super) fn span(text: &str) -> Result<Span, String> {
    units::span(text).map_err(|error| match error.help {
        Some(help) => format!("{}: {help}", error.message),
        None => error.message,
    })
}

/// What a replay has shown.
struct Shown {
    moment: Moment,
    steps: Vec<StepTaken>,
    /// Whether the run is over.
    verdict: Option<Verdict>,
}

/// The digest of a run that was repeated to its end, beside that which was recorded.
struct Verdict {
    digest: String,
    recorded: Option<String>,
}

impl Verdict {
    fn differs(&self) -> bool {
        self.recorded.as_ref().is_some_and(|recorded| *recorded != self.digest)
    }
}

pub(super) fn replay(arguments: &ReplayArguments) -> Exit {
    let done = match &arguments.diff {
        Some(other) => side_by_side::compare(&arguments.run, other, arguments.format),
        None => show(arguments),
    };
    done.unwrap_or_else(|exit| exit)
}

fn show(arguments: &ReplayArguments) -> Result<Exit, Exit> {
    let source = Source::read(&arguments.run)?;
    let setup = &source.loaded.setup;
    let end = Time::ZERO + setup.duration;
    if let Some(until) = arguments.until.filter(|until| *until > setup.duration) {
        return Err(bad_input(
            &format!("`--until {until}` is past the end of the run, which lasts {}", setup.duration),
            "name an earlier time, or none for the end of the run",
        ));
    }
    let stop = super::set_on_interrupt();
    let mut world = source.world()?;
    let until = arguments.until.map_or(end, |until| Time::ZERO + until);
    advance(&mut world, until, arguments.event, &stop)?;
    let focus = focus(&world, arguments)?;
    let moment = world.moment(&focus);
    let mut stepping = Stepping::new(world);
    let mut steps = Vec::new();
    while (steps.len() as u64) < arguments.steps
        && !stop.load(Ordering::Relaxed)
        && let Some(step) = stepping.step(true)
    {
        steps.push(step);
    }
    uninterrupted(&stop)?;
    // A run that ends with a broken rule is shown as it was then, like any other.
    let (verdict, broken) = match verdict(&source, stepping) {
        Ok(verdict) => (verdict, None),
        Err(exit) => (None, Some(exit)),
    };
    let shown = Shown { moment, steps, verdict };
    match arguments.format {
        Format::Human => {
            let is_narrowed = arguments.peer.is_some() || arguments.deployment.is_some();
            print::human(&source, &shown, arguments.all || is_narrowed);
        }
        Format::Json => println!("{}", json(&source, &shown)),
    }
    let differs = shown.verdict.is_some_and(|verdict| verdict.differs());
    Ok(broken.unwrap_or(if differs { Exit::ExpectationFailed } else { Exit::Fine }))
}

/// Takes a world to a time, or to an event.
fn advance(world: &mut World<'_>, until: Time, event: Option<u64>, stop: &AtomicBool) -> Result<(), Exit> {
    let Some(wanted) = event else {
        world.advance(until, &mut |_, _| !stop.load(Ordering::Relaxed));
        return uninterrupted(stop);
    };
    let mut goes_on = |world: &World<'_>| {
        let asks = world.events().is_multiple_of(8192);
        world.events() < wanted && !(asks && stop.load(Ordering::Relaxed))
    };
    world.advance_while(until, &mut goes_on);
    uninterrupted(stop)?;
    if world.events() < wanted {
        return Err(bad_input(
            &format!("`--event {wanted}` is past the end of the run, which has {} events", world.events()),
            "name an earlier event, or none for the end of the run",
        ));
    }
    Ok(())
}

fn uninterrupted(stop: &AtomicBool) -> Result<(), Exit> {
    if stop.load(Ordering::Relaxed) { Err(Exit::Interrupted) } else { Ok(()) }
}

fn focus(world: &World<'_>, arguments: &ReplayArguments) -> Result<Focus, Exit> {
    let found = world.focus(arguments.peer.as_deref(), arguments.deployment.as_deref());
    match found {
        Ok(focus) => Ok(Focus { all: arguments.all, limit: arguments.limit, ..focus }),
        Err(wrong) => {
            for message in wrong {
                bad_input(&message, "`peers.csv` and `deployments.csv` of a run have them all");
            }
            Err(Exit::BadInput)
        }
    }
}

/// The digest of the whole run, if this is its end.
fn verdict(source: &Source, stepping: Stepping<'_>) -> Result<Option<Verdict>, Exit> {
    let Some(world) = stepping.into_ended() else { return Ok(None) };
    let outcome = world.run(&mut |_, _| true).map_err(|violation| {
        eprintln!("finding: {violation}");
        Exit::SafetyFinding
    })?;
    // A run that was interrupted has the digest of a part of this one.
    let recorded = source.recorded.as_ref().filter(|run| run.stop_reason != "interrupted");
    let recorded = recorded.map(|run| run.digest.clone());
    Ok(Some(Verdict { digest: format!("{:032x}", outcome.digest), recorded }))
}

fn json(source: &Source, shown: &Shown) -> String {
    let verdict = shown.verdict.as_ref().map(|verdict| {
        json!({
            "digest": verdict.digest,
            "recorded": verdict.recorded,
            "agrees": verdict.recorded.is_some().then(|| !verdict.differs()),
        })
    });
    let whole = json!({
        "name": source.loaded.setup.name,
        "seed": source.loaded.setup.seed,
        "moment": shown.moment,
        "steps": shown.steps,
        "end": verdict,
    });
    serde_json::to_string_pretty(&whole).expect("it has only string keys")
}
