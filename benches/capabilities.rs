//! What tokens cost, with modelled signatures and chains whose verification is remembered: `cargo bench`.
//!
//! A member of an organization calls another one: the token that authorises the call has three links above the
//! invocation's own (organization, operator, node), the one that the sender signs for itself has none.

use std::cell::RefCell;

use divan::{Bencher, black_box};
use dmsim::dms::actor::Behaviour;
use dmsim::dms::capability::{
    Capability, CapabilityContext, Invocation, Membership, OrganizationKeys, Reach, Requirement, Rules,
    TokenList, join,
};
use dmsim::dms::identity::{SecretKey, SignatureMode};
use dmsim::kernel::{Span, Timestamp};

const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
static COMMIT: Capability = Capability::fixed("/dms/deployment/commit");

fn main() {
    divan::main();
}

fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

/// Two members of one organization, and the calls of the first to the second.
struct Members {
    sender: CapabilityContext,
    receiver: CapabilityContext,
    calls: u64,
}

impl Members {
    fn new() -> Self {
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
    fn provide(&mut self, replies: bool, tokens: &mut TokenList) {
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
    fn authorise(&mut self, tokens: &TokenList) {
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

/// The sender's part: making and signing the tokens of a call, without and with one for its reply.
#[divan::bench(args = [false, true])]
fn provide(bencher: Bencher<'_, '_>, replies: bool) {
    let mut members = Members::new();
    let mut tokens = TokenList::new();
    bencher.bench_local(move || members.provide(black_box(replies), &mut tokens));
}

/// The receiver's part, of a call that it has not seen before: the invocation's own link is verified, the chain above
/// it was before.
#[divan::bench(args = [false, true])]
fn authorise(bencher: Bencher<'_, '_>, replies: bool) {
    let members = RefCell::new(Members::new());
    let fresh = || {
        let mut tokens = TokenList::new();
        members.borrow_mut().provide(replies, &mut tokens);
        tokens
    };
    bencher.with_inputs(fresh).bench_local_refs(|tokens| members.borrow_mut().authorise(black_box(tokens)));
}

/// Both.
#[divan::bench(args = [false, true])]
fn call(bencher: Bencher<'_, '_>, replies: bool) {
    let mut members = Members::new();
    let mut tokens = TokenList::new();
    bencher.bench_local(move || {
        members.provide(black_box(replies), &mut tokens);
        members.authorise(&tokens);
    });
}
