//! Rounds of supervision that are left out, because it is known what comes of them.
//!
//! A service that runs sends a heartbeat every 30 seconds, and its orchestrator asks every 30 seconds how it is: ten
//! events a round, and nothing comes of them as long as nothing happens to either. So once a deployment only looks
//! after what runs (`Peer::duties`), its ticks and the heartbeats of its allocations are taken out of the queue. When
//! something is about to happen to one of the two, or somebody looks, they *go on*: the counters of both count the
//! rounds that were left out, and the last one is made up for, by the handlers and with the draws that it would have
//! had. So both are as they would be, whatever was due is in the queue again, and all that follows is the same.
//!
//! What a deployment does beside its rounds does not end them, and only counts the messages in between.
//!
//! That holds because a round moves nothing else. Actors have workers of their own, the way of a message is drawn by
//! itself ([`Network::send`](crate::net::Network::send)), and so is what a round draws. Where it might move something
//! after all, nothing is left out: while a condition is on or something is wrong with a machine, where messages are
//! lost or hosts hidden, while something is transferred over the links of one of the two, while bids come too late for
//! the deployment, where attackers listen, and at peers that are observed.
//! [`World::step_by_step`] leaves out nothing, and the tests compare the two.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::agenda::Agenda;
use super::event::{Event, PeerId};
use super::executions::probe_stream;
use super::world::{Parcel, World};
use crate::dms::actor::{BehaviourKind, Envelope, Message};
use crate::dms::constants::{HEALTH_CHECK_INTERVAL, HEALTH_CHECK_TIMEOUT, LIVENESS_REPORT_TIMEOUT};
use crate::dms::identity::{ActorId, Did, EnsembleId, Handle, Inbox};
use crate::dms::outbox::{Execution, Input, Owner, RunId, Timer};
use crate::dms::peer::Peer;
use crate::dms::supervision::{Bearing, Charge, Duties, Omitted};
use crate::kernel::{Cursor, Span, Time};
use crate::net::EndpointId;

/// What takes longer to answer than this may come too late: the rest of its timeout is for the network.
const LONGEST_ANSWER: Span = Span::secs(1);

/// What an input is about, so which routines it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Concern<'a> {
    /// Nothing that runs.
    Nothing,
    /// One of the peer's own deployments, by its number.
    Deployment(u32),
    /// What one of them does beside its rounds.
    Beside(u32),
    /// All of an ensemble that the peer has to do with.
    Ensemble(EnsembleId),
    /// What lives on the peer and is not asked how it is: its orchestrator may have been silent for too long.
    Unchecked,
    /// An allocation that lives on the peer.
    Allocation(&'a str),
    /// The same, by its slot.
    Slot(u32),
    /// Anything.
    Everything,
}

impl<'a> Concern<'a> {
    /// What a message is about that comes to a peer.
    fn of(envelope: &'a Envelope, peer: &Peer) -> Self {
        match envelope.to.as_ref().map_or(&Inbox::Root, |to| &to.inbox) {
            Inbox::Ensemble(id) => match peer.bearing_of(*id, envelope) {
                // What is not regular of an allocation is known where it runs, before it says so.
                Some((_, Bearing::Nothing)) => Self::Nothing,
                Some((number, Bearing::Beside)) => Self::Beside(number),
                _ => Self::Ensemble(*id),
            },
            Inbox::Allocation(id) => Self::Allocation(id),
            Inbox::Other(_) => Self::Nothing,
            Inbox::Root => match (envelope.behaviour.kind, &envelope.message) {
                // What it has missed of revocations may be among it.
                (_, Message::Revocations(_)) => Self::Everything,
                // That one of its deployments is another's.
                (BehaviourKind::ReplyTo, Message::Deputy(_)) => Self::Everything,
                (kind, _) if is_about_nothing_that_runs(kind) => Self::Nothing,
                _ => envelope.ensemble().map_or(Self::Everything, Self::Ensemble),
            },
        }
    }

