//! Who is lost, by the detector that the deployment was given (see [`crate::dms::supervision::detector`]).
//!
//! DMS's own looks at the ticks of the supervisor (`running`). The others here look when the first of those whom they
//! watch may be suspected or lost, or ask one after another whether they live.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Deployment, Node, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, EdgeConstraint, Message, Padding};
use crate::dms::alarm::Alarm;
use crate::dms::desk::Desk;
use crate::dms::fact::Suspicion;
use crate::dms::identity::{Handle, PeerId};
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::supervision::detector::Swim;
use crate::kernel::{Span, Timestamp};

/// Peers that are remembered because they can help to ask others.
const MOST_ACQUAINTANCES: usize = 16;

/// What a detector has under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Detection {
    /// When it is to look next.
    look: Alarm,
    /// When the next round of questions begins.
    next_round: Timestamp,
    /// Who is still to be asked before all are asked again.
    to_ask: VecDeque<PeerId>,
    /// Who has bidden for nodes of this deployment, the latest last.
    acquaintances: Vec<Arc<Handle>>,
}

impl Deployment {
    /// Whether silence is noticed here, and not at the ticks of the supervisor.
    pub(super) const fn has_detector(&self) -> bool {
        !self.strategy.detector.ticks()
    }

    /// Has the detector look when there may be something to see.
    pub(super) fn watch_on(&mut self, desk: &mut Desk<'_, '_>) {
        let in_turn = desk.security.profile.has(Weakness::InTurnSupervision);
        if !self.has_detector() || in_turn || self.status.is_terminal() {
            return;
        }
        self.correct_times(desk.now);
        if let Some(due) = self.next_look(desk.now) {
            self.detection.look.set(desk, due, Timer::Detect(self.number));
        }
    }

    /// The clock may have been put back: nobody is heard or suspected later than `now`.
    pub(super) fn correct_times(&mut self, now: Timestamp) {
        for node in &mut self.nodes {
            node.suspected_since = node.suspected_since.map(|since| since.min(now));
            node.members.iter_mut().for_each(|member| member.watch.correct(now));
        }
    }

    /// Whoever looks has stood still itself, or its clock was put forward: what came meanwhile is still to be read, so
    /// nobody has been silent before `now`.
    pub(super) fn excuse_silence(&mut self, now: Timestamp) {
        for node in &mut self.nodes {
            node.suspected_since = node.suspected_since.map(|_| now);
            node.members.iter_mut().for_each(|member| member.watch.excuse(now));
        }
    }

    /// When somebody may be suspected or lost at the earliest; none when nobody is watched.
    fn next_look(&mut self, now: Timestamp) -> Option<Timestamp> {
        let detector = self.strategy.detector;
        let logic = detector.logic();
        if let Some(swim) = logic.probing() {
            let started = || self.nodes.iter().enumerate().filter(|(_, node)| node.phase == Phase::Started);
            started().next()?;
            // Of a node whose programs have all ended nothing can be lost any more.
            let has_watched = |(index, node): &(usize, &Node)| {
                (0..node.members.len()).any(|place| self.watches((*index, place)))
            };
            let suspected = started().filter(|(_, node)| node.suspected_since.is_some()).filter(has_watched);
            let first_lost =
                suspected.filter_map(|(_, node)| Some(node.suspected_since? + swim.suspicion)).min();
            let round = &mut self.detection.next_round;
            // One that is further away than that was set before the clock was put back.
            if *round <= now || *round > now + swim.period {
                *round = now + swim.period;
            }
            return Some(first_lost.map_or(*round, |lost| lost.min(*round)).max(now));
        }
        let this = &*self;
        let looks = this.nodes.iter().enumerate().flat_map(|(index, node)| {
            let running = (0..node.members.len()).filter(move |place| this.watches((index, *place)));
            running.filter_map(move |place| {
                let heard = node.members[place].watch.heartbeats();
                let suspects = logic.suspects_at(heard).filter(|_| node.may_be_suspected());
                suspects.into_iter().chain(logic.convicts_at(heard)).min()
            })
        });
        looks.min().map(|at| at.max(now))
    }

