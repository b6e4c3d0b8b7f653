//! Message-sequence diagrams: who told whom what, from the top down.

use super::Color;
use super::canvas::{Anchor, Canvas, Dash, draw, fitting, fitting_bold, fitting_middle, palette, text_width};

const TEXT_SIZE: f64 = 15.0;
const TITLE_SIZE: f64 = 21.0;
const WIDTH: f64 = 900.0;
const MARGIN: f64 = 20.0;
/// Room at the left for the times.
const TIMES: f64 = 104.0;
const STEP: f64 = 36.0;
const NOTE: f64 = 26.0;

/// One thing that happens in a diagram.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A message from one participant to another.
    Message {
        /// Who sends it.
        from: usize,
        /// To whom.
        to: usize,
        /// What it says.
        text: String,
        /// Whether it got lost.
        is_lost: bool,
    },
    /// A message to everybody.
    Broadcast {
        /// Who sends it.
        from: usize,
        /// What it says, and to how many.
        text: String,
    },
    /// What has become of somebody, in a box of this colour.
    Note {
        /// Whom it concerns.
        at: usize,
        /// What it says.
        text: String,
        /// The colour of its edge.
        color: Color,
    },
    /// What is left out here.
    Gap(String),
}

/// A diagram.
#[derive(Clone, PartialEq, Debug)]
pub struct SequenceChart {
    /// What it shows.
    pub title: String,
    /// What else is to be said; may be empty.
    pub note: String,
    /// Who takes part, from the left: a name and a line below it.
    pub participants: Vec<(String, String)>,
    /// When, as a text, and what; from the top down.
    pub events: Vec<(String, Event)>,
}

impl SequenceChart {
    fn lane(&self) -> f64 {
        (WIDTH - MARGIN - TIMES) / self.participants.len().max(1) as f64
    }

    fn x(&self, participant: usize) -> f64 {
        TIMES + self.lane() * (participant as f64 + 0.5)
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let height_of = |event: &Event| match event {
            Event::Message { from, to, .. } if from == to => NOTE,
            Event::Message { .. } | Event::Broadcast { .. } => STEP,
            Event::Note { .. } | Event::Gap(_) => NOTE + 4.0,
        };
        let head = if self.note.is_empty() { 52.0 } else { 78.0 };
        let top = head + 56.0;
        let bottom = top + self.events.iter().map(|(_, event)| height_of(event)).sum::<f64>() + 10.0;
        draw(WIDTH, bottom + 14.0, &self.title, |canvas| {
            let wide = WIDTH - 2.0 * MARGIN;
            let title = fitting_bold(&self.title, TITLE_SIZE, wide);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            let note = fitting(&self.note, TEXT_SIZE, wide);
            canvas.text((MARGIN, 56.0), Anchor::Left, &note, TEXT_SIZE, palette::GREY, false);
            self.draw_lifelines(canvas, head, bottom);
            let (mut y, mut before) = (top, "");
            for (time, event) in &self.events {
                let height = height_of(event);
                let line = match event {
                    Event::Message { from, to, .. } if from != to => y + height - 9.0,
                    Event::Broadcast { .. } => y + height - 9.0,
                    _ => y + height / 2.0,
                };
                if time != before {
                    let said = fitting(time, TEXT_SIZE, TIMES - MARGIN - 4.0);
                    canvas.text((TIMES - 8.0, line), Anchor::Right, &said, TEXT_SIZE, palette::GREY, false);
                    before = time;
                }
                self.draw_event(canvas, event, y, line);
                y += height;
            }
        })
    }

    fn draw_lifelines(&self, canvas: &Canvas, top: f64, bottom: f64) {
        for (number, (name, below)) in self.participants.iter().enumerate() {
            let (x, half) = (self.x(number), self.lane() / 2.0 - 4.0);
            canvas.stroke(&[(x, top + 46.0), (x, bottom)], palette::SOFT, 1.0, Dash::Short);
            canvas.rectangle((x - half, top), (x + half, top + 46.0), palette::SEA);
            canvas.frame((x - half, top), (x + half, top + 46.0), palette::GREY, 1.0);
            let name = fitting_bold(name, TEXT_SIZE, 2.0 * half - 8.0);
            canvas.text((x, top + 15.0), Anchor::Centre, &name, TEXT_SIZE, palette::INK, true);
            let below = fitting(below, TEXT_SIZE, 2.0 * half - 8.0);
            canvas.text((x, top + 33.0), Anchor::Centre, &below, TEXT_SIZE, palette::GREY, false);
        }
    }

