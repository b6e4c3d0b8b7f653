//! What a node does beside deployments: it greets its neighbours, answers questions about itself, lets its operator
//! administrate capabilities, and calls others for its operator (dms-capabilities sections 2.8, 3.7, 5 and 9.3).
//!
//! - `neighbours`: connections and hellos;
//! - `capabilities`: anchoring and listing;
//! - `catch_up`: revocations that a peer missed;
//! - `logger`: how it logs;
//! - `pings`: how far others are;
//! - `status`: the status report;
//! - `calls`: calls of the operator and their answers;
//! - [`Order`]: what an operator can ask for.

mod calls;
mod capabilities;
mod catch_up;
mod logger;
mod neighbours;
mod order;
mod pings;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use order::{Order, TokenSet};

use self::calls::Calls;
use self::capabilities::{anchor, handle_anchor};
use self::catch_up::CatchUp;
use self::logger::Logger;
use self::neighbours::Neighbours;
use self::pings::Pings;
use crate::dms::actor::{
    Actor, AnchorRequest, Behaviour, BehaviourKind, Call, Envelope, LoggerChange, Message, P2p, Report, Slot,
};
use crate::dms::capability::{Anchors, Token};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::identity::{Handle, PeerId};
use crate::dms::outbox::{Owner, Timer};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::provider::Provider;
use crate::kernel::{Span, Timestamp};

/// The node's own part of a peer. All of it lives in memory.
#[derive(Clone, Debug, Default)]
pub(in crate::dms) struct Node {
    neighbours: Neighbours,
    calls: Calls,
    catch_up: CatchUp,
    logger: Logger,
    pings: Pings,
}

impl Node {
    /// A connection to another peer has opened.
    pub(in crate::dms) fn connected(&mut self, desk: &mut Desk<'_, '_>, to: Arc<Handle>) {
        self.neighbours.connected(desk, to);
    }

    /// A connection that was interrupted works again.
    pub(in crate::dms) fn reconnected(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        to: &Arc<Handle>,
    ) {
        self.catch_up.begin(desk, root, to);
        self.catch_up.keep_comparing(desk, &self.neighbours);
    }

    /// Whether it knows of no connection, waits for nobody and logs as it did when it started.
    pub(in crate::dms) fn is_untouched(&self) -> bool {
        let waits = !self.calls.is_empty() || !self.catch_up.is_empty() || !self.pings.is_empty();
        !waits && self.neighbours.is_empty() && *self.logger.changes() == LoggerChange::default()
    }

    /// How it logs, where that was changed.
    pub(in crate::dms) const fn logger(&self) -> &LoggerChange {
        self.logger.changes()
    }

    /// What a host is worth to this node as a gossip peer.
    pub(in crate::dms) fn score_of(&self, host: &PeerId) -> f64 {
        self.neighbours.score_of(host)
    }

    /// Anchors revocations that many nodes share.
    pub(in crate::dms) fn anchor_revocations(&mut self, desk: &mut Desk<'_, '_>, revocations: &[Arc<Token>]) {
        if let Err(reason) = anchor(desk, &Anchors { revoke: revocations, ..Anchors::default() }) {
            desk.fact(Fact::AnchorRefused { slot: Slot::Revoke, reason });
        }
        self.catch_up.keep_comparing(desk, &self.neighbours);
    }

    /// Whether the node answers for this kind of behaviour at all; the others are the provider's.
    pub(in crate::dms) const fn is_responsible(kind: BehaviourKind) -> bool {
        kind.is_for_operators() || matches!(kind, BehaviourKind::ReplyTo)
    }

    /// Whether the node has this behaviour now.
    pub(in crate::dms) fn has_behaviour(&self, profile: Profile, behaviour: &Behaviour) -> bool {
        match behaviour.kind {
            BehaviourKind::ReplyTo => behaviour.reply_nonce().is_some_and(|nonce| {
                self.neighbours.awaits(nonce)
                    || self.calls.awaits(nonce)
                    || self.catch_up.awaits(nonce)
                    || self.pings.awaits(nonce)
            }),
            BehaviourKind::PublicRevocations => !profile.has(Weakness::NoRevocationCatchUp),
            kind => kind.is_for_operators(),
        }
    }

    /// Until when answers to a broadcast call are collected.
    pub(in crate::dms) fn collects_until(&self, nonce: u64) -> Option<Timestamp> {
        self.calls.collects_until(nonce)
    }

