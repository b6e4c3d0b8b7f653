//! Peers stop and start again: crashes and repairs, restarts, upgrades and churn.

use std::sync::Arc;

use super::{RECONNECT, entity_of};
use crate::dms::outbox::{Execution, Input, Remains, RunId};
use crate::kernel::{Distribution, Domain, Span, Time};
use crate::net::{EndpointId, LossReason};
use crate::sim::disks::Disk;
use crate::sim::event::{Event, PeerId, Turn};
use crate::sim::executor::Executor;
use crate::sim::host::Inside;
use crate::sim::setup::{Fault, Selection};
use crate::sim::watching::Sight;
use crate::sim::world::World;

/// How long each repair takes, apart so that it does not depend on who is hit.
const REPAIR: Domain = Domain::new("sim.repair");
/// In which order peers are upgraded.
const ORDER: Domain = Domain::new("sim.upgrade");
/// How long after a process has broken down it is started again.
const PROCESS_RESTART: Span = Span::secs(10);

/// What of a peer stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sim) enum Down {
    /// The machine with all that runs on it.
    Machine,
    /// The same, and its disk is lost.
    MachineWithDisk,
    /// The DMS process alone, because somebody ends it.
    Process,
    /// The DMS process alone, by itself.
    Breakdown,
}

impl Down {
    /// Whether what runs on the machine stops as well.
    const fn is_of_machine(self) -> bool {
        matches!(self, Self::Machine | Self::MachineWithDisk)
    }
}

