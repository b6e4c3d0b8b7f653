//! The messages of one deployment in order.

use std::collections::{BTreeMap, BTreeSet};

use super::Plot;
use super::source::Source;
use crate::observe::{DeploymentRow, MessageRow, Table};
use crate::report::chart::{Color, Event, SequenceChart, grouped, number, palette, text};
use crate::report::tables::Tables;

/// Peers with a lifeline of their own beside the orchestrator; the others share one.
const MOST_PEERS: usize = 3;
/// Events that are drawn; of more, the middle is left out.
const MOST_EVENTS: usize = 64;
/// Of those, so many from the end.
const LAST_EVENTS: usize = 22;
/// The longest sequence of events that is looked for to be repeated.
const LONGEST_BLOCK: usize = 12;

/// Something that happened, when, with what makes it the same as another.
#[derive(Clone, Debug)]
struct Happened {
    at: f64,
    event: Event,
}

pub(super) fn sequence(source: &Source<'_>) -> Result<Plot, String> {
    let run = source.run()?;
    let tables = run.tables;
    let deployment =
        chosen(tables, source.choice.deployment).map_err(|why| format!("{}: {why}", run.name))?;
    let messages: Vec<&MessageRow> =
        tables.messages.iter().filter(|row| row.deployment == deployment.deployment).collect();
    let lanes = Lanes::of(tables, deployment, &messages);
    let mut happened = events_of(&messages, &lanes, &bids_left_out(tables, deployment.deployment));
    happened.extend(notes_of(tables, deployment, &lanes));
    happened.sort_by(|a, b| a.at.total_cmp(&b.at));
    let start = deployment.submitted_s;
    let folded = shortened(folded(&happened, start), start);
    let why = if deployment.reason.is_empty() { String::new() } else { format!(": {}", deployment.reason) };
    let chart = SequenceChart {
        title: format!("Messages of deployment #{} {}", deployment.deployment, deployment.name),
        note: format!("{}{why}; times since its submission at {}", deployment.status, clock(start)),
        participants: lanes.participants(tables),
        events: folded.into_iter().map(|one| (since(one.at - start), one.event)).collect(),
    };
    let lost = messages.iter().filter(|row| is_lost(row)).count();
    let caption = format!(
        "The {} messages of deployment #{} ({}), from the top down; {} were lost. `dmsim plot RUN --kind sequence \
         --deployment N` shows another.",
        grouped(messages.len() as f64),
        deployment.deployment,
        deployment.name,
        grouped(lost as f64)
    );
    Ok(Plot { name: "sequence", caption, left_out: None, svg: chart.svg(), data: table_of(&messages) })
}

/// The deployment that is asked for, the first that failed, or the first of which there are messages.
fn chosen(tables: &Tables, asked: Option<u32>) -> Result<&DeploymentRow, String> {
    let with_messages: BTreeSet<u32> = tables.messages.iter().map(|row| row.deployment).collect();
    if with_messages.is_empty() {
        return Err(
            "there is no messages.csv with a message of a deployment: run the scenario anew, without `--no-history`"
                .into(),
        );
    }
    let known = || tables.deployments.iter().filter(|row| with_messages.contains(&row.deployment));
    let Some(asked) = asked else {
        let failed = known().find(|row| &*row.outcome == "failed" || &*row.status == "failed");
        return failed
            .or_else(|| known().next())
            .ok_or_else(|| "deployments.csv has none of them".to_owned());
    };
    known().find(|row| row.deployment == asked).ok_or_else(|| {
        match tables.deployments.iter().any(|row| row.deployment == asked) {
            true => format!("messages.csv has no message of deployment {asked}"),
            false => format!(
                "there is no deployment {asked}: they are numbered from 0 to {}",
                tables.deployments.len().saturating_sub(1)
            ),
        }
    })
}

/// Who has which lifeline.
struct Lanes<'a> {
    names: Vec<&'a str>,
    /// How many share the last one; none where everybody has one.
    others: usize,
}

