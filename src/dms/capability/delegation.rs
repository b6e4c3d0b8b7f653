//! Making tokens: grants, delegations and what a message carries (spec section 2.6).

use std::sync::Arc;

use super::context::CapabilityContext;
use super::path::Capability;
use super::predicates::ChildLink;
use super::token::{Action, Claims, Nonce, Token, TokenList, list_of};
use super::verify::CapabilityError;
use crate::dms::identity::{Did, PublicKey};
use crate::kernel::Timestamp;

/// Where the nonces of new tokens come from: twelve random bytes a call.
pub type NonceSource<'a> = dyn FnMut() -> Nonce + 'a;

/// Whether a token signed by the context alone, without a parent, is added.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SelfSign {
    /// Chained tokens only; none at all is an error.
    No,
    /// Chained tokens and a self-signed one.
    Also,
    /// The self-signed one only.
    Only,
}

/// What a new token is to say; the issuer is the context that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Delegation<'a> {
    /// Who receives or acts.
    pub subject: &'a Did,
    /// On whom it may be used; empty = any.
    pub audience: &'a Did,
    /// Topics of broadcasts.
    pub topics: &'a [Capability],
    /// When it expires; zero means "with its parent" in [`CapabilityContext::delegate`] and nowhere else.
    pub expire: Timestamp,
    /// How many links may stand below it; 0 = unlimited.
    pub depth: u64,
    /// What may be done. All or nothing for each parent.
    pub capabilities: &'a [Capability],
}

/// What a message needs tokens for.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The DID of the receiver.
    pub target: &'a Did,
    /// The key of the sending actor.
    pub sender: PublicKey,
    /// The key of the receiving actor.
    pub receiver: PublicKey,
    /// When the message expires.
    pub expire: Timestamp,
    /// What the sender wants to invoke; never empty.
    pub invoke: &'a [Capability],
    /// What the receiver may invoke in its reply.
    pub delegate: &'a [Capability],
}

/// What a broadcast needs tokens for.
#[derive(Clone, Copy, Debug)]
pub struct Broadcast<'a> {
    /// The key of the sending actor.
    pub sender: PublicKey,
    /// The topic that it is published on.
    pub topic: &'a Capability,
    /// When the message expires.
    pub expire: Timestamp,
    /// What the sender wants to invoke; never empty.
    pub capabilities: &'a [Capability],
}

impl CapabilityContext {
    /// One token without a parent, signed by this context. Needs no authority.
    #[must_use]
    pub fn grant(&self, action: Action, grant: &Delegation<'_>, nonce: Nonce) -> Token {
        self.link(action, grant, None, nonce)
    }

    /// Appends to `out` one *delegate* token below each *provide* token that allows all capabilities and
    /// leaves room for a further link; then, by `self_sign`, one without a parent. No capabilities give no
    /// tokens.
    ///
    /// # Errors
    /// [`CapabilityError::NotAuthorized`] under [`SelfSign::No`] when no parent allows it.
    pub fn delegate(
        &self,
        delegation: &Delegation<'_>,
        self_sign: SelfSign,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        self.delegate_action(Action::Delegate, None, delegation, self_sign, now, nonces, out)
    }

    /// Appends *invoke* tokens for `delegation.subject` on `delegation.audience`: below consumed tokens that
    /// were given to this context and are anchored at `target` (so that replies have authority; in every
    /// mode), below *provide* tokens, and self-signed. Topics and depth are not used.
    ///
    /// # Errors
    /// [`CapabilityError::NotAuthorized`] under [`SelfSign::No`] when no parent allows it.
    pub fn delegate_invocation(
        &self,
        target: &Did,
        delegation: &Delegation<'_>,
        self_sign: SelfSign,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        let delegation = Delegation { topics: &[], depth: 0, ..*delegation };
        self.delegate_action(Action::Invoke, Some(target), &delegation, self_sign, now, nonces, out)
    }

    /// Appends *broadcast* tokens on the topics of `delegation`, below *provide* tokens and self-signed.
    /// Audience and depth are not used: a broadcast has no audience.
    ///
    /// # Errors
    /// [`CapabilityError::NotAuthorized`] under [`SelfSign::No`] when no parent allows it.
    pub fn delegate_broadcast(
        &self,
        delegation: &Delegation<'_>,
        self_sign: SelfSign,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        let delegation = Delegation { audience: &Did::Empty, depth: 0, ..*delegation };
        self.delegate_action(Action::Broadcast, None, &delegation, self_sign, now, nonces, out)
    }