    fn draw_event(&self, canvas: &Canvas, event: &Event, top: f64, line: f64) {
        match event {
            Event::Message { from, to, text, .. } if from == to => {
                let x = self.x(*from);
                canvas.dot((x, line), 3.5, palette::GREY);
                label(
                    canvas,
                    (x, line),
                    text,
                    2.0 * (self.x(*from) - TIMES).min(WIDTH - MARGIN - x),
                    palette::GREY,
                );
            }
            Event::Message { from, to, text, is_lost } => {
                let (x, end) = (self.x(*from), self.x(*to));
                label(
                    canvas,
                    (f64::midpoint(x, end), top + 12.0),
                    text,
                    (end - x).abs() - 12.0,
                    palette::INK,
                );
                if *is_lost {
                    // A lost message does not come near its receiver.
                    let lost = x + (end - x) * 0.72;
                    canvas.stroke(&[(x, line), (lost, line)], palette::VERMILLION, 1.8, Dash::Short);
                    canvas.cross((lost, line), 5.0, palette::VERMILLION, 2.2);
                } else {
                    canvas.line(&[(x, line), (end, line)], palette::BLUE, 1.8);
                    canvas.head((x, line), (end, line), 10.0, palette::BLUE);
                }
            }
            Event::Broadcast { from, text } => {
                let (x, right) = (self.x(*from), WIDTH - MARGIN);
                let widest = if right - x > 260.0 { right - x - 24.0 } else { x - TIMES - 24.0 };
                let tip = if right - x > 260.0 { right } else { TIMES };
                label(canvas, (f64::midpoint(x, tip), top + 12.0), text, widest, palette::INK);
                let step = if tip > x { -9.0 } else { 9.0 };
                canvas.line(&[(x, line), (tip, line)], palette::GREEN, 2.6);
                for head in [0.0, step, 2.0 * step] {
                    canvas.head((x, line), (tip + head, line), 11.0, palette::GREEN);
                }
            }
            Event::Note { at, text, color } => {
                let x = self.x(*at);
                let (left, right) = (TIMES + 2.0, WIDTH - MARGIN);
                let text = fitting(text, TEXT_SIZE, right - left - 16.0);
                let half = text_width(&text, TEXT_SIZE) / 2.0 + 8.0;
                // A long one reaches over its neighbours' lines, and never out of the picture.
                let x = x.max(left + half).min(right - half);
                canvas.rectangle((x - half, line - 12.0), (x + half, line + 12.0), palette::PAPER);
                canvas.frame((x - half, line - 12.0), (x + half, line + 12.0), *color, 2.0);
                canvas.text((x, line), Anchor::Centre, &text, TEXT_SIZE, palette::INK, false);
            }
            Event::Gap(text) => {
                let wide = WIDTH - TIMES - MARGIN;
                canvas.rectangle((TIMES, top + 2.0), (WIDTH - MARGIN, top + NOTE + 2.0), palette::SEA);
                let text = fitting(text, TEXT_SIZE, wide - 12.0);
                let at = (TIMES + wide / 2.0, line);
                canvas.text(at, Anchor::Centre, &text, TEXT_SIZE, palette::GREY, false);
            }
        }
    }
}

/// A text on paper, so that lifelines do not cross it.
fn label(canvas: &Canvas, at: (f64, f64), text: &str, room: f64, color: Color) {
    // The end of a path says more than its beginning, and behind it can stand how often.
    let end = text.split_once('/').map_or(text, |(_, end)| end);
    let text = if text_width(text, TEXT_SIZE) <= room { text } else { end };
    let text = fitting_middle(text, TEXT_SIZE, room);
    let half = text_width(&text, TEXT_SIZE) / 2.0 + 2.0;
    canvas.rectangle((at.0 - half, at.1 - 9.0), (at.0 + half, at.1 + 9.0), palette::PAPER);
    canvas.text(at, Anchor::Centre, &text, TEXT_SIZE, color, false);
}
