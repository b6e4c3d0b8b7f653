//! Accepting tokens: consuming those of a message and requiring authority from them (spec section 2.6).

use std::sync::Arc;

use smallvec::SmallVec;

use super::context::CapabilityContext;
use super::path::Capability;
use super::predicates::SideChainFault;
use super::refusal::{Refusal, Verdict, Why};
use super::token::{Action, Token, TokenList};
use super::verify::{CapabilityError, verify};
use crate::dms::identity::{Did, PublicKey};
use crate::kernel::Timestamp;

/// What became of the tokens of a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Consumption {
    /// How many were kept.
    pub kept: u16,
    /// Why the others were not. DMS drops them silently.
    pub refused: SmallVec<[Verdict; 3]>,
}

/// Why a token was trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Route {
    /// This peer issued a link of the chain itself.
    Own,
    /// A root did.
    Root,
    /// A side chain (*require* token) accepts it.
    SideChain,
}

/// The authority that was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Authorised {
    /// Which of the three routes accepted the token.
    pub route: Route,
    /// The token's place among the subject's consumed tokens.
    pub token: u16,
    /// The place of the capability among those of which one was required.
    pub capability: u16,
}

/// What is required of the tokens of an actor.
#[derive(Clone, Copy, Debug)]
pub struct Requirement<'a> {
    /// The DID at which tokens count as own: the receiver's.
    pub anchor: &'a Did,
    /// The key of the sending actor.
    pub subject: PublicKey,
    /// Whom the message is for.
    pub reach: Reach<'a>,
    /// Any of these suffices.
    pub capabilities: &'a [Capability],
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug)]
pub enum Reach<'a> {
    /// The actor with this key, on which a behaviour is invoked.
    Actor(PublicKey),
    /// Everyone who listens to this topic.
    Topic(&'a Capability),
}

impl CapabilityContext {
    /// Takes up the tokens of a message from `origin` that concern this peer and verify; see [`Consumption`]
    /// for the rest. Keeping none is no error.
    ///
    /// # Errors
    /// [`CapabilityError::BlobTooBig`].
    pub fn consume(
        &mut self,
        origin: &Did,
        tokens: &TokenList,
        now: Timestamp,
    ) -> Result<Consumption, CapabilityError> {
        if tokens.json_len() > TokenList::MAX_BYTES {
            return Err(CapabilityError::BlobTooBig);
        }
        Ok(self.take_up(origin, tokens, now))
    }

    /// As [`CapabilityContext::consume`], from the serialised form.
    ///
    /// # Errors
    /// [`CapabilityError::BlobTooBig`] before anything is parsed, [`CapabilityError::Unmarshal`].
    pub fn consume_blob(
        &mut self,
        origin: &Did,
        blob: &[u8],
        now: Timestamp,
    ) -> Result<Consumption, CapabilityError> {
        if blob.len() > TokenList::MAX_BYTES {
            return Err(CapabilityError::BlobTooBig);
        }
        let tokens = TokenList::from_json(blob)?;
        // What counted is the size of the blob; written anew the list may be longer (escapes).
        Ok(self.take_up(origin, &tokens, now))
    }

    fn take_up(&mut self, origin: &Did, tokens: &TokenList, now: Timestamp) -> Consumption {
        let mut consumption = Consumption::default();
        for (token, place) in tokens.iter().zip(0..) {
            match self.consider(origin, token, now) {
                Ok(()) => {
                    self.consumed.push(Arc::clone(token));
                    consumption.kept += 1;
                }
                Err(why) => consumption.refused.push(Verdict { token: place, why }),
            }
        }
        consumption
    }

    fn consider(&self, origin: &Did, token: &Token, now: Timestamp) -> Result<(), Why> {
        if !token.is_anchored_at(origin) {
            self.trusted(&self.did, token, now)?;
        }
        verify(token, &self.trust, now, &self.revoked, self.rules).map_err(Why::Link)
    }