    /// Appends the tokens that a message carries: [`CapabilityContext::delegate_invocation`] with a
    /// self-signed one, and, when something is to be delegated, a self-signed delegation of depth 1 to the
    /// receiver for its reply. For want of authority it never fails: only the receiver decides.
    ///
    /// # Errors
    /// [`CapabilityError::NoCapabilities`], [`CapabilityError::NoInvocationCapabilities`].
    pub fn provide(
        &self,
        invocation: &Invocation<'_>,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        if invocation.invoke.is_empty() {
            return Err(if invocation.delegate.is_empty() {
                CapabilityError::NoCapabilities
            } else {
                CapabilityError::NoInvocationCapabilities
            });
        }
        let (sender, receiver) = (Did::Key(invocation.sender), Did::Key(invocation.receiver));
        let call = Delegation {
            subject: &sender,
            audience: &receiver,
            topics: &[],
            expire: invocation.expire,
            depth: 0,
            capabilities: invocation.invoke,
        };
        self.delegate_invocation(invocation.target, &call, SelfSign::Also, now, nonces, out)?;
        let reply = Delegation {
            subject: invocation.target,
            audience: &sender,
            depth: 1,
            capabilities: invocation.delegate,
            ..call
        };
        self.delegate(&reply, SelfSign::Only, now, nonces, out)
    }

    /// Appends the tokens that a broadcast carries: chained and self-signed.
    ///
    /// # Errors
    /// [`CapabilityError::NoCapabilities`].
    pub fn provide_broadcast(
        &self,
        broadcast: &Broadcast<'_>,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        if broadcast.capabilities.is_empty() {
            return Err(CapabilityError::NoCapabilities);
        }
        let delegation = Delegation {
            subject: &Did::Key(broadcast.sender),
            audience: &Did::Empty,
            topics: std::slice::from_ref(broadcast.topic),
            expire: broadcast.expire,
            depth: 0,
            capabilities: broadcast.capabilities,
        };
        self.delegate_broadcast(&delegation, SelfSign::Also, now, nonces, out)
    }

    /// The common course of the three delegations. `reply_to` names the anchor of consumed tokens to chain
    /// on.
    #[allow(clippy::too_many_arguments, reason = "private; the public operations have one less")]
    fn delegate_action(
        &self,
        action: Action,
        reply_to: Option<&Did>,
        delegation: &Delegation<'_>,
        self_sign: SelfSign,
        now: Timestamp,
        nonces: &mut NonceSource<'_>,
        out: &mut TokenList,
    ) -> Result<(), CapabilityError> {
        if delegation.capabilities.is_empty() {
            return Ok(());
        }
        let before = out.len();
        let for_reply = |parent: &&Arc<Token>| {
            let anchored = |target| *parent.subject() == self.did && parent.is_anchored_at(target);
            reply_to.is_some_and(anchored)
        };
        let consumed = self.consumed.iter().filter(for_reply);
        let provided = self.provide.tokens().iter().filter(|_| self_sign != SelfSign::Only);
        for parent in consumed.chain(provided) {
            let expire = match delegation.expire {
                Timestamp::ZERO if action == Action::Delegate => parent.expire(),
                expire => expire,
            };
            let delegation = Delegation { expire, ..*delegation };
            if self.may_chain(action, parent, &delegation, now) {
                out.push(self.link(action, &delegation, Some(Arc::clone(parent)), nonces()));
            }
        }
        if self_sign != SelfSign::No {
            out.push(self.grant(action, delegation, nonces()));
        } else if out.len() == before {
            return Err(CapabilityError::NotAuthorized);
        }
        Ok(())
    }

    /// True when `parent` is alive and allows all that is asked for; one that allows a part is passed over,
    /// since a child with everything would widen it.
    fn may_chain(&self, action: Action, parent: &Token, delegation: &Delegation<'_>, now: Timestamp) -> bool {
        let child = ChildLink {
            action,
            issuer: &self.did,
            audience: delegation.audience,
            topics: delegation.topics,
            expire: delegation.expire,
        };
        !parent.expires_before(now)
            && delegation
                .capabilities
                .iter()
                .all(|capability| parent.allows_delegation(&child, capability, self.rules))
    }

    fn link(
        &self,
        action: Action,
        delegation: &Delegation<'_>,
        chain: Option<Arc<Token>>,
        nonce: Nonce,
    ) -> Token {
        let claims = Claims {
            action,
            issuer: self.did.clone(),
            subject: delegation.subject.clone(),
            audience: delegation.audience.clone(),
            topics: list_of(delegation.topics),
            capabilities: list_of(delegation.capabilities),
            nonce,
            expire: delegation.expire,
            depth: delegation.depth,
        };
        Token::sign(claims, chain, &self.secret)
    }
}
