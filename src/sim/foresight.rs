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
//! as well.

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use super::event::{Event, PeerId};
use super::host::Rest;
use super::ledger::{Case, Foreseen, fingerprint_of_refusal, line_of};
use super::population::{Blueprint, Population, is_built_when_needed};
use super::routine::Routines;
use super::setup::{PeerGroup, Setup};
use super::standing::Reach;
use super::world::{Parcel, World};
use crate::dms::Peer;
use crate::dms::actor::{BehaviourKind, BidRequest, Envelope, Message, Worker};
use crate::dms::fact::Fact;
use crate::dms::identity::PeerId as HostId;
use crate::dms::outbox::{Effects, Input, Outbox};
use crate::dms::provider::{BidRefusal, Bidder, Machine};
use crate::dms::suppression::Ticket;
use crate::dms::system::BareSystem;
use crate::kernel::{Domain, Span, Time, Timestamp};
use crate::net::network::Broadcast;
use crate::net::{Delivery, EndpointId, EndpointSet};

/// After so long everybody has got to a message, or never will: no delay between two peers is near it.
const HORIZON: Span = Span::secs(10);
/// What a likeness draws; nothing of it is used.
const LIKENESS: Domain = Domain::new("sim.foresight");

/// What of a provider at rest decides whether it bids.
pub(super) struct Prospect {
    pub(super) machine: Machine,
    pub(super) host: HostId,
    ticket: Ticket,
}

/// A group whose members are built when something happens to them.
struct Group {
    /// The number of its first member; the others follow.
    first: u32,
    blueprint: Arc<Blueprint>,
    members: Vec<Prospect>,
    /// How many anchors and revocations each of them begins with.
    anchors: [usize; 4],
}

/// How many roots, side chains, tokens of its own and revocations a node knows.
fn anchors(peer: &Peer) -> [usize; 4] {
    let context = peer.capabilities();
    [
        context.roots().len(),
        context.require_anchors().len(),
        context.provide_anchors().len(),
        context.revocations().len(),
    ]
}

/// What becomes of a request with all members of a group.
enum Verdict {
    /// They reject it, with this fact, before they look at it.
    Rejected(Box<Fact>),
    /// It is for each of them to say.
    Judged,
    /// It leads to more than can be told beforehand.
    Open,
}

/// What a peer says, with the line of each.
type Said = SmallVec<[(u64, Fact); 1]>;

/// Refusals that share a line of the books, and what the first of them says.
struct Line {
    key: u64,
    count: u64,
    first: PeerId,
    fact: Fact,
}

/// What peers at rest will say to a request.
pub(super) struct Outlook {
    deployment: Option<u32>,
    /// In the order of the groups.
    verdicts: Vec<Verdict>,
    /// Those who will refuse.
    pub(super) refusing: EndpointSet,
    lines: Vec<Line>,
    /// What those of them say that do not judge as new ones.
    changed: FxHashMap<PeerId, Said>,
    /// The sum of the fingerprints of all refusals.
    sum: u128,
}

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
        let group = |(description, (first, blueprint)): (&PeerGroup, &(u32, Arc<Blueprint>))| {
            let member = |number: u32| {
                let secret = blueprint.secret(number);
                Prospect {
                    machine: blueprint.machine(number, population.members()[number as usize].city),
                    host: HostId(secret.public()),
                    ticket: Ticket::of(&secret),
                }
            };
            Group {
                first: *first,
                blueprint: Arc::clone(blueprint),
                members: (*first..*first + description.count).map(member).collect(),
                anchors: anchors(&blueprint.specimen().peer),
            }
        };
        let all = setup.groups.iter().zip(blueprints);
        let groups = all.filter(|(group, _)| is_built_when_needed(setup, group)).map(group);
        Self { groups: groups.collect(), ..Self::default() }
    }

    /// What decides whether a peer bids, for the members of the groups.
    pub(super) fn prospect(&self, peer: PeerId) -> Option<&Prospect> {
        let group = self.groups.partition_point(|group| group.first <= peer.0).checked_sub(1)?;
        let Group { first, members, .. } = &self.groups[group];
        members.get((peer.0 - first) as usize)
    }
}

