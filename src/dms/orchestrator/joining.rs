//! The orchestrator's own place in the subnet of its ensemble, where the file says `subnet: {join: true}`
//! (dms-orchestration sections 1.5, 2.10, 2.11 and 4.5).
//!
//! The node creates the subnet at itself while the providers do, and has its address before allocations get theirs. It
//! joins again whenever a node was placed or moved since, and is told all routes and names anew. It is called by its
//! own deployment like any provider, by an authority that it grants itself for an hour (dms-capabilities section 5).
//!
//! Its part lives in memory. It goes when the deployment ends; after a restart the node creates it anew and joins
//! again. Where a join fails, the address is dropped and another one drawn; in the real DMS so it is after every
//! attempt that fails (W22).

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Deployment, Outcome, Phase, Purpose};
use crate::dms::actor::{Behaviour, DnsRecord, Message, SubnetCreate, SubnetJoin};
use crate::dms::constants::{
    GRANT_ALLOCATION_CAPS_FREQUENCY, PROVISION_MESSAGE_TIMEOUT, REVERT_TIMEOUT, SUBNET_DESTROY_TIMEOUT,
};
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::Handle;
use crate::dms::subnet::Route;
use crate::kernel::Span;

/// The place among the nodes that stands for none of them.
const OWN: (usize, usize) = (usize::MAX, 0);
/// The orchestrator's name in the subnet; an allocation that has the same name goes before it.
const NAME: &str = "orchestrator.internal";

/// A step of the orchestrator's own part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OwnStep {
    Create,
    Join,
    Destroy,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Presence {
    #[default]
    Absent,
    /// The subnet is at its node, which does not know all of it.
    Created,
    Joined,
}

/// The orchestrator's own part in the subnet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnPart {
    presence: Presence,
    address: Option<Ipv4Addr>,
    /// The last one that did not do.
    dropped: Option<Ipv4Addr>,
    /// Whether the allocations have been told of it.
    is_told: bool,
    /// Whether its node has the behaviours of this ensemble.
    is_registered: bool,
}

impl OwnStep {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create own subnet",
            Self::Join => "join subnet",
            Self::Destroy => "destroy own subnet",
        }
    }
}

impl OwnPart {
    /// After a restart the node has to join again, at the address that the others know.
    pub(super) fn to_join_again_at(address: Option<Ipv4Addr>) -> Self {
        Self { address, is_told: address.is_some(), ..Self::default() }
    }

    pub(super) const fn address(&self) -> Option<Ipv4Addr> {
        self.address
    }

    /// Its address where it has joined.
    pub(super) fn joined_at(&self) -> Option<Ipv4Addr> {
        self.address.filter(|_| self.presence == Presence::Joined)
    }
}

impl Deployment {
    /// Whether its orchestrator's own node is to be called by this behaviour.
    pub(in crate::dms) fn calls_its_node_by(&self, behaviour: &Behaviour) -> bool {
        let own = &self.behaviours;
        self.own.is_registered
            && [&own.subnet_create, &own.subnet_join, &own.subnet_destroy].contains(&behaviour)
    }

    /// The address of the orchestrator's node in the subnet, where it has joined it.
    #[must_use]
    pub fn joined_at(&self) -> Option<Ipv4Addr> {
        self.own.joined_at()
    }

    /// Nodes are to be networked: the orchestrator's own part is made with theirs, or has to be told of them.
    pub(super) fn begin_to_join(&mut self, desk: &mut Desk<'_, '_>) {
        match self.own.presence {
            _ if !self.config.subnet.join => {}
            Presence::Absent => self.create_own(desk),
            Presence::Created | Presence::Joined => self.own.presence = Presence::Created,
        }
    }

    /// Something has changed of which its node has to be told, if it has joined.
    pub(super) fn learn_anew(&mut self) {
        if self.own.presence == Presence::Joined {
            self.own.presence = Presence::Created;
        }
    }

    /// Whether the orchestrator is still to join: it does when the subnet exists wherever nodes are placed.
    pub(super) fn is_to_join(&self, next: Option<Phase>) -> bool {
        let networked = |phase: Phase| (Phase::Networked..Phase::Idle).contains(&phase);
        self.config.subnet.join
            && self.own.presence != Presence::Joined
            && next.is_none_or(networked)
            && self.placed().any(networked)
    }

    /// Takes the next step of joining, unless a pause after one that failed is still to end.
    pub(super) fn go_on_joining(&mut self, desk: &mut Desk<'_, '_>) {
        if self.pause.is_some() {
            return;
        }
        if self.own.presence == Presence::Absent {
            self.create_own(desk);
        } else {
            self.join(desk);
        }
        self.advance(desk);
    }

    fn create_own(&mut self, desk: &mut Desk<'_, '_>) {
        self.own.presence = Presence::Created;
        if self.own.address.is_none() {
            let free = self.free_address().expect("the rules leave an address for the orchestrator");
            self.own.address = Some(free);
        }
        // Where an allocation lives here too, the node has the subnet for it, or is being asked to create it.
        if !self.is_hosted_here() {
            let (ensemble, range, routes) = (self.id, self.range, self.routes());
            let order = SubnetCreate { ensemble, range, routes };
            self.ask_own(desk, OwnStep::Create, Message::SubnetCreate(Box::new(order)));
        }
    }

