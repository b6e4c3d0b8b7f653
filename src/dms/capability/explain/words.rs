//! Accounts as lines of text.

use super::super::authorisation::Route;
use super::super::path::Capability;
use super::super::predicates::SideChainFault;
use super::super::refusal::Why;
use super::super::token::{Claims, Token};
use super::{
    Anchoring, Explanation, Fate, LinkAccount, ParentAccount, ParentFault, SideChainAccount, Tie,
    TokenAccount, Trust,
};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// How to speak of DIDs and moments.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// A name for a DID.
    pub did: &'a dyn Fn(&Did) -> String,
    /// A text for a moment.
    pub time: &'a dyn Fn(Timestamp) -> String,
}

impl Words<'_> {
    /// What a link says, in one line.
    #[must_use]
    pub fn claims(&self, claims: &Claims) -> String {
        let list = |texts: &[Capability]| {
            let quoted: Vec<String> = texts
                .iter()
                .map(|text| if text.as_str().is_empty() { "\"\"".to_owned() } else { text.to_string() })
                .collect();
            if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(" ") }
        };
        let mut line = format!(
            "{} {} -> {}: {}",
            claims.action.as_str(),
            (self.did)(&claims.issuer),
            (self.did)(&claims.subject),
            list(&claims.capabilities)
        );
        if !claims.audience.is_empty() {
            line += &format!(", on {}", (self.did)(&claims.audience));
        }
        if !claims.topics.is_empty() {
            line += &format!(", topics {}", list(&claims.topics));
        }
        if claims.depth > 0 {
            line += &format!(", depth {}", claims.depth);
        }
        line + &format!(", until {}", (self.time)(claims.expire))
    }

    fn links(&self, links: &[LinkAccount], lines: &mut Vec<String>) {
        for (link, place) in links.iter().zip(0..) {
            let says = self.claims(&link.claims);
            let broken = link.broken.map_or(String::new(), |rule| format!(" <- {}", rule.label()));
            let excess = match &link.excess {
                Some(ParentFault::Topic(topic)) => format!(": its parent does not give the topic {topic}"),
                Some(ParentFault::Capability(capability)) => {
                    format!(": its parent does not give {capability}")
                }
                Some(ParentFault::Audience) => ": its parent is for another audience".to_owned(),
                _ => String::new(),
            };
            lines.push(format!("  link {place}: {says}{broken}{excess}"));
        }
    }

    /// Why a token was trusted.
    #[must_use]
    pub fn trust(&self, trust: &Trust) -> String {
        let (anchor, link) = ((self.did)(&trust.anchor), trust.link);
        match trust.tie {
            Tie::Sender => format!("its sender {anchor} issued link {link}"),
            Tie::Route(Route::Own, _) => format!("own: {anchor} itself issued link {link}"),
            Tie::Route(Route::Root, _) => format!("root: the root anchor {anchor} issued link {link}"),
            Tie::Route(Route::SideChain, place) => {
                let issuer = trust.accepted_by.as_ref().map_or_else(String::new, |did| (self.did)(did));
                let require = format!("require token {place} ({issuer} -> {anchor})");
                format!("side chain: {require} accepts it, and {anchor} issued link {link}")
            }
        }
    }

    fn side_chain(&self, account: &SideChainAccount) -> String {
        let (issuer, subject) = ((self.did)(&account.issuer), (self.did)(&account.subject));
        let fault = match account.fault {
            SideChainFault::Subject => format!("{subject} issued no link"),
            fault => Why::SideChain(fault).to_string(),
        };
        format!("  require token {} ({issuer} -> {subject}) does not accept it: {fault}", account.place)
    }

    fn token(&self, account: &TokenAccount, lines: &mut Vec<String>) {
        let place = account.token;
        let head = match (&account.why, &account.grants, &account.trust) {
            (Some(why), _, _) => format!("refused: {why}"),
            (None, Some(capability), Some(trust)) => format!("gives {capability} by {}", self.trust(trust)),
            (None, _, Some(trust)) => format!("kept: {}", self.trust(trust)),
            (None, _, None) => "kept".to_owned(),
        };
        lines.push(format!("token {place} {head}"));
        self.links(&account.links, lines);
        lines.extend(account.side_chains.iter().map(|account| self.side_chain(account)));
    }

    /// The account of a consumption or a requirement.
    #[must_use]
    pub fn explanation(&self, explanation: &Explanation) -> Vec<String> {
        let mut lines = Vec::new();
        explanation.tokens.iter().for_each(|account| self.token(account, &mut lines));
        lines
    }

    /// The account of an anchoring.
    #[must_use]
    pub fn anchoring(&self, anchoring: &Anchoring) -> Vec<String> {
        let mut lines = Vec::new();
        for account in &anchoring.tokens {
            let slot = account.slot.as_str();
            let fate = match &account.fate {
                Fate::Kept(displaced) if displaced.is_empty() => "kept".to_owned(),
                Fate::Kept(displaced) => {
                    let old: Vec<String> =
                        displaced.iter().map(|token| self.claims(token.claims())).collect();
                    format!("kept; displaces {}", old.join("; "))
                }
                Fate::Subsumed(by) => format!("superfluous beside {}", self.claims(by.claims())),
                Fate::Refused(error) => format!("refused: {error}"),
                Fate::Undone => "not kept, since a later one was refused".to_owned(),
            };
            lines.push(format!("{slot} token {fate}"));
            self.links(&account.links, &mut lines);
        }
        for (slot, links) in &anchoring.dropped {
            lines.push(format!("{} token dropped: it does not verify any more", slot.as_str()));
            self.links(links, &mut lines);
        }
        lines
    }

    /// The account of a delegation.
    #[must_use]
    pub fn delegation(&self, parents: &[ParentAccount]) -> Vec<String> {
        let line = |account: &ParentAccount| {
            let kind = if account.consumed { "consumed" } else { "provide" };
            let fate = match &account.fault {
                None => "is the parent of a new link".to_owned(),
                Some(fault) => format!("is passed over: {fault}"),
            };
            format!("{kind} token {fate}")
        };
        let mut lines = Vec::new();
        for account in parents {
            lines.push(line(account));
            for (link, place) in account.token.links().zip(0..) {
                lines.push(format!("  link {place}: {}", self.claims(Token::claims(link))));
            }
        }
        lines
    }
}
