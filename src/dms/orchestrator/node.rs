//! One node of a deployment and its allocations, as the orchestrator knows them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::scoring::KeptBid;
use crate::dms::actor::{AllocationState, NodeRequest, Printed};
use crate::dms::constants::{ALLOCATION_DEPLOYMENT_TIMEOUT, COMMIT_DEPLOYMENT_TIMEOUT};
use crate::dms::ensemble::{AllocationConfig, EnsembleConfig, PortConfig, levels};
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::resources::Resources;
use crate::dms::subnet::AddressRange;
use crate::dms::supervision::{Recovery, RestartLog, Spare, Watch};
use crate::kernel::{Span, Timestamp};
use crate::placement::Cards;

/// How far a node has come. The order is that of the steps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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
    /// It has no peer and is to have none: it was given up, has done its part, or is not needed yet.
    Idle,
}

impl Phase {
    /// Whether its provider has its allocations.
    pub(super) fn has_allocations(self) -> bool {
        (Self::Allocated..Self::Idle).contains(&self)
    }
}

/// What is known of an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::dms) enum MemberState {
    /// Not started.
    Waiting,
    /// Running, as far as is known.
    Running,
    /// A task that has ended, with its exit code.
    Ended(i32),
    /// Its peer runs a few at once, and starts it when its turn comes.
    Queued,
}

impl MemberState {
    /// Whether it is a task that has ended, in whatever way, or a service that was left down.
    pub(super) const fn has_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// One allocation.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) config: Arc<AllocationConfig>,
    /// Counts its lives: every placing of its node is another one.
    pub(super) generation: u32,
    pub(super) ports: Vec<PortConfig>,
    pub(super) handle: Option<Arc<Handle>>,
    /// Its address in the ensemble's subnet; it keeps it wherever it is moved.
    pub(super) address: Ipv4Addr,
    pub(super) committed: bool,
    pub(super) registered: bool,
    /// Set when an update has made the supervisor forget it for good (W8).
    pub(super) unsupervised: bool,
    pub(super) state: MemberState,
    pub(super) watch: Watch,
    pub(super) restarts: RestartLog,
    /// What a task printed that has ended without an error: its result.
    pub(super) result: Option<Printed>,
}

impl Member {
    /// What a provider says of this life of it, if anything.
    pub(super) fn told_in(&self, states: &[(Arc<str>, u32, AllocationState)]) -> Option<AllocationState> {
        let is_its = |(id, generation, _): &&(Arc<str>, u32, AllocationState)| {
            *id == self.id && *generation == self.generation
        };
        states.iter().find(is_its).map(|(.., state)| *state)
    }

    /// As what it goes on after a restart of the orchestrator, by what its provider says of it; none where it does not.
    pub(super) fn resumed_as(&self, states: &[(Arc<str>, u32, AllocationState)]) -> Option<MemberState> {
        // Of a task that has told its end its peer knows nothing any more.
        if self.state.has_ended() {
            return Some(self.state);
        }
        match self.told_in(states)? {
            // Of one that is completed the end is still to be told.
            AllocationState::Running | AllocationState::Completed => Some(MemberState::Running),
            AllocationState::Queued => Some(MemberState::Queued),
            AllocationState::Pending => Some(MemberState::Waiting),
            _ => None,
        }
    }
}

