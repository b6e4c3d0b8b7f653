//! Sends many messages of the limited kinds at once: greetings to one peer, or broadcasts.

use super::Attack;
use super::kit::{Identity, Kit};
use crate::dms::actor::BehaviourKind;

pub(super) struct Flooder {
    me: Identity,
    burst: u32,
}

impl Flooder {
    pub(super) const fn new(me: Identity, burst: u32) -> Self {
        Self { me, burst }
    }
}

impl Attack for Flooder {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let kind = if kit.broadcast { BehaviourKind::BidRequest } else { BehaviourKind::PublicHello };
        for _ in 0..self.burst {
            let call = kit.call_of(kind);
            let envelope = self.me.seal_call(kit, call);
            kit.shoot(envelope);
        }
    }
}