    /// The route by which `token` is trusted: anchored at `anchor`, at a root, or accepted by a side chain.
    fn trusted(&self, anchor: &Did, token: &Token, now: Timestamp) -> Result<Route, Why> {
        if token.is_anchored_at(anchor) {
            return Ok(Route::Own);
        }
        if self.roots.iter().any(|root| token.is_anchored_at(root)) {
            return Ok(Route::Root);
        }
        let mut nearest = None;
        for side_chain in self.require.tokens() {
            match side_chain.side_chain_fault(token, self.rules) {
                None if side_chain.expires_before(now) => nearest = nearest.max(Some(SideChainFault::Expiry)),
                None => return Ok(Route::SideChain),
                Some(SideChainFault::Subject) => {}
                // The later a test failed, the nearer the side chain came.
                fault => nearest = nearest.max(fault),
            }
        }
        Err(nearest.map_or(Why::Untrusted, Why::SideChain))
    }

    /// Finds, among the consumed tokens of the subject, one that allows what is wanted and that is trusted by way of
    /// the own DID, a root or a side chain.
    ///
    /// # Errors
    /// A [`Refusal`] with a verdict on each token; it reads "not authorized", or "no capabilities: not
    /// authorized" when none was asked for.
    pub fn require(&self, wanted: &Requirement<'_>, now: Timestamp) -> Result<Authorised, Refusal> {
        if wanted.capabilities.is_empty() {
            return Err(Refusal { no_capabilities: true, ..Refusal::default() });
        }
        let mut refusal = Refusal::default();
        for (token, place) in self.shown_by(wanted.subject).zip(0..) {
            let found = self.allowance(token, wanted, now).and_then(|capability| {
                let route = self.trusted(wanted.anchor, token, now)?;
                Ok(Authorised { route, token: place, capability })
            });
            match found {
                Ok(authorised) => return Ok(authorised),
                Err(why) => refusal.verdicts.push(Verdict { token: place, why }),
            }
        }
        Err(refusal)
    }

    /// The consumed tokens of an actor, in the order in which they came.
    pub(super) fn shown_by(&self, subject: PublicKey) -> impl Iterator<Item = &Token> {
        let subject = Did::Key(subject);
        self.consumed.iter().map(|token| &**token).filter(move |token| *token.subject() == subject)
    }

    /// Who vouches for an actor: those with whom the chains of the tokens begin that it has shown.
    pub fn sponsors(&self, subject: PublicKey) -> impl Iterator<Item = &Did> {
        self.shown_by(subject).map(|token| token.links().last().map_or(token.issuer(), Token::issuer))
    }

    /// What the token itself allows, whoever trusts it: the place of the first capability that it gives, or the first
    /// check that it fails. A token with an audience never allows a broadcast.
    pub(super) fn allowance(
        &self,
        token: &Token,
        wanted: &Requirement<'_>,
        now: Timestamp,
    ) -> Result<u16, Why> {
        if token.expires_before(now) {
            return Err(Why::Expired);
        }
        let (action, audience) = match wanted.reach {
            Reach::Actor(key) => (Action::Invoke, Did::Key(key)),
            Reach::Topic(_) => (Action::Broadcast, Did::Empty),
        };
        if token.action() != action {
            return Err(Why::Action);
        }
        if !token.reaches(&audience) {
            return Err(Why::Audience);
        }
        if let Reach::Topic(topic) = wanted.reach
            && !Capability::any_implies(token.topics(), topic, self.rules)
        {
            return Err(Why::Topic);
        }
        let implied = |wanted| Capability::any_implies(token.capabilities(), wanted, self.rules);
        wanted.capabilities.iter().position(implied).map(|place| place as u16).ok_or(Why::Capability)
    }

    /// The consumed token of `subject` that gave an authority, as long as none was discarded since.
    ///
    /// # Panics
    /// If it has been.
    #[must_use]
    pub fn authority(&self, subject: PublicKey, authorised: Authorised) -> &Token {
        let place = usize::from(authorised.token);
        self.shown_by(subject).nth(place).expect("the token was found among these")
    }
}
