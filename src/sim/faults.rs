//! What breaks: crashes and repairs, churn, and conditions of the network.

use super::event::{Event, PeerId, Turn};
use super::host::{Host, Inside};
use super::routine::Concern;
use super::setup::{Direction, Fault, Selection, When};
use super::watching::Sight;
use super::world::World;
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::EnsembleId;
use crate::dms::outbox::{Execution, Input, RunId};
use crate::kernel::{Distribution, Domain, Span, Time, at_moment};
use crate::net::{Condition, EndpointId, EndpointSet, Group, LossReason};

/// Which peers a fault hits, and how long each repair takes.
const FAULT: Domain = Domain::new("sim.fault");
/// How long each repair takes, apart so that it does not depend on who is hit.
const REPAIR: Domain = Domain::new("sim.repair");
/// When faults that come again do.
const TURNS: Domain = Domain::new("sim.fault.turns");
/// In which order peers are upgraded.
const ORDER: Domain = Domain::new("sim.upgrade");
/// How long after a peer comes back its connections are up again.
pub(super) const RECONNECT: Span = Span::secs(1);
/// How long after a process has broken down it is started again.
const PROCESS_RESTART: Span = Span::secs(10);

/// What of a peer stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outage {
    /// The machine with all that runs on it.
    Machine,
    /// The DMS process alone, because somebody ends it.
    Process,
    /// The DMS process alone, by itself.
    Breakdown,
}

/// The stream that two numbers stand for, in one of the turns of a fault.
const fn entity_of(high: u32, low: u32, turn: u32) -> u64 {
    let entity = (high as u64) << 32 | low as u64;
    if turn == 0 { entity } else { at_moment(Time(turn as u64), entity, 0) }
}

impl Fault {
    /// When it begins.
    #[must_use]
    pub const fn when(&self) -> &When {
        match self {
            Self::Crash { at, .. }
            | Self::Restart { at, .. }
            | Self::Upgrade { at, .. }
            | Self::Loss { at, .. }
            | Self::Delay { at, .. }
            | Self::Partition { at, .. }
            | Self::Move { at, .. } => at,
        }
    }
}