    /// Handles a message to the node.
    pub(in crate::dms) fn handle(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        provider: &mut Provider,
        request: &Envelope,
    ) {
        match (request.behaviour.kind, &request.message) {
            (BehaviourKind::PublicHello | BehaviourKind::BroadcastHello, _) => {
                self.neighbours.hear(&request.from);
                let did = root.handle.did.clone();
                desk.reply(root, request, Message::HelloReply(did));
                // One that has just come knows of no revocations, so it will not begin.
                if request.behaviour.kind == BehaviourKind::PublicHello {
                    self.catch_up.begin(desk, root, &request.from);
                }
            }
            (BehaviourKind::ReplyTo, message) => {
                if let Some(nonce) = request.behaviour.reply_nonce() {
                    self.handle_reply(desk, root, nonce, message);
                }
            }
            (BehaviourKind::PublicRevocations, _) => {
                if self.catch_up.handle(desk, root, &self.neighbours, request) {
                    self.tell_neighbours(desk, root, &request.from);
                }
            }
            (
                BehaviourKind::AnchorProvide
                | BehaviourKind::AnchorRequire
                | BehaviourKind::AnchorRevoke
                | BehaviourKind::Anchor
                | BehaviourKind::RevokeBroadcast,
                Message::Anchor(content),
            ) => handle_anchor(desk, root, request, content),
            (BehaviourKind::PeersPing, Message::Connect(peer)) => self.pings.begin(desk, root, request, peer),
            (BehaviourKind::PeersPing, _) => desk.reply(root, request, Message::Ok),
            (BehaviourKind::PeersConnect, Message::Connect(peer)) => self.connect(desk, root, request, peer),
            (BehaviourKind::Onboard, Message::Onboard(offer)) => {
                let answer = provider.onboard(desk, offer);
                desk.reply(root, request, answer);
            }
            (BehaviourKind::Offboard, _) => {
                let answer = provider.offboard(desk);
                desk.reply(root, request, answer);
            }
            (BehaviourKind::LoggerConfig, Message::ConfigureLogger(change)) => {
                let done = self.logger.change(change);
                let answer =
                    done.map_or_else(|refused| Message::Error(refused.to_string().into()), |()| Message::Ok);
                desk.reply(root, request, answer);
            }
            (
                BehaviourKind::NodeSubnetCreate
                | BehaviourKind::NodeSubnetDestroy
                | BehaviourKind::NodeSubnetJoin,
                _,
            ) => {
                let done = provider.handle_subnet_by_hand(desk, root.handle.host, request);
                desk.reply(root, request, done.unwrap_or_else(Message::lacking));
            }
            (kind, _) => {
                let answer = match self.report(desk, root, provider, kind) {
                    Some(report) => Message::Report(Arc::new(report)),
                    None => Message::lacking(),
                };
                desk.reply(root, request, answer);
            }
        }
        self.catch_up.keep_comparing(desk, &self.neighbours);
    }

    /// Connects to a peer for whoever sent the request.
    fn connect(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, request: &Envelope, peer: &Arc<Handle>) {
        let answer = if desk.out.system.is_connected(&peer.host) {
            self.connected(desk, Arc::clone(peer));
            Message::Report(Arc::new(Report::Connected))
        } else {
            Message::Error("failed to connect: the peer cannot be dialled".into())
        };
        desk.reply(root, request, answer);
    }

    fn handle_reply(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, nonce: u64, message: &Message) {
        if let Some(neighbour) = self.neighbours.answered(desk, nonce) {
            self.catch_up.begin(desk, root, &neighbour);
        } else if self.pings.awaits(nonce) {
            self.pings.answered(desk, root, nonce);
        } else if self.catch_up.awaits(nonce) {
            if self.catch_up.answer(desk, root, &self.neighbours, (nonce, message)) {
                let own = Arc::clone(&root.handle);
                self.tell_neighbours(desk, root, &own);
            }
        } else {
            self.calls.answer(desk, nonce, message);
        }
    }

    /// Compares revocations with every neighbour that listens but the one that the news came from.
    fn tell_neighbours(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, source: &Handle) {
        for host in self.neighbours.acquainted().filter(|host| *host != source.host) {
            self.catch_up.begin(desk, root, &Arc::new(Handle::root(host.0)));
        }
    }