    /// What a timer is about.
    fn of_timer(timer: Timer, peer: &Peer) -> Self {
        match timer {
            Timer::RenewProviders(_) => return Self::Nothing,
            Timer::RenewOrchestrators => return Self::Unchecked,
            Timer::Undo(number, _) | Timer::Standbys(number) => return Self::Beside(number),
            Timer::Reply(Owner::Deployment(number), nonce) => match peer.bearing_of_wait(number, nonce) {
                Bearing::Nothing => return Self::Nothing,
                Bearing::Beside => return Self::Beside(number),
                Bearing::Rounds => {}
            },
            _ => {}
        }
        if let Some(number) = timer.deployment() {
            return Self::Deployment(number);
        }
        match timer {
            Timer::Hello(_)
            | Timer::CompareRevocations
            | Timer::Sweep
            | Timer::Beat
            | Timer::WatchPrincipals
            | Timer::Reply(Owner::Root | Owner::Contracts | Owner::Gateway | Owner::Deputy, _)
            | Timer::Contracts
            | Timer::Machines => Self::Nothing,
            Timer::Heartbeat(run)
            | Timer::RegrantHealthChecks(run)
            | Timer::Farewell(run)
            | Timer::ForgetLog(run)
            | Timer::Terminate(run) => Self::Slot(run.slot),
            _ => Self::Everything,
        }
    }
}

/// Whether what runs on a node is the same after a message to the node itself.
const fn is_about_nothing_that_runs(kind: BehaviourKind) -> bool {
    matches!(
        kind,
        BehaviourKind::BidRequest
            | BehaviourKind::PublicHello
            | BehaviourKind::BroadcastHello
            | BehaviourKind::PublicStatus
            | BehaviourKind::PublicRevocations
            | BehaviourKind::PeersPing
            | BehaviourKind::EdgeProbe
            | BehaviourKind::DeputyBeat
            | BehaviourKind::ReplyTo
    )
}

/// An allocation whose rounds are left out.
struct Ward {
    peer: PeerId,
    run: RunId,
    charge: Charge,
    /// Length and signatures of a health check of it.
    check: Measures,
    /// When the first heartbeat is due that has been taken out of the queue.
    report: Option<Time>,
}

/// A deployment whose rounds are left out.
struct Routine {
    serial: u64,
    peer: PeerId,
    deployment: u32,
    ensemble: EnsembleId,
    /// The deployment's actor.
    handle: Arc<Handle>,
    /// The first tick that was left out.
    tick: Time,
    /// The messages that the deployment's actor had sent before.
    nonce: u64,
    /// When it has sent some beside its rounds lately, and how many.
    beside: SmallVec<[(Time, u64); 2]>,
    /// How often its allocations report.
    period: Span,
    /// When its detector was to look last, which was left out.
    look: Option<Time>,
    /// How often it grants its providers anew what they need; none when it does not.
    renewal: Option<Span>,
    /// When it was to do so first since its rounds are left out: that is, too.
    renews: Option<Time>,
    wards: Vec<Ward>,
    /// Messages of it that the books have for now.
    booked: u64,
}

impl Routine {
    /// Those of its allocations that are asked in each round how they are.
    fn checked(&self) -> impl Iterator<Item = &Ward> {
        self.wards.iter().filter(|ward| ward.charge.is_checked)
    }

    /// What began before this is over at `now`: an interval, and a timeout of what began in it.
    fn made_up_from(&self, now: Time) -> Time {
        Time(now.0.saturating_sub(longest(self.period).0 + HEALTH_CHECK_TIMEOUT.0))
    }

    /// The nonce of the last message that the deployment's actor would have sent before the round that is due at this
    /// time, if one is. What goes on beside the rounds was planned longer ago than a round, so it comes before one of
    /// the same moment.
    fn nonce_before(&self, at: Time) -> u64 {
        let rounds = count_before(self.tick, HEALTH_CHECK_INTERVAL, at);
        let beside = self.beside.iter().filter(|(sent, _)| *sent <= at).map(|(_, count)| count);
        self.nonce + rounds * self.checked().count() as u64 + beside.sum::<u64>()
    }