/// What the update under way has to do with a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::dms) enum Change {
    /// It is as it was.
    Nothing,
    /// It is new.
    Added,
    /// It is to run on another peer.
    Moved,
    /// It stands for new allocations of the node of the same name, and becomes a part of that one when they run.
    Part,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    /// The node of the file: its own name, or that of its primary.
    pub(super) entry: Arc<str>,
    /// The place of the node that it stands by for, if it is a spare.
    pub(super) standby_of: Option<usize>,
    /// What it is then.
    pub(super) spare: Spare,
    pub(super) request: NodeRequest,
    pub(super) pin: Option<Arc<Handle>>,
    pub(super) phase: Phase,
    /// Where bids are compared, the best ones.
    pub(super) bids: Vec<KeptBid>,
    pub(super) place: Option<Arc<Handle>>,
    /// Which of its peer's cards it is to have, where the policy has a say in it.
    pub(super) cards: Cards,
    pub(super) excluded: Vec<PeerId>,
    pub(super) members: Vec<Member>,
    /// Allocations by dependency level: each level starts when the one before it has started.
    pub(super) levels: Vec<Vec<usize>>,
    pub(super) level: usize,
    /// Whether it has run before: what starts it now is a recovery.
    pub(super) recovering: bool,
    /// Whether it has fallen out of the manifest (W6b).
    pub(super) forgotten: bool,
    pub(super) change: Change,
    /// How often its tasks have ended with an error and were tried again.
    pub(super) tries: u32,
    /// When it is to be tried again at the earliest.
    pub(super) not_before: Option<Timestamp>,
    /// The results of the copies of its tasks.
    pub(super) votes: Vec<Vote>,
    /// Whether the votes have decided what its tasks came to.
    pub(super) is_decided: bool,
    /// How often it began anew of late.
    pub(super) recoveries: RestartLog,
    /// How often nobody bid for it of late, where it was sought as a precaution.
    pub(super) searches_in_vain: RestartLog,
    /// Since when its peer may be lost.
    pub(super) suspected_since: Option<Timestamp>,
    /// Where the generations of the present orchestrator begin.
    pub(super) first_generation: u32,
}

/// What the tasks of one copy of a node came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::dms) struct Vote {
    /// Who says so.
    pub(in crate::dms) host: PeerId,
    /// What each of them printed, or the exit code of one that ended with an error.
    pub(in crate::dms) results: Result<Vec<Printed>, i32>,
}

impl Member {
    /// An allocation that has not begun its first life, of a node by its own name and that of its entry in the file.
    pub(super) fn new(
        id: EnsembleId,
        config: &EnsembleConfig,
        (node, entry): (&Arc<str>, &Arc<str>),
        allocation: &Arc<str>,
        address: Ipv4Addr,
    ) -> Self {
        let ports = &config.nodes[entry].ports;
        Self {
            name: Arc::clone(allocation),
            id: full_id(id, node, allocation),
            config: Arc::new(config.allocations[allocation].clone()),
            generation: 0,
            ports: ports.iter().filter(|port| port.allocation == *allocation).cloned().collect(),
            handle: None,
            address,
            committed: false,
            registered: false,
            unsupervised: false,
            state: MemberState::Waiting,
            watch: Watch::starting_at(Timestamp::ZERO),
            restarts: RestartLog::default(),
            result: None,
        }
    }
}

impl Node {
    /// The nodes of an ensemble, each followed by its spares (dms-orchestration section 2.9). Those without
    /// allocations are skipped: there is nothing to place. Each allocation gets the next free address of the subnet.
    ///
    /// # Errors
    /// The ensemble has more allocations than its subnet has addresses.
    pub(super) fn all(
        id: EnsembleId,
        range: AddressRange,
        config: &EnsembleConfig,
        recovery: &Recovery,
        pins: &[Option<Arc<Handle>>],
    ) -> Result<Vec<Self>, Arc<str>> {
        let mut addresses = range.for_allocations();
        let mut nodes: Vec<Self> = Vec::new();
        for (index, (entry, _)) in
            config.nodes.iter().enumerate().filter(|(_, (_, node))| !node.allocations.is_empty())
        {
            let pin = pins.get(index).and_then(Option::as_ref);
            let known = (config, recovery);
            let instances = Self::instances(id, known, entry, nodes.len(), pin, &mut addresses);
            nodes.extend(instances.ok_or_else(|| no_room(range, config, recovery))?);
        }
        Ok(nodes)
    }