    /// What the node says about itself; none for a behaviour that asks for something else.
    fn report(
        &self,
        desk: &Desk<'_, '_>,
        root: &Actor,
        provider: &Provider,
        kind: BehaviourKind,
    ) -> Option<Report> {
        let pool = provider.pool();
        Some(match kind {
            BehaviourKind::PublicStatus => Report::Status(provider.machine().total.clone()),
            BehaviourKind::PeersList => {
                // The transport knows which connections there are; a node only remembers which it had.
                let all = self.neighbours.peers().map(|peer| peer.host);
                Report::Peers(all.filter(|host| desk.out.system.is_connected(host)).collect())
            }
            BehaviourKind::PeersDht => Report::Peers(self.neighbours.known().collect()),
            BehaviourKind::PeersSelf => Report::Own(address(root)),
            BehaviourKind::PeersScore => Report::Scores(self.neighbours.scores()),
            BehaviourKind::OnboardingStatus => Report::Onboarded(provider.machine().onboarded.is_some()),
            BehaviourKind::ResourcesAllocated => Report::Resources(pool.allocated()),
            BehaviourKind::ResourcesFree => Report::Resources(pool.free()),
            BehaviourKind::ResourcesOnboarded => Report::Resources(pool.onboarded().clone()),
            BehaviourKind::HardwareSpec => Report::Hardware(provider.machine().total.clone()),
            BehaviourKind::HardwareUsage => Report::Hardware(provider.usage()),
            BehaviourKind::AllocationsList => Report::Allocations(provider.allocation_infos()),
            BehaviourKind::CapList => Report::Capabilities(Box::new(capabilities::list(desk))),
            _ => return None,
        })
    }

    /// Handles a timer of the node: a hello or a comparison is due, or a reply overdue.
    pub(in crate::dms) fn handle_timer(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, timer: Timer) {
        match timer {
            Timer::Hello(number) => self.neighbours.say_hello(desk, root, number),
            Timer::CompareRevocations => self.catch_up.take_turn(desk, root, &self.neighbours),
            Timer::Reply(Owner::Root, nonce) if self.neighbours.awaits(nonce) => {
                self.neighbours.overdue(desk, root, nonce);
            }
            Timer::Reply(Owner::Root, nonce) => {
                self.pings.overdue(desk, root, nonce);
                self.catch_up.overdue(desk, root, nonce);
                self.calls.expire(desk, nonce);
            }
            _ => {}
        }
    }

    /// Carries out an order of the operator.
    pub(in crate::dms) fn carry_out(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        operation: u32,
        order: Order,
    ) {
        let done = match order {
            Order::Call { to, behaviour, message, timeout } => {
                let nonce = desk.invoke(root, Owner::Root, &to, behaviour, message, timeout);
                return self.calls.begin(desk, operation, nonce, timeout, false);
            }
            Order::Publish { behaviour, message, timeout } => {
                return self.publish(desk, root, operation, behaviour, message, timeout);
            }
            Order::Revoke { revocation, broadcast } => {
                let done = revoke_here(desk, &revocation);
                self.catch_up.keep_comparing(desk, &self.neighbours);
                match (done, broadcast) {
                    (Ok(()), Some((behaviour, timeout))) => {
                        let tokens = std::iter::once(revocation).collect();
                        let message = Message::Anchor(Box::new(AnchorRequest { slot: Slot::Revoke, tokens }));
                        return self.publish(desk, root, operation, behaviour, message, timeout);
                    }
                    (done, _) => done.map(|()| "revoked".to_owned()),
                }
            }
            Order::Anchor(set) => anchor(desk, &set.anchors()).map(|()| "anchored".to_owned()),
            Order::Remove(set) => {
                desk.security.capabilities.remove_roots(&set.removals());
                Ok("removed".to_owned())
            }
            Order::ListCapabilities => {
                let report = Report::Capabilities(Box::new(capabilities::list(desk)));
                return desk.show(operation, Message::Report(Arc::new(report)));
            }
        };
        desk.fact(match done {
            Ok(answer) => Fact::OperationAnswered { operation, answer: answer.into() },
            Err(reason) => Fact::OperationRefused { operation, reason },
        });
    }

    fn publish(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        operation: u32,
        behaviour: Behaviour,
        message: Message,
        timeout: Span,
    ) {
        let Some(topic) = behaviour.kind.topic() else {
            let reason = format!("{} cannot be broadcast", behaviour.path).into();
            return desk.fact(Fact::OperationRefused { operation, reason });
        };
        let nonce = root.next_nonce();
        let reply_to = Some(Behaviour::replies_to_broadcast(&behaviour, nonce));
        let call = Call { behaviour, reply_to, expire: desk.now + timeout, message };
        desk.publish(root, topic, call, None);
        desk.timer(timeout, Timer::Reply(Owner::Root, nonce));
        self.calls.begin(desk, operation, nonce, timeout, true);
    }
}

fn revoke_here(desk: &mut Desk<'_, '_>, revocation: &Arc<Token>) -> Result<(), Arc<str>> {
    anchor(desk, &Anchors { revoke: std::slice::from_ref(revocation), ..Anchors::default() })
}

fn address(root: &Actor) -> P2p {
    let id = root.handle.host;
    P2p { id, listen_addr: format!("/p2p/{id}").into() }
}
