//! Which requests for bids a provider answers (dms-orchestration section 2.3), in the order of the real checks.
//!
//! On the real network every refusal is silence. Here each is a fact with its reason, so that "nobody bid" can be
//! explained.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::quotas::{OverQuota, Quota};
use super::{Machine, Provider, StoredBid};
use crate::dms::actor::{Actor, Bid, BidRequest, Call, Envelope, Message, NodeRequest, SignBid};
use crate::dms::constants::BID_STATE_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::ensemble::{Executor, Location};
use crate::dms::fact::Fact;
use crate::dms::identity::{EnsembleId, PeerId};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::resources::{Comparison, Cpu, Pool, PortError, Ports, Resources, Shortage};
use crate::dms::suppression::Ticket;
use crate::kernel::digest::mix;

/// Why a provider did not bid for a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum BidRefusal {
    /// It offers nothing.
    NotOnboarded,
    /// It has answered this round of this ensemble already.
    AlreadyAnswered,
    /// The orchestrator excludes it.
    Excluded,
    /// It is not where the node may run.
    Location,
    /// It lacks an executor.
    Executor(Executor),
    /// Its machine is too small.
    Hardware(Shortage),
    /// Too much of what it offers is in use.
    Free(Shortage),
    /// A public port cannot be had.
    Port(PortError),
    /// It has just started and is still taking up what it hosts.
    Recovering,
    /// Its processor, the first, is of another architecture or slower than the one required, the second.
    Processor(Box<[Cpu; 2]>),
    /// Its machine is exactly what is required, and only a better one will do.
    NotBetter,
    /// A gateway has no plan that does; what the last of them lacks.
    NoPlan(Option<Box<Self>>),
    /// All machines that a gateway may have, so many, are in use.
    NoMachineLeft(u32),
    /// It could bid, and the request wants the bids of others.
    HeldBack,
    /// Whoever asks would have more of it than it gives to the members of an organization.
    Quota(Box<OverQuota>),
}

impl fmt::Display for BidRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOnboarded => f.write_str("the peer is not onboarded"),
            Self::AlreadyAnswered => f.write_str("this round was answered already"),
            Self::Excluded => f.write_str("the peer is excluded by the request"),
            Self::Location => f.write_str("the peer's location is not accepted"),
            Self::Executor(executor) => write!(f, "no {executor} executor"),
            Self::Hardware(shortage) => write!(f, "the machine is too small: {shortage}"),
            Self::Processor(both) => {
                let [own, required] = &**both;
                write!(f, "the machine has another processor, or a slower one: {own}, required {required}")
            }
            Self::NotBetter => f.write_str("the machine is equal to what is required, and not better"),
            Self::NoPlan(None) => f.write_str("the gateway has no plans"),
            Self::NoPlan(Some(last)) => write!(f, "no plan of the gateway does; of the last one: {last}"),
            Self::NoMachineLeft(all) => write!(f, "the gateway has no machine left: {all} of {all} in use"),
            Self::Free(shortage) => write!(f, "not enough free resources: {shortage}"),
            Self::Port(error) => write!(f, "{error}"),
            Self::Quota(over) => write!(f, "{over}"),
            Self::HeldBack => {
                f.write_str("held back: the request wants the bids of a part of the providers only")
            }
            Self::Recovering => f.write_str("the peer is still taking up what it hosts after a restart"),
        }
    }
}

/// What a provider does about a node that it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    /// It bids.
    This,
    /// It looks at the next one.
    Next,
    /// It looks at no other.
    Nothing,
}

/// What a provider has, wherever that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Equipment<'a> {
    /// What the hardware has.
    pub total: &'a Resources,
    /// What is offered of it; none for a peer that was not onboarded.
    pub onboarded: Option<&'a Resources>,
    /// Where GeoIP places it.
    pub location: &'a Location,
    /// What can run allocations here.
    pub executors: &'a [Executor],
}

impl<'a> From<&'a Machine> for Equipment<'a> {
    fn from(machine: &'a Machine) -> Self {
        let Machine { total, onboarded, location, executors, .. } = machine;
        Self { total, onboarded: onboarded.as_ref(), location, executors }
    }
}

/// A provider as it looks at itself when it is asked for a bid.
#[derive(Clone, Copy, Debug)]
pub struct Bidder<'a> {
    has: Equipment<'a>,
    host: &'a PeerId,
    profile: Profile,
    /// What is taken of what it offers; none where nothing is.
    taken: Option<(&'a Ports, &'a Pool)>,
    /// The rounds that it has answered, of the ensemble in question.
    answered: &'a [u64],
    recovering: bool,
    /// By which it takes part in draws.
    ticket: Ticket,
    /// The quota for those in whose name it is asked.
    quota: Option<(&'a Quota, u16)>,
}

impl<'a> Bidder<'a> {
    /// One that holds nothing and has answered nobody so far.
    #[must_use]
    pub const fn fresh(has: Equipment<'a>, host: &'a PeerId, ticket: Ticket, profile: Profile) -> Self {
        Self { has, host, profile, taken: None, answered: &[], recovering: false, ticket, quota: None }
    }

