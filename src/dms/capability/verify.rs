//! The verification of a chain (spec section 2.4) and the errors of capability handling.
//!
//! [`verify_chain`] is the algorithm, link by link in its order. [`verify`] decides the same faster:
//! signatures and nesting of a token never change, so their success is remembered in the token, and an
//! ordinary call checks expiry, revocations and its own leaf only. Every failure is decided by the slow path,
//! so that its reason is the exact one.

use super::predicates::ChildLink;
use super::rules::Rules;
use super::store::RevocationSet;
use super::token::{Action, Token};
use crate::dms::identity::{AnchorFault, TrustContext, TrustError};
use crate::kernel::Timestamp;

/// Which rule a link broke. Displayed with DMS's texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Rule {
    /// Expired at the time of checking, itself or through an ancestor.
    #[error("capability expired")]
    Expired,
    /// Its parent expires before it.
    #[error("capability expired")]
    OutlivesParent,
    /// Deeper below a link than that link's depth allows.
    #[error("max token depth exceeded: not authorized")]
    DepthExceeded,
    /// In the revocation set.
    #[error("verify: token has been revoked: not authorized")]
    Revoked,
    /// Its parent is no delegation.
    #[error("verify: chain does not allow delegation: not authorized")]
    ParentNotDelegate,
    /// Its issuer is not its parent's subject (the spelling is DMS's own).
    #[error("verify: issuer/chain subject misnmatch: not authorized")]
    IssuerMismatch,
    /// It claims more than its parent gives.
    #[error("verify: capabilities are not allowed by the chain: not authorized")]
    NotAllowedByChain,
    /// No verifying key for its issuer.
    #[error("verify: anchor: {0}")]
    Anchor(AnchorFault),
    /// Signed by somebody else, changed after signing, or not signed.
    #[error("verify: signature: signature verification failed")]
    Signature,
}

impl Rule {
    /// A short stable text for tables of refusals.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Expired => "capability expired",
            Self::OutlivesParent => "capability outlives its parent",
            Self::DepthExceeded => "max token depth exceeded",
            Self::Revoked => "token has been revoked",
            Self::ParentNotDelegate => "chain does not allow delegation",
            Self::IssuerMismatch => "issuer is not the chain's subject",
            Self::NotAllowedByChain => "capabilities not allowed by the chain",
            Self::Anchor(_) => "no anchor for the issuer",
            Self::Signature => "signature verification failed",
        }
    }
}

/// A link failed: which one and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[error("{rule}")]
pub struct LinkError {
    /// 0 for the leaf, 1 for its parent, and so on.
    pub link: u16,
    /// The rule that the link broke.
    pub rule: Rule,
}

/// What capability operations refuse. Displayed with DMS's texts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CapabilityError {
    /// No authority for what was asked.
    #[error("not authorized")]
    NotAuthorized,
    /// Both capability lists were empty.
    #[error("no capabilities: not authorized")]
    NoCapabilities,
    /// There is something to delegate but nothing to invoke.
    #[error("no invocation capabilities: not authorized")]
    NoInvocationCapabilities,
    /// A token did not verify.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A token to be anchored did not verify.
    #[error("verify token: {0}")]
    VerifyToken(LinkError),
    /// A token in the revocation slot is no revocation.
    #[error("verify token: bad token")]
    NotARevocation,
    /// An envelope without a DMS token.
    #[error("bad token")]
    BadToken,
    /// More than [`super::TokenList::MAX_BYTES`] bytes in one message.
    #[error("capability blob too big")]
    BlobTooBig,
    /// The JSON cannot be read.
    #[error("unmarshaling payload: {0}")]
    Unmarshal(String),
    /// A stored context is for another DID or cannot be read.
    #[error("bad context")]
    BadContext,
}

impl CapabilityError {
    /// The link and rule, when a verification failed.
    #[must_use]
    pub const fn link_error(&self) -> Option<LinkError> {
        match self {
            Self::Link(error) | Self::VerifyToken(error) => Some(*error),
            _ => None,
        }
    }
    /// True when the root cause is "signature verification failed".
    #[must_use]
    pub const fn is_bad_signature(&self) -> bool {
        matches!(self.link_error(), Some(LinkError { rule: Rule::Signature, .. }))
    }
    /// True when the root cause is "not authorized".
    #[must_use]
    pub const fn is_not_authorized(&self) -> bool {
        match self {
            Self::NotAuthorized | Self::NoCapabilities | Self::NoInvocationCapabilities => true,
            Self::Link(error) | Self::VerifyToken(error) => !matches!(
                error.rule,
                Rule::Expired | Rule::OutlivesParent | Rule::Anchor(_) | Rule::Signature
            ),
            _ => false,
        }
    }
}

