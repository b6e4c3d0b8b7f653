//! What anchoring does to each token, and which ones it costs.

use std::sync::Arc;

use super::super::context::{Anchors, CapabilityContext};
use super::super::token::{Action, Token};
use super::super::verify::{CapabilityError, verify_chain};
use super::LinkAccount;
use crate::kernel::Timestamp;

/// Where a token is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Revocations.
    Revoke,
    /// Side chains to accept.
    Require,
    /// Authority held.
    Provide,
    /// Tokens of the messages being handled.
    Consumed,
}

impl Slot {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Require => "require",
            Self::Provide => "provide",
            Self::Consumed => "consumed",
        }
    }
}

/// What became of a token that was to be anchored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is kept; these were dropped because it subsumes them.
    Kept(Vec<Arc<Token>>),
    /// This one subsumes it, so it was ignored.
    Subsumed(Arc<Token>),
    /// It was refused, and what follows was not tried.
    Refused(CapabilityError),
    /// It was fine, and was not kept because a later one was refused.
    Undone,
}

/// A token that was to be anchored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnchorAccount {
    /// Where to.
    pub slot: Slot,
    /// Its chain.
    pub links: Vec<LinkAccount>,
    /// What became of it.
    pub fate: Fate,
}

/// The account of [`CapabilityContext::add_roots`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchoring {
    /// The tokens in the order in which they were tried.
    pub tokens: Vec<AnchorAccount>,
    /// Tokens that were held and do not verify any more, with the reason in their links.
    pub dropped: Vec<(Slot, Vec<LinkAccount>)>,
    /// The result.
    pub result: Result<(), CapabilityError>,
}

impl CapabilityContext {
    /// The account of [`CapabilityContext::add_roots`] at `now`; nothing is anchored.
    #[must_use]
    pub fn explain_anchoring(&self, anchors: &Anchors<'_>, now: Timestamp) -> Anchoring {
        let mut copy = self.clone();
        let mut tokens = Vec::new();
        let slots = [
            (Slot::Revoke, anchors.revoke),
            (Slot::Require, anchors.require),
            (Slot::Provide, anchors.provide),
        ];
        for (slot, token) in
            slots.into_iter().flat_map(|(slot, list)| list.iter().map(move |one| (slot, one)))
        {
            let (links, fate) = copy.try_anchor(slot, token, now);
            let refused = matches!(fate, Fate::Refused(_));
            tokens.push(AnchorAccount { slot, links, fate });
            if refused {
                break;
            }
        }
        let failure = tokens.last().and_then(|last| match &last.fate {
            Fate::Refused(error) => Some(error.clone()),
            _ => None,
        });
        let Some(error) = failure else {
            return Anchoring { tokens, dropped: copy.no_longer_verified(now), result: Ok(()) };
        };
        if !self.rules.partial_anchoring {
            let fine = tokens.iter_mut().filter(|account| matches!(account.fate, Fate::Kept(_)));
            fine.for_each(|account| account.fate = Fate::Undone);
        }
        Anchoring { tokens, dropped: Vec::new(), result: Err(error) }
    }

    fn try_anchor(&mut self, slot: Slot, token: &Token, now: Timestamp) -> (Vec<LinkAccount>, Fate) {
        let verified = verify_chain(token, &self.trust, now, &self.revoked, self.rules);
        if slot == Slot::Revoke && token.action() != Action::Revoke {
            return (self.chain(token, None), Fate::Refused(CapabilityError::NotARevocation));
        }
        let links = self.chain(token, verified.err());
        if let Err(error) = verified {
            return (links, Fate::Refused(CapabilityError::VerifyToken(error)));
        }
        let token = Arc::new(token.clone());
        let rules = self.rules;
        let store = match slot {
            Slot::Require => &mut self.require,
            Slot::Provide => &mut self.provide,
            Slot::Revoke | Slot::Consumed => {
                Arc::make_mut(&mut self.revoked).insert(token);
                return (links, Fate::Kept(Vec::new()));
            }
        };
        if let Some(held) = store.tokens().iter().find(|held| held.subsumes(&token, rules)) {
            return (links, Fate::Subsumed(Arc::clone(held)));
        }
        let displaced = store.tokens().iter().filter(|held| token.subsumes(held, rules)).cloned().collect();
        store.anchor(token, rules);
        (links, Fate::Kept(displaced))
    }

    /// What the last step of anchoring drops.
    fn no_longer_verified(&self, now: Timestamp) -> Vec<(Slot, Vec<LinkAccount>)> {
        let require = self.require.tokens().iter().map(|token| (Slot::Require, &**token));
        let provide = self.provide.tokens().iter().map(|token| (Slot::Provide, &**token));
        let consumed = self.consumed.iter().map(|token| (Slot::Consumed, &**token));
        let failing = |(slot, token): (Slot, &Token)| {
            let error = verify_chain(token, &self.trust, now, &self.revoked, self.rules).err()?;
            Some((slot, self.chain(token, Some(error))))
        };
        require.chain(provide).chain(consumed).filter_map(failing).collect()
    }
}
