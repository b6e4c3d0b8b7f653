//! The capability context of a DID: roots, anchored tokens, consumed tokens and revocations, and how they are
//! kept (spec section 2.6). Making tokens is in [`super::delegation`], accepting them in
//! [`super::authorisation`].

use std::borrow::Cow;
use std::sync::Arc;

use super::rules::Rules;
use super::store::{AnchorStore, RevocationKey, RevocationSet};
use super::token::{Action, Claims, Nonce, Token, TokenList};
use super::verify::{CapabilityError, verify};
use crate::dms::identity::{Did, SecretKey, TrustContext};
use crate::kernel::Timestamp;

/// What a DID trusts, may do, was shown and knows to be revoked.
#[derive(Clone, Debug)]
pub struct CapabilityContext {
    name: Cow<'static, str>,
    pub(super) did: Did,
    pub(super) secret: SecretKey,
    pub(super) trust: TrustContext,
    pub(super) rules: Rules,
    /// DIDs trusted absolutely.
    pub(super) roots: Vec<Did>,
    /// Side chains: whom this context accepts, for what.
    pub(super) require: AnchorStore,
    /// Authority that this context holds and may pass on or use.
    pub(super) provide: AnchorStore,
    /// Tokens of the messages being handled.
    pub(super) consumed: Vec<Arc<Token>>,
    /// Shared by peers that know the same (see [`CapabilityContext::share_revocations`]).
    pub(super) revoked: Arc<RevocationSet>,
}

/// What [`CapabilityContext::add_roots`] takes up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anchors<'a> {
    /// DIDs to trust absolutely.
    pub roots: &'a [Did],
    /// Side chains to accept.
    pub require: &'a [Arc<Token>],
    /// Authority to hold.
    pub provide: &'a [Arc<Token>],
    /// Revocations.
    pub revoke: &'a [Arc<Token>],
}

/// What [`CapabilityContext::remove_roots`] drops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Removals<'a> {
    /// By DID.
    pub roots: &'a [Did],
    /// By issuer and nonce.
    pub require: &'a [Arc<Token>],
    /// By issuer and nonce.
    pub provide: &'a [Arc<Token>],
    /// By key.
    pub revoke: &'a [RevocationKey],
}

/// What [`CapabilityContext::list_roots`] shows: everything that is not expired.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListedRoots {
    /// DIDs trusted absolutely.
    pub roots: Vec<Did>,
    /// Side chains.
    pub require: Vec<Arc<Token>>,
    /// Authority held.
    pub provide: Vec<Arc<Token>>,
    /// Revocations.
    pub revoke: Vec<Arc<Token>>,
}

impl CapabilityContext {
    /// The usual name of a node's context.
    pub const NODE: &'static str = "dms";
    /// The usual name of an operator's context.
    pub const USER: &'static str = "user";

