//! Two peers of one organization that call each other, for what is measured about capabilities.

use dmsim::dms::actor::Behaviour;
use dmsim::dms::capability::{
    Capability, CapabilityContext, Invocation, Membership, OrganizationKeys, Reach, Requirement, Rules,
    TokenList, join,
};
use dmsim::dms::identity::{SecretKey, SignatureMode};
use dmsim::kernel::{Span, Timestamp};

/// The time at which everything happens.
pub(crate) const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
static COMMIT: Capability = Capability::fixed("/dms/deployment/commit");

/// A key whose signatures are modelled.
pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

/// Two members of one organization, and the calls of the first to the second.
pub(crate) struct Members {
    sender: CapabilityContext,
    receiver: CapabilityContext,
    calls: u64,
}

impl Members {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn provide(&mut self, replies: bool, tokens: &mut TokenList) {
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
    pub(crate) fn authorise(&mut self, tokens: &TokenList) {
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
