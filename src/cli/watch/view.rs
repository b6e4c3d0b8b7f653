//! The screen: what is where, at any size of the terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as TextLine, Span as TextSpan};
use ratatui::widgets::{Block, Gauge, Paragraph, Sparkline};

use super::board::{Board, STRETCHES, Tone, clock};
use crate::report::chart::grouped;

/// The states of deployments in the order of their lives, with their colours. A terminal has sixteen that its user has
/// chosen, and only these are used.
const STATES: [(&str, Color); 8] = [
    ("Preparing", Color::Yellow),
    ("Committing", Color::Yellow),
    ("Provisioning", Color::Cyan),
    ("Running", Color::Blue),
    ("Updating", Color::Magenta),
    ("ShuttingDown", Color::DarkGray),
    ("Completed", Color::Green),
    ("Failed", Color::Red),
];
/// Below this width curves and list stand under one another.
const NARROW: u16 = 90;

/// What is beside the run.
#[derive(Clone, Debug)]
pub(super) struct Status {
    /// `playing`, `paused`, `ended`, ...
    pub(super) word: &'static str,
    /// How fast, in words.
    pub(super) speed: String,
    pub(super) events_per_s: f64,
}

/// Draws the screen.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board, status: &Status) {
    let rows = [Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
    let [head, bar, middle, foot] = Layout::vertical(rows).areas(frame.area());
    draw_head(frame, head, board, status);
    let label = format!("{} of {}", clock(board.now), clock(crate::kernel::Time(board.duration.0)));
    let gauge = Gauge::default()
        .ratio(board.share())
        .label(label)
        .gauge_style(Style::default().fg(Color::Blue).bg(Color::Black));
    frame.render_widget(gauge, bar);
    let (left, right) = if middle.width < NARROW {
        let [left, right] = Layout::vertical([Constraint::Length(18), Constraint::Fill(1)]).areas(middle);
        (left, right)
    } else {
        let [left, right] = Layout::horizontal([Constraint::Length(46), Constraint::Fill(1)]).areas(middle);
        (left, right)
    };
    draw_numbers(frame, left, board, status);
    draw_lines(frame, right, board);
    let keys = "space pause   → next event   m one minute   + − speed   f full speed   q stop";
    frame.render_widget(Paragraph::new(keys).style(Style::default().fg(Color::DarkGray)), foot);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, board: &Board, status: &Status) {
    let bold = Style::default().add_modifier(Modifier::BOLD);
    let state = match status.word {
        "playing" => Style::default().fg(Color::Green),
        "paused" => Style::default().fg(Color::Yellow),
        _ => bold,
    };
    let line = TextLine::from(vec![
        TextSpan::styled(board.name.clone(), bold),
        TextSpan::raw(format!("  seed {}  profile {}  ", board.seed, board.profile)),
        TextSpan::styled(status.word, state),
        TextSpan::raw(format!("  {}", status.speed)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_numbers(frame: &mut Frame<'_>, area: Rect, board: &Board, status: &Status) {
    let states: Vec<(&str, u32, Color)> = STATES
        .iter()
        .map(|(name, color)| (*name, board.counts.get(name).copied().unwrap_or(0), *color))
        .chain(
            board
                .counts
                .iter()
                .filter(|(name, _)| !STATES.iter().any(|(known, _)| known == *name))
                .map(|(name, count)| (*name, *count, Color::Reset)),
        )
        .collect();
    let rows = [
        Constraint::Length(states.len() as u16 + 2),
        Constraint::Length(4),
        Constraint::Length(4),
        Constraint::Fill(1),
    ];
    let [deployments, peers, messages, rest] = Layout::vertical(rows).areas(area);
    draw_states(frame, deployments, &states);
    let title = format!(" {} of {} peers up ", board.peers_up, board.peers_total());
    // From the least on: a loss of a tenth would not show in a curve from nothing on.
    let least = board.presence.iter().min().copied().unwrap_or(0).saturating_sub(1);
    let presence: Vec<u64> = board.presence.iter().map(|up| up - least).collect();
    draw_curve(frame, peers, title, &presence, Color::Green);
    let title = format!(" {} messages ", grouped(board.messages as f64));
    draw_curve(frame, messages, title, &board.sent, Color::Cyan);
    let faults = match board.faults.is_empty() {
        true => "none".to_owned(),
        false => board
            .faults
            .iter()
            .map(|(number, kind)| format!("{number} {kind}"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let numbers = [
        ("allocations running", grouped(board.allocations_running() as f64)),
        ("redeployments", grouped(board.redeployments as f64)),
        ("refusals", grouped(board.refusals as f64)),
        ("faults on", faults),
        ("events a second", grouped(status.events_per_s)),
    ];
    let lines: Vec<TextLine<'_>> =
        numbers.into_iter().map(|(name, text)| TextLine::from(format!(" {name:<20}{text}"))).collect();
    frame.render_widget(Paragraph::new(lines), rest);
}

fn draw_states(frame: &mut Frame<'_>, area: Rect, states: &[(&str, u32, Color)]) {
    let total: u32 = states.iter().map(|(_, count, _)| count).sum();
    let room = f64::from(area.width.saturating_sub(24));
    let most = states.iter().map(|(_, count, _)| *count).max().unwrap_or(0).max(1);
    let line = |(name, count, color): &(&str, u32, Color)| {
        let width = (f64::from(*count) / f64::from(most) * room).ceil() as usize;
        TextLine::from(vec![
            TextSpan::raw(format!("{:<14}{count:>6} ", name.to_lowercase())),
            TextSpan::styled("■".repeat(width), Style::default().fg(*color)),
        ])
    };
    let lines: Vec<TextLine<'_>> = states.iter().map(line).collect();
    let block = Block::bordered().title(format!(" {total} deployments "));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// A curve over the whole time of the run.
fn draw_curve(frame: &mut Frame<'_>, area: Rect, title: String, values: &[u64], color: Color) {
    let columns = usize::from(area.width.saturating_sub(2)).max(1);
    // Where there are fewer columns than stretches, a column shows the greatest of its own.
    let shown: Vec<u64> = (0..columns)
        .map(|column| {
            let from = column * STRETCHES / columns;
            let to = ((column + 1) * STRETCHES / columns).max(from + 1);
            values.get(from..to.min(values.len())).and_then(|part| part.iter().max()).copied().unwrap_or(0)
        })
        .collect();
    let curve = Sparkline::default()
        .data(shown)
        .style(Style::default().fg(color))
        .block(Block::bordered().title(title));
    frame.render_widget(curve, area);
}

fn draw_lines(frame: &mut Frame<'_>, area: Rect, board: &Board) {
    let room = usize::from(area.height.saturating_sub(2));
    let line = |line: &super::board::Line| {
        let color = match line.tone {
            Tone::Plain => Color::Reset,
            Tone::Good => Color::Green,
            Tone::Bad => Color::Red,
        };
        TextLine::from(vec![
            TextSpan::styled(format!("{:>9}  ", clock(line.at)), Style::default().fg(Color::DarkGray)),
            TextSpan::styled(line.text.clone(), Style::default().fg(color)),
        ])
    };
    let from = board.lines.len().saturating_sub(room);
    let lines: Vec<TextLine<'_>> = board.lines.iter().skip(from).map(line).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" what happens ")), area);
}