    /// The node of an entry in the file, which is the `first`th of all, and its spares; none when there are too few
    /// addresses.
    pub(super) fn instances(
        id: EnsembleId,
        (config, recovery): (&EnsembleConfig, &Recovery),
        entry: &Arc<str>,
        first: usize,
        pin: Option<&Arc<Handle>>,
        addresses: &mut impl Iterator<Item = Ipv4Addr>,
    ) -> Option<Vec<Self>> {
        let mut nodes = Vec::new();
        let spares = recovery.spares(config, &config.nodes[entry]).map(Some);
        for (number, spare) in (0..).zip(std::iter::once(None).chain(spares)) {
            let name = if number == 0 { Arc::clone(entry) } else { levels::standby_name(entry, number) };
            let mut members = Vec::new();
            for allocation in &config.nodes[entry].allocations {
                members.push(Member::new(id, config, (&name, entry), allocation, addresses.next()?));
            }
            let mut node = Self::of(config, (&name, entry), members);
            node.request.index = position(first + nodes.len());
            node.standby_of = spare.map(|_| first);
            node.spare = spare.unwrap_or(Spare::Standby);
            if spare == Some(Spare::Precaution) {
                node.phase = Phase::Idle;
            }
            node.pin = pin.filter(|_| number == 0).cloned();
            nodes.push(node);
        }
        Some(nodes)
    }

    /// A node of these allocations that has no place, by its own name and that of its entry in the file.
    pub(super) fn of(
        config: &EnsembleConfig,
        (name, entry): (&Arc<str>, &Arc<str>),
        members: Vec<Member>,
    ) -> Self {
        Self {
            name: Arc::clone(name),
            entry: Arc::clone(entry),
            standby_of: None,
            spare: Spare::Standby,
            request: request(0, config, (name, entry), &members),
            pin: None,
            phase: Phase::Unplaced,
            bids: Vec::new(),
            cards: Cards::new(),
            place: None,
            excluded: Vec::new(),
            levels: start_levels(config, entry, &members),
            members,
            level: 0,
            recovering: false,
            forgotten: false,
            change: Change::Nothing,
            tries: 0,
            not_before: None,
            votes: Vec::new(),
            is_decided: false,
            recoveries: RestartLog::default(),
            searches_in_vain: RestartLog::default(),
            suspected_since: None,
            first_generation: 0,
        }
    }

    /// Follows a change of its allocations, and of its place among the nodes.
    pub(super) fn refit(&mut self, index: usize, config: &EnsembleConfig) {
        let order = &config.nodes[&self.entry].allocations;
        self.members.sort_by_key(|member| order.iter().position(|name| *name == member.name));
        self.request = request(index, config, (&self.name, &self.entry), &self.members);
        self.levels = start_levels(config, &self.entry, &self.members);
    }

    /// Whether it has been told to start and waits for its turn, in part at least.
    pub(super) fn is_in_line(&self) -> bool {
        self.phase == Phase::Mapped && self.members.iter().any(|member| member.state == MemberState::Queued)
    }

    /// Whether what runs of it is looked after: once it has started, and while a part of it waits for its turn, which
    /// may take any time.
    pub(super) fn is_supervised(&self) -> bool {
        self.phase == Phase::Started || self.is_in_line()
    }

    /// Whether its peer may come under suspicion: it has started, and nobody suspects that peer yet.
    pub(super) fn may_be_suspected(&self) -> bool {
        self.phase == Phase::Started && self.suspected_since.is_none()
    }

    /// Whether it is kept in reserve for another node.
    pub(super) fn stands_by(&self) -> bool {
        self.standby_of.is_some() && self.spare != Spare::Copy
    }

    /// Whether a place is to be found for it now.
    pub(super) fn wants_place(&self) -> bool {
        self.phase == Phase::Unplaced && self.not_before.is_none()
    }

    /// Whether it is to become a part of another node, and has to be tried again before after a pause.
    pub(super) fn is_part_to_come(&self) -> bool {
        self.change == Change::Part && self.not_before.is_some()
    }

    /// Its allocations, each with its generation.
    pub(super) fn lives(&self) -> Vec<(Arc<str>, u32)> {
        self.members.iter().map(|member| (Arc::clone(&member.id), member.generation)).collect()
    }

