//! What breaks, and is mended by the time at which everything is.

use super::{Draft, Line, Times};
use crate::explore::choices::Choice;
use crate::explore::dice::Dice;

/// The first fault comes no earlier, in seconds.
const FIRST: u64 = 20;

pub(super) fn draw(draft: &mut Draft) {
    let mut dice = draft.dice(4);
    let kinds: [(Choice, Line); 8] = [
        (Choice::Crashes, crash),
        (Choice::Restarts, restart),
        (Choice::Losses, loss),
        (Choice::Delays, delay),
        (Choice::Partitions, partition),
        (Choice::Stalls, stall),
        (Choice::Troubles, trouble),
        (Choice::Clocks, clock),
    ];
    let mut faults: Vec<String> = Vec::new();
    for (choice, fault) in kinds {
        if draft.has(choice) {
            let count = dice.scaled(1, 8);
            faults.extend((0..count).map(|_| fault(draft, &mut dice)));
        }
    }
    if draft.has(Choice::Crashes) && dice.percent(40) {
        faults.push(replacement(draft, &mut dice));
    }
    // Two at least, whatever was chosen.
    while faults.len() < 2 {
        faults.push(if dice.percent(50) { crash(draft, &mut dice) } else { partition(draft, &mut dice) });
    }
    draft.faults = faults;
}

/// From when on, and how long at most.
fn span(dice: &mut Dice, longest: u64) -> (u64, u64) {
    let at = dice.between(FIRST, Times::HEALED - 60);
    (at, dice.scaled(1, longest.min(Times::HEALED - at)))
}

/// `at`: a time, or the moment in which a deployment comes into a state; and how long it may last.
fn moment(draft: &Draft, dice: &mut Dice, longest: u64) -> (String, u64) {
    let (at, lasts, _) = moment_of(draft, dice, longest);
    (at, lasts)
}

/// The same, with who orchestrates that deployment.
fn moment_of(draft: &Draft, dice: &mut Dice, longest: u64) -> (String, u64, Option<&'static str>) {
    let (at, lasts) = span(dice, longest);
    if !draft.has(Choice::Triggers) || draft.deployments.is_empty() || dice.percent(40) {
        return (format!("{at}s"), lasts, None);
    }
    let (name, by) = dice.any(&draft.deployments);
    let state = dice.one(&[
        "Committing",
        "Provisioning",
        "Running",
        "Updating",
        "ShuttingDown",
        "Preparing",
        "Completed",
    ]);
    // What has just been sent is on its way in the very moment.
    let after = match dice.percent(20) {
        true => String::new(),
        false => format!(", after: {}ms", dice.scaled(1, 20_000)),
    };
    (format!("{{deployment: {name}, is: {state}{after}}}"), lasts.min(300), Some(by))
}

/// Whom it concerns.
fn who(draft: &Draft, dice: &mut Dice) -> String {
    let special = [(Choice::Contracts, "hosta"), (Choice::Volumes, "vault"), (Choice::Gateways, "cloud")];
    let special: Vec<&str> =
        special.into_iter().filter(|(choice, _)| draft.has(*choice)).map(|(_, name)| name).collect();
    match dice.between(0, 5) {
        0 => format!("peer: {}", dice.one(&draft.orchestrators)),
        1 => "group: p, fraction: 50%".to_owned(),
        2 => "group: p".to_owned(),
        3 if !special.is_empty() => format!("peer: {}", dice.one(&special)),
        _ => format!("group: p, count: {}", dice.between(1, 4)),
    }
}

/// The same where none may be drawn.
fn all_of(draft: &Draft, dice: &mut Dice) -> String {
    match dice.between(0, 4) {
        0 => format!("peer: {}", dice.one(&draft.orchestrators)),
        1 => "group: p".to_owned(),
        2 => "peers: [p-0, p-1]".to_owned(),
        _ => "peer: p-0".to_owned(),
    }
}

