//! The full account of a decision: every token that was looked at, every link of its chain, and everything that
//! trusted it or might have (dms-capabilities sections 2.4 and 2.6).
//!
//! An account is derived anew from the state before the decision, beside the fast path, by whoever wants to know;
//! a peer that is not asked pays nothing. Tests hold the accounts to the decisions that they explain.

mod anchoring;
mod delegating;
mod words;

pub use anchoring::{AnchorAccount, Anchoring, Fate, Slot};
pub use delegating::{ParentAccount, ParentFault};
pub use words::Words;

use super::authorisation::{Authorised, Requirement, Route};
use super::context::CapabilityContext;
use super::path::Capability;
use super::predicates::{ChildLink, SideChainFault};
use super::refusal::Why;
use super::token::{Claims, Token, TokenList};
use super::verify::{CapabilityError, LinkError, Rule, verify_chain};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// One link of a chain, leaf first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkAccount {
    /// What it says.
    pub claims: Claims,
    /// The rule that it breaks, where it is the one that decided.
    pub broken: Option<Rule>,
    /// In which respect it claims more than its parent gives, where that is the rule.
    pub excess: Option<ParentFault>,
}

/// What ties a token to the context that judges it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tie {
    /// The sender of the message issued a link; enough to be considered, not to be authorised.
    Sender,
    /// One of the routes by which a token is authorised; for side chains with the place of the *require* token.
    Route(Route, u16),
}

/// Why a token was trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// What ties it to the context.
    pub tie: Tie,
    /// The DID that it is anchored at.
    pub anchor: Did,
    /// The link that this DID issued; of several the one nearest the root.
    pub link: u16,
    /// The issuer of the *require* token, for side chains.
    pub accepted_by: Option<Did>,
}

/// A *require* token that did not accept a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SideChainAccount {
    /// Its place among the *require* tokens.
    pub place: u16,
    /// Who issued it.
    pub issuer: Did,
    /// Whose chains it accepts.
    pub subject: Did,
    /// Why it did not accept.
    pub fault: SideChainFault,
}

/// How one token fared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenAccount {
    /// Its place among the tokens of the message, or among the consumed tokens of the subject.
    pub token: u16,
    /// Its chain.
    pub links: Vec<LinkAccount>,
    /// Why it was trusted; `None` when it was not, or when another check failed before.
    pub trust: Option<Trust>,
    /// The side chains that did not accept it, when nothing else trusted it either.
    pub side_chains: Vec<SideChainAccount>,
    /// What was wrong with it; `None` when it was kept, or gave the authority.
    pub why: Option<Why>,
    /// The capability that it was taken for, when it gave the authority.
    pub grants: Option<Capability>,
}

/// The account of a consumption or of a requirement. Tokens behind the one that gave the authority were not looked
/// at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explanation {
    /// One account a token.
    pub tokens: Vec<TokenAccount>,
    /// The authority that was found, where it was required.
    pub authorised: Option<Authorised>,
}

impl CapabilityContext {
    /// The account of [`CapabilityContext::consume`] at `now`; nothing is consumed.
    ///
    /// # Errors
    /// As there.
    pub fn explain_consume(
        &self,
        origin: &Did,
        tokens: &TokenList,
        now: Timestamp,
    ) -> Result<Explanation, CapabilityError> {
        if tokens.json_len() > TokenList::MAX_BYTES {
            return Err(CapabilityError::BlobTooBig);
        }
        let accounts = tokens.iter().zip(0..).map(|(token, place)| {
            let from_sender = anchored(token, origin, Tie::Sender);
            let (trust, side_chains) = match from_sender {
                Some(trust) => (Ok(trust), Vec::new()),
                None => self.trust_in(&self.did, token, now),
            };
            let verified = verify_chain(token, &self.trust, now, &self.revoked, self.rules);
            let why = match &trust {
                Err(why) => Some(*why),
                Ok(_) => verified.err().map(Why::Link),
            };
            let links = self.chain(token, if trust.is_ok() { verified.err() } else { None });
            TokenAccount { token: place, links, trust: trust.ok(), side_chains, why, grants: None }
        });
        Ok(Explanation { tokens: accounts.collect(), authorised: None })
    }

