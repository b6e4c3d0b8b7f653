//! Messages that come to somebody who will have stopped listening by then: bids after their round, and answers to a
//! broadcast after the time in which they are collected.
//!
//! Where everybody answers, an orchestrator's link is at it long after the orchestrator has what it wants. When such an
//! answer will come is known when it is sent, and so is until when it would be taken ([`Peer::listens_until`]). One
//! that comes too late has nothing to do but to wait in the queue of its actor, where it may take the place of others,
//! and to be rejected. So no event is made of it: [`Late`] keeps them in the order of their arrival, before anything
//! else happens to their receiver they go through its queue one after another ([`World::settle_late`]), and what became
//! of them is booked at once.
//!
//! It changes nothing but the time that a run takes: the queue is the peer's own, and what is rejected it rejects
//! itself. When something happens by which an answer might be taken after all (another round of bids), or to the
//! receiver as a whole (it goes down), those on their way become events as others are ([`World::recall_late`]).
//!
//! [`Peer::listens_until`]: crate::dms::Peer::listens_until

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::event::{Event, PeerId};
use super::host::Rest;
use super::ledger::{Case, Foreseen, fingerprint_of_refusal};
use super::routine::Concern;
use super::world::{Parcel, World};
use crate::dms::actor::BehaviourKind;
use crate::dms::fact::Fact;
use crate::dms::identity::EnsembleId;
use crate::dms::outbox::{Effects, Input, Outbox};
use crate::dms::system::BareSystem;
use crate::kernel::{Cursor, Domain, Time};

/// What a peer draws while it rejects something: nothing.
const UNUSED: Domain = Domain::new("sim.late");

/// A message on its way, by its place among the parcels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Item {
    at: Time,
    /// Counts up, so that equal times come in the order in which the messages were sent.
    number: u64,
    parcel: u32,
    bytes: u32,
    /// What it is about; none for the answer to an operator.
    ensemble: Option<EnsembleId>,
}

/// What is on its way to one peer, and what has come and waits for a worker of it.
#[derive(Debug, Default)]
struct Inflow {
    coming: BinaryHeap<Reverse<Item>>,
    waiting: BinaryHeap<Reverse<Item>>,
    /// How many of both are about each ensemble.
    about: FxHashMap<EnsembleId, u32>,
}

/// All messages that come too late.
#[derive(Debug)]
pub(super) struct Late {
    /// Whether there are any: else each is an event.
    enabled: bool,
    inflows: BTreeMap<PeerId, Inflow>,
    numbers: u64,
}

impl Default for Late {
    fn default() -> Self {
        Self { enabled: true, inflows: BTreeMap::new(), numbers: 0 }
    }
}

impl Late {
    /// Nothing is ever late: whatever comes is an event.
    pub(super) fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    const fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Whatever is on its way and comes too late, or has come and waits: when it is due, at whom, its place among the
    /// parcels, and whether it has come.
    pub(super) fn messages(&self) -> impl Iterator<Item = (Time, PeerId, u32, bool)> {
        self.inflows.iter().flat_map(|(peer, inflow)| {
            let seen =
                |has_come: bool| move |item: &Reverse<Item>| (item.0.at, *peer, item.0.parcel, has_come);
            inflow.coming.iter().map(seen(false)).chain(inflow.waiting.iter().map(seen(true)))
        })
    }

    /// Whether anything comes too late to an actor, and keeps it busy when it does.
    pub(super) fn concerns(&self, peer: PeerId, ensemble: EnsembleId) -> bool {
        let of_peer = || self.inflows.get(&peer).is_some_and(|inflow| inflow.about.contains_key(&ensemble));
        !self.inflows.is_empty() && of_peer()
    }
}

impl Inflow {
    /// What happens next up to a time: an arrival, or a worker gets to what waits.
    fn next(&mut self, until: Time) -> Option<(bool, Item)> {
        let due = |heap: &BinaryHeap<Reverse<Item>>| heap.peek().map(|first| first.0.at);
        let (coming, waiting) = (due(&self.coming), due(&self.waiting));
        let arrives = coming.is_some_and(|at| waiting.is_none_or(|other| at <= other));
        let heap = if arrives { &mut self.coming } else { &mut self.waiting };
        let Reverse(item) = *heap.peek().filter(|first| first.0.at <= until)?;
        heap.pop();
        Some((arrives, item))
    }

    fn comes(&mut self, item: Item) {
        if let Some(ensemble) = item.ensemble {
            *self.about.entry(ensemble).or_default() += 1;
        }
        self.coming.push(Reverse(item));
    }