/// The places of a peer's group, and its own in it.
fn place_of(groups: &[Group], peer: PeerId) -> (usize, usize) {
    let group = groups.partition_point(|group| group.first <= peer.0) - 1;
    (group, (peer.0 - groups[group].first) as usize)
}

impl Outlook {
    /// What a peer at rest says if it bids for nothing; `changed` when it does not judge as one that is new.
    fn refusals(
        &self,
        groups: &[Group],
        envelope: &Envelope,
        peer: PeerId,
        changed: Option<&Peer>,
    ) -> Option<Said> {
        let (place, row) = place_of(groups, peer);
        let Group { blueprint, members, anchors: usual, .. } = &groups[place];
        let Message::BidRequest(request) = &envelope.message else { return None };
        let alike = changed.is_none_or(|peer| anchors(peer) == *usual);
        match &self.verdicts[place] {
            Verdict::Rejected(fact) if alike => Some(smallvec![(0, (**fact).clone())]),
            Verdict::Judged if alike || Self::is_authorised_still(changed, request) => {
                let Prospect { machine, host, ticket } = &members[row];
                let bidder = match changed {
                    Some(peer) => peer.bidder(*ticket, request.ensemble),
                    None => Bidder::fresh(machine, *host, *ticket, blueprint.profile()),
                };
                let (mut said, ensemble) = (Said::new(), request.ensemble);
                let chosen = bidder.choose(request, envelope.nonce, &mut |refusal: BidRefusal| {
                    said.push((line_of(&refusal), Fact::BidRefused { ensemble, refusal }));
                });
                chosen.is_none().then_some(said)
            }
            Verdict::Rejected(_) | Verdict::Judged | Verdict::Open => None,
        }
    }

    /// Whether a peer accepts what its group accepts, whatever it has been granted since: only revocations take away,
    /// and only contracts lead it to ask others.
    fn is_authorised_still(changed: Option<&Peer>, request: &BidRequest) -> bool {
        changed.is_some_and(|peer| peer.capabilities().revocations().is_empty())
            && request.contracts.is_empty()
    }

    /// Takes a peer up that comes after all that are in it, if it refuses.
    fn add(&mut self, groups: &[Group], envelope: &Envelope, peer: PeerId, changed: Option<&Peer>) {
        let Some(said) = self.refusals(groups, envelope, peer, changed) else { return };
        self.refusing.insert(EndpointId(peer.0));
        for (key, fact) in &said {
            self.sum = self.sum.wrapping_add(self.print(peer, fact));
            match self.lines.iter_mut().find(|line| line.key == *key) {
                Some(line) => line.count += 1,
                None => self.lines.push(Line { key: *key, count: 1, first: peer, fact: fact.clone() }),
            }
        }
        if changed.is_some() {
            self.changed.insert(peer, said);
        }
    }

    fn print(&self, peer: PeerId, fact: &Fact) -> u128 {
        fingerprint_of_refusal(peer, self.deployment, fact).expect("it is about a request for bids")
    }

    /// What a peer said when it was taken up.
    fn said(&self, groups: &[Group], envelope: &Envelope, peer: PeerId) -> Cow<'_, Said> {
        match self.changed.get(&peer) {
            Some(said) => Cow::Borrowed(said),
            None => Cow::Owned(self.refusals(groups, envelope, peer, None).unwrap_or_default()),
        }
    }

    /// Takes a peer out.
    fn remove(&mut self, groups: &[Group], envelope: &Envelope, peer: PeerId) {
        self.refusing.remove(EndpointId(peer.0));
        for (key, fact) in self.said(groups, envelope, peer).into_owned() {
            self.sum = self.sum.wrapping_sub(self.print(peer, &fact));
            let place = self.lines.iter().position(|line| line.key == key).expect("it was taken up");
            self.lines[place].count -= 1;
            if self.lines[place].first == peer
                && self.lines[place].count > 0
                && let Some(next) = self.next_of(groups, envelope, (key, peer))
            {
                (self.lines[place].first, self.lines[place].fact) = next;
            }
        }
    }

    /// The first peer after this one that refuses in the same way, and how.
    fn next_of(
        &self,
        groups: &[Group],
        envelope: &Envelope,
        (key, after): (u64, PeerId),
    ) -> Option<(PeerId, Fact)> {
        let later = self.refusing.iter().map(|id| PeerId(id.0)).filter(|peer| *peer > after);
        later.into_iter().find_map(|peer| {
            let said = self.said(groups, envelope, peer);
            said.iter().find(|(line, _)| *line == key).map(|(_, fact)| (peer, fact.clone()))
        })
    }
}

