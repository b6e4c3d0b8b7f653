//! Accepting tokens: consuming those of a message and requiring authority from them (spec section 2.6).

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
        let mut consumption = Consumption::default();
        for (token, place) in tokens.iter().zip(0..) {
            match self.consider(origin, token, now) {
                Ok(()) => {
                    self.consumed.push(token);
                    consumption.kept += 1;
                }
                Err(why) => consumption.refused.push(Verdict { token: place, why }),
            }
        }
        Ok(consumption)
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
        let mut consumption = Consumption::default();
        // What counted is the size of the blob; written anew the list may be longer (escapes).
        for (token, place) in tokens.iter().zip(0..) {
            match self.consider(origin, token, now) {
                Ok(()) => {
                    self.consumed.push(token);
                    consumption.kept += 1;
                }
                Err(why) => consumption.refused.push(Verdict { token: place, why }),
            }
        }
        Ok(consumption)
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

    /// Finds, among the consumed tokens of the actor `subject`, one that lets it invoke any of `capabilities`
    /// on the actor `audience` and that is trusted by way of `anchor` (callers pass the own DID), a root or a
    /// side chain.
    ///
    /// # Errors
    /// A [`Refusal`] with a verdict on each token; it reads "not authorized", or "no capabilities: not
    /// authorized" when none was asked for.
    pub fn require(
        &self,
        anchor: &Did,
        subject: PublicKey,
        audience: PublicKey,
        capabilities: &[Capability],
        now: Timestamp,
    ) -> Result<Authorised, Refusal> {
        let (subject, audience) = (Did::Key(subject), Did::Key(audience));
        self.require_any(anchor, &subject, capabilities, now, |token| {
            if token.action() != Action::Invoke {
                return Err(Why::Action);
            }
            if !token.audience().is_empty() && *token.audience() != audience {
                return Err(Why::Audience);
            }
            let allowed = |c| token.allows_invocation(&subject, &audience, c, self.rules);
            capabilities.iter().position(allowed).ok_or(Why::Capability)
        })
    }

    /// As [`CapabilityContext::require`] for a broadcast of the actor `subject` on `topic`.
    ///
    /// # Errors
    /// As there. A token with an audience never allows a broadcast.
    pub fn require_broadcast(
        &self,
        anchor: &Did,
        subject: PublicKey,
        topic: &Capability,
        capabilities: &[Capability],
        now: Timestamp,
    ) -> Result<Authorised, Refusal> {
        let subject = Did::Key(subject);
        self.require_any(anchor, &subject, capabilities, now, |token| {
            if token.action() != Action::Broadcast {
                return Err(Why::Action);
            }
            if !token.audience().is_empty() {
                return Err(Why::Audience);
            }
            if !Capability::any_implies(token.topics(), topic, self.rules) {
                return Err(Why::Topic);
            }
            let allowed = |c| token.allows_broadcast(&subject, topic, c, self.rules);
            capabilities.iter().position(allowed).ok_or(Why::Capability)
        })
    }

    /// The consumed token of `subject` that gave an authority, as long as none was discarded since.
    ///
    /// # Panics
    /// If it has been.
    #[must_use]
    pub fn authority(&self, subject: &Did, authorised: Authorised) -> &Token {
        let mut own = self.consumed.tokens().iter().filter(|token| token.subject() == subject);
        own.nth(usize::from(authorised.token)).expect("the token was found among these")
    }

    /// The common course: `allows` gives the place of the first capability that a token allows.
    fn require_any(
        &self,
        anchor: &Did,
        subject: &Did,
        capabilities: &[Capability],
        now: Timestamp,
        allows: impl Fn(&Token) -> Result<usize, Why>,
    ) -> Result<Authorised, Refusal> {
        if capabilities.is_empty() {
            return Err(Refusal { no_capabilities: true, ..Refusal::default() });
        }
        let mut refusal = Refusal::default();
        let shown = self.consumed.tokens().iter().filter(|token| token.subject() == subject);
        for (token, place) in shown.zip(0..) {
            let alive = if token.expires_before(now) { Err(Why::Expired) } else { Ok(()) };
            let found = alive.and_then(|()| {
                let capability = allows(token)? as u16;
                let route = self.trusted(anchor, token, now)?;
                Ok(Authorised { route, token: place, capability })
            });
            match found {
                Ok(authorised) => return Ok(authorised),
                Err(why) => refusal.verdicts.push(Verdict { token: place, why }),
            }
        }
        Err(refusal)
    }
}
