//! Random chains, anchors, clocks and revocations: the authoriser against the slow one, modelled signatures
//! against real ones, verification with its memo against the plain algorithm, and accounts of decisions against the
//! decisions.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;

use super::lab::{ANY, Lab, caps};
use super::scene::{NAMES, Scene};
use crate::dms::capability::explain::{Explanation, Fate, Slot};
use crate::dms::capability::slow::{FoundSigned, authorises};
use crate::dms::capability::*;
use crate::dms::identity::{Did, SignatureMode};

/// What happened, in terms that do not depend on the signature mode.
#[derive(PartialEq, Debug)]
struct Outcome {
    verdicts: Vec<Verdict>,
    result: Result<Authorised, String>,
}

thread_local! {
    /// What the plain authoriser remembers of all scenes before, in either mode.
    static KNOWN: RefCell<[FoundSigned; 2]> = RefCell::default();
}

fn play(mode: SignatureMode, rules: Rules, genes: &[u8]) -> Outcome {
    let mut scene = Scene::new(mode, rules, genes);
    let mut receiver = scene.receiver.clone();
    if let Some(revocation) = scene.revocation.take() {
        anchor_revocation(&mut receiver, &revocation, &scene);
    }
    let (tokens, now) = (scene.tokens.clone(), scene.now);
    for token in &tokens {
        let plain = verify::verify_chain(token, receiver.trust(), now, receiver.revocations(), rules);
        for _ in 0..2 {
            let quick = verify::verify(token, receiver.trust(), now, receiver.revocations(), rules);
            assert_eq!(quick, plain, "the memo changed the decision");
        }
    }
    let expected = authorises(&receiver, &tokens, &scene.question(), &mut FoundSigned::default());
    for _ in 0..2 {
        let remembering = |known: &mut [FoundSigned; 2]| {
            authorises(&receiver, &tokens, &scene.question(), &mut known[mode as usize])
        };
        assert_eq!(KNOWN.with_borrow_mut(remembering), expected, "what is remembered changed the decision");
    }
    let mut by_blob = receiver.clone();
    let account = receiver.explain_consume(&scene.origin, &tokens, now).unwrap();
    let consumption = receiver.consume(&scene.origin, &tokens, now).unwrap();
    assert_eq!(verdicts(&account), consumption.refused.to_vec(), "the account of the consumption");
    assert_eq!(account.tokens.len() - verdicts(&account).len(), usize::from(consumption.kept));
    assert_eq!(by_blob.consume_blob(&scene.origin, &tokens.to_json(), now).unwrap(), consumption);

    let decision = scene.ask(&receiver);
    let account = receiver.explain_require(&scene.requirement(&receiver), now);
    assert_eq!(account.authorised, decision.as_ref().ok().copied(), "the account of the decision");
    if let Err(refusal) = &decision {
        assert_eq!(verdicts(&account), refusal.verdicts.to_vec());
    }
    let result = decision.map_err(|refusal| refusal.with_consumption(&consumption).explain());
    assert_eq!(result.is_ok(), expected, "the slow authoriser decides otherwise: {result:?}\n{tokens:#?}");
    assert_eq!(scene.ask(&by_blob).is_ok(), expected);
    receiver.discard(&tokens);
    assert!(receiver.consumed().is_empty());
    Outcome { verdicts: consumption.refused.to_vec(), result }
}

fn verdicts(account: &Explanation) -> Vec<Verdict> {
    let verdict = |one: &explain::TokenAccount| Some(Verdict { token: one.token, why: one.why? });
    account.tokens.iter().filter_map(verdict).collect()
}

/// Anchors a revocation, which may be one that does not verify, and holds the account to what happened.
fn anchor_revocation(receiver: &mut CapabilityContext, revocation: &Token, scene: &Scene) {
    let revoke = &[Arc::new(revocation.clone())];
    let anchors = Anchors { revoke, ..Anchors::default() };
    let account = receiver.explain_anchoring(&anchors, scene.start);
    let before = receiver.require_anchors().len();
    assert_eq!(receiver.add_roots(&anchors, scene.start), account.result);
    let kept = account.tokens.iter().filter(|one| matches!(one.fate, Fate::Kept(_))).count();
    assert_eq!(receiver.revocations().len(), kept);
    assert!(account.dropped.iter().all(|(slot, _)| *slot == Slot::Require));
    assert_eq!(receiver.require_anchors().len(), before - account.dropped.len());
}

/// Chains, anchors, clocks and revocations as `seed` makes them.
fn random_genes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    // The first numbers of neighbouring seeds are alike.
    (0..128).map(|_| next()).skip(8).collect()
}

#[test]
#[ignore = "takes minutes; ./verify --full runs it"]
fn a_hundred_thousand_scenes_are_decided_alike_by_all() {
    for seed in 0..100_000 {
        let genes = random_genes(seed);
        let outcomes = [Rules::AS_IS, Rules::INTENDED].map(|rules| {
            let modelled = play(SignatureMode::Modelled, rules, &genes);
            (rules, modelled)
        });
        // Real signatures are slow: each scene is played with them under one of the rules.
        let (rules, modelled) = &outcomes[seed as usize % 2];
        assert_eq!(play(SignatureMode::Real, *rules, &genes), *modelled, "seed {seed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_authoriser_agrees_with_the_slow_one(genes in proptest::collection::vec(any::<u8>(), 0..120)) {
        for rules in [Rules::AS_IS, Rules::INTENDED] {
            play(SignatureMode::Modelled, rules, &genes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn modelled_signatures_decide_as_real_ones(genes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let modelled = play(SignatureMode::Modelled, Rules::INTENDED, &genes);
        prop_assert_eq!(play(SignatureMode::Real, Rules::INTENDED, &genes), modelled);
    }
}

#[test]
fn the_random_cases_reach_every_outcome() {
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..4000 {
        let key = match play(SignatureMode::Modelled, Rules::INTENDED, &random_genes(seed)).result {
            Ok(Authorised { route, .. }) => format!("{route:?}"),
            Err(reason) => reason.split(" (link").next().unwrap_or_default().to_owned(),
        };
        *outcomes.entry(key).or_default() += 1;
    }
    for wanted in [
        "Own",
        "Root",
        "SideChain",
        "no token: issuer not trusted",
        "no token: capability expired",
        "no token: max token depth exceeded",
        "no token: token has been revoked",
        "no token: chain does not allow delegation",
        "no token: issuer is not the chain's subject",
        "no token: capabilities not allowed by the chain",
        "no token: capability outlives its parent",
        "no token: signature verification failed",
        "no token: no anchor for the issuer",
    ] {
        assert!(outcomes.get(wanted).is_some_and(|count| *count >= 5), "{wanted}: {outcomes:#?}");
    }
}

#[test]
fn granting_again_does_not_grow_the_store() {
    let mut lab = Lab::new(SignatureMode::Modelled, Rules::INTENDED);
    let mut host = lab.context("host");
    let subjects: Vec<Did> = NAMES.map(|name| lab.context(name).did().clone()).into();
    for round in 0..50 {
        lab.now.0 += 1_000_000_000;
        for subject in &subjects {
            let nonce = lab.nonce();
            host.grant_for(subject, &ANY, &caps(&["/x"]), 10_000_000_000, lab.now, nonce).unwrap();
        }
        assert_eq!(host.require_anchors().len(), subjects.len(), "round {round}");
    }
}
