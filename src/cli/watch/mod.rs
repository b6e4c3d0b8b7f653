//! `dmsim watch SCENARIO`: a run as it goes on, in the terminal. The only room that knows the terminal's library.

mod board;
mod pace;
#[cfg(test)]
mod tests;
mod view;

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::board::Board;
use self::pace::{Hold, Pace};
use self::view::Status;
use super::{Exit, INTERRUPTED, load, set_on_interrupt, without_outcome};
use crate::kernel::{Span, Time};
use crate::observe::Record;
use crate::scenario::{Loaded, Overrides};
use crate::sim::{self, Options, Outcome, RunError};

/// How often the screen is drawn, at most.
const FRAME: Duration = Duration::from_millis(40);
/// A clock that counts instructions of thousands of records would be asked too often: one in so many is enough.
const RECORDS_A_LOOK: u32 = 64;
/// How often it is looked whether the terminal is still there.
const CARE: Duration = Duration::from_millis(250);

#[derive(Args, Debug)]
pub(super) struct WatchArguments {
    /// The scenario file.
    scenario: PathBuf,
    /// Replace a value of the scenario: `--set network.loss=1%`. May be repeated.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Replace the scenario's seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Simulated seconds in a second, or `max` [default: the whole run in a minute].
    #[arg(long, value_name = "N|max", value_parser = speed)]
    speed: Option<Speed>,
    /// Hold before the first event.
    #[arg(long)]
    paused: bool,
}

/// How fast.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Speed {
    Times(f64),
    Max,
}

fn speed(text: &str) -> Result<Speed, String> {
    match text.parse::<f64>() {
        _ if text == "max" => Ok(Speed::Max),
        Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
        _ => Err("a number above 0, or `max`".to_owned()),
    }
}

pub(super) fn watch(arguments: &WatchArguments) -> Exit {
    if !has_terminal() {
        eprintln!("error: there is no terminal to watch a run in\n  = help: `dmsim run` makes one without");
        return Exit::BadInput;
    }
    let overrides = Overrides { set: arguments.set.clone(), seed: arguments.seed };
    let loaded = match load(&arguments.scenario, &overrides) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let stop = set_on_interrupt();
    // The library's own hook gives the terminal back when something panics.
    let terminal = match ratatui::try_init() {
        Ok(terminal) => terminal,
        Err(error) => {
            eprintln!("error: the terminal cannot be used: {error}");
            return Exit::Internal;
        }
    };
    end_without_terminal();
    let done = on_screen(arguments, &loaded, terminal, Arc::clone(&stop));
    // Where there is no terminal any more there is nothing to give back.
    drop(ratatui::try_restore());
    match done {
        Ok((outcome, None)) => match tell(&outcome) {
            // It has ended, and so has who watched it.
            _ if stop.load(Ordering::Relaxed) => Exit::Interrupted,
            exit => exit,
        },
        Ok((_, Some(at))) => {
            let end = Time::ZERO + loaded.setup.duration;
            eprintln!(
                "stopped before the end of the run, at {:.0} s of {:.0} s",
                at.as_secs_f64(),
                end.as_secs_f64()
            );
            Exit::Interrupted
        }
        Err(Broken::Run(error)) => without_outcome(&error),
        Err(Broken::Terminal(error)) => {
            eprintln!("error: the terminal cannot be used any more: {error}");
            Exit::Interrupted
        }
    }
}

fn has_terminal() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal()
}

/// Ends the program when its terminal is gone, also where nobody is told by a signal: what waits for keys never returns
/// then, and nothing is written that could be left unfinished.
fn end_without_terminal() {
    #[expect(clippy::disallowed_methods, reason = "it looks at the terminal; the run does not know of it")]
    let watching = std::thread::spawn(|| {
        while has_terminal() {
            std::thread::sleep(CARE);
        }
        std::process::exit(INTERRUPTED);
    });
    drop(watching);
}

