//! Which requests for bids a provider answers (dms-orchestration section 2.3), in the order of the real checks.
//!
//! On the real network every refusal is silence. Here each is a fact with its reason, so that "nobody bid" can be
//! explained.

use std::fmt;
use std::sync::Arc;

use super::{Provider, StoredBid};
use crate::dms::actor::{Actor, Bid, BidRequest, Call, Envelope, Message, NodeRequest};
use crate::dms::constants::BID_STATE_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::ensemble::Executor;
use crate::dms::fact::Fact;
use crate::dms::profile::{Profile, Weakness};
use crate::dms::resources::{Comparison, Cpu, PortError, Resources, Shortage};

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
            Self::Free(shortage) => write!(f, "not enough free resources: {shortage}"),
            Self::Port(error) => write!(f, "{error}"),
            Self::Recovering => f.write_str("the peer is still taking up what it hosts after a restart"),
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
        let mut order: smallvec::SmallVec<[u16; 8]> = (0..request.requests.len() as u16).collect();
        if order.len() > 1 {
            desk.out.random.shuffle(&mut order);
        }
        for index in order {
            let node = &request.requests[usize::from(index)];
            let profile = desk.security.profile;
            if let Err(refusal) = self.judge(root, request, node, profile) {
                desk.fact(Fact::BidRefused { ensemble, refusal });
                continue;
            }
            match self.check_availability(node, profile) {
                Ok(()) => return self.bid(desk, root, envelope, request, node),
                Err(refusal) => desk.fact(Fact::BidRefused { ensemble, refusal }),
            }
            // The real DMS has chosen a node by now and looks at no other (W18).
            if profile.has(Weakness::SilentWithoutRoom) {
                return;
            }
        }
    }

    /// Whether this peer suits a node, by what does not change while others come and go (steps 2 to 6), in order.
    fn judge(
        &self,
        root: &Actor,
        request: &BidRequest,
        node: &NodeRequest,
        profile: Profile,
    ) -> Result<(), BidRefusal> {
        if self.machine.onboarded.is_none() {
            return Err(BidRefusal::NotOnboarded);
        }
        if !self.recovering.is_empty() {
            return Err(BidRefusal::Recovering);
        }
        if self.bids.get(&request.ensemble).is_some_and(|bid| bid.answered.contains(&request.nonce)) {
            return Err(BidRefusal::AlreadyAnswered);
        }
        if request.exclude.contains(&root.handle.host) {
            return Err(BidRefusal::Excluded);
        }
        if !node.location.are_satisfied_by(&self.machine.location) {
            return Err(BidRefusal::Location);
        }
        if let Some(missing) =
            node.executors.iter().find(|executor| !self.machine.executors.contains(executor))
        {
            return Err(BidRefusal::Executor(*missing));
        }
        compare_hardware(&self.machine.total, &node.resources, profile)
    }

    /// Whether there is room for a node that this peer suits (step 7).
    fn check_availability(&self, node: &NodeRequest, profile: Profile) -> Result<(), BidRefusal> {
        self.ports.check(&node.static_ports, node.dynamic_ports).map_err(BidRefusal::Port)?;
        self.pool.check(&counted(&node.resources, profile)).map_err(BidRefusal::Free)
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
        let bid = Bid {
            ensemble: request.ensemble,
            node: Arc::clone(&node.node),
            node_index: node.index,
            handle: Arc::clone(&root.handle),
            location: self.machine.location.clone(),
        };
        let call =
            Call { behaviour, reply_to: None, expire: envelope.expire, message: Message::Bid(Box::new(bid)) };
        desk.send(root, &envelope.from, call);
        let stored = self
            .bids
            .entry(request.ensemble)
            .or_insert_with(|| StoredBid { expire: desk.now, answered: smallvec::SmallVec::new() });
        stored.expire = desk.now + BID_STATE_TIMEOUT;
        stored.answered.push(request.nonce);
        desk.fact(Fact::BidMade(request.ensemble));
        self.arm_sweep(desk);
    }
}

/// The machine must compare as better or equal; with the comparison of the real DMS as better and nothing else (W3).
fn compare_hardware(total: &Resources, required: &Resources, profile: Profile) -> Result<(), BidRefusal> {
    let as_read = profile.has(Weakness::BlindToCards);
    let comparison = if as_read { total.compare_as_read(required) } else { total.compare(required) };
    match comparison {
        Comparison::Better => Ok(()),
        Comparison::Equal if !as_read => Ok(()),
        Comparison::Equal => Err(BidRefusal::NotBetter),
        Comparison::Worse | Comparison::None => {
            total.checked_minus(&counted(required, profile)).map_err(BidRefusal::Hardware)?;
            // There is enough of everything that is counted, so it is the kind or the speed of the processor.
            Err(BidRefusal::Processor(Box::new([total.cpu.clone(), required.cpu.clone()])))
        }
    }
}

/// What of a requirement the pool counts: the real DMS overlooks graphics cards (W3).
pub(super) fn counted(required: &Resources, profile: Profile) -> Resources {
    let required = required.clone();
    if profile.has(Weakness::BlindToCards) { required.without_cards() } else { required }
}
