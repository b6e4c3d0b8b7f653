//! Times the capability part of a call, from the tokens that the sender makes to those that the receiver forgets:
//! `cargo run --release --example calls`.

use dmsim::dms::actor::Behaviour;
use dmsim::dms::capability::{
    Capability, CapabilityContext, Invocation, Membership, OrganizationKeys, Rules, TokenList, join,
};
use dmsim::dms::identity::{SecretKey, SignatureMode};
use dmsim::kernel::{Span, Timestamp};

const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
const CALLS: u32 = 1_000_000;

fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

/// Two members of one organization.
fn members() -> (CapabilityContext, CapabilityContext) {
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
    (member(1), member(2))
}

/// Nanoseconds and tokens of a call, the best of three rounds: the machine has other things to do.
#[allow(clippy::disallowed_methods, reason = "an example that measures wall time")]
fn time(replies: bool) -> (f64, usize) {
    let (sender, mut receiver) = members();
    let behaviour = Capability::fixed("/dms/deployment/commit");
    let mut tokens = TokenList::new();
    let mut best = f64::INFINITY;
    let mut number = 0_u128;
    for _ in 0..3 {
        let start = std::time::Instant::now();
        for call in 0..CALLS {
            let reply = Behaviour::reply_to(NOW.0 + u64::from(call)).path;
            let invocation = Invocation {
                target: receiver.did(),
                sender: sender.secret().public(),
                receiver: receiver.secret().public(),
                expire: NOW + Span::secs(3),
                invoke: std::slice::from_ref(&behaviour),
                delegate: if replies { std::slice::from_ref(&reply) } else { &[] },
            };
            let mut nonces = || {
                number += 1;
                let mut nonce = [0; 12];
                nonce.copy_from_slice(&number.to_le_bytes()[..12]);
                nonce
            };
            tokens.clear();
            sender.provide(&invocation, NOW, &mut nonces, &mut tokens).expect("it names what it invokes");
            receiver.consume(sender.did(), &tokens, NOW).expect("it is short");
            let (own, other) = (receiver.did().clone(), sender.secret().public());
            let wanted = std::slice::from_ref(&behaviour);
            let decision = receiver.require(&own, other, receiver.secret().public(), wanted, NOW);
            assert!(decision.is_ok(), "members may call each other");
            receiver.discard(&tokens);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    (best, tokens.len())
}

fn main() {
    for replies in [false, true] {
        let (ns, tokens) = time(replies);
        println!("a call with {tokens} tokens: {ns:.0} ns");
    }
}
