//! Which requests for bids a gateway answers (dms-orchestration section 2.3). The checks are those of a provider, less
//! what a machine must exist for: nothing is onboarded, and instead of the hardware some plan has to do. That a
//! machine must be left is the gateway's own room; whether the real one looks at that before it bids was not seen.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Gateway;
use crate::dms::actor::{Actor, Bid, BidRequest, Call, Envelope, Message, NodeRequest};
use crate::dms::constants::BID_STATE_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::ensemble::Location;
use crate::dms::fact::Fact;
use crate::dms::profile::{Profile, Weakness};
use crate::dms::provider::{BidRefusal, compare_hardware};
use crate::dms::resources::{Ports, Resources};
use crate::kernel::Timestamp;

/// What was promised to an ensemble, kept so that a conversion can refer to it. It reserves nothing.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) expire: Timestamp,
    answered: SmallVec<[u64; 4]>,
    /// The nodes that were bid for, each as it was asked for last.
    pub(super) nodes: Vec<NodeRequest>,
}

impl Gateway {
    pub(super) fn handle_bid_request(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        location: &Location,
        envelope: &Envelope,
        request: &BidRequest,
    ) {
        let ensemble = request.ensemble;
        let profile = desk.security.profile;
        let mut order: SmallVec<[u16; 8]> = (0..request.requests.len() as u16).collect();
        if order.len() > 1 {
            desk.out.random.shuffle(&mut order);
        }
        for index in order {
            let node = &request.requests[usize::from(index)];
            if let Err(refusal) = self.judge(root, location, request, node, profile) {
                desk.fact(Fact::BidRefused { ensemble, refusal });
                continue;
            }
            match self.check_room(node) {
                Ok(()) => return self.promise(desk, root, location, envelope, request, node),
                Err(refusal) => desk.fact(Fact::BidRefused { ensemble, refusal }),
            }
            // The real DMS has chosen a node by now and looks at no other (W18).
            if profile.has(Weakness::SilentWithoutRoom) {
                return;
            }
        }
    }

    /// Whether a machine of this gateway would suit a node.
    fn judge(
        &self,
        root: &Actor,
        location: &Location,
        request: &BidRequest,
        node: &NodeRequest,
        profile: Profile,
    ) -> Result<(), BidRefusal> {
        if self.promises.get(&request.ensemble).is_some_and(|known| known.answered.contains(&request.nonce)) {
            return Err(BidRefusal::AlreadyAnswered);
        }
        if request.exclude.contains(&root.handle.host) {
            return Err(BidRefusal::Excluded);
        }
        if !node.location.are_satisfied_by(location) {
            return Err(BidRefusal::Location);
        }
        let missing = node.executors.iter().find(|executor| !self.config.executors.contains(executor));
        if let Some(missing) = missing {
            return Err(BidRefusal::Executor(*missing));
        }
        self.plan_for(node, profile).map(drop)
    }

    /// The first plan that is enough for a node.
    pub(super) fn plan_for(&self, node: &NodeRequest, profile: Profile) -> Result<&Resources, BidRefusal> {
        let mut last = None;
        for plan in &self.config.plans {
            match compare_hardware(plan, &node.resources, profile) {
                Ok(()) => return Ok(plan),
                Err(refusal) => last = Some(Box::new(refusal)),
            }
        }
        Err(BidRefusal::NoPlan(last))
    }

    /// Whether there is a machine left, on which nobody has taken a port yet.
    fn check_room(&self, node: &NodeRequest) -> Result<(), BidRefusal> {
        if self.has_no_machine_left() {
            return Err(BidRefusal::NoMachineLeft(self.config.machines));
        }
        Ports::ALL_FREE.check(&node.static_ports, node.dynamic_ports).map_err(BidRefusal::Port)
    }

    pub(super) fn has_no_machine_left(&self) -> bool {
        self.machines.len() >= self.config.machines as usize
    }

    fn promise(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        location: &Location,
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
            location: location.clone(),
            promise: true,
            signature: None,
            // There is no machine yet of which anything could be told.
            offer: None,
        };
        let call =
            Call { behaviour, reply_to: None, expire: envelope.expire, message: Message::Bid(Box::new(bid)) };
        desk.send(root, &envelope.from, call);
        let stored = self.promises.entry(request.ensemble).or_insert_with(|| Promise {
            expire: desk.now,
            answered: SmallVec::new(),
            nodes: Vec::new(),
        });
        stored.expire = desk.now + BID_STATE_TIMEOUT;
        stored.answered.push(request.nonce);
        stored.nodes.retain(|known| known.node != node.node);
        stored.nodes.push(node.clone());
        desk.fact(Fact::BidMade(request.ensemble));
        self.arm_poll(desk);
    }
}