    /// The place of the node that it bids for among those that are asked for: the first that it suits and has room for,
    /// in an order of its own that follows from `nonce`, the message's. `refuse` gets the reasons against those before.
    #[inline]
    pub fn choose(
        &self,
        request: &BidRequest,
        nonce: u64,
        refuse: &mut impl FnMut(BidRefusal),
    ) -> Option<u16> {
        if let [only] = request.requests.as_slice() {
            return (self.consider(request, only, refuse) == Choice::This).then_some(0);
        }
        let mut order: smallvec::SmallVec<[u16; 8]> = (0..request.requests.len() as u16).collect();
        let draw = self.ticket.drawn(mix(nonce));
        order.sort_unstable_by_key(|index| mix(draw ^ u64::from(*index)));
        for index in order {
            match self.consider(request, &request.requests[usize::from(index)], refuse) {
                Choice::This => return Some(index),
                Choice::Next => {}
                Choice::Nothing => return None,
            }
        }
        None
    }

    /// Whether it bids for a node, and where it does not, whether it looks at another.
    #[inline]
    fn consider(
        &self,
        request: &BidRequest,
        node: &NodeRequest,
        refuse: &mut impl FnMut(BidRefusal),
    ) -> Choice {
        if let Err(refusal) = self.judge(request, node) {
            refuse(refusal);
            return Choice::Next;
        }
        match self.check_availability(node) {
            // One draw for all nodes of the request, and the last of all questions: every other refusal says more.
            Ok(()) if self.is_held_back(request) => {
                refuse(BidRefusal::HeldBack);
                Choice::Nothing
            }
            Ok(()) => Choice::This,
            Err(refusal) => {
                refuse(refusal);
                // The real DMS has chosen a node by now and looks at no other (W18).
                if self.profile.has(Weakness::SilentWithoutRoom) { Choice::Nothing } else { Choice::Next }
            }
        }
    }

    /// Whether the request wants the bids of others.
    fn is_held_back(&self, request: &BidRequest) -> bool {
        request.draw.is_some_and(|draw| !draw.takes(self.ticket))
    }

    /// Whether this peer suits a node, by what does not change while others come and go (steps 2 to 6), in order.
    fn judge(&self, request: &BidRequest, node: &NodeRequest) -> Result<(), BidRefusal> {
        self.check_readiness()?;
        if self.answered.contains(&request.nonce) {
            return Err(BidRefusal::AlreadyAnswered);
        }
        if request.exclude.contains(self.host) {
            return Err(BidRefusal::Excluded);
        }
        self.check_suitability(node)
    }

    const fn check_readiness(&self) -> Result<(), BidRefusal> {
        if self.has.onboarded.is_none() {
            return Err(BidRefusal::NotOnboarded);
        }
        if self.recovering { Err(BidRefusal::Recovering) } else { Ok(()) }
    }

    /// Whether this machine is where a node may run, and has what it takes.
    fn check_suitability(&self, node: &NodeRequest) -> Result<(), BidRefusal> {
        if !node.location.are_satisfied_by(self.has.location) {
            return Err(BidRefusal::Location);
        }
        if let Some(missing) = node.executors.iter().find(|executor| !self.has.executors.contains(executor)) {
            return Err(BidRefusal::Executor(*missing));
        }
        compare_hardware(self.has.total, &node.resources, self.profile)
    }

    /// Whether there is room for a node that this peer suits (step 7).
    fn check_availability(&self, node: &NodeRequest) -> Result<(), BidRefusal> {
        let ports =
            |ports: &Ports| ports.check(&node.static_ports, node.dynamic_ports).map_err(BidRefusal::Port);
        let wanted = counted(&node.resources, self.profile);
        match (self.taken, self.has.onboarded) {
            (Some((taken, pool)), _) => {
                ports(taken)?;
                pool.check(&wanted).map_err(BidRefusal::Free)?;
                let within = |(quota, tenant): (&Quota, u16)| quota.check(pool, tenant, &wanted);
                self.quota.map_or(Ok(()), within).map_err(|over| BidRefusal::Quota(Box::new(over)))
            }
            (None, Some(onboarded)) => {
                ports(Ports::ALL_FREE)?;
                onboarded.check(&wanted).map_err(BidRefusal::Free)
            }
            (None, None) => Err(BidRefusal::NotOnboarded),
        }
    }
}

impl Provider {
    pub(super) fn handle_bid_request(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        envelope: &Envelope,
        request: &Arc<BidRequest>,
    ) {
        let ensemble = request.ensemble;
        let ticket = self.ticket(root);
        let tenant = self.tenant(&desk.security.capabilities, envelope);
        let mut bidder = self.bidder(&root.handle.host, ticket, ensemble, desk.security.profile);
        bidder.quota = self.quota_of(tenant);
        let chosen = bidder.choose(request, envelope.nonce, &mut |refusal| {
            desk.fact(Fact::BidRefused { ensemble, refusal });
        });
        if let Some(index) = chosen {
            self.bid(desk, root, envelope, request, &request.requests[usize::from(index)]);
            if let Some(stored) = self.bids.get_mut(&ensemble) {
                stored.tenant = tenant;
            }
        }
    }

