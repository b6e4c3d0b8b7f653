//! Vectors D2 to D10 of the spec's section 4, the remaining rules of 2.6, and the standard set-up of 2.7. (D1
//! is with the paths.)

use std::sync::Arc;

use super::lab::{Lab, asked, caps, in_every_mode};
use crate::dms::capability::*;
use crate::dms::identity::SecretKey;
use crate::kernel::{Span, Timestamp};

fn check(lab: &Lab, by: &CapabilityContext, token: &Token) -> Result<(), LinkError> {
    let fast = verify::verify(token, by.trust(), lab.now, by.revocations(), by.rules());
    let slow = verify::verify_chain(token, by.trust(), lab.now, by.revocations(), by.rules());
    assert_eq!(fast, slow);
    fast
}

#[test]
fn vector_d2_valid_at_the_instant_of_expiry() {
    in_every_mode(|lab| {
        let (a, b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.now = token.expire();
        assert_eq!(check(lab, &b, &token), Ok(()));
        lab.now.0 += 1;
        assert_eq!(check(lab, &b, &token).unwrap_err().to_string(), "capability expired");
    });
}

#[test]
fn vector_d3_an_invoke_token_has_no_children() {
    in_every_mode(|lab| {
        let (a, b) = (lab.context("a"), lab.context("b"));
        let mut say = lab.say(b.did(), &["/test"]);
        say.action = Action::Invoke;
        let parent = lab.grant(&a, &say);
        let claims = lab.grant(&b, &say).claims().clone();
        let token = Token::sign(claims, Some(Arc::new(parent)), b.secret());
        let error = check(lab, &a, &token).unwrap_err();
        assert_eq!(error.to_string(), "verify: chain does not allow delegation: not authorized");
        assert_eq!(error.link, 0);
    });
}

#[test]
fn vector_d4_a_revoked_token_is_not_taken_again() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.anchor_revoke(&mut b, &a.revoke(&token).unwrap()).unwrap();
        let error = lab.anchor_provide(&mut b, &token).unwrap_err();
        let text = "verify token: verify: token has been revoked: not authorized";
        assert_eq!((error.to_string().as_str(), error.is_not_authorized()), (text, true));
        // A token that is no revocation does not fit the slot, and a forged one does not verify.
        let error = lab.anchor_revoke(&mut b, &token).unwrap_err();
        assert_eq!(error.to_string(), "verify token: bad token");
        let forged = a.revoke(&token).unwrap().with_signature(None);
        assert!(lab.anchor_revoke(&mut b, &forged).unwrap_err().is_bad_signature());
    });
}

#[test]
fn a_node_keeps_a_revocation_for_a_clock_that_is_ahead() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.anchor_revoke(&mut b, &a.revoke(&token).unwrap()).unwrap();
        let last = token.expire() + RevocationSet::MARGIN;
        b.collect(last);
        let saved = b.to_saved();
        let again = |now| lab.context("b").with_saved(&saved, now).unwrap().revocations().len();
        assert_eq!((b.revocations().len(), again(last), again(last + Span(1))), (1, 1, 0));
        b.collect(last + Span(1));
        assert!(b.revocations().is_empty());
    });
}

#[test]
fn vector_d5_revoking_a_middle_link_kills_the_leaf() {
    in_every_mode(|lab| {
        let (a, mut b, mut c) = (lab.context("a"), lab.context("b"), lab.context("c"));
        let first = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.anchor_provide(&mut b, &first).unwrap();
        let middle = lab.delegate(&b, &lab.say(c.did(), &["/test"]), SelfSign::No).unwrap();
        lab.anchor_provide(&mut c, &middle[0]).unwrap();
        let leaf = lab.delegate(&c, &lab.say(a.did(), &["/test/x"]), SelfSign::No).unwrap();
        let mut judge = lab.context("judge");
        assert_eq!(check(lab, &judge, &leaf[0]), Ok(()));
        lab.anchor_revoke(&mut judge, &b.revoke(&middle[0]).unwrap()).unwrap();
        let error = check(lab, &judge, &leaf[0]).unwrap_err();
        assert_eq!(error, LinkError { link: 1, rule: Rule::Revoked });
        assert_eq!(error.to_string(), "verify: token has been revoked: not authorized");
    });
}

