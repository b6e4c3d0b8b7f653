//! Bringing revocations together on a connection: an extension, since in the real DMS whoever misses the broadcast of
//! a revocation never learns of it (weakness C9).
//!
//! After the hello of a connection, and when a connection is there again, a peer that knows of revocations sends a
//! number that stands for its set, on `/public/revocations`. An equal set is answered with "ok", a different one with
//! all that the other peer knows; what that peer lacks is then sent back. A peer that has learnt something asks its own
//! neighbours, so that news spread from one side of a healed partition through the other. A peer may miss a broadcast
//! without losing a connection, because it stood still or messages were lost; so whoever knows of revocations also
//! compares them with one neighbour after the other until each knows all that it knows (anti-entropy: Demers and
//! others, *Epidemic algorithms for replicated database maintenance*, PODC 1987). A node without revocations sends
//! nothing: where nothing was ever revoked this costs no message.
//!
//! A revocation is signed by the issuer of the token that it names, so it needs no other authority; the exchange is a
//! public behaviour, which the usual bundle of an organization covers. A set travels whole; one of more than some two
//! thousand tokens would pass the limit of a message's length.

use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use super::capabilities::anchor;
use super::neighbours::Neighbours;
use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Envelope, Message};
use crate::dms::capability::{Anchors, RevocationKey, Token, TokenList};
use crate::dms::constants::{
    REVOCATION_COMPARISON_ROUND, REVOCATION_EXCHANGE_ATTEMPTS, REVOCATION_EXCHANGE_TIMEOUT,
};
use crate::dms::desk::Desk;
use crate::dms::identity::{Handle, PeerId};
use crate::dms::outbox::{Owner, Timer};
use crate::dms::profile::Weakness;
use crate::kernel::{OrderedMap, Span};

/// A message of an exchange that waits for its reply.
#[derive(Clone, Debug)]
struct Exchange {
    to: Arc<Handle>,
    nonce: u64,
    attempts: u8,
    /// What the own set was when the message was sent, and what of it was learnt last.
    summary: Option<u64>,
    latest: Option<u64>,
    /// What is sent to the other peer; none while only the sets are compared.
    lacking: Option<Box<TokenList>>,
}

/// All exchanges under way, who has agreed, and whose turn is next.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUp {
    exchanges: Vec<Exchange>,
    /// What this node had learnt last when each neighbour knew all that it knows.
    agreed: OrderedMap<PeerId, u64>,
    /// Whether a timer runs for the next turn.
    takes_turns: bool,
    /// The place among the neighbours of the one whose turn is next.
    next: usize,
}

/// How long a turn lasts among so many neighbours.
const fn turn_of(neighbours: usize) -> Span {
    Span(REVOCATION_COMPARISON_ROUND.0 / neighbours as u64)
}