    /// The detector looks.
    pub(super) fn detect(&mut self, desk: &mut Desk<'_, '_>) {
        let is_late = self.detection.look.is_late(desk.now);
        let rings = self.detection.look.rings(desk, Timer::Detect(self.number));
        if self.status.is_ending() {
            return;
        }
        if rings && is_late {
            self.excuse_silence(desk.now);
        }
        match self.strategy.detector.logic().probing() {
            _ if !rings => {}
            Some(swim) => self.go_on_asking(desk, swim),
            None => self.judge_silence(desk),
        }
        // Also where it looks too early: by a clock that was put back it may be due sooner than was thought.
        self.watch_on(desk);
    }

    /// Suspects those who have been silent for long, and gives up those who have been for too long.
    fn judge_silence(&mut self, desk: &mut Desk<'_, '_>) {
        self.each_watched(desk, |this, desk, at| {
            let detector = this.strategy.detector;
            let heard = this.nodes[at.0].members[at.1].watch.heartbeats();
            let is_over = |at: Option<Timestamp>| at.is_some_and(|at| at <= desk.now);
            if is_over(detector.logic().convicts_at(heard)) {
                this.suspect(desk, at, Suspicion::Stale);
            } else if is_over(detector.logic().suspects_at(heard)) {
                this.begin_suspicion(desk, at.0);
            }
        });
    }

    /// The peer of a node may be lost. Of a node whose programs have all ended nothing can be lost any more, and for
    /// one that has not started nothing is prepared.
    fn begin_suspicion(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        let has_watched = (0..self.nodes[index].members.len()).any(|place| self.watches((index, place)));
        if has_watched && self.nodes[index].may_be_suspected() {
            self.nodes[index].suspected_since = Some(desk.now);
            self.prepare_for_loss(desk, index);
        }
    }

    /// A sign of life of a node.
    pub(super) fn end_suspicion(&mut self, desk: &mut Desk<'_, '_>, index: usize) {
        if self.nodes[index].suspected_since.take().is_some() {
            self.stand_down(desk, index);
        }
    }