/// Why there is nothing to tell.
enum Broken {
    Run(RunError),
    Terminal(io::Error),
}

/// Runs it. Returns what came of it, and when it was stopped if it did not come to its end.
fn on_screen(
    arguments: &WatchArguments,
    loaded: &Loaded,
    terminal: DefaultTerminal,
    stop: Arc<AtomicBool>,
) -> Result<(Outcome, Option<Time>), Broken> {
    let screen = RefCell::new(Screen::new(arguments, loaded.setup.duration, terminal, stop));
    let outcome = sim::run_recorded(
        &loaded.setup,
        Options::default(),
        &mut |now, events| screen.borrow_mut().go_on(now, events),
        &mut |_, _| {},
        Some(Box::new(|record| screen.borrow_mut().take(record))),
    );
    let mut screen = screen.into_inner();
    let stopped = screen.is_stopped.then_some(screen.board.now);
    if stopped.is_none() && outcome.is_ok() {
        screen.linger();
    }
    let failure = screen.failure.take();
    if !has_terminal() {
        // The library would show the cursor again, and panic where it can say nowhere that it cannot.
        std::mem::forget(screen);
    }
    match failure {
        Some(error) => Err(Broken::Terminal(error)),
        None => outcome.map(|outcome| (outcome, stopped)).map_err(Broken::Run),
    }
}

fn tell(outcome: &Outcome) -> Exit {
    let value = |name: &str| outcome.metric(name).unwrap_or(f64::NAN);
    println!(
        "{} deployments asked, {} reached running, {} failed; digest {:032x}",
        value("deployments.asked"),
        value("deployments.succeeded"),
        value("deployments.failed"),
        outcome.digest
    );
    for verdict in &outcome.manifest.expectations {
        println!("  {}  {}", if verdict.passed { "ok    " } else { "FAILED" }, verdict.expression);
    }
    if outcome.manifest.passed() { Exit::Fine } else { Exit::ExpectationFailed }
}

/// The run on its screen. It lives inside the simulator's callbacks: while it holds, nothing goes on.
struct Screen {
    terminal: DefaultTerminal,
    board: Board,
    pace: Pace,
    /// Simulated seconds in a second, for when a limit is wanted again.
    usual: f64,
    records: u32,
    drawn: Instant,
    begun: Instant,
    events: u64,
    /// What an interrupt sets.
    stop: Arc<AtomicBool>,
    is_stopped: bool,
    has_ended: bool,
    failure: Option<io::Error>,
}

impl Screen {
    fn new(
        arguments: &WatchArguments,
        duration: Span,
        terminal: DefaultTerminal,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let asked = match arguments.speed {
            Some(Speed::Times(times)) => Some(times),
            _ => None,
        };
        let mut pace = Pace::new(duration, asked, arguments.speed == Some(Speed::Max));
        if arguments.paused {
            pace.hold = Hold::Now;
        }
        let usual = Pace::new(duration, asked, false).speed.unwrap_or(1.0);
        Self {
            terminal,
            board: Board::new(duration),
            pace,
            usual,
            records: 0,
            drawn: pace::now(),
            begun: pace::now(),
            events: 0,
            stop,
            is_stopped: false,
            has_ended: false,
            failure: None,
        }
    }

    /// Takes a record and lets time pass on the screen.
    fn take(&mut self, record: &Record<'_>) {
        if self.is_stopped {
            return;
        }
        self.await_time(record.at);
        self.board.take(record);
        self.records += 1;
        if self.pace.holds(self.board.now, self.board.told) {
            self.pace.hold = Hold::Now;
            self.hold();
        } else if self.records.is_multiple_of(RECORDS_A_LOOK) {
            self.refresh();
        }
    }

    /// The simulator asks now and then whether it goes on, also where nothing is recorded.
    fn go_on(&mut self, now: Time, events: u64) -> bool {
        self.events = events;
        self.is_stopped |= self.stop.load(Ordering::Relaxed);
        if !self.is_stopped {
            self.await_time(now);
            self.board.advance(now);
            self.refresh();
        }
        !self.is_stopped
    }