impl World<'_> {
    /// Has each fault begin at its time; those that wait for something are looked after as that comes about.
    pub(super) fn plan_faults(&mut self) {
        let setup = self.setup;
        for (fault, number) in setup.faults.iter().zip(0..) {
            match fault.when() {
                When::At(at) => self.queue.post(*at, Event::Fault(Turn::first_of(number))),
                When::Once { .. } => self.triggers.push(number),
                When::Random { from, .. } => self.plan_turn(*from, Turn::first_of(number)),
            }
        }
    }

    /// Has a fault that comes at random come again, unless its time is over by then.
    fn plan_turn(&mut self, after: Time, turn: Turn) {
        let When::Random { mean, until, .. } = self.setup.faults[turn.fault as usize].when() else { return };
        let gap = Distribution::Exponential { mean_s: mean.as_secs_f64() };
        let at = after + gap.sample(&mut self.streams.owned(TURNS, entity_of(turn.fault, 0, turn.number)));
        let end = until.unwrap_or(Time::ZERO + self.setup.duration);
        self.turns.insert(turn.fault, turn);
        if at < end {
            self.queue.post(at, Event::Fault(turn));
        }
    }

    /// A deployment has come into a state that a fault may wait for.
    pub(super) fn trigger_faults(&mut self, now: Time, ensemble: EnsembleId, status: DeploymentStatus) {
        if self.triggers.is_empty() {
            return;
        }
        let Some(number) = self.ledger.number_of(ensemble) else { return };
        let name = self.ledger.name_of(number).to_owned();
        let (setup, queue) = (self.setup, &mut self.queue);
        self.triggers.retain(|&number| {
            let When::Once { deployment, is, after } = setup.faults[number as usize].when() else {
                return false;
            };
            let met = *deployment == name && *is == status;
            if met {
                queue.post(now + *after, Event::Fault(Turn::first_of(number)));
            }
            !met
        });
    }

    pub(super) fn begin_fault(&mut self, now: Time, turn: Turn) {
        let setup = self.setup;
        // A move that is repeated is the same turn again, after which nothing is planned anew.
        if self.turns.get(&turn.fault) == Some(&turn) {
            self.plan_turn(now, Turn { number: turn.number + 1, ..turn });
        }
        let (condition, lasts) = match &setup.faults[turn.fault as usize] {
            Fault::Crash { who, repair, .. } => {
                return self.break_down(now, turn, who, repair.as_ref(), Outage::Machine);
            }
            Fault::Restart { who, down, .. } => {
                return self.break_down(now, turn, who, Some(down), Outage::Process);
            }
            Fault::Upgrade { who, within, .. } => return self.begin_upgrade(now, turn, who, *within),
            Fault::Move { who, every, .. } => return self.move_peers(now, turn, who, *every),
            Fault::Loss { who, direction, fraction, lasts, .. } => {
                (Condition::Loss { group: self.group(turn, who, *direction), loss: *fraction }, *lasts)
            }
            Fault::Delay { who, direction, extra, lasts, .. } => {
                (Condition::Delay { group: self.group(turn, who, *direction), delay: *extra }, *lasts)
            }
            Fault::Partition { between: [first, second], lasts, .. } => {
                let a = self.endpoints(turn, 0, first);
                let mut b = self.endpoints(turn, 1, second);
                while let Some(both) = a.common(&b) {
                    b.remove(both);
                }
                (Condition::Partition { a, b }, *lasts)
            }
        };
        // What went before it had none of it.
        self.review_traffic(now);
        self.recall_all(now);
        let id = self.network.apply(now, condition).expect("the scenario has checked every condition");
        self.conditions.insert(turn, id);
        self.queue.post(now + lasts, Event::FaultEnd(turn));
        self.review_traffic(now);
    }

    /// Peers go down, each until its repair. One that is down by a fault already stays so until that one's repair.
    fn break_down(
        &mut self,
        now: Time,
        turn: Turn,
        who: &Selection,
        repair: Option<&Distribution>,
        outage: Outage,
    ) {
        for peer in self.select(turn, 0, who) {
            if self.hosts[peer.0 as usize].crashed || self.clouds.is_absent(peer) {
                continue;
            }
            self.hosts[peer.0 as usize].crashed = true;
            self.take_down(now, peer, outage);
            if let Some(repair) = repair {
                self.repair_later(now, turn, peer, repair);
            }
        }
    }

    fn repair_later(&mut self, now: Time, turn: Turn, peer: PeerId, after: &Distribution) {
        let entity = entity_of(turn.fault, peer.0, turn.number);
        let after = after.sample(&mut self.streams.owned(REPAIR, entity));
        self.queue.post(now + after, Event::Repair(peer));
    }

    /// The peers of an upgrade take their turns, evenly spread over its time.
    fn begin_upgrade(&mut self, now: Time, turn: Turn, who: &Selection, within: Span) {
        let mut peers = self.select(turn, 0, who);
        self.streams.owned(ORDER, entity_of(0, turn.fault, turn.number)).shuffle(&mut peers);
        let steps = peers.len().saturating_sub(1).max(1) as u64;
        for (place, peer) in (0_u64..).zip(peers) {
            // The product of a span and a count of peers may be too large for the span's own integers.
            let after = Span((u128::from(within.0) * u128::from(place) / u128::from(steps)) as u64);
            self.queue.post(now + after, Event::Upgrade { fault: turn.fault, peer });
        }
    }

    /// A peer gets its new version. One that is down anyway, or switched off, has it when it is back.
    pub(super) fn upgrade(&mut self, now: Time, number: u32, peer: PeerId) {
        let setup = self.setup;
        let Fault::Upgrade { down, to, .. } = &setup.faults[number as usize] else { return };
        let host = &mut self.hosts[peer.0 as usize];
        let waits = host.crashed || !host.up;
        if !waits {
            host.crashed = true;
            self.take_down(now, peer, Outage::Process);
            self.repair_later(now, Turn::first_of(number), peer, down);
        }
        self.single_out(now, peer);
        self.hosts[peer.0 as usize].peer.upgrade(*to);
        self.office.upgrade(peer, *to);
        self.ledger.upgraded();
    }

    /// The process of a peer has broken down by itself; its operating system starts it again.
    pub(super) fn break_process(&mut self, now: Time, peer: PeerId) {
        self.hosts[peer.0 as usize].crashed = true;
        self.take_down(now, peer, Outage::Breakdown);
        self.queue.post(now + PROCESS_RESTART, Event::Repair(peer));
    }

    pub(super) fn end_fault(&mut self, now: Time, turn: Turn) {
        self.review_traffic(now);
        self.recall_all(now);
        if let Some(id) = self.conditions.remove(&turn) {
            self.network.lift(now, id);
            self.review_traffic(now);
            // Transfers that waited at a partition go on.
            self.await_transfers();
            if let Fault::Partition { between, .. } = &self.setup.faults[turn.fault as usize] {
                self.reconnect(now, turn, between);
            }
        }
    }

    /// Connections of the overlay between the two sides of a partition work again.
    fn reconnect(&mut self, now: Time, turn: Turn, [first, second]: &[Selection; 2]) {
        let (one, other) = (self.select(turn, 0, first), self.endpoints(turn, 1, second));
        for peer in one.into_iter().filter(|&peer| !other.contains(EndpointId(peer.0))) {
            for neighbour in self.network.neighbours(EndpointId(peer.0)) {
                let across = PeerId(neighbour.0);
                let up = |peer: PeerId| self.hosts[peer.0 as usize].up;
                if !other.contains(neighbour) || !up(peer) || !up(across) {
                    continue;
                }
                for (peer, to) in [(peer, across), (across, peer)] {
                    let handle = std::sync::Arc::clone(self.hosts[to.0 as usize].peer.handle_of_root());
                    self.feed_about(now + RECONNECT, peer, Concern::Nothing, |_| Input::Reconnected(handle));
                }
            }
        }
    }

    fn group(&self, turn: Turn, who: &Selection, direction: Direction) -> Group {
        if *who == Selection::default() {
            return Group::All;
        }
        let of = match direction {
            Direction::Both => Group::Of,
            Direction::Out => Group::From,
            Direction::In => Group::To,
        };
        of(self.endpoints(turn, 0, who))
    }

    fn endpoints(&self, turn: Turn, side: u32, who: &Selection) -> EndpointSet {
        let mut set = EndpointSet::new();
        self.select(turn, side, who).into_iter().for_each(|peer| set.insert(EndpointId(peer.0)));
        set
    }

    /// The peers of a selection, in order; a part of them is drawn from the stream of this fault and its turn.
    pub(super) fn select(&self, turn: Turn, side: u32, who: &Selection) -> Vec<PeerId> {
        self.population.draw(who, &mut self.streams.owned(FAULT, entity_of(side, turn.fault, turn.number)))
    }

    /// A peer stops at once: what it had in memory is gone, and with its machine what ran there.
    fn take_down(&mut self, now: Time, peer: PeerId, outage: Outage) {
        self.rouse(now, peer);
        self.recall_late(now, peer, None);
        let host = &mut self.hosts[peer.0 as usize];
        if outage == Outage::Machine {
            host.power += 1;
            if host.is_built() {
                host.unheard.clear();
                self.stop_programs(now, peer);
                self.hosts[peer.0 as usize].executor.crash();
            }
        }
        let host = &mut self.hosts[peer.0 as usize];
        self.ledger.stops(now, peer, outage == Outage::Machine);
        if !host.up {
            self.review_peer(now, peer);
            return;
        }
        host.up = false;
        host.life += 1;
        // Where nothing has happened there is nothing to lose.
        if let Some(Inside { executor, disk, .. }) = host.built_mut() {
            executor.abandon();
            disk.images = executor.stored_bytes();
            disk.pending.clear();
            self.end_process(now, peer, outage);
        }
        for flow in self.network.set_up(now, EndpointId(peer.0), false) {
            if flow.via == Some(EndpointId(peer.0)) {
                self.ledger.lost(LossReason::RelayDown);
            }
            self.drop_cargo(flow.id);
        }
        self.await_transfers();
        self.watch_network();
        self.ledger.peer_is(now, peer, false);
        self.shows(now, peer, Sight::Down);
        self.review_peer(now, peer);
    }

    /// A process that is ended may still say so; of one that dies, only what was due before is told.
    fn end_process(&mut self, now: Time, peer: PeerId, outage: Outage) {
        if outage == Outage::Process {
            self.close_observation(now, peer);
        } else {
            self.take_signals(now, peer);
        }
        self.hosts[peer.0 as usize].peer.stop();
    }

    /// A machine is switched off, and everything on it is gone.
    pub(super) fn switch_off(&mut self, now: Time, peer: PeerId) {
        self.hosts[peer.0 as usize].crashed = false;
        self.take_down(now, peer, Outage::Machine);
    }

    pub(super) fn bring_up(&mut self, now: Time, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        if host.up {
            return;
        }
        host.up = true;
        self.network.set_up(now, EndpointId(peer.0), true);
        self.ledger.peer_is(now, peer, true);
        self.shows(now, peer, Sight::Up);
        if self.hosts[peer.0 as usize].is_built() {
            self.start_process(now, peer);
        }
        if self.setup.network.nat.is_some() {
            self.watch_network();
        } else if self.setup.hellos {
            self.connect(peer, now + RECONNECT, true);
        } else {
            self.share_revocations(peer, now + RECONNECT);
        }
        self.look_at_own_address(now, peer, true);
        self.review_peer(now, peer);
    }

    /// The process of a peer takes up what it had on disk, and hears of what ran on without it.
    fn start_process(&mut self, now: Time, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        let (running, unheard) = (host.executor.running(), std::mem::take(&mut host.unheard));
        let rising = self.raise_runs(now, peer);
        let running: Vec<RunId> = running.into_iter().chain(unheard.iter().map(Execution::run)).collect();
        self.feed(now, peer, |_| Input::Started { running, rising });
        for ended in unheard {
            self.feed(now, peer, |_| Input::Execution(ended));
        }
    }

    pub(super) fn churn(&mut self, now: Time, peer: PeerId) {
        let group = self.population.group_of(peer);
        let (Some(model), Some(churn)) = (&self.churn_models[group], &mut self.hosts[peer.0 as usize].churn)
        else {
            return;
        };
        let up = churn.change(model, self.streams, u64::from(peer.0));
        let next = churn.next_change();
        self.queue.post(next, Event::Churn(peer));
        if !up {
            self.take_down(now, peer, Outage::Machine);
        } else if !self.hosts[peer.0 as usize].crashed {
            self.bring_up(now, peer);
        }
    }

    pub(super) fn repair(&mut self, now: Time, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        host.crashed = false;
        if self.clouds.is_absent(peer) {
            return;
        }
        // What churn has taken down meanwhile stays down until churn brings it back.
        if host.churn.as_ref().is_none_or(crate::workload::PeerChurn::is_up) {
            self.bring_up(now, peer);
        }
    }

    /// Connections at the start.
    pub(super) fn begin_connections(&mut self) {
        if self.setup.network.nat.is_some() {
            self.network.begin(Time::ZERO);
            return self.greet_new_connections(Time::ZERO);
        }
        if !self.setup.hellos {
            return;
        }
        for number in 0..self.hosts.len() as u32 {
            self.connect(PeerId(number), Time::ZERO, false);
        }
    }

    /// Hidden hosts do what is due to reach and be reached.
    pub(super) fn wake_network(&mut self, now: Time) {
        self.network_due = None;
        self.network.wake(now);
        self.greet_new_connections(now);
    }

    /// Both sides of the connections that hidden hosts have opened greet each other.
    fn greet_new_connections(&mut self, now: Time) {
        for (one, other) in self.network.take_opened() {
            for (from, to) in [(one, other), (other, one)] {
                let handle = std::sync::Arc::clone(self.hosts[to.0 as usize].peer.handle_of_root());
                self.feed_about(now, PeerId(from.0), Concern::Nothing, |_| Input::Connected(handle));
            }
        }
        self.watch_network();
    }

    /// Foresees when the network is to be looked after next.
    fn watch_network(&mut self) {
        self.note_occurrences();
        if let Some(at) = self.network.next_wake()
            && self.network_due.is_none_or(|due| at < due)
        {
            self.network_due = Some(at);
            self.queue.post(at.max(self.queue.now()), Event::Reachability);
        }
    }

    /// Tells the ledger what has happened between hidden hosts.
    pub(super) fn note_occurrences(&mut self) {
        for occurrence in self.network.take_occurrences() {
            self.ledger.occurred(occurrence);
        }
    }

    /// Connections to the overlay's neighbours: each side greets the other. At the start every peer greets its own
    /// neighbours; a peer that comes back is greeted as well.
    pub(super) fn connect(&mut self, peer: PeerId, at: Time, both: bool) {
        if !self.hosts[peer.0 as usize].up {
            return;
        }
        for neighbour in self.network.neighbours(EndpointId(peer.0)) {
            let other = PeerId(neighbour.0);
            if !self.hosts[other.0 as usize].up {
                continue;
            }
            let handle = std::sync::Arc::clone(self.hosts[other.0 as usize].peer.handle_of_root());
            self.feed_about(at, peer, Concern::Nothing, |_| Input::Connected(handle));
            if both {
                let handle = std::sync::Arc::clone(self.hosts[peer.0 as usize].peer.handle_of_root());
                self.feed_about(at, other, Concern::Nothing, |_| Input::Connected(handle));
            }
        }
    }

    /// What follows from the hellos on the connections of a peer that comes back where nobody says them: those who know
    /// of revocations compare them.
    fn share_revocations(&mut self, peer: PeerId, at: Time) {
        let knows = |host: &Host| host.up && !host.revocations().is_empty();
        for neighbour in self.network.neighbours(EndpointId(peer.0)) {
            let other = PeerId(neighbour.0);
            if !self.hosts[other.0 as usize].up {
                continue;
            }
            for (one, to) in [(peer, other), (other, peer)] {
                if knows(&self.hosts[one.0 as usize]) {
                    let handle = std::sync::Arc::clone(self.hosts[to.0 as usize].peer.handle_of_root());
                    self.feed_about(at, one, Concern::Nothing, |_| Input::Reconnected(handle));
                }
            }
        }
    }
}
