//! Vectors 21 and 22 of the spec's section 4, and chains of mixed keys and methods of DIDs (section 1).

use std::sync::Arc;

use super::lab::{Lab, caps, in_every_mode};
use crate::dms::capability::*;
use crate::dms::identity::{AnchorFault, Did, DidDocument, DocumentTable, KeyKind, SecretKey, TrustContext};

/// A judge that finds the documents of these contexts.
fn judge(lab: &Lab, known: &[&CapabilityContext]) -> CapabilityContext {
    let mut judge = lab.context("judge");
    let mut table = DocumentTable::default();
    for context in known {
        table.publish(DidDocument::with_key(context.did(), &context.secret().public()));
    }
    judge.trust_mut().set_resolver(Arc::new(table));
    judge
}

fn check(lab: &Lab, by: &CapabilityContext, token: &Token) -> Result<(), LinkError> {
    let fast = verify::verify(token, by.trust(), lab.now, by.revocations(), by.rules());
    let plain = verify::verify_chain(token, by.trust(), lab.now, by.revocations(), by.rules());
    assert_eq!(fast, plain);
    fast
}

#[test]
fn vector_21_a_did_prism_delegates_to_a_did_key() {
    in_every_mode(|lab| {
        let (prism, key) = (lab.prism("did:prism:a", "a"), lab.context("b"));
        let judge = judge(lab, &[&prism]);
        let token = lab.grant(&prism, &lab.say(key.did(), &["/test"]));
        assert_eq!(check(lab, &judge, &token), Ok(()));
        // Nobody finds the document.
        let error = check(lab, &lab.context("judge"), &token).unwrap_err();
        assert_eq!(error.to_string(), "verify: anchor: no anchor method");
        let error = check(lab, &self::judge(lab, &[]), &token).unwrap_err();
        assert_eq!(error.rule, Rule::Anchor(AnchorFault::Unresolved));
        assert_eq!(error.to_string(), "verify: anchor: DID cannot be resolved");
        // The document names another key.
        let other = lab.prism("did:prism:a", "other");
        let error = check(lab, &self::judge(lab, &[&other]), &token).unwrap_err();
        assert_eq!(error.rule, Rule::Signature);
    });
}

#[test]
fn vector_22_a_did_key_delegates_to_a_did_prism() {
    in_every_mode(|lab| {
        let (key, mut prism, last) = (lab.context("a"), lab.prism("did:prism:b", "b"), lab.context("c"));
        let token = lab.grant(&key, &lab.say(prism.did(), &["/test"]));
        let judge = judge(lab, &[&prism]);
        assert_eq!(check(lab, &judge, &token), Ok(()));
        // And the did:prism passes it on: methods mix freely in a chain.
        lab.anchor_provide(&mut prism, &token).unwrap();
        let tokens = lab.delegate(&prism, &lab.say(last.did(), &["/test/x"]), SelfSign::No).unwrap();
        assert_eq!(check(lab, &judge, &tokens[0]), Ok(()));
        assert_eq!(check(lab, &self::judge(lab, &[]), &tokens[0]).unwrap_err().link, 0);
    });
}

#[test]
fn a_new_document_counts_when_the_old_key_is_forgotten() {
    in_every_mode(|lab| {
        let (old, new) = (lab.prism("did:prism:a", "old"), lab.prism("did:prism:a", "new"));
        let mut say = lab.say(lab.context("b").did(), &["/test"]);
        say.expire = lab.secs(100_000);
        let tokens = [lab.grant(&old, &say), lab.grant(&new, &say)];
        let mut judge = judge(lab, &[&old]);
        let accepted = |lab: &Lab, judge: &CapabilityContext| {
            tokens.each_ref().map(|token| check(lab, judge, token).is_ok())
        };
        assert_eq!(accepted(lab, &judge), [true, false]);
        let fresh = self::judge(lab, &[&new]);
        let mut table = DocumentTable::default();
        table.publish(DidDocument::with_key(new.did(), &new.secret().public()));
        judge.trust_mut().set_resolver(Arc::new(table));
        assert_eq!((accepted(lab, &judge), accepted(lab, &fresh)), ([true, false], [false, true]));
        lab.now = lab.now + TrustContext::ANCHOR_TTL;
        judge.gc(lab.now);
        assert_eq!(accepted(lab, &judge), [true, false], "used again in its last instant");
        lab.now = lab.now + TrustContext::ANCHOR_TTL;
        lab.now.0 += 1;
        assert_eq!(accepted(lab, &judge), [false, true]);
    });
}

#[test]
fn a_secp256k1_user_between_ed25519_nodes() {
    in_every_mode(|lab| {
        let key = SecretKey::from_seed(KeyKind::Secp256k1, [7; 32], lab.mode).unwrap();
        let (org, mut user, node) =
            (lab.context("org"), CapabilityContext::new("user", key, lab.rules), lab.context("node"));
        assert!(user.did().to_string().starts_with("did:key:zQ3s"));
        let token = lab.grant(&org, &lab.say(user.did(), &["/test"]));
        lab.anchor_provide(&mut user, &token).unwrap();
        let tokens = lab.delegate(&user, &lab.say(node.did(), &["/test"]), SelfSign::No).unwrap();
        assert_eq!(check(lab, &node, &tokens[0]), Ok(()));
        // Through JSON, whose length is known beforehand although the signature's is not fixed.
        let json = tokens[0].to_json();
        assert_eq!(
            (json.len(), Token::from_json(&json).unwrap()),
            (tokens[0].json_len(), Token::clone(&tokens[0]))
        );
        let mut claims = tokens[0].claims().clone();
        claims.capabilities = caps(&["/test/x"]).into();
        let forged = Token::assemble(claims, tokens[0].chain().cloned(), tokens[0].signature().copied());
        assert_eq!(check(lab, &node, &forged).unwrap_err(), LinkError { link: 0, rule: Rule::Signature });
    });
}

#[test]
fn a_did_prism_context_is_saved_and_read_back() {
    in_every_mode(|lab| {
        let mut prism = lab.prism("did:prism:a", "a");
        let token = lab.grant(&lab.context("org"), &lab.say(prism.did(), &["/test"]));
        lab.anchor_provide(&mut prism, &token).unwrap();
        let saved = prism.to_saved();
        let again = lab.prism("did:prism:a", "a").with_saved(&saved, lab.now).unwrap();
        assert_eq!(again.list_roots(lab.now), prism.list_roots(lab.now));
        // The same key under its own did:key is somebody else.
        let other = lab.context("a").with_saved(&saved, lab.now).unwrap_err();
        assert_eq!(other, CapabilityError::BadContext);
        assert_eq!(prism.trust().provider(&Did::from_text("did:prism:a")).unwrap(), prism.secret());
    });
}
