//! Vectors 1 to 20 and 29 of the spec's section 4 (those about tokens, chains and contexts).

use super::lab::{ANY, Lab, asked, caps, in_every_mode, with_garbage_signatures};
use crate::dms::capability::*;
use crate::dms::identity::SecretKey;

/// a, b and their actor keys, with a's first call consumed at b.
struct Pair {
    a: CapabilityContext,
    b: CapabilityContext,
    key_a: SecretKey,
    key_b: SecretKey,
    call: TokenList,
}

fn pair(lab: &mut Lab, same_root: bool) -> (Pair, CapabilityContext, CapabilityContext) {
    let r1 = lab.context("r1");
    let r2 = if same_root { r1.clone() } else { lab.context("r2") };
    let (a, b) = (lab.rooted("a", &r1, &["/test/invoke"]), lab.rooted("b", &r2, &["/test/invoke"]));
    let (key_a, key_b) = (lab.key("actor a"), lab.key("actor b"));
    (Pair { a, b, key_a, key_b, call: TokenList::new() }, r1, r2)
}

fn call(lab: &mut Lab, pair: &mut Pair) -> Result<Authorised, Refusal> {
    let Pair { a, b, key_a, key_b, .. } = pair;
    pair.call = lab.provide(a, b, (key_a, key_b), 30, &["/test/invoke"], &["/test/reply"]).unwrap();
    let consumption = b.consume(a.did(), &pair.call, lab.now).unwrap();
    lab.require(b, (key_a, key_b), "/test/invoke").map_err(|refusal| refusal.with_consumption(&consumption))
}

fn reply(lab: &mut Lab, pair: &mut Pair) -> Result<Authorised, Refusal> {
    let Pair { a, b, key_a, key_b, .. } = pair;
    let tokens = lab.provide(b, a, (key_b, key_a), 20, &["/test/reply"], &[]).unwrap();
    a.consume(b.did(), &tokens, lab.now).unwrap();
    lab.require(a, (key_b, key_a), "/test/reply")
}

#[test]
fn vector_01_a_call_within_one_root() {
    in_every_mode(|lab| {
        let (mut pair, ..) = pair(lab, true);
        assert_eq!(call(lab, &mut pair).unwrap().route, Route::Root);
        // One chained, one self-signed, one for the reply.
        assert_eq!(pair.call.len(), 3);
    });
}

#[test]
fn vector_02_the_reply_has_authority_from_the_delegate_token() {
    in_every_mode(|lab| {
        let (mut pair, ..) = pair(lab, true);
        call(lab, &mut pair).unwrap();
        assert_eq!(reply(lab, &mut pair).unwrap().route, Route::Own);
        // Without the consumed delegation there is none.
        let call = pair.call.clone();
        pair.b.discard(&call);
        pair.a.gc(lab.secs(1_000));
        assert!(reply(lab, &mut pair).is_err());
    });
}

#[test]
fn vector_03_discard_empties_the_consumed_store() {
    in_every_mode(|lab| {
        let (mut pair, ..) = pair(lab, true);
        call(lab, &mut pair).unwrap();
        assert_eq!(pair.b.consumed().len(), 3);
        let call = pair.call.clone();
        pair.b.discard(&call);
        assert!(pair.b.consumed().is_empty());
    });
}

#[test]
fn vector_04_two_roots_joined_by_require_tokens() {
    in_every_mode(|lab| {
        let (mut pair, r1, r2) = pair(lab, false);
        let one = lab.grant(&r1, &lab.say(r2.did(), &["/test/invoke"]));
        let two = lab.grant(&r2, &lab.say(r1.did(), &["/test/invoke"]));
        lab.anchor_require(&mut pair.a, &one).unwrap();
        lab.anchor_require(&mut pair.b, &two).unwrap();
        assert_eq!(call(lab, &mut pair).unwrap().route, Route::SideChain);
        assert_eq!(reply(lab, &mut pair).unwrap().route, Route::Own);
    });
}

#[test]
fn vector_05_two_roots_without_require_tokens() {
    in_every_mode(|lab| {
        let (mut pair, ..) = pair(lab, false);
        let refusal = call(lab, &mut pair).unwrap_err();
        assert_eq!(refusal.to_string(), "not authorized");
        assert_eq!(refusal.explain(), "no token: issuer not trusted");
    });
}

fn broadcast(lab: &mut Lab, with_require: bool) -> Result<Authorised, Refusal> {
    let (r1, r2) = (lab.context("r1"), lab.context("r2"));
    let (mut a, mut b) = (lab.rooted("a", &r1, &[]), lab.rooted("b", &r2, &[]));
    let mut say = lab.say(a.did(), &["/test/broadcast"]);
    say.topics = caps(&["test"]);
    let token = lab.grant(&r1, &say);
    lab.anchor_provide(&mut a, &token).unwrap();
    if with_require {
        say.subject = r1.did().clone();
        let token = lab.grant(&r2, &say);
        lab.anchor_require(&mut b, &token).unwrap();
    }
    let (topic, wanted, sender) = (Capability::fixed("test"), caps(&["/test/broadcast"]), lab.key("actor a"));
    let mut tokens = TokenList::new();
    let (expire, now) = (lab.secs(30), lab.now);
    let message = Broadcast { sender: sender.public(), topic: &topic, expire, capabilities: &wanted };
    a.provide_broadcast(&message, now, &mut || lab.nonce(), &mut tokens).unwrap();
    b.consume(a.did(), &tokens, lab.now).unwrap();
    b.require(&asked(&b, sender.public(), Reach::Topic(&topic), &wanted), lab.now)
}

