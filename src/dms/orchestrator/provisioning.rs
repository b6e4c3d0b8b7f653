//! Subnet, addresses, names, ports and start (dms-orchestration section 2.11), each a barrier over all nodes that
//! need it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::node::{Change, Member, MemberState, Node};
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, DnsRecord, Message, SubnetCreate};
use crate::dms::constants::{ALLOCATION_START_TIMEOUT, PROVISION_MESSAGE_TIMEOUT, STALLED_PROVISION_WAIT};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Stage};
use crate::dms::profile::Weakness;
use crate::dms::subnet::Route;

/// The addresses and names of a subnet at some time.
pub(super) struct Known {
    addresses: Vec<Ipv4Addr>,
    names: Vec<Arc<str>>,
}

impl Deployment {
    /// Takes every node that is behind one step further; start goes node by node.
    pub(super) fn provision(&mut self, desk: &mut Desk<'_, '_>) {
        self.set_status_once(desk, DeploymentStatus::Provisioning);
        let lowest = self.placed().min().unwrap_or(Phase::Started);
        match lowest {
            Phase::Allocated => self.create_subnet(desk),
            Phase::Networked => self.add_peers(desk),
            Phase::Addressed => self.send_names(desk),
            Phase::Named => self.map_ports(desk),
            _ => self.start_next(desk),
        }
        // A step that had nothing to ask has been taken already.
        self.advance(desk);
    }

    fn set_status_once(&mut self, desk: &mut Desk<'_, '_>, status: DeploymentStatus) {
        if self.status != status {
            self.set_status(desk, status, None);
        }
    }

    /// Which peer each address is behind: those of the nodes that have one.
    pub(super) fn routes(&self) -> Arc<[Route]> {
        let of_node = |node: &Node| {
            let peer = node.place.as_ref().map(|place| place.host);
            let addresses: Vec<_> = node.members.iter().map(|member| member.address).collect();
            addresses.into_iter().filter_map(move |address| Some(Route { address, peer: peer? }))
        };
        self.nodes.iter().flat_map(of_node).chain(self.own_route()).collect()
    }

    /// Every address of the subnet that somebody has, and every name. What is lost for good has none.
    pub(super) fn known(&self) -> Known {
        let living = self.nodes.iter().filter(|node| node.phase != Phase::Idle);
        let of_members = living.flat_map(|node| node.members.iter().map(|member| member.address));
        let addresses = of_members.chain(self.own_route().map(|route| route.address)).collect();
        let names = self.records().iter().map(|record| Arc::clone(&record.name)).collect();
        Known { addresses, names }
    }

    /// Tells those who are connected which of the addresses and names that were known `before` are gone: without that
    /// their routes and names would lead to peers that have nothing to do with the ensemble any more.
    pub(super) fn forget_gone(&mut self, desk: &mut Desk<'_, '_>, before: Known) {
        let now = self.known();
        let addresses: Arc<[Ipv4Addr]> =
            before.addresses.into_iter().filter(|address| !now.addresses.contains(address)).collect();
        let names: Arc<[Arc<str>]> =
            before.names.into_iter().filter(|name| !now.names.contains(name)).collect();
        if addresses.is_empty() && names.is_empty() {
            return;
        }
        self.learn_anew();
        for index in 0..self.nodes.len() {
            if !(Phase::Addressed..Phase::Idle).contains(&self.nodes[index].phase) {
                continue;
            }
            for member in 0..self.nodes[index].members.len() {
                if self.nodes[index].members[member].state.has_ended() {
                    continue;
                }
                let at = (index, member);
                let message = Message::SubnetRemovePeers(Arc::clone(&addresses));
                self.ask_member(desk, at, BehaviourKind::SubnetRemovePeers, message, Purpose::Forget);
                let message = Message::DnsRemoveRecords(Arc::clone(&names));
                self.ask_member(desk, at, BehaviourKind::DnsRemoveRecords, message, Purpose::Forget);
            }
        }
    }

    /// The names of the subnet. A name leads to where its allocation runs, and not to its standbys.
    pub(super) fn records(&self) -> Arc<[DnsRecord]> {
        let record =
            |member: &Member| DnsRecord { name: member.config.subnet_name(), address: member.address };
        let active = self.nodes.iter().filter(|node| node.standby_of.is_none() && node.phase != Phase::Idle);
        let named = active.flat_map(|node| node.members.iter().map(record));
        self.own_record().into_iter().chain(named).collect()
    }

    fn create_subnet(&mut self, desk: &mut Desk<'_, '_>) {
        let (ensemble, range, routes) = (self.id, self.range, self.routes());
        for index in self.in_phase(Phase::Allocated) {
            let (host, behaviour) = (self.nodes[index].host(), self.behaviours.subnet_create.clone());
            self.nodes[index].phase = Phase::Networked;
            if self.nodes[index].change == Change::Part || self.has_own_subnet(&host) {
                // Its peer has the subnet already, and only lacks the new addresses.
                let message = Message::SubnetAcceptPeers(Arc::clone(&routes));
                let kind = BehaviourKind::SubnetAcceptPeers;
                self.ask_member(desk, (index, 0), kind, message, Purpose::Peers);
                continue;
            }
            let order = SubnetCreate { ensemble, range, routes: Arc::clone(&routes) };
            let message = Message::SubnetCreate(Box::new(order));
            self.ask(desk, &host, behaviour, message, PROVISION_MESSAGE_TIMEOUT, Purpose::Subnet, (index, 0));
        }
        self.begin_to_join(desk);
    }