    /// Its actor has sent messages beside its rounds. Only those are told apart that the last rounds may come after.
    fn note_beside(&mut self, now: Time, count: u64) {
        let from = self.made_up_from(now);
        let is_early = |(sent, _): &(Time, u64)| *sent < from;
        self.nonce += self.beside.iter().filter(|one| is_early(one)).map(|(_, count)| count).sum::<u64>();
        self.beside.retain(|one| !is_early(one));
        self.beside.push((now, count));
    }
}

/// The longer one of the intervals at which something happens, where allocations report in each `period`.
fn longest(period: Span) -> Span {
    period.max(HEALTH_CHECK_INTERVAL)
}

/// Length and count of signatures of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Measures {
    bytes: u64,
    signatures: u64,
}

/// Messages of an allocation's rounds that were left out and are not in the books.
struct Left {
    actor: ActorId,
    reports: u64,
    checks: u64,
    answers: u64,
}

/// The deployments whose rounds are left out.
#[derive(Default)]
pub(super) struct Routines {
    /// Nothing is left out.
    off: bool,
    all: Vec<Option<Routine>>,
    free: Vec<u32>,
    /// Those that a peer has a part in.
    by_peer: FxHashMap<PeerId, SmallVec<[u32; 2]>>,
    /// The one of each deployment, by its orchestrator and its number there.
    by_deployment: FxHashMap<(PeerId, u32), u32>,
    /// What health checks of allocations took, by the actor that was asked.
    checks: FxHashMap<ActorId, Measures>,
    serial: u64,
    /// The last rounds of one are being made up for.
    making_up: bool,
}

impl Routines {
    /// Those that leave nothing out.
    pub(super) fn off() -> Self {
        Self { off: true, ..Self::default() }
    }

    /// Remembers what a health check takes.
    #[inline]
    pub(super) fn note(&mut self, envelope: &Envelope, bytes: u64) {
        if !self.off
            && envelope.behaviour.kind == BehaviourKind::HealthCheck
            && let Some(to) = &envelope.to
        {
            self.checks.insert(to.id, Measures { bytes, signatures: envelope.signature_count() });
        }
    }

    fn insert(&mut self, routine: Routine) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push(None);
            self.all.len() as u32 - 1
        });
        for peer in routine.wards.iter().map(|ward| ward.peer).chain([routine.peer]) {
            let places = self.by_peer.entry(peer).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        self.by_deployment.insert((routine.peer, routine.deployment), place);
        self.all[place as usize] = Some(routine);
        place
    }

    fn remove(&mut self, place: u32) -> Option<Routine> {
        let routine = self.all[place as usize].take()?;
        self.free.push(place);
        self.by_deployment.remove(&(routine.peer, routine.deployment));
        for peer in routine.wards.iter().map(|ward| ward.peer).chain([routine.peer]) {
            if let Some(places) = self.by_peer.get_mut(&peer) {
                places.retain(|other| *other != place);
                if places.is_empty() {
                    self.by_peer.remove(&peer);
                }
            }
        }
        Some(routine)
    }

    fn of_deployment(&mut self, orchestrator: PeerId, number: u32) -> Option<&mut Routine> {
        let place = *self.by_deployment.get(&(orchestrator, number))?;
        self.all[place as usize].as_mut()
    }

    /// Whether there is any that something may happen to.
    fn may_be_disturbed(&self) -> bool {
        !self.by_peer.is_empty() && !self.making_up
    }

    /// Whether there is any that a peer has a part in, and that something may happen to.
    fn concern(&self, peer: PeerId) -> bool {
        self.may_be_disturbed() && self.by_peer.contains_key(&peer)
    }

    /// Whether the last rounds of one are being made up for.
    pub(super) const fn is_making_up(&self) -> bool {
        self.making_up
    }

    /// Those that something is about which happens to a peer.
    fn concerned(&self, peer: PeerId, concern: Concern<'_>) -> SmallVec<[u32; 2]> {
        match concern {
            // Most that comes to a busy orchestrator: it need not be held against each of its routines.
            Concern::Nothing | Concern::Beside(_) => return SmallVec::new(),
            Concern::Deployment(number) => {
                return self.by_deployment.get(&(peer, number)).into_iter().copied().collect();
            }
            _ => {}
        }
        let of_peer = self.by_peer.get(&peer).into_iter().flatten();
        let is_concerned = |place: &&u32| {
            let Some(routine) = &self.all[**place as usize] else { return false };
            let mut wards = routine.wards.iter().filter(|ward| ward.peer == peer);
            match concern {
                Concern::Nothing | Concern::Beside(_) | Concern::Deployment(_) => false,
                Concern::Everything => true,
                Concern::Unchecked => wards.any(|ward| !ward.charge.is_checked),
                Concern::Ensemble(id) => routine.ensemble == id,
                Concern::Allocation(id) => wards.any(|ward| *ward.charge.allocation == *id),
                Concern::Slot(slot) => wards.any(|ward| ward.run.slot == slot),
            }
        };
        self.in_order(of_peer.filter(is_concerned).copied())
    }

    /// In the order in which they began, which is that of their ticks where these fall on one moment.
    fn in_order(&self, places: impl Iterator<Item = u32>) -> SmallVec<[u32; 2]> {
        let serial = |place: u32| self.all[place as usize].as_ref().map(|routine| routine.serial);
        let mut begun: SmallVec<[u32; 2]> = places.filter(|place| serial(*place).is_some()).collect();
        begun.sort_unstable_by_key(|place| serial(*place));
        begun
    }
}

