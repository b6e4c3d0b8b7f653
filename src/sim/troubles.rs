//! What is wrong with machines, and what that does to the time that programs take there.
//!
//! A machine's *spells* are the times in which it is slow, frozen or pretends to work. Until when each lasts is known
//! when it begins, so what is due there is planned for the time that follows from the spells known by then. A later one
//! can only put it off: an event carries how many spells were known when it was planned, and one that is due is put off
//! by those that came since ([`Troubles::put_off`]). So nothing in the queue is ever touched.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, ExecutionStep, PeerId, Turn};
use super::executor::End;
use super::setup::Trouble;
use crate::dms::outbox::RunId;
use crate::kernel::{Span, Time};

/// What of a machine takes time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effort {
    /// Programs do their work.
    Work,
    /// Programs start, or answer how they are.
    Answer,
    /// Everything else, which takes the processor no time.
    Other,
}

impl Effort {
    /// What a step of a run is.
    pub(super) const fn of(step: ExecutionStep) -> Self {
        match step {
            ExecutionStep::Ended(_, End::Own | End::OutOfMemory | End::DiskFull)
            | ExecutionStep::Move(..) => Self::Work,
            ExecutionStep::Started(_) => Self::Answer,
            _ => Self::Other,
        }
    }
}

/// What a machine is like for a time.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Pace {
    /// Work takes so many times longer.
    Slow(f64),
    /// Nothing goes on.
    Frozen,
    /// Only work does not go on.
    Pretending,
}

impl Pace {
    /// How many times longer an effort takes; none when it does not go on.
    fn slowness(self, effort: Effort) -> Option<f64> {
        match (self, effort) {
            (Self::Frozen, _) | (Self::Pretending, Effort::Work) => None,
            (Self::Slow(factor), Effort::Work | Effort::Answer) => Some(factor),
            (Self::Slow(_), Effort::Other) | (Self::Pretending, _) => Some(1.0),
        }
    }
}

/// A time in which a machine is not as usual.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Spell {
    begin: Time,
    end: Time,
    pace: Pace,
}

/// One machine that something was ever wrong with.
#[derive(Debug, Default)]
struct Machine {
    /// What is wrong now, in the order in which it began.
    now: Vec<(Turn, Trouble)>,
    /// All that there ever were, in the order in which they began.
    spells: Vec<Spell>,
    /// What will happen to it when it goes on, for it is frozen.
    held: Vec<Event>,
}

/// What is wrong with the machines of a run.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    machines: BTreeMap<PeerId, Machine>,
    /// Runs that have ended with a wrong result of which their nodes have not heard.
    wrong: BTreeSet<(PeerId, RunId)>,
}

impl Troubles {
    /// Whether nothing was ever wrong with any.
    pub(super) fn is_empty(&self) -> bool {
        self.machines.is_empty()
    }

    /// Whether anything is wrong with any of them now.
    pub(super) fn last(&self) -> bool {
        self.machines.values().any(|machine| !machine.now.is_empty())
    }

    /// Something is wrong with a machine from now on, until `end`.
    pub(super) fn begin(&mut self, now: Time, peer: PeerId, turn: Turn, trouble: Trouble, end: Time) {
        let machine = self.machines.entry(peer).or_default();
        machine.now.push((turn, trouble));
        let pace = match trouble {
            Trouble::Slow { factor } => Pace::Slow(factor),
            Trouble::Stall => Pace::Frozen,
            Trouble::Lies | Trouble::Byzantine { idle: true, .. } => Pace::Pretending,
            _ => return,
        };
        machine.spells.push(Spell { begin: now, end, pace });
    }

    /// It is over.
    pub(super) fn end(&mut self, peer: PeerId, turn: Turn) {
        if let Some(machine) = self.machines.get_mut(&peer) {
            machine.now.retain(|(other, _)| *other != turn);
        }
    }

    /// A machine is switched off: after that it is not frozen any more.
    pub(super) fn thaw(&mut self, now: Time, peer: PeerId) {
        let Some(machine) = self.machines.get_mut(&peer) else { return };
        machine.now.retain(|(_, trouble)| *trouble != Trouble::Stall);
        let frozen = machine.spells.iter_mut().filter(|spell| spell.pace == Pace::Frozen);
        frozen.for_each(|spell| spell.end = spell.end.min(now));
    }