    /// Waits until the run may come to a time, with an eye on the keys.
    fn await_time(&mut self, at: Time) {
        // What comes before is shown before.
        while !self.is_stopped && self.pace.hold != Hold::Now {
            let wait = self.pace.wait(at);
            if wait.is_zero() {
                return;
            }
            if let Some(speed) = self.pace.speed {
                let ahead = Span((wait.as_secs_f64() * speed * 1e9) as u64);
                self.board.advance(Time(at.0.saturating_sub(ahead.0)));
            }
            self.refresh();
            self.look(wait.min(FRAME));
        }
        if self.pace.hold == Hold::Now {
            self.hold();
        }
    }

    /// Stays where it is until a key says otherwise.
    fn hold(&mut self) {
        while self.pace.hold == Hold::Now && !self.is_stopped {
            self.draw();
            self.look(Duration::from_millis(250));
        }
        self.pace.restart(self.board.now);
    }

    /// Draws if it is time to, and looks for keys.
    fn refresh(&mut self) {
        if self.drawn.elapsed() >= FRAME {
            self.draw();
            self.look(Duration::ZERO);
        }
    }

    /// After the end: until somebody has seen it.
    fn linger(&mut self) {
        self.has_ended = true;
        while !self.is_stopped && self.failure.is_none() {
            self.draw();
            self.look(Duration::from_millis(250));
        }
    }

    fn draw(&mut self) {
        self.drawn = pace::now();
        let word = match (self.has_ended, self.pace.hold) {
            (true, _) => "ended: q closes",
            (false, Hold::Now) => "paused",
            _ => "playing",
        };
        let speed = match self.pace.speed {
            None => "as fast as it can".to_owned(),
            Some(speed) if speed >= 10.0 => format!("{speed:.0}x"),
            Some(speed) => format!("{speed:.2}x"),
        };
        let events_per_s = self.events as f64 / self.begun.elapsed().as_secs_f64().max(1e-3);
        let status = Status { word, speed, events_per_s };
        let board = &self.board;
        if let Err(error) = self.terminal.draw(|frame| view::draw(frame, board, &status)) {
            self.fail(error);
        }
    }

    /// Waits for a key or an interrupt, so long at most.
    fn look(&mut self, patience: Duration) {
        self.is_stopped |= self.stop.load(Ordering::Relaxed);
        if self.is_stopped {
            return;
        }
        let found = event::poll(patience).and_then(|there| there.then(event::read).transpose());
        match found {
            Ok(Some(Event::Key(key))) if key.kind != KeyEventKind::Release => self.key(key),
            Ok(Some(Event::Resize(..))) => self.draw(),
            Ok(_) => {}
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
        self.is_stopped = true;
    }

    fn key(&mut self, key: KeyEvent) {
        let now = self.board.now;
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => self.is_stopped = true,
            KeyCode::Char('q') | KeyCode::Esc => self.is_stopped = true,
            _ if self.has_ended => {}
            KeyCode::Char(' ') => {
                self.pace.hold = if self.pace.hold == Hold::Now { Hold::Never } else { Hold::Now };
                self.pace.restart(now);
            }
            KeyCode::Right | KeyCode::Char('s') => self.step(Hold::NextLine(self.board.told)),
            KeyCode::Char('m') => self.step(Hold::At(now + Span::secs(60))),
            KeyCode::Char('+' | '=') => self.pace.change(now, true),
            KeyCode::Char('-') => self.pace.change(now, false),
            KeyCode::Char('f') => self.pace.toggle_limit(now, self.usual),
            _ => {}
        }
    }

    /// Goes on until then, as fast as it can.
    fn step(&mut self, until: Hold) {
        self.pace.hold = until;
        self.pace.restart(self.board.now);
    }
}