    /// Its allocations begin another life.
    pub(super) fn renew(&mut self) {
        let first = self.first_generation;
        self.members.iter_mut().for_each(|member| member.generation = (member.generation + 1).max(first));
    }

    /// The newest generation of its allocations.
    pub(super) fn generation(&self) -> u32 {
        self.members.iter().map(|member| member.generation).max().unwrap_or(0)
    }

    /// Forgets everything about its place; the generation stays.
    pub(super) fn reset(&mut self) {
        self.phase = Phase::Unplaced;
        self.bids.clear();
        self.suspected_since = None;
        self.place = None;
        self.level = 0;
        for member in &mut self.members {
            member.handle = None;
            member.committed = false;
            member.registered = false;
            member.unsupervised = false;
            member.result = None;
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

    /// The images that its allocations run, each once.
    pub(super) fn images(&self) -> Vec<Arc<str>> {
        let containers = self.members.iter().filter_map(|member| member.config.execution.container());
        let mut images: Vec<Arc<str>> = containers.map(|container| Arc::clone(&container.image)).collect();
        images.sort_unstable();
        images.dedup();
        images
    }
}

/// The full id of an allocation.
pub(super) fn full_id(ensemble: EnsembleId, node: &str, allocation: &str) -> Arc<str> {
    format!("{ensemble}_{node}.{allocation}").into()
}

/// A node's place in the list of nodes, as it stands in requests for bids.
fn position(index: usize) -> u16 {
    u16::try_from(index).expect("an ensemble has fewer than 65536 nodes")
}

/// How many allocations an ensemble has, those of spares among them.
fn allocation_count(config: &EnsembleConfig, recovery: &Recovery) -> usize {
    let nodes = config.nodes.values();
    nodes.map(|node| node.allocations.len() * (1 + recovery.spares(config, node).count())).sum()
}

/// How many addresses it needs: one for each of them, and one for an orchestrator that joins.
pub(super) fn address_count(config: &EnsembleConfig, recovery: &Recovery) -> usize {
    allocation_count(config, recovery) + usize::from(config.subnet.join)
}

/// What is said when there are more allocations than addresses.
pub(super) fn no_room(range: AddressRange, config: &EnsembleConfig, recovery: &Recovery) -> Arc<str> {
    let wanted = allocation_count(config, recovery);
    let capacity = AddressRange::CAPACITY;
    let besides = if config.subnet.join { " and the orchestrator" } else { "" };
    format!("{wanted} allocations{besides} need an address, and the subnet {range} has {capacity}").into()
}

/// What the node asks of a provider: the sum over its allocations, graphics cards included.
fn request(
    index: usize,
    config: &EnsembleConfig,
    (name, entry): (&Arc<str>, &Arc<str>),
    members: &[Member],
) -> NodeRequest {
    let node = &config.nodes[entry];
    let its_own = |port: &&PortConfig| members.iter().any(|member| member.name == port.allocation);
    let ports = || node.ports.iter().filter(its_own).map(|port| port.public);
    let resources =
        members.iter().fold(Resources::default(), |sum, member| sum.plus(&member.config.resources));
    let mut executors: Vec<_> = members.iter().map(|member| member.config.executor).collect();
    executors.sort_unstable();
    executors.dedup();
    NodeRequest {
        node: Arc::clone(name),
        index: position(index),
        executors,
        resources,
        location: node.location.clone(),
        static_ports: ports().filter(|port| *port != 0).collect(),
        dynamic_ports: ports().filter(|port| *port == 0).count() as u32,
        images: Vec::new(),
    }
}

/// The members' places by dependency level; what they depend on beside each other runs already.
fn start_levels(config: &EnsembleConfig, node: &str, members: &[Member]) -> Vec<Vec<usize>> {
    let place = |name: &Arc<str>| members.iter().position(|member| member.name == *name);
    levels::start_levels(config, node)
        .expect("a loaded ensemble has no missing or cyclic dependencies")
        .iter()
        .map(|level| level.iter().filter_map(place).collect::<Vec<usize>>())
        .filter(|level| !level.is_empty())
        .collect()
}
