//! One node of a deployment and its allocations, as the orchestrator knows them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::dms::actor::{Bid, NodeRequest};
use crate::dms::constants::{ALLOCATION_DEPLOYMENT_TIMEOUT, COMMIT_DEPLOYMENT_TIMEOUT};
use crate::dms::ensemble::{AllocationConfig, EnsembleConfig, PortConfig, levels};
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::resources::Resources;
use crate::dms::subnet::AddressRange;
use crate::dms::supervision::{RestartLog, Watch};
use crate::kernel::{Span, Timestamp};

/// How far a node has come. The order is that of the steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::dms) enum Phase {
    /// It has no peer.
    Unplaced,
    /// The promise of a gateway was chosen; its place is the gateway's.
    Promised,
    /// A bid was chosen.
    Chosen,
    /// Its resources are reserved.
    Committed,
    /// Its allocations exist.
    Allocated,
    /// Its peer is in the subnet.
    Networked,
    /// Its allocations have their addresses.
    Addressed,
    /// They know the names of the others.
    Named,
    /// Their public ports are open.
    Mapped,
    /// They have started.
    Started,
    /// They are in the subnet and are kept in reserve.
    Standby,
    /// It was given up and is not to be recovered.
    Lost,
}

/// What is known of an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::dms) enum MemberState {
    /// Not started.
    Waiting,
    /// Running, as far as is known.
    Running,
    /// A task that has ended, with its exit code.
    Ended(i32),
}

/// One allocation.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) config: Arc<AllocationConfig>,
    pub(super) ports: Vec<PortConfig>,
    pub(super) handle: Option<Arc<Handle>>,
    /// Its address in the ensemble's subnet; it keeps it wherever it is moved.
    pub(super) address: Ipv4Addr,
    pub(super) committed: bool,
    pub(super) registered: bool,
    pub(super) state: MemberState,
    pub(super) watch: Watch,
    pub(super) restarts: RestartLog,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    /// The node of the file: its own name, or that of its primary.
    pub(super) entry: Arc<str>,
    /// The place of the node that it stands by for, if it is a standby.
    pub(super) standby_of: Option<usize>,
    pub(super) request: NodeRequest,
    pub(super) pin: Option<Arc<Handle>>,
    pub(super) phase: Phase,
    pub(super) generation: u32,
    pub(super) bids: Vec<Bid>,
    pub(super) place: Option<Arc<Handle>>,
    pub(super) excluded: Vec<PeerId>,
    pub(super) members: Vec<Member>,
    /// Allocations by dependency level: each level starts when the one before it has started.
    pub(super) levels: Vec<Vec<usize>>,
    pub(super) level: usize,
    /// Whether it has run before: what starts it now is a recovery.
    pub(super) recovering: bool,
    /// Whether it has fallen out of the manifest (W6b).
    pub(super) forgotten: bool,
}

impl Node {
    /// The nodes of an ensemble, each followed by its standbys (dms-orchestration section 2.9). Those without
    /// allocations are skipped: there is nothing to place. Each allocation gets the next free address of the subnet.
    ///
    /// # Errors
    /// The ensemble has more allocations than its subnet has addresses.
    pub(super) fn all(
        id: EnsembleId,
        range: AddressRange,
        config: &EnsembleConfig,
        pins: &[Option<Arc<Handle>>],
    ) -> Result<Vec<Self>, Arc<str>> {
        let mut addresses = range.for_allocations();
        let mut nodes: Vec<Self> = Vec::new();
        for (index, (entry, node)) in
            config.nodes.iter().enumerate().filter(|(_, (_, node))| !node.allocations.is_empty())
        {
            let primary = nodes.len();
            for number in 0..=node.redundancy {
                let name = if number == 0 { Arc::clone(entry) } else { levels::standby_name(entry, number) };
                let members = members(id, config, (&name, entry), &mut addresses)
                    .ok_or_else(|| no_room(range, config))?;
                nodes.push(Self {
                    request: request(nodes.len(), config, (&name, entry), &members),
                    levels: start_levels(config, entry, &members),
                    entry: Arc::clone(entry),
                    name,
                    standby_of: (number > 0).then_some(primary),
                    pin: pins.get(index).cloned().flatten().filter(|_| number == 0),
                    phase: Phase::Unplaced,
                    generation: 0,
                    bids: Vec::new(),
                    place: None,
                    excluded: Vec::new(),
                    members,
                    level: 0,
                    recovering: false,
                    forgotten: false,
                });
            }
        }
        Ok(nodes)
    }

