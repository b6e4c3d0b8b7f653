//! The questions that a token answers from its content alone (spec section 2.3).

use super::path::Capability;
use super::rules::Rules;
use super::store::RevocationKey;
use super::token::{Action, Token};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// A child link that somebody wants to hang below a token.
#[derive(Clone, Copy, Debug)]
pub struct ChildLink<'a> {
    /// What the child would allow.
    pub action: Action,
    /// Who would sign the child.
    pub issuer: &'a Did,
    /// On whom the child could be used.
    pub audience: &'a Did,
    /// The topics of the child.
    pub topics: &'a [Capability],
    /// When the child would expire.
    pub expire: Timestamp,
}

impl Token {
    /// `ExpireBefore`: true when `t` is later than the expiry of this link or of any ancestor. A token is
    /// valid at exactly its expiry instant.
    #[must_use]
    pub fn expires_before(&self, t: Timestamp) -> bool {
        t > self.earliest_expire()
    }

    /// `Anchor`: true when `did` issued this link or any ancestor.
    #[must_use]
    pub fn is_anchored_at(&self, did: &Did) -> bool {
        self.links().any(|link| link.issuer() == did)
    }

    /// `AnchorDepth`: the number of links between this token and the ancestor that `did` issued; of several,
    /// the one nearest the root counts. `None` when `did` issued none.
    #[must_use]
    pub fn anchor_depth(&self, did: &Did) -> Option<u64> {
        self.links().zip(0u64..).filter(|(link, _)| link.issuer() == did).last().map(|(_, depth)| depth)
    }

    /// `verifyDepth`: walking up from this link with a counter that starts at `counter`, no link's depth
    /// limit is below the counter.
    #[must_use]
    pub fn depth_allows(&self, counter: u64) -> bool {
        counter < self.depth_room()
    }

    /// `AllowDelegation`: [`Token::permits_child`], and the depth limits leave room for the child (and for a
    /// link below it if the child is itself a delegation: a dead end is refused up front).
    #[must_use]
    pub fn allows_delegation(&self, child: &ChildLink<'_>, capability: &Capability, rules: Rules) -> bool {
        let counter = if child.action == Action::Delegate { 2 } else { 1 };
        self.depth_allows(counter) && self.permits_child(child, capability, rules)
    }

    /// The part of `AllowDelegation` that verification repeats: a delegate token whose subject is the child's
    /// issuer, that does not expire before the child, for any audience or the child's, with every topic and
    /// the capability implied.
    #[must_use]
    pub fn permits_child(&self, child: &ChildLink<'_>, capability: &Capability, rules: Rules) -> bool {
        self.action() == Action::Delegate
            && !self.expires_before(child.expire)
            && self.subject() == child.issuer
            && self.reaches(child.audience)
            && Capability::all_implied(self.topics(), child.topics, rules)
            && Capability::any_implies(self.capabilities(), capability, rules)
    }

    /// `AllowAction`, the side-chain test: the first reason why this *require* token does not accept `other`; `None`
    /// when it does.
    #[must_use]
    pub fn side_chain_fault(&self, other: &Self, rules: Rules) -> Option<SideChainFault> {
        // The subject first: it sorts out nearly every token of a long require list.
        let Some(depth) = other.anchor_depth(self.subject()) else {
            return Some(SideChainFault::Subject);
        };
        if self.action() != Action::Delegate {
            Some(SideChainFault::Action)
        } else if self.expires_before(other.expire()) {
            Some(SideChainFault::Expiry)
        } else if self.depth() > 0 && depth > self.depth() {
            Some(SideChainFault::Depth)
        } else if !self.reaches(other.audience()) {
            Some(SideChainFault::Audience)
        } else if !Capability::all_implied(self.capabilities(), other.capabilities(), rules) {
            Some(SideChainFault::Capability)
        } else if !Capability::all_implied(self.topics(), other.topics(), rules) {
            Some(SideChainFault::Topic)
        } else {
            None
        }
    }

    /// `Subsumes`: holding this token makes `other` superfluous. Same issuer, subject and audience; expires
    /// no earlier; implies every capability. Unless the rules are blind: also the same action, every topic,
    /// no smaller depth, and anchored wherever `other` is.
    #[must_use]
    pub fn subsumes(&self, other: &Self, rules: Rules) -> bool {
        // What tells most tokens of a long list apart comes first.
        self.expire() >= other.expire()
            && self.audience() == other.audience()
            && self.subject() == other.subject()
            && self.issuer() == other.issuer()
            && Capability::all_implied(self.capabilities(), other.capabilities(), rules)
            && (rules.blind_subsumption || self.covers_purpose(other, rules))
    }

    fn covers_purpose(&self, other: &Self, rules: Rules) -> bool {
        self.action() == other.action()
            && (self.earliest_expire() >= other.earliest_expire())
            && Capability::all_implied(self.topics(), other.topics(), rules)
            && self.depth_room() >= other.depth_room()
            && other.links().all(|link| self.is_anchored_at(link.issuer()))
    }

    /// `RevocationKey`: what a revocation of this token names.
    #[must_use]
    pub fn revocation_key(&self) -> RevocationKey {
        RevocationKey { issuer: self.issuer().clone(), subject: self.subject().clone(), nonce: *self.nonce() }
    }

    /// Whether it may be used on `audience`.
    pub(super) fn reaches(&self, audience: &Did) -> bool {
        self.audience().is_empty() || self.audience() == audience
    }
}

/// Why a *require* token does not accept another token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SideChainFault {
    /// Its subject issued no link of the chain.
    Subject,
    /// It is no delegation.
    Action,
    /// It expires before the token.
    Expiry,
    /// Its subject's link is further away than its depth allows.
    Depth,
    /// It is for another audience.
    Audience,
    /// It does not cover every capability.
    Capability,
    /// It does not cover every topic.
    Topic,
}
