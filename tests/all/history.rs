//! The history of a run and the messages of its deployments (`history.csv`, `messages.csv`): they say what the tables
//! and the events say, in as many rows as a reader can use, and count what they leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use dmsim::observe::{
    self, History, HistoryLimits, HistoryRow, MessageRow, Passage, Record, What, read_history, read_messages,
};
use dmsim::sim::{self, Options, Outcome, Setup};

use crate::recording::{OUTAGE, setup};

struct Told {
    outcome: Outcome,
    history: Vec<HistoryRow>,
    messages: Vec<MessageRow>,
    bytes: [Vec<u8>; 2],
    /// What the recorder was told of messages that came to an end at one receiver, by deployment.
    ends: BTreeMap<u32, u64>,
}

fn told(setup: &Setup, limits: HistoryLimits) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let mut history = History::create(folder.path(), limits).unwrap();
    let mut ends = BTreeMap::new();
    let mut take = |record: &Record<'_>| {
        if let What::Message(message) = &record.what
            && let Some(deployment) = message.deployment
            && message.to.is_some()
            && !matches!(message.passage, Passage::Sent { .. } | Passage::Arrived)
        {
            *ends.entry(deployment).or_default() += 1;
        }
        history.take(record);
    };
    let outcome = sim::run_recorded(
        setup,
        Options::default(),
        &mut |_, _| true,
        &mut |_, _| {},
        Some(Box::new(&mut take)),
    )
    .unwrap();
    history.finish().unwrap();
    let paths = ["history.csv", "messages.csv"].map(|file| folder.path().join(file));
    Told {
        outcome,
        history: read_history(&paths[0]).unwrap(),
        messages: read_messages(&paths[1]).unwrap(),
        bytes: paths.map(|path| fs::read(path).unwrap()),
        ends,
    }
}

