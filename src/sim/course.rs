//! Driving a run: from its start to its end, and from one setup to another where it goes on otherwise.

use super::Options;
use super::conservation::Violation;
use super::ledger::Ledger;
use super::outcome::Outcome;
use super::setup::Setup;
use super::stage::Stage;
use super::telemetry::Lines;
use super::world::World;
use crate::kernel::{Span, Time};

/// What a run is made from: a setup, and the others with which it goes on from some moments of it on (see `stage`).
#[derive(Clone, Debug)]
pub struct Course<'s> {
    first: &'s Setup,
    /// In the order of time.
    turns: Vec<(Time, &'s Setup)>,
}

impl<'s> Course<'s> {
    /// The same setup from the start to the end.
    #[must_use]
    pub const fn of(setup: &'s Setup) -> Self {
        Self { first: setup, turns: Vec::new() }
    }

    /// The same, but with another setup after all events of this time.
    #[must_use]
    pub fn turning(mut self, at: Time, setup: &'s Setup) -> Self {
        self.turns.push((at, setup));
        self.turns.sort_by_key(|(at, _)| *at);
        self
    }

    /// The setup with which it ends.
    #[must_use]
    pub fn last(&self) -> &'s Setup {
        self.turns.last().map_or(self.first, |(_, setup)| setup)
    }

    /// The world before the first event.
    ///
    /// # Errors
    /// What one of the setups asks for and cannot be built, in words.
    pub fn world(&self) -> Result<World<'s>, String> {
        let mut world = World::new(self.first)?;
        for (at, setup) in self.turns.iter().rev() {
            let stage = Stage::new(&world, *at, setup)?;
            world.stages.put_before(stage);
        }
        Ok(world)
    }
}

/// A moment that a run has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// When; all events of that time have happened.
    pub at: Time,
    /// Events up to then.
    pub events: u64,
    /// The digest of all facts up to then.
    pub digest: u128,
}

/// Who is told of moments at equal distances.
pub struct Marks<'a> {
    /// The distance; not zero.
    pub every: Span,
    /// Who is told. Where it says no, the run ends there with what it has.
    pub tell: &'a mut dyn FnMut(Mark) -> bool,
}

impl World<'_> {
    /// Does as the options say.
    pub(super) fn obey(&mut self, options: Options) {
        if options.trace {
            self.keep_trace();
        }
        if options.metrics_only {
            self.keep_metrics_only();
        }
        if options.checked {
            self.check(options.stops, options.only);
        }
        if let Some(plan) = options.crash_plan {
            self.crash_by(plan);
        }
    }

    /// Runs to the end of the setup's duration, or until `go_on` says no (see [`World::advance`]).
    ///
    /// # Errors
    /// Where resources were not conserved.
    pub fn run(self, go_on: &mut dyn FnMut(Time, u64) -> bool) -> Result<Outcome, Box<Violation>> {
        self.run_into(go_on, &mut |_, _| {}, None)
    }

    /// The same, hands over what observed peers write, and tells of moments.
    ///
    /// # Errors
    /// Where resources were not conserved.
    pub fn run_into(
        mut self,
        go_on: &mut dyn FnMut(Time, u64) -> bool,
        lines: Lines<'_>,
        marks: Option<Marks<'_>>,
    ) -> Result<Outcome, Box<Violation>> {
        let end = self.end();
        let interrupted = match marks {
            Some(marks) => self.advance_marked(end, go_on, lines, marks),
            None => self.advance_into(end, go_on, lines),
        };
        if let Some(violation) = self.violation {
            return Err(violation);
        }
        let stopped = interrupted.unwrap_or(end);
        self.end_routines(stopped + Span(1));
        self.end_foresight(stopped);
        self.settle_all_late(stopped);
        self.finish_traffic(stopped);
        if interrupted.is_none() {
            self.check_all();
        }
        let (checked, passed) = (self.take_checked(), self.take_passed());
        let closing = self.closing(stopped, interrupted.is_some());
        self.telemetry.hand_over(lines);
        self.note_end(stopped);
        let turned = self.stages.take_turned();
        Ok(Outcome { checked, passed, turned, ..self.into_ledger().finish(stopped, closing) })
    }

    /// What is kept of a world whose end was looked at: the tables of a large run need the room of its peers.
    fn into_ledger(self) -> Ledger {
        self.ledger
    }

    /// Takes all events up to `until`, those at that very time included, or until `go_on` says no: it is asked every
    /// few thousand events, with the simulated time and the events so far. The time at which it said no, if it did, or
    /// at which resources were not conserved.
    pub fn advance(&mut self, until: Time, go_on: &mut dyn FnMut(Time, u64) -> bool) -> Option<Time> {
        self.advance_into(until, go_on, &mut |_, _| {})
    }

    /// The same, from moment to moment.
    fn advance_marked(
        &mut self,
        until: Time,
        go_on: &mut dyn FnMut(Time, u64) -> bool,
        lines: Lines<'_>,
        Marks { every, tell }: Marks<'_>,
    ) -> Option<Time> {
        let mut next = Time::ZERO + every;
        while next < until {
            if let Some(stopped) = self.advance_into(next, go_on, lines) {
                return Some(stopped);
            }
            let is_told = tell(Mark { at: next, events: self.events, digest: self.digest() });
            if !is_told || !go_on(next, self.events) {
                return Some(next);
            }
            next = next + every;
        }
        self.advance_into(until, go_on, lines)
    }

    fn advance_into(
        &mut self,
        until: Time,
        go_on: &mut dyn FnMut(Time, u64) -> bool,
        lines: Lines<'_>,
    ) -> Option<Time> {
        while let Some(turn) = self.stages.next_time().filter(|at| *at < until) {
            if let Some(stopped) = self.take_up_to(turn, go_on, lines) {
                return Some(stopped);
            }
            self.enter_stage();
        }
        self.take_up_to(until, go_on, lines)
    }

    /// Takes the events up to a time before which nothing turns.
    fn take_up_to(
        &mut self,
        until: Time,
        go_on: &mut dyn FnMut(Time, u64) -> bool,
        lines: Lines<'_>,
    ) -> Option<Time> {
        while let Some((now, event)) = self.queue.pop_until(until) {
            self.step(now, event);
            self.crash_where_due(now);
            self.events += 1;
            let asks = self.events.is_multiple_of(8192);
            if asks {
                self.telemetry.hand_over(lines);
            }
            if self.has_enough() || asks && !go_on(now, self.events) {
                return Some(now);
            }
        }
        None
    }

    /// Takes the next event up to a time out of the queue. It is not handled yet.
    pub(super) fn take_next(&mut self, until: Time) -> Option<(Time, super::event::Event)> {
        while let Some(turn) = self.stages.next_time().filter(|at| *at < until) {
            let next = self.queue.pop_until(turn);
            if next.is_some() {
                return next;
            }
            self.enter_stage();
        }
        self.queue.pop_until(until)
    }

    /// When the run ends, by its setup.
    pub(super) fn end(&self) -> Time {
        Time::ZERO + self.setup.duration
    }

    /// Whether the run ends here, for what must hold did not.
    pub(super) fn has_enough(&self) -> bool {
        self.violation.is_some() || self.checks.as_ref().is_some_and(|checks| checks.is_enough())
    }

    /// Events taken so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }
}
