//! An orchestrator has chosen a promise and wants the machine (dms-orchestration section 2.12): it is provisioned, the
//! gateway tries five times, a second apart, to connect to it, has it sign a bid of its own, and answers with that.
//!
//! The orchestrator waits for five minutes. Whatever fails before is answered with the reason; what comes too late is
//! deleted again.

use std::sync::Arc;

use super::upkeep::Given;
use super::{Gateway, Machine};
use crate::dms::actor::{
    Actor, Behaviour, BehaviourKind, ConvertPromise, Envelope, Message, NodeRequest, SignBid,
};
use crate::dms::constants::{
    BID_STATE_TIMEOUT, MACHINE_CONNECT_ATTEMPTS, MACHINE_CONNECT_INTERVAL, MACHINE_SIGN_TIMEOUT,
};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::fact::{Fact, MachineFact};
use crate::dms::identity::Handle;
use crate::dms::outbox::{Action, Owner};
use crate::kernel::Timestamp;

/// A machine on its way to an orchestrator.
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    pub(super) order: ConvertPromise,
    request: NodeRequest,
    reply: Option<OwedReply>,
    /// Until when the orchestrator waits.
    deadline: Timestamp,
    step: Step,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
enum Step {
    Booting,
    Connecting { nonce: u64, attempts: u8 },
    Signing { nonce: u64 },
}

impl Conversion {
    pub(super) fn awaits(&self, reply: u64) -> bool {
        match self.step {
            Step::Booting => false,
            Step::Connecting { nonce, .. } | Step::Signing { nonce } => nonce == reply,
        }
    }
}

impl Gateway {
    /// Orders the machine that was promised.
    ///
    /// # Errors
    /// Why there will be none.
    pub(super) fn begin_conversion(
        &mut self,
        desk: &mut Desk<'_, '_>,
        envelope: &Envelope,
        order: &ConvertPromise,
    ) -> Result<(), Arc<str>> {
        let ensemble = order.ensemble;
        let request = match self.promises.get(&ensemble) {
            None => return Err(format!("no promise for ensemble {ensemble}").into()),
            Some(promise) if desk.now > promise.expire => {
                return Err(format!("the promise for ensemble {ensemble} has expired").into());
            }
            Some(promise) => promise.nodes.iter().find(|node| node.node == order.node).cloned(),
        };
        let request = request.ok_or_else(|| format!("no promise for node {}", order.node))?;
        self.supersede(desk, order);
        if self.has_no_machine_left() {
            return Err(format!("no machine is left: all {} are in use", self.config.machines).into());
        }
        let plan = self.plan_for(&request, desk.security.profile).map_err(|refusal| refusal.to_string())?;
        let plan = Box::new(plan.clone());
        self.orders += 1;
        let number = self.orders;
        desk.action(Action::Provision(number, plan));
        desk.fact(Fact::Machine { ensemble: Some(ensemble), machine: number, what: MachineFact::Ordered });
        let conversion = Conversion {
            order: order.clone(),
            request,
            reply: OwedReply::to(envelope),
            deadline: envelope.expire,
            step: Step::Booting,
        };
        let machine = Machine { handle: None, conversion: Some(conversion), given: None, poll: None };
        self.machines.insert(number, machine);
        self.arm_poll(desk);
        Ok(())
    }

    pub(super) fn machine_is_up(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        number: u32,
        handle: Arc<Handle>,
    ) {
        let Some(machine) = self.machines.get_mut(&number) else {
            // It was called off while it booted.
            return desk.action(Action::DeleteMachine(number));
        };
        machine.handle = Some(handle);
        let ensemble = machine.ensemble();
        desk.fact(Fact::Machine { ensemble, machine: number, what: MachineFact::Up });
        self.connect(desk, root, number, 1);
    }

    fn connect(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u32, attempts: u8) {
        if self.is_too_late(desk, number) {
            let reason = "the machine was ready only after the orchestrator had stopped waiting";
            return self.give_up(desk, root, number, reason.into());
        }
        let Some((handle, conversion)) = self.converted(number) else { return };
        let behaviour = Behaviour::fixed(BehaviourKind::PublicHello);
        let timeout = MACHINE_CONNECT_INTERVAL;
        let nonce = desk.invoke(root, Owner::Gateway, &handle, behaviour, Message::Hello, timeout);
        conversion.step = Step::Connecting { nonce, attempts };
    }

