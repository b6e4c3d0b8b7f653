//! What is to happen, in the order of time: the event queue, and beside it the broadcasts on their way.
//!
//! A broadcast reaches thousands at times that are all known when it is published. They are sorted once, into a
//! [`Wave`], instead of passing through the queue one by one, and so are the times at which idle workers get to the
//! message: each a constant span after its arrival, thus in the order of arrivals. What comes out is the same events at
//! the same times.
//!
//! Among equal times broadcasts come first, those published earlier before later ones, and of one the arrivals before
//! what workers get to; then come the other events in the order of scheduling.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::event::{Event, PeerId};
use crate::kernel::{EventQueue, Time};

/// A message that an idle worker will get to.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: Time,
    peer: PeerId,
    life: u32,
}

/// A broadcast on its way.
#[derive(Debug, Default)]
struct Wave {
    /// Its place among the envelopes in flight.
    envelope: u32,
    bytes: u32,
    /// Who has yet to get it and when, the next one last.
    arrivals: Vec<(Time, PeerId)>,
    waiting: VecDeque<Waiting>,
}

impl Wave {
    /// When something happens next.
    fn next(&self) -> Option<Time> {
        let arrival = self.arrivals.last().map(|(at, _)| *at);
        let waiting = self.waiting.front().map(|waiting| waiting.at);
        [arrival, waiting].into_iter().flatten().min()
    }

    fn pop(&mut self) -> Option<(Time, Event)> {
        let waiting = self.waiting.front().map(|waiting| waiting.at);
        let envelope = self.envelope;
        if let Some((at, peer)) = self.arrivals.pop_if(|(at, _)| waiting.is_none_or(|first| *at <= first)) {
            return Some((at, Event::Arrive { peer, envelope, bytes: self.bytes }));
        }
        let Waiting { at, peer, life } = self.waiting.pop_front()?;
        Some((at, Event::Dispatch { peer, life, envelope }))
    }
}

/// All that is to happen in a run.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    queue: EventQueue<Event>,
    waves: Vec<Wave>,
    /// The next moment of each wave that is not over, with its number among all and its place among the waves.
    order: BinaryHeap<Reverse<(Time, u64, u32)>>,
    /// Places of waves that are over.
    free: Vec<u32>,
    published: u64,
    /// The wave of the event that was taken last.
    current: Option<u32>,
    now: Time,
}

impl Agenda {
    /// Plans an event.
    ///
    /// # Panics
    /// If `at` has passed.
    pub(super) fn post(&mut self, at: Time, event: Event) {
        assert!(at >= self.now, "an event is planned for a time that has passed");
        self.queue.post(at, event);
    }