    /// What is wrong with a machine now.
    pub(super) fn of(&self, peer: PeerId) -> impl Iterator<Item = Trouble> {
        self.machines.get(&peer).into_iter().flat_map(|machine| &machine.now).map(|(_, trouble)| *trouble)
    }

    /// Whether anything is wrong with a machine now.
    pub(super) fn concern(&self, peer: PeerId) -> bool {
        !self.machines.is_empty() && self.of(peer).next().is_some()
    }

    /// Whether a machine is in a trouble of this kind.
    pub(super) fn has(&self, peer: PeerId, trouble: Trouble) -> bool {
        !self.machines.is_empty() && self.of(peer).any(|one| one == trouble)
    }

    /// Whether a machine stands still.
    pub(super) fn is_frozen(&self, peer: PeerId) -> bool {
        self.has(peer, Trouble::Stall)
    }

    /// How many times longer its disk takes.
    pub(super) fn slowness_of_disk(&self, peer: PeerId) -> f64 {
        self.of(peer).fold(1.0, |slowness, trouble| match trouble {
            Trouble::SlowDisk { factor } => slowness * factor,
            _ => slowness,
        })
    }

    /// How many times longer programs take that run there.
    pub(super) fn slowness_of_programs(&self, peer: PeerId) -> f64 {
        self.of(peer).fold(1.0, |slowness, trouble| match trouble {
            Trouble::Slow { factor } => slowness * factor,
            _ => slowness,
        })
    }

    /// Keeps something for a machine that is frozen.
    pub(super) fn hold(&mut self, peer: PeerId, held: Event) {
        self.machines.entry(peer).or_default().held.push(held);
    }

    /// What was kept for it, in order.
    pub(super) fn take_held(&mut self, peer: PeerId) -> Vec<Event> {
        self.machines.get_mut(&peer).map(|machine| std::mem::take(&mut machine.held)).unwrap_or_default()
    }

    /// A run has ended with a wrong result.
    pub(super) fn note_wrong(&mut self, peer: PeerId, run: RunId) {
        self.wrong.insert((peer, run));
    }

    /// Its node hears of its end: whether the result is wrong.
    pub(super) fn forget_wrong(&mut self, peer: PeerId, run: RunId) -> bool {
        self.wrong.remove(&(peer, run))
    }

    /// How many spells of a machine are known.
    pub(super) fn known(&self, peer: PeerId) -> u32 {
        self.machines.get(&peer).map_or(0, |machine| machine.spells.len() as u32)
    }

    /// When something will be done that would be at `at` on a machine that is as usual from `now` on.
    pub(super) fn due(&self, now: Time, peer: PeerId, at: Time, effort: Effort) -> Time {
        match self.machines.get(&peer) {
            Some(machine) => due(&machine.spells, now, at.since(now).0 as f64, effort),
            None => at,
        }
    }

    /// Until when something is put off that is due at `at`, and was planned when this number of spells was known.
    pub(super) fn put_off(&self, peer: PeerId, known: u32, at: Time, effort: Effort) -> Time {
        let Some(machine) = self.machines.get(&peer) else { return at };
        let spells = &machine.spells;
        (known as usize..spells.len()).fold(at, |at, number| {
            let begin = spells[number].begin.min(at);
            let work = done(&spells[..number], begin, at, effort);
            due(&spells[..=number], begin, work, effort)
        })
    }

    /// How much work is done from one time to another.
    pub(super) fn work_done(&self, peer: PeerId, from: Time, to: Time) -> Span {
        match self.machines.get(&peer) {
            Some(machine) => Span(done(&machine.spells, from, to, Effort::Work) as u64),
            None => to.since(from),
        }
    }
}

/// So much time, so many times longer.
pub(super) fn stretched(span: Span, slowness: f64) -> Span {
    if slowness > 1.0 { Span((span.0 as f64 * slowness) as u64) } else { span }
}

/// How many times longer an effort takes at a time, none if it does not go on, and when that changes; none if never.
fn slowness(spells: &[Spell], at: Time, effort: Effort) -> (Option<f64>, Option<Time>) {
    let (mut slowness, mut changes) = (Some(1.0), None::<Time>);
    for spell in spells.iter().filter(|spell| spell.end > at) {
        let change = if spell.begin <= at { spell.end } else { spell.begin };
        changes = Some(changes.map_or(change, |earlier| earlier.min(change)));
        if spell.begin <= at {
            slowness = slowness.zip(spell.pace.slowness(effort)).map(|(one, other)| one * other);
        }
    }
    (slowness, changes)
}