/// How many of the times `first`, `first + interval` ... are before `end`.
const fn count_before(first: Time, interval: Span, end: Time) -> u64 {
    if first.0 < end.0 { (end.0 - first.0).div_ceil(interval.0) } else { 0 }
}

impl World<'_> {
    /// Something is about to happen to a peer that has to do with this.
    #[inline]
    pub(super) fn disturb(&mut self, now: Time, peer: PeerId, concern: Concern<'_>) {
        if self.routines.may_be_disturbed() {
            self.go_on_all(now, self.routines.concerned(peer, concern));
        }
    }

    /// A message has come to a peer, or its worker has got to it. What is left to think of when the peer handles it is
    /// returned.
    #[inline]
    pub(super) fn disturb_by(&mut self, now: Time, peer: PeerId, parcel: u32) -> Concern<'static> {
        if !self.routines.concern(peer) {
            return Concern::Nothing;
        }
        let Some(Parcel { envelope, .. }) = self.parcels.get(parcel) else { return Concern::Nothing };
        match Concern::of(envelope, &self.hosts[peer.0 as usize].peer) {
            Concern::Beside(number) => Concern::Beside(number),
            concern => {
                self.go_on_all(now, self.routines.concerned(peer, concern));
                Concern::Nothing
            }
        }
    }

    /// What a timer of a peer is about.
    #[inline]
    pub(super) fn concern_of_timer(&mut self, now: Time, peer: PeerId, timer: Timer) -> Concern<'static> {
        if !self.routines.concern(peer) {
            return Concern::Nothing;
        }
        if timer == Timer::RenewOrchestrators {
            self.hear_of_rounds(now, peer);
        }
        Concern::of_timer(timer, &self.hosts[peer.0 as usize].peer)
    }

    /// A peer is about to look which orchestrators have been silent: those whose rounds are left out have not.
    fn hear_of_rounds(&mut self, now: Time, peer: PeerId) {
        let clock = self.clock_of(peer, now);
        for place in self.routines.by_peer.get(&peer).into_iter().flatten() {
            let Some(routine) = &self.routines.all[*place as usize] else { continue };
            let mut wards = routine.wards.iter().filter(|ward| ward.peer == peer);
            if wards.any(|ward| ward.charge.is_checked) && routine.tick + HEALTH_CHECK_TIMEOUT < now {
                self.hosts[peer.0 as usize].peer.hear_orchestrator(routine.ensemble, clock);
            }
        }
    }

    /// A deployment is about to do something beside its rounds: its actor has the count of its messages that it would
    /// have.
    pub(super) fn begin_beside(&mut self, now: Time, peer: PeerId, concern: Concern<'_>) {
        if let Concern::Beside(number) = concern
            && let Some(routine) = self.routines.of_deployment(peer, number)
        {
            let nonce = routine.nonce_before(now);
            self.hosts[peer.0 as usize].peer.count_messages_after(number, nonce);
        }
    }

    /// It has done so.
    pub(super) fn end_beside(&mut self, now: Time, peer: PeerId, concern: Concern<'_>) {
        if let Concern::Beside(number) = concern
            && let Some(routine) = self.routines.of_deployment(peer, number)
            && let Some(last) = self.hosts[peer.0 as usize].peer.last_nonce_of(number)
        {
            let sent = last - routine.nonce_before(now);
            if sent > 0 {
                routine.note_beside(now, sent);
            }
        }
    }

    fn go_on_all(&mut self, now: Time, places: SmallVec<[u32; 2]>) {
        places.into_iter().for_each(|place| self.go_on(now, place));
    }

    /// All go on, those at the very end of a run included.
    pub(super) fn end_routines(&mut self, end: Time) {
        self.go_on_all(end, self.routines.in_order(0..self.routines.all.len() as u32));
    }

    /// The authority of a routine would be about to expire, if it had not been renewed.
    pub(super) fn review_routine(&mut self, now: Time, place: u32, serial: u64) {
        let routine = self.routines.all.get(place as usize).and_then(Option::as_ref);
        let Some(routine) = routine.filter(|routine| routine.serial == serial) else { return };
        match self.authority_lasts(now, (routine.peer, routine.renewal), &routine.handle, &routine.wards) {
            Some(lasts) if lasts > now => self.queue.post(lasts, Event::Routine { place, serial }),
            _ => self.go_on(now, place),
        }
    }

    /// A timer is due that belongs to the rounds of supervision: whether it is left out.
    pub(super) fn leaves_out(&mut self, now: Time, peer: PeerId, timer: Timer) -> bool {
        if self.routines.off || self.routines.making_up {
            return false;
        }
        match timer {
            Timer::Heartbeat(run) => {
                let Some(places) = self.routines.by_peer.get(&peer) else { return false };
                let routines = &mut self.routines.all;
                for place in places {
                    let wards = routines[*place as usize].iter_mut().flat_map(|routine| &mut routine.wards);
                    if let Some(ward) = wards.into_iter().find(|ward| ward.peer == peer && ward.run == run) {
                        ward.report = Some(now);
                        return true;
                    }
                }
                false
            }
            Timer::Supervise(deployment) => self.begin_routine(now, peer, deployment),
            Timer::Detect(deployment) => {
                let routine = self.routines.of_deployment(peer, deployment);
                routine.map(|routine| routine.look = Some(now)).is_some()
            }
            Timer::RenewProviders(deployment) => {
                let routine = self.routines.of_deployment(peer, deployment);
                let routine = routine.filter(|routine| routine.renewal.is_some());
                routine.map(|routine| routine.renews.get_or_insert(now)).is_some()
            }
            _ => false,
        }
    }

    /// Leaves out the rounds of a deployment from now on, if it is known what comes of them.
    fn begin_routine(&mut self, now: Time, peer: PeerId, deployment: u32) -> bool {
        if !self.attackers.is_empty() || !self.network.is_steady() || self.troubles.concern(peer) {
            return false;
        }
        let Some(inside) = self.hosts[peer.0 as usize].built() else { return false };
        let duties = inside.peer.duties(deployment, self.clock_of(peer, now));
        let Some(Duties { ensemble, handle, nonce, period, renewal, charges }) = duties else { return false };
        // Rounds are told apart by time, and a clock that is wrong has rounds of its own.
        if self.late.concerns(peer, ensemble) || !self.hosts[peer.0 as usize].clock.is_right() {
            return false;
        }
        let wards: Option<Vec<Ward>> =
            charges.into_iter().map(|charge| self.ward(peer, charge, period)).collect();
        let Some(wards) = wards else { return false };
        let lasts = self.authority_lasts(now, (peer, renewal), &handle, &wards);
        let Some(lasts) = lasts else { return false };
        // Rounds are not left out for less than this.
        if lasts < now + longest(period).times(2) {
            return false;
        }
        self.routines.serial += 1;
        let serial = self.routines.serial;
        let routine = Routine {
            serial,
            peer,
            deployment,
            ensemble,
            handle,
            tick: now,
            nonce,
            beside: SmallVec::new(),
            period,
            look: None,
            renewal,
            renews: None,
            wards,
            booked: 0,
        };
        let place = self.routines.insert(routine);
        self.queue.post(lasts, Event::Routine { place, serial });
        true
    }

    /// An allocation as it is now, if it is known what comes of the rounds that are about it.
    fn ward(&self, orchestrator: PeerId, charge: Charge, period: Span) -> Option<Ward> {
        let peer = self.directory.find(&charge.handle.host).filter(|peer| *peer != orchestrator)?;
        if self.troubles.concern(peer) {
            return None;
        }
        let host = &self.hosts[peer.0 as usize];
        let inside = host.built().filter(|_| host.up && host.clock.is_right())?;
        let run = inside.peer.run_in_routine(&charge, period)?;
        let flows = self.network.flows();
        let is_quiet = [peer, orchestrator].iter().all(|peer| !flows.uses(EndpointId(peer.0)));
        let answer = inside.executor.longest_answer(run, &self.images)?;
        let check = if charge.is_checked {
            *self.routines.checks.get(&charge.handle.id)?
        } else {
            Measures::default()
        };
        (is_quiet && answer <= LONGEST_ANSWER).then_some(Ward { peer, run, charge, check, report: None })
    }

    /// Until when nothing expires of what lets a deployment and its allocations talk to each other, nor messages that
    /// are sent till then.
    fn authority_lasts(
        &self,
        now: Time,
        (peer, renewal): (PeerId, Option<Span>),
        actor: &Handle,
        wards: &[Ward],
    ) -> Option<Time> {
        let end = Time::ZERO + self.setup.duration + Span::secs(1);
        if wards.is_empty() {
            return Some(end);
        }
        let of = |one: PeerId, others: &[&Did], actors: &[&Did]| -> Option<Time> {
            let inside = self.hosts[one.0 as usize].built()?;
            let last = inside.peer.authority_lasts(others, actors, self.clock_of(one, now));
            let last = last.map_or(u64::MAX, |last| self.time_by(one, last).0);
            Some(Time(last.saturating_sub(LIVENESS_REPORT_TIMEOUT.0 + HEALTH_CHECK_TIMEOUT.0)))
        };
        let keys: Vec<Did> = wards.iter().map(|ward| ward.charge.handle.id.did()).collect();
        let others: Vec<&Did> = wards.iter().map(|ward| &ward.charge.handle.did).chain(&keys).collect();
        // What is granted anew by itself does not end.
        let own = actor.id.did();
        let lapsing: &[&Did] = if renewal.is_some() { &[] } else { &[&own] };
        let mut lasts = of(peer, &others, lapsing)?;
        for (ward, key) in wards.iter().zip(&keys) {
            lasts = lasts.min(of(ward.peer, &[&actor.did, &actor.id.did()], &[key])?);
        }
        Some(lasts.min(end))
    }

    /// Brings all that has to do with a routine to where it would be just before `now`, and puts what is due after that
    /// into the queue.
    fn go_on(&mut self, now: Time, place: u32) {
        let Some(routine) = self.routines.remove(place) else { return };
        self.ledger.take_back_sent(routine.booked);
        let from = routine.made_up_from(now);
        let rounds = count_before(routine.tick, HEALTH_CHECK_INTERVAL, from);
        if rounds > 0 {
            let until = self.clock_of(routine.peer, from);
            let orchestrator = &mut self.hosts[routine.peer.0 as usize].peer;
            orchestrator.pass_over_checks(routine.deployment, until);
        }
        let mut agenda = Agenda::default();
        let timer = |world: &Self, peer: PeerId, timer: Timer| Event::Timer {
            peer,
            life: world.hosts[peer.0 as usize].life,
            timer,
        };
        let tick = routine.tick + Span(HEALTH_CHECK_INTERVAL.0 * rounds);
        agenda.post(tick, timer(self, routine.peer, Timer::Supervise(routine.deployment)));
        if let Some(look) = routine.look {
            agenda.post(look.max(from), timer(self, routine.peer, Timer::Detect(routine.deployment)));
        }
        if let (Some(first), Some(interval)) = (routine.renews, routine.renewal) {
            // What is granted last takes the place of what was granted before, but for what is made up for first.
            let before = count_before(first, interval, from).saturating_sub(1);
            let renew = Timer::RenewProviders(routine.deployment);
            agenda.post(first + interval.times(before), timer(self, routine.peer, renew));
        }
        let mut omitted = Vec::with_capacity(routine.wards.len());
        for ward in &routine.wards {
            let reports = ward.report.map_or(0, |first| count_before(first, routine.period, from));
            let checks = if ward.charge.is_checked { rounds } else { 0 };
            let omits = Omitted { reports, checks };
            self.hosts[ward.peer.0 as usize].peer.pass_over_reports(&ward.charge.allocation, omits);
            if let Some(first) = ward.report {
                let at = first + routine.period.times(reports);
                agenda.post(at, timer(self, ward.peer, Timer::Heartbeat(ward.run)));
            }
            omitted.push(Left { actor: ward.charge.handle.id, reports, checks, answers: checks });
        }
        let peers: Vec<PeerId> = routine.wards.iter().map(|ward| ward.peer).chain([routine.peer]).collect();
        // What their workers have to do until now does not wait for what is made up for, nor the other way round.
        peers.iter().for_each(|peer| self.settle_late(now, *peer));
        let since: Vec<_> = peers.iter().map(|peer| self.hosts[peer.0 as usize].take_busy()).collect();
        self.make_up(now, &routine, agenda, omitted);
        for (peer, since) in peers.iter().zip(since).rev() {
            self.hosts[peer.0 as usize].join_busy(&since);
        }
    }

    /// Lets happen what is due before `now`, and hands the rest to the queue.
    fn make_up(&mut self, now: Time, routine: &Routine, agenda: Agenda, mut omitted: Vec<Left>) {
        let facts = self.ledger.fact_count();
        self.routines.making_up = true;
        let recalling = std::mem::replace(&mut self.foresight.recalling, true);
        let main = std::mem::replace(&mut self.queue, agenda);
        while let Some((at, event)) = self.queue.pop_until(Time(now.0.saturating_sub(1))) {
            if let Event::Arrive { envelope, bytes, .. } = event {
                self.book_omitted(&mut omitted, envelope, bytes);
            }
            if matches!(event, Event::Timer { timer: Timer::Supervise(_), .. }) {
                self.count_messages(routine, at);
            }
            self.step(at, event);
            self.events += 1;
        }
        let mut rest = std::mem::replace(&mut self.queue, main);
        while let Some((at, event)) = rest.pop_until(Time(u64::MAX - 1)) {
            if let Event::Arrive { envelope, bytes, .. } = event {
                self.book_omitted(&mut omitted, envelope, bytes);
            }
            self.queue.post(at, event);
        }
        self.count_messages(routine, now);
        self.foresight.recalling = recalling;
        self.routines.making_up = false;
        debug_assert_eq!(facts, self.ledger.fact_count(), "something came of a round that was left out");
    }

    /// The actor of a deployment counts its messages from where it would at this time.
    fn count_messages(&mut self, routine: &Routine, at: Time) {
        let orchestrator = &mut self.hosts[routine.peer.0 as usize].peer;
        orchestrator.count_messages_after(routine.deployment, routine.nonce_before(at));
    }

    /// Books the messages that were left out, by the first of their kind that was not.
    fn book_omitted(&mut self, omitted: &mut [Left], parcel: u32, bytes: u32) {
        let Some(Parcel { envelope, .. }) = self.parcels.get(parcel) else { return };
        let (asked, from) = (envelope.to.as_ref().map(|to| to.id), envelope.from.id);
        let is_check = envelope.behaviour.kind == BehaviourKind::HealthCheck;
        let is_concerned =
            |left: &&mut Left| if is_check { Some(left.actor) == asked } else { left.actor == from };
        let Some(left) = omitted.iter_mut().find(is_concerned) else { return };
        let Message::Liveness(report) = &envelope.message else {
            let count = std::mem::take(if is_check { &mut left.checks } else { &mut left.answers });
            return self.ledger.omitted(count, u64::from(bytes));
        };
        // The lengths of heartbeats differ by the digits of their sequence, and by nothing else.
        let (mut reports, mut next) = (std::mem::take(&mut left.reports), report.sequence);
        let mut earlier = envelope.clone();
        while reports > 0 {
            let smallest = 10_u64.pow((next - 1).ilog10());
            let count = reports.min(next - smallest);
            if let Message::Liveness(report) = &mut earlier.message {
                report.sequence = smallest;
            }
            self.ledger.omitted(count, earlier.json_len());
            (next, reports) = (next - count, reports - count);
        }
    }

    /// Books what those that are left out would have sent by now, until they go on.
    pub(super) fn book_routines(&mut self, now: Time) {
        for place in 0..self.routines.all.len() {
            let Some(routine) = &self.routines.all[place] else { continue };
            let sent = self.sent_by(routine, now);
            let more = sent - routine.booked;
            self.ledger.sent_by_routine(more);
            if let Some(routine) = &mut self.routines.all[place] {
                routine.booked = sent;
            }
        }
    }

    /// How many messages a routine would have sent before a time. What is due at that very time comes after the sample,
    /// which was planned before it.
    fn sent_by(&self, routine: &Routine, now: Time) -> u64 {
        let ticks = count_before(routine.tick, HEALTH_CHECK_INTERVAL, now);
        let mut sent = 2 * ticks * routine.checked().count() as u64;
        let reports = routine.wards.iter().filter_map(|ward| ward.report);
        sent += reports.map(|first| count_before(first, routine.period, now)).sum::<u64>();
        let Some(before) = ticks.checked_sub(1) else { return sent };
        let tick = routine.tick + Span(HEALTH_CHECK_INTERVAL.0 * before);
        if now.since(tick) <= HEALTH_CHECK_TIMEOUT {
            let first = routine.nonce_before(tick);
            let answers = routine
                .checked()
                .zip(1..)
                .map(|(ward, number)| self.answered_at(tick, routine.peer, ward, first + number));
            sent -= answers.filter(|at| *at > now).count() as u64;
        }
        sent
    }

    /// When an allocation answers a health check of `tick`, of this nonce.
    fn answered_at(&self, tick: Time, from: PeerId, ward: &Ward, nonce: u64) -> Time {
        let Measures { bytes, signatures } = ward.check;
        let delay = self.network.delay(tick, EndpointId(from.0), EndpointId(ward.peer.0), bytes, nonce);
        let handled = tick + delay + self.setup.processing.of(signatures);
        let cursor = &mut Cursor::default();
        let mut rng = probe_stream(self.streams, handled, ward.peer, ward.run, cursor);
        let executor = &self.hosts[ward.peer.0 as usize].executor;
        handled + executor.answers_after(ward.run, &self.images, &mut rng)
    }
}

/// Tells a renewal of grants apart from a tick of the same deployment.
const RENEWAL: u64 = 1 << 63;

/// The number of the regular round of supervision that an input belongs to: what it is about tells apart those of one
/// peer that fall on the same moment.
pub(super) fn round_of(input: &Input<'_>) -> Option<u64> {
    match input {
        Input::Timer(Timer::Supervise(deployment)) => Some(u64::from(*deployment) << 2),
        Input::Timer(Timer::RenewProviders(deployment)) => Some(u64::from(*deployment) << 2 | RENEWAL),
        Input::Timer(Timer::Heartbeat(run)) => Some(u64::from(run.slot) << 2 | 1),
        Input::Dispatch(envelope) if envelope.behaviour.kind == BehaviourKind::HealthCheck => {
            Some(envelope.name() << 2 | 2)
        }
        Input::Execution(Execution::Probed(run, ..)) => Some(u64::from(run.slot) << 2 | 3),
        _ => None,
    }
}
