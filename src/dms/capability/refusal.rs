//! Why a message was not authorised: what the network never says and the simulator records.

use std::fmt;

use smallvec::SmallVec;

use super::authorisation::Consumption;
use super::predicates::SideChainFault;
use super::verify::{CapabilityError, LinkError};

/// Why one token did not authorise a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// Nothing ties it to this peer: not anchored at its DID or a root, and no side chain knows any of its
    /// issuers.
    Untrusted,
    /// A side chain knows one of its issuers but does not accept it.
    SideChain(SideChainFault),
    /// It was considered, but a link does not verify.
    Link(LinkError),
    /// It expired between its consumption and its use.
    Expired,
    /// It is for another kind of action.
    Action,
    /// It is for another audience.
    Audience,
    /// It is for other topics.
    Topic,
    /// It gives other capabilities.
    Capability,
}

impl Why {
    /// The higher, the nearer the token came to authorising the message.
    const fn rank(self) -> u8 {
        match self {
            Self::Action => 0,
            Self::Untrusted => 1,
            Self::Audience => 2,
            Self::Topic => 3,
            Self::Capability => 4,
            Self::SideChain(_) => 5,
            Self::Expired => 6,
            Self::Link(_) => 7,
        }
    }
}
impl fmt::Display for Why {
    /// A short stable text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "issuer not trusted",
            Self::Link(LinkError { link, rule }) => return write!(f, "{} (link {link})", rule.label()),
            Self::Expired => "capability expired",
            Self::Action => "other action",
            Self::Audience => "other audience",
            Self::Topic => "topic not granted",
            Self::Capability => "capability not granted",
            Self::SideChain(fault) => match fault {
                SideChainFault::Subject => "issuer not trusted",
                SideChainFault::Action => "side chain is no delegation",
                SideChainFault::Expiry => "side chain expires too early",
                SideChainFault::Depth => "side chain too shallow",
                SideChainFault::Audience => "side chain for another audience",
                SideChainFault::Capability => "capability not covered by side chain",
                SideChainFault::Topic => "topic not covered by side chain",
            },
        })
    }
}

/// What became of one token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Verdict {
    /// Its place among the message's tokens (when consumed) or among the subject's consumed tokens (when
    /// used).
    pub token: u16,
    /// Why it gave no authority.
    pub why: Why,
}

/// A message is not authorised. Displayed as DMS does; [`Refusal::explain`] says why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    /// The behaviour asked for no capability at all.
    pub no_capabilities: bool,
    /// The verdict on every token, those refused at consumption first.
    pub verdicts: SmallVec<[Verdict; 3]>,
}

impl Refusal {
    /// Adds what the consumption of the message's tokens refused.
    #[must_use]
    pub fn with_consumption(mut self, consumption: &Consumption) -> Self {
        self.verdicts.insert_many(0, consumption.refused.iter().copied());
        self
    }
    /// The verdict on the token that came nearest to authorising the message.
    #[must_use]
    pub fn nearest(&self) -> Option<Verdict> {
        // Of equals the first counts; max_by_key would take the last.
        self.verdicts.iter().rev().max_by_key(|verdict| verdict.why.rank()).copied()
    }
    /// A short stable reason, such as `no token: capability expired (link 2)`.
    #[must_use]
    pub fn explain(&self) -> String {
        match self.nearest() {
            _ if self.no_capabilities => "no capabilities".to_owned(),
            None => "no token".to_owned(),
            Some(verdict) => format!("no token: {}", verdict.why),
        }
    }
}
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = if self.no_capabilities {
            CapabilityError::NoCapabilities
        } else {
            CapabilityError::NotAuthorized
        };
        fmt::Display::fmt(&error, f)
    }
}
impl std::error::Error for Refusal {}
