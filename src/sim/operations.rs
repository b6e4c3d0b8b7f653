//! Operations of the setup, carried out: what the operator prepares at a desk (`office`), then an order to a node.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::event::PeerId;
use super::setup::{ControlKind, Operation, OperationKind, Payload, Proof, SubnetOrder, Which, Withdrawn};
use super::world::World;
use crate::dms::actor::{AnchorRequest, Behaviour, BehaviourKind, Message, Slot, SubnetCreate, SubnetJoin};
use crate::dms::capability::Delegation;
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId, Handle};
use crate::dms::node::{Order, TokenSet};
use crate::dms::outbox::{Command, Input};
use crate::kernel::{Domain, Rng, Time, Timestamp};

/// The nonces of tokens that operators make.
const OFFICE: Domain = Domain::new("sim.office");

impl World<'_> {
    /// Adds an operation: its number. Somebody has to see to it that it becomes due.
    pub(super) fn plan_operation(&mut self, operation: Operation) -> u32 {
        let operation = Arc::new(operation);
        self.ledger.add_operation(&operation);
        self.plans.operations.add(operation)
    }

    /// An operation of the setup is due.
    pub(super) fn operate(&mut self, now: Time, number: u32) {
        if self.plans.operations.is_cancelled(number) {
            return;
        }
        let operation = &*Arc::clone(&self.plans.operations.all()[number as usize]);
        let by = self.peer(&operation.by);
        self.let_in(now, by, operation);
        self.ledger.operation_asked(number);
        if !self.hosts[by.0 as usize].up {
            return self.ledger.operation_refused(now, by, number, "the peer is down");
        }
        if self.troubles.is_frozen(by) {
            return self.ledger.operation_refused(now, by, number, "the peer does not answer");
        }
        if let OperationKind::Deployment(control) = &operation.kind {
            if let (None, ControlKind::Shutdown(which)) = (&control.to, &control.kind)
                && let Ok(ensemble) = self.find_deployment(which)
            {
                self.check_asked_to_end(by, ensemble);
            }
            return match self.command_for(now, number, by, control) {
                Ok(command) => self.feed(now, by, |_| Input::Command(command)),
                Err(why) => self.cannot(now, by, number, why),
            };
        }
        if let OperationKind::Contract { name, action } = &operation.kind {
            return match self.contract_command(now, number, by, name, *action) {
                Ok(command) => self.feed(now, by, |_| Input::Command(command)),
                Err(why) => self.cannot(now, by, number, why),
            };
        }
        if let OperationKind::Ssh(order) = &operation.kind {
            return self.ssh(now, number, by, order);
        }
        let (at, order) = match self.order_for(now, number, by, operation) {
            Ok(ready) => ready,
            Err(why) => return self.cannot(now, by, number, why),
        };
        if !self.hosts[at.0 as usize].up {
            return self.ledger.operation_refused(now, by, number, "the other peer is down");
        }
        if self.troubles.is_frozen(at) {
            return self.ledger.operation_refused(now, by, number, "the other peer does not answer");
        }
        let order = Box::new(order);
        self.feed(now, at, |_| Input::Command(Command::Operate { operation: number, order }));
    }

    /// All whose operators take part in an operation: they come to have what others of their groups have not.
    fn let_in(&mut self, now: Time, by: PeerId, operation: &Operation) {
        let other = match &operation.kind {
            OperationKind::Join { proof: Proof::Of(other), .. } => Some(other),
            OperationKind::Grant { to, .. } => Some(to),
            OperationKind::Revoke { what: Withdrawn::Membership { member, .. }, .. } => Some(member),
            _ => None,
        };
        let other = other.map(|name| self.peer(name));
        for peer in std::iter::once(by).chain(other) {
            self.single_out(now, peer);
            let host = &self.hosts[peer.0 as usize];
            let profile = host.peer.security().profile;
            self.office.admit_user(peer, || host.raise_user(profile));
        }
    }

    /// An operator finds out at the desk already that it cannot be.
    fn cannot(&mut self, now: Time, by: PeerId, operation: u32, why: String) {
        let fact = Fact::OperationRefused { operation, reason: why.into() };
        self.check_fact(by, &fact);
        self.book(now, by, fact);
    }

    pub(super) fn peer(&self, name: &str) -> PeerId {
        self.population.find(name).expect("the setup names an existing peer")
    }

    pub(super) fn root_of(&self, peer: PeerId) -> Arc<Handle> {
        Arc::clone(self.hosts[peer.0 as usize].peer.handle_of_root())
    }

    /// Which node is to do what.
    fn order_for(
        &mut self,
        now: Time,
        number: u32,
        by: PeerId,
        operation: &Operation,
    ) -> Result<(PeerId, Order), String> {
        let clock = self.clock_of(by, now);
        let mut random = self.streams.owned(OFFICE, u64::from(number));
        let kind = &operation.kind;
        let order = match kind {
            OperationKind::Invoke { to, behaviour, peer, payload, timeout } => {
                let about = peer.as_ref().map(|peer| self.root_of(self.peer(peer)));
                let message = match (about, payload) {
                    (Some(peer), _) => Message::Connect(peer),
                    (None, Some(Payload::Offer(offer))) => Message::Onboard(*offer),
                    (None, Some(Payload::Logger(change))) => Message::ConfigureLogger(change.clone()),
                    (None, Some(Payload::Volume(request))) => Message::Volume(Box::new(request.clone())),
                    (None, Some(Payload::Subnet(order))) => self.about_subnet(order),
                    (None, None) => question(behaviour),
                };
                let to = self.root_of(self.peer(to));
                Order::Call { to, behaviour: behaviour.clone(), message, timeout: *timeout }
            }
            OperationKind::Broadcast { behaviour, timeout } => {
                let message = question(behaviour);
                Order::Publish { behaviour: behaviour.clone(), message, timeout: *timeout }
            }
            OperationKind::Join { proof, .. } => {
                let node = self.root_of(by);
                let other = match proof {
                    Proof::Of(peer) => Some(self.peer(peer)),
                    Proof::Granted | Proof::Forged => None,
                };
                Order::Anchor(Box::new(self.office.join((by, &node), kind, other, clock, &mut random)?))
            }
            OperationKind::Leave { organization } => {
                Order::Remove(Box::new(self.office.leave(by, organization)?))
            }
            OperationKind::Grant { .. } => return self.grant(by, kind, clock, &mut random),
            OperationKind::Anchor { at, slot, token, behaviour } => {
                self.anchor(by, at, *slot, token, behaviour)?
            }
            OperationKind::Trust { of } => self.trust(of),
            OperationKind::RemoveAnchor { slot, token } => {
                let token = self.office.token(token)?.clone();
                Order::Remove(Box::new(TokenSet::of(*slot, token)))
            }
            OperationKind::Revoke { what, broadcast, here } => {
                let member = match what {
                    Withdrawn::Membership { member, .. } => Some(self.peer(member)),
                    Withdrawn::Token(_) => None,
                };
                let revocation = self.office.revoke(by, what, member)?;
                let broadcast = broadcast.clone().map(|behaviour| (behaviour, Operation::TIMEOUT));
                match broadcast {
                    Some((behaviour, timeout)) if !here => {
                        let tokens = std::iter::once(revocation).collect();
                        let message = Message::Anchor(Box::new(AnchorRequest { slot: Slot::Revoke, tokens }));
                        Order::Publish { behaviour, message, timeout }
                    }
                    broadcast => Order::Revoke { revocation, broadcast },
                }
            }
            OperationKind::ListCapabilities { of } => self.list_at(by, of),
            OperationKind::Ssh(_) => unreachable!("a login is no message"),
            OperationKind::Deployment(_) | OperationKind::Contract { .. } => {
                unreachable!("deployments and contracts have commands of their own")
            }
        };
        Ok((by, order))
    }

    /// What a node is told about a subnet. In DMS its id is a text: that of an ensemble, or any other. Here any other
    /// text stands for its hash.
    fn about_subnet(&self, order: &SubnetOrder) -> Message {
        let id = |name: &str| {
            let of_deployment = self.find_deployment(&Which::Named(name.to_owned(), 1));
            of_deployment.unwrap_or_else(|_| EnsembleId(Sha256::digest(name).into()))
        };
        match order {
            SubnetOrder::Create { name, range } => {
                let order = SubnetCreate { ensemble: id(name), range: *range, routes: Arc::default() };
                Message::SubnetCreate(Box::new(order))
            }
            SubnetOrder::Destroy(name) => Message::SubnetDestroy(id(name)),
            SubnetOrder::Join { name, address } => {
                let (routes, records) = (Arc::default(), Arc::default());
                Message::SubnetJoin(Box::new(SubnetJoin {
                    ensemble: id(name),
                    address: *address,
                    routes,
                    records,
                }))
            }
        }
    }

    /// The token goes from one operator to the other by other means than the network.
    fn grant(
        &mut self,
        by: PeerId,
        kind: &OperationKind,
        clock: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<(PeerId, Order), String> {
        let OperationKind::Grant { name, from, to, capabilities, topics, lasts, depth, anchored } = kind
        else {
            unreachable!("only called to grant")
        };
        let to = self.peer(to);
        let subject = self.root_of(to).did.clone();
        let (audience, expire) = (&Did::Empty, clock + *lasts);
        let grant = Delegation { subject: &subject, audience, topics, expire, depth: *depth, capabilities };
        let token = match from {
            None => self.office.grant(by, name.as_ref(), &grant, random),
            Some(parent) => {
                let node = self.hosts[by.0 as usize].peer.capabilities();
                self.office.pass_on((by, node), (name.as_ref(), parent), &grant, clock, random)?
            }
        };
        Ok(match anchored {
            true => (to, Order::Anchor(Box::new(TokenSet::of(Slot::Provide, token)))),
            false => (by, Order::Anchor(Box::default())),
        })
    }

    /// To anchor at the own node takes no message.
    fn anchor(
        &self,
        by: PeerId,
        at: &str,
        slot: Slot,
        token: &str,
        behaviour: &Behaviour,
    ) -> Result<Order, String> {
        let token = match slot {
            Slot::Revoke => self.office.revoke(by, &Withdrawn::Token(token.to_owned()), None)?,
            Slot::Provide | Slot::Require => self.office.token(token)?.clone(),
        };
        let at = self.peer(at);
        if at == by {
            return Ok(Order::Anchor(Box::new(TokenSet::of(slot, token))));
        }
        let message =
            Message::Anchor(Box::new(AnchorRequest { slot, tokens: std::iter::once(token).collect() }));
        let (to, behaviour) = (self.root_of(at), behaviour.clone());
        Ok(Order::Call { to, behaviour, message, timeout: Operation::TIMEOUT })
    }

    /// To trust somebody takes no message.
    fn trust(&self, of: &str) -> Order {
        let roots = vec![self.root_of(self.peer(of)).did.clone()];
        Order::Anchor(Box::new(TokenSet { roots, ..TokenSet::default() }))
    }

    fn list_at(&self, by: PeerId, of: &str) -> Order {
        let of = self.peer(of);
        if of == by {
            return Order::ListCapabilities;
        }
        Order::Call {
            to: self.root_of(of),
            behaviour: Behaviour::fixed(BehaviourKind::CapList),
            message: Message::Query,
            timeout: Operation::TIMEOUT,
        }
    }
}

/// The payload of a behaviour that its path says all about.
fn question(behaviour: &Behaviour) -> Message {
    match behaviour.kind {
        BehaviourKind::PublicHello | BehaviourKind::BroadcastHello => Message::Hello,
        _ => Message::Query,
    }
}
