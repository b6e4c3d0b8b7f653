//! What peers at rest will answer to a request for bids, told when it is sent.
//!
//! A request for bids goes to everybody, and nearly everybody refuses: a million times a request, a thousand requests
//! an hour. What a provider says follows from its machine and its authority alone as long as nothing else has happened
//! to it. So no event is made for such a provider, and nothing is built for it: when a request is published, all
//! providers at rest are gone through in the order of their numbers. Those who would bid get the request as always.
//! The refusals of the others are booked together once all of them have come about.
//!
//! It changes nothing but the time that a run takes. When something happens to a peer at rest before its worker has got
//! to the request, the refusal is taken back and the request comes to it as an event like all others
//! ([`World::stir`]). When each of them gets to it is told by [`Network::arrival`](crate::net::Network::arrival), the
//! same for those who are asked beforehand and those who are not. [`World::step_by_step`] does without, and the tests
//! compare the two. Only where delays are constant, so that much falls on the same nanosecond, the order of what does
//! may be another one: there the one run is as good as the other.
//!
//! What a request is worth to the members of a group, its *verdict*, is found by handing it to a peer that is like them
//! but for key and machine. What a machine has to do with it is asked of `dms::provider::Bidder`, which providers ask
//! as well. [`members`] has what tells the members of a group apart, [`outlook`] what they say to a request.

mod members;
mod outlook;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use self::members::Group;
pub(super) use self::outlook::Outlook;
use self::outlook::{Line, Resting, Verdict};
use super::event::{Event, PeerId};
use super::host::{Host, Rest};
use super::late::Late;
use super::ledger::{Case, Foreseen};
use super::population::{Blueprint, Population, is_built_when_needed};
use super::routine::Routines;
use super::setup::{PeerGroup, Setup};
use super::standing::Reach;
use super::world::{Parcel, World};
use crate::dms::actor::{BehaviourKind, Envelope, Message, Worker};
use crate::dms::capability::RevocationSet;
use crate::dms::fact::Fact;
use crate::dms::identity::PeerId as HostId;
use crate::dms::outbox::{Effects, Input, Outbox};
use crate::dms::system::BareSystem;
use crate::kernel::{Domain, Span, Time, Timestamp};
use crate::net::network::Broadcast;
use crate::net::{Delivery, EndpointId, EndpointSet};

/// After so long everybody has got to a message, or never will: no delay between two peers is near it.
const HORIZON: Span = Span::secs(10);
/// What a likeness draws; nothing of it is used.
const LIKENESS: Domain = Domain::new("sim.foresight");

/// A request on its way to peers at rest.
struct Wave {
    sent: Time,
    /// The place of its envelope among the parcels.
    parcel: u32,
    bytes: u32,
    broadcast: Broadcast,
    /// How long a worker takes for it.
    work: Span,
    outlook: Outlook,
    /// When those got to it to whom something has happened since: what is on their links may have changed.
    told: FxHashMap<PeerId, Time>,
}

/// The requests that are on their way to peers at rest.
#[derive(Default)]
pub(super) struct Foresight {
    groups: Vec<Group>,
    /// In the order in which they were sent.
    waves: VecDeque<Wave>,
    /// Refusals of a peer are being taken back.
    pub(super) recalling: bool,
}

impl Foresight {
    /// For the providers of a setup that are built when something happens to them.
    pub(super) fn of(setup: &Setup, blueprints: &[(u32, Arc<Blueprint>)], population: &Population) -> Self {
        let all = setup.groups.iter().zip(blueprints).filter(|(group, _)| is_built_when_needed(group));
        let group = |(description, (first, blueprint)): (&PeerGroup, &(u32, Arc<Blueprint>))| {
            let members = &population.members()[*first as usize..][..description.count as usize];
            Group::new(*first, blueprint, members)
        };
        Self { groups: all.map(group).collect(), ..Self::default() }
    }

    /// The group of a peer that was built for nothing so far, and its place among the members.
    fn find(&self, peer: PeerId) -> Option<(&Group, usize)> {
        let place = self.groups.partition_point(|group| group.first <= peer.0).checked_sub(1)?;
        let group = &self.groups[place];
        Some((group, group.row_of(peer)?))
    }

