//! A moment of a run and its steps, for people: short lines, and what is idle only counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::source::Source;
use super::{Shown, Verdict};
use crate::kernel::Time;
use crate::sim::moment::{Change, EventSeen, Moment, StepTaken, Told};

/// Deployments and peers beyond so many are counted, unless somebody has asked for some or for all of them.
const LISTED: usize = 60;
/// Facts of one event beyond so many are counted.
const FACTS_SHOWN: usize = 20;

pub(super) fn human(source: &Source, shown: &Shown, lists_all: bool) {
    let setup = &source.loaded.setup;
    let moment = &shown.moment;
    println!(
        "{} (seed {}) at {} of {}, after {} events",
        setup.name,
        setup.seed,
        clock(moment.at),
        setup.duration,
        moment.events
    );
    println!("digest up to here {}", moment.digest);
    let most = if lists_all { usize::MAX } else { LISTED };
    deployments(moment, most);
    peers(moment, most);
    network(moment);
    pending(moment);
    if !shown.steps.is_empty() {
        println!();
        shown.steps.iter().for_each(|step| print!("{}", step_text(step)));
    }
    if let Some(verdict) = &shown.verdict {
        println!();
        println!("{}", verdict_text(source, verdict));
    }
}

/// Simulated time as `--until` takes it: `2h0m0.5s`, to the nanosecond.
pub(super) fn clock(at: Time) -> String {
    let whole = at.0 / 1_000_000_000;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let mut text = String::new();
    if hours > 0 {
        let _ = write!(text, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{seconds}");
    let fraction = format!("{:09}", at.0 % 1_000_000_000);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        let _ = write!(text, ".{fraction}");
    }
    text + "s"
}

/// `3 Running, 1 Failed`.
fn counts(counts: &BTreeMap<&'static str, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn deployments(moment: &Moment, most: usize) {
    println!();
    println!("deployments: {}", counts(&moment.deployment_counts));
    for one in moment.deployments.iter().take(most) {
        let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let moved = match one.redeployments {
            0 => String::new(),
            times => format!(", redeployed {times} x"),
        };
        println!(
            "  {:>4} {:<20} {:<12} of {}, asked for at {}{moved}{reason}",
            one.deployment,
            one.name,
            one.status,
            one.owner,
            clock(one.asked)
        );
        for held in &one.allocations {
            let since = held.since.map_or_else(String::new, |since| format!(" since {}", clock(since)));
            let runs = if held.runs { format!(", its program runs{since}") } else { String::new() };
            println!(
                "         {:<24} on {:<16} generation {}, {}{runs}",
                held.allocation, held.peer, held.generation, held.state
            );
        }
    }
    more(moment.deployments.len(), most);
}

/// How many of a list were not shown.
fn more(all: usize, most: usize) {
    if let Some(more) = all.checked_sub(most).filter(|more| *more > 0) {
        println!("  and {more} more: `--all` lists them, `--peer` and `--deployment` narrow it");
    }
}

fn peers(moment: &Moment, most: usize) {
    let idle = moment.peer_counts.values().sum::<u64>().saturating_sub(moment.peers.len() as u64);
    println!();
    println!("peers: {}; {idle} of them do nothing or are not asked for", counts(&moment.peer_counts));
    for one in moment.peers.iter().take(most) {
        let mut parts = vec![format!("{:<7}", one.state)];
        if one.onboarded != "nothing" {
            parts.push(format!("free {} of {}", one.free, one.onboarded));
        }
        let many = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
        parts.extend(many(one.allocations.len(), "allocations"));
        parts.extend(many(one.programs, "programs run"));
        parts.extend(many(one.revocations, "revocations known"));
        if !one.orchestrates.is_empty() {
            let numbers: Vec<String> = one.orchestrates.iter().map(u32::to_string).collect();
            parts.push(format!("orchestrates {}", shortened(&numbers)));
        }
        parts.extend(one.troubles.iter().map(|trouble| format!("trouble: {trouble}")));
        println!("  {:<20} {}", one.peer, parts.join("; "));
        for kept in &one.commitments {
            println!(
                "         committed to {} (generation {}) until {}: {}",
                kept.allocation,
                kept.generation,
                clock(kept.until),
                kept.resources
            );
        }
    }
    more(moment.peers.len(), most);
}

/// The first of many words, and how many there are more.
fn shortened(words: &[String]) -> String {
    const FIRST: usize = 12;
    match words.len() {
        0..=FIRST => words.join(" "),
        all => format!("{} and {} more", words[..FIRST].join(" "), all - FIRST),
    }
}

fn network(moment: &Moment) {
    println!();
    if !moment.conditions.is_empty() {
        println!("wrong with the network: faults {}", moment.conditions.join(", "));
    }
    println!("messages on their way: {}", counts(&moment.message_counts));
    if moment.foreseen > 0 {
        println!("  and requests for bids to {} peers at rest, whose answers are known", moment.foreseen);
    }
    for one in &moment.messages {
        let due = match one.due {
            Some(due) if one.has_come => format!("handled at {}", clock(due)),
            Some(due) => format!("due at {}", clock(due)),
            None => "long, comes when it is whole".to_owned(),
        };
        let deployment = one.deployment.map_or_else(String::new, |number| format!(" (deployment {number})"));
        println!(
            "  {} from {} to {}{deployment}, sent at {}, {due}",
            one.behaviour,
            one.from,
            one.to,
            clock(one.sent)
        );
    }
}

fn pending(moment: &Moment) {
    println!();
    println!("next of {} pending events:", moment.pending_count);
    for one in &moment.pending {
        println!("  {:<20} {}", clock(one.at), event_text(&one.event));
    }
}

pub(super) fn event_text(event: &EventSeen) -> String {
    let peer = event.peer.as_ref().map_or_else(String::new, |peer| format!("{peer}: "));
    let deployment = event.deployment.map_or_else(String::new, |number| format!(" (deployment {number})"));
    format!("{:<10} {peer}{}{deployment}", event.kind, event.text)
}

/// An event with its facts and what it changed, in lines.
pub(super) fn step_text(step: &StepTaken) -> String {
    let mut text = format!("event {} at {}  {}\n", step.number, clock(step.at), event_text(&step.event));
    for told in step.facts.iter().take(FACTS_SHOWN) {
        let _ = writeln!(text, "    fact    {}", told_text(told));
    }
    if let Some(more) = step.facts.len().checked_sub(FACTS_SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(text, "    fact    and {more} more");
    }
    for told in step.messages.iter().filter(|told| told.kind == "message_sent" || told.kind == "message_lost")
    {
        let _ = writeln!(text, "    network {}", told_text(told));
    }
    for change in &step.changes {
        let _ = writeln!(text, "    change  {}", change_text(change));
    }
    text
}

pub(super) fn change_text(change: &Change) -> String {
    let side = |value: &Option<String>| match value.as_deref() {
        None | Some("") => "nothing".to_owned(),
        Some(value) => value.to_owned(),
    };
    format!("{}: {} -> {}", change.what, side(&change.before), side(&change.after))
}

pub(super) fn told_text(told: &Told) -> String {
    let peer = told.peer.as_ref().map_or_else(String::new, |peer| format!("{peer} "));
    let count = told.count.map_or_else(String::new, |count| format!(" x {count}"));
    format!("{peer}{}{count}{}{}", told.kind, pairs(&told.labels), pairs(&told.content))
}

/// ` key=value` for each.
fn pairs(map: &Map<String, Value>) -> String {
    let shown = map.iter().map(|(key, value)| match value {
        Value::String(text) => format!(" {key}={text}"),
        other => format!(" {key}={other}"),
    });
    shown.collect()
}

fn verdict_text(source: &Source, verdict: &Verdict) -> String {
    let digest = &verdict.digest;
    match &verdict.recorded {
        None => format!("the run is over; its digest is {digest}"),
        Some(recorded) if recorded == digest => {
            format!("the run is over; its digest is {digest}, as it was recorded")
        }
        Some(recorded) => {
            let program = env!("CARGO_PKG_VERSION");
            let by = match &source.version {
                Some(version) if version != program => {
                    format!(
                        "dmsim {version} recorded it and this is {program}: versions may differ in what runs do"
                    )
                }
                _ => format!(
                    "this is dmsim {program}, as it was: the program or the files of the run have been changed"
                ),
            };
            format!("NOT THE SAME: the run is over with digest {digest}, and {recorded} was recorded\n  {by}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;
    use crate::scenario::units;

    #[test]
    fn times_are_written_as_they_are_read() {
        for (at, text) in [
            (0, "0s"),
            (750_000_000_000, "12m30s"),
            (7_200_000_000_001, "2h0m0.000000001s"),
            (450_000_000, "0.45s"),
        ] {
            assert_eq!(clock(Time(at)), text);
            assert_eq!(units::span(text), Ok(Span(at)));
        }
    }
}