fn left_out(told: &Told, what: &str) -> u64 {
    let rows = told.history.iter().filter(|row| &*row.kind == "left_out" && &*row.state == what);
    rows.map(|row| row.reason.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_history_agrees_with_the_tables_and_is_the_same_bytes_twice() {
    let setup = setup("outage.yaml", &OUTAGE);
    let told = self::told(&setup, HistoryLimits::default());
    let of_kind = |kind: &str| told.history.iter().filter(|row| &*row.kind == kind).collect::<Vec<_>>();
    assert_eq!(of_kind("committed").len(), told.outcome.allocations.len());
    assert_eq!(of_kind("peer_down").len() as f64, told.outcome.metric("peers.lost").unwrap());
    for (row, number) in told.outcome.deployments.iter().zip(0..) {
        let own = |kind: &str| {
            told.history
                .iter()
                .filter(|one| one.deployment == Some(number) && &*one.kind == kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(own("round_opened").len() as u32, row.rounds, "{row:?}");
        let last = own("deployment_status").pop().unwrap();
        assert_eq!(last.state.to_lowercase(), *row.status, "{row:?}");
        assert_eq!(&*last.peer, &*row.orchestrator);
    }
    let times = |rows: &[HistoryRow]| rows.iter().map(|row| row.time_s).collect::<Vec<_>>();
    assert!(
        times(&told.history).is_sorted_by(|a, b| a - 1.0 <= *b),
        "what waits is late by less than a second"
    );
    assert!(self::told(&setup, HistoryLimits::default()).bytes == told.bytes, "two histories differ");
}

#[test]
fn of_what_is_alike_some_is_written_and_the_rest_counted() {
    let setup = setup("outage.yaml", &OUTAGE);
    let limits = HistoryLimits { alike: 3, ..HistoryLimits::default() };
    let (all, few) = (told(&setup, HistoryLimits { alike: u32::MAX, ..limits }), told(&setup, limits));
    let bids = |told: &Told| told.history.iter().filter(|row| &*row.kind == "bid_made").count() as u64;
    assert_eq!(left_out(&all, "bids"), 0);
    assert!(bids(&few) < bids(&all), "there is nothing to leave out");
    assert_eq!(bids(&few) + left_out(&few, "bids"), bids(&all));
    // Whatever is no bid and no message is there either way.
    let rest = |told: &Told| {
        let rows = told.history.iter().filter(|row| !matches!(&*row.kind, "bid_made" | "left_out"));
        rows.cloned().collect::<Vec<_>>()
    };
    assert_eq!(rest(&all), rest(&few));
    // Every message that ended at a receiver has a row or is counted; those under way at the end have one, too.
    assert_eq!(left_out(&all, "messages"), 0);
    let ended = |told: &Told| told.messages.iter().filter(|row| row.ended_s.is_some()).count() as u64;
    assert_eq!(ended(&all), all.ends.values().sum::<u64>());
    assert_eq!(few.messages.len() as u64 + left_out(&few, "messages"), all.messages.len() as u64);
    let written: BTreeSet<_> = all.messages.iter().map(|row| (row.message, row.to.clone())).collect();
    assert!(few.messages.iter().all(|row| written.contains(&(row.message, row.to.clone()))));
    for row in &all.messages {
        let arrived = row.arrived_s.unwrap_or(row.sent_s);
        assert!(row.sent_s <= arrived && row.ended_s.is_none_or(|ended| arrived <= ended), "{row:?}");
        assert_eq!(row.end.is_empty(), row.ended_s.is_none(), "{row:?}");
    }
    assert!(
        all.messages.iter().any(|row| row.is_broadcast) && all.messages.iter().any(|row| !row.is_broadcast)
    );
}

#[test]
fn a_history_ends_at_its_limit_and_says_how_much_is_missing() {
    let setup = setup("outage.yaml", &OUTAGE);
    let all = told(&setup, HistoryLimits::default());
    let cut = told(&setup, HistoryLimits { rows: 40, messages: 25, ..HistoryLimits::default() });
    assert_eq!(cut.history[..40], all.history[..40]);
    let rest = &cut.history[40..];
    assert!(rest.iter().all(|row| &*row.kind == "left_out"), "{rest:?}");
    let bids_rows =
        all.history.iter().filter(|row| &*row.kind == "left_out" && row.deployment.is_some()).count();
    assert!(bids_rows > 0);
    let counted =
        all.history.iter().filter(|row| row.deployment.is_some() || &*row.kind != "left_out").count();
    assert_eq!(left_out(&cut, "rows"), counted as u64 - 40);
    assert_eq!(cut.messages.len(), 25);
    let (of_cut, of_all) = (left_out(&cut, "messages") + 25, left_out(&all, "messages"));
    assert_eq!(of_cut, of_all + all.messages.len() as u64);
}

#[test]
fn partitions_name_the_peers_on_both_sides() {
    let partition = "faults=[{partition: {at: 10m, between: [{group: europe}, {continent: NA}], for: 20m}}]";
    let mut set = OUTAGE.to_vec();
    set.push(partition);
    let told = told(&setup("outage.yaml", &set), HistoryLimits::default());
    let faults: Vec<_> = told.history.iter().filter(|row| row.kind.starts_with("fault_")).collect();
    let kinds: Vec<_> =
        faults.iter().map(|row| (&*row.kind, row.time_s, &*row.state, &*row.reason)).collect();
    assert_eq!(
        kinds,
        [("fault_begins", 600.0, "partition", "fault 0"), ("fault_ends", 1800.0, "partition", "fault 0")]
    );
    let (europe, america) = faults[0].concerned.split_once('/').unwrap();
    let members = |text: &str| {
        let bounds = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse::<usize>().unwrap()..=last.parse::<usize>().unwrap()
        };
        text.split(' ').filter(|range| !range.is_empty()).flat_map(bounds).collect::<BTreeSet<_>>()
    };
    let rows = |wanted: &dyn Fn(&observe::PeerRow) -> bool| {
        let peers = told.outcome.peers.iter().enumerate();
        peers.filter(|(_, peer)| wanted(peer)).map(|(row, _)| row).collect::<BTreeSet<_>>()
    };
    assert_eq!(members(europe), rows(&|peer| peer.peer.starts_with("europe-")));
    assert_eq!(members(america), rows(&|peer| &*peer.continent == "NA"));
    assert_eq!(&*faults[1].concerned, "");
}