#[test]
fn vector_d6_only_the_issuer_revokes() {
    in_every_mode(|lab| {
        let (a, b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        assert_eq!(b.revoke(&token).unwrap_err().to_string(), "not authorized");
    });
}

#[test]
fn vector_d7_an_anchored_revocation_empties_the_stores() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.anchor_provide(&mut b, &token).unwrap();
        lab.anchor_require(&mut b, &token).unwrap();
        b.consume(a.did(), &TokenList::from(token.clone()), lab.now).unwrap();
        let listed = b.list_roots(lab.now);
        assert_eq!((listed.require.len(), listed.provide.len(), b.consumed().len()), (1, 1, 1));
        let revocation = a.revoke(&token).unwrap();
        lab.anchor_revoke(&mut b, &revocation).unwrap();
        let listed = b.list_roots(lab.now);
        assert_eq!((listed.require.len(), listed.provide.len(), b.consumed().len()), (0, 0, 0));
        assert_eq!(*listed.revoke[0], revocation);
        b.gc(token.expire());
        assert_eq!(b.revocations().len(), 1);
        b.gc(Timestamp(token.expire().0 + 1));
        assert!(b.revocations().is_empty());
    });
}

#[test]
fn vector_d8_the_size_limit() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let token = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        let mut blob = TokenList::from(token.clone()).to_json();
        blob.resize(TokenList::MAX_BYTES, b' ');
        assert_eq!(b.consume_blob(a.did(), &blob, lab.now).unwrap().kept, 1);
        blob.push(b' ');
        let error = b.consume_blob(a.did(), &blob, lab.now).unwrap_err();
        assert_eq!(error.to_string(), "capability blob too big");
        let error = b.consume_blob(a.did(), b"{", lab.now).unwrap_err();
        assert!(error.to_string().starts_with("unmarshaling payload: "));

        // The typed path counts the bytes that it would have written: one capability fills the list to the
        // brim.
        let short = TokenList::from(token).json_len();
        for (bytes, fits) in [(TokenList::MAX_BYTES, true), (TokenList::MAX_BYTES + 1, false)] {
            let mut say = lab.say(b.did(), &[]);
            say.capabilities = vec![Capability::from("/".repeat(bytes - short + "/test".len()))];
            let list = TokenList::from(lab.grant(&a, &say));
            assert_eq!((list.json_len(), list.to_json().len()), (bytes, bytes));
            assert_eq!(b.consume(a.did(), &list, lab.now).is_ok(), fits);
        }
    });
}

#[test]
fn vector_d9_expiry_zero_inherits() {
    in_every_mode(|lab| {
        let (root, a) = (lab.context("r"), lab.context("a"));
        let b = lab.rooted("b", &root, &["/test"]);
        let mut say = lab.say(a.did(), &["/test"]);
        say.expire = Timestamp::ZERO;
        let tokens = lab.delegate(&b, &say, SelfSign::No).unwrap();
        assert_eq!(tokens[0].expire(), lab.secs(120));
        assert_eq!(check(lab, &a, &tokens[0]), Ok(()));
        // In delegate alone: an invocation that expires at the epoch has expired.
        say.action = Action::Invoke;
        let tokens = lab.delegate(&b, &say, SelfSign::No).unwrap();
        assert_eq!(check(lab, &a, &tokens[0]).unwrap_err().rule, Rule::Expired);
    });
}

#[test]
fn vector_d10_a_broadcast_token_with_an_audience() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let sender = lab.key("actor a");
        let mut say = lab.say(&sender.public().into(), &["/test"]);
        (say.action, say.topics) = (Action::Broadcast, caps(&["test"]));
        for (audience, accepted) in [(super::lab::ANY, true), (b.did().clone(), false)] {
            say.audience = audience;
            let token = TokenList::from(lab.grant(&b, &say));
            b.consume(a.did(), &token, lab.now).unwrap();
            let topic = Capability::fixed("test");
            let wanted = caps(&["/test"]);
            let result = b.require(&asked(&b, sender.public(), Reach::Topic(&topic), &wanted), lab.now);
            assert_eq!(result.is_ok(), accepted);
            if let Err(refusal) = result {
                assert_eq!(refusal.explain(), "no token: other audience");
            }
            b.discard(&token);
        }
    });
}

#[test]
fn empty_requests_have_their_own_texts() {
    in_every_mode(|lab| {
        let (a, b) = (lab.context("a"), lab.context("b"));
        let keys = (lab.key("actor a"), lab.key("actor b"));
        let error = lab.provide(&a, &b, (&keys.0, &keys.1), 1, &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "no capabilities: not authorized");
        let error = lab.provide(&a, &b, (&keys.0, &keys.1), 1, &[], &["/reply"]).unwrap_err();
        assert_eq!(error.to_string(), "no invocation capabilities: not authorized");
        let nothing = asked(&a, keys.0.public(), Reach::Actor(keys.1.public()), &[]);
        let refusal = a.require(&nothing, lab.now).unwrap_err();
        assert_eq!(refusal.to_string(), "no capabilities: not authorized");
        assert!(lab.delegate(&a, &lab.say(b.did(), &[]), SelfSign::No).unwrap().is_empty());
    });
}

