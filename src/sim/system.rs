//! The operating systems of simulated machines.

use std::fmt;
use std::sync::Arc;

use super::event::PeerId;
use super::executor::{self, Executor};
use super::host::{Directory, Inside};
use super::images::Images;
use super::moving::Moving;
use super::population::Population;
use super::traffic::Traffic;
use super::uptimes::Uptimes;
use super::world::{Parcel, World};
use crate::dms::Peer;
use crate::dms::actor::Printed;
use crate::dms::ensemble::AllocationConfig;
use crate::dms::identity::PeerId as HostId;
use crate::dms::outbox::Effects;
use crate::dms::system::{Interface, NetworkUse, System};
use crate::kernel::{Cursor, Slab, Span, Time};
use crate::net::{EndpointId, Network};

/// That of one peer's machine: its name is the peer's, and it has the public address that the peer has now.
pub(super) struct HostSystem<'a> {
    pub(super) population: &'a Population,
    pub(super) moving: &'a Moving,
    pub(super) traffic: &'a Traffic,
    pub(super) images: &'a Images,
    pub(super) directory: &'a Directory,
    pub(super) network: &'a Network,
    pub(super) uptimes: &'a Uptimes,
    pub(super) executor: &'a Executor,
    pub(super) now: Time,
    pub(super) peer: PeerId,
}

/// A peer with what it works with while it handles something.
pub(super) struct Lent<'w> {
    pub(super) peer: &'w mut Peer,
    /// How far it has drawn from its random stream.
    pub(super) cursor: &'w mut Cursor,
    pub(super) system: HostSystem<'w>,
    pub(super) parcels: &'w Slab<Parcel>,
    pub(super) effects: &'w mut Effects,
}

impl World<'_> {
    /// Lends a peer with its machine's operating system.
    #[inline]
    pub(super) fn lend(&mut self, now: Time, peer: PeerId) -> Lent<'_> {
        let Self { population, moving, traffic, images, directory, network, uptimes, .. } = self;
        let Inside { peer: handler, peer_cursor, executor, .. } = &mut *self.hosts[peer.0 as usize];
        let system = HostSystem {
            population,
            moving,
            traffic,
            images,
            directory,
            network,
            uptimes,
            executor,
            now,
            peer,
        };
        let (parcels, effects) = (&self.parcels, &mut self.effects);
        Lent { peer: handler, cursor: peer_cursor, system, parcels, effects }
    }
}

impl fmt::Debug for HostSystem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostSystem").field(&self.peer).finish()
    }
}

impl System for HostSystem<'_> {
    fn hostname(&self) -> Arc<str> {
        Arc::clone(self.population.name_of(self.peer))
    }

    /// The address of the hardware is one of those that everybody may give out (its second bit is set), and holds the
    /// number of the peer.
    fn interfaces(&self) -> Vec<Interface> {
        let [a, b, c, d] = self.peer.0.to_be_bytes();
        let mac_address = format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}").into();
        vec![Interface { name: "eth0".into(), ip: self.moving.address(self.peer), mac_address }]
    }

    fn network_of(&self, allocation: &str) -> NetworkUse {
        self.traffic.network_of(self.peer, allocation)
    }

    /// Operators know what the programs of images print.
    fn is_right(&self, task: &AllocationConfig, result: &Printed) -> Option<bool> {
        executor::may_have_printed(task, result, self.images)
    }

    fn uptime(&self) -> Option<Span> {
        self.uptimes.of_peer(self.now, self.peer)
    }

    fn has_image(&self, reference: &str) -> bool {
        self.images.find(reference).is_some_and(|image| self.executor.has_image(image))
    }

    /// Connections end with the process at either end, and while nothing passes between the two.
    fn is_connected(&self, host: &HostId) -> bool {
        let other = self.directory.find(host);
        let [own, other] = [Some(self.peer), other].map(|peer| peer.map(|peer| EndpointId(peer.0)));
        own.zip(other).is_some_and(|(own, other)| self.network.reaches(self.now, own, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::conservation::tests::setup;
    use crate::sim::event::Turn;
    use crate::sim::setup::Selection;
    use crate::sim::world::World;

    #[test]
    fn a_machine_has_the_name_of_its_peer_and_the_address_that_this_has_now() {
        let setup = setup();
        let mut world = World::new(&setup).unwrap();
        let seen = |world: &mut World<'_>| {
            let system = world.lend(Time::ZERO, PeerId(1)).system;
            let [Interface { name, ip, mac_address }] = &*system.interfaces() else { panic!("it has one") };
            format!("{} {name} {ip} {mac_address}", system.hostname())
        };
        assert_eq!(seen(&mut world), "providers-1 eth0 11.0.0.2 02:00:00:00:00:01");
        world.move_peers(Time::ZERO, Turn::first_of(0), &Selection::default(), None);
        let moved = seen(&mut world);
        assert!(moved.starts_with("providers-1 eth0 11.0.0."), "{moved}");
        assert!(moved != "providers-1 eth0 11.0.0.2 02:00:00:00:00:01" && moved.ends_with(":01"), "{moved}");
    }
}