    /// The node's ticket, the same in all draws.
    fn ticket(&mut self, root: &Actor) -> Ticket {
        *self.ticket.get_or_insert_with(|| Ticket::of(root.secret()))
    }

    /// What decides whether it bids for an ensemble.
    pub(in crate::dms) fn bidder<'a>(
        &'a self,
        host: &'a PeerId,
        ticket: Ticket,
        ensemble: EnsembleId,
        profile: Profile,
    ) -> Bidder<'a> {
        Bidder {
            has: Equipment::from(&self.machine),
            host,
            profile,
            taken: Some((&self.ports, &self.pool)),
            answered: self.bids.get(&ensemble).map_or(&[], |bid| &bid.answered),
            recovering: !self.recovering.is_empty(),
            ticket,
            quota: None,
        }
    }

    fn bid(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        envelope: &Envelope,
        request: &BidRequest,
        node: &NodeRequest,
    ) {
        let Some(behaviour) = envelope.reply_to.clone() else { return };
        let mut bid = self.bid_for(root, request.ensemble, node);
        bid.offer = self.offer_for(desk, &root.handle.host, request, node);
        let call =
            Call { behaviour, reply_to: None, expire: envelope.expire, message: Message::Bid(Box::new(bid)) };
        desk.send(root, &envelope.from, call);
        self.store_bid(desk, request.ensemble).push(request.nonce);
        self.arm_sweep(desk);
    }

    fn bid_for(&self, root: &Actor, ensemble: EnsembleId, node: &NodeRequest) -> Bid {
        Bid {
            ensemble,
            node: Arc::clone(&node.node),
            node_index: node.index,
            handle: Arc::clone(&root.handle),
            location: self.machine.location.clone(),
            promise: false,
            signature: None,
            offer: None,
        }
    }

    /// Remembers that a bid was made; the rounds that were answered.
    fn store_bid(
        &mut self,
        desk: &mut Desk<'_, '_>,
        ensemble: EnsembleId,
    ) -> &mut smallvec::SmallVec<[u64; 4]> {
        desk.fact(Fact::BidMade(ensemble));
        let stored = self.bids.entry(ensemble).or_insert_with(|| StoredBid {
            expire: desk.now,
            tenant: None,
            answered: smallvec::SmallVec::new(),
        });
        stored.expire = desk.now + BID_STATE_TIMEOUT;
        &mut stored.answered
    }

    /// The gateway that had this machine made wants a bid to hand on (dms-orchestration section 2.12): it is judged
    /// as any other request, and signed.
    pub(super) fn sign_bid(&mut self, desk: &mut Desk<'_, '_>, root: &Actor, wanted: &SignBid) -> Message {
        let (ensemble, node, profile) = (wanted.ensemble, &wanted.node, desk.security.profile);
        let ticket = self.ticket(root);
        let bidder = self.bidder(&root.handle.host, ticket, ensemble, profile);
        let judged = bidder.check_readiness().and_then(|()| bidder.check_suitability(node));
        if let Err(refusal) = judged.and_then(|()| bidder.check_availability(node)) {
            let reason = refusal.to_string().into();
            desk.fact(Fact::BidRefused { ensemble, refusal });
            return Message::Error(reason);
        }
        let bid = self.bid_for(root, ensemble, node).signed(root.secret());
        self.store_bid(desk, ensemble);
        self.arm_sweep(desk);
        Message::Bid(Box::new(bid))
    }
}

/// The machine must compare as better or equal; with the comparison of the real DMS as better and nothing else (W3).
pub(in crate::dms) fn compare_hardware(
    total: &Resources,
    required: &Resources,
    profile: Profile,
) -> Result<(), BidRefusal> {
    let as_read = profile.has(Weakness::BlindToCards);
    let comparison = if as_read { total.compare_as_read(required) } else { total.compare(required) };
    match comparison {
        Comparison::Better => Ok(()),
        Comparison::Equal if !as_read => Ok(()),
        Comparison::Equal => Err(BidRefusal::NotBetter),
        Comparison::Worse | Comparison::None => {
            total.check(&counted(required, profile)).map_err(BidRefusal::Hardware)?;
            // There is enough of everything that is counted, so it is the kind or the speed of the processor.
            Err(BidRefusal::Processor(Box::new([total.cpu.clone(), required.cpu.clone()])))
        }
    }
}

/// What of a requirement the pool counts: the real DMS overlooks graphics cards (W3).
pub(super) fn counted(required: &Resources, profile: Profile) -> Cow<'_, Resources> {
    if profile.has(Weakness::BlindToCards) && !required.gpus.is_empty() {
        return Cow::Owned(required.clone().without_cards());
    }
    Cow::Borrowed(required)
}