    /// Forgets everything about its place; the generation stays.
    pub(super) fn reset(&mut self) {
        self.phase = Phase::Unplaced;
        self.bids.clear();
        self.place = None;
        self.level = 0;
        for member in &mut self.members {
            member.handle = None;
            member.committed = false;
            member.registered = false;
            member.state = MemberState::Waiting;
        }
    }

    pub(super) fn commit_timeout(&self) -> Span {
        COMMIT_DEPLOYMENT_TIMEOUT.times(self.members.len() as u64)
    }

    pub(super) fn allocate_timeout(&self) -> Span {
        ALLOCATION_DEPLOYMENT_TIMEOUT.times(self.members.len() as u64)
    }

    /// The peer that hosts it.
    ///
    /// # Panics
    /// If it has none: callers have looked at the phase.
    pub(super) fn host(&self) -> Arc<Handle> {
        Arc::clone(self.place.as_ref().expect("a node past Unplaced has a peer"))
    }
}

/// The allocations of a node, by its own name and that of its entry in the file; none when there are too few addresses.
fn members(
    id: EnsembleId,
    config: &EnsembleConfig,
    (name, entry): (&Arc<str>, &Arc<str>),
    addresses: &mut impl Iterator<Item = Ipv4Addr>,
) -> Option<Vec<Member>> {
    let ports = &config.nodes[entry].ports;
    let member = |(allocation, settings): (&Arc<str>, &AllocationConfig)| {
        Some(Member {
            name: Arc::clone(allocation),
            id: format!("{id}_{name}.{allocation}").into(),
            config: Arc::new(settings.clone()),
            ports: ports.iter().filter(|port| port.allocation == *allocation).cloned().collect(),
            handle: None,
            address: addresses.next()?,
            committed: false,
            registered: false,
            state: MemberState::Waiting,
            watch: Watch::starting_at(Timestamp::ZERO),
            restarts: RestartLog::default(),
        })
    };
    config.allocations_of(entry).map(member).collect()
}

fn no_room(range: AddressRange, config: &EnsembleConfig) -> Arc<str> {
    let nodes = config.nodes.values();
    let wanted: usize = nodes.map(|node| node.allocations.len() * (1 + node.redundancy as usize)).sum();
    let capacity = AddressRange::CAPACITY;
    format!("{wanted} allocations need an address, and the subnet {range} has {capacity}").into()
}

/// What the node asks of a provider: the sum over its allocations, graphics cards included.
fn request(
    index: usize,
    config: &EnsembleConfig,
    (name, entry): (&Arc<str>, &Arc<str>),
    members: &[Member],
) -> NodeRequest {
    let node = &config.nodes[entry];
    let resources =
        members.iter().fold(Resources::default(), |sum, member| sum.plus(&member.config.resources));
    let mut executors: Vec<_> = members.iter().map(|member| member.config.executor).collect();
    executors.sort_unstable();
    executors.dedup();
    NodeRequest {
        node: Arc::clone(name),
        index: u16::try_from(index).expect("an ensemble has fewer than 65536 nodes"),
        executors,
        resources,
        location: node.location.clone(),
        static_ports: node.ports.iter().map(|port| port.public).filter(|port| *port != 0).collect(),
        dynamic_ports: node.ports.iter().filter(|port| port.public == 0).count() as u32,
    }
}

/// The members' places by dependency level.
fn start_levels(config: &EnsembleConfig, node: &str, members: &[Member]) -> Vec<Vec<usize>> {
    let place = |name: &Arc<str>| members.iter().position(|member| member.name == *name);
    levels::start_levels(config, node)
        .expect("a loaded ensemble has no missing or cyclic dependencies")
        .iter()
        .map(|level| level.iter().filter_map(place).collect())
        .collect()
}
