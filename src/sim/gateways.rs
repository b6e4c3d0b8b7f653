//! The clouds behind gateways: virtual machines that are made and deleted on order.
//!
//! Every machine that may ever exist is a host of the world from the start, with a key and memberships, and is down
//! until its gateway has it made. It is then given what the gateway has ordered and an empty disk, boots, and is a peer
//! like all others until it is deleted. What was deleted may be made again for another order, with the same key.

use super::disks::Disk;
use super::event::{Event, PeerId};
use super::executor::Executor;
use super::population::{Population, owner_of};
use super::setup::{GatewayPlan, Role, Setup};
use super::world::World;
use crate::dms::outbox::{Input, MachineReport};
use crate::dms::provider::Machine;
use crate::dms::resources::Resources;
use crate::kernel::{Domain, Time};

/// How long each machine takes to boot, and whether it does.
const BOOT: Domain = Domain::new("sim.gateway");

/// What a machine is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    Absent,
    Booting { order: u32, comes_up: bool, offers: Box<Resources> },
    Up { order: u32 },
}

impl State {
    const fn order(&self) -> Option<u32> {
        match self {
            Self::Absent => None,
            Self::Booting { order, .. } | Self::Up { order } => Some(*order),
        }
    }
}

/// A host that is a virtual machine.
#[derive(Clone, Debug)]
struct Slot {
    machine: PeerId,
    gateway: PeerId,
    /// How often it was made.
    boots: u32,
    state: State,
}

/// All virtual machines of a run, in the order of their hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct Clouds {
    slots: Vec<Slot>,
}

impl Clouds {
    /// The machines of all gateways; none is up.
    pub(super) fn of(setup: &Setup, population: &Population) -> Self {
        let group_of = |peer: PeerId| population.group_of(peer);
        let peers = (0..population.members().len() as u32).map(PeerId);
        let mut slots = Vec::new();
        let mut numbers = vec![0; setup.groups.len()];
        for machine in peers.filter(|peer| setup.groups[group_of(*peer)].role == Role::Machine) {
            let group = group_of(machine);
            let number = numbers[group];
            numbers[group] += 1;
            if let Some(gateway) = owner_of(setup, population.members(), group, number) {
                let gateway = PeerId(gateway as u32);
                slots.push(Slot { machine, gateway, boots: 0, state: State::Absent });
            }
        }
        Self { slots }
    }

    /// Whether a host is a virtual machine that does not exist now.
    pub(super) fn is_absent(&self, peer: PeerId) -> bool {
        let found = self.slots.binary_search_by_key(&peer, |slot| slot.machine);
        found.is_ok_and(|place| !matches!(self.slots[place].state, State::Up { .. }))
    }

    /// The machines of a gateway that are up or boot, by the numbers under which it has ordered them.
    pub(super) fn of_gateway(&self, gateway: PeerId) -> Vec<u32> {
        let own = self.slots.iter().filter(|slot| slot.gateway == gateway);
        own.filter_map(|slot| slot.state.order()).collect()
    }

    fn find(&self, gateway: PeerId, order: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.gateway == gateway && slot.state.order() == Some(order))
    }
}

impl World<'_> {
    fn gateway_plan(&self, gateway: PeerId) -> Option<&GatewayPlan> {
        self.setup.groups[self.population.group_of(gateway)].gateway.as_ref()
    }

    fn report(&mut self, now: Time, gateway: PeerId, report: MachineReport) {
        // A gateway that is down hears of nothing, and knows so when it is back.
        if self.hosts[gateway.0 as usize].up {
            self.feed(now, gateway, |_| Input::Machine(report));
        }
    }

    /// A gateway orders a machine.
    pub(super) fn provision(&mut self, now: Time, gateway: PeerId, order: u32, offers: Box<Resources>) {
        let Some(GatewayPlan { boot, fails, .. }) = self.gateway_plan(gateway).cloned() else { return };
        let free = |slot: &Slot| slot.gateway == gateway && slot.state == State::Absent;
        let place = self.clouds.slots.iter().position(free);
        let place = place.expect("a gateway counts its machines, and those that were made while it was down");
        let slot = &mut self.clouds.slots[place];
        let entity = u64::from(slot.machine.0) << 32 | u64::from(slot.boots);
        let mut rng = self.streams.owned(BOOT, entity);
        slot.boots += 1;
        let after = boot.sample(&mut rng);
        let comes_up = !rng.chance(fails);
        slot.state = State::Booting { order, comes_up, offers };
        self.queue.post(now + after, Event::Machine { gateway, order, slot: place as u32 });
    }

    /// A machine has booted, or has not; what was called off meanwhile does neither.
    pub(super) fn boot(&mut self, now: Time, gateway: PeerId, order: u32, slot: u32) {
        let slot = &mut self.clouds.slots[slot as usize];
        let State::Booting { order: current, comes_up, offers } = &slot.state else { return };
        if *current != order {
            return;
        }
        if !comes_up {
            slot.state = State::Absent;
            let report = MachineReport::Failed(order, "it did not boot".into());
            return self.report(now, gateway, report);
        }
        let (machine, offers) = (slot.machine, (**offers).clone());
        slot.state = State::Up { order };
        let cores = offers.cpu.cores_milli;
        let storage = &self.setup.groups[self.population.group_of(machine)].storage;
        let disk = Disk::new(storage, offers.disk_bytes);
        let host = &mut self.hosts[machine.0 as usize];
        let own = host.peer.provider().machine().clone();
        host.peer.reinstall(Machine { total: offers.clone(), onboarded: Some(offers), ..own });
        host.executor = Executor::default();
        host.disk = disk;
        host.crashed = false;
        self.bring_up(now, machine);
        self.ledger.offers(now, machine, cores);
        self.ledger.machine_made(now);
        let handle = std::sync::Arc::clone(self.hosts[machine.0 as usize].peer.handle_of_root());
        self.report(now, gateway, MachineReport::Up(order, handle));
    }

    /// All machines of a gateway are deleted that knows of none any more.
    pub(super) fn give_machines_back(&mut self, now: Time, gateway: PeerId) {
        for order in self.clouds.of_gateway(gateway) {
            self.delete_machine(now, gateway, order);
        }
    }

    /// A gateway has a machine deleted.
    pub(super) fn delete_machine(&mut self, now: Time, gateway: PeerId, order: u32) {
        let Some(place) = self.clouds.find(gateway, order) else { return };
        let slot = &mut self.clouds.slots[place];
        let machine = slot.machine;
        if let State::Up { .. } = std::mem::replace(&mut slot.state, State::Absent) {
            let was_up = self.hosts[machine.0 as usize].up;
            self.switch_off(now, machine);
            self.ledger.offers(now, machine, 0);
            self.ledger.machine_deleted(now, machine, was_up);
        }
    }
}