    /// An empty context of the did:key of `secret`, which signs for it; signatures are checked in the mode of
    /// the key.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, secret: SecretKey, rules: Rules) -> Self {
        Self::for_did(name, Did::Key(secret.public()), secret, rules)
    }
    /// As [`CapabilityContext::new`], of a DID whose document names the key of `secret`.
    #[must_use]
    pub fn for_did(name: impl Into<Cow<'static, str>>, did: Did, secret: SecretKey, rules: Rules) -> Self {
        Self {
            name: name.into(),
            trust: TrustContext::with_provider(did.clone(), secret.clone()),
            did,
            secret,
            rules,
            roots: Vec::new(),
            require: AnchorStore::default(),
            provide: AnchorStore::default(),
            consumed: Vec::new(),
            revoked: Arc::default(),
        }
    }
    /// The name of the context (`dms`, `user`, an organization's).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Whose context this is.
    #[must_use]
    pub const fn did(&self) -> &Did {
        &self.did
    }
    /// The key that signs for this context.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
    /// Who verifies and signs.
    #[must_use]
    pub const fn trust(&self) -> &TrustContext {
        &self.trust
    }
    /// To add anchors that a resolver found, or further signing keys.
    pub const fn trust_mut(&mut self) -> &mut TrustContext {
        &mut self.trust
    }
    /// Which weaknesses are present.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// Decides by other rules from now on. What is anchored stays.
    pub const fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }
    /// DIDs trusted absolutely, in the order in which they were added.
    #[must_use]
    pub fn roots(&self) -> &[Did] {
        &self.roots
    }
    /// The side chains, expired ones included.
    #[must_use]
    pub const fn require_anchors(&self) -> &AnchorStore {
        &self.require
    }
    /// The authority held, expired ones included.
    #[must_use]
    pub const fn provide_anchors(&self) -> &AnchorStore {
        &self.provide
    }
    /// The tokens consumed and not yet discarded, in order.
    #[must_use]
    pub fn consumed(&self) -> &[Arc<Token>] {
        &self.consumed
    }
    /// The revocations known.
    #[must_use]
    pub const fn revocations(&self) -> &Arc<RevocationSet> {
        &self.revoked
    }

    /// Keeps the revocations that it knows together with others that know the same, or takes up those that it knew
    /// before its state was put away.
    pub fn share_revocations(&mut self, known: Arc<RevocationSet>) {
        self.revoked = known;
    }

    /// Anchors roots, then revocations, then *require*, then *provide* tokens. Each token is verified with
    /// the revocations known by then and passes subsumption. At last all stored tokens are verified again and
    /// failing ones dropped: this is when a revocation takes effect on them. Whether a *provide* token names
    /// this context is not checked.
    ///
    /// # Errors
    /// [`CapabilityError::NotARevocation`] and [`CapabilityError::VerifyToken`], by the first token that
    /// fails. What came before it stays under [`Rules::partial_anchoring`]; otherwise nothing changes.
    pub fn add_roots(&mut self, anchors: &Anchors<'_>, now: Timestamp) -> Result<(), CapabilityError> {
        if !self.rules.partial_anchoring {
            self.check_anchors(anchors, now)?;
        }
        for root in anchors.roots {
            if !self.roots.contains(root) {
                self.roots.push(root.clone());
            }
        }
        for token in anchors.revoke {
            self.check_revocation(token, now)?;
            Arc::make_mut(&mut self.revoked).insert(Arc::clone(token));
        }
        for token in anchors.require {
            self.verify_anchor(token, now)?;
            self.require.anchor(Arc::clone(token), self.rules);
        }
        for token in anchors.provide {
            self.verify_anchor(token, now)?;
            self.provide.anchor(Arc::clone(token), self.rules);
        }
        self.verify_again(now);
        Ok(())
    }

    /// Finds the first failure of `add_roots` without changing anything.
    fn check_anchors(&self, anchors: &Anchors<'_>, now: Timestamp) -> Result<(), CapabilityError> {
        anchors.revoke.iter().try_for_each(|token| self.check_revocation(token, now))?;
        let mut revoked = Cow::Borrowed(&*self.revoked);
        let others = || anchors.require.iter().chain(anchors.provide);
        if others().next().is_some() {
            anchors.revoke.iter().for_each(|token| revoked.to_mut().insert(Arc::clone(token)));
        }
        others().try_for_each(|token| {
            verify(token, &self.trust, now, &revoked, self.rules).map_err(CapabilityError::VerifyToken)
        })
    }

    fn check_revocation(&self, token: &Token, now: Timestamp) -> Result<(), CapabilityError> {
        if token.action() != Action::Revoke {
            return Err(CapabilityError::NotARevocation);
        }
        self.verify_anchor(token, now)
    }

    fn verify_anchor(&self, token: &Token, now: Timestamp) -> Result<(), CapabilityError> {
        verify(token, &self.trust, now, &self.revoked, self.rules).map_err(CapabilityError::VerifyToken)
    }

    fn verify_again(&mut self, now: Timestamp) {
        let (trust, revoked, rules) = (&self.trust, &self.revoked, self.rules);
        let holds = |token: &Token| verify(token, trust, now, revoked, rules).is_ok();
        self.require.retain(holds);
        self.provide.retain(holds);
        self.consumed.retain(|token| holds(token));
    }

    /// Roots, side chains, authority and revocations that have not expired at `now`.
    #[must_use]
    pub fn list_roots(&self, now: Timestamp) -> ListedRoots {
        let alive = |token: &&Arc<Token>| !token.expires_before(now);
        ListedRoots {
            roots: self.roots.clone(),
            require: self.require.tokens().iter().filter(alive).cloned().collect(),
            provide: self.provide.tokens().iter().filter(alive).cloned().collect(),
            revoke: self.revoked.iter().filter(alive).cloned().collect(),
        }
    }

    /// The organizations that this context is part of: the distinct root issuers of what it holds under *provide*
    /// and that has not expired at `now`, without itself and its own roots (spec section 7).
    #[must_use]
    pub fn organizations(&self, now: Timestamp) -> Vec<Did> {
        let mut found = Vec::new();
        for token in self.provide.tokens().iter().filter(|token| !token.expires_before(now)) {
            let issuer = token.links().last().map_or(token.issuer(), Token::issuer);
            if *issuer != self.did && !self.roots.contains(issuer) && !found.contains(issuer) {
                found.push(issuer.clone());
            }
        }
        found
    }

    /// How many tokens are stored, and how many of them have expired at `now`: what [`CapabilityContext::gc`] would
    /// drop.
    #[must_use]
    pub fn stored(&self, now: Timestamp) -> (u64, u64) {
        let anchored = self.require.tokens().iter().chain(self.provide.tokens());
        let all = anchored.chain(&self.consumed);
        all.fold(self.revoked.stored(now), |(stored, expired), token| {
            (stored + 1, expired + u64::from(token.expires_before(now)))
        })
    }

    /// Drops roots by DID, tokens by issuer and nonce, revocations by key. What is not there is passed over.
    pub fn remove_roots(&mut self, removals: &Removals<'_>) {
        self.roots.retain(|root| !removals.roots.contains(root));
        for token in removals.require {
            self.require.remove(token.issuer(), token.nonce());
        }
        for token in removals.provide {
            self.provide.remove(token.issuer(), token.nonce());
        }
        for key in removals.revoke {
            Arc::make_mut(&mut self.revoked).remove(key);
        }
    }

    /// Removes consumed tokens with the subject, issuer and nonce of those in `tokens`: the end of a
    /// message's handling.
    pub fn discard(&mut self, tokens: &TokenList) {
        self.consumed.retain(|held| {
            !tokens.iter().any(|token| {
                held.nonce() == token.nonce()
                    && held.subject() == token.subject()
                    && held.issuer() == token.issuer()
            })
        });
    }

    /// The `revoke` token that withdraws `token`: same issuer, subject, nonce, expiry and capabilities,
    /// nothing else. It takes effect where it is anchored ([`Anchors::revoke`]).
    ///
    /// # Errors
    /// [`CapabilityError::NotAuthorized`] unless this context issued `token`.
    pub fn revoke(&self, token: &Token) -> Result<Token, CapabilityError> {
        if *token.issuer() != self.did {
            return Err(CapabilityError::NotAuthorized);
        }
        let nonce: Nonce = *token.nonce();
        let claims = Claims {
            action: Action::Revoke,
            issuer: self.did.clone(),
            subject: token.subject().clone(),
            audience: Did::Empty,
            topics: smallvec::SmallVec::new(),
            capabilities: token.claims().capabilities.clone(),
            nonce,
            expire: token.expire(),
            depth: 0,
        };
        Ok(Token::sign(claims, None, &self.secret))
    }

    /// Drops everything that expired before `now`. DMS as it was read never calls it; its reads pass expired
    /// tokens over.
    pub fn gc(&mut self, now: Timestamp) {
        self.gc_before(now, now);
    }

    /// The same for a node that goes on by a clock that may be ahead: revocations stay for [`RevocationSet::MARGIN`].
    pub fn collect(&mut self, now: Timestamp) {
        self.gc_before(now, RevocationSet::certain(now));
    }

    fn gc_before(&mut self, now: Timestamp, revoked: Timestamp) {
        self.require.retain(|token| !token.expires_before(now));
        self.provide.retain(|token| !token.expires_before(now));
        self.consumed.retain(|token| !token.expires_before(now));
        if self.revoked.stored(revoked).1 > 0 {
            Arc::make_mut(&mut self.revoked).gc(revoked);
        }
        self.trust.gc(now);
    }
}