    /// Gives up those who have been suspected for too long, and asks the next one when its turn has come.
    fn go_on_asking(&mut self, desk: &mut Desk<'_, '_>, swim: Swim) {
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(index).filter(|node| node.phase == Phase::Started) else {
                continue;
            };
            if node.suspected_since.is_some_and(|since| since + swim.suspicion <= desk.now)
                && let Some(place) = (0..node.members.len()).find(|place| self.watches((index, *place)))
            {
                self.suspect(desk, (index, place), Suspicion::Stale);
            }
        }
        if self.detection.next_round > desk.now {
            return;
        }
        self.detection.next_round = desk.now + swim.period;
        let Some(index) = self.next_to_ask(desk) else { return };
        self.probe(desk, index, swim.timeout, Purpose::Probe);
    }

    /// Asks the peer of a node whether it lives.
    pub(super) fn probe(&mut self, desk: &mut Desk<'_, '_>, index: usize, timeout: Span, purpose: Purpose) {
        let host = self.nodes[index].host();
        let behaviour = Behaviour::fixed(BehaviourKind::EdgeProbe);
        let message = Message::EdgeProbe(Padding(0));
        self.ask(desk, &host, behaviour, message, timeout, purpose, (index, 0));
    }

    /// The node whose peer is asked in this round. Each is asked once before one is asked again, in an order that is
    /// drawn anew each time, so that nobody waits for more than two times as many rounds as there are peers.
    fn next_to_ask(&mut self, desk: &mut Desk<'_, '_>) -> Option<usize> {
        if self.detection.to_ask.is_empty() {
            let started = self.nodes.iter().filter(|node| node.phase == Phase::Started);
            let mut hosts: Vec<PeerId> = started.map(|node| node.host().host).collect();
            hosts.sort_unstable();
            hosts.dedup();
            desk.out.random.shuffle(&mut hosts);
            self.detection.to_ask = hosts.into();
        }
        while let Some(host) = self.detection.to_ask.pop_front() {
            let is_there = |node: &super::Node| {
                node.phase == Phase::Started && node.place.as_ref().is_some_and(|place| place.host == host)
            };
            if let Some(index) = self.nodes.iter().position(is_there) {
                return Some(index);
            }
        }
        None
    }

    /// A peer has answered that it lives, or not in time; or those who were asked to ask it have.
    pub(super) fn resolve_probe(&mut self, desk: &mut Desk<'_, '_>, pending: Pending, outcome: &Outcome<'_>) {
        let Some(swim) = self.strategy.detector.logic().probing() else { return };
        let index = pending.node;
        if self.nodes[index].phase != Phase::Started {
            return;
        }
        let lives = match (pending.purpose, outcome) {
            // A refusal is a sign of life too.
            (Purpose::Probe, Outcome::Reply(_)) => true,
            (_, outcome) => outcome.refusal(swim.timeout).is_none(),
        };
        if lives {
            self.pending.retain(|other| other.purpose != Purpose::ProbeByHelper || other.node != index);
            let host = self.nodes[index].host().host;
            let most_silence = match pending.purpose {
                Purpose::Probe => Some(Swim::MOST_SILENCE),
                _ if self.is_unannounced(index) => Some(Swim::LONGEST_DETOUR),
                _ => None,
            };
            // That nothing has to be prepared any more may be the end of it all.
            self.end_suspicion(desk, index);
            if let Some(most_silence) = most_silence {
                self.miss_programs(desk, host, most_silence);
            }
            return;
        }
        if pending.purpose == Purpose::Probe && self.ask_helpers(desk, index, swim) {
            return;
        }
        let asks = |other: &Pending| other.purpose == Purpose::ProbeByHelper && other.node == index;
        if !self.pending.iter().any(asks) {
            self.begin_suspicion(desk, index);
            self.watch_on(desk);
        }
    }

    /// Gives up the programs of a peer that lives and has not reported on them for so long.
    fn miss_programs(&mut self, desk: &mut Desk<'_, '_>, host: PeerId, most_silence: Span) {
        for index in 0..self.nodes.len() {
            // Asked for each in turn: the recovery of one may take others away.
            let is_missed = |place: &usize| {
                let node = &self.nodes[index];
                let is_there = node.place.as_ref().is_some_and(|place| place.host == host);
                is_there
                    && self.watches((index, *place))
                    && node.members[*place].watch.heartbeats().last + most_silence < desk.now
            };
            let members = self.nodes.get(index).map_or(0, |node| node.members.len());
            if let Some(place) = (0..members).find(is_missed) {
                self.suspect(desk, (index, place), Suspicion::Stale);
            }
        }
    }

    /// Asks others to ask the peer of a node; false when there are none.
    fn ask_helpers(&mut self, desk: &mut Desk<'_, '_>, index: usize, swim: Swim) -> bool {
        let target = self.nodes[index].host();
        let hosts = self.nodes.iter().filter(|node| node.phase == Phase::Started).map(super::Node::host);
        let mut helpers: Vec<Arc<Handle>> =
            hosts.chain(self.detection.acquaintances.iter().map(Arc::clone)).collect();
        helpers.retain(|helper| helper.host != target.host);
        helpers.sort_unstable_by_key(|helper| helper.host);
        helpers.dedup_by_key(|helper| helper.host);
        desk.out.random.shuffle(&mut helpers);
        helpers.truncate(swim.helpers as usize);
        for helper in &helpers {
            // Measuring a link without limits is asking the other end whether it answers.
            let message = Message::EdgeConstraint(Box::new(EdgeConstraint {
                ensemble: self.id,
                source: helper.host,
                target: target.host,
                rtt_ms: 0,
                bandwidth_bits_per_s: 0,
            }));
            let behaviour = Behaviour::fixed(BehaviourKind::EdgeConstraint);
            let purpose = Purpose::ProbeByHelper;
            self.ask(desk, helper, behaviour, message, swim.timeout, purpose, (index, 0));
        }
        !helpers.is_empty()
    }

    /// Somebody has bidden: it may help to ask others later.
    pub(super) fn note_acquaintance(&mut self, handle: &Arc<Handle>) {
        if self.strategy.detector.logic().probing().is_none() {
            return;
        }
        let known = &mut self.detection.acquaintances;
        if known.iter().all(|other| other.host != handle.host) {
            if known.len() >= MOST_ACQUAINTANCES {
                known.remove(0);
            }
            known.push(Arc::clone(handle));
        }
    }
}
