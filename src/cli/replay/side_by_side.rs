//! Two runs side by side: the first event at which they part, and why.

use std::path::Path;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::print::{change_text, clock, event_text, step_text};
use super::source::Source;
use crate::cli::{Exit, Format, set_on_interrupt};
use crate::scenario::difference::{Difference, differences};
use crate::sim::moment::{Parted, Parting, StepTaken, part};

/// Differences beyond so many are counted.
const SHOWN: usize = 40;

pub(super) fn compare(first: &Path, second: &Path, format: Format) -> Result<Exit, Exit> {
    let sources = [Source::read(first)?, Source::read(second)?];
    let why = differences(&sources[0].loaded, &sources[1].loaded);
    let [one, other] = &sources;
    let stop = set_on_interrupt();
    let parting = part(one.world()?, other.world()?, &mut |_, _| !stop.load(Ordering::Relaxed));
    match &parting {
        Parting::Interrupted => return Ok(Exit::Interrupted),
        _ if format == Format::Json => println!("{}", json(&parting, &why)),
        Parting::Never { events, digest } => {
            println!("both runs are the same: {events} events each, digest {digest}");
            print_why(&why, "their scenarios differ all the same, in what made no difference:");
        }
        Parting::At(parted) => {
            print(parted);
            if why.is_empty() {
                println!(
                    "\ntheir scenarios are the same, so one program ran one scenario in two ways: that is a fault of it"
                );
            } else {
                print_why(&why, "why: their scenarios differ");
            }
        }
    }
    Ok(if matches!(parting, Parting::Never { .. }) { Exit::Fine } else { Exit::ExpectationFailed })
}

fn print(parted: &Parted) {
    match &parted.last_common {
        Some(last) => {
            println!("the two runs are the same up to event {} at {}:", last.number, clock(last.at));
            println!("  {}", event_text(&last.event));
        }
        None if parted.at_start => {
            println!("the two runs differ from the start: not the same peers are there and up");
        }
        None => println!("the two runs part with their first event"),
    }
    for (name, side) in ["first", "second"].into_iter().zip(&parted.sides) {
        println!("\n{name} run, next:");
        print_side(side.as_ref());
    }
    if !parted.differences.is_empty() {
        println!("\nthen differs, first -> second:");
        for change in parted.differences.iter().take(SHOWN) {
            println!("  {}", change_text(change));
        }
        print_more(parted.differences.len());
    }
}

fn print_side(side: Option<&StepTaken>) {
    match side {
        Some(step) => step_text(step).lines().for_each(|line| println!("  {line}")),
        None => println!("  it is over"),
    }
}

fn print_why(why: &[Difference], head: &str) {
    if why.is_empty() {
        return;
    }
    match why {
        [Difference { path, .. }] if path == "seed" => println!("\n{head}, in nothing but the seed:"),
        _ => println!("\n{head}"),
    }
    for one in why.iter().take(SHOWN) {
        let [first, second] = one.sides();
        println!("  {}: {first} -> {second}", one.path);
    }
    print_more(why.len());
}

fn print_more(all: usize) {
    if all > SHOWN {
        println!("  and {} more; `--format json` has them all", all - SHOWN);
    }
}

fn json(parting: &Parting, why: &[Difference]) -> String {
    let whole = match parting {
        Parting::Never { events, digest } => {
            json!({ "same": true, "events": events, "digest": digest, "scenarios": why })
        }
        Parting::At(parted) => json!({ "same": false, "parted": parted, "scenarios": why }),
        Parting::Interrupted => json!({ "same": null }),
    };
    serde_json::to_string_pretty(&whole).expect("it has only string keys")
}