    /// Plans the arrivals of a broadcast: who gets it when, in any order.
    ///
    /// # Panics
    /// If one of them has passed.
    pub(super) fn publish(
        &mut self,
        envelope: u32,
        bytes: u32,
        arrivals: impl FnOnce(&mut dyn FnMut(PeerId, Time)),
    ) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.waves.push(Wave::default());
            self.waves.len() as u32 - 1
        });
        let wave = &mut self.waves[place as usize];
        (wave.envelope, wave.bytes) = (envelope, bytes);
        arrivals(&mut |peer, at| wave.arrivals.push((at, peer)));
        // Equal times stay in the order given, which the stable sort and the reversal of the whole keep.
        wave.arrivals.reverse();
        wave.arrivals.sort_by_key(|(at, _)| Reverse(*at));
        match wave.next() {
            Some(at) => {
                assert!(at >= self.now, "a broadcast arrives at a time that has passed");
                self.order.push(Reverse((at, self.published, place)));
            }
            None => self.free.push(place),
        }
        self.published += 1;
    }

    /// What is planned from now on does not belong to the broadcast of the event that was taken last.
    pub(super) fn leave_wave(&mut self) {
        self.settle();
    }

    /// Plans when a worker gets to the message whose arrival was taken last. `idle` when it has nothing else to do
    /// before.
    pub(super) fn post_dispatch(&mut self, at: Time, (peer, life, envelope): (PeerId, u32, u32), idle: bool) {
        match self.current {
            Some(place) if idle => {
                let wave = &mut self.waves[place as usize];
                debug_assert!(
                    wave.envelope == envelope && wave.waiting.back().is_none_or(|last| last.at <= at)
                );
                wave.waiting.push_back(Waiting { at, peer, life });
            }
            _ => self.post(at, Event::Dispatch { peer, life, envelope }),
        }
    }

    /// Takes the next event, if it happens up to `last`, that very time included.
    pub(super) fn pop_until(&mut self, last: Time) -> Option<(Time, Event)> {
        self.settle();
        let wave = self.order.peek().map(|Reverse((at, ..))| *at).filter(|at| *at <= last);
        let before = wave.unwrap_or(Time(last.0.saturating_add(1)));
        let (at, event) = match self.queue.pop_before(before) {
            Some(next) => next,
            None => {
                let Reverse((.., place)) = self.order.peek().filter(|_| wave.is_some())?;
                self.current = Some(*place);
                self.waves[*place as usize].pop().expect("a wave in the order has something to come")
            }
        };
        self.now = at;
        Some((at, event))
    }

    /// When something happens next.
    pub(super) fn next_time(&mut self) -> Option<Time> {
        self.settle();
        let wave = self.order.peek().map(|Reverse((at, ..))| *at);
        [wave, self.queue.peek_time()].into_iter().flatten().min()
    }

    /// All that is planned, in the order of time; of equal times broadcasts first. It visits everything: for whoever
    /// looks, not for the way of an event.
    pub(super) fn upcoming(&self) -> Vec<(Time, Event)> {
        let mut all: Vec<(Time, Event)> = Vec::new();
        for wave in &self.waves {
            let envelope = wave.envelope;
            let arrive = |(at, peer): &(Time, PeerId)| {
                (*at, Event::Arrive { peer: *peer, envelope, bytes: wave.bytes })
            };
            all.extend(wave.arrivals.iter().rev().map(arrive));
            let dispatch =
                |one: &Waiting| (one.at, Event::Dispatch { peer: one.peer, life: one.life, envelope });
            all.extend(wave.waiting.iter().map(dispatch));
        }
        all.extend(self.queue.upcoming());
        all.sort_by_key(|(at, _)| *at);
        all
    }

    /// It is this time now, before which nothing is planned any more.
    pub(super) fn skip_to(&mut self, now: Time) {
        self.settle();
        self.now = self.now.max(now);
    }

    /// Brings the wave of the event taken last to its new place in the order: only now is it known whether that event
    /// has led to another one.
    fn settle(&mut self) {
        let Some(place) = self.current.take() else { return };
        let mut first = self.order.peek_mut().expect("the wave taken from last is still the first");
        match self.waves[place as usize].next() {
            Some(at) => first.0.0 = at,
            None => {
                std::collections::binary_heap::PeekMut::pop(first);
                self.free.push(place);
            }
        }
    }

    /// The time of the event taken last, or a later one to which all was taken; zero before the first.
    #[must_use]
    pub(super) const fn now(&self) -> Time {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Rng, Span, Streams};

    /// Draws times that differ, and some that do not.
    fn some_time(rng: &mut Rng<'_>, after: Time) -> Time {
        after + Span(rng.below(3) * rng.below(5_000))
    }

    /// Time, class (0 for broadcasts), number, arrivals before dispatches, order of planning.
    type Rank = (Time, u8, u64, u8, u64);

    /// What happens with everything in one plain list, sorted by the rule of equal times.
    #[derive(Default)]
    struct Plain {
        list: Vec<(Rank, Event)>,
        planned: u64,
    }

    impl Plain {
        fn plan(&mut self, (at, class, number, kind): (Time, u8, u64, u8), event: Event) {
            self.planned += 1;
            self.list.push(((at, class, number, kind, self.planned), event));
        }

        fn pop(&mut self) -> Option<((Time, u8, u64), Event)> {
            let first = (0..self.list.len()).min_by_key(|place| self.list[*place].0)?;
            let ((at, class, number, ..), event) = self.list.remove(first);
            Some(((at, class, number), event))
        }
    }

    #[test]
    fn what_comes_is_what_a_plain_list_gives() {
        for seed in 0..200 {
            let mut rng = Streams::new(seed).owned(Domain::new("sim.agenda.test"), 0);
            let (mut agenda, mut plain) = (Agenda::default(), Plain::default());
            let (mut now, mut broadcasts, mut left) = (Time(0), 0_u64, 400);
            let mut taken = 0;
            loop {
                // A handful of things to come, as long as there is something left to plan.
                while left > 0 && rng.below(3) == 0 {
                    left -= 1;
                    if rng.below(4) > 0 {
                        let (at, event) = (some_time(&mut rng, now), Event::Churn(PeerId(left)));
                        agenda.post(at, event);
                        plain.plan((at, 1, 0, 0), event);
                        continue;
                    }
                    let arrivals: Vec<_> =
                        (0..rng.below(6) as u32).map(|n| (PeerId(n), some_time(&mut rng, now))).collect();
                    let envelope = broadcasts as u32;
                    agenda.publish(envelope, 7, |deliver| {
                        arrivals.iter().for_each(|(peer, at)| deliver(*peer, *at));
                    });
                    for (peer, at) in arrivals {
                        let event = Event::Arrive { peer, envelope, bytes: 7 };
                        plain.plan((at, 0, broadcasts, 0), event);
                    }
                    broadcasts += 1;
                }
                let Some(((at, class, number), expected)) = plain.pop() else {
                    assert_eq!(agenda.pop_until(Time(u64::MAX - 1)), None);
                    if left == 0 {
                        break;
                    }
                    continue;
                };
                if at > now {
                    assert_eq!(agenda.pop_until(Time(at.0 - 1)), None);
                }
                assert_eq!(agenda.pop_until(at), Some((at, expected)));
                assert_eq!(agenda.now(), at);
                now = at;
                taken += 1;
                if let Event::Arrive { peer, envelope, .. } = expected {
                    let idle = rng.below(4) > 0;
                    let due = now + Span(if idle { 60 } else { 100 + rng.below(300) });
                    agenda.post_dispatch(due, (peer, 1, envelope), idle);
                    let event = Event::Dispatch { peer, life: 1, envelope };
                    let key = if idle { (due, class, number, 1) } else { (due, 1, 0, 0) };
                    plain.plan(key, event);
                }
            }
            assert!(taken > 300, "{taken}");
        }
    }
}