    fn join(&mut self, desk: &mut Desk<'_, '_>) {
        let address = self.own.address.expect("it is drawn before the subnet is created");
        self.own.presence = Presence::Joined;
        let (ensemble, routes, records) = (self.id, self.routes(), self.records());
        let order = SubnetJoin { ensemble, address, routes, records };
        self.ask_own(desk, OwnStep::Join, Message::SubnetJoin(Box::new(order)));
    }

    /// The own part ends; true when its node is asked for that. What allocations here still need stays.
    pub(super) fn leave_subnet(&mut self, desk: &mut Desk<'_, '_>) -> bool {
        let was_there = std::mem::take(&mut self.own.presence) != Presence::Absent;
        if was_there {
            self.ask_own(desk, OwnStep::Destroy, Message::SubnetDestroy(self.id));
        }
        was_there
    }

    /// The address did not do, or belonged to an attempt that has failed: the next one is drawn.
    pub(super) fn drop_own_address(&mut self) {
        self.own.dropped = self.own.address.take().or(self.own.dropped);
        self.own.is_told = false;
    }

    fn ask_own(&mut self, desk: &mut Desk<'_, '_>, step: OwnStep, message: Message) {
        self.own.is_registered = true;
        let handle = &self.actor.handle;
        let (own, node) = (handle.did.clone(), Arc::new(Handle::root(handle.host.0)));
        desk.grant(&own, &node.did, &self.behaviours.ensemble, GRANT_ALLOCATION_CAPS_FREQUENCY);
        let behaviour = match step {
            OwnStep::Create => &self.behaviours.subnet_create,
            OwnStep::Join => &self.behaviours.subnet_join,
            OwnStep::Destroy => &self.behaviours.subnet_destroy,
        };
        let timeout = self.own_timeout(step);
        self.ask(desk, &node, behaviour.clone(), message, timeout, Purpose::Own(step), OWN);
    }

    const fn own_timeout(&self, step: OwnStep) -> Span {
        match step {
            OwnStep::Create | OwnStep::Join => PROVISION_MESSAGE_TIMEOUT,
            OwnStep::Destroy if self.failed_attempt.is_some() => REVERT_TIMEOUT,
            OwnStep::Destroy => SUBNET_DESTROY_TIMEOUT,
        }
    }

    /// The own node has answered, or has not. A join that failed begins anew with another address; in the real DMS the
    /// attempt that it was part of has failed (W22).
    pub(super) fn resolve_own(&mut self, desk: &mut Desk<'_, '_>, step: OwnStep, outcome: &Outcome<'_>) {
        let Some(reason) = outcome.refusal(self.own_timeout(step)) else {
            // Who has been provisioned before does not know of it.
            if step == OwnStep::Join && !self.own.is_told {
                self.send_names(desk);
            }
            return;
        };
        let reason: Arc<str> = format!("{}: {reason}", step.as_str()).into();
        let stage = Stage::Provision;
        desk.fact(Fact::StageFailed { ensemble: self.id, stage, reason: Arc::clone(&reason) });
        if step == OwnStep::Destroy {
            return;
        }
        self.last_failure = Some((stage, reason));
        if self.fails_whole(desk, stage) {
            return;
        }
        if !self.is_hosted_here() {
            self.leave_subnet(desk);
        }
        self.own.presence = Presence::Absent;
        self.drop_own_address();
        self.pause(desk);
    }

    /// Whether the node hosts a part of its own ensemble.
    pub(super) fn is_hosted_here(&self) -> bool {
        let here = self.actor.handle.host;
        self.nodes.iter().any(|node| {
            node.phase.has_allocations() && node.place.as_ref().is_some_and(|place| place.host == here)
        })
    }

    /// Whether the node has the subnet for itself before an allocation that was placed at it needs it.
    pub(super) fn has_own_subnet(&self, host: &Handle) -> bool {
        self.own.presence != Presence::Absent && host.host == self.actor.handle.host
    }

    /// The lowest address that nobody has; those that did not do come last.
    fn free_address(&self) -> Option<Ipv4Addr> {
        let taken: Vec<Ipv4Addr> =
            self.nodes.iter().flat_map(|node| &node.members).map(|member| member.address).collect();
        let free = || self.range.for_allocations().filter(|address| !taken.contains(address));
        free().find(|address| Some(*address) > self.own.dropped).or_else(|| free().next())
    }

    /// An update has taken the join out of the ensemble.
    pub(super) fn stop_joining(&mut self, desk: &mut Desk<'_, '_>) {
        if !self.config.subnet.join && !self.is_hosted_here() {
            self.leave_subnet(desk);
            self.drop_own_address();
        }
    }

    /// The allocations are being told of the orchestrator.
    pub(super) const fn note_told(&mut self) {
        self.own.is_told = self.own.address.is_some();
    }

    /// The route to the orchestrator's node.
    pub(super) fn own_route(&self) -> Option<Route> {
        Some(Route { address: self.own.address?, peer: self.actor.handle.host })
    }

    /// The orchestrator's name.
    pub(super) fn own_record(&self) -> Option<DnsRecord> {
        Some(DnsRecord { name: NAME.into(), address: self.own.address? })
    }
}