    /// The id of a member of a group.
    pub(super) fn host(&self, peer: PeerId) -> Option<HostId> {
        self.find(peer).map(|(group, row)| group.host(row))
    }

    /// The id of a host, which is not built for it where it is at rest.
    pub(super) fn id_of(&self, host: &Host) -> HostId {
        self.host(PeerId(host.number)).unwrap_or_else(|| host.peer.handle_of_root().host)
    }

    /// How much processor a member of a group offers, in thousandths of a core.
    pub(super) fn offered_cores_milli(&self, peer: PeerId) -> Option<u64> {
        self.find(peer).map(|(group, row)| group.offered_cores_milli(row))
    }
}

impl World<'_> {
    /// Has every receiver of a broadcast get to it as an event, and every answer come as one, and leaves no round of
    /// supervision out.
    #[must_use]
    pub fn step_by_step(mut self) -> Self {
        self.go_step_by_step();
        self
    }

    /// The same.
    pub(super) fn go_step_by_step(&mut self) {
        self.foresight = Foresight::default();
        self.routines = Routines::off();
        self.late = Late::off();
    }

    /// What is foreseen of a message that is about to be published; none where nothing is.
    pub(super) fn foresee(&self, now: Time, parcel: &Parcel, reach: &Reach, bytes: u32) -> Option<Outlook> {
        let envelope = &parcel.envelope;
        let Message::BidRequest(request) = &envelope.message else { return None };
        let foreseeable = matches!(reach, Reach::Everybody)
            && envelope.behaviour.kind == BehaviourKind::BidRequest
            && !self.foresight.groups.is_empty()
            && self.attackers.is_empty()
            && self.network.is_undisturbed();
        if !foreseeable {
            return None;
        }
        let clock = self.clock(now);
        let deployment = self.ledger.number_of(request.ensemble);
        let verdicts = self.foresight.groups.iter();
        let verdicts = verdicts.map(|group| self.verdict_of(group, envelope, bytes, clock)).collect();
        // Who knows one of the tokens to be revoked judges by what it knows.
        let names =
            |known: &Arc<RevocationSet>| envelope.tokens.iter().any(|token| known.names_any_link(token));
        let concerned: Vec<bool> = self.lore.sets().iter().map(names).collect();
        let resting = |peer: PeerId| {
            let host = &self.hosts[peer.0 as usize];
            let inside = || host.built().map(|inside| &inside.peer);
            match host.rest {
                _ if !host.up || concerned[host.known() as usize] || self.troubles.is_frozen(peer) => None,
                Rest::Fresh => Some(Resting::AsBuilt),
                Rest::Changed => inside().map(Resting::Changed),
                Rest::Granted => inside().map(Resting::Granted),
                Rest::Busy | Rest::Exempt => None,
            }
        };
        let mut outlook = Outlook::new((request, envelope.nonce), deployment, verdicts);
        outlook.ask(&self.foresight.groups, resting);
        Some(outlook)
    }

    /// What becomes of a request with the members of a group: what becomes of it with one that is like them.
    fn verdict_of(&self, group: &Group, envelope: &Envelope, bytes: u32, clock: Timestamp) -> Verdict {
        let mut peer = group.blueprint.likeness().peer;
        let mut effects = Effects::default();
        let mut hand = |effects: &mut Effects, input: Input<'_>| {
            let random = self.streams.owned(LIKENESS, 0);
            // Of the system a request for bids asks nothing.
            peer.handle(clock, input, &mut Outbox { effects, random, system: &BareSystem });
        };
        let arrival = Input::Arrival { envelope, bytes: u64::from(bytes), transport: None };
        hand(&mut effects, arrival);
        // By a clock that is right it may have expired, where the clocks of others let it pass.
        if effects.admitted.is_none() {
            return Verdict::Open;
        }
        hand(&mut effects, Input::Dispatch(envelope));
        let Effects { facts, sends, actions, admitted, crashed, .. } = &mut effects;
        let is_bid = |sent: &Envelope| sent.behaviour.kind == BehaviourKind::Bid;
        if admitted.is_none() || *crashed || !actions.is_empty() || !sends.iter().all(is_bid) {
            return Verdict::Open;
        }
        if let [Fact::MessageRejected { .. }] = facts.as_slice() {
            return Verdict::Rejected(facts.drain(..).next().map(Box::new).expect("there is one"));
        }
        let of_bids = |fact: &Fact| matches!(fact, Fact::BidRefused { .. } | Fact::BidMade(_));
        if facts.iter().all(of_bids) { Verdict::Judged } else { Verdict::Open }
    }

    /// A message of which something is foreseen is on its way.
    pub(super) fn await_foreseen(
        &mut self,
        now: Time,
        outlook: Outlook,
        (parcel, bytes): (u32, u32),
        broadcast: Broadcast,
    ) {
        let envelope = &self.parcels.get(parcel).expect("it has just been published").envelope;
        let work = self.setup.processing.of(envelope.signature_count());
        self.parcels.retain(parcel, 1);
        self.foresight.waves.push_back(Wave {
            sent: now,
            parcel,
            bytes,
            broadcast,
            work,
            outlook,
            told: FxHashMap::default(),
        });
        self.queue.post(now + HORIZON, Event::Foreseen);
    }

    /// Something is about to happen to a peer: what it has not got to by now comes to it as events.
    #[inline]
    pub(super) fn stir(&mut self, now: Time, peer: PeerId) {
        if !self.foresight.waves.is_empty() && !self.foresight.recalling {
            self.foresight.recalling = true;
            self.recall(now, peer);
            self.foresight.recalling = false;
        }
    }

    /// A peer has handled something: what can be told of it from now on.
    #[inline]
    pub(super) fn come_to_rest(&mut self, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        if host.rest == Rest::Exempt || self.foresight.groups.is_empty() {
            return;
        }
        host.share_lore(&mut self.lore);
        let (group, _) = self.foresight.find(peer).expect("it is a member of a group");
        let inside = host.built().expect("it has just handled something");
        host.rest = match &inside.peer {
            peer if !peer.is_idle() => Rest::Busy,
            peer if !group.is_anchored_as_ever(peer) => Rest::Granted,
            peer if peer.provider().is_fresh() => Rest::Fresh,
            _ => Rest::Changed,
        };
    }

    /// Somebody does something to a peer that is not done to its group: from now on it is like no other.
    pub(super) fn single_out(&mut self, now: Time, peer: PeerId) {
        self.rouse(now, peer);
        self.hosts[peer.0 as usize].rest = Rest::Exempt;
    }

    /// Puts a peer away that has just handled something, if nothing of it is left but what it has learnt.
    #[inline]
    pub(super) fn put_away(&mut self, now: Time, peer: PeerId) {
        // One whose anchors have changed is not fresh: they are not among what is kept.
        if self.hosts[peer.0 as usize].rest == Rest::Fresh && !self.foresight.groups.is_empty() {
            let clock = self.clock(now);
            self.hosts[peer.0 as usize].put_away(now, clock, &mut self.lore);
        }
    }

    /// Takes back the refusals that a peer has not come to by now; the messages come to it as events.
    fn recall(&mut self, now: Time, peer: PeerId) {
        let concerned = |wave: &Wave| {
            wave.outlook.refusing.contains(EndpointId(peer.0)) && !wave.told.contains_key(&peer)
        };
        let waves = self.foresight.waves.iter().enumerate().filter(|(_, wave)| concerned(wave));
        let mut due: SmallVec<[(Time, usize); 4]> =
            waves.map(|(place, wave)| (self.arrival_of(wave, peer), place)).collect();
        due.sort_unstable();
        let mut busy_until = Time::ZERO;
        for (at, place) in due {
            let wave = &mut self.foresight.waves[place];
            let done = busy_until.max(at) + wave.work;
            let before = std::mem::replace(&mut busy_until, done);
            if done <= now {
                wave.told.insert(peer, done);
                continue;
            }
            let (envelope, bytes) = (wave.parcel, wave.bytes);
            self.take_back(place, peer);
            self.parcels.retain(envelope, 1);
            if at > now {
                self.queue.post(at, Event::Arrive { peer, envelope, bytes });
            } else {
                // It has come, and waits for the worker.
                *self.hosts[peer.0 as usize].busy_until(Worker::ROOT) = before;
                self.queue.leave_wave();
                self.arrive(at, peer, envelope, bytes);
            }
        }
    }

    /// When a message comes to a peer to which nothing has happened since it was sent.
    fn arrival_of(&self, wave: &Wave, peer: PeerId) -> Time {
        match self.network.arrival(&wave.broadcast, EndpointId(peer.0)) {
            Delivery::At(at) => at,
            Delivery::Lost(_) => unreachable!("nothing is foreseen where messages are lost"),
        }
    }

    /// A peer will not refuse a message, or not yet.
    fn take_back(&mut self, place: usize, peer: PeerId) {
        let Foresight { groups, waves, .. } = &mut self.foresight;
        waves[place].outlook.remove(groups, peer);
    }

    /// What lies between peers is about to change, and with it when messages arrive: those on their way become events.
    pub(super) fn recall_all(&mut self, now: Time) {
        let sets = self.foresight.waves.iter().map(|wave| &wave.outlook.refusing);
        let peers: BTreeSet<EndpointId> = sets.flat_map(EndpointSet::iter).collect();
        for peer in peers {
            self.stir(now, PeerId(peer.0));
        }
        self.end_routines(now);
    }

    /// How many peers at rest have yet to get to a request for bids, those included that did since it was sent.
    pub(super) fn foreseen_under_way(&self) -> u64 {
        self.foresight.waves.iter().map(|wave| wave.outlook.refusing.iter().count() as u64).sum()
    }

    /// All receivers of the oldest message on its way have got to it.
    pub(super) fn close_foreseen(&mut self) {
        let Some(wave) = self.foresight.waves.pop_front() else { return };
        let Wave { sent, parcel, outlook, .. } = wave;
        self.ledger.foreseen_deliveries(outlook.refusing.len() as u64);
        self.ledger.absorb_refusals(outlook.sum());
        for Line { count, first, fact } in outlook.into_lines() {
            self.book_foreseen(Foreseen { count, first: Case { asked: sent, peer: first }, fact });
        }
        self.parcels.release(parcel);
    }

    /// When a peer that refuses a message gets to it.
    fn done_of(&self, wave: &Wave, peer: PeerId) -> Time {
        wave.told.get(&peer).copied().unwrap_or_else(|| self.arrival_of(wave, peer) + wave.work)
    }

    /// The run ends: what has not come about by then does not.
    pub(super) fn end_foresight(&mut self, stopped: Time) {
        for place in 0..self.foresight.waves.len() {
            let wave = &self.foresight.waves[place];
            let mut admitted = 0;
            let mut missing = Vec::new();
            for peer in wave.outlook.refusing.iter() {
                let peer = PeerId(peer.0);
                if self.done_of(wave, peer) > stopped {
                    missing.push(peer);
                    admitted += u64::from(self.arrival_of(wave, peer) <= stopped);
                }
            }
            missing.into_iter().for_each(|peer| self.take_back(place, peer));
            self.ledger.foreseen_deliveries(admitted);
        }
        while !self.foresight.waves.is_empty() {
            self.close_foreseen();
        }
    }

    /// How many peers have rejected messages, by what is foreseen, of which the books say nothing yet.
    pub(super) fn unbooked_rejections(&self, now: Time) -> u64 {
        let of_wave = |wave: &Wave| {
            let rejecting = |(group, verdict): (&Group, &Verdict)| -> u64 {
                let Verdict::Rejected(_) = verdict else { return 0 };
                let rejects = |peer: &PeerId| {
                    wave.outlook.refusing.contains(EndpointId(peer.0)) && self.done_of(wave, *peer) <= now
                };
                group.peers().filter(rejects).count() as u64
            };
            self.foresight.groups.iter().zip(wave.outlook.verdicts()).map(rejecting).sum::<u64>()
        };
        self.foresight.waves.iter().map(of_wave).sum()
    }
}
