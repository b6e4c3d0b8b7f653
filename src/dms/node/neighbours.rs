//! The peers that a node is connected to, and the hellos between them (dms-capabilities section 3.7).

use std::sync::Arc;

use indexmap::IndexSet;
use indexmap::map::Entry;
use rustc_hash::FxBuildHasher;

use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Message};
use crate::dms::constants::{
    HELLO_ATTEMPTS, HELLO_MAX_DELAY, HELLO_MIN_DELAY, HELLO_TIMEOUT, SCORE_CONNECTED, SCORE_GREETED,
};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::identity::{Handle, PeerId};
use crate::dms::outbox::{Owner, Timer};
use crate::kernel::{OrderedMap, Span};

/// A peer that is or was connected, and the hello that is being said on its newest connection.
#[derive(Clone, Debug)]
struct Greeting {
    to: Arc<Handle>,
    attempts: u8,
    nonce: Option<u64>,
    answered: bool,
}

/// Connections since the node started, by host, in the order of each one's first.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    greetings: OrderedMap<PeerId, Greeting>,
    /// Who said hello and was answered.
    heard: IndexSet<PeerId, FxBuildHasher>,
}

impl Neighbours {
    /// Whether there never was any.
    pub(super) fn is_empty(&self) -> bool {
        self.greetings.is_empty() && self.heard.is_empty()
    }

    /// A connection has opened: a hello is said on it after a while.
    pub(super) fn connected(&mut self, desk: &mut Desk<'_, '_>, to: Arc<Handle>) {
        let range = (HELLO_MAX_DELAY.0 - HELLO_MIN_DELAY.0) + 1;
        let delay = HELLO_MIN_DELAY + Span(desk.out.random.below(range));
        let number = match self.greetings.entry(to.host) {
            Entry::Occupied(mut known) => {
                known.get_mut().attempts = 0;
                known.index()
            }
            Entry::Vacant(new) => {
                let number = new.index();
                new.insert(Greeting { to, attempts: 0, nonce: None, answered: false });
                number
            }
        };
        desk.timer(delay, Timer::Hello(number as u32));
    }

    /// Says hello on a connection, up to three times.
    pub(super) fn say_hello(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u32) {
        let Some((_, greeting)) = self.greetings.get_index_mut(number as usize) else { return };
        greeting.nonce = None;
        if greeting.attempts == HELLO_ATTEMPTS {
            return;
        }
        greeting.attempts += 1;
        let behaviour = Behaviour::fixed(BehaviourKind::PublicHello);
        let to = &greeting.to;
        let nonce = desk.invoke(root, Owner::Root, to, behaviour, Message::Hello, HELLO_TIMEOUT);
        greeting.nonce = Some(nonce);
    }

    /// A peer said hello and is being answered.
    pub(super) fn hear(&mut self, from: &Handle) {
        self.heard.insert(from.host);
    }

    /// Whether a hello waits for this reply.
    pub(super) fn awaits(&self, nonce: u64) -> bool {
        self.greetings.values().any(|greeting| greeting.nonce == Some(nonce))
    }

    /// The reply to a hello: who it was said to.
    pub(super) fn answered(&mut self, desk: &mut Desk<'_, '_>, nonce: u64) -> Option<Arc<Handle>> {
        let greeting = self.greetings.values_mut().find(|greeting| greeting.nonce == Some(nonce))?;
        greeting.nonce = None;
        greeting.answered = true;
        desk.fact(Fact::HelloAnswered);
        Some(Arc::clone(&greeting.to))
    }

    /// The reply to a hello is overdue: says it again.
    pub(super) fn overdue(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, nonce: u64) {
        if let Some(number) = self.greetings.values().position(|greeting| greeting.nonce == Some(nonce)) {
            self.say_hello(desk, root, number as u32);
        }
    }

    /// The peers that a connection was opened to, in order.
    pub(super) fn peers(&self) -> impl ExactSizeIterator<Item = &Arc<Handle>> {
        self.greetings.values().map(|greeting| &greeting.to)
    }

    /// The hosts that the node knows of: those that it was connected to, and those that have greeted it.
    pub(super) fn known(&self) -> impl Iterator<Item = PeerId> {
        let others = self.heard.iter().filter(|host| !self.greetings.contains_key(*host));
        self.greetings.keys().chain(others).copied()
    }

    /// The hosts that have answered a hello or said one: the others do not listen to this node, as far as it knows.
    pub(super) fn acquainted(&self) -> impl Iterator<Item = PeerId> {
        let greeted = self.greetings.iter().filter(|(_, greeting)| greeting.answered).map(|(host, _)| *host);
        greeted.chain(self.heard.iter().copied().filter(|host| !self.has_answered(host)))
    }

    /// Whether the node knows of a host.
    pub(super) fn knows(&self, host: &PeerId) -> bool {
        self.heard.contains(host) || self.greetings.contains_key(host)
    }

    fn has_answered(&self, host: &PeerId) -> bool {
        self.greetings.get(host).is_some_and(|greeting| greeting.answered)
    }

    /// What a host is worth as a gossip peer: most when hellos were answered both ways, something when it is connected,
    /// else nothing.
    pub(super) fn score_of(&self, host: &PeerId) -> f64 {
        let Some(greeting) = self.greetings.get(host) else { return 0.0 };
        if greeting.answered && self.heard.contains(host) { SCORE_GREETED } else { SCORE_CONNECTED }
    }

    /// The gossip scores of all peers.
    pub(super) fn scores(&self) -> Vec<(PeerId, u8)> {
        self.greetings.keys().map(|host| (*host, self.score_of(host) as u8)).collect()
    }
}
