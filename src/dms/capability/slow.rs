//! An independent authoriser, slow and plain: the oracle of the tests and of the attack checks.
//!
//! It follows the sentences of the spec one by one, compares texts, remembers nothing and shares no decision
//! with the rest of the room: only the data of tokens and the check of one signature.

use std::sync::Arc;

use super::context::CapabilityContext;
use super::path::Capability;
use super::rules::Rules;
use super::token::{Action, Token};
use crate::dms::identity::{Did, key};
use crate::kernel::Timestamp;

/// What is asked about a message.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The did:key of the sending actor.
    pub subject: &'a Did,
    /// The did:key of the receiving actor; not used for broadcasts.
    pub audience: &'a Did,
    /// The topic, for broadcasts.
    pub topic: Option<&'a Capability>,
    /// Any of these suffices.
    pub capabilities: &'a [Capability],
    /// What the receiver's clock reads.
    pub now: Timestamp,
}

/// True when the tokens of the message, with those that `receiver` consumed before, authorise it.
#[must_use]
pub fn authorises(receiver: &CapabilityContext, tokens: &[Arc<Token>], question: &Question<'_>) -> bool {
    let fits = |token: &Token| {
        !over(token, question.now)
            && question.capabilities.iter().any(|capability| grants(receiver, token, question, capability))
            && trusted(receiver, token, question.now)
    };
    // Whether a token that came with the message is signed is asked of one that is made anew of what it says, so that
    // nothing remembered inside it counts.
    receiver.consumed().iter().any(|token| fits(token))
        || tokens.iter().any(|token| fits(token) && verifies(receiver, &token.rebuilt(), question.now, 0))
}

/// Section 2.4, in its order.
fn verifies(receiver: &CapabilityContext, token: &Token, now: Timestamp, counter: u64) -> bool {
    if over(token, now) {
        return false;
    }
    if token.action() == Action::Revoke {
        return signed(receiver, token);
    }
    if token.depth() > 0 && counter > token.depth() {
        return false;
    }
    let revoked = receiver.revocations().iter().any(|revocation| {
        same(revocation.issuer(), token.issuer())
            && same(revocation.subject(), token.subject())
            && revocation.nonce() == token.nonce()
    });
    if revoked {
        return false;
    }
    if let Some(parent) = token.chain() {
        if parent.action() != Action::Delegate || over(parent, token.expire()) {
            return false;
        }
        if !verifies(receiver, parent, now, counter + 1) || !same(token.issuer(), parent.subject()) {
            return false;
        }
        for capability in token.capabilities() {
            let audience = parent.audience().is_empty() || same(parent.audience(), token.audience());
            let topics = token.topics().iter().all(|topic| covered(parent.topics(), topic, receiver.rules()));
            if !audience || !topics || !covered(parent.capabilities(), capability, receiver.rules()) {
                return false;
            }
        }
    }
    signed(receiver, token)
}

/// The three acceptance routes of section 2.6.
fn trusted(receiver: &CapabilityContext, token: &Token, now: Timestamp) -> bool {
    issued_a_link(token, receiver.did())
        || receiver.roots().iter().any(|root| issued_a_link(token, root))
        || receiver
            .require_anchors()
            .tokens()
            .iter()
            .any(|side_chain| !over(side_chain, now) && accepts(side_chain, token, receiver.rules()))
}

/// `AllowAction`.
fn accepts(side_chain: &Token, token: &Token, rules: Rules) -> bool {
    let links = std::iter::successors(Some(token), |link| link.chain().map(std::convert::AsRef::as_ref));
    let from_subject = |(_, link): &(usize, &Token)| same(link.issuer(), side_chain.subject());
    let Some((depth, _)) = links.enumerate().filter(from_subject).last() else {
        return false;
    };
    side_chain.action() == Action::Delegate
        && !over(side_chain, token.expire())
        && (side_chain.depth() == 0 || depth as u64 <= side_chain.depth())
        && (side_chain.audience().is_empty() || same(side_chain.audience(), token.audience()))
        && token.capabilities().iter().all(|capability| covered(side_chain.capabilities(), capability, rules))
        && token.topics().iter().all(|topic| covered(side_chain.topics(), topic, rules))
}

/// `AllowInvocation` and `AllowBroadcast`.
fn grants(
    receiver: &CapabilityContext,
    token: &Token,
    question: &Question<'_>,
    capability: &Capability,
) -> bool {
    let rules = receiver.rules();
    if !same(token.subject(), question.subject) || !covered(token.capabilities(), capability, rules) {
        return false;
    }
    match question.topic {
        None => {
            token.action() == Action::Invoke
                && (token.audience().is_empty() || same(token.audience(), question.audience))
        }
        Some(topic) => {
            token.action() == Action::Broadcast
                && token.audience().is_empty()
                && covered(token.topics(), topic, rules)
        }
    }
}

fn covered(held: &[Capability], wanted: &Capability, rules: Rules) -> bool {
    held.iter().map(Capability::as_str).any(|held| {
        let wanted = wanted.as_str();
        let below = || wanted.strip_prefix(held).is_some_and(|rest| rest.starts_with('/'));
        let implied = held == wanted || held == "/" || below();
        implied && (rules.empty_implies_absolute || !held.is_empty())
    })
}

fn over(token: &Token, at: Timestamp) -> bool {
    at > token.expire() || token.chain().is_some_and(|parent| over(parent, at))
}

fn issued_a_link(token: &Token, did: &Did) -> bool {
    same(token.issuer(), did) || token.chain().is_some_and(|parent| issued_a_link(parent, did))
}

/// Whether two DIDs have the same text, which is what comparing them says.
fn same(one: &Did, other: &Did) -> bool {
    one == other
}

fn signed(receiver: &CapabilityContext, token: &Token) -> bool {
    let document = || receiver.trust().resolver()?.resolve(token.issuer())?.authentication_key();
    let public = token.issuer().public_key().ok().or_else(document);
    match (public, token.signature()) {
        (Some(public), Some(signature)) => key::verify(receiver.trust().mode(), &public, token, signature),
        _ => false,
    }
}