    /// The account of [`CapabilityContext::require`] at `now`.
    #[must_use]
    pub fn explain_require(&self, requirement: &Requirement<'_>, now: Timestamp) -> Explanation {
        let mut explanation = Explanation::default();
        if requirement.capabilities.is_empty() {
            return explanation;
        }
        for (token, place) in self.shown_by(requirement.subject).zip(0..) {
            let allowed = self.allowance(token, requirement, now);
            let mut account = TokenAccount {
                token: place,
                links: self.chain(token, expired_link(token, now)),
                trust: None,
                side_chains: Vec::new(),
                why: allowed.err(),
                grants: None,
            };
            if let Ok(capability) = allowed {
                let (trust, side_chains) = self.trust_in(requirement.anchor, token, now);
                account.side_chains = side_chains;
                match trust {
                    Err(why) => account.why = Some(why),
                    Ok(trust) => {
                        if let Tie::Route(route, _) = trust.tie {
                            explanation.authorised = Some(Authorised { route, token: place, capability });
                        }
                        account.trust = Some(trust);
                        account.grants = Some(requirement.capabilities[usize::from(capability)].clone());
                    }
                }
            }
            explanation.tokens.push(account);
            if explanation.authorised.is_some() {
                break;
            }
        }
        explanation
    }

    /// By what `token` is trusted with `own` as the own DID; else why it is not, and every side chain's answer.
    fn trust_in(
        &self,
        own: &Did,
        token: &Token,
        now: Timestamp,
    ) -> (Result<Trust, Why>, Vec<SideChainAccount>) {
        let by_root = || {
            let roots = self.roots.iter().zip(0..);
            roots.into_iter().find_map(|(root, place)| anchored(token, root, Tie::Route(Route::Root, place)))
        };
        if let Some(trust) = anchored(token, own, Tie::Route(Route::Own, 0)).or_else(by_root) {
            return (Ok(trust), Vec::new());
        }
        let mut faults = Vec::new();
        for (side_chain, place) in self.require.tokens().iter().zip(0..) {
            let expired = side_chain.expires_before(now).then_some(SideChainFault::Expiry);
            let (issuer, subject) = (side_chain.issuer().clone(), side_chain.subject().clone());
            match side_chain.side_chain_fault(token, self.rules).or(expired) {
                Some(fault) => faults.push(SideChainAccount { place, issuer, subject, fault }),
                None => {
                    let tie = Tie::Route(Route::SideChain, place);
                    let trust = anchored(token, &subject, tie).ok_or(Why::Untrusted);
                    return (trust.map(|trust| Trust { accepted_by: Some(issuer), ..trust }), Vec::new());
                }
            }
        }
        // The later a check failed, the nearer that side chain came.
        let known =
            faults.iter().map(|account| account.fault).filter(|fault| *fault != SideChainFault::Subject);
        (Err(known.max().map_or(Why::Untrusted, Why::SideChain)), faults)
    }

    /// The links of a chain with the error that its verification ended with.
    fn chain(&self, token: &Token, error: Option<LinkError>) -> Vec<LinkAccount> {
        let links = token.links().zip(0..);
        let account = |(link, place): (&Token, u16)| {
            let broken = error.filter(|error| error.link == place).map(|error| error.rule);
            let excess = match (broken, link.chain()) {
                (Some(Rule::NotAllowedByChain), Some(parent)) => self.excess(link, parent),
                _ => None,
            };
            LinkAccount { claims: link.claims().clone(), broken, excess }
        };
        links.map(account).collect()
    }

    fn excess(&self, token: &Token, parent: &Token) -> Option<ParentFault> {
        let child = ChildLink {
            action: token.action(),
            issuer: token.issuer(),
            audience: token.audience(),
            topics: token.topics(),
            expire: token.expire(),
        };
        delegating::fault(parent, &child, token.capabilities(), self.rules)
    }
}

/// The trust in a token of which `did` issued a link.
fn anchored(token: &Token, did: &Did, tie: Tie) -> Option<Trust> {
    let link = token.anchor_depth(did)?;
    Some(Trust { tie, anchor: did.clone(), link: link as u16, accepted_by: None })
}

/// The link that is over at `now`, if the token is.
fn expired_link(token: &Token, now: Timestamp) -> Option<LinkError> {
    let link = token.links().position(|link| now > link.expire())?;
    Some(LinkError { link: link as u16, rule: Rule::Expired })
}
