//! Why a new link could hang below a token that is held, or not.

use std::fmt;

use super::super::context::CapabilityContext;
use super::super::delegation::Delegation;
use super::super::path::Capability;
use super::super::predicates::ChildLink;
use super::super::rules::Rules;
use super::super::token::{Action, Token};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// Why a parent does not permit a child.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParentFault {
    /// It is over.
    Expired,
    /// It is a consumed token that has nothing to do with the receiver of the message.
    Target,
    /// It leaves no room for the child, or for nothing below a child that is itself a delegation: a dead end.
    Depth,
    /// It is no delegation.
    Action,
    /// It expires before the child.
    Expiry,
    /// It was given to somebody else.
    Subject,
    /// It is for another audience.
    Audience,
    /// It does not give this topic.
    Topic(Capability),
    /// It does not give this capability.
    Capability(Capability),
}

impl fmt::Display for ParentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "it has expired",
            Self::Target => "it does not come from the target",
            Self::Depth => "its depth leaves no room below it",
            Self::Action => "it is no delegation",
            Self::Expiry => "it expires too early",
            Self::Subject => "it was given to somebody else",
            Self::Audience => "it is for another audience",
            Self::Topic(topic) => return write!(f, "it does not give the topic {topic}"),
            Self::Capability(capability) => return write!(f, "it does not give {capability}"),
        })
    }
}

/// A token that a new link could have hung below.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParentAccount {
    /// The token.
    pub token: Token,
    /// Whether it is one of the message at hand; otherwise it is a *provide* token.
    pub consumed: bool,
    /// Why not; `None` when the link was made.
    pub fault: Option<ParentFault>,
}

impl CapabilityContext {
    /// The account of a delegation at `now`: every token that is held, in the order in which they are tried. Those
    /// without a fault each get one new link. `reply_to` is the target of a [`CapabilityContext::delegate_invocation`],
    /// for which consumed tokens count too.
    #[must_use]
    pub fn explain_delegation(
        &self,
        action: Action,
        reply_to: Option<&Did>,
        delegation: &Delegation<'_>,
        now: Timestamp,
    ) -> Vec<ParentAccount> {
        let mut accounts = Vec::new();
        if delegation.capabilities.is_empty() {
            return accounts;
        }
        let topics = if action == Action::Invoke { &[] } else { delegation.topics };
        let audience = if action == Action::Broadcast { &Did::Empty } else { delegation.audience };
        let child = ChildLink { action, issuer: &self.did, audience, topics, expire: delegation.expire };
        let judge = |parent: &Token, child: &ChildLink<'_>| {
            let room = if action == Action::Delegate { 2 } else { 1 };
            if parent.expires_before(now) {
                Some(ParentFault::Expired)
            } else if !parent.depth_allows(room) {
                Some(ParentFault::Depth)
            } else {
                fault(parent, child, delegation.capabilities, self.rules)
            }
        };
        if let Some(target) = reply_to {
            for parent in self.consumed.iter().filter(|token| *token.subject() == self.did) {
                let away = (!parent.is_anchored_at(target)).then_some(ParentFault::Target);
                let fault = away.or_else(|| judge(parent, &child));
                accounts.push(ParentAccount { token: (**parent).clone(), consumed: true, fault });
            }
        }
        for parent in self.provide.tokens() {
            let inherits = action == Action::Delegate && delegation.expire == Timestamp::ZERO;
            let expire = if inherits { parent.expire() } else { delegation.expire };
            let fault = judge(parent, &ChildLink { expire, ..child });
            accounts.push(ParentAccount { token: Token::clone(parent), consumed: false, fault });
        }
        accounts
    }
}

/// The first respect in which a parent does not permit a child with these capabilities; depth is not looked at.
pub(super) fn fault(
    parent: &Token,
    child: &ChildLink<'_>,
    capabilities: &[Capability],
    rules: Rules,
) -> Option<ParentFault> {
    let lacks = |held: &[Capability], wanted: &[Capability]| {
        wanted.iter().find(|wanted| !Capability::any_implies(held, wanted, rules)).cloned()
    };
    if parent.action() != Action::Delegate {
        Some(ParentFault::Action)
    } else if parent.expires_before(child.expire) {
        Some(ParentFault::Expiry)
    } else if parent.subject() != child.issuer {
        Some(ParentFault::Subject)
    } else if !parent.audience().is_empty() && parent.audience() != child.audience {
        Some(ParentFault::Audience)
    } else {
        lacks(parent.topics(), child.topics)
            .map(ParentFault::Topic)
            .or_else(|| lacks(parent.capabilities(), capabilities).map(ParentFault::Capability))
    }
}