impl<'a> Lanes<'a> {
    fn of(tables: &'a Tables, deployment: &'a DeploymentRow, messages: &[&'a MessageRow]) -> Self {
        let orchestrator: &str = &deployment.orchestrator;
        let mut counts: BTreeMap<&str, (bool, usize)> = BTreeMap::new();
        for row in messages {
            for peer in [&row.from, &row.to] {
                // That somebody has heard a broadcast makes him no party to it.
                counts.entry(peer).or_default().1 += usize::from(!row.is_broadcast);
            }
        }
        for row in tables.allocations.iter().filter(|row| row.deployment == deployment.deployment) {
            counts.entry(&row.peer).or_default().0 = true;
        }
        counts.remove(orchestrator);
        counts.retain(|_, (runs, count)| *runs || *count > 0);
        let mut sorted: Vec<(&str, (bool, usize))> = counts.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let most = if sorted.len() == MOST_PEERS + 1 { MOST_PEERS + 1 } else { MOST_PEERS };
        let others = sorted.len().saturating_sub(most);
        let mut names = vec![orchestrator];
        names.extend(sorted.iter().take(most).map(|(name, _)| *name));
        Self { names, others }
    }

    fn place(&self, peer: &str) -> usize {
        self.names.iter().position(|name| *name == peer).unwrap_or(self.names.len())
    }

    fn participants(&self, tables: &Tables) -> Vec<(String, String)> {
        let place = |name: &str| {
            let peer = tables.peers.iter().find(|row| &*row.peer == name);
            peer.map_or_else(String::new, |row| {
                if row.city.is_empty() { row.role.to_string() } else { row.city.to_string() }
            })
        };
        let named = self.names.iter().enumerate().map(|(number, name)| {
            ((*name).to_owned(), if number == 0 { "orchestrator".to_owned() } else { place(name) })
        });
        let others =
            (self.others > 0).then(|| (format!("{} others", self.others), "each by itself".to_owned()));
        named.chain(others).collect()
    }
}

/// Whether it never came. What came and was refused is not lost.
fn is_lost(row: &MessageRow) -> bool {
    row.arrived_s.is_none() && !row.end.is_empty()
}

/// The last two parts of a path that mean something. What answers a call is a reply, whichever number it carries.
fn short(behaviour: &str) -> String {
    if behaviour.starts_with("/dms/actor/replyto/") {
        return "reply".to_owned();
    }
    let parts: Vec<&str> = behaviour
        .split('/')
        .filter(|part| !part.is_empty() && !part.starts_with('<') && *part != "dms")
        .collect();
    match parts[..] {
        [] => behaviour.to_owned(),
        [.., one, two] => format!("{one}/{two}"),
        [one] => one.to_owned(),
    }
}

/// When how many bids came that have no row of their own.
fn bids_left_out(tables: &Tables, deployment: u32) -> Vec<(f64, u64)> {
    let rows = tables.history.iter().filter(|row| {
        row.deployment == Some(deployment) && &*row.kind == "left_out" && &*row.state == "bids"
    });
    rows.filter_map(|row| Some((row.time_s, row.reason.parse().ok()?))).collect()
}

fn events_of(messages: &[&MessageRow], lanes: &Lanes<'_>, left_out: &[(f64, u64)]) -> Vec<Happened> {
    let mut broadcasts: BTreeMap<u64, Vec<&MessageRow>> = BTreeMap::new();
    let mut events = Vec::new();
    for row in messages {
        if row.is_broadcast {
            broadcasts.entry(row.message).or_default().push(row);
            continue;
        }
        let (from, to, is_lost) = (lanes.place(&row.from), lanes.place(&row.to), is_lost(row));
        let why = if is_lost { format!(" ({})", row.end) } else { String::new() };
        let text = format!("{}{why}", short(&row.behaviour));
        events.push(Happened { at: row.sent_s, event: Event::Message { from, to, text, is_lost } });
    }
    let sent: Vec<(f64, &str)> = broadcasts.values().map(|rows| (rows[0].sent_s, &*rows[0].from)).collect();
    for rows in broadcasts.values() {
        let row = rows[0];
        let next =
            sent.iter().filter(|(at, from)| *from == &*row.from && *at > row.sent_s).map(|(at, _)| *at);
        let until = next.fold(f64::INFINITY, f64::min);
        let answered = messages.iter().filter(|other| {
            !other.is_broadcast && other.to == row.from && other.sent_s >= row.sent_s && other.sent_s < until
        });
        let answered: BTreeSet<&str> = answered.map(|other| &*other.from).collect();
        let more = left_out
            .iter()
            .filter(|(at, _)| (row.sent_s..until).contains(at))
            .map(|(_, count)| count)
            .sum::<u64>();
        let more = match more {
            0 => String::new(),
            more => format!(", and {} bids more that were not recorded", grouped(more as f64)),
        };
        let text = format!("{} to everybody ({} answered{more})", short(&row.behaviour), answered.len());
        events.push(Happened {
            at: row.sent_s,
            event: Event::Broadcast { from: lanes.place(&row.from), text },
        });
    }
    events
}

/// What became of the deployment.
fn notes_of(tables: &Tables, deployment: &DeploymentRow, lanes: &Lanes<'_>) -> Vec<Happened> {
    let of_it = tables.history.iter().filter(|row| row.deployment == Some(deployment.deployment));
    let note = |row: &crate::observe::HistoryRow| {
        let state = row.state.to_ascii_lowercase().replace("shuttingdown", "shutting down");
        let color = match &*state {
            "running" | "completed" => palette::GREEN,
            "failed" => palette::VERMILLION,
            _ => palette::ORANGE,
        };
        let why = if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) };
        let (at, text, color): (usize, String, Color) = match &*row.kind {
            "deployment_status" => (0, format!("{state}{why}"), color),
            "stage_failed" => (0, format!("{state} failed{why}"), palette::VERMILLION),
            "suspected" => (0, format!("suspects that {} is lost", row.node), palette::PURPLE),
            "redeployment_started" => (0, format!("redeploys {}", row.node), palette::PURPLE),
            "allocation_state" => {
                let name = if row.allocation.is_empty() { &row.node } else { &row.allocation };
                (lanes.place(&row.peer), format!("{name} {state}"), color)
            }
            _ => return None,
        };
        Some(Happened { at: row.time_s, event: Event::Note { at, text, color } })
    };
    of_it.filter_map(note).collect()
}