#[test]
fn vector_06_a_broadcast_through_a_require_token() {
    in_every_mode(|lab| assert_eq!(broadcast(lab, true).unwrap().route, Route::SideChain));
}

#[test]
fn vector_07_a_broadcast_without_the_require_token() {
    in_every_mode(|lab| assert_eq!(broadcast(lab, false).unwrap_err().to_string(), "not authorized"));
}

fn from_depth_one(lab: &mut Lab, action: Action) -> Result<TokenList, CapabilityError> {
    let (r1, mut r2, r3) = (lab.context("r1"), lab.context("r2"), lab.context("r3"));
    let mut say = lab.say(r2.did(), &["/test"]);
    (say.depth, say.topics) = (1, caps(&["/broadcast/test"]));
    let token = lab.grant(&r1, &say);
    lab.anchor_provide(&mut r2, &token).unwrap();
    let mut child = lab.say(r3.did(), &["/test"]);
    child.action = action;
    if action == Action::Broadcast {
        child.topics = caps(&["/broadcast/test"]);
    }
    lab.delegate(&r2, &child, SelfSign::No)
}

#[test]
fn vector_08_depth_one_still_invokes() {
    in_every_mode(|lab| assert_eq!(from_depth_one(lab, Action::Invoke).unwrap().len(), 1));
}

#[test]
fn vector_09_depth_one_still_broadcasts() {
    in_every_mode(|lab| assert_eq!(from_depth_one(lab, Action::Broadcast).unwrap().len(), 1));
}

#[test]
fn vector_10_depth_one_is_a_dead_end() {
    in_every_mode(|lab| {
        assert_eq!(from_depth_one(lab, Action::Delegate).unwrap_err().to_string(), "not authorized");
    });
}

#[test]
fn vector_11_garbage_signatures() {
    in_every_mode(|lab| {
        let (mut pair, ..) = pair(lab, true);
        let (keys, spoilt) = {
            let Pair { a, b, key_a, key_b, .. } = &pair;
            let tokens = lab.provide(a, b, (key_a, key_b), 30, &["/test/invoke"], &["/test/reply"]).unwrap();
            ((key_a.clone(), key_b.clone()), with_garbage_signatures(&tokens))
        };
        let consumption = pair.b.consume(pair.a.did(), &spoilt, lab.now).unwrap();
        assert_eq!((consumption.kept, consumption.refused.len()), (0, 3));
        let refusal = lab.require(&pair.b, (&keys.0, &keys.1), "/test/invoke").unwrap_err();
        let refusal = refusal.with_consumption(&consumption);
        assert_eq!(refusal.explain(), "no token: signature verification failed (link 1)");
    });
}

/// b's grant to a whose subject is b itself.
fn require_grant(lab: &mut Lab, b: &CapabilityContext, a: &CapabilityContext) -> Token {
    let mut say = lab.say(b.did(), &["/test/invoke"]);
    (say.audience, say.depth, say.expire) = (a.did().clone(), 1, lab.secs(30));
    lab.grant(b, &say)
}

#[test]
fn vector_12_anchoring_twice_is_idempotent() {
    in_every_mode(|lab| {
        let (mut a, b) = (lab.context("a"), lab.context("b"));
        let token = require_grant(lab, &b, &a);
        for _ in 0..2 {
            lab.anchor_require(&mut a, &token).unwrap();
            assert_eq!(a.require_anchors().len(), 1);
        }
    });
}

#[test]
fn vectors_13_and_14_a_corrupted_signature_is_refused_in_both_stores() {
    in_every_mode(|lab| {
        let (mut a, b) = (lab.context("a"), lab.context("b"));
        let token = TokenList::from(require_grant(lab, &b, &a));
        let spoilt = with_garbage_signatures(&token);
        for error in [lab.anchor_require(&mut a, &spoilt[0]), lab.anchor_provide(&mut a, &spoilt[0])] {
            let error = error.unwrap_err();
            assert!(error.is_bad_signature());
            assert_eq!(error.to_string(), "verify token: verify: signature: signature verification failed");
        }
        assert!(a.require_anchors().is_empty() && a.provide_anchors().is_empty());
    });
}

#[test]
fn vectors_15_and_16_no_partial_delegation() {
    in_every_mode(|lab| {
        let (root, a) = (lab.context("r"), lab.context("a"));
        let b = lab.rooted("b", &root, &["/test/invoke"]);
        let mut say = lab.say(a.did(), &["/test/invoke"]);
        say.depth = 10;
        assert_eq!(lab.delegate(&b, &say, SelfSign::No).unwrap().len(), 1);
        say.capabilities = caps(&["/test/invoke", "/test/send"]);
        assert_eq!(lab.delegate(&b, &say, SelfSign::No).unwrap_err(), CapabilityError::NotAuthorized);
    });
}