    fn add_peers(&mut self, desk: &mut Desk<'_, '_>) {
        for index in self.in_phase(Phase::Networked) {
            self.nodes[index].phase = Phase::Addressed;
            for member in 0..self.nodes[index].members.len() {
                let message = Message::SubnetAddPeer { address: self.nodes[index].members[member].address };
                self.ask_member(
                    desk,
                    (index, member),
                    BehaviourKind::SubnetAddPeer,
                    message,
                    Purpose::Address,
                );
            }
        }
    }

    /// New nodes get the names of all. Those that were provisioned before get them too, and with them the peers that
    /// addresses are behind now (dms-orchestration section 4.4): addresses stay, but their peers change.
    pub(super) fn send_names(&mut self, desk: &mut Desk<'_, '_>) {
        let (records, routes) = (self.records(), self.routes());
        self.note_told();
        for index in 0..self.nodes.len() {
            let phase = self.nodes[index].phase;
            if !(Phase::Addressed..Phase::Standby).contains(&phase) {
                continue;
            }
            // A standby is committed, allocated and connected, and waits there for the loss of its primary.
            if self.nodes[index].stands_by() {
                self.nodes[index].phase = Phase::Standby;
                continue;
            }
            let is_new = phase == Phase::Addressed;
            if is_new {
                self.nodes[index].phase = Phase::Named;
            }
            for member in 0..self.nodes[index].members.len() {
                if self.nodes[index].members[member].state.has_ended() {
                    continue;
                }
                let at = (index, member);
                if !is_new {
                    let message = Message::SubnetAcceptPeers(Arc::clone(&routes));
                    self.ask_member(desk, at, BehaviourKind::SubnetAcceptPeers, message, Purpose::Peers);
                }
                let message = Message::DnsAddRecords(Arc::clone(&records));
                self.ask_member(desk, at, BehaviourKind::DnsAddRecords, message, Purpose::Names);
            }
        }
    }

    fn map_ports(&mut self, desk: &mut Desk<'_, '_>) {
        for index in self.in_phase(Phase::Named) {
            self.nodes[index].phase = Phase::Mapped;
            for member in 0..self.nodes[index].members.len() {
                for port in self.nodes[index].members[member].ports.clone() {
                    let message = Message::MapPort { public: port.public, private: port.private };
                    self.ask_member(desk, (index, member), BehaviourKind::MapPort, message, Purpose::Port);
                }
            }
        }
    }

    /// Starts the next dependency level of the first node that has not started.
    fn start_next(&mut self, desk: &mut Desk<'_, '_>) {
        let is_next = |node: &Node| node.phase == Phase::Mapped && !node.is_in_line();
        let Some(index) = self.nodes.iter().position(is_next) else { return };
        let node = &mut self.nodes[index];
        let Some(level) = node.levels.get(node.level).cloned() else {
            node.phase = Phase::Started;
            return;
        };
        node.level += 1;
        for member in level {
            self.ask_member(
                desk,
                (index, member),
                BehaviourKind::AllocationStart,
                Message::AllocationStart,
                Purpose::Start,
            );
        }
    }

    fn ask_member(
        &mut self,
        desk: &mut Desk<'_, '_>,
        at: (usize, usize),
        kind: BehaviourKind,
        message: Message,
        purpose: Purpose,
    ) {
        let timeout =
            if purpose == Purpose::Start { ALLOCATION_START_TIMEOUT } else { PROVISION_MESSAGE_TIMEOUT };
        if let Some(to) = self.nodes[at.0].members[at.1].handle.clone() {
            self.ask(desk, &to, Behaviour::fixed(kind), message, timeout, purpose, at);
        }
    }

    pub(super) fn resolve_provisioning(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let started = self.nodes[pending.node].phase >= Phase::Started;
        let start = pending.purpose == Purpose::Start;
        let (stage, timeout) = if start {
            (Stage::Start, ALLOCATION_START_TIMEOUT)
        } else {
            let stalls = desk.security.profile.has(Weakness::StalledProvisioning);
            (Stage::Provision, if stalls { STALLED_PROVISION_WAIT } else { PROVISION_MESSAGE_TIMEOUT })
        };
        match outcome.refusal(timeout) {
            // A running node that missed a name or a route is no reason to take it down; its supervisor judges it.
            Some(_) if started => {}
            Some(reason) => {
                let reason =
                    if start { reason } else { format!("{}: {reason}", pending.purpose.as_str()).into() };
                self.resolve_failure(desk, pending.node, (stage, reason), outcome);
            }
            None if start => {
                let member = &mut self.nodes[pending.node].members[pending.member];
                let is_queued = matches!(outcome, Outcome::Reply(Message::Queued));
                if member.state == MemberState::Waiting {
                    member.state = if is_queued { MemberState::Queued } else { MemberState::Running };
                }
                member.watch.reset(desk.now);
                if is_queued {
                    self.begin_to_tick(desk);
                }
            }
            None => {}
        }
    }

    /// Replies to a node that starts over are of no interest any more.
    pub(super) fn drop_pending_of(&mut self, node: usize) {
        self.pending.retain(|pending| pending.node != node || pending.purpose.outlives_its_node());
    }
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge constraint",
            Self::Convert => "convert promise",
            Self::Commit => "commit",
            Self::Allocate => "allocate",
            Self::Subnet => "create subnet",
            Self::Address => "add peer",
            Self::Peers => "accept peers",
            Self::Names => "add DNS records",
            Self::Port => "map port",
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Register => "register health check",
            Self::Health => "health check",
            Self::Restart => "restart",
            Self::Logs => "get logs",
            Self::Stats(_) => "get stats",
            Self::Reconcile => "reconcile",
            Self::Own(step) => step.as_str(),
            Self::Forget => "remove peers",
            Self::Probe => "probe",
            Self::ProbeByHelper => "probe by another",
            Self::Standby => "probe of a standby",
            Self::TakeOver => "take over",
            Self::Revert | Self::Undo => "revert",
        }
    }
}
