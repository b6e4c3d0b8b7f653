//! Promises that were chosen become machines before anything is committed (dms-orchestration sections 1.3 and 2.12).
//!
//! As it is meant, a node whose promise comes to nothing falls back as after a failed commit. In the real DMS a
//! conversion without an answer ends the deployment, and an answer that is an error is not recognised: the bid that it
//! lacks is used in the commit, which breaks the process down. That is inferred, and has no number among the
//! weaknesses: profiles nearer to `as-is` do it.

use std::sync::Arc;

use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, Bid, ConvertPromise, Message};
use crate::dms::constants::PROMISE_CONVERSION_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::{Handle, SignatureMode};

impl Deployment {
    /// Asks the gateways of all nodes with a promise for their machines, all at once.
    pub(super) fn convert(&mut self, desk: &mut Desk<'_, '_>) {
        for index in self.in_phase(Phase::Promised) {
            let node = &self.nodes[index];
            let (gateway, generation) = (node.host(), node.generation());
            let order = ConvertPromise { ensemble: self.id, node: Arc::clone(&node.name), generation };
            let message = Message::ConvertPromise(Box::new(order));
            let behaviour = Behaviour::fixed(BehaviourKind::ConvertPromise);
            let timeout = PROMISE_CONVERSION_TIMEOUT;
            self.ask(desk, &gateway, behaviour, message, timeout, Purpose::Convert, (index, 0));
        }
    }

    /// The machine is there: it takes the place of its gateway. Or it is not.
    pub(super) fn resolve_conversion(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let mode = desk.security.capabilities.trust().mode();
        let machine = match outcome {
            Outcome::Reply(Message::Bid(bid)) => self.judge_conversion(pending.node, bid, mode),
            _ => Err(outcome
                .refusal(PROMISE_CONVERSION_TIMEOUT)
                .unwrap_or_else(|| "the reply is no bid".into())),
        };
        match machine {
            Ok(machine) => {
                let node = &mut self.nodes[pending.node];
                node.place = Some(machine);
                node.phase = Phase::Chosen;
            }
            Err(reason) if desk.security.profile.is_nearer_as_is() => {
                self.fail_conversion_as_read(desk, pending.node, outcome, &reason);
            }
            Err(reason) => self.give_up_place(desk, pending.node, Stage::Convert, reason),
        }
    }

    /// The machine that a gateway's answer names, if it is what was promised.
    fn judge_conversion(
        &self,
        index: usize,
        bid: &Bid,
        mode: SignatureMode,
    ) -> Result<Arc<Handle>, Arc<str>> {
        let node = &self.nodes[index];
        if bid.ensemble != self.id || bid.node != node.name {
            return Err("the machine's bid is for something else".into());
        }
        if bid.promise || !bid.is_signed(mode) {
            return Err("the machine's bid is not signed by the machine".into());
        }
        let host = &bid.handle.host;
        let taken = self.nodes.iter().enumerate().any(|(other, node)| {
            other != index
                && [&node.place, &node.pin].into_iter().flatten().any(|elsewhere| elsewhere.host == *host)
        });
        if taken {
            return Err("the machine is the peer of another node".into());
        }
        if self.config.exclude_peers.iter().any(|peer| **peer == *host.to_string()) {
            return Err("the machine is excluded by the ensemble".into());
        }
        if node.pin.is_none() && !node.request.location.are_satisfied_by(&bid.location) {
            return Err("the machine's location is not acceptable".into());
        }
        Ok(Arc::clone(&bid.handle))
    }

    fn fail_conversion_as_read(
        &mut self,
        desk: &mut Desk<'_, '_>,
        index: usize,
        outcome: &Outcome<'_>,
        reason: &Arc<str>,
    ) {
        desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Convert, reason: Arc::clone(reason) });
        if matches!(outcome, Outcome::Timeout) {
            let text =
                format!("node {}: failed to convert the promise bid: {reason}", self.nodes[index].name);
            return self.fail(desk, text.into());
        }
        // Nobody looks at the error of the reply. Its empty bid goes into the commit.
        self.set_status(desk, DeploymentStatus::Committing, None);
        let reason = "runtime error: invalid memory address or nil pointer dereference".into();
        desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Commit, reason });
        self.is_hung = true;
        desk.out.effects.crashed = true;
    }
}
