//! Bringing revocations together on a connection: an extension, since in the real DMS whoever misses the broadcast of
//! a revocation never learns of it (weakness C9).
//!
//! After the hello of a connection, and when a connection is there again, a peer that knows of revocations sends a
//! number that stands for its set, on `/public/revocations`. An equal set is answered with "ok", a different one with
//! all that the other peer knows; what that peer lacks is then sent back. A peer that has learnt something asks its own
//! neighbours, so that news spread from one side of a healed partition through the other. A peer may miss a broadcast
//! without losing a connection, because it stood still or messages were lost; so whoever knows of revocations also
//! compares them with one neighbour after the other, for as long as they are valid (anti-entropy: Demers and others,
//! *Epidemic algorithms for replicated database maintenance*, PODC 1987). A node without revocations sends nothing:
//! where nothing was ever revoked this costs no message.
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
use crate::dms::identity::Handle;
use crate::dms::outbox::{Owner, Timer};
use crate::dms::profile::Weakness;
use crate::kernel::Span;

/// A message of an exchange that waits for its reply.
#[derive(Clone, Debug)]
struct Exchange {
    to: Arc<Handle>,
    nonce: u64,
    attempts: u8,
    /// What the own set was when the message was sent.
    summary: Option<u64>,
    /// What is sent to the other peer; none while only the sets are compared.
    lacking: Option<Box<TokenList>>,
}

/// All exchanges under way, and whose turn is next.
#[derive(Clone, Debug, Default)]
pub(super) struct CatchUp {
    exchanges: Vec<Exchange>,
    /// The place among the neighbours of the one that is compared with next; none while there is nothing to compare.
    next: Option<usize>,
}

impl CatchUp {
    pub(super) const fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.next.is_none()
    }

    /// Begins to compare with one neighbour after the other, if there is something to compare and somebody to compare
    /// it with. The first turn comes at a time of its own, since many learn of a revocation at the same moment.
    pub(super) fn keep_comparing(&mut self, desk: &mut Desk<'_, '_>, neighbours: &Neighbours) {
        if self.next.is_none() && Self::can_compare(desk) && !neighbours.is_empty() {
            self.next = Some(0);
            let most = REVOCATION_COMPARISON_ROUND.0 / neighbours.known().len() as u64;
            let first = Span(desk.out.random.below(most));
            desk.timer(first, Timer::CompareRevocations);
        }
    }

    /// Compares with the neighbour whose turn it is.
    pub(super) fn take_turn(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, neighbours: &Neighbours) {
        let Some(turn) = self.next.take().filter(|_| Self::can_compare(desk)) else { return };
        let known = neighbours.known();
        let place = turn % known.len();
        self.begin(desk, root, &Arc::new(Handle::root(known[place].0)));
        self.next = Some(place + 1);
        desk.timer(Span(REVOCATION_COMPARISON_ROUND.0 / known.len() as u64), Timer::CompareRevocations);
    }

    fn can_compare(desk: &Desk<'_, '_>) -> bool {
        let enabled = !desk.security.profile.has(Weakness::NoRevocationCatchUp);
        enabled && desk.security.capabilities.revocations().summary(desk.now).is_some()
    }

    /// Compares the sets with a peer, unless there is nothing to compare or it is being done.
    pub(super) fn begin(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, to: &Arc<Handle>) {
        let busy = self.exchanges.iter().any(|exchange| exchange.to.host == to.host);
        if !busy && Self::can_compare(desk) {
            let to = Arc::clone(to);
            self.send(desk, root, Exchange { to, nonce: 0, attempts: 0, summary: None, lacking: None });
        }
    }

    fn send(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, exchange: Exchange) {
        let summary = desk.security.capabilities.revocations().summary(desk.now);
        let message = match (&exchange.lacking, summary) {
            (Some(tokens), _) => Message::Revocations(tokens.clone()),
            (None, Some(summary)) => Message::RevocationSummary(summary),
            (None, None) => return,
        };
        let behaviour = Behaviour::fixed(BehaviourKind::PublicRevocations);
        let timeout = REVOCATION_EXCHANGE_TIMEOUT;
        let nonce = desk.invoke(root, Owner::Root, &exchange.to, behaviour, message, timeout);
        self.exchanges.push(Exchange { nonce, attempts: exchange.attempts + 1, summary, ..exchange });
    }

    pub(super) fn awaits(&self, nonce: u64) -> bool {
        self.exchanges.iter().any(|exchange| exchange.nonce == nonce)
    }

    /// Handles the other side's message. True when something was learnt.
    pub(super) fn handle(desk: &mut Desk<'_, '_>, root: &mut Actor, request: &Envelope) -> bool {
        let (answer, learnt) = match &request.message {
            Message::RevocationSummary(theirs) => {
                let revocations = desk.security.capabilities.revocations();
                let same = revocations.summary(desk.now) == Some(*theirs);
                let all = || revocations.iter().map(|token| Token::clone(token)).collect();
                (if same { Message::Ok } else { Message::Revocations(Box::new(all())) }, false)
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
        nonce: u64,
        message: &Message,
    ) -> bool {
        let Some(place) = self.exchanges.iter().position(|exchange| exchange.nonce == nonce) else {
            return false;
        };
        let exchange = self.exchanges.swap_remove(place);
        let Message::Revocations(theirs) = message else {
            // What was learnt from somebody else meanwhile has not been compared.
            if exchange.summary != desk.security.capabilities.revocations().summary(desk.now) {
                self.send(desk, root, Exchange { attempts: 0, lacking: None, ..exchange });
            }
            return false;
        };
        let learnt = learn(desk, theirs);
        let known: IndexSet<RevocationKey, FxBuildHasher> =
            theirs.iter().map(|token| token.revocation_key()).collect();
        let own = desk.security.capabilities.revocations().iter();
        let unknown = own.filter(|token| !known.contains(&token.revocation_key()));
        let lacking: TokenList = unknown.cloned().collect();
        if !lacking.is_empty() {
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