/// When an effort of so many nanoseconds is done that begins at `at`.
fn due(spells: &[Spell], mut at: Time, mut work: f64, effort: Effort) -> Time {
    loop {
        match slowness(spells, at, effort) {
            (None, None) => return Time::MAX,
            (None, Some(goes_on)) => at = goes_on,
            (Some(slowness), changes) => {
                let takes = work * slowness;
                match changes {
                    Some(change) if takes > change.since(at).0 as f64 => {
                        work -= change.since(at).0 as f64 / slowness;
                        at = change;
                    }
                    _ => return at + Span(libm::ceil(takes) as u64),
                }
            }
        }
    }
}

/// How many nanoseconds of an effort are done between two times.
fn done(spells: &[Spell], mut at: Time, to: Time, effort: Effort) -> f64 {
    let mut work = 0.0;
    while at < to {
        let (slowness, changes) = slowness(spells, at, effort);
        let until = changes.map_or(to, |change| change.min(to));
        if let Some(slowness) = slowness {
            work += until.since(at).0 as f64 / slowness;
        }
        at = until;
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId(3);

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::secs(secs)
    }

    fn with(spells: &[(u64, u64, Trouble)]) -> Troubles {
        let mut troubles = Troubles::default();
        for (&(begin, end, trouble), number) in spells.iter().zip(0..) {
            troubles.begin(at(begin), PEER, Turn::first_of(number), trouble, at(end));
        }
        troubles
    }

    #[test]
    fn work_is_stretched_while_it_is_slow_and_stands_still_while_it_is_frozen() {
        let slow = with(&[(10, 20, Trouble::Slow { factor: 2.0 })]);
        assert_eq!(slow.due(at(10), PEER, at(14), Effort::Work), at(18));
        assert_eq!(slow.due(at(10), PEER, at(17), Effort::Work), at(22), "it shrinks back afterwards");
        assert_eq!(slow.due(at(10), PEER, at(14), Effort::Other), at(14));
        assert_eq!(slow.due(at(30), PEER, at(31), Effort::Work), at(31));
        let frozen = with(&[(10, 20, Trouble::Stall)]);
        assert_eq!(frozen.due(at(10), PEER, at(10), Effort::Other), at(20));
        let pretends = with(&[(10, 20, Trouble::Lies)]);
        assert_eq!(pretends.due(at(15), PEER, at(16), Effort::Answer), at(16));
        assert_eq!(pretends.due(at(15), PEER, at(16), Effort::Work), at(21));
        assert_eq!(pretends.work_done(PEER, at(5), at(25)), Span::secs(10));
    }

    #[test]
    fn what_was_planned_before_is_put_off_as_if_it_had_been_known() {
        // Due at 40 s when nothing was known; ten times slower from 20 to 30 s, frozen from 25 to 35 s.
        let both = with(&[(20, 30, Trouble::Slow { factor: 10.0 }), (25, 35, Trouble::Stall)]);
        // 20 s of work are left at 20 s: half a second by 25 s, nothing till 35 s, and then the rest.
        let end = at(35) + Span::millis(19_500);
        assert_eq!(both.put_off(PEER, 0, at(40), Effort::Work), end);
        let after_first = with(&[(20, 30, Trouble::Slow { factor: 10.0 })]);
        let planned = after_first.due(at(20), PEER, at(40), Effort::Work);
        assert_eq!(planned, at(49));
        assert_eq!(both.put_off(PEER, 1, planned, Effort::Work), end);
        assert_eq!(both.put_off(PEER, 2, end, Effort::Work), end);
    }

    #[test]
    fn what_is_switched_off_is_not_frozen_after_that() {
        let mut frozen = with(&[(10, 100, Trouble::Stall)]);
        assert!(frozen.is_frozen(PEER));
        frozen.thaw(at(20), PEER);
        assert!(!frozen.is_frozen(PEER) && !frozen.concern(PEER));
        assert_eq!(frozen.due(at(20), PEER, at(25), Effort::Work), at(25));
    }
}
