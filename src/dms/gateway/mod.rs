//! A compute gateway: it has no resources of its own to offer, but an account where virtual machines can be had, and
//! bids with machines that do not exist yet (dms-orchestration sections 2.3 and 2.12).
//!
//! - `promises`: which requests it answers, with the reason for each that it does not;
//! - `conversion`: an orchestrator has chosen a promise, and gets a machine for it;
//! - `upkeep`: machines that nobody uses are deleted, and what of all this outlives a restart.
//!
//! Whoever drives the peer makes and deletes the machines ([`Action::Provision`], [`Action::DeleteMachine`]) and
//! reports when one is up. Each is a node of its own, which trusts the gateway as it trusts its owner.
//!
//! A gateway bids for at most one node of an ensemble, as every provider does: an orchestrator that has kept its bid
//! does not ask it for the other nodes. The host of a node whose promise was kept is the machine, so that the gateway
//! may bid again when a node of a running ensemble has to be replaced.

mod conversion;
mod promises;
mod upkeep;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;

use self::conversion::Conversion;
use self::promises::Promise;
pub(in crate::dms) use self::upkeep::GatewayRecord;
use self::upkeep::Given;
use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Envelope, Message};
use crate::dms::constants::MACHINE_POLL_INTERVAL;
use crate::dms::desk::Desk;
use crate::dms::ensemble::{Executor, Location};
use crate::dms::fact::{Fact, MachineFact};
use crate::dms::identity::{EnsembleId, Handle};
use crate::dms::outbox::{Action, MachineReport, Timer};
use crate::dms::resources::Resources;

/// What the operator of a gateway has configured.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct GatewayConfig {
    /// The kinds of machines that can be had, in the order in which they are tried.
    pub plans: Vec<Resources>,
    /// How many machines there may be at one time.
    pub machines: u32,
    /// What can run allocations on them.
    pub executors: Vec<Executor>,
}

/// A machine that was ordered and not deleted.
#[derive(Clone, Debug)]
struct Machine {
    /// Its node, once it is up.
    handle: Option<Arc<Handle>>,
    /// For whom it is being made, until it is handed over.
    conversion: Option<Conversion>,
    /// To whom it was handed over.
    given: Option<Given>,
    /// The question of the last poll, while it is open.
    poll: Option<u64>,
}

/// The gateway's part of a peer.
#[derive(Clone, Debug)]
pub(in crate::dms) struct Gateway {
    config: GatewayConfig,
    promises: IndexMap<EnsembleId, Promise>,
    /// By the number under which each was ordered.
    machines: IndexMap<u32, Machine>,
    /// Machines ordered so far.
    orders: u32,
    polling: bool,
}

impl Gateway {
    /// A gateway without machines.
    pub(in crate::dms) fn new(config: GatewayConfig) -> Self {
        Self { config, promises: IndexMap::new(), machines: IndexMap::new(), orders: 0, polling: false }
    }

    /// What its operator has configured.
    pub(in crate::dms) const fn config(&self) -> &GatewayConfig {
        &self.config
    }

    /// Whether a message to the node is the gateway's to handle.
    pub(in crate::dms) fn is_responsible(&self, behaviour: &Behaviour) -> bool {
        match behaviour.kind {
            BehaviourKind::BidRequest | BehaviourKind::ConvertPromise | BehaviourKind::Revert => true,
            BehaviourKind::ReplyTo => {
                behaviour.reply_nonce().is_some_and(|nonce| self.awaited_by(nonce).is_some())
            }
            _ => false,
        }
    }

    /// Handles a message to the node; `location` is where the gateway is, and its machines.
    pub(in crate::dms) fn handle(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        location: &Location,
        envelope: &Envelope,
    ) {
        match &envelope.message {
            Message::BidRequest(request) => self.handle_bid_request(desk, root, location, envelope, request),
            Message::ConvertPromise(order) => {
                if let Err(reason) = self.begin_conversion(desk, envelope, order) {
                    desk.reply(root, envelope, Message::Error(reason));
                }
            }
            Message::Revert(revert) => {
                self.call_off(desk, revert);
                desk.reply(root, envelope, Message::Ok);
            }
            reply => {
                if let Some(nonce) = envelope.behaviour.reply_nonce() {
                    self.resolve(desk, root, nonce, Some(reply));
                }
            }
        }
    }

    /// The reply to a question of the gateway, or none in time.
    pub(in crate::dms) fn resolve(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        nonce: u64,
        reply: Option<&Message>,
    ) {
        let Some(number) = self.awaited_by(nonce) else { return };
        if self.machines[&number].poll == Some(nonce) {
            self.resolve_poll(desk, number, reply);
        } else {
            self.resolve_step(desk, root, number, reply);
        }
    }

    /// The machine of which a question waits for this reply.
    fn awaited_by(&self, nonce: u64) -> Option<u32> {
        let awaits = |machine: &Machine| {
            machine.poll == Some(nonce)
                || machine.conversion.as_ref().is_some_and(|conversion| conversion.awaits(nonce))
        };
        self.machines.iter().find_map(|(number, machine)| awaits(machine).then_some(*number))
    }

    /// What has become of a machine that was ordered.
    pub(in crate::dms) fn handle_report(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        report: MachineReport,
    ) {
        match report {
            MachineReport::Up(number, handle) => self.machine_is_up(desk, root, number, handle),
            MachineReport::Failed(number, reason) => {
                self.give_up(desk, root, number, format!("no machine: {reason}").into());
            }
        }
    }

    /// A minute is over.
    pub(in crate::dms) fn tick(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor) {
        self.polling = false;
        self.promises.retain(|_, promise| desk.now <= promise.expire);
        self.poll(desk, root);
        self.arm_poll(desk);
    }

    fn arm_poll(&mut self, desk: &mut Desk<'_, '_>) {
        let is_idle = self.machines.is_empty() && self.promises.is_empty();
        if !self.polling && !is_idle {
            self.polling = true;
            desk.timer(MACHINE_POLL_INTERVAL, Timer::Machines);
        }
    }

    /// Has a machine deleted; what runs on it ends.
    fn delete(&mut self, desk: &mut Desk<'_, '_>, number: u32, reason: &str) {
        if let Some(machine) = self.machines.shift_remove(&number) {
            desk.action(Action::DeleteMachine(number));
            let ensemble = machine.ensemble();
            let what = MachineFact::Deleted(reason.into());
            desk.fact(Fact::Machine { ensemble, machine: number, what });
        }
    }
}

impl Machine {
    /// The ensemble for which it was made.
    fn ensemble(&self) -> Option<EnsembleId> {
        let wanted = self.conversion.as_ref().map(|conversion| conversion.order.ensemble);
        wanted.or_else(|| self.given.as_ref().map(|given| given.order.ensemble))
    }
}