impl World<'_> {
    /// Peers go down, each until its repair. One that is down by a fault already stays so until that one's repair.
    pub(super) fn break_down(
        &mut self,
        now: Time,
        turn: Turn,
        who: &Selection,
        repair: Option<&Distribution>,
        down: Down,
    ) {
        for peer in self.select(turn, 0, who) {
            if self.hosts[peer.0 as usize].crashed || self.is_absent(peer) {
                continue;
            }
            self.hosts[peer.0 as usize].crashed = true;
            self.take_down(now, peer, down);
            if down == Down::MachineWithDisk {
                self.lose_disk(now, peer);
            }
            if let Some(repair) = repair {
                self.repair_later(now, turn, peer, repair);
            }
        }
    }

    pub(super) fn repair_later(&mut self, now: Time, turn: Turn, peer: PeerId, after: &Distribution) {
        let entity = entity_of(turn.fault, peer.0, turn.number);
        let after = after.sample(&mut self.streams.owned(REPAIR, entity));
        self.queue.post(now + after, Event::Repair(peer));
    }

    /// The peers of an upgrade take their turns, evenly spread over its time.
    pub(super) fn begin_upgrade(&mut self, now: Time, turn: Turn, who: &Selection, within: Span) {
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
    pub(in crate::sim) fn upgrade(&mut self, now: Time, number: u32, peer: PeerId) {
        let fault = Arc::clone(self.plans.fault(number));
        let Fault::Upgrade { down, to, .. } = &*fault else { return };
        let host = &mut self.hosts[peer.0 as usize];
        let waits = host.crashed || !host.up;
        if !waits {
            host.crashed = true;
            self.take_down(now, peer, Down::Process);
            self.repair_later(now, Turn::first_of(number), peer, down);
        }
        self.single_out(now, peer);
        self.hosts[peer.0 as usize].peer.upgrade(*to);
        self.office.upgrade(peer, *to);
        self.ledger.upgraded();
    }

    /// The process of a peer has broken down by itself; its operating system starts it again.
    pub(in crate::sim) fn break_process(&mut self, now: Time, peer: PeerId) {
        self.crash(now, peer, PROCESS_RESTART, false);
    }

    /// The process of a peer breaks down, or its machine with its disk, and is there again after some time.
    pub(in crate::sim) fn crash(&mut self, now: Time, peer: PeerId, restart: Span, loses_disk: bool) {
        self.hosts[peer.0 as usize].crashed = true;
        if loses_disk {
            self.take_down(now, peer, Down::MachineWithDisk);
            self.lose_disk(now, peer);
        } else {
            self.take_down(now, peer, Down::Breakdown);
        }
        self.queue.post(now + restart, Event::Repair(peer));
    }

    /// A peer stops at once: what it had in memory is gone, and with its machine what ran there.
    pub(in crate::sim) fn take_down(&mut self, now: Time, peer: PeerId, down: Down) {
        self.rouse(now, peer);
        self.recall_late(now, peer, None);
        if down.is_of_machine() {
            self.unfreeze(now, peer);
            let host = &mut self.hosts[peer.0 as usize];
            host.power += 1;
            if host.is_built() {
                host.unheard.clear();
                self.stop_programs(now, peer);
                self.hosts[peer.0 as usize].executor.crash();
            }
        }
        self.note_down(now, peer, down.is_of_machine());
        let host = &mut self.hosts[peer.0 as usize];
        self.ledger.stops(now, peer, down.is_of_machine());
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
            self.end_process(now, peer, down);
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

    /// The disk of a machine that is down is gone. Its operator will put in a new one and set the node up again, with
    /// the same key and the same anchors; a gateway's machines, of which nothing is known any more, are given back.
    fn lose_disk(&mut self, now: Time, peer: PeerId) {
        self.ledger.disk_lost();
        self.check_disk_lost(peer);
        let storage = &self.setup.groups[self.population.group_of(peer)].storage;
        let Some(inside) = self.hosts[peer.0 as usize].built_mut() else { return };
        inside.peer.lose_disk();
        inside.disk = Disk::new(storage, inside.peer.provider().machine().total.disk_bytes);
        inside.executor = Executor::default();
        self.give_machines_back(now, peer);
        for (number, id, former) in self.ledger.back_to_the_unaware(peer) {
            if let Some(deployment) = self.hosts[former.0 as usize].peer.deployment(id) {
                self.ledger.is_in(now, number, deployment.status());
            }
        }
    }

    /// A process that is ended may still say so; of one that dies, only what was due before is told.
    fn end_process(&mut self, now: Time, peer: PeerId, down: Down) {
        self.check_process(peer, false);
        if down == Down::Process {
            self.close_observation(now, peer);
        } else {
            self.take_signals(now, peer);
        }
        self.hosts[peer.0 as usize].peer.stop();
    }

    /// A machine is switched off, and everything on it is gone.
    pub(in crate::sim) fn switch_off(&mut self, now: Time, peer: PeerId) {
        self.hosts[peer.0 as usize].crashed = false;
        self.take_down(now, peer, Down::Machine);
        self.check_disk_lost(peer);
    }

    pub(in crate::sim) fn bring_up(&mut self, now: Time, peer: PeerId) {
        let host = &mut self.hosts[peer.0 as usize];
        if host.up {
            return;
        }
        host.up = true;
        self.uptimes.note_up(now, peer);
        self.network.set_up(now, EndpointId(peer.0), true);
        self.ledger.peer_is(now, peer, true);
        self.shows(now, peer, Sight::Up);
        self.note_up(now, peer);
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
        let machines = self.clouds.of_gateway(peer);
        let bricks = self.hosts[peer.0 as usize].disk.bricks().to_vec();
        self.feed(now, peer, |_| Input::Started(Remains { running, rising, machines, bricks }));
        self.check_process(peer, true);
        for ended in unheard {
            self.note_result(peer, &ended);
            self.feed(now, peer, |_| Input::Execution(ended));
        }
    }

    pub(in crate::sim) fn repair(&mut self, now: Time, peer: PeerId) {
        self.hosts[peer.0 as usize].crashed = false;
        if self.is_absent(peer) {
            return;
        }
        // What churn has taken down meanwhile stays down until churn brings it back.
        if self.hosts[peer.0 as usize].churn.as_ref().is_none_or(crate::workload::PeerChurn::is_up) {
            self.bring_up(now, peer);
        }
    }
}
