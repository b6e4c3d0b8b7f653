//! The yardstick of capabilities: two members of one organization, of which one calls the other.
//!
//! The token that authorises a call has three links: what the organization gives the operator, what the operator gives
//! the node, and the invocation. The one that the sender signs for itself has one. Signatures are modelled. Nothing
//! here looks at a clock: the caller times it, as with [`phold`](crate::kernel::phold).

use crate::dms::actor::Behaviour;
use crate::dms::capability::{
    Capability, CapabilityContext, Invocation, Membership, OrganizationKeys, Reach, Requirement, Rules,
    TokenList, join,
};
use crate::dms::identity::{SecretKey, SignatureMode};
use crate::kernel::{Span, Timestamp};

/// The time at which everything happens.
pub const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
static COMMIT: Capability = Capability::fixed("/dms/deployment/commit");

/// A key whose signatures are modelled.
pub fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

/// Two members of one organization, and the calls of the first to the second.
#[derive(Clone, Debug)]
pub struct Members {
    sender: CapabilityContext,
    receiver: CapabilityContext,
    calls: u64,
}

impl Members {
    /// Two that have just joined, and no call so far.
    ///
    /// # Panics
    /// Never: the memberships are fresh.
    #[must_use]
    pub fn new() -> Self {
        let organization = OrganizationKeys::new("nunet".into(), key(200), Rules::INTENDED);
        let membership = Membership::usual(NOW + Span::hours(1));
        let mut counter = 0_u8;
        let mut member = |seed: u8| {
            let mut user = CapabilityContext::new(CapabilityContext::USER, key(seed + 100), Rules::INTENDED);
            let mut node = CapabilityContext::new(CapabilityContext::NODE, key(seed), Rules::INTENDED);
            let mut nonces = || {
                counter += 1;
                [counter; 12]
            };
            join(&organization, &mut user, &mut node, &membership, NOW, &mut nonces).expect("a fresh join");
            node
        };
        Self { sender: member(1), receiver: member(2), calls: 0 }
    }

    /// The tokens of the next call; `replies` adds the one by which it may be answered.
    ///
    /// # Panics
    /// Never: each call names what it invokes.
    pub fn provide(&mut self, replies: bool, tokens: &mut TokenList) {
        self.calls += 1;
        let reply = Behaviour::reply_to(NOW.0 + self.calls).path;
        let invocation = Invocation {
            target: self.receiver.did(),
            sender: self.sender.secret().public(),
            receiver: self.receiver.secret().public(),
            expire: NOW + Span::secs(3),
            invoke: std::slice::from_ref(&COMMIT),
            delegate: if replies { std::slice::from_ref(&reply) } else { &[] },
        };
        let mut number = self.calls << 8;
        let mut nonces = || {
            number += 1;
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&number.to_le_bytes());
            nonce
        };
        tokens.clear();
        self.sender.provide(&invocation, NOW, &mut nonces, tokens).expect("it names what it invokes");
    }

    /// The receiver takes the tokens up, looks for the one that authorises the call, and forgets them.
    ///
    /// # Panics
    /// If the call is refused: its tokens were made for somebody else, or are taken up twice.
    pub fn authorise(&mut self, tokens: &TokenList) {
        self.receiver.consume(self.sender.did(), tokens, NOW).expect("it is short");
        let wanted = Requirement {
            anchor: self.receiver.did(),
            subject: self.sender.secret().public(),
            reach: Reach::Actor(self.receiver.secret().public()),
            capabilities: std::slice::from_ref(&COMMIT),
        };
        let decision = self.receiver.require(&wanted, NOW);
        assert!(decision.is_ok(), "members may call each other");
        self.receiver.discard(tokens);
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_authorised_by_a_token_of_three_links() {
        let mut members = Members::new();
        let mut tokens = TokenList::new();
        for replies in [false, true] {
            members.provide(replies, &mut tokens);
            let longest = tokens.iter().map(|token| token.links().count()).max();
            assert_eq!(longest, Some(3));
            members.authorise(&tokens);
        }
    }
}