    fn is_too_late(&self, desk: &Desk<'_, '_>, number: u32) -> bool {
        let conversion = self.machines.get(&number).and_then(|machine| machine.conversion.as_ref());
        conversion.is_some_and(|conversion| desk.now > conversion.deadline)
    }

    /// A machine that is up and on its way.
    fn converted(&mut self, number: u32) -> Option<(Arc<Handle>, &mut Conversion)> {
        let machine = self.machines.get_mut(&number)?;
        Some((Arc::clone(machine.handle.as_ref()?), machine.conversion.as_mut()?))
    }

    /// The machine has answered, or has not in time.
    pub(super) fn resolve_step(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        number: u32,
        reply: Option<&Message>,
    ) {
        let Some((handle, conversion)) = self.converted(number) else { return };
        match (conversion.step, reply) {
            (Step::Connecting { attempts, .. }, None) if attempts < MACHINE_CONNECT_ATTEMPTS => {
                self.connect(desk, root, number, attempts + 1);
            }
            (Step::Connecting { attempts, .. }, None) => {
                let reason = format!(
                    "cannot connect to the machine: {attempts} attempts, {MACHINE_CONNECT_INTERVAL} apart"
                );
                self.give_up(desk, root, number, reason.into());
            }
            (Step::Connecting { .. }, Some(_)) => self.have_signed(desk, root, number),
            (Step::Signing { .. }, Some(Message::Bid(bid)))
                if bid.handle == handle && bid.is_signed(desk.security.capabilities.trust().mode()) =>
            {
                self.give(desk, root, number, Message::Bid(bid.clone()));
            }
            (Step::Signing { .. }, Some(Message::Error(reason))) => {
                let reason = format!("the machine does not bid: {reason}").into();
                self.give_up(desk, root, number, reason);
            }
            (Step::Signing { .. }, Some(_)) => {
                self.give_up(desk, root, number, "what the machine has signed is not its bid".into());
            }
            (Step::Signing { .. }, None) => {
                let reason = format!("no bid of the machine within {MACHINE_SIGN_TIMEOUT}").into();
                self.give_up(desk, root, number, reason);
            }
            (Step::Booting, _) => {}
        }
    }

    fn have_signed(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u32) {
        let Some((handle, conversion)) = self.converted(number) else { return };
        let wanted = SignBid { ensemble: conversion.order.ensemble, node: conversion.request.clone() };
        let behaviour = Behaviour::fixed(BehaviourKind::SignBid);
        let (message, timeout) = (Message::SignBid(Box::new(wanted)), MACHINE_SIGN_TIMEOUT);
        let nonce = desk.invoke(root, Owner::Gateway, &handle, behaviour, message, timeout);
        conversion.step = Step::Signing { nonce };
    }

    /// Hands the machine over.
    fn give(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u32, bid: Message) {
        let Some(machine) = self.machines.get_mut(&number) else { return };
        let Some(conversion) = machine.conversion.take() else { return };
        let ensemble = Some(conversion.order.ensemble);
        // It has no allocation yet: its bid is good for as long as any other.
        machine.given = Some(Given { order: conversion.order, until: desk.now + BID_STATE_TIMEOUT });
        if let Some(owed) = conversion.reply {
            desk.reply_later(root, owed, bid);
        }
        desk.fact(Fact::Machine { ensemble, machine: number, what: MachineFact::Given });
    }

    /// A machine that was ordered will not do: it is deleted, and whoever waits for it is told why.
    pub(super) fn give_up(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        number: u32,
        reason: Arc<str>,
    ) {
        let Some(machine) = self.machines.shift_remove(&number) else { return };
        let ensemble = machine.ensemble();
        if machine.handle.is_some() {
            desk.action(Action::DeleteMachine(number));
        }
        if let Some(owed) = machine.conversion.and_then(|conversion| conversion.reply) {
            desk.reply_later(root, owed, Message::Error(Arc::clone(&reason)));
        }
        desk.fact(Fact::Machine { ensemble, machine: number, what: MachineFact::Failed(reason) });
    }
}