    /// It is over with a message.
    fn forget(&mut self, item: &Item) {
        if let Some(ensemble) = item.ensemble
            && let Some(count) = self.about.get_mut(&ensemble)
        {
            *count -= 1;
            if *count == 0 {
                self.about.remove(&ensemble);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.coming.is_empty() && self.waiting.is_empty()
    }
}

/// Rejections by the lines of the books.
#[derive(Default)]
struct Rejections(SmallVec<[Foreseen; 2]>);

impl Rejections {
    fn add(&mut self, case: Case, fact: Fact) {
        match self.0.iter_mut().find(|line| line.fact == fact) {
            Some(line) => {
                line.count += 1;
                line.first = line.first.min(case);
            }
            None => self.0.push(Foreseen { count: 1, first: case, fact }),
        }
    }
}

impl World<'_> {
    /// Takes a message that comes to `to` at `at` among those that come too late, if it is sure to. Otherwise it must
    /// become an event.
    pub(super) fn comes_too_late(&self, to: PeerId, at: Time, parcel: &Parcel) -> bool {
        let kind = parcel.envelope.behaviour.kind;
        let host = &self.hosts[to.0 as usize];
        let plain = self.late.enabled
            && matches!(kind, BehaviourKind::Bid | BehaviourKind::ReplyTo)
            && host.rest == Rest::Exempt
            && host.up
            && !self.troubles.is_frozen(to)
            && self.attackers.is_empty()
            && !self.is_observed(to);
        plain && host.peer.listens_until(&parcel.envelope).is_some_and(|end| end < self.clock_of(to, at))
    }

    /// A message that comes too late is on its way. The actor that it keeps busy then has no routine before it is over.
    pub(super) fn await_late(&mut self, now: Time, to: PeerId, at: Time, (parcel, bytes): (u32, u32)) {
        let sent = self.parcels.get(parcel).expect("it has just been put there");
        let ensemble = sent.envelope.ensemble();
        if let Some(ensemble) = ensemble {
            self.disturb(now, to, Concern::Ensemble(ensemble));
        }
        let number = self.late.next_number();
        self.late.inflows.entry(to).or_default().comes(Item { at, number, parcel, bytes, ensemble });
    }

    /// Something is about to happen to a peer: what has come too late by now has gone through its queue before.
    #[inline]
    pub(super) fn settle_late(&mut self, now: Time, peer: PeerId) {
        // While rounds are made up for, what the workers have done since is set apart.
        if !self.late.inflows.is_empty()
            && !self.routines.is_making_up()
            && let Some(mut inflow) = self.late.inflows.remove(&peer)
        {
            self.settle_inflow(now, peer, &mut inflow);
            if !inflow.is_empty() {
                self.late.inflows.insert(peer, inflow);
            }
        }
    }

    /// The same for all peers.
    pub(super) fn settle_all_late(&mut self, now: Time) {
        let peers: Vec<PeerId> = self.late.inflows.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.settle_late(now, peer));
    }

    fn settle_inflow(&mut self, now: Time, peer: PeerId, inflow: &mut Inflow) {
        let mut effects = Effects::default();
        let mut rejections = Rejections::default();
        while let Some((arrives, item)) = inflow.next(now) {
            let Item { at, parcel, bytes, ensemble, .. } = item;
            let one = self.parcels.get(parcel).expect("a message is kept until it has been handled");
            let (envelope, transport) = (&one.envelope, one.transport.as_ref());
            let input = match arrives {
                true => Input::Arrival { envelope, bytes: u64::from(bytes), transport },
                false => Input::Dispatch(envelope),
            };
            let mut own = Cursor::default();
            let random = self.streams.rng(UNUSED, 0, &mut own);
            let mut outbox = Outbox { effects: &mut effects, random, system: &BareSystem };
            let clock = self.clock_of(peer, at);
            self.hosts[peer.0 as usize].peer.handle(clock, input, &mut outbox);
            let case = Case { asked: one.sent, peer };
            effects.facts.drain(..).for_each(|fact| rejections.add(case, fact));
            let signatures = one.envelope.signature_count();
            if arrives {
                self.ledger.delivered();
            }
            match effects.admitted.take() {
                Some(worker) => {
                    let busy_until = self.hosts[peer.0 as usize].busy_until(worker);
                    let done = at.max(*busy_until) + self.setup.processing.of(signatures);
                    *busy_until = done;
                    let number = self.late.next_number();
                    inflow.waiting.push(Reverse(Item { at: done, number, parcel, bytes, ensemble }));
                }
                None => {
                    inflow.forget(&item);
                    self.parcels.release(parcel);
                }
            }
        }
        debug_assert!(effects.sends.is_empty() && effects.timers.is_empty() && effects.actions.is_empty());
        for line in rejections.0 {
            let deployment = self.ledger.deployment_of_fact(&line.fact);
            let print = fingerprint_of_refusal(peer, deployment, &line.fact).expect("it is a late answer");
            self.ledger.absorb_refusals(print.wrapping_mul(u128::from(line.count)));
            self.book_foreseen(line);
        }
    }

    /// What is on its way to a peer becomes events: what is about a deployment of it that asks for bids again, or all,
    /// when the peer goes down.
    pub(super) fn recall_late(&mut self, now: Time, peer: PeerId, of: Option<EnsembleId>) {
        self.settle_late(now, peer);
        let Some(inflow) = self.late.inflows.remove(&peer) else { return };
        let life = self.hosts[peer.0 as usize].life;
        let is_concerned = |item: &Item| of.is_none() || item.ensemble == of;
        let Inflow { coming, waiting, mut about } = inflow;
        let split = |heap: BinaryHeap<Reverse<Item>>| {
            let all = heap.into_iter().map(|Reverse(item)| item);
            let (mut concerned, others): (Vec<Item>, Vec<Item>) = all.partition(is_concerned);
            concerned.sort_unstable();
            (concerned, others.into_iter().map(Reverse).collect())
        };
        let ((arrivals, coming), (dispatches, waiting)) = (split(coming), split(waiting));
        for Item { at, parcel, bytes, .. } in arrivals {
            self.queue.post(at, Event::Arrive { peer, envelope: parcel, bytes });
        }
        for Item { at, parcel, .. } in dispatches {
            self.queue.post(at, Event::Dispatch { peer, life, envelope: parcel });
        }
        match of {
            Some(ensemble) => drop(about.remove(&ensemble)),
            None => about.clear(),
        }
        let kept = Inflow { coming, waiting, about };
        if !kept.is_empty() {
            self.late.inflows.insert(peer, kept);
        }
    }
}