/// Verifies a token with all its ancestors at `now`, using and filling the memo of sound chains.
///
/// # Errors
/// The first rule broken, in the order of [`verify_chain`].
pub fn verify(
    token: &Token,
    trust: &TrustContext,
    now: Timestamp,
    revoked: &RevocationSet,
    rules: Rules,
) -> Result<(), LinkError> {
    let passes = token.action() != Action::Revoke
        && !token.expires_before(now)
        && token.depth_allows(0)
        && !revoked.names_any_link(token)
        && is_sound(token, trust, now, rules);
    if passes { Ok(()) } else { verify_chain(token, trust, now, revoked, rules) }
}

/// Nesting and signatures of the whole chain: what never changes for an immutable token.
fn is_sound(token: &Token, trust: &TrustContext, now: Timestamp, rules: Rules) -> bool {
    if token.is_known_sound(trust.mode(), rules) {
        return true;
    }
    let nests = match token.chain() {
        None => true,
        Some(parent) => check_nesting(token, parent, rules).is_ok() && is_sound(parent, trust, now, rules),
    };
    let sound = nests && check_signature(token, trust, now).is_ok();
    if sound {
        token.remember_sound(trust.mode(), rules);
    }
    sound
}

/// The algorithm of the spec without shortcuts; the counter starts at 0 on the leaf.
///
/// # Errors
/// The first rule broken: expiry, depth, revocation, the parent's action and expiry, the parent itself,
/// issuer, capabilities, anchor, signature.
pub fn verify_chain(
    token: &Token,
    trust: &TrustContext,
    now: Timestamp,
    revoked: &RevocationSet,
    rules: Rules,
) -> Result<(), LinkError> {
    verify_link(token, trust, now, revoked, rules, 0)
}

fn verify_link(
    token: &Token,
    trust: &TrustContext,
    now: Timestamp,
    revoked: &RevocationSet,
    rules: Rules,
    counter: u16,
) -> Result<(), LinkError> {
    let fail = |rule| LinkError { link: counter, rule };
    if token.expires_before(now) {
        // DMS reports the leaf; the link that is over says more, and the text is the same.
        let link = token.links().position(|link| now > link.expire()).unwrap_or(0);
        return Err(LinkError { link: counter.saturating_add(link as u16), rule: Rule::Expired });
    }
    if token.action() == Action::Revoke {
        return check_signature(token, trust, now).map_err(fail);
    }
    if token.depth() > 0 && u64::from(counter) > token.depth() {
        return Err(fail(Rule::DepthExceeded));
    }
    if revoked.contains(token) {
        return Err(fail(Rule::Revoked));
    }
    if let Some(parent) = token.chain() {
        check_parent(token, parent).map_err(fail)?;
        verify_link(parent, trust, now, revoked, rules, counter.saturating_add(1))?;
        check_child(token, parent, rules).map_err(fail)?;
    }
    check_signature(token, trust, now).map_err(fail)
}

/// Both halves of what a link and its parent must agree on.
fn check_nesting(token: &Token, parent: &Token, rules: Rules) -> Result<(), Rule> {
    check_parent(token, parent)?;
    check_child(token, parent, rules)
}

/// What the parent must be before it is itself verified.
fn check_parent(token: &Token, parent: &Token) -> Result<(), Rule> {
    if parent.action() != Action::Delegate {
        Err(Rule::ParentNotDelegate)
    } else if parent.expires_before(token.expire()) {
        Err(Rule::OutlivesParent)
    } else {
        Ok(())
    }
}

/// What the link may claim once its parent is verified.
fn check_child(token: &Token, parent: &Token, rules: Rules) -> Result<(), Rule> {
    if token.issuer() != parent.subject() {
        return Err(Rule::IssuerMismatch);
    }
    let child = ChildLink {
        action: token.action(),
        issuer: token.issuer(),
        audience: token.audience(),
        topics: token.topics(),
        expire: token.expire(),
    };
    let allowed =
        token.capabilities().iter().all(|capability| parent.permits_child(&child, capability, rules));
    if allowed { Ok(()) } else { Err(Rule::NotAllowedByChain) }
}

fn check_signature(token: &Token, trust: &TrustContext, now: Timestamp) -> Result<(), Rule> {
    let Some(signature) = token.signature() else {
        trust.anchor(token.issuer(), now).map_err(Rule::Anchor)?;
        return Err(Rule::Signature);
    };
    trust.verify(token.issuer(), token, signature, now).map_err(|error| match error {
        TrustError::Anchor(fault) => Rule::Anchor(fault),
        TrustError::NoProvider | TrustError::InvalidSignature => Rule::Signature,
    })
}