impl CatchUp {
    pub(super) fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.agreed.is_empty() && !self.takes_turns
    }

    /// Begins to compare with one neighbour after the other, if somebody may not know what this node does. The first
    /// turn comes at a time of its own, since many learn of a revocation at the same moment.
    pub(super) fn keep_comparing(&mut self, desk: &mut Desk<'_, '_>, neighbours: &Neighbours) {
        if self.takes_turns || !Self::can_compare(desk) {
            return;
        }
        let latest = desk.security.capabilities.revocations().latest();
        if neighbours.known().any(|host| self.may_differ(&host, latest)) {
            self.takes_turns = true;
            let first = Span(desk.out.random.below(turn_of(neighbours.known().count()).0));
            desk.timer(first, Timer::CompareRevocations);
        }
    }

    /// Compares with the neighbour whose turn it is: the next one that has not agreed.
    pub(super) fn take_turn(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, neighbours: &Neighbours) {
        self.takes_turns = false;
        if !Self::can_compare(desk) {
            return;
        }
        let latest = desk.security.capabilities.revocations().latest();
        let all: Vec<PeerId> = neighbours.known().collect();
        let mut turns = (0..all.len()).map(|turn| (self.next + turn) % all.len());
        if let Some(place) = turns.find(|place| self.may_differ(&all[*place], latest)) {
            // Who does not answer is asked when its turn comes again.
            self.compare(desk, root, &Arc::new(Handle::root(all[place].0)), REVOCATION_EXCHANGE_ATTEMPTS - 1);
            self.next = place + 1;
            self.takes_turns = true;
            desk.timer(turn_of(all.len()), Timer::CompareRevocations);
        }
    }

    /// Whether a peer may not know of all that this node knows.
    fn may_differ(&self, host: &PeerId, latest: Option<u64>) -> bool {
        self.agreed.get(host).copied() != latest
    }

    /// A neighbour knows all that this node did when it had learnt this last.
    fn note_agreed(&mut self, neighbours: &Neighbours, host: PeerId, latest: Option<u64>) {
        if let Some(latest) = latest.filter(|_| neighbours.knows(&host)) {
            self.agreed.insert(host, latest);
        }
    }

    fn can_compare(desk: &Desk<'_, '_>) -> bool {
        let enabled = !desk.security.profile.has(Weakness::NoRevocationCatchUp);
        enabled && desk.security.capabilities.revocations().summary(desk.now).is_some()
    }

    /// Compares the sets with a peer, unless there is nothing to compare or it is being done.
    pub(super) fn begin(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, to: &Arc<Handle>) {
        self.compare(desk, root, to, 0);
    }

    /// The same, as if it had been tried so often already.
    fn compare(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, to: &Arc<Handle>, attempts: u8) {
        let busy = self.exchanges.iter().any(|exchange| exchange.to.host == to.host);
        if !busy && Self::can_compare(desk) {
            let to = Arc::clone(to);
            let exchange = Exchange { to, nonce: 0, attempts, summary: None, latest: None, lacking: None };
            self.send(desk, root, exchange);
        }
    }

    fn send(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, exchange: Exchange) {
        let revocations = desk.security.capabilities.revocations();
        let (summary, latest) = (revocations.summary(desk.now), revocations.latest());
        let message = match (&exchange.lacking, summary) {
            (Some(tokens), _) => Message::Revocations(tokens.clone()),
            (None, Some(summary)) => Message::RevocationSummary(summary),
            (None, None) => return,
        };
        let behaviour = Behaviour::fixed(BehaviourKind::PublicRevocations);
        let timeout = REVOCATION_EXCHANGE_TIMEOUT;
        let nonce = desk.invoke(root, Owner::Root, &exchange.to, behaviour, message, timeout);
        self.exchanges.push(Exchange { nonce, attempts: exchange.attempts + 1, summary, latest, ..exchange });
    }

    pub(super) fn awaits(&self, nonce: u64) -> bool {
        self.exchanges.iter().any(|exchange| exchange.nonce == nonce)
    }

    /// Handles the other side's message. True when something was learnt.
    pub(super) fn handle(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        neighbours: &Neighbours,
        request: &Envelope,
    ) -> bool {
        let (answer, learnt) = match &request.message {
            Message::RevocationSummary(theirs) => {
                let revocations = desk.security.capabilities.revocations();
                if revocations.summary(desk.now) == Some(*theirs) {
                    self.note_agreed(neighbours, request.from.host, revocations.latest());
                    (Message::Ok, false)
                } else {
                    let all = revocations.alive(desk.now).map(|token| Token::clone(token)).collect();
                    (Message::Revocations(Box::new(all)), false)
                }
            }
            Message::Revocations(tokens) => (Message::Ok, learn(desk, tokens)),
            _ => (Message::Error("neither a summary nor revocations".into()), false),
        };
        desk.reply(root, request, answer);
        learnt
    }

    /// Handles a reply. True when something was learnt.
    pub(super) fn answer(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        neighbours: &Neighbours,
        (nonce, message): (u64, &Message),
    ) -> bool {
        let Some(place) = self.exchanges.iter().position(|exchange| exchange.nonce == nonce) else {
            return false;
        };
        let exchange = self.exchanges.swap_remove(place);
        let host = exchange.to.host;
        let Message::Revocations(theirs) = message else {
            if matches!(message, Message::Ok) {
                self.note_agreed(neighbours, host, exchange.latest);
            }
            // What was learnt from somebody else meanwhile has not been compared.
            if exchange.summary != desk.security.capabilities.revocations().summary(desk.now) {
                self.send(desk, root, Exchange { attempts: 0, lacking: None, ..exchange });
            }
            return false;
        };
        let learnt = learn(desk, theirs);
        let known: IndexSet<RevocationKey, FxBuildHasher> =
            theirs.iter().map(|token| token.revocation_key()).collect();
        let own = desk.security.capabilities.revocations();
        let unknown = own.alive(desk.now).filter(|token| !known.contains(&token.revocation_key()));
        let lacking: TokenList = unknown.cloned().collect();
        if lacking.is_empty() {
            self.note_agreed(neighbours, host, own.latest());
        } else {
            self.send(desk, root, Exchange { attempts: 0, lacking: Some(Box::new(lacking)), ..exchange });
        }
        learnt
    }

    /// A reply is overdue: tries again, up to three times.
    pub(super) fn overdue(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, nonce: u64) {
        let Some(place) = self.exchanges.iter().position(|exchange| exchange.nonce == nonce) else { return };
        let exchange = self.exchanges.swap_remove(place);
        if exchange.attempts < REVOCATION_EXCHANGE_ATTEMPTS {
            self.send(desk, root, exchange);
        }
    }
}

/// Takes up what is new; a revocation that does not verify or has expired is passed over.
fn learn(desk: &mut Desk<'_, '_>, tokens: &TokenList) -> bool {
    let mut learnt = false;
    for token in tokens {
        let known = desk.security.capabilities.revocations().contains_key(&token.revocation_key());
        let anchors = Anchors { revoke: std::slice::from_ref(token), ..Anchors::default() };
        learnt |= !known && anchor(desk, &anchors).is_ok();
    }
    learnt
}