#[test]
fn a_failing_anchor_leaves_the_earlier_ones_only_as_is() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let good = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        let bad = lab.grant(&a, &lab.say(b.did(), &["/other"])).with_signature(None);
        let anchors = Anchors {
            roots: std::slice::from_ref(a.did()),
            require: &[Arc::new(good)],
            provide: &[Arc::new(bad)],
            revoke: &[],
        };
        assert!(b.add_roots(&anchors, lab.now).unwrap_err().is_bad_signature());
        let left = usize::from(lab.rules.partial_anchoring);
        assert_eq!((b.roots().len(), b.require_anchors().len(), b.provide_anchors().len()), (left, left, 0));
    });
}

#[test]
fn blind_subsumption_displaces_another_purpose() {
    in_every_mode(|lab| {
        let (a, mut b) = (lab.context("a"), lab.context("b"));
        let mut say = lab.say(b.did(), &["/test"]);
        say.topics = caps(&["/nunet"]);
        let with_topic = lab.grant(&a, &say);
        lab.now.0 += 1;
        let without = lab.grant(&a, &lab.say(b.did(), &["/test"]));
        lab.anchor_provide(&mut b, &with_topic).unwrap();
        lab.anchor_provide(&mut b, &without).unwrap();
        assert_eq!(b.provide_anchors().len(), if lab.rules.blind_subsumption { 1 } else { 2 });
    });
}

#[test]
fn the_standard_set_up_authorises_members_both_ways() {
    in_every_mode(|lab| {
        let organization = OrganizationKeys::new("nunet".into(), lab.key("nunet"), lab.rules);
        let membership = Membership::usual(lab.secs(3600));
        let mut nodes = Vec::new();
        let mut joined = Vec::new();
        for (user, dms) in [("alice", "alice dms"), ("bob", "bob dms")] {
            let (mut user, mut dms) = (lab.context(user), lab.context(dms));
            let now = lab.now;
            let tokens =
                join(&organization, &mut user, &mut dms, &membership, now, &mut || lab.nonce()).unwrap();
            assert_eq!(dms.roots(), std::slice::from_ref(user.did()));
            assert_eq!((user.provide_anchors().len(), user.require_anchors().len()), (1, 0));
            assert_eq!((dms.provide_anchors().len(), dms.require_anchors().len()), (1, 1));
            assert_eq!(*tokens.user_to_dms.chain().unwrap(), tokens.org_to_user);
            nodes.push(dms);
            joined.push(tokens);
        }
        let [alice, bob] = nodes.as_mut_slice() else { unreachable!() };
        let keys = (alice.secret().clone(), bob.secret().clone());
        let call = lab
            .provide(
                alice,
                bob,
                (&keys.0, &keys.1),
                30,
                &["/dms/deployment/request"],
                &["/dms/deployment/bid"],
            )
            .unwrap();
        assert_eq!(call[0].links().count(), 3);
        bob.consume(alice.did(), &call, lab.now).unwrap();
        let found = lab.require(bob, (&keys.0, &keys.1), "/dms/deployment/request").unwrap();
        assert_eq!(found.route, Route::SideChain);
        assert!(lab.require(bob, (&keys.0, &keys.1), "/dms/node/onboarding").is_err());
        bob.discard(&call);
        // Membership withdrawn at Bob: the chain breaks at the organization's link.
        let revocation = organization.context().revoke(&joined[0].org_to_user).unwrap();
        lab.anchor_revoke(bob, &revocation).unwrap();
        let consumption = bob.consume(alice.did(), &call, lab.now).unwrap();
        let refusal = lab.require(bob, (&keys.0, &keys.1), "/dms/deployment/request").unwrap_err();
        let reason = refusal.with_consumption(&consumption).explain();
        assert_eq!(reason, "no token: token has been revoked (link 2)");
        // The same membership again does not help: it is the token that is revoked, so a new one does.
        let saved = bob.to_saved();
        let empty = |key: &SecretKey| CapabilityContext::new("dms", key.clone(), lab.rules);
        let again = empty(&keys.1).with_saved(&saved, lab.now).unwrap();
        assert_eq!(again.list_roots(lab.now), bob.list_roots(lab.now));
        let other = empty(&keys.0).with_saved(&saved, lab.now);
        assert_eq!(other.unwrap_err().to_string(), "bad context");
    });
}