impl World<'_> {
    /// Has every receiver of a broadcast get to it as an event, and leaves no round of supervision out.
    #[must_use]
    pub fn step_by_step(mut self) -> Self {
        self.foresight = Foresight::default();
        self.routines = Routines::off();
        self
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
        let mut outlook = Outlook {
            deployment,
            verdicts,
            refusing: EndpointSet::new(),
            lines: Vec::new(),
            changed: FxHashMap::default(),
            sum: 0,
        };
        let groups = &self.foresight.groups;
        let members = groups.iter().flat_map(|group| (group.first..).take(group.members.len()).map(PeerId));
        for peer in members {
            let host = &self.hosts[peer.0 as usize];
            match host.rest {
                Rest::Fresh if host.up => outlook.add(groups, envelope, peer, None),
                Rest::Changed if host.up => {
                    outlook.add(groups, envelope, peer, host.built().map(|inside| &inside.peer));
                }
                _ => {}
            }
        }
        Some(outlook)
    }

    /// What becomes of a request with the members of a group: what becomes of it with one that is like them.
    fn verdict_of(&self, group: &Group, envelope: &Envelope, bytes: u32, clock: Timestamp) -> Verdict {
        let mut peer = group.blueprint.likeness().peer;
        let mut effects = Effects::default();
        let mut hand = |input: Input<'_>| {
            let random = self.streams.owned(LIKENESS, 0);
            // Of the system a request for bids asks nothing.
            peer.handle(clock, input, &mut Outbox { effects: &mut effects, random, system: &BareSystem });
        };
        hand(Input::Arrival { envelope, bytes: u64::from(bytes), transport: None });
        hand(Input::Dispatch(envelope));
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
        let (place, _) = place_of(&self.foresight.groups, peer);
        let inside = host.built().expect("it has just handled something");
        host.rest = match (inside.peer.is_idle(), inside.peer.provider().is_fresh()) {
            (false, _) => Rest::Busy,
            (true, true) if anchors(&inside.peer) == self.foresight.groups[place].anchors => Rest::Fresh,
            (true, _) => Rest::Changed,
        };
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
        let Wave { parcel, outlook, .. } = &mut waves[place];
        let envelope = &self.parcels.get(*parcel).expect("a wave keeps its message").envelope;
        outlook.remove(groups, envelope, peer);
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

    /// All receivers of the oldest message on its way have got to it.
    pub(super) fn close_foreseen(&mut self) {
        let Some(wave) = self.foresight.waves.pop_front() else { return };
        let Wave { sent, parcel, outlook, .. } = wave;
        self.ledger.foreseen_deliveries(outlook.refusing.len() as u64);
        self.ledger.absorb_refusals(outlook.sum);
        for Line { count, first, fact, .. } in outlook.lines.into_iter().filter(|line| line.count > 0) {
            self.ledger.foreseen(Foreseen { count, first: Case { asked: sent, peer: first }, fact });
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
                let members = (group.first..).take(group.members.len()).map(PeerId);
                let rejects = |peer: &PeerId| {
                    wave.outlook.refusing.contains(EndpointId(peer.0)) && self.done_of(wave, *peer) <= now
                };
                members.filter(rejects).count() as u64
            };
            self.foresight.groups.iter().zip(&wave.outlook.verdicts).map(rejecting).sum::<u64>()
        };
        self.foresight.waves.iter().map(of_wave).sum()
    }
}
