//! An independent authoriser, slow and plain: the oracle of the tests and of the attack checks.
//!
//! It follows the sentences of the spec one by one, compares texts and shares no decision with the rest of the room:
//! only the data of tokens and the check of one signature. All that it remembers are links that it has found signed and
//! rightly placed below their parents.

use std::sync::Arc;

use rustc_hash::FxHashMap;

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

/// The links that many messages have in common, those above their own and those of broadcasts, which were found signed
/// in one mode of signatures and, by these rules, rightly placed below their parents, with the fingerprints of the
/// whole links. A token never changes, and what is kept here keeps its place, by which it is found.
#[derive(Debug, Default)]
pub struct FoundSigned(FxHashMap<usize, Found>);

#[derive(Debug)]
struct Found {
    link: Arc<Token>,
    rules: Rules,
    whole: u128,
}

impl FoundSigned {
    /// Links that are kept.
    const MOST: usize = 100_000;

    fn get(&self, link: &Arc<Token>, rules: Rules) -> Option<u128> {
        let found = self.0.get(&Arc::as_ptr(link).addr())?;
        debug_assert!(Arc::ptr_eq(&found.link, link), "a link that is kept keeps its place");
        (found.rules == rules).then_some(found.whole)
    }

    fn keep(&mut self, link: &Arc<Token>, rules: Rules, whole: u128) {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(Arc::as_ptr(link).addr(), Found { link: Arc::clone(link), rules, whole });
    }
}

/// True when the tokens of the message, with those that `receiver` consumed before, authorise it.
#[must_use]
pub fn authorises(
    receiver: &CapabilityContext,
    tokens: &[Arc<Token>],
    question: &Question<'_>,
    known: &mut FoundSigned,
) -> bool {
    let is_shared = question.topic.is_some();
    // Most tokens are those of others, which their subject tells.
    let fits = |token: &Token| {
        question.capabilities.iter().any(|capability| grants(receiver, token, question, capability))
            && !over(token, question.now)
            && trusted(receiver, token, question.now)
    };
    receiver.consumed().iter().any(|token| fits(token))
        || tokens.iter().any(|token| {
            fits(token) && verified(receiver, token, question.now, (0, is_shared), known).is_some()
        })
}

/// Section 2.4: the fingerprint of the whole link where nothing is wrong with it. What signatures cover is found anew
/// from what the link and its parents say, so that nothing remembered inside them counts. `counter` is how many links
/// above the one that was asked about it stands, `is_shared` whether other messages bring it too.
fn verified(
    receiver: &CapabilityContext,
    token: &Arc<Token>,
    now: Timestamp,
    (counter, is_shared): (u64, bool),
    known: &mut FoundSigned,
) -> Option<u128> {
    if over(token, now) {
        return None;
    }
    if token.action() == Action::Revoke {
        return signed(receiver, token, token.chain().map(|parent| whole_of(parent)));
    }
    if token.depth() > 0 && counter > token.depth() {
        return None;
    }
    let revoked = receiver.revocations().iter().any(|revocation| {
        same(revocation.issuer(), token.issuer())
            && same(revocation.subject(), token.subject())
            && revocation.nonce() == token.nonce()
    });
    if revoked {
        return None;
    }
    // A key in the DID is always the same; a document may name another by and by.
    let is_to_know = is_shared && token.issuer().public_key().is_ok();
    let found = if is_to_know { known.get(token, receiver.rules()) } else { None };
    let above = match token.chain() {
        None => None,
        Some(parent) if found.is_none() && !continues(parent, token, receiver.rules()) => return None,
        Some(parent) => Some(verified(receiver, parent, now, (counter + 1, true), known)?),
    };
    if found.is_some() {
        return found;
    }
    let whole = signed(receiver, token, above)?;
    if is_to_know {
        known.keep(token, receiver.rules(), whole);
    }
    Some(whole)
}

/// Whether a link may stand below its parent.
fn continues(parent: &Token, token: &Token, rules: Rules) -> bool {
    let audience = parent.audience().is_empty() || same(parent.audience(), token.audience());
    let topics = token.topics().iter().all(|topic| covered(parent.topics(), topic, rules));
    parent.action() == Action::Delegate
        && !over(parent, token.expire())
        && same(token.issuer(), parent.subject())
        && (token.capabilities().is_empty() || audience && topics)
        && token.capabilities().iter().all(|capability| covered(parent.capabilities(), capability, rules))
}

/// The fingerprint of the whole link, whatever is wrong with it.
fn whole_of(token: &Token) -> u128 {
    token.to_sign_below(token.chain().map(|parent| whole_of(parent))).whole()
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
        let rest = wanted.as_str().strip_prefix(held);
        let implied = held == "/" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
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

/// The fingerprint of the whole link, below a parent of that one, where its issuer has signed it.
fn signed(receiver: &CapabilityContext, token: &Token, parent: Option<u128>) -> Option<u128> {
    let document = || receiver.trust().resolver()?.resolve(token.issuer())?.authentication_key();
    let public = token.issuer().public_key().ok().or_else(document)?;
    let content = token.to_sign_below(parent);
    key::verify(receiver.trust().mode(), &public, &content, token.signature()?).then(|| content.whole())
}