/// What is repeated is drawn once: one event many times with their number, several in turn with a line that says so.
fn folded(all: &[Happened], start: f64) -> Vec<Happened> {
    let is_same = |a: usize, b: usize| all[a].event == all[b].event;
    // How often the block of this length that begins here comes in a row.
    let repeats = |at: usize, length: usize| {
        let mut count = 1;
        while at + (count + 1) * length <= all.len()
            && (0..length).all(|place| is_same(at + place, at + count * length + place))
        {
            count += 1;
        }
        count
    };
    let (mut folded, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let best = (1..=LONGEST_BLOCK.min(all.len() - at))
            .map(|length| (length, repeats(at, length)))
            .filter(|(length, count)| *count > 1 && (*length == 1 || *count > 2))
            .max_by_key(|(length, count)| (length * count, std::cmp::Reverse(*length)));
        match best {
            Some((1, count)) => {
                folded.push(Happened { at: all[at].at, event: counted(&all[at].event, count) });
                at += count;
            }
            Some((length, count)) => {
                folded.extend_from_slice(&all[at..at + length]);
                let until = since(all[at + length * count - 1].at - start);
                let said = format!(
                    "the {length} lines above {} more times, until {until}",
                    grouped((count - 1) as f64)
                );
                folded.push(Happened { at: all[at + length].at, event: Event::Gap(said) });
                at += length * count;
            }
            None => {
                folded.push(all[at].clone());
                at += 1;
            }
        }
    }
    folded
}