fn crash(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 1200);
    let lost = if dice.percent(15) { ", state: lost" } else { "" };
    format!("crash: {{at: {at}, repair: {lasts}s{lost}, {}}}", who(draft, dice))
}

/// Machines that are up again with an empty disk before anybody has missed them.
fn replacement(draft: &mut Draft, dice: &mut Dice) -> String {
    let (at, lasts) = (dice.between(300, Times::HEALED - 60), dice.between(1, 15));
    draft.replaced.push(at + lasts);
    format!("crash: {{at: {at}s, repair: {lasts}s, state: lost, {}}}", who(draft, dice))
}

fn restart(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 600);
    format!("restart: {{at: {at}, down: {lasts}s, {}}}", who(draft, dice))
}

fn flaps(draft: &Draft, dice: &mut Dice) -> String {
    if !draft.has(Choice::Flaps) || dice.percent(50) {
        return String::new();
    }
    let (on, off) = (dice.scaled(1, 60), dice.scaled(1, 120));
    format!(", flaps: {{on: {on}s, off: {{exponential: {{mean: {off}s}}}}}}")
}

fn direction(dice: &mut Dice) -> &'static str {
    dice.one(&["", "", ", direction: in", ", direction: out"])
}

fn loss(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 900);
    let fraction = dice.one(&["2%", "10%", "30%", "60%", "100%"]);
    let (flaps, direction) = (flaps(draft, dice), direction(dice));
    format!(
        "loss: {{at: {at}, for: {lasts}s, fraction: {fraction}{flaps}{direction}, {}}}",
        all_of(draft, dice)
    )
}

fn delay(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 900);
    let extra = match dice.percent(50) {
        true => format!("{}ms", dice.scaled(50, 6000)),
        false => format!("{{exponential: {{mean: {}ms}}}}", dice.scaled(50, 3000)),
    };
    let (flaps, direction) = (flaps(draft, dice), direction(dice));
    format!("delay: {{at: {at}, for: {lasts}s, extra: {extra}{flaps}{direction}, {}}}", all_of(draft, dice))
}

fn partition(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 1200);
    let one = all_of(draft, dice);
    let other = match dice.percent(60) {
        true => "rest".to_owned(),
        false => format!("{{peer: {}}}", dice.one(&draft.orchestrators)),
    };
    let flaps = flaps(draft, dice);
    format!("partition: {{at: {at}, for: {lasts}s, between: [{{{one}}}, {other}]{flaps}}}")
}

fn stall(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts, by) = moment_of(draft, dice, 600);
    let who = match by.filter(|_| dice.percent(40)) {
        Some(by) => format!("peer: {by}"),
        None => who(draft, dice),
    };
    match dice.percent(60) {
        true => format!("stall: {{at: {at}, for: {lasts}s, {who}}}"),
        false => format!("slow: {{at: {at}, for: {lasts}s, factor: {}, {who}}}", dice.between(2, 10)),
    }
}

fn trouble(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = moment(draft, dice, 900);
    let who = who(draft, dice);
    match dice.between(0, 5) {
        0 => format!("executor_crash: {{at: {at}, {who}}}"),
        1 => format!("pull_failure: {{at: {at}, for: {lasts}s, {who}}}"),
        2 => format!("disk_full: {{at: {at}, for: {lasts}s, {who}}}"),
        3 => format!("byzantine: {{at: {at}, for: {lasts}s, fraction_wrong: 50%, {who}}}"),
        _ => format!("slow_disk: {{at: {at}, for: {lasts}s, factor: {}, {who}}}", dice.between(2, 20)),
    }
}

fn clock(draft: &Draft, dice: &mut Dice) -> String {
    let (at, lasts) = span(dice, 900);
    let jump = dice.one(&["2s", "-2s", "20s", "-20s", "5m", "-5m"]);
    format!("clock: {{at: {at}s, for: {lasts}s, jump: {jump}, {}}}", who(draft, dice))
}
