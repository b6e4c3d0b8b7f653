//! Providers at rest, as far as a request for bids is concerned.
//!
//! A request has all of them looked at, so they are kept in as little as tells one from another: two machines of a
//! group hardly ever differ in more than their disks, their places and their keys.

use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::dms::Peer;
use crate::dms::identity::PeerId as HostId;
use crate::dms::provider::{Bidder, Equipment, Machine};
use crate::dms::resources::Resources;
use crate::dms::suppression::Ticket;
use crate::net::CityId;
use crate::sim::atlas::location_of;
use crate::sim::event::PeerId;
use crate::sim::population::{Blueprint, Member};

/// A machine, but for what hardly any two have in common: the size of its disk, and its place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    total: Resources,
    onboarded: Option<Resources>,
}

/// A member, but for its key.
struct Row {
    ticket: Ticket,
    disk_bytes: u64,
    /// How much of the disk is offered.
    offered_bytes: u64,
    /// The place of its kind in the group's.
    kind: u32,
    city: CityId,
}

const _: () = assert!(size_of::<Row>() == 32, "a request has all of them read");

/// A group whose members are built when something happens to them.
pub(super) struct Group {
    /// The number of its first member; the others follow.
    pub(super) first: u32,
    pub(super) blueprint: Arc<Blueprint>,
    rows: Vec<Row>,
    hosts: Vec<HostId>,
    kinds: Vec<Kind>,
    /// How many anchors each of them begins with.
    anchors: [usize; 3],
}

/// How many roots, side chains and tokens of its own a node has.
fn anchors(peer: &Peer) -> [usize; 3] {
    let context = peer.capabilities();
    [context.roots().len(), context.require_anchors().len(), context.provide_anchors().len()]
}

impl Group {
    /// That of these members, of which the first has the number `first`.
    pub(super) fn new(first: u32, blueprint: &Arc<Blueprint>, members: &[Member]) -> Self {
        let mut kinds = IndexSet::with_hasher(FxBuildHasher);
        let (mut rows, mut hosts) = (Vec::with_capacity(members.len()), Vec::with_capacity(members.len()));
        for (number, member) in (first..).zip(members) {
            let secret = blueprint.secret(number);
            let Machine { mut total, mut onboarded, .. } = blueprint.machine(number, member.city);
            let take = |from: &mut Resources| std::mem::take(&mut from.disk_bytes);
            let (disk_bytes, offered_bytes) = (take(&mut total), onboarded.as_mut().map_or(0, take));
            let (kind, _) = kinds.insert_full(Kind { total, onboarded });
            let (ticket, kind) = (Ticket::of(&secret), kind as u32);
            rows.push(Row { ticket, disk_bytes, offered_bytes, kind, city: member.city });
            hosts.push(HostId(secret.public()));
        }
        Self {
            first,
            blueprint: Arc::clone(blueprint),
            rows,
            hosts,
            kinds: kinds.into_iter().collect(),
            anchors: anchors(&blueprint.specimen().peer),
        }
    }

    /// Its members, in order.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> + use<> {
        (self.first..).take(self.rows.len()).map(PeerId)
    }

    /// The place of a peer among its members, if it is one.
    pub(super) fn row_of(&self, peer: PeerId) -> Option<usize> {
        let row = peer.0.checked_sub(self.first)? as usize;
        (row < self.rows.len()).then_some(row)
    }

    /// Whether a member has as many anchors as in the beginning.
    pub(super) fn is_anchored_as_ever(&self, member: &Peer) -> bool {
        anchors(member) == self.anchors
    }

    pub(super) fn host(&self, row: usize) -> HostId {
        self.hosts[row]
    }

    pub(super) fn ticket(&self, row: usize) -> Ticket {
        self.rows[row].ticket
    }

    /// How much processor a member offers, in thousandths of a core.
    pub(super) fn offered_cores_milli(&self, row: usize) -> u64 {
        self.kinds[self.kind_of(row)].onboarded.as_ref().map_or(0, |offered| offered.cpu.cores_milli)
    }

    /// Its kinds of machines.
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The place of a member's kind among them.
    #[inline]
    pub(super) fn kind_of(&self, row: usize) -> usize {
        self.rows[row].kind as usize
    }

    /// A member to which nothing has happened, as it looks at itself. Its machine is made of one of its kind.
    #[inline]
    pub(super) fn bidder<'a>(&'a self, row: usize, kind: &'a mut Kind) -> Bidder<'a> {
        let Row { ticket, disk_bytes, offered_bytes, city, .. } = self.rows[row];
        let Kind { total, onboarded } = kind;
        total.disk_bytes = disk_bytes;
        if let Some(onboarded) = onboarded {
            onboarded.disk_bytes = offered_bytes;
        }
        let has = Equipment {
            total,
            onboarded: onboarded.as_ref(),
            location: location_of(city),
            executors: self.blueprint.executors(),
        };
        Bidder::fresh(has, &self.hosts[row], ticket, self.blueprint.profile())
    }
}