fn counted(event: &Event, count: usize) -> Event {
    let times = |text: &str| format!("{text} × {count}");
    match event.clone() {
        Event::Message { from, to, text, is_lost } => {
            Event::Message { from, to, text: times(&text), is_lost }
        }
        Event::Broadcast { from, text } => Event::Broadcast { from, text: times(&text) },
        // To come to a state again is to be in it.
        same => same,
    }
}

/// Leaves the middle out where there is too much of it.
fn shortened(mut all: Vec<Happened>, start: f64) -> Vec<Happened> {
    if all.len() > MOST_EVENTS {
        let end = all.split_off(all.len() - LAST_EVENTS);
        let middle = all.split_off(MOST_EVENTS - LAST_EVENTS - 1);
        if let (Some(first), Some(last)) = (middle.first(), middle.last()) {
            let span = format!("from {} to {}", since(first.at - start), since(last.at - start));
            let said = format!("{} lines left out, {span}", grouped(middle.len() as f64));
            all.push(Happened { at: first.at, event: Event::Gap(said) });
        }
        all.extend(end);
    }
    all
}

/// A time since the submission.
fn since(seconds: f64) -> String {
    match seconds {
        s if s < 99.9995 => format!("{s:.3} s"),
        s if s < 9_999.95 => format!("{s:.1} s"),
        s => format!("{:.2} h", s / 3600.0),
    }
}

/// A moment of the run, as in `1:02:03`.
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

fn table_of(messages: &[&MessageRow]) -> Table<'static> {
    let header = ["sent_s", "arrived_s", "from", "to", "is_broadcast", "behaviour", "size_bytes", "end"];
    let row = |row: &&MessageRow| {
        vec![
            number(row.sent_s),
            number(row.arrived_s.unwrap_or(f64::NAN)),
            text(&row.from),
            text(&row.to),
            text(if row.is_broadcast { "true" } else { "false" }),
            text(&row.behaviour),
            number(row.size_bytes as f64),
            text(&row.end),
        ]
    };
    Table { header: header.map(str::to_owned).to_vec(), rows: messages.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(at: f64, from: usize, to: usize, said: &str) -> Happened {
        Happened { at, event: Event::Message { from, to, text: said.to_owned(), is_lost: false } }
    }

    #[test]
    fn what_is_repeated_is_drawn_once() {
        let mut all = vec![message(0.0, 0, 1, "commit"), message(0.5, 1, 0, "yes")];
        for round in 0..20 {
            all.push(message(10.0 + f64::from(round), 0, 1, "alive?"));
            all.push(message(10.2 + f64::from(round), 1, 0, "alive"));
        }
        all.extend((0..7).map(|n| message(40.0 + f64::from(n), 1, 0, "log")));
        let said: Vec<String> = folded(&all, 0.0)
            .iter()
            .map(|one| match &one.event {
                Event::Message { text, .. } | Event::Gap(text) => text.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        let gap = "the 2 lines above 19 more times, until 29.200 s";
        assert_eq!(said, ["commit", "yes", "alive?", "alive", gap, "log × 7"]);
    }

    #[test]
    fn long_ones_lose_their_middle() {
        let all: Vec<Happened> = (0..500).map(|n| message(f64::from(n), 0, 1, &n.to_string())).collect();
        let cut = shortened(all, 0.0);
        assert_eq!(cut.len(), MOST_EVENTS);
        let said = cut.iter().find_map(|one| match &one.event {
            Event::Gap(text) => Some(text.clone()),
            _ => None,
        });
        assert_eq!(said.unwrap(), "437 lines left out, from 41.000 s to 477.0 s");
    }

    #[test]
    fn paths_are_told_by_their_end() {
        let shorts =
            ["/dms/deployment/request", "/dms/allocation/<id>/start", "/public/hello", "x", "/"].map(short);
        assert_eq!(shorts, ["deployment/request", "allocation/start", "public/hello", "x", "/"]);
        assert_eq!([0.0, 99.9999, 12_000.0].map(since), ["0.000 s", "100.0 s", "3.33 h"]);
    }
}
