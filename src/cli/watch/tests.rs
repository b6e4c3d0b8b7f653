use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::board::{Board, Tone};
use super::pace::{Hold, Pace};
use super::view::{Status, draw};
use crate::kernel::{Span, Time};
use crate::observe::{self, FaultRecord, Preface, Record, What};
use crate::scenario::{self, Overrides};
use crate::sim::{self, Options, Outcome};

/// A small run in which machines crash and deployments recover, on a board.
fn watched() -> (Board, Outcome) {
    let set = [
        "duration=100m",
        "peers[0].providers.count=12",
        "peers[1].providers.count=18",
        "workload[0].deploy.count=12",
    ];
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/outage.yaml");
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &observe::metric_names()).unwrap();
    let mut board = Board::new(loaded.setup.duration);
    let recorder = Box::new(|record: &Record<'_>| board.take(record));
    let outcome = sim::run_recorded(
        &loaded.setup,
        Options::default(),
        &mut |_, _| true,
        &mut |_, _| {},
        Some(recorder),
    )
    .unwrap();
    (board, outcome)
}

fn screen(board: &Board, word: &'static str, (width, height): (u16, u16)) -> String {
    let status = Status { word, speed: "60x".to_owned(), events_per_s: 12_345.0 };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, board, &status)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_board_counts_what_the_tables_of_the_run_say() {
    let (board, outcome) = watched();
    let last = |metric: &str, labels: &str| {
        let mut rows = outcome.series.iter().filter(|row| &*row.metric == metric && &*row.labels == labels);
        rows.next_back().map_or(0.0, |row| row.value)
    };
    assert_eq!(f64::from(board.peers_up), last("peers.up", ""));
    assert_eq!(board.peers_total(), outcome.peers.len());
    for (state, count) in &board.counts {
        let status = state.to_lowercase();
        let of_table = outcome.deployments.iter().filter(|row| *row.status == status).count();
        assert_eq!(*count as usize, of_table, "{state}");
    }
    assert_eq!(board.counts.values().sum::<u32>() as usize, outcome.deployments.len());
    assert_eq!(board.redeployments as f64, outcome.metric("redeployments").unwrap());
    assert!(board.redeployments > 0, "nothing was recovered");
    assert_eq!(board.sent.iter().sum::<u64>(), board.messages);
    assert!(board.messages > 1000);
    assert_eq!(board.allocations_running() as f64, last("services.running", ""));
    assert!(board.lines.iter().any(|line| line.tone == Tone::Bad && line.text.contains("is down, with")));
}

#[test]
fn the_screen_has_everything_at_any_size() {
    let (board, _) = watched();
    for size in [(120, 40), (80, 44), (200, 60)] {
        let shown = screen(&board, "paused", size);
        for text in
            ["outage", "paused", "1:40:00 of 1:40:00", "deployments", "peers up", "messages", "q stop"]
        {
            assert!(shown.contains(text), "{text} is missing at {size:?}:\n{shown}");
        }
    }
    // Where there is no room, nothing breaks.
    for size in [(1, 1), (20, 3), (46, 10)] {
        screen(&board, "playing", size);
    }
}

#[test]
fn hostile_names_are_text_without_power_over_the_terminal() {
    let mut board = Board::new(Span::secs(10));
    let preface = Preface {
        name: "\u{1b}[2J<b>\u{202e}".to_owned(),
        seed: 1,
        profile: "intended".to_owned(),
        signatures: "modelled".to_owned(),
        epoch: crate::kernel::Timestamp(0),
        peers: vec!["\u{1b}]0;title\u{7}".into()],
    };
    board.take(&Record { at: Time::ZERO, what: What::Begin(&preface) });
    let fault = FaultRecord { fault: 0, kind: "partition", begins: true, lasts: true, concerned: Vec::new() };
    board.take(&Record { at: Time::ZERO, what: What::Fault(&fault) });
    let shown = screen(&board, "playing", (100, 30));
    assert!(shown.contains("<b>") && shown.contains("fault 0 begins: partition"), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn a_pace_holds_where_it_is_told_to() {
    let mut pace = Pace::new(Span::secs(3600), None, false);
    assert_eq!(pace.speed, Some(60.0));
    assert!(pace.wait(Time::ZERO + Span::secs(600)).as_secs_f64() > 9.0);
    assert!(!pace.holds(Time::ZERO, 0));
    pace.hold = Hold::NextLine(4);
    assert!(!pace.holds(Time::ZERO, 4) && pace.holds(Time::ZERO, 5));
    assert!(pace.wait(Time::ZERO + Span::secs(600)).is_zero(), "a step waits for nothing");
    pace.hold = Hold::At(Time(10));
    assert!(!pace.holds(Time(9), 9) && pace.holds(Time(10), 9));
    pace.hold = Hold::Never;
    pace.change(Time::ZERO, true);
    assert_eq!(pace.speed, Some(120.0));
    pace.toggle_limit(Time::ZERO, 60.0);
    assert!(pace.speed.is_none() && pace.wait(Time(u64::MAX)).is_zero());
    pace.toggle_limit(Time::ZERO, 60.0);
    assert_eq!(pace.speed, Some(60.0));
}