#[test]
fn vector_17_no_partial_broadcast() {
    in_every_mode(|lab| {
        let (root, a) = (lab.context("r"), lab.context("a"));
        let mut b = lab.rooted("b", &root, &["/test/invoke"]);
        // Granted a moment later than b's first token, as it happens on a real clock.
        lab.now.0 += 1;
        let mut say = lab.say(b.did(), &["/test/invoke"]);
        say.topics = caps(&["/test/nunet"]);
        let token = lab.grant(&root, &say);
        lab.anchor_provide(&mut b, &token).unwrap();
        say.subject = a.did().clone();
        (say.action, say.expire) = (Action::Broadcast, lab.secs(30));
        assert_eq!(lab.delegate(&b, &say, SelfSign::No).unwrap().len(), 1);
        say.capabilities = caps(&["/test/invoke", "/test/send"]);
        assert_eq!(lab.delegate(&b, &say, SelfSign::No).unwrap_err(), CapabilityError::NotAuthorized);
    });
}

#[test]
fn vector_18_three_links_with_shrinking_expiry() {
    in_every_mode(|lab| {
        let (mut a, mut j) = (lab.context("a"), lab.context("j"));
        let mut b = lab.context("b");
        let mut say = lab.say(a.did(), &["/test/invoke"]);
        say.expire = lab.secs(10);
        let token = lab.grant(&b, &say);
        lab.anchor_provide(&mut a, &token).unwrap();
        (say.subject, say.expire) = (j.did().clone(), lab.secs(5));
        let tokens = lab.delegate(&a, &say, SelfSign::No).unwrap();
        lab.anchor_provide(&mut j, &tokens[0]).unwrap();
        let (key_j, key_b) = (j.secret().clone(), b.secret().clone());
        let call = lab.provide(&j, &b, (&key_j, &key_b), 3, &["/test/invoke"], &[]).unwrap();
        assert_eq!(call[0].links().count(), 3);
        b.consume(j.did(), &call, lab.now).unwrap();
        lab.now = lab.secs(3);
        assert_eq!(lab.require(&b, (&key_j, &key_b), "/test/invoke").unwrap().route, Route::Own);
        lab.now.0 += 1;
        let refusal = lab.require(&b, (&key_j, &key_b), "/test/invoke").unwrap_err();
        assert_eq!(refusal.explain(), "no token: capability expired");
        b.discard(&call);
        let consumption = b.consume(j.did(), &call, lab.now).unwrap();
        assert_eq!(consumption.kept, 0);
    });
}

#[test]
fn vector_19_a_receiver_without_anchors() {
    in_every_mode(|lab| {
        let root = lab.context("r");
        let (mut bob, alice) = (lab.context("bob"), lab.rooted("alice", &root, &["/test/invoke"]));
        let (from, to) = (lab.key("actor a"), lab.key("actor b"));
        let call = lab.provide(&alice, &bob, (&from, &to), 30, &["/test/invoke"], &[]).unwrap();
        // Both are anchored at the origin: kept, but without authority here.
        assert_eq!(bob.consume(alice.did(), &call, lab.now).unwrap().kept, 2);
        assert_eq!(
            lab.require(&bob, (&from, &to), "/test/invoke").unwrap_err().to_string(),
            "not authorized"
        );
    });
}

#[test]
fn vector_20_actors_in_the_same_and_in_different_roots() {
    in_every_mode(|lab| {
        let (mut same, ..) = pair(lab, true);
        assert!(call(lab, &mut same).is_ok());
        let (mut different, ..) = pair(lab, false);
        assert!(call(lab, &mut different).is_err());
    });
}

#[test]
fn vector_29_grants_of_the_security_context() {
    in_every_mode(|lab| {
        let (mut a, b) = (lab.context("a"), lab.context("b"));
        let (minute, day) = (60_000_000_000, 86_400_000_000_000);
        let wanted = caps(&["/test"]);
        for _ in 0..3 {
            let nonce = lab.nonce();
            let token = a.grant_for(b.did(), &ANY, &wanted, minute, lab.now, nonce).unwrap();
            assert_eq!((token.depth(), token.expire()), (1, lab.secs(60)));
            lab.now.0 += 1;
        }
        assert_eq!(a.require_anchors().len(), 1, "granting again replaces");
        for duration in [-day, 0] {
            let nonce = lab.nonce();
            let error = a.grant_for(b.did(), &ANY, &wanted, duration, lab.now, nonce).unwrap_err();
            assert_eq!(error.to_string(), "verify token: capability expired");
        }
        let mut counter = NonceCounter::starting_at(lab.now);
        let (first, second) = (counter.next_nonce(), counter.next_nonce());
        assert_eq!((first, second), (lab.now.0 + 1, lab.now.0 + 2));
    });
}
